/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensor of a file is which part of the model.
 */
#include <stdio.h>
#include <string.h>

#include "lac_encode_model_internal.h"
#include "lac_encode_model_tensors.h"

/* The name of a part, with what stands before it. False: it does not fit, so no tensor has it. */
static struct lac_str part_name(char buf[LAC_ENCODE_NAME_MAX], const char *root, int layer,
                                const char *name)
{
    int n = layer < 0
                ? snprintf(buf, LAC_ENCODE_NAME_MAX, "%s%s", root, name)
                : snprintf(buf, LAC_ENCODE_NAME_MAX, "%sencoder.layer.%d.%s", root, layer, name);

    return (struct lac_str){buf, (size_t)n};
}

/* Whether one of the values is an infinity or no number: all bits of its exponent are set. */
static bool any_not_finite(const unsigned char *data, size_t count, enum lac_encode_dtype dtype)
{
    uint32_t bad = 0;

    if (dtype == LAC_ENCODE_F32) {
        for (size_t i = 0; i < count; i++) {
            uint32_t bits;

            memcpy(&bits, data + i * sizeof(bits), sizeof(bits));
            bad |= (bits & 0x7f800000u) == 0x7f800000u;
        }
    } else {
        uint32_t mask = dtype == LAC_ENCODE_F16 ? 0x7c00u : 0x7f80u;

        for (size_t i = 0; i < count; i++) {
            uint16_t bits;

            memcpy(&bits, data + i * sizeof(bits), sizeof(bits));
            bad |= (bits & mask) == mask;
        }
    }
    return bad != 0;
}

static bool float_type(struct lac_str dtype, enum lac_encode_dtype *out)
{
    if (lac_str_is(dtype, "F32"))
        *out = LAC_ENCODE_F32;
    else if (lac_str_is(dtype, "F16"))
        *out = LAC_ENCODE_F16;
    else if (lac_str_is(dtype, "BF16"))
        *out = LAC_ENCODE_BF16;
    else
        return false;
    return true;
}

/* "[384, 1536]" */
static void show_shape(char *buf, size_t size, const struct lac_encode_entry *e)
{
    int at = snprintf(buf, size, "[");

    for (uint32_t i = 0; i < e->rank && (size_t)at < size; i++)
        at += snprintf(buf + at, size - (size_t)at, "%s%llu", i ? ", " : "",
                       (unsigned long long)e->shape[i]);
    if ((size_t)at < size)
        (void)snprintf(buf + at, size - (size_t)at, "]");
}

static enum lac_status check_tensor(const struct lac_encode_entry *e, struct lac_encode_tensor *t,
                                    struct lac_err *err)
{
    bool vector = t->rows == 1 && e->rank == 1 && e->shape[0] == t->cols;
    bool matrix = e->rank == 2 && e->shape[0] == t->rows && e->shape[1] == t->cols;

    if (!vector && !matrix) {
        char shape[96];

        show_shape(shape, sizeof(shape), e);
        return lac_err_set(err, LAC_REJECT, 0,
                           "tensor \"%.*s\": shape is %s, config.json asks for [%u, %u]",
                           LAC_STR_FMT(e->name), shape, t->rows, t->cols);
    }
    if (!float_type(e->dtype, &t->dtype))
        return lac_err_set(err, LAC_REJECT, 0,
                           "tensor \"%.*s\": dtype %.*s is none of F32, F16 and BF16",
                           LAC_STR_FMT(e->name), LAC_STR_FMT(e->dtype));
    if (any_not_finite(e->data, (size_t)t->rows * t->cols, t->dtype))
        return lac_err_set(err, LAC_REJECT, 0,
                           "tensor \"%.*s\": holds a value that is not a finite number",
                           LAC_STR_FMT(e->name));
    t->data = e->data;
    return LAC_OK;
}

static enum lac_status bind_parts(struct lac_encode_tensors *table, const char *root, int layer,
                                  const struct lac_encode_part *parts, size_t count,
                                  struct lac_encode_weights *w, void *base, struct lac_err *err)
{
    char buf[LAC_ENCODE_NAME_MAX];

    for (size_t i = 0; i < count; i++) {
        struct lac_encode_tensor *t = lac_encode_part_tensor(&parts[i], base);
        struct lac_encode_entry *e =
            lac_encode_tensors_find(table, part_name(buf, root, layer, parts[i].name));
        enum lac_status status;

        if (!e && parts[i].old_name)
            e = lac_encode_tensors_find(table, part_name(buf, root, layer, parts[i].old_name));
        if (!e) {
            (void)part_name(buf, root, layer, parts[i].name);
            return lac_err_set(err, LAC_REJECT, 0, "tensor \"%s\": is missing", buf);
        }
        *t = (struct lac_encode_tensor){.rows = lac_encode_extent_of(w, parts[i].rows),
                                        .cols = lac_encode_extent_of(w, parts[i].cols)};
        status = check_tensor(e, t, err);
        if (status != LAC_OK)
            return status;
        e->used = true;
    }
    return LAC_OK;
}

/* A part that would be left out makes another model of it than the one that was trained. */
static enum lac_status check_unused(const struct lac_encode_tensors *table, const char *root,
                                    struct lac_err *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct lac_encode_entry *e = &table->entries[i];
        struct lac_str name = e->name;

        if (e->used || !lac_str_has_at(name, 0, root))
            continue;
        name = lac_str_slice(name, strlen(root), name.len);
        if (lac_str_is(name, "embeddings.position_ids") ||
            lac_str_is(name, "embeddings.token_type_ids"))
            continue; /* 0, 1, 2 ... as a table */
        if (lac_str_has_at(name, 0, "embeddings.") || lac_str_has_at(name, 0, "encoder."))
            return lac_err_set(err, LAC_REJECT, 0,
                               "tensor \"%.*s\": a model as config.json describes it has none",
                               LAC_STR_FMT(e->name));
    }
    return LAC_OK;
}

enum lac_status lac_encode_tensors_bind(struct lac_encode_tensors *table,
                                        struct lac_encode_weights *w, struct lac_err *err)
{
    bool plain =
        lac_encode_tensors_find(table, LAC_STR("embeddings.word_embeddings.weight")) != NULL;
    const char *root = plain ? "" : "bert.";
    enum lac_status status;

    status = bind_parts(table, root, -1, lac_encode_top_parts, LAC_ENCODE_TOP_PARTS, w, w, err);
    for (uint32_t i = 0; status == LAC_OK && i < w->layers; i++)
        status = bind_parts(table, root, (int)i, lac_encode_layer_parts, LAC_ENCODE_LAYER_PARTS, w,
                            &w->layer[i], err);
    return status == LAC_OK ? check_unused(table, root, err) : status;
}
