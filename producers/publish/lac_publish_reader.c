/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_utf8.h"

enum {
    FIRST_CAPACITY = 64 << 10,
    SLACK = 4 /* room for a line end and for seeing that a record is too long */
};

enum lac_status lac_publish_reader_init(struct lac_publish_reader *r, lac_publish_read_fn *read,
                                        void *ctx, size_t limit, uint64_t position, uint64_t line,
                                        struct lac_err *err)
{
    LAC_ASSERT(limit > 0 && limit <= LAC_PUBLISH_RECORD_MAX);
    *r = (struct lac_publish_reader){.line = line,
                                     .position = position,
                                     .separator = ',',
                                     ._read = read,
                                     ._ctx = ctx,
                                     ._limit = limit,
                                     .lines = line};
    r->_capacity = limit + SLACK < FIRST_CAPACITY ? limit + SLACK : FIRST_CAPACITY;
    r->_buffer = malloc(r->_capacity);
    if (!r->_buffer)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory for a read buffer");
    return LAC_OK;
}

void lac_publish_reader_deinit(struct lac_publish_reader *r)
{
    free(r->_buffer);
    *r = (struct lac_publish_reader){0};
}

/* Makes room behind _end: moves what is left to the front, then grows. False: the record
 * being read fills the largest buffer. */
static bool make_room(struct lac_publish_reader *r)
{
    size_t most = r->_limit + SLACK, capacity;
    char *buffer;

    if (r->_start > 0) {
        memmove(r->_buffer, r->_buffer + r->_start, r->_end - r->_start);
        r->_end -= r->_start;
        r->_start = 0;
    }
    if (r->_end < r->_capacity)
        return true;
    if (r->_capacity == most)
        return false;
    capacity = r->_capacity * 2 < most ? r->_capacity * 2 : most;
    LAC_ASSERT(capacity > r->_capacity);
    buffer = realloc(r->_buffer, capacity);
    if (!buffer)
        return false;
    r->_buffer = buffer;
    r->_capacity = capacity;
    return true;
}

/* Reads more behind _end. OK: some came, or _eof is set. AGAIN: no room. */
static enum lac_status fill(struct lac_publish_reader *r, struct lac_err *err)
{
    int64_t n;

    if (!make_room(r))
        return LAC_AGAIN;
    n = r->_read(r->_ctx, r->_buffer + r->_end, r->_capacity - r->_end);
    if (n < 0)
        return lac_err_set(err, LAC_FATAL, errno, "can't be read: %s", lac_errno_text(errno));
    if (n == 0)
        r->_eof = true;
    r->_end += (size_t)n;
    return LAC_OK;
}

/* Moves behind `n` bytes of the buffer that hold `lines` line ends. */
static void consume(struct lac_publish_reader *r, size_t n, uint64_t lines)
{
    r->_start += n;
    r->position += n;
    r->lines += lines;
}

/* A byte order mark at the stream's start is not content. */
static enum lac_status skip_mark(struct lac_publish_reader *r, struct lac_err *err)
{
    size_t mark;

    if (r->position > 0)
        return LAC_OK;
    while (!r->_eof && r->_end - r->_start < LAC_UTF8_MARK_SIZE) {
        enum lac_status status = fill(r, err);

        if (status != LAC_OK) /* AGAIN: a limit below three bytes, which nobody sets */
            return status == LAC_AGAIN ? LAC_OK : status;
    }
    mark = lac_utf8_mark((struct lac_str){r->_buffer + r->_start, r->_end - r->_start});
    if (mark > 0)
        consume(r, mark, 0);
    return LAC_OK;
}

/* Moves behind the line end of the line that begins at _start; the whole line is dropped.
 * Anything but OK is the stream's end (fine for the caller) or FATAL. */
static enum lac_status drop_line(struct lac_publish_reader *r, struct lac_err *err)
{
    r->line = r->lines + 1;
    for (;;) {
        char *at = r->_buffer + r->_start, *end = memchr(at, '\n', r->_end - r->_start);

        if (end) {
            consume(r, (size_t)(end - at) + 1, 1);
            return LAC_OK;
        }
        consume(r, r->_end - r->_start, 0);
        if (r->_eof)
            return LAC_AGAIN;
        if (fill(r, err) == LAC_FATAL)
            return LAC_FATAL;
    }
}

/* The same, with the reason. */
static enum lac_status reject_line(struct lac_publish_reader *r, const char *why,
                                   struct lac_err *err)
{
    if (drop_line(r, err) == LAC_FATAL)
        return LAC_FATAL;
    return lac_err_set(err, LAC_REJECT, 0, "%s", why);
}

static enum lac_status reject_length(struct lac_publish_reader *r, const char *hint,
                                     struct lac_err *err)
{
    char why[80];

    snprintf(why, sizeof(why), "longer than %zu bytes%s", r->_limit, hint);
    return reject_line(r, why, err);
}

static enum lac_status check_text(struct lac_str s, struct lac_err *err)
{
    size_t good = lac_utf8_valid_prefix(s);

    if (good != s.len)
        return lac_err_set(err, LAC_REJECT, 0, "not UTF-8 at byte %zu", good + 1);
    if (s.len && memchr(s.ptr, '\0', s.len))
        return lac_err_set(err, LAC_REJECT, 0, "holds a NUL byte: is this a text file?");
    return LAC_OK;
}

/* The whole next line is in the buffer: its length without and with its end. */
static enum lac_status find_line(struct lac_publish_reader *r, size_t *len, size_t *full,
                                 struct lac_err *err)
{
    size_t seen = 0;

    for (;;) {
        char *at = r->_buffer + r->_start;
        char *end = memchr(at + seen, '\n', r->_end - r->_start - seen);
        enum lac_status status;

        if (end || (r->_eof && r->_end > r->_start)) {
            *len = end ? (size_t)(end - at) : r->_end - r->_start;
            *full = *len + (end != NULL);
            if (*len > 0 && at[*len - 1] == '\r')
                (*len)--;
            return *len <= r->_limit ? LAC_OK : reject_length(r, "", err);
        }
        if (r->_eof)
            return LAC_AGAIN;
        seen = r->_end - r->_start;
        status = fill(r, err);
        if (status != LAC_OK)
            return status == LAC_AGAIN ? reject_length(r, "", err) : status;
    }
}

enum lac_status lac_publish_reader_line(struct lac_publish_reader *r, struct lac_str *out,
                                        struct lac_err *err)
{
    size_t len = 0, full = 0;
    enum lac_status status = skip_mark(r, err);

    for (;;) {
        if (status == LAC_OK)
            status = find_line(r, &len, &full, err);
        if (status != LAC_OK)
            return status;
        *out = (struct lac_str){r->_buffer + r->_start, len};
        r->line = r->lines + 1;
        consume(r, full, 1);
        if (len > 0)
            return check_text(*out, err);
    }
}

int lac_publish_reader_peek(struct lac_publish_reader *r)
{
    struct lac_err ignored;

    if (skip_mark(r, &ignored) != LAC_OK)
        return -1;
    for (size_t i = 0;; i++) {
        if (r->_start + i == r->_end && (r->_eof || fill(r, &ignored) != LAC_OK || r->_eof))
            return -1;
        if (!strchr(" \t\r\n", r->_buffer[r->_start + i]))
            return (unsigned char)r->_buffer[r->_start + i];
    }
}

char lac_publish_reader_separator(struct lac_publish_reader *r)
{
    size_t commas = 0, semicolons = 0, tabs = 0;

    (void)lac_publish_reader_peek(r);
    for (size_t i = r->_start; i < r->_end && r->_buffer[i] != '\n'; i++) {
        commas += r->_buffer[i] == ',';
        semicolons += r->_buffer[i] == ';';
        tabs += r->_buffer[i] == '\t';
    }
    if (tabs > commas && tabs > semicolons)
        return '\t';
    return semicolons > commas ? ';' : ',';
}

enum lac_status lac_publish_reader_rest(struct lac_publish_reader *r, struct lac_str *out,
                                        struct lac_err *err)
{
    if (skip_mark(r, err) != LAC_OK)
        return LAC_FATAL;
    while (!r->_eof) {
        enum lac_status status = fill(r, err);

        if (status == LAC_FATAL)
            return status;
        if (status == LAC_AGAIN)
            break;
    }
    r->line = 1;
    if (!r->_eof || r->_end - r->_start > r->_limit) {
        r->_eof = true;
        r->_start = r->_end;
        return lac_err_set(err, LAC_REJECT, 0, "longer than %zu bytes", r->_limit);
    }
    if (r->_end == r->_start)
        return LAC_AGAIN;
    *out = (struct lac_str){r->_buffer + r->_start, r->_end - r->_start};
    consume(r, out->len, 0);
    return check_text(*out, err);
}

/* What the scan of one row found. */
struct row {
    size_t count;
    struct span {
        size_t at, len; /* from _start, quotes not included */
        bool quoted;    /* doubled quotes are still in it */
    } fields[LAC_PUBLISH_FIELDS_MAX];
    size_t full; /* bytes of the row, line end included */
    uint64_t lines;
    const char *why; /* bad: the reason */
};

enum scan { SCAN_ROW, SCAN_MORE, SCAN_BAD };

/* Scans one field that begins at `*i`; leaves `*i` at what ends it. */
static enum scan scan_field(const char *s, size_t n, bool eof, char separator, size_t *i,
                            struct row *row)
{
    struct span *f = &row->fields[row->count];
    size_t at = *i;

    *f = (struct span){.at = at};
    if (at < n && s[at] == '"') {
        f->quoted = true;
        f->at = ++at;
        for (;; at++) {
            const char *quote = memchr(s + at, '"', n - at);

            if (!quote) {
                row->why = "a quote is opened and never closed";
                return eof ? SCAN_BAD : SCAN_MORE;
            }
            at = (size_t)(quote - s) + 1;
            if (at == n && !eof)
                return SCAN_MORE;
            if (at == n || s[at] != '"')
                break;
        }
        f->len = at - 1 - f->at;
        if (at < n && s[at] != separator && s[at] != '\n' &&
            !(s[at] == '\r' && (at + 1 == n || s[at + 1] == '\n'))) {
            row->why = "text after a closing quote; quotes inside a field are doubled";
            return SCAN_BAD;
        }
        if (at < n && s[at] == '\r')
            at++;
    } else {
        while (at < n && s[at] != separator && s[at] != '\n' && s[at] != '"')
            at++;
        if (at < n && s[at] == '"') {
            row->why = "a quote inside a field that does not begin with one";
            return SCAN_BAD;
        }
        f->len = at - f->at;
        if ((at == n || s[at] == '\n') && f->len > 0 && s[at - 1] == '\r')
            f->len--;
    }
    *i = at;
    return at == n && !eof ? SCAN_MORE : SCAN_ROW;
}

static enum scan scan_row(const char *s, size_t n, bool eof, char separator, struct row *row)
{
    size_t i = 0;

    row->count = 0;
    row->why = NULL;
    for (;;) {
        enum scan found;

        if (row->count == LAC_PUBLISH_FIELDS_MAX) {
            row->why = "more than 256 fields";
            return SCAN_BAD;
        }
        found = scan_field(s, n, eof, separator, &i, row);
        if (found != SCAN_ROW)
            return found;
        row->count++;
        if (i == n || s[i] == '\n')
            break;
        i++;
    }
    row->full = i == n ? n : i + 1;
    row->lines = 0;
    for (size_t k = 0; k < row->full; k++)
        row->lines += s[k] == '\n';
    if (row->lines == 0)
        row->lines = 1; /* the last line has no end */
    return SCAN_ROW;
}

/* Takes the doubled quotes out, in place. */
static struct lac_str unquote(char *s, const struct span *f)
{
    size_t to = f->at;

    for (size_t from = f->at; from < f->at + f->len; from++) {
        s[to++] = s[from];
        from += f->quoted && s[from] == '"';
    }
    return (struct lac_str){s + f->at, to - f->at};
}

enum lac_status lac_publish_reader_row(struct lac_publish_reader *r,
                                       struct lac_str fields[LAC_PUBLISH_FIELDS_MAX], size_t *count,
                                       struct lac_err *err)
{
    struct row row = {0};
    enum lac_status status = skip_mark(r, err);

    while (status == LAC_OK) {
        char *at = r->_buffer + r->_start;
        size_t n = r->_end - r->_start;
        enum scan found;

        if (n == 0 && r->_eof)
            return LAC_AGAIN;
        found = n ? scan_row(at, n, r->_eof, r->separator, &row) : SCAN_MORE;
        if (found == SCAN_BAD)
            return reject_line(r, row.why, err);
        if (found == SCAN_ROW && row.full > r->_limit + (at[row.full - 1] == '\n'))
            return reject_length(r, "", err);
        if (found == SCAN_ROW) {
            r->line = r->lines + 1;
            consume(r, row.full, row.lines);
            if (row.count == 1 && row.fields[0].len == 0 && !row.fields[0].quoted)
                continue; /* an empty line */
            *count = row.count;
            for (size_t i = 0; i < row.count; i++)
                fields[i] = unquote(at, &row.fields[i]);
            for (size_t i = 0; i < row.count && status == LAC_OK; i++)
                status = check_text(fields[i], err);
            return status;
        }
        status = fill(r, err);
        if (status == LAC_AGAIN)
            return reject_length(r, row.why ? ": is a quote never closed?" : "", err);
    }
    return status;
}
