/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_mention.h"

#include <string.h>

#include "lac_match_detect.h"

/* Which of the words stands there; NULL: none. Not part of the loop that asks about each byte. */
static __attribute__((noinline)) const char *which(const struct lac_match_mentions *list,
                                                   const char *text, const char *end)
{
    unsigned first = LAC_MATCH_LETTER((unsigned char)text[0]);

    if (end - text > 2 && !(list->third[first] >> LAC_MATCH_LETTER((unsigned char)text[2]) & 1))
        return NULL;
    for (const char *const *word = list->words[first]; **word; word++) {
        const char *p = text, *w = *word;

        while (*w && p < end && (lac_match_is_alpha((unsigned char)*p) ? *p | 0x20 : *p) == *w)
            p++, w++;
        if (*w == 0)
            return *word;
    }
    return NULL;
}

const char *lac_match_mention_next(struct lac_str text, const struct lac_match_mentions *list,
                                   size_t *at)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;

    for (size_t i = *at; i + 1 < text.len; i++) {
        const char *word;

        if (!(list->second[LAC_MATCH_LETTER(bytes[i])] >> LAC_MATCH_LETTER(bytes[i + 1]) & 1))
            continue; /* nearly always */
        word = which(list, text.ptr + i, text.ptr + text.len);
        if (word) {
            *at = i;
            return word;
        }
    }
    return NULL;
}

bool lac_match_mentions(struct lac_str text, const struct lac_match_mentions *list)
{
    size_t at = 0;

    return lac_match_mention_next(text, list, &at) != NULL;
}
