/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_shape - the options that decide what a source's records become
 *
 * Half a file published as project A and the rest as project B is a mistake nobody sees later, so a
 * journal keeps these options and a run with others does not go on from it. A value that is long,
 * or that has control characters, is kept as its hash.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_SHAPE_H
#define LAC_PUBLISH_SHAPE_H

#include <stdbool.h>

#include "lac_err.h"

enum lac_publish_shape_part {
    LAC_PUBLISH_SHAPE_FORMAT,
    LAC_PUBLISH_SHAPE_KEY,
    LAC_PUBLISH_SHAPE_TENANT,
    LAC_PUBLISH_SHAPE_PROJECT,
    LAC_PUBLISH_SHAPE_USER,
    LAC_PUBLISH_SHAPE_ENVIRONMENT,
    LAC_PUBLISH_SHAPE_PURPOSE,
    LAC_PUBLISH_SHAPE_SESSION,
    LAC_PUBLISH_SHAPE_KIND,
    LAC_PUBLISH_SHAPE_COUNT,
};

enum { LAC_PUBLISH_SHAPE_SIZE = 130 }; /* a mark, 128 bytes and NUL */

struct lac_publish_shape {
    bool known; /* false: of a journal from before shapes were kept */
    /* "": not given; "=TEXT"; "#HEX", the SHA-256 of what can't stand on a line of its own. */
    char value[LAC_PUBLISH_SHAPE_COUNT][LAC_PUBLISH_SHAPE_SIZE];
};

/* The option's name without its dashes. */
const char *lac_publish_shape_name(enum lac_publish_shape_part part);

/* Keeps what option `part` was given, NULL for nothing. */
void lac_publish_shape_set(struct lac_publish_shape *s, enum lac_publish_shape_part part,
                           const char *value);

/* REJECT: they differ; the text says in what. `then` is the journal's, `now` this run's. */
enum lac_status lac_publish_shape_check(const struct lac_publish_shape *then,
                                        const struct lac_publish_shape *now,
                                        struct lac_err *err) LAC_MUST_USE;

#endif
