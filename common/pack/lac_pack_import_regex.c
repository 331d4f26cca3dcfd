/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_import_regex.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32, GROUP_MAX = 64 };

/* A capture group: [from, to) is what stands between its parentheses, the first of which is at
 * `open`. */
struct span {
    size_t open, from, to;
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

/* Behind the '>' of the group's name that begins at `i`; 0 when it does not end. A '>' that stands
 * behind the group is none of the name's. */
static size_t name_end(struct lac_str s, size_t i)
{
    while (i < s.len && (isalnum((unsigned char)s.ptr[i]) || s.ptr[i] == '_' || s.ptr[i] & 0x80))
        i++;
    return at(s, i, '>') ? i + 1 : 0;
}

/* Whether the group that opens at `i` captures, and where its inside begins: 0 when its name does
 * not end. */
static bool captures(struct lac_str s, size_t i, size_t *inside)
{
    *inside = i + 1;
    if (!at(s, i + 1, '?'))
        return true;
    if (lac_str_has_at(s, i, "(?P<")) {
        *inside = name_end(s, i + 4);
        return true;
    }
    if (lac_str_has_at(s, i, "(?<") && !at(s, i + 3, '=') && !at(s, i + 3, '!')) {
        *inside = name_end(s, i + 3);
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
            if (inside == 0)
                return "a group's name does not end";
            open[depth] = capture ? ++shape->count : 0;
            if (capture)
                shape->groups[shape->count] = (struct span){i, inside, inside, depth, false};
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

static size_t number(struct lac_str s, size_t i, unsigned *out)
{
    for (*out = 0; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9' && *out < 100000; i++)
        *out = *out * 10 + (unsigned)(s.ptr[i] - '0');
    return i;
}

/* {n}, {n,} and {n,m}: the numbers, `most` UINT_MAX where there is none. Behind it; 0 when it is
 * no repeat. */
static size_t braces(struct lac_str s, size_t i, unsigned *least, unsigned *most)
{
    size_t to = number(s, i + 1, least);

    *most = *least;
    if (to == i + 1)
        return 0;
    if (at(s, to, ',')) {
        size_t digits = to + 1;

        to = number(s, digits, most);
        if (to == digits)
            *most = UINT_MAX;
    }
    return at(s, to, '}') ? to + 1 : 0;
}

/* The repeat at `i`, if there is one; returns where to go on. */
static size_t repeat(struct lac_pack_import_regex *r, struct lac_str s, size_t i,
                     struct lac_buf *out)
{
    unsigned least, most;
    size_t end;

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
        end = braces(s, i, &least, &most);
        if (end == 0)
            return i;
        if (most == UINT_MAX || (r->shrink && most - least > r->most)) {
            lac_buf_printf(out, "{%u,%u}", least, least + r->most);
            r->bounded = true;
        } else {
            lac_buf_put(out, s.ptr + i, end - i);
        }
        i = end;
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

/* `first`: `s` begins where the pattern does. */
static void write(struct lac_pack_import_regex *r, struct lac_str s, bool first,
                  struct lac_buf *out)
{
    for (size_t i = 0; i < s.len && !r->bad;) {
        size_t end = element_end(s, i);

        if (s.ptr[i] == '(') {
            i = group_start(r, s, i, first && i == 0, out);
            continue; /* what follows is the group's, and no repeat */
        }
        if (s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] >= '1' && s.ptr[i + 1] <= '9') {
            r->bad = "it refers back to a group";
            return;
        }
        if (end == s.len && r->bounded && lac_str_has_at(s, i, "\\b"))
            return; /* what is longer than the bound has to be found, too */
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
            r->dotall = r->dotall || s.ptr[k] == 's';
            if (s.ptr[k] == 'x')
                r->bad = "it is written with blanks and comments (?x)";
        }
        i = to + 1;
    }
    if (r->nocase)
        lac_buf_put_text(out, "(?i)");
    if (r->dotall && memchr(s.ptr, '.', s.len))
        lac_buf_put_text(out, "(?s)");
    return i;
}

/* The group whose text is the value; NULL: the whole match is. */
static const struct span *value_of(const struct lac_pack_import_regex *r, const struct shape *shape)
{
    const struct span *g = &shape->groups[r->group > 0 ? r->group : 1];

    if (shape->count == 0 || g->depth > 0 || g->repeated || shape->alternation)
        return NULL; /* it can't stand alone */
    for (unsigned i = 2; r->group == 0 && i <= shape->count; i++)
        if (shape->groups[i].from > g->to)
            return NULL;
    return g;
}

/* Behind what the pattern may begin with but need not, "[\w.-]{0,50}?": it finds the same without,
 * at a fraction of the cost. */
static size_t optional_start(struct lac_str s)
{
    size_t end = s.len > 0 && (s.ptr[0] == '[' || s.ptr[0] == '\\') ? element_end(s, 0) : 0;
    unsigned least = 1, most;

    if (end > 1 && at(s, end, '{'))
        end = braces(s, end, &least, &most);
    else if (end > 1 && (at(s, end, '*') || at(s, end, '?'))) {
        least = 0;
        end++;
    }
    if (end == 0 || least > 0)
        return 0;
    return at(s, end, '?') || at(s, end, '+') ? end + 1 : end;
}

/* Whether the class can only be of letters, digits and '_'. */
static bool only_words(struct lac_str class)
{
    for (size_t i = 1; i + 1 < class.len; i++) {
        char c = class.ptr[i];

        if (c == '\\' && (at(class, i + 1, 'w') || at(class, i + 1, 'd')))
            i++;
        else if (c == '-' && i > 1 && i + 2 < class.len)
            continue;
        else if (!(c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
            return false;
    }
    return true;
}

/* Whether what it matches ends inside a word: only then says \b that the word ends there. */
static bool ends_in_word(struct lac_str body)
{
    size_t last = 0, end = 0;
    unsigned least = 1, most;

    for (size_t i = 0; i < body.len; i = end) {
        last = i;
        end = element_end(body, i);
        if (at(body, end, '{') && braces(body, end, &least, &most))
            end = braces(body, end, &least, &most);
        else if (at(body, end, '+'))
            end++;
        else
            least = 1;
    }
    if (last >= body.len || least == 0)
        return false;
    if (body.ptr[last] == '[')
        return only_words(
            lac_str_slice(body, last, last + element_end(lac_str_slice(body, last, body.len), 0)));
    return lac_str_has_at(body, last, "\\w") || lac_str_has_at(body, last, "\\d");
}

/* Whether what stands behind a value only says that it ends there. */
static bool delimits(struct lac_str after)
{
    static const char *const ends[] = {"|$)", "|\\z)", "|\\Z)"};

    for (size_t i = 0; i < LAC_COUNT(ends); i++) {
        size_t n = strlen(ends[i]);

        if (after.len > n && lac_str_has_at(after, after.len - n, ends[i]))
            return true;
    }
    return lac_str_has_at(after, 0, "(?=") || lac_str_has_at(after, 0, "(?!");
}

/* The pattern with `value` in it: whole, or without what stands around it. */
static void write_value(struct lac_pack_import_regex *r, struct lac_str s, const struct span *value,
                        struct lac_buf *out)
{
    struct lac_str before = {s.ptr, (size_t)(r->in.ptr + value->open - s.ptr)};
    struct lac_str body = lac_str_slice(r->in, value->from, value->to);
    struct lac_str after = lac_str_slice(r->in, value->to + 1, r->in.len);
    bool bare = before.len == 0, word = lac_str_is(before, "\\b");
    bool alternates = memchr(body.ptr, '|', body.len) != NULL;

    r->split = !r->whole && !bare && !word;
    if (r->whole && !bare && !word)
        write(r, before, true, out);
    else
        lac_buf_put_text(out, bare ? "" : "\\b");
    lac_buf_put_text(out, alternates ? "(?:" : "");
    write(r, body, bare, out);
    lac_buf_put_text(out, alternates ? ")" : "");
    r->looked = delimits(after) && (r->bounded || ends_in_word(body));
    if (!r->looked)
        write(r, after, false, out);
    else if (!r->bounded) /* what is longer than the bound has to be found, too */
        lac_buf_put_text(out, "\\b");
}

void lac_pack_import_rewrite(struct lac_pack_import_regex *r, struct lac_buf *out)
{
    struct lac_str s = r->in;
    const struct span *value;
    struct shape shape;

    r->split = r->bounded = r->looked = false;
    r->bad = look_at(s, &shape);
    if (r->bad)
        return;
    if (r->group > shape.count) {
        r->bad = "there is no such group in it";
        return;
    }
    s = lac_str_slice(s, flags(r, out), s.len);
    value = value_of(r, &shape);
    if (value)
        write_value(r, lac_str_slice(s, optional_start(s), s.len), value, out);
    else
        write(r, s, true, out);
}
