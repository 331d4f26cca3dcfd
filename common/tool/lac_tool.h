/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_tool - what every command of the person's tools does first and last
 *
 * Options, configuration, --help and --version, error lines and exit statuses are the same
 * everywhere. A command is
 *
 *     int exit_status = lac_tool_open(&t, &command, argc, argv);
 *     if (exit_status >= 0) return exit_status;      // help was shown, or usage was wrong
 *     ... work; return lac_tool_fail(&t, LAC_EXIT_..., "what happened", "what to do") ...
 *     lac_tool_close(&t);
 *
 * Results go to stdout, everything about them to stderr.
 *
 * Thread: main, before others start.
 */
#ifndef LAC_TOOL_H
#define LAC_TOOL_H

#include <limits.h>
#include <stdbool.h>

#include "lac_args.h"
#include "lac_compiler.h"
#include "lac_conf.h"
#include "lac_err.h"
#include "lac_term.h"

/* The same for all commands; --help of each says what 1 means there. */
enum lac_exit {
    LAC_EXIT_OK = 0,
    LAC_EXIT_NEGATIVE = 1, /* it worked, and the answer is no: findings, bad lines, missing */
    /* The command line or the configuration is wrong, with what they name by option or setting (a
     * pack, a model, a key); or an operand was read and is not what it should be. */
    LAC_EXIT_USAGE = 2,
    LAC_EXIT_DEPENDENCY = 3, /* Kafka, Postgres, a bridge or a registry can't do its part now */
    LAC_EXIT_FAILURE = 4,  /* an operand can't be read, output not be written, or another failure */
    LAC_EXIT_SIGNAL = 130, /* stopped by Ctrl-C before it was done */
};

struct lac_tool_command {
    const char *name;     /* "lacuna publish" */
    const char *usage;    /* "[OPTION]... FILE..." */
    const char *summary;  /* one sentence */
    const char *details;  /* paragraphs for --help, NULL: none */
    const char *examples; /* lines of "command  # what it does" */
    const char *negative; /* when the exit status is 1, NULL: never */
    const struct lac_args_option *options;
    size_t option_count;
    int operands_least, operands_most; /* most -1: any number */
    bool one_error;    /* 2 is any failure: for programs that are run by others, as linters are */
    bool own_settings; /* takes no addresses from the environment, and no file but that of -c */
};

struct lac_tool {
    const struct lac_tool_command *command;
    struct lac_term out, err;
    struct lac_conf *conf; /* owned */
    char **operands;       /* NULL-terminated, in argv */
    int operand_count;
};

/*
 * Takes the command's options out of argv, loads the configuration (-c FILE, --dev or the usual
 * places), opens the log (errors only, unless an option or the environment says log.level). argv is
 * changed. From here on a write to a pipe without a reader fails instead of ending the program.
 * Returns -1 to go on; otherwise the exit status, with everything said. Close in both cases.
 */
int lac_tool_open(struct lac_tool *t, const struct lac_tool_command *command, int argc,
                  char **argv);
void lac_tool_close(struct lac_tool *t);

/* "lacuna publish: error: WHAT" and, unless NULL, a line with what to do. Returns `status`. */
int lac_tool_fail(const struct lac_tool *t, enum lac_exit status, const char *what,
                  const char *todo);
void lac_tool_warn(const struct lac_tool *t, const char *fmt, ...) LAC_PRINTF(2, 3);

/* The same for an error of a Kafka or Postgres call: RETRY and FATAL are the dependency's, with
 * `todo` (NULL: to look at `lacuna doctor`). */
int lac_tool_dependency(const struct lac_tool *t, const struct lac_err *err, const char *todo);

/* "0.1.0". */
const char *lac_tool_version(void);

/* Where `lacuna dev` keeps its data: /var/lib/lacuna/dev for root, else below XDG_DATA_HOME or
 * ~/.local/share. False: no home folder is known, or the path is too long. */
bool lac_tool_dev_folder(char out[PATH_MAX]) LAC_MUST_USE;

/* The folder of the running program. False: unknown. */
bool lac_tool_program_folder(char out[PATH_MAX]) LAC_MUST_USE;

/* Writes all of `b` to stdout, then empties it. 0, or the errno for lac_tool_output_failed(). */
int lac_tool_write(const struct lac_tool *t, struct lac_buf *b);

/* A write to stdout failed with `error`, an errno of the thread that wrote: says so and returns
 * LAC_EXIT_FAILURE. When the reader has gone (`| head`), it is silent and LAC_EXIT_OK. */
int lac_tool_output_failed(const struct lac_tool *t, int error);

#endif
