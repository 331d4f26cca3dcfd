/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_json - JSON that strangers sent, and JSON that we write
 *
 * Reading is strict, because two readers that disagree about a document are how a filter is
 * passed: a key may occur once, numbers must fit, text must be UTF-8 without NUL, nesting is
 * bounded, nothing may follow the value. Error texts give a place and a reason and never a
 * byte of the input, which may be confidential.
 *
 * Writing goes straight into a lac_buf: no tree, no allocation besides the buffer's own.
 *
 * Thread: a document or a writer belongs to one thread at a time; different ones are
 * independent. A document that nobody changes or frees may be read by any number of threads.
 */
#ifndef LAC_JSON_H
#define LAC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum { LAC_JSON_DEPTH_MAX = 64 }; /* arrays and objects inside each other */

enum lac_json_kind {
    LAC_JSON_NULL,
    LAC_JSON_BOOL,
    LAC_JSON_INT,  /* written without fraction and exponent; fits int64_t */
    LAC_JSON_REAL, /* any other number; a finite double */
    LAC_JSON_STRING,
    LAC_JSON_ARRAY,
    LAC_JSON_OBJECT,
};

/* A value. The root is owned by who parsed it, all others are borrowed until it is freed. */
struct lac_json;

/*
 * Parses one value of any kind with optional blanks around it. Takes up to about 100 times
 * `text.len` of memory, so the caller bounds `text`; `text` is not needed afterwards.
 *
 * LAC_REJECT: not acceptable, text "line 3 column 14: why" (both count from 1, the column in
 * characters), code LAC_JSON_UNWANTED if as far as that place it is JSON, only not as we take it,
 * otherwise 0. LAC_RETRY: out of memory. `*out` is NULL then.
 */
enum { LAC_JSON_UNWANTED = 1 };
enum lac_status lac_json_parse(struct lac_json **out, struct lac_str text,
                               struct lac_err *err) LAC_MUST_USE;

/*
 * The same, but a whole number of more than 18 digits is a REAL. For files of other programs that
 * write "no limit" as 10^30 in full; not for what two readers must agree on.
 */
enum lac_status lac_json_parse_wide(struct lac_json **out, struct lac_str text,
                                    struct lac_err *err) LAC_MUST_USE;

/* Frees a whole document. NULL is fine. Never call it on a borrowed value. */
void lac_json_free(struct lac_json *root);

/* NULL, the absent value, is LAC_JSON_NULL. */
enum lac_json_kind lac_json_kind(const struct lac_json *v);

/* "null", "boolean", "integer", "number", "string", "array" or "object": for error texts. */
const char *lac_json_kind_name(enum lac_json_kind kind);

/* The member `key`, or NULL when absent or when `obj` is not an object. */
const struct lac_json *lac_json_get(const struct lac_json *obj, const char *key);

/* Members of an object, items of an array, 0 for everything else. */
size_t lac_json_size(const struct lac_json *v);

/* Item `index`, or NULL when there is none. */
const struct lac_json *lac_json_item(const struct lac_json *arr, size_t index);

/*
 * Walks an object in the order of the text:
 *
 *     for (struct lac_json_member m = {0}; lac_json_next(obj, &m);)
 *         ... m.key, m.value ...
 *
 * False at the end and for anything that is not an object.
 */
struct lac_json_member {
    struct lac_str key; /* borrowed until the document is freed */
    const struct lac_json *value;
    void *_at;
};
bool lac_json_next(const struct lac_json *obj, struct lac_json_member *m);

/* The characters, borrowed until the document is freed, NUL-terminated besides; absent
 * (ptr NULL) when `v` is not a string. */
struct lac_str lac_json_string(const struct lac_json *v);

/* 0 when `v` is not an integer: check lac_json_kind() first. */
int64_t lac_json_int(const struct lac_json *v);

/* Also converts an integer. 0 when `v` is not a number. */
double lac_json_real(const struct lac_json *v);

/* True only for `true`. */
bool lac_json_bool(const struct lac_json *v);

/* How many of the first bytes of `s` stand for themselves in a JSON string: printable ASCII but the
 * quote and the backslash. */
size_t lac_json_plain_prefix(struct lac_str s);

/*
 * The writer. Commas come by themselves; a call sequence that is not JSON (a key in an array,
 * a close too many) is our mistake and aborts. Text that does not fit marks the buffer failed.
 */
struct lac_json_writer {
    struct lac_buf *buf; /* borrowed until the last call */
    uint64_t _objects;   /* bit n: the level n is an object */
    uint32_t _depth;
    bool _in_object; /* the level that is written is one */
    bool _comma;     /* a comma is due before the next value or key */
    bool _pending;   /* a key waits for its value */
};

void lac_json_begin(struct lac_json_writer *w, struct lac_buf *buf);

/* True when everything opened is closed and all of it is in the buffer. */
bool lac_json_done(const struct lac_json_writer *w) LAC_MUST_USE;

void lac_json_open_object(struct lac_json_writer *w);
void lac_json_close_object(struct lac_json_writer *w);
void lac_json_open_array(struct lac_json_writer *w);
void lac_json_close_array(struct lac_json_writer *w);

void lac_json_key(struct lac_json_writer *w, const char *key);
void lac_json_key_str(struct lac_json_writer *w, struct lac_str key);

/* lac_json_key() for a string literal (it takes nothing else) whose characters all stand for
 * themselves: nothing is looked at, and the compiler knows how much is copied.
 * NOLINTNEXTLINE(readability-identifier-naming): it is called like the others */
#define lac_json_key_literal(w, key) \
    lac_json_key_ready((w), ",\"" key "\":", sizeof(",\"" key "\":") - 1)
static inline void lac_json_key_ready(struct lac_json_writer *w, const char *text, size_t size)
{
    char *to = lac_buf_reserve(w->buf, size);

    LAC_ASSERT(w->_in_object && !w->_pending);
    if (to && w->_comma) {
        memcpy(to, text, size);
        lac_buf_commit(w->buf, size);
    } else if (to) {
        memcpy(to, text + 1, size - 1);
        lac_buf_commit(w->buf, size - 1);
    }
    w->_comma = false;
    w->_pending = true;
}

/* Each byte that is not part of well-formed UTF-8 becomes U+FFFD. An absent string or a NULL
 * text is written as null. */
void lac_json_put_str(struct lac_json_writer *w, struct lac_str s);
void lac_json_put_text(struct lac_json_writer *w, const char *text);
void lac_json_put_int(struct lac_json_writer *w, int64_t v);
void lac_json_put_uint(struct lac_json_writer *w, uint64_t v);
void lac_json_put_bool(struct lac_json_writer *w, bool v);
void lac_json_put_null(struct lac_json_writer *w);

/* Parts per million as a decimal: 123456 is 0.123456, 500000 is 0.5, 1000000 is 1. */
void lac_json_put_ppm(struct lac_json_writer *w, uint32_t ppm);

/* A decimal of at most 17 digits that reads back as `v`; null when `v` is not finite. */
void lac_json_put_real(struct lac_json_writer *w, double v);

/* Bytes as lower-case hex in a string. */
void lac_json_put_hex(struct lac_json_writer *w, const void *data, size_t size);

/* A whole parsed value, members in their order. */
void lac_json_put_value(struct lac_json_writer *w, const struct lac_json *v);

/* `json` is one value that is JSON already; it is not checked. */
void lac_json_put_raw(struct lac_json_writer *w, struct lac_str json);

#endif
