/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies as they may stand on the topic, and the HTTP answers made of them. The first byte says
 * which content type they claim and whether two belong to one batch; two bytes are the length of
 * the first one. Whatever comes: an answer that is given is JSON with a tier in it, and what can't
 * be read leaves the asker to the deadline.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_bridge_impl.h"
#include "lac_clock.h"
#include "lac_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BATCH = 1, TYPE_SHIFT = 1, TYPES = 4, DEADLINE_MS = 1000 };

static struct lac_bridge *bridge;
static uint64_t now_ms; /* of the deadlines; never goes back */

static enum lac_status send_nothing(void *ctx, const struct lac_bridge_message *m,
                                    struct lac_err *err)
{
    (void)ctx;
    (void)m;
    return lac_err_set(err, LAC_RETRY, 0, "nowhere");
}

static void event_id(void *ctx, int32_t partition, int64_t offset, int64_t timestamp_ms,
                     struct lac_event_id *out)
{
    (void)ctx;
    (void)timestamp_ms;
    *out = (struct lac_event_id){{(uint8_t)partition, (uint8_t)offset}};
}

static bool usable(void *ctx, char *why, size_t size)
{
    (void)ctx;
    why[0] = '\0';
    return size > 0;
}

static bool open_bridge(void)
{
    static struct lac_metrics *metrics;
    struct lac_bridge_options o = {
        .http = {.listen = "127.0.0.1:0", .body_bytes = 16384},
        .version = "1",
        .in_flight = 8,
        .deadline_ms = DEADLINE_MS,
        .idempotency_ttl_ms = 600000,
        .link = {.send = send_nothing, .event_id = event_id, .usable = usable, .ready = usable}};

    if (lac_metrics_new(&metrics, NULL) != LAC_OK)
        return false;
    o.metrics = metrics;
    now_ms = lac_clock_mono_ms() + DEADLINE_MS;
    return lac_bridge_open(&bridge, &o, NULL) == LAC_OK;
}

/* A client that is gone and will be back for its answer, by its key. */
static struct lac_bridge_job *ask(uint32_t count, bool batch, struct lac_bridge_digest *key,
                                  uint64_t refs[2])
{
    static uint64_t number;
    struct lac_bridge_job *job = lac_bridge_job_new(bridge, NULL, count, batch);
    struct lac_str none;

    LAC_ASSERT(job);
    number++;
    *key = (struct lac_bridge_digest){{0}};
    memcpy(key->bytes, &number, sizeof(number));
    LAC_ASSERT(lac_bridge_idem_begin(bridge->idem, key, key, lac_clock_mono_ms(), &job->idem,
                                     &none) == LAC_BRIDGE_IDEM_NEW);
    job->waiting = count;
    for (uint32_t i = 0; i < count; i++) {
        LAC_ASSERT(lac_bridge_slots_take(bridge->slots, job, i, now_ms + 1, &refs[i]));
        job->parts[i].ref = refs[i];
        strcpy(job->parts[i].request_id, "id \"1\"");
    }
    return job;
}

static void check_one(const struct lac_json *v)
{
    enum lac_tier tier;
    double sure = lac_json_real(lac_json_get(v, "confidence"));

    LAC_ASSERT(lac_json_kind(v) == LAC_JSON_OBJECT && !lac_json_get(v, "error"));
    LAC_ASSERT(lac_tier_parse(lac_json_string(lac_json_get(v, "tier")), &tier));
    LAC_ASSERT(sure >= 0 && sure <= 1);
}

static void check(struct lac_str answer, uint32_t count, bool batch)
{
    struct lac_json *doc = NULL;
    struct lac_err err = {0};

    if (memmem(answer.ptr, answer.len, "\\u0000", 6))
        return; /* JSON, but more than our reader takes from strangers */
    LAC_ASSERT(lac_json_parse(&doc, answer, &err) == LAC_OK);
    if (!batch)
        check_one(doc);
    for (uint32_t i = 0; batch && i < count; i++)
        check_one(lac_json_item(lac_json_get(doc, "results"), i));
    LAC_ASSERT(!batch || lac_json_size(lac_json_get(doc, "results")) == count);
    lac_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lac_str types[TYPES] = {
        {NULL, 0}, {"application/avro", 16}, {"application/json", 16}, {"text/plain", 10}};
    struct lac_bridge_digest key;
    struct lac_str answer, value[2];
    uint64_t refs[2];
    uint32_t count, ref;
    bool batch;
    size_t n;

    if (size < 3 || (!bridge && !open_bridge()))
        return 0;
    batch = data[0] & BATCH;
    count = batch ? 2 : 1;
    n = (size_t)(data[1] | data[2] << 8);
    n = n < size - 3 ? n : size - 3;
    value[0] = (struct lac_str){(const char *)data + 3, n};
    value[1] = (struct lac_str){(const char *)data + 3 + n, size - 3 - n};
    (void)ask(count, batch, &key, refs);
    /* Nobody's: any bytes as the correlation id. */
    lac_bridge_reply(bridge, value[1], types[0], value[0]);
    for (uint32_t i = 0; i < 2; i++) {
        char correlation[LAC_BRIDGE_CORRELATION_SIZE];

        lac_bridge_slots_correlation(bridge->slots, refs[i < count ? i : 0], correlation);
        lac_bridge_reply(bridge, lac_str_from(correlation), types[data[0] >> TYPE_SHIFT & 3],
                         value[i]);
    }
    now_ms += DEADLINE_MS;
    lac_bridge_expire(bridge, now_ms); /* who has no answer yet gets the deadline's */
    LAC_ASSERT(lac_bridge_slots_free_count(bridge->slots) == bridge->options.in_flight);
    switch (lac_bridge_idem_begin(bridge->idem, &key, &key, lac_clock_mono_ms(), &ref, &answer)) {
    case LAC_BRIDGE_IDEM_STORED:
        check(answer, count, batch);
        break;
    case LAC_BRIDGE_IDEM_NEW:
        lac_bridge_idem_drop(bridge->idem, ref);
        break;
    default:
        LAC_ASSERT(false);
    }
    return 0;
}
