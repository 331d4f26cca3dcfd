/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_conf - the settings of all programs, from one table
 *
 * Every setting is a row in lac_conf_table.c: name, type, limits, default, sentence. All else
 * follows from it: the file's key kafka.bootstrap_servers, the environment's
 * LACUNA__KAFKA__BOOTSTRAP_SERVERS, the flag --kafka-bootstrap-servers, the help text, the
 * sample file and the dump. A flag wins over the environment, that over the file, that over
 * the default. A name nobody knows is an error that says which one is near: a typo in a
 * security setting must not be a silently looser one.
 *
 * A secret is taken from the environment, from the file, or from a file of its own
 * (LACUNA__POSTGRES__PASSWORD_FILE, key password_file, flag --postgres-password-file); as a
 * flag it is refused, because every user of a machine can read command lines.
 *
 * An empty environment variable counts as not set.
 *
 * Thread: load, set and free in one thread before others start; reading then in any.
 */
#ifndef LAC_CONF_H
#define LAC_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_CONF_FILE_MAX = 1 << 20,  /* bytes of a configuration file */
    LAC_CONF_VALUE_MAX = 8192,    /* bytes of one value, also of a secret's file */
    LAC_CONF_WARNINGS_MAX = 64,   /* more are counted, not kept */
    LAC_CONF_NESTING_MAX = 16,    /* groups inside each other in a file */
    LAC_CONF_ARGUMENTS_MAX = 4096 /* words on a command line */
};

/* Who asks. A row names the programs that read it. */
enum lac_conf_program {
    LAC_CONF_CLASSIFY = 1 << 0, /* lacuna-classify */
    LAC_CONF_SINK = 1 << 1,     /* lacuna-sink */
    LAC_CONF_BRIDGE = 1 << 2,   /* lacuna-bridge */
    LAC_CONF_CLI = 1 << 3,      /* lacuna */
};

enum lac_conf_type {
    LAC_CONF_TEXT,
    LAC_CONF_NUMBER,
    LAC_CONF_DURATION, /* milliseconds; "250ms", "10s", "5m", "2h", "7d" or a bare number of ms */
    LAC_CONF_SIZE,     /* bytes; "64KiB", "1MiB", "2GiB", "10MB" or a bare number of bytes */
    LAC_CONF_BOOL,     /* true, false; also yes, no, on, off, 1, 0 */
    LAC_CONF_ENUM,     /* one of a few words, in any letter case */
};

enum lac_conf_origin {
    LAC_CONF_FROM_DEFAULT,
    LAC_CONF_FROM_FILE,
    LAC_CONF_FROM_ENV,
    LAC_CONF_FROM_FLAG,
    LAC_CONF_FROM_PROGRAM, /* lac_conf_set() */
};

struct lac_conf;

struct lac_conf_sources {
    enum lac_conf_program program;
    const char *file;  /* this file and no other; NULL: --config, LACUNA_CONFIG_PATH, search */
    bool no_file;      /* read no file at all unless `file` or --config names one */
    char *const *envp; /* NULL-terminated; NULL: no environment */
    int argc;          /* 0: no command line */
    char *const *argv; /* [argc], argv[0] is skipped; must outlive the configuration */
    bool lenient;      /* unknown flags and operands go to lac_conf_rest() instead of failing */
};

/*
 * Reads all sources and checks all values. LAC_FATAL: something is wrong, err->text says what,
 * where (file:line, variable or flag) and what to do; `*out` is NULL. A strict load that met
 * --help or --version gives LAC_OK at once with defaults only: look at lac_conf_asked().
 *
 * Flags: --name=value, --name value, -c FILE, --config FILE; a bool is --name, --name=false or
 * --no-name. "--" ends them.
 */
enum lac_status lac_conf_load(struct lac_conf **out, const struct lac_conf_sources *src,
                              struct lac_err *err) LAC_MUST_USE;

/* NULL is fine. Wipes the secrets. */
void lac_conf_free(struct lac_conf *c);

enum lac_conf_ask { LAC_CONF_ASK_NOTHING, LAC_CONF_ASK_HELP, LAC_CONF_ASK_VERSION };
enum lac_conf_ask lac_conf_asked(const struct lac_conf *c);

/*
 * The values. A name that is not in the table or has another type is our mistake and aborts.
 * Text is borrowed until lac_conf_set() of that name or lac_conf_free(), never NULL.
 */
const char *lac_conf_text(const struct lac_conf *c, const char *name); /* TEXT, ENUM */
uint64_t lac_conf_number(const struct lac_conf *c, const char *name);  /* value >= 0 */
int64_t lac_conf_int(const struct lac_conf *c, const char *name);      /* may be negative */
bool lac_conf_bool(const struct lac_conf *c, const char *name);        /* BOOL */
unsigned lac_conf_choice(const struct lac_conf *c, const char *name);  /* ENUM: index of word */
bool lac_conf_is_set(const struct lac_conf *c, const char *name);      /* text is not "" */
enum lac_conf_origin lac_conf_source(const struct lac_conf *c, const char *name);

/* "default", "/etc/lacuna/lacuna.conf:12", "LACUNA_POSTGRES_URL", "--postgres-url" ... */
const char *lac_conf_source_text(const struct lac_conf *c, const char *name);

/* Overrides a value in code, e.g. what `lacuna dev` gives its children. `name` may be unknown
 * or `value` bad: LAC_FATAL and nothing changed. Secrets are allowed here. */
enum lac_status lac_conf_set(struct lac_conf *c, const char *name, const char *value,
                             struct lac_err *err) LAC_MUST_USE;

/* The file that was read, or NULL. */
const char *lac_conf_path(const struct lac_conf *c);

/* Where a file is looked for when none is named: `index` from 0 until NULL. */
const char *lac_conf_search_path(const struct lac_conf *c, size_t index);

/* Things a person should know about, for the caller to log once: `index` from 0 until NULL. */
const char *lac_conf_warning(const struct lac_conf *c, size_t index);

/* What a lenient load did not take, in order, NULL-terminated; `*count` may be NULL. */
char *const *lac_conf_rest(const struct lac_conf *c, size_t *count);

/* LAC_FATAL when `program` can't start with these settings: one that it needs is missing, or
 * two contradict each other. lac_conf_load() checks the program that loads. */
enum lac_status lac_conf_check(const struct lac_conf *c, enum lac_conf_program program,
                               struct lac_err *err) LAC_MUST_USE;

/*
 * What `lacuna config validate` says: the file, and one line for each program of the mask
 * `programs`, ok or why it could not start. Returns how many could not.
 */
unsigned lac_conf_report(const struct lac_conf *c, unsigned programs, struct lac_buf *buf);

enum lac_conf_format {
    LAC_CONF_AS_FILE, /* a valid file, with the source of each value as comment */
    LAC_CONF_AS_JSON, /* {"file":..,"settings":{"kafka.x":{"value":..,"source":..}}} */
};

/* All settings. `mask` hides secrets and the passwords inside URLs. Check lac_buf_ok(). */
void lac_conf_dump(const struct lac_conf *c, struct lac_buf *buf, enum lac_conf_format format,
                   bool mask);

/* Appends `text` with passwords in URLs and in key=value pairs replaced: fit for a log. */
void lac_conf_put_masked(struct lac_buf *buf, struct lac_str text);

/* The options of `program`, grouped, with defaults: the body of its --help. */
void lac_conf_help(struct lac_buf *buf, enum lac_conf_program program);

/* A configuration file with every setting explained and commented out. */
void lac_conf_sample(struct lac_buf *buf);

/* The known name that is nearest to `name`, or NULL when none is near. For error texts. */
const char *lac_conf_nearest(const char *name);

#endif
