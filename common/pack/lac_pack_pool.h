/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_pool - memory that lives as long as a pack
 *
 * Private to common/pack. A pack is built once and dropped whole, and its size is only known when
 * it has been read: blocks are chained, and everything goes at once.
 *
 * Not thread-safe.
 */
#ifndef LAC_PACK_POOL_H
#define LAC_PACK_POOL_H

#include <stddef.h>

#include "lac_compiler.h"
#include "lac_str.h"

struct lac_pack_pool {
    struct lac_pack_block *blocks; /* the first one is being filled */
};

/* Zeroed, aligned for any object; NULL when memory ran out. */
void *lac_pack_pool_alloc(struct lac_pack_pool *p, size_t size) LAC_MUST_USE;

/* A copy; ptr NULL when memory ran out. An empty text is a valid, empty copy. */
struct lac_str lac_pack_pool_copy(struct lac_pack_pool *p, struct lac_str text) LAC_MUST_USE;

void lac_pack_pool_deinit(struct lac_pack_pool *p);

#endif
