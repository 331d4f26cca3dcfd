/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields of a request are looked at, and what a hit in each of them is. */
#include "lac_engine_internal.h"

#include <stdio.h>
#include <string.h>

#include "lac_assert.h"

/* Where a field stands: a fixed pointer, or one made of parts once it is needed. */
struct place {
    const char *fixed;  /* NULL: made of the following */
    const char *list;   /* "conversation" */
    size_t index;       /* in it; SIZE_MAX: by key */
    struct lac_str key; /* fit to be shown */
    const char *behind; /* "/content" or "" */
};

enum field_kind {
    FIELD_TEXT,    /* evidence counts both ways */
    FIELD_CONTENT, /* only raises, and must be allowed too before the text can be PUBLIC */
    FIELD_TITLE,   /* the same, and it is like one name */
    FIELD_NAME,    /* the same, one name, and not for tier 2 to read */
    FIELD_SOURCE,  /* the same, but no name to the rules */
    FIELD_ASIDE,   /* only raises */
};

/* What could not be looked at. */
static void note(struct lac_engine_case *c, const char *kind, struct lac_str name)
{
    struct lac_observation o = {lac_str_from(kind), name, LAC_STR("")};

    c->degraded = true;
    lac_engine_note_field(c, &o);
}

void lac_engine_note_field(struct lac_engine_case *c, const struct lac_observation *o)
{
    if (c->field_note_count == LAC_ENGINE_FIELD_NOTE_MAX)
        return;
    c->field_note_count++;
    c->notes[c->note_count++] = *o;
}

void lac_engine_note_own(struct lac_engine_case *c, const struct lac_observation *o)
{
    LAC_ASSERT(c->note_count - c->field_note_count < LAC_ENGINE_OWN_NOTE_MAX);
    c->notes[c->note_count++] = *o;
}

static void add_finding(struct lac_engine_case *c, const struct lac_finding *f)
{
    if (c->finding_count == LAC_ENGINE_FINDING_MAX) {
        c->truncated = true;
        c->text_complete = false;
        return;
    }
    c->e->findings[c->finding_count++] = *f;
}

void lac_engine_floor(struct lac_engine_case *c, struct lac_str rule, struct lac_str entity,
                      struct lac_str field, enum lac_tier tier)
{
    struct lac_finding f = {.rule = rule,
                            .entity = entity,
                            .field = field,
                            .tier = tier,
                            .strength = LAC_STRENGTH_FLOOR,
                            .score = LAC_DECIDE_PPM};

    c->floor = lac_tier_join(c->floor, tier);
    add_finding(c, &f);
}

/* The JSON pointer in the arena; absent when that is full. */
static struct lac_str pointer_of(struct lac_engine_case *c, const struct place *p)
{
    char text[LAC_ENGINE_POINTER_MAX];
    char *copy;
    int n;

    if (p->fixed)
        return lac_str_from(p->fixed);
    if (p->index != SIZE_MAX)
        n = snprintf(text, sizeof(text), "/%s/%zu%s", p->list, p->index, p->behind);
    else
        n = snprintf(text, sizeof(text), "/%s/%.*s", p->list, LAC_STR_FMT(p->key));
    copy = lac_arena_alloc(c->a, (size_t)n);
    if (!copy)
        return LAC_STR_NULL;
    memcpy(copy, text, (size_t)n);
    return (struct lac_str){copy, (size_t)n};
}

static void take_hits(struct lac_engine_case *c, const struct lac_match_hits *hits,
                      struct lac_str pointer, enum field_kind kind)
{
    unsigned char place = kind == FIELD_TEXT ? LAC_ENGINE_IN_TEXT : LAC_ENGINE_IN_CONTEXT;
    size_t rules = lac_match_rule_count(c->m);

    c->any_hit = true;
    c->floor = lac_tier_join(c->floor, hits->floor);
    c->truncated = c->truncated || hits->truncated;
    for (size_t i = 0; i < rules; i++)
        if (hits->rule_hit[i])
            c->e->places[i] |= place;
    for (size_t i = 0; i < hits->count; i++) {
        const struct lac_match_hit *h = &hits->at[i];
        const struct lac_match_rule *r = lac_match_rule_at(c->m, h->rule);
        struct lac_finding f = {.rule = r->id,
                                .entity = r->entity,
                                .field = pointer,
                                .start = h->start,
                                .end = h->end,
                                .tier = r->tier,
                                .strength = r->strength == LAC_MATCH_FLOOR ? LAC_STRENGTH_FLOOR
                                                                           : LAC_STRENGTH_OPINION,
                                .score = (int32_t)h->score};

        add_finding(c, &f);
    }
}

static enum lac_status look(struct lac_engine_case *c, struct lac_str text, const struct place *p,
                            enum field_kind kind)
{
    struct lac_match_hits hits = {.at = c->e->hits,
                                  .capacity = LAC_ENGINE_HIT_MAX,
                                  .decode = true,
                                  .is_name = kind == FIELD_NAME || kind == FIELD_TITLE};
    struct lac_str pointer = LAC_STR_NULL;
    enum lac_status status;

    if (text.len == 0)
        return LAC_OK;
    if (c->field_count++ >= LAC_ENGINE_FIELD_MAX) {
        if (c->field_count == LAC_ENGINE_FIELD_MAX + 1)
            note(c, LAC_OBSERVATION_OVER_LIMIT, LAC_STR("request"));
        return LAC_OK;
    }
    status = lac_match_scan(c->m, c->e->scratch, text, &hits, c->err);
    if (status != LAC_OK)
        return status;
    if (hits.count || hits.truncated || hits.over_limit || hits.undecodable || hits.too_deep) {
        pointer = pointer_of(c, p);
        if (!pointer.ptr)
            return lac_engine_full(c->err);
    }
    if (hits.over_limit || hits.too_deep)
        note(c, LAC_OBSERVATION_OVER_LIMIT, pointer);
    if (hits.undecodable)
        note(c, LAC_OBSERVATION_UNDECODABLE, pointer);
    if (kind == FIELD_TEXT) {
        c->text_allowed = hits.whole_allowed;
        c->text_complete =
            !hits.truncated && !hits.over_limit && !hits.undecodable && !hits.too_deep;
    } else if (kind != FIELD_ASIDE && !hits.blank && !hits.whole_allowed) {
        c->other_content = true;
        c->other_names = c->other_names || kind == FIELD_NAME || kind == FIELD_SOURCE;
    }
    if (hits.count || hits.truncated)
        take_hits(c, &hits, pointer, kind);
    return LAC_OK;
}

static enum lac_status look_fixed(struct lac_engine_case *c, struct lac_str text,
                                  const char *pointer, enum field_kind kind)
{
    struct place p = {.fixed = pointer};

    return look(c, text, &p, kind);
}

static enum lac_status look_list(struct lac_engine_case *c, const struct lac_str *texts,
                                 size_t count, const char *list, enum field_kind kind)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        struct place p = {.list = list, .index = i, .behind = ""};

        status = look(c, texts[i], &p, kind);
    }
    return status;
}

static enum lac_status look_conversation(struct lac_engine_case *c)
{
    const struct lac_request *r = c->in->request;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < r->conversation_count && status == LAC_OK; i++) {
        struct place p = {.list = "conversation", .index = i, .behind = "/content"};

        status = look(c, r->conversation[i].content, &p, FIELD_CONTENT);
    }
    return status;
}

static enum lac_status look_operation(struct lac_engine_case *c)
{
    const struct lac_operation *o = &c->in->request->operation;
    enum lac_status status;

    if (!c->in->request->has_operation)
        return LAC_OK;
    status = look_fixed(c, o->resource, "/operation/resource", FIELD_NAME);
    if (status == LAC_OK)
        status = look_fixed(c, o->destination, "/operation/destination", FIELD_NAME);
    if (status == LAC_OK)
        status = look_list(c, o->sources, o->sources_count, "operation/sources", FIELD_SOURCE);
    return status;
}

/* ---- metadata ---- */

static int pair_cmp(const struct lac_pair *a, const struct lac_pair *b)
{
    int order = lac_str_cmp(a->key, b->key);

    return order ? order : lac_str_cmp(a->value, b->value);
}

static void sift(const struct lac_pair *pairs, uint16_t *heap, size_t root, size_t count)
{
    while (2 * root + 1 < count) {
        size_t child = 2 * root + 1;
        uint16_t swap;

        if (child + 1 < count && pair_cmp(&pairs[heap[child]], &pairs[heap[child + 1]]) < 0)
            child++;
        if (pair_cmp(&pairs[heap[root]], &pairs[heap[child]]) >= 0)
            return;
        swap = heap[root];
        heap[root] = heap[child];
        heap[child] = swap;
        root = child;
    }
}

/* Indices of the entries by key: a map has no order, so none may show. qsort() may allocate. */
static void sort_pairs(const struct lac_pair *pairs, uint16_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    for (size_t i = count / 2; i-- > 0;)
        sift(pairs, order, i, count);
    for (size_t i = count; i-- > 1;) {
        uint16_t swap = order[0];

        order[0] = order[i];
        order[i] = swap;
        sift(pairs, order, 0, i);
    }
}

/* A pointer repeats a key, and lineage holds no text: only keys that look like names are shown. */
static bool key_is_plain(struct lac_str key)
{
    bool letter = false;

    if (key.len == 0 || key.len > LAC_ENGINE_KEY_SHOWN_MAX)
        return false;
    for (size_t i = 0; i < key.len; i++) {
        unsigned char ch = (unsigned char)key.ptr[i];
        bool alpha = (ch | 0x20) >= 'a' && (ch | 0x20) <= 'z';

        if (!alpha && !(ch >= '0' && ch <= '9') && ch != '_' && ch != '-' && ch != '.')
            return false;
        letter = letter || alpha;
    }
    return letter;
}

static enum lac_status look_metadata(struct lac_engine_case *c)
{
    const struct lac_request *r = c->in->request;
    uint16_t order[LAC_ENGINE_FIELD_MAX];
    size_t count = r->metadata_count;
    enum lac_status status = LAC_OK;

    if (count > LAC_ENGINE_FIELD_MAX) {
        note(c, LAC_OBSERVATION_OVER_LIMIT, LAC_STR("/metadata"));
        count = LAC_ENGINE_FIELD_MAX;
    }
    sort_pairs(r->metadata, order, count);
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        const struct lac_pair *pair = &r->metadata[order[i]];
        size_t before = c->finding_count;
        struct place hidden = {.fixed = "/metadata"};
        struct place shown = {.list = "metadata", .index = SIZE_MAX, .key = pair->key};

        status = look(c, pair->key, &hidden, FIELD_ASIDE);
        if (status == LAC_OK)
            status = look(c, pair->value,
                          c->finding_count == before && key_is_plain(pair->key) ? &shown : &hidden,
                          FIELD_ASIDE);
    }
    return status;
}

enum lac_status lac_engine_scan(struct lac_engine_case *c)
{
    const struct lac_request *r = c->in->request;
    enum lac_status status = look_fixed(c, r->text, "/text", FIELD_TEXT);

    if (status == LAC_OK)
        status = look_fixed(c, r->subject, "/subject", FIELD_TITLE);
    if (status == LAC_OK)
        status = look_conversation(c);
    if (status == LAC_OK)
        status = look_list(c, r->files, r->files_count, "files", FIELD_CONTENT);
    if (status == LAC_OK)
        status = look_operation(c);
    if (status == LAC_OK)
        status = look_fixed(c, r->project, "/project", FIELD_NAME);
    if (status == LAC_OK)
        status = look_fixed(c, r->environment, "/environment", FIELD_ASIDE);
    if (status == LAC_OK)
        status = look_fixed(c, r->purpose, "/purpose", FIELD_ASIDE);
    return status == LAC_OK ? look_metadata(c) : status;
}
