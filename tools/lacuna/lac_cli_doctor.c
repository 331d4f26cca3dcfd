/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong, and what to do about it. Each check is a line: ok, warn or fail, what was
 * found, and for the last two what helps. A check never stops those after it.
 */
#include "lac_cli_doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_encode_store.h"
#include "lac_engine.h"
#include "lac_file.h"
#include "lac_head.h"
#include "lac_http_client.h"
#include "lac_kafka.h"
#include "lac_pack.h"
#include "lac_registry.h"

enum {
    FILES_LEAST = 4096, /* connections of a bridge, and librdkafka's */
    DISK_LEAST_MIB = 256,
    KEY_MOST = 4096, /* as lacuna-classify */
};

void lac_cli_doctor_say(struct lac_cli_doctor *d, enum lac_cli_doctor_verdict v, const char *name,
                        const char *todo, const char *fmt, ...)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    static const enum lac_style styles[] = {LAC_STYLE_GOOD, LAC_STYLE_NOTE, LAC_STYLE_BAD};
    char what[1024];
    va_list args;

    va_start(args, fmt);
    /* clang 16 loses track of va_start() here; it is just above. */
    vsnprintf(what, sizeof(what), fmt, args); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(args);
    d->count[v]++;
    if (d->json) {
        lac_json_open_object(&d->w);
        lac_json_key(&d->w, "check");
        lac_json_put_text(&d->w, name);
        lac_json_key(&d->w, "verdict");
        lac_json_put_text(&d->w, words[v]);
        lac_json_key(&d->w, "found");
        lac_json_put_text(&d->w, what);
        lac_json_key(&d->w, "todo");
        lac_json_put_text(&d->w, v == LAC_CLI_OK || !*todo ? NULL : todo);
        lac_json_close_object(&d->w);
        return;
    }
    lac_term_put(&d->t->out, &d->out, styles[v], words[v]);
    lac_buf_printf(&d->out, "%*s%-20s %s\n", (int)(6 - strlen(words[v])), "", name, what);
    if (v != LAC_CLI_OK && *todo)
        lac_buf_printf(&d->out, "%*s-> %s\n", 27, "", todo);
    (void)lac_term_flush(&d->t->out, &d->out); /* each line as soon as it is known */
}

static void check_configuration(struct lac_cli_doctor *d)
{
    struct lac_kafka_options o;
    struct lac_err err;
    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    const char *path = lac_conf_path(d->t->conf);

    lac_kafka_options_from_conf(&o, d->t->conf);
    if (lac_kafka_options_check(&o, &err) != LAC_OK ||
        lac_cli_topic_names(d->t->conf, names, &err) != LAC_OK)
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "configuration", "Correct the setting.", "%s",
                           err.text);
    else if (o.ssl_insecure)
        lac_cli_doctor_say(d, LAC_CLI_WARN, "configuration",
                           "Give kafka.ssl_ca_file the brokers' CA and set it to false.",
                           "kafka.ssl_insecure: brokers' certificates need not be checked");
    else
        lac_cli_doctor_say(d, LAC_CLI_OK, "configuration", "", "%s",
                           path ? path : "no file: defaults and environment");
}

/* The encoder of the pack's head, where workers look for it. What was pushed may have another. */
static void check_model(struct lac_cli_doctor *d, const struct lac_head *head)
{
    const char *what = lac_conf_text(d->t->conf, "classify.model");
    const char *mode = lac_conf_text(d->t->conf, "classify.semantic");
    char hex[2 * LAC_ENCODE_HASH_SIZE + 1], store[PATH_MAX];
    struct lac_encode_model *model = NULL;
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    struct lac_err err = {0};

    if (strcmp(mode, "off") == 0 || !head) {
        lac_cli_doctor_say(d, LAC_CLI_OK, "model", "", "none is needed: %s",
                           head ? "classify.semantic is off" : "the pack has not learned anything");
        return;
    }
    lac_hex_encode(hex, lac_head_model_hash(head), LAC_ENCODE_HASH_SIZE);
    if (!lac_encode_store_folder(store, lac_conf_text(d->t->conf, "model.store")) ||
        lac_encode_store_open(&model, store, *what ? what : hex, &err) != LAC_OK ||
        lac_encode_model_hash(model, hash, &err) != LAC_OK)
        lac_cli_doctor_say(
            d, strcmp(mode, "required") == 0 ? LAC_CLI_FAIL : LAC_CLI_WARN, "model",
            "Put it on each machine with lacuna-classify: without it decisions are stricter.",
            "%.*s: %s", LAC_STR_FMT(lac_head_model_name(head)),
            err.text[0] ? err.text : "model.store is too long");
    else if (memcmp(hash, lac_head_model_hash(head), sizeof(hash)) != 0)
        lac_cli_doctor_say(d, LAC_CLI_WARN, "model",
                           "Train the pack with it, or correct classify.model.",
                           "classify.model is not the pack's, %.*s: it counts as missing",
                           LAC_STR_FMT(lac_head_model_name(head)));
    else
        lac_cli_doctor_say(d, LAC_CLI_OK, "model", "", "%.*s",
                           LAC_STR_FMT(lac_head_model_name(head)));
    lac_encode_model_close(model);
}

static void check_pack(struct lac_cli_doctor *d)
{
    const char *path = lac_conf_text(d->t->conf, "pack.path");
    struct lac_pack *pack;
    struct lac_err err;
    struct lac_str name;

    if (lac_pack_open(&pack, path, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "pack",
                           "Correct the pack; workers refuse to start with it.", "%s", err.text);
        return;
    }
    name = lac_pack_name(pack);
    lac_cli_doctor_say(d, LAC_CLI_OK, "pack", "", "%.*s, version %" PRIu64 "%s%s",
                       LAC_STR_FMT(name), lac_pack_version(pack), *path ? ", " : "", path);
    check_model(d, lac_pack_head(pack));
    lac_pack_close(pack);
}

static void check_key(struct lac_cli_doctor *d)
{
    const char *path = lac_conf_text(d->t->conf, "commitment.key_file");
    struct lac_err err;
    struct lac_buf key;
    struct stat st;

    lac_buf_init(&key, KEY_MOST);
    if (!*path)
        lac_cli_doctor_say(d, LAC_CLI_WARN, "commitment key",
                           "Make one, keep it safe and set commitment.key_file to it: "
                           "(umask 077; head -c 32 /dev/urandom >commitment.key)",
                           "not set here; lacuna-classify refuses to start without one");
    else if (lac_file_read(path, &key, &err) != LAC_OK)
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "commitment key",
                           "Give this user the file, or correct the setting.", "%s", err.text);
    else if (key.len < LAC_ENGINE_COMMITMENT_FILE_MIN)
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "commitment key", "Make one: head -c 32 /dev/urandom.",
                           "%s has %zu bytes; lacuna-classify asks for %d", path, key.len,
                           LAC_ENGINE_COMMITMENT_FILE_MIN);
    else if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
        lac_cli_doctor_say(d, LAC_CLI_WARN, "commitment key",
                           "chmod 0600 it: who reads it can guess texts.",
                           "%s can be read by others (mode %04o)", path, st.st_mode & 07777);
    else
        lac_cli_doctor_say(d, LAC_CLI_OK, "commitment key", "", "%s", path);
    if (key.ptr)
        lac_digest_wipe(key.ptr, key.len);
    lac_buf_deinit(&key);
}

/* ---- registry and machine ---- */

static void check_registry(struct lac_cli_doctor *d)
{
    const struct lac_registry_options r = lac_registry_options_from_conf(d->t->conf);
    struct lac_http_client_options o = {
        .total_ms = r.timeout_ms,
        .ca_file = *r.ca_file ? r.ca_file : NULL,
        .username = *r.username ? r.username : NULL,
        .password = *r.username ? r.password : NULL,
    };
    size_t len = strlen(r.url);
    char full[1024], memory[2048], moved_to[256];
    struct lac_http_client *client;
    struct lac_buf body, shown;
    struct lac_err err = {0};
    unsigned status = 0;
    struct lac_http_call call = {.url = full,
                                 .into = &body,
                                 .status = &status,
                                 .moved_to = moved_to,
                                 .moved_to_size = sizeof(moved_to)};

    while (len > 0 && r.url[len - 1] == '/') /* as programs do */
        len--;
    if (len == 0)
        return;
    if (snprintf(full, sizeof(full), "%.*s/subjects", (int)len, r.url) >= (int)sizeof(full)) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "registry", "Set registry.url to the address alone.",
                           "its URL is too long");
        return;
    }
    if (lac_http_client_new(&client, &o, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "registry",
                           "Check registry.ssl_ca_file, .username and .password_file.", "%s",
                           err.text);
        return;
    }
    lac_buf_init_fixed(&shown, memory, sizeof(memory)); /* what people paste into reports */
    lac_conf_put_masked(&shown, lac_str_from(r.url));
    lac_buf_init(&body, 4 << 20);
    if (lac_http_client_send(client, &call, &err) != LAC_OK || status != 200)
        lac_cli_doctor_say(
            d, LAC_CLI_FAIL, "registry",
            "Start it, or set registry.url, .username, .password_file and .ssl_ca_file.",
            "%.*s: %s%.0u%s%s", LAC_STR_FMT(lac_buf_str(&shown)),
            status ? "it answers with HTTP status " : err.text, status,
            moved_to[0] ? " and points to " : "", moved_to);
    else
        lac_cli_doctor_say(d, LAC_CLI_OK, "registry", "", "%.*s", LAC_STR_FMT(lac_buf_str(&shown)));
    lac_buf_deinit(&body);
    lac_http_client_free(client);
}

static void check_machine(struct lac_cli_doctor *d)
{
    const char *dir = lac_conf_text(d->t->conf, "state.dir");
    struct rlimit files, space;
    struct statvfs fs;
    struct stat st;
    uint64_t mib;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        lac_cli_doctor_say(d, files.rlim_cur >= FILES_LEAST ? LAC_CLI_OK : LAC_CLI_WARN,
                           "open files", "Raise it: ulimit -n 65536, or LimitNOFILE= in the unit.",
                           "at most %llu by this user's processes",
                           (unsigned long long)files.rlim_cur);
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        lac_cli_doctor_say(
            d, LAC_CLI_WARN, "address space",
            "Remove ulimit -v or LimitAS=; MemoryMax= in the unit limits memory.",
            "%llu MiB, and a program that gets no thread ends in the middle of its work",
            (unsigned long long)(space.rlim_cur >> 20));
    if (stat(dir, &st) != 0) {
        lac_cli_doctor_say(d, LAC_CLI_WARN, "state.dir",
                           "Programs make it at their start, if they may.", "%s: %s", dir,
                           lac_errno_text(errno));
        return;
    }
    if (access(dir, W_OK) != 0) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "state.dir",
                           "Give it to the user that the programs run as.", "%s: %s", dir,
                           lac_errno_text(errno));
        return;
    }
    if (statvfs(dir, &fs) != 0)
        return;
    mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    lac_cli_doctor_say(d, mib >= DISK_LEAST_MIB ? LAC_CLI_OK : LAC_CLI_WARN, "state.dir",
                       "Make room on that file system.", "%s, %" PRIu64 " MiB free", dir, mib);
}

static int examine(const struct lac_tool *t, bool json)
{
    struct lac_cli_doctor d = {.t = t, .json = json};
    int status;

    lac_buf_init(&d.out, 1 << 20);
    lac_json_begin(&d.w, &d.out);
    if (json)
        lac_json_open_array(&d.w);
    check_configuration(&d);
    check_pack(&d);
    check_key(&d);
    lac_cli_doctor_kafka(&d);
    check_registry(&d);
    lac_cli_doctor_postgres(&d);
    check_machine(&d);
    if (json) {
        lac_json_close_array(&d.w);
        lac_buf_put_char(&d.out, '\n');
    } else {
        lac_buf_printf(&d.out, "\n%zu ok, %zu to look at, %zu wrong\n", d.count[LAC_CLI_OK],
                       d.count[LAC_CLI_WARN], d.count[LAC_CLI_FAIL]);
    }
    status = lac_cli_flush(t, &d.out);
    lac_buf_deinit(&d.out);
    return lac_cli_verdict(status, d.count[LAC_CLI_FAIL] ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK);
}

int lac_cli_doctor(int argc, char **argv)
{
    bool json = false;
    const struct lac_args_option options[] = {
        {'j', "json", LAC_ARGS_SWITCH, &json, NULL, "As a JSON array", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna doctor",
        .usage = "[OPTION]...",
        .summary = "Look at everything Lacuna needs: what is wrong, and what to do about it.",
        .details =
            "Checks settings, pack, keys, Kafka and its topics, the registry, Postgres, its\n"
            "schema and clock, and this machine. Changes nothing.",
        .examples = "  lacuna doctor\n"
                    "  lacuna --dev doctor\n"
                    "  lacuna doctor -c /etc/lacuna/lacuna.conf --json\n",
        .negative = "something is wrong",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = examine(&t, json);
    lac_tool_close(&t);
    return status;
}
