/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_window - records on their way, in the order of the source
 *
 * Deliveries come in any order; what may be journaled is the longest prefix that is done. The
 * window is bounded: when it is full, publishing waits.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_WINDOW_H
#define LAC_PUBLISH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"

enum { LAC_PUBLISH_WINDOW = 1 << 16 }; /* records; with 1 KiB each, 64 MiB in librdkafka */

struct lac_publish_slot {
    const char *file; /* borrowed */
    uint64_t line, lines, position;
    int64_t timestamp;
    uint64_t number; /* of the record among all, from 0 */
    uint32_t source;
    bool done, bad;
};

struct lac_publish_window {
    struct lac_publish_slot *_slots; /* owned */
    uint64_t _head, _tail;           /* oldest, next free */
    /* The end of the done prefix. */
    bool moved; /* since the caller last cleared it */
    uint32_t source;
    uint64_t position, lines;
    uint64_t done, bad; /* records in it, and those of them that were bad */
};

enum lac_status lac_publish_window_init(struct lac_publish_window *w,
                                        struct lac_err *err) LAC_MUST_USE;
void lac_publish_window_deinit(struct lac_publish_window *w);

/* The next slot, zeroed but for its number, or NULL when the window is full. */
struct lac_publish_slot *lac_publish_window_push(struct lac_publish_window *w) LAC_MUST_USE;

/* Takes the slot that was pushed last out again: it was not sent. */
void lac_publish_window_drop(struct lac_publish_window *w);

/* `slot` was acknowledged, or is bad and will never be sent; the prefix moves if it can. */
void lac_publish_window_done(struct lac_publish_window *w, struct lac_publish_slot *slot);

static inline size_t lac_publish_window_open(const struct lac_publish_window *w)
{
    return (size_t)(w->_tail - w->_head);
}

#endif
