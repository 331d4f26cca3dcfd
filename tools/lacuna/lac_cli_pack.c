/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna pack`: finds the command. One row per command, in the order in which people need them. */
#include "lac_cli_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int lac_cli_pack_open(const struct lac_tool *t, const char *path, struct lac_pack **out)
{
    struct lac_err err;

    if (lac_pack_open(out, path ? path : lac_conf_text(t->conf, "pack.path"), &err) == LAC_OK)
        return -1;
    return lac_cli_pack_failed(t, &err);
}

int lac_cli_pack_format(const struct lac_tool *t, const char *format, bool *json)
{
    *json = format && strcmp(format, "json") == 0;
    if (!format || *json || strcmp(format, "text") == 0)
        return -1;
    return lac_tool_fail(t, LAC_EXIT_USAGE, "--format is text or json", NULL);
}

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

/* The new file is made beside the target, so that the rename stays on one file system. */
enum lac_status lac_cli_pack_write(const char *path, struct lac_str data, struct lac_err *err)
{
    char temporary[PATH_MAX];
    bool good;
    int fd, code;

    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
        return lac_err_set(err, LAC_FATAL, 0, "%.80s...: the path is too long", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "cannot write %s: %s", path,
                           lac_errno_text(errno));
    good = write_all(fd, data) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
    code = errno;
    if (close(fd) != 0 && good) {
        good = false;
        code = errno;
    }
    if (good && rename(temporary, path) != 0) {
        good = false;
        code = errno;
    }
    if (good)
        return LAC_OK;
    (void)unlink(temporary);
    return lac_err_set(err, LAC_FATAL, code, "cannot write %s: %s", path, lac_errno_text(code));
}
