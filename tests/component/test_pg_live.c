/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the adapter against a real Postgres: parameters, COPY, errors, migrations. */
#include "lac_pg.h"

#include <stdlib.h>
#include <string.h>

#include "lac_pg_copy.h"
#include "lac_pg_migrate.h"
#include "pg_fixture.h"

#include "lac_test.h"

static struct pg_fixture server;

static void stop_server(void)
{
    pg_fixture_stop(&server);
}

static void start_server(void)
{
    static bool started;

    if (started)
        return;
    if (!pg_fixture_start(&server))
        lac_test_skip("Postgres is not installed");
    started = true;
    (void)atexit(stop_server);
}

static struct lac_pg *connect_to(const char *database)
{
    struct lac_pg_options o = {.url = pg_fixture_url(&server, database),
                               .statement_timeout_ms = 20000};
    struct lac_pg *pg = NULL;
    struct lac_err err = {0};

    if (lac_pg_connect(&pg, &o, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
    LAC_TEST_NEED(pg != NULL);
    return pg;
}

/* A connection to a new, empty database. */
static struct lac_pg *fresh(const char *database)
{
    struct lac_pg *pg;
    char sql[128];

    start_server();
    pg = connect_to("postgres");
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
    LAC_TEST_EQ(lac_pg_exec(pg, sql, NULL), LAC_OK);
    lac_pg_close(pg);
    return connect_to(database);
}

static void parameters_and_cells_keep_their_values(void)
{
    static const uint8_t uuid[16] = {0xff, 2, 3};
    struct lac_pg *pg = fresh("parameters");
    struct lac_pg_param params[] = {lac_pg_text(LAC_STR("O'Hara; \xe2\x82\xac")),
                                    lac_pg_bytes((struct lac_str){"\0\xff", 2}),
                                    lac_pg_int(INT64_MIN),
                                    lac_pg_bool(true),
                                    lac_pg_uuid(uuid),
                                    lac_pg_time_us(1234567890123456),
                                    lac_pg_text(LAC_STR_NULL)};
    struct lac_pg_rows *rows = NULL;

    LAC_TEST_NEED(lac_pg_query(pg, &rows, "SELECT $1, $2, $3, $4, $5, $6, $7, 'ok'::name, -5::int2",
                               params, LAC_COUNT(params), NULL) == LAC_OK);
    LAC_TEST_EQ(lac_pg_rows_count(rows), 1);
    CU_ASSERT(lac_str_eq(lac_pg_cell(rows, 0, 0), params[0].bytes));
    CU_ASSERT(lac_str_eq(lac_pg_cell(rows, 0, 1), params[1].bytes));
    CU_ASSERT(lac_pg_cell_int(rows, 0, 2) == INT64_MIN);
    LAC_TEST_EQ(lac_pg_cell_int(rows, 0, 3), 1);
    CU_ASSERT(lac_str_eq(lac_pg_cell(rows, 0, 4), params[4].bytes));
    LAC_TEST_EQ(lac_pg_cell_time_us(rows, 0, 5), 1234567890123456);
    CU_ASSERT(lac_pg_cell(rows, 0, 6).ptr == NULL);
    LAC_TEST_EQ(lac_pg_cell_int(rows, 0, 8), -5);
    lac_pg_rows_free(rows);
    lac_pg_close(pg);
}

static void errors_tell_the_code_and_not_the_data(void)
{
    struct lac_pg *pg = fresh("errors");
    struct lac_pg_param p = lac_pg_text(LAC_STR("very secret"));
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pg_exec(pg, "CREATE TABLE t (x text PRIMARY KEY)", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_query(pg, NULL, "INSERT INTO t VALUES ($1)", &p, 1, NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_query(pg, NULL, "INSERT INTO t VALUES ($1)", &p, 1, &err), LAC_REJECT);
    LAC_TEST_EQ(err.code, LAC_PG_UNIQUE_VIOLATION);
    CU_ASSERT(strstr(err.text, "secret") == NULL && strstr(err.text, "t_pkey") != NULL);
    LAC_TEST_EQ(lac_pg_query(pg, NULL, "SELECT $1::uuid", &p, 1, &err), LAC_REJECT);
    CU_ASSERT(strstr(err.text, "secret") == NULL && strstr(err.text, "22P02") != NULL);
    LAC_TEST_EQ(lac_pg_exec(pg, "SELECT * FROM nowhere", &err), LAC_FATAL);
    LAC_TEST_EQ(err.code, LAC_PG_UNDEFINED_TABLE);
    lac_pg_close(pg);
}

static void refused_database_is_fatal_with_its_code(void)
{
    struct lac_pg_options o = {0};
    struct lac_pg *pg = NULL;
    struct lac_err err = {0};

    start_server();
    o.url = pg_fixture_url(&server, "no_such_database");
    LAC_TEST_EQ(lac_pg_connect(&pg, &o, &err), LAC_FATAL);
    LAC_TEST_EQ(err.code, LAC_PG_SQLSTATE('3', 'D', '0', '0', '0'));
}

static void commit_of_a_failed_transaction_is_not_ok(void)
{
    struct lac_pg *pg = fresh("failed_transaction");

    LAC_TEST_EQ(lac_pg_exec(pg, "BEGIN", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(pg, "SELECT 1/0", NULL), LAC_REJECT);
    LAC_TEST_EQ(lac_pg_commit(pg, NULL), LAC_RETRY);
    lac_pg_close(pg);
}

static void copy_takes_every_type_and_gives_it_back(void)
{
    static const uint8_t uuid[16] = {9};
    static const struct lac_str items[] = {LAC_STR("x"), LAC_STR("y,z\"")};
    struct lac_pg *pg = fresh("copying");
    struct lac_err err = {0};
    struct lac_buf b;
    uint64_t taken = 0;
    size_t mark;

    LAC_TEST_EQ(lac_pg_exec(pg,
                            "CREATE TABLE t (b int, c bigint, d text, e text[], f bytea,"
                            " g uuid, h timestamptz, i bool, j jsonb, k text, l text[])",
                            NULL),
                LAC_OK);
    lac_buf_init(&b, 4096);
    lac_pg_put_row(&b, 11);
    lac_pg_put_int(&b, -70000);
    lac_pg_put_bigint(&b, 1LL << 40);
    lac_pg_put_text(&b, (struct lac_str){"nul\0", 4});
    lac_pg_put_text_array(&b, items, 2, 512);
    lac_pg_put_bytes(&b, (struct lac_str){"\0\1", 2});
    lac_pg_put_uuid(&b, uuid);
    lac_pg_put_time_us(&b, 0);
    lac_pg_put_bool(&b, true);
    mark = lac_pg_open_jsonb(&b);
    lac_buf_put_text(&b, "{\"n\": [1]}");
    lac_pg_close_field(&b, mark);
    lac_pg_put_null(&b);
    lac_pg_put_text_array(&b, NULL, 0, 512);
    LAC_TEST_EQ(lac_pg_copy_begin(pg, "COPY t FROM STDIN (FORMAT binary)", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_copy_send(pg, lac_buf_str(&b), NULL), LAC_OK);
    if (lac_pg_copy_end(pg, &taken, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
    LAC_TEST_EQ(taken, 1);
    LAC_TEST_EQ(pg_fixture_number(
                    pg, "SELECT count(*) FROM t WHERE b = -70000 AND c = 1099511627776"
                        " AND d = U&'nul\\FFFD' AND e = ARRAY['x', 'y,z\"'] AND f = '\\x0001'"
                        " AND g = '09000000-0000-0000-0000-000000000000' AND h = 'epoch' AND i"
                        " AND j = '{\"n\":[1]}' AND k IS NULL AND l = '{}'"),
                1);
    lac_buf_deinit(&b);
    lac_pg_close(pg);
}

static void cancelled_copy_leaves_nothing_and_a_usable_connection(void)
{
    struct lac_pg *pg = fresh("cancelled");
    struct lac_buf b;

    LAC_TEST_EQ(lac_pg_exec(pg, "CREATE TABLE t (a int)", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(pg, "BEGIN", NULL), LAC_OK);
    lac_buf_init(&b, 64);
    lac_pg_put_row(&b, 1);
    lac_pg_put_int(&b, 1);
    LAC_TEST_EQ(lac_pg_copy_begin(pg, "COPY t FROM STDIN (FORMAT binary)", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_copy_send(pg, lac_buf_str(&b), NULL), LAC_OK);
    lac_pg_copy_cancel(pg);
    CU_ASSERT(lac_pg_usable(pg));
    LAC_TEST_EQ(lac_pg_exec(pg, "ROLLBACK", NULL), LAC_OK);
    LAC_TEST_EQ(pg_fixture_number(pg, "SELECT count(*) FROM t"), 0);
    lac_buf_deinit(&b);
    lac_pg_close(pg);
}

static void ended_session_is_retry_and_not_usable(void)
{
    struct lac_pg *pg = fresh("ended"), *other = connect_to("ended");

    LAC_TEST_EQ(lac_pg_exec(other,
                            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
                            NULL),
                LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(pg, "SELECT 1", NULL), LAC_RETRY);
    CU_ASSERT(!lac_pg_usable(pg));
    lac_pg_close(pg);
    lac_pg_close(other);
}

static const struct lac_pg_migration two[] = {
    {.version = 1, .name = "one", .sql = "CREATE TABLE one ()", .sha256 = "aa"},
    {.version = 2, .name = "two", .sql = "CREATE TABLE two ()", .sha256 = "bb"},
};

static void migrations_apply_once(void)
{
    struct lac_pg *pg = fresh("migrations");
    struct lac_pg_migration state[2];
    size_t applied = 9;

    LAC_TEST_EQ(lac_pg_migrations_state(pg, two, 2, state, NULL), LAC_OK);
    CU_ASSERT(!state[0].applied && !state[1].applied);
    LAC_TEST_EQ(
        pg_fixture_number(pg, "SELECT count(*) FROM pg_class WHERE relname = 'lacuna_migration'"),
        0);
    LAC_TEST_EQ(lac_pg_migrate(pg, two, 1, NULL, NULL, &applied, NULL), LAC_OK);
    LAC_TEST_EQ(applied, 1);
    LAC_TEST_EQ(lac_pg_migrate(pg, two, 2, NULL, NULL, &applied, NULL), LAC_OK);
    LAC_TEST_EQ(applied, 1);
    LAC_TEST_EQ(lac_pg_migrate(pg, two, 2, NULL, NULL, &applied, NULL), LAC_OK);
    LAC_TEST_EQ(applied, 0);
    LAC_TEST_EQ(lac_pg_migrations_state(pg, two, 2, state, NULL), LAC_OK);
    CU_ASSERT(state[0].applied && state[1].applied);
    lac_pg_close(pg);
}

static void changed_or_newer_migrations_are_refused(void)
{
    struct lac_pg *pg = fresh("refused");
    struct lac_pg_migration changed[2] = {two[0], two[1]};
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pg_migrate(pg, two, 2, NULL, NULL, NULL, NULL), LAC_OK);
    (void)memcpy(changed[0].sha256, "cc", 3);
    LAC_TEST_EQ(lac_pg_migrate(pg, changed, 2, NULL, NULL, NULL, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "001_one") != NULL);
    LAC_TEST_EQ(lac_pg_migrate(pg, two, 1, NULL, NULL, NULL, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "newer") != NULL);
    lac_pg_close(pg);
}

static void failed_migration_leaves_those_before_it(void)
{
    struct lac_pg *pg = fresh("half");
    struct lac_pg_migration bad[2] = {two[0], two[1]};
    struct lac_err err = {0};
    size_t applied = 0;

    bad[1].sql = "CREATE TABLE two (); SELECT 1/0";
    LAC_TEST_EQ(lac_pg_migrate(pg, bad, 2, NULL, NULL, &applied, &err), LAC_FATAL);
    LAC_TEST_EQ(applied, 1);
    CU_ASSERT(strstr(err.text, "002_two") != NULL);
    LAC_TEST_EQ(
        pg_fixture_number(pg, "SELECT count(*) FROM pg_class WHERE relname IN ('one', 'two')"), 1);
    LAC_TEST_EQ(pg_fixture_number(pg, "SELECT count(*) FROM lacuna_migration"), 1);
    lac_pg_close(pg);
}

static void our_schema_applies_and_is_asked_for(void)
{
    struct lac_pg *pg = fresh("schema");
    struct lac_err err = {0};
    size_t count, applied = 0;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);

    LAC_TEST_EQ(lac_pg_schema_check(pg, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "lacuna migrate") != NULL);
    if (lac_pg_migrate(pg, all, count, NULL, NULL, &applied, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
    LAC_TEST_EQ(applied, count);
    LAC_TEST_EQ(lac_pg_schema_check(pg, &err), LAC_OK);
    LAC_TEST_EQ(pg_fixture_number(pg, "SELECT lacuna_make_partitions(2)"), 3);
    LAC_TEST_EQ(pg_fixture_number(
                    pg, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'decisions'::regclass"),
                4);
    lac_pg_close(pg);
}

static void writer_can_add_and_not_change_and_reader_only_reads(void)
{
    struct lac_pg *pg = connect_to("schema");

    LAC_TEST_EQ(lac_pg_exec(pg, "SET ROLE lacuna_writer", NULL), LAC_OK);
    LAC_TEST_EQ(pg_fixture_number(pg, "SELECT lacuna_make_partition('2021-05-01')::int"), 1);
    LAC_TEST_EQ(lac_pg_exec(pg, "DELETE FROM decisions", NULL), LAC_FATAL);
    LAC_TEST_EQ(lac_pg_exec(pg, "UPDATE decisions SET tier = 'PUBLIC'", NULL), LAC_FATAL);
    LAC_TEST_EQ(lac_pg_exec(pg, "RESET ROLE; SET ROLE lacuna_reader", NULL), LAC_OK);
    LAC_TEST_EQ(pg_fixture_number(pg, "SELECT count(*) FROM decisions_joined"), 0);
    LAC_TEST_EQ(lac_pg_exec(pg,
                            "INSERT INTO sink_offset (origin, topic, partition) VALUES ('','',0)",
                            NULL),
                LAC_FATAL);
    LAC_TEST_EQ(lac_pg_exec(pg, "SELECT lacuna_make_partition('2021-06-01')", NULL), LAC_FATAL);
    lac_pg_close(pg);
}

LAC_TEST_MAIN(pg_live, parameters_and_cells_keep_their_values,
              errors_tell_the_code_and_not_the_data, refused_database_is_fatal_with_its_code,
              commit_of_a_failed_transaction_is_not_ok, copy_takes_every_type_and_gives_it_back,
              cancelled_copy_leaves_nothing_and_a_usable_connection,
              ended_session_is_retry_and_not_usable, migrations_apply_once,
              changed_or_newer_migrations_are_refused, failed_migration_leaves_those_before_it,
              our_schema_applies_and_is_asked_for,
              writer_can_add_and_not_change_and_reader_only_reads)
