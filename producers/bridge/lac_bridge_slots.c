/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_slots.h"

#include <stdlib.h>

#include "lac_digest.h"

enum {
    WHEEL = 1024, /* buckets; times the tick this is 8 s, longer deadlines go round again */
    NONE = UINT32_MAX,
};

struct slot {
    void *owner; /* NULL: free */
    uint32_t index;
    uint32_t generation; /* never 0 while taken */
    uint64_t deadline_ms;
    uint32_t bucket;
    uint32_t next, prev; /* in its bucket, or `next` in the free list */
};

struct lac_bridge_slots {
    struct slot *slots; /* owned */
    uint32_t count, free_count, free_head;
    uint64_t tick; /* everything before it has been expired */
    uint32_t wheel[WHEEL];
    unsigned char process[8];
};

enum lac_status lac_bridge_slots_new(struct lac_bridge_slots **out, uint32_t count, uint64_t now_ms,
                                     struct lac_err *err)
{
    *out = NULL;
    struct lac_bridge_slots *s = calloc(1, sizeof *s);
    if (s)
        s->slots = calloc(count, sizeof *s->slots);
    if (!s || !s->slots) {
        free(s);
        return lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory for %u requests", count);
    }
    s->count = s->free_count = count;
    s->free_head = count ? 0 : NONE;
    for (uint32_t i = 0; i < count; i++)
        s->slots[i].next = i + 1 < count ? i + 1 : NONE;
    for (uint32_t i = 0; i < WHEEL; i++)
        s->wheel[i] = NONE;
    s->tick = now_ms / LAC_BRIDGE_TICK_MS;
    lac_random_bytes(s->process, sizeof s->process);
    *out = s;
    return LAC_OK;
}

void lac_bridge_slots_free(struct lac_bridge_slots *s)
{
    if (!s)
        return;
    free(s->slots);
    free(s);
}

uint32_t lac_bridge_slots_free_count(const struct lac_bridge_slots *s)
{
    return s->free_count;
}

static struct slot *at(const struct lac_bridge_slots *s, uint64_t ref)
{
    uint32_t i = (uint32_t)ref, generation = (uint32_t)(ref >> 32);
    if (i >= s->count || !s->slots[i].owner || s->slots[i].generation != generation)
        return NULL;
    return &s->slots[i];
}

static void unlink_slot(struct lac_bridge_slots *s, struct slot *x)
{
    *(x->prev == NONE ? &s->wheel[x->bucket] : &s->slots[x->prev].next) = x->next;
    if (x->next != NONE)
        s->slots[x->next].prev = x->prev;
}

bool lac_bridge_slots_take(struct lac_bridge_slots *s, void *owner, uint32_t index,
                           uint64_t deadline_ms, uint64_t *ref)
{
    if (s->free_head == NONE)
        return false;
    uint32_t i = s->free_head;
    struct slot *x = &s->slots[i];
    s->free_head = x->next;
    s->free_count--;
    /* One tick later than the deadline's own, so that nobody is cut short. */
    uint64_t tick = deadline_ms / LAC_BRIDGE_TICK_MS + 1;
    if (tick <= s->tick)
        tick = s->tick + 1;
    uint32_t generation = x->generation + 1 ? x->generation + 1 : 1;
    *x = (struct slot){.owner = owner,
                       .index = index,
                       .generation = generation,
                       .deadline_ms = tick * LAC_BRIDGE_TICK_MS,
                       .bucket = (uint32_t)(tick % WHEEL),
                       .next = s->wheel[tick % WHEEL],
                       .prev = NONE};
    if (x->next != NONE)
        s->slots[x->next].prev = i;
    s->wheel[x->bucket] = i;
    *ref = (uint64_t)generation << 32 | i;
    return true;
}

void *lac_bridge_slots_owner(const struct lac_bridge_slots *s, uint64_t ref, uint32_t *index)
{
    const struct slot *x = at(s, ref);
    if (!x)
        return NULL;
    if (index)
        *index = x->index;
    return x->owner;
}

void lac_bridge_slots_give(struct lac_bridge_slots *s, uint64_t ref)
{
    struct slot *x = at(s, ref);
    if (!x)
        return;
    unlink_slot(s, x);
    x->owner = NULL;
    x->next = s->free_head;
    s->free_head = (uint32_t)ref;
    s->free_count++;
}

void lac_bridge_slots_correlation(const struct lac_bridge_slots *s, uint64_t ref,
                                  char out[LAC_BRIDGE_CORRELATION_SIZE])
{
    unsigned char bytes[16];
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = s->process[i];
        bytes[8 + i] = (unsigned char)(ref >> (56 - 8 * i));
    }
    lac_hex_encode(out, bytes, sizeof bytes);
}

bool lac_bridge_slots_parse(const struct lac_bridge_slots *s, struct lac_str correlation,
                            uint64_t *ref)
{
    unsigned char bytes[16];
    if (!lac_hex_decode(bytes, sizeof bytes, correlation))
        return false;
    if (memcmp(bytes, s->process, sizeof s->process) != 0)
        return false;
    *ref = 0;
    for (size_t i = 8; i < 16; i++)
        *ref = *ref << 8 | bytes[i];
    return true;
}

void lac_bridge_slots_expire(struct lac_bridge_slots *s, uint64_t now_ms,
                             void (*expired)(void *ctx, void *owner, uint32_t index), void *ctx)
{
    uint64_t now = now_ms / LAC_BRIDGE_TICK_MS;
    if (now <= s->tick)
        return;
    /* After a long pause each bucket is visited once, not once per missed tick. */
    uint64_t from = now - s->tick >= WHEEL ? now - WHEEL + 1 : s->tick + 1;
    s->tick = now;
    for (uint64_t t = from; t <= now; t++) {
        uint32_t i = s->wheel[t % WHEEL];
        while (i != NONE) {
            struct slot *x = &s->slots[i];
            uint32_t next = x->next;
            if (x->deadline_ms <= now_ms) {
                void *owner = x->owner;
                uint64_t ref = (uint64_t)x->generation << 32 | i;
                lac_bridge_slots_give(s, ref);
                expired(ctx, owner, x->index);
                /* The callback may have given back or taken others of this bucket. */
                next = s->wheel[t % WHEEL];
                while (next != NONE && s->slots[next].deadline_ms > now_ms)
                    next = s->slots[next].next;
            }
            i = next;
        }
    }
}
