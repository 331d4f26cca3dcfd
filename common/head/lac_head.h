/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head - what a text's vector says about its tier, and how sure that is
 *
 * A head is what `lacuna train` learned from labelled texts: exemplars (their vectors, tiers, ids
 * and weights), weights of words, a calibrated multinomial regression over what both and the
 * neighbourhood say, a shift that bounds leaks, and a gate for texts unlike any that it was trained
 * on. It belongs to one encoder model, named by hash, and lives in a pack as two files:
 *
 * - semantic/head.json: all numbers, as integers, and where they came from
 * - semantic/exemplars.vec: the exemplars, see lac_head_params.h
 *
 * Exact: the vector is turned into integers first (a power of two times each element, rounded to
 * the nearest, halves up), and from there on there is integer arithmetic only. The same bits of a
 * vector give the same answer on every machine.
 *
 * Fail closed: a vector that is no unit vector, and a text that the gate doesn't know, can make
 * stricter tiers likelier and never a looser one.
 *
 * Thread: any. A head is immutable; nothing is allocated after lac_head_open().
 */
#ifndef LAC_HEAD_H
#define LAC_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_HEAD_WIDTH_MAX = 1024,
    LAC_HEAD_LAYER_MAX = 48,
    LAC_HEAD_EXEMPLAR_MAX = 16384,
    LAC_HEAD_TOKEN_MAX = 512,    /* token ids of one question */
    LAC_HEAD_ID_MAX = 64,        /* bytes of an exemplar's id */
    LAC_HEAD_NEAREST = 5,        /* exemplars named in an answer */
    LAC_HEAD_JSON_MAX = 4 << 20, /* bytes of head.json */
    LAC_HEAD_VEC_MAX = 16 << 20, /* bytes of exemplars.vec */
    LAC_HEAD_HASH_SIZE = 32,
    LAC_HEAD_DOUBT_MAX = 1000,
};

struct lac_head;

/* Both files' bytes; `exemplars` is borrowed until lac_head_close(), `json` is not. REJECT: one of
 * them is damaged, of another version, or they don't belong together; the text names the file and
 * the member. RETRY: no memory. */
enum lac_status lac_head_open(struct lac_head **out, struct lac_str json, struct lac_str exemplars,
                              struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_head_close(struct lac_head *h);

/* ---- what it is; all borrowed until lac_head_close() ---- */

struct lac_str lac_head_model_name(const struct lac_head *h);
/* SHA-256 of the encoder model, LAC_HEAD_HASH_SIZE bytes: vectors of another one mean nothing. */
const unsigned char *lac_head_model_hash(const struct lac_head *h);
/*
 * How many of the encoder's layers the vectors come from, at least 1: the middle layers know more
 * about how something is said, the last ones more about its subject, and training found which is
 * best. Run the model with so many layers: open the backend on a copy of its weights with `layers`
 * lowered to this number (REJECT a head that wants more than there are). Pooling and normalisation
 * stay as they are.
 */
uint32_t lac_head_layers(const struct lac_head *h);
/* SHA-256 of the exemplars' texts (lac_head_data.h says over what): tells whether exemplars/ was
 * changed since the training. */
const unsigned char *lac_head_exemplars_hash(const struct lac_head *h);
uint32_t lac_head_width(const struct lac_head *h);
uint32_t lac_head_exemplar_count(const struct lac_head *h);
/* index < lac_head_exemplar_count(). */
struct lac_str lac_head_exemplar_id(const struct lac_head *h, uint32_t index);

/*
 * How much surer than a whole text one of its sentences must be: two numbers from 1 to
 * LAC_HEAD_DOUBT_MAX by which the odds of P(tier <= PUBLIC) and of P(tier <= INTERNAL) are
 * multiplied before they count. NULL: this head judges texts as a whole only. Borrowed until
 * lac_head_close().
 */
const uint32_t *lac_head_doubts(const struct lac_head *h);

/* ---- asking ---- */

enum lac_head_gate {
    LAC_HEAD_PASSED,
    LAC_HEAD_INVALID,  /* no finite vector of unit length, or too many tokens */
    LAC_HEAD_FAR,      /* unlike all exemplars */
    LAC_HEAD_LANGUAGE, /* lac_head_language() said no */
};

/* "passed", "invalid", "far", "language": values of an observation. Never rename one. */
const char *lac_head_gate_name(enum lac_head_gate gate);

struct lac_head_near {
    uint32_t exemplar;  /* index */
    int32_t similarity; /* cosine, ppm */
};

struct lac_head_out {
    /* ppm, each 1 .. 1,000,000, the largest 1,000,000: fit for struct lac_decide_opinion. When the
     * gate is not passed, each is raised to the highest before it, see lac_decide_raise_only(). */
    uint32_t likelihood[LAC_TIER_COUNT];
    enum lac_head_gate gate;
    int32_t closeness; /* ppm: mean cosine to the nearest exemplars; what the gate looks at */
    struct lac_head_near nearest[LAC_HEAD_NEAREST]; /* most similar first */
    uint32_t nearest_count;
};

/*
 * `vector` has lac_head_width() floats and should have length 1. `ids` are the tokens that it was
 * made of, as the model's tokenizer gives them, without [CLS], [SEP] and a prefix: at most
 * LAC_HEAD_TOKEN_MAX; ids that training never saw count for nothing.
 */
void lac_head_ask(const struct lac_head *h, const float *vector, const int32_t *ids, size_t count,
                  struct lac_head_out *out);

/* The same for `count` texts at once, which is faster: out[i] is what lac_head_ask() says about
 * questions[i]. */
struct lac_head_question {
    const float *vector;
    const int32_t *ids;
    size_t count; /* of ids */
};
void lac_head_ask_all(const struct lac_head *h, const struct lac_head_question *questions,
                      size_t count, struct lac_head_out *out);

/*
 * The other half of the gate: whether `text` may be in a language that the head was trained for.
 * False: more than a fifth of its letters belong to other scripts (an ideograph, kana or Hangul
 * counts for three), or its little words are mostly those of another language of Europe; where
 * there is no English one, two words tell, one of them such a word and the other that or one with a
 * mark (Müller). Very short texts and code pass. Look at the whole text, not at a window of it.
 * Malformed UTF-8 counts as foreign letters.
 */
bool lac_head_language(const struct lac_head *h, struct lac_str text);

/* What a text's answer becomes when lac_head_language() says no. */
void lac_head_foreign(struct lac_head_out *out);

#endif
