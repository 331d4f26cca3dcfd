/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, and what their clients get to read. */
#include <stdlib.h>
#include <string.h>

#include "lac_answer.h"
#include "lac_assert.h"
#include "lac_bridge_impl.h"
#include "lac_clock.h"

enum { SMALL_TEXT = 64 * 1024 }; /* a job keeps a buffer up to this size for its next request */

struct lac_bridge_job *lac_bridge_job_new(struct lac_bridge *b, struct lac_http_request *r,
                                          uint32_t count, bool batch)
{
    struct lac_bridge_job *job = !batch ? b->free_jobs : NULL;
    if (job) {
        struct lac_buf text = job->text;
        b->free_jobs = job->next;
        *job = (struct lac_bridge_job){.text = text};
        job->parts[0] = (struct lac_bridge_part){0};
        lac_buf_reset(&job->text);
    } else {
        job = calloc(1, sizeof *job + count * sizeof job->parts[0]);
        if (!job)
            return NULL;
        lac_buf_init(&job->text, LAC_BRIDGE_BATCH_BYTES);
    }
    job->bridge = b;
    job->request = r;
    job->count = count;
    job->batch = batch;
    job->idem = LAC_BRIDGE_NO_IDEM;
    job->wall_ms = lac_clock_wall_ms();
    return job;
}

void lac_bridge_job_free(struct lac_bridge_job *job)
{
    struct lac_bridge *b = job->bridge;
    if (job->batch || job->text.capacity > SMALL_TEXT) {
        lac_buf_deinit(&job->text);
        free(job);
        return;
    }
    job->next = b->free_jobs;
    b->free_jobs = job;
}

void lac_bridge_jobs_deinit(struct lac_bridge *b)
{
    struct lac_bridge_job *job;
    while ((job = b->free_jobs)) {
        b->free_jobs = job->next;
        lac_buf_deinit(&job->text);
        free(job);
    }
}

/* "?request_id=…" for a request id that may hold any printable character. */
static void put_lookup(struct lac_buf *out, const char *request_id)
{
    static const char hex[] = "0123456789ABCDEF";
    lac_buf_put_text(out, "/api/v1/decisions?request_id=");
    for (const char *c = request_id; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || strchr("-._~", *c);
        if (plain) {
            lac_buf_put_char(out, *c);
            continue;
        }
        lac_buf_put_char(out, '%');
        lac_buf_put_char(out, hex[(unsigned char)*c >> 4]);
        lac_buf_put_char(out, hex[*c & 15]);
    }
}

void lac_bridge_part_fail(struct lac_bridge_job *job, uint32_t index, unsigned status,
                          const char *type, const char *detail)
{
    struct lac_bridge_part *p = &job->parts[index];
    const struct lac_bridge_link *link = &job->bridge->options.link;
    struct lac_http_member members[2] = {{"request_id", lac_str_from(p->request_id), false}};
    size_t count = 1;
    char event[LAC_EVENT_ID_TEXT_SIZE], memory[512];
    struct lac_buf instance;
    lac_buf_init_fixed(&instance, memory, sizeof memory);
    put_lookup(&instance, p->request_id);
    if (p->placed) {
        struct lac_event_id id;
        link->event_id(link->ctx, p->partition, p->offset, job->wall_ms, &id);
        lac_event_id_format(event, &id);
        members[count++] = (struct lac_http_member){"event_id", lac_str_from(event), false};
    }
    p->outcome = LAC_BRIDGE_FAILED;
    p->status = status;
    p->at = job->text.len;
    if (job->batch)
        lac_buf_put_text(&job->text, "{\"error\":");
    lac_http_problem_write(&job->text,
                           &(struct lac_http_problem){
                               .status = status,
                               .type = type,
                               .detail = detail,
                               .instance = status == 422 ? LAC_STR_NULL : lac_buf_str(&instance),
                               .members = members,
                               .member_count = count});
    if (job->batch)
        lac_buf_put_char(&job->text, '}');
    p->len = job->text.len - p->at;
}

bool lac_bridge_part_decide(struct lac_bridge_job *job, uint32_t index,
                            const struct lac_decision *decision)
{
    struct lac_bridge *b = job->bridge;
    struct lac_bridge_part *p = &job->parts[index];
    struct lac_decision_core core;
    struct lac_json_writer w;
    if (lac_decision_core_decode(&core, decision->core, &b->arena, NULL) != LAC_OK)
        return false;
    size_t before = job->text.len;
    struct lac_answer answer = {.decision = decision,
                                .core = &core,
                                .latency_us = (lac_clock_mono_ns() - job->begun_ns) / 1000};
    lac_json_begin(&w, &job->text);
    lac_answer_json(&w, &answer);
    if (!lac_json_done(&w)) {
        job->text.len = before;
        job->text.failed = false;
        return false;
    }
    p->at = before;
    p->len = job->text.len - before;
    p->outcome = decision->final ? LAC_BRIDGE_DECIDED : LAC_BRIDGE_PROVISIONAL;
    return true;
}

static void write_batch(struct lac_bridge_job *job, struct lac_buf *out)
{
    struct lac_json_writer w;
    uint64_t us = (lac_clock_mono_ns() - job->begun_ns) / 1000;
    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "results");
    lac_json_open_array(&w);
    for (uint32_t i = 0; i < job->count; i++) {
        const struct lac_bridge_part *p = &job->parts[i];
        lac_json_put_raw(&w, (struct lac_str){job->text.ptr + p->at, p->len});
    }
    lac_json_close_array(&w);
    lac_json_key(&w, "total_latency_ms");
    lac_json_put_real(&w, (double)us / 1000.0);
    lac_json_close_object(&w);
}

/* Worth remembering: the same key must not be told "too late" for ten minutes. */
static bool lasting(const struct lac_bridge_job *job)
{
    for (uint32_t i = 0; i < job->count; i++) {
        const struct lac_bridge_part *p = &job->parts[i];
        if (p->outcome == LAC_BRIDGE_FAILED && p->status >= 500)
            return false;
    }
    return true;
}

static void answer(struct lac_bridge_job *job, unsigned status, struct lac_str body)
{
    static const struct lac_http_header retry = {"Retry-After", "1"};
    bool problem = status >= 400;
    if (!job->request)
        return;
    lac_http_answer(job->request, &(struct lac_http_answer){
                                      .status = status,
                                      .content_type = problem ? "application/problem+json" : NULL,
                                      .body = body,
                                      .headers = &retry,
                                      .header_count = status == 503 ? 1 : 0});
}

void lac_bridge_finish(struct lac_bridge_job *job)
{
    struct lac_bridge *b = job->bridge;
    struct lac_str body;
    unsigned status = 200;
    if (job->batch) {
        lac_buf_reset(&b->scratch);
        write_batch(job, &b->scratch);
        body = lac_buf_str(&b->scratch);
    } else {
        const struct lac_bridge_part *p = &job->parts[0];
        if (p->outcome == LAC_BRIDGE_FAILED)
            status = p->status;
        body = (struct lac_str){job->text.ptr + p->at, p->len};
    }
    bool ok = lac_buf_ok(&job->text) && lac_buf_ok(&b->scratch);
    if (!ok) {
        status = 500;
        body = LAC_STR("{\"type\":\"urn:lacuna:problem:answer-too-large\","
                       "\"title\":\"Internal Server Error\",\"status\":500,"
                       "\"detail\":\"The answer is larger than this server makes.\"}");
    }
    answer(job, status, body);
    if (job->idem != LAC_BRIDGE_NO_IDEM) {
        if (status == 200 && lasting(job))
            lac_bridge_idem_store(b->idem, job->idem, body, lac_clock_mono_ms());
        else
            lac_bridge_idem_drop(b->idem, job->idem);
    }
    lac_bridge_job_free(job);
}
