/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_classify_shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_event_id.h"

enum {
    /* One request: LAC_ENGINE_ARENA_MIN and twice its bytes, at most 2 MiB from Kafka. */
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + (4 << 20) + (64 << 10),
    RULES_MAX = LAC_ENGINE_FINDING_MAX,
    RULES_SHOWN_MAX = 32, /* of each side in a record */
    IDLE_TIMES = 2,
    FULL_PART = 8,
};

struct rules {
    struct lac_str at[RULES_MAX]; /* sorted, each once; borrowed from a core */
    size_t count;
};

struct lac_classify_shadow {
    const struct lac_classify *shared;
    struct lac_engine *engine;
    struct lac_arena arena; /* of the request in hand */
    uint64_t window_ms;     /* second in which `published` were */
    size_t published;
    struct rules ours, shadows;
    struct lac_str only[2][RULES_SHOWN_MAX];
};

enum lac_status lac_classify_shadow_open(struct lac_classify_shadow **out,
                                         const struct lac_classify *shared,
                                         const struct lac_engine_options *engine,
                                         struct lac_err *err)
{
    struct lac_classify_shadow *s = calloc(1, sizeof(*s));
    enum lac_status status;

    *out = NULL;
    if (!s)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "classify: out of memory");
    s->shared = shared;
    status = lac_arena_init(&s->arena, ARENA_BYTES, err);
    if (status == LAC_OK)
        status = lac_engine_open(&s->engine, engine, err);
    if (status != LAC_OK) {
        lac_classify_shadow_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

void lac_classify_shadow_close(struct lac_classify_shadow *s)
{
    if (!s)
        return;
    lac_engine_close(s->engine);
    lac_arena_deinit(&s->arena);
    free(s);
}

bool lac_classify_sampled(const struct lac_event_id *id, int32_t share_ppm)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++) /* bytes of a SHA-256 already */
        v = v << 8 | id->bytes[i];
    return v / (UINT64_MAX / LAC_CONTROL_SHARE_ALL) < (uint64_t)(share_ppm > 0 ? share_ppm : 0);
}

/* ---- differences ---- */

static int by_bytes(const void *a, const void *b)
{
    return lac_str_cmp(*(const struct lac_str *)a, *(const struct lac_str *)b);
}

static void collect(struct rules *out, const struct lac_decision_core *core)
{
    size_t n = core->findings_count < RULES_MAX ? core->findings_count : RULES_MAX;

    for (size_t i = 0; i < n; i++)
        out->at[i] = core->findings[i].rule;
    qsort(out->at, n, sizeof(out->at[0]), by_bytes);
    out->count = 0;
    for (size_t i = 0; i < n; i++)
        if (out->count == 0 || !lac_str_eq(out->at[out->count - 1], out->at[i]))
            out->at[out->count++] = out->at[i];
}

/* Those of `a` that `b` lacks. */
static size_t only_in(const struct rules *a, const struct rules *b, struct lac_str *out)
{
    size_t n = 0;

    for (size_t i = 0, k = 0; i < a->count && n < RULES_SHOWN_MAX; i++) {
        while (k < b->count && lac_str_cmp(b->at[k], a->at[i]) < 0)
            k++;
        if (k == b->count || !lac_str_eq(a->at[i], b->at[k]))
            out[n++] = a->at[i];
    }
    return n;
}

static bool same_route(const struct lac_decision_core *a, const struct lac_decision_core *b)
{
    return lac_str_lists_eq(a->route, a->route_count, b->route, b->route_count);
}

/* Room for replies is for those who wait. */
static bool may_publish(struct lac_classify_shadow *s, const struct lac_batch *b)
{
    uint64_t second = lac_clock_mono_ms() / 1000;

    if (second != s->window_ms) {
        s->window_ms = second;
        s->published = 0;
    }
    return s->published < LAC_CLASSIFY_SHADOW_RATE && b->reply_count < b->reply_capacity / 4 &&
           b->arena->used < b->arena->size / 2;
}

static bool publish(struct lac_classify_shadow *s, struct lac_wire *w, struct lac_batch *b,
                    const struct lac_classify_item *item, struct lac_shadow *record)
{
    const struct lac_kafka_header header = {LAC_STR("content-type"),
                                            LAC_STR(LAC_WIRE_CONTENT_TYPE)};
    struct lac_kafka_record r = {
        .partition = LAC_KAFKA_ANY_PARTITION, .headers = &header, .header_count = 1};
    char key[LAC_EVENT_ID_TEXT_SIZE];
    struct lac_err err;

    if (!may_publish(s, b))
        return false;
    lac_event_id_format(key, &item->event_id);
    r.key = lac_str_from(key);
    if (lac_wire_write(w, &lac_shadow_type, record, &s->arena, &r.value, &err) != LAC_OK ||
        lac_batch_reply(b, LAC_CLASSIFY_SHADOW, &r) != LAC_OK)
        return false;
    s->published++;
    return true;
}

static void compare(struct lac_classify_shadow *s, struct lac_wire *w, struct lac_batch *b,
                    const struct lac_classify_item *item, const struct lac_engine_out *shadow)
{
    const struct lac_classify *c = s->shared;
    const struct lac_decision_core *ours = &item->out->core, *theirs = &shadow->core;
    struct lac_shadow record = {
        .event_id = item->event_id,
        .tenant = ours->tenant,
        .tier = ours->tier,
        .shadow_tier = theirs->tier,
        .pack_hash = ours->pack_hash,
        .shadow_pack_hash = theirs->pack_hash,
        .decision_hash = item->out->decision_hash,
        .rules_only = s->only[0],
        .shadow_rules_only = s->only[1],
        .route_differs = !same_route(ours, theirs),
        .decided_at = lac_clock_wall_us(),
        .instance = c->instance,
    };

    lac_counter_add(c->shadow_tiers[ours->tier][theirs->tier], 1);
    collect(&s->ours, ours);
    collect(&s->shadows, theirs);
    record.rules_only_count = only_in(&s->ours, &s->shadows, s->only[0]);
    record.shadow_rules_only_count = only_in(&s->shadows, &s->ours, s->only[1]);
    if (ours->tier == theirs->tier && !record.route_differs && !record.rules_only_count &&
        !record.shadow_rules_only_count)
        return;
    if (!publish(s, w, b, item, &record))
        lac_counter_add(c->shadow_dropped[LAC_CLASSIFY_SHADOW_UNPUBLISHED], 1);
}

void lac_classify_shadow_run(struct lac_classify_shadow *s, const struct lac_pack *pack,
                             int32_t share_ppm, struct lac_wire *w, struct lac_batch *b,
                             const struct lac_classify_item *items, size_t n, uint64_t engine_ns,
                             bool full)
{
    uint64_t budget = full ? engine_ns / FULL_PART : engine_ns * IDLE_TIMES;
    uint64_t started = lac_clock_mono_ns();

    for (size_t i = 0; i < n; i++) {
        const struct lac_engine_in in = {.request = items[i].request, .raw = items[i].msg->value};
        struct lac_engine_out out;
        struct lac_err err;

        if (!lac_classify_sampled(&items[i].event_id, share_ppm))
            continue;
        if (lac_clock_mono_ns() - started > budget) {
            lac_counter_add(s->shared->shadow_dropped[LAC_CLASSIFY_SHADOW_BUSY], 1);
            continue;
        }
        lac_arena_reset(&s->arena);
        if (lac_engine_run(s->engine, pack, &in, 1, &s->arena, &out, &err) == LAC_OK)
            compare(s, w, b, &items[i], &out);
        else
            lac_counter_add(s->shared->shadow_dropped[LAC_CLASSIFY_SHADOW_FAILED], 1);
    }
}
