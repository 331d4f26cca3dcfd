/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_kafka_mock - librdkafka's broker inside this process
 *
 * For `lacuna dev` and component tests. Other processes can connect to it on 127.0.0.1. It
 * keeps 5 MiB a partition and forgets the oldest silently, loses all with the process, and
 * proves nothing about transactions: it throws offsets in them away and shows aborted records.
 * An empty fetch waits out fetch.wait.max.ms, so its clients set that to a few milliseconds.
 *
 * Thread: any, one call at a time.
 */
#ifndef LAC_KAFKA_MOCK_H
#define LAC_KAFKA_MOCK_H

#include "lac_kafka.h"

struct lac_kafka_mock;

enum lac_status lac_kafka_mock_new(struct lac_kafka_mock **out, int brokers,
                                   struct lac_err *err) LAC_MUST_USE;
void lac_kafka_mock_free(struct lac_kafka_mock *m); /* accepts NULL */

/* "127.0.0.1:PORT[,...]". Borrowed from `m`. */
const char *lac_kafka_mock_bootstrap(const struct lac_kafka_mock *m);

enum lac_status lac_kafka_mock_topic(struct lac_kafka_mock *m, const char *name, int partitions,
                                     struct lac_err *err) LAC_MUST_USE;

/* What a test can make fail; the protocol's API keys. */
enum lac_kafka_api {
    LAC_KAFKA_API_PRODUCE = 0,
    LAC_KAFKA_API_FETCH = 1,
    LAC_KAFKA_API_LIST_OFFSETS = 2,
    LAC_KAFKA_API_METADATA = 3,
    LAC_KAFKA_API_OFFSET_COMMIT = 8,
    LAC_KAFKA_API_JOIN_GROUP = 11,
    LAC_KAFKA_API_HEARTBEAT = 12,
    LAC_KAFKA_API_INIT_PRODUCER_ID = 22,
    LAC_KAFKA_API_ADD_PARTITIONS_TO_TXN = 24,
    LAC_KAFKA_API_ADD_OFFSETS_TO_TXN = 25,
    LAC_KAFKA_API_END_TXN = 26,
    LAC_KAFKA_API_TXN_OFFSET_COMMIT = 28,
};

/* The next `times` (at most 64) requests of that kind are answered with the protocol's error
 * `code`, on any broker. */
void lac_kafka_mock_fail(struct lac_kafka_mock *m, enum lac_kafka_api api, int code, size_t times);

/* A broker (1 .. brokers) refuses connections, or takes them again. */
void lac_kafka_mock_broker_down(struct lac_kafka_mock *m, int broker, bool down);

/* Adds a delay to everything that a broker answers. */
void lac_kafka_mock_broker_rtt(struct lac_kafka_mock *m, int broker, int rtt_ms);

#endif
