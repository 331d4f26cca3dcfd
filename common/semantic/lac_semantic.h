/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_semantic - texts to what they mean: tokenizer, encoder and head put together
 *
 * A process has one struct lac_semantic. It opens encoder models when a pack's head asks for them
 * (by hash, so that vectors and head belong together), each once, and shares them between lanes;
 * packs in force, canary and shadow may want different ones. A lane takes what it needs from there
 * and has memory of its own.
 *
 * Within an engine class an answer is a function of the text, the model and the head: what else is
 * asked in the same call, in which order and how many at once, never shows in it.
 *
 * How a text longer than the model's window is judged: it is split into overlapping windows
 * (lac_encode_windows.h), the head is asked about each, and for every threshold the strictest
 * window counts. With p_w the likelihoods of window w divided by their sum,
 *
 *     P(tier <= t) = min over w of the sum of p_w(s) over s <= t
 *
 * so that one secret paragraph is not diluted by a hundred harmless ones.
 *
 * How a text of several sentences is judged: one secret sentence would still be diluted by the rest
 * of its window. A head that has doubts (lac_head_doubts()) is asked about each sentence as well
 * (lac_semantic_parts.h), and its P(tier <= t) counts among the windows', with the odds of it
 * multiplied by doubt[t]: a sentence was written for who has read those around it, and alone it
 * must be that much surer.
 *
 * Exemplars are those of the window or sentence with the smallest P(tier <= INTERNAL). A text fails
 * the gate when one window does; a sentence that does is left to the window around it.
 */
#ifndef LAC_SEMANTIC_H
#define LAC_SEMANTIC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_encode.h"
#include "lac_err.h"
#include "lac_head.h"
#include "lac_str.h"

enum {
    LAC_SEMANTIC_WINDOW_MAX = 64,   /* windows of one text; 50 kB of English */
    LAC_SEMANTIC_DEVICE_MAX = 8,    /* models times layers, until the process ends */
    LAC_SEMANTIC_TOKENS = 16384,    /* default: tokens of one call of a GPU's encoder, */
    LAC_SEMANTIC_TOKENS_CPU = 4096, /* and of a CPU's: tens of milliseconds */
    LAC_SEMANTIC_SEQUENCES = 256,   /* default: sequences of one call */
    LAC_SEMANTIC_YIELD_MS = 20,     /* longest that a lane lets interactive ones go first */
    LAC_SEMANTIC_HASH_SIZE = 32,
    LAC_SEMANTIC_PAUSE_MS = 10000, /* default of options.pause_ms */
};

struct lac_encode_model;

struct lac_semantic_options {
    const char *store; /* folder of the model store (lac_encode_store.h) */
    const char *model; /* a folder, name or hash that goes before the store's; NULL or "": none */
    bool auto_class;   /* the fastest class that there is, else `class` */
    enum lac_encode_class class;
    const char *plugin; /* of a GPU; NULL or "": where it is installed */
    /* What is missing when it is opened is looked for again whenever a head asks: until then there
     * is no device. False: then it is an error. */
    bool lenient;
    uint64_t pause_ms; /* between looking for a model that is missing; 0: the default */
    /* Where it is not NULL, this backend runs everything: for tests. */
    const struct lac_encode_backend *backend;
};

struct lac_semantic;

/* Opens the configured model, if any, and finds the backend. Texts are copied. REJECT: one of them
 * is not there or not acceptable, unless `lenient`. Thread: any. */
enum lac_status lac_semantic_open(struct lac_semantic **out, const struct lac_semantic_options *o,
                                  struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. After all lanes. */
void lac_semantic_close(struct lac_semantic *s);

/*
 * A model made ready for the vectors that a head wants. Opened at the first call, which takes up to
 * a second; the same pointer ever after, until lac_semantic_close(). REJECT: there is no such
 * model, or it is not the one that was trained with; later calls try again, but not before
 * options.pause_ms have passed. Thread: any.
 */
struct lac_semantic_device;
enum lac_status lac_semantic_device(struct lac_semantic *s, const struct lac_head *head,
                                    const struct lac_semantic_device **out,
                                    struct lac_err *err) LAC_MUST_USE;

/* The same for a model by folder, name or hash, with so many of its layers (0: all). */
enum lac_status lac_semantic_device_of(struct lac_semantic *s, const char *model, uint32_t layers,
                                       const struct lac_semantic_device **out,
                                       struct lac_err *err) LAC_MUST_USE;

/* Of a device; borrowed until lac_semantic_close(). */
const char *lac_semantic_engine(const struct lac_semantic_device *d);        /* "cpu-int8/avx512" */
const unsigned char *lac_semantic_hash(const struct lac_semantic_device *d); /* of the model */
const struct lac_encode_model *lac_semantic_model(const struct lac_semantic_device *d);
uint32_t lac_semantic_width(const struct lac_semantic_device *d);

/* How many calls of lac_semantic_device() found none since the last that did, or 1 while the last
 * call of a device failed; for readiness. Why goes into `why` unless that is NULL. Thread: any. */
size_t lac_semantic_missing(struct lac_semantic *s, char *why, size_t size);

/*
 * Whether texts can be encoded for heads of this model (LAC_SEMANTIC_HASH_SIZE bytes) and so many
 * of its layers: it is open, and the last call of a device did not fail. If not, why goes into
 * `why`. Never blocks: while a model is being opened, it is not ready. Thread: any.
 */
bool lac_semantic_ready(struct lac_semantic *s, const unsigned char *model_hash, uint32_t layers,
                        char *why, size_t size);

/* ---- what was said before ---- */

/*
 * For programs that ask about the same texts several times: with several strategies, or for the
 * heads of several packs. lac_semantic_ask() of a lane that has a memo encodes no text twice for
 * the same model and layers, and puts none twice to the same head, as long as that is remembered:
 * in `bytes` of memory and some 49,000 entries; three quarters full, it forgets everything before
 * the next call. Answers are the same with and without.
 *
 * Heads and devices that were asked must not be closed before it. Thread: one; its lanes may share
 * a memo.
 */
struct lac_semantic_memo;
enum lac_status lac_semantic_memo_new(struct lac_semantic_memo **out, size_t bytes,
                                      struct lac_err *err) LAC_MUST_USE;
void lac_semantic_memo_free(struct lac_semantic_memo *m); /* accepts NULL; after the lanes */

/* ---- a lane ---- */

struct lac_semantic_lane; /* owned by one thread */

struct lac_semantic_lane_options {
    size_t tokens, sequences; /* of one call of the encoder; 0: the default */
    bool interactive;         /* goes before others on a shared device: these wait before a call
                                 while an interactive one runs, LAC_SEMANTIC_YIELD_MS at most */
    struct lac_semantic_memo *memo; /* borrowed until close; NULL: nothing is remembered */
};

enum lac_status lac_semantic_lane_open(struct lac_semantic_lane **out,
                                       const struct lac_semantic_device *d,
                                       const struct lac_semantic_lane_options *o,
                                       struct lac_err *err) LAC_MUST_USE;
void lac_semantic_lane_close(struct lac_semantic_lane *l); /* accepts NULL */

/* One window of a text, in the order of texts and of their windows, or a sentence: they come behind
 * the text's windows. */
struct lac_semantic_window {
    size_t text, index, count; /* which text; which of how many windows and sentences */
    bool part;                 /* a sentence; never from lac_semantic_encode() */
    size_t tokens;             /* of the text in it, without [CLS], [SEP] and prefix */
    const int32_t *ids;        /* [tokens], borrowed as `vector` */
    const float *vector;       /* lac_semantic_width() floats; borrowed during the call */
    size_t after;              /* so many behind this one in memory are the next ones */
};
typedef void lac_semantic_window_fn(void *ctx, const struct lac_semantic_window *w);

/* What of a text was looked at. */
struct lac_semantic_cover {
    size_t tokens, windows;
    size_t parts; /* sentences that were read on their own, too */
    size_t left;  /* tokens behind the last window that there may be */
};

/*
 * Encodes `count` texts and hands each window's vector to `each`. All texts get the model's prefix
 * of a query, exemplars and what is compared with them alike. `cover` has `count` places, or is
 * NULL. Allocates nothing. RETRY: the device can't now, nothing is wrong with it. FATAL: it is
 * broken, the process must end. Thread: the lane's.
 */
enum lac_status lac_semantic_encode(struct lac_semantic_lane *l, const struct lac_str *texts,
                                    size_t count, struct lac_semantic_cover *cover,
                                    lac_semantic_window_fn *each, void *ctx,
                                    struct lac_err *err) LAC_MUST_USE;

/* What a head says about a text. */
struct lac_semantic_answer {
    uint32_t likelihood[LAC_TIER_COUNT]; /* as in struct lac_head_out */
    enum lac_head_gate gate;             /* of the first window that failed, or of the language */
    bool cut;                            /* longer than LAC_SEMANTIC_WINDOW_MAX windows */
    struct lac_head_near nearest[LAC_HEAD_NEAREST];
    uint32_t nearest_count;
    uint64_t _below[2]; /* P(tier <= PUBLIC), P(tier <= INTERNAL), 1e-9 */
    uint64_t _nearest_below[2];
};

/* Asks `head` about `count` texts; `cover` has room for so many, and is for the caller to read.
 * The lane's device must be the head's. Statuses as above. */
enum lac_status lac_semantic_ask(struct lac_semantic_lane *l, const struct lac_head *head,
                                 const struct lac_str *texts, size_t count,
                                 struct lac_semantic_answer *answers,
                                 struct lac_semantic_cover *cover,
                                 struct lac_err *err) LAC_MUST_USE;

/* Makes of `a` the answer about both texts: for each threshold the stricter one counts, as it does
 * for windows. */
void lac_semantic_join(struct lac_semantic_answer *a, const struct lac_semantic_answer *b);

/* Counters of a lane since it was opened; read by its thread. */
struct lac_semantic_counts {
    uint64_t texts, windows, tokens, calls, failures;
    uint64_t yields;  /* calls that let interactive ones go first */
    uint64_t busy_ns; /* time in the encoder */
};
const struct lac_semantic_counts *lac_semantic_lane_counts(const struct lac_semantic_lane *l);

#endif
