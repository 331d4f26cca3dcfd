/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that can be sent again with other words. Making the library's response and its headers
 * anew takes some twenty allocations; most answers differ in their body only.
 */
#include <stdlib.h>
#include <string.h>

#include "lac_http_internal.h"

enum {
    BODY_MAX = 4096, /* larger answers are rare, and what makes them is not the headers */
    FREE_MAX = 512,  /* that rest, of all sizes */
};

struct lac_http_form {
    struct MHD_Response *response; /* owned; reads `body` */
    struct lac_http_form *next;    /* in its shelf */
    size_t size;
    char body[];
};

static struct lac_http_form **shelf(struct lac_http_server *s, size_t size)
{
    return &s->forms[size % LAC_HTTP_FORM_SHELVES];
}

static void discard(struct lac_http_form *f)
{
    if (f->response)
        MHD_destroy_response(f->response);
    free(f);
}

static struct lac_http_form *make(const struct lac_http_server *s, struct lac_str body)
{
    struct lac_http_form *f = malloc(sizeof *f + body.len);
    if (!f)
        return NULL;
    f->size = body.len;
    f->response = lac_http_response_of(s, &(struct lac_http_answer){.body = {f->body, body.len}},
                                       MHD_RESPMEM_PERSISTENT);
    if (f->response)
        return f;
    discard(f);
    return NULL;
}

/* Sizes that nobody has any more must not take the room of those that are asked for. */
static void forget_one(struct lac_http_server *s)
{
    for (size_t i = 0; s->forms_free >= FREE_MAX && i < LAC_HTTP_FORM_SHELVES; i++) {
        struct lac_http_form **head = &s->forms[s->forms_next++ % LAC_HTTP_FORM_SHELVES];
        struct lac_http_form *f = *head;
        if (!f)
            continue;
        *head = f->next;
        s->forms_free--;
        discard(f);
    }
}

struct lac_http_form *lac_http_form_take(struct lac_http_server *s, const struct lac_http_answer *a)
{
    bool plain = !a->content_type && !a->header_count && !a->content_security_policy &&
                 !a->cacheable && a->body.len <= BODY_MAX;
    /* From quiesce on each answer says that it is its connection's last. */
    if (!plain || atomic_load_explicit(&s->quiesce_wanted, memory_order_relaxed))
        return NULL;
    struct lac_http_form **at = shelf(s, a->body.len), *f;
    while ((f = *at) && f->size != a->body.len)
        at = &f->next;
    if (f) {
        *at = f->next;
        s->forms_free--;
    } else {
        forget_one(s);
        f = make(s, a->body);
    }
    if (f && a->body.len)
        memcpy(f->body, a->body.ptr, a->body.len);
    return f;
}

struct MHD_Response *lac_http_form_response(const struct lac_http_form *f)
{
    return f->response;
}

void lac_http_form_give(struct lac_http_server *s, struct lac_http_form *f)
{
    if (s->forms_free >= FREE_MAX) {
        discard(f);
        return;
    }
    struct lac_http_form **head = shelf(s, f->size);
    f->next = *head;
    *head = f;
    s->forms_free++;
}

void lac_http_forms_deinit(struct lac_http_server *s)
{
    for (size_t i = 0; i < LAC_HTTP_FORM_SHELVES; i++) {
        struct lac_http_form *f;
        while ((f = s->forms[i])) {
            s->forms[i] = f->next;
            discard(f);
        }
    }
    s->forms_free = 0;
}
