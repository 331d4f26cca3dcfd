/* SPDX-License-Identifier: Apache-2.0 */
/* head.json, read and written. */
#include "lac_head_params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_json.h"
#include "lac_utf8.h"

enum lac_status lac_head_params_alloc(struct lac_head_params *p, struct lac_err *err)
{
    p->exemplar_weights = calloc((size_t)p->exemplars * LAC_TIER_COUNT + 1, sizeof(int32_t));
    p->word_ids = calloc((size_t)p->words + 1, sizeof(int32_t));
    p->word_weights = calloc((size_t)p->words * LAC_TIER_COUNT + 1, sizeof(int32_t));
    if (!p->exemplar_weights || !p->word_ids || !p->word_weights) {
        lac_head_params_free(p);
        return lac_err_set(err, LAC_RETRY, ENOMEM, "head: no memory");
    }
    return LAC_OK;
}

void lac_head_params_free(struct lac_head_params *p)
{
    free(p->exemplar_weights);
    free(p->word_ids);
    free(p->word_weights);
    p->exemplar_weights = p->word_ids = p->word_weights = NULL;
}

/* ---- reading ---- */

static enum lac_status bad(struct lac_err *err, const char *where, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "head.json: %s: %s", where, why);
}

static enum lac_status read_hash(const struct lac_json *v, const char *where, unsigned char *out,
                                 struct lac_err *err)
{
    if (lac_json_kind(v) != LAC_JSON_STRING ||
        !lac_hex_decode(out, LAC_HEAD_HASH_SIZE, lac_json_string(v)))
        return bad(err, where, "must be 64 hex digits");
    return LAC_OK;
}

struct number {
    const char *object, *key; /* object NULL: at the top */
    int64_t least, most;
};

static enum lac_status read_number(const struct lac_json *doc, const struct number *n, int64_t *out,
                                   struct lac_err *err)
{
    const struct lac_json *in = n->object ? lac_json_get(doc, n->object) : doc;
    const struct lac_json *v = lac_json_get(in, n->key);

    *out = lac_json_int(v);
    if (lac_json_kind(v) != LAC_JSON_INT || *out < n->least || *out > n->most)
        return lac_err_set(err, LAC_REJECT, 0,
                           "head.json: %s%s%s: must be a whole number from %lld to %lld",
                           n->object ? n->object : "", n->object ? "." : "", n->key,
                           (long long)n->least, (long long)n->most);
    return LAC_OK;
}

static enum lac_status read_doubts(struct lac_head_params *p, const struct lac_json *doc,
                                   struct lac_err *err)
{
    static const struct number numbers[] = {{"sentences", "doubt_public", 1, LAC_HEAD_DOUBT_MAX},
                                            {"sentences", "doubt_internal", 1, LAC_HEAD_DOUBT_MAX}};

    for (size_t i = 0; i < LAC_COUNT(numbers); i++) {
        int64_t v;
        enum lac_status status = read_number(doc, &numbers[i], &v, err);

        if (status != LAC_OK)
            return status;
        p->doubts[i] = (uint32_t)v;
    }
    return LAC_OK;
}

static enum lac_status read_counts(struct lac_head_params *p, const struct lac_json *doc,
                                   struct lac_err *err)
{
    static const struct number numbers[] = {
        {NULL, "format", LAC_HEAD_FORMAT_WHOLE, LAC_HEAD_FORMAT},
        {NULL, "width", 1, LAC_HEAD_WIDTH_MAX},
        {NULL, "seed", 0, INT64_MAX},
        {"model", "layers", 1, LAC_HEAD_LAYER_MAX},
        {"features", "per_tier", 1, LAC_HEAD_NEIGHBOUR_MAX},
        {"features", "nearest", 1, LAC_HEAD_NEIGHBOUR_MAX},
        {"kernel", "sharpness", 1, LAC_HEAD_SHARPNESS_MAX},
        {"exemplars", "count", 1, LAC_HEAD_EXEMPLAR_MAX},
        {"words", "count", 0, LAC_HEAD_WORD_MAX},
        {"regression", "floor", 1, LAC_HEAD_FLOOR_MAX},
        {"gate", "closeness", -LAC_HEAD_ONE, LAC_HEAD_ONE},
    };
    int64_t v[LAC_COUNT(numbers)];

    for (size_t i = 0; i < LAC_COUNT(numbers); i++) {
        enum lac_status status = read_number(doc, &numbers[i], &v[i], err);

        if (status != LAC_OK)
            return status;
    }
    p->width = (uint32_t)v[1];
    p->seed = (uint64_t)v[2];
    p->layers = (uint32_t)v[3];
    p->per_tier = (uint32_t)v[4];
    p->nearest = (uint32_t)v[5];
    p->sharpness = (uint32_t)v[6];
    p->exemplars = (uint32_t)v[7];
    p->words = (uint32_t)v[8];
    p->floor = (uint32_t)v[9];
    p->closeness = (int32_t)v[10];
    return v[0] == LAC_HEAD_FORMAT ? read_doubts(p, doc, err) : LAC_OK;
}

static enum lac_status read_identity(struct lac_head_params *p, const struct lac_json *doc,
                                     unsigned char *vec_hash, struct lac_err *err)
{
    const struct lac_json *model = lac_json_get(doc, "model");
    const struct lac_json *exemplars = lac_json_get(doc, "exemplars");
    struct lac_str name = lac_json_string(lac_json_get(model, "name"));
    struct lac_str speech = lac_json_string(lac_json_get(lac_json_get(doc, "gate"), "language"));
    enum lac_status status;

    if (!name.ptr || name.len == 0 || name.len > LAC_HEAD_NAME_MAX)
        return bad(err, "model.name", "must be a text of 1 to 64 bytes");
    memcpy(p->model, name.ptr, name.len);
    p->model[name.len] = '\0';
    if (lac_str_is(speech, "en"))
        p->language = LAC_HEAD_ENGLISH;
    else if (lac_str_is(speech, "any"))
        p->language = LAC_HEAD_ANY_LANGUAGE;
    else
        return bad(err, "gate.language", "must be \"en\" or \"any\"");
    status = read_hash(lac_json_get(model, "hash"), "model.hash", p->model_hash, err);
    if (status == LAC_OK)
        status = read_hash(lac_json_get(exemplars, "texts"), "exemplars.texts", p->texts_hash, err);
    if (status == LAC_OK)
        status = read_hash(lac_json_get(exemplars, "sha256"), "exemplars.sha256", vec_hash, err);
    if (status == LAC_OK)
        status = read_hash(lac_json_get(lac_json_get(doc, "data"), "sha256"), "data.sha256",
                           p->data_hash, err);
    return status;
}

struct list {
    const char *object, *key;
    int32_t *out;
    size_t count;
    int32_t least, most;
};

static enum lac_status read_list(const struct lac_json *doc, const struct list *l,
                                 struct lac_err *err)
{
    const struct lac_json *v = lac_json_get(lac_json_get(doc, l->object), l->key);

    if (lac_json_kind(v) != LAC_JSON_ARRAY || lac_json_size(v) != l->count)
        return lac_err_set(err, LAC_REJECT, 0, "head.json: %s.%s: must be a list of %zu numbers",
                           l->object, l->key, l->count);
    for (size_t i = 0; i < l->count; i++) {
        const struct lac_json *item = lac_json_item(v, i);
        int64_t n = lac_json_int(item);

        if (lac_json_kind(item) != LAC_JSON_INT || n < l->least || n > l->most)
            return lac_err_set(err, LAC_REJECT, 0,
                               "head.json: %s.%s: number %zu is not a whole number from %d to %d",
                               l->object, l->key, i, (int)l->least, (int)l->most);
        l->out[i] = (int32_t)n;
    }
    return LAC_OK;
}

enum { LISTS = 7 };

/* Where each list stands in the file. */
static void lists_of(struct lac_head_params *p, struct list out[LISTS])
{
    const int32_t w = LAC_HEAD_WEIGHT_MAX, v = LAC_HEAD_VALUE_MAX;
    size_t exemplars = (size_t)p->exemplars * LAC_TIER_COUNT;
    size_t words = (size_t)p->words * LAC_TIER_COUNT;

    out[0] = (struct list){
        "regression", "weights", &p->weights[0][0], (size_t)LAC_TIER_COUNT * LAC_HEAD_INPUTS,
        -v,           v};
    out[1] = (struct list){"regression", "bias", p->bias, LAC_TIER_COUNT, -v, v};
    out[2] = (struct list){"regression", "log_prior", p->log_prior, LAC_TIER_COUNT, -v, 0};
    out[3] = (struct list){"guard", "shift", p->guard, LAC_TIER_COUNT, -v, v};
    out[4] = (struct list){"exemplars", "weights", p->exemplar_weights, exemplars, -w, w};
    out[5] = (struct list){"words", "ids", p->word_ids, p->words, 0, LAC_HEAD_WORD_ID_MAX};
    out[6] = (struct list){"words", "weights", p->word_weights, words, -w, w};
}

static enum lac_status read_doc(struct lac_head_params *p, const struct lac_json *doc,
                                unsigned char *vec_hash, struct lac_err *err)
{
    struct list lists[LISTS];
    enum lac_status status;

    if (lac_json_kind(doc) != LAC_JSON_OBJECT)
        return lac_err_set(err, LAC_REJECT, 0, "head.json: must be an object");
    status = read_counts(p, doc, err);
    if (status == LAC_OK)
        status = read_identity(p, doc, vec_hash, err);
    if (status == LAC_OK)
        status = lac_head_params_alloc(p, err);
    if (status != LAC_OK)
        return status;
    lists_of(p, lists);
    for (size_t i = 0; i < LISTS && status == LAC_OK; i++)
        status = read_list(doc, &lists[i], err);
    for (uint32_t i = 1; i < p->words && status == LAC_OK; i++)
        if (p->word_ids[i] <= p->word_ids[i - 1])
            status = bad(err, "words.ids", "must rise");
    return status;
}

enum lac_status lac_head_params_read(struct lac_head_params *p, struct lac_str json,
                                     unsigned char vec_hash[LAC_HEAD_HASH_SIZE],
                                     struct lac_err *err)
{
    struct lac_json *doc = NULL;
    struct lac_err inner;
    enum lac_status status;

    memset(p, 0, sizeof(*p));
    if (json.len > LAC_HEAD_JSON_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "head.json: larger than %d bytes",
                           LAC_HEAD_JSON_MAX);
    status = lac_json_parse(&doc, json, &inner);
    if (status != LAC_OK)
        return lac_err_set(err, status, inner.code, "head.json: %s", inner.text);
    status = read_doc(p, doc, vec_hash, err);
    lac_json_free(doc);
    return status;
}

/* ---- writing ---- */

static void put_count(struct lac_json_writer *w, const char *key, int64_t value)
{
    lac_json_key(w, key);
    lac_json_put_int(w, value);
}

static void put_hash(struct lac_json_writer *w, const char *key, const unsigned char *hash)
{
    lac_json_key(w, key);
    lac_json_put_hex(w, hash, LAC_HEAD_HASH_SIZE);
}

static void put_list(struct lac_json_writer *w, const struct list *l)
{
    lac_json_key(w, l->key);
    lac_json_open_array(w);
    for (size_t i = 0; i < l->count; i++)
        lac_json_put_int(w, l->out[i]);
    lac_json_close_array(w);
}

/* Closes the object before and opens the next, on a line of its own so that a person can read it.
 */
static void next_object(struct lac_json_writer *w, struct lac_buf *out, const char *key)
{
    lac_json_close_object(w);
    lac_buf_put_char(out, '\n');
    lac_json_key(w, key);
    lac_json_open_object(w);
}

static void put_identity(const struct lac_head_params *p, struct lac_json_writer *w,
                         struct lac_buf *out)
{
    put_count(w, "format", p->doubts[0] ? LAC_HEAD_FORMAT : LAC_HEAD_FORMAT_WHOLE);
    put_count(w, "width", p->width);
    put_count(w, "seed", (int64_t)p->seed);
    lac_json_key(w, "model");
    lac_json_open_object(w);
    lac_json_key(w, "name");
    lac_json_put_text(w, p->model);
    put_hash(w, "hash", p->model_hash);
    put_count(w, "layers", p->layers);
    next_object(w, out, "data");
    put_hash(w, "sha256", p->data_hash);
    next_object(w, out, "features");
    put_count(w, "per_tier", p->per_tier);
    put_count(w, "nearest", p->nearest);
    next_object(w, out, "gate");
    put_count(w, "closeness", p->closeness);
    lac_json_key(w, "language");
    lac_json_put_text(w, p->language == LAC_HEAD_ENGLISH ? "en" : "any");
}

void lac_head_params_write(const struct lac_head_params *p,
                           const unsigned char vec_hash[LAC_HEAD_HASH_SIZE], struct lac_str report,
                           struct lac_buf *out)
{
    struct lac_head_params same = *p; /* lists_of() lends for reading and for writing */
    struct list lists[LISTS];
    struct lac_json_writer w;

    lists_of(&same, lists);
    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    put_identity(p, &w, out);
    next_object(&w, out, "kernel");
    put_count(&w, "sharpness", p->sharpness);
    next_object(&w, out, "regression");
    for (size_t i = 0; i < 3; i++)
        put_list(&w, &lists[i]);
    put_count(&w, "floor", p->floor);
    next_object(&w, out, "guard");
    put_list(&w, &lists[3]);
    if (p->doubts[0]) {
        next_object(&w, out, "sentences");
        put_count(&w, "doubt_public", p->doubts[0]);
        put_count(&w, "doubt_internal", p->doubts[1]);
    }
    next_object(&w, out, "exemplars");
    put_count(&w, "count", p->exemplars);
    put_hash(&w, "sha256", vec_hash);
    put_hash(&w, "texts", p->texts_hash);
    put_list(&w, &lists[4]);
    next_object(&w, out, "words");
    put_count(&w, "count", p->words);
    put_list(&w, &lists[5]);
    put_list(&w, &lists[6]);
    lac_json_close_object(&w);
    lac_buf_put_char(out, '\n');
    lac_json_key(&w, "report");
    lac_json_put_raw(&w, report);
    lac_json_close_object(&w);
    lac_buf_put_char(out, '\n');
}
