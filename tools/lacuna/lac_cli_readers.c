/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_readers.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_clock.h"

enum {
    ASK_MS = 5000,
    POLL_MS = 100,
    COUNT_MOST = 1000, /* so few are read and counted; of more, the order of magnitude matters */
};

static enum lac_status partition_count(struct lac_kafka_admin *admin, const char *topic, size_t *n,
                                       struct lac_err *err)
{
    const struct lac_kafka_topic_info *t;
    struct lac_kafka_cluster_info info;
    enum lac_status status = lac_kafka_admin_cluster(admin, ASK_MS, &info, err);

    if (status != LAC_OK)
        return status;
    t = lac_kafka_cluster_topic(&info, topic);
    *n = t ? (size_t)t->partitions : 0;
    lac_kafka_cluster_info_deinit(&info);
    return *n ? LAC_OK : LAC_AGAIN;
}

/* A group's coordinator is often somewhere else for a moment, or is loading. */
static enum lac_status committed(struct lac_kafka_admin *admin, const char *group,
                                 struct lac_kafka_position *p, size_t n, struct lac_err *err)
{
    uint64_t until = lac_clock_mono_ms() + ASK_MS;
    enum lac_status status;

    while ((status = lac_kafka_admin_committed(admin, group, p, n, ASK_MS, err)) == LAC_RETRY &&
           lac_clock_mono_ms() < until)
        lac_clock_sleep_ms(POLL_MS);
    return status;
}

/* By offsets, `p` being where the group stands; leaves there where reading would go on. */
static enum lac_status estimate(struct lac_cli_readers *r, struct lac_kafka_admin *admin,
                                struct lac_kafka_position *p, size_t n, struct lac_err *err)
{
    r->never = true;
    for (size_t i = 0; i < n; i++) {
        int64_t low, high;
        enum lac_status status =
            lac_kafka_admin_watermarks(admin, p[i].topic, p[i].partition, ASK_MS, &low, &high, err);

        if (status != LAC_OK)
            return status;
        r->never &= p[i].offset < 0;
        if (p[i].offset < low)
            p[i].offset = low;
        if (high > p[i].offset)
            r->waiting += high - p[i].offset;
    }
    return LAC_OK;
}

/* The marks of transactions have offsets, too: a reader of lineage that has read all of it stands
 * before the last of them. Whoever may not read keeps the estimate. */
static void count(struct lac_cli_readers *r, const struct lac_kafka_options *options,
                  const struct lac_kafka_position *p, size_t n)
{
    uint64_t until = lac_clock_mono_ms() + ASK_MS;
    struct lac_kafka_options o = *options;
    struct lac_kafka_consumer *c;
    struct lac_kafka_msg msg;
    enum lac_status status;
    struct lac_err err;
    int64_t found = 0;

    o.tell_end = true;
    if (lac_kafka_consumer_assign(&c, &o, p, n, &err) != LAC_OK)
        return;
    do {
        status = lac_kafka_poll(c, POLL_MS, &msg, &err);
        if (status == LAC_OK) {
            lac_kafka_msg_release(&msg);
            found++;
        }
    } while (status != LAC_FATAL && found < COUNT_MOST && !lac_kafka_at_end(c) &&
             lac_clock_mono_ms() < until);
    if (lac_kafka_at_end(c))
        r->waiting = found;
    lac_kafka_consumer_close(c);
}

enum lac_status lac_cli_readers_find(struct lac_cli_readers *r, struct lac_kafka_admin *admin,
                                     const struct lac_kafka_options *o, const char *prefix,
                                     enum lac_topic_id id, struct lac_err *err)
{
    char topic[LAC_TOPIC_NAME_SIZE];
    struct lac_kafka_position *p;
    enum lac_status status;
    struct lac_err untold;
    size_t n, members;

    *r = (struct lac_cli_readers){.members = -1};
    if (!lac_topic_full_name(topic, prefix, id) || !lac_topic_group(r->group, prefix, id))
        return LAC_AGAIN;
    status = partition_count(admin, topic, &n, err);
    if (status != LAC_OK)
        return status;
    p = calloc(n, sizeof(*p));
    if (!p)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        p[i] = (struct lac_kafka_position){.topic = topic, .partition = (int32_t)i};
    status = committed(admin, r->group, p, n, err);
    if (status == LAC_OK)
        status = estimate(r, admin, p, n, err);
    if (status == LAC_OK && r->waiting > 0 && r->waiting <= COUNT_MOST)
        count(r, o, p, n);
    free(p);
    if (status == LAC_OK &&
        lac_kafka_admin_members(admin, r->group, ASK_MS, &members, &untold) == LAC_OK)
        r->members = (int64_t)members;
    return status;
}
