/* SPDX-License-Identifier: Apache-2.0 */
/* lac_bridge_impl - what the bridge's files share. Thread: the loop's. */
#ifndef LAC_BRIDGE_IMPL_H
#define LAC_BRIDGE_IMPL_H

#include "lac_arena.h"
#include "lac_bridge.h"
#include "lac_bridge_body.h"
#include "lac_bridge_idem.h"
#include "lac_bridge_ids.h"
#include "lac_bridge_lookup.h"
#include "lac_bridge_scan.h"
#include "lac_bridge_slots.h"
#include "lac_buf.h"
#include "lac_http_problem.h"
#include "lac_wire.h"

#define LAC_BRIDGE_TENANT "default" /* until keys belong to tenants */

enum {
    LAC_BRIDGE_BATCH_BYTES = 64 * 1024 * 1024, /* of one batch's answer */
    LAC_BRIDGE_ROUTES_MAX = 24,
    LAC_BRIDGE_NO_IDEM = UINT32_MAX,
    LAC_BRIDGE_REPLY_ARENA = 4 * 1024 * 1024,
};

enum lac_bridge_outcome {
    LAC_BRIDGE_WAITING,
    LAC_BRIDGE_PROVISIONAL, /* has a decision, and a later revision may come */
    LAC_BRIDGE_DECIDED,
    LAC_BRIDGE_FAILED, /* status says how; the text is a problem */
};

/* One text on its way. */
struct lac_bridge_part {
    uint64_t ref; /* its slot; 0: none */
    enum lac_bridge_outcome outcome;
    unsigned status; /* HTTP's, for FAILED */
    size_t at, len;  /* its JSON in the job's text */
    bool placed;     /* acknowledged: partition and offset are known */
    int32_t partition;
    int64_t offset;
    char request_id[LAC_BRIDGE_REQUEST_ID_MAX + 1];
};

/* One HTTP request with one text, or with a batch of them. */
struct lac_bridge_job {
    struct lac_bridge *bridge;
    struct lac_http_request *request; /* NULL: the client has gone */
    bool batch;
    uint32_t count, waiting; /* parts; those without a last word, plus one while they are sent */
    uint32_t idem;           /* LAC_BRIDGE_NO_IDEM: no key */
    uint64_t begun_ns;       /* when its request had arrived, by the clock that never steps */
    int64_t wall_ms;         /* when it was made; the timestamp of its records */
    struct lac_buf text;     /* JSON of the parts */
    struct lac_bridge_job *next; /* free list of jobs with one part */
    char traceparent[LAC_TRACE_SIZE];
    struct lac_bridge_part parts[];
};

struct lac_bridge_metrics {
    struct lac_counter *answers[LAC_BRIDGE_ROUTES_MAX + 1][500]; /* made when first needed */
    struct lac_histogram *seconds[LAC_BRIDGE_ROUTES_MAX + 1];
    struct lac_counter *refusals[LAC_HTTP_REFUSAL_COUNT];
    struct lac_gauge *in_flight, *connections;
    struct lac_counter *deadline, *overload, *undelivered, *late, *foreign, *bad, *provisional;
    struct lac_counter *replayed;
};

struct lac_bridge {
    struct lac_bridge_options options;
    struct lac_http_server *server;
    struct lac_bridge_slots *slots;
    struct lac_bridge_idem *idem;
    struct lac_bridge_ids ids;
    struct lac_wire *wire;
    struct lac_arena arena; /* of the request or reply at hand */
    struct lac_buf scratch; /* the answer at hand */
    struct lac_bridge_job *free_jobs;
    struct lac_bridge_metrics m;
};

/* lac_bridge_job.c */
void lac_bridge_classify(void *ctx, struct lac_http_request *r);
void lac_bridge_classify_batch(void *ctx, struct lac_http_request *r);
void lac_bridge_expire(struct lac_bridge *b, uint64_t now_ms);
void lac_bridge_jobs_deinit(struct lac_bridge *b);

/* lac_bridge_answer.c: ends a job whose parts all have their last word, and frees it. */
void lac_bridge_finish(struct lac_bridge_job *job);
void lac_bridge_part_fail(struct lac_bridge_job *job, uint32_t index, unsigned status,
                          const char *type, const char *detail);
bool lac_bridge_part_decide(struct lac_bridge_job *job, uint32_t index,
                            const struct lac_decision *decision);
void lac_bridge_job_free(struct lac_bridge_job *job);
struct lac_bridge_job *lac_bridge_job_new(struct lac_bridge *b, struct lac_http_request *r,
                                          uint32_t count, bool batch);

/* lac_bridge_routes.c */
extern const struct lac_http_route lac_bridge_routes[];
extern const size_t lac_bridge_route_count;
bool lac_bridge_allowed(struct lac_bridge *b, struct lac_http_request *r);

/* lac_bridge_metrics.c */
void lac_bridge_metrics_init(struct lac_bridge *b);
void lac_bridge_metrics_answered(void *ctx, const struct lac_http_route *route, unsigned status,
                                 uint64_t latency_us);
void lac_bridge_metrics_refused(void *ctx, enum lac_http_refusal why);

#endif
