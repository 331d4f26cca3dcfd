/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode - texts to vectors with a BERT-family sentence encoder
 *
 * Three steps: a tokenizer (lac_encode_tokenizer.h) makes ids of a text, a backend runs the model
 * (lac_encode_model.h) over many token sequences at once, pooling and normalisation make one vector
 * of unit length per sequence.
 *
 * A backend is opened once per process on a model and shared; each lane has a session of its own.
 * cpu/ defines what is right, cuda/ must agree. Within an engine class the same sequence gives the
 * same bits, whatever its neighbours, its place in the batch and the batch's size. A class whose
 * bits depend on the machine's instructions says so in the engine name of its device
 * ("cpu-fp32/avx512"), and that name is what a decision's core holds. Across classes vectors agree
 * within the tolerances that the tests state.
 *
 * Sequences are packed: ids of all of them one after another, without padding, and count + 1 places
 * where they begin.
 */
#ifndef LAC_ENCODE_H
#define LAC_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_ENCODE_WIDTH_MAX = 1024,    /* floats of one vector (bge-large, e5-large) */
    LAC_ENCODE_POSITION_MAX = 512,  /* tokens of one sequence, with [CLS] and [SEP] */
    LAC_ENCODE_SEQUENCE_MAX = 1024, /* sequences of one call */
    LAC_ENCODE_TOKEN_MAX = 65536,   /* tokens of one call */
};

/* Kinds of arithmetic. Their names are settings and part of decisions: never rename one. */
enum lac_encode_class {
    LAC_ENCODE_CPU_FP32,
    LAC_ENCODE_CPU_BF16,
    LAC_ENCODE_CPU_INT8,
    LAC_ENCODE_CUDA_BF16,
    LAC_ENCODE_CUDA_FP8,
    LAC_ENCODE_CLASS_COUNT,
};

/* "cpu-fp32", "cpu-bf16", "cpu-int8", "cuda-bf16", "cuda-fp8". */
const char *lac_encode_class_name(enum lac_encode_class class);
bool lac_encode_class_parse(struct lac_str text, enum lac_encode_class *out) LAC_MUST_USE;

struct lac_encode_weights; /* lac_encode_model.h */

struct lac_encode_batch {
    const int32_t *ids; /* [starts[count]], each within the model's vocabulary */
    const uint32_t
        *starts; /* [count + 1]; starts[0] is 0, each sequence has 1 .. positions tokens */
    size_t count;
};

/*
 * What a backend is: a table of functions. cpu/ is linked in, cuda/ is a plug-in that exports one.
 * All of a table's functions but run() may be called from any thread.
 */
enum { LAC_ENCODE_BACKEND_ABI = 1 };
struct lac_encode_device;  /* a model made ready for one class: repacked weights; immutable */
struct lac_encode_session; /* a lane's memory and streams; owned by one thread */

struct lac_encode_backend {
    uint32_t abi;
    const char *name; /* "cpu", "cuda" */

    /* Whether this machine offers the class; why not goes into `err`. LAC_REJECT: it doesn't. */
    enum lac_status (*probe)(enum lac_encode_class class, struct lac_err *err);

    /* Takes what it needs from the weights, whose model must stay open as long as the device. The
     * weights and not the model, because a plug-in knows this header and no code behind it. RETRY:
     * no memory on host or device. REJECT: a shape or a value that this backend can't run. */
    enum lac_status (*open)(struct lac_encode_device **out,
                            const struct lac_encode_weights *weights, enum lac_encode_class class,
                            struct lac_err *err);
    void (*close)(struct lac_encode_device *d); /* accepts NULL; no session may be open */

    /* The engine name: equal names on two machines mean equal bits. Borrowed until close. */
    const char *(*engine)(const struct lac_encode_device *d);

    /* `interactive`: its batches go before others' on a device that is shared. */
    enum lac_status (*session_open)(struct lac_encode_session **out, struct lac_encode_device *d,
                                    size_t tokens, size_t sequences, bool interactive,
                                    struct lac_err *err);
    void (*session_close)(struct lac_encode_session *s); /* accepts NULL */

    /*
     * Writes count x width floats, row by row, pooled and normalised as the model says. The batch
     * fits the session's `tokens` and `sequences`. Allocates nothing. FATAL: the device is broken;
     * the process must end, nothing of `out` may be used.
     */
    enum lac_status (*run)(struct lac_encode_session *s, const struct lac_encode_batch *batch,
                           float *out, struct lac_err *err);
};

/* The CPU's: oneDNN for matrix products, own kernels for the rest. */
extern const struct lac_encode_backend lac_encode_cpu;

/* What the plug-in liblacuna_cuda.so exports under the name lac_encode_plugin. */
#define LAC_ENCODE_PLUGIN_SYMBOL "lac_encode_plugin"

#endif
