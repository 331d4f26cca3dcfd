/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that only their name gives away: `password = "..."`, `api_key: ...`, `--token ...`,
 * `<secret>...</secret>`, "the password is ...". A trigger is the name; from there on, the rest of
 * the identifier, an operator and a value have to follow, and the value is judged.
 */
#include "lac_match_detect.h"

#include <string.h>

#include "lac_match_column.h"
#include "lac_match_form.h"
#include "lac_match_insert.h"
#include "lac_match_mention.h"
#include "lac_match_name.h"
#include "lac_match_secret.h"

#define W LAC_MATCH_WORDS

enum {
    RANDOM_MIN = 16,     /* of what is called a key, token or secret */
    DENSE_SIGNS_MIN = 4, /* different ones, of one of all kinds of characters */
    DENSE_DISTINCT_MIN = 12,
    DENSE_RUN_MAX = 4,   /* small letters in a row, of the same */
    SHORT_MIN = 12,      /* of one of letters and digits that change often */
    KEY_RANDOM_MIN = 20, /* of what is called some key */
    KEY_LONG_MIN = 30,   /* of one with hardly a digit */
    SIGNS_MIN = 24,      /* of a key with signs in it */
    MIXED_MIN = 12,      /* of one with signs, digits and letters of both cases */
    PUBLIC_KEY_BEGINS = 40,
    KEY_REST_MAX = 6,    /* "_token" */
    KEY_TEXT_MAX = 2048, /* bytes of a key */
    VALUE_MIN = 4,
    NATIVE_SUBJECT_MAX = 72, /* bytes between "пароль" and its colon: what it is the password of */
    NATIVE_VALUE_MAX = 128,
    REDACTED_DIGITS = 16,
    DIGEST_MIN = 32, /* hexadecimal digits */
    BLANKS_MAX = 16,
    TRIGGER_PASS = 3,      /* of password_value */
    TRIGGER_DIRECTIVE = 5, /* likewise: a blank is the operator */
    TRIGGER_JOINED = 8,    /* mypassword=: the end of the word, a literal has few bytes */
    TRIGGER_PASS_OPTION = 9,
    TRIGGERS_WORDS =
        1 << 0 | 1 << 1 | 1 << 2 | 1 << 6 | 1 << 7 | 1 << 10, /* that may stand in sentences */
    TRIGGER_KEY_IS = 1, /* of key_value: "the acme key is .." */
    TRIGGER_LOGIN = 2,  /* of key_value: "auth: .." */
    TRIGGER_KEY_OPTION = 5,
    TRIGGER_LOGIN_OPTION = 6,
    TRIGGER_PAT_OPTION = 2, /* of token_value */
};

/* KIND_KEY: acme_key, of which only what looks issued is a secret. KIND_LOGIN: auth, creds, of
 * which the same holds, and whose name may stand alone. */
enum kind { KIND_PASSWORD, KIND_SECRET, KIND_KEY, KIND_LOGIN };

/* "android.os.BinderProxy@2bd79ce": what Java says of an object that has no text of its own. */
static bool is_object(struct lac_str s)
{
    const char *at = memchr(s.ptr, '@', s.len);
    size_t name = at ? (size_t)(at - s.ptr) : 0;

    return name > 0 && memchr(s.ptr, '.', name) && s.len - name > 5 && s.len - name <= 9 &&
           lac_match_run_end(s, 0, s.len, lac_match_is_name) == name &&
           lac_match_run_end(s, name + 1, s.len, lac_match_is_hex) == s.len;
}

/* '#login-password', '.new-password input': what a page's element is chosen by. */
static bool is_selector(struct lac_str s)
{
    bool joined = false;

    if (!lac_match_is_in((unsigned char)s.ptr[0], "#."))
        return false;
    for (size_t i = 1; i < s.len; i++) {
        joined = joined || s.ptr[i] == '-' || s.ptr[i] == '_';
        if (!lac_match_is_lower((unsigned char)s.ptr[i]) &&
            !lac_match_is_in((unsigned char)s.ptr[i], "-_ "))
            return false;
    }
    return joined;
}

/* Without quotes, a value may be a reference: settings.DB_PASS, process.env.TOKEN, /run/secret. */
static bool is_reference(struct lac_str s)
{
    static const struct lac_match_mentions words = {W('a', "apikey", "api_key", "args."),
                                                    W('c', "credential", "config"),
                                                    W('e', "env."),
                                                    W('p', "passw", "pwd", "privatek", "publicke"),
                                                    W('s', "secret", "settings", "self."),
                                                    W('t', "token", "this."),
                                                    W('z', "://")};

    if (is_object(s))
        return true;
    if (s.ptr[0] == '/' || s.ptr[0] == '.' || s.ptr[0] == '~' || lac_match_mentions(s, &words))
        return true;
    if (lac_match_run_end(s, 0, s.len, lac_match_is_name) < s.len)
        return false;
    return memchr(s.ptr, '.', s.len - 1) && !lac_match_is_random(s, RANDOM_MIN);
}

/* Whether the characters are those of an issued key, with one colon between its halves; but no name
 * of a resource and no digest behind its algorithm. The first `from` bytes are a key's. */
static bool is_key_text(struct lac_str s, size_t from)
{
    struct lac_str rest;

    if (s.ptr[0] == '=') /* no alphabet's first */
        return false;
    if (from == s.len)
        return true;
    if (from == 0 || from + 1 == s.len || s.ptr[from] != ':')
        return false;
    rest = lac_str_slice(s, from + 1, s.len);
    return lac_match_key_bytes(rest) == rest.len && memcmp(s.ptr, "sha", 3) != 0;
}

/* A key of signs too, as Django and others make them: in quotes, long, and none of what code and
 * addresses are made of. */
static bool is_sign_text(struct lac_str s)
{
    /* !@#$%^&*()? */
    static const struct lac_match_bytes sign = {
        {LAC_MATCH_BIT('!') | LAC_MATCH_BIT('#') | LAC_MATCH_BIT('$') | LAC_MATCH_BIT('%') |
             LAC_MATCH_BIT('&') | LAC_MATCH_BIT('*') | LAC_MATCH_BIT('(') | LAC_MATCH_BIT(')') |
             LAC_MATCH_BIT('?'),
         LAC_MATCH_BIT('@') | LAC_MATCH_BIT('^')}};
    /* blanks, controls, <>{}[]|\"'`,; */
    static const struct lac_match_bytes never = {
        {UINT32_MAX | LAC_MATCH_BIT(' ') | LAC_MATCH_BIT('<') | LAC_MATCH_BIT('>') |
             LAC_MATCH_BIT('"') | LAC_MATCH_BIT('\'') | LAC_MATCH_BIT(',') | LAC_MATCH_BIT(';'),
         LAC_MATCH_BIT('{') | LAC_MATCH_BIT('}') | LAC_MATCH_BIT('[') | LAC_MATCH_BIT(']') |
             LAC_MATCH_BIT('|') | LAC_MATCH_BIT('\\') | LAC_MATCH_BIT('`') | LAC_MATCH_BIT(0x7F)}};
    size_t signs = 0;

    if (s.len < SIGNS_MIN)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c >= 0x80 || lac_match_bytes_have(&never, c))
            return false;
        signs += lac_match_bytes_have(&sign, c);
    }
    return signs >= 3 && lac_match_is_random(s, SIGNS_MIN) &&
           !memmem(s.ptr, s.len, "://", strlen("://"));
}

/* A short one of all that passwords are made of: digits, letters of both cases and signs, of which
 * one is none that code joins names with. */
static bool is_mixed_text(struct lac_str s)
{
    size_t signs = 0, marks = 0, upper = 0, lower = 0, digits = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        signs += lac_match_is_in(c, "!@#$%^*?");
        marks += lac_match_is_in(c, "-_=+~.");
        upper += lac_match_is_upper(c);
        lower += lac_match_is_lower(c);
        digits += lac_match_is_digit(c);
    }
    return signs >= 1 && signs + marks >= 2 && upper >= 2 && lower >= 2 && digits >= 2 &&
           signs + marks + upper + lower + digits == s.len && lac_match_is_random(s, MIXED_MIN);
}

/* [0-9A-F]: an expression that describes texts. */
static bool has_range(struct lac_str s)
{
    if (!memchr(s.ptr, '[', s.len))
        return false;
    for (size_t i = 1; i + 1 < s.len; i++) {
        unsigned char first = (unsigned char)s.ptr[i - 1], last = (unsigned char)s.ptr[i + 1];

        if (s.ptr[i] == '-' && first < last &&
            ((lac_match_is_digit(first) && lac_match_is_digit(last)) ||
             (lac_match_is_upper(first) && lac_match_is_upper(last)) ||
             (lac_match_is_lower(first) && lac_match_is_lower(last))))
            return true;
    }
    return false;
}

/* Letters of either case, digits and all kinds of signs, as generators of passwords make them: in
 * quotes, and so dense that nothing is spelt. Code, formats and expressions have words or ranges.
 */
static bool is_dense_text(struct lac_str s)
{
    uint64_t signs[2] = {0};
    size_t upper = 0, lower = 0, digits = 0, run = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c <= ' ' || c >= 0x7F)
            return false;
        run = lac_match_is_lower(c) ? run + 1 : 0;
        if (run > DENSE_RUN_MAX)
            return false;
        upper += lac_match_is_upper(c);
        lower += lac_match_is_lower(c);
        digits += lac_match_is_digit(c);
        if (!lac_match_is_alnum(c))
            signs[c / 64] |= (uint64_t)1 << c % 64;
    }
    return upper >= 2 && lower >= 2 && digits >= 1 && s.len >= RANDOM_MIN &&
           __builtin_popcountll(signs[0]) + __builtin_popcountll(signs[1]) >= DENSE_SIGNS_MIN &&
           lac_match_distinct(s) >= DENSE_DISTINCT_MIN && !has_range(s) &&
           !memmem(s.ptr, s.len, "://", 3);
}

/* Of what is called some key, an identifier of the program says nothing: digits make the
 * difference between hexKeyOfTheTest1 and a key. */
static bool is_issued_part(struct lac_str s)
{
    size_t digits = 0;
    size_t pairs = 0; /* of capitals */

    for (size_t i = 0; i < s.len && digits < 3; i++) {
        digits += lac_match_is_digit((unsigned char)s.ptr[i]);
        pairs += i > 0 && lac_match_is_upper((unsigned char)s.ptr[i]) &&
                 lac_match_is_upper((unsigned char)s.ptr[i - 1]);
    }
    return (digits >= 3 || (digits >= 1 && pairs >= 3 && s.len >= KEY_LONG_MIN)) &&
           lac_match_is_random(s, KEY_RANDOM_MIN);
}

/* The same of one in parts, as signed tokens are: the parts of a path or a version are short. */
static bool is_issued(struct lac_str s)
{
    for (;;) {
        const char *dot = memchr(s.ptr, '.', s.len);
        size_t end = dot ? (size_t)(dot - s.ptr) : s.len;

        if (is_issued_part(lac_str_slice(s, 0, end)))
            return true;
        if (!dot)
            return false;
        s = lac_str_slice(s, end + 1, s.len);
    }
}

/* A short one: letters and digits only, and so mixed that they spell nothing. */
static bool is_short_issued(struct lac_str s)
{
    size_t swaps = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (!lac_match_is_alnum((unsigned char)s.ptr[i]))
            return false;
        swaps += i > 0 && lac_match_is_digit((unsigned char)s.ptr[i]) !=
                              lac_match_is_digit((unsigned char)s.ptr[i - 1]);
    }
    return swaps >= 4 && lac_match_is_random(s, SHORT_MIN);
}

/* PASSWORD_ENV = 'DB_PASSWORD': the name of a variable. */
static bool is_variable(struct lac_str s)
{
    static const struct lac_match_mentions words = {W('p', "passw", "pwd"), W('s', "secret"),
                                                    W('t', "token"), W('_', "_pass")};

    return lac_match_is_constant(s) && lac_match_mentions(s, &words);
}

/* The public half of a pair, in DER as PEM has it (RFC 5280, 4.1.2.7; RFC 8410): RSA's identifier
 * and a bit string, which a private key has not; on P-256 and P-384, and Ed25519's. */
static bool is_public_key(struct lac_str s)
{
    static const char *const begins[] = {"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
                                         "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE", "MCowBQYDK2VwAyEA"};
    static const char rsa[] = "NBgkqhkiG9w0BAQEFAAO";

    if (s.len < PUBLIC_KEY_BEGINS || s.ptr[0] != 'M')
        return false;
    for (size_t i = 0; i < LAC_COUNT(begins); i++)
        if (memcmp(s.ptr, begins[i], strlen(begins[i])) == 0)
            return true;
    return memmem(s.ptr, PUBLIC_KEY_BEGINS, rsa, strlen(rsa)) != NULL;
}

static bool is_secret(const struct lac_match_value *v, enum kind kind)
{
    struct lac_str s = v->text;
    size_t key = 0; /* so many bytes from the first on are a key's */

    if (v->quoted ? is_variable(s) : is_reference(s))
        return false;
    if (kind != KIND_PASSWORD)
        key = lac_match_key_bytes(s);
    if (kind == KIND_SECRET && key < s.len &&
        ((v->quoted && (is_sign_text(s) || is_dense_text(s))) || is_mixed_text(s)))
        return !lac_match_is_placeholder(s);
    if (kind != KIND_PASSWORD)
        return is_key_text(s, key) && !is_public_key(s) && !lac_match_is_placeholder(s) &&
               (kind != KIND_SECRET || v->bare
                    ? is_issued(s)
                    : lac_match_is_random(s, RANDOM_MIN) || is_short_issued(s));
    if (v->cut || is_selector(s)) /* longer than any password, or where one is typed */
        return false;
    /* Hashes have rules of their own. */
    if (s.ptr[0] == '$' && s.len > 2 && lac_match_is_in((unsigned char)s.ptr[1], "1256ay7PS") &&
        memchr(s.ptr + 2, '$', s.len - 2))
        return false;
    return lac_match_is_password(s, v->statement && !v->prose);
}

/* DB_PASSWORD=, DB_PASSWORD: x: what follows can be nothing but the value. */
static bool is_statement(struct lac_str t, size_t name, size_t end)
{
    bool parts = false;

    for (size_t i = name; i < end; i++) {
        if (lac_match_is_lower((unsigned char)t.ptr[i]))
            return false;
        parts = parts || t.ptr[i] == '_';
    }
    return lac_match_byte(t, end) == '=' || (parts && lac_match_byte(t, end) == ':');
}

static bool at_line_end(struct lac_str t, size_t i)
{
    size_t end = lac_match_skip(t, i, " \t", BLANKS_MAX);

    return end >= t.len || lac_match_is_in((unsigned char)t.ptr[end], "\r\n#\\\"'");
}

/* "PASS: parser/floats_2": the verdict of a test. */
static bool is_verdict(struct lac_str t, const struct lac_match_name *name)
{
    struct lac_str s = lac_str_slice(t, name->start, name->end);

    return lac_str_is(s, "PASS") && lac_match_byte(t, name->end) == ':' &&
           lac_match_byte(t, name->end + 1) == ' ';
}

/* --password; and -Password as PowerShell has it, behind a blank and before one. */
static bool is_option(struct lac_str t, const struct lac_match_name *name)
{
    if (name->end - name->start < 3 || t.ptr[name->start] != '-')
        return false;
    return t.ptr[name->start + 1] == '-' ||
           (lac_match_before(t, name->start) == ' ' && lac_match_byte(t, name->end) == ' ');
}

/* A letter of any case in other scripts. */
static bool is_capital_or_high(unsigned c)
{
    return lac_match_is_upper(c) || c >= 0x80 || c == '-' || c == '_';
}

static bool is_letter_or_high(unsigned c)
{
    return lac_match_is_alpha(c) || c >= 0x80 || c == '-' || c == '.';
}

/* A row of a help text in any language: "--password=WORT   das WORT für FTP", and
 * "--ask-password   efter lösenord", whose word begins a second column. */
static bool is_help(struct lac_str t, const struct lac_match_name *name,
                    const struct lac_match_value *v)
{
    size_t end = v->at + v->text.len;

    if (!name->option || v->quoted)
        return false;
    if (lac_str_has_at(t, name->end, "  "))
        return lac_match_run_end(t, v->at, SIZE_MAX, is_letter_or_high) >= end;
    return lac_str_has_at(t, end, "  ") && lac_match_byte(t, name->end) == '=' &&
           lac_match_run_end(t, v->at, SIZE_MAX, is_capital_or_high) >= end &&
           lac_match_byte(t, lac_match_skip_blanks(t, end)) != '-';
}

/* "<PRIVATE_KEY:22f574bd880fb04d>": what a hash was put in place of, as `lacuna redact` does. */
static bool is_redacted(struct lac_str t, const struct lac_match_name *name, size_t at)
{
    if (lac_match_before(t, name->start) != '<' || lac_match_byte(t, name->end) != ':' ||
        at != name->end + 1 || lac_match_byte(t, at + REDACTED_DIGITS) != '>')
        return false;
    for (size_t i = name->start; i < name->end; i++)
        if (!lac_match_is_in((unsigned char)t.ptr[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"))
            return false;
    for (size_t i = at; i < at + REDACTED_DIGITS; i++)
        if (!lac_match_is_in((unsigned char)t.ptr[i], "0123456789abcdef"))
            return false;
    return true;
}

/* A trigger may hold the operator, where the word alone would be too common. */
static size_t behind_word(struct lac_str t, size_t at)
{
    static const char between[] = " \t=:<>-\"',;|`\r\n";
    static const char value[] = " value=";
    size_t n = strlen(value);

    if (at >= n && memcmp(t.ptr + at - n, value, n) == 0)
        at -= n;
    while (lac_match_is_in(lac_match_before(t, at), between))
        at--;
    return at;
}

static bool is_printed(unsigned c)
{
    return c > ' ' && c < 0x7F;
}

/* How long a value is of which only the begin was read: a key's characters, or where signs are
 * among these, what is printed up to a mark of the text around it. */
static size_t goes_on(struct lac_str t, const struct lac_match_value *v)
{
    struct lac_str s =
        lac_str_slice(t, v->at, t.len - v->at < KEY_TEXT_MAX ? t.len : v->at + KEY_TEXT_MAX);
    size_t n = lac_match_key_bytes(s);

    if (n >= v->text.len)
        return n;
    for (n = v->text.len; n < s.len && is_printed((unsigned char)s.ptr[n]); n++)
        if (lac_match_is_in((unsigned char)s.ptr[n], "\"'`<>,;(){}[]"))
            break;
    return n;
}

/* `at` is behind the word that means a secret. */
static bool assigned(struct lac_str t, size_t at, enum kind kind, bool directive,
                     struct lac_match_span *out)
{
    static const struct lac_match_mentions keys = {W('k', "key"), W('t', "token")};
    struct lac_match_value v = {.directive = directive};
    struct lac_match_name name = {0};
    struct lac_str before, after;

    at = behind_word(t, at);
    name.end = lac_match_run_end(t, at, LAC_MATCH_NAME_REST, lac_match_is_name);
    name.start = lac_match_run_start(t, at, LAC_MATCH_NAME_REST, lac_match_is_name);
    name.option = is_option(t, &name);
    before = lac_str_slice(t, name.start, kind == KIND_KEY ? at - strlen("key") : at);
    if (kind == KIND_KEY && before.len == 0 && name.end == at)
        before = lac_match_name_owner(t, name.start);
    after = lac_str_slice(t, at, name.end);
    name.whole = after.len == 0 || (after.len <= KEY_REST_MAX && lac_match_mentions(after, &keys));
    if ((after.len > 0 && t.ptr[name.end - 1] == '.') ||
        lac_match_name_is_about(before, after, kind == KIND_PASSWORD) ||
        (kind == KIND_KEY && lac_match_name_is_plain_key(before)) ||
        (kind == KIND_PASSWORD ? is_verdict(t, &name) : lac_match_name_is_cursor(t, name.start)))
        return false;
    v.statement = is_statement(t, name.start, name.end) ||
                  (name.option && lac_match_byte(t, name.end) == '=');
    if (!lac_match_value_of(t, &name, kind == KIND_SECRET || kind == KIND_KEY, &v) ||
        is_redacted(t, &name, v.at) || is_help(t, &name, &v))
        return false;
    /* elementLabelAuthToken + "_id": an expression */
    if (!v.quoted && kind != KIND_PASSWORD && lac_str_has_at(t, v.at + v.text.len, " + "))
        return false;
    /* No key goes on behind an address's '&', or ends like a sentence does; a password may. */
    if (kind != KIND_PASSWORD && !v.quoted) {
        const char *amp = memchr(v.text.ptr, '&', v.text.len);

        if (amp) {
            v.text.len = (size_t)(amp - v.text.ptr);
            v.cut = false;
        }
        if (v.text.len < VALUE_MIN)
            return false;
    }
    while (kind != KIND_PASSWORD && !v.quoted && !v.cut && v.text.len > VALUE_MIN &&
           lac_match_is_in((unsigned char)v.text.ptr[v.text.len - 1], ".?:!"))
        v.text.len--;
    /* NL_ATTR_PASSWORD: attribute with ...: documentation goes on behind the word. */
    if (!v.quoted && lac_match_byte(t, name.end) == ':' && !at_line_end(t, v.at + v.text.len))
        v.statement = false;
    if (!is_secret(&v, kind))
        return false;
    if (v.cut)
        v.text.len = goes_on(t, &v);
    *out = (struct lac_match_span){v.at, v.at + v.text.len, v.at + v.text.len};
    return true;
}

/* "the interface identified by %IFINDEX", "... by *map_fd*", "... by __m68k__", "... by +name+":
 * documents of code.
 * A password of SQL stands in quotes or begins with a letter. */
static bool is_prose(struct lac_str t, size_t at)
{
    return at >= 3 && (memcmp(t.ptr + at - 3, "by ", 3) == 0) &&
           lac_match_is_in(lac_match_byte(t, lac_match_skip(t, at, " ", BLANKS_MAX)), "%*_+");
}

/* Of a trigger that ends behind the blank: an option, and not words--joined like these. */
static bool behind_dash(struct lac_str t, size_t at)
{
    size_t start = lac_match_run_start(t, at - 1, LAC_MATCH_NAME_REST, lac_match_is_name);

    return t.ptr[start] == '-';
}

static bool ends_password(struct lac_str t, size_t at)
{
    static const char word[] = "password";
    size_t n = strlen(word);

    return at >= n && lac_str_eq_nocase(lac_str_slice(t, at - n, at), word);
}

static bool is_said(unsigned c)
{
    return lac_match_is_alpha(c) || c >= 0x80;
}

/* ('pass', 'fail'): in a list, only what has more of a name is one: 'DB_PASS'. */
static bool is_pass_alone(struct lac_str t, size_t at)
{
    size_t end = behind_word(t, at);
    size_t comma = lac_match_skip(t, end, "\"'", 1);

    return lac_match_byte(t, comma) == ',' &&
           !lac_match_is_name(lac_match_before(t, end - strlen("pass")));
}

/* A word that stands alone, with its ending: no name of something in code. */
static bool said(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t start = lac_match_run_start(t, at, LAC_MATCH_NAME_REST, is_said);
    size_t end = lac_match_run_end(t, at, LAC_MATCH_NAME_REST, is_said);

    return !lac_match_is_in(lac_match_before(t, start), "_-.$<@/") &&
           lac_match_said(t, start, end, out);
}

bool lac_match_verify_password(struct lac_str t, size_t at, unsigned trigger,
                               struct lac_match_span *out)
{
    if (trigger == TRIGGER_PASS_OPTION && !behind_dash(t, at))
        return false;
    if (trigger == TRIGGER_PASS && is_pass_alone(t, at))
        return false;
    if (trigger == TRIGGER_JOINED && !ends_password(t, behind_word(t, at)))
        return false;
    if (trigger == TRIGGER_DIRECTIVE && is_prose(t, at))
        return false;
    if (assigned(t, at, KIND_PASSWORD, trigger == TRIGGER_DIRECTIVE, out))
        return true;
    return (1U << trigger & TRIGGERS_WORDS) && said(t, at, out);
}

bool lac_match_verify_assigned_key(struct lac_str t, size_t at, unsigned trigger,
                                   struct lac_match_span *out)
{
    (void)trigger;
    return assigned(t, at, KIND_SECRET, false, out);
}

bool lac_match_verify_token(struct lac_str t, size_t at, unsigned trigger,
                            struct lac_match_span *out)
{
    if (trigger == TRIGGER_PAT_OPTION && !behind_dash(t, at))
        return false;
    return assigned(t, at, KIND_SECRET, false, out);
}

bool lac_match_verify_key(struct lac_str t, size_t at, unsigned trigger, struct lac_match_span *out)
{
    if ((trigger == TRIGGER_KEY_OPTION || trigger == TRIGGER_LOGIN_OPTION) && !behind_dash(t, at))
        return false;
    if (trigger == TRIGGER_LOGIN || trigger == TRIGGER_LOGIN_OPTION)
        return assigned(t, at, KIND_LOGIN, false, out);
    if (trigger == TRIGGER_KEY_IS)
        at -= strlen(" is ");
    return assigned(t, at, KIND_KEY, false, out);
}

/* ---- where the word is above a column ---- */

/* What a column of passwords may hold instead of them: a digest in hexadecimal, behind its
 * algorithm or with the cost and the salt. */
static bool is_digest(struct lac_str s)
{
    size_t from = s.len > 0 && s.ptr[0] == '*'; /* MySQL's */

    return lac_match_is_in(lac_match_byte(s, 0), "{/") || memmem(s.ptr, s.len, "://", 3) ||
           (memchr(s.ptr, '$', s.len) != memrchr(s.ptr, '$', s.len)) ||
           (s.len - from >= DIGEST_MIN &&
            lac_match_run_end(s, from, s.len, lac_match_is_hex) == s.len);
}

/* Words of other languages are none: a digit or a sign of ASCII is there. */
static bool is_column_password(struct lac_str s)
{
    bool sign = false;

    for (size_t i = 0; i < s.len && !sign; i++)
        sign = lac_match_is_digit((unsigned char)s.ptr[i]) ||
               lac_match_is_in((unsigned char)s.ptr[i], "!#$%^&*+?~|@=;");
    return sign && !is_digest(s);
}

/* The next secret in the column that `at` is the heading's end of. */
static bool below(struct lac_str t, size_t at, enum kind kind, struct lac_match_column *c,
                  struct lac_match_span *out)
{
    struct lac_match_value v = {0};

    if (c->row == 0) {
        struct lac_str name;

        at = behind_word(t, at);
        if (!lac_match_column_of(t, at, c) && !lac_match_insert_of(t, at, c))
            return false;
        name = lac_str_slice(t, lac_match_run_start(t, at, LAC_MATCH_NAME_REST, lac_match_is_name),
                             at);
        if (lac_match_name_is_about(name, (struct lac_str){0}, kind == KIND_PASSWORD))
            return false;
    }
    while (c->mark == '(' ? lac_match_insert_next(t, c, &v) : lac_match_column_next(t, c, &v))
        if (v.text.len >= VALUE_MIN && (kind != KIND_PASSWORD || is_column_password(v.text)) &&
            is_secret(&v, kind)) {
            *out = (struct lac_match_span){v.at, v.at + v.text.len, 0};
            return true;
        }
    return false;
}

bool lac_match_below_password(struct lac_str t, size_t at, struct lac_match_column *c,
                              struct lac_match_span *out)
{
    return below(t, at, KIND_PASSWORD, c, out);
}

bool lac_match_below_secret(struct lac_str t, size_t at, struct lac_match_column *c,
                            struct lac_match_span *out)
{
    return below(t, at, KIND_SECRET, c, out);
}

/* ---- where the word is written in another script ---- */

/* The bytes of a letter that is none of ASCII's. */
static bool is_high(unsigned c)
{
    return c >= 0x80;
}

/* "is" between blanks: Greek, Hebrew, Arabic, Hindi, Vietnamese. Behind it, or 0. */
static size_t behind_is(struct lac_str t, size_t i)
{
    static const char *const verbs[] = {" είναι ", " ειναι ", " היא ", " هي ", " है ", " là ", NULL};

    for (size_t k = 0; verbs[k]; k++)
        if (lac_str_has_at(t, i, verbs[k]))
            return i + strlen(verbs[k]);
    return 0;
}

/* Behind the word: its ending, then "is" as Korean, Japanese and Chinese say it, or what the
 * password is for and a colon. `*sure`: an operator stood there. */
static size_t behind_native(struct lac_str t, size_t at, bool *sure)
{
    size_t ending = lac_match_run_end(t, at, LAC_MATCH_NAME_REST, is_high);
    size_t i = ending;

    while (i < t.len && i - at < NATIVE_SUBJECT_MAX) {
        unsigned char c = (unsigned char)t.ptr[i];

        if (c == ':' || c == '=') {
            *sure = true;
            return i + 1;
        }
        if (c == ' ' && behind_is(t, i))
            return behind_is(t, i);
        if (lac_match_is_in(c, ".,;!?\n\r<>{}()|\"'`/\\") || (i > ending && lac_match_is_digit(c)))
            break;
        i++;
    }
    return ending;
}

/* The first byte of a letter of a script between Greek and Arabic, whose words have blanks between
 * them. */
static bool begins_spaced(unsigned char c)
{
    return c >= 0xCD && c <= 0xDB;
}

/* "Пароль от базы: ..", "密码：..", "パスワードは .." and their like. The trigger is the word; its
 * colon may be a wide one, which the view has made a plain one. */
bool lac_match_verify_native_password(struct lac_str t, size_t at, unsigned trigger,
                                      struct lac_match_span *out)
{
    struct lac_match_value v = {0};
    bool sure = false;
    size_t i = behind_native(t, at, &sure);
    size_t end;

    (void)trigger;
    i = lac_match_skip(t, i, " \t*_\"'`", BLANKS_MAX);
    if (!sure && (lac_str_has_at(t, i, "- ") || lac_str_has_at(t, i, "\xE2\x80\x94 ")))
        i = lac_match_skip(t, i, "-\xE2\x80\x94 ", BLANKS_MAX);
    end = lac_match_run_end(t, i, NATIVE_VALUE_MAX,
                            sure && begins_spaced(lac_match_byte(t, i)) ? lac_match_is_no_blank
                                                                        : is_printed);
    while (end > i && lac_match_is_in((unsigned char)t.ptr[end - 1], ".,;:\"'`)>*"))
        end--;
    if (end - i < VALUE_MIN || lac_match_is_in((unsigned char)t.ptr[i], "<{$%"))
        return lac_match_said(t, at, lac_match_run_end(t, at, LAC_MATCH_NAME_REST, is_high), out);
    /* A name alone is a password where nothing can follow but one. */
    v.statement = sure && (at_line_end(t, end) || is_high(lac_match_byte(t, end)));
    v.text = lac_str_slice(t, i, end);
    if (memmem(v.text.ptr, v.text.len, "://", 3) || !is_secret(&v, KIND_PASSWORD))
        return lac_match_said(t, at, lac_match_run_end(t, at, LAC_MATCH_NAME_REST, is_high), out);
    *out = (struct lac_match_span){i, end, end};
    return true;
}
