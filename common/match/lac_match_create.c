/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_create.h"

#include <string.h>
#include <strings.h>

#include "lac_match_form.h"

enum { CREATE_BYTES = 16 << 10, NAME_BYTES = 128, BLANKS_MOST = 256 };

static size_t skip(struct lac_str t, size_t i)
{
    return lac_match_skip(t, i, " \t\r\n", BLANKS_MOST);
}

/* Behind the word and the blanks that must follow it, in any case; SIZE_MAX: it does not stand at
 * `i`. */
static size_t behind_word(struct lac_str t, size_t i, const char *word)
{
    size_t n = strlen(word), end = i + n;

    if (t.len - i < n || strncasecmp(t.ptr + i, word, n) != 0 || skip(t, end) == end)
        return SIZE_MAX;
    return skip(t, end);
}

/* The same where the word may be missing. */
static size_t behind_if(struct lac_str t, size_t i, const char *word)
{
    size_t end = behind_word(t, i, word);

    return end == SIZE_MAX ? i : end;
}

/* The name at `i`, in any database's quotes, and where it ends. Empty: there is none. */
static struct lac_str name_at(struct lac_str t, size_t i, size_t *end)
{
    static const char open[] = "`\"[", close[] = "`\"]";
    const char *quote = memchr(open, lac_match_byte(t, i), sizeof(open) - 1);
    size_t from = i + (quote != NULL), to = from;

    while (to < t.len && to - from < NAME_BYTES &&
           (quote ? t.ptr[to] != close[quote - open] && t.ptr[to] != '\n'
                  : lac_match_is_alnum((unsigned char)t.ptr[to]) ||
                        (unsigned char)t.ptr[to] >= 0x80 || t.ptr[to] == '_' || t.ptr[to] == '$'))
        to++;
    *end = to + (quote != NULL);
    if (quote && lac_match_byte(t, to) != (unsigned char)close[quote - open])
        to = from;
    return lac_str_slice(t, from, to);
}

/* The last part of "db.schema.table", and where it ends. */
static struct lac_str table_at(struct lac_str t, size_t i, size_t *end)
{
    struct lac_str name = name_at(t, i, end);

    while (name.len > 0 && lac_match_byte(t, *end) == '.')
        name = name_at(t, *end + 1, end);
    return name;
}

/* What else than columns stands in the brackets. */
static bool is_keyword(struct lac_str t, size_t i)
{
    static const char *const words[] = {"primary", "key",   "unique",   "constraint", "foreign",
                                        "index",   "check", "fulltext", "spatial",    "exclude"};
    size_t end;
    struct lac_str word = name_at(t, i, &end);

    if (end != i + word.len) /* in quotes */
        return false;
    for (size_t k = 0; k < LAC_COUNT(words); k++)
        if (word.len == strlen(words[k]) && strncasecmp(word.ptr, words[k], word.len) == 0)
            return true;
    return false;
}

/* Where what begins at `i` ends: at a comma or bracket of the list's own. */
static size_t item_end(struct lac_str t, size_t i)
{
    unsigned depth = 0;
    char quote = '\0';

    for (; i < t.len; i++) {
        char c = t.ptr[i];

        if (quote) {
            if (c == quote)
                quote = '\0';
        } else if (c == '\'' || c == '"' || c == '`') {
            quote = c;
        } else if (depth == 0 && (c == ',' || c == ')')) {
            break;
        } else {
            depth += c == '(';
            depth -= c == ')';
        }
    }
    return i;
}

bool lac_match_create_at(struct lac_str text, size_t at, struct lac_str *name,
                         struct lac_str headings[LAC_MATCH_ROWS_COLUMNS], unsigned *columns,
                         size_t *end)
{
    struct lac_str t =
        lac_str_slice(text, 0, text.len - at > CREATE_BYTES ? at + CREATE_BYTES : text.len);
    size_t i = behind_word(t, at, "create"), to;

    *end = at;
    *columns = 0;
    if (i != SIZE_MAX)
        i = behind_word(t, behind_if(t, behind_if(t, i, "temporary"), "unlogged"), "table");
    if (i == SIZE_MAX)
        return false;
    *name = table_at(t, behind_if(t, behind_if(t, behind_if(t, i, "if"), "not"), "exists"), &to);
    i = skip(t, to);
    if (name->len == 0 || lac_match_byte(t, i) != '(')
        return false;
    do {
        i = skip(t, i + 1);
        if (!is_keyword(t, i)) {
            struct lac_str heading = name_at(t, i, &to);

            if (heading.len == 0 || *columns == LAC_MATCH_ROWS_COLUMNS)
                return false;
            headings[(*columns)++] = heading;
        }
        *end = i = item_end(t, i);
    } while (lac_match_byte(t, i) == ',');
    return *columns > 0 && lac_match_byte(t, i) == ')';
}

bool lac_match_create_insert(struct lac_str text, size_t at, struct lac_str name, unsigned columns,
                             struct lac_match_rows *r)
{
    size_t i = behind_word(text, at, "insert"), end;
    struct lac_str into;

    if (i == SIZE_MAX)
        i = behind_word(text, at, "replace");
    if (i != SIZE_MAX)
        i = behind_word(text, behind_if(text, i, "ignore"), "into");
    if (i == SIZE_MAX)
        return false;
    into = table_at(text, i, &end);
    i = skip(text, end);
    if (!lac_str_eq(into, name) || text.len - i < 6 || strncasecmp(text.ptr + i, "values", 6) != 0)
        return false;
    *r = (struct lac_match_rows){.row = skip(text, i + 6), .columns = columns, .mark = '('};
    return lac_match_byte(text, r->row) == '(';
}
