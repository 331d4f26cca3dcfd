/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labelled texts and feedback from arbitrary bytes. Up to the first NUL they are one file, behind
 * it a second; the rest joins texts to events. What is taken is within its bounds, in order and
 * without doubles; what is refused says where.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_head_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16 };

/* What stands before the next NUL; moves behind it. */
static struct lac_str part(struct lac_str *rest)
{
    const char *nul = rest->len ? memchr(rest->ptr, 0, rest->len) : NULL;
    size_t n = nul ? (size_t)(nul - rest->ptr) : rest->len;
    struct lac_str p = lac_str_slice(*rest, 0, n);

    *rest = lac_str_slice(*rest, n + (nul != NULL), rest->len);
    return p;
}

static void check(const struct lac_head_data *d)
{
    size_t count = lac_head_data_count(d);
    const struct lac_head_text *before = NULL;

    LAC_ASSERT(lac_head_data_hash(d) != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct lac_head_text *t = lac_head_data_at(d, i);

        LAC_ASSERT(t->id.len > 0 && t->id.len <= LAC_HEAD_ID_MAX);
        LAC_ASSERT(t->text.len > 0 && t->text.len <= LAC_HEAD_TEXT_MAX);
        LAC_ASSERT((int)t->tier < LAC_TIER_COUNT);
        LAC_ASSERT(t->domain < lac_head_data_domains(d));
        LAC_ASSERT(lac_head_data_domain(d, t->domain).len > 0);
        LAC_ASSERT(!before || lac_str_cmp(before->id, t->id) < 0);
        before = t;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_str rest = {(const char *)data, size};
    struct lac_head_data *d;
    struct lac_err err = {0};
    size_t lines;

    if (size > INPUT_MAX || lac_head_data_new(&d, &err) != LAC_OK)
        return 0;
    for (int file = 0; file < 2; file++) {
        enum lac_status status =
            lac_head_data_add(d, "file.jsonl", LAC_STR("domain"), part(&rest), &err);

        LAC_ASSERT(status == LAC_OK || strncmp(err.text, "file.jsonl:", 11) == 0);
    }
    lines = lac_head_data_lines(d);
    LAC_ASSERT(lac_head_data_feedback(d) <= lines);
    while (rest.len > 0) {
        struct lac_str event = part(&rest), text = part(&rest);

        LAC_ASSERT(lac_head_data_join(d, event, text, &err) == LAC_OK);
    }
    if (lac_head_data_finish(d, &err) == LAC_OK) {
        LAC_ASSERT(lac_head_data_count(d) + lac_head_data_doubles(d) + lac_head_data_waiting(d) <=
                   lines);
        check(d);
    } else {
        LAC_ASSERT(err.text[0] != '\0');
    }
    lac_head_data_free(d);
    return 0;
}
