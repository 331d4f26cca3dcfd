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

LAC_TEST_MAIN(batch, borrowed_values_are_copied)
