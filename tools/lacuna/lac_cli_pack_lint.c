/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as a compiler prints them, so that editors can jump to the line. */
#include "lac_cli_pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lac_cli.h"
#include "lac_digest.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_pack_cost.h"
#include "lac_pack_lint.h"
#include "lac_records.h"
#include "lac_table.h"

enum { OUTPUT_MAX = 32 << 20 };

static const char *const level_names[] = {"note", "warning", "error"};

struct view {
    const struct lac_tool *t;
    const struct lac_pack_lint *l;
    const char *folder; /* the path, when it is a folder: places are then below it */
    bool quiet;         /* no notes */
    size_t counts[3];
    struct lac_pack_total total;
};

static void put_text(const struct view *v, const struct lac_pack_finding *f, struct lac_buf *out)
{
    static const enum lac_style styles[] = {LAC_STYLE_DIM, LAC_STYLE_NOTE, LAC_STYLE_BAD};
    const struct lac_term *term = &v->t->out;

    if (f->file.len > 5 && memcmp(f->file.ptr, "base/", 5) == 0)
        lac_buf_put_text(out, "(inherited) ");
    else if (f->file.len > 0 && v->folder)
        lac_buf_printf(out, "%s%s", v->folder, v->folder[strlen(v->folder) - 1] == '/' ? "" : "/");
    if (f->file.len > 0)
        lac_buf_printf(out, "%.*s:%u: ", LAC_STR_FMT(f->file), f->line);
    lac_term_put(term, out, styles[f->level], level_names[f->level]);
    lac_buf_put_text(out, ": ");
    if (f->rule.len > 0)
        lac_buf_printf(out, "%.*s: ", LAC_STR_FMT(f->rule));
    lac_buf_printf(out, "%.*s [%s]\n", LAC_STR_FMT(f->text), f->code);
    if (f->todo.len > 0)
        lac_buf_printf(out, "    %.*s\n", LAC_STR_FMT(f->todo));
}

static void put_json(const struct lac_pack_finding *f, struct lac_json_writer *w)
{
    lac_json_open_object(w);
    lac_json_key(w, "level");
    lac_json_put_text(w, level_names[f->level]);
    lac_json_key(w, "code");
    lac_json_put_text(w, f->code);
    lac_json_key(w, "file");
    lac_json_put_str(w, f->file);
    lac_json_key(w, "line");
    if (f->line)
        lac_json_put_uint(w, f->line);
    else
        lac_json_put_null(w);
    lac_json_key(w, "rule");
    lac_json_put_str(w, f->rule);
    lac_json_key(w, "text");
    lac_json_put_str(w, f->text);
    lac_json_key(w, "suggestion");
    lac_json_put_str(w, f->todo);
    lac_json_close_object(w);
}

static void print_json(const struct view *v, struct lac_buf *out)
{
    const struct lac_pack *p = lac_pack_lint_pack(v->l);
    struct lac_json_writer w;

    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "pack");
    lac_json_put_str(&w, p ? lac_pack_name(p) : LAC_STR_NULL);
    for (int i = 2; i >= 0; i--) {
        static const char *const keys[] = {"notes", "warnings", "errors"};

        lac_json_key(&w, keys[i]);
        lac_json_put_uint(&w, v->counts[i]);
    }
    lac_json_key(&w, "steps");
    lac_json_put_uint(&w, v->total.steps);
    lac_json_key(&w, "inherited_steps");
    lac_json_put_uint(&w, v->total.inherited);
    lac_json_key(&w, "most_steps");
    lac_json_put_uint(&w, LAC_PACK_STEPS_MAX);
    lac_json_key(&w, "dropped");
    lac_json_put_uint(&w, lac_pack_lint_dropped(v->l));
    lac_json_key(&w, "findings");
    lac_json_open_array(&w);
    for (size_t i = 0; i < lac_pack_lint_count(v->l); i++) {
        const struct lac_pack_finding *f = lac_pack_lint_at(v->l, i);

        if (!v->quiet || f->level != LAC_PACK_NOTE)
            put_json(f, &w);
    }
    lac_json_close_array(&w);
    lac_json_close_object(&w);
    lac_buf_put_char(out, '\n');
}

static void print_text(const struct view *v, struct lac_buf *out)
{
    for (size_t i = 0; i < lac_pack_lint_count(v->l); i++) {
        const struct lac_pack_finding *f = lac_pack_lint_at(v->l, i);

        if (!v->quiet || f->level != LAC_PACK_NOTE)
            put_text(v, f, out);
    }
    if (lac_pack_lint_dropped(v->l))
        lac_buf_printf(out, "%zu more findings are not shown\n", lac_pack_lint_dropped(v->l));
    lac_buf_printf(out,
                   "%zu error%s, %zu warning%s, %zu note%s; patterns take up to %" PRIu64
                   " steps a byte, of %d\n",
                   v->counts[LAC_PACK_ERROR], v->counts[LAC_PACK_ERROR] == 1 ? "" : "s",
                   v->counts[LAC_PACK_WARNING], v->counts[LAC_PACK_WARNING] == 1 ? "" : "s",
                   v->counts[LAC_PACK_NOTE], v->counts[LAC_PACK_NOTE] == 1 ? "" : "s",
                   v->total.steps, LAC_PACK_STEPS_MAX);
}

struct row {
    struct lac_str id;
    struct lac_pack_cost cost;
};

static int by_cost(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;

    if (x->cost.trigger != y->cost.trigger)
        return x->cost.trigger < y->cost.trigger ? 1 : -1;
    if (x->cost.steps != y->cost.steps)
        return x->cost.steps < y->cost.steps ? 1 : -1;
    return lac_str_cmp(x->id, y->id);
}

static void put_total(const struct lac_pack_total *total, struct lac_buf *out)
{
    lac_buf_printf(out,
                   "\nall patterns together: up to %" PRIu64
                   " steps for each byte of text, %" PRIu64 " of them inherited; %d are allowed\n",
                   total->steps, total->inherited, LAC_PACK_STEPS_MAX);
}

/* All patterns, the dearest first. */
static int costs(const struct lac_tool *t, const struct lac_pack *p)
{
    static const struct lac_table_column columns[] = {
        {"RULE", false, true, 0},  {"LOOKED AT BY", false, false, 0},
        {"", false, true, 0},      {"STEPS/BYTE", true, false, 0},
        {"LEAST", true, false, 0}, {"MOST", true, false, 0}};
    size_t count = lac_match_rule_count(lac_pack_match(p)), n = 0;
    struct row *rows = calloc(count + 1, sizeof(*rows));
    struct lac_pack_total total;
    struct lac_table table;
    struct lac_buf out;
    struct lac_err err;
    int status;

    if (!rows)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    for (size_t i = 0; i < count; i++) {
        rows[n].id = lac_match_rule_at(lac_pack_match(p), i)->id;
        if (lac_pack_cost(p, i, &rows[n].cost, &err) != LAC_OK) {
            free(rows);
            return lac_cli_pack_failed(t, &err);
        }
        n += rows[n].cost.trigger != LAC_PACK_TRIGGER_NONE;
    }
    lac_pack_total(p, &total);
    qsort(rows, n, sizeof(*rows), by_cost);
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_MATCH_RULE_MAX);
    for (size_t i = 0; i < n; i++) {
        lac_table_add(&table, rows[i].id, LAC_STYLE_NONE);
        lac_table_addf(&table, LAC_STYLE_NONE, "%s", lac_pack_trigger_name(rows[i].cost.trigger));
        lac_table_addf(&table, LAC_STYLE_NONE, "%s", rows[i].cost.what);
        lac_table_addf(&table, LAC_STYLE_NONE, "%u", rows[i].cost.steps);
        lac_table_addf(&table, LAC_STYLE_NONE, "%u", rows[i].cost.least);
        lac_table_addf(&table, LAC_STYLE_NONE, "%u", rows[i].cost.most);
    }
    lac_buf_init(&out, OUTPUT_MAX);
    lac_table_print(&table, &t->out, &out);
    put_total(&total, &out);
    status = lac_cli_flush(t, &out);
    lac_table_deinit(&table);
    lac_buf_deinit(&out);
    free(rows);
    return status < 0 ? LAC_EXIT_OK : status;
}

/* Also of a pack that is refused, above all for what it costs. */
static int open_costs(const struct lac_tool *t)
{
    const char *path = lac_cli_pack_path(t, t->operand_count ? t->operands[0] : NULL);
    struct lac_pack_lint *l = NULL;
    struct lac_pack *p = NULL;
    struct lac_err err;
    int status;

    if (lac_pack_lint_open(&l, path, &err) != LAC_OK)
        return lac_cli_pack_failed(t, &err);
    if (lac_pack_lint_pack(l))
        status = costs(t, lac_pack_lint_pack(l));
    else /* says what is wrong with it */
        status = lac_cli_pack_open(t, t->operand_count ? t->operands[0] : NULL, &p);
    lac_pack_close(p);
    lac_pack_lint_close(l);
    return status;
}

static int lint(const struct lac_tool *t, bool json, bool quiet)
{
    const char *path = lac_cli_pack_path(t, t->operand_count ? t->operands[0] : NULL);
    struct view v = {.t = t, .quiet = quiet};
    struct lac_pack_lint *l = NULL;
    struct lac_buf out;
    struct lac_err err;
    struct stat st;
    int status;

    if (lac_pack_lint_open(&l, path, &err) != LAC_OK)
        return lac_cli_pack_failed(t, &err);
    v.l = l;
    if (lac_pack_lint_pack(l))
        lac_pack_total(lac_pack_lint_pack(l), &v.total);
    if (*path && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        v.folder = path;
    for (size_t i = 0; i < lac_pack_lint_count(l); i++)
        v.counts[lac_pack_lint_at(l, i)->level]++;
    lac_buf_init(&out, OUTPUT_MAX);
    if (json)
        print_json(&v, &out);
    else
        print_text(&v, &out);
    status = lac_cli_flush(t, &out);
    lac_buf_deinit(&out);
    lac_pack_lint_close(l);
    return lac_cli_verdict(status, v.counts[LAC_PACK_ERROR] + v.counts[LAC_PACK_WARNING]
                                       ? LAC_EXIT_NEGATIVE
                                       : LAC_EXIT_OK);
}

int lac_cli_pack_lint(int argc, char **argv)
{
    const char *format = NULL;
    bool json = false, quiet = false, table = false;
    const struct lac_args_option options[] = {
        LAC_CLI_FORMAT_OPTIONS(&format, &json),
        {0, "costs", LAC_ARGS_SWITCH, &table, NULL,
         "Instead, list all patterns with what they cost, the dearest first", 0, 0},
        {'q', "quiet", LAC_ARGS_SWITCH, &quiet, NULL, "Leave out notes", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack lint",
        .usage = "[OPTION]... [DIR|FILE]",
        .summary = "Find what is wrong or dubious in a pack, with file and line.",
        .details =
            "Goes on after a mistake, and says what to do about each. An error keeps the pack "
            "from\n"
            "being loaded, or a rule from doing what its examples say; a warning is probably not\n"
            "what was meant; a note says what was done, such as asking for context where a name "
            "is\n"
            "a common word. Without an operand it looks at the configured pack.",
        .examples = "  lacuna pack lint ours\n"
                    "  lacuna pack lint ours --quiet --format json | jq '.findings[].code'\n",
        .negative = "there are errors or warnings",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = 1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, format, &json);
    if (status < 0)
        status = table ? open_costs(&t) : lint(&t, json, quiet);
    lac_tool_close(&t);
    return status;
}
