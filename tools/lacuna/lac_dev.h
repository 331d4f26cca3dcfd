/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_dev - everything on one machine, in one command
 *
 * Private to `lacuna dev`. This process holds librdkafka's mock broker and supervises the real
 * programs: Postgres, lacuna-classify, lacuna-sink, lacuna-bridge. Nothing but the broker
 * differs from production.
 *
 * The data folder:
 *   lock            held while one runs; has its process id
 *   lacuna.conf     for the children and for `lacuna --dev COMMAND`; there while one runs
 *   commitment.key  made once, 0600
 *   postgres/       the cluster, owned by the user that Postgres runs as
 *   run/            its socket
 *   state/          state.dir of the programs
 *   log/            what the children printed
 *
 * Thread: main.
 */
#ifndef LAC_DEV_H
#define LAC_DEV_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lac_child.h"
#include "lac_cli.h"
#include "lac_http_client.h"
#include "lac_kafka_mock.h"
#include "lac_progress.h"
#include "lac_topics.h"

enum lac_dev_part {
    LAC_DEV_POSTGRES,
    LAC_DEV_CLASSIFY,
    LAC_DEV_SINK,
    LAC_DEV_BRIDGE,
    LAC_DEV_PARTS
};

enum {
    LAC_DEV_COUNTED_MAX = 256, /* partitions that the status line looks at */
    LAC_DEV_PARTITIONS = 4,    /* of the mock's topics: it searches them one after the other */
    /* Of the control topic. The mock forgets what is older than 5 MiB in a partition, and the
     * chunks of a pack spread over all: so the versions to go back to are there still. */
    LAC_DEV_CONTROL_PARTITIONS = 32,
    LAC_DEV_PATH_MAX = 512, /* of the data folder: names below it must fit into PATH_MAX */
};

struct lac_dev_options {
    const char *brokers, *data, *ready_file;
    uint64_t port;
    bool verbose;
};

/* One look at the pipe. */
struct lac_dev_counts {
    int64_t requests, classified; /* written; done by the workers */
    int64_t decisions, stored;    /* written to lineage; in Postgres */
    int64_t dead;                 /* dead letters */
    int64_t lost;                 /* forgotten by the mock's retention before they were read */
    int64_t lost_decisions;       /* of them, in lineage */
    bool known;
};

struct lac_dev {
    const struct lac_tool *t;
    const struct lac_dev_options *o;
    char data[LAC_DEV_PATH_MAX], conf_path[PATH_MAX], postgres_dir[PATH_MAX], socket_dir[PATH_MAX];
    char postgres_url[PATH_MAX * 3], pg_bin[PATH_MAX];
    bool socket_is_temporary;
    uid_t pg_uid;
    gid_t pg_gid;
    int lock_fd, signal_fd;
    char **envp; /* owned; what children inherit */
    struct lac_kafka_options kafka;
    struct lac_kafka_mock *mock;
    struct lac_kafka_admin *admin;
    struct lac_pg *pg;
    struct lac_http_client *http;
    char origin[LAC_KAFKA_CLUSTER_ID_SIZE];
    struct lac_child parts[LAC_DEV_PARTS];
    struct lac_dev_health {
        char url[96];  /* of its health page; "" : none */
        char flag[64]; /* --metrics-listen=... */
        bool ready;
        bool wanted;    /* should be running */
        unsigned fails; /* ends in a row */
        uint64_t restart_ms;
    } health[LAC_DEV_PARTS];
    char log_paths[LAC_DEV_PARTS][PATH_MAX];
    struct lac_term term;
    struct lac_progress progress;
    struct lac_dev_counts counts;
    uint64_t opened_ms;
    int stop;          /* signals so far */
    bool giving_up;    /* a part can't be kept running */
    int64_t lost_said; /* how many lost records were already spoken of */
    /* By topic and partition: records below this offset were read or counted as lost. */
    int64_t lost_below[LAC_TOPIC_COUNT][LAC_DEV_COUNTED_MAX];
    int64_t lost[LAC_TOPIC_COUNT];
};

/* ---- loop (lac_dev.c) ---- */

/* Serves output, ends and signals for up to `ms`; returns early when something happened.
 * False: it is time to stop. */
bool lac_dev_pump(struct lac_dev *d, uint32_t ms);

/* A line for people on stdout, status line out of the way. */
void lac_dev_say(struct lac_dev *d, enum lac_style style, const char *fmt, ...) LAC_PRINTF(3, 4);

/* Waits for the part to end, at most `ms`. */
bool lac_dev_wait_end(struct lac_dev *d, enum lac_dev_part part, uint32_t ms);

/* ---- folder, key, settings (lac_dev_setup.c): -1 or the exit status, everything said ---- */
int lac_dev_open_folder(struct lac_dev *d);
int lac_dev_open_kafka(struct lac_dev *d);
int lac_dev_write_conf(struct lac_dev *d);
void lac_dev_close_folder(struct lac_dev *d);

/* ---- Postgres (lac_dev_postgres.c): as above ---- */
int lac_dev_prepare_postgres(struct lac_dev *d); /* where, as whom, which programs */
int lac_dev_start_postgres(struct lac_dev *d);   /* initdb, start, database, migrations */

/* ---- the look (lac_dev_status.c) ---- */
void lac_dev_count(struct lac_dev *d);
void lac_dev_show_status(struct lac_dev *d);
void lac_dev_banner(struct lac_dev *d);

/* Stops all of it in order, and says what did not get where it belongs. */
void lac_dev_stop(struct lac_dev *d);

#endif
