/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_builtin - the pack that every program carries
 *
 * Private to common/pack. packs/builtin as one file, made by lacuna-pack-embed when the tree is
 * built: its rules come compiled, and all processes on a machine share its pages. What
 * lac_pack_bundle.h promises about a file's bytes holds for these, too: the same on every machine
 * that builds, and checked when they are opened.
 *
 * Thread: any. Immutable.
 */
#ifndef LAC_PACK_BUILTIN_H
#define LAC_PACK_BUILTIN_H

#include "lac_str.h"

/* Aligned to LAC_PACK_BUNDLE_ALIGN. Absent in lacuna-pack-embed, which makes it. */
struct lac_str lac_pack_builtin(void);

#endif
