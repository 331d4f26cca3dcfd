/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_schema - an Avro schema that somebody else wrote, checked and as a tree
 *
 * Takes what the Avro 1.11 specification calls a schema declaration. A schema may come from a
 * registry that others write to, so everything about it is bounded: text, depth (the JSON
 * reader's), names, fields, memory.
 *
 * Thread: owner.
 */
#ifndef LAC_SCHEMA_H
#define LAC_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_buf.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_SCHEMA_BYTES_MAX = 1 << 20,
    LAC_SCHEMA_NAME_MAX = 255,
    LAC_SCHEMA_FIELDS_MAX = 1024, /* of one record; also symbols of an enum, branches of a union */
    LAC_SCHEMA_TYPES_MAX = 512,   /* named types */
    LAC_SCHEMA_FIXED_MAX = 1 << 24,
};

enum lac_schema_kind {
    LAC_SCHEMA_NULL,
    LAC_SCHEMA_BOOLEAN,
    LAC_SCHEMA_INT,
    LAC_SCHEMA_LONG,
    LAC_SCHEMA_FLOAT,
    LAC_SCHEMA_DOUBLE,
    LAC_SCHEMA_BYTES,
    LAC_SCHEMA_STRING,
    LAC_SCHEMA_RECORD,
    LAC_SCHEMA_ENUM,
    LAC_SCHEMA_FIXED,
    LAC_SCHEMA_ARRAY,
    LAC_SCHEMA_MAP,
    LAC_SCHEMA_UNION,
};

struct lac_schema_node;

struct lac_schema_field {
    struct lac_str name;
    struct lac_schema_node *type;
};

/* All memory is the arena's. Nodes of named types are shared by their references, so a recursive
 * schema is a cycle: see `open`. */
struct lac_schema_node {
    struct lac_str fullname; /* of record, enum and fixed */
    size_t count;            /* of fields, symbols or branches */
    struct lac_schema_field *fields;
    struct lac_str *symbols;
    struct lac_schema_node **branches;
    struct lac_schema_node *items; /* of array and map */
    enum lac_schema_kind kind;
    uint32_t size;      /* of fixed */
    uint32_t min_bytes; /* fewest bytes of a value, saturated */
    bool measured;      /* min_bytes is valid */
    bool open;          /* for whoever walks the tree: on the way from the root */
    bool written;       /* for the canonical form */
};

/*
 * Reads `text` into a tree in `a`; the names are copied too. LAC_REJECT: not an Avro schema, or
 * over a limit; the text says what and where. LAC_RETRY: out of memory.
 */
enum lac_status lac_schema_parse(struct lac_schema_node **out, struct lac_str text,
                                 struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;

/* The arena that the tree of a schema of `text_size` bytes can need. */
size_t lac_schema_arena_size(size_t text_size);

/* "int", "record" ...: for error texts. */
const char *lac_schema_kind_name(enum lac_schema_kind kind);

/* The part of a full name behind the last dot. */
struct lac_str lac_schema_short_name(struct lac_str fullname);

/* Appends the Parsing Canonical Form. Call it once per tree. */
void lac_schema_canonical(struct lac_schema_node *node, struct lac_buf *b);

/* CRC-64-AVRO. */
uint64_t lac_schema_crc64(struct lac_str text);

#endif
