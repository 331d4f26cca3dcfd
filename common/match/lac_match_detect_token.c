/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens whose start or inside a pattern can't describe. */
#include "lac_match_detect.h"

#include <stdint.h>
#include <string.h>

enum {
    TELEGRAM_ID_MIN = 8, /* digits of a bot's id */
    TELEGRAM_ID_MAX = 10,
    TELEGRAM_SECRET_SIZE = 35,
    OPENAI_MARK_SIZE = 8, /* "T3BlbkFJ" */
    OPENAI_PART_MIN = 20, /* random characters to either side of the mark */
    OPENAI_PART_MAX = 120,
};

static bool is_base64url(unsigned c)
{
    return lac_match_is_alnum(c) || c == '-' || c == '_';
}

static size_t distinct(struct lac_str s)
{
    bool seen[256] = {false};
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += !seen[(unsigned char)s.ptr[i]];
        seen[(unsigned char)s.ptr[i]] = true;
    }
    return n;
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
        distinct((struct lac_str){t.ptr + secret, TELEGRAM_SECRET_SIZE}) < 12)
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
    if (is_admin != admin || distinct((struct lac_str){t.ptr + start, mark - start}) < 12 ||
        distinct((struct lac_str){t.ptr + at, end - at}) < 10)
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
