/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_validate - the checks behind the rules' `validator:`
 *
 * Private to common/match. Each gets all of a pattern's match, separators included, and says
 * whether the number or token can be a real one. Where the rule comes from stands with each.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_VALIDATE_H
#define LAC_MATCH_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match_detect.h"
#include "lac_str.h"

/* Copies the digits of `match`, or its letters (as upper case) and digits; returns how many, 0
 * when they do not fit. */
size_t lac_match_digits(struct lac_str match, char *out, size_t capacity);
size_t lac_match_alnums(struct lac_str match, char *out, size_t capacity);

/*
 * Tokens without a checksum, all of them with the prefix. mixed_case: a digit, a lower-case and an
 * upper-case letter, as random letters have and words don't; letter_digit: a digit and a letter.
 */
lac_match_validate lac_match_validate_mixed_case, lac_match_validate_letter_digit;

/*
 * last_word: the password that ends the match. last_quoted: the one that ends it in quotes, or
 * between '>' and '<', with a digit or sign. said_password: the same in a sentence, where it
 * must look like one.
 * wif, extended_key: Bitcoin's private keys with Base58Check. stellar_seed, nkey_seed (NATS): with
 * their CRC-16. nostr_key: with Bech32.
 */
lac_match_validate lac_match_validate_last_word, lac_match_validate_last_quoted,
    lac_match_validate_said_password, lac_match_validate_wif, lac_match_validate_extended_key,
    lac_match_validate_stellar_seed, lac_match_validate_nkey_seed, lac_match_validate_nostr_key;

/* Synapse's access and refresh tokens, with their CRC-32. */
lac_match_validate lac_match_validate_matrix_token;

/* ISO/IEC 7812-1 annex B, over all digits. */
lac_match_validate lac_match_validate_luhn;

/* The same, of a range that a scheme has published, in its length. An IBAN of a country's length,
 * ISO 7064 mod 97. What is no digit, or neither letter nor digit, does not count. */
lac_match_validate lac_match_validate_payment_card, lac_match_validate_iban;

/*
 * Secrets; all of the token, prefix included.
 *
 * github: also npm's, NetBird's and Polar's, which are alike: what follows the last '_' counts.
 * packagist: of Private Packagist. gitlab: routable tokens. grafana: service accounts. azure:
 * keys with a signature ("identifiable keys") in base64. azure_devops: 52 characters of base32.
 * pypi: a complete macaroon. age: Bech32. basic_auth: base64 of "user:password".
 */
lac_match_validate lac_match_validate_github, lac_match_validate_gitlab, lac_match_validate_grafana,
    lac_match_validate_packagist, lac_match_validate_azure, lac_match_validate_azure_devops,
    lac_match_validate_pypi, lac_match_validate_age, lac_match_validate_basic_auth;

/* ISO 3309 (zlib's). */
uint32_t lac_match_crc32(struct lac_str text);

uint32_t lac_match_marvin32(const unsigned char *bytes, size_t size, uint64_t seed);
/* Personal identifiers; each says at its definition whose rule it is. */
lac_match_validate lac_match_validate_vin, lac_match_validate_imei,
    lac_match_validate_icao_document, lac_match_validate_date, lac_match_validate_mac,
    lac_match_validate_us_itin, lac_match_validate_us_ssn, lac_match_validate_us_ein,
    lac_match_validate_us_npi, lac_match_validate_us_mbi, lac_match_validate_aba_routing,
    lac_match_validate_dea, lac_match_validate_ca_sin, lac_match_validate_ca_bn,
    lac_match_validate_mx_curp, lac_match_validate_mx_rfc, lac_match_validate_br_cpf,
    lac_match_validate_br_cnpj, lac_match_validate_ar_cuit, lac_match_validate_cl_rut,
    lac_match_validate_co_nit, lac_match_validate_pe_ruc, lac_match_validate_ec_ci,
    lac_match_validate_in_aadhaar, lac_match_validate_in_pan, lac_match_validate_in_gstin,
    lac_match_validate_cn_resident_id, lac_match_validate_tw_id, lac_match_validate_hk_id,
    lac_match_validate_jp_my_number, lac_match_validate_kr_rrn, lac_match_validate_kr_frn,
    lac_match_validate_kr_brn, lac_match_validate_kr_crn, lac_match_validate_kr_driver_license,
    lac_match_validate_th_tnin, lac_match_validate_sg_nric, lac_match_validate_sg_uen,
    lac_match_validate_au_abn, lac_match_validate_au_acn, lac_match_validate_au_tfn,
    lac_match_validate_au_medicare, lac_match_validate_nz_ird, lac_match_validate_nz_nhi,
    lac_match_validate_my_nric, lac_match_validate_id_nik, lac_match_validate_de_tax_id,
    lac_match_validate_de_social_security, lac_match_validate_de_health_insurance,
    lac_match_validate_de_lanr, lac_match_validate_de_document, lac_match_validate_at_svnr,
    lac_match_validate_pl_pesel, lac_match_validate_pl_nip, lac_match_validate_pl_regon,
    lac_match_validate_pl_nrb, lac_match_validate_pl_id_card, lac_match_validate_cz_rc,
    lac_match_validate_hu_tax_id, lac_match_validate_hu_taj, lac_match_validate_hu_personal_id,
    lac_match_validate_base58check, lac_match_validate_xrp_address, lac_match_validate_bech32,
    lac_match_validate_cashaddr, lac_match_validate_eth_address, lac_match_validate_monero_address,
    lac_match_validate_stellar_address, lac_match_validate_fi_hetu,
    lac_match_validate_fi_business_id, lac_match_validate_se_personnummer,
    lac_match_validate_se_organisationsnummer, lac_match_validate_no_fodselsnummer,
    lac_match_validate_dk_cpr, lac_match_validate_dk_cvr, lac_match_validate_is_kennitala,
    lac_match_validate_baltic_code, lac_match_validate_lv_personas_kods, lac_match_validate_il_id,
    lac_match_validate_za_id, lac_match_validate_ru_inn, lac_match_validate_ru_snils,
    lac_match_validate_ua_rnokpp, lac_match_validate_eg_national_id, lac_match_validate_ae_id,
    lac_match_validate_sa_id, lac_match_validate_kz_iin, lac_match_validate_es_nif,
    lac_match_validate_es_nie, lac_match_validate_es_cif, lac_match_validate_es_nss,
    lac_match_validate_pt_nif, lac_match_validate_pt_cc, lac_match_validate_it_fiscal_code,
    lac_match_validate_it_vat, lac_match_validate_gr_afm, lac_match_validate_gr_amka,
    lac_match_validate_hr_oib, lac_match_validate_emso, lac_match_validate_ro_cnp,
    lac_match_validate_bg_egn, lac_match_validate_tr_national_id, lac_match_validate_tr_vkn,
    lac_match_validate_eu_vat, lac_match_validate_ch_uid, lac_match_validate_no_orgnr,
    lac_match_validate_uk_nhs, lac_match_validate_uk_nino, lac_match_validate_uk_utr,
    lac_match_validate_uk_driving_licence, lac_match_validate_ie_pps, lac_match_validate_nl_bsn,
    lac_match_validate_be_nrn, lac_match_validate_be_eid, lac_match_validate_fr_nir,
    lac_match_validate_fr_spi, lac_match_validate_fr_siren, lac_match_validate_ch_ahv,
    lac_match_validate_lu_matricule, lac_match_validate_bic;

#endif
