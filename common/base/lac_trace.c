/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_trace.h"

#include <string.h>

enum {
    LEN = LAC_TRACE_SIZE - 1,
    SPAN_AT = 36,
    SPAN_LEN = 16,
    FLAGS_AT = 53,
    HEX_LEN = 2, /* of version and flags */
};

/* Lower case only, as the specification has it. */
static bool is_hex(struct lac_str s, size_t from, size_t n, bool *zero)
{
    *zero = true;
    for (size_t i = from; i < from + n; i++) {
        char c = s.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        *zero &= c == '0';
    }
    return true;
}

bool lac_trace_read(char out[LAC_TRACE_SIZE], struct lac_str v)
{
    bool current, no_trace, no_span, no_flags;

    if (v.len < LEN || v.ptr[2] != '-' || v.ptr[SPAN_AT - 1] != '-' || v.ptr[FLAGS_AT - 1] != '-')
        return false;
    if (!is_hex(v, 0, HEX_LEN, &current) || memcmp(v.ptr, "ff", HEX_LEN) == 0 ||
        !is_hex(v, LAC_TRACE_ID_AT, LAC_TRACE_ID_LEN, &no_trace) ||
        !is_hex(v, SPAN_AT, SPAN_LEN, &no_span) || !is_hex(v, FLAGS_AT, HEX_LEN, &no_flags) ||
        no_trace || no_span)
        return false;
    if (v.len > LEN && (current || v.ptr[LEN] != '-'))
        return false;
    memcpy(out, v.ptr, LEN);
    out[LEN] = '\0';
    if (!current) { /* what else its flags mean is not known */
        bool sampled = strchr("13579bdf", v.ptr[FLAGS_AT + 1]) != NULL;

        memcpy(out, "00", HEX_LEN);
        memcpy(out + FLAGS_AT, sampled ? "01" : "00", HEX_LEN);
    }
    return true;
}
