/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_semantic_internal - what the files of common/semantic share
 */
#ifndef LAC_SEMANTIC_INTERNAL_H
#define LAC_SEMANTIC_INTERNAL_H

#include "lac_encode_model.h"
#include "lac_encode_tokenizer.h"
#include "lac_semantic.h"
#include "lac_semantic_gate.h"

enum { LAC_SEMANTIC_PREFIX_TOKENS = LAC_ENCODE_PREFIX_MAX };

/* A model with its tokenizer; shared by devices with different numbers of layers. */
struct lac_semantic_source {
    struct lac_encode_model *model;
    struct lac_encode_tokenizer *tokenizer;
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    int32_t prefix[LAC_SEMANTIC_PREFIX_TOKENS]; /* tokens before each text */
    size_t prefix_count;
};

struct lac_semantic_device {
    struct lac_semantic *owner;
    const struct lac_semantic_source *source;
    struct lac_encode_weights weights; /* the model's with `layers` lowered */
    const struct lac_encode_backend *backend;
    enum lac_encode_class class;
    struct lac_encode_device *device;
    struct lac_semantic_gate *gate;
};

/* What a call of the device came to, for readiness. Cheap when all is well. */
void lac_semantic_note_call(const struct lac_semantic_device *d, enum lac_status status,
                            const struct lac_err *err);

#endif
