/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <linux/tcp.h> /* the C library's has no tcpi_bytes_received */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_kafka_priv.h"
#include "lac_log.h"

enum { IDLE_MS = 5 * 60 * 1000 };

/* Settings an operator may pass through, for networks and brokers we do not know. Everything
 * the promises depend on (commits, isolation, acks, idempotence, offset reset, assignor,
 * transactions, CRCs) is missing on purpose. */
enum side { BOTH, CONSUMER, PRODUCER };

static const struct {
    const char *name;
    enum side side;
} allowed[] = {
    {"broker.address.family", BOTH},
    {"broker.address.ttl", BOTH},
    {"client.rack", BOTH},
    {"connections.max.idle.ms", BOTH},
    {"debug", BOTH},
    {"enable.ssl.certificate.verification", BOTH},
    {"metadata.max.age.ms", BOTH},
    {"reconnect.backoff.max.ms", BOTH},
    {"reconnect.backoff.ms", BOTH},
    {"sasl.kerberos.keytab", BOTH},
    {"sasl.kerberos.kinit.cmd", BOTH},
    {"sasl.kerberos.min.time.before.relogin", BOTH},
    {"sasl.kerberos.principal", BOTH},
    {"sasl.kerberos.service.name", BOTH},
    {"socket.connection.setup.timeout.ms", BOTH},
    {"socket.keepalive.enable", BOTH},
    {"socket.receive.buffer.bytes", BOTH},
    {"socket.send.buffer.bytes", BOTH},
    {"socket.timeout.ms", BOTH},
    {"ssl.ca.location", BOTH},
    {"ssl.cipher.suites", BOTH},
    {"ssl.crl.location", BOTH},
    {"ssl.curves.list", BOTH},
    {"ssl.endpoint.identification.algorithm", BOTH},
    {"ssl.keystore.location", BOTH},
    {"ssl.keystore.password", BOTH},
    {"ssl.sigalgs.list", BOTH},
    {"topic.metadata.refresh.interval.ms", BOTH},
    {"fetch.error.backoff.ms", CONSUMER},
    {"fetch.max.bytes", CONSUMER},
    {"fetch.message.max.bytes", CONSUMER},
    {"fetch.min.bytes", CONSUMER},
    {"fetch.wait.max.ms", CONSUMER},
    {"heartbeat.interval.ms", CONSUMER},
    {"max.partition.fetch.bytes", CONSUMER},
    {"max.poll.interval.ms", CONSUMER},
    {"receive.message.max.bytes", BOTH},
    {"batch.num.messages", PRODUCER},
    {"batch.size", PRODUCER},
    {"compression.codec", PRODUCER},
    {"compression.level", PRODUCER},
    {"compression.type", PRODUCER},
    {"linger.ms", PRODUCER},
    {"max.in.flight.requests.per.connection", PRODUCER}, /* idempotence refuses more than 5 */
    {"message.max.bytes", BOTH},
    {"retry.backoff.ms", BOTH},
    {"sticky.partitioning.linger.ms", PRODUCER},
};

enum { LOG_PERIOD_MS = 10000, LOG_LINES_PER_PERIOD = 5 };

/* librdkafka repeats itself while a broker is away: a few lines a period say as much. */
static bool may_log(struct lac_kafka_side *side)
{
    uint64_t now = lac_clock_mono_ms();
    uint64_t start = __atomic_load_n(&side->log_window_ms, __ATOMIC_RELAXED);

    if (now - start >= LOG_PERIOD_MS) {
        __atomic_store_n(&side->log_window_ms, now, __ATOMIC_RELAXED);
        __atomic_store_n(&side->log_lines, 0, __ATOMIC_RELAXED);
    }
    return __atomic_add_fetch(&side->log_lines, 1, __ATOMIC_RELAXED) <= LOG_LINES_PER_PERIOD;
}

/* Thread: any of librdkafka's. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct lac_kafka_side *side = rd_kafka_opaque(rk);
    uint64_t more;

    if (level > 4) { /* notice and below: only somebody who debugs wants it */
        lac_log(LAC_LOG_DEBUG, "kafka_reported", "facility=%s text=\"%s\"", facility, text);
        return;
    }
    if (side && strcmp(facility, "FAIL") == 0)
        lac_kafka_note_why(side, text);
    if (side && lac_kafka_may_say(facility, text, &more) && may_log(side))
        lac_log(LAC_LOG_WARN, "kafka_reported", "facility=%s suppressed=%" PRIu64 " text=\"%s\"",
                facility, more, text);
}

/*
 * Decides nothing: what OpenSSL found wrong stays wrong. But all that librdkafka tells of it is to
 * look at the list of authorities, also where a certificate has expired or is another host's.
 * Thread: any of librdkafka's.
 *
 * NOLINTNEXTLINE(readability-non-const-parameter): the type is librdkafka's */
static int on_certificate(rd_kafka_t *rk, const char *broker, int32_t id, int *error, int depth,
                          const char *der, size_t size, char *why, size_t why_size, void *opaque)
{
    static const struct {
        int error; /* X509_V_ERR_.. */
        const char *text;
    } known[] = {{9, "is not valid yet: compare the clocks"},
                 {10, "has expired"},
                 {18, "is self-signed, see kafka.ssl_ca_file"},
                 {19, "is signed by an authority that kafka.ssl_ca_file does not have"},
                 {20, "is signed by an authority that kafka.ssl_ca_file does not have"},
                 {21, "is signed by an authority that kafka.ssl_ca_file does not have"},
                 {23, "was revoked"},
                 {62, "is another host's"},
                 {64, "is another host's"}};

    (void)rk, (void)broker, (void)id, (void)der, (void)size, (void)opaque;
    if (*error == 0)
        return 1;
    (void)snprintf(why, why_size, "it is not valid (OpenSSL's error %d, depth %d)", *error, depth);
    for (size_t i = 0; i < LAC_COUNT(known); i++)
        if (known[i].error == *error)
            (void)snprintf(why, why_size, "%s %s",
                           depth ? "the certificate of its authority" : "its certificate",
                           known[i].text);
    return 0;
}

/* Thread: the one that polls. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct lac_kafka_side *side = opaque;
    char fatal[256];
    uint64_t more;

    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t cause = rd_kafka_fatal_error(rk, fatal, sizeof(fatal));

        lac_log(LAC_LOG_WARN, "kafka_client_broke", "code=%s reason=\"%s\"",
                rd_kafka_err2name(cause), fatal);
    } else if (side && lac_kafka_may_say(rd_kafka_err2name(code), reason, &more) && may_log(side)) {
        lac_log(LAC_LOG_WARN, "kafka_failed", "code=%s suppressed=%" PRIu64 " reason=\"%s\"",
                rd_kafka_err2name(code), more, reason);
    }
    if (side)
        __atomic_store_n(&side->trouble, code, __ATOMIC_RELAXED);
}

/*
 * Whether something was said on this connection and may still be under way. What waits for longer
 * than any request may (socket.timeout.ms is at most five minutes) was idle, and brokers close
 * such.
 */
static bool is_open_question(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return true;
    return info.tcpi_bytes_received > 0 &&
           (info.tcpi_last_data_sent <= IDLE_MS || info.tcpi_last_data_recv <= IDLE_MS);
}

/* Thread: the broker's, before it sends again elsewhere what was not answered here. */
static int on_close(int fd, void *opaque)
{
    struct lac_kafka_side *side = opaque;

    if (side && is_open_question(fd))
        __atomic_store_n(&side->broke, true, __ATOMIC_RELEASE);
    return close(fd);
}

enum lac_status lac_kafka_conf_put(rd_kafka_conf_t *conf, const char *name, const char *value,
                                   struct lac_err *err)
{
    char why[256];

    if (!value || !*value)
        return LAC_OK;
    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, 0, "kafka: setting %s was refused: %s", name,
                       strstr(name, "password") ? "see the documentation" : why);
}

enum lac_status lac_kafka_conf_put_number(rd_kafka_conf_t *conf, const char *name, uint64_t value,
                                          struct lac_err *err)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return lac_kafka_conf_put(conf, name, text, err);
}

rd_kafka_conf_t *lac_kafka_conf_common(const struct lac_kafka_options *o,
                                       struct lac_kafka_side *side, struct lac_err *err)
{
    const struct {
        const char *name;
        const char *value;
    } settings[] = {
        {"bootstrap.servers", o->bootstrap_servers},
        {"client.id", o->client_id},
        {"security.protocol", o->security_protocol},
        {"sasl.mechanism", o->sasl_mechanism},
        {"sasl.username", o->sasl_username},
        {"sasl.password", o->sasl_password},
        {"ssl.ca.location", o->ssl_ca_file},
        {"ssl.certificate.location", o->ssl_certificate_file},
        {"ssl.key.location", o->ssl_key_file},
        {"ssl.key.password", o->ssl_key_password},
        /* Nagle's delay is on by default before 2.10 and costs tens of milliseconds. */
        {"socket.nagle.disable", "true"},
        {"log.connection.close", "false"},
        {"topic.metadata.refresh.interval.ms", "30000"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    for (size_t i = 0; i < LAC_COUNT(settings); i++) {
        if (lac_kafka_conf_put(conf, settings[i].name, settings[i].value, err) != LAC_OK) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    rd_kafka_conf_set_opaque(conf, side);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_closesocket_cb(conf, on_close);
    lac_kafka_wait_monotonic();
    if (!o->ssl_insecure)
        (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
    return conf;
}

/* What brokers' certificates are checked with, and the one value that does. librdkafka takes words
 * for a bool in any letter case. */
static bool weakens_tls(struct lac_str name, struct lac_str value)
{
    if (lac_str_is(name, "enable.ssl.certificate.verification"))
        return !lac_str_eq_nocase(value, "true");
    return lac_str_is(name, "ssl.endpoint.identification.algorithm") &&
           !lac_str_eq_nocase(value, "https");
}

static enum lac_status put_property(rd_kafka_conf_t *conf, const struct lac_kafka_options *o,
                                    struct lac_str name, struct lac_str value, bool producer,
                                    struct lac_err *err)
{
    char name_text[64], value_text[512];

    if (!o->ssl_insecure && weakens_tls(name, value))
        return lac_err_set(err, LAC_FATAL, 0,
                           "kafka.properties: %.*s must not be switched off, or anybody on the "
                           "way can be the broker; kafka.ssl_insecure = true allows it",
                           LAC_STR_FMT(name));

    for (size_t i = 0; i < LAC_COUNT(allowed); i++) {
        if (!lac_str_is(name, allowed[i].name))
            continue;
        if (allowed[i].side == (producer ? CONSUMER : PRODUCER))
            return LAC_OK;
        (void)snprintf(name_text, sizeof(name_text), "%s", allowed[i].name);
        if (value.len >= sizeof(value_text))
            break;
        (void)snprintf(value_text, sizeof(value_text), "%.*s", LAC_STR_FMT(value));
        return lac_kafka_conf_put(conf, name_text, value_text, err);
    }
    return lac_err_set(err, LAC_FATAL, 0,
                       "kafka.properties: \"%.*s\" may not be set there, or its value is too long",
                       (int)(name.len > 80 ? 80 : name.len), name.ptr ? name.ptr : "");
}

static struct lac_str trimmed(struct lac_str s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

enum lac_status lac_kafka_conf_properties(rd_kafka_conf_t *conf, const struct lac_kafka_options *o,
                                          bool producer, struct lac_err *err)
{
    const char *at = o->properties ? o->properties : "";

    while (*at) {
        size_t len = strcspn(at, ";");
        const char *eq = memchr(at, '=', len);
        struct lac_str pair = trimmed((struct lac_str){at, len});
        enum lac_status status = LAC_OK;

        if (pair.len && !eq)
            return lac_err_set(err, LAC_FATAL, 0,
                               "kafka.properties: expected \"name=value;name=value\"");
        if (pair.len)
            status = put_property(conf, o, trimmed((struct lac_str){at, (size_t)(eq - at)}),
                                  trimmed((struct lac_str){eq + 1, len - (size_t)(eq - at) - 1}),
                                  producer, err);
        if (status != LAC_OK)
            return status;
        at += len + (at[len] == ';');
    }
    return LAC_OK;
}

enum lac_status lac_kafka_options_check(const struct lac_kafka_options *o, struct lac_err *err)
{
    for (int producer = 0; producer <= 1; producer++) {
        rd_kafka_conf_t *conf = lac_kafka_conf_common(o, NULL, err);
        enum lac_status status;

        if (!conf)
            return LAC_FATAL;
        status = lac_kafka_conf_put(conf, "compression.codec", o->compression, err);
        if (status == LAC_OK)
            status = lac_kafka_conf_properties(conf, o, producer, err);
        rd_kafka_conf_destroy(conf);
        if (status != LAC_OK)
            return status;
    }
    return LAC_OK;
}

rd_kafka_topic_partition_list_t *lac_kafka_list(const struct lac_kafka_position *p, size_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);

    for (size_t i = 0; list && i < n; i++)
        rd_kafka_topic_partition_list_add(list, p[i].topic, p[i].partition)->offset = p[i].offset;
    return list;
}

rd_kafka_resp_err_t lac_kafka_list_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err)
            return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
