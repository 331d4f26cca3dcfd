/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_readers - who reads a topic, and how far they are behind
 *
 * Thread: any, with its own admin.
 */
#ifndef LAC_CLI_READERS_H
#define LAC_CLI_READERS_H

#include "lac_kafka_admin.h"
#include "lac_topics.h"

struct lac_cli_readers {
    char group[LAC_TOPIC_NAME_SIZE];
    int64_t waiting; /* records that they have not read; of very many an estimate from offsets */
    int64_t members; /* how many of them run; -1: the broker does not tell */
    bool never;      /* they have read nothing yet */
};

/* Of topic `id`; `o` are the options that `admin` was opened with. AGAIN: there is no such topic,
 * or nobody reads it as a group. Otherwise what the cluster said. */
enum lac_status lac_cli_readers_find(struct lac_cli_readers *r, struct lac_kafka_admin *admin,
                                     const struct lac_kafka_options *o, const char *prefix,
                                     enum lac_topic_id id, struct lac_err *err) LAC_MUST_USE;

#endif
