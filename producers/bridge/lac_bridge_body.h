/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_body - from a client's JSON to requests
 *
 * Reads what the older Lacuna's clients send (query, user_id, user_role, context, queries) and
 * the names of the Request record, strictly: a member nobody knows is an error, because a
 * misspelt claimed_tier would silently claim nothing. The tenant is never read from a body.
 *
 * Error texts are "POINTER: what was expected" and never contain a value or a name that was
 * sent; unknown members are told by their place and the nearest name that exists.
 *
 * Thread: any.
 */
#ifndef LAC_BRIDGE_BODY_H
#define LAC_BRIDGE_BODY_H

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_json.h"
#include "lac_records.h"

enum {
    LAC_BRIDGE_ITEMS_MAX = 1000,         /* of one batch */
    LAC_BRIDGE_REQUEST_ID_MAX = 128,     /* bytes */
    LAC_BRIDGE_NAME_MAX = 1024,          /* bytes of a user, project, subject … */
    LAC_BRIDGE_CONVERSATION_MAX = 1000,  /* turns */
    LAC_BRIDGE_FILES_MAX = 1000,         /* names; also an operation's sources */
    LAC_BRIDGE_METADATA_MAX = 256,       /* entries, context included */
    LAC_BRIDGE_DEADLINE_MAX_MS = 600000, /* ten minutes */
};

/* One thing to classify, or why it can't be. */
struct lac_bridge_item {
    struct lac_request request;
    const char *error; /* NULL: none; else in the arena, as above */
};

struct lac_bridge_body {
    struct lac_json *document; /* owned; the items borrow from it; NULL: not needed */
    struct lac_json **pieces;  /* owned, the list in the arena: items that were read one by one */
    size_t piece_count;
    struct lac_bridge_item *items;
    size_t count;
};

/*
 * One request. LAC_REJECT: err->code is the HTTP status, 400 (no JSON) or 422. `out` borrows from
 * `text`, from `a` and from its own document until lac_bridge_body_deinit().
 */
enum lac_status lac_bridge_body_one(struct lac_bridge_body *out, struct lac_str text,
                                    struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;

/* The same without the short way for flat bodies; for the tests, which compare the two. */
enum lac_status lac_bridge_body_tree(struct lac_bridge_body *out, struct lac_str text,
                                     struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;

/*
 * {"queries": ["…"]} or {"items": [{…}]}, with members that count for all of them beside it. An
 * item that is wrong gets its `error`; the call fails only for what concerns all.
 */
enum lac_status lac_bridge_body_batch(struct lac_bridge_body *out, struct lac_str text,
                                      struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;

/* Safe on a zeroed or already released body. */
void lac_bridge_body_deinit(struct lac_bridge_body *b);

#endif
