/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lac_env.h"
#include "lac_file.h"
#include "lac_log.h"
#include "lac_runtime_priv.h"

enum { SLOTS_MAX = 64 };

/* Others may pass: what must stay private below (locks, fuses, the control cache) has its own
 * mode. */
static enum lac_status make_folder(const char *path, struct lac_err *err)
{
    char text[RUNTIME_PATH_SIZE];

    if (!*path || strlen(path) >= sizeof(text))
        return lac_err_set(err, LAC_FATAL, 0, "state.dir is empty or too long");
    (void)snprintf(text, sizeof(text), "%s", path);
    if (!lac_file_make_folders(text, lac_file_shared_len(text)))
        return lac_err_set(
            err, LAC_FATAL, errno,
            "cannot make the folder %s: %s; set state.dir to one that can be written", path,
            lac_errno_text(errno));
    if (access(path, W_OK | X_OK) != 0)
        return lac_err_set(err, LAC_FATAL, errno,
                           "cannot write to %s: %s; set state.dir to a folder that can be written",
                           path, lac_errno_text(errno));
    return LAC_OK;
}

static bool is_safe(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || (c == '.' && !first);
}

/* A file name of what may be any text. */
static void put_safe(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text && n + 1 < size; text++, n++) {
        out[n] = *text;
        if (!is_safe(*text, n == 0))
            out[n] = '_';
    }
    out[n] = '\0';
}

/*
 * Two processes with one name would fence each other's transactions for ever, so each takes a
 * slot, and the slot is part of the name. Locks end with their process, so after a crash the
 * successor gets the same slot, and fences what the dead one left open.
 */
static enum lac_status take_slot(struct lac_runtime *rt, const char *name, struct lac_err *err)
{
    char safe[96], path[RUNTIME_PATH_SIZE + 256];

    put_safe(safe, sizeof(safe), name);
    for (int slot = 0; slot < SLOTS_MAX; slot++) {
        int code;

        (void)snprintf(rt->instance, sizeof(rt->instance), slot ? "%s.%d" : "%s", safe, slot);
        (void)snprintf(path, sizeof(path), "%s/%s-%s.lock", rt->state_dir, rt->program.name,
                       rt->instance);
        rt->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (rt->lock_fd < 0)
            return lac_err_set(err, LAC_FATAL, errno, "cannot open %s: %s", path,
                               lac_errno_text(errno));
        code = lac_file_lock(rt->lock_fd);
        if (code == 0)
            return LAC_OK;
        (void)close(rt->lock_fd);
        rt->lock_fd = -1;
        if (code != EWOULDBLOCK)
            return lac_err_set(
                err, LAC_FATAL, code,
                "cannot lock %s: %s; set state.dir to a folder on a file system with locks", path,
                lac_errno_text(code));
    }
    return lac_err_set(err, LAC_FATAL, 0, "%d processes of %s already run as instance %s",
                       SLOTS_MAX, rt->program.name, safe);
}

enum lac_status runtime_state_open(struct lac_runtime *rt, struct lac_err *err)
{
    const char *name = lac_conf_text(rt->conf, "instance.id");
    enum lac_status status;

    (void)snprintf(rt->state_dir, sizeof(rt->state_dir), "%s",
                   lac_conf_text(rt->conf, "state.dir"));
    status = make_folder(rt->state_dir, err);
    if (status == LAC_OK)
        status = take_slot(rt, *name ? name : "local", err);
    return status;
}

void runtime_notify(const char *text)
{
    const char *path = lac_env("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    int fd;

    if (!len || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract namespace */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        lac_log(LAC_LOG_DEBUG, "notify_failed", "code=%d", errno);
    (void)close(fd);
}
