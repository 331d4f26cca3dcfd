/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.tool: `lacuna scan` over a source tree, all rules, from the start of the process to its end,
 * against ripgrep looking for one literal in the same tree. The tree is this project's own C code,
 * COPIES times; both have it in the page cache.
 */
#include "lac_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_err.h"

enum {
    COPIES = 20,
    ROUNDS = 7,
    OPEN_MAX = 32,
    COPY_BYTES = 1 << 16,
    WORDS_MAX = 16,
    ENVIRONMENT_MAX = 256
};

struct tree {
    char root[64];
    char program[PATH_MAX + 16];
    uint64_t bytes;
};

/* nftw() has no context. */
static struct {
    char to[PATH_MAX];
    size_t skip; /* bytes of a source path that its copy does not have */
    uint64_t bytes;
    bool failed;
} copying;

static bool copy_file(const char *from, const char *to, uint64_t *bytes)
{
    char block[COPY_BYTES];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n = -1;

    while (in >= 0 && out >= 0 && (n = read(in, block, sizeof(block))) > 0 &&
           write(out, block, (size_t)n) == n)
        *bytes += (uint64_t)n;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return n == 0;
}

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char to[2 * PATH_MAX];
    const char *dot = strrchr(path, '.');

    (void)st;
    (void)ftw;
    snprintf(to, sizeof(to), "%s%s", copying.to, path + copying.skip);
    if (type == FTW_D)
        copying.failed = mkdir(to, 0700) != 0 && errno != EEXIST;
    else if (type == FTW_F && dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0))
        copying.failed = !copy_file(path, to, &copying.bytes);
    return copying.failed;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

static void tree_close(struct tree *t)
{
    if (t->root[0])
        (void)nftw(t->root, remove_one, OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}

static bool tree_open(struct tree *t, double scale)
{
    static const char *const folders[] = {"common", "producers", "workers", "tools", "tests"};
    int copies = (int)(COPIES * scale) > 0 ? (int)(COPIES * scale) : 1;
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    snprintf(t->root, sizeof(t->root), "/tmp/lacuna-bench-scan-XXXXXX");
    if (n <= 0 || !mkdtemp(t->root)) {
        t->root[0] = '\0';
        return false;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(t->program, sizeof(t->program), "%s/lacuna", self);
    copying.bytes = 0;
    copying.skip = strlen(LAC_BENCH_SOURCE);
    for (int i = 0; i < copies; i++) {
        snprintf(copying.to, sizeof(copying.to), "%s/%d", t->root, i);
        if (mkdir(copying.to, 0700) != 0)
            return false;
        for (size_t k = 0; k < LAC_COUNT(folders); k++) {
            char from[PATH_MAX];

            snprintf(from, sizeof(from), "%s/%s", LAC_BENCH_SOURCE, folders[k]);
            copying.failed = false;
            if (nftw(from, copy_one, OPEN_MAX, FTW_PHYS) != 0 || copying.failed)
                return false;
        }
    }
    t->bytes = copying.bytes;
    return t->bytes > 0;
}

/* What this program has been told is no setting of another one, which would say so. */
static char **environment_of_others(char *out[ENVIRONMENT_MAX + 1])
{
    size_t n = 0;

    for (char **e = environ; *e && n < ENVIRONMENT_MAX; e++)
        if (strncmp(*e, "LACUNA_BENCH_", strlen("LACUNA_BENCH_")) != 0)
            out[n++] = *e;
    out[n] = NULL;
    return out;
}

/* MB/s of a program that looks at the whole tree; 0 and 1 are good ends, nothing and something
 * found. */
static double rate(const struct tree *t, const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    char *words[WORDS_MAX + 1] = {NULL}, *environment[ENVIRONMENT_MAX + 1];
    uint64_t begun = lac_clock_mono_ns();
    int status = 0, failed;
    pid_t pid;

    for (size_t i = 0; argv[i] && i < WORDS_MAX; i++)
        memcpy(&words[i], &argv[i], sizeof(*words)); /* posix_spawn does not write to them */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    failed = posix_spawnp(&pid, argv[0], &actions, NULL, words, environment_of_others(environment));
    posix_spawn_file_actions_destroy(&actions);
    if (failed) {
        fprintf(stderr, "scan.tool: %s can't be run: %s\n", argv[0], lac_errno_text(failed));
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fprintf(stderr, "scan.tool: %s failed\n", argv[0]);
        return -1;
    }
    return (double)t->bytes * 1e3 / (double)(lac_clock_mono_ns() - begun);
}

static double rate_lacuna(void *ctx)
{
    const struct tree *t = ctx;
    const char *const argv[] = {t->program, "scan", "--quiet", t->root, NULL};

    return rate(t, argv);
}

static double rate_ripgrep(void *ctx)
{
    const struct tree *t = ctx;
    const char *const argv[] = {"rg",    "--no-config", "--fixed-strings", "aws_secret_access_key",
                                t->root, NULL};

    return rate(t, argv);
}

static int run_tool(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct tree t = {.root = ""};
    int result = -1;

    if (!tree_open(&t, o->scale)) {
        fprintf(stderr, "%s: can't copy the tree: %s\n", self->name, lac_errno_text(errno));
    } else {
        struct lac_bench_pair pair = {
            self->name, "ripgrep, one literal", "MB/s", rate_lacuna, rate_ripgrep, &t, ROUNDS};

        result = lac_bench_run_pair(&pair, o);
    }
    tree_close(&t);
    return result;
}

LAC_BENCH_CASES({"scan.tool", NULL, run_tool});
