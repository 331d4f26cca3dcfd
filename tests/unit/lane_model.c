/* SPDX-License-Identifier: Apache-2.0 */
#include "lane_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_TIMED_OUT = -185, CODE_TOO_LARGE = 10 };

uint64_t model_random(struct model *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

bool model_chance(struct model *m, uint32_t n)
{
    return model_random(m) % n == 0;
}

static bool faulty(struct model *m)
{
    return model_random(m) % 1000000 < m->fault_ppm;
}

/* ---- the group ---- */

static void rebalance(struct model *m)
{
    if (m->rebalancing)
        return;
    m->rebalancing = true;
    m->rebalance_ms = m->now_ms;
}

static void expel(struct model *m, struct model_lane *l)
{
    l->expelled = true;
    rebalance(m);
}

static void expire(struct model *m)
{
    for (int i = 0; i < MODEL_LANES; i++) {
        struct model_lane *l = &m->lanes[i];
        bool late =
            m->rebalancing && !l->rejoined && m->now_ms - m->rebalance_ms > MODEL_SESSION_MS;

        if (l->member && !l->expelled && (late || m->now_ms - l->seen_ms > MODEL_SESSION_MS))
            expel(m, l);
        if (m->txn[i].open && m->now_ms - m->txn[i].began_ms > MODEL_TXN_MS) {
            m->txn[i].open = false;
            m->txn[i].epoch++;
            m->fences++;
        }
    }
}

/* When everybody who lives has rejoined, partitions are dealt out anew. */
static void settle(struct model *m)
{
    int members[MODEL_LANES], n = 0;

    if (!m->rebalancing)
        return;
    for (int i = 0; i < MODEL_LANES; i++) {
        if (!m->lanes[i].member || m->lanes[i].expelled)
            continue;
        if (!m->lanes[i].rejoined)
            return;
        members[n++] = i;
    }
    m->rebalancing = false;
    m->generation++;
    m->rebalances++;
    for (int i = 0; i < n; i++) {
        struct model_lane *l = &m->lanes[members[i]];

        l->rejoined = false;
        l->must_assign = true;
        l->generation = m->generation;
        for (int p = 0; p < MODEL_PARTITIONS; p++) {
            l->owned[p] = p * n / MODEL_PARTITIONS == i;
            l->position[p] = -1;
        }
    }
}

static void call_revoked(struct model_lane *l, bool lost)
{
    struct lac_kafka_position p[MODEL_PARTITIONS];
    size_t n = 0;

    for (int i = 0; i < MODEL_PARTITIONS; i++)
        if (l->owned[i])
            p[n++] = (struct lac_kafka_position){"in", i, LAC_KAFKA_STORED};
    if (l->must_assign) /* dealt out, and gone before it heard of it */
        n = 0;
    lac_lane_revoked(l->lane, p, n, lost);
    memset(l->owned, 0, sizeof(l->owned));
    l->must_assign = false;
}

static void call_assigned(struct model_lane *l)
{
    struct lac_kafka_position p[MODEL_PARTITIONS];
    size_t n = 0;

    for (int i = 0; i < MODEL_PARTITIONS; i++)
        if (l->owned[i])
            p[n++] = (struct lac_kafka_position){"in", i, LAC_KAFKA_STORED};
    l->must_assign = false;
    lac_lane_assigned(l->lane, p, n);
}

/* What a member's poll does before it looks for messages. True: it holds partitions. */
static bool serve_group(struct model_lane *l)
{
    struct model *m = l->m;

    l->seen_ms = m->now_ms;
    if (l->expelled) {
        call_revoked(l, true);
        l->expelled = l->member = false;
    }
    if (!l->member) {
        l->member = l->rejoined = true;
        rebalance(m);
    }
    if (m->rebalancing && !l->rejoined) {
        call_revoked(l, false);
        if (l->expelled) /* the commit in the callback took too long */
            return false;
        l->rejoined = true;
    }
    settle(m);
    if (l->rejoined)
        return false;
    if (l->must_assign)
        call_assigned(l);
    return true;
}

/* ---- trouble ---- */

static void die(struct model_lane *l)
{
    l->m->crashes++;
    longjmp(l->death, 1);
}

/* This process stands still, inside a call, while the world goes on. */
static void freeze(struct model_lane *l)
{
    struct model *m = l->m;
    uint64_t until = m->now_ms + 1000 + model_random(m) % (2 * MODEL_TXN_MS);

    if (m->depth >= MODEL_LANES)
        return;
    m->freezes++;
    while (m->now_ms < until) {
        int slot = (int)(model_random(m) % MODEL_LANES);

        m->now_ms += 50;
        expire(m);
        if (m->lanes[slot].alive && !m->lanes[slot].busy)
            model_turn(m, slot);
    }
}

/* Before and after each effect. */
static void tremble(struct model_lane *l)
{
    struct model *m = l->m;

    m->now_ms += model_random(m) % 3;
    if (!faulty(m))
        return;
    switch (model_random(m) % 8) {
    case 0:
        die(l);
        break;
    case 1:
        freeze(l);
        break;
    default:
        break;
    }
    expire(m);
}

static enum lac_status retry(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, CODE_TIMED_OUT, "model: no answer");
}

/* ---- time and consumer ---- */

static uint64_t io_now_ms(void *io)
{
    struct model_lane *l = io;

    return l->m->now_ms;
}

static void io_sleep_ms(void *io, uint32_t ms)
{
    struct model_lane *l = io;

    l->m->now_ms += ms;
    l->seen_ms = l->m->now_ms; /* heartbeats come from another thread */
    tremble(l);
}

static bool unstable(const struct model *m, int partition)
{
    for (int i = 0; i < MODEL_LANES; i++)
        if (m->txn[i].open && m->txn[i].offsets[partition] >= 0)
            return true;
    return false;
}

static bool take(struct model_lane *l, int p, struct lac_kafka_msg *msg)
{
    struct model *m = l->m;

    if (!l->owned[p])
        return false;
    if (l->position[p] < 0) {
        if (unstable(m, p))
            return false;
        l->position[p] = m->committed[p] < 0 ? 0 : m->committed[p];
    }
    if (l->position[p] >= m->length[p])
        return false;
    *msg = (struct lac_kafka_msg){
        .topic = "in",
        .partition = p,
        .offset = l->position[p]++,
        .timestamp = 1,
    };
    return true;
}

/* Keys name the record; they live as long as the model. */
static const char *key_of(int partition, int64_t offset)
{
    static char keys[MODEL_PARTITIONS][MODEL_RECORDS][8];
    char *key = keys[partition][offset];

    if (!key[0])
        (void)snprintf(key, sizeof(keys[0][0]), "%d:%d", partition, (int)offset);
    return key;
}

static enum lac_status io_poll(void *io, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                               struct lac_err *err)
{
    struct model_lane *l = io;
    struct model *m = l->m;
    int first = (int)(model_random(m) % MODEL_PARTITIONS);

    tremble(l);
    if (serve_group(l)) {
        for (int i = 0; i < MODEL_PARTITIONS; i++) {
            int p = (first + i) % MODEL_PARTITIONS;

            if (!take(l, p, msg))
                continue;
            msg->key = lac_str_from(key_of(p, msg->offset));
            msg->value = msg->key;
            return LAC_OK;
        }
    }
    if (faulty(m))
        return retry(err);
    m->now_ms += timeout_ms ? 1 + model_random(m) % timeout_ms : 0;
    return LAC_AGAIN;
}

static void io_poll_break(void *io)
{
    (void)io;
}

static enum lac_status io_seek(void *io, const struct lac_kafka_position *p, size_t n,
                               struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    if (faulty(l->m))
        return retry(err);
    for (size_t i = 0; i < n; i++) {
        if (!l->owned[p[i].partition])
            return retry(err);
        l->position[p[i].partition] = p[i].offset < 0 ? 0 : p[i].offset;
    }
    return LAC_OK;
}

static enum lac_status io_committed(void *io, struct lac_kafka_position *p, size_t n,
                                    struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    if (faulty(l->m))
        return retry(err);
    for (size_t i = 0; i < n; i++) {
        if (unstable(l->m, p[i].partition))
            return retry(err);
        p[i].offset =
            l->m->committed[p[i].partition] < 0 ? LAC_KAFKA_NONE : l->m->committed[p[i].partition];
    }
    return LAC_OK;
}

/* The coordinator takes offsets from members of its present generation only. */
static bool current(const struct model_lane *l)
{
    return l->member && !l->expelled && l->generation == l->m->generation;
}

static enum lac_status io_commit(void *io, const struct lac_kafka_position *p, size_t n, bool wait,
                                 struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    if (faulty(l->m) || !current(l))
        return wait ? retry(err) : LAC_OK; /* nobody hears of one that was not waited for */
    for (size_t i = 0; i < n; i++)
        l->m->committed[p[i].partition] = p[i].offset;
    tremble(l);
    return LAC_OK;
}

static enum lac_status io_rejoin(void *io, struct lac_err *err)
{
    struct model_lane *l = io;

    (void)err;
    expel(l->m, l);
    return LAC_OK;
}

static bool io_watermarks(void *io, const char *topic, int32_t partition, int64_t *low,
                          int64_t *high)
{
    struct model_lane *l = io;

    (void)topic;
    *low = 0;
    *high = l->m->length[partition];
    return true;
}

/* ---- producer ---- */

static enum lac_status io_produce(void *io, int topic, const struct lac_kafka_record *r, size_t n,
                                  size_t *taken, struct lac_err *err)
{
    struct model_lane *l = io;

    *taken = 0;
    for (size_t i = 0; i < n; i++) {
        struct model_record *out = &l->pending[l->pending_count];
        char text[16] = "";

        tremble(l);
        if (faulty(l->m))
            return model_chance(l->m, 2) ? LAC_AGAIN : retry(err);
        if (l->pending_count == MODEL_PENDING)
            return LAC_AGAIN;
        memcpy(text, r[i].key.ptr, r[i].key.len < 15 ? r[i].key.len : 15);
        out->partition = (int)strtol(text, NULL, 10);
        out->offset = strtol(strchr(text, ':') + 1, NULL, 10);
        out->dead_letter = topic == 1;
        l->pending_count++;
        ++*taken;
    }
    return LAC_OK;
}

static void publish(struct model *m, const struct model_record *r)
{
    m->visible[r->partition][r->offset]++;
    m->dead[r->partition][r->offset] += r->dead_letter;
}

static bool refused(const struct model *m, const struct model_record *r)
{
    return !r->dead_letter && m->kind[r->partition][r->offset] == MODEL_REFUSED;
}

/* Idempotent records become visible one by one, the longer the more of them. */
static enum lac_status io_flush(void *io, uint32_t timeout_ms, struct lac_err *err)
{
    struct model_lane *l = io;
    size_t n = l->pending_count;

    (void)timeout_ms;
    if (l->m->transactional)
        return LAC_OK;
    tremble(l);
    if (faulty(l->m))
        n = n / 2;
    for (size_t i = 0; i < n; i++) {
        if (refused(l->m, &l->pending[i]))
            l->failed++;
        else
            publish(l->m, &l->pending[i]);
        if (faulty(l->m) && model_chance(l->m, 4)) {
            memmove(l->pending, l->pending + i + 1,
                    (l->pending_count - i - 1) * sizeof(*l->pending));
            l->pending_count -= i + 1;
            die(l);
        }
    }
    memmove(l->pending, l->pending + n, (l->pending_count - n) * sizeof(*l->pending));
    l->pending_count -= n;
    return l->pending_count ? retry(err) : LAC_OK;
}

static size_t io_failed(void *io, struct lac_err *err)
{
    struct model_lane *l = io;
    size_t n = l->failed;

    l->failed = 0;
    if (n)
        (void)lac_err_set(err, LAC_REJECT, CODE_TOO_LARGE, "model: too large");
    return n;
}

static size_t io_record_limit(void *io)
{
    (void)io;
    return 1 << 20;
}

static enum lac_status io_reopen(void *io, struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    if (faulty(l->m))
        return retry(err);
    if (!l->m->transactional) /* some of what was under way had arrived */
        for (size_t i = 0; i < l->pending_count && !model_chance(l->m, 3); i++)
            if (!refused(l->m, &l->pending[i]))
                publish(l->m, &l->pending[i]);
    l->pending_count = l->failed = 0;
    l->epoch = -1;
    l->lost_reply = false;
    return LAC_OK;
}

/* ---- transactions ---- */

static void abort_open(struct model_txn *t)
{
    t->open = false;
    for (int p = 0; p < MODEL_PARTITIONS; p++)
        t->offsets[p] = -1;
}

static enum lac_kafka_txn trouble(struct model_lane *l, struct lac_err *err)
{
    static const enum lac_kafka_txn outcomes[] = {LAC_KAFKA_TXN_REPEAT, LAC_KAFKA_TXN_REPEAT,
                                                  LAC_KAFKA_TXN_ABORT, LAC_KAFKA_TXN_RECREATE};

    (void)retry(err);
    return outcomes[model_random(l->m) % LAC_COUNT(outcomes)];
}

static enum lac_kafka_txn io_txn_init(void *io, struct lac_err *err)
{
    struct model_lane *l = io;
    struct model_txn *t = &l->m->txn[l->slot];

    tremble(l);
    if (faulty(l->m)) {
        (void)retry(err);
        return LAC_KAFKA_TXN_REPEAT;
    }
    abort_open(t);
    l->epoch = ++t->epoch;
    l->pending_count = 0;
    tremble(l);
    return LAC_KAFKA_TXN_DONE;
}

static bool fenced(const struct model_lane *l)
{
    return l->epoch != l->m->txn[l->slot].epoch;
}

static enum lac_kafka_txn io_txn_begin(void *io, struct lac_err *err)
{
    struct model_lane *l = io;

    (void)err;
    l->pending_count = 0; /* local; the coordinator hears of it with the first partition */
    return LAC_KAFKA_TXN_DONE;
}

static void open_txn(struct model_lane *l)
{
    struct model_txn *t = &l->m->txn[l->slot];

    if (t->open)
        return;
    abort_open(t);
    t->open = true;
    t->began_ms = l->m->now_ms;
}

static enum lac_kafka_txn io_txn_send_offsets(void *io, const struct lac_kafka_position *p,
                                              size_t n, struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    (void)retry(err);
    if (fenced(l))
        return LAC_KAFKA_TXN_RECREATE;
    if (!current(l))
        return LAC_KAFKA_TXN_ABORT;
    if (faulty(l->m))
        return trouble(l, err);
    open_txn(l);
    for (size_t i = 0; i < n; i++)
        l->m->txn[l->slot].offsets[p[i].partition] = p[i].offset;
    tremble(l);
    if (faulty(l->m)) { /* the reply is lost */
        l->m->lost_replies++;
        return trouble(l, err);
    }
    return LAC_KAFKA_TXN_DONE;
}

static void apply_commit(struct model_lane *l)
{
    struct model_txn *t = &l->m->txn[l->slot];

    for (size_t i = 0; i < l->pending_count; i++)
        publish(l->m, &l->pending[i]);
    for (int p = 0; p < MODEL_PARTITIONS; p++)
        if (t->offsets[p] >= 0)
            l->m->committed[p] = t->offsets[p];
    l->pending_count = 0;
    abort_open(t);
}

static enum lac_kafka_txn io_txn_commit(void *io, struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    (void)retry(err);
    if (l->lost_reply && !fenced(l)) {
        l->lost_reply = false;
        return LAC_KAFKA_TXN_DONE;
    }
    if (fenced(l))
        return LAC_KAFKA_TXN_RECREATE;
    for (size_t i = 0; i < l->pending_count; i++) {
        if (!refused(l->m, &l->pending[i]))
            continue;
        (void)lac_err_set(err, LAC_REJECT, CODE_TOO_LARGE, "model: too large");
        return LAC_KAFKA_TXN_ABORT;
    }
    if (faulty(l->m))
        return trouble(l, err);
    apply_commit(l);
    tremble(l);
    if (faulty(l->m)) {
        l->m->lost_replies++;
        if (model_chance(l->m, 2))
            return LAC_KAFKA_TXN_RECREATE;
        l->lost_reply = true;
        return LAC_KAFKA_TXN_REPEAT;
    }
    return LAC_KAFKA_TXN_DONE;
}

static enum lac_kafka_txn io_txn_abort(void *io, struct lac_err *err)
{
    struct model_lane *l = io;

    tremble(l);
    (void)retry(err);
    l->m->aborts++;
    if (fenced(l))
        return LAC_KAFKA_TXN_RECREATE;
    if (faulty(l->m))
        return trouble(l, err);
    abort_open(&l->m->txn[l->slot]);
    l->pending_count = 0;
    return LAC_KAFKA_TXN_DONE;
}

/* ---- side producer: nothing in these histories replies ---- */

static enum lac_status io_side_produce(void *io, int topic, const struct lac_kafka_record *r,
                                       struct lac_err *err)
{
    (void)io;
    (void)topic;
    (void)r;
    (void)err;
    return LAC_OK;
}

static enum lac_status io_side_flush(void *io, uint32_t timeout_ms, struct lac_err *err)
{
    (void)io;
    (void)timeout_ms;
    (void)err;
    return LAC_OK;
}

static size_t io_side_failed(void *io, struct lac_err *err)
{
    (void)io;
    (void)err;
    return 0;
}

static const struct lac_lane_io_ops io_ops = {
    .now_ms = io_now_ms,
    .sleep_ms = io_sleep_ms,
    .poll = io_poll,
    .poll_break = io_poll_break,
    .seek = io_seek,
    .committed = io_committed,
    .commit = io_commit,
    .rejoin = io_rejoin,
    .watermarks = io_watermarks,
    .produce = io_produce,
    .flush = io_flush,
    .failed = io_failed,
    .record_limit = io_record_limit,
    .reopen = io_reopen,
    .txn_init = io_txn_init,
    .txn_begin = io_txn_begin,
    .txn_send_offsets = io_txn_send_offsets,
    .txn_commit = io_txn_commit,
    .txn_abort = io_txn_abort,
    .side_produce = io_side_produce,
    .side_flush = io_side_flush,
    .side_failed = io_side_failed,
};

/* ---- the stage ---- */

static enum lac_status run_stage(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct model_lane *l = ctx;

    for (size_t i = 0; i < b->count; i++) {
        const struct lac_kafka_msg *msg = &b->msgs[i];
        const struct lac_kafka_record r = {.key = msg->key, .value = msg->value};

        if (faulty(l->m) && model_chance(l->m, 2))
            return retry(err);
        switch (l->m->kind[msg->partition][msg->offset]) {
        case MODEL_BAD:
            lac_batch_reject(b, i, "bad", "the model says so");
            continue;
        case MODEL_POISON:
            return lac_err_set(err, LAC_REJECT, 0, "model: some record is poison");
        default:
            break;
        }
        if (lac_batch_emit(b, 0, &r) != LAC_OK)
            return LAC_AGAIN;
    }
    return LAC_OK;
}

/* ---- life ---- */

void model_init(struct model *m, uint64_t seed, bool transactional)
{
    memset(m, 0, sizeof(*m));
    m->random = seed * 0x9e3779b97f4a7c15u + 0x1234567;
    m->now_ms = 1000;
    m->transactional = transactional;
    for (int i = 0; i < 8; i++)
        (void)model_random(m);
    m->fault_ppm = (uint32_t)(model_random(m) % 60000);
    for (int p = 0; p < MODEL_PARTITIONS; p++) {
        m->committed[p] = -1;
        m->length[p] = (int64_t)(model_random(m) % (MODEL_RECORDS + 1));
        for (int64_t o = 0; o < m->length[p]; o++)
            if (model_chance(m, 12))
                m->kind[p][o] = (enum model_kind)(1 + model_random(m) % 3);
    }
    for (int i = 0; i < MODEL_LANES; i++)
        abort_open(&m->txn[i]);
}

bool model_start(struct model *m, int slot)
{
    static const char *const topics[] = {"out", "deadletter"};
    static const char *const names[MODEL_LANES] = {"lane-0", "lane-1", "lane-2"};
    struct model_lane *l = &m->lanes[slot];
    const struct lac_lane_options options = {
        .name = names[slot],
        .topics = topics,
        .topic_count = 2,
        .deadletter_topic = 1,
        .batch_count = 1 + model_random(m) % 8,
        .batch_bytes = 1 << 16,
        .batch_age_ms = 5,
        .commit_interval_ms = (uint32_t)(model_random(m) % 100),
        .arena_bytes = 256 << 10,
    };
    struct lac_lane_io io = {l, &io_ops};
    struct lac_output output;
    struct lac_err err;

    memset(l, 0, sizeof(*l));
    l->m = m;
    l->slot = slot;
    l->epoch = -1;
    l->seen_ms = m->now_ms;
    output = m->transactional ? lac_output_kafka_txn(&l->output, io, 5000)
                              : lac_output_kafka_idempotent(&l->output, io, 5000);
    if (lac_lane_open(&l->lane, &options, io, output, (struct lac_stage){l, run_stage}, &err) !=
        LAC_OK)
        return false;
    l->output.lane = l->lane;
    l->alive = true;
    return true;
}

static void bury(struct model_lane *l)
{
    lac_lane_close(l->lane);
    l->lane = NULL;
    l->alive = l->busy = false;
}

void model_kill(struct model *m, int slot)
{
    struct model_lane *l = &m->lanes[slot];

    /* What an idempotent producer had under way may still arrive. */
    if (!m->transactional)
        for (size_t i = 0; i < l->pending_count && !model_chance(m, 3); i++)
            if (!refused(m, &l->pending[i]))
                publish(m, &l->pending[i]);
    l->pending_count = 0;
    bury(l);
    l->seen_ms = 0; /* the group finds out by itself, or when the slot starts again */
    if (l->member && !l->expelled)
        expel(m, l);
    l->member = false;
    expire(m);
    settle(m);
}

/* The transactional output is opened by the first turn, as lac_lane_run() would. */
static enum lac_status turn(struct model_lane *l, struct lac_err *err)
{
    if (l->m->transactional && l->epoch < 0 && !l->output.ready && !l->output.broken) {
        enum lac_kafka_txn outcome = io_txn_init(l, err);

        if (outcome != LAC_KAFKA_TXN_DONE)
            return LAC_OK;
        l->output.ready = true;
    }
    return lac_lane_turn(l->lane, err);
}

void model_turn(struct model *m, int slot)
{
    struct model_lane *l = &m->lanes[slot];
    struct lac_err err;
    int depth = m->depth;

    if (!l->alive || l->busy)
        return;
    l->busy = true;
    m->depth++;
    if (setjmp(l->death) == 0) {
        m->fatal += turn(l, &err) == LAC_FATAL;
        m->depth = depth;
        l->busy = false;
    } else {
        m->depth = depth;
        model_kill(m, slot);
    }
    l->seen_ms = m->now_ms;
    expire(m);
}

void model_stop(struct model *m, int slot)
{
    struct model_lane *l = &m->lanes[slot];
    struct lac_err err;
    int depth = m->depth;

    if (!l->alive || l->busy)
        return;
    l->busy = true;
    m->depth++;
    lac_lane_stop(l->lane);
    if (setjmp(l->death) != 0) {
        m->depth = depth;
        model_kill(m, slot);
        return;
    }
    for (int i = 0; i < 100 && turn(l, &err) == LAC_OK; i++)
        ;
    if (l->member)
        call_revoked(l, l->expelled); /* leaves the group in order */
    l->member = l->expelled = l->rejoined = false;
    rebalance(m);
    settle(m);
    m->depth = depth;
    if (!m->transactional)
        l->pending_count = 0;
    bury(l);
}

bool model_done(const struct model *m)
{
    for (int p = 0; p < MODEL_PARTITIONS; p++) {
        if (m->transactional && m->length[p] && m->committed[p] != m->length[p])
            return false;
        /* A commit that nobody waited for may be the one that is lost: then the lag stays until
         * the next record, and a restart repeats a little. */
        for (int64_t o = 0; !m->transactional && o < m->length[p]; o++)
            if (!m->visible[p][o])
                return false;
    }
    return true;
}
