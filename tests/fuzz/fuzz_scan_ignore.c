/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns and a path from arbitrary bytes (up to the first NUL the patterns): nothing crashes, the
 * answer is the same twice, and forgetting patterns takes their effect away. */
#include "lac_scan_ignore.h"

#include <stdint.h>
#include <string.h>

#include "lac_assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t n = nul ? (size_t)(nul - data) : size;
    struct lac_str patterns = {(const char *)data, n};
    struct lac_str path = {(const char *)data + n + (nul != NULL), size - n - (nul != NULL)};
    struct lac_scan_ignore *g = lac_scan_ignore_new();
    struct lac_err err;
    bool file, folder;

    if (!g || size > 1 << 14) {
        lac_scan_ignore_free(g);
        return 0;
    }
    LAC_ASSERT(!lac_scan_ignored(g, path, true));
    LAC_ASSERT(lac_scan_ignore_add(g, LAC_STR(""), patterns, &err) == LAC_OK);
    file = lac_scan_ignored(g, path, false);
    folder = lac_scan_ignored(g, path, true);
    LAC_ASSERT(lac_scan_ignore_add(g, LAC_STR("elsewhere"), LAC_STR("*\n"), &err) == LAC_OK);
    if (path.len < 10 || memcmp(path.ptr, "elsewhere/", 10) != 0) {
        LAC_ASSERT(lac_scan_ignored(g, path, false) == file);
        LAC_ASSERT(lac_scan_ignored(g, path, true) == folder);
    }
    LAC_ASSERT(lac_scan_ignored_file(g, path) || !lac_scan_ignored(g, path, false));
    lac_scan_ignore_forget(g, 0);
    LAC_ASSERT(!lac_scan_ignored(g, path, true));
    lac_scan_ignore_free(g);
    return 0;
}
