/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_packs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_digest.h"

struct lac_control_packs {
    pthread_mutex_t lock; /* between loading `published` and counting a reference to it */
    _Atomic(struct lac_control_lineup *) published;
    struct lac_control_lineup *retired; /* the follower's alone, as the next */
    int64_t published_us;
};

enum lac_status lac_control_packs_new(struct lac_control_packs **out, struct lac_err *err)
{
    struct lac_control_packs *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (!p || pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    }
    *out = p;
    return LAC_OK;
}

enum lac_status lac_control_pack_new(struct lac_control_pack **out, struct lac_pack *pack,
                                     struct lac_err *err)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    (*out)->pack = pack;
    (*out)->refs = 1;
    return LAC_OK;
}

void lac_control_pack_drop(struct lac_control_pack *p)
{
    if (!p || --p->refs > 0)
        return;
    lac_pack_close(p->pack);
    free(p);
}

static void free_lineup(struct lac_control_lineup *l)
{
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        lac_control_pack_drop(l->at[i]);
    free(l);
}

void lac_control_packs_free(struct lac_control_packs *p)
{
    struct lac_control_lineup *last;

    if (!p)
        return;
    last = atomic_load(&p->published);
    if (last) {
        atomic_store(&p->published, NULL);
        last->next = p->retired;
        p->retired = last;
        atomic_fetch_sub(&last->refs, 1);
    }
    LAC_ASSERT(lac_control_packs_reap(p) == 0); /* a lane that outlives its packs is our mistake */
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

enum lac_status lac_control_packs_publish(struct lac_control_packs *p,
                                          struct lac_control_pack *const *at, const int32_t *share,
                                          struct lac_err *err)
{
    struct lac_control_lineup *l = calloc(1, sizeof(*l)), *before;

    if (!l)
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    LAC_ASSERT(at[LAC_CONTROL_CURRENT]);
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
        l->at[i] = at[i];
        l->share[i] = at[i] ? share[i] : 0;
        if (at[i])
            at[i]->refs++;
    }
    atomic_init(&l->refs, 1);
    (void)pthread_mutex_lock(&p->lock);
    p->published_us = lac_clock_wall_us();
    before = atomic_exchange_explicit(&p->published, l, memory_order_acq_rel);
    (void)pthread_mutex_unlock(&p->lock);
    if (before) {
        before->next = p->retired;
        p->retired = before;
        atomic_fetch_sub_explicit(&before->refs, 1, memory_order_release);
    }
    return LAC_OK;
}

int64_t lac_control_packs_published_us(const struct lac_control_packs *p)
{
    return p->published_us;
}

size_t lac_control_packs_reap(struct lac_control_packs *p)
{
    struct lac_control_lineup **l = &p->retired;
    size_t held = 0;

    while (*l) {
        struct lac_control_lineup *one = *l;

        /* Nobody can take a retired one again, so zero is final. */
        if (atomic_load_explicit(&one->refs, memory_order_acquire) > 0) {
            held++;
            l = &one->next;
            continue;
        }
        *l = one->next;
        free_lineup(one);
    }
    return held;
}

void lac_control_packs_release(struct lac_control_packs *p, const struct lac_control_lineup *held)
{
    (void)p;
    if (held) /* the count is all that a lane may change */
        atomic_fetch_sub_explicit(&((struct lac_control_lineup *)held)->refs, 1,
                                  memory_order_release);
}

const struct lac_control_lineup *lac_control_packs_take(struct lac_control_packs *p,
                                                        const struct lac_control_lineup *held)
{
    struct lac_control_lineup *now = atomic_load_explicit(&p->published, memory_order_acquire);

    /* What is held can't have been freed, so the address can't mean another one. */
    if (now == held)
        return held;
    (void)pthread_mutex_lock(&p->lock);
    now = atomic_load_explicit(&p->published, memory_order_acquire);
    atomic_fetch_add_explicit(&now->refs, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&p->lock);
    lac_control_packs_release(p, held);
    return now;
}

bool lac_control_share_has(int32_t share_ppm, const void *key, size_t len)
{
    unsigned char hash[LAC_SHA256_SIZE];
    uint64_t v = 0;

    if (share_ppm <= 0)
        return false;
    lac_sha256(hash, key, len);
    for (int i = 0; i < 8; i++)
        v = v << 8 | hash[i];
    /* v / 2^64 < share / 10^6, without a bias that could be seen: 2^64 / 10^6 is large. */
    return v / (UINT64_MAX / LAC_CONTROL_SHARE_ALL) < (uint64_t)share_ppm;
}
