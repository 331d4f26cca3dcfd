/* SPDX-License-Identifier: Apache-2.0 */
/* lac_pack_lint_rules - what can be wrong with rules that load; private to common/pack */
#ifndef LAC_PACK_LINT_RULES_H
#define LAC_PACK_LINT_RULES_H

#include "lac_compiler.h"
#include "lac_err.h"

struct lac_pack;

/* Adds findings to `p`, which has been compiled. FATAL: no memory. */
enum lac_status lac_pack_lint_rules(struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;

#endif
