/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_lane_priv - the lane's state, shared by the files that are the lane
 *
 *   lac_lane.c            life, the loop, collecting, rebalances
 *   lac_lane_step.c       a batch through stage and output, by slices
 *   lac_lane_interval.c   commit, abort, going back, back-off
 *   lac_lane_group.c      topics that are made anew
 *   lac_lane_deadletter.c what becomes of rejected records
 */
#ifndef LAC_LANE_PRIV_H
#define LAC_LANE_PRIV_H

#include <pthread.h>

#include "lac_fuse.h"
#include "lac_lane.h"
#include "lac_log.h"

enum {
    LANE_TOPIC_NAMES = 16,       /* input topics of one lane */
    LANE_BACKOFF_FIRST_MS = 100, /* doubled each time, up to .. */
    LANE_BACKOFF_LAST_MS = 5000,
    LANE_NAP_MS = 50,     /* longest sleep between two looks at the stop flag and the group */
    LANE_IDLE_MS = 100,   /* longest poll */
    LANE_LAG_MS = 1000,   /* between two updates of the lag metric */
    LANE_SAY_MS = 30000,  /* between two log lines about the same outage */
    LANE_LONG_MS = 1000,  /* a slice that takes longer is not alone of its kind: for .. */
    LANE_SENT_ON_MAX = 3, /* a position that can't be reached then does not exist */
    LANE_LONG_FOR = 128,  /* .. so many slices nothing waits uncommitted behind the next */
};

struct lane_partition {
    const char *topic; /* interned in the lane */
    int32_t partition;
    int64_t first;   /* first offset seen in this assignment, LAC_KAFKA_NONE before */
    int64_t next;    /* behind the last processed record */
    int64_t taken;   /* behind the last that waits in the batch, LAC_KAFKA_NONE: none does */
    int64_t durable; /* behind the last committed one */
    int64_t stale;   /* what the group has of the log before; if `first` says that there was one */
    int64_t last;    /* the last that was taken, LAC_KAFKA_NONE: none yet; .. */
    int64_t last_ms; /* .. its time: another record at its place means another log */
    int64_t seek_to; /* where reading must go back to, LAC_KAFKA_NONE: nowhere */
    int sent_on;     /* times in a row that it came from before that, and was told to go on there */
    uint64_t short_ms; /* since when its log is known to be shorter than that, 0: it is not */
    bool replaced;     /* its log is another one than when it was assigned */
    int64_t culprit;   /* a record whose commit was refused although it was alone */
    int culprit_level; /* 0 none, 1 dead-letter it unseen, 2 without its value */
    int64_t blank;     /* from here, LAC_KAFKA_NONE: from where reading began, up to .. */
    int64_t blank_end; /* .. here there is no record to read; LAC_KAFKA_NONE: nobody said so */
    uint64_t heard_ms; /* when its last record was processed */
    bool grouped;      /* the group's offset was seen: it can only vanish with the topic */
    bool asked;        /* the group was asked for it since the partition is ours */
    struct lac_gauge *lag;
};

/* What happens before new records may be processed, in this order. */
struct lane_pending {
    bool abort;  /* the interval is lost: tell the output */
    bool rewind; /* ask where the committed position is */
    bool fresh;  /* partitions are new: the output may have to take ownership of them */
    bool rejoin; /* ownership was lost: leave the group and join again */
    bool seek;   /* some partition has a seek_to */
};

struct lac_lane {
    struct lac_lane_options o;
    struct lac_lane_io io;
    struct lac_output output;
    struct lac_stage stage;
    struct lac_lane_health health;
    atomic_bool stop;
    bool in_callback; /* inside a rebalance callback */
    bool overflow;    /* more partitions or topics than the tables hold */
    bool fatal;       /* a rebalance callback failed for good: fatal_err says why */
    struct lac_err fatal_err;

    char topic_names[LANE_TOPIC_NAMES][LAC_KAFKA_TOPIC_SIZE];
    size_t topic_name_count;
    struct lane_partition *partitions; /* [LAC_LANE_PARTITIONS_MAX] */
    size_t partition_count;
    size_t last_hit; /* index of the partition found last: messages come in runs */
    struct lac_kafka_position *positions; /* scratch, [LAC_LANE_PARTITIONS_MAX] */

    /* The batch being collected. */
    struct lac_kafka_msg *msgs; /* [o.batch_count] */
    size_t count, bytes, tokens;
    uint64_t opened_ms;

    /* The interval being filled. */
    struct lac_arena arena;
    struct lac_batch batch;
    bool dirty;            /* something is written or a position moved */
    uint64_t began_ms;     /* of the first batch: after one that took long there is no second */
    size_t interval_count; /* messages in it */
    size_t side_pending;   /* dead letters sent apart and not yet known to be safe */
    unsigned long_left;    /* slices before which what is open is committed */

    struct lane_pending pending;
    uint32_t attempt; /* failures in a row, for the back-off */
    uint64_t hold_until_ms;
    uint64_t say_after_ms;
    bool trouble; /* the cluster complained, and has not answered since */
    pthread_mutex_t why_lock;
    char why[LAC_ERR_TEXT_SIZE]; /* of the last wait; under why_lock */
    uint64_t probe_due_ms;       /* when to ask it again */
    uint64_t random;

    /* A commit was refused because of some record: smaller intervals until it is found. */
    size_t isolate_limit; /* messages per interval; 0: as many as come */
    size_t isolate_left;  /* messages until the normal size is tried again */
    bool culprits;        /* some partition has one */

    struct lac_fuse *fuse;
    uint64_t lag_due_ms;
    uint64_t group_due_ms; /* when to ask, being idle, whether topics are the same */
    bool unsure;           /* they may not be: to be asked before the next commit */

    struct lac_counter *records_total, *bytes_total, *batches_total, *commits_total, *aborts_total;
    struct lac_counter *retries_total, *replies_lost_total, *rebalances_total;
    struct lac_histogram *batch_size, *stage_seconds, *commit_seconds;
    struct lac_gauge *commit_age;
};

/* lac_lane.c */
struct lane_partition *lane_find(struct lac_lane *l, const char *topic, int32_t partition);
void lane_drop(struct lac_lane *l, struct lac_kafka_msg *msg);
void lane_drop_batch(struct lac_lane *l, size_t from);
void lane_enter(struct lac_lane *l, enum lac_lane_state s);
void lane_wait_for(struct lac_lane *l, const struct lac_err *err);

/* lac_lane_step.c: runs what was collected; on RETRY the rest is marked to be read again. */
enum lac_status lane_process(struct lac_lane *l, struct lac_err *err);

/* lac_lane_interval.c */
enum lac_status lane_commit(struct lac_lane *l, struct lac_err *err);
enum lac_status lane_recover(struct lac_lane *l, struct lac_err *err);
bool lane_is_pending(const struct lac_lane *l);
void lane_back_off(struct lac_lane *l, const char *event, const struct lac_err *err);
void lane_well(struct lac_lane *l);
void lane_send_replies(struct lac_lane *l);
void lane_reset_interval(struct lac_lane *l);

/* lac_lane_group.c: a record of `p` is processed; OK: all topics are those that were read before,
 * RETRY with code 0: one was made anew, FATAL: and its output can't go on. */
void lane_heard(struct lac_lane *l, struct lane_partition *p, uint64_t now);
/* Says where to go on after a record at `from`, from before. False: nowhere, there is no such
 * place. */
bool lane_send_on(struct lac_lane *l, struct lane_partition *p, int64_t from, int64_t behind);

/* What is at the place of the last record that was taken; if it is another one, reading begins at
 * the start of this log. */
void lane_compare(struct lac_lane *l, struct lane_partition *p, const struct lac_kafka_msg *msg);
enum lac_status lane_same_topics(struct lac_lane *l, struct lac_err *err);
enum lac_status lane_look_when_idle(struct lac_lane *l, uint64_t now, struct lac_err *err);

/* lac_lane_deadletter.c: fills `out` (headers in the arena) for message `index`. `bare` leaves
 * the value out. AGAIN: the arena is full. */
enum lac_status lane_dead_letter(struct lac_lane *l, size_t index, bool bare,
                                 struct lac_kafka_record *out);
void lane_count_reject(struct lac_lane *l, const char *reason);

#endif
