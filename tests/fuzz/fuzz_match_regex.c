/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern, a line break, damage (one byte says how many pairs of place and value follow), a text.
 * Whatever compiles passes its own check, gives the same bytes again, and finds matches that lie
 * inside the text, have the promised width and begin where asking for that very place says so. The
 * damaged program is refused or runs inside of its bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_match_regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FINDS = 64 };

static void run(const struct lac_match_regex *r, struct lac_str text,
                const struct lac_match_regex_info *info)
{
    size_t from = 0, start, end;

    for (unsigned i = 0; i < FINDS && lac_match_regex_find(r, text, from, text.len, &start, &end);
         i++) {
        size_t again;

        LAC_ASSERT(from <= start && start < end && end <= text.len);
        LAC_ASSERT(lac_match_regex_at(r, text, start, &again) && again == end);
        if (info) {
            LAC_ASSERT(end - start >= info->min_width && end - start <= info->max_width);
            LAC_ASSERT(lac_match_regex_set_has(&info->first, (unsigned char)text.ptr[start]));
            LAC_ASSERT(lac_match_regex_set_has(&info->last, (unsigned char)text.ptr[end - 1]));
        }
        from = start + 1;
    }
}

/* In memory of exactly its size, so that a sanitizer sees every byte too far. */
static void run_damaged(struct lac_str program, const uint8_t *damage, size_t pairs,
                        struct lac_str text)
{
    char *copy = program.len ? malloc(program.len) : NULL;
    const struct lac_match_regex *r;

    LAC_ASSERT(copy);
    memcpy(copy, program.ptr, program.len);
    for (size_t i = 0; i < pairs; i++) {
        size_t at = (size_t)damage[3 * i] << 8 | damage[3 * i + 1];

        copy[at % program.len] = (char)damage[3 * i + 2];
    }
    r = lac_match_regex_valid((struct lac_str){copy, program.len});
    if (r)
        run(r, text, NULL);
    free(copy);
}

static void try_pattern(struct lac_str pattern, const uint8_t *rest, size_t size)
{
    struct lac_match_regex_info info, info2;
    struct lac_buf out, out2;
    size_t pairs = size ? rest[0] % 8 : 0;
    size_t skip = size ? 1 + 3 * pairs : 0;
    struct lac_str text;
    struct lac_err err;

    lac_buf_init(&out, LAC_MATCH_REGEX_BYTES);
    lac_buf_init(&out2, LAC_MATCH_REGEX_BYTES);
    if (lac_match_regex_compile(&out, pattern, &info, &err) != LAC_OK) {
        LAC_ASSERT(err.status == LAC_REJECT && err.text[0]);
    } else if (!info.supported) {
        LAC_ASSERT(out.len == 0 && info.reason[0]);
    } else if (skip <= size) {
        const struct lac_match_regex *r = lac_match_regex_valid(lac_buf_str(&out));

        LAC_ASSERT(r && lac_match_regex_size(r) == out.len);
        LAC_ASSERT(lac_match_regex_compile(&out2, pattern, &info2, &err) == LAC_OK);
        LAC_ASSERT(lac_str_eq(lac_buf_str(&out), lac_buf_str(&out2)));
        text = (struct lac_str){(const char *)rest + skip, size - skip};
        run(r, text, &info);
        if (pairs > 0)
            run_damaged(lac_buf_str(&out), rest + 1, pairs, text);
    }
    lac_buf_deinit(&out);
    lac_buf_deinit(&out2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t len = line ? (size_t)(line - data) : size;

    try_pattern((struct lac_str){(const char *)data, len}, data + len + (line != NULL),
                size - len - (line != NULL));
    return 0;
}
