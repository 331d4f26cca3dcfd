/* SPDX-License-Identifier: Apache-2.0 */
/* From what was found to the core: opinions, tags, order, decision, bytes, hash. */
#include "lac_engine_internal.h"

#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_buf.h"

/* What cannot be sorted in place by the C library without a chance of an allocation. Inputs come
 * nearly sorted and are bounded, so insertion is the right tool. */
#define SORT(array, count, type, cmp)                                 \
    do {                                                              \
        for (size_t i_ = 1; i_ < (count); i_++) {                     \
            type item_ = (array)[i_];                                 \
            size_t k_ = i_;                                           \
            for (; k_ > 0 && cmp(&(array)[k_ - 1], &item_) > 0; k_--) \
                (array)[k_] = (array)[k_ - 1];                        \
            (array)[k_] = item_;                                      \
        }                                                             \
    } while (0)

static int finding_cmp(const struct lac_finding *a, const struct lac_finding *b)
{
    int order = lac_str_cmp(a->field, b->field);

    if (order == 0)
        order = (a->start > b->start) - (a->start < b->start);
    if (order == 0)
        order = (a->end > b->end) - (a->end < b->end);
    if (order == 0)
        order = lac_str_cmp(a->rule, b->rule);
    return order ? order : (int)b->tier - (int)a->tier;
}

static int opinion_cmp(const struct lac_opinion *a, const struct lac_opinion *b)
{
    int order = lac_str_cmp(a->layer, b->layer);

    return order ? order : lac_str_cmp(a->source, b->source);
}

static int observation_cmp(const struct lac_observation *a, const struct lac_observation *b)
{
    int order = lac_str_cmp(a->kind, b->kind);

    if (order == 0)
        order = lac_str_cmp(a->name, b->name);
    return order ? order : lac_str_cmp(a->value, b->value);
}

static int str_cmp(const struct lac_str *a, const struct lac_str *b)
{
    return lac_str_cmp(*a, *b);
}

/* Copies `count` items of the engine's own memory to the arena. NULL when that is full. */
static void *keep(struct lac_arena *a, const void *items, size_t count, size_t size)
{
    void *copy = lac_arena_alloc(a, count * size);

    return copy && count > 0 ? memcpy(copy, items, count * size) : copy;
}

/* One opinion per rule however often it hit. What only the context says is made unable to lower. */
static size_t gather_opinions(struct lac_engine_case *c, bool permitted)
{
    struct lac_engine *e = c->e;
    size_t rules = c->any_hit ? lac_match_rule_count(c->m) : 0;
    size_t n = 0;

    for (size_t i = 0; i < rules; i++) {
        const struct lac_match_rule *r = lac_match_rule_at(c->m, i);
        struct lac_decide_opinion o;

        if (!e->places[i] || r->strength == LAC_MATCH_FLOOR)
            continue;
        /* An allow rule speaks for the text, and only when nothing else is there. */
        if (r->strength == LAC_MATCH_ALLOW && !(permitted && (e->places[i] & LAC_ENGINE_IN_TEXT)))
            continue;
        memcpy(o.likelihood, r->likelihood, sizeof(o.likelihood));
        if (!(e->places[i] & LAC_ENGINE_IN_TEXT))
            o = lac_decide_raise_only(o);
        LAC_ASSERT(n < LAC_DECIDE_OPINION_MAX); /* the pack's bound on such rules */
        e->weights[n] = o;
        e->opinions[n++] = (struct lac_opinion){
            .layer = LAC_STR("heuristic"),
            .source = r->id,
            .likelihoods = {(int32_t)o.likelihood[0], (int32_t)o.likelihood[1],
                            (int32_t)o.likelihood[2]},
        };
    }
    return n;
}

static void add_tag(struct lac_engine *e, size_t *count, struct lac_str tag)
{
    for (size_t i = 0; i < *count; i++)
        if (lac_str_eq(e->tags[i], tag))
            return;
    if (*count < LAC_ENGINE_TAG_MAX)
        e->tags[(*count)++] = tag;
}

static size_t gather_tags(struct lac_engine_case *c)
{
    size_t rules = c->any_hit ? lac_match_rule_count(c->m) : 0;
    size_t n = 0;

    if (c->truncated)
        add_tag(c->e, &n, LAC_STR("FINDINGS_TRUNCATED"));
    for (size_t i = 0; i < rules; i++) {
        const struct lac_match_rule *r = lac_match_rule_at(c->m, i);

        for (size_t k = 0; c->e->places[i] && k < r->tag_count; k++)
            add_tag(c->e, &n, r->tags[k]);
    }
    SORT(c->e->tags, n, struct lac_str, str_cmp);
    return n;
}

/* In their order, each once: the same place can come from two keys of a map that are not shown. */
static size_t sort_findings(struct lac_engine_case *c)
{
    struct lac_finding *f = c->e->findings;
    size_t kept = 0;

    SORT(f, c->finding_count, struct lac_finding, finding_cmp);
    for (size_t i = 0; i < c->finding_count; i++)
        if (kept == 0 || finding_cmp(&f[kept - 1], &f[i]) != 0)
            f[kept++] = f[i];
    return kept;
}

/* The recorded ones and the engine's own, each once: replay records what it feeds back. */
static enum lac_status gather_observations(const struct lac_engine_case *c,
                                           struct lac_decision_core *core)
{
    size_t most = c->in->observation_count + c->note_count;
    struct lac_observation *all = lac_arena_alloc(c->a, most * sizeof(*all));
    size_t kept = 0;

    if (!all)
        return lac_engine_full(c->err);
    if (c->in->observation_count > 0)
        memcpy(all, c->in->observations, c->in->observation_count * sizeof(*all));
    if (c->note_count > 0)
        memcpy(all + c->in->observation_count, c->notes, c->note_count * sizeof(*all));
    SORT(all, most, struct lac_observation, observation_cmp);
    for (size_t i = 0; i < most; i++)
        if (kept == 0 || observation_cmp(&all[kept - 1], &all[i]) != 0)
            all[kept++] = all[i];
    core->observations = all;
    core->observations_count = kept;
    return LAC_OK;
}

static bool observed(const struct lac_decision_core *core, const char *kind)
{
    for (size_t i = 0; i < core->observations_count; i++)
        if (lac_str_is(core->observations[i].kind, kind))
            return true;
    return false;
}

static enum lac_stop stop_of(const struct lac_engine_case *c, bool wants_more,
                             const struct lac_decision_core *core)
{
    if (c->floor == LAC_TIER_PROPRIETARY)
        return LAC_STOP_FLOOR;
    if (observed(core, LAC_OBSERVATION_UNAVAILABLE))
        return LAC_STOP_UNAVAILABLE;
    if (observed(core, LAC_OBSERVATION_DEADLINE))
        return LAC_STOP_DEADLINE;
    /* What the tiers that there are leave open stays open. */
    return wants_more ? LAC_STOP_EXHAUSTED : LAC_STOP_SETTLED;
}

/* Whether everything that matters is on the pack's allow-list. */
static bool is_allowed(const struct lac_engine_case *c)
{
    return c->text_allowed && !c->other_content && !c->degraded;
}

bool lac_engine_is_open(struct lac_engine_case *c, const struct lac_pack *pack)
{
    bool allowed = is_allowed(c);
    struct lac_decide_in in = {
        .floor = c->floor,
        .opinions = c->e->weights,
        .opinion_count = gather_opinions(c, allowed),
        .strategy = c->strategy,
        .public_permitted = allowed,
        .degraded = c->degraded,
    };
    struct lac_decide_out now;

    lac_decide(lac_pack_policy(pack), &in, &now);
    return lac_decide_wants(lac_pack_policy(pack), &in, &now, LAC_DECIDE_SEMANTIC);
}

/* Whether the pack has a head that this engine is not to ask. */
static bool is_switched_off(const struct lac_engine_case *c, const struct lac_pack *pack)
{
    return !c->e->semantic && lac_pack_head(pack) && !lac_engine_semantic_was_not_asked(c->in);
}

static enum lac_status decide(struct lac_engine_case *c, const struct lac_pack *pack,
                              struct lac_engine_out *out)
{
    const struct lac_decide_policy *policy = lac_pack_policy(pack);
    bool allowed = is_allowed(c);
    bool understood =
        c->reading && c->reading->has_text && c->reading->known && !c->other_names && !c->degraded;
    struct lac_decide_in in = {
        .floor = c->floor,
        .opinions = c->e->weights,
        .strategy = c->strategy,
        .public_permitted = allowed || understood,
        .degraded = c->degraded,
    };
    static const struct lac_observation skipped = {LAC_STR(LAC_OBSERVATION_SKIPPED),
                                                   LAC_STR(LAC_OBSERVATION_SEMANTIC), LAC_STR("")};
    struct lac_decide_out decided;
    struct lac_decision_core *core = &out->core;
    enum lac_status status;
    bool wants_more;

    in.opinion_count = gather_opinions(c, allowed);
    status = lac_engine_read_opinions(c, &in.opinion_count);
    if (status != LAC_OK)
        return status;
    lac_decide(policy, &in, &decided);
    core->tier = decided.tier;
    core->posterior =
        (struct lac_posterior){(int32_t)decided.posterior[0], (int32_t)decided.posterior[1],
                               (int32_t)decided.posterior[2]};
    wants_more = lac_decide_wants(policy, &in, &decided,
                                  lac_engine_has_read(c) ? LAC_DECIDE_LLM : LAC_DECIDE_SEMANTIC);
    if (wants_more && is_switched_off(c, pack))
        lac_engine_note_own(c, &skipped);
    status = gather_observations(c, core);
    if (status != LAC_OK)
        return status;
    core->stop = stop_of(c, wants_more, core);
    out->confidence = (int32_t)decided.confidence;
    out->open = lac_decide_wants(policy, &in, &decided, LAC_DECIDE_LLM);
    /* Only now: the weights above belong to the opinions in the order of rules. */
    SORT(c->e->opinions, in.opinion_count, struct lac_opinion, opinion_cmp);
    core->opinions_count = in.opinion_count;
    core->opinions = keep(c->a, c->e->opinions, in.opinion_count, sizeof(*core->opinions));
    return core->opinions ? LAC_OK : lac_engine_full(c->err);
}

/* The start of the text with every floor's finding as [ENTITY]. Without all findings there is no
 * excerpt: what was not found can't be redacted. */
static enum lac_status make_excerpt(struct lac_engine_case *c, size_t bytes,
                                    struct lac_engine_out *out)
{
    const struct lac_decision_core *core = &out->core;
    struct lac_str text = c->in->request->text;
    struct lac_buf b;
    size_t at = 0;
    char *memory;

    out->excerpt = LAC_STR_NULL;
    if (bytes == 0 || !c->text_complete || c->degraded)
        return LAC_OK;
    memory = lac_arena_alloc(c->a, bytes);
    if (!memory)
        return lac_engine_full(c->err);
    lac_buf_init_fixed(&b, memory, bytes);
    for (size_t i = 0; i <= core->findings_count; i++) {
        const struct lac_finding *f = i < core->findings_count ? &core->findings[i] : NULL;
        size_t stop = text.len;

        if (f && (f->strength != LAC_STRENGTH_FLOOR || !lac_str_is(f->field, "/text")))
            continue;
        if (f)
            stop = (size_t)f->start;
        if (stop > at) {
            size_t room = bytes - b.len;
            size_t n = stop - at < room ? stop - at : room;

            while (n > 0 && at + n < text.len && ((unsigned char)text.ptr[at + n] & 0xC0) == 0x80)
                n--;
            lac_buf_put(&b, text.ptr + at, n);
            if (n < stop - at)
                break;
        }
        if (!f || (size_t)f->end <= at)
            continue;
        at = (size_t)f->end;
        if (f->entity.len + 2 > bytes - b.len)
            break;
        lac_buf_put_char(&b, '[');
        lac_buf_put_str(&b, f->entity);
        lac_buf_put_char(&b, ']');
    }
    out->excerpt = lac_buf_str(&b);
    return LAC_OK;
}

/* Which arithmetic the core depends on: rules' integers, and the encoder's where it spoke. */
static enum lac_status name_engine(struct lac_engine_case *c, struct lac_decision_core *core)
{
    static const char rules[] = "rules/1";
    const char *encoder;
    size_t len;
    char *text;

    core->engine = LAC_STR(rules);
    if (!lac_engine_has_read(c))
        return LAC_OK;
    encoder = lac_semantic_engine(c->e->device);
    len = sizeof(rules) + strlen(encoder); /* with a plus instead of the NUL */
    text = lac_arena_alloc(c->a, len + 1);
    if (!text)
        return lac_engine_full(c->err);
    (void)snprintf(text, len + 1, "%s+%s", rules, encoder);
    core->engine = (struct lac_str){text, len};
    core->has_model_hash = true;
    memcpy(core->model_hash.bytes, lac_semantic_hash(c->e->device), sizeof(core->model_hash.bytes));
    return LAC_OK;
}

static enum lac_status encode(struct lac_engine_case *c, struct lac_engine_out *out)
{
    size_t size = lac_decision_core_encoded_size(&out->core);
    unsigned char *bytes = lac_arena_alloc(c->a, size);

    if (!bytes)
        return lac_engine_full(c->err);
    LAC_ASSERT(lac_decision_core_encode(&out->core, bytes) == size);
    out->core_bytes = (struct lac_str){(const char *)bytes, size};
    lac_sha256(out->decision_hash.bytes, bytes, size);
    return LAC_OK;
}

enum lac_status lac_engine_conclude(struct lac_engine_case *c, const struct lac_pack *pack,
                                    struct lac_engine_out *out)
{
    struct lac_decision_core *core = &out->core;
    const struct lac_str *route;
    enum lac_status status;

    *out = (struct lac_engine_out){.final = true};
    lac_decision_core_init(core);
    core->semantics = LAC_DECIDE_SEMANTICS;
    core->tenant = c->in->request->tenant;
    status = decide(c, pack, out);
    if (status != LAC_OK)
        return status;
    route = lac_pack_route(pack, core->tier, &core->route_count);
    core->route = keep(c->a, route, core->route_count, sizeof(*core->route));
    core->tags_count = gather_tags(c);
    core->tags = keep(c->a, c->e->tags, core->tags_count, sizeof(*core->tags));
    core->findings_count = sort_findings(c);
    core->findings = keep(c->a, c->e->findings, core->findings_count, sizeof(*core->findings));
    if (!core->route || !core->tags || !core->findings)
        return lac_engine_full(c->err);
    core->commitment_key = lac_str_from(c->e->key_id);
    lac_hmac_sha256(c->e->hmac, core->commitment.bytes, c->in->raw.ptr, c->in->raw.len);
    core->pack_hash = *lac_pack_hash(pack);
    status = name_engine(c, core);
    if (status == LAC_OK)
        status = make_excerpt(c, lac_pack_excerpt_bytes(pack), out);
    return status == LAC_OK ? encode(c, out) : status;
}
