/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: whatever happens to the sink or its connection, each (event, revision) is one row and
 * nothing is lost, on a real Postgres. */
#include "lac_output_pg.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_log.h"
#include "lac_pg_migrate.h"
#include "lac_records.h"
#include "pg_fixture.h"
#include "pg_proxy.h"
#include "sink_row.h"

#include "lac_test.h"

enum { ROWS_MAX = 2000, PARTITION = 3 };
#define TOPIC    "t.lineage"
#define TIME_MS  INT64_C(1700000000000) /* November 2023 */
#define MONTH_MS INT64_C(2678400000)

static struct pg_fixture server;
static struct lac_pg *watch;        /* looks from outside */
static struct lac_metrics *metrics; /* of sinks that are opened; may be NULL */

/* ---- one sink ---- */

struct sink {
    char url[256];
    struct lac_output_pg *o;
    struct lac_output out;
    struct lac_arena arena;
    struct lac_batch_row rows[ROWS_MAX];
    size_t row_count;
    int64_t at;        /* next to read */
    int64_t low, high; /* of the log */
};

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
    const struct sink *s = ctx;

    (void)topic;
    (void)partition;
    (void)err;
    *low = s->low;
    *high = s->high;
    return LAC_OK;
}

static void open_sink_at(struct sink *s, const char *url)
{
    struct lac_output_pg_options o = {
        .pg = {.url = s->url, .application = "test", .lock_timeout_ms = 5000},
        .table = &sink_decisions_table,
        .log = {.ctx = s, .origin = origin, .watermarks = watermarks},
        .owner = "me",
        .rows_max = ROWS_MAX,
        .months_ahead = 1,
        .metrics = metrics,
    };
    struct lac_err err = {0};

    *s = (struct sink){.high = INT64_MAX};
    (void)snprintf(s->url, sizeof(s->url), "%s", url);
    LAC_TEST_NEED(lac_arena_init(&s->arena, 16 << 20, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_output_pg_new(&s->o, &o, NULL) == LAC_OK);
    s->out = lac_output_pg_output(s->o);
    if (s->out.ops->open(s->out.ctx, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
}

static void open_sink(struct sink *s)
{
    open_sink_at(s, pg_fixture_url(&server, "lacuna"));
}

static void close_sink(struct sink *s)
{
    s->out.ops->close(s->out.ctx);
    lac_output_pg_free(s->o);
    lac_arena_deinit(&s->arena);
}

static enum lac_status start(struct sink *s, bool fresh, struct lac_err *err)
{
    struct lac_kafka_position p = {TOPIC, PARTITION, LAC_KAFKA_STORED};
    enum lac_status status = s->out.ops->start(s->out.ctx, &p, 1, fresh, err);

    s->at = p.offset == LAC_KAFKA_BEGINNING ? 0 : p.offset;
    return status;
}

struct what {
    uint32_t event;
    enum lac_tier tier;
    int64_t time_ms;
    const char *tenant;
    const char *excerpt;
};

static struct what event(uint32_t n)
{
    return (struct what){n, LAC_TIER_INTERNAL, TIME_MS, "default", NULL};
}

static struct lac_str make_row(struct sink *s, struct what w)
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

static enum lac_status write_row(struct sink *s, struct lac_str row, struct lac_err *err)
{
    struct lac_batch_row r = {0, row};
    struct lac_batch b = {.count = 1, .rows = &r, .row_count = 1};
    enum lac_status status = s->out.ops->write(s->out.ctx, &b, err);

    if (status == LAC_OK)
        s->at++;
    return status;
}

static enum lac_status put(struct sink *s, struct what w)
{
    return write_row(s, make_row(s, w), NULL);
}

static enum lac_status commit(struct sink *s, struct lac_err *err)
{
    struct lac_kafka_position p = {TOPIC, PARTITION, s->at};
    enum lac_status status = s->out.ops->commit(s->out.ctx, &p, 1, err);

    if (status == LAC_OK)
        lac_arena_reset(&s->arena);
    return status;
}

static void give_up(struct sink *s)
{
    LAC_TEST_EQ(s->out.ops->abort(s->out.ctx, NULL), LAC_OK);
    lac_arena_reset(&s->arena);
}

/* ---- looking from outside ---- */

static int64_t number(const char *sql)
{
    return pg_fixture_number(watch, sql);
}

static int64_t row_count(void)
{
    return number("SELECT count(*) FROM decisions");
}

static int64_t next_offset(void)
{
    return number("SELECT next_offset FROM sink_offset WHERE topic = '" TOPIC "'");
}

static void connect_watch(void)
{
    struct lac_pg_options o = {.url = pg_fixture_url(&server, "lacuna")};

    lac_pg_close(watch);
    watch = NULL;
    LAC_TEST_NEED(lac_pg_connect(&watch, &o, NULL) == LAC_OK);
}

static void stop_server(void)
{
    lac_pg_close(watch);
    pg_fixture_stop(&server);
}

static void clean_tables(void)
{
    static bool started;
    struct lac_pg_options o = {0};
    size_t count;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);

    if (!started) {
        lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
        if (!pg_fixture_start(&server))
            lac_test_skip("Postgres is not installed");
        started = true;
        (void)atexit(stop_server);
        o.url = pg_fixture_url(&server, "postgres");
        LAC_TEST_NEED(lac_pg_connect(&watch, &o, NULL) == LAC_OK);
        LAC_TEST_NEED(lac_pg_exec(watch, "CREATE DATABASE lacuna", NULL) == LAC_OK);
        connect_watch();
        LAC_TEST_NEED(lac_pg_migrate(watch, all, count, NULL, NULL, NULL, NULL) == LAC_OK);
    }
    LAC_TEST_NEED(lac_pg_exec(watch, "TRUNCATE decisions, decision_conflict, sink_offset", NULL) ==
                  LAC_OK);
}

/* ---- tests ---- */

static void rows_and_position_are_one(void)
{
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 0);
    for (uint32_t i = 0; i < 10; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    LAC_TEST_EQ(row_count(), 0); /* nobody sees half of it */
    LAC_TEST_EQ(next_offset(), 0);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), 10);
    LAC_TEST_EQ(next_offset(), 10);
    LAC_TEST_EQ(put(&s, event(10)), LAC_OK);
    give_up(&s);
    LAC_TEST_EQ(row_count(), 10);
    LAC_TEST_EQ(start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 10);
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions WHERE tier >= 'INTERNAL' AND tenant = "
                       "'default' AND confidence_ppm = 300000 AND findings = '[]' AND tags = '{}'"
                       " AND origin_time = to_timestamp(1700000000) AND user_id IS NULL"
                       " AND tableoid = 'decisions_y2023m11'::regclass"),
                10);
    close_sink(&s);
}

static void position_moves_without_rows(void)
{
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    s.at = 5; /* five records, all dead-lettered */
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(next_offset(), 5);
    close_sink(&s);
}

static void full_interval_says_again(void)
{
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < ROWS_MAX; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    LAC_TEST_EQ(put(&s, event(ROWS_MAX)), LAC_AGAIN);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, event(ROWS_MAX)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), ROWS_MAX + 1);
    close_sink(&s);
}

/* The predecessor has rows in an open COPY, as one frozen there has: they would block a
 * successor's same keys for ever. */
static void zombie_inside_a_copy(bool claimed_before)
{
    struct sink first, zombie, heir;

    clean_tables();
    if (claimed_before) {
        open_sink(&first);
        LAC_TEST_EQ(start(&first, true, NULL), LAC_OK);
        close_sink(&first);
    }
    open_sink(&zombie);
    open_sink(&heir);
    LAC_TEST_EQ(start(&zombie, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < 1500; i++) /* enough for the server to have some in its index */
        LAC_TEST_EQ(put(&zombie, event(i)), LAC_OK);
    LAC_TEST_EQ(start(&heir, true, NULL), LAC_OK);
    LAC_TEST_EQ(heir.at, 0);
    for (uint32_t i = 0; i < 1500; i++)
        LAC_TEST_EQ(put(&heir, event(i)), LAC_OK);
    LAC_TEST_EQ(commit(&heir, NULL), LAC_OK); /* RETRY, had it waited for a lock */
    LAC_TEST_EQ(commit(&zombie, NULL), LAC_RETRY);
    give_up(&zombie);
    LAC_TEST_EQ(start(&zombie, false, NULL), LAC_OK);
    LAC_TEST_EQ(zombie.at, LAC_KAFKA_NONE);
    LAC_TEST_EQ(row_count(), 1500);
    LAC_TEST_EQ(next_offset(), 1500);
    LAC_TEST_EQ(lac_output_pg_counts(zombie.o).fenced, 1);
    close_sink(&zombie);
    close_sink(&heir);
}

static void zombie_inside_a_copy_neither_blocks_nor_writes(void)
{
    zombie_inside_a_copy(false); /* the first who ever claimed the partition, */
    zombie_inside_a_copy(true);  /* and one who took it over */
}

/* The server gives a process's number to another one in time. */
static void a_session_with_a_former_number_of_ours_is_let_alone(void)
{
    struct sink first, heir;

    clean_tables();
    open_sink(&first);
    open_sink(&heir);
    LAC_TEST_EQ(start(&first, true, NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(watch, "UPDATE sink_offset SET backend_pid = pg_backend_pid()", NULL),
                LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(watch, "BEGIN", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(watch, "SELECT 1", NULL), LAC_OK);
    LAC_TEST_EQ(start(&heir, true, NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(watch, "COMMIT", NULL), LAC_OK);
    close_sink(&first);
    close_sink(&heir);
}

/* Its session lives, because it was idle: only the epoch stands between it and the table. */
static void zombie_with_a_living_session_is_stopped_by_its_epoch(void)
{
    struct sink zombie, heir;
    struct lac_err err = {0};

    clean_tables();
    open_sink(&zombie);
    open_sink(&heir);
    LAC_TEST_EQ(start(&zombie, true, NULL), LAC_OK);
    LAC_TEST_EQ(start(&heir, true, NULL), LAC_OK);
    /* Same position, other epoch; rows of its own, so no key stops it. */
    LAC_TEST_EQ(put(&zombie, event(1)), LAC_OK);
    LAC_TEST_EQ(commit(&zombie, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "epoch 1") != NULL);
    give_up(&zombie);
    LAC_TEST_EQ(row_count(), 0);
    LAC_TEST_EQ(start(&zombie, false, NULL), LAC_OK);
    LAC_TEST_EQ(zombie.at, LAC_KAFKA_NONE);
    LAC_TEST_EQ(put(&heir, event(2)), LAC_OK);
    LAC_TEST_EQ(commit(&heir, NULL), LAC_OK);
    LAC_TEST_EQ(next_offset(), 1);
    close_sink(&zombie);
    close_sink(&heir);
}

static void duplicates_are_counted_and_skipped(void)
{
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < 5; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    for (uint32_t i = 3; i < 9; i++) /* 3 and 4 are there; 8 comes twice */
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    LAC_TEST_EQ(put(&s, event(8)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), 9);
    LAC_TEST_EQ(next_offset(), 12);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).duplicates, 3);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).conflicts, 0);
    /* The next interval is on the fast way again. */
    LAC_TEST_EQ(put(&s, event(9)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), 10);
    LAC_TEST_EQ(number("SELECT count(*) FROM decision_conflict"), 0);
    close_sink(&s);
}

static void contradiction_is_kept_and_the_stricter_tier_counts(void)
{
    struct sink s;
    struct what other = event(1), twin = event(2);

    clean_tables();
    other.tier = LAC_TIER_PROPRIETARY;
    twin.tier = LAC_TIER_PUBLIC;
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, event(1)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, other), LAC_OK);
    LAC_TEST_EQ(put(&s, event(2)), LAC_OK); /* and both of one inside one interval */
    LAC_TEST_EQ(put(&s, twin), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), 2);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).conflicts, 2);
    LAC_TEST_EQ(number("SELECT count(*) FROM decision_conflict"), 2);
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions_joined WHERE tier = 'PROPRIETARY'"
                       " AND stored_tier = 'INTERNAL' AND conflicts = 1"),
                1);
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions_joined WHERE tier = 'INTERNAL'"
                       " AND conflicts = 1"),
                1);
    close_sink(&s);
}

static void lost_commit(enum pg_proxy_cut cut, int64_t expected)
{
    struct pg_proxy *proxy;
    char folder[96], url[256];
    struct sink s;

    clean_tables();
    (void)snprintf(folder, sizeof(folder), "%s", server.folder);
    proxy = pg_proxy_start(server.sock, folder);
    (void)snprintf(url, sizeof(url), "postgresql:///lacuna?host=%s&user=lacuna", folder);
    open_sink_at(&s, url);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < 7; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    pg_proxy_arm(proxy, cut);
    LAC_TEST_EQ(commit(&s, NULL), LAC_RETRY);
    LAC_TEST_EQ(pg_proxy_cuts(proxy), 1);
    give_up(&s);
    LAC_TEST_EQ(start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, expected); /* it tells which */
    for (uint32_t i = (uint32_t)s.at; i < 9; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), 9);
    LAC_TEST_EQ(next_offset(), 9);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).duplicates, 0);
    close_sink(&s);
    pg_proxy_stop(proxy);
}

static void lost_answer_to_commit_is_found_out(void)
{
    lost_commit(PG_PROXY_CUT_AFTER_COMMIT, 7);
}

static void commit_that_never_arrived_is_redone(void)
{
    lost_commit(PG_PROXY_CUT_BEFORE_COMMIT, 0);
}

/* What the lane does on REJECT, in small: halves until the culprit is alone. */
static size_t write_halving(struct sink *s, const struct what *w, size_t n)
{
    struct lac_err err = {0};
    enum lac_status status = LAC_OK;
    int64_t from = s->at;

    for (size_t i = 0; i < n && status == LAC_OK; i++)
        status = put(s, w[i]);
    LAC_TEST_EQ(status, LAC_OK);
    status = commit(s, &err);
    if (status == LAC_OK)
        return 0;
    LAC_TEST_EQ(status, LAC_REJECT);
    CU_ASSERT(strstr(err.text, "bad\xff") == NULL);
    give_up(s);
    LAC_TEST_EQ(start(s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s->at, from);
    if (n == 1) { /* dead-lettered; the position moves over it */
        s->at++;
        LAC_TEST_EQ(commit(s, NULL), LAC_OK);
        return 1;
    }
    return write_halving(s, w, n / 2) + write_halving(s, w + n / 2, n - n / 2);
}

static void refused_rows_are_found_by_halving(void)
{
    struct what w[64];
    struct sink s;

    clean_tables();
    for (uint32_t i = 0; i < LAC_COUNT(w); i++)
        w[i] = event(i);
    w[17].tenant = w[18].tenant = "bad\xff"; /* no UTF-8: our decoder would have refused it */
    w[63].tenant = "bad\xff";
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(write_halving(&s, w, LAC_COUNT(w)), 3);
    LAC_TEST_EQ(row_count(), 61);
    LAC_TEST_EQ(next_offset(), 64);
    close_sink(&s);
}

static void odd_times_find_a_partition(void)
{
    static const struct {
        int64_t time_ms;
        bool in_default;
    } cases[] = {
        {TIME_MS, false},
        {TIME_MS + MONTH_MS, false},
        {TIME_MS - 10 * MONTH_MS, false},
        {1582934400000, false}, /* 29 February 2020 */
        {1577836799999, true},  /* a millisecond before 2020 */
        {1577836800000, false},
        {0, true},
        {-1, true},
        {INT64_MAX, true},
        {INT64_MIN, true},
        {4102444800000, true}, /* 2100 */
        {TIME_MS + 1, false},
    };
    struct sink s;
    int64_t in_default = 0;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < LAC_COUNT(cases); i++) {
        struct what w = event(i);

        w.time_ms = cases[i].time_ms;
        in_default += cases[i].in_default;
        if (put(&s, w) == LAC_AGAIN) { /* a partition first */
            LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
            LAC_TEST_EQ(put(&s, w), LAC_OK);
        }
    }
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), LAC_COUNT(cases));
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions_default"), in_default);
    close_sink(&s);
}

/* Making a partition locks readers out; an open interval must not. */
static void readers_do_not_wait_for_an_interval(void)
{
    struct what w = event(1);
    struct sink s;

    clean_tables();
    w.time_ms = 1614556800000; /* March 2021 */
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, w), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(watch, "SET lock_timeout = 500", NULL), LAC_OK);
    LAC_TEST_EQ(row_count(), 0);
    w.time_ms += MONTH_MS; /* needs another partition: after a commit */
    LAC_TEST_EQ(put(&s, w), LAC_AGAIN);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, w), LAC_OK);
    LAC_TEST_EQ(row_count(), 1);
    LAC_TEST_EQ(lac_pg_exec(watch, "RESET lock_timeout", NULL), LAC_OK);
    give_up(&s);
    close_sink(&s);
}

static void rows_of_the_default_partition_move_to_their_month(void)
{
    clean_tables();
    LAC_TEST_EQ(lac_pg_exec(watch, "DROP TABLE IF EXISTS decisions_y2022m07", NULL), LAC_OK);
    LAC_TEST_EQ(
        lac_pg_exec(watch,
                    "INSERT INTO decisions SELECT '2022-07-09', gen_random_uuid(), 0, true, 'x',"
                    " 'PUBLIC', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'o', 't',"
                    " 0, 0, '{}', '{}', '{}', '{}', 's', 'e', '', NULL, '', now(), 0, 0, 'i', 'v',"
                    " NULL, NULL, '[]', '' FROM generate_series(1, 3)",
                    NULL),
        LAC_OK);
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions_default"), 3);
    LAC_TEST_EQ(number("SELECT lacuna_make_partition('2022-07-31 23:59:59+00')::int"), 1);
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions_y2022m07"), 3);
    LAC_TEST_EQ(number("SELECT count(*) FROM decisions_default"), 0);
}

static void server_crash_inside_an_interval_is_retry(void)
{
    struct sink s;
    enum lac_status status = LAC_OK;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, event(0)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    for (uint32_t i = 1; i < 100; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    pg_fixture_restart(&server);
    for (uint32_t i = 100; i < 300 && status == LAC_OK; i++)
        status = put(&s, event(i));
    if (status == LAC_OK)
        status = commit(&s, NULL);
    LAC_TEST_EQ(status, LAC_RETRY);
    give_up(&s);
    LAC_TEST_EQ(start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 1);
    for (uint32_t i = 1; i < 300; i++)
        LAC_TEST_EQ(put(&s, event(i)), LAC_OK);
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    connect_watch();
    LAC_TEST_EQ(row_count(), 300);
    close_sink(&s);
}

static void recreated_topic_stops_with_advice(void)
{
    struct lac_err err = {0};
    enum lac_status status = LAC_RETRY;
    struct sink s;
    int asked = 0;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    s.at = 1000;
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    s.high = 999;
    while (status == LAC_RETRY && asked++ < 20)
        status = start(&s, true, &err);
    LAC_TEST_EQ(status, LAC_FATAL);
    CU_ASSERT(strstr(err.text, "recreated") && strstr(err.text, "DELETE FROM sink_offset"));
    CU_ASSERT(asked > 1); /* one old answer is not enough */
    LAC_TEST_EQ(lac_pg_exec(watch, "DELETE FROM sink_offset", NULL), LAC_OK);
    LAC_TEST_EQ(start(&s, true, &err), LAC_OK);
    LAC_TEST_EQ(s.at, 0);
    close_sink(&s);
}

/* That many times the log may seem too short, each time anew. */
static void seems_too_short(struct sink *s, int times)
{
    s->high = 999;
    for (int i = 0; i < times; i++) {
        lac_test_row("%d", i);
        LAC_TEST_EQ(start(s, true, NULL), LAC_RETRY);
    }
}

static void an_old_answer_about_the_log_is_waited_out(void)
{
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    s.at = 1000;
    LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
    seems_too_short(&s, 4);
    s.high = 1000; /* where nothing has come since, its end is where we are */
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 1000);
    seems_too_short(&s, 4);
    s.out.ops->revoked(s.out.ctx, false);
    seems_too_short(&s, 4);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_FATAL);
    close_sink(&s);
}

static void what_the_log_has_lost_is_counted(void)
{
    static const struct {
        int64_t at, low;
        uint64_t lost; /* in all */
    } rows[] = {{0, 15, 0}, {10, 9, 0}, {10, 10, 0}, {10, 11, 1}, {10, 15, 6}};
    const struct lac_counter *gaps;
    struct sink s;

    clean_tables();
    LAC_TEST_NEED(lac_metrics_new(&metrics, NULL) == LAC_OK);
    open_sink(&s);
    gaps = lac_metrics_counter(metrics, "lacuna_sink_expired_records_total", "", NULL);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("at %lld", (long long)rows[i].at);
        if (s.at != rows[i].at) {
            s.at = rows[i].at;
            LAC_TEST_EQ(commit(&s, NULL), LAC_OK);
        }
        s.low = rows[i].low;
        LAC_TEST_EQ(start(&s, false, NULL), LAC_OK);
        LAC_TEST_EQ(s.at, rows[i].at);
        LAC_TEST_EQ(lac_counter_value(gaps), rows[i].lost);
    }
    close_sink(&s);
    lac_metrics_free(metrics);
    metrics = NULL;
}

static void partitions_are_told_apart(void)
{
    struct lac_kafka_position p[] = {{TOPIC, 3, LAC_KAFKA_STORED},
                                     {TOPIC, 4, LAC_KAFKA_STORED},
                                     {"u.lineage", 3, LAC_KAFKA_STORED}};
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(s.out.ops->start(s.out.ctx, p, 3, true, NULL), LAC_OK);
    for (int i = 0; i < 3; i++) {
        LAC_TEST_EQ(p[i].offset, LAC_KAFKA_BEGINNING);
        p[i].offset = 5 + i;
    }
    LAC_TEST_EQ(s.out.ops->commit(s.out.ctx, p, 3, NULL), LAC_OK);
    p[1].offset = 60;
    LAC_TEST_EQ(s.out.ops->commit(s.out.ctx, p + 1, 1, NULL), LAC_OK);
    for (int fresh = 0; fresh < 2; fresh++) {
        for (int i = 0; i < 3; i++)
            p[i].offset = LAC_KAFKA_STORED;
        LAC_TEST_EQ(s.out.ops->start(s.out.ctx, p, 3, fresh, NULL), LAC_OK);
        for (int i = 0; i < 3; i++) {
            lac_test_row("%d, fresh %d", i, fresh);
            LAC_TEST_EQ(p[i].offset, i == 1 ? 60 : 5 + i);
        }
    }
    close_sink(&s);
}

/* By a commit of ours whose answer was lost, or by hand: what was read from elsewhere is not it. */
static void a_position_that_is_another_by_now_stays(void)
{
    struct lac_err err = {0};
    struct sink s;

    clean_tables();
    open_sink(&s);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(put(&s, event(1)), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(watch, "UPDATE sink_offset SET next_offset = 7", NULL), LAC_OK);
    LAC_TEST_EQ(commit(&s, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "is not at 0 of epoch 1 any more") != NULL);
    give_up(&s);
    LAC_TEST_EQ(row_count(), 0);
    LAC_TEST_EQ(start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 7);
    close_sink(&s);
}

/* Else its session, busy with other partitions, would be ended as a predecessor's. */
static void who_gave_a_partition_back_has_no_session_there(void)
{
    static const char left[] = "SELECT coalesce(sum(partition), 0) FROM sink_offset"
                               " WHERE backend_pid IS NOT NULL AND backend_start IS NOT NULL";
    struct lac_kafka_position other = {TOPIC, 4, LAC_KAFKA_STORED};
    struct sink s, neighbour;

    clean_tables();
    open_sink(&s);
    open_sink(&neighbour);
    LAC_TEST_EQ(start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(neighbour.out.ops->start(neighbour.out.ctx, &other, 1, true, NULL), LAC_OK);
    LAC_TEST_EQ(number(left), 3 + 4);
    s.out.ops->revoked(s.out.ctx, false);
    LAC_TEST_EQ(number(left), 4);
    neighbour.out.ops->revoked(neighbour.out.ctx, true); /* they are somebody else's already */
    LAC_TEST_EQ(number(left), 4);
    close_sink(&s);
    close_sink(&neighbour);
}

static void schema_that_is_missing_is_waited_for(void)
{
    struct lac_err err = {0};
    struct sink s;

    clean_tables();
    open_sink_at(&s, pg_fixture_url(&server, "postgres"));
    LAC_TEST_EQ(start(&s, true, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "lacuna migrate") != NULL);
    close_sink(&s);
}

/* ---- property ---- */

enum { LOG_LENGTH = 1500, SINKS = 2 };

static uint64_t random_state;

static uint32_t roll(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % n;
}

static void end_a_session(void)
{
    (void)!lac_pg_exec(watch,
                       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name = 'test' LIMIT 1",
                       NULL);
}

/* One interval of a careless sink that doesn't know whether the partition is still its own. */
static void one_turn(struct sink *s, const struct what *log)
{
    uint32_t n = 1 + roll(120);
    enum lac_status status = LAC_OK;

    for (uint32_t i = 0; i < n && s->at < LOG_LENGTH && status == LAC_OK; i++) {
        status = put(s, log[s->at]);
        if (roll(400) == 0)
            end_a_session();
    }
    if (status == LAC_OK && roll(6) != 0)
        status = commit(s, NULL);
    else if (status == LAC_OK)
        status = LAC_RETRY;
    if (status == LAC_OK)
        return;
    CU_ASSERT(status == LAC_RETRY);
    give_up(s);
    if (start(s, false, NULL) != LAC_OK)
        s->at = LAC_KAFKA_NONE;
}

static void play(uint64_t seed)
{
    static struct what log[LOG_LENGTH];
    struct sink sinks[SINKS];

    random_state = seed * 2654435761u + 88172645463325252u;
    for (uint32_t i = 0; i < LOG_LENGTH; i++) /* every tenth is a repetition */
        log[i] = event(i % 10 == 9 ? roll(i / 10 + 1) * 10 : i);
    clean_tables();
    for (int i = 0; i < SINKS; i++) {
        open_sink(&sinks[i]);
        sinks[i].at = LAC_KAFKA_NONE;
    }
    for (int turn = 0; turn < 2000 && next_offset() < LOG_LENGTH; turn++) {
        struct sink *s = &sinks[roll(SINKS)];

        if ((s->at < 0 || roll(12) == 0) && start(s, true, NULL) != LAC_OK)
            s->at = LAC_KAFKA_NONE;
        if (s->at >= 0)
            one_turn(s, log);
        if (roll(3) == 0 && s->at >= 0) /* a new owner's turn starts from what the table says */
            give_up(s);
        if (s->at >= 0 && start(s, false, NULL) != LAC_OK)
            s->at = LAC_KAFKA_NONE;
    }
    lac_test_row("seed %llu", (unsigned long long)seed);
    LAC_TEST_EQ(next_offset(), LOG_LENGTH);
    LAC_TEST_EQ(row_count(), number("SELECT count(DISTINCT (event_id, revision)) FROM decisions"));
    LAC_TEST_EQ(row_count(), LOG_LENGTH - LOG_LENGTH / 10);
    LAC_TEST_EQ(number("SELECT count(*) FROM decision_conflict"), 0);
    CU_ASSERT(lac_output_pg_counts(sinks[0].o).fenced + lac_output_pg_counts(sinks[1].o).fenced >
              0);
    CU_ASSERT(lac_output_pg_counts(sinks[0].o).connects > 1);
    for (int i = 0; i < SINKS; i++)
        close_sink(&sinks[i]);
}

static void every_event_is_one_row_after_any_history(void)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        play(seed);
}

LAC_TEST_MAIN(output_pg, rows_and_position_are_one, position_moves_without_rows,
              full_interval_says_again, zombie_inside_a_copy_neither_blocks_nor_writes,
              a_session_with_a_former_number_of_ours_is_let_alone,
              zombie_with_a_living_session_is_stopped_by_its_epoch,
              duplicates_are_counted_and_skipped,
              contradiction_is_kept_and_the_stricter_tier_counts,
              lost_answer_to_commit_is_found_out, commit_that_never_arrived_is_redone,
              refused_rows_are_found_by_halving, odd_times_find_a_partition,
              readers_do_not_wait_for_an_interval,
              rows_of_the_default_partition_move_to_their_month,
              server_crash_inside_an_interval_is_retry, recreated_topic_stops_with_advice,
              an_old_answer_about_the_log_is_waited_out, what_the_log_has_lost_is_counted,
              partitions_are_told_apart, a_position_that_is_another_by_now_stays,
              who_gave_a_partition_back_has_no_session_there, schema_that_is_missing_is_waited_for,
              every_event_is_one_row_after_any_history)
