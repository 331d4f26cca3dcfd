/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_pack_try_head - whether what a pack has learned fits its encoder
 *
 * Private to `lacuna pack test`. Thread: main.
 */
#ifndef LAC_CLI_PACK_TRY_HEAD_H
#define LAC_CLI_PACK_TRY_HEAD_H

#include "lac_pack.h"
#include "lac_semantic.h"

struct lac_cli_pack_try_head {
    void (*on_lost)(void *ctx, struct lac_str exemplar);
    void *ctx;
    /* Filled: */
    size_t tried, lost; /* 0 tried: the pack does not hold the texts that it learned from */
    const char *engine; /* borrowed from the semantic tier */
};

/*
 * Encodes up to 96 exemplars from all over the list anew, with the pack's head and `s`. One is
 * lost when it is not among its own nearest. REJECT: the model is missing, or exemplars/ is wrong.
 */
enum lac_status lac_cli_pack_try_head(struct lac_cli_pack_try_head *result, struct lac_semantic *s,
                                      const struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;

#endif
