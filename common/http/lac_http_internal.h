/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_http_internal - what the server's files share
 *
 * Thread: everything belongs to the loop's thread except the fields under `lock` and the
 * atomics.
 */
#ifndef LAC_HTTP_INTERNAL_H
#define LAC_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "lac_buf.h"
#include "lac_http_server.h"

/*
 * What a connection is waiting for. Every phase has one duration, so a queue per phase, appended
 * at its end, is ordered by deadline: arming, disarming and finding the next are O(1).
 */
enum lac_http_phase {
    LAC_HTTP_PHASE_IDLE,
    LAC_HTTP_PHASE_HEADER,
    LAC_HTTP_PHASE_BODY,
    LAC_HTTP_PHASE_HANDLER,
    LAC_HTTP_PHASE_SEND,
    LAC_HTTP_PHASE_COUNT,
    LAC_HTTP_PHASE_NONE = LAC_HTTP_PHASE_COUNT,
};

/* What an event of the loop's epoll belongs to; the first member of each of them. */
enum lac_http_source_kind {
    LAC_HTTP_SOURCE_DAEMON,
    LAC_HTTP_SOURCE_WAKE,
    LAC_HTTP_SOURCE_WATCH,
    LAC_HTTP_SOURCE_CONN,
    LAC_HTTP_SOURCE_LINGER,
};
struct lac_http_source {
    enum lac_http_source_kind kind;
};

struct lac_http_conn {
    struct lac_http_source source;
    struct lac_http_server *server;
    struct MHD_Connection *mhd;
    int fd; /* the library's */
    enum lac_http_phase phase;
    uint64_t deadline_ms;
    struct lac_http_conn *prev, *next; /* in its phase's queue, or `next` in the free list */
    struct lac_http_request *request;  /* between request line and completion */
    bool gone;                         /* the peer has closed its side */
    bool closing;                      /* the library is to close it as soon as it asks us */
    bool linger;                       /* unread input is left: close without a reset */
    bool used;                         /* a request line has been seen */
    bool cut;                          /* shut down by us; the library will close it */
};

enum lac_http_stage {
    LAC_HTTP_STAGE_HEADERS, /* request line seen */
    LAC_HTTP_STAGE_BODY,    /* headers seen, body is arriving */
    LAC_HTTP_STAGE_HANDLER, /* its handler is running */
    LAC_HTTP_STAGE_KEPT,    /* suspended until it is answered */
    LAC_HTTP_STAGE_ANSWER,  /* the answer is with the library */
};

/* Verdicts that one status has two of. */
enum { LAC_HTTP_VERDICT_SQUEEZED = 1415, LAC_HTTP_VERDICT_NO_HOST = 1400 };

struct lac_http_request {
    struct lac_http_server *server;
    struct lac_http_conn *conn; /* NULL once the library is done with it */
    enum lac_http_stage stage;
    struct lac_str method, path, param;
    const struct lac_http_route *route; /* NULL: `verdict` says why */
    unsigned verdict;    /* a status to refuse with after the body, LAC_HTTP_VERDICT_…, or 0 */
    bool hollow;         /* its path or query holds a NUL or a space */
    bool current;        /* of HTTP/1.1 or later */
    const char *uri_end; /* in the library's memory, while headers are read */
    unsigned allowed;    /* methods the path has, for 405 */
    struct lac_buf body;
    uint64_t body_seen;
    uint64_t begun_ns;     /* when the headers were complete, */
    uint64_t begun_round;  /* ... in which round of the loop, */
    uint64_t arrived_ns;   /* ... and the body */
    uint64_t header_sizes; /* bit n: a header's name has n bytes; 63 and more are one */
    void (*gone)(void *ctx, struct lac_http_request *r);
    void *user;
    bool kept;      /* the owner has not given it back yet */
    bool abandoned; /* its answer goes to nobody */
    bool resumed;
    unsigned status;
    struct MHD_Response *response; /* owned until queued, or the form's */
    struct lac_http_form *form;    /* lent until the library is done with the request, or NULL */
    struct lac_http_request *next; /* in the free list or, under `lock`, the done list */
    struct MHD_Response *done_response;
    unsigned done_status;
};

struct lac_http_watch {
    struct lac_http_source source;
    void (*ready)(void *ctx);
    void *ctx;
};

enum { LAC_HTTP_LINGERS = 64 };
struct lac_http_linger {
    struct lac_http_source source;
    int fd; /* -1: free */
    uint64_t deadline_ms;
    size_t budget; /* bytes still read and thrown away */
};

/* Taken beyond options.connections: one must be let in for another to be sent away, and for health
 * checks there is a place while all others are being answered. */
enum {
    LAC_HTTP_SPARE = 16,
    LAC_HTTP_GRACE_MS = 100, /* to say what one came for, in a crowd */
};

enum { LAC_HTTP_FORM_SHELVES = 64 };

struct lac_http_queue {
    struct lac_http_conn *head, *tail;
};

struct lac_http_server {
    struct lac_http_server_options options; /* with the defaults filled in */
    struct MHD_Daemon *daemon;
    char address[80];
    uint16_t port;
    int listen_fd; /* ours again after quiesce; -1 when closed */
    int epoll_fd;
    int wake_fd;
    uint64_t now_ms;
    uint64_t round; /* of the loop, counted */
    struct lac_http_queue queues[LAC_HTTP_PHASE_COUNT];
    uint32_t phase_ms[LAC_HTTP_PHASE_COUNT];
    struct lac_http_conn *conns; /* owned: conn_count of them */
    size_t conn_count;           /* options.connections and LAC_HTTP_SPARE */
    size_t cut_count;            /* of them, how many are about to be closed */
    struct lac_http_conn *free_conns;
    struct lac_http_request *free_requests;
    struct lac_http_form *forms[LAC_HTTP_FORM_SHELVES]; /* owned: those at rest, by size */
    size_t forms_free, forms_next;
    size_t kept; /* requests out with their owners */
    struct lac_http_watch watches[LAC_HTTP_WATCHES];
    size_t watch_count;
    struct lac_http_linger lingers[LAC_HTTP_LINGERS];
    size_t linger_count;
    struct lac_http_source daemon_source, wake_source;
    bool quiesced;
    bool again; /* a connection was closed: the library may accept once more, if it is asked */
    bool threaded;
    pthread_t thread;              /* started by lac_http_server_start */
    _Atomic pthread_t loop_thread; /* who runs the loop */
    atomic_size_t connection_count;
    atomic_bool quiesce_wanted, stop;
    pthread_mutex_t lock;
    struct lac_http_request *done; /* lock: answered in other threads, newest first */
};

/* lac_http_listen.c: a listening, non-blocking socket and its printable address. */
enum lac_status lac_http_listen(const char *listen, int *fd, char *address, size_t address_size,
                                uint16_t *port, struct lac_err *err);

/* lac_http_heads.c: what a request's headers say about how to read it. */
struct lac_http_heads {
    struct lac_str host, length, coding, type, squeezed, expect; /* squeezed: Content-Encoding */
    uint64_t sizes;                                              /* see struct lac_http_request */
    bool ambiguous; /* another program may read this request otherwise */
};
static inline uint64_t lac_http_size_bit(size_t size)
{
    return (uint64_t)1 << (size < 63 ? size : 63);
}
void lac_http_heads_read(struct MHD_Connection *mhd, const char *uri_end, const char *version,
                         struct lac_http_heads *out);

/* lac_http_conn.c */
enum lac_status lac_http_conns_init(struct lac_http_server *s, struct lac_err *err);
void lac_http_conns_deinit(struct lac_http_server *s);
/* Whether there are more than options.connections, and the end of those that can be spared. */
bool lac_http_conns_crowded(const struct lac_http_server *s);
void lac_http_conns_relieve(struct lac_http_server *s);
void lac_http_conn_notify(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code);
void lac_http_conn_enter(struct lac_http_conn *c, enum lac_http_phase phase);
void lac_http_conn_hangup(struct lac_http_conn *c);
void lac_http_conns_expire(struct lac_http_server *s);
void lac_http_conns_quiesce(struct lac_http_server *s);
void lac_http_conns_abandon(struct lac_http_server *s);
uint64_t lac_http_conns_next(const struct lac_http_server *s); /* deadline, UINT64_MAX: none */

/* lac_http_linger.c: close() with unread input would reset the connection and destroy the
 * answer on its way. A duplicate of the descriptor is read out for a moment instead. */
void lac_http_linger_begin(struct lac_http_server *s, int fd);
void lac_http_linger_ready(struct lac_http_server *s, struct lac_http_linger *l);
void lac_http_linger_expire(struct lac_http_server *s, bool all);
uint64_t lac_http_linger_next(const struct lac_http_server *s);

/* lac_http_request.c */
void *lac_http_request_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
void lac_http_request_end(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode code);
enum MHD_Result lac_http_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *size, void **context);
void lac_http_request_abandon(struct lac_http_request *r, unsigned status);
void lac_http_requests_finish(struct lac_http_server *s); /* the done list */
void lac_http_requests_deinit(struct lac_http_server *s);
void lac_http_refused(struct lac_http_server *s, enum lac_http_refusal why);

/* lac_http_answer.c */
/* `mode` says whose a->body is: MUST_COPY the caller's, PERSISTENT the library's to read until it
 * is done with the response. */
struct MHD_Response *lac_http_response_of(const struct lac_http_server *s,
                                          const struct lac_http_answer *a,
                                          enum MHD_ResponseMemoryMode mode);
struct MHD_Response *lac_http_response(const struct lac_http_server *s,
                                       const struct lac_http_answer *a); /* copies the body */
/* A complete answer as bytes, for when the library can't be asked to send one any more. */
void lac_http_send_raw(int fd, unsigned status, const char *type, const char *detail);

/*
 * lac_http_form.c: a response that is kept with its headers and lent to one answer after another.
 * take: filled with the answer's body; NULL if this answer has headers of its own, or out of
 * memory: lac_http_response() then. give: once the library reads the response no more. At most 512
 * forms of at most 4 KiB rest.
 */
struct lac_http_form *lac_http_form_take(struct lac_http_server *s,
                                         const struct lac_http_answer *a);
struct MHD_Response *lac_http_form_response(const struct lac_http_form *f); /* the form's own */
void lac_http_form_give(struct lac_http_server *s, struct lac_http_form *f);
void lac_http_forms_deinit(struct lac_http_server *s);

/* lac_http_route.c: sets route and param, or verdict and allowed. */
void lac_http_route(struct lac_http_request *r);
void lac_http_route_allow(const struct lac_http_request *r, char *out, size_t size);
bool lac_http_media_type_is(struct lac_str content_type, const char *media_type);

#endif
