/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: processes of one name get slots of their own, and only one that another process has is
 * taken: without locks two of them would fence each other for ever. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lac_conf.h"
#include "lac_file.h"
#include "lac_runtime_priv.h"
#include "lac_test.h"

static int lock_error, lock_errors; /* the next ones of flock() */

/* NOLINTBEGIN(readability-identifier-naming): the linker's names */
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int __wrap_flock(int fd, int operation)
{
    if (lock_errors == 0)
        return __real_flock(fd, operation);
    lock_errors--;
    errno = lock_error;
    return -1;
}

/* NOLINTEND(readability-identifier-naming) */

static char folder[64];

static struct lac_runtime *open_state(enum lac_status want, struct lac_err *err)
{
    const struct lac_conf_sources sources = {.program = LAC_CONF_CLI, .no_file = true};
    struct lac_runtime *rt = calloc(1, sizeof(*rt));

    LAC_TEST_NEED(rt != NULL);
    rt->lock_fd = -1;
    rt->program.name = "lacuna-classify";
    LAC_TEST_NEED(lac_conf_load(&rt->conf, &sources, err) == LAC_OK);
    LAC_TEST_NEED(lac_conf_set(rt->conf, "state.dir", folder, err) == LAC_OK);
    LAC_TEST_NEED(lac_conf_set(rt->conf, "instance.id", "a b", err) == LAC_OK);
    LAC_TEST_EQ(runtime_state_open(rt, err), want);
    return rt;
}

static void close_state(struct lac_runtime *rt)
{
    if (rt->lock_fd >= 0)
        (void)close(rt->lock_fd);
    lac_conf_free(rt->conf);
    free(rt);
}

static void begin(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/lac_state_XXXXXX");
    LAC_TEST_NEED(mkdtemp(folder) != NULL);
}

static void processes_of_one_name_get_slots_of_their_own(void)
{
    struct lac_runtime *first, *second;
    struct lac_err err;

    begin();
    first = open_state(LAC_OK, &err);
    LAC_TEST_STR(first->instance, "a_b");
    second = open_state(LAC_OK, &err);
    LAC_TEST_STR(second->instance, "a_b.1");
    close_state(first); /* as its end: the successor fences what it left open */
    first = open_state(LAC_OK, &err);
    LAC_TEST_STR(first->instance, "a_b");
    close_state(first);
    close_state(second);
    lac_file_remove_tree(folder);
}

static void a_signal_takes_no_slot(void)
{
    struct lac_runtime *rt;
    struct lac_err err;

    begin();
    lock_error = EINTR;
    lock_errors = 2;
    rt = open_state(LAC_OK, &err);
    LAC_TEST_STR(rt->instance, "a_b");
    close_state(rt);
    lac_file_remove_tree(folder);
}

static void without_locks_nothing_starts(void)
{
    struct lac_runtime *rt;
    struct lac_err err;

    begin();
    lock_error = ENOLCK;
    lock_errors = 1; /* the next slot could be had */
    rt = open_state(LAC_FATAL, &err);
    LAC_TEST_EQ(err.code, ENOLCK);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "set state.dir to"));
    lock_errors = 0;
    close_state(rt);
    lac_file_remove_tree(folder);
}

LAC_TEST_MAIN(runtime_state, processes_of_one_name_get_slots_of_their_own, a_signal_takes_no_slot,
              without_locks_nothing_starts)
