/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lac_clock.h"
#include "lac_event_id.h"
#include "lac_signal.h"

enum {
    SAVE_MS = 500,
    SERVE_EVERY = 64, /* records between two looks at deliveries, signals and clock */
    BAD_SHOWN = 20,
    QUEUE_FULL_MS = 100,
    TELL_MS = 1000, /* a stop that takes longer is explained */
    /* So many single records that brokers refuse, and none that they take: it is the topic, and to
     * ask for each of a million takes hours. */
    REFUSED_MAX = 1000,
};

void lac_publish_say(struct lac_publish *r, const char *fmt, ...)
{
    char memory[2048];
    struct lac_buf b;
    va_list args;

    if (r->o->quiet)
        return;
    lac_progress_clear(&r->progress);
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    va_start(args, fmt);
    lac_buf_vprintf(&b, fmt, args);
    va_end(args);
    lac_buf_put_char(&b, '\n');
    (void)lac_term_flush(&r->term, &b);
}

/* "file:line: why". Counted always, shown for the first few. */
static void report_bad(struct lac_publish *r, struct lac_publish_slot *slot, const char *why)
{
    char memory[2048];
    struct lac_buf b;

    slot->bad = true;
    r->bad++;
    if (r->bad - r->resumed_bad > BAD_SHOWN)
        return;
    lac_progress_clear(&r->progress);
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_put_text(&b, slot->file);
    if (slot->line > 0)
        lac_buf_printf(&b, ":%" PRIu64, slot->line);
    lac_buf_printf(&b, ": %s\n", why);
    if (r->bad - r->resumed_bad == BAD_SHOWN)
        lac_buf_put_text(&b, "(further bad records are only counted)\n");
    (void)lac_term_flush(&r->term, &b);
}

static void expect(struct lac_publish *r, const struct lac_publish_slot *slot,
                   const struct lac_kafka_delivery *d)
{
    struct lac_event_id id;

    if (!r->wait || r->wait_status != LAC_OK)
        return;
    /* The time is the one we stamped: a delivery doesn't report it, and dev's broker would
     * report one that is not in its log. */
    lac_event_id_make(&id, lac_str_from(r->origin), lac_str_from(r->topic_name), d->partition,
                      d->offset, slot->timestamp);
    r->wait_status = lac_publish_wait_add(r->wait, slot->number, &id, &r->wait_err);
}

/* A record is not done and will not be: the run ends. */
static void fail(struct lac_publish *r, const struct lac_err *err)
{
    if (r->failed++ == 0)
        r->failure = *err;
}

void lac_publish_delivered(void *ctx, const struct lac_kafka_delivery *d, size_t n)
{
    struct lac_publish *r = ctx;
    struct lac_err err;

    for (size_t i = 0; i < n; i++) {
        struct lac_publish_slot *slot = d[i].opaque;

        if (d[i].status == LAC_OK) {
            r->delivered++;
            r->refused_in_a_row = 0;
            expect(r, slot, &d[i]);
            lac_publish_window_done(&r->window, slot);
        } else if (d[i].status == LAC_REJECT) {
            if (lac_publish_again_keep(&r->again, &d[i], &err) != LAC_OK)
                fail(r, &err);
        } else { /* not done: the journal stays before it, and the next run sends it */
            lac_err_set(&err, d[i].status, d[i].code,
                        "the brokers did not acknowledge a record: %s",
                        lac_kafka_code_text(d[i].code));
            fail(r, &err);
        }
    }
}

static void refused(struct lac_publish *r, struct lac_publish_slot *slot, int code)
{
    char why[256];
    struct lac_err err;

    snprintf(why, sizeof(why), "the brokers refuse it: %s", lac_kafka_code_text(code));
    report_bad(r, slot, why);
    lac_publish_window_done(&r->window, slot);
    if (++r->refused_in_a_row < REFUSED_MAX)
        return;
    lac_err_set(&err, LAC_FATAL, code, "the brokers refused %d records one after the other: %s",
                REFUSED_MAX, lac_kafka_code_text(code));
    fail(r, &err);
}

/* Sends what was refused once all else is reported: a batch of its own is what it is about. */
static void send_again(struct lac_publish *r)
{
    enum lac_status status = LAC_REJECT;
    struct lac_err err;
    void *slot;
    int code;

    while (status == LAC_REJECT && r->failed == 0 && lac_publish_again_pending(&r->again) &&
           lac_kafka_producer_pending(r->producer) == 0) {
        status = lac_publish_again_step(&r->again, r->producer, r->topic, &slot, &code, &err);
        if (status == LAC_REJECT)
            refused(r, slot, code);
        else if (status != LAC_OK)
            fail(r, &err);
    }
}

static void save(struct lac_publish *r)
{
    struct lac_publish_mark m = {.shape = r->shape};
    struct lac_err err;

    if (!r->journal.path[0] || r->journal_broken || !r->window.moved)
        return;
    m.position = r->window.position;
    m.line = r->window.lines;
    /* What lies behind it will be counted when it is sent again. */
    m.delivered = r->resumed_delivered + r->window.done - r->window.bad;
    m.bad = r->resumed_bad + r->window.bad;
    if (lac_publish_input_mark(r->input, r->window.source, &m, &err) != LAC_OK ||
        lac_publish_journal_save(&r->journal, &m, &err) != LAC_OK) {
        r->journal_broken = true;
        lac_progress_clear(&r->progress);
        lac_tool_warn(r->t, "an interruption from here on can't be resumed: %s", err.text);
        return;
    }
    r->window.moved = false;
}

static void show_progress(struct lac_publish *r)
{
    char line[256], count[LAC_PROGRESS_NUMBER_SIZE], rate[LAC_PROGRESS_NUMBER_SIZE],
        lag[LAC_PROGRESS_NUMBER_SIZE], left[LAC_PROGRESS_NUMBER_SIZE];
    uint64_t ms = lac_clock_mono_ms() - r->started_ms + 1, total, fresh;
    int64_t behind = lac_publish_lag_get(r->lag);
    struct lac_buf b;

    if (r->o->quiet || !lac_progress_due(&r->progress))
        return;
    total = lac_publish_input_size(r->input);
    fresh = r->delivered - r->resumed_delivered;
    lac_buf_init_fixed(&b, line, sizeof(line));
    lac_buf_printf(&b, "%s delivered  %s/s", lac_progress_count(count, r->delivered),
                   lac_progress_count(rate, fresh * 1000 / ms));
    if (r->bad)
        lac_buf_printf(&b, "  %" PRIu64 " bad", r->bad);
    if (behind >= 0)
        lac_buf_printf(&b, "  lag %s", lac_progress_count(lag, (uint64_t)behind));
    if (total > 0 && r->done_bytes > 0 && r->done_bytes < total && ms > 2000)
        lac_buf_printf(
            &b, "  %s left",
            lac_progress_time(left, (uint64_t)((double)ms * (double)(total - r->done_bytes) /
                                               (double)r->done_bytes)));
    lac_progress_bar(&r->progress, r->done_bytes, total, lac_buf_cstr(&b));
}

/* Deliveries, signals, journal and progress. False: stop. */
static bool serve(struct lac_publish *r, uint32_t wait_ms)
{
    uint64_t now;

    (void)lac_kafka_producer_poll(r->producer, wait_ms);
    send_again(r);
    now = lac_clock_mono_ms();
    if (now - r->saved_ms >= SAVE_MS) {
        r->saved_ms = now;
        save(r);
    }
    show_progress(r);
    if (lac_signal_came())
        r->stopped = true;
    return !r->stopped && r->failed == 0;
}

static struct lac_str key_of(const struct lac_request *q, enum lac_publish_key key)
{
    switch (key) {
    case LAC_PUBLISH_KEY_REQUEST_ID:
        return q->request_id;
    case LAC_PUBLISH_KEY_USER:
        return q->has_user ? q->user.id : LAC_STR_NULL;
    case LAC_PUBLISH_KEY_SESSION:
        return q->session;
    case LAC_PUBLISH_KEY_SUBJECT:
        return q->subject;
    case LAC_PUBLISH_KEY_PROJECT:
        return q->project;
    default:
        return LAC_STR_NULL;
    }
}

/* Encodes and queues; a full queue is waited for. OK also when the run has to stop. */
static enum lac_status send(struct lac_publish *r, const struct lac_publish_record *record,
                            struct lac_publish_slot *slot, struct lac_err *err)
{
    char id[64];
    struct lac_kafka_header headers[] = {
        {LAC_STR("content-type"), lac_str_from(LAC_WIRE_CONTENT_TYPE)},
        {LAC_STR("ce_specversion"), LAC_STR("1.0")},
        {LAC_STR("ce_type"), LAC_STR("lacuna.request.v1")},
        {LAC_STR("ce_source"), LAC_STR("lacuna-publish")},
        {LAC_STR("ce_id"), record->request.request_id},
    };
    struct lac_kafka_record k = {.partition = LAC_KAFKA_ANY_PARTITION,
                                 .key = key_of(&record->request, r->o->key),
                                 .headers = headers,
                                 .header_count = LAC_COUNT(headers),
                                 .opaque = slot};
    enum lac_status status =
        lac_wire_write(r->wire, &lac_request_type, &record->request, &r->arena, &k.value, err);

    if (status != LAC_OK)
        return status == LAC_AGAIN
                   ? lac_err_set(err, LAC_REJECT, 0, "the record has too many parts")
                   : status;
    if (!record->request.request_id.ptr) {
        snprintf(id, sizeof(id), "%s-%" PRIu64, r->run_id, slot->number);
        headers[4].value = lac_str_from(id);
    }
    k.timestamp = slot->timestamp = lac_clock_wall_ms();
    for (;;) {
        status = lac_kafka_produce(r->producer, r->topic, &k, true, err);
        if (status != LAC_AGAIN)
            break;
        if (!serve(r, QUEUE_FULL_MS))
            return LAC_AGAIN;
    }
    if (status == LAC_OK) {
        r->sent++;
        r->bytes += k.value.len;
        if (r->wait && r->o->table)
            lac_publish_wait_text(r->wait, slot->number, record->request.text);
    }
    return status;
}

static bool stopped(void *ctx)
{
    struct lac_publish *r = ctx;

    r->stopped = lac_signal_came() || r->stopped;
    return r->stopped;
}

/* One record from input to queue. AGAIN: the end, or a reason to stop. */
static enum lac_status step(struct lac_publish *r, struct lac_err *err)
{
    struct lac_publish_record record;
    struct lac_publish_slot *slot;
    enum lac_status status;

    while (lac_publish_again_pending(&r->again) || !(slot = lac_publish_window_push(&r->window)))
        if (!serve(r, QUEUE_FULL_MS))
            return LAC_AGAIN;
    lac_arena_reset(&r->arena);
    status = lac_publish_input_next(r->input, &r->arena, &record, err);
    if (status == LAC_OK || status == LAC_REJECT) {
        slot->file = record.file;
        slot->line = record.line;
        slot->lines = record.lines;
        slot->source = record.source;
        slot->position = record.position;
        r->done_bytes = record.done;
    }
    if (status == LAC_OK)
        status = send(r, &record, slot, err);
    if (status == LAC_REJECT) {
        report_bad(r, slot, err->text);
        lac_publish_window_done(&r->window, slot);
        return LAC_OK;
    }
    if (status != LAC_OK)
        lac_publish_window_drop(&r->window);
    return status == LAC_FATAL && r->stopped ? LAC_AGAIN : status;
}

/* What was sent is waited for, whatever ended the sending; a second signal ends that, too. */
static void wait_for_brokers(struct lac_publish *r)
{
    uint64_t tell_ms = lac_clock_mono_ms() + TELL_MS;

    while (lac_kafka_producer_pending(r->producer) > 0 ||
           (lac_publish_again_pending(&r->again) && r->failed == 0)) {
        bool interrupted = r->stopped;

        r->stopped = false;
        (void)serve(r, QUEUE_FULL_MS);
        if (r->stopped && interrupted)
            break;
        r->stopped |= interrupted;
        if (r->stopped && lac_clock_mono_ms() >= tell_ms) {
            lac_publish_say(r, "Waiting for the brokers to acknowledge what was sent; a second "
                               "signal ends that.");
            tell_ms = UINT64_MAX;
        }
    }
}

enum lac_status lac_publish_send_all(struct lac_publish *r, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    unsigned n = 0;

    lac_publish_input_until(r->input, stopped, r);
    while (status == LAC_OK) {
        status = step(r, err);
        if (status == LAC_OK && ++n % SERVE_EVERY == 0 && !serve(r, 0))
            break;
    }
    wait_for_brokers(r);
    save(r);
    lac_progress_clear(&r->progress);
    /* What ended it says more than what became of the records. */
    if (r->failed)
        (void)lac_kafka_producer_broken(r->producer, &r->failure);
    return status == LAC_AGAIN ? LAC_OK : status;
}
