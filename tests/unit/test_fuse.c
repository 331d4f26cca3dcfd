/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the record that crashes the process is found in two crashes and left alone at the third
 * attempt, and no other record is. A crash is an open fuse that is opened again. */
#include "lac_fuse.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
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

/* The file as lac_fuse.c has it: two counts and two lists of ranges. */
enum {
    ARMED = 8,
    SUSPECTS = 12,
    RANGE = 280,
    HAND_0 = 16,
    HAND_1 = HAND_0 + RANGE,
    SUSPECT_0 = HAND_0 + LAC_FUSE_RANGES * RANGE,
    SUSPECT_1 = SUSPECT_0 + RANGE,
    FIRST = 256, /* of a range */
    LAST = 264,
    CRASHES = 272,
    MOST_CRASHES = 1 << 16,
};

static void damage(long place, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "r+b");

    LAC_TEST_NEED(file != NULL);
    (void)fseek(file, place, SEEK_SET);
    (void)fwrite(bytes, size, 1, file);
    (void)fclose(file);
}

/* Two suspects, and two ranges in hand. */
static void leave_file(void)
{
    const struct lac_kafka_msg suspects[] = {at(0, 5), at(1, 5)}, hand[] = {at(2, 7), at(3, 7)};
    struct lac_fuse *f = fresh_fuse();

    lac_fuse_arm(f, suspects, 2);
    f = crash(f);
    lac_fuse_arm(f, hand, 2);
    lac_fuse_close(f);
}

/* What a disk may make of it. */
static void a_damaged_file_is_started_anew(void)
{
    static const uint32_t none = 0, many = LAC_FUSE_RANGES + 1, most = UINT32_MAX,
                          crashes = MOST_CRASHES + 1;
    static const int64_t negative = -1, least = INT64_MIN, last = INT64_MAX;
    static const char topic[LAC_KAFKA_TOPIC_SIZE] = {[0 ... LAC_KAFKA_TOPIC_SIZE - 1] = 'x'};
    static const struct {
        long place;
        const void *bytes;
        size_t size;
    } rows[] = {
        {0, "L", 1},
        {7, "2", 1},
        {ARMED, &many, 4},
        {ARMED, &most, 4},
        {SUSPECTS, &many, 4},
        {SUSPECTS, &most, 4},
        {HAND_0, topic, sizeof(topic)},
        {HAND_0 + FIRST, &negative, 8},
        {HAND_0 + FIRST, &least, 8},
        {HAND_0 + LAST, &negative, 8},
        {HAND_0 + LAST, &last, 8},
        {HAND_1 + FIRST, &negative, 8},
        {SUSPECT_0, topic, sizeof(topic)},
        {SUSPECT_0 + FIRST, &negative, 8},
        {SUSPECT_0 + LAST, &last, 8},
        {SUSPECT_0 + CRASHES, &none, 4},
        {SUSPECT_0 + CRASHES, &crashes, 4},
        {SUSPECT_1 + LAST, &last, 8},
        {SUSPECT_1 + CRASHES, &none, 4},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_fuse *f;

        lac_test_row("%zu", i);
        leave_file();
        damage(rows[i].place, rows[i].bytes, rows[i].size);
        f = open_fuse();
        LAC_TEST_EQ(lac_fuse_any(f), false);
        lac_fuse_close(f);
        (void)unlink(path);
    }
}

/* The counter stays where it is, and is no damage. */
static void crashes_are_counted_to_a_limit(void)
{
    static const uint32_t most = MOST_CRASHES;
    const struct lac_kafka_msg m = at(0, 5), other = at(3, 7);
    struct lac_fuse *f;

    leave_file();
    damage(SUSPECT_0 + CRASHES, &most, 4);
    f = open_fuse();
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), MOST_CRASHES);
    LAC_TEST_EQ(lac_fuse_crashes(f, &other), 1);
    lac_fuse_arm(f, &m, 1);
    f = crash(crash(f));
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), MOST_CRASHES);
    lac_fuse_close(f);
    (void)unlink(path);
}

/* Nobody else's crashes count: not those of another partition or place, nor those of a record that
 * has passed since. */
static void crashes_are_a_records_own(void)
{
    struct lac_fuse *f = fresh_fuse();
    const struct lac_kafka_msg m = at(0, 5), before = at(0, 4), behind = at(0, 6), other = at(1, 5);

    for (int i = 0; i < 3; i++) {
        lac_fuse_arm(f, &m, 1);
        f = crash(f);
    }
    lac_fuse_arm(f, &other, 1);
    f = crash(f);
    lac_fuse_arm(f, &before, 1);
    f = crash(f);
    lac_fuse_arm(f, &behind, 1);
    f = crash(f);
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 3);
    LAC_TEST_EQ(lac_fuse_crashes(f, &other), 1);
    LAC_TEST_EQ(lac_fuse_crashes(f, &before), 1);
    LAC_TEST_EQ(lac_fuse_crashes(f, &behind), 1);
    lac_fuse_passed(f, &behind);
    lac_fuse_passed(f, &other);
    CU_ASSERT(!lac_fuse_any(f));
    lac_fuse_arm(f, &m, 1);
    f = crash(f);
    LAC_TEST_EQ(lac_fuse_crashes(f, &m), 1);
    lac_fuse_close(f);
    (void)unlink(path);
}

/* Each record of a suspected range, alone, at its ends too: the others keep what is known. */
static void a_record_is_cut_out_of_its_range(void)
{
    for (int64_t culprit = 0; culprit < 6; culprit++) {
        struct lac_fuse *f = fresh_fuse();
        const struct lac_kafka_msg range[] = {at(0, 0), at(0, 5)}, m = at(0, culprit);

        lac_fuse_arm(f, range, 2);
        f = crash(f);
        lac_fuse_arm(f, &m, 1);
        f = crash(crash(f)); /* the second time with nothing in hand: it is read from the file */
        for (int64_t offset = 0; offset < 8; offset++) {
            const struct lac_kafka_msg each = at(0, offset);

            lac_test_row("culprit %lld, offset %lld", (long long)culprit, (long long)offset);
            LAC_TEST_EQ(lac_fuse_crashes(f, &each), offset > 5 ? 0 : offset == culprit ? 2 : 1);
        }
        lac_fuse_close(f);
        (void)unlink(path);
    }
}

/* From its first on; what comes behind it is suspected as before. */
static void a_range_is_passed_record_by_record(void)
{
    struct lac_fuse *f = fresh_fuse();
    const struct lac_kafka_msg range[] = {at(0, 2), at(0, 5)};

    lac_fuse_arm(f, range, 2);
    f = crash(f);
    for (int64_t passed = 2; passed <= 5; passed++) {
        const struct lac_kafka_msg m = at(0, passed);

        lac_fuse_passed(f, &m);
        for (int64_t offset = 0; offset < 8; offset++) {
            const struct lac_kafka_msg each = at(0, offset);

            lac_test_row("passed %d, offset %d", (int)passed, (int)offset);
            LAC_TEST_EQ(lac_fuse_crashes(f, &each), offset > passed && offset <= 5);
        }
    }
    CU_ASSERT(!lac_fuse_any(f));
    lac_fuse_close(f);
    (void)unlink(path);
}

/* Suspects of partitions that went elsewhere are never passed here. */
static void old_suspects_do_not_hide_a_new_culprit(void)
{
    struct lac_fuse *f = fresh_fuse();
    struct lac_kafka_msg old[LAC_FUSE_RANGES], poison = at(5000, 3);

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

/* One partition was in hand in one crash, all the others in two. */
static void who_is_known_least_about_gives_way(void)
{
    for (int least = 0; least < LAC_FUSE_RANGES; least += least % 100 == 1 ? 98 : 1) {
        struct lac_kafka_msg all[LAC_FUSE_RANGES], but_one[LAC_FUSE_RANGES - 1], poison;
        struct lac_fuse *f = fresh_fuse();

        for (int i = 0; i < LAC_FUSE_RANGES; i++)
            all[i] = at(i, 1);
        for (int i = 0; i < LAC_FUSE_RANGES - 1; i++)
            but_one[i] = at(i < least ? i : i + 1, 1);
        poison = at(5000, 3);
        lac_fuse_arm(f, all, LAC_COUNT(all));
        f = crash(f);
        lac_fuse_arm(f, but_one, LAC_COUNT(but_one));
        f = crash(f);
        lac_fuse_arm(f, &poison, 1);
        f = crash(f);
        lac_test_row("partition %d", least);
        LAC_TEST_EQ(lac_fuse_crashes(f, &poison), 1);
        for (int i = 0; i < LAC_FUSE_RANGES; i++)
            LAC_TEST_EQ(lac_fuse_crashes(f, &all[i]), i == least ? 0 : 2);
        lac_fuse_close(f);
        (void)unlink(path);
    }
}

/* The list is full, and a range in it comes apart in three. */
static void a_full_list_keeps_the_sharpest_suspect(void)
{
    struct lac_fuse *f = fresh_fuse();
    struct lac_kafka_msg all[LAC_FUSE_RANGES + 1], culprit = at(0, 5);

    for (int i = 0; i < LAC_FUSE_RANGES; i++)
        all[i] = at(i, 1);
    all[LAC_FUSE_RANGES] = at(0, 9);
    lac_fuse_arm(f, all, LAC_COUNT(all));
    f = crash(f);
    lac_fuse_arm(f, &culprit, 1);
    f = crash(crash(f));
    LAC_TEST_EQ(lac_fuse_crashes(f, &culprit), 2);
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

/* In a process of its own, with a file system of one page. 77: such a process may not mount. */
static int open_on_a_full_disk(const char *folder)
{
    char file[96];
    struct lac_fuse *f = NULL;
    struct lac_err err = {0};

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=4096") != 0)
        return 77;
    (void)snprintf(file, sizeof(file), "%s/fuse", folder);
    return lac_fuse_open(&f, file, &err) == LAC_FATAL && err.code == ENOSPC &&
                   strstr(err.text, file)
               ? 0
               : 1;
}

static void a_full_disk_is_told_and_kills_nobody(void)
{
    char folder[] = "/tmp/lac_fuse_XXXXXX";
    int status = -1;
    pid_t child;

    LAC_TEST_NEED(mkdtemp(folder));
    child = fork();
    if (child == 0)
        _exit(open_on_a_full_disk(folder));
    LAC_TEST_NEED(child > 0 && waitpid(child, &status, 0) == child);
    CU_ASSERT(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
    (void)rmdir(folder);
}

enum { MANY = 300, BAD = 3 };

/* One life of a lane with a record of each of MANY partitions, in this order; all is committed at
 * the end or not at all. False: it crashed. */
static bool live(struct lac_fuse *f, const struct lac_kafka_msg *msgs, const int32_t *bad,
                 size_t *letters)
{
    *letters = 0;
    for (size_t from = 0, n; from < MANY; from += n) {
        n = MANY - from;
        for (size_t i = 0; i < n; i++)
            if (lac_fuse_crashes(f, &msgs[from + i]))
                n = i ? i : 1;
        if (n == 1 && lac_fuse_crashes(f, &msgs[from]) >= LAC_FUSE_ATTEMPTS - 1) {
            ++*letters;
            continue;
        }
        lac_fuse_arm(f, msgs + from, n);
        for (size_t i = 0; i < n; i++)
            for (int b = 0; b < BAD; b++)
                if (msgs[from + i].partition == bad[b])
                    return false;
        lac_fuse_disarm(f);
    }
    return true;
}

/* Whatever comes first in each life: what was learned of one must survive the others. */
static void bad_records_of_many_partitions_are_all_found(void)
{
    lac_test_seed();
    for (int round = 0; round < 40; round++) {
        const int32_t bad[BAD] = {7, 107, 207};
        struct lac_fuse *f = fresh_fuse();
        struct lac_kafka_msg msgs[MANY];
        size_t letters = 0;
        int crashes = -1;
        bool passed;

        for (int i = 0; i < MANY; i++)
            msgs[i] = at(i, 5);
        do {
            for (uint32_t i = MANY; i > 1; i--) {
                uint32_t k = lac_test_random(i);
                struct lac_kafka_msg m = msgs[i - 1];

                msgs[i - 1] = msgs[k];
                msgs[k] = m;
            }
            passed = live(f, msgs, bad, &letters);
            if (!passed)
                f = crash(f);
            crashes++;
        } while (!passed && crashes < 50);
        lac_test_row("round %d", round);
        LAC_TEST_EQ(passed, true);
        LAC_TEST_EQ(letters, BAD);
        CU_ASSERT(crashes == 1 + BAD);
        lac_fuse_close(f);
        (void)unlink(path);
    }
}

LAC_TEST_MAIN(fuse, bad_records_of_many_partitions_are_all_found,
              the_culprit_is_left_alone_at_the_third_attempt,
              a_crash_between_batches_accuses_nobody,
              suspects_are_told_apart_by_partition_and_offset, a_damaged_file_is_started_anew,
              crashes_are_counted_to_a_limit, crashes_are_a_records_own,
              a_record_is_cut_out_of_its_range, a_range_is_passed_record_by_record,
              old_suspects_do_not_hide_a_new_culprit, who_is_known_least_about_gives_way,
              a_full_list_keeps_the_sharpest_suspect, two_processes_do_not_share_a_fuse,
              more_partitions_than_ranges_are_survived, what_one_lane_suspects_the_others_learn,
              a_full_disk_is_told_and_kills_nobody)
