/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_http_problem.h"

#include <stdio.h>

#include "lac_json.h"

enum { PROBLEM_LIMIT = 256 * 1024 };

void lac_http_problem_write(struct lac_buf *out, const struct lac_http_problem *p)
{
    struct lac_json_writer w;
    char type[128] = "about:blank";
    if (p->type)
        snprintf(type, sizeof type, "urn:lacuna:problem:%s", p->type);
    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "type");
    lac_json_put_text(&w, type);
    lac_json_key(&w, "title");
    lac_json_put_text(&w, p->title ? p->title : lac_http_reason(p->status));
    lac_json_key(&w, "status");
    lac_json_put_uint(&w, p->status);
    if (p->detail) {
        lac_json_key(&w, "detail");
        lac_json_put_text(&w, p->detail);
    }
    if (p->instance.ptr) {
        lac_json_key(&w, "instance");
        lac_json_put_str(&w, p->instance);
    }
    for (size_t i = 0; i < p->member_count; i++) {
        lac_json_key(&w, p->members[i].name);
        if (p->members[i].is_raw)
            lac_json_put_raw(&w, p->members[i].value);
        else
            lac_json_put_str(&w, p->members[i].value);
    }
    lac_json_close_object(&w);
}

void lac_http_answer_problem(struct lac_http_request *r, const struct lac_http_problem *p,
                             const struct lac_http_header *headers, size_t header_count)
{
    struct lac_buf body;
    lac_buf_init(&body, PROBLEM_LIMIT);
    lac_http_problem_write(&body, p);
    lac_http_answer(r, &(struct lac_http_answer){
                           .status = p->status,
                           .content_type = "application/problem+json",
                           .body = lac_buf_ok(&body) ? lac_buf_str(&body) : LAC_STR("{}"),
                           .headers = headers,
                           .header_count = header_count,
                       });
    lac_buf_deinit(&body);
}

void lac_http_refuse(struct lac_http_request *r, unsigned status, const char *type,
                     const char *detail)
{
    lac_http_answer_problem(
        r, &(struct lac_http_problem){.status = status, .type = type, .detail = detail}, NULL, 0);
}
