/* SPDX-License-Identifier: Apache-2.0 */
/* From an answer to what goes over the wire. */
#include <stdio.h>
#include <sys/socket.h>

#include "lac_http_internal.h"
#include "lac_http_problem.h"

/* An answer is data for a program: nothing in it may be loaded, run or framed. */
#define STRICT_CSP "default-src 'none'; frame-ancestors 'none'"

const char *lac_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < LAC_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

static bool add(struct MHD_Response *m, const char *name, const char *value)
{
    return MHD_add_response_header(m, name, value) == MHD_YES;
}

struct MHD_Response *lac_http_response_of(const struct lac_http_server *s,
                                          const struct lac_http_answer *a,
                                          enum MHD_ResponseMemoryMode mode)
{
    /* The cast is the library's missing const: it copies at once, or only reads. */
    struct MHD_Response *m =
        MHD_create_response_from_buffer(a->body.len, (void *)a->body.ptr, mode);
    if (!m)
        return NULL;
    const char *csp = a->content_security_policy ? a->content_security_policy : STRICT_CSP;
    bool ok = add(m, "Content-Type", a->content_type ? a->content_type : "application/json") &&
              add(m, "X-Content-Type-Options", "nosniff") &&
              add(m, "Content-Security-Policy", csp) &&
              (a->cacheable || add(m, "Cache-Control", "no-store"));
    for (size_t i = 0; ok && i < a->header_count; i++)
        ok = add(m, a->headers[i].name, a->headers[i].value);
    if (ok && atomic_load_explicit(&s->quiesce_wanted, memory_order_relaxed))
        ok = add(m, "Connection", "close");
    if (ok)
        return m;
    MHD_destroy_response(m);
    return NULL;
}

struct MHD_Response *lac_http_response(const struct lac_http_server *s,
                                       const struct lac_http_answer *a)
{
    return lac_http_response_of(s, a, MHD_RESPMEM_MUST_COPY);
}

void lac_http_send_raw(int fd, unsigned status, const char *type, const char *detail)
{
    char memory[512], answer[1024];
    struct lac_buf body;
    lac_buf_init_fixed(&body, memory, sizeof memory);
    lac_http_problem_write(
        &body, &(struct lac_http_problem){.status = status, .type = type, .detail = detail});
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
                     "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                     "Content-Security-Policy: " STRICT_CSP "\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n%.*s",
                     status, lac_http_reason(status), body.len, LAC_STR_FMT(lac_buf_str(&body)));
    /* Nothing of this answer is with the library, and it fits any socket buffer. A client that
     * does not take it has itself to blame. */
    if (n > 0 && (size_t)n < sizeof answer)
        (void)!send(fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}
