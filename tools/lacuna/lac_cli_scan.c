/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna scan`: what is in these files that should not be there? */
#include "lac_cli_scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli.h"
#include "lac_cli_pool.h"
#include "lac_clock.h"
#include "lac_width.h"

enum {
    SLOTS_PER_THREAD = 8,
    PATHS_PER_SLOT = 16, /* a hand-over costs more than a small file */
    PATHS_BYTES = 16 * (PATH_MAX + 8),
    OUT_BYTES = 1 << 30, /* records of one slot */
    PROGRESS_AFTER_MS = 500,
    PATH_COLUMNS = 300, /* of a name in an error */
    SAID_BYTES = 4096,
};

/* ---- Saying how it goes ---- */

static struct lac_str shown(struct lac_str path)
{
    return path.len ? path : LAC_STR(".");
}

void lac_cli_scan_complain(struct lac_cli_scan_run *run, struct lac_str path, const char *why)
{
    char memory[SAID_BYTES];
    struct lac_buf b;

    atomic_fetch_add(&run->counts.failed, 1);
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    /* Who made the file chose its name: it may hold what moves the cursor. */
    (void)lac_width_put(&b, shown(path), PATH_COLUMNS, !run->tool->err.utf8);
    lac_buf_printf(&b, ": %s", why);
    pthread_mutex_lock(&run->talk);
    lac_progress_clear(&run->progress);
    (void)lac_tool_fail(run->tool, LAC_EXIT_USAGE, lac_buf_cstr(&b), NULL);
    pthread_mutex_unlock(&run->talk);
}

void lac_cli_scan_progress(struct lac_cli_scan_run *run)
{
    char files[LAC_PROGRESS_NUMBER_SIZE], size[LAC_PROGRESS_NUMBER_SIZE],
        rate[LAC_PROGRESS_NUMBER_SIZE], found[LAC_PROGRESS_NUMBER_SIZE], line[256];
    uint64_t ms, bytes;

    if (!run->tool->err.terminal || run->options->quiet)
        return;
    ms = lac_clock_mono_ms() - run->begun_ms;
    if (ms < PROGRESS_AFTER_MS)
        return;
    pthread_mutex_lock(&run->talk);
    if (lac_progress_due(&run->progress)) {
        bytes = atomic_load(&run->counts.bytes);
        snprintf(line, sizeof(line), "%s %s, %s, %s/s, %s findings",
                 lac_progress_count(files, atomic_load(&run->counts.files)),
                 run->options->jsonl ? "texts" : "files", lac_progress_size(size, bytes),
                 lac_progress_size(rate, bytes * 1000 / ms),
                 lac_progress_count(found, atomic_load(&run->counts.findings)));
        lac_progress_bar(&run->progress, 0, 0, line);
    }
    pthread_mutex_unlock(&run->talk);
}

static void put_count(struct lac_buf *b, uint64_t n, const char *one, const char *many)
{
    char number[LAC_PROGRESS_NUMBER_SIZE];

    lac_buf_printf(b, "%s %s", lac_progress_count(number, n), n == 1 ? one : many);
}

static void put_aside(struct lac_buf *b, uint64_t n, const char *what)
{
    if (n == 0)
        return;
    lac_buf_put_text(b, "; ");
    put_count(b, n, what, what);
}

/* One line for people, on stderr: what was looked at, and what was not. */
static void summary(struct lac_cli_scan_run *run)
{
    char size[LAC_PROGRESS_NUMBER_SIZE], time[LAC_PROGRESS_NUMBER_SIZE], memory[1024];
    const struct lac_cli_scan_counts *c = &run->counts;
    bool lines = run->options->jsonl;
    struct lac_buf b;

    lac_progress_clear(&run->progress);
    if (run->options->quiet || (!run->tool->err.terminal && run->format != LAC_CLI_SCAN_TEXT))
        return;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    put_count(&b, atomic_load(&c->findings), "finding", "findings");
    lac_buf_put_text(&b, " in ");
    put_count(&b, atomic_load(&c->files_with), lines ? "text" : "file", lines ? "texts" : "files");
    lac_buf_put_text(&b, " of ");
    put_count(&b, atomic_load(&c->files), "", "");
    lac_buf_printf(&b, "(%s, %s)", lac_progress_size(size, atomic_load(&c->bytes)),
                   lac_progress_time(time, lac_clock_mono_ms() - run->begun_ms));
    put_aside(&b, atomic_load(&c->by_comment), "suppressed by a comment");
    put_aside(&b, atomic_load(&c->by_baseline), "in the baseline");
    put_aside(&b, atomic_load(&c->binary), "binary skipped");
    put_aside(&b, atomic_load(&c->undecodable), "not all UTF-8");
    put_aside(&b, atomic_load(&c->truncated), "with more than could be listed");
    put_aside(&b, atomic_load(&c->failed), lines ? "bad lines" : "not readable");
    lac_buf_put_char(&b, '\n');
    (void)lac_term_flush(&run->tool->err, &b);
}

/* ---- Files ---- */

struct slot {
    struct lac_buf paths; /* each ends in NUL */
    struct lac_buf out;
    size_t count;
    bool operand; /* its one path was named by the person: a link or a pipe is fine */
};

struct feeder {
    struct lac_cli_scan_run *run;
    struct lac_cli_pool *pool;
    struct slot *slot; /* being filled */
};

static void work(void *ctx, unsigned worker, void *p)
{
    struct lac_cli_scan_run *run = ctx;
    struct slot *s = p;
    const char *paths = s->paths.ptr;

    lac_buf_reset(&s->out);
    for (size_t at = 0; at < s->paths.len; at += strlen(paths + at) + 1) {
        if (s->operand && strcmp(paths + at, "-") == 0)
            lac_cli_scan_fd(run, &run->workers[worker], LAC_STR("<stdin>"), STDIN_FILENO, 0,
                            &s->out);
        else
            lac_cli_scan_path(run, &run->workers[worker], paths + at, s->operand, &s->out);
        if (!lac_buf_ok(&s->out)) {
            lac_cli_scan_complain(run, lac_str_from(paths + at), "no memory for what was found");
            lac_buf_reset(&s->out);
        }
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

static void hand_over(struct feeder *f)
{
    if (f->slot && f->slot->count > 0) {
        lac_cli_pool_submit(f->pool);
        lac_cli_scan_progress(f->run);
        f->slot = NULL;
    }
}

static bool add(struct feeder *f, const char *path, bool operand)
{
    if (operand)
        hand_over(f);
    if (!f->slot) {
        f->slot = lac_cli_pool_slot(f->pool);
        if (!f->slot)
            return false;
        lac_buf_reset(&f->slot->paths);
        f->slot->count = 0;
        f->slot->operand = operand;
    }
    lac_buf_put(&f->slot->paths, path, strlen(path) + 1);
    f->slot->count++;
    if (operand || f->slot->count == PATHS_PER_SLOT)
        hand_over(f);
    return true;
}

static bool add_found(void *ctx, const char *path)
{
    return add(ctx, path, false);
}

/* "./a" is "a": the same file has the same name in every report. */
static const char *plain_name(const char *path)
{
    while (path[0] == '.' && path[1] == '/' && path[2] != '\0') {
        path += 2;
        while (*path == '/' && path[1] != '\0')
            path++;
    }
    return path;
}

static bool operand(struct feeder *f, const char *path)
{
    struct lac_cli_walk walk = {f->run, f, add_found};
    struct stat st;
    bool go;

    if (strcmp(path, "-") == 0)
        return add(f, path, true);
    path = plain_name(path);
    if (strlen(path) >= PATH_MAX || stat(path, &st) != 0) {
        lac_cli_scan_complain(f->run, lac_str_from(path), "there is no such file or folder");
        return true;
    }
    if (!S_ISDIR(st.st_mode))
        return add(f, path, true);
    go = lac_cli_scan_walk(&walk, strcmp(path, "./") == 0 ? "." : path);
    hand_over(f);
    return go;
}

static int scan_files(struct lac_cli_scan_run *run)
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
    struct feeder f = {.run = run};
    struct lac_err err;

    if (!slots)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "no memory to scan with", NULL);
    for (size_t i = 0; i < count; i++) {
        lac_buf_init(&slots[i].paths, PATHS_BYTES);
        lac_buf_init(&slots[i].out, OUT_BYTES);
    }
    if (lac_cli_pool_open(&f.pool, &o, &err) != LAC_OK) {
        free(slots);
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    }
    if (t->operand_count == 0)
        (void)operand(&f, ".");
    for (int i = 0; i < t->operand_count && operand(&f, t->operands[i]);)
        i++;
    lac_cli_pool_close(f.pool);
    for (size_t i = 0; i < count; i++) {
        lac_buf_deinit(&slots[i].paths);
        lac_buf_deinit(&slots[i].out);
    }
    free(slots);
    return -1;
}

/* ---- The run ---- */

void lac_cli_scan_workers_close(struct lac_cli_scan_run *run)
{
    for (unsigned i = 0; run->workers && i < run->setup.threads; i++) {
        struct lac_cli_scan_worker *w = &run->workers[i];

        lac_scan_close(w->scan);
        lac_redact_close(w->redact);
        lac_hmac_free(w->hmac);
        lac_buf_deinit(&w->excerpt);
        free(w->ordinals);
        free(w->memory);
        free(w->raw);
    }
    free(run->workers);
}

/* What fingerprints are made with; without a key they only hold places, so it need not be one. */
static struct lac_str fingerprint_key(const struct lac_cli_scan_run *run)
{
    if (run->setup.key.len)
        return lac_buf_str(&run->setup.key);
    if (run->baseline)
        return lac_cli_baseline_key(run->baseline);
    return run->collected ? lac_cli_baseline_key(run->collected) : LAC_STR("lacuna/place/1");
}

enum lac_status lac_cli_scan_workers_open(struct lac_cli_scan_run *run, struct lac_err *err)
{
    struct lac_str key = fingerprint_key(run);
    enum lac_status status = LAC_OK;

    if (fstat(STDOUT_FILENO, &run->output) != 0 || !S_ISREG(run->output.st_mode))
        run->output.st_ino = 0;
    run->workers = calloc(run->setup.threads, sizeof(*run->workers));
    if (!run->workers)
        return lac_err_set(err, LAC_FATAL, 0, "no memory to scan with");
    for (unsigned i = 0; i < run->setup.threads && status == LAC_OK; i++) {
        struct lac_cli_scan_worker *w = &run->workers[i];

        lac_buf_init(&w->excerpt, LAC_CLI_SHOWN_MAX);
        w->ordinals = calloc(lac_scan_rule_count(run->setup.plan) + 1, sizeof(*w->ordinals));
        w->memory = run->options->jsonl ? NULL : malloc(LAC_CLI_PIECE_MEMORY);
        if (!w->ordinals || (!w->memory && !run->options->jsonl))
            status = lac_err_set(err, LAC_FATAL, 0, "no memory to scan with");
        if (status == LAC_OK)
            status = lac_scan_open(&w->scan, run->setup.plan, err);
        if (status == LAC_OK)
            status = lac_redact_open(
                &w->redact, run->redacting ? lac_buf_str(&run->setup.key) : LAC_STR_NULL, err);
        if (status == LAC_OK)
            status = lac_hmac_new(&w->hmac, key.ptr, key.len, err);
    }
    return status;
}

static int check(struct lac_cli_scan_run *run)
{
    static const char *const formats[] = {"text", "json", "jsonl", "sarif", "csv"};
    const struct lac_cli_scan_options *o = run->options;
    const struct lac_tool *t = run->tool;
    const char *format = o->json && !o->format ? "json" : o->format;
    size_t i = 0;

    while (format && i < LAC_COUNT(formats) && strcmp(format, formats[i]) != 0)
        i++;
    if (i == LAC_COUNT(formats))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--format takes text, json, jsonl, sarif or csv",
                             NULL);
    run->format = o->jsonl ? LAC_CLI_SCAN_JSONL : (enum lac_cli_scan_format)i;
    if (o->json && i != LAC_CLI_SCAN_JSON)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--json and another --format exclude each other",
                             NULL);
    if (o->jsonl && format && i != LAC_CLI_SCAN_JSONL)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--jsonl answers with JSON lines only", NULL);
    if (o->jsonl && (o->baseline || o->write_baseline))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--jsonl has no files that a baseline could know",
                             NULL);
    if (o->jsonl && o->staged)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--jsonl and --staged exclude each other", NULL);
    if (o->staged && t->operand_count > 0)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--staged takes no files: git says which", NULL);
    if (o->baseline && o->write_baseline)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--baseline and --write-baseline at once",
                             "--write-baseline replaces the file by all that is found now.");
    return -1;
}

static int open_baseline(struct lac_cli_scan_run *run)
{
    const struct lac_cli_scan_options *o = run->options;
    struct lac_str key = lac_buf_str(&run->setup.key);
    const char *file;
    struct lac_err err;

    if (o->baseline &&
        lac_cli_baseline_open(&run->baseline, o->baseline, false, key, &err) != LAC_OK)
        return lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
    if (o->write_baseline &&
        lac_cli_baseline_open(&run->collected, o->write_baseline, true, key, &err) != LAC_OK)
        return lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
    file = run->baseline ? o->baseline : o->write_baseline;
    if (!file || stat(file, &run->known) != 0)
        run->known.st_ino = 0;
    run->fingerprints = run->baseline || run->collected || run->format == LAC_CLI_SCAN_JSON ||
                        run->format == LAC_CLI_SCAN_JSONL || run->format == LAC_CLI_SCAN_SARIF;
    return -1;
}

/* Without all of its output a scan is not done, also where nobody wanted more of it: 0 would say
 * that there is nothing. */
static int output_failed(const struct lac_cli_scan_run *run)
{
    (void)lac_tool_output_failed(run->tool, run->output_error);
    return LAC_EXIT_USAGE;
}

/* What stands before all records (`open`), or behind them. */
static int write_around(struct lac_cli_scan_run *run, bool open)
{
    int error = 0;

    if (run->options->jsonl || run->collected)
        return -1;
    pthread_mutex_lock(&run->talk);
    lac_buf_reset(&run->out);
    if (open)
        lac_cli_scan_begin(run, &run->out);
    else
        lac_cli_scan_end(run, &run->out);
    if (run->out.len > 0)
        error = run->output_error = lac_tool_write(run->tool, &run->out);
    run->open = open;
    pthread_mutex_unlock(&run->talk);
    return error ? output_failed(run) : -1;
}

/* What was begun is ended well-formed, also where not all could be looked at. */
static int end_output(struct lac_cli_scan_run *run, int status)
{
    int ended;

    if (status >= 0)
        atomic_fetch_add(&run->counts.failed, 1);
    ended = write_around(run, false);
    return status < 0 ? ended : status;
}

static int finish(struct lac_cli_scan_run *run)
{
    const struct lac_cli_scan_counts *c = &run->counts;
    struct lac_err err;
    size_t count;

    if (run->output_error)
        return output_failed(run);
    if (run->collected) {
        if (lac_cli_baseline_write(run->collected, run->options->write_baseline, &count, &err) !=
            LAC_OK)
            return lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
        if (!run->options->quiet)
            fprintf(stderr, "%zu known from now on: %s\n", count, run->options->write_baseline);
        return atomic_load(&c->failed) ? LAC_EXIT_USAGE : LAC_EXIT_OK;
    }
    summary(run);
    if (atomic_load(&c->failed))
        return LAC_EXIT_USAGE;
    return atomic_load(&c->findings) || atomic_load(&c->truncated) ? LAC_EXIT_NEGATIVE
                                                                   : LAC_EXIT_OK;
}

static int scan(struct lac_cli_scan_run *run)
{
    struct lac_err err;
    int status = check(run);

    if (status < 0)
        status = lac_cli_scan_setup(run->tool, &run->options->words, run->options->floors_only,
                                    &run->setup);
    if (status < 0)
        status = open_baseline(run);
    if (status < 0 && lac_cli_scan_workers_open(run, &err) != LAC_OK)
        status = lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
    if (status < 0 && lac_cli_scan_watch(run, &err) != LAC_OK)
        status = lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
    if (status < 0)
        status = write_around(run, true);
    if (status < 0)
        status = run->options->jsonl    ? lac_cli_scan_jsonl(run)
                 : run->options->staged ? lac_cli_scan_staged(run)
                                        : scan_files(run);
    if (run->open && !run->output_error)
        status = end_output(run, status);
    if (status < 0)
        status = finish(run);
    lac_cli_scan_unwatch(run);
    lac_cli_scan_workers_close(run);
    lac_cli_baseline_close(run->baseline);
    lac_cli_baseline_close(run->collected);
    lac_cli_scan_setup_deinit(&run->setup);
    return status;
}

int lac_cli_scan(int argc, char **argv)
{
    struct lac_cli_scan_options o = {0};
    const struct lac_args_option options[] = {
        {0, "staged", LAC_ARGS_SWITCH, &o.staged, NULL,
         "Look at the lines that the next commit adds", 0, 0},
        {0, "jsonl", LAC_ARGS_SWITCH, &o.jsonl, NULL,
         "Take {\"id\",\"text\"} lines, answer {\"id\",\"tier\",\"findings\"} lines", 0, 0},
        {'f', "format", LAC_ARGS_TEXT, &o.format, "NAME",
         "text (the default), json, jsonl, sarif or csv", 0, 0},
        {'j', "json", LAC_ARGS_SWITCH, &o.json, NULL, "The same as --format json", 0, 0},
        {0, "entities", LAC_ARGS_TEXT, &o.words.entities, "A,B", "Only findings of these", 0, 0},
        {0, "rules", LAC_ARGS_TEXT, &o.words.rules, "A,B", "Only findings of these rules", 0, 0},
        {0, "min-score", LAC_ARGS_TEXT, &o.words.min_score, "S",
         "From this score on; 0.5 by default, 0 shows weak candidates", 0, 0},
        {0, "min-tier", LAC_ARGS_TEXT, &o.words.min_tier, "TIER",
         "From this tier on; INTERNAL by default", 0, 0},
        {0, "floors-only", LAC_ARGS_SWITCH, &o.floors_only, NULL,
         "Hard evidence only: no confidentiality marks, no topics", 0, 0},
        {0, "baseline", LAC_ARGS_TEXT, &o.baseline, "FILE", "Leave out what this file knows", 0, 0},
        {0, "write-baseline", LAC_ARGS_TEXT, &o.write_baseline, "FILE",
         "Make all that is found known, in this file", 0, 0},
        {0, "key-file", LAC_ARGS_TEXT, &o.words.key_file, "FILE",
         "Key of the fingerprints, when they travel without the files", 0, 0},
        {0, "pack", LAC_ARGS_TEXT, &o.words.pack, "DIR|FILE", "Use this policy pack", 0, 0},
        {0, "no-ignore", LAC_ARGS_SWITCH, &o.no_ignore, NULL,
         "Whatever .gitignore and .lacunaignore say", 0, 0},
        {0, "no-allow", LAC_ARGS_SWITCH, &o.no_allow, NULL, "Whatever lacuna:allow comments say", 0,
         0},
        {0, "binary", LAC_ARGS_SWITCH, &o.binary, NULL, "Look at binary files too", 0, 0},
        {0, "show-secrets", LAC_ARGS_SWITCH, &o.show_secrets, NULL,
         "Show what was found as it stands there", 0, 0},
        {0, "threads", LAC_ARGS_NUMBER, &o.words.threads, "N", "As many as cores by default", 1,
         64},
        {'q', "quiet", LAC_ARGS_SWITCH, &o.quiet, NULL, "No progress, no last line", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna scan",
        .usage = "[OPTION]... [PATH...|-]",
        .summary = "Find secrets, personal data and your own terms in files.",
        .details =
            "Folders are walked (the current one without PATH), links are not followed, and what\n"
            ".gitignore or .lacunaignore exclude is left out, as are files with NUL bytes. Found\n"
            "values are never shown, only what they are. A line with the comment lacuna:allow is\n"
            "counted and not reported. Files may have any size: what is found needs at most\n"
            "4 KiB, with the words that it depends on. Ctrl-C ends the output well-formed,\n"
            "says that it is not all, and exits with 130.",
        .examples =
            "  lacuna scan                                  # this folder\n"
            "  lacuna scan --staged --floors-only           # as a pre-commit hook\n"
            "  lacuna scan --format sarif src >scan.sarif   # for a code host\n"
            "  lacuna scan --write-baseline known.txt . && lacuna scan --baseline known.txt .\n"
            "  lacuna scan --jsonl --min-score 0 - <texts.jsonl\n",
        .negative = "something was found",
        .one_error = true,
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        struct lac_cli_scan_run run = {.tool = &t,
                                       .options = &o,
                                       .talk = PTHREAD_MUTEX_INITIALIZER,
                                       .begun_ms = lac_clock_mono_ms()};

        lac_progress_init(&run.progress, &t.err);
        lac_buf_init(&run.out, OUT_BYTES);
        status = scan(&run);
        lac_buf_deinit(&run.out);
    }
    lac_tool_close(&t);
    return status;
}
