/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generated codecs and the op program against avro-c, on thousands of random records of every
 * type: what we write it reads, what it writes we read, and the bytes are the same.
 */
#include "lac_records.h"

#include <avro.h>

#include <stdlib.h>

#include "lac_opprogram.h"
#include "lac_record_random.h"
#include "lac_test.h"

enum { ROUNDS = 400, BYTES_MAX = 4 << 20, ARENA = 64 << 20 };

static struct lac_arena arena;
static char ours[BYTES_MAX], theirs[BYTES_MAX];

/* What avro-c calls a value, filled from our struct by its descriptor. */
static int fill_record(avro_value_t *v, const struct lac_record_type *t, const char *record);

static int fill_value(avro_value_t *v, const struct lac_field *f, const void *from)
{
    const struct lac_str *text = from;
    char *copy;
    int rc;

    switch (f->kind) {
    case LAC_FIELD_BOOL:
        return avro_value_set_boolean(v, *(const bool *)from);
    case LAC_FIELD_INT:
        return avro_value_set_int(v, *(const int32_t *)from);
    case LAC_FIELD_LONG:
        return avro_value_set_long(v, *(const int64_t *)from);
    case LAC_FIELD_BYTES:
        return avro_value_set_bytes(v, (void *)text->ptr, text->len);
    case LAC_FIELD_FIXED:
        return avro_value_set_fixed(v, (void *)from, f->fixed_size);
    case LAC_FIELD_ENUM:
        return avro_value_set_enum(v, *(const int *)from);
    case LAC_FIELD_RECORD:
        return fill_record(v, f->record_type, from);
    case LAC_FIELD_STRING:
        break;
    }
    copy = malloc(text->len + 1); /* it wants the NUL */
    LAC_TEST_NEED(copy);
    memcpy(copy, text->ptr, text->len);
    copy[text->len] = '\0';
    rc = avro_value_set_string_len(v, copy, text->len + 1);
    free(copy);
    return rc;
}

static int fill_items(avro_value_t *v, const struct lac_field *f, const char *record)
{
    const char *items = *(const char *const *)(const void *)(record + f->offset);
    size_t n = *(const size_t *)(const void *)(record + f->count_offset);
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct lac_pair *pair = (const void *)(items + i * f->item_size);
        avro_value_t item;

        if (f->shape == LAC_SHAPE_MAP) {
            char key[2] = {pair->key.ptr[0], '\0'};

            rc = avro_value_add(v, key, &item, NULL, NULL);
            if (rc == 0)
                rc = fill_value(&item, f, &pair->value);
            continue;
        }
        rc = avro_value_append(v, &item, NULL);
        if (rc == 0)
            rc = fill_value(&item, f, items + i * f->item_size);
    }
    return rc;
}

static bool present(const struct lac_field *f, const char *record)
{
    if (f->flag_offset)
        return *(const bool *)(record + f->flag_offset);
    return ((const struct lac_str *)(const void *)(record + f->offset))->ptr;
}

static int fill_record(avro_value_t *v, const struct lac_record_type *t, const char *record)
{
    int rc = 0;

    for (size_t i = 0; i < t->field_count && rc == 0; i++) {
        const struct lac_field *f = &t->fields[i];
        avro_value_t field, branch;

        rc = avro_value_get_by_index(v, i, &field, NULL);
        if (rc != 0)
            break;
        if (f->shape == LAC_SHAPE_ARRAY || f->shape == LAC_SHAPE_MAP) {
            rc = fill_items(&field, f, record);
        } else if (f->shape == LAC_SHAPE_PLAIN) {
            rc = fill_value(&field, f, record + f->offset);
        } else if (present(f, record)) {
            rc = avro_value_set_branch(&field, 1, &branch);
            if (rc == 0)
                rc = fill_value(&branch, f, record + f->offset);
        } else {
            rc = avro_value_set_branch(&field, 0, &branch);
            if (rc == 0)
                rc = avro_value_set_null(&branch);
        }
    }
    return rc;
}

struct oracle {
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t filled, read;
    struct lac_opprogram *program; /* for our own schema: a second decoder */
};

static void open(struct oracle *o, const struct lac_record_type *t)
{
    size_t length = strlen(t->schema);
    struct lac_schema_node *root;
    struct lac_arena a;

    LAC_TEST_NEED(avro_schema_from_json_length(t->schema, length, &o->schema) == 0);
    o->iface = avro_generic_class_from_schema(o->schema);
    LAC_TEST_NEED(o->iface);
    LAC_TEST_NEED(avro_generic_value_new(o->iface, &o->filled) == 0);
    LAC_TEST_NEED(avro_generic_value_new(o->iface, &o->read) == 0);
    LAC_TEST_NEED(lac_arena_init(&a, lac_schema_arena_size(length), NULL) == LAC_OK);
    LAC_TEST_NEED(lac_schema_parse(&root, lac_str_from(t->schema), &a, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_opprogram_new(&o->program, t, root, NULL) == LAC_OK);
    lac_arena_deinit(&a);
}

static void close(struct oracle *o)
{
    lac_opprogram_free(o->program);
    avro_value_decref(&o->filled);
    avro_value_decref(&o->read);
    avro_value_iface_decref(o->iface);
    avro_schema_decref(o->schema);
}

/* Reads `bytes` with avro-c, which must take all of them, into o->read. */
static void avro_reads(struct oracle *o, const char *bytes, size_t n)
{
    avro_reader_t reader = avro_reader_memory(bytes, (int64_t)n);
    char rest;

    LAC_TEST_NEED(reader);
    LAC_TEST_EQ(avro_value_reset(&o->read), 0);
    LAC_TEST_EQ(avro_value_read(reader, &o->read), 0);
    CU_ASSERT(avro_read(reader, &rest, 1) != 0);
    avro_reader_free(reader);
}

static size_t avro_writes(struct oracle *o, const struct lac_record_type *t, const void *record)
{
    avro_writer_t writer = avro_writer_memory(theirs, sizeof(theirs));
    size_t n;

    LAC_TEST_NEED(writer);
    LAC_TEST_EQ(avro_value_reset(&o->filled), 0);
    LAC_TEST_EQ(fill_record(&o->filled, t, record), 0);
    LAC_TEST_EQ(avro_value_write(writer, &o->filled), 0);
    n = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    return n;
}

/* Decodes avro-c's bytes with `decode` into `again` and encodes them: they must not change. */
static void same_again(const struct lac_record_type *t, const void *again, size_t n)
{
    LAC_TEST_EQ(t->encoded_size(again), n);
    memset(ours, 0xEE, n);
    LAC_TEST_EQ(t->encode(again, ours), n);
    CU_ASSERT(memcmp(ours, theirs, n) == 0);
}

static void check(struct oracle *o, const struct lac_record_type *t, uint64_t seed)
{
    struct lac_random random = {seed};
    union {
        struct lac_request request;
        struct lac_decision decision;
        struct lac_decision_core core;
        struct lac_control control;
        char room[4096];
    } record, again;
    size_t n, m;

    LAC_TEST_NEED(t->size <= sizeof(record));
    lac_arena_reset(&arena);
    lac_record_random(&random, t, &record, &arena);
    n = t->encoded_size(&record);
    LAC_TEST_NEED(n <= sizeof(ours));
    LAC_TEST_EQ(t->encode(&record, ours), n);
    m = avro_writes(o, t, &record);
    LAC_TEST_EQ(m, n);
    LAC_TEST_NEED(m == n && memcmp(ours, theirs, n) == 0);
    avro_reads(o, ours, n);
    CU_ASSERT(avro_value_equal(&o->filled, &o->read));
    LAC_TEST_NEED(t->decode(&again, (struct lac_str){theirs, n}, &arena, NULL) == LAC_OK);
    same_again(t, &again, n);
    memset(&again, 0xAA, sizeof(again));
    LAC_TEST_NEED(
        lac_opprogram_run(o->program, &again, (struct lac_str){theirs, n}, &arena, NULL) == LAC_OK);
    same_again(t, &again, n);
}

static void avro_c_agrees_on_every_record(void)
{
    LAC_TEST_NEED(lac_arena_init(&arena, ARENA, NULL) == LAC_OK);
    for (const struct lac_record_type *const *t = lac_record_types(); *t; t++) {
        struct oracle o;

        open(&o, *t);
        for (uint64_t seed = 0; seed < ROUNDS; seed++) {
            lac_test_row("%s, seed %u", (*t)->name, (unsigned)seed);
            check(&o, *t, seed);
        }
        close(&o);
    }
    lac_arena_deinit(&arena);
}

LAC_TEST_MAIN(avro, avro_c_agrees_on_every_record)
