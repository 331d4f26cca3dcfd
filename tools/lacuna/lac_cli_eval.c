/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna eval: labelled texts through the engine, and what came of it. */
#include "lac_cli_eval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_semantic.h"
#include "lac_file.h"
#include "lac_utf8.h"

enum {
    OUT_MAX = 64 << 20,
    MISTAKES = 20,
};

/* ---- the files ---- */

static int bad_line(const struct lac_cli_eval *r, const char *file, uint64_t line,
                    const struct lac_err *err)
{
    char what[LAC_ERR_TEXT_SIZE + 128];

    snprintf(what, sizeof(what), "%.100s:%llu: %s", file, (unsigned long long)line, err->text);
    return lac_tool_fail(r->t, err->status == LAC_REJECT ? LAC_EXIT_USAGE : LAC_EXIT_FAILURE, what,
                         NULL);
}

static void tick(void *ctx)
{
    struct lac_cli_eval *r = ctx;
    char count[LAC_PROGRESS_NUMBER_SIZE], text[LAC_PROGRESS_NUMBER_SIZE + 16];

    if (!lac_progress_due(&r->progress))
        return;
    snprintf(text, sizeof(text), "%s texts", lac_progress_count(count, atomic_load(&r->decided)));
    lac_progress_bar(&r->progress, 0, 0, text);
}

/* What stopped the reading itself; what is wrong in lines before it goes first. */
struct stop {
    const char *file;
    uint64_t line; /* 0: the file as such */
    struct lac_err err;
};

/* False: no more. */
static bool read_line(struct lac_cli_batches *batches, const char *file, struct lac_str text,
                      uint64_t number, struct stop *stop)
{
    enum lac_status status;

    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (text.len == 0)
        return true;
    if (text.len > LAC_CLI_EVAL_LINE_BYTES)
        status = lac_err_set(&stop->err, LAC_REJECT, 0, "the line is longer than %d bytes",
                             LAC_CLI_EVAL_LINE_BYTES);
    else
        status = lac_cli_batches_put(batches, file, number, text, LAC_STR_NULL, &stop->err);
    if (status == LAC_OK)
        return true;
    stop->file = status == LAC_AGAIN ? NULL : file;
    stop->line = number;
    return false;
}

static bool read_file(struct lac_cli_batches *batches, const char *file, struct stop *stop)
{
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    char *line = NULL;
    size_t capacity = 0;
    uint64_t number = 0;
    bool go = true;
    ssize_t n;

    if (!f) {
        stop->file = file;
        (void)lac_err_set(&stop->err, LAC_FATAL, errno, "%.300s: %s", file, lac_errno_text(errno));
        return false;
    }
    while (go && (n = getline(&line, &capacity, f)) >= 0) {
        struct lac_str text = {line, (size_t)n};

        if (++number == 1)
            text = lac_str_slice(text, lac_utf8_mark(text), text.len);
        go = read_line(batches, file, text, number, stop);
    }
    if (go && ferror(f)) {
        stop->file = file;
        (void)lac_err_set(&stop->err, LAC_FATAL, errno, "%.300s: %s", file, lac_errno_text(errno));
        go = false;
    }
    free(line);
    if (f != stdin)
        (void)fclose(f);
    return go;
}

static int read_files(struct lac_cli_eval *r)
{
    const struct lac_cli_batches_options o = {.threads = r->threads,
                                              .made_size = lac_cli_eval_made_size,
                                              .ctx = r,
                                              .work = lac_cli_eval_work,
                                              .emit = lac_cli_eval_emit,
                                              .release = lac_cli_eval_release,
                                              .tick = tick};
    struct lac_cli_batches *batches;
    struct stop stop = {0};
    bool go = true;

    if (lac_cli_batches_open(&batches, &o, &stop.err) != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, stop.err.text, NULL);
    for (int i = 0; i < r->t->operand_count && go; i++)
        go = read_file(batches, r->t->operands[i], &stop);
    lac_cli_batches_close(batches);
    lac_progress_clear(&r->progress);
    if (r->failed_file)
        return bad_line(r, r->failed_file, r->failed_line, &r->failure);
    if (stop.file && stop.line)
        return bad_line(r, stop.file, stop.line, &stop.err);
    return stop.file ? lac_tool_fail(r->t, LAC_EXIT_FAILURE, stop.err.text, NULL) : -1;
}

/* ---- the command ---- */

static int check(const struct lac_tool *t, struct lac_cli_eval_options *o)
{
    struct lac_err err;

    int status = lac_cli_format(t, o->format, &o->json);

    if (status >= 0)
        return status;
    for (size_t i = 0; i < o->aliases.count; i++)
        if (!strchr(o->aliases.items[i], '='))
            return lac_tool_fail(t, LAC_EXIT_USAGE, "--alias is THEIRS=OURS",
                                 "For example --alias SSN=US_SSN.");
    status = lac_cli_semantic_settings(t, o->model, o->class);
    if (status >= 0)
        return status;
    if ((o->strategy &&
         lac_conf_set(t->conf, "classification.strategy", o->strategy, &err) != LAC_OK) ||
        (o->pack && lac_conf_set(t->conf, "pack.path", o->pack, &err) != LAC_OK))
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return -1;
}

static int open_run(struct lac_cli_eval *r)
{
    /* Nobody keeps these decisions: any key will do for their commitments. */
    struct lac_engine_options options = {.commitment_key = LAC_STR("decisions nobody keeps"),
                                         .commitment_key_id = LAC_STR("eval"),
                                         .field_bytes = LAC_CLI_EVAL_LINE_BYTES};
    const char *strategy = lac_conf_text(r->t->conf, "classification.strategy");
    struct lac_err err;
    const struct lac_pack *pack;
    enum lac_status status;
    int exit_status;

    LAC_ASSERT(lac_strategy_parse(lac_str_from(strategy), &options.strategy));
    status = lac_pack_open(&r->pack, lac_conf_text(r->t->conf, "pack.path"), &err);
    if (status != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, err.text, NULL);
    pack = r->pack;
    exit_status = lac_cli_semantic_for(r->t, &pack, 1, &r->semantic);
    if (exit_status >= 0)
        return exit_status;
    options.semantic = r->semantic;
    status = lac_cli_eval_open_workers(r, &options, &err);
    if (status == LAC_OK)
        status = lac_eval_open(&r->eval, (uint32_t)r->o->overlap, &err);
    return status == LAC_OK ? -1 : lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text, NULL);
}

static int show(struct lac_cli_eval *r)
{
    struct lac_eval_report report;
    struct lac_err err;
    struct lac_buf b;
    int status;

    if (lac_eval_sum(r->eval, r->o->all, r->o->mistakes, &report, &err) != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text, NULL);
    if (report.texts == 0 && r->touched > 0)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "rules touch every text in it", NULL);
    if (report.texts == 0)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "there are no texts in it",
                             "`lacuna eval --help` shows what a line is.");
    if (r->o->svg && report.judged == 0)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "--svg needs texts with a tier", NULL);
    lac_buf_init(&b, OUT_MAX);
    if (r->o->json)
        lac_cli_eval_json(r, &report, &b);
    else
        lac_cli_eval_people(r, &report, &b);
    status = lac_cli_flush(r->t, &b);
    if (status < 0 && r->o->svg) {
        lac_eval_svg(&report, &b);
        if (lac_file_replace(r->o->svg, lac_buf_str(&b), NULL, &err) != LAC_OK)
            status = lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text, NULL);
    }
    lac_buf_deinit(&b);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int eval(struct lac_tool *t, struct lac_cli_eval_options *o)
{
    struct lac_cli_eval *r;
    int status = check(t, o);

    if (status >= 0)
        return status;
    r = calloc(1, sizeof(*r));
    if (!r)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    r->t = t;
    r->o = o;
    r->threads = o->threads ? (unsigned)o->threads : lac_cli_cores();
    lac_progress_init(&r->progress, &t->err);
    status = open_run(r);
    if (status < 0)
        status = read_files(r);
    if (status < 0)
        status = show(r);
    lac_eval_close(r->eval);
    lac_cli_eval_close_workers(r);
    lac_semantic_close(r->semantic);
    lac_pack_close(r->pack);
    free(r);
    return status;
}

int lac_cli_eval(int argc, char **argv)
{
    struct lac_cli_eval_options o = {.overlap = 50, .mistakes = MISTAKES};
    const struct lac_args_option options[] = {
        {0, "pack", LAC_ARGS_TEXT, &o.pack, "DIR", "Use this policy pack, folder or file", 0, 0},
        {'s', "strategy", LAC_ARGS_TEXT, &o.strategy, "NAME",
         "conservative, balanced or aggressive", 0, 0},
        {0, "alias", LAC_ARGS_LIST, &o.aliases, "THEIRS=OURS",
         "The set's name of an entity (repeatable)", 0, 0},
        {0, "overlap", LAC_ARGS_NUMBER, &o.overlap, "PERCENT",
         "Shared part of two spans' union that makes them one (50)", 1, 100},
        {0, "bytes", LAC_ARGS_SWITCH, &o.bytes, NULL, "The set's offsets are bytes", 0, 0},
        {'a', "all", LAC_ARGS_SWITCH, &o.all, NULL,
         "Findings of entities that the set never labels are wrong", 0, 0},
        {'u', "untouched", LAC_ARGS_SWITCH, &o.untouched, NULL,
         "Only texts in which rules find nothing: how tier 2 does", 0, 0},
        {0, "model", LAC_ARGS_TEXT, &o.model, "DIR|NAME",
         "The encoder that the pack's head wants lies there (LACUNA_MODEL)", 0, 0},
        {0, "class", LAC_ARGS_TEXT, &o.class, "CLASS", "Its arithmetic: auto, fp32, bf16, int8 ...",
         0, 0},
        {0, "svg", LAC_ARGS_TEXT, &o.svg, "FILE", "Draw the risk-coverage curve", 0, 0},
        {'m', "mistakes", LAC_ARGS_NUMBER, &o.mistakes, "N", "List the N worst (20)", 0, 100000},
        LAC_CLI_FORMAT_OPTIONS(&o.format, &o.json),
        {0, "threads", LAC_ARGS_NUMBER, &o.threads, "N", "As many as cores by default", 1,
         LAC_CLI_THREADS_MAX},
    };
    const struct lac_tool_command command = {
        .name = "lacuna eval",
        .usage = "[OPTION]... FILE.jsonl...",
        .summary = "Measure the pack against labelled texts.",
        .details =
            "A line is {\"id\": \"t1\", \"text\": \"...\", \"tier\": \"INTERNAL\", \"spans\":\n"
            "[{\"entity\": \"EMAIL_ADDRESS\", \"start\": 3, \"end\": 19}]}; id, tier and spans "
            "are\n"
            "optional, offsets count characters, the end is one past the last. Names used by\n"
            "Presidio's tools (full_text, entity_type, start_position) work as well.\n\n"
            "Shares carry 95 % intervals (Wilson), F1 a bootstrap over texts. A leak is an answer\n"
            "below the text's tier, an over-block one above it. Calibration errors compare how "
            "sure\n"
            "decisions are with how often they are right: of the likeliest tier, and of the "
            "answer,\n"
            "whose confidence is P(true tier <= answer). The risk-coverage curve says of how many "
            "of\n"
            "the surest texts the likeliest tier is wrong; costs and floors, which make the "
            "answer\n"
            "of it, have no part in that.",
        .examples =
            "  lacuna eval tests/data/eval/mixed.jsonl\n"
            "  lacuna eval --pack ours/ --mistakes 50 labelled.jsonl\n"
            "  lacuna eval --strategy conservative --untouched --svg curve.svg sales.jsonl\n"
            "  lacuna eval --alias SSN=US_SSN --format json theirs.jsonl | jq .all.f1\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = eval(&t, &o);
    lac_tool_close(&t);
    return status;
}
