/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_codec - the steps that generated codecs and the op program are made of
 *
 * Private to this module. A decoding step takes the position and returns the position behind what
 * it read, or NULL with the reason in the decoder: one test per step, and the position stays in a
 * register. On the way out every level adds its field's name, so the path costs nothing until
 * something is wrong. Every step checks against `end` before it reads.
 *
 * Writing steps check nothing: encoded_size has made the room.
 */
#ifndef LAC_CODEC_H
#define LAC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_record.h"
#include "lac_str.h"
#include "lac_utf8.h"

#define LAC_COLD      __attribute__((cold, noinline))
#define LAC_FLATTEN   __attribute__((flatten)) /* every call inside is inlined */
#define LAC_LIKELY(x) __builtin_expect(!!(x), 1)

enum { LAC_DECODER_DEPTH_MAX = 16 };

struct lac_decoder {
    const uint8_t *start;
    const uint8_t *end;
    struct lac_arena *arena;
    bool trust_utf8; /* benchmark only: strings are taken as well-formed */
    /* The error. */
    enum lac_status status;
    const char *why;
    const uint8_t *at;
    unsigned depth; /* path is innermost first */
    struct {
        const char *name;
        size_t index; /* of the item, SIZE_MAX: none */
    } path[LAC_DECODER_DEPTH_MAX];
};

static inline void lac_decoder_init(struct lac_decoder *d, struct lac_str bytes,
                                    struct lac_arena *a)
{
    d->start = bytes.ptr ? (const uint8_t *)bytes.ptr : (const uint8_t *)"";
    d->end = d->start + bytes.len;
    d->arena = a;
    d->trust_utf8 = false;
    d->status = LAC_OK;
    d->depth = 0;
}

/* Notes the error and returns NULL. */
const uint8_t *lac_decode_fail(struct lac_decoder *d, const uint8_t *at, const char *why) LAC_COLD;
const uint8_t *lac_decode_full(struct lac_decoder *d, const uint8_t *at) LAC_COLD;

/* Adds a level to the error's path and returns NULL. */
const uint8_t *lac_decode_in(struct lac_decoder *d, const char *name) LAC_COLD;
const uint8_t *lac_decode_in_item(struct lac_decoder *d, const char *name, size_t index) LAC_COLD;

enum lac_status lac_decode_report(struct lac_decoder *d, const uint8_t *p, const char *name,
                                  struct lac_err *err) LAC_COLD;

/* The end of every decode: puts the noted error of record `name`, if any, into `err`. `p` is what
 * the last step returned; bytes behind it are an error. */
static inline enum lac_status lac_decode_finish(struct lac_decoder *d, const uint8_t *p,
                                                const char *name, struct lac_err *err)
{
    return LAC_LIKELY(p && p == d->end) ? LAC_OK : lac_decode_report(d, p, name, err);
}

const uint8_t *lac_decode_long_slow(struct lac_decoder *d, const uint8_t *p, int64_t *out);

static inline const uint8_t *lac_decode_long(struct lac_decoder *d, const uint8_t *p, int64_t *out)
{
    if (LAC_LIKELY(p < d->end && *p < 0x80)) {
        *out = (int64_t)(*p >> 1) ^ -(int64_t)(*p & 1);
        return p + 1;
    }
    return lac_decode_long_slow(d, p, out);
}

static inline const uint8_t *lac_decode_int(struct lac_decoder *d, const uint8_t *p, int32_t *out)
{
    const uint8_t *at = p;
    int64_t v;

    p = lac_decode_long(d, p, &v);
    if (!p)
        return NULL;
    if (v < INT32_MIN || v > INT32_MAX)
        return lac_decode_fail(d, at, "number does not fit into 32 bits");
    *out = (int32_t)v;
    return p;
}

static inline const uint8_t *lac_decode_bool(struct lac_decoder *d, const uint8_t *p, bool *out)
{
    if (p >= d->end)
        return lac_decode_fail(d, p, "ends in the middle");
    if (*p > 1)
        return lac_decode_fail(d, p, "boolean is neither 0 nor 1");
    *out = *p == 1;
    return p + 1;
}

const uint8_t *lac_decode_bytes_slow(struct lac_decoder *d, const uint8_t *p, struct lac_str *out);

/* Lengths of one and two bytes, up to 8191, are nearly all there are. */
static inline const uint8_t *lac_decode_bytes(struct lac_decoder *d, const uint8_t *p,
                                              struct lac_str *out)
{
    size_t left = (size_t)(d->end - p), len;

    if (LAC_LIKELY(left > 0 && !(p[0] & 0x81))) {
        len = p[0] >> 1;
        p += 1;
        left -= 1;
    } else if (left > 1 && (p[0] & 0x81) == 0x80 && p[1] < 0x80) {
        len = (size_t)(p[0] & 0x7F) >> 1 | (size_t)p[1] << 6;
        p += 2;
        left -= 2;
    } else {
        return lac_decode_bytes_slow(d, p, out);
    }
    if (!LAC_LIKELY(len <= left))
        return lac_decode_fail(d, p - (len < 64 ? 1 : 2), "length runs past the end");
    out->ptr = (const char *)p;
    out->len = len;
    return p + len;
}

/* All bytes below 0x80: what most strings are, and quick to see. */
static inline bool lac_codec_ascii(const char *s, size_t n)
{
    uint64_t a, b, bits = 0;
    uint32_t c;

    if (n >= 8) {
        size_t i = 0;

        for (; i + 32 < n; i += 32) {
            uint64_t w[4];

            memcpy(w, s + i, 32);
            bits |= (w[0] | w[1]) | (w[2] | w[3]);
        }
        memcpy(&b, s + n - 8, 8); /* overlaps the loop's last word */
        for (; i + 8 < n; i += 8) {
            memcpy(&a, s + i, 8);
            bits |= a;
        }
        return !((bits | b) & 0x8080808080808080u);
    }
    if (n >= 4) {
        memcpy(&c, s, 4);
        bits = c;
        memcpy(&c, s + n - 4, 4);
        return !((bits | c) & 0x80808080u);
    }
    for (size_t i = 0; i < n; i++)
        bits |= (unsigned char)s[i];
    return bits < 0x80;
}

static inline const uint8_t *lac_decode_string(struct lac_decoder *d, const uint8_t *p,
                                               struct lac_str *out)
{
    const uint8_t *at = p;

    p = lac_decode_bytes(d, p, out);
    if (!p)
        return NULL;
    if (!d->trust_utf8 && !lac_codec_ascii(out->ptr, out->len) && !lac_utf8_valid(*out))
        return lac_decode_fail(d, at, "string is not UTF-8");
    return p;
}

static inline const uint8_t *lac_decode_fixed(struct lac_decoder *d, const uint8_t *p, void *out,
                                              size_t size)
{
    if (size > (size_t)(d->end - p))
        return lac_decode_fail(d, p, "ends in the middle");
    memcpy(out, p, size);
    return p + size;
}

static inline const uint8_t *lac_decode_enum(struct lac_decoder *d, const uint8_t *p, int count,
                                             int *out)
{
    const uint8_t *at = p;
    int64_t v;

    p = lac_decode_long(d, p, &v);
    if (!p)
        return NULL;
    if (v < 0 || v >= count)
        return lac_decode_fail(d, at, "enum has no such symbol");
    *out = (int)v;
    return p;
}

const uint8_t *lac_decode_branch_slow(struct lac_decoder *d, const uint8_t *p, bool *present);

/* The branch of a union ["null", T]. */
static inline const uint8_t *lac_decode_branch(struct lac_decoder *d, const uint8_t *p,
                                               bool *present)
{
    if (LAC_LIKELY(p < d->end && !(*p & 0xFD))) {
        *present = *p != 0;
        return p + 1;
    }
    return lac_decode_branch_slow(d, p, present);
}

/* One block of an array or map. */
struct lac_block {
    size_t count;       /* 0: the end of the array */
    const uint8_t *end; /* where its declared size says it ends, NULL: it declares none */
};

const uint8_t *lac_decode_block_slow(struct lac_decoder *d, const uint8_t *p, size_t item_min_bytes,
                                     struct lac_block *out);

/* A block can't have more items than would fit into what is left. With an `item_min_bytes` of 0
 * the caller bounds the count. */
static inline const uint8_t *lac_decode_block(struct lac_decoder *d, const uint8_t *p,
                                              size_t item_min_bytes, struct lac_block *out)
{
    if (LAC_LIKELY(p < d->end && *p == 0)) {
        *out = (struct lac_block){0};
        return p + 1;
    }
    return lac_decode_block_slow(d, p, item_min_bytes, out);
}

static inline const uint8_t *lac_decode_block_end(struct lac_decoder *d, const uint8_t *p,
                                                  const struct lac_block *b)
{
    if (b->end && b->end != p)
        return lac_decode_fail(d, p, "block is not as long as it declares");
    return p;
}

/*
 * Room for `more` items behind the `count` that `items` has. Grows by doubling, so that many small
 * blocks cost no more than a fixed multiple of one large one. NULL: the arena is full (noted).
 */
void *lac_decode_grow(struct lac_decoder *d, const uint8_t *at, void *items, size_t count,
                      size_t *capacity, size_t more, size_t item_size);

const uint8_t *lac_decode_strings(struct lac_decoder *d, const uint8_t *p, struct lac_str **items,
                                  size_t *count, const char *name);
const uint8_t *lac_decode_pairs(struct lac_decoder *d, const uint8_t *p, struct lac_pair **items,
                                size_t *count, const char *name);

static inline size_t lac_size_long(int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);

    return ((unsigned)(63 - __builtin_clzll(z | 1)) * 9 + 73) / 64; /* ceil(bits / 7) */
}

static inline size_t lac_size_text(struct lac_str s)
{
    return (LAC_LIKELY(s.len < 64) ? 1 : lac_size_long((int64_t)s.len)) + s.len;
}

size_t lac_size_strings(const struct lac_str *items, size_t count);
size_t lac_size_pairs(const struct lac_pair *items, size_t count);

static inline uint8_t *lac_encode_long(uint8_t *p, int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);

    while (z >= 0x80) {
        *p++ = (uint8_t)(z | 0x80);
        z >>= 7;
    }
    *p = (uint8_t)z;
    return p + 1;
}

static inline uint8_t *lac_encode_bool(uint8_t *p, bool v)
{
    *p = v;
    return p + 1;
}

static inline uint8_t *lac_encode_fixed(uint8_t *p, const void *v, size_t size)
{
    memcpy(p, v, size);
    return p + size;
}

/* Most texts are short, and a call costs more than their bytes: two words that overlap. */
static inline void lac_codec_copy(uint8_t *to, const char *from, size_t n)
{
    struct {
        uint64_t a, b;
    } x, y, z, w;
    uint64_t a, b;
    uint32_t c, e;

    if (n > 64) {
        memcpy(to, from, n);
    } else if (n > 32) {
        memcpy(&x, from, 16);
        memcpy(&y, from + 16, 16);
        memcpy(&z, from + n - 32, 16);
        memcpy(&w, from + n - 16, 16);
        memcpy(to, &x, 16);
        memcpy(to + 16, &y, 16);
        memcpy(to + n - 32, &z, 16);
        memcpy(to + n - 16, &w, 16);
    } else if (n >= 16) {
        memcpy(&x, from, 16);
        memcpy(&y, from + n - 16, 16);
        memcpy(to, &x, 16);
        memcpy(to + n - 16, &y, 16);
    } else if (n >= 8) {
        memcpy(&a, from, 8);
        memcpy(&b, from + n - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + n - 8, &b, 8);
    } else if (n >= 4) {
        memcpy(&c, from, 4);
        memcpy(&e, from + n - 4, 4);
        memcpy(to, &c, 4);
        memcpy(to + n - 4, &e, 4);
    } else if (n > 0) {
        to[0] = (uint8_t)from[0];
        to[n / 2] = (uint8_t)from[n / 2];
        to[n - 1] = (uint8_t)from[n - 1];
    }
}

static inline uint8_t *lac_encode_text(uint8_t *p, struct lac_str s)
{
    if (LAC_LIKELY(s.len < 64))
        *p++ = (uint8_t)(s.len << 1);
    else
        p = lac_encode_long(p, (int64_t)s.len);
    lac_codec_copy(p, s.ptr, s.len);
    return p + s.len;
}

uint8_t *lac_encode_strings(uint8_t *p, const struct lac_str *items, size_t count);
uint8_t *lac_encode_pairs(uint8_t *p, const struct lac_pair *items, size_t count);

#endif
