/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the parser takes, the writer writes so that it reads back as the same text. */
#include <stdint.h>
#include <stdlib.h>

#include "lac_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_once(struct lac_buf *b, const struct lac_json *v)
{
    struct lac_json_writer w;

    lac_json_begin(&w, b);
    lac_json_put_value(&w, v);
    if (!lac_json_done(&w))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_buf first, second;
    struct lac_json *v;
    struct lac_err err;

    if (lac_json_parse(&v, (struct lac_str){(const char *)data, size}, &err) != LAC_OK) {
        if (v || strncmp(err.text, "line ", 5) != 0)
            abort();
        return 0;
    }
    lac_buf_init(&first, 64 * size + 1024);
    lac_buf_init(&second, 64 * size + 1024);
    write_once(&first, v);
    lac_json_free(v);
    if (lac_json_parse(&v, lac_buf_str(&first), NULL) != LAC_OK)
        abort();
    write_once(&second, v);
    lac_json_free(v);
    if (!lac_str_eq(lac_buf_str(&first), lac_buf_str(&second)))
        abort();
    lac_buf_deinit(&first);
    lac_buf_deinit(&second);
    return 0;
}
