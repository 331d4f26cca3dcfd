/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each check of a personal identifier accepts a number that its authority documents and
 * refuses what a slip of the hand makes of it. Method: every digit of a good number is replaced
 * by every other, and neighbours are swapped; the table says how many of these the official method
 * itself can't see. Then near misses that differ by one rule.
 */
#include "lac_match_validate.h"

#include <string.h>

#include "lac_match.h"
#include "lac_test.h"

static bool valid(const char *name, const char *text)
{
    lac_match_validate *v = lac_match_validator_find(lac_str_from(name));

    LAC_TEST_NEED(v != NULL);
    return v(lac_str_from(text));
}

static void copy(char *out, const char *text)
{
    do
        *out++ = *text;
    while (*text++);
}

static unsigned singles_unseen(const char *name, const char *number)
{
    unsigned unseen = 0;
    char text[64];

    copy(text, number);
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];

        if (!lac_match_is_digit((unsigned char)was))
            continue;
        for (int d = 0; d < 10; d++) {
            text[i] = (char)('0' + d);
            unseen += text[i] != was && valid(name, text);
        }
        text[i] = was;
    }
    return unseen;
}

/* Digits that stand side by side, separators aside. */
static unsigned swaps_unseen(const char *name, const char *number)
{
    unsigned unseen = 0;
    char text[64];

    copy(text, number);
    for (size_t i = 0; text[i]; i++) {
        size_t k = i + 1;
        char was = text[i];

        while (text[k] && !lac_match_is_alnum((unsigned char)text[k]))
            k++;
        if (!lac_match_is_digit((unsigned char)was) ||
            !lac_match_is_digit((unsigned char)text[k]) || text[k] == was)
            continue;
        text[i] = text[k];
        text[k] = was;
        unseen += valid(name, text);
        text[k] = text[i];
        text[i] = was;
    }
    return unseen;
}

static void good_numbers_hold_and_slips_are_seen(void)
{
    static const struct {
        const char *name, *number;
        unsigned singles, swaps; /* changes that the method can't see */
    } rows[] = {
        {"aba_routing", "021000021", 0, 0},
        {"aba_routing", "122105155", 0, 1},
        {"ae_id", "784-1978-6534568-6", 0, 0},
        {"ar_cuit", "20-12345678-6", 0, 0},
        {"at_svnr", "1237 010180", 0, 0},
        {"au_abn", "51 824 753 556", 0, 0},
        {"au_acn", "004 085 616", 8, 1},
        {"au_medicare", "2123 45670 1", 8, 1},
        {"au_tfn", "123 456 782", 0, 0},
        {"au_tfn", "81 854 402", 0, 0}, /* eight digits */
        {"baltic_code", "37605030299", 1, 0},
        {"baltic_code", "38703181745", 1, 0},
        {"be_eid", "000-0011032-71", 0, 0},
        {"be_nrn", "85.07.30-033.28", 0, 0},
        {"be_nrn", "17.07.30-033.84", 0, 0},
        {"bg_egn", "7523169263", 0, 0},
        {"br_cnpj", "11.222.333/0001-81", 0, 0},
        {"br_cnpj", "12.ABC.345/01DE-35", 0, 0},
        {"br_cpf", "529.982.247-25", 0, 0},
        {"ca_bn", "873062178", 0, 0},
        {"ca_bn", "895214047 RT 0001", 36, 1}, /* four digits that nothing checks */
        {"ca_sin", "130-692-544", 0, 0},
        {"ch_ahv", "756.9217.0769.85", 0, 0},
        {"ch_uid", "CHE-100.155.212", 0, 0},
        {"cl_rut", "12.345.678-5", 0, 0},
        {"cn_resident_id", "11010519491231002X", 0, 0},
        {"co_nit", "899.999.068-1", 8, 0},
        {"cz_rc", "710319/2745", 0, 0},
        {"date", "1985-12-31", 24, 3},
        {"de_document", "T220001293", 0, 0},
        {"de_health_insurance", "A123456780", 0, 0},
        {"de_lanr", "123456601", 21, 1},
        {"de_social_security", "15 070649 C 103", 0, 0},
        {"de_tax_id", "36 574 261 809", 0, 0},
        {"dea", "AB1234563", 3, 0},
        {"dea", "F91234563", 3, 0},
        {"dk_cpr", "070761-4285", 72, 6},
        {"dk_cvr", "88146328", 0, 0},
        {"ec_ci", "1710034065", 0, 0},
        {"eg_national_id", "29001010100015", 90, 5},
        {"emso", "0101006500006", 0, 0},
        {"es_cif", "A58818501", 0, 0},
        {"es_cif", "A5881850A", 0, 0},
        {"ec_ci", "1761861390", 0, 1},
        {"eu_vat", "RO876", 0, 0},
        {"in_pan", "AAAEK4321L", 36, 3},
        {"es_nie", "X1234567L", 0, 0},
        {"es_nif", "12345678Z", 0, 0},
        {"es_nss", "281234567840", 0, 0},
        {"eu_vat", "ATU13585627", 0, 1},
        {"eu_vat", "BE 0428759497", 0, 0},
        {"eu_vat", "BG175074752", 1, 0},
        {"eu_vat", "CY10259033P", 0, 0},
        {"eu_vat", "CZ25123891", 6, 0},
        {"eu_vat", "DE136695976", 0, 0},
        {"eu_vat", "DK13585628", 0, 0},
        {"eu_vat", "EE100931558", 0, 0},
        {"eu_vat", "EL023456780", 7, 1},
        {"eu_vat", "ESB58378431", 0, 0},
        {"eu_vat", "FI20774740", 0, 0},
        {"eu_vat", "FR40303265045", 0, 0},
        {"eu_vat", "HR33392005961", 0, 0},
        {"eu_vat", "HU12892312", 0, 0},
        {"eu_vat", "IE6433435F", 0, 0},
        {"eu_vat", "IT00743110157", 0, 0},
        {"eu_vat", "LT119511515", 0, 0},
        {"eu_vat", "LU15027442", 0, 0},
        {"eu_vat", "LV40003521600", 0, 0},
        {"eu_vat", "MT11679112", 0, 0},
        {"eu_vat", "NL004495445B01", 18, 1},
        {"eu_vat", "NL123456789B13", 9, 0},
        {"eu_vat", "PL8567346215", 0, 0},
        {"eu_vat", "PT501964843", 0, 0},
        {"eu_vat", "RO18547290", 7, 0},
        {"eu_vat", "SE123456789701", 0, 0},
        {"eu_vat", "SI50223054", 0, 0},
        {"eu_vat", "SK2022749619", 0, 0},
        {"eu_vat", "GB980780684", 1, 0},
        {"fi_business_id", "2077474-0", 0, 0},
        {"fi_hetu", "131052-308T", 0, 0},
        {"fr_nir", "2 69 05 49 588 157 80", 0, 0},
        {"fr_nir", "1 85 05 2A 006 084 35", 0, 0},
        {"fr_siren", "732829320", 0, 0},
        {"fr_siren", "73282932000074", 0, 0},
        {"fr_siren", "35600000000055", 10, 0}, /* La Poste, as all others */
        {"fr_spi", "0701987765493", 0, 0},
        {"gr_afm", "094259216", 0, 0},
        {"gr_amka", "01013099997", 0, 1},
        {"hk_id", "A123456(3)", 0, 0},
        {"hr_oib", "33392005961", 0, 0},
        {"hu_personal_id", "18001019666", 0, 0},
        {"hu_taj", "111 111 110", 0, 0},
        {"hu_tax_id", "8071592153", 0, 0},
        {"icao_document", "L898902C36", 0, 0},
        {"id_nik", "3171011708450001", 128, 10},
        {"ie_pps", "1234567T", 0, 0},
        {"ie_pps", "1234567FA", 0, 0},
        {"ie_pps", "1234567TT", 0, 0},
        {"ie_pps", "1234567TX", 0, 0},
        {"il_id", "039337423", 0, 0},
        {"imei", "490154203237518", 0, 1},
        {"in_aadhaar", "2341 2341 2346", 0, 0},
        {"in_gstin", "27AAPFU0939F1ZV", 0, 0},
        {"in_pan", "AFZPK7190K", 36, 3},
        {"is_kennitala", "120174-3399", 2, 0}, /* another century */
        {"it_fiscal_code", "RSSMRA85T10A562S", 0, 0},
        {"it_vat", "00743110157", 0, 0},
        {"jp_my_number", "123456789018", 0, 0},
        {"kr_brn", "124-81-00998", 0, 0},
        {"kr_crn", "196311-0644119", 6, 0},
        {"kr_driver_license", "11-12-345678-90", 99, 9},
        {"kr_frn", "900101-5234567", 95, 8},
        {"kr_rrn", "900101-1234567", 97, 9},
        {"kz_iin", "320101324538", 9, 0},
        {"lu_matricule", "1893120105732", 0, 0},
        {"lv_personas_kods", "161175-19997", 1, 0}, /* 36: one without a date */
        {"mac", "00:1B:44:11:3A:B7", 81, 3},
        {"mx_curp", "HEGG560427MVZRRL04", 4, 0},
        {"mx_rfc", "GODE561231GR8", 32, 2},
        {"my_nric", "770305-02-1234", 89, 4},
        {"nl_bsn", "111222333", 0, 0},
        {"no_fodselsnummer", "15108695088", 0, 0},
        {"no_orgnr", "988 077 917", 0, 0},
        {"nz_ird", "49-091-850", 0, 0},
        {"nz_nhi", "ZAC5361", 0, 0},
        {"nz_nhi", "ZBN77VL", 0, 0},
        {"pe_ruc", "20100070970", 0, 0},
        {"pl_id_card", "ABA300000", 0, 0},
        {"pl_nip", "123-456-32-18", 0, 0},
        {"pl_pesel", "44051401359", 0, 1},
        {"pl_nrb", "61109010140000071219812874", 0, 0},
        {"pl_regon", "123456785", 0, 0},
        {"pl_regon", "12345678512347", 0, 0},
        {"pt_cc", "00000000 0 ZZ4", 0, 0},
        {"pt_nif", "501442600", 6, 0},
        {"ro_cnp", "1630615123457", 0, 0},
        {"ru_inn", "7707083893", 0, 0},
        {"ru_inn", "500100732259", 0, 0},
        {"ru_snils", "112-233-445 95", 0, 0},
        {"sa_id", "1000000008", 0, 0},
        {"se_organisationsnummer", "556036-0793", 0, 0},
        {"se_personnummer", "811218-9876", 0, 0},
        {"se_personnummer", "19811218-9876", 1, 0},
        {"sg_nric", "S1234567D", 0, 0},
        {"sg_nric", "G1234567X", 0, 0},
        {"sg_nric", "M1234567K", 0, 0},
        {"sg_uen", "00192200M", 0, 0},
        {"sg_uen", "197401143C", 0, 0},
        {"sg_uen", "T01FC6132D", 0, 1},
        {"th_tnin", "1-2345-67890-12-1", 18, 1},
        {"tr_national_id", "17291716060", 0, 2},
        {"tr_vkn", "7382829062", 0, 0},
        {"tr_vkn", "2274576492", 0, 1},
        {"tw_id", "A123456789", 7, 1},
        {"ua_rnokpp", "1759013776", 0, 0},
        {"uk_driving_licence", "MORGA657054SM9IJ", 46, 1},
        {"uk_nhs", "943 476 5919", 0, 0},
        {"uk_nino", "AB123456C", 54, 5},
        {"uk_utr", "1955839661", 9, 0},
        {"us_ein", "12-3456789", 78, 8},
        {"us_itin", "900-70-0000", 67, 0},
        {"us_mbi", "1EG4-TE5-MK73", 44, 1},
        {"us_npi", "1234567893", 0, 0},
        {"us_npi", "1245319599", 0, 0},
        {"us_ssn", "536-90-4399", 79, 7},
        {"vin", "1M8GDM9AXKP042788", 5, 0},
        {"za_id", "8001015009087", 0, 1},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s %s", rows[i].name, rows[i].number);
        LAC_TEST_EQ(valid(rows[i].name, rows[i].number), true);
        LAC_TEST_EQ(singles_unseen(rows[i].name, rows[i].number), rows[i].singles);
        LAC_TEST_EQ(swaps_unseen(rows[i].name, rows[i].number), rows[i].swaps);
    }
}

static void numbers_that_break_one_rule_are_refused(void)
{
    static const char *const rows[][2] = {
        {"bic", "CUSTOMER"},               /* a word */
        {"bic", "BENEFICIARY"},            /* likewise */
        {"us_itin", "900-66-0000"},        /* no such group */
        {"us_itin", "800-70-0000"},        /* not from 9 */
        {"us_ein", "07-3456789"},          /* nobody's prefix */
        {"us_npi", "3234567893"},          /* not from 1 or 2 */
        {"us_mbi", "1SG4-TE5-MK73"},       /* S is no letter of it */
        {"aba_routing", "500000005"},      /* no reserve district */
        {"dea", "IB1234563"},              /* no registrant's letter */
        {"ca_sin", "046-454-286"},         /* from 0: made up */
        {"ca_bn", "895214047 RT 001"},     /* three of four */
        {"ca_bn", "000000000"},            /* one digit only */
        {"mx_curp", "HEGG561327MVZRRL04"}, /* month 13 */
        {"mx_curp", "HEGG560427MXXRRL04"}, /* no such state */
        {"mx_rfc", "GODE561331GR8"},       /* month 13 */
        {"mx_rfc", "GODEE561231GR8"},      /* five letters */
        {"mx_rfc", "GO561231GR8"},         /* two */
        {"mx_rfc", "GODE561231GRB"},       /* ends in a letter that is no A */
        {"br_cpf", "111.111.111-11"},      /* one digit only */
        {"br_cnpj", "00.000.000/0000-00"}, /* likewise */
        {"ar_cuit", "21-12345678-0"},      /* no such kind */
        {"uk_nhs", "000 000 0000"},        /* one digit only */
        {"uk_nino", "QQ123456C"},          /* the example of the forms */
        {"uk_nino", "BG123456C"},          /* reserved */
        {"uk_nino", "AB123456E"},          /* suffix */
        {"uk_driving_licence", "MORGA613054SM9IJ"},
        {"uk_driving_licence", "MO9GA657054SM9IJ"},
        {"ie_pps", "1234567TZ"}, /* no such second letter */
        {"be_eid", "000-0011032-72"},
        {"be_nrn", "85.13.30-033.28"},       /* month 13 */
        {"fr_nir", "2 69 13 49 588 157 80"}, /* month 13 */
        {"fr_nir", "9 69 05 49 588 157 80"}, /* sex */
        {"ch_ahv", "757.9217.0769.85"},
        {"de_tax_id", "12345678903"}, /* no digit occurs twice */
        {"de_tax_id", "02345678908"}, /* from 0 */
        {"de_social_security", "15 320649 C 103"},
        {"de_document", "TQ2000129"}, /* Q is never printed */
        {"de_document", "CGHJKLMNP"}, /* no digit: any consonants */
        {"at_svnr", "1237 320180"},   /* day 32 */
        {"pl_pesel", "44131401359"},
        {"cz_rc", "715019/2745"},
        {"fi_hetu", "131052-001T"},
        {"fi_hetu", "131052*308T"},
        {"se_personnummer", "811318-9876"},
        {"se_organisationsnummer", "551036-0793"},
        {"no_fodselsnummer", "15138695088"},
        {"dk_cpr", "310261-4285"},
        {"is_kennitala", "321174-3399"},
        {"is_kennitala", "120174-3397"}, /* no century */
        {"lv_personas_kods", "161375-19997"},
        {"lv_personas_kods", "311375-19997"}, /* 31: a day, of a month 13 */
        {"es_nif", "12345678A"},
        {"es_nie", "W1234567L"},
        {"in_pan", "AAAXK4321L"}, /* nobody's fourth letter */
        {"es_cif", "I58818501"},
        {"it_fiscal_code", "RSSMRA85F10A562S"}, /* no month F */
        {"it_fiscal_code", "RSSMRA85T10A562T"},
        {"it_vat", "00743112157"},
        {"emso", "3102006500006"},
        {"ro_cnp", "1631315123457"},
        {"bg_egn", "7533269263"},
        {"tr_national_id", "07291716060"},
        {"tr_vkn", "0000000000"},         /* one digit only */
        {"tr_vkn", "07382829062"},        /* eleven */
        {"in_aadhaar", "1341 2341 2346"}, /* from 1 */
        {"in_aadhaar", "222222222222"},
        {"in_pan", "AFZQK7190K"}, /* no such holder */
        {"in_gstin", "00AAPFU0939F1ZV"},
        {"cn_resident_id", "10010519491231002X"}, /* no such province */
        {"cn_resident_id", "11010519491331002X"},
        {"tw_id", "A323456789"},
        {"kr_rrn", "901301-1234567"},
        {"kr_rrn", "900101-5234567"}, /* a foreigner's */
        {"kr_frn", "900101-1234567"}, /* a resident's */
        {"kr_driver_license", "29-12-345678-90"},
        {"kr_crn", "111111-1111112"}, /* one digit only */
        {"kr_crn", "196311-064411"},  /* twelve */
        {"th_tnin", "9-2345-67890-12-1"},
        {"sg_nric", "S1234567A"},
        {"sg_nric", "A1234567D"},
        {"au_medicare", "1123 45670 1"},
        {"nz_ird", "9-091-850"},
        {"nz_nhi", "ZIC5361"}, /* I */
        {"nz_nhi", "AAA1000"}, /* the sum leaves nothing */
        {"my_nric", "770305-17-1234"},
        {"id_nik", "3171013208450001"},
        {"za_id", "8013015009087"},
        {"ae_id", "785-1978-6534568-6"},
        {"sa_id", "3000000008"},
        {"eu_vat", "XX136695976"},
        {"eu_vat", "DE"},
        {"vin", "1M8GDM9AXKPO42788"}, /* O */
        {"vin", "11111111111111111"},
        {"imei", "000000000000000"},
        {"date", "1985-02-30"},
        {"date", "31.04.1990"},
        {"date", "12.12.2150"},
        {"mac", "FF:FF:FF:FF:FF:FF"},
        {"mac", "00:1B-44:11-3A:B7"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s %s", rows[i][0], rows[i][1]);
        LAC_TEST_EQ(valid(rows[i][0], rows[i][1]), false);
    }
}

/* Whatever stands in front of a check, it bounds what it reads. */
static void checks_refuse_what_has_another_shape(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "-",
        "1",
        "A",
        "0x",
        "12",
        "----------------------------------------------",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "DE",
        "CHE",
        "NO",
        "1",
        "\xc3\xa4\xc3\xb6\xc3\xbc",
        "a:b:c",
        "1/2",
        "999999999999999999999999999999999999999999",
    };

    for (size_t i = 0; lac_match_validator_at(i); i++)
        for (size_t k = 0; k < LAC_COUNT(texts); k++) {
            lac_match_validate *v =
                lac_match_validator_find(lac_str_from(lac_match_validator_at(i)));

            lac_test_row("%s '%s'", lac_match_validator_at(i), texts[k]);
            LAC_TEST_NEED(v != NULL);
            (void)v(lac_str_from(texts[k]));
            CU_ASSERT(true);
        }
    LAC_TEST_EQ(lac_match_validator_known(LAC_STR("nothing")), false);
}

static void addresses_of_coins_hold_their_checksums(void)
{
    static const char *const rows[][2] = {
        {"base58check", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}, /* Bitcoin's first block */
        {"base58check", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"},
        {"base58check", "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1"},  /* Litecoin */
        {"base58check", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"},  /* Dogecoin */
        {"base58check", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"},  /* Tron */
        {"base58check", "t1N1stPRMAKL2TzNuF9GVdeUthcgGttfgT9"}, /* Zcash */
        {"xrp_address", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"},
        {"bech32", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"},
        {"bech32", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"}, /* BIP 350 */
        {"bech32", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"},                     /* BIP 173 */
        {"bech32", "ltc1q94c3vs4hy6cygqtz0j5lhtpj7hy9xra35jqzmw"},
        {"bech32", "cosmos1587wgd3c2nlc3r8lfw88sawkqrpxsgus798hgw"},
        {"cashaddr", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"},
        {"cashaddr", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"},
        {"cashaddr", "bitcoincash:qvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq5nlegake"},
        {"eth_address", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}, /* ERC-55 */
        {"eth_address", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"},
        {"monero_address", "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uN"
                           "br2VBBEt7f2wfn3RVGQBEP3A"},
        {"stellar_address", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"},
    };
    char text[128];

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        size_t n = strlen(rows[i][1]);

        lac_test_row("%s %s", rows[i][0], rows[i][1]);
        LAC_TEST_EQ(valid(rows[i][0], rows[i][1]), true);
        copy(text, rows[i][1]);
        for (size_t k = 2; k + 1 < n; k++) {
            if (text[k] == ':' || text[k] == text[k + 1])
                continue;
            text[k] = rows[i][1][k + 1];
            LAC_TEST_EQ(valid(rows[i][0], text), false);
            text[k] = rows[i][1][k];
        }
    }
    /* Without capitals there is nothing to check; all the same or no digit at all is no address. */
    LAC_TEST_EQ(valid("eth_address", "0xde709f2102306220921060314715629080e2fb77"), true);
    LAC_TEST_EQ(valid("eth_address", "0x52908400098527886E0F7030069857D2E4169EE7"), true);
    LAC_TEST_EQ(valid("eth_address", "0xD06AAF4C11DAB86DF421421EFE6B20ECA7AD98A1"), false);
    LAC_TEST_EQ(valid("eth_address", "0x0000000000000000000000000000000000000000"), false);
    LAC_TEST_EQ(valid("eth_address", "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), false);
    /* Bech32's constant with version 1, and Bech32m's with version 0. */
    LAC_TEST_EQ(valid("bech32", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"),
                false);
    LAC_TEST_EQ(valid("bech32", "bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47"),
                false);
}

LAC_TEST_MAIN(match_validate_id, good_numbers_hold_and_slips_are_seen,
              numbers_that_break_one_rule_are_refused, checks_refuse_what_has_another_shape,
              addresses_of_coins_hold_their_checksums)
