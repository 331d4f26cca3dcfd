/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_dev.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli_model.h"
#include "lac_clock.h"
#include "lac_topics.h"

enum { ASK_MS = 1000, PARTITIONS_MAX = LAC_DEV_COUNTED_MAX };

/* What one topic holds and how far its reader is. */
struct depth {
    int64_t written; /* records ever, that is the sum of the next offsets */
    int64_t done;    /* of them, read by the group or stored */
    int64_t lost;    /* of them, forgotten before they were read */
};

struct reader {
    int64_t next[PARTITIONS_MAX]; /* next offset to read, 0: nothing known */
};

static bool group_reader(struct lac_dev *d, const char *topic, const char *group, size_t n,
                         struct reader *r)
{
    struct lac_kafka_position p[PARTITIONS_MAX];
    struct lac_err err;

    for (size_t i = 0; i < n; i++)
        p[i] = (struct lac_kafka_position){.topic = topic, .partition = (int32_t)i};
    if (lac_kafka_admin_committed(d->admin, group, p, n, ASK_MS, &err) != LAC_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        r->next[i] = p[i].offset > 0 ? p[i].offset : 0;
    return true;
}

/* The sink's position is in Postgres, beside the rows. */
static bool sink_reader(struct lac_dev *d, const char *topic, size_t n, struct reader *r)
{
    struct lac_pg_param params[] = {lac_pg_text(lac_str_from(d->origin)),
                                    lac_pg_text(lac_str_from(topic))};
    struct lac_pg_rows *rows;
    struct lac_err err;

    if (!d->pg || lac_pg_query(d->pg, &rows,
                               "SELECT partition, next_offset FROM sink_offset"
                               " WHERE origin = $1 AND topic = $2",
                               params, LAC_COUNT(params), &err) != LAC_OK)
        return false;
    for (size_t i = 0; i < lac_pg_rows_count(rows); i++) {
        int64_t partition = lac_pg_cell_int(rows, i, 0);

        if (partition >= 0 && (size_t)partition < n)
            r->next[partition] = lac_pg_cell_int(rows, i, 1);
    }
    lac_pg_rows_free(rows);
    return true;
}

/* Adds a topic's depth. `reader` NULL: nobody's position matters. A gap between reader and log
 * closes when the reader jumps over it, so what was counted as lost is remembered. */
static bool add_depth(struct lac_dev *d, enum lac_topic_id id, const char *topic, size_t n,
                      const struct reader *r, struct depth *sum)
{
    int64_t *counted = d->lost_below[id];

    struct lac_err err;

    for (size_t i = 0; i < n; i++) {
        int64_t low, high;

        if (lac_kafka_admin_watermarks(d->admin, topic, (int32_t)i, ASK_MS, &low, &high, &err) !=
            LAC_OK)
            return false;
        sum->written += high;
        if (!r)
            continue;
        sum->done += r->next[i] > low ? r->next[i] : low;
        if (r->next[i] > counted[i])
            counted[i] = r->next[i];
        if (d->mock && low > counted[i]) {
            d->lost[id] += low - counted[i];
            counted[i] = low;
        }
    }
    sum->lost += d->lost[id];
    return true;
}

static bool count_topic(struct lac_dev *d, enum lac_topic_id id, struct depth *sum)
{
    const char *prefix = lac_conf_text(d->t->conf, "kafka.topic_prefix");
    char topic[LAC_TOPIC_NAME_SIZE], group[LAC_TOPIC_NAME_SIZE];
    size_t n = lac_topics[id].partitions;
    struct reader r = {{0}};

    if (!lac_topic_full_name(topic, prefix, id))
        return false;
    if (d->mock && n > LAC_DEV_PARTITIONS)
        n = LAC_DEV_PARTITIONS;
    if (n > PARTITIONS_MAX)
        n = PARTITIONS_MAX;
    if (id == LAC_TOPIC_DEADLETTER)
        return add_depth(d, id, topic, n, NULL, sum);
    if (id == LAC_TOPIC_LINEAGE
            ? !sink_reader(d, topic, n, &r)
            : !lac_topic_group(group, prefix, id) || !group_reader(d, topic, group, n, &r))
        return false;
    return add_depth(d, id, topic, n, &r, sum);
}

static void warn_lost(struct lac_dev *d)
{
    char count[LAC_PROGRESS_NUMBER_SIZE];

    if (d->counts.lost <= d->lost_said)
        return;
    d->lost_said = d->counts.lost;
    lac_dev_say(d, LAC_STYLE_BAD,
                "warning: dev's broker forgot %s records before they were read: it keeps 5 MiB a "
                "partition. Publish more slowly, or use a Kafka with --brokers HOST:PORT.",
                lac_progress_count(count, (uint64_t)d->counts.lost));
}

void lac_dev_count(struct lac_dev *d)
{
    struct depth requests = {0}, lineage = {0}, dead = {0};

    if (!d->admin || !count_topic(d, LAC_TOPIC_REQUESTS, &requests) ||
        !count_topic(d, LAC_TOPIC_REQUESTS_INTERACTIVE, &requests) ||
        !count_topic(d, LAC_TOPIC_LINEAGE, &lineage) ||
        !count_topic(d, LAC_TOPIC_DEADLETTER, &dead)) {
        d->counts.known = false;
        return;
    }
    d->counts = (struct lac_dev_counts){
        .requests = requests.written,
        .classified = requests.done,
        .decisions = lineage.written,
        .stored = lineage.done - lineage.lost,
        .dead = dead.written,
        .lost = requests.lost + lineage.lost,
        .lost_decisions = lineage.lost,
        .known = true,
    };
    warn_lost(d);
}

static void put_count(struct lac_dev *d, struct lac_buf *b, enum lac_style style, int64_t n,
                      const char *what)
{
    char count[LAC_PROGRESS_NUMBER_SIZE];

    lac_buf_put_text(b, b->len ? "  " : "");
    lac_term_put(&d->term, b, style, lac_progress_count(count, (uint64_t)(n > 0 ? n : 0)));
    lac_buf_printf(b, " %s", what);
}

void lac_dev_show_status(struct lac_dev *d)
{
    const struct lac_dev_counts *c = &d->counts;
    static const char *const names[] = {"postgres", "classify", "sink", "bridge"};
    char line[1024];
    struct lac_buf b;

    if (!d->term.terminal)
        return;
    lac_buf_init_fixed(&b, line, sizeof(line));
    if (c->known) {
        int64_t lag = c->requests - c->classified + c->decisions - c->lost_decisions - c->stored;

        put_count(d, &b, LAC_STYLE_BOLD, c->requests, "requests");
        put_count(d, &b, LAC_STYLE_BOLD, c->decisions, "decisions");
        put_count(d, &b, LAC_STYLE_BOLD, c->stored, "in Postgres");
        put_count(d, &b, lag > 1000 ? LAC_STYLE_NOTE : LAC_STYLE_NONE, lag, "lag");
        if (c->dead)
            put_count(d, &b, LAC_STYLE_NOTE, c->dead, "dead letters");
        if (c->lost)
            put_count(d, &b, LAC_STYLE_BAD, c->lost, "lost");
    }
    for (int part = 0; part < LAC_DEV_PARTS; part++) {
        if (d->health[part].wanted && d->parts[part].pid == 0) {
            lac_buf_put_text(&b, "  ");
            lac_term_put(&d->term, &b, LAC_STYLE_BAD, names[part]);
            lac_buf_put_text(&b, " restarting");
        }
    }
    lac_progress_line(&d->progress, lac_buf_cstr(&b));
}

static void put_place(struct lac_dev *d, struct lac_buf *b, const char *name, const char *where,
                      const char *note)
{
    lac_buf_put_text(b, "  ");
    lac_term_put(&d->term, b, LAC_STYLE_BOLD, name);
    lac_buf_printf(b, "%*s", (int)(10 - strlen(name)), "");
    lac_term_put(&d->term, b, LAC_STYLE_LINK, where);
    if (*note) {
        lac_buf_put_text(b, "  ");
        lac_term_put(&d->term, b, LAC_STYLE_DIM, note);
    }
    lac_buf_put_char(b, '\n');
}

/* The samples as somebody in this folder names them, of the tree or of the installation; "-" where
 * there are none. */
static const char *find_samples(char out[PATH_MAX])
{
    static const char here[] = "samples/requests.jsonl";
    char folder[PATH_MAX], path[PATH_MAX + 64];

    if (access(here, R_OK) == 0)
        return here;
    if (!lac_tool_program_folder(folder))
        return "-";
    (void)snprintf(path, sizeof(path), "%s/../" LAC_DATA_FOLDER "/%s", folder, here);
    return realpath(path, out) && access(out, R_OK) == 0 ? out : "-";
}

static void put_commands(struct lac_dev *d, struct lac_buf *b)
{
    char place[PATH_MAX];
    const char *samples = find_samples(place);
    const char *listen = lac_conf_text(d->t->conf, "bridge.listen");
    char flag[LAC_DEV_PATH_MAX + 32] = "--dev";

    if (d->o->data)
        snprintf(flag, sizeof(flag), "-c %s/lacuna.conf", d->data);
    lac_buf_put_text(b, "\nTry:\n  ");
    lac_term_put(&d->term, b, LAC_STYLE_LINK, "curl -s http://");
    lac_buf_printf(b,
                   "%s%s/api/v1/classify -H 'content-type: application/json' \\\n"
                   "       -d '{\"query\": \"Invoice for jane.doe@example.com\"}'%s\n",
                   lac_term_on(&d->term, LAC_STYLE_LINK), listen,
                   lac_term_off(&d->term, LAC_STYLE_LINK));
    lac_buf_printf(b, "  %s%slacuna %s publish --table %s%s\n",
                   lac_term_on(&d->term, LAC_STYLE_LINK),
                   strcmp(samples, "-") == 0 ? "echo 'Who is jane.doe@example.com?' | " : "", flag,
                   samples, lac_term_off(&d->term, LAC_STYLE_LINK));
    lac_buf_printf(b, "  %slacuna %s tail routing%s\n", lac_term_on(&d->term, LAC_STYLE_LINK), flag,
                   lac_term_off(&d->term, LAC_STYLE_LINK));
    lac_buf_put_text(b, "Ctrl-C stops everything.\n\n");
}

/* What tier 2 would run on; whether the pack asks it is the pack's matter. */
static void put_encoder(struct lac_dev *d, struct lac_buf *b)
{
    const char *model = lac_conf_text(d->t->conf, "classify.model");
    struct lac_encode_stored *stored = NULL;
    char store[PATH_MAX];
    struct lac_err ignored; /* workers say what is wrong with a store */
    size_t count = 0;

    if (!*model && lac_encode_store_folder(store, lac_conf_text(d->t->conf, "model.store")) &&
        lac_encode_store_list(store, &stored, &count, &ignored) == LAC_OK && count > 0)
        model = store;
    free(stored);
    if (strcmp(lac_conf_text(d->t->conf, "classify.semantic"), "off") == 0)
        put_place(d, b, "Encoder", "off", "rules decide alone");
    else if (*model)
        put_place(d, b, "Encoder", model, "");
    else
        put_place(d, b, "Encoder", "none, so decisions are stricter",
                  "`lacuna model add " LAC_CLI_MODEL_FIRST "` gets one");
}

void lac_dev_banner(struct lac_dev *d)
{
    const struct lac_conf *c = d->t->conf;
    char text[PATH_MAX + 100], took[LAC_PROGRESS_NUMBER_SIZE];
    struct lac_buf b;

    lac_progress_clear(&d->progress);
    lac_buf_init(&b, 64 << 10);
    lac_buf_put_char(&b, '\n');
    snprintf(text, sizeof(text), "http://%s", lac_conf_text(c, "bridge.listen"));
    put_place(d, &b, "HTTP", text, "/docs explains it");
    put_place(d, &b, "Kafka", lac_conf_text(c, "kafka.bootstrap_servers"),
              d->mock ? "inside this process" : "yours");
    snprintf(text, sizeof(text), "psql -h %s -U lacuna lacuna", d->socket_dir);
    put_place(d, &b, "Postgres", text, "");
    put_place(d, &b, "Data", d->data, "");
    snprintf(text, sizeof(text), "%s/log", d->data);
    put_place(d, &b, "Logs", text, "");
    put_place(d, &b, "Settings", d->conf_path, "");
    put_encoder(d, &b);
    put_place(d, &b, "Strategy", lac_conf_text(c, "classification.strategy"), "");
    if (d->mock) {
        lac_buf_put_char(&b, '\n');
        lac_term_put(&d->term, &b, LAC_STYLE_NOTE,
                     "Dev's broker is a toy: it keeps 5 MiB a partition, loses all when this "
                     "stops, and\nproves nothing about exactly-once. Decisions stay in Postgres. "
                     "All else is the real thing.\n");
    }
    put_commands(d, &b);
    lac_term_put(&d->term, &b, LAC_STYLE_GOOD, "ready");
    lac_buf_printf(&b, " in %s\n", lac_progress_time(took, lac_clock_mono_ms() - d->opened_ms));
    (void)lac_term_flush(&d->term, &b);
    lac_buf_deinit(&b);
}
