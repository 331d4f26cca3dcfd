/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of `lacuna tail requests` for `lacuna train`. What is taken has an event's id and names
 * every part of the place that the id is made of.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_train.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const places[] = {"topic", "timestamp", "partition", "offset"};
    struct lac_str line = {(const char *)data, size};
    struct lac_cli_train_request q, other;
    struct lac_err err = {0};

    if (size > 1 << 16)
        return 0;
    if (lac_cli_train_request_read(&q, line, "here", &err) != LAC_OK) {
        LAC_ASSERT(err.status == LAC_REJECT && err.text[0]);
        lac_json_free(q.doc);
        return 0;
    }
    LAC_ASSERT(strspn(q.event, "0123456789abcdef") == LAC_EVENT_ID_TEXT_SIZE - 1);
    LAC_ASSERT(!q.text.ptr || lac_utf8_valid(q.text));
    for (size_t i = 0; i < LAC_COUNT(places); i++)
        LAC_ASSERT(lac_json_get(q.doc, places[i]));
    LAC_ASSERT(lac_cli_train_request_read(&other, line, "there", &err) == LAC_OK);
    LAC_ASSERT(strcmp(q.event, other.event) != 0); /* another log's record is another event */
    lac_json_free(other.doc);
    lac_json_free(q.doc);
    return 0;
}
