/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_hold.h"

#include <stdlib.h>
#include <string.h>

enum {
    ONE_MAX = 64 * 1024, /* what is larger fills a request of its own anyway */
    ALL_MAX = 16 * 1024 * 1024,
};

struct lac_bridge_held {
    struct lac_bridge_held *next;
    size_t size;
    struct lac_bridge_message message; /* its texts are in `bytes` */
    char bytes[];
};

static struct lac_str copy(char **at, struct lac_str s)
{
    struct lac_str there = {s.ptr ? *at : NULL, s.len};
    if (s.ptr && s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return there;
}

bool lac_bridge_hold_add(struct lac_bridge_hold *h, const struct lac_bridge_message *m)
{
    size_t size = sizeof(struct lac_bridge_held) + m->key.len + m->value.len + m->correlation.len +
                  m->traceparent.len;
    if (size > ONE_MAX || h->bytes + size > ALL_MAX)
        return false;
    struct lac_bridge_held *x = malloc(size);
    if (!x)
        return false;
    char *at = x->bytes;
    x->next = NULL;
    x->size = size;
    x->message = *m;
    x->message.key = copy(&at, m->key);
    x->message.value = copy(&at, m->value);
    x->message.correlation = copy(&at, m->correlation);
    x->message.traceparent = copy(&at, m->traceparent);
    *(h->last ? &h->last->next : &h->first) = x;
    h->last = x;
    h->bytes += size;
    return true;
}

const struct lac_bridge_message *lac_bridge_hold_first(const struct lac_bridge_hold *h)
{
    return h->first ? &h->first->message : NULL;
}

void lac_bridge_hold_drop(struct lac_bridge_hold *h)
{
    struct lac_bridge_held *x = h->first;
    h->first = x->next;
    if (!h->first)
        h->last = NULL;
    h->bytes -= x->size;
    free(x);
}
