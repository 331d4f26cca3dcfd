/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_kafka_priv.h"

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
    const rd_kafka_consumer_group_metadata_t *member = lac_kafka_consumer_member(c);
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_error_t *e;

    if (!member) {
        (void)lac_err_set(err, LAC_RETRY, 0,
                          "kafka: send_offsets_to_transaction: the group has given the partitions "
                          "to others");
        return LAC_KAFKA_TXN_ABORT;
    }
    list = lac_kafka_list(positions, n);
    e = rd_kafka_send_offsets_to_transaction(lac_kafka_producer_handle(p), list, member,
                                             (int)timeout_ms);
    /* A delivery that is refused while the call is under way leaves it with no more to say than
     * that the state is wrong. Asked again, it has the reason: without it, the same records would
     * be tried for ever. */
    if (e && rd_kafka_error_code(e) == RD_KAFKA_RESP_ERR__STATE) {
        rd_kafka_error_destroy(e);
        e = rd_kafka_send_offsets_to_transaction(lac_kafka_producer_handle(p), list, member,
                                                 (int)timeout_ms);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return lac_kafka_txn_outcome(err, "send_offsets_to_transaction", e);
}

enum lac_kafka_txn lac_kafka_txn_commit(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                        struct lac_err *err)
{
    return lac_kafka_txn_outcome(
        err, "commit_transaction",
        rd_kafka_commit_transaction(lac_kafka_producer_handle(p), (int)timeout_ms));
}

enum lac_kafka_txn lac_kafka_txn_abort(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                       struct lac_err *err)
{
    return lac_kafka_txn_outcome(
        err, "abort_transaction",
        rd_kafka_abort_transaction(lac_kafka_producer_handle(p), (int)timeout_ms));
}
