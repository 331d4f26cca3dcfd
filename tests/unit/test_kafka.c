/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: every error of librdkafka that matters is answered the right way, and operators can set
 * what is theirs to set and nothing else. No broker. */
#include "lac_kafka.h"

#include <stdio.h>
#include <string.h>

#include "lac_kafka_priv.h"
#include "lac_test.h"

static const struct {
    int code;
    enum lac_status status;
} rows[] = {
    {RD_KAFKA_RESP_ERR_NO_ERROR, LAC_OK},
    {RD_KAFKA_RESP_ERR__PARTITION_EOF, LAC_AGAIN},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, LAC_AGAIN},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, LAC_AGAIN},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, LAC_REJECT},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, LAC_REJECT},
    {RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, LAC_REJECT},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, LAC_RETRY},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, LAC_REJECT},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, LAC_REJECT},
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
    /* The rule for all others, by example: the world is at fault, and it passes. */
    {RD_KAFKA_RESP_ERR__TRANSPORT, LAC_RETRY},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, LAC_RETRY},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, LAC_RETRY},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, LAC_RETRY},
    {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, LAC_RETRY},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, LAC_RETRY},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, LAC_RETRY},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, LAC_RETRY},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, LAC_RETRY},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, LAC_RETRY},
    {RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, LAC_RETRY},
    {123456, LAC_RETRY},
};

static void each_error_has_its_answer(void)
{
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rd_kafka_err2name((rd_kafka_resp_err_t)rows[i].code));
        LAC_TEST_EQ(lac_kafka_status(rows[i].code), rows[i].status);
    }
}

static const struct {
    int code;
    bool fatal, abort, retriable;
    enum lac_kafka_txn outcome;
} outcomes[] = {
    {RD_KAFKA_RESP_ERR_NO_ERROR, false, false, false, LAC_KAFKA_TXN_DONE},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, false, false, true, LAC_KAFKA_TXN_REPEAT},
    {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, false, true, false, LAC_KAFKA_TXN_ABORT},
    {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, false, true, true, LAC_KAFKA_TXN_ABORT},
    {RD_KAFKA_RESP_ERR__FENCED, true, false, false, LAC_KAFKA_TXN_RECREATE},
    {RD_KAFKA_RESP_ERR__FENCED, true, true, true, LAC_KAFKA_TXN_RECREATE},
    {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, false, false, false, LAC_KAFKA_TXN_RECREATE},
    {RD_KAFKA_RESP_ERR__STATE, false, false, false, LAC_KAFKA_TXN_RECREATE},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, true, false, false,
     LAC_KAFKA_TXN_STOP},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, false, true, false, LAC_KAFKA_TXN_STOP},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, true, false, false, LAC_KAFKA_TXN_STOP},
};

static void transactions_know_what_to_do_next(void)
{
    for (size_t i = 0; i < LAC_COUNT(outcomes); i++) {
        lac_test_row("row %zu", i);
        LAC_TEST_EQ(lac_kafka_txn_decide(outcomes[i].code, outcomes[i].fatal, outcomes[i].abort,
                                         outcomes[i].retriable),
                    outcomes[i].outcome);
    }
}

static const struct {
    const char *properties;
    enum lac_status status;
} settings[] = {
    {NULL, LAC_OK},
    {"", LAC_OK},
    {"socket.keepalive.enable=true", LAC_OK},
    {" socket.keepalive.enable = true ; linger.ms=7;fetch.min.bytes=10; ", LAC_OK},
    {"linger.ms=often", LAC_FATAL},
    {"linger.ms", LAC_FATAL},
    {"enable.auto.commit=true", LAC_FATAL},
    {"isolation.level=read_uncommitted", LAC_FATAL},
    {"acks=0", LAC_FATAL},
    {"transactional.id=mine", LAC_FATAL},
    {"auto.offset.reset=latest", LAC_FATAL},
    {"nonsense=1", LAC_FATAL},
    {"enable.ssl.certificate.verification=true", LAC_OK},
    {"ssl.endpoint.identification.algorithm=https", LAC_OK},
    {"enable.ssl.certificate.verification=false", LAC_FATAL},
    {"enable.ssl.certificate.verification = False", LAC_FATAL},
    {"enable.ssl.certificate.verification=0", LAC_FATAL},
    {"linger.ms=7;ssl.endpoint.identification.algorithm=none", LAC_FATAL},
};

static void only_harmless_settings_pass_through(void)
{
    struct lac_err err;

    for (size_t i = 0; i < LAC_COUNT(settings); i++) {
        struct lac_kafka_options o = {.bootstrap_servers = "127.0.0.1:1",
                                      .properties = settings[i].properties};

        lac_test_row("\"%s\"", settings[i].properties ? settings[i].properties : "(none)");
        LAC_TEST_EQ(lac_kafka_options_check(&o, &err), settings[i].status);
    }
}

static void checks_of_certificates_end_only_by_a_word_of_their_own(void)
{
    struct lac_kafka_options o = {.bootstrap_servers = "127.0.0.1:1",
                                  .properties = "enable.ssl.certificate.verification=false;"
                                                "ssl.endpoint.identification.algorithm=none"};
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_kafka_options_check(&o, &err), LAC_FATAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "kafka.ssl_insecure"));
    o.ssl_insecure = true;
    LAC_TEST_EQ(lac_kafka_options_check(&o, &err), LAC_OK);
}

static void a_refused_password_is_not_repeated(void)
{
    char password[300];
    struct lac_kafka_options o = {.security_protocol = "sasl_ssl", .sasl_mechanism = "bogus"};
    struct lac_err err = {0};

    (void)snprintf(password, sizeof(password), "hunter2-very-secret");
    o.sasl_password = password;
    o.security_protocol = "no such protocol";
    LAC_TEST_EQ(lac_kafka_options_check(&o, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "security.protocol") != NULL);
    CU_ASSERT(strstr(err.text, "hunter2") == NULL);
}

static void headers_of_a_made_message_are_found(void)
{
    const struct lac_kafka_header headers[] = {
        {LAC_STR("a"), LAC_STR("1")}, {LAC_STR("b"), LAC_STR("2")}, {LAC_STR("a"), LAC_STR("3")}};
    const struct lac_kafka_msg msg = {._headers = headers, ._header_count = 3};
    struct lac_kafka_header h;
    struct lac_str v;

    CU_ASSERT(lac_kafka_msg_header(&msg, "a", &v) && lac_str_is(v, "3"));
    CU_ASSERT(!lac_kafka_msg_header(&msg, "c", &v));
    CU_ASSERT(lac_kafka_msg_header_at(&msg, 1, &h) && lac_str_is(h.name, "b"));
    CU_ASSERT(!lac_kafka_msg_header_at(&msg, 3, &h));
}

static const struct {
    const char *kind, *text;
    bool may;
} reports[] = {
    {"FAIL", "[thrd:a:9/bootstrap]: a:9/bootstrap: refused (after 0ms in state CONNECT)", true},
    {"FAIL",
     "[thrd:a:9/bootstrap]: a:9/bootstrap: refused (after 3ms in state CONNECT, 1 "
     "identical error(s) suppressed)",
     false},
    {"FAIL", "[thrd:main]: a:9/bootstrap: refused", false},
    {"_TRANSPORT", "a:9/bootstrap: refused (after 3ms in state CONNECT)", true},
    {"FAIL", "[thrd:a:10/bootstrap]: a:10/bootstrap: refused (after 0ms in state CONNECT)", true},
    {"REQTMOUT", "[thrd:a:9/1]: a:9/1: Timed out 1 in-flight, 0 retry-queued", true},
    {"REQTMOUT", "[thrd:a:9/1]: a:9/1: Timed out 12 in-flight, 3 retry-queued", false},
    {"REQTMOUT", "[thrd:a:9/2]: a:9/2: Timed out 1 in-flight, 0 retry-queued", true},
    {"X", "", true},
    {"X", " (after ", false},
};

static void what_many_clients_report_is_said_once(void)
{
    uint64_t more;

    for (size_t i = 0; i < LAC_COUNT(reports); i++) {
        lac_test_row("%s", reports[i].text);
        LAC_TEST_EQ(lac_kafka_may_say(reports[i].kind, reports[i].text, &more), reports[i].may);
    }
    for (int i = 0; i < 100; i++) { /* so many others that the first is forgotten */
        char text[32];

        (void)snprintf(text, sizeof(text), "b%d", i);
        CU_ASSERT(lac_kafka_may_say("FAIL", text, &more));
    }
    CU_ASSERT(lac_kafka_may_say(reports[0].kind, reports[0].text, &more));
}

static const struct {
    const char *text, *why;
} connections[] = {
    {"[thrd:a:9/bootstrap]: a:9/bootstrap: Connect to ipv4#1.2.3.4:9 failed: Connection refused "
     "(after 0ms in state CONNECT)",
     "Connect to ipv4#1.2.3.4:9 failed: Connection refused"},
    {"[thrd:sasl_ssl://a:9/1]: sasl_ssl://a:9/1: SASL PLAIN failed: who? (after 1ms)",
     "SASL PLAIN failed: who?"},
    {"Failed to resolve 'a:9': Name or service not known",
     "Failed to resolve 'a:9': Name or service not known"},
    {"", ""},
};

static void why_a_connection_failed_is_kept_in_short(void)
{
    struct lac_kafka_side side = {0};
    char why[LAC_KAFKA_WHY_SIZE];

    for (size_t i = 0; i < LAC_COUNT(connections); i++) {
        lac_kafka_note_why(&side, connections[i].text);
        lac_kafka_noted_why(&side, why);
        LAC_TEST_STR(why, connections[i].why);
    }
}

LAC_TEST_MAIN(kafka, each_error_has_its_answer, transactions_know_what_to_do_next,
              only_harmless_settings_pass_through, a_refused_password_is_not_repeated,
              checks_of_certificates_end_only_by_a_word_of_their_own,
              headers_of_a_made_message_are_found, what_many_clients_report_is_said_once,
              why_a_connection_failed_is_kept_in_short)
