/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_redact - a text without what was found in it
 *
 * Takes the places that were found and writes the text with something harmless instead of each:
 * the entity's name, stars, stars but for the last four, or a keyed hash. Every byte outside of
 * the places is copied as it is.
 *
 * Places that overlap are one: the most important of them gives the name, and the least telling
 * of their ways counts, so that a card number inside a secret does not show its last digits.
 *
 * The hash is HMAC-SHA-256 over entity and folded text: the same value gives the same hash under
 * the same key, so redacted texts can still be joined, and without the key nobody can find a
 * value by trying all of them, which for a phone number takes seconds.
 *
 * Thread: a struct lac_redact belongs to one thread at a time.
 */
#ifndef LAC_REDACT_H
#define LAC_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_match.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_REDACT_KEY_MIN = 16,        /* bytes of a key */
    LAC_REDACT_HASH_DIGITS = 16,    /* hexadecimal digits of the hash that are shown */
    LAC_REDACT_LAST4_LEAST = 8,     /* letters and digits a place needs to show four of them */
    LAC_REDACT_NORMAL_BYTES = 4096, /* a longer place is hashed as it stands, not folded */
};

/* One place: bytes [start, end) of the text. */
struct lac_redact_span {
    size_t start, end;
    struct lac_str entity; /* borrowed during the call */
    enum lac_match_redaction how;
    enum lac_tier tier; /* more important is: the higher tier, then the higher score */
    uint32_t score;     /* ppm */
};

struct lac_redact;

/*
 * `key` (copied) makes the hashes; an absent one is a random key that nobody knows, so that
 * hashes can be compared within one lac_redact only. FATAL: a key that is too short, or no memory.
 */
enum lac_status lac_redact_open(struct lac_redact **out, struct lac_str key,
                                struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. Wipes the key. */
void lac_redact_close(struct lac_redact *r);

/* "replace", "mask", "last4", "hash". False leaves `*out` untouched. */
bool lac_redact_how_parse(struct lac_str text, enum lac_match_redaction *out) LAC_MUST_USE;

/*
 * Appends `text` to `out` with `n` spans replaced; `spans` are sorted by start, lie inside of the
 * text and are not empty. Returns how many places were replaced, overlapping ones as one. Check
 * lac_buf_ok(out) before using it.
 */
size_t lac_redact_text(struct lac_redact *r, struct lac_str text,
                       const struct lac_redact_span *spans, size_t n, struct lac_buf *out);

#endif
