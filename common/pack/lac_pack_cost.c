/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_cost.h"

#include <inttypes.h>
#include <stdio.h>

#include "lac_assert.h"
#include "lac_match_regex.h"
#include "lac_pack_internal.h"

enum { PREFIX_LEAST = 2, INNER_LEAST = 3 }; /* shorter literals stand everywhere */

const char *lac_pack_trigger_name(enum lac_pack_trigger trigger)
{
    static const char *const names[LAC_PACK_TRIGGER_COUNT] = {
        "no pattern",   "literal in front", "shape of a word", "literal inside",
        "context word", "single bytes",     "automaton"};

    LAC_ASSERT((unsigned)trigger < LAC_PACK_TRIGGER_COUNT);
    return names[trigger];
}

static unsigned shortest_prefix(const struct lac_match_regex_info *info)
{
    unsigned least = info->prefix_count ? LAC_MATCH_REGEX_PREFIX_BYTES : 0;

    for (unsigned i = 0; i < info->prefix_count; i++)
        if (info->prefix[i].len < least)
            least = info->prefix[i].len;
    return least;
}

static void judge(const struct lac_match_rule *r, const struct lac_match_regex_info *info,
                  struct lac_pack_cost *out)
{
    if (!info->supported) {
        out->trigger = LAC_PACK_TRIGGER_AUTOMATON;
        snprintf(out->what, sizeof(out->what), "%.79s", info->reason);
    } else if (shortest_prefix(info) >= PREFIX_LEAST) {
        out->trigger = LAC_PACK_TRIGGER_PREFIX;
        snprintf(out->what, sizeof(out->what), "'%.*s'%s", info->prefix[0].len,
                 info->prefix[0].text, info->prefix_count > 1 ? " ..." : "");
    } else if (info->shape_count > 0) {
        out->trigger = LAC_PACK_TRIGGER_SHAPE;
        snprintf(out->what, sizeof(out->what), "%u of them", info->shape_count);
    } else if (info->inner_len >= INNER_LEAST) {
        out->trigger = LAC_PACK_TRIGGER_INNER;
        snprintf(out->what, sizeof(out->what), "'%.*s'", info->inner_len, info->inner);
    } else if (r->context_count > 0 && r->context_boost == 0) {
        out->trigger = LAC_PACK_TRIGGER_CONTEXT;
        snprintf(out->what, sizeof(out->what), "'%.*s'%s",
                 (int)(r->context[0].len > 40 ? 40 : r->context[0].len), r->context[0].ptr,
                 r->context_count > 1 ? " ..." : "");
    } else {
        out->trigger = LAC_PACK_TRIGGER_BYTES;
    }
}

enum lac_status lac_pack_cost(const struct lac_pack *p, size_t index, struct lac_pack_cost *out,
                              struct lac_err *err)
{
    const struct lac_match_rule *r = &p->rules[index];
    struct lac_match_regex_info info;
    struct lac_buf program;
    enum lac_status status;

    *out = (struct lac_pack_cost){0};
    if (r->pattern.len == 0)
        return LAC_OK;
    lac_buf_init(&program, LAC_MATCH_REGEX_BYTES);
    status = lac_match_regex_compile(&program, r->pattern, &info, err);
    lac_buf_deinit(&program);
    if (status == LAC_FATAL)
        return status;
    if (status != LAC_OK) /* the engine has taken it, so it is another one's matter */
        info.supported = false;
    judge(r, &info, out);
    out->steps = info.supported ? info.cost : 0;
    out->least = info.supported ? info.min_width : 0;
    out->most = info.supported ? info.max_width : 0;
    return LAC_OK;
}

static void note_dear(struct lac_pack_total *t, size_t rule, uint32_t steps)
{
    size_t at = t->dearest_count;

    while (at > 0 && t->dearest_steps[at - 1] < steps)
        at--;
    if (at == LAC_PACK_DEAREST)
        return;
    if (t->dearest_count < LAC_PACK_DEAREST)
        t->dearest_count++;
    for (size_t i = t->dearest_count - 1; i > at; i--) {
        t->dearest[i] = t->dearest[i - 1];
        t->dearest_steps[i] = t->dearest_steps[i - 1];
    }
    t->dearest[at] = rule;
    t->dearest_steps[at] = steps;
}

void lac_pack_total(const struct lac_pack *p, struct lac_pack_total *out)
{
    *out = (struct lac_pack_total){0};
    for (size_t i = 0; i < lac_match_pattern_count(p->match); i++) {
        size_t rule;
        uint32_t steps = lac_match_pattern_steps(p->match, i, &rule);

        out->steps += steps;
        if (p->where[rule] && lac_pack_is_inherited(p->where[rule]->file))
            out->inherited += steps;
        else if (steps > 0)
            note_dear(out, rule, steps);
    }
}

enum lac_status lac_pack_total_check(const struct lac_pack *p, struct lac_err *err)
{
    char memory[LAC_ERR_TEXT_SIZE];
    struct lac_pack_total t;
    struct lac_buf b;

    lac_pack_total(p, &t);
    if (t.steps <= LAC_PACK_STEPS_MAX)
        return LAC_OK;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_printf(&b,
                   "all patterns together may take %" PRIu64
                   " steps for each byte of text, %d are allowed: a text could be made that takes "
                   "minutes. Begin patterns with a literal, shorten their repeats, or drop some. "
                   "Inherited ones take %" PRIu64 "; the dearest own ones:",
                   t.steps, LAC_PACK_STEPS_MAX, t.inherited);
    for (size_t i = 0; i < t.dearest_count; i++)
        lac_buf_printf(
            &b, "%s %.*s %u", i ? "," : "",
            (int)(p->rules[t.dearest[i]].id.len < 30 ? p->rules[t.dearest[i]].id.len : 30),
            p->rules[t.dearest[i]].id.ptr, t.dearest_steps[i]);
    if (t.dearest_count == 0 || !p->where[t.dearest[0]])
        return lac_err_set(err, LAC_REJECT, 0, "%s", lac_buf_cstr(&b));
    return lac_yaml_fail(p->where[t.dearest[0]], err, "%s", lac_buf_cstr(&b));
}
