/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_deadletter - what the parts of `lacuna deadletter` share: which records, one by one
 *
 * Private to lac_cli_deadletter*.c. Thread: main.
 */
#ifndef LAC_CLI_DEADLETTER_H
#define LAC_CLI_DEADLETTER_H

#include <stddef.h>
#include <stdint.h>

#include "lac_cli.h"
#include "lac_cli_stream.h"
#include "lac_kafka.h"
#include "lac_str.h"

/* Which records. */
struct lac_cli_deadletter_filter {
    const char *topic, *reason, *since;
    uint64_t max;
    const char *const *ids; /* "PARTITION:OFFSET" */
    size_t id_count;
    /* Where each partition ended when lac_cli_deadletter_walk() first looked; later walks go no
     * further. Owned: free() it with the filter. */
    int64_t *ends;
    size_t end_count;
};

/* What its headers say of a record; borrowed from it. Empty where there is none. */
struct lac_cli_deadletter {
    struct lac_str topic, partition, offset, reason, detail;
};

/* -1: go on. Else the exit status to stop with. */
typedef int lac_cli_deadletter_fn(void *ctx, struct lac_cli_stream *s,
                                  const struct lac_kafka_msg *msg,
                                  const struct lac_cli_deadletter *l);

/* Calls `each` for every dead letter that is wanted, until it says stop with a status >= 0, which
 * is returned; -1 otherwise. `*seen`: how many were wanted. What fails is said. */
int lac_cli_deadletter_walk(const struct lac_tool *t, struct lac_cli_deadletter_filter *f,
                            lac_cli_deadletter_fn *each, void *ctx, uint64_t *seen);

/* Takes the operands as ids. -1, or the exit status where one is none, which is said. */
int lac_cli_deadletter_ids(const struct lac_tool *t, struct lac_cli_deadletter_filter *f);

/* `lacuna deadletter retry` */
int lac_cli_deadletter_retry(int argc, char **argv);

#endif
