/* SPDX-License-Identifier: Apache-2.0 */
/* The list is text, "word class\n", sorted by bytes: it is searched as it is. */
#include "lac_pack_words.h"

#include <string.h>

enum { WORD_MIN = 2, WORD_MAX = 40, SHORT = 3 /* letters that make a name by themselves */ };

static enum lac_pack_word class_of(char letter)
{
    switch (letter) {
    case '1':
        return LAC_PACK_WORD_EVERYDAY;
    case '2':
        return LAC_PACK_WORD_FREQUENT;
    case '3':
        return LAC_PACK_WORD_KNOWN;
    case 'n':
        return LAC_PACK_WORD_NAME;
    default:
        return LAC_PACK_WORD_BRAND;
    }
}

/* Binary search over lines: any byte between the bounds leads to the line it is in. */
static enum lac_pack_word find(struct lac_str word)
{
    const char *text = lac_pack_words_english;
    size_t low = 0, high = lac_pack_words_english_size;

    while (low < high) {
        size_t at = low + (high - low) / 2;
        const char *end;
        struct lac_str line;
        int order;

        while (at > low && text[at - 1] != '\n')
            at--;
        end = memchr(text + at, '\n', lac_pack_words_english_size - at);
        if (!end)
            return LAC_PACK_WORD_NONE;
        line = (struct lac_str){text + at, (size_t)(end - text) - at - 2};
        order = lac_str_cmp(word, line);
        if (order == 0)
            return class_of(end[-1]);
        if (order < 0)
            high = at;
        else
            low = (size_t)(end - text) + 1;
    }
    return LAC_PACK_WORD_NONE;
}

static bool ends_with(struct lac_str word, const char *end)
{
    size_t n = strlen(end);

    return word.len > n + 1 && memcmp(word.ptr + word.len - n, end, n) == 0;
}

enum lac_pack_word lac_pack_word(struct lac_str word)
{
    enum lac_pack_word found;
    char singular[WORD_MAX];

    if (word.len < WORD_MIN || word.len >= WORD_MAX)
        return LAC_PACK_WORD_NONE;
    found = find(word);
    if (found == LAC_PACK_WORD_NONE && ends_with(word, "ies")) {
        memcpy(singular, word.ptr, word.len - 3);
        singular[word.len - 3] = 'y';
        found = find((struct lac_str){singular, word.len - 2});
    }
    if (found == LAC_PACK_WORD_NONE && ends_with(word, "es"))
        found = find((struct lac_str){word.ptr, word.len - 2});
    if (found == LAC_PACK_WORD_NONE && ends_with(word, "s"))
        found = find((struct lac_str){word.ptr, word.len - 1});
    return found;
}

const char *lac_pack_word_text(enum lac_pack_word word)
{
    switch (word) {
    case LAC_PACK_WORD_EVERYDAY:
        return "one of the most used English words";
    case LAC_PACK_WORD_FREQUENT:
        return "a frequent English word";
    case LAC_PACK_WORD_KNOWN:
        return "an English word";
    case LAC_PACK_WORD_NAME:
        return "a name of people or places";
    case LAC_PACK_WORD_BRAND:
        return "a well-known brand or word of the trade";
    case LAC_PACK_WORD_NONE:
        break;
    }
    return "no common word";
}

/* Words that add nothing to the one beside them. */
static bool is_filler(struct lac_str word)
{
    static const char *const fillers[] = {"the", "a", "an", "of", "and", "our", "my", "&"};

    for (size_t i = 0; i < LAC_COUNT(fillers); i++)
        if (lac_str_is(word, fillers[i]))
            return true;
    return false;
}

bool lac_pack_words_common(struct lac_str folded, bool all, enum lac_pack_word *why)
{
    size_t words = 0, common = 0, at = 0;

    *why = LAC_PACK_WORD_NONE;
    while (at < folded.len) {
        size_t from = at;
        struct lac_str word;
        enum lac_pack_word found;

        while (at < folded.len && folded.ptr[at] != ' ')
            at++;
        word = lac_str_slice(folded, from, at);
        at++;
        if (word.len == 0 || is_filler(word))
            continue;
        words++;
        found = lac_pack_word(word);
        if (found != LAC_PACK_WORD_NONE || word.len < SHORT) {
            common++;
            if (*why == LAC_PACK_WORD_NONE)
                *why = found;
        }
    }
    return common == words && (words <= 1 || all);
}
