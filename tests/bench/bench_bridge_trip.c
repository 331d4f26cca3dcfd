/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.roundtrip: the real lacuna-bridge and lacuna-classify around a real broker, asked over
 * HTTP, against a bare two-hop echo at the same rate on the same broker (bench_bridge_hops.c). The
 * lines compare 1/p50 and 1/p99, so that a higher ratio is better; the microseconds stand on
 * stderr.
 *
 * The rate is 20 % load: a fifth of what the whole path answers to 64 clients that ask again as
 * soon as they have their answer, once it does so evenly. It is that of both sides, and stands in
 * the line as "rate". Such clients fill batches, single requests do not: at that fifth the cores of
 * a machine that also runs broker, clients and workers are more than half busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_bridge.h"
#include "lac_bench.h"
#include "lac_clock.h"
#include "lac_http_client.h"
#include "lac_kafka_admin.h"
#include "lac_topics.h"

enum {
    ROUNDS = 9,
    MAX_MS = 2000,
    LOADS = 5,
    WARM_MIN = 8, /* loads; a broker that has just started compiles for many seconds */
    WARM_MAX = 24,
    ROUND_MS = 3000,
    PARTITIONS = 1, /* as the bare echo has: more of them are more work for a broker */
    ENV_MAX = 24,
    READY_MS = 60000,
};

static const double spread_most = 0.1;

struct trip {
    const char *brokers;
    char prefix[64], folder[64], bin[512];
    char settings[ENV_MAX][600];
    size_t setting_count;
    pid_t classify, bridge;
    uint16_t port;
    struct bench_hops *hops;
};

static void set(struct trip *t, const char *name, const char *value)
{
    snprintf(t->settings[t->setting_count++], sizeof(t->settings[0]), "LACUNA__%s=%s", name, value);
}

static pid_t spawn(struct trip *t, const char *program)
{
    char path[600], *argv[] = {path, NULL}, *envp[ENV_MAX + 4];
    size_t n = 0;
    pid_t pid;

    snprintf(path, sizeof(path), "%s/%s", t->bin, program);
    for (size_t i = 0; i < t->setting_count; i++)
        envp[n++] = t->settings[i];
    envp[n] = NULL;
    if (posix_spawn(&pid, path, NULL, NULL, argv, envp) != 0) {
        fprintf(stderr, "bridge.roundtrip: %s can't be started\n", path);
        return -1;
    }
    return pid;
}

static void stop(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}

static int make_topics(const struct trip *t)
{
    static char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    struct lac_kafka_new_topic topics[LAC_TOPIC_COUNT];
    struct lac_kafka_admin *a = NULL;
    struct lac_err err = {0};
    const struct lac_kafka_options o = {.bootstrap_servers = t->brokers};

    memset(topics, 0, sizeof(topics));
    for (int i = 0; i < LAC_TOPIC_COUNT; i++) {
        if (!lac_topic_full_name(names[i], t->prefix, (enum lac_topic_id)i))
            return -1;
        topics[i].name = names[i];
        topics[i].partitions = PARTITIONS;
        topics[i].replicas = 1;
    }
    enum lac_status status = lac_kafka_admin_open(&a, &o, &err);
    if (status == LAC_OK)
        status = lac_kafka_admin_create_topics(a, topics, LAC_TOPIC_COUNT, 30000, &err);
    lac_kafka_admin_close(a);
    if (status != LAC_OK)
        fprintf(stderr, "bridge.roundtrip: %s\n", err.text);
    return status == LAC_OK ? 0 : -1;
}

static int write_key(const struct trip *t, char *path, size_t size)
{
    static const char key[] = "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n";

    snprintf(path, size, "%s/key", t->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, key, sizeof(key) - 1);
    close(fd);
    return n == sizeof(key) - 1 ? 0 : -1;
}

static int wait_ready(const struct trip *t)
{
    struct lac_http_client *c = NULL;
    uint64_t end = lac_clock_mono_ms() + READY_MS;
    char url[64];
    unsigned status = 0;

    if (lac_http_client_new(&c, NULL, NULL) != LAC_OK)
        return -1;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/health/ready", t->port);
    while (status != 200 && lac_clock_mono_ms() < end) {
        (void)!lac_http_get(c, url, NULL, &status, NULL);
        lac_clock_sleep_ms(50);
    }
    lac_http_client_free(c);
    return status == 200 ? 0 : -1;
}

static int start(struct trip *t)
{
    char text[256];
    ssize_t n = readlink("/proc/self/exe", t->bin, sizeof(t->bin) - 1);

    if (n < 0 || !mkdtemp(strcpy(t->folder, "/tmp/lacuna-bench.XXXXXX")))
        return -1;
    (void)dirname(t->bin);
    snprintf(t->prefix, sizeof(t->prefix), "bench-%d-%llu.", (int)getpid(),
             (unsigned long long)lac_clock_wall_ms());
    t->port = bench_free_port();
    set(t, "KAFKA__BOOTSTRAP_SERVERS", t->brokers);
    set(t, "KAFKA__TOPIC_PREFIX", t->prefix);
    set(t, "LOG__LEVEL", "error");
    set(t, "STATE__DIR", t->folder);
    set(t, "BRIDGE__DEADLINE_MS", "10000");
    set(t, "POSTGRES__URL", "postgresql://lacuna@127.0.0.1:1/none"); /* nobody is asked */
    snprintf(text, sizeof(text), "127.0.0.1:%u", t->port);
    set(t, "BRIDGE__LISTEN", text);
    if (write_key(t, text, sizeof(text)) != 0)
        return -1;
    set(t, "COMMITMENT__KEY_FILE", text);
    if (make_topics(t) != 0)
        return -1;
    t->classify = spawn(t, "lacuna-classify");
    t->bridge = spawn(t, "lacuna-bridge");
    if (t->classify < 0 || t->bridge < 0 || wait_ready(t) != 0)
        return -1;
    t->hops = bench_hops_start(t->brokers, t->prefix);
    return t->hops ? 0 : -1;
}

static void end(struct trip *t)
{
    char command[128];

    bench_hops_stop(t->hops);
    stop(t->bridge);
    stop(t->classify);
    if (t->folder[0]) {
        snprintf(command, sizeof(command), "rm -rf %s", t->folder);
        /* NOLINTNEXTLINE(cert-env33-c): nothing in it is from outside, the folder is mkdtemp's */
        (void)!system(command);
    }
}

/* What our side can do: the median of LOADS loads in a row that agree within spread_most. Until
 * they do, the broker compiles or neighbours are busy; after WARM_MAX loads the last ones count. */
static int find_most(const struct trip *t, double scale, double *most)
{
    double last[LOADS], sorted[LOADS];
    struct bench_load load = {.port = t->port, .ms = (uint32_t)(MAX_MS * scale)};

    for (int i = 0; i < WARM_MAX; i++) {
        if (bench_load(&load) != 0)
            return -1;
        last[i % LOADS] = load.rate;
        if (i < WARM_MIN - 1)
            continue;
        memcpy(sorted, last, sizeof(sorted));
        *most = lac_bench_sort(sorted, LOADS);
        if (sorted[LOADS - 1] - sorted[0] < spread_most * *most)
            return 0;
    }
    return 0;
}

/* A fifth of that, in whole hundreds, so that runs are at the same rate; or what somebody who
 * compares two builds wants. */
static int choose_rate(const struct trip *t, const char *name, double scale, double *rate)
{
    const char *wanted = getenv("LACUNA_BENCH_RATE");
    double most = 0;

    if (find_most(t, scale, &most) != 0) /* it warms up as well */
        return -1;
    *rate = wanted ? strtod(wanted, NULL) : 100 * (double)(long)(most / 5 / 100 + 0.5);
    if (*rate < 100)
        *rate = 100;
    fprintf(stderr, "%s: %.0f/s of at most %.0f/s\n", name, *rate, most);
    return 0;
}

/* Both in turn, and in turn first. */
static int measure_both(struct trip *t, double rate, uint32_t ms, bool bare_first,
                        struct bench_latency *ours, struct bench_latency *bare)
{
    if (bare_first && bench_hops_paced(t->hops, rate, ms, bare) != 0)
        return -1;
    if (bench_paced(t->port, rate, ms, ours) != 0)
        return -1;
    return bare_first ? 0 : bench_hops_paced(t->hops, rate, ms, bare);
}

static int measure(struct trip *t, const struct lac_bench_case *self, size_t rounds, double scale)
{
    double ours[2][LAC_BENCH_ROUNDS_MAX], bare[2][LAC_BENCH_ROUNDS_MAX];
    struct bench_latency a, b;
    uint32_t ms = (uint32_t)(ROUND_MS * scale);
    char name[64];
    double rate;

    if (choose_rate(t, self->name, scale, &rate) != 0)
        return -1;
    if (measure_both(t, rate, ms, false, &a, &b) != 0) /* warm */
        return -1;
    for (size_t i = 0; i < rounds; i++) {
        if (measure_both(t, rate, ms, i % 2, &a, &b) != 0)
            return -1;
        fprintf(stderr, "%s: p50 %.0f us, p99 %.0f us; bare p50 %.0f us, p99 %.0f us\n", self->name,
                a.p50_us, a.p99_us, b.p50_us, b.p99_us);
        ours[0][i] = 1e6 / a.p50_us;
        ours[1][i] = 1e6 / a.p99_us;
        bare[0][i] = 1e6 / b.p50_us;
        bare[1][i] = 1e6 / b.p99_us;
    }
    snprintf(name, sizeof(name), "%s.p99", self->name);
    lac_bench_note("rate", rate);
    lac_bench_report(self->name, "two-hop echo, librdkafka", "1/p50 in 1/s", ours[0], bare[0],
                     rounds);
    lac_bench_note("rate", rate);
    lac_bench_report(name, "two-hop echo, librdkafka", "1/p99 in 1/s", ours[1], bare[1], rounds);
    return 0;
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct trip *t = calloc(1, sizeof(*t));
    size_t rounds = o->rounds ? o->rounds : ROUNDS;
    int rc = -1;

    if (!t)
        return -1;
    t->brokers = o->brokers;
    if (start(t) == 0)
        rc = measure(t, self, rounds > LAC_BENCH_ROUNDS_MAX ? LAC_BENCH_ROUNDS_MAX : rounds,
                     o->scale);
    end(t);
    free(t);
    return rc;
}

LAC_BENCH_CASES({"bridge.roundtrip", "brokers", run});
