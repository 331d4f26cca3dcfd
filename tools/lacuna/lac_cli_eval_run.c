/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled lines, read and decided in batches by several threads, counted in their order. */
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_eval.h"
#include "lac_clock.h"
#include "lac_json.h"
#include "lac_records.h"

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

/* ---- lines ---- */

/* There is room for all that a batch can have. */
static struct lac_eval_span *take_spans(struct made *m, size_t count)
{
    struct lac_eval_span *spans = lac_arena_alloc(&m->spans, count * sizeof(*spans));

    LAC_ASSERT(spans);
    return spans;
}

/* Up to the first line that is wrong. */
static void read_cases(const struct lac_cli_eval *r, const struct lac_cli_batch *b, struct made *m)
{
    for (size_t i = 0; i < b->count; i++) {
        struct lac_eval_case *c = &m->cases[i];
        struct lac_cli_eval_line line;

        m->cases[i] = (struct lac_eval_case){.line = lac_cli_batch_number(b, i)};
        if (lac_cli_eval_line_read(&line, r->o, lac_cli_batch_line(b, i), &m->docs[i], &m->spans,
                                   &m->err) != LAC_OK) {
            m->bad_line = c->line;
            return;
        }
        m->texts[i] = line.text;
        c->id = line.id;
        c->has_tier = line.has_tier;
        c->gold_tier = line.tier;
        c->gold = line.spans;
        c->gold_count = line.span_count;
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
