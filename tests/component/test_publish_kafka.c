/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna publish, the program, and a broker in this process that breaks its producer. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_kafka_mock.h"
#include "lac_test.h"

enum { RECORDS = 8, SAID_MAX = 8192 };

/* Codes of the protocol, and exit statuses. */
enum {
    MESSAGE_TOO_LARGE = 10,
    INVALID_TIMESTAMP = 32,
    OUT_OF_ORDER_SEQUENCE = 45,
    INVALID_RECORD = 87
};
enum { EXIT_NEGATIVE = 1, EXIT_DEPENDENCY = 3 };

#define REQUESTS_TOPIC "c.requests"

static char folder[64];

static void path_of(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", folder, name);
}

static void write_input(const char *path)
{
    FILE *f = fopen(path, "w");

    LAC_TEST_NEED(f != NULL);
    for (int i = 0; i < RECORDS; i++)
        fprintf(f, "text %d\n", i);
    LAC_TEST_NEED(fclose(f) == 0);
}

/* Its exit status, and what it said on stderr. Its linger keeps what is sent together in one batch
 * on a machine that is slow, too. */
static int publish(const struct lac_kafka_mock *mock, char said[SAID_MAX])
{
    char input[128], output[128], brokers[128];
    char program[] = LACUNA_PUBLISH, format[] = "--format=lines";
    char prefix[] = "--kafka-topic-prefix=c.", linger[] = "--kafka-properties=linger.ms=150";
    char *argv[] = {program, format, prefix, linger, brokers, input, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;

    path_of(input, sizeof(input), "input.txt");
    path_of(output, sizeof(output), "said");
    snprintf(brokers, sizeof(brokers), "--kafka-bootstrap-servers=%s",
             lac_kafka_mock_bootstrap(mock));
    write_input(input);
    LAC_TEST_NEED(posix_spawn_file_actions_init(&actions) == 0);
    LAC_TEST_NEED(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, output,
                                                   O_WRONLY | O_CREAT | O_TRUNC, 0600) == 0);
    LAC_TEST_NEED(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) == 0);
    LAC_TEST_NEED(waitpid(pid, &status, 0) == pid);
    (void)posix_spawn_file_actions_destroy(&actions);

    int fd = open(output, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, said, SAID_MAX - 1);
    said[n > 0 ? n : 0] = '\0';
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct lac_kafka_mock *open_mock(void)
{
    struct lac_kafka_mock *mock = NULL;
    struct lac_err err;

    LAC_TEST_NEED(mkdtemp(strcpy(folder, "/tmp/lac-publish.XXXXXX")) != NULL);
    LAC_TEST_NEED(setenv("XDG_CONFIG_HOME", folder, 1) == 0);
    LAC_TEST_NEED(setenv("XDG_STATE_HOME", folder, 1) == 0);
    LAC_TEST_NEED(lac_kafka_mock_new(&mock, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_mock_topic(mock, REQUESTS_TOPIC, 1, &err) == LAC_OK);
    return mock;
}

static void close_mock(struct lac_kafka_mock *mock)
{
    char command[128];

    lac_kafka_mock_free(mock);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    /* NOLINTNEXTLINE(cert-env33-c): nothing in it is from outside, the folder is mkdtemp's */
    (void)!system(command);
}

/* A broker has lost what an idempotent producer counts on (it answers "out of order"). What was
 * not acknowledged is not counted as delivered, the run says why, and the next one goes on. */
static void a_broken_producer_ends_the_run(void)
{
    struct lac_kafka_mock *mock = open_mock();
    char said[SAID_MAX];

    lac_kafka_mock_fail(mock, LAC_KAFKA_API_PRODUCE, OUT_OF_ORDER_SEQUENCE, 1);
    LAC_TEST_EQ(publish(mock, said), EXIT_DEPENDENCY);
    CU_ASSERT(strstr(said, "the producer broke") != NULL);
    LAC_TEST_EQ(publish(mock, said), 0);
    close_mock(mock);
}

/* Where a broker won't have a record, its place and the broker's reason are said. The batch that it
 * was refused with is halved until it is alone; the others get through. */
static void a_refused_record_has_its_place_and_the_reason(void)
{
    enum { UNTIL_ALONE = 4 }; /* of 8, 4, 2 and 1 */
    struct lac_kafka_mock *mock = open_mock();
    char said[SAID_MAX], shown[192];

    path_of(shown, sizeof(shown),
            "input.txt:1: the brokers refuse it: Broker: Broker failed to validate record");
    lac_kafka_mock_fail(mock, LAC_KAFKA_API_PRODUCE, INVALID_RECORD, UNTIL_ALONE);
    LAC_TEST_EQ(publish(mock, said), EXIT_NEGATIVE);
    CU_ASSERT(strstr(said, shown) != NULL);
    CU_ASSERT(strstr(said, "7 records delivered") != NULL && strstr(said, "1 bad") != NULL);
    close_mock(mock);
}

/* What brokers refuse only now and then costs nothing. */
static void what_was_refused_with_others_is_sent_by_itself(void)
{
    struct lac_kafka_mock *mock = open_mock();
    char said[SAID_MAX];

    lac_kafka_mock_fail(mock, LAC_KAFKA_API_PRODUCE, MESSAGE_TOO_LARGE, 3);
    LAC_TEST_EQ(publish(mock, said), 0);
    CU_ASSERT(strstr(said, "8 records delivered") != NULL && strstr(said, "bad") == NULL);
    close_mock(mock);
}

/* A clock that is far ahead is no fault of the records: the next run sends them. */
static void a_wrong_clock_makes_no_record_bad(void)
{
    struct lac_kafka_mock *mock = open_mock();
    char said[SAID_MAX];

    lac_kafka_mock_fail(mock, LAC_KAFKA_API_PRODUCE, INVALID_TIMESTAMP, 1);
    LAC_TEST_EQ(publish(mock, said), EXIT_DEPENDENCY);
    CU_ASSERT(strstr(said, "this machine's clock is wrong") != NULL);
    CU_ASSERT(strstr(said, "input.txt:1") == NULL);
    LAC_TEST_EQ(publish(mock, said), 0);
    close_mock(mock);
}

LAC_TEST_MAIN(publish_kafka, a_broken_producer_ends_the_run, a_wrong_clock_makes_no_record_bad,
              a_refused_record_has_its_place_and_the_reason,
              what_was_refused_with_others_is_sent_by_itself)
