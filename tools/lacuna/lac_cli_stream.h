/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_stream - a topic read by a person: all partitions, no group, no commits
 *
 * And its records as JSON: what our schemas describe is decoded, decision cores too; anything
 * else is shown as text where it is text, else as hex.
 *
 * Thread: main. SIGINT and SIGTERM end the program while the open asks the cluster; from then on
 * they are blocked and end the reading.
 */
#ifndef LAC_CLI_STREAM_H
#define LAC_CLI_STREAM_H

#include "lac_arena.h"
#include "lac_cli.h"
#include "lac_kafka.h"
#include "lac_topics.h"
#include "lac_wire.h"

struct lac_json_writer;
struct lac_registry;

enum { LAC_CLI_PARTITIONS_MAX = 4096 };

struct lac_cli_stream {
    const struct lac_tool *t;
    char topic[LAC_KAFKA_TOPIC_SIZE];
    const struct lac_record_type *type; /* NULL: bytes as received */
    size_t count;                       /* partitions that are read */
    int64_t *end;                       /* [count]: where the log ended at open; a caller who
                                           wants less lowers it */
    struct lac_kafka_consumer *_consumer;
    struct lac_kafka_position *_at; /* owned; [count]: the next to read */
    struct lac_arena _arena;
    struct lac_wire *_wire;
    struct lac_registry *_registry;
    struct lac_buf _value;
    int64_t _since_ms;  /* older records are passed over */
    uint64_t _heard_ms; /* when the last record came, or the reading began */
    bool stopped;       /* by a signal */
};

struct lac_cli_from {
    enum { LAC_CLI_BEGINNING, LAC_CLI_END, LAC_CLI_OFFSET, LAC_CLI_TIME } kind;
    int64_t number; /* offset, or ms since 1970 */
};

/* "beginning", "end", an offset, "10m" (ago) or "2026-11-21T05:33:00Z". */
bool lac_cli_from_parse(const char *text, struct lac_cli_from *from) LAC_MUST_USE;

/* `topic` with or without the prefix, also one that is not ours; `partition` -1: all. -1 or the
 * exit status; close in both cases. */
int lac_cli_stream_open(struct lac_cli_stream *s, const struct lac_tool *t, const char *topic,
                        int64_t partition, const struct lac_cli_from *from);
void lac_cli_stream_close(struct lac_cli_stream *s);

/* OK: a message, to be released. AGAIN: none for `wait_ms`, or a signal came. RETRY, FATAL: the
 * cluster's trouble. */
enum lac_status lac_cli_stream_next(struct lac_cli_stream *s, uint32_t wait_ms,
                                    struct lac_kafka_msg *msg, struct lac_err *err) LAC_MUST_USE;

/* True when all before `end` has been read, or all that anybody can read. */
bool lac_cli_stream_at_end(const struct lac_cli_stream *s);

/* For who reads to the end and got AGAIN before it: -1 while more may come, else the exit status,
 * after saying that the brokers have been silent for too long. */
int lac_cli_stream_wait(const struct lac_cli_stream *s);

/* Writes one object: topic, partition, offset, timestamp, key, headers and value. */
void lac_cli_stream_json(struct lac_cli_stream *s, const struct lac_kafka_msg *msg,
                         struct lac_buf *out);

#endif
