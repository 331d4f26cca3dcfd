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

/* Synapse's access and refresh tokens, with their CRC-32. */
lac_match_validate lac_match_validate_matrix_token;

/* ISO/IEC 7812-1 annex B, over all digits. */
lac_match_validate lac_match_validate_luhn;

/*
 * Secrets; all of the token, prefix included.
 *
 * github: also npm's, which are alike. gitlab: routable tokens. grafana: service accounts. azure:
 * keys with a signature ("identifiable keys") in base64. azure_devops: 52 characters of base32.
 * pypi: a complete macaroon. age: Bech32. basic_auth: base64 of "user:password".
 */
lac_match_validate lac_match_validate_github, lac_match_validate_gitlab, lac_match_validate_grafana,
    lac_match_validate_azure, lac_match_validate_azure_devops, lac_match_validate_pypi,
    lac_match_validate_age, lac_match_validate_basic_auth;

/* ISO 3309 (zlib's). */
uint32_t lac_match_crc32(struct lac_str text);

uint32_t lac_match_marvin32(const unsigned char *bytes, size_t size, uint64_t seed);

#endif
