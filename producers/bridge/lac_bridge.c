/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge.h"

#include <stdlib.h>

#include "lac_bridge_impl.h"
#include "lac_clock.h"

enum {
    ARENA_FACTOR = 8, /* the densest JSON, a list of empty strings, takes five times its size */
    ARENA_BASE = 4 * 1024 * 1024, /* a thousand items; also the largest reply */
    IDEM_KEYS = 16384,
    IDEM_BYTES = 64 * 1024 * 1024,
    HANDLER_GRACE_MS = 5000, /* the deadlines are the bridge's; the server's is the net below */
    BUSY_TICK_MS = LAC_BRIDGE_TICK_MS,
    IDLE_TICK_MS = 1000,
};

static void tick(void *ctx)
{
    struct lac_bridge *b = ctx;
    if (b->options.link.tick)
        b->options.link.tick(b->options.link.ctx);
    lac_bridge_expire(b, lac_clock_mono_ms());
}

static uint32_t tick_wait(void *ctx)
{
    struct lac_bridge *b = ctx;
    bool waiting = lac_bridge_slots_free_count(b->slots) < b->options.in_flight;
    return waiting ? BUSY_TICK_MS : IDLE_TICK_MS;
}

static enum lac_status open_server(struct lac_bridge *b, struct lac_err *err)
{
    struct lac_http_server_options o = b->options.http;
    o.routes = lac_bridge_routes;
    o.route_count = lac_bridge_route_count;
    o.ctx = b;
    o.handler_ms = LAC_BRIDGE_DEADLINE_MAX_MS + HANDLER_GRACE_MS;
    o.refused = lac_bridge_metrics_refused;
    o.answered = lac_bridge_metrics_answered;
    o.tick = tick;
    o.tick_wait = tick_wait;
    return lac_http_server_open(&b->server, &o, err);
}

static enum lac_status open_parts(struct lac_bridge *b, struct lac_err *err)
{
    const struct lac_bridge_options *o = &b->options;
    uint32_t keys = o->in_flight < IDEM_KEYS / 2 ? IDEM_KEYS : 2 * o->in_flight;
    size_t body = o->http.body_bytes ? o->http.body_bytes : 1 << 20;
    lac_buf_init(&b->scratch, LAC_BRIDGE_BATCH_BYTES + 64 * 1024);
    enum lac_status status =
        lac_bridge_slots_new(&b->slots, o->in_flight, lac_clock_mono_ms(), err);
    if (status == LAC_OK)
        status = lac_bridge_idem_new(&b->idem, keys, IDEM_BYTES, o->idempotency_ttl_ms, err);
    if (status == LAC_OK)
        status = lac_arena_init(&b->arena, ARENA_FACTOR * body + ARENA_BASE, err);
    if (status == LAC_OK)
        status = lac_wire_open(&b->wire, o->schemas, err);
    if (status == LAC_OK)
        status = open_server(b, err);
    return status;
}

enum lac_status lac_bridge_check_listen(const char *listen, const char *api_key,
                                        struct lac_err *err)
{
    if ((api_key && api_key[0]) || lac_http_is_loopback(listen))
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, 0,
                       "bridge: %s can be reached by others, and no key is set: set "
                       "bridge.api_key (LACUNA_API_KEY or LACUNA_API_KEY_FILE), or listen on "
                       "127.0.0.1",
                       listen);
}

enum lac_status lac_bridge_open(struct lac_bridge **out, const struct lac_bridge_options *options,
                                struct lac_err *err)
{
    *out = NULL;
    enum lac_status checked = lac_bridge_check_listen(options->http.listen, options->api_key, err);
    if (checked != LAC_OK)
        return checked;
    struct lac_bridge *b = calloc(1, sizeof *b);
    if (!b)
        return lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory");
    b->options = *options;
    enum lac_status status = open_parts(b, err);
    if (status != LAC_OK) {
        lac_bridge_close(b);
        return status;
    }
    lac_bridge_metrics_init(b);
    *out = b;
    return LAC_OK;
}

struct lac_http_server *lac_bridge_server(struct lac_bridge *b)
{
    return b->server;
}

void lac_bridge_set_schema_id(struct lac_bridge *b, uint32_t id)
{
    lac_wire_set_id(b->wire, &lac_request_type, id);
}

void lac_bridge_close(struct lac_bridge *b)
{
    if (!b)
        return;
    lac_http_server_close(b->server); /* ends every job that has a client */
    if (b->slots)
        lac_bridge_expire(b, UINT64_MAX); /* and those whose client would come back */
    lac_bridge_jobs_deinit(b);
    lac_bridge_slots_free(b->slots);
    lac_bridge_idem_free(b->idem);
    lac_wire_close(b->wire);
    lac_arena_deinit(&b->arena);
    lac_buf_deinit(&b->scratch);
    free(b);
}
