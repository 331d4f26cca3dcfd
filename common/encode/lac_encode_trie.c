/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_trie.h"

#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"

enum {
    LABELS = 256,
    PLACES = 256, /* looked at before a node goes to the end: bounds time on hostile lists */
    FIRST_NODES = 1 << 16,
};

/* A node whose children are still to be placed: keys [from, to) that agree in `depth` bytes. */
struct range {
    uint32_t from, to, depth, node;
};

struct builder {
    struct lac_encode_trie *t;
    uint64_t *taken; /* bit: the place holds a node */
    uint64_t *based; /* bit: a node has this base */
    uint32_t capacity;
    uint32_t low;  /* no place below is free */
    uint32_t high; /* all places from here on are */
    struct range *stack;
    size_t stack_count, stack_capacity;
};

static bool bit(const uint64_t *bits, uint32_t at)
{
    return bits[at / 64] >> at % 64 & 1;
}

static void bit_set(uint64_t *bits, uint32_t at)
{
    bits[at / 64] |= (uint64_t)1 << at % 64;
}

static bool zeroed_realloc(void **memory, size_t from, size_t to)
{
    char *larger = realloc(*memory, to);

    if (!larger)
        return false;
    memset(larger + from, 0, to - from);
    *memory = larger;
    return true;
}

/* Makes room for a node with base `base` and any labels. */
static enum lac_status reach(struct builder *b, uint32_t base, struct lac_err *err)
{
    uint32_t to = b->capacity;

    if (base + LABELS <= b->capacity)
        return LAC_OK;
    if (base + LABELS > LAC_ENCODE_TRIE_NODES_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "the vocabulary makes too large an index");
    while (to < base + LABELS)
        to = to ? to * 2 : FIRST_NODES;
    if (!zeroed_realloc((void **)&b->t->nodes, b->capacity * sizeof(lac_encode_node),
                        to * sizeof(lac_encode_node)) ||
        !zeroed_realloc((void **)&b->taken, b->capacity / 8, to / 8) ||
        !zeroed_realloc((void **)&b->based, b->capacity / 8, to / 8))
        return lac_err_set(err, LAC_RETRY, 0, "no memory for the vocabulary's index");
    b->capacity = to;
    return LAC_OK;
}

static bool fits(const struct builder *b, uint32_t base, const unsigned char *labels, size_t count)
{
    if (bit(b->based, base))
        return false;
    for (size_t i = 0; i < count; i++)
        if (bit(b->taken, base + labels[i]))
            return false;
    return true;
}

/* Where a node with these children can have its base. Base 0 is that of places without a node. */
static enum lac_status find_base(struct builder *b, const unsigned char *labels, size_t count,
                                 uint32_t *base, struct lac_err *err)
{
    uint32_t place = b->low;
    enum lac_status status;

    for (; place < b->high && place < b->low + PLACES; place++) {
        if (bit(b->taken, place) || place <= labels[0])
            continue;
        *base = place - labels[0];
        status = reach(b, *base, err);
        if (status != LAC_OK || fits(b, *base, labels, count))
            return status;
    }
    if (count == 1)
        b->low = place; /* nearly anything fits one label: what is free up to here is no use */
    /* All places from here on are free; bases may have been given up to here already. */
    for (*base = b->high > labels[0] ? b->high - labels[0] : 1;; ++*base) {
        status = reach(b, *base, err);
        if (status != LAC_OK || fits(b, *base, labels, count))
            return status;
    }
}

static enum lac_status push(struct builder *b, struct range r, struct lac_err *err)
{
    if (b->stack_count == b->stack_capacity) {
        size_t capacity = b->stack_capacity ? b->stack_capacity * 2 : 1024;
        struct range *larger = realloc(b->stack, capacity * sizeof(*larger));

        if (!larger)
            return lac_err_set(err, LAC_RETRY, 0, "no memory for the vocabulary's index");
        b->stack = larger;
        b->stack_capacity = capacity;
    }
    b->stack[b->stack_count++] = r;
    return LAC_OK;
}

static lac_encode_node node_of(unsigned char label, int32_t id)
{
    return (uint64_t)(uint32_t)(id + 1) << 33 | label;
}

/* Finds the labels below a range, one per run of equal bytes; `starts` has one more, its end. */
static size_t labels_of(const struct lac_encode_trie_key *keys, const struct range *r,
                        unsigned char *labels, uint32_t *starts)
{
    size_t count = 0;

    for (uint32_t i = r->from; i < r->to; i++) {
        unsigned char label = (unsigned char)keys[i].text.ptr[r->depth];

        LAC_ASSERT(label != 0);
        if (count && labels[count - 1] == label)
            continue;
        labels[count] = label;
        starts[count++] = i;
    }
    starts[count] = r->to;
    return count;
}

/* Places the children of one node. `root` is set for the root, which has no place. */
static enum lac_status place(struct builder *b, const struct lac_encode_trie_key *keys,
                             struct range r, lac_encode_node *root, struct lac_err *err)
{
    unsigned char labels[LABELS];
    uint32_t starts[LABELS + 1], base;
    size_t count = labels_of(keys, &r, labels, starts);
    enum lac_status status;

    if (count == 0)
        return LAC_OK;
    status = find_base(b, labels, count, &base, err);
    if (status != LAC_OK)
        return status;
    bit_set(b->based, base);
    *(root ? root : &b->t->nodes[r.node]) |= (uint64_t)base << 8;
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        struct range child = {starts[i], starts[i + 1], r.depth + 1, base + labels[i]};
        bool ends = keys[child.from].text.len == child.depth;

        bit_set(b->taken, child.node);
        if (child.node >= b->high)
            b->high = child.node + 1;
        b->t->nodes[child.node] = node_of(labels[i], ends ? keys[child.from].id : -1);
        child.from += ends;
        if (child.from < child.to)
            status = push(b, child, err);
    }
    while (b->low < b->high && bit(b->taken, b->low))
        b->low++;
    return status;
}

static int by_text(const void *a, const void *b)
{
    const struct lac_encode_trie_key *x = a, *y = b;
    int order = lac_str_cmp(x->text, y->text);

    return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* Keeps the last of equal texts. Returns how many are left. */
static size_t unique(struct lac_encode_trie_key *keys, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        n -= n && lac_str_eq(keys[n - 1].text, keys[i].text);
        keys[n++] = keys[i];
    }
    return n;
}

static enum lac_status add(struct builder *b, struct lac_encode_trie_key *keys, size_t count,
                           lac_encode_node *root, struct lac_err *err)
{
    enum lac_status status;

    if (count)
        qsort(keys, count, sizeof(*keys), by_text);
    count = unique(keys, count);
    status = place(b, keys, (struct range){0, (uint32_t)count, 0, 0}, root, err);
    while (status == LAC_OK && b->stack_count) {
        struct range r = b->stack[--b->stack_count];

        status = place(b, keys, r, NULL, err);
    }
    return status;
}

enum lac_status lac_encode_trie_init(struct lac_encode_trie *t, struct lac_encode_trie_key *begin,
                                     size_t begin_count, struct lac_encode_trie_key *more,
                                     size_t more_count, struct lac_err *err)
{
    struct builder b = {.t = t, .low = 1, .high = 1};
    enum lac_status status;

    memset(t, 0, sizeof(*t));
    status = reach(&b, 0, err); /* base 0: what is behind a node without children, nothing */
    if (status == LAC_OK) {
        bit_set(b.based, 0);
        /* Places that base 0 reaches stay free, or a step from a leaf would arrive there. */
        for (uint32_t i = 0; i < LABELS; i++)
            bit_set(b.taken, i);
        b.low = b.high = LABELS;
        status = add(&b, begin, begin_count, &t->begin, err);
    }
    if (status == LAC_OK)
        status = add(&b, more, more_count, &t->more, err);
    t->count = b.capacity;
    free(b.taken);
    free(b.based);
    free(b.stack);
    return status;
}

void lac_encode_trie_deinit(struct lac_encode_trie *t)
{
    free(t->nodes);
    memset(t, 0, sizeof(*t));
}
