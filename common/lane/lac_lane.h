/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_lane - take a batch, run the stage, hand over results and position in one step
 *
 * A lane is one thread with its own consumer, its own output and its own memory; lanes share
 * nothing but what is immutable and metric counters. Everything that can happen to a group
 * member (revocation in the middle of a batch, fencing, lost replies, a coordinator that
 * moves) is dealt with here, in one state machine that sees the world only through struct
 * lac_lane_io and struct lac_output, so that a simulator can drive it through histories that
 * no broker would produce on demand.
 *
 * A batch closes by count, bytes, tokens or age, whichever comes first. An interval is the
 * batches between two commits; it ends by time, when its arena is full, when partitions are
 * revoked and when the lane stops.
 *
 * The rules that keep records from being lost or doubled:
 *  - Positions are the lane's own: the offset behind the last processed record of a partition.
 *  - Partitions revoked, not lost: what was polled is finished and committed inside the
 *    callback. Lost: results are dropped, and the abort happens after the callback.
 *  - After every abort all assigned partitions go back to what is committed.
 *
 * Thread: lane. Only lac_lane_stop(), lac_lane_trouble() and the fields of struct lac_lane_health
 * are for others.
 */
#ifndef LAC_LANE_H
#define LAC_LANE_H

#include <stdatomic.h>

#include "lac_batch.h"
#include "lac_kafka.h"
#include "lac_metrics.h"

enum {
    LAC_LANE_PARTITIONS_MAX = 1024, /* that one lane can own */
    LAC_LANE_TOPICS_MAX = 32,
};

/* ---- the seam to the world ---- */

/*
 * All the I/O and all the time that a lane sees. common/lane/lac_lane_kafka.h implements it on
 * lac_kafka; tests/unit/test_lane_sim.c on a model. The functions mean what those of the same
 * name in lac_kafka.h mean; `topic` is an index into the lane's list of topics.
 */
struct lac_lane_io_ops {
    uint64_t (*now_ms)(void *io);
    void (*sleep_ms)(void *io, uint32_t ms); /* returns early when the lane is told to stop */

    /* consumer; rebalances call lac_lane_assigned() and lac_lane_revoked() from inside */
    enum lac_status (*poll)(void *io, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                            struct lac_err *err);
    void (*poll_break)(void *io);
    enum lac_status (*seek)(void *io, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *err);
    enum lac_status (*committed)(void *io, struct lac_kafka_position *p, size_t n,
                                 struct lac_err *err);
    enum lac_status (*commit)(void *io, const struct lac_kafka_position *p, size_t n, bool wait,
                              struct lac_err *err);
    enum lac_status (*rejoin)(void *io, struct lac_err *err);
    bool (*reachable)(void *io); /* asked while the cluster complains; NULL: it always is */
    bool (*watermarks)(void *io, const char *topic, int32_t partition, int64_t *low, int64_t *high);

    /* the output's producer */
    enum lac_status (*produce)(void *io, int topic, const struct lac_kafka_record *r, size_t n,
                               size_t *taken, struct lac_err *err);
    enum lac_status (*flush)(void *io, uint32_t timeout_ms, struct lac_err *err);
    size_t (*failed)(void *io, struct lac_err *err);
    size_t (*record_limit)(void *io);
    enum lac_status (*reopen)(void *io, struct lac_err *err);
    bool (*interrupted)(void *io); /* a connection broke: old requests may still arrive */
    enum lac_kafka_txn (*txn_init)(void *io, struct lac_err *err);
    enum lac_kafka_txn (*txn_begin)(void *io, struct lac_err *err);
    enum lac_kafka_txn (*txn_send_offsets)(void *io, const struct lac_kafka_position *p, size_t n,
                                           struct lac_err *err);
    enum lac_kafka_txn (*txn_commit)(void *io, struct lac_err *err);

    /* Replies, or dead letters of outputs that carry none; values copied. Replies may arrive twice,
     * and in another order. */
    enum lac_status (*side_produce)(void *io, int topic, const struct lac_kafka_record *r,
                                    struct lac_err *err);
    enum lac_status (*side_flush)(void *io, uint32_t timeout_ms, struct lac_err *err);
    size_t (*side_failed)(void *io, struct lac_err *err);
};

struct lac_lane_io {
    void *ctx;
    const struct lac_lane_io_ops *ops;
};

/* ---- the seam to where results go ---- */

/*
 * An output makes results and input position durable in one step. The lane calls it from its
 * own thread only, in this order:
 *
 *   open  (start  (write* commit | write* abort start)*  revoked)*  close
 *
 * Statuses, everywhere: RETRY: the world is at fault; the lane calls abort(), goes back to
 * what start() tells and tries again after a back-off, for ever. FATAL: drain and exit.
 */
struct lac_output_ops {
    const char *name; /* "kafka-txn", "kafka-idempotent", "pg-copy": a metric label */

    /* True: records that a stage emits, and dead letters, travel with write(). False: dead
     * letters are sent by the lane itself, and are safe before commit() is called. */
    bool carries_records;

    /* Connects. After RETRY it is called again. */
    enum lac_status (*open)(void *ctx, struct lac_err *err);

    /*
     * Tells where reading starts: sets each position's offset, which is LAC_KAFKA_STORED on
     * entry. All may stay so, meaning what the group has committed in Kafka.
     * `fresh`: these partitions have just become ours (they may overlap with earlier ones
     * after a rebalance): take ownership, for example by a new epoch. Not fresh: after an
     * abort; ownership is as before, only the committed offset is asked for. When ownership
     * was lost meanwhile, set the offset to LAC_KAFKA_NONE: the lane leaves the group and
     * joins again, and what it then gets is fresh. Nothing is written before it said OK.
     * NULL: Kafka's group offsets, always.
     */
    enum lac_status (*start)(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                             struct lac_err *err);

    /*
     * Takes what the batch has handed over (records, rows); may be called many times in an
     * interval. Memory of the batch's arena stays until commit() or abort() returned, messages
     * only until write() returns.
     * AGAIN: full; the lane commits and calls again. REJECT: something in this batch can't be
     * taken, and nothing of it was; what was written before is intact. The lane halves the
     * batch until the culprit is alone and dead-letters it. An output that knows better calls
     * lac_batch_reject() and answers OK.
     */
    enum lac_status (*write)(void *ctx, struct lac_batch *b, struct lac_err *err);

    /*
     * Makes everything written since the last commit or abort durable together with the
     * positions: p[].offset is the next to read, for those partitions that moved. Called also
     * when nothing but the positions changed (all rejected). OK: it is durable.
     * RETRY: it is not, or nobody knows; start() will tell.
     * REJECT: it is not, and some row of the interval is to blame: the lane aborts and comes
     * again with half as many messages per commit, until the culprit is alone.
     * May run inside a rebalance callback.
     */
    enum lac_status (*commit)(void *ctx, const struct lac_kafka_position *p, size_t n,
                              struct lac_err *err);

    /* Forgets everything since the last commit. Never called inside a rebalance callback.
     * RETRY: called again after a back-off. */
    enum lac_status (*abort)(void *ctx, struct lac_err *err);

    /*
     * For a start() that tells positions of its own: the group has no offset of the partition
     * although `at` was reached. `sure`: it had one while we read, so the topic was deleted and
     * made again. Else it may have, or nobody has read for so long that brokers forgot the group.
     * OK if the position holds all the same; FATAL and what to do about it. NULL: it holds.
     */
    enum lac_status (*anew)(void *ctx, const char *topic, int32_t partition, int64_t at, bool sure,
                            struct lac_err *err);

    /* All partitions are gone; for not `lost` ones a commit came before. May be NULL. */
    void (*revoked)(void *ctx, bool lost);

    /* Frees what open() made; called also when open() failed. */
    void (*close)(void *ctx);
};

struct lac_output {
    void *ctx;
    const struct lac_output_ops *ops;
};

/* ---- the lane ---- */

struct lac_lane_options {
    /* Called in the lane's thread before the output is opened, and again after RETRY: what a
     * stage needs from the network (ids, an origin). May be NULL. */
    enum lac_status (*prepare)(void *ctx, struct lac_err *err);
    void *prepare_ctx;
    const char *name;            /* "lacuna-classify-0": log lines and metrics */
    const char *const *topics;   /* what emit's `topic` numbers mean; NULL: not used */
    size_t topic_count;          /* at most LAC_LANE_TOPICS_MAX */
    int deadletter_topic;        /* index into topics */
    size_t batch_count;          /* messages; at least 1 */
    size_t batch_bytes;          /* keys and values */
    size_t batch_tokens;         /* estimated as value bytes / 4; 0: no limit */
    uint32_t batch_age_ms;       /* from the first message of the batch; 0: what is there */
    uint32_t commit_interval_ms; /* since its first batch was begun; 0: after every batch */
    size_t arena_bytes;          /* memory of one interval, with room for the dead letter of
                                  * the largest record; 0: 16 x batch_bytes + 8 MiB */
    size_t records_per_message;  /* table size; 0: 4 */
    bool replies_early;          /* replies go out with the batch, not after the commit:
                                  * for at-least-once outputs, where a crash repeats both */
    const char *fuse_path;       /* crash fuse; NULL: none */
    struct lac_metrics *metrics; /* borrowed; NULL: not counted */
    const char *crash_key;       /* test builds: abort on a message with this key */
};

/* What others may look at, any thread. */
struct lac_lane_health {
    atomic_int state;              /* enum lac_lane_state */
    atomic_uint_fast64_t since_ms; /* of the state, monotonic */
    atomic_uint_fast64_t seen_ms;  /* when the lane last went round, monotonic */
    atomic_uint_fast64_t processed;
    atomic_uint_fast64_t rejected;
    atomic_bool joined; /* the group has given it partitions once, be it none: a lane that runs
                           before has nothing to read from */
};

enum lac_lane_state {
    LAC_LANE_STARTING,
    LAC_LANE_RUNNING,
    LAC_LANE_WAITING, /* a dependency is down: backing off */
    LAC_LANE_DRAINING,
    LAC_LANE_STOPPED,
    LAC_LANE_BROKEN, /* FATAL; the process is about to exit */
};

struct lac_lane;

/* Everything in `o` is borrowed until close but the struct itself. */
enum lac_status lac_lane_open(struct lac_lane **out, const struct lac_lane_options *o,
                              struct lac_lane_io io, struct lac_output output,
                              struct lac_stage stage, struct lac_err *err) LAC_MUST_USE;

/* Runs until lac_lane_stop() or FATAL; on return everything that was processed is committed,
 * or the status says why not. */
enum lac_status lac_lane_run(struct lac_lane *l, struct lac_err *err) LAC_MUST_USE;

/* One turn of the loop: for lac_lane_run() and for simulators. AGAIN: stopped. */
enum lac_status lac_lane_turn(struct lac_lane *l, struct lac_err *err) LAC_MUST_USE;

/* Finish the batch, commit, return. Thread: any. */
void lac_lane_stop(struct lac_lane *l);
bool lac_lane_stopping(const struct lac_lane *l);

/* For outputs: the commit at hand is the last one of its partitions here, so wait for it. */
bool lac_lane_commits_last(const struct lac_lane *l);

/* Calls the output's close. Accepts NULL. */
void lac_lane_close(struct lac_lane *l);

/* For implementations of struct lac_lane_io: what a rebalance brings, and where a partition ends
 * (see struct lac_kafka_rebalance), from inside poll(). */
void lac_lane_assigned(struct lac_lane *l, struct lac_kafka_position *p, size_t n);
void lac_lane_revoked(struct lac_lane *l, const struct lac_kafka_position *p, size_t n, bool lost);
void lac_lane_ended(struct lac_lane *l, const char *topic, int32_t partition, int64_t offset);

/* Takes over what the crash fuse of `other`, a lane of the same process, suspects: see
 * lac_fuse_learn(). Before either runs. */
void lac_lane_learn(struct lac_lane *l, const struct lac_lane *other);

const struct lac_lane_health *lac_lane_health(const struct lac_lane *l);
const char *lac_lane_name(const struct lac_lane *l);

/* What the lane was last waiting for, as its log said it; "" if it never was. Any thread. */
void lac_lane_trouble(struct lac_lane *l, char *out, size_t size);
const char *lac_lane_state_name(enum lac_lane_state s);

/* ---- outputs on Kafka; `io` and `topics` are the lane's ---- */

struct lac_output_kafka {
    struct lac_lane_io io;
    const struct lac_lane *lane; /* set after lac_lane_open(); may stay NULL */
    uint32_t timeout_ms;         /* after which an unanswered call means a new producer */
    bool ready;                  /* transactional: init_transactions is done */
    bool begun;                  /* transactional: a transaction is open */
    bool doomed;                 /* transactional: it can only be aborted; commit() says why */
    bool broken;                 /* the producer must be replaced before anything else */
};

/* kafka-txn: exactly-once. `o` lives as long as the output. */
struct lac_output lac_output_kafka_txn(struct lac_output_kafka *o, struct lac_lane_io io,
                                       uint32_t timeout_ms);

/* kafka-idempotent: at-least-once; offsets are committed after all deliveries. */
struct lac_output lac_output_kafka_idempotent(struct lac_output_kafka *o, struct lac_lane_io io,
                                              uint32_t timeout_ms);

#endif
