/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords in sentences of any language: "the password has been set to ..", "Passwort vom WLAN:
 * ..", "hasło do serwera to ..", "use .. as the password". No grammar is known. What stands a few
 * plain words away from the word for a password, in its sentence, is one if it can hardly be
 * anything else: letters, digits and signs in one word.
 */
#include "lac_match_detect.h"

#include <string.h>

#include "lac_match_secret.h"

enum {
    WORDS_MAX = 8,   /* words in between */
    REACH_MAX = 80,  /* bytes in between */
    BETWEEN_MAX = 4, /* blanks, quotes and dashes between two words */
    LEAST = 6,       /* bytes of a password */
    MOST = 48,
    SWAPS_MIN = 4,    /* between letters and digits, where no sign is: hT9mQ2xW */
    DIGITS_LAST = 3,  /* before a last '!', that may be the sentence's: Sommer2024! */
    AS_WORDS_MAX = 4, /* "as the new root password" */
};

/* What stands around a word: its quotes, Markdown's stars. Typographic quotes are of three bytes,
 * and plain in the view. */
static const char around[] = "\"'`*_()";

static bool is_letter(unsigned c)
{
    return lac_match_is_alpha(c) || c >= 0x80;
}

struct marks {
    size_t upper, lower, digits, signs, swaps;
    bool high; /* a letter that is none of ASCII's */
    char sign; /* the last one */
};

/* False: a character that stands in code, paths and addresses, and in few passwords. */
static bool marks_of(struct lac_str s, struct marks *m)
{
    *m = (struct marks){0};
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (lac_match_is_in(c, "(){}[]<>/\\|\"'`=:;,") || c < ' ')
            return false;
        if (c == '%' && lac_match_is_hex(lac_match_byte(s, i + 1)) &&
            lac_match_is_hex(lac_match_byte(s, i + 2)))
            return false; /* "the passphrase to%0Aprotect" */
        m->upper += lac_match_is_upper(c);
        m->lower += lac_match_is_lower(c);
        m->digits += lac_match_is_digit(c);
        m->high = m->high || c >= 0x80;
        m->swaps +=
            i > 0 && lac_match_is_digit(c) != lac_match_is_digit((unsigned char)s.ptr[i - 1]);
        if (lac_match_is_in(c, "!@#$%^&*?+~")) {
            m->signs++;
            m->sign = (char)c;
        }
    }
    return true;
}

static size_t last_digits(struct lac_str s)
{
    size_t n = 0;

    while (n < s.len && lac_match_is_digit((unsigned char)s.ptr[s.len - 1 - n]))
        n++;
    return n;
}

static size_t first_digits(struct lac_str s)
{
    size_t n = 0;

    while (n < s.len && lac_match_is_digit((unsigned char)s.ptr[n]))
        n++;
    return n;
}

/* "issue#42", "PKCS#12-file", "root@db1", "50%ige", "Office11!": one sign between words and
 * numbers. */
static bool is_reference(struct lac_str s, const struct marks *m)
{
    const char *sign = memchr(s.ptr, m->sign, s.len);
    struct lac_str before = {s.ptr, (size_t)(sign - s.ptr)};
    struct lac_str behind = lac_str_slice(s, before.len + 1, s.len);

    if (m->signs > 1)
        return false;
    if (behind.len == 0)
        return lac_match_is_in((unsigned char)m->sign, "?+%*") ||
               (m->sign == '!' && last_digits(before) < DIGITS_LAST && m->swaps < SWAPS_MIN);
    if (m->sign == '%' && last_digits(before) == before.len)
        return true;
    if (m->sign == '@' || m->sign == '+' || m->sign == '~')
        return m->upper == 0 || m->lower == 0 || memchr(behind.ptr, '.', behind.len);
    if (m->sign == '#' && lac_match_byte(behind, first_digits(behind)) == '-')
        return true;
    return (m->upper == 0 || m->lower == 0) && first_digits(behind) == behind.len;
}

static bool is_password(struct lac_str s)
{
    struct marks m;

    if (s.len < LEAST || s.len > MOST || strchr("$%@#&*-+~", s.ptr[0]) || !marks_of(s, &m) ||
        m.high || m.digits == 0 || m.upper + m.lower == 0 || lac_match_is_placeholder(s))
        return false;
    if (m.signs == 0)
        return m.upper > 0 && m.lower > 0 && m.swaps >= SWAPS_MIN && !memchr(s.ptr, '.', s.len) &&
               !memchr(s.ptr, '-', s.len) && !memchr(s.ptr, '_', s.len);
    return !is_reference(s, &m);
}

/* Without what stands around it. */
static struct lac_str bare(struct lac_str word)
{
    size_t from = 0, to = word.len;

    while (from < to && strchr(around, word.ptr[from]))
        from++;
    while (to > from && strchr("\"'`*_().,;:", word.ptr[to - 1]))
        to--;
    return lac_str_slice(word, from, to);
}

/* Letters, and what stands within a word: "Wi-Fi", "l'utente", "n8n" is none. */
static bool is_plain(struct lac_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.ptr[i];

        if (!is_letter(c) && !lac_match_is_in(c, "-'`\"*"))
            return false;
    }
    return true;
}

static bool put(struct lac_str t, struct lac_str s, struct lac_match_span *out)
{
    size_t start = (size_t)(s.ptr - t.ptr);

    *out = (struct lac_match_span){start, start + s.len, start + s.len};
    return true;
}

/* A word's end, its length being bounded. */
static size_t word_end(struct lac_str t, size_t i)
{
    return lac_match_run_end(t, i, MOST + 8, lac_match_is_no_blank);
}

static bool behind(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t i = at;

    for (int words = 0; words < WORDS_MAX && i - at < REACH_MAX; words++) {
        size_t from = lac_match_skip(t, i, " \t", BETWEEN_MAX);
        struct lac_str word = lac_str_slice(t, from, word_end(t, from));
        struct lac_str core = bare(word);

        if (word.len == 0 || (from == i && words > 0))
            return false;
        if (is_password(core))
            return put(t, core, out);
        i = from + word.len;
        if (strchr(":-=", word.ptr[word.len - 1]))
            word.len--;
        if (!is_plain(word))
            return false;
    }
    return false;
}

/* The word that ends before the blanks at `i`. */
static struct lac_str word_before(struct lac_str t, size_t i)
{
    size_t end = i;

    while (end > 0 && i - end < BETWEEN_MAX && lac_match_is_in(lac_match_before(t, end), " \t\"'`"))
        end--;
    return lac_str_slice(t, lac_match_run_start(t, end, MOST + 8, lac_match_is_no_blank), end);
}

/* "use .. as the password", "nimm .. als Passwort". */
static bool before(struct lac_str t, size_t name, struct lac_match_span *out)
{
    static const char *const as[] = {"as",  "als",  "comme", "como", "come",
                                     "som", "jako", "com",   "for",  NULL};

    for (int words = 0; words < AS_WORDS_MAX && name > 0; words++) {
        struct lac_str word = word_before(t, name);
        struct lac_str core;

        if (word.len == 0 || !is_plain(word))
            return false;
        name = (size_t)(word.ptr - t.ptr);
        for (size_t k = 0; as[k]; k++)
            if (lac_str_is(word, as[k])) {
                core = bare(word_before(t, name));
                return is_password(core) && put(t, core, out);
            }
    }
    return false;
}

bool lac_match_said(struct lac_str t, size_t name, size_t at, struct lac_match_span *out)
{
    /* Behind a name in code stand other signs. */
    return (lac_match_is_in(lac_match_byte(t, at), " :\t") && behind(t, at, out)) ||
           before(t, name, out);
}
