/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telephone numbers: North American ones (NANP), international ones (ITU-T E.164), national ones
 * in groups behind the trunk prefix 0 and, behind a word that says so, in any form. A bare run of
 * digits is never one by itself.
 */
#include "lac_match_detect.h"

#include <string.h>

enum {
    DIGITS_MAX = 15, /* E.164 */
    DIGITS_MIN = 9,  /* with country code; shorter ones are too few to be told from other numbers */
    SHORT_MIN = 7,   /* without one, behind a word, in groups */
    SHORT_REACH = 16,
    WORD_REACH = 24, /* bytes between a word and its number */
    WORD_BEFORE = 40,
    TRUNK_SEEN = 4, /* digits behind the first group that the trigger has seen: nine in all, and
                       five are the most there */
};

static bool is_n11(const char *d)
{
    return d[1] == '1' && d[2] == '1';
}

/* nanpa.com: area and exchange are NXX but not N11, the area's second digit is not 9. Numbers in
 * examples break the exchange's rule; they count where something else says "telephone". */
bool lac_match_nanp_valid(const char *d, bool strict)
{
    if (d[0] < '2' || d[1] == '9' || is_n11(d))
        return false;
    return !strict || (d[3] >= '2' && !is_n11(d + 3));
}

/* ITU-T E.164, assigned codes: one and two digits exactly, three by their first two. */
size_t lac_match_country_code(const char *d, size_t count)
{
    static const char two[] = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 "
                              "55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98";
    static const char three[] = "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 "
                                "99";

    if (count < 4)
        return 0;
    if (d[0] == '1' || d[0] == '7')
        return 1;
    for (const char *p = two; p[0]; p += p[2] ? 3 : 2)
        if (d[0] == p[0] && d[1] == p[1])
            return 2;
    for (const char *p = three; p[0]; p += p[2] ? 3 : 2)
        if (d[0] == p[0] && d[1] == p[1])
            return 3;
    return 0;
}

enum { GROUPS_MAX = 8 };

struct phone {
    char digits[DIGITS_MAX];
    size_t count;
    size_t end;                      /* behind the last digit */
    bool more;                       /* cut at the limit: another number followed */
    unsigned char group[GROUPS_MAX]; /* digits of each; behind the last that fits none are noted */
    size_t groups;
    bool uneven; /* more than one kind of separator */
    char sep;    /* the first one; 0 for none */
};

/* Whether digit, separators, digit may be one number: blank - . ( ), two only around a bracket.
 * `area`: a national area code stands before, which some write with a slash behind it. */
static bool separators_ok(struct lac_str t, size_t from, size_t n, bool area)
{
    bool bracket = false;

    if (area && n <= 3 && lac_match_byte(t, from + n / 2) == '/')
        return n != 2 && (n == 1 || (t.ptr[from] == ' ' && t.ptr[from + 2] == ' '));

    for (size_t i = from; i < from + n; i++) {
        if (!lac_match_is_in(lac_match_byte(t, i), " -.()"))
            return false;
        bracket = bracket || lac_match_is_in(lac_match_byte(t, i), "()");
    }
    return n == 1 || (n == 2 && bracket);
}

/* Whether an area code ends at `end`: the first group with its 0, or what is behind a country's
 * code ("+49 171", "+49 (0)30"). */
static bool area_ends(struct lac_str t, size_t from, size_t end, const struct phone *p)
{
    if (lac_match_before(t, from) == '+')
        return p->groups == 2 || (p->groups == 3 && p->group[1] == 1);
    return end - from == p->count && p->digits[0] == '0';
}

/* Reads groups of digits from `from`. One that would pass `limit` digits is left out, since what
 * follows a blank may be another number; a first group that does leaves none at all. */
static void parse_digits(struct lac_str t, size_t from, size_t limit, struct phone *p)
{
    size_t i = from;

    *p = (struct phone){.end = from};
    for (;;) {
        size_t end = lac_match_run_end(t, i, DIGITS_MAX + 1, lac_match_is_digit);

        if (end - i > limit - p->count) {
            p->more = true;
            return;
        }
        memcpy(p->digits + p->count, t.ptr + i, end - i);
        p->count += end - i;
        p->end = end;
        if (p->groups < GROUPS_MAX)
            p->group[p->groups] = (unsigned char)(end - i);
        p->groups++;
        for (i = end; i < t.len && i - end < 4 && !lac_match_is_digit((unsigned char)t.ptr[i]);)
            i++;
        if (i == t.len || i - end == 0 || i - end == 4 ||
            !separators_ok(t, end, i - end, area_ends(t, from, end, p)))
            return;
        /* What stands behind an area code may differ: "089/1234 5678", "(020) 7946 0958",
         * "070-124 25 72", "011 2176-6579". */
        if (!p->sep || (p->groups == 2 && (lac_match_is_in((unsigned char)p->sep, "/)") ||
                                           (p->digits[0] == '0' && t.ptr[end] != '.' &&
                                            lac_match_is_in((unsigned char)p->sep, " -")))))
            p->sep = t.ptr[end];
        else if (p->sep != t.ptr[end])
            p->uneven = true;
    }
}

/* Where the number ends, an extension that clings to it ("x3890") included; 0 when it goes on. */
static size_t phone_end(struct lac_str t, size_t end)
{
    size_t ext;

    if (lac_match_number_may_end(t, end))
        return end;
    if ((lac_match_byte(t, end) | 0x20) != 'x')
        return 0;
    ext = lac_match_run_end(t, end + 1, 7, lac_match_is_digit);
    return ext > end + 2 && ext < end + 7 && lac_match_number_may_end(t, ext) ? ext : 0;
}

static unsigned char lower(unsigned char c)
{
    return lac_match_is_alpha(c) ? c | 0x20 : c;
}

/* Whether one of the words begins in [from, to) and ends before `to`. */
static bool has_word(struct lac_str t, size_t from, size_t to, const char *const words[],
                     size_t count)
{
    for (size_t i = from; i + 2 <= to; i++) {
        unsigned char first = lower((unsigned char)t.ptr[i]);

        if (!lac_match_is_alpha(first) || lac_match_is_alpha(lac_match_before(t, i)))
            continue;
        for (size_t w = 0; w < count; w++) {
            size_t n, k = 1;

            if (first != (unsigned char)words[w][0]) /* nearly always */
                continue;
            n = strlen(words[w]);
            while (k < n && i + k < to &&
                   lower((unsigned char)t.ptr[i + k]) == (unsigned char)words[w][k])
                k++;
            if (k == n && !lac_match_is_alpha(lac_match_byte(t, i + n)))
                return true;
        }
    }
    return false;
}

static bool word_before(struct lac_str t, size_t start)
{
    static const char *const words[] = {"phone", "telephone", "tel",  "mobile",  "cell",
                                        "fax",   "call",      "dial", "sms",     "contact",
                                        "reach", "text",      "ph",   "whatsapp"};

    return has_word(t, start > WORD_BEFORE ? start - WORD_BEFORE : 0, start, words,
                    LAC_COUNT(words));
}

/* "Phone case order 728733830": the number is that of what is named in between. */
static bool names_other(struct lac_str t, size_t word, size_t at)
{
    static const char *const words[] = {"order",   "build",   "ticket", "invoice",
                                        "version", "release", "sku",    "tracking",
                                        "imei",    "model",   "serial"};

    return has_word(t, word, at, words, LAC_COUNT(words));
}

/* Walks back from "555-2671" over "(415) ", "415-", "1-415-". */
static bool verify_nanp(struct lac_str t, size_t at, struct lac_match_span *out)
{
    unsigned char sep = (unsigned char)t.ptr[at - 5];
    unsigned char before = 0;
    bool bracket = false;
    size_t p = at - 8;
    size_t end;
    char d[10];

    if (lac_match_is_in(lac_match_before(t, p), "-. "))
        before = (unsigned char)t.ptr[--p];
    if (p > 0 && t.ptr[p - 1] == ')')
        bracket = true, p--;
    if (p < 3 || (!bracket && before != sep && before != ' '))
        return false;
    p -= 3;
    memcpy(d, t.ptr + p, 3);
    memcpy(d + 3, t.ptr + at - 8, 3);
    memcpy(d + 6, t.ptr + at - 4, 4);
    for (int i = 0; i < 10; i++)
        if (!lac_match_is_digit((unsigned char)d[i]))
            return false;
    if (bracket && (p == 0 || t.ptr[--p] != '('))
        return false;
    if (p >= 2 && lac_match_is_in(lac_match_before(t, p), "-. ") && t.ptr[p - 2] == '1') {
        if (p >= 4 && memcmp(t.ptr + p - 4, "00", 2) == 0 && lac_match_number_may_start(t, p - 4))
            p -= 4;
        else if (lac_match_number_may_start(t, p - 2))
            p -= 2;
    }
    if (!lac_match_number_may_start(t, p) && lac_match_before(t, p) != ':')
        return false;
    end = phone_end(t, at);
    if (!end)
        return false;
    /* Health numbers and references come in such groups, too. */
    if (sep == ' ' && !bracket && !word_before(t, p))
        return false;
    if (!lac_match_nanp_valid(d, true) &&
        !(lac_match_nanp_valid(d, false) && (bracket || word_before(t, p))))
        return false;
    *out = (struct lac_match_span){p, end, end};
    return true;
}

static unsigned number_of(const char *digits, size_t count)
{
    unsigned n = 0;

    for (size_t i = 0; i < count; i++)
        n = n * 10 + (unsigned)(digits[i] - '0');
    return n;
}

/* "+5320-06025", "+340308-1181434": degrees, minutes and seconds of a place north of the equator
 * and west of Greenwich (ISO 6709), as in lists of time zones and airports. */
static bool is_place(const struct phone *p)
{
    size_t more =
        p->group[0]; /* behind the degrees of the latitude, and of the longitude: 2 or 4 */
    const char *west = p->digits + more;

    if (p->groups != 2 || p->sep != '-' || (more != 4 && more != 6) || p->group[1] != more + 1)
        return false;
    return number_of(p->digits, 2) <= 90 && number_of(west, 3) <= 180 &&
           number_of(p->digits + 2, 2) < 60 && number_of(west + 3, 2) < 60 &&
           (more == 4 || (number_of(p->digits + 4, 2) < 60 && number_of(west + 5, 2) < 60));
}

static bool verify_plus(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t first = at - 1;
    size_t plus = first;
    struct phone p;
    size_t code, end;

    while (t.ptr[plus] != '+')
        plus--;
    if (t.ptr[plus + 1] == ' ' && !word_before(t, plus)) /* a sum */
        return false;
    if (lac_match_is_alnum(lac_match_before(t, plus)) || lac_match_before(t, plus) == '+' ||
        lac_match_before(t, plus) == ')' || lac_match_before(t, plus) == '~') /* 1:10~+20191229 */
        return false;
    parse_digits(t, first, DIGITS_MAX, &p);
    if (p.count >= 11 && p.digits[0] == '1')
        parse_digits(t, first, 11, &p); /* North America: exactly ten behind the code */
    code = lac_match_country_code(p.digits, p.count);
    if (code == 0)
        return false;
    if (p.digits[0] == '1' ? p.count != 11 || !lac_match_nanp_valid(p.digits + 1, false)
                           : p.count < DIGITS_MIN)
        return false;
    if ((p.groups == 2 && p.sep == '.') || is_place(&p)) /* a decimal */
        return false;
    end = p.more ? p.end : phone_end(t, p.end);
    if (!end)
        return false;
    *out = (struct lac_match_span){plus, end, end};
    return true;
}

static bool has_shape(struct lac_str t, size_t from, const char *shape)
{
    for (size_t i = 0; shape[i]; i++) {
        unsigned char c = lac_match_byte(t, from + i);

        if (shape[i] == 'd' ? !lac_match_is_digit(c) : c != '-' && c != '.')
            return false;
    }
    return true;
}

/* A date, or a date with a time. */
static bool is_date(struct lac_str t, size_t from)
{
    return has_shape(t, from, "dddd-dd-dd") ||
           (has_shape(t, from, "dd-dd-dddd") && !lac_match_is_digit(lac_match_byte(t, from + 10)) &&
            (t.ptr[from + 6] == '1' || t.ptr[from + 6] == '2'));
}

/* Seven or eight digits behind a word: in groups that are none of an address or a version, or
 * eight in one, as small countries write them. */
static bool short_ok(const struct phone *p)
{
    unsigned least = p->sep == '.' ? 3 : 2;

    if (p->count == 8 && p->groups == 1) /* "tel 61234567", but no date */
        return memcmp(p->digits, "19", 2) != 0 && memcmp(p->digits, "20", 2) != 0;

    if (p->count < SHORT_MIN || p->groups < 2 || p->groups > 5 || p->uneven)
        return false;
    for (size_t i = 0; i < p->groups; i++)
        if (p->group[i] < least)
            return false;
    return true;
}

/* A label may have a line of its own: behind the colon and the line break, otherwise `i`. */
static size_t behind_label(struct lac_str t, size_t i)
{
    size_t line = i;

    while (line - i < 4 && lac_match_is_in(lac_match_byte(t, line), " :\r"))
        line++;
    return line > i && lac_match_byte(t, line) == '\n' ? line + 1 : i;
}

/* "fon" begins more than telephones: "../font/icons.ttf?79801659", "Fontana, CA". */
static bool is_other_word(struct lac_str t, size_t at)
{
    unsigned char next = lac_match_byte(t, at);

    if ((lac_match_before(t, at) | 0x20) != 'n' || !lac_match_is_alpha(next) ||
        (at >= 4 && lac_match_is_alpha((unsigned char)t.ptr[at - 4])))
        return false;
    return !lac_match_is_in(next | 0x20, "neo") ||
           ((next | 0x20) != 'n' && lac_match_is_alpha(lac_match_byte(t, at + 1)));
}

/* "34.0774421", "0.001 0 0": a decimal, or several. Area codes stand before a point, too, with
 * three digits or the trunk prefix. */
static bool is_decimal(const struct phone *p)
{
    return p->sep == '.' && (p->group[0] == 1 || (p->groups == 2 && p->digits[0] != '0' &&
                                                  !(p->group[0] == 3 && p->group[1] == 7)));
}

/* Behind a word. `sure`: the word names a telephone, so any national form will do. */
static bool verify_word(struct lac_str t, size_t at, bool sure, struct lac_match_span *out)
{
    size_t limit = at + WORD_REACH < t.len ? at + WORD_REACH : t.len;
    size_t word = at;
    size_t start;
    struct phone p;
    size_t end;
    bool nanp;

    if (sure && is_other_word(t, at))
        return false;
    if (sure)
        at = behind_label(t, at);
    while (at < limit && !lac_match_is_digit((unsigned char)t.ptr[at])) {
        if (t.ptr[at] == '+' || t.ptr[at] == '\n' || t.ptr[at] == '$')
            return false;
        at++;
    }
    if (at >= limit || is_date(t, at) || names_other(t, word, at))
        return false;
    start = lac_match_before(t, at) == '(' ? at - 1 : at;
    parse_digits(t, at, DIGITS_MAX, &p);
    end = phone_end(t, p.end);
    if (p.more || !end || is_decimal(&p) ||
        (!lac_match_number_may_start(t, start) && lac_match_before(t, start) != ':'))
        return false;
    nanp = (p.count == 10 && lac_match_nanp_valid(p.digits, false)) ||
           (p.count == 11 && p.digits[0] == '1' && lac_match_nanp_valid(p.digits + 1, false));
    if (!nanp && !(p.count >= DIGITS_MIN && (sure || p.digits[0] == '0')) &&
        !(sure && at - word < SHORT_REACH && !memchr(t.ptr + word, ',', at - word) && short_ok(&p)))
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/* Whether these groups behind a trunk prefix are those of a telephone number rather than those of
 * a date, a postal code or an identifier with a check digit. */
static bool trunk_groups_ok(const struct phone *p)
{
    bool pairs = true;
    bool counting = true; /* "01 02 03 04 05" */

    if (p->groups < 2 || p->groups > 5 || p->uneven || p->group[0] < 2 || p->group[0] > 5)
        return false;
    for (size_t i = 1; i < p->groups; i++) {
        if (p->group[i] < 2)
            return false;
        pairs = pairs && p->group[i] == 2;
        counting = counting && pairs && p->digits[2 * i + 1] == p->digits[2 * i - 1] + 1;
    }
    if (counting || (p->sep == '/' && p->digits[p->group[0]] == '0'))
        return false;
    if (p->group[0] == 2 && !(pairs && p->count == 10)) /* neither 01 02 2024 nor 05 33 12 123 */
        for (size_t i = 1; i < p->groups; i++)
            if (p->group[i] < 3)
                return false;
    if (p->count == 9)
        return p->sep == ' ' && p->groups > 3;
    return p->count == 10 || p->count == 11;
}

static bool is_hex_pair(struct lac_str t, size_t i)
{
    return lac_match_is_hex(lac_match_byte(t, i)) && lac_match_is_hex(lac_match_byte(t, i + 1)) &&
           !lac_match_is_alnum(lac_match_byte(t, i + 2));
}

/* Whether pairs of hexadecimal digits go on to a side: bytes in a dump. A word may be one pair
 * ("de 06 12 34 56 78"); what holds a digit or stands beside a second one is none. */
static bool is_among_bytes(struct lac_str t, size_t start, size_t end)
{
    bool left = start >= 4 && t.ptr[start - 1] == ' ' && t.ptr[start - 4] == ' ' &&
                is_hex_pair(t, start - 3);
    bool right = lac_match_byte(t, end) == ' ' && is_hex_pair(t, end + 1);

    if (left && (lac_match_is_digit((unsigned char)t.ptr[start - 2]) ||
                 lac_match_is_digit((unsigned char)t.ptr[start - 3]) ||
                 (start >= 7 && is_hex_pair(t, start - 6))))
        return true;
    return right && (lac_match_is_digit(lac_match_byte(t, end + 1)) ||
                     lac_match_is_digit(lac_match_byte(t, end + 2)) ||
                     (lac_match_byte(t, end + 3) == ' ' && is_hex_pair(t, end + 4)));
}

/* "[0706/120312:WARNING:dns.cc(306)]": month and day, and the time, as Chromium's logs have them.
 */
static bool is_log_time(struct lac_str t, size_t start, const struct phone *p)
{
    unsigned char before = lac_match_before(t, start);

    return p->groups == 2 && p->sep == '/' && p->group[0] == 4 && p->group[1] == 6 &&
           (before == '[' || before == ':') && lac_match_is_in(lac_match_byte(t, p->end), ":.") &&
           number_of(p->digits, 2) <= 12 && number_of(p->digits + 2, 2) <= 31 &&
           number_of(p->digits + 4, 2) < 24 && number_of(p->digits + 6, 2) < 60;
}

/* "05177-9297-11", "078-24645-30": articles, as drugs are numbered (FDA: 5-4-2); ".0883.379879":
 * the middle of something longer (a DOI). */
static bool is_article(struct lac_str t, size_t start, const struct phone *p)
{
    if (p->sep == '.')
        return lac_match_before(t, start) == '.';
    return p->sep == '-' && p->groups == 3 && p->group[1] > 3 && p->group[2] == 2;
}

/* "0049 30 901820", "0033 6 12 51 00 93": the code of a country, and what is behind it. A national
 * number keeps its 0 in Italy only. */
static bool abroad_ok(const struct phone *p)
{
    size_t code = lac_match_country_code(p->digits, p->count);

    return p->count > DIGITS_MIN && p->groups > 1 && code > 0 && p->group[0] == code &&
           (p->digits[code] != '0' || memcmp(p->digits, "39", 2) == 0) && p->sep != '.';
}

/* "020 7946 0958", "089/1234 5678", "0049 30 901820": the trunk prefix, or the international one.
 */
static bool verify_trunk(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t sep = lac_match_digits_back(t, at, TRUNK_SEEN) - 1;
    size_t start, end;
    struct phone p;

    if (t.ptr[sep] == '(')
        sep--;
    start = lac_match_run_start(t, sep, 6, lac_match_is_digit);
    /* A requirement's name (R-03371-37637), what a host or another number is called
     * (static-059.45.101.203, NIP-060-280-27-47); the middle of a longer number in groups. */
    if (lac_match_before(t, start) == '-' && start >= 2 &&
        lac_match_is_alpha((unsigned char)t.ptr[start - 2]) &&
        (start == 2 || !lac_match_is_alpha((unsigned char)t.ptr[start - 3]) ||
         !word_before(t, start)))
        return false;
    if (!lac_match_number_may_start(t, start) ||
        (lac_match_before(t, start) == ' ' && start >= 2 &&
         lac_match_is_digit((unsigned char)t.ptr[start - 2])))
        return false;
    if (t.ptr[start + 1] == '0') {
        parse_digits(t, start + 2, DIGITS_MAX, &p);
        if (!abroad_ok(&p))
            return false;
    } else {
        parse_digits(t, start, DIGITS_MAX, &p);
        if (!trunk_groups_ok(&p))
            return false;
    }
    end = phone_end(t, p.end);
    if (p.more || !end || is_date(t, start) || is_log_time(t, start, &p) ||
        (is_article(t, start, &p) && !word_before(t, start)) ||
        (p.group[0] == 2 && p.sep == ' ' && is_among_bytes(t, start, end)))
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

/* "(020) 7946 0958" */
static bool verify_bracket(struct lac_str t, size_t at, struct lac_match_span *out)
{
    size_t start = at;
    size_t end;
    struct phone p;

    while (t.ptr[start] != '(')
        start--;
    if (lac_match_is_alnum(lac_match_before(t, start)))
        return false;
    parse_digits(t, start + 1, DIGITS_MAX, &p);
    end = phone_end(t, p.end);
    if (p.more || !end || p.count < DIGITS_MIN - 1 || p.count > 12)
        return false;
    *out = (struct lac_match_span){start, end, end};
    return true;
}

bool lac_match_verify_phone(struct lac_str t, size_t at, unsigned trigger,
                            struct lac_match_span *out)
{
    switch (trigger) {
    case 0:
        return verify_nanp(t, at, out);
    case 1:
        return verify_plus(t, at, out);
    case 2:
    case 3:
        return verify_word(t, at, true, out);
    case 6:
        return verify_trunk(t, at, out);
    case 7:
        return verify_bracket(t, at, out);
    default:
        return verify_word(t, at, false, out);
    }
}
