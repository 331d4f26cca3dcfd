/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_trie - longest match in a vocabulary, one load per byte
 *
 * Private to common/encode. A double array (Aoe 1989, "An Efficient Digital Search Algorithm by
 * Using a Double-Array Structure") with two roots: what may begin a word, and what may go on with
 * one ("##" taken off). A node is one word of 64 bits in which base, label and id lie together. The
 * label is enough to check a step, since no two nodes have the same base.
 *
 * Thread: any; immutable.
 */
#ifndef LAC_ENCODE_TRIE_H
#define LAC_ENCODE_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_ENCODE_TRIE_BASE_BITS = 25,
    LAC_ENCODE_TRIE_NODES_MAX = 1 << LAC_ENCODE_TRIE_BASE_BITS, /* 256 MiB */
};

/* id + 1 (0: none) << 33 | base << 8 | label. A free place has base 0 and label 0, which no text
 * has: it can't be stepped to, as labels of nodes are not 0. */
typedef uint64_t lac_encode_node;

struct lac_encode_trie {
    lac_encode_node *nodes; /* owned; 256 more than any base */
    uint32_t count;
    lac_encode_node begin, more; /* the two roots */
};

struct lac_encode_trie_key {
    struct lac_str text; /* not empty, no NUL in it */
    int32_t id;
};

static inline uint32_t lac_encode_node_base(lac_encode_node node)
{
    return (uint32_t)(node >> 8) & (LAC_ENCODE_TRIE_NODES_MAX - 1);
}

/* -1: nothing ends here. */
static inline int32_t lac_encode_node_id(lac_encode_node node)
{
    return (int32_t)(node >> 33) - 1;
}

/* The node behind `node` by `label`, or one without label and id where there is none. */
static inline bool lac_encode_trie_step(const struct lac_encode_trie *t, lac_encode_node *node,
                                        unsigned char label)
{
    *node = t->nodes[lac_encode_node_base(*node) + label];
    return (unsigned char)*node == label;
}

/*
 * Sorts both lists. Of equal texts the highest id counts. RETRY: no memory. REJECT: the entries
 * have so little in common that the array would be too large. Deinit in any case.
 */
enum lac_status lac_encode_trie_init(struct lac_encode_trie *t, struct lac_encode_trie_key *begin,
                                     size_t begin_count, struct lac_encode_trie_key *more,
                                     size_t more_count, struct lac_err *err) LAC_MUST_USE;
void lac_encode_trie_deinit(struct lac_encode_trie *t);

#endif
