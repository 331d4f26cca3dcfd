/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim - a world for lanes: a model of Kafka, of Postgres, of processes that die and freeze
 *
 * One thread, virtual time, one seed: the same seed gives the same history. Lanes are the real
 * ones; each runs in a fiber of its own and gives way inside of its I/O calls, so that anything
 * can happen between a call's effect and its answer.
 *
 *   sim_world.c   time, processes, faults, what a lane is made of
 *   sim_group.c   the consumer group and what a lane's consumer sees of it
 *   sim_kafka.c   logs, transactions, producers
 *   sim_pg.c      an output that keeps rows and positions in a table
 *   sim_check.c   the stage, and what has to be true of its results
 *
 * The model follows the protocol before KIP-890, which librdkafka speaks: epochs go up when a
 * producer is initialised and when a coordinator gives up on a transaction; a transaction's
 * offsets are refused by group generation and member, not by who owns a partition; and an EndTxn
 * that arrives late, after it was sent again on another connection, ends a later transaction.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_lane.h"
#include "sim_fiber.h"

enum {
    SIM_SLOTS = 4,        /* instances of the service */
    SIM_PARTS = 6,        /* partitions of two topics */
    SIM_PART_INPUTS = 40, /* records in one partition */
    SIM_TIDS = 256,       /* transactional ids of a history */
    SIM_LOG = 16384,      /* records in all output topics */
    SIM_QUEUE = 256,      /* of one producer */
    SIM_ASYNC = 32,       /* commits on their way */
    SIM_TRACE = 100,      /* events remembered */
    SIM_BATCH = 16,       /* the largest batch */
    SIM_RECORD_LIMIT = 2000,
    SIM_UNRESOLVED = -3000, /* a read position that the broker was not asked for yet */
};

enum {
    SIM_SESSION_MS = 6000,
    SIM_TXN_MS = 10000,
    SIM_REBALANCE_MS = 30000,
    SIM_CALL_MS = 2000,    /* the outputs' timeout */
    SIM_INPUT_MS = 13000,  /* inputs arrive until then */
    SIM_FAULTS_MS = 14000, /* faults happen until then */
    SIM_LIMIT_MS = 400000, /* by then everything must be processed */
    SIM_QUIET_MS = 3000,
};

enum sim_topic { SIM_ROUTING, SIM_LINEAGE, SIM_DEADLETTER, SIM_REPLIES, SIM_TOPICS };
enum sim_mode { SIM_TXN, SIM_IDEMPOTENT, SIM_PG, SIM_MODES };

/* What is special about an input. */
enum sim_kind {
    SIM_GOOD,
    SIM_POISON,    /* the stage rejects it */
    SIM_TOMBSTONE, /* the same, with neither key nor value */
    SIM_TOXIC,     /* the stage rejects every batch that has it */
    SIM_LARGE,     /* its result is larger than a record may be */
    SIM_REFUSED,   /* the broker, or the table, refuses its result */
    SIM_HATED,     /* the broker refuses even its dead letter, unless it has no value */
    SIM_HUGE,      /* the stage needs more memory for it than there is */
    SIM_GLUTTON,   /* good, but takes all but a little of the interval's memory */
    SIM_CRASHER,   /* the process dies of it */
    SIM_KINDS
};

/* Everything that has to happen often enough for a run to prove something. */
enum sim_event {
    SIM_EV_KILLED,
    SIM_EV_KILLED_IN_TXN,
    SIM_EV_FROZEN,
    SIM_EV_EXPELLED,
    SIM_EV_TXN_TIMEOUT,
    SIM_EV_CUT,
    SIM_EV_STOPPED,
    SIM_EV_JOINED,
    SIM_EV_REVOKED,
    SIM_EV_REVOKED_LOST,
    SIM_EV_COMMIT_IN_REVOKE,
    SIM_EV_FENCED_EPOCH,
    SIM_EV_FENCED_GENERATION,
    SIM_EV_LOST_INIT,
    SIM_EV_LOST_OFFSETS,
    SIM_EV_LOST_COMMIT,
    SIM_EV_LEFT_BEHIND,
    SIM_EV_END_LATE,
    SIM_EV_COORDINATOR_DOWN,
    SIM_EV_QUEUE_FULL,
    SIM_EV_DELIVERY_FAILED,
    SIM_EV_REFUSED,
    SIM_EV_UNSTABLE,
    SIM_EV_BEGAN_EARLY,
    SIM_EV_SEEK_FAILED,
    SIM_EV_SEEK_UNDONE,
    SIM_EV_REOPEN_FAILED,
    SIM_EV_POLL_FAILED,
    SIM_EV_STAGE_RETRY,
    SIM_EV_STAGE_REJECT,
    SIM_EV_STAGE_FULL,
    SIM_EV_CRASHED,
    SIM_EV_FUSED,
    SIM_EV_PG_DOWN,
    SIM_EV_PG_LOST_COMMIT,
    SIM_EV_PG_FENCED,
    SIM_EV_PG_REFUSED,
    SIM_EV_PG_OWNER_GONE,
    SIM_EVENTS
};

struct sim_input {
    int64_t offset;
    enum sim_kind kind;
    uint64_t visible_ms;
    char key[16], value[48];
    size_t key_len, value_len; /* of a tombstone: absent */
    uint32_t seen[SIM_TOPICS]; /* visible records about it */
    uint32_t rows;             /* in the table */
    uint32_t crashes;          /* of processes that had it in hand */
    bool fused;                /* its dead letter says that the fuse did it */
};

struct sim_part {
    const char *topic;
    int32_t partition;
    size_t count;
    struct sim_input in[SIM_PART_INPUTS];
    int64_t committed; /* of the group; LAC_KAFKA_NONE */
    int64_t row_next;  /* of the table */
    int64_t row_epoch;
};

enum sim_txn_state { SIM_TXN_OPEN, SIM_TXN_COMMITTED, SIM_TXN_ABORTED };

struct sim_out {
    uint8_t topic;
    int16_t part;
    int16_t index;
    bool fused;
    int txn; /* -1: not in one */
};

struct sim_entry { /* a record in a producer's queue */
    uint8_t topic;
    int16_t part;
    int16_t index;
    bool refused, fused, bare;
    const char *value; /* borrowed until it is delivered: that is the contract */
    size_t len;
};

/* What the coordinator knows of a transactional id. */
struct sim_tid {
    int64_t epoch;
    bool open;
    int txn; /* the open one */
    uint64_t started_ms;
    bool has[SIM_PARTS];
    int64_t offset[SIM_PARTS];
    /* What a broken connection left behind, and the epoch it was sent in; 0: nothing. */
    struct sim_entry late, twin;
    int64_t late_epoch, twin_epoch;
    int64_t late_end_epoch; /* of an EndTxn that was sent again and arrives after all; 0: none */
};

struct sim_async { /* an offset commit that nobody waits for */
    size_t n;
    int part[SIM_PARTS];
    int64_t offset[SIM_PARTS];
    int64_t generation;
    int member;
};

struct sim;

struct sim_proc { /* one process with one lane */
    struct sim *s;
    int slot, incarnation;
    bool alive, killed, frozen;
    struct sim_fiber *fiber;
    struct lac_lane *lane;
    struct lac_output_kafka kafka;
    uint64_t wake_ms, thaw_ms, cut_ms;
    bool in_revoke;

    /* consumer */
    int member; /* 0: not in the group */
    int64_t generation;
    bool owns, lost, joined, leaving, assign_pending, broke;
    uint64_t beat_ms, learn_ms;
    bool mine[SIM_PARTS], given[SIM_PARTS];
    int64_t at[SIM_PARTS];
    uint64_t undo_ms[SIM_PARTS]; /* when a seek is undone; 0: never */
    bool undone;                 /* one was, in this assignment */
    int current;
    struct sim_async async[SIM_ASYNC];
    size_t async_count;

    /* producer */
    int tid;
    int64_t epoch;
    bool ready, begun, fatal, ended;
    bool interrupted; /* a connection broke since it was opened */
    int broken_code;  /* the transaction can only be aborted */
    struct sim_entry queue[SIM_QUEUE];
    size_t queued;
    size_t failed;
    int failed_code;

    /* side producer */
    struct sim_entry side[SIM_QUEUE];
    size_t side_count, side_failed;
    int side_code;

    /* pg */
    bool held[SIM_PARTS];
    int64_t pg_next[SIM_PARTS], pg_epoch[SIM_PARTS];
    struct lac_str rows[SIM_QUEUE];
    size_t row_count;

    /* stage */
    struct sim_input *hand[SIM_BATCH];
    size_t hand_count;
};

struct sim_rates { /* chances in 1,000 per opportunity, drawn for each history */
    uint32_t kill_in_call, freeze_in_call, lost_reply, queue_full, delivery, seek, reopen, poll;
    uint32_t unstable, stage_retry, pg, left_behind, resend, undo;
};

struct sim {
    uint64_t seed, random;
    uint64_t now_ms, next_ms; /* of the next thing that befalls somebody */
    bool faults, settled;
    bool replies_early, stable_ids, fuses;
    bool preparing; /* a rebalance */
    bool failed;
    struct sim_rates rate;
    enum sim_mode mode;
    size_t queue_limit, row_limit, crashers;
    struct lac_lane_options options;
    char names[SIM_SLOTS][24], fuse_paths[SIM_SLOTS][128];

    struct sim_part part[SIM_PARTS];
    size_t part_count;
    struct sim_out log[SIM_LOG];
    size_t log_count;
    enum sim_txn_state *txns; /* grows */
    size_t txn_count, txn_capacity;
    struct sim_tid tid[SIM_TIDS];
    uint64_t coordinator_ms, stage_ms; /* down until */

    struct sim_proc proc[SIM_SLOTS];
    int64_t generation;
    uint64_t preparing_ms;
    int next_member, tid_count;
    uint64_t ghost_ms[SIM_SLOTS]; /* a dead member is one until then */

    size_t handles; /* messages not released */
    uint64_t *events;
    char why[256];
    char trace[SIM_TRACE][120];
    uint64_t traced;
};

/* A result, as the stage writes it and the checks read it. */
struct sim_result {
    uint32_t magic;
    int32_t topic, part, index;
    int64_t offset;
    uint64_t content;
};

/* ---- sim_world.c ---- */
void sim_init(struct sim *s, uint64_t seed, uint64_t *events, const char *folder);
void sim_run(struct sim *s);
void sim_deinit(struct sim *s);

uint64_t sim_random(struct sim *s);
uint64_t sim_below(struct sim *s, uint64_t n);      /* 0 .. n-1 */
bool sim_chance(struct sim *s, uint32_t per_mille); /* never after the faults' end */
void sim_hit(struct sim *s, enum sim_event e);
void sim_fail(struct sim *s, const char *fmt, ...) LAC_PRINTF(2, 3);
void sim_trace(struct sim *s, const struct sim_proc *p, const char *fmt, ...) LAC_PRINTF(3, 4);

void sim_wait(struct sim_proc *p, uint64_t ms); /* others run meanwhile */
void sim_crucial(struct sim_proc *p);           /* the same, and more of it */
void sim_step(struct sim_proc *p); /* before and after an effect: anything can happen */
void sim_kill(struct sim_proc *p, const char *how);
_Noreturn void sim_die(struct sim_proc *p); /* from inside of the lane */
int sim_part_of(const struct sim *s, const char *topic, int32_t partition);

/* ---- sim_group.c ---- */
void sim_group_tick(struct sim *s);
void sim_group_leave(struct sim_proc *p);
void sim_group_forget(struct sim_proc *p);
bool sim_group_accepts(struct sim *s, const struct sim_proc *p, int member, int64_t generation);
bool sim_group_unstable(struct sim *s, int part);
void sim_group_apply(struct sim *s, int part, int64_t offset);
enum lac_status sim_poll(void *io, uint32_t timeout_ms, struct lac_kafka_msg *m, struct lac_err *e);
void sim_poll_break(void *io);
enum lac_status sim_seek(void *io, const struct lac_kafka_position *p, size_t n, struct lac_err *e);
enum lac_status sim_committed(void *io, struct lac_kafka_position *p, size_t n, struct lac_err *e);
enum lac_status sim_commit(void *io, const struct lac_kafka_position *p, size_t n, bool wait,
                           struct lac_err *e);
enum lac_status sim_rejoin(void *io, struct lac_err *e);

/* ---- sim_kafka.c ---- */
extern const struct lac_lane_io_ops sim_io_ops;
void sim_kafka_tick(struct sim *s);
void sim_kafka_in_flight(struct sim_proc *p); /* some of the queue arrives although nobody waits */
bool sim_coordinator_up(struct sim_proc *p);

/* ---- sim_pg.c ---- */
struct lac_output sim_pg_output(struct sim_proc *p);

/* ---- sim_check.c ---- */
enum lac_status sim_stage(void *ctx, struct lac_batch *b, struct lac_err *err);
void sim_check_record(struct sim_proc *p, int topic, const struct lac_kafka_record *r,
                      struct sim_entry *out);
void sim_check_value(struct sim_proc *p, const struct sim_entry *e);
struct sim_input *sim_check_row(struct sim_proc *p, struct lac_str row);
void sim_check_prefix(struct sim *s, int part, int64_t from, int64_t to);
bool sim_check_done(const struct sim *s);
void sim_check_end(struct sim *s);

#endif
