/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_member.h"

#include <stdio.h>
#include <string.h>

#include "lac_record_json.h"
#include "lac_utf8.h"

/* What is being read, for the error texts and for what two members say together. */
struct reader {
    struct lac_request *request;
    struct lac_arena *arena;
    bool text_seen;
    bool user_flat; /* user_id, user_role or user_department was given here, and not as null */
    bool user_object;
    size_t metadata_room;
    bool shared; /* members beside a batch's items */
};

enum lac_status lac_bridge_member_fail(struct lac_err *err, const char *pointer, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 422, "%s: %s", pointer, why);
}

enum lac_status lac_bridge_member_no_room(struct lac_err *err, const char *pointer)
{
    return lac_bridge_member_fail(err, pointer, "is too large or has too many parts");
}

/* ---- Values ---- */

enum lac_status lac_bridge_member_text(struct lac_str *out, const struct lac_json *v, size_t limit,
                                       const char *pointer, struct lac_err *err)
{
    struct lac_str s = lac_json_string(v);
    if (!s.ptr)
        return lac_bridge_member_fail(err, pointer, "must be a string");
    if (s.len > limit)
        return lac_bridge_member_fail(err, pointer, "is longer than allowed");
    *out = s;
    return LAC_OK;
}

/* A string that may also be null, which means absent. */
static enum lac_status read_optional(struct lac_str *out, const struct lac_json *v,
                                     const char *pointer, struct lac_err *err)
{
    *out = LAC_STR_NULL;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    return lac_bridge_member_text(out, v, LAC_BRIDGE_NAME_MAX, pointer, err);
}

static enum lac_status read_record(const struct lac_record_type *type, void *out,
                                   const struct lac_json *v, struct lac_arena *a,
                                   const char *pointer, struct lac_err *err)
{
    struct lac_err inner = {0};
    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return lac_bridge_member_fail(err, pointer, "must be an object");
    enum lac_status status = lac_record_from_json(type, out, v, a, &inner);
    if (status == LAC_AGAIN)
        return lac_bridge_member_no_room(err, pointer);
    if (status != LAC_OK)
        return lac_err_set(err, LAC_REJECT, 422, "%s%s%s", pointer,
                           inner.text[0] == '/' ? "" : ": ", inner.text);
    return LAC_OK;
}

static enum lac_status read_request_id(struct reader *r, const struct lac_json *v,
                                       struct lac_err *err)
{
    struct lac_str id = LAC_STR_NULL;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    enum lac_status status =
        lac_bridge_member_text(&id, v, LAC_BRIDGE_REQUEST_ID_MAX, "/request_id", err);
    if (status != LAC_OK)
        return status;
    if (id.len == 0)
        return lac_bridge_member_fail(err, "/request_id", "must not be empty");
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return lac_bridge_member_fail(err, "/request_id",
                                          "must be printable ASCII without blanks");
    r->request->request_id = id;
    return LAC_OK;
}

static enum lac_status read_conversation(struct reader *r, const struct lac_json *v,
                                         struct lac_err *err)
{
    struct lac_request *q = r->request;
    size_t n = lac_json_size(v);
    q->conversation = NULL;
    q->conversation_count = 0;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    if (lac_json_kind(v) != LAC_JSON_ARRAY)
        return lac_bridge_member_fail(err, "/conversation", "must be an array");
    if (n > LAC_BRIDGE_CONVERSATION_MAX)
        return lac_bridge_member_fail(err, "/conversation", "has too many turns");
    if (n == 0)
        return LAC_OK;
    q->conversation = lac_arena_alloc(r->arena, n * sizeof *q->conversation);
    if (!q->conversation)
        return lac_bridge_member_no_room(err, "/conversation");
    for (size_t i = 0; i < n; i++) {
        char pointer[48];
        snprintf(pointer, sizeof pointer, "/conversation/%zu", i);
        enum lac_status status = read_record(&lac_message_type, &q->conversation[i],
                                             lac_json_item(v, i), r->arena, pointer, err);
        if (status != LAC_OK)
            return status;
    }
    q->conversation_count = n;
    return LAC_OK;
}

static enum lac_status read_files(struct reader *r, const struct lac_json *v, struct lac_err *err)
{
    struct lac_request *q = r->request;
    size_t n = lac_json_size(v);
    q->files = NULL;
    q->files_count = 0;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    if (lac_json_kind(v) != LAC_JSON_ARRAY)
        return lac_bridge_member_fail(err, "/files", "must be an array");
    if (n > LAC_BRIDGE_FILES_MAX)
        return lac_bridge_member_fail(err, "/files", "has too many names");
    if (n == 0)
        return LAC_OK;
    q->files = lac_arena_alloc(r->arena, n * sizeof *q->files);
    if (!q->files)
        return lac_bridge_member_no_room(err, "/files");
    for (size_t i = 0; i < n; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/files/%zu", i);
        enum lac_status status = lac_bridge_member_text(&q->files[i], lac_json_item(v, i),
                                                        LAC_BRIDGE_NAME_MAX, pointer, err);
        if (status != LAC_OK)
            return status;
    }
    q->files_count = n;
    return LAC_OK;
}

/* A scalar of `context`, which the older API left free, as the metadata's text. */
static bool scalar_text(struct reader *r, const struct lac_json *v, struct lac_str *out)
{
    char number[32];
    switch (lac_json_kind(v)) {
    case LAC_JSON_STRING:
        *out = lac_json_string(v);
        return true;
    case LAC_JSON_BOOL:
        *out = lac_json_bool(v) ? LAC_STR("true") : LAC_STR("false");
        return true;
    case LAC_JSON_NULL:
        *out = LAC_STR("");
        return true;
    case LAC_JSON_INT:
        snprintf(number, sizeof number, "%lld", (long long)lac_json_int(v));
        break;
    case LAC_JSON_REAL:
        snprintf(number, sizeof number, "%.17g", lac_json_real(v));
        break;
    default:
        return false;
    }
    char *copy = lac_arena_alloc(r->arena, strlen(number) + 1);
    if (!copy)
        return false;
    memcpy(copy, number, strlen(number) + 1);
    *out = lac_str_from(copy);
    return true;
}

/* `metadata` takes strings only, `context` any scalar; both end in the record's metadata. */
static enum lac_status read_metadata(struct reader *r, const struct lac_json *v, bool context,
                                     struct lac_err *err)
{
    const char *pointer = context ? "/context" : "/metadata";
    struct lac_request *q = r->request;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return lac_bridge_member_fail(err, pointer, "must be an object");
    size_t n = lac_json_size(v);
    if (n > r->metadata_room)
        return lac_bridge_member_fail(err, pointer, "has too many entries");
    struct lac_pair *pairs = lac_arena_alloc(r->arena, (q->metadata_count + n + 1) * sizeof *pairs);
    if (!pairs)
        return lac_bridge_member_no_room(err, pointer);
    if (q->metadata_count)
        memcpy(pairs, q->metadata, q->metadata_count * sizeof *pairs);
    size_t at = q->metadata_count;
    for (struct lac_json_member m = {0}; lac_json_next(v, &m);) {
        bool text = lac_json_kind(m.value) == LAC_JSON_STRING;
        if ((!context && !text) || !scalar_text(r, m.value, &pairs[at].value))
            return lac_bridge_member_fail(err, pointer,
                                          context ? "may hold strings, numbers and booleans only"
                                                  : "may hold strings only");
        pairs[at++].key = m.key;
    }
    r->metadata_room -= n;
    q->metadata = pairs;
    q->metadata_count = at;
    return LAC_OK;
}

static enum lac_status read_kind(struct reader *r, const struct lac_json *v, struct lac_err *err)
{
    struct lac_str s = lac_json_string(v);
    for (size_t i = 0; i < lac_kind_type.symbol_count; i++)
        if (s.ptr && lac_str_is(s, lac_kind_type.symbols[i])) {
            r->request->kind = (enum lac_kind)i;
            return LAC_OK;
        }
    return lac_bridge_member_fail(err, "/kind", "must be \"query\", \"document\" or \"operation\"");
}

static enum lac_status read_tier(struct reader *r, const struct lac_json *v, struct lac_err *err)
{
    r->request->has_claimed_tier = false;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    if (!lac_tier_parse(lac_json_string(v), &r->request->claimed_tier))
        return lac_bridge_member_fail(err, "/claimed_tier",
                                      "must be \"PUBLIC\", \"INTERNAL\" or \"PROPRIETARY\"");
    r->request->has_claimed_tier = true;
    return LAC_OK;
}

static enum lac_status read_deadline(struct reader *r, const struct lac_json *v,
                                     struct lac_err *err)
{
    r->request->has_deadline_ms = false;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    int64_t ms = lac_json_int(v);
    if (lac_json_kind(v) != LAC_JSON_INT || ms < 1 || ms > LAC_BRIDGE_DEADLINE_MAX_MS)
        return lac_bridge_member_fail(err, "/deadline_ms",
                                      "must be a whole number from 1 to 600000");
    r->request->has_deadline_ms = true;
    r->request->deadline_ms = ms;
    return LAC_OK;
}

void lac_bridge_member_set_user(struct lac_request *q, enum lac_bridge_member which,
                                struct lac_str value)
{
    struct lac_user *u = &q->user;
    if (!q->has_user)
        *u = (struct lac_user){.id = LAC_STR("")};
    if (which == LAC_MEMBER_USER_ID)
        u->id = value.ptr ? value : LAC_STR("");
    else if (which == LAC_MEMBER_USER_ROLE)
        u->role = value;
    else
        u->department = value;
    q->has_user = u->id.len > 0 || u->role.ptr || u->department.ptr;
}

static enum lac_status read_user_part(struct reader *r, enum lac_bridge_member which,
                                      const struct lac_json *v, struct lac_err *err)
{
    struct lac_str value;
    const char *pointer = which == LAC_MEMBER_USER_ID     ? "/user_id"
                          : which == LAC_MEMBER_USER_ROLE ? "/user_role"
                                                          : "/user_department";
    enum lac_status status = read_optional(&value, v, pointer, err);
    if (status != LAC_OK || (!value.ptr && r->user_object))
        return status;
    lac_bridge_member_set_user(r->request, which, value);
    r->user_flat |= value.ptr != NULL;
    return LAC_OK;
}

static enum lac_status read_user(struct reader *r, const struct lac_json *v, struct lac_err *err)
{
    bool null = lac_json_kind(v) == LAC_JSON_NULL;
    if (null && r->user_flat)
        return LAC_OK;
    r->request->has_user = !null;
    if (null)
        return LAC_OK;
    r->user_object = true;
    return read_record(&lac_user_type, &r->request->user, v, r->arena, "/user", err);
}

static enum lac_status read_operation(struct reader *r, const struct lac_json *v,
                                      struct lac_err *err)
{
    struct lac_request *q = r->request;
    q->has_operation = false;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    enum lac_status status =
        read_record(&lac_operation_type, &q->operation, v, r->arena, "/operation", err);
    if (status != LAC_OK)
        return status;
    if (q->operation.sources_count > LAC_BRIDGE_FILES_MAX)
        return lac_bridge_member_fail(err, "/operation/sources", "has too many names");
    q->has_operation = true;
    return LAC_OK;
}

/* ---- Members ---- */

#define NAME(literal)                  \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }
static const struct lac_str member_names[LAC_MEMBER_COUNT] = {
    [LAC_MEMBER_CLAIMED_TIER] = NAME("claimed_tier"),
    [LAC_MEMBER_CONTEXT] = NAME("context"),
    [LAC_MEMBER_CONVERSATION] = NAME("conversation"),
    [LAC_MEMBER_DEADLINE_MS] = NAME("deadline_ms"),
    [LAC_MEMBER_ENVIRONMENT] = NAME("environment"),
    [LAC_MEMBER_FILES] = NAME("files"),
    [LAC_MEMBER_KIND] = NAME("kind"),
    [LAC_MEMBER_METADATA] = NAME("metadata"),
    [LAC_MEMBER_OPERATION] = NAME("operation"),
    [LAC_MEMBER_PROJECT] = NAME("project"),
    [LAC_MEMBER_PURPOSE] = NAME("purpose"),
    [LAC_MEMBER_QUERY] = NAME("query"),
    [LAC_MEMBER_REQUEST_ID] = NAME("request_id"),
    [LAC_MEMBER_SESSION] = NAME("session"),
    [LAC_MEMBER_SUBJECT] = NAME("subject"),
    [LAC_MEMBER_TENANT] = NAME("tenant"),
    [LAC_MEMBER_TEXT] = NAME("text"),
    [LAC_MEMBER_USER] = NAME("user"),
    [LAC_MEMBER_USER_DEPARTMENT] = NAME("user_department"),
    [LAC_MEMBER_USER_ID] = NAME("user_id"),
    [LAC_MEMBER_USER_ROLE] = NAME("user_role"),
};
#undef NAME

/* [bytes of a name]: one more than the members whose names have so many, and 0. */
#define IS(member) (LAC_MEMBER_##member + 1)
static const unsigned char by_length[16][7] = {
    [4] = {IS(TEXT), IS(KIND), IS(USER)},
    [5] = {IS(QUERY), IS(FILES)},
    [6] = {IS(TENANT)},
    [7] = {IS(USER_ID), IS(SESSION), IS(PROJECT), IS(PURPOSE), IS(SUBJECT), IS(CONTEXT)},
    [8] = {IS(METADATA)},
    [9] = {IS(USER_ROLE), IS(OPERATION)},
    [10] = {IS(REQUEST_ID)},
    [11] = {IS(DEADLINE_MS), IS(ENVIRONMENT)},
    [12] = {IS(CLAIMED_TIER), IS(CONVERSATION)},
    [15] = {IS(USER_DEPARTMENT)},
};
#undef IS

enum lac_bridge_member lac_bridge_member_find(struct lac_str key)
{
    const unsigned char *list = key.len < LAC_COUNT(by_length) ? by_length[key.len] : by_length[0];
    for (; *list; list++)
        if (memcmp(key.ptr, member_names[*list - 1].ptr, key.len) == 0)
            return (enum lac_bridge_member)(*list - 1);
    return LAC_MEMBER_COUNT;
}

/* Letters that both have, in order, minus what is left over: enough to see a slip of the hand. */
static int likeness(struct lac_str a, const char *b)
{
    size_t n = strlen(b), at = 0;
    int common = 0;
    for (size_t i = 0; i < a.len && i < 64; i++) {
        const char *hit = at < n ? memchr(b + at, a.ptr[i], n - at) : NULL;
        if (!hit || hit - (b + at) > 2)
            continue;
        common++;
        at = (size_t)(hit - b) + 1;
    }
    int rest = (int)(a.len > 64 ? 64 : a.len) + (int)n - 2 * common;
    return 2 * common - rest;
}

static enum lac_status unknown_member(const struct reader *r, struct lac_str key, size_t place,
                                      struct lac_err *err)
{
    static const char *const batch_names[] = {"items", "queries"};
    const char *nearest = "text";
    int best = -1000;
    for (size_t i = 0; i < LAC_MEMBER_COUNT + (r->shared ? LAC_COUNT(batch_names) : 0); i++) {
        if (i == LAC_MEMBER_TENANT)
            continue;
        const char *name =
            i < LAC_MEMBER_COUNT ? member_names[i].ptr : batch_names[i - LAC_MEMBER_COUNT];
        int like = likeness(key, name);
        if (like > best) {
            best = like;
            nearest = name;
        }
    }
    return lac_err_set(err, LAC_REJECT, 422,
                       "/: member %zu of the object has an unknown name of %zu bytes; the nearest "
                       "known one is \"%s\"",
                       place, key.len, nearest);
}

static enum lac_status read_query(struct reader *r, const struct lac_json *v, const char *pointer,
                                  struct lac_err *err)
{
    if (r->shared)
        return lac_bridge_member_fail(err, pointer,
                                      "belongs into items; queries is a list of texts");
    if (r->text_seen)
        return lac_bridge_member_fail(err, pointer, "query and text are the same; give one");
    r->text_seen = true;
    return lac_bridge_member_text(&r->request->text, v, SIZE_MAX, pointer, err);
}

static enum lac_status read_member(struct reader *r, const struct lac_json_member *m, size_t place,
                                   struct lac_err *err)
{
    struct lac_request *q = r->request;
    enum lac_bridge_member which = lac_bridge_member_find(m->key);
    switch (which) {
    case LAC_MEMBER_TEXT:
        return read_query(r, m->value, "/text", err);
    case LAC_MEMBER_QUERY:
        return read_query(r, m->value, "/query", err);
    case LAC_MEMBER_REQUEST_ID:
        if (r->shared)
            return lac_bridge_member_fail(err, "/request_id", "belongs to one item each");
        return read_request_id(r, m->value, err);
    case LAC_MEMBER_TENANT:
        return lac_bridge_member_fail(err, "/tenant",
                                      "comes from the credentials and is not accepted here");
    case LAC_MEMBER_KIND:
        return read_kind(r, m->value, err);
    case LAC_MEMBER_SUBJECT:
        return read_optional(&q->subject, m->value, "/subject", err);
    case LAC_MEMBER_SESSION:
        return read_optional(&q->session, m->value, "/session", err);
    case LAC_MEMBER_PROJECT:
        return read_optional(&q->project, m->value, "/project", err);
    case LAC_MEMBER_ENVIRONMENT:
        return read_optional(&q->environment, m->value, "/environment", err);
    case LAC_MEMBER_PURPOSE:
        return read_optional(&q->purpose, m->value, "/purpose", err);
    case LAC_MEMBER_USER:
        return read_user(r, m->value, err);
    case LAC_MEMBER_USER_ID:
    case LAC_MEMBER_USER_ROLE:
    case LAC_MEMBER_USER_DEPARTMENT:
        return read_user_part(r, which, m->value, err);
    case LAC_MEMBER_CONVERSATION:
        return read_conversation(r, m->value, err);
    case LAC_MEMBER_FILES:
        return read_files(r, m->value, err);
    case LAC_MEMBER_CLAIMED_TIER:
        return read_tier(r, m->value, err);
    case LAC_MEMBER_OPERATION:
        return read_operation(r, m->value, err);
    case LAC_MEMBER_DEADLINE_MS:
        return read_deadline(r, m->value, err);
    case LAC_MEMBER_METADATA:
        return read_metadata(r, m->value, false, err);
    case LAC_MEMBER_CONTEXT:
        return read_metadata(r, m->value, true, err);
    case LAC_MEMBER_COUNT:
        break;
    }
    return unknown_member(r, m->key, place, err);
}

enum lac_status lac_bridge_member_object(struct lac_request *q, const struct lac_json *object,
                                         struct lac_arena *a, bool shared, struct lac_err *err)
{
    struct reader r = {.request = q, .arena = a, .shared = shared};
    r.metadata_room = LAC_BRIDGE_METADATA_MAX - q->metadata_count;
    size_t place = 0;
    if (lac_json_kind(object) != LAC_JSON_OBJECT)
        return lac_bridge_member_fail(err, "/", "must be an object");
    for (struct lac_json_member m = {0}; lac_json_next(object, &m);) {
        place++;
        if (shared && (lac_str_is(m.key, "queries") || lac_str_is(m.key, "items")))
            continue;
        enum lac_status status = read_member(&r, &m, place, err);
        if (status != LAC_OK)
            return status;
    }
    if (r.user_flat && r.user_object)
        return lac_bridge_member_fail(err, "/user", "user and user_id are two spellings; give one");
    if (!shared && !r.text_seen)
        return lac_bridge_member_fail(err, "/text", "is missing");
    if (!shared && q->kind == LAC_KIND_OPERATION && !q->has_operation)
        return lac_bridge_member_fail(err, "/operation", "is missing, as kind is \"operation\"");
    return LAC_OK;
}
