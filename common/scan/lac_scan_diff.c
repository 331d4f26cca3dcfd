/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_scan_diff.h"

#include <errno.h>
#include <string.h>

#include "lac_assert.h"

enum { PATH_BYTES = 16 << 10 };

void lac_scan_diff_init(struct lac_scan_diff *d, struct lac_str diff)
{
    *d = (struct lac_scan_diff){._rest = diff};
    lac_buf_init(&d->_path, PATH_BYTES);
    lac_buf_init(&d->_text, LAC_SCAN_DIFF_BYTES);
    lac_buf_init(&d->_hunks, LAC_SCAN_DIFF_BYTES);
}

void lac_scan_diff_deinit(struct lac_scan_diff *d)
{
    lac_buf_deinit(&d->_path);
    lac_buf_deinit(&d->_text);
    lac_buf_deinit(&d->_hunks);
}

static struct lac_str peek_line(const struct lac_scan_diff *d)
{
    const char *end = d->_rest.len ? memchr(d->_rest.ptr, '\n', d->_rest.len) : NULL;

    return lac_str_slice(d->_rest, 0, end ? (size_t)(end - d->_rest.ptr) : d->_rest.len);
}

static void skip_line(struct lac_scan_diff *d, struct lac_str line)
{
    d->_rest =
        lac_str_slice(d->_rest, line.len < d->_rest.len ? line.len + 1 : line.len, d->_rest.len);
}

/* One character of a quoted name; `*at` stands behind the backslash. */
static bool put_escape(struct lac_buf *out, struct lac_str s, size_t *at)
{
    static const char letters[] = "abtnvfr\"\\", bytes[] = "\a\b\t\n\v\f\r\"\\";
    const char *found;
    unsigned value = 0;

    if (*at >= s.len)
        return false;
    found = s.ptr[*at] ? strchr(letters, s.ptr[*at]) : NULL;
    if (found) {
        lac_buf_put_char(out, bytes[found - letters]);
        (*at)++;
        return true;
    }
    for (int i = 0; i < 3; i++, (*at)++) {
        if (*at >= s.len || s.ptr[*at] < '0' || s.ptr[*at] > '7')
            return false;
        value = value * 8 + (unsigned)(s.ptr[*at] - '0');
    }
    lac_buf_put_char(out, (char)value);
    return value > 0 && value < 256;
}

/* "b/NAME" or "\"b/NA\\tME\"" -> NAME. False: neither. */
static bool take_path(struct lac_scan_diff *d, struct lac_str name)
{
    lac_buf_reset(&d->_path);
    /* A tab ends a name that has blanks in it; a tab of its own is quoted. */
    if (name.len && name.ptr[name.len - 1] == '\t')
        name.len--;
    if (name.len && name.ptr[0] == '"') {
        size_t at = 1;

        while (at < name.len && name.ptr[at] != '"') {
            if (name.ptr[at] != '\\') {
                lac_buf_put_char(&d->_path, name.ptr[at++]);
                continue;
            }
            at++;
            if (!put_escape(&d->_path, name, &at))
                return false;
        }
        if (at + 1 != name.len)
            return false;
    } else {
        lac_buf_put_str(&d->_path, name);
    }
    d->path = lac_buf_str(&d->_path);
    if (!lac_buf_ok(&d->_path) || !lac_str_has_at(d->path, 0, "b/") || d->path.len == 2)
        return false;
    d->path = lac_str_slice(d->path, 2, d->path.len);
    return true;
}

/* "12" or "12,3" at `*at`, and the cursor behind it. */
static bool take_range(struct lac_str s, size_t *at, uint64_t *first, uint64_t *count)
{
    uint64_t *into = first;

    *first = 0;
    *count = 1;
    for (int part = 0; part < 2; part++) {
        size_t from = *at;

        while (*at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9')
            (*at)++;
        if (!lac_str_to_u64(lac_str_slice(s, from, *at), into))
            return false;
        if (*at >= s.len || s.ptr[*at] != ',')
            return true;
        (*at)++;
        into = count;
    }
    return false;
}

/* "@@ -1,2 +3,4 @@ ..." */
static bool take_hunk(struct lac_str line, uint64_t *removed, uint64_t *first, uint64_t *added)
{
    size_t at = 4;
    uint64_t old;

    if (!lac_str_has_at(line, 0, "@@ -") || !take_range(line, &at, &old, removed))
        return false;
    if (line.len - at < 2 || line.ptr[at] != ' ' || line.ptr[at + 1] != '+')
        return false;
    at += 2;
    if (!take_range(line, &at, first, added))
        return false;
    return lac_str_has_at(lac_str_slice(line, at, line.len), 0, " @@");
}

/* The lines of one hunk, which the header says to be so many. */
static enum lac_status read_hunk(struct lac_scan_diff *d, struct lac_str header,
                                 struct lac_err *err)
{
    uint64_t removed, first, added;

    if (!take_hunk(header, &removed, &first, &added))
        return lac_err_set(err, LAC_REJECT, 0, "the diff has a hunk without its line numbers");
    skip_line(d, header);
    if (added > 0) {
        struct lac_scan_hunk h = {d->_text.len, first};

        lac_buf_put(&d->_hunks, &h, sizeof(h));
    }
    /* Not their sum: that of two hostile numbers can be nothing. */
    while ((removed > 0 || added > 0) && d->_rest.len > 0) {
        struct lac_str line = peek_line(d);

        if (lac_str_has_at(line, 0, "-") && removed > 0) {
            removed--;
        } else if (lac_str_has_at(line, 0, "+") && added > 0) {
            lac_buf_put_str(&d->_text, lac_str_slice(line, 1, line.len));
            lac_buf_put_char(&d->_text, '\n');
            added--;
        } else if (!lac_str_has_at(line, 0, "\\")) {
            return lac_err_set(err, LAC_REJECT, 0, "the diff has a hunk that ends too early");
        }
        skip_line(d, line);
    }
    if (removed > 0 || added > 0)
        return lac_err_set(err, LAC_REJECT, 0, "the diff ends inside of a hunk");
    if (!lac_buf_ok(&d->_text) || !lac_buf_ok(&d->_hunks))
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for the added lines");
    return LAC_OK;
}

static enum lac_status read_file(struct lac_scan_diff *d, struct lac_err *err)
{
    bool named = false;

    lac_buf_reset(&d->_text);
    lac_buf_reset(&d->_hunks);
    for (bool first = true; d->_rest.len > 0; first = false) {
        struct lac_str line = peek_line(d);
        enum lac_status status = LAC_OK;

        if (lac_str_has_at(line, 0, "diff --git ") && !first)
            break;
        if (lac_str_has_at(line, 0, "@@ ")) {
            if (!named)
                return lac_err_set(err, LAC_REJECT, 0, "the diff has a hunk without a file");
            status = read_hunk(d, line, err);
        } else {
            if (lac_str_has_at(line, 0, "+++ ") && !lac_str_has_at(line, 0, "+++ /dev/null")) {
                named = take_path(d, lac_str_slice(line, 4, line.len));
                if (!named)
                    return lac_err_set(err, LAC_REJECT, 0, "the diff has a name without \"b/\"");
            } else if (lac_str_has_at(line, 0, "+++ ")) {
                named = true; /* a file that is gone: nothing is added */
                d->path = LAC_STR("");
            }
            skip_line(d, line);
        }
        if (status != LAC_OK)
            return status;
    }
    return LAC_OK;
}

enum lac_status lac_scan_diff_next(struct lac_scan_diff *d, struct lac_err *err)
{
    while (d->_rest.len > 0) {
        enum lac_status status;

        if (lac_str_has_at(d->_rest, 0, "* Unmerged path ")) { /* has no staged content yet */
            skip_line(d, peek_line(d));
            continue;
        }
        if (!lac_str_has_at(d->_rest, 0, "diff --git "))
            return lac_err_set(err, LAC_REJECT, 0, "this is no output of git diff");
        status = read_file(d, err);
        if (status != LAC_OK)
            return status;
        if (d->_text.len == 0)
            continue;
        if (d->path.len == 0)
            return lac_err_set(err, LAC_REJECT, 0, "the diff adds lines to a file that is gone");
        d->text = lac_buf_str(&d->_text);
        d->hunks = (const struct lac_scan_hunk *)(const void *)d->_hunks.ptr;
        d->hunk_count = d->_hunks.len / sizeof(*d->hunks);
        return LAC_OK;
    }
    return LAC_AGAIN;
}

size_t lac_scan_diff_hunk(const struct lac_scan_diff *d, size_t at)
{
    size_t low = 0, high = d->hunk_count;

    LAC_ASSERT(d->hunk_count > 0);
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;

        if (d->hunks[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    return low;
}
