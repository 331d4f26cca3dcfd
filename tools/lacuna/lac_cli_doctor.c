/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong, and what to do about it. Each check is a line: ok, warn or fail, what was
 * found, and for the last two what helps. A check never stops those after it.
 */
#include "lac_cli.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lac_cli_pack_topic.h"
#include "lac_cli_readers.h"
#include "lac_clock.h"
#include "lac_digest.h"
#include "lac_encode_store.h"
#include "lac_engine.h"
#include "lac_file.h"
#include "lac_head.h"
#include "lac_http_client.h"
#include "lac_json.h"
#include "lac_kafka.h"
#include "lac_pack.h"
#include "lac_pg_migrate.h"
#include "lac_record.h"
#include "lac_registry.h"
#include "lac_topics.h"

enum {
    ASK_MS = 5000,
    SKEW_MS = 2000,     /* event times and deadlines are off by this much */
    FILES_LEAST = 4096, /* connections of a bridge, and librdkafka's */
    DISK_LEAST_MIB = 256,
    DAY_MS = 86400000,
    LAG_MOST = 100000, /* records: a worker's work of seconds */
    KEY_MOST = 4096,   /* as lacuna-classify */
};

enum verdict { OK, WARN, FAIL };

struct doctor {
    const struct lac_tool *t;
    struct lac_buf out;
    struct lac_json_writer w;
    bool json;
    size_t count[3];
};

/* One line. `todo` is a sentence, "" when nothing is to be done. */
static void say(struct doctor *d, enum verdict v, const char *name, const char *todo,
                const char *fmt, ...) LAC_PRINTF(5, 6);

static void say(struct doctor *d, enum verdict v, const char *name, const char *todo,
                const char *fmt, ...)
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
        lac_json_put_text(&d->w, v == OK || !*todo ? NULL : todo);
        lac_json_close_object(&d->w);
        return;
    }
    lac_term_put(&d->t->out, &d->out, styles[v], words[v]);
    lac_buf_printf(&d->out, "%*s%-20s %s\n", (int)(6 - strlen(words[v])), "", name, what);
    if (v != OK && *todo)
        lac_buf_printf(&d->out, "%*s-> %s\n", 27, "", todo);
    (void)lac_term_flush(&d->t->out, &d->out); /* each line as soon as it is known */
}

static void check_configuration(struct doctor *d)
{
    struct lac_kafka_options o;
    struct lac_err err;
    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    const char *path = lac_conf_path(d->t->conf);

    lac_kafka_options_from_conf(&o, d->t->conf);
    if (lac_kafka_options_check(&o, &err) != LAC_OK ||
        lac_cli_topic_names(d->t->conf, names, &err) != LAC_OK)
        say(d, FAIL, "configuration", "Correct the setting.", "%s", err.text);
    else if (o.ssl_insecure)
        say(d, WARN, "configuration", "Give kafka.ssl_ca_file the brokers' CA and set it to false.",
            "kafka.ssl_insecure: brokers' certificates need not be checked");
    else
        say(d, OK, "configuration", "", "%s", path ? path : "no file: defaults and environment");
}

/* The encoder of the pack's head, where workers look for it. What was pushed may have another. */
static void check_model(struct doctor *d, const struct lac_head *head)
{
    const char *what = lac_conf_text(d->t->conf, "classify.model");
    const char *mode = lac_conf_text(d->t->conf, "classify.semantic");
    char hex[2 * LAC_ENCODE_HASH_SIZE + 1], store[PATH_MAX];
    struct lac_encode_model *model = NULL;
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    struct lac_err err = {0};

    if (strcmp(mode, "off") == 0 || !head) {
        say(d, OK, "model", "", "none is needed: %s",
            head ? "classify.semantic is off" : "the pack has not learned anything");
        return;
    }
    lac_hex_encode(hex, lac_head_model_hash(head), LAC_ENCODE_HASH_SIZE);
    if (!lac_encode_store_folder(store, lac_conf_text(d->t->conf, "model.store")) ||
        lac_encode_store_open(&model, store, *what ? what : hex, &err) != LAC_OK ||
        lac_encode_model_hash(model, hash, &err) != LAC_OK)
        say(d, strcmp(mode, "required") == 0 ? FAIL : WARN, "model",
            "Put it on each machine with lacuna-classify: without it decisions are stricter.",
            "%.*s: %s", LAC_STR_FMT(lac_head_model_name(head)),
            err.text[0] ? err.text : "model.store is too long");
    else if (memcmp(hash, lac_head_model_hash(head), sizeof(hash)) != 0)
        say(d, WARN, "model", "Train the pack with it, or correct classify.model.",
            "classify.model is not the pack's, %.*s: it counts as missing",
            LAC_STR_FMT(lac_head_model_name(head)));
    else
        say(d, OK, "model", "", "%.*s", LAC_STR_FMT(lac_head_model_name(head)));
    lac_encode_model_close(model);
}

static void check_pack(struct doctor *d)
{
    const char *path = lac_conf_text(d->t->conf, "pack.path");
    struct lac_pack *pack;
    struct lac_err err;
    struct lac_str name;

    if (lac_pack_open(&pack, path, &err) != LAC_OK) {
        say(d, FAIL, "pack", "Correct the pack; workers refuse to start with it.", "%s", err.text);
        return;
    }
    name = lac_pack_name(pack);
    say(d, OK, "pack", "", "%.*s, version %" PRIu64 "%s%s", LAC_STR_FMT(name),
        lac_pack_version(pack), *path ? ", " : "", path);
    check_model(d, lac_pack_head(pack));
    lac_pack_close(pack);
}

static void check_key(struct doctor *d)
{
    const char *path = lac_conf_text(d->t->conf, "commitment.key_file");
    struct lac_err err;
    struct lac_buf key;
    struct stat st;

    lac_buf_init(&key, KEY_MOST);
    if (!*path)
        say(d, WARN, "commitment key",
            "Make one, keep it safe and set commitment.key_file to it: "
            "(umask 077; head -c 32 /dev/urandom >commitment.key)",
            "not set here; lacuna-classify refuses to start without one");
    else if (lac_file_read(path, &key, &err) != LAC_OK)
        say(d, FAIL, "commitment key", "Give this user the file, or correct the setting.", "%s",
            err.text);
    else if (key.len < LAC_ENGINE_COMMITMENT_FILE_MIN)
        say(d, FAIL, "commitment key", "Make one: head -c 32 /dev/urandom.",
            "%s has %zu bytes; lacuna-classify asks for %d", path, key.len,
            LAC_ENGINE_COMMITMENT_FILE_MIN);
    else if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
        say(d, WARN, "commitment key", "chmod 0600 it: who reads it can guess texts.",
            "%s can be read by others (mode %04o)", path, st.st_mode & 07777);
    else
        say(d, OK, "commitment key", "", "%s", path);
    if (key.ptr)
        lac_digest_wipe(key.ptr, key.len);
    lac_buf_deinit(&key);
}

/* ---- Kafka ---- */

/* What the cluster says about the topics of the table. */
struct topics_found {
    size_t missing, broken, fewer;
    char (*names)[LAC_TOPIC_NAME_SIZE]; /* of each */
    struct lac_buf missing_names;
};

static void look_at_topic(struct doctor *d, const struct lac_kafka_cluster_info *info, unsigned i,
                          struct topics_found *f)
{
    const struct lac_kafka_topic_info *topic = lac_kafka_cluster_topic(info, f->names[i]);

    if (!topic) {
        lac_buf_printf(&f->missing_names, "%s%s", f->missing++ ? ", " : "", f->names[i]);
        return;
    }
    f->broken += topic->leaderless > 0;
    f->fewer += topic->replicas < (int32_t)lac_conf_number(d->t->conf, "kafka.replication_factor");
}

static void put_time(char out[32], int64_t ms)
{
    if (ms < 0)
        (void)snprintf(out, 32, "for ever");
    else
        (void)snprintf(out, 32, ms % DAY_MS ? "for %g h" : "for %g d",
                       (double)ms / (ms % DAY_MS ? 3600e3 : DAY_MS));
}

/* Compacted, a topic of requests forgets some of them; deleted by time, one of packs all. */
static bool check_keeping(struct doctor *d, const struct lac_topic *want,
                          const struct lac_kafka_topic_settings *have)
{
    bool thrown_away = strcmp(want->cleanup, "delete") == 0;
    char keeps[32], table[32];

    if (!have->cleanup[0])
        return true; /* a user who may not ask, or a broker that can't tell */
    put_time(keeps, have->retention_ms);
    put_time(table, want->retention_ms);
    if (strcmp(have->cleanup, want->cleanup) != 0)
        say(d, FAIL, "topics", "Set it: what is thrown away by that policy is lost.",
            "%s has cleanup.policy=%s, and needs %s", have->name, have->cleanup, want->cleanup);
    else if (thrown_away && have->retention_ms >= 0 &&
             (want->retention_ms < 0 || have->retention_ms < want->retention_ms))
        say(d, WARN, "topics", "Raise retention.ms: what nobody has read by then is lost.",
            "%s keeps records %s, the table says %s", have->name, keeps, table);
    else if (thrown_away && want->text && want->retention_ms >= 0 &&
             (have->retention_ms < 0 || have->retention_ms > want->retention_ms))
        say(d, WARN, "topics", "Lower retention.ms, or be sure that texts may lie there so long.",
            "%s keeps texts %s, the table says %s", have->name, keeps, table);
    else
        return true;
    return false;
}

static bool check_settings(struct doctor *d, struct lac_kafka_admin *admin,
                           const struct topics_found *f)
{
    struct lac_kafka_topic_settings settings[LAC_TOPIC_COUNT];
    struct lac_err err;
    bool good = true;

    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        settings[i] = (struct lac_kafka_topic_settings){.name = f->names[i]};
    /* Where the broker doesn't tell, as that of `lacuna dev`, nothing is known to be wrong. */
    if (lac_kafka_admin_topic_settings(admin, settings, LAC_TOPIC_COUNT, ASK_MS, &err) != LAC_OK)
        return true;
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        good = check_keeping(d, &lac_topics[i], &settings[i]) && good;
    return good;
}

static void say_topics(struct doctor *d, const struct topics_found *f, size_t brokers, bool good)
{
    if (f->missing)
        say(d, FAIL, "topics",
            "Run `lacuna topics create`; if they are there, let this user describe them (ACL).",
            "%zu of %d are missing: %s", f->missing, LAC_TOPIC_COUNT,
            lac_buf_cstr((struct lac_buf *)&f->missing_names));
    if (f->broken)
        say(d, FAIL, "topics", "Look at the brokers: partitions without a leader can't be used.",
            "%zu have partitions without a leader", f->broken);
    if (f->fewer)
        say(d, WARN, "topics", "Raise their replication, or lower kafka.replication_factor.",
            "%zu have fewer copies than kafka.replication_factor says", f->fewer);
    if (good && !f->missing && !f->broken && !f->fewer)
        say(d, OK, "topics", "", "%d, on %zu broker%s", LAC_TOPIC_COUNT, brokers,
            brokers == 1 ? "" : "s");
}

static void check_topics(struct doctor *d, struct lac_kafka_admin *admin,
                         char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE])
{
    struct lac_kafka_cluster_info info;
    struct topics_found f = {.names = names};
    struct lac_err err;

    if (lac_kafka_admin_cluster(admin, ASK_MS, &info, &err) != LAC_OK) {
        say(d, FAIL, "topics", "See above.", "%s", err.text);
        return;
    }
    lac_buf_init(&f.missing_names, (size_t)LAC_TOPIC_COUNT * (LAC_TOPIC_NAME_SIZE + 2));
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        look_at_topic(d, &info, i, &f);
    say_topics(d, &f, info.broker_count, check_settings(d, admin, &f));
    lac_buf_deinit(&f.missing_names);
    lac_kafka_cluster_info_deinit(&info);
}

/* Kafka tells no time; how far its readers are behind says more, and whether there are any. */
static void check_readers(struct doctor *d, struct lac_kafka_admin *admin,
                          const struct lac_kafka_options *o, enum lac_topic_id id)
{
    const char *name = lac_topics[id].name;
    struct lac_cli_readers r;
    struct lac_err err;
    enum lac_status status = lac_cli_readers_find(
        &r, admin, o, lac_conf_text(d->t->conf, "kafka.topic_prefix"), id, &err);

    if (status == LAC_AGAIN)
        return; /* its absence is said with the other topics */
    if (status != LAC_OK)
        say(d, WARN, name, "Let this user describe the topic and the group (ACL), or try again.",
            "how far %s is can't be told: %s", r.group, err.text);
    else if (r.waiting == 0)
        say(d, OK, name, "", "%s is up to date%s", r.group, r.members ? "" : "; none runs now");
    else if (r.never && r.members <= 0)
        say(d, WARN, name, "Start its workers.", "%" PRId64 " record%s and %s has never read any",
            r.waiting, r.waiting == 1 ? " waits" : "s wait", r.group);
    else if (r.members == 0)
        say(d, WARN, name, "Start its workers.", "%" PRId64 " record%s and no %s runs", r.waiting,
            r.waiting == 1 ? " waits" : "s wait", r.group);
    else
        say(d, r.waiting > LAG_MOST ? WARN : OK, name, "Start more workers, or wait.",
            "%" PRId64 " record%s for %s", r.waiting, r.waiting == 1 ? " waits" : "s wait",
            r.group);
}

/* ---- pushed packs ---- */

static void say_push(struct doctor *d, const struct lac_cli_pushes *p,
                     const struct lac_cli_push *one, int64_t now_ms)
{
    static const char *const trusts[] = {"signed by", "not signed", "signed by the unknown key",
                                         "with a wrong signature, as if by"};
    bool expired = one->has_expires && one->expires <= now_ms;
    char share[32] = "";

    if (one->share)
        snprintf(share, sizeof(share), ", %s of %g %%", lac_control_role_name(one->role),
                 one->share / 10000.0);
    say(d, one->trust == LAC_CLI_TRUSTED && !expired ? OK : WARN, "pushed pack",
        expired ? "Push it again: who has it goes on with it, new workers don't take it."
                : "Sign packs (`lacuna pack push --key`), and set pack.signers.",
        "%s version %" PRId64 "%s, %s%s%s%s", p->name, one->version, share, trusts[one->trust],
        one->signer[0] ? " " : "", one->signer, expired ? ", expired" : "");
}

/* A refused push that is newer than what counts: somebody thinks that it counts. */
static void say_refused(struct doctor *d, const struct lac_cli_pushes *p, int64_t above)
{
    size_t refused = 0;

    for (size_t i = 0; i < p->count; i++)
        refused += !p->at[i].accepted && p->at[i].version > above;
    if (refused)
        say(d, FAIL, "pushed packs",
            "See `lacuna pack active --all`; add the signer to pack.signers if you know it.",
            "%zu newer than what counts, and workers refuse %s", refused,
            refused == 1 ? "it" : "them");
    if (p->malformed)
        say(d, WARN, "pushed packs", "Look who writes there: only `lacuna pack push` should.",
            "%zu records of %s can't be read", p->malformed, p->topic);
}

static void check_pushed(struct doctor *d)
{
    int64_t now_ms = lac_clock_wall_ms();
    const struct lac_cli_push *current;
    struct lac_cli_pushes p;
    struct lac_err err;

    if (lac_cli_pushes_init(&p, d->t) >= 0) { /* which has said why, on stderr */
        say(d, FAIL, "pushed packs", "Correct pack.name and pack.signers.", "can't be judged");
    } else if (lac_cli_pushes_read(&p, NULL, 0, &err) != LAC_OK) {
        say(d, FAIL, "pushed packs", "See above.", "%s", err.text);
    } else if (!p.no_topic) { /* its absence is said with the other topics */
        current = lac_cli_pushes_active(&p, LAC_CONTROL_CURRENT, now_ms);
        if (!current)
            say(d, OK, "pushed packs", "", "none is in force: workers use pack.path");
        for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
            const struct lac_cli_push *one =
                lac_cli_pushes_active(&p, (enum lac_control_role)i, now_ms);

            if (one)
                say_push(d, &p, one, now_ms);
        }
        say_refused(d, &p, current ? current->version : 0);
    }
    lac_cli_pushes_deinit(&p);
}

/* By what librdkafka says of the connection; its words for a cause begin with where it is. */
static const char *cure_of_kafka(const char *why)
{
    static const struct {
        const char *words;
        const char *cure;
    } cures[] = {
        {"SASL", "Set kafka.sasl_mechanism, kafka.sasl_username and kafka.sasl_password to what "
                 "the broker knows."},
        {"certificate", "Set kafka.ssl_ca_file to the authority of the brokers' certificates, and "
                        "kafka.bootstrap_servers to a name that they hold."},
        {"SSL", "Set kafka.security_protocol to what this listener speaks, and kafka.ssl_ca_file."},
        {"security.protocol", "Set kafka.security_protocol to what this listener speaks."},
        {"esolve", "Correct the host in kafka.bootstrap_servers, or its entry in the DNS."},
        {"Connect to", "Start Kafka, or set kafka.bootstrap_servers (and "
                       "kafka.security_protocol)."},
    };

    for (size_t i = 0; i < LAC_COUNT(cures); i++)
        if (strstr(why, cures[i].words))
            return cures[i].cure;
    return "Set kafka.security_protocol to what this listener speaks; else a firewall may swallow "
           "connections, or Kafka be stuck: look into its log.";
}

static void check_kafka(struct doctor *d)
{
    const char *servers = lac_conf_text(d->t->conf, "kafka.bootstrap_servers");
    char id[LAC_KAFKA_CLUSTER_ID_SIZE] = "", names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    struct lac_kafka_admin *admin;
    struct lac_kafka_options o;
    struct lac_err err;

    lac_kafka_options_from_conf(&o, d->t->conf);
    if (lac_kafka_admin_open(&admin, &o, &err) != LAC_OK) {
        say(d, FAIL, "kafka", "Correct the kafka.* settings.", "%s", err.text);
        return;
    }
    if (lac_kafka_admin_cluster_id(admin, ASK_MS, id, &err) != LAC_OK) {
        say(d, FAIL, "kafka", cure_of_kafka(err.text), "%s", err.text);
    } else {
        say(d, OK, "kafka", "", "%s, cluster %s", servers, id);
    }
    /* What is wrong with the names is said with the configuration. */
    if (id[0] && lac_cli_topic_names(d->t->conf, names, &err) == LAC_OK) {
        check_topics(d, admin, names);
        check_pushed(d);
        check_readers(d, admin, &o, LAC_TOPIC_REQUESTS);
        check_readers(d, admin, &o, LAC_TOPIC_REQUESTS_INTERACTIVE);
        check_readers(d, admin, &o, LAC_TOPIC_LINEAGE);
    }
    lac_kafka_admin_close(admin);
}

/* ---- Postgres ---- */

static void check_clock(struct doctor *d, struct lac_pg *pg)
{
    int64_t before = lac_clock_wall_us(), there, here, skew_ms;
    struct lac_pg_rows *rows;
    struct lac_err err;

    if (lac_pg_query(pg, &rows, "SELECT clock_timestamp()", NULL, 0, &err) != LAC_OK) {
        say(d, FAIL, "clock", "Look into Postgres' log, and try again.", "%s", err.text);
        return;
    }
    here = before + (lac_clock_wall_us() - before) / 2; /* half way of the round trip */
    there = lac_pg_cell_time_us(rows, 0, 0);
    lac_pg_rows_free(rows);
    skew_ms = (there - here) / 1000;
    if (skew_ms > SKEW_MS || skew_ms < -SKEW_MS)
        say(d, WARN, "clock", "Set both clocks by NTP: deadlines and months depend on them.",
            "Postgres' clock is %.1f s %s ours", (double)llabs(skew_ms) / 1000.0,
            skew_ms > 0 ? "ahead of" : "behind");
    else
        say(d, OK, "clock", "", "within %lld ms of Postgres'", llabs(skew_ms) + 1);
}

/* What lacuna-sink needs of this user, who may be another one. False: decisions can't be read. */
static bool check_rights(struct doctor *d, struct lac_pg *pg)
{
    static const char ask[] =
        "SELECT (current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery())::int,"
        " (has_table_privilege('decisions', 'INSERT')"
        " AND has_table_privilege('decision_conflict', 'INSERT')"
        " AND has_table_privilege('sink_offset', 'INSERT')"
        " AND has_table_privilege('sink_offset', 'UPDATE')"
        " AND has_function_privilege('lacuna_make_partitions(integer)', 'EXECUTE'))::int,"
        " (has_table_privilege('decisions_default', 'SELECT')"
        " AND has_table_privilege('decision_conflict', 'SELECT'))::int";
    struct lac_pg_rows *rows;
    struct lac_err err;
    bool readable;

    if (lac_pg_query(pg, &rows, ask, NULL, 0, &err) != LAC_OK) {
        say(d, WARN, "rights", "Look into Postgres' log, and try again.", "%s", err.text);
        return false;
    }
    if (lac_pg_cell_int(rows, 0, 0))
        say(d, FAIL, "rights",
            "Set postgres.url to the primary (target_session_attrs=read-write), or end "
            "default_transaction_read_only.",
            "the database is read-only: lacuna-sink waits");
    else if (!lac_pg_cell_int(rows, 0, 1))
        say(d, WARN, "rights", "If lacuna-sink is to use this user: GRANT lacuna_writer TO it.",
            "this user can't write decisions");
    else
        say(d, OK, "rights", "", "decisions can be written");
    readable = lac_pg_cell_int(rows, 0, 2) != 0;
    lac_pg_rows_free(rows);
    return readable;
}

static const char *connect_todo(int code)
{
    switch (code) {
    case LAC_PG_SQLSTATE('5', '3', '3', '0', '0'):
        return "End clients that are idle, or raise max_connections.";
    case LAC_PG_SQLSTATE('2', '8', 'P', '0', '1'):
    case LAC_PG_SQLSTATE('2', '8', '0', '0', '0'):
        return "Correct the user in postgres.url and postgres.password, or pg_hba.conf.";
    case LAC_PG_SQLSTATE('3', 'D', '0', '0', '0'):
        return "Make the database (createdb), or correct postgres.url.";
    default:
        return "Start Postgres, or set postgres.url.";
    }
}

static void check_partitions(struct doctor *d, struct lac_pg *pg)
{
    struct lac_pg_rows *rows;
    struct lac_err err;
    int64_t stray;

    if (lac_pg_query(pg, &rows,
                     "SELECT (SELECT count(*) FROM (SELECT 1 FROM decisions_default LIMIT 1000) x),"
                     " (SELECT count(*) FROM decision_conflict)",
                     NULL, 0, &err) != LAC_OK) {
        say(d, WARN, "decisions", "Look into Postgres' log, and try again.", "%s", err.text);
        return;
    }
    stray = lac_pg_cell_int(rows, 0, 0);
    if (stray > 0)
        say(d, WARN, "decisions",
            "Their clients' clocks are wrong, or the sink can't make partitions: see its log.",
            "%" PRId64 "%s rows are in no month's partition", stray,
            stray == 1000 ? " or more" : "");
    if (lac_pg_cell_int(rows, 0, 1) > 0)
        say(d, WARN, "decisions",
            "Deciding is deterministic: look at table decision_conflict, and at who writes.",
            "%" PRId64 " decisions contradict stored ones", lac_pg_cell_int(rows, 0, 1));
    if (stray == 0 && lac_pg_cell_int(rows, 0, 1) == 0)
        say(d, OK, "decisions", "", "no contradictions, all in their month's partition");
    lac_pg_rows_free(rows);
}

static void check_postgres(struct doctor *d)
{
    struct lac_pg_options o;
    struct lac_err err;
    struct lac_pg *pg;
    char url[1024];
    struct lac_buf b;
    int version;

    lac_cli_postgres_options(d->t->conf, &o);
    o.statement_timeout_ms = ASK_MS;
    lac_buf_init_fixed(&b, url, sizeof(url));
    lac_conf_put_masked(&b, lac_str_from(o.url));
    if (lac_pg_connect(&pg, &o, &err) != LAC_OK) {
        say(d, FAIL, "postgres", connect_todo(err.code), "%s: %s", lac_buf_cstr(&b), err.text);
        return;
    }
    version = lac_pg_server_version(pg);
    say(d, version >= 130000 ? OK : FAIL, "postgres", "Version 13 or newer is needed.",
        "%s, version %d.%d", lac_buf_cstr(&b), version / 10000, version % 10000);
    if (lac_pg_schema_check(pg, &err) != LAC_OK) {
        say(d, FAIL, "schema",
            err.code == LAC_PG_SQLSTATE('4', '2', '5', '0', '1')
                ? "GRANT lacuna_writer TO this user; lacuna_reader to who only reads."
                : "Run `lacuna migrate`, of the newest version that is in use.",
            "%s", err.text);
    } else {
        say(d, OK, "schema", "", "this version's");
        if (check_rights(d, pg))
            check_partitions(d, pg);
    }
    check_clock(d, pg);
    lac_pg_close(pg);
}

/* ---- registry and machine ---- */

static void check_registry(struct doctor *d)
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
        say(d, FAIL, "registry", "Set registry.url to the address alone.", "its URL is too long");
        return;
    }
    if (lac_http_client_new(&client, &o, &err) != LAC_OK) {
        say(d, FAIL, "registry", "Check registry.ssl_ca_file, .username and .password_file.", "%s",
            err.text);
        return;
    }
    lac_buf_init_fixed(&shown, memory, sizeof(memory)); /* what people paste into reports */
    lac_conf_put_masked(&shown, lac_str_from(r.url));
    lac_buf_init(&body, 4 << 20);
    if (lac_http_client_send(client, &call, &err) != LAC_OK || status != 200)
        say(d, FAIL, "registry",
            "Start it, or set registry.url, .username, .password_file and .ssl_ca_file.",
            "%.*s: %s%.0u%s%s", LAC_STR_FMT(lac_buf_str(&shown)),
            status ? "it answers with HTTP status " : err.text, status,
            moved_to[0] ? " and points to " : "", moved_to);
    else
        say(d, OK, "registry", "", "%.*s", LAC_STR_FMT(lac_buf_str(&shown)));
    lac_buf_deinit(&body);
    lac_http_client_free(client);
}

static void check_machine(struct doctor *d)
{
    const char *dir = lac_conf_text(d->t->conf, "state.dir");
    struct rlimit files, space;
    struct statvfs fs;
    struct stat st;
    uint64_t mib;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        say(d, files.rlim_cur >= FILES_LEAST ? OK : WARN, "open files",
            "Raise it: ulimit -n 65536, or LimitNOFILE= in the unit.",
            "at most %llu by this user's processes", (unsigned long long)files.rlim_cur);
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        say(d, WARN, "address space",
            "Remove ulimit -v or LimitAS=; MemoryMax= in the unit limits memory.",
            "%llu MiB, and a program that gets no thread ends in the middle of its work",
            (unsigned long long)(space.rlim_cur >> 20));
    if (stat(dir, &st) != 0) {
        say(d, WARN, "state.dir", "Programs make it at their start, if they may.", "%s: %s", dir,
            lac_errno_text(errno));
        return;
    }
    if (access(dir, W_OK) != 0) {
        say(d, FAIL, "state.dir", "Give it to the user that the programs run as.", "%s: %s", dir,
            lac_errno_text(errno));
        return;
    }
    if (statvfs(dir, &fs) != 0)
        return;
    mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    say(d, mib >= DISK_LEAST_MIB ? OK : WARN, "state.dir", "Make room on that file system.",
        "%s, %" PRIu64 " MiB free", dir, mib);
}

static int examine(const struct lac_tool *t, bool json)
{
    struct doctor d = {.t = t, .json = json};
    int status;

    lac_buf_init(&d.out, 1 << 20);
    lac_json_begin(&d.w, &d.out);
    if (json)
        lac_json_open_array(&d.w);
    check_configuration(&d);
    check_pack(&d);
    check_key(&d);
    check_kafka(&d);
    check_registry(&d);
    check_postgres(&d);
    check_machine(&d);
    if (json) {
        lac_json_close_array(&d.w);
        lac_buf_put_char(&d.out, '\n');
    } else {
        lac_buf_printf(&d.out, "\n%zu ok, %zu to look at, %zu wrong\n", d.count[OK], d.count[WARN],
                       d.count[FAIL]);
    }
    status = lac_cli_flush(t, &d.out);
    lac_buf_deinit(&d.out);
    return lac_cli_verdict(status, d.count[FAIL] ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK);
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
