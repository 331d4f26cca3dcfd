/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_kafka_priv.h"

/*
 * The one table. What is not listed is RETRY: most of librdkafka's errors are about a broker,
 * a leader or a coordinator, and to wait is never wrong, while to drop a record may be.
 */
static const struct {
    int code;
    enum lac_status status;
} statuses[] = {
    {RD_KAFKA_RESP_ERR_NO_ERROR, LAC_OK},

    {RD_KAFKA_RESP_ERR__PARTITION_EOF, LAC_AGAIN},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, LAC_AGAIN},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, LAC_AGAIN},

    /* The record itself: no other broker, no later time makes it acceptable. */
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, LAC_REJECT},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, LAC_REJECT},
    {RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, LAC_REJECT},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, LAC_REJECT},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, LAC_REJECT},

    /* Not the record but a clock: ours stamped it. Any other would meet the same, and all of them
     * pass when the clock is right. */
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, LAC_RETRY},

    /* A person has to change something. */
    {RD_KAFKA_RESP_ERR__FATAL, LAC_FATAL},
    {RD_KAFKA_RESP_ERR__FENCED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, LAC_FATAL},
    {RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR__NOT_CONFIGURED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, LAC_FATAL},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_GROUP_ID, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_REQUEST, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_SECURITY_DISABLED, LAC_FATAL},
    {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, LAC_FATAL},
};

enum lac_status lac_kafka_status(int code)
{
    for (size_t i = 0; i < LAC_COUNT(statuses); i++)
        if (statuses[i].code == code)
            return statuses[i].status;
    return LAC_RETRY;
}

/* Brokers take records up to an hour ahead of their own clocks (message.timestamp.after.max.ms). */
#define CLOCK_ADVICE "this machine's clock is wrong, or the broker's: they differ too much"

/* What helps, where a broker's answer alone doesn't say so. */
static const char *advice(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return "; an ACL must let this user at each topic that the program reads or writes";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return "; an ACL must let this user read as the program's group";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "; an ACL must let this user write with transactional ids that begin with the group";
    default:
        return "";
    }
}

const char *lac_kafka_code_text(int code)
{
    if (code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
        return CLOCK_ADVICE " (INVALID_TIMESTAMP)";
    return rd_kafka_err2str((rd_kafka_resp_err_t)code);
}

/* The library's own words may be long, and what has to be done must not be cut off behind them. */
static const char *advice_before(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ? CLOCK_ADVICE ": " : "";
}

enum lac_status lac_kafka_fail(struct lac_err *err, const char *what, rd_kafka_resp_err_t code)
{
    return lac_err_set(err, lac_kafka_status(code), code, "kafka: %s: %s%s (%s)%s", what,
                       advice_before(code), rd_kafka_err2str(code), rd_kafka_err2name(code),
                       advice(code));
}

enum lac_status lac_kafka_fail_error(struct lac_err *err, const char *what, rd_kafka_error_t *e)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(e);
    enum lac_status status = lac_kafka_status(code);

    if (e)
        (void)lac_err_set(err, status, code, "kafka: %s: %s%s (%s)%s", what, advice_before(code),
                          rd_kafka_error_string(e), rd_kafka_error_name(e), advice(code));
    rd_kafka_error_destroy(e);
    return status;
}

/* A fatal producer error is the end of this producer, not of the process, unless a new one
 * would be refused for the same reason. */
static bool never_allowed(int code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__NOT_CONFIGURED:
        return true;
    default:
        return false;
    }
}

enum lac_kafka_txn lac_kafka_txn_decide(int code, bool fatal, bool abort, bool retriable)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return LAC_KAFKA_TXN_DONE;
    if (never_allowed(code))
        return LAC_KAFKA_TXN_STOP;
    if (fatal)
        return LAC_KAFKA_TXN_RECREATE;
    if (abort)
        return LAC_KAFKA_TXN_ABORT;
    if (retriable)
        return LAC_KAFKA_TXN_REPEAT;
    return LAC_KAFKA_TXN_RECREATE; /* a state we do not understand: a new epoch is a known one */
}

enum lac_kafka_txn lac_kafka_txn_outcome(struct lac_err *err, const char *what, rd_kafka_error_t *e)
{
    enum lac_kafka_txn outcome =
        e ? lac_kafka_txn_decide(rd_kafka_error_code(e), rd_kafka_error_is_fatal(e),
                                 rd_kafka_error_txn_requires_abort(e),
                                 rd_kafka_error_is_retriable(e))
          : LAC_KAFKA_TXN_DONE;

    if (e)
        (void)lac_err_set(err, outcome == LAC_KAFKA_TXN_STOP ? LAC_FATAL : LAC_RETRY,
                          rd_kafka_error_code(e), "kafka: %s: %s%s (%s)%s", what,
                          advice_before(rd_kafka_error_code(e)), rd_kafka_error_string(e),
                          rd_kafka_error_name(e), advice(rd_kafka_error_code(e)));
    rd_kafka_error_destroy(e);
    return outcome;
}

const char *lac_kafka_library(void)
{
    return rd_kafka_version_str();
}
