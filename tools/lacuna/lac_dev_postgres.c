/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private Postgres: found among the installed versions, made with initdb at the first start,
 * reachable only through a socket in a folder of its own, run by somebody else when we are
 * root, because Postgres refuses root.
 */
#include "lac_dev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_env.h"
#include "lac_file.h"
#include "lac_pg_migrate.h"

enum {
    OLDEST = 13,           /* the oldest version that its makers still mend */
    SOCKET_PATH_MAX = 107, /* of the system */
    INITDB_MS = 60000,
    START_MS = 60000, /* recovery after a crash included */
};

static int fail(struct lac_dev *d, const char *what, const char *todo)
{
    return lac_tool_fail(d->t, LAC_EXIT_DEPENDENCY, what, todo);
}

static bool has_programs(const char *folder)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/initdb", folder) < (int)sizeof(path) &&
           access(path, X_OK) == 0 &&
           snprintf(path, sizeof(path), "%s/postgres", folder) < (int)sizeof(path) &&
           access(path, X_OK) == 0;
}

/* Major version of the cluster, 0 when there is none. */
static unsigned cluster_version(const struct lac_dev *d)
{
    char path[PATH_MAX + 16], text[16] = "";
    uint64_t version = 0;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "%s/PG_VERSION", d->postgres_dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0 || !lac_str_to_u64((struct lac_str){text, strspn(text, "0123456789")}, &version))
        return 0;
    return (unsigned)version;
}

/* The programs of version `want` (0: the newest) below `root`/VERSION`tail`. */
static unsigned search(struct lac_dev *d, const char *root, const char *prefix, unsigned want)
{
    DIR *dir = opendir(root);
    const struct dirent *entry;
    unsigned best = 0;

    while (dir && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): one thread */
        char folder[PATH_MAX];
        uint64_t version;

        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
            !lac_str_to_u64(lac_str_from(entry->d_name + strlen(prefix)), &version) ||
            version < OLDEST || version > 99 || (want && version != want) || version <= best ||
            snprintf(folder, sizeof(folder), "%s/%s/bin", root, entry->d_name) >=
                (int)sizeof(folder) ||
            !has_programs(folder))
            continue;
        best = (unsigned)version;
        snprintf(d->pg_bin, sizeof(d->pg_bin), "%s", folder);
    }
    if (dir)
        closedir(dir);
    return best;
}

/* Debian, Red Hat's and the makers' own places, then PATH. */
static int find_programs(struct lac_dev *d)
{
    unsigned want = cluster_version(d);
    char what[200], list[4096];
    const char *path = lac_env("PATH");

    if (search(d, "/usr/lib/postgresql", "", want) || search(d, "/usr", "pgsql-", want))
        return -1;
    snprintf(list, sizeof(list), "%s:/usr/local/pgsql/bin", path ? path : "");
    for (char *rest, *folder = strtok_r(list, ":", &rest); folder && !want;
         folder = strtok_r(NULL, ":", &rest)) {
        if (has_programs(folder)) {
            snprintf(d->pg_bin, sizeof(d->pg_bin), "%s", folder);
            return -1;
        }
    }
    if (want) {
        snprintf(what, sizeof(what), "the data was made by Postgres %u, which is not installed",
                 want);
        return fail(d, what, "Install that version, or start afresh with --data DIR.");
    }
    return fail(d, "Postgres is not installed",
                "Install it: apt-get install postgresql (or run tools/setup).");
}

/* Root's Postgres runs as postgres, where there is one, else as nobody; an existing cluster
 * keeps its owner. */
static int choose_user(struct lac_dev *d)
{
    const struct passwd *user;
    struct stat st;
    char what[200];

    if (geteuid() != 0) {
        d->pg_uid = geteuid();
        d->pg_gid = getegid();
        return -1;
    }
    if (stat(d->postgres_dir, &st) == 0 && st.st_uid != 0) {
        d->pg_uid = st.st_uid;
        d->pg_gid = st.st_gid;
        return -1;
    }
    user = getpwnam("postgres"); /* NOLINT(concurrency-mt-unsafe): librdkafka asks no users */
    if (!user)
        user = getpwnam("nobody"); /* NOLINT(concurrency-mt-unsafe) */
    if (!user || user->pw_uid == 0) {
        snprintf(what, sizeof(what), "there is no user postgres or nobody to run Postgres as");
        return fail(d, what, "Postgres refuses to run as root: start `lacuna dev` as a user.");
    }
    d->pg_uid = user->pw_uid;
    d->pg_gid = user->pw_gid;
    return -1;
}

/* Whether that user can get into the folder: every one above it must let others pass. */
static int check_way(struct lac_dev *d)
{
    char path[LAC_DEV_PATH_MAX], what[LAC_DEV_PATH_MAX + 200];

    if (geteuid() != 0)
        return -1;
    snprintf(path, sizeof(path), "%s", d->data);
    for (char *end = path + strlen(path); end > path; end = strrchr(path, '/')) {
        struct stat st;
        mode_t bit = S_IXOTH;

        *end = '\0';
        if (stat(path[0] ? path : "/", &st) != 0)
            break;
        if (st.st_uid == d->pg_uid)
            bit = S_IXUSR;
        else if (st.st_gid == d->pg_gid)
            bit = S_IXGRP;
        if (st.st_mode & bit)
            continue;
        snprintf(what, sizeof(what), "Postgres can't run as root, and user %u can't get into %s",
                 (unsigned)d->pg_uid, path);
        return fail(d, what,
                    "Choose a folder that others can pass with --data DIR, or allow it: "
                    "chmod o+x on that folder.");
    }
    return -1;
}

/* An existing or new folder that belongs to Postgres alone. */
static bool own_folder(const struct lac_dev *d, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    return chown(path, d->pg_uid, d->pg_gid) == 0 && chmod(path, 0700) == 0;
}

static int choose_socket(struct lac_dev *d)
{
    char what[PATH_MAX + 100];
    struct lac_buf url;

    snprintf(d->socket_dir, sizeof(d->socket_dir), "%s/run", d->data);
    if (strlen(d->socket_dir) + sizeof("/.s.PGSQL.5432") > SOCKET_PATH_MAX) {
        snprintf(d->socket_dir, sizeof(d->socket_dir), "/tmp/lacuna-dev.XXXXXX");
        if (!mkdtemp(d->socket_dir))
            d->socket_dir[0] = '\0';
        d->socket_is_temporary = d->socket_dir[0] != '\0';
    }
    if (!d->socket_dir[0] || !own_folder(d, d->socket_dir)) {
        snprintf(what, sizeof(what), "%s: %s", d->socket_dir, lac_errno_text(errno));
        return fail(d, what, "Choose another folder with --data DIR.");
    }
    lac_buf_init_fixed(&url, d->postgres_url, sizeof(d->postgres_url) - 1);
    lac_buf_put_text(&url, "postgresql://lacuna@/lacuna?host=");
    for (const char *c = d->socket_dir; *c; c++) {
        if (strchr("/-_.", *c) || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
            (*c >= 'A' && *c <= 'Z'))
            lac_buf_put_char(&url, *c);
        else
            lac_buf_printf(&url, "%%%02X", (unsigned char)*c);
    }
    d->postgres_url[url.len] = '\0';
    return -1;
}

int lac_dev_prepare_postgres(struct lac_dev *d)
{
    int status;

    snprintf(d->postgres_dir, sizeof(d->postgres_dir), "%s/postgres", d->data);
    status = find_programs(d);
    if (status < 0)
        status = choose_user(d);
    if (status < 0)
        status = check_way(d);
    if (status < 0)
        status = choose_socket(d);
    return status;
}

/* A child of Postgres' own programs. */
static void fill_child(struct lac_dev *d, struct lac_child *c, const char *program)
{
    static const size_t last = LAC_CHILD_ARGS_MAX - 1;

    c->argv[0] = program;
    c->argv[last] = NULL;
    c->envp = d->envp;
    c->log_path = d->log_paths[LAC_DEV_POSTGRES];
    c->change_user = geteuid() == 0;
    c->uid = d->pg_uid;
    c->gid = d->pg_gid;
    c->death_signal = SIGINT; /* Postgres' fast shutdown */
    c->echo = d->o->verbose;
}

/* Into a folder beside, renamed when it is complete: an interrupted one leaves no half cluster. */
static int make_cluster(struct lac_dev *d)
{
    struct lac_child c;
    char program[PATH_MAX + 16], fresh[PATH_MAX + 8], what[LAC_CHILD_TAIL_BYTES + 200], ended[100];
    struct lac_err err;
    uint64_t end = lac_clock_mono_ms() + INITDB_MS;

    snprintf(program, sizeof(program), "%s/initdb", d->pg_bin);
    snprintf(fresh, sizeof(fresh), "%s.new", d->postgres_dir);
    lac_file_remove_tree(fresh);
    if (!own_folder(d, fresh)) {
        snprintf(what, sizeof(what), "%.3000s: %s", fresh, lac_errno_text(errno));
        return fail(d, what, NULL);
    }
    lac_child_init(&c, "initdb");
    fill_child(d, &c, program);
    static const char *const args[] = {"-A",   "trust",           "-U", "lacuna", "-E",
                                       "UTF8", "--locale=C.UTF-8"};
    c.argv[1] = "-D";
    c.argv[2] = fresh;
    for (size_t i = 0; i < LAC_COUNT(args); i++)
        c.argv[3 + i] = args[i];
    if (lac_child_start(&c, &err) != LAC_OK)
        return fail(d, err.text, NULL);
    while (!lac_child_reap(&c)) {
        lac_child_drain(&c);
        if (!lac_dev_pump(d, 20) || lac_clock_mono_ms() > end)
            lac_child_signal(&c, SIGKILL, true);
    }
    if (d->stop || (c.exit_status == 0 && rename(fresh, d->postgres_dir) == 0)) {
        lac_child_close(&c);
        return d->stop ? LAC_EXIT_SIGNAL : -1;
    }
    lac_child_describe(&c, ended, sizeof(ended));
    snprintf(what, sizeof(what), "initdb %s\n%s", ended, lac_child_last_lines(&c, 8));
    lac_child_close(&c);
    lac_file_remove_tree(fresh);
    return fail(d, what, "Its messages are above.");
}

/* Whether process `pid` is a Postgres that works in our folder. */
static bool is_ours(const struct lac_dev *d, pid_t pid)
{
    char link[64], cwd[PATH_MAX];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
    n = readlink(link, cwd, sizeof(cwd) - 1);
    if (n <= 0)
        return false;
    cwd[n] = '\0';
    return strcmp(cwd, d->postgres_dir) == 0;
}

/*
 * A supervisor that was killed leaves a Postgres that is just shutting down, or its pid file.
 * Postgres trusts the file when any process has that number; we hold the folder's lock, so only
 * one that works in our folder counts: it is waited for, then ended.
 */
static int clear_stale(struct lac_dev *d)
{
    char path[PATH_MAX + 32], text[32] = "";
    uint64_t pid = 0, begun = lac_clock_mono_ms();
    int fd;

    snprintf(path, sizeof(path), "%s/postmaster.pid", d->postgres_dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (read(fd, text, sizeof(text) - 1) <= 0)
        text[0] = '\0';
    close(fd);
    if (!lac_str_to_u64((struct lac_str){text, strspn(text, "0123456789")}, &pid) || pid == 0 ||
        pid > INT_MAX)
        pid = 0;
    for (int asked = 0; pid && is_ours(d, (pid_t)pid);) {
        uint64_t waited = lac_clock_mono_ms() - begun;

        if (waited > 20000)
            return fail(d, "an old Postgres does not end in the data folder",
                        "Look at the process in postgres/postmaster.pid there.");
        if (waited > 3000 && asked == 0)
            asked = kill((pid_t)pid, SIGINT) == 0 ? 1 : 2;
        else if (waited > 8000 && asked == 1)
            asked = kill((pid_t)pid, SIGQUIT) == 0 ? 2 : 3;
        if (!lac_dev_pump(d, 50))
            return LAC_EXIT_SIGNAL;
    }
    (void)unlink(path);
    return -1;
}

/* Connects to database `name`, waiting while the server starts. */
static int connect_to(struct lac_dev *d, const char *name, struct lac_pg **pg)
{
    char url[sizeof(d->postgres_url)], what[LAC_CHILD_TAIL_BYTES + 700];
    struct lac_pg_options o = {.url = url,
                               .application = "lacuna dev",
                               .connect_timeout_ms = 2000,
                               .statement_timeout_ms = 60000};
    uint64_t end = lac_clock_mono_ms() + START_MS;
    struct lac_err err;

    snprintf(url, sizeof(url), "postgresql://lacuna@/%s%s", name, strchr(d->postgres_url, '?'));
    while (lac_pg_connect(pg, &o, &err) != LAC_OK) {
        if (err.status != LAC_RETRY || lac_clock_mono_ms() > end ||
            !d->parts[LAC_DEV_POSTGRES].pid) {
            snprintf(what, sizeof(what), "Postgres does not start: %s\n%s", err.text,
                     lac_child_last_lines(&d->parts[LAC_DEV_POSTGRES], 8));
            return fail(d, what, NULL);
        }
        if (!lac_dev_pump(d, 15))
            return d->stop ? LAC_EXIT_SIGNAL : LAC_EXIT_DEPENDENCY;
    }
    return -1;
}

static int make_database(struct lac_dev *d)
{
    struct lac_pg_rows *rows;
    struct lac_pg *pg;
    struct lac_err err;
    enum lac_status status;
    bool there;
    int exit_status = connect_to(d, "postgres", &pg);

    if (exit_status >= 0)
        return exit_status;
    status = lac_pg_query(pg, &rows, "SELECT 1::int FROM pg_database WHERE datname = 'lacuna'",
                          NULL, 0, &err);
    if (status == LAC_OK) {
        there = lac_pg_rows_count(rows) > 0;
        lac_pg_rows_free(rows);
        if (!there)
            status = lac_pg_exec(pg, "CREATE DATABASE lacuna", &err);
    }
    lac_pg_close(pg);
    return status == LAC_OK ? -1 : lac_tool_dependency(d->t, &err, NULL);
}

static int migrate(struct lac_dev *d)
{
    size_t count;
    const struct lac_pg_migration *all = lac_pg_migrations(&count);
    struct lac_err err;
    int exit_status = connect_to(d, "lacuna", &d->pg);

    if (exit_status >= 0)
        return exit_status;
    if (lac_pg_migrate(d->pg, all, count, NULL, NULL, NULL, &err) != LAC_OK)
        return lac_tool_dependency(d->t, &err,
                                   "The data may be of a newer version: start afresh with "
                                   "--data DIR.");
    return -1;
}

int lac_dev_start_postgres(struct lac_dev *d)
{
    static char program[PATH_MAX + 16], socket[PATH_MAX + 32];
    static const char *const settings[] = {
        "listen_addresses=",        "unix_socket_permissions=0700",
        "shared_buffers=32MB",      "max_connections=40",
        "max_wal_size=256MB",       "logging_collector=off",
        "log_min_messages=warning", "log_statement=none"};
    struct lac_child *c = &d->parts[LAC_DEV_POSTGRES];
    struct lac_err err;
    int status = cluster_version(d) ? -1 : make_cluster(d), n = 0;

    if (status < 0)
        status = clear_stale(d);
    if (status >= 0)
        return status;
    snprintf(program, sizeof(program), "%s/postgres", d->pg_bin);
    snprintf(socket, sizeof(socket), "unix_socket_directories=%s", d->socket_dir);
    fill_child(d, c, program);
    c->argv[++n] = "-D";
    c->argv[++n] = d->postgres_dir;
    c->argv[++n] = "-c";
    c->argv[++n] = socket;
    for (size_t i = 0; i < LAC_COUNT(settings); i++) {
        c->argv[++n] = "-c";
        c->argv[++n] = settings[i];
    }
    c->argv[++n] = NULL;
    if (lac_child_start(c, &err) != LAC_OK)
        return fail(d, err.text, NULL);
    d->health[LAC_DEV_POSTGRES].wanted = true;
    status = make_database(d);
    return status < 0 ? migrate(d) : status;
}
