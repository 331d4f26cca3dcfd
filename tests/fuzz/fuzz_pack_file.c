/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a pack file. The digest is made right first, or nothing behind it would ever be
 * reached. It opens or is refused with a reason; a pack that opened is written as it was read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_buf.h"
#include "lac_digest.h"
#include "lac_pack.h"

enum { AT_SIZE = 16, AT_DIGEST = 56, AT_REST = 88 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_right(unsigned char *file, size_t size)
{
    struct lac_sha256_ctx *ctx = NULL;
    struct lac_err err;

    for (size_t i = 0; i < 8; i++)
        file[AT_SIZE + i] = (unsigned char)(size >> 8 * i);
    LAC_ASSERT(lac_sha256_new(&ctx, &err) == LAC_OK);
    lac_sha256_init(ctx);
    lac_sha256_update(ctx, file, AT_DIGEST);
    lac_sha256_update(ctx, file + AT_REST, size - AT_REST);
    lac_sha256_final(ctx, file + AT_DIGEST);
    lac_sha256_free(ctx);
}

static void open_it(const unsigned char *file, size_t size)
{
    struct lac_pack *p = NULL, *again = NULL;
    struct lac_err err = {0};
    struct lac_buf out;

    if (lac_pack_open_bytes(&p, (struct lac_str){(const char *)file, size}, &err) != LAC_OK) {
        LAC_ASSERT(err.status == LAC_REJECT && err.text[0]);
        return;
    }
    lac_buf_init(&out, LAC_PACK_BYTES_MAX);
    LAC_ASSERT(lac_pack_write(p, &out, &err) == LAC_OK);
    LAC_ASSERT(lac_pack_open_bytes(&again, lac_buf_str(&out), &err) == LAC_OK);
    lac_buf_deinit(&out);
    lac_pack_close(again);
    lac_pack_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = calloc(1, size + 1);

    LAC_ASSERT(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    open_it(copy, size);
    if (size >= AT_REST) {
        make_right(copy, size);
        open_it(copy, size);
    }
    free(copy);
    return 0;
}
