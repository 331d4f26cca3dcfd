/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_private - what the two halves of a run share: sending, and all around it
 *
 * Private to lacuna-publish. Thread: main.
 */
#ifndef LAC_PUBLISH_PRIVATE_H
#define LAC_PUBLISH_PRIVATE_H

#include "lac_arena.h"
#include "lac_kafka.h"
#include "lac_kafka_admin.h"
#include "lac_progress.h"
#include "lac_publish_again.h"
#include "lac_publish_lag.h"
#include "lac_publish_run.h"
#include "lac_publish_wait.h"
#include "lac_publish_window.h"
#include "lac_topics.h"
#include "lac_wire.h"

struct lac_publish {
    const struct lac_tool *t;
    const struct lac_publish_options *o;
    struct lac_kafka_options kafka;
    struct lac_kafka_producer *producer;
    struct lac_publish_input *input;
    struct lac_publish_window window;
    struct lac_publish_again again;
    size_t refused_in_a_row; /* since a record was acknowledged */
    struct lac_publish_journal journal;
    struct lac_publish_shape shape;
    struct lac_publish_lag *lag;
    struct lac_publish_wait *wait; /* NULL: nobody waits */
    struct lac_wire *wire;
    struct lac_arena arena;
    struct lac_term term; /* stderr */
    struct lac_progress progress;
    char topic_name[LAC_TOPIC_NAME_SIZE];
    char origin[LAC_KAFKA_CLUSTER_ID_SIZE + 256];
    char run_id[17]; /* part of CloudEvents' id for requests without an id */
    int topic;
    uint64_t sent, delivered, bad, failed, resumed_delivered, resumed_bad, bytes;
    uint64_t started_ms, saved_ms, done_bytes;
    bool stopped, journal_broken;
    struct lac_err failure; /* the first record that could not be delivered */
    enum lac_status wait_status;
    struct lac_err wait_err;
};

/* A line on stderr, unless --quiet. */
void lac_publish_say(struct lac_publish *r, const char *fmt, ...) LAC_PRINTF(2, 3);

/* The producer's delivery callback; `ctx` is the struct lac_publish. */
void lac_publish_delivered(void *ctx, const struct lac_kafka_delivery *d, size_t n);

/* Reads and sends until the input ends, a record fails or a signal comes; then waits for what
 * is on its way and saves the journal. Reading errors are the status. */
enum lac_status lac_publish_send_all(struct lac_publish *r, struct lac_err *err) LAC_MUST_USE;

/* What --wait and --table do, and the exit status of that. */
int lac_publish_wait_and_show(struct lac_publish *r, size_t *missing);

#endif
