/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_row.h"

#include <string.h>

#include "lac_answer.h"
#include "lac_json.h"
#include "lac_pg_copy.h"

/* In the order of sink_row_put(). */
#define COLUMNS                                                                                   \
    "origin_time, event_id, revision, final, tenant, tier, confidence_ppm, request_id, "          \
    "user_id, user_role, department, session, project, environment, purpose, resource, origin, "  \
    "origin_topic, origin_partition, origin_offset, tags, route, rules, entities, stop, engine, " \
    "pack_hash, model_hash, decision_hash, decided_at, queued_us, decide_us, instance, "          \
    "program_version, trace_id, excerpt, findings, decision"

enum { COLUMN_COUNT = 38 };

const struct lac_output_pg_table sink_decisions_table = {
    .copy = "COPY decisions (" COLUMNS ") FROM STDIN (FORMAT binary)",
    .stage = "CREATE TEMP TABLE IF NOT EXISTS decisions_stage (LIKE decisions)"
             " ON COMMIT DELETE ROWS",
    .stage_copy = "COPY decisions_stage (" COLUMNS ") FROM STDIN (FORMAT binary)",
    .stage_insert = "INSERT INTO decisions (" COLUMNS ") SELECT " COLUMNS
                    " FROM decisions_stage ON CONFLICT DO NOTHING",
    /* The core decides whether two decisions are the same: the rest (times, instance) is about
     * the run. Both rows of a contradiction inside one interval are in the stage, and the one
     * that was not inserted differs from the one that was. */
    .stage_evidence =
        "INSERT INTO decision_conflict (origin_time, event_id, revision, decision_hash, tier,"
        " stored_decision_hash, decision)"
        " SELECT s.origin_time, s.event_id, s.revision, s.decision_hash, s.tier, d.decision_hash,"
        " s.decision"
        " FROM decisions_stage s JOIN decisions d USING (origin_time, event_id, revision)"
        " WHERE s.decision_hash <> d.decision_hash ON CONFLICT DO NOTHING",
    .make_partition = "SELECT lacuna_make_partition($1)",
    .make_ahead = "SELECT lacuna_make_partitions($1::integer)",
};

static const char *const stops[LAC_STOP_COUNT] = {
    [LAC_STOP_FLOOR] = "floor",
    [LAC_STOP_SETTLED] = "settled",
    [LAC_STOP_EXHAUSTED] = "exhausted",
    [LAC_STOP_DEADLINE] = "deadline",
    [LAC_STOP_UNAVAILABLE] = "unavailable",
};

static const char *const strengths[] = {
    [LAC_STRENGTH_FLOOR] = "floor",
    [LAC_STRENGTH_OPINION] = "opinion",
};

static void put_text(struct lac_buf *b, struct lac_str s)
{
    lac_pg_put_text_cut(b, s, SINK_TEXT_MAX);
}

static void put_name(struct lac_buf *b, const char *name)
{
    lac_pg_put_bytes(b, lac_str_from(name));
}

static void put_hash(struct lac_buf *b, const struct lac_hash256 *h)
{
    lac_pg_put_bytes(b, (struct lac_str){(const char *)h->bytes, sizeof(h->bytes)});
}

/* A Kafka timestamp is a client's word: anything that fits 64 bits. */
static int64_t us_from_ms(int64_t ms)
{
    int64_t us;

    if (__builtin_mul_overflow(ms, 1000, &us))
        return ms < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

/* rules (offset of .rule) or entities (offset of .entity), each once, in order of appearance. */
static void put_unique(struct lac_buf *b, const struct lac_decision_core *core, size_t offset)
{
    struct lac_str seen[SINK_UNIQUE_MAX];
    size_t count = 0;
    size_t mark = lac_pg_open_text_array(b);

    for (size_t i = 0; i < core->findings_count && count < SINK_UNIQUE_MAX; i++) {
        struct lac_str s;
        size_t at = 0;

        memcpy(&s, (const char *)&core->findings[i] + offset, sizeof(s));
        while (at < count && !lac_str_eq(seen[at], s))
            at++;
        if (at < count)
            continue;
        seen[count++] = s;
        put_text(b, s);
    }
    lac_pg_close_text_array(b, mark, count);
}

/* Printable ASCII without quote and backslash, as the names in packs are: needs no escape. */
static bool is_plain(struct lac_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

/* A JSON string. jsonb takes no NUL, not even escaped. */
static void put_json_string(struct lac_buf *b, struct lac_str s)
{
    char clean[SINK_TEXT_MAX];
    struct lac_json_writer w;

    if (is_plain(s)) {
        lac_buf_put_char(b, '"');
        lac_buf_put_str(b, s);
        lac_buf_put_char(b, '"');
        return;
    }
    if (memchr(s.ptr, 0, s.len)) {
        s.len = s.len < sizeof(clean) ? s.len : sizeof(clean);
        for (size_t i = 0; i < s.len; i++)
            clean[i] = (char)(s.ptr[i] ? s.ptr[i] : '?');
        s.ptr = clean;
    }
    lac_json_begin(&w, b);
    lac_json_put_str(&w, s);
}

static void put_number(struct lac_buf *b, int64_t n)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n < 0)
        digits[--at] = '-';
    lac_buf_put(b, digits + at, sizeof(digits) - at);
}

/* The members of the record Finding, under their names. Spelled out: going through the writer of
 * common/json for each key took a third of the whole row's time. */
static void put_findings(struct lac_buf *b, const struct lac_decision_core *core)
{
    size_t mark = lac_pg_open_jsonb(b);

    lac_buf_put_char(b, '[');
    for (size_t i = 0; i < core->findings_count; i++) {
        const struct lac_finding *f = &core->findings[i];

        lac_buf_put_str(b, i ? LAC_STR(",{\"rule\":") : LAC_STR("{\"rule\":"));
        put_json_string(b, f->rule);
        lac_buf_put_str(b, LAC_STR(",\"entity\":"));
        put_json_string(b, f->entity);
        lac_buf_put_str(b, LAC_STR(",\"field\":"));
        put_json_string(b, f->field);
        lac_buf_put_str(b, LAC_STR(",\"start\":"));
        put_number(b, f->start);
        lac_buf_put_str(b, LAC_STR(",\"end\":"));
        put_number(b, f->end);
        lac_buf_put_str(b, LAC_STR(",\"tier\":"));
        put_json_string(b, lac_str_from(lac_tier_name(f->tier)));
        lac_buf_put_str(b, LAC_STR(",\"strength\":"));
        put_json_string(b, lac_str_from(strengths[f->strength]));
        lac_buf_put_str(b, LAC_STR(",\"score\":"));
        put_number(b, f->score);
        lac_buf_put_char(b, '}');
    }
    lac_buf_put_char(b, ']');
    lac_pg_close_field(b, mark);
}

static void put_asker(struct lac_buf *b, const struct lac_decision *d)
{
    put_text(b, d->request_id);
    put_text(b, d->has_user ? d->user.id : LAC_STR_NULL);
    put_text(b, d->has_user ? d->user.role : LAC_STR_NULL);
    put_text(b, d->has_user ? d->user.department : LAC_STR_NULL);
    put_text(b, d->session);
    put_text(b, d->project);
    put_text(b, d->environment);
    put_text(b, d->purpose);
    put_text(b, d->resource);
}

static void put_core(struct lac_buf *b, const struct lac_decision *d,
                     const struct lac_decision_core *core)
{
    lac_pg_put_text_array(b, core->tags, core->tags_count, SINK_TEXT_MAX);
    lac_pg_put_text_array(b, core->route, core->route_count, SINK_TEXT_MAX);
    put_unique(b, core, offsetof(struct lac_finding, rule));
    put_unique(b, core, offsetof(struct lac_finding, entity));
    put_name(b, stops[core->stop]);
    put_text(b, core->engine);
    put_hash(b, &core->pack_hash);
    if (core->has_model_hash)
        put_hash(b, &core->model_hash);
    else
        lac_pg_put_null(b);
    put_hash(b, &d->decision_hash);
}

void sink_row_put(struct lac_buf *b, const struct lac_decision *d,
                  const struct lac_decision_core *core, struct lac_str record)
{
    lac_pg_put_row(b, COLUMN_COUNT);
    lac_pg_put_time_us(b, us_from_ms(d->origin.timestamp)); /* first: the output looks for it */
    lac_pg_put_uuid(b, d->event_id.bytes);
    lac_pg_put_int(b, d->revision);
    lac_pg_put_bool(b, d->final);
    put_text(b, core->tenant);
    put_name(b, lac_tier_name(core->tier));
    lac_pg_put_int(b, lac_answer_confidence(core));
    put_asker(b, d);
    put_text(b, d->origin.origin);
    put_text(b, d->origin.topic);
    lac_pg_put_int(b, d->origin.partition);
    lac_pg_put_bigint(b, d->origin.offset);
    put_core(b, d, core);
    lac_pg_put_time_us(b, d->decided_at);
    lac_pg_put_bigint(b, d->queued_us);
    lac_pg_put_bigint(b, d->decide_us);
    put_text(b, d->instance);
    put_text(b, d->program_version);
    put_text(b, d->trace_id);
    put_text(b, d->excerpt);
    put_findings(b, core);
    lac_pg_put_bytes(b, record);
}
