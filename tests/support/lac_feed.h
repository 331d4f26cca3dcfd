/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_feed - bytes from memory as a reader gets them: a few at a time
 *
 * Thread: owner.
 */
#ifndef LAC_FEED_H
#define LAC_FEED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct lac_feed {
    const void *data;
    size_t len, at, step; /* at most `step` bytes per read */
};

/* What readers take as their source; `ctx` is a struct lac_feed. 0 at the end. */
static inline int64_t lac_feed_read(void *ctx, void *into, size_t n)
{
    struct lac_feed *f = ctx;
    size_t take = f->len - f->at < f->step ? f->len - f->at : f->step;

    if (take > n)
        take = n;
    memcpy(into, (const char *)f->data + f->at, take);
    f->at += take;
    return (int64_t)take;
}

#endif
