/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes through the decoders of hidden texts. What they give lies inside the input and in
 * order, is hardly ever longer than it, and what a run decodes into is well-formed text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_match_decode.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char memory[LAC_MATCH_DECODE_BYTES];
static uint32_t map[LAC_MATCH_DECODE_BYTES + 1];

static void check(const struct lac_match_decoded *d, size_t from, size_t to)
{
    /* Eight digits may be three characters of UTF-16, which are nine bytes of UTF-8. */
    LAC_ASSERT(d->len <= LAC_MATCH_DECODE_BYTES && d->len <= (to - from) + (to - from) / 8);
    for (size_t i = 0; i < d->len; i++)
        LAC_ASSERT(d->map[i] >= from && d->map[i] < to && d->map[i] <= d->map[i + 1]);
    LAC_ASSERT(d->map[d->len] <= to);
    if (d->len > 0)
        LAC_ASSERT(d->map[d->len - 1] + d->tail <= to || d->tail == 0);
}

/* Each piece lies behind the one before, and so does each part of what is no text as a whole. */
static void check_run(struct lac_str text, size_t start, size_t end, struct lac_match_decoded *d)
{
    size_t at = start;
    bool goes_on = false;

    while (at < end && lac_match_decode(text, at, end, goes_on, d)) {
        check(d, at, end);
        LAC_ASSERT(d->next > at && d->next <= end);
        at = d->next;
        goes_on = d->goes_on;
    }
    while (lac_match_decode_part(text, &at, end, false, d)) {
        check(d, start, end);
        LAC_ASSERT(at == d->next && d->next > start && d->next <= end);
        start = d->next;
    }
    LAC_ASSERT(at == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_match_decoded d = {.text = memory, .map = map};
    struct lac_str text = {(const char *)data, size};
    size_t from = 0, before = 0, start, end;

    if (size == 0)
        return 0;
    while (lac_match_unescape(text, &from, &d)) {
        LAC_ASSERT(from > before && from <= size);
        check(&d, 0, size);
        before = from;
    }
    from = 0;
    while (lac_match_next_run(text, &from, &start, &end)) {
        LAC_ASSERT(start < end && end <= size && end - start >= LAC_MATCH_DECODE_RUN_LEAST);
        check_run(text, start, end, &d);
    }
    return 0;
}
