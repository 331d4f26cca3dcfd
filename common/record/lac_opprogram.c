/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler: resolves a writer's schema against our type. */
#include "lac_opprogram.h"

#include <stdlib.h>

#include "lac_assert.h"
#include "lac_opprogram_ops.h"

enum { TABLE_MAX = 1 << 16 };

/* A mismatch inside one branch of a writer's union only matters when that branch is written;
 * everything else that is not OK ends the compilation. */
enum outcome { DONE, MISMATCH, BROKEN };

struct compiler {
    struct lac_opprogram *p;
    struct lac_err *err; /* the last mismatch is here too: it is the answer if nothing helps */
    size_t op_capacity, table_capacity, path_capacity;
    size_t walked;
    unsigned loops;
};

static enum outcome broken(struct compiler *c, enum lac_status status, const char *why)
{
    (void)lac_err_set(c->err, status, 0, "%s: the writer's schema %s", c->p->type->name, why);
    return BROKEN;
}

/* Doubles an array when it is full, up to `max`. */
static enum outcome room(struct compiler *c, void **items, size_t count, size_t *capacity,
                         size_t max, size_t item_size)
{
    size_t want = *capacity ? *capacity * 2 : 64;
    void *grown;

    if (count < *capacity)
        return DONE;
    if (want > max)
        want = max;
    if (count >= want)
        return broken(c, LAC_REJECT, "is too large");
    grown = realloc(*items, want * item_size);
    if (!grown)
        return broken(c, LAC_RETRY, "does not fit into memory");
    *items = grown;
    *capacity = want;
    return DONE;
}

static enum outcome emit(struct compiler *c, struct lac_op op)
{
    void *ops = c->p->ops;
    enum outcome outcome =
        room(c, &ops, c->p->op_count, &c->op_capacity, LAC_OPPROGRAM_OPS_MAX, sizeof(op));

    c->p->ops = ops;
    if (outcome == DONE)
        c->p->ops[c->p->op_count++] = op;
    return outcome;
}

static enum outcome add_table(struct compiler *c, size_t n, uint32_t *start)
{
    *start = (uint32_t)c->p->table_count;
    for (size_t i = 0; i < n; i++) {
        void *table = c->p->table;
        enum outcome outcome =
            room(c, &table, c->p->table_count, &c->table_capacity, TABLE_MAX, sizeof(*c->p->table));

        c->p->table = table;
        if (outcome != DONE)
            return outcome;
        c->p->table[c->p->table_count++] = -1;
    }
    return DONE;
}

static enum outcome add_path(struct compiler *c, uint16_t parent, const char *name, uint16_t *out)
{
    void *paths = c->p->paths;
    enum outcome outcome = room(c, &paths, c->p->path_count, &c->path_capacity, LAC_OP_PATHS_MAX,
                                sizeof(*c->p->paths));

    c->p->paths = paths;
    if (outcome != DONE)
        return outcome;
    c->p->paths[c->p->path_count] = (struct lac_op_path){parent, name};
    *out = (uint16_t)c->p->path_count++;
    return DONE;
}

static const char *const our_kinds[] = {
    [LAC_FIELD_BOOL] = "boolean",  [LAC_FIELD_INT] = "int",      [LAC_FIELD_LONG] = "long",
    [LAC_FIELD_STRING] = "string", [LAC_FIELD_BYTES] = "bytes",  [LAC_FIELD_FIXED] = "fixed",
    [LAC_FIELD_ENUM] = "enum",     [LAC_FIELD_RECORD] = "record"};

static enum outcome mismatch(struct compiler *c, uint16_t path, const char *ours,
                             const struct lac_schema_node *w)
{
    (void)lac_err_set(c->err, LAC_REJECT, 0, "%s: %s is %s here and %s in the writer's schema",
                      c->p->type->name, path ? c->p->paths[path].name : "the value", ours,
                      lac_schema_kind_name(w->kind));
    return MISMATCH;
}

/* Every step into a schema node: bounds the whole work and finds recursion. */
static enum outcome enter(struct compiler *c, struct lac_schema_node *w)
{
    if (++c->walked > LAC_OPPROGRAM_WALK_MAX)
        return broken(c, LAC_REJECT, "is too large");
    if (w->kind == LAC_SCHEMA_RECORD) {
        if (w->open)
            return broken(c, LAC_REJECT, "contains itself");
        w->open = true;
    }
    return DONE;
}

static void leave(struct lac_schema_node *w)
{
    if (w->kind == LAC_SCHEMA_RECORD)
        w->open = false;
}

/* Fewest bytes of a value, remembered in the node. */
static enum outcome measure(struct compiler *c, struct lac_schema_node *w)
{
    uint64_t sum = 0;
    enum outcome outcome;

    if (w->measured)
        return DONE;
    outcome = enter(c, w);
    if (outcome != DONE)
        return outcome;
    if (w->kind == LAC_SCHEMA_FIXED)
        sum = w->size;
    else if (w->kind != LAC_SCHEMA_RECORD)
        sum = 1; /* an index, a count, or the end of the blocks */
    else
        for (size_t i = 0; i < w->count && outcome == DONE; i++) {
            outcome = measure(c, w->fields[i].type);
            sum += w->fields[i].type->min_bytes;
        }
    leave(w);
    w->min_bytes = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    w->measured = outcome == DONE;
    return outcome;
}

static enum outcome skip(struct compiler *c, struct lac_schema_node *w, uint16_t path);

/* Opens a loop at the end of the program; `loop` is its index. */
static enum outcome open_loop(struct compiler *c, struct lac_op op, struct lac_schema_node *w,
                              size_t *loop)
{
    enum outcome outcome = measure(c, w->items);

    if (outcome != DONE)
        return outcome;
    if (++c->loops > LAC_OPPROGRAM_LOOPS_MAX)
        return broken(c, LAC_REJECT, "nests too deeply");
    op.min_bytes = w->items->min_bytes;
    if (w->kind == LAC_SCHEMA_MAP && op.min_bytes < UINT32_MAX)
        op.min_bytes++; /* the key */
    *loop = c->p->op_count;
    return emit(c, op);
}

static enum outcome close_loop(struct compiler *c, enum lac_op_code code, size_t loop)
{
    struct lac_op op = {.code = code, .path = c->p->ops[loop].path, .jump = (uint32_t)loop};

    c->loops--;
    c->p->ops[loop].jump = (uint32_t)c->p->op_count;
    return emit(c, op);
}

static enum outcome skip_loop(struct compiler *c, struct lac_schema_node *w, uint16_t path)
{
    size_t loop = 0;
    enum outcome outcome =
        open_loop(c, (struct lac_op){.code = LAC_OP_SKIP_LOOP, .path = path}, w, &loop);

    if (outcome == DONE && w->kind == LAC_SCHEMA_MAP)
        outcome = emit(c, (struct lac_op){.code = LAC_OP_SKIP_BYTES, .path = path});
    if (outcome == DONE)
        outcome = skip(c, w->items, path);
    return outcome == DONE ? close_loop(c, LAC_OP_SKIP_NEXT, loop) : outcome;
}

typedef enum outcome branch_fn(struct compiler *c, struct lac_schema_node *branch, uint16_t path,
                               const struct lac_field *f, uint32_t base);

/* Emits a switch over the writer's branches, each compiled by `fn`. MISMATCH if none fits. */
static enum outcome each_branch(struct compiler *c, struct lac_schema_node *w, uint16_t path,
                                branch_fn *fn, const struct lac_field *f, uint32_t base)
{
    uint32_t table, exits;
    bool fits = false;
    enum outcome outcome = add_table(c, w->count, &table);

    if (outcome == DONE)
        outcome = add_table(c, w->count, &exits); /* only used while compiling */
    if (outcome == DONE)
        outcome = emit(
            c, (struct lac_op){
                   .code = LAC_OP_UNION, .path = path, .jump = table, .n = (uint32_t)w->count});
    for (size_t i = 0; i < w->count && outcome == DONE; i++) {
        size_t start = c->p->op_count;
        unsigned loops = c->loops;

        c->p->table[table + i] = (int32_t)start;
        outcome = fn(c, w->branches[i], path, f, base);
        if (outcome == MISMATCH) {
            c->p->op_count = start;
            c->loops = loops;
            outcome = emit(c, (struct lac_op){.code = LAC_OP_FAIL, .path = path});
            continue;
        }
        fits = true;
        if (i + 1 == w->count)
            break; /* already where the others jump to */
        c->p->table[exits + i] = (int32_t)c->p->op_count;
        if (outcome == DONE)
            outcome = emit(c, (struct lac_op){.code = LAC_OP_JUMP, .path = path});
    }
    if (outcome != DONE)
        return outcome;
    for (size_t i = 0; i < w->count; i++) {
        if (c->p->table[exits + i] >= 0)
            c->p->ops[c->p->table[exits + i]].jump = (uint32_t)c->p->op_count;
        /* A branch without any steps, which null is, needs no jump of its own. */
        if (c->p->table[table + i] == c->p->table[exits + i])
            c->p->table[table + i] = (int32_t)c->p->op_count;
    }
    /* Inside an array it only matters if there is an item. */
    return fits || c->loops > 0 ? DONE : MISMATCH;
}

static enum outcome skip_branch(struct compiler *c, struct lac_schema_node *branch, uint16_t path,
                                const struct lac_field *f, uint32_t base)
{
    (void)f;
    (void)base;
    return skip(c, branch, path);
}

static enum outcome skip_bytes(struct compiler *c, uint32_t n, uint16_t path)
{
    if (n == 0)
        return DONE;
    return emit(c, (struct lac_op){.code = LAC_OP_SKIP, .path = path, .n = n});
}

/* Emits what reads one value and drops it. */
static enum outcome skip(struct compiler *c, struct lac_schema_node *w, uint16_t path)
{
    struct lac_op op = {.path = path, .n = (uint32_t)w->count};
    enum outcome outcome = enter(c, w);

    if (outcome != DONE)
        return outcome;
    switch (w->kind) {
    case LAC_SCHEMA_NULL:
        break;
    case LAC_SCHEMA_BOOLEAN:
        op.code = LAC_OP_SKIP_BOOL;
        return emit(c, op);
    case LAC_SCHEMA_INT:
    case LAC_SCHEMA_LONG:
        op.code = LAC_OP_SKIP_LONG;
        return emit(c, op);
    case LAC_SCHEMA_ENUM:
        op.code = LAC_OP_SKIP_ENUM;
        return emit(c, op);
    case LAC_SCHEMA_BYTES:
    case LAC_SCHEMA_STRING:
        op.code = LAC_OP_SKIP_BYTES;
        return emit(c, op);
    case LAC_SCHEMA_FLOAT:
        return skip_bytes(c, 4, path);
    case LAC_SCHEMA_DOUBLE:
        return skip_bytes(c, 8, path);
    case LAC_SCHEMA_FIXED:
        return skip_bytes(c, w->size, path);
    case LAC_SCHEMA_ARRAY:
    case LAC_SCHEMA_MAP:
        return skip_loop(c, w, path);
    case LAC_SCHEMA_UNION:
        return each_branch(c, w, path, skip_branch, NULL, 0);
    case LAC_SCHEMA_RECORD:
        for (size_t i = 0; i < w->count && outcome == DONE; i++)
            outcome = skip(c, w->fields[i].type, path);
        leave(w);
        break;
    }
    return outcome;
}

static enum outcome read_record(struct compiler *c, const struct lac_record_type *t,
                                struct lac_schema_node *w, uint16_t path, uint32_t base);

static enum outcome read_enum(struct compiler *c, const struct lac_field *f,
                              const struct lac_schema_node *w, uint16_t path, uint32_t offset)
{
    const struct lac_enum_type *ours = f->enum_type;
    struct lac_op op = {
        .code = LAC_OP_ENUM, .path = path, .offset = offset, .n = (uint32_t)w->count};
    enum outcome outcome = add_table(c, w->count, &op.jump);

    if (outcome != DONE)
        return outcome;
    for (size_t i = 0; i < w->count; i++) {
        c->p->table[op.jump + i] = ours->fallback;
        for (size_t j = 0; j < ours->symbol_count; j++) {
            if (lac_str_is(w->symbols[i], ours->symbols[j]))
                c->p->table[op.jump + i] = (int32_t)j;
        }
    }
    return emit(c, op);
}

/* The step that reads `w` as our kind, or LAC_OP_END when the specification has no way. */
static enum lac_op_code promotion(enum lac_field_kind ours, enum lac_schema_kind theirs)
{
    switch (ours) {
    case LAC_FIELD_BOOL:
        return theirs == LAC_SCHEMA_BOOLEAN ? LAC_OP_BOOL : LAC_OP_END;
    case LAC_FIELD_INT:
        return theirs == LAC_SCHEMA_INT ? LAC_OP_INT : LAC_OP_END;
    case LAC_FIELD_LONG:
        if (theirs == LAC_SCHEMA_INT)
            return LAC_OP_INT_LONG;
        return theirs == LAC_SCHEMA_LONG ? LAC_OP_LONG : LAC_OP_END;
    case LAC_FIELD_STRING:
    case LAC_FIELD_BYTES:
        if (theirs != LAC_SCHEMA_STRING && theirs != LAC_SCHEMA_BYTES)
            return LAC_OP_END;
        return ours == LAC_FIELD_STRING ? LAC_OP_STRING : LAC_OP_BYTES;
    case LAC_FIELD_FIXED:
        return theirs == LAC_SCHEMA_FIXED ? LAC_OP_FIXED : LAC_OP_END;
    case LAC_FIELD_ENUM:
        return theirs == LAC_SCHEMA_ENUM ? LAC_OP_ENUM : LAC_OP_END;
    case LAC_FIELD_RECORD:
        break;
    }
    return LAC_OP_END;
}

/* One value that is not a union, to `offset`. */
static enum outcome read_value(struct compiler *c, struct lac_schema_node *w, uint16_t path,
                               const struct lac_field *f, uint32_t offset)
{
    struct lac_op op = {.path = path, .offset = offset, .n = f->fixed_size};

    if (w->kind == LAC_SCHEMA_UNION)
        return each_branch(c, w, path, read_value, f, offset);
    if (f->kind == LAC_FIELD_RECORD) {
        if (w->kind != LAC_SCHEMA_RECORD)
            return mismatch(c, path, "record", w);
        op.code = LAC_OP_INIT;
        op.type = f->record_type;
        if (emit(c, op) != DONE)
            return BROKEN;
        return read_record(c, f->record_type, w, path, offset);
    }
    op.code = promotion(f->kind, w->kind);
    if (op.code == LAC_OP_END)
        return mismatch(c, path, our_kinds[f->kind], w);
    if (f->type_name && !lac_str_is(lac_schema_short_name(w->fullname), f->type_name))
        return mismatch(c, path, "another type", w);
    if (op.code == LAC_OP_FIXED && w->size != f->fixed_size)
        return mismatch(c, path, "a fixed of another size", w);
    if (op.code == LAC_OP_ENUM)
        return read_enum(c, f, w, path, offset);
    return emit(c, op);
}

static enum outcome read_loop(struct compiler *c, struct lac_schema_node *w, uint16_t path,
                              const struct lac_field *f, uint32_t base)
{
    const bool map = f->shape == LAC_SHAPE_MAP;
    struct lac_op op = {.code = LAC_OP_LOOP,
                        .path = path,
                        .offset = base + f->offset,
                        .count_offset = base + f->count_offset,
                        .item_size = f->item_size};
    size_t loop = 0;
    enum outcome outcome;

    if (w->kind == LAC_SCHEMA_UNION)
        return each_branch(c, w, path, read_loop, f, base);
    if (w->kind != (map ? LAC_SCHEMA_MAP : LAC_SCHEMA_ARRAY))
        return mismatch(c, path, map ? "map" : "array", w);
    outcome = open_loop(c, op, w, &loop);
    if (outcome == DONE && map)
        outcome = emit(c, (struct lac_op){.code = LAC_OP_STRING,
                                          .path = path,
                                          .offset = offsetof(struct lac_pair, key)});
    if (outcome == DONE)
        outcome =
            read_value(c, w->items, path, f, map ? (uint32_t)offsetof(struct lac_pair, value) : 0);
    return outcome == DONE ? close_loop(c, LAC_OP_NEXT, loop) : outcome;
}

static enum outcome read_optional(struct compiler *c, struct lac_schema_node *w, uint16_t path,
                                  const struct lac_field *f, uint32_t base)
{
    struct lac_op op = {.code = LAC_OP_SET, .path = path, .offset = base + f->flag_offset};

    if (w->kind == LAC_SCHEMA_UNION)
        return each_branch(c, w, path, read_optional, f, base);
    if (w->kind == LAC_SCHEMA_NULL)
        return DONE; /* absent is what init has left */
    if (f->flag_offset && emit(c, op) != DONE)
        return BROKEN;
    return read_value(c, w, path, f, base + f->offset);
}

static enum outcome read_field(struct compiler *c, struct lac_schema_node *w, uint16_t path,
                               const struct lac_field *f, uint32_t base)
{
    switch (f->shape) {
    case LAC_SHAPE_ARRAY:
    case LAC_SHAPE_MAP:
        return read_loop(c, w, path, f, base);
    case LAC_SHAPE_OPTIONAL:
        return read_optional(c, w, path, f, base);
    case LAC_SHAPE_PLAIN:
        break;
    }
    return read_value(c, w, path, f, base + f->offset);
}

/* The writer's field for ours: by our name, else by one of our aliases. */
static const struct lac_schema_field *writers_field(const struct lac_schema_node *w,
                                                    const struct lac_field *f)
{
    for (size_t i = 0; i < w->count; i++) {
        if (lac_str_is(w->fields[i].name, f->name))
            return &w->fields[i];
    }
    for (const char *const *alias = f->aliases; alias && *alias; alias++) {
        for (size_t i = 0; i < w->count; i++) {
            if (lac_str_is(w->fields[i].name, *alias))
                return &w->fields[i];
        }
    }
    return NULL;
}

static const struct lac_field *our_field(const struct lac_record_type *t,
                                         const struct lac_schema_node *w,
                                         const struct lac_schema_field *theirs)
{
    for (size_t i = 0; i < t->field_count; i++) {
        if (writers_field(w, &t->fields[i]) == theirs)
            return &t->fields[i];
    }
    return NULL;
}

static enum outcome read_fields(struct compiler *c, const struct lac_record_type *t,
                                struct lac_schema_node *w, uint16_t path, uint32_t base)
{
    const struct lac_field *ours = t->fields;

    LAC_ASSERT(ours);
    for (size_t i = 0; i < w->count; i++) {
        const struct lac_field *f = our_field(t, w, &w->fields[i]);
        enum outcome outcome;
        uint16_t here;

        outcome = add_path(c, path, f ? f->name : "(dropped)", &here);
        if (outcome == DONE)
            outcome = f ? read_field(c, w->fields[i].type, here, f, base)
                        : skip(c, w->fields[i].type, here);
        if (outcome != DONE)
            return outcome;
    }
    for (size_t i = 0; i < t->field_count; i++) {
        if (ours[i].has_default || writers_field(w, &ours[i]))
            continue;
        (void)lac_err_set(c->err, LAC_REJECT, 0,
                          "%s: %s.%s has no default and is missing in the writer's schema",
                          c->p->type->name, t->name, ours[i].name);
        return MISMATCH;
    }
    return DONE;
}

/*
 * Records match by name alone; whether their fields do only matters once one is read. So an item
 * of an array that can't be read does no harm while there are none.
 */
static enum outcome read_record(struct compiler *c, const struct lac_record_type *t,
                                struct lac_schema_node *w, uint16_t path, uint32_t base)
{
    const size_t start = c->p->op_count;
    const unsigned loops = c->loops;
    enum outcome outcome;

    if (!lac_str_is(lac_schema_short_name(w->fullname), t->name))
        return mismatch(c, path, "another type", w);
    outcome = enter(c, w);
    if (outcome != DONE)
        return outcome;
    outcome = read_fields(c, t, w, path, base);
    leave(w);
    if (outcome == MISMATCH && loops > 0) {
        c->p->op_count = start;
        c->loops = loops;
        outcome = emit(c, (struct lac_op){.code = LAC_OP_FAIL, .path = path});
    }
    return outcome;
}

static enum outcome read_root(struct compiler *c, struct lac_schema_node *w, uint16_t path,
                              const struct lac_field *f, uint32_t base)
{
    (void)f;
    if (w->kind == LAC_SCHEMA_UNION)
        return each_branch(c, w, path, read_root, NULL, base);
    if (w->kind != LAC_SCHEMA_RECORD)
        return mismatch(c, path, "record", w);
    return read_record(c, c->p->type, w, path, base);
}

enum lac_status lac_opprogram_new(struct lac_opprogram **out, const struct lac_record_type *t,
                                  struct lac_schema_node *root, struct lac_err *err)
{
    struct lac_err own = {0};
    struct compiler c = {.err = err ? err : &own};
    enum outcome outcome;
    uint16_t top;

    *out = NULL;
    c.p = calloc(1, sizeof(*c.p));
    if (!c.p)
        return lac_err_set(err, LAC_RETRY, 0, "record: no memory for a writer's schema");
    c.p->type = t;
    outcome = add_path(&c, 0, "", &top);
    if (outcome == DONE)
        outcome = emit(&c, (struct lac_op){.code = LAC_OP_INIT, .type = t});
    if (outcome == DONE)
        outcome = read_root(&c, root, top, NULL, 0);
    if (outcome == DONE)
        outcome = emit(&c, (struct lac_op){.code = LAC_OP_END});
    if (outcome != DONE) {
        lac_opprogram_free(c.p);
        LAC_ASSERT(c.err->status != LAC_OK); /* whoever was not DONE has said why */
        return c.err->status;
    }
    *out = c.p;
    return LAC_OK;
}

void lac_opprogram_free(struct lac_opprogram *p)
{
    if (!p)
        return;
    free(p->ops);
    free(p->table);
    free(p->paths);
    free(p);
}
