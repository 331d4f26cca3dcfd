/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the record that crashes the process is found in two crashes and left alone at the third
 * attempt, and no other record is. A crash is an open fuse that is opened again. */
#include "lac_fuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_test.h"

static char path[64];

static struct lac_fuse *open_fuse(void)
{
    struct lac_fuse *f = NULL;
    struct lac_err err;

    LAC_TEST_NEED(lac_fuse_open(&f, path, &err) == LAC_OK);
    return f;
}

static struct lac_fuse *fresh_fuse(void)
{
    int fd;

    (void)snprintf(path, sizeof(path), "/tmp/lac_fuse_XXXXXX");
    fd = mkstemp(path);
    LAC_TEST_NEED(fd >= 0);
    (void)close(fd);
    return open_fuse();
}

static struct lac_fuse *crash(struct lac_fuse *f)
{
    lac_fuse_close(f); /* the mapping is what a crash leaves behind as well */
    return open_fuse();
}

static struct lac_kafka_msg at(int32_t partition, int64_t offset)
{
    return (struct lac_kafka_msg){.topic = "in", .partition = partition, .offset = offset};
}

/* Processes msgs 0 .. n of one partition as a lane would; false: crashed on `poison`. */
static bool process(struct lac_fuse *f, int64_t n, int64_t poison, int64_t *skipped)
{
    struct lac_kafka_msg batch[64];
    int64_t o = 0;

    while (o < n) {
        size_t count = 0;

        for (; o + (int64_t)count < n && count < 16; count++) {
            batch[count] = at(0, o + (int64_t)count);
            if (lac_fuse_any(f) && lac_fuse_crashes(f, &batch[count])) {
                count += count == 0;
                break;
            }
        }
        if (count == 1 && lac_fuse_crashes(f, &batch[0]) >= LAC_FUSE_ATTEMPTS - 1) {
            *skipped = o;
        } else {
            lac_fuse_arm(f, batch, count);
            if (poison >= o && poison < o + (int64_t)count)
                return false;
            lac_fuse_disarm(f);
        }
        for (size_t i = 0; i < count; i++)
            lac_fuse_passed(f, &batch[i]);
        o += (int64_t)count;
    }
    return true;
}

static void the_culprit_is_left_alone_at_the_third_attempt(void)
{
    struct lac_fuse *f = fresh_fuse();
    int64_t skipped = -1;

    CU_ASSERT(!process(f, 40, 21, &skipped));
    f = crash(f);
    CU_ASSERT(!process(f, 40, 21, &skipped));
    f = crash(f);
    CU_ASSERT(process(f, 40, 21, &skipped));
    LAC_TEST_EQ(skipped, 21);
    CU_ASSERT(!lac_fuse_any(f));
    lac_fuse_close(f);
    (void)unlink(path);
}

static void a_crash_between_batches_accuses_nobody(void)
{
    struct lac_fuse *f = fresh_fuse();
    const struct lac_kafka_msg batch[] = {at(0, 1), at(0, 2)};

    lac_fuse_arm(f, batch, 2);
    lac_fuse_disarm(f);
    f = crash(f);
    CU_ASSERT(!lac_fuse_any(f));
    lac_fuse_close(f);
    (void)unlink(path);
}

static void suspects_are_told_apart_by_partition_and_offset(void)
{
    struct lac_fuse *f = fresh_fuse();
    const struct lac_kafka_msg batch[] = {at(0, 5), at(3, 7), at(0, 6), at(3, 9)};
    struct lac_kafka_msg m;

    lac_fuse_arm(f, batch, 4);
    f = crash(f);
    CU_ASSERT(lac_fuse_any(f));
    m = at(0, 5);
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 1);
    m = at(3, 8); /* between first and last: a gap of a transaction's marker, or another's */
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 1);
    m = at(0, 7);
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 0);
    m = at(1, 5);
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 0);
    m = at(0, 6);
    lac_fuse_passed(f, &m);
    m = at(0, 5);
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 0);
    m = at(3, 9);
    lac_fuse_passed(f, &m);
    CU_ASSERT(!lac_fuse_any(f));
    lac_fuse_close(f);
    (void)unlink(path);
}

static void a_damaged_file_is_started_anew(void)
{
    struct lac_fuse *f = fresh_fuse();
    const struct lac_kafka_msg batch[] = {at(0, 5)};
    FILE *file;

    lac_fuse_arm(f, batch, 1);
    lac_fuse_close(f);
    file = fopen(path, "r+b");
    LAC_TEST_NEED(file != NULL);
    (void)fseek(file, 8, SEEK_SET);
    (void)fwrite("\xff\xff\xff\xff", 1, 4, file); /* far more ranges in hand than fit */
    (void)fclose(file);
    f = open_fuse();
    CU_ASSERT(!lac_fuse_any(f));
    lac_fuse_close(f);
    (void)unlink(path);
}

/* What a disk may make of a range's numbers. The partition's number comes behind the topic. */
static void a_damaged_range_is_started_anew(void)
{
    enum { HAND = 16, FIRST = 256, LAST = FIRST + 8 };
    static const struct {
        long place;
        int64_t value;
    } rows[] = {{FIRST, -1}, {FIRST, INT64_MIN}, {LAST, -1}, {LAST, INT64_MAX}};

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_fuse *f = fresh_fuse();
        const struct lac_kafka_msg batch[] = {at(0, 5)};
        FILE *file;

        lac_test_row("%zu", i);
        lac_fuse_arm(f, batch, 1);
        lac_fuse_close(f);
        file = fopen(path, "r+b");
        LAC_TEST_NEED(file != NULL);
        (void)fseek(file, HAND + rows[i].place, SEEK_SET);
        (void)fwrite(&rows[i].value, sizeof(rows[i].value), 1, file);
        (void)fclose(file);
        f = open_fuse();
        LAC_TEST_EQ(lac_fuse_any(f), false);
        lac_fuse_close(f);
        (void)unlink(path);
    }
}

/* Suspects of partitions that went elsewhere are never passed here. */
static void old_suspects_do_not_hide_a_new_culprit(void)
{
    struct lac_fuse *f = fresh_fuse();
    struct lac_kafka_msg old[LAC_FUSE_RANGES], poison = at(1000, 3);

    for (int i = 0; i < LAC_FUSE_RANGES; i++)
        old[i] = at(i, 1);
    lac_fuse_arm(f, old, LAC_COUNT(old));
    f = crash(f);
    for (uint32_t crashes = 1; crashes < LAC_FUSE_ATTEMPTS; crashes++) {
        lac_fuse_arm(f, &poison, 1);
        f = crash(f);
        LAC_TEST_EQ(lac_fuse_crashes(f, &poison), crashes);
    }
    lac_fuse_close(f);
    (void)unlink(path);
}

static void two_processes_do_not_share_a_fuse(void)
{
    struct lac_fuse *f = fresh_fuse(), *second = NULL;
    struct lac_err err;

    LAC_TEST_EQ(lac_fuse_open(&second, path, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "another process") != NULL);
    lac_fuse_close(f);
    (void)unlink(path);
}

static void more_partitions_than_ranges_are_survived(void)
{
    struct lac_fuse *f = fresh_fuse();
    struct lac_kafka_msg batch[LAC_FUSE_RANGES + 8];

    for (int i = 0; i < LAC_FUSE_RANGES + 8; i++)
        batch[i] = at(i, 1);
    lac_fuse_arm(f, batch, LAC_COUNT(batch));
    f = crash(f);
    LAC_TEST_EQ(lac_fuse_crashes(f, &batch[0]), 1);
    LAC_TEST_EQ(lac_fuse_crashes(f, &batch[LAC_FUSE_RANGES + 7]), 0);
    lac_fuse_close(f);
    (void)unlink(path);
}

static void what_one_lane_suspects_the_others_learn(void)
{
    struct lac_kafka_msg poison = at(3, 70), beside = at(3, 71);
    char first_path[sizeof(path)];
    struct lac_fuse *first = fresh_fuse(), *second;

    lac_fuse_arm(first, &poison, 1);
    first = crash(first);
    memcpy(first_path, path, sizeof(path));
    second = fresh_fuse();
    lac_fuse_learn(second, first);
    LAC_TEST_EQ(lac_fuse_crashes(second, &poison), 1);
    LAC_TEST_EQ(lac_fuse_crashes(second, &beside), 0);
    lac_fuse_arm(second, &poison, 1); /* the partition moved, and it crashes here too */
    second = crash(second);
    LAC_TEST_EQ(lac_fuse_crashes(second, &poison), 1); /* what was learned is not in the file */
    lac_fuse_learn(first, second);
    lac_fuse_learn(second, first);
    LAC_TEST_EQ(lac_fuse_crashes(first, &poison), 2); /* so the third attempt is the third */
    LAC_TEST_EQ(lac_fuse_crashes(second, &poison), 2);
    lac_fuse_passed(second, &poison);
    LAC_TEST_EQ(lac_fuse_crashes(second, &poison), 0);
    CU_ASSERT(!lac_fuse_any(second));
    second = crash(second);
    CU_ASSERT(!lac_fuse_any(second));
    lac_fuse_learn(NULL, first);
    lac_fuse_learn(first, NULL);
    lac_fuse_close(first);
    lac_fuse_close(second);
    (void)unlink(path);
    (void)unlink(first_path);
}

LAC_TEST_MAIN(fuse, the_culprit_is_left_alone_at_the_third_attempt,
              a_crash_between_batches_accuses_nobody,
              suspects_are_told_apart_by_partition_and_offset, a_damaged_file_is_started_anew,
              a_damaged_range_is_started_anew, old_suspects_do_not_hide_a_new_culprit,
              two_processes_do_not_share_a_fuse, more_partitions_than_ranges_are_survived,
              what_one_lane_suspects_the_others_learn)
