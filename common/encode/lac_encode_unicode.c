/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_unicode.h"

#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"

enum {
    BLOCKS_MAX = 1024,  /* different ones; about 320 are needed */
    PART_SPACE = 16384, /* counts and parts; about 9,000 are needed */
    CAPITAL_I_DOT = 0x130,
    HANGUL_FIRST = 0xAC00,
    HANGUL_LAST = 0xD7A3,
};

/* The data spread out: a byte or a code point for each code point, needed only while resolving. */
struct spread {
    uint8_t *flags, *classes;
    uint32_t *lower; /* 0: itself */
    uint32_t *parts; /* index of the entry in lac_encode_unicode_parts + 1, 0: none */
};

static void spread_ranges(uint8_t *out, const uint32_t *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t from = ranges[i] >> 8;
        uint32_t to = i + 1 < count ? ranges[i + 1] >> 8 : LAC_ENCODE_CODES;

        memset(out + from, (int)(ranges[i] & 0xFF), to - from);
    }
}

static bool spread_init(struct spread *s)
{
    s->flags = calloc(LAC_ENCODE_CODES, 1);
    s->classes = calloc(LAC_ENCODE_CODES, 1);
    s->lower = calloc(LAC_ENCODE_CODES, sizeof(*s->lower));
    s->parts = calloc(LAC_ENCODE_CODES, sizeof(*s->parts));
    if (!s->flags || !s->classes || !s->lower || !s->parts)
        return false;
    spread_ranges(s->flags, lac_encode_unicode_flags, lac_encode_unicode_flags_count);
    spread_ranges(s->classes, lac_encode_unicode_classes, lac_encode_unicode_classes_count);
    for (size_t i = 0; i < lac_encode_unicode_lowers_count; i++) {
        const struct lac_encode_unicode_lower *l = &lac_encode_unicode_lowers[i];

        for (uint32_t k = 0; k < l->count; k++)
            s->lower[l->first + k * l->step] = l->to + k * l->step;
    }
    for (size_t i = 0; i < lac_encode_unicode_parts_count;) {
        uint32_t head = lac_encode_unicode_parts[i];

        s->parts[head & 0x1FFFFF] = (uint32_t)i + 1;
        i += 1 + (head >> 24);
    }
    return true;
}

static void spread_deinit(struct spread *s)
{
    free(s->flags);
    free(s->classes);
    free(s->lower);
    free(s->parts);
}

/* How many entries, shifted, are not above the code point. */
static size_t entries_to(const uint32_t *list, size_t count, unsigned shift, uint32_t code)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (list[middle] >> shift <= code)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint8_t lac_encode_flags_of(uint32_t code)
{
    size_t n = entries_to(lac_encode_unicode_flags, lac_encode_unicode_flags_count, 8, code);

    return n && code < LAC_ENCODE_CODES ? (uint8_t)lac_encode_unicode_flags[n - 1] : 0;
}

bool lac_encode_in_word(uint32_t code)
{
    return code < LAC_ENCODE_CODES &&
           entries_to(lac_encode_unicode_words, lac_encode_unicode_words_count, 0, code) % 2;
}

static enum lac_encode_char_kind kind_of(const struct spread *s, uint32_t code,
                                         struct lac_encode_steps steps)
{
    uint8_t flags = s->flags[code];

    if (steps.strip_accents && flags & LAC_ENCODE_MARK)
        return LAC_ENCODE_CHAR_GONE;
    if (flags & LAC_ENCODE_SPACE)
        return LAC_ENCODE_CHAR_BLANK;
    return flags & LAC_ENCODE_PUNCT ? LAC_ENCODE_CHAR_ALONE : LAC_ENCODE_CHAR_SELF;
}

/* One code point after decomposition, in lower case where the model wants that: what it is shows
 * in that form, whether it is stripped before. */
static uint32_t part_of(const struct spread *s, uint32_t code, struct lac_encode_steps steps)
{
    uint32_t class = steps.strip_accents ? s->classes[code] : 0, to = code;
    enum lac_encode_char_kind kind = kind_of(s, code, steps);

    if (kind != LAC_ENCODE_CHAR_GONE && steps.lower && s->lower[code]) {
        to = s->lower[code];
        kind =
            kind_of(s, to, (struct lac_encode_steps){.clean = steps.clean, .lower = steps.lower});
    }
    return to | (uint32_t)kind << 21 | class << 24;
}

/* What `code` becomes, part by part. Returns how many. */
static uint32_t parts_of(const struct spread *s, uint32_t code, struct lac_encode_steps steps,
                         uint32_t out[LAC_ENCODE_PARTS_MAX])
{
    const uint32_t *entry;
    uint32_t count;

    if (code == CAPITAL_I_DOT && steps.lower && !steps.strip_accents) {
        out[0] = 'i'; /* the one letter whose lower case has two code points */
        out[1] = 0x307;
        return 2;
    }
    if (!steps.strip_accents || !s->parts[code]) {
        out[0] = part_of(s, code, steps);
        return 1;
    }
    entry = &lac_encode_unicode_parts[s->parts[code] - 1];
    count = *entry >> 24;
    LAC_ASSERT(count <= LAC_ENCODE_PARTS_MAX);
    for (uint32_t i = 0; i < count; i++)
        out[i] = part_of(s, entry[1 + i], steps);
    return count;
}

static uint32_t entry_of(struct lac_encode_chars *c, const struct spread *s, uint32_t code,
                         struct lac_encode_steps steps)
{
    uint32_t parts[LAC_ENCODE_PARTS_MAX] = {0}, count, at, to, joining;
    enum lac_encode_char_kind kind;
    bool alone = steps.ideographs && s->flags[code] & LAC_ENCODE_CJK;

    if (steps.clean && s->flags[code] & LAC_ENCODE_CONTROL)
        return LAC_ENCODE_CHAR_GONE;
    if (steps.strip_accents && code >= HANGUL_FIRST && code <= HANGUL_LAST)
        return LAC_ENCODE_CHAR_HANGUL;
    count = parts_of(s, code, steps, parts);
    to = lac_encode_part_code(parts[0]);
    kind = lac_encode_part_kind(parts[0]);
    joining = lac_encode_part_class(parts[0]) ? LAC_ENCODE_CHAR_JOINING : 0;
    /* A mark without a class is stripped too, but until then it parts the marks around it. */
    if (count == 1 && !joining && kind != LAC_ENCODE_CHAR_GONE) {
        if (alone && kind == LAC_ENCODE_CHAR_SELF)
            kind = LAC_ENCODE_CHAR_ALONE;
        if (to == code || kind == LAC_ENCODE_CHAR_BLANK)
            return kind;
        kind = kind == LAC_ENCODE_CHAR_SELF ? LAC_ENCODE_CHAR_TO : LAC_ENCODE_CHAR_ALONE_TO;
        return to << LAC_ENCODE_CHAR_SHIFT | kind;
    }
    LAC_ASSERT(!alone); /* ideographs are starters and decompose to one, if at all */
    at = c->part_count;
    LAC_ASSERT(at + 1 + count <= PART_SPACE);
    c->parts[at] = count;
    memcpy(&c->parts[at + 1], parts, count * sizeof(*parts));
    c->part_count += 1 + count;
    return at << LAC_ENCODE_CHAR_SHIFT | joining | LAC_ENCODE_CHAR_PARTS;
}

/* Keeps a block that is like none before. Most of the space is a few kinds of equal ones; `sums`
 * are those of the blocks that are kept: equal blocks have equal ones. */
static uint16_t keep_block(struct lac_encode_chars *c, const uint32_t *block, uint32_t sum,
                           uint32_t sums[BLOCKS_MAX])
{
    const size_t size = LAC_ENCODE_CHAR_BLOCK * sizeof(*block);

    for (uint32_t i = c->blocks; i-- > 0;)
        if (sums[i] == sum &&
            memcmp(c->entries + i * (size_t)LAC_ENCODE_CHAR_BLOCK, block, size) == 0)
            return (uint16_t)i;
    LAC_ASSERT(c->blocks < BLOCKS_MAX);
    memcpy(c->entries + c->blocks * (size_t)LAC_ENCODE_CHAR_BLOCK, block, size);
    sums[c->blocks] = sum;
    return (uint16_t)c->blocks++;
}

static void resolve(struct lac_encode_chars *c, const struct spread *s,
                    struct lac_encode_steps steps)
{
    uint32_t block[LAC_ENCODE_CHAR_BLOCK], sums[BLOCKS_MAX];

    for (uint32_t b = 0; b < LAC_COUNT(c->index); b++) {
        uint32_t sum = 0;

        for (uint32_t i = 0; i < LAC_ENCODE_CHAR_BLOCK; i++) {
            block[i] = entry_of(c, s, b * LAC_ENCODE_CHAR_BLOCK + i, steps);
            sum = sum * 31 + block[i];
        }
        c->index[b] = keep_block(c, block, sum, sums);
    }
}

enum lac_status lac_encode_chars_init(struct lac_encode_chars *c, struct lac_encode_steps steps,
                                      struct lac_err *err)
{
    struct spread s = {0};
    bool done = spread_init(&s);

    memset(c, 0, sizeof(*c));
    c->entries = malloc(sizeof(*c->entries) * BLOCKS_MAX * LAC_ENCODE_CHAR_BLOCK);
    c->parts = malloc(sizeof(*c->parts) * PART_SPACE);
    done = done && c->entries && c->parts;
    if (done) {
        uint32_t *smaller;

        resolve(c, &s, steps);
        smaller = realloc(c->entries, sizeof(*c->entries) * c->blocks * LAC_ENCODE_CHAR_BLOCK);
        if (smaller)
            c->entries = smaller;
    }
    spread_deinit(&s);
    return done ? LAC_OK : lac_err_set(err, LAC_RETRY, 0, "no memory for a tokenizer's tables");
}

void lac_encode_chars_deinit(struct lac_encode_chars *c)
{
    free(c->entries);
    free(c->parts);
    memset(c, 0, sizeof(*c));
}
