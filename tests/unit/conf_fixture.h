/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_fixture - a configuration from sources that a test writes down, for tests of common/conf
 *
 * Files are made in a folder of the program's own, in /tmp.
 *
 * Thread: the test's.
 */
#ifndef CONF_FIXTURE_H
#define CONF_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lac_conf.h"

enum { FIXTURE_WORDS_MAX = 12 };

/* A load with everything that can go into it; unused places are NULL. */
struct setup {
    const char *file; /* content of a file, or NULL for none */
    const char *env[FIXTURE_WORDS_MAX];
    const char *flags[FIXTURE_WORDS_MAX];
    enum lac_conf_program program; /* 0: the sink */
    bool lenient;
};

/* Where files are, from the first one on. */
extern char fixture_folder[];

/* Makes a file there, with these permissions; `path` is where it is. */
void fixture_write_file(char *path, size_t size, const char *name, const char *text, mode_t mode);

/* The setup's file is lacuna.conf. One load at a time: a configuration borrows its command line. */
enum lac_status fixture_load(struct lac_conf **c, const struct setup *s, struct lac_err *err);
struct lac_conf *fixture_need(const struct setup *s); /* one that loads, or the test is left */

/* Takes the files away, those in folders apart, and the folder. False: it was not empty then. */
bool fixture_tidy_up(void);

#endif
