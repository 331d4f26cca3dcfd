/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same requests, decided with either pack by the engine that the workers have: in batches, by
 * several threads, told of in their order. A thread remembers what tier 2 said about its requests,
 * so that three strategies and two packs cost one pass of the encoder.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_cli.h"
#include "lac_cli_batch.h"
#include "lac_cli_pack_diff.h"
#include "lac_engine.h"
#include "lac_file.h"
#include "lac_head.h"
#include "lac_json.h"
#include "lac_match.h"
#include "lac_progress.h"
#include "lac_record_json.h"
#include "lac_records.h"
#include "lac_semantic.h"
#include "lac_utf8.h"

enum {
    FILE_MAX = 512 << 20,
    LINE_MAX_BYTES = 1 << 20,
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + 32 * LINE_MAX_BYTES,
    MEMO_BYTES = 64 << 20, /* of a thread: some 20,000 short texts */
};

struct worker {
    struct lac_engine *engine[2]; /* one for each pack */
    struct lac_semantic_memo *memo;
    struct lac_arena decision[2];
};

/* What a batch came to. */
struct made {
    struct lac_arena memory; /* requests, their bytes, their ids */
    struct lac_request requests[LAC_CLI_BATCH_LINES];
    struct lac_engine_in in[LAC_CLI_BATCH_LINES];
    struct lac_cli_pack_flip flips[LAC_CLI_BATCH_LINES];
    bool flipped[LAC_CLI_BATCH_LINES];
    size_t count;
    struct lac_err err; /* of what comes behind them, unless its status is OK */
};

struct bench {
    struct lac_cli_pack_flips *f;
    bool examples;          /* lines are texts, tags the rules that they are examples of */
    struct worker *workers; /* [f->threads] */
    struct lac_cli_batches *batches;
    atomic_size_t decided;
    struct lac_err failure; /* the first one in the order of lines */
};

/* ---- one batch ---- */

static void forget(struct made *m)
{
    m->count = 0;
    m->err.status = LAC_OK;
    lac_arena_reset(&m->memory);
}

static void release(void *made)
{
    struct made *m = made;

    lac_arena_deinit(&m->memory);
}

static enum lac_status too_large(struct lac_str id, struct lac_err *err)
{
    return lac_err_set(err, LAC_REJECT, 0, "%.*s: the request is too large", LAC_STR_FMT(id));
}

static enum lac_status read_request(struct made *m, struct lac_request *request,
                                    struct lac_str line, const char *path, uint64_t number,
                                    struct lac_err *err)
{
    struct lac_json *doc;
    struct lac_err why;
    enum lac_status status = lac_json_parse(&doc, line, &why);

    if (status == LAC_OK) {
        status = lac_json_kind(doc) == LAC_JSON_OBJECT
                     ? lac_record_from_json(&lac_request_type, request, doc, &m->memory, &why)
                     : lac_err_set(&why, LAC_REJECT, 0, "a request is a JSON object");
        lac_json_free(doc);
    }
    if (status == LAC_AGAIN)
        status = lac_err_set(&why, LAC_REJECT, 0, "the request is too large");
    if (status == LAC_OK)
        return LAC_OK;
    return lac_err_set(err, status, 0, "%s:%llu: %s", path, (unsigned long long)number, why.text);
}

/* The id of a request that has none: the line, or the rule that it is an example of. */
static struct lac_str make_id(struct made *m, const struct bench *b, const struct lac_cli_batch *of,
                              size_t i)
{
    char text[128];
    int n = b->examples ? snprintf(text, sizeof(text), "example of %.*s",
                                   LAC_STR_FMT(lac_cli_batch_tag(of, i)))
                        : snprintf(text, sizeof(text), "line %llu",
                                   (unsigned long long)lac_cli_batch_number(of, i));
    size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    char *copy = lac_arena_alloc(&m->memory, len);

    if (!copy)
        return LAC_STR_NULL;
    memcpy(copy, text, len);
    return (struct lac_str){copy, len};
}

static enum lac_status take_line(const struct bench *b, struct made *m,
                                 const struct lac_cli_batch *of, size_t i, struct lac_err *err)
{
    struct lac_request *q = &m->requests[i];
    struct lac_str line = lac_cli_batch_line(of, i), id;
    enum lac_status status = LAC_OK;
    size_t size;
    char *raw;

    if (b->examples) {
        lac_request_init(q);
        q->text = line;
    } else {
        status = read_request(m, q, line, of->file, lac_cli_batch_number(of, i), err);
    }
    if (status != LAC_OK)
        return status;
    id = q->request_id.len > 0 ? q->request_id : make_id(m, b, of, i);
    size = lac_request_encoded_size(q);
    raw = lac_arena_alloc(&m->memory, size);
    if (!id.ptr || !raw)
        return too_large(id, err);
    m->in[i] = (struct lac_engine_in){.request = q, .raw = {raw, lac_request_encode(q, raw)}};
    m->flips[i] = (struct lac_cli_pack_flip){.id = id, .text = q->text};
    m->flipped[i] = false;
    return LAC_OK;
}

/* The rule that an answer of this tier rests on, as far as one finding does; else the model that
 * had a word in it. In the pack's own memory. */
static struct lac_str reason(const struct lac_pack *p, const struct lac_decision_core *core)
{
    const struct lac_finding *best = NULL;

    for (size_t i = 0; i < core->findings_count; i++) {
        const struct lac_finding *f = &core->findings[i];

        if (f->tier == core->tier &&
            (!best || (best->strength != LAC_STRENGTH_FLOOR && f->strength == LAC_STRENGTH_FLOOR)))
            best = f;
    }
    if (best)
        return best->rule;
    return core->has_model_hash ? lac_head_model_name(lac_pack_head(p)) : LAC_STR("");
}

static bool same_route(const struct lac_decision_core *a, const struct lac_decision_core *b)
{
    return lac_str_lists_eq(a->route, a->route_count, b->route, b->route_count);
}

/* The first strategy in which the answers differ is what the flip is about. */
static void note_flip(const struct bench *b, struct made *m, size_t i, int strategy,
                      const struct lac_engine_out *before, const struct lac_engine_out *after)
{
    const struct lac_engine_out *const out[2] = {before, after};
    struct lac_cli_pack_flip *flip = &m->flips[i];

    if (before->core.tier == after->core.tier && same_route(&before->core, &after->core))
        return;
    flip->strategy[strategy] = true;
    if (m->flipped[i])
        return;
    m->flipped[i] = true;
    for (int k = 0; k < 2; k++) {
        flip->tier[k] = out[k]->core.tier;
        flip->reason[k] = reason(b->f->pack[k], &out[k]->core);
    }
    flip->route = flip->tier[0] == flip->tier[1];
}

/* Requests [from, from + n) with one strategy. AGAIN: too many for an arena. */
static enum lac_status decide_as(struct bench *b, struct worker *w, struct made *m, size_t from,
                                 size_t n, int strategy, struct lac_err *err)
{
    struct lac_engine_out out[2][LAC_CLI_BATCH_LINES];

    for (int k = 0; k < 2; k++) {
        enum lac_status status;

        lac_arena_reset(&w->decision[k]);
        lac_engine_set_strategy(w->engine[k], (enum lac_strategy)strategy);
        status = lac_engine_run(w->engine[k], b->f->pack[k], m->in + from, n, &w->decision[k],
                                out[k], err);
        if (status != LAC_OK)
            return status;
    }
    for (size_t i = 0; i < n; i++)
        note_flip(b, m, from + i, strategy, &out[0][i], &out[1][i]);
    return LAC_OK;
}

static enum lac_status decide(struct bench *b, struct worker *w, struct made *m, size_t from,
                              size_t n, struct lac_err *err)
{
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        enum lac_status status = b->f->strategy[s] ? decide_as(b, w, m, from, n, s, err) : LAC_OK;

        if (status == LAC_AGAIN && n == 1)
            return too_large(m->flips[from].id, err);
        if (status == LAC_AGAIN) {
            /* What was noted with an earlier strategy is found once more, and is the same. */
            status = decide(b, w, m, from, n / 2, err);
            return status == LAC_OK ? decide(b, w, m, from + n / 2, n - n / 2, err) : status;
        }
        if (status != LAC_OK)
            return status;
    }
    return LAC_OK;
}

/* Thread: worker. */
static void work(void *ctx, unsigned worker, struct lac_cli_batch *of)
{
    struct bench *b = ctx;
    struct made *m = of->made;
    struct lac_err err;

    if (!m->memory.base && lac_arena_init(&m->memory, ARENA_BYTES, &m->err) != LAC_OK)
        return;
    forget(m);
    for (size_t i = 0; i < of->count && m->err.status == LAC_OK; i++)
        m->count += take_line(b, m, of, i, &m->err) == LAC_OK;
    if (m->count > 0 && decide(b, &b->workers[worker], m, 0, m->count, &err) != LAC_OK) {
        m->count = 0;
        m->err = err;
    }
    atomic_fetch_add(&b->decided, m->count);
}

/* Thread: any worker, one at a time, in order. */
static bool emit(void *ctx, struct lac_cli_batch *of)
{
    struct bench *b = ctx;
    struct made *m = of->made;

    b->f->requests += m->count;
    for (size_t i = 0; i < m->count; i++)
        if (m->flipped[i]) {
            b->f->flips++;
            b->f->each(b->f->ctx, &m->flips[i]);
        }
    if (m->err.status != LAC_OK)
        b->failure = m->err;
    return m->err.status == LAC_OK;
}

static void tick(void *ctx)
{
    struct bench *b = ctx;
    struct lac_progress *p = b->f->progress;
    char count[LAC_PROGRESS_NUMBER_SIZE], text[LAC_PROGRESS_NUMBER_SIZE + 16];

    if (!p || !lac_progress_due(p))
        return;
    snprintf(text, sizeof(text), "%s requests",
             lac_progress_count(count, atomic_load(&b->decided)));
    lac_progress_bar(p, 0, 0, text);
}

/* ---- threads ---- */

static enum lac_status open_worker(struct worker *w, struct lac_semantic *semantic,
                                   struct lac_err *err)
{
    /* Nobody sees these commitments. */
    struct lac_engine_options options = {.commitment_key = LAC_STR("lacuna pack diff"),
                                         .commitment_key_id = LAC_STR("none"),
                                         .semantic = semantic};
    enum lac_status status = LAC_OK;

    if (semantic)
        status = lac_semantic_memo_new(&w->memo, MEMO_BYTES, err);
    options.memo = w->memo;
    for (int k = 0; k < 2 && status == LAC_OK; k++) {
        status = lac_engine_open(&w->engine[k], &options, err);
        if (status == LAC_OK)
            status = lac_arena_init(&w->decision[k], ARENA_BYTES, err);
    }
    return status;
}

/* All that was put has been decided; the first failure, if there was one. */
static enum lac_status bench_close(struct bench *b, struct lac_err *err)
{
    lac_cli_batches_close(b->batches);
    for (unsigned i = 0; b->workers && i < b->f->threads; i++) {
        struct worker *w = &b->workers[i];

        for (int k = 0; k < 2; k++) {
            lac_engine_close(w->engine[k]);
            lac_arena_deinit(&w->decision[k]);
        }
        lac_semantic_memo_free(w->memo);
    }
    free(b->workers);
    if (b->f->progress)
        lac_progress_clear(b->f->progress);
    if (b->failure.status != LAC_OK)
        *err = b->failure;
    return b->failure.status;
}

/* Close it in any case. */
static enum lac_status bench_open(struct bench *b, struct lac_cli_pack_flips *f,
                                  struct lac_semantic *semantic, bool examples, struct lac_err *err)
{
    const struct lac_cli_batches_options o = {.threads = f->threads,
                                              .made_size = sizeof(struct made),
                                              .ctx = b,
                                              .work = work,
                                              .emit = emit,
                                              .release = release,
                                              .tick = tick};
    enum lac_status status = LAC_OK;

    *b = (struct bench){.f = f, .examples = examples};
    b->workers = calloc(f->threads, sizeof(*b->workers));
    if (!b->workers)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    for (unsigned i = 0; i < f->threads && status == LAC_OK; i++)
        status = open_worker(&b->workers[i], semantic, err);
    return status == LAC_OK ? lac_cli_batches_open(&b->batches, &o, err) : status;
}

/* ---- JSON lines ---- */

static enum lac_status put_lines(struct bench *b, struct lac_str data, const char *path,
                                 struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    size_t at = lac_utf8_mark(data);

    for (uint64_t n = 1; at < data.len && status == LAC_OK; n++) {
        const char *end = memchr(data.ptr + at, '\n', data.len - at);
        size_t to = end ? (size_t)(end - data.ptr) : data.len;
        struct lac_str line = lac_str_slice(data, at, to);

        at = to + 1;
        if (line.len > LINE_MAX_BYTES)
            return lac_err_set(err, LAC_REJECT, 0, "%s:%llu: the line is longer than 1 MiB", path,
                               (unsigned long long)n);
        if (line.len > 0 && !(line.len == 1 && line.ptr[0] == '\r'))
            status = lac_cli_batches_put(b->batches, path, n, line, LAC_STR_NULL, err);
    }
    return status;
}

static enum lac_status decide_lines(struct lac_cli_pack_flips *f, struct lac_str data,
                                    const char *path, struct lac_err *err)
{
    struct bench b;
    struct lac_err earlier;
    enum lac_status status = bench_open(&b, f, f->semantic, false, err);

    if (status == LAC_OK)
        status = put_lines(&b, data, path, err);
    if (bench_close(&b, &earlier) == LAC_OK)
        return status;
    *err = earlier;
    return earlier.status;
}

enum lac_status lac_cli_pack_flips_file(struct lac_cli_pack_flips *f, const char *path,
                                        struct lac_err *err)
{
    struct lac_buf data;
    enum lac_status status;

    lac_buf_init(&data, FILE_MAX);
    status = lac_file_read(path, &data, err);
    if (status == LAC_OK)
        status = decide_lines(f, lac_buf_str(&data), path, err);
    lac_buf_deinit(&data);
    return status;
}

/* ---- samples and examples ---- */

struct example {
    struct lac_str text, rule;
};

static int by_text(const void *x, const void *y)
{
    const struct example *a = x;
    const struct example *b = y;
    int order = lac_str_cmp(a->text, b->text);

    return order ? order : lac_str_cmp(a->rule, b->rule);
}

static void collect(const struct lac_pack *p, struct example *out, size_t *count)
{
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++) {
        struct lac_pack_examples e = lac_pack_examples(p, i);
        struct lac_str id = lac_match_rule_at(lac_pack_match(p), i)->id;

        for (size_t k = 0; k < e.match_count + e.no_match_count; k++, ++*count)
            if (out)
                out[*count] = (struct example){
                    k < e.match_count ? e.match[k] : e.no_match[k - e.match_count], id};
    }
}

static enum lac_status put_examples(struct bench *b, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    struct example *all;
    size_t count = 0;

    collect(b->f->pack[0], NULL, &count);
    collect(b->f->pack[1], NULL, &count);
    all = malloc((count + 1) * sizeof(*all));
    if (!all)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    count = 0;
    collect(b->f->pack[0], all, &count);
    collect(b->f->pack[1], all, &count);
    qsort(all, count, sizeof(*all), by_text);
    for (size_t i = 0; i < count && status == LAC_OK; i++)
        if (i == 0 || !lac_str_eq(all[i].text, all[i - 1].text))
            status =
                lac_cli_batches_put(b->batches, "examples", i + 1, all[i].text, all[i].rule, err);
    free(all);
    return status;
}

static enum lac_status decide_examples(struct lac_cli_pack_flips *f, struct lac_err *err)
{
    struct bench b;
    struct lac_err earlier;
    /* Examples are about the rules and no texts that anybody would send: rules alone decide them,
     * and nobody waits minutes for the encoder. */
    enum lac_status status = bench_open(&b, f, NULL, true, err);

    if (status == LAC_OK)
        status = put_examples(&b, err);
    if (bench_close(&b, &earlier) == LAC_OK)
        return status;
    *err = earlier;
    return earlier.status;
}

enum lac_status lac_cli_pack_flips_own(struct lac_cli_pack_flips *f, struct lac_err *err)
{
    const struct lac_str samples = {lac_cli_pack_samples, lac_cli_pack_samples_size};
    enum lac_status status = decide_lines(f, samples, "samples", err);

    return status == LAC_OK ? decide_examples(f, err) : status;
}
