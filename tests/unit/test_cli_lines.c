/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a labelled line or a request's is taken for what it says, or refused: a label that is
 * passed over in silence makes a measurement look better than it is. */
#include <stdio.h>
#include <string.h>

#include "lac_cli_eval.h"
#include "lac_cli_train.h"
#include "lac_test.h"

/* "TIER entity:start-end ...", or why not. */
static const char *read_line(const char *line, bool bytes)
{
    static char text[512];
    struct lac_cli_eval_options o = {.bytes = bytes,
                                     .aliases = {.items = {"SSN=US_SSN"}, .count = 1}};
    struct lac_cli_eval_line got;
    struct lac_json *doc = NULL;
    struct lac_arena a = {0};
    struct lac_err err = {0};
    int n;

    LAC_TEST_NEED(lac_arena_init(&a, 1 << 16, &err) == LAC_OK);
    if (lac_cli_eval_line_read(&got, &o, lac_str_from(line), &doc, &a, &err) == LAC_OK) {
        n = snprintf(text, sizeof(text), "%s", got.has_tier ? lac_tier_name(got.tier) : "-");
        for (size_t i = 0; i < got.span_count; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, " %.*s:%u-%u",
                          LAC_STR_FMT(got.spans[i].entity), got.spans[i].start, got.spans[i].end);
    } else {
        LAC_TEST_EQ(err.status, LAC_REJECT);
        (void)snprintf(text, sizeof(text), "%s", err.text);
    }
    lac_json_free(doc);
    lac_arena_deinit(&a);
    return text;
}

static void labels_are_taken_or_refused(void)
{
#define SPANS(...)       "{\"text\":\"\xc3\xa4 kim\",\"spans\":[" __VA_ARGS__ "]}"
#define SPAN(start, end) SPANS("{\"entity\":\"SSN\",\"start\":" start ",\"end\":" end "}")
    static const struct {
        const char *line;
        bool bytes;
        const char *want;
    } rows[] = {
        {"{\"text\":\"a\"}", false, "-"},
        {"{\"text\":\"a\",\"tier\":null,\"spans\":null,\"id\":7}", false, "-"},
        {"{\"full_text\":\"a\",\"tier\":\"PROPRIETARY\"}", false, "PROPRIETARY"},
        {"{\"text\":\"a\",\"tier\":\"SECRET\"}", false,
         "\"tier\" is PUBLIC, INTERNAL or PROPRIETARY"},
        {"{\"text\":\"a\",\"tier\":2}", false, "\"tier\" is PUBLIC, INTERNAL or PROPRIETARY"},
        {"{\"text\":\"a\",\"spans\":{}}", false, "\"spans\" is a list"},
        {"{\"text\":\"a\",\"spans\":1}", false, "\"spans\" is a list"},
        {"{\"id\":\"a\"}", false, "\"text\" is missing"},
        {"{\"text\":5}", false, "\"text\" is missing"},
        {"[]", false, "a line is a JSON object"},
        {SPAN("2", "5"), false, "- US_SSN:3-6"},
        {SPAN("2", "5"), true, "- US_SSN:2-5"},
        {SPAN("0", "1"), false, "- US_SSN:0-2"},
        {SPAN("3", "6"), true, "- US_SSN:3-6"},
        {SPAN("2", "6"), false,
         "a span ends behind the text; offsets are characters, or bytes with --bytes"},
        {SPAN("3", "7"), true,
         "a span ends behind the text; offsets are characters without --bytes"},
        {SPAN("3", "4294967301"), true,
         "a span ends behind the text; offsets are characters without --bytes"},
        {SPAN("2", "2"), false, "a span ends behind its start"},
        {SPAN("-1", "2"), false, "a span ends behind its start"},
        {SPAN("1.0", "2"), false,
         "a span is {\"entity\": text, \"start\": number, \"end\": number}"},
        {SPANS("{\"entity_type\":\"X\",\"start_position\":0,\"end_position\":5}"), false,
         "- X:0-6"},
        {SPANS("{\"label\":\"X\",\"start\":0,\"end\":5},{\"label\":\"Y\",\"start\":2,\"end\":3}"),
         false, "- X:0-6 Y:3-4"},
        {SPANS("7"), false, "a span is {\"entity\": text, \"start\": number, \"end\": number}"},
    };
#undef SPAN
#undef SPANS

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s, %d", rows[i].line, rows[i].bytes);
        LAC_TEST_STR(read_line(rows[i].line, rows[i].bytes), rows[i].want);
    }
}

/* The text, and the event's id in `event`; "" when the line is refused. */
static const char *read_request(const char *line, char event[LAC_EVENT_ID_TEXT_SIZE])
{
    static char text[64];
    struct lac_cli_train_request q;
    struct lac_err err = {0};

    text[0] = event[0] = '\0';
    if (lac_cli_train_request_read(&q, lac_str_from(line), "here", &err) == LAC_OK) {
        (void)snprintf(text, sizeof(text), "%.*s", LAC_STR_FMT(q.text));
        memcpy(event, q.event, sizeof(q.event));
    } else {
        LAC_TEST_EQ(err.status, LAC_REJECT);
    }
    lac_json_free(q.doc);
    return text;
}

/* A place that is guessed would give one request's text to another one's feedback. */
static void requests_name_their_whole_place(void)
{
#define REQUEST(place) "{" place ",\"value\":{\"text\":\"sea\"}}"
#define AT             "\"topic\":\"t\",\"timestamp\":\"2026-11-21T05:33:00.123Z\""
    static const struct {
        const char *line;
        bool taken;
    } rows[] = {
        {REQUEST(AT ",\"partition\":3,\"offset\":41"), true},
        {REQUEST(AT ",\"partition\":0,\"offset\":0"), true},
        {REQUEST(AT ",\"partition\":2147483647,\"offset\":9223372036854775807"), true},
        {REQUEST(AT ",\"partition\":2147483648,\"offset\":41"), false},
        {REQUEST(AT ",\"partition\":4294967299,\"offset\":41"), false},
        {REQUEST(AT ",\"partition\":-1,\"offset\":41"), false},
        {REQUEST(AT ",\"partition\":3,\"offset\":-1"), false},
        {REQUEST(AT ",\"partition\":3"), false},
        {REQUEST(AT ",\"offset\":41"), false},
        {REQUEST(AT ",\"partition\":\"3\",\"offset\":41"), false},
        {REQUEST("\"topic\":\"t\",\"partition\":3,\"offset\":41"), false},
        {REQUEST("\"timestamp\":\"2026-11-21T05:33:00.123Z\",\"partition\":3,\"offset\":41"),
         false},
        {REQUEST("\"topic\":\"t\",\"timestamp\":\"2026-11-21T05:33:00Z\",\"partition\":3,"
                 "\"offset\":41"),
         false},
        {REQUEST("\"topic\":\"t\",\"timestamp\":\"2026-11-21T05:33:00.123\",\"partition\":3,"
                 "\"offset\":41"),
         false},
        {REQUEST("\"topic\":\"t\",\"timestamp\":\"2026-11-21T05:33:00.12xZ\",\"partition\":3,"
                 "\"offset\":41"),
         false},
    };
#undef AT
#undef REQUEST
    char first[LAC_EVENT_ID_TEXT_SIZE], event[LAC_EVENT_ID_TEXT_SIZE];

    (void)read_request(rows[0].line, first);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].line);
        LAC_TEST_STR(read_request(rows[i].line, event), rows[i].taken ? "sea" : "");
        CU_ASSERT((strcmp(first, event) == 0) == (i == 0));
    }
}

LAC_TEST_MAIN(cli_lines, labels_are_taken_or_refused, requests_name_their_whole_place)
