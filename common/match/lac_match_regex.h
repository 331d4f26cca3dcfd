/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_regex - patterns of detection rules, compiled and verified by ourselves
 *
 * Private to common/match and the pack's linter. A rule's pattern is turned into a small flat
 * program that answers one question: does a match start exactly here, and what is the longest? The
 * scanner asks it only where something cheap (a literal, a token's shape) says that one could, and
 * the analysis beside the program tells the scanner what that cheap thing is.
 *
 * The patterns are a subset of PCRE's and mean what Vectorscan means by them, byte by byte, with
 * the longest match from the leftmost start: literals, escapes (\d \w \s \D \W \S \b \B \A \z \Z
 * \t \n \r \f \a \e \xHH \x{HH} and escaped punctuation), '.', classes with ranges, negation and
 * [:alpha:] names, groups (none is captured), alternation, `?`, {n}, {n,m}, (?i), (?s), ^ and $
 * (the end, or a line break there). What is unbounded (*, +, {n,}) is refused, as are lookaround,
 * backreferences, lazy and possessive repeats, and what could match the empty text. A pattern with
 * bytes above 0x7F is UTF-8: its characters are byte sequences, a class with such members an
 * alternation.
 *
 * A program is a DAG of elements (a class with a minimum and maximum count, a literal, an
 * assertion), in topological order. Running it keeps, per element, the set of offsets at which it
 * may begin: each element is looked at once per start, so work is bounded by width x elements,
 * whatever the text. It holds offsets only, no pointers, and may lie in a memory-mapped file;
 * lac_match_regex_valid() then says whether it can be run safely.
 *
 * Thread: any. A program is immutable; running one needs stack only (about 50 KiB at most).
 */
#ifndef LAC_MATCH_REGEX_H
#define LAC_MATCH_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_MATCH_REGEX_WIDTH = 512,      /* longest match, bytes */
    LAC_MATCH_REGEX_ELEMENTS = 512,   /* of one program */
    LAC_MATCH_REGEX_PATTERN = 8192,   /* bytes of a pattern's text */
    LAC_MATCH_REGEX_DEPTH = 32,       /* groups inside groups */
    LAC_MATCH_REGEX_BYTES = 1 << 17,  /* no program is larger */
    LAC_MATCH_REGEX_ALIGN = 8,        /* a program begins at a multiple of this */
    LAC_MATCH_REGEX_PREFIXES = 64,    /* more are cut shorter until they are so few */
    LAC_MATCH_REGEX_PREFIX_BYTES = 8, /* of one prefix */
    LAC_MATCH_REGEX_SHAPES = 64,
    LAC_MATCH_REGEX_SHAPE_BYTES = 64, /* longest token that has a shape */
    LAC_MATCH_REGEX_INNER_BYTES = 32,
    LAC_MATCH_REGEX_COST = 2048, /* steps per byte of text: a pattern that could need more is
                                    refused */
};

/* 256 bits, one per byte value: see lac_match_regex_set_has(). */
struct lac_match_regex_set {
    uint8_t bits[32]; /* [byte >= 128][low nibble], bit: high nibble modulo 8. So 16 bytes are a
                         shuffle's table for all ASCII bytes */
};

enum { LAC_MATCH_REGEX_STEP = 16 };

/* Which of so many bytes are members: bit i, byte i. */
unsigned lac_match_regex_set_which(const struct lac_match_regex_set *s, const char *bytes);

/* Where in every set a byte's bit is. */
static inline unsigned lac_match_regex_set_byte(unsigned char c)
{
    return (c >> 7) * 16U + (c & 15U);
}

static inline unsigned lac_match_regex_set_bit(unsigned char c)
{
    return c >> 4 & 7U;
}

static inline bool lac_match_regex_set_has(const struct lac_match_regex_set *s, unsigned char c)
{
    return s->bits[lac_match_regex_set_byte(c)] >> lac_match_regex_set_bit(c) & 1;
}

/* What every match begins with, one of. */
struct lac_match_regex_prefix {
    uint8_t len; /* 1 .. LAC_MATCH_REGEX_PREFIX_BYTES */
    char text[LAC_MATCH_REGEX_PREFIX_BYTES];
};

/*
 * A token is a maximal run of ASCII letters and digits. One shape of the token that a match begins
 * with. Only for patterns with `word_start`, so that the match begins where the token does.
 */
struct lac_match_regex_shape {
    uint8_t len;     /* 1 .. LAC_MATCH_REGEX_SHAPE_BYTES: letters and digits it begins with */
    bool longer;     /* the token may go on behind `len`: the match ends inside it */
    bool ends;       /* the match may end with the token */
    uint64_t digits; /* bit i: byte i is a digit */
    uint64_t alphas; /* bit i: byte i is a letter; in neither: it may be both */
    struct lac_match_regex_set follow; /* what may follow the token inside of the match */
};

/* What the router and the linter need to know of a pattern. */
struct lac_match_regex_info {
    bool supported;   /* false: legal, but beyond this compiler; Vectorscan has to carry it. All
                         below but `reason` is then zero */
    char reason[120]; /* why not, one line; "" when supported */

    uint16_t min_width; /* bytes, at least 1 */
    uint16_t max_width; /* at most LAC_MATCH_REGEX_WIDTH */
    uint16_t elements;
    uint32_t cost; /* steps per byte of text at most, if nothing but the first bytes and
                      `word_start` chose the starts */

    bool word_start; /* every match begins with a letter, digit or '_', and none is before it */
    bool word_end;   /* every match ends with one of them, and none follows */
    bool text_start; /* every match begins at the text's first byte */
    struct lac_match_regex_set first; /* every match begins with one of these bytes */
    struct lac_match_regex_set last;  /* and ends with one of these */

    /* Every match begins with one of these literals; none: prefix_count is 0. None of them is
     * another one's beginning. They are as long as their number allows. */
    bool prefix_nocase; /* they are lower case, and letters match in either case */
    uint16_t prefix_count;
    struct lac_match_regex_prefix prefix[LAC_MATCH_REGEX_PREFIXES];

    /* The longest literal that is in every match; inner_len 0: there is none. */
    bool inner_nocase; /* lower case, letters match in either case */
    uint8_t inner_len;
    char inner[LAC_MATCH_REGEX_INNER_BYTES];
    uint16_t inner_min; /* it begins this many bytes behind the match's start at least ... */
    uint16_t inner_max; /* ... and at most */

    /* All shapes of the first token; none: shape_count is 0 (not word_start, or too many). */
    uint16_t shape_count;
    struct lac_match_regex_shape shape[LAC_MATCH_REGEX_SHAPES];
};

struct lac_match_regex; /* a program; `size` bytes, position-independent */

/*
 * Appends the program of `pattern` to `out`, which is first filled up to a multiple of
 * LAC_MATCH_REGEX_ALIGN (so `out` must be empty or hold only such things; its memory is aligned),
 * and fills `info`. LAC_OK with info->supported false: nothing was appended. REJECT: the pattern is
 * refused; the reason names the byte of the pattern ("at byte 12: ..."). FATAL: no memory, or
 * `out` is full. The same pattern gives the same bytes.
 */
enum lac_status lac_match_regex_compile(struct lac_buf *out, struct lac_str pattern,
                                        struct lac_match_regex_info *info,
                                        struct lac_err *err) LAC_MUST_USE;

/*
 * The same for who compiles many patterns: the memory that it takes (0.7 MB) is had once, and what
 * was compiled in it before does not show. NULL: no memory. free(NULL) does nothing.
 */
struct lac_match_regex_work;
struct lac_match_regex_work *lac_match_regex_work_new(void);
void lac_match_regex_work_free(struct lac_match_regex_work *w);
enum lac_status lac_match_regex_compile_in(struct lac_match_regex_work *w, struct lac_buf *out,
                                           struct lac_str pattern,
                                           struct lac_match_regex_info *info,
                                           struct lac_err *err) LAC_MUST_USE;

/*
 * The program at the beginning of `bytes`, which come from outside and must be aligned to
 * LAC_MATCH_REGEX_ALIGN: NULL unless every offset and count in it is in bounds, so that running it
 * is safe and bounded on any text. Borrowed from `bytes`. Programs that were compiled by this
 * process need only the cast.
 */
const struct lac_match_regex *lac_match_regex_valid(struct lac_str bytes);

/* Bytes of the program; the next one in the same buffer begins at the next multiple of
 * LAC_MATCH_REGEX_ALIGN. */
size_t lac_match_regex_size(const struct lac_match_regex *r);

/* Longest match, bytes. */
size_t lac_match_regex_max_width(const struct lac_match_regex *r);

/* Steps per byte of text at most: struct lac_match_regex_info. Of a program from outside no less
 * than an eighth of what running it can take. */
uint32_t lac_match_regex_cost(const struct lac_match_regex *r);

/* Whether a match starts exactly at `start` (at most text.len); `*end` is where the longest one
 * ends. Looks at text[start - 1], and at no byte behind start + width + 1. */
bool lac_match_regex_at(const struct lac_match_regex *r, struct lac_str text, size_t start,
                        size_t *end);

/* The leftmost match that starts in [from, to), the longest from there. It may end behind `to`;
 * assertions see all of `text`. */
bool lac_match_regex_find(const struct lac_match_regex *r, struct lac_str text, size_t from,
                          size_t to, size_t *start, size_t *end);

#endif
