/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna doctor` about Kafka: brokers, topics, readers, and the packs that were pushed. */
#include "lac_cli_doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lac_cli_pack_topic.h"
#include "lac_cli_readers.h"
#include "lac_cli_stamps.h"
#include "lac_clock.h"
#include "lac_kafka.h"
#include "lac_topics.h"

enum {
    DAY_MS = 86400000,
    LAG_MOST = 100000, /* records: a worker's work of seconds */
};

/* What the cluster says about the topics of the table. */
struct topics_found {
    size_t missing, broken, fewer;
    char (*names)[LAC_TOPIC_NAME_SIZE]; /* of each */
    struct lac_buf missing_names;
};

static void look_at_topic(struct lac_cli_doctor *d, const struct lac_kafka_cluster_info *info,
                          unsigned i, struct topics_found *f)
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
static bool check_keeping(struct lac_cli_doctor *d, const struct lac_topic *want,
                          const struct lac_kafka_topic_settings *have)
{
    bool thrown_away = strcmp(want->cleanup, "delete") == 0;
    char keeps[32], table[32];

    if (!have->cleanup[0])
        return true; /* a user who may not ask, or a broker that can't tell */
    put_time(keeps, have->retention_ms);
    put_time(table, want->retention_ms);
    if (strcmp(have->cleanup, want->cleanup) != 0)
        lac_cli_doctor_say(
            d, LAC_CLI_FAIL, "topics", "Set it: what is thrown away by that policy is lost.",
            "%s has cleanup.policy=%s, and needs %s", have->name, have->cleanup, want->cleanup);
    else if (thrown_away && have->retention_ms >= 0 &&
             (want->retention_ms < 0 || have->retention_ms < want->retention_ms))
        lac_cli_doctor_say(d, LAC_CLI_WARN, "topics",
                           "Raise retention.ms: what nobody has read by then is lost.",
                           "%s keeps records %s, the table says %s", have->name, keeps, table);
    else if (thrown_away && want->text && want->retention_ms >= 0 &&
             (have->retention_ms < 0 || have->retention_ms > want->retention_ms))
        lac_cli_doctor_say(d, LAC_CLI_WARN, "topics",
                           "Lower retention.ms, or be sure that texts may lie there so long.",
                           "%s keeps texts %s, the table says %s", have->name, keeps, table);
    else
        return true;
    return false;
}

/* Whose time records have, for the topics whose other kind does `harm`. */
static bool check_stamps(struct lac_cli_doctor *d, const struct lac_kafka_topic_settings *settings,
                         const char *have, const char *want, const char *harm)
{
    struct lac_buf names, todo;
    size_t n;

    lac_buf_init(&names, (size_t)LAC_TOPIC_COUNT * (LAC_TOPIC_NAME_SIZE + 1));
    lac_buf_init(&todo, (size_t)16 << 10);
    n = lac_cli_stamps_wrong(settings, have, &names);
    if (n > 0) {
        lac_cli_put_stamp_command(&todo, d->t->conf, lac_buf_str(&names), want);
        lac_cli_doctor_say(d, LAC_CLI_WARN, "topics", lac_buf_cstr(&todo),
                           "%zu of %d have message.timestamp.type=%s, and need %s: %s (%s)", n,
                           LAC_TOPIC_COUNT, have, want, harm, lac_buf_cstr(&names));
    }
    lac_buf_deinit(&names);
    lac_buf_deinit(&todo);
    return n == 0;
}

static bool check_settings(struct lac_cli_doctor *d, struct lac_kafka_admin *admin,
                           const struct topics_found *f)
{
    struct lac_kafka_topic_settings settings[LAC_TOPIC_COUNT];
    struct lac_err err;
    bool good = true;

    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        settings[i] = (struct lac_kafka_topic_settings){.name = f->names[i]};
    /* Where the broker doesn't tell, as that of `lacuna dev`, nothing is known to be wrong. */
    if (lac_kafka_admin_topic_settings(admin, settings, LAC_TOPIC_COUNT, LAC_CLI_DOCTOR_ASK_MS,
                                       &err) != LAC_OK)
        return true;
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        good = check_keeping(d, &lac_topics[i], &settings[i]) && good;
    good = check_stamps(d, settings, "CreateTime", "LogAppendTime",
                        "what a worker writes whose clock is wrong is refused, or removed early") &&
           good;
    return check_stamps(d, settings, "LogAppendTime", "CreateTime",
                        "who waits for a request's decision doesn't know its event id") &&
           good;
}

static void say_topics(struct lac_cli_doctor *d, const struct topics_found *f, size_t brokers,
                       bool good)
{
    if (f->missing)
        lac_cli_doctor_say(
            d, LAC_CLI_FAIL, "topics",
            "Run `lacuna topics create`; if they are there, let this user describe them (ACL).",
            "%zu of %d are missing: %s", f->missing, LAC_TOPIC_COUNT,
            lac_buf_cstr((struct lac_buf *)&f->missing_names));
    if (f->broken)
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "topics",
                           "Look at the brokers: partitions without a leader can't be used.",
                           "%zu have partitions without a leader", f->broken);
    if (f->fewer)
        lac_cli_doctor_say(d, LAC_CLI_WARN, "topics",
                           "Raise their replication, or lower kafka.replication_factor.",
                           "%zu have fewer copies than kafka.replication_factor says", f->fewer);
    if (good && !f->missing && !f->broken && !f->fewer)
        lac_cli_doctor_say(d, LAC_CLI_OK, "topics", "", "%d, on %zu broker%s", LAC_TOPIC_COUNT,
                           brokers, brokers == 1 ? "" : "s");
}

static void check_topics(struct lac_cli_doctor *d, struct lac_kafka_admin *admin,
                         char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE])
{
    struct lac_kafka_cluster_info info;
    struct topics_found f = {.names = names};
    struct lac_err err;

    if (lac_kafka_admin_cluster(admin, LAC_CLI_DOCTOR_ASK_MS, &info, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "topics", "See above.", "%s", err.text);
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
static void check_readers(struct lac_cli_doctor *d, struct lac_kafka_admin *admin,
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
        lac_cli_doctor_say(d, LAC_CLI_WARN, name,
                           "Let this user describe the topic and the group (ACL), or try again.",
                           "how far %s is can't be told: %s", r.group, err.text);
    else if (r.waiting == 0)
        lac_cli_doctor_say(d, LAC_CLI_OK, name, "", "%s is up to date%s", r.group,
                           r.members ? "" : "; none runs now");
    else if (r.never && r.members <= 0)
        lac_cli_doctor_say(d, LAC_CLI_WARN, name, "Start its workers.",
                           "%" PRId64 " record%s and %s has never read any", r.waiting,
                           r.waiting == 1 ? " waits" : "s wait", r.group);
    else if (r.members == 0)
        lac_cli_doctor_say(d, LAC_CLI_WARN, name, "Start its workers.",
                           "%" PRId64 " record%s and no %s runs", r.waiting,
                           r.waiting == 1 ? " waits" : "s wait", r.group);
    else
        lac_cli_doctor_say(d, r.waiting > LAG_MOST ? LAC_CLI_WARN : LAC_CLI_OK, name,
                           "Start more workers, or wait.", "%" PRId64 " record%s for %s", r.waiting,
                           r.waiting == 1 ? " waits" : "s wait", r.group);
}

static void say_push(struct lac_cli_doctor *d, const struct lac_cli_pushes *p,
                     const struct lac_cli_push *one, int64_t now_ms)
{
    static const char *const trusts[] = {"signed by", "not signed", "signed by the unknown key",
                                         "with a wrong signature, as if by"};
    bool expired = one->has_expires && one->expires <= now_ms;
    char share[32] = "";

    if (one->share)
        snprintf(share, sizeof(share), ", %s of %g %%", lac_control_role_name(one->role),
                 one->share / 10000.0);
    lac_cli_doctor_say(
        d, one->trust == LAC_CLI_TRUSTED && !expired ? LAC_CLI_OK : LAC_CLI_WARN, "pushed pack",
        expired ? "Push it again: who has it goes on with it, new workers don't take it."
                : "Sign packs (`lacuna pack push --key`), and set pack.signers.",
        "%s version %" PRId64 "%s, %s%s%s%s", p->name, one->version, share, trusts[one->trust],
        one->signer[0] ? " " : "", one->signer, expired ? ", expired" : "");
}

/* A refused push that is newer than what counts: somebody thinks that it counts. */
static void say_refused(struct lac_cli_doctor *d, const struct lac_cli_pushes *p, int64_t above)
{
    size_t refused = 0;

    for (size_t i = 0; i < p->count; i++)
        refused += !p->at[i].accepted && p->at[i].version > above;
    if (refused)
        lac_cli_doctor_say(
            d, LAC_CLI_FAIL, "pushed packs",
            "See `lacuna pack active --all`; add the signer to pack.signers if you know it.",
            "%zu newer than what counts, and workers refuse %s", refused,
            refused == 1 ? "it" : "them");
    if (p->malformed)
        lac_cli_doctor_say(d, LAC_CLI_WARN, "pushed packs",
                           "Look who writes there: only `lacuna pack push` should.",
                           "%zu records of %s can't be read", p->malformed, p->topic);
}

static void check_pushed(struct lac_cli_doctor *d)
{
    int64_t now_ms = lac_clock_wall_ms();
    const struct lac_cli_push *current;
    struct lac_cli_pushes p;
    struct lac_err err;

    if (lac_cli_pushes_init(&p, d->t) >= 0) { /* which has said why, on stderr */
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "pushed packs", "Correct pack.name and pack.signers.",
                           "can't be judged");
    } else if (lac_cli_pushes_read(&p, NULL, 0, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "pushed packs", "See above.", "%s", err.text);
    } else if (!p.no_topic) { /* its absence is said with the other topics */
        current = lac_cli_pushes_active(&p, LAC_CONTROL_CURRENT, now_ms);
        if (!current)
            lac_cli_doctor_say(d, LAC_CLI_OK, "pushed packs", "",
                               "none is in force: workers use pack.path");
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

void lac_cli_doctor_kafka(struct lac_cli_doctor *d)
{
    const char *servers = lac_conf_text(d->t->conf, "kafka.bootstrap_servers");
    char id[LAC_KAFKA_CLUSTER_ID_SIZE] = "", names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    struct lac_kafka_admin *admin;
    struct lac_kafka_options o;
    struct lac_err err;

    lac_kafka_options_from_conf(&o, d->t->conf);
    if (lac_kafka_admin_open(&admin, &o, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "kafka", "Correct the kafka.* settings.", "%s",
                           err.text);
        return;
    }
    if (lac_kafka_admin_cluster_id(admin, LAC_CLI_DOCTOR_ASK_MS, id, &err) != LAC_OK) {
        lac_cli_doctor_say(d, LAC_CLI_FAIL, "kafka", cure_of_kafka(err.text), "%s", err.text);
    } else {
        lac_cli_doctor_say(d, LAC_CLI_OK, "kafka", "", "%s, cluster %s", servers, id);
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
