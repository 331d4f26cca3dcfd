/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_slow.h"

static void phrases(struct lac_match_scratch *s, bool names_only)
{
    const struct lac_match *m = s->m;
    size_t count = m->image->section[LAC_MATCH_S_PHRASES].size / sizeof(struct lac_match_phrase);

    for (size_t at = 0; at < s->view.len; at++)
        for (uint32_t i = 0; i < count; i++) {
            const struct lac_match_found f = {.at = (uint32_t)at};

            if (!names_only || m->phrases[i].flags & LAC_MATCH_PHRASE_NAMES)
                lac_match_phrase_at(s, &f, i);
        }
}

/* Triggers with '<' in front are for the starts of words and of parts of identifiers. */
static bool may_start(const struct lac_match_scratch *s, const struct lac_match_unit *u, size_t at)
{
    if (!(u->flags & LAC_MATCH_UNIT_DETECTOR) ||
        s->m->live[u->rule].detector->triggers[u->trigger][0] != '<')
        return true;
    return !lac_match_is_alnum(lac_match_before(s->plain, at)) || lac_match_is_hump(s->plain, at);
}

static void units(struct lac_match_scratch *s)
{
    for (size_t at = 0; at < s->plain.len; at++)
        for (uint32_t i = 0; i < s->m->unit_count; i++)
            if (may_start(s, &s->m->units[i], at))
                lac_match_unit_at(s, i, at);
}

enum lac_status lac_match_slow(const struct lac_match *m, struct lac_match_scratch *s,
                               struct lac_str text, struct lac_match_hits *hits,
                               struct lac_err *err)
{
    if (s->m != m)
        return lac_err_set(err, LAC_FATAL, 0, "the scratch was not made fit for these rules");
    lac_match_begin(s, text, hits);
    s->place_count = s->place_from = s->place_to = 0;
    lac_match_gates_open(s);
    s->words = s->units = true;
    s->view = lac_match_folded(s);
    s->map = s->ascii ? NULL : s->folded.map;
    phrases(s, false);
    if (!s->ascii) {
        s->view = s->plain;
        s->map = s->copy.map;
        phrases(s, true);
    }
    units(s);
    lac_match_settle(s);
    return LAC_OK;
}
