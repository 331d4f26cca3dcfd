/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a partition has one owner who goes on from where the table says, whoever had it before and
 * whatever became of its log; after any history of two of them each event is one row, on a real
 * Postgres. */
#include "lac_output_pg.h"

#include <stdio.h>
#include <string.h>

#include "lac_test.h"
#include "output_pg_fixture.h"

/* The predecessor has rows in an open COPY, as one frozen there has: they would block a
 * successor's same keys for ever. */
static void zombie_inside_a_copy(bool claimed_before)
{
    struct fixture_sink first, zombie, heir;

    fixture_clean_tables();
    if (claimed_before) {
        fixture_open(&first);
        LAC_TEST_EQ(fixture_start(&first, true, NULL), LAC_OK);
        fixture_close(&first);
    }
    fixture_open(&zombie);
    fixture_open(&heir);
    LAC_TEST_EQ(fixture_start(&zombie, true, NULL), LAC_OK);
    for (uint32_t i = 0; i < 1500; i++) /* enough for the server to have some in its index */
        LAC_TEST_EQ(fixture_put(&zombie, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_start(&heir, true, NULL), LAC_OK);
    LAC_TEST_EQ(heir.at, 0);
    for (uint32_t i = 0; i < 1500; i++)
        LAC_TEST_EQ(fixture_put(&heir, fixture_event(i)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&heir, NULL), LAC_OK); /* RETRY, had it waited for a lock */
    LAC_TEST_EQ(fixture_commit(&zombie, NULL), LAC_RETRY);
    fixture_give_up(&zombie);
    LAC_TEST_EQ(fixture_start(&zombie, false, NULL), LAC_OK);
    LAC_TEST_EQ(zombie.at, LAC_KAFKA_NONE);
    LAC_TEST_EQ(fixture_row_count(), 1500);
    LAC_TEST_EQ(fixture_next_offset(), 1500);
    LAC_TEST_EQ(lac_output_pg_counts(zombie.o).fenced, 1);
    fixture_close(&zombie);
    fixture_close(&heir);
}

static void zombie_inside_a_copy_neither_blocks_nor_writes(void)
{
    zombie_inside_a_copy(false); /* the first who ever claimed the partition, */
    zombie_inside_a_copy(true);  /* and one who took it over */
}

/* The server gives a process's number to another one in time. */
static void a_session_with_a_former_number_of_ours_is_let_alone(void)
{
    struct fixture_sink first, heir;

    fixture_clean_tables();
    fixture_open(&first);
    fixture_open(&heir);
    LAC_TEST_EQ(fixture_start(&first, true, NULL), LAC_OK);
    LAC_TEST_EQ(
        lac_pg_exec(fixture_watch, "UPDATE sink_offset SET backend_pid = pg_backend_pid()", NULL),
        LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "BEGIN", NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "SELECT 1", NULL), LAC_OK);
    LAC_TEST_EQ(fixture_start(&heir, true, NULL), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "COMMIT", NULL), LAC_OK);
    fixture_close(&first);
    fixture_close(&heir);
}

/* Its session lives, because it was idle: only the epoch stands between it and the table. */
static void zombie_with_a_living_session_is_stopped_by_its_epoch(void)
{
    struct fixture_sink zombie, heir;
    struct lac_err err = {0};

    fixture_clean_tables();
    fixture_open(&zombie);
    fixture_open(&heir);
    LAC_TEST_EQ(fixture_start(&zombie, true, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_start(&heir, true, NULL), LAC_OK);
    /* Same position, other epoch; rows of its own, so no key stops it. */
    LAC_TEST_EQ(fixture_put(&zombie, fixture_event(1)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&zombie, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "epoch 1") != NULL);
    fixture_give_up(&zombie);
    LAC_TEST_EQ(fixture_row_count(), 0);
    LAC_TEST_EQ(fixture_start(&zombie, false, NULL), LAC_OK);
    LAC_TEST_EQ(zombie.at, LAC_KAFKA_NONE);
    LAC_TEST_EQ(fixture_put(&heir, fixture_event(2)), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&heir, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_next_offset(), 1);
    fixture_close(&zombie);
    fixture_close(&heir);
}

static void recreated_topic_stops_with_advice(void)
{
    struct lac_err err = {0};
    enum lac_status status = LAC_RETRY;
    struct fixture_sink s;
    int asked = 0;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    s.at = 1000;
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    s.high = 999;
    while (status == LAC_RETRY && asked++ < 20)
        status = fixture_start(&s, true, &err);
    LAC_TEST_EQ(status, LAC_FATAL);
    CU_ASSERT(strstr(err.text, "recreated") && strstr(err.text, "DELETE FROM sink_offset"));
    CU_ASSERT(asked > 1); /* one old answer is not enough */
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "DELETE FROM sink_offset", NULL), LAC_OK);
    LAC_TEST_EQ(fixture_start(&s, true, &err), LAC_OK);
    LAC_TEST_EQ(s.at, 0);
    fixture_close(&s);
}

/* That many times the log may seem too short, each time anew. */
static void seems_too_short(struct fixture_sink *s, int times)
{
    s->high = 999;
    for (int i = 0; i < times; i++) {
        lac_test_row("%d", i);
        LAC_TEST_EQ(fixture_start(s, true, NULL), LAC_RETRY);
    }
}

static void an_old_answer_about_the_log_is_waited_out(void)
{
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    s.at = 1000;
    LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
    seems_too_short(&s, 4);
    s.high = 1000; /* where nothing has come since, its end is where we are */
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 1000);
    seems_too_short(&s, 4);
    s.out.ops->revoked(s.out.ctx, false);
    seems_too_short(&s, 4);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_FATAL);
    fixture_close(&s);
}

static void what_the_log_has_lost_is_counted(void)
{
    static const struct {
        int64_t at, low;
        uint64_t lost; /* in all */
    } rows[] = {{0, 15, 0}, {10, 9, 0}, {10, 10, 0}, {10, 11, 1}, {10, 15, 6}};
    const struct lac_counter *gaps;
    struct fixture_sink s;

    fixture_clean_tables();
    LAC_TEST_NEED(lac_metrics_new(&fixture_metrics, NULL) == LAC_OK);
    fixture_open(&s);
    gaps = lac_metrics_counter(fixture_metrics, "lacuna_sink_expired_records_total", "", NULL);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("at %lld", (long long)rows[i].at);
        if (s.at != rows[i].at) {
            s.at = rows[i].at;
            LAC_TEST_EQ(fixture_commit(&s, NULL), LAC_OK);
        }
        s.low = rows[i].low;
        LAC_TEST_EQ(fixture_start(&s, false, NULL), LAC_OK);
        LAC_TEST_EQ(s.at, rows[i].at);
        LAC_TEST_EQ(lac_counter_value(gaps), rows[i].lost);
    }
    fixture_close(&s);
    lac_metrics_free(fixture_metrics);
    fixture_metrics = NULL;
}

static void partitions_are_told_apart(void)
{
    struct lac_kafka_position p[] = {{FIXTURE_TOPIC, 3, LAC_KAFKA_STORED},
                                     {FIXTURE_TOPIC, 4, LAC_KAFKA_STORED},
                                     {"u.lineage", 3, LAC_KAFKA_STORED}};
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(s.out.ops->start(s.out.ctx, p, 3, true, NULL), LAC_OK);
    for (int i = 0; i < 3; i++) {
        LAC_TEST_EQ(p[i].offset, LAC_KAFKA_BEGINNING);
        p[i].offset = 5 + i;
    }
    LAC_TEST_EQ(s.out.ops->commit(s.out.ctx, p, 3, NULL), LAC_OK);
    p[1].offset = 60;
    LAC_TEST_EQ(s.out.ops->commit(s.out.ctx, p + 1, 1, NULL), LAC_OK);
    for (int fresh = 0; fresh < 2; fresh++) {
        for (int i = 0; i < 3; i++)
            p[i].offset = LAC_KAFKA_STORED;
        LAC_TEST_EQ(s.out.ops->start(s.out.ctx, p, 3, fresh, NULL), LAC_OK);
        for (int i = 0; i < 3; i++) {
            lac_test_row("%d, fresh %d", i, fresh);
            LAC_TEST_EQ(p[i].offset, i == 1 ? 60 : 5 + i);
        }
    }
    fixture_close(&s);
}

/* By a commit of ours whose answer was lost, or by hand: what was read from elsewhere is not it. */
static void a_position_that_is_another_by_now_stays(void)
{
    struct lac_err err = {0};
    struct fixture_sink s;

    fixture_clean_tables();
    fixture_open(&s);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_put(&s, fixture_event(1)), LAC_OK);
    LAC_TEST_EQ(lac_pg_exec(fixture_watch, "UPDATE sink_offset SET next_offset = 7", NULL), LAC_OK);
    LAC_TEST_EQ(fixture_commit(&s, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "is not at 0 of epoch 1 any more") != NULL);
    fixture_give_up(&s);
    LAC_TEST_EQ(fixture_row_count(), 0);
    LAC_TEST_EQ(fixture_start(&s, false, NULL), LAC_OK);
    LAC_TEST_EQ(s.at, 7);
    fixture_close(&s);
}

/* Else its session, busy with other partitions, would be ended as a predecessor's. */
static void who_gave_a_partition_back_has_no_session_there(void)
{
    static const char left[] = "SELECT coalesce(sum(partition), 0) FROM sink_offset"
                               " WHERE backend_pid IS NOT NULL AND backend_start IS NOT NULL";
    struct lac_kafka_position other = {FIXTURE_TOPIC, 4, LAC_KAFKA_STORED};
    struct fixture_sink s, neighbour;

    fixture_clean_tables();
    fixture_open(&s);
    fixture_open(&neighbour);
    LAC_TEST_EQ(fixture_start(&s, true, NULL), LAC_OK);
    LAC_TEST_EQ(neighbour.out.ops->start(neighbour.out.ctx, &other, 1, true, NULL), LAC_OK);
    LAC_TEST_EQ(fixture_number(left), 3 + 4);
    s.out.ops->revoked(s.out.ctx, false);
    LAC_TEST_EQ(fixture_number(left), 4);
    neighbour.out.ops->revoked(neighbour.out.ctx, true); /* they are somebody else's already */
    LAC_TEST_EQ(fixture_number(left), 4);
    fixture_close(&s);
    fixture_close(&neighbour);
}

/* ---- property ---- */

enum { LOG_LENGTH = 1500, SINKS = 2 };

static uint64_t random_state;

static uint32_t roll(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % n;
}

static void end_a_session(void)
{
    (void)!lac_pg_exec(fixture_watch,
                       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name = 'test' LIMIT 1",
                       NULL);
}

/* One interval of a careless sink that doesn't know whether the partition is still its own. */
static void one_turn(struct fixture_sink *s, const struct fixture_event *log)
{
    uint32_t n = 1 + roll(120);
    enum lac_status status = LAC_OK;

    for (uint32_t i = 0; i < n && s->at < LOG_LENGTH && status == LAC_OK; i++) {
        status = fixture_put(s, log[s->at]);
        if (roll(400) == 0)
            end_a_session();
    }
    if (status == LAC_OK && roll(6) != 0)
        status = fixture_commit(s, NULL);
    else if (status == LAC_OK)
        status = LAC_RETRY;
    if (status == LAC_OK)
        return;
    CU_ASSERT(status == LAC_RETRY);
    fixture_give_up(s);
    if (fixture_start(s, false, NULL) != LAC_OK)
        s->at = LAC_KAFKA_NONE;
}

static void play(uint64_t seed)
{
    static struct fixture_event log[LOG_LENGTH];
    struct fixture_sink sinks[SINKS];

    random_state = seed * 2654435761u + 88172645463325252u;
    for (uint32_t i = 0; i < LOG_LENGTH; i++) /* every tenth is a repetition */
        log[i] = fixture_event(i % 10 == 9 ? roll(i / 10 + 1) * 10 : i);
    fixture_clean_tables();
    for (int i = 0; i < SINKS; i++) {
        fixture_open(&sinks[i]);
        sinks[i].at = LAC_KAFKA_NONE;
    }
    for (int turn = 0; turn < 2000 && fixture_next_offset() < LOG_LENGTH; turn++) {
        struct fixture_sink *s = &sinks[roll(SINKS)];

        if ((s->at < 0 || roll(12) == 0) && fixture_start(s, true, NULL) != LAC_OK)
            s->at = LAC_KAFKA_NONE;
        if (s->at >= 0)
            one_turn(s, log);
        if (roll(3) == 0 && s->at >= 0) /* a new owner's turn starts from what the table says */
            fixture_give_up(s);
        if (s->at >= 0 && fixture_start(s, false, NULL) != LAC_OK)
            s->at = LAC_KAFKA_NONE;
    }
    lac_test_row("seed %llu", (unsigned long long)seed);
    LAC_TEST_EQ(fixture_next_offset(), LOG_LENGTH);
    LAC_TEST_EQ(fixture_row_count(),
                fixture_number("SELECT count(DISTINCT (event_id, revision)) FROM decisions"));
    LAC_TEST_EQ(fixture_row_count(), LOG_LENGTH - LOG_LENGTH / 10);
    LAC_TEST_EQ(fixture_number("SELECT count(*) FROM decision_conflict"), 0);
    CU_ASSERT(lac_output_pg_counts(sinks[0].o).fenced + lac_output_pg_counts(sinks[1].o).fenced >
              0);
    CU_ASSERT(lac_output_pg_counts(sinks[0].o).connects > 1);
    for (int i = 0; i < SINKS; i++)
        fixture_close(&sinks[i]);
}

static void every_event_is_one_row_after_any_history(void)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        play(seed);
}

LAC_TEST_MAIN(output_pg_owner, zombie_inside_a_copy_neither_blocks_nor_writes,
              a_session_with_a_former_number_of_ours_is_let_alone,
              zombie_with_a_living_session_is_stopped_by_its_epoch,
              recreated_topic_stops_with_advice, an_old_answer_about_the_log_is_waited_out,
              what_the_log_has_lost_is_counted, partitions_are_told_apart,
              a_position_that_is_another_by_now_stays,
              who_gave_a_partition_back_has_no_session_there,
              every_event_is_one_row_after_any_history)
