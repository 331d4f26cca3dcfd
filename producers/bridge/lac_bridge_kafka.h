/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_kafka - the link through Kafka
 *
 * Requests go to the interactive topic, replies come back on this instance's own partition of the
 * replies topic, read from its end without a group: nothing is rebalanced and no other bridge is
 * disturbed when this one starts. A thread of its own finds the cluster, prepares producer and
 * consumer, hands them to the HTTP loop and from then on asks the cluster every few seconds
 * whether it is still well. So a broker that is down delays no health page.
 *
 * Thread: the HTTP loop's, unless a function says otherwise.
 */
#ifndef LAC_BRIDGE_KAFKA_H
#define LAC_BRIDGE_KAFKA_H

#include "lac_bridge.h"
#include "lac_kafka.h"
#include "lac_registry.h"

struct lac_bridge_kafka;

struct lac_bridge_kafka_options {
    struct lac_kafka_options kafka; /* texts borrowed for the link's life; linger is ours */
    const char *topic_prefix;
    const char *origin;      /* "" or NULL: the cluster's id */
    const char *instance;    /* picks the reply partition if none is given */
    int64_t reply_partition; /* -1: from the instance's trailing number, else its hash */
    struct lac_registry_options registry; /* url NULL or "": single-object encoding */
    /* A person must act, and the process can't do its work until then. Thread: any. */
    void (*fatal)(void *ctx, const struct lac_err *err);
    void *fatal_ctx;
};

/* Starts nothing yet. FATAL: out of memory or descriptors, a topic prefix that can't be. */
enum lac_status lac_bridge_kafka_open(struct lac_bridge_kafka **out,
                                      const struct lac_bridge_kafka_options *options,
                                      struct lac_err *err) LAC_MUST_USE;

/* For struct lac_bridge_options. */
struct lac_bridge_link lac_bridge_kafka_link(struct lac_bridge_kafka *k);

/* Tells the link whose it is, watches the replies and starts the thread. Before the server runs.
 * Thread: the opener's. */
enum lac_status lac_bridge_kafka_start(struct lac_bridge_kafka *k, struct lac_bridge *b,
                                       struct lac_err *err) LAC_MUST_USE;

/* Ends the thread; it uses the bridge's server, so before the bridge is closed. NULL is fine. */
void lac_bridge_kafka_stop(struct lac_bridge_kafka *k);

/* After the bridge is closed. Waits up to five seconds for records still on their way. NULL is
 * fine. */
void lac_bridge_kafka_close(struct lac_bridge_kafka *k);

/* "bridge-3" of 12 partitions is 3; without a number at its end, a hash decides. */
int32_t lac_bridge_reply_partition(const char *instance, int32_t partitions);

#endif
