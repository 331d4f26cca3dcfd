/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_toml - TOML, as far as lists of detection rules use it
 *
 * Private to common/pack. Gives the same tree as lac_pack_yaml.h, so the same readers and errors
 * work on it: tables are mappings, arrays and arrays of tables are sequences, everything else is a
 * scalar with its text. Read are comments, [tables], [[arrays of tables]], dotted and quoted keys,
 * strings of all four kinds, numbers, booleans, dates (as text), arrays and inline tables. Size,
 * depth and number of values are bounded as for YAML.
 *
 * Thread: any; a tree belongs to its pool.
 */
#ifndef LAC_PACK_TOML_H
#define LAC_PACK_TOML_H

#include "lac_pack_yaml.h"

/* REJECT "file:line: why", or FATAL (memory). */
enum lac_status lac_toml_parse(struct lac_yaml **out, struct lac_pack_pool *pool,
                               struct lac_str name, struct lac_str data,
                               struct lac_err *err) LAC_MUST_USE;

#endif
