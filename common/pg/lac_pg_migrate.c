/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pg_migrate.h"

#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_pg_private.h"

/* Any number, as long as all versions use the same: "lacuna" in ASCII. */
#define LOCK_KEY INT64_C(0x6c6163756e61)

static const char create_table[] = "CREATE TABLE IF NOT EXISTS lacuna_migration ("
                                   " version int PRIMARY KEY,"
                                   " name text NOT NULL,"
                                   " sha256 text NOT NULL,"
                                   " applied_at timestamptz NOT NULL DEFAULT now())";

static const char select_applied[] =
    "SELECT version, sha256 FROM lacuna_migration ORDER BY version";

static enum lac_status check_applied(struct lac_pg_rows *rows, struct lac_pg_migration *out,
                                     size_t count, struct lac_err *err)
{
    size_t applied = lac_pg_rows_count(rows);

    if (applied > count)
        return lac_err_set(err, LAC_FATAL, 0,
                           "pg: the database has migration %lld, this program ends at %d: "
                           "install the newer version of the program",
                           (long long)lac_pg_cell_int(rows, applied - 1, 0),
                           count ? out[count - 1].version : 0);
    for (size_t i = 0; i < applied; i++) {
        if (lac_pg_cell_int(rows, i, 0) != out[i].version)
            return lac_err_set(err, LAC_FATAL, 0,
                               "pg: the database has migration %lld where %03d was expected",
                               (long long)lac_pg_cell_int(rows, i, 0), out[i].version);
        if (!lac_str_is(lac_pg_cell(rows, i, 1), out[i].sha256))
            return lac_err_set(err, LAC_FATAL, 0,
                               "pg: migration %03d_%s was changed after it was applied",
                               out[i].version, out[i].name);
        out[i].applied = true;
    }
    return LAC_OK;
}

enum lac_status lac_pg_migrations_state(struct lac_pg *pg, const struct lac_pg_migration *all,
                                        size_t count, struct lac_pg_migration *out,
                                        struct lac_err *err)
{
    struct lac_pg_rows *rows = NULL;
    bool none;
    enum lac_status status;

    for (size_t i = 0; i < count; i++) {
        out[i] = all[i];
        out[i].applied = false;
    }
    /* A dry run must not create the table, so a missing one is an empty one. */
    status =
        lac_pg_query(pg, &rows, "SELECT to_regclass('lacuna_migration') IS NULL", NULL, 0, err);
    if (status != LAC_OK)
        return status;
    none = lac_pg_cell_int(rows, 0, 0) != 0;
    lac_pg_rows_free(rows);
    if (none)
        return LAC_OK;
    status = lac_pg_query(pg, &rows, select_applied, NULL, 0, err);
    if (status != LAC_OK)
        return status;
    status = check_applied(rows, out, count, err);
    lac_pg_rows_free(rows);
    return status;
}

static enum lac_status apply(struct lac_pg *pg, const struct lac_pg_migration *m,
                             struct lac_err *err)
{
    struct lac_pg_param params[] = {lac_pg_int(m->version), lac_pg_text(lac_str_from(m->name)),
                                    lac_pg_text(lac_str_from(m->sha256))};
    struct lac_err cause = {0};
    enum lac_status status = lac_pg_exec(pg, "BEGIN", err);

    if (status != LAC_OK)
        return status;
    status = lac_pg_exec(pg, m->sql, &cause);
    if (status == LAC_OK)
        status = lac_pg_query(pg, NULL,
                              "INSERT INTO lacuna_migration (version, name, sha256)"
                              " VALUES ($1::int, $2, $3)",
                              params, LAC_COUNT(params), &cause);
    if (status == LAC_OK)
        status = lac_pg_exec(pg, "COMMIT", &cause);
    if (status == LAC_OK)
        return LAC_OK;
    if (lac_pg_usable(pg) && lac_pg_in_transaction(pg))
        (void)!lac_pg_exec(pg, "ROLLBACK", NULL);
    /* A migration is ours: refused data is no reason to go on without it. */
    return lac_err_set(err, status == LAC_REJECT ? LAC_FATAL : status, cause.code,
                       "migration %03d_%s: %s", m->version, m->name, cause.text);
}

static enum lac_status apply_missing(struct lac_pg *pg, const struct lac_pg_migration *all,
                                     size_t count, lac_pg_migrate_fn *done, void *ctx,
                                     size_t *applied, struct lac_err *err)
{
    struct lac_pg_migration state[LAC_PG_MIGRATIONS_MAX];
    enum lac_status status = lac_pg_exec(pg, create_table, err);

    if (status == LAC_OK)
        status = lac_pg_migrations_state(pg, all, count, state, err);
    for (size_t i = 0; status == LAC_OK && i < count; i++) {
        if (state[i].applied)
            continue;
        status = apply(pg, &state[i], err);
        if (status != LAC_OK)
            break;
        state[i].applied = true;
        if (applied)
            (*applied)++;
        if (done)
            done(ctx, &state[i]);
    }
    return status;
}

enum lac_status lac_pg_migrate(struct lac_pg *pg, const struct lac_pg_migration *all, size_t count,
                               lac_pg_migrate_fn *done, void *ctx, size_t *applied,
                               struct lac_err *err)
{
    struct lac_pg_param key = lac_pg_int(LOCK_KEY);
    enum lac_status status;

    LAC_ASSERT(count <= LAC_PG_MIGRATIONS_MAX);
    if (applied)
        *applied = 0;
    status = lac_pg_query(pg, NULL, "SELECT pg_advisory_lock($1)", &key, 1, err);
    if (status != LAC_OK)
        return status;
    status = apply_missing(pg, all, count, done, ctx, applied, err);
    /* When this fails the connection is gone, and the lock with it. */
    if (lac_pg_usable(pg))
        (void)!lac_pg_query(pg, NULL, "SELECT pg_advisory_unlock($1)", &key, 1, NULL);
    return status;
}

enum lac_status lac_pg_schema_check(struct lac_pg *pg, struct lac_err *err)
{
    struct lac_pg_migration state[LAC_PG_MIGRATIONS_MAX];
    size_t count;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);
    enum lac_status status = lac_pg_migrations_state(pg, all, count, state, err);

    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        if (!state[i].applied)
            return lac_err_set(err, LAC_RETRY, 0,
                               "pg: migration %03d_%s is not applied: run `lacuna migrate`",
                               state[i].version, state[i].name);
    return LAC_OK;
}
