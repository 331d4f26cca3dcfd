/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value added tax numbers: the two letters that Council Directive 2006/112/EC, article 215, puts
 * in front (EL for Greece, XI for Northern Ireland), then what each country counts.
 */
#include "lac_match_validate_id.h"

#include <string.h>

/* All of these get what follows the country's letters. */
typedef bool vat_check(const struct lac_match_code *c);

static struct lac_str text_of(const struct lac_match_code *c)
{
    return (struct lac_str){c->at, c->len};
}

static bool vat_at(const struct lac_match_code *c)
{
    unsigned sum = 4;

    if (!lac_match_code_is(c, "A99999999") || c->at[0] != 'U')
        return false;
    for (size_t i = 1; i < 8; i++) {
        unsigned d = lac_match_digit(c->at + i) * (i % 2 ? 1 : 2);

        sum += d / 10 + d % 10;
    }
    return (10 - sum % 10) % 10 == lac_match_digit(c->at + 8);
}

static bool vat_be(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "9999999999") && c->at[0] <= '1' &&
           97 - lac_match_value(c->at, 8) % 97 == lac_match_value(c->at + 8, 2);
}

static bool vat_bg(const struct lac_match_code *c)
{
    static const unsigned char foreigner[9] = {21, 19, 17, 13, 11, 9, 7, 3, 1};
    unsigned check;

    if (lac_match_code_is(c, "999999999")) {
        check = lac_match_weigh(c->at, "12345678") % 11;
        if (check == 10)
            check = lac_match_weigh(c->at, "3456789a") % 11 % 10;
        return check == lac_match_digit(c->at + 8);
    }
    if (!lac_match_code_is(c, "9999999999"))
        return false;
    check = 0;
    for (size_t i = 0; i < 9; i++)
        check += foreigner[i] * lac_match_digit(c->at + i);
    if (check % 10 == lac_match_digit(c->at + 9) || lac_match_validate_bg_egn(text_of(c)))
        return true;
    return (11 - lac_match_weigh(c->at, "432765432") % 11) % 11 == lac_match_digit(c->at + 9);
}

static bool vat_cy(const struct lac_match_code *c)
{
    static const unsigned char odd[10] = {1, 0, 5, 7, 9, 13, 15, 17, 19, 21};
    unsigned sum = 0;

    if (!lac_match_code_is(c, "99999999A") || memcmp(c->at, "12", 2) == 0)
        return false;
    for (size_t i = 0; i < 8; i++)
        sum += i % 2 ? lac_match_digit(c->at + i) : odd[lac_match_digit(c->at + i)];
    return c->at[8] == (char)('A' + sum % 26);
}

static bool vat_cz(const struct lac_match_code *c)
{
    unsigned check;

    if (!lac_match_code_is(c, "99999999"))
        return lac_match_validate_cz_rc(text_of(c));
    check = (11 - lac_match_weigh(c->at, "8765432") % 11) % 11;
    return c->at[0] != '9' && (check ? check : 1) % 10 == lac_match_digit(c->at + 7);
}

static bool vat_de(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "999999999") && c->at[0] != '0' && lac_match_mod11_10(c->at, 9);
}

static bool vat_dk(const struct lac_match_code *c)
{
    return lac_match_validate_dk_cvr(text_of(c));
}

static bool vat_ee(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "999999999") && !lac_match_is_uniform(c->at, 9) &&
           lac_match_weigh(c->at, "371371371") % 10 == 0;
}

static bool vat_el(const struct lac_match_code *c)
{
    return lac_match_validate_gr_afm(text_of(c));
}

static bool vat_es(const struct lac_match_code *c)
{
    return lac_match_validate_es_cif(text_of(c)) || lac_match_validate_es_nif(text_of(c)) ||
           lac_match_validate_es_nie(text_of(c));
}

static bool vat_fi(const struct lac_match_code *c)
{
    return lac_match_validate_fi_business_id(text_of(c));
}

/* Two characters, then the SIREN; two digits check it, letters are of another kind. */
static bool vat_fr(const struct lac_match_code *c)
{
    if (!lac_match_code_is(c, "**999999999") || !lac_match_luhn(c->at + 2, 9))
        return false;
    if (!lac_match_code_is(c, "99999999999"))
        return !memchr(c->at, 'I', 2) && !memchr(c->at, 'O', 2);
    return (12 + 3 * (lac_match_value(c->at + 2, 9) % 97)) % 97 == lac_match_value(c->at, 2);
}

/* Great Britain and Northern Ireland: two ways to count, 55 apart. */
static bool vat_gb(const struct lac_match_code *c)
{
    unsigned sum;

    if (!lac_match_code_is(c, "999999999") && !lac_match_code_is(c, "999999999999"))
        return false;
    sum = lac_match_weigh(c->at, "8765432") + lac_match_value(c->at + 7, 2);
    return !lac_match_is_uniform(c->at, 9) && (sum % 97 == 0 || (sum + 55) % 97 == 0);
}

static bool vat_hr(const struct lac_match_code *c)
{
    return lac_match_validate_hr_oib(text_of(c));
}

static bool vat_hu(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "99999999") && !lac_match_is_uniform(c->at, 8) &&
           lac_match_weigh(c->at, "97319731") % 10 == 0;
}

/* Also the old form, a letter in the second place. */
static bool vat_ie(const struct lac_match_code *c)
{
    char d[7] = "0";

    if (!lac_match_code_is(c, "9A99999A"))
        return lac_match_validate_ie_pps(text_of(c));
    memcpy(d + 1, c->at + 2, 5);
    d[6] = c->at[0];
    return c->at[7] == "WABCDEFGHIJKLMNOPQRSTUV"[lac_match_weigh(d, "8765432") % 23];
}

static bool vat_it(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "99999999999") && lac_match_validate_it_vat(text_of(c));
}

static bool vat_lt(const struct lac_match_code *c)
{
    unsigned check = 0;
    size_t n = c->len - 1;

    if (!lac_match_code_is(c, "999999999") && !lac_match_code_is(c, "999999999999"))
        return false;
    for (unsigned i = 0; i < n; i++)
        check += (1 + i % 9) * lac_match_digit(c->at + i);
    check %= 11;
    if (check == 10) {
        check = 0;
        for (unsigned i = 0; i < n; i++)
            check += (1 + (i + 2) % 9) * lac_match_digit(c->at + i);
        check = check % 11 % 10;
    }
    return c->at[n - 1] == '1' && check == lac_match_digit(c->at + n);
}

static bool vat_lu(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "99999999") && !lac_match_is_uniform(c->at, 8) &&
           lac_match_value(c->at, 6) % 89 == lac_match_value(c->at + 6, 2);
}

static bool vat_lv(const struct lac_match_code *c)
{
    if (lac_match_code_is(c, "99999999999") && c->at[0] > '3')
        return lac_match_weigh(c->at, "91483a25761") % 11 == 3;
    return lac_match_validate_lv_personas_kods(text_of(c));
}

static bool vat_mt(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "99999999") && c->at[0] != '0' &&
           lac_match_weigh(c->at, "346789a1") % 37 == 0;
}

/* A BSN, or since 2020 for people in business a number that is 1 mod 97 with its letters. */
static bool vat_nl(const struct lac_match_code *c)
{
    unsigned rest = 2321; /* "NL" */

    if (!lac_match_code_is(c, "999999999A99") || c->at[9] != 'B' ||
        memcmp(c->at + 10, "00", 2) == 0)
        return false;
    if (lac_match_validate_nl_bsn((struct lac_str){c->at, 9}))
        return true;
    for (size_t i = 0; i < 12; i++) {
        unsigned v = lac_match_base36(c->at[i]);

        rest = (rest * (v > 9 ? 100 : 10) + v) % 97;
    }
    return rest == 1;
}

static bool vat_pl(const struct lac_match_code *c)
{
    return lac_match_validate_pl_nip(text_of(c));
}

static bool vat_pt(const struct lac_match_code *c)
{
    return lac_match_validate_pt_nif(text_of(c));
}

static bool vat_ro(const struct lac_match_code *c)
{
    char d[10] = {'0', '0', '0', '0', '0', '0', '0', '0', '0', '0'};

    if (c->len < 2 || c->len > 10 || c->at[0] == '0')
        return false;
    for (size_t i = 0; i < c->len; i++)
        if (!lac_match_is_digit((unsigned char)c->at[i]))
            return false;
    memcpy(d + 10 - c->len, c->at, c->len);
    return lac_match_weigh(d, "753217532") * 10 % 11 % 10 == lac_match_digit(d + 9);
}

static bool vat_se(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "999999999999") && memcmp(c->at + 10, "01", 2) == 0 &&
           !lac_match_is_uniform(c->at, 10) && lac_match_luhn(c->at, 10);
}

static bool vat_si(const struct lac_match_code *c)
{
    unsigned check;

    if (!lac_match_code_is(c, "99999999") || c->at[0] == '0')
        return false;
    check = 11 - lac_match_weigh(c->at, "8765432") % 11;
    return check != 11 && check % 10 == lac_match_digit(c->at + 7);
}

static bool vat_sk(const struct lac_match_code *c)
{
    return lac_match_code_is(c, "9999999999") && c->at[0] != '0' && strchr("234789", c->at[2]) &&
           lac_match_remainder(c->at, 10, 11) == 0;
}

static const struct {
    char country[3];
    vat_check *check;
} vat_rows[] = {
    {"AT", vat_at}, {"BE", vat_be}, {"BG", vat_bg}, {"CY", vat_cy}, {"CZ", vat_cz}, {"DE", vat_de},
    {"DK", vat_dk}, {"EE", vat_ee}, {"EL", vat_el}, {"ES", vat_es}, {"FI", vat_fi}, {"FR", vat_fr},
    {"GB", vat_gb}, {"HR", vat_hr}, {"HU", vat_hu}, {"IE", vat_ie}, {"IT", vat_it}, {"LT", vat_lt},
    {"LU", vat_lu}, {"LV", vat_lv}, {"MT", vat_mt}, {"NL", vat_nl}, {"PL", vat_pl}, {"PT", vat_pt},
    {"RO", vat_ro}, {"SE", vat_se}, {"SI", vat_si}, {"SK", vat_sk}, {"XI", vat_gb},
};

bool lac_match_validate_eu_vat(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    struct lac_match_code rest = {.len = 0};

    if (c.len < 4)
        return false;
    rest.len = c.len - 2;
    memcpy(rest.at, c.at + 2, rest.len);
    for (size_t i = 0; i < LAC_COUNT(vat_rows); i++)
        if (memcmp(c.at, vat_rows[i].country, 2) == 0)
            return vat_rows[i].check(&rest);
    return false;
}

/* Bundesamt für Statistik, UID: CHE, nine digits, mod 11. */
bool lac_match_validate_ch_uid(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);

    if (c.len < 12 || memcmp(c.at, "CHE", 3) != 0)
        return false;
    c.len = 12; /* MWST, TVA or IVA may follow */
    return lac_match_code_is(&c, "AAA999999999") &&
           (11 - lac_match_weigh(c.at + 3, "54327654") % 11) % 11 == lac_match_digit(c.at + 11);
}

/* Brønnøysundregistrene, organisasjonsnummer: begins with 8 or 9, mod 11. */
bool lac_match_validate_no_orgnr(struct lac_str match)
{
    struct lac_match_code c = lac_match_code_of(match);
    const char *d = c.at;

    if (c.len >= 11 && memcmp(c.at, "NO", 2) == 0)
        d += 2, c.len -= 2;
    if (c.len == 12 && memcmp(d + 9, "MVA", 3) == 0)
        c.len = 9;
    if (c.len != 9 || (d[0] != '8' && d[0] != '9'))
        return false;
    for (size_t i = 0; i < 9; i++)
        if (!lac_match_is_digit((unsigned char)d[i]))
            return false;
    return lac_match_weigh(d, "327654321") % 11 == 0;
}
