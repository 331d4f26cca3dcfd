/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_wordpiece.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 100, PREFIX = 2 };

struct slot {
    struct lac_str text; /* ptr NULL: free */
    int32_t id;
};

struct bench_plain {
    struct slot *slots;
    size_t mask;
    int32_t unk;
    char word[PREFIX + WORD_MAX]; /* "##", then the word: a continuation is a slice of it */
};

static uint64_t hash_of(struct lac_str s)
{
    uint64_t h = s.len * 0x9E3779B97F4A7C15u;

    for (; s.len >= 8; s.ptr += 8, s.len -= 8) {
        uint64_t part;

        memcpy(&part, s.ptr, sizeof(part));
        h = (h ^ part) * 0xC2B2AE3D27D4EB4Fu;
        h ^= h >> 29;
    }
    for (; s.len; s.ptr++, s.len--)
        h = (h ^ (unsigned char)*s.ptr) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

static struct slot *find(const struct bench_plain *p, struct lac_str text)
{
    size_t at = hash_of(text) & p->mask;

    while (p->slots[at].text.ptr && !lac_str_eq(p->slots[at].text, text))
        at = (at + 1) & p->mask;
    return &p->slots[at];
}

struct bench_plain *bench_plain_open(const struct lac_encode_tokenizer *t)
{
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(t);
    struct bench_plain *p = calloc(1, sizeof(*p));
    size_t size = 1024;

    while (size < 2 * (size_t)info->vocab)
        size *= 2;
    if (p)
        p->slots = calloc(size, sizeof(*p->slots));
    if (!p || !p->slots) {
        free(p);
        return NULL;
    }
    p->mask = size - 1;
    p->unk = info->unk;
    memcpy(p->word, "##", PREFIX);
    for (uint32_t id = 0; id < info->vocab; id++) {
        struct lac_str piece = lac_encode_tokenizer_piece(t, (int32_t)id);

        if (piece.ptr)
            *find(p, piece) = (struct slot){piece, (int32_t)id};
    }
    return p;
}

void bench_plain_close(struct bench_plain *p)
{
    if (p)
        free(p->slots);
    free(p);
}

/* The pieces of the gathered word, which begins at `from`. Returns how many. */
static size_t split(struct bench_plain *p, size_t len, uint32_t from, int32_t *ids,
                    struct lac_encode_span *spans)
{
    size_t n = 0;

    for (size_t at = 0, end; len <= WORD_MAX && at < len; at = end, n++) {
        for (end = len; end > at; end--) {
            /* A continuation's "##" goes before it, over bytes that are done with. */
            struct lac_str piece = {p->word + PREFIX + at, end - at};
            const struct slot *s;

            if (at) {
                piece.ptr -= PREFIX;
                piece.len += PREFIX;
                memcpy(p->word + at, "##", PREFIX);
            }
            s = find(p, piece);
            if (!s->text.ptr)
                continue;
            ids[n] = s->id;
            spans[n] = (struct lac_encode_span){from + (uint32_t)at, from + (uint32_t)end};
            break;
        }
        if (end == at)
            len = WORD_MAX + 1;
    }
    return n;
}

static size_t put(struct bench_plain *p, size_t len, uint32_t from, int32_t *ids,
                  struct lac_encode_span *spans)
{
    size_t n = len ? split(p, len, from, ids, spans) : 0;
    bool whole = n && spans[n - 1].to == from + len;

    if (len == 0 || whole)
        return n;
    ids[0] = p->unk;
    spans[0] = (struct lac_encode_span){from, from + (uint32_t)len};
    return 1;
}

size_t bench_plain_tokenize(struct bench_plain *p, struct lac_str text, int32_t *ids,
                            struct lac_encode_span *spans)
{
    size_t n = 0, len = 0;

    for (size_t i = 0; i <= text.len; i++) {
        unsigned char c = i < text.len ? (unsigned char)text.ptr[i] : ' ';

        if (isalnum(c)) {
            if (len < WORD_MAX)
                p->word[PREFIX + len] = (char)tolower(c);
            len++;
            continue;
        }
        n += put(p, len, (uint32_t)(i - len), ids + n, spans + n);
        len = 0;
        if (ispunct(c)) {
            p->word[PREFIX] = (char)c;
            n += put(p, 1, (uint32_t)i, ids + n, spans + n);
        }
    }
    return n;
}
