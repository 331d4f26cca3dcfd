/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_split - where the items of a batch lie in its text
 *
 * For a batch that can't be read as a whole, because one of its items holds what JSON allows and
 * we don't: a NUL, half of a character, a key that occurs twice, a number out of range. The items
 * are then read one by one, so that one client's text costs the others nothing.
 *
 * Only strings and brackets are looked at. Whoever reads the pieces finds what is no JSON.
 *
 * Thread: any.
 */
#ifndef LAC_BRIDGE_SPLIT_H
#define LAC_BRIDGE_SPLIT_H

#include "lac_arena.h"
#include "lac_compiler.h"
#include "lac_str.h"

struct lac_bridge_split {
    struct lac_str rest;   /* in the arena: the whole text, but the list is empty */
    struct lac_str *items; /* in the arena; slices of the text, blanks around them included */
    size_t count;
};

/* False: there is no list "queries" or "items", or two, or it has more items than a batch may, or
 * the arena is full. */
bool lac_bridge_split(struct lac_bridge_split *out, struct lac_str text,
                      struct lac_arena *a) LAC_MUST_USE;

#endif
