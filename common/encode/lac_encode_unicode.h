/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_unicode - what normalising does to each code point
 *
 * Private to common/encode. The data is what Hugging Face's library does, found out by asking it
 * about every code point (tools/unicode): its tables are of several Unicode versions, so no single
 * version gives equal ids. A tokenizer resolves them once, for the steps that its model takes, into
 * a table with one entry per code point.
 *
 * Thread: any; a resolved table is immutable.
 */
#ifndef LAC_ENCODE_UNICODE_H
#define LAC_ENCODE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_err.h"

enum { LAC_ENCODE_CODES = 0x110000 };

/* ---- the data (lac_encode_unicode_data.c); lists are sorted by code point ---- */

enum lac_encode_unicode_flag {
    LAC_ENCODE_CONTROL = 1, /* cleaning drops it: controls, formats, private use, U+FFFD */
    LAC_ENCODE_SPACE = 2,   /* words end here */
    LAC_ENCODE_PUNCT = 4,   /* a word of its own */
    LAC_ENCODE_CJK = 8,     /* likewise, when ideographs stand apart */
    LAC_ENCODE_MARK = 16,   /* a non-spacing mark: stripped with the accents */
};

struct lac_encode_unicode_lower {
    uint32_t first, count, step, to; /* first + i * step becomes to + i * step, i < count */
};

extern const uint32_t lac_encode_unicode_flags[]; /* code << 8 | flags, up to the next entry */
extern const size_t lac_encode_unicode_flags_count;
extern const uint32_t lac_encode_unicode_classes[]; /* code << 8 | combining class, likewise */
extern const size_t lac_encode_unicode_classes_count;
extern const uint32_t lac_encode_unicode_parts[]; /* count << 24 | code, then `count` codes */
extern const size_t lac_encode_unicode_parts_count;
extern const struct lac_encode_unicode_lower lac_encode_unicode_lowers[];
extern const size_t lac_encode_unicode_lowers_count;
extern const uint32_t lac_encode_unicode_words[]; /* a part of words begins, ends, begins ... */
extern const size_t lac_encode_unicode_words_count;

/* What one code point is, by a search; for rare questions. 0 for what is none. */
uint8_t lac_encode_flags_of(uint32_t code);

/* Whether it is part of a word as regular expressions see it (\w), which normalising does not. */
bool lac_encode_in_word(uint32_t code);

/* ---- resolved for a model ---- */

struct lac_encode_steps {
    bool clean, ideographs, strip_accents, lower;
};

/* The low bits of an entry; the rest is a code point or an index. */
enum lac_encode_char_kind {
    LAC_ENCODE_CHAR_SELF,     /* part of a word, unchanged */
    LAC_ENCODE_CHAR_BLANK,    /* ends a word */
    LAC_ENCODE_CHAR_ALONE,    /* a word of its own, unchanged */
    LAC_ENCODE_CHAR_GONE,     /* not there */
    LAC_ENCODE_CHAR_PARTS,    /* parts[index] is a count, then so many parts */
    LAC_ENCODE_CHAR_HANGUL,   /* a syllable: two or three letters, all parts of a word */
    LAC_ENCODE_CHAR_TO,       /* part of a word, as another code point */
    LAC_ENCODE_CHAR_ALONE_TO, /* a word of its own, as another code point */
};

enum {
    LAC_ENCODE_CHAR_KIND = 7,    /* mask */
    LAC_ENCODE_CHAR_JOINING = 8, /* its first part has a combining class: order may change */
    LAC_ENCODE_CHAR_SHIFT = 4,
    LAC_ENCODE_CHAR_BLOCK = 128,
    LAC_ENCODE_PARTS_MAX = 4,
};

/* A part: code point | kind << 21 | combining class << 24. Kinds: SELF, BLANK, ALONE, GONE (after
 * it took its place in the order). */
static inline uint32_t lac_encode_part_code(uint32_t part)
{
    return part & 0x1FFFFF;
}

static inline enum lac_encode_char_kind lac_encode_part_kind(uint32_t part)
{
    return (enum lac_encode_char_kind)(part >> 21 & 7);
}

static inline uint32_t lac_encode_part_class(uint32_t part)
{
    return part >> 24;
}

struct lac_encode_chars {
    uint16_t index[LAC_ENCODE_CODES / LAC_ENCODE_CHAR_BLOCK];
    uint32_t *entries; /* owned: [blocks][LAC_ENCODE_CHAR_BLOCK] */
    uint32_t *parts;   /* owned */
    uint32_t blocks, part_count;
};

/* RETRY: no memory. Deinit in any case. */
enum lac_status lac_encode_chars_init(struct lac_encode_chars *c, struct lac_encode_steps steps,
                                      struct lac_err *err) LAC_MUST_USE;
void lac_encode_chars_deinit(struct lac_encode_chars *c);

/* `code` < LAC_ENCODE_CODES. */
static inline uint32_t lac_encode_char(const struct lac_encode_chars *c, uint32_t code)
{
    return c->entries[c->index[code / LAC_ENCODE_CHAR_BLOCK] * (uint32_t)LAC_ENCODE_CHAR_BLOCK +
                      code % LAC_ENCODE_CHAR_BLOCK];
}

/* The two or three letters of a Hangul syllable (Unicode 15, section 3.12). Returns how many. */
static inline unsigned lac_encode_hangul(uint32_t code, uint32_t out[3])
{
    uint32_t s = code - 0xAC00;

    out[0] = 0x1100 + s / 588;
    out[1] = 0x1161 + s % 588 / 28;
    out[2] = 0x11A7 + s % 28;
    return s % 28 ? 3 : 2;
}

#endif
