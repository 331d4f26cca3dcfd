/* SPDX-License-Identifier: Apache-2.0 */
/* Words in a name, and in front of it, by which no secret follows. */
#include "lac_match_name.h"

#include <string.h>

#include "lac_compiler.h"
#include "lac_match_detect.h"
#include "lac_match_form.h"

/* What stands in one word with these is joined to it: "pagetoken" is as much as page_token. */
static bool is_joined(struct lac_str name, size_t i)
{
    static const char *const words[] = {"token", "key", "secret", "pass", "pwd"};

    for (size_t w = 0; w < LAC_COUNT(words); w++) {
        size_t n = strlen(words[w]);

        if (name.len - i >= n && lac_str_eq_nocase(lac_str_slice(name, i, i + n), words[w]))
            return true;
    }
    return false;
}

/* Whether a part of the identifier ends at `i`, or is a plural that does. */
static bool ends_part(struct lac_str name, size_t i)
{
    bool small = lac_match_before(name, i) >= 'a';
    unsigned char c;

    if (is_joined(name, i))
        return true;
    i += lac_match_byte(name, i) == (small ? 's' : 'S');
    c = lac_match_byte(name, i);
    return !lac_match_is_alpha(c) || (small && c < 'a');
}

/* Words by their first letter, in lower case: only those of one letter are asked about. */
enum { LETTERS = 26, LETTER_WORDS = 16 };
#define AT(letter) ((letter) - 'a')
typedef const char *words_by_letter[LETTERS][LETTER_WORDS];

/* fooBar, HTTPServer */
static bool at_hump(struct lac_str name, size_t i)
{
    unsigned char before = lac_match_before(name, i);

    return lac_match_is_upper((unsigned char)name.ptr[i]) &&
           ((before >= 'a' && before <= 'z') || lac_match_byte(name, i + 1) >= 'a');
}

/* Whether one of the words begins a part of the identifier: "map" does so in sourceMap, but not in
 * semaphore. Behind a '$' the part ends: no MAPQUEST. */
static bool begins_part(struct lac_str name, const words_by_letter words)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        if (!lac_match_is_alpha(c) ||
            (lac_match_is_alpha(lac_match_before(name, i)) && !at_hump(name, i)))
            continue;
        for (const char *const *w = words[AT(c | 0x20)]; *w; w++) {
            size_t k = 0;

            while ((*w)[k] && (lac_match_byte(name, i + k) | 0x20) == (unsigned char)(*w)[k])
                k++;
            if ((*w)[k] == 0 || ((*w)[k] == '$' && ends_part(name, i + k)))
                return true;
        }
    }
    return false;
}

/* Tokens and keys are more than secrets, passwords are not: cache_password. */
static bool is_about_token(struct lac_str before)
{
    static const words_by_letter words = {
        [AT('a')] = {"authenticity"},
        [AT('c')] = {"cursor", "contin", "cache$", "cached$", "caching$"},
        [AT('d')] = {"design$"},
        [AT('m')] = {"max$", "min$"},
        [AT('n')] = {"next$", "nextpage", "num$"},
        [AT('p')] = {"public$", "page$", "paging$", "pagination$", "partit"},
        [AT('s')] = {"sort$", "sorted$", "sorting$", "sync$"}};

    return begins_part(before, words);
}

static bool ends_with(struct lac_str s, const char *word)
{
    size_t n = strlen(word);

    return s.len >= n && lac_str_eq_nocase(lac_str_slice(s, s.len - n, s.len), word);
}

/* Behind the word: tokenHash, secret_name, passwordField; but TOKEN_HASHICORP, API_KEY_TYPEFORM and
 * PASSWORD_HOSTINGER. */
static bool is_about_behind(struct lac_str after)
{
    static const words_by_letter words = {
        [AT('a')] = {"age$", "arn$"},
        [AT('c')] = {"count$", "counter", "chang", "context$"},
        [AT('d')] = {"digest$", "dir$", "directory", "dirn", "datetime"},
        [AT('e')] = {"expir", "error$", "encode$", "encoded", "encoder", "encoding", "enable",
                     "endpoint"},
        [AT('f')] = {"file$", "filen", "filep", "forgot", "field", "format$", "formatt"},
        [AT('h')] = {"hash$", "hashed", "hasher", "hashes", "hashing", "host$", "hostn", "hold$",
                     "holder", "hint"},
        [AT('i')] = {"id$", "ident", "izer", "izat", "ized", "iser", "isat", "ised", "initiali"},
        [AT('k')] = {"keyfile", "keyname", "keyref"},
        [AT('l')] = {"len$", "length", "link$", "label$", "limit$", "less$", "lifetime"},
        [AT('m')] = {"message$", "messaging", "manage$", "manager", "management", "minlen",
                     "maxlen"},
        [AT('n')] = {"name$", "named", "namesp", "normali"},
        [AT('p')] = {"policy", "policies", "pattern", "path$", "pathn", "placeh", "point$",
                     "pointer", "prompt"},
        [AT('r')] = {"redirect", "ref$", "rule$", "regex$", "regexp$", "reset", "requir"},
        [AT('s')] = {"salt$", "salted", "store$", "stored", "storage", "size$", "streng", "saniti",
                     "score$"},
        [AT('t')] = {"tokeniz", "ttl", "time$", "timeo", "timest", "title$", "text$", "textb",
                     "textf", "type$"},
        [AT('u')] = {"unchang", "url$", "uri$", "username"},
        [AT('v')] = {"version$"},
        [AT('w')] = {"warn"}};

    return begins_part(after, words);
}

/* Whole parts of the name: there are an ADMIN_TOKEN, a NEXTAUTH_SECRET and a pagerduty_token. */
bool lac_match_name_is_about(struct lac_str before, struct lac_str after, bool password)
{
    static const words_by_letter any = {[AT('c')] = {"csrf"},
                                        [AT('e')] = {"empty$"},
                                        [AT('f')] = {"forgot"},
                                        [AT('r')] = {"reset", "requestverif"},
                                        [AT('x')] = {"xsrf"}};

    if (begins_part(before, any) || is_about_behind(after))
        return true;
    return !password && !ends_with(before, "secret") && !ends_with(before, "credential") &&
           is_about_token(before);
}

bool lac_match_name_is_plain_key(struct lac_str before)
{
    static const words_by_letter words = {
        [AT('a')] = {"arrow", "asset"},
        [AT('b')] = {"blob", "build$"},
        [AT('c')] = {"cache$", "cached$", "col$", "composite$", "ctrl", "chunk", "checks",
                     "commit$", "config$", "configuration$"},
        [AT('d')] = {"dedup", "digest", "dict", "data$"},
        [AT('e')] = {"enter$", "event$", "etag"},
        [AT('f')] = {"foreign", "finger", "file$"},
        [AT('g')] = {"group$", "guid"},
        [AT('h')] = {"hash$", "hashed$", "hot$", "host$"},
        [AT('i')] = {"index$", "indexed$", "idempot", "i18n", "item$", "issue$", "image$"},
        [AT('j')] = {"join$", "joined$"},
        [AT('k')] = {"known"},
        [AT('l')] = {"lookup", "list$", "lock$"},
        [AT('m')] = {"map$", "message$", "messaging$", "merge$", "metric$"},
        [AT('n')] = {"natur", "node$"},
        [AT('o')] = {"object$", "order$"},
        [AT('p')] = {"public$", "primar", "partit", "project$", "pub$"},
        [AT('r')] = {"row$", "rout", "regist", "range$", "ref$"},
        [AT('s')] = {"sort$", "sorted$", "sorting$", "s3", "surrog", "short$", "shift$", "storage",
                     "sha$", "schema", "state$"},
        [AT('t')] = {"translation$", "trace", "topic", "test$"},
        [AT('u')] = {"unique", "uuid"}};

    /* Of a search engine it is one: AZURE_SEARCH_KEY. */
    static const char search[] = "search";
    size_t n = strlen(search);

    return before.len < 2 || begins_part(before, words) ||
           (before.len >= n && lac_str_eq_nocase(lac_str_slice(before, 0, n), search) &&
            ends_part(before, n));
}

struct lac_str lac_match_name_owner(struct lac_str t, size_t name)
{
    static const words_by_letter common = {
        [AT('a')] = {"any", "all", "and", "add", "actual", "auto"},
        [AT('b')] = {"bad", "byte", "bytes", "bucket"},
        [AT('c')] = {"current", "const", "char"},
        [AT('d')] = {"delete", "deleted", "def", "duplicate"},
        [AT('e')] = {"each", "every", "expected"},
        [AT('f')] = {"for", "from", "first", "find", "found", "final"},
        [AT('g')] = {"given", "get", "got"},
        [AT('h')] = {"his", "her", "has"},
        [AT('i')] = {"its", "insert", "invalid", "int", "integer"},
        [AT('l')] = {"last", "let", "long"},
        [AT('m')] = {"missing"},
        [AT('n')] = {"new", "not", "next", "name"},
        [AT('o')] = {"our", "old", "one", "object"},
        [AT('p')] = {"prev", "put", "primary"},
        [AT('r')] = {"random", "remove", "removed", "return", "redis"},
        [AT('s')] = {"some", "same", "set", "string", "static", "secondary"},
        [AT('t')] = {"the", "this", "that", "these", "their", "two", "type"},
        [AT('u')] = {"using", "use", "used", "under", "update", "unknown"},
        [AT('v')] = {"var", "val", "value"},
        [AT('w')] = {"with", "without", "where", "when", "which", "whose"},
        [AT('y')] = {"your"}};
    size_t end = name - (name > 0 && t.ptr[name - 1] == ' ');
    size_t start = lac_match_run_start(t, end, LAC_MATCH_NAME_REST, lac_match_is_alnum);
    struct lac_str word = lac_str_slice(t, start, end);

    if (end == name || word.len < 3 || !lac_match_is_alpha((unsigned char)word.ptr[0]) ||
        lac_match_is_in(lac_match_before(t, start), "_-.$/\\<>"))
        return (struct lac_str){0};
    for (const char *const *w = common[AT(word.ptr[0] | 0x20)]; *w; w++)
        if (lac_str_eq_nocase(word, *w))
            return (struct lac_str){0};
    return word;
}

/* "Next page token: eav1O": the same words as in lac_match_name_is_about(), apart from the name. */
bool lac_match_name_is_cursor(struct lac_str t, size_t name)
{
    static const char *const words[] = {"page", "pagination", "continuation", "csrf", "xsrf", NULL};
    size_t end = name - (name > 0 && t.ptr[name - 1] == ' ');
    struct lac_str word =
        lac_str_slice(t, lac_match_run_start(t, end, LAC_MATCH_NAME_REST, lac_match_is_alpha), end);

    for (size_t i = 0; end < name && word.len > 0 && words[i]; i++)
        if ((word.ptr[0] | 0x20) == words[i][0] && lac_str_eq_nocase(word, words[i]))
            return true;
    return false;
}
