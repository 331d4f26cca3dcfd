/* SPDX-License-Identifier: Apache-2.0 */
/* A table that is accepted covers the file exactly, and a model bound to it can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_model_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_through(const struct lac_encode_tensor *t)
{
    size_t count = (size_t)t->rows * t->cols;
    float *out = malloc(count * sizeof(*out) + 1);

    if (!out)
        abort();
    lac_encode_tensor_read(t, 0, count, out);
    for (size_t i = 0; i < count; i++)
        if (!(out[i] - out[i] == 0))
            abort(); /* not finite */
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_encode_weights w = {
        .hidden = 8, .layers = 1, .heads = 2, .ffn = 16, .vocab = 10, .positions = 8, .types = 2};
    struct lac_encode_tensors t;
    struct lac_err err = {0};
    uint64_t sum = 0;

    if (lac_encode_tensors_init(&t, data, size, &err) != LAC_OK) {
        if (err.text[0] == 0)
            abort();
        return 0;
    }
    for (size_t i = 0; i < t.count; i++) {
        const struct lac_encode_entry *e = &t.entries[i];

        if (e->data < data || e->size > size || (size_t)(data + size - e->data) < e->size)
            abort();
        if (lac_encode_tensors_find(&t, e->name) != e)
            abort();
        sum += e->size;
    }
    if (sum > size)
        abort();
    if (lac_encode_tensors_bind(&t, &w, &err) == LAC_OK) {
        read_through(&w.words);
        read_through(&w.layer[0].down);
        read_through(&w.layer[0].norm2_bias);
    }
    lac_encode_tensors_deinit(&t);
    return 0;
}
