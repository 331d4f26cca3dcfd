/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane_fixture - what stands around a lane, for tests of common/lane: a consumer of one partition,
 * an output, a stage, and a clock that only the lane's own waits move
 *
 * Everything goes well here. A test's own world begins with this one, so that callbacks, which are
 * handed the fixture, have it too; the test puts its own in the place of those that it is about.
 *
 * Thread: the test's.
 */
#ifndef LANE_FIXTURE_H
#define LANE_FIXTURE_H

#include "lac_lane.h"

enum {
    FIXTURE_OUT = 1, /* topics of the lane; the one before is nobody's */
    FIXTURE_DEAD,
    FIXTURE_BATCH = 8, /* messages, unless a test says otherwise */
    FIXTURE_HIDDEN = -1,
};

struct fixture {
    struct lac_lane *lane;
    struct lac_metrics *metrics; /* owned; NULL: nothing is counted */
    uint64_t now_ms;             /* of the lane's clock */
    int64_t count;               /* messages 0 .. count of the partition */
    int64_t next;                /* that poll brings */
    int64_t durable;             /* behind the last committed one; LAC_KAFKA_NONE: none is */
    bool assigned;               /* the partition is the lane's */
    bool broke;                  /* the poll that runs is to return */

    struct lac_lane_options options;
    struct lac_lane_io_ops io;
    struct lac_output_ops output;
    enum lac_status (*stage)(void *ctx, struct lac_batch *b, struct lac_err *err);
};

/* Sets the clock and the last four, which are the test's to change until the lane is open. The
 * output carries records and leaves its position to Kafka; what it does in write() and commit() is
 * the test's. The stage makes nothing. */
void fixture_set_up(struct fixture *f);
void fixture_open(struct fixture *f);
enum lac_status fixture_run(struct fixture *f, struct lac_err *err); /* to its end, and closes it */
void fixture_close(struct fixture *f);

/* For a poll of the test's own. The first gives the lane the partition if it hasn't got it; false:
 * the poll is to return. The second is what set_up() sets: it stops the lane when all there is is
 * committed. */
bool fixture_assign(struct fixture *f);
enum lac_status fixture_poll(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                             struct lac_err *err);

/* What the page says of a series, named with its labels or the beginning of them;
 * FIXTURE_HIDDEN: nothing. */
int64_t fixture_shown(const struct fixture *f, const char *series);

#endif
