/* SPDX-License-Identifier: Apache-2.0 */
/* Validators of tokens and keys: variety of characters, checksums, what they decode to. */
#include "lac_match_validate.h"

#include <string.h>

#include "lac_digest.h"
#include "lac_match_secret.h"

enum { CHECKSUM_SIZE = 6 /* base 62 characters of a CRC-32 */ };

bool lac_match_validate_mixed_case(struct lac_str match)
{
    bool digit = false, lower = false, upper = false;

    for (size_t i = 0; i < match.len; i++) {
        unsigned char c = (unsigned char)match.ptr[i];

        digit = digit || lac_match_is_digit(c);
        lower = lower || lac_match_is_lower(c);
        upper = upper || lac_match_is_upper(c);
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

/* "machine ... login ... password <password>": judges the last word. */
bool lac_match_validate_last_word(struct lac_str match)
{
    size_t start = match.len;

    while (start > 0 && (unsigned char)match.ptr[start - 1] > ' ')
        start--;
    match = lac_str_slice(match, start, match.len);
    return match.len >= 3 && lac_match_distinct(match) >= 3 && !lac_match_is_placeholder(match);
}

/* connect("db1", "app", "<password>"): judges what stands in the last quotes. */
bool lac_match_validate_last_quoted(struct lac_str match)
{
    size_t end = match.len > 0 ? match.len - 1 : 0, start = end;

    while (start > 0 && !lac_match_is_in((unsigned char)match.ptr[start - 1], "\"'>"))
        start--;
    match = lac_str_slice(match, start, end);
    return lac_match_byte(match, 0) != '$' && lac_match_is_password(match, false);
}

/* "with password Qr7!dke#39.": without its quotes and the sentence's end the last word has a
 * letter, a digit and a sign that names, paths, versions and numbers don't have, or letters of
 * both cases and digits in turn (hT9mQ2xW). */
bool lac_match_validate_said_password(struct lac_str match)
{
    bool upper = false, lower = false, digit = false, sign = false, plain = true;
    size_t start = match.len, end = match.len, swaps = 0;

    while (start > 0 && (unsigned char)match.ptr[start - 1] > ' ')
        start--;
    while (end > start && strchr("\"'`.,;:", match.ptr[end - 1]))
        end--;
    while (start < end && strchr("\"'`", match.ptr[start]))
        start++;
    match = lac_str_slice(match, start, end);
    if (match.len < 6 || strchr("$%@#&*", match.ptr[0]) || lac_match_is_placeholder(match))
        return false;
    for (size_t i = 0; i < match.len; i++) {
        unsigned char c = (unsigned char)match.ptr[i];

        if (strchr("(){}[]<>/\\|\"'`", c) || (c == '.' && memchr(match.ptr, '@', i)))
            return false; /* code, a path, an address */
        upper = upper || (c >= 'A' && c <= 'Z');
        lower = lower || (c >= 'a' && c <= 'z');
        digit = digit || lac_match_is_digit(c);
        plain = plain && lac_match_is_alnum(c);
        sign = sign || strchr("!@#$%^&*?", c);
        swaps += i > 0 && lac_match_is_digit(c) != lac_match_is_digit(lac_match_before(match, i));
    }
    return digit && (sign ? upper || lower : plain && upper && lower && swaps >= 3);
}

/* Big-endian number of `text` in base 58, Bitcoin's alphabet; false when it does not fit `size`
 * bytes exactly. */
static bool base58_decode(struct lac_str text, unsigned char *out, size_t size)
{
    static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    memset(out, 0, size);
    for (size_t i = 0; i < text.len; i++) {
        const char *found = memchr(alphabet, text.ptr[i], sizeof(alphabet) - 1);
        unsigned carry;

        if (!found)
            return false;
        carry = (unsigned)(found - alphabet);
        for (size_t k = size; k-- > 0;) {
            carry += 58U * out[k];
            out[k] = (unsigned char)carry;
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    return true;
}

/* Base58Check: the last four bytes are the beginning of the double SHA-256 of those before. */
static bool base58_check(struct lac_str text, unsigned char *out, size_t size)
{
    unsigned char hash[LAC_SHA256_SIZE];

    if (!base58_decode(text, out, size))
        return false;
    lac_sha256(hash, out, size - 4);
    lac_sha256(hash, hash, sizeof(hash));
    return memcmp(hash, out + size - 4, 4) == 0;
}

/* Wallet import format: version 0x80 (test network 0xEF), 32 bytes, perhaps 01 for compressed. */
bool lac_match_validate_wif(struct lac_str match)
{
    unsigned char raw[38];

    if (match.len == 51 && base58_check(match, raw, 37))
        return raw[0] == 0x80 || raw[0] == 0xEF;
    return match.len == 52 && base58_check(match, raw, 38) && raw[33] == 1 &&
           (raw[0] == 0x80 || raw[0] == 0xEF);
}

/* BIP 32: 78 bytes and their checksum; a private key begins with a zero where a public has 2, 3. */
bool lac_match_validate_extended_key(struct lac_str match)
{
    unsigned char raw[82];

    return match.len == 111 && base58_check(match, raw, sizeof(raw)) && raw[45] == 0;
}

static int base32_value(unsigned char c)
{
    if (lac_match_is_upper(c))
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* The bytes of a text in base 32; what its last digit has too many bits for is left out. Returns
 * how many, 0 when they are not base 32, don't fit or a digit is left over. */
static size_t base32_decode(struct lac_str text, unsigned char *out, size_t capacity)
{
    return text.len * 5 % 8 < 5 ? lac_match_unpack(text, 5, base32_value, out, capacity) : 0;
}

/* CRC-16 (XModem), least byte first, behind `size` bytes. */
static bool has_crc16(const unsigned char *raw, size_t size)
{
    uint32_t crc = 0;

    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)raw[i] << 8;
        for (int k = 0; k < 8; k++)
            crc = crc & 0x8000U ? crc << 1 ^ 0x1021U : crc << 1;
    }
    return raw[size] == (crc & 0xFF) && raw[size + 1] == (crc >> 8 & 0xFF);
}

/* SEP 23: base 32 of a version byte, 32 bytes and their CRC-16. */
bool lac_match_validate_stellar_seed(struct lac_str match)
{
    unsigned char raw[35];

    return base32_decode(match, raw, sizeof(raw)) == sizeof(raw) && raw[0] == 18 << 3 &&
           has_crc16(raw, sizeof(raw) - 2);
}

/* nkeys: base 32 of two bytes (what a seed is, whose), 32 bytes and their CRC-16. */
bool lac_match_validate_nkey_seed(struct lac_str match)
{
    unsigned char raw[36];

    return base32_decode(match, raw, sizeof(raw)) == sizeof(raw) && raw[0] >> 3 == 18 &&
           has_crc16(raw, sizeof(raw) - 2);
}

static uint32_t bech32_step(uint32_t sum, unsigned value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;

    sum = (sum & 0x1FFFFFF) << 5 ^ value;
    for (int k = 0; k < 5; k++)
        if (top >> k & 1)
            sum ^= generator[k];
    return sum;
}

/* BIP 173, lower case: the prefix's high bits, a zero, its low bits, then the data. */
static bool bech32_check(struct lac_str text)
{
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const char *one = text.len ? memrchr(text.ptr, '1', text.len) : NULL;
    size_t prefix = one ? (size_t)(one - text.ptr) : text.len;
    uint32_t sum = 1;

    for (size_t i = 0; i < prefix; i++)
        sum = bech32_step(sum, (unsigned)(unsigned char)text.ptr[i] >> 5);
    sum = bech32_step(sum, 0);
    for (size_t i = 0; i < prefix; i++)
        sum = bech32_step(sum, (unsigned char)text.ptr[i] & 31U);
    for (size_t i = prefix + 1; i < text.len; i++) {
        const char *found = memchr(alphabet, text.ptr[i], sizeof(alphabet) - 1);

        if (!found)
            return false;
        sum = bech32_step(sum, (unsigned)(found - alphabet));
    }
    return one && sum == 1;
}

/* NIP-19: "nsec1" and 32 bytes. */
bool lac_match_validate_nostr_key(struct lac_str match)
{
    return match.len == 63 && bech32_check(match);
}
