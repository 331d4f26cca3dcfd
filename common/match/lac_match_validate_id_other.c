/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of Africa, the Middle East and the countries east of the European Union. */
#include "lac_match_validate_id.h"

#include <string.h>

/* Population and Immigration Authority, teudat zehut: nine digits, Luhn. */
bool lac_match_validate_il_id(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999") && !lac_match_is_uniform(c.at, 9) &&
           lac_match_luhn(c.at, 9);
}

/* Department of Home Affairs: birth date, serial, citizenship 0 to 2, a digit no longer used,
 * Luhn. */
bool lac_match_validate_za_id(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999999") && lac_match_is_yymmdd(c.at) &&
           c.at[10] <= '2' && lac_match_luhn(c.at, 13);
}

/* Order MMV-7-6/435@ of the Federal Tax Service, INN: one check digit for organisations, two for
 * people. */
bool lac_match_validate_ru_inn(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (lac_match_code_is(&c, "9999999999"))
        return !lac_match_is_uniform(c.at, 10) &&
               lac_match_weigh(c.at, "24a359468") % 11 % 10 == lac_match_digit(c.at + 9);
    return lac_match_code_is(&c, "999999999999") && !lac_match_is_uniform(c.at, 12) &&
           lac_match_weigh(c.at, "724a359468") % 11 % 10 == lac_match_digit(c.at + 10) &&
           lac_match_weigh(c.at, "3724a359468") % 11 % 10 == lac_match_digit(c.at + 11);
}

/* Pension fund, SNILS: weights 9 to 1, mod 101; a hundred is written 00. */
bool lac_match_validate_ru_snils(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "99999999999") && !lac_match_is_uniform(c.at, 9) &&
           lac_match_weigh(c.at, "987654321") % 101 % 100 == lac_match_value(c.at + 9, 2);
}

/* State Tax Service, RNOKPP: days since 1899, serial, mod 11 with a negative first weight. */
bool lac_match_validate_ua_rnokpp(struct lac_str match)
{
    struct lac_match_code c;

    /* -1 is ten, modulo eleven. */
    return lac_match_code_read(&c, match, "9999999999") && !lac_match_is_uniform(c.at, 10) &&
           lac_match_weigh(c.at, "a57946a57") % 11 % 10 == lac_match_digit(c.at + 9);
}

/* Ministry of Interior: century, birth date, governorate, serial. */
bool lac_match_validate_eg_national_id(struct lac_str match)
{
    static const char places[] = "01 02 03 04 11 12 13 14 15 16 17 18 19 21 22 23 24 25 26 27 28 "
                                 "29 31 32 33 34 35 88";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "99999999999999") || (c.at[0] != '2' && c.at[0] != '3') ||
        !lac_clock_is_date((c.at[0] == '2' ? 1900 : 2000) + lac_match_value(c.at + 1, 2),
                           lac_match_value(c.at + 3, 2), lac_match_value(c.at + 5, 2)))
        return false;
    for (size_t i = 0; i < sizeof(places); i += 3)
        if (memcmp(c.at + 7, places + i, 2) == 0)
            return true;
    return false;
}

/* ICP, Emirates ID: 784, year of birth, serial, Luhn. */
bool lac_match_validate_ae_id(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999999999") && memcmp(c.at, "784", 3) == 0 &&
           lac_match_value(c.at + 3, 4) >= 1880 && lac_match_value(c.at + 3, 4) < 2100 &&
           lac_match_luhn(c.at, 15);
}

/* Absher, national ID (1) and residence permit (2): ten digits, Luhn. */
bool lac_match_validate_sa_id(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999") && (c.at[0] == '1' || c.at[0] == '2') &&
           !lac_match_is_uniform(c.at + 1, 9) && lac_match_luhn(c.at, 10);
}

/* Law 10 of 2013, IIN: birth date, century and sex, serial, mod 11 with a second set of weights. */
bool lac_match_validate_kz_iin(struct lac_str match)
{
    struct lac_match_code c;
    unsigned check;

    if (!lac_match_code_read(&c, match, "999999999999") || !lac_match_is_yymmdd(c.at) ||
        c.at[6] > '6')
        return false;
    check = lac_match_weigh(c.at, "123456789ab") % 11;
    if (check == 10)
        check = lac_match_weigh(c.at, "3456789ab12") % 11;
    return check == lac_match_digit(c.at + 11);
}

/* ISO 9362: four letters, the country, two characters of a place, three of a branch. A text in
 * capitals is full of words of that form ("SWIFT CUSTOMER DOCUMENT"): what ends as words do, and as
 * no place or branch is called, is none. */
bool lac_match_validate_bic(struct lac_str match)
{
    static const char places[][3] = {"ED", "ER", "ES", "GS", "IC", "LY", "ND",
                                     "NE", "NG", "NT", "ON", "RY", "TE", "TY"};
    static const char branches[][4] = {"ARY", "ATE", "BLE", "DED", "ELY", "ENT", "IAL",
                                       "IAN", "IED", "IES", "ING", "ION", "ITY", "IVE",
                                       "LLY", "NAL", "NCE", "NED", "NTS", "ONS", "OUS",
                                       "RED", "SED", "SLY", "TED", "TIC", "TLY"};

    for (size_t i = 0; i < LAC_COUNT(places) && match.len == 8; i++)
        if (memcmp(match.ptr + 6, places[i], 2) == 0)
            return false;
    for (size_t i = 0; i < LAC_COUNT(branches) && match.len == 11; i++)
        if (memcmp(match.ptr + 8, branches[i], 3) == 0)
            return false;
    return true;
}
