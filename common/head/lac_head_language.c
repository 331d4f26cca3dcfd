/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a text can be English. Not which language it is: a head that never saw another one says
 * nothing about it, and that is all there is to find out. Little words (articles, pronouns,
 * prepositions) are the most frequent ones of every language and differ between neighbours.
 */
#include "lac_head_params.h"

#include <stdlib.h>
#include <string.h>

#include "lac_utf8.h"

enum {
    WORD_MAX = 12,       /* bytes of a word that is looked up */
    FOREIGN_LETTERS = 5, /* one letter of so many is one too many */
    IDEOGRAPH = 3,       /* letters that one of a script with thousands counts for: half a word */
    FOREIGN_WORDS = 3,   /* least number of another language's little words that count */
    FOREIGN_SIGNS = 2,   /* the same with words that have marks, where nothing English is */
    TEXT_MAX = 64 << 10, /* bytes looked at */
};

/* Sorted. Words that are both English and another language's ("an", "in", "die", "me", "come") or
 * a name in code ("y") are in neither list. */
static const char *const english[] = {
    "about",  "after", "all",    "and",  "are",   "at",    "be",    "because", "been", "but",
    "by",     "can",   "could",  "do",   "does",  "every", "for",   "from",    "had",  "have",
    "he",     "her",   "his",    "how",  "if",    "into",  "is",    "it",      "its",  "many",
    "more",   "my",    "no",     "not",  "of",    "on",    "or",    "our",     "out",  "over",
    "please", "she",   "should", "some", "than",  "that",  "the",   "their",   "them", "then",
    "there",  "these", "they",   "this", "to",    "under", "until", "up",      "us",   "was",
    "we",     "were",  "what",   "when", "where", "which", "who",   "why",     "will", "with",
    "would",  "you",   "your",
};
static const char *const foreign[] = {
    "aber",   "alla",  "alle", "als",   "anche", "auch",   "auf",    "aus",     "avec",    "bei",
    "bij",    "che",   "como", "con",   "cosa",  "cuando", "dans",   "das",     "dass",    "de",
    "degli",  "dei",   "del",  "della", "dem",   "der",    "des",    "deze",    "di",      "du",
    "een",    "ein",   "eine", "einem", "einen", "einer",  "el",     "elle",    "en",      "er",
    "es",     "est",   "esta", "et",    "gli",   "haben",  "hebben", "het",     "ich",     "ihr",
    "ik",     "il",    "ils",  "ist",   "je",    "kann",   "la",     "las",     "le",      "les",
    "leur",   "los",   "maar", "mais",  "mit",   "na",     "naar",   "nach",    "ne",      "nei",
    "nella",  "nicht", "niet", "noch",  "nos",   "notre",  "nous",   "nuestra", "nuestro", "och",
    "oder",   "ont",   "para", "pero",  "por",   "pour",   "que",    "qui",     "sich",    "sie",
    "sind",   "sono",  "sous", "sua",   "sur",   "te",     "um",     "una",     "und",     "une",
    "uns",    "van",   "vom",  "von",   "voor",  "vous",   "werden", "wie",     "wir",     "wird",
    "worden", "zijn",  "zum",  "zur",
};

static int by_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool listed(const char *word, const char *const *list, size_t count)
{
    return bsearch(word, list, count, sizeof(*list), by_text) != NULL;
}

/* Latin letters with and without marks; everything else above is script of its own. */
static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= 0xC0 && c <= 0x24F && c != 0xD7 && c != 0xF7); /* not the two signs */
}

/* Letters of other scripts: blocks of letters from Greek to Yi, CJK, kana, Hangul, presentation
 * forms. Symbols, punctuation, arrows and emoji are nobody's. */
static bool is_foreign(uint32_t c)
{
    return c == LAC_UTF8_BAD || (c >= 0x370 && c <= 0x1DFF) || (c >= 0x2C00 && c <= 0x2DFF) ||
           (c >= 0x3040 && c <= 0xD7FF) || (c >= 0xF900 && c <= 0xFDFF) ||
           (c >= 0xFE70 && c <= 0xFEFE) || (c >= 0xFF66 && c <= 0xFFDC) ||
           (c >= 0x10000 && c <= 0x1EFFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* Scripts that say with one character what takes others three: kana, ideographs, Hangul. */
static bool is_dense(uint32_t c)
{
    return (c >= 0x3040 && c <= 0xD7FF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFF66 && c <= 0xFFDC) || (c >= 0x20000 && c <= 0x3FFFF);
}

struct counts {
    size_t latin, other, english, foreign;
    size_t marked; /* words with a letter that English has not */
    char word[WORD_MAX + 1];
    size_t len; /* of the word; WORD_MAX + 1: too long to be a little one */
    bool mark;  /* the word has such a letter */
};

static void end_word(struct counts *n)
{
    if (n->len > 0 && n->len <= WORD_MAX) {
        n->word[n->len] = '\0';
        n->english += listed(n->word, english, LAC_COUNT(english));
        n->foreign += listed(n->word, foreign, LAC_COUNT(foreign));
    }
    n->marked += n->mark;
    n->mark = false;
    n->len = 0;
}

static void take(struct counts *n, uint32_t c)
{
    if (!is_letter(c)) {
        n->other += !is_foreign(c) ? 0 : is_dense(c) ? IDEOGRAPH : 1;
        end_word(n);
        return;
    }
    n->latin++;
    n->mark = n->mark || c >= 0x80;
    if (c >= 0x80 || n->len >= WORD_MAX)
        n->len = WORD_MAX + 1; /* no word of the lists */
    else
        n->word[n->len++] = (char)(c | 0x20);
}

bool lac_head_english(struct lac_str text)
{
    struct counts n = {0};
    size_t at = 0;

    if (text.len > TEXT_MAX)
        text.len = TEXT_MAX;
    while (at < text.len)
        take(&n, lac_utf8_next(text, &at));
    end_word(&n);
    if (n.other * FOREIGN_LETTERS > n.latin + n.other)
        return false;
    if (n.english == 0 && n.foreign > 0 && n.foreign + n.marked >= FOREIGN_SIGNS)
        return false;
    return n.foreign < FOREIGN_WORDS || n.foreign <= n.english;
}
