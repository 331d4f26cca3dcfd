/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_member.h"
#include "lac_json.h"
#include "lac_utf8.h"

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* A string without escapes at `p`; returns what follows it, or NULL. */
static const char *plain_string(const char *p, const char *end, struct lac_str *out)
{
    if (p == end || *p != '"')
        return NULL;
    const char *from = ++p;
    p += lac_json_plain_prefix((struct lac_str){p, (size_t)(end - p)});
    bool ascii = p < end && *p == '"';
    for (; p < end && *p != '"'; p++)
        if ((unsigned char)*p < 0x20 || *p == '\\')
            return NULL;
    if (p == end)
        return NULL;
    *out = (struct lac_str){from, (size_t)(p - from)};
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
