/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, idempotency keys, ids and what is held back keep their promises at their limits. */
#include <stdlib.h>
#include <string.h>

#include "lac_bridge_hold.h"
#include "lac_bridge_idem.h"
#include "lac_bridge_ids.h"
#include "lac_bridge_kafka.h"
#include "lac_bridge_slots.h"
#include "lac_test.h"

static int expired_count;
static uint32_t expired_last;

static void on_expired(void *ctx, void *owner, uint32_t index)
{
    (void)ctx;
    (void)owner;
    expired_count++;
    expired_last = index;
}

static void slot_is_found_until_it_is_given_back(void)
{
    struct lac_bridge_slots *s;
    uint64_t a, b, c, found;
    uint32_t index;
    int owner;
    char text[LAC_BRIDGE_CORRELATION_SIZE], foreign[] = "00000000000000000000000000000000";
    LAC_TEST_NEED(lac_bridge_slots_new(&s, 2, 1000, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_bridge_slots_take(s, &owner, 7, 2000, &a));
    LAC_TEST_NEED(lac_bridge_slots_take(s, &owner, 8, 2000, &b));
    CU_ASSERT(!lac_bridge_slots_take(s, &owner, 9, 2000, &c));
    LAC_TEST_EQ(lac_bridge_slots_free_count(s), 0);
    lac_bridge_slots_correlation(s, a, text);
    CU_ASSERT(lac_bridge_slots_parse(s, lac_str_from(text), &found) && found == a);
    CU_ASSERT(lac_bridge_slots_owner(s, found, &index) == &owner && index == 7);
    CU_ASSERT(!lac_bridge_slots_parse(s, lac_str_from(foreign), &found));
    CU_ASSERT(!lac_bridge_slots_parse(s, LAC_STR("short"), &found));
    lac_bridge_slots_give(s, a);
    lac_bridge_slots_give(s, a); /* twice is once */
    LAC_TEST_EQ(lac_bridge_slots_free_count(s), 1);
    CU_ASSERT(lac_bridge_slots_owner(s, a, NULL) == NULL);
    LAC_TEST_NEED(lac_bridge_slots_take(s, &owner, 9, 2000, &c));
    CU_ASSERT(c != a); /* the same place, another generation: a late reply finds nobody */
    CU_ASSERT(lac_bridge_slots_owner(s, a, NULL) == NULL);
    CU_ASSERT(lac_bridge_slots_owner(s, UINT64_MAX, NULL) == NULL);
    lac_bridge_slots_free(s);
}

static void deadlines_come_once_and_not_early(void)
{
    enum { N = 500 };
    struct lac_bridge_slots *s;
    uint64_t ref[N];
    int owner;
    LAC_TEST_NEED(lac_bridge_slots_new(&s, N, 0, NULL) == LAC_OK);
    expired_count = 0;
    /* From 1 ms to 50 s: six times round the wheel. */
    for (uint32_t i = 0; i < N; i++)
        LAC_TEST_NEED(lac_bridge_slots_take(s, &owner, i, 1 + i * 100, &ref[i]));
    lac_bridge_slots_give(s, ref[3]);
    for (uint64_t now = 0; now < 52000; now += 5) {
        int before = expired_count;
        lac_bridge_slots_expire(s, now, on_expired, NULL);
        if (expired_count == before)
            continue;
        LAC_TEST_EQ(expired_count - before, 1);
        uint64_t due = 1 + (uint64_t)expired_last * 100;
        CU_ASSERT(now >= due && now <= due + (uint64_t)2 * LAC_BRIDGE_TICK_MS + 5);
    }
    LAC_TEST_EQ(expired_count, N - 1);
    LAC_TEST_EQ(lac_bridge_slots_free_count(s), N);
    /* A pause longer than the wheel loses nothing. */
    for (uint32_t i = 0; i < N; i++)
        LAC_TEST_NEED(lac_bridge_slots_take(s, &owner, i, 60000 + i * 10, &ref[i]));
    lac_bridge_slots_expire(s, 600000, on_expired, NULL);
    LAC_TEST_EQ(expired_count, 2 * N - 1);
    lac_bridge_slots_free(s);
}

static struct lac_bridge_digest digest(unsigned n)
{
    struct lac_bridge_digest d = {{0}};
    memcpy(d.bytes, &n, sizeof n);
    return d;
}

static void same_key_same_answer(void)
{
    struct lac_bridge_idem *t;
    struct lac_bridge_digest key = digest(1), body = digest(2), other = digest(3);
    struct lac_str answer = LAC_STR_NULL;
    uint32_t ref;
    LAC_TEST_NEED(lac_bridge_idem_new(&t, 4, 1000, 100, NULL) == LAC_OK);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &body, 0, &ref, &answer), LAC_BRIDGE_IDEM_NEW);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &body, 0, &ref, &answer), LAC_BRIDGE_IDEM_BUSY);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &other, 0, &ref, &answer), LAC_BRIDGE_IDEM_MISMATCH);
    lac_bridge_idem_store(t, ref, LAC_STR("said"), 0);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &body, 99, &ref, &answer), LAC_BRIDGE_IDEM_STORED);
    CU_ASSERT(lac_str_is(answer, "said"));
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &other, 99, &ref, &answer),
                LAC_BRIDGE_IDEM_MISMATCH);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &other, 100, &ref, &answer), LAC_BRIDGE_IDEM_NEW);
    lac_bridge_idem_drop(t, ref);
    LAC_TEST_EQ(lac_bridge_idem_count(t), 0);
    lac_bridge_idem_free(t);
}

static void memory_is_bounded_and_the_oldest_goes(void)
{
    struct lac_bridge_idem *t;
    struct lac_str answer;
    uint32_t ref[8];
    LAC_TEST_NEED(lac_bridge_idem_new(&t, 4, 10, 1000, NULL) == LAC_OK);
    for (unsigned i = 0; i < 6; i++) {
        struct lac_bridge_digest key = digest(i);
        LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &key, 0, &ref[0], &answer), LAC_BRIDGE_IDEM_NEW);
        lac_bridge_idem_store(t, ref[0], LAC_STR("12345"), 0); /* two fit into ten bytes */
    }
    LAC_TEST_EQ(lac_bridge_idem_count(t), 2);
    struct lac_bridge_digest key = digest(5);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &key, 0, &ref[0], &answer), LAC_BRIDGE_IDEM_STORED);
    key = digest(100);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &key, 0, &ref[0], &answer), LAC_BRIDGE_IDEM_NEW);
    lac_bridge_idem_store(t, ref[0], LAC_STR("longer than ten"), 0); /* never kept */
    LAC_TEST_EQ(lac_bridge_idem_count(t), 0);
    for (unsigned i = 0; i < 4; i++) {
        key = digest(200 + i);
        LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &key, 0, &ref[i], &answer), LAC_BRIDGE_IDEM_NEW);
    }
    key = digest(300); /* all four are under way: nothing can be forgotten for it */
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &key, 0, &ref[4], &answer), LAC_BRIDGE_IDEM_FULL);
    lac_bridge_idem_store(t, ref[2], LAC_STR("x"), 0);
    LAC_TEST_EQ(lac_bridge_idem_begin(t, &key, &key, 0, &ref[4], &answer), LAC_BRIDGE_IDEM_NEW);
    lac_bridge_idem_free(t);
}

static void request_ids_go_up(void)
{
    static struct lac_bridge_ids g;
    char last[LAC_BRIDGE_UUID_SIZE] = "", id[LAC_BRIDGE_UUID_SIZE];
    for (int i = 0; i < 20000; i++) { /* more than a millisecond's worth of counter */
        lac_bridge_ids_request(&g, 1800000000000 + i / 10000, id);
        CU_ASSERT(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
    }
    LAC_TEST_EQ(strlen(id), 36);
    CU_ASSERT(id[14] == '7' && strchr("89ab", id[19]) && id[8] == '-' && id[23] == '-');
}

static void derived_ids_are_always_the_same(void)
{
    struct lac_bridge_digest a, b, c;
    char one[LAC_BRIDGE_UUID_SIZE], two[LAC_BRIDGE_UUID_SIZE];
    lac_bridge_key_digest(&a, LAC_STR("default"), LAC_STR("k1"));
    lac_bridge_key_digest(&b, LAC_STR("default"), LAC_STR("k1"));
    lac_bridge_key_digest(&c, LAC_STR("defaultk"), LAC_STR("1"));
    CU_ASSERT(memcmp(&a, &b, sizeof a) == 0 && memcmp(&a, &c, sizeof a) != 0);
    lac_bridge_key_request(&a, 0, one);
    lac_bridge_key_request(&b, 0, two);
    LAC_TEST_STR(one, two);
    CU_ASSERT(one[14] == '8');
    lac_bridge_key_request(&b, 1, two);
    CU_ASSERT(strcmp(one, two) != 0);
}

static void headers_are_checked(void)
{
    static struct lac_bridge_ids g;
    char made[LAC_TRACE_SIZE], read[LAC_TRACE_SIZE];
    lac_bridge_ids_trace(&g, made);
    CU_ASSERT(lac_trace_read(read, lac_str_from(made)));
    LAC_TEST_STR(read, made);
    struct lac_str key;
    CU_ASSERT(lac_bridge_key_parse(LAC_STR("\"a b\""), &key) && lac_str_is(key, "a b"));
    CU_ASSERT(lac_bridge_key_parse(LAC_STR("abc"), &key) && lac_str_is(key, "abc"));
    CU_ASSERT(!lac_bridge_key_parse(LAC_STR(""), &key));
    CU_ASSERT(!lac_bridge_key_parse(LAC_STR("\"\""), &key));
    CU_ASSERT(!lac_bridge_key_parse(LAC_STR("a\x01"), &key));
    char longest[300];
    memset(longest, 'k', sizeof longest);
    CU_ASSERT(lac_bridge_key_parse((struct lac_str){longest, 255}, &key));
    CU_ASSERT(!lac_bridge_key_parse((struct lac_str){longest, 256}, &key));
}

static void instance_picks_its_partition(void)
{
    LAC_TEST_EQ(lac_bridge_reply_partition("bridge-3", 12), 3);
    LAC_TEST_EQ(lac_bridge_reply_partition("bridge-15", 12), 3);
    LAC_TEST_EQ(lac_bridge_reply_partition("7", 12), 7);
    int32_t p = lac_bridge_reply_partition("host.example", 12);
    CU_ASSERT(p >= 0 && p < 12);
    LAC_TEST_EQ(lac_bridge_reply_partition("host.example", 12), p);
    LAC_TEST_EQ(lac_bridge_reply_partition("", 1), 0);
}

static bool hold(struct lac_bridge_hold *h, char *bytes, size_t n, uint64_t ref)
{
    const struct lac_bridge_message m = {.key = {bytes, 1},
                                         .value = {bytes, n},
                                         .correlation = LAC_STR("c"),
                                         .traceparent = LAC_STR_NULL,
                                         .timestamp_ms = 7,
                                         .ref = ref};
    return lac_bridge_hold_add(h, &m);
}

static void what_is_held_comes_back_in_order(void)
{
    struct lac_bridge_hold h = {0};
    char bytes[] = "abc";
    CU_ASSERT(lac_bridge_hold_first(&h) == NULL);
    for (uint64_t ref = 1; ref <= 3; ref++) {
        bytes[0] = (char)('a' + ref);
        LAC_TEST_NEED(hold(&h, bytes, 3, ref));
    }
    memset(bytes, 'x', sizeof bytes); /* the caller's again */
    for (uint64_t ref = 1; ref <= 3; ref++) {
        const struct lac_bridge_message *m = lac_bridge_hold_first(&h);
        const char wanted[] = {(char)('a' + ref), 'b', 'c'};
        LAC_TEST_NEED(m != NULL);
        CU_ASSERT(m->ref == ref && m->timestamp_ms == 7 && !m->traceparent.ptr);
        CU_ASSERT(m->value.len == 3 && memcmp(m->value.ptr, wanted, 3) == 0);
        CU_ASSERT(m->key.len == 1 && m->key.ptr[0] == wanted[0]);
        CU_ASSERT(lac_str_is(m->correlation, "c"));
        lac_bridge_hold_drop(&h);
    }
    CU_ASSERT(lac_bridge_hold_first(&h) == NULL && h.bytes == 0);
    LAC_TEST_NEED(hold(&h, bytes, 3, 9)); /* it can be used again */
    LAC_TEST_EQ(lac_bridge_hold_first(&h)->ref, 9);
    lac_bridge_hold_drop(&h);
}

/* A reply finds its waiter by the one, and a trace goes on by the other. All of it is counted. */
static void all_texts_of_a_message_are_held(void)
{
    struct lac_bridge_hold h = {0};
    char correlation[] = "11112222", traceparent[] = "00-ab-cd-01", key[] = "k", value[] = "value";
    const struct lac_bridge_message nothing = {0}, m = {.key = lac_str_from(key),
                                                        .value = lac_str_from(value),
                                                        .correlation = lac_str_from(correlation),
                                                        .traceparent = lac_str_from(traceparent)};
    LAC_TEST_NEED(lac_bridge_hold_add(&h, &nothing));
    size_t bare = h.bytes;
    LAC_TEST_NEED(lac_bridge_hold_add(&h, &m));
    LAC_TEST_EQ(h.bytes - 2 * bare, 8 + 11 + 1 + 5);
    memset(correlation, 'x', 8);
    memset(traceparent, 'x', 11);
    const struct lac_bridge_message *first = lac_bridge_hold_first(&h);
    CU_ASSERT(!first->key.ptr && !first->value.ptr && !first->correlation.ptr);
    lac_bridge_hold_drop(&h);
    first = lac_bridge_hold_first(&h);
    CU_ASSERT(lac_str_is(first->key, "k") && lac_str_is(first->value, "value"));
    CU_ASSERT(lac_str_is(first->correlation, "11112222"));
    CU_ASSERT(lac_str_is(first->traceparent, "00-ab-cd-01"));
    lac_bridge_hold_drop(&h);
    LAC_TEST_EQ(h.bytes, 0);
}

static void little_is_held(void)
{
    enum { LARGE = 64 * 1024, MANY = 1000 };
    static char bytes[LARGE];
    struct lac_bridge_hold h = {0};
    uint64_t n = 0;
    CU_ASSERT(!hold(&h, bytes, LARGE, 1));
    while (n < MANY && hold(&h, bytes, LARGE / 2, n))
        n++;
    CU_ASSERT(n > 64 && n < MANY);
    lac_bridge_hold_drop(&h);
    CU_ASSERT(hold(&h, bytes, LARGE / 2, n)); /* room for one is back */
    while (lac_bridge_hold_first(&h))
        lac_bridge_hold_drop(&h);
    LAC_TEST_EQ(h.bytes, 0);
}

LAC_TEST_MAIN(bridge_parts, slot_is_found_until_it_is_given_back, deadlines_come_once_and_not_early,
              same_key_same_answer, memory_is_bounded_and_the_oldest_goes, request_ids_go_up,
              derived_ids_are_always_the_same, headers_are_checked, instance_picks_its_partition,
              what_is_held_comes_back_in_order, all_texts_of_a_message_are_held, little_is_held)
