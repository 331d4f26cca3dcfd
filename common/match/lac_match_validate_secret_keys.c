/* SPDX-License-Identifier: Apache-2.0 */
/* Validators of tokens and keys: variety of characters, checksums, what they decode to. */
#include "lac_match_validate.h"

#include <string.h>

enum { CHECKSUM_SIZE = 6 /* base 62 characters of a CRC-32 */ };

static bool is_lower(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(unsigned char c)
{
    return c >= 'A' && c <= 'Z';
}

bool lac_match_validate_mixed_case(struct lac_str match)
{
    bool digit = false, lower = false, upper = false;

    for (size_t i = 0; i < match.len; i++) {
        unsigned char c = (unsigned char)match.ptr[i];

        digit = digit || lac_match_is_digit(c);
        lower = lower || is_lower(c);
        upper = upper || is_upper(c);
    }
    return digit && lower && upper;
}

bool lac_match_validate_letter_digit(struct lac_str match)
{
    bool digit = false, letter = false;

    for (size_t i = 0; i < match.len; i++) {
        digit = digit || lac_match_is_digit((unsigned char)match.ptr[i]);
        letter = letter || lac_match_is_alpha((unsigned char)match.ptr[i]);
    }
    return digit && letter;
}

/* Synapse: behind the last '_' stands the CRC-32 of all that is before it, in base 62. */
bool lac_match_validate_matrix_token(struct lac_str match)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint32_t crc;

    if (match.len < CHECKSUM_SIZE + 1 || match.ptr[match.len - CHECKSUM_SIZE - 1] != '_')
        return false;
    crc = lac_match_crc32(lac_str_slice(match, 0, match.len - CHECKSUM_SIZE - 1));
    for (size_t i = 0; i < CHECKSUM_SIZE; i++, crc /= 62)
        if (match.ptr[match.len - 1 - i] != alphabet[crc % 62])
            return false;
    return true;
}
