/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives each unit to the cheapest thing that nominates its places. In this order:
 *
 * 1. four bytes at a word's start, of its literal beginning or of a literal inside;
 * 2. the shape of the token it begins with, when such tokens have digits or are long;
 * 3. a long run of letters, digits and joints, when every match begins with one;
 * 4. three bytes at a word's start;
 * 5. a rare symbol at a known distance;
 * 6. its context words, when it has nothing to say without;
 * 7. any token's shape, any symbol;
 * 8. Vectorscan, which sees every byte of every text: nothing built in needs it.
 */
#include "lac_match_internal.h"

#include <string.h>

#include "lac_match_regex_internal.h"

enum {
    BACK_MAX = 64,       /* starts that one literal may nominate */
    SYMBOL_BACK_MAX = 8, /* likewise for a symbol */
    CROWD = 8,           /* more literals with the same first bytes are made one */
};

static bool is_alnum(char c)
{
    return lac_match_is_alnum((unsigned char)c);
}

/* How many of four bytes at a word's start a literal gives, and where; 0: none that are sure to be
 * one's start. `sure`: the literal itself begins where a word does. */
static unsigned key_in(struct lac_str t, bool sure, size_t *at)
{
    unsigned best = 0;

    for (size_t i = 0; i + 2 < t.len; i++) {
        unsigned n = t.len - i < 4 ? 3 : 4;

        if (!is_alnum(t.ptr[i]) || (i == 0 ? !sure : is_alnum(t.ptr[i - 1])))
            continue;
        if (n > best) {
            best = n;
            *at = i;
        }
    }
    return best;
}

static struct lac_str prefix_at(const struct lac_match_regex_info *info, size_t i)
{
    return (struct lac_str){info->prefix[i].text, info->prefix[i].len};
}

static bool may_start(const struct lac_match_draft *d)
{
    return d->info.word_start || d->parts;
}

/* What the worst of the prefixes gives. */
static unsigned prefix_keys(const struct lac_match_draft *d)
{
    unsigned worst = d->info.prefix_count ? 4 : 0;

    for (size_t i = 0; i < d->info.prefix_count; i++) {
        size_t at;
        unsigned n = key_in(prefix_at(&d->info, i), may_start(d), &at);

        worst = n < worst ? n : worst;
    }
    return worst;
}

static struct lac_str inner_of(const struct lac_match_regex_info *info)
{
    return (struct lac_str){info->inner, info->inner_len};
}

static unsigned inner_key(const struct lac_match_draft *d, size_t *at)
{
    const struct lac_match_regex_info *info = &d->info;

    if (info->inner_max - info->inner_min > BACK_MAX)
        return 0;
    return key_in(inner_of(info), may_start(d) && info->inner_max == 0, at);
}

static enum lac_status out_of_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, 0, "match: no memory for a pattern's literals");
}

static uint32_t rule_of(const struct lac_match_build *b, uint32_t unit)
{
    const struct lac_match_unit *units = (const void *)b->section[LAC_MATCH_S_UNITS].ptr;

    return units[unit].rule;
}

/* Adds a literal; its index, or SIZE_MAX. */
static size_t put_literal(struct lac_match_build *b, uint32_t unit, struct lac_str text,
                          bool nocase, size_t key, unsigned back_min, unsigned back_max)
{
    struct lac_buf *t = &b->section[LAC_MATCH_S_TEXT];
    struct lac_buf *out = &b->section[LAC_MATCH_S_LITERALS];
    struct lac_match_literal l = {
        .text = {(uint32_t)t->len, (uint32_t)text.len},
        .unit = unit,
        .key = (uint16_t)key,
        .nocase = nocase,
        .rule = rule_of(b, unit),
        .back_min = (uint16_t)back_min,
        .back_max = (uint16_t)back_max,
    };
    size_t index = out->len / sizeof(l);

    for (size_t i = 0; i < 8 && key + i < text.len; i++) {
        uint64_t c = (unsigned char)text.ptr[key + i];

        /* A letter's case is one bit. */
        l.mask |= (uint64_t)(nocase && lac_match_is_alpha((unsigned)c) ? 0xDF : 0xFF) << (8 * i);
        l.value |= c << (8 * i);
    }
    l.value &= l.mask;
    lac_buf_put_str(t, text);
    lac_buf_put(out, &l, sizeof(l));
    return lac_buf_ok(t) && lac_buf_ok(out) ? index : SIZE_MAX;
}

static enum lac_status by_word(struct lac_match_build *b, uint32_t unit, struct lac_str text,
                               bool nocase, unsigned back_min, unsigned back_max,
                               struct lac_err *err)
{
    bool sure = back_max == 0 && may_start(&b->draft);
    size_t key = 0;
    size_t index;

    key_in(text, sure, &key);
    index = put_literal(b, unit, text, nocase, key, back_min, back_max);
    if (index == SIZE_MAX)
        return out_of_memory(err);
    lac_match_put_prefix(b, (struct lac_str){text.ptr + key, text.len - key}, nocase,
                         LAC_MATCH_ENTRY_LITERAL, index);
    return LAC_OK;
}

/* Whether prefixes `i` and `k` are looked for by the same bytes. */
static bool same_key(const struct lac_match_draft *d, size_t i, size_t k)
{
    struct lac_str a = prefix_at(&d->info, i), b = prefix_at(&d->info, k);
    size_t at = 0;

    key_in(a, may_start(d), &at);
    return a.len >= at + 4 && b.len >= at + 4 && memcmp(a.ptr, b.ptr, at + 4) == 0;
}

/* Makes one of the prefixes that are looked for by the same bytes as `i`: what they have in
 * common. */
static void join_prefixes(struct lac_match_draft *d, size_t i)
{
    struct lac_match_regex_info *info = &d->info;
    size_t kept = i + 1;
    uint8_t len = info->prefix[i].len;

    for (size_t k = i + 1; k < info->prefix_count; k++) {
        uint8_t n = 0;

        if (!same_key(d, i, k)) {
            info->prefix[kept++] = info->prefix[k];
            continue;
        }
        while (n < len && n < info->prefix[k].len &&
               info->prefix[i].text[n] == info->prefix[k].text[n])
            n++;
        len = n;
    }
    info->prefix[i].len = len;
    info->prefix_count = (uint16_t)kept;
}

/* `"auth"\s{0,3}:` has a prefix for each way to write the blanks. All would be compared wherever
 * one might be. */
static void join_crowds(struct lac_match_draft *d)
{
    for (size_t i = 0; i < d->info.prefix_count; i++) {
        size_t crowd = 0;

        for (size_t k = i; k < d->info.prefix_count; k++)
            crowd += same_key(d, i, k);
        if (crowd > CROWD)
            join_prefixes(d, i);
    }
}

/* Those that begin furthest before their keyed bytes come first: where several stand at one place,
 * the leftmost start is tried first. */
static enum lac_status by_prefixes(struct lac_match_build *b, uint32_t unit, struct lac_err *err)
{
    const struct lac_match_regex_info *info = &b->draft.info;
    enum lac_status status = LAC_OK;

    join_crowds(&b->draft);
    for (size_t before = LAC_MATCH_REGEX_PREFIX_BYTES + 1; before-- > 0;)
        for (size_t i = 0; i < info->prefix_count && status == LAC_OK; i++) {
            size_t at = 0;

            key_in(prefix_at(info, i), may_start(&b->draft), &at);
            if (at == before)
                status = by_word(b, unit, prefix_at(info, i), info->prefix_nocase, 0, 0, err);
        }
    return status;
}

static enum lac_status by_inner(struct lac_match_build *b, uint32_t unit, struct lac_err *err)
{
    const struct lac_match_regex_info *info = &b->draft.info;

    return by_word(b, unit, inner_of(info), info->inner_nocase, info->inner_min, info->inner_max,
                   err);
}

/* ---- shapes ---- */

/* Whether tokens of these shapes are rare enough to be looked at one by one. */
static bool shapes_are_rare(const struct lac_match_regex_info *info)
{
    for (size_t i = 0; i < info->shape_count; i++) {
        const struct lac_match_regex_shape *s = &info->shape[i];

        if (s->digits == 0 && (s->longer || s->len <= LAC_MATCH_SHAPE_EXACT))
            return false;
    }
    return info->shape_count > 0;
}

static enum lac_status by_shape(struct lac_match_build *b, uint32_t unit, struct lac_err *err)
{
    const struct lac_match_regex_info *info = &b->draft.info;
    struct lac_buf *out = &b->section[LAC_MATCH_S_SHAPES];
    const struct lac_match_unit *u =
        (const struct lac_match_unit *)(const void *)b->section[LAC_MATCH_S_UNITS].ptr + unit;
    uint8_t gated = b->draft.gated;

    for (size_t i = 0; i < info->shape_count; i++) {
        const struct lac_match_regex_shape *s = &info->shape[i];
        struct lac_match_shape shape = {.digits = s->digits,
                                        .alphas = s->alphas,
                                        .follow = s->follow,
                                        .unit = unit,
                                        .rule = rule_of(b, unit),
                                        .len = s->len,
                                        .ends = s->ends,
                                        .longer = s->longer};

        for (size_t k = 0; k < LAC_COUNT(shape.next); k++) {
            size_t place = s->len + k + 1u;

            shape.next[k] = place < u->head_len ? u->head[place] : UINT16_MAX;
        }
        lac_buf_put(out, &shape, sizeof(shape));
        lac_buf_put(&b->shape_gated, &gated, 1);
    }
    return lac_buf_ok(out) && lac_buf_ok(&b->shape_gated) ? LAC_OK : out_of_memory(err);
}

/* ---- symbols ---- */

/* How seldom a symbol stands in a text; 0: no symbol. */
static unsigned rarity(unsigned char c)
{
    if (c <= ' ' || c >= 0x7F || lac_match_is_alnum(c))
        return 0;
    if (lac_match_is_in(c, "@+$#%&*=~^|{}<>\\`;!?"))
        return 3;
    return lac_match_is_in(c, "/:\"'()[]") ? 2 : 1;
}

/* The rarest symbol of a literal; its index, or SIZE_MAX. */
static size_t symbol_in(struct lac_str t, unsigned *how)
{
    size_t best = SIZE_MAX;

    *how = 0;
    for (size_t i = 0; i < t.len; i++)
        if (rarity((unsigned char)t.ptr[i]) > *how) {
            *how = rarity((unsigned char)t.ptr[i]);
            best = i;
        }
    return best;
}

static unsigned prefix_symbols(const struct lac_match_regex_info *info)
{
    unsigned worst = info->prefix_count ? 3 : 0;

    for (size_t i = 0; i < info->prefix_count; i++) {
        unsigned how;

        symbol_in(prefix_at(info, i), &how);
        worst = how < worst ? how : worst;
    }
    return worst;
}

static unsigned inner_symbol(const struct lac_match_regex_info *info)
{
    unsigned how = 0;

    unsigned reach = (unsigned)(info->inner_max - info->inner_min);

    if (info->inner_len > 0)
        symbol_in(inner_of(info), &how);
    /* A rare symbol is worth many starts: an '@' decides before a common token does. */
    return reach <= (how == 3 ? BACK_MAX : SYMBOL_BACK_MAX) ? how : 0;
}

static enum lac_status put_symbol(struct lac_match_build *b, uint32_t unit, struct lac_str text,
                                  bool nocase, unsigned back_min, unsigned back_max,
                                  struct lac_err *err)
{
    unsigned how;
    size_t at = symbol_in(text, &how);
    size_t index = put_literal(b, unit, text, nocase, at, back_min, back_max);
    struct lac_match_key k = {(unsigned char)text.ptr[at], {.kind = LAC_MATCH_ENTRY_LITERAL}};

    k.entry.index = (uint32_t)index;
    lac_buf_put(&b->symbols, &k, sizeof(k));
    return index != SIZE_MAX && lac_buf_ok(&b->symbols) ? LAC_OK : out_of_memory(err);
}

static enum lac_status by_symbol(struct lac_match_build *b, uint32_t unit, struct lac_err *err)
{
    const struct lac_match_regex_info *info = &b->draft.info;
    enum lac_status status = LAC_OK;

    if (inner_symbol(info) > prefix_symbols(info))
        return put_symbol(b, unit, inner_of(info), info->inner_nocase, info->inner_min,
                          info->inner_max, err);
    for (size_t i = 0; i < info->prefix_count && status == LAC_OK; i++)
        status = put_symbol(b, unit, prefix_at(info, i), info->prefix_nocase, 0, 0, err);
    return status;
}

/* ---- what the first bytes may be ---- */

#define OF_KINDS(K)                                                                            \
    {                                                                                          \
        [0 ... 0x1F] = K(0), ['!'] = K(0), ['#' ... '*'] = K(0), [','] = K(0),                 \
               [';' ... '<'] = K(0), ['>' ... '@'] = K(0), ['[' ... '^'] = K(0), ['`'] = K(0), \
               ['{' ... 0x7F] = K(0), ['0' ... '9'] = K(1), ['a' ... 'f'] = K(2),              \
               ['g' ... 'z'] = K(3), ['A' ... 'F'] = K(4),                                     \
               ['G' ... 'Z'] = K(5), ['_'] = K(6), ['-'] = K(7), ['.'] = K(8), [' '] = K(9),   \
               ['/'] = K(10), [':'] = K(11), ['+'] = K(12), ['='] = K(13), ['"'] = K(14),      \
               [0x80 ... 0xFF] = K(15)                                                         \
    }
#define BIT(i)   (1u << (i))
#define INDEX(i) (i)

const uint16_t lac_match_kind[256] = OF_KINDS(BIT);
const uint8_t lac_match_kind_index[256] = OF_KINDS(INDEX);

uint16_t lac_match_kinds_of(const struct lac_match_regex_set *set)
{
    unsigned kinds = 0;

    for (unsigned c = 0; c < 256; c++)
        if (lac_match_regex_set_has(set, (unsigned char)c))
            kinds |= lac_match_kind[c];
    return (uint16_t)kinds;
}

/* The kinds that an element's byte `k` may have. */
static uint16_t kinds_at(const struct lac_match_regex *p, const struct lac_match_regex_element *e,
                         size_t k)
{
    const unsigned char *literals = (const unsigned char *)p + p->literals + e->literal;
    const struct lac_match_regex_set *sets = (const void *)((const char *)p + p->sets);
    unsigned kinds = 0;

    if (e->op == REGEX_OP_SET)
        return lac_match_kinds_of(&sets[e->arg]);
    for (unsigned c = 0; c < 256; c++)
        if ((c & literals[e->min + k]) == literals[k])
            kinds |= lac_match_kind[c];
    return (uint16_t)kinds;
}

void lac_match_head(const struct lac_match_regex *p, struct lac_match_unit *u)
{
    const char *base = (const char *)p;
    const struct lac_match_regex_element *elements = (const void *)(base + p->elements);
    const uint16_t *edges = (const void *)(base + p->edges);
    uint32_t in[LAC_MATCH_REGEX_ELEMENTS] = {0}; /* bit: an offset at which it may begin */

    u->head_len = p->min_width < LAC_MATCH_HEAD ? p->min_width : LAC_MATCH_HEAD;
    for (size_t k = 0; k < p->first_edge_count; k++)
        in[edges[k]] = 1;
    for (size_t i = 0; i < p->element_count; i++) {
        const struct lac_match_regex_element *e = &elements[i];
        bool literal = e->op == REGEX_OP_LITERAL;
        uint32_t out = 0;

        for (size_t from = 0; from < LAC_MATCH_HEAD; from++) {
            size_t most = literal ? e->min : e->max;

            if (!(in[i] >> from & 1))
                continue;
            for (size_t k = 0; e->op != REGEX_OP_ASSERT && k < most && from + k < LAC_MATCH_HEAD;
                 k++)
                u->head[from + k] |= kinds_at(p, e, k);
            for (size_t n = e->min; n <= (literal ? e->min : e->max) && from + n < LAC_MATCH_HEAD;
                 n++)
                out |= 1u << (from + n);
        }
        for (size_t k = 0; k < e->edge_count; k++)
            in[edges[e->edge + k]] |= out;
    }
}

/* ---- long runs ---- */

static bool in_runs(const struct lac_match_regex_set *set)
{
    for (int c = 0; c < 256; c++)
        if (lac_match_regex_set_has(set, (unsigned char)c) && !lac_match_is_alnum((unsigned)c) &&
            !lac_match_is_in((unsigned char)c, "_-+/"))
            return false;
    return true;
}

static bool literal_in_runs(const unsigned char *bytes, size_t len, size_t *n)
{
    for (*n = 0; *n < len; (*n)++)
        if (!lac_match_is_alnum(bytes[*n]) && !lac_match_is_in(bytes[*n], "_-+/"))
            return false;
    return true;
}

uint32_t lac_match_run_least(const struct lac_match_regex *p)
{
    const char *base = (const char *)p;
    const struct lac_match_regex_element *elements = (const void *)(base + p->elements);
    const struct lac_match_regex_set *sets = (const void *)(base + p->sets);
    const uint16_t *edges = (const void *)(base + p->edges);
    const unsigned char *literals = (const void *)(base + p->literals);
    uint32_t least[LAC_MATCH_REGEX_ELEMENTS];
    uint32_t all = UINT32_MAX;

    /* In topological order, so each one's followers are behind it. */
    for (size_t i = p->element_count; i-- > 0;) {
        const struct lac_match_regex_element *e = &elements[i];
        uint32_t behind = e->accepts ? 0 : UINT32_MAX;
        size_t n = 0;
        bool on = true;

        for (size_t k = 0; k < e->edge_count; k++) {
            uint32_t next = least[edges[e->edge + k]];

            behind = next < behind ? next : behind;
        }
        if (e->op == REGEX_OP_SET) {
            on = in_runs(&sets[e->arg]);
            n = on ? e->min : 0;
        } else if (e->op == REGEX_OP_LITERAL) {
            on = literal_in_runs(literals + e->literal, e->min, &n);
        }
        least[i] = (uint32_t)n + (on && behind != UINT32_MAX ? behind : 0);
    }
    for (size_t k = 0; k < p->first_edge_count; k++)
        all = least[edges[k]] < all ? least[edges[k]] : all;
    return all == UINT32_MAX ? 0 : all;
}

static uint32_t run_least(const struct lac_match_build *b, uint32_t unit)
{
    const struct lac_match_unit *u =
        (const void *)(b->section[LAC_MATCH_S_UNITS].ptr + unit * sizeof(*u));

    return lac_match_run_least((const void *)(b->section[LAC_MATCH_S_PROGRAMS].ptr + u->program));
}

static enum lac_status by_run(struct lac_match_build *b, uint32_t unit, uint32_t least,
                              struct lac_err *err)
{
    struct lac_match_run run = {.unit = unit, .least = least, .rule = rule_of(b, unit)};

    lac_buf_put(&b->section[LAC_MATCH_S_RUNS], &run, sizeof(run));
    return lac_buf_ok(&b->section[LAC_MATCH_S_RUNS]) ? LAC_OK : out_of_memory(err);
}

/* ---- */

static enum lac_status by_list(struct lac_match_build *b, enum lac_match_section section,
                               uint32_t unit, struct lac_err *err)
{
    lac_buf_put(&b->section[section], &unit, sizeof(unit));
    return lac_buf_ok(&b->section[section]) ? LAC_OK : out_of_memory(err);
}

enum lac_status lac_match_route(struct lac_match_build *b, uint32_t unit, struct lac_err *err)
{
    const struct lac_match_draft *d = &b->draft;
    const struct lac_match_regex_info *info = &d->info;
    unsigned prefix = prefix_keys(d);
    size_t at;
    unsigned inner = inner_key(d, &at);
    unsigned symbol_p = prefix_symbols(info);
    unsigned symbol_i = inner_symbol(info);
    unsigned symbol = symbol_p > symbol_i ? symbol_p : symbol_i;
    uint32_t least;

    if (!info->supported)
        return by_list(b, LAC_MATCH_S_REST_UNITS, unit, err);
    least = run_least(b, unit);
    if (prefix == 4)
        return by_prefixes(b, unit, err);
    if (inner == 4)
        return by_inner(b, unit, err);
    if (shapes_are_rare(info))
        return by_shape(b, unit, err);
    if (least >= LAC_MATCH_RUN_LEAST)
        return by_run(b, unit, least, err);
    if (prefix == 3)
        return by_prefixes(b, unit, err);
    if (inner == 3)
        return by_inner(b, unit, err);
    if (symbol == 3)
        return by_symbol(b, unit, err);
    if (d->gated)
        return by_list(b, LAC_MATCH_S_LOOSE, unit, err);
    if (info->shape_count > 0)
        return by_shape(b, unit, err);
    if (symbol > 0)
        return by_symbol(b, unit, err);
    return by_list(b, LAC_MATCH_S_REST_UNITS, unit, err);
}
