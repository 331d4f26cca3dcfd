/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_dev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli_model.h"
#include "lac_clock.h"
#include "lac_digest.h"
#include "lac_file.h"
#include "lac_topics.h"

static int fail_errno(struct lac_dev *d, const char *path)
{
    char what[PATH_MAX + 128];

    snprintf(what, sizeof(what), "%s: %s", path, lac_errno_text(errno));
    return lac_tool_fail(d->t, LAC_EXIT_FAILURE, what, "Choose another folder with --data DIR.");
}

static int choose_folder(struct lac_dev *d)
{
    char folder[PATH_MAX];

    if (d->o->data) {
        const char *base = d->o->data;

        if (base[0] == '/')
            snprintf(folder, sizeof(folder), "%s", base);
        else if (!getcwd(folder, sizeof(folder)))
            return fail_errno(d, "the current folder");
        else
            snprintf(folder + strlen(folder), sizeof(folder) - strlen(folder), "/%s", base);
    } else if (!lac_tool_dev_folder(folder)) {
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, "neither HOME nor XDG_DATA_HOME is set",
                             "Say where the data goes with --data DIR.");
    }
    if (strlen(folder) >= sizeof(d->data))
        return lac_tool_fail(d->t, LAC_EXIT_USAGE, "the data folder's path is too long",
                             "Choose a shorter one with --data DIR.");
    memcpy(d->data, folder, strlen(folder) + 1);
    /* Root's Postgres runs as another user, who must get through what is new. */
    if (!lac_file_make_folders(d->data, geteuid() == 0 ? strlen(d->data) : 0))
        return fail_errno(d, d->data);
    return -1;
}

/* One at a time in one folder. The kernel lets go of the lock when the process ends, however. */
static int take_lock(struct lac_dev *d)
{
    char path[PATH_MAX], pid[32] = "", what[PATH_MAX + 160];
    int n;

    snprintf(path, sizeof(path), "%s/lock", d->data);
    d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (d->lock_fd < 0)
        return fail_errno(d, path);
    if (lac_file_lock(d->lock_fd) != 0) {
        ssize_t got = pread(d->lock_fd, pid, sizeof(pid) - 1, 0);

        pid[got > 0 ? strcspn(pid, "\n") : 0] = '\0';
        close(d->lock_fd);
        d->lock_fd = -1;
        snprintf(what, sizeof(what), "another `lacuna dev` (process %s) is running in %s",
                 pid[0] ? pid : "unknown", d->data);
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, what,
                             "Stop it with Ctrl-C, or start a second one with --data DIR "
                             "--port N.");
    }
    n = snprintf(pid, sizeof(pid), "%d\n", getpid());
    if (ftruncate(d->lock_fd, 0) != 0 || pwrite(d->lock_fd, pid, (size_t)n, 0) != n)
        return fail_errno(d, path);
    return -1;
}

/* The key of the input commitments: a decision can be checked against its text only with it. */
static int make_key(struct lac_dev *d)
{
    unsigned char random[32];
    char path[PATH_MAX], text[2 * sizeof(random) + 1];
    bool written;
    int fd;

    snprintf(path, sizeof(path), "%s/commitment.key", d->data);
    if (access(path, R_OK) == 0)
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(d, path);
    lac_random_bytes(random, sizeof(random));
    lac_hex_encode(text, random, sizeof(random));
    written = lac_file_write_all(fd, text, sizeof(text) - 1) && fsync(fd) == 0;
    close(fd);
    lac_digest_wipe(random, sizeof(random));
    lac_digest_wipe(text, sizeof(text));
    if (written)
        return -1;
    (void)unlink(path); /* half a key is worse than none */
    return fail_errno(d, path);
}

/* Everything of ours but LACUNA_FAULT stays out: a LACUNA_POSTGRES_URL of production would
 * otherwise be where dev writes. */
static int copy_environment(struct lac_dev *d)
{
    size_t n = 0, kept = 0;

    while (environ[n])
        n++;
    d->envp = calloc(n + 1, sizeof(*d->envp));
    if (!d->envp)
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, "out of memory", NULL);
    for (size_t i = 0; i < n; i++) {
        bool ours =
            strncmp(environ[i], "LACUNA", 6) == 0 && strncmp(environ[i], "LACUNA_FAULT=", 13) != 0;
        bool other = strncmp(environ[i], "NOTIFY_SOCKET=", 14) == 0 ||
                     strncmp(environ[i], "WATCHDOG_", 9) == 0 ||
                     strncmp(environ[i], "PG", 2) == 0; /* PGDATA, PGHOST, PGOPTIONS ... */

        if (!ours && !other)
            d->envp[kept++] = environ[i];
    }
    return -1;
}

int lac_dev_open_folder(struct lac_dev *d)
{
    static const char *const folders[] = {"state", "log"};
    int status = choose_folder(d);

    if (status < 0)
        status = take_lock(d);
    for (size_t i = 0; status < 0 && i < LAC_COUNT(folders); i++) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", d->data, folders[i]);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            status = fail_errno(d, path);
    }
    snprintf(d->conf_path, sizeof(d->conf_path), "%s/lacuna.conf", d->data);
    if (status < 0)
        status = make_key(d);
    if (status < 0)
        status = copy_environment(d);
    return status;
}

void lac_dev_close_folder(struct lac_dev *d)
{
    if (d->lock_fd >= 0 && d->conf_path[0])
        (void)unlink(d->conf_path); /* its addresses lead nowhere any more */
    if (d->socket_is_temporary)
        (void)rmdir(d->socket_dir);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    free(d->envp);
}

/* Binds to the address for a moment. 0 as port finds a free one. */
static bool port_is_free(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof(a);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
         getsockname(fd, (struct sockaddr *)&a, &len) == 0;
    if (ok)
        *port = ntohs(a.sin_port);
    if (fd >= 0)
        close(fd);
    return ok;
}

static int mock_partitions(enum lac_topic_id id)
{
    uint32_t n = lac_topics[id].partitions;

    if (id == LAC_TOPIC_CONTROL)
        return LAC_DEV_CONTROL_PARTITIONS;
    return (int)(n < LAC_DEV_PARTITIONS ? n : LAC_DEV_PARTITIONS);
}

static int make_mock(struct lac_dev *d)
{
    unsigned char random[6];
    char hex[2 * sizeof(random) + 1], name[LAC_TOPIC_NAME_SIZE];
    struct lac_err err;

    if (lac_kafka_mock_new(&d->mock, 1, &err) != LAC_OK)
        return lac_tool_dependency(d->t, &err, NULL);
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++) {
        if (!lac_topic_full_name(name, lac_conf_text(d->t->conf, "kafka.topic_prefix"),
                                 (enum lac_topic_id)i))
            return lac_tool_fail(d->t, LAC_EXIT_USAGE,
                                 "kafka.topic_prefix makes no legal topic name", NULL);
        if (lac_kafka_mock_topic(d->mock, name, mock_partitions((enum lac_topic_id)i), &err) !=
            LAC_OK)
            return lac_tool_dependency(d->t, &err, NULL);
    }
    /* Offsets begin at 0 again with every broker: without a new origin, new requests would get
     * the event ids of old ones. */
    lac_random_bytes(random, sizeof(random));
    lac_hex_encode(hex, random, sizeof(random));
    snprintf(d->origin, sizeof(d->origin), "dev-%s", hex);
    return -1;
}

/* A setting of dev's that a flag may override. */
static enum lac_status suggest(struct lac_dev *d, const char *name, const char *value,
                               struct lac_err *err)
{
    if (lac_conf_source(d->t->conf, name) != LAC_CONF_FROM_DEFAULT)
        return LAC_OK;
    return lac_conf_set(d->t->conf, name, value, err);
}

static enum lac_status set_kafka(struct lac_dev *d, struct lac_err *err)
{
    struct lac_conf *c = d->t->conf;
    enum lac_status status;

    if (d->o->brokers)
        return lac_conf_set(c, "kafka.bootstrap_servers", d->o->brokers, err);
    status = lac_conf_set(c, "kafka.bootstrap_servers", lac_kafka_mock_bootstrap(d->mock), err);
    if (status == LAC_OK)
        status = lac_conf_set(c, "kafka.origin", d->origin, err);
    /* The mock doesn't wake a waiting fetch when data comes. */
    if (status == LAC_OK)
        status = suggest(d, "kafka.fetch_wait_max_ms", "5", err);
    return status;
}

int lac_dev_open_kafka(struct lac_dev *d)
{
    struct lac_err err;
    size_t made = 0;
    int status = d->o->brokers ? -1 : make_mock(d);

    if (status >= 0)
        return status;
    if (set_kafka(d, &err) != LAC_OK)
        return lac_tool_fail(d->t, LAC_EXIT_USAGE, err.text, NULL);
    lac_kafka_options_from_conf(&d->kafka, d->t->conf);
    d->kafka.client_id = "lacuna-dev";
    if (lac_kafka_admin_open(&d->admin, &d->kafka, &err) != LAC_OK)
        return lac_tool_dependency(d->t, &err, NULL);
    if (!d->o->brokers)
        return -1;
    if (lac_cli_topics_create(d->t->conf, d->admin, 0, &made, &err) != LAC_OK)
        return lac_tool_dependency(d->t, &err, "Is --brokers right, and Kafka running there?");
    if (*lac_conf_text(d->t->conf, "kafka.origin"))
        snprintf(d->origin, sizeof(d->origin), "%s", lac_conf_text(d->t->conf, "kafka.origin"));
    else if (lac_kafka_admin_cluster_id(d->admin, LAC_CLI_ASK_MS, d->origin, &err) != LAC_OK)
        return lac_tool_dependency(d->t, &err, NULL);
    return -1;
}

/* The pages on which workers report their health, each on a free port. */
static int choose_ports(struct lac_dev *d)
{
    const char *listen = lac_conf_text(d->t->conf, "bridge.listen"), *colon;
    char what[160], local[32];
    struct lac_err err;
    uint64_t number = d->o->port;
    uint16_t port;

    if (number) {
        snprintf(local, sizeof(local), "127.0.0.1:%u", (unsigned)number);
        if (lac_conf_set(d->t->conf, "bridge.listen", local, &err) != LAC_OK)
            return lac_tool_fail(d->t, LAC_EXIT_USAGE, err.text, NULL);
        listen = local;
    }
    colon = strrchr(listen, ':');
    if (!colon || !lac_str_to_u64(lac_str_from(colon + 1), &number) || number < 1 ||
        number > UINT16_MAX)
        return lac_tool_fail(d->t, LAC_EXIT_USAGE, "bridge.listen is no HOST:PORT", NULL);
    port = (uint16_t)number;
    if (!port_is_free(&port)) {
        snprintf(what, sizeof(what), "port %u is taken: %s", port, lac_errno_text(errno));
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, what,
                             "Stop what listens there (`ss -ltnp` shows it), or choose another "
                             "port with --port N.");
    }
    snprintf(d->health[LAC_DEV_BRIDGE].url, sizeof(d->health[0].url), "http://%s/health/ready",
             listen);
    for (int part = LAC_DEV_CLASSIFY; part <= LAC_DEV_SINK; part++) {
        port = 0;
        if (!port_is_free(&port))
            return fail_errno(d, "no free port on 127.0.0.1");
        snprintf(d->health[part].url, sizeof(d->health[part].url),
                 "http://127.0.0.1:%u/health/ready", port);
        snprintf(d->health[part].flag, sizeof(d->health[part].flag),
                 "--metrics-listen=127.0.0.1:%u", port);
    }
    return -1;
}

/* Tier 2's encoder, where the store lacks it and tools/setup has fetched it: the workers look into
 * the store alone. */
static enum lac_status suggest_model(struct lac_dev *d, struct lac_err *err)
{
    char store[PATH_MAX], path[PATH_MAX];
    const char *hash = lac_cli_model_known(LAC_CLI_MODEL_FIRST)->hash;

    if (!lac_encode_store_folder(store, lac_conf_text(d->t->conf, "model.store")) ||
        lac_cli_model_where(store, hash, path) != path)
        return LAC_OK;
    return suggest(d, "classify.model", path, err);
}

int lac_dev_write_conf(struct lac_dev *d)
{
    char key[PATH_MAX], state[PATH_MAX];
    struct lac_conf *c = d->t->conf;
    struct lac_err err = {0};
    struct lac_buf b;
    enum lac_status status;
    int exit_status = choose_ports(d), fd;

    if (exit_status >= 0)
        return exit_status;
    snprintf(key, sizeof(key), "%s/commitment.key", d->data);
    snprintf(state, sizeof(state), "%s/state", d->data);
    status = lac_conf_set(c, "commitment.key_file", key, &err);
    if (status == LAC_OK)
        status = lac_conf_set(c, "state.dir", state, &err);
    if (status == LAC_OK)
        status = lac_conf_set(c, "postgres.url", d->postgres_url, &err);
    if (status == LAC_OK)
        status = suggest(d, "commitment.key_id", "dev", &err);
    if (status == LAC_OK)
        status = suggest(d, "instance.id", "dev", &err);
    if (status == LAC_OK)
        status = suggest(d, "classification.strategy", "balanced", &err);
    if (status == LAC_OK)
        status = suggest(d, "classify.delivery", "at-least-once", &err);
    if (status == LAC_OK)
        status = suggest(d, "classify.lanes", "1", &err);
    if (status == LAC_OK)
        status = suggest(d, "bridge.reply_partition", "0", &err);
    if (status == LAC_OK)
        status = suggest(d, "pack.require_signature", "false", &err);
    if (status == LAC_OK)
        status = suggest_model(d, &err);
    if (status != LAC_OK)
        return lac_tool_fail(d->t, LAC_EXIT_USAGE, err.text, NULL);
    lac_buf_init(&b, 1 << 20);
    lac_buf_put_text(&b, "# Made by `lacuna dev` at every start.\n");
    lac_conf_dump(c, &b, LAC_CONF_AS_FILE, false);
    (void)unlink(d->conf_path); /* an old one may belong to others or be readable by others */
    fd = open(d->conf_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !lac_buf_ok(&b) || !lac_file_write_all(fd, b.ptr, b.len))
        exit_status = fail_errno(d, d->conf_path);
    if (fd >= 0)
        close(fd);
    lac_buf_deinit(&b);
    return exit_status;
}
