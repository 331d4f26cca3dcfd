/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_lane_kafka - the lane's seam to the world, on lac_kafka
 *
 * Makes a consumer in a group, the output's producer and the side producer (replies, dead
 * letters of outputs that carry none), and joins them to a lane.
 *
 * Thread: made and freed by any one thread, used by the lane's.
 */
#ifndef LAC_LANE_KAFKA_H
#define LAC_LANE_KAFKA_H

#include "lac_lane.h"

struct lac_lane_kafka;

/*
 * linger_ms for bulk lanes. Nobody sees a transaction's records before its commit, so waiting for
 * company costs them nothing, and the broker gets fewer and larger requests. Longer gives no more:
 * what has not been sent by then is sent while the commit waits for it.
 */
enum { LAC_LANE_LINGER_MS = 5, LAC_LANE_LINGER_TXN_MS = 15 };

struct lac_lane_kafka_options {
    const struct lac_kafka_options *kafka; /* linger_ms is replaced by the field below */
    const char *group;
    const char *group_instance; /* static membership; NULL without */
    const char *const *inputs;  /* topics to read */
    size_t input_count;
    const char *const *topics; /* the lane's list; NULL entries are not used */
    size_t topic_count;
    const char *transactional_id; /* NULL: no transactions */
    bool no_producer;             /* the output isn't Kafka: only the side producer is made */
    uint32_t linger_ms;           /* of the output's producer; replies do not linger */
    uint32_t timeout_ms;          /* of one call; 0: 5 s */
};

enum lac_status lac_lane_kafka_open(struct lac_lane_kafka **out,
                                    const struct lac_lane_kafka_options *o,
                                    struct lac_err *err) LAC_MUST_USE;

/* What lac_lane_open() takes. */
struct lac_lane_io lac_lane_kafka_io(struct lac_lane_kafka *k);

/* Tells whom to call when partitions come and go. Before lac_lane_run(). */
void lac_lane_kafka_bind(struct lac_lane_kafka *k, struct lac_lane *lane);

/* Leaves the group, while the lane still exists. `ctx` is a struct lac_lane_kafka: fits
 * lac_runtime_add_lane(). Twice is fine. */
void lac_lane_kafka_leave(void *ctx);

/* Sends what is left of the replies, then frees; after lac_lane_close(). Accepts NULL. */
void lac_lane_kafka_close(struct lac_lane_kafka *k);

#endif
