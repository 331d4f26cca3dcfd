/* SPDX-License-Identifier: Apache-2.0 */
#include "lane_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "lac_log.h"
#include "lac_test.h"

/* ---- the lane's world ---- */

static uint64_t now_ms(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
    ((struct fixture *)ctx)->now_ms += ms;
}

bool fixture_assign(struct fixture *f)
{
    struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    if (f->assigned)
        return true;
    f->assigned = true;
    f->broke = false;
    lac_lane_assigned(f->lane, &p, 1);
    return !f->broke;
}

enum lac_status fixture_poll(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                             struct lac_err *err)
{
    struct fixture *f = ctx;

    (void)err;
    if (!fixture_assign(f))
        return LAC_AGAIN;
    if (f->durable == f->count)
        lac_lane_stop(f->lane);
    f->now_ms += timeout_ms;
    if (f->next == f->count)
        return LAC_AGAIN;
    *msg = (struct lac_kafka_msg){
        .topic = "in",
        .offset = f->next++,
        .timestamp = 1,
        .key = LAC_STR("key"),
        .value = LAC_STR("value"),
    };
    return LAC_OK;
}

static void poll_break(void *ctx)
{
    ((struct fixture *)ctx)->broke = true;
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *err)
{
    (void)err;
    LAC_TEST_EQ(n, 1);
    ((struct fixture *)ctx)->next = p[0].offset;
    return LAC_OK;
}

static enum lac_status committed(void *ctx, struct lac_kafka_position *p, size_t n,
                                 struct lac_err *err)
{
    (void)err;
    LAC_TEST_EQ(n, 1);
    p[0].offset = ((struct fixture *)ctx)->durable;
    return LAC_OK;
}

/* What others see of a position that the output keeps: nobody looks. */
static enum lac_status copy(void *ctx, const struct lac_kafka_position *p, size_t n, bool wait,
                            struct lac_err *err)
{
    (void)ctx, (void)p, (void)n, (void)wait, (void)err;
    return LAC_OK;
}

static bool watermarks(void *ctx, const char *topic, int32_t partition, int64_t *low, int64_t *high)
{
    (void)topic, (void)partition;
    *low = 0;
    *high = ((struct fixture *)ctx)->count;
    return true;
}

static size_t record_limit(void *ctx)
{
    (void)ctx;
    return 1 << 20;
}

static size_t none_failed(void *ctx, struct lac_err *err)
{
    (void)ctx, (void)err;
    return 0;
}

/* ---- the output and the stage ---- */

static enum lac_status done(void *ctx, struct lac_err *err)
{
    (void)ctx, (void)err;
    return LAC_OK;
}

static enum lac_status pass(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    (void)ctx, (void)b, (void)err;
    return LAC_OK;
}

static void close_output(void *ctx)
{
    (void)ctx;
}

/* ---- the lane ---- */

void fixture_set_up(struct fixture *f)
{
    static const char *const topics[] = {"none", [FIXTURE_OUT] = "out", [FIXTURE_DEAD] = "dead"};

    f->now_ms = 1;
    f->options = (struct lac_lane_options){
        .name = "lane",
        .topics = topics,
        .topic_count = LAC_COUNT(topics),
        .deadletter_topic = FIXTURE_DEAD,
        .batch_count = FIXTURE_BATCH,
        .batch_bytes = 1 << 16,
        .commit_interval_ms = 100,
        .metrics = f->metrics,
    };
    f->io = (struct lac_lane_io_ops){
        .now_ms = now_ms,
        .sleep_ms = sleep_ms,
        .poll = fixture_poll,
        .poll_break = poll_break,
        .seek = seek,
        .committed = committed,
        .commit = copy,
        .watermarks = watermarks,
        .record_limit = record_limit,
        .side_failed = none_failed,
    };
    f->output = (struct lac_output_ops){
        .name = "test",
        .carries_records = true,
        .open = done,
        .abort = done,
        .close = close_output,
    };
    f->stage = pass;
}

void fixture_open(struct fixture *f)
{
    struct lac_err err;

    lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
    LAC_TEST_NEED(lac_lane_open(&f->lane, &f->options, (struct lac_lane_io){f, &f->io},
                                (struct lac_output){f, &f->output}, (struct lac_stage){f, f->stage},
                                &err) == LAC_OK);
}

enum lac_status fixture_run(struct fixture *f, struct lac_err *err)
{
    enum lac_status status = lac_lane_run(f->lane, err);

    fixture_close(f);
    return status;
}

void fixture_close(struct fixture *f)
{
    lac_lane_close(f->lane);
    lac_metrics_free(f->metrics);
}

int64_t fixture_shown(const struct fixture *f, const char *series)
{
    const char *found;
    struct lac_buf page;
    int64_t value = FIXTURE_HIDDEN;

    lac_buf_init(&page, 1 << 16);
    lac_metrics_write(f->metrics, &page, LAC_METRICS_PROMETHEUS);
    found = strstr(lac_buf_cstr(&page), series);
    if (found)
        value = strtoll(strchr(found, '}') + 1, NULL, 10);
    lac_buf_deinit(&page);
    return value;
}
