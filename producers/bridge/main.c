/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna-bridge: HTTP clients on one side, the interactive topic on the other. */
#include <stdlib.h>
#include <sys/resource.h>

#include "lac_bridge.h"
#include "lac_bridge_kafka.h"
#include "lac_bridge_lookup.h"
#include "lac_bridge_scan.h"
#include "lac_clock.h"
#include "lac_control_conf.h"
#include "lac_log.h"
#include "lac_pack.h"
#include "lac_runtime.h"

enum {
    STATEMENT_MS = 5000,     /* a look-up that takes longer is not worth waiting for */
    LOOP_REGISTRY_MS = 1000, /* a reply's unknown schema may hold up the loop once, this long */
    DRAIN_POLL_MS = 10,
    DRAIN_RESERVE_MS = 2000, /* of the deadline, for what follows the last answer */
    OTHER_FILES = 192,       /* Kafka, Postgres, packs, and connections that are being closed */
    CONNECTIONS_LEAST = 16,  /* fewer are no service */
};

struct program {
    struct lac_runtime *rt;
    struct lac_bridge_lookup *lookup;
    struct lac_pack *pack; /* of the configuration; the follower's, where there is one */
    struct lac_kafka_options control_kafka;
    struct lac_control_settings control;
    struct lac_control_follower *follower;
    struct lac_bridge_scan *scan;
    struct lac_registry *registry;
    struct lac_schema_source schemas;
    struct lac_bridge_kafka *kafka;
    struct lac_bridge *bridge;
};

static void fatal(void *ctx, const struct lac_err *err)
{
    lac_log_err(LAC_LOG_ERROR, "bridge_failed", err);
    lac_runtime_quit(ctx, 1);
}

static bool stopping(void *ctx)
{
    return lac_runtime_stopping(ctx);
}

static enum lac_status open_lookup(struct program *p, const struct lac_conf *c, struct lac_err *err)
{
    if (!lac_conf_is_set(c, "postgres.url"))
        return LAC_OK;
    const struct lac_bridge_lookup_options o = {
        .url = lac_conf_text(c, "postgres.url"),
        .password = lac_conf_text(c, "postgres.password"),
        .connect_timeout_ms = (uint32_t)lac_conf_number(c, "postgres.connect_timeout_ms"),
        .statement_timeout_ms = STATEMENT_MS,
    };
    return lac_bridge_lookup_open(&p->lookup, &o, err);
}

/* Scanning and redacting follow the packs that the workers decide with. */
static enum lac_status open_packs(struct program *p, const struct lac_conf *c, struct lac_err *err)
{
    const char *path = lac_conf_text(c, "pack.path");
    enum lac_status status = lac_pack_open(&p->pack, *path ? path : NULL, err);
    if (status != LAC_OK || !lac_conf_bool(c, "pack.follow"))
        return status;
    lac_runtime_kafka(p->rt, &p->control_kafka);
    status = lac_kafka_options_check(&p->control_kafka, err);
    if (status == LAC_OK)
        status = lac_control_settings_read(&p->control, c, lac_runtime_state_dir(p->rt), err);
    if (status != LAC_OK)
        return status;
    p->control.options.kafka = &p->control_kafka;
    p->control.options.metrics = lac_runtime_metrics(p->rt);
    struct lac_pack *fallback = p->pack;
    p->pack = NULL;
    return lac_control_follower_open(&p->follower, &p->control.options, fallback, err);
}

static enum lac_status open_scan(struct program *p, const struct lac_conf *c, struct lac_err *err)
{
    enum lac_status status = open_packs(p, c, err);
    const struct lac_bridge_scan_options o = {
        .pack = p->pack,
        .follower = p->follower,
        .key_file = lac_conf_text(c, "redact.key_file"),
        .metrics = lac_runtime_metrics(p->rt),
    };
    return status == LAC_OK ? lac_bridge_scan_open(&p->scan, &o, err) : status;
}

static enum lac_status open_kafka(struct program *p, const struct lac_conf *c, struct lac_err *err)
{
    struct lac_bridge_kafka_options o = {
        .topic_prefix = lac_conf_text(c, "kafka.topic_prefix"),
        .origin = lac_conf_text(c, "kafka.origin"),
        .instance = lac_runtime_instance(p->rt),
        .reply_partition = lac_conf_int(c, "bridge.reply_partition"),
        .registry = lac_registry_options_from_conf(c),
        .fatal = fatal,
        .fatal_ctx = p->rt,
    };
    lac_runtime_kafka(p->rt, &o.kafka);
    enum lac_status status = lac_kafka_options_check(&o.kafka, err);
    if (status == LAC_OK && lac_conf_is_set(c, "registry.url")) {
        struct lac_registry_options loop = o.registry;
        if (loop.timeout_ms > LOOP_REGISTRY_MS)
            loop.timeout_ms = LOOP_REGISTRY_MS;
        status = lac_registry_open(&p->registry, &loop, err);
        if (status == LAC_OK)
            p->schemas = lac_registry_source(p->registry);
    }
    if (status == LAC_OK)
        status = lac_bridge_kafka_open(&p->kafka, &o, err);
    return status;
}

/*
 * Without descriptors left for Kafka and Postgres a crowd of clients would cut this program off
 * from both, and nobody else would get in: as many connections as the process has room for.
 */
static enum lac_status connections(const struct lac_conf *c, uint32_t *out, struct lac_err *err)
{
    uint64_t wanted = lac_conf_number(c, "bridge.connections");
    uint64_t least = wanted < CONNECTIONS_LEAST ? wanted : CONNECTIONS_LEAST;
    struct rlimit limit;
    *out = (uint32_t)wanted;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted + OTHER_FILES)
        return LAC_OK;
    limit.rlim_cur = limit.rlim_max < wanted + OTHER_FILES ? limit.rlim_max : wanted + OTHER_FILES;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted + OTHER_FILES)
        return LAC_OK;
    if (limit.rlim_cur < least + OTHER_FILES)
        return lac_err_set(
            err, LAC_FATAL, 0,
            "at most %llu files may be open here, and %llu are needed: raise it with "
            "ulimit -n or LimitNOFILE=",
            (unsigned long long)limit.rlim_cur, (unsigned long long)(least + OTHER_FILES));
    *out = (uint32_t)(limit.rlim_cur - OTHER_FILES);
    lac_log(LAC_LOG_WARN, "connections_limited",
            "bridge.connections=%llu possible=%u open_files_limit=%llu", (unsigned long long)wanted,
            *out, (unsigned long long)limit.rlim_cur);
    return LAC_OK;
}

static enum lac_status open_bridge(struct program *p, const struct lac_conf *c, struct lac_err *err)
{
    uint32_t clients;
    enum lac_status status = connections(c, &clients, err);
    if (status != LAC_OK)
        return status;
    const struct lac_bridge_options o = {
        .http = {.listen = lac_conf_text(c, "bridge.listen"),
                 .connections = clients,
                 .connections_per_ip = (uint32_t)lac_conf_number(c, "bridge.connections_per_ip"),
                 .body_bytes = lac_conf_number(c, "bridge.body_bytes"),
                 .header_ms = (uint32_t)lac_conf_number(c, "bridge.header_timeout_ms"),
                 .body_ms = (uint32_t)lac_conf_number(c, "bridge.body_timeout_ms"),
                 .send_ms = (uint32_t)lac_conf_number(c, "bridge.send_timeout_ms")},
        .api_key = lac_conf_text(c, "bridge.api_key"),
        .version = lac_runtime_version(),
        .environment = lac_conf_text(c, "instance.environment"),
        .in_flight = (uint32_t)lac_conf_number(c, "bridge.in_flight"),
        .deadline_ms = (uint32_t)lac_conf_number(c, "bridge.deadline_ms"),
        .idempotency_ttl_ms = lac_conf_number(c, "bridge.idempotency_ttl_ms"),
        .metrics = lac_runtime_metrics(p->rt),
        .link = lac_bridge_kafka_link(p->kafka),
        .schemas = p->registry ? &p->schemas : NULL,
        .lookup = p->lookup,
        .scan = p->scan,
        .stopping = stopping,
        .stopping_ctx = p->rt,
    };
    status = lac_bridge_open(&p->bridge, &o, err);
    if (status == LAC_OK)
        status = lac_bridge_kafka_start(p->kafka, p->bridge, err);
    if (status == LAC_OK)
        status = lac_http_server_start(lac_bridge_server(p->bridge), err);
    if (status == LAC_OK)
        lac_log(LAC_LOG_INFO, "bridge_listening", "address=%s authentication=%s",
                lac_http_server_address(lac_bridge_server(p->bridge)),
                lac_conf_is_set(c, "bridge.api_key") ? "key" : "none");
    return status;
}

/* New connections are refused, requests that are here are answered. */
static void drain(struct program *p, const struct lac_conf *c)
{
    struct lac_http_server *s = lac_bridge_server(p->bridge);
    uint64_t time = lac_conf_number(c, "drain.timeout_ms");
    uint64_t end = lac_clock_mono_ms() + (time > DRAIN_RESERVE_MS ? time - DRAIN_RESERVE_MS : 0);
    lac_http_server_quiesce(s);
    while (lac_http_server_connections(s) > 0 && lac_clock_mono_ms() < end)
        lac_clock_sleep_ms(DRAIN_POLL_MS);
}

static void close_all(struct program *p)
{
    lac_bridge_kafka_stop(p->kafka);
    lac_bridge_lookup_close(p->lookup);
    lac_bridge_scan_close(p->scan);
    lac_control_follower_close(p->follower); /* after those who hold its packs */
    lac_pack_close(p->pack);
    lac_bridge_close(p->bridge);
    lac_bridge_kafka_close(p->kafka);
    lac_registry_close(p->registry);
}

int main(int argc, char **argv)
{
    static const struct lac_runtime_program about = {
        .name = "lacuna-bridge",
        .id = LAC_CONF_BRIDGE,
        .summary = "classifies over HTTP: requests to Kafka, decisions back"};
    struct program p = {0};
    struct lac_err err = {0};
    enum lac_status status = lac_runtime_open(&p.rt, &about, argc, argv, &err);
    if (status != LAC_OK)
        return status == LAC_AGAIN ? EXIT_SUCCESS : EXIT_FAILURE;
    const struct lac_conf *c = lac_runtime_conf(p.rt);
    int code = EXIT_FAILURE;
    /* First what needs nobody: a mistake in the settings is told before Kafka is waited for. */
    status = lac_bridge_check_listen(lac_conf_text(c, "bridge.listen"),
                                     lac_conf_text(c, "bridge.api_key"), &err);
    if (status == LAC_OK)
        status = open_lookup(&p, c, &err);
    if (status == LAC_OK)
        status = open_scan(&p, c, &err);
    if (status == LAC_OK)
        status = open_kafka(&p, c, &err);
    if (status == LAC_OK)
        status = open_bridge(&p, c, &err);
    if (status == LAC_OK) {
        code = lac_runtime_run(p.rt, &err);
        drain(&p, c);
    } else {
        lac_log_err(LAC_LOG_ERROR, "start_failed", &err);
    }
    close_all(&p);
    lac_runtime_close(p.rt);
    return code;
}
