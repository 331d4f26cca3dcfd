/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_model.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "lac_encode_model_internal.h"

#define TOP(field, name, old, rows, cols)                                         \
    {                                                                             \
        name, old, offsetof(struct lac_encode_weights, field), LAC_ENCODE_##rows, \
            LAC_ENCODE_##cols                                                     \
    }
#define LAYER(field, name, old, rows, cols)                                                       \
    {                                                                                             \
        name, old, offsetof(struct lac_encode_layer, field), LAC_ENCODE_##rows, LAC_ENCODE_##cols \
    }

const struct lac_encode_part lac_encode_top_parts[LAC_ENCODE_TOP_PARTS] = {
    TOP(words, "embeddings.word_embeddings.weight", NULL, VOCAB, HIDDEN),
    TOP(places, "embeddings.position_embeddings.weight", NULL, PLACES, HIDDEN),
    TOP(kinds, "embeddings.token_type_embeddings.weight", NULL, TYPES, HIDDEN),
    TOP(norm, "embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma", ONE, HIDDEN),
    TOP(norm_bias, "embeddings.LayerNorm.bias", "embeddings.LayerNorm.beta", ONE, HIDDEN),
};

const struct lac_encode_part lac_encode_layer_parts[LAC_ENCODE_LAYER_PARTS] = {
    LAYER(q, "attention.self.query.weight", NULL, HIDDEN, HIDDEN),
    LAYER(q_bias, "attention.self.query.bias", NULL, ONE, HIDDEN),
    LAYER(k, "attention.self.key.weight", NULL, HIDDEN, HIDDEN),
    LAYER(k_bias, "attention.self.key.bias", NULL, ONE, HIDDEN),
    LAYER(v, "attention.self.value.weight", NULL, HIDDEN, HIDDEN),
    LAYER(v_bias, "attention.self.value.bias", NULL, ONE, HIDDEN),
    LAYER(out, "attention.output.dense.weight", NULL, HIDDEN, HIDDEN),
    LAYER(out_bias, "attention.output.dense.bias", NULL, ONE, HIDDEN),
    LAYER(norm1, "attention.output.LayerNorm.weight", "attention.output.LayerNorm.gamma", ONE,
          HIDDEN),
    LAYER(norm1_bias, "attention.output.LayerNorm.bias", "attention.output.LayerNorm.beta", ONE,
          HIDDEN),
    LAYER(up, "intermediate.dense.weight", NULL, FFN, HIDDEN),
    LAYER(up_bias, "intermediate.dense.bias", NULL, ONE, FFN),
    LAYER(down, "output.dense.weight", NULL, HIDDEN, FFN),
    LAYER(down_bias, "output.dense.bias", NULL, ONE, HIDDEN),
    LAYER(norm2, "output.LayerNorm.weight", "output.LayerNorm.gamma", ONE, HIDDEN),
    LAYER(norm2_bias, "output.LayerNorm.bias", "output.LayerNorm.beta", ONE, HIDDEN),
};

uint32_t lac_encode_extent_of(const struct lac_encode_weights *w, enum lac_encode_extent extent)
{
    switch (extent) {
    case LAC_ENCODE_ONE:
        return 1;
    case LAC_ENCODE_HIDDEN:
        return w->hidden;
    case LAC_ENCODE_FFN:
        return w->ffn;
    case LAC_ENCODE_VOCAB:
        return w->vocab;
    case LAC_ENCODE_PLACES:
        return w->positions;
    case LAC_ENCODE_TYPES:
        return w->types;
    }
    return 0;
}

struct lac_encode_tensor *lac_encode_part_tensor(const struct lac_encode_part *part, void *base)
{
    return (struct lac_encode_tensor *)(void *)((char *)base + part->offset);
}

enum lac_status lac_encode_shape_check(const struct lac_encode_weights *w, struct lac_err *err)
{
    const struct {
        const char *name;
        uint32_t value, from, to;
    } limits[] = {
        {"hidden_size", w->hidden, LAC_ENCODE_HIDDEN_MIN, LAC_ENCODE_WIDTH_MAX},
        {"num_hidden_layers", w->layers, 1, LAC_ENCODE_LAYER_MAX},
        {"num_attention_heads", w->heads, 1, LAC_ENCODE_HEAD_MAX},
        {"intermediate_size", w->ffn, 1, LAC_ENCODE_FFN_MAX},
        {"vocab_size", w->vocab, 1, LAC_ENCODE_VOCAB_ROWS_MAX},
        {"max_position_embeddings", w->positions, 3, LAC_ENCODE_PLACES_MAX},
        {"type_vocab_size", w->types, 1, LAC_ENCODE_TYPE_MAX},
        {"max_seq_length", w->window, 3,
         w->positions < LAC_ENCODE_POSITION_MAX ? w->positions : LAC_ENCODE_POSITION_MAX},
    };

    for (size_t i = 0; i < LAC_COUNT(limits); i++)
        if (limits[i].value < limits[i].from || limits[i].value > limits[i].to)
            return lac_err_set(err, LAC_REJECT, 0, "%s is %u, must be %u to %u", limits[i].name,
                               limits[i].value, limits[i].from, limits[i].to);
    if (w->hidden % w->heads != 0)
        return lac_err_set(err, LAC_REJECT, 0,
                           "hidden_size %u is no multiple of num_attention_heads %u", w->hidden,
                           w->heads);
    /* Not below the smallest that a single-precision norm can add to a variance. */
    if (!(w->eps >= 1e-20f && w->eps <= 1.0f))
        return lac_err_set(err, LAC_REJECT, 0, "layer_norm_eps is out of range");
    return LAC_OK;
}

void lac_encode_model_close(struct lac_encode_model *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->shard_count; i++)
        if (m->shards[i].map)
            (void)munmap(m->shards[i].map, m->shards[i].size);
    free(m->memory);
    free(m->folder);
    free(m);
}

const struct lac_encode_weights *lac_encode_model_weights(const struct lac_encode_model *m)
{
    return &m->weights;
}

const char *lac_encode_model_folder(const struct lac_encode_model *m)
{
    return m->folder;
}

struct lac_str lac_encode_model_prefix(const struct lac_encode_model *m, bool query)
{
    return lac_str_from(m->prefix[query]);
}
