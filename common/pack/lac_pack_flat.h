/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_flat - a pack's rules as they are after reading, without the YAML
 *
 * Private to common/pack. Reading a thousand rules with all their examples takes most of a short
 * program's time, and the built-in pack's are the same each time: lacuna-pack-embed reads them
 * once and writes them down like this. Only what a program carries itself is read so; a pack from
 * outside is what its source says, whatever else may stand in its file.
 *
 * Numbers are little-endian: u32 number of rules; per rule the numbers, texts and lists of struct
 * lac_match_rule in the order of lac_pack_flat.c. A text is u32 length, its bytes and a NUL; of an
 * absent one, whose ptr is NULL, the length is UINT32_MAX and nothing follows. A list is u32
 * number of texts, then these.
 *
 * Thread: owner.
 */
#ifndef LAC_PACK_FLAT_H
#define LAC_PACK_FLAT_H

#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_match.h"
#include "lac_str.h"

struct lac_buf;
struct lac_pack;

/* Appends `count` rules; what did not fit is seen at lac_buf_ok(). */
void lac_pack_flat_put(const struct lac_match_rule *rules, size_t count, struct lac_buf *out);

/* Adds the rules in `bytes` to a pack that has none, without examples. Texts are borrowed from
 * `bytes`. REJECT: they are not what lac_pack_flat_put() makes. FATAL: no memory. */
enum lac_status lac_pack_flat_take(struct lac_pack *p, struct lac_str bytes,
                                   struct lac_err *err) LAC_MUST_USE;

#endif
