/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_eval - what the two halves of `lacuna eval` share: the run, and how it is shown
 *
 * Private to lac_cli_eval*.c. Thread: main.
 */
#ifndef LAC_CLI_EVAL_H
#define LAC_CLI_EVAL_H

#include "lac_cli.h"
#include "lac_engine.h"
#include "lac_eval.h"
#include "lac_pack.h"
#include "lac_semantic.h"

struct lac_cli_eval_options {
    const char *pack, *strategy, *format, *model, *class, *svg;
    struct lac_args_list aliases;
    uint64_t overlap, mistakes;
    bool bytes, all, json, untouched;
};

struct lac_cli_eval {
    const struct lac_tool *t;
    const struct lac_cli_eval_options *o;
    struct lac_pack *pack;
    struct lac_semantic *semantic;
    struct lac_engine *engine;
    struct lac_arena arena;
    struct lac_eval *eval;
    struct lac_eval_span gold[LAC_EVAL_SPAN_MAX], found[LAC_EVAL_SPAN_MAX];
    uint64_t bytes, busy_ns, decided;
    uint64_t touched; /* texts in which rules found something */
};

/* ---- lac_cli_eval_out.c ---- */
void lac_cli_eval_people(const struct lac_cli_eval *r, const struct lac_eval_report *report,
                         struct lac_buf *b);
void lac_cli_eval_json(const struct lac_cli_eval *r, const struct lac_eval_report *report,
                       struct lac_buf *b);

#endif
