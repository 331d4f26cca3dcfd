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

/* From `i` up to the line's end, without a carriage return. False: it has more than `limit`. */
bool lac_match_line_at(struct lac_str t, size_t i, size_t limit, struct lac_str *line);

/* Where the next line begins, at most a byte behind the text. */
size_t lac_match_behind_line(struct lac_str t, struct lac_str line);

/* Where the field that begins at `i` ends: at a mark or with the line. In quotes, a mark is none
 * and two quotes are one (RFC 4180). */
size_t lac_match_field_end(struct lac_str line, size_t i, unsigned char mark);

/* Without what is around a value: blanks and backticks between strokes, else one pair of quotes. */
struct lac_str lac_match_field_trim(struct lac_str f, unsigned char mark);

/* Whether all fields are headings; between strokes, the line may have one at both ends. Counts its
 * marks. */
bool lac_match_are_headings(struct lac_str line, unsigned char mark, unsigned *count);

/* "|---|:--:|", "+----+----+": what is drawn between the headings and the rows. */
bool lac_match_is_rule(struct lac_str line, unsigned char mark);

/* The name of a column in a list of SQL's, without blanks and quotes. */
struct lac_str lac_match_column_name(struct lac_str f);

/* Whether the word that means a secret and ends at `at` ends the heading of a column; `c` is that
 * one then, before the first row. */
bool lac_match_column_of(struct lac_str t, size_t at, struct lac_match_column *c);

/* What stands in the column in the next row, without quotes and blanks around it; it may be empty.
 * False: the table has ended. */
bool lac_match_column_next(struct lac_str t, struct lac_match_column *c, struct lac_match_value *v);

#endif
