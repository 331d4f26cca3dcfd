/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a topic is still the one that it was. Clients name a topic by its name (an id of its own
 * is nothing that librdkafka 2.0.2 tells), and so don't see that it was deleted and made again. The
 * new one begins at 0; where it is longer by then than what was read of the old one, reading just
 * goes on, and what lies before is never seen. But the coordinator forgets the group's offsets with
 * the topic. So a partition whose offset was there once, and is not there any more, is another one.
 *
 * The next commit would put an offset there again, so it has to be asked before: each time that a
 * partition was silent for longer than making a topic anew may take. In a stream that flows nobody
 * asks; there a commit falls in between, and is refused because there is no such topic.
 *
 * A commit of what was read before may also come right behind all of that, and is taken. Then
 * reading begins at the start, as there is no such position, until it has grown: so whenever a
 * record comes from before, the last one that was taken is looked at again. Another time, another
 * log.
 */
#include "lac_lane_priv.h"

enum {
    SILENCE_MS = 200,   /* to delete and make a topic takes a controller longer, mostly */
    SHORT_MS = 1000,    /* for so long a new leader may know less of its log than was read */
    IDLE_LOOK_MS = 2000 /* between two questions of a lane that has nothing to do */
};

void lane_heard(struct lac_lane *l, struct lane_partition *p, uint64_t now)
{
    l->unsure = l->unsure || now - p->heard_ms > SILENCE_MS;
    p->heard_ms = now;
}

/* The group has no offset of a partition that was read. */
static enum lac_status vanished(struct lac_lane *l, struct lane_partition *p, struct lac_err *err)
{
    bool sure = p->grouped, first = !p->asked;

    p->asked = true;
    if (l->output.ops->start) /* positions that are not the group's can't be put right from here */
        return l->output.ops->anew && (sure || first)
                   ? l->output.ops->anew(l->output.ctx, p->topic, p->partition, p->durable, sure,
                                         err)
                   : LAC_OK;
    if (!sure)
        return LAC_OK;
    return lac_err_set(err, LAC_RETRY, 0, "lane: %s was made anew and is read from its start",
                       p->topic);
}

enum lac_status lane_same_topics(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    size_t n = 0;

    for (size_t i = 0; i < l->partition_count; i++)
        if (l->partitions[i].durable >= 0)
            l->positions[n++] = (struct lac_kafka_position){
                l->partitions[i].topic, l->partitions[i].partition, LAC_KAFKA_STORED};
    if (n)
        status = l->io.ops->committed(l->io.ctx, l->positions, n, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        struct lane_partition *p = lane_find(l, l->positions[i].topic, l->positions[i].partition);

        if (!p)
            continue;
        if (l->positions[i].offset != LAC_KAFKA_NONE)
            p->grouped = p->asked = true;
        else if (status == LAC_OK)
            status = vanished(l, p, err);
    }
    if (status == LAC_OK)
        l->unsure = false;
    return status;
}

/*
 * Where the log ends before the last record that was taken, it is read here again until it does
 * not. Nothing is read at its very end: there a record from before would wait for the next one.
 */
bool lane_send_on(struct lac_lane *l, struct lane_partition *p, int64_t from, int64_t behind)
{
    bool known = p->last != LAC_KAFKA_NONE && p->last < behind;
    uint64_t now = l->io.ops->now_ms(l->io.ctx);
    int64_t low, high;

    if (known && l->io.ops->watermarks(l->io.ctx, p->topic, p->partition, &low, &high) &&
        high <= p->last) {
        if (!p->short_ms)
            p->short_ms = now;
        if (now - p->short_ms > SHORT_MS)
            return false;
        p->seek_to = from;
    } else {
        if (p->sent_on++ >= LANE_SENT_ON_MAX)
            return false;
        p->seek_to = known ? p->last : behind;
    }
    l->pending.seek = true;
    return true;
}

static void read_anew(struct lac_lane *l, struct lane_partition *p)
{
    lac_log(LAC_LOG_WARN, "topic_read_anew", "lane=%s topic=%s partition=%d", l->o.name, p->topic,
            (int)p->partition);
    p->sent_on = 0;
    p->short_ms = 0;
    p->replaced = true;
    p->stale = p->durable;
    p->next = p->durable = p->taken = p->last = LAC_KAFKA_NONE;
    p->first = p->seek_to = LAC_KAFKA_BEGINNING;
    p->grouped = false;
    l->pending.seek = true;
}

void lane_compare(struct lac_lane *l, struct lane_partition *p, const struct lac_kafka_msg *msg)
{
    const struct lac_output_ops *ops = l->output.ops;

    if (msg->timestamp == p->last_ms)
        return; /* the same one; the next is where to go on */
    if (ops->start) {
        if (ops->anew && ops->anew(l->output.ctx, p->topic, p->partition, p->durable, true,
                                   &l->fatal_err) == LAC_FATAL)
            l->fatal = true;
        return;
    }
    for (size_t i = 0; i < l->partition_count; i++) /* a topic is made with all its partitions */
        if (p != &l->partitions[i] && l->partitions[i].topic == p->topic &&
            !l->partitions[i].replaced)
            read_anew(l, &l->partitions[i]);
    read_anew(l, p);
}

enum lac_status lane_look_when_idle(struct lac_lane *l, uint64_t now, struct lac_err *err)
{
    enum lac_status status;

    if (l->dirty || l->count || l->trouble || lane_is_pending(l) || now < l->group_due_ms)
        return LAC_OK;
    l->group_due_ms = now + IDLE_LOOK_MS;
    status = lane_same_topics(l, err);
    if (status == LAC_RETRY && err->code == 0)
        l->pending.rewind = true;
    return status == LAC_FATAL ? LAC_FATAL : LAC_OK;
}
