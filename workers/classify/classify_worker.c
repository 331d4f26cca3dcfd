/* SPDX-License-Identifier: Apache-2.0 */
#include "classify_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_env.h"
#include "lac_kafka_admin.h"
#include "lac_lane_kafka.h"
#include "lac_log.h"
#include "lac_registry.h"

enum {
    NAME_SIZE = 320,
    CLUSTER_WAIT_MS = 3000,
    PACKS_WAIT_MS = 3000,   /* at a time, and then a line in the log */
    STOP_LOOK_MS = 100,     /* between two looks, while it waits, whether it is stopped */
    INTERACTIVE_BATCH = 64, /* messages: one slow text delays at most so many others */
    /* Replies do not linger. The rest travels with the commit, one request for each topic; a
     * producer that has nothing to send in between does not look for room while a broker is slow
     * (lac_bridge_kafka.c). So this is longer than commits are apart, unless they are far apart. */
    INTERACTIVE_LINGER_MS = 200,
    RECORDS_PER_REQUEST = 4, /* routing, lineage, escalation, dead letter */
};

struct classify_worker {
    struct classify_program *program;
    char name[NAME_SIZE]; /* <group>-<instance>-<index>: also the transactional id */
    char input[LAC_TOPIC_NAME_SIZE];
    char fuse[NAME_SIZE + 4096];
    struct lac_registry *registry;
    struct lac_schema_source schemas;
    bool registered;
    bool understands; /* tier 2 was there, or is not required: from then on decisions tell */
    struct lac_classify_lane *stage;
    struct lac_lane_kafka *kafka;
    struct lac_output_kafka output;
    struct lac_lane *lane;
};

/* ---- what needs the network before the first record ---- */

/* Without a configured origin the cluster's own id is the identity of the log. */
static enum lac_status find_origin(struct classify_program *p, struct lac_err *err)
{
    char id[LAC_KAFKA_CLUSTER_ID_SIZE];
    struct lac_kafka_admin *admin = NULL;
    enum lac_status status = LAC_OK;

    (void)pthread_mutex_lock(&p->origin_lock);
    if (!p->shared.origin.len) {
        status = lac_kafka_admin_open(&admin, &p->kafka, err);
        if (status == LAC_OK)
            status = lac_kafka_admin_cluster_id(admin, CLUSTER_WAIT_MS, id, err);
        if (status == LAC_OK) {
            (void)snprintf(p->origin, sizeof(p->origin), "%s", id);
            p->shared.origin = lac_str_from(p->origin);
            lac_log(LAC_LOG_INFO, "origin_found", "origin=%s", p->origin);
        }
        lac_kafka_admin_close(admin);
    }
    (void)pthread_mutex_unlock(&p->origin_lock);
    return status;
}

static enum lac_status register_one(struct classify_worker *w, enum lac_classify_topic topic,
                                    const struct lac_record_type *type, struct lac_err *err)
{
    char subject[LAC_TOPIC_NAME_SIZE + 8];
    uint32_t id = 0;
    enum lac_status status;

    (void)snprintf(subject, sizeof(subject), "%s-value", w->program->shared.topics[topic]);
    status = lac_registry_register(w->registry, lac_str_from(subject), lac_str_from(type->schema),
                                   &id, err);
    if (status == LAC_REJECT)
        return LAC_FATAL; /* incompatible with what consumers were promised: a person's matter */
    if (status == LAC_OK)
        lac_wire_set_id(lac_classify_lane_wire(w->stage), type, id);
    return status;
}

static bool await_packs(struct classify_program *p)
{
    uint64_t end = lac_clock_mono_ms() + PACKS_WAIT_MS;
    bool ready = lac_control_follower_ready(p->follower, STOP_LOOK_MS);

    while (!ready && !lac_runtime_stopping(p->rt) && lac_clock_mono_ms() < end)
        ready = lac_control_follower_ready(p->follower, STOP_LOOK_MS);
    return ready;
}

static enum lac_status prepare(void *ctx, struct lac_err *err)
{
    struct classify_worker *w = ctx;
    enum lac_status status = find_origin(w->program, err);

    if (status == LAC_OK && w->registry && !w->registered) {
        status = register_one(w, LAC_CLASSIFY_ROUTING, &lac_routing_type, err);
        if (status == LAC_OK)
            status = register_one(w, LAC_CLASSIFY_LINEAGE, &lac_decision_type, err);
        if (status == LAC_OK)
            status = register_one(w, LAC_CLASSIFY_SHADOW, &lac_shadow_type, err);
        if (status == LAC_OK && w->program->shared.escalate)
            status = register_one(w, LAC_CLASSIFY_ESCALATIONS, &lac_escalation_type, err);
        w->registered = status == LAC_OK;
    }
    if (status == LAC_OK && w->program->follower && !await_packs(w->program))
        status = lac_err_set(err, LAC_RETRY, 0, "the control topic is not read to its end yet");
    if (status == LAC_OK && !w->understands) {
        char why[LAC_ERR_TEXT_SIZE] = "";

        if (w->program->semantic.semantic &&
            !classify_semantic_check(&w->program->semantic, why, sizeof(why)))
            return lac_err_set(err, LAC_RETRY, 0, "classify.semantic is required: %s", why);
        w->understands = true;
    }
    return status;
}

/* ---- parts ---- */

static enum lac_status open_registry(struct classify_worker *w, struct lac_err *err)
{
    const struct lac_conf *c = lac_runtime_conf(w->program->rt);
    const struct lac_registry_options options = lac_registry_options_from_conf(c);
    enum lac_status status;

    if (!lac_conf_is_set(c, "registry.url"))
        return LAC_OK;
    status = lac_registry_open(&w->registry, &options, err);
    if (status == LAC_OK)
        w->schemas = lac_registry_source(w->registry);
    return status;
}

static size_t batch_count(const struct lac_conf *c, bool interactive)
{
    size_t count = lac_conf_number(c, "classify.batch_count");

    return interactive && count > INTERACTIVE_BATCH ? INTERACTIVE_BATCH : count;
}

static struct lac_lane_options lane_options(struct classify_worker *w, bool interactive)
{
    const struct lac_conf *c = lac_runtime_conf(w->program->rt);

    return (struct lac_lane_options){
        .prepare = prepare,
        .prepare_ctx = w,
        .name = w->name,
        .topics = w->program->shared.topics,
        .topic_count = LAC_CLASSIFY_TOPIC_COUNT,
        .deadletter_topic = LAC_CLASSIFY_DEADLETTER,
        .batch_count = batch_count(c, interactive),
        .batch_bytes = lac_conf_number(c, "classify.batch_bytes"),
        .batch_tokens = lac_conf_number(c, "classify.batch_tokens"),
        .batch_age_ms = (uint32_t)lac_conf_number(
            c, interactive ? "classify.interactive_batch_age_ms" : "classify.batch_age_ms"),
        .commit_interval_ms = (uint32_t)lac_conf_number(c, "classify.commit_interval_ms"),
        .records_per_message = RECORDS_PER_REQUEST,
        .replies_early = interactive,
        .fuse_path = w->fuse,
        .metrics = lac_runtime_metrics(w->program->rt),
        .crash_key = lac_env("LACUNA_FAULT_CRASH_KEY"),
    };
}

static enum lac_status open_kafka(struct classify_worker *w, bool interactive, bool transactions,
                                  const char *group, struct lac_err *err)
{
    const struct lac_conf *c = lac_runtime_conf(w->program->rt);
    const char *inputs[] = {w->input};
    const struct lac_lane_kafka_options options = {
        .kafka = &w->program->kafka,
        .group = group,
        .group_instance = lac_conf_bool(c, "kafka.static_membership") ? w->name : NULL,
        .inputs = inputs,
        .input_count = 1,
        .topics = w->program->shared.topics,
        .topic_count = LAC_CLASSIFY_TOPIC_COUNT,
        .transactional_id = transactions ? w->name : NULL,
        .linger_ms = interactive    ? INTERACTIVE_LINGER_MS
                     : transactions ? LAC_LANE_LINGER_TXN_MS
                                    : LAC_LANE_LINGER_MS,
    };

    return lac_lane_kafka_open(&w->kafka, &options, err);
}

static enum lac_status open_lane(struct classify_worker *w, bool interactive, bool transactions,
                                 struct lac_err *err)
{
    const struct lac_lane_options options = lane_options(w, interactive);
    struct lac_lane_io io = lac_lane_kafka_io(w->kafka);
    uint32_t timeout =
        (uint32_t)lac_conf_number(lac_runtime_conf(w->program->rt), "kafka.transaction_timeout_ms");
    struct lac_output output = transactions ? lac_output_kafka_txn(&w->output, io, timeout)
                                            : lac_output_kafka_idempotent(&w->output, io, timeout);
    enum lac_status status =
        lac_lane_open(&w->lane, &options, io, output, lac_classify_stage(w->stage), err);

    if (status != LAC_OK)
        return status;
    w->output.lane = w->lane;
    lac_lane_kafka_bind(w->kafka, w->lane);
    lac_runtime_add_lane(w->program->rt, w->lane, lac_lane_kafka_leave, w->kafka);
    return LAC_OK;
}

/* ---- life ---- */

static enum lac_status assemble(struct classify_worker *w, bool interactive, size_t index,
                                struct lac_err *err)
{
    struct classify_program *p = w->program;
    const struct lac_conf *c = lac_runtime_conf(p->rt);
    enum lac_topic_id input = interactive ? LAC_TOPIC_REQUESTS_INTERACTIVE : LAC_TOPIC_REQUESTS;
    char group[LAC_TOPIC_NAME_SIZE];
    bool transactions =
        !interactive && strcmp(lac_conf_text(c, "classify.delivery"), "exactly-once") == 0;
    struct lac_classify_lane_options stage = {
        .shared = &p->shared,
        .engine = p->engine,
        .input = input,
        .batch_count = batch_count(c, interactive),
    };
    enum lac_status status;

    stage.engine.interactive = interactive;
    if (!lac_topic_full_name(w->input, p->shared.topic_prefix, input) ||
        !lac_topic_group(group, p->shared.topic_prefix, input))
        return lac_err_set(err, LAC_FATAL, 0, "kafka.topic_prefix makes no legal topic name");
    (void)snprintf(w->name, sizeof(w->name), "%s-%s-%zu", group, lac_runtime_instance(p->rt),
                   index);
    (void)snprintf(w->fuse, sizeof(w->fuse), "%s/%s.fuse", lac_runtime_state_dir(p->rt), w->name);
    status = open_registry(w, err);
    if (status == LAC_OK) {
        stage.schemas = w->registry ? &w->schemas : NULL;
        status = lac_classify_lane_open(&w->stage, &stage, err);
    }
    if (status == LAC_OK)
        status = open_kafka(w, interactive, transactions, group, err);
    if (status == LAC_OK)
        status = open_lane(w, interactive, transactions, err);
    return status;
}

enum lac_status classify_worker_open(struct classify_worker **out, struct classify_program *p,
                                     bool interactive, size_t index, struct lac_err *err)
{
    struct classify_worker *w = calloc(1, sizeof(*w));
    enum lac_status status;

    if (!w)
        return lac_err_set(err, LAC_FATAL, 0, "out of memory");
    w->program = p;
    status = assemble(w, interactive, index, err);
    if (status != LAC_OK) {
        classify_worker_close(w);
        return status;
    }
    *out = w;
    return LAC_OK;
}

void classify_worker_close(struct classify_worker *w)
{
    if (!w)
        return;
    if (w->kafka)
        lac_lane_kafka_leave(w->kafka); /* the lane hears of it, so it goes first */
    lac_lane_close(w->lane);
    lac_lane_kafka_close(w->kafka);
    lac_classify_lane_close(w->stage);
    lac_registry_close(w->registry);
    free(w);
}
