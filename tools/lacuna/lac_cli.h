/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli - the commands of `lacuna`
 *
 * Each takes its own argv (argv[0] is the command's name) and returns the exit status.
 *
 * Thread: main.
 */
#ifndef LAC_CLI_H
#define LAC_CLI_H

#include "lac_compiler.h"
#include "lac_kafka_admin.h"
#include "lac_pg.h"
#include "lac_tool.h"
#include "lac_topics.h"

int lac_cli_classify(int argc, char **argv);
int lac_cli_config(int argc, char **argv);
int lac_cli_deadletter(int argc, char **argv);
int lac_cli_dev(int argc, char **argv);
int lac_cli_doctor(int argc, char **argv);
int lac_cli_embed(int argc, char **argv);
int lac_cli_eval(int argc, char **argv);
int lac_cli_migrate(int argc, char **argv);
int lac_cli_model(int argc, char **argv);
int lac_cli_pack(int argc, char **argv);
int lac_cli_redact(int argc, char **argv);
int lac_cli_scan(int argc, char **argv);
int lac_cli_tail(int argc, char **argv);
int lac_cli_tokenize(int argc, char **argv);
int lac_cli_topics(int argc, char **argv);
int lac_cli_train(int argc, char **argv);

/* ---- what several commands need ---- */

enum { LAC_CLI_ASK_MS = 10000 }; /* longest wait for one answer of a broker */

/* Runs the sub-command that argv[1] names. `table` ends with a NULL name. */
struct lac_cli_sub {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};
int lac_cli_dispatch(const char *name, const char *summary, const struct lac_cli_sub *table,
                     int argc, char **argv);

/* The connection of postgres.*. On failure everything is said and the exit status is returned,
 * -1 otherwise. */
int lac_cli_postgres(const struct lac_tool *t, struct lac_pg **pg);

/* Fills the options of postgres.*; texts are borrowed from the configuration. */
void lac_cli_postgres_options(const struct lac_conf *c, struct lac_pg_options *o);

/* The two options of a command that answers in text or JSON, for lac_cli_format(). */
#define LAC_CLI_FORMAT_OPTIONS(format, json)                                              \
    {'f', "format", LAC_ARGS_TEXT, format, "FORMAT", "text (the default) or json", 0, 0}, \
    {                                                                                     \
        'j', "json", LAC_ARGS_SWITCH, json, NULL, "The same as --format json", 0, 0       \
    }

/* --format (NULL: not given), and in `json` whether --json was: sets `json` to what both ask for.
 * -1, or the exit status. */
int lac_cli_format(const struct lac_tool *t, const char *format, bool *json);

/* Writes all of `b` to stdout and empties it; the exit status when that failed, else -1. */
int lac_cli_flush(const struct lac_tool *t, struct lac_buf *b);

/* The exit status of a command that found something out: `verdict`, unless `written`, which is
 * what lac_cli_flush returned, is a failure. A reader that has gone takes nothing from a verdict:
 * `lacuna classify --max-tier PUBLIC ... | head -1` is no permission. */
int lac_cli_verdict(int written, int verdict);

/* How many cores this process may use, at most 64. */
unsigned lac_cli_cores(void);

/* Fills the full names of all topics of the table. FATAL: with kafka.topic_prefix they are none
 * that Kafka takes. */
enum lac_status lac_cli_topic_names(const struct lac_conf *c,
                                    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE],
                                    struct lac_err *err) LAC_MUST_USE;

/* Creates the topics of the table that are missing, at most `partitions` (0: as the table
 * says) and with kafka.replication_factor. `*made` counts them. */
enum lac_status lac_cli_topics_create(const struct lac_conf *c, struct lac_kafka_admin *admin,
                                      int32_t partitions, size_t *made,
                                      struct lac_err *err) LAC_MUST_USE;

#endif
