/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_create - the columns of SQL's CREATE TABLE, and INSERTs that leave them out
 *
 * Private to common/match. MySQL's and SQLite's dumps write INSERT INTO t VALUES (...), and what
 * each value is only said by the CREATE TABLE before it. At most 16 KiB of that are read.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_CREATE_H
#define LAC_MATCH_CREATE_H

#include "lac_match_rows.h"

/* Whether CREATE TABLE begins at `at`. `name` and `headings`, of which `columns` are set, are
 * slices of `text` without quotes. `*end` is where reading has ended, be it one or not. */
bool lac_match_create_at(struct lac_str text, size_t at, struct lac_str *name,
                         struct lac_str headings[LAC_MATCH_ROWS_COLUMNS], unsigned *columns,
                         size_t *end);

/* Whether INSERT INTO `name` VALUES begins at `at`; the rows are those behind it. */
bool lac_match_create_insert(struct lac_str text, size_t at, struct lac_str name, unsigned columns,
                             struct lac_match_rows *r);

#endif
