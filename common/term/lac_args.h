/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_args - a command's own options
 *
 * A command declares its options in a table; from the same table come parsing and --help.
 * Every setting of the configuration is a flag too (--kafka-bootstrap-servers …): what the
 * table doesn't know stays in argv, in order, for lac_conf_load(), which refuses what it
 * doesn't know either.
 *
 * Forms: --name, --name VALUE, --name=VALUE, -x, -x VALUE, -xVALUE. After "--" nothing is an
 * option.
 *
 * Thread: owner.
 */
#ifndef LAC_ARGS_H
#define LAC_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_term.h"

enum { LAC_ARGS_LIST_MAX = 64 };

/* A repeatable option's values, borrowed from argv. */
struct lac_args_list {
    const char *items[LAC_ARGS_LIST_MAX];
    size_t count;
};

enum lac_args_type {
    LAC_ARGS_SWITCH,   /* bool: given or not */
    LAC_ARGS_TEXT,     /* const char *, borrowed from argv */
    LAC_ARGS_NUMBER,   /* uint64_t, `least` to `most` */
    LAC_ARGS_DURATION, /* uint64_t milliseconds: 1500ms, 30s, 5m, 2h, 7d; bare = seconds */
    LAC_ARGS_LIST,     /* struct lac_args_list */
};

/* In the order in which tables read best; a few bytes of padding are worth that. */
struct lac_args_option { /* NOLINT(clang-analyzer-optin.performance.Padding) */
    char letter;         /* 0 = none */
    const char *name;    /* without the dashes */
    enum lac_args_type type;
    void *target;
    const char *value;    /* what --help calls the value; NULL for a switch */
    const char *help;     /* a sentence without its full stop */
    uint64_t least, most; /* of a NUMBER; most 0 = no bound */
};

/*
 * Takes the table's options out of argv[1..], and fills their targets; argc and argv then hold
 * the rest. REJECT: a value is missing or bad; the text names the option and what it takes.
 */
enum lac_status lac_args_take(const struct lac_args_option *options, size_t count, int *argc,
                              char **argv, struct lac_err *err) LAC_MUST_USE;

/* Reads "1500ms", "30s", "5m", "2h", "7d" or bare seconds. False: no such thing. */
bool lac_args_duration(const char *text, uint64_t *ms) LAC_MUST_USE;

/* Appends the table as help lines. */
void lac_args_help(const struct lac_args_option *options, size_t count, const struct lac_term *term,
                   struct lac_buf *b);

/*
 * The name nearest to `word` (edits and swaps, at most a third of its length), or NULL when
 * none is near. `next` returns the i-th name, NULL at the end.
 */
const char *lac_args_nearest(const char *word, const char *(*next)(void *ctx, size_t i), void *ctx);

#endif
