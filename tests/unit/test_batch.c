/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage hands over survives the messages it came from, and never exceeds the tables. */
#include "lac_batch.h"

#include <string.h>

#include "lac_test.h"

static void open_batch(struct lac_batch *b, struct lac_arena *a, const struct lac_kafka_msg *m,
                       size_t n, size_t capacity)
{
    struct lac_err err;

    LAC_TEST_NEED(lac_arena_init(a, 4096, &err) == LAC_OK);
    LAC_TEST_NEED(lac_batch_init(b, a, n, capacity, &err) == LAC_OK);
    lac_batch_open(b, m, n);
}

static void borrowed_values_are_copied(void)
{
    static const struct lac_kafka_msg msg;
    struct lac_arena a;
    struct lac_batch b;
    char value[] = "value", key[] = "key";
    struct lac_kafka_record r = {.key = {key, 3}, .value = {value, 5}};

    open_batch(&b, &a, &msg, 1, 4);
    LAC_TEST_EQ(lac_batch_emit(&b, 0, &r), LAC_OK);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &r), LAC_OK);
    memset(value, 'x', 5);
    CU_ASSERT(lac_str_is(b.records[0].record.value, "value"));
    memset(key, 'x', 3); /* a message's key is copied for replies only: they outlive it */
    CU_ASSERT(lac_str_is(b.replies[0].record.key, "key"));
    CU_ASSERT(lac_str_is(b.replies[0].record.value, "value"));
    lac_batch_deinit(&b);
    lac_arena_deinit(&a);
}

static void absent_stays_absent_and_empty_stays_present(void)
{
    static const struct lac_kafka_msg msg;
    struct lac_arena a;
    struct lac_batch b;
    struct lac_kafka_record absent = {.key = LAC_STR_NULL, .value = LAC_STR_NULL};
    struct lac_kafka_record empty = {.key = LAC_STR(""), .value = LAC_STR("")};

    open_batch(&b, &a, &msg, 1, 4);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &absent), LAC_OK);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &empty), LAC_OK);
    CU_ASSERT_PTR_NULL(b.replies[0].record.key.ptr);
    CU_ASSERT_PTR_NULL(b.replies[0].record.value.ptr);
    CU_ASSERT_PTR_NOT_NULL(b.replies[1].record.key.ptr);
    CU_ASSERT_PTR_NOT_NULL(b.replies[1].record.value.ptr);
    LAC_TEST_EQ(b.replies[1].record.value.len, 0);
    lac_batch_deinit(&b);
    lac_arena_deinit(&a);
}

static void headers_outlive_the_list_they_came_in(void)
{
    static const struct lac_kafka_msg msg;
    struct lac_arena a;
    struct lac_batch b;
    char value[] = "value";
    struct lac_kafka_header headers[] = {{LAC_STR("name"), {value, 5}}};
    struct lac_kafka_record r = {.headers = headers, .header_count = 1};

    open_batch(&b, &a, &msg, 1, 4);
    LAC_TEST_EQ(lac_batch_emit(&b, 0, &r), LAC_OK);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &r), LAC_OK);
    headers[0].name = LAC_STR("other");
    CU_ASSERT(lac_str_is(b.records[0].record.headers[0].name, "name"));
    memset(value, 'x', 5); /* replies are sent when the message is gone */
    CU_ASSERT(lac_str_is(b.replies[0].record.headers[0].value, "value"));
    lac_batch_deinit(&b);
    lac_arena_deinit(&a);
}

static void full_tables_and_arenas_take_nothing(void)
{
    static const struct lac_kafka_msg msg;
    struct lac_arena a;
    struct lac_batch b;
    static const char big[8000];
    struct lac_kafka_record small = {.value = LAC_STR("v")};
    struct lac_kafka_record large = {.value = {big, sizeof(big)}};
    char *row;

    open_batch(&b, &a, &msg, 1, 2);
    LAC_TEST_EQ(lac_batch_emit(&b, 0, &large), LAC_AGAIN);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &large), LAC_AGAIN);
    LAC_TEST_EQ(b.record_count, 0);
    LAC_TEST_EQ(b.reply_count, 0);
    row = lac_arena_alloc(&a, 3);
    for (int i = 0; i < 2; i++) {
        LAC_TEST_EQ(lac_batch_emit(&b, 0, &small), LAC_OK);
        LAC_TEST_EQ(lac_batch_reply(&b, 0, &small), LAC_OK);
        LAC_TEST_EQ(lac_batch_row(&b, 0, (struct lac_str){row, 3}), LAC_OK);
    }
    LAC_TEST_EQ(lac_batch_emit(&b, 0, &small), LAC_AGAIN);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &small), LAC_AGAIN);
    LAC_TEST_EQ(lac_batch_row(&b, 0, (struct lac_str){row, 3}), LAC_AGAIN);
    LAC_TEST_EQ(b.record_count, 2);
    LAC_TEST_EQ(b.reply_count, 2);
    LAC_TEST_EQ(b.row_count, 2);
    lac_batch_deinit(&b);
    lac_arena_deinit(&a);
}

static void the_first_reject_counts(void)
{
    static const struct lac_kafka_msg msgs[2];
    struct lac_arena a;
    struct lac_batch b;
    char detail[2 * LAC_BATCH_DETAIL_SIZE];

    open_batch(&b, &a, msgs, 2, 2);
    lac_batch_reject(&b, 1, "undecodable", "byte 3");
    lac_batch_reject(&b, 1, "refused", "later");
    LAC_TEST_EQ(b.reject_count, 1);
    CU_ASSERT(!lac_batch_rejected(&b, 0));
    CU_ASSERT(lac_batch_rejected(&b, 1));
    LAC_TEST_STR(b.rejects[1].reason, "undecodable");
    LAC_TEST_STR(b.rejects[1].detail, "byte 3");

    /* Two bytes each, from an odd place: the cut would fall into one of them. */
    memset(detail, 0, sizeof(detail));
    detail[0] = '.';
    for (size_t i = 1; i + 2 < sizeof(detail); i += 2) {
        detail[i] = '\xc3';
        detail[i + 1] = '\xa9';
    }
    lac_batch_reject(&b, 0, "undecodable", detail);
    LAC_TEST_EQ(strlen(b.rejects[0].detail), LAC_BATCH_DETAIL_SIZE - 1);
    detail[1] = 'x'; /* .. and from an even one */
    memmove(detail + 2, detail + 3, sizeof(detail) - 3);
    lac_batch_open(&b, msgs, 2);
    CU_ASSERT(!lac_batch_rejected(&b, 0));
    LAC_TEST_EQ(b.reject_count, 0);
    lac_batch_reject(&b, 0, "undecodable", detail);
    LAC_TEST_EQ(strlen(b.rejects[0].detail), LAC_BATCH_DETAIL_SIZE - 2);
    lac_batch_deinit(&b);
    lac_arena_deinit(&a);
}

static void a_new_batch_keeps_the_replies_of_the_interval(void)
{
    static const struct lac_kafka_msg msg;
    struct lac_arena a;
    struct lac_batch b;
    struct lac_kafka_record r = {.value = LAC_STR("v")};

    open_batch(&b, &a, &msg, 1, 4);
    LAC_TEST_EQ(lac_batch_emit(&b, 0, &r), LAC_OK);
    LAC_TEST_EQ(lac_batch_reply(&b, 0, &r), LAC_OK);
    lac_batch_open(&b, &msg, 1);
    LAC_TEST_EQ(b.record_count, 0);
    LAC_TEST_EQ(b.reply_count, 1);
    lac_batch_reset(&b);
    LAC_TEST_EQ(b.reply_count, 0);
    lac_batch_deinit(&b);
    lac_arena_deinit(&a);
}

LAC_TEST_MAIN(batch, borrowed_values_are_copied, absent_stays_absent_and_empty_stays_present,
              headers_outlive_the_list_they_came_in, full_tables_and_arenas_take_nothing,
              the_first_reject_counts, a_new_batch_keeps_the_replies_of_the_interval)
