/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tables in a text begin. A table whose cells mean more with their headings has a word there
 * that rules ask for, and these are known: only their lines are looked at, each once.
 */
#include "lac_match_internal.h"

#include <string.h>

#include "lac_match_rows.h"
#include "lac_utf8.h"

/* Notes the line around `at` if it can be one of headings, and rows can follow it. */
static void note_line(struct lac_match_scratch *s, size_t at)
{
    struct lac_str headings[LAC_MATCH_ROWS_COLUMNS];
    const size_t done = s->heading_end;
    size_t start = at > LAC_MATCH_ROWS_HEADINGS ? at - LAC_MATCH_ROWS_HEADINGS : 0;
    const char *before, *end = memchr(s->text.ptr + at, '\n', s->text.len - at);
    struct lac_match_rows rows;

    s->heading_end = end ? (size_t)(end - s->text.ptr) : s->text.len;
    if (!end || s->heading_count == LAC_MATCH_HEADINGS_MAX)
        return;
    start = start < done ? done : start;
    before = memrchr(s->text.ptr + start, '\n', at - start);
    if (before)
        start = (size_t)(before - s->text.ptr) + 1;
    else if (start > 0)
        return; /* too long for headings */
    else
        start = lac_utf8_mark(s->text);
    if (start <= at && lac_match_rows_at(s->text, start, &rows, headings))
        s->headings[s->heading_count++] = (uint32_t)start;
}

void lac_match_headings_around_words(struct lac_match_scratch *s)
{
    for (size_t i = 0; i < s->place_count; i++)
        if (s->places[i].start >= s->heading_end)
            note_line(s, s->places[i].start);
}
