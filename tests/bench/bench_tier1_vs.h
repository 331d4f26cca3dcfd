/* SPDX-License-Identifier: Apache-2.0 */
/* bench_tier1_vs - a Vectorscan database whose matches lead to places to look at */
#ifndef BENCH_TIER1_VS_H
#define BENCH_TIER1_VS_H

#include "bench_tier1.h"

enum { BENCH_VS_MAX = 65536 };

enum bench_target_kind {
    BENCH_WRITTEN, /* a detector's expression: it looks at the whole message */
    BENCH_TRIGGER, /* the detector's own trigger, `index` */
    BENCH_START,   /* a pattern may start back_max to back_min bytes before the end */
    BENCH_PHRASE,  /* the phrase may stand so that its byte back_max is back_min before the end */
    BENCH_AROUND,  /* a pattern may start back_max before to back_min behind the end */
    BENCH_KEYWORD, /* the context word `index` is in the message */
};

/* Who wants to know of an expression's matches. */
struct bench_target {
    uint32_t rule;
    uint32_t next; /* in the list of the expression; 0: none */
    enum bench_target_kind kind;
    uint32_t index;
    uint32_t back_min, back_max;
    struct lac_str phrase;
    bool in_folded;
};

/* Where matches of a rule may start. */
struct bench_region {
    size_t from, to;
    bool open, listed;
};

/* The longest word of a context word, and which of its kind it is. */
struct bench_keyword {
    struct lac_str word;
    bool seen; /* in the message in hand */
};

struct bench_vs {
    struct bench_set *set;
    struct bench_keyword *keywords; /* [BENCH_VS_MAX] */
    size_t keyword_count;
    uint32_t *keyword_seen; /* those that are */
    size_t seen_count;
    uint32_t **rule_keywords; /* [rules] indices + 1, 0 behind the last; NULL: needs none */
    hs_database_t *db;
    hs_scratch_t *scratch;
    char **expressions;
    unsigned *flags;
    uint32_t *first;
    size_t expression_count;
    struct bench_target *targets;
    size_t target_count;
    struct bench_region *regions; /* [rules] */
    uint32_t listed[LAC_MATCH_RULE_MAX];
    size_t listed_count;
    bool plain_now, folded_now;
    char *phrase_text;
    size_t phrase_used, phrase_room;
};

struct bench_vs *bench_vs_new(struct bench_set *s);
void bench_vs_close(void *ctx);
bool bench_vs_scan(void *ctx, struct lac_str message);

/* Folds into the arm's own memory. */
struct lac_str bench_vs_fold(struct bench_vs *v, struct lac_str text);

#endif
