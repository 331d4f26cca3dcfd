/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode.h"

#include "lac_assert.h"

static const char *const names[] = {
    [LAC_ENCODE_CPU_FP32] = "cpu-fp32", [LAC_ENCODE_CPU_BF16] = "cpu-bf16",
    [LAC_ENCODE_CPU_INT8] = "cpu-int8", [LAC_ENCODE_CUDA_BF16] = "cuda-bf16",
    [LAC_ENCODE_CUDA_FP8] = "cuda-fp8",
};

_Static_assert(LAC_COUNT(names) == LAC_ENCODE_CLASS_COUNT, "a name for each");

const char *lac_encode_class_name(enum lac_encode_class class)
{
    LAC_ASSERT((unsigned)class < LAC_ENCODE_CLASS_COUNT);
    return names[class];
}

bool lac_encode_class_parse(struct lac_str text, enum lac_encode_class *out)
{
    for (int i = 0; i < LAC_ENCODE_CLASS_COUNT; i++) {
        if (!lac_str_is(text, names[i]))
            continue;
        *out = (enum lac_encode_class)i;
        return true;
    }
    return false;
}
