/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a topic that was made anew is read from its start, one that was not never is. One
 * partition, whose group's offset the broker forgets when a test says so.
 */
#include "lac_test.h"
#include "lane_fixture.h"

enum { OLD = 10, NEW = 30, TURNS = 200, SILENT_MS = 1000, IDLE_MS = 5000, KIND_ANEW = 7 };

struct world {
    struct fixture f;
    bool own_position; /* the output keeps it, and the group has a copy */
    bool forgets;      /* the broker never has an offset, as librdkafka's mock cluster has none */
    int unanswered;    /* questions for the group's offset that stay so, first */
    bool anew;         /* the topic is the new one */
    int64_t group;     /* the group's offset */
    int fails;         /* what is written of the new topic does so often, first */
    int lost;          /* answers to commits of it that went through, first */
    size_t written;    /* records of it */
    int64_t stamp;     /* of all records */
    int64_t low;       /* of the new topic: the first record that was read of it */
    int asked, told;   /* how often the group was asked, and the output told; .. */
    bool sure;         /* .. of this */
};

static struct lac_err err;

static enum lac_status poll_next(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                                 struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    if (!fixture_assign(&w->f))
        return LAC_AGAIN;
    w->f.now_ms += timeout_ms;
    if (w->f.next > w->f.count) /* there is no such place */
        w->f.next = 0;
    if (w->f.next == w->f.count)
        return LAC_AGAIN;
    *msg = (struct lac_kafka_msg){
        .topic = "in", .offset = w->f.next++, .timestamp = w->stamp, .value = LAC_STR("value")};
    return LAC_OK;
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    LAC_TEST_EQ(n, 1);
    w->f.next = p[0].offset == LAC_KAFKA_BEGINNING ? 0 : p[0].offset;
    return LAC_OK;
}

static enum lac_status committed(void *ctx, struct lac_kafka_position *p, size_t n,
                                 struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    w->asked++;
    if (w->unanswered && w->anew && w->unanswered--)
        return lac_err_set(e, LAC_RETRY, 1, "no answer");
    p[0].offset = w->group;
    return LAC_OK;
}

static enum lac_status copy(void *ctx, const struct lac_kafka_position *p, size_t n, bool wait,
                            struct lac_err *e)
{
    struct world *w = ctx;

    (void)wait, (void)e;
    LAC_TEST_EQ(n, 1);
    if (!w->forgets)
        w->group = p[0].offset;
    return LAC_OK;
}

static enum lac_status start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                             struct lac_err *e)
{
    (void)fresh, (void)e;
    LAC_TEST_EQ(n, 1);
    p[0].offset = ((struct world *)ctx)->f.durable;
    return LAC_OK;
}

static enum lac_status told(void *ctx, const char *topic, int32_t partition, int64_t at, bool sure,
                            struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_STR(topic, "in");
    LAC_TEST_EQ(partition, 0);
    LAC_TEST_EQ(at, w->f.durable);
    w->told++;
    w->sure = sure;
    return sure ? lac_err_set(e, LAC_FATAL, KIND_ANEW, "another log") : LAC_OK;
}

static enum lac_status output_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                     struct lac_err *e)
{
    struct world *w = ctx;

    if (n && !w->own_position)
        (void)copy(ctx, p, n, true, e);
    if (n && w->anew && w->lost && w->lost--)
        return lac_err_set(e, LAC_RETRY, 1, "no answer");
    if (n)
        w->f.durable = p[0].offset;
    return LAC_OK;
}

static enum lac_status output_write(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    if (w->anew && b->count && b->msgs[0].offset < w->low)
        w->low = b->msgs[0].offset;
    if (w->anew && b->count && w->fails) {
        w->fails--;
        w->low = NEW;
        return lac_err_set(e, LAC_RETRY, 1, "not now");
    }
    w->written += w->anew ? b->count : 0;
    return LAC_OK;
}

static void open_lane(struct world *w)
{
    w->f.count = OLD;
    w->f.durable = w->own_position ? 0 : LAC_KAFKA_NONE;
    w->group = LAC_KAFKA_NONE;
    w->low = NEW;
    fixture_set_up(&w->f);
    w->f.io.poll = poll_next;
    w->f.io.seek = seek;
    w->f.io.committed = committed;
    w->f.io.commit = copy;
    w->f.output.start = w->own_position ? start : NULL;
    w->f.output.anew = w->own_position ? told : NULL;
    w->f.output.write = output_write;
    w->f.output.commit = output_commit;
    fixture_open(&w->f);
}

static enum lac_status turn(struct world *w)
{
    enum lac_status status = LAC_OK;

    for (int i = 0; i < TURNS && status == LAC_OK; i++)
        status = lac_lane_turn(w->f.lane, &err);
    return status;
}

/* As long as what came before, or longer, by the time that the lane looks again. */
static void make_anew(struct world *w, int64_t count)
{
    w->anew = true;
    w->group = LAC_KAFKA_NONE;
    w->f.count = count;
    w->f.now_ms += SILENT_MS;
}

static void a_topic_that_was_made_anew_is_read_from_its_start(void)
{
    for (int unanswered = 0; unanswered < 3; unanswered++)
        for (int64_t count = OLD; count <= NEW; count += NEW - OLD) {
            struct world w = {.unanswered = unanswered};

            lac_test_row("%d records, %d unanswered", (int)count, unanswered);
            open_lane(&w);
            LAC_TEST_EQ(turn(&w), LAC_OK);
            LAC_TEST_EQ(w.f.durable, OLD);
            make_anew(&w, count);
            LAC_TEST_EQ(turn(&w), LAC_OK);
            LAC_TEST_EQ(w.low, 0);
            LAC_TEST_EQ(w.f.durable, count);
            LAC_TEST_EQ(w.group, count);
            fixture_close(&w.f);
        }
}

/* The commit of what was read of the old one came when the new one was there. Then librdkafka finds
 * no such position and reads from the start; by the time that the lane goes on where it was, there
 * is one. */
static void a_topic_that_was_made_anew_before_the_commit_is_read_from_its_start(void)
{
    static const int64_t counts[] = {1, OLD - 2, OLD - 1, OLD, OLD + 1, NEW};

    for (size_t i = 0; i < 2 * LAC_COUNT(counts); i++) {
        int64_t count = counts[i / 2];
        struct world w = {.fails = (int)(i % 2)};

        lac_test_row("%d records, %d failures", (int)count, w.fails);
        open_lane(&w);
        LAC_TEST_EQ(turn(&w), LAC_OK);
        make_anew(&w, count);
        w.group = OLD;
        w.stamp++;
        w.f.next = 0;
        LAC_TEST_EQ(turn(&w), LAC_OK);
        LAC_TEST_EQ(w.low, 0);
        LAC_TEST_EQ(w.f.durable, count);
        LAC_TEST_EQ(w.group, count);
        fixture_close(&w.f);
    }
}

/* The first commit of the new one goes through, and nobody hears of it: what the group has then is
 * a place in the new one. */
static void what_was_committed_of_a_new_topic_is_not_read_again(void)
{
    static const int64_t counts[] = {1, OLD - 1, OLD + 1, NEW};

    for (size_t i = 0; i < LAC_COUNT(counts); i++) {
        struct world w = {.lost = 1};

        lac_test_row("%d records", (int)counts[i]);
        open_lane(&w);
        LAC_TEST_EQ(turn(&w), LAC_OK);
        make_anew(&w, counts[i]);
        w.group = OLD;
        w.stamp++;
        w.f.next = 0;
        LAC_TEST_EQ(turn(&w), LAC_OK);
        LAC_TEST_EQ(w.lost, 0);
        LAC_TEST_EQ(w.group, counts[i]);
        LAC_TEST_EQ(w.written, (size_t)counts[i]);
        fixture_close(&w.f);
    }
}

static void whoever_keeps_the_position_hears_of_that_too(void)
{
    struct world w = {.own_position = true};

    open_lane(&w);
    LAC_TEST_EQ(turn(&w), LAC_OK);
    make_anew(&w, NEW);
    w.group = OLD;
    w.stamp++;
    w.f.next = 0;
    LAC_TEST_EQ(turn(&w), LAC_FATAL);
    LAC_TEST_EQ(err.code, KIND_ANEW);
    LAC_TEST_EQ(w.f.durable, OLD);
    CU_ASSERT(w.sure);
    fixture_close(&w.f);
}

/* librdkafka may begin too early in the same log: nothing of it is taken again. */
static void a_topic_that_is_the_same_is_not_read_again(void)
{
    for (int64_t from = 0; from < OLD; from++) {
        struct world w = {0};

        lac_test_row("%d", (int)from);
        open_lane(&w);
        LAC_TEST_EQ(turn(&w), LAC_OK);
        w.anew = true;
        w.f.count = NEW;
        w.f.next = from;
        LAC_TEST_EQ(turn(&w), LAC_OK);
        LAC_TEST_EQ(w.low, OLD);
        LAC_TEST_EQ(w.f.durable, NEW);
        fixture_close(&w.f);
    }
}

/* A cluster that keeps no offsets of transactions has not lost any. */
static void an_offset_that_was_never_there_means_nothing(void)
{
    struct world w = {.forgets = true};

    open_lane(&w);
    LAC_TEST_EQ(turn(&w), LAC_OK);
    w.anew = true;
    w.f.count = NEW;
    w.f.now_ms += SILENT_MS;
    LAC_TEST_EQ(turn(&w), LAC_OK);
    LAC_TEST_EQ(w.low, OLD);
    LAC_TEST_EQ(w.f.durable, NEW);
    fixture_close(&w.f);
}

static void whoever_keeps_the_position_hears_it_and_the_lane_ends(void)
{
    struct world w = {.own_position = true};

    open_lane(&w);
    LAC_TEST_EQ(turn(&w), LAC_OK);
    LAC_TEST_EQ(w.told, 0);
    make_anew(&w, NEW);
    LAC_TEST_EQ(turn(&w), LAC_FATAL);
    LAC_TEST_EQ(err.code, KIND_ANEW);
    LAC_TEST_EQ(w.f.durable, OLD);
    LAC_TEST_EQ(w.told, 1);
    CU_ASSERT(w.sure);
    fixture_close(&w.f);
}

/* Perhaps nobody has read for so long that brokers forgot the group: it says whether it knows. */
static void a_position_without_a_group_is_asked_about_once(void)
{
    struct world w = {.own_position = true, .forgets = true};

    open_lane(&w);
    w.f.durable = OLD;
    LAC_TEST_EQ(turn(&w), LAC_OK);
    LAC_TEST_EQ(w.told, 1);
    CU_ASSERT(!w.sure);
    w.f.count = NEW;
    w.f.now_ms += SILENT_MS;
    LAC_TEST_EQ(turn(&w), LAC_OK);
    LAC_TEST_EQ(w.f.durable, NEW);
    LAC_TEST_EQ(w.told, 1);
    fixture_close(&w.f);
}

/* What flows is not held up by questions; a lane with nothing to do asks every two seconds. */
static void questions_are_few(void)
{
    struct world w = {0};
    uint64_t began_ms;
    int asked;

    open_lane(&w);
    LAC_TEST_EQ(turn(&w), LAC_OK);
    for (int flows = 0; flows <= 1; flows++) {
        asked = w.asked;
        began_ms = w.f.now_ms;
        while (w.f.now_ms < began_ms + IDLE_MS) {
            w.f.count += flows;
            LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
        }
        CU_ASSERT(w.asked - asked <= IDLE_MS / 2000 + 1);
    }
    fixture_close(&w.f);
}

LAC_TEST_MAIN(lane_group, a_topic_that_was_made_anew_is_read_from_its_start,
              a_topic_that_was_made_anew_before_the_commit_is_read_from_its_start,
              what_was_committed_of_a_new_topic_is_not_read_again,
              whoever_keeps_the_position_hears_of_that_too,
              a_topic_that_is_the_same_is_not_read_again,
              an_offset_that_was_never_there_means_nothing,
              whoever_keeps_the_position_hears_it_and_the_lane_ends,
              a_position_without_a_group_is_asked_about_once, questions_are_few)
