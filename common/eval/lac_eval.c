/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_eval.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lac_eval_bets.h"

enum {
    RESAMPLES = 1000,
    RESAMPLE_WORK = 200000000, /* counts looked at in all resamples; then fewer of them */
    RESAMPLES_LEAST = 50,
    PAIRS_MAX = 4096, /* overlapping pairs of one text that are compared */
    MISTAKES_KEPT = 100000,
};

/* What is drawn is the same each time. */
static const uint64_t SEED = 0x9E3779B97F4A7C15u;

/* What one text says about one entity. */
struct tally {
    uint32_t text, entity;
    uint16_t right, wrong, missed;
};

struct entity {
    char *name;
    uint64_t right, wrong, missed;
};

struct lac_eval {
    uint32_t overlap;
    struct entity *entities;
    size_t entity_count;
    struct tally *tallies;
    size_t tally_count, tally_capacity;
    struct lac_eval_mistake *mistakes; /* ids owned; entity borrowed from entities[] */
    uint32_t *mistake_entity;
    size_t mistake_count, mistake_capacity;
    uint64_t mistake_lost;
    uint64_t texts, tiered;
    uint64_t confusion[LAC_TIER_COUNT][LAC_TIER_COUNT];
    struct lac_eval_score *scores;
    struct lac_eval_mistake *listed;
    struct lac_eval_bets bets;
};

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, ENOMEM, "eval: no memory");
}

enum lac_status lac_eval_open(struct lac_eval **out, uint32_t overlap, struct lac_err *err)
{
    struct lac_eval *e = calloc(1, sizeof(*e));

    if (!e)
        return no_memory(err);
    e->overlap = overlap;
    e->entities = calloc(LAC_EVAL_ENTITY_MAX, sizeof(*e->entities));
    if (!e->entities) {
        free(e);
        return no_memory(err);
    }
    *out = e;
    return LAC_OK;
}

void lac_eval_close(struct lac_eval *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->entity_count; i++)
        free(e->entities[i].name);
    for (size_t i = 0; i < e->mistake_count; i++)
        free((char *)e->mistakes[i].id);
    free(e->entities);
    free(e->tallies);
    free(e->mistakes);
    free(e->mistake_entity);
    free(e->scores);
    free(e->listed);
    lac_eval_bets_free(&e->bets);
    free(e);
}

/* ---- counting one text ---- */

static enum lac_status entity_of(struct lac_eval *e, struct lac_str name, uint32_t *out,
                                 struct lac_err *err)
{
    for (size_t i = 0; i < e->entity_count; i++)
        if (lac_str_is(name, e->entities[i].name)) {
            *out = (uint32_t)i;
            return LAC_OK;
        }
    if (e->entity_count == LAC_EVAL_ENTITY_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d different entities",
                           LAC_EVAL_ENTITY_MAX);
    e->entities[e->entity_count].name = lac_str_dup(name);
    if (!e->entities[e->entity_count].name)
        return no_memory(err);
    *out = (uint32_t)e->entity_count++;
    return LAC_OK;
}

static enum lac_status note_mistake(struct lac_eval *e, const struct lac_eval_case *c,
                                    enum lac_eval_kind kind, const struct lac_eval_span *s,
                                    uint32_t entity, struct lac_err *err)
{
    struct lac_eval_mistake m = {.kind = kind,
                                 .line = c->line,
                                 .start = s ? s->start : 0,
                                 .end = s ? s->end : 0,
                                 .gold_tier = c->gold_tier,
                                 .tier = c->tier};

    if (e->mistake_count == MISTAKES_KEPT) {
        e->mistake_lost++;
        return LAC_OK;
    }
    if (e->mistake_count == e->mistake_capacity) {
        size_t capacity = e->mistake_capacity ? e->mistake_capacity * 2 : 256;
        void *mistakes = realloc(e->mistakes, capacity * sizeof(*e->mistakes));
        void *entities;

        if (!mistakes)
            return no_memory(err);
        e->mistakes = mistakes;
        entities = realloc(e->mistake_entity, capacity * sizeof(*e->mistake_entity));
        if (!entities)
            return no_memory(err);
        e->mistake_entity = entities;
        e->mistake_capacity = capacity;
    }
    m.id = lac_str_dup(c->id);
    if (!m.id)
        return no_memory(err);
    e->mistake_entity[e->mistake_count] = entity;
    e->mistakes[e->mistake_count++] = m;
    return LAC_OK;
}

static struct tally *tally_of(struct lac_eval *e, size_t first, uint32_t entity)
{
    for (size_t i = first; i < e->tally_count; i++)
        if (e->tallies[i].entity == entity)
            return &e->tallies[i];
    if (e->tally_count == e->tally_capacity) {
        size_t capacity = e->tally_capacity ? e->tally_capacity * 2 : 1024;
        struct tally *grown = realloc(e->tallies, capacity * sizeof(*grown));

        if (!grown)
            return NULL;
        e->tallies = grown;
        e->tally_capacity = capacity;
    }
    e->tallies[e->tally_count] = (struct tally){.text = (uint32_t)e->texts, .entity = entity};
    return &e->tallies[e->tally_count++];
}

struct pair {
    uint32_t gold, found;
    uint32_t share; /* millionths of the union */
};

static uint32_t shared(const struct lac_eval_span *a, const struct lac_eval_span *b)
{
    uint32_t from = a->start > b->start ? a->start : b->start;
    uint32_t to = a->end < b->end ? a->end : b->end;
    uint64_t both, all;

    if (from >= to)
        return 0;
    both = to - from;
    all = (uint64_t)(a->end - a->start) + (b->end - b->start) - both;
    return (uint32_t)(both * 1000000 / all);
}

static int by_share(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->share != y->share)
        return x->share > y->share ? -1 : 1;
    if (x->gold != y->gold)
        return x->gold < y->gold ? -1 : 1;
    return (x->found > y->found) - (x->found < y->found);
}

/* Marks which labels and findings belong together. */
static void match_spans(const struct lac_eval *e, const struct lac_eval_case *c, bool *gold_taken,
                        bool *found_taken)
{
    struct pair pairs[PAIRS_MAX];
    size_t n = 0;

    for (size_t g = 0; g < c->gold_count; g++)
        for (size_t f = 0; f < c->found_count && n < PAIRS_MAX; f++) {
            uint32_t share = lac_str_eq(c->gold[g].entity, c->found[f].entity)
                                 ? shared(&c->gold[g], &c->found[f])
                                 : 0;

            if (share > 0 && share >= e->overlap * 10000)
                pairs[n++] = (struct pair){(uint32_t)g, (uint32_t)f, share};
        }
    qsort(pairs, n, sizeof(*pairs), by_share);
    for (size_t i = 0; i < n; i++)
        if (!gold_taken[pairs[i].gold] && !found_taken[pairs[i].found])
            gold_taken[pairs[i].gold] = found_taken[pairs[i].found] = true;
}

static enum lac_status count_span(struct lac_eval *e, const struct lac_eval_case *c, size_t first,
                                  const struct lac_eval_span *s, bool is_gold, bool taken,
                                  struct lac_err *err)
{
    uint32_t entity = 0;
    enum lac_status status = entity_of(e, s->entity, &entity, err);
    struct tally *t;

    if (status != LAC_OK)
        return status;
    t = tally_of(e, first, entity);
    if (!t)
        return no_memory(err);
    if (!is_gold && taken)
        return LAC_OK; /* its label counts the pair */
    if (taken) {
        t->right++;
        e->entities[entity].right++;
        return LAC_OK;
    }
    t->missed += is_gold;
    t->wrong += !is_gold;
    e->entities[entity].missed += is_gold;
    e->entities[entity].wrong += !is_gold;
    return note_mistake(e, c, is_gold ? LAC_EVAL_MISSED : LAC_EVAL_WRONG, s, entity, err);
}

static enum lac_status count_tier(struct lac_eval *e, const struct lac_eval_case *c,
                                  struct lac_err *err)
{
    if (!c->has_tier)
        return LAC_OK;
    e->tiered++;
    e->confusion[c->gold_tier][c->tier]++;
    if (c->tier == c->gold_tier)
        return LAC_OK;
    return note_mistake(e, c, c->tier < c->gold_tier ? LAC_EVAL_LEAK : LAC_EVAL_BLOCK, NULL,
                        UINT32_MAX, err);
}

enum lac_status lac_eval_add(struct lac_eval *e, const struct lac_eval_case *c, struct lac_err *err)
{
    bool gold_taken[LAC_EVAL_SPAN_MAX] = {false};
    bool found_taken[LAC_EVAL_SPAN_MAX] = {false};
    size_t first = e->tally_count;
    enum lac_status status;

    if (c->gold_count > LAC_EVAL_SPAN_MAX || c->found_count > LAC_EVAL_SPAN_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d spans in one text", LAC_EVAL_SPAN_MAX);
    if (e->texts == LAC_EVAL_TEXT_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d texts", LAC_EVAL_TEXT_MAX);
    match_spans(e, c, gold_taken, found_taken);
    status = count_tier(e, c, err);
    if (status == LAC_OK)
        status = lac_eval_bets_add(&e->bets, c, err);
    for (size_t i = 0; i < c->gold_count && status == LAC_OK; i++)
        status = count_span(e, c, first, &c->gold[i], true, gold_taken[i], err);
    for (size_t i = 0; i < c->found_count && status == LAC_OK; i++)
        status = count_span(e, c, first, &c->found[i], false, found_taken[i], err);
    e->texts++;
    return status;
}

/* ---- figures ---- */

struct lac_eval_share lac_eval_share(uint64_t hits, uint64_t of)
{
    const double z = 1.959963984540054; /* 97.5 % of the normal distribution */
    struct lac_eval_share s = {.hits = hits, .of = of, .low = 0, .high = 1};
    double n = (double)of, p, middle, half;

    if (of == 0)
        return s;
    p = (double)hits / n;
    middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    s.value = p;
    s.low = hits == 0 ? 0 : middle - half;
    s.high = hits == of ? 1 : middle + half;
    return s;
}

static double f1_of(double right, double wrong, double missed)
{
    double all = 2 * right + wrong + missed;

    return all > 0 ? 2 * right / all : 0;
}

static void fill_score(struct lac_eval_score *s, const char *name, uint64_t right, uint64_t wrong,
                       uint64_t missed)
{
    *s = (struct lac_eval_score){
        .name = name,
        .right = right,
        .wrong = wrong,
        .missed = missed,
        .labelled = right + missed > 0,
        .precision = lac_eval_share(right, right + wrong),
        .recall = lac_eval_share(right, right + missed),
        .f1 = f1_of((double)right, (double)wrong, (double)missed),
    };
    s->f1_low = s->f1_high = s->f1;
}

static uint64_t next_random(uint64_t *state) /* xorshift64*, Vigna 2016 */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* One resample: F1 of each entity, and of all that count behind them. */
static void resample(const struct lac_eval *e, const struct lac_eval_score *scores, bool count_all,
                     uint64_t *random, uint16_t *weight, uint64_t (*sums)[3], double *out,
                     size_t stride)
{
    size_t n = e->entity_count;

    memset(weight, 0, e->texts * sizeof(*weight));
    memset(sums, 0, (n + 1) * sizeof(*sums));
    for (uint64_t i = 0; i < e->texts; i++) {
        uint16_t *w = &weight[next_random(random) % e->texts];

        *w = (uint16_t)(*w + (*w < UINT16_MAX));
    }
    for (size_t i = 0; i < e->tally_count; i++) {
        const struct tally *t = &e->tallies[i];
        const uint16_t counts[3] = {t->right, t->wrong, t->missed};

        for (int k = 0; k < 3; k++) {
            sums[t->entity][k] += (uint64_t)weight[t->text] * counts[k];
            if (count_all || scores[t->entity].labelled)
                sums[n][k] += (uint64_t)weight[t->text] * counts[k];
        }
    }
    for (size_t i = 0; i <= n; i++)
        out[i * stride] = f1_of((double)sums[i][0], (double)sums[i][1], (double)sums[i][2]);
}

/* How often to draw: less where each time means much work. */
static size_t resamples(uint64_t work)
{
    if (work * RESAMPLES <= RESAMPLE_WORK)
        return RESAMPLES;
    return RESAMPLE_WORK / work > RESAMPLES_LEAST ? RESAMPLE_WORK / work : RESAMPLES_LEAST;
}

static void percentiles(double *at, size_t rounds, double *low, double *high)
{
    qsort(at, rounds, sizeof(*at), by_value);
    *low = at[rounds * 25 / 1000];
    *high = at[rounds - 1 - rounds * 25 / 1000];
}

/* Percentile intervals of all entities' F1s. */
static enum lac_status bootstrap(struct lac_eval *e, bool count_all, struct lac_eval_score *all,
                                 struct lac_err *err)
{
    uint64_t random = SEED;
    size_t rounds = resamples(e->texts + e->tally_count + 1), n = e->entity_count + 1;
    enum lac_status status = LAC_OK;
    uint16_t *weight;
    uint64_t(*sums)[3];
    double *f1;

    if (e->texts == 0)
        return LAC_OK;
    weight = calloc(e->texts, sizeof(*weight));
    sums = calloc(n, sizeof(*sums));
    f1 = calloc(n * rounds, sizeof(*f1));
    if (!weight || !sums || !f1)
        status = no_memory(err);
    for (size_t i = 0; i < rounds && status == LAC_OK; i++)
        resample(e, e->scores, count_all, &random, weight, sums, f1 + i, rounds);
    for (size_t i = 0; i < n && status == LAC_OK; i++) {
        struct lac_eval_score *s = i + 1 < n ? &e->scores[i] : all;

        percentiles(f1 + i * rounds, rounds, &s->f1_low, &s->f1_high);
    }
    free(weight);
    free(sums);
    free(f1);
    return status;
}

/* ---- the report ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct lac_eval_score *)a)->name,
                  ((const struct lac_eval_score *)b)->name);
}

/* What somebody should look at first: leaks by how far, missed ones, wrong ones, blocks. */
static int worse(const void *a, const void *b)
{
    const struct lac_eval_mistake *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == LAC_EVAL_LEAK || x->kind == LAC_EVAL_BLOCK) {
        int far_x = abs((int)x->gold_tier - (int)x->tier);
        int far_y = abs((int)y->gold_tier - (int)y->tier);

        if (far_x != far_y)
            return far_x > far_y ? -1 : 1;
    }
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

static enum lac_status list_mistakes(struct lac_eval *e, bool count_all, size_t most,
                                     struct lac_eval_report *out, struct lac_err *err)
{
    size_t n = 0;

    free(e->listed);
    e->listed = calloc(e->mistake_count + 1, sizeof(*e->listed));
    if (!e->listed)
        return no_memory(err);
    for (size_t i = 0; i < e->mistake_count; i++) {
        struct lac_eval_mistake m = e->mistakes[i];
        uint32_t entity = e->mistake_entity[i];
        const struct entity *of = entity == UINT32_MAX ? NULL : &e->entities[entity];

        if (of && !count_all && of->right + of->missed == 0)
            continue;
        m.entity = of ? of->name : "";
        e->listed[n++] = m;
    }
    qsort(e->listed, n, sizeof(*e->listed), worse);
    out->mistakes = e->listed;
    out->mistake_count = n < most ? n : most;
    out->mistake_total = n + e->mistake_lost;
    return LAC_OK;
}

/* One resample of the answers: F1 of each tier, and behind them the mean of those that the set has.
 */
static void resample_tiers(const uint8_t *cells, uint64_t n, const struct lac_eval_score *tiers,
                           uint64_t *random, double *out, size_t stride)
{
    uint64_t drawn[LAC_TIER_COUNT * LAC_TIER_COUNT] = {0};
    unsigned there = 0;
    double sum = 0;

    for (uint64_t i = 0; i < n; i++)
        drawn[cells[next_random(random) % n]]++;
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        uint64_t labelled = 0, answered = 0, right = drawn[t * LAC_TIER_COUNT + t];

        for (int o = 0; o < LAC_TIER_COUNT; o++) {
            labelled += drawn[t * LAC_TIER_COUNT + o];
            answered += drawn[o * LAC_TIER_COUNT + t];
        }
        out[(size_t)t * stride] =
            f1_of((double)right, (double)(answered - right), (double)(labelled - right));
        there += tiers[t].labelled;
        sum += tiers[t].labelled ? out[(size_t)t * stride] : 0;
    }
    out[LAC_TIER_COUNT * stride] = there ? sum / there : 0;
}

/* Percentile intervals of the tiers' F1s and of their mean. Of a text only its cell of the table of
 * answers counts. */
static enum lac_status bootstrap_tiers(const struct lac_eval *e, struct lac_eval_report *out,
                                       struct lac_err *err)
{
    size_t rounds = resamples(e->tiered + 1);
    uint8_t *cells = malloc(e->tiered + 1), *to = cells;
    double *f1 = calloc((LAC_TIER_COUNT + 1) * rounds, sizeof(*f1));
    uint64_t random = SEED;

    for (int c = 0; cells && c < LAC_TIER_COUNT * LAC_TIER_COUNT; c++) {
        size_t n = e->confusion[c / LAC_TIER_COUNT][c % LAC_TIER_COUNT];

        memset(to, c, n);
        to += n;
    }
    for (size_t i = 0; cells && f1 && e->tiered > 0 && i < rounds; i++)
        resample_tiers(cells, e->tiered, out->tiers, &random, f1 + i, rounds);
    for (int t = 0; f1 && t < LAC_TIER_COUNT; t++)
        percentiles(f1 + (size_t)t * rounds, rounds, &out->tiers[t].f1_low, &out->tiers[t].f1_high);
    if (f1)
        percentiles(f1 + LAC_TIER_COUNT * rounds, rounds, &out->macro_low, &out->macro_high);
    free(f1);
    if (!f1 || !cells) {
        free(cells);
        return no_memory(err);
    }
    free(cells);
    return LAC_OK;
}

static void sum_tiers(const struct lac_eval *e, struct lac_eval_report *out)
{
    uint64_t below = 0, above = 0, may_leak = 0, may_block = 0, all_right = 0;
    unsigned labelled = 0;

    memcpy(out->confusion, e->confusion, sizeof(out->confusion));
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        uint64_t right = e->confusion[t][t], wrong = 0, missed = 0;

        for (int o = 0; o < LAC_TIER_COUNT; o++) {
            wrong += o == t ? 0 : e->confusion[o][t];
            missed += o == t ? 0 : e->confusion[t][o];
            below += o < t ? e->confusion[t][o] : 0;
            above += o > t ? e->confusion[t][o] : 0;
            may_leak += t > LAC_TIER_PUBLIC ? e->confusion[t][o] : 0;
            may_block += t < LAC_TIER_PROPRIETARY ? e->confusion[t][o] : 0;
        }
        fill_score(&out->tiers[t], lac_tier_name((enum lac_tier)t), right, wrong, missed);
        labelled += out->tiers[t].labelled;
        out->macro_f1 += out->tiers[t].labelled ? out->tiers[t].f1 : 0;
        all_right += right;
    }
    out->macro_f1 = labelled ? out->macro_f1 / labelled : 0;
    out->leaks = lac_eval_share(below, may_leak);
    out->blocks = lac_eval_share(above, may_block);
    out->accuracy = lac_eval_share(all_right, e->tiered);
}

enum lac_status lac_eval_sum(struct lac_eval *e, bool count_all, size_t mistakes,
                             struct lac_eval_report *out, struct lac_err *err)
{
    uint64_t right = 0, wrong = 0, missed = 0;
    enum lac_status status;

    *out = (struct lac_eval_report){.texts = e->texts, .tiered = e->tiered};
    free(e->scores);
    e->scores = calloc(e->entity_count + 1, sizeof(*e->scores));
    if (!e->scores)
        return no_memory(err);
    for (size_t i = 0; i < e->entity_count; i++) {
        const struct entity *n = &e->entities[i];

        fill_score(&e->scores[i], n->name, n->right, n->wrong, n->missed);
        if (!count_all && !e->scores[i].labelled)
            continue;
        right += n->right;
        wrong += n->wrong;
        missed += n->missed;
    }
    fill_score(&out->all, "all", right, wrong, missed);
    status = bootstrap(e, count_all, &out->all, err);
    if (status == LAC_OK)
        status = list_mistakes(e, count_all, mistakes, out, err);
    if (status != LAC_OK)
        return status;
    sum_tiers(e, out);
    status = bootstrap_tiers(e, out, err);
    if (status != LAC_OK)
        return status;
    if (lac_eval_bets_sum(&e->bets, out, err) != LAC_OK)
        return LAC_RETRY;
    qsort(e->scores, e->entity_count, sizeof(*e->scores), by_name);
    out->entities = e->scores;
    out->entity_count = e->entity_count;
    return LAC_OK;
}
