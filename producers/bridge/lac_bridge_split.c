/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_split.h"

#include <string.h>

#include "lac_bridge_body.h"

struct walk {
    struct lac_str text;
    size_t depth;
    struct lac_str key; /* the last string directly in the outermost object */
    size_t open, close; /* the list's brackets; open 0: not seen, close 0: not seen */
    size_t begin;       /* of the current item */
    struct lac_str *items;
    size_t count;
};

/* The place behind a string that begins at `at`; 0: it has no end. */
static size_t string_end(struct lac_str text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        at += text.ptr[at] == '\\';
    return at < text.len ? at + 1 : 0;
}

static bool is_blank(struct lac_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!memchr(" \t\r\n", s.ptr[i], 4))
            return false;
    return true;
}

static bool end_item(struct walk *w, size_t at)
{
    if (w->count == LAC_BRIDGE_ITEMS_MAX)
        return false;
    w->items[w->count++] = lac_str_slice(w->text, w->begin, at);
    w->begin = at + 1;
    return true;
}

static bool opens(struct walk *w, size_t at, char bracket)
{
    bool list = w->depth == 1 && (lac_str_is(w->key, "queries") || lac_str_is(w->key, "items"));
    w->depth++;
    if (!list)
        return true;
    if (w->open || bracket != '[')
        return false;
    w->open = at;
    w->begin = at + 1;
    return true;
}

static bool closes(struct walk *w, size_t at)
{
    if (w->depth == 0)
        return false;
    if (--w->depth != 1 || !w->open || w->close)
        return true;
    w->close = at;
    bool none = w->count == 0 && is_blank(lac_str_slice(w->text, w->begin, at));
    return none || end_item(w, at);
}

/* One character outside of strings. */
static bool step(struct walk *w, size_t at)
{
    switch (w->text.ptr[at]) {
    case '[':
    case '{':
        return opens(w, at, w->text.ptr[at]);
    case ']':
    case '}':
        return closes(w, at);
    case ',':
        if (w->depth == 1)
            w->key = LAC_STR_NULL;
        return w->depth != 2 || !w->open || w->close || end_item(w, at);
    default:
        return true;
    }
}

static bool walk(struct walk *w)
{
    for (size_t at = 0; at < w->text.len;) {
        if (w->text.ptr[at] != '"') {
            if (!step(w, at))
                return false;
            at++;
            continue;
        }
        size_t end = string_end(w->text, at);
        if (end == 0)
            return false;
        if (w->depth == 1 && !w->key.ptr)
            w->key = lac_str_slice(w->text, at + 1, end - 1);
        at = end;
    }
    return w->close != 0;
}

bool lac_bridge_split(struct lac_bridge_split *out, struct lac_str text, struct lac_arena *a)
{
    struct walk w = {.text = text};
    w.items = lac_arena_alloc(a, LAC_BRIDGE_ITEMS_MAX * sizeof *w.items);
    if (!w.items || !walk(&w))
        return false;
    size_t before = w.open + 1, after = text.len - w.close;
    char *rest = lac_arena_alloc(a, before + after);
    if (!rest)
        return false;
    memcpy(rest, text.ptr, before);
    memcpy(rest + before, text.ptr + w.close, after);
    *out = (struct lac_bridge_split){{rest, before + after}, w.items, w.count};
    return true;
}
