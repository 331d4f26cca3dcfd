/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_pack_diff - what differs between two packs
 *
 * Private to `lacuna pack diff`. Thread: main.
 */
#ifndef LAC_CLI_PACK_DIFF_H
#define LAC_CLI_PACK_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_decide.h"
#include "lac_err.h"
#include "lac_pack.h"
#include "lac_str.h"

/* samples/requests.jsonl. */
extern const char lac_cli_pack_samples[];
extern const size_t lac_cli_pack_samples_size;

/* One difference in words: `kind` is pack, rule, names, policy, head or route; `subject` a rule's
 * id, the list of names, the tier ... Texts are borrowed for the call. */
typedef void lac_cli_pack_change_fn(void *ctx, const char *kind, struct lac_str subject,
                                    const char *text);

/* Reports all differences, kind by kind. FATAL: no memory. */
enum lac_status lac_cli_pack_compare(const struct lac_pack *a, const struct lac_pack *b,
                                     lac_cli_pack_change_fn *say, void *ctx,
                                     struct lac_err *err) LAC_MUST_USE;

/* A request that the two decide differently. */
struct lac_cli_pack_flip {
    struct lac_str id;                 /* request_id, or where it comes from */
    struct lac_str text;               /* of the request */
    enum lac_tier tier[2];             /* of a, of b */
    struct lac_str reason[2];          /* id of the rule behind it, or the model; else "" */
    bool route;                        /* it may go elsewhere, though the tier is the same */
    bool strategy[LAC_STRATEGY_COUNT]; /* which ones differ; the rest is about the first of them */
};
typedef void lac_cli_pack_flip_fn(void *ctx, const struct lac_cli_pack_flip *flip);

struct lac_progress;
struct lac_semantic;

struct lac_cli_pack_flips {
    const struct lac_pack *pack[2];
    struct lac_semantic *semantic;     /* tier 2 of both; NULL: rules alone */
    bool strategy[LAC_STRATEGY_COUNT]; /* which ones to try */
    unsigned threads;                  /* at least 1 */
    struct lac_progress *progress;     /* NULL: none is shown */
    lac_cli_pack_flip_fn *each;        /* in the order of requests, by one thread at a time */
    void *ctx;
    size_t requests, flips;
};

/* Decides the requests of a JSON-lines file with both. REJECT: a line is no request; those before
 * it have been told of. */
enum lac_status lac_cli_pack_flips_file(struct lac_cli_pack_flips *f, const char *path,
                                        struct lac_err *err) LAC_MUST_USE;

/* The same for the built-in sample requests and the examples of both packs' rules. */
enum lac_status lac_cli_pack_flips_own(struct lac_cli_pack_flips *f,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
