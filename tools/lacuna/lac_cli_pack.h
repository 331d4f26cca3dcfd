/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_pack - the commands of `lacuna pack`
 *
 * Each takes its own argv (argv[0] is the command's name) and returns the exit status.
 *
 * Thread: main.
 */
#ifndef LAC_CLI_PACK_H
#define LAC_CLI_PACK_H

#include <stdbool.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

int lac_cli_pack_active(int argc, char **argv);
int lac_cli_pack_build(int argc, char **argv);
int lac_cli_pack_diff(int argc, char **argv);
int lac_cli_pack_import(int argc, char **argv);
int lac_cli_pack_init(int argc, char **argv);
int lac_cli_pack_keygen(int argc, char **argv);
int lac_cli_pack_lint(int argc, char **argv);
int lac_cli_pack_push(int argc, char **argv);
int lac_cli_pack_rollback(int argc, char **argv);
int lac_cli_pack_show(int argc, char **argv);
int lac_cli_pack_test(int argc, char **argv);
int lac_cli_pack_withdraw(int argc, char **argv);

/* ---- what several of them need ---- */

struct lac_pack;
struct lac_tool;

/* Of a folder, a pack file or "builtin", which is "" here; `path` NULL: the configured pack. */
const char *lac_cli_pack_path(const struct lac_tool *t, const char *path);

/* Opens the pack of that path. -1, or the exit status with everything said. */
int lac_cli_pack_open(const struct lac_tool *t, const char *path, struct lac_pack **out);

/* What an error of a pack means for the exit status. */
int lac_cli_pack_failed(const struct lac_tool *t, const struct lac_err *err);

#endif
