/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text goes in pieces: words of clean ASCII by the fast pass, what is left (a word with anything
 * else in it, up to the next ASCII character that ends words) by the exact path. An ASCII
 * character is never changed by what stands beside it, so cutting there changes nothing.
 */
#include "lac_encode_tokenizer.h"

#include <string.h>
#ifdef __SSE2__ /* in every x86-64 */
#include <emmintrin.h>
#endif

#include "lac_assert.h"
#include "lac_encode_tokenizer_internal.h"

/* [length]: which bits of a key's halves count. A longer word gets a key that no entry has. */
static const uint64_t key_masks[LAC_ENCODE_KEY + 2][2] = {
#define LOW(n) ((uint64_t)-1 >> (64 - 8 * (n)))
#define FULL   ((uint64_t)-1)
    {0, 0},         {LOW(1), 0},    {LOW(2), 0},    {LOW(3), 0},    {LOW(4), 0},    {LOW(5), 0},
    {LOW(6), 0},    {LOW(7), 0},    {FULL, 0},      {FULL, LOW(1)}, {FULL, LOW(2)}, {FULL, LOW(3)},
    {FULL, LOW(4)}, {FULL, LOW(5)}, {FULL, LOW(6)}, {FULL, LOW(7)}, {FULL, FULL},   {0, 0},
#undef LOW
#undef FULL
};

/* Where the words of a piece go. */
struct sink {
    int32_t *ids;
    struct lac_encode_span *spans;
    size_t count, room; /* room for as many as the piece has bytes, at least */
    uint32_t base;      /* of the piece in the text */
};

/* A word that isn't remembered. */
static __attribute__((noinline)) void put_new(struct lac_encode_words *w, struct sink *s,
                                              uint32_t begin, uint32_t end, bool spans)
{
    const struct lac_encode_pieces *p = &w->pieces;
    uint32_t len = end - begin, from = s->base + begin;

    if (len > w->t->info.word_max) {
        if (spans)
            s->spans[s->count] = (struct lac_encode_span){from, from + len};
        s->ids[s->count++] = w->t->info.unk;
        return;
    }
    lac_encode_split(w, w->ascii.bytes + begin, len);
    memcpy(s->ids + s->count, p->ids, p->count * sizeof(*s->ids));
    for (uint32_t i = 0, at = 0; spans && i < p->count; at = p->ends[i++])
        s->spans[s->count + i] = (struct lac_encode_span){from + at, from + p->ends[i]};
    s->count += p->count;
}

/* Finds out where `count` words from `first` on would be remembered, and asks for those places:
 * by the time they are read they are there. Nothing here depends on what the words are. */
static inline __attribute__((always_inline)) void look_ahead(struct lac_encode_words *w,
                                                             size_t first, size_t count)
{
    const struct lac_encode_ascii *a = &w->ascii;
    struct lac_encode_ahead *ahead = &w->ahead;
    struct lac_encode_entry(*pairs)[2] = w->pairs;
    uint32_t shift = w->shift;

    for (size_t i = 0; i < count; i++) {
        uint32_t begin = a->begin[first + i], len = a->end[first + i] - begin;
        uint64_t low, high;

        len = len <= LAC_ENCODE_KEY ? len : LAC_ENCODE_KEY + 1;
        memcpy(&low, a->bytes + begin, sizeof(low));
        memcpy(&high, a->bytes + begin + sizeof(low), sizeof(high));
        low &= key_masks[len][0];
        high &= key_masks[len][1];
        ahead->low[i] = low;
        ahead->high[i] = high;
        ahead->pair[i] = pairs[lac_encode_key_hash(low, high) >> shift];
        __builtin_prefetch(ahead->pair[i]);
    }
}

/* The places of the first pieces, from the word's own, `from`. */
static inline __attribute__((always_inline)) void
put_places(struct lac_encode_span *out, const struct lac_encode_entry *e, uint32_t from)
{
#ifdef __SSE2__
    const __m128i base = _mm_set1_epi32((int)from), zero = _mm_setzero_si128();
    __m128i narrow = _mm_loadu_si128((const __m128i *)(const void *)e->places);

    _mm_storeu_si128((__m128i *)(void *)out, _mm_add_epi32(_mm_unpacklo_epi16(narrow, zero), base));
    _mm_storeu_si128((__m128i *)(void *)(out + 2),
                     _mm_add_epi32(_mm_unpackhi_epi16(narrow, zero), base));
#else
    for (size_t k = 0; k < LAC_ENCODE_AT_ONCE; k++)
        out[k] = (struct lac_encode_span){from + e->places[2 * k], from + e->places[2 * k + 1]};
#endif
}

/* A remembered word. The first pieces are written at once, whether there are so many or not: a
 * branch on their number would be wrong too often. */
static inline __attribute__((always_inline)) void
put_entry(struct sink *s, const struct lac_encode_entry *e, uint32_t from, bool spans)
{
    size_t most = s->room - s->count >= LAC_ENCODE_AT_ONCE ? LAC_ENCODE_AT_ONCE : 0;

    if (most) {
        memcpy(s->ids + s->count, e->ids, LAC_ENCODE_AT_ONCE * sizeof(*e->ids));
        if (spans)
            put_places(s->spans + s->count, e, from);
    }
    for (size_t k = most; k < e->count; k++) {
        s->ids[s->count + k] = e->ids[k];
        if (spans)
            s->spans[s->count + k] =
                (struct lac_encode_span){from + e->places[2 * k], from + e->places[2 * k + 1]};
    }
    s->count += e->count;
}

/* The words [0, count) of the pass. `spans` is a constant where it is inlined. */
static inline __attribute__((always_inline)) void
put_words(struct lac_encode_words *w, struct sink *to, size_t count, bool spans)
{
    const struct lac_encode_ascii *a = &w->ascii;
    const struct lac_encode_ahead *ahead = &w->ahead;
    struct sink s = *to;

    for (size_t first = 0; first < count; first += LAC_ENCODE_AHEAD) {
        size_t n = count - first < LAC_ENCODE_AHEAD ? count - first : LAC_ENCODE_AHEAD;

        look_ahead(w, first, n);
        for (size_t i = 0; i < n; i++) {
            const struct lac_encode_entry *e = ahead->pair[i];

            if (!lac_encode_entry_is(e, ahead->low[i], ahead->high[i]))
                e = lac_encode_recall(ahead->pair[i], ahead->low[i], ahead->high[i]);
            if (!e) {
                *to = s;
                put_new(w, to, a->begin[first + i], a->end[first + i], spans);
                s = *to;
            } else {
                put_entry(&s, e, s.base + a->begin[first + i], spans);
            }
        }
    }
    *to = s;
}

static void put_ids(struct lac_encode_words *w, struct sink *s, size_t count)
{
    put_words(w, s, count, false);
}

static void put_ids_and_spans(struct lac_encode_words *w, struct sink *s, size_t count)
{
    put_words(w, s, count, true);
}

/* The first `count` words of the pass over a piece of `len` bytes at `base`. */
static void put_piece(struct lac_encode_words *w, size_t base, size_t len, size_t count)
{
    struct lac_encode_out *out = &w->out;
    bool direct = out->count <= out->capacity && out->capacity - out->count >= len;
    struct sink s = {w->ids, w->spans, 0, LAC_COUNT(w->ids), (uint32_t)base};

    if (direct) {
        s.ids = out->ids + out->count;
        s.spans = out->spans ? out->spans + out->count : NULL;
        s.room = out->capacity - out->count;
    }
    (out->spans ? put_ids_and_spans : put_ids)(w, &s, count);
    if (direct)
        out->count += s.count;
    for (size_t i = 0; !direct && i < s.count; i++)
        lac_encode_put(out, s.ids[i], s.spans[i].from, s.spans[i].to);
}

/* Where the word, or whatever stands at `at`, ends: at the next ASCII character that ends words. */
static size_t boundary(struct lac_str text, size_t at)
{
    while (at < text.len) {
        uint8_t kind = lac_encode_bytes[(unsigned char)text.ptr[at]];

        if (kind == LAC_ENCODE_BYTE_ALONE || kind == LAC_ENCODE_BYTE_BLANK)
            break;
        at++;
    }
    return at;
}

/* One piece from `at` on. Returns where the next begins. */
static size_t tokenize_piece(struct lac_encode_words *w, struct lac_str text, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    size_t len = text.len - at < LAC_ENCODE_PIECE ? text.len - at : LAC_ENCODE_PIECE;
    size_t end, to, count;

    w->pass(bytes + at, len, w->t->info.lower, &w->ascii);
    end = at + w->ascii.clean;
    count = w->ascii.count;
    /* A word that goes on behind the clean bytes is not whole: it comes in the next piece. */
    if (end < text.len && count && w->ascii.end[count - 1] == w->ascii.clean &&
        lac_encode_bytes[bytes[end - 1]] == LAC_ENCODE_BYTE_WORD) {
        uint8_t next = lac_encode_bytes[bytes[end]];

        if (next == LAC_ENCODE_BYTE_WORD || next == LAC_ENCODE_BYTE_OTHER)
            end = at + w->ascii.begin[--count];
    }
    put_piece(w, at, end - at, count);
    if (end > at && w->ascii.clean == len)
        return end;
    to = boundary(text, end);
    lac_encode_exact(w, text, end, to);
    return to;
}

void lac_encode_segment(struct lac_encode_words *w, struct lac_str text, size_t from, size_t to)
{
    struct lac_str cut = {text.ptr, to};

    if (w->t->added.longest) {
        lac_encode_exact(w, text, from, to);
        return;
    }
    while (from < to)
        from = tokenize_piece(w, cut, from);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): what is written through `out` */
size_t lac_encode_tokenize(struct lac_encode_words *w, struct lac_str text, int32_t *ids,
                           struct lac_encode_span *spans, size_t capacity)
{
    LAC_ASSERT(text.len <= LAC_ENCODE_TEXT_MAX);
    w->out = (struct lac_encode_out){ids, spans, capacity, 0};
    w->word.chars = w->word.len = 0;
    if (w->t->added.count)
        lac_encode_added_text(w, text);
    else
        lac_encode_segment(w, text, 0, text.len);
    return w->out.count;
}
