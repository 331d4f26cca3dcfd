/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_decode - texts inside texts: escapes, hex, base64
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

/* UTF-8, or UTF-16 in one of its orders. */
enum lac_match_wide { LAC_MATCH_NARROW, LAC_MATCH_WIDE_LITTLE, LAC_MATCH_WIDE_BIG };

/* Decoded text. Byte i comes from the input's bytes [map[i], end), where end is map[i] + tail, or
 * map[i + 1] when tail is 0; map[len] is where decoding ended. */
struct lac_match_decoded {
    char *text;    /* LAC_MATCH_DECODE_BYTES */
    uint32_t *map; /* one more */
    size_t len;
    uint32_t tail;
    /* Of a run: where the rest of it begins, and whether that is the next piece of the same
     * text. */
    size_t next;
    bool goes_on;
    bool hex;                 /* what kind of run it is, for the next piece */
    enum lac_match_wide wide; /* likewise */
};

/*
 * Resolves the escapes of the next stretch of `text` that has some, from `*from` on, with at least
 * LAC_MATCH_DECODE_OVERLAP bytes around them where the text has them: %41 %u0041 (RFC 3986,
 * ECMAScript), \x41 \u0041 \u{41} \U00000041 \101 \n \r \t and a backslash before punctuation (C,
 * RFC 8259, CommonMark), &#65; &#x41; &nbsp; (HTML), =41=42 =3D and soft line ends (RFC 2045).
 * `*from` is moved to where the next one is to be looked for. False: there is none.
 */
bool lac_match_unescape(struct lac_str text, size_t *from, struct lac_match_decoded *out);

/* What unescaping and joining do with what they leave as it is: where a stretch begins that has an
 * escape at `escape`, where it ends when decoding has come to `at`, and [at, end), as far as there
 * is room, which returns where that ends. */
size_t lac_match_stretch_begin(struct lac_str t, size_t from, size_t escape);
size_t lac_match_stretch_end(struct lac_str t, size_t at);
size_t lac_match_put_plain(struct lac_match_decoded *out, struct lac_str t, size_t at, size_t end);

struct lac_match_seam;
struct lac_match_cuts;

/*
 * The text around the next of the sorted `seams` from `*next` on, without them. A token may go on
 * in one line or in more, and a number may have had a blank where a line ends: each pass, of
 * lac_match_join_passes(), tries another way. False: there are no more.
 */
bool lac_match_join(struct lac_str text, const struct lac_match_seam *seams, size_t count,
                    size_t *next, unsigned pass, struct lac_match_decoded *out,
                    struct lac_match_cuts *cuts);
unsigned lac_match_join_passes(const struct lac_match_seam *seams, size_t count);

/* What the seams are of (enum lac_match_join) that lay inside [start, end) of the joined text. */
unsigned lac_match_joins_in(const struct lac_match_cuts *cuts, size_t start, size_t end);

/* The next run of hex digits or base64 characters (RFC 4648, both alphabets, also over line ends
 * behind long lines) in `text` from `*from` on. False: there is none. `*from` is moved behind
 * it. */
bool lac_match_next_run(struct lac_str text, size_t *from, size_t *start, size_t *end);

/* The next line of a run that ends at `end`, from `*from` on, which is moved to the one behind it.
 * False: there is none. */
bool lac_match_run_line(struct lac_str text, size_t *from, size_t end, size_t *start, size_t *stop);

/* Whether the lines of a run are those of one text: of a width that programs wrap to, and the last
 * not longer. Others may be a list, in which a line's end is a text's. One line is one text. */
bool lac_match_run_is_wrapped(struct lac_str text, size_t start, size_t end);

/*
 * Decodes a run, hex or base64, of UTF-8 or UTF-16; LAC_MATCH_DECODE_BYTES at most, and as far as
 * it is text. `goes_on`: `start` is the `next` of the piece before, which is in `out`, and may lie
 * inside of a character. False: it does not begin with text, or with too little of it.
 */
bool lac_match_decode(struct lac_str text, size_t start, size_t end, bool goes_on,
                      struct lac_match_decoded *out);

/* The same from the first place of [*from, end) where text begins: `*from` itself, behind what
 * joins names and paths, or with a line. `*from` is moved behind it. False: there is none.
 * `refused`: lac_match_decode() has already said that none begins at `*from`. */
bool lac_match_decode_part(struct lac_str text, size_t *from, size_t end, bool refused,
                           struct lac_match_decoded *out);

#endif
