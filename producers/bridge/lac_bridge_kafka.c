/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_kafka.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lac_bridge_hold.h"
#include "lac_clock.h"
#include "lac_kafka_admin.h"
#include "lac_log.h"
#include "lac_thread.h"
#include "lac_topics.h"
#include "lac_wire.h"

enum {
    ASK_MS = 3000,      /* one question to the cluster */
    CHECK_S = 5,        /* between two checks of its health */
    RETRY_S = 1,        /* between two attempts to find it */
    STALE_MS = 20000,   /* a check that is older says nothing */
    FLUSH_MS = 5000,    /* for records on their way, at the end */
    REPLY_POLLS = 1024, /* replies served before the loop looks at its clients again */
    LOOK_MS = 10,       /* a wake-up that is lost may cost so much */
    REPLACE_MS = 1000,  /* between two replacements of a producer that breaks */
    UNACKNOWLEDGED = 5, /* records of one partition, see look_for_room() */
};

struct lac_bridge_kafka {
    struct lac_bridge_kafka_options options;
    struct lac_bridge *bridge;
    char requests[LAC_TOPIC_NAME_SIZE], replies[LAC_TOPIC_NAME_SIZE];
    int wake_fd; /* librdkafka writes to it when replies arrive */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;                           /* lock */
    bool prepared;                       /* lock: the fields below are complete */
    struct lac_kafka_producer *producer; /* the loop's, once `adopted` */
    struct lac_kafka_consumer *consumer; /* the loop's, once `adopted` */
    char origin[LAC_KAFKA_CLUSTER_ID_SIZE + 256];
    int32_t partition;
    int topic;
    size_t room_for;             /* records that the producer may have at a time */
    uint32_t schema_id;          /* of Request; 0: none */
    bool healthy;                /* lock */
    uint64_t checked_ms;         /* lock: of the last good check */
    char why[LAC_ERR_TEXT_SIZE]; /* lock */

    /* The loop's own. */
    bool adopted, broken, more;
    uint64_t looked_ms;   /* for what nobody announced */
    uint64_t replaced_ms; /* when a producer that broke was */
    size_t room;          /* records that the producer may have in this round */
    struct lac_bridge_hold held;
    char partition_text[16];
};

int32_t lac_bridge_reply_partition(const char *instance, int32_t partitions)
{
    size_t n = strlen(instance), digits = 0;
    uint64_t number = 0;
    while (digits < n && digits < 9 && instance[n - 1 - digits] >= '0' &&
           instance[n - 1 - digits] <= '9')
        digits++;
    if (digits && lac_str_to_u64((struct lac_str){instance + n - digits, digits}, &number))
        return (int32_t)(number % (uint64_t)partitions);
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)instance[i]) * 16777619u;
    return (int32_t)(hash % (uint32_t)partitions);
}

/* ---- The link's functions ---- */

static enum lac_status produce(struct lac_bridge_kafka *k, const struct lac_bridge_message *m,
                               struct lac_err *err)
{
    const struct lac_kafka_header headers[] = {
        {LAC_STR("lacuna-correlation-id"), m->correlation},
        {LAC_STR("lacuna-reply-partition"), lac_str_from(k->partition_text)},
        {LAC_STR("traceparent"), m->traceparent},
        {LAC_STR("content-type"), LAC_STR(LAC_WIRE_CONTENT_TYPE)},
    };
    const struct lac_kafka_record r = {.key = m->key,
                                       .value = m->value,
                                       .partition = LAC_KAFKA_ANY_PARTITION,
                                       .timestamp = m->timestamp_ms,
                                       .headers = headers,
                                       .header_count = LAC_COUNT(headers),
                                       /* NOLINTNEXTLINE(performance-no-int-to-ptr): a name */
                                       .opaque = (void *)(uintptr_t)m->ref};
    _Static_assert(sizeof(void *) >= sizeof m->ref, "a slot's name travels as the opaque");
    return lac_kafka_produce(k->producer, k->topic, &r, true, err);
}

/* From the first that is held on, deliveries end the loop's wait. */
static bool hold(struct lac_bridge_kafka *k, const struct lac_bridge_message *m)
{
    bool first = !lac_bridge_hold_first(&k->held);
    if (!lac_bridge_hold_add(&k->held, m))
        return false;
    if (first) {
        lac_kafka_producer_wake_fd(k->producer, k->wake_fd);
        lac_http_server_wake(lac_bridge_server(k->bridge)); /* for those that came just before */
    }
    return true;
}

static enum lac_status send_request(void *ctx, const struct lac_bridge_message *m,
                                    struct lac_err *err)
{
    struct lac_bridge_kafka *k = ctx;
    if (!k->adopted || k->broken)
        return lac_err_set(err, LAC_RETRY, 0, "bridge: no Kafka yet");
    if (!k->room && hold(k, m))
        return LAC_OK;
    k->room -= k->room > 0;
    return produce(k, m, err);
}

static void event_id(void *ctx, int32_t partition, int64_t offset, int64_t timestamp_ms,
                     struct lac_event_id *out)
{
    struct lac_bridge_kafka *k = ctx;
    lac_event_id_make(out, lac_str_from(k->origin), lac_str_from(k->requests), partition, offset,
                      timestamp_ms);
}

static bool ready(void *ctx, char *why, size_t size)
{
    struct lac_bridge_kafka *k = ctx;
    pthread_mutex_lock(&k->lock);
    bool fresh = lac_clock_mono_ms() - k->checked_ms < STALE_MS;
    bool ok = k->adopted && !k->broken && k->healthy && fresh;
    if (!ok && k->why[0])
        snprintf(why, size, "%s", k->why);
    else if (!ok)
        snprintf(why, size, "%s",
                 k->adopted ? "the cluster has not answered for a while" : "not connected yet");
    pthread_mutex_unlock(&k->lock);
    return ok;
}

/* Requests are still sent while a check fails: the client buffers, the deadline answers. */
static bool usable(void *ctx, char *why, size_t size)
{
    struct lac_bridge_kafka *k = ctx;
    if (k->adopted && !k->broken)
        return true;
    return ready(ctx, why, size);
}

/* Clients hear that it was not delivered; why is for whoever runs this. */
static void note_undelivered(const struct lac_kafka_delivery *d)
{
    static struct lac_log_every every;
    uint64_t swallowed;
    if (lac_log_every(&every, 10000, &swallowed))
        lac_log(LAC_LOG_WARN, "request_undelivered", "code=%d reason=\"%s\" more=%llu", d->code,
                lac_kafka_code_text(d->code), (unsigned long long)swallowed);
}

static void delivered(void *ctx, const struct lac_kafka_delivery *d, size_t n)
{
    struct lac_bridge_kafka *k = ctx;
    for (size_t i = 0; i < n; i++)
        if (d[i].status != LAC_OK)
            note_undelivered(&d[i]);
    for (size_t i = 0; k->bridge && i < n; i++)
        lac_bridge_delivered(k->bridge, (uint64_t)(uintptr_t)d[i].opaque, d[i].status == LAC_OK,
                             d[i].partition, d[i].offset);
}

static void serve_reply(struct lac_bridge_kafka *k, const struct lac_kafka_msg *msg)
{
    struct lac_str correlation, type = LAC_STR_NULL;
    if (!lac_kafka_msg_header(msg, "lacuna-correlation-id", &correlation))
        correlation = msg->key;
    if (!lac_kafka_msg_header(msg, "content-type", &type))
        type = LAC_STR_NULL;
    lac_bridge_reply(k->bridge, correlation, type, msg->value);
}

static void note_trouble(enum lac_status status, const struct lac_err *err)
{
    static struct lac_log_every every;
    uint64_t swallowed;
    if (status == LAC_RETRY && lac_log_every(&every, 10000, &swallowed))
        lac_log_err(LAC_LOG_WARN, "replies_interrupted", err);
}

/* Until nothing is left, because librdkafka wakes us only when its queue turns from empty to
 * filled; or until clients have waited long enough, and then the next round goes on. */
static void serve_replies(struct lac_bridge_kafka *k)
{
    struct lac_err err = {0};
    k->more = false;
    for (int i = 0; i < REPLY_POLLS; i++) {
        struct lac_kafka_msg msg = {0};
        enum lac_status status = lac_kafka_poll(k->consumer, 0, &msg, &err);
        if (status == LAC_OK) {
            serve_reply(k, &msg);
            lac_kafka_msg_release(&msg);
            continue;
        }
        note_trouble(status, &err);
        if (status == LAC_FATAL) {
            k->broken = true;
            k->options.fatal(k->options.fatal_ctx, &err);
        }
        if (status != LAC_RETRY)
            return;
    }
    k->more = true;
}

static void replies_ready(void *ctx)
{
    struct lac_bridge_kafka *k = ctx;
    uint64_t count;
    (void)!read(k->wake_fd, &count, sizeof count);
    if (k->adopted && !k->broken)
        serve_replies(k);
}

static void adopt(struct lac_bridge_kafka *k)
{
    pthread_mutex_lock(&k->lock);
    bool prepared = k->prepared;
    pthread_mutex_unlock(&k->lock);
    if (!prepared)
        return;
    k->adopted = true;
    snprintf(k->partition_text, sizeof k->partition_text, "%d", (int)k->partition);
    if (k->schema_id)
        lac_bridge_set_schema_id(k->bridge, k->schema_id);
    lac_kafka_consumer_wake_fd(k->consumer, k->wake_fd);
    k->more = true; /* what came before the wake-up was set */
    lac_log(LAC_LOG_INFO, "bridge_connected", "topic=%s replies=%s partition=%d origin=%s",
            k->requests, k->replies, (int)k->partition, k->origin);
}

/* One that is broken would refuse every request from now on, and look well. Those that were under
 * way are answered as undelivered before a new one takes its place. */
static void mend_producer(struct lac_bridge_kafka *k, uint64_t now)
{
    struct lac_err err = {0};
    if (!lac_kafka_producer_broken(k->producer, &err) ||
        (k->replaced_ms && now - k->replaced_ms < REPLACE_MS))
        return;
    k->replaced_ms = now;
    lac_log_err(LAC_LOG_WARN, "request_producer_broke", &err);
    enum lac_status status = err.status;
    if (status == LAC_RETRY)
        status = lac_kafka_producer_reopen(k->producer, &err);
    if (status == LAC_OK) {
        lac_log(LAC_LOG_INFO, "request_producer_replaced", "%s", "");
        return;
    }
    k->broken = true;
    k->options.fatal(k->options.fatal_ctx, &err);
}

/* Hands over what was held. What can't be is answered so, and nothing is if it is `lost`. */
static void release(struct lac_bridge_kafka *k, bool lost)
{
    const struct lac_bridge_message *m = lac_bridge_hold_first(&k->held);
    struct lac_err err;
    if (!m)
        return;
    for (; m; m = lac_bridge_hold_first(&k->held)) {
        enum lac_status status = lost ? LAC_FATAL : produce(k, m, &err);
        if (status == LAC_AGAIN)
            return; /* the next round goes on */
        if (status != LAC_OK && k->bridge)
            lac_bridge_delivered(k->bridge, m->ref, false, -1, -1);
        lac_bridge_hold_drop(&k->held);
    }
    if (!lost)
        lac_kafka_producer_wake_fd(k->producer, -1);
}

/*
 * While five records of a partition are unacknowledged and a sixth waits, an idempotent producer's
 * thread looks for room without a pause: on a slow broker that is a core, and on a small machine
 * the broker's own. So they wait here, and then travel together. Which partition a record gets
 * only librdkafka knows; with many of them, five of one are rare below this bound.
 */
static void look_for_room(struct lac_bridge_kafka *k)
{
    size_t pending = lac_kafka_producer_pending(k->producer);
    if (pending >= k->room_for) { /* some may only be unreported */
        (void)lac_kafka_producer_poll(k->producer, 0);
        pending = lac_kafka_producer_pending(k->producer);
    }
    k->room = pending < k->room_for ? k->room_for - pending : 0;
    if (k->room && lac_bridge_hold_first(&k->held)) {
        release(k, false);
        k->room = 0; /* in all likelihood */
    }
}

static void tick(void *ctx)
{
    struct lac_bridge_kafka *k = ctx;
    if (!k->adopted)
        adopt(k);
    if (!k->adopted)
        return;
    if (k->broken) {
        release(k, true);
        return;
    }
    /* Also when no wake-up came: one that is lost must not cost somebody's deadline. */
    uint64_t now = lac_clock_mono_ms();
    mend_producer(k, now);
    if (k->broken)
        return;
    look_for_room(k);
    if (!k->more && now - k->looked_ms < LOOK_MS)
        return;
    k->looked_ms = now;
    serve_replies(k);
    if (k->more)
        lac_http_server_wake(lac_bridge_server(k->bridge));
    (void)lac_kafka_producer_poll(k->producer, 0);
}

struct lac_bridge_link lac_bridge_kafka_link(struct lac_bridge_kafka *k)
{
    return (struct lac_bridge_link){.ctx = k,
                                    .send = send_request,
                                    .event_id = event_id,
                                    .usable = usable,
                                    .ready = ready,
                                    .tick = tick};
}

/* ---- The thread that finds the cluster and watches it ---- */

static void note(struct lac_bridge_kafka *k, enum lac_status status, const struct lac_err *err)
{
    pthread_mutex_lock(&k->lock);
    bool healthy = status == LAC_OK;
    bool changed = k->healthy != healthy || (!healthy && !k->why[0]);
    k->healthy = healthy;
    if (healthy)
        k->checked_ms = lac_clock_mono_ms();
    snprintf(k->why, sizeof k->why, "%s", healthy ? "" : err->text);
    pthread_mutex_unlock(&k->lock);
    if (changed && healthy)
        lac_log(LAC_LOG_INFO, "kafka_available", "%s", "");
    if (changed && !healthy)
        lac_log_err(LAC_LOG_WARN, "kafka_unavailable", err);
}

/* Both topics are there and can be used. `partitions` of the requests and of the replies. */
static enum lac_status check(struct lac_bridge_kafka *k, struct lac_kafka_admin *a,
                             int32_t partitions[2], struct lac_err *err)
{
    const char *names[] = {k->requests, k->replies};
    struct lac_kafka_cluster_info info = {0};
    enum lac_status status = lac_kafka_admin_cluster(a, ASK_MS, &info, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < LAC_COUNT(names) && status == LAC_OK; i++) {
        const struct lac_kafka_topic_info *t = lac_kafka_cluster_topic(&info, names[i]);
        if (!t || t->partitions < 1)
            status = lac_err_set(err, LAC_RETRY, 0,
                                 "topic %s does not exist; run: lacuna topics create", names[i]);
        else if (t->leaderless > 0)
            status = lac_err_set(err, LAC_RETRY, 0, "%d partitions of topic %s have no leader",
                                 (int)t->leaderless, names[i]);
        else
            partitions[i] = t->partitions;
    }
    lac_kafka_cluster_info_deinit(&info);
    return status;
}

static enum lac_status choose_partition(struct lac_bridge_kafka *k, int32_t partitions,
                                        struct lac_err *err)
{
    int64_t wanted = k->options.reply_partition;
    if (wanted >= partitions)
        return lac_err_set(err, LAC_FATAL, 0,
                           "bridge.reply_partition is %lld, but topic %s has %d partitions",
                           (long long)wanted, k->replies, (int)partitions);
    k->partition =
        wanted >= 0 ? (int32_t)wanted : lac_bridge_reply_partition(k->options.instance, partitions);
    return LAC_OK;
}

static enum lac_status find_origin(struct lac_bridge_kafka *k, struct lac_kafka_admin *a,
                                   struct lac_err *err)
{
    char cluster[LAC_KAFKA_CLUSTER_ID_SIZE];
    if (k->options.origin && k->options.origin[0]) {
        snprintf(k->origin, sizeof k->origin, "%s", k->options.origin);
        return LAC_OK;
    }
    enum lac_status status = lac_kafka_admin_cluster_id(a, ASK_MS, cluster, err);
    if (status == LAC_OK)
        snprintf(k->origin, sizeof k->origin, "%s", cluster);
    return status;
}

static enum lac_status register_schema(struct lac_bridge_kafka *k, struct lac_err *err)
{
    struct lac_registry *registry;
    char subject[LAC_TOPIC_NAME_SIZE + 8];
    if (!k->options.registry.url || !k->options.registry.url[0])
        return LAC_OK;
    enum lac_status status = lac_registry_open(&registry, &k->options.registry, err);
    if (status != LAC_OK)
        return status;
    snprintf(subject, sizeof subject, "%s-value", k->requests);
    status = lac_registry_register(registry, lac_str_from(subject),
                                   lac_str_from(lac_request_type.schema), &k->schema_id, err);
    lac_registry_close(registry);
    return status;
}

/* Replies are asked for only after this returned, so nothing before the end is ours. */
static enum lac_status open_consumer(struct lac_bridge_kafka *k, struct lac_kafka_admin *a,
                                     struct lac_err *err)
{
    int64_t low, high;
    enum lac_status status =
        lac_kafka_admin_watermarks(a, k->replies, k->partition, ASK_MS, &low, &high, err);
    if (status != LAC_OK)
        return status;
    return lac_kafka_consumer_assign(&k->consumer, &k->options.kafka,
                                     &(struct lac_kafka_position){.topic = k->replies,
                                                                  .partition = k->partition,
                                                                  .offset = high},
                                     1, err);
}

static enum lac_status open_producer(struct lac_bridge_kafka *k, struct lac_err *err)
{
    struct lac_kafka_options o = k->options.kafka;
    o.linger_ms = 0;
    o.compression = o.interactive_compression;
    /* With five records of a partition unacknowledged and a sixth waiting, librdkafka's thread
     * looks for room without a pause. Four can be on their way so: three and the next one. */
    const struct lac_kafka_producer_setup setup = {.delivered = delivered, .ctx = k, .requests = 3};
    enum lac_status status = lac_kafka_producer_open(&k->producer, &o, &setup, err);
    if (status != LAC_OK)
        return status;
    status = lac_kafka_producer_topic(k->producer, k->requests, &k->topic, err);
    if (status == LAC_OK)
        return status;
    lac_kafka_producer_close(k->producer);
    k->producer = NULL;
    return status;
}

static enum lac_status prepare(struct lac_bridge_kafka *k, struct lac_kafka_admin *a,
                               struct lac_err *err)
{
    int32_t partitions[2] = {0};
    enum lac_status status = check(k, a, partitions, err);
    k->room_for = UNACKNOWLEDGED - 1 + (size_t)partitions[0];
    if (status == LAC_OK)
        status = choose_partition(k, partitions[1], err);
    if (status == LAC_OK)
        status = find_origin(k, a, err);
    if (status == LAC_OK)
        status = register_schema(k, err);
    if (status == LAC_OK && !k->producer)
        status = open_producer(k, err);
    if (status == LAC_OK)
        status = open_consumer(k, a, err);
    return status;
}

/* False: told to stop. */
static bool rest(struct lac_bridge_kafka *k, time_t seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&k->lock);
    int rc = 0;
    while (!k->stop && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&k->wake, &k->lock, &until);
    bool go_on = !k->stop;
    pthread_mutex_unlock(&k->lock);
    return go_on;
}

static void *watch_cluster(void *arg)
{
    struct lac_bridge_kafka *k = arg;
    struct lac_kafka_admin *a = NULL;
    struct lac_err err = {0};
    enum lac_status status = lac_kafka_admin_open(&a, &k->options.kafka, &err);
    bool prepared = false;
    if (status != LAC_OK)
        status = LAC_FATAL; /* nothing was contacted: it won't get better */
    while (status != LAC_FATAL) {
        int32_t partitions[2];
        status = prepared ? check(k, a, partitions, &err) : prepare(k, a, &err);
        note(k, status, &err);
        if (status == LAC_OK && !prepared) {
            prepared = true;
            pthread_mutex_lock(&k->lock);
            k->prepared = true;
            pthread_mutex_unlock(&k->lock);
            lac_http_server_wake(lac_bridge_server(k->bridge));
        }
        if (status == LAC_FATAL && prepared)
            status = LAC_RETRY; /* the requests will tell */
        if (status != LAC_FATAL && !rest(k, prepared ? CHECK_S : RETRY_S))
            break;
    }
    if (status == LAC_FATAL)
        k->options.fatal(k->options.fatal_ctx, &err);
    lac_kafka_admin_close(a);
    return NULL;
}

/* ---- Life ---- */

enum lac_status lac_bridge_kafka_open(struct lac_bridge_kafka **out,
                                      const struct lac_bridge_kafka_options *options,
                                      struct lac_err *err)
{
    pthread_condattr_t monotonic;
    *out = NULL;
    struct lac_bridge_kafka *k = calloc(1, sizeof *k);
    if (!k)
        return lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory");
    k->options = *options;
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&k->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    k->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum lac_status status = LAC_OK;
    if (k->wake_fd < 0)
        status = lac_err_set(err, LAC_FATAL, errno, "bridge: eventfd: %s", lac_errno_text(errno));
    else if (!lac_topic_full_name(k->requests, options->topic_prefix,
                                  LAC_TOPIC_REQUESTS_INTERACTIVE) ||
             !lac_topic_full_name(k->replies, options->topic_prefix, LAC_TOPIC_REPLIES))
        status = lac_err_set(err, LAC_FATAL, 0, "bridge: kafka.topic_prefix makes no legal names");
    if (status != LAC_OK) {
        lac_bridge_kafka_close(k);
        return status;
    }
    *out = k;
    return LAC_OK;
}

enum lac_status lac_bridge_kafka_start(struct lac_bridge_kafka *k, struct lac_bridge *b,
                                       struct lac_err *err)
{
    k->bridge = b;
    enum lac_status status =
        lac_http_server_watch(lac_bridge_server(b), k->wake_fd, replies_ready, k, err);
    if (status != LAC_OK)
        return status;
    status = lac_thread_start(&k->thread, watch_cluster, k, err);
    k->started = status == LAC_OK;
    return status;
}

void lac_bridge_kafka_stop(struct lac_bridge_kafka *k)
{
    if (!k || !k->started)
        return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    k->started = false;
}

void lac_bridge_kafka_close(struct lac_bridge_kafka *k)
{
    struct lac_err err = {0};
    if (!k)
        return;
    lac_bridge_kafka_stop(k);
    k->bridge = NULL; /* it is closed: nobody is told what becomes of the last ones */
    release(k, !k->adopted || k->broken);
    while (lac_bridge_hold_first(&k->held))
        lac_bridge_hold_drop(&k->held);
    if (k->producer && lac_kafka_flush(k->producer, FLUSH_MS, &err) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "requests_undelivered", &err);
    lac_kafka_producer_close(k->producer);
    lac_kafka_consumer_close(k->consumer);
    if (k->wake_fd >= 0)
        close(k->wake_fd);
    pthread_cond_destroy(&k->wake);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
