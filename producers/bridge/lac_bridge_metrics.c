/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lac_bridge_impl.h"

static void refusal_counters(struct lac_bridge *b)
{
    static const char *const names[LAC_HTTP_REFUSAL_COUNT] = {
        [LAC_HTTP_REFUSED_BODY_SIZE] = "reason=\"body_size\"",
        [LAC_HTTP_REFUSED_HEADER_TIMEOUT] = "reason=\"header_timeout\"",
        [LAC_HTTP_REFUSED_BODY_TIMEOUT] = "reason=\"body_timeout\"",
        [LAC_HTTP_REFUSED_HANDLER_TIMEOUT] = "reason=\"handler_timeout\"",
        [LAC_HTTP_REFUSED_SEND_TIMEOUT] = "reason=\"send_timeout\"",
        [LAC_HTTP_REFUSED_CROWD] = "reason=\"crowd\"",
        [LAC_HTTP_CLIENT_GONE] = "reason=\"client_gone\"",
    };
    for (size_t i = 0; i < LAC_HTTP_REFUSAL_COUNT; i++)
        b->m.refusals[i] = lac_metrics_counter(
            b->options.metrics, "lacuna_http_refused_total",
            "Requests and connections that ended because of their client's size, pace or "
            "absence, or for room.",
            names[i]);
}

static void write_gauges(void *ctx)
{
    struct lac_bridge *b = ctx;
    lac_gauge_set(b->m.in_flight,
                  (double)(b->options.in_flight - lac_bridge_slots_free_count(b->slots)));
    lac_gauge_set(b->m.connections, (double)lac_http_server_connections(b->server));
}

void lac_bridge_metrics_init(struct lac_bridge *b)
{
    struct lac_metrics *m = b->options.metrics;
    struct lac_bridge_metrics *x = &b->m;
    if (!m)
        return; /* every counting function ignores NULL */
    refusal_counters(b);
    x->in_flight = lac_metrics_gauge(m, "lacuna_bridge_in_flight",
                                     "Texts that wait for their decision.", NULL);
    x->connections =
        lac_metrics_gauge(m, "lacuna_http_connections", "Open client connections.", NULL);
    x->deadline = lac_metrics_counter(m, "lacuna_bridge_deadline_exceeded_total",
                                      "Texts without any decision at their deadline (504).", NULL);
    x->provisional = lac_metrics_counter(
        m, "lacuna_bridge_provisional_total",
        "Texts answered at their deadline with a decision that was not final.", NULL);
    x->overload = lac_metrics_counter(m, "lacuna_bridge_overload_total",
                                      "Requests refused at the in-flight bound (429).", NULL);
    x->undelivered = lac_metrics_counter(m, "lacuna_bridge_undelivered_total",
                                         "Records that Kafka did not take (503).", NULL);
    x->late = lac_metrics_counter(m, "lacuna_bridge_late_replies_total",
                                  "Replies after their asker had left or been answered.", NULL);
    x->foreign =
        lac_metrics_counter(m, "lacuna_bridge_foreign_replies_total",
                            "Replies on this partition that another process had asked for.", NULL);
    x->bad = lac_metrics_counter(m, "lacuna_bridge_unreadable_replies_total",
                                 "Replies that are no decisions.", NULL);
    x->replayed = lac_metrics_counter(m, "lacuna_bridge_idempotent_replays_total",
                                      "Answers given again for their Idempotency-Key.", NULL);
    lac_metrics_on_write(m, write_gauges, b);
}

void lac_bridge_metrics_refused(void *ctx, enum lac_http_refusal why)
{
    struct lac_bridge *b = ctx;
    lac_counter_add(b->m.refusals[why], 1);
}

void lac_bridge_metrics_answered(void *ctx, const struct lac_http_route *route, unsigned status,
                                 uint64_t latency_us)
{
    struct lac_bridge *b = ctx;
    size_t i = route ? (size_t)(route - lac_bridge_routes) : LAC_BRIDGE_ROUTES_MAX;
    size_t s = status < 500 + 200 ? status - 200 : 0;
    if (!b->options.metrics)
        return;
    struct lac_counter **counter = &b->m.answers[i][s];
    struct lac_histogram **seconds = &b->m.seconds[i];
    const char *path = route ? route->path : "other", *method = route ? route->method : "any";
    if (!*counter) {
        char labels[256];
        snprintf(labels, sizeof labels, "route=\"%s\",method=\"%s\",status=\"%u\"", path, method,
                 status);
        *counter = lac_metrics_counter(b->options.metrics, "lacuna_http_requests_total",
                                       "Answers by route and status.", labels);
    }
    if (!*seconds) {
        char labels[256];
        snprintf(labels, sizeof labels, "route=\"%s\",method=\"%s\"", path, method);
        *seconds = lac_metrics_histogram(b->options.metrics, "lacuna_http_request_seconds",
                                         "From the last header of a request to its answer.", labels,
                                         lac_metrics_latency_seconds, LAC_METRICS_LATENCY_COUNT);
    }
    lac_counter_add(*counter, 1);
    lac_histogram_observe(*seconds, (double)latency_us / 1e6);
}
