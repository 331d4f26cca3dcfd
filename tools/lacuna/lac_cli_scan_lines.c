/* SPDX-License-Identifier: Apache-2.0 */
/* {"id","text"} lines in, {"id","tier","findings"} or, redacted, {"id","text","findings"} lines
 * out, in their order. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli_pool.h"
#include "lac_cli_scan.h"

struct slot {
    struct lac_scan_block in;
    struct lac_buf out;
    struct lac_str path; /* borrowed from argv */
};

enum { SLOTS_PER_THREAD = 4, OUT_BYTES = 1 << 30 };

static void bad_line(struct lac_cli_scan_run *run, struct lac_buf *out, uint64_t line,
                     const char *why)
{
    atomic_fetch_add(&run->counts.failed, 1);
    lac_scan_put_error(out, line, why);
}

/* Leaves the text without its findings in the worker's buffer. */
static bool redacted(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                     struct lac_str text, const struct lac_scan_result *r, struct lac_err *err)
{
    size_t places;

    lac_buf_reset(&w->excerpt);
    return lac_scan_redact(w->scan, r, text, w->redact, run->how, &w->excerpt, &places, err) ==
           LAC_OK;
}

static void one(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w, struct lac_str line,
                uint64_t number, struct lac_buf *out)
{
    struct lac_scan_item item = {0};
    struct lac_scan_result r;
    struct lac_json_writer j;
    struct lac_err err;

    if (line.len == 0)
        return;
    if (line.len > LAC_SCAN_LINE_BYTES) {
        bad_line(run, out, number, "the line is longer than 8 MiB");
        return;
    }
    if (lac_scan_item_parse(&item, line, &err) != LAC_OK ||
        lac_scan_text(w->scan, item.text, 0, item.text.len, &r, &err) != LAC_OK ||
        (run->redacting && !redacted(run, w, item.text, &r, &err))) {
        bad_line(run, out, number, err.text);
        lac_scan_item_deinit(&item);
        return;
    }
    lac_json_begin(&j, out);
    lac_json_open_object(&j);
    lac_json_key(&j, "id");
    if (item.id)
        lac_json_put_value(&j, item.id);
    else
        lac_json_put_null(&j);
    if (run->redacting) {
        lac_json_key(&j, "text");
        lac_json_put_str(&j, lac_buf_str(&w->excerpt));
    } else {
        lac_json_key(&j, "tier");
        lac_json_put_text(&j, lac_tier_name(r.tier));
    }
    lac_json_key(&j, "findings");
    lac_scan_put_findings(&j, run->setup.plan, &r, item.text);
    if (r.truncated) {
        lac_json_key(&j, "truncated");
        lac_json_put_bool(&j, true);
        atomic_fetch_add(&run->counts.truncated, 1);
    }
    lac_json_close_object(&j);
    lac_buf_put_char(out, '\n');
    atomic_fetch_add(&run->counts.files, 1);
    atomic_fetch_add(&run->counts.bytes, item.text.len);
    atomic_fetch_add(&run->counts.findings, r.listed);
    atomic_fetch_add(&run->counts.files_with, r.listed > 0);
    lac_scan_item_deinit(&item);
}

static void work(void *ctx, unsigned worker, void *slot)
{
    struct lac_cli_scan_run *run = ctx;
    struct slot *s = slot;
    struct lac_str line;
    uint64_t number, next = s->in.line;
    size_t at = 0;

    lac_buf_reset(&s->out);
    if (s->in.too_long)
        bad_line(run, &s->out, s->in.line, "the line is longer than 8 MiB");
    while (lac_scan_lines_cut(lac_buf_str(&s->in.text), &at, &next, &line, &number))
        one(run, &run->workers[worker], line, number, &s->out);
    if (!lac_buf_ok(&s->out)) {
        lac_cli_scan_complain(run, s->path, "no memory for what was found");
        lac_buf_reset(&s->out);
    }
}

static bool emit(void *ctx, void *slot)
{
    return lac_cli_scan_write(ctx, &((struct slot *)slot)->out);
}

static void tick(void *ctx)
{
    lac_cli_scan_progress(ctx);
}

/* False: stop. */
static bool feed(struct lac_cli_scan_run *run, struct lac_cli_pool *pool, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct lac_str name = lac_str_from(is_stdin ? "<stdin>" : path);
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct lac_scan_lines lines;
    struct slot *s = NULL;

    if (fd < 0) {
        lac_cli_scan_complain(run, name, lac_errno_text(errno));
        return true;
    }
    lac_scan_lines_init(&lines, lac_scan_read_fd, &fd, 0);
    while ((s = lac_cli_pool_slot(pool)) != NULL) {
        struct lac_err err;
        enum lac_status status = lac_scan_lines_next(&lines, &s->in, &err);

        if (status == LAC_FATAL)
            lac_cli_scan_complain(run, name, err.text);
        if (status != LAC_OK)
            break;
        s->path = name;
        lac_cli_pool_submit(pool);
        lac_cli_scan_progress(run);
    }
    lac_scan_lines_deinit(&lines);
    if (!is_stdin)
        close(fd);
    return s != NULL;
}

int lac_cli_scan_jsonl(struct lac_cli_scan_run *run)
{
    const struct lac_tool *t = run->tool;
    size_t count = (size_t)run->setup.threads * SLOTS_PER_THREAD;
    struct slot *slots = calloc(count, sizeof(*slots));
    struct lac_cli_pool_options o = {.threads = run->setup.threads,
                                     .slots = slots,
                                     .slot_size = sizeof(*slots),
                                     .slot_count = count,
                                     .ctx = run,
                                     .work = work,
                                     .emit = emit,
                                     .tick = tick};
    struct lac_cli_pool *pool;
    struct lac_err err;

    if (!slots)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "no memory to scan with", NULL);
    for (size_t i = 0; i < count; i++) {
        lac_buf_init(&slots[i].in.text, LAC_SCAN_BLOCK_MOST);
        lac_buf_init(&slots[i].out, OUT_BYTES);
    }
    if (lac_cli_pool_open(&pool, &o, &err) != LAC_OK) {
        free(slots);
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    }
    if (t->operand_count == 0)
        (void)feed(run, pool, "-");
    for (int i = 0; i < t->operand_count && feed(run, pool, t->operands[i]);)
        i++;
    lac_cli_pool_close(pool);
    for (size_t i = 0; i < count; i++) {
        lac_buf_deinit(&slots[i].in.text);
        lac_buf_deinit(&slots[i].out);
    }
    free(slots);
    return -1;
}
