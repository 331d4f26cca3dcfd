/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_record_random.h"

#include <string.h>

#include "lac_assert.h"
#include "lac_utf8.h"

/* splitmix64: small, good enough, and the same everywhere. */
uint64_t lac_random_next(struct lac_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t below(struct lac_random *r, size_t n)
{
    return (size_t)(lac_random_next(r) % n);
}

static char *take(struct lac_arena *a, size_t size)
{
    char *p = lac_arena_alloc(a, size);

    LAC_ASSERT(p);
    return p;
}

static struct lac_str random_string(struct lac_random *r, struct lac_arena *a)
{
    static const uint32_t samples[] = {'a',   'Z',   ' ',    0,       0x7F,    0x80,
                                       0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF};
    size_t n = below(r, 4) ? below(r, 24) : below(r, 300), len = 0;
    char *text = take(a, 4 * n + 1);

    for (size_t i = 0; i < n; i++)
        len += lac_utf8_put(text + len, below(r, 6) ? (uint32_t)('a' + below(r, 26))
                                                    : samples[below(r, LAC_COUNT(samples))]);
    return (struct lac_str){text, len};
}

static struct lac_str random_bytes(struct lac_random *r, struct lac_arena *a)
{
    size_t n = below(r, 200);
    char *bytes = take(a, n + 1);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)lac_random_next(r);
    return (struct lac_str){bytes, n};
}

static int64_t random_long(struct lac_random *r, int64_t min, int64_t max)
{
    switch (below(r, 6)) {
    case 0:
        return min;
    case 1:
        return max;
    case 2:
        return (int64_t)below(r, 256) - 128;
    default:
        break;
    }
    return (int64_t)(lac_random_next(r) >> below(r, 64)) & max;
}

static void random_value(struct lac_random *r, const struct lac_field *f, void *to,
                         struct lac_arena *a)
{
    switch (f->kind) {
    case LAC_FIELD_BOOL:
        *(bool *)to = below(r, 2);
        break;
    case LAC_FIELD_INT:
        *(int32_t *)to = (int32_t)random_long(r, INT32_MIN, INT32_MAX);
        break;
    case LAC_FIELD_LONG:
        *(int64_t *)to = random_long(r, INT64_MIN, INT64_MAX);
        break;
    case LAC_FIELD_STRING:
        *(struct lac_str *)to = random_string(r, a);
        break;
    case LAC_FIELD_BYTES:
        *(struct lac_str *)to = random_bytes(r, a);
        break;
    case LAC_FIELD_FIXED:
        for (size_t i = 0; i < f->fixed_size; i++)
            ((uint8_t *)to)[i] = (uint8_t)lac_random_next(r);
        break;
    case LAC_FIELD_ENUM:
        *(int *)to = (int)below(r, f->enum_type->symbol_count);
        break;
    case LAC_FIELD_RECORD:
        lac_record_random(r, f->record_type, to, a);
        break;
    }
}

static void random_items(struct lac_random *r, const struct lac_field *f, char *record,
                         struct lac_arena *a)
{
    size_t n = below(r, 3) ? below(r, 4) : below(r, 70);
    char *items = n ? take(a, n * f->item_size) : NULL;

    for (size_t i = 0; i < n; i++) {
        struct lac_pair *pair = (void *)(items + i * f->item_size);
        char *key;

        if (f->shape == LAC_SHAPE_ARRAY) {
            random_value(r, f, items + i * f->item_size, a);
            continue;
        }
        key = take(a, 2);
        key[0] = (char)('!' + i); /* n < 94: all differ */
        pair->key = (struct lac_str){key, 1};
        pair->value = random_string(r, a);
    }
    memcpy(record + f->offset, &items, sizeof(items));
    memcpy(record + f->count_offset, &n, sizeof(n));
}

void lac_record_random(struct lac_random *r, const struct lac_record_type *t, void *record,
                       struct lac_arena *a)
{
    memset(record, 0, t->size);
    for (size_t i = 0; i < t->field_count; i++) {
        const struct lac_field *f = &t->fields[i];
        char *to = (char *)record + f->offset;

        if (f->shape == LAC_SHAPE_ARRAY || f->shape == LAC_SHAPE_MAP) {
            random_items(r, f, record, a);
            continue;
        }
        if (f->shape == LAC_SHAPE_OPTIONAL && below(r, 2))
            continue;
        if (f->flag_offset)
            *((bool *)record + f->flag_offset) = true;
        random_value(r, f, to, a);
    }
}
