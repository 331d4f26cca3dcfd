/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_semantic_parts.h"

#include <stdbool.h>
#include <string.h>

static bool has_line_break(struct lac_str text, size_t from, size_t to)
{
    return to > from && memchr(text.ptr + from, '\n', to - from) != NULL;
}

/* Whether a sentence ends with this token, which is not the last one. */
static bool ends_here(struct lac_str text, const struct lac_encode_span *at)
{
    size_t from = at[0].from, to = at[0].to, next = at[1].from;

    if (has_line_break(text, to, next))
        return true;
    return to == from + 1 && next > to && strchr(".?!;", text.ptr[from]) && text.ptr[from];
}

size_t lac_semantic_parts(struct lac_str text, const struct lac_encode_span *spans, size_t tokens,
                          uint32_t *ends)
{
    size_t count = 0, from = 0;

    if (tokens < 2 * (size_t)LAC_SEMANTIC_PART_LEAST)
        return 0;
    for (size_t i = 0; i + 1 < tokens; i++) {
        size_t have = i + 1 - from;

        if (tokens - i - 1 < LAC_SEMANTIC_PART_LEAST)
            break; /* too little is left for another part */
        if (have < LAC_SEMANTIC_PART_LEAST ||
            (have < LAC_SEMANTIC_PART_MOST && !ends_here(text, &spans[i])))
            continue;
        ends[count++] = (uint32_t)(i + 1);
        from = i + 1;
    }
    if (count == 0)
        return 0;
    ends[count++] = (uint32_t)tokens;
    return count;
}
