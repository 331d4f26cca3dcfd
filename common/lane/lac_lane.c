/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_lane_priv.h"

enum {
    ARENA_EXTRA = 8 << 20, /* beside 16 batches' worth */
    LOOK_AT_CLOCK = 16,    /* messages between two looks */
    PROBE_MS = 2000,       /* between two questions to a cluster that complained */
};

/* ---- partitions ---- */

static bool is_partition(const struct lane_partition *p, const char *topic, int32_t partition)
{
    return p->partition == partition && strcmp(p->topic, topic) == 0;
}

struct lane_partition *lane_find(struct lac_lane *l, const char *topic, int32_t partition)
{
    if (l->last_hit < l->partition_count &&
        is_partition(&l->partitions[l->last_hit], topic, partition))
        return &l->partitions[l->last_hit];
    for (size_t i = 0; i < l->partition_count; i++) {
        if (is_partition(&l->partitions[i], topic, partition)) {
            l->last_hit = i;
            return &l->partitions[i];
        }
    }
    return NULL;
}

static const char *intern(struct lac_lane *l, const char *topic)
{
    for (size_t i = 0; i < l->topic_name_count; i++)
        if (strcmp(l->topic_names[i], topic) == 0)
            return l->topic_names[i];
    if (l->topic_name_count == LANE_TOPIC_NAMES || strlen(topic) >= LAC_KAFKA_TOPIC_SIZE)
        return NULL;
    memcpy(l->topic_names[l->topic_name_count], topic, strlen(topic) + 1);
    return l->topic_names[l->topic_name_count++];
}

static struct lac_gauge *lag_gauge(struct lac_lane *l, const char *topic, int32_t partition)
{
    char memory[LAC_METRICS_LABELS_MAX], number[16];
    struct lac_buf labels;

    if (!l->o.metrics)
        return NULL;
    (void)snprintf(number, sizeof(number), "%d", (int)partition);
    lac_buf_init_fixed(&labels, memory, sizeof(memory));
    lac_metrics_label(&labels, "lane", lac_str_from(l->o.name));
    lac_metrics_label(&labels, "topic", lac_str_from(topic));
    lac_metrics_label(&labels, "partition", lac_str_from(number));
    return lac_metrics_gauge(l->o.metrics, "lacuna_lane_lag_records",
                             "Offsets of the partition from the first record that is not "
                             "processed yet; 0 when there is none.",
                             lac_buf_cstr(&labels));
}

void lac_lane_assigned(struct lac_lane *l, struct lac_kafka_position *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *topic = intern(l, p[i].topic);

        if (!topic || l->partition_count == LAC_LANE_PARTITIONS_MAX) {
            l->overflow = true;
            break;
        }
        l->partitions[l->partition_count++] = (struct lane_partition){
            .topic = topic,
            .partition = p[i].partition,
            .first = LAC_KAFKA_NONE,
            .next = LAC_KAFKA_NONE,
            .taken = LAC_KAFKA_NONE,
            .durable = LAC_KAFKA_NONE,
            .stale = LAC_KAFKA_NONE,
            .last = LAC_KAFKA_NONE,
            .seek_to = LAC_KAFKA_NONE,
            .blank = LAC_KAFKA_NONE,
            .blank_end = LAC_KAFKA_NONE,
            .lag = lag_gauge(l, topic, p[i].partition),
        };
    }
    l->pending.fresh = n > 0;
    if (n > 0) /* or the first message comes before we know where to begin */
        l->io.ops->poll_break(l->io.ctx);
    lac_counter_add(l->rebalances_total, 1);
    atomic_store(&l->health.joined, true);
    lac_log(LAC_LOG_INFO, "partitions_assigned", "lane=%s count=%zu", l->o.name, n);
}

/* The partitions go: what was polled is finished and committed while they are still ours. */
static void finish_in_callback(struct lac_lane *l)
{
    struct lac_err err = {.status = LAC_RETRY, .text = "the interval has to be redone"};
    enum lac_status status = lane_is_pending(l) ? LAC_OK : lane_process(l, &err);

    if (status == LAC_OK || status == LAC_RETRY) {
        enum lac_status committed = l->pending.abort ? LAC_RETRY : lane_commit(l, &err);

        status = committed == LAC_OK ? status : committed;
    }
    if (status == LAC_FATAL) {
        l->fatal = true;
        l->fatal_err = err;
    } else if (status != LAC_OK) {
        lac_log_err(LAC_LOG_WARN, "revocation_not_committed", &err);
    }
}

void lac_lane_revoked(struct lac_lane *l, const struct lac_kafka_position *p, size_t n, bool lost)
{
    (void)p;
    l->in_callback = true;
    if (!lost)
        finish_in_callback(l);
    l->in_callback = false;
    lane_drop_batch(l, 0);
    if (l->dirty) /* lost, or not committed: never aborted here, that can hang the group */
        l->pending.abort = true;
    for (size_t i = 0; i < l->partition_count; i++)
        lac_gauge_hide(l->partitions[i].lag);
    l->partition_count = 0;
    l->culprits = false;
    l->pending.seek = l->pending.fresh = l->pending.rewind = false;
    if (l->output.ops->revoked)
        l->output.ops->revoked(l->output.ctx, lost);
    if (l->pending.abort)
        l->io.ops->poll_break(l->io.ctx);
    lac_log(LAC_LOG_INFO, "partitions_revoked", "lane=%s count=%zu lost=%s", l->o.name, n,
            lost ? "true" : "false");
}

/* ---- collecting ---- */

/* The message will be read again, unless it was processed: the partition goes back that far. */
void lane_drop(struct lac_lane *l, struct lac_kafka_msg *msg)
{
    struct lane_partition *p = lane_find(l, msg->topic, msg->partition);

    if (p) {
        int64_t to = msg->offset < p->next ? p->next : msg->offset;

        p->taken = LAC_KAFKA_NONE;
        if (p->first == LAC_KAFKA_NONE)
            p->first = msg->offset;
        if (p->seek_to == LAC_KAFKA_NONE || to < p->seek_to)
            p->seek_to = p->seek_to == LAC_KAFKA_BEGINNING ? p->seek_to : to;
        l->pending.seek = true;
    }
    lac_kafka_msg_release(msg);
}

void lane_drop_batch(struct lac_lane *l, size_t from)
{
    for (size_t i = from; i < l->count; i++)
        lane_drop(l, &l->msgs[i]);
    l->count = l->bytes = l->tokens = 0;
}

/*
 * Whether this was taken before. Reading begins too early when librdkafka was confused by a
 * rebalance (see lac_kafka.h), and a seek while it asks where the log begins is undone half a
 * second later: it goes on where it should then. If it comes from before again and again, the
 * position does not exist any more: the log was cut off, and all that is left in it is new.
 * It may grow up to the position meanwhile; so what is asked for is the last record that was taken,
 * and the one that is there now is compared with it.
 */
static bool is_old(struct lac_lane *l, struct lane_partition *p, const struct lac_kafka_msg *msg)
{
    int64_t behind = p->taken > p->next ? p->taken : p->next;

    if (behind == LAC_KAFKA_NONE || msg->offset >= behind) {
        p->sent_on = 0;
        p->short_ms = 0;
        return false;
    }
    if (msg->offset == p->last) {
        lane_compare(l, p, msg);
        return true;
    }
    if (lane_send_on(l, p, msg->offset, behind))
        return true;
    p->sent_on = 0;
    p->short_ms = 0;
    p->replaced = true;
    p->taken = LAC_KAFKA_NONE;
    lac_log(LAC_LOG_WARN, "position_gone", "lane=%s topic=%s partition=%d position=%lld at=%lld",
            l->o.name, p->topic, (int)p->partition, (long long)behind, (long long)msg->offset);
    if (l->output.ops->start) { /* which looks whether it exists, and says what to do if not */
        l->pending.abort = true;
        return true;
    }
    p->stale = p->durable;
    p->next = p->durable = LAC_KAFKA_NONE;
    p->first = LAC_KAFKA_BEGINNING;
    return false;
}

static void accept(struct lac_lane *l, struct lac_kafka_msg *msg, uint64_t now)
{
    struct lane_partition *p = lane_find(l, msg->topic, msg->partition);

    if (!p || is_old(l, p, msg)) {
        lac_kafka_msg_release(msg); /* not ours any more, or processed before */
        return;
    }
    if (p->first == LAC_KAFKA_NONE)
        p->first = msg->offset;
    if (!l->count)
        l->opened_ms = now;
    p->taken = msg->offset + 1;
    p->last = msg->offset;
    p->last_ms = msg->timestamp;
    l->bytes += msg->key.len + msg->value.len;
    l->tokens += msg->value.len / 4 + 1;
    l->msgs[l->count++] = *msg;
}

static bool is_full(const struct lac_lane *l)
{
    return l->count == l->o.batch_count || l->bytes >= l->o.batch_bytes ||
           (l->o.batch_tokens && l->tokens >= l->o.batch_tokens);
}

/* When the batch or the interval has to end; never for an empty lane. */
static uint64_t deadline(const struct lac_lane *l)
{
    bool ages = l->count && l->o.batch_age_ms;
    uint64_t age = ages ? l->opened_ms + l->o.batch_age_ms : UINT64_MAX;
    uint64_t due = l->dirty ? l->began_ms + l->o.commit_interval_ms : UINT64_MAX;

    return age < due ? age : due;
}

/* How long to wait for the next message; 0 while they flow, which spares the library a look at
 * the clock for each. */
static uint32_t patience(uint64_t now, uint64_t until, bool flowing)
{
    uint64_t wait = until > now ? until - now : 0;

    if (flowing)
        return 0;
    return (uint32_t)(wait < LANE_IDLE_MS ? wait : LANE_IDLE_MS);
}

/* Polls until the batch is closed, or there is nothing to wait for. */
static enum lac_status collect(struct lac_lane *l, struct lac_err *err)
{
    uint64_t now = l->io.ops->now_ms(l->io.ctx), until = deadline(l);
    uint32_t since = 0;
    bool flowing = false;

    while (!is_full(l) && !lane_is_pending(l) && !l->fatal && !lac_lane_stopping(l)) {
        struct lac_kafka_msg msg = {0};
        enum lac_status status;

        if (until != UINT64_MAX && now >= until)
            return LAC_OK;
        status = l->io.ops->poll(l->io.ctx, patience(now, until, flowing), &msg, err);
        if (status == LAC_OK && lane_is_pending(l)) { /* a rebalance ran inside */
            lane_drop(l, &msg);
            return LAC_OK;
        }
        if (status != LAC_OK || ++since == LOOK_AT_CLOCK || l->count == 0) {
            now = l->io.ops->now_ms(l->io.ctx);
            since = 0;
        }
        if (status == LAC_OK)
            accept(l, &msg, now);
        else if (status != LAC_AGAIN)
            return status;
        else if (l->count ? !l->o.batch_age_ms : !flowing && !l->dirty)
            return LAC_OK; /* what was there is taken, and nobody waits for more */
        flowing = status == LAC_OK;
        until = deadline(l);
    }
    return LAC_OK;
}

/* ---- the loop ---- */

void lane_enter(struct lac_lane *l, enum lac_lane_state s)
{
    if (atomic_exchange_explicit(&l->health.state, (int)s, memory_order_relaxed) != (int)s)
        atomic_store_explicit(&l->health.since_ms, lac_clock_mono_ms(), memory_order_relaxed);
}

/* Something outside does not work: readiness says what. */
void lane_wait_for(struct lac_lane *l, const struct lac_err *err)
{
    lane_enter(l, LAC_LANE_WAITING);
    (void)pthread_mutex_lock(&l->why_lock);
    (void)snprintf(l->why, sizeof(l->why), "%s", err->text);
    (void)pthread_mutex_unlock(&l->why_lock);
}

void lac_lane_trouble(struct lac_lane *l, char *out, size_t size)
{
    (void)pthread_mutex_lock(&l->why_lock);
    (void)snprintf(out, size, "%s", l->why);
    (void)pthread_mutex_unlock(&l->why_lock);
}

void lac_lane_ended(struct lac_lane *l, const char *topic, int32_t partition, int64_t offset)
{
    struct lane_partition *p = lane_find(l, topic, partition);

    if (!p || p->seek_to != LAC_KAFKA_NONE) /* that far it comes again, and so does the end */
        return;
    p->blank = p->taken > p->next ? p->taken : p->next;
    p->blank_end = offset;
}

/* The next record that is to be processed is not before that; LAC_KAFKA_NONE: not known. */
static int64_t position(const struct lac_lane *l, const struct lane_partition *p, int64_t low)
{
    int64_t at = l->pending.abort ? p->durable : p->next;

    if (at == LAC_KAFKA_NONE)
        at = p->first;
    if (at >= p->blank && at < p->blank_end)
        at = p->blank_end;
    return at >= 0 && at < low ? low : at;
}

/* What operators scale by and call "caught up". An open transaction's records count: they are
 * there, and nobody has processed them. */
static void update_lag(struct lac_lane *l, uint64_t now)
{
    if (now < l->lag_due_ms)
        return;
    l->lag_due_ms = now + LANE_LAG_MS;
    if (l->output.ops->carries_records) /* else these are dead letters, and commit looks */
        lac_counter_add(l->replies_lost_total, l->io.ops->side_failed(l->io.ctx, NULL));
    lac_gauge_set(l->commit_age, l->began_ms ? (double)(now - l->began_ms) / 1e3 : 0);
    for (size_t i = 0; i < l->partition_count; i++) {
        const struct lane_partition *p = &l->partitions[i];
        int64_t low, high, at;

        if (!l->io.ops->watermarks(l->io.ctx, p->topic, p->partition, &low, &high))
            continue;
        at = position(l, p, low);
        if (at >= 0)
            lac_gauge_set(p->lag, high > at ? (double)(high - at) : 0);
    }
}

/* The cluster complains while librdkafka goes on trying: nothing to do but to say so. */
static void note_trouble(struct lac_lane *l, const struct lac_err *err, uint64_t now)
{
    l->trouble = true;
    l->probe_due_ms = now + PROBE_MS;
    lane_wait_for(l, err);
    if (now < l->say_after_ms)
        return;
    l->say_after_ms = now + LANE_SAY_MS;
    lac_log_err(LAC_LOG_WARN, "poll_failed", err);
}

/* Well again when records come, or when a broker answers. */
static void note_quiet(struct lac_lane *l, uint64_t now)
{
    if (l->trouble && !l->count) {
        if (now < l->probe_due_ms)
            return;
        l->probe_due_ms = now + PROBE_MS;
        if (l->io.ops->reachable && !l->io.ops->reachable(l->io.ctx))
            return;
    }
    l->trouble = false;
    if (!l->attempt)
        lane_enter(l, LAC_LANE_RUNNING);
}

/* Nothing can be processed until something is put right; the group must still see us. */
static enum lac_status turn_pending(struct lac_lane *l, uint64_t now, struct lac_err *err)
{
    struct lac_kafka_msg msg = {0};
    enum lac_status status;

    if (now < l->hold_until_ms) {
        uint64_t left = l->hold_until_ms - now;

        l->io.ops->sleep_ms(l->io.ctx, (uint32_t)(left < LANE_NAP_MS ? left : LANE_NAP_MS));
        return LAC_OK;
    }
    status = lane_recover(l, err);
    if (status == LAC_OK || status == LAC_FATAL)
        return status;
    lane_back_off(l, "recovery_delayed", err);
    status = l->io.ops->poll(l->io.ctx, 0, &msg, err);
    if (status == LAC_OK)
        lane_drop(l, &msg);
    return status == LAC_FATAL ? LAC_FATAL : LAC_OK;
}

/* By time; and early enough that the next batch finds room in the arena. */
static bool commit_due(const struct lac_lane *l)
{
    return l->io.ops->now_ms(l->io.ctx) >= l->began_ms + l->o.commit_interval_ms ||
           l->arena.used > l->arena.size / 4 * 3;
}

static enum lac_status turn_working(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = collect(l, err);
    uint64_t now = l->io.ops->now_ms(l->io.ctx);

    if (status == LAC_FATAL)
        return LAC_FATAL;
    if (status != LAC_OK)
        note_trouble(l, err, now);
    else
        note_quiet(l, now);
    if (l->fatal) {
        *err = l->fatal_err;
        return LAC_FATAL;
    }
    if (lane_is_pending(l)) /* a batch that was open then is dropped, not lost */
        lane_drop_batch(l, 0);
    status = lane_process(l, err);
    if (status == LAC_OK && l->dirty && !l->pending.abort && commit_due(l))
        status = lane_commit(l, err);
    if (status == LAC_FATAL)
        return LAC_FATAL;
    if (status != LAC_OK)
        lane_back_off(l, "batch_delayed", err);
    return LAC_OK;
}

static enum lac_status turn_stopping(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    lane_enter(l, LAC_LANE_DRAINING);
    lane_drop_batch(l, 0);
    if (l->dirty && !l->pending.abort)
        status = lane_commit(l, err);
    if (l->pending.abort) {
        struct lac_err abort_err;

        /* Not safe to say committed; the successor redoes it. */
        if (l->output.ops->abort(l->output.ctx, &abort_err) == LAC_OK)
            lane_reset_interval(l);
    }
    if (status != LAC_OK)
        return status;
    return LAC_AGAIN;
}

enum lac_status lac_lane_turn(struct lac_lane *l, struct lac_err *err)
{
    uint64_t now = l->io.ops->now_ms(l->io.ctx);

    atomic_store_explicit(&l->health.seen_ms, lac_clock_mono_ms(), memory_order_relaxed);
    if (l->overflow)
        return lac_err_set(err, LAC_FATAL, 0, "lane %s: more than %d partitions or %d topics",
                           l->o.name, LAC_LANE_PARTITIONS_MAX, LANE_TOPIC_NAMES);
    update_lag(l, now);
    if (lac_lane_stopping(l))
        return turn_stopping(l, err);
    if (lane_is_pending(l) || now < l->hold_until_ms)
        return turn_pending(l, now, err);
    if (lane_look_when_idle(l, now, err) == LAC_FATAL)
        return LAC_FATAL;
    return lane_is_pending(l) ? LAC_OK : turn_working(l, err);
}

static enum lac_status open_output(struct lac_lane *l, struct lac_err *err)
{
    for (;;) {
        enum lac_status status = l->o.prepare ? l->o.prepare(l->o.prepare_ctx, err) : LAC_OK;
        uint64_t now;

        if (status == LAC_OK)
            status = l->output.ops->open(l->output.ctx, err);

        if (status == LAC_OK || status == LAC_FATAL)
            return status;
        if (lac_lane_stopping(l))
            return LAC_AGAIN;
        lane_back_off(l, "start_delayed", err);
        now = l->io.ops->now_ms(l->io.ctx);
        while (now < l->hold_until_ms && !lac_lane_stopping(l)) {
            atomic_store_explicit(&l->health.seen_ms, lac_clock_mono_ms(), memory_order_relaxed);
            l->io.ops->sleep_ms(l->io.ctx, LANE_NAP_MS);
            now = l->io.ops->now_ms(l->io.ctx);
        }
    }
}

enum lac_status lac_lane_run(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = open_output(l, err);

    if (status == LAC_OK) {
        lane_well(l);
        do
            status = lac_lane_turn(l, err);
        while (status == LAC_OK);
    }
    lane_drop_batch(l, 0);
    lane_enter(l, status == LAC_FATAL ? LAC_LANE_BROKEN : LAC_LANE_STOPPED);
    return status == LAC_AGAIN ? LAC_OK : status;
}

/* ---- life ---- */

static void register_metrics(struct lac_lane *l)
{
    static const double sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384};
    struct lac_metrics *m = l->o.metrics;
    char memory[160];
    struct lac_buf labels;
    const char *who;

    if (!m)
        return;
    lac_buf_init_fixed(&labels, memory, sizeof(memory));
    lac_metrics_label(&labels, "lane", lac_str_from(l->o.name));
    who = lac_buf_cstr(&labels);
    l->records_total = lac_metrics_counter(m, "lacuna_lane_records_total",
                                           "Input records that went through the stage.", who);
    l->bytes_total = lac_metrics_counter(m, "lacuna_lane_read_bytes_total",
                                         "Bytes of keys and values that were read.", who);
    l->batches_total =
        lac_metrics_counter(m, "lacuna_lane_batches_total", "Batches that were closed.", who);
    l->commits_total =
        lac_metrics_counter(m, "lacuna_lane_commits_total", "Intervals that were committed.", who);
    l->aborts_total = lac_metrics_counter(m, "lacuna_lane_aborts_total",
                                          "Intervals that were given up and redone.", who);
    l->retries_total = lac_metrics_counter(m, "lacuna_lane_retries_total",
                                           "Waits because something outside did not work.", who);
    l->replies_lost_total = lac_metrics_counter(m, "lacuna_lane_replies_lost_total",
                                                "Replies that could not be sent.", who);
    l->rebalances_total =
        lac_metrics_counter(m, "lacuna_lane_rebalances_total", "Assignments received.", who);
    l->batch_size = lac_metrics_histogram(m, "lacuna_lane_batch_records", "Records in a batch.",
                                          who, sizes, LAC_COUNT(sizes));
    l->stage_seconds =
        lac_metrics_histogram(m, "lacuna_lane_stage_seconds", "Time of one batch in the stage.",
                              who, lac_metrics_latency_seconds, LAC_METRICS_LATENCY_COUNT);
    l->commit_seconds =
        lac_metrics_histogram(m, "lacuna_lane_commit_seconds", "Time that a commit took.", who,
                              lac_metrics_latency_seconds, LAC_METRICS_LATENCY_COUNT);
    l->commit_age = lac_metrics_gauge(m, "lacuna_lane_commit_age_seconds",
                                      "Age of the oldest result that is not committed.", who);
}

static enum lac_status allocate(struct lac_lane *l, struct lac_err *err)
{
    size_t arena = l->o.arena_bytes ? l->o.arena_bytes : 16 * l->o.batch_bytes + ARENA_EXTRA;
    size_t per_message = l->o.records_per_message ? l->o.records_per_message : 4;
    enum lac_status status;

    l->partitions = calloc(LAC_LANE_PARTITIONS_MAX, sizeof(*l->partitions));
    l->positions = calloc(LAC_LANE_PARTITIONS_MAX, sizeof(*l->positions));
    l->msgs = calloc(l->o.batch_count, sizeof(*l->msgs));
    if (!l->partitions || !l->positions || !l->msgs)
        return lac_err_set(err, LAC_FATAL, 0, "lane: out of memory");
    status = lac_arena_init(&l->arena, arena, err);
    if (status == LAC_OK)
        status = lac_batch_init(&l->batch, &l->arena, l->o.batch_count,
                                l->o.batch_count * per_message + 1, err);
    if (status == LAC_OK && l->o.fuse_path)
        status = lac_fuse_open(&l->fuse, l->o.fuse_path, err);
    return status;
}

enum lac_status lac_lane_open(struct lac_lane **out, const struct lac_lane_options *o,
                              struct lac_lane_io io, struct lac_output output,
                              struct lac_stage stage, struct lac_err *err)
{
    struct lac_lane *l = calloc(1, sizeof(*l));
    enum lac_status status;

    LAC_ASSERT(o->batch_count > 0 && o->batch_bytes > 0);
    LAC_ASSERT(o->topic_count <= LAC_LANE_TOPICS_MAX);
    if (!l)
        return lac_err_set(err, LAC_FATAL, 0, "lane: out of memory");
    (void)pthread_mutex_init(&l->why_lock, NULL);
    l->o = *o;
    l->io = io;
    l->output = output;
    l->stage = stage;
    l->random = 88172645463325252ULL;
    for (const char *at = o->name; *at; at++)
        l->random = (l->random ^ (uint64_t)(unsigned char)*at) * 1099511628211ULL;
    status = allocate(l, err);
    if (status != LAC_OK) {
        l->output.ops = NULL; /* stays the caller's */
        lac_lane_close(l);
        return status;
    }
    register_metrics(l);
    lane_enter(l, LAC_LANE_STARTING);
    atomic_store(&l->health.seen_ms, lac_clock_mono_ms());
    *out = l;
    return LAC_OK;
}

void lac_lane_close(struct lac_lane *l)
{
    if (!l)
        return;
    if (l->output.ops) {
        lane_drop_batch(l, 0);
        l->output.ops->close(l->output.ctx);
    }
    (void)pthread_mutex_destroy(&l->why_lock);
    lac_fuse_close(l->fuse);
    lac_batch_deinit(&l->batch);
    lac_arena_deinit(&l->arena);
    free(l->msgs);
    free(l->positions);
    free(l->partitions);
    free(l);
}

void lac_lane_stop(struct lac_lane *l)
{
    atomic_store_explicit(&l->stop, true, memory_order_release);
}

bool lac_lane_stopping(const struct lac_lane *l)
{
    return atomic_load_explicit(&l->stop, memory_order_acquire);
}

bool lac_lane_commits_last(const struct lac_lane *l)
{
    return l->in_callback || lac_lane_stopping(l);
}

void lac_lane_learn(struct lac_lane *l, const struct lac_lane *other)
{
    lac_fuse_learn(l->fuse, other->fuse);
}

const struct lac_lane_health *lac_lane_health(const struct lac_lane *l)
{
    return &l->health;
}

const char *lac_lane_name(const struct lac_lane *l)
{
    return l->o.name;
}

const char *lac_lane_state_name(enum lac_lane_state s)
{
    static const char *const names[] = {
        [LAC_LANE_STARTING] = "starting", [LAC_LANE_RUNNING] = "running",
        [LAC_LANE_WAITING] = "waiting",   [LAC_LANE_DRAINING] = "draining",
        [LAC_LANE_STOPPED] = "stopped",   [LAC_LANE_BROKEN] = "broken",
    };

    return (unsigned)s < LAC_COUNT(names) ? names[s] : "unknown";
}
