/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of the United Kingdom, Ireland, the Netherlands, Belgium, France and Switzerland. */
#include "lac_match_validate_id.h"

#include <string.h>

/* NHS data dictionary: weights 10 to 2, mod 11; a check of ten is never issued. */
bool lac_match_validate_uk_nhs(struct lac_str match)
{
    struct lac_match_code c;
    unsigned check;

    if (!lac_match_code_read(&c, match, "9999999999") || lac_match_is_uniform(c.at, 10))
        return false;
    check = 11 - lac_match_weigh(c.at, "a98765432") % 11;
    return check != 10 && check % 11 == lac_match_digit(c.at + 9);
}

/* gov.uk, NIM39110: letters that no prefix has, prefixes that are kept for other systems. */
bool lac_match_validate_uk_nino(struct lac_str match)
{
    static const char reserved[] = "BG GB KN NK NT TN ZZ";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "AA999999A") || c.at[8] > 'D')
        return false;
    if (strchr("DFIQUV", c.at[0]) || strchr("DFIOQUV", c.at[1]))
        return false;
    for (size_t i = 0; i < sizeof(reserved); i += 3)
        if (memcmp(c.at, reserved + i, 2) == 0)
            return false;
    return true;
}

/* gov.uk, UTR: the first digit checks the other nine. */
bool lac_match_validate_uk_utr(struct lac_str match)
{
    static const char checks[] = "21987654321";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "9999999999") || lac_match_is_uniform(c.at, 10))
        return false;
    return c.at[0] == checks[lac_match_weigh(c.at + 1, "6789a5432") % 11];
}

/* DVLA: five characters of the surname filled up with 9, decade, month (+50 for women), day, year,
 * initials, a digit and two letters. */
bool lac_match_validate_uk_driving_licence(struct lac_str match)
{
    struct lac_match_code c;
    unsigned month;
    bool filled = false;

    if (!lac_match_code_read(&c, match, "A****999999A**AA"))
        return false;
    for (size_t i = 1; i < 5; i++) {
        bool digit = lac_match_is_digit((unsigned char)c.at[i]);

        if (digit ? c.at[i] != '9' : filled)
            return false;
        filled = digit;
    }
    if (lac_match_is_digit((unsigned char)c.at[12]) && c.at[12] != '9')
        return false;
    month = lac_match_value(c.at + 6, 2);
    return lac_clock_is_date(0, month > 50 ? month - 50 : month, lac_match_value(c.at + 8, 2));
}

/* gov.ie, PPSN: weights 8 to 2; a second letter counts nine-fold, A to I, and nothing when it is W,
 * T or X, which old numbers have; the check is one of W, A ... V. */
bool lac_match_validate_ie_pps(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    unsigned sum;

    if (!lac_match_code_is(&c, "9999999A") && !lac_match_code_is(&c, "9999999AA"))
        return false;
    if (c.len == 9 && c.at[8] > 'I' && !strchr("TWX", c.at[8]))
        return false;
    sum = lac_match_weigh(c.at, "8765432");
    if (c.len == 9 && c.at[8] <= 'I')
        sum += 9 * (unsigned)(c.at[8] - 'A' + 1);
    return c.at[7] == "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}

/* rvig.nl, BSN: the eleven test, the last digit counts negative. Eight digits stand for nine. */
bool lac_match_validate_nl_bsn(struct lac_str match)
{
    struct lac_match_code c;
    unsigned sum;

    if (!lac_match_code_read(&c, match, "999999999") || lac_match_is_uniform(c.at, 9))
        return false;
    sum = lac_match_weigh(c.at, "98765432");
    return sum % 11 == lac_match_digit(c.at + 8);
}

/* ibz.rrn.fgov.be, eID card: the last two digits are the remainder of the first ten by 97, or 97.
 */
bool lac_match_validate_be_eid(struct lac_str match)
{
    struct lac_match_code c;
    unsigned rest;

    if (!lac_match_code_read(&c, match, "999999999999") || lac_match_is_uniform(c.at, 12))
        return false;
    rest = lac_match_remainder(c.at, 10, 97);
    return lac_match_value(c.at + 10, 2) == (rest ? rest : 97);
}

/* ibz.rrn.fgov.be: birth date, a serial, and 97 less the remainder; from 2000 on with a 2 in
 * front. Months from 20 and 40 on are those of bis numbers; date parts may be unknown (00). */
bool lac_match_validate_be_nrn(struct lac_str match)
{
    struct lac_match_code c;
    char long_form[10] = "2";
    unsigned month, day, check;

    if (!lac_match_code_read(&c, match, "99999999999") || lac_match_is_uniform(c.at, 11))
        return false;
    month = lac_match_value(c.at + 2, 2) % 20;
    day = lac_match_value(c.at + 4, 2);
    if (c.at[2] > '5' || month > 12 || day > 31 ||
        (month && day && !lac_clock_is_date(0, month, day)))
        return false;
    check = lac_match_value(c.at + 9, 2);
    memcpy(long_form + 1, c.at, 9);
    if (check == 97 - lac_match_remainder(c.at, 9, 97))
        return true;
    return lac_match_value(c.at, 2) < 50 && check == 97 - lac_match_remainder(long_form, 10, 97);
}

/* INSEE, NIR: sex, year, month (or a code for an unknown one), place, order, and 97 less the
 * remainder. Corsica's 2A and 2B count as 19 and 18. */
bool lac_match_validate_fr_nir(struct lac_str match)
{
    struct lac_match_code c;
    unsigned month;

    if (!lac_match_code_read(&c, match, "999999*99999999") || !strchr("123478", c.at[0]))
        return false;
    month = lac_match_value(c.at + 3, 2);
    if (month == 0 || (month > 12 && month < 20) || (month > 42 && month < 50))
        return false;
    if (lac_match_is_alpha((unsigned char)c.at[6])) {
        if (c.at[5] != '2' || c.at[6] > 'B')
            return false;
        c.at[5] = '1';
        c.at[6] = c.at[6] == 'A' ? '9' : '8';
    }
    if (memcmp(c.at + 5, "00", 2) == 0 || memcmp(c.at + 10, "000", 3) == 0)
        return false;
    return 97 - lac_match_remainder(c.at, 13, 97) == lac_match_value(c.at + 13, 2);
}

/* impots.gouv.fr, numéro fiscal: the first ten digits mod 511 are the last three. */
bool lac_match_validate_fr_spi(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999999") && c.at[0] <= '3' &&
           !lac_match_is_uniform(c.at, 13) &&
           lac_match_remainder(c.at, 10, 511) == lac_match_value(c.at + 10, 3);
}

/* INSEE, SIREN (nine digits) and SIRET (fourteen): Luhn; the establishments of La Poste add up to
 * a multiple of five instead. */
bool lac_match_validate_fr_siren(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    unsigned sum = 0;

    if (lac_match_code_is(&c, "999999999"))
        return !lac_match_is_uniform(c.at, 9) && lac_match_luhn(c.at, 9);
    if (!lac_match_code_is(&c, "99999999999999") || lac_match_is_uniform(c.at, 14))
        return false;
    if (lac_match_luhn(c.at, 9) && lac_match_luhn(c.at, 14))
        return true;
    if (memcmp(c.at, "356000000", 9) != 0)
        return false;
    for (size_t i = 0; i < 14; i++)
        sum += lac_match_digit(c.at + i);
    return sum % 5 == 0;
}

/* ZAS, AHV number: the country's 756 and the check digit of an EAN-13. */
bool lac_match_validate_ch_ahv(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999999") && memcmp(c.at, "756", 3) == 0 &&
           lac_match_weigh(c.at, "1313131313131") % 10 == 0;
}

/* CNS, matricule nationale: birth date, then Luhn's digit over eleven, then Verhoeff's. */
bool lac_match_validate_lu_matricule(struct lac_str match)
{
    struct lac_match_code c;
    char second[12];

    if (!lac_match_code_read(&c, match, "9999999999999") || (c.at[0] != '1' && c.at[0] != '2') ||
        !lac_clock_is_date(lac_match_value(c.at, 4), lac_match_value(c.at + 4, 2),
                           lac_match_value(c.at + 6, 2)))
        return false;
    memcpy(second, c.at, 11);
    second[11] = c.at[12];
    return lac_match_luhn(c.at, 12) && lac_match_verhoeff(second, 12);
}
