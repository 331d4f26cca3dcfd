/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of the Nordic and the Baltic countries. */
#include "lac_match_validate_id.h"

#include <string.h>

/*
 * Digital- ja väestötietovirasto, henkilötunnus: birth date, a sign for the century, a number
 * from 002, and one of 31 characters as the check.
 */
bool lac_match_validate_fi_hetu(struct lac_str match)
{
    static const char checks[] = "0123456789ABCDEFHJKLMNPRSTUVWXY";
    static const char signs[] = "+-ABCDEFYXWVU";
    char digits[9];
    unsigned char sign;
    unsigned number;
    char check;

    if (match.len != 11)
        return false;
    for (size_t i = 0; i < 9; i++)
        digits[i] = match.ptr[i < 6 ? i : i + 1];
    for (size_t i = 0; i < 9; i++)
        if (!lac_match_is_digit((unsigned char)digits[i]))
            return false;
    sign = (unsigned char)match.ptr[6];
    sign = (unsigned char)(lac_match_is_alpha(sign) ? sign & 0xDFU : sign);
    number = lac_match_value(digits + 6, 3);
    check = match.ptr[10];
    check = (char)(lac_match_is_alpha((unsigned char)check) ? check & ~0x20 : check);
    return sign && strchr(signs, sign) && number >= 2 && lac_match_is_ddmmyy(digits) &&
           check == checks[lac_match_value(digits, 9) % 31];
}

/* PRH, Y-tunnus: seven digits and mod 11. */
bool lac_match_validate_fi_business_id(struct lac_str match)
{
    struct lac_match_code c;
    unsigned rest;

    if (!lac_match_code_read(&c, match, "99999999") || lac_match_is_uniform(c.at, 7))
        return false;
    rest = lac_match_weigh(c.at, "79a5842") % 11;
    return rest != 1 && (rest ? 11 - rest : 0) == lac_match_digit(c.at + 7);
}

/* Skatteverket, personnummer and samordningsnummer (day + 60): date and Luhn over ten digits. */
bool lac_match_validate_se_personnummer(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    const char *ten = c.at;
    unsigned day;

    if (lac_match_code_is(&c, "999999999999")) {
        if (memcmp(c.at, "18", 2) != 0 && memcmp(c.at, "19", 2) != 0 && memcmp(c.at, "20", 2) != 0)
            return false;
        ten = c.at + 2;
    } else if (!lac_match_code_is(&c, "9999999999")) {
        return false;
    }
    day = lac_match_value(ten + 4, 2);
    return lac_clock_is_date(2000 + lac_match_value(ten, 2), lac_match_value(ten + 2, 2),
                             day > 60 ? day - 60 : day) &&
           lac_match_luhn(ten, 10);
}

/* Bolagsverket, organisationsnummer: no month below 20 in the middle, Luhn. */
bool lac_match_validate_se_organisationsnummer(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999") && c.at[0] != '0' && c.at[0] != '4' &&
           c.at[2] >= '2' && !lac_match_is_uniform(c.at, 10) && lac_match_luhn(c.at, 10);
}

/* Skatteetaten, fødselsnummer and D-nummer (day + 40; month + 40 are the health service's): two
 * check digits. */
bool lac_match_validate_no_fodselsnummer(struct lac_str match)
{
    struct lac_match_code c;
    unsigned day, month, year, number;

    if (!lac_match_code_read(&c, match, "99999999999"))
        return false;
    day = lac_match_value(c.at, 2);
    month = lac_match_value(c.at + 2, 2);
    year = lac_match_value(c.at + 4, 2);
    number = lac_match_value(c.at + 6, 3);
    /* The number says the century: 500 to 749 the 19th, below the 20th, above the 21st. */
    if (number >= 500 && year >= 40 && number < 900 && (number >= 750 || year < 54))
        return false;
    if (!lac_clock_is_date(2000 + year, month > 40 ? month - 40 : month, day > 40 ? day - 40 : day))
        return false;
    return lac_match_weigh(c.at, "3761894521") % 11 == 0 &&
           lac_match_weigh(c.at, "54327654321") % 11 == 0;
}

/* CPR-kontoret: birth date and four digits. Since 2007 the old mod 11 need not hold. */
bool lac_match_validate_dk_cpr(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999") && lac_match_is_ddmmyy(c.at) &&
           memcmp(c.at + 6, "0000", 4) != 0;
}

/* Erhvervsstyrelsen, CVR: weighed sum is a multiple of 11. */
bool lac_match_validate_dk_cvr(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "99999999") && c.at[0] != '0' &&
           !lac_match_is_uniform(c.at, 8) && lac_match_weigh(c.at, "27654321") % 11 == 0;
}

/* Þjóðskrá, kennitala: date (a company's day + 40), two digits, a check, the century. */
bool lac_match_validate_is_kennitala(struct lac_str match)
{
    struct lac_match_code c;
    unsigned day;

    if (!lac_match_code_read(&c, match, "9999999999") || (c.at[9] != '0' && c.at[9] < '8'))
        return false;
    day = lac_match_value(c.at, 2);
    return lac_clock_is_date(2000 + lac_match_value(c.at + 4, 2), lac_match_value(c.at + 2, 2),
                             day > 40 ? day - 40 : day) &&
           lac_match_weigh(c.at, "327654321") % 11 == 0;
}

/* Estonia (EVS 585) and Lithuania (asmens kodas) alike: sex and century, birth date, serial, and
 * mod 11 with other weights where the first give ten. */
bool lac_match_validate_baltic_code(struct lac_str match)
{
    struct lac_match_code c;
    unsigned check;

    if (!lac_match_code_read(&c, match, "99999999999") || c.at[0] < '1' || c.at[0] > '8' ||
        !lac_clock_is_date(1800 + (lac_match_digit(c.at) - 1) / 2 * 100 +
                               lac_match_value(c.at + 1, 2),
                           lac_match_value(c.at + 3, 2), lac_match_value(c.at + 5, 2)))
        return false;
    check = lac_match_weigh(c.at, "1234567891") % 11;
    if (check == 10)
        check = lac_match_weigh(c.at, "3456789123") % 11 % 10;
    return check == lac_match_digit(c.at + 10);
}

/* PMLP, personas kods: birth date and century, with a check known from use (mod 11); since 2017 a
 * 3, a digit from 2 on, and nine random ones without a check. */
bool lac_match_validate_lv_personas_kods(struct lac_str match)
{
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "99999999999"))
        return false;
    if (c.at[0] == '3' && c.at[1] >= '2')
        return !lac_match_is_uniform(c.at + 2, 9);
    return lac_match_is_ddmmyy(c.at) && c.at[6] <= '2' &&
           (lac_match_weigh(c.at, "a584216379") + 1) % 11 % 10 == lac_match_digit(c.at + 10);
}
