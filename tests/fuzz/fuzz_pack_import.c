/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as rules of another tool; the first one says which. They are refused with a reason, or
 * what comes out is a rules file that loads.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_buf.h"
#include "lac_fuzz_pack.h"
#include "lac_pack.h"
#include "lac_pack_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_pack_import im = {.name = LAC_STR("in")};
    struct lac_pack_file files[] = {{LAC_STR("pack.yaml"), LAC_STR(LAC_FUZZ_PACK)},
                                    {LAC_STR("routing.yaml"), LAC_STR(LAC_FUZZ_ROUTING)},
                                    {LAC_STR("rules/in.yaml"), LAC_STR_NULL}};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    struct lac_buf out;

    if (size < 1 || size > 1 << 16)
        return 0;
    im.kind = data[0] & 1 ? LAC_PACK_IMPORT_PRESIDIO : LAC_PACK_IMPORT_GITLEAKS;
    im.data = (struct lac_str){(const char *)data + 1, size - 1};
    lac_buf_init(&out, 16 << 20);
    if (lac_pack_import_run(&im, &out, &err) != LAC_OK) {
        LAC_ASSERT(err.status == LAC_REJECT && err.text[0]);
    } else if (im.taken > 0) {
        files[2].data = lac_buf_str(&out);
        /* Two rules of one name are the only thing that may be wrong with it. */
        if (lac_pack_open_files(&p, files, 3, &err) != LAC_OK)
            LAC_ASSERT(strstr(err.text, "is used on line") || strstr(err.text, "more than"));
        lac_pack_close(p);
    }
    lac_buf_deinit(&out);
    return 0;
}
