/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with an issuer: US SSN, payment cards (ISO/IEC 7812), IBAN (ISO 13616). */
#include "lac_match_detect.h"

#include <string.h>

enum {
    CARD_MIN = 12,
    CARD_MAX = 19,
    CARD_REACH = CARD_MAX + 4 * LAC_MATCH_BREAK_MAX, /* bytes of the longest, its breaks included */
    ASCENDING = 256, /* four groups of a card lie within it once in half a million */
    IBAN_MAX = 34,
    SSN_REACH = 40, /* bytes between the word and its number */
};

/* ---- social security number ---- */

/* ssa.gov: area is never 000, 666 or 900-999, group never 00, serial never 0000. Two numbers were
 * printed in advertisements and are void. */
bool lac_match_ssn_valid(const char *d)
{
    if (d[0] == '9' || memcmp(d, "000", 3) == 0 || memcmp(d, "666", 3) == 0)
        return false;
    if (memcmp(d + 3, "00", 2) == 0 || memcmp(d + 5, "0000", 4) == 0)
        return false;
    return memcmp(d, "078051120", 9) != 0 && memcmp(d, "219099999", 9) != 0;
}

struct ssn {
    char digits[9];
    size_t end;
    unsigned char sep; /* of what kind its breaks are, 0: it has none */
    unsigned lines;    /* how many of them are nothing but a line end */
};

/* Reads a break at `i` that is like the one before it, if any; behind it, or 0. */
static size_t ssn_break(struct lac_str t, size_t i, struct ssn *out)
{
    unsigned char kind = '.';
    size_t n = lac_match_byte(t, i) == '.' ? 1 : lac_match_break(t, i, &kind);

    if (n == 0 || (out->sep && out->sep != kind))
        return 0;
    out->sep = kind;
    out->lines += lac_match_is_in(lac_match_byte(t, i), "\r\n");
    return i + n;
}

/* ddd sep dd sep dddd with one kind of separator throughout, or none. */
static bool ssn_parse(struct lac_str t, size_t from, struct ssn *out)
{
    size_t i = from;

    *out = (struct ssn){.end = 0};
    for (int k = 0; k < 9; k++) {
        if ((k == 3 && !lac_match_is_digit(lac_match_byte(t, i))) || (k == 5 && out->sep)) {
            i = ssn_break(t, i, out);
            if (i == 0)
                return false;
        }
        if (!lac_match_is_digit(lac_match_byte(t, i)))
            return false;
        out->digits[k] = t.ptr[i++];
    }
    out->end = i;
    return true;
}

/* Whether numbers of three, two and four digits are lines of a column, or have others beside them
 * where the lines break: below a word for its content nothing tells them from this number. */
static bool ssn_is_column(struct lac_str t, size_t start, const struct ssn *s)
{
    unsigned char kind;
    size_t behind = s->end + lac_match_break(t, s->end, &kind);

    if (s->sep != ' ' || !memchr(t.ptr + start, '\n', s->end - start))
        return false;
    if (lac_match_before(t, start) == '\n' && s->lines == 2)
        return true;
    return behind > s->end && lac_match_is_digit(lac_match_byte(t, behind));
}

static bool ssn_at(struct lac_str t, size_t start, bool named, struct lac_match_span *out)
{
    struct ssn s;

    /* Blanks, dots and nine bare digits are too common without the word beside them. */
    if (!ssn_parse(t, start, &s) || (s.sep != '-' && !named))
        return false;
    if (!lac_match_number_may_start(t, start) && !(named && lac_match_before(t, start) == ':'))
        return false;
    if (!lac_match_number_may_end(t, s.end) || !lac_match_ssn_valid(s.digits) ||
        ssn_is_column(t, start, &s))
        return false;
    *out = (struct lac_match_span){start, s.end, s.end};
    return true;
}

bool lac_match_verify_ssn(struct lac_str t, size_t at, unsigned trigger, struct lac_match_span *out)
{
    size_t limit = at + SSN_REACH < t.len ? at + SSN_REACH : t.len;

    if (trigger == 0)
        return ssn_at(t, lac_match_digits_back(t, at, 9), false, out);
    while (at < limit && !lac_match_is_digit((unsigned char)t.ptr[at]))
        at++;
    return at < limit && ssn_at(t, at, true, out);
}

/* ---- payment card ---- */

bool lac_match_luhn(const char *digits, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned d = (unsigned)(digits[count - 1 - i] - '0');

        if (i % 2 == 1)
            d = d > 4 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return count > 0 && sum % 10 == 0;
}

/* Ranges as the schemes publish them; a range is compared by its first six digits. */
static const struct {
    unsigned from, to;
    unsigned char min, max; /* digits of the whole number */
} issuers[] = {
    {400000, 499999, 13, 13}, {400000, 499999, 16, 16}, {400000, 499999, 19, 19}, /* Visa */
    {510000, 559999, 16, 16}, {222100, 272099, 16, 16},                           /* Mastercard */
    {340000, 349999, 15, 15}, {370000, 379999, 15, 15},                           /* Amex */
    {601100, 601199, 16, 19}, {644000, 659999, 16, 19},                           /* Discover */
    {300000, 305999, 14, 19}, {309500, 309599, 14, 19},                           /* Diners Club */
    {360000, 369999, 14, 19}, {380000, 399999, 14, 19},                           /* Diners Club */
    {352800, 358999, 16, 19},                                                     /* JCB */
    {620000, 629999, 16, 19},                                                     /* UnionPay */
    {220000, 220499, 16, 19},                                                     /* Mir */
    {501800, 501899, 12, 19}, {502000, 502099, 12, 19}, {503800, 503899, 12, 19}, /* Maestro */
    {589300, 589399, 12, 19}, {630400, 630499, 12, 19}, {675900, 675999, 12, 19}, /* Maestro */
    {676100, 676399, 12, 19},                                                     /* Maestro */
    {180000, 180099, 15, 15}, {213100, 213199, 15, 15},                           /* JCB */
    {501900, 501999, 16, 16},                                                     /* Dankort */
    {506099, 506198, 16, 19}, {650002, 650027, 16, 19},                           /* Verve */
    {508500, 508999, 16, 16}, {606985, 607984, 16, 16}, {608001, 608500, 16, 16}, /* RuPay */
    {652150, 653149, 16, 16}, {817200, 820199, 16, 16}, {353800, 356000, 16, 16}, /* RuPay */
    {506699, 506778, 16, 16}, {509000, 509999, 16, 16}, {636297, 636368, 16, 16}, /* Elo */
    {979200, 979289, 16, 16},                                                     /* Troy */
};

bool lac_match_card_issuer(const char *digits, size_t count)
{
    unsigned first = 0;

    if (count < CARD_MIN || count > CARD_MAX)
        return false;
    for (int i = 0; i < 6; i++)
        first = first * 10 + (unsigned)(digits[i] - '0');
    for (size_t i = 0; i < LAC_COUNT(issuers); i++)
        if (first >= issuers[i].from && first <= issuers[i].to && count >= issuers[i].min &&
            count <= issuers[i].max)
            return true;
    return false;
}

/* How cards are grouped in print; the first is a run of digits, of any length. */
static const unsigned char groupings[][6] = {
    {0}, {4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 1},
};

/* Reads digits grouped as `sizes`; returns the end, or 0 when they are not. */
static size_t card_parse(struct lac_str t, size_t from, const unsigned char *sizes, char *digits,
                         size_t *count)
{
    unsigned char sep = 0;
    size_t i = from;

    *count = 0;
    for (int g = 0; sizes[g]; g++) {
        if (g > 0) {
            unsigned char kind;
            size_t n = lac_match_break(t, i, &kind);

            if (n == 0 || (sep && kind != sep))
                return 0;
            sep = kind;
            i += n;
        }
        for (int k = 0; k < sizes[g]; k++, i++) {
            if (!lac_match_is_digit(lac_match_byte(t, i)))
                return 0;
            digits[(*count)++] = t.ptr[i];
        }
    }
    if (!sep) {
        i = lac_match_run_end(t, from, CARD_MAX + 1, lac_match_is_digit);
        if (i - from > CARD_MAX)
            return 0;
        *count = i - from;
        memcpy(digits, t.ptr + from, *count);
    }
    /* "1234 5678 ..." may follow as another number, "-5678" may not. */
    return lac_match_number_may_end(t, i) ? i : 0;
}

/* A group of a table or a list: no single digit, and no number of a card of its own. */
static bool is_group(size_t digits)
{
    return digits >= 4 && digits <= 6;
}

/* Whether four hexadecimal digits begin at `at`, a letter and a digit among them, and no more. */
static bool is_hex_group(struct lac_str t, size_t at)
{
    bool letter = false, digit = false;

    for (size_t i = at; i < at + 4; i++) {
        if (!lac_match_is_hex(lac_match_byte(t, i)))
            return false;
        letter = letter || lac_match_is_alpha((unsigned char)t.ptr[i]);
        digit = digit || lac_match_is_digit((unsigned char)t.ptr[i]);
    }
    return letter && digit && !lac_match_is_alnum(lac_match_before(t, at)) &&
           !lac_match_is_alnum(lac_match_byte(t, at + 4));
}

/* Whether groups of digits stand in a table or a list: where lines break between them, more of them
 * to one side; otherwise, between blanks, to both, or one of hexadecimal digits ("527D 5282"). */
static bool is_among_groups(struct lac_str t, size_t start, size_t end)
{
    unsigned char kind;
    size_t before = lac_match_break_back(t, start), behind = lac_match_break(t, end, &kind);
    bool left = false, right = false;

    if (memchr(t.ptr + start, '-', end - start)) /* tables have no hyphens */
        return false;
    if (before)
        left = is_group(start - before -
                        lac_match_run_start(t, start - before, 7, lac_match_is_digit));
    if (behind)
        right = is_group(lac_match_run_end(t, end + behind, 7, lac_match_is_digit) - end - behind);
    if ((before && start >= before + 4 && is_hex_group(t, start - before - 4)) ||
        (behind && is_hex_group(t, end + behind)))
        return true;
    return memchr(t.ptr + start, '\n', end - start) ? left || right : left && right;
}

/* "3859 3860 3861 3864": numbers in ascending order that lie close together, or on a line each,
 * are a list. */
static bool is_ascending(struct lac_str text, const char *digits, const unsigned char *sizes)
{
    int last = 0, first = 0, lines = 0;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';

    for (int g = 0; g < 4; g++) {
        int n = 0;

        if (sizes[g] != 4)
            return false;
        for (int k = 0; k < 4; k++)
            n = n * 10 + (digits[4 * g + k] - '0');
        if (g == 0)
            first = n;
        else if (n <= last)
            return false;
        last = n;
    }
    return last - first < ASCENDING || lines == 3;
}

static unsigned byte_at(const char *digits, size_t i)
{
    return (unsigned)(digits[2 * i] - '0') * 16 + (unsigned)(digits[2 * i + 1] - '0');
}

/* Whether `count` digits are bytes in hexadecimal: a sequence in DER, as of a signature, whose
 * parts fill it to the end, or decimal digits in ASCII. */
static bool is_bytes(const char *digits, size_t count)
{
    size_t n = count / 2, i = 0;

    if (count % 2)
        return false;
    while (i < n && byte_at(digits, i) >= '0' && byte_at(digits, i) <= '9')
        i++;
    if (i == n)
        return true;
    if (byte_at(digits, 0) != 0x30 || byte_at(digits, 1) != n - 2)
        return false;
    for (i = 2; i + 2 <= n;)
        i += 2 + byte_at(digits, i + 1);
    return i == n;
}

/* Thirteen digits of which the last is right for an article number, too (GS1 General
 * Specifications, 7.9.1: EAN-13). Articles are many, cards of that length are old: with a word they
 * are found. */
static bool is_article(const char *digits, size_t count)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (unsigned)(digits[i] - '0') * (i % 2 ? 3 : 1);
    return count == 13 && sum % 10 == 0;
}

/* The end of a card that begins at `start`, 0 when there is none. `count`: of its digits. */
static size_t card_end(struct lac_str t, size_t start, const unsigned char *sizes, size_t *count)
{
    char digits[CARD_MAX + 1];
    size_t end = card_parse(t, start, sizes, digits, count);

    return end && lac_match_card_issuer(digits, *count) && lac_match_luhn(digits, *count) &&
                   !(end - start > *count
                         ? is_ascending(lac_str_slice(t, start, end), digits, sizes)
                         : is_bytes(digits, *count) || is_article(digits, *count))
               ? end
               : 0;
}

/* Where the card of `count` digits that ends at `to` would begin. */
static size_t card_start(struct lac_str t, size_t to, size_t count)
{
    size_t i = to;

    while (i > 0 && count > 0 && to - i < CARD_REACH)
        count -= lac_match_is_digit((unsigned char)t.ptr[--i]);
    return i;
}

/* Whether another card of the same form, so of `count` digits, stands beside it: a list of cards is
 * no table. */
static bool is_among_cards(struct lac_str t, size_t start, size_t end, size_t count,
                           const unsigned char *sizes)
{
    unsigned char kind;
    size_t before = lac_match_break_back(t, start), behind = lac_match_break(t, end, &kind);
    size_t next = end + (behind ? behind : 1), last = start - (before ? before : start > 0), n;

    return (next < t.len && card_end(t, next, sizes, &n)) ||
           (last > 0 && card_end(t, card_start(t, last, count), sizes, &n) == last);
}

bool lac_match_verify_card(struct lac_str t, size_t at, unsigned trigger,
                           struct lac_match_span *out)
{
    size_t start = lac_match_digits_back(t, at, CARD_MIN); /* as many as the trigger has */

    (void)trigger;
    if (!lac_match_number_may_start(t, start) && lac_match_before(t, start) != ':')
        return false;
    for (size_t g = 0; g < LAC_COUNT(groupings); g++) {
        size_t count;
        size_t end = card_end(t, start, groupings[g], &count);

        if (end && !(end - start > count && is_among_groups(t, start, end) &&
                     !is_among_cards(t, start, end, count, groupings[g]))) {
            *out = (struct lac_match_span){start, end, end};
            return true;
        }
    }
    return false;
}

/* ---- IBAN ---- */

/* ISO 13616 registry, release 97: country and length. */
static const char iban_lengths[][5] = {
    "AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BI27", "BR29", "BY28",
    "CH21", "CR22", "CY28", "CZ24", "DE22", "DJ27", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18",
    "FK18", "FO18", "FR27", "GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HN28", "HR21", "HU28",
    "IE22", "IL23", "IQ23", "IS26", "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20",
    "LU20", "LV21", "LY25", "MC27", "MD24", "ME22", "MK19", "MN20", "MR27", "MT31", "MU30", "NI28",
    "NL18", "NO15", "OM23", "PK24", "PL28", "PS29", "PT25", "QA29", "RO24", "RS22", "RU33", "SA24",
    "SC31", "SD18", "SE24", "SI19", "SK24", "SM27", "SO23", "ST25", "SV28", "TL23", "TN24", "TR26",
    "UA29", "VA22", "VG24", "XK20", "YE30",
};

static char upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

static size_t iban_length(const char *country)
{
    for (size_t i = 0; i < LAC_COUNT(iban_lengths); i++) {
        const char *row = iban_lengths[i];

        if (upper(country[0]) == row[0] && upper(country[1]) == row[1])
            return (size_t)(row[2] - '0') * 10 + (size_t)(row[3] - '0');
    }
    return 0;
}

bool lac_match_iban_valid(struct lac_str compact)
{
    unsigned rest = 0;

    if (compact.len < 5 || compact.len != iban_length(compact.ptr))
        return false;
    for (size_t i = 0; i < compact.len; i++) {
        char c = upper(compact.ptr[(i + 4) % compact.len]);

        if (lac_match_is_digit((unsigned char)c))
            rest = (rest * 10 + (unsigned)(c - '0')) % 97;
        else if (c >= 'A' && c <= 'Z')
            rest = (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
        else
            return false;
    }
    return rest == 1;
}

bool lac_match_verify_iban(struct lac_str t, size_t at, unsigned trigger,
                           struct lac_match_span *out)
{
    size_t start = at - 4 - lac_match_break_back(t, at - 4) - 4; /* the trigger's two groups */
    char compact[IBAN_MAX];
    size_t want;
    size_t count = 0;
    size_t i;

    start -= trigger; /* the second trigger has a blank behind the country */
    want = iban_length(t.ptr + start);
    i = start;
    while (count < want) {
        unsigned char kind;

        i += lac_match_break(t, i, &kind);
        if (!lac_match_is_alnum(lac_match_byte(t, i)))
            return false;
        compact[count++] = t.ptr[i++];
    }
    if (want == 0 || lac_match_is_alnum(lac_match_byte(t, i)) || lac_match_byte(t, i) == '_')
        return false;
    /* the middle of a UUID */
    if (start >= 2 && t.ptr[start - 1] == '-' && lac_match_is_hex((unsigned char)t.ptr[start - 2]))
        return false;
    if (!lac_match_iban_valid((struct lac_str){compact, count}))
        return false;
    *out = (struct lac_match_span){start, i, i};
    return true;
}
