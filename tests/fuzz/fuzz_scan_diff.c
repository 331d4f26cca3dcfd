/* SPDX-License-Identifier: Apache-2.0 */
/* A diff of arbitrary bytes: nothing crashes, every hunk lies in its text and they are in order. */
#include "lac_scan_diff.h"

#include <stdint.h>

#include "lac_assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_scan_diff d;
    struct lac_err err;
    enum lac_status status;

    if (size > 1 << 16)
        return 0;
    lac_scan_diff_init(&d, (struct lac_str){(const char *)data, size});
    while ((status = lac_scan_diff_next(&d, &err)) == LAC_OK) {
        LAC_ASSERT(d.text.len > 0 && d.text.len <= size && d.path.len > 0 && d.hunk_count > 0);
        LAC_ASSERT(d.hunks[0].at == 0 && d.text.ptr[d.text.len - 1] == '\n');
        for (size_t i = 0; i < d.hunk_count; i++) {
            LAC_ASSERT(d.hunks[i].at < d.text.len);
            LAC_ASSERT(lac_scan_diff_hunk(&d, d.hunks[i].at) == i);
        }
    }
    LAC_ASSERT(status == LAC_AGAIN || status == LAC_REJECT);
    lac_scan_diff_deinit(&d);
    return 0;
}
