/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_form.h"

#include <string.h>

#include "lac_match_detect.h"

enum {
    BLANKS_MAX = 16, /* between name, operator and value */
    BLOCK_MAX = 256, /* between a block's name and what it holds */
    LINES_MAX = 64,  /* of blanks and line breaks, where a value stands on its own line */
    VALUE_MIN = 4,
    VALUE_MAX = 256,
    TYPE_MAX = 40,    /* bytes of a declared type */
    RETURN_MAX = 120, /* from a function's name to what it returns */
    REMARK_MAX = 32,  /* "(production)" */
    SUBJECT_MAX = 40, /* "password for the test database is": bytes up to "is" */
};

static bool is_quote(unsigned char c)
{
    return c == '"' || c == '\'' || c == '`';
}

/* Behind a quote and what a language writes in front of one: N'..', b"..", @"..", R"..". 0 when no
 * quoted text begins at `i`. */
static size_t at_quote(struct lac_str t, size_t i)
{
    unsigned char c = lac_match_byte(t, i);

    if (is_quote(c) || (c == '\\' && is_quote(lac_match_byte(t, i + 1))))
        return i;
    if ((c == '@' || lac_match_is_in((unsigned char)(c | 0x20), "bnru")) &&
        is_quote(lac_match_byte(t, i + 1)))
        return i + 1;
    return 0;
}

/* What ends a value without quotes. */
#define STOPS_LOW                                                                           \
    (LAC_MATCH_BIT(' ') | LAC_MATCH_BIT('\t') | LAC_MATCH_BIT('\r') | LAC_MATCH_BIT('\n') | \
     LAC_MATCH_BIT('"') | LAC_MATCH_BIT('\'') | LAC_MATCH_BIT(',') | LAC_MATCH_BIT(';') |   \
     LAC_MATCH_BIT('<') | LAC_MATCH_BIT('>') | LAC_MATCH_BIT('(') | LAC_MATCH_BIT(')'))
#define STOPS_HIGH                                                                       \
    (LAC_MATCH_BIT('`') | LAC_MATCH_BIT('{') | LAC_MATCH_BIT('}') | LAC_MATCH_BIT('[') | \
     LAC_MATCH_BIT(']') | LAC_MATCH_BIT('\\'))

static bool is_stop(unsigned char c)
{
    static const struct lac_match_bytes stops = {{STOPS_LOW, STOPS_HIGH}};

    return lac_match_bytes_have(&stops, c);
}

/* No stop, and not what may be one by what follows it. */
static bool goes_on(unsigned c)
{
    static const struct lac_match_bytes stops = {{STOPS_LOW | LAC_MATCH_BIT('&'), STOPS_HIGH}};

    return !lac_match_bytes_have(&stops, c);
}

/* &quot; &lt; &#x3C; and their like end a value as what they mean does; so does the next parameter
 * of an address. */
static bool ends_at_ampersand(struct lac_str t, size_t i)
{
    size_t end;

    if (lac_match_byte(t, i) != '&')
        return false;
    i += lac_match_byte(t, i + 1) == '#';
    end = lac_match_run_end(t, i + 1, LAC_MATCH_NAME_REST, lac_match_is_name);
    return end - i > 1 && (lac_match_byte(t, end) == ';' || lac_match_byte(t, end) == '=');
}

/* In quotes, or in three of them as Python and TOML have it. `i` is at the first. */
static bool read_quoted(struct lac_str t, size_t i, struct lac_match_value *v)
{
    char quote = t.ptr[i++];
    size_t limit, end;

    if (lac_match_byte(t, i) == (unsigned char)quote &&
        lac_match_byte(t, i + 1) == (unsigned char)quote)
        i += 2;
    end = i;
    limit = i + VALUE_MAX < t.len ? i + VALUE_MAX : t.len;
    while (end < limit && t.ptr[end] != quote && t.ptr[end] != '\n')
        end++;
    v->cut = end - i == VALUE_MAX && lac_match_byte(t, end) != (unsigned char)quote;
    if (!v->cut && lac_match_byte(t, end) != (unsigned char)quote)
        return false;
    v->quoted = true;
    if (end > i && t.ptr[end - 1] == '\\')
        end--;
    /* '"..."': what a build writes into a program keeps its own quotes */
    if (end - i > 2 && is_quote((unsigned char)t.ptr[i]) && t.ptr[end - 1] == t.ptr[i])
        i++, end--;
    v->at = i;
    v->text = lac_str_slice(t, i, end);
    return true;
}

/* The value that begins at `i`: in quotes, or up to what ends a word there. */
static bool read_value(struct lac_str t, size_t i, struct lac_match_value *v)
{
    size_t quote = at_quote(t, i);
    size_t end;

    v->quoted = false;
    /* "\"...\"": the same in quotes of one kind */
    if (quote && t.ptr[quote] != '\\' && lac_match_byte(t, quote + 1) == '\\' &&
        is_quote(lac_match_byte(t, quote + 2)))
        quote++;
    if (quote) {
        if (!read_quoted(t, quote + (t.ptr[quote] == '\\'), v))
            return false;
    } else {
        end = lac_match_run_end(t, i, VALUE_MAX, goes_on);
        while (lac_match_byte(t, end) == '&' && end - i < VALUE_MAX && !ends_at_ampersand(t, end))
            end = lac_match_run_end(t, end + 1, VALUE_MAX - (end + 1 - i), goes_on);
        v->cut = end - i == VALUE_MAX && end < t.len && !is_stop((unsigned char)t.ptr[end]);
        /* a call, an index, a template or a member is code, not a value */
        if (lac_match_is_in(lac_match_byte(t, end), "([{<") ||
            (lac_match_byte(t, end) == '>' && end > i && t.ptr[end - 1] == '-'))
            return false;
        while (end > i && v->prose && lac_match_is_in((unsigned char)t.ptr[end - 1], ".?:"))
            end--;
        v->at = i;
        v->text = lac_str_slice(t, i, end);
    }
    return v->text.len >= VALUE_MIN;
}

/* <secret>{label 5f3a...}</secret>: the last word in braces, where there are more. */
static void unbrace(struct lac_match_value *v)
{
    size_t end = v->text.len;
    size_t from;

    if (end < 2 || v->text.ptr[0] != '{' || v->text.ptr[end - 1] != '}')
        return;
    from = --end;
    while (from > 1 && v->text.ptr[from - 1] != ' ')
        from--;
    if (from <= 1)
        return;
    v->at += from;
    v->text = lac_str_slice(v->text, from, end);
}

/* <password>...</password>, also on a line of its own or as CDATA, and
 * <entry key="password">...</entry>. */
static bool read_element(struct lac_str t, const struct lac_match_name *name, bool noun,
                         struct lac_match_value *v)
{
    bool attribute = is_quote(lac_match_byte(t, name->end)) && name->start >= 2 &&
                     t.ptr[name->start - 1] == t.ptr[name->end] && t.ptr[name->start - 2] == '=';
    size_t i = name->end + attribute;
    size_t end;

    if (lac_match_byte(t, i) != '>' || (!attribute && lac_match_before(t, name->start) != '<'))
        return false;
    i = lac_match_skip(t, i + 1, " \t\r\n", LINES_MAX);
    if (lac_str_has_at(t, i, "<![CDATA["))
        i += strlen("<![CDATA[");
    end = i;
    while (end < t.len && end - i <= VALUE_MAX && t.ptr[end] != '<' && t.ptr[end] != '\n' &&
           !lac_str_has_at(t, end, "]]>"))
        end++;
    v->quoted = true;
    v->at = i;
    v->text = lac_str_slice(t, i, end);
    while (v->text.len > 0 && (unsigned char)v->text.ptr[v->text.len - 1] <= ' ')
        v->text.len--;
    if (noun)
        unbrace(v);
    end += lac_str_has_at(t, end, "]]>") ? 3 : 0;
    end = lac_match_skip(t, end, " \t\r\n", LINES_MAX);
    return lac_str_has_at(t, end, "</") && v->text.len >= VALUE_MIN;
}

/* "secret key", "access token": behind the second word, otherwise `i`. */
static size_t behind_noun(struct lac_str t, size_t i)
{
    static const char *const nouns[] = {" key", " token", " value", NULL};

    for (size_t k = 0; nouns[k]; k++)
        if (lac_str_has_at(t, i, nouns[k]))
            return i + strlen(nouns[k]);
    return i;
}

/* The text behind ':' of YAML: on this line, or after '|' or '>' indented on the next. */
static size_t behind_colon(struct lac_str t, size_t i)
{
    size_t line;

    if (!lac_match_is_in(lac_match_byte(t, i), "|>"))
        return i;
    line = lac_match_skip(t, i + 1, "+-", 1);
    line = lac_match_skip(t, line, " \t\r", BLANKS_MAX);
    if (lac_match_byte(t, line) != '\n')
        return i;
    return lac_match_skip(t, line + 1, " \t", LINES_MAX);
}

static bool is_type(unsigned c)
{
    return lac_match_is_name(c) || (c < 0x80 && lac_match_is_in((unsigned char)c, "&*[]<>'?"));
}

/* password: str = "..", let key: &str = "..", var password string = "..": behind the '=', where a
 * type stands at `i`; otherwise 0. Without a colon only a quoted text can follow. */
static size_t behind_type(struct lac_str t, size_t i, bool colon)
{
    size_t type = lac_match_run_end(t, i, TYPE_MAX, is_type);
    size_t equals = lac_match_skip(t, type, " \t", BLANKS_MAX);
    size_t to;

    if (type == i || lac_match_byte(t, equals) != '=' || lac_match_byte(t, equals + 1) == '=')
        return 0;
    to = lac_match_skip(t, equals + 1, " \t", BLANKS_MAX);
    if (equals == type && to == equals + 1 && !at_quote(t, to)) /* "token: 5f3a=9b..." */
        return 0;
    if (colon && lac_match_run_end(t, i, TYPE_MAX, lac_match_is_name) == type)
        return to;
    return at_quote(t, to) ? to : 0;
}

/* Behind one of `verbs` at `i` and its blanks, 0 when none stands there. */
static size_t behind_one(struct lac_str t, size_t i, const char *const *verbs,
                         struct lac_match_value *v)
{
    for (size_t k = 0; verbs[k]; k++) {
        size_t end = i + strlen(verbs[k]);

        if (!lac_str_has_at(t, i, verbs[k]) || !lac_match_is_in(lac_match_byte(t, end), " :"))
            continue;
        v->prose = true;
        return lac_match_skip(t, end, " :\t", BLANKS_MAX);
    }
    return 0;
}

/* "is" and its like in a sentence. */
static size_t behind_verb(struct lac_str t, size_t i, struct lac_match_value *v)
{
    static const char *const verbs[] = {
        "is",        "was", "ist",      "lautet", "est", "es",    "\xC3\xA9", "jest",
        "\xC3\xA4r", "er",  "\xC3\xA8", "este",   "je",  "c'est", "adalah",   NULL};

    return behind_one(t, i, verbs, v);
}

/* What says "is" in Polish and Finnish right behind their words, as in "moje hasło to .." and
 * "salasana on ..", which end in a vowel as no English word for a password does. */
static size_t behind_short_verb(struct lac_str t, size_t i, struct lac_match_value *v)
{
    static const char *const verbs[] = {"to", "on", NULL};
    size_t end = i;

    while (lac_match_before(t, end) == ' ')
        end--;
    return lac_match_is_in(lac_match_before(t, end), "oai") ? behind_one(t, i, verbs, v) : 0;
}

/* The preposition at `i` with which a sentence says what a password is for, NULL for none. */
static const char *preposition_at(struct lac_str t, size_t i)
{
    static const char *const words[] = {"for ", "of ",   "to ",  "f\xC3\xBCr ", "vom ",  "von ",
                                        "zum ", "zur ",  "des ", "der ",        "beim ", "im ",
                                        "du ",  "de ",   "del ", "della ",      "do ",   "da ",
                                        "dla ", "od ",   "k ",   "ke ",         "till ", "til ",
                                        "van ", "voor ", "per ", "pentru ",     "para ", NULL};
    size_t k = 0;

    while (words[k] && !lac_str_has_at(t, i, words[k]))
        k++;
    return words[k];
}

/* "password for the test database is ...": behind the verb, 0 when there is none in reach. */
static size_t behind_subject(struct lac_str t, size_t i, struct lac_match_value *v)
{
    static const char *const polish[] = {"to", NULL};
    const char *word = preposition_at(t, i);
    bool is_polish;

    if (!word)
        return 0;
    is_polish = strcmp(word, "do ") == 0 || strcmp(word, "od ") == 0 || strcmp(word, "dla ") == 0;
    for (size_t k = i; k < t.len && k - i < SUBJECT_MAX; k++) {
        size_t to = 0;

        if (lac_str_has_at(t, k, " = ") || lac_str_has_at(t, k, ": ")) {
            v->prose = true;
            return lac_match_skip(t, k + 1, "= ", BLANKS_MAX);
        }
        if (lac_match_is_in((unsigned char)t.ptr[k], ".\n;,(=\""))
            return 0;
        if (t.ptr[k] == ' ')
            to = behind_verb(t, k + 1, v);
        if (t.ptr[k] == ' ' && !to && is_polish)
            to = behind_one(t, k + 1, polish, v);
        if (to)
            return to;
    }
    return 0;
}

/* Operators of more than one character, the longer ones first. */
static size_t behind_signs(struct lac_str t, size_t i)
{
    static const char *const signs[] = {"value=", "content=", ":::=", "::=", "=>", ":=", "==",
                                        "!=",     "?=",       ".=",   "+=",  "||", "??", NULL};

    if (!lac_match_is_in(lac_match_byte(t, i), "=:vc!|?.+")) /* none begins otherwise */
        return 0;
    for (size_t k = 0; signs[k]; k++)
        if (lac_str_has_at(t, i, signs[k]))
            return lac_match_skip(t, i + strlen(signs[k]), " :=\t", BLANKS_MAX);
    return 0;
}

/* variable "db_password" { .. default = ".." }, as Terraform has it: where the value's quote
 * stands, 0 when there is none. */
static size_t behind_block(struct lac_str t, size_t from)
{
    size_t i = lac_match_skip(t, from, " \t", BLANKS_MAX);
    size_t limit = i + BLOCK_MAX < t.len ? i + BLOCK_MAX : t.len;

    if (lac_match_byte(t, i) != '{')
        return 0;
    for (i++; i < limit && t.ptr[i] != '}'; i++) {
        size_t to = i + strlen("default");

        if (t.ptr[i] != 'd' || lac_match_is_name(lac_match_before(t, i)) ||
            !lac_str_has_at(t, i, "default"))
            continue;
        to = lac_match_skip(t, to, " \t", BLANKS_MAX);
        if (lac_match_byte(t, to) != '=')
            continue;
        to = lac_match_skip(t, to + 1, " \t", BLANKS_MAX);
        return is_quote(lac_match_byte(t, to)) ? to : 0;
    }
    return 0;
}

/* pass <- "..", as R assigns: a channel of Go's gets no quoted word. */
static size_t behind_arrow(struct lac_str t, size_t i)
{
    size_t to = lac_match_skip(t, i + 2, " \t", BLANKS_MAX);

    return lac_str_has_at(t, i, "<-") && is_quote(lac_match_byte(t, to)) ? to : 0;
}

/* <<EOF, <<-'EOT': behind the line, 0 when none begins at `i`. */
static size_t behind_heredoc(struct lac_str t, size_t i)
{
    if (!lac_str_has_at(t, i, "<<"))
        return 0;
    i = lac_match_skip(t, i + 2, "-~\"'", 2);
    i = lac_match_run_end(t, i, LAC_MATCH_NAME_REST, lac_match_is_name);
    i = lac_match_skip(t, i, "\"'\r", 2);
    return lac_match_byte(t, i) == '\n' ? lac_match_skip(t, i + 1, " \t", LINES_MAX) : 0;
}

/* The operator behind a name: where the value may begin, 0 when none follows. */
static size_t behind_operator(struct lac_str t, size_t from, struct lac_match_value *v)
{
    size_t i = lac_match_skip(t, from, " \t", BLANKS_MAX);
    bool blanks = i > from;
    size_t to = behind_signs(t, i);

    if (!to)
        to = behind_arrow(t, i);
    if (!to && blanks && !v->quoted)
        to = behind_verb(t, i, v);
    if (!to && blanks && !v->quoted)
        to = behind_short_verb(t, i, v);
    if (!to && blanks && !v->quoted)
        to = behind_subject(t, i, v);
    if (to)
        return to;
    if (lac_match_byte(t, i) == '=' || lac_match_byte(t, i) == ':') {
        bool colon = t.ptr[i] == ':';

        if (colon && lac_match_byte(t, i + 1) == ':')
            return 0;
        v->prose =
            colon && !blanks && lac_match_byte(t, i + 1) == ' ' && !v->quoted && !v->statement;
        i = lac_match_skip(t, i + 1, " \t", BLANKS_MAX);
        to = colon ? behind_type(t, i, true) : behind_heredoc(t, i);
        if (!to && colon)
            to = behind_colon(t, i);
        return to ? to : i;
    }
    return blanks && !v->quoted ? behind_type(t, i, false) : 0;
}

/*
 * - name: DB_PASSWORD        {"Key": "DB_PASSWORD", "Value": ".."}
 *   value: ..
 * Behind the colon or '=' of the value, 0 when there is none.
 */
static size_t behind_pair(struct lac_str t, size_t i)
{
    size_t word = lac_match_skip(t, i, " \t\r\n,", LINES_MAX);

    word = lac_match_skip(t, word, "\"'", 1);
    if (word == i || (lac_match_byte(t, word) | 0x20) != 'v' ||
        !lac_str_has_at(t, word + 1, "alue"))
        return 0;
    i = lac_match_skip(t, word + strlen("value"), "\"'", 1);
    i = lac_match_skip(t, i, " \t", BLANKS_MAX);
    if (lac_match_byte(t, i) != ':' && lac_match_byte(t, i) != '=')
        return 0;
    return lac_match_skip(t, i + 1, " \t", BLANKS_MAX);
}

/* Whether the quoted name that begins at `start` is a call's first argument; with `later` any, or
 * the first of a pair in braces: buildConfigField("String", "API_KEY", ..), { "ApiKey", ".." }. */
static bool is_argument(struct lac_str t, size_t start, bool later)
{
    size_t i = start > 0 ? start - 1 : 0;                     /* at the quote */
    size_t first = lac_match_before(t, i) == ' ' ? i - 1 : i; /* f( "PASSWORD", ..) */

    if (lac_match_before(t, first) == '(' || (later && lac_match_before(t, i) == '{'))
        return true;
    return later && i >= 2 && t.ptr[i - 1] == ' ' &&
           lac_match_is_in((unsigned char)t.ptr[i - 2], ",{");
}

bool lac_match_is_constant(struct lac_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != '_' && !lac_match_is_digit((unsigned char)name.ptr[i]) &&
            !(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z'))
            return false;
    return true;
}

/* MQTT_PASSWORD, OPT_PASSWORD: a constant that says which of a call's settings comes next. */
static bool is_setting(struct lac_str name)
{
    return memchr(name.ptr, '_', name.len) && lac_match_is_constant(name);
}

/* add_argument("--password", type=str, default=".."): behind the '=', 0 when there is none. */
static size_t behind_default(struct lac_str t, size_t i)
{
    size_t limit = i + BLOCK_MAX < t.len ? i + BLOCK_MAX : t.len;

    for (; i < limit && t.ptr[i] != ')'; i++)
        if (t.ptr[i] == 'd' && lac_str_has_at(t, i, "default=") &&
            !lac_match_is_name(lac_match_before(t, i)))
            return i + strlen("default=");
    return 0;
}

/* getToken() { return ".."; }, def password(self) -> str: return "..": behind "return ", 0 when the
 * body has more than that. `i` is behind the parenthesis. */
static size_t behind_return(struct lac_str t, size_t i)
{
    size_t close = i;
    size_t limit = i + RETURN_MAX < t.len ? i + RETURN_MAX : t.len;

    while (close < limit && t.ptr[close] != ')' && t.ptr[close] != '\n')
        close++;
    if (lac_match_byte(t, close) != ')')
        return 0;
    for (i = close + 1; i < limit && !lac_match_is_in((unsigned char)t.ptr[i], ";,()\"'`}"); i++)
        if (t.ptr[i] == 'r' && lac_str_has_at(t, i, "return ") &&
            lac_match_is_in(lac_match_before(t, i), " \t\n{"))
            return i + strlen("return ");
    return 0;
}

/* set("password", ".."), set(OPT_PASSWORD, ".."), PASSWORD('..'), std::string token{".."},
 * getenv("TOKEN") or "..": where the quoted value begins, 0 when there is none. `closed`: behind
 * the name and its quote. */
static size_t behind_call(struct lac_str t, const struct lac_match_name *name, size_t closed,
                          bool noun)
{
    bool quoted = closed > name->end;
    size_t i = quoted ? lac_match_skip(t, closed, " ", 1) : closed;

    if (lac_match_byte(t, i) == ',' && name->whole &&
        (quoted ? is_argument(t, name->start, noun)
                : is_setting(lac_str_slice(t, name->start, name->end)))) {
        i = lac_match_skip(t, i + 1, " \t", BLANKS_MAX);
        if (quoted && !at_quote(t, i))
            i = behind_default(t, i);
    } else if (lac_match_is_in(lac_match_byte(t, i), "({") && !quoted) {
        bool call = t.ptr[i] == '(';

        i = lac_match_skip(t, i + 1, " ", 1);
        if (call && !at_quote(t, i))
            i = behind_return(t, i);
    } else {
        i = closed;
        if (lac_match_byte(t, i) == ')' && quoted)
            i++;
        i = lac_match_skip(t, i, " \t", BLANKS_MAX);
        if (i == closed || !(lac_str_has_at(t, i, "or ") || lac_str_has_at(t, i, "|| ") ||
                             lac_str_has_at(t, i, "?? ")))
            return 0;
        i = lac_match_skip(t, i + 2, " |?\t", BLANKS_MAX);
    }
    return i && at_quote(t, i) ? i : 0;
}

/* ${DB_PASSWORD:-..}, ${DB_PASSWORD:=..}: behind the sign, 0 where that is none of a shell. */
static size_t behind_fallback(struct lac_str t, size_t name, size_t i)
{
    return lac_match_byte(t, i) == ':' && lac_match_is_in(lac_match_byte(t, i + 1), "-=") &&
                   name >= 2 && t.ptr[name - 1] == '{' && t.ptr[name - 2] == '$'
               ? i + 2
               : 0;
}

/* "API key (production): ..": behind what says which one, where an operator follows; otherwise
 * `i`. */
static size_t behind_remark(struct lac_str t, size_t i)
{
    size_t to = i + 2;

    if (!lac_str_has_at(t, i, " ("))
        return i;
    while (to < t.len && to - i < REMARK_MAX && !lac_match_is_in((unsigned char)t.ptr[to], ")\n"))
        to++;
    return lac_str_has_at(t, to, "): ") || lac_str_has_at(t, to, ") = ") ? to + 1 : i;
}

/* ENV DB_PASSWORD .., SetEnv DB_PASSWORD ..: the word before says that a value follows. */
static bool is_set_by_word(struct lac_str t, size_t name)
{
    static const char *const words[] = {"ENV",           "SetEnv",      "setx", "setenv",
                                        "fastcgi_param", "uwsgi_param", "env",  NULL};

    if (lac_match_before(t, name) != ' ')
        return false;
    for (size_t k = 0; words[k]; k++) {
        size_t size = strlen(words[k]);

        if (name > size && lac_str_has_at(t, name - size - 1, words[k]) &&
            !lac_match_is_name(lac_match_before(t, name - size - 1)))
            return true;
    }
    return false;
}

/* DB_PASSWORD ".." or --password ..: nothing but blanks between. `noun`: as people write it, too,
 * "the deploy token 5f3a..", "api key - 5f3a..". */
static size_t behind_blank(struct lac_str t, const struct lac_match_name *name, size_t i, bool noun,
                           struct lac_match_value *v)
{
    size_t to = lac_match_skip(t, i, " \t", BLANKS_MAX);

    if (to == i)
        return 0;
    if (v->directive || is_set_by_word(t, name->start)) {
        v->statement = v->statement || !v->directive;
        return to;
    }
    if (noun && lac_str_has_at(t, to, "- "))
        to += 2;
    v->bare = true;
    return noun || is_quote(lac_match_byte(t, to)) ? to : 0;
}

/* Whether the identifier goes on as an array: char password[] = "..", secret[32] = "..". */
static size_t behind_array(struct lac_str t, size_t i)
{
    size_t end =
        lac_match_byte(t, i) == '[' ? lac_match_run_end(t, i + 1, 8, lac_match_is_digit) : i;

    return end > i && lac_match_byte(t, end) == ']' ? end + 1 : i;
}

/* | DB_PASSWORD | .. |: a row of a table whose first cell is the name, as Markdown has it. Where
 * the second begins, 0 when there is none. */
static size_t behind_cell(struct lac_str t, size_t name, size_t i)
{
    size_t start = lac_match_skip_back(t, name, " `*", BLANKS_MAX);
    size_t end;

    i = lac_match_skip(t, i, " `*", BLANKS_MAX);
    if (lac_match_byte(t, i) != '|' || lac_match_before(t, start) != '|' ||
        (start > 1 && t.ptr[start - 2] != '\n'))
        return 0;
    i = lac_match_skip(t, i + 1, " `*", BLANKS_MAX);
    end = lac_match_run_end(t, i, VALUE_MAX, goes_on);
    return lac_match_byte(t, lac_match_skip(t, end, " `*", BLANKS_MAX)) == '|' ? i : 0;
}

/* Where a long quoted value stands on the line behind its operator; otherwise `i`. */
static size_t behind_line(struct lac_str t, size_t i)
{
    size_t to = lac_match_skip(t, i, "\r\n", 2);

    if (to == i)
        return i;
    to = lac_match_skip(t, to, " \t", LINES_MAX);
    return at_quote(t, to) ? to : i;
}

bool lac_match_value_of(struct lac_str t, const struct lac_match_name *name, bool noun,
                        struct lac_match_value *v)
{
    size_t i = name->end;
    size_t to = 0;

    if (read_element(t, name, noun, v))
        return true;
    if (noun)
        i = behind_noun(t, i);
    /* an optional field of a type */
    if (lac_match_byte(t, i) == '?' && lac_match_byte(t, i + 1) != '=')
        return false;
    i = behind_array(t, i);
    i = behind_remark(t, i);
    if (t.ptr[i - 1] != ')')
        i = lac_match_skip(t, i, "\\\"'`]", 4);
    v->quoted = i > name->end && t.ptr[i - 1] != ')';
    if (name->option && lac_match_byte(t, i) == ' ') {
        to = lac_match_skip(t, i, " ", BLANKS_MAX);
        if (lac_match_byte(t, to) == '-') /* the next option */
            return false;
    }
    if (!to)
        to = behind_pair(t, i);
    if (!to)
        to = behind_call(t, name, i, noun);
    if (!to)
        to = behind_cell(t, name->start, name->end);
    if (!to)
        to = behind_fallback(t, name->start, i);
    if (!to)
        to = behind_operator(t, i, v);
    if (!to)
        to = v->quoted ? behind_block(t, i) : behind_blank(t, name, i, noun, v);
    if (noun && to)
        to = behind_line(t, to);
    return to && to < t.len && read_value(t, to, v);
}
