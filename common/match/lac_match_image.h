/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_image - the compiled form of a rule set: one flat block of bytes
 *
 * Private to common/match. Everything that scanning reads is in it, found by offsets, so that a
 * pack's file can be memory-mapped and used where it lies, by all processes at once. What a
 * processor has to supply itself (addresses of detectors and validators, Vectorscan's database)
 * is made when the image is opened, see struct lac_match.
 *
 * No struct here has padding: the same rules give the same bytes.
 *
 * Thread: any. Immutable.
 */
#ifndef LAC_MATCH_IMAGE_H
#define LAC_MATCH_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lac_match_regex.h"

enum {
    LAC_MATCH_IMAGE_VERSION = 13, /* of this layout and of what it means */
    LAC_MATCH_IMAGE_ORDER = 0x01020304,
    LAC_MATCH_IMAGE_ALIGN = 64,
    LAC_MATCH_IMAGE_MAX = 1 << 30,
    LAC_MATCH_RUN_LEAST = 20, /* shorter runs are none */
    LAC_MATCH_HEAD = 16,      /* bytes of a match that are checked by their kind first */

    LAC_MATCH_KINDS = 16,     /* of bytes, see lac_match_kind[] */
    LAC_MATCH_SIEVE = 7,      /* bytes that a sieve looks at */
    LAC_MATCH_MARKS = 4096,   /* of three bytes in a run */
    LAC_MATCH_MARKED = 16384, /* the same, told apart more finely */

    LAC_MATCH_SHAPE_EXACT = 12, /* tokens up to here are told apart by which bytes are digits */
    LAC_MATCH_SHAPE_LONG = 64,  /* longer ones count as this long */
    /* [1 << length | digits] for the short ones, behind them [length] for the long ones */
    LAC_MATCH_SHAPE_CELLS = (2 << LAC_MATCH_SHAPE_EXACT) + LAC_MATCH_SHAPE_LONG + 1,
};

/* Folded or literal text in the image. */
struct lac_match_text {
    uint32_t at;
    uint32_t len;
};

enum {
    LAC_MATCH_AROUND_STAR = 1,   /* unset: the text without a star, whole */
    LAC_MATCH_AROUND_INSIDE = 2, /* "*example*": `before` anywhere in the hit */
};

/* "* computing", "what is *", "not * at all": folded halves around the hit. */
struct lac_match_around {
    struct lac_match_text before, after; /* either may be empty */
    uint32_t flags;
};

struct lac_match_image_rule {
    uint32_t except, except_count;   /* in `around` */
    uint32_t allow, allow_count;     /* likewise */
    uint32_t context, context_count; /* in `context_ids`, ascending */
};

/* A context word. */
struct lac_match_word {
    struct lac_match_text text;
    uint32_t key;                /* where in it the keyed word begins */
    uint32_t exact;              /* its key is all of it, so that nothing else is to be compared */
    uint32_t units, units_count; /* in `context_units`: looked for around this word */
    uint32_t gates, gates_count; /* in `gates`: the rules that name it */
};

/* Sixty-four rules, from 64 * block on: a bit of each. */
struct lac_match_gates {
    uint64_t rules;
    uint32_t block;
    uint32_t unused;
};

enum { LAC_MATCH_PHRASE_NAMES = 1 };

struct lac_match_phrase {
    struct lac_match_text text;
    uint32_t rule;
    uint16_t key; /* where in it the keyed word begins */
    uint16_t flags;
};

enum {
    LAC_MATCH_UNIT_DETECTOR = 1,    /* `trigger` of the rule's detector; else the rule's pattern */
    LAC_MATCH_UNIT_UNSUPPORTED = 2, /* no program: Vectorscan alone finds its starts too */
    LAC_MATCH_UNIT_WORD_START = 4,  /* a match begins with a word */
};

/* A regular expression that is run somewhere: a rule's pattern, or one trigger of its detector. */
struct lac_match_unit {
    uint32_t rule;
    uint16_t trigger;
    uint16_t flags;
    uint32_t program;            /* offset in `programs` */
    uint32_t width;              /* longest match */
    struct lac_match_text inner; /* a literal of every match, or empty: looked for first in a run */
    uint16_t inner_min, inner_max; /* the match begins that many bytes before it */
    struct lac_match_regex_set first;
    uint16_t head[LAC_MATCH_HEAD]; /* kinds that the first bytes may have, see lac_match_kind[] */
    uint32_t head_len;             /* no more than every match has */
};

/* A literal of which every match of a unit has one, and where the match begins from there. */
struct lac_match_literal {
    uint64_t value, mask; /* of the eight bytes from `key` on: a quick look before the long one */
    struct lac_match_text text;
    uint32_t unit;
    uint16_t key;                /* the keyed bytes begin here in the text */
    uint16_t nocase;             /* the text is lower case */
    uint16_t back_min, back_max; /* the match begins that many bytes before the text */
    uint32_t rule;               /* the unit's */
};

enum lac_match_entry_kind {
    LAC_MATCH_ENTRY_CONTEXT,
    LAC_MATCH_ENTRY_PHRASE,
    LAC_MATCH_ENTRY_LITERAL,
};

/*
 * With what is around the keyed word in the text, folded, 0 where there is nothing: nearly all
 * places where a word of several is met are refuted by that.
 */
struct lac_match_entry {
    uint32_t index;
    uint8_t kind;
    uint8_t skip;      /* the next two are so far behind the key's first byte; 0: none are known */
    uint8_t behind[2]; /* upwards */
    uint8_t before[2]; /* downwards from the key */
    uint8_t unused[2];
};

/*
 * An open-addressed table: a slot is empty when `count` is 0. A bit per class of the second byte
 * behind the keyed word, and before it: an entry fits only where one of both is set, see
 * lac_match_slot_fits(). Most words that are in the table are found in other company.
 */
struct lac_match_slot {
    uint64_t key;
    uint32_t first; /* in `entries` */
    uint32_t count;
    uint32_t behind;
    uint32_t before;
};

/* What a token has to look like for a unit to match from its start. */
struct lac_match_shape {
    uint64_t digits, alphas;
    struct lac_match_regex_set follow;
    uint32_t unit;
    uint16_t len;
    uint8_t ends;
    uint8_t longer; /* the match may end inside the token, which may go on */
    uint32_t rule;  /* the unit's */
    /* Kinds of the second and third byte behind a token of this length, see lac_match_kind[]. */
    uint16_t next[2];
};

/* One of a class's shapes, with its rule, so that those of disabled rules are not looked at. */
struct lac_match_shape_ref {
    uint32_t shape;
    uint32_t rule;
};

/* Shapes of a class whose rules lie in one block of 64: looked at when one of those is enabled. */
struct lac_match_group {
    uint64_t rules;
    uint32_t block;
    uint32_t unused;
    uint32_t first, count; /* in `shape_list` */
};

/*
 * What may stand where, of up to 32 things at once: a bit for each. Those that are left when the
 * words of all bytes at hand are joined by `and` may be there, and no other.
 */
struct lac_match_sieve {
    uint32_t behind[LAC_MATCH_SIEVE][LAC_MATCH_KINDS];
};

/* Of a class's shapes. Bit i: shape i of those that need no context, LAC_MATCH_SIEVE_REST: one from
 * there on, LAC_MATCH_SIEVE_GATED: one that needs context. */
struct lac_match_shape_sieve {
    uint32_t gates;               /* blocks of 64 rules, modulo 32, with one that needs context */
    uint32_t first[128];          /* by the token's first byte */
    struct lac_match_sieve token; /* by the bytes behind it */
};

enum { LAC_MATCH_SIEVE_REST = 30, LAC_MATCH_SIEVE_GATED = 31, LAC_MATCH_SIEVE_LAST = 31 };
#define LAC_MATCH_SIEVE_OPEN (((uint32_t)1 << LAC_MATCH_SIEVE_GATED) - 1)

/*
 * A unit whose matches begin with many letters, digits, '_', '-', '+' and '/': looked for in runs
 * of those that are long enough. Those of one group in the order of `least`.
 */
struct lac_match_run {
    uint32_t unit;
    uint32_t least;
    uint32_t rule;  /* the unit's */
    uint32_t mark;  /* a bit that three bytes, of which the first is in the run or right behind it,
                       must have, its place in the list modulo 63; or LAC_MATCH_MARK_ALWAYS */
    uint32_t order; /* the same for those of one group */
};

/* Runs whose rules lie in one block of 64. First come those of rules that need no context. */
struct lac_match_run_group {
    uint64_t rules;
    uint64_t marks; /* of all of them */
    uint32_t block;
    uint32_t gated;
    uint32_t first, count; /* in `runs` */
};

enum { LAC_MATCH_MARK_ALWAYS = 63 };

/* All shapes that one cell of the index leads to. */
struct lac_match_shape_class {
    uint32_t first, count;        /* in `shape_list`: those that need no context ... */
    uint32_t gated;               /* ... and behind them so many that do */
    uint32_t groups, group_count; /* in `shape_groups`: the gated ones */
};

enum lac_match_section {
    LAC_MATCH_S_TEXT,
    LAC_MATCH_S_RULES,
    LAC_MATCH_S_AROUND,
    LAC_MATCH_S_CONTEXT_IDS,
    LAC_MATCH_S_CONTEXT_UNITS,
    LAC_MATCH_S_WORDS,
    LAC_MATCH_S_GATES,
    LAC_MATCH_S_PHRASES,
    LAC_MATCH_S_UNITS,
    LAC_MATCH_S_LITERALS,
    LAC_MATCH_S_ENTRIES,
    LAC_MATCH_S_WORD_BITS,
    LAC_MATCH_S_WORD_SLOTS,
    LAC_MATCH_S_PREFIX_BITS, /* of three bytes, of four */
    LAC_MATCH_S_PREFIX_MORE, /* of six, or of four for a literal that has no more */
    LAC_MATCH_S_PREFIX_SLOTS,
    LAC_MATCH_S_SHAPE_INDEX,
    LAC_MATCH_S_SHAPE_CLASSES,
    LAC_MATCH_S_SHAPE_SIEVES, /* of each class */
    LAC_MATCH_S_SHAPE_LIST,
    LAC_MATCH_S_SHAPE_GROUPS,
    LAC_MATCH_S_SHAPES,
    LAC_MATCH_S_SYMBOL_SIEVES, /* [128]: bit i: literal i of each, the last bit: one from there on
                                */
    LAC_MATCH_S_SYMBOL_FIRST,  /* [129]: where each ASCII symbol's literals begin ... */
    LAC_MATCH_S_SYMBOL_LIST,   /* ... here, which are indices of `literals` */
    LAC_MATCH_S_RUNS,
    LAC_MATCH_S_RUN_GROUPS,
    LAC_MATCH_S_RUN_MARKS,  /* [LAC_MATCH_MARKS], 64 bits each */
    LAC_MATCH_S_RUN_MARKED, /* [LAC_MATCH_MARKED / 64]: which three bytes have one, a bit each */
    LAC_MATCH_S_LOOSE,      /* units that are looked for around context words */
    LAC_MATCH_S_PROGRAMS,
    LAC_MATCH_S_REST_UNITS, /* by Vectorscan's id */
    LAC_MATCH_S_REST,       /* serialized; empty when there is none */
    LAC_MATCH_SECTIONS,
};

struct lac_match_image_header {
    char magic[8];
    uint32_t version;
    uint32_t order;
    uint64_t size;   /* of everything */
    uint64_t source; /* hash of the rules that it was made from */
    uint32_t rule_count;
    uint16_t has_humps;  /* parts of identifiers are looked for ... */
    uint16_t has_names;  /* ... as words too */
    uint32_t word_shift; /* 64 - log2 of the bits */
    uint32_t prefix_shift;
    /* [length, 63 and more as one]: kinds of the two bytes behind a token without a digit that are
     * looked at; none: there is no such token. See lac_match_kind[]. */
    uint16_t bare[64][2];
    uint8_t symbols[16]; /* which ASCII bytes are events: [low nibble], bit: high nibble */
    struct {
        uint64_t at;
        uint64_t size;
    } section[LAC_MATCH_SECTIONS];
};

/* What a byte is, one bit of LAC_MATCH_KINDS; and which bit. */
extern const uint16_t lac_match_kind[256];
extern const uint8_t lac_match_kind_index[256];

/* What may be there, by LAC_MATCH_SIEVE bytes. */
static inline uint32_t lac_match_sieve_bits(const struct lac_match_sieve *s,
                                            const unsigned char *bytes)
{
    uint32_t bits = UINT32_MAX;

#pragma GCC unroll 8
    for (unsigned i = 0; i < LAC_MATCH_SIEVE; i++)
        bits &= s->behind[i][lac_match_kind_index[bytes[i]]];
    return bits;
}

/* Which bit says whether three bytes have a mark. */
static inline size_t lac_match_marked_of(const unsigned char *p)
{
    uint32_t x = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

    return (x * 0x9E3779B1u) >> 18;
}

/* Where in the marks of runs they are then. */
static inline size_t lac_match_mark_of(size_t marked)
{
    return marked / (LAC_MATCH_MARKED / LAC_MATCH_MARKS);
}

/* The cell of the shapes' index for a token; `digits` are below its length. */
static inline size_t lac_match_shape_cell(unsigned len, uint64_t digits)
{
    return len <= LAC_MATCH_SHAPE_EXACT ? ((size_t)1 << len) + (size_t)digits
                                        : ((size_t)2 << LAC_MATCH_SHAPE_EXACT) + len;
}

/* The hashes of the two bit maps and tables. A word's key are its first eight letters and digits,
 * lower case, filled up with zeroes; a prefix's are its three or four bytes as they are (bit map)
 * or lower case (table). */
#define LAC_MATCH_HASH 0x9E3779B97F4A7C15u

static inline uint64_t lac_match_hash_word(uint64_t key)
{
    return key * LAC_MATCH_HASH;
}

/* The class of a byte near a keyed word, folded: a bit of struct lac_match_slot. */
static inline unsigned lac_match_company(unsigned char folded)
{
    return folded & 31;
}

/* How many bytes a word's key has. */
static inline unsigned lac_match_key_len(uint64_t key)
{
    return key ? 8 - (unsigned)__builtin_clzll(key) / 8 : 0;
}

/*
 * A bit map of words of 64 bits, in one of which a key has two bits: a third of the memory that
 * single bits need to be as seldom wrong, so that it stays in a core's first cache. `shift`: 64
 * less the binary logarithm of all bits.
 */
static inline void lac_match_bits_put(uint64_t *bits, uint64_t hash, unsigned shift)
{
    uint64_t i = hash >> (shift - 6);

    bits[i >> 12] |= (uint64_t)1 << (i >> 6 & 63) | (uint64_t)1 << (i & 63);
}

static inline uint64_t lac_match_bits_have(const uint64_t *bits, uint64_t hash, unsigned shift)
{
    uint64_t i = hash >> (shift - 6);

    return bits[i >> 12] >> (i >> 6 & 63) & bits[i >> 12] >> (i & 63) & 1;
}

/* Where a key's slot is looked for first, before it is cut to the table's size. */
static inline size_t lac_match_slot_of(uint64_t key)
{
    return (size_t)(lac_match_hash_word(key) >> 40);
}

/* Of the first six bytes of eight. */
static inline uint64_t lac_match_hash_more(uint64_t bytes)
{
    return (bytes << 16) * LAC_MATCH_HASH;
}

/* Of the first four, and of the first three. */
static inline uint64_t lac_match_hash_prefix(uint64_t bytes)
{
    return (bytes << 32) * LAC_MATCH_HASH;
}

static inline uint64_t lac_match_hash_short(uint64_t bytes)
{
    return (bytes & 0xFFFFFF) * LAC_MATCH_HASH;
}

/* The bits of three bytes, or four, in the map of prefixes. The first three choose the word for
 * both, so that one look answers for both. */
static inline uint64_t lac_match_short_bits(uint64_t bytes)
{
    uint64_t h = lac_match_hash_short(bytes);

    return (uint64_t)1 << (h >> 40 & 63) | (uint64_t)1 << (h >> 34 & 63);
}

static inline uint64_t lac_match_prefix_bits(uint64_t bytes)
{
    uint64_t h = lac_match_hash_prefix(bytes);

    return (uint64_t)1 << (h >> 58) | (uint64_t)1 << (h >> 52 & 63);
}

#endif
