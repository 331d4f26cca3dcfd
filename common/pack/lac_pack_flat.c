/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_flat.h"

#include <errno.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_pack_internal.h"

enum { NUMBERS = 12, TEXTS = 8, LISTS = 5, NUMBER_SIZE = 4 };

static const uint32_t absent = UINT32_MAX;

/* ---- writing ---- */

static void put_number(struct lac_buf *out, uint64_t n)
{
    for (unsigned i = 0; i < NUMBER_SIZE; i++)
        lac_buf_put_char(out, (char)(n >> (8 * i) & 0xFF));
}

static void put_text(struct lac_buf *out, struct lac_str text)
{
    put_number(out, text.ptr ? text.len : absent);
    if (!text.ptr)
        return;
    lac_buf_put_str(out, text);
    lac_buf_put_char(out, '\0');
}

static void put_list(struct lac_buf *out, const struct lac_str *texts, size_t count)
{
    put_number(out, count);
    for (size_t i = 0; i < count; i++)
        put_text(out, texts[i]);
}

static void put_rule(struct lac_buf *out, const struct lac_match_rule *r)
{
    const uint32_t numbers[NUMBERS] = {
        (uint32_t)r->tier,
        (uint32_t)r->strength,
        r->score,
        r->likelihood[0],
        r->likelihood[1],
        r->likelihood[2],
        r->min_entropy,
        r->count,
        (uint32_t)r->names | (uint32_t)r->redaction << 8,
        r->context_window,
        r->context_boost,
        (uint32_t)r->basis,
    };
    const struct lac_str texts[TEXTS] = {r->id,        r->entity, r->detector, r->pattern,
                                         r->validator, r->source, r->checked,  r->description};

    _Static_assert(LAC_TIER_COUNT == 3, "as many likelihoods");
    for (size_t i = 0; i < NUMBERS; i++)
        put_number(out, numbers[i]);
    for (size_t i = 0; i < TEXTS; i++)
        put_text(out, texts[i]);
    put_list(out, r->phrases, r->phrase_count);
    put_list(out, r->except, r->except_count);
    put_list(out, r->allow, r->allow_count);
    put_list(out, r->context, r->context_count);
    put_list(out, r->tags, r->tag_count);
}

void lac_pack_flat_put(const struct lac_match_rule *rules, size_t count, struct lac_buf *out)
{
    put_number(out, count);
    for (size_t i = 0; i < count; i++)
        put_rule(out, &rules[i]);
}

/* ---- reading ---- */

struct reader {
    struct lac_str rest;
    struct lac_pack *p;
    struct lac_err *err;
};

static enum lac_status refuse(struct reader *r)
{
    return lac_err_set(r->err, LAC_REJECT, 0, "pack: the rules that were read before are damaged");
}

static bool take_number(struct reader *r, uint32_t *out)
{
    const unsigned char *at = (const unsigned char *)r->rest.ptr;

    if (r->rest.len < NUMBER_SIZE)
        return false;
    *out = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    r->rest = lac_str_slice(r->rest, NUMBER_SIZE, r->rest.len);
    return true;
}

static bool take_text(struct reader *r, struct lac_str *out)
{
    uint32_t len;

    if (!take_number(r, &len))
        return false;
    *out = LAC_STR_NULL;
    if (len == absent)
        return true;
    if (len >= r->rest.len || r->rest.ptr[len] != '\0')
        return false;
    *out = lac_str_slice(r->rest, 0, len);
    r->rest = lac_str_slice(r->rest, (size_t)len + 1, r->rest.len);
    return true;
}

static enum lac_status take_list(struct reader *r, const struct lac_str **out, size_t *count)
{
    struct lac_str *texts;
    uint32_t n;

    /* Each takes a number at least, so that no more is asked for than stands there. */
    if (!take_number(r, &n) || n > r->rest.len / NUMBER_SIZE)
        return refuse(r);
    *count = n;
    *out = NULL;
    if (n == 0)
        return LAC_OK;
    *out = texts = lac_pack_pool_alloc(&r->p->pool, n * sizeof(*texts));
    if (!texts)
        return lac_err_set(r->err, LAC_FATAL, ENOMEM, "pack: no memory");
    for (uint32_t i = 0; i < n; i++)
        if (!take_text(r, &texts[i]))
            return refuse(r);
    return LAC_OK;
}

/* False: there are not as many, or one is no value of its field. */
static bool take_numbers(struct reader *r, struct lac_match_rule *rule)
{
    uint32_t n[NUMBERS];

    for (size_t i = 0; i < NUMBERS; i++)
        if (!take_number(r, &n[i]))
            return false;
    if (n[0] >= LAC_TIER_COUNT || n[1] > LAC_MATCH_ALLOW || n[8] >> 8 > LAC_MATCH_REDACT_HASH ||
        (n[8] & 0xFE) || n[11] > LAC_MATCH_BASIS_OWN)
        return false;
    rule->tier = (enum lac_tier)n[0];
    rule->strength = (enum lac_match_strength)n[1];
    rule->score = n[2];
    for (size_t i = 0; i < LAC_TIER_COUNT; i++)
        rule->likelihood[i] = n[3 + i];
    rule->min_entropy = n[6];
    rule->count = n[7];
    rule->names = n[8] & 1;
    rule->redaction = (enum lac_match_redaction)(n[8] >> 8);
    rule->context_window = n[9];
    rule->context_boost = n[10];
    rule->basis = (enum lac_match_basis)n[11];
    return true;
}

static enum lac_status take_rule(struct reader *r, struct lac_match_rule *rule)
{
    struct lac_str *texts[TEXTS] = {&rule->id,      &rule->entity,     &rule->detector,
                                    &rule->pattern, &rule->validator,  &rule->source,
                                    &rule->checked, &rule->description};
    const struct lac_str **lists[LISTS] = {&rule->phrases, &rule->except, &rule->allow,
                                           &rule->context, &rule->tags};
    size_t *counts[LISTS] = {&rule->phrase_count, &rule->except_count, &rule->allow_count,
                             &rule->context_count, &rule->tag_count};
    enum lac_status status = LAC_OK;

    if (!take_numbers(r, rule))
        return refuse(r);
    for (size_t i = 0; i < TEXTS; i++)
        if (!take_text(r, texts[i]))
            return refuse(r);
    for (size_t i = 0; i < LISTS && status == LAC_OK; i++)
        status = take_list(r, lists[i], counts[i]);
    return status;
}

enum lac_status lac_pack_flat_take(struct lac_pack *p, struct lac_str bytes, struct lac_err *err)
{
    struct reader r = {bytes, p, err};
    enum lac_status status = LAC_OK;
    uint32_t count;

    if (!take_number(&r, &count) || count > LAC_MATCH_RULE_MAX)
        return refuse(&r);
    for (uint32_t i = 0; i < count && status == LAC_OK; i++) {
        struct lac_match_rule *rule = lac_pack_rule_new(p, NULL, err);

        status = rule ? take_rule(&r, rule) : err->status;
    }
    return status == LAC_OK && r.rest.len > 0 ? refuse(&r) : status;
}
