/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_peer.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_env.h"
#include "lac_err.h"

enum { LINE_BYTES = 256 };

const char *bench_peer_python(void)
{
    return lac_env("LACUNA_BENCH_PYTHON");
}

/* 0, or an errno. */
static int start(struct bench_peer *p, const char *python, const char *const *args, int end)
{
    posix_spawn_file_actions_t actions;
    const char *argv[BENCH_PEER_ARGS_MAX + 3] = {python};
    char *words[BENCH_PEER_ARGS_MAX + 3] = {NULL};
    char path[PATH_MAX];
    int failed;

    snprintf(path, sizeof(path), "%s/tests/bench/%s", LAC_BENCH_SOURCE, p->script);
    argv[1] = path;
    for (size_t i = 0; args[i]; i++) {
        LAC_ASSERT(i < BENCH_PEER_ARGS_MAX);
        argv[i + 2] = args[i];
    }
    memcpy(words, argv, sizeof(words)); /* posix_spawn does not write to them */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    failed = posix_spawn(&p->pid, python, &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        p->pid = 0;
    return failed;
}

bool bench_peer_open(struct bench_peer *p, const char *python, const char *script,
                     const char *const *args)
{
    const struct timeval wait = {.tv_sec = BENCH_PEER_WAIT_S};
    int ends[2], failed = 0;

    *p = (struct bench_peer){.script = script, .fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        fprintf(stderr, "%s: no socket: %s\n", script, lac_errno_text(errno));
        return false;
    }
    p->fd = ends[0];
    if (setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0)
        p->from = fdopen(p->fd, "r");
    failed = p->from ? start(p, python, args, ends[1]) : errno;
    close(ends[1]);
    if (failed)
        fprintf(stderr, "%s: can't be run: %s\n", script, lac_errno_text(failed));
    return !failed;
}

bool bench_peer_ask(struct bench_peer *p, const char *question, double *answer)
{
    char line[LINE_BYTES], *end = line;
    int n = snprintf(line, sizeof(line), "%s\n", question);

    if (send(p->fd, line, (size_t)n, MSG_NOSIGNAL) == n && fgets(line, sizeof(line), p->from))
        *answer = strtod(line, &end);
    if (end != line && *end == '\n')
        return true;
    fprintf(stderr, "%s: no answer to \"%s\"\n", p->script, question);
    return false;
}

/* It has nothing to lose: killed, so that a peer that hangs can't keep us. */
void bench_peer_close(struct bench_peer *p)
{
    if (p->from)
        (void)fclose(p->from);
    else if (p->fd >= 0)
        close(p->fd);
    if (p->pid) {
        (void)kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *p = (struct bench_peer){.fd = -1};
}
