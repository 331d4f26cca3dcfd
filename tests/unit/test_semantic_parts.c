/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: every token of a text is in one part, and parts end where sentences do. */
#include "lac_semantic_parts.h"

#include <string.h>

#include "lac_test.h"

enum { TOKENS_MAX = 400 };

/* Tokens as a tokenizer would give them: letters and digits together, all else alone, no blanks. */
static size_t spans_of(const char *text, struct lac_encode_span spans[TOKENS_MAX])
{
    size_t n = 0;

    for (uint32_t i = 0; text[i];) {
        uint32_t from = i;

        if (strchr(" \n", text[i])) {
            i++;
            continue;
        }
        while (text[i] && !strchr(" \n.,;?!", text[i]))
            i++;
        if (i == from)
            i++;
        LAC_TEST_NEED(n < TOKENS_MAX);
        spans[n++] = (struct lac_encode_span){from, i};
    }
    return n;
}

static size_t parts_of(const char *text, uint32_t *ends)
{
    static struct lac_encode_span spans[TOKENS_MAX];
    size_t n = spans_of(text, spans);

    return lac_semantic_parts(lac_str_from(text), spans, n, ends);
}

#define ELEVEN      "a b c d e f g h i j k"
#define TWELVE      ELEVEN " l"
#define TEN_ROWS(x) x x x x x x x x x x

static void parts_end_with_sentences_and_lines(void)
{
    static const struct {
        const char *text;
        size_t count;
        uint32_t ends[6];
    } rows[] = {
        {"", 0, {0}},
        {TWELVE, 0, {0}},
        {TWELVE " " ELEVEN, 0, {0}},
        {ELEVEN ". " TWELVE, 2, {12, 24}},
        {ELEVEN "? " TWELVE "!", 2, {12, 25}},
        {ELEVEN "; " TWELVE, 2, {12, 24}},
        {TWELVE "\n" TWELVE, 2, {12, 24}},
        {ELEVEN ", " TWELVE, 0, {0}},                               /* a comma ends nothing */
        {ELEVEN ".b " TWELVE, 0, {0}},                              /* a number, a name */
        {"a. b. c. d. e. f. " TWELVE, 2, {12, 24}},                 /* twelve at least */
        {ELEVEN ". " TWELVE ". " ELEVEN, 2, {12, 36}},              /* the rest is too short */
        {ELEVEN ". " TWELVE ". " TWELVE, 3, {12, 25, 37}},          /* now it isn't */
        {TWELVE " " TWELVE " " TWELVE " " TWELVE " x y z", 0, {0}}, /* 51: the rest is 11 */
        {TWELVE " " TWELVE " " TWELVE " " TWELVE " w x y z", 2, {40, 52}},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        uint32_t ends[TOKENS_MAX];

        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(parts_of(rows[i].text, ends), rows[i].count);
        for (size_t k = 0; k < rows[i].count; k++)
            LAC_TEST_EQ(ends[k], rows[i].ends[k]);
    }
}

static void long_texts_without_a_stop_are_cut(void)
{
    uint32_t ends[TOKENS_MAX];
    size_t n = parts_of(TEN_ROWS(TEN_ROWS("a b c ")), ends);

    CU_ASSERT(n <= lac_semantic_parts_most(300));
    LAC_TEST_EQ(n, 8);
    for (size_t k = 0; k + 1 < n; k++)
        LAC_TEST_EQ(ends[k], (k + 1) * LAC_SEMANTIC_PART_MOST);
    LAC_TEST_EQ(ends[n - 1], 300);
}

LAC_TEST_MAIN(semantic_parts, parts_end_with_sentences_and_lines, long_texts_without_a_stop_are_cut)
