/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of Germany, Austria, Poland, Czechia, Slovakia and Hungary. */
#include "lac_match_validate_id.h"

#include <string.h>

/*
 * BZSt, Identifikationsnummer: MOD 11,10; of the first ten digits one occurs twice or three times,
 * not three times in a row, and no other more than once.
 */
bool lac_match_validate_de_tax_id(struct lac_str match)
{
    unsigned char seen[10] = {0};
    struct lac_match_code c;
    unsigned repeated = 0;

    if (!lac_match_code_read(&c, match, "99999999999") || c.at[0] == '0')
        return false;
    for (size_t i = 0; i < 10; i++) {
        seen[lac_match_digit(c.at + i)]++;
        if (i >= 2 && c.at[i] == c.at[i - 1] && c.at[i] == c.at[i - 2])
            return false;
    }
    for (size_t d = 0; d < 10; d++) {
        if (seen[d] > 3)
            return false;
        repeated += seen[d] > 1;
    }
    return repeated == 1 && lac_match_mod11_10(c.at, 11);
}

/* Adds up the digits of the products. */
static unsigned cross_sums(const char *digits, const char *weights)
{
    unsigned sum = 0;

    for (size_t i = 0; weights[i]; i++) {
        unsigned product = lac_match_digit(&digits[i]) * (unsigned)(weights[i] - '0');

        sum += product / 10 + product % 10;
    }
    return sum;
}

/* Writes the place of a letter in the alphabet as two digits. */
static void put_letter(char *out, char letter)
{
    unsigned place = (unsigned)(letter - 'A') + 1;

    out[0] = (char)('0' + place / 10);
    out[1] = (char)('0' + place % 10);
}

/* VKVV, Versicherungsnummer: area, birth date, letter, serial, check digit over cross sums. */
bool lac_match_validate_de_social_security(struct lac_str match)
{
    struct lac_match_code c;
    char digits[12];
    unsigned area, month, day;

    if (!lac_match_code_read(&c, match, "99999999A999"))
        return false;
    area = lac_match_value(c.at, 2);
    day = lac_match_value(c.at + 2, 2);
    month = lac_match_value(c.at + 4, 2);
    if (area < 2 || area > 89 || month > 12 || day > 31 ||
        (month && day && !lac_clock_is_date(0, month, day)))
        return false;
    memcpy(digits, c.at, 8);
    put_letter(digits + 8, c.at[8]);
    memcpy(digits + 10, c.at + 9, 2);
    return cross_sums(digits, "212571212121") % 10 == lac_match_digit(c.at + 11);
}

/* GKV-Spitzenverband, Krankenversichertennummer: a letter as two digits, weights 1 and 2. */
bool lac_match_validate_de_health_insurance(struct lac_str match)
{
    struct lac_match_code c;
    char digits[10];

    if (!lac_match_code_read(&c, match, "A999999999"))
        return false;
    put_letter(digits, c.at[0]);
    memcpy(digits + 2, c.at + 1, 8);
    return cross_sums(digits, "1212121212") % 10 == lac_match_digit(c.at + 9);
}

/* KBV, lebenslange Arztnummer: weights 4 and 9 over six digits; two more name the speciality. */
bool lac_match_validate_de_lanr(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999") && !lac_match_is_uniform(c.at, 7) &&
           (10 - lac_match_weigh(c.at, "494949") % 10) % 10 == lac_match_digit(c.at + 6);
}

/* Personalausweis and Reisepass: nine characters without vowels that could be misread, with the
 * check digit of ICAO Doc 9303 or without. */
bool lac_match_validate_de_document(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    size_t digits = 0;

    if (c.len != 9 && c.len != 10)
        return false;
    for (size_t i = 0; i < 9; i++) {
        bool digit = lac_match_is_digit((unsigned char)c.at[i]);

        if (!digit && !strchr("CFGHJKLMNPRTVWXYZ", c.at[i]))
            return false;
        digits += digit;
    }
    return digits >= 1 && (c.len == 9 || lac_match_icao_731(c.at, 10));
}

/* Dachverband der Sozialversicherungsträger: a serial, its check digit, and the birth date, whose
 * month may go up to 15 where a day has run out of serials. */
bool lac_match_validate_at_svnr(struct lac_str match)
{
    struct lac_match_code c;
    unsigned month;

    if (!lac_match_code_read(&c, match, "9999999999") || c.at[0] == '0')
        return false;
    month = lac_match_value(c.at + 6, 2);
    if (month > 12 ? month > 15 || c.at[4] > '3'
                   : !lac_clock_is_date(0, month, lac_match_value(c.at + 4, 2)))
        return false;
    return lac_match_weigh(c.at, "3790584216") % 11 == lac_match_digit(c.at + 3);
}

/* gov.pl, PESEL: birth date with the century in the month, weights 1, 3, 7, 9. */
bool lac_match_validate_pl_pesel(struct lac_str match)
{
    static const unsigned century[5] = {1900, 2000, 2100, 2200, 1800};
    struct lac_match_code c;
    unsigned month;

    if (!lac_match_code_read(&c, match, "99999999999"))
        return false;
    month = lac_match_value(c.at + 2, 2);
    if (!lac_clock_is_date(century[month / 20] + lac_match_value(c.at, 2), month % 20,
                           lac_match_value(c.at + 4, 2)))
        return false;
    return lac_match_weigh(c.at, "13791379131") % 10 == 0;
}

/* podatki.gov.pl, NIP: mod 11, a rest of ten is never issued. */
bool lac_match_validate_pl_nip(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999") && !lac_match_is_uniform(c.at, 10) &&
           lac_match_weigh(c.at, "657234567") % 11 == lac_match_digit(c.at + 9);
}

/* GUS, REGON: nine digits, or fourteen for a local unit of the same. */
bool lac_match_validate_pl_regon(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (!lac_match_code_is(&c, "999999999") && !lac_match_code_is(&c, "99999999999999"))
        return false;
    if (lac_match_is_uniform(c.at, c.len) ||
        lac_match_weigh(c.at, "89234567") % 11 % 10 != lac_match_digit(c.at + 8))
        return false;
    return c.len == 9 ||
           lac_match_weigh(c.at, "2485097361248") % 11 % 10 == lac_match_digit(c.at + 13);
}

/* NBP, NRB: the Polish IBAN without its country. */
bool lac_match_validate_pl_nrb(struct lac_str match)
{
    struct lac_match_code c;
    char iban[28] = "PL";

    if (!lac_match_code_read(&c, match, "99999999999999999999999999"))
        return false;
    memcpy(iban + 2, c.at, 26);
    return lac_match_iban_valid((struct lac_str){iban, sizeof(iban)});
}

/* gov.pl, dowód osobisty: three letters and six digits, the first of which checks. */
bool lac_match_validate_pl_id_card(struct lac_str match)
{
    static const unsigned char weight[9] = {7, 3, 1, 9, 7, 3, 1, 7, 3};
    struct lac_match_code c;
    unsigned sum = 0;

    if (!lac_match_code_read(&c, match, "AAA999999"))
        return false;
    for (size_t i = 0; i < 9; i++)
        sum += weight[i] * lac_match_base36(c.at[i]);
    return sum % 10 == 0;
}

/*
 * Zákon 133/2000 Sb., rodné číslo: birth date, +50 in a woman's month, +20 once a day's numbers
 * are used up; ten digits are a multiple of 11, nine (until 1953) are unchecked.
 */
bool lac_match_validate_cz_rc(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    unsigned year, month, rest;

    if (!lac_match_code_is(&c, "9999999999") && !lac_match_code_is(&c, "999999999"))
        return false;
    year = lac_match_value(c.at, 2);
    if (c.len == 9 && year >= 54)
        return false;
    year += c.len == 9 || year >= 54 ? 1900 : 2000;
    month = lac_match_value(c.at + 2, 2);
    month = month > 50 ? month - 50 : month;
    if (month > 20 && year >= 2004)
        month -= 20;
    if (!lac_clock_is_date(year, month, lac_match_value(c.at + 4, 2)))
        return false;
    if (c.len == 9)
        return memcmp(c.at + 6, "000", 3) != 0;
    rest = lac_match_remainder(c.at, 9, 11);
    return rest % 10 == lac_match_digit(c.at + 9) && (rest < 10 || year < 1986);
}

/* NAV, adóazonosító jel: begins with 8, weights 1 to 9, mod 11. */
bool lac_match_validate_hu_tax_id(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "9999999999") && c.at[0] == '8' &&
           lac_match_weigh(c.at, "123456789") % 11 == lac_match_digit(c.at + 9);
}

/* NEAK, TAJ: weights 3 and 7, mod 10. */
bool lac_match_validate_hu_taj(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999") && !lac_match_is_uniform(c.at, 9) &&
           lac_match_weigh(c.at, "37373737") % 10 == lac_match_digit(c.at + 8);
}

/* 1996. évi XX. törvény, személyi azonosító: sex and century, birth date, serial; the weights run
 * 1 to 10 until 1996 and 10 to 1 since. */
bool lac_match_validate_hu_personal_id(struct lac_str match)
{
    struct lac_match_code c;
    unsigned rest;
    bool late;

    if (!lac_match_code_read(&c, match, "99999999999") || c.at[0] < '1' || c.at[0] > '8' ||
        !lac_match_is_yymmdd(c.at + 1))
        return false;
    late = c.at[0] == '3' || c.at[0] == '4' || lac_match_value(c.at + 1, 2) > 96;
    rest = lac_match_weigh(c.at, late ? "a987654321" : "123456789a") % 11;
    return rest == lac_match_digit(c.at + 10);
}
