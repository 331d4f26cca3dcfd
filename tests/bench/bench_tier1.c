/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tier1.*: what tier 1 costs per message, in CPU time of one thread, against the same rules on
 * Vectorscan and RE2. Rounds of both arms in turn over the same corpus; before them, every message
 * must give the same rules in both.
 */
#include "bench_tier1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lac_bench.h"
#include "lac_compiler.h"

enum { MESSAGES = 20000, FINDINGS = 5, MANY_FINDINGS = 20, ROUNDS = 9, ROUND_NS = 60000000 };

/* ---- ours ---- */

static bool scan_ours(void *ctx, struct lac_str message)
{
    struct bench_set *s = ctx;

    return lac_match_scan(s->match, s->scratch, message, &s->hits, NULL) == LAC_OK;
}

bool bench_arm_ours(struct bench_arm *a, struct bench_set *s)
{
    *a = (struct bench_arm){"tier 1", scan_ours, NULL, s, s};
    return true;
}

static void arm_close(struct bench_arm *a)
{
    if (a->close)
        a->close(a->ctx);
}

/* ---- timing ---- */

/* One side of a pair: an arm and what it reads. */
struct side {
    struct bench_arm *arm;
    const struct bench_corpus *corpus;
};

/* Messages per second of CPU time; whole passes, so that all is read equally often. */
static double rate(const struct side *s)
{
    uint64_t start = lac_bench_clock_ns(CLOCK_THREAD_CPUTIME_ID), ns = 0, done = 0;

    while (ns < ROUND_NS) {
        for (size_t i = 0; i < s->corpus->count; i++)
            if (!s->arm->scan(s->arm->ctx, s->corpus->messages[i]))
                return -1;
        done += s->corpus->count;
        ns = lac_bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    return (double)done * 1e9 / (double)ns;
}

struct pair {
    struct side ours, baseline;
};

static double rate_ours(void *ctx)
{
    return rate(&((struct pair *)ctx)->ours);
}

static double rate_baseline(void *ctx)
{
    return rate(&((struct pair *)ctx)->baseline);
}

/* ---- the same answers ---- */

/* How often each side found something that the other did not. */
struct difference {
    size_t hits, floors; /* messages and rules that agree; messages with a floor */
    size_t only[2];
};

static void complain(const struct bench_arm *a, const struct bench_arm *b, size_t rule,
                     struct lac_str message)
{
    fprintf(stderr, "tier1: %.*s is found by %s, not by %s, in: %.*s\n",
            LAC_STR_FMT(a->set->rules[rule].id), a->name, b->name, LAC_STR_FMT(message));
}

static bool same_message(const struct side *x, const struct side *y, struct lac_str message,
                         bool *hit, struct difference *d)
{
    size_t count = x->arm->set->count;
    bool floor = false;

    if (!x->arm->scan(x->arm->ctx, message))
        return false;
    memcpy(hit, x->arm->set->hits.rule_hit, count * sizeof(*hit));
    if (!y->arm->scan(y->arm->ctx, message))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool other = y->arm->set->hits.rule_hit[i];

        if (hit[i] != other && d->only[0] + d->only[1] < 10)
            complain(hit[i] ? x->arm : y->arm, hit[i] ? y->arm : x->arm, i, message);
        d->only[0] += hit[i] && !other;
        d->only[1] += other && !hit[i];
        d->hits += hit[i] && other;
        floor = floor || (hit[i] && x->arm->set->rules[i].strength == LAC_MATCH_FLOOR);
    }
    d->floors += floor;
    return true;
}

/* Whether both say the same about every message. */
static bool same(const char *name, const struct side *x, const struct side *y)
{
    bool *hit = calloc(x->arm->set->count + 1, sizeof(*hit));
    struct difference d = {0};
    bool ok = hit != NULL;

    for (size_t i = 0; ok && i < x->corpus->count; i++)
        ok = same_message(x, y, x->corpus->messages[i], hit, &d);
    free(hit);
    if (!ok)
        return false;
    fprintf(stderr,
            "%s: %zu rules, %zu messages of %.0f bytes, %.1f %% of them with a finding; %zu pairs "
            "of message and rule on both sides, %zu and %zu on one\n",
            name, x->arm->set->count, x->corpus->count,
            (double)x->corpus->bytes / (double)x->corpus->count,
            100 * (double)d.floors / (double)x->corpus->count, d.hits, d.only[0], d.only[1]);
    return d.only[0] == 0 && d.only[1] == 0;
}

/* ---- cases ---- */

struct bench {
    struct bench_rules rules;
    struct bench_set set;
    struct bench_corpus corpus, many;
    struct bench_arm ours, other;
};

static size_t messages(const struct lac_bench_options *o)
{
    size_t n = (size_t)(MESSAGES * o->scale);

    return n ? n : 1;
}

static bool open_bench(struct bench *b, const struct lac_bench_options *o)
{
    return bench_rules_open(&b->rules) &&
           bench_corpus_open(&b->corpus, messages(o), FINDINGS, b->rules.examples,
                             b->rules.example_count) &&
           bench_set_open(&b->set, b->rules.rules, b->rules.count) &&
           bench_arm_ours(&b->ours, &b->set);
}

static void close_bench(struct bench *b)
{
    arm_close(&b->other);
    arm_close(&b->ours);
    bench_set_close(&b->set);
    bench_corpus_close(&b->corpus);
    bench_corpus_close(&b->many);
    bench_rules_close(&b->rules);
    free(b);
}

static int run_pair(const char *name, const char *baseline_name, struct pair *p,
                    const struct lac_bench_options *o)
{
    const struct lac_bench_pair pair = {
        .name = name,
        .baseline_name = baseline_name,
        .unit = "messages/s of CPU time",
        .ours = rate_ours,
        .baseline = rate_baseline,
        .ctx = p,
        .rounds = ROUNDS,
    };

    return lac_bench_run_pair(&pair, o);
}

/* Ours against `b->other`. */
static int against(const char *name, struct bench *b, const struct lac_bench_options *o)
{
    struct pair p = {{&b->ours, &b->corpus}, {&b->other, &b->corpus}};

    if (!same(name, &p.ours, &p.baseline)) {
        fprintf(stderr, "%s: the sides differ\n", name);
        return -1;
    }
    return run_pair(name, b->other.name, &p, o);
}

static int run_naive(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench *b = calloc(1, sizeof(*b));
    int result = -1;

    if (!b)
        return -1;
    if (open_bench(b, o) && bench_arm_naive(&b->other, &b->set))
        result = against(self->name, b, o);
    close_bench(b);
    return result;
}

#ifdef LAC_BENCH_RE2
static int run_re2(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench *b = calloc(1, sizeof(*b));
    int result = -1;

    if (!b)
        return -1;
    if (open_bench(b, o) && bench_arm_re2(&b->other, &b->set))
        result = against(self->name, b, o);
    close_bench(b);
    return result;
}
#else
static int run_re2(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    (void)o;
    fprintf(stderr, "%s: skipped, it was built without RE2 (tools/setup --test)\n", self->name);
    return 0;
}
#endif

/* The best of all ways of tuning counts. */
static bool open_tuned(struct bench *b)
{
    double best = 0;

    for (int how = 0; how < BENCH_TUNINGS; how++) {
        struct bench_arm arm = {0};
        const struct side s = {&arm, &b->corpus};
        double r;

        if (!bench_arm_tuned(&arm, &b->set, (enum bench_tuning)how)) {
            arm_close(&arm);
            return false;
        }
        r = rate(&s);
        fprintf(stderr, "tier1.tuned: %s: %.0f messages/s\n", arm.name, r);
        if (r > best) {
            struct bench_arm slower = b->other;

            b->other = arm;
            arm = slower;
            best = r;
        }
        arm_close(&arm);
    }
    return true;
}

static int run_tuned(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench *b = calloc(1, sizeof(*b));
    int result = -1;

    if (!b)
        return -1;
    if (open_bench(b, o) && open_tuned(b))
        result = against(self->name, b, o);
    close_bench(b);
    return result;
}

/* The same arm over messages of which four times as many hold a finding. */
static int run_hits(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench *b = calloc(1, sizeof(*b));
    int result = -1;

    if (!b)
        return -1;
    if (open_bench(b, o) && bench_corpus_open(&b->many, messages(o), MANY_FINDINGS,
                                              b->rules.examples, b->rules.example_count)) {
        struct pair p = {{&b->ours, &b->many}, {&b->ours, &b->corpus}};

        result = run_pair(self->name, "5 % of messages with findings", &p, o);
    }
    close_bench(b);
    return result;
}

/* Against a fixed figure, the aim: the ratio is how much faster. */
static int run_ns(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench *b = calloc(1, sizeof(*b));
    double ours[LAC_BENCH_ROUNDS_MAX], aim[LAC_BENCH_ROUNDS_MAX];
    size_t rounds = o->rounds ? o->rounds : ROUNDS;
    bool ok = b && open_bench(b, o);

    if (rounds > LAC_BENCH_ROUNDS_MAX)
        rounds = LAC_BENCH_ROUNDS_MAX;
    for (size_t i = 0; ok && i <= rounds; i++) {
        const struct side s = {&b->ours, &b->corpus};
        double r = rate(&s);

        ok = r > 0;
        if (i > 0) { /* the first warms up */
            ours[i - 1] = r;
            aim[i - 1] = 1e9 / 400;
        }
    }
    if (ok) {
        lac_bench_report(self->name, "the aim, 400 ns", "messages/s of CPU time", ours, aim,
                         rounds);
        fprintf(stderr, "%s: %.0f ns for a message of %.0f bytes\n", self->name, 1e9 / ours[0],
                (double)b->corpus.bytes / (double)b->corpus.count);
    }
    if (b)
        close_bench(b);
    return ok ? 0 : -1;
}

/* ---- many terms ---- */

enum { TERMS = 50000, TERM_BYTES = 48 };

/* Made-up names of one to three words: "Velkanor", "Brisomat Ledanix Group". */
static size_t put_term(uint64_t *random, char *out)
{
    static const char *const starts[] = {"Vel", "Bri", "Tor", "Mal", "Zan", "Kor", "Lum", "Fen",
                                         "Qua", "Ost", "Ryn", "Sab", "Nex", "Jov", "Hel", "Dra"};
    static const char *const middles[] = {"ka", "so", "mi", "ne", "ra", "lo", "ti", "du",
                                          "ve", "ga", "ri", "xo", "pa", "ze", "bu", "fi"};
    static const char *const ends[] = {"nor", "mat", "nix", "dyn", "gen", "lis", "tra", "van",
                                       "com", "tek", "lon", "ria", "sys", "fax", "zon", "plex"};
    unsigned n = 1 + bench_random(random, 3);
    size_t len = 0;

    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(out + len, TERM_BYTES - len, "%s%s%s%s%s", i ? " " : "",
                                starts[bench_random(random, 16)], middles[bench_random(random, 16)],
                                bench_random(random, 2) ? middles[bench_random(random, 16)] : "",
                                ends[bench_random(random, 16)]);
    return len;
}

/* The rules and, behind them, one of `TERMS` names. */
static bool open_terms(struct bench_set *s, const struct bench_rules *r, char *text,
                       struct lac_str *terms, struct lac_match_rule *rules)
{
    uint64_t random = 50000;

    for (size_t i = 0; i < TERMS; i++)
        terms[i] =
            (struct lac_str){text + i * TERM_BYTES, put_term(&random, text + i * TERM_BYTES)};
    memcpy(rules, r->rules, r->count * sizeof(*rules));
    rules[r->count] = (struct lac_match_rule){
        .id = LAC_STR("bench-terms"),
        .entity = LAC_STR("CUSTOMER"),
        .tier = LAC_TIER_PROPRIETARY,
        .score = 900000,
        .phrases = terms,
        .phrase_count = TERMS,
        .names = true,
    };
    return bench_set_open(s, rules, r->count + 1);
}

static int run_terms(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench *b = calloc(1, sizeof(*b));
    char *text = calloc(TERMS, TERM_BYTES);
    struct lac_str *terms = calloc(TERMS, sizeof(*terms));
    struct lac_match_rule *rules = calloc(LAC_MATCH_RULE_MAX, sizeof(*rules));
    struct bench_set large = {0};
    int result = -1;

    if (b && text && terms && rules && open_bench(b, o) &&
        open_terms(&large, &b->rules, text, terms, rules) && bench_arm_ours(&b->other, &large)) {
        struct pair p = {{&b->other, &b->corpus}, {&b->ours, &b->corpus}};

        result = run_pair(self->name, "the same rules without the 50,000 terms", &p, o);
    }
    bench_set_close(&large);
    if (b)
        close_bench(b);
    free(rules);
    free(terms);
    free(text);
    return result;
}

LAC_BENCH_CASES({"tier1.naive", NULL, run_naive}, {"tier1.tuned", NULL, run_tuned},
                {"tier1.re2", NULL, run_re2}, {"tier1.hits", NULL, run_hits},
                {"tier1.large_terms", NULL, run_terms}, {"tier1.ns_per_message", NULL, run_ns});
