/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides about a pattern's match: checksums, mostly. One table; the functions live in the
 * files of their kind.
 */
#include "lac_match_detect.h"

#include "lac_match.h"
#include "lac_match_validate.h"

static const struct {
    const char *name;
    lac_match_validate *validate;
} validators[] = {
    {"extended_key", lac_match_validate_extended_key},
    {"last_quoted", lac_match_validate_last_quoted},
    {"last_word", lac_match_validate_last_word},
    {"said_password", lac_match_validate_said_password},
    {"letter_digit", lac_match_validate_letter_digit},
    {"luhn", lac_match_validate_luhn},
    {"payment_card", lac_match_validate_payment_card},
    {"iban", lac_match_validate_iban},
    {"age", lac_match_validate_age},
    {"azure", lac_match_validate_azure},
    {"azure_devops", lac_match_validate_azure_devops},
    {"basic_auth", lac_match_validate_basic_auth},
    {"github", lac_match_validate_github},
    {"gitlab", lac_match_validate_gitlab},
    {"grafana", lac_match_validate_grafana},
    {"packagist", lac_match_validate_packagist},
    {"pypi", lac_match_validate_pypi},
    {"matrix_token", lac_match_validate_matrix_token},
    {"mixed_case", lac_match_validate_mixed_case},
    {"nostr_key", lac_match_validate_nostr_key},
    {"stellar_seed", lac_match_validate_stellar_seed},
    {"nkey_seed", lac_match_validate_nkey_seed},
    {"wif", lac_match_validate_wif},
    /* personal identifiers */
    {"vin", lac_match_validate_vin},
    {"imei", lac_match_validate_imei},
    {"icao_document", lac_match_validate_icao_document},
    {"date", lac_match_validate_date},
    {"bic", lac_match_validate_bic},
    {"mac", lac_match_validate_mac},
    {"us_itin", lac_match_validate_us_itin},
    {"us_ssn", lac_match_validate_us_ssn},
    {"us_ein", lac_match_validate_us_ein},
    {"us_npi", lac_match_validate_us_npi},
    {"us_mbi", lac_match_validate_us_mbi},
    {"aba_routing", lac_match_validate_aba_routing},
    {"dea", lac_match_validate_dea},
    {"ca_sin", lac_match_validate_ca_sin},
    {"ca_bn", lac_match_validate_ca_bn},
    {"mx_curp", lac_match_validate_mx_curp},
    {"mx_rfc", lac_match_validate_mx_rfc},
    {"br_cpf", lac_match_validate_br_cpf},
    {"br_cnpj", lac_match_validate_br_cnpj},
    {"ar_cuit", lac_match_validate_ar_cuit},
    {"cl_rut", lac_match_validate_cl_rut},
    {"co_nit", lac_match_validate_co_nit},
    {"pe_ruc", lac_match_validate_pe_ruc},
    {"ec_ci", lac_match_validate_ec_ci},
    {"in_aadhaar", lac_match_validate_in_aadhaar},
    {"in_pan", lac_match_validate_in_pan},
    {"in_gstin", lac_match_validate_in_gstin},
    {"cn_resident_id", lac_match_validate_cn_resident_id},
    {"tw_id", lac_match_validate_tw_id},
    {"hk_id", lac_match_validate_hk_id},
    {"jp_my_number", lac_match_validate_jp_my_number},
    {"kr_rrn", lac_match_validate_kr_rrn},
    {"kr_frn", lac_match_validate_kr_frn},
    {"kr_brn", lac_match_validate_kr_brn},
    {"kr_crn", lac_match_validate_kr_crn},
    {"kr_driver_license", lac_match_validate_kr_driver_license},
    {"th_tnin", lac_match_validate_th_tnin},
    {"sg_nric", lac_match_validate_sg_nric},
    {"sg_uen", lac_match_validate_sg_uen},
    {"au_abn", lac_match_validate_au_abn},
    {"au_acn", lac_match_validate_au_acn},
    {"au_tfn", lac_match_validate_au_tfn},
    {"au_medicare", lac_match_validate_au_medicare},
    {"nz_ird", lac_match_validate_nz_ird},
    {"nz_nhi", lac_match_validate_nz_nhi},
    {"my_nric", lac_match_validate_my_nric},
    {"id_nik", lac_match_validate_id_nik},
    {"de_tax_id", lac_match_validate_de_tax_id},
    {"de_social_security", lac_match_validate_de_social_security},
    {"de_health_insurance", lac_match_validate_de_health_insurance},
    {"de_lanr", lac_match_validate_de_lanr},
    {"de_document", lac_match_validate_de_document},
    {"at_svnr", lac_match_validate_at_svnr},
    {"pl_pesel", lac_match_validate_pl_pesel},
    {"pl_nip", lac_match_validate_pl_nip},
    {"pl_regon", lac_match_validate_pl_regon},
    {"pl_nrb", lac_match_validate_pl_nrb},
    {"pl_id_card", lac_match_validate_pl_id_card},
    {"cz_rc", lac_match_validate_cz_rc},
    {"hu_tax_id", lac_match_validate_hu_tax_id},
    {"hu_taj", lac_match_validate_hu_taj},
    {"hu_personal_id", lac_match_validate_hu_personal_id},
    {"base58check", lac_match_validate_base58check},
    {"xrp_address", lac_match_validate_xrp_address},
    {"bech32", lac_match_validate_bech32},
    {"cashaddr", lac_match_validate_cashaddr},
    {"eth_address", lac_match_validate_eth_address},
    {"monero_address", lac_match_validate_monero_address},
    {"stellar_address", lac_match_validate_stellar_address},
    {"fi_hetu", lac_match_validate_fi_hetu},
    {"fi_business_id", lac_match_validate_fi_business_id},
    {"se_personnummer", lac_match_validate_se_personnummer},
    {"se_organisationsnummer", lac_match_validate_se_organisationsnummer},
    {"no_fodselsnummer", lac_match_validate_no_fodselsnummer},
    {"dk_cpr", lac_match_validate_dk_cpr},
    {"dk_cvr", lac_match_validate_dk_cvr},
    {"is_kennitala", lac_match_validate_is_kennitala},
    {"baltic_code", lac_match_validate_baltic_code},
    {"lv_personas_kods", lac_match_validate_lv_personas_kods},
    {"il_id", lac_match_validate_il_id},
    {"za_id", lac_match_validate_za_id},
    {"ru_inn", lac_match_validate_ru_inn},
    {"ru_snils", lac_match_validate_ru_snils},
    {"ua_rnokpp", lac_match_validate_ua_rnokpp},
    {"eg_national_id", lac_match_validate_eg_national_id},
    {"ae_id", lac_match_validate_ae_id},
    {"sa_id", lac_match_validate_sa_id},
    {"kz_iin", lac_match_validate_kz_iin},
    {"es_nif", lac_match_validate_es_nif},
    {"es_nie", lac_match_validate_es_nie},
    {"es_cif", lac_match_validate_es_cif},
    {"es_nss", lac_match_validate_es_nss},
    {"pt_nif", lac_match_validate_pt_nif},
    {"pt_cc", lac_match_validate_pt_cc},
    {"it_fiscal_code", lac_match_validate_it_fiscal_code},
    {"it_vat", lac_match_validate_it_vat},
    {"gr_afm", lac_match_validate_gr_afm},
    {"gr_amka", lac_match_validate_gr_amka},
    {"hr_oib", lac_match_validate_hr_oib},
    {"emso", lac_match_validate_emso},
    {"ro_cnp", lac_match_validate_ro_cnp},
    {"bg_egn", lac_match_validate_bg_egn},
    {"tr_national_id", lac_match_validate_tr_national_id},
    {"tr_vkn", lac_match_validate_tr_vkn},
    {"eu_vat", lac_match_validate_eu_vat},
    {"ch_uid", lac_match_validate_ch_uid},
    {"no_orgnr", lac_match_validate_no_orgnr},
    {"uk_nhs", lac_match_validate_uk_nhs},
    {"uk_nino", lac_match_validate_uk_nino},
    {"uk_utr", lac_match_validate_uk_utr},
    {"uk_driving_licence", lac_match_validate_uk_driving_licence},
    {"ie_pps", lac_match_validate_ie_pps},
    {"nl_bsn", lac_match_validate_nl_bsn},
    {"be_nrn", lac_match_validate_be_nrn},
    {"be_eid", lac_match_validate_be_eid},
    {"fr_nir", lac_match_validate_fr_nir},
    {"fr_spi", lac_match_validate_fr_spi},
    {"fr_siren", lac_match_validate_fr_siren},
    {"ch_ahv", lac_match_validate_ch_ahv},
    {"lu_matricule", lac_match_validate_lu_matricule},
};

lac_match_validate *lac_match_validator_find(struct lac_str name)
{
    for (size_t i = 0; i < LAC_COUNT(validators); i++)
        if (lac_str_is(name, validators[i].name))
            return validators[i].validate;
    return NULL;
}

bool lac_match_validator_known(struct lac_str name)
{
    return lac_match_validator_find(name) != NULL;
}

const char *lac_match_validator_at(size_t index)
{
    return index < LAC_COUNT(validators) ? validators[index].name : NULL;
}

size_t lac_match_digits(struct lac_str match, char *out, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < match.len; i++) {
        if (!lac_match_is_digit((unsigned char)match.ptr[i]))
            continue;
        if (n == capacity)
            return 0;
        out[n++] = match.ptr[i];
    }
    return n;
}

size_t lac_match_alnums(struct lac_str match, char *out, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < match.len; i++) {
        unsigned char c = (unsigned char)match.ptr[i];

        if (!lac_match_is_alnum(c))
            continue;
        if (n == capacity)
            return 0;
        out[n++] = (char)(lac_match_is_alpha(c) ? c & ~0x20U : c);
    }
    return n;
}

bool lac_match_validate_luhn(struct lac_str match)
{
    char digits[64];
    size_t n = lac_match_digits(match, digits, sizeof(digits));

    return n > 1 && lac_match_luhn(digits, n);
}

bool lac_match_validate_payment_card(struct lac_str match)
{
    char digits[64];
    size_t n = lac_match_digits(match, digits, sizeof(digits));

    return n > 0 && lac_match_card_issuer(digits, n) && lac_match_luhn(digits, n);
}

bool lac_match_validate_iban(struct lac_str match)
{
    char compact[64];
    size_t n = lac_match_alnums(match, compact, sizeof(compact));

    return lac_match_iban_valid((struct lac_str){compact, n});
}
