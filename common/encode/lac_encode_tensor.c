/* SPDX-License-Identifier: Apache-2.0 */
/* In a file of its own, without dependencies: plug-ins are built with it. */
#include <string.h>

#include "lac_encode_model.h"

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits. */
static float from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t mantissa = half & 0x3ffu;
    if (exponent == 0x1f) /* infinity, NaN */
        return from_bits(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) { /* zero and subnormal: mantissa x 2^-24, exact in a float */
        float small = (float)mantissa * 0x1p-24f;
        return sign ? -small : small;
    }
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

void lac_encode_tensor_read(const struct lac_encode_tensor *t, size_t at, size_t count, float *out)
{
    const unsigned char *bytes = t->data;
    if (t->dtype == LAC_ENCODE_F32) {
        memcpy(out, bytes + at * sizeof(float), count * sizeof(float));
        return;
    }
    bytes += at * sizeof(uint16_t);
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + i * sizeof(half), sizeof(half));
        out[i] = t->dtype == LAC_ENCODE_F16 ? from_f16(half) : from_bits((uint32_t)half << 16);
    }
}
