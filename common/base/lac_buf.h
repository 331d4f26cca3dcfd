/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_buf - bytes that grow up to a ceiling
 *
 * For everything that is written before its length is known: a JSON answer, a metrics page,
 * an encoded record. The ceiling is given at creation, so no input can make it grow without
 * bound. The first append that does not fit sets `failed` and every later one does nothing,
 * so a writer checks once, at its end, with lac_buf_ok().
 *
 * Not thread-safe.
 */
#ifndef LAC_BUF_H
#define LAC_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_compiler.h"
#include "lac_str.h"

struct lac_buf {
    char *ptr; /* owned unless `fixed`; not NUL-terminated, see lac_buf_cstr() */
    size_t len;
    size_t capacity;
    size_t limit; /* capacity never passes this */
    bool fixed;   /* ptr is the caller's memory */
    bool failed;  /* an append did not fit or memory ran out */
    bool starved; /* it was memory: the same may fit another time */
};

/* Allocates nothing yet. `limit` > 0. */
void lac_buf_init(struct lac_buf *b, size_t limit);

/* Writes into the caller's memory, which must outlive `b`. */
void lac_buf_init_fixed(struct lac_buf *b, void *memory, size_t size);

/* Safe on a zeroed or already released buffer. */
void lac_buf_deinit(struct lac_buf *b);

/* Empties it and clears `failed` and `starved`; keeps the memory. */
void lac_buf_reset(struct lac_buf *b);

/* Makes room for `n` more bytes and returns where they go, or NULL (and `failed`). Does not
 * change `len`: follow with lac_buf_commit(). Invalidates earlier pointers into the buffer. */
char *lac_buf_grow(struct lac_buf *b, size_t n) LAC_MUST_USE; /* the slow half of it */
LAC_MUST_USE static inline char *lac_buf_reserve(struct lac_buf *b, size_t n)
{
    if (!b->failed && b->ptr && n <= b->capacity - b->len)
        return b->ptr + b->len;
    return lac_buf_grow(b, n);
}

/* Counts `n` bytes, which must have been reserved, as written. */
static inline void lac_buf_commit(struct lac_buf *b, size_t n)
{
    LAC_ASSERT(n <= b->capacity - b->len);
    b->len += n;
}

/* Appending is inline because answers are made of very many very short pieces. */
static inline void lac_buf_put(struct lac_buf *b, const void *data, size_t n)
{
    char *to = n ? lac_buf_reserve(b, n) : NULL;

    if (to) {
        memcpy(to, data, n);
        b->len += n;
    }
}

static inline void lac_buf_put_str(struct lac_buf *b, struct lac_str s)
{
    lac_buf_put(b, s.ptr, s.len);
}

static inline void lac_buf_put_text(struct lac_buf *b, const char *text)
{
    lac_buf_put(b, text, strlen(text));
}

static inline void lac_buf_put_char(struct lac_buf *b, char c)
{
    lac_buf_put(b, &c, 1);
}

void lac_buf_printf(struct lac_buf *b, const char *fmt, ...) LAC_PRINTF(2, 3);
void lac_buf_vprintf(struct lac_buf *b, const char *fmt, va_list args) LAC_PRINTF(2, 0);

/* True while everything appended since the last reset is in the buffer. */
static inline bool lac_buf_ok(const struct lac_buf *b)
{
    return !b->failed;
}

/* What was written. Borrowed until the next append, reset or deinit. */
static inline struct lac_str lac_buf_str(const struct lac_buf *b)
{
    return (struct lac_str){b->len ? b->ptr : "", b->len};
}

/* The same, NUL-terminated; "" when the buffer failed. Borrowed as above. */
const char *lac_buf_cstr(struct lac_buf *b);

#endif
