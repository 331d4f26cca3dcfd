/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of North and South America. */
#include "lac_match_validate_id.h"

#include <string.h>

/* irs.gov, ITIN: begins with 9; the fourth and fifth digit are 50-65, 70-88, 90-92 or 94-99. */
bool lac_match_validate_us_itin(struct lac_str match)
{
    struct lac_match_code c;
    unsigned group;

    if (!lac_match_code_read(&c, match, "999999999") || c.at[0] != '9')
        return false;
    group = lac_match_value(c.at + 3, 2);
    return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) ||
           (group >= 90 && group <= 92) || group >= 94;
}

/* ssa.gov, the number without its surroundings. */
bool lac_match_validate_us_ssn(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999") && lac_match_ssn_valid(c.at);
}

/* irs.gov, "How EINs are assigned and valid EIN prefixes": the ones that no campus has. */
bool lac_match_validate_us_ein(struct lac_str match)
{
    static const char unused[] = "00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "999999999") || lac_match_is_uniform(c.at + 2, 7))
        return false;
    for (size_t i = 0; i < sizeof(unused); i += 3)
        if (memcmp(c.at, unused + i, 2) == 0)
            return false;
    return true;
}

/* cms.gov, NPI: Luhn with the issuer prefix 80840 in front; begins with 1 or 2. */
bool lac_match_validate_us_npi(struct lac_str match)
{
    char full[15] = "80840";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "9999999999") || (c.at[0] != '1' && c.at[0] != '2'))
        return false;
    memcpy(full + 5, c.at, 10);
    return lac_match_luhn(full, sizeof(full));
}

/* cms.gov, "Understanding the MBI format": eleven characters, each position of its own kind, no
 * S, L, O, I, B or Z. */
bool lac_match_validate_us_mbi(struct lac_str match)
{
    static const char letters[] = "ACDEFGHJKMNPQRTUVWXY";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "9A*9A*9AA99") || c.at[0] == '0')
        return false;
    for (size_t i = 0; i < c.len; i++)
        if (lac_match_is_alpha((unsigned char)c.at[i]) && !strchr(letters, c.at[i]))
            return false;
    return true;
}

/* American Bankers Association: a Federal Reserve prefix and weights 3, 7, 1. */
bool lac_match_validate_aba_routing(struct lac_str match)
{
    struct lac_match_code c;
    unsigned prefix;

    if (!lac_match_code_read(&c, match, "999999999") || lac_match_is_uniform(c.at, 9))
        return false;
    prefix = lac_match_value(c.at, 2);
    if (prefix == 0 || (prefix > 12 && prefix < 21) || (prefix > 32 && prefix < 61) ||
        (prefix > 72 && prefix != 80))
        return false;
    return lac_match_weigh(c.at, "371371371") % 10 == 0;
}

/* Drug Enforcement Administration: a registrant's letter, one of the name (or 9), seven digits;
 * the last is that of d1+d3+d5 + 2(d2+d4+d6). */
bool lac_match_validate_dea(struct lac_str match)
{
    static const char kinds[] = "ABCDEFGHJKLMPRSTUX";
    struct lac_match_code c;

    if (!lac_match_code_read(&c, match, "A*9999999") || !strchr(kinds, c.at[0]))
        return false;
    if (lac_match_is_digit((unsigned char)c.at[1]) && c.at[1] != '9')
        return false;
    return !lac_match_is_uniform(c.at + 2, 7) &&
           lac_match_weigh(c.at + 2, "121212") % 10 == lac_match_digit(c.at + 8);
}

/* canada.ca, SIN: Luhn; no number begins with 0 or 8. */
bool lac_match_validate_ca_sin(struct lac_str match)
{
    struct lac_match_code c;

    return lac_match_code_read(&c, match, "999999999") && c.at[0] != '0' && c.at[0] != '8' &&
           lac_match_luhn(c.at, 9);
}

/* CRA, business number: Luhn over nine digits, whatever program and reference follow. */
bool lac_match_validate_ca_bn(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    return (lac_match_code_is(&c, "999999999") || lac_match_code_is(&c, "999999999AA9999")) &&
           !lac_match_is_uniform(c.at, 9) && lac_match_luhn(c.at, 9);
}

/* What a letter counts in Mexican codes: N is followed by another letter. */
static unsigned mexican(char c)
{
    return lac_match_base36(c) + (c > 'N' ? 1 : 0);
}

/* gob.mx, CURP: four letters, birth date, sex, state, three consonants, a mark of the century, and
 * a check digit with weights 18 to 2. */
bool lac_match_validate_mx_curp(struct lac_str match)
{
    static const char states[] =
        "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT "
        "QR SP SL SR TC TS TL VZ YN ZS NE";
    struct lac_match_code c;
    unsigned sum = 0;
    bool known = false;

    if (!lac_match_code_read(&c, match, "AAAA999999AAAAAA*9") || !lac_match_is_yymmdd(c.at + 4) ||
        !strchr("HMX", c.at[10]))
        return false;
    for (size_t i = 0; i < sizeof(states); i += 3)
        known = known || memcmp(c.at + 11, states + i, 2) == 0;
    for (unsigned i = 0; i < 17; i++)
        sum += (18 - i) * mexican(c.at[i]);
    return known && (10 - sum % 10) % 10 == lac_match_digit(c.at + 17);
}

/* SAT, Anexo 20, t_RFC: three characters of a company's name or four of a person's, '&' and Ñ among
 * them; a date; two of a homonym key and a check character, 0-9 or A. Old registrations do not all
 * keep the check: the date decides. */
bool lac_match_validate_mx_rfc(struct lac_str match)
{
    struct lac_match_code c;
    unsigned name = 0;
    size_t i = 0;

    while (i < match.len && !lac_match_is_digit((unsigned char)match.ptr[i])) {
        unsigned char byte = (unsigned char)match.ptr[i++];

        /* Of the two bytes of a Ñ (C3 91, C3 B1 when small) the first one counts. */
        name += lac_match_is_alpha(byte) || byte == '&' || byte == 0xc3;
    }
    if ((name != 3 && name != 4) ||
        !lac_match_code_read(&c, lac_str_slice(match, i, match.len), "999999***"))
        return false;
    return lac_match_is_yymmdd(c.at) &&
           (lac_match_is_digit((unsigned char)c.at[8]) || c.at[8] == 'A');
}

/* Mod 11 with a rest of 10 or 11 as 0. */
static char brazilian(const unsigned *values, size_t count, unsigned top)
{
    unsigned sum = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned weight = 2 + (unsigned)((count - 1 - i) % (top - 1));

        sum += weight * values[i];
    }
    sum %= 11;
    return (char)('0' + (sum < 2 ? 0 : 11 - sum));
}

/* Receita Federal, CPF: two check digits. */
bool lac_match_validate_br_cpf(struct lac_str match)
{
    struct lac_match_code c;
    unsigned v[10];

    if (!lac_match_code_read(&c, match, "99999999999") || lac_match_is_uniform(c.at, 11))
        return false;
    for (size_t i = 0; i < 10; i++)
        v[i] = lac_match_digit(c.at + i);
    return brazilian(v, 9, 11) == c.at[9] && brazilian(v, 10, 11) == c.at[10];
}

/* Receita Federal, CNPJ, also with letters (IN RFB 2229/2024): a character counts its ASCII code
 * less that of 0. */
bool lac_match_validate_br_cnpj(struct lac_str match)
{
    struct lac_match_code c;
    unsigned v[13];

    if (!lac_match_code_read(&c, match, "************99") || lac_match_is_uniform(c.at, 14))
        return false;
    for (size_t i = 0; i < 13; i++)
        v[i] = (unsigned)(c.at[i] - '0');
    return brazilian(v, 12, 9) == c.at[12] && brazilian(v, 13, 9) == c.at[13];
}

/* AFIP, CUIT and CUIL: a known kind and a mod 11 check digit. */
bool lac_match_validate_ar_cuit(struct lac_str match)
{
    static const char kinds[] = "20 23 24 25 26 27 30 33 34 50 51 55";
    struct lac_match_code c;
    unsigned check;

    if (!lac_match_code_read(&c, match, "99999999999"))
        return false;
    for (size_t i = 0; i < sizeof(kinds); i += 3)
        if (memcmp(c.at, kinds + i, 2) == 0) {
            check = (11 - lac_match_weigh(c.at, "5432765432") % 11) % 11;
            return (check == 10 ? 9 : check) == lac_match_digit(c.at + 10);
        }
    return false;
}

/* Servicio de Registro Civil, RUN and RUT: weights 2 to 7 from the right, K for ten. */
bool lac_match_validate_cl_rut(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    unsigned sum = 0;

    if (!lac_match_code_is(&c, "99999999*") && !lac_match_code_is(&c, "9999999*"))
        return false;
    for (size_t i = 0; i + 1 < c.len; i++)
        sum += (2 + (unsigned)(c.len - 2 - i) % 6) * lac_match_digit(c.at + i);
    sum = 11 - sum % 11;
    return !lac_match_is_uniform(c.at, c.len - 1) &&
           c.at[c.len - 1] == (sum == 11   ? '0'
                               : sum == 10 ? 'K'
                                           : (char)('0' + sum));
}

/* DIAN, NIT: prime weights from the right, mod 11. */
bool lac_match_validate_co_nit(struct lac_str match)
{
    static const unsigned char weight[] = {3, 7, 13, 17, 19, 23, 29, 37, 41, 43};
    struct lac_match_code c = lac_match_code_of(match);
    unsigned sum = 0;

    if (c.len < 9 || c.len > 11)
        return false;
    for (size_t i = 0; i < c.len; i++)
        if (!lac_match_is_digit((unsigned char)c.at[i]))
            return false;
    for (size_t i = 0; i + 1 < c.len; i++)
        sum += weight[c.len - 2 - i] * lac_match_digit(c.at + i);
    sum %= 11;
    return (sum < 2 ? sum : 11 - sum) == lac_match_digit(c.at + c.len - 1);
}

/* SUNAT, RUC: a known kind and a mod 11 check digit. */
bool lac_match_validate_pe_ruc(struct lac_str match)
{
    struct lac_match_code c;
    unsigned kind;

    if (!lac_match_code_read(&c, match, "99999999999"))
        return false;
    kind = lac_match_value(c.at, 2);
    if (kind != 10 && kind != 20 && (kind < 15 || kind > 17))
        return false;
    return (11 - lac_match_weigh(c.at, "5432765432") % 11) % 10 == lac_match_digit(c.at + 10);
}

/* Registro Civil, cédula: a province, a third digit up to 6, Luhn. */
bool lac_match_validate_ec_ci(struct lac_str match)
{
    struct lac_match_code c;
    unsigned province;

    if (!lac_match_code_read(&c, match, "9999999999") || c.at[2] > '6')
        return false;
    province = lac_match_value(c.at, 2);
    return ((province >= 1 && province <= 24) || province == 30) && lac_match_luhn(c.at, 10);
}
