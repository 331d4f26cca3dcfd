/* SPDX-License-Identifier: Apache-2.0 */
/* The same requests, decided with either pack by the engine that the workers have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_cli_pack_diff.h"
#include "lac_engine.h"
#include "lac_file.h"
#include "lac_head.h"
#include "lac_json.h"
#include "lac_match.h"
#include "lac_record_json.h"
#include "lac_records.h"

enum {
    FILE_MAX = 512 << 20,
    LINE_MAX_BYTES = 1 << 20,
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + 32 * LINE_MAX_BYTES,
};

struct bench {
    struct lac_cli_pack_flips *f;
    struct lac_semantic *semantic;                    /* of the flips; NULL: rules alone */
    struct lac_engine *engine[LAC_STRATEGY_COUNT][2]; /* NULL: a strategy that is not tried */
    struct lac_arena request, decision[2];
};

static void bench_close(struct bench *b)
{
    for (int i = 0; i < 2; i++) {
        for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
            lac_engine_close(b->engine[s][i]);
        lac_arena_deinit(&b->decision[i]);
    }
    lac_arena_deinit(&b->request);
}

static enum lac_status open_engines(struct bench *b, enum lac_strategy strategy,
                                    struct lac_err *err)
{
    /* Nobody sees these commitments. */
    const struct lac_engine_options options = {.strategy = strategy,
                                               .commitment_key = LAC_STR("lacuna pack diff"),
                                               .commitment_key_id = LAC_STR("none"),
                                               .semantic = b->semantic};
    enum lac_status status = LAC_OK;

    for (int i = 0; i < 2 && status == LAC_OK; i++)
        status = lac_engine_open(&b->engine[strategy][i], &options, err);
    return status;
}

static enum lac_status bench_open(struct bench *b, struct lac_cli_pack_flips *f,
                                  struct lac_semantic *semantic, struct lac_err *err)
{
    enum lac_status status;

    *b = (struct bench){.f = f, .semantic = semantic};
    status = lac_arena_init(&b->request, ARENA_BYTES, err);
    for (int i = 0; i < 2 && status == LAC_OK; i++)
        status = lac_arena_init(&b->decision[i], ARENA_BYTES, err);
    for (int s = 0; s < LAC_STRATEGY_COUNT && status == LAC_OK; s++)
        if (f->strategy[s])
            status = open_engines(b, (enum lac_strategy)s, err);
    if (status != LAC_OK)
        bench_close(b);
    return status;
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

/* With one strategy; `*flip` is filled when the answers differ and it is the first that does. */
static enum lac_status decide_as(struct bench *b, int strategy, const struct lac_engine_in *in,
                                 struct lac_cli_pack_flip *flip, bool *flipped, struct lac_err *err)
{
    struct lac_engine_out out[2];

    for (int i = 0; i < 2; i++) {
        enum lac_status status;

        lac_arena_reset(&b->decision[i]);
        status = lac_engine_run(b->engine[strategy][i], b->f->pack[i], in, 1, &b->decision[i],
                                &out[i], err);
        if (status == LAC_AGAIN)
            return lac_err_set(err, LAC_REJECT, 0, "%.*s: the request is too large",
                               LAC_STR_FMT(flip->id));
        if (status != LAC_OK)
            return status;
    }
    if (out[0].core.tier == out[1].core.tier && same_route(&out[0].core, &out[1].core))
        return LAC_OK;
    flip->strategy[strategy] = true;
    if (*flipped)
        return LAC_OK;
    *flipped = true;
    for (int i = 0; i < 2; i++) {
        flip->tier[i] = out[i].core.tier;
        flip->reason[i] = reason(b->f->pack[i], &out[i].core);
    }
    flip->route = flip->tier[0] == flip->tier[1];
    return LAC_OK;
}

static enum lac_status decide(struct bench *b, const struct lac_request *request, struct lac_str id,
                              struct lac_err *err)
{
    struct lac_cli_pack_flip flip = {.id = id, .text = request->text};
    struct lac_engine_in in = {.request = request};
    enum lac_status status = LAC_OK;
    bool flipped = false;
    size_t size = lac_request_encoded_size(request);
    char *raw = lac_arena_alloc(&b->request, size);

    if (!raw)
        return lac_err_set(err, LAC_REJECT, 0, "%.*s: the request is too large", LAC_STR_FMT(id));
    in.raw = (struct lac_str){raw, lac_request_encode(request, raw)};
    for (int s = 0; s < LAC_STRATEGY_COUNT && status == LAC_OK; s++)
        if (b->engine[s][0])
            status = decide_as(b, s, &in, &flip, &flipped, err);
    if (status != LAC_OK)
        return status;
    b->f->requests++;
    if (flipped) {
        b->f->flips++;
        b->f->each(b->f->ctx, &flip);
    }
    return LAC_OK;
}

static enum lac_status decide_text(struct bench *b, struct lac_str text, struct lac_str id,
                                   struct lac_err *err)
{
    struct lac_request request;

    lac_request_init(&request);
    request.text = text;
    lac_arena_reset(&b->request);
    return decide(b, &request, id, err);
}

/* ---- JSON lines ---- */

static enum lac_status decide_line(struct bench *b, struct lac_str line, const char *path, size_t n,
                                   struct lac_err *err)
{
    struct lac_request request;
    struct lac_json *doc;
    struct lac_err why;
    enum lac_status status = lac_json_parse(&doc, line, &why);
    char place[64];

    snprintf(place, sizeof(place), "line %zu", n);
    if (status != LAC_OK)
        return lac_err_set(err, status, 0, "%s:%zu: %s", path, n, why.text);
    lac_arena_reset(&b->request);
    status = lac_json_kind(doc) == LAC_JSON_OBJECT
                 ? lac_record_from_json(&lac_request_type, &request, doc, &b->request, &why)
                 : lac_err_set(&why, LAC_REJECT, 0, "a request is a JSON object");
    lac_json_free(doc);
    if (status == LAC_AGAIN)
        status = lac_err_set(&why, LAC_REJECT, 0, "the request is too large");
    if (status != LAC_OK)
        return lac_err_set(err, status, 0, "%s:%zu: %s", path, n, why.text);
    return decide(b, &request,
                  request.request_id.len > 0 ? request.request_id : lac_str_from(place), err);
}

static enum lac_status decide_lines(struct bench *b, struct lac_str data, const char *path,
                                    struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    size_t at = 0;

    for (size_t n = 1; at < data.len && status == LAC_OK; n++) {
        const char *end = memchr(data.ptr + at, '\n', data.len - at);
        size_t to = end ? (size_t)(end - data.ptr) : data.len;
        struct lac_str line = lac_str_slice(data, at, to);

        at = to + 1;
        if (line.len > LINE_MAX_BYTES)
            return lac_err_set(err, LAC_REJECT, 0, "%s:%zu: the line is longer than 1 MiB", path,
                               n);
        if (line.len > 0 && !(line.len == 1 && line.ptr[0] == '\r'))
            status = decide_line(b, line, path, n, err);
    }
    return status;
}

enum lac_status lac_cli_pack_flips_file(struct lac_cli_pack_flips *f, const char *path,
                                        struct lac_err *err)
{
    struct lac_buf data;
    struct bench b;
    enum lac_status status;

    lac_buf_init(&data, FILE_MAX);
    status = lac_file_read(path, &data, err);
    if (status == LAC_OK)
        status = bench_open(&b, f, f->semantic, err);
    if (status == LAC_OK) {
        status = decide_lines(&b, lac_buf_str(&data), path, err);
        bench_close(&b);
    }
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

static enum lac_status decide_examples(struct bench *b, struct lac_err *err)
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
        if (i == 0 || !lac_str_eq(all[i].text, all[i - 1].text)) {
            char id[128];

            snprintf(id, sizeof(id), "example of %.*s", LAC_STR_FMT(all[i].rule));
            status = decide_text(b, all[i].text, lac_str_from(id), err);
        }
    free(all);
    return status;
}

enum lac_status lac_cli_pack_flips_own(struct lac_cli_pack_flips *f, struct lac_err *err)
{
    struct bench b;
    enum lac_status status = bench_open(&b, f, f->semantic, err);

    if (status != LAC_OK)
        return status;
    status = decide_lines(&b, (struct lac_str){lac_cli_pack_samples, lac_cli_pack_samples_size},
                          "samples", err);
    bench_close(&b);
    /* Examples are about the rules and no texts that anybody would send: rules alone decide them,
     * and nobody waits minutes for the encoder. */
    if (status == LAC_OK)
        status = bench_open(&b, f, NULL, err);
    if (status != LAC_OK)
        return status;
    status = decide_examples(&b, err);
    bench_close(&b);
    return status;
}
