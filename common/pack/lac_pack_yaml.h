/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_yaml - the plain part of YAML that packs are written in
 *
 * Private to common/pack, and the only user of libyaml. One document of mappings, sequences and
 * scalars; anchors, aliases, tags and duplicate keys are refused, depth and size are bounded, so
 * a small file can't become a large tree. Every node knows its line, every error is
 * "file:line: why".
 *
 * Thread: any; a tree belongs to its pool.
 */
#ifndef LAC_PACK_YAML_H
#define LAC_PACK_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_pack_pool.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_YAML_DEPTH_MAX = 12,
    LAC_YAML_NODE_MAX = 1000000,
    LAC_YAML_KEY_MAX = 1024, /* of one mapping */
};

enum lac_yaml_kind { LAC_YAML_SCALAR, LAC_YAML_SEQUENCE, LAC_YAML_MAPPING };

struct lac_yaml {
    enum lac_yaml_kind kind;
    unsigned line;          /* from 1 */
    struct lac_str file;    /* for errors */
    struct lac_str key;     /* in a mapping */
    struct lac_str text;    /* of a scalar; never absent */
    bool plain;             /* a scalar without quotes */
    size_t count;           /* children */
    struct lac_yaml *first; /* children, in order */
    struct lac_yaml *last;
    struct lac_yaml *next; /* sibling */
};

/* Parses one file into `pool`. An empty file is an empty mapping. REJECT or FATAL (memory). */
enum lac_status lac_yaml_parse(struct lac_yaml **out, struct lac_pack_pool *pool,
                               struct lac_str file, struct lac_str data,
                               struct lac_err *err) LAC_MUST_USE;

/* Makes `n` the last child of `parent`. */
void lac_yaml_append(struct lac_yaml *parent, struct lac_yaml *n);

/* REJECT "file:line: <text>". */
enum lac_status lac_yaml_fail(const struct lac_yaml *at, struct lac_err *err, const char *fmt, ...)
    LAC_PRINTF(3, 4);

/* REJECT "file:line: unknown <what> '<text>'; did you mean ...", from names (NULL-terminated). */
enum lac_status lac_yaml_unknown(const struct lac_yaml *at, const char *what, struct lac_str text,
                                 const char *const *names, struct lac_err *err);

/* The member, or NULL. */
const struct lac_yaml *lac_yaml_get(const struct lac_yaml *map, const char *key);

/* REJECT unless `node` is a mapping whose keys are all among `names` (NULL-terminated): names the
 * nearest one. `what` says what the mapping is, for the error. */
enum lac_status lac_yaml_keys(const struct lac_yaml *node, const char *what,
                              const char *const *names, struct lac_err *err) LAC_MUST_USE;

/* Typed readers. `node` NULL leaves `*out` as it is and is LAC_OK: the member is optional. */
enum lac_status lac_yaml_text(const struct lac_yaml *node, struct lac_str *out,
                              struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_yaml_number(const struct lac_yaml *node, uint64_t max, uint64_t *out,
                                struct lac_err *err) LAC_MUST_USE;
/* A decimal such as 0.35, in millionths; at most `max` of them. Six digits behind the point. */
enum lac_status lac_yaml_millionths(const struct lac_yaml *node, uint64_t max, uint64_t *out,
                                    struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_yaml_bool(const struct lac_yaml *node, bool *out,
                              struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_yaml_tier(const struct lac_yaml *node, enum lac_tier *out,
                              struct lac_err *err) LAC_MUST_USE;
/* Index of one of `names` (NULL-terminated), in any letter case. */
enum lac_status lac_yaml_choice(const struct lac_yaml *node, const char *const *names,
                                unsigned *out, struct lac_err *err) LAC_MUST_USE;
/* A sequence of texts; the array is in `pool`. */
enum lac_status lac_yaml_texts(const struct lac_yaml *node, struct lac_pack_pool *pool,
                               const struct lac_str **out, size_t *count,
                               struct lac_err *err) LAC_MUST_USE;
/* public, internal and proprietary: all three, in millionths up to `max`. */
enum lac_status lac_yaml_by_tier(const struct lac_yaml *node, uint64_t max,
                                 uint32_t out[LAC_TIER_COUNT], struct lac_err *err) LAC_MUST_USE;

/* The name that `text` most likely meant, or NULL. */
const char *lac_yaml_nearest(struct lac_str text, const char *const *names);

#endif
