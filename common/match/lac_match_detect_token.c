/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens whose start or inside a pattern can't describe. */
#include "lac_match_detect.h"

#include <stdint.h>
#include <string.h>

#include "lac_match_secret.h"

enum {
    TELEGRAM_ID_MIN = 8, /* digits of a bot's id */
    TELEGRAM_ID_MAX = 10,
    TELEGRAM_SECRET_SIZE = 35,
    OPENAI_MARK_SIZE = 8, /* "T3BlbkFJ" */
    OPENAI_PART_MIN = 20, /* random characters to either side of the mark */
    OPENAI_PART_MAX = 120,
    JWT_PART_MAX = 8192, /* base64url characters of one part */
    JWT_PARTS_MAX = 5,   /* signed: 3; encrypted: 5 */
    JWK_REACH = 4096,    /* bytes of a key around its "kty" */
    JWK_PART_MIN = 16,
    LONG_HEAD_MAX = 96, /* bytes of a long token before its trigger's end */
    LONG_MAX = 16384,
    LONG_MIN = 64, /* behind the trigger's end */
};

static bool is_base64url(unsigned c)
{
    return lac_match_is_alnum(c) || c == '-' || c == '_';
}

/* <bot id>:AA<33 characters>, in addresses right behind "/bot". */
bool lac_match_verify_telegram(struct lac_str t, size_t at, unsigned trigger,
                               struct lac_match_span *out)
{
    size_t secret = at - 3; /* behind the colon; the trigger ends behind "AA" and one more */
    size_t end = lac_match_run_end(t, secret, TELEGRAM_SECRET_SIZE + 1, is_base64url);
    size_t start = lac_match_run_start(t, secret - 1, TELEGRAM_ID_MAX + 1, lac_match_is_digit);
    size_t digits = secret - 1 - start;

    (void)trigger;
    if (end - secret != TELEGRAM_SECRET_SIZE || digits < TELEGRAM_ID_MIN ||
        digits > TELEGRAM_ID_MAX ||
        lac_match_distinct((struct lac_str){t.ptr + secret, TELEGRAM_SECRET_SIZE}) < 12)
        return false;
    if (is_base64url(lac_match_before(t, start)) &&
        !(start >= 4 && memcmp(t.ptr + start - 4, "/bot", 4) == 0))
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/*
 * sk-[<kind>-]<random>T3BlbkFJ<random>: base64 of "OpenAI" stands in the middle of every kind. The
 * parts have 20 characters in the oldest keys, 58 or 74 in newer ones.
 */
static bool openai_key(struct lac_str t, size_t at, bool admin, struct lac_match_span *out)
{
    static const char admin_kind[] = "admin-";
    size_t mark = at - OPENAI_MARK_SIZE;
    size_t end = lac_match_run_end(t, at, OPENAI_PART_MAX + 1, is_base64url);
    size_t start = lac_match_run_start(t, mark, OPENAI_PART_MAX + 1, is_base64url);
    bool is_admin;

    out->resume = end;
    while (start + 3 < mark &&
           (memcmp(t.ptr + start, "sk-", 3) != 0 || lac_match_is_alnum(lac_match_before(t, start))))
        start++;
    if (mark < start + 3 + OPENAI_PART_MIN || end - at < OPENAI_PART_MIN ||
        end - at > OPENAI_PART_MAX || memcmp(t.ptr + start, "sk-", 3) != 0)
        return false;
    is_admin = memcmp(t.ptr + start + 3, admin_kind, sizeof(admin_kind) - 1) == 0;
    if (is_admin != admin ||
        lac_match_distinct((struct lac_str){t.ptr + start, mark - start}) < 12 ||
        lac_match_distinct((struct lac_str){t.ptr + at, end - at}) < 10)
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

bool lac_match_verify_openai(struct lac_str t, size_t at, unsigned trigger,
                             struct lac_match_span *out)
{
    (void)trigger;
    return openai_key(t, at, false, out);
}

bool lac_match_verify_openai_admin(struct lac_str t, size_t at, unsigned trigger,
                                   struct lac_match_span *out)
{
    (void)trigger;
    return openai_key(t, at, true, out);
}

/* Decodes a part of a token; whether it is a JSON object that has `member`, NULL for any. */
static bool is_json_part(struct lac_str part, const char *member)
{
    unsigned char json[JWT_PART_MAX];
    size_t n = lac_match_base64_decode(part, json, sizeof(json));

    if (n == 0 || !lac_match_is_json_object((struct lac_str){(const char *)json, n}))
        return false;
    return !member || memmem(json, n, member, strlen(member));
}

/*
 * RFC 7519 in its compact forms: <header>.<payload>.<signature>, where both decode to JSON, or
 * RFC 7516's <header>.<key>.<iv>.<text>.<tag>. An unsigned token has an empty signature.
 */
bool lac_match_verify_jwt(struct lac_str t, size_t at, unsigned trigger, struct lac_match_span *out)
{
    struct lac_str part[JWT_PARTS_MAX];
    size_t start = at - 4; /* "eyJ" and one more */
    size_t count = 0, i = start;

    (void)trigger;
    for (;;) {
        size_t end = lac_match_run_end(t, i, JWT_PART_MAX + 1, is_base64url);

        if (count == 0)
            out->resume = end; /* what else the first part may hold begins no token */
        if (end - i > JWT_PART_MAX)
            return false;
        part[count++] = lac_str_slice(t, i, end);
        i = end;
        if (count == JWT_PARTS_MAX || lac_match_byte(t, i) != '.' ||
            (count != 2 && !is_base64url(lac_match_byte(t, i + 1))))
            break;
        i++;
    }
    if (count < 3 || !is_json_part(part[0], "\"alg\""))
        return false;
    if (count == JWT_PARTS_MAX && part[4].len >= JWK_PART_MIN && is_json_part(part[0], "\"enc\"")) {
        *out = (struct lac_match_span){start, i, i};
        return true;
    }
    if (!is_json_part(part[1], NULL) || (part[2].len > 0 && part[2].len < JWK_PART_MIN))
        return false;
    i = (size_t)(part[2].ptr - t.ptr) + part[2].len;
    *out = (struct lac_match_span){start, i, i};
    return true;
}

/* Behind `"<name>"`, blanks, ':', blanks and the opening quote; 0 when `name` has no text value. */
static size_t text_member(struct lac_str object, const char *name)
{
    size_t size = strlen(name);
    size_t i = 0;

    while (i < object.len) {
        const char *found = memmem(object.ptr + i, object.len - i, name, size);

        if (!found)
            return 0;
        i = (size_t)(found - object.ptr) + size;
        if (lac_match_before(object, i - size) != '"' || lac_match_byte(object, i) != '"')
            continue;
        i++;
        while (lac_match_is_in(lac_match_byte(object, i), " \t\r\n:"))
            i++;
        if (lac_match_byte(object, i) == '"')
            return i + 1;
    }
    return 0;
}

/* RFC 7517 and 7518: the object around "kty" is a private key when it has a "d", a symmetric one
 * when it has a "k". */
bool lac_match_verify_jwk(struct lac_str t, size_t at, unsigned trigger, struct lac_match_span *out)
{
    static const char *const members[] = {"d", "k"};
    size_t start = at, end = at;

    (void)trigger;
    while (start > 0 && at - start < JWK_REACH && t.ptr[start - 1] != '{' &&
           t.ptr[start - 1] != '}')
        start--;
    while (end < t.len && end - at < JWK_REACH && t.ptr[end] != '}' && t.ptr[end] != '{')
        end++;
    out->resume = end;
    if (lac_match_before(t, start) != '{')
        return false;
    for (size_t k = 0; k < LAC_COUNT(members); k++) {
        struct lac_str object = lac_str_slice(t, start, end);
        size_t value = text_member(object, members[k]);
        size_t stop = lac_match_run_end(object, value, JWK_REACH, is_base64url);
        struct lac_str secret = lac_str_slice(object, value, stop);

        if (value == 0 || secret.len < JWK_PART_MIN || lac_match_distinct(secret) < 10 ||
            lac_match_byte(object, stop) != '"')
            continue;
        end += lac_match_byte(t, end) == '}';
        *out = (struct lac_match_span){start - 1, end, end};
        return true;
    }
    return false;
}

static bool is_long(unsigned c)
{
    return is_base64url(c) || c == '+' || c == '/' || c == '%';
}

/* Keys and tokens that are longer than a pattern can be: the trigger knows how they begin, and they
 * end where their alphabet does. */
bool lac_match_verify_long_token(struct lac_str t, size_t at, unsigned trigger,
                                 struct lac_match_span *out)
{
    size_t start = lac_match_run_start(t, at, LONG_HEAD_MAX, is_long);
    size_t end = lac_match_run_end(t, at, LONG_MAX, is_long);

    (void)trigger;
    out->resume = end;
    if (end - at < LONG_MIN || lac_match_distinct(lac_str_slice(t, at, end)) < 16)
        return false;
    while (end < t.len && t.ptr[end] == '=' && end - at < LONG_MAX)
        end++;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/* Dropbox's "sl." and "sl.u." stand before the run. */
bool lac_match_verify_dropbox(struct lac_str t, size_t at, unsigned trigger,
                              struct lac_match_span *out)
{
    static const char *const heads[] = {"sl.u.", "sl."};

    if (!lac_match_verify_long_token(t, at, trigger, out))
        return false;
    for (size_t i = 0; i < LAC_COUNT(heads); i++) {
        size_t size = strlen(heads[i]);

        if (out->start >= size && memcmp(t.ptr + out->start - size, heads[i], size) == 0) {
            out->start -= size;
            break;
        }
    }
    return true;
}
