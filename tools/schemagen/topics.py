# SPDX-License-Identifier: Apache-2.0
"""The table of topics: checks schemas/topics.json, writes lac_topics.h and lac_topics.c."""
import json

from cnames import string

KEYS = {"name", "key", "value", "writers", "readers", "group", "partitions", "retention_ms",
        "cleanup", "text", "access", "tenant", "doc"}

HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from schemas/topics.json by tools/schemagen: do not edit. */
"""

HEADER = """/*
 * lac_topics - every topic of the system: what is on it, who writes and who reads it
 *
 * `lacuna topics create` makes the topics from this table, the README's table is printed from the
 * same source.
 *
 * Thread: any. The table is immutable.
 */
#ifndef LAC_TOPICS_H
#define LAC_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_record.h"
#include "lac_str.h"

enum lac_topic_id {
%(ids)s
    LAC_TOPIC_COUNT,
};

#define LAC_TOPIC_PREFIX "%(prefix)s" /* the default of kafka.topic_prefix */

struct lac_topic {
    const char *name;  /* without the prefix: "requests.interactive" */
    const char *key;   /* what the record's key is, in words */
    const char *value; /* name of the record, or "as received", in words */
    const struct lac_record_type *type; /* of the value; NULL: as received */
    const char *const *writers;         /* programs, NULL-terminated */
    const char *const *readers;         /* programs, NULL-terminated */
    const char *group;                  /* consumer group of the reader; "" none */
    int64_t retention_ms;               /* -1: for ever */
    uint32_t partitions;                /* when it is created */
    bool text;                          /* carries what people wrote */
    const char *cleanup;                /* "delete" or "compact": cleanup.policy */
    const char *access;                 /* who may read and write it, in words */
    const char *tenant; /* whose records these are; NULL: the record says so itself */
    const char *doc;    /* one sentence */
};

/* Indexed by enum lac_topic_id. */
extern const struct lac_topic lac_topics[LAC_TOPIC_COUNT];

enum { LAC_TOPIC_NAME_SIZE = 250 }; /* Kafka's limit is 249 characters */

/* Writes prefix and name, e.g. "lacuna.requests". False: longer than Kafka allows, or a character
 * that Kafka refuses in a name (letters, digits, '.', '_' and '-' are allowed). */
bool lac_topic_full_name(char out[LAC_TOPIC_NAME_SIZE], const char *prefix,
                         enum lac_topic_id id) LAC_MUST_USE;

/* The topic called `name`, with or without `prefix`; LAC_TOPIC_COUNT: none of ours. */
enum lac_topic_id lac_topic_find(const char *prefix, struct lac_str name);

/*
 * The consumer group that reads topic `id`. Prefixes keep installations on one cluster apart, so
 * a group carries its own: with the prefix "lacuna." it is "lacuna-classify", with "test." it is
 * "test-classify". Also the stem of transactional ids. False: `prefix` is too long. Aborts for a
 * topic that no group reads.
 */
bool lac_topic_group(char out[LAC_TOPIC_NAME_SIZE], const char *prefix,
                     enum lac_topic_id id) LAC_MUST_USE;

#endif
"""


def load(path, records):
    with open(path, encoding="utf-8") as f:
        table = json.load(f)
    for t in table["topics"]:
        if set(t) != KEYS:
            raise ValueError(f"{path}: {t.get('name')}: keys {sorted(set(t) ^ KEYS)}")
        if t["value"] not in records and t["value"] != "as received":
            raise ValueError(f"{path}: {t['name']}: no record {t['value']}")
        if t["cleanup"] not in ("delete", "compact"):
            raise ValueError(f"{path}: {t['name']}: cleanup {t['cleanup']}")
        if not 1 <= t["partitions"] <= 1000 or t["retention_ms"] < -1 or t["retention_ms"] == 0:
            raise ValueError(f"{path}: {t['name']}: partitions or retention")
    return table


def ident(topic):
    return "LAC_TOPIC_" + topic["name"].replace(".", "_").upper()


def header(table):
    ids = "\n".join(f"    {ident(t)}, /* {t['doc']} */" for t in table["topics"])
    return HEAD + HEADER % {"ids": ids, "prefix": table["prefix"]}


def source(table, stem):
    out = [HEAD, '#include "lac_topics.h"\n\n#include "lac_records.h"\n\n',
           "const struct lac_topic lac_topics[LAC_TOPIC_COUNT] = {\n"]
    for t in table["topics"]:
        received = t["value"] == "as received"
        rows = [("name", string(t["name"])), ("key", string(t["key"])),
                ("value", string(t["value"])),
                ("type", "NULL" if received else f"&lac_{stem(t['value'])}_type"),
                ("writers", strings(t["writers"])), ("readers", strings(t["readers"])),
                ("group", string(t["group"])), ("partitions", str(t["partitions"])),
                ("retention_ms", str(t["retention_ms"])), ("cleanup", string(t["cleanup"])),
                ("text", "true" if t["text"] else "false"), ("access", string(t["access"])),
                ("tenant", string(t["tenant"]) if t["tenant"] is not None else "NULL"),
                ("doc", string(t["doc"]))]
        out.append(f"    [{ident(t)}] = {{\n")
        out += [f"        .{name} = {value},\n" for name, value in rows]
        out.append("    },\n")
    out.append("};\n")
    return "".join(out)


def strings(items):
    return "(const char *const[]){" + "".join(string(i) + ", " for i in items) + "NULL}"


def duration(ms):
    if ms == -1:
        return "for ever"
    for unit, size in (("d", 86400000), ("h", 3600000), ("min", 60000)):
        if ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms} ms"


def markdown(table):
    lines = ["| topic | key | value | written by → read by | group | partitions | retention | text | note |",
             "|---|---|---|---|---|---|---|---|---|"]
    for t in table["topics"]:
        kept = "compacted" if t["cleanup"] == "compact" else duration(t["retention_ms"])
        lines.append(
            f"| `{table['prefix']}{t['name']}` | {t['key']} | {t['value']} "
            f"| {', '.join(t['writers'])} → {', '.join(t['readers'])} "
            f"| {'`' + t['group'] + '`' if t['group'] else ''} | {t['partitions']} | {kept} "
            f"| {'yes: ' + t['access'] if t['text'] else 'no'} | {t['doc']} |")
    return "\n".join(lines) + "\n"
