/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share; nobody else includes it. */
#ifndef LAC_PG_PRIVATE_H
#define LAC_PG_PRIVATE_H

#include <libpq-fe.h>

#include "lac_pg.h"

struct lac_pg {
    PGconn *conn; /* owned */
    bool copying; /* between COPY's start and its end */
};

/* Microseconds from Postgres' epoch (2000-01-01) to Unix'. */
#define LAC_PG_EPOCH_US INT64_C(946684800000000)

/* Turns a failed result (NULL: the connection itself) into an error, and frees it. */
enum lac_status lac_pg_fail(struct lac_pg *pg, PGresult *result, const char *what,
                            struct lac_err *err);

/* Server notices go nowhere: what matters comes back as an error. */
void lac_pg_quiet(struct lac_pg *pg);

#endif
