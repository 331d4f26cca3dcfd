/* SPDX-License-Identifier: Apache-2.0 */
#include "pg_fixture.h"

#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_clock.h"

static bool find_programs(char out[256])
{
    glob_t g;
    bool found = false;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &g) == 0 && g.gl_pathc > 0) {
        const char *last = g.gl_pathv[g.gl_pathc - 1];

        found = snprintf(out, 256, "%.*s", (int)(strrchr(last, '/') - last), last) < 256;
    }
    globfree(&g);
    return found;
}

/* Only in a child: becomes somebody whom Postgres accepts. */
static void drop_root(void)
{
    const struct passwd *p = geteuid() == 0 ? getpwnam("nobody") : NULL;

    if (p && (setgroups(0, NULL) || setgid(p->pw_gid) || setuid(p->pw_uid)))
        _exit(126);
}

static pid_t spawn(const struct pg_fixture *f, const char *program, char *argv[])
{
    char path[512], log[128];
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/%s", f->bin, program);
    (void)snprintf(log, sizeof(log), "%s/log", f->folder);
    pid = fork();
    LAC_ASSERT(pid >= 0);
    if (pid == 0) {
        drop_root();
        (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
        if (chdir("/") || !freopen(log, "a", stdout) || dup2(1, 2) < 0)
            _exit(126);
        /* Postgres finds its other files from where it was called: a bare name means PATH. */
        argv[0] = path;
        execv(path, argv);
        _exit(127);
    }
    return pid;
}

static void launch(struct pg_fixture *f)
{
    char data[96], sock[128];
    char *argv[] = {(char[]){"postgres"},
                    (char[]){"-D"},
                    data,
                    (char[]){"-c"},
                    (char[]){"listen_addresses="},
                    (char[]){"-c"},
                    sock,
                    (char[]){"-c"},
                    (char[]){"fsync=off"},
                    (char[]){"-c"},
                    (char[]){"shared_buffers=32MB"},
                    NULL};
    struct lac_pg *pg = NULL;
    struct lac_err err = {0};
    uint64_t deadline = lac_clock_mono_ms() + 30000;
    struct lac_pg_options o = {.url = pg_fixture_url(f, "postgres")};

    (void)snprintf(data, sizeof(data), "%s/data", f->folder);
    (void)snprintf(sock, sizeof(sock), "unix_socket_directories=%s", f->sock);
    f->postmaster = spawn(f, "postgres", argv);
    while (lac_pg_connect(&pg, &o, &err) != LAC_OK) {
        if (lac_clock_mono_ms() > deadline) {
            fprintf(stderr, "Postgres did not start: %s\n", err.text);
            abort();
        }
        lac_clock_sleep_ms(20);
    }
    lac_pg_close(pg);
}

static void make_folder(struct pg_fixture *f)
{
    const struct passwd *p = geteuid() == 0 ? getpwnam("nobody") : NULL;

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/lacuna-pg.XXXXXX");
    LAC_ASSERT(mkdtemp(f->folder));
    (void)snprintf(f->sock, sizeof(f->sock), "%s/sock", f->folder);
    LAC_ASSERT(mkdir(f->sock, 0700) == 0);
    if (p)
        LAC_ASSERT(chown(f->folder, p->pw_uid, p->pw_gid) == 0 &&
                   chown(f->sock, p->pw_uid, p->pw_gid) == 0);
}

bool pg_fixture_start(struct pg_fixture *f)
{
    char data[96];
    char *argv[] = {(char[]){"initdb"},
                    (char[]){"-D"},
                    data,
                    (char[]){"--no-sync"},
                    (char[]){"-A"},
                    (char[]){"trust"},
                    (char[]){"-U"},
                    (char[]){"lacuna"},
                    (char[]){"-E"},
                    (char[]){"UTF8"},
                    (char[]){"--locale=C.UTF-8"},
                    NULL};
    int status = 0;
    pid_t pid;

    *f = (struct pg_fixture){0};
    if (!find_programs(f->bin))
        return false;
    make_folder(f);
    (void)snprintf(data, sizeof(data), "%s/data", f->folder);
    pid = spawn(f, "initdb", argv);
    LAC_ASSERT(waitpid(pid, &status, 0) == pid);
    if (status != 0) {
        fprintf(stderr, "initdb failed: see %s/log\n", f->folder);
        abort();
    }
    launch(f);
    return true;
}

static void halt(struct pg_fixture *f)
{
    (void)kill(f->postmaster, SIGQUIT);
    (void)waitpid(f->postmaster, NULL, 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void pg_fixture_stop(struct pg_fixture *f)
{
    halt(f);
    (void)nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void pg_fixture_restart(struct pg_fixture *f)
{
    halt(f);
    launch(f);
}

const char *pg_fixture_url(const struct pg_fixture *f, const char *database)
{
    static char url[256];

    (void)snprintf(url, sizeof(url), "postgresql:///%s?host=%s&user=lacuna", database, f->sock);
    return url;
}

int64_t pg_fixture_number(struct lac_pg *pg, const char *sql)
{
    struct lac_pg_rows *rows = NULL;
    struct lac_err err = {0};
    int64_t n = INT64_MIN;

    if (lac_pg_query(pg, &rows, sql, NULL, 0, &err) == LAC_OK) {
        if (lac_pg_rows_count(rows) == 1)
            n = lac_pg_cell_int(rows, 0, 0);
        lac_pg_rows_free(rows);
    } else {
        fprintf(stderr, "%s: %s\n", sql, err.text);
    }
    return n;
}
