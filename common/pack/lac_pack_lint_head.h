/* SPDX-License-Identifier: Apache-2.0 */
/* lac_pack_lint_head - whether what was learned still fits its texts; private to common/pack */
#ifndef LAC_PACK_LINT_HEAD_H
#define LAC_PACK_LINT_HEAD_H

#include "lac_compiler.h"
#include "lac_err.h"

struct lac_pack;

/* Adds findings to `p`, whose files have been read. FATAL: no memory. */
enum lac_status lac_pack_lint_head(struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;

#endif
