/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <string.h>

#include "lac_bridge_member.h"
#include "lac_utf8.h"

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* The high bits of those of eight bytes that end a plain string: a quote, a backslash, a control.
 * A borrow can only add marks above a true one, so the lowest is exact. */
static uint64_t ends_among(uint64_t x)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote = x ^ ones * '"', slash = x ^ ones * '\\';
    return (((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
           ones * 0x80;
}

/* A string without escapes at `p`; returns what follows it, or NULL. */
static const char *plain_string(const char *p, const char *end, struct lac_str *out)
{
    uint64_t high = 0; /* whether a byte is not ASCII */
    if (p == end || *p != '"')
        return NULL;
    const char *from = ++p;
    while (end - p >= 8) {
        uint64_t x, ends;
        memcpy(&x, p, sizeof x);
        x = le64toh(x);
        ends = ends_among(x);
        high |= x & (ends ? (ends & -ends) - 1 : UINT64_MAX);
        if (ends) {
            p += __builtin_ctzll(ends) / 8;
            break;
        }
        p += 8;
    }
    for (; p < end && *p != '"'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == '\\')
            return NULL;
        high |= c;
    }
    if (p == end)
        return NULL;
    *out = (struct lac_str){from, (size_t)(p - from)};
    bool ascii = !(high & UINT64_C(0x8080808080808080));
    return ascii || lac_utf8_valid(*out) ? p + 1 : NULL;
}

static struct lac_str *text_field(struct lac_request *q, enum lac_bridge_member which)
{
    switch (which) {
    case LAC_MEMBER_TEXT:
    case LAC_MEMBER_QUERY:
        return &q->text;
    case LAC_MEMBER_PROJECT:
        return &q->project;
    case LAC_MEMBER_ENVIRONMENT:
        return &q->environment;
    case LAC_MEMBER_PURPOSE:
        return &q->purpose;
    case LAC_MEMBER_SESSION:
        return &q->session;
    case LAC_MEMBER_SUBJECT:
        return &q->subject;
    default:
        return NULL;
    }
}

static bool set_plain(struct lac_request *q, enum lac_bridge_member which, struct lac_str value)
{
    struct lac_str *field = text_field(q, which);
    if (field != &q->text && value.len > LAC_BRIDGE_NAME_MAX)
        return false;
    if (field)
        *field = value;
    else if (which == LAC_MEMBER_USER_ID || which == LAC_MEMBER_USER_ROLE ||
             which == LAC_MEMBER_USER_DEPARTMENT)
        lac_bridge_member_set_user(q, which, value);
    else
        return false;
    return true;
}

bool lac_bridge_member_plain(struct lac_request *q, struct lac_str text)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    uint32_t seen = 0;
    p = skip_blanks(p, end);
    if (p == end || *p++ != '{')
        return false;
    for (;;) {
        struct lac_str key, value;
        p = plain_string(skip_blanks(p, end), end, &key);
        if (!p)
            return false;
        enum lac_bridge_member which = lac_bridge_member_find(key);
        p = skip_blanks(p, end);
        if (which == LAC_MEMBER_COUNT || seen & 1u << which || p == end || *p++ != ':')
            return false;
        seen |= 1u << which;
        p = plain_string(skip_blanks(p, end), end, &value);
        if (!p || !set_plain(q, which, value))
            return false;
        p = skip_blanks(p, end);
        if (p == end)
            return false;
        if (*p == '}')
            break;
        if (*p++ != ',')
            return false;
    }
    uint32_t both = 1u << LAC_MEMBER_TEXT | 1u << LAC_MEMBER_QUERY;
    return skip_blanks(p + 1, end) == end && (seen & both) && (seen & both) != both;
}
