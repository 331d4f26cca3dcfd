/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_batch.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_cli_pool.h"

enum {
    SLOTS_PER_THREAD = 3,
    TEXT_MAX = 16 << 20, /* a batch, or the longest line that there may be */
};

struct lac_cli_batches {
    struct lac_cli_batches_options o;
    struct lac_cli_pool *pool;
    struct lac_cli_batch *slots; /* [slot_count] */
    size_t slot_count;
    struct lac_cli_batch *filling; /* the slot in hand; NULL: none */
};

struct lac_str lac_cli_batch_line(const struct lac_cli_batch *b, size_t i)
{
    return lac_str_slice(lac_buf_str(&b->_text), i ? b->_lines[i - 1].end : 0, b->_lines[i].end);
}

static void work(void *ctx, unsigned worker, void *slot)
{
    struct lac_cli_batches *p = ctx;

    p->o.work(p->o.ctx, worker, slot);
}

static bool emit(void *ctx, void *slot)
{
    struct lac_cli_batches *p = ctx;

    return p->o.emit(p->o.ctx, slot);
}

static void tick(void *ctx)
{
    struct lac_cli_batches *p = ctx;

    if (p->o.tick)
        p->o.tick(p->o.ctx);
}

static enum lac_status make_slots(struct lac_cli_batches *p, struct lac_err *err)
{
    p->slots = calloc((size_t)p->o.threads * SLOTS_PER_THREAD, sizeof(*p->slots));
    for (; p->slots && p->slot_count < (size_t)p->o.threads * SLOTS_PER_THREAD; p->slot_count++) {
        struct lac_cli_batch *b = &p->slots[p->slot_count];

        b->made = calloc(1, p->o.made_size);
        if (!b->made)
            break;
        lac_buf_init(&b->_text, TEXT_MAX);
    }
    if (p->slot_count == (size_t)p->o.threads * SLOTS_PER_THREAD)
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
}

enum lac_status lac_cli_batches_open(struct lac_cli_batches **out,
                                     const struct lac_cli_batches_options *o, struct lac_err *err)
{
    struct lac_cli_batches *p = calloc(1, sizeof(*p));
    struct lac_cli_pool_options pool = {.threads = o->threads,
                                        .slot_size = sizeof(*p->slots),
                                        .ctx = p,
                                        .work = work,
                                        .emit = emit,
                                        .tick = tick};
    enum lac_status status;

    *out = NULL;
    if (!p)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    p->o = *o;
    status = make_slots(p, err);
    pool.slots = p->slots;
    pool.slot_count = p->slot_count;
    if (status == LAC_OK)
        status = lac_cli_pool_open(&p->pool, &pool, err);
    if (status == LAC_OK)
        *out = p;
    else
        lac_cli_batches_close(p);
    return status;
}

static void submit(struct lac_cli_batches *p)
{
    if (!p->filling)
        return;
    p->filling = NULL;
    lac_cli_pool_submit(p->pool);
    tick(p);
}

static bool has_room(const struct lac_cli_batch *b, const char *file, size_t len)
{
    return b->file == file && b->count < LAC_CLI_BATCH_LINES &&
           b->_text.len + len <= LAC_CLI_BATCH_BYTES;
}

enum lac_status lac_cli_batches_put(struct lac_cli_batches *p, const char *file, uint64_t number,
                                    struct lac_str line, struct lac_str tag, struct lac_err *err)
{
    struct lac_cli_batch *b;

    if (p->filling && !has_room(p->filling, file, line.len))
        submit(p);
    if (!p->filling) {
        p->filling = lac_cli_pool_slot(p->pool);
        if (!p->filling)
            return LAC_AGAIN;
        lac_buf_reset(&p->filling->_text);
        p->filling->file = file;
        p->filling->count = 0;
    }
    b = p->filling;
    lac_buf_put_str(&b->_text, line);
    if (!lac_buf_ok(&b->_text)) {
        p->filling = NULL; /* not a part of a line */
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the lines");
    }
    b->_lines[b->count].number = number;
    b->_lines[b->count].tag = tag;
    b->_lines[b->count++].end = b->_text.len;
    return LAC_OK;
}

void lac_cli_batches_close(struct lac_cli_batches *p)
{
    if (!p)
        return;
    submit(p);
    lac_cli_pool_close(p->pool);
    for (size_t i = 0; i < p->slot_count; i++) {
        if (p->o.release)
            p->o.release(p->slots[i].made);
        free(p->slots[i].made);
        lac_buf_deinit(&p->slots[i]._text);
    }
    free(p->slots);
    free(p);
}
