/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_kafka_admin - questions to a cluster, and topics made
 *
 * For tools, start-up checks and health: every call asks a broker and waits for the answer, at
 * most its timeout; while no broker was ever reached, also no longer than until the options'
 * stopped() says so. RETRY: no answer. FATAL: not allowed.
 *
 * Thread: owner.
 */
#ifndef LAC_KAFKA_ADMIN_H
#define LAC_KAFKA_ADMIN_H

#include "lac_kafka.h"

struct lac_kafka_admin;

enum { LAC_KAFKA_CLUSTER_ID_SIZE = 64 };

/* Connects to nothing yet. */
enum lac_status lac_kafka_admin_open(struct lac_kafka_admin **out,
                                     const struct lac_kafka_options *o,
                                     struct lac_err *err) LAC_MUST_USE;
void lac_kafka_admin_close(struct lac_kafka_admin *a); /* accepts NULL */

/* The cluster's own id, NUL-terminated. */
enum lac_status lac_kafka_admin_cluster_id(struct lac_kafka_admin *a, uint32_t timeout_ms,
                                           char out[LAC_KAFKA_CLUSTER_ID_SIZE],
                                           struct lac_err *err) LAC_MUST_USE;

struct lac_kafka_topic_info {
    const char *name;
    int32_t partitions;
    int32_t replicas;   /* of partition 0 */
    int32_t leaderless; /* partitions that can't be read or written at the moment */
};

struct lac_kafka_cluster_info {
    struct lac_kafka_topic_info *topics; /* owned */
    size_t topic_count;
    size_t broker_count;
    void *_metadata;
};

/* All topics, internal ones too. Free with lac_kafka_cluster_info_deinit(). */
enum lac_status lac_kafka_admin_cluster(struct lac_kafka_admin *a, uint32_t timeout_ms,
                                        struct lac_kafka_cluster_info *out,
                                        struct lac_err *err) LAC_MUST_USE;
void lac_kafka_cluster_info_deinit(struct lac_kafka_cluster_info *info);

/* The entry of topic `name`, NULL if it does not exist. Borrowed from `info`. */
const struct lac_kafka_topic_info *
lac_kafka_cluster_topic(const struct lac_kafka_cluster_info *info, const char *name);

struct lac_kafka_new_topic {
    const char *name;
    int32_t partitions;
    int32_t replicas; /* -1: the broker's default */
    const struct lac_kafka_topic_config {
        const char *name;
        const char *value;
    } *config;
    size_t config_count;
    enum lac_status status; /* out: OK made, AGAIN was there already, else why not */
    char why[160];          /* out: for a status other than OK */
};

/* Creates up to 64 topics in one call. The result is OK when every one was made or existed;
 * otherwise the worst of their statuses. Each has its own in it. */
enum lac_status lac_kafka_admin_create_topics(struct lac_kafka_admin *a,
                                              struct lac_kafka_new_topic *topics, size_t n,
                                              uint32_t timeout_ms,
                                              struct lac_err *err) LAC_MUST_USE;

/* What a broker says about how long a topic keeps records, and by whose clock. */
struct lac_kafka_topic_settings {
    const char *name;
    char cleanup[32];        /* out: cleanup.policy; "": nobody said */
    int64_t retention_ms;    /* out: retention.ms, -1: for ever; only with `cleanup` */
    char timestamp_type[16]; /* out: message.timestamp.type; "": nobody said */
};

/* Asks for up to 64 topics in one call. A topic that is not there, or may not be asked about, keeps
 * empty texts. */
enum lac_status lac_kafka_admin_topic_settings(struct lac_kafka_admin *a,
                                               struct lac_kafka_topic_settings *t, size_t n,
                                               uint32_t timeout_ms,
                                               struct lac_err *err) LAC_MUST_USE;

/* First offset and the one behind the last, for one partition. One that is between two leaders is
 * asked for again, for `timeout_ms` at most. */
enum lac_status lac_kafka_admin_watermarks(struct lac_kafka_admin *a, const char *topic,
                                           int32_t partition, uint32_t timeout_ms, int64_t *low,
                                           int64_t *high, struct lac_err *err) LAC_MUST_USE;

/* What `group` has committed: fills each offset, LAC_KAFKA_NONE where it has nothing. */
enum lac_status lac_kafka_admin_committed(struct lac_kafka_admin *a, const char *group,
                                          struct lac_kafka_position *p, size_t n,
                                          uint32_t timeout_ms, struct lac_err *err) LAC_MUST_USE;

/* How many members `group` has now: 0 also for a group that never was, or that this user may not
 * describe. The mock cluster does not tell; what it gives is no OK. */
enum lac_status lac_kafka_admin_members(struct lac_kafka_admin *a, const char *group,
                                        uint32_t timeout_ms, size_t *members,
                                        struct lac_err *err) LAC_MUST_USE;

/* In: each offset is a time in ms since 1970. Out: the first record at or after it,
 * LAC_KAFKA_END when there is none. */
enum lac_status lac_kafka_admin_offsets_for_times(struct lac_kafka_admin *a,
                                                  struct lac_kafka_position *p, size_t n,
                                                  uint32_t timeout_ms,
                                                  struct lac_err *err) LAC_MUST_USE;

#endif
