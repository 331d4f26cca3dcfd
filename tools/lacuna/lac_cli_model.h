/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_model - what the commands about sentence encoders share
 *
 * Thread: main.
 */
#ifndef LAC_CLI_MODEL_H
#define LAC_CLI_MODEL_H

#include "lac_cli.h"
#include "lac_encode_store.h"

/* The store's folder, as configured. Returns -1, or the exit status with everything said. */
int lac_cli_model_store(const struct lac_tool *t, char out[PATH_MAX]);

/* Opens a model by folder, name or hash. Returns -1, or the exit status. */
int lac_cli_model_open(const struct lac_tool *t, const char *what, struct lac_encode_model **out);

/* A model that can be had by its name alone. */
struct lac_cli_model_known {
    const char *name;
    const char *hash;   /* of what it must be, hex */
    const char *wheel;  /* "package==version" on PyPI that holds it */
    const char *inside; /* its folder in the wheel */
};

/* The one for a start: small, and what the built-in pack learned with. */
#define LAC_CLI_MODEL_FIRST "all-minilm-l6-v2"

/* By name or by the whole hash. NULL: there is none. */
const struct lac_cli_model_known *lac_cli_model_known(const char *name);

/* Whether tools/setup has put it on this machine already; `out` is where. */
bool lac_cli_model_cached(const struct lac_cli_model_known *known, char out[PATH_MAX]) LAC_MUST_USE;

/* What to open for `what`, a folder, name or hash: itself, or where tools/setup has put the model
 * of that name when the store has none. Borrowed from `what` or `path`. */
const char *lac_cli_model_where(const char *store, const char *what, char path[PATH_MAX]);

/* Fetches it with pip into a new folder below `into`; `out` is where the model lies then. RETRY:
 * pip, Python or the network can't do it; the text says which, with pip's last line. */
enum lac_status lac_cli_model_fetch(const struct lac_cli_model_known *known, const char *into,
                                    char out[PATH_MAX], struct lac_err *err) LAC_MUST_USE;

#endif
