/* SPDX-License-Identifier: Apache-2.0 */
/* Characters, escapes and classes of a pattern. */
#include "lac_match_regex_internal.h"

#include <string.h>
#include <utf8proc.h>

#include "lac_utf8.h"

enum { CASED_RANGE_MAX = 2048 }; /* code points of a class whose other case is looked up */

/* ---- sets ---- */

size_t lac_match_regex_set_count(const struct lac_match_regex_set *s)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(s->bits); i++)
        n += (size_t)__builtin_popcount(s->bits[i]);
    return n;
}

bool lac_match_regex_set_is_word(const struct lac_match_regex_set *s)
{
    for (unsigned c = 0; c < 256; c++)
        if (lac_match_regex_set_has(s, (unsigned char)c) &&
            !lac_match_regex_is_word((unsigned char)c))
            return false;
    return true;
}

void lac_match_regex_set_join(struct lac_match_regex_set *s, const struct lac_match_regex_set *o)
{
    for (size_t i = 0; i < sizeof(s->bits); i++)
        s->bits[i] |= o->bits[i];
}

int32_t lac_match_regex_set_index(struct lac_match_regex_work *w,
                                  const struct lac_match_regex_set *s)
{
    for (uint16_t i = 0; i < w->set_count; i++)
        if (memcmp(&w->sets[i], s, sizeof(*s)) == 0)
            return i;
    if (w->set_count == REGEX_SETS) {
        w->unsupported = "it has more than 1024 different classes";
        return REGEX_NONE;
    }
    w->sets[w->set_count] = *s;
    return w->set_count++;
}

static void add_range(struct lac_match_regex_set *s, unsigned low, unsigned high)
{
    for (unsigned c = low; c <= high; c++)
        lac_match_regex_set_add(s, (unsigned char)c);
}

static void invert(struct lac_match_regex_set *s)
{
    for (size_t i = 0; i < sizeof(s->bits); i++)
        s->bits[i] = (uint8_t)~s->bits[i];
}

static void add_other_case(struct lac_match_regex_set *s)
{
    for (unsigned c = 'a'; c <= 'z'; c++) {
        bool has = lac_match_regex_set_has(s, (unsigned char)c) ||
                   lac_match_regex_set_has(s, (unsigned char)(c & ~0x20U));

        if (has) {
            lac_match_regex_set_add(s, (unsigned char)c);
            lac_match_regex_set_add(s, (unsigned char)(c & ~0x20U));
        }
    }
}

static int32_t set_node(struct lac_match_regex_work *w, const struct lac_match_regex_set *s)
{
    int32_t set = lac_match_regex_set_index(w, s);
    int32_t node = set < 0 ? REGEX_NONE : lac_match_regex_node_new(w, REGEX_SET);

    if (node >= 0)
        w->nodes[node].set = (uint16_t)set;
    return node;
}

/* ---- code points as byte sequences ---- */

static int32_t sequence(struct lac_match_regex_work *w, const char *low, const char *high,
                        size_t len)
{
    int32_t cat = lac_match_regex_node_new(w, REGEX_CAT);

    for (size_t i = 0; i < len && cat >= 0; i++) {
        struct lac_match_regex_set s = {0};
        int32_t node;

        add_range(&s, (unsigned char)low[i], (unsigned char)high[i]);
        node = set_node(w, &s);
        if (node < 0)
            return REGEX_NONE;
        lac_match_regex_node_append(w, cat, node);
    }
    return cat;
}

/* The highest code point up to `high` whose sequences from `low` on are one range per byte. */
static uint32_t same_shape(uint32_t low, uint32_t high)
{
    static const uint32_t lengths[] = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

    for (size_t i = 0; i < LAC_COUNT(lengths); i++)
        if (low <= lengths[i] && high > lengths[i])
            high = lengths[i];
    for (unsigned bits = 6; bits <= 18; bits += 6) {
        uint32_t tail = (1U << bits) - 1;

        if (low >> bits == high >> bits)
            break;
        if (low & tail)
            return low | tail;
        if ((high & tail) != tail)
            high = (high & ~tail) - 1;
    }
    return high;
}

int32_t lac_match_regex_points(struct lac_match_regex_work *w, uint32_t low, uint32_t high,
                               int32_t alt)
{
    while (low <= high) {
        uint32_t end = same_shape(low, high);
        char first[4], last[4];
        size_t len = lac_utf8_put(first, low);
        int32_t node;

        (void)lac_utf8_put(last, end);
        node = sequence(w, first, last, len);
        if (node < 0 || alt < 0)
            return node;
        lac_match_regex_node_append(w, alt, node);
        low = end + 1;
    }
    return alt;
}

/*
 * The other cases of a character outside ASCII, as alternatives. (What ASCII letters have outside
 * ASCII, U+017F and U+212A, is an ASCII letter in the normalised text that patterns are for.)
 */
static void add_cases(struct lac_match_regex_work *w, uint32_t point, int32_t alt)
{
    uint32_t lower = (uint32_t)utf8proc_tolower((utf8proc_int32_t)point);
    uint32_t upper = (uint32_t)utf8proc_toupper((utf8proc_int32_t)point);

    if (lower != point && lower >= 0x80)
        (void)lac_match_regex_points(w, lower, lower, alt);
    if (upper != point && upper != lower && upper >= 0x80)
        (void)lac_match_regex_points(w, upper, upper, alt);
}

/* ---- escapes ---- */

static bool hex_value(struct lac_str p, size_t from, size_t to, uint32_t *out)
{
    *out = 0;
    for (size_t i = from; i < to; i++) {
        unsigned c = (unsigned char)p.ptr[i];
        unsigned v = c - '0' < 10 ? c - '0' : (c | 0x20) - 'a' < 6 ? (c | 0x20) - 'a' + 10 : 16;

        if (v > 15 || *out > 0x10FFFF)
            return false;
        *out = *out * 16 + v;
    }
    return to > from && *out <= 0x10FFFF;
}

/* What follows "\x"; w->at is behind the x. */
static enum lac_status parse_hex(struct lac_match_regex_work *w, uint32_t *out, struct lac_err *err)
{
    struct lac_str p = w->pattern;
    size_t from = w->at;

    if (from < p.len && p.ptr[from] == '{') {
        const char *close = memchr(p.ptr + from, '}', p.len - from);

        if (!close || !hex_value(p, from + 1, (size_t)(close - p.ptr), out))
            return lac_match_regex_refuse(err, from, "\\x{...} wants hex digits up to 10FFFF");
        w->at = (size_t)(close - p.ptr) + 1;
    } else {
        if (p.len - from < 2 || !hex_value(p, from, from + 2, out))
            return lac_match_regex_refuse(err, from, "\\x wants two hex digits");
        w->at = from + 2;
    }
    if (!w->utf8 && *out > 0xFF)
        w->unsupported = "\\x{...} above FF";
    if (w->utf8 && *out >= 0xD800 && *out < 0xE000)
        return lac_match_regex_refuse(err, from, "this code point is no character");
    return LAC_OK;
}

/* \d \w \s and their opposites. */
static bool class_escape(char c, struct lac_match_regex_set *s)
{
    switch (c | 0x20) {
    case 'd':
        add_range(s, '0', '9');
        break;
    case 'w':
        for (unsigned i = 0; i < 128; i++)
            if (lac_match_regex_is_word((unsigned char)i))
                lac_match_regex_set_add(s, (unsigned char)i);
        break;
    case 's':
        add_range(s, '\t', '\r');
        lac_match_regex_set_add(s, ' ');
        break;
    default:
        return false;
    }
    if (!(c & 0x20))
        invert(s);
    return true;
}

static bool is_alnum(unsigned c)
{
    return (c | 0x20) - 'a' < 26 || c - '0' < 10;
}

/* An escape that is one code point; w->at is at the character behind the backslash. */
static enum lac_status parse_point_escape(struct lac_match_regex_work *w, uint32_t *out,
                                          struct lac_err *err)
{
    static const char names[] = "tnrfae";
    static const char values[] = "\t\n\r\f\a\x1b";
    size_t at = w->at - 1;
    char c = w->pattern.ptr[w->at++];
    const char *simple = c ? strchr(names, c) : NULL;

    if (c == 'x')
        return parse_hex(w, out, err);
    if (simple) {
        *out = (unsigned char)values[simple - names];
        return LAC_OK;
    }
    if (c >= '1' && c <= '9')
        return lac_match_regex_refuse(err, at, "backreferences are not supported");
    if (is_alnum((unsigned char)c))
        return lac_match_regex_refuse(err, at, "the escape '\\%c' is not supported", c);
    if ((unsigned char)c >= 0x80)
        return lac_match_regex_refuse(err, at, "only ASCII characters can be escaped");
    *out = (unsigned char)c;
    return LAC_OK;
}

static enum lac_status point_node(struct lac_match_regex_work *w, uint32_t point, bool nocase,
                                  int32_t *out)
{
    struct lac_match_regex_set s = {0};

    *out = REGEX_NONE;
    if (w->unsupported)
        return LAC_OK;
    if (point >= 0x80 && w->utf8) {
        int32_t alt = nocase ? lac_match_regex_node_new(w, REGEX_ALT) : REGEX_NONE;

        *out = lac_match_regex_points(w, point, point, alt);
        if (alt >= 0)
            add_cases(w, point, alt);
        return LAC_OK;
    }
    lac_match_regex_set_add(&s, (unsigned char)point);
    if (nocase)
        add_other_case(&s);
    *out = set_node(w, &s);
    return LAC_OK;
}

static bool assertion_of(char c, enum regex_assertion *out)
{
    switch (c) {
    case 'b':
        *out = REGEX_BOUNDARY;
        return true;
    case 'B':
        *out = REGEX_INSIDE;
        return true;
    case 'A':
        *out = REGEX_BEGIN;
        return true;
    case 'Z':
        *out = REGEX_END;
        return true;
    case 'z':
        *out = REGEX_VERY_END;
        return true;
    default:
        return false;
    }
}

enum lac_status lac_match_regex_parse_escape(struct lac_match_regex_work *w, bool nocase,
                                             int32_t *out, struct lac_err *err)
{
    struct lac_match_regex_set s = {0};
    enum regex_assertion assertion;
    enum lac_status status;
    uint32_t point = 0;
    char c;

    *out = REGEX_NONE;
    if (++w->at == w->pattern.len)
        return lac_match_regex_refuse(err, w->at - 1, "nothing follows the backslash");
    c = w->pattern.ptr[w->at];
    if (assertion_of(c, &assertion)) {
        w->at++;
        *out = lac_match_regex_node_new(w, REGEX_ASSERT);
        if (*out >= 0)
            w->nodes[*out].assertion = (uint8_t)assertion;
        return LAC_OK;
    }
    if (class_escape(c, &s)) {
        w->at++;
        if (w->utf8 && !(c & 0x20))
            w->unsupported = "a negated class in a pattern with characters outside ASCII";
        else
            *out = set_node(w, &s);
        return LAC_OK;
    }
    status = parse_point_escape(w, &point, err);
    return status == LAC_OK ? point_node(w, point, nocase, out) : status;
}

enum lac_status lac_match_regex_parse_char(struct lac_match_regex_work *w, bool nocase,
                                           int32_t *out, struct lac_err *err)
{
    size_t at = w->at;
    uint32_t point;

    *out = REGEX_NONE;
    if (w->utf8)
        point = lac_utf8_next(w->pattern, &w->at);
    else
        point = (unsigned char)w->pattern.ptr[w->at++];
    if (point == LAC_UTF8_BAD)
        return lac_match_regex_refuse(err, at, "this is no UTF-8");
    return point_node(w, point, nocase, out);
}

enum lac_status lac_match_regex_parse_dot(struct lac_match_regex_work *w, bool dotall, int32_t *out)
{
    struct lac_match_regex_set s = {0};

    *out = REGEX_NONE;
    w->at++;
    if (w->utf8) {
        w->unsupported = "'.' in a pattern with characters outside ASCII";
        return LAC_OK;
    }
    if (!dotall)
        lac_match_regex_set_add(&s, '\n');
    invert(&s);
    *out = set_node(w, &s);
    return LAC_OK;
}

/* ---- [...] ---- */

/* A class while it is read: the ASCII part, or all bytes, and the rest as sequences. */
struct class
{
    struct lac_match_regex_set set;
    int32_t alt; /* REGEX_NONE: no sequences so far */
    bool nocase;
};

static enum lac_status add_points(struct lac_match_regex_work *w, struct class *k, uint32_t low,
                                  uint32_t high)
{
    uint32_t limit = w->utf8 ? 0x7F : 0xFF;

    if (w->unsupported)
        return LAC_OK;
    if (low <= limit)
        add_range(&k->set, low, high < limit ? high : limit);
    if (high <= limit)
        return LAC_OK;
    if (k->alt < 0)
        k->alt = lac_match_regex_node_new(w, REGEX_ALT);
    if (low <= limit)
        low = limit + 1;
    if (low < 0xE000 && high >= 0xD800) { /* surrogates have no UTF-8 */
        if (low < 0xD800 && k->alt >= 0)
            (void)lac_match_regex_points(w, low, 0xD7FF, k->alt);
        low = 0xE000;
    }
    if (k->alt >= 0)
        (void)lac_match_regex_points(w, low, high, k->alt);
    if (k->nocase && high - low >= CASED_RANGE_MAX)
        w->unsupported = "letters of either case in a class of more than 2048 characters";
    for (uint32_t c = low; k->nocase && !w->unsupported && c <= high; c++)
        add_cases(w, c, k->alt);
    return LAC_OK;
}

static const struct {
    const char *name;
    const char *ranges; /* pairs */
} posix_classes[] = {
    {"alnum", "09AZaz"}, {"alpha", "AZaz"},    {"digit", "09"},
    {"lower", "az"},     {"upper", "AZ"},      {"punct", "!/:@[`{~"},
    {"space", "\t\r  "}, {"word", "09AZ__az"}, {"xdigit", "09AFaf"},
};

/* "[:alpha:]" inside of a class; w->at is at its '['. False: it is none. */
static bool parse_posix(struct lac_match_regex_work *w, struct class *k)
{
    struct lac_str rest = {w->pattern.ptr + w->at, w->pattern.len - w->at};

    if (rest.len < 2 || rest.ptr[1] != ':')
        return false;
    for (size_t i = 0; i < LAC_COUNT(posix_classes); i++) {
        struct lac_str name = lac_str_from(posix_classes[i].name);

        if (rest.len < name.len + 4 || memcmp(rest.ptr + 2, name.ptr, name.len) != 0 ||
            memcmp(rest.ptr + 2 + name.len, ":]", 2) != 0)
            continue;
        for (const char *r = posix_classes[i].ranges; *r; r += 2)
            add_range(&k->set, (unsigned char)r[0], (unsigned char)r[1]);
        w->at += name.len + 4;
        return true;
    }
    return false;
}

/* One member: a code point, or (`*is_set`) several that were added already. */
static enum lac_status parse_member(struct lac_match_regex_work *w, struct class *k,
                                    uint32_t *point, bool *is_set, struct lac_err *err)
{
    size_t at = w->at;
    char c = w->pattern.ptr[at];

    *is_set = true;
    if (c == '[' && parse_posix(w, k))
        return LAC_OK;
    if (c == '[' && at + 1 < w->pattern.len && w->pattern.ptr[at + 1] &&
        strchr(":.=", w->pattern.ptr[at + 1]))
        return lac_match_regex_refuse(err, at, "there is no such named class; write '\\['");
    if (c == '\\') {
        if (at + 1 == w->pattern.len)
            return lac_match_regex_refuse(err, at, "nothing follows the backslash");
        w->at++;
        c = w->pattern.ptr[w->at];
        if (class_escape(c, &(struct lac_match_regex_set){0})) {
            struct lac_match_regex_set s = {0};

            (void)class_escape(c, &s);
            lac_match_regex_set_join(&k->set, &s);
            w->at++;
            if (w->utf8 && !(c & 0x20))
                w->unsupported = "a negated class in a pattern with characters outside ASCII";
            return LAC_OK;
        }
        *is_set = false;
        if (c == 'b') {
            w->at++;
            *point = '\b';
            return LAC_OK;
        }
        return parse_point_escape(w, point, err);
    }
    *is_set = false;
    *point = w->utf8 ? lac_utf8_next(w->pattern, &w->at) : (unsigned char)w->pattern.ptr[w->at++];
    if (*point == LAC_UTF8_BAD)
        return lac_match_regex_refuse(err, at, "this is no UTF-8");
    return LAC_OK;
}

static enum lac_status parse_members(struct lac_match_regex_work *w, struct class *k, size_t open,
                                     struct lac_err *err)
{
    struct lac_str p = w->pattern;

    for (bool first = true; w->at < p.len && (first || p.ptr[w->at] != ']'); first = false) {
        uint32_t low = 0, high;
        size_t at = w->at;
        bool is_set;
        enum lac_status status = parse_member(w, k, &low, &is_set, err);

        high = low;
        if (status == LAC_OK && w->at + 1 < p.len && p.ptr[w->at] == '-' &&
            p.ptr[w->at + 1] != ']') {
            bool second_is_set = is_set;

            w->at++;
            if (!is_set)
                status = parse_member(w, k, &high, &second_is_set, err);
            if (status == LAC_OK && second_is_set)
                return lac_match_regex_refuse(err, at,
                                              "a range goes from one character to "
                                              "another; write '\\-' for a dash");
        }
        if (status == LAC_OK && !is_set && low > high)
            return lac_match_regex_refuse(err, at, "this range ends before it begins");
        if (status == LAC_OK && !is_set)
            status = add_points(w, k, low, high);
        if (status != LAC_OK)
            return status;
    }
    if (w->at == p.len)
        return lac_match_regex_refuse(err, open, "this class is not closed");
    w->at++;
    return LAC_OK;
}

enum lac_status lac_match_regex_parse_class(struct lac_match_regex_work *w, bool nocase,
                                            int32_t *out, struct lac_err *err)
{
    struct class k = {.alt = REGEX_NONE, .nocase = nocase};
    size_t open = w->at++;
    bool negated = w->at < w->pattern.len && w->pattern.ptr[w->at] == '^';
    enum lac_status status;

    *out = REGEX_NONE;
    if (negated)
        w->at++;
    status = parse_members(w, &k, open, err);
    if (status != LAC_OK)
        return status;
    if (negated && w->utf8)
        w->unsupported = "a negated class in a pattern with characters outside ASCII";
    if (w->unsupported)
        return LAC_OK;
    if (nocase)
        add_other_case(&k.set);
    if (negated)
        invert(&k.set);
    if (lac_match_regex_set_count(&k.set) == 0 && k.alt < 0)
        return lac_match_regex_refuse(err, open, "no byte is in this class");
    if (k.alt < 0) {
        *out = set_node(w, &k.set);
        return LAC_OK;
    }
    if (lac_match_regex_set_count(&k.set) > 0) {
        int32_t ascii = set_node(w, &k.set);

        if (ascii >= 0)
            lac_match_regex_node_append(w, k.alt, ascii);
    }
    *out = w->unsupported ? REGEX_NONE : k.alt;
    return LAC_OK;
}
