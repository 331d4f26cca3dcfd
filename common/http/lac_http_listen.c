/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lac_http_internal.h"

enum {
    HOST_SIZE = 256,
    BACKLOG = 1024, /* the kernel cuts it at net.core.somaxconn */
};

/* Splits "host:port", "[v6]:port" and ":port" (all addresses). */
static bool split(const char *listen, char host[HOST_SIZE], char port[6])
{
    const char *colon = strrchr(listen, ':');
    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) > 5)
        return false;
    struct lac_str h = {listen, (size_t)(colon - listen)};
    if (h.len >= 2 && h.ptr[0] == '[') {
        if (h.ptr[h.len - 1] != ']')
            return false;
        h.ptr++;
        h.len -= 2;
    } else if (memchr(h.ptr, ':', h.len)) {
        return false; /* an IPv6 address without brackets: where does the port begin? */
    }
    uint64_t number;
    if (h.len >= HOST_SIZE || !lac_str_to_u64(lac_str_from(colon + 1), &number))
        return false;
    if (number > UINT16_MAX)
        return false;
    memcpy(host, h.ptr, h.len);
    host[h.len] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

bool lac_http_is_address(const char *listen)
{
    char host[HOST_SIZE], port[6];

    return split(listen, host, port);
}

bool lac_http_is_loopback(const char *listen)
{
    char host[HOST_SIZE], port[6];
    if (!split(listen, host, port))
        return false;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return true;
    struct in_addr v4;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static enum lac_status bind_one(const struct addrinfo *a, int *out)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0)
        return LAC_FATAL;
    const int on = 1;
    /* A restart must not wait for its predecessor's connections to leave TIME_WAIT. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return LAC_FATAL;
    }
    *out = fd;
    return LAC_OK;
}

static enum lac_status describe(int fd, char *address, size_t size, uint16_t *port,
                                struct lac_err *err)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    char host[64], service[8];
    if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0 ||
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return lac_err_set(err, LAC_FATAL, errno, "http: own address unknown: %s",
                           lac_errno_text(errno));
    bool v6 = bound.ss_family == AF_INET6;
    *port = v6 ? ntohs(((struct sockaddr_in6 *)&bound)->sin6_port)
               : ntohs(((struct sockaddr_in *)&bound)->sin_port);
    snprintf(address, size, v6 ? "[%s]:%s" : "%s:%s", host, service);
    return LAC_OK;
}

enum lac_status lac_http_listen(const char *listen, int *fd, char *address, size_t address_size,
                                uint16_t *port, struct lac_err *err)
{
    char host[HOST_SIZE], service[6];
    *fd = -1;
    if (!split(listen, host, service))
        return lac_err_set(err, LAC_FATAL, 0, "http: \"%s\" is not HOST:PORT (IPv6 as [::1]:8000)",
                           listen);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host[0] ? host : NULL, service, &hints, &found);
    if (rc != 0)
        return lac_err_set(err, LAC_FATAL, rc, "http: can't listen on \"%s\": %s", listen,
                           gai_strerror(rc));
    enum lac_status status = LAC_FATAL;
    for (const struct addrinfo *a = found; a && status != LAC_OK; a = a->ai_next)
        status = bind_one(a, fd);
    int why = errno;
    freeaddrinfo(found);
    if (status != LAC_OK)
        return lac_err_set(err, LAC_FATAL, why, "http: can't listen on \"%s\": %s", listen,
                           lac_errno_text(why));
    status = describe(*fd, address, address_size, port, err);
    if (status != LAC_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}
