/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"

enum { FIRST_CAPACITY = 256 };

void lac_buf_init(struct lac_buf *b, size_t limit)
{
    LAC_ASSERT(limit > 0);
    *b = (struct lac_buf){.limit = limit};
}

void lac_buf_init_fixed(struct lac_buf *b, void *memory, size_t size)
{
    *b = (struct lac_buf){.ptr = memory, .capacity = size, .limit = size, .fixed = true};
}

void lac_buf_deinit(struct lac_buf *b)
{
    if (!b->fixed)
        free(b->ptr);
    *b = (struct lac_buf){0};
}

void lac_buf_reset(struct lac_buf *b)
{
    b->len = 0;
    b->failed = b->starved = false;
}

static bool enlarge(struct lac_buf *b, size_t need)
{
    size_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
    char *ptr;

    if (b->fixed || need > b->limit)
        return false;
    while (capacity < need)
        capacity = capacity > b->limit / 2 ? b->limit : capacity * 2;
    if (capacity > b->limit)
        capacity = b->limit;
    ptr = realloc(b->ptr, capacity);
    b->starved = !ptr;
    if (!ptr)
        return false;
    b->ptr = ptr;
    b->capacity = capacity;
    return true;
}

char *lac_buf_grow(struct lac_buf *b, size_t n)
{
    size_t need;

    if (b->failed)
        return NULL;
    if (__builtin_add_overflow(b->len, n, &need) || (need > b->capacity && !enlarge(b, need))) {
        b->failed = true;
        return NULL;
    }
    return b->ptr + b->len;
}

void lac_buf_vprintf(struct lac_buf *b, const char *fmt, va_list args)
{
    va_list again;
    char *to = b->ptr ? b->ptr + b->len : NULL;
    size_t room = b->failed ? 0 : b->capacity - b->len;
    int n;

    va_copy(again, args);
    n = vsnprintf(to, room, fmt, args); /* most of the time it fits at once */
    if (n < 0 || b->failed) {
        b->failed = true;
    } else if ((size_t)n < room) {
        b->len += (size_t)n;
    } else {
        to = lac_buf_reserve(b, (size_t)n + 1);
        if (to) {
            (void)vsnprintf(to, (size_t)n + 1, fmt, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void lac_buf_printf(struct lac_buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    lac_buf_vprintf(b, fmt, args);
    va_end(args);
}

const char *lac_buf_cstr(struct lac_buf *b)
{
    char *end = lac_buf_reserve(b, 1);

    if (!end)
        return "";
    *end = '\0';
    return b->ptr;
}
