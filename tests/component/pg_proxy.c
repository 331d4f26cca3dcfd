/* SPDX-License-Identifier: Apache-2.0 */
#include "pg_proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lac_assert.h"

struct pg_proxy {
    char server[108], path[108];
    int listener;
    atomic_int cut, cuts;
    atomic_bool stop;
    pthread_t thread;
};

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return a;
}

static bool pass(int from, int to, const char *bytes, ssize_t n)
{
    (void)from;
    while (n > 0) {
        ssize_t sent = send(to, bytes, (size_t)n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes += sent;
        n -= sent;
    }
    return true;
}

/* One connection, until either side or the scissors end it. */
static void serve(struct pg_proxy *p, int client, int server)
{
    static const char commit[] = "COMMIT";
    struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool answer_is_due = false;
    char bytes[65536];

    while (!atomic_load(&p->stop) && poll(fds, 2, 50) >= 0) {
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (!(fds[i].revents & (POLLIN | POLLHUP)))
                continue;
            n = recv(fds[i].fd, bytes, sizeof(bytes), 0);
            if (n <= 0)
                return;
            if (i == 1 && answer_is_due) {
                atomic_fetch_add(&p->cuts, 1);
                return; /* the server has said it; the client never hears */
            }
            if (i == 0 && atomic_load(&p->cut) != PG_PROXY_PASS &&
                memmem(bytes, (size_t)n, commit, sizeof(commit))) {
                answer_is_due =
                    atomic_exchange(&p->cut, PG_PROXY_PASS) == PG_PROXY_CUT_AFTER_COMMIT;
                if (!answer_is_due) {
                    atomic_fetch_add(&p->cuts, 1);
                    return;
                }
            }
            if (!pass(fds[i].fd, fds[1 - i].fd, bytes, n))
                return;
        }
    }
}

static void *run(void *arg)
{
    struct pg_proxy *p = arg;
    struct pollfd fd = {.fd = p->listener, .events = POLLIN};

    while (!atomic_load(&p->stop)) {
        struct sockaddr_un a = address(p->server);
        int client, server;

        if (poll(&fd, 1, 50) <= 0)
            continue;
        client = accept(p->listener, NULL, NULL);
        server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client >= 0 && server >= 0 &&
            connect(server, (const struct sockaddr *)&a, sizeof(a)) == 0)
            serve(p, client, server);
        (void)close(client);
        (void)close(server);
    }
    return NULL;
}

struct pg_proxy *pg_proxy_start(const char *sock, const char *folder)
{
    struct pg_proxy *p = calloc(1, sizeof(*p));
    struct sockaddr_un a;

    LAC_ASSERT(p);
    (void)snprintf(p->server, sizeof(p->server), "%s/.s.PGSQL.5432", sock);
    (void)snprintf(p->path, sizeof(p->path), "%s/.s.PGSQL.5432", folder);
    a = address(p->path);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    LAC_ASSERT(p->listener >= 0 && bind(p->listener, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
               listen(p->listener, 8) == 0 && pthread_create(&p->thread, NULL, run, p) == 0);
    return p;
}

void pg_proxy_stop(struct pg_proxy *p)
{
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->listener);
    (void)unlink(p->path);
    free(p);
}

void pg_proxy_arm(struct pg_proxy *p, enum pg_proxy_cut cut)
{
    atomic_store(&p->cut, cut);
}

int pg_proxy_cuts(const struct pg_proxy *p)
{
    return atomic_load(&p->cuts);
}
