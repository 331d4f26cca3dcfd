/* SPDX-License-Identifier: Apache-2.0 */
/* A folder to one file. The file appears whole or not at all: a worker may be about to map it. */
#include "lac_cli_pack.h"

#include "lac_cli.h"
#include "lac_digest.h"
#include "lac_file.h"
#include "lac_pack.h"
#include "lac_progress.h"
#include "lac_records.h"

static int write_pack(const struct lac_tool *t, const struct lac_pack *pack, const char *output,
                      struct lac_buf *file, struct lac_buf *line)
{
    char hex[2 * LAC_PACK_HASH_SIZE + 1], size[LAC_PROGRESS_NUMBER_SIZE];
    struct lac_err err;
    enum lac_status status = lac_pack_write(pack, file, &err);

    if (status == LAC_OK)
        status = lac_file_replace(output, lac_buf_str(file), NULL, &err);
    if (status != LAC_OK)
        return lac_cli_pack_failed(t, &err);
    lac_hex_encode(hex, lac_pack_hash(pack)->bytes, LAC_PACK_HASH_SIZE);
    lac_buf_printf(line, "%s: %.*s version %llu, %zu rules, %s, hash %s\n", output,
                   LAC_STR_FMT(lac_pack_name(pack)), (unsigned long long)lac_pack_version(pack),
                   lac_match_rule_count(lac_pack_match(pack)), lac_progress_size(size, file->len),
                   hex);
    return lac_cli_flush(t, line);
}

static int build(const struct lac_tool *t, const char *output)
{
    struct lac_pack *pack = NULL;
    struct lac_buf file, line;
    int status = lac_cli_pack_open(t, t->operands[0], &pack);

    if (status >= 0)
        return status;
    for (size_t i = 0; i < lac_pack_note_count(pack); i++)
        lac_tool_warn(t, "%.*s", LAC_STR_FMT(lac_pack_note_at(pack, i)));
    lac_buf_init(&file, LAC_PACK_BYTES_MAX);
    lac_buf_init(&line, 8192);
    status = write_pack(t, pack, output, &file, &line);
    lac_buf_deinit(&file);
    lac_buf_deinit(&line);
    lac_pack_close(pack);
    return status < 0 ? LAC_EXIT_OK : status;
}

int lac_cli_pack_build(int argc, char **argv)
{
    const char *output = NULL;
    const struct lac_args_option options[] = {
        {'o', "output", LAC_ARGS_TEXT, &output, "FILE", "Write the pack here", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack build",
        .usage = "DIR -o FILE",
        .summary = "Make one file of a pack's folder.",
        .details = "The file holds the source and all that it inherits. The same source gives the\n"
                   "same bytes, and the same hash as the folder. It replaces FILE at once or not\n"
                   "at all.",
        .examples = "  lacuna pack build ours -o ours.pack\n"
                    "  lacuna classify --pack ours.pack 'a text'\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0 && !output)
        status = lac_tool_fail(&t, LAC_EXIT_USAGE, "where to? give -o FILE", NULL);
    if (status < 0)
        status = build(&t, output);
    lac_tool_close(&t);
    return status;
}
