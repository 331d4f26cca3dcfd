/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pg-copy promises, on a table in memory: rows and positions in one transaction, a
 * compare-and-swap with an epoch, answers to COMMIT that get lost.
 */
#include <string.h>

#include "sim.h"

static bool is_down(struct sim_proc *p, struct lac_err *e)
{
    if (!sim_chance(p->s, p->s->rate.pg))
        return false;
    sim_hit(p->s, SIM_EV_PG_DOWN);
    sim_wait(p, sim_below(p->s, 500));
    (void)lac_err_set(e, LAC_RETRY, 0, "sim: the connection broke");
    return true;
}

static enum lac_status pg_open(void *ctx, struct lac_err *e)
{
    struct sim_proc *p = ctx;

    sim_step(p);
    return is_down(p, e) ? LAC_RETRY : LAC_OK;
}

static enum lac_status pg_start(void *ctx, struct lac_kafka_position *pos, size_t n, bool fresh,
                                struct lac_err *e)
{
    struct sim_proc *p = ctx;
    struct sim *s = p->s;

    for (size_t i = 0; i < n; i++) {
        int part = sim_part_of(s, pos[i].topic, pos[i].partition);

        sim_step(p);
        if (is_down(p, e))
            return LAC_RETRY;
        if (fresh) {
            p->pg_epoch[part] = ++s->part[part].row_epoch;
            p->held[part] = true;
        }
        if (!p->held[part] || p->pg_epoch[part] != s->part[part].row_epoch) {
            sim_hit(s, SIM_EV_PG_OWNER_GONE);
            pos[i].offset = LAC_KAFKA_NONE;
            continue;
        }
        p->pg_next[part] = s->part[part].row_next;
        pos[i].offset = p->pg_next[part] ? p->pg_next[part] : LAC_KAFKA_BEGINNING;
    }
    sim_step(p);
    return is_down(p, e) ? LAC_RETRY : LAC_OK;
}

static enum lac_status pg_write(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct sim_proc *p = ctx;
    struct sim *s = p->s;

    if (p->row_count + b->row_count > s->row_limit) {
        sim_trace(s, p, "rows full");
        return p->row_count ? LAC_AGAIN : lac_err_set(e, LAC_REJECT, 0, "sim: too many rows");
    }
    sim_step(p);
    if (is_down(p, e))
        return LAC_RETRY;
    for (size_t i = 0; i < b->row_count; i++)
        p->rows[p->row_count++] = b->rows[i].row;
    return LAC_OK;
}

static bool is_refused(struct sim_proc *p)
{
    bool refused = false;

    for (size_t i = 0; i < p->row_count; i++) {
        enum sim_kind kind = sim_check_row(p, p->rows[i])->kind;

        refused = refused || kind == SIM_REFUSED || kind == SIM_HATED;
    }
    return refused;
}

/* The whole transaction at one moment, as the database sees it. */
static bool swap(struct sim_proc *p, const struct lac_kafka_position *pos, size_t n)
{
    struct sim *s = p->s;

    for (size_t i = 0; i < n; i++) {
        int part = sim_part_of(s, pos[i].topic, pos[i].partition);

        if (!p->held[part] || pos[i].offset < p->pg_next[part])
            sim_fail(s, "a position of nobody, or one that goes back");
        if (s->part[part].row_next != p->pg_next[part] ||
            s->part[part].row_epoch != p->pg_epoch[part])
            return false;
    }
    for (size_t i = 0; i < p->row_count; i++)
        if (++sim_check_row(p, p->rows[i])->rows > 1)
            sim_fail(s, "a row is inserted twice");
    for (size_t i = 0; i < n; i++) {
        int part = sim_part_of(s, pos[i].topic, pos[i].partition);

        sim_check_prefix(s, part, s->part[part].row_next, pos[i].offset);
        s->part[part].row_next = pos[i].offset;
        sim_trace(s, p, "row position of part %d: %lld", part, (long long)pos[i].offset);
    }
    return true;
}

static enum lac_status pg_commit(void *ctx, const struct lac_kafka_position *pos, size_t n,
                                 struct lac_err *e)
{
    struct sim_proc *p = ctx;
    struct sim *s = p->s;

    sim_crucial(p);
    if (is_down(p, e))
        return LAC_RETRY;
    if (is_refused(p)) {
        sim_hit(s, SIM_EV_PG_REFUSED);
        return lac_err_set(e, LAC_REJECT, 22, "sim: a row is refused");
    }
    if (p->in_revoke)
        sim_hit(s, SIM_EV_COMMIT_IN_REVOKE);
    if (!swap(p, pos, n)) {
        sim_hit(s, SIM_EV_PG_FENCED);
        sim_trace(s, p, "fenced by epoch");
        return lac_err_set(e, LAC_RETRY, 0, "sim: not ours any more");
    }
    sim_crucial(p);
    if (sim_chance(s, s->rate.lost_reply)) {
        sim_hit(s, SIM_EV_PG_LOST_COMMIT);
        sim_trace(s, p, "answer to COMMIT lost");
        return lac_err_set(e, LAC_RETRY, 0, "sim: the connection broke at COMMIT");
    }
    for (size_t i = 0; i < n; i++)
        p->pg_next[sim_part_of(s, pos[i].topic, pos[i].partition)] = pos[i].offset;
    p->row_count = 0;
    return LAC_OK;
}

static enum lac_status pg_abort(void *ctx, struct lac_err *e)
{
    struct sim_proc *p = ctx;

    if (p->in_revoke)
        sim_fail(p->s, "abort inside of a rebalance callback");
    sim_step(p);
    if (is_down(p, e))
        return LAC_RETRY;
    p->row_count = 0;
    return LAC_OK;
}

static void pg_revoked(void *ctx, bool lost)
{
    struct sim_proc *p = ctx;

    (void)lost;
    memset(p->held, 0, sizeof(p->held));
}

static void pg_close(void *ctx)
{
    struct sim_proc *p = ctx;

    p->row_count = 0;
}

struct lac_output sim_pg_output(struct sim_proc *p)
{
    static const struct lac_output_ops ops = {
        .name = "pg-copy",
        .carries_records = false,
        .open = pg_open,
        .start = pg_start,
        .write = pg_write,
        .commit = pg_commit,
        .abort = pg_abort,
        .revoked = pg_revoked,
        .close = pg_close,
    };

    p->row_count = 0;
    memset(p->held, 0, sizeof(p->held));
    return (struct lac_output){p, &ops};
}
