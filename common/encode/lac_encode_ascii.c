/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_ascii.h"

#include <string.h>

#define W LAC_ENCODE_BYTE_WORD
#define A LAC_ENCODE_BYTE_ALONE
#define B LAC_ENCODE_BYTE_BLANK
#define O LAC_ENCODE_BYTE_OTHER

const uint8_t lac_encode_bytes[256] = {
    /* clang-format off */
    O, O, O, O, O, O, O, O, O, B, B, O, O, B, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    B, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, W, W, W, W, W, W, W, W, W, W, A, A, A, A, A, A,
    A, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, A, A, A, A, A,
    A, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, A, A, A, A, O,
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    /* clang-format on */
};

#undef W
#undef A
#undef B
#undef O

/* Byte by byte: what is right, and what runs where there is nothing better. */
void lac_encode_ascii_portable(const unsigned char *text, size_t len, bool lower,
                               struct lac_encode_ascii *out)
{
    struct lac_encode_carry c = {0};
    bool in_word = false;
    size_t at;

    for (at = 0; at < len; at++) {
        unsigned char byte = text[at];
        uint8_t kind = lac_encode_bytes[byte];

        if (in_word && kind != LAC_ENCODE_BYTE_WORD) {
            out->end[c.ends++] = (uint16_t)at;
            in_word = false;
        }
        if (kind == LAC_ENCODE_BYTE_OTHER)
            break;
        out->bytes[at] = lower && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
        if (kind == LAC_ENCODE_BYTE_ALONE) {
            out->begin[c.begins++] = (uint16_t)at;
            out->end[c.ends++] = (uint16_t)(at + 1);
        } else if (kind == LAC_ENCODE_BYTE_WORD && !in_word) {
            out->begin[c.begins++] = (uint16_t)at;
            in_word = true;
        }
    }
    lac_encode_ascii_close(out, &c, at);
}

lac_encode_ascii_pass *lac_encode_ascii_of(enum lac_encode_isa isa)
{
#ifdef __x86_64__
    if (isa == LAC_ENCODE_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                       __builtin_cpu_supports("popcnt")
                   ? lac_encode_ascii_avx2
                   : NULL;
    if (isa == LAC_ENCODE_AVX512)
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512vbmi2")
                   ? lac_encode_ascii_avx512
                   : NULL;
#endif
    return isa == LAC_ENCODE_PORTABLE ? lac_encode_ascii_portable : NULL;
}

lac_encode_ascii_pass *lac_encode_ascii_best(void)
{
    for (int isa = LAC_ENCODE_ISAS - 1; isa > 0; isa--)
        if (lac_encode_ascii_of((enum lac_encode_isa)isa))
            return lac_encode_ascii_of((enum lac_encode_isa)isa);
    return lac_encode_ascii_portable;
}
