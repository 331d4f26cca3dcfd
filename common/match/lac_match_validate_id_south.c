/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of Spain, Portugal, Italy, Greece and the countries of the Balkans. */
#include "lac_match_validate_id.h"

#include <string.h>

static const char dni_letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";

/* Ministerio del Interior, DNI: the number mod 23 chooses the letter. K, L and M begin the numbers
 * of those who have no DNI. */
bool lac_match_validate_es_nif(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (lac_match_code_is(&c, "99999999A"))
        return !lac_match_is_uniform(c.at, 8) &&
               c.at[8] == dni_letters[lac_match_value(c.at, 8) % 23];
    return lac_match_code_is(&c, "A9999999A") && strchr("KLM", c.at[0]) &&
           c.at[8] == dni_letters[lac_match_value(c.at + 1, 7) % 23];
}

/* The same, NIE: X, Y and Z count 0, 1 and 2. */
bool lac_match_validate_es_nie(struct lac_str match)
{
    struct lac_match_code c;
    unsigned first;

    if (!lac_match_code_read(&c, match, "A9999999A") || c.at[0] < 'X')
        return false;
    first = (unsigned)(c.at[0] - 'X');
    return c.at[8] == dni_letters[(first * 10000000 + lac_match_value(c.at + 1, 7)) % 23];
}

/* Orden EHA/451/2008, NIF of organisations: Luhn over seven digits, as a digit or as a letter; the
 * order does not say which kind of organisation has which. */
bool lac_match_validate_es_cif(struct lac_str match)
{
    struct lac_match_code c;
    char digits[8];
    unsigned check = 0;

    if (!lac_match_code_read(&c, match, "A9999999*") || !strchr("ABCDEFGHJNPQRSUVW", c.at[0]) ||
        lac_match_is_uniform(c.at + 1, 7))
        return false;
    memcpy(digits, c.at + 1, 7);
    for (digits[7] = '0'; !lac_match_luhn(digits, 8); digits[7]++)
        check++;
    if (lac_match_is_digit((unsigned char)c.at[8]))
        return lac_match_digit(c.at + 8) == check;
    return c.at[8] == "JABCDEFGHI"[check];
}

/* Seguridad Social: the first ten digits mod 97; a serial below ten million is put next to the
 * province's two digits without its zeros. */
bool lac_match_validate_es_nss(struct lac_str match)
{
    struct lac_match_code c;
    unsigned province, check;

    if (!lac_match_code_read(&c, match, "999999999999"))
        return false;
    province = lac_match_value(c.at, 2);
    check = lac_match_value(c.at + 10, 2);
    if (province == 0 || (province > 53 && province != 66))
        return false;
    if (c.at[2] == '0' && (lac_match_value(c.at + 3, 7) + province * 10000000) % 97 == check)
        return true;
    return lac_match_remainder(c.at, 10, 97) == check;
}

/* Autoridade Tributária, NIF: a kind that is in use, mod 11. */
bool lac_match_validate_pt_nif(struct lac_str match)
{
    struct lac_match_code c;
    unsigned rest;

    if (!lac_match_code_read(&c, match, "999999999") || lac_match_is_uniform(c.at, 9) ||
        c.at[0] == '0' || (c.at[0] == '4' && c.at[1] != '5'))
        return false;
    rest = lac_match_weigh(c.at, "98765432") % 11;
    return (rest < 2 ? 0 : 11 - rest) == lac_match_digit(c.at + 8);
}

/* AMA, Cartão de Cidadão: number, check digit, version and another check: Luhn with letters. */
bool lac_match_validate_pt_cc(struct lac_str match)
{
    struct lac_match_code c;
    unsigned sum = 0;

    if (!lac_match_code_read(&c, match, "999999999**9"))
        return false;
    for (size_t i = 0; i < 12; i++) {
        unsigned v = lac_match_base36(c.at[11 - i]);

        if (i % 2 == 1)
            v = v * 2 > 9 ? v * 2 - 9 : v * 2;
        sum += v;
    }
    return sum % 10 == 0;
}

/* D.M. 23/12/1976: where two people would have the same code, digits become these letters. */
static bool fiscal_digit(char c, char *out)
{
    static const char instead[] = "LMNPQRSTUV";
    const char *p = strchr(instead, c);

    if (lac_match_is_digit((unsigned char)c))
        *out = c;
    else if (c && p)
        *out = (char)('0' + (p - instead));
    else
        return false;
    return true;
}

/* D.M. 23/12/1976, codice fiscale of a person: name, year, month letter, day (+40 for women),
 * place, check letter. */
bool lac_match_validate_it_fiscal_code(struct lac_str match)
{
    static const unsigned char odd[26] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                          20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    static const unsigned char digits[7] = {6, 7, 9, 10, 12, 13, 14};
    static const char months[] = "ABCDEHLMPRST";
    struct lac_match_code c;
    const char *month;
    char d[7];
    unsigned sum = 0;
    unsigned day;

    if (!lac_match_code_read(&c, match, "AAAAAA**A**A***A"))
        return false;
    for (size_t i = 0; i < 7; i++)
        if (!fiscal_digit(c.at[digits[i]], &d[i]))
            return false;
    month = strchr(months, c.at[8]);
    day = lac_match_value(d + 2, 2);
    if (!month || !lac_clock_is_date(0, (unsigned)(month - months) + 1, day > 40 ? day - 40 : day))
        return false;
    for (size_t i = 0; i < 15; i++) {
        unsigned v = lac_match_base36(c.at[i]);

        v = v >= 10 ? v - 10 : v; /* a digit counts what its letter does */
        sum += i % 2 == 0 ? odd[v] : v;
    }
    return c.at[15] == (char)('A' + sum % 26);
}

/* Agenzia delle Entrate, partita IVA: serial, office, Luhn. */
bool lac_match_validate_it_vat(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    const char *d = c.at;
    unsigned office;

    if (lac_match_code_is(&c, "AA99999999999"))
        d = memcmp(c.at, "IT", 2) == 0 ? c.at + 2 : NULL;
    else if (!lac_match_code_is(&c, "99999999999"))
        return false;
    if (!d || memcmp(d, "0000000", 7) == 0)
        return false;
    office = lac_match_value(d + 7, 3);
    return ((office >= 1 && office <= 100) || office == 120 || office == 121 || office == 888 ||
            office == 999) &&
           lac_match_luhn(d, 11);
}

/* AADE, AFM: powers of two, mod 11. */
bool lac_match_validate_gr_afm(struct lac_str match)
{
    struct lac_match_code c;
    unsigned sum = 0;

    if (!lac_match_code_read(&c, match, "999999999") || lac_match_is_uniform(c.at, 9))
        return false;
    for (unsigned i = 0; i < 8; i++)
        sum += lac_match_digit(c.at + i) << (8 - i);
    return sum % 11 % 10 == lac_match_digit(c.at + 8);
}

/* AMKA: birth date and Luhn. */
bool lac_match_validate_gr_amka(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "99999999999") && lac_match_is_ddmmyy(c.at) &&
           lac_match_luhn(c.at, 11);
}

/* Porezna uprava, OIB: MOD 11,10. */
bool lac_match_validate_hr_oib(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "99999999999") && !lac_match_is_uniform(c.at, 11) &&
           lac_match_mod11_10(c.at, 11);
}

/* EMŠO and JMBG, as all of Yugoslavia numbered: birth date with three digits of the year, region,
 * serial, mod 11. */
bool lac_match_validate_emso(struct lac_str match)
{
    struct lac_match_code c;
    unsigned year, rest;

    if (!lac_match_code_read(&c, match, "9999999999999"))
        return false;
    year = lac_match_value(c.at + 4, 3);
    if (!lac_clock_is_date(year + (year < 800 ? 2000 : 1000), lac_match_value(c.at + 2, 2),
                           lac_match_value(c.at, 2)) ||
        (year > 100 && year < 800))
        return false;
    rest = lac_match_weigh(c.at, "765432765432") % 11;
    return (rest < 2 ? 0 : 11 - rest) == lac_match_digit(c.at + 12);
}

/* MAI, CNP: sex and century, birth date, county, serial, mod 11. */
bool lac_match_validate_ro_cnp(struct lac_str match)
{
    struct lac_match_code c;
    unsigned county, rest;

    if (!lac_match_code_read(&c, match, "9999999999999") || c.at[0] == '0' ||
        !lac_match_is_yymmdd(c.at + 1))
        return false;
    county = lac_match_value(c.at + 7, 2);
    if (county == 0 || county == 49 || county == 50 || (county > 52 && county != 70 && county < 80))
        return false;
    rest = lac_match_weigh(c.at, "279146358279") % 11;
    return (rest == 10 ? 1 : rest) == lac_match_digit(c.at + 12);
}

/* ESGRAON, EGN: birth date with the century in the month, mod 11. */
bool lac_match_validate_bg_egn(struct lac_str match)
{
    static const unsigned century[3] = {1900, 1800, 2000};
    struct lac_match_code c;
    unsigned month;

    if (!lac_match_code_read(&c, match, "9999999999"))
        return false;
    month = lac_match_value(c.at + 2, 2);
    if (month > 52 || !lac_clock_is_date(century[month / 20] + lac_match_value(c.at, 2), month % 20,
                                         lac_match_value(c.at + 4, 2)))
        return false;
    return lac_match_weigh(c.at, "2485a9736") % 11 % 10 == lac_match_digit(c.at + 9);
}

/* NVI, kimlik no: two sums over odd and even places. */
bool lac_match_validate_tr_national_id(struct lac_str match)
{
    struct lac_match_code c;
    unsigned odd, even;

    if (!lac_match_code_read(&c, match, "99999999999") || c.at[0] == '0')
        return false;
    odd = lac_match_weigh(c.at, "101010101");
    even = lac_match_weigh(c.at, "01010101");
    return (odd * 7 + 10 * 9 - even) % 10 == lac_match_digit(c.at + 9) &&
           lac_match_weigh(c.at, "1111111111") % 10 == lac_match_digit(c.at + 10);
}

/* GİB, tax number: each digit and its place mod 10, doubled as often as the place says, mod 9. */
bool lac_match_validate_tr_vkn(struct lac_str match)
{
    struct lac_match_code c;
    unsigned sum = 0;

    if (!lac_match_code_read(&c, match, "9999999999") || lac_match_is_uniform(c.at, 9))
        return false;
    for (unsigned i = 0; i < 9; i++) {
        unsigned place = 9 - i, mixed = (lac_match_digit(c.at + i) + place) % 10;

        sum += mixed == 9 ? 9 : (mixed << place) % 9;
    }
    return (10 - sum % 10) % 10 == lac_match_digit(c.at + 9);
}
