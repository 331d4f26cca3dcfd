/* SPDX-License-Identifier: Apache-2.0 */
/* By which of its words each phrase and context word is looked for. */
#include "lac_match_internal.h"

#include <string.h>

/* Words that are in most texts, or in most phrases of rules about secrets and identifiers: a poor
 * thing to look for when the phrase has another one. */
static bool is_common(uint64_t key)
{
    static const char words[][9] = {
        "the",   "of",     "to",     "in",      "a",      "and",  "is",     "what",     "how",
        "do",    "not",    "our",    "for",     "who",    "no",   "on",     "are",      "be",
        "with",  "this",   "that",   "it",      "by",     "as",   "at",     "or",       "an",
        "was",   "my",     "your",   "we",      "you",    "i",    "will",   "from",     "new",
        "all",   "use",    "does",   "per",     "must",   "key",  "keys",   "api",      "app",
        "token", "tokens", "secret", "secrets", "access", "auth", "client", "password", "number",
        "code",  "card",   "user",   "id",      "account"};

    for (size_t i = 0; i < LAC_COUNT(words); i++)
        if (key == lac_match_load8((struct lac_str){words[i], sizeof(words[i])}, 0))
            return true;
    return false;
}

static bool is_wide(struct lac_str t, size_t at)
{
    return (unsigned char)t.ptr[at] >= 0xE0;
}

/* Whether a key can begin at `at` of a folded text: what lac_match_front.h calls a word's start. */
static bool may_key(struct lac_str t, size_t at)
{
    return is_wide(t, at) ||
           (lac_match_in_word(t, at) && (at == 0 || !lac_match_in_word(t, at - 1)));
}

/* ---- how often a word is in what is looked for ---- */

static uint32_t *count_cell(struct lac_match_build *b, uint64_t key)
{
    return &b->key_counts[lac_match_hash_word(key) >> (64 - LAC_MATCH_KEY_COUNTS_LOG)];
}

/* Calls for every place in a folded text where a key can begin. */
static void count_keys(struct lac_match_build *b, struct lac_str t)
{
    for (size_t i = 0; i < t.len; i++)
        if (may_key(t, i))
            ++*count_cell(b, lac_match_key_of(t, i));
}

/*
 * Where in a phrase the word begins by which it is looked for: the one that fewest others have,
 * the longest of those, and none that is in most texts anyway. A name is looked for by its first,
 * because its parts may be joined. SIZE_MAX when it has none.
 */
static size_t choose_key(struct lac_match_build *b, struct lac_str t, bool first)
{
    size_t best = SIZE_MAX;
    uint64_t best_cost = UINT64_MAX;

    for (size_t i = 0; i < t.len; i++) {
        uint64_t cost;
        size_t n = 0;

        if (!may_key(t, i))
            continue;
        while (i + n < t.len && n < 8 && lac_match_in_word(t, i + n))
            n++;
        cost = (uint64_t)*count_cell(b, lac_match_key_of(t, i)) * 16 + 8 - n;
        if (is_common(lac_match_key_of(t, i)))
            cost += 1u << 20;
        if (cost < best_cost) {
            best = i;
            best_cost = cost;
        }
        if (first)
            break;
    }
    return best;
}

static void put_key(struct lac_buf *keys, uint64_t key, enum lac_match_entry_kind kind,
                    size_t index)
{
    struct lac_match_key k = {key, {.index = (uint32_t)index, .kind = (uint8_t)kind}};

    lac_buf_put(keys, &k, sizeof(k));
}

void lac_match_put_prefix(struct lac_match_build *b, struct lac_str bytes, bool nocase,
                          enum lac_match_entry_kind kind, size_t index)
{
    struct lac_match_prefix_text p = {.len = bytes.len < 8 ? (uint32_t)bytes.len : 8,
                                      .nocase = nocase};
    unsigned keyed = bytes.len < 4 ? 3 : 4;
    uint64_t key = lac_match_load8(bytes, 0) & (keyed == 3 ? 0xFFFFFFu : 0xFFFFFFFFu);

    p.bytes = lac_match_load8(bytes, 0);
    key |= keyed == 3 ? 0x202020u : 0x20202020u;
    lac_buf_put(&b->prefix_texts, &p, sizeof(p));
    put_key(&b->prefix_keys, (uint64_t)keyed << 32 | key, kind, index);
}

/* What stands around the keyed word. Of its own bytes the key has the first eight. */
static void put_around(struct lac_match_entry *e, struct lac_str t, size_t key)
{
    size_t end = key;

    while (end < t.len && end - key < sizeof(uint64_t) &&
           lac_match_is_alnum((unsigned char)t.ptr[end]))
        end++;
    e->skip = (uint8_t)(end - key);
    for (size_t i = 0; i < LAC_COUNT(e->behind); i++) {
        e->behind[i] = lac_match_byte(t, end + i);
        e->before[i] = key > i ? lac_match_before(t, key - i) : 0;
    }
}

/* A name's blanks may stand for nothing: what is around its keyed word is not known. */
static void key_text(struct lac_match_build *b, struct lac_str t, size_t key, bool name,
                     enum lac_match_entry_kind kind, size_t index)
{
    struct lac_match_key k = {lac_match_key_of(t, key),
                              {.index = (uint32_t)index, .kind = (uint8_t)kind}};

    if (is_wide(t, key)) {
        lac_match_put_prefix(b, (struct lac_str){t.ptr + key, t.len - key}, false, kind, index);
        return;
    }
    if (!name)
        put_around(&k.entry, t, key);
    lac_buf_put(&b->word_keys, &k, sizeof(k));
}

/* A text must have something to look for. */
enum lac_status lac_match_check_key(struct lac_match_build *b, struct lac_str t,
                                    struct lac_err *err)
{
    for (size_t i = 0; i < t.len; i++)
        if (may_key(t, i)) {
            count_keys(b, t);
            return LAC_OK;
        }
    return lac_err_set(err, LAC_REJECT, 0, "'%.*s' has no letter or digit to look for",
                       LAC_STR_FMT(t));
}

/* A name's other first words: joined with the next ones, and its plurals. */
static void key_name(struct lac_match_build *b, struct lac_str t, size_t key, size_t index)
{
    static const char *const endings[] = {"s", "es", "ies"};
    char joined[LAC_MATCH_PHRASE_BYTES + 4];
    uint64_t first = lac_match_key_of(t, key);
    bool parts = false;
    size_t n = 0;

    for (size_t i = key; i < t.len; i++) {
        if (lac_match_in_word(t, i))
            joined[n++] = t.ptr[i];
        else if (t.ptr[i] == ' ')
            parts = true;
        else
            break;
    }
    if (parts && lac_match_key_of((struct lac_str){joined, n}, 0) != first)
        put_key(&b->word_keys, lac_match_key_of((struct lac_str){joined, n}, 0),
                LAC_MATCH_ENTRY_PHRASE, index);
    /* The key is eight bytes: a longer word's plural has the same. */
    for (size_t e = 0; e < LAC_COUNT(endings) && n < 8; e++) {
        size_t cut = e == 2 && n > 1 && joined[n - 1] == 'y' ? 1 : 0;
        char plural[16];
        size_t len = strlen(endings[e]);
        uint64_t k;

        if (e == 2 && !cut)
            continue;
        memcpy(plural, joined, n);
        memcpy(plural + n - cut, endings[e], len);
        k = lac_match_key_of((struct lac_str){plural, n - cut + len}, 0);
        if (k != first)
            put_key(&b->word_keys, k, LAC_MATCH_ENTRY_PHRASE, index);
    }
}
/* One word of ASCII that is shorter than a key: a key that is its own is the word. */
static bool is_exact(struct lac_str t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!lac_match_is_alnum((unsigned char)t.ptr[i]))
            return false;
    return t.len < 8;
}

void lac_match_choose_keys(struct lac_match_build *b)
{
    struct lac_match_phrase *phrases = (void *)b->section[LAC_MATCH_S_PHRASES].ptr;
    struct lac_match_word *words = (void *)b->section[LAC_MATCH_S_WORDS].ptr;

    for (size_t i = 0; i < b->section[LAC_MATCH_S_PHRASES].len / sizeof(*phrases); i++) {
        bool names = phrases[i].flags & LAC_MATCH_PHRASE_NAMES;
        struct lac_str t = lac_match_build_text(b, phrases[i].text);

        phrases[i].key = (uint16_t)choose_key(b, t, names);
        key_text(b, t, phrases[i].key, names, LAC_MATCH_ENTRY_PHRASE, i);
        if (names)
            key_name(b, t, phrases[i].key, i);
    }
    for (size_t i = 0; i < b->word_count; i++) {
        struct lac_str t = lac_match_build_text(b, words[i].text);

        words[i].key = (uint32_t)choose_key(b, t, false);
        words[i].exact = is_exact(t);
        key_text(b, t, words[i].key, false, LAC_MATCH_ENTRY_CONTEXT, i);
    }
}
