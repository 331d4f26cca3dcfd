/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of classify and batch, as a client may send them. Whatever comes: no crash, a refusal
 * has its status and a text, and what is accepted can be encoded and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_arena.h"
#include "lac_assert.h"
#include "lac_bridge_body.h"
#include "lac_bridge_ids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum lac_status status, const struct lac_bridge_body *body,
                  const struct lac_err *err, struct lac_arena *a)
{
    if (status == LAC_REJECT) {
        LAC_ASSERT(err->code == 400 || err->code == 422);
        LAC_ASSERT(err->text[0] != '\0' && body->document == NULL);
        return;
    }
    if (status != LAC_OK)
        return;
    LAC_ASSERT(body->count <= LAC_BRIDGE_ITEMS_MAX);
    for (size_t i = 0; i < body->count; i++) {
        const struct lac_bridge_item *item = &body->items[i];
        struct lac_request again;
        if (item->error)
            continue;
        LAC_ASSERT(item->request.text.ptr != NULL);
        LAC_ASSERT(lac_str_is(item->request.tenant, "default"));
        size_t n = lac_request_encoded_size(&item->request);
        char *bytes = malloc(n ? n : 1);
        if (!bytes)
            return;
        LAC_ASSERT(lac_request_encode(&item->request, bytes) == n);
        status = lac_request_decode(&again, (struct lac_str){bytes, n}, a, NULL);
        LAC_ASSERT(status == LAC_OK || status == LAC_AGAIN); /* the arena may be full */
        if (status == LAC_OK)
            LAC_ASSERT(lac_str_eq(again.text, item->request.text));
        free(bytes);
    }
}

/* The short way for flat bodies says what the long way says, or leaves it to it. */
static void compare(struct lac_str text, struct lac_arena *a)
{
    static struct lac_arena other;
    struct lac_bridge_body one, tree;
    struct lac_err err = {0};
    if (!other.base && lac_arena_init(&other, 8 << 20, NULL) != LAC_OK)
        return;
    lac_arena_reset(a);
    lac_arena_reset(&other);
    enum lac_status short_way = lac_bridge_body_one(&one, text, a, &err);
    enum lac_status long_way = lac_bridge_body_tree(&tree, text, &other, &err);
    LAC_ASSERT(short_way == long_way);
    if (long_way == LAC_OK) {
        const struct lac_request *x = &one.items[0].request, *y = &tree.items[0].request;
        size_t n = lac_request_encoded_size(x);
        LAC_ASSERT(n == lac_request_encoded_size(y));
        char *bytes = malloc(2 * n);
        if (bytes) {
            LAC_ASSERT(lac_request_encode(x, bytes) == n && lac_request_encode(y, bytes + n) == n);
            LAC_ASSERT(memcmp(bytes, bytes + n, n) == 0);
        }
        free(bytes);
    }
    lac_bridge_body_deinit(&one);
    lac_bridge_body_deinit(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lac_arena arena;
    struct lac_bridge_body body;
    struct lac_err err = {0};
    struct lac_str text = {(const char *)data, size};
    struct lac_str key;
    char trace[LAC_TRACE_SIZE];
    if (!arena.base && lac_arena_init(&arena, 8 << 20, NULL) != LAC_OK)
        return 0;
    lac_arena_reset(&arena);
    check(lac_bridge_body_one(&body, text, &arena, &err), &body, &err, &arena);
    lac_bridge_body_deinit(&body);
    lac_arena_reset(&arena);
    check(lac_bridge_body_batch(&body, text, &arena, &err), &body, &err, &arena);
    lac_bridge_body_deinit(&body);
    compare(text, &arena);
    if (lac_bridge_key_parse(text, &key))
        LAC_ASSERT(key.len > 0 && key.len <= LAC_BRIDGE_KEY_MAX);
    (void)lac_trace_read(trace, text);
    return 0;
}
