/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a record: the first byte chooses the type. What decodes must encode to something that
 * decodes to the same, and the op program of our own schema must agree with the generated decoder
 * on every input.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_opprogram.h"
#include "lac_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES_MAX = 16, RECORD_MAX = 4096, ARENA = 64 << 20 };

static struct {
    struct lac_arena arena;
    struct lac_opprogram *programs[TYPES_MAX];
    size_t types;
} fixture;

static struct lac_opprogram *compile(const struct lac_record_type *t)
{
    struct lac_schema_node *root;
    struct lac_opprogram *p;
    struct lac_arena a;

    LAC_ASSERT(lac_arena_init(&a, lac_schema_arena_size(strlen(t->schema)), NULL) == LAC_OK);
    LAC_ASSERT(lac_schema_parse(&root, lac_str_from(t->schema), &a, NULL) == LAC_OK);
    LAC_ASSERT(lac_opprogram_new(&p, t, root, NULL) == LAC_OK);
    lac_arena_deinit(&a);
    return p;
}

static void prepare(void)
{
    if (fixture.types > 0)
        return;
    LAC_ASSERT(lac_arena_init(&fixture.arena, ARENA, NULL) == LAC_OK);
    for (const struct lac_record_type *const *t = lac_record_types(); *t; t++) {
        LAC_ASSERT((*t)->size <= RECORD_MAX && fixture.types < TYPES_MAX);
        fixture.programs[fixture.types++] = compile(*t);
    }
}

static struct lac_str encode(const struct lac_record_type *t, const void *record)
{
    size_t n = t->encoded_size(record);
    char *out = malloc(n); /* exact, so that ASan sees one byte too many */

    LAC_ASSERT(out && t->encode(record, out) == n);
    return (struct lac_str){out, n};
}

static void release(struct lac_str s)
{
    free((void *)s.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) char record[RECORD_MAX], again[RECORD_MAX];
    const struct lac_record_type *t;
    struct lac_str bytes, first, second;
    enum lac_status status;
    struct lac_err err;

    prepare();
    if (size < 1)
        return 0;
    t = lac_record_types()[data[0] % fixture.types];
    bytes = (struct lac_str){(const char *)data + 1, size - 1};
    lac_arena_reset(&fixture.arena);
    status = t->decode(record, bytes, &fixture.arena, &err);
    LAC_ASSERT(status == LAC_OK || status == LAC_REJECT);
    LAC_ASSERT(lac_opprogram_run(fixture.programs[data[0] % fixture.types], again, bytes,
                                 &fixture.arena, &err) == status);
    if (status != LAC_OK)
        return 0;
    first = encode(t, record);
    second = encode(t, again);
    LAC_ASSERT(lac_str_eq(first, second));
    release(second);
    LAC_ASSERT(t->decode(again, first, &fixture.arena, &err) == LAC_OK);
    second = encode(t, again);
    LAC_ASSERT(lac_str_eq(first, second));
    release(second);
    release(first);
    return 0;
}
