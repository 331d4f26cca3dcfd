/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program at one place of a text.
 *
 * Each element gets the set of offsets at which it may begin, all of them at once, since edges only
 * lead forwards. Nearly always the set is one run of neighbouring offsets (usually one offset), and
 * then two numbers are all of it; when it is not, the run starts again with sets of bits. Both ways
 * look at each element once, and at each offset of an element once.
 */
#include "lac_match_regex_internal.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { OFFSET_WORDS = LAC_MATCH_REGEX_WIDTH / 64 + 1 };

/* One program at one place. Offsets count from `start`. */
struct run {
    const struct lac_match_regex *r;
    const struct lac_match_regex_element *elements;
    const uint16_t *edges;
    const struct lac_match_regex_set *sets;
    const uint8_t *literals;
    struct lac_str text;
    const unsigned char *at; /* text.ptr + start */
    size_t start;
    size_t limit; /* no match is longer: the program's width and the text's end */
};

static void run_init(struct run *x, const struct lac_match_regex *r, struct lac_str text,
                     size_t start)
{
    const char *base = (const char *)r;

    x->r = r;
    x->elements = (const void *)(base + r->elements);
    x->edges = (const void *)(base + r->edges);
    x->sets = (const void *)(base + r->sets);
    x->literals = (const void *)(base + r->literals);
    x->text = text;
    x->at = (const unsigned char *)text.ptr + start;
    x->start = start;
    x->limit = text.len - start < r->max_width ? text.len - start : r->max_width;
}

static bool is_word_at(struct lac_str t, size_t i)
{
    return i < t.len && lac_match_regex_is_word((unsigned char)t.ptr[i]);
}

static bool holds(const struct run *x, unsigned assertion, size_t offset)
{
    size_t i = x->start + offset;
    struct lac_str t = x->text;

    switch (assertion) {
    case REGEX_ALWAYS:
        return true;
    case REGEX_BOUNDARY:
        return (i > 0 && is_word_at(t, i - 1)) != is_word_at(t, i);
    case REGEX_INSIDE:
        return (i > 0 && is_word_at(t, i - 1)) == is_word_at(t, i);
    case REGEX_BEGIN:
        return i == 0;
    case REGEX_END:
        return i == t.len || (i + 1 == t.len && t.ptr[i] == '\n');
    default:
        return i == t.len;
    }
}

static uint64_t load8(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return x;
}

static uint64_t load4(const unsigned char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof(x));
    return x;
}

static uint64_t differ(uint64_t text, uint64_t mask, uint64_t value)
{
    return (text & mask) ^ value;
}

static bool literal_at(const struct run *x, const struct lac_match_regex_element *e, size_t offset)
{
    const uint8_t *value = x->literals + e->literal;
    const uint8_t *mask = value + e->min;
    const unsigned char *text = x->at + offset;
    size_t n = e->min;

    if (x->limit - offset < n)
        return false;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8)
            if (differ(load8(text + i), load8(mask + i), load8(value + i)))
                return false;
        n -= 8; /* the last eight, some of them again */
        return !differ(load8(text + n), load8(mask + n), load8(value + n));
    }
    if (n >= 4) {
        uint64_t first = differ(load4(text), load4(mask), load4(value));

        n -= 4;
        return !(first | differ(load4(text + n), load4(mask + n), load4(value + n)));
    }
    for (size_t i = 0; i < n; i++)
        if ((text[i] & mask[i]) != value[i])
            return false;
    return true;
}

#ifdef __x86_64__
/* Sixteen bytes at a time, as long as the text has so many; Vectorscan, which we can't do without,
 * asks for SSSE3 too. Bytes above 0x7F end the run here. */
__attribute__((target("ssse3"))) static size_t run_end_by16(const struct lac_match_regex_set *s,
                                                            const unsigned char *text,
                                                            size_t offset, size_t to, size_t have)
{
    const __m128i nibble = _mm_set1_epi8(15);
    const __m128i bit = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    __m128i table = _mm_loadu_si128((const __m128i *)(const void *)s->bits);

    for (; offset < to && have - offset >= 16; offset += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(text + offset));
        __m128i high = _mm_and_si128(_mm_srli_epi16(c, 4), nibble);
        __m128i in = _mm_and_si128(_mm_shuffle_epi8(table, _mm_and_si128(c, nibble)),
                                   _mm_shuffle_epi8(bit, high));
        unsigned out = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(in, _mm_setzero_si128()));

        if (out) {
            offset += (unsigned)__builtin_ctz(out);
            break;
        }
    }
    return offset < to ? offset : to;
}

__attribute__((target("ssse3"))) unsigned
lac_match_regex_set_which(const struct lac_match_regex_set *s, const char *bytes)
{
    const __m128i nibble = _mm_set1_epi8(15);
    const __m128i low_bit = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i high_bit = _mm_slli_si128(low_bit, 8);
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i low = _mm_and_si128(c, nibble);
    __m128i high = _mm_and_si128(_mm_srli_epi16(c, 4), nibble);
    __m128i ascii = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)s->bits), low);
    __m128i other =
        _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(s->bits + 16)), low);
    __m128i in = _mm_or_si128(_mm_and_si128(ascii, _mm_shuffle_epi8(low_bit, high)),
                              _mm_and_si128(other, _mm_shuffle_epi8(high_bit, high)));

    return ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(in, _mm_setzero_si128())) & 0xFFFF;
}
#else
unsigned lac_match_regex_set_which(const struct lac_match_regex_set *s, const char *bytes)
{
    unsigned in = 0;

    for (unsigned i = 0; i < LAC_MATCH_REGEX_STEP; i++)
        in |= (unsigned)lac_match_regex_set_has(s, (unsigned char)bytes[i]) << i;
    return in;
}

static size_t run_end_by16(const struct lac_match_regex_set *s, const unsigned char *text,
                           size_t offset, size_t to, size_t have)
{
    (void)s;
    (void)text;
    (void)to;
    (void)have;
    return offset;
}
#endif

/* Where the run of members of `s` from `offset` on ends, not further than `to`. */
static size_t run_end(const struct run *x, const struct lac_match_regex_set *s, size_t offset,
                      size_t to)
{
    if (to > offset + 1)
        offset = run_end_by16(s, x->at, offset, to, x->text.len - x->start);
    while (offset < to && lac_match_regex_set_has(s, x->at[offset]))
        offset++;
    return offset;
}

/* ---- neighbouring offsets ---- */

struct span {
    uint16_t low, high;
};

enum outcome { MISS, HIT, APART }; /* APART: the offsets are not neighbours */

/* A class from the offsets of `in`: all that can be reached lies in the run of its members that
 * begins at the first offset where there is one. */
static enum outcome span_set(const struct run *x, const struct lac_match_regex_element *e,
                             struct span in, struct span *out)
{
    const struct lac_match_regex_set *s = &x->sets[e->arg];
    size_t stop = in.high < x->limit ? (size_t)in.high + 1 : x->limit;
    size_t most = (size_t)in.high + e->max;
    size_t first = in.low;
    size_t end;

    while (first < stop && !lac_match_regex_set_has(s, x->at[first]))
        first++;
    if (first == stop)
        return MISS;
    if (most > x->limit)
        most = x->limit;
    end = run_end(x, s, first + 1, most);
    for (size_t i = end + 1; i < stop; i++)
        if (lac_match_regex_set_has(s, x->at[i]))
            return APART; /* another run, with a gap before it */
    if (first + e->min > end)
        return MISS;
    out->low = (uint16_t)(first + e->min);
    out->high = (uint16_t)(most < end ? most : end);
    return HIT;
}

/* An assertion or a literal, offset by offset; what is left must be neighbours. */
static enum outcome span_each(const struct run *x, const struct lac_match_regex_element *e,
                              struct span in, struct span *out)
{
    bool any = false;

    for (size_t i = in.low; i <= in.high; i++) {
        if (e->op == REGEX_OP_LITERAL ? !literal_at(x, e, i) : !holds(x, e->arg, i))
            continue;
        if (any && i + e->min != (size_t)out->high + 1)
            return APART;
        if (!any)
            out->low = (uint16_t)(i + e->min);
        out->high = (uint16_t)(i + e->min);
        any = true;
    }
    return any ? HIT : MISS;
}

/* Several offsets. */
static __attribute__((noinline)) enum outcome span_wide(const struct run *x,
                                                        const struct lac_match_regex_element *e,
                                                        struct span in, struct span *out)
{
    return e->op == REGEX_OP_SET ? span_set(x, e, in, out) : span_each(x, e, in, out);
}

/* One element; nearly always from one offset. */
static inline enum outcome span_step(const struct run *x, const struct lac_match_regex_element *e,
                                     struct span in, struct span *out)
{
    size_t at = in.low, most = at + e->max, end;

    if (in.low != in.high)
        return span_wide(x, e, in, out);
    if (e->op == REGEX_OP_SET) {
        end = run_end(x, &x->sets[e->arg], at, most < x->limit ? most : x->limit);
        *out = (struct span){(uint16_t)(at + e->min), (uint16_t)end};
        return at + e->min <= end ? HIT : MISS;
    }
    if (e->op == REGEX_OP_LITERAL ? !literal_at(x, e, at) : !holds(x, e->arg, at))
        return MISS;
    out->low = out->high = (uint16_t)(at + e->min);
    return HIT;
}

/* What is known of the elements that may still begin. */
struct spans {
    struct lac_match_regex_bits active;
    struct span in[LAC_MATCH_REGEX_ELEMENTS];
};

/* Adds offsets to an element. False: they are apart. */
static inline bool span_join(struct spans *s, size_t element, struct span add)
{
    struct span *in = &s->in[element];

    if (!lac_match_regex_bit(&s->active, element)) {
        lac_match_regex_bit_set(&s->active, element);
        *in = add;
        return true;
    }
    if (add.low > in->high + 1 || in->low > add.high + 1)
        return false;
    in->low = add.low < in->low ? add.low : in->low;
    in->high = add.high > in->high ? add.high : in->high;
    return true;
}

/* Adds offsets to the elements that `count` edges lead to. False: they are apart. From one offset,
 * nearly all of several ways on are refused by the byte that is there: a class and a literal are
 * asked in the same way, since which of both comes next is hard to foresee. */
static bool spans_follow(const struct run *x, struct spans *s, const uint16_t *edges, size_t count,
                         struct span add)
{
    unsigned char c = add.low < x->limit ? x->at[add.low] : 0;
    const uint8_t *column = x->sets->bits + lac_match_regex_set_byte(c);
    unsigned bit = add.low < x->limit ? lac_match_regex_set_bit(c) : 8;

    for (size_t i = 0; i < count; i++) {
        const struct lac_match_regex_element *e = &x->elements[edges[i]];

        if (add.low == add.high && e->op != REGEX_OP_ASSERT &&
            !(column[e->arg * sizeof(*x->sets)] >> bit & 1))
            continue;
        if (!span_join(s, edges[i], add))
            return false;
    }
    return true;
}

/* The same as run_spans(), for elements in a row. */
static enum outcome run_linear(const struct run *x, size_t *longest)
{
    const struct lac_match_regex_element *end = x->elements + x->r->element_count;
    struct span at = {0, 0};

    for (const struct lac_match_regex_element *e = x->elements; e < end; e++) {
        struct span next;
        enum outcome o = span_step(x, e, at, &next);

        if (o != HIT)
            return o;
        at = next;
    }
    *longest = at.high;
    return at.high > 0 ? HIT : MISS;
}

/* Where elements have been followed to as long as there was but one way. */
struct single {
    const uint16_t *edges;
    size_t count;
    struct span at;
};

/* From the start to the first element with several ways on: most texts that are no match are
 * refused on the way there. HIT: that is where `way` is then. MISS, APART: as of run_spans(). */
static enum outcome run_single(const struct run *x, struct single *way, enum outcome *found,
                               size_t *longest)
{
    while (way->count == 1) {
        const struct lac_match_regex_element *e = &x->elements[way->edges[0]];
        struct span out;
        enum outcome o = span_step(x, e, way->at, &out);

        if (o != HIT)
            return o;
        if (e->accepts && out.high > 0 && (*found == MISS || out.high > *longest)) {
            *found = HIT;
            *longest = out.high;
        }
        *way = (struct single){x->edges + e->edge, e->edge_count, out};
    }
    return HIT;
}

/* HIT with the longest match's length, MISS, or APART. */
static enum outcome run_spans(const struct run *x, size_t *longest)
{
    struct single way = {x->edges, x->r->first_edge_count, {0, 0}};
    struct spans s;
    enum outcome found = MISS;
    enum outcome single = run_single(x, &way, &found, longest);
    size_t words = (x->r->element_count + 63U) / 64;

    if (single != HIT || way.count == 0)
        return single == APART ? APART : found;
    memset(s.active.word, 0, sizeof(s.active.word));
    if (!spans_follow(x, &s, way.edges, way.count, way.at))
        return APART;
    for (size_t w = 0; w < words; w++)
        while (s.active.word[w]) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(s.active.word[w]);
            const struct lac_match_regex_element *e = &x->elements[i];
            struct span out;
            enum outcome o;

            s.active.word[w] &= s.active.word[w] - 1;
            o = span_step(x, e, s.in[i], &out);
            if (o == APART)
                return APART;
            if (o == MISS)
                continue;
            if (e->accepts && out.high > 0 && (found == MISS || out.high > *longest)) {
                found = HIT;
                *longest = out.high;
            }
            if (!spans_follow(x, &s, x->edges + e->edge, e->edge_count, out))
                return APART;
        }
    return found;
}

/* ---- any offsets ---- */

struct offsets {
    uint64_t word[OFFSET_WORDS];
};

static void offsets_add(struct offsets *o, size_t i)
{
    o->word[i / 64] |= (uint64_t)1 << (i % 64);
}

/* The next one from `from` on; SIZE_MAX: none. */
static size_t offsets_next(const struct offsets *o, size_t from)
{
    for (size_t w = from / 64; w < OFFSET_WORDS; w++) {
        uint64_t word = o->word[w];

        if (w == from / 64)
            word &= ~(uint64_t)0 << (from % 64);
        if (word)
            return w * 64 + (size_t)__builtin_ctzll(word);
    }
    return SIZE_MAX;
}

static void offsets_set(const struct run *x, const struct lac_match_regex_element *e,
                        const struct offsets *in, struct offsets *out)
{
    const struct lac_match_regex_set *s = &x->sets[e->arg];
    size_t end = 0;  /* of the run of members that was looked at last */
    size_t done = 0; /* offsets below have been decided */

    for (size_t i = offsets_next(in, 0); i != SIZE_MAX; i = offsets_next(in, i + 1)) {
        size_t low = i + e->min;
        size_t high = i + e->max;

        if (i >= end)
            end = run_end(x, s, i, x->limit);
        if (high > end)
            high = end;
        if (low < done)
            low = done;
        for (; low <= high; low++)
            offsets_add(out, low);
        if (low > done)
            done = low;
    }
}

static void offsets_each(const struct run *x, const struct lac_match_regex_element *e,
                         const struct offsets *in, struct offsets *out)
{
    for (size_t i = offsets_next(in, 0); i != SIZE_MAX; i = offsets_next(in, i + 1))
        if (e->op == REGEX_OP_LITERAL ? literal_at(x, e, i) : holds(x, e->arg, i))
            offsets_add(out, i + e->min);
}

struct sets {
    struct lac_match_regex_bits active;
    struct offsets in[LAC_MATCH_REGEX_ELEMENTS];
};

static void sets_follow(struct sets *s, const uint16_t *edges, size_t count,
                        const struct offsets *add)
{
    for (size_t i = 0; i < count; i++) {
        struct offsets *in = &s->in[edges[i]];

        if (!lac_match_regex_bit(&s->active, edges[i])) {
            lac_match_regex_bit_set(&s->active, edges[i]);
            *in = *add;
            continue;
        }
        for (size_t w = 0; w < OFFSET_WORDS; w++)
            in->word[w] |= add->word[w];
    }
}

/* The largest, 0 when empty. */
static size_t offsets_last(const struct offsets *o)
{
    for (size_t w = OFFSET_WORDS; w-- > 0;)
        if (o->word[w])
            return w * 64 + 63 - (size_t)__builtin_clzll(o->word[w]);
    return 0;
}

/* Apart, so that the usual way does not need its stack. */
static __attribute__((noinline)) bool run_sets(const struct run *x, size_t *longest)
{
    struct sets s;
    struct offsets begin = {{1}};
    size_t words = (x->r->element_count + 63U) / 64;
    size_t most = 0;

    memset(s.active.word, 0, sizeof(s.active.word));
    sets_follow(&s, x->edges, x->r->first_edge_count, &begin);
    for (size_t w = 0; w < words; w++)
        while (s.active.word[w]) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(s.active.word[w]);
            const struct lac_match_regex_element *e = &x->elements[i];
            struct offsets out = {0};
            size_t last;

            s.active.word[w] &= s.active.word[w] - 1;
            if (e->op == REGEX_OP_SET)
                offsets_set(x, e, &s.in[i], &out);
            else
                offsets_each(x, e, &s.in[i], &out);
            last = offsets_last(&out);
            if (last == 0 && out.word[0] == 0)
                continue;
            if (e->accepts && last > most)
                most = last;
            sets_follow(&s, x->edges + e->edge, e->edge_count, &out);
        }
    *longest = most;
    return most > 0;
}

/* False: a byte that every match has is not where it would have to be. */
static bool has_must(const struct lac_match_regex *r, struct lac_str text, size_t start)
{
    size_t from = start + r->must_min, to = start + r->must_max + 1;

    if (r->must_max == 0)
        return true;
    if (to > text.len)
        to = text.len;
    if (from + 1 == to)
        return (unsigned char)text.ptr[from] == r->must_byte;
    return from < to && memchr(text.ptr + from, r->must_byte, to - from);
}

bool lac_match_regex_at(const struct lac_match_regex *r, struct lac_str text, size_t start,
                        size_t *end)
{
    struct run x;
    enum outcome o;
    size_t longest = 0;

    if (text.len - start < r->min_width ||
        !lac_match_regex_set_has(&r->first, (unsigned char)text.ptr[start]) ||
        !has_must(r, text, start))
        return false;
    run_init(&x, r, text, start);
    o = r->flags & REGEX_LINEAR ? run_linear(&x, &longest) : run_spans(&x, &longest);
    if (o == MISS || (o == APART && !run_sets(&x, &longest)))
        return false;
    *end = start + longest;
    return true;
}

bool lac_match_regex_find(const struct lac_match_regex *r, struct lac_str text, size_t from,
                          size_t to, size_t *start, size_t *end)
{
    if (text.len < r->min_width)
        return false;
    if (to > text.len - r->min_width + 1)
        to = text.len - r->min_width + 1;
    for (size_t i = from; i < to; i++) {
        if (!lac_match_regex_set_has(&r->first, (unsigned char)text.ptr[i]) ||
            ((r->flags & REGEX_WORD_START) && i > 0 && is_word_at(text, i - 1)))
            continue;
        if (lac_match_regex_at(r, text, i, end)) {
            *start = i;
            return true;
        }
    }
    return false;
}
