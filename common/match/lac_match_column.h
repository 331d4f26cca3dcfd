/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_column - the columns of tables that a word stands above
 *
 * Private to common/match. CSV with commas, semicolons or tabs, and tables between '|' as Markdown
 * and databases' shells print them: a line of headings, then rows of as many fields. A row that is
 * a line of headings itself, with a secret's name in the same column, ends a table, so that no byte
 * is read for more headings than a line may have.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_COLUMN_H
#define LAC_MATCH_COLUMN_H

#include <stdbool.h>

#include "lac_match_detect.h"
#include "lac_match_form.h"
#include "lac_str.h"

/* Whether the word that means a secret and ends at `at` ends the heading of a column; `c` is that
 * one then, before the first row. */
bool lac_match_column_of(struct lac_str t, size_t at, struct lac_match_column *c);

/* What stands in the column in the next row, without quotes and blanks around it; it may be empty.
 * False: the table has ended. */
bool lac_match_column_next(struct lac_str t, struct lac_match_column *c, struct lac_match_value *v);

#endif
