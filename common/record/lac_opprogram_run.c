/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter. */
#include "lac_assert.h"
#include "lac_codec.h"
#include "lac_opprogram_ops.h"

struct loop {
    char *base;   /* of the surroundings */
    char *items;  /* NULL: dropped */
    size_t count; /* items read */
    size_t capacity;
    size_t left; /* in this block */
    struct lac_block block;
};

struct machine {
    struct lac_decoder d;
    const struct lac_opprogram *program;
    char *base;
    size_t pc;
    size_t empty_items;
    unsigned depth;
    struct loop loops[LAC_OPPROGRAM_LOOPS_MAX];
};

/* Enters the next block of a kept array, or ends it. */
static const uint8_t *next_block(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    struct loop *l = &m->loops[m->depth - 1];
    struct lac_block b;

    p = lac_decode_block(&m->d, p, op->min_bytes, &b);
    if (!p)
        return NULL;
    if (b.count == 0) {
        memcpy(l->base + op->offset, &l->items, sizeof(l->items));
        memcpy(l->base + op->count_offset, &l->count, sizeof(l->count));
        m->base = l->base;
        m->depth--;
        m->pc = op->jump + 1;
        return p;
    }
    if (op->min_bytes == 0) {
        if (b.count > LAC_OPPROGRAM_EMPTY_MAX - m->empty_items)
            return lac_decode_fail(&m->d, p, "too many items without bytes");
        m->empty_items += b.count;
    }
    l->items = lac_decode_grow(&m->d, p, l->items, l->count, &l->capacity, b.count, op->item_size);
    if (!l->items)
        return NULL;
    l->left = b.count;
    l->block = b;
    m->base = l->items + l->count * op->item_size;
    m->pc = (size_t)(op - m->program->ops) + 1;
    return p;
}

static const uint8_t *open_loop(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    LAC_ASSERT(m->depth < LAC_OPPROGRAM_LOOPS_MAX); /* the compiler has counted */
    m->loops[m->depth++] = (struct loop){.base = m->base};
    return next_block(m, op, p);
}

static const uint8_t *next_item(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    struct loop *l = &m->loops[m->depth - 1];

    /* The LOOP step has filled it, which the analyzer can't know.
     * NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
    l->count++;
    if (--l->left > 0) {
        m->base = l->items + l->count * op->item_size;
        m->pc = (size_t)(op - m->program->ops) + 1;
        return p;
    }
    p = lac_decode_block_end(&m->d, p, &l->block);
    return p ? next_block(m, op, p) : NULL;
}

/* A dropped array: blocks with a size are jumped over, items without bytes need no loop. */
static const uint8_t *next_skipped_block(struct machine *m, const struct lac_op *op,
                                         const uint8_t *p)
{
    struct lac_block b;

    do {
        p = lac_decode_block(&m->d, p, op->min_bytes, &b);
        if (!p)
            return NULL;
        if (b.end)
            p = b.end;
    } while (b.count > 0 && (b.end || op->min_bytes == 0));
    if (b.count == 0) {
        m->depth--;
        m->pc = op->jump + 1;
    } else {
        m->loops[m->depth - 1].left = b.count;
        m->pc = (size_t)(op - m->program->ops) + 1;
    }
    return p;
}

static const uint8_t *open_skipped_loop(struct machine *m, const struct lac_op *op,
                                        const uint8_t *p)
{
    LAC_ASSERT(m->depth < LAC_OPPROGRAM_LOOPS_MAX);
    m->loops[m->depth++] = (struct loop){0};
    return next_skipped_block(m, op, p);
}

static const uint8_t *next_skipped_item(struct machine *m, const struct lac_op *op,
                                        const uint8_t *p)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): as in next_item() */
    if (--m->loops[m->depth - 1].left > 0) {
        m->pc = (size_t)(op - m->program->ops) + 1;
        return p;
    }
    return next_skipped_block(m, op, p);
}

static const uint8_t *choose_branch(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    const uint8_t *at = p;
    int64_t branch;

    p = lac_decode_long(&m->d, p, &branch);
    if (!p)
        return NULL;
    if (branch < 0 || branch >= (int64_t)op->n)
        return lac_decode_fail(&m->d, at, "union has no such branch");
    m->pc = (size_t)m->program->table[op->jump + (uint32_t)branch];
    return p;
}

static const uint8_t *read_enum(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    const uint8_t *at = p;
    int symbol = 0;
    int32_t ours;

    p = lac_decode_enum(&m->d, p, (int)op->n, &symbol);
    if (!p)
        return NULL;
    ours = m->program->table[op->jump + (uint32_t)symbol];
    if (ours < 0)
        return lac_decode_fail(&m->d, at, "enum symbol is unknown here");
    memcpy(m->base + op->offset, &ours, sizeof(ours));
    return p;
}

static const uint8_t *skip_text(struct machine *m, const uint8_t *p)
{
    struct lac_str dropped;

    return lac_decode_bytes(&m->d, p, &dropped);
}

static const uint8_t *skip_bytes(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    if (op->n > (size_t)(m->d.end - p))
        return lac_decode_fail(&m->d, p, "ends in the middle");
    return p + op->n;
}

static const uint8_t *int_as_long(struct machine *m, const uint8_t *p, void *to)
{
    int32_t narrow = 0;
    int64_t wide;

    p = lac_decode_int(&m->d, p, &narrow);
    wide = narrow;
    if (p)
        memcpy(to, &wide, sizeof(wide));
    return p;
}

/* The steps that drop a value. */
static const uint8_t *step_skip(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    int64_t number;
    int symbol;
    bool flag;

    switch (op->code) {
    case LAC_OP_SKIP:
        return skip_bytes(m, op, p);
    case LAC_OP_SKIP_BOOL:
        return lac_decode_bool(&m->d, p, &flag);
    case LAC_OP_SKIP_LONG:
        return lac_decode_long(&m->d, p, &number);
    case LAC_OP_SKIP_ENUM:
        return lac_decode_enum(&m->d, p, (int)op->n, &symbol);
    case LAC_OP_SKIP_BYTES:
        return skip_text(m, p);
    case LAC_OP_SKIP_LOOP:
        return open_skipped_loop(m, op, p);
    default:
        LAC_ASSERT(op->code == LAC_OP_SKIP_NEXT);
        return next_skipped_item(m, &m->program->ops[op->jump], p);
    }
}

/* One step. Returns the new position; `pc` already points at the following step. */
static const uint8_t *step(struct machine *m, const struct lac_op *op, const uint8_t *p)
{
    void *to = m->base + op->offset;

    switch (op->code) {
    case LAC_OP_INIT:
        op->type->init(to);
        return p;
    case LAC_OP_SET:
        *(bool *)to = true;
        return p;
    case LAC_OP_BOOL:
        return lac_decode_bool(&m->d, p, to);
    case LAC_OP_INT:
        return lac_decode_int(&m->d, p, to);
    case LAC_OP_INT_LONG:
        return int_as_long(m, p, to);
    case LAC_OP_LONG:
        return lac_decode_long(&m->d, p, to);
    case LAC_OP_STRING:
        return lac_decode_string(&m->d, p, to);
    case LAC_OP_BYTES:
        return lac_decode_bytes(&m->d, p, to);
    case LAC_OP_FIXED:
        return lac_decode_fixed(&m->d, p, to, op->n);
    case LAC_OP_ENUM:
        return read_enum(m, op, p);
    case LAC_OP_UNION:
        return choose_branch(m, op, p);
    case LAC_OP_JUMP:
        m->pc = op->jump;
        return p;
    case LAC_OP_FAIL:
        return lac_decode_fail(&m->d, p, "the writer's type does not fit here");
    case LAC_OP_LOOP:
        return open_loop(m, op, p);
    case LAC_OP_NEXT:
        return next_item(m, &m->program->ops[op->jump], p);
    default:
        return step_skip(m, op, p);
    }
}

/* Innermost first, as the generated decoders do. */
static void add_path(struct machine *m, const struct lac_op *op)
{
    const struct lac_op_path *paths = m->program->paths;

    for (unsigned i = op->path; i != 0; i = paths[i].parent)
        (void)lac_decode_in(&m->d, paths[i].name);
}

LAC_FLATTEN enum lac_status lac_opprogram_run(const struct lac_opprogram *program, void *out,
                                              struct lac_str bytes, struct lac_arena *a,
                                              struct lac_err *err)
{
    const struct lac_op *op;
    struct machine m;
    const uint8_t *p;

    lac_decoder_init(&m.d, bytes, a);
    m.program = program;
    m.base = out;
    m.pc = 0;
    m.empty_items = 0;
    m.depth = 0;
    p = m.d.start;
    for (op = program->ops; op->code != LAC_OP_END; op = &program->ops[m.pc]) {
        m.pc++;
        p = step(&m, op, p);
        if (!p) {
            add_path(&m, op);
            break;
        }
    }
    return lac_decode_finish(&m.d, p, program->type->name, err);
}
