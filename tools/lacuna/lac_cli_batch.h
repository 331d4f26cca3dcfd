/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_batch - many lines through the engine: some at a time, on all cores, in their order
 *
 * One call of the engine decides a batch, so that the encoder gets its texts together; batches are
 * worked on by several threads, and what became of them is taken in the order of the lines: no
 * output depends on how many threads there are or which was faster.
 *
 * Thread: main, unless it says otherwise.
 */
#ifndef LAC_CLI_BATCH_H
#define LAC_CLI_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_CLI_BATCH_LINES = 64,
    LAC_CLI_BATCH_BYTES = 256 << 10, /* of lines; a longer one is alone */
    LAC_CLI_THREADS_MAX = 64,
};

struct lac_cli_batch {
    const char *file; /* of all its lines; as it was given */
    size_t count;
    void *made; /* options.made_size bytes, zeroed once: what work() leaves for emit() */
    struct {
        uint64_t number;
        struct lac_str tag; /* as it was given */
        size_t end;
    } _lines[LAC_CLI_BATCH_LINES];
    struct lac_buf _text;
};

static inline uint64_t lac_cli_batch_number(const struct lac_cli_batch *b, size_t i)
{
    return b->_lines[i].number;
}

static inline struct lac_str lac_cli_batch_tag(const struct lac_cli_batch *b, size_t i)
{
    return b->_lines[i].tag;
}

/* Borrowed while the batch is. */
struct lac_str lac_cli_batch_line(const struct lac_cli_batch *b, size_t i);

struct lac_cli_batches;

struct lac_cli_batches_options {
    unsigned threads; /* at most LAC_CLI_THREADS_MAX; lac_cli_cores() is a good number */
    size_t made_size;
    void *ctx;
    /* Thread: worker `worker`, counted from 0. */
    void (*work)(void *ctx, unsigned worker, struct lac_cli_batch *b);
    /* In order, one at a time. False: stop. Thread: any worker. */
    bool (*emit)(void *ctx, struct lac_cli_batch *b);
    /* Before `made` goes; NULL: it holds nothing. */
    void (*release)(void *made);
    void (*tick)(void *ctx); /* now and then, for a line that moves; may be NULL */
};

enum lac_status lac_cli_batches_open(struct lac_cli_batches **out,
                                     const struct lac_cli_batches_options *o,
                                     struct lac_err *err) LAC_MUST_USE;

/* Adds a line, copied; `file` and `tag` are borrowed until close. AGAIN: emit said stop. */
enum lac_status lac_cli_batches_put(struct lac_cli_batches *p, const char *file, uint64_t number,
                                    struct lac_str line, struct lac_str tag,
                                    struct lac_err *err) LAC_MUST_USE;

/* Works off what is left and ends the threads. NULL is fine. */
void lac_cli_batches_close(struct lac_cli_batches *p);

#endif
