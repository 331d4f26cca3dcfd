/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_wire - record values as they stand on a topic: framing, foreign schemas, JSON
 *
 * Accepted: Confluent's registry framing (0x00 and a 4-byte big-endian schema id), Avro
 * single-object encoding (0xC3 0x01 and the CRC-64-AVRO fingerprint), JSON. The content type
 * decides; without one the first byte does. A writer schema that is ours byte for byte is read by
 * the generated decoder; any other is compiled once into a bounded op program (lac_opprogram.h)
 * and kept.
 *
 * Thread: owner. A lane has its own; they share nothing but the schema source.
 */
#ifndef LAC_WIRE_H
#define LAC_WIRE_H

#include <stdint.h>

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_record.h"
#include "lac_str.h"

/* Where unknown schema ids are looked up. common/registry has one for a schema registry. */
struct lac_schema_source {
    void *ctx;
    /*
     * `*schema` is the Avro schema's JSON text, borrowed until the next call with this ctx.
     * LAC_RETRY: the registry can't be asked now. LAC_REJECT: it does not know the id, or what it
     * has is not Avro.
     */
    enum lac_status (*by_id)(void *ctx, uint32_t id, struct lac_str *schema, struct lac_err *err);
};

struct lac_wire;

enum {
    LAC_WIRE_SCHEMAS_MAX = 256,      /* foreign schemas kept; the longest unused gives way */
    LAC_WIRE_SCHEMA_BYTES = 1 << 20, /* of one schema's JSON */
    LAC_WIRE_JSON_BYTES = 4 << 20,   /* of a JSON payload: parsing takes a multiple of it */
};

/* `source` is copied, its ctx borrowed until close; NULL: only our own schemas are known. */
enum lac_status lac_wire_open(struct lac_wire **out, const struct lac_schema_source *source,
                              struct lac_err *err) LAC_MUST_USE;

void lac_wire_close(struct lac_wire *w);

/*
 * Reads one value of type `t` into `out` (t->size bytes). The record borrows from `payload` and
 * from `a` and is valid as long as both are; JSON texts are copied into `a`. `content_type` may be
 * absent (ptr NULL).
 *
 * LAC_REJECT: malformed, or a schema that nobody knows or that can't be read as `t`; the text
 * names field and byte or JSON pointer, never content. LAC_RETRY: the schema source can't be asked
 * now. LAC_AGAIN: the arena is full; where it was empty before, the value is too large for it and
 * must be rejected.
 */
enum lac_status lac_wire_read(struct lac_wire *w, const struct lac_record_type *t, void *out,
                              struct lac_str payload, struct lac_str content_type,
                              struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;

/* From now on lac_wire_write() frames values of type `t` with this registry id. */
void lac_wire_set_id(struct lac_wire *w, const struct lac_record_type *t, uint32_t id);

/*
 * Encodes `record` of type `t` into memory of `a`, framed: registry framing if an id was set,
 * single-object otherwise. `*bytes` is valid until the arena is reset. LAC_AGAIN: the arena is
 * full.
 */
enum lac_status lac_wire_write(struct lac_wire *w, const struct lac_record_type *t,
                               const void *record, struct lac_arena *a, struct lac_str *bytes,
                               struct lac_err *err) LAC_MUST_USE;

/* The content type of what lac_wire_write() makes: "application/avro". */
#define LAC_WIRE_CONTENT_TYPE "application/avro"

#endif
