/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lac_env.h"
#include "lac_file.h"

static bool put(char out[PATH_MAX], const char *folder, const char *rest)
{
    int n;

    if (!folder || folder[0] != '/')
        return false; /* a relative XDG_DATA_HOME is to be ignored, says its specification */
    n = snprintf(out, PATH_MAX, "%s%s", folder, rest);
    return n > 0 && n < PATH_MAX;
}

bool lac_tool_dev_folder(char out[PATH_MAX])
{
    if (geteuid() == 0)
        return put(out, LAC_FILE_SHARED_FOLDER "/dev", "");
    return put(out, lac_env("XDG_DATA_HOME"), "/lacuna/dev") ||
           put(out, lac_env("HOME"), "/.local/share/lacuna/dev");
}

bool lac_tool_program_folder(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    char *slash;

    if (n <= 0)
        return false;
    out[n] = '\0';
    slash = strrchr(out, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}
