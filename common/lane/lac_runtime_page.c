/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_json.h"
#include "lac_log.h"
#include "lac_runtime_priv.h"

enum {
    HEALTH_BYTES = 512 << 10, /* of some hundred lanes that all have something to say */
    METRICS_BYTES = 16 << 20,
    WHY_SIZE = LAC_ERR_TEXT_SIZE + 64,
    STUCK_MS = 120000, /* a lane that has not gone round for so long is dead, not busy */
};

/* In order, or how it is and since when, and what it met last. */
static bool lane_is_ready(struct lac_lane *lane, char *why, size_t size)
{
    char trouble[WHY_SIZE - 64];
    const struct lac_lane_health *h = lac_lane_health(lane);
    enum lac_lane_state state = (enum lac_lane_state)atomic_load(&h->state);

    if (state == LAC_LANE_RUNNING && atomic_load(&h->joined))
        return true;
    lac_lane_trouble(lane, trouble, sizeof(trouble));
    (void)snprintf(why, size, "%s for %llu s%s%s",
                   state == LAC_LANE_RUNNING ? "joining its group" : lac_lane_state_name(state),
                   (unsigned long long)((lac_clock_mono_ms() - atomic_load(&h->since_ms)) / 1000),
                   trouble[0] ? ": " : "", trouble);
    return false;
}

static bool lane_is_alive(const struct lac_lane *lane)
{
    const struct lac_lane_health *h = lac_lane_health(lane);

    return atomic_load(&h->state) != LAC_LANE_BROKEN &&
           lac_clock_mono_ms() - atomic_load(&h->seen_ms) < STUCK_MS;
}

static void put_check(struct lac_json_writer *w, const char *name, bool ok, const char *why)
{
    lac_json_open_object(w);
    lac_json_key(w, "name");
    lac_json_put_text(w, name);
    lac_json_key(w, "ok");
    lac_json_put_bool(w, ok);
    if (!ok || why[0]) {
        lac_json_key(w, "why");
        lac_json_put_text(w, why);
    }
    lac_json_close_object(w);
}

static bool put_checks(struct lac_runtime *rt, struct lac_json_writer *w)
{
    char why[WHY_SIZE];
    bool all = true;

    lac_json_key(w, "checks");
    lac_json_open_array(w);
    for (size_t i = 0; i < rt->check_count; i++) {
        bool ok;

        why[0] = '\0';
        ok = rt->checks[i].fn(rt->checks[i].ctx, why, sizeof(why));
        put_check(w, rt->checks[i].name, ok, why);
        all = all && ok;
    }
    for (size_t i = 0; i < rt->lane_count; i++) {
        bool ok;

        why[0] = '\0';
        ok = lane_is_ready(rt->lanes[i].lane, why, sizeof(why));
        put_check(w, lac_lane_name(rt->lanes[i].lane), ok, why);
        all = all && ok;
    }
    lac_json_close_array(w);
    return all;
}

/* The health page as JSON: {"status":"ok","checks":[{"name":..,"ok":..,"why":..}],..}; false when a
 * check fails. */
static bool put_health(struct lac_runtime *rt, struct lac_buf *out)
{
    struct lac_buf checks;
    struct lac_json_writer w, inner;
    bool ok;

    /* The checks come first in time and last on the page: the status sums them up. */
    lac_buf_init(&checks, HEALTH_BYTES / 2);
    lac_json_begin(&inner, &checks);
    lac_json_open_object(&inner);
    ok = put_checks(rt, &inner) && !lac_runtime_stopping(rt);
    lac_json_close_object(&inner);

    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "status");
    lac_json_put_text(&w, lac_runtime_stopping(rt) ? "stopping" : ok ? "ok" : "degraded");
    lac_json_key(&w, "program");
    lac_json_put_text(&w, rt->program.name);
    lac_json_key(&w, "version");
    lac_json_put_text(&w, lac_runtime_version());
    lac_json_key(&w, "instance");
    lac_json_put_text(&w, rt->instance);
    if (lac_conf_is_set(rt->conf, "instance.environment")) {
        lac_json_key(&w, "environment");
        lac_json_put_text(&w, lac_conf_text(rt->conf, "instance.environment"));
    }
    lac_json_key(&w, "uptime_seconds");
    lac_json_put_uint(&w, (lac_clock_mono_ms() - rt->started_ms) / 1000);
    if (lac_json_done(&inner) || lac_buf_ok(&checks)) {
        struct lac_str all = lac_buf_str(&checks); /* {"checks":[..]}: its member alone */

        if (all.len > 11) {
            lac_json_key(&w, "checks");
            lac_json_put_raw(&w, (struct lac_str){all.ptr + 10, all.len - 11});
        }
    }
    lac_json_close_object(&w);
    lac_buf_deinit(&checks);
    return ok;
}

static void answer_json(struct lac_http_request *r, unsigned status, const struct lac_buf *body)
{
    const struct lac_http_answer answer = {.status = status, .body = lac_buf_str(body)};

    lac_http_answer(r, &answer);
}

/* Ready to take work: everything it needs is there. */
static void on_ready(void *ctx, struct lac_http_request *r)
{
    struct lac_buf body;
    bool ok;

    lac_buf_init(&body, HEALTH_BYTES);
    ok = put_health(ctx, &body);
    answer_json(r, ok ? 200 : 503, &body);
    lac_buf_deinit(&body);
}

/* Alive: it may wait for a broker for hours, but its lanes go round. A restart would not help
 * against anything but this. */
static void on_live(void *ctx, struct lac_http_request *r)
{
    struct lac_runtime *rt = ctx;
    struct lac_buf body;
    bool alive = true;

    for (size_t i = 0; i < rt->lane_count; i++)
        alive = alive && lane_is_alive(rt->lanes[i].lane);
    lac_buf_init(&body, HEALTH_BYTES);
    lac_buf_put_text(&body, alive ? "{\"status\":\"ok\"}" : "{\"status\":\"stuck\"}");
    answer_json(r, alive ? 200 : 503, &body);
    lac_buf_deinit(&body);
}

static void on_metrics(void *ctx, struct lac_http_request *r)
{
    struct lac_runtime *rt = ctx;
    enum lac_metrics_format format = lac_metrics_negotiate(lac_http_request_header(r, "Accept"));
    struct lac_http_answer answer = {
        .status = 200,
        .content_type = lac_metrics_content_type(format),
    };
    struct lac_buf body;

    lac_buf_init(&body, METRICS_BYTES);
    lac_metrics_write(rt->metrics, &body, format);
    if (!lac_buf_ok(&body))
        answer = (struct lac_http_answer){.status = 500, .body = LAC_STR("{}")};
    else
        answer.body = lac_buf_str(&body);
    lac_http_answer(r, &answer);
    lac_buf_deinit(&body);
}

static const struct lac_http_route routes[] = {
    {"GET", "/health", NULL, on_ready},       {"GET", "/health/live", NULL, on_live},
    {"GET", "/health/ready", NULL, on_ready}, {"GET", "/ready", NULL, on_ready},
    {"GET", "/metrics", NULL, on_metrics},
};

enum lac_status runtime_page_open(struct lac_runtime *rt, struct lac_err *err)
{
    const struct lac_http_server_options options = {
        .listen = lac_conf_text(rt->conf, "metrics.listen"),
        .routes = routes,
        .route_count = LAC_COUNT(routes),
        .ctx = rt,
        .connections = 32,
        .body_bytes = 1024,
    };
    enum lac_status status;

    if (!*options.listen)
        return LAC_OK;
    status = lac_http_server_open(&rt->page, &options, err);
    if (status == LAC_OK)
        status = lac_http_server_start(rt->page, err);
    if (status == LAC_OK)
        lac_log(LAC_LOG_INFO, "page_opened", "address=%s", lac_http_server_address(rt->page));
    return status;
}

void runtime_page_close(struct lac_runtime *rt)
{
    lac_http_server_close(rt->page);
    rt->page = NULL;
}
