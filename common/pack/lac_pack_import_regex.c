/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_import_regex.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32, GROUP_MAX = 64 };

/* A capture group: [from, to) is what stands between its parentheses. */
struct span {
    size_t from, to;
    unsigned depth; /* groups around it */
    bool repeated;  /* a repeat follows it */
};

struct shape {
    struct span groups[GROUP_MAX];
    unsigned count;   /* numbered from 1, as everywhere */
    bool alternation; /* a '|' outside of all groups */
};

static bool at(struct lac_str s, size_t i, char c)
{
    return i < s.len && s.ptr[i] == c;
}

/* Behind the element at `i` if that is an escape or a class, else i + 1. */
static size_t element_end(struct lac_str s, size_t i)
{
    size_t from = i;

    if (s.ptr[i] == '\\')
        return i + 2 < s.len ? i + 2 : s.len;
    if (s.ptr[i] != '[')
        return i + 1;
    i++;
    if (at(s, i, '^'))
        i++;
    if (at(s, i, ']'))
        i++;
    for (; i < s.len && s.ptr[i] != ']'; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '[' && at(s, i + 1, ':')) {
            const char *end = memmem(s.ptr + i + 2, s.len - i - 2, ":]", 2);

            if (end)
                i = (size_t)(end - s.ptr) + 1;
        }
    }
    return i < s.len ? i + 1 : from + 1;
}

/* Whether the group that opens at `i` captures, and where its inside begins. */
static bool captures(struct lac_str s, size_t i, size_t *inside)
{
    *inside = i + 1;
    if (!at(s, i + 1, '?'))
        return true;
    if (lac_str_has_at(s, i, "(?P<") ||
        (lac_str_has_at(s, i, "(?<") && !at(s, i + 3, '=') && !at(s, i + 3, '!'))) {
        const char *end = memchr(s.ptr + i, '>', s.len - i);

        *inside = end ? (size_t)(end - s.ptr) + 1 : s.len;
        return true;
    }
    return false;
}

static const char *look_at(struct lac_str s, struct shape *shape)
{
    unsigned open[DEPTH_MAX]; /* number of the group, 0 when it does not capture */
    unsigned depth = 0;

    *shape = (struct shape){.count = 0};
    for (size_t i = 0; i < s.len; i = element_end(s, i)) {
        char c = s.ptr[i];

        if (c == '(') {
            size_t inside;
            bool capture = captures(s, i, &inside);

            if (depth == DEPTH_MAX || shape->count + 1 >= GROUP_MAX)
                return "too many groups";
            open[depth] = capture ? ++shape->count : 0;
            if (capture)
                shape->groups[shape->count] = (struct span){inside, inside, depth, false};
            depth++;
        } else if (c == ')') {
            if (depth == 0)
                return "a parenthesis too many";
            if (open[--depth]) {
                struct span *g = &shape->groups[open[depth]];

                g->to = i;
                g->repeated = i + 1 < s.len && strchr("*+?{", s.ptr[i + 1]) != NULL;
            }
        } else if (c == '|' && depth == 0) {
            shape->alternation = true;
        }
    }
    return depth ? "a parenthesis is not closed" : NULL;
}

/* ---- writing ---- */

/* {n,} and {n,m}: the numbers; 0 when it is no repeat. */
static size_t braces(struct lac_str s, size_t i, unsigned *least, bool *open_end)
{
    size_t from = i++;
    unsigned n = 0;
    bool digits = false;

    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9' && n < 100000; i++, digits = true)
        n = n * 10 + (unsigned)(s.ptr[i] - '0');
    *least = n;
    *open_end = at(s, i, ',') && at(s, i + 1, '}');
    if (!digits)
        return 0;
    if (at(s, i, ','))
        for (i++; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';)
            i++;
    return at(s, i, '}') ? i + 1 - from : 0;
}

/* The repeat at `i`, if there is one; returns where to go on. */
static size_t repeat(struct lac_pack_import_regex *r, struct lac_str s, size_t i,
                     struct lac_buf *out)
{
    unsigned least;
    bool open_end;
    size_t n;

    if (i >= s.len)
        return i;
    switch (s.ptr[i]) {
    case '*':
    case '+':
        lac_buf_printf(out, "{%d,%u}", s.ptr[i] == '+', r->most);
        r->bounded = true;
        i++;
        break;
    case '?':
        lac_buf_put_char(out, '?');
        i++;
        break;
    case '{':
        n = braces(s, i, &least, &open_end);
        if (n == 0)
            return i;
        if (open_end) {
            lac_buf_printf(out, "{%u,%u}", least, least + r->most);
            r->bounded = true;
        } else {
            lac_buf_put(out, s.ptr + i, n);
        }
        i += n;
        break;
    default:
        return i;
    }
    /* Lazy and possessive: which of the matches is another matter. */
    if (at(s, i, '?') || at(s, i, '+'))
        i++;
    return i;
}

/* A look at the neighbourhood; behind it, or 0 when the group is none. */
static size_t assertion(struct lac_pack_import_regex *r, struct lac_str s, size_t i, bool first,
                        struct lac_buf *out)
{
    unsigned depth = 0;
    bool behind = lac_str_has_at(s, i, "(?<!") || lac_str_has_at(s, i, "(?<=");
    bool ahead = lac_str_has_at(s, i, "(?!") || lac_str_has_at(s, i, "(?=");
    size_t to = i;

    if (!behind && !ahead)
        return 0;
    for (; to < s.len; to = element_end(s, to)) {
        depth += s.ptr[to] == '(';
        if (s.ptr[to] == ')' && --depth == 0)
            break;
    }
    if (to >= s.len || !(behind ? first : to + 1 == s.len)) {
        r->bad = "it looks around in the middle of the pattern";
        return s.len;
    }
    lac_buf_put_text(out, "\\b");
    r->looked = true;
    return to + 1;
}

static size_t group_start(struct lac_pack_import_regex *r, struct lac_str s, size_t i, bool first,
                          struct lac_buf *out)
{
    size_t inside = assertion(r, s, i, first, out);

    if (inside)
        return inside;
    if (captures(s, i, &inside)) {
        lac_buf_put_text(out, "(?:");
        return inside;
    }
    if (lac_str_has_at(s, i, "(?>"))
        r->bad = "it has an atomic group";
    if (lac_str_has_at(s, i, "(?("))
        r->bad = "it has a conditional group";
    lac_buf_put_char(out, '(');
    return i + 1;
}

static void write(struct lac_pack_import_regex *r, struct lac_str s, struct lac_buf *out)
{
    for (size_t i = 0; i < s.len && !r->bad;) {
        size_t end = element_end(s, i);

        if (s.ptr[i] == '(') {
            i = group_start(r, s, i, i == 0 || out->len == 0, out);
            continue; /* what follows is the group's, and no repeat */
        }
        if (s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] >= '1' && s.ptr[i + 1] <= '9') {
            r->bad = "it refers back to a group";
            return;
        }
        lac_buf_put(out, s.ptr + i, end - i);
        i = s.ptr[i] == '|' ? end : repeat(r, s, end, out);
    }
}

/* Flags in front, (?i) and the like; behind them. */
static size_t flags(struct lac_pack_import_regex *r, struct lac_buf *out)
{
    struct lac_str s = r->in;
    size_t i = 0;

    while (lac_str_has_at(s, i, "(?")) {
        size_t to = i + 2;

        while (to < s.len && strchr("imsxU-", s.ptr[to]))
            to++;
        if (to == i + 2 || !at(s, to, ')'))
            break;
        for (size_t k = i + 2; k < to; k++) {
            r->nocase = r->nocase || s.ptr[k] == 'i';
            if (s.ptr[k] == 'x')
                r->bad = "it is written with blanks and comments (?x)";
        }
        i = to + 1;
    }
    if (r->nocase)
        lac_buf_put_text(out, "(?i)");
    return i;
}

void lac_pack_import_rewrite(struct lac_pack_import_regex *r, struct lac_buf *out)
{
    struct lac_str s = r->in;
    const struct span *g = NULL;
    struct shape shape;
    size_t start;

    r->split = r->bounded = r->looked = false;
    r->bad = look_at(s, &shape);
    if (r->bad)
        return;
    start = flags(r, out);
    if (r->group > shape.count) {
        r->bad = "there is no such group in it";
        return;
    }
    if (r->group > 0 || shape.count == 1)
        g = &shape.groups[r->group > 0 ? r->group : 1];
    if (g && (g->depth > 0 || g->repeated || shape.alternation))
        g = NULL; /* the group can't stand alone: the whole is the match */
    s = lac_str_slice(s, start, s.len);
    if (g) {
        struct lac_str before = lac_str_slice(r->in, start, g->from);
        struct lac_str after = lac_str_slice(r->in, g->to, r->in.len);
        struct lac_str body = lac_str_slice(r->in, g->from, g->to);
        bool alternates = memchr(body.ptr, '|', body.len) != NULL;
        bool bare_start = lac_str_is(before, "("), word_start = lac_str_is(before, "\\b(");
        bool bare_end = lac_str_is(after, ")"), word_end = lac_str_is(after, ")\\b");

        if (r->whole && !((bare_start || word_start) && (bare_end || word_end))) {
            write(r, s, out);
            return;
        }
        r->split = !bare_start && !word_start;
        r->looked = !bare_end && !word_end;
        lac_buf_put_text(out, bare_start ? "" : "\\b");
        lac_buf_put_text(out, alternates ? "(?:" : "");
        write(r, body, out);
        lac_buf_put_text(out, alternates ? ")" : "");
        if (!bare_end && body.len > 0 && body.ptr[body.len - 1] != '=')
            lac_buf_put_text(out, "\\b");
        return;
    }
    write(r, s, out);
}
