/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in the formats that their issuers publish: AWS, GitHub, Slack. */
#include "lac_match_detect.h"

#include <stdint.h>
#include <string.h>

#include "lac_match_secret.h"
#include "lac_match_validate.h"

enum {
    AWS_ID_SIZE = 20,
    AWS_SECRET_SIZE = 40,
    AWS_SECRET_REACH = 32, /* bytes between the name and its value */
    GITHUB_CHECKSUM_SIZE = 6,
    GITHUB_BODY_MIN = 36, /* 30 random characters and the checksum */
    GITHUB_BODY_MAX = 251,
    GITHUB_FINE_SIZE = 82, /* behind "github_pat_": 22, '_', 59 */
    SLACK_MAX = 255,
};

static bool is_base32(unsigned c)
{
    return lac_match_is_upper(c) || (c >= '2' && c <= '7');
}

static bool is_base64(unsigned c)
{
    return lac_match_is_alnum(c) || c == '+' || c == '/';
}

static bool is_token(unsigned c)
{
    return lac_match_is_alnum(c) || c == '_';
}

static bool is_slack(unsigned c)
{
    return lac_match_is_alnum(c) || c == '-' || c == '.';
}

bool lac_match_verify_aws_id(struct lac_str t, size_t at, unsigned trigger,
                             struct lac_match_span *out)
{
    size_t start = at - 5;
    size_t end = lac_match_run_end(t, at - 1, AWS_ID_SIZE, is_base32);

    (void)trigger;
    if (end - start != AWS_ID_SIZE || is_token(lac_match_byte(t, end)) ||
        lac_match_distinct((struct lac_str){t.ptr + start + 4, AWS_ID_SIZE - 4}) < 6)
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

bool lac_match_verify_aws_secret(struct lac_str t, size_t at, unsigned trigger,
                                 struct lac_match_span *out)
{
    size_t limit = at + AWS_SECRET_REACH < t.len ? at + AWS_SECRET_REACH : t.len;

    (void)trigger;
    while (at < limit) {
        size_t end = lac_match_run_end(t, at, AWS_SECRET_SIZE + 1, is_base64);
        struct lac_str secret = {t.ptr + at, end - at};

        if (secret.len == AWS_SECRET_SIZE && lac_match_validate_mixed_case(secret) &&
            lac_match_distinct(secret) >= 12) {
            *out = (struct lac_match_span){at, end, end};
            return true;
        }
        at = end > at ? end : at + 1;
    }
    return false;
}

uint32_t lac_match_crc32(struct lac_str text)
{
    uint32_t crc = 0xFFFFFFFFu;

    for (size_t i = 0; i < text.len; i++) {
        crc ^= (unsigned char)text.ptr[i];
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* github.blog, "Behind GitHub's new authentication token formats": the last six characters are the
 * CRC-32 of those before them, in base 62, padded with zeros. */
bool lac_match_github_checksum(struct lac_str body)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint32_t crc;

    if (body.len < GITHUB_BODY_MIN)
        return false;
    crc = lac_match_crc32(lac_str_slice(body, 0, body.len - GITHUB_CHECKSUM_SIZE));
    for (size_t i = 0; i < GITHUB_CHECKSUM_SIZE; i++, crc /= 62)
        if (body.ptr[body.len - 1 - i] != alphabet[crc % 62])
            return false;
    return true;
}

bool lac_match_verify_github(struct lac_str t, size_t at, unsigned trigger,
                             struct lac_match_span *out)
{
    size_t body = at - 1;
    size_t prefix = trigger == 0 ? 4 : 11; /* "ghp_", "github_pat_" */
    size_t end = lac_match_run_end(t, body, GITHUB_BODY_MAX + 1,
                                   trigger == 0 ? lac_match_is_alnum : is_token);
    struct lac_str b = {t.ptr + body, end - body};

    out->resume = end;
    if (is_token(lac_match_byte(t, end)))
        return false;
    /* Fine-grained tokens have no published checksum: shape and variety must do. */
    if (trigger == 0 ? !lac_match_github_checksum(b)
                     : b.len != GITHUB_FINE_SIZE || b.ptr[22] != '_' || lac_match_distinct(b) < 16)
        return false;
    *out = (struct lac_match_span){body - prefix, end, end};
    return true;
}

/* xoxb-<10 digits>-<10 digits>-<24 characters> and its relatives: somewhere a long number or a
 * version digit, at the end something random. */
static bool slack_token_shape(struct lac_str s)
{
    size_t last = s.len;
    size_t digits = 0;
    size_t longest = 0;
    size_t groups = 0; /* of nine digits or more */

    for (size_t i = 0; i < s.len; i++) {
        groups += digits >= 9 && s.ptr[i] == '-';
        digits = lac_match_is_digit((unsigned char)s.ptr[i]) ? digits + 1 : 0;
        longest = digits > longest ? digits : longest;
    }
    while (last > 0 && s.ptr[last - 1] != '-')
        last--;
    s = (struct lac_str){s.ptr + last, s.len - last};
    if (groups >= 3) /* xoxs-<10 digits>-<10 digits>-<10 digits>-<10 hexadecimal digits> */
        return s.len >= 10 && lac_match_distinct(s) >= 6;
    return s.len >= 16 && lac_match_distinct(s) >= 8 && (longest >= 9 || s.len >= 32);
}

bool lac_match_verify_slack(struct lac_str t, size_t at, unsigned trigger,
                            struct lac_match_span *out)
{
    size_t start = at - 6; /* "xoxb-" and one more */
    size_t end = lac_match_run_end(t, at - 1, SLACK_MAX + 1, is_slack);

    (void)trigger;
    out->resume = end;
    while (end > at && (t.ptr[end - 1] == '.' || t.ptr[end - 1] == '-'))
        end--;
    if (end - start > SLACK_MAX ||
        !slack_token_shape((struct lac_str){t.ptr + start + 5, end - start - 5}))
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}
