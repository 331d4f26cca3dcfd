/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a rule set: from rules, or from an image that was made of them. */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>

static enum lac_status new_set(struct lac_match **out, const struct lac_match_rule *rules,
                               size_t count, struct lac_err *err)
{
    if (hs_valid_platform() != HS_SUCCESS)
        return lac_err_set(err, LAC_FATAL, 0, "match: this processor lacks SSSE3");
    if (count > LAC_MATCH_RULE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "%zu rules are more than %d", count,
                           LAC_MATCH_RULE_MAX);
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory");
    (*out)->rules = rules;
    (*out)->count = count;
    return LAC_OK;
}

static enum lac_status compile(struct lac_match *m, size_t *bad_rule, struct lac_err *err)
{
    struct lac_match_build *b = calloc(1, sizeof(*b));
    enum lac_status status;

    if (!b)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory");
    b->m = m;
    status = lac_match_build_open(b, err);
    for (size_t i = 0; i < m->count && status == LAC_OK; i++) {
        status = lac_match_build_rule(b, i, err);
        if (status != LAC_OK && bad_rule)
            *bad_rule = i;
    }
    if (status == LAC_OK)
        status = lac_match_tables(b, err);
    if (status == LAC_OK)
        status = lac_match_rest_compile(b, err);
    if (status == LAC_OK)
        status = lac_match_image_assemble(b, err);
    lac_match_build_close(b);
    free(b);
    if (status != LAC_OK)
        return status;
    lac_match_attach(m, m->memory);
    status = lac_match_enliven(m, err);
    return status == LAC_OK ? lac_match_rest_open(m, err) : status;
}

enum lac_status lac_match_open(struct lac_match **out, const struct lac_match_rule *rules,
                               size_t count, size_t *bad_rule, struct lac_err *err)
{
    struct lac_match *m = NULL;
    enum lac_status status;

    if (bad_rule)
        *bad_rule = SIZE_MAX;
    status = new_set(&m, rules, count, err);
    if (status == LAC_OK)
        status = compile(m, bad_rule, err);
    if (status != LAC_OK) {
        lac_match_close(m);
        return status;
    }
    *out = m;
    return LAC_OK;
}

void lac_match_image(const struct lac_match *m, struct lac_str *bytes)
{
    *bytes = (struct lac_str){(const char *)m->image, (size_t)m->image->size};
}

enum lac_status lac_match_open_image(struct lac_match **out, struct lac_str bytes,
                                     const struct lac_match_rule *rules, size_t count,
                                     struct lac_err *err)
{
    struct lac_match *m = NULL;
    enum lac_status status = new_set(&m, rules, count, err);

    if (status == LAC_OK)
        status = lac_match_image_check(m, bytes, err);
    if (status == LAC_OK)
        status = lac_match_enliven(m, err);
    if (status == LAC_OK)
        status = lac_match_rest_open(m, err);
    if (status != LAC_OK) {
        lac_match_close(m);
        return status;
    }
    *out = m;
    return LAC_OK;
}

void lac_match_close(struct lac_match *m)
{
    if (!m)
        return;
    lac_match_rest_close(m);
    free(m->live);
    free(m->allow_lists);
    free(m->number_words);
    free(m->memory);
    free(m);
}

size_t lac_match_rule_count(const struct lac_match *m)
{
    return m->count;
}

size_t lac_match_pattern_count(const struct lac_match *m)
{
    return m->unit_count;
}

uint32_t lac_match_pattern_steps(const struct lac_match *m, size_t pattern, size_t *rule)
{
    const struct lac_match_unit *u = &m->units[pattern];

    *rule = u->rule;
    if (u->flags & LAC_MATCH_UNIT_DETECTOR)
        return 0;
    if (u->flags & LAC_MATCH_UNIT_UNSUPPORTED)
        return LAC_MATCH_REGEX_COST;
    return lac_match_regex_cost((const void *)(m->programs + u->program));
}

const struct lac_match_rule *lac_match_rule_at(const struct lac_match *m, size_t index)
{
    return &m->rules[index];
}
