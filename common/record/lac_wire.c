/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_json.h"
#include "lac_opprogram.h"
#include "lac_record_json.h"
#include "lac_schema.h"

enum {
    REGISTRY_HEADER = 5, /* 0x00 and a big-endian id */
    SINGLE_HEADER = 10,  /* 0xC3 0x01 and a little-endian fingerprint */
    OWN_IDS_MAX = 32,    /* record types that have an id of ours */
    REASON_SIZE = 192,
};

enum framing { FRAMING_REGISTRY, FRAMING_SINGLE, FRAMING_JSON, FRAMING_NONE };

/* What is known about one writer schema, read as one of our types. */
struct known {
    const struct lac_record_type *type; /* NULL: the slot is free */
    uint32_t id;                        /* the registry's */
    uint64_t used;                      /* tick of the last use */
    struct lac_opprogram *program;      /* owned; NULL: ours, or refused */
    bool ours;                          /* same canonical form: the generated decoder reads it */
    char refused[REASON_SIZE];          /* why it can't be read */
};

struct lac_wire {
    struct lac_schema_source source; /* by_id NULL: none */
    uint64_t tick;
    struct known *last; /* the one used last: most topics have one writer schema */
    struct known known[LAC_WIRE_SCHEMAS_MAX];
    struct {
        const struct lac_record_type *type;
        uint32_t id;
    } own[OWN_IDS_MAX];
    size_t own_count;
};

enum lac_status lac_wire_open(struct lac_wire **out, const struct lac_schema_source *source,
                              struct lac_err *err)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_FATAL, 0, "wire: out of memory");
    if (source)
        (*out)->source = *source;
    return LAC_OK;
}

static void forget(struct known *k)
{
    lac_opprogram_free(k->program);
    *k = (struct known){0};
}

void lac_wire_close(struct lac_wire *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < LAC_COUNT(w->known); i++)
        forget(&w->known[i]);
    free(w);
}

static bool is_it(const struct known *k, const struct lac_record_type *t, uint32_t id)
{
    return k->type == t && k->id == id;
}

static struct known *find(struct lac_wire *w, const struct lac_record_type *t, uint32_t id)
{
    if (!w->last || !is_it(w->last, t, id)) {
        w->last = NULL;
        for (size_t i = 0; i < LAC_COUNT(w->known) && !w->last; i++) {
            if (is_it(&w->known[i], t, id))
                w->last = &w->known[i];
        }
    }
    if (w->last)
        w->last->used = ++w->tick;
    return w->last;
}

/* A free slot, or that of the schema that was not used for the longest time. */
static struct known *claim(struct lac_wire *w, const struct lac_record_type *t, uint32_t id)
{
    struct known *slot = &w->known[0];

    for (size_t i = 0; i < LAC_COUNT(w->known); i++) {
        if (!w->known[i].type) {
            slot = &w->known[i];
            break;
        }
        if (w->known[i].used < slot->used)
            slot = &w->known[i];
    }
    forget(slot);
    *slot = (struct known){.type = t, .id = id, .used = ++w->tick};
    w->last = slot;
    return slot;
}

/* What to do with one schema: `ours`, or a program. */
static enum lac_status compile(const struct lac_record_type *t, struct lac_str schema, bool *ours,
                               struct lac_opprogram **program, struct lac_err *err)
{
    struct lac_schema_node *root = NULL;
    struct lac_arena arena = {0};
    struct lac_buf canonical;
    enum lac_status status;

    lac_buf_init(&canonical, 4 * (size_t)LAC_SCHEMA_BYTES_MAX);
    if (schema.len > LAC_WIRE_SCHEMA_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "schema: too large");
    status = lac_arena_init(&arena, lac_schema_arena_size(schema.len), err);
    if (status != LAC_OK)
        return lac_err_set(err, LAC_RETRY, 0, "schema: out of memory");
    status = lac_schema_parse(&root, schema, &arena, err);
    if (status != LAC_OK)
        goto out;
    lac_schema_canonical(root, &canonical);
    if (!lac_buf_ok(&canonical)) {
        status = canonical.starved ? lac_err_set(err, LAC_RETRY, 0, "schema: out of memory")
                                   : lac_err_set(err, LAC_REJECT, 0, "schema: too large");
        goto out;
    }
    *ours = lac_schema_crc64(lac_buf_str(&canonical)) == t->fingerprint;
    if (!*ours)
        status = lac_opprogram_new(program, t, root, err);
out:
    lac_buf_deinit(&canonical);
    lac_arena_deinit(&arena);
    return status;
}

static enum lac_status refuse(struct known *k, struct lac_err *err)
{
    return lac_err_set(err, LAC_REJECT, 0, "%s", k->refused);
}

/* Asks the source and compiles. A refusal is kept too: a schema never changes under its id. */
static enum lac_status learn(struct lac_wire *w, const struct lac_record_type *t, uint32_t id,
                             struct known **out, struct lac_err *err)
{
    struct lac_opprogram *program = NULL;
    struct lac_str schema = LAC_STR_NULL;
    struct lac_err why = {0};
    enum lac_status status;
    bool ours = false;

    if (!w->source.by_id)
        return lac_err_set(err, LAC_REJECT, 0,
                           "schema id %" PRIu32 ": no schema registry is configured", id);
    status = w->source.by_id(w->source.ctx, id, &schema, err);
    if (status != LAC_OK)
        return status; /* whether and how long to remember this is the source's business */
    status = compile(t, schema, &ours, &program, &why);
    if (status != LAC_OK && status != LAC_REJECT)
        return lac_err_set(err, status, why.code, "%s", why.text);
    *out = claim(w, t, id);
    (*out)->ours = ours;
    (*out)->program = program;
    if (status == LAC_REJECT)
        (void)snprintf((*out)->refused, sizeof((*out)->refused), "schema id %" PRIu32 ": %.160s",
                       id, why.text);
    return LAC_OK;
}

static enum lac_status run(const struct known *k, void *out, struct lac_str body,
                           struct lac_arena *a, struct lac_err *err)
{
    if (k->ours)
        return k->type->decode(out, body, a, err);
    return lac_opprogram_run(k->program, out, body, a, err);
}

static bool own_id(const struct lac_wire *w, const struct lac_record_type *t, uint32_t *id)
{
    for (size_t i = 0; i < w->own_count; i++) {
        if (w->own[i].type == t) {
            *id = w->own[i].id;
            return true;
        }
    }
    return false;
}

static struct lac_str behind(struct lac_str payload, size_t header)
{
    return (struct lac_str){payload.ptr + header, payload.len - header};
}

static enum lac_status read_registry(struct lac_wire *w, const struct lac_record_type *t, void *out,
                                     struct lac_str payload, struct lac_arena *a,
                                     struct lac_err *err)
{
    const unsigned char *p = (const unsigned char *)payload.ptr;
    struct lac_str body;
    struct known *k;
    uint32_t id, own = 0;

    if (payload.len < REGISTRY_HEADER)
        return lac_err_set(err, LAC_REJECT, 0, "wire: ends inside the registry header");
    id = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    body = behind(payload, REGISTRY_HEADER);
    if (own_id(w, t, &own) && own == id)
        return t->decode(out, body, a, err);
    k = find(w, t, id);
    if (!k) {
        enum lac_status status = learn(w, t, id, &k, err);

        if (status != LAC_OK)
            return status;
    }
    LAC_ASSERT(k); /* learnt or found */
    return k->refused[0] ? refuse(k, err) : run(k, out, body, a, err);
}

static enum lac_status read_single(const struct lac_record_type *t, void *out,
                                   struct lac_str payload, struct lac_arena *a, struct lac_err *err)
{
    const unsigned char *p = (const unsigned char *)payload.ptr;
    uint64_t print = 0;

    if (payload.len < SINGLE_HEADER)
        return lac_err_set(err, LAC_REJECT, 0, "wire: ends inside the single-object header");
    for (int i = 7; i >= 0; i--)
        print = print << 8 | p[2 + i];
    if (print != t->fingerprint)
        return lac_err_set(err, LAC_REJECT, 0, "wire: no %s schema has fingerprint %016" PRIx64,
                           t->name, print);
    return t->decode(out, behind(payload, SINGLE_HEADER), a, err);
}

static enum lac_status read_json(const struct lac_record_type *t, void *out, struct lac_str payload,
                                 struct lac_arena *a, struct lac_err *err)
{
    struct lac_json *json = NULL;
    struct lac_err why = {0};
    enum lac_status status;

    if (payload.len > LAC_WIRE_JSON_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "json: larger than %d bytes", LAC_WIRE_JSON_BYTES);
    status = lac_json_parse(&json, payload, &why);
    if (status == LAC_OK)
        status = lac_record_from_json(t, out, json, a, &why);
    lac_json_free(json);
    if (status != LAC_OK)
        return lac_err_set(err, status, why.code, "json: %s", why.text);
    return LAC_OK;
}

static enum framing by_first_byte(struct lac_str payload)
{
    const unsigned char *p = (const unsigned char *)payload.ptr;
    size_t at = 0;

    if (payload.len == 0)
        return FRAMING_NONE;
    if (p[0] == 0x00)
        return FRAMING_REGISTRY;
    if (p[0] == 0xC3 && payload.len > 1 && p[1] == 0x01)
        return FRAMING_SINGLE;
    while (at < payload.len && (p[at] == ' ' || p[at] == '\t' || p[at] == '\n' || p[at] == '\r'))
        at++;
    return at < payload.len && p[at] == '{' ? FRAMING_JSON : FRAMING_NONE;
}

/* The media type without its parameters and blanks. */
static struct lac_str media_type(struct lac_str s)
{
    const char *end = s.len ? memchr(s.ptr, ';', s.len) : NULL;

    if (end)
        s.len = (size_t)(end - s.ptr);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    return s;
}

static bool ends_nocase(struct lac_str s, const char *end)
{
    size_t n = strlen(end);

    return s.len >= n && lac_str_eq_nocase((struct lac_str){s.ptr + s.len - n, n}, end);
}

static bool starts_nocase(struct lac_str s, const char *start)
{
    size_t n = strlen(start);

    return s.len >= n && lac_str_eq_nocase((struct lac_str){s.ptr, n}, start);
}

/* False: a content type that we do not read. */
static bool choose(struct lac_str payload, struct lac_str content_type, enum framing *out)
{
    static const char *const avro[] = {"application/avro",
                                       "application/x-avro",
                                       "avro/binary",
                                       "application/vnd.apache.avro+binary",
                                       "application/vnd.confluent.avro",
                                       "application/octet-stream"};
    struct lac_str type = media_type(content_type);

    *out = by_first_byte(payload);
    if (type.len == 0)
        return true;
    if (lac_str_is(type, LAC_WIRE_CONTENT_TYPE)) { /* what our own programs write */
        if (*out == FRAMING_JSON)
            *out = FRAMING_NONE;
        return true;
    }
    /* A CloudEvents envelope is JSON too, but not the record's. */
    if (starts_nocase(type, "application/cloudevents"))
        return false;
    if (lac_str_eq_nocase(type, "application/json") || lac_str_eq_nocase(type, "text/json") ||
        ends_nocase(type, "+json")) {
        *out = FRAMING_JSON;
        return true;
    }
    for (size_t i = 0; i < LAC_COUNT(avro); i++) {
        if (lac_str_eq_nocase(type, avro[i])) {
            if (*out == FRAMING_JSON && i + 1 < LAC_COUNT(avro))
                *out = FRAMING_NONE;
            return true;
        }
    }
    return false;
}

enum lac_status lac_wire_read(struct lac_wire *w, const struct lac_record_type *t, void *out,
                              struct lac_str payload, struct lac_str content_type,
                              struct lac_arena *a, struct lac_err *err)
{
    enum framing framing;

    if (!choose(payload, content_type, &framing))
        return lac_err_set(err, LAC_REJECT, 0, "wire: the content type is not supported");
    switch (framing) {
    case FRAMING_REGISTRY:
        return read_registry(w, t, out, payload, a, err);
    case FRAMING_SINGLE:
        return read_single(t, out, payload, a, err);
    case FRAMING_JSON:
        return read_json(t, out, payload, a, err);
    case FRAMING_NONE:
        break;
    }
    return lac_err_set(err, LAC_REJECT, 0,
                       "wire: neither registry framing, nor a single object, nor JSON");
}

void lac_wire_set_id(struct lac_wire *w, const struct lac_record_type *t, uint32_t id)
{
    size_t i = 0;

    while (i < w->own_count && w->own[i].type != t)
        i++;
    LAC_ASSERT(i < OWN_IDS_MAX); /* there are fewer record types */
    w->own[i].type = t;
    w->own[i].id = id;
    if (i == w->own_count)
        w->own_count++;
}

enum lac_status lac_wire_write(struct lac_wire *w, const struct lac_record_type *t,
                               const void *record, struct lac_arena *a, struct lac_str *bytes,
                               struct lac_err *err)
{
    size_t size = t->encoded_size(record), header;
    unsigned char *p;
    uint32_t id;
    bool framed = own_id(w, t, &id);

    header = framed ? REGISTRY_HEADER : SINGLE_HEADER;
    p = lac_arena_alloc(a, header + size);
    if (!p)
        return lac_err_set(err, LAC_AGAIN, 0, "wire: arena is full");
    if (framed) {
        p[0] = 0x00;
        for (int i = 0; i < 4; i++)
            p[1 + i] = (unsigned char)(id >> (24 - 8 * i));
    } else {
        p[0] = 0xC3;
        p[1] = 0x01;
        for (int i = 0; i < 8; i++)
            p[2 + i] = (unsigned char)(t->fingerprint >> (8 * i));
    }
    (void)t->encode(record, p + header);
    *bytes = (struct lac_str){(const char *)p, header + size};
    return LAC_OK;
}
