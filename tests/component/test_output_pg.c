/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: whatever happens to the connection or the rows, each (event, revision) is one row and
 * nothing is lost, on a real Postgres. */
#include "lac_output_pg.h"

#include <stdio.h>
#include <string.h>

#include "lac_test.h"
#include "output_pg_fixture.h"
#include "pg_proxy.h"

#define MONTH_MS INT64_C(2678400000)

static void rows_and_position_are_one(void)
{
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 0);
    for (uint32_t i = 0; i < 10; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 0); /* nobody sees half of it */
    LAC_TEST_EQ(fixture_next_offset(), 0);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 10);
    LAC_TEST_EQ(fixture_next_offset(), 10);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(10)), LAC_OK);
    fixture_give_up(&s);
    LAC_TEST_EQ(fixture_row_count(), 10);
    LAC_TEST_EQ(fixture_start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 10);
    LAC_TEST_EQ(
        fixture_number("SELECT count(*) FROM decisions WHERE tier >= 'INTERNAL' AND tenant = "
                       "'default' AND confidence_ppm = 300000 AND findings = '[]' AND tags = '{}'"
                       " AND origin_time = to_timestamp(1700000000) AND user_id IS NULL"
                       " AND tableoid = 'decisions_y2023m11'::regclass"),
        10);
    fixture_close(&s);
}

static void position_moves_without_rows(void)
{
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    s.at = 5; /* five records, all dead-lettered */
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_next_offset(), 5);
    fixture_close(&s);
}

static void full_interval_says_again(void)
{
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < FIXTURE_ROWS; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(FIXTURE_ROWS)), LAC_AGAIN);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(FIXTURE_ROWS)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), FIXTURE_ROWS + 1);
    fixture_close(&s);
}

static void duplicates_are_counted_and_skipped(void)
{
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < 5; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    for (uint32_t i = 3; i < 9; i++) /* 3 and 4 are there; 8 comes twice */
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(8)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 9);
    LAC_TEST_EQ(fixture_next_offset(), 12);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).duplicates, 3);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).conflicts, 0);
    /* The next interval is on the fast way again. */
    LAC_TEST_EQ(fixture_put(&s, fixture_event(9)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 10);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decision_conflict"), 0);
    fixture_close(&s);
}

static void contradiction_is_kept_and_the_stricter_tier_counts(void)
{
    struct fixture_sink s;
    struct fixture_event other = fixture_event(1), twin = fixture_event(2);

    fixture_clean_tables();
    other.tier = LAC_TIER_PROPRIETARY;
    twin.tier = LAC_TIER_PUBLIC;
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(1)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, other), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(2)),
                LAC_OK); /* and both of one inside one interval */
    LAC_TEST_EQ(fixture_put(&s, twin), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 2);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).conflicts, 2);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decision_conflict"), 2);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decisions_joined WHERE tier = 'PROPRIETARY'"
                               " AND stored_tier = 'INTERNAL' AND conflicts = 1"),
                1);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decisions_joined WHERE tier = 'INTERNAL'"
                               " AND conflicts = 1"),
                1);
    fixture_close(&s);
}

static void lost_commit(enum pg_proxy_cut cut, int64_t expected)
{
    struct pg_proxy *proxy;
    char folder[96], url[256];
    struct fixture_sink s;

    fixture_clean_tables();
    (void)snprintf(folder, sizeof(folder), "%s", fixture_server.folder);
    proxy = pg_proxy_start(fixture_server.sock, folder);
    (void)snprintf(url, sizeof(url), "postgresql:///lacuna?host=%s&user=lacuna", folder);
    fixture_open_at(&s, url);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < 7; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    pg_proxy_arm(proxy, cut);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_RETRY);
    LAC_TEST_EQ(pg_proxy_cuts(proxy), 1);
    fixture_give_up(&s);
    LAC_TEST_EQ(fixture_start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, expected); /* it tells which */
    for (uint32_t i = (uint32_t)s.at; i < 9; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 9);
    LAC_TEST_EQ(fixture_next_offset(), 9);
    LAC_TEST_EQ(lac_output_pg_counts(s.o).duplicates, 0);
    fixture_close(&s);
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
static size_t write_halving(struct fixture_sink *s, const struct fixture_event *w, size_t n)
{
    struct lac_err err = {0};
    enum lac_status status = LAC_OK;
    int64_t from = s->at;

    for (size_t i = 0; i < n && status == LAC_OK; i++)
        status = fixture_put(s, w[i]);
    LAC_TEST_EQ(status, LAC_OK);
    status = fixture_commit(s, &err);
    if (status == LAC_OK)
        return 0;
    LAC_TEST_EQ(status, LAC_REJECT);
    CU_ASSERT(strstr(err.text, "bad\xff") == NULL);
    fixture_give_up(s);
    LAC_TEST_EQ(fixture_start(s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s->at, from);
    if (n == 1) { /* dead-lettered; the position moves over it */
        s->at++;
        LAC_TEST_EQ(fixture_commit(s, NULL), LAC_OK);
        return 1;
    }
    return write_halving(s, w, n / 2) + write_halving(s, w + n / 2, n - n / 2);
}

static void refused_rows_are_found_by_halving(void)
{
    struct fixture_event w[64];
    struct fixture_sink s;

    fixture_clean_tables();
    for (uint32_t i = 0; i < LAC_COUNT(w); i++)
        w[i] = fixture_event(i);
    w[17].tenant = w[18].tenant = "bad\xff"; /* no UTF-8: our decoder would have refused it */
    w[63].tenant = "bad\xff";
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(write_halving(&s, w, LAC_COUNT(w)), 3);
    LAC_TEST_EQ(fixture_row_count(), 61);
    LAC_TEST_EQ(fixture_next_offset(), 64);
    fixture_close(&s);
}

static void odd_times_find_a_partition(void)
{
    static const struct {
        int64_t time_ms;
        bool in_default;
    } cases[] = {
        {FIXTURE_TIME_MS, false},
        {FIXTURE_TIME_MS + MONTH_MS, false},
        {FIXTURE_TIME_MS - 10 * MONTH_MS, false},
        {1582934400000, false}, /* 29 February 2020 */
        {1577836799999, true},  /* a millisecond before 2020 */
        {1577836800000, false},
        {0, true},
        {-1, true},
        {INT64_MAX, true},
        {INT64_MIN, true},
        {4102444800000, true}, /* 2100 */
        {FIXTURE_TIME_MS + 1, false},
    };
    struct fixture_sink s;
    int64_t in_default = 0;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < LAC_COUNT(cases); i++) {
        struct fixture_event w = fixture_event(i);

        w.time_ms = cases[i].time_ms;
        in_default += cases[i].in_default;
        if (fixture_put(&s, w) == LAC_AGAIN) { /* a partition first */
            LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
            LAC_TEST_EQ(fixture_put(&s, w), LAC_OK);
        }
    }
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), LAC_COUNT(cases));
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decisions_default"), in_default);
    fixture_close(&s);
}

/* Making a partition locks readers out; an open interval must not. */
static void readers_do_not_wait_for_an_interval(void)
{
    struct fixture_event w = fixture_event(1);
    struct fixture_sink s;

    fixture_clean_tables();
    w.time_ms = 1614556800000; /* March 2021 */
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, w), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "SET lock_timeout = 500", NULL), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 0);
    w.time_ms += MONTH_MS; /* needs another partition: after a commit */
    LAC_TEST_EQ(fixture_put(&s, w), LAC_AGAIN);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, w), LAC_OK);
    LAC_TEST_EQ(fixture_row_count(), 1);
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "RESET lock_timeout", NULL), LAC_OK);
    fixture_give_up(&s);
    fixture_close(&s);
}

static void rows_of_the_default_partition_move_to_their_month(void)
{
    fixture_clean_tables();
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "DROP TABLE IF EXISTS decisions_y2022m07", NULL),
                LAC_OK);
    LAC_TEST_EQ(
        lac_pg_exec(fixture_watch,
                    "INSERT INTO decisions SELECT '2022-07-09', gen_random_uuid(), 0, true, 'x',"
                    " 'PUBLIC', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'o', 't',"
                    " 0, 0, '{}', '{}', '{}', '{}', 's', 'e', '', NULL, '', now(), 0, 0, 'i', 'v',"
                    " NULL, NULL, '[]', '' FROM generate_series(1, 3)",
                    NULL),
        LAC_OK);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decisions_default"), 3);
    LAC_TEST_EQ(fixture_number("SELECT lacuna_make_partition('2022-07-31 23:59:59+00')::int"), 1);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decisions_y2022m07"), 3);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decisions_default"), 0);
}

static void server_crash_inside_an_interval_is_retry(void)
{
    struct fixture_sink s;
    enum lac_status status = LAC_OK;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(0)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    for (uint32_t i = 1; i < 100; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    pg_fixture_restart(&fixture_server);
    for (uint32_t i = 100; i < 300 && status == LAC_OK; i++)
        status = fixture_put(&s, fixture_event(i));
    if (status == LAC_OK)
        status = fixture_commit(&s, NULL);
    LAC_TEST_EQ(status, LAC_RETRY);
    fixture_give_up(&s);
    LAC_TEST_EQ(fixture_start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 1);
    for (uint32_t i = 1; i < 300; i++)
        LAC_TEST_EQ(fixture_put(&s, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    fixture_connect();
    LAC_TEST_EQ(fixture_row_count(), 300);
    fixture_close(&s);
}

static void schema_that_is_missing_is_waited_for(void)
{
    struct lac_err err = {0};
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open_at(&s, pg_fixture_url(&fixture_server, "postgres"));
    LAC_TEST_EQ(fixture_start(&s, true, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "lacuna migrate") != NULL);
    fixture_close(&s);
}

LAC_TEST_MAIN(output_pg, rows_and_position_are_one, position_moves_without_rows,
              full_interval_says_again, duplicates_are_counted_and_skipped,
              contradiction_is_kept_and_the_stricter_tier_counts,
              lost_answer_to_commit_is_found_out, commit_that_never_arrived_is_redone,
              refused_rows_are_found_by_halving, odd_times_find_a_partition,
              readers_do_not_wait_for_an_interval,
              rows_of_the_default_partition_move_to_their_month,
              server_crash_inside_an_interval_is_retry, schema_that_is_missing_is_waited_for)
