/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before a program (LD_PRELOAD), gives it a wall clock that is wrong, and that can be set
 * while it runs, as nobody can do with one process of a machine. The file that
 * LAC_WRONG_CLOCK_FILE names holds by how many microseconds it is ahead, as 8 bytes.
 *
 * Waiting until a point of the wall clock behaves as on a machine whose clock is set: a step back
 * makes it longer, a step forward ends it. librdkafka waits like that, and so what a usual tool
 * for this does, to change what time it is and not how long one waits, would show other faults
 * than there are. The monotonic clock stays as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_NS = 20000000 }; /* how late a step of the clock is seen by who waits */

static const int64_t *ahead_us;

__attribute__((constructor)) static void load(void)
{
    const char *path = getenv("LAC_WRONG_CLOCK_FILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead_us), PROT_READ, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        abort();
    (void)close(fd);
    ahead_us = at;
}

static int64_t get_ns(clockid_t clock)
{
    struct timespec t;

    (void)syscall(SYS_clock_gettime, clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

static int64_t wall_ns(void)
{
    return get_ns(CLOCK_REALTIME) +
           (ahead_us ? __atomic_load_n(ahead_us, __ATOMIC_RELAXED) : 0) * 1000;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, t);
    *t = timespec_of(wall_ns());
    return 0;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    int64_t us = wall_ns() / 1000;

    (void)zone;
    *t = (struct timeval){(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
    return 0;
}

time_t time(time_t *out)
{
    time_t now = (time_t)(wall_ns() / 1000000000);

    if (out)
        *out = now;
    return now;
}

int timespec_get(struct timespec *t, int base)
{
    *t = timespec_of(wall_ns());
    return base;
}

/* Whoever measures on the monotonic clock counts from the machine's start: decades less. */
static int is_wall(const struct timespec *t)
{
    return t->tv_sec > 1000000000;
}

int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
                           const struct timespec *restrict until)
{
    if (!is_wall(until))
        return pthread_cond_clockwait(c, m, CLOCK_MONOTONIC, until);
    for (;;) {
        int64_t left = (int64_t)until->tv_sec * 1000000000 + until->tv_nsec - wall_ns();
        struct timespec t = timespec_of(get_ns(CLOCK_MONOTONIC) + (left > SLICE_NS ? SLICE_NS
                                                                   : left > 0      ? left
                                                                                   : 0));
        int status = pthread_cond_clockwait(c, m, CLOCK_MONOTONIC, &t);

        if (status != ETIMEDOUT || left <= SLICE_NS)
            return status;
    }
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
    int status = pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until);

    return status == 0 ? thrd_success : status == ETIMEDOUT ? thrd_timedout : thrd_error;
}
