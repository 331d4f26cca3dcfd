/* SPDX-License-Identifier: Apache-2.0 */
/* The generated codecs: exact, canonical, and unimpressed by hostile bytes. */
#include "lac_records.h"

#include <stdio.h>
#include <stdlib.h>

#include "lac_event_id.h"
#include "lac_test.h"

enum { ARENA = 1 << 16 };
static struct lac_arena arena;

static void fresh(void)
{
    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, ARENA, NULL) == LAC_OK);
    lac_arena_reset(&arena);
}

static struct lac_request sample(void)
{
    static struct lac_message turns[] = {{LAC_STR("user"), LAC_STR("hello")},
                                         {LAC_STR("assistant"), LAC_STR("good \xC3\xA4")}};
    static struct lac_str files[] = {LAC_STR("a.txt"), LAC_STR("")};
    static struct lac_pair metadata[] = {{LAC_STR("k"), LAC_STR("v")}};
    struct lac_request r;

    lac_request_init(&r);
    r.request_id = LAC_STR("r-1");
    r.text = LAC_STR("what is our revenue?");
    r.has_user = true;
    r.user.id = LAC_STR("u-1");
    r.user.department = LAC_STR("");
    r.conversation = turns;
    r.conversation_count = 2;
    r.files = files;
    r.files_count = 2;
    r.has_claimed_tier = true;
    r.claimed_tier = LAC_TIER_INTERNAL;
    r.has_operation = true;
    lac_operation_init(&r.operation);
    r.operation.type = LAC_STR("export");
    r.operation.destination_encrypted = true;
    r.has_deadline_ms = true;
    r.deadline_ms = INT64_MAX;
    r.metadata = metadata;
    r.metadata_count = 1;
    return r;
}

static size_t encode(const struct lac_request *r, char *out, size_t size)
{
    size_t n = lac_request_encoded_size(r);

    LAC_TEST_NEED(n <= size);
    LAC_TEST_EQ(lac_request_encode(r, out), n);
    return n;
}

static void what_was_encoded_is_decoded(void)
{
    struct lac_request in = sample(), out;
    char bytes[512], again[512];
    size_t n = encode(&in, bytes, sizeof(bytes));

    fresh();
    LAC_TEST_NEED(lac_request_decode(&out, (struct lac_str){bytes, n}, &arena, NULL) == LAC_OK);
    CU_ASSERT(lac_str_is(out.text, "what is our revenue?"));
    CU_ASSERT(out.text.ptr > bytes && out.text.ptr < bytes + n);
    CU_ASSERT(lac_str_is(out.tenant, "default"));
    LAC_TEST_EQ(out.kind, LAC_KIND_QUERY);
    CU_ASSERT_PTR_NULL(out.subject.ptr);
    CU_ASSERT_PTR_NULL(out.user.role.ptr);
    CU_ASSERT(out.user.department.ptr && out.user.department.len == 0);
    LAC_TEST_EQ(out.conversation_count, 2);
    CU_ASSERT(lac_str_is(out.conversation[1].content, "good \xC3\xA4"));
    LAC_TEST_EQ(out.files_count, 2);
    CU_ASSERT(out.has_claimed_tier && out.claimed_tier == LAC_TIER_INTERNAL);
    CU_ASSERT(out.has_operation && out.operation.destination_encrypted);
    LAC_TEST_EQ(out.deadline_ms, INT64_MAX);
    CU_ASSERT(lac_str_is(out.metadata[0].value, "v"));
    LAC_TEST_EQ(encode(&out, again, sizeof(again)), n);
    CU_ASSERT(memcmp(bytes, again, n) == 0);
}

/* Any prefix is refused, and none is read beyond: the heap copy lets ASan see. */
static void every_truncation_is_refused(void)
{
    struct lac_request in = sample(), out;
    char bytes[512];
    size_t n = encode(&in, bytes, sizeof(bytes));

    for (size_t len = 0; len < n; len++) {
        char *copy = malloc(len ? len : 1);

        LAC_TEST_NEED(copy);
        memcpy(copy, bytes, len);
        fresh();
        lac_test_row("%zu bytes", len);
        LAC_TEST_EQ(lac_request_decode(&out, (struct lac_str){copy, len}, &arena, NULL),
                    LAC_REJECT);
        free(copy);
    }
}

static void defaults_are_the_schemas(void)
{
    struct lac_request r;
    struct lac_routing routing;
    struct lac_finding finding;

    memset(&r, 0xFF, sizeof(r));
    lac_request_init(&r);
    CU_ASSERT(lac_str_is(r.tenant, "default"));
    CU_ASSERT(r.text.ptr && r.text.len == 0);
    CU_ASSERT(!r.has_user && !r.has_deadline_ms && !r.request_id.ptr && r.files_count == 0);
    lac_routing_init(&routing);
    LAC_TEST_EQ(routing.tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(routing.final);
    lac_finding_init(&finding);
    CU_ASSERT(lac_str_is(finding.field, "/text"));
}

/* A Feedback: event_id (16 bytes), tier, who, why, at. */
#define ID "0123456789abcdef"

/* An AuditEvent up to its map `detail`, at byte 22. */
#define AUDIT ID "\0\0\0\0\0\0"

static void malformed_bytes_are_refused_with_place_and_reason(void)
{
    static const struct {
        struct lac_str bytes;
        const char *error;
    } cases[] = {
        {LAC_STR(ID "\x06\x02x\0\0"), "Feedback: /tier at byte 16: enum has no such symbol"},
        {LAC_STR(ID "\x01\x02x\0\0"), "Feedback: /tier at byte 16: enum has no such symbol"},
        {LAC_STR(ID "\x00\x01x\0\0"), "Feedback: /who at byte 17: length is negative"},
        {LAC_STR(ID "\x00\x08x\0\0"), "Feedback: /who at byte 17: length runs past the end"},
        {LAC_STR(ID "\x00\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01x"),
         "Feedback: /who at byte 17: length runs past the end"},
        {LAC_STR(ID "\x00\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02x"),
         "Feedback: /who at byte 17: number is longer than 64 bits"},
        {LAC_STR(ID "\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01x"),
         "Feedback: /who at byte 17: number is longer than 64 bits"},
        {LAC_STR(ID "\x00\x81\0x\0\0"), "Feedback: /who at byte 17: length is negative"},
        {LAC_STR(ID "\x00\x86\x80\0xy"), "Feedback: /who at byte 17: length runs past the end"},
        {LAC_STR(ID "\x00\x84\x80\0xy"), "Feedback: /why at byte 22: ends in the middle"},
        {LAC_STR(ID "\x00\x04\xC3\x28\0\0"), "Feedback: /who at byte 17: string is not UTF-8"},
        {LAC_STR(ID "\x00\x02x\0\0\0"), "Feedback: at byte 21: bytes behind the record"},
        {LAC_STR(ID "\x00\x02x\0\x80"), "Feedback: /at at byte 20: ends in the middle"},
        {LAC_STR("0123456789"), "Feedback: /event_id at byte 0: ends in the middle"},
        {LAC_STR(""), "Feedback: /event_id at byte 0: ends in the middle"},
    };
    struct lac_feedback out;
    struct lac_err err;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        fresh();
        err.text[0] = '\0';
        LAC_TEST_EQ(lac_feedback_decode(&out, cases[i].bytes, &arena, &err), LAC_REJECT);
        LAC_TEST_STR(err.text, cases[i].error);
    }
    LAC_TEST_EQ(lac_feedback_decode(&out, LAC_STR(ID "\x04\x02x\0\x01"), &arena, &err), LAC_OK);
    LAC_TEST_EQ(out.at, -1);
}

static void unions_have_two_branches(void)
{
    static const struct {
        struct lac_str bytes; /* a Routing up to its request_id, and the branch */
        const char *why;
    } cases[] = {
        {LAC_STR(ID "\0\1\x04\x02y\0"), "union has no such branch"},
        {LAC_STR(ID "\0\1\x01\x02y\0"), "union has no such branch"},
        {LAC_STR(ID "\0\1\x84\0\x02y\0"), "union has no such branch"},
        {LAC_STR(ID "\0\1\x81\0\x02y\0"), "union has no such branch"},
        {LAC_STR(ID "\0\1\x82"), "ends in the middle"},
        {LAC_STR(ID "\0\1"), "ends in the middle"},
    };
    struct lac_routing out;
    struct lac_err err;
    char error[200];

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        fresh();
        LAC_TEST_EQ(lac_routing_decode(&out, cases[i].bytes, &arena, &err), LAC_REJECT);
        (void)snprintf(error, sizeof(error), "Routing: /request_id at byte 18: %s", cases[i].why);
        LAC_TEST_STR(err.text, error);
    }
}

/* Ours never are longer than they have to be, but others' numbers count all the same. */
static void numbers_may_be_longer_than_needed(void)
{
    static const struct lac_str long_names[] = {
        LAC_STR(ID "\x80\0\x01\x82\0\x02y\x80\x80\0\0\x82\0\0\0\0"
                   "0123456789abcdef0123456789abcdef"),
        LAC_STR(ID "\0\1\x80\0\x84\x80\0xy\0\x82\x80\0\0\x80\0\0"
                   "0123456789abcdef0123456789abcdef"),
    };
    struct lac_audit_event audit;
    struct lac_routing out;

    fresh();
    LAC_TEST_NEED(lac_routing_decode(&out, long_names[0], &arena, NULL) == LAC_OK);
    CU_ASSERT(lac_str_is(out.request_id, "y"));
    CU_ASSERT(out.tenant.ptr && out.tenant.len == 0);
    LAC_TEST_EQ(out.tier, LAC_TIER_INTERNAL);
    LAC_TEST_NEED(lac_routing_decode(&out, long_names[1], &arena, NULL) == LAC_OK);
    CU_ASSERT_PTR_NULL(out.request_id.ptr);
    CU_ASSERT(lac_str_is(out.tenant, "xy"));
    LAC_TEST_EQ(out.tier, LAC_TIER_INTERNAL);
    LAC_TEST_NEED(lac_audit_event_decode(&audit, LAC_STR(AUDIT "\x82\0\x02k\x02v\x80\0"), &arena,
                                         NULL) == LAC_OK);
    LAC_TEST_EQ(audit.detail_count, 1);
    CU_ASSERT(lac_str_is(audit.detail[0].value, "v"));
}

static void hostile_counts_cost_nothing(void)
{
    static const struct {
        struct lac_str bytes;
        const char *error;
    } cases[] = {
        {LAC_STR(AUDIT "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
         " at byte 22: more items than bytes"},
        {LAC_STR(AUDIT "\x06\x02k\x02v\0"), " at byte 22: more items than bytes"},
        {LAC_STR(AUDIT "\x04\0\0\0\0"), " at byte 27: ends in the middle"},
        {LAC_STR(AUDIT "\x80"), " at byte 22: ends in the middle"},
        {LAC_STR(AUDIT "\x01\x80"), " at byte 23: ends in the middle"},
        {LAC_STR(AUDIT "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\0"),
         " at byte 22: item count is out of range"},
        {LAC_STR(AUDIT "\x01\x10\x02k\x02v\0"), " at byte 22: block runs past the end"},
        {LAC_STR(AUDIT "\x01\x01\x02k\x02v\0"), " at byte 22: block runs past the end"},
        {LAC_STR(AUDIT "\x01\0\x02k\x02v\0"), " at byte 28: block is not as long as it declares"},
        {LAC_STR(AUDIT "\x01\x0A\x02k\x02v\0"), " at byte 28: block is not as long as it declares"},
        {LAC_STR(AUDIT "\x02\x02k\x02\x80\0"), "/0 at byte 25: string is not UTF-8"},
        {LAC_STR(AUDIT "\x02\x03k\x02v\0"), "/0 at byte 23: length is negative"},
    };
    struct lac_audit_event out;
    char error[200];
    struct lac_err err;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        fresh();
        LAC_TEST_EQ(lac_audit_event_decode(&out, cases[i].bytes, &arena, &err), LAC_REJECT);
        (void)snprintf(error, sizeof(error), "AuditEvent: /detail%s", cases[i].error);
        LAC_TEST_STR(err.text, error);
        CU_ASSERT(arena.used < 256);
    }
}

/* The same for a list of texts. `files` of the sample stands behind its conversation. */
static void hostile_lists_of_texts_cost_nothing(void)
{
    static const struct {
        struct lac_str bytes; /* from the count on */
        size_t at;            /* counted from there as well */
        const char *where;
        const char *why;
    } cases[] = {
        {LAC_STR("\x7E"), 0, "", "more items than bytes"},
        {LAC_STR("\x06\0\0"), 0, "", "more items than bytes"},
        {LAC_STR("\x04\0\0"), 3, "", "ends in the middle"},
        {LAC_STR("\x04\x02y\x02z\x01\x04\0\0"), 8, "", "block is not as long as it declares"},
        {LAC_STR("\x02\x01\0"), 1, "/0", "length is negative"},
        {LAC_STR("\x04\0\x06yz"), 2, "/1", "length runs past the end"},
    };
    struct lac_request in = sample(), out;
    char bytes[512], error[200];
    size_t n = encode(&in, bytes, sizeof(bytes)), files = 0;
    struct lac_err err;

    while (files < n && memcmp(bytes + files,
                               "\x04\x0A"
                               "a.txt",
                               7) != 0)
        files++;
    LAC_TEST_NEED(files < n);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        fresh();
        memcpy(bytes + files, cases[i].bytes.ptr, cases[i].bytes.len);
        LAC_TEST_EQ(lac_request_decode(&out, (struct lac_str){bytes, files + cases[i].bytes.len},
                                       &arena, &err),
                    LAC_REJECT);
        (void)snprintf(error, sizeof(error), "Request: /files%s at byte %zu: %s", cases[i].where,
                       files + cases[i].at, cases[i].why);
        LAC_TEST_STR(err.text, error);
        CU_ASSERT(arena.used < 256);
    }
}

static void blocks_of_both_kinds_are_joined(void)
{
    static const struct lac_str bytes = LAC_STR(AUDIT "\x02\x02"
                                                      "a"
                                                      "\x02"
                                                      "1"
                                                      "\x03\x10\x02"
                                                      "b"
                                                      "\x02"
                                                      "2"
                                                      "\x02"
                                                      "c"
                                                      "\x02"
                                                      "3"
                                                      "\0");
    struct lac_audit_event out;

    fresh();
    LAC_TEST_NEED(lac_audit_event_decode(&out, bytes, &arena, NULL) == LAC_OK);
    LAC_TEST_EQ(out.detail_count, 3);
    CU_ASSERT(lac_str_is(out.detail[0].key, "a"));
    CU_ASSERT(lac_str_is(out.detail[1].value, "2"));
    CU_ASSERT(lac_str_is(out.detail[2].value, "3"));
}

static void many_small_blocks_stay_cheap(void)
{
    enum { BLOCKS = 20000 };
    static char bytes[64 + BLOCKS * 3];
    struct lac_arena big;
    struct lac_audit_event out;
    size_t n = sizeof(AUDIT) - 1;

    memcpy(bytes, AUDIT, n);
    for (size_t i = 0; i < BLOCKS; i++) {
        memcpy(bytes + n, "\x02\0\0", 3);
        n += 3;
    }
    bytes[n++] = 0;
    LAC_TEST_NEED(lac_arena_init(&big, (size_t)BLOCKS * sizeof(struct lac_pair) * 4, NULL) ==
                  LAC_OK);
    LAC_TEST_EQ(lac_audit_event_decode(&out, (struct lac_str){bytes, n}, &big, NULL), LAC_OK);
    LAC_TEST_EQ(out.detail_count, BLOCKS);
    lac_arena_deinit(&big);
}

/* Wherever the memory ends: each list of the record is the one that does not fit, in turn. */
static void full_arena_asks_for_another_batch(void)
{
    static const char *const lists[] = {"/conversation ", "/files ", "/metadata "};
    bool seen[LAC_COUNT(lists)] = {false};
    struct lac_request in = sample(), out;
    char bytes[512];
    size_t n = encode(&in, bytes, sizeof(bytes)), need;
    struct lac_err err;

    fresh();
    LAC_TEST_NEED(lac_request_decode(&out, (struct lac_str){bytes, n}, &arena, NULL) == LAC_OK);
    need = arena.used;
    for (size_t left = 0; left < need; left++) {
        lac_test_row("%zu bytes of memory", left);
        fresh();
        LAC_TEST_NEED(lac_arena_alloc(&arena, ARENA - left));
        LAC_TEST_EQ(lac_request_decode(&out, (struct lac_str){bytes, n}, &arena, &err), LAC_AGAIN);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ": arena is full"));
        for (size_t i = 0; i < LAC_COUNT(lists); i++)
            seen[i] = seen[i] || strstr(err.text, lists[i]);
    }
    for (size_t i = 0; i < LAC_COUNT(lists); i++) {
        lac_test_row("%s", lists[i]);
        CU_ASSERT(seen[i]);
    }
}

static void event_id_is_what_the_design_says(void)
{
    struct lac_event_id id, other, parsed;
    char text[LAC_EVENT_ID_TEXT_SIZE];

    lac_event_id_make(&id, LAC_STR("cluster"), LAC_STR("lacuna.requests"), 11, 1234567890123,
                      1700000000000);
    lac_event_id_format(text, &id);
    /* printf
     * '\0\0\0\10lacuna/1\0\0\0\7cluster\0\0\0\17lacuna.requests\0\0\0\00211\0\0\0\0151234567890123\0\0\0\0151700000000000'
     * | sha256sum */
    LAC_TEST_STR(text, "cf32bfce9ee93dc02a27ff803825ae02");
    LAC_TEST_NEED(lac_event_id_parse(lac_str_from(text), &parsed));
    CU_ASSERT(memcmp(&id, &parsed, sizeof(id)) == 0);
    lac_event_id_make(&other, LAC_STR("cluster"), LAC_STR("lacuna.requests1"), 1, 1234567890123,
                      1700000000000);
    CU_ASSERT(memcmp(&id, &other, sizeof(id)) != 0);
    CU_ASSERT_FALSE(lac_event_id_parse(LAC_STR("0123"), &parsed));
    CU_ASSERT_FALSE(lac_event_id_parse(LAC_STR("g123456789abcdef0123456789abcdef"), &parsed));
}

static void records_are_found_by_both_names(void)
{
    CU_ASSERT_PTR_EQUAL(lac_record_type_by_name(LAC_STR("Request")), &lac_request_type);
    CU_ASSERT_PTR_EQUAL(lac_record_type_by_name(LAC_STR("lacuna.DecisionCore")),
                        &lac_decision_core_type);
    CU_ASSERT_PTR_NULL(lac_record_type_by_name(LAC_STR("User")));
}

LAC_TEST_MAIN(record, what_was_encoded_is_decoded, every_truncation_is_refused,
              defaults_are_the_schemas, malformed_bytes_are_refused_with_place_and_reason,
              unions_have_two_branches, numbers_may_be_longer_than_needed,
              hostile_counts_cost_nothing, hostile_lists_of_texts_cost_nothing,
              blocks_of_both_kinds_are_joined, many_small_blocks_stay_cheap,
              full_arena_asks_for_another_batch, event_id_is_what_the_design_says,
              records_are_found_by_both_names)
