/* SPDX-License-Identifier: Apache-2.0 */
/* A folder to one file. The file appears whole or not at all: a worker may be about to map it. */
#include "lac_cli_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli.h"
#include "lac_digest.h"
#include "lac_pack.h"
#include "lac_progress.h"
#include "lac_records.h"

static bool write_all(int fd, struct lac_str data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.ptr, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data = lac_str_slice(data, (size_t)n, data.len);
    }
    return true;
}

/* Beside the target, so that the rename stays on one file system. */
static enum lac_status write_file(const char *path, struct lac_str data, struct lac_err *err)
{
    char temporary[PATH_MAX];
    enum lac_status status = LAC_OK;
    int fd;

    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
        return lac_err_set(err, LAC_FATAL, 0, "%.80s...: the path is too long", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "cannot write %s: %s", path,
                           lac_errno_text(errno));
    if (!write_all(fd, data) || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
        status =
            lac_err_set(err, LAC_FATAL, errno, "cannot write %s: %s", path, lac_errno_text(errno));
    if (close(fd) != 0 && status == LAC_OK)
        status =
            lac_err_set(err, LAC_FATAL, errno, "cannot write %s: %s", path, lac_errno_text(errno));
    if (status == LAC_OK && rename(temporary, path) != 0)
        status =
            lac_err_set(err, LAC_FATAL, errno, "cannot write %s: %s", path, lac_errno_text(errno));
    if (status != LAC_OK)
        (void)unlink(temporary);
    return status;
}

static int build(const struct lac_tool *t, const char *output)
{
    struct lac_pack *pack = NULL;
    char hex[2 * LAC_PACK_HASH_SIZE + 1], size[LAC_PROGRESS_NUMBER_SIZE];
    struct lac_buf file, line;
    struct lac_err err;
    enum lac_status status = lac_pack_open(&pack, t->operands[0], &err);
    int code = -1;

    if (status != LAC_OK)
        return lac_tool_fail(t, status == LAC_REJECT ? LAC_EXIT_USAGE : LAC_EXIT_FAILURE, err.text,
                             NULL);
    lac_buf_init(&file, LAC_PACK_BYTES_MAX);
    lac_buf_init(&line, 4096);
    status = lac_pack_write(pack, &file, &err);
    if (status == LAC_OK)
        status = write_file(output, lac_buf_str(&file), &err);
    if (status != LAC_OK)
        code = lac_tool_fail(t, LAC_EXIT_FAILURE, err.text, NULL);
    if (code < 0) {
        lac_hex_encode(hex, lac_pack_hash(pack)->bytes, LAC_PACK_HASH_SIZE);
        lac_buf_printf(&line, "%s: %.*s version %llu, %zu rules, %s, hash %s\n", output,
                       LAC_STR_FMT(lac_pack_name(pack)), (unsigned long long)lac_pack_version(pack),
                       lac_match_rule_count(lac_pack_match(pack)),
                       lac_progress_size(size, file.len), hex);
        code = lac_cli_flush(t, &line);
    }
    lac_buf_deinit(&file);
    lac_buf_deinit(&line);
    lac_pack_close(pack);
    return code < 0 ? LAC_EXIT_OK : code;
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
