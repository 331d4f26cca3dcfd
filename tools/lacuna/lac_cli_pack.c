/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna pack`: finds the command. One row per command, in the order in which people need them. */
#include "lac_cli_pack.h"

#include <string.h>

#include "lac_cli.h"
#include "lac_pack.h"

int lac_cli_pack(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"init", "Make a folder to start from", lac_cli_pack_init},
        {"lint", "Find what is wrong or dubious, with file and line", lac_cli_pack_lint},
        {"test", "Run all rules' examples", lac_cli_pack_test},
        {"show", "Show what is in a pack, or one rule in full", lac_cli_pack_show},
        {"diff", "Show what changed between two packs, and which decisions flip",
         lac_cli_pack_diff},
        {"import", "Carry over rules from gitleaks or Presidio", lac_cli_pack_import},
        {"build", "Make one file of a pack's folder", lac_cli_pack_build},
        {"keygen", "Make a pair of keys to sign with", lac_cli_pack_keygen},
        {"push", "Give a pack to all workers", lac_cli_pack_push},
        {"active", "Show what is in force, and who signed it", lac_cli_pack_active},
        {"rollback", "Push an old content once more", lac_cli_pack_rollback},
        {"withdraw", "End a shadow or a canary", lac_cli_pack_withdraw},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna pack", "Policy packs: what shapes a decision and is not code.",
                            table, argc, argv);
}

int lac_cli_pack_failed(const struct lac_tool *t, const struct lac_err *err)
{
    if (err->status == LAC_REJECT)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err->text, NULL);
    return lac_tool_fail(t, LAC_EXIT_FAILURE, err->text, NULL);
}

const char *lac_cli_pack_path(const struct lac_tool *t, const char *path)
{
    const char *from = path ? path : lac_conf_text(t->conf, "pack.path");

    return strcmp(from, "builtin") == 0 ? "" : from;
}

int lac_cli_pack_open(const struct lac_tool *t, const char *path, struct lac_pack **out)
{
    struct lac_err err;

    if (lac_pack_open(out, lac_cli_pack_path(t, path), &err) == LAC_OK)
        return -1;
    return lac_cli_pack_failed(t, &err);
}
