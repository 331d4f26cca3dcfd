/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_decode - texts inside texts: percent, escapes, hex, base64
 *
 * Private to common/match. Decoders are pure and linear; each output byte knows where in the input
 * it comes from. What does not decode into text is not encoded text: a hash is no hex, a word is
 * no base64.
 *
 * Thread: any.
 */
#ifndef LAC_MATCH_DECODE_H
#define LAC_MATCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match.h"
#include "lac_str.h"

enum {
    LAC_MATCH_DECODE_RUN_LEAST = 16,   /* characters of hex or base64 that are looked at */
    LAC_MATCH_DECODE_BYTES = 64 << 10, /* most that is decoded at once */
    /* What two pieces of something longer have in common, and what is scanned with an escape: the
     * longest match that it is a part of, and the words around that, of which one may be needed. */
    LAC_MATCH_DECODE_OVERLAP = LAC_MATCH_PATTERN_WIDTH + LAC_MATCH_WINDOW_MAX + 64,
    LAC_MATCH_DECODE_DEPTH = 3, /* encodings around each other */
};

/* Decoded text. Byte i comes from the input's bytes [map[i], end), where end is map[i] + tail, or
 * map[i + 1] when tail is 0; map[len] is where decoding ended. */
struct lac_match_decoded {
    char *text;    /* LAC_MATCH_DECODE_BYTES */
    uint32_t *map; /* one more */
    size_t len;
    uint32_t tail;
};

/*
 * Resolves the escapes of the next stretch of `text` that has some, from `*from` on, with at least
 * LAC_MATCH_DECODE_OVERLAP bytes around them where the text has them: %41, \x41, \u0041, \u{41},
 * &#65;, &#x41;, and \n \r \t \" \\ \/ as C and JSON have them (RFC 3986, RFC 8259, HTML's
 * character references). `*from` is moved to where the next one is to be looked for. False: there
 * is none.
 */
bool lac_match_unescape(struct lac_str text, size_t *from, struct lac_match_decoded *out);

/* The next run of hex digits or base64 characters (RFC 4648, both alphabets, also over line ends
 * of equally long lines) in `text` from `*from` on. False: there is none. `*from` is moved behind
 * it. */
bool lac_match_next_run(struct lac_str text, size_t *from, size_t *start, size_t *end);

/* Decodes the first LAC_MATCH_DECODE_BYTES of a run; `goes_on`: of the rest of one, which may begin
 * inside of a character. False: it is no text. */
bool lac_match_unhex(struct lac_str text, size_t start, size_t end, bool goes_on,
                     struct lac_match_decoded *out);
bool lac_match_unbase64(struct lac_str text, size_t start, size_t end, bool goes_on,
                        struct lac_match_decoded *out);

#endif
