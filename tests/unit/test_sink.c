/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a Decision becomes exactly the row that is written down, whatever a request put into it;
 * what can't be read is rejected alone. */
#include "sink_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_records.h"
#include "sink_row.h"

#include "lac_test.h"

enum { ARENA = 1 << 20, MESSAGES = 8 };

static struct lac_finding findings[3];
static struct lac_str tags[] = {LAC_STR("customer"), LAC_STR("pii")};
static struct lac_str route[] = {LAC_STR("local_rag")};

static void fill_core(struct lac_decision_core *core)
{
    for (int i = 0; i < 3; i++) {
        lac_finding_init(&findings[i]);
        findings[i].rule = i ? LAC_STR("customer") : LAC_STR("email");
        findings[i].entity = i ? LAC_STR("CUSTOMER") : LAC_STR("EMAIL_ADDRESS");
        findings[i].start = INT64_C(10) * i;
        findings[i].end = INT64_C(10) * i + 5;
        findings[i].tier = LAC_TIER_PROPRIETARY;
        findings[i].score = 1000000 - i;
    }
    findings[2].strength = LAC_STRENGTH_OPINION;
    findings[2].field = LAC_STR("/metadata/a\"\xc3\xbc");
    lac_decision_core_init(core);
    core->tenant = LAC_STR("acme");
    core->tier = LAC_TIER_INTERNAL;
    core->posterior = (struct lac_posterior){100000, 300000, 600000};
    core->tags = tags;
    core->tags_count = LAC_COUNT(tags);
    core->route = route;
    core->route_count = LAC_COUNT(route);
    core->findings = findings;
    core->findings_count = LAC_COUNT(findings);
    core->stop = LAC_STOP_FLOOR;
    core->engine = LAC_STR("rules/1");
    memset(core->pack_hash.bytes, 0xaa, sizeof(core->pack_hash.bytes));
}

static void fill_decision(struct lac_decision *d)
{
    lac_decision_init(d);
    for (size_t i = 0; i < sizeof(d->event_id.bytes); i++)
        d->event_id.bytes[i] = (uint8_t)i;
    d->revision = 1;
    d->final = true;
    d->request_id = LAC_STR("r-1");
    d->has_user = true;
    d->user.id = LAC_STR("u-1");
    d->user.role = LAC_STR("analyst");
    d->project = LAC_STR("apollo");
    d->origin.origin = LAC_STR("cluster");
    d->origin.topic = LAC_STR("lacuna.requests");
    d->origin.partition = 3;
    d->origin.offset = 77;
    d->origin.timestamp = 1700000000123;
    d->decided_at = 1700000000456789;
    d->queued_us = 5;
    d->decide_us = 6;
    d->instance = LAC_STR("i");
    d->program_version = LAC_STR("0.1.0");
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 65536);
    size_t n;

    LAC_TEST_NEED(f != NULL && text != NULL);
    n = fread(text, 1, 65535, f);
    (void)fclose(f);
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    return text;
}

/* Change it on purpose only: rows of two versions stand in one table. */
static void row_is_the_golden_one(void)
{
    static char memory[8192], hex[16385];
    char *golden = read_text("tests/golden/sink/decision_row.hex");
    struct lac_decision_core core;
    struct lac_decision d;
    struct lac_buf b;

    fill_core(&core);
    fill_decision(&d);
    memset(d.decision_hash.bytes, 0xbb, sizeof(d.decision_hash.bytes));
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    sink_row_put(&b, &d, &core, LAC_STR("the record"));
    LAC_TEST_NEED(lac_buf_ok(&b));
    lac_hex_encode(hex, b.ptr, b.len);
    LAC_TEST_STR(hex, golden);
    free(golden);
}

static bool contains(const struct lac_buf *b, const char *text)
{
    return memmem(b->ptr, b->len, text, strlen(text)) != NULL;
}

static void hostile_text_fits_its_column(void)
{
    static char memory[16384], huge[4096];
    struct lac_decision_core core;
    struct lac_decision d;
    struct lac_buf b;

    memset(huge, 'h', sizeof(huge));
    fill_core(&core);
    fill_decision(&d);
    d.request_id = (struct lac_str){huge, sizeof(huge)};
    d.session = (struct lac_str){"a\0b", 3};
    findings[0].field = (struct lac_str){"/metadata/x\0y", 13};
    d.origin.timestamp = INT64_MAX;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    sink_row_put(&b, &d, &core, LAC_STR("the record"));
    LAC_TEST_NEED(lac_buf_ok(&b));
    CU_ASSERT(memmem(b.ptr, b.len, huge, SINK_TEXT_MAX) != NULL);
    CU_ASSERT(memmem(b.ptr, b.len, huge, SINK_TEXT_MAX + 1) == NULL);
    CU_ASSERT(contains(&b, "a\xef\xbf\xbd"
                           "b"));
    CU_ASSERT(contains(&b, "\"field\":\"/metadata/x?y\""));
    CU_ASSERT(!contains(&b, "\\u0000"));
}

/* ---- stage ---- */

struct bench {
    struct lac_arena arena;
    struct lac_batch batch;
    struct sink_stage stage;
    struct lac_kafka_msg msgs[MESSAGES];
    char values[MESSAGES][4096];
    size_t count;
};

static void set_up(struct bench *b)
{
    *b = (struct bench){0};
    LAC_TEST_NEED(lac_arena_init(&b->arena, ARENA, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_batch_init(&b->batch, &b->arena, MESSAGES, MESSAGES, NULL) == LAC_OK);
    LAC_TEST_NEED(sink_stage_init(&b->stage, NULL, NULL) == LAC_OK);
}

static void tear_down(struct bench *b)
{
    sink_stage_deinit(&b->stage);
    lac_batch_deinit(&b->batch);
    lac_arena_deinit(&b->arena);
}

static void add_value(struct bench *b, const void *value, size_t n)
{
    LAC_TEST_NEED(b->count < MESSAGES && n <= sizeof(b->values[0]));
    memcpy(b->values[b->count], value, n);
    b->msgs[b->count] = (struct lac_kafka_msg){
        .topic = "lineage", .offset = (int64_t)b->count, .value = {b->values[b->count], n}};
    b->count++;
}

/* A record as lacuna-classify writes it, with the given lie in its hash. */
static void add_decision(struct bench *b, uint8_t lie)
{
    static char core_bytes[4096];
    struct lac_decision_core core;
    struct lac_decision d;
    struct lac_wire *wire = NULL;
    struct lac_str bytes = LAC_STR_NULL;

    fill_core(&core);
    fill_decision(&d);
    d.core = (struct lac_str){core_bytes, lac_decision_core_encode(&core, core_bytes)};
    lac_sha256(d.decision_hash.bytes, d.core.ptr, d.core.len);
    d.decision_hash.bytes[0] ^= lie;
    LAC_TEST_NEED(lac_wire_open(&wire, NULL, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_wire_write(wire, &lac_decision_type, &d, &b->arena, &bytes, NULL) == LAC_OK);
    add_value(b, bytes.ptr, bytes.len);
    lac_wire_close(wire);
}

static void bad_records_are_rejected_alone(void)
{
    struct lac_err err = {0};
    struct bench b;

    set_up(&b);
    add_decision(&b, 0);
    add_value(&b, "not a record", 12);
    add_decision(&b, 1); /* a hash that is not its core's */
    add_decision(&b, 0);
    add_value(&b, "", 0);
    b.msgs[4].value = LAC_STR_NULL;
    add_value(&b, b.values[0], b.msgs[0].value.len - 3);
    add_decision(&b, 0);
    lac_batch_open(&b.batch, b.msgs, b.count);
    LAC_TEST_EQ(sink_stage_run(&b.stage, &b.batch, &err), LAC_OK);
    LAC_TEST_EQ(b.batch.row_count, 3);
    LAC_TEST_EQ(b.batch.rows[0].index, 0);
    LAC_TEST_EQ(b.batch.rows[1].index, 3);
    LAC_TEST_EQ(b.batch.rows[2].index, 6);
    LAC_TEST_EQ(b.batch.reject_count, 4);
    CU_ASSERT(lac_batch_rejected(&b.batch, 1) && lac_batch_rejected(&b.batch, 2) &&
              lac_batch_rejected(&b.batch, 4) && lac_batch_rejected(&b.batch, 5));
    LAC_TEST_STR(b.batch.rejects[2].detail, "decision_hash is not that of core");
    LAC_TEST_STR(b.batch.rejects[1].reason, "undecodable");
    tear_down(&b);
}

static void row_carries_the_value_as_it_stood_on_the_topic(void)
{
    struct lac_str row;
    struct bench b;

    set_up(&b);
    add_decision(&b, 0);
    lac_batch_open(&b.batch, b.msgs, b.count);
    LAC_TEST_EQ(sink_stage_run(&b.stage, &b.batch, NULL), LAC_OK);
    LAC_TEST_NEED(b.batch.row_count == 1);
    row = b.batch.rows[0].row;
    LAC_TEST_NEED(row.len > b.msgs[0].value.len);
    CU_ASSERT(memcmp(row.ptr + row.len - b.msgs[0].value.len, b.msgs[0].value.ptr,
                     b.msgs[0].value.len) == 0);
    tear_down(&b);
}

static void full_arena_says_again(void)
{
    struct lac_arena small;
    struct bench b;

    set_up(&b);
    add_decision(&b, 0);
    LAC_TEST_NEED(lac_arena_init(&small, 512, NULL) == LAC_OK);
    b.batch.arena = &small;
    lac_batch_open(&b.batch, b.msgs, b.count);
    LAC_TEST_EQ(sink_stage_run(&b.stage, &b.batch, NULL), LAC_AGAIN);
    lac_arena_deinit(&small);
    tear_down(&b);
}

LAC_TEST_MAIN(sink, row_is_the_golden_one, hostile_text_fits_its_column,
              bad_records_are_rejected_alone, row_carries_the_value_as_it_stood_on_the_topic,
              full_arena_says_again)
