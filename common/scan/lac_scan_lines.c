/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_scan_lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lac_utf8.h"

int64_t lac_scan_read_fd(void *ctx, void *into, size_t n)
{
    return read(*(int *)ctx, into, n);
}

void lac_scan_lines_init(struct lac_scan_lines *l, lac_scan_read *read, void *ctx,
                         size_t line_bytes)
{
    *l = (struct lac_scan_lines){._read = read,
                                 ._ctx = ctx,
                                 ._line = 1,
                                 ._most = line_bytes ? line_bytes : LAC_SCAN_LINE_BYTES};
    lac_buf_init(&l->_buf, l->_most + 2 * (size_t)LAC_SCAN_BLOCK_BYTES);
}

void lac_scan_lines_deinit(struct lac_scan_lines *l)
{
    lac_buf_deinit(&l->_buf);
}

/* What was given away goes, what is left moves to the front, and more is read behind it. */
static enum lac_status fill(struct lac_scan_lines *l, struct lac_err *err)
{
    char *at;
    int64_t n;

    if (l->_at > 0) {
        memmove(l->_buf.ptr, l->_buf.ptr + l->_at, l->_buf.len - l->_at);
        l->_buf.len -= l->_at;
        l->_at = 0;
    }
    at = lac_buf_reserve(&l->_buf, LAC_SCAN_BLOCK_BYTES);
    if (!at)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the lines");
    do
        n = l->_read(l->_ctx, at, LAC_SCAN_BLOCK_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return lac_err_set(err, LAC_FATAL, errno, "can't be read: %s", lac_errno_text(errno));
    l->_ended = n == 0;
    lac_buf_commit(&l->_buf, (size_t)n);
    return LAC_OK;
}

static enum lac_status skip_mark(struct lac_scan_lines *l, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    while (status == LAC_OK && !l->_ended && l->_buf.len < LAC_UTF8_MARK_SIZE)
        status = fill(l, err);
    if (status != LAC_OK)
        return status;
    l->_at = lac_utf8_mark(lac_buf_str(&l->_buf));
    l->_begun = true;
    return LAC_OK;
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* Throws away the rest of a line that is too long. True: it has ended. */
static bool skip(struct lac_scan_lines *l)
{
    const char *from = l->_buf.ptr + l->_at;
    const char *end = l->_buf.len > l->_at ? memchr(from, '\n', l->_buf.len - l->_at) : NULL;

    if (!end) {
        l->_at = l->_buf.len;
        return l->_ended;
    }
    l->_at += (size_t)(end - from) + 1;
    l->_line++;
    l->_skipping = false;
    return true;
}

static void give(struct lac_scan_lines *l, struct lac_scan_block *b, size_t len)
{
    b->line = l->_line;
    b->too_long = false;
    lac_buf_put(&b->text, l->_buf.ptr + l->_at, len);
    l->_line += count_lines(l->_buf.ptr + l->_at, len);
    l->_at += len;
}

/* Whether what has come of a line is more than one may have: the CR of a line's end does not count,
 * however the bytes arrive. */
static bool is_too_long(const struct lac_scan_lines *l, size_t have)
{
    return have > l->_most + (have > 0 && l->_buf.ptr[l->_at + have - 1] == '\r');
}

enum lac_status lac_scan_lines_next(struct lac_scan_lines *l, struct lac_scan_block *b,
                                    struct lac_err *err)
{
    lac_buf_reset(&b->text);
    if (!l->_begun && skip_mark(l, err) != LAC_OK)
        return LAC_FATAL;
    for (;;) {
        size_t have;
        const char *last = NULL;
        enum lac_status status;

        if (l->_skipping && !skip(l))
            have = 0;
        else
            have = l->_buf.len - l->_at;
        if (have > 0 && !l->_skipping)
            last = memrchr(l->_buf.ptr + l->_at, '\n', have);
        if (last || (l->_ended && have > 0 && !is_too_long(l, have))) {
            give(l, b, last ? (size_t)(last - (l->_buf.ptr + l->_at)) + 1 : have);
            return lac_buf_ok(&b->text)
                       ? LAC_OK
                       : lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the lines");
        }
        if (is_too_long(l, have)) {
            l->_skipping = true;
            b->line = l->_line;
            b->too_long = true;
            return LAC_OK;
        }
        if (l->_ended)
            return LAC_AGAIN;
        status = fill(l, err);
        if (status != LAC_OK)
            return status;
    }
}

bool lac_scan_lines_cut(struct lac_str text, size_t *at, uint64_t *line, struct lac_str *out,
                        uint64_t *number)
{
    const char *end;

    if (*at >= text.len)
        return false;
    end = memchr(text.ptr + *at, '\n', text.len - *at);
    *out = lac_str_slice(text, *at, end ? (size_t)(end - text.ptr) : text.len);
    *at += out->len + 1;
    if (out->len && out->ptr[out->len - 1] == '\r')
        out->len--;
    *number = (*line)++;
    return true;
}

enum lac_status lac_scan_item_parse(struct lac_scan_item *item, struct lac_str line,
                                    struct lac_err *err)
{
    const struct lac_json *text;
    enum lac_status status;

    *item = (struct lac_scan_item){0};
    status = lac_json_parse(&item->document, line, err);
    if (status != LAC_OK)
        return status;
    if (lac_json_kind(item->document) != LAC_JSON_OBJECT)
        return lac_err_set(err, LAC_REJECT, 0, "expected an object with \"id\" and \"text\"");
    text = lac_json_get(item->document, "text");
    if (!text)
        return lac_err_set(err, LAC_REJECT, 0, "\"text\" is missing");
    if (lac_json_kind(text) != LAC_JSON_STRING)
        return lac_err_set(err, LAC_REJECT, 0, "\"text\" is no string");
    item->id = lac_json_get(item->document, "id");
    item->text = lac_json_string(text);
    return LAC_OK;
}

void lac_scan_item_deinit(struct lac_scan_item *item)
{
    lac_json_free(item->document);
    *item = (struct lac_scan_item){0};
}

void lac_scan_put_error(struct lac_buf *out, uint64_t line, const char *why)
{
    struct lac_json_writer w;

    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "line");
    lac_json_put_uint(&w, line);
    lac_json_key(&w, "error");
    lac_json_put_text(&w, why);
    lac_json_close_object(&w);
    lac_buf_put_char(out, '\n');
}
