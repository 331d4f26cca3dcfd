/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_data - the labelled texts of a training
 *
 * They come as JSON lines of two kinds:
 *
 *     {"id": "eng-0001", "text": "...", "tier": "INTERNAL", "domain": "engineering"}
 *     {"event_id": "00..0f", "tier": "PUBLIC", "who": "ana", "why": "...", "at": 1763700000000}
 *
 * The second is what people said about decisions, lacuna.feedback, as `lacuna tail` prints it (in
 * "value") or alone; feedback carries no text, so it waits for the request's: see
 * lac_head_data_join(). Of several opinions about one event the latest counts ("at", then the later
 * line); it also counts before the tier of a text whose id is the event's. A "domain" is where a
 * text comes from; texts of a file without it share the file's. Further members, such as "kind" and
 * "note", are for people.
 *
 * Error texts give file, line and id, never a text.
 *
 * Thread: owner.
 */
#ifndef LAC_HEAD_DATA_H
#define LAC_HEAD_DATA_H

#include "lac_head_train.h"

enum {
    LAC_HEAD_DATA_MAX = 65536,       /* lines of all files */
    LAC_HEAD_DATA_BYTES = 256 << 20, /* of one file */
    LAC_HEAD_TEXT_MAX = 1 << 20,     /* bytes of one text */
};

struct lac_head_data;

struct lac_head_text {
    struct lac_str id, text; /* borrowed until lac_head_data_free() */
    enum lac_tier tier;
    uint16_t domain; /* see lac_head_data_domain() */
};

/* RETRY: no memory. */
enum lac_status lac_head_data_new(struct lac_head_data **out, struct lac_err *err) LAC_MUST_USE;
void lac_head_data_free(struct lac_head_data *d); /* accepts NULL */

/* Takes a file's lines; empty ones are passed over. `file` is for errors, `domain` for lines that
 * name none. REJECT: "FILE:LINE: why". */
enum lac_status lac_head_data_add(struct lac_head_data *d, const char *file, struct lac_str domain,
                                  struct lac_str lines, struct lac_err *err) LAC_MUST_USE;

/* The text of the request behind an event, 32 hex digits: becomes a labelled text if there is
 * feedback about it, else nothing happens. After the first call no more files can be added. */
enum lac_status lac_head_data_join(struct lac_head_data *d, struct lac_str event_id,
                                   struct lac_str text, struct lac_err *err) LAC_MUST_USE;

/*
 * Sorts by id. After it, and not before, what follows may be asked. REJECT: "FILE:LINE: why":
 * an id twice, or the same text with two tiers. Texts that are there twice with the same tier are
 * kept once.
 */
enum lac_status lac_head_data_finish(struct lac_head_data *d, struct lac_err *err) LAC_MUST_USE;

size_t lac_head_data_count(const struct lac_head_data *d);
const struct lac_head_text *lac_head_data_at(const struct lac_head_data *d, size_t index);
uint32_t lac_head_data_domains(const struct lac_head_data *d);
/* Sorted by name. */
struct lac_str lac_head_data_domain(const struct lac_head_data *d, uint32_t index);
/* Feedback whose request was not found. */
size_t lac_head_data_waiting(const struct lac_head_data *d);
/* Texts that were there twice. */
size_t lac_head_data_doubles(const struct lac_head_data *d);
/* SHA-256 over id, tier, domain and text of each, every one as 4 bytes of length, big-endian, and
 * its bytes, in the order of ids. LAC_HEAD_HASH_SIZE bytes. */
const unsigned char *lac_head_data_hash(const struct lac_head_data *d);

/* Lines so far, and how many of them are feedback; before finish. */
size_t lac_head_data_lines(const struct lac_head_data *d);
size_t lac_head_data_feedback(const struct lac_head_data *d);

#endif
