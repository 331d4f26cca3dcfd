/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, weighing and dating identifiers; numbers that belong to things rather than countries. */
#include "lac_match_validate_id.h"

#include <string.h>

struct lac_match_code lac_match_code_of(struct lac_str match)
{
    struct lac_match_code c;

    c.len = lac_match_alnums(match, c.at, sizeof(c.at));
    return c;
}

bool lac_match_code_is(const struct lac_match_code *c, const char *shape)
{
    if (strlen(shape) != c->len)
        return false;
    for (size_t i = 0; i < c->len; i++) {
        bool digit = lac_match_is_digit((unsigned char)c->at[i]);

        if (shape[i] != '*' && digit != (shape[i] == '9'))
            return false;
    }
    return true;
}

bool lac_match_code_read(struct lac_match_code *c, struct lac_str match, const char *shape)
{
    *c = lac_match_code_of(match);
    return lac_match_code_is(c, shape);
}

unsigned lac_match_value(const char *digits, size_t count)
{
    unsigned value = 0;

    for (size_t i = 0; i < count; i++)
        value = value * 10 + lac_match_digit(&digits[i]);
    return value;
}

unsigned lac_match_weigh(const char *digits, const char *weights)
{
    unsigned sum = 0;

    for (size_t i = 0; weights[i]; i++) {
        char w = weights[i];
        unsigned weight = w >= 'a' ? (unsigned)(w - 'a') + 10 : (unsigned)(w - '0');

        sum += weight * lac_match_digit(&digits[i]);
    }
    return sum;
}

/* Of two centuries one is right, and 1900 alone differs in its leap day: the year as it stands. */
bool lac_match_is_yymmdd(const char *d)
{
    return lac_clock_is_date(2000 + lac_match_value(d, 2), lac_match_value(d + 2, 2),
                             lac_match_value(d + 4, 2));
}

bool lac_match_is_ddmmyy(const char *d)
{
    return lac_clock_is_date(2000 + lac_match_value(d + 4, 2), lac_match_value(d + 2, 2),
                             lac_match_value(d, 2));
}

bool lac_match_is_uniform(const char *digits, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (digits[i] != digits[0])
            return false;
    return count > 0;
}

bool lac_match_mod11_10(const char *digits, size_t count)
{
    unsigned check = 10;

    if (count < 2)
        return false;
    for (size_t i = 0; i + 1 < count; i++) {
        check = (check + lac_match_digit(&digits[i])) % 10;
        check = (check ? check : 10) * 2 % 11;
    }
    return (check + lac_match_digit(&digits[count - 1])) % 10 == 1;
}

unsigned lac_match_remainder(const char *digits, size_t count, unsigned divisor)
{
    unsigned rest = 0;

    for (size_t i = 0; i < count; i++)
        rest = (rest * 10 + lac_match_digit(&digits[i])) % divisor;
    return rest;
}

/* Multiplication in the dihedral group of a pentagon: 0-4 rotate, 5-9 turn it over. */
static unsigned dihedral(unsigned a, unsigned b)
{
    unsigned turned = (a >= 5) != (b >= 5) ? 5 : 0;

    return turned + (a < 5 ? (a + b) % 5 : (a + 10 - b) % 5);
}

bool lac_match_verhoeff(const char *digits, size_t count)
{
    static const unsigned char step[10] = {1, 5, 7, 6, 2, 8, 3, 0, 9, 4};
    unsigned check = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned d = lac_match_digit(&digits[count - 1 - i]);

        for (size_t k = 0; k < i % 8; k++)
            d = step[d];
        check = dihedral(check, d);
    }
    return count > 1 && check == 0;
}

bool lac_match_icao_731(const char *code, size_t count)
{
    static const unsigned char weight[3] = {7, 3, 1};
    unsigned sum = 0;

    if (count < 2 || !lac_match_is_digit((unsigned char)code[count - 1]))
        return false;
    for (size_t i = 0; i + 1 < count; i++)
        sum += weight[i % 3] * lac_match_base36(code[i]);
    return sum % 10 == lac_match_digit(&code[count - 1]);
}

/*
 * ISO 3779 and 49 CFR 565: no I, O or Q, the serial's last four are digits; North America (first
 * character 1 to 5) weighs all of it into the ninth character.
 */
bool lac_match_validate_vin(struct lac_str match)
{
    static const unsigned char weight[17] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
    static const char letters[] = "12345678.12345.7.923456789"; /* A to Z */
    struct lac_match_code c;
    unsigned sum = 0;
    size_t digits = 0;

    if (!lac_match_code_read(&c, match, "*************9999"))
        return false;
    for (size_t i = 0; i < 17; i++) {
        bool digit = lac_match_is_digit((unsigned char)c.at[i]);
        char value = c.at[i];

        if (!digit)
            value = letters[value - 'A'];
        if (value == '.')
            return false;
        digits += digit;
        sum += weight[i] * (unsigned)(value - '0');
    }
    if (digits == 17)
        return false;
    if (c.at[0] < '1' || c.at[0] > '5')
        return true;
    sum %= 11;
    return c.at[8] == (sum == 10 ? 'X' : (char)('0' + sum));
}

/* 3GPP TS 23.003, 6.2: fourteen digits and Luhn's. */
bool lac_match_validate_imei(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999999999") && !lac_match_is_uniform(c.at, 15) &&
           lac_match_luhn(c.at, 15);
}

/* A number of a travel document with the check digit of its machine-readable zone, or without. */
bool lac_match_validate_icao_document(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (c.len == 9)
        return !lac_match_is_uniform(c.at, 9);
    return c.len == 10 && lac_match_icao_731(c.at, 10);
}

/*
 * A date as people write it: year first, or day and month in either order. Years from 1880 on; two
 * digits will do.
 */
bool lac_match_validate_date(struct lac_str match)
{
    char d[8];
    size_t n = lac_match_digits(match, d, sizeof(d));
    size_t first = 0;
    unsigned part[3] = {0};
    size_t parts = 0;

    if (n == 8 && match.len == 8)
        return lac_match_value(d, 4) >= 1880 && lac_match_value(d, 4) < 2100 &&
               lac_clock_is_date(lac_match_value(d, 4), lac_match_value(d + 4, 2),
                                 lac_match_value(d + 6, 2));
    for (size_t i = 0; i < match.len && parts < 3;) {
        size_t from = i;

        while (i < match.len && lac_match_is_digit((unsigned char)match.ptr[i]))
            i++;
        if (i > from) {
            if (parts == 0)
                first = i - from;
            if (i - from > 4)
                return false;
            part[parts++] = lac_match_value(match.ptr + from, i - from);
        } else {
            i++;
        }
    }
    if (parts < 3)
        return false;
    if (first == 4)
        return part[0] >= 1880 && part[0] < 2100 && lac_clock_is_date(part[0], part[1], part[2]);
    if (part[2] >= 100 && (part[2] < 1880 || part[2] >= 2100))
        return false;
    return lac_clock_is_date(part[2], part[1], part[0]) ||
           lac_clock_is_date(part[2], part[0], part[1]);
}

/* EUI-48 as IEEE 802 prints it: one separator throughout; neither nobody's nor everybody's. */
bool lac_match_validate_mac(struct lac_str match)
{
    char d[12];
    size_t n = 0;
    unsigned char sep = 0;

    for (size_t i = 0; i < match.len; i++) {
        unsigned char b = (unsigned char)match.ptr[i];

        if (lac_match_is_hex(b)) {
            if (n == sizeof(d))
                return false;
            d[n++] = (char)(b | 0x20);
        } else if (sep && b != sep) {
            return false;
        } else {
            sep = b;
        }
    }
    return n == 12 && !lac_match_is_uniform(d, 12);
}
