/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_answer.h"

#include "lac_decide.h"
#include "lac_json.h"
#include "lac_records.h"

static const char *const stop_names[] = {"floor", "settled", "exhausted", "deadline",
                                         "unavailable"};
static const char *const strength_names[] = {"floor", "opinion"};

_Static_assert(LAC_COUNT(stop_names) == LAC_STOP_COUNT, "a name for each reason");
_Static_assert(LAC_COUNT(strength_names) == LAC_STRENGTH_COUNT, "a name for each strength");

/* A record may come from anybody who can write to the topic: what is no share becomes one. */
static uint32_t ppm(int32_t value)
{
    return value < 0 ? 0 : value > LAC_DECIDE_PPM ? LAC_DECIDE_PPM : (uint32_t)value;
}

int32_t lac_answer_confidence(const struct lac_decision_core *core)
{
    uint32_t sum = ppm(core->posterior.public);

    if (core->tier >= LAC_TIER_INTERNAL)
        sum += ppm(core->posterior.internal);
    if (core->tier >= LAC_TIER_PROPRIETARY)
        sum += ppm(core->posterior.proprietary);
    return sum < LAC_DECIDE_PPM ? (int32_t)sum : LAC_DECIDE_PPM;
}

const char *lac_answer_classifier(const struct lac_decision_core *core)
{
    for (size_t i = 0; i < core->findings_count; i++)
        if (core->findings[i].strength == LAC_STRENGTH_FLOOR &&
            core->findings[i].tier == core->tier)
            return "heuristic";
    for (size_t i = 0; i < core->opinions_count; i++)
        if (lac_str_is(core->opinions[i].layer, "llm"))
            return "llm";
    for (size_t i = 0; i < core->opinions_count; i++)
        if (lac_str_is(core->opinions[i].layer, "semantic"))
            return "embedding";
    return core->opinions_count || core->findings_count ? "heuristic" : "default";
}

/* "EMAIL_ADDRESS at /text bytes 11-27 (rule email)"; a claim or a parent has no bytes. */
static void put_finding(struct lac_buf *out, const struct lac_finding *f)
{
    lac_buf_put_str(out, f->entity);
    if (f->field.len > 0) {
        lac_buf_put_text(out, " at ");
        lac_buf_put_str(out, f->field);
    }
    if (f->end > f->start)
        lac_buf_printf(out, " bytes %lld-%lld", (long long)f->start, (long long)f->end);
    lac_buf_put_text(out, " (rule ");
    lac_buf_put_str(out, f->rule);
    lac_buf_put_text(out, ")");
}

static void put_posterior_words(struct lac_buf *out, const struct lac_posterior *p)
{
    const uint32_t parts[] = {ppm(p->public), ppm(p->internal), ppm(p->proprietary)};

    for (unsigned t = 0; t < LAC_TIER_COUNT; t++)
        lac_buf_printf(out, "%s%s %u.%u %%", t ? ", " : "", lac_tier_name((enum lac_tier)t),
                       parts[t] / 10000, parts[t] / 1000 % 10);
}

/* The first finding that sets the answer as a floor, and how many more do. */
static const struct lac_finding *first_floor(const struct lac_decision_core *core, size_t *more)
{
    const struct lac_finding *first = NULL;

    *more = 0;
    for (size_t i = 0; i < core->findings_count; i++) {
        const struct lac_finding *f = &core->findings[i];

        if (f->strength != LAC_STRENGTH_FLOOR || f->tier != core->tier)
            continue;
        if (first)
            (*more)++;
        else
            first = f;
    }
    return first;
}

static void put_opinion_words(struct lac_buf *out, const struct lac_decision_core *core)
{
    enum { NAMED_MAX = 3 };

    lac_buf_printf(out, ": %zu opinion%s (", core->opinions_count,
                   core->opinions_count == 1 ? "" : "s");
    for (size_t i = 0; i < core->opinions_count && i < NAMED_MAX; i++) {
        lac_buf_put_text(out, i ? ", " : "");
        lac_buf_put_str(out, core->opinions[i].source);
    }
    lac_buf_put_text(out, core->opinions_count > NAMED_MAX ? ", ...)" : ")");
    lac_buf_put_text(out, core->opinions_count == 1 ? " gives " : " together give ");
    put_posterior_words(out, &core->posterior);
    lac_buf_put_text(out, ".");
}

/* The exemplars that tier 2 thought of, of the opinion about the text if there are several. */
static void put_exemplar_words(struct lac_buf *out, const struct lac_decision_core *core)
{
    enum { NAMED_MAX = 3 };
    const struct lac_opinion *o = NULL;

    for (size_t i = 0; i < core->opinions_count && !o; i++)
        if (core->opinions[i].exemplars_count > 0)
            o = &core->opinions[i];
    for (size_t i = 0; o && i < o->exemplars_count && i < NAMED_MAX; i++) {
        lac_buf_put_text(out, i ? ", " : " Most like exemplars ");
        lac_buf_put_str(out, o->exemplars[i]);
    }
    lac_buf_put_text(out, o ? "." : "");
}

/* What tier 2 does not know its way in. */
static void put_gate_words(struct lac_buf *out, const struct lac_decision_core *core)
{
    for (size_t i = 0; i < core->observations_count; i++)
        if (lac_str_is(core->observations[i].kind, LAC_OBSERVATION_GATE)) {
            lac_buf_put_text(out, " Unlike what was learned from (");
            lac_buf_put_str(out, core->observations[i].name);
            lac_buf_put_text(out, " ");
            lac_buf_put_str(out, core->observations[i].value);
            lac_buf_put_text(out, "), so tier 2 does not say PUBLIC.");
            return;
        }
}

static void put_degraded_words(struct lac_buf *out, const struct lac_decision_core *core)
{
    static const char *const kinds[] = {LAC_OBSERVATION_UNAVAILABLE, LAC_OBSERVATION_UNDECODABLE,
                                        LAC_OBSERVATION_OVER_LIMIT};

    for (size_t i = 0; i < core->observations_count; i++)
        for (size_t k = 0; k < LAC_COUNT(kinds); k++)
            if (lac_str_is(core->observations[i].kind, kinds[k])) {
                lac_buf_put_text(out, " The conservative matrix was used: ");
                lac_buf_put_str(out, core->observations[i].name);
                lac_buf_printf(out, " %s.", k == 2 ? "over the limit" : kinds[k]);
                return;
            }
}

void lac_answer_reasoning(struct lac_buf *out, const struct lac_decision_core *core)
{
    char memory[LAC_ANSWER_REASONING_MAX];
    const struct lac_finding *floor;
    struct lac_buf b;
    size_t more;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    floor = first_floor(core, &more);
    lac_buf_put_text(&b, lac_tier_name(core->tier));
    if (floor) {
        lac_buf_put_text(&b, ": ");
        put_finding(&b, floor);
        lac_buf_put_text(&b, " sets a floor");
        if (more)
            lac_buf_printf(&b, ", and %zu more finding%s", more, more == 1 ? " does" : "s do");
        lac_buf_put_text(&b, ".");
    } else if (core->opinions_count > 0) {
        put_opinion_words(&b, core);
        put_exemplar_words(&b, core);
        put_gate_words(&b, core);
    } else {
        lac_buf_put_text(&b, ": no rule found anything, so the pack's prior and the strategy "
                             "decide.");
    }
    put_degraded_words(&b, core);
    /* Names of rules and fields are bounded by the pack and the schema, not by this buffer. */
    if (lac_buf_ok(&b))
        lac_buf_put_str(out, lac_buf_str(&b));
    else
        lac_buf_printf(out, "%s: see findings and opinions.", lac_tier_name(core->tier));
}

static void put_strings(struct lac_json_writer *w, const struct lac_str *s, size_t count)
{
    lac_json_open_array(w);
    for (size_t i = 0; i < count; i++)
        lac_json_put_str(w, s[i]);
    lac_json_close_array(w);
}

static void put_posterior(struct lac_json_writer *w, const struct lac_posterior *p)
{
    lac_json_open_object(w);
    lac_json_key_literal(w, "public");
    lac_json_put_ppm(w, ppm(p->public));
    lac_json_key_literal(w, "internal");
    lac_json_put_ppm(w, ppm(p->internal));
    lac_json_key_literal(w, "proprietary");
    lac_json_put_ppm(w, ppm(p->proprietary));
    lac_json_close_object(w);
}

static void put_findings(struct lac_json_writer *w, const struct lac_decision_core *core)
{
    lac_json_key_literal(w, "findings");
    lac_json_open_array(w);
    for (size_t i = 0; i < core->findings_count; i++) {
        const struct lac_finding *f = &core->findings[i];

        lac_json_open_object(w);
        lac_json_key_literal(w, "rule");
        lac_json_put_str(w, f->rule);
        lac_json_key_literal(w, "entity");
        lac_json_put_str(w, f->entity);
        lac_json_key_literal(w, "field");
        lac_json_put_str(w, f->field);
        lac_json_key_literal(w, "start");
        lac_json_put_int(w, f->start);
        lac_json_key_literal(w, "end");
        lac_json_put_int(w, f->end);
        lac_json_key_literal(w, "tier");
        lac_json_put_text(w, lac_tier_name(f->tier));
        lac_json_key_literal(w, "strength");
        lac_json_put_text(w, strength_names[f->strength]);
        lac_json_key_literal(w, "score");
        lac_json_put_ppm(w, ppm(f->score));
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
}

static void put_opinions(struct lac_json_writer *w, const struct lac_decision_core *core)
{
    lac_json_key_literal(w, "opinions");
    lac_json_open_array(w);
    for (size_t i = 0; i < core->opinions_count; i++) {
        lac_json_open_object(w);
        lac_json_key_literal(w, "layer");
        lac_json_put_str(w, core->opinions[i].layer);
        lac_json_key_literal(w, "source");
        lac_json_put_str(w, core->opinions[i].source);
        lac_json_key_literal(w, "likelihoods");
        put_posterior(w, &core->opinions[i].likelihoods);
        lac_json_key_literal(w, "exemplars");
        put_strings(w, core->opinions[i].exemplars, core->opinions[i].exemplars_count);
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
}

static void put_observations(struct lac_json_writer *w, const struct lac_decision_core *core)
{
    lac_json_key_literal(w, "observations");
    lac_json_open_array(w);
    for (size_t i = 0; i < core->observations_count; i++) {
        lac_json_open_object(w);
        lac_json_key_literal(w, "kind");
        lac_json_put_str(w, core->observations[i].kind);
        lac_json_key_literal(w, "name");
        lac_json_put_str(w, core->observations[i].name);
        lac_json_key_literal(w, "value");
        lac_json_put_str(w, core->observations[i].value);
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
}

static void put_compatible(struct lac_json_writer *w, const struct lac_answer *a)
{
    char memory[LAC_ANSWER_REASONING_MAX];
    struct lac_buf reasoning;

    lac_buf_init_fixed(&reasoning, memory, sizeof(memory));
    lac_answer_reasoning(&reasoning, a->core);
    lac_json_key_literal(w, "tier");
    lac_json_put_text(w, lac_tier_name(a->core->tier));
    lac_json_key_literal(w, "confidence");
    lac_json_put_ppm(w, (uint32_t)lac_answer_confidence(a->core));
    lac_json_key_literal(w, "reasoning");
    lac_json_put_str(w, lac_buf_str(&reasoning));
    lac_json_key_literal(w, "tags");
    put_strings(w, a->core->tags, a->core->tags_count);
    lac_json_key_literal(w, "classifier");
    lac_json_put_text(w, lac_answer_classifier(a->core));
    lac_json_key_literal(w, "latency_ms");
    lac_json_put_real(w, (double)a->latency_us / 1000.0);
}

static void put_ids(struct lac_json_writer *w, const struct lac_decision *d)
{
    lac_json_key_literal(w, "request_id");
    lac_json_put_str(w, d->request_id);
    lac_json_key_literal(w, "event_id");
    lac_json_put_hex(w, d->event_id.bytes, sizeof(d->event_id.bytes));
    lac_json_key_literal(w, "revision");
    lac_json_put_int(w, d->revision);
    lac_json_key_literal(w, "final");
    lac_json_put_bool(w, d->final);
    lac_json_key_literal(w, "decision_hash");
    lac_json_put_hex(w, d->decision_hash.bytes, sizeof(d->decision_hash.bytes));
}

void lac_answer_json(struct lac_json_writer *w, const struct lac_answer *a)
{
    lac_json_open_object(w);
    put_compatible(w, a);
    if (a->decision)
        put_ids(w, a->decision);
    lac_json_key_literal(w, "posterior");
    put_posterior(w, &a->core->posterior);
    lac_json_key_literal(w, "route");
    put_strings(w, a->core->route, a->core->route_count);
    put_findings(w, a->core);
    put_opinions(w, a->core);
    put_observations(w, a->core);
    lac_json_key_literal(w, "stop");
    lac_json_put_text(w, stop_names[a->core->stop]);
    lac_json_key_literal(w, "pack");
    lac_json_put_hex(w, a->core->pack_hash.bytes, sizeof(a->core->pack_hash.bytes));
    lac_json_key_literal(w, "model");
    if (a->core->has_model_hash)
        lac_json_put_hex(w, a->core->model_hash.bytes, sizeof(a->core->model_hash.bytes));
    else
        lac_json_put_null(w);
    lac_json_key_literal(w, "engine");
    lac_json_put_str(w, a->core->engine);
    lac_json_close_object(w);
}
