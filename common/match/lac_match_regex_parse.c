/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern's text becomes a tree. Groups are kept on an explicit stack, so a text can't make the
 * parser go deeper than its limit.
 */
#include "lac_match_regex_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lac_assert.h"

/* An open group. */
struct frame {
    int32_t alt;
    int32_t cat;
    size_t at; /* of its '(' */
    bool nocase, dotall;
};

struct parser {
    struct lac_match_regex_work *w;
    struct frame stack[LAC_MATCH_REGEX_DEPTH + 1];
    size_t depth;
    bool can_repeat; /* the last thing read is what a repeat may follow */
};

enum lac_status lac_match_regex_refuse(struct lac_err *err, size_t at, const char *fmt, ...)
{
    char text[LAC_ERR_TEXT_SIZE - 32];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return lac_err_set(err, LAC_REJECT, 0, "at byte %zu: %s", at, text);
}

int32_t lac_match_regex_node_new(struct lac_match_regex_work *w, enum regex_node_kind kind)
{
    struct lac_match_regex_node *n;

    if (w->node_count == REGEX_NODES) {
        w->unsupported = "it is too large";
        return REGEX_NONE;
    }
    n = &w->nodes[w->node_count];
    *n = (struct lac_match_regex_node){
        .kind = (uint8_t)kind, .child = REGEX_NONE, .last = REGEX_NONE, .next = REGEX_NONE};
    return w->node_count++;
}

void lac_match_regex_node_append(struct lac_match_regex_work *w, int32_t parent, int32_t child)
{
    struct lac_match_regex_node *p = &w->nodes[parent];

    w->nodes[child].next = REGEX_NONE;
    if (p->last < 0)
        p->child = child;
    else
        w->nodes[p->last].next = child;
    p->last = child;
}

/* Another alternative of the group on top. */
static void alternative(struct parser *p)
{
    struct frame *f = &p->stack[p->depth];
    int32_t cat = lac_match_regex_node_new(p->w, REGEX_CAT);

    if (cat < 0)
        return;
    lac_match_regex_node_append(p->w, f->alt, cat);
    f->cat = cat;
    p->can_repeat = false;
}

static void open_group(struct parser *p, struct frame f)
{
    f.alt = lac_match_regex_node_new(p->w, REGEX_ALT);
    p->stack[p->depth] = f;
    if (f.alt >= 0)
        alternative(p);
}

static void add_atom(struct parser *p, int32_t node)
{
    if (node < 0)
        return;
    lac_match_regex_node_append(p->w, p->stack[p->depth].cat, node);
    p->can_repeat = p->w->nodes[node].kind != REGEX_ASSERT;
}

/* "(?i)", "(?s-i:" ...: w->at is behind the '?'. */
static enum lac_status parse_flags(struct parser *p, struct frame *f, bool *is_group,
                                   struct lac_err *err)
{
    struct lac_match_regex_work *w = p->w;
    size_t at = w->at - 2;
    bool on = true;

    for (; w->at < w->pattern.len; w->at++) {
        switch (w->pattern.ptr[w->at]) {
        case 'i':
            f->nocase = on;
            break;
        case 's':
            f->dotall = on;
            break;
        case '-':
            on = false;
            break;
        case ':':
        case ')':
            *is_group = w->pattern.ptr[w->at++] == ':';
            return LAC_OK;
        default:
            return lac_match_regex_refuse(err, at, "of (?...) only (?:, (?i and (?s are supported");
        }
    }
    return lac_match_regex_refuse(err, at, "this group is not closed");
}

/* "(?<name>" and "(?P<name>": a group like any other. */
static bool skip_name(struct lac_match_regex_work *w)
{
    struct lac_str p = w->pattern;
    size_t at = w->at;

    if (at < p.len && p.ptr[at] == 'P')
        at++;
    if (at + 1 >= p.len || p.ptr[at] != '<')
        return false;
    while (++at < p.len && lac_match_regex_is_word((unsigned char)p.ptr[at]))
        continue;
    if (at == p.len || p.ptr[at] != '>' || p.ptr[at - 1] == '<')
        return false;
    w->at = at + 1;
    return true;
}

static enum lac_status parse_open(struct parser *p, struct lac_err *err)
{
    struct lac_match_regex_work *w = p->w;
    struct frame f = p->stack[p->depth];
    bool is_group = true;
    enum lac_status status = LAC_OK;

    f.at = w->at++;
    if (w->at < w->pattern.len && w->pattern.ptr[w->at] == '*')
        return lac_match_regex_refuse(err, f.at, "(*...) is not supported");
    if (w->at < w->pattern.len && w->pattern.ptr[w->at] == '?') {
        struct lac_str rest = {w->pattern.ptr + w->at + 1, w->pattern.len - w->at - 1};
        size_t at = rest.len > 1 && rest.ptr[0] == '<';

        if (at < rest.len && (rest.ptr[at] == '=' || rest.ptr[at] == '!'))
            return lac_match_regex_refuse(err, f.at,
                                          "lookaround is not supported: use \\b, or `context:`");
        w->at++;
        if (!skip_name(w))
            status = parse_flags(p, &f, &is_group, err);
    }
    if (status != LAC_OK)
        return status;
    if (!is_group) { /* for the rest of the group around it */
        p->stack[p->depth].nocase = f.nocase;
        p->stack[p->depth].dotall = f.dotall;
        p->can_repeat = false;
        return LAC_OK;
    }
    if (p->depth == LAC_MATCH_REGEX_DEPTH)
        return lac_match_regex_refuse(err, f.at, "more than %d groups inside each other",
                                      LAC_MATCH_REGEX_DEPTH);
    p->depth++;
    open_group(p, f);
    return LAC_OK;
}

static enum lac_status parse_close(struct parser *p, struct lac_err *err)
{
    int32_t alt = p->stack[p->depth].alt;

    if (p->depth == 0)
        return lac_match_regex_refuse(err, p->w->at, "this ')' closes nothing");
    p->w->at++;
    p->depth--;
    add_atom(p, alt);
    p->can_repeat = true;
    return LAC_OK;
}

/* ---- repeats ---- */

/* A number of up to three digits at `*at`. */
static bool number(struct lac_str p, size_t *at, uint32_t *out)
{
    size_t from = *at;

    *out = 0;
    while (*at < p.len && p.ptr[*at] >= '0' && p.ptr[*at] <= '9' && *at - from < 6)
        *out = *out * 10 + (uint32_t)(p.ptr[(*at)++] - '0');
    return *at > from;
}

struct repeat {
    uint32_t min, max;
    bool unbounded;
};

/* Whether w->at is at a repeat; moves behind it. A '{' that begins none is a character. */
static bool read_repeat(struct lac_match_regex_work *w, struct repeat *r)
{
    struct lac_str p = w->pattern;
    size_t at = w->at;
    char c = p.ptr[at++];

    *r = (struct repeat){0, 1, c == '*' || c == '+'};
    if (c == '{') {
        if (!number(p, &at, &r->min))
            return false;
        r->max = r->min;
        if (at < p.len && p.ptr[at] == ',') {
            at++;
            r->unbounded = !number(p, &at, &r->max);
        }
        if (at == p.len || p.ptr[at++] != '}')
            return false;
    } else if (c != '?' && !r->unbounded) {
        return false;
    }
    w->at = at;
    return true;
}

static enum lac_status parse_repeat(struct parser *p, const struct repeat *r, size_t at,
                                    struct lac_err *err)
{
    struct lac_match_regex_work *w = p->w;
    unsigned char next = w->at < w->pattern.len ? (unsigned char)w->pattern.ptr[w->at] : 0;
    int32_t cat = p->stack[p->depth].cat;
    int32_t atom = cat < 0 ? REGEX_NONE : w->nodes[cat].last;
    struct lac_match_regex_node *n;
    int32_t inner;
    struct repeat again;
    size_t behind = w->at;

    if (r->unbounded)
        return lac_match_regex_refuse(err, at,
                                      "this repeat has no maximum: write {min,max}, for "
                                      "matches of at most %d bytes",
                                      LAC_MATCH_REGEX_WIDTH);
    if (r->min > r->max)
        return lac_match_regex_refuse(err, at, "the minimum is above the maximum");
    if (r->max > LAC_MATCH_REGEX_WIDTH)
        return lac_match_regex_refuse(err, at, "more than %d repeats", LAC_MATCH_REGEX_WIDTH);
    if (next == '?')
        return lac_match_regex_refuse(err, behind,
                                      "lazy repeats are not supported: the longest "
                                      "match counts");
    if (next == '+')
        return lac_match_regex_refuse(err, behind, "possessive repeats are not supported");
    if (!p->can_repeat)
        return lac_match_regex_refuse(err, at, "there is nothing to repeat");
    if (next && read_repeat(w, &again))
        return lac_match_regex_refuse(err, behind, "a repeat of a repeat: use a group");
    p->can_repeat = false;
    if (atom < 0)
        return LAC_OK; /* what it repeats is beyond us already */
    inner = lac_match_regex_node_new(w, REGEX_CAT);
    if (inner < 0)
        return LAC_OK;
    n = &w->nodes[atom];
    w->nodes[inner] = *n;
    *n = (struct lac_match_regex_node){.kind = REGEX_REPEAT,
                                       .min = (uint16_t)r->min,
                                       .max = (uint16_t)r->max,
                                       .child = inner,
                                       .last = inner,
                                       .next = REGEX_NONE};
    return LAC_OK;
}

/* ---- all of it ---- */

static enum lac_status parse_assertion(struct parser *p)
{
    char c = p->w->pattern.ptr[p->w->at++];
    int32_t node = lac_match_regex_node_new(p->w, REGEX_ASSERT);

    if (node >= 0)
        p->w->nodes[node].assertion = c == '^' ? REGEX_BEGIN : REGEX_END;
    add_atom(p, node);
    return LAC_OK;
}

static enum lac_status parse_atom(struct parser *p, struct lac_err *err)
{
    struct lac_match_regex_work *w = p->w;
    const struct frame *f = &p->stack[p->depth];
    int32_t node = REGEX_NONE;
    enum lac_status status;

    switch (w->pattern.ptr[w->at]) {
    case '[':
        status = lac_match_regex_parse_class(w, f->nocase, &node, err);
        break;
    case '\\':
        status = lac_match_regex_parse_escape(w, f->nocase, &node, err);
        break;
    case '.':
        status = lac_match_regex_parse_dot(w, f->dotall, &node);
        break;
    default:
        status = lac_match_regex_parse_char(w, f->nocase, &node, err);
        break;
    }
    if (status != LAC_OK)
        return status;
    p->can_repeat = true; /* also when it is beyond us: errors further on are found the same */
    add_atom(p, node);
    return LAC_OK;
}

static enum lac_status parse_next(struct parser *p, struct lac_err *err)
{
    struct lac_match_regex_work *w = p->w;
    size_t at = w->at;
    struct repeat r;

    switch (w->pattern.ptr[at]) {
    case '(':
        return parse_open(p, err);
    case ')':
        return parse_close(p, err);
    case '|':
        w->at++;
        alternative(p);
        return LAC_OK;
    case '^':
    case '$':
        return parse_assertion(p);
    case '?':
    case '*':
    case '+':
    case '{':
        if (read_repeat(w, &r))
            return parse_repeat(p, &r, at, err);
        return parse_atom(p, err);
    default:
        return parse_atom(p, err);
    }
}

/* Widest text of a tree, saturating. The parser's limit on groups bounds the recursion. */
static uint32_t widest(const struct lac_match_regex_work *w, int32_t node)
{
    const struct lac_match_regex_node *n = &w->nodes[node];
    uint32_t sum = 0, most = 0;

    if (n->kind == REGEX_SET)
        return 1;
    for (int32_t c = n->child; c >= 0; c = w->nodes[c].next) {
        uint32_t width = widest(w, c);

        sum += width;
        if (sum > LAC_MATCH_REGEX_WIDTH)
            sum = LAC_MATCH_REGEX_WIDTH + 1;
        most = width > most ? width : most;
    }
    if (n->kind == REGEX_ALT)
        return most;
    if (n->kind == REGEX_REPEAT)
        sum *= n->max;
    return sum > LAC_MATCH_REGEX_WIDTH ? LAC_MATCH_REGEX_WIDTH + 1 : sum;
}

enum lac_status lac_match_regex_parse(struct lac_match_regex_work *w, struct lac_err *err)
{
    struct parser p = {.w = w};
    enum lac_status status = LAC_OK;

    open_group(&p, (struct frame){.at = 0});
    w->root = p.stack[0].alt;
    while (w->at < w->pattern.len && status == LAC_OK)
        status = parse_next(&p, err);
    if (status != LAC_OK)
        return status;
    if (p.depth > 0)
        return lac_match_regex_refuse(err, p.stack[p.depth].at, "this group is not closed");
    if (w->unsupported)
        return LAC_OK;
    LAC_ASSERT(w->root >= 0);
    if (widest(w, w->root) > LAC_MATCH_REGEX_WIDTH)
        return lac_err_set(err, LAC_REJECT, 0, "it can match more than %d bytes",
                           LAC_MATCH_REGEX_WIDTH);
    return LAC_OK;
}
