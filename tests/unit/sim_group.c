/* SPDX-License-Identifier: Apache-2.0 */
/* The group coordinator, and a consumer as librdkafka's: eager, rebalances inside of poll(). */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum {
    ILLEGAL_GENERATION = 22,
    NOT_COORDINATOR = 16,
    UNSTABLE_OFFSET_COMMIT = 88,
    TRANSPORT = -195
};

struct handle { /* a message in somebody's hands */
    struct lac_kafka_header headers[2];
    struct sim *s;
    char bytes[80];
};

/* NOLINTBEGIN(readability-identifier-naming): the linker makes this name */
void __wrap_lac_kafka_msg_release(struct lac_kafka_msg *m);

/* The real one asks librdkafka. */
void __wrap_lac_kafka_msg_release(struct lac_kafka_msg *m)
{
    struct handle *h = (struct handle *)m->_headers; /* its first field */

    if (!h)
        return;
    h->s->handles--;
    free(h);
    m->_headers = NULL;
}
/* NOLINTEND(readability-identifier-naming) */

/* ---- the coordinator ---- */

static void prepare(struct sim *s)
{
    s->preparing = true;
    s->preparing_ms = s->now_ms;
    for (int i = 0; i < SIM_SLOTS; i++) {
        s->proc[i].joined = false;
        s->proc[i].learn_ms = s->now_ms + sim_below(s, 600);
    }
}

static void expel(struct sim *s, struct sim_proc *p, const char *why)
{
    sim_trace(s, p, "expelled: %s", why);
    sim_hit(s, SIM_EV_EXPELLED);
    p->member = 0;
    p->lost = true;
    p->assign_pending = false;
    p->learn_ms = s->now_ms + sim_below(s, 400);
    prepare(s);
}

/* A dead member stays one until its session is over; its successor is somebody else. */
void sim_group_forget(struct sim_proc *p)
{
    if (p->member)
        p->s->ghost_ms[p->slot] = p->beat_ms + SIM_SESSION_MS;
    p->member = 0;
    p->owns = p->lost = p->joined = p->leaving = p->assign_pending = false;
    memset(p->mine, 0, sizeof(p->mine));
    p->async_count = 0;
}

/* The range assignor's idea: the same partitions to the same members, in order. */
static void complete(struct sim *s)
{
    struct sim_proc *members[SIM_SLOTS];
    size_t n = 0;

    for (int i = 0; i < SIM_SLOTS; i++)
        if (s->proc[i].member && s->proc[i].joined)
            members[n++] = &s->proc[i];
    s->preparing = false;
    s->generation++;
    if (!n)
        return;
    for (size_t m = 0; m < n; m++) {
        memset(members[m]->given, 0, sizeof(members[m]->given));
        members[m]->generation = s->generation;
        members[m]->assign_pending = true;
    }
    for (size_t i = 0; i < s->part_count; i++)
        members[(i + (size_t)s->generation) % n]->given[i] = true;
    sim_trace(s, NULL, "generation %lld of %zu members", (long long)s->generation, n);
}

static void count_members(const struct sim *s, size_t *members, size_t *joined)
{
    *members = *joined = 0;
    for (int i = 0; i < SIM_SLOTS; i++) {
        *members += s->proc[i].member != 0;
        *joined += s->proc[i].member != 0 && s->proc[i].joined;
    }
}

static void apply_async(struct sim_proc *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sim_async *a = &p->async[i];

        if (!sim_group_accepts(p->s, p, a->member, a->generation))
            continue;
        for (size_t k = 0; k < a->n; k++)
            sim_group_apply(p->s, a->part[k], a->offset[k]);
    }
    memmove(p->async, p->async + n, (p->async_count - n) * sizeof(p->async[0]));
    p->async_count -= n;
}

void sim_group_tick(struct sim *s)
{
    size_t members, joined;
    bool ghosts = false;

    for (int i = 0; i < SIM_SLOTS; i++) {
        struct sim_proc *p = &s->proc[i];

        if (p->alive && !p->frozen && s->now_ms >= p->cut_ms)
            p->beat_ms = s->now_ms;
        if (p->member && s->now_ms - p->beat_ms > SIM_SESSION_MS)
            expel(s, p, "session timed out");
        if (p->alive && !p->frozen && p->async_count && sim_below(s, 3) == 0)
            apply_async(p, 1);
    }
    for (int i = 0; i < SIM_SLOTS; i++) {
        if (!s->ghost_ms[i])
            continue;
        if (s->now_ms < s->ghost_ms[i]) {
            ghosts = true;
            continue;
        }
        s->ghost_ms[i] = 0;
        if (!s->preparing)
            prepare(s);
    }
    if (!s->preparing)
        return;
    count_members(s, &members, &joined);
    if (members > joined && s->now_ms - s->preparing_ms > SIM_REBALANCE_MS)
        for (int i = 0; i < SIM_SLOTS; i++)
            if (s->proc[i].member && !s->proc[i].joined) {
                uint64_t since = s->preparing_ms;

                expel(s, &s->proc[i], "did not join in time");
                for (int k = 0; k < SIM_SLOTS; k++) /* the others have joined already */
                    s->proc[k].joined = s->proc[k].member != 0 && k != i;
                s->preparing_ms = since;
            }
    count_members(s, &members, &joined);
    if (members == joined && !ghosts && s->now_ms > s->preparing_ms)
        complete(s);
}

bool sim_group_accepts(struct sim *s, const struct sim_proc *p, int member, int64_t generation)
{
    return member && member == p->member && generation == s->generation;
}

bool sim_group_unstable(struct sim *s, int part)
{
    for (int i = 0; i < s->tid_count; i++)
        if (s->tid[i].open && s->tid[i].has[part])
            return true;
    return false;
}

void sim_group_apply(struct sim *s, int part, int64_t offset)
{
    int64_t from = s->part[part].committed;

    sim_trace(s, NULL, "offset of %s[%d]: %lld", s->part[part].topic, s->part[part].partition,
              (long long)offset);
    s->part[part].committed = offset;
    sim_check_prefix(s, part, from, offset);
}

/* ---- the member ---- */

static void revoke(struct sim_proc *p, bool lost)
{
    struct sim *s = p->s;
    struct lac_kafka_position list[SIM_PARTS];
    size_t n = 0;

    for (size_t i = 0; i < s->part_count; i++)
        if (p->mine[i])
            list[n++] = (struct lac_kafka_position){s->part[i].topic, s->part[i].partition,
                                                    LAC_KAFKA_STORED};
    sim_trace(s, p, "revoke %zu%s", n, lost ? " lost" : "");
    sim_hit(s, lost ? SIM_EV_REVOKED_LOST : SIM_EV_REVOKED);
    p->in_revoke = true;
    lac_lane_revoked(p->lane, list, n, lost);
    p->in_revoke = false;
    memset(p->mine, 0, sizeof(p->mine));
    p->owns = false;
}

/*
 * librdkafka (2.0.2 to 2.14, rd_kafka_assignment_apply_offsets()): where a transaction that is
 * open holds back the committed offset, and the partition is assigned once more meanwhile, the
 * answer to the earlier question counts as one that nothing was ever committed. That is rare; here
 * one assignment is enough.
 */
static bool begins_early(struct sim *s, int part)
{
    if (!sim_group_unstable(s, part) || sim_below(s, 2) == 0)
        return false;
    sim_hit(s, SIM_EV_BEGAN_EARLY);
    return true;
}

static void assign(struct sim_proc *p)
{
    struct sim *s = p->s;
    struct lac_kafka_position list[SIM_PARTS];
    size_t n = 0;

    p->assign_pending = p->undone = false;
    p->owns = true;
    memset(p->undo_ms, 0, sizeof(p->undo_ms));
    for (size_t i = 0; i < s->part_count; i++) {
        p->mine[i] = p->given[i];
        p->at[i] = p->mine[i] && begins_early(s, (int)i) ? 0 : SIM_UNRESOLVED;
        if (p->mine[i])
            list[n++] = (struct lac_kafka_position){s->part[i].topic, s->part[i].partition,
                                                    LAC_KAFKA_STORED};
    }
    sim_trace(s, p, "assign %zu", n);
    lac_lane_assigned(p->lane, list, n);
}

static void join(struct sim_proc *p)
{
    struct sim *s = p->s;

    if (!p->member) {
        p->member = ++s->next_member;
        p->generation = 0;
        if (!s->preparing)
            prepare(s);
        sim_hit(s, SIM_EV_JOINED);
    }
    p->beat_ms = s->now_ms;
    p->joined = true;
    p->lost = false;
}

/* What the group wants of us, as far as we know. */
static void serve(struct sim_proc *p)
{
    struct sim *s = p->s;

    if (s->now_ms < p->cut_ms)
        return;
    if (p->lost && s->now_ms >= p->learn_ms) {
        if (p->owns)
            revoke(p, true);
        p->lost = false;
    }
    if (p->leaving) {
        if (p->owns)
            revoke(p, false);
        p->leaving = false;
        if (p->member && !s->preparing)
            prepare(s);
        p->joined = false;
        p->learn_ms = 0;
    }
    if (p->lost)
        return;
    if (p->member && s->preparing && !p->joined && s->now_ms >= p->learn_ms) {
        p->assign_pending = false;
        if (p->owns)
            revoke(p, false);
        if (!p->lost) /* it may have been too slow */
            join(p);
    } else if (!p->member) {
        join(p);
    } else if (p->assign_pending && p->generation == s->generation) {
        assign(p);
    }
}

void sim_group_leave(struct sim_proc *p)
{
    struct sim *s = p->s;

    if (p->owns)
        revoke(p, p->lost || !p->member);
    p->assign_pending = false;
    sim_step(p);
    apply_async(p, p->async_count);
    if (p->member) {
        p->member = 0;
        p->joined = false;
        prepare(s);
    }
    p->lost = false;
}

/* ---- reading ---- */

static bool resolve(struct sim_proc *p, int part)
{
    struct sim *s = p->s;

    if (p->at[part] != SIM_UNRESOLVED)
        return true;
    if (s->now_ms < s->coordinator_ms || s->now_ms < p->cut_ms)
        return false;
    if (sim_group_unstable(s, part)) {
        sim_hit(s, SIM_EV_UNSTABLE);
        return false;
    }
    p->at[part] = s->part[part].committed == LAC_KAFKA_NONE ? 0 : s->part[part].committed;
    return true;
}

/*
 * librdkafka (2.0.2, rd_kafka_toppar_handle_Offset()): a seek while it asks where the log begins
 * takes effect, and half a second later it asks again and goes there.
 */
static void undo_seek(struct sim_proc *p, int part)
{
    if (!p->undo_ms[part] || p->s->now_ms < p->undo_ms[part])
        return;
    p->undo_ms[part] = 0;
    p->at[part] = 0;
    sim_hit(p->s, SIM_EV_SEEK_UNDONE);
    sim_trace(p->s, p, "a seek in part %d is undone", part);
}

static struct sim_input *next_input(struct sim_proc *p, int part)
{
    struct sim *s = p->s;
    struct sim_part *in = &s->part[part];

    if (!p->mine[part] || !resolve(p, part))
        return NULL;
    undo_seek(p, part);
    for (size_t i = 0; i < in->count; i++)
        if (in->in[i].offset >= p->at[part])
            return in->in[i].visible_ms <= s->now_ms ? &in->in[i] : NULL;
    return NULL;
}

static void hand_out(struct sim_proc *p, int part, struct sim_input *in, struct lac_kafka_msg *m)
{
    struct handle *h = calloc(1, sizeof(*h));
    char *at;

    if (!h)
        abort();
    at = h->bytes;
    h->s = p->s;
    h->s->handles++;
    *m = (struct lac_kafka_msg){.topic = p->s->part[part].topic,
                                .partition = p->s->part[part].partition,
                                .offset = in->offset,
                                .timestamp = 1000 + in->offset,
                                ._headers = h->headers};
    if (in->kind != SIM_TOMBSTONE) {
        memcpy(at, in->key, in->key_len);
        m->key = (struct lac_str){at, in->key_len};
        at += in->key_len;
        memcpy(at, in->value, in->value_len);
        m->value = (struct lac_str){at, in->value_len};
        h->headers[0] = (struct lac_kafka_header){LAC_STR("content-type"), LAC_STR("sim")};
        h->headers[1] = (struct lac_kafka_header){LAC_STR("again"), m->key};
        m->_header_count = 2;
    }
    p->at[part] = in->offset + 1;
}

static bool take(struct sim_proc *p, struct lac_kafka_msg *m)
{
    struct sim *s = p->s;
    size_t first = (size_t)p->current;

    if (sim_below(s, 4) == 0)
        first = (size_t)sim_below(s, s->part_count);
    for (size_t i = 0; i < s->part_count; i++) {
        int part = (int)((first + i) % s->part_count);
        struct sim_input *in = next_input(p, part);

        if (!in)
            continue;
        p->current = part;
        hand_out(p, part, in, m);
        return true;
    }
    return false;
}

enum lac_status sim_poll(void *io, uint32_t timeout_ms, struct lac_kafka_msg *m, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;
    uint64_t until = s->now_ms + timeout_ms;

    p->broke = false;
    sim_step(p);
    if (sim_chance(s, s->rate.poll)) {
        sim_hit(s, SIM_EV_POLL_FAILED);
        return lac_err_set(e, LAC_RETRY, TRANSPORT, "sim: broker down");
    }
    for (;;) {
        serve(p);
        if (p->broke)
            return LAC_AGAIN;
        if (take(p, m))
            return LAC_OK;
        if (s->now_ms >= until)
            return LAC_AGAIN;
        sim_wait(p, until - s->now_ms < 20 ? until - s->now_ms : 20);
    }
}

void sim_poll_break(void *io)
{
    struct sim_proc *p = io;

    p->broke = true;
}

enum lac_status sim_seek(void *io, const struct lac_kafka_position *pos, size_t n,
                         struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;

    sim_step(p);
    for (size_t i = 0; i < n; i++) {
        int part = sim_part_of(s, pos[i].topic, pos[i].partition);

        if (part < 0 || !p->mine[part])
            return lac_err_set(e, LAC_RETRY, -172, "sim: seek in a partition of others");
        if (pos[i].offset < 0 && pos[i].offset != LAC_KAFKA_BEGINNING)
            sim_fail(s, "seek to %lld", (long long)pos[i].offset);
        if (sim_chance(s, s->rate.seek)) {
            sim_hit(s, SIM_EV_SEEK_FAILED);
            return lac_err_set(e, LAC_RETRY, -185, "sim: seek timed out");
        }
        p->at[part] = pos[i].offset < 0 ? 0 : pos[i].offset;
        if (!p->undone && sim_chance(s, s->rate.undo)) {
            p->undone = true;
            p->undo_ms[part] = s->now_ms + 1 + sim_below(s, 600);
        }
        sim_trace(s, p, "seek %s[%d] to %lld", pos[i].topic, pos[i].partition,
                  (long long)pos[i].offset);
    }
    sim_step(p);
    return LAC_OK;
}

/* ---- offsets ---- */

bool sim_coordinator_up(struct sim_proc *p)
{
    struct sim *s = p->s;

    if (s->now_ms >= s->coordinator_ms)
        return true;
    sim_hit(s, SIM_EV_COORDINATOR_DOWN);
    sim_wait(p, SIM_CALL_MS);
    return false;
}

enum lac_status sim_committed(void *io, struct lac_kafka_position *pos, size_t n, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;

    sim_step(p);
    if (!sim_coordinator_up(p) || s->now_ms < p->cut_ms)
        return lac_err_set(e, LAC_RETRY, NOT_COORDINATOR, "sim: no coordinator");
    apply_async(p, p->async_count);
    for (size_t i = 0; i < n; i++) {
        int part = sim_part_of(s, pos[i].topic, pos[i].partition);

        if (sim_group_unstable(s, part)) {
            sim_hit(s, SIM_EV_UNSTABLE);
            return lac_err_set(e, LAC_RETRY, UNSTABLE_OFFSET_COMMIT, "sim: unstable");
        }
        pos[i].offset = s->part[part].committed;
    }
    sim_step(p);
    return LAC_OK;
}

enum lac_status sim_commit(void *io, const struct lac_kafka_position *pos, size_t n, bool wait,
                           struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;
    struct sim_async a = {.n = n, .generation = p->generation, .member = p->member};

    for (size_t i = 0; i < n; i++) {
        a.part[i] = sim_part_of(s, pos[i].topic, pos[i].partition);
        a.offset[i] = pos[i].offset;
    }
    sim_crucial(p);
    if (p->in_revoke)
        sim_hit(s, SIM_EV_COMMIT_IN_REVOKE);
    if (!wait) {
        if (p->async_count < SIM_ASYNC)
            p->async[p->async_count++] = a;
        return LAC_OK;
    }
    if (!sim_coordinator_up(p) || s->now_ms < p->cut_ms)
        return lac_err_set(e, LAC_RETRY, NOT_COORDINATOR, "sim: no coordinator");
    apply_async(p, p->async_count);
    if (!sim_group_accepts(s, p, a.member, a.generation)) {
        sim_hit(s, SIM_EV_FENCED_GENERATION);
        return lac_err_set(e, LAC_RETRY, ILLEGAL_GENERATION, "sim: illegal generation");
    }
    p->async[p->async_count++] = a;
    apply_async(p, p->async_count);
    sim_crucial(p);
    if (sim_chance(s, s->rate.lost_reply)) {
        sim_hit(s, SIM_EV_LOST_COMMIT);
        return lac_err_set(e, LAC_RETRY, -185, "sim: commit timed out");
    }
    return LAC_OK;
}

enum lac_status sim_rejoin(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;

    (void)e;
    sim_trace(p->s, p, "rejoin");
    p->leaving = true;
    return LAC_OK;
}
