/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_opprogram_ops - the steps, shared by the compiler and the interpreter
 *
 * Private to these two. Offsets are relative to the current base: the record, or the item of the
 * innermost loop.
 *
 * Thread: as lac_opprogram.h.
 */
#ifndef LAC_OPPROGRAM_OPS_H
#define LAC_OPPROGRAM_OPS_H

#include "lac_opprogram.h"

enum lac_op_code {
    LAC_OP_END,
    LAC_OP_INIT,       /* type: defaults of a nested record at `offset` */
    LAC_OP_SET,        /* the flag at `offset` becomes true */
    LAC_OP_BOOL,       /* value to `offset`, as all that follow */
    LAC_OP_INT,        /* to int32_t */
    LAC_OP_INT_LONG,   /* written as int, read as long: must fit 32 bits */
    LAC_OP_LONG,       /* to int64_t */
    LAC_OP_STRING,     /* checked UTF-8; also for what was written as bytes */
    LAC_OP_BYTES,      /* also for what was written as string */
    LAC_OP_FIXED,      /* n bytes */
    LAC_OP_ENUM,       /* n symbols of the writer, mapped by table[jump...] */
    LAC_OP_UNION,      /* n branches: goes on at table[jump + branch] */
    LAC_OP_JUMP,       /* goes on at `jump` */
    LAC_OP_FAIL,       /* this branch has no place in our type */
    LAC_OP_LOOP,       /* array or map to `offset` and `count_offset`; ends behind op `jump` */
    LAC_OP_NEXT,       /* end of the body of the loop at `jump` */
    LAC_OP_SKIP,       /* n bytes */
    LAC_OP_SKIP_BOOL,  /* 0 or 1 */
    LAC_OP_SKIP_LONG,  /* a number */
    LAC_OP_SKIP_ENUM,  /* a number below n */
    LAC_OP_SKIP_BYTES, /* length and bytes */
    LAC_OP_SKIP_LOOP,  /* array or map that is dropped; ends behind op `jump` */
    LAC_OP_SKIP_NEXT,  /* end of the body of the loop at `jump` */
};

struct lac_op {
    enum lac_op_code code;
    uint16_t path; /* into paths: where an error is */
    uint32_t jump;
    uint32_t offset;
    uint32_t count_offset;
    uint32_t n;
    uint32_t item_size;
    uint32_t min_bytes; /* of an item in the writer's bytes; 0: items have no bytes at all */
    const struct lac_record_type *type;
};

struct lac_op_path {
    uint16_t parent;  /* 0: the root */
    const char *name; /* static: the reader's field, or words */
};

enum { LAC_OP_PATHS_MAX = 4096 };

struct lac_opprogram {
    const struct lac_record_type *type;
    struct lac_op *ops;
    size_t op_count;
    int32_t *table; /* enum maps (-1: unknown symbol) and jump tables */
    size_t table_count;
    struct lac_op_path *paths;
    size_t path_count;
};

#endif
