/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's name and password where a format puts them: connection strings of ODBC, ADO.NET and
 * libpq, HTTP's Authorization header, .pgpass; and a wallet's seed phrase.
 */
#include "lac_match_detect.h"

#include <string.h>

#include "lac_assert.h"
#include "lac_match_mention.h"
#include "lac_match_secret.h"

#define W LAC_MATCH_WORDS

enum {
    CONNECTION_KEYS = 13, /* that is_connection() knows */
    STRING_REACH = 300,   /* bytes of a connection string to either side of its password */
    HEADER_MAX = 2048,
    HEADER_MIN = 16,
    PGPASS_REACH = 256,
    URL_REACH = 256, /* bytes of an address behind its slashes, and of its hosts */
    SCHEME_MAX = 32,
    SEED_WORDS_MAX = 24,
    SEED_WORD_MIN = 3,
    SEED_WORD_MAX = 8,
    LOGIN_RANDOM_MIN = 20, /* of a token in an address */
};

static bool is_token68(unsigned c)
{
    return lac_match_is_alnum(c) || (c < 0x80 && lac_match_is_in((unsigned char)c, "-._~+/="));
}

static bool is_host(unsigned c)
{
    return lac_match_is_alnum(c) || (c < 0x80 && lac_match_is_in((unsigned char)c, "-._*"));
}

static bool is_name(unsigned c)
{
    return lac_match_is_alnum(c) || c == '_';
}

/* What else stands in a connection string; the first of them begins it. */
static bool is_connection(struct lac_str s, size_t *from)
{
    static const struct lac_match_mentions keys = {
        W('a', "addr="),   W('d', "data source=", "database=", "driver=", "dsn=", "dbname="),
        W('h', "host="),   W('i', "initial catalog="),
        W('s', "server="), W('u', "user id=", "uid=", "user=", "username=")};
    const char *known[CONNECTION_KEYS];
    size_t count = 0, found = 0;

    *from = s.len;
    for (size_t at = 0;; at++) {
        const char *key = lac_match_mention_next(s, &keys, &at);
        size_t k = 0;

        if (!key)
            break;
        while (k < count && known[k] != key)
            k++;
        if (k < count) /* each key's first place counts */
            continue;
        LAC_ASSERT(count < CONNECTION_KEYS);
        known[count++] = key;
        if (is_name(lac_match_before(s, at)))
            continue;
        *from = at < *from ? at : *from;
        found++;
    }
    return found >= 2;
}

/* Server=...;Database=...;User Id=...;Password=...; or host=... user=... password=... */
bool lac_match_verify_connection(struct lac_str t, size_t at, unsigned trigger,
                                 struct lac_match_span *out)
{
    size_t start = at, end = at, value, from;
    struct lac_str secret;

    (void)trigger;
    while (start > 0 && at - start < STRING_REACH &&
           !lac_match_is_in((unsigned char)t.ptr[start - 1], "\r\n\"'<>`"))
        start--;
    value = lac_match_skip_blanks(t, at);
    if (lac_match_is_in(lac_match_byte(t, value), "'{"))
        value++;
    end = value;
    while (end < t.len && end - value < STRING_REACH &&
           !lac_match_is_in((unsigned char)t.ptr[end], "; \t\r\n\"'<>`}&"))
        end++;
    secret = lac_str_slice(t, value, end);
    while (end < t.len && end - value < STRING_REACH &&
           !lac_match_is_in((unsigned char)t.ptr[end], "\r\n\"'<>`"))
        end++;
    out->resume = end;
    if (!is_connection(lac_str_slice(t, start, end), &from) || secret.len < 3 ||
        lac_match_is_placeholder(secret) || lac_match_distinct(secret) < 3)
        return false;
    while (end > value + secret.len && lac_match_is_in((unsigned char)t.ptr[end - 1], " \t;,."))
        end--;
    *out = (struct lac_match_span){start + from, end, end};
    return true;
}

static bool is_scheme(unsigned c)
{
    return lac_match_is_alnum(c) || c == '+' || c == '.' || c == '-';
}

static bool is_authority(unsigned c)
{
    return c > ' ' && !(c < 0x80 && lac_match_is_in((unsigned char)c, "\"'<>`/\\"));
}

static bool is_hosts(unsigned c)
{
    return is_host(c) || (c < 0x80 && lac_match_is_in((unsigned char)c, ":,[]"));
}

/* Whether `s` is what a code host or a registry issues, in the place of a user's name. 32
 * hexadecimal digits alone are the public half of a Sentry DSN. */
static bool is_issued_login(struct lac_str s)
{
    bool hex = s.len == 32;

    for (size_t i = 0; i < s.len; i++) {
        if (!lac_match_is_alnum((unsigned char)s.ptr[i]) &&
            !lac_match_is_in((unsigned char)s.ptr[i], "-_"))
            return false;
        hex = hex && lac_match_is_hex((unsigned char)s.ptr[i]);
    }
    return !hex && lac_match_is_random(s, LOGIN_RANDOM_MIN) && !lac_match_is_placeholder(s);
}

/* Whether the part of an address before '@' holds a secret. A password that every installation
 * begins with, the user's name among them, says nothing. */
static bool is_secret_login(struct lac_str login)
{
    const char *colon = memchr(login.ptr, ':', login.len);
    struct lac_str user, password;

    if (!colon)
        return is_issued_login(login);
    user = (struct lac_str){login.ptr, (size_t)(colon - login.ptr)};
    password = lac_str_slice(login, user.len + 1, login.len);
    for (size_t i = 0; i < user.len; i++)
        if (lac_match_is_in((unsigned char)user.ptr[i], "?#=&<{$"))
            return false;
    return password.len >= 4 && lac_match_distinct(password) >= 3 && !lac_str_eq(user, password) &&
           !lac_match_is_placeholder(password) &&
           !lac_match_is_in((unsigned char)password.ptr[0], "${[");
}

/* Where the hosts end that begin behind a login's '@', without the signs of a sentence; 0: none. */
static size_t behind_hosts(struct lac_str t, size_t at)
{
    size_t end = lac_match_run_end(t, at, URL_REACH, is_hosts);

    if (end == at)
        return 0;
    while (lac_match_is_in((unsigned char)t.ptr[end - 1], ".,:"))
        end--;
    return end;
}

/* RFC 3986: <scheme>://<user>:<password>@<host>, `at` behind the slashes; or a token alone. */
bool lac_match_verify_url_login(struct lac_str t, size_t at, unsigned trigger,
                                struct lac_match_span *out)
{
    size_t end = lac_match_run_end(t, at, URL_REACH, is_authority);
    const char *host = end > at ? memrchr(t.ptr + at, '@', end - at) : NULL;
    size_t start;

    (void)trigger;
    if (!host || !is_secret_login(lac_str_slice(t, at, (size_t)(host - t.ptr))))
        return false;
    end = behind_hosts(t, (size_t)(host - t.ptr) + 1);
    if (end == 0)
        return false;
    start = lac_match_run_start(t, at - 3, SCHEME_MAX, is_scheme);
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/* The same of a scheme that no other detector knows, mysql2:// or rabbitmq://. Some have names in
 * the places of both: github://<owner>:<repository>@<commit>. */
bool lac_match_verify_any_url_login(struct lac_str t, size_t at, unsigned trigger,
                                    struct lac_match_span *out)
{
    size_t end = lac_match_run_end(t, at, URL_REACH, is_authority);
    const char *host = end > at ? memrchr(t.ptr + at, '@', end - at) : NULL;
    const char *colon = host ? memchr(t.ptr + at, ':', (size_t)(host - t.ptr) - at) : NULL;

    return colon && colon > t.ptr + at && lac_match_is_alnum(lac_match_before(t, at - 3)) &&
           lac_match_is_password((struct lac_str){colon + 1, (size_t)(host - colon) - 1}, false) &&
           lac_match_verify_url_login(t, at, trigger, out);
}

/* RFC 3261, 19.1.1: sip:<user>:<password>@<host>, `at` behind the first colon. */
bool lac_match_verify_sip_login(struct lac_str t, size_t at, unsigned trigger,
                                struct lac_match_span *out)
{
    size_t end = lac_match_run_end(t, at, URL_REACH, is_authority);
    const char *host = end > at ? memchr(t.ptr + at, '@', end - at) : NULL;
    struct lac_str login;

    (void)trigger;
    if (!host)
        return false;
    login = lac_str_slice(t, at, (size_t)(host - t.ptr));
    if (!memchr(login.ptr, ':', login.len) || !is_secret_login(login))
        return false;
    end = behind_hosts(t, (size_t)(host - t.ptr) + 1);
    if (end == 0)
        return false;
    *out = (struct lac_match_span){lac_match_run_start(t, at - 1, SCHEME_MAX, is_scheme), end, end};
    return true;
}

/* RFC 6750: Authorization: Bearer <token>. */
bool lac_match_verify_bearer(struct lac_str t, size_t at, unsigned trigger,
                             struct lac_match_span *out)
{
    size_t end = lac_match_run_end(t, at, HEADER_MAX, is_token68);
    struct lac_str token;

    (void)trigger;
    while (end > at && t.ptr[end - 1] == '.')
        end--;
    token = lac_str_slice(t, at, end);
    if (!lac_match_is_random(token, HEADER_MIN) || lac_match_is_placeholder(token))
        return false;
    *out = (struct lac_match_span){at, end, end};
    return true;
}

/* RFC 7617: Authorization: Basic <base64 of user:password>. */
bool lac_match_verify_basic(struct lac_str t, size_t at, unsigned trigger,
                            struct lac_match_span *out)
{
    size_t end = lac_match_run_end(t, at, HEADER_MAX, is_token68);
    unsigned char pair[HEADER_MAX];
    size_t n = lac_match_base64_decode(lac_str_slice(t, at, end), pair, sizeof(pair));

    (void)trigger;
    for (size_t i = 0; i < n; i++)
        if (pair[i] < ' ' || pair[i] == 0x7F)
            return false;
    if (end - at < 8 || !lac_match_is_login((struct lac_str){(const char *)pair, n}, ':'))
        return false;
    *out = (struct lac_match_span){at, end, end};
    return true;
}

/* host:5432:database:user:password, a line of its own. `at` is behind the port's colon. */
bool lac_match_verify_pgpass(struct lac_str t, size_t at, unsigned trigger,
                             struct lac_match_span *out)
{
    size_t start = at - 1, i = at, end;

    (void)trigger;
    while (start > 0 && (lac_match_is_digit((unsigned char)t.ptr[start - 1])))
        start--;
    start = lac_match_run_start(t, start > 0 ? start - 1 : 0, PGPASS_REACH, is_host);
    if (start > 0 && t.ptr[start - 1] != '\n')
        return false;
    for (int field = 0; field < 2; field++) {
        end = lac_match_run_end(t, i, PGPASS_REACH, is_host);
        if (end == i || lac_match_byte(t, end) != ':')
            return false;
        i = end + 1;
    }
    end = lac_match_run_end(t, i, PGPASS_REACH, lac_match_is_no_blank);
    if (!lac_match_is_password(lac_str_slice(t, i, end), true) || memchr(t.ptr + i, '/', end - i))
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/* BIP 39: 12, 15, 18, 21 or 24 words of 3 to 8 letters behind what such a phrase is called. */
bool lac_match_verify_seed_phrase(struct lac_str t, size_t at, unsigned trigger,
                                  struct lac_match_span *out)
{
    size_t i = at, start, end, words = 0;

    (void)trigger;
    if (t.len - i >= 3 && memcmp(t.ptr + i, " is", 3) == 0)
        i += 3;
    while (i < t.len && i - at < 8 && !lac_match_is_lower((unsigned char)t.ptr[i]) &&
           t.ptr[i] != '.')
        i++;
    start = i;
    end = i;
    while (words <= SEED_WORDS_MAX) {
        size_t stop = lac_match_run_end(t, i, SEED_WORD_MAX + 1, lac_match_is_lower);

        if (stop - i < SEED_WORD_MIN || stop - i > SEED_WORD_MAX)
            break;
        words++;
        end = stop;
        if (lac_match_byte(t, stop) != ' ')
            break;
        i = stop + 1;
    }
    /* More lower-case words behind them are a sentence. */
    if (words < 12 || words > SEED_WORDS_MAX || words % 3 != 0 ||
        lac_match_is_alnum(lac_match_byte(t, end)) ||
        (lac_match_byte(t, end) == ' ' && lac_match_is_lower(lac_match_byte(t, end + 1))))
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}
