/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify_semantic - tier 2 of lacuna-classify: which model, whether it is there, and saying so
 *
 * classify.semantic = off: rules alone. optional: where the pack in force has a head, it is asked;
 * while its model or device is missing, decisions are stricter and say so. required: the same, but
 * nothing is decided before it is there for the first time, and readiness fails while it isn't.
 *
 * Models are opened before the pack that needs them counts, in the thread that opened the pack, so
 * lanes don't wait for them.
 *
 * Thread: main opens and closes; the rest is for any.
 */
#ifndef CLASSIFY_SEMANTIC_H
#define CLASSIFY_SEMANTIC_H

#include <pthread.h>
#include <stdbool.h>

#include "lac_conf.h"
#include "lac_err.h"
#include "lac_head.h"
#include "lac_metrics.h"
#include "lac_pack.h"
#include "lac_semantic.h"

enum classify_semantic_mode {
    CLASSIFY_SEMANTIC_OFF,
    CLASSIFY_SEMANTIC_OPTIONAL,
    CLASSIFY_SEMANTIC_REQUIRED
};

enum { CLASSIFY_SEMANTIC_NAME_SIZE = 128 };

struct classify_semantic {
    enum classify_semantic_mode mode;
    struct lac_semantic *semantic; /* NULL: off */
    pthread_mutex_t lock;          /* of what the current pack wants: */
    bool has_head;
    unsigned char model_hash[LAC_HEAD_HASH_SIZE];
    uint32_t layers;
    char labels[LAC_METRICS_LABELS_MAX]; /* of `info` */
    bool labels_changed;
    struct lac_metrics *metrics;
    struct lac_gauge *ready, *info;
};

/* FATAL: the configuration can't be followed; in mode `required` also when its model or class of
 * arithmetic is missing. */
enum lac_status classify_semantic_open(struct classify_semantic *s, const struct lac_conf *c,
                                       struct lac_metrics *metrics,
                                       struct lac_err *err) LAC_MUST_USE;
/* After all lanes. Also after a failed open, and on a zeroed one. */
void classify_semantic_close(struct classify_semantic *s);

/* A pack that is about to count, `current`: as the current one. For the follower's `prepare`. */
void classify_semantic_prepare(void *ctx, const struct lac_pack *pack, bool current);

/* A lac_runtime_check: false only in mode `required`. `ctx`: struct classify_semantic. */
bool classify_semantic_check(void *ctx, char *why, size_t size);

#endif
