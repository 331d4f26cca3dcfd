/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of other tools. What is not carried over is said on stderr, line by line. */
#include "lac_pack_import.h"

#include <stdio.h>

#include "lac_cli.h"
#include "lac_cli_pack.h"
#include "lac_file.h"

enum { OUTPUT_MAX = 32 << 20 };

struct import {
    const struct lac_tool *t;
    const char *file, *output;
    bool quiet; /* lost rules only */
};

static void on_remark(void *ctx, const struct lac_pack_import_remark *r)
{
    const struct import *i = ctx;

    if (i->quiet && !r->lost)
        return;
    fprintf(stderr, "%s:%u: %s: %.*s%s%s\n", i->file, r->line, r->lost ? "lost" : "changed",
            LAC_STR_FMT(r->rule), r->rule.len > 0 ? ": " : "", r->why);
}

static int import(struct import *i, enum lac_pack_import_kind kind, struct lac_buf *in,
                  struct lac_buf *out)
{
    struct lac_pack_import im = {
        .kind = kind, .name = lac_str_from(i->file), .say = on_remark, .ctx = i};
    struct lac_err err;
    int status = -1;

    if (lac_file_read(i->file, in, &err) != LAC_OK)
        return lac_tool_fail(i->t, LAC_EXIT_FAILURE, err.text, NULL);
    im.data = lac_buf_str(in);
    if (lac_pack_import_run(&im, out, &err) != LAC_OK)
        return lac_cli_pack_failed(i->t, &err);
    if (i->output && lac_file_replace(i->output, lac_buf_str(out), NULL, &err) != LAC_OK)
        return lac_cli_pack_failed(i->t, &err);
    if (!i->output)
        status = lac_cli_flush(i->t, out);
    fprintf(stderr, "%zu rules taken, %zu lost\n", im.taken, im.lost);
    return lac_cli_verdict(status, im.lost ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK);
}

static int run(int argc, char **argv, const char *name, const char *summary, const char *examples,
               enum lac_pack_import_kind kind)
{
    struct import i = {0};
    const struct lac_args_option options[] = {
        {'o', "output", LAC_ARGS_TEXT, &i.output, "FILE", "Write the rules here; else to stdout", 0,
         0},
        {'q', "quiet", LAC_ARGS_SWITCH, &i.quiet, NULL, "Name only rules that are lost", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = name,
        .usage = "[OPTION]... FILE",
        .summary = summary,
        .details = "Each rule is compiled before it is taken; what is not carried over, or not "
                   "exactly, is\n"
                   "named with its line and the reason. Imported rules have no examples: `pack "
                   "lint` asks\n"
                   "for them.",
        .examples = examples,
        .negative = "a rule was lost",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_buf in, out;
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    lac_buf_init(&in, LAC_PACK_IMPORT_BYTES);
    lac_buf_init(&out, OUTPUT_MAX);
    if (status < 0) {
        i.t = &t;
        i.file = t.operands[0];
        status = import(&i, kind, &in, &out);
    }
    lac_buf_deinit(&in);
    lac_buf_deinit(&out);
    lac_tool_close(&t);
    return status;
}

static int gitleaks(int argc, char **argv)
{
    return run(argc, argv, "lacuna pack import gitleaks",
               "Carry over the rules of a gitleaks configuration (TOML).",
               "  lacuna pack import gitleaks .gitleaks.toml -o ours/rules/gitleaks.yaml\n",
               LAC_PACK_IMPORT_GITLEAKS);
}

static int presidio(int argc, char **argv)
{
    return run(argc, argv, "lacuna pack import presidio",
               "Carry over pattern recognizers of Presidio (YAML or JSON).",
               "  lacuna pack import presidio recognizers.yaml -o ours/rules/presidio.yaml\n",
               LAC_PACK_IMPORT_PRESIDIO);
}

int lac_cli_pack_import(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"gitleaks", "A configuration of gitleaks (TOML)", gitleaks},
        {"presidio", "Pattern recognizers of Presidio (YAML or JSON)", presidio},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna pack import", "Rules that you have elsewhere.", table, argc,
                            argv);
}
