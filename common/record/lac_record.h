/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_record - what all records have in common, and their descriptors
 *
 * The structs and codecs of the records are generated from schemas/avro into lac_records.h. Each
 * struct has a descriptor, so that code which must handle any record (JSON, foreign writer
 * schemas, tests) is written once.
 *
 * Ownership: a decoded record borrows its strings from the payload and its arrays from the arena
 * that was passed in. It is valid as long as both are.
 *
 * Thread: any. Descriptors are immutable.
 */
#ifndef LAC_RECORD_H
#define LAC_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

/* One entry of a map, in the order of the wire. */
struct lac_pair {
    struct lac_str key;
    struct lac_str value;
};

enum lac_field_shape {
    LAC_SHAPE_PLAIN,
    LAC_SHAPE_OPTIONAL, /* ["null", T] */
    LAC_SHAPE_ARRAY,
    LAC_SHAPE_MAP, /* string to string: items are struct lac_pair */
};

enum lac_field_kind {
    LAC_FIELD_BOOL,   /* bool */
    LAC_FIELD_INT,    /* int32_t */
    LAC_FIELD_LONG,   /* int64_t */
    LAC_FIELD_STRING, /* struct lac_str, well-formed UTF-8 */
    LAC_FIELD_BYTES,  /* struct lac_str */
    LAC_FIELD_FIXED,  /* struct { uint8_t bytes[fixed_size]; } */
    LAC_FIELD_ENUM,   /* enum, stored as int */
    LAC_FIELD_RECORD, /* struct */
};

struct lac_enum_type {
    const char *name; /* without namespace */
    const char *const *symbols;
    size_t symbol_count;
    int fallback; /* index a reader takes for an unknown symbol, -1: none */
};

struct lac_record_type;

struct lac_field {
    const char *name;
    const char *const *aliases; /* NULL-terminated; NULL: none */
    const char *type_name;      /* of a fixed, enum or record, without namespace; else NULL */
    enum lac_field_shape shape;
    enum lac_field_kind kind; /* of the value, or of one item */
    bool has_default;         /* a writer may lack it; the value is what the type's init sets */
    uint32_t offset;          /* of the value, or of the pointer to the items */
    uint32_t flag_offset;     /* of bool has_x; 0: absent text has a NULL pointer */
    uint32_t count_offset;    /* of size_t x_count, for arrays and maps */
    uint32_t item_size;       /* sizeof of the value or of one item */
    uint32_t fixed_size;
    const struct lac_enum_type *enum_type;
    const struct lac_record_type *record_type;
};

struct lac_decoder; /* private to this module */

struct lac_record_type {
    const char *name;     /* "Request" */
    const char *fullname; /* "lacuna.Request" */
    const char *schema;   /* complete JSON; NULL for records that only occur inside others */
    size_t size;          /* sizeof the struct */
    uint64_t fingerprint; /* CRC-64-AVRO of the schema's parsing canonical form; 0: no schema */
    const struct lac_field *fields;
    size_t field_count;
    /* The generated functions, see lac_records.h. decode and the encoders are NULL without a
     * schema. */
    void (*init)(void *record);
    enum lac_status (*decode)(void *out, struct lac_str bytes, struct lac_arena *a,
                              struct lac_err *err);
    const uint8_t *(*decode_with)(struct lac_decoder *d, void *out); /* private */
    size_t (*encoded_size)(const void *record);
    size_t (*encode)(const void *record, void *out);
};

/* The top-level record called `name` ("Request" or "lacuna.Request"), or NULL. */
const struct lac_record_type *lac_record_type_by_name(struct lac_str name);

/* All top-level records, NULL-terminated. */
const struct lac_record_type *const *lac_record_types(void);

#endif
