/* SPDX-License-Identifier: Apache-2.0 */
#include "output_pg_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_log.h"
#include "lac_pg_migrate.h"
#include "lac_test.h"
#include "sink_row.h"

struct pg_fixture fixture_server;
struct lac_pg *fixture_watch;
struct lac_metrics *fixture_metrics;

static enum lac_status origin(void *ctx, char out[LAC_OUTPUT_PG_ORIGIN_SIZE], struct lac_err *err)
{
    (void)ctx;
    (void)err;
    (void)snprintf(out, LAC_OUTPUT_PG_ORIGIN_SIZE, "test");
    return LAC_OK;
}

static enum lac_status watermarks(void *ctx, const char *topic, int32_t partition, int64_t *low,
                                  int64_t *high, struct lac_err *err)
{
    const struct fixture_sink *s = ctx;

    (void)topic;
    (void)partition;
    (void)err;
    *low = s->low;
    *high = s->high;
    return LAC_OK;
}

void fixture_open_at(struct fixture_sink *s, const char *url)
{
    struct lac_output_pg_options o = {
        .pg = {.url = s->url, .application = "test", .lock_timeout_ms = 5000},
        .table = &sink_decisions_table,
        .log = {.ctx = s, .origin = origin, .watermarks = watermarks},
        .owner = "me",
        .rows_max = FIXTURE_ROWS,
        .months_ahead = 1,
        .metrics = fixture_metrics,
    };
    struct lac_err err = {0};

    *s = (struct fixture_sink){.high = INT64_MAX};
    (void)snprintf(s->url, sizeof(s->url), "%s", url);
    LAC_TEST_NEED(lac_arena_init(&s->arena, 16 << 20, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_output_pg_new(&s->o, &o, NULL) == LAC_OK);
    s->out = lac_output_pg_output(s->o);
    if (s->out.ops->open(s->out.ctx, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
}

void fixture_open(struct fixture_sink *s)
{
    fixture_open_at(s, pg_fixture_url(&fixture_server, "lacuna"));
}

void fixture_close(struct fixture_sink *s)
{
    s->out.ops->close(s->out.ctx);
    lac_output_pg_free(s->o);
    lac_arena_deinit(&s->arena);
}

enum lac_status fixture_start(struct fixture_sink *s, bool fresh, struct lac_err *err)
{
    struct lac_kafka_position p = {FIXTURE_TOPIC, FIXTURE_PARTITION, LAC_KAFKA_STORED};
    enum lac_status status = s->out.ops->start(s->out.ctx, &p, 1, fresh, err);

    s->at = p.offset == LAC_KAFKA_BEGINNING ? 0 : p.offset;
    return status;
}

struct fixture_event fixture_event(uint32_t n)
{
    return (struct fixture_event){n, LAC_TIER_INTERNAL, FIXTURE_TIME_MS, "default", NULL};
}

struct lac_str fixture_row(struct fixture_sink *s, struct fixture_event w)
{
    struct lac_decision_core core;
    struct lac_decision d;
    struct lac_buf b;
    char *bytes, *record;
    size_t n;

    lac_decision_core_init(&core);
    core.tenant = lac_str_from(w.tenant);
    core.tier = w.tier;
    core.posterior = (struct lac_posterior){100000, 200000, 700000};
    core.engine = LAC_STR("rules/1");
    lac_decision_init(&d);
    memcpy(d.event_id.bytes, &w.event, sizeof(w.event));
    d.origin.origin = LAC_STR("test");
    d.origin.topic = LAC_STR("t.requests");
    d.origin.timestamp = w.time_ms;
    d.excerpt = lac_str_from(w.excerpt);
    n = lac_decision_core_encoded_size(&core);
    bytes = lac_arena_alloc(&s->arena, n);
    LAC_TEST_NEED(bytes != NULL);
    (void)lac_decision_core_encode(&core, bytes);
    d.core = (struct lac_str){bytes, n};
    lac_sha256(d.decision_hash.bytes, bytes, n);
    n = lac_decision_encoded_size(&d);
    record = lac_arena_alloc(&s->arena, n + 4096);
    LAC_TEST_NEED(record != NULL);
    (void)lac_decision_encode(&d, record);
    lac_buf_init_fixed(&b, record + n, 4096);
    sink_row_put(&b, &d, &core, (struct lac_str){record, n});
    LAC_TEST_NEED(lac_buf_ok(&b));
    return lac_buf_str(&b);
}

enum lac_status fixture_write(struct fixture_sink *s, struct lac_str row, struct lac_err *err)
{
    struct lac_batch_row r = {0, row};
    struct lac_batch b = {.count = 1, .rows = &r, .row_count = 1};
    enum lac_status status = s->out.ops->write(s->out.ctx, &b, err);

    if (status == LAC_OK)
        s->at++;
    return status;
}

enum lac_status fixture_put(struct fixture_sink *s, struct fixture_event w)
{
    return fixture_write(s, fixture_row(s, w), NULL);
}

enum lac_status fixture_commit(struct fixture_sink *s, struct lac_err *err)
{
    struct lac_kafka_position p = {FIXTURE_TOPIC, FIXTURE_PARTITION, s->at};
    enum lac_status status = s->out.ops->commit(s->out.ctx, &p, 1, err);

    if (status == LAC_OK)
        lac_arena_reset(&s->arena);
    return status;
}

void fixture_give_up(struct fixture_sink *s)
{
    LAC_TEST_EQ(s->out.ops->abort(s->out.ctx, NULL), LAC_OK);
    lac_arena_reset(&s->arena);
}

int64_t fixture_number(const char *sql)
{
    return pg_fixture_number(fixture_watch, sql);
}

int64_t fixture_row_count(void)
{
    return fixture_number("SELECT count(*) FROM decisions");
}

int64_t fixture_next_offset(void)
{
    return fixture_number("SELECT next_offset FROM sink_offset WHERE topic = '" FIXTURE_TOPIC "'");
}

void fixture_connect(void)
{
    struct lac_pg_options o = {.url = pg_fixture_url(&fixture_server, "lacuna")};

    lac_pg_close(fixture_watch);
    fixture_watch = NULL;
    LAC_TEST_NEED(lac_pg_connect(&fixture_watch, &o, NULL) == LAC_OK);
}

static void stop_server(void)
{
    lac_pg_close(fixture_watch);
    pg_fixture_stop(&fixture_server);
}

void fixture_clean_tables(void)
{
    static bool started;
    struct lac_pg_options o = {0};
    size_t count;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);

    if (!started) {
        lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
        if (!pg_fixture_start(&fixture_server))
            lac_test_skip("Postgres is not installed");
        started = true;
        (void)atexit(stop_server);
        o.url = pg_fixture_url(&fixture_server, "postgres");
        LAC_TEST_NEED(lac_pg_connect(&fixture_watch, &o, NULL) == LAC_OK);
        LAC_TEST_NEED(lac_pg_exec(fixture_watch, "CREATE DATABASE lacuna", NULL) == LAC_OK);
        fixture_connect();
        LAC_TEST_NEED(lac_pg_migrate(fixture_watch, all, count, NULL, NULL, NULL, NULL) == LAC_OK);
    }
    LAC_TEST_NEED(lac_pg_exec(fixture_watch, "TRUNCATE decisions, decision_conflict, sink_offset",
                              NULL) == LAC_OK);
}
