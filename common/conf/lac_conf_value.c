/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "lac_conf_impl.h"
#include "lac_utf8.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit sizes[] = {
    {"", 1},       {"B", 1},         {"kB", 1000},
    {"KB", 1000},  {"MB", 1000000},  {"GB", 1000000000},
    {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
};

static const struct unit plain[] = {{"", 1}};

/* Digits with an optional minus, blanks, one of the units. */
static bool parse_scaled(struct lac_str text, const struct unit *units, size_t count, int64_t *out)
{
    size_t digits = 0, at;
    int64_t value;

    if (text.len > 0 && text.ptr[0] == '-')
        digits = 1;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!lac_str_to_i64((struct lac_str){text.ptr, digits}, &value))
        return false;
    for (at = digits; at < text.len && text.ptr[at] == ' '; at++)
        ;
    for (size_t i = 0; i < count; i++)
        if (lac_str_is((struct lac_str){text.ptr + at, text.len - at}, units[i].name))
            return !__builtin_mul_overflow(value, units[i].factor, out);
    return false;
}

static enum lac_status parse_number(const struct lac_conf_key *key, struct lac_str text,
                                    int64_t *number, struct lac_err *err)
{
    const char *what = "a whole number", *unit = "";
    bool ok;

    if (key->type == LAC_CONF_DURATION) {
        ok = parse_scaled(text, durations, LAC_COUNT(durations), number);
        what = "a duration such as 250ms, 10s, 5m, 2h or 7d";
        unit = " ms";
    } else if (key->type == LAC_CONF_SIZE) {
        ok = parse_scaled(text, sizes, LAC_COUNT(sizes), number);
        what = "a size such as 4096, 64KiB, 1MiB or 2GiB";
        unit = " bytes";
    } else {
        ok = parse_scaled(text, plain, LAC_COUNT(plain), number);
    }
    if (!ok)
        return lac_err_set(err, LAC_FATAL, 0, "must be %s", what);
    if (*number < key->min || *number > key->max)
        return lac_err_set(err, LAC_FATAL, 0, "must be from %" PRId64 " to %" PRId64 "%s", key->min,
                           key->max, unit);
    return LAC_OK;
}

static bool parse_bool(struct lac_str text, int64_t *number)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < LAC_COUNT(yes); i++) {
        if (lac_str_eq_nocase(text, yes[i]) || lac_str_eq_nocase(text, no[i])) {
            *number = lac_str_eq_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

/* The part of `list` before `stop`; `list` moves behind it, and to absent after the last. */
static struct lac_str split(struct lac_str *list, char stop)
{
    const char *end = list->ptr && list->len ? memchr(list->ptr, stop, list->len) : NULL;
    struct lac_str part = *list;

    if (!list->ptr)
        return LAC_STR_NULL;
    if (!end) {
        *list = LAC_STR_NULL;
        return part;
    }
    part.len = (size_t)(end - part.ptr);
    *list = (struct lac_str){end + 1, list->len - part.len - 1};
    return part;
}

struct lac_str lac_conf_word(const struct lac_conf_key *key, size_t index)
{
    struct lac_str list = lac_str_from(key->words), word;

    for (size_t i = 0; (word = split(&list, '|')).ptr; i++)
        if (i == index)
            return split(&word, ',');
    return LAC_STR_NULL;
}

void lac_conf_words(const struct lac_conf_key *key, struct lac_buf *out)
{
    const char *comma = "";
    struct lac_str word;

    for (size_t i = 0; (word = lac_conf_word(key, i)).ptr; i++) {
        if (word.len == 0)
            continue;
        lac_buf_printf(out, "%s%.*s", comma, LAC_STR_FMT(word));
        comma = ", ";
    }
}

static bool eq_nocase(struct lac_str a, struct lac_str b)
{
    char text[64];

    if (a.len != b.len || b.len >= sizeof(text))
        return false;
    memcpy(text, b.ptr, b.len);
    text[b.len] = '\0';
    return lac_str_eq_nocase(a, text);
}

static enum lac_status parse_word(const struct lac_conf_key *key, struct lac_str text,
                                  int64_t *number, struct lac_err *err)
{
    struct lac_str list = lac_str_from(key->words), group, word;
    char known[256];
    struct lac_buf b;

    for (int64_t i = 0; (group = split(&list, '|')).ptr; i++) {
        while ((word = split(&group, ',')).ptr) {
            if (eq_nocase(text, word)) {
                *number = i;
                return LAC_OK;
            }
        }
    }
    lac_buf_init_fixed(&b, known, sizeof(known));
    lac_conf_words(key, &b);
    return lac_err_set(err, LAC_FATAL, 0, "must be one of %s", lac_buf_cstr(&b));
}

/* Control characters would let a value write its own log lines. */
static enum lac_status check_text(struct lac_str text, struct lac_err *err)
{
    if (text.len > LAC_CONF_VALUE_MAX)
        return lac_err_set(err, LAC_FATAL, 0, "is longer than %d bytes", LAC_CONF_VALUE_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return lac_err_set(err, LAC_FATAL, 0, "must not contain control characters");
    if (!lac_utf8_valid(text))
        return lac_err_set(err, LAC_FATAL, 0, "must be UTF-8");
    return LAC_OK;
}

enum lac_status lac_conf_parse(const struct lac_conf_key *key, struct lac_str text,
                               struct lac_buf *canonical, int64_t *number, struct lac_err *err)
{
    enum lac_status status = check_text(text, err);

    *number = 0;
    if (status != LAC_OK)
        return status;
    switch (key->type) {
    case LAC_CONF_TEXT:
        lac_buf_put_str(canonical, text);
        break;
    case LAC_CONF_ENUM:
        status = parse_word(key, text, number, err);
        if (status == LAC_OK)
            lac_buf_put_str(canonical, lac_conf_word(key, (size_t)*number));
        break;
    case LAC_CONF_BOOL:
        if (!parse_bool(text, number))
            return lac_err_set(err, LAC_FATAL, 0, "must be true or false");
        lac_buf_put_text(canonical, *number ? "true" : "false");
        break;
    case LAC_CONF_NUMBER:
    case LAC_CONF_DURATION:
    case LAC_CONF_SIZE:
        status = parse_number(key, text, number, err);
        if (status == LAC_OK)
            lac_buf_printf(canonical, "%" PRId64, *number);
        break;
    }
    return status;
}
