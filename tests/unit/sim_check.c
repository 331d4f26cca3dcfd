/* SPDX-License-Identifier: Apache-2.0 */
/* The stage, whose results are a pure function of where a record is, and what must hold. */
#include <stdio.h>
#include <string.h>

#include "lac_fuse.h"
#include "sim.h"

enum { MAGIC = 0x51a7e, LARGE_SIZE = SIM_RECORD_LIMIT + 1000 };

static uint64_t hash(const char *bytes, size_t len)
{
    uint64_t h = 14695981039346656037ULL;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)bytes[i]) * 1099511628211ULL;
    return h;
}

static int index_of(const struct sim_part *part, int64_t offset)
{
    for (size_t i = 0; i < part->count; i++)
        if (part->in[i].offset == offset)
            return (int)i;
    return -1;
}

static struct sim_result result_of(const struct sim *s, int topic, int part, int index)
{
    const struct sim_input *in = &s->part[part].in[index];

    return (struct sim_result){MAGIC, topic,      part,
                               index, in->offset, hash(in->value, in->value_len)};
}

static bool same(struct lac_str s, const char *bytes, size_t len, bool absent)
{
    if (absent || !s.ptr)
        return absent == !s.ptr;
    return lac_str_eq(s, (struct lac_str){bytes, len});
}

/* ---- the stage ---- */

static enum lac_status full(struct sim *s)
{
    sim_hit(s, SIM_EV_STAGE_FULL);
    return LAC_AGAIN;
}

static enum lac_status emit(struct sim_proc *p, struct lac_batch *b, size_t i, int topic, int part,
                            int index)
{
    struct sim_result *r = lac_arena_alloc(
        b->arena, p->hand[i]->kind == SIM_LARGE && topic == SIM_LINEAGE ? LARGE_SIZE : sizeof(*r));
    const struct lac_kafka_header header = {LAC_STR("key"), b->msgs[i].key};
    struct lac_kafka_record record = {.key = b->msgs[i].key,
                                      .partition = LAC_KAFKA_ANY_PARTITION,
                                      .headers = &header,
                                      .header_count = 1};

    if (!r)
        return full(p->s);
    *r = result_of(p->s, topic, part, index);
    record.value = (struct lac_str){(const char *)r, sizeof(*r)};
    if (p->hand[i]->kind == SIM_LARGE && topic == SIM_LINEAGE)
        record.value.len = LARGE_SIZE;
    if (p->s->mode == SIM_PG)
        return lac_batch_row(b, i, record.value) == LAC_OK ? LAC_OK : full(p->s);
    if ((topic == SIM_REPLIES ? lac_batch_reply(b, topic, &record)
                              : lac_batch_emit(b, topic, &record)) != LAC_OK)
        return full(p->s);
    return LAC_OK;
}

static enum lac_status run_one(struct sim_proc *p, struct lac_batch *b, size_t i)
{
    struct sim *s = p->s;
    struct sim_input *in = p->hand[i];
    int part = sim_part_of(s, b->msgs[i].topic, b->msgs[i].partition);
    int index = index_of(&s->part[part], in->offset);
    enum lac_status status = LAC_OK;

    if (in->kind == SIM_POISON || in->kind == SIM_TOMBSTONE) {
        lac_batch_reject(b, i, "undecodable", "the stage says so");
        return LAC_OK;
    }
    if (in->kind == SIM_HUGE)
        return lac_arena_take(b->arena, b->arena->size + 1) ? LAC_FATAL : full(s);
    for (int topic = s->mode == SIM_PG ? SIM_LINEAGE : SIM_ROUTING;
         status == LAC_OK && topic <= SIM_LINEAGE; topic++)
        status = emit(p, b, i, topic, part, index);
    if (status == LAC_OK && s->mode != SIM_PG && in->offset % 4 == 0)
        status = emit(p, b, i, SIM_REPLIES, part, index);
    if (status == LAC_OK && in->kind == SIM_GLUTTON) {
        size_t left = b->arena->size - b->arena->used;
        size_t leave = (size_t)(hash(in->value, in->value_len) % 4000);

        if (left > leave + 64 && !lac_arena_take(b->arena, left - leave - 64))
            return LAC_FATAL;
    }
    return status;
}

/* What the lane says it read has to be what was written. */
static void recognise(struct sim_proc *p, const struct lac_kafka_msg *m, size_t i)
{
    struct sim *s = p->s;
    int part = sim_part_of(s, m->topic, m->partition);
    int index = part < 0 ? -1 : index_of(&s->part[part], m->offset);
    struct sim_input *in;

    if (index < 0) {
        sim_fail(s, "the stage got a record that nobody wrote");
        index = part = 0;
    }
    in = &s->part[part].in[index];
    if (!same(m->value, in->value, in->value_len, in->kind == SIM_TOMBSTONE))
        sim_fail(s, "the stage got a changed record");
    p->hand[i] = in;
}

enum lac_status sim_stage(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct sim_proc *p = ctx;
    struct sim *s = p->s;

    p->hand_count = b->count;
    for (size_t i = 0; i < b->count; i++)
        recognise(p, &b->msgs[i], i);
    sim_trace(s, p, "stage: %zu from part %d offset %lld", b->count,
              sim_part_of(s, b->msgs[0].topic, b->msgs[0].partition), (long long)b->msgs[0].offset);
    for (size_t i = 0; i < b->count; i++)
        if (p->hand[i]->kind == SIM_CRASHER) {
            sim_hit(s, SIM_EV_CRASHED);
            sim_die(p);
        }
    if (s->now_ms < s->stage_ms || sim_chance(s, s->rate.stage_retry)) {
        sim_hit(s, SIM_EV_STAGE_RETRY);
        return lac_err_set(err, LAC_RETRY, 0, "sim: the stage waits for somebody");
    }
    for (size_t i = 0; i < b->count; i++)
        if (p->hand[i]->kind == SIM_TOXIC) {
            sim_hit(s, SIM_EV_STAGE_REJECT);
            return lac_err_set(err, LAC_REJECT, 0, "sim: one of them is toxic");
        }
    for (size_t i = 0; i < b->count; i++) {
        enum lac_status status = run_one(p, b, i);

        if (status != LAC_OK)
            return status;
    }
    return LAC_OK;
}

/* ---- records ---- */

static const struct lac_kafka_header *header_of(const struct lac_kafka_record *r, const char *name)
{
    for (size_t i = r->header_count; i > 0; i--)
        if (lac_str_is(r->headers[i - 1].name, name))
            return &r->headers[i - 1];
    return NULL;
}

static bool number_of(const struct lac_kafka_record *r, const char *name, int64_t *out)
{
    const struct lac_kafka_header *h = header_of(r, name);

    return h && lac_str_to_i64(h->value, out);
}

static bool check_letter(struct sim *s, const struct lac_kafka_record *r, struct sim_entry *out)
{
    const struct lac_kafka_header *topic = header_of(r, "lacuna-dlq-topic");
    const struct lac_kafka_header *reason = header_of(r, "lacuna-dlq-reason");
    int64_t partition, offset, truncated, time = -1;
    char name[LAC_KAFKA_TOPIC_SIZE];
    const struct sim_input *in;
    int part, index;

    if (!topic || !reason || !number_of(r, "lacuna-dlq-partition", &partition) ||
        !number_of(r, "lacuna-dlq-offset", &offset))
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", LAC_STR_FMT(topic->value));
    part = sim_part_of(s, name, (int32_t)partition);
    index = part < 0 ? -1 : index_of(&s->part[part], offset);
    if (index < 0)
        return false;
    in = &s->part[part].in[index];
    out->part = (int16_t)part;
    out->index = (int16_t)index;
    out->bare = number_of(r, "lacuna-dlq-truncated", &truncated);
    out->refused = in->kind == SIM_HATED && !out->bare;
    out->fused = lac_str_is(reason->value, "crash");
    if (out->fused)
        sim_hit(s, SIM_EV_FUSED);
    if (!same(r->key, in->key, in->key_len, in->kind == SIM_TOMBSTONE) || r->timestamp != 0 ||
        !number_of(r, "lacuna-dlq-timestamp", &time) || time != 1000 + in->offset)
        return false;
    if (in->kind != SIM_TOMBSTONE &&
        (!header_of(r, "content-type") || !lac_str_is(header_of(r, "content-type")->value, "sim") ||
         !header_of(r, "again") || !lac_str_eq(header_of(r, "again")->value, r->key)))
        return false;
    return !out->bare ||
           (in->kind == SIM_HATED && !r->value.ptr && truncated == (int64_t)in->value_len);
}

static bool check_result(struct sim *s, int topic, const struct lac_kafka_record *r,
                         struct sim_entry *out)
{
    struct sim_result got;
    const struct sim_input *in;

    if (r->value.len != sizeof(got) || r->header_count != 1)
        return false;
    memcpy(&got, r->value.ptr, sizeof(got));
    if (got.magic != MAGIC || got.topic != topic)
        return false;
    in = &s->part[got.part].in[got.index];
    out->part = (int16_t)got.part;
    out->index = (int16_t)got.index;
    out->refused = topic == SIM_ROUTING && (in->kind == SIM_REFUSED || in->kind == SIM_HATED);
    return lac_str_eq(r->key, (struct lac_str){in->key, in->key_len}) &&
           lac_str_eq(r->headers[0].value, r->key);
}

void sim_check_record(struct sim_proc *p, int topic, const struct lac_kafka_record *r,
                      struct sim_entry *out)
{
    *out = (struct sim_entry){.topic = (uint8_t)topic, .value = r->value.ptr, .len = r->value.len};
    if (!(topic == SIM_DEADLETTER ? check_letter(p->s, r, out) : check_result(p->s, topic, r, out)))
        sim_fail(p->s, "a record is produced that is wrong (topic %d, part %d, index %d)", topic,
                 out->part, out->index);
}

/* When it is sent, which may be long after it was produced: the memory must still be there. */
void sim_check_value(struct sim_proc *p, const struct sim_entry *e)
{
    const struct sim_input *in = &p->s->part[e->part].in[e->index];
    struct sim_result want = result_of(p->s, e->topic, e->part, e->index);
    bool right;

    if (e->topic == SIM_DEADLETTER)
        right = e->bare || same((struct lac_str){e->value, e->len}, in->value, in->value_len,
                                in->kind == SIM_TOMBSTONE);
    else
        right = memcmp(e->value, &want, sizeof(want)) == 0;
    if (!right)
        sim_fail(p->s, "a value changed before it was delivered (topic %d, part %d, index %d)",
                 e->topic, e->part, e->index);
}

struct sim_input *sim_check_row(struct sim_proc *p, struct lac_str row)
{
    struct sim *s = p->s;
    struct sim_result got, want;

    memcpy(&got, row.ptr, sizeof(got));
    if (got.magic != MAGIC || (size_t)got.part >= s->part_count ||
        (size_t)got.index >= s->part[got.part].count) {
        sim_fail(s, "a row changed before it was committed");
        return &s->part[0].in[0];
    }
    want = result_of(s, SIM_LINEAGE, got.part, got.index);
    if (memcmp(&got, &want, sizeof(got)) != 0)
        sim_fail(s, "a row is wrong");
    return &s->part[got.part].in[got.index];
}

/* ---- the whole ---- */

static bool has_outcome(const struct sim_input *in)
{
    return (in->seen[SIM_ROUTING] && in->seen[SIM_LINEAGE]) || in->seen[SIM_DEADLETTER] || in->rows;
}

/* A position passes only records that have an outcome. */
void sim_check_prefix(struct sim *s, int part, int64_t from, int64_t to)
{
    const struct sim_part *p = &s->part[part];

    if (to < from)
        sim_fail(s, "the position of part %d goes back from %lld to %lld", part, (long long)from,
                 (long long)to);
    for (size_t i = 0; i < p->count; i++)
        if (p->in[i].offset < to && !has_outcome(&p->in[i]))
            sim_fail(s, "part %d is committed to %lld, and %lld was not processed", part,
                     (long long)to, (long long)p->in[i].offset);
}

bool sim_check_done(const struct sim *s)
{
    for (size_t k = 0; k < s->part_count; k++) {
        const struct sim_part *p = &s->part[k];
        int64_t at = s->mode == SIM_PG ? p->row_next : p->committed;

        for (size_t i = 0; i < p->count; i++)
            if (!has_outcome(&p->in[i]))
                return false;
        if (p->count && s->mode != SIM_IDEMPOTENT && at != p->in[p->count - 1].offset + 1)
            return false;
    }
    for (int i = 0; i < s->tid_count; i++)
        if (s->tid[i].open)
            return false;
    return true;
}

/* True: results; false: a dead letter. */
static bool is_good(const struct sim_input *in)
{
    return in->kind == SIM_GOOD || in->kind == SIM_GLUTTON;
}

static bool is_right(const struct sim *s, const struct sim_input *in)
{
    bool exactly = s->mode == SIM_TXN;
    /* Whoever was killed twice with a record in hand may well suspect the record. */
    bool suspect = in->fused && in->crashes >= LAC_FUSE_ATTEMPTS - 1;
    uint32_t results = in->seen[SIM_ROUTING] + in->seen[SIM_LINEAGE] + 2 * in->rows;
    uint32_t letters = in->seen[SIM_DEADLETTER];

    if (s->mode == SIM_PG && in->seen[SIM_ROUTING] + in->seen[SIM_LINEAGE])
        return false;
    if (in->fused && !suspect)
        return false;
    if (s->mode == SIM_IDEMPOTENT) {
        if (in->kind == SIM_CRASHER || !is_good(in))
            return letters >= 1 &&
                   (results == 0 || in->kind == SIM_REFUSED || in->kind == SIM_HATED);
        return letters == 0 ? in->seen[SIM_ROUTING] && in->seen[SIM_LINEAGE] : suspect;
    }
    if (is_good(in) && !(suspect && letters))
        return results == 2 && letters == 0 &&
               (s->mode == SIM_PG || (in->seen[SIM_ROUTING] == 1 && in->seen[SIM_LINEAGE] == 1));
    return results == 0 && letters >= 1 && (!exactly || letters == 1);
}

/* Readers of a topic see the records of one partition in its order. */
static void check_order(struct sim *s)
{
    int16_t last[SIM_TOPICS][SIM_PARTS];

    memset(last, -1, sizeof(last));
    for (size_t i = 0; s->mode == SIM_TXN && i < s->log_count; i++) {
        const struct sim_out *o = &s->log[i];

        if (o->txn < 0 || s->txns[o->txn] != SIM_TXN_COMMITTED)
            continue;
        if (o->index <= last[o->topic][o->part])
            sim_fail(s, "topic %d: index %d of part %d after index %d", o->topic, o->index, o->part,
                     last[o->topic][o->part]);
        last[o->topic][o->part] = o->index;
    }
}

void sim_check_end(struct sim *s)
{
    check_order(s);
    for (size_t k = 0; k < s->part_count; k++)
        for (size_t i = 0; i < s->part[k].count; i++) {
            const struct sim_input *in = &s->part[k].in[i];

            if (!is_right(s, in))
                sim_fail(s,
                         "part %zu offset %lld (kind %d): %u routing, %u lineage, %u rows, %u dead "
                         "letters%s, %u crashes",
                         k, (long long)in->offset, (int)in->kind, in->seen[SIM_ROUTING],
                         in->seen[SIM_LINEAGE], in->rows, in->seen[SIM_DEADLETTER],
                         in->fused ? " by the fuse" : "", in->crashes);
        }
    if (s->handles)
        sim_fail(s, "%zu messages were never released", s->handles);
}
