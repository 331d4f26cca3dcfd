/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_scan_body - what a request to scan or redact asks for
 *
 * The members are told in lac_bridge_scan.h. Error texts name places and what was expected there,
 * never what was sent.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_BRIDGE_SCAN_BODY_H
#define LAC_BRIDGE_SCAN_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_json.h"
#include "lac_match.h"

enum {
    LAC_BRIDGE_SCAN_TEXTS_MAX = 1000, /* of one request */
    LAC_BRIDGE_SCAN_NAMES_MAX = 64,   /* entities of one request */
};

/* Borrows from the document. */
struct lac_bridge_scan_body {
    const struct lac_json *text;  /* a string; NULL: texts */
    const struct lac_json *texts; /* 1 to LAC_BRIDGE_SCAN_TEXTS_MAX strings; NULL: text */
    struct lac_str entities[LAC_BRIDGE_SCAN_NAMES_MAX];
    size_t entity_count;
    uint32_t min_score; /* ppm */
    bool has_mode;      /* only where `redact` */
    enum lac_match_redaction mode;
};

/* LAC_REJECT: err->code is the HTTP status, 422; `q` is undefined. */
enum lac_status lac_bridge_scan_body_read(struct lac_bridge_scan_body *q,
                                          const struct lac_json *body, bool redact,
                                          struct lac_err *err) LAC_MUST_USE;

#endif
