/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger's schema and bytes written with it: one byte for our type, two for the schema's
 * length, the schema, the bytes. What can be read must be a valid record.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_opprogram.h"
#include "lac_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD_MAX = 4096, ARENA = 64 << 20, HEADER = 3 };

static struct lac_arena arena;

static void check(const struct lac_record_type *t, const void *record)
{
    static _Alignas(16) char again[RECORD_MAX];
    size_t n = t->encoded_size(record);
    char *out = malloc(n);

    LAC_ASSERT(out && t->encode(record, out) == n);
    LAC_ASSERT(t->decode(again, (struct lac_str){out, n}, &arena, NULL) == LAC_OK);
    LAC_ASSERT(t->encoded_size(again) == n);
    free(out);
}

static void run(const struct lac_record_type *t, struct lac_str schema, struct lac_str bytes)
{
    static _Alignas(16) char record[RECORD_MAX];
    struct lac_schema_node *root;
    struct lac_opprogram *p = NULL;
    struct lac_buf canonical;
    struct lac_arena a;
    struct lac_err err;

    LAC_ASSERT(lac_arena_init(&a, lac_schema_arena_size(schema.len), NULL) == LAC_OK);
    lac_buf_init(&canonical, 1 << 22);
    if (lac_schema_parse(&root, schema, &a, &err) == LAC_OK) {
        lac_schema_canonical(root, &canonical);
        (void)lac_schema_crc64(lac_buf_str(&canonical));
        if (lac_opprogram_new(&p, t, root, &err) != LAC_OK)
            LAC_ASSERT(err.status == LAC_REJECT);
    }
    lac_buf_deinit(&canonical);
    lac_arena_deinit(&a); /* a program needs nothing of its schema */
    if (p && lac_opprogram_run(p, record, bytes, &arena, &err) == LAC_OK)
        check(t, record);
    lac_opprogram_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t types = 0, length;

    if (size < HEADER)
        return 0;
    if (!arena.base)
        LAC_ASSERT(lac_arena_init(&arena, ARENA, NULL) == LAC_OK);
    lac_arena_reset(&arena);
    while (lac_record_types()[types])
        types++;
    LAC_ASSERT(types > 0);
    length = (size_t)data[1] << 8 | data[2];
    if (length > size - HEADER)
        length = size - HEADER;
    run(lac_record_types()[data[0] % types], (struct lac_str){(const char *)data + HEADER, length},
        (struct lac_str){(const char *)data + HEADER + length, size - HEADER - length});
    return 0;
}
