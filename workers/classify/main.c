/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lacuna-classify - decides how sensitive each request is
 *
 *   requests              -> N lanes, exactly-once ----+-> routing, lineage, deadletter
 *   requests.interactive  -> M lanes, at-least-once ---+-> the same, and replies
 *
 * Each lane: read (bytes -> request) -> decide (engine) -> emit (records), see lac_classify.h.
 * Shared between lanes: this program's names, the packs in force, which one thread keeps up to date
 * from the control topic (lac_control_follower.h), and tier 2's models (classify_semantic.h).
 */
#include "classify_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_control_conf.h"
#include "lac_digest.h"
#include "lac_file.h"
#include "lac_log.h"
#include "lac_pack.h"

enum { LANES_MAX = 64 };

struct program {
    struct classify_program common;
    struct lac_pack *pack; /* of the configuration; the follower's, where there is one */
    struct lac_control_settings control;
    struct lac_buf key;
    struct classify_worker *workers[LANES_MAX];
    size_t worker_count;
};

static enum lac_strategy strategy_of(const struct lac_conf *c)
{
    const char *name = lac_conf_text(c, "classification.strategy");

    if (strcmp(name, "aggressive") == 0)
        return LAC_STRATEGY_AGGRESSIVE;
    return strcmp(name, "balanced") == 0 ? LAC_STRATEGY_BALANCED : LAC_STRATEGY_CONSERVATIVE;
}

static enum lac_status read_policy(struct program *p, const struct lac_conf *c, struct lac_err *err)
{
    enum lac_status status = lac_pack_open(&p->pack, lac_conf_text(c, "pack.path"), err);

    lac_buf_init(&p->key, CLASSIFY_KEY_MAX);
    if (status == LAC_OK)
        status = lac_file_read(lac_conf_text(c, "commitment.key_file"), &p->key, err);
    if (status == LAC_OK && p->key.len < LAC_ENGINE_COMMITMENT_FILE_MIN)
        status = lac_err_set(err, LAC_FATAL, 0,
                             "commitment.key_file: %s has %zu bytes, at least %d are needed; "
                             "`head -c 32 /dev/urandom` makes them",
                             lac_conf_text(c, "commitment.key_file"), p->key.len,
                             LAC_ENGINE_COMMITMENT_FILE_MIN);
    if (status != LAC_OK)
        return status;
    p->common.engine = (struct lac_engine_options){
        .strategy = strategy_of(c),
        .commitment_key = lac_buf_str(&p->key),
        .commitment_key_id = lac_str_from(lac_conf_text(c, "commitment.key_id")),
    };
    return LAC_OK;
}

static bool packs_ok(void *ctx, char *why, size_t size)
{
    if (lac_control_follower_ready(ctx, 0))
        return true;
    (void)snprintf(why, size, "the control topic is not read to its end yet");
    return false;
}

/* Tier 2, made ready for the configured pack. */
static enum lac_status open_semantic(struct program *p, const struct lac_conf *c,
                                     struct lac_err *err)
{
    struct classify_program *common = &p->common;
    struct classify_semantic *s = &common->semantic;
    char why[LAC_ERR_TEXT_SIZE] = "";
    enum lac_status status = classify_semantic_open(s, c, lac_runtime_metrics(common->rt), err);

    if (status != LAC_OK || !s->semantic)
        return status;
    common->engine.semantic = s->semantic;
    lac_runtime_add_check(common->rt, "semantic", classify_semantic_check, s);
    classify_semantic_prepare(s, p->pack, true);
    /* What is pushed later may have what this pack lacks: then lanes wait for it. */
    if (!lac_conf_bool(c, "pack.follow") && !classify_semantic_check(s, why, sizeof(why)))
        return lac_err_set(err, LAC_FATAL, 0, "classify.semantic is required: %s", why);
    return LAC_OK;
}

static enum lac_status open_follower(struct program *p, const struct lac_conf *c,
                                     struct lac_err *err)
{
    struct classify_program *common = &p->common;
    struct lac_pack *fallback = p->pack;
    enum lac_status status;

    if (!lac_conf_bool(c, "pack.follow"))
        return LAC_OK;
    status = lac_control_settings_read(&p->control, c, lac_runtime_state_dir(common->rt), err);
    if (status != LAC_OK)
        return status;
    p->control.options.kafka = &common->kafka;
    p->control.options.metrics = lac_runtime_metrics(common->rt);
    p->control.options.prepare = classify_semantic_prepare;
    p->control.options.prepare_ctx = &common->semantic;
    p->pack = NULL;
    status = lac_control_follower_open(&common->follower, &p->control.options, fallback, err);
    if (status != LAC_OK)
        return status;
    common->shared.packs = lac_control_follower_packs(common->follower);
    lac_runtime_add_check(common->rt, "packs", packs_ok, common->follower);
    return LAC_OK;
}

static enum lac_status open_shared(struct program *p, struct lac_err *err)
{
    struct classify_program *common = &p->common;
    const struct lac_conf *c = lac_runtime_conf(common->rt);
    enum lac_status status;

    lac_runtime_kafka(common->rt, &common->kafka);
    status = lac_kafka_options_check(&common->kafka, err);
    if (status == LAC_OK)
        status = read_policy(p, c, err);
    if (status == LAC_OK)
        status = open_semantic(p, c, err);
    if (status != LAC_OK)
        return status;
    common->shared = (struct lac_classify){
        .pack = p->pack,
        .origin = lac_str_from(lac_conf_text(c, "kafka.origin")),
        .instance = lac_str_from(lac_runtime_instance(common->rt)),
        .version = lac_str_from(lac_runtime_version()),
        .topic_prefix = lac_conf_text(c, "kafka.topic_prefix"),
        .escalate = lac_conf_bool(c, "classify.escalate"),
        .metrics = lac_runtime_metrics(common->rt),
    };
    status = lac_classify_init(&common->shared, err);
    return status == LAC_OK ? open_follower(p, c, err) : status;
}

static enum lac_status open_workers(struct program *p, bool interactive, uint64_t count,
                                    struct lac_err *err)
{
    for (size_t i = 0; i < count; i++) {
        enum lac_status status;

        if (p->worker_count == LANES_MAX)
            return lac_err_set(err, LAC_FATAL, 0, "more than %d lanes", LANES_MAX);
        status =
            classify_worker_open(&p->workers[p->worker_count], &p->common, interactive, i, err);
        if (status != LAC_OK)
            return status;
        p->worker_count++;
    }
    return LAC_OK;
}

static enum lac_status open_all(struct program *p, struct lac_err *err)
{
    const struct lac_conf *c = lac_runtime_conf(p->common.rt);
    enum lac_status status = open_shared(p, err);

    if (status == LAC_OK)
        status = open_workers(p, false, lac_conf_number(c, "classify.lanes"), err);
    if (status == LAC_OK)
        status = open_workers(p, true, lac_conf_number(c, "classify.interactive_lanes"), err);
    if (status == LAC_OK && !p->worker_count)
        status = lac_err_set(err, LAC_FATAL, 0,
                             "classify.lanes and classify.interactive_lanes are both 0");
    return status;
}

static void close_all(struct program *p)
{
    for (size_t i = 0; i < p->worker_count; i++)
        classify_worker_close(p->workers[i]);
    lac_control_follower_close(p->common.follower); /* after those who hold its packs */
    lac_pack_close(p->pack);
    classify_semantic_close(&p->common.semantic);
    if (p->key.ptr)
        lac_digest_wipe(p->key.ptr, p->key.len);
    lac_buf_deinit(&p->key);
}

int main(int argc, char **argv)
{
    static const struct lac_runtime_program self = {
        .name = "lacuna-classify",
        .id = LAC_CONF_CLASSIFY,
        .summary = "decides how sensitive each request is, and where it may go",
    };
    struct program p = {.common = {.origin_lock = PTHREAD_MUTEX_INITIALIZER}};
    struct lac_err err;
    enum lac_status status = lac_runtime_open(&p.common.rt, &self, argc, argv, &err);
    int code = EXIT_FAILURE;

    if (status != LAC_OK)
        return status == LAC_AGAIN ? EXIT_SUCCESS : EXIT_FAILURE;
    status = open_all(&p, &err);
    if (status == LAC_OK)
        code = lac_runtime_run(p.common.rt, &err);
    else
        lac_log_err(LAC_LOG_ERROR, "start_refused", &err);
    close_all(&p);
    lac_runtime_close(p.common.rt);
    return code;
}
