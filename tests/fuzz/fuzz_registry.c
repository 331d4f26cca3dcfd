/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a schema registry may answer, whatever it is: two bytes of HTTP status, then a body. A
 * schema that is taken is used to read a record; one that is refused stays refused, and an answer
 * that proves nothing is never a refusal. This file stands in for the HTTP client, so that no byte
 * passes a socket.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_http_client.h"
#include "lac_records.h"
#include "lac_registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OURS = 7, ARENA = 1 << 20 };

static struct {
    unsigned status;
    struct lac_str body;
    unsigned asked;
} answer;

struct lac_http_client {
    char nothing;
};

enum lac_status lac_http_client_new(struct lac_http_client **out,
                                    const struct lac_http_client_options *options,
                                    struct lac_err *err)
{
    (void)options;
    *out = malloc(sizeof(**out));
    return *out ? LAC_OK : lac_err_set(err, LAC_FATAL, 0, "out of memory");
}

void lac_http_client_free(struct lac_http_client *c)
{
    free(c);
}

/* As the contract says: what does not fit is REJECT, and some statuses are a RETRY. */
enum lac_status lac_http_client_send(struct lac_http_client *c, const struct lac_http_call *call,
                                     struct lac_err *err)
{
    (void)c;
    answer.asked++;
    *call->status = answer.status;
    lac_buf_put_str(call->into, answer.body);
    if (!lac_buf_ok(call->into))
        return lac_err_set(err, LAC_REJECT, 0, "too large");
    if (answer.status == 0 || answer.status == 429 || answer.status == 502 ||
        answer.status == 503 || answer.status == 504)
        return lac_err_set(err, LAC_RETRY, 0, "not now");
    return LAC_OK;
}

/* A record whose writer's schema is the answer's; every byte of it is one a stranger may send. */
static void read_with(struct lac_registry *r, struct lac_str bytes)
{
    struct lac_schema_source source = lac_registry_source(r);
    static struct lac_arena arena;
    struct lac_request request;
    struct lac_wire *w;
    char framed[5 + 256] = {0, 0, 0, 0, OURS};
    size_t n = bytes.len < 256 ? bytes.len : 256;
    struct lac_err err;

    if (!arena.base && lac_arena_init(&arena, ARENA, NULL) != LAC_OK)
        return;
    if (lac_wire_open(&w, &source, &err) != LAC_OK)
        return;
    if (n > 0)
        memcpy(framed + 5, bytes.ptr, n);
    lac_arena_reset(&arena);
    if (lac_wire_read(w, &lac_request_type, &request, (struct lac_str){framed, 5 + n}, LAC_STR_NULL,
                      &arena, &err) == LAC_OK)
        LAC_ASSERT(request.text.len <= sizeof(framed) + answer.body.len);
    lac_wire_close(w);
}

/* Twice the same, and nobody was asked again unless the answer proved nothing. */
static void by_id(struct lac_registry *r)
{
    struct lac_str schema = LAC_STR_NULL, again = LAC_STR_NULL;
    struct lac_err err = {0};
    enum lac_status status;
    unsigned asked;

    status = lac_registry_by_id(r, OURS, &schema, &err);
    LAC_ASSERT(status == LAC_OK || status == LAC_RETRY || status == LAC_REJECT);
    LAC_ASSERT(status == LAC_OK || err.text[0] != '\0');
    LAC_ASSERT(status != LAC_OK || (answer.status == 200 && schema.len <= LAC_WIRE_SCHEMA_BYTES));
    LAC_ASSERT(status != LAC_REJECT || answer.status == 200 || answer.status == 404 ||
               answer.body.len > LAC_WIRE_SCHEMA_BYTES);
    asked = answer.asked;
    LAC_ASSERT(lac_registry_by_id(r, OURS, &again, &err) == status);
    LAC_ASSERT(answer.asked == asked); /* kept, remembered, or left alone for a moment */
    if (status != LAC_OK)
        return;
    LAC_ASSERT(again.ptr == schema.ptr && again.len == schema.len);
    read_with(r, answer.body);
}

static void enrol(struct lac_registry *r)
{
    uint32_t id = UINT32_MAX;
    struct lac_err err = {0};
    enum lac_status status = lac_registry_register(r, LAC_STR("lacuna.requests-value"),
                                                   LAC_STR("\"string\""), &id, &err);

    LAC_ASSERT(status == LAC_OK || status == LAC_RETRY || status == LAC_REJECT);
    LAC_ASSERT(status != LAC_OK || answer.status == 200);
    LAC_ASSERT(status != LAC_REJECT || answer.status == 409 || answer.status == 422 ||
               answer.body.len > LAC_WIRE_SCHEMA_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct lac_registry_options o = {.url = "http://registry"};
    struct lac_registry *r;
    struct lac_err err;

    if (size < 2)
        return 0;
    answer.status = (data[0] | (unsigned)data[1] << 8) % 600;
    answer.body = (struct lac_str){(const char *)data + 2, size - 2};
    answer.asked = 0;
    for (int what = 0; what < 2; what++) {
        if (lac_registry_open(&r, &o, &err) != LAC_OK)
            return 0;
        if (what == 0)
            by_id(r);
        else
            enrol(r);
        lac_registry_close(r);
    }
    return 0;
}
