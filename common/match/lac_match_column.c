/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_column.h"

#include <string.h>

#include "lac_match_mention.h"

#define W LAC_MATCH_WORDS

enum {
    HEADINGS_MAX = 512, /* bytes of a line of headings */
    HEADING_MAX = 40,
    MARKS_MAX = 32, /* between and around the fields of a line */
    ROW_MAX = 4096,
};

static const char marks[] = ",;\t|";

static bool is_letter(unsigned char c)
{
    return lac_match_is_alpha(c) || c >= 0x80;
}

bool lac_match_line_at(struct lac_str t, size_t i, size_t limit, struct lac_str *line)
{
    size_t most = t.len - i < limit ? t.len - i : limit;
    const char *end = most > 0 ? memchr(t.ptr + i, '\n', most) : NULL;

    if (!end && most == limit)
        return false;
    *line = lac_str_slice(t, i, end ? (size_t)(end - t.ptr) : t.len);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

size_t lac_match_behind_line(struct lac_str t, struct lac_str line)
{
    size_t end = (size_t)(line.ptr - t.ptr) + line.len;

    return end + 1 + (lac_match_byte(t, end) == '\r');
}

size_t lac_match_field_end(struct lac_str line, size_t i, unsigned char mark)
{
    const char *end;

    if (mark != '|' && lac_match_byte(line, i) == '"') {
        for (i++; i < line.len; i++) {
            if (line.ptr[i] != '"')
                continue;
            if (lac_match_byte(line, i + 1) != '"')
                break;
            i++;
        }
    }
    end = i < line.len ? memchr(line.ptr + i, mark, line.len - i) : NULL;
    return end ? (size_t)(end - line.ptr) : line.len;
}

struct lac_str lac_match_field_trim(struct lac_str f, unsigned char mark)
{
    if (mark == '|') {
        while (f.len > 0 && lac_match_is_in((unsigned char)f.ptr[f.len - 1], " \t`"))
            f.len--;
        while (f.len > 0 && lac_match_is_in((unsigned char)f.ptr[0], " \t`"))
            f.ptr++, f.len--;
    } else if (f.len >= 2 && lac_match_is_in((unsigned char)f.ptr[0], "\"'") &&
               f.ptr[f.len - 1] == f.ptr[0]) {
        f.ptr++;
        f.len -= 2;
    }
    return f;
}

/* Field `index` of the line, trimmed. False: the line has not as many marks as it should. */
static bool field_of(struct lac_str line, const struct lac_match_column *c, struct lac_str *field)
{
    size_t i = 0;

    for (unsigned n = 0;; n++) {
        size_t end = lac_match_field_end(line, i, c->mark);

        if (n == c->index)
            *field = lac_match_field_trim(lac_str_slice(line, i, end), c->mark);
        if (end == line.len || n == c->marks)
            return end == line.len && n == c->marks;
        i = end + 1;
    }
}

/* A name, "First name", "Name (short)", "#"; right behind the mark, so that no list of a sentence's
 * or a program's is one. */
static bool is_heading(struct lac_str f)
{
    bool letter = false;

    if (f.len == 0 || f.len > HEADING_MAX || f.ptr[0] == ' ')
        return false;
    for (size_t i = 0; i < f.len; i++) {
        unsigned char c = (unsigned char)f.ptr[i];

        letter = letter || is_letter(c);
        if (!is_letter(c) && !lac_match_is_name(c) && !lac_match_is_in(c, " #()/:"))
            return false;
        if (c == '(' && f.ptr[i - (i > 0)] != ' ') /* a call */
            return false;
    }
    return letter || lac_str_is(f, "#");
}

bool lac_match_are_headings(struct lac_str line, unsigned char mark, unsigned *count)
{
    size_t i = 0;

    for (*count = 0; *count <= MARKS_MAX; ++*count) {
        size_t end = lac_match_field_end(line, i, mark);
        struct lac_str field = lac_match_field_trim(lac_str_slice(line, i, end), mark);
        bool outside = mark == '|' && field.len == 0 && (i == 0 || end == line.len);

        if (!outside && !is_heading(field))
            return false;
        if (end == line.len)
            return *count > 0;
        i = end + 1;
    }
    return false;
}

/* A heading of a column of secrets has letters only, and one of these words. */
static bool is_secret_heading(struct lac_str f)
{
    static const struct lac_match_mentions words = {
        W('a', "api_key", "apikey", "api key", "api-key", "access_key", "accesskey", "access key",
          "adgangskode"),
        W('c', "contrase", "credential"),
        W('h', "heslo"),
        W('k', "kennwort"),
        W('l', "lozinka"),
        W('p', "pass", "pwd", "private", "parol", "pswd", "psswd"),
        W('s', "secret", "senha", "salasana", "slapta"),
        W('t', "token"),
        W('w', "wachtwoord")};

    for (size_t i = 0; i < f.len; i++)
        if (!is_letter((unsigned char)f.ptr[i]) &&
            !lac_match_is_in((unsigned char)f.ptr[i], " _-."))
            return false;
    return f.len > 0 && f.len <= HEADING_MAX && lac_match_mentions(f, &words);
}

bool lac_match_is_rule(struct lac_str line, unsigned char mark)
{
    return mark == '|' && line.len >= 3 &&
           lac_match_skip(line, 0, "|-+:= ", SIZE_MAX) == line.len &&
           memchr(line.ptr, '-', line.len);
}

/* The mark behind the heading that ends at `at`, or where the line ends there the one before. */
static unsigned char mark_at(struct lac_str t, size_t at)
{
    size_t end = lac_match_skip(t, at, "\"'", 1);
    size_t bar = lac_match_skip(t, end, " `", HEADING_MAX);
    unsigned char c = lac_match_byte(t, bar);
    size_t limit = at > HEADING_MAX ? at - HEADING_MAX : 0;

    if (c == '|' || (bar == end && lac_match_is_in(c, marks)))
        return c;
    if (!lac_match_is_in(c, "\r\n"))
        return 0;
    for (size_t i = at; i > limit; i--) {
        c = (unsigned char)t.ptr[i - 1];
        if (lac_match_is_in(c, marks))
            return bar == end || c == '|' ? c : 0;
        if (!is_letter(c) && !lac_match_is_in(c, " \"'_-.`"))
            return 0;
    }
    return 0;
}

bool lac_match_column_of(struct lac_str t, size_t at, struct lac_match_column *c)
{
    unsigned char mark = mark_at(t, at);
    size_t limit = at > HEADINGS_MAX ? at - HEADINGS_MAX : 0;
    size_t start = at;
    struct lac_str line, field;

    if (mark == 0)
        return false;
    while (start > limit && t.ptr[start - 1] != '\n')
        start--;
    if ((start > 0 && t.ptr[start - 1] != '\n') ||
        !lac_match_line_at(t, start, HEADINGS_MAX, &line))
        return false;
    *c = (struct lac_match_column){.mark = mark};
    if (!lac_match_are_headings(line, mark, &c->marks))
        return false;
    for (size_t i = lac_match_field_end(line, 0, mark); i < at - start;
         i = lac_match_field_end(line, i + 1, mark))
        c->index++;
    if (!field_of(line, c, &field) || !is_secret_heading(field) ||
        field.ptr + field.len != t.ptr + at)
        return false;
    c->row = lac_match_behind_line(t, line);
    return c->row < t.len;
}

bool lac_match_column_next(struct lac_str t, struct lac_match_column *c, struct lac_match_value *v)
{
    struct lac_str line, field = {0};
    unsigned count;

    do {
        if (c->row >= t.len || !lac_match_line_at(t, c->row, ROW_MAX, &line))
            return false;
        c->row = lac_match_behind_line(t, line);
    } while (lac_match_is_rule(line, c->mark));
    if (line.len == 0 || !field_of(line, c, &field))
        return false;
    if (is_secret_heading(field) && lac_match_are_headings(line, c->mark, &count))
        return false;
    v->text = field;
    v->at = (size_t)(field.ptr - t.ptr);
    v->quoted = true;
    return true;
}

/* Of a list in brackets, in all databases' quotes. */
struct lac_str lac_match_column_name(struct lac_str f)
{
    while (f.len > 0 && lac_match_is_in((unsigned char)f.ptr[f.len - 1], " \t\r\n`\"]"))
        f.len--;
    while (f.len > 0 && lac_match_is_in((unsigned char)f.ptr[0], " \t\r\n`\"["))
        f.ptr++, f.len--;
    return f;
}
