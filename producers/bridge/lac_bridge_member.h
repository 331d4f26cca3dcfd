/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_member - the members of a request's JSON object, name by name
 *
 * The inside of lac_bridge_body: which names there are, what each may hold, and how it gets into
 * a request. What was read borrows from the document or the arena. Texts of errors as there.
 *
 * Thread: any.
 */
#ifndef LAC_BRIDGE_MEMBER_H
#define LAC_BRIDGE_MEMBER_H

#include "lac_bridge_body.h"

/* In the order of their names. */
enum lac_bridge_member {
    LAC_MEMBER_CLAIMED_TIER,
    LAC_MEMBER_CONTEXT,
    LAC_MEMBER_CONVERSATION,
    LAC_MEMBER_DEADLINE_MS,
    LAC_MEMBER_ENVIRONMENT,
    LAC_MEMBER_FILES,
    LAC_MEMBER_KIND,
    LAC_MEMBER_METADATA,
    LAC_MEMBER_OPERATION,
    LAC_MEMBER_PROJECT,
    LAC_MEMBER_PURPOSE,
    LAC_MEMBER_QUERY,
    LAC_MEMBER_REQUEST_ID,
    LAC_MEMBER_SESSION,
    LAC_MEMBER_SUBJECT,
    LAC_MEMBER_TENANT,
    LAC_MEMBER_TEXT,
    LAC_MEMBER_USER,
    LAC_MEMBER_USER_DEPARTMENT,
    LAC_MEMBER_USER_ID,
    LAC_MEMBER_USER_ROLE,
    LAC_MEMBER_COUNT,
};

/* LAC_MEMBER_COUNT: nobody knows it. */
enum lac_bridge_member lac_bridge_member_find(struct lac_str key);

/*
 * Reads all members of `object` over what `q` already holds. `shared`: they stand beside a batch's
 * "items" or "queries", which are passed over, and need not make a whole request. LAC_REJECT (422)
 * says what is wrong with which member.
 */
enum lac_status lac_bridge_member_object(struct lac_request *q, const struct lac_json *object,
                                         struct lac_arena *a, bool shared,
                                         struct lac_err *err) LAC_MUST_USE;

/* A string of at most `limit` bytes; `pointer` names it where it is refused. */
enum lac_status lac_bridge_member_text(struct lac_str *out, const struct lac_json *v, size_t limit,
                                       const char *pointer, struct lac_err *err) LAC_MUST_USE;

/* user_id, user_role and user_department: the older spelling of user {id, role, department}. */
void lac_bridge_member_set_user(struct lac_request *q, enum lac_bridge_member which,
                                struct lac_str value);

/*
 * Most bodies are one flat object of plain strings. Reading such a one in place takes a tenth of
 * the time of a document tree. False: it is anything else, or anything wrong, and `q` may have been
 * written to; it is left to the reader above, which alone knows how to refuse. The fuzz target
 * holds the two against each other.
 */
bool lac_bridge_member_plain(struct lac_request *q, struct lac_str text);

/* LAC_REJECT (422) with "POINTER: WHY". */
enum lac_status lac_bridge_member_fail(struct lac_err *err, const char *pointer, const char *why);

/* The same for what does not fit into the arena. */
enum lac_status lac_bridge_member_no_room(struct lac_err *err, const char *pointer);

#endif
