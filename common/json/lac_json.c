/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_json.h"

#include <jansson.h>

/* struct lac_json is jansson's json_t under another name, and never defined. */
static const json_t *inner(const struct lac_json *v)
{
    return (const json_t *)(const void *)v;
}

static const struct lac_json *outer(const json_t *v)
{
    return (const struct lac_json *)(const void *)v;
}

/*
 * The reader descends by recursion, so depth is checked before it sees the text. This needs
 * no grammar: brackets count outside of strings, and what is unbalanced the reader refuses.
 */
static enum lac_status check_depth(struct lac_str text, struct lac_err *err)
{
    size_t line = 1, column = 1, depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (in_string) {
            if (c == '\\' && i + 1 < text.len && (unsigned char)text.ptr[i + 1] >= 0x20) {
                i++;
                column++;
            } else if (c == '"' || c == '\n') { /* a raw line end in a string is refused later */
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > LAC_JSON_DEPTH_MAX)
                return lac_err_set(err, LAC_REJECT, 0,
                                   "line %zu column %zu: nested deeper than %d levels", line,
                                   column, LAC_JSON_DEPTH_MAX);
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (c == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)c & 0xC0) != 0x80) {
            column++;
        }
    }
    return LAC_OK;
}

/* "\ud800" without its other half: what cuts texts between two UTF-16 units writes that. The
 * library has no code for it. */
static bool is_half_character(const json_error_t *e)
{
    static const char text[] = "invalid Unicode '\\u";

    return strncmp(e->text, text, sizeof text - 1) == 0;
}

/* JSON allows it, and two readers may make different things of it. */
static bool is_unwanted(const json_error_t *e)
{
    switch (json_error_code(e)) {
    case json_error_null_character:
    case json_error_null_byte_in_key:
    case json_error_duplicate_key:
    case json_error_numeric_overflow:
        return true;
    default:
        return is_half_character(e);
    }
}

/* The library's own text quotes the input, so it is not passed on. */
static const char *reason(const json_error_t *e)
{
    switch (json_error_code(e)) {
    case json_error_stack_overflow:
        return "nested too deep";
    case json_error_invalid_utf8:
        return "not valid UTF-8";
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL character is not allowed";
    case json_error_duplicate_key:
        return "a key occurs twice in one object";
    case json_error_numeric_overflow:
        return "a number is out of range";
    default:
        return is_half_character(e) ? "half of a surrogate pair" : "not JSON here";
    }
}

enum lac_status lac_json_parse(struct lac_json **out, struct lac_str text, struct lac_err *err)
{
    enum lac_status status;
    json_error_t e;
    json_t *root;

    *out = NULL;
    status = check_depth(text, err);
    if (status != LAC_OK)
        return status;
    root = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                      &e);
    if (!root) {
        if (json_error_code(&e) == json_error_out_of_memory)
            return lac_err_set(err, LAC_RETRY, 0, "json: out of memory");
        /* Column 0 means before the first character of the line. */
        return lac_err_set(err, LAC_REJECT, is_unwanted(&e) ? LAC_JSON_UNWANTED : 0,
                           "line %d column %d: %s", e.line > 0 ? e.line : 1,
                           e.column > 0 ? e.column : 1, reason(&e));
    }
    *out = (struct lac_json *)(void *)root;
    return LAC_OK;
}

enum { WHOLE_DIGITS = 18 }; /* so many always fit int64_t */

/* The end of the next whole number of more digits than that, from a place outside of strings. */
static bool next_long(struct lac_str text, size_t at, size_t *end)
{
    bool in_string = false;

    while (at < text.len) {
        size_t begin = at;
        bool whole = true;
        char c = text.ptr[at];

        if (in_string || c < '0' || c > '9') {
            at += in_string && c == '\\' ? 2 : 1;
            in_string = in_string != (c == '"');
            continue;
        }
        for (; at < text.len && text.ptr[at] && strchr("0123456789.eE+-", text.ptr[at]); at++)
            whole = whole && text.ptr[at] >= '0' && text.ptr[at] <= '9';
        *end = at;
        if (whole && at - begin > WHOLE_DIGITS)
            return true;
    }
    return false;
}

enum lac_status lac_json_parse_wide(struct lac_json **out, struct lac_str text, struct lac_err *err)
{
    enum lac_status status;
    size_t from = 0, end;
    struct lac_buf wide;

    *out = NULL;
    if (!next_long(text, 0, &end))
        return lac_json_parse(out, text, err);
    lac_buf_init(&wide, 2 * text.len);
    do {
        lac_buf_put_str(&wide, lac_str_slice(text, from, end));
        lac_buf_put_text(&wide, ".0");
        from = end;
    } while (next_long(text, from, &end));
    lac_buf_put_str(&wide, lac_str_slice(text, from, text.len));
    status = lac_buf_ok(&wide) ? lac_json_parse(out, lac_buf_str(&wide), err)
                               : lac_err_set(err, LAC_RETRY, 0, "json: out of memory");
    lac_buf_deinit(&wide);
    return status;
}

void lac_json_free(struct lac_json *root)
{
    json_decref((json_t *)(void *)root);
}

enum lac_json_kind lac_json_kind(const struct lac_json *v)
{
    if (!v)
        return LAC_JSON_NULL;
    switch (json_typeof(inner(v))) {
    case JSON_OBJECT:
        return LAC_JSON_OBJECT;
    case JSON_ARRAY:
        return LAC_JSON_ARRAY;
    case JSON_STRING:
        return LAC_JSON_STRING;
    case JSON_INTEGER:
        return LAC_JSON_INT;
    case JSON_REAL:
        return LAC_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return LAC_JSON_BOOL;
    case JSON_NULL:
        break;
    }
    return LAC_JSON_NULL;
}

const char *lac_json_kind_name(enum lac_json_kind kind)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};

    return (size_t)kind < LAC_COUNT(names) ? names[kind] : "?";
}

const struct lac_json *lac_json_get(const struct lac_json *obj, const char *key)
{
    return outer(json_object_get(inner(obj), key));
}

size_t lac_json_size(const struct lac_json *v)
{
    if (json_is_object(inner(v)))
        return json_object_size(inner(v));
    return json_is_array(inner(v)) ? json_array_size(inner(v)) : 0;
}

const struct lac_json *lac_json_item(const struct lac_json *arr, size_t index)
{
    return outer(json_array_get(inner(arr), index));
}

bool lac_json_next(const struct lac_json *obj, struct lac_json_member *m)
{
    /* The iterator functions want a mutable object and change nothing. */
    json_t *object = (json_t *)(void *)obj;

    m->_at = m->_at ? json_object_iter_next(object, m->_at) : json_object_iter(object);
    if (!m->_at)
        return false;
    m->key = (struct lac_str){json_object_iter_key(m->_at), json_object_iter_key_len(m->_at)};
    m->value = outer(json_object_iter_value(m->_at));
    return true;
}

struct lac_str lac_json_string(const struct lac_json *v)
{
    if (!json_is_string(inner(v)))
        return LAC_STR_NULL;
    return (struct lac_str){json_string_value(inner(v)), json_string_length(inner(v))};
}

int64_t lac_json_int(const struct lac_json *v)
{
    return json_integer_value(inner(v));
}

double lac_json_real(const struct lac_json *v)
{
    return json_number_value(inner(v));
}

bool lac_json_bool(const struct lac_json *v)
{
    return json_is_true(inner(v));
}
