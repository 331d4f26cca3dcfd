/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna eval: labelled texts through the engine, and what came of it. */
#include "lac_cli_eval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_semantic.h"
#include "lac_clock.h"
#include "lac_file.h"
#include "lac_json.h"
#include "lac_records.h"
#include "lac_utf8.h"

enum {
    LINE_MAX_BYTES = 8 << 20,
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + 2 * LINE_MAX_BYTES,
    OUT_MAX = 64 << 20,
    MISTAKES = 20,
};

/* ---- one line ---- */

/* A member under any of its names. Sets of other tools use their own. */
static const struct lac_json *member(const struct lac_json *obj, const char *a, const char *b)
{
    const struct lac_json *v = lac_json_get(obj, a);

    return v ? v : lac_json_get(obj, b);
}

/* --alias THEIRS=OURS. */
static struct lac_str entity_name(const struct lac_cli_eval_options *o, struct lac_str theirs)
{
    for (size_t i = 0; i < o->aliases.count; i++) {
        const char *equals = strchr(o->aliases.items[i], '=');
        struct lac_str from = {o->aliases.items[i], (size_t)(equals - o->aliases.items[i])};

        if (lac_str_eq(from, theirs))
            return lac_str_from(equals + 1);
    }
    return theirs;
}

/* The byte where character `n` begins; SIZE_MAX when the text is shorter. */
static size_t byte_of(struct lac_str text, int64_t n)
{
    size_t at = 0;

    for (; n > 0 && at < text.len; n--)
        (void)lac_utf8_next(text, &at);
    return n == 0 ? at : SIZE_MAX;
}

static enum lac_status read_span(const struct lac_cli_eval *r, const struct lac_json *v,
                                 struct lac_str text, struct lac_eval_span *out,
                                 struct lac_err *err)
{
    const struct lac_json *entity = member(v, "entity", "entity_type");
    const struct lac_json *start = member(v, "start", "start_position");
    const struct lac_json *end = member(v, "end", "end_position");
    size_t from, to;

    if (!entity)
        entity = lac_json_get(v, "label");
    if (lac_json_kind(entity) != LAC_JSON_STRING || lac_json_kind(start) != LAC_JSON_INT ||
        lac_json_kind(end) != LAC_JSON_INT)
        return lac_err_set(err, LAC_REJECT, 0,
                           "a span is {\"entity\": text, \"start\": number, \"end\": number}");
    if (lac_json_int(start) < 0 || lac_json_int(end) <= lac_json_int(start))
        return lac_err_set(err, LAC_REJECT, 0, "a span ends behind its start");
    from = r->o->bytes ? (size_t)lac_json_int(start) : byte_of(text, lac_json_int(start));
    to = r->o->bytes ? (size_t)lac_json_int(end) : byte_of(text, lac_json_int(end));
    if (from >= text.len || to > text.len)
        return lac_err_set(err, LAC_REJECT, 0,
                           "a span ends behind the text; offsets are characters%s",
                           r->o->bytes ? " without --bytes" : ", or bytes with --bytes");
    *out = (struct lac_eval_span){entity_name(r->o, lac_json_string(entity)), (uint32_t)from,
                                  (uint32_t)to};
    return LAC_OK;
}

static enum lac_status read_case(struct lac_cli_eval *r, const struct lac_json *doc,
                                 struct lac_str *text, struct lac_eval_case *c, struct lac_err *err)
{
    const struct lac_json *spans = lac_json_get(doc, "spans");
    const struct lac_json *tier = lac_json_get(doc, "tier");
    enum lac_status status = LAC_OK;

    *text = lac_json_string(member(doc, "text", "full_text"));
    c->id = lac_json_string(lac_json_get(doc, "id"));
    if (!text->ptr)
        return lac_err_set(err, LAC_REJECT, 0, "\"text\" is missing");
    if (!c->id.ptr)
        c->id = LAC_STR("");
    c->has_tier = lac_json_kind(tier) == LAC_JSON_STRING;
    if (c->has_tier && !lac_tier_parse(lac_json_string(tier), &c->gold_tier))
        return lac_err_set(err, LAC_REJECT, 0, "\"tier\" is PUBLIC, INTERNAL or PROPRIETARY");
    if (lac_json_size(spans) > LAC_EVAL_SPAN_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d spans", LAC_EVAL_SPAN_MAX);
    for (size_t i = 0; i < lac_json_size(spans) && status == LAC_OK; i++)
        status = read_span(r, lac_json_item(spans, i), *text, &r->gold[i], err);
    c->gold = r->gold;
    c->gold_count = lac_json_size(spans);
    return status;
}

/* `*touched`: a rule found something. */
static enum lac_status decide(struct lac_cli_eval *r, struct lac_str text, struct lac_eval_case *c,
                              bool *touched, struct lac_err *err)
{
    struct lac_engine_in in = {.raw = text};
    struct lac_engine_out out;
    struct lac_request request;
    uint64_t began = lac_clock_mono_ns();
    enum lac_status status;

    lac_request_init(&request);
    request.text = text;
    in.request = &request;
    lac_arena_reset(&r->arena);
    status = lac_engine_run(r->engine, r->pack, &in, 1, &r->arena, &out, err);
    if (status != LAC_OK)
        return status;
    r->busy_ns += lac_clock_mono_ns() - began;
    r->bytes += text.len;
    r->decided++;
    c->tier = out.core.tier;
    c->has_posterior = true;
    c->posterior[LAC_TIER_PUBLIC] = out.core.posterior.public / 1e6;
    c->posterior[LAC_TIER_INTERNAL] = out.core.posterior.internal / 1e6;
    c->posterior[LAC_TIER_PROPRIETARY] = out.core.posterior.proprietary / 1e6;
    c->found = r->found;
    *touched = out.core.findings_count > 0;
    for (size_t i = 0; i < out.core.findings_count; i++) {
        const struct lac_finding *f = &out.core.findings[i];

        if (lac_str_is(f->field, "/text") && f->end > f->start)
            r->found[c->found_count++] =
                (struct lac_eval_span){f->entity, (uint32_t)f->start, (uint32_t)f->end};
    }
    return LAC_OK;
}

static enum lac_status take_line(struct lac_cli_eval *r, struct lac_str line, uint64_t number,
                                 struct lac_err *err)
{
    struct lac_eval_case c = {.line = number};
    struct lac_json *doc = NULL;
    struct lac_str text;
    bool touched = false;
    enum lac_status status = lac_json_parse(&doc, line, err);

    if (status == LAC_OK && lac_json_kind(doc) != LAC_JSON_OBJECT)
        status = lac_err_set(err, LAC_REJECT, 0, "a line is a JSON object");
    if (status == LAC_OK)
        status = read_case(r, doc, &text, &c, err);
    if (status == LAC_OK)
        status = decide(r, text, &c, &touched, err);
    r->touched += touched;
    if (status == LAC_OK && !(touched && r->o->untouched))
        status = lac_eval_add(r->eval, &c, err);
    lac_json_free(doc);
    return status;
}

_Static_assert((int)LAC_ENGINE_FINDING_MAX <= (int)LAC_EVAL_SPAN_MAX, "all findings fit");

/* ---- the file ---- */

static int bad_line(const struct lac_cli_eval *r, const char *file, uint64_t line,
                    const struct lac_err *err)
{
    char what[LAC_ERR_TEXT_SIZE + 128];

    snprintf(what, sizeof(what), "%.100s:%llu: %s", file, (unsigned long long)line, err->text);
    return lac_tool_fail(r->t, err->status == LAC_REJECT ? LAC_EXIT_USAGE : LAC_EXIT_FAILURE, what,
                         NULL);
}

static int read_file(struct lac_cli_eval *r, const char *file)
{
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    char *line = NULL;
    size_t capacity = 0;
    uint64_t number = 0;
    struct lac_err err;
    int status = -1;
    ssize_t n;

    if (!f) {
        char what[512];

        snprintf(what, sizeof(what), "%.300s: %s", file, lac_errno_text(errno));
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, what, NULL);
    }
    while (status < 0 && (n = getline(&line, &capacity, f)) >= 0) {
        struct lac_str text = {line, (size_t)n};

        number++;
        while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
            text.len--;
        if (text.len == 0)
            continue;
        if (text.len > LINE_MAX_BYTES)
            (void)lac_err_set(&err, LAC_REJECT, 0, "the line is longer than %d bytes",
                              LINE_MAX_BYTES);
        if (text.len > LINE_MAX_BYTES || take_line(r, text, number, &err) != LAC_OK)
            status = bad_line(r, file, number, &err);
    }
    if (status < 0 && ferror(f))
        status = lac_tool_fail(r->t, LAC_EXIT_FAILURE, "the file can't be read to its end", NULL);
    free(line);
    if (f != stdin)
        (void)fclose(f);
    return status;
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
                                         .field_bytes = LINE_MAX_BYTES};
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
    status = lac_engine_open(&r->engine, &options, &err);
    if (status == LAC_OK)
        status = lac_arena_init(&r->arena, ARENA_BYTES, &err);
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

static int eval(const struct lac_tool *t, struct lac_cli_eval_options *o)
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
    status = open_run(r);
    for (int i = 0; i < t->operand_count && status < 0; i++)
        status = read_file(r, t->operands[i]);
    if (status < 0)
        status = show(r);
    lac_eval_close(r->eval);
    lac_arena_deinit(&r->arena);
    lac_engine_close(r->engine);
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
        {'f', "format", LAC_ARGS_TEXT, &o.format, "FORMAT", "text (the default) or json", 0, 0},
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
            "whose confidence is P(true tier <= answer). The risk-coverage curve says how many of\n"
            "the surest texts are wrong.",
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
