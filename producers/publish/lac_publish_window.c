/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_window.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_assert.h"

_Static_assert((LAC_PUBLISH_WINDOW & (LAC_PUBLISH_WINDOW - 1)) == 0, "the ring masks its index");

static struct lac_publish_slot *at(const struct lac_publish_window *w, uint64_t number)
{
    return &w->_slots[number & (LAC_PUBLISH_WINDOW - 1)];
}

enum lac_status lac_publish_window_init(struct lac_publish_window *w, struct lac_err *err)
{
    *w = (struct lac_publish_window){0};
    w->_slots = calloc(LAC_PUBLISH_WINDOW, sizeof(*w->_slots));
    if (!w->_slots)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory for the window");
    return LAC_OK;
}

void lac_publish_window_deinit(struct lac_publish_window *w)
{
    free(w->_slots);
    *w = (struct lac_publish_window){0};
}

struct lac_publish_slot *lac_publish_window_push(struct lac_publish_window *w)
{
    struct lac_publish_slot *slot;

    if (w->_tail - w->_head == LAC_PUBLISH_WINDOW)
        return NULL;
    slot = at(w, w->_tail);
    *slot = (struct lac_publish_slot){.number = w->_tail++};
    return slot;
}

void lac_publish_window_drop(struct lac_publish_window *w)
{
    LAC_ASSERT(w->_tail > w->_head && !at(w, w->_tail - 1)->done);
    w->_tail--;
}

void lac_publish_window_done(struct lac_publish_window *w, struct lac_publish_slot *slot)
{
    LAC_ASSERT(!slot->done && slot->number >= w->_head && slot->number < w->_tail);
    slot->done = true;
    while (w->_head < w->_tail && at(w, w->_head)->done) {
        slot = at(w, w->_head++);
        w->source = slot->source;
        w->position = slot->position;
        w->lines = slot->lines;
        w->done++;
        w->bad += slot->bad;
        w->moved = true;
    }
}
