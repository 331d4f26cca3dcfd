/* SPDX-License-Identifier: Apache-2.0 */
/* Tier 2 of a batch: which texts are read, each once, and what becomes of the answers. */
#include <stdio.h>
#include <string.h>

#include "lac_engine_internal.h"
#include "lac_log.h"

enum { FIELD_NAME_MAX = 64 };

/* ---- the lane's memory ---- */

void lac_engine_semantic_close(struct lac_engine *e)
{
    lac_engine_semantic_counts(e, &e->past);
    lac_semantic_lane_close(e->lane);
    e->lane = NULL;
    e->device = NULL;
}

void lac_engine_semantic_take(struct lac_engine *e, const struct lac_pack *pack)
{
    const struct lac_semantic_device *device = NULL;
    struct lac_err err = {0};
    enum lac_status status;

    e->head = e->semantic ? lac_pack_head(pack) : NULL;
    if (!e->head)
        return;
    status = lac_semantic_device(e->semantic, e->head, &device, &err);
    if (status == LAC_OK && device == e->device && e->lane)
        return;
    lac_engine_semantic_close(e);
    if (status != LAC_OK)
        return; /* said where it was looked for */
    status = lac_semantic_lane_open(&e->lane, device, &e->session, &err);
    if (status == LAC_OK)
        e->device = device;
    else
        lac_log(LAC_LOG_WARN, "encoder_lane_failed", "why=\"%s\"", err.text);
}

void lac_engine_semantic_counts(const struct lac_engine *e, struct lac_semantic_counts *out)
{
    const struct lac_semantic_counts *c = e->lane ? lac_semantic_lane_counts(e->lane) : NULL;

    *out = e->past;
    if (!c)
        return;
    out->texts += c->texts;
    out->windows += c->windows;
    out->tokens += c->tokens;
    out->calls += c->calls;
    out->failures += c->failures;
    out->yields += c->yields;
    out->busy_ns += c->busy_ns;
}

bool lac_engine_semantic_was_not_asked(const struct lac_engine_in *in)
{
    for (size_t i = 0; i < in->observation_count; i++) {
        const struct lac_observation *o = &in->observations[i];

        if (lac_str_is(o->name, LAC_OBSERVATION_SEMANTIC) &&
            (lac_str_is(o->kind, LAC_OBSERVATION_UNAVAILABLE) ||
             lac_str_is(o->kind, LAC_OBSERVATION_SKIPPED)))
            return true;
    }
    return false;
}

/* ---- which texts ---- */

/* The call's texts, each once. */
struct gathering {
    struct lac_arena *a;
    struct lac_str *texts; /* [capacity] */
    size_t count;
    uint32_t *slots; /* [slot_count]: 1 + index of a text, 0: free; twice as many as texts */
    size_t slot_count;
};

static bool is_blank(struct lac_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n", text.ptr[i]) || text.ptr[i] == 0)
            return false;
    return true;
}

/* The index of the text among the call's. A hash that nobody can choose collisions for: texts are
 * strangers'. */
static uint32_t find_or_add(struct gathering *g, struct lac_str text)
{
    unsigned char digest[LAC_SHA256_SIZE];
    uint64_t key;

    lac_sha256(digest, text.ptr, text.len);
    memcpy(&key, digest, sizeof(key));
    for (size_t at = key & (g->slot_count - 1);; at = (at + 1) & (g->slot_count - 1)) {
        if (g->slots[at] == 0) {
            g->texts[g->count] = text;
            g->slots[at] = (uint32_t)++g->count;
            return g->slots[at] - 1;
        }
        if (lac_str_eq(g->texts[g->slots[at] - 1], text))
            return g->slots[at] - 1;
    }
}

static void add_field(struct gathering *g, struct lac_engine_reading *r,
                      struct lac_engine_field *fields, struct lac_str text, const char *list,
                      size_t index)
{
    if (is_blank(text))
        return;
    if (r->field_count == LAC_ENGINE_SEMANTIC_MAX) {
        r->too_many = true;
        return;
    }
    fields[r->field_count++] =
        (struct lac_engine_field){.list = list, .index = index, .answer = find_or_add(g, text)};
}

static size_t fields_of(const struct lac_request *q)
{
    size_t n = 2 + q->conversation_count + q->files_count;

    return n < LAC_ENGINE_SEMANTIC_MAX ? n : LAC_ENGINE_SEMANTIC_MAX;
}

static enum lac_status gather_one(struct gathering *g, const struct lac_request *q,
                                  struct lac_engine_reading *r, struct lac_err *err)
{
    struct lac_engine_field *fields = lac_arena_alloc(g->a, fields_of(q) * sizeof(*fields));

    if (!fields)
        return lac_engine_full(err);
    r->fields = fields;
    add_field(g, r, fields, q->text, "text", SIZE_MAX);
    add_field(g, r, fields, q->subject, "subject", SIZE_MAX);
    for (size_t i = 0; i < q->conversation_count; i++)
        add_field(g, r, fields, q->conversation[i].content, "conversation", i);
    for (size_t i = 0; i < q->files_count; i++)
        add_field(g, r, fields, q->files[i], "files", i);
    return LAC_OK;
}

static enum lac_status gather(struct gathering *g, const struct lac_engine_in *in,
                              const uint32_t *open, size_t count,
                              struct lac_engine_reading *readings, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    size_t capacity = 0;

    for (size_t i = 0; i < count; i++)
        capacity += fields_of(in[open[i]].request);
    for (g->slot_count = 16; g->slot_count < 2 * capacity;)
        g->slot_count *= 2;
    g->texts = lac_arena_alloc(g->a, capacity * sizeof(*g->texts));
    g->slots = lac_arena_alloc(g->a, g->slot_count * sizeof(*g->slots));
    if (!g->texts || !g->slots)
        return lac_engine_full(err);
    for (size_t i = 0; status == LAC_OK && i < count; i++)
        status = gather_one(g, in[open[i]].request, &readings[i], err);
    return status;
}

enum lac_status lac_engine_read(struct lac_engine *e, const struct lac_engine_in *in,
                                const uint32_t *open, size_t count, struct lac_arena *a,
                                struct lac_engine_reading *readings, struct lac_err *err)
{
    struct gathering g = {.a = a};
    struct lac_semantic_answer *answers;
    struct lac_semantic_cover *cover;
    struct lac_err why = {0};
    enum lac_status status;

    for (size_t i = 0; i < count; i++)
        readings[i] = (struct lac_engine_reading){.unavailable = !e->lane};
    if (!e->lane)
        return LAC_OK;
    status = gather(&g, in, open, count, readings, err);
    if (status != LAC_OK)
        return status;
    answers = lac_arena_alloc(a, g.count * sizeof(*answers));
    cover = lac_arena_alloc(a, g.count * sizeof(*cover));
    if (!answers || !cover)
        return lac_engine_full(err);
    status = lac_semantic_ask(e->lane, e->head, g.texts, g.count, answers, cover, &why);
    if (status == LAC_FATAL)
        return lac_err_set(err, status, why.code, "%s", why.text);
    for (size_t i = 0; i < count; i++) {
        readings[i].answers = answers;
        readings[i].unavailable = status != LAC_OK;
    }
    return LAC_OK;
}

/* ---- what becomes of the answers ---- */

/* "/conversation/3/content" in the arena; absent when that is full. */
static struct lac_str pointer_of(struct lac_engine_case *c, const struct lac_engine_field *f)
{
    char text[FIELD_NAME_MAX];
    char *copy;
    int n;

    if (f->index == SIZE_MAX)
        n = snprintf(text, sizeof(text), "/%s", f->list);
    else
        n = snprintf(text, sizeof(text), "/%s/%zu%s", f->list, f->index,
                     strcmp(f->list, "conversation") == 0 ? "/content" : "");
    copy = lac_arena_alloc(c->a, (size_t)n);
    if (!copy)
        return LAC_STR_NULL;
    memcpy(copy, text, (size_t)n);
    return (struct lac_str){copy, (size_t)n};
}

/* Tier 2 has not read all. That it was asked at all stays as it was: see take_observation(). */
static void note_cut(struct lac_engine_case *c, struct lac_str name)
{
    struct lac_observation o = {LAC_STR(LAC_OBSERVATION_OVER_LIMIT), name,
                                LAC_STR(LAC_OBSERVATION_SEMANTIC)};

    c->degraded = true;
    lac_engine_note_field(c, &o);
}

static enum lac_status note_doubt(struct lac_engine_case *c, const struct lac_engine_field *f,
                                  const struct lac_semantic_answer *answer)
{
    struct lac_observation doubt;
    struct lac_str pointer;

    if (answer->gate == LAC_HEAD_PASSED && !answer->cut)
        return LAC_OK;
    c->reading->known = false;
    pointer = pointer_of(c, f);
    if (!pointer.ptr)
        return lac_engine_full(c->err);
    if (answer->cut)
        note_cut(c, pointer);
    doubt = (struct lac_observation){LAC_STR(LAC_OBSERVATION_GATE), pointer,
                                     lac_str_from(lac_head_gate_name(answer->gate))};
    if (answer->gate != LAC_HEAD_PASSED)
        lac_engine_note_field(c, &doubt);
    return LAC_OK;
}

enum lac_status lac_engine_read_take(struct lac_engine_case *c)
{
    static const struct lac_observation gone = {LAC_STR(LAC_OBSERVATION_UNAVAILABLE),
                                                LAC_STR(LAC_OBSERVATION_SEMANTIC), LAC_STR("")};
    struct lac_engine_reading *r = c->reading;
    enum lac_status status = LAC_OK;

    if (r->unavailable) {
        c->degraded = true;
        lac_engine_note_own(c, &gone);
        return LAC_OK;
    }
    r->known = true;
    if (r->too_many)
        note_cut(c, LAC_STR("request"));
    for (size_t i = 0; status == LAC_OK && i < r->field_count; i++) {
        const struct lac_semantic_answer *answer = &r->answers[r->fields[i].answer];

        status = note_doubt(c, &r->fields[i], answer);
        if (strcmp(r->fields[i].list, "text") == 0) {
            r->has_text = true;
            r->text = *answer;
        } else if (!r->has_context) {
            r->has_context = true;
            r->context = *answer;
        } else {
            lac_semantic_join(&r->context, answer);
        }
    }
    return status;
}

bool lac_engine_has_read(const struct lac_engine_case *c)
{
    return c->reading && (c->reading->has_text || c->reading->has_context);
}

static enum lac_status add_opinion(struct lac_engine_case *c, size_t *n, struct lac_str source,
                                   const struct lac_semantic_answer *answer,
                                   struct lac_decide_opinion o)
{
    struct lac_str *ids = lac_arena_alloc(c->a, answer->nearest_count * sizeof(*ids));

    if (!ids)
        return lac_engine_full(c->err);
    for (uint32_t i = 0; i < answer->nearest_count; i++)
        ids[i] = lac_head_exemplar_id(c->e->head, answer->nearest[i].exemplar);
    c->e->weights[*n] = o;
    c->e->opinions[(*n)++] = (struct lac_opinion){
        .layer = LAC_STR("semantic"),
        .source = source,
        .likelihoods = {(int32_t)o.likelihood[0], (int32_t)o.likelihood[1],
                        (int32_t)o.likelihood[2]},
        .exemplars = ids,
        .exemplars_count = answer->nearest_count,
    };
    return LAC_OK;
}

enum lac_status lac_engine_read_opinions(struct lac_engine_case *c, size_t *n)
{
    static const char behind[] = "/context";
    const struct lac_engine_reading *r = c->reading;
    struct lac_str name, context;
    struct lac_decide_opinion o;
    enum lac_status status = LAC_OK;
    char *copy;

    if (!lac_engine_has_read(c))
        return LAC_OK;
    name = lac_head_model_name(c->e->head);
    if (r->has_text) {
        memcpy(o.likelihood, r->text.likelihood, sizeof(o.likelihood));
        status = add_opinion(c, n, name, &r->text, o);
    }
    if (status != LAC_OK || !r->has_context)
        return status;
    copy = lac_arena_alloc(c->a, name.len + sizeof(behind));
    if (!copy)
        return lac_engine_full(c->err);
    memcpy(copy, name.ptr, name.len);
    memcpy(copy + name.len, behind, sizeof(behind));
    context = (struct lac_str){copy, name.len + sizeof(behind) - 1};
    memcpy(o.likelihood, r->context.likelihood, sizeof(o.likelihood));
    return add_opinion(c, n, context, &r->context, lac_decide_raise_only(o));
}
