/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scan reads besides the image, made anew from it and the rules whenever one is opened: the
 * line of each rule, the code that it names, and which bytes can begin what.
 */
#include "lac_match_internal.h"

#include <stdlib.h>
#include <string.h>

#include "lac_match_table.h"

struct lac_match_live *lac_match_live_new(size_t count)
{
    size_t size = (count + 1) * sizeof(struct lac_match_live);
    struct lac_match_live *live = aligned_alloc(LAC_MATCH_LIVE_BYTES, size);

    if (live)
        memset(live, 0, size);
    return live;
}

enum lac_status lac_match_find_code(struct lac_match *m, size_t rule, struct lac_err *err)
{
    const struct lac_match_rule *r = &m->rules[rule];
    struct lac_match_live *live = &m->live[rule];

    live->validate = r->validator.len ? lac_match_validator_find(r->validator) : NULL;
    if (r->validator.len && !live->validate)
        return lac_err_set(err, LAC_REJECT, 0, "there is no validator '%.*s'",
                           LAC_STR_FMT(r->validator));
    live->detector = r->detector.len ? lac_match_detector_find(r->detector) : NULL;
    if (r->detector.len && !live->detector)
        return lac_err_set(err, LAC_REJECT, 0, "there is no detector '%.*s'",
                           LAC_STR_FMT(r->detector));
    return LAC_OK;
}

static bool has_tag(const struct lac_match_rule *r, const char *tag)
{
    for (size_t i = 0; i < r->tag_count; i++)
        if (lac_str_is(r->tags[i], tag))
            return true;
    return false;
}

/* Of numbers those whose validator has a check digit, or a form that none but they have: a date or
 * a prefix is soon made of two lines. */
static enum lac_match_join joins_of(const struct lac_match_rule *r, const struct lac_match_live *l)
{
    static const char *const loose[] = {"bic",          "date",       "id_nik", "luhn",   "mac",
                                        "letter_digit", "mixed_case", "us_ein", "my_nric"};

    if (r->strength != LAC_MATCH_FLOOR)
        return LAC_MATCH_JOIN_NONE;
    if (l->detector)
        return lac_match_detector_joins(l->detector);
    if (r->phrase_count > 0 || (!l->secret && !l->validate))
        return LAC_MATCH_JOIN_NONE;
    for (size_t i = 0; i < LAC_COUNT(loose); i++)
        if (!l->secret && lac_str_is(r->validator, loose[i]))
            return LAC_MATCH_JOIN_NONE;
    if (lac_str_is(r->validator, "last_word") || lac_str_is(r->validator, "last_quoted") ||
        lac_str_is(r->validator, "said_password"))
        return LAC_MATCH_JOIN_NONE; /* of any length, so that the next line would be of it */
    return l->secret ? LAC_MATCH_JOIN_TOKEN : LAC_MATCH_JOIN_NUMBER;
}

static void copy_rule(struct lac_match *m, size_t rule)
{
    const struct lac_match_rule *r = &m->rules[rule];
    const struct lac_match_image_rule *image = &m->image_rules[rule];
    struct lac_match_live *live = &m->live[rule];

    live->score = r->score;
    live->context_boost = r->context_boost;
    live->context_window = r->context_window;
    live->context_count = image->context_count;
    live->min_entropy = r->min_entropy;
    live->count = r->count;
    live->except = image->except;
    live->except_count = image->except_count;
    live->allow = image->allow;
    live->allow_count = image->allow_count;
    live->tier = (uint8_t)r->tier;
    live->strength = (uint8_t)r->strength;
    live->secret = has_tag(r, "SECRET");
    live->joins = (uint8_t)joins_of(r, live);
    live->below = live->detector && lac_match_detector_below(live->detector);
}

static void index_groups(struct lac_match *m)
{
    for (size_t i = 0; i < m->run_group_count && i < 64; i++) {
        const struct lac_match_run_group *g = &m->run_groups[i];

        for (uint64_t left = g->marks; left; left &= left - 1)
            m->groups_of_mark[__builtin_ctzll(left)] |= (uint64_t)1 << i;
        if (g->gated)
            m->groups_gated[g->block % 32] |= (uint64_t)1 << i;
        else
            m->groups_open |= (uint64_t)1 << i;
    }
}

/* Which literals a symbol may belong to, by the bytes before it: any where they begin behind them.
 */
static void index_symbols(struct lac_match *m)
{
    for (unsigned c = 0; c < 128; c++)
        for (uint32_t i = m->symbol_first[c]; i < m->symbol_first[c + 1]; i++) {
            const struct lac_match_literal *l = &m->literals[m->symbol_list[i]];
            uint32_t bit = lac_match_sieve_bit(i - m->symbol_first[c], LAC_MATCH_SIEVE_LAST);
            struct lac_str before = {m->text + l->text.at, l->key};

            for (size_t n = 0; n < LAC_MATCH_BEFORE; n++) {
                uint32_t *may = m->symbol_before[c][n];

                if (n < before.len)
                    may[lac_match_beside((unsigned char)before.ptr[before.len - 1 - n])] |= bit;
                for (unsigned k = 0; n >= before.len && k < LAC_MATCH_BESIDE; k++)
                    may[k] |= bit;
            }
        }
}

/* A run's mark is that of its literal's first three bytes, see lac_match_table.c. */
static void index_marks(struct lac_match *m)
{
    for (size_t i = 0; i < m->run_group_count; i++)
        for (size_t k = 0; k < m->run_groups[i].count; k++) {
            const struct lac_match_run *r = &m->runs[m->run_groups[i].first + k];
            struct lac_str literal = lac_match_text_of(m, m->units[r->unit].inner);

            for (unsigned n = 0;
                 r->mark != LAC_MATCH_MARK_ALWAYS && n < LAC_MATCH_TRIO && n < literal.len; n++)
                lac_match_trio_put(&m->run_trio, n, (unsigned char)literal.ptr[n],
                                   (unsigned char)literal.ptr[0] % LAC_MATCH_TRIO_BUCKETS);
        }
}

/* The bytes that a folded text's may stand for; behind a blank, which may be several, and behind
 * its end any. Entry i of a list is in bucket i modulo their number, see lac_match_add.c. */
static void put_example(struct lac_match_trio *t, struct lac_str text, unsigned bucket)
{
    bool any = false;

    for (unsigned n = 0; n < LAC_MATCH_TRIO; n++) {
        any = any || n >= text.len;
        for (unsigned c = 0; c < 256; c++)
            if (any || lac_match_fold_table[c] == (unsigned char)text.ptr[n])
                lac_match_trio_put(t, n, (unsigned char)c, bucket);
        any = any || text.ptr[n] == ' ';
    }
}

/* The first bytes of a hit that begins as the text does. No hit is empty, but its folded view may
 * be: it has any. */
static void put_first(uint64_t first[4], struct lac_str text)
{
    for (unsigned c = 0; c < 256; c++)
        if (c == 0 || text.len == 0 || lac_match_fold_table[c] == (unsigned char)text.ptr[0])
            first[c / 64] |= (uint64_t)1 << (c % 64);
}

/* Many rules share few lists of examples. */
static bool index_examples(struct lac_match *m)
{
    uint32_t *first = calloc(m->count + 1, sizeof(*first));
    size_t lists = 0;

    free(m->allow_lists);
    m->allow_lists = calloc(m->count + 1, sizeof(*m->allow_lists));
    for (size_t i = 0; first && m->allow_lists && i < m->count; i++) {
        struct lac_match_live *r = &m->live[i];
        size_t list = 0;

        while (list < lists && (m->live[first[list]].allow != r->allow ||
                                m->live[first[list]].allow_count != r->allow_count))
            list++;
        r->allow_list = (uint16_t)list;
        if (list < lists)
            continue;
        first[lists++] = (uint32_t)i;
        for (uint32_t k = 0; k < r->allow_count; k++) {
            const struct lac_match_around *a = &m->around[r->allow + k];

            if (a->flags & LAC_MATCH_AROUND_INSIDE)
                put_example(&m->allow_lists[list].inside, lac_match_text_of(m, a->before),
                            k % LAC_MATCH_TRIO_BUCKETS);
            else
                put_first(m->allow_lists[list].first, lac_match_text_of(m, a->before));
        }
    }
    free(first);
    return first && m->allow_lists;
}

/* The words that open a rule whose numbers may be joined. */
static bool index_number_words(struct lac_match *m)
{
    size_t words = m->image->section[LAC_MATCH_S_WORDS].size / sizeof(*m->words);
    uint64_t *rules = calloc(m->count / 64 + 1, sizeof(*rules));

    free(m->number_words);
    m->number_words = calloc(words / 64 + 1, sizeof(*m->number_words));
    m->number_blocks = 0;
    for (size_t i = 0; rules && i < m->count; i++)
        if (m->live[i].joins == LAC_MATCH_JOIN_NUMBER)
            rules[i / 64] |= (uint64_t)1 << (i % 64);
    for (size_t i = 0; rules && m->number_words && i < words; i++) {
        const struct lac_match_gates *g = m->gates + m->words[i].gates;

        for (uint32_t k = 0; k < m->words[i].gates_count; k++)
            if (g[k].rules & rules[g[k].block]) {
                m->number_words[i / 64] |= (uint64_t)1 << (i % 64);
                m->number_blocks |= (uint32_t)1 << (g[k].block % 32);
            }
    }
    free(rules);
    return rules && m->number_words;
}

enum lac_status lac_match_enliven(struct lac_match *m, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (!m->live)
        m->live = lac_match_live_new(m->count);
    if (!m->live)
        return lac_match_rules_no_memory(err);
    for (size_t i = 0; i < m->count && status == LAC_OK; i++) {
        status = lac_match_find_code(m, i, err);
        copy_rule(m, i);
    }
    index_groups(m);
    index_symbols(m);
    index_marks(m);
    if (status == LAC_OK && (!index_examples(m) || !index_number_words(m)))
        status = lac_match_rules_no_memory(err);
    return status;
}
