/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as one file of a pack: the first byte says which. It opens or is refused with a reason;
 * a pack that opened also scans.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_fuzz_pack.h"
#include "lac_match.h"
#include "lac_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(const struct lac_pack *p, struct lac_str text)
{
    struct lac_match_scratch *s = NULL;
    struct lac_match_hit at[16];
    struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at)};
    struct lac_err err;

    LAC_ASSERT(lac_match_scratch_open(&s, 4096, &err) == LAC_OK);
    LAC_ASSERT(lac_match_scratch_fit(s, lac_pack_match(p), &err) == LAC_OK);
    LAC_ASSERT(lac_match_scan(lac_pack_match(p), s, text, &hits, &err) == LAC_OK);
    lac_match_scratch_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"terms/proprietary_terms.yaml", "rules.yaml",
                                        "routing.yaml", "pack.yaml"};
    struct lac_pack_file files[4] = {
        {LAC_STR("pack.yaml"), LAC_STR(LAC_FUZZ_PACK)},
        {LAC_STR("rules.yaml"), LAC_STR("rules: []\n")},
        {LAC_STR("routing.yaml"), LAC_STR(LAC_FUZZ_ROUTING)},
    };
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t count = 3;
    struct lac_str name;
    struct lac_str text;

    if (size < 1)
        return 0;
    name = lac_str_from(names[data[0] % LAC_COUNT(names)]);
    text = (struct lac_str){(const char *)data + 1, size - 1};
    files[3] = (struct lac_pack_file){name, text};
    if (data[0] % LAC_COUNT(names) == 0)
        count = 4; /* terms are one file more */
    for (size_t i = 0; i < 3; i++)
        if (lac_str_eq(files[i].path, name))
            files[i].data = text;
    if (lac_pack_open_files(&p, files, count, &err) == LAC_OK) {
        scan(p, text);
        lac_pack_close(p);
    } else {
        LAC_ASSERT(err.status == LAC_REJECT && err.text[0]);
    }
    return 0;
}
