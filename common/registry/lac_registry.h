/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_registry - schemas by id from a schema registry, and ours registered there
 *
 * Speaks the interface of Confluent's registry, which others (Apicurio, Karapace, Redpanda) offer
 * too. A schema never changes under its id, so what was fetched is kept; what the registry does
 * not know is remembered for a while only, because it may be registered later. A registry that
 * can't be asked is never taken for one that does not know: its records wait.
 *
 * Thread: owner; a lane has its own. Calls block, at most `timeout_ms` each.
 */
#ifndef LAC_REGISTRY_H
#define LAC_REGISTRY_H

#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"
#include "lac_wire.h"

struct lac_registry;

struct lac_registry_options {
    const char *url;      /* "http://registry:8081", with the path to the interface, if any */
    const char *username; /* NULL or "": no authentication */
    const char *password;
    const char *ca_file;     /* PEM; NULL: the system's */
    uint32_t timeout_ms;     /* 0: 5000 */
    uint32_t unknown_ttl_ms; /* 0: 30000; how long an unknown id is not asked for again */
    uint32_t down_ttl_ms;    /* 0: 1000; how long a registry that failed is left alone */
};

enum {
    LAC_REGISTRY_SCHEMAS_MAX = 256,    /* kept; the longest unused gives way */
    LAC_REGISTRY_BYTES_MAX = 16 << 20, /* of all kept schemas together */
};

struct lac_conf;

/* What the registry.* keys say; texts stay borrowed from `c`. An empty url: there is none. */
struct lac_registry_options lac_registry_options_from_conf(const struct lac_conf *c);

/* Options are copied; nothing is contacted yet. LAC_FATAL: no URL, or out of memory. */
enum lac_status lac_registry_open(struct lac_registry **out,
                                  const struct lac_registry_options *options,
                                  struct lac_err *err) LAC_MUST_USE;

void lac_registry_close(struct lac_registry *r); /* NULL is fine */

/*
 * The schema with this id. `*schema` is borrowed until the next call. LAC_REJECT: the registry
 * does not know it, it is no Avro schema, it refers to other subjects, or it is over
 * LAC_WIRE_SCHEMA_BYTES. LAC_RETRY: no answer that can be relied on.
 */
enum lac_status lac_registry_by_id(struct lac_registry *r, uint32_t id, struct lac_str *schema,
                                   struct lac_err *err) LAC_MUST_USE;

/* The same for lac_wire_open(); valid as long as `r`. */
struct lac_schema_source lac_registry_source(struct lac_registry *r);

/*
 * Registers `schema` under `subject` ("<topic>-value"), which is a look-up if it is there
 * already. LAC_REJECT: the registry refuses it (invalid, or incompatible with what is there).
 * LAC_RETRY: no answer that can be relied on.
 */
enum lac_status lac_registry_register(struct lac_registry *r, struct lac_str subject,
                                      struct lac_str schema, uint32_t *id,
                                      struct lac_err *err) LAC_MUST_USE;

#endif
