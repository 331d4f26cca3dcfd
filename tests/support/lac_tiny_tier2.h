/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_tiny_tier2 - a whole tier 2 that a test can reason about
 *
 * The model of lac_model_folder.h, a backend that adds up one axis per word instead of running it,
 * and a head whose exemplars lie on these axes: "sea" is PUBLIC (exemplar p-1), "the" INTERNAL
 * (i-1), "plan" PROPRIETARY (x-1), "of" unlike anything. Windows have 6 tokens, 4 of the text; the
 * query's prefix is switched off.
 */
#ifndef LAC_TINY_TIER2_H
#define LAC_TINY_TIER2_H

#include "lac_buf.h"
#include "lac_pack.h"
#include "lac_semantic.h"

struct lac_tiny {
    char *folder;
    unsigned char hash[32];
    struct lac_semantic *semantic;
    struct lac_pack *pack; /* the built-in rules with the head */
};

/* What the backend answers to the next calls, and what it was asked. */
struct lac_tiny_backend {
    enum lac_status status;
    size_t calls, sequences, tokens; /* only exact with one lane */
    size_t sessions;                 /* opened so far */
    /* Called within each call; NULL: nothing. */
    void (*in_call)(bool interactive);
};
extern struct lac_tiny_backend lac_tiny_backend;
extern const struct lac_encode_backend lac_tiny_cpu;

/* All of it; `with_model` false: the semantic tier can't find the head's model. `tail` is added to
 * the pack's pack.yaml. Aborts when something fails. */
void lac_tiny_open(struct lac_tiny *t, bool with_model, const char *tail);
void lac_tiny_close(struct lac_tiny *t);

/* Such a pack with the head of another model. To lac_pack_close(). `tail` is kept: a literal. */
struct lac_pack *lac_tiny_pack(const unsigned char model[32], const char *tail);

/* The head's two files, for a model and for exemplars of these hashes. Free both buffers. */
void lac_tiny_head(const unsigned char model[32], const unsigned char texts[32],
                   struct lac_buf *json, struct lac_buf *vec);

#endif
