/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that only their name gives away: `password = "..."`, `api_key: ...`, `--token ...`,
 * `<secret>...</secret>`, "the password is ...". A trigger is the name; from there on, the rest of
 * the identifier, an operator and a value have to follow, and the value is judged.
 */
#include "lac_match_detect.h"

#include <string.h>

#include "lac_match_grams.h"
#include "lac_match_secret.h"

enum {
    NAME_REST_MAX = 32, /* bytes of the identifier behind and before the word */
    BLANKS_MAX = 16,    /* between name, operator and value */
    VALUE_MIN = 4,
    VALUE_MAX = 256,
    RANDOM_MIN = 16, /* of what is called a key, token or secret */
};

enum kind { KIND_PASSWORD, KIND_SECRET };

/* Where a value stands, and what is known of it from that. */
struct value {
    struct lac_str text;
    size_t at;      /* its offset */
    bool quoted;    /* in quotes or between tags: nothing is missing at its end */
    bool statement; /* behind an upper-case name and '=', or in a command's option */
    bool prose;     /* "the password is ..." */
};

static bool is_name(unsigned c)
{
    return lac_match_is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static size_t skip(struct lac_str t, size_t i, const char *set, size_t limit)
{
    size_t from = i;

    while (i < t.len && i - from < limit && lac_match_is_in((unsigned char)t.ptr[i], set))
        i++;
    return i;
}

/* Whether one of the words, in lower case, is in `name` in any case. */
static bool mentions(struct lac_str name, const char *const *words)
{
    struct lac_match_grams grams;

    if (name.len < 2) /* nearly always empty, and no word is as short */
        return false;
    lac_match_grams_of(&grams, name);
    for (; *words; words++) {
        size_t size;

        if (!lac_match_grams_pair(&grams, *words)) /* nearly always */
            continue;
        size = strlen(*words);
        for (size_t i = 0; i + size <= name.len; i++) {
            size_t k = 0;

            while (k < size && (name.ptr[i + k] | 0x20) == ((*words)[k] | 0x20))
                k++;
            if (k == size)
                return true;
        }
    }
    return false;
}

/* What a name says that is about a secret but holds none: password_hash, secretName, csrf_token. */
static bool is_about(struct lac_str before, struct lac_str after)
{
    static const char *const first[] = {"public", "csrf", "xsrf",   "next",   "page",  "cursor",
                                        "contin", "sort", "partit", "cache",  "max_",  "min_",
                                        "num_",   "sync", "design", "forgot", "reset", NULL};
    static const char *const last[] = {
        "hash",    "digest", "salt",  "length", "_len",   "policy", "rule",   "regex",
        "pattern", "file",   "path",  "dir",    "url",    "uri",    "link",   "point",
        "host",    "expir",  "ttl",   "_age",   "time",   "reset",  "forgot", "field",
        "label",   "hold",   "hint",  "prompt", "title",  "text",   "messag", "error",
        "name",    "_id",    "type",  "format", "versio", "_ref",   "keyref", "arn",
        "manage",  "store",  "count", "limit",  "size",   "encod",  "streng", "score",
        "izer",    "izat",   "less",  "requir", "enable", "chang",  NULL};

    if (after.len >= 2 && after.len <= 3 && mentions(after, (const char *const[]){"id", NULL}))
        return true;
    return mentions(before, first) || mentions(after, last);
}

/* The operator behind a name: where the value may begin, 0 when none follows. */
static size_t behind_operator(struct lac_str t, size_t i, struct value *v)
{
    static const char *const words[] = {"is", "was", "ist", "value=", "=>", ":=", "==", NULL};
    size_t blanks = i;

    i = skip(t, i, " \t", BLANKS_MAX);
    blanks = i - blanks;
    for (size_t k = 0; words[k]; k++) {
        size_t size = strlen(words[k]);
        bool word = k < 3;

        if (t.len - i < size || memcmp(t.ptr + i, words[k], size) != 0)
            continue;
        if (word && (blanks == 0 || !lac_match_is_in(lac_match_byte(t, i + size), " :")))
            continue;
        v->prose = word;
        i = skip(t, i + size, " :\t", BLANKS_MAX);
        return i;
    }
    if (lac_match_byte(t, i) == '=' || lac_match_byte(t, i) == ':') {
        bool colon = t.ptr[i] == ':';
        size_t type;

        if (colon && lac_match_byte(t, i + 1) == ':')
            return 0;
        v->prose =
            colon && blanks == 0 && lac_match_byte(t, i + 1) == ' ' && !v->quoted && !v->statement;
        i = skip(t, i + 1, " \t", BLANKS_MAX);
        /* password: str = "..." */
        type = lac_match_run_end(t, i, NAME_REST_MAX, is_name);
        if (colon && type > i) {
            size_t equals = skip(t, type, " \t", BLANKS_MAX);

            if (lac_match_byte(t, equals) == '=' && lac_match_byte(t, equals + 1) != '=')
                i = skip(t, equals + 1, " \t", BLANKS_MAX);
        }
        return i;
    }
    return 0;
}

/* &quot; &lt; &#x3C; and their like end a value as what they mean does; so does the next parameter
 * of an address. */
static bool ends_at_ampersand(struct lac_str t, size_t i)
{
    size_t end;

    if (lac_match_byte(t, i) != '&')
        return false;
    i += lac_match_byte(t, i + 1) == '#';
    end = lac_match_run_end(t, i + 1, NAME_REST_MAX, is_name);
    return end - i > 1 && (lac_match_byte(t, end) == ';' || lac_match_byte(t, end) == '=');
}

/* What ends a value without quotes. Not lac_match_is_in(): a text of names only asks this for each
 * byte of each value. */
static bool is_stop(unsigned char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '"':
    case '\'':
    case '`':
    case ',':
    case ';':
    case '<':
    case '>':
    case '(':
    case ')':
    case '{':
    case '}':
    case '[':
    case ']':
    case '\\':
        return true;
    default:
        return false;
    }
}

/* The value that begins at `i`: in quotes, or up to what ends a word there. */
static bool read_value(struct lac_str t, size_t i, struct value *v)
{
    size_t end;

    v->quoted = false;
    if (lac_match_byte(t, i) == '\\' && lac_match_is_in(lac_match_byte(t, i + 1), "\"'"))
        i++;
    if (lac_match_is_in(lac_match_byte(t, i), "\"'`")) {
        char quote = t.ptr[i++];

        end = i;
        while (end < t.len && end - i <= VALUE_MAX && t.ptr[end] != quote && t.ptr[end] != '\n')
            end++;
        if (lac_match_byte(t, end) != (unsigned char)quote)
            return false;
        v->quoted = true;
        if (end > i && t.ptr[end - 1] == '\\')
            end--;
    } else {
        end = i;
        while (end < t.len && end - i <= VALUE_MAX && !is_stop((unsigned char)t.ptr[end]) &&
               !ends_at_ampersand(t, end))
            end++;
        /* a call, an index or a template is code, not a value */
        if (lac_match_is_in(lac_match_byte(t, end), "([{<"))
            return false;
        while (end > i && v->prose && lac_match_is_in((unsigned char)t.ptr[end - 1], ".?:"))
            end--;
    }
    v->at = i;
    v->text = lac_str_slice(t, i, end);
    return end - i >= VALUE_MIN && end - i <= VALUE_MAX;
}

/* Without quotes, a value may be a reference: settings.DB_PASS, process.env.TOKEN, /run/secret. */
static bool is_reference(struct lac_str s)
{
    static const char *const words[] = {"passw",   "pwd",        "secret", "token",    "apikey",
                                        "api_key", "credential", "config", "settings", "env.",
                                        "args.",   "self.",      "this.",  "://",      NULL};
    size_t dots = 0;

    if (s.ptr[0] == '/' || s.ptr[0] == '.' || s.ptr[0] == '~' || mentions(s, words))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_name((unsigned char)s.ptr[i]))
            return false;
        dots += s.ptr[i] == '.' && i + 1 < s.len;
    }
    return dots > 0 && !lac_match_is_random(s, RANDOM_MIN);
}

/* Whether the characters are those of an issued key: the alphabets of base64 and hexadecimal. */
static bool is_key_text(struct lac_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_name((unsigned char)s.ptr[i]) && !lac_match_is_in((unsigned char)s.ptr[i], "+/=~"))
            return false;
    return true;
}

static bool is_secret(const struct value *v, enum kind kind)
{
    struct lac_str s = v->text;

    if (!v->quoted && is_reference(s))
        return false;
    if (kind == KIND_SECRET)
        return is_key_text(s) && lac_match_is_random(s, RANDOM_MIN) && !lac_match_is_placeholder(s);
    /* Hashes have rules of their own. */
    if (s.ptr[0] == '$' && s.len > 2 && lac_match_is_in((unsigned char)s.ptr[1], "1256ay7PS") &&
        memchr(s.ptr + 2, '$', s.len - 2))
        return false;
    return lac_match_is_password(s, v->statement && !v->prose);
}

/* <password>...</password> */
static bool read_element(struct lac_str t, size_t name, size_t i, struct value *v)
{
    size_t end = i + 1;

    if (lac_match_byte(t, i) != '>' || lac_match_before(t, name) != '<')
        return false;
    while (end < t.len && end - i <= VALUE_MAX && t.ptr[end] != '<' && t.ptr[end] != '\n')
        end++;
    v->quoted = true;
    v->at = i + 1;
    v->text = lac_str_slice(t, i + 1, end);
    return lac_match_byte(t, end) == '<' && lac_match_byte(t, end + 1) == '/' &&
           v->text.len >= VALUE_MIN;
}

/* "secret key", "access token": behind the second word, otherwise `i`. */
static size_t behind_noun(struct lac_str t, size_t i)
{
    static const char *const nouns[] = {" key", " token", " value", NULL};

    for (size_t k = 0; nouns[k]; k++)
        if (t.len - i >= strlen(nouns[k]) && memcmp(t.ptr + i, nouns[k], strlen(nouns[k])) == 0)
            return i + strlen(nouns[k]);
    return i;
}

/* DB_PASSWORD=, DB_PASSWORD: x: what follows can be nothing but the value. */
static bool is_statement(struct lac_str t, size_t name, size_t end)
{
    bool parts = false;

    for (size_t i = name; i < end; i++) {
        if (t.ptr[i] >= 'a' && t.ptr[i] <= 'z')
            return false;
        parts = parts || t.ptr[i] == '_';
    }
    return lac_match_byte(t, end) == '=' || (parts && lac_match_byte(t, end) == ':');
}

static bool at_line_end(struct lac_str t, size_t i)
{
    i = skip(t, i, " \t", BLANKS_MAX);
    return i >= t.len || lac_match_is_in((unsigned char)t.ptr[i], "\r\n#\\\"'");
}

/* `at` is behind the word that means a secret. */
static bool assigned(struct lac_str t, size_t at, enum kind kind, struct lac_match_span *out)
{
    struct value v = {0};
    size_t end;
    size_t name;
    bool option;
    size_t i;

    /* A trigger may hold the operator, where the word alone would be too common. */
    while (lac_match_is_in(lac_match_before(t, at), " =:"))
        at--;
    end = lac_match_run_end(t, at, NAME_REST_MAX, is_name);
    name = lac_match_run_start(t, at, NAME_REST_MAX, is_name);
    option = end - name > 2 && t.ptr[name] == '-' && t.ptr[name + 1] == '-';
    i = end;
    if (end > at && t.ptr[end - 1] == '.')
        return false;
    if (is_about(lac_str_slice(t, name, at), lac_str_slice(t, at, end)))
        return false;
    v.statement = is_statement(t, name, end) || option;
    if (!read_element(t, name, i, &v)) {
        if (kind == KIND_SECRET)
            i = behind_noun(t, i);
        if (lac_match_byte(t, i) == '?') /* optional field of a type */
            return false;
        i = skip(t, i, "\\\"'`]", 4);
        v.quoted = i > end;
        if (option && lac_match_byte(t, i) == ' ') {
            i = skip(t, i, " ", BLANKS_MAX);
            if (lac_match_byte(t, i) == '-') /* the next option */
                return false;
        } else {
            i = behind_operator(t, i, &v);
        }
        if (i == 0 || i >= t.len || !read_value(t, i, &v))
            return false;
    }
    /* No key ends like a sentence does; a password may. */
    while (kind == KIND_SECRET && !v.quoted && v.text.len > VALUE_MIN &&
           lac_match_is_in((unsigned char)v.text.ptr[v.text.len - 1], ".?:!"))
        v.text.len--;
    /* NL_ATTR_PASSWORD: attribute with ...: documentation goes on behind the word. */
    if (!v.quoted && lac_match_byte(t, end) == ':' && !at_line_end(t, v.at + v.text.len))
        v.statement = false;
    if (!is_secret(&v, kind))
        return false;
    *out = (struct lac_match_span){v.at, v.at + v.text.len, v.at + v.text.len};
    return true;
}

bool lac_match_verify_password(struct lac_str t, size_t at, unsigned trigger,
                               struct lac_match_span *out)
{
    (void)trigger;
    return assigned(t, at, KIND_PASSWORD, out);
}

bool lac_match_verify_assigned_key(struct lac_str t, size_t at, unsigned trigger,
                                   struct lac_match_span *out)
{
    (void)trigger;
    return assigned(t, at, KIND_SECRET, out);
}
