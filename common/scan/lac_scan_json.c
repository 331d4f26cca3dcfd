/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_scan_internal.h"
#include "lac_utf8.h"

void lac_scan_put_rule(struct lac_json_writer *w, const struct lac_scan_plan *p,
                       const struct lac_scan_finding *f)
{
    const struct lac_match_rule *r = lac_match_rule_at(p->m, f->rule);

    lac_json_key(w, "score");
    lac_json_put_ppm(w, f->score);
    lac_json_key(w, "tier");
    lac_json_put_text(w, lac_tier_name(r->tier));
    lac_json_key(w, "strength");
    lac_json_put_text(w, lac_scan_strength_name(r->strength));
    lac_json_key(w, "validated");
    lac_json_put_bool(w, lac_scan_validated(r));
}

static void put_place(struct lac_json_writer *w, const char *key, size_t value)
{
    lac_json_key(w, key);
    lac_json_put_uint(w, value);
}

void lac_scan_put_findings(struct lac_json_writer *w, const struct lac_scan_plan *p,
                           const struct lac_scan_result *r, struct lac_str text)
{
    size_t at = 0, chars = 0; /* code points before `at`; starts only grow */

    lac_json_open_array(w);
    for (size_t i = 0; i < r->count; i++) {
        const struct lac_scan_finding *f = &r->at[i];
        const struct lac_match_rule *rule = lac_match_rule_at(p->m, f->rule);

        if (!f->listed)
            continue;
        chars += lac_utf8_count(lac_str_slice(text, at, f->start));
        at = f->start;
        lac_json_open_object(w);
        lac_json_key(w, "rule");
        lac_json_put_str(w, rule->id);
        lac_json_key(w, "entity");
        lac_json_put_str(w, rule->entity);
        put_place(w, "start", f->start);
        put_place(w, "end", f->end);
        put_place(w, "start_char", chars);
        put_place(w, "end_char", chars + lac_utf8_count(lac_str_slice(text, f->start, f->end)));
        lac_scan_put_rule(w, p, f);
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
}
