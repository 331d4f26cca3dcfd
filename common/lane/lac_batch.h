/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_batch - some input records, and what a stage makes of them
 *
 * A stage reads msgs[0 .. count), allocates from `arena` and hands results over with the
 * functions below. Nothing is sent while it runs: the lane passes all of it to its output
 * together with the new input position, or to nobody.
 *
 * What may be borrowed, and until when:
 *   messages (keys, values, headers)   until the stage's run() returns
 *   memory of `arena`                  until everything handed over is committed
 *   keys, header names and values      may point into messages, `arena` or constants
 *   values                             the same; those outside of `arena` are copied into it
 *   replies                            all of their parts are copied into `arena`
 *
 * Every function answers AGAIN when `arena` or a table is full: the stage returns AGAIN at
 * once, everything it handed over in this run is dropped, and the lane runs it again with a
 * fresh arena, or with half of the messages.
 *
 * Thread: lane.
 */
#ifndef LAC_BATCH_H
#define LAC_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_kafka.h"

enum {
    LAC_BATCH_REASON_SIZE = 32,  /* "undecodable", "crash", ..: a fixed word, fit for a label */
    LAC_BATCH_DETAIL_SIZE = 512, /* bytes of the sentence beside it */
};

/* One record to produce. */
struct lac_batch_record {
    int topic; /* index into the lane's list of topics */
    struct lac_kafka_record record;
};

/* One row for a table: for outputs that take rows. */
struct lac_batch_row {
    size_t index;       /* of the message it came from */
    struct lac_str row; /* bytes that stage and output agree on; in the batch's arena */
};

struct lac_batch {
    const struct lac_kafka_msg *msgs;
    size_t count;
    struct lac_arena *arena;
    int64_t started_wall_us; /* when this run began, for the latency fields of records */

    /* What was handed over, for outputs to read: stages write it by the functions below. */
    struct lac_batch_record *records;
    size_t record_count, record_capacity;
    struct lac_batch_row *rows; /* in the order of messages */
    size_t row_count, row_capacity;
    struct lac_batch_record *replies; /* of the whole interval, sent after its commit */
    size_t reply_count, reply_capacity;
    struct lac_batch_reject *rejects; /* [count], by index */
    size_t reject_count;
};

struct lac_batch_reject {
    char reason[LAC_BATCH_REASON_SIZE]; /* "": not rejected */
    char detail[LAC_BATCH_DETAIL_SIZE];
};

/* Produces `r` to topics[topic] with this batch. */
enum lac_status lac_batch_emit(struct lac_batch *b, int topic,
                               const struct lac_kafka_record *r) LAC_MUST_USE;

/* Sends `r` to topics[topic] once what the batch emitted is safe. A reply may be lost when the
 * process dies between; whoever waits looks it up. */
enum lac_status lac_batch_reply(struct lac_batch *b, int topic,
                                const struct lac_kafka_record *r) LAC_MUST_USE;

/* Hands one row over. `row` must be memory of the arena. */
enum lac_status lac_batch_row(struct lac_batch *b, size_t index, struct lac_str row) LAC_MUST_USE;

/*
 * Sends message `index` to the dead-letter topic as it came, in the same step. `detail` says
 * where and what was expected, never content; it is cut at LAC_BATCH_DETAIL_SIZE. A second call
 * for the same message is ignored. An output may call it too, from write().
 */
void lac_batch_reject(struct lac_batch *b, size_t index, const char *reason, const char *detail);

static inline bool lac_batch_rejected(const struct lac_batch *b, size_t index)
{
    return b->rejects[index].reason[0] != '\0';
}

/* What the lane does with a batch: the heart of a worker, testable without a broker. */
struct lac_stage {
    void *ctx; /* of this lane alone */
    /*
     * OK: every message has its results or a reject. RETRY: a dependency is down; the lane
     * backs off and comes again with the same records, so nothing is dead-lettered for it.
     * REJECT: one of the messages can't be processed and the stage can't say which: the lane
     * finds it by halving. FATAL: drain and exit.
     */
    enum lac_status (*run)(void *ctx, struct lac_batch *b, struct lac_err *err);
};

/* For tests of stages: a batch over `msgs` with tables of `capacity` entries each. */
enum lac_status lac_batch_init(struct lac_batch *b, struct lac_arena *a, size_t messages_max,
                               size_t capacity, struct lac_err *err) LAC_MUST_USE;
void lac_batch_deinit(struct lac_batch *b);

/* Points `b` at `n` messages (at most messages_max) and forgets what was handed over, replies
 * excepted. */
void lac_batch_open(struct lac_batch *b, const struct lac_kafka_msg *msgs, size_t n);

/* Forgets the replies too; the caller resets the arena. */
void lac_batch_reset(struct lac_batch *b);

#endif
