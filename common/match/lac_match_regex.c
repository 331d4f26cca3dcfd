/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a program, and checks one that comes from outside. */
#include "lac_match_regex_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"

_Static_assert(sizeof(struct lac_match_regex_element) == 16, "written to files");
_Static_assert(sizeof(struct lac_match_regex) % LAC_MATCH_REGEX_ALIGN == 0, "elements follow");

static size_t round_up(size_t n)
{
    return (n + LAC_MATCH_REGEX_ALIGN - 1) / LAC_MATCH_REGEX_ALIGN * LAC_MATCH_REGEX_ALIGN;
}

static size_t bits_list(const struct lac_match_regex_bits *b, size_t count, uint16_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (lac_match_regex_bit(b, i)) {
            if (out)
                out[n] = (uint16_t)i;
            n++;
        }
    return n;
}

/* ---- writing ---- */

/* The sets that pieces use, in the order of their first use: the tree has others. */
static size_t used_sets(const struct lac_match_regex_work *w, uint16_t *map, uint16_t *used)
{
    size_t n = 0;

    for (size_t i = 0; i < w->set_count; i++)
        map[i] = UINT16_MAX;
    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];

        if (p->op != REGEX_OP_ASSERT && map[p->arg] == UINT16_MAX) {
            map[p->arg] = (uint16_t)n;
            used[n++] = p->arg;
        }
    }
    return n;
}

static enum lac_status layout(const struct lac_match_regex_work *w, size_t set_count,
                              struct lac_match_regex *r)
{
    size_t edges = bits_list(&w->start, w->piece_count, NULL);
    size_t at = sizeof(*r);

    r->magic = REGEX_MAGIC;
    r->min_width = (uint16_t)w->min_width;
    r->max_width = (uint16_t)w->max_width;
    r->element_count = (uint16_t)w->piece_count;
    r->set_count = (uint16_t)set_count;
    r->first_edge_count = (uint16_t)edges;
    r->literal_bytes = (uint32_t)w->literal_bytes;
    for (size_t i = 0; i < w->piece_count; i++)
        edges += bits_list(&w->follow[i], w->piece_count, NULL);
    if (edges > REGEX_EDGES)
        return LAC_REJECT;
    r->edge_count = (uint16_t)edges;
    r->elements = (uint32_t)at;
    at += w->piece_count * sizeof(struct lac_match_regex_element);
    r->sets = (uint32_t)at;
    at += set_count * sizeof(struct lac_match_regex_set);
    r->edges = (uint32_t)at;
    at += edges * sizeof(uint16_t);
    r->literals = (uint32_t)at;
    at += w->literal_bytes;
    r->size = (uint32_t)round_up(at);
    return LAC_OK;
}

static void write_program(const struct lac_match_regex_work *w, const struct lac_match_regex *r,
                          const uint16_t *map, const uint16_t *used, char *out)
{
    struct lac_match_regex_element *elements = (void *)(out + r->elements);
    struct lac_match_regex_set *sets = (void *)(out + r->sets);
    uint16_t *edges = (void *)(out + r->edges);
    size_t edge = bits_list(&w->start, w->piece_count, edges);

    memcpy(out, r, sizeof(*r));
    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];
        size_t n = bits_list(&w->follow[i], w->piece_count, edges + edge);

        elements[i] = (struct lac_match_regex_element){
            .op = p->op,
            .accepts = p->accepts,
            .arg = p->op == REGEX_OP_ASSERT ? p->arg : map[p->arg],
            .min = p->min,
            .max = p->max,
            .edge = (uint16_t)edge,
            .edge_count = (uint16_t)n,
            .literal = p->literal,
        };
        edge += n;
    }
    for (size_t i = 0; i < r->set_count; i++)
        sets[i] = w->sets[used[i]];
    if (r->literal_bytes > 0)
        memcpy(out + r->literals, w->literals, r->literal_bytes);
}

/* Whether each element leads to the next one alone, and only the last accepts. */
static bool is_linear(const struct lac_match_regex *r)
{
    const char *base = (const char *)r;
    const struct lac_match_regex_element *e = (const void *)(base + r->elements);
    const uint16_t *edges = (const void *)(base + r->edges);
    bool linear = r->first_edge_count == 1 && edges[0] == 0;

    for (size_t i = 0; i < r->element_count && linear; i++) {
        bool last = i + 1U == r->element_count;

        linear =
            e[i].accepts == last && e[i].edge_count == !last && (last || edges[e[i].edge] == i + 1);
    }
    return linear;
}

static void mark_linear(struct lac_match_regex *r)
{
    if (is_linear(r))
        r->flags |= REGEX_LINEAR;
}

static enum lac_status emit(struct lac_match_regex_work *w, const struct lac_match_regex_info *info,
                            struct lac_buf *out, struct lac_err *err)
{
    uint16_t map[REGEX_SETS], used[REGEX_SETS] = {0};
    struct lac_match_regex r = {
        .first = info->first, .flags = info->word_start ? REGEX_WORD_START : 0, .cost = info->cost};
    size_t set_count = used_sets(w, map, used);
    size_t pad = round_up(out->len) - out->len;
    char *memory;

    if (layout(w, set_count, &r) != LAC_OK) {
        w->unsupported = "too many of its parts may follow each other";
        return LAC_OK;
    }
    LAC_ASSERT(r.size <= LAC_MATCH_REGEX_BYTES);
    memory = lac_buf_reserve(out, pad + r.size);
    if (!memory)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a pattern's program");
    lac_match_regex_must(w, &r);
    memset(memory, 0, pad + r.size);
    write_program(w, &r, map, used, memory + pad);
    mark_linear((void *)(memory + pad));
    lac_buf_commit(out, pad + r.size);
    return LAC_OK;
}

static void unsupported(struct lac_match_regex_info *info, const char *why)
{
    *info = (struct lac_match_regex_info){0};
    memcpy(info->reason, why, strnlen(why, sizeof(info->reason) - 1));
}

static enum lac_status compile(struct lac_match_regex_work *w, struct lac_buf *out,
                               struct lac_match_regex_info *info, struct lac_err *err)
{
    enum lac_status status = lac_match_regex_parse(w, err);

    if (status == LAC_OK && !w->unsupported)
        status = lac_match_regex_build(w, err);
    if (status == LAC_OK && !w->unsupported) {
        lac_match_regex_analyse(w, info);
        if (info->cost > LAC_MATCH_REGEX_COST)
            return lac_err_set(err, LAC_REJECT, 0,
                               "it could take %u steps per byte of text, and %d are the limit: let "
                               "it begin with \\b or a literal, or make its repeats shorter",
                               info->cost, LAC_MATCH_REGEX_COST);
        status = emit(w, info, out, err);
    }
    if (status == LAC_OK && w->unsupported)
        unsupported(info, w->unsupported);
    return status;
}

struct lac_match_regex_work *lac_match_regex_work_new(void)
{
    return malloc(sizeof(struct lac_match_regex_work));
}

void lac_match_regex_work_free(struct lac_match_regex_work *w)
{
    free(w);
}

enum lac_status lac_match_regex_compile_in(struct lac_match_regex_work *w, struct lac_buf *out,
                                           struct lac_str pattern,
                                           struct lac_match_regex_info *info, struct lac_err *err)
{
    *info = (struct lac_match_regex_info){0};
    if (pattern.len > LAC_MATCH_REGEX_PATTERN)
        return lac_err_set(err, LAC_REJECT, 0, "a pattern of more than %d bytes",
                           LAC_MATCH_REGEX_PATTERN);
    memset(w, 0, offsetof(struct lac_match_regex_work, nodes));
    w->pattern = pattern;
    for (size_t i = 0; i < pattern.len; i++)
        w->utf8 = w->utf8 || (unsigned char)pattern.ptr[i] >= 0x80;
    return compile(w, out, info, err);
}

enum lac_status lac_match_regex_compile(struct lac_buf *out, struct lac_str pattern,
                                        struct lac_match_regex_info *info, struct lac_err *err)
{
    struct lac_match_regex_work *w = lac_match_regex_work_new();
    enum lac_status status;

    *info = (struct lac_match_regex_info){0};
    if (!w)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory to compile a pattern");
    status = lac_match_regex_compile_in(w, out, pattern, info, err);
    lac_match_regex_work_free(w);
    return status;
}

/* ---- checking ---- */

/* Whether `count` things of `size` bytes at `at` lie behind the header and inside of the program,
 * aligned as they must be. */
static bool inside(const struct lac_match_regex *r, uint32_t at, size_t count, size_t size,
                   size_t align)
{
    return at >= sizeof(*r) && at <= r->size && at % align == 0 && count * size <= r->size - at;
}

static bool edges_valid(const struct lac_match_regex *r, size_t first, size_t count, size_t above)
{
    const uint16_t *edges = (const void *)((const char *)r + r->edges);

    if (first + count > r->edge_count)
        return false;
    for (size_t i = first; i < first + count; i++)
        if (edges[i] < above || edges[i] >= r->element_count)
            return false;
    return true;
}

static bool element_valid(const struct lac_match_regex *r, size_t i)
{
    const struct lac_match_regex_element *e =
        (const struct lac_match_regex_element *)(const void *)((const char *)r + r->elements) + i;

    if (e->accepts > 1 || !edges_valid(r, e->edge, e->edge_count, i + 1))
        return false;
    switch (e->op) {
    case REGEX_OP_SET:
        return e->arg < r->set_count && e->min >= 1 && e->min <= e->max &&
               e->max <= LAC_MATCH_REGEX_WIDTH;
    case REGEX_OP_LITERAL:
        return e->arg < r->set_count && e->min >= 1 && e->min == e->max &&
               e->max <= LAC_MATCH_REGEX_WIDTH && e->literal <= r->literal_bytes &&
               2U * e->max <= r->literal_bytes - e->literal;
    case REGEX_OP_ASSERT:
        return e->arg < REGEX_ASSERTIONS && e->min == 0 && e->max == 0;
    default:
        return false;
    }
}

/* Whether every match begins with the text: then it is tried once, whatever the text's length. */
static bool begins_with_text(const struct lac_match_regex *r)
{
    const struct lac_match_regex_element *e = (const void *)((const char *)r + r->elements);
    const uint16_t *edges = (const void *)((const char *)r + r->edges);

    for (size_t i = 0; i < r->first_edge_count; i++)
        if (e[edges[i]].op != REGEX_OP_ASSERT || e[edges[i]].arg != REGEX_BEGIN)
            return false;
    return true;
}

/* What its elements can take from one start, as lac_match_regex_analyse() counts it. */
static uint64_t steps_of(const struct lac_match_regex *r)
{
    const struct lac_match_regex_element *e = (const void *)((const char *)r + r->elements);
    const uint16_t *edges = (const void *)((const char *)r + r->edges);
    uint32_t low[LAC_MATCH_REGEX_ELEMENTS], high[LAC_MATCH_REGEX_ELEMENTS] = {0};
    uint64_t sum = 0;

    for (size_t i = 0; i < r->element_count; i++)
        low[i] = UINT32_MAX;
    for (size_t i = 0; i < r->first_edge_count; i++)
        low[edges[i]] = 0;
    for (size_t i = 0; i < r->element_count; i++) {
        uint64_t offsets = low[i] <= high[i] ? high[i] - low[i] + 1U : 0;

        if (offsets == 0)
            continue; /* nothing leads there */
        sum += e[i].op == REGEX_OP_LITERAL ? offsets * e[i].min : offsets + e[i].max;
        for (size_t k = e[i].edge; k < (size_t)e[i].edge + e[i].edge_count; k++) {
            if (low[i] + e[i].min < low[edges[k]])
                low[edges[k]] = low[i] + e[i].min;
            if (high[i] + e[i].max > high[edges[k]])
                high[edges[k]] = high[i] + e[i].max;
        }
    }
    return sum;
}

/*
 * What a program from outside says that it costs can't be far too little. How far apart starts are
 * at least, by which the steps were divided, is no more than a prefix's length, and would take as
 * long to find out again as to compile the pattern.
 */
static bool cost_valid(const struct lac_match_regex *r)
{
    uint64_t apart = begins_with_text(r) ? LAC_MATCH_REGEX_WIDTH : LAC_MATCH_REGEX_PREFIX_BYTES;

    return r->cost <= LAC_MATCH_REGEX_COST && r->cost * apart >= steps_of(r);
}

const struct lac_match_regex *lac_match_regex_valid(struct lac_str bytes)
{
    const struct lac_match_regex *r = (const void *)bytes.ptr;

    if (!r || (uintptr_t)r % LAC_MATCH_REGEX_ALIGN != 0 || bytes.len < sizeof(*r) ||
        r->magic != REGEX_MAGIC || r->size < sizeof(*r) || r->size > bytes.len ||
        r->size > LAC_MATCH_REGEX_BYTES || r->size % LAC_MATCH_REGEX_ALIGN != 0)
        return NULL;
    if (r->min_width < 1 || r->min_width > r->max_width || r->max_width > LAC_MATCH_REGEX_WIDTH ||
        r->element_count < 1 || r->element_count > LAC_MATCH_REGEX_ELEMENTS ||
        r->edge_count > REGEX_EDGES || (r->flags & ~(REGEX_LINEAR | REGEX_WORD_START)) ||
        r->must_byte > UINT8_MAX || r->must_min > r->must_max ||
        r->must_max >= LAC_MATCH_REGEX_WIDTH)
        return NULL;
    if (!inside(r, r->elements, r->element_count, sizeof(struct lac_match_regex_element), 8) ||
        !inside(r, r->sets, r->set_count, sizeof(struct lac_match_regex_set), 1) ||
        !inside(r, r->edges, r->edge_count, sizeof(uint16_t), 2) ||
        !inside(r, r->literals, r->literal_bytes, 1, 1) ||
        !edges_valid(r, 0, r->first_edge_count, 0))
        return NULL;
    for (size_t i = 0; i < r->element_count; i++)
        if (!element_valid(r, i))
            return NULL;
    return ((r->flags & REGEX_LINEAR) && !is_linear(r)) || !cost_valid(r) ? NULL : r;
}

size_t lac_match_regex_size(const struct lac_match_regex *r)
{
    return r->size;
}

uint32_t lac_match_regex_cost(const struct lac_match_regex *r)
{
    return r->cost;
}

size_t lac_match_regex_max_width(const struct lac_match_regex *r)
{
    return r->max_width;
}
