/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_try.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_pack_internal.h"

enum { HITS = 4096, FIELD_BYTES = 1 << 20 };

struct lac_pack_try {
    const struct lac_pack *p;
    struct lac_match_scratch *all; /* for the whole pack */
    struct lac_match_scratch *one; /* for one rule */
    struct lac_match_hit *at;
    struct lac_match_hits hits;
};

const char *lac_pack_part_name(enum lac_pack_part part)
{
    static const char *const names[LAC_PACK_PARTS] = {"validator", "min_entropy", "context",
                                                      "except",    "allow",       "count"};

    LAC_ASSERT((unsigned)part < LAC_PACK_PARTS);
    return names[part];
}

enum lac_status lac_pack_try_open(struct lac_pack_try **out, const struct lac_pack *p,
                                  struct lac_err *err)
{
    struct lac_pack_try *t = calloc(1, sizeof(*t));
    enum lac_status status;

    if (!t)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    t->p = p;
    t->at = calloc(HITS, sizeof(*t->at));
    status = t->at ? LAC_OK : lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    if (status == LAC_OK)
        status = lac_match_scratch_open(&t->all, FIELD_BYTES, err);
    if (status == LAC_OK)
        status = lac_match_scratch_open(&t->one, FIELD_BYTES, err);
    if (status == LAC_OK)
        status = lac_match_scratch_fit(t->all, lac_pack_match(p), err);
    if (status != LAC_OK) {
        lac_pack_try_close(t);
        return status;
    }
    *out = t;
    return LAC_OK;
}

void lac_pack_try_close(struct lac_pack_try *t)
{
    if (!t)
        return;
    lac_match_scratch_close(t->all);
    lac_match_scratch_close(t->one);
    free(t->at);
    free(t);
}

static enum lac_status scan(struct lac_pack_try *t, const struct lac_match *m,
                            struct lac_match_scratch *s, struct lac_str text, struct lac_err *err)
{
    t->hits = (struct lac_match_hits){.at = t->at, .capacity = HITS, .keep_shadowed = true};
    return lac_match_scan(m, s, text, &t->hits, err);
}

enum lac_status lac_pack_try_text(struct lac_pack_try *t, struct lac_str text,
                                  const struct lac_match_hits **out, struct lac_err *err)
{
    *out = &t->hits;
    return scan(t, lac_pack_match(t->p), t->all, text, err);
}

/* Runs the examples of rule `index` against `m`, in which it is number `at`. */
static enum lac_status run(struct lac_pack_try *t, size_t index, const struct lac_match *m,
                           size_t at, struct lac_match_scratch *s, lac_pack_try_fn *each, void *ctx,
                           size_t *failed, struct lac_err *err)
{
    struct lac_pack_examples e = lac_pack_examples(t->p, index);
    enum lac_status status = LAC_OK;

    *failed = 0;
    for (size_t i = 0; i < e.match_count + e.no_match_count && status == LAC_OK; i++) {
        bool wanted = i < e.match_count;
        size_t number = wanted ? i : i - e.match_count;
        struct lac_str text = wanted ? e.match[number] : e.no_match[number];

        status = scan(t, m, s, text, err);
        if (status != LAC_OK || t->hits.rule_hit[at] == wanted)
            continue;
        ++*failed;
        if (each)
            each(ctx, index, wanted, number, text);
    }
    return status;
}

enum lac_status lac_pack_try_rule(struct lac_pack_try *t, size_t index, lac_pack_try_fn *each,
                                  void *ctx, size_t *failed, struct lac_err *err)
{
    return run(t, index, lac_pack_match(t->p), index, t->all, each, ctx, failed, err);
}

/* False when the rule has no such part. */
static bool take_away(struct lac_match_rule *r, enum lac_pack_part part)
{
    switch (part) {
    case LAC_PACK_PART_VALIDATOR:
        if (r->validator.len == 0)
            return false;
        r->validator = LAC_STR_NULL;
        return true;
    case LAC_PACK_PART_ENTROPY:
        if (r->min_entropy == 0)
            return false;
        r->min_entropy = 0;
        return true;
    case LAC_PACK_PART_CONTEXT:
        /* Words that only raise a score that counts without them change nothing here. */
        if (r->context_count == 0 || (r->context_boost > 0 && r->score >= LAC_MATCH_SCORE_COUNTS))
            return false;
        r->context = NULL;
        r->context_count = 0;
        r->context_window = 0;
        r->context_boost = 0;
        return true;
    case LAC_PACK_PART_EXCEPT:
        if (r->except_count == 0)
            return false;
        r->except_count = 0;
        return true;
    case LAC_PACK_PART_ALLOW:
        if (r->allow_count == 0)
            return false;
        r->allow_count = 0;
        return true;
    case LAC_PACK_PART_COUNT:
        if (r->count <= 1)
            return false;
        r->count = 1;
        return true;
    case LAC_PACK_PARTS:
        break;
    }
    return false;
}

enum lac_status lac_pack_try_without(struct lac_pack_try *t, size_t index, enum lac_pack_part part,
                                     struct lac_pack_without *out, struct lac_err *err)
{
    struct lac_match_rule rule = *lac_match_rule_at(lac_pack_match(t->p), index);
    const struct lac_yaml *where = t->p->where[index];
    struct lac_match *m = NULL;
    enum lac_status status;
    size_t failed = 0;

    *out = (struct lac_pack_without){.had = take_away(&rule, part),
                                     .shared = !lac_yaml_get(where, lac_pack_part_name(part)),
                                     .file = where->file};
    if (!out->had)
        return LAC_OK;
    status = lac_match_open(&m, &rule, 1, NULL, err);
    if (status == LAC_OK)
        status = lac_match_scratch_fit(t->one, m, err);
    if (status == LAC_OK)
        status = run(t, index, m, 0, t->one, NULL, NULL, &failed, err);
    lac_match_close(m);
    out->noticed = failed > 0;
    return status;
}
