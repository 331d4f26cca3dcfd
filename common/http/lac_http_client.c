/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_http_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

enum {
    CONNECT_MS = 5000,
    TOTAL_MS = 30000,
    DROPPED_BYTES = 1024 * 1024, /* accepted and thrown away when the caller wants no body */
};

struct lac_http_client {
    CURL *easy;
    uint32_t total_ms;
    char reason[CURL_ERROR_SIZE];
};

/* The answer while it arrives. */
struct sink {
    struct lac_buf *into;
    size_t dropped;
    bool full;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void global_init(void)
{
    global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    struct sink *s = ctx;
    size_t n = size * count;
    if (s->into)
        lac_buf_put(s->into, data, n);
    else
        s->dropped += n;
    s->full = (s->into && !lac_buf_ok(s->into)) || s->dropped > DROPPED_BYTES;
    return s->full ? 0 : n; /* 0 ends the transfer */
}

static bool set_long(CURL *e, CURLoption option, long value)
{
    return curl_easy_setopt(e, option, value) == CURLE_OK;
}

/* The library copies the text. NULL leaves the option alone. */
static bool set_text(CURL *e, CURLoption option, const char *value)
{
    return !value || curl_easy_setopt(e, option, value) == CURLE_OK;
}

/* What never changes between calls. False: the library lacks something we rely on. */
static bool configure(struct lac_http_client *c, const struct lac_http_client_options *o)
{
    CURL *e = c->easy;
    bool ok = set_long(e, CURLOPT_NOSIGNAL, 1) &&
              set_text(e, CURLOPT_PROTOCOLS_STR, "http,https") &&
              set_long(e, CURLOPT_FOLLOWLOCATION, 0) && set_text(e, CURLOPT_PROXY, "") &&
              set_long(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1) &&
              set_long(e, CURLOPT_SSL_VERIFYPEER, 1) && set_long(e, CURLOPT_SSL_VERIFYHOST, 2) &&
              set_long(e, CURLOPT_CONNECTTIMEOUT_MS, o->connect_ms ? o->connect_ms : CONNECT_MS) &&
              curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->reason) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK;
    if (ok && o->username)
        ok = set_long(e, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) &&
             set_text(e, CURLOPT_USERNAME, o->username) &&
             set_text(e, CURLOPT_PASSWORD, o->password ? o->password : "");
    else if (ok && o->bearer)
        ok = set_long(e, CURLOPT_HTTPAUTH, CURLAUTH_BEARER) &&
             set_text(e, CURLOPT_XOAUTH2_BEARER, o->bearer);
    return ok && set_text(e, CURLOPT_CAINFO, o->ca_file);
}

enum lac_status lac_http_client_new(struct lac_http_client **out,
                                    const struct lac_http_client_options *options,
                                    struct lac_err *err)
{
    static const struct lac_http_client_options defaults = {0};
    *out = NULL;
    if (!options)
        options = &defaults;
    pthread_once(&global_once, global_init);
    if (global_rc != CURLE_OK)
        return lac_err_set(err, LAC_FATAL, (int)global_rc, "http: %s",
                           curl_easy_strerror(global_rc));
    struct lac_http_client *c = calloc(1, sizeof *c);
    if (!c)
        return lac_err_set(err, LAC_FATAL, 0, "http: out of memory");
    c->total_ms = options->total_ms ? options->total_ms : TOTAL_MS;
    c->easy = curl_easy_init();
    if (!c->easy || !configure(c, options)) {
        lac_http_client_free(c);
        return lac_err_set(err, LAC_FATAL, 0, "http: the client library can't be used");
    }
    *out = c;
    return LAC_OK;
}

void lac_http_client_free(struct lac_http_client *c)
{
    if (!c)
        return;
    if (c->easy)
        curl_easy_cleanup(c->easy);
    free(c);
}

/* The host for error texts: a path or query may hold what is nobody's business. */
static void host_of(const char *url, char *out, size_t size)
{
    const char *from = strstr(url, "://");
    from = from ? from + 3 : url;
    size_t n = strcspn(from, "/?#");
    snprintf(out, size, "%.*s", (int)(n < 200 ? n : 200), from);
}

static bool is_for_later(unsigned http)
{
    return http == 429 || http == 502 || http == 503 || http == 504;
}

static enum lac_status classify(const struct lac_http_client *c, CURLcode rc, unsigned http,
                                const char *host, struct lac_err *err)
{
    const char *why = c->reason[0] ? c->reason : curl_easy_strerror(rc);
    switch (rc) {
    case CURLE_OK:
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_LOGIN_DENIED: /* credentials in the URL */
    case CURLE_SSL_CACERT_BADFILE:
        return lac_err_set(err, LAC_FATAL, (int)rc, "http: URL or CA file refused: %s",
                           curl_easy_strerror(rc));
    default:
        return lac_err_set(err, LAC_RETRY, (int)rc, "http: %s: %s", host, why);
    }
    if (is_for_later(http))
        return lac_err_set(err, LAC_RETRY, (int)http, "http: %s answered %u", host, http);
    return LAC_OK;
}

static struct curl_slist *header_list(const struct lac_http_call *call, bool *ok)
{
    /* Without this the library asks "100-continue" for larger bodies and waits a second. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    *ok = list != NULL;
    for (size_t i = 0; *ok && i < call->header_count; i++) {
        struct curl_slist *longer = curl_slist_append(list, call->headers[i]);
        *ok = longer != NULL;
        if (longer)
            list = longer;
    }
    return list;
}

static bool prepare(struct lac_http_client *c, const struct lac_http_call *call, struct sink *sink,
                    struct curl_slist *headers)
{
    CURL *e = c->easy;
    long total = call->total_ms ? (long)call->total_ms : (long)c->total_ms;
    bool ok = set_text(e, CURLOPT_URL, call->url) && set_long(e, CURLOPT_TIMEOUT_MS, total) &&
              curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_WRITEDATA, sink) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK &&
              set_long(e, CURLOPT_NOBODY, 0) && set_long(e, CURLOPT_HTTPGET, 1);
    if (ok && call->body.ptr)
        ok = set_long(e, CURLOPT_POST, 1) &&
             curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body.ptr) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len) ==
                 CURLE_OK;
    if (ok && call->method && strcmp(call->method, "HEAD") == 0)
        return set_long(e, CURLOPT_NOBODY, 1);
    return ok && set_text(e, CURLOPT_CUSTOMREQUEST, call->method);
}

/* curl makes a whole address of what the answer says, and does not go there. */
static void put_moved_to(struct lac_http_client *c, const struct lac_http_call *call)
{
    static const CURLUPart left_out[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                                         CURLUPART_FRAGMENT};
    char *whole = NULL, *shown = NULL;
    CURLU *address;
    bool ok;

    if (curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &whole) != CURLE_OK || !whole)
        return;
    address = curl_url();
    ok = address && curl_url_set(address, CURLUPART_URL, whole, 0) == CURLUE_OK;
    for (size_t i = 0; ok && i < LAC_COUNT(left_out); i++)
        ok = curl_url_set(address, left_out[i], NULL, 0) == CURLUE_OK;
    ok = ok && curl_url_get(address, CURLUPART_URL, &shown, 0) == CURLUE_OK;
    snprintf(call->moved_to, call->moved_to_size, "%s", ok ? shown : "");
    curl_free(shown);
    curl_url_cleanup(address);
}

enum lac_status lac_http_client_send(struct lac_http_client *c, const struct lac_http_call *call,
                                     struct lac_err *err)
{
    struct sink sink = {.into = call->into};
    char host[256];
    bool ok;
    long http = 0;
    curl_off_t retry_after = 0;
    struct curl_slist *headers = header_list(call, &ok);
    if (call->status)
        *call->status = 0;
    if (call->retry_after_s)
        *call->retry_after_s = 0;
    if (call->moved_to)
        call->moved_to[0] = '\0';
    if (!ok || !prepare(c, call, &sink, headers)) {
        curl_slist_free_all(headers);
        return lac_err_set(err, LAC_FATAL, 0, "http: the call can't be made");
    }
    c->reason[0] = '\0';
    host_of(call->url, host, sizeof host);
    CURLcode rc = curl_easy_perform(c->easy);
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &http);
    (void)curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (call->moved_to)
        put_moved_to(c, call);
    /* The next call must not find pointers into this one. */
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, NULL);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, NULL);
    curl_slist_free_all(headers);
    if (call->status)
        *call->status = (unsigned)http;
    if (call->retry_after_s && retry_after > 0)
        *call->retry_after_s = retry_after > UINT32_MAX ? UINT32_MAX : (uint32_t)retry_after;
    if (sink.full && sink.into && sink.into->starved)
        return lac_err_set(err, LAC_RETRY, 0, "http: no memory for the answer of %s", host);
    if (sink.full && is_for_later((unsigned)http)) /* whatever fills it, it says nothing */
        rc = CURLE_OK;
    else if (sink.full)
        return lac_err_set(err, LAC_REJECT, 0, "http: the answer of %s is larger than accepted",
                           host);
    return classify(c, rc, (unsigned)http, host, err);
}

enum lac_status lac_http_get(struct lac_http_client *c, const char *url, struct lac_buf *into,
                             unsigned *status, struct lac_err *err)
{
    return lac_http_client_send(
        c, &(struct lac_http_call){.url = url, .into = into, .status = status}, err);
}

enum lac_status lac_http_post(struct lac_http_client *c, const char *url, const char *content_type,
                              struct lac_str body, struct lac_buf *into, unsigned *status,
                              struct lac_err *err)
{
    char line[256];
    snprintf(line, sizeof line, "Content-Type: %s", content_type);
    const char *headers[] = {line};
    if (!body.ptr)
        body = LAC_STR("");
    return lac_http_client_send(c,
                                &(struct lac_http_call){.url = url,
                                                        .headers = headers,
                                                        .header_count = 1,
                                                        .body = body,
                                                        .into = into,
                                                        .status = status},
                                err);
}
