/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_metrics.h"
#include "lac_metrics_impl.h"

struct lac_metrics_process {
    struct lac_gauge *cpu, *resident, *open_fds, *max_fds, *threads, *start;
};

/* Three numbers of /proc/self/stat; proc(5) counts the fields from 1, the name is the second. */
static bool stat_fields(uint64_t *threads, uint64_t *start_ticks, uint64_t *resident_pages)
{
    char text[1024], *at;
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC), field = 3;
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    at = strrchr(text, ')'); /* the name may hold blanks and brackets */
    for (at = at ? at + 1 : NULL; at && *at; field++) {
        at += strspn(at, " ");
        if (field == 20)
            *threads = strtoull(at, NULL, 10);
        if (field == 22)
            *start_ticks = strtoull(at, NULL, 10);
        if (field == 24) {
            *resident_pages = strtoull(at, NULL, 10);
            return true;
        }
        at = strchr(at, ' ');
    }
    return false;
}

static size_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    if (!dir)
        return 0;
    while (readdir(dir)) /* NOLINT(concurrency-mt-unsafe): this stream is ours alone */
        count++;
    closedir(dir);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the stream itself */
}

static void collect(void *ctx)
{
    struct lac_metrics_process *p = ctx;
    uint64_t threads = 0, start = 0, pages = 0;
    struct rlimit limit;
    struct timespec cpu;

    if (stat_fields(&threads, &start, &pages)) {
        lac_gauge_set(p->threads, (double)threads);
        lac_gauge_set(p->resident, (double)pages * (double)sysconf(_SC_PAGESIZE));
    }
    lac_gauge_set(p->open_fds, (double)count_fds());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        lac_gauge_set(p->max_fds, (double)limit.rlim_cur);
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        lac_gauge_set(p->cpu, (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
}

/* Wall time of the start: now minus the age that the kernel counts since its boot. */
static double start_seconds(void)
{
    uint64_t threads = 0, start = 0, pages = 0;
    struct timespec boot;

    if (!stat_fields(&threads, &start, &pages) || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        return 0;
    return (double)lac_clock_wall_ms() / 1e3 - ((double)boot.tv_sec + (double)boot.tv_nsec / 1e9) +
           (double)start / (double)sysconf(_SC_CLK_TCK);
}

void lac_metrics_add_process(struct lac_metrics *m)
{
    struct lac_metrics_process *p;

    if (m->process)
        return;
    p = calloc(1, sizeof(*p));
    if (!p) {
        lac_counter_add(m->refused, 1);
        return;
    }
    m->process = p;
    p->cpu = lac_metrics_set_counter(m, "process_cpu_seconds_total",
                                     "User and system CPU time spent, in seconds.");
    p->resident = lac_metrics_gauge(m, "process_resident_memory_bytes",
                                    "Memory in use that is resident, in bytes.", NULL);
    p->open_fds =
        lac_metrics_gauge(m, "process_open_fds", "Open file descriptors, sockets included.", NULL);
    p->max_fds = lac_metrics_gauge(m, "process_max_fds", "Limit of open file descriptors.", NULL);
    p->threads = lac_metrics_gauge(m, "process_threads", "Threads of the process.", NULL);
    p->start = lac_metrics_gauge(m, "process_start_time_seconds",
                                 "When the process started, in seconds since 1970.", NULL);
    lac_gauge_set(p->start, start_seconds());
    lac_metrics_on_write(m, collect, p);
}
