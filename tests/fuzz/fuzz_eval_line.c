/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of labelled texts for `lacuna eval`. The first byte says whether offsets are bytes. A span
 * that is taken lies in the text, and is not empty; what is counted in characters ends between two
 * of them.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_eval.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool between_characters(struct lac_str text, uint32_t at)
{
    return at == text.len || ((unsigned char)text.ptr[at] & 0xC0) != 0x80;
}

static void check(const struct lac_cli_eval_line *line, bool bytes)
{
    LAC_ASSERT(line->text.ptr && line->id.ptr && lac_utf8_valid(line->text));
    LAC_ASSERT(!line->has_tier || (int)line->tier < LAC_TIER_COUNT);
    LAC_ASSERT(line->span_count <= LAC_EVAL_SPAN_MAX);
    for (size_t i = 0; i < line->span_count; i++) {
        const struct lac_eval_span *s = &line->spans[i];

        LAC_ASSERT(s->entity.ptr && s->start < s->end && s->end <= line->text.len);
        LAC_ASSERT(bytes || (between_characters(line->text, s->start) &&
                             between_characters(line->text, s->end)));
        LAC_ASSERT(!lac_str_is(s->entity, "SSN")); /* has another name here */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *aliases[] = {"SSN=US_SSN", "="};
    static struct lac_arena arena;
    struct lac_cli_eval_options o = {0};
    struct lac_cli_eval_line line;
    struct lac_json *doc = NULL;
    struct lac_err err = {0};
    enum lac_status status;

    if (size < 1 || size > 1 << 16)
        return 0;
    if (!arena.base)
        LAC_ASSERT(lac_arena_init(&arena, LAC_EVAL_SPAN_MAX * sizeof(struct lac_eval_span) + 64,
                                  &err) == LAC_OK);
    lac_arena_reset(&arena);
    o.bytes = data[0] & 1;
    for (size_t i = 0; i < LAC_COUNT(aliases); i++)
        o.aliases.items[o.aliases.count++] = aliases[i];
    status = lac_cli_eval_line_read(&line, &o, (struct lac_str){(const char *)data + 1, size - 1},
                                    &doc, &arena, &err);
    LAC_ASSERT(status == LAC_OK || (status == LAC_REJECT && err.text[0]));
    if (status == LAC_OK) {
        check(&line, o.bytes);
    }
    lac_json_free(doc);
    return 0;
}
