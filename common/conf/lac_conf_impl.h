/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_conf_impl - what the sources of settings share; private to common/conf
 *
 * Each source (file, environment, flags) finds the row for a name in its own spelling and
 * hands the text to lac_conf_put(), which checks it against the row. Sources are read from the
 * weakest to the strongest, so the last one wins without being compared.
 */
#ifndef LAC_CONF_IMPL_H
#define LAC_CONF_IMPL_H

#include "lac_conf.h"

enum {
    LAC_CONF_SECRET = 1 << 0,
    LAC_CONF_KEY_FILE = 1 << 1, /* the path of a key, which others should neither read nor write */
    LAC_CONF_LIST = 1 << 2,     /* comma-separated: a list of texts in a file will do */
};

/* Defaults that depend on where the program runs. */
enum lac_conf_computed {
    LAC_CONF_FIXED,
    LAC_CONF_HOST_NAME,
    LAC_CONF_STATE_DIR,
    LAC_CONF_PROGRAM_NAME
};

/* One setting. To add one, add a row in lac_conf_table.c next to its section. */
struct lac_conf_key {
    const char *name; /* "section.name", lower case; sections are contiguous */
    enum lac_conf_type type;
    unsigned programs; /* mask of lac_conf_program: who reads it */
    unsigned required; /* mask: who can't start without it */
    unsigned flags;    /* LAC_CONF_SECRET, LAC_CONF_KEY_FILE, LAC_CONF_LIST */
    int64_t min, max;  /* NUMBER, DURATION, SIZE */
    const char *words; /* ENUM: "a|b|c"; "a,x,y|b": x and y are other names of a */
    const char *deflt; /* goes through the same parser as input */
    enum lac_conf_computed computed;
    const char *deflt_note; /* for the help when the default is computed or means something */
    const char *aliases;    /* environment names with single underscores, blank-separated */
    const char *help;       /* one sentence */
};

extern const struct lac_conf_key lac_conf_keys[];
extern const size_t lac_conf_key_count;

struct lac_conf_value {
    char *text;     /* owned, canonical, never NULL after load */
    int64_t number; /* NUMBER, DURATION, SIZE, BOOL (0, 1), ENUM (index) */
    enum lac_conf_origin origin;
    char *where; /* owned; NULL for a default */
};

enum { LAC_CONF_SEARCH_MAX = 2 };

struct lac_conf {
    struct lac_conf_sources src;   /* file, envp and argv are borrowed */
    struct lac_conf_value *values; /* [lac_conf_key_count] */
    char *path;                    /* the file read, or NULL */
    char *search[LAC_CONF_SEARCH_MAX + 1];
    char *warnings[LAC_CONF_WARNINGS_MAX + 1];
    size_t warning_count;
    char **rest; /* [rest_count + 1], the words are borrowed from argv */
    size_t rest_count;
    const char *flag_file; /* of --config, borrowed from argv */
    enum lac_conf_ask asked;
};

/* --- lac_conf_check.c --- */

/* "lacuna-classify"; "lacuna" for the person's tool and whatever is none of them. */
const char *lac_conf_program_name(enum lac_conf_program program);

/* Warns of keys that others can read or write; what can't be looked at is left to its reader. */
void lac_conf_doubt_keys(struct lac_conf *c);

/* --- lac_conf.c --- */

/* Checks and stores a value. `where` is how the person wrote it, for messages and dumps. */
enum lac_status lac_conf_put(struct lac_conf *c, size_t key, enum lac_conf_origin origin,
                             const char *where, struct lac_str text, struct lac_err *err);
void lac_conf_warn(struct lac_conf *c, const char *fmt, ...) LAC_PRINTF(2, 3);

/* The value of an environment variable; NULL when it is absent or empty. */
const char *lac_conf_getenv(char *const *envp, const char *name);

/* --- lac_conf_value.c --- */

/* Parses `text` as the row's type. `canonical` gets what is shown and stored. LAC_FATAL with a
 * text that begins with "must" or "is" and never contains the value of a secret. */
enum lac_status lac_conf_parse(const struct lac_conf_key *key, struct lac_str text,
                               struct lac_buf *canonical, int64_t *number, struct lac_err *err);

/* The words of an ENUM row with commas between them. */
void lac_conf_words(const struct lac_conf_key *key, struct lac_buf *out);

/* The `index`th word of an ENUM row, absent when there is none. */
struct lac_str lac_conf_word(const struct lac_conf_key *key, size_t index);

/* --- lac_conf_name.c --- */

enum { LAC_CONF_NAME_MAX = 128 };
enum lac_conf_spelling { LAC_CONF_IN_FILE, LAC_CONF_IN_ENV, LAC_CONF_IN_FLAG };

/* A row, or the file form of a secret's row (password_file). */
struct lac_conf_name {
    size_t key;
    bool file_form;
};

/* Finds `name`, a key path, a LACUNA__ variable or a flag with its dashes. */
bool lac_conf_find(enum lac_conf_spelling spelling, struct lac_str name,
                   struct lac_conf_name *found);

/* The other way round; `out` has LAC_CONF_NAME_MAX bytes. */
void lac_conf_spell(char *out, enum lac_conf_spelling spelling, struct lac_conf_name name);

/* The nearest name in any spelling, or false when none is near enough to be meant. */
bool lac_conf_near(struct lac_str name, unsigned programs, struct lac_conf_name *found);

/* Fills `err` with "WHERE: X is not a setting; did you mean Y?", or with what lists all. */
enum lac_status lac_conf_unknown(enum lac_conf_spelling spelling, const char *where,
                                 struct lac_str name, unsigned programs, struct lac_err *err);

/* --- the sources --- */

enum lac_status lac_conf_read_file(struct lac_conf *c, const char *path, bool may_be_absent,
                                   struct lac_err *err);
enum lac_status lac_conf_read_text(struct lac_conf *c, const char *label, const char *text,
                                   size_t len, bool *has_secret, struct lac_err *err);
enum lac_status lac_conf_read_env(struct lac_conf *c, struct lac_err *err);

/* `apply` false only looks for --config, --help and --version. */
enum lac_status lac_conf_read_flags(struct lac_conf *c, bool apply, struct lac_err *err);

/* --- lac_conf_secret.c --- */

/* Reads a whole file of up to `max` bytes. `*out` is owned and NUL-terminated. */
enum lac_status lac_conf_slurp(char **out, size_t *len, unsigned *mode, const char *path,
                               size_t max, struct lac_err *err);
void lac_conf_wipe(char *text);

/* Warns when everybody on the machine can read or write the file at `path`, of that mode. */
void lac_conf_doubt_mode(struct lac_conf *c, const char *where, const char *path, unsigned mode);

/* Puts the content of the file `path` as the value of a secret. */
enum lac_status lac_conf_put_secret_file(struct lac_conf *c, size_t key,
                                         enum lac_conf_origin origin, const char *where,
                                         const char *path, struct lac_err *err);

/* True when masking would change `text`: a URL or a pair with a password in it. */
bool lac_conf_has_secret(struct lac_str text);

#endif
