/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_scan - what the files of `lacuna scan` and `lacuna redact` share
 *
 * Work flows through a pool: main fills slots in order, workers work on them, and what they made
 * is written in the order in which it was put in, so that output never depends on the threads.
 *
 * Thread: main, unless it says otherwise.
 */
#ifndef LAC_CLI_SCAN_H
#define LAC_CLI_SCAN_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_digest.h"
#include "lac_err.h"
#include "lac_progress.h"
#include "lac_redact.h"
#include "lac_scan.h"
#include "lac_scan_ignore.h"
#include "lac_scan_lines.h"
#include "lac_tool.h"

/* ---- What is asked for ---- */

enum lac_cli_scan_format {
    LAC_CLI_SCAN_TEXT,
    LAC_CLI_SCAN_JSON,
    LAC_CLI_SCAN_JSONL,
    LAC_CLI_SCAN_SARIF,
    LAC_CLI_SCAN_CSV,
};

/* Options of both commands, as given. */
struct lac_cli_scan_words {
    const char *entities, *rules, *min_score, *min_tier, *pack, *key_file;
    uint64_t threads;
};

/* The plan and the pack behind it. */
struct lac_cli_scan_setup {
    struct lac_pack *pack;      /* owned */
    struct lac_scan_plan *plan; /* owned */
    struct lac_buf key;         /* of --key-file or redact.key_file; empty: none */
    unsigned threads;
};

/* Everything wrong is said; the exit status, or -1. Deinit in both cases. */
int lac_cli_scan_setup(const struct lac_tool *t, const struct lac_cli_scan_words *w,
                       bool floors_only, struct lac_cli_scan_setup *s);
void lac_cli_scan_setup_deinit(struct lac_cli_scan_setup *s);

/* ---- Records: what is said about one finding ---- */

enum {
    LAC_CLI_FINGERPRINT_BYTES = 16,
    LAC_CLI_SHOWN_MAX = 512 << 20, /* of an excerpt, and of one line redacted */
};

enum lac_cli_suppressed {
    LAC_CLI_REPORTED,
    LAC_CLI_BY_COMMENT,  /* lacuna:allow on its line */
    LAC_CLI_BY_BASELINE, /* known already */
};

struct lac_cli_record {
    struct lac_str path;
    const struct lac_match_rule *rule;
    struct lac_scan_finding found; /* start and end: see `placed` */
    bool placed;                   /* start, end and their code points count from the file's begin;
                                      false: only line and column are known */
    uint64_t line, column, end_line, end_column; /* from 1; columns in code points */
    uint64_t start_char, end_char;
    struct lac_str excerpt;
    unsigned char fingerprint[LAC_CLI_FINGERPRINT_BYTES];
    bool keyed; /* the fingerprint is one of the content; else of the place */
    enum lac_cli_suppressed suppressed;
};

/* ---- lac_cli_scan_baseline.c: what is known already ---- */

struct lac_cli_baseline;

/*
 * Reads `path`. With `create` a missing file is an empty baseline with a new salt. `key`
 * (absent: none) is the one the file must have been made with. FATAL: not readable, no baseline,
 * or made with another key.
 */
enum lac_status lac_cli_baseline_open(struct lac_cli_baseline **out, const char *path, bool create,
                                      struct lac_str key, struct lac_err *err) LAC_MUST_USE;
void lac_cli_baseline_close(struct lac_cli_baseline *b);
/* What fingerprints are made with. Borrowed. */
struct lac_str lac_cli_baseline_key(const struct lac_cli_baseline *b);
/* Thread: any. */
bool lac_cli_baseline_has(const struct lac_cli_baseline *b, const unsigned char *fingerprint);
/* Notes one for lac_cli_baseline_write(). False: no memory. */
bool lac_cli_baseline_add(struct lac_cli_baseline *b, const struct lac_cli_record *r) LAC_MUST_USE;
/* Writes what was added, sorted, in place of the file. `*count`: fingerprints in it. */
enum lac_status lac_cli_baseline_write(struct lac_cli_baseline *b, const char *path, size_t *count,
                                       struct lac_err *err) LAC_MUST_USE;

/* ---- lac_cli_scan_out.c, lac_cli_scan_sarif.c: formats ---- */

struct lac_cli_scan_run;

/* Appends one record. Thread: worker. */
void lac_cli_scan_put(const struct lac_cli_scan_run *run, struct lac_buf *out,
                      const struct lac_cli_record *r);
/* What stands before and behind all records. */
void lac_cli_scan_begin(const struct lac_cli_scan_run *run, struct lac_buf *out);
void lac_cli_scan_end(const struct lac_cli_scan_run *run, struct lac_buf *out);
void lac_cli_sarif_begin(const struct lac_cli_scan_run *run, struct lac_buf *out);
void lac_cli_sarif_put(const struct lac_cli_scan_run *run, struct lac_buf *out,
                       const struct lac_cli_record *r);
void lac_cli_sarif_end(const struct lac_cli_scan_run *run, struct lac_buf *out);

/* ---- The run ---- */

struct lac_cli_scan_options {
    struct lac_cli_scan_words words;
    const char *format, *baseline, *write_baseline;
    bool jsonl, json, staged, floors_only, no_ignore, no_allow, binary, show_secrets, quiet;
};

/* Counted by workers. */
struct lac_cli_scan_counts {
    atomic_ullong files, bytes, findings, by_comment, by_baseline, files_with, binary, undecodable,
        truncated, failed;
};

struct lac_cli_scan_worker {
    struct lac_scan *scan;
    struct lac_redact *redact; /* for excerpts */
    struct lac_hmac *hmac;     /* of fingerprints of content; NULL: of the place */
    uint32_t *ordinals;        /* [rule_count]: findings of a rule in this file so far */
    char *memory;              /* of the piece at hand */
    char *raw;                 /* of a piece that has to be decoded; NULL: there was none yet */
    struct lac_buf excerpt;    /* of the finding at hand; when redacting, the text at hand */
    char folded[LAC_REDACT_NORMAL_BYTES];
};

struct lac_cli_scan_run {
    const struct lac_tool *tool;
    const struct lac_cli_scan_options *options;
    struct lac_cli_scan_setup setup;
    enum lac_cli_scan_format format;
    bool redacting;                      /* this is `lacuna redact` */
    const enum lac_match_redaction *how; /* NULL: as each rule says */
    bool fingerprints;                   /* somebody will look at them */
    struct lac_cli_baseline *baseline;   /* of --baseline; NULL: none */
    struct lac_cli_baseline *collected;  /* of --write-baseline */
    struct lac_cli_scan_worker *workers; /* [setup.threads] */
    struct lac_cli_scan_counts counts;
    pthread_mutex_t talk; /* guards: stderr, stdout, out, progress, collected, wrote, open,
                             output_error */
    struct lac_progress progress;
    struct lac_buf out; /* what is written next */
    bool wrote;         /* a record before: JSON needs a comma */
    bool open;          /* what stands before all records is written, what stands behind is not */
    bool interrupted;   /* what stands behind has to say that records are missing */
    int output_error;   /* 0, or why no more can be written */
    struct stat output; /* what is written to, which is not looked at; st_ino 0: no file */
    struct stat known;  /* the file of either baseline, which is not, either */
    uint64_t begun_ms;
    /* lac_cli_scan_stop.c */
    pthread_t watcher;
    sigset_t watched, mask; /* mask: before */
    bool watching;
    atomic_bool done;
};

/* Opens what each thread needs; the setup and the baselines come first. Close in any case. */
enum lac_status lac_cli_scan_workers_open(struct lac_cli_scan_run *run,
                                          struct lac_err *err) LAC_MUST_USE;
void lac_cli_scan_workers_close(struct lac_cli_scan_run *run);

/* "lacuna scan: warning: PATH: why", above the progress line; counts as a failure. Thread: any. */
void lac_cli_scan_complain(struct lac_cli_scan_run *run, struct lac_str path, const char *why);

/* How far it is, on a terminal. Thread: main. */
void lac_cli_scan_progress(struct lac_cli_scan_run *run);

/* Writes a slot's records, with what stands between them. Thread: any, one at a time. */
bool lac_cli_scan_write(struct lac_cli_scan_run *run, struct lac_buf *records);

/* ---- lac_cli_scan_stop.c: SIGINT and SIGTERM ---- */

/* From now on either ends what is printed well-formed, where the last whole record ended, and the
 * process with LAC_EXIT_SIGNAL. Before any other thread is started and anything printed. FATAL: no
 * thread. */
enum lac_status lac_cli_scan_watch(struct lac_cli_scan_run *run, struct lac_err *err) LAC_MUST_USE;
/* Signals are as before again. Before anything of the run is closed; harmless without a watch. */
void lac_cli_scan_unwatch(struct lac_cli_scan_run *run);

/* ---- lac_cli_scan_file.c: one file. Thread: worker ---- */

/* Memory of a piece: what is reported, margins and a bit for whole characters. */
enum { LAC_CLI_PIECE = 1 << 20, LAC_CLI_PIECE_MEMORY = LAC_CLI_PIECE + 4 * LAC_SCAN_MARGIN };

/* Looks at all of `fd`, up to the `size` that a file had when it was opened, 0: up to its end;
 * appends records to `out`. Complains itself. */
void lac_cli_scan_fd(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                     struct lac_str path, int fd, size_t size, struct lac_buf *out);
/* Whether this is a file that the scan itself writes or goes by. */
bool lac_cli_scan_is_own(const struct lac_cli_scan_run *run, const struct stat *st);
/* Opens and looks. `followed`: a link may lead to it. */
void lac_cli_scan_path(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                       const char *path, bool followed, struct lac_buf *out);
/* The lines that a change adds to a file. */
struct lac_scan_diff;
void lac_cli_scan_added(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                        const struct lac_scan_diff *d, struct lac_buf *out);
/* The same of a file in UTF-16, whose lines git cuts inside of characters: all of the file as it
 * will be, and a decoder that lac_scan_utf16_begins() made ready. */
struct lac_scan_utf16;
void lac_cli_scan_added_utf16(struct lac_cli_scan_run *run, struct lac_cli_scan_worker *w,
                              const struct lac_scan_diff *d, struct lac_scan_utf16 *decoder,
                              struct lac_str file, struct lac_buf *out);

/* ---- Where texts come from ---- */

/* lac_cli_scan_walk.c: calls `file` for every file below `path`. False: it said stop. */
struct lac_cli_walk {
    struct lac_cli_scan_run *run;
    void *ctx;
    bool (*file)(void *ctx, const char *path);
};
bool lac_cli_scan_walk(const struct lac_cli_walk *w, const char *path);

/* lac_cli_scan_staged.c, lac_cli_scan_lines.c: exit status, or -1 when it is the counts'. */
int lac_cli_scan_staged(struct lac_cli_scan_run *run);
int lac_cli_scan_jsonl(struct lac_cli_scan_run *run);

#endif
