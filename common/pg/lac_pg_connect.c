/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting: libpq's poll loop under our own deadline, and the session's settings. */
#include "lac_pg.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_pg_private.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    URL_SIZE = 4096,
    /* A peer that acknowledges nothing for this long is gone. Longer than a fail-over's hiccup,
     * shorter than a person's patience. */
    UNACKNOWLEDGED_MS = 15000,
};

/*
 * "postgresql+asyncpg://…", the spelling of SQLAlchemy in the files people bring along, loses
 * its driver. False when it doesn't fit.
 */
static bool plain_url(char out[URL_SIZE], const char *url)
{
    const char *colon = strstr(url, "://");
    size_t scheme = colon ? strcspn(url, "+:") : 0;
    int n;

    if (!colon || url[scheme] != '+')
        n = snprintf(out, URL_SIZE, "%s", url);
    else
        n = snprintf(out, URL_SIZE, "%.*s%s", (int)scheme, url, colon);
    return n >= 0 && n < URL_SIZE;
}

/* What a password with a bare '@' or '/' makes of the host and port behind it. libpq would name
 * both in its errors, and ask for the address of the host. Folders and abstract sockets may have
 * an '@'. */
static bool is_stray_password(const PQconninfoOption *o)
{
    if (!o->val)
        return false;
    if (strcmp(o->keyword, "port") == 0)
        return strspn(o->val, "0123456789, ") != strlen(o->val);
    if (strcmp(o->keyword, "host") != 0)
        return false;
    for (const char *at = o->val; (at = strchr(at, '@')) != NULL; at++) {
        const char *first = at;

        while (first > o->val && first[-1] != ',')
            first--;
        if (first != at && *first != '/' && *first != '@')
            return true;
    }
    return false;
}

/* libpq tries the hosts in order and each may take the whole time. 0: can't be read. */
static unsigned count_hosts(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    unsigned hosts = 1;

    if (!options)
        return 0;
    for (const PQconninfoOption *o = options; o->keyword && hosts > 0; o++) {
        if (is_stray_password(o))
            hosts = 0;
        else if (o->val && strcmp(o->keyword, "host") == 0)
            for (const char *c = o->val; *c; c++)
                hosts += *c == ',';
    }
    PQconninfoFree(options);
    return hosts < 16 ? hosts : 16;
}

/* LAC_OK: readable or writable as wanted. */
static enum lac_status wait_for(int fd, short events, uint64_t deadline_ms, struct lac_err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        uint64_t now = lac_clock_mono_ms();
        int n = now < deadline_ms ? poll(&p, 1, (int)(deadline_ms - now)) : 0;

        if (n > 0)
            return LAC_OK;
        if (n == 0)
            return lac_err_set(err, LAC_RETRY, ETIMEDOUT, "pg: no connection within the timeout");
        if (errno != EINTR)
            return lac_err_set(err, LAC_RETRY, errno, "pg: poll failed");
    }
}

/*
 * libpq gives no SQLSTATE for a refused connection, except inside its verbose message:
 * "FATAL:  28P01: password authentication failed …". The severity is translated, the code is
 * not. Fills `state` with "" when the server said nothing.
 */
static const char *find_sqlstate(char state[6], const char *message)
{
    state[0] = '\0';
    for (const char *p = strstr(message, ":  "); p; p = strstr(p + 1, ":  ")) {
        const char *s = p + 3;
        size_t n = strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (n == 5 && s[5] == ':' && s[6] == ' ') {
            memcpy(state, s, 5);
            state[5] = '\0';
            return s + 7;
        }
    }
    return message;
}

static enum lac_status refused(PGconn *conn, struct lac_err *err)
{
    const char *message = PQerrorMessage(conn);
    char state[6];
    const char *text = find_sqlstate(state, message);
    int length = (int)strcspn(text, "\n");

    if (state[0]) {
        int code = LAC_PG_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);

        return lac_err_set(err, lac_pg_status_of(state), code, "pg: %s %.*s", state, length, text);
    }
    /* These never heal by waiting, and waiting would hide them. We never set a locale, so libpq's
     * words are its own. */
    if (PQconnectionNeedsPassword(conn) || strstr(message, "certificate") ||
        strstr(message, "invalid ") || strstr(message, "does not support SSL"))
        return lac_err_set(err, LAC_FATAL, 0, "pg: %.*s", length, text);
    return lac_err_set(err, LAC_RETRY, 0, "pg: %.*s", length, text);
}

static enum lac_status finish(PGconn *conn, uint64_t deadline_ms, struct lac_err *err)
{
    PostgresPollingStatusType s = PGRES_POLLING_WRITING;

    if (PQstatus(conn) == CONNECTION_BAD)
        return refused(conn, err);
    while (s != PGRES_POLLING_OK) {
        enum lac_status status;

        if (s == PGRES_POLLING_FAILED)
            return refused(conn, err);
        status = wait_for(PQsocket(conn), s == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                          deadline_ms, err);
        if (status != LAC_OK)
            return status;
        s = PQconnectPoll(conn);
    }
    return LAC_OK;
}

static enum lac_status set_up(struct lac_pg *pg, const struct lac_pg_options *o,
                              struct lac_err *err)
{
    char sql[256];

    (void)PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
    /* SET and not the start-up packet's options: those would replace the URL's own. */
    (void)snprintf(sql, sizeof(sql),
                   "SET statement_timeout = %u; SET lock_timeout = %u; "
                   "SET idle_in_transaction_session_timeout = %u; SET timezone = 'UTC'",
                   o->statement_timeout_ms, o->lock_timeout_ms, o->idle_in_transaction_timeout_ms);
    return lac_pg_exec(pg, sql, err);
}

static PGconn *start(const char *url, const struct lac_pg_options *o)
{
    char unacknowledged[16];
    const char *keys[] = {"dbname",
                          "client_encoding",
                          "fallback_application_name",
                          "keepalives_idle",
                          "keepalives_interval",
                          "keepalives_count",
                          "tcp_user_timeout",
                          o->application ? "application_name" : "password",
                          "password",
                          NULL};
    const char *password = o->password && o->password[0] ? o->password : NULL;
    const char *values[] = {
        url,      "UTF8", "lacuna",       "10",
        "5",      "3",    unacknowledged, o->application ? o->application : password,
        password, NULL};

    (void)snprintf(unacknowledged, sizeof(unacknowledged), "%d", UNACKNOWLEDGED_MS);
    return PQconnectStartParams(keys, values, 1);
}

enum lac_status lac_pg_connect(struct lac_pg **out, const struct lac_pg_options *options,
                               struct lac_err *err)
{
    uint32_t timeout_ms =
        options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    char url[URL_SIZE];
    unsigned hosts = plain_url(url, options->url) ? count_hosts(url) : 0;
    struct lac_pg *pg;
    enum lac_status status;

    /* libpq's own message would quote the URL, and people put passwords into URLs. */
    if (hosts == 0)
        return lac_err_set(err, LAC_FATAL, 0,
                           "pg: the URL can't be read: it should be like "
                           "postgresql://user@host:5432/database (special characters %%-encoded)");
    pg = calloc(1, sizeof(*pg));
    if (!pg)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "pg: out of memory");
    pg->conn = start(url, options);
    if (!pg->conn) {
        free(pg);
        return lac_err_set(err, LAC_RETRY, ENOMEM, "pg: out of memory");
    }
    (void)PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
    lac_pg_quiet(pg);
    status = finish(pg->conn, lac_clock_mono_ms() + (uint64_t)timeout_ms * hosts, err);
    if (status == LAC_OK)
        status = set_up(pg, options, err);
    if (status != LAC_OK) {
        lac_pg_close(pg);
        return status;
    }
    *out = pg;
    return LAC_OK;
}
