/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each request of a batch becomes a routing and a lineage record that agree with each
 * other, whatever stands beside it; and nobody gets a reply, a tenant or a trace that is not
 * theirs.
 */
#include "lac_classify.h"

#include <string.h>

#include "lac_classify_emit.h"
#include "lac_digest.h"
#include "lac_event_id.h"
#include "lac_test.h"
#include "lac_trace.h"

enum { ARENA_SIZE = 8 << 20, MESSAGES = 8 };

struct fixture {
    struct lac_classify shared;
    struct lac_pack *pack;
    struct lac_classify_lane *lane;
    struct lac_stage stage;
    struct lac_arena arena, scratch;
    struct lac_batch batch;
    struct lac_kafka_msg msgs[MESSAGES];
    struct lac_err err;
};

static void open_fixture(struct fixture *f, enum lac_topic_id input)
{
    struct lac_classify_lane_options o = {
        .shared = &f->shared,
        .engine = {.strategy = LAC_STRATEGY_BALANCED,
                   .commitment_key = LAC_STR("0123456789abcdef"),
                   .commitment_key_id = LAC_STR("test")},
        .input = input,
        .batch_count = MESSAGES,
    };

    memset(f, 0, sizeof(*f));
    LAC_TEST_NEED(lac_pack_open(&f->pack, NULL, &f->err) == LAC_OK);
    f->shared = (struct lac_classify){.pack = f->pack,
                                      .origin = LAC_STR("origin-1"),
                                      .instance = LAC_STR("instance-1"),
                                      .version = LAC_STR("1.2.3"),
                                      .topic_prefix = "lacuna."};
    LAC_TEST_NEED(lac_classify_init(&f->shared, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_classify_lane_open(&f->lane, &o, &f->err) == LAC_OK);
    f->stage = lac_classify_stage(f->lane);
    LAC_TEST_NEED(lac_arena_init(&f->arena, ARENA_SIZE, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&f->scratch, ARENA_SIZE, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_batch_init(&f->batch, &f->arena, MESSAGES, (size_t)4 * MESSAGES, &f->err) ==
                  LAC_OK);
}

static void close_fixture(struct fixture *f)
{
    lac_batch_deinit(&f->batch);
    lac_arena_deinit(&f->arena);
    lac_arena_deinit(&f->scratch);
    lac_classify_lane_close(f->lane);
    lac_pack_close(f->pack);
}

static struct lac_kafka_msg message(int64_t offset, struct lac_str value,
                                    const struct lac_kafka_header *headers, size_t header_count)
{
    return (struct lac_kafka_msg){.topic = "lacuna.requests",
                                  .partition = 3,
                                  .offset = offset,
                                  .timestamp = 1700000000000,
                                  .key = LAC_STR("key"),
                                  .value = value,
                                  ._headers = headers,
                                  ._header_count = header_count};
}

static void run(struct fixture *f, size_t n)
{
    lac_batch_open(&f->batch, f->msgs, n);
    f->batch.started_wall_us = 1700000000500000;
    LAC_TEST_EQ(f->stage.run(f->stage.ctx, &f->batch, &f->err), LAC_OK);
}

static struct lac_str header_of(const struct lac_kafka_record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (lac_str_is(r->headers[i].name, name))
            return r->headers[i].value;
    return LAC_STR_NULL;
}

static struct lac_str json(const char *text)
{
    return lac_str_from(text);
}

static struct lac_str avro(struct fixture *f, const char *text)
{
    struct lac_request q;
    struct lac_str bytes = LAC_STR_NULL;

    lac_request_init(&q);
    q.tenant = LAC_STR("somebody");
    q.text = lac_str_from(text);
    LAC_TEST_NEED(lac_wire_write(lac_classify_lane_wire(f->lane), &lac_request_type, &q,
                                 &f->scratch, &bytes, &f->err) == LAC_OK);
    return bytes;
}

/* What the routing and the lineage record of one message say. */
struct pair {
    struct lac_routing routing;
    struct lac_decision decision;
    struct lac_decision_core core;
};

static void read_pair(struct fixture *f, size_t at, const struct lac_kafka_msg *m, struct pair *out)
{
    const struct lac_batch_record *routing = &f->batch.records[at], *lineage = routing + 1;
    struct lac_wire *w = lac_classify_lane_wire(f->lane);
    struct lac_event_id id;
    struct lac_hash256 hash;
    char text[LAC_EVENT_ID_TEXT_SIZE];

    LAC_TEST_NEED(at + 1 < f->batch.record_count);
    LAC_TEST_EQ(routing->topic, LAC_CLASSIFY_ROUTING);
    LAC_TEST_EQ(lineage->topic, LAC_CLASSIFY_LINEAGE);
    LAC_TEST_NEED(lac_wire_read(w, &lac_routing_type, &out->routing, routing->record.value,
                                header_of(&routing->record, "content-type"), &f->scratch,
                                &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_wire_read(w, &lac_decision_type, &out->decision, lineage->record.value,
                                header_of(&lineage->record, "content-type"), &f->scratch,
                                &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_decision_core_decode(&out->core, out->decision.core, &f->scratch, &f->err) ==
                  LAC_OK);
    lac_event_id_make(&id, f->shared.origin, lac_str_from(m->topic), m->partition, m->offset,
                      m->timestamp);
    lac_event_id_format(text, &id);
    CU_ASSERT(memcmp(&out->routing.event_id, &id, sizeof(id)) == 0);
    CU_ASSERT(memcmp(&out->decision.event_id, &id, sizeof(id)) == 0);
    CU_ASSERT(lac_str_is(lineage->record.key, text));
    CU_ASSERT(lac_str_eq(routing->record.key, m->key));
    CU_ASSERT(lac_str_is(header_of(&routing->record, "lacuna-event-id"), text));
    CU_ASSERT(
        lac_str_is(header_of(&routing->record, "lacuna-tier"), lac_tier_name(out->routing.tier)));
    lac_sha256(hash.bytes, out->decision.core.ptr, out->decision.core.len);
    CU_ASSERT(memcmp(&out->decision.decision_hash, &hash, sizeof(hash)) == 0);
    CU_ASSERT(memcmp(&out->routing.decision_hash, &hash, sizeof(hash)) == 0);
    LAC_TEST_EQ(out->core.tier, out->routing.tier);
    LAC_TEST_EQ(out->core.route_count, out->routing.route_count);
}

static void json_and_avro_become_records_that_agree(void)
{
    static const struct lac_kafka_header is_json[] = {
        {LAC_STR("content-type"), LAC_STR("application/json")}};
    struct fixture f;
    struct pair p[3];

    open_fixture(&f, LAC_TOPIC_REQUESTS);
    f.msgs[0] = message(10, json("{\"text\":\"my SSN is 536-22-1234\"}"), is_json, 1);
    f.msgs[1] = message(11, avro(&f, "my SSN is 536-22-1234"), NULL, 0);
    f.msgs[2] = message(12, json("{\"text\":\"good morning\",\"request_id\":\"r-1\"}"), NULL, 0);
    run(&f, 3);
    LAC_TEST_EQ(f.batch.record_count, 6);
    LAC_TEST_EQ(f.batch.reject_count, 0);
    for (size_t i = 0; i < 3; i++)
        read_pair(&f, 2 * i, &f.msgs[i], &p[i]);
    LAC_TEST_EQ(p[0].core.tier, LAC_TIER_PROPRIETARY);
    LAC_TEST_EQ(p[1].core.tier, p[0].core.tier);
    CU_ASSERT(p[0].core.findings_count > 0);
    CU_ASSERT(lac_str_is(p[2].routing.request_id, "r-1"));
    CU_ASSERT(lac_str_is(p[0].decision.origin.origin, "origin-1"));
    CU_ASSERT(lac_str_is(p[0].decision.origin.topic, "lacuna.requests"));
    LAC_TEST_EQ(p[0].decision.origin.partition, 3);
    LAC_TEST_EQ(p[0].decision.origin.offset, 10);
    LAC_TEST_EQ(p[0].decision.queued_us, 500000);
    CU_ASSERT(lac_str_is(p[0].decision.instance, "instance-1"));
    close_fixture(&f);
}

/* A timestamp is a client's word. */
static void nothing_has_waited_since_a_time_that_is_none(void)
{
    static const struct {
        int64_t timestamp, queued_us;
    } rows[] = {{0, 1700000000500000},
                {1700000000499, 1000},
                {1700000000500, 0},
                {1700000000501, 0},
                {-1, 0},
                {INT64_MIN, 0},
                {INT64_MAX, 0},
                {INT64_MAX / 1000 + 1, 0},
                {(int64_t)1 << 62, 0}};
    struct fixture f;
    struct pair p;

    open_fixture(&f, LAC_TOPIC_REQUESTS);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("timestamp %lld", (long long)rows[i].timestamp);
        f.msgs[0] = message(1, json("{\"text\":\"good morning\"}"), NULL, 0);
        f.msgs[0].timestamp = rows[i].timestamp;
        run(&f, 1);
        read_pair(&f, 0, &f.msgs[0], &p);
        LAC_TEST_EQ(p.decision.queued_us, rows[i].queued_us);
    }
    close_fixture(&f);
}

static void bad_messages_are_rejected_alone(void)
{
    struct fixture f;
    struct pair p;
    struct lac_str whole;

    open_fixture(&f, LAC_TOPIC_REQUESTS);
    whole = avro(&f, "good morning");
    f.msgs[0] = message(1, (struct lac_str){whole.ptr, whole.len - 1}, NULL, 0);
    f.msgs[1] = message(2, json("{\"text\":\"good morning\"}"), NULL, 0);
    f.msgs[2] = message(3, LAC_STR_NULL, NULL, 0);
    f.msgs[3] = message(4, json("{\"text\":"), NULL, 0);
    f.msgs[4] = message(5, json("{\"secret words\":1}"), NULL, 0);
    run(&f, 5);
    LAC_TEST_EQ(f.batch.record_count, 2);
    read_pair(&f, 0, &f.msgs[1], &p);
    LAC_TEST_EQ(f.batch.reject_count, 4);
    LAC_TEST_STR(f.batch.rejects[0].reason, "undecodable");
    LAC_TEST_STR(f.batch.rejects[1].reason, "");
    LAC_TEST_STR(f.batch.rejects[2].reason, "empty");
    LAC_TEST_STR(f.batch.rejects[3].reason, "undecodable");
    LAC_TEST_STR(f.batch.rejects[4].reason, "undecodable");
    close_fixture(&f);
}

static void all_bad_is_still_a_batch(void)
{
    struct fixture f;

    open_fixture(&f, LAC_TOPIC_REQUESTS);
    f.msgs[0] = message(1, json("?"), NULL, 0);
    run(&f, 1);
    LAC_TEST_EQ(f.batch.record_count, 0);
    LAC_TEST_EQ(f.batch.reject_count, 1);
    close_fixture(&f);
}

static void only_the_bridge_gets_replies(void)
{
    static const struct {
        const char *what;
        enum lac_topic_id input;
        struct lac_str partition;
        size_t replies;
    } rows[] = {
        {"interactive", LAC_TOPIC_REQUESTS_INTERACTIVE, LAC_STR("7"), 1},
        {"bulk", LAC_TOPIC_REQUESTS, LAC_STR("7"), 0},
        {"replay", LAC_TOPIC_REPLAY, LAC_STR("7"), 0},
        {"no partition", LAC_TOPIC_REQUESTS_INTERACTIVE, {NULL, 0}, 0},
        {"negative", LAC_TOPIC_REQUESTS_INTERACTIVE, LAC_STR("-1"), 0},
        {"text", LAC_TOPIC_REQUESTS_INTERACTIVE, LAC_STR("7x"), 0},
        {"empty", LAC_TOPIC_REQUESTS_INTERACTIVE, LAC_STR(""), 0},
        {"too large", LAC_TOPIC_REQUESTS_INTERACTIVE, LAC_STR("4294967303"), 0},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_kafka_header headers[] = {
            {LAC_STR("lacuna-correlation-id"), LAC_STR("c-1")},
            {LAC_STR("lacuna-reply-partition"), rows[i].partition}};
        struct fixture f;

        lac_test_row("%s", rows[i].what);
        open_fixture(&f, rows[i].input);
        f.msgs[0] = message(1, json("{\"text\":\"hello\",\"tenant\":\"t\"}"), headers, 2);
        run(&f, 1);
        LAC_TEST_EQ(f.batch.record_count, 2);
        LAC_TEST_EQ(f.batch.reply_count, rows[i].replies);
        if (rows[i].replies) {
            const struct lac_kafka_record *r = &f.batch.replies[0].record;

            LAC_TEST_EQ(f.batch.replies[0].topic, LAC_CLASSIFY_REPLIES);
            LAC_TEST_EQ(r->partition, 7);
            CU_ASSERT(lac_str_is(r->key, "c-1"));
            CU_ASSERT(lac_str_is(header_of(r, "lacuna-correlation-id"), "c-1"));
            CU_ASSERT(lac_str_eq(r->value, f.batch.records[1].record.value));
        }
        close_fixture(&f);
    }
}

static void the_topic_decides_whose_tenant_counts(void)
{
    static const struct {
        enum lac_topic_id input;
        const char *want;
    } rows[] = {{LAC_TOPIC_REQUESTS, "default"},
                {LAC_TOPIC_REQUESTS_INTERACTIVE, "acme"},
                {LAC_TOPIC_REPLAY, "acme"}};

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct fixture f;
        struct pair p;

        lac_test_row("input %d", (int)rows[i].input);
        open_fixture(&f, rows[i].input);
        f.msgs[0] = message(1, json("{\"text\":\"hello\",\"tenant\":\"acme\"}"), NULL, 0);
        run(&f, 1);
        read_pair(&f, 0, &f.msgs[0], &p);
        CU_ASSERT(lac_str_is(p.core.tenant, rows[i].want));
        CU_ASSERT(lac_str_is(p.routing.tenant, rows[i].want));
        close_fixture(&f);
    }
}

static void a_trace_is_kept_only_when_it_is_one(void)
{
    static const struct {
        struct lac_str value;
        bool kept;
    } rows[] = {
        {LAC_STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), true},
        {LAC_STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), true},
        {LAC_STR("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later"), true},
        {LAC_STR("00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), false},
        {LAC_STR("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), false},
        {LAC_STR("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"), false},
        {LAC_STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"), false},
        {LAC_STR("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), false},
        {LAC_STR("00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"), false},
        {LAC_STR("my secret"), false},
        {LAC_STR(""), false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_kafka_header header = {LAC_STR("traceparent"), rows[i].value};
        struct fixture f;
        struct pair p;

        lac_test_row("row %zu", i);
        open_fixture(&f, LAC_TOPIC_REQUESTS);
        f.msgs[0] = message(1, json("{\"text\":\"hello\"}"), &header, 1);
        run(&f, 1);
        read_pair(&f, 0, &f.msgs[0], &p);
        LAC_TEST_EQ(header_of(&f.batch.records[0].record, "traceparent").len,
                    rows[i].kept ? LAC_TRACE_SIZE - 1 : 0);
        CU_ASSERT(lac_str_is(p.decision.trace_id,
                             rows[i].kept ? "4bf92f3577b34da6a3ce929d0e0e4736" : ""));
        close_fixture(&f);
    }
}

/* Wherever the memory ends: the lane comes again with more of it, nothing is rejected. */
/* What the pack would still pay to know goes on to an LLM tier, where there is one. */
static void open_requests_are_escalated(void)
{
    static const char open_text[] = "what did we promise them before the merger?";
    struct lac_escalation e;
    const struct lac_kafka_record *r;
    struct fixture f;
    struct pair pair;

    open_fixture(&f, LAC_TOPIC_REQUESTS);
    f.msgs[0] = message(1, avro(&f, open_text), NULL, 0);
    f.msgs[1] = message(2, avro(&f, "card 4111 1111 1111 1111"), NULL, 0); /* certain */
    run(&f, 2);
    LAC_TEST_EQ(f.batch.record_count, 4); /* no LLM tier: nothing is escalated */
    read_pair(&f, 0, &f.msgs[0], &pair);
    CU_ASSERT(pair.decision.final && pair.routing.final);
    lac_batch_reset(&f.batch);
    f.shared.escalate = true;
    run(&f, 2);
    LAC_TEST_NEED(f.batch.record_count == 5);
    read_pair(&f, 0, &f.msgs[0], &pair);
    CU_ASSERT(!pair.decision.final && !pair.routing.final);
    LAC_TEST_EQ(f.batch.records[2].topic, LAC_CLASSIFY_ESCALATIONS);
    r = &f.batch.records[2].record;
    LAC_TEST_NEED(lac_wire_read(lac_classify_lane_wire(f.lane), &lac_escalation_type, &e, r->value,
                                header_of(r, "content-type"), &f.scratch, &f.err) == LAC_OK);
    CU_ASSERT(memcmp(&e.event_id, &pair.routing.event_id, sizeof(e.event_id)) == 0);
    LAC_TEST_EQ(e.revision, 1);
    LAC_TEST_EQ(e.origin.offset, 1);
    CU_ASSERT(lac_str_eq(e.request, f.msgs[0].value));
    LAC_TEST_EQ(e.posterior.internal, pair.core.posterior.internal);
    CU_ASSERT(e.candidates_count > 1 && e.candidates[0] < e.candidates[1]);
    read_pair(&f, 3, &f.msgs[1], &pair);
    CU_ASSERT(pair.decision.final && pair.routing.final);
    close_fixture(&f);
}

static void a_full_arena_is_told(void)
{
    struct fixture f;
    enum lac_status status = LAC_AGAIN;
    size_t full = 0;

    open_fixture(&f, LAC_TOPIC_REQUESTS);
    f.msgs[0] = message(1, json("{\"text\":\"hello\"}"), NULL, 0);
    for (size_t left = 0; status != LAC_OK && left < 64 << 10; left += 32) {
        lac_arena_reset(&f.arena);
        LAC_TEST_NEED(lac_arena_take(&f.arena, f.arena.size - left));
        lac_batch_open(&f.batch, f.msgs, 1);
        status = f.stage.run(f.stage.ctx, &f.batch, &f.err);
        CU_ASSERT(status == LAC_AGAIN || status == LAC_OK);
        LAC_TEST_EQ(f.batch.reject_count, 0);
        full += status == LAC_AGAIN;
    }
    LAC_TEST_EQ(status, LAC_OK);
    CU_ASSERT(full > 10);
    close_fixture(&f);
}

LAC_TEST_MAIN(classify, json_and_avro_become_records_that_agree,
              nothing_has_waited_since_a_time_that_is_none, bad_messages_are_rejected_alone,
              all_bad_is_still_a_batch, only_the_bridge_gets_replies,
              the_topic_decides_whose_tenant_counts, a_trace_is_kept_only_when_it_is_one,
              open_requests_are_escalated, a_full_arena_is_told)
