/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_args.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lac_str.h"

/* The option that `arg` names, and in `*value` what is attached to it ("=VALUE", "-xVALUE"). */
static const struct lac_args_option *find(const struct lac_args_option *options, size_t count,
                                          const char *arg, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct lac_args_option *o = &options[i];
        size_t len = o->name ? strlen(o->name) : 0;

        if (len && strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, o->name, len) == 0 &&
            (arg[2 + len] == '\0' || arg[2 + len] == '=')) {
            *value = arg[2 + len] ? arg + 3 + len : NULL;
            return o;
        }
        if (o->letter && arg[0] == '-' && arg[1] == o->letter &&
            (arg[2] == '\0' || o->type != LAC_ARGS_SWITCH)) {
            *value = arg[2] ? arg + 2 : NULL;
            return o;
        }
    }
    return NULL;
}

bool lac_args_duration(const char *text, uint64_t *ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"", 1000}};
    size_t digits = strspn(text, "0123456789");
    uint64_t n;

    if (!lac_str_to_u64((struct lac_str){text, digits}, &n))
        return false;
    for (size_t i = 0; i < LAC_COUNT(units); i++)
        if (strcmp(text + digits, units[i].unit) == 0)
            return !__builtin_mul_overflow(n, units[i].ms, ms);
    return false;
}

static enum lac_status set_number(const struct lac_args_option *o, const char *value,
                                  struct lac_err *err)
{
    uint64_t most = o->most ? o->most : UINT64_MAX, n;

    if (!lac_str_to_u64(lac_str_from(value), &n) || n < o->least || n > most)
        return lac_err_set(err, LAC_REJECT, 0,
                           o->most
                               ? "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not \"%s\""
                               : "--%s takes a number from %" PRIu64 "%.0" PRIu64 ", not \"%s\"",
                           o->name, o->least, o->most, value);
    *(uint64_t *)o->target = n;
    return LAC_OK;
}

static enum lac_status set(const struct lac_args_option *o, const char *value, struct lac_err *err)
{
    struct lac_args_list *list = o->target;

    switch (o->type) {
    case LAC_ARGS_SWITCH:
        *(bool *)o->target = true;
        return LAC_OK;
    case LAC_ARGS_TEXT:
        *(const char **)o->target = value;
        return LAC_OK;
    case LAC_ARGS_NUMBER:
        return set_number(o, value, err);
    case LAC_ARGS_DURATION:
        if (lac_args_duration(value, o->target))
            return LAC_OK;
        return lac_err_set(err, LAC_REJECT, 0,
                           "--%s takes a duration such as 500ms, 30s, 5m or 2h, not \"%s\"",
                           o->name, value);
    case LAC_ARGS_LIST:
        if (list->count == LAC_ARGS_LIST_MAX)
            return lac_err_set(err, LAC_REJECT, 0, "--%s may be given %d times at most", o->name,
                               LAC_ARGS_LIST_MAX);
        list->items[list->count++] = value;
        return LAC_OK;
    }
    return lac_err_set(err, LAC_FATAL, 0, "--%s has no type", o->name);
}

enum lac_status lac_args_take(const struct lac_args_option *options, size_t count, int *argc,
                              char **argv, struct lac_err *err)
{
    int kept = 1, i;

    for (i = 1; i < *argc; i++) {
        const char *value;
        const struct lac_args_option *o;

        if (strcmp(argv[i], "--") == 0)
            break;
        o = find(options, count, argv[i], &value);
        if (!o) {
            argv[kept++] = argv[i];
            continue;
        }
        if (o->type == LAC_ARGS_SWITCH && value)
            return lac_err_set(err, LAC_REJECT, 0, "--%s takes no value", o->name);
        if (o->type != LAC_ARGS_SWITCH && !value) {
            if (i + 1 == *argc)
                return lac_err_set(err, LAC_REJECT, 0, "--%s needs a value: --%s %s", o->name,
                                   o->name, o->value);
            value = argv[++i];
        }
        if (set(o, value, err) != LAC_OK)
            return LAC_REJECT;
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    *argc = kept;
    return LAC_OK;
}

void lac_args_help(const struct lac_args_option *options, size_t count, const struct lac_term *term,
                   struct lac_buf *b)
{
    enum { LEFT = 26 };

    for (size_t i = 0; i < count; i++) {
        const struct lac_args_option *o = &options[i];
        char left[96];
        int n;

        n = snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
                     o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
                     o->value ? " " : "", o->value ? o->value : "");
        lac_buf_put_text(b, "  ");
        lac_term_put(term, b, LAC_STYLE_LINK, left);
        if (n > LEFT)
            lac_buf_printf(b, "\n  %*s", LEFT, "");
        else
            lac_buf_printf(b, "%*s", LEFT - n, "");
        lac_buf_printf(b, "  %s\n", o->help);
    }
}

enum { WORD_MAX = 63 };

/* Edit distance with swaps of neighbours; words are cut at WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *lac_args_nearest(const char *word, const char *(*next)(void *ctx, size_t i), void *ctx)
{
    size_t limit = strnlen(word, WORD_MAX) / 3 + 1, best = limit + 1;
    const char *name, *nearest = NULL;

    for (size_t i = 0; (name = next(ctx, i)); i++) {
        size_t d = distance(word, name);

        if (d < best) {
            best = d;
            nearest = name;
        }
    }
    return nearest;
}
