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

int lac_cli_pack_build(int argc, char **argv);

#endif
