/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_event_id - the idempotency key of everything downstream of a request
 *
 * A pure function of where the request stands in which log, so that a worker that reads a record
 * twice, or two workers that read the same record, give its decision the same key.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_EVENT_ID_H
#define LAC_EVENT_ID_H

#include <stdint.h>

#include "lac_compiler.h"
#include "lac_records.h"
#include "lac_str.h"

enum { LAC_EVENT_ID_NAME_MAX = 1024 }; /* bytes of origin, and of topic */

/*
 * First 16 bytes of SHA-256 over "lacuna/1", origin, topic, partition, offset and timestamp (of
 * the record, in ms), each as a 4-byte big-endian length and its bytes; numbers are decimal text.
 * `topic` is the full name, prefix included. Both names are
 * our own configuration's or Kafka's: a longer one aborts.
 */
void lac_event_id_make(struct lac_event_id *out, struct lac_str origin, struct lac_str topic,
                       int32_t partition, int64_t offset, int64_t timestamp_ms);

enum { LAC_EVENT_ID_TEXT_SIZE = 33 }; /* 32 lower-case hex digits and a NUL */

void lac_event_id_format(char out[LAC_EVENT_ID_TEXT_SIZE], const struct lac_event_id *id);

/* Takes exactly 32 hex digits of either case. */
bool lac_event_id_parse(struct lac_str text, struct lac_event_id *out) LAC_MUST_USE;

#endif
