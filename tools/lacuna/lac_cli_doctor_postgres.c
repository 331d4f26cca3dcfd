/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna doctor` about Postgres: schema, rights, the decisions that are stored, and the clock. */
#include "lac_cli_doctor.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lac_clock.h"
#include "lac_pg_migrate.h"

enum { SKEW_MS = 2000 /* event times and deadlines are off by this much */ };

static void check_clock(struct lac_cli_doctor *d, struct lac_pg *pg)
{
    int64_t before = lac_clock_wall_us(), there, here, skew_ms;
    struct lac_pg_rows *rows;
    struct lac_err err;

    if (lac_pg_query(pg, &rows, "SELECT clock_timestamp()", NULL, 0, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "clock", "Look into Postgres' log, and try again.",
                           "%s", err.text);
        return;
    }
    here = before + (lac_clock_wall_us() - before) / 2; /* half way of the round trip */
    there = lac_pg_cell_time_us(rows, 0, 0);
    lac_pg_rows_free(rows);
    skew_ms = (there - here) / 1000;
    if (skew_ms > SKEW_MS || skew_ms < -SKEW_MS)
        lac_cli_doctor_say(d, LAC_CLI_WARN, "clock",
                           "Set both clocks by NTP: deadlines and months depend on them.",
                           "Postgres' clock is %.1f s %s ours", (double)llabs(skew_ms) / 1000.0,
                           skew_ms > 0 ? "ahead of" : "behind");
    else
        lac_cli_doctor_say(d, LAC_CLI_OK, "clock", "", "within %lld ms of Postgres'",
                           llabs(skew_ms) + 1);
}

/* What lacuna-sink needs of this user, who may be another one. False: decisions can't be read. */
static bool check_rights(struct lac_cli_doctor *d, struct lac_pg *pg)
{
    static const char ask[] =
        "SELECT (current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery())::int,"
        " (has_table_privilege('decisions', 'INSERT')"
        " AND has_table_privilege('decision_conflict', 'INSERT')"
        " AND has_table_privilege('sink_offset', 'INSERT')"
        " AND has_table_privilege('sink_offset', 'UPDATE')"
        " AND has_function_privilege('lacuna_make_partitions(integer)', 'EXECUTE'))::int,"
        " (has_table_privilege('decisions_default', 'SELECT')"
        " AND has_table_privilege('decision_conflict', 'SELECT'))::int";
    struct lac_pg_rows *rows;
    struct lac_err err;
    bool readable;

    if (lac_pg_query(pg, &rows, ask, NULL, 0, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_WARN, "rights", "Look into Postgres' log, and try again.",
                           "%s", err.text);
        return false;
    }
    if (lac_pg_cell_int(rows, 0, 0))
        lac_cli_doctor_say(
            d, LAC_CLI_FAIL, "rights",
            "Set postgres.url to the primary (target_session_attrs=read-write), or end "
            "default_transaction_read_only.",
            "the database is read-only: lacuna-sink waits");
    else if (!lac_pg_cell_int(rows, 0, 1))
        lac_cli_doctor_say(d, LAC_CLI_WARN, "rights",
                           "If lacuna-sink is to use this user: GRANT lacuna_writer TO it.",
                           "this user can't write decisions");
    else
        lac_cli_doctor_say(d, LAC_CLI_OK, "rights", "", "decisions can be written");
    readable = lac_pg_cell_int(rows, 0, 2) != 0;
    lac_pg_rows_free(rows);
    return readable;
}

static const char *connect_todo(int code)
{
    switch (code) {
    case LAC_PG_SQLSTATE('5', '3', '3', '0', '0'):
        return "End clients that are idle, or raise max_connections.";
    case LAC_PG_SQLSTATE('2', '8', 'P', '0', '1'):
    case LAC_PG_SQLSTATE('2', '8', '0', '0', '0'):
        return "Correct the user in postgres.url and postgres.password, or pg_hba.conf.";
    case LAC_PG_SQLSTATE('3', 'D', '0', '0', '0'):
        return "Make the database (createdb), or correct postgres.url.";
    default:
        return "Start Postgres, or set postgres.url.";
    }
}

static void check_partitions(struct lac_cli_doctor *d, struct lac_pg *pg)
{
    struct lac_pg_rows *rows;
    struct lac_err err;
    int64_t stray;

    if (lac_pg_query(pg, &rows,
                     "SELECT (SELECT count(*) FROM (SELECT 1 FROM decisions_default LIMIT 1000) x),"
                     " (SELECT count(*) FROM decision_conflict)",
                     NULL, 0, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_WARN, "decisions", "Look into Postgres' log, and try again.",
                           "%s", err.text);
        return;
    }
    stray = lac_pg_cell_int(rows, 0, 0);
    if (stray > 0)
        lac_cli_doctor_say(
            d, LAC_CLI_WARN, "decisions",
            "Their clients' clocks are wrong, or the sink can't make partitions: see its log.",
            "%" PRId64 "%s rows are in no month's partition", stray,
            stray == 1000 ? " or more" : "");
    if (lac_pg_cell_int(rows, 0, 1) > 0)
        lac_cli_doctor_say(
            d, LAC_CLI_WARN, "decisions",
            "Deciding is deterministic: look at table decision_conflict, and at who writes.",
            "%" PRId64 " decisions contradict stored ones", lac_pg_cell_int(rows, 0, 1));
    if (stray == 0 && lac_pg_cell_int(rows, 0, 1) == 0)
        lac_cli_doctor_say(d, LAC_CLI_OK, "decisions", "",
                           "no contradictions, all in their month's partition");
    lac_pg_rows_free(rows);
}

void lac_cli_doctor_postgres(struct lac_cli_doctor *d)
{
    struct lac_pg_options o;
    struct lac_err err;
    struct lac_pg *pg;
    char url[1024];
    struct lac_buf b;
    int version;

    lac_cli_postgres_options(d->t->conf, &o);
    o.statement_timeout_ms = LAC_CLI_DOCTOR_ASK_MS;
    lac_buf_init_fixed(&b, url, sizeof(url));
    lac_conf_put_masked(&b, lac_str_from(o.url));
    if (lac_pg_connect(&pg, &o, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "postgres", connect_todo(err.code), "%s: %s",
                           lac_buf_cstr(&b), err.text);
        return;
    }
    version = lac_pg_server_version(pg);
    lac_cli_doctor_say(d, version >= 130000 ? LAC_CLI_OK : LAC_CLI_FAIL, "postgres",
                       "Version 13 or newer is needed.", "%s, version %d.%d", lac_buf_cstr(&b),
                       version / 10000, version % 10000);
    if (lac_pg_schema_check(pg, &err) != LAC_OK) {
        lac_cli_doctor_say(
            d, LAC_CLI_FAIL, "schema",
            err.code == LAC_PG_SQLSTATE('4', '2', '5', '0', '1')
                ? "GRANT lacuna_writer TO this user; lacuna_reader to who only reads."
                : "Run `lacuna migrate`, of the newest version that is in use.",
            "%s", err.text);
    } else {
        lac_cli_doctor_say(d, LAC_CLI_OK, "schema", "", "this version's");
        if (check_rights(d, pg))
            check_partitions(d, pg);
    }
    check_clock(d, pg);
    lac_pg_close(pg);
}
