/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_eval - what the parts of `lacuna eval` share: the run, and how it is shown
 *
 * Private to lac_cli_eval*.c. Thread: main, unless it says otherwise.
 */
#ifndef LAC_CLI_EVAL_H
#define LAC_CLI_EVAL_H

#include <stdatomic.h>

#include "lac_cli.h"
#include "lac_cli_batch.h"
#include "lac_engine.h"
#include "lac_eval.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_progress.h"
#include "lac_semantic.h"

struct lac_cli_eval_options {
    const char *pack, *strategy, *format, *model, *class, *svg;
    struct lac_args_list aliases;
    uint64_t overlap, mistakes, threads;
    bool bytes, all, json, untouched;
};

enum { LAC_CLI_EVAL_LINE_BYTES = 8 << 20 };

struct lac_cli_eval_worker {
    struct lac_engine *engine;
    struct lac_arena arena;
};

struct lac_cli_eval {
    const struct lac_tool *t;
    const struct lac_cli_eval_options *o;
    struct lac_pack *pack;
    struct lac_semantic *semantic;
    struct lac_cli_eval_worker workers[LAC_CLI_THREADS_MAX];
    unsigned threads;
    struct lac_progress progress;
    atomic_uint_fast64_t bytes, busy_ns, decided; /* busy: all threads together */
    /* By emit, one at a time. */
    struct lac_eval *eval;
    uint64_t touched;        /* texts in which rules found something */
    struct lac_err failure;  /* the first one in the order of lines ... */
    const char *failed_file; /* ... and where; NULL: none */
    uint64_t failed_line;
};

/* ---- lac_cli_eval_line.c: a labelled line ---- */
struct lac_cli_eval_line {
    struct lac_str text, id; /* of the document; an id that is not there is empty */
    bool has_tier;
    enum lac_tier tier;
    const struct lac_eval_span *spans; /* in the arena; bytes of the text, none empty */
    size_t span_count;
};

/* `*doc` is the caller's to free, whatever is said, and `out` borrows from it. REJECT: the line is
 * wrong. RETRY: no memory. Thread: any. */
enum lac_status lac_cli_eval_line_read(struct lac_cli_eval_line *out,
                                       const struct lac_cli_eval_options *o, struct lac_str text,
                                       struct lac_json **doc, struct lac_arena *a,
                                       struct lac_err *err) LAC_MUST_USE;

/* ---- lac_cli_eval_run.c: for lac_cli_batches, with a struct lac_cli_eval as ctx ---- */
extern const size_t lac_cli_eval_made_size;
void lac_cli_eval_work(void *ctx, unsigned worker, struct lac_cli_batch *b); /* Thread: worker */
bool lac_cli_eval_emit(void *ctx, struct lac_cli_batch *b); /* Thread: any worker, in order */
void lac_cli_eval_release(void *made);

/* Engines for r->threads threads. Close them in any case. */
enum lac_status lac_cli_eval_open_workers(struct lac_cli_eval *r,
                                          const struct lac_engine_options *o,
                                          struct lac_err *err) LAC_MUST_USE;
void lac_cli_eval_close_workers(struct lac_cli_eval *r);

/* ---- lac_cli_eval_out.c ---- */
void lac_cli_eval_people(const struct lac_cli_eval *r, const struct lac_eval_report *report,
                         struct lac_buf *b);
void lac_cli_eval_json(const struct lac_cli_eval *r, const struct lac_eval_report *report,
                       struct lac_buf *b);

#endif
