/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_heap.h"

#include <malloc.h>

enum {
    TRIM_BYTES = 512 << 20,
    PAD_BYTES = 16 << 20,
    /* glibc's largest choice by itself, which ends with the first call below: fetched messages
     * come by the megabyte, and a mapping for each would be zeroed page by page. */
    MMAP_BYTES = 32 << 20,
};

void lac_heap_keep(void)
{
#ifdef __GLIBC__
    /* NOLINTBEGIN(concurrency-mt-unsafe): before there is a second thread, see the header */
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    (void)mallopt(M_TOP_PAD, PAD_BYTES);
    /* NOLINTEND(concurrency-mt-unsafe) */
#endif
}
