/* SPDX-License-Identifier: Apache-2.0 */
/* What `lacuna eval` found out, for people and for machines. */
#include <stdio.h>
#include <string.h>

#include "lac_cli_eval.h"
#include "lac_json.h"
#include "lac_records.h"
#include "lac_table.h"

/* ---- for people ---- */

static void put_share(struct lac_table *table, const struct lac_eval_share *s)
{
    if (s->of == 0)
        lac_table_add(table, LAC_STR("-"), LAC_STYLE_DIM);
    else
        lac_table_addf(table, LAC_STYLE_NONE, "%.3f [%.3f, %.3f]", s->value, s->low, s->high);
}

static void put_score(struct lac_table *table, const struct lac_eval_score *s)
{
    lac_table_add(table, lac_str_from(s->name), LAC_STYLE_NONE);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->right + s->missed);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->right);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->wrong);
    lac_table_addf(table, LAC_STYLE_NONE, "%llu", (unsigned long long)s->missed);
    put_share(table, &s->precision);
    put_share(table, &s->recall);
    if (s->f1_low < s->f1_high || s->f1 > 0)
        lac_table_addf(table, LAC_STYLE_NONE, "%.3f [%.3f, %.3f]", s->f1, s->f1_low, s->f1_high);
    else if (s->labelled || s->wrong > 0)
        lac_table_addf(table, LAC_STYLE_NONE, "%.3f", s->f1);
    else
        lac_table_add(table, LAC_STR("-"), LAC_STYLE_DIM);
}

static const struct lac_table_column score_columns[] = {
    {"", false, false, 0},       {"labelled", true, false, 0}, {"right", true, false, 0},
    {"wrong", true, false, 0},   {"missed", true, false, 0},   {"precision", false, false, 0},
    {"recall", false, false, 0}, {"F1", false, false, 0},
};

static void put_entities(const struct lac_tool *t, const struct lac_cli_eval_options *o,
                         const struct lac_eval_report *report, struct lac_buf *b)
{
    struct lac_table table;
    bool unlabelled = false;

    lac_table_init(&table, score_columns, LAC_COUNT(score_columns), LAC_EVAL_ENTITY_MAX + 1);
    for (size_t i = 0; i < report->entity_count; i++) {
        if (report->entities[i].labelled || o->all)
            put_score(&table, &report->entities[i]);
        else
            unlabelled = true;
    }
    put_score(&table, &report->all);
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "Entities\n");
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
    if (!unlabelled)
        return;
    lac_buf_put_text(b, "Found, but never labelled in this set (--all counts them):");
    for (size_t i = 0; i < report->entity_count; i++)
        if (!report->entities[i].labelled)
            lac_buf_printf(b, " %s %llu", report->entities[i].name,
                           (unsigned long long)report->entities[i].wrong);
    lac_buf_put_char(b, '\n');
}

static void put_rate(struct lac_buf *b, const char *name, const struct lac_eval_share *s)
{
    if (s->of == 0)
        lac_buf_printf(b, "%-12s-\n", name);
    else
        lac_buf_printf(b, "%-12s%.4f [%.4f, %.4f], %llu of %llu\n", name, s->value, s->low, s->high,
                       (unsigned long long)s->hits, (unsigned long long)s->of);
}

static void put_tiers(const struct lac_tool *t, const struct lac_eval_report *report,
                      struct lac_buf *b)
{
    struct lac_table table;

    if (report->tiered == 0)
        return;
    lac_table_init(&table, score_columns, LAC_COUNT(score_columns), LAC_TIER_COUNT);
    for (int i = 0; i < LAC_TIER_COUNT; i++)
        put_score(&table, &report->tiers[i]);
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "\nTiers\n");
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
    put_rate(b, "Accuracy", &report->accuracy);
    lac_buf_printf(b, "%-12s%.4f [%.4f, %.4f]\n", "Macro-F1", report->macro_f1, report->macro_low,
                   report->macro_high);
    put_rate(b, "Leaks", &report->leaks);
    put_rate(b, "Over-blocks", &report->blocks);
}

static void put_confusion(const struct lac_tool *t, const struct lac_eval_report *report,
                          struct lac_buf *b)
{
    static const struct lac_table_column columns[] = {{"really", false, false, 0},
                                                      {"PUBLIC", true, false, 0},
                                                      {"INTERNAL", true, false, 0},
                                                      {"PROPRIETARY", true, false, 0}};
    struct lac_table table;

    if (report->tiered == 0)
        return;
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_TIER_COUNT);
    for (int i = 0; i < LAC_TIER_COUNT; i++) {
        lac_table_add(&table, lac_str_from(lac_tier_name((enum lac_tier)i)), LAC_STYLE_NONE);
        for (int k = 0; k < LAC_TIER_COUNT; k++)
            lac_table_addf(&table, i == k ? LAC_STYLE_BOLD : LAC_STYLE_NONE, "%llu",
                           (unsigned long long)report->confusion[i][k]);
    }
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "\nAnswers\n");
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
}

/* The curve at every tenth of the texts. */
static void put_sureness(const struct lac_tool *t, const struct lac_eval_report *report,
                         struct lac_buf *b)
{
    static const struct lac_table_column columns[] = {{"coverage", true, false, 0},
                                                      {"sure from", true, false, 0},
                                                      {"wrong", true, false, 0},
                                                      {"below", true, false, 0}};
    struct lac_table table;
    size_t at = 0;

    if (report->judged == 0)
        return;
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "\nHow sure\n");
    lac_buf_printf(b, "Calibration error %.4f of the likeliest tier, %.4f of the answer\n",
                   report->likeliest.error, report->answer.error);
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_EVAL_BINS);
    for (int tenth = 1; tenth <= LAC_EVAL_BINS; tenth++) {
        size_t from = at;

        while (at < report->curve_count &&
               report->curve[at].coverage * LAC_EVAL_BINS < tenth - 1e-9)
            at++;
        if (at == report->curve_count || (tenth > 1 && at == from && from > 0 &&
                                          report->curve[at].coverage * LAC_EVAL_BINS >= tenth + 1))
            continue;
        lac_table_addf(&table, LAC_STYLE_NONE, "%.3f", report->curve[at].coverage);
        lac_table_addf(&table, LAC_STYLE_NONE, "%.4f", report->curve[at].sure);
        lac_table_addf(&table, LAC_STYLE_NONE, "%.4f", report->curve[at].wrong);
        lac_table_addf(&table, LAC_STYLE_NONE, "%.4f", report->curve[at].below);
    }
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
    lac_buf_printf(b, "Area below the curve %.4f\n", report->curve_area);
}

static void put_mistakes(const struct lac_tool *t, const struct lac_eval_report *report,
                         struct lac_buf *b)
{
    static const char *const kinds[] = {"leak", "missed", "wrong", "over-block"};

    if (report->mistake_count == 0)
        return;
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, "\nWorst mistakes");
    lac_buf_printf(b, " (%zu of %llu)\n", report->mistake_count,
                   (unsigned long long)report->mistake_total);
    for (size_t i = 0; i < report->mistake_count; i++) {
        const struct lac_eval_mistake *m = &report->mistakes[i];

        lac_buf_printf(b, "line %llu%s%s: %s ", (unsigned long long)m->line, m->id[0] ? ", " : "",
                       m->id, kinds[m->kind]);
        if (m->entity[0])
            lac_buf_printf(b, "%s at bytes %u-%u\n", m->entity, m->start, m->end);
        else
            lac_buf_printf(b, "%s, really %s\n", lac_tier_name(m->tier),
                           lac_tier_name(m->gold_tier));
    }
}

void lac_cli_eval_people(const struct lac_cli_eval *r, const struct lac_eval_report *report,
                         struct lac_buf *b)
{
    lac_buf_printf(b, "%llu texts, %.1f MB, %.2f us per text; pack %.*s version %llu, %s\n\n",
                   (unsigned long long)report->texts, (double)r->bytes / 1e6,
                   r->decided ? (double)r->busy_ns / 1e3 / (double)r->decided : 0.0,
                   LAC_STR_FMT(lac_pack_name(r->pack)),
                   (unsigned long long)lac_pack_version(r->pack),
                   lac_conf_text(r->t->conf, "classification.strategy"));
    if (r->o->untouched)
        lac_buf_printf(b, "Without %llu texts in which rules find something\n",
                       (unsigned long long)r->touched);
    else
        put_entities(r->t, r->o, report, b);
    put_tiers(r->t, report, b);
    put_confusion(r->t, report, b);
    put_sureness(r->t, report, b);
    put_mistakes(r->t, report, b);
}

/* ---- for machines ---- */

static void json_text(struct lac_json_writer *w, const char *key, const char *value)
{
    lac_json_key(w, key);
    lac_json_put_text(w, value);
}

static void json_count(struct lac_json_writer *w, const char *key, uint64_t value)
{
    lac_json_key(w, key);
    lac_json_put_uint(w, value);
}

/* A figure and where the true one lies; `known` false: there is nothing to take it from. */
static void json_interval(struct lac_json_writer *w, bool known, double value, double low,
                          double high)
{
    lac_json_key(w, "value");
    if (known)
        lac_json_put_real(w, value);
    else
        lac_json_put_null(w);
    lac_json_key(w, "low");
    lac_json_put_real(w, low);
    lac_json_key(w, "high");
    lac_json_put_real(w, high);
}

static void json_share(struct lac_json_writer *w, const char *name, const struct lac_eval_share *s)
{
    lac_json_key(w, name);
    lac_json_open_object(w);
    json_interval(w, s->of > 0, s->value, s->low, s->high);
    json_count(w, "hits", s->hits);
    json_count(w, "of", s->of);
    lac_json_close_object(w);
}

static void json_score(struct lac_json_writer *w, const struct lac_eval_score *s)
{
    lac_json_open_object(w);
    json_text(w, "name", s->name);
    lac_json_key(w, "labelled");
    lac_json_put_bool(w, s->labelled);
    json_count(w, "right", s->right);
    json_count(w, "wrong", s->wrong);
    json_count(w, "missed", s->missed);
    json_share(w, "precision", &s->precision);
    json_share(w, "recall", &s->recall);
    lac_json_key(w, "f1");
    lac_json_open_object(w);
    json_interval(w, true, s->f1, s->f1_low, s->f1_high);
    lac_json_close_object(w);
    lac_json_close_object(w);
}

/* {true tier: {answer: texts}} */
static void json_confusion(struct lac_json_writer *w, const struct lac_eval_report *report)
{
    lac_json_key(w, "confusion");
    lac_json_open_object(w);
    for (int i = 0; i < LAC_TIER_COUNT; i++) {
        lac_json_key(w, lac_tier_name((enum lac_tier)i));
        lac_json_open_object(w);
        for (int k = 0; k < LAC_TIER_COUNT; k++)
            json_count(w, lac_tier_name((enum lac_tier)k), report->confusion[i][k]);
        lac_json_close_object(w);
    }
    lac_json_close_object(w);
}

static void json_real(struct lac_json_writer *w, const char *key, double value)
{
    lac_json_key(w, key);
    lac_json_put_real(w, value);
}

static void json_calibration(struct lac_json_writer *w, const char *key,
                             const struct lac_eval_calibration *c)
{
    lac_json_key(w, key);
    lac_json_open_object(w);
    json_real(w, "error", c->error);
    lac_json_key(w, "bins");
    lac_json_open_array(w);
    for (int i = 0; i < LAC_EVAL_BINS; i++) {
        lac_json_open_object(w);
        json_count(w, "texts", c->bins[i].texts);
        json_count(w, "right", c->bins[i].right);
        json_real(w, "sure", c->bins[i].sure);
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
    lac_json_close_object(w);
}

static void json_sureness(struct lac_json_writer *w, const struct lac_eval_report *report)
{
    lac_json_key(w, "calibration");
    lac_json_open_object(w);
    json_calibration(w, "likeliest", &report->likeliest);
    json_calibration(w, "answer", &report->answer);
    lac_json_close_object(w);
    lac_json_key(w, "risk_coverage");
    lac_json_open_object(w);
    json_real(w, "area", report->curve_area);
    lac_json_key(w, "points");
    lac_json_open_array(w);
    for (size_t i = 0; i < report->curve_count; i++) {
        lac_json_open_object(w);
        json_real(w, "coverage", report->curve[i].coverage);
        json_real(w, "sure", report->curve[i].sure);
        json_real(w, "wrong", report->curve[i].wrong);
        json_real(w, "below", report->curve[i].below);
        lac_json_close_object(w);
    }
    lac_json_close_array(w);
    lac_json_close_object(w);
}

static void json_mistake(struct lac_json_writer *w, const struct lac_eval_mistake *m)
{
    static const char *const kinds[] = {"leak", "missed", "wrong", "over_block"};

    lac_json_open_object(w);
    json_text(w, "kind", kinds[m->kind]);
    json_count(w, "line", m->line);
    json_text(w, "id", m->id);
    if (m->entity[0]) {
        json_text(w, "entity", m->entity);
        json_count(w, "start", m->start);
        json_count(w, "end", m->end);
    } else {
        json_text(w, "tier", lac_tier_name(m->tier));
        json_text(w, "true_tier", lac_tier_name(m->gold_tier));
    }
    lac_json_close_object(w);
}

void lac_cli_eval_json(const struct lac_cli_eval *r, const struct lac_eval_report *report,
                       struct lac_buf *b)
{
    struct lac_json_writer w;

    lac_json_begin(&w, b);
    lac_json_open_object(&w);
    json_count(&w, "texts", report->texts);
    lac_json_key(&w, "pack");
    lac_json_put_hex(&w, lac_pack_hash(r->pack), LAC_PACK_HASH_SIZE);
    lac_json_key(&w, "all");
    json_score(&w, &report->all);
    lac_json_key(&w, "entities");
    lac_json_open_array(&w);
    for (size_t i = 0; i < report->entity_count; i++)
        json_score(&w, &report->entities[i]);
    lac_json_close_array(&w);
    if (report->tiered) {
        lac_json_key(&w, "tiers");
        lac_json_open_array(&w);
        for (int i = 0; i < LAC_TIER_COUNT; i++)
            json_score(&w, &report->tiers[i]);
        lac_json_close_array(&w);
        json_share(&w, "accuracy", &report->accuracy);
        lac_json_key(&w, "macro_f1");
        lac_json_put_real(&w, report->macro_f1);
        json_share(&w, "leaks", &report->leaks);
        json_share(&w, "over_blocks", &report->blocks);
        json_confusion(&w, report);
    }
    if (report->judged)
        json_sureness(&w, report);
    json_count(&w, "touched", r->touched);
    lac_json_key(&w, "mistakes");
    lac_json_open_array(&w);
    for (size_t i = 0; i < report->mistake_count; i++)
        json_mistake(&w, &report->mistakes[i]);
    lac_json_close_array(&w);
    json_count(&w, "mistake_total", report->mistake_total);
    lac_json_close_object(&w);
    lac_buf_put_char(b, '\n');
}
