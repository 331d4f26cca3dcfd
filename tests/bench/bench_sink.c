/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.copy    records as they stand on the topic, through stage and output into table decisions,
 *              against a bare COPY BINARY of the same rows, encoded before the clock starts
 * sink.output  the output alone: the same rows on both sides, encoded before
 *
 * Same table with the same indexes, emptied before each round; the same rows in a transaction
 * and the same synchronous_commit (the server's). Ours also moves sink_offset in each.
 */
#include "lac_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_batch.h"
#include "lac_clock.h"
#include "lac_digest.h"
#include "lac_output_pg.h"
#include "lac_pg_copy.h"
#include "lac_pg_migrate.h"
#include "lac_records.h"
#include "sink_row.h"
#include "sink_stage.h"

enum {
    ROWS = 50000,
    TRANSACTION = 10000, /* sink.batch_rows */
    BATCH = 256,         /* as lacuna-sink */
    RECORD_MAX = 4096,
    ARENA = 96 << 20,
};

struct bench {
    size_t count;
    struct lac_kafka_msg *msgs;
    struct lac_str *rows;
    struct lac_buf records, encoded; /* own the bytes of both */
    struct lac_pg *pg;               /* baseline and housekeeping */
    struct lac_output_pg *output;
    struct lac_output out;
    struct sink_stage stage;
    struct lac_arena arena;
    struct lac_batch batch;
    bool with_stage;
};

static bool ok(enum lac_status status, const struct lac_err *err)
{
    if (status != LAC_OK)
        fprintf(stderr, "sink: %s: %s\n", lac_status_name(status), err->text);
    return status == LAC_OK;
}

static enum lac_status origin(void *ctx, char out[LAC_OUTPUT_PG_ORIGIN_SIZE], struct lac_err *err)
{
    (void)ctx;
    (void)err;
    (void)snprintf(out, LAC_OUTPUT_PG_ORIGIN_SIZE, "bench");
    return LAC_OK;
}

/* ---- records like those of a busy day ---- */

static void fill_core(struct lac_decision_core *core, struct lac_finding findings[3])
{
    static struct lac_str tags[] = {LAC_STR("customer"), LAC_STR("pii")};
    static struct lac_str route[] = {LAC_STR("local_rag")};

    for (int i = 0; i < 3; i++) {
        lac_finding_init(&findings[i]);
        findings[i].rule = i ? LAC_STR("customer_name") : LAC_STR("email");
        findings[i].entity = i ? LAC_STR("CUSTOMER") : LAC_STR("EMAIL_ADDRESS");
        findings[i].start = INT64_C(20) * i;
        findings[i].end = INT64_C(20) * i + 12;
        findings[i].tier = LAC_TIER_PROPRIETARY;
        findings[i].score = 950000;
    }
    lac_decision_core_init(core);
    core->tenant = LAC_STR("default");
    core->tier = LAC_TIER_PROPRIETARY;
    core->posterior = (struct lac_posterior){100000, 300000, 600000};
    core->tags = tags;
    core->tags_count = LAC_COUNT(tags);
    core->route = route;
    core->route_count = LAC_COUNT(route);
    core->findings = findings;
    core->findings_count = 3;
    core->engine = LAC_STR("rules/1");
    core->commitment_key = LAC_STR("default");
}

static size_t encode_record(char *out, size_t i, int64_t now_ms)
{
    static const unsigned char magic[] = {0xc3, 0x01};
    struct lac_finding findings[3];
    struct lac_decision_core core;
    struct lac_decision d;
    char core_bytes[RECORD_MAX], request_id[32];
    unsigned char hash[LAC_SHA256_SIZE];

    fill_core(&core, findings);
    lac_decision_init(&d);
    d.core = (struct lac_str){core_bytes, lac_decision_core_encode(&core, core_bytes)};
    lac_sha256(d.decision_hash.bytes, d.core.ptr, d.core.len);
    lac_sha256(hash, &i, sizeof(i));
    memcpy(d.event_id.bytes, hash, sizeof(d.event_id.bytes));
    (void)snprintf(request_id, sizeof(request_id), "request-%08zu", i);
    d.request_id = lac_str_from(request_id);
    d.has_user = true;
    d.user.id = LAC_STR("someone@example.com");
    d.project = LAC_STR("apollo");
    d.origin.origin = LAC_STR("bench");
    d.origin.topic = LAC_STR("lacuna.requests");
    d.origin.partition = (int32_t)(i % 12);
    d.origin.offset = (int64_t)i / 12;
    d.origin.timestamp = now_ms + (int64_t)i / 10;
    d.decided_at = (now_ms + (int64_t)i / 10) * 1000;
    d.instance = LAC_STR("lacuna-classify-0");
    d.program_version = LAC_STR("0.1.0");
    memcpy(out, magic, sizeof(magic));
    for (int b = 0; b < 8; b++) /* little-endian, as single-object encoding has it */
        out[2 + b] = (char)(lac_decision_type.fingerprint >> (8 * b) & 0xff);
    return 10 + lac_decision_encode(&d, out + 10);
}

static bool make_records(struct bench *b)
{
    int64_t now_ms = lac_clock_wall_ms();

    for (size_t i = 0; i < b->count; i++) {
        char *out = lac_buf_reserve(&b->records, RECORD_MAX);
        size_t n;

        if (!out)
            return false;
        n = encode_record(out, i, now_ms);
        lac_buf_commit(&b->records, n);
        b->msgs[i] = (struct lac_kafka_msg){
            .topic = "bench.lineage", .offset = (int64_t)i, .value = {NULL, n}};
    }
    for (size_t i = 0, at = 0; i < b->count; at += b->msgs[i++].value.len)
        b->msgs[i].value.ptr = b->records.ptr + at;
    return true;
}

/* The rows as the stage makes them, kept. */
static bool make_rows(struct bench *b)
{
    struct lac_err err = {0};
    size_t n = 0;

    for (size_t at = 0; at < b->count; at += BATCH) {
        size_t size = b->count - at < BATCH ? b->count - at : BATCH;

        lac_batch_open(&b->batch, b->msgs + at, size);
        if (!ok(sink_stage_run(&b->stage, &b->batch, &err), &err))
            return false;
        if (b->batch.row_count != size)
            return ok(lac_err_set(&err, LAC_FATAL, 0, "a record was refused"), &err);
        for (size_t i = 0; i < size; i++) {
            lac_buf_put_str(&b->encoded, b->batch.rows[i].row);
            b->rows[n++].len = b->batch.rows[i].row.len;
        }
        lac_batch_reset(&b->batch);
        lac_arena_reset(&b->arena);
    }
    for (size_t i = 0, at = 0; i < n; at += b->rows[i++].len)
        b->rows[i].ptr = b->encoded.ptr + at;
    return lac_buf_ok(&b->encoded);
}

/* ---- the two sides ---- */

static bool empty_tables(struct bench *b)
{
    struct lac_err err = {0};

    return ok(lac_pg_exec(b->pg, "TRUNCATE decisions, decision_conflict", &err), &err) &&
           ok(lac_pg_exec(b->pg, "CHECKPOINT", &err), &err);
}

static enum lac_status run_batch(struct bench *b, size_t at, size_t n, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    lac_batch_open(&b->batch, b->msgs + at, n);
    if (b->with_stage)
        status = sink_stage_run(&b->stage, &b->batch, err);
    for (size_t i = 0; !b->with_stage && i < n; i++)
        b->batch.rows[b->batch.row_count++] = (struct lac_batch_row){i, b->rows[at + i]};
    return status == LAC_OK ? b->out.ops->write(b->out.ctx, &b->batch, err) : status;
}

static double ours(void *ctx)
{
    struct bench *b = ctx;
    struct lac_err err = {0};
    struct lac_kafka_position p = {"bench.lineage", 0, LAC_KAFKA_STORED};
    int64_t first;
    uint64_t began;

    if (!empty_tables(b) || !ok(b->out.ops->start(b->out.ctx, &p, 1, true, &err), &err))
        return -1;
    first = p.offset < 0 ? 0 : p.offset; /* rounds go on where the one before ended */
    began = lac_clock_mono_ns();
    for (size_t at = 0; at < b->count;) {
        size_t left = TRANSACTION - at % TRANSACTION, n = left < BATCH ? left : BATCH;

        n = n < b->count - at ? n : b->count - at;
        if (!ok(run_batch(b, at, n, &err), &err))
            return -1;
        at += n;
        if (at % TRANSACTION != 0 && at != b->count)
            continue;
        p.offset = first + (int64_t)at;
        if (!ok(b->out.ops->commit(b->out.ctx, &p, 1, &err), &err))
            return -1;
        lac_batch_reset(&b->batch);
        lac_arena_reset(&b->arena);
    }
    return (double)b->count * 1e9 / (double)(lac_clock_mono_ns() - began);
}

static double bare(void *ctx)
{
    struct bench *b = ctx;
    struct lac_err err = {0};
    uint64_t began;

    if (!empty_tables(b))
        return -1;
    began = lac_clock_mono_ns();
    for (size_t at = 0; at < b->count; at += TRANSACTION) {
        size_t n = b->count - at < TRANSACTION ? b->count - at : TRANSACTION;
        const struct lac_str *last = &b->rows[at + n - 1];
        struct lac_str all = {b->rows[at].ptr, (size_t)(last->ptr + last->len - b->rows[at].ptr)};

        if (!ok(lac_pg_exec(b->pg, "BEGIN", &err), &err) ||
            !ok(lac_pg_copy_begin(b->pg, sink_decisions_table.copy, &err), &err) ||
            !ok(lac_pg_copy_send(b->pg, all, &err), &err) ||
            !ok(lac_pg_copy_end(b->pg, NULL, &err), &err) || !ok(lac_pg_commit(b->pg, &err), &err))
            return -1;
    }
    return (double)b->count * 1e9 / (double)(lac_clock_mono_ns() - began);
}

/* ---- around it ---- */

static bool open_output(struct bench *b, const char *url)
{
    struct lac_output_pg_options o = {.pg = {.url = url, .application = "bench"},
                                      .table = &sink_decisions_table,
                                      .log = {.ctx = b, .origin = origin},
                                      .owner = "bench",
                                      .rows_max = TRANSACTION,
                                      .months_ahead = 1};
    struct lac_pg_options direct = {.url = url, .application = "bench-baseline"};
    size_t count;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);
    struct lac_err err = {0};

    if (!ok(lac_pg_connect(&b->pg, &direct, &err), &err) ||
        !ok(lac_pg_migrate(b->pg, all, count, NULL, NULL, NULL, &err), &err) ||
        !ok(lac_output_pg_new(&b->output, &o, &err), &err))
        return false;
    b->out = lac_output_pg_output(b->output);
    return ok(b->out.ops->open(b->out.ctx, &err), &err);
}

static bool open_bench(struct bench *b, const struct lac_bench_options *o)
{
    struct lac_err err = {0};

    b->count = (size_t)(ROWS * o->scale);
    if (b->count < BATCH)
        b->count = BATCH;
    b->msgs = calloc(b->count, sizeof(*b->msgs));
    b->rows = calloc(b->count, sizeof(*b->rows));
    lac_buf_init(&b->records, b->count * RECORD_MAX);
    lac_buf_init(&b->encoded, b->count * RECORD_MAX);
    return b->msgs && b->rows && ok(lac_arena_init(&b->arena, ARENA, &err), &err) &&
           ok(lac_batch_init(&b->batch, &b->arena, BATCH, BATCH, &err), &err) &&
           ok(sink_stage_init(&b->stage, NULL, &err), &err) && open_output(b, o->postgres) &&
           make_records(b) && make_rows(b);
}

static void close_bench(struct bench *b)
{
    if (b->output)
        b->out.ops->close(b->out.ctx);
    lac_output_pg_free(b->output);
    lac_pg_close(b->pg);
    sink_stage_deinit(&b->stage);
    lac_batch_deinit(&b->batch);
    lac_arena_deinit(&b->arena);
    lac_buf_deinit(&b->records);
    lac_buf_deinit(&b->encoded);
    free(b->msgs);
    free(b->rows);
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench b = {.with_stage = strcmp(self->name, "sink.copy") == 0};
    struct lac_bench_pair pair = {.name = self->name,
                                  .baseline_name = "bare COPY BINARY",
                                  .unit = "rows/s",
                                  .ours = ours,
                                  .baseline = bare,
                                  .ctx = &b,
                                  .rounds = 9};
    int status = open_bench(&b, o) ? lac_bench_run_pair(&pair, o) : 1;

    close_bench(&b);
    return status;
}

LAC_BENCH_CASES({"sink.copy", "postgres", run}, {"sink.output", "postgres", run});
