/* SPDX-License-Identifier: Apache-2.0 */
/* A line of `lacuna tail requests`: where it stands in the log says which event it is. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lac_cli_train.h"
#include "lac_event_id.h"

/* "2026-11-21T05:33:00.123Z", as lac_clock_format() writes it. */
static bool parse_time(const char *text, int64_t *out)
{
    struct tm tm = {.tm_isdst = 0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms;

    if (!rest || strlen(rest) != 5 || rest[0] != '.' || rest[4] != 'Z' ||
        strspn(rest + 1, "0123456789") != 3)
        return false;
    ms = (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
    *out = (int64_t)timegm(&tm) * 1000 + ms;
    return true;
}

/* A place in the log. One that is made up would be another event's. */
static bool place_of(const struct lac_json *doc, const char *name, int64_t most, int64_t *out)
{
    const struct lac_json *v = lac_json_get(doc, name);

    *out = lac_json_int(v);
    return lac_json_kind(v) == LAC_JSON_INT && *out >= 0 && *out <= most;
}

enum lac_status lac_cli_train_request_read(struct lac_cli_train_request *out, struct lac_str line,
                                           const char *origin, struct lac_err *err)
{
    struct lac_event_id event;
    int64_t partition, offset, timestamp;
    struct lac_str topic, at;
    char time[64];
    enum lac_status status;

    *out = (struct lac_cli_train_request){0};
    status = lac_json_parse(&out->doc, line, err);
    if (status != LAC_OK)
        return status;
    topic = lac_json_string(lac_json_get(out->doc, "topic"));
    at = lac_json_string(lac_json_get(out->doc, "timestamp"));
    (void)snprintf(time, sizeof(time), "%.*s", LAC_STR_FMT(at));
    if (!topic.ptr || topic.len > LAC_EVENT_ID_NAME_MAX || !at.ptr || at.len >= sizeof(time) ||
        !parse_time(time, &timestamp) || !place_of(out->doc, "partition", INT32_MAX, &partition) ||
        !place_of(out->doc, "offset", INT64_MAX, &offset))
        return lac_err_set(err, LAC_REJECT, 0, "a line is a record as `lacuna tail` prints it");
    lac_event_id_make(&event, lac_str_from(origin), topic, (int32_t)partition, offset, timestamp);
    lac_event_id_format(out->event, &event);
    out->text = lac_json_string(lac_json_get(lac_json_get(out->doc, "value"), "text"));
    return LAC_OK;
}
