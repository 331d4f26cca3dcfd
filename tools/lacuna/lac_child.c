/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_clock.h"

void lac_child_init(struct lac_child *c, const char *name)
{
    *c = (struct lac_child){.name = name, .output_fd = -1, ._log_fd = -1, .death_signal = SIGKILL};
}

/* What the child process does between fork and exec. The supervisor has threads, so only
 * async-signal-safe calls are allowed; the raw system calls are, because glibc's setuid family
 * talks to the threads of a process, which a forked child hasn't got. */
static int prepare(const struct lac_child *c, pid_t parent, int output)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)setpgid(0, 0);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        return errno;
    if (c->change_user &&
        (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setresgid, c->gid, c->gid, c->gid) ||
         syscall(SYS_setresuid, c->uid, c->uid, c->uid) != 0))
        return errno;
    /* After the change of user, which would clear it. A parent that died before is noticed. */
    if (prctl(PR_SET_PDEATHSIG, c->death_signal) != 0)
        return errno;
    if (getppid() != parent)
        return ESRCH;
    (void)sigaction(SIGPIPE, &standard, NULL);
    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    (void)execve(c->argv[0], (char *const *)c->argv, c->envp);
    return errno;
}

/* The error that the child met before exec, 0 when it runs. */
static int wait_for_exec(int fd)
{
    int code = 0;
    ssize_t n;

    do
        n = read(fd, &code, sizeof(code));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(code) ? code : 0;
}

enum lac_status lac_child_start(struct lac_child *c, struct lac_err *err)
{
    int output[2] = {-1, -1}, told[2] = {-1, -1}, code;
    pid_t parent = getpid();
    pid_t pid;

    if (pipe2(output, O_CLOEXEC) != 0 || pipe2(told, O_CLOEXEC) != 0) {
        code = errno;
        goto failed;
    }
    pid = fork();
    if (pid == 0) {
        code = prepare(c, parent, output[1]);
        (void)!write(told[1], &code, sizeof(code));
        _exit(127);
    }
    if (pid < 0) {
        code = errno;
        goto failed;
    }
    (void)setpgid(pid, pid); /* in both, so that it holds whoever runs first */
    close(output[1]);
    close(told[1]);
    code = wait_for_exec(told[0]);
    close(told[0]);
    if (code != 0) {
        (void)waitpid(pid, NULL, 0);
        close(output[0]);
        return lac_err_set(err, LAC_FATAL, code, "%s can't be run: %s", c->argv[0],
                           lac_errno_text(code));
    }
    if (c->output_fd >= 0) {
        lac_child_drain(c);
        close(c->output_fd);
    }
    (void)fcntl(output[0], F_SETFL, O_NONBLOCK);
    c->output_fd = output[0];
    c->pid = pid;
    c->started_ms = lac_clock_mono_ms();
    return LAC_OK;
failed:
    for (int i = 0; i < 2; i++) {
        if (output[i] >= 0)
            close(output[i]);
        if (told[i] >= 0)
            close(told[i]);
    }
    return lac_err_set(err, LAC_RETRY, code, "no process for %s: %s", c->name,
                       lac_errno_text(code));
}

/* Opens the log, or turns a full one over to FILE.1. */
static void turn_log(struct lac_child *c)
{
    char old[PATH_MAX];
    struct stat st;

    if (c->_log_fd >= 0 && c->_log_size < LAC_CHILD_LOG_BYTES)
        return;
    if (c->_log_fd >= 0) {
        close(c->_log_fd);
        if (snprintf(old, sizeof(old), "%s.1", c->log_path) < (int)sizeof(old))
            (void)rename(c->log_path, old); /* failing, it only grows on */
    }
    c->_log_fd = open(c->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    c->_log_size = c->_log_fd >= 0 && fstat(c->_log_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void keep_tail(struct lac_child *c, const char *data, size_t n)
{
    if (n >= sizeof(c->_tail) - 1) {
        data += n - (sizeof(c->_tail) - 1);
        n = sizeof(c->_tail) - 1;
    }
    if (c->_tail_len + n > sizeof(c->_tail) - 1) {
        size_t drop = c->_tail_len + n - (sizeof(c->_tail) - 1);

        memmove(c->_tail, c->_tail + drop, c->_tail_len - drop);
        c->_tail_len -= drop;
    }
    memcpy(c->_tail + c->_tail_len, data, n);
    c->_tail_len += n;
}

void lac_child_drain(struct lac_child *c)
{
    char data[16384];

    while (c->output_fd >= 0) {
        ssize_t n = read(c->output_fd, data, sizeof(data));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close(c->output_fd);
            c->output_fd = -1;
            return;
        }
        keep_tail(c, data, (size_t)n);
        turn_log(c);
        if (c->_log_fd >= 0 && write(c->_log_fd, data, (size_t)n) > 0)
            c->_log_size += (uint64_t)n; /* a full disk loses log lines, not the service */
        if (c->echo)
            (void)!write(STDERR_FILENO, data, (size_t)n);
    }
}

bool lac_child_reap(struct lac_child *c)
{
    int status;

    if (c->pid == 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return false;
    lac_child_drain(c);
    c->pid = 0;
    c->exit_status = status;
    return true;
}

void lac_child_signal(const struct lac_child *c, int sig, bool group)
{
    if (c->pid > 0)
        (void)kill(group ? -c->pid : c->pid, sig);
}

void lac_child_describe(const struct lac_child *c, char *out, size_t size)
{
    if (WIFSIGNALED(c->exit_status))
        snprintf(out, size, "was killed by signal %d (%s)", WTERMSIG(c->exit_status),
                 sigdescr_np(WTERMSIG(c->exit_status)));
    else
        snprintf(out, size, "exited with status %d", WEXITSTATUS(c->exit_status));
}

const char *lac_child_last_lines(struct lac_child *c, size_t lines)
{
    size_t at = c->_tail_len;

    c->_tail[c->_tail_len] = '\0';
    while (at > 0 && (c->_tail[at - 1] != '\n' || at == c->_tail_len || --lines > 0))
        at--;
    return c->_tail + at;
}

void lac_child_close(struct lac_child *c)
{
    if (c->output_fd >= 0)
        close(c->output_fd);
    if (c->_log_fd >= 0)
        close(c->_log_fd);
    c->output_fd = c->_log_fd = -1;
}
