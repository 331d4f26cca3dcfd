/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_train - what the steps of `lacuna train` hand to each other
 *
 * Private to lac_cli_train*.c. Thread: main.
 */
#ifndef LAC_CLI_TRAIN_H
#define LAC_CLI_TRAIN_H

#include "lac_cli.h"
#include "lac_event_id.h"
#include "lac_head_data.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_progress.h"
#include "lac_semantic.h"

enum { LAC_CLI_TRAIN_TRIALS = 4 }; /* numbers of layers that are tried */

struct lac_cli_train_options {
    const char *model, *format, *origin;
    struct lac_args_list data, requests, leak;
    uint64_t seed, layers;
    bool json, dry_run, own;
};

/* One training, with vectors from so many layers. */
struct lac_cli_train_trial {
    uint32_t layers;
    struct lac_head_params params; /* owned */
    struct lac_buf vec;            /* owned: exemplars.vec */
    struct lac_head_report report;
};

/* A file of --data that goes into the pack. */
struct lac_cli_train_file {
    struct lac_str stem;  /* borrowed from argv */
    struct lac_buf bytes; /* owned */
};

struct lac_cli_train {
    const struct lac_tool *t;
    const struct lac_cli_train_options *o;
    struct lac_progress progress;
    uint64_t told_ms; /* when the last line of a log was written */
    size_t from_base; /* lines that the base pack has */
    uint32_t domain_texts[LAC_HEAD_DOMAIN_MAX];
    struct lac_pack *pack;
    struct lac_head_data *data;
    struct lac_cli_train_file files[LAC_ARGS_LIST_MAX];
    size_t file_count;
    uint32_t bound[LAC_TIER_COUNT];   /* ppm */
    char name[LAC_HEAD_NAME_MAX + 1]; /* the model's */
    struct lac_semantic *semantic;
    uint32_t width;
    size_t first;       /* text of the batch that is being encoded */
    float *vectors;     /* owned; [texts][width] */
    int32_t *ids;       /* owned; [texts][LAC_HEAD_TOKEN_MAX] */
    uint32_t *id_count; /* owned; [texts] */
    size_t cut;         /* texts longer than the model's window: their first one stands for them */
    struct lac_cli_train_trial trials[LAC_CLI_TRAIN_TRIALS];
    size_t trial_count;
    struct lac_cli_train_trial *best;
    struct lac_buf feedback; /* owned: exemplars/feedback.jsonl, empty when there is none */
};

/* Unless it says otherwise, all return -1 to go on, or the exit status with everything said. */

/* ---- lac_cli_train_data.c: labelled texts ---- */
int lac_cli_train_collect(struct lac_cli_train *r);

/* ---- lac_cli_train_request.c: texts behind feedback ---- */
struct lac_cli_train_request {
    struct lac_json *doc; /* owned: to be freed, whatever is said */
    char event[LAC_EVENT_ID_TEXT_SIZE];
    struct lac_str text; /* of the document; ptr NULL: it has none */
};

/* A line of `lacuna tail requests` of the log `origin`, at most LAC_EVENT_ID_NAME_MAX bytes.
 * REJECT: it is none. Returns a status, and says nothing. */
enum lac_status lac_cli_train_request_read(struct lac_cli_train_request *out, struct lac_str line,
                                           const char *origin, struct lac_err *err) LAC_MUST_USE;

/* ---- lac_cli_train_fit.c: vectors and heads ---- */
int lac_cli_train_fit(struct lac_cli_train *r);

/* ---- lac_cli_train_out.c: reports and files ---- */
int lac_cli_train_write(struct lac_cli_train *r);

/* A step that takes long. On a terminal a bar; elsewhere a line when it begins (`done` 0) and every
 * few seconds. */
void lac_cli_train_step(struct lac_cli_train *r, uint64_t done, uint64_t total, const char *what);

/* The exit status for an error of the libraries, with the error said. */
int lac_cli_train_failed(const struct lac_cli_train *r, const struct lac_err *err);

#endif
