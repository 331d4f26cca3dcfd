/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lac_conf_impl.h"

static const char env_prefix[] = "LACUNA__";
static const char file_suffix[] = "_file";

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

void lac_conf_spell(char *out, enum lac_conf_spelling spelling, struct lac_conf_name name)
{
    const char *key = lac_conf_keys[name.key].name;
    struct lac_buf b;

    lac_buf_init_fixed(&b, out, LAC_CONF_NAME_MAX - 1);
    if (spelling == LAC_CONF_IN_ENV)
        lac_buf_put_text(&b, env_prefix);
    else if (spelling == LAC_CONF_IN_FLAG)
        lac_buf_put_text(&b, "--");
    for (int part = 0; part < 2; part++) {
        const char *text = part == 0 ? key : name.file_form ? file_suffix : "";

        for (; *text; text++) {
            char c = *text;

            if (spelling == LAC_CONF_IN_FLAG)
                lac_buf_put_char(&b, (char)(c == '.' || c == '_' ? '-' : c));
            else if (spelling == LAC_CONF_IN_ENV && c == '.')
                lac_buf_put_text(&b, "__");
            else if (spelling == LAC_CONF_IN_ENV && c >= 'a' && c <= 'z')
                lac_buf_put_char(&b, (char)(c - 'a' + 'A'));
            else
                lac_buf_put_char(&b, c);
        }
    }
    out[b.len] = '\0';
}

bool lac_conf_find(enum lac_conf_spelling spelling, struct lac_str name,
                   struct lac_conf_name *found)
{
    char spelled[LAC_CONF_NAME_MAX];

    /* Plain names first: ssl_key_file is a setting of its own. */
    for (int form = 0; form < 2; form++) {
        for (size_t i = 0; i < lac_conf_key_count; i++) {
            if (form == 1 && !(lac_conf_keys[i].flags & LAC_CONF_SECRET))
                continue;
            *found = (struct lac_conf_name){i, form == 1};
            lac_conf_spell(spelled, spelling, *found);
            if (lac_str_is(name, spelled))
                return true;
        }
    }
    return false;
}

/*
 * Puts any spelling into one form: lower case, one '_' for each run of separators, without
 * what every name of a source begins with.
 */
static size_t normalise(char *out, struct lac_str name)
{
    static const char env[] = "lacuna_";
    size_t n = 0, skip = sizeof(env) - 1;

    for (size_t i = 0; i < name.len && n < LAC_CONF_NAME_MAX; i++) {
        char c = lower(name.ptr[i]);

        if (c == '.' || c == '-' || c == '_') {
            if (n > 0 && out[n - 1] != '_')
                out[n++] = '_';
        } else {
            out[n++] = c;
        }
    }
    if (n > skip && memcmp(out, env, skip) == 0) {
        n -= skip;
        memmove(out, out + skip, n);
    }
    return n;
}

/* Edits (insert, drop, change, swap of neighbours) between two short names. */
static unsigned distance(const char *a, size_t alen, const char *b, size_t blen)
{
    unsigned rows[3][LAC_CONF_NAME_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= blen; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= alen; i++) {
        unsigned *spare = before;

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= blen; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[blen];
}

/* How far `given` is from a known name, or from its last part: who forgets the section is
 * near, too. */
static unsigned score(const char *given, size_t given_len, struct lac_str name)
{
    char known[LAC_CONF_NAME_MAX];
    size_t known_len = normalise(known, name);
    unsigned best = distance(given, given_len, known, known_len), tail;
    const char *dot = memchr(name.ptr, '.', name.len);

    if (dot) {
        size_t section = (size_t)(dot - name.ptr) + 1;

        tail = distance(given, given_len, known + section, known_len - section) + 1;
        if (tail < best)
            best = tail;
    }
    return best;
}

bool lac_conf_near(struct lac_str name, unsigned programs, struct lac_conf_name *found)
{
    char given[LAC_CONF_NAME_MAX], known[LAC_CONF_NAME_MAX];
    size_t len = normalise(given, name);
    unsigned best = len < 6 ? 2 : len < 12 ? 3 : (unsigned)len / 3;
    bool any = false;

    best++; /* the first that is below wins, so ties go to the table's order */
    for (int form = 0; form < 2; form++) {
        for (size_t i = 0; i < lac_conf_key_count; i++) {
            struct lac_conf_name candidate = {i, form == 1};
            unsigned edits;

            if ((form == 1 && !(lac_conf_keys[i].flags & LAC_CONF_SECRET)) ||
                !(lac_conf_keys[i].programs & programs))
                continue;
            lac_conf_spell(known, LAC_CONF_IN_FILE, candidate);
            edits = score(given, len, lac_str_from(known));
            if (edits < best) {
                best = edits;
                *found = candidate;
                any = true;
            }
        }
    }
    return any;
}

const char *lac_conf_nearest(const char *name)
{
    struct lac_conf_name found;

    return lac_conf_near(lac_str_from(name), ~0u, &found) ? lac_conf_keys[found.key].name : NULL;
}

enum lac_status lac_conf_unknown(enum lac_conf_spelling spelling, const char *where,
                                 struct lac_str name, unsigned programs, struct lac_err *err)
{
    struct lac_conf_name found;
    char near[LAC_CONF_NAME_MAX];

    if (name.len > LAC_CONF_NAME_MAX)
        name.len = LAC_CONF_NAME_MAX;
    /* With it, that command would fail with the same words. */
    if (!lac_conf_near(name, programs, &found))
        return lac_err_set(err, LAC_FATAL, 0,
                           "%s%s%.*s is not a setting; without it, `lacuna config show` lists all",
                           where, where[0] ? ": " : "", LAC_STR_FMT(name));
    lac_conf_spell(near, spelling, found);
    return lac_err_set(err, LAC_FATAL, 0, "%s%s%.*s is not a setting; did you mean %s?", where,
                       where[0] ? ": " : "", LAC_STR_FMT(name), near);
}
