/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keccak-f[1600] (FIPS 202, section 3) with the padding of the original submission. libcrypto has
 * SHA-3 only, which pads differently, in the versions that are our targets.
 */
#include "lac_match_validate_id.h"

#include <stdint.h>
#include <string.h>

enum {
    LANES = 25,
    ROUNDS = 24,
    RATE = 136, /* bytes a block takes in: 200 - 2 * 32 */
};

static uint64_t rotate(uint64_t x, unsigned by)
{
    return by ? x << by | x >> (64 - by) : x;
}

/* theta: each lane takes in the parities of two columns. */
static void mix_columns(uint64_t a[LANES])
{
    uint64_t parity[5];

    for (size_t x = 0; x < 5; x++)
        parity[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; x++)
        for (size_t y = 0; y < LANES; y += 5)
            a[x + y] ^= parity[(x + 4) % 5] ^ rotate(parity[(x + 1) % 5], 1);
}

/* rho and pi: lanes turn by triangular numbers and go to new places. */
static void move_lanes(const uint64_t a[LANES], uint64_t b[LANES])
{
    size_t x = 1, y = 0;

    b[0] = a[0];
    for (unsigned t = 0; t < 24; t++) {
        size_t next = (2 * x + 3 * y) % 5;

        b[y + 5 * next] = rotate(a[x + 5 * y], (t + 1) * (t + 2) / 2 % 64);
        x = y;
        y = next;
    }
}

/* iota's constants come from a shift register of eight bits. */
static uint64_t round_constant(unsigned *lfsr)
{
    uint64_t constant = 0;

    for (unsigned j = 0; j < 7; j++) {
        if (*lfsr & 1)
            constant |= (uint64_t)1 << ((1U << j) - 1);
        *lfsr = (*lfsr << 1 ^ (*lfsr & 0x80 ? 0x171 : 0)) & 0xFF;
    }
    return constant;
}

static void permute(uint64_t a[LANES])
{
    unsigned lfsr = 1;
    uint64_t b[LANES];

    for (unsigned r = 0; r < ROUNDS; r++) {
        mix_columns(a);
        move_lanes(a, b);
        for (size_t y = 0; y < LANES; y += 5)
            for (size_t x = 0; x < 5; x++)
                a[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
        a[0] ^= round_constant(&lfsr);
    }
}

static void absorb(uint64_t a[LANES], const unsigned char block[RATE])
{
    for (size_t i = 0; i < RATE; i++)
        a[i / 8] ^= (uint64_t)block[i] << (8 * (i % 8));
    permute(a);
}

void lac_match_keccak256(unsigned char out[32], const void *data, size_t len)
{
    const unsigned char *p = data;
    unsigned char block[RATE] = {0};
    uint64_t a[LANES] = {0};

    for (; len >= RATE; p += RATE, len -= RATE)
        absorb(a, p);
    memcpy(block, p, len);
    block[len] ^= 0x01;
    block[RATE - 1] ^= 0x80;
    absorb(a, block);
    for (size_t i = 0; i < 32; i++)
        out[i] = (unsigned char)(a[i / 8] >> (8 * (i % 8)));
}
