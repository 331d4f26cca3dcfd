/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna pack`: finds the command. One row per command, in the order in which people need them. */
#include "lac_cli_pack.h"

#include "lac_cli.h"

int lac_cli_pack(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"build", "Make one file of a pack's folder", lac_cli_pack_build},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna pack", "Policy packs: what shapes a decision and is not code.",
                            table, argc, argv);
}
