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

/* The end of every decode: puts the noted error of record `name`, if any, into `err`. `p` is what
 * the last step returned; bytes behind it are an error. */
enum lac_status lac_decode_finish(struct lac_decoder *d, const uint8_t *p, const char *name,
                                  struct lac_err *err);

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

static inline const uint8_t *lac_decode_bytes(struct lac_decoder *d, const uint8_t *p,
                                              struct lac_str *out)
{
    const uint8_t *at = p;
    int64_t len;

    p = lac_decode_long(d, p, &len);
    if (!p)
        return NULL;
    if (len < 0)
        return lac_decode_fail(d, at, "length is negative");
    if ((uint64_t)len > (size_t)(d->end - p))
        return lac_decode_fail(d, at, "length runs past the end");
    *out = (struct lac_str){(const char *)p, (size_t)len};
    return p + len;
}

/* All bytes below 0x80: what most strings are, and quick to see. */
static inline bool lac_codec_ascii(const char *s, size_t n)
{
    uint64_t a, b, bits = 0;
    uint32_t c;

    if (n >= 8) {
        memcpy(&b, s + n - 8, 8); /* overlaps the loop's last word */
        for (size_t i = 0; i + 8 < n; i += 8) {
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

/* The branch of a union ["null", T]. */
static inline const uint8_t *lac_decode_branch(struct lac_decoder *d, const uint8_t *p,
                                               bool *present)
{
    const uint8_t *at = p;
    int64_t v;

    p = lac_decode_long(d, p, &v);
    if (!p)
        return NULL;
    if (v != 0 && v != 1)
        return lac_decode_fail(d, at, "union has no such branch");
    *present = v == 1;
    return p;
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
    return lac_size_long((int64_t)s.len) + s.len;
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

static inline uint8_t *lac_encode_text(uint8_t *p, struct lac_str s)
{
    uint64_t a, b;

    p = lac_encode_long(p, (int64_t)s.len);
    /* Most strings are short, and a call costs more than their bytes: two words that overlap. */
    if (s.len > 16) {
        memcpy(p, s.ptr, s.len);
    } else if (s.len >= 8) {
        memcpy(&a, s.ptr, 8);
        memcpy(&b, s.ptr + s.len - 8, 8);
        memcpy(p, &a, 8);
        memcpy(p + s.len - 8, &b, 8);
    } else {
        for (size_t i = 0; i < s.len; i++)
            p[i] = (uint8_t)s.ptr[i];
    }
    return p + s.len;
}

uint8_t *lac_encode_strings(uint8_t *p, const struct lac_str *items, size_t count);
uint8_t *lac_encode_pairs(uint8_t *p, const struct lac_pair *items, size_t count);

#endif
