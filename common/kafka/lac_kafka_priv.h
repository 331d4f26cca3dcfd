/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_kafka_priv - what the files of this folder share, librdkafka's types among it
 */
#ifndef LAC_KAFKA_PRIV_H
#define LAC_KAFKA_PRIV_H

#include <librdkafka/rdkafka.h>

#include "lac_kafka.h"

enum { LAC_KAFKA_WHY_SIZE = 192 };

/* What librdkafka's own threads report about one handle. Fields are atomic, but for `why`. */
struct lac_kafka_side {
    uint64_t log_window_ms; /* start of the period in which log_lines were written */
    uint32_t log_lines;
    int trouble;                  /* code of an error that no call has returned yet, or 0 */
    bool broke;                   /* a connection closed that requests may have been under way on */
    char why[LAC_KAFKA_WHY_SIZE]; /* the last connection that failed: see lac_kafka_note_why() */
};

/* Whether what one of the process's clients reports (`kind`: how) is to be logged: the same is,
 * twice a minute, with the number of those that were not. Thread: any. */
bool lac_kafka_may_say(const char *kind, const char *text, uint64_t *suppressed);

/* Keeps why a connection failed, without the thread, the broker and the time around it; gives it
 * back, "" while none did. Thread: any. */
void lac_kafka_note_why(struct lac_kafka_side *side, const char *text);
void lac_kafka_noted_why(const struct lac_kafka_side *side, char out[LAC_KAFKA_WHY_SIZE]);

/* Does nothing: who calls it has lac_kafka_wait.c in the program, which librdkafka then waits by.
 */
void lac_kafka_wait_monotonic(void);

/* A configuration with everything producers and consumers have in common. NULL and `err`
 * (FATAL) when a value is refused. `side` outlives the handle. */
rd_kafka_conf_t *lac_kafka_conf_common(const struct lac_kafka_options *o,
                                       struct lac_kafka_side *side, struct lac_err *err);

/* Applies o->properties. Last, so that nothing of ours overwrites what an operator asked for;
 * the names the design depends on are not on the list. */
enum lac_status lac_kafka_conf_properties(rd_kafka_conf_t *conf, const struct lac_kafka_options *o,
                                          bool producer, struct lac_err *err) LAC_MUST_USE;

enum lac_status lac_kafka_conf_put(rd_kafka_conf_t *conf, const char *name, const char *value,
                                   struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_kafka_conf_put_number(rd_kafka_conf_t *conf, const char *name, uint64_t value,
                                          struct lac_err *err) LAC_MUST_USE;

/* See lac_kafka_fetch.c. */
struct lac_kafka_fetch {
    bool sleeps; /* this library's fetcher does */
    uint64_t asked_ms;
    rd_kafka_topic_partition_list_t *assigned; /* own; asking librdkafka wakes its main thread */
    int turn;                                  /* of them */
};

/* Makes the fetcher's pause short; false: this library does not know the setting. */
bool lac_kafka_fetch_setup(rd_kafka_conf_t *conf);

/* What is read from now on; NULL: nothing. Thread: the one that polls. */
void lac_kafka_fetch_assigned(struct lac_kafka_fetch *f,
                              const rd_kafka_topic_partition_list_t *list);

/* The queue is empty: wakes a fetcher that sleeps although there is more to read. At most every 50
 * ms; waits for a broker's answer, 100 ms at the longest. Thread: the one that polls. */
void lac_kafka_fetch_wake(rd_kafka_t *rk, struct lac_kafka_fetch *f);

/* Sets `err` to the status of `code` with "kafka: WHAT: text" and returns the status. */
enum lac_status lac_kafka_fail(struct lac_err *err, const char *what, rd_kafka_resp_err_t code);

/* The same for an error object, which it destroys. NULL is LAC_OK. */
enum lac_status lac_kafka_fail_error(struct lac_err *err, const char *what, rd_kafka_error_t *e);

/* What has to be done after a transactional call; destroys `e`. */
enum lac_kafka_txn lac_kafka_txn_outcome(struct lac_err *err, const char *what,
                                         rd_kafka_error_t *e);

/* The same decision from the error's parts, apart so that a test can name every row. */
enum lac_kafka_txn lac_kafka_txn_decide(int code, bool fatal, bool abort, bool retriable);

/* `positions` as librdkafka's list; NULL when memory runs out. */
rd_kafka_topic_partition_list_t *lac_kafka_list(const struct lac_kafka_position *p, size_t n);

/* The first error among the list's elements, or NO_ERROR. */
rd_kafka_resp_err_t lac_kafka_list_error(const rd_kafka_topic_partition_list_t *list);

/* Who the consumer was in its group when its partitions were given to it; NULL while it has none.
 * Asked for when a transaction ends, librdkafka tells who it is then: after the group has expelled
 * it that may be nobody, and a broker takes offsets of nobody without asking whose they are. */
const rd_kafka_consumer_group_metadata_t *lac_kafka_consumer_member(struct lac_kafka_consumer *c);
rd_kafka_t *lac_kafka_producer_handle(struct lac_kafka_producer *p);

#endif
