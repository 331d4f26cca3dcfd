/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_again - refused records, until it is known which of them brokers don't want
 *
 * Kafka refuses a batch as a whole and does not say for which of its records. So those of a refused
 * batch are sent again, half of them at a time and nothing beside them; a half that is refused is
 * halved in turn. One that is refused alone is the culprit, the others get through. They come
 * behind records that stood after them in the source.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_AGAIN_H
#define LAC_PUBLISH_AGAIN_H

#include <stddef.h>

#include "lac_err.h"
#include "lac_kafka.h"

/* Halves of halves: the window has 2^16 records. */
enum { LAC_PUBLISH_AGAIN_GROUPS = 20 };

struct lac_publish_refused;

struct lac_publish_again_list {
    struct lac_publish_refused **items; /* owned, with all in it */
    size_t count, capacity;
};

/* Zeroed: nothing was refused. */
struct lac_publish_again {
    struct lac_publish_again_list _back;    /* refused since the last was sent */
    struct lac_publish_again_list _waiting; /* a stack: what is sent next lies at its end */
    size_t _groups[LAC_PUBLISH_AGAIN_GROUPS], _group_count; /* how many of these go together */
};

void lac_publish_again_deinit(struct lac_publish_again *a); /* safe on a zeroed one */

/* Copies what `d` says was refused. RETRY: there is no memory for it. */
enum lac_status lac_publish_again_keep(struct lac_publish_again *a,
                                       const struct lac_kafka_delivery *d,
                                       struct lac_err *err) LAC_MUST_USE;

bool lac_publish_again_pending(const struct lac_publish_again *a);

/* The next step, while none of the producer's records is on its way. OK: some are again, or nothing
 * is left to do. REJECT: the record of slot `*opaque` is refused for `*code`; call again. Another:
 * it could not be queued. */
enum lac_status lac_publish_again_step(struct lac_publish_again *a, struct lac_kafka_producer *p,
                                       int topic, void **opaque, int *code,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
