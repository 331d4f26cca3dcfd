/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pg_migrate - bring a database to this program's schema, forward only
 *
 * The files schemas/sql/NNN_name.sql are embedded at build time. Table lacuna_migration holds
 * what was applied, with the SHA-256 of the file: a file that changed after it was applied, or
 * a database that is newer than the program, is refused rather than guessed at. One advisory
 * lock makes concurrent runs safe; each migration is one transaction.
 *
 * Thread: owner of the connection.
 */
#ifndef LAC_PG_MIGRATE_H
#define LAC_PG_MIGRATE_H

#include "lac_pg.h"

struct lac_pg_migration {
    const char *name; /* name */
    const char *sql;  /* whole file */
    int version;      /* NNN */
    bool applied;     /* filled by lac_pg_migrations_state() and lac_pg_migrate() */
    char sha256[65];  /* of the file, lower-case hex */
};

enum { LAC_PG_MIGRATIONS_MAX = 999 };

/* The embedded ones, in order; static memory. Thread: any. */
const struct lac_pg_migration *lac_pg_migrations(size_t *count);

/*
 * Reads what is applied into `out` (copied from `all`, `count` entries, `applied` set): the dry
 * run, and what doctor shows. Writes nothing to the database. FATAL: an applied file's hash
 * differs, one in the middle is missing, or the database is newer.
 */
enum lac_status lac_pg_migrations_state(struct lac_pg *pg, const struct lac_pg_migration *all,
                                        size_t count, struct lac_pg_migration *out,
                                        struct lac_err *err) LAC_MUST_USE;

/*
 * Applies what is missing, in order. `done` (may be NULL) is called after each with `ctx`.
 * `*applied` (may be NULL) counts them; 0 means that there was nothing to do. On failure those
 * before it stay applied.
 */
typedef void lac_pg_migrate_fn(void *ctx, const struct lac_pg_migration *m);
enum lac_status lac_pg_migrate(struct lac_pg *pg, const struct lac_pg_migration *all, size_t count,
                               lac_pg_migrate_fn *done, void *ctx, size_t *applied,
                               struct lac_err *err) LAC_MUST_USE;

/* LAC_OK when every embedded migration is applied and none is newer. RETRY when one is missing,
 * with what to do (`lacuna migrate`): where all is started at once, whoever does it may come later.
 * FATAL when it can't come right: newer or changed ones. What a program asks at start. */
enum lac_status lac_pg_schema_check(struct lac_pg *pg, struct lac_err *err) LAC_MUST_USE;

#endif
