/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a dead letter is the record as it came, and headers that say whence and why; and where
 * that would be too large for the topic, it says what is missing.
 */
#include "lac_lane_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_metrics.h"
#include "lac_test.h"

enum { ARENA_SIZE = 64 << 10 };

static size_t record_limit;

static size_t limit_of(void *io)
{
    (void)io;
    return record_limit;
}

static const struct lac_lane_io_ops ops = {.record_limit = limit_of};

/* As much of a lane as a dead letter sees. */
static struct lac_lane *make_lane(const struct lac_kafka_msg *m, size_t limit)
{
    struct lac_lane *l = calloc(1, sizeof(*l));
    struct lac_err err;

    LAC_TEST_NEED(l);
    record_limit = limit;
    l->io.ops = &ops;
    LAC_TEST_NEED(lac_arena_init(&l->arena, ARENA_SIZE, &err) == LAC_OK);
    LAC_TEST_NEED(lac_batch_init(&l->batch, &l->arena, 1, 4, &err) == LAC_OK);
    lac_batch_open(&l->batch, m, 1);
    lac_batch_reject(&l->batch, 0, "undecodable", "byte 7: a string is cut");
    return l;
}

static void free_lane(struct lac_lane *l)
{
    lac_batch_deinit(&l->batch);
    lac_arena_deinit(&l->arena);
    free(l);
}

static const char *header(const struct lac_kafka_record *r, const char *name)
{
    static char text[256];

    for (size_t i = 0; i < r->header_count; i++)
        if (lac_str_is(r->headers[i].name, name)) {
            (void)snprintf(text, sizeof(text), "%.*s", LAC_STR_FMT(r->headers[i].value));
            return text;
        }
    return "(none)";
}

static void the_record_is_as_it_came(void)
{
    static const struct lac_kafka_header own[] = {
        {LAC_STR("content-type"), LAC_STR("application/json")}, {LAC_STR("null"), {NULL, 0}}};
    const struct lac_kafka_msg m = {.topic = "lacuna.requests",
                                    .partition = 11,
                                    .offset = 1234567890123,
                                    .timestamp = 1700000000000,
                                    .key = {"k\0y", 3},
                                    .value = {"\xff\0\xfe", 3},
                                    ._headers = own,
                                    ._header_count = 2};
    struct lac_lane *l = make_lane(&m, 1 << 20);
    struct lac_kafka_record r;

    LAC_TEST_EQ(lane_dead_letter(l, 0, false, &r), LAC_OK);
    CU_ASSERT(lac_str_eq(r.key, m.key));
    CU_ASSERT(lac_str_eq(r.value, m.value));
    LAC_TEST_EQ(r.timestamp, 0); /* its own: retention would soon take it under the original's */
    LAC_TEST_EQ(r.partition, LAC_KAFKA_ANY_PARTITION);
    LAC_TEST_EQ(r.header_count, 8);
    CU_ASSERT(lac_str_is(r.headers[0].name, "content-type"));
    CU_ASSERT(lac_str_is(r.headers[1].name, "null"));
    CU_ASSERT_PTR_NULL(r.headers[1].value.ptr);
    LAC_TEST_STR(header(&r, "lacuna-dlq-topic"), "lacuna.requests");
    LAC_TEST_STR(header(&r, "lacuna-dlq-partition"), "11");
    LAC_TEST_STR(header(&r, "lacuna-dlq-offset"), "1234567890123");
    LAC_TEST_STR(header(&r, "lacuna-dlq-timestamp"), "1700000000000");
    LAC_TEST_STR(header(&r, "lacuna-dlq-reason"), "undecodable");
    LAC_TEST_STR(header(&r, "lacuna-dlq-detail"), "byte 7: a string is cut");
    LAC_TEST_STR(header(&r, "lacuna-dlq-truncated"), "(none)");
    free_lane(l);
}

static void neither_key_nor_value_stays_so(void)
{
    const struct lac_kafka_msg m = {.topic = "t", .timestamp = -1};
    struct lac_lane *l = make_lane(&m, 1 << 20);
    struct lac_kafka_record r;

    LAC_TEST_EQ(lane_dead_letter(l, 0, false, &r), LAC_OK);
    CU_ASSERT_PTR_NULL(r.key.ptr);
    CU_ASSERT_PTR_NULL(r.value.ptr);
    LAC_TEST_EQ(r.timestamp, 0);
    LAC_TEST_STR(header(&r, "lacuna-dlq-truncated"), "(none)");
    free_lane(l);
}

/* Its headers made it larger than a record may be. */
static void what_does_not_fit_is_left_out_and_named(void)
{
    static const char value[1000], key[600];
    static const struct lac_kafka_header own[] = {{LAC_STR("h"), {value, 900}}};
    const struct lac_kafka_msg m = {.topic = "t",
                                    .key = {key, sizeof(key)},
                                    .value = {value, sizeof(value)},
                                    ._headers = own,
                                    ._header_count = 1};
    static const struct {
        size_t limit;
        bool value, header, key;
    } rows[] = {{4000, true, true, true},
                {2000, false, true, true},
                {1000, false, false, true},
                {500, false, false, false}};

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_lane *l = make_lane(&m, rows[i].limit);
        struct lac_kafka_record r;

        lac_test_row("limit %zu", rows[i].limit);
        LAC_TEST_EQ(lane_dead_letter(l, 0, false, &r), LAC_OK);
        LAC_TEST_EQ(r.value.ptr != NULL, rows[i].value);
        LAC_TEST_EQ(r.key.ptr != NULL, rows[i].key);
        LAC_TEST_EQ(strcmp(header(&r, "h"), "(none)") != 0, rows[i].header);
        LAC_TEST_STR(header(&r, "lacuna-dlq-truncated"), rows[i].value ? "(none)" : "1000");
        LAC_TEST_STR(header(&r, "lacuna-dlq-offset"), "0");
        LAC_TEST_STR(header(&r, "lacuna-dlq-topic"), "t");
        free_lane(l);
    }
}

static void more_headers_than_fit_are_cut_and_said(void)
{
    struct lac_kafka_header own[80];
    struct lac_kafka_msg m = {.topic = "t", .value = LAC_STR("v"), ._headers = own};
    struct lac_kafka_record r;
    struct lac_lane *l;

    for (size_t i = 0; i < LAC_COUNT(own); i++)
        own[i] = (struct lac_kafka_header){LAC_STR("h"), LAC_STR("x")};
    m._header_count = 56;
    l = make_lane(&m, 1 << 20);
    LAC_TEST_EQ(lane_dead_letter(l, 0, false, &r), LAC_OK);
    LAC_TEST_EQ(r.header_count, 62);
    LAC_TEST_STR(header(&r, "lacuna-dlq-truncated"), "(none)");
    free_lane(l);
    m._header_count = 57;
    l = make_lane(&m, 1 << 20);
    LAC_TEST_EQ(lane_dead_letter(l, 0, false, &r), LAC_OK);
    LAC_TEST_EQ(r.header_count, 63);
    LAC_TEST_STR(header(&r, "lacuna-dlq-truncated"), "1");
    CU_ASSERT(lac_str_is(r.value, "v"));
    free_lane(l);
}

static void bare_keeps_all_but_the_value(void)
{
    const struct lac_kafka_msg m = {.topic = "t", .key = LAC_STR("k"), .value = LAC_STR("value")};
    struct lac_lane *l = make_lane(&m, 1 << 20);
    struct lac_kafka_record r;

    LAC_TEST_EQ(lane_dead_letter(l, 0, true, &r), LAC_OK);
    CU_ASSERT_PTR_NULL(r.value.ptr);
    CU_ASSERT(lac_str_is(r.key, "k"));
    LAC_TEST_STR(header(&r, "lacuna-dlq-truncated"), "5");
    free_lane(l);
}

static void a_full_arena_is_told(void)
{
    const struct lac_kafka_msg m = {.topic = "t", .value = LAC_STR("v")};
    struct lac_lane *l = make_lane(&m, 1 << 20);
    struct lac_kafka_record r;
    enum lac_status status = LAC_AGAIN;
    size_t full = 0;

    for (size_t left = 0; status == LAC_AGAIN && left < ARENA_SIZE; left += 16) {
        lac_arena_reset(&l->arena);
        LAC_TEST_NEED(lac_arena_take(&l->arena, ARENA_SIZE - left));
        status = lane_dead_letter(l, 0, false, &r);
        full += status == LAC_AGAIN;
    }
    LAC_TEST_EQ(status, LAC_OK);
    CU_ASSERT(full > 10);
    free_lane(l);
}

static void each_is_counted_by_lane_and_reason(void)
{
    struct lac_lane *l = calloc(1, sizeof(*l));
    struct lac_err err;
    struct lac_buf page;

    LAC_TEST_NEED(l && lac_metrics_new(&l->o.metrics, &err) == LAC_OK);
    l->o.name = "bulk-0";
    lane_count_reject(l, "undecodable");
    lane_count_reject(l, "undecodable");
    lane_count_reject(l, "poison");
    LAC_TEST_EQ(l->health.rejected, 3);
    lac_buf_init(&page, 1 << 16);
    lac_metrics_write(l->o.metrics, &page, LAC_METRICS_PROMETHEUS);
    CU_ASSERT(strstr(lac_buf_cstr(&page),
                     "lacuna_lane_rejects_total{lane=\"bulk-0\",reason=\"undecodable\"} 2\n") !=
              NULL);
    CU_ASSERT(strstr(lac_buf_cstr(&page),
                     "lacuna_lane_rejects_total{lane=\"bulk-0\",reason=\"poison\"} 1\n") != NULL);
    lac_buf_deinit(&page);
    lac_metrics_free(l->o.metrics);
    free(l);
}

LAC_TEST_MAIN(deadletter, the_record_is_as_it_came, neither_key_nor_value_stays_so,
              what_does_not_fit_is_left_out_and_named, more_headers_than_fit_are_cut_and_said,
              bare_keeps_all_but_the_value, a_full_arena_is_told,
              each_is_counted_by_lane_and_reason)
