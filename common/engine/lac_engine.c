/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"

enum lac_status lac_engine_open(struct lac_engine **out, const struct lac_engine_options *options,
                                struct lac_err *err)
{
    size_t field_bytes = options->field_bytes ? options->field_bytes : LAC_ENGINE_FIELD_BYTES;
    struct lac_engine *e;
    enum lac_status status;

    if (options->commitment_key.len < LAC_ENGINE_COMMITMENT_KEY_MIN)
        return lac_err_set(err, LAC_FATAL, 0,
                           "engine: the commitment key has %zu bytes, at least %d are needed",
                           options->commitment_key.len, LAC_ENGINE_COMMITMENT_KEY_MIN);
    e = calloc(1, sizeof(*e));
    if (!e)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "engine: no memory");
    e->strategy = options->strategy;
    e->semantic = options->semantic;
    e->session = (struct lac_semantic_lane_options){.tokens = options->semantic_tokens,
                                                    .interactive = options->interactive,
                                                    .memo = options->memo};
    status = lac_hmac_new(&e->hmac, options->commitment_key.ptr, options->commitment_key.len, err);
    if (status == LAC_OK)
        status = lac_match_scratch_open(&e->scratch, field_bytes, err);
    e->key_id = lac_str_dup(options->commitment_key_id);
    if (status == LAC_OK && !e->key_id)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "engine: no memory");
    if (status != LAC_OK) {
        lac_engine_close(e);
        return status;
    }
    *out = e;
    return LAC_OK;
}

void lac_engine_close(struct lac_engine *e)
{
    if (!e)
        return;
    lac_engine_semantic_close(e);
    lac_hmac_free(e->hmac);
    lac_match_scratch_close(e->scratch);
    free(e->key_id);
    free(e->places);
    free(e);
}

void lac_engine_set_strategy(struct lac_engine *e, enum lac_strategy strategy)
{
    e->strategy = strategy;
}

enum lac_status lac_engine_full(struct lac_err *err)
{
    return lac_err_set(err, LAC_AGAIN, 0, "engine: the arena is too small for this batch");
}

/* Makes the lane's memory fit another pack. An address may come back with another pack behind it,
 * so openings are told apart by their numbers. */
static enum lac_status take_pack(struct lac_engine *e, const struct lac_pack *pack,
                                 struct lac_err *err)
{
    const struct lac_match *m = lac_pack_match(pack);
    enum lac_status status;

    if (e->pack_number == lac_pack_number(pack)) {
        if (e->head && !e->lane)
            lac_engine_semantic_take(e, pack); /* it may have come meanwhile */
        return LAC_OK;
    }
    e->pack_number = 0;
    free(e->places);
    e->places = calloc(lac_match_rule_count(m) + 1, 1);
    if (!e->places)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "engine: no memory");
    status = lac_match_scratch_fit(e->scratch, m, err);
    if (status != LAC_OK)
        return status;
    e->pack_number = lac_pack_number(pack);
    lac_engine_semantic_take(e, pack);
    return LAC_OK;
}

/* What can't be read of them is the strictest. */
static void take_observation(struct lac_engine_case *c, const struct lac_observation *o)
{
    enum lac_tier tier = LAC_TIER_PROPRIETARY;

    if (lac_str_is(o->kind, LAC_OBSERVATION_UNAVAILABLE) ||
        lac_str_is(o->kind, LAC_OBSERVATION_UNDECODABLE)) {
        c->degraded = true;
    } else if (lac_str_is(o->kind, LAC_OBSERVATION_OVER_LIMIT)) {
        /* Whether tier 2 was asked was settled before it could be cut short. */
        if (lac_str_is(o->value, LAC_OBSERVATION_SEMANTIC))
            c->degraded_late = true;
        else
            c->degraded = true;
    } else if (lac_str_is(o->kind, LAC_OBSERVATION_STRATEGY)) {
        c->strategy = LAC_STRATEGY_CONSERVATIVE;
        (void)!lac_strategy_parse(o->value, &c->strategy);
    } else if (lac_str_is(o->kind, LAC_OBSERVATION_PARENT)) {
        (void)!lac_tier_parse(o->value, &tier);
        lac_engine_floor(c, LAC_STR("parent"), LAC_STR("PARENT_TIER"), LAC_STR(""), tier);
    }
}

static bool is_recorded(const struct lac_engine_in *in, const char *kind)
{
    for (size_t i = 0; i < in->observation_count; i++)
        if (lac_str_is(in->observations[i].kind, kind))
            return true;
    return false;
}

static void take_observations(struct lac_engine_case *c)
{
    static const struct lac_observation undecodable = {LAC_STR(LAC_OBSERVATION_UNDECODABLE),
                                                       LAC_STR("request"), LAC_STR("")};

    for (size_t i = 0; i < c->in->observation_count; i++)
        take_observation(c, &c->in->observations[i]);
    if (!is_recorded(c->in, LAC_OBSERVATION_STRATEGY)) {
        struct lac_observation own = {LAC_STR(LAC_OBSERVATION_STRATEGY), LAC_STR(""),
                                      lac_str_from(lac_strategy_name(c->strategy))};

        lac_engine_note_own(c, &own);
    }
    if (c->in->undecodable) {
        c->degraded = true;
        lac_engine_note_own(c, &undecodable);
    }
    if (c->in->request->has_claimed_tier)
        lac_engine_floor(c, LAC_STR("claimed-tier"), LAC_STR("CLAIMED_TIER"),
                         LAC_STR("/claimed_tier"), c->in->request->claimed_tier);
}

/* One request. `open` (NULL: it is not to be asked) becomes true, and `out` stays as it is, when
 * rules leave the request to tier 2; `reading` is what that said. */
static enum lac_status run_one(struct lac_engine *e, const struct lac_pack *pack,
                               const struct lac_engine_in *in, struct lac_engine_reading *reading,
                               bool *open, struct lac_arena *a, struct lac_engine_out *out,
                               struct lac_err *err)
{
    struct lac_engine_case c = {
        .e = e,
        .in = in,
        .m = lac_pack_match(pack),
        .a = a,
        .err = err,
        .strategy = e->strategy,
        .reading = reading,
    };
    enum lac_status status;

    LAC_ASSERT(in->request && (in->raw.ptr || in->raw.len == 0));
    take_observations(&c);
    status = lac_engine_scan(&c);
    if (status == LAC_OK && open)
        *open = lac_engine_is_open(&c, pack);
    if (status == LAC_OK && reading)
        status = lac_engine_read_take(&c);
    c.degraded = c.degraded || c.degraded_late;
    if (status == LAC_OK && !(open && *open))
        status = lac_engine_conclude(&c, pack, out);
    if (c.any_hit)
        memset(e->places, 0, lac_match_rule_count(c.m));
    return status;
}

/* Rules first, for all. What they leave open is scanned once more when tier 2 has spoken: that
 * costs a thousandth of what the encoder does, and findings need to be kept for one request only.
 */
static enum lac_status run_two_tiers(struct lac_engine *e, const struct lac_pack *pack,
                                     const struct lac_engine_in *in, size_t n, struct lac_arena *a,
                                     struct lac_engine_out *out, struct lac_err *err)
{
    uint32_t *open = lac_arena_alloc(a, n * sizeof(*open));
    struct lac_engine_reading *readings = NULL;
    enum lac_status status = open ? LAC_OK : lac_engine_full(err);
    size_t count = 0;

    for (size_t i = 0; i < n && status == LAC_OK; i++) {
        size_t used = a->used;
        bool is_open = false;
        bool ask = !lac_engine_semantic_was_not_asked(&in[i]);

        status = run_one(e, pack, &in[i], NULL, ask ? &is_open : NULL, a, &out[i], err);
        if (!is_open)
            continue;
        a->used = used; /* nothing of the first look is kept */
        open[count++] = (uint32_t)i;
    }
    if (status != LAC_OK || count == 0)
        return status;
    readings = lac_arena_alloc(a, count * sizeof(*readings));
    if (!readings)
        return lac_engine_full(err);
    status = lac_engine_read(e, in, open, count, a, readings, err);
    for (size_t i = 0; i < count && status == LAC_OK; i++)
        status = run_one(e, pack, &in[open[i]], &readings[i], NULL, a, &out[open[i]], err);
    return status;
}

enum lac_status lac_engine_run(struct lac_engine *e, const struct lac_pack *pack,
                               const struct lac_engine_in *in, size_t n, struct lac_arena *a,
                               struct lac_engine_out *out, struct lac_err *err)
{
    enum lac_status status = take_pack(e, pack, err);

    if (status == LAC_OK && e->head)
        return run_two_tiers(e, pack, in, n, a, out, err);
    for (size_t i = 0; i < n && status == LAC_OK; i++)
        status = run_one(e, pack, &in[i], NULL, NULL, a, &out[i], err);
    return status;
}
