/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.decode, record.encode: the generated codecs against avro-c's generic value API on the
 * same bytes. avro-c does not check UTF-8, so neither does record.decode; record.decode.utf8 is
 * what callers get, record.opprogram the same bytes as a foreign schema.
 */
#include <avro.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_bench.h"
#include "lac_clock.h"
#include "lac_codec.h"
#include "lac_opprogram.h"
#include "lac_records.h"

enum { BYTES_MAX = 8192, ARENA = 1 << 20 };

struct side {
    const struct lac_record_type *type;
    struct lac_str bytes; /* the sample */
    char memory[BYTES_MAX];
    struct lac_arena arena;
    struct lac_opprogram *program;
    union {
        struct lac_request request;
        struct lac_decision decision;
    } record; /* the sample */
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value; /* reused, avro-c's fastest way */
    avro_reader_t reader;
    avro_writer_t writer;
    char out[BYTES_MAX];
    size_t out_len;
    bool failed;
};

static void sample_request(struct lac_request *r)
{
    static struct lac_message turns[] = {
        {LAC_STR("user"), LAC_STR("What did we agree with the supplier last quarter?")},
        {LAC_STR("assistant"), LAC_STR("The agreement covers volumes, prices and exit terms.")}};
    static struct lac_str files[] = {LAC_STR("offer-2026.pdf")};
    static struct lac_pair metadata[] = {{LAC_STR("app"), LAC_STR("assistant")},
                                         {LAC_STR("locale"), LAC_STR("en-GB")}};

    lac_request_init(r);
    r->request_id = LAC_STR("0190b0a2-7c1d-7e6a-9f0e-2a4b6c8d0e1f");
    r->text = LAC_STR("Compare our margin on the northern contract with what the market pays for "
                      "similar work, and find three public sources that say how such contracts "
                      "are usually indexed. The figures are in the attached file; do not quote "
                      "them.");
    r->has_user = true;
    r->user = (struct lac_user){LAC_STR("u-104711"), LAC_STR("analyst"), LAC_STR("procurement")};
    r->session = LAC_STR("s-88213");
    r->project = LAC_STR("north");
    r->environment = LAC_STR("production");
    r->conversation = turns;
    r->conversation_count = LAC_COUNT(turns);
    r->files = files;
    r->files_count = LAC_COUNT(files);
    r->has_deadline_ms = true;
    r->deadline_ms = 5000;
    r->metadata = metadata;
    r->metadata_count = LAC_COUNT(metadata);
}

static void sample_decision(struct lac_decision *d)
{
    static char core[320];

    lac_decision_init(d);
    memset(core, 0x5A, sizeof(core));
    memset(d->event_id.bytes, 0xE1, sizeof(d->event_id.bytes));
    memset(d->decision_hash.bytes, 0xD4, sizeof(d->decision_hash.bytes));
    d->request_id = LAC_STR("0190b0a2-7c1d-7e6a-9f0e-2a4b6c8d0e1f");
    d->origin = (struct lac_origin){LAC_STR("MkU3OEVBNTcwNTJENDM2Qg"), LAC_STR("lacuna.requests"),
                                    7, 123456789, 1763703200123};
    d->has_user = true;
    d->user = (struct lac_user){LAC_STR("u-104711"), LAC_STR("analyst"), LAC_STR("procurement")};
    d->session = LAC_STR("s-88213");
    d->project = LAC_STR("north");
    d->environment = LAC_STR("production");
    d->core = (struct lac_str){core, sizeof(core)};
    d->decided_at = 1763703200456789;
    d->queued_us = 3127;
    d->decide_us = 412;
    d->instance = LAC_STR("classify-0");
    d->program_version = LAC_STR("0.1.0");
}

/* ---- ours ---- */

static void decode_ours(void *ctx)
{
    struct side *s = ctx;
    struct lac_request out;
    struct lac_decoder d;

    lac_arena_reset(&s->arena);
    lac_decoder_init(&d, s->bytes, &s->arena);
    d.trust_utf8 = true;
    s->failed |=
        lac_decode_finish(&d, lac_request_type.decode_with(&d, &out), "Request", NULL) != LAC_OK;
}

static void decode_ours_utf8(void *ctx)
{
    struct side *s = ctx;
    struct lac_request out;

    lac_arena_reset(&s->arena);
    s->failed |= lac_request_decode(&out, s->bytes, &s->arena, NULL) != LAC_OK;
}

static void decode_program(void *ctx)
{
    struct side *s = ctx;
    struct lac_request out;

    lac_arena_reset(&s->arena);
    s->failed |= lac_opprogram_run(s->program, &out, s->bytes, &s->arena, NULL) != LAC_OK;
}

static void encode_ours(void *ctx)
{
    struct side *s = ctx;

    s->out_len = lac_decision_encoded_size(&s->record.decision);
    s->failed |= s->out_len > sizeof(s->out);
    if (!s->failed)
        (void)lac_decision_encode(&s->record.decision, s->out);
}

/* ---- avro-c ---- */

static void decode_avro(void *ctx)
{
    struct side *s = ctx;

    avro_reader_memory_set_source(s->reader, s->bytes.ptr, (int64_t)s->bytes.len);
    s->failed |= avro_value_reset(&s->value) != 0;
    s->failed |= avro_value_read(s->reader, &s->value) != 0;
}

/* Fields by index: the quicker of avro-c's two ways. */
static avro_value_t at(struct side *s, avro_value_t *v, size_t index)
{
    avro_value_t field = s->value; /* what is worked on after a failure: that round is void */

    s->failed |= avro_value_get_by_index(v, index, &field, NULL) != 0;
    return field;
}

static avro_value_t some(struct side *s, avro_value_t *v, size_t index, int branch)
{
    avro_value_t field = at(s, v, index), there = s->value;

    s->failed |= avro_value_set_branch(&field, branch, &there) != 0;
    return there;
}

/* The sample's strings are literals, so the NUL that avro-c wants stands behind them. */
static void put(struct side *s, avro_value_t field, struct lac_str text)
{
    s->failed |= avro_value_set_string_len(&field, (char *)text.ptr, text.len + 1) != 0;
}

static void put_optional(struct side *s, avro_value_t *v, size_t index, struct lac_str text)
{
    avro_value_t branch = some(s, v, index, text.ptr != NULL);

    if (text.ptr)
        put(s, branch, text);
    else
        s->failed |= avro_value_set_null(&branch) != 0;
}

static void put_long(struct side *s, avro_value_t field, int64_t v)
{
    s->failed |= avro_value_set_long(&field, v) != 0;
}

static void put_int(struct side *s, avro_value_t field, int32_t v)
{
    s->failed |= avro_value_set_int(&field, v) != 0;
}

static void put_fixed(struct side *s, avro_value_t field, void *bytes, size_t size)
{
    s->failed |= avro_value_set_fixed(&field, bytes, size) != 0;
}

static void fill_decision(struct side *s, struct lac_decision *d)
{
    avro_value_t *v = &s->value, origin = at(s, v, 4), user = some(s, v, 5, 1), f;

    put_fixed(s, at(s, v, 0), d->event_id.bytes, sizeof(d->event_id.bytes));
    put_int(s, at(s, v, 1), d->revision);
    f = at(s, v, 2);
    s->failed |= avro_value_set_boolean(&f, d->final) != 0;
    put_optional(s, v, 3, d->request_id);
    put(s, at(s, &origin, 0), d->origin.origin);
    put(s, at(s, &origin, 1), d->origin.topic);
    put_int(s, at(s, &origin, 2), d->origin.partition);
    put_long(s, at(s, &origin, 3), d->origin.offset);
    put_long(s, at(s, &origin, 4), d->origin.timestamp);
    put(s, at(s, &user, 0), d->user.id);
    put_optional(s, &user, 1, d->user.role);
    put_optional(s, &user, 2, d->user.department);
    put_optional(s, v, 6, d->session);
    put_optional(s, v, 7, d->project);
    put_optional(s, v, 8, d->environment);
    put_optional(s, v, 9, d->purpose);
    put_optional(s, v, 10, d->resource);
    f = at(s, v, 11);
    s->failed |= avro_value_set_bytes(&f, (void *)d->core.ptr, d->core.len) != 0;
    put_fixed(s, at(s, v, 12), d->decision_hash.bytes, sizeof(d->decision_hash.bytes));
    put_long(s, at(s, v, 13), d->decided_at);
    put_long(s, at(s, v, 14), d->queued_us);
    put_long(s, at(s, v, 15), d->decide_us);
    put(s, at(s, v, 16), d->instance);
    put(s, at(s, v, 17), d->program_version);
    put_optional(s, v, 18, d->trace_id);
    put_optional(s, v, 19, d->excerpt);
}

static void encode_avro(void *ctx)
{
    struct side *s = ctx;

    s->failed |= avro_value_reset(&s->value) != 0;
    fill_decision(s, &s->record.decision);
    avro_writer_memory_set_dest(s->writer, s->out, sizeof(s->out));
    s->failed |= avro_value_write(s->writer, &s->value) != 0;
    s->out_len = (size_t)avro_writer_tell(s->writer);
}

/* ---- */

static bool open_program(struct side *s)
{
    struct lac_schema_node *root;
    enum lac_status status;
    struct lac_arena a;

    if (lac_arena_init(&a, lac_schema_arena_size(strlen(s->type->schema)), NULL) != LAC_OK)
        return false;
    status = lac_schema_parse(&root, lac_str_from(s->type->schema), &a, NULL);
    if (status == LAC_OK)
        status = lac_opprogram_new(&s->program, s->type, root, NULL);
    lac_arena_deinit(&a);
    return status == LAC_OK;
}

static bool open_side(struct side *s, const struct lac_record_type *t)
{
    s->type = t;
    s->bytes = (struct lac_str){s->memory, t->encoded_size(&s->record)};
    if (s->bytes.len > sizeof(s->memory) || lac_arena_init(&s->arena, ARENA, NULL) != LAC_OK ||
        !open_program(s))
        return false;
    (void)t->encode(&s->record, s->memory);
    if (avro_schema_from_json_length(t->schema, strlen(t->schema), &s->schema) != 0)
        return false;
    s->iface = avro_generic_class_from_schema(s->schema);
    s->reader = avro_reader_memory(s->bytes.ptr, (int64_t)s->bytes.len);
    s->writer = avro_writer_memory(s->out, sizeof(s->out));
    return s->iface && s->reader && s->writer && avro_generic_value_new(s->iface, &s->value) == 0;
}

static void close_side(struct side *s)
{
    if (s->value.iface)
        avro_value_decref(&s->value);
    if (s->writer)
        avro_writer_free(s->writer);
    if (s->reader)
        avro_reader_free(s->reader);
    if (s->iface)
        avro_value_iface_decref(s->iface);
    if (s->schema)
        avro_schema_decref(s->schema);
    lac_opprogram_free(s->program);
    lac_arena_deinit(&s->arena);
    free(s);
}

/* avro-c, having read the sample, must write the sample: both sides mean the same record. */
static bool same_decoded(struct side *s)
{
    decode_avro(s);
    avro_writer_memory_set_dest(s->writer, s->out, sizeof(s->out));
    if (s->failed || avro_value_write(s->writer, &s->value) != 0)
        return false;
    return (size_t)avro_writer_tell(s->writer) == s->bytes.len &&
           memcmp(s->out, s->bytes.ptr, s->bytes.len) == 0;
}

static bool same_encoded(struct side *s)
{
    encode_ours(s);
    if (s->failed || s->out_len != s->bytes.len || memcmp(s->out, s->bytes.ptr, s->out_len) != 0)
        return false;
    memset(s->out, 0, sizeof(s->out));
    encode_avro(s);
    return !s->failed && s->out_len == s->bytes.len &&
           memcmp(s->out, s->bytes.ptr, s->out_len) == 0;
}

/* ---- the pairs ---- */

enum { ROUNDS = 9, SIDE_NS = 30000000, CHUNK = 256 };

/* Records per second of one side, over about SIDE_NS. */
static double rate(struct side *s, void (*piece)(void *ctx))
{
    uint64_t start = lac_clock_mono_ns(), ns = 0, done = 0;

    while (ns < SIDE_NS && !s->failed) {
        for (int i = 0; i < CHUNK; i++)
            piece(s);
        done += CHUNK;
        ns = lac_clock_mono_ns() - start;
    }
    return s->failed ? -1 : (double)done * 1e9 / (double)ns;
}

static double rate_decode(void *ctx)
{
    return rate(ctx, decode_ours);
}

static double rate_decode_utf8(void *ctx)
{
    return rate(ctx, decode_ours_utf8);
}

static double rate_program(void *ctx)
{
    return rate(ctx, decode_program);
}

static double rate_encode(void *ctx)
{
    return rate(ctx, encode_ours);
}

static double rate_decode_avro(void *ctx)
{
    return rate(ctx, decode_avro);
}

static double rate_encode_avro(void *ctx)
{
    return rate(ctx, encode_avro);
}

static int run(const char *name, const struct lac_record_type *t, lac_bench_side *ours,
               lac_bench_side *baseline, const struct lac_bench_options *o)
{
    struct side *s = calloc(1, sizeof(*s));
    int result = -1;

    if (!s)
        return -1;
    if (t == &lac_request_type)
        sample_request(&s->record.request);
    else
        sample_decision(&s->record.decision);
    if (!open_side(s, t)) {
        fprintf(stderr, "%s: could not start\n", name);
    } else if (t == &lac_request_type ? !same_decoded(s) : !same_encoded(s)) {
        fprintf(stderr, "%s: the sides differ\n", name);
    } else {
        struct lac_bench_pair pair = {name,  "avro-c generic value", "records/s", ours, baseline, s,
                                      ROUNDS};

        result = lac_bench_run_pair(&pair, o);
    }
    close_side(s);
    return result;
}

static int run_decode(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run(self->name, &lac_request_type, rate_decode, rate_decode_avro, o);
}

static int run_decode_utf8(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run(self->name, &lac_request_type, rate_decode_utf8, rate_decode_avro, o);
}

static int run_program(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run(self->name, &lac_request_type, rate_program, rate_decode_avro, o);
}

static int run_encode(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run(self->name, &lac_decision_type, rate_encode, rate_encode_avro, o);
}

LAC_BENCH_CASES({"record.decode", NULL, run_decode}, {"record.decode.utf8", NULL, run_decode_utf8},
                {"record.opprogram", NULL, run_program}, {"record.encode", NULL, run_encode});
