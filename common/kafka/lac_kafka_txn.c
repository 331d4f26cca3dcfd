/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_clock.h"
#include "lac_kafka_priv.h"

/* How often deliveries are looked at before a commit, and for how long at most. */
enum { LOOK_MS = 2, LOOK_FOR_MS = 250 };

enum lac_kafka_txn lac_kafka_txn_init(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                      struct lac_err *err)
{
    return lac_kafka_txn_outcome(
        err, "init_transactions",
        rd_kafka_init_transactions(lac_kafka_producer_handle(p), (int)timeout_ms));
}

enum lac_kafka_txn lac_kafka_txn_begin(struct lac_kafka_producer *p, struct lac_err *err)
{
    return lac_kafka_txn_outcome(err, "begin_transaction",
                                 rd_kafka_begin_transaction(lac_kafka_producer_handle(p)));
}

enum lac_kafka_txn lac_kafka_txn_send_offsets(struct lac_kafka_producer *p,
                                              struct lac_kafka_consumer *c,
                                              const struct lac_kafka_position *positions, size_t n,
                                              uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_consumer_group_metadata_t *member =
        rd_kafka_consumer_group_metadata(lac_kafka_consumer_handle(c));
    rd_kafka_topic_partition_list_t *list = lac_kafka_list(positions, n);
    rd_kafka_error_t *e = rd_kafka_send_offsets_to_transaction(lac_kafka_producer_handle(p), list,
                                                               member, (int)timeout_ms);

    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(member);
    return lac_kafka_txn_outcome(err, "send_offsets_to_transaction", e);
}

/*
 * Waits a moment for deliveries. The commit waits for them too, but without a delivery callback it
 * looks only every 10 ms, which it need not do when nothing is left. A transaction that has failed
 * may never deliver: what is missing after the moment, and why, is the commit's to tell.
 */
static void await_deliveries(rd_kafka_t *rk, uint32_t timeout_ms)
{
    uint64_t until =
        lac_clock_mono_ms() + (timeout_ms / 2 < LOOK_FOR_MS ? timeout_ms / 2 : LOOK_FOR_MS);

    while (rd_kafka_outq_len(rk) > 0 && rd_kafka_flush(rk, LOOK_MS) && lac_clock_mono_ms() < until)
        ;
}

enum lac_kafka_txn lac_kafka_txn_commit(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                        struct lac_err *err)
{
    rd_kafka_t *rk = lac_kafka_producer_handle(p);
    uint64_t until = lac_clock_mono_ms() + timeout_ms, now;

    await_deliveries(rk, timeout_ms);
    now = lac_clock_mono_ms();
    return lac_kafka_txn_outcome(
        err, "commit_transaction",
        rd_kafka_commit_transaction(rk, now < until ? (int)(until - now) : 1));
}

enum lac_kafka_txn lac_kafka_txn_abort(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                       struct lac_err *err)
{
    return lac_kafka_txn_outcome(
        err, "abort_transaction",
        rd_kafka_abort_transaction(lac_kafka_producer_handle(p), (int)timeout_ms));
}
