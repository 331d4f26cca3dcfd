/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_fixture - a private Postgres for one test program
 *
 * A fresh cluster in a temporary folder, on a unix socket only. As root it runs as `nobody`,
 * because Postgres refuses root. Ends with the test program, whatever happens to that.
 *
 * Thread: main.
 */
#ifndef PG_FIXTURE_H
#define PG_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lac_pg.h"

struct pg_fixture {
    char folder[64]; /* temporary; removed by stop */
    char sock[80];   /* folder of the socket */
    char bin[256];   /* Postgres' programs */
    pid_t postmaster;
};

/* False: Postgres is not installed, so the tests can't run. Any other trouble aborts. */
bool pg_fixture_start(struct pg_fixture *f);
void pg_fixture_stop(struct pg_fixture *f);

/* Crash and come back: what a `kill -9` of the server looks like to clients. */
void pg_fixture_restart(struct pg_fixture *f);

/* "postgresql:///NAME?host=..&user=lacuna" in static memory. */
const char *pg_fixture_url(const struct pg_fixture *f, const char *database);

/* What a query of one row answers in its first column; INT64_MIN: it failed, or has not one row. */
int64_t pg_fixture_number(struct lac_pg *pg, const char *sql);

#endif
