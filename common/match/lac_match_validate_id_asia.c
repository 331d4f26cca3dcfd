/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of Asia and the Pacific. */
#include "lac_match_validate_id.h"

#include <string.h>

/* UIDAI, Aadhaar: twelve digits, Verhoeff, not from 0 or 1, no palindrome. */
bool lac_match_validate_in_aadhaar(struct lac_str match)
{
    struct lac_match_code c;
    bool palindrome = true;

    if (!lac_match_code_read(&c, match, "999999999999") || c.at[0] < '2')
        return false;
    for (size_t i = 0; i < 6; i++)
        palindrome = palindrome && c.at[i] == c.at[11 - i];
    return !palindrome && lac_match_verhoeff(c.at, 12);
}

/* incometax.gov.in, PAN: the fourth letter says whose it is, the number is not 0000. */
bool lac_match_validate_in_pan(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "AAAAA9999A") && strchr("ABCEFGHJKLPT", c.at[3]) &&
           memcmp(c.at + 5, "0000", 4) != 0;
}

/* gst.gov.in, GSTIN: state, PAN, entity, Z, and a check like Luhn's over 36 characters. */
bool lac_match_validate_in_gstin(struct lac_str match)
{
    struct lac_match_code c;
    unsigned state;
    unsigned sum = 0;

    if (!lac_match_code_read(&c, match, "99AAAAA9999A***") || c.at[12] == '0' || c.at[13] != 'Z' ||
        !lac_match_validate_in_pan((struct lac_str){c.at + 2, 10}))
        return false;
    state = lac_match_value(c.at, 2);
    if (state == 0 || (state > 38 && state != 97 && state != 99))
        return false;
    for (size_t i = 0; i < 14; i++) {
        unsigned product = lac_match_base36(c.at[i]) * (i % 2 ? 2 : 1);

        sum += product / 36 + product % 36;
    }
    return lac_match_base36(c.at[14]) == (36 - sum % 36) % 36;
}

/* GB 11643-1999: region, birth date, serial, ISO/IEC 7064 MOD 11-2. */
bool lac_match_validate_cn_resident_id(struct lac_str match)
{
    static const char regions[] = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 "
                                  "50 51 52 53 54 61 62 63 64 65 71 81 82 83 91";
    struct lac_match_code c;
    unsigned check = 0;
    bool known = false;

    if (!lac_match_code_read(&c, match, "99999999999999999*"))
        return false;
    for (size_t i = 0; i < sizeof(regions); i += 3)
        known = known || memcmp(c.at, regions + i, 2) == 0;
    if (!known || lac_match_value(c.at + 6, 4) < 1880 || lac_match_value(c.at + 6, 4) > 2099 ||
        !lac_clock_is_date(lac_match_value(c.at + 6, 4), lac_match_value(c.at + 10, 2),
                           lac_match_value(c.at + 12, 2)))
        return false;
    for (size_t i = 0; i < 17; i++)
        check = (check + lac_match_digit(c.at + i)) * 2 % 11;
    check = (12 - check) % 11;
    return c.at[17] == (check == 10 ? 'X' : (char)('0' + check));
}

/* MOI, national and resident ID: the letter stands for two digits, weights 1, 9 to 1, mod 10. */
bool lac_match_validate_tw_id(struct lac_str match)
{
    static const unsigned char letters[26] = {10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21,
                                              22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33};
    struct lac_match_code c;
    unsigned sum;

    if (!lac_match_code_read(&c, match, "A999999999") || !strchr("1289", c.at[1]))
        return false;
    sum = letters[c.at[0] - 'A'];
    sum = sum / 10 + sum % 10 * 9 + lac_match_weigh(c.at + 1, "876543211");
    return sum % 10 == 0;
}

/* Immigration Department, HKID: one or two letters, six digits, mod 11 with A for ten. */
bool lac_match_validate_hk_id(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    unsigned sum = 9 * 36;
    size_t letters = 2;

    if (lac_match_code_is(&c, "A999999*"))
        letters = 1;
    else if (!lac_match_code_is(&c, "AA999999*"))
        return false;
    if (lac_match_is_alpha((unsigned char)c.at[c.len - 1]) && c.at[c.len - 1] != 'A')
        return false;
    if (letters == 2)
        sum = 9 * lac_match_base36(c.at[0]);
    sum += 8 * lac_match_base36(c.at[letters - 1]) + lac_match_weigh(c.at + letters, "765432");
    return (sum + lac_match_base36(c.at[c.len - 1])) % 11 == 0;
}

/* Ordinance 85 of 2014 of the Ministry of Internal Affairs, Individual Number: mod 11. */
bool lac_match_validate_jp_my_number(struct lac_str match)
{
    struct lac_match_code c;
    unsigned rest;

    if (!lac_match_code_read(&c, match, "999999999999") || lac_match_is_uniform(c.at, 12))
        return false;
    rest = lac_match_weigh(c.at, "65432765432") % 11;
    return (rest < 2 ? 0 : 11 - rest) == lac_match_digit(c.at + 11);
}

/* The seventh digit says sex and century; it says which are residents and which foreigners. */
static bool korean(struct lac_str match, const char *kinds)
{
    static const unsigned century[10] = {1800, 1900, 1900, 2000, 2000,
                                         1900, 1900, 2000, 2000, 1800};
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999999") && strchr(kinds, c.at[6]) &&
           lac_clock_is_date(century[lac_match_digit(c.at + 6)] + lac_match_value(c.at, 2),
                             lac_match_value(c.at + 2, 2), lac_match_value(c.at + 4, 2)) &&
           !lac_match_is_uniform(c.at + 7, 6);
}

/* MOIS, resident registration number. Numbers given since October 2020 carry no check digit. */
bool lac_match_validate_kr_rrn(struct lac_str match)
{
    return korean(match, "012349");
}

bool lac_match_validate_kr_frn(struct lac_str match)
{
    return korean(match, "5678");
}

/* NTS, business registration number: weights 1, 3, 7; the ninth digit counts five-fold, its tens
 * too. */
bool lac_match_validate_kr_brn(struct lac_str match)
{
    struct lac_match_code c;
    unsigned sum;

    if (!lac_match_code_read(&c, match, "9999999999") || lac_match_value(c.at, 3) < 101)
        return false;
    sum = lac_match_weigh(c.at, "137137135") + lac_match_digit(c.at + 8) * 5 / 10;
    return (10 - sum % 10) % 10 == lac_match_digit(c.at + 9);
}

/* Supreme Court, registration number of a corporation: registry, kind, serial; weights 1, 2. Those
 * of 2025-01-31 and later have no check digit. */
bool lac_match_validate_kr_crn(struct lac_str match)
{
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "9999999999999") || lac_match_is_uniform(c.at, 12))
        return false;
    return (10 - lac_match_weigh(c.at, "121212121212") % 10) % 10 == lac_match_digit(c.at + 12);
}

/* Korean National Police Agency: region 11 to 28, year, serial, check, printing. */
bool lac_match_validate_kr_driver_license(struct lac_str match)
{
    struct lac_match_code c;
    unsigned region;

    if (!lac_match_code_read(&c, match, "999999999999"))
        return false;
    region = lac_match_value(c.at, 2);
    return region >= 11 && region <= 28 && !lac_match_is_uniform(c.at + 4, 6);
}

/* BORA, national ID: kind 1 to 8, mod 11. */
bool lac_match_validate_th_tnin(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999999") && c.at[0] >= '1' && c.at[0] <= '8' &&
           !lac_match_is_uniform(c.at, 13) &&
           (11 - lac_match_weigh(c.at, "dcba98765432") % 11) % 10 == lac_match_digit(c.at + 12);
}

/* ICA, NRIC and FIN: weights 2 7 6 5 4 3 2 and a letter from the series' own list. */
bool lac_match_validate_sg_nric(struct lac_str match)
{
    struct lac_match_code c;
    unsigned sum;

    if (!lac_match_code_read(&c, match, "A9999999A"))
        return false;
    sum = lac_match_weigh(c.at + 1, "2765432");
    switch (c.at[0]) {
    case 'S':
        return c.at[8] == "JZIHGFEDCBA"[sum % 11];
    case 'T':
        return c.at[8] == "JZIHGFEDCBA"[(sum + 4) % 11];
    case 'F':
        return c.at[8] == "XWUTRQPNMLK"[sum % 11];
    case 'G':
        return c.at[8] == "XWUTRQPNMLK"[(sum + 4) % 11];
    case 'M':
        return c.at[8] == "XWUTRQPNJLK"[(sum + 3) % 11];
    default:
        return false;
    }
}

/* ACRA, UEN: businesses, local companies, and all others with T or S, a year and a kind. */
bool lac_match_validate_sg_uen(struct lac_str match)
{
    static const char other[] = "ABCDEFGHJKLMNPQRSTUVWX0123456789";
    static const unsigned char weight[9] = {4, 3, 5, 3, 10, 2, 2, 5, 7};
    struct lac_match_code c = lac_match_code_of(match);
    unsigned sum = 0;

    if (lac_match_code_is(&c, "99999999A"))
        return c.at[8] == "XMKECAWLJDB"[lac_match_weigh(c.at, "a4938271") % 11];
    if (lac_match_code_is(&c, "999999999A"))
        return lac_match_value(c.at, 4) >= 1800 && lac_match_value(c.at, 4) < 2100 &&
               c.at[9] == "ZKCMDNERGWH"[lac_match_weigh(c.at, "a86497531") % 11];
    if (!lac_match_code_is(&c, "A99A*9999A") || !strchr("RST", c.at[0]))
        return false;
    for (size_t i = 0; i < 9; i++) {
        const char *p = strchr(other, c.at[i]);

        if (!p)
            return false;
        sum += weight[i] * (unsigned)(p - other);
    }
    return c.at[9] == other[(sum + 11 - 5) % 11];
}

/* abr.business.gov.au, ABN: one less in the first digit, mod 89. */
bool lac_match_validate_au_abn(struct lac_str match)
{
    static const unsigned char weight[11] = {10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19};
    struct lac_match_code c;
    unsigned sum = 0;

    if (!lac_match_code_read(&c, match, "99999999999") || c.at[0] == '0')
        return false;
    for (size_t i = 0; i < 11; i++)
        sum += weight[i] * (lac_match_digit(c.at + i) - (i == 0));
    return sum % 89 == 0;
}

/* asic.gov.au, ACN: weights 8 to 1, mod 10. */
bool lac_match_validate_au_acn(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999") && !lac_match_is_uniform(c.at, 9) &&
           (10 - lac_match_weigh(c.at, "87654321") % 10) % 10 == lac_match_digit(c.at + 8);
}

/* ato.gov.au, TFN: nine digits, mod 11; eight of those given out first, with weights of their own.
 */
bool lac_match_validate_au_tfn(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (lac_match_code_is(&c, "99999999"))
        return !lac_match_is_uniform(c.at, 8) && lac_match_weigh(c.at, "a7846351") % 11 == 0;
    return lac_match_code_is(&c, "999999999") && !lac_match_is_uniform(c.at, 9) &&
           lac_match_weigh(c.at, "14375869a") % 11 == 0;
}

/* servicesaustralia.gov.au, Medicare: from 2 to 6, a check digit, an issue number, and perhaps the
 * person's place on the card. */
bool lac_match_validate_au_medicare(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (!lac_match_code_is(&c, "9999999999") && !lac_match_code_is(&c, "99999999999"))
        return false;
    return c.at[0] >= '2' && c.at[0] <= '6' && c.at[9] != '0' &&
           lac_match_weigh(c.at, "13791379") % 10 == lac_match_digit(c.at + 8);
}

/* ird.govt.nz, IRD number: 10,000,000 to 150,000,000, mod 11, other weights where that gives ten.
 */
bool lac_match_validate_nz_ird(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    char d[9] = "0";
    unsigned check;

    if (!lac_match_code_is(&c, "99999999") && !lac_match_code_is(&c, "999999999"))
        return false;
    memcpy(d + (9 - c.len), c.at, c.len);
    if (lac_match_value(d, 9) < 10000000 || lac_match_value(d, 9) > 150000000 ||
        lac_match_is_uniform(c.at, c.len))
        return false;
    check = (11 - lac_match_weigh(d, "32765432") % 11) % 11;
    if (check == 10)
        check = (11 - lac_match_weigh(d, "74325276") % 11) % 11;
    return check == lac_match_digit(d + 8);
}

/* HISO 10046: letters count from A = 1 to Z = 24, without I and O; weights 7 to 2. A number that
 * ends in a digit has it from the sum mod 11, where 0 is not used; one that ends in a letter,
 * mod 23. */
bool lac_match_validate_nz_nhi(struct lac_str match)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    struct lac_match_code c = lac_match_code_of(match);
    unsigned value[7], sum = 0;

    if (!lac_match_code_is(&c, "AAA9999") && !lac_match_code_is(&c, "AAA99AA"))
        return false;
    for (size_t i = 0; i < 7; i++) {
        const char *at = strchr(letters, c.at[i]);

        if (!at && !lac_match_is_digit((unsigned char)c.at[i]))
            return false;
        value[i] = at ? (unsigned)(at - letters) + 1 : lac_match_digit(&c.at[i]);
        sum += value[i] * (unsigned)(7 - i);
    }
    sum -= value[6];
    if (lac_match_is_digit((unsigned char)c.at[6]))
        return sum % 11 != 0 && (11 - sum % 11) % 10 == value[6];
    return 23 - sum % 23 == value[6];
}

/* JPN, MyKad: birth date, place of birth, serial. Places that were never given out are refused. */
bool lac_match_validate_my_nric(struct lac_str match)
{
    static const char unused[] = "00 17 18 19 20 69 70 73 80 81 94 95 96 97";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "999999999999") || !lac_match_is_yymmdd(c.at))
        return false;
    for (size_t i = 0; i < sizeof(unused); i += 3)
        if (memcmp(c.at + 6, unused + i, 2) == 0)
            return false;
    return true;
}

/* Dukcapil, NIK: province from 11, birth date with 40 more in a woman's day, serial. */
bool lac_match_validate_id_nik(struct lac_str match)
{
    struct lac_match_code c;
    unsigned day;

    if (!lac_match_code_read(&c, match, "9999999999999999") || c.at[0] == '0' || c.at[0] > '9' ||
        lac_match_value(c.at, 2) < 11 || lac_match_value(c.at, 2) > 97)
        return false;
    day = lac_match_value(c.at + 6, 2);
    return lac_clock_is_date(2000 + lac_match_value(c.at + 10, 2), lac_match_value(c.at + 8, 2),
                             day > 40 ? day - 40 : day) &&
           memcmp(c.at + 12, "0000", 4) != 0;
}
