/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_topic - the control topic, read from its beginning and written to
 *
 * The topic has one partition in the table; others are read too. Writing is a transaction under an
 * id that all pushers of a name share: a push that meets another one fails as a whole instead of
 * sharing its version number, and readers see all of its records or none.
 *
 * Thread: owner.
 */
#ifndef LAC_CONTROL_TOPIC_H
#define LAC_CONTROL_TOPIC_H

#include "lac_control_record.h"
#include "lac_kafka.h"

struct lac_control_reader;

/* `topic` is the full name. AGAIN: there is no such topic. RETRY: no broker answers. FATAL: not
 * allowed. */
enum lac_status lac_control_reader_open(struct lac_control_reader **out,
                                        const struct lac_kafka_options *kafka, const char *topic,
                                        struct lac_err *err) LAC_MUST_USE;
void lac_control_reader_close(struct lac_control_reader *r); /* accepts NULL */

/* One record as it was found. */
struct lac_control_read {
    bool deleted;       /* the record with `key` does not count any more; no `record` */
    struct lac_str key; /* borrowed as `record` */
    bool malformed;     /* it can't be decoded: `record` is empty, `why` says what is wrong */
    char why[LAC_ERR_TEXT_SIZE];
    struct lac_control record; /* borrowed until the next call */
    int64_t offset, timestamp;
};

/* Waits up to `wait_ms`. OK: `out` is filled. AGAIN: nothing now. RETRY, FATAL: as
 * lac_kafka_poll(). */
enum lac_status lac_control_reader_next(struct lac_control_reader *r, uint32_t wait_ms,
                                        struct lac_control_read *out,
                                        struct lac_err *err) LAC_MUST_USE;

/* Whether the end was met, and nothing came since. */
bool lac_control_reader_at_end(const struct lac_control_reader *r);

struct lac_control_writer;

/* Opens and fences other pushers of `name`: what they have not committed yet will fail. RETRY: no
 * broker answers in time. FATAL: not allowed. */
enum lac_status lac_control_writer_open(struct lac_control_writer **out,
                                        const struct lac_kafka_options *kafka, const char *topic,
                                        struct lac_str name, struct lac_err *err) LAC_MUST_USE;
void lac_control_writer_close(struct lac_control_writer *w); /* accepts NULL */

/* What is pushed: the record of its first chunk; content, chunk and chunks are set here. */
struct lac_control_push {
    struct lac_control record; /* with name, role, share, version, pack, activation, expires */
    struct lac_str content;
    const struct lac_sign_key *key; /* NULL: unsigned */
    const char *const *deletions;   /* keys of records to delete with it */
    size_t deletion_count;
};

/* Writes all of it or nothing. REJECT: another push came between; start over from reading. RETRY:
 * nobody knows: read the topic. FATAL: not allowed, or too large for the broker. */
enum lac_status lac_control_writer_push(struct lac_control_writer *w,
                                        const struct lac_control_push *p,
                                        struct lac_err *err) LAC_MUST_USE;

#endif
