/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_topics.h"

#include <stdio.h>

#include "lac_assert.h"

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool lac_topic_full_name(char out[LAC_TOPIC_NAME_SIZE], const char *prefix, enum lac_topic_id id)
{
    int n;

    LAC_ASSERT((unsigned)id < LAC_TOPIC_COUNT);
    n = snprintf(out, LAC_TOPIC_NAME_SIZE, "%s%s", prefix, lac_topics[id].name);
    if (n < 0 || n >= LAC_TOPIC_NAME_SIZE)
        return false;
    for (const char *c = out; *c; c++) {
        if (!name_char(*c))
            return false;
    }
    return true;
}

enum lac_topic_id lac_topic_find(const char *prefix, struct lac_str name)
{
    size_t n = strlen(prefix);

    if (name.len > n && memcmp(name.ptr, prefix, n) == 0)
        name = (struct lac_str){name.ptr + n, name.len - n};
    for (unsigned id = 0; id < LAC_TOPIC_COUNT; id++) {
        if (lac_str_is(name, lac_topics[id].name))
            return (enum lac_topic_id)id;
    }
    return LAC_TOPIC_COUNT;
}

bool lac_topic_group(char out[LAC_TOPIC_NAME_SIZE], const char *prefix, enum lac_topic_id id)
{
    static const char stem[] = "lacuna-"; /* what the table's names begin with */
    size_t len = strlen(prefix);
    int n;

    LAC_ASSERT((unsigned)id < LAC_TOPIC_COUNT);
    LAC_ASSERT(strncmp(lac_topics[id].group, stem, sizeof(stem) - 1) == 0);
    if (len > 0 && !strchr("._-", prefix[len - 1]))
        n = snprintf(out, LAC_TOPIC_NAME_SIZE, "%s-", prefix);
    else
        n = snprintf(out, LAC_TOPIC_NAME_SIZE, "%.*s%s", len ? (int)len - 1 : 0, prefix,
                     len ? "-" : "");
    if (n < 0 || n >= LAC_TOPIC_NAME_SIZE)
        return false;
    len = (size_t)n;
    n = snprintf(out + len, LAC_TOPIC_NAME_SIZE - len, "%s",
                 lac_topics[id].group + sizeof(stem) - 1);
    return n >= 0 && (size_t)n < LAC_TOPIC_NAME_SIZE - len;
}
