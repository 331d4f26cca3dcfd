/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_follower.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_control_state.h"
#include "lac_control_topic.h"
#include "lac_log.h"
#include "lac_thread.h"

enum {
    POLL_MS = 200,     /* how late a lineup that is due by the clock may be */
    BURST = 64,        /* records between two looks at the clock */
    RETRY_MS = 1000,   /* no broker, no memory */
    ABSENT_MS = 10000, /* between two looks for a topic that is not there */
    LOG_PERIOD_MS = 30000,
    BEHIND_MS = 60000, /* the clocks of two machines may differ; by more, one of them is wrong */
};

struct lac_control_follower {
    struct lac_control_follower_options o;
    struct lac_control_signers signers;
    struct lac_control_cache cache;
    struct lac_control_packs *packs;
    struct lac_control_state *state;
    struct lac_control_reader *reader;
    bool past;            /* this reader has not met the end yet */
    uint64_t ready_by_ms; /* monotonic; 0: only the topic can tell */
    int64_t newest_ms;    /* timestamp of the newest record that was read */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* ready, stop */
    pthread_cond_t changed;
    bool ready, stop;
    struct lac_log_every refused_logs[LAC_CONTROL_REFUSAL_COUNT], trouble_logs, clock_logs;
    struct lac_gauge *behind;
    struct lac_gauge *info[LAC_CONTROL_ROLE_COUNT], *version[LAC_CONTROL_ROLE_COUNT];
    struct lac_gauge *expired, *held;
    struct lac_counter *swaps[LAC_CONTROL_ROLE_COUNT], *refused[LAC_CONTROL_REFUSAL_COUNT];
};

/* ---- metrics and log ---- */

static void open_metrics(struct lac_control_follower *f)
{
    struct lac_metrics *m = f->o.metrics;
    char labels[64];

    if (!m)
        return;
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
        (void)snprintf(labels, sizeof(labels), "role=\"%s\"",
                       lac_control_role_name((enum lac_control_role)i));
        f->info[i] = lac_metrics_gauge(m, "lacuna_pack_info", "The packs in force.", labels);
        f->version[i] =
            lac_metrics_gauge(m, "lacuna_pack_version",
                              "Version of the pack in force; 0: of the configuration.", labels);
        f->swaps[i] =
            lac_metrics_counter(m, "lacuna_pack_swaps_total", "Packs put in force.", labels);
    }
    for (int i = 0; i < LAC_CONTROL_REFUSAL_COUNT; i++) {
        (void)snprintf(labels, sizeof(labels), "reason=\"%s\"",
                       lac_control_refusal_name((enum lac_control_refusal)i));
        f->refused[i] = lac_metrics_counter(m, "lacuna_pack_refused_total",
                                            "Pushed packs that were not taken, each version once, "
                                            "and records that nobody can read.",
                                            labels);
    }
    f->behind = lac_metrics_gauge(m, "lacuna_clock_behind_seconds",
                                  "By how much this machine's clock is behind the newest record of "
                                  "the control topic; 0 when it isn't.",
                                  NULL);
    f->expired = lac_metrics_gauge(m, "lacuna_pack_expired",
                                   "1 when the current pack is past its time.", NULL);
    f->held = lac_metrics_gauge(m, "lacuna_pack_lineups_held",
                                "Replaced sets of packs that a lane still holds.", NULL);
}

static void show(struct lac_control_follower *f, enum lac_control_role role,
                 const struct lac_control_pack *p, const char *hash)
{
    char labels[LAC_METRICS_LABELS_MAX];
    struct lac_str name = p ? lac_pack_name(p->pack) : LAC_STR_NULL;
    char version[24];
    struct lac_buf b;

    if (!p) {
        lac_gauge_hide(f->info[role]);
        lac_gauge_hide(f->version[role]);
        return;
    }
    if (name.len > 100)
        name.len = 100;
    lac_buf_init_fixed(&b, labels, sizeof(labels) - 1);
    (void)snprintf(version, sizeof(version), "%" PRId64, p->version);
    lac_metrics_label(&b, "role", lac_str_from(lac_control_role_name(role)));
    lac_metrics_label(&b, "name", name);
    lac_metrics_label(&b, "version", lac_str_from(version));
    lac_metrics_label(&b, "hash", lac_str_from(hash));
    lac_metrics_label(&b, "signer", lac_str_from(p->verified ? p->signer : ""));
    labels[b.len] = '\0';
    if (lac_buf_ok(&b) && f->o.metrics && lac_gauge_relabel(f->o.metrics, f->info[role], labels))
        lac_gauge_set(f->info[role], 1);
    lac_gauge_set(f->version[role], (double)p->version);
}

static void on_swapped(void *ctx, enum lac_control_role role, const struct lac_control_pack *p,
                       const char *reason)
{
    struct lac_control_follower *f = ctx;
    /* It came in force between the two; a thread may wait for a processor in there. */
    int64_t from_us = lac_control_packs_published_us(f->packs), at_us = lac_clock_wall_us();
    char hash[2 * LAC_PACK_HASH_SIZE + 1] = "";

    if (p)
        lac_hex_encode(hash, lac_pack_hash(p->pack)->bytes, LAC_PACK_HASH_SIZE);
    show(f, role, p, hash);
    lac_counter_add(f->swaps[role], 1);
    if (p)
        lac_log(LAC_LOG_INFO, "pack_swapped",
                "role=%s reason=%s version=%" PRId64 " hash=%s signer=%s name=\"%.*s\" "
                "from_us=%" PRId64 " at_us=%" PRId64,
                lac_control_role_name(role), reason, p->version, hash,
                p->verified ? p->signer : "none", LAC_STR_FMT(lac_pack_name(p->pack)), from_us,
                at_us);
    else
        lac_log(LAC_LOG_INFO, "pack_ended", "role=%s reason=%s at_us=%" PRId64,
                lac_control_role_name(role), reason, at_us);
}

static void on_opened(void *ctx, enum lac_control_role role, const struct lac_pack *pack)
{
    const struct lac_control_follower *f = ctx;

    if (f->o.prepare)
        f->o.prepare(f->o.prepare_ctx, pack, role == LAC_CONTROL_CURRENT);
}

static void on_refused(void *ctx, enum lac_control_refusal why, enum lac_control_role role,
                       int64_t version, const char *text)
{
    struct lac_control_follower *f = ctx;
    uint64_t more;

    lac_counter_add(f->refused[why], 1);
    if (lac_log_every(&f->refused_logs[why], LOG_PERIOD_MS, &more))
        lac_log(LAC_LOG_ERROR, "pack_refused",
                "reason=%s role=%s version=%" PRId64 " suppressed=%" PRIu64 " text=\"%s\"",
                lac_control_refusal_name(why), lac_control_role_name(role), version, more, text);
}

static void trouble(struct lac_control_follower *f, const char *event, const struct lac_err *err)
{
    uint64_t more;

    if (lac_log_every(&f->trouble_logs, LOG_PERIOD_MS, &more))
        lac_log_err(LAC_LOG_WARN, event, err);
}

/* ---- the thread ---- */

static bool stopping(struct lac_control_follower *f)
{
    bool stop;

    (void)pthread_mutex_lock(&f->lock);
    stop = f->stop;
    (void)pthread_mutex_unlock(&f->lock);
    return stop;
}

static struct timespec deadline(uint32_t ms)
{
    uint64_t at = lac_clock_mono_ns() + (uint64_t)ms * 1000000;

    return (struct timespec){.tv_sec = (time_t)(at / 1000000000),
                             .tv_nsec = (long)(at % 1000000000)};
}

static void rest(struct lac_control_follower *f, uint32_t ms)
{
    struct timespec until = deadline(ms);

    (void)pthread_mutex_lock(&f->lock);
    while (!f->stop && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
        ;
    (void)pthread_mutex_unlock(&f->lock);
}

static void set_ready(struct lac_control_follower *f, const char *why)
{
    bool first;

    (void)pthread_mutex_lock(&f->lock);
    first = !f->ready;
    f->ready = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    if (first)
        lac_log(LAC_LOG_INFO, "packs_ready", "reason=%s", why);
}

/* With a pack from the cache, decisions begin even if nobody can say whether it is the newest. */
static void check_patience(struct lac_control_follower *f)
{
    if (f->ready_by_ms && lac_clock_mono_ms() >= f->ready_by_ms) {
        f->ready_by_ms = 0;
        set_ready(f, "cached");
    }
}

static void connect_reader(struct lac_control_follower *f)
{
    struct lac_err err;
    enum lac_status status = lac_control_reader_open(&f->reader, f->o.kafka, f->o.topic, &err);

    f->past = true;
    if (status == LAC_OK)
        return;
    trouble(f, "control_topic_not_read", &err);
    if (status == LAC_AGAIN)
        set_ready(f, "no_topic");
    check_patience(f);
    rest(f, status == LAC_AGAIN ? ABSENT_MS : RETRY_MS);
}

/*
 * What time it is at least: a record that was read has been written. By a clock that is behind
 * that, a pack would be taken whose time is over. Where the record's was ahead instead, a pack is
 * refused too early: that leaves in force what was. No pack begins by it, for anybody who may write
 * to the topic could bring that forward.
 */
static int64_t latest_ms(struct lac_control_follower *f, int64_t wall_ms)
{
    int64_t behind_ms = f->newest_ms - wall_ms;
    uint64_t more;

    lac_gauge_set(f->behind, behind_ms > 0 ? (double)behind_ms / 1e3 : 0);
    if (behind_ms > BEHIND_MS && lac_log_every(&f->clock_logs, LOG_PERIOD_MS, &more))
        lac_log(LAC_LOG_WARN, "clock_behind",
                "seconds=%" PRId64 " text=\"this machine's clock, or that of who pushed a pack, is "
                "wrong; packs end by the later one\"",
                behind_ms / 1000);
    return behind_ms > 0 ? f->newest_ms : wall_ms;
}

static void settle(struct lac_control_follower *f)
{
    int64_t now_ms = lac_clock_wall_ms();
    struct lac_err err;

    if (lac_control_state_settle(f->state, now_ms, latest_ms(f, now_ms), &err) != LAC_OK) {
        trouble(f, "pack_not_taken", &err);
        rest(f, RETRY_MS);
    }
    lac_gauge_set(f->expired, lac_control_state_expired(f->state));
    lac_gauge_set(f->held, (double)lac_control_packs_reap(f->packs));
}

static void follow(struct lac_control_follower *f)
{
    enum lac_status status = LAC_OK;
    struct lac_control_read one;
    struct lac_err err;

    for (int i = 0; status == LAC_OK && i < BURST; i++) {
        status = lac_control_reader_next(f->reader, i ? 0 : POLL_MS, &one, &err);
        if (status != LAC_OK)
            break;
        if (one.timestamp > f->newest_ms)
            f->newest_ms = one.timestamp;
        if (one.deleted)
            continue; /* what was taken stays; what was not will not come any more */
        if (one.malformed)
            lac_control_state_malformed(f->state, one.why);
        else
            lac_control_state_feed(f->state, &one.record, f->past);
    }
    if (status == LAC_RETRY)
        trouble(f, "control_topic_not_read", &err);
    if (status == LAC_FATAL) {
        trouble(f, "control_topic_lost", &err);
        lac_control_reader_close(f->reader);
        f->reader = NULL;
        rest(f, RETRY_MS);
        return;
    }
    if (f->past && lac_control_reader_at_end(f->reader)) {
        f->past = false;
        settle(f);
        set_ready(f, "read");
    } else if (!f->past) {
        settle(f);
    }
}

static void *run(void *ctx)
{
    struct lac_control_follower *f = ctx;

    while (!stopping(f)) {
        if (!f->reader)
            connect_reader(f);
        else
            follow(f);
        check_patience(f);
    }
    lac_control_reader_close(f->reader);
    f->reader = NULL;
    return NULL;
}

/* ---- life ---- */

static enum lac_status open_lock(struct lac_control_follower *f, struct lac_err *err)
{
    pthread_condattr_t attr;
    bool ok = pthread_condattr_init(&attr) == 0;

    ok = ok && pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
         pthread_mutex_init(&f->lock, NULL) == 0 && pthread_cond_init(&f->changed, &attr) == 0;
    (void)pthread_condattr_destroy(&attr);
    return ok ? LAC_OK : lac_err_set(err, LAC_FATAL, 0, "control: cannot make a lock");
}

static enum lac_status open_state(struct lac_control_follower *f, struct lac_pack *fallback,
                                  struct lac_err *err)
{
    const struct lac_control_state_options o = {
        .name = f->o.name,
        .signers = &f->signers,
        .cache = f->o.cache_dir ? &f->cache : NULL,
        .packs = f->packs,
        .events = {.ctx = f, .opened = on_opened, .refused = on_refused, .swapped = on_swapped},
    };
    enum lac_status status = lac_control_state_open(&f->state, &o, fallback, err);

    if (status != LAC_OK)
        return status;
    if (lac_control_state_load(f->state, lac_clock_wall_ms()))
        f->ready_by_ms = lac_clock_mono_ms() + LAC_CONTROL_CACHED_WAIT_MS;
    lac_gauge_set(f->expired, lac_control_state_expired(f->state));
    return LAC_OK;
}

enum lac_status lac_control_follower_open(struct lac_control_follower **out,
                                          const struct lac_control_follower_options *o,
                                          struct lac_pack *fallback, struct lac_err *err)
{
    struct lac_control_follower *f = calloc(1, sizeof(*f));
    enum lac_status status;

    *out = NULL;
    status = f ? open_lock(f, err) : lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    if (status != LAC_OK) {
        free(f);
        lac_pack_close(fallback);
        return status;
    }
    LAC_ASSERT(f); /* the analyzer can't see what lac_err_set() returns */
    f->o = *o;
    open_metrics(f);
    status = lac_control_signers_read(&f->signers, o->signers, o->require_signature, err);
    if (status == LAC_OK && o->cache_dir)
        status = lac_control_cache_open(&f->cache, o->cache_dir, o->cache_keep, err);
    if (status == LAC_OK)
        status = lac_control_packs_new(&f->packs, err);
    if (status == LAC_OK)
        status = open_state(f, fallback, err);
    if (!f->state)
        lac_pack_close(fallback);
    if (status == LAC_OK) {
        status = lac_thread_start(&f->thread, run, f, err);
        f->started = status == LAC_OK;
    }
    if (status != LAC_OK) {
        lac_control_follower_close(f);
        return status;
    }
    *out = f;
    return LAC_OK;
}

void lac_control_follower_close(struct lac_control_follower *f)
{
    if (!f)
        return;
    (void)pthread_mutex_lock(&f->lock);
    f->stop = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    if (f->started)
        (void)pthread_join(f->thread, NULL);
    lac_control_state_close(f->state);
    lac_control_packs_free(f->packs);
    (void)pthread_cond_destroy(&f->changed);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

bool lac_control_follower_ready(struct lac_control_follower *f, uint32_t timeout_ms)
{
    struct timespec until = deadline(timeout_ms);
    bool ready;

    (void)pthread_mutex_lock(&f->lock);
    while (!f->ready && !f->stop && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
        ;
    ready = f->ready;
    (void)pthread_mutex_unlock(&f->lock);
    return ready;
}

struct lac_control_packs *lac_control_follower_packs(struct lac_control_follower *f)
{
    return f->packs;
}
