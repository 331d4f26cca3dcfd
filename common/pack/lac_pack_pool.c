/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_pool.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 << 10 };

struct lac_pack_block {
    struct lac_pack_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char data[];
};

void *lac_pack_pool_alloc(struct lac_pack_pool *p, size_t size)
{
    struct lac_pack_block *b = p->blocks;
    size_t room = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *out;

    if (room < size)
        return NULL;
    if (!b || b->size - b->used < room) {
        size_t capacity = room > BLOCK_SIZE ? room : BLOCK_SIZE;

        b = calloc(1, sizeof(*b) + capacity);
        if (!b)
            return NULL;
        b->size = capacity;
        b->next = p->blocks;
        p->blocks = b;
    }
    out = b->data + b->used;
    b->used += room;
    return out;
}

struct lac_str lac_pack_pool_copy(struct lac_pack_pool *p, struct lac_str text)
{
    char *copy = lac_pack_pool_alloc(p, text.len + 1);

    if (!copy)
        return LAC_STR_NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return (struct lac_str){copy, text.len};
}

void lac_pack_pool_deinit(struct lac_pack_pool *p)
{
    while (p->blocks) {
        struct lac_pack_block *b = p->blocks;

        p->blocks = b->next;
        free(b);
    }
}
