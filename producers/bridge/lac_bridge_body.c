/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_body.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "lac_record_json.h"
#include "lac_utf8.h"

/* The names a body may have. */
enum member {
    CLAIMED_TIER,
    CONTEXT,
    CONVERSATION,
    DEADLINE_MS,
    ENVIRONMENT,
    FILES,
    KIND,
    METADATA,
    OPERATION,
    PROJECT,
    PURPOSE,
    QUERY,
    REQUEST_ID,
    SESSION,
    SUBJECT,
    TENANT,
    TEXT,
    USER,
    USER_DEPARTMENT,
    USER_ID,
    USER_ROLE,
    MEMBER_COUNT,
};

/* What is being read, for the error texts and for what two members say together. */
struct reader {
    struct lac_request *request;
    struct lac_arena *arena;
    bool text_seen;
    bool user_flat; /* user_id or user_role was given here */
    bool user_object;
    size_t metadata_room;
    bool shared; /* members beside a batch's items */
};

static enum lac_status fail(struct lac_err *err, const char *pointer, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 422, "%s: %s", pointer, why);
}

static enum lac_status out_of_room(struct lac_err *err, const char *pointer)
{
    return fail(err, pointer, "is too large or has too many parts");
}

/* ---- Values ---- */

static enum lac_status read_text(struct lac_str *out, const struct lac_json *v, size_t limit,
                                 const char *pointer, struct lac_err *err)
{
    struct lac_str s = lac_json_string(v);
    if (!s.ptr)
        return fail(err, pointer, "must be a string");
    if (s.len > limit)
        return fail(err, pointer, "is longer than allowed");
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
    return read_text(out, v, LAC_BRIDGE_NAME_MAX, pointer, err);
}

static enum lac_status read_record(const struct lac_record_type *type, void *out,
                                   const struct lac_json *v, struct lac_arena *a,
                                   const char *pointer, struct lac_err *err)
{
    struct lac_err inner = {0};
    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return fail(err, pointer, "must be an object");
    enum lac_status status = lac_record_from_json(type, out, v, a, &inner);
    if (status == LAC_AGAIN)
        return out_of_room(err, pointer);
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
    enum lac_status status = read_text(&id, v, LAC_BRIDGE_REQUEST_ID_MAX, "/request_id", err);
    if (status != LAC_OK)
        return status;
    if (id.len == 0)
        return fail(err, "/request_id", "must not be empty");
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return fail(err, "/request_id", "must be printable ASCII without blanks");
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
        return fail(err, "/conversation", "must be an array");
    if (n > LAC_BRIDGE_CONVERSATION_MAX)
        return fail(err, "/conversation", "has too many turns");
    if (n == 0)
        return LAC_OK;
    q->conversation = lac_arena_alloc(r->arena, n * sizeof *q->conversation);
    if (!q->conversation)
        return out_of_room(err, "/conversation");
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
        return fail(err, "/files", "must be an array");
    if (n > LAC_BRIDGE_FILES_MAX)
        return fail(err, "/files", "has too many names");
    if (n == 0)
        return LAC_OK;
    q->files = lac_arena_alloc(r->arena, n * sizeof *q->files);
    if (!q->files)
        return out_of_room(err, "/files");
    for (size_t i = 0; i < n; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/files/%zu", i);
        enum lac_status status =
            read_text(&q->files[i], lac_json_item(v, i), LAC_BRIDGE_NAME_MAX, pointer, err);
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
        return fail(err, pointer, "must be an object");
    size_t n = lac_json_size(v);
    if (n > r->metadata_room)
        return fail(err, pointer, "has too many entries");
    struct lac_pair *pairs = lac_arena_alloc(r->arena, (q->metadata_count + n + 1) * sizeof *pairs);
    if (!pairs)
        return out_of_room(err, pointer);
    if (q->metadata_count)
        memcpy(pairs, q->metadata, q->metadata_count * sizeof *pairs);
    size_t at = q->metadata_count;
    for (struct lac_json_member m = {0}; lac_json_next(v, &m);) {
        bool text = lac_json_kind(m.value) == LAC_JSON_STRING;
        if ((!context && !text) || !scalar_text(r, m.value, &pairs[at].value))
            return fail(err, pointer,
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
    return fail(err, "/kind", "must be \"query\", \"document\" or \"operation\"");
}

static enum lac_status read_tier(struct reader *r, const struct lac_json *v, struct lac_err *err)
{
    r->request->has_claimed_tier = false;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    if (!lac_tier_parse(lac_json_string(v), &r->request->claimed_tier))
        return fail(err, "/claimed_tier", "must be \"PUBLIC\", \"INTERNAL\" or \"PROPRIETARY\"");
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
        return fail(err, "/deadline_ms", "must be a whole number from 1 to 600000");
    r->request->has_deadline_ms = true;
    r->request->deadline_ms = ms;
    return LAC_OK;
}

/* user_id, user_role and user_department are the older spelling of user {id, role, department}. */
static void set_user_part(struct lac_request *q, enum member which, struct lac_str value)
{
    struct lac_user *u = &q->user;
    if (!q->has_user)
        *u = (struct lac_user){.id = LAC_STR("")};
    if (which == USER_ID)
        u->id = value.ptr ? value : LAC_STR("");
    else if (which == USER_ROLE)
        u->role = value;
    else
        u->department = value;
    q->has_user = u->id.len > 0 || u->role.ptr || u->department.ptr;
}

static enum lac_status read_user_part(struct reader *r, enum member which, const struct lac_json *v,
                                      struct lac_err *err)
{
    struct lac_str value;
    const char *pointer = which == USER_ID     ? "/user_id"
                          : which == USER_ROLE ? "/user_role"
                                               : "/user_department";
    enum lac_status status = read_optional(&value, v, pointer, err);
    if (status != LAC_OK)
        return status;
    set_user_part(r->request, which, value);
    r->user_flat = true;
    return LAC_OK;
}

static enum lac_status read_user(struct reader *r, const struct lac_json *v, struct lac_err *err)
{
    r->user_object = true;
    r->request->has_user = false;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    r->request->has_user = true;
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
        return fail(err, "/operation/sources", "has too many names");
    q->has_operation = true;
    return LAC_OK;
}

/* ---- Members ---- */

#define NAME(literal)                  \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }
static const struct lac_str member_names[MEMBER_COUNT] = {
    [CLAIMED_TIER] = NAME("claimed_tier"),
    [CONTEXT] = NAME("context"),
    [CONVERSATION] = NAME("conversation"),
    [DEADLINE_MS] = NAME("deadline_ms"),
    [ENVIRONMENT] = NAME("environment"),
    [FILES] = NAME("files"),
    [KIND] = NAME("kind"),
    [METADATA] = NAME("metadata"),
    [OPERATION] = NAME("operation"),
    [PROJECT] = NAME("project"),
    [PURPOSE] = NAME("purpose"),
    [QUERY] = NAME("query"),
    [REQUEST_ID] = NAME("request_id"),
    [SESSION] = NAME("session"),
    [SUBJECT] = NAME("subject"),
    [TENANT] = NAME("tenant"),
    [TEXT] = NAME("text"),
    [USER] = NAME("user"),
    [USER_DEPARTMENT] = NAME("user_department"),
    [USER_ID] = NAME("user_id"),
    [USER_ROLE] = NAME("user_role"),
};
#undef NAME

static enum member find_member(struct lac_str key)
{
    if (key.len == 0)
        return MEMBER_COUNT;
    for (int i = 0; i < MEMBER_COUNT; i++)
        if (member_names[i].len == key.len && member_names[i].ptr[0] == key.ptr[0] &&
            memcmp(key.ptr, member_names[i].ptr, key.len) == 0)
            return (enum member)i;
    return MEMBER_COUNT;
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
    for (size_t i = 0; i < MEMBER_COUNT + (r->shared ? LAC_COUNT(batch_names) : 0); i++) {
        if (i == TENANT)
            continue;
        const char *name = i < MEMBER_COUNT ? member_names[i].ptr : batch_names[i - MEMBER_COUNT];
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
        return fail(err, pointer, "belongs into items; queries is a list of texts");
    if (r->text_seen)
        return fail(err, pointer, "query and text are the same; give one");
    r->text_seen = true;
    return read_text(&r->request->text, v, SIZE_MAX, pointer, err);
}

static enum lac_status read_member(struct reader *r, const struct lac_json_member *m, size_t place,
                                   struct lac_err *err)
{
    struct lac_request *q = r->request;
    enum member which = find_member(m->key);
    switch (which) {
    case TEXT:
        return read_query(r, m->value, "/text", err);
    case QUERY:
        return read_query(r, m->value, "/query", err);
    case REQUEST_ID:
        if (r->shared)
            return fail(err, "/request_id", "belongs to one item each");
        return read_request_id(r, m->value, err);
    case TENANT:
        return fail(err, "/tenant", "comes from the credentials and is not accepted here");
    case KIND:
        return read_kind(r, m->value, err);
    case SUBJECT:
        return read_optional(&q->subject, m->value, "/subject", err);
    case SESSION:
        return read_optional(&q->session, m->value, "/session", err);
    case PROJECT:
        return read_optional(&q->project, m->value, "/project", err);
    case ENVIRONMENT:
        return read_optional(&q->environment, m->value, "/environment", err);
    case PURPOSE:
        return read_optional(&q->purpose, m->value, "/purpose", err);
    case USER:
        return read_user(r, m->value, err);
    case USER_ID:
    case USER_ROLE:
    case USER_DEPARTMENT:
        return read_user_part(r, which, m->value, err);
    case CONVERSATION:
        return read_conversation(r, m->value, err);
    case FILES:
        return read_files(r, m->value, err);
    case CLAIMED_TIER:
        return read_tier(r, m->value, err);
    case OPERATION:
        return read_operation(r, m->value, err);
    case DEADLINE_MS:
        return read_deadline(r, m->value, err);
    case METADATA:
        return read_metadata(r, m->value, false, err);
    case CONTEXT:
        return read_metadata(r, m->value, true, err);
    case MEMBER_COUNT:
        break;
    }
    return unknown_member(r, m->key, place, err);
}

/* Reads `object` over what `q` already holds. `skip` names members the caller reads itself. */
static enum lac_status read_object(struct lac_request *q, const struct lac_json *object,
                                   struct lac_arena *a, bool shared, struct lac_err *err)
{
    struct reader r = {.request = q, .arena = a, .shared = shared};
    r.metadata_room = LAC_BRIDGE_METADATA_MAX - q->metadata_count;
    size_t place = 0;
    if (lac_json_kind(object) != LAC_JSON_OBJECT)
        return fail(err, "/", "must be an object");
    for (struct lac_json_member m = {0}; lac_json_next(object, &m);) {
        place++;
        if (shared && (lac_str_is(m.key, "queries") || lac_str_is(m.key, "items")))
            continue;
        enum lac_status status = read_member(&r, &m, place, err);
        if (status != LAC_OK)
            return status;
    }
    if (r.user_flat && r.user_object)
        return fail(err, "/user", "user and user_id are two spellings; give one");
    if (!shared && !r.text_seen)
        return fail(err, "/text", "is missing");
    if (!shared && q->kind == LAC_KIND_OPERATION && !q->has_operation)
        return fail(err, "/operation", "is missing, as kind is \"operation\"");
    return LAC_OK;
}

/* ---- The short way ---- */

/*
 * Most bodies are one flat object of plain strings. Reading such a one in place takes a tenth of
 * the time of a document tree. Anything else, also anything wrong, is left to the reader above,
 * which alone knows how to refuse; the fuzz target holds the two against each other.
 */

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

static struct lac_str *text_field(struct lac_request *q, enum member which)
{
    switch (which) {
    case TEXT:
    case QUERY:
        return &q->text;
    case PROJECT:
        return &q->project;
    case ENVIRONMENT:
        return &q->environment;
    case PURPOSE:
        return &q->purpose;
    case SESSION:
        return &q->session;
    case SUBJECT:
        return &q->subject;
    default:
        return NULL;
    }
}

static bool set_plain(struct lac_request *q, enum member which, struct lac_str value)
{
    struct lac_str *field = text_field(q, which);
    if (field != &q->text && value.len > LAC_BRIDGE_NAME_MAX)
        return false;
    if (field)
        *field = value;
    else if (which == USER_ID || which == USER_ROLE || which == USER_DEPARTMENT)
        set_user_part(q, which, value);
    else
        return false;
    return true;
}

/* False: not that simple; `q` may have been written to. */
static bool read_plain(struct lac_request *q, struct lac_str text)
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
        enum member which = find_member(key);
        p = skip_blanks(p, end);
        if (which == MEMBER_COUNT || seen & 1u << which || p == end || *p++ != ':')
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
    uint32_t both = 1u << TEXT | 1u << QUERY;
    return skip_blanks(p + 1, end) == end && (seen & both) && (seen & both) != both;
}

/* ---- Bodies ---- */

static enum lac_status parse(struct lac_bridge_body *out, struct lac_str text, struct lac_err *err)
{
    struct lac_err inner = {0};
    *out = (struct lac_bridge_body){0};
    enum lac_status status = lac_json_parse(&out->document, text, &inner);
    if (status == LAC_REJECT)
        return lac_err_set(err, LAC_REJECT, 400, "The body is not acceptable JSON: %s", inner.text);
    if (status != LAC_OK)
        return lac_err_set(err, status, inner.code, "%s", inner.text);
    return LAC_OK;
}

static enum lac_status make_items(struct lac_bridge_body *out, size_t n, struct lac_arena *a,
                                  struct lac_err *err)
{
    out->items = lac_arena_alloc(a, (n ? n : 1) * sizeof *out->items);
    if (!out->items)
        return out_of_room(err, "/");
    out->count = n;
    return LAC_OK;
}

enum lac_status lac_bridge_body_tree(struct lac_bridge_body *out, struct lac_str text,
                                     struct lac_arena *a, struct lac_err *err)
{
    enum lac_status status = parse(out, text, err);
    if (status == LAC_OK)
        status = make_items(out, 1, a, err);
    if (status == LAC_OK) {
        lac_request_init(&out->items[0].request);
        status = read_object(&out->items[0].request, out->document, a, false, err);
    }
    if (status != LAC_OK)
        lac_bridge_body_deinit(out);
    return status;
}

enum lac_status lac_bridge_body_one(struct lac_bridge_body *out, struct lac_str text,
                                    struct lac_arena *a, struct lac_err *err)
{
    *out = (struct lac_bridge_body){0};
    enum lac_status status = make_items(out, 1, a, err);
    if (status != LAC_OK)
        return status;
    lac_request_init(&out->items[0].request);
    if (text.len > 0 && read_plain(&out->items[0].request, text))
        return LAC_OK;
    return lac_bridge_body_tree(out, text, a, err);
}

static enum lac_status read_item(struct lac_bridge_item *item, const struct lac_json *v, bool text,
                                 struct lac_arena *a, struct lac_err *err)
{
    struct lac_err why = {0};
    enum lac_status status;
    if (text)
        status = read_text(&item->request.text, v, SIZE_MAX, "/", &why);
    else
        status = read_object(&item->request, v, a, false, &why);
    if (status == LAC_OK)
        return LAC_OK;
    char *copy = lac_arena_alloc(a, strlen(why.text) + 1);
    if (!copy)
        return out_of_room(err, text ? "/queries" : "/items");
    memcpy(copy, why.text, strlen(why.text) + 1);
    item->error = copy;
    return LAC_OK;
}

static enum lac_status read_batch(struct lac_bridge_body *out, struct lac_arena *a,
                                  struct lac_err *err)
{
    const struct lac_json *queries = lac_json_get(out->document, "queries");
    const struct lac_json *items = lac_json_get(out->document, "items");
    struct lac_request shared;
    lac_request_init(&shared);
    if (lac_json_kind(out->document) != LAC_JSON_OBJECT)
        return fail(err, "/", "must be an object");
    if (!queries == !items)
        return fail(err, "/queries", "give either queries or items");
    const char *pointer = queries ? "/queries" : "/items";
    const struct lac_json *list = queries ? queries : items;
    if (lac_json_kind(list) != LAC_JSON_ARRAY)
        return fail(err, pointer, "must be an array");
    if (lac_json_size(list) > LAC_BRIDGE_ITEMS_MAX)
        return fail(err, pointer, "has more than 1000 items");
    enum lac_status status = read_object(&shared, out->document, a, true, err);
    if (status == LAC_OK)
        status = make_items(out, lac_json_size(list), a, err);
    for (size_t i = 0; status == LAC_OK && i < out->count; i++) {
        out->items[i].request = shared;
        status = read_item(&out->items[i], lac_json_item(list, i), queries != NULL, a, err);
    }
    return status;
}

enum lac_status lac_bridge_body_batch(struct lac_bridge_body *out, struct lac_str text,
                                      struct lac_arena *a, struct lac_err *err)
{
    enum lac_status status = parse(out, text, err);
    if (status == LAC_OK)
        status = read_batch(out, a, err);
    if (status != LAC_OK)
        lac_bridge_body_deinit(out);
    return status;
}

void lac_bridge_body_deinit(struct lac_bridge_body *b)
{
    lac_json_free(b->document);
    *b = (struct lac_bridge_body){0};
}
