/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_insert - the rows of SQL's INSERT below the list of their columns
 *
 * Private to common/match. INSERT INTO <table> (<columns>) VALUES (<row>), (<row>), as people write
 * it and databases dump it (ISO/IEC 9075-2, 14.11, with the quotes of MySQL, PostgreSQL and SQL
 * Server). Each row is read once for each column that is asked for, at most 4096 bytes of it.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_INSERT_H
#define LAC_MATCH_INSERT_H

#include <stdbool.h>

#include "lac_match_detect.h"
#include "lac_match_form.h"
#include "lac_str.h"

/* Whether the word that ends at `at` is, or ends, a name in the list of columns; `c` is that column
 * then, before the first row. */
bool lac_match_insert_of(struct lac_str t, size_t at, struct lac_match_column *c);

/* What the next row has there, without quotes; it may be empty. False: there are no more, or a row
 * is none of as many values as there are columns. */
bool lac_match_insert_next(struct lac_str t, struct lac_match_column *c, struct lac_match_value *v);

#endif
