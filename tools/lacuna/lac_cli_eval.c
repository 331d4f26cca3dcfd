/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna eval: labelled texts through the engine, and what came of it. */
#include "lac_cli_semantic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_engine.h"
#include "lac_eval.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_records.h"
#include "lac_table.h"
#include "lac_utf8.h"

enum {
    LINE_MAX_BYTES = 8 << 20,
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + 2 * LINE_MAX_BYTES,
    OUT_MAX = 64 << 20,
    MISTAKES = 20,
};

struct eval_options {
    const char *pack, *model, *strategy, *format;
    struct lac_args_list aliases;
    uint64_t overlap, mistakes;
    bool bytes, all, json;
};

struct run {
    const struct lac_tool *t;
    const struct eval_options *o;
    struct lac_pack *pack;
    struct lac_semantic *semantic; /* NULL: rules alone */
    struct lac_engine *engine;
    struct lac_arena arena;
    struct lac_eval *eval;
    struct lac_eval_span gold[LAC_EVAL_SPAN_MAX], found[LAC_EVAL_SPAN_MAX];
    uint64_t bytes, busy_ns, decided;
};

/* ---- one line ---- */

/* A member under any of its names. Sets of other tools use their own. */
static const struct lac_json *member(const struct lac_json *obj, const char *a, const char *b)
{
    const struct lac_json *v = lac_json_get(obj, a);

    return v ? v : lac_json_get(obj, b);
}

/* --alias THEIRS=OURS. */
static struct lac_str entity_name(const struct eval_options *o, struct lac_str theirs)
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

static enum lac_status read_span(const struct run *r, const struct lac_json *v, struct lac_str text,
                                 struct lac_eval_span *out, struct lac_err *err)
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

static enum lac_status read_case(struct run *r, const struct lac_json *doc, struct lac_str *text,
                                 struct lac_eval_case *c, struct lac_err *err)
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

static enum lac_status decide(struct run *r, struct lac_str text, struct lac_eval_case *c,
                              struct lac_err *err)
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
    c->found = r->found;
    for (size_t i = 0; i < out.core.findings_count; i++) {
        const struct lac_finding *f = &out.core.findings[i];

        if (lac_str_is(f->field, "/text") && f->end > f->start)
            r->found[c->found_count++] =
                (struct lac_eval_span){f->entity, (uint32_t)f->start, (uint32_t)f->end};
    }
    return LAC_OK;
}

static enum lac_status take_line(struct run *r, struct lac_str line, uint64_t number,
                                 struct lac_err *err)
{
    struct lac_eval_case c = {.line = number};
    struct lac_json *doc = NULL;
    struct lac_str text;
    enum lac_status status = lac_json_parse(&doc, line, err);

    if (status == LAC_OK && lac_json_kind(doc) != LAC_JSON_OBJECT)
        status = lac_err_set(err, LAC_REJECT, 0, "a line is a JSON object");
    if (status == LAC_OK)
        status = read_case(r, doc, &text, &c, err);
    if (status == LAC_OK)
        status = decide(r, text, &c, err);
    if (status == LAC_OK)
        status = lac_eval_add(r->eval, &c, err);
    lac_json_free(doc);
    return status;
}

_Static_assert((int)LAC_ENGINE_FINDING_MAX <= (int)LAC_EVAL_SPAN_MAX, "all findings fit");

/* ---- the file ---- */

static int bad_line(const struct run *r, const char *file, uint64_t line, const struct lac_err *err)
{
    char what[LAC_ERR_TEXT_SIZE + 128];

    snprintf(what, sizeof(what), "%.100s:%llu: %s", file, (unsigned long long)line, err->text);
    return lac_tool_fail(r->t, err->status == LAC_REJECT ? LAC_EXIT_USAGE : LAC_EXIT_FAILURE, what,
                         NULL);
}

static int read_file(struct run *r, const char *file)
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

/* ---- for people ---- */

static void put_share(struct lac_table *table, const struct lac_eval_share *s)
{
    if (s->of == 0)
        lac_table_add(table, LAC_STR("-"), LAC_STYLE_DIM);
    else
        lac_table_addf(table, LAC_STYLE_NONE, "%.3f [%.3f, %.3f]", s->value, s->low, s->high);
}

static void put_score(struct lac_table *table, const struct lac_eval_score *s)
{
    lac_table_add(table, lac_str_from(s->name), LAC_STYLE_NONE);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)(s->right + s->missed));
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->right);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->wrong);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->missed);
    put_share(table, &s->precision);
    put_share(table, &s->recall);
    if (s->f1_low < s->f1_high || s->f1 > 0)
        lac_table_addf(table, LAC_STYLE_NONE, "%.3f [%.3f, %.3f]", s->f1, s->f1_low, s->f1_high);
    else
        lac_table_addf(table, LAC_STYLE_NONE, "%.3f", s->f1);
}

static const struct lac_table_column score_columns[] = {
    {"", false, false, 0},       {"labelled", true, false, 0}, {"right", true, false, 0},
    {"wrong", true, false, 0},   {"missed", true, false, 0},   {"precision", false, false, 0},
    {"recall", false, false, 0}, {"F1", false, false, 0},
};

static void put_entities(const struct lac_tool *t, const struct eval_options *o,
                         const struct lac_eval_report *report, struct lac_buf *b)
{
    struct lac_table table;
    bool unlabelled = false;

    lac_table_init(&table, score_columns, LAC_COUNT(score_columns), LAC_EVAL_ENTITY_MAX + 1);
    for (size_t i = 0; i < report->entity_count; i++) {
        if (report->entities[i].labelled || o->all)
            put_score(&table, &report->entities[i]);
        else
            unlabelled = true;
    }
    put_score(&table, &report->all);
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "Entities\n");
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
    if (!unlabelled)
        return;
    lac_buf_put_text(b, "Found, but never labelled in this set (--all counts them):");
    for (size_t i = 0; i < report->entity_count; i++)
        if (!report->entities[i].labelled)
            lac_buf_printf(b, " %s %llu", report->entities[i].name,
                           (unsigned long long)report->entities[i].wrong);
    lac_buf_put_char(b, '\n');
}

static void put_rate(struct lac_buf *b, const char *name, const struct lac_eval_share *s)
{
    if (s->of == 0)
        lac_buf_printf(b, "%-12s-\n", name);
    else
        lac_buf_printf(b, "%-12s%.4f [%.4f, %.4f], %llu of %llu\n", name, s->value, s->low, s->high,
                       (unsigned long long)s->hits, (unsigned long long)s->of);
}

static void put_tiers(const struct lac_tool *t, const struct lac_eval_report *report,
                      struct lac_buf *b)
{
    struct lac_table table;

    if (report->tiered == 0)
        return;
    lac_table_init(&table, score_columns, LAC_COUNT(score_columns), LAC_TIER_COUNT);
    for (int i = 0; i < LAC_TIER_COUNT; i++)
        put_score(&table, &report->tiers[i]);
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "\nTiers\n");
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
    put_rate(b, "Leaks", &report->leaks);
    put_rate(b, "Over-blocks", &report->blocks);
}

static void put_mistakes(const struct lac_tool *t, const struct lac_eval_report *report,
                         struct lac_buf *b)
{
    static const char *const kinds[] = {"leak", "missed", "wrong", "over-block"};

    if (report->mistake_count == 0)
        return;
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "\nWorst mistakes");
    lac_buf_printf(b, " (%zu of %llu)\n", report->mistake_count,
                   (unsigned long long)report->mistake_total);
    for (size_t i = 0; i < report->mistake_count; i++) {
        const struct lac_eval_mistake *m = &report->mistakes[i];

        lac_buf_printf(b, "line %llu%s%s: %s ", (unsigned long long)m->line, m->id[0] ? ", " : "",
                       m->id, kinds[m->kind]);
        if (m->entity[0])
            lac_buf_printf(b, "%s at bytes %u-%u\n", m->entity, m->start, m->end);
        else
            lac_buf_printf(b, "%s, really %s\n", lac_tier_name(m->tier),
                           lac_tier_name(m->gold_tier));
    }
}

static void put_people(const struct run *r, const struct lac_eval_report *report, struct lac_buf *b)
{
    lac_buf_printf(b, "%llu texts, %.1f MB, %.2f us per text; pack %.*s version %llu, %s\n\n",
                   (unsigned long long)report->texts, (double)r->bytes / 1e6,
                   r->decided ? (double)r->busy_ns / 1e3 / (double)r->decided : 0.0,
                   LAC_STR_FMT(lac_pack_name(r->pack)),
                   (unsigned long long)lac_pack_version(r->pack),
                   lac_conf_text(r->t->conf, "classification.strategy"));
    put_entities(r->t, r->o, report, b);
    put_tiers(r->t, report, b);
    put_mistakes(r->t, report, b);
}

/* ---- for machines ---- */

static void json_text(struct lac_json_writer *w, const char *key, const char *value)
{
    lac_json_key(w, key);
    lac_json_put_text(w, value);
}

static void json_count(struct lac_json_writer *w, const char *key, uint64_t value)
{
    lac_json_key(w, key);
    lac_json_put_uint(w, value);
}

/* A figure and where the true one lies; `known` false: there is nothing to take it from. */
static void json_interval(struct lac_json_writer *w, bool known, double value, double low,
                          double high)
{
    lac_json_key(w, "value");
    if (known)
        lac_json_put_real(w, value);
    else
        lac_json_put_null(w);
    lac_json_key(w, "low");
    lac_json_put_real(w, low);
    lac_json_key(w, "high");
    lac_json_put_real(w, high);
}

static void json_share(struct lac_json_writer *w, const char *name, const struct lac_eval_share *s)
{
    lac_json_key(w, name);
    lac_json_open_object(w);
    json_interval(w, s->of > 0, s->value, s->low, s->high);
    json_count(w, "hits", s->hits);
    json_count(w, "of", s->of);
    lac_json_close_object(w);
}

static void json_score(struct lac_json_writer *w, const struct lac_eval_score *s)
{
    lac_json_open_object(w);
    json_text(w, "name", s->name);
    lac_json_key(w, "labelled");
    lac_json_put_bool(w, s->labelled);
    json_count(w, "right", s->right);
    json_count(w, "wrong", s->wrong);
    json_count(w, "missed", s->missed);
    json_share(w, "precision", &s->precision);
    json_share(w, "recall", &s->recall);
    lac_json_key(w, "f1");
    lac_json_open_object(w);
    json_interval(w, true, s->f1, s->f1_low, s->f1_high);
    lac_json_close_object(w);
    lac_json_close_object(w);
}

static void json_mistake(struct lac_json_writer *w, const struct lac_eval_mistake *m)
{
    static const char *const kinds[] = {"leak", "missed", "wrong", "over_block"};

    lac_json_open_object(w);
    json_text(w, "kind", kinds[m->kind]);
    json_count(w, "line", m->line);
    json_text(w, "id", m->id);
    if (m->entity[0]) {
        json_text(w, "entity", m->entity);
        json_count(w, "start", m->start);
        json_count(w, "end", m->end);
    } else {
        json_text(w, "tier", lac_tier_name(m->tier));
        json_text(w, "true_tier", lac_tier_name(m->gold_tier));
    }
    lac_json_close_object(w);
}

static void put_json(const struct run *r, const struct lac_eval_report *report, struct lac_buf *b)
{
    struct lac_json_writer w;

    lac_json_begin(&w, b);
    lac_json_open_object(&w);
    json_count(&w, "texts", report->texts);
    lac_json_key(&w, "pack");
    lac_json_put_hex(&w, lac_pack_hash(r->pack), LAC_PACK_HASH_SIZE);
    lac_json_key(&w, "all");
    json_score(&w, &report->all);
    lac_json_key(&w, "entities");
    lac_json_open_array(&w);
    for (size_t i = 0; i < report->entity_count; i++)
        json_score(&w, &report->entities[i]);
    lac_json_close_array(&w);
    if (report->tiered) {
        lac_json_key(&w, "tiers");
        lac_json_open_array(&w);
        for (int i = 0; i < LAC_TIER_COUNT; i++)
            json_score(&w, &report->tiers[i]);
        lac_json_close_array(&w);
        json_share(&w, "leaks", &report->leaks);
        json_share(&w, "over_blocks", &report->blocks);
    }
    lac_json_key(&w, "mistakes");
    lac_json_open_array(&w);
    for (size_t i = 0; i < report->mistake_count; i++)
        json_mistake(&w, &report->mistakes[i]);
    lac_json_close_array(&w);
    json_count(&w, "mistake_total", report->mistake_total);
    lac_json_close_object(&w);
    lac_buf_put_char(b, '\n');
}

/* ---- the command ---- */

static int check(const struct lac_tool *t, struct eval_options *o)
{
    struct lac_err err;

    int status = lac_cli_format(t, o->format, &o->json);

    if (status >= 0)
        return status;
    for (size_t i = 0; i < o->aliases.count; i++)
        if (!strchr(o->aliases.items[i], '='))
            return lac_tool_fail(t, LAC_EXIT_USAGE, "--alias is THEIRS=OURS",
                                 "For example --alias SSN=US_SSN.");
    if ((o->strategy &&
         lac_conf_set(t->conf, "classification.strategy", o->strategy, &err) != LAC_OK) ||
        (o->pack && lac_conf_set(t->conf, "pack.path", o->pack, &err) != LAC_OK))
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return lac_cli_semantic_settings(t, o->model, NULL);
}

static int open_run(struct run *r)
{
    /* Nobody keeps these decisions: any key will do for their commitments. */
    struct lac_engine_options options = {.commitment_key = LAC_STR("decisions nobody keeps"),
                                         .commitment_key_id = LAC_STR("eval"),
                                         .field_bytes = LINE_MAX_BYTES};
    const char *strategy = lac_conf_text(r->t->conf, "classification.strategy");
    const struct lac_pack *pack;
    struct lac_err err;
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

static int show(struct run *r)
{
    struct lac_eval_report report;
    struct lac_err err;
    struct lac_buf b;
    int status;

    if (lac_eval_sum(r->eval, r->o->all, r->o->mistakes, &report, &err) != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text, NULL);
    if (report.texts == 0)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "there are no texts in it",
                             "`lacuna eval --help` shows what a line is.");
    lac_buf_init(&b, OUT_MAX);
    if (r->o->json)
        put_json(r, &report, &b);
    else
        put_people(r, &report, &b);
    status = lac_cli_flush(r->t, &b);
    lac_buf_deinit(&b);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int eval(const struct lac_tool *t, struct eval_options *o)
{
    struct run *r;
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
    struct eval_options o = {.overlap = 50, .mistakes = MISTAKES};
    const struct lac_args_option options[] = {
        {0, "pack", LAC_ARGS_TEXT, &o.pack, "DIR", "Use this policy pack, folder or file", 0, 0},
        {0, "model", LAC_ARGS_TEXT, &o.model, "DIR|NAME",
         "The encoder that the pack's head wants lies there (LACUNA_MODEL)", 0, 0},
        {'s', "strategy", LAC_ARGS_TEXT, &o.strategy, "NAME",
         "conservative, balanced or aggressive", 0, 0},
        {0, "alias", LAC_ARGS_LIST, &o.aliases, "THEIRS=OURS",
         "The set's name of an entity (repeatable)", 0, 0},
        {0, "overlap", LAC_ARGS_NUMBER, &o.overlap, "PERCENT",
         "Shared part of two spans' union that makes them one (50)", 1, 100},
        {0, "bytes", LAC_ARGS_SWITCH, &o.bytes, NULL, "The set's offsets are bytes", 0, 0},
        {'a', "all", LAC_ARGS_SWITCH, &o.all, NULL,
         "Findings of entities that the set never labels are wrong", 0, 0},
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
            "below the text's tier, an over-block one above it.",
        .examples = "  lacuna eval tests/data/eval/mixed.jsonl\n"
                    "  lacuna eval --pack ours/ --mistakes 50 labelled.jsonl\n"
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
