/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_ids.h"

#include <string.h>

#include "lac_digest.h"

static void take_random(struct lac_bridge_ids *g, unsigned char *out, uint32_t n)
{
    if (g->left < n) {
        lac_random_bytes(g->store, sizeof g->store);
        g->left = sizeof g->store;
    }
    g->left -= n;
    memcpy(out, g->store + g->left, n);
}

static void format_uuid(char out[LAC_BRIDGE_UUID_SIZE], unsigned char b[16], unsigned version)
{
    char digits[2 * 16 + 1];
    b[6] = (unsigned char)((b[6] & 0x0f) | version << 4);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    lac_hex_encode(digits, b, 16);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
    out[LAC_BRIDGE_UUID_SIZE - 1] = '\0';
}

void lac_bridge_ids_request(struct lac_bridge_ids *g, int64_t wall_ms,
                            char out[LAC_BRIDGE_UUID_SIZE])
{
    unsigned char b[16];
    /* 48 bits of milliseconds, then 12 that count within one (RFC 9562, 6.2, method 1). */
    uint64_t now = (uint64_t)wall_ms << 12;
    g->last = now > g->last ? now : g->last + 1;
    for (unsigned i = 0; i < 6; i++)
        b[i] = (unsigned char)(g->last >> (52 - 8 * i));
    b[6] = (unsigned char)((g->last >> 8) & 0x0f);
    b[7] = (unsigned char)g->last;
    take_random(g, b + 8, 8);
    format_uuid(out, b, 7);
}

static bool all_zero(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

void lac_bridge_ids_trace(struct lac_bridge_ids *g, char out[LAC_TRACE_SIZE])
{
    unsigned char b[24];
    do {
        take_random(g, b, sizeof b);
    } while (all_zero(b, 16) || all_zero(b + 16, 8)); /* zero means "none" */
    memcpy(out, "00-", 4);
    lac_hex_encode(out + 3, b, 16);
    out[35] = '-';
    lac_hex_encode(out + 36, b + 16, 8);
    memcpy(out + 52, "-01", 4);
}

bool lac_bridge_key_parse(struct lac_str header, struct lac_str *key)
{
    struct lac_str k = header;
    if (k.len >= 2 && k.ptr[0] == '"' && k.ptr[k.len - 1] == '"') {
        k.ptr++;
        k.len -= 2;
    }
    if (k.len == 0 || k.len > LAC_BRIDGE_KEY_MAX)
        return false;
    for (size_t i = 0; i < k.len; i++)
        if (k.ptr[i] < ' ' || k.ptr[i] > '~')
            return false;
    *key = k;
    return true;
}

/* The digest of two digests: no two pairs of texts look alike, wherever one ends. */
static void digest_pair(struct lac_bridge_digest *out, struct lac_str a, struct lac_str b)
{
    unsigned char parts[2 * LAC_SHA256_SIZE];
    lac_sha256(parts, a.ptr ? a.ptr : "", a.len);
    lac_sha256(parts + LAC_SHA256_SIZE, b.ptr ? b.ptr : "", b.len);
    lac_sha256(out->bytes, parts, sizeof parts);
}

void lac_bridge_key_digest(struct lac_bridge_digest *out, struct lac_str tenant, struct lac_str key)
{
    digest_pair(out, tenant, key);
}

void lac_bridge_body_digest(struct lac_bridge_digest *out, struct lac_str path, struct lac_str body)
{
    digest_pair(out, path, body);
}

void lac_bridge_key_request(const struct lac_bridge_digest *key, uint32_t index,
                            char out[LAC_BRIDGE_UUID_SIZE])
{
    unsigned char in[36], hash[LAC_SHA256_SIZE];
    memcpy(in, key->bytes, 32);
    /* Big-endian, so that every machine derives the same id. */
    for (unsigned i = 0; i < 4; i++)
        in[32 + i] = (unsigned char)(index >> (24 - 8 * i));
    lac_sha256(hash, in, sizeof in);
    format_uuid(out, hash, 8);
}
