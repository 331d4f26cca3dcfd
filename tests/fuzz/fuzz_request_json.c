/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from a client as a Request: what is accepted goes to Avro, to JSON and back unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_record_json.h"
#include "lac_records.h"
#include "lac_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 64 << 20 };

static struct lac_arena arena;
static struct lac_wire *wire;

static struct lac_str encode(const struct lac_request *r)
{
    size_t n = lac_request_encoded_size(r);
    char *out = lac_arena_alloc(&arena, n);

    LAC_ASSERT(out && lac_request_encode(r, out) == n);
    return (struct lac_str){out, n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_str first, text = {(const char *)data, size};
    struct lac_request r, again;
    struct lac_json_writer w;
    struct lac_buf json;
    struct lac_err err;

    if (!wire) {
        LAC_ASSERT(lac_wire_open(&wire, NULL, NULL) == LAC_OK);
        LAC_ASSERT(lac_arena_init(&arena, ARENA, NULL) == LAC_OK);
    }
    lac_arena_reset(&arena);
    if (lac_wire_read(wire, &lac_request_type, &r, text, LAC_STR("application/json"), &arena,
                      &err) != LAC_OK) {
        LAC_ASSERT(err.status == LAC_REJECT);
        return 0;
    }
    first = encode(&r);
    LAC_ASSERT(lac_request_decode(&again, first, &arena, &err) == LAC_OK);
    lac_buf_init(&json, 1 << 26);
    lac_json_begin(&w, &json);
    lac_record_to_json(&w, &lac_request_type, &again);
    LAC_ASSERT(lac_json_done(&w));
    LAC_ASSERT(lac_wire_read(wire, &lac_request_type, &again, lac_buf_str(&json),
                             LAC_STR("application/json"), &arena, &err) == LAC_OK);
    LAC_ASSERT(lac_str_eq(encode(&again), first));
    lac_buf_deinit(&json);
    return 0;
}
