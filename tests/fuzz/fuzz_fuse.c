/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash fuse whose file is damaged in any way: it opens, a record that is in hand from then on is
 * a suspect after the next start, and what is passed is forgotten.
 */
#include <stdint.h>

#include "lac_assert.h"
#include "lac_fuse.h"
#include "lac_fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lac_fuse *open_fuse(const char *path)
{
    struct lac_fuse *f;
    struct lac_err err;

    LAC_ASSERT(lac_fuse_open(&f, path, &err) == LAC_OK);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = lac_fuzz_file(data, size);
    struct lac_kafka_msg in_hand = {.topic = "t", .partition = 1, .offset = 5}, later = in_hand;
    struct lac_fuse *f;

    f = open_fuse(path);
    LAC_ASSERT(lac_fuse_crashes(f, &in_hand) == 0 || lac_fuse_any(f));
    lac_fuse_arm(f, &in_hand, 1);
    lac_fuse_close(f); /* as a crash leaves it */
    f = open_fuse(path);
    LAC_ASSERT(lac_fuse_any(f) && lac_fuse_crashes(f, &in_hand) > 0);
    later.offset = 6;
    lac_fuse_passed(f, &later);
    LAC_ASSERT(lac_fuse_crashes(f, &in_hand) == 0);
    LAC_ASSERT(lac_fuse_crashes(f, &later) == 0);
    lac_fuse_close(f);
    return 0;
}
