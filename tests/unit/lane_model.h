/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane_model - a Kafka small enough to reason about, and hostile
 *
 * One input topic, one group with the eager protocol, one transaction coordinator, an output
 * that everybody can read back. A few lanes run against it in one thread. Every I/O call may
 * fail before it has an effect, fail after it (the reply is lost), take so long that the group
 * gives the member up, or be the last thing its process does. While one lane is inside such a
 * call, the others go on.
 *
 * What it models, because lanes lean on it:
 *  - a new generation begins when all live members have rejoined, or the silent are expelled
 *  - offsets of a transaction are checked against the generation that the member believes in
 *  - committed offsets are not told while a transaction holds newer ones
 *  - init_transactions fences the older holder of the id and aborts what it left open
 *  - a transaction that stays open too long is aborted, and its producer fenced
 */
#ifndef LANE_MODEL_H
#define LANE_MODEL_H

#include <setjmp.h>

#include "lac_lane.h"

enum {
    MODEL_PARTITIONS = 4,
    MODEL_RECORDS = 40, /* per partition, at most */
    MODEL_LANES = 3,
    MODEL_PENDING = MODEL_PARTITIONS * MODEL_RECORDS * 4,
    MODEL_SESSION_MS = 6000,
    MODEL_TXN_MS = 10000,
};

enum model_kind {
    MODEL_PLAIN,   /* the stage makes an output of it */
    MODEL_BAD,     /* the stage rejects it */
    MODEL_POISON,  /* the stage refuses a whole batch with it, without saying why */
    MODEL_REFUSED, /* the broker refuses the output that the stage makes of it */
};

struct model_record {
    int partition;
    int64_t offset;
    bool dead_letter;
};

/* An open transaction, or none; by transactional id. */
struct model_txn {
    int epoch;
    bool open;
    uint64_t began_ms;
    int64_t offsets[MODEL_PARTITIONS]; /* -1: none sent */
};

struct model;

struct model_lane {
    struct model *m;
    int slot; /* also its transactional id */
    bool alive, busy;
    struct lac_lane *lane;
    struct lac_output_kafka output;
    jmp_buf death;

    /* as a group member */
    bool member, rejoined, expelled, must_assign;
    int generation;
    uint64_t seen_ms;
    bool owned[MODEL_PARTITIONS];
    int64_t position[MODEL_PARTITIONS]; /* -1: not resolved yet */

    /* as a producer */
    int epoch;
    bool lost_reply; /* the last commit was applied and its answer lost */
    struct model_record pending[MODEL_PENDING];
    size_t pending_count;
    size_t failed;
    char key[32]; /* of the message handed out last */
};

struct model {
    uint64_t random, now_ms, rebalance_ms;
    uint32_t fault_ppm; /* of one I/O call; 0 at the end of a history */
    bool transactional;
    int generation;
    bool rebalancing;
    int64_t length[MODEL_PARTITIONS];
    enum model_kind kind[MODEL_PARTITIONS][MODEL_RECORDS];
    int64_t committed[MODEL_PARTITIONS]; /* -1: nothing */
    struct model_txn txn[MODEL_LANES];
    struct model_lane lanes[MODEL_LANES];
    unsigned visible[MODEL_PARTITIONS][MODEL_RECORDS]; /* outputs, dead letters among them */
    unsigned dead[MODEL_PARTITIONS][MODEL_RECORDS];
    int depth;      /* lanes that are inside a call */
    unsigned fatal; /* turns that gave up: none should, nothing here is a person's fault */
    /* what happened, to show that the history was worth running */
    unsigned crashes, freezes, aborts, fences, lost_replies, rebalances;
};

void model_init(struct model *m, uint64_t seed, bool transactional);

uint64_t model_random(struct model *m);

/* True once in `n`. */
bool model_chance(struct model *m, uint32_t n);

/* Starts a lane in a free slot; stops one in order; runs one turn of one. */
bool model_start(struct model *m, int slot);
void model_stop(struct model *m, int slot);
void model_turn(struct model *m, int slot);

/* Kills without a word. */
void model_kill(struct model *m, int slot);

/* True when everything is committed; without transactions, when everything is visible. */
bool model_done(const struct model *m);

#endif
