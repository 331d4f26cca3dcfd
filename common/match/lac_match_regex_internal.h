/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_regex_internal - what the compiler's steps hand to each other
 *
 * parse: the pattern's text becomes a tree (struct lac_match_regex_node). build: alternatives that
 * begin alike are joined, and the tree becomes a DAG of elements. info: what the router needs is
 * read off the DAG. The DAG, written without pointers, is the program that run executes.
 *
 * Thread: any; one compilation is one thread's.
 */
#ifndef LAC_MATCH_REGEX_INTERNAL_H
#define LAC_MATCH_REGEX_INTERNAL_H

#include "lac_match_regex.h"

enum {
    REGEX_NODES = 24576,     /* of a pattern's tree, joining alternatives included */
    REGEX_SETS = 1024,       /* different classes of one pattern */
    REGEX_NODE_DEPTH = 320,  /* of the tree; recursion is never deeper */
    REGEX_STEPS = 200000,    /* of building: repeats of nothing are steps too */
    REGEX_FACTOR_DEPTH = 64, /* alternatives within alternatives that are joined */
    REGEX_WORDS = LAC_MATCH_REGEX_ELEMENTS / 64,
    REGEX_MAGIC = 0x3558524C, /* "LRX5" where the lowest byte is first */
    REGEX_EDGES = 16384,
};

enum regex_node_kind { REGEX_SET, REGEX_ASSERT, REGEX_CAT, REGEX_ALT, REGEX_REPEAT };

/* What holds between two bytes. */
enum regex_assertion {
    REGEX_ALWAYS,   /* joins alternatives: keeps the number of edges small */
    REGEX_BOUNDARY, /* \b */
    REGEX_INSIDE,   /* \B */
    REGEX_BEGIN,    /* ^ \A */
    REGEX_END,      /* $ \Z: the end, or a line break there */
    REGEX_VERY_END, /* \z */
    REGEX_ASSERTIONS,
};

enum { REGEX_NONE = -1 };

/* Children are a list: `child` is the first, each one's `next` the following. */
struct lac_match_regex_node {
    uint8_t kind;
    uint8_t assertion;
    uint16_t set;
    uint16_t min, max; /* of a repeat */
    uint16_t factor;   /* how often it was made by joining */
    int32_t child;
    int32_t last;
    int32_t next;
};

/* One element of the DAG. */
enum regex_op { REGEX_OP_SET, REGEX_OP_LITERAL, REGEX_OP_ASSERT, REGEX_OPS };

/* As it stands in a program. */
struct lac_match_regex_element {
    uint8_t op;
    uint8_t accepts;     /* a match may end behind it */
    uint16_t arg;        /* index of the set, of a literal's first byte's, or the assertion */
    uint16_t min, max;   /* how often; a literal's length; 0 of an assertion */
    uint16_t edge;       /* index of the first of its followers, each further behind ... */
    uint16_t edge_count; /* ... and how many */
    uint32_t literal;    /* where its bytes are, from the literals' start; its masks follow */
};

enum {
    REGEX_LINEAR = 1,     /* each element leads to the next alone, and the last one accepts */
    REGEX_WORD_START = 2, /* no match begins behind a letter, digit or '_' */
};

struct lac_match_regex {
    uint32_t magic;
    uint32_t size; /* bytes, with this header */
    uint16_t min_width, max_width;
    uint16_t element_count;
    uint16_t set_count;
    uint16_t edge_count;
    uint16_t first_edge_count; /* the first edges lead to what a match may begin with */
    uint32_t literal_bytes;
    uint32_t elements, edges, sets, literals; /* offsets from the header */
    uint16_t flags;
    /* A byte that every match has, so many behind its start: looked for before all else. must_max
     * 0: there is none that helps. */
    uint16_t must_byte;
    uint16_t must_min, must_max;
    uint32_t cost; /* of struct lac_match_regex_info */
    uint32_t none;
    struct lac_match_regex_set first;
};

struct lac_match_regex_bits {
    uint64_t word[REGEX_WORDS];
};

/* A part of the DAG while it is built. */
struct lac_match_regex_frag {
    struct lac_match_regex_bits first, last;
    bool nullable;
};

/* What an element is while it is built; its followers are apart. */
struct lac_match_regex_piece {
    uint8_t op;
    bool accepts;
    uint16_t arg;
    uint16_t min, max;
    uint32_t literal;
};

/* How far from the match's start an element begins and ends. */
struct lac_match_regex_reach {
    uint32_t in_min, in_max, out_min, out_max;
};

/* One compilation. */
struct lac_match_regex_work {
    struct lac_str pattern;
    size_t at;               /* of the parser */
    bool utf8;               /* the pattern has bytes above 0x7F */
    const char *unsupported; /* static text; NULL so far */
    struct lac_match_regex_set sets[REGEX_SETS];
    uint16_t set_count;
    int32_t node_count;
    int32_t root;
    uint32_t steps;
    /* the DAG */
    struct lac_match_regex_piece pieces[LAC_MATCH_REGEX_ELEMENTS];
    struct lac_match_regex_bits follow[LAC_MATCH_REGEX_ELEMENTS];
    size_t piece_count;
    struct lac_match_regex_bits start; /* what a match may begin with */
    uint8_t literals[LAC_MATCH_REGEX_ELEMENTS * 64];
    size_t literal_bytes;
    struct lac_match_regex_reach reach[LAC_MATCH_REGEX_ELEMENTS];
    uint32_t min_width, max_width;
    struct lac_match_regex_node nodes[REGEX_NODES]; /* last: most of it, and written when counted */
};

/* ---- sets ---- */

static inline void lac_match_regex_set_add(struct lac_match_regex_set *s, unsigned char c)
{
    s->bits[(c >> 7) * 16 + (c & 15)] |= (uint8_t)(1U << (c >> 4 & 7));
}

static inline bool lac_match_regex_is_word(unsigned char c)
{
    return (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10 || c == '_';
}

size_t lac_match_regex_set_count(const struct lac_match_regex_set *s);

/* Whether every member is a letter, digit or '_'. */
bool lac_match_regex_set_is_word(const struct lac_match_regex_set *s);

void lac_match_regex_set_join(struct lac_match_regex_set *s, const struct lac_match_regex_set *o);

/* The index of an equal one; REGEX_NONE: too many, w->unsupported says so. */
int32_t lac_match_regex_set_index(struct lac_match_regex_work *w,
                                  const struct lac_match_regex_set *s);

/* ---- parsing ---- */

/* A new node, all else zero; REGEX_NONE: too many, w->unsupported says so. */
int32_t lac_match_regex_node_new(struct lac_match_regex_work *w, enum regex_node_kind kind);
void lac_match_regex_node_append(struct lac_match_regex_work *w, int32_t parent, int32_t child);

/* Reads the class, escape or character at w->at and moves behind it. `*out`: its node, or
 * REGEX_NONE when w->unsupported was set. REJECT with the reason. */
enum lac_status lac_match_regex_parse_class(struct lac_match_regex_work *w, bool nocase,
                                            int32_t *out, struct lac_err *err);
enum lac_status lac_match_regex_parse_escape(struct lac_match_regex_work *w, bool nocase,
                                             int32_t *out, struct lac_err *err);
enum lac_status lac_match_regex_parse_char(struct lac_match_regex_work *w, bool nocase,
                                           int32_t *out, struct lac_err *err);
enum lac_status lac_match_regex_parse_dot(struct lac_match_regex_work *w, bool dotall,
                                          int32_t *out);

/* A node for the code points [low, high], or bytes when the pattern is not UTF-8. */
int32_t lac_match_regex_points(struct lac_match_regex_work *w, uint32_t low, uint32_t high,
                               int32_t alt);

/* REJECT with "at byte N: ...". */
enum lac_status lac_match_regex_refuse(struct lac_err *err, size_t at, const char *fmt, ...)
    LAC_PRINTF(3, 4);

/* Fills w->nodes and w->root. */
enum lac_status lac_match_regex_parse(struct lac_match_regex_work *w, struct lac_err *err);

/* ---- building ---- */

/* The tree becomes w->pieces in topological order, with their reach. */
enum lac_status lac_match_regex_build(struct lac_match_regex_work *w, struct lac_err *err);

/* ---- reading off ---- */

void lac_match_regex_analyse(const struct lac_match_regex_work *w,
                             struct lac_match_regex_info *info);
void lac_match_regex_prefixes(const struct lac_match_regex_work *w,
                              struct lac_match_regex_info *info);
void lac_match_regex_shapes(const struct lac_match_regex_work *w,
                            struct lac_match_regex_info *info);

static inline bool lac_match_regex_bit(const struct lac_match_regex_bits *b, size_t i)
{
    return b->word[i / 64] >> (i % 64) & 1;
}

static inline void lac_match_regex_bit_set(struct lac_match_regex_bits *b, size_t i)
{
    b->word[i / 64] |= (uint64_t)1 << (i % 64);
}

/* Fills r->must_*. */
void lac_match_regex_must(const struct lac_match_regex_work *w, struct lac_match_regex *r);

/* The bytes that a piece takes as its `k`-th. */
void lac_match_regex_piece_set(const struct lac_match_regex_work *w, size_t piece, size_t k,
                               struct lac_match_regex_set *out);

#endif
