/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_internal - what the files of common/match share
 *
 * Thread: see lac_match.h.
 */
#ifndef LAC_MATCH_INTERNAL_H
#define LAC_MATCH_INTERNAL_H

#include <hs.h>

#include "lac_match.h"
#include "lac_match_detect.h"

/* A literal of the folded database. */
struct lac_match_phrase {
    uint32_t rule;
    uint32_t len; /* bytes, folded */
};

/* An expression of the plain database. */
struct lac_match_trigger {
    uint32_t rule;
    uint32_t index; /* of the detector's triggers */
};

/* "* computing", "what is *", "not * at all": folded halves around the hit. */
struct lac_match_around {
    struct lac_str before, after; /* either may be empty */
    bool star;                    /* false: the text without a star, whole */
    bool inside;                  /* "*example*": `before` anywhere in the hit */
};

struct lac_match_compiled_rule {
    const struct lac_match_detector *detector; /* NULL for patterns and phrases */
    lac_match_validate *validate;              /* NULL: any match of the pattern will do */
    hs_database_t *pattern;                    /* this pattern alone, with its starts */
    char *pattern_text;
    uint32_t pattern_width;
    struct lac_match_around *except;
    struct lac_match_around *allow;
    struct lac_str *context; /* folded */
};

struct lac_match {
    const struct lac_match_rule *rules;       /* borrowed */
    struct lac_match_compiled_rule *compiled; /* [count] */
    size_t count;
    hs_database_t *plain;  /* NULL when no rule needs it */
    hs_database_t *folded; /* likewise */
    struct lac_match_trigger *triggers;
    struct lac_match_phrase *phrases;
    size_t trigger_count;
    size_t phrase_count;
    char *text; /* folded phrases, exceptions and words */
    size_t text_size;
    size_t text_used;
    /* what compiling reads, gone afterwards */
    const char **trigger_text;
    unsigned *trigger_flags;
    unsigned *trigger_ids;
    const char **phrase_text;
    size_t *phrase_len;
};

/* One way to look at a field. */
struct lac_match_view {
    char *text;
    uint32_t *map; /* [len + 1]: where in the original each byte begins; NULL: not wanted */
    size_t len;
    size_t capacity;
};

/* What is remembered of a rule during one scan. */
struct lac_match_rule_state {
    uint32_t resume;     /* triggers up to here are settled, plain view */
    uint32_t last_start; /* the latest hit, original offsets */
    uint32_t last_end;
    uint32_t last_score;
    uint32_t except_start; /* the latest excepted place */
    uint32_t except_end;
    uint32_t total;    /* hits, reported or not */
    uint32_t reported; /* at most LAC_MATCH_HITS_PER_RULE */
    bool has_last;
    bool last_reported;
    uint32_t contexts; /* how often the context was looked for */
    uint32_t region;   /* one more than the index of its latest region, 0 = none */
    bool seen;         /* listed in touched[] */
};

/* Where a pattern has ended, so where its start has to be looked for. */
struct lac_match_region {
    uint32_t rule;
    uint32_t start, end; /* plain view; `end` is the last reported end */
};

enum {
    LAC_MATCH_REGION_MAX = 256,
    LAC_MATCH_CONTEXT_CHECKS = 1024, /* of one rule in one field; see lac_match_add.c */
};

struct lac_match_scratch {
    hs_scratch_t *hs;
    size_t field_bytes;
    struct lac_match_view folded;
    struct lac_match_view copy; /* memory of the plain view when it is not the text itself */
    struct lac_str plain;       /* the plain view */
    const uint32_t *plain_map;  /* its copy's map; NULL: offsets are the text's */
    struct lac_match_rule_state *states; /* [rule_count] */
    bool *rule_hit;                      /* [rule_count] */
    uint32_t *touched;                   /* rules whose state is not fresh */
    size_t touched_count;
    size_t rule_capacity;
    struct lac_match_region regions[LAC_MATCH_REGION_MAX];
    size_t region_count;
    bool regions_full; /* a rule found no room for its region */
    /* the scan in hand */
    const struct lac_match *m;
    struct lac_str text;
    struct lac_match_hits *hits;
    const struct lac_match_region *region; /* whose starts are being looked for */
};

/* Fills the views of `text`. Sets hits->undecodable and ->over_limit. */
void lac_match_views(struct lac_match_scratch *s, struct lac_str text, struct lac_match_hits *hits);

/* Index of the byte of `v` that holds the original offset `at`. */
size_t lac_match_view_find(const struct lac_match_view *v, size_t at);

/* The original offset of a byte of the plain view; its length gives the end. */
static inline uint32_t lac_match_plain_at(const struct lac_match_scratch *s, size_t i)
{
    return s->plain_map ? s->plain_map[i] : (uint32_t)i;
}

/* Whether the folded text has a word boundary at `i`: a letter or digit at most on one side, or a
 * script that is written without blanks. */
bool lac_match_boundary(struct lac_str folded, size_t i);

/*
 * A validated candidate, original offsets: applies exceptions, allow-list and context, then
 * records it. A longer hit of the same rule replaces a shorter one that it overlaps.
 */
void lac_match_add(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end);

/* Whether a candidate, as it stands in the plain view, has the rule's entropy and passes its
 * validator. */
bool lac_match_passes(const struct lac_match *m, uint32_t rule, struct lac_str candidate);

/* After the last candidate: takes back hits of rules that need more of them than there are, and
 * fills hits->floor. */
void lac_match_settle(struct lac_match_scratch *s);

/* What this scan remembers of `rule`; zeroed when first asked for. */
struct lac_match_rule_state *lac_match_state(struct lac_match_scratch *s, uint32_t rule);

#endif
