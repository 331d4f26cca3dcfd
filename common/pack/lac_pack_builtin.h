/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_builtin - the pack that every program carries
 *
 * Private to common/pack. packs/builtin as one file, made by lacuna-pack-embed when the tree is
 * built: its rules come compiled, and all processes on a machine share its pages. What
 * lac_pack_bundle.h promises about a file's bytes holds for these, too: the same on every machine
 * that builds. They are not checked again each time: who can change them can change the program
 * around them.
 *
 * Thread: any. Immutable.
 */
#ifndef LAC_PACK_BUILTIN_H
#define LAC_PACK_BUILTIN_H

#include "lac_str.h"

/* Aligned to LAC_PACK_BUNDLE_ALIGN. Absent in lacuna-pack-embed, which makes it. */
struct lac_str lac_pack_builtin(void);

/* Its rules, as lac_pack_flat_put() wrote them. Absent there, too. */
struct lac_str lac_pack_builtin_rules(void);

#endif
