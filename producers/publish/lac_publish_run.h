/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_run - the work of lacuna-publish between its options and its exit status
 *
 * Thread: main.
 */
#ifndef LAC_PUBLISH_RUN_H
#define LAC_PUBLISH_RUN_H

#include "lac_publish_input.h"
#include "lac_tool.h"

enum lac_publish_key {
    LAC_PUBLISH_KEY_NONE,
    LAC_PUBLISH_KEY_REQUEST_ID,
    LAC_PUBLISH_KEY_USER,
    LAC_PUBLISH_KEY_SESSION,
    LAC_PUBLISH_KEY_SUBJECT,
    LAC_PUBLISH_KEY_PROJECT,
};

struct lac_publish_options {
    enum lac_publish_format format;
    enum lac_publish_key key;
    const char *format_word, *key_word; /* what was said for them */
    struct lac_publish_defaults defaults;
    const char *topic; /* with or without the prefix */
    bool skip_errors, restart, quiet, json;
    bool wait, table;
    uint64_t wait_ms;
};

/* Publishes what the tool's operands name. Returns the exit status; everything is said. */
int lac_publish_run(const struct lac_tool *t, const struct lac_publish_options *o);

#endif
