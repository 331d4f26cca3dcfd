/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled lines, read and decided in batches by several threads, counted in their order. */
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_eval.h"
#include "lac_clock.h"
#include "lac_json.h"
#include "lac_records.h"
#include "lac_utf8.h"

enum {
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + 2 * LAC_CLI_EVAL_LINE_BYTES,
    /* All spans that the lines of a batch can have, and what rounding up takes. */
    SPANS_BYTES = LAC_CLI_BATCH_LINES *
                  ((LAC_EVAL_SPAN_MAX + LAC_ENGINE_FINDING_MAX) * sizeof(struct lac_eval_span) + 64)
};

_Static_assert((int)LAC_ENGINE_FINDING_MAX <= (int)LAC_EVAL_SPAN_MAX, "all findings fit");

/* What a batch came to. */
struct made {
    struct lac_arena spans;
    struct lac_json *docs[LAC_CLI_BATCH_LINES]; /* cases borrow from them */
    struct lac_eval_case cases[LAC_CLI_BATCH_LINES];
    struct lac_str texts[LAC_CLI_BATCH_LINES];
    bool touched[LAC_CLI_BATCH_LINES]; /* rules found something */
    size_t count;                      /* cases that are right */
    struct lac_err err;                /* of the next line, unless its status is OK */
    uint64_t bad_line;
};

/* ---- a line ---- */

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

static enum lac_status read_span(const struct lac_cli_eval_options *o, const struct lac_json *v,
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
    from = o->bytes ? (size_t)lac_json_int(start) : byte_of(text, lac_json_int(start));
    to = o->bytes ? (size_t)lac_json_int(end) : byte_of(text, lac_json_int(end));
    if (from >= text.len || to > text.len)
        return lac_err_set(err, LAC_REJECT, 0,
                           "a span ends behind the text; offsets are characters%s",
                           o->bytes ? " without --bytes" : ", or bytes with --bytes");
    *out = (struct lac_eval_span){entity_name(o, lac_json_string(entity)), (uint32_t)from,
                                  (uint32_t)to};
    return LAC_OK;
}

static struct lac_eval_span *take_spans(struct made *m, size_t count)
{
    struct lac_eval_span *spans = lac_arena_alloc(&m->spans, count * sizeof(*spans));

    LAC_ASSERT(spans); /* there is room for all that a batch can have */
    return spans;
}

static enum lac_status read_case(const struct lac_cli_eval_options *o, const struct lac_json *doc,
                                 struct made *m, struct lac_str *text, struct lac_eval_case *c,
                                 struct lac_err *err)
{
    const struct lac_json *spans = lac_json_get(doc, "spans");
    const struct lac_json *tier = lac_json_get(doc, "tier");
    enum lac_status status = LAC_OK;
    struct lac_eval_span *gold;

    if (lac_json_kind(doc) != LAC_JSON_OBJECT)
        return lac_err_set(err, LAC_REJECT, 0, "a line is a JSON object");
    *text = lac_json_string(member(doc, "text", "full_text"));
    c->id = lac_json_string(lac_json_get(doc, "id"));
    if (!text->ptr)
        return lac_err_set(err, LAC_REJECT, 0, "\"text\" is missing");
    if (!c->id.ptr)
        c->id = LAC_STR("");
    c->has_tier = lac_json_kind(tier) == LAC_JSON_STRING;
    if (c->has_tier && !lac_tier_parse(lac_json_string(tier), &c->gold_tier))
        return lac_err_set(err, LAC_REJECT, 0, "\"tier\" is PUBLIC, INTERNAL or PROPRIETARY");
    c->gold_count = lac_json_size(spans);
    if (c->gold_count > LAC_EVAL_SPAN_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d spans", LAC_EVAL_SPAN_MAX);
    c->gold = gold = take_spans(m, c->gold_count);
    for (size_t i = 0; i < c->gold_count && status == LAC_OK; i++)
        status = read_span(o, lac_json_item(spans, i), *text, &gold[i], err);
    return status;
}

/* Up to the first line that is wrong. */
static void read_cases(const struct lac_cli_eval *r, const struct lac_cli_batch *b, struct made *m)
{
    for (size_t i = 0; i < b->count; i++) {
        enum lac_status status = lac_json_parse(&m->docs[i], lac_cli_batch_line(b, i), &m->err);

        m->cases[i] = (struct lac_eval_case){.line = lac_cli_batch_number(b, i)};
        if (status == LAC_OK)
            status = read_case(r->o, m->docs[i], m, &m->texts[i], &m->cases[i], &m->err);
        if (status != LAC_OK) {
            m->bad_line = m->cases[i].line;
            return;
        }
        m->count++;
    }
}

/* ---- a batch ---- */

static void forget(struct made *m)
{
    for (size_t i = 0; i < LAC_CLI_BATCH_LINES; i++) {
        lac_json_free(m->docs[i]);
        m->docs[i] = NULL;
    }
    m->count = 0;
    m->err.status = LAC_OK;
}

void lac_cli_eval_release(void *made)
{
    struct made *m = made;

    forget(m);
    lac_arena_deinit(&m->spans);
}

const size_t lac_cli_eval_made_size = sizeof(struct made);

static void take_answer(struct made *m, size_t i, const struct lac_engine_out *out)
{
    struct lac_eval_case *c = &m->cases[i];
    struct lac_eval_span *found = take_spans(m, out->core.findings_count);

    c->tier = out->core.tier;
    c->has_posterior = true;
    c->posterior[LAC_TIER_PUBLIC] = out->core.posterior.public / 1e6;
    c->posterior[LAC_TIER_INTERNAL] = out->core.posterior.internal / 1e6;
    c->posterior[LAC_TIER_PROPRIETARY] = out->core.posterior.proprietary / 1e6;
    c->found = found;
    m->touched[i] = out->core.findings_count > 0;
    for (size_t k = 0; k < out->core.findings_count; k++) {
        const struct lac_finding *f = &out->core.findings[k];

        /* An entity's name is in the pack. */
        if (lac_str_is(f->field, "/text") && f->end > f->start)
            found[c->found_count++] =
                (struct lac_eval_span){f->entity, (uint32_t)f->start, (uint32_t)f->end};
    }
}

/* Cases [from, from + n); fewer at once where the arena is too small for all. */
static enum lac_status decide(struct lac_cli_eval *r, struct lac_cli_eval_worker *w, struct made *m,
                              size_t from, size_t n, struct lac_err *err)
{
    struct lac_request requests[LAC_CLI_BATCH_LINES];
    struct lac_engine_in in[LAC_CLI_BATCH_LINES];
    struct lac_engine_out out[LAC_CLI_BATCH_LINES];
    enum lac_status status;

    for (size_t i = 0; i < n; i++) {
        lac_request_init(&requests[i]);
        requests[i].text = m->texts[from + i];
        in[i] = (struct lac_engine_in){.request = &requests[i], .raw = requests[i].text};
    }
    lac_arena_reset(&w->arena);
    status = lac_engine_run(w->engine, r->pack, in, n, &w->arena, out, err);
    if (status == LAC_AGAIN && n > 1) {
        status = decide(r, w, m, from, n / 2, err);
        return status == LAC_OK ? decide(r, w, m, from + n / 2, n - n / 2, err) : status;
    }
    for (size_t i = 0; status == LAC_OK && i < n; i++)
        take_answer(m, from + i, &out[i]);
    return status;
}

void lac_cli_eval_work(void *ctx, unsigned worker, struct lac_cli_batch *b)
{
    struct lac_cli_eval *r = ctx;
    struct lac_cli_eval_worker *w = &r->workers[worker];
    struct made *m = b->made;
    struct lac_err err;
    uint64_t began;

    forget(m);
    if (!m->spans.base && lac_arena_init(&m->spans, SPANS_BYTES, &m->err) != LAC_OK) {
        m->bad_line = lac_cli_batch_number(b, 0);
        return;
    }
    lac_arena_reset(&m->spans);
    read_cases(r, b, m);
    began = lac_clock_mono_ns();
    if (m->count > 0 && decide(r, w, m, 0, m->count, &err) != LAC_OK) {
        m->err = err;
        m->bad_line = m->cases[0].line;
        m->count = 0;
    }
    atomic_fetch_add(&r->busy_ns, lac_clock_mono_ns() - began);
    atomic_fetch_add(&r->decided, m->count);
    for (size_t i = 0; i < m->count; i++)
        atomic_fetch_add(&r->bytes, m->texts[i].len);
}

bool lac_cli_eval_emit(void *ctx, struct lac_cli_batch *b)
{
    struct lac_cli_eval *r = ctx;
    struct made *m = b->made;

    for (size_t i = 0; i < m->count; i++) {
        r->touched += m->touched[i];
        if ((m->touched[i] && r->o->untouched) ||
            lac_eval_add(r->eval, &m->cases[i], &r->failure) == LAC_OK)
            continue;
        r->failed_line = m->cases[i].line;
        r->failed_file = b->file;
        return false;
    }
    if (m->err.status == LAC_OK)
        return true;
    r->failure = m->err;
    r->failed_line = m->bad_line;
    r->failed_file = b->file;
    return false;
}

/* ---- threads ---- */

enum lac_status lac_cli_eval_open_workers(struct lac_cli_eval *r,
                                          const struct lac_engine_options *o, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (unsigned i = 0; i < r->threads && status == LAC_OK; i++) {
        status = lac_engine_open(&r->workers[i].engine, o, err);
        if (status == LAC_OK)
            status = lac_arena_init(&r->workers[i].arena, ARENA_BYTES, err);
    }
    return status;
}

void lac_cli_eval_close_workers(struct lac_cli_eval *r)
{
    for (unsigned i = 0; i < r->threads; i++) {
        lac_engine_close(r->workers[i].engine);
        lac_arena_deinit(&r->workers[i].arena);
    }
}
