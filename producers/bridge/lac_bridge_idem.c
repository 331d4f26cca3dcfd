/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_idem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX };

struct entry {
    struct lac_bridge_digest key, body;
    char *answer; /* owned; NULL while under way */
    size_t len;
    uint64_t expires_ms;
    uint32_t chain;        /* next with the same bucket, or in the free list */
    uint32_t older, newer; /* in the order of storing, oldest first: also that of expiring */
};

struct lac_bridge_idem {
    struct entry *entries; /* owned */
    uint32_t *buckets;     /* owned */
    uint32_t count, used, mask, free_head, oldest, newest;
    size_t bytes, bytes_max;
    uint64_t ttl_ms;
};

enum lac_status lac_bridge_idem_new(struct lac_bridge_idem **out, uint32_t count, size_t bytes,
                                    uint64_t ttl_ms, struct lac_err *err)
{
    uint32_t size = 16;
    *out = NULL;
    while (size < count && size < 1u << 30)
        size *= 2;
    struct lac_bridge_idem *t = calloc(1, sizeof *t);
    if (t) {
        t->entries = calloc(count, sizeof *t->entries);
        t->buckets = malloc(size * sizeof *t->buckets);
    }
    if (!t || !t->entries || !t->buckets) {
        lac_bridge_idem_free(t);
        return lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory for %u idempotency keys",
                           count);
    }
    memset(t->buckets, 0xff, size * sizeof *t->buckets);
    t->count = count;
    t->mask = size - 1;
    t->bytes_max = bytes;
    t->ttl_ms = ttl_ms;
    t->oldest = t->newest = NONE;
    for (uint32_t i = 0; i < count; i++)
        t->entries[i].chain = i + 1 < count ? i + 1 : NONE;
    t->free_head = count ? 0 : NONE;
    *out = t;
    return LAC_OK;
}

void lac_bridge_idem_free(struct lac_bridge_idem *t)
{
    if (!t)
        return;
    for (uint32_t i = t->oldest; t->entries && t->used && i != NONE; i = t->entries[i].newer)
        free(t->entries[i].answer);
    free(t->entries);
    free(t->buckets);
    free(t);
}

static uint32_t *bucket(struct lac_bridge_idem *t, const struct lac_bridge_digest *key)
{
    uint32_t hash; /* the key is a SHA-256: any four bytes are as good as a hash */
    memcpy(&hash, key->bytes, sizeof hash);
    return &t->buckets[hash & t->mask];
}

static void leave_order(struct lac_bridge_idem *t, struct entry *e)
{
    *(e->older == NONE ? &t->oldest : &t->entries[e->older].newer) = e->newer;
    *(e->newer == NONE ? &t->newest : &t->entries[e->newer].older) = e->older;
}

static void forget(struct lac_bridge_idem *t, uint32_t i)
{
    struct entry *e = &t->entries[i];
    uint32_t *link = bucket(t, &e->key);
    while (*link != i)
        link = &t->entries[*link].chain;
    *link = e->chain;
    if (e->answer) {
        leave_order(t, e);
        t->bytes -= e->len;
        free(e->answer);
        e->answer = NULL;
    }
    e->chain = t->free_head;
    t->free_head = i;
    t->used--;
}

enum lac_bridge_idem_state lac_bridge_idem_begin(struct lac_bridge_idem *t,
                                                 const struct lac_bridge_digest *key,
                                                 const struct lac_bridge_digest *body,
                                                 uint64_t now_ms, uint32_t *ref,
                                                 struct lac_str *answer)
{
    while (t->oldest != NONE && t->entries[t->oldest].expires_ms <= now_ms)
        forget(t, t->oldest);
    uint32_t *head = bucket(t, key);
    for (uint32_t i = *head; i != NONE; i = t->entries[i].chain) {
        struct entry *e = &t->entries[i];
        if (memcmp(&e->key, key, sizeof *key) != 0)
            continue;
        if (memcmp(&e->body, body, sizeof *body) != 0)
            return LAC_BRIDGE_IDEM_MISMATCH;
        if (!e->answer)
            return LAC_BRIDGE_IDEM_BUSY;
        *answer = (struct lac_str){e->answer, e->len};
        return LAC_BRIDGE_IDEM_STORED;
    }
    if (t->free_head == NONE && t->oldest != NONE)
        forget(t, t->oldest);
    if (t->free_head == NONE)
        return LAC_BRIDGE_IDEM_FULL;
    uint32_t i = t->free_head;
    struct entry *e = &t->entries[i];
    t->free_head = e->chain;
    *e = (struct entry){.key = *key, .body = *body, .chain = *head, .older = NONE, .newer = NONE};
    *head = i;
    t->used++;
    *ref = i;
    return LAC_BRIDGE_IDEM_NEW;
}

void lac_bridge_idem_store(struct lac_bridge_idem *t, uint32_t ref, struct lac_str answer,
                           uint64_t now_ms)
{
    struct entry *e = &t->entries[ref];
    while (t->oldest != NONE && t->bytes + answer.len > t->bytes_max)
        forget(t, t->oldest);
    char *copy = t->bytes + answer.len <= t->bytes_max ? malloc(answer.len + 1) : NULL;
    if (!copy) { /* too large to keep, or no memory: as good as forgotten */
        forget(t, ref);
        return;
    }
    if (answer.len)
        memcpy(copy, answer.ptr, answer.len);
    e->answer = copy;
    e->len = answer.len;
    t->bytes += answer.len;
    e->expires_ms = now_ms + t->ttl_ms;
    e->older = t->newest;
    e->newer = NONE;
    *(t->newest == NONE ? &t->oldest : &t->entries[t->newest].newer) = ref;
    t->newest = ref;
}

void lac_bridge_idem_drop(struct lac_bridge_idem *t, uint32_t ref)
{
    forget(t, ref);
}

uint32_t lac_bridge_idem_count(const struct lac_bridge_idem *t)
{
    return t->used;
}
