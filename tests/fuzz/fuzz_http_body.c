/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of classify and batch, as a client may send them. Whatever comes: no crash, a refusal
 * has its status and a text, and what is accepted can be encoded and read again.
 */
#include <stdint.h>
#include <stdlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lac_arena arena;
    struct lac_bridge_body body;
    struct lac_err err = {0};
    struct lac_str text = {(const char *)data, size};
    struct lac_str key;
    if (!arena.base && lac_arena_init(&arena, 8 << 20, NULL) != LAC_OK)
        return 0;
    lac_arena_reset(&arena);
    check(lac_bridge_body_one(&body, text, &arena, &err), &body, &err, &arena);
    lac_bridge_body_deinit(&body);
    lac_arena_reset(&arena);
    check(lac_bridge_body_batch(&body, text, &arena, &err), &body, &err, &arena);
    lac_bridge_body_deinit(&body);
    if (lac_bridge_key_parse(text, &key))
        LAC_ASSERT(key.len > 0 && key.len <= LAC_BRIDGE_KEY_MAX);
    (void)lac_bridge_traceparent_valid(text);
    return 0;
}
