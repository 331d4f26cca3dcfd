/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens whose format carries a checksum or a structure of its own: what was not issued fails. */
#include "lac_match_validate.h"

#include <stdint.h>
#include <string.h>

#include "lac_match_secret.h"

enum {
    BYTES_MAX = 384, /* what 512 characters of base64 can hold */
    CRC36_SIZE = 7,
    CRC_HEX_SIZE = 8,
    AZURE_TAIL = 10, /* signature, one character and the checksum's, without padding */
    AZURE_SIGNATURE_SIZE = 4,
    ADO_SIZE = 52,
    AGE_DATA_SIZE = 58, /* 32 bytes in groups of five bits, and six characters of checksum */
    MACAROON_SIGNATURE_SIZE = 32,
};

/* ---- parts ---- */

static uint32_t little_endian(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What follows the first `c`; all of it when there is none. */
static struct lac_str behind(struct lac_str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

    return at ? lac_str_slice(s, (size_t)(at - s.ptr) + 1, s.len) : s;
}

/* ---- CRC-32 in the token ---- */

bool lac_match_validate_github(struct lac_str match)
{
    size_t body = match.len;

    while (body > 0 && match.ptr[body - 1] != '_')
        body--;
    return lac_match_github_checksum(lac_str_slice(match, body, match.len));
}

/* The last `size` characters are the CRC-32 of all before them in that base, lower case, padded
 * with zeros. */
static bool ends_in_crc(struct lac_str match, size_t size, unsigned base)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint32_t crc;

    if (match.len <= size)
        return false;
    crc = lac_match_crc32(lac_str_slice(match, 0, match.len - size));
    for (size_t i = 1; i <= size; i++, crc /= base)
        if (match.ptr[match.len - i] != alphabet[crc % base])
            return false;
    return true;
}

/* packagist.com, "Token format": the prefix counts, too. */
bool lac_match_validate_packagist(struct lac_str match)
{
    return ends_in_crc(match, CRC_HEX_SIZE, 16);
}

/* gitlab-org/gitlab, routable tokens. */
bool lac_match_validate_gitlab(struct lac_str match)
{
    return ends_in_crc(match, CRC36_SIZE, 36);
}

/* grafana/grafana, satokengen: behind the last '_' stands the CRC-32 of what is before it, lowest
 * byte first, in lower-case hex. */
bool lac_match_validate_grafana(struct lac_str match)
{
    static const char alphabet[] = "0123456789abcdef";
    uint32_t crc;

    if (match.len <= CRC_HEX_SIZE + 1 || match.ptr[match.len - CRC_HEX_SIZE - 1] != '_')
        return false;
    crc = lac_match_crc32(lac_str_slice(match, 0, match.len - CRC_HEX_SIZE - 1));
    for (size_t i = match.len - CRC_HEX_SIZE; i < match.len; i += 2, crc >>= 8)
        if (match.ptr[i] != alphabet[crc >> 4 & 15] || match.ptr[i + 1] != alphabet[crc & 15])
            return false;
    return true;
}

/* ---- Azure ---- */

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void marvin_block(uint32_t *a, uint32_t *b)
{
    *b ^= *a;
    *a = rotate(*a, 20) + *b;
    *b = rotate(*b, 9) ^ *a;
    *a = rotate(*a, 27) + *b;
    *b = rotate(*b, 19);
}

/* Marvin32 as microsoft/security-utilities describes it, both halves folded into one. */
uint32_t lac_match_marvin32(const unsigned char *bytes, size_t size, uint64_t seed)
{
    uint32_t a = (uint32_t)seed;
    uint32_t b = (uint32_t)(seed >> 32);
    uint32_t last = 0x80;

    for (; size >= 4; bytes += 4, size -= 4) {
        a += little_endian(bytes);
        marvin_block(&a, &b);
    }
    while (size > 0)
        last = last << 8 | bytes[--size];
    a += last;
    marvin_block(&a, &b);
    marvin_block(&a, &b);
    return a ^ b;
}

/* Which seed goes with which signature; a service that issues several kinds of key has several.
 * A seed is eight letters as a number. */
static const struct {
    char signature[AZURE_SIGNATURE_SIZE + 1];
    uint64_t seed;
} azure_seeds[] = {
    {"+ASt", 0x44656661756c7430}, /* storage: Default0 */
    {"ACDb", 0x4d617374524f3030}, /* Cosmos DB: MastRO00 */
    {"ACDb", 0x4d61737452573030}, /* MastRW00 */
    {"+ABa", 0x4162416363743030}, /* Batch: AbAcct00 */
    {"+AMC", 0x436c617373696330}, /* ML classic: Classic0 */
    {"+ASb", 0x53656e6430303030}, /* Service Bus: Send0000 */
    {"+ASb", 0x4c697374656e3030}, /* Listen00 */
    {"+ASb", 0x4d616e6167653030}, /* Manage00 */
    {"+AEh", 0x53656e6430303030}, /* Event Hubs, likewise */
    {"+AEh", 0x4c697374656e3030}, {"+AEh", 0x4d616e6167653030},
    {"+ARm", 0x53656e6430303030}, /* Relay, likewise */
    {"+ARm", 0x4c697374656e3030}, {"+ARm", 0x4d616e6167653030},
    {"AIoT", 0x496f544875623030}, /* IoT: IoTHub00 */
    {"AIoT", 0x4470734b65793030}, /* DpsKey00 */
    {"AIoT", 0x4465766963653030}, /* Device00 */
    {"APIM", 0x54656e616e743030}, /* API Management: Tenant00 */
    {"APIM", 0x496f544875623030}, /* IoTHub00, as published */
    {"APIM", 0x4761746577793030}, /* Gateway00 */
    {"APIM", 0x4769744b65793030}, /* GitKey00 */
    {"AzFu", 0x4d61737465723030}, /* Functions: Master00 */
    {"AzFu", 0x53797374656d3030}, /* System00 */
    {"AzFu", 0x46756e6374693030}, /* Functi00 */
    {"AzSe", 0x5175657279303030}, /* AI Search: Query000 */
    {"AzSe", 0x5041646d696e3030}, /* PAdmin00 */
    {"+ACR", 0x41435244666c7430}, /* Container Registry: ACRDflt0 */
};

/* microsoft/security-utilities, identifiable keys: base64 whose last ten characters are a
 * signature, one more and the checksum of all bytes before the last four. */
bool lac_match_validate_azure(struct lac_str match)
{
    unsigned char bytes[BYTES_MAX];
    size_t size = lac_match_base64_decode(match, bytes, sizeof(bytes));

    while (match.len > 0 && match.ptr[match.len - 1] == '=')
        match.len--;
    if (size < 24 || match.len <= AZURE_TAIL)
        return false;
    for (size_t i = 0; i < LAC_COUNT(azure_seeds); i++) {
        if (memcmp(match.ptr + match.len - AZURE_TAIL, azure_seeds[i].signature,
                   AZURE_SIGNATURE_SIZE) != 0)
            continue;
        if (lac_match_marvin32(bytes, size - 4, azure_seeds[i].seed) ==
            little_endian(bytes + size - 4))
            return true;
    }
    return false;
}

static int small_base32_value(unsigned char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* microsoft/security-utilities, Azure DevOps: 52 characters of base32; four of the 32 bytes are
 * the CRC-32 of the others, combined with a number for users or one for applications. */
bool lac_match_validate_azure_devops(struct lac_str match)
{
    unsigned char bytes[ADO_SIZE * 5 / 8];
    char rest[sizeof(bytes)];
    size_t kept = 0;
    uint32_t crc, stored;

    if (match.len != ADO_SIZE ||
        lac_match_unpack(match, 5, small_base32_value, bytes, sizeof(bytes)) != sizeof(bytes))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        if (i != 2 && i != 7 && i != 8 && i != 22)
            rest[kept++] = (char)bytes[i];
    crc = lac_match_crc32((struct lac_str){rest, kept});
    stored =
        bytes[22] | (uint32_t)bytes[8] << 8 | (uint32_t)bytes[7] << 16 | (uint32_t)bytes[2] << 24;
    return stored == (crc ^ 0xE0B9692Du) || stored == (crc ^ 0x1019F92Eu);
}

/* ---- structures ---- */

/* A number in groups of seven bits, lowest first; SIZE_MAX when it is none. */
static size_t varint(const unsigned char *bytes, size_t size, size_t *at)
{
    size_t value = 0;

    for (unsigned shift = 0; shift < 21; shift += 7) {
        unsigned char c;

        if (*at >= size)
            return SIZE_MAX;
        c = bytes[(*at)++];
        value |= (size_t)(c & 0x7F) << shift;
        if (!(c & 0x80))
            return value;
    }
    return SIZE_MAX;
}

/* libmacaroons, version 2: packets of type, length and data in sections that a zero closes: the
 * macaroon itself, its caveats, none; then the signature. */
static bool is_macaroon(const unsigned char *bytes, size_t size)
{
    enum { END = 0, IDENTIFIER = 2, VERIFICATION = 4, SIGNATURE = 6 };
    bool has_identifier = false;
    bool closing = false; /* an empty section has closed the list */
    size_t fields = 0;
    size_t at = 1;

    if (size < 2 || bytes[0] != 2)
        return false;
    while (at < size) {
        size_t type = varint(bytes, size, &at);
        size_t len;

        if (type == END) {
            if (closing || (fields == 0 && !has_identifier))
                return false;
            closing = fields == 0;
            fields = 0;
            continue;
        }
        len = varint(bytes, size, &at);
        if (len == SIZE_MAX || len > size - at)
            return false;
        at += len;
        if (closing)
            return type == SIGNATURE && len == MACAROON_SIGNATURE_SIZE && at == size;
        if (type > VERIFICATION)
            return false;
        has_identifier = has_identifier || type == IDENTIFIER;
        fields++;
    }
    return false;
}

/* warehouse: "pypi-" and a macaroon in base64. */
bool lac_match_validate_pypi(struct lac_str match)
{
    unsigned char bytes[BYTES_MAX];

    return is_macaroon(bytes, lac_match_base64_decode(behind(match, '-'), bytes, sizeof(bytes)));
}

/* C2SP age: Bech32 (BIP 173) in upper case. */
bool lac_match_validate_age(struct lac_str match)
{
    static const char alphabet[] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    static const char prefix[] = "AGE-SECRET-KEY-1";
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    unsigned char values[2 * sizeof(prefix) + AGE_DATA_SIZE];
    size_t prefix_size = sizeof(prefix) - 2; /* without the 1, which parts it from the data */
    uint32_t sum = 1;
    size_t n = 0;

    if (match.len != prefix_size + 1 + AGE_DATA_SIZE ||
        memcmp(match.ptr, prefix, prefix_size + 1) != 0)
        return false;
    for (size_t i = 0; i < prefix_size; i++)
        values[n++] = (unsigned char)((prefix[i] | 0x20) >> 5); /* the sum is over lower case */
    values[n++] = 0;
    for (size_t i = 0; i < prefix_size; i++)
        values[n++] = (unsigned char)prefix[i] & 31;
    for (size_t i = prefix_size + 1; i < match.len; i++) {
        const char *at = memchr(alphabet, match.ptr[i], sizeof(alphabet) - 1);

        if (!at)
            return false;
        values[n++] = (unsigned char)(at - alphabet);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t top = sum >> 25;

        sum = (sum & 0x1FFFFFF) << 5 ^ values[i];
        for (unsigned k = 0; k < LAC_COUNT(generator); k++)
            if (top >> k & 1)
                sum ^= generator[k];
    }
    return sum == 1;
}

/* RFC 7617: base64 of "user:password", printable. */
bool lac_match_validate_basic_auth(struct lac_str match)
{
    unsigned char bytes[BYTES_MAX];
    size_t size = lac_match_base64_decode(match, bytes, sizeof(bytes));
    const unsigned char *colon = size ? memchr(bytes, ':', size) : NULL;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] < 0x20 || bytes[i] > 0x7E)
            return false;
    return colon && colon > bytes && (size_t)(bytes + size - colon) > 4;
}
