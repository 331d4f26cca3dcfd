/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_tier1 - what the benchmarks of tier 1 share
 *
 * One corpus (log lines, tickets, chat, code, JSON; about 275 bytes each), one rule set (all that
 * is built in but the sample names, which are an organisation's own), several arms that say which
 * rules hit in a message. An arm differs from the others in how it finds places to look at; what
 * decides about a place (validators, entropy, exceptions, context, counts) is the same code in all
 * of them. Before anything is timed, all arms must say the same about every message.
 */
#ifndef BENCH_TIER1_H
#define BENCH_TIER1_H

#include <hs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match.h"
#include "lac_match_detect.h"
#include "lac_match_regex.h"
#include "lac_pack.h"

/* ---- the corpus ---- */

struct bench_corpus {
    struct lac_str *messages;
    size_t count;
    size_t bytes;
    char *memory;
};

/* The same numbers give the same corpus. `findings`: how many of 100 messages hold an example of
 * one of the rules. False: no memory. */
bool bench_corpus_open(struct bench_corpus *c, size_t count, unsigned findings,
                       const struct lac_str *examples, size_t example_count);
void bench_corpus_close(struct bench_corpus *c);

/* xorshift64*, the corpus's and the terms' only source of chance. */
uint32_t bench_random(uint64_t *state, uint32_t below);

/* ---- the rules ---- */

struct bench_rules {
    struct lac_pack *pack;
    struct lac_match_rule *rules; /* as in the pack, what they point to is the pack's */
    size_t count;
    struct lac_str *examples; /* texts in which a floor hits */
    size_t example_count;
};

bool bench_rules_open(struct bench_rules *r);
void bench_rules_close(struct bench_rules *r);

/* A detector as somebody would write it who has only regular expressions: whatever the detector
 * finds lies in a text in which one of these is found. NULL behind the last one. */
const char *bench_written(struct lac_str detector, unsigned index);

/* The detector's own triggers; NULL behind the last one. */
const char *bench_trigger(struct lac_str detector, unsigned index);

/* ---- arms ---- */

/* One rule set, made ready for all arms: the real matcher and the programs of its patterns. */
struct bench_set {
    const struct lac_match_rule *rules;
    size_t count;
    struct lac_match *match;
    struct lac_match_scratch *scratch;
    struct lac_buf programs;
    size_t *program;                   /* [count] offset in `programs`; SIZE_MAX: none */
    struct lac_match_regex_info *info; /* [count] */
    hs_database_t **detect;            /* [count] a detector's triggers */
    hs_scratch_t *detect_scratch;
    size_t (*parts)[LAC_MATCH_TRIGGER_MAX]; /* [count] of each trigger that has to begin a part of
                                               an identifier: its program; SIZE_MAX: it has not */
    struct lac_match_hits hits;
    struct lac_match_hit hit_array[64];
};

bool bench_set_open(struct bench_set *s, const struct lac_match_rule *rules, size_t count);
void bench_set_close(struct bench_set *s);

static inline const struct lac_match_regex *bench_program(const struct bench_set *s, size_t rule)
{
    return (const void *)(s->programs.ptr + s->program[rule]);
}

/* Scans one message; afterwards s->hits says what hit. False: failed. */
typedef bool bench_scan(void *ctx, struct lac_str message);

struct bench_arm {
    const char *name;
    bench_scan *scan;
    void (*close)(void *ctx);
    void *ctx;
    struct bench_set *set;
};

/* Where rules are looked for that count only near a context word. */
enum bench_tuning {
    BENCH_SHAPES,       /* wherever something has their shape */
    BENCH_AROUND_WORDS, /* around their words */
    BENCH_GATED,        /* by their shape, in messages with one of their words */
    BENCH_TUNINGS,
};

/* Each: false with the reason on stderr. */
bool bench_arm_ours(struct bench_arm *a, struct bench_set *s);
bool bench_arm_naive(struct bench_arm *a, struct bench_set *s);
bool bench_arm_tuned(struct bench_arm *a, struct bench_set *s, enum bench_tuning how);
bool bench_arm_re2(struct bench_arm *a, struct bench_set *s);

/* ---- what all arms but ours do with a place ---- */

/* Begins a message: the text in which patterns look. `*folded`: the one in which phrases look; the
 * same where that is ASCII. */
struct lac_str bench_begin(struct bench_set *s, struct lac_str message, struct lac_str *folded);

/* All matches of the rule's pattern that start in [from, to). */
void bench_pattern(struct bench_set *s, size_t rule, size_t from, size_t to);

/* One of the rule's detector's triggers ends here. */
void bench_detector_at(struct bench_set *s, size_t rule, unsigned trigger, size_t end);

/* Lets the detector look for its own triggers in all of the message. False: failed. */
bool bench_detect(struct bench_set *s, size_t rule);

/* The folded phrase may stand in the folded text so that its byte `skip` is at `at`. */
void bench_phrase(struct bench_set *s, size_t rule, struct lac_str phrase, size_t skip, size_t at);

void bench_end(struct bench_set *s);

#endif
