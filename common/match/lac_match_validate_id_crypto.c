/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of crypto-currencies that carry a checksum: Base58Check (Bitcoin and its relatives,
 * Tron, XRP), Bech32 and Bech32m (BIP 173, BIP 350), CashAddr, EIP-55, Monero's Base58 and
 * Stellar's Base32. An address is public on its chain; that somebody here uses it is not.
 */
#include "lac_match_validate_id.h"

#include <string.h>

#include "lac_digest.h"

enum {
    BASE58_MAX = 64,     /* characters of an address that is one number */
    CASHADDR_SHORT = 42, /* characters of 8 + 160 + 40 bits, and of 8 + 256 + 40 */
    CASHADDR_LONG = 61,
    BECH32_MAX = 120,  /* Cardano's are longer than the 90 that BIP 173 allows */
    MONERO_BLOCK = 11, /* characters that hold eight bytes */
    MONERO_MAX = 77,   /* bytes of an integrated address */
};

static const char bitcoin58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char ripple58[] = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/* Where `c` stands in an alphabet; NULL when it is none of it. */
static const char *letter(const char *alphabet, char c)
{
    return c ? strchr(alphabet, c) : NULL;
}

/* Reads a big-endian number in base 58 into exactly `size` bytes. */
static bool base58(struct lac_str text, const char *alphabet, unsigned char *out, size_t size)
{
    memset(out, 0, size);
    for (size_t i = 0; i < text.len; i++) {
        const char *p = letter(alphabet, text.ptr[i]);
        unsigned carry;

        if (!p)
            return false;
        carry = (unsigned)(p - alphabet);
        for (size_t k = size; k-- > 0;) {
            carry += 58U * out[k];
            out[k] = (unsigned char)(carry & 0xFF);
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    return true;
}

/* A version byte or two, twenty bytes, and four of a double SHA-256. */
static bool base58check(struct lac_str text, const char *alphabet, unsigned char *out, size_t size)
{
    unsigned char hash[LAC_SHA256_SIZE];
    size_t zeros = 0;

    if (text.len > BASE58_MAX || !base58(text, alphabet, out, size))
        return false;
    while (zeros < text.len && text.ptr[zeros] == alphabet[0])
        zeros++;
    if (zeros > size)
        return false;
    for (size_t i = 0; i < zeros; i++) /* each leading first letter is one byte of zero */
        if (out[i])
            return false;
    if (zeros < size && out[zeros] == 0)
        return false;
    lac_sha256(hash, out, size - 4);
    lac_sha256(hash, hash, sizeof(hash));
    return memcmp(hash, out + size - 4, 4) == 0;
}

/* Versions: Bitcoin 00 and 05, its test net 6F and C4, Litecoin 30 and 32, Dogecoin 1E and 16,
 * Dash 4C and 10, Tron 41, Zcash 1CB8 and 1CBD. */
bool lac_match_validate_base58check(struct lac_str match)
{
    static const unsigned char versions[] = {0x00, 0x05, 0x6F, 0xC4, 0x30, 0x32,
                                             0x1E, 0x16, 0x4C, 0x10, 0x41};
    unsigned char raw[26];

    if (base58check(match, bitcoin58, raw, 25))
        return memchr(versions, raw[0], sizeof(versions)) != NULL;
    return match.len == 35 && base58check(match, bitcoin58, raw, 26) && raw[0] == 0x1C &&
           (raw[1] == 0xB8 || raw[1] == 0xBD);
}

/* xrpl.org: the same with another alphabet, version 0. */
bool lac_match_validate_xrp_address(struct lac_str match)
{
    unsigned char raw[25];

    return base58check(match, ripple58, raw, sizeof(raw)) && raw[0] == 0;
}

static const char bech32_letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t bech32_step(uint32_t sum, unsigned value)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = sum >> 25;

    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

/* Copies `match` in lower case; false where it mixes cases or does not fit. */
static bool one_case(struct lac_str match, char *out, size_t capacity)
{
    bool lower = false, upper = false;

    if (match.len > capacity)
        return false;
    for (size_t i = 0; i < match.len; i++) {
        char b = match.ptr[i];

        lower = lower || (b >= 'a' && b <= 'z');
        upper = upper || (b >= 'A' && b <= 'Z');
        out[i] = (char)(lac_match_is_alpha((unsigned char)b) ? b | 0x20 : b);
    }
    return !(lower && upper);
}

/* BIP 173 with BIP 350: version 0 of a witness program ends in 1, later ones in 0x2bc830a3; other
 * chains that took the format over use the first. */
bool lac_match_validate_bech32(struct lac_str match)
{
    char text[BECH32_MAX];
    const char *one;
    uint32_t sum = 1;
    size_t prefix;

    if (!one_case(match, text, sizeof(text)))
        return false;
    one = memrchr(text, '1', match.len);
    prefix = one ? (size_t)(one - text) : 0;
    if (prefix == 0 || match.len - prefix < 15)
        return false;
    for (size_t i = 0; i < prefix; i++)
        sum = bech32_step(sum, (unsigned char)text[i] >> 5);
    sum = bech32_step(sum, 0);
    for (size_t i = 0; i < prefix; i++)
        sum = bech32_step(sum, text[i] & 31);
    for (size_t i = prefix + 1; i < match.len; i++) {
        const char *p = letter(bech32_letters, text[i]);

        if (!p)
            return false;
        sum = bech32_step(sum, (unsigned)(p - bech32_letters));
    }
    if (prefix == 2 && (memcmp(text, "bc", 2) == 0 || memcmp(text, "tb", 2) == 0))
        return sum == (text[3] == 'q' ? 1U : 0x2bc830a3U);
    return sum == 1 || sum == 0x2bc830a3;
}

/* CashAddr: "bitcoincash:", often left away; a kind, a hash of 160 or 256 bits, and a 40-bit code.
 */
bool lac_match_validate_cashaddr(struct lac_str match)
{
    static const uint64_t generator[5] = {0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4, 0xae2eabe2a8,
                                          0x1e4f43e470};
    static const char prefix[] = "bitcoincash:";
    char text[sizeof(prefix) - 1 + CASHADDR_LONG];
    bool bare = match.len == CASHADDR_SHORT || match.len == CASHADDR_LONG;
    size_t skip = bare ? 0 : sizeof(prefix) - 1;
    uint64_t sum = 1;

    if (match.len != CASHADDR_SHORT + skip && match.len != CASHADDR_LONG + skip)
        return false;
    if (!one_case(match, text, sizeof(text)) || memcmp(text, prefix, skip) != 0)
        return false;
    for (size_t i = 0; i < sizeof(prefix) - 1 + match.len - skip; i++) {
        const char *p = i < sizeof(prefix) - 1
                            ? NULL
                            : letter(bech32_letters, text[i - (sizeof(prefix) - 1) + skip]);
        unsigned v = i < sizeof(prefix) - 2 ? prefix[i] & 31 : 0;
        uint64_t top = sum >> 35;

        if (i >= sizeof(prefix) - 1) {
            if (!p)
                return false;
            v = (unsigned)(p - bech32_letters);
        }
        sum = (sum & 0x07ffffffff) << 5 ^ v;
        for (unsigned k = 0; k < 5; k++)
            if (top >> k & 1)
                sum ^= generator[k];
    }
    return sum == 1;
}

/* ERC-55: where capitals occur, each letter is one if the hash has 8 or more there. In capitals
 * only, unless the hash has it so, 40 digits are an OpenPGP key's fingerprint. */
bool lac_match_validate_eth_address(struct lac_str match)
{
    unsigned char hash[32];
    char lower[40];
    bool capital = false, digit = false;

    if (match.len != 42 || match.ptr[0] != '0' || (match.ptr[1] | 0x20) != 'x')
        return false;
    for (size_t i = 0; i < 40; i++) {
        char b = match.ptr[i + 2];

        if (!lac_match_is_hex((unsigned char)b))
            return false;
        digit = digit || lac_match_is_digit((unsigned char)b);
        capital = capital || (b >= 'A' && b <= 'F');
        lower[i] = (char)(lac_match_is_alpha((unsigned char)b) ? b | 0x20 : b);
    }
    if (lac_match_is_uniform(lower, 40) || !digit)
        return false;
    if (!capital)
        return true;
    lac_match_keccak256(hash, lower, sizeof(lower));
    for (size_t i = 0; i < 40; i++) {
        unsigned nibble = i % 2 ? hash[i / 2] & 15U : hash[i / 2] >> 4;
        char b = match.ptr[i + 2];

        if (lac_match_is_alpha((unsigned char)b) && (nibble >= 8) != (b < 'a'))
            return false;
    }
    return true;
}

/* getmonero.org: eight bytes to eleven characters; network, two keys, four bytes of Keccak. */
bool lac_match_validate_monero_address(struct lac_str match)
{
    unsigned char raw[MONERO_MAX];
    unsigned char hash[32];
    size_t n = 0;
    size_t i = 0;

    if (match.len != 95 && match.len != 106)
        return false;
    for (; match.len - i >= MONERO_BLOCK; i += MONERO_BLOCK, n += 8)
        if (!base58((struct lac_str){match.ptr + i, MONERO_BLOCK}, bitcoin58, raw + n, 8))
            return false;
    /* Seven characters hold five bytes; an integrated address ends with seven too. */
    if (match.len - i != 7 || !base58((struct lac_str){match.ptr + i, 7}, bitcoin58, raw + n, 5))
        return false;
    n += 5;
    lac_match_keccak256(hash, raw, n - 4);
    return (raw[0] == 18 || raw[0] == 19 || raw[0] == 42) && memcmp(hash, raw + n - 4, 4) == 0;
}

/* SEP-23: G, Base32 of a version, a key and CRC-16/XMODEM, low byte first. */
bool lac_match_validate_stellar_address(struct lac_str match)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char raw[35];
    unsigned bits = 0, held = 0;
    unsigned crc = 0;
    size_t n = 0;

    if (match.len != 56)
        return false;
    for (size_t i = 0; i < match.len; i++) {
        const char *p = letter(letters, match.ptr[i]);

        if (!p)
            return false;
        held = held << 5 | (unsigned)(p - letters);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            raw[n++] = (unsigned char)(held >> bits);
            held &= (1U << bits) - 1;
        }
    }
    for (size_t i = 0; i < 33; i++) {
        crc ^= (unsigned)raw[i] << 8;
        for (int k = 0; k < 8; k++)
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xFFFF;
    }
    return raw[0] == 6 << 3 && raw[33] == (crc & 0xFF) && raw[34] == crc >> 8;
}
