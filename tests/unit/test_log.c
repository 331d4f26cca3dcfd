/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a line of the log is read as it was meant, whatever messages from outside are in it. */
#include "lac_log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lac_json.h"
#include "lac_test.h"

/* What lac_log() writes with these arguments, without its line break and the time in front. */
#define LOGGED(format, out, ...)                           \
    do {                                                   \
        int kept_ = begin(format);                         \
        lac_log(LAC_LOG_WARN, "it_happened", __VA_ARGS__); \
        finish(kept_, (out), sizeof(out));                 \
    } while (0)

static FILE *caught;

static int begin(enum lac_log_format format)
{
    int kept = dup(STDERR_FILENO);

    lac_log_open("test", LAC_LOG_INFO, format);
    caught = tmpfile();
    LAC_TEST_NEED(kept >= 0 && caught);
    (void)dup2(fileno(caught), STDERR_FILENO);
    return kept;
}

static void finish(int kept, char *out, size_t size)
{
    ssize_t n = pread(fileno(caught), out, size - 1, 0);

    (void)dup2(kept, STDERR_FILENO);
    close(kept);
    (void)fclose(caught);
    LAC_TEST_NEED(n > 0 && out[n - 1] == '\n');
    out[n - 1] = '\0';
}

/* The line is one JSON object of `members` members, and its member `name` is `want`. */
static void check_member(const char *line, size_t members, const char *name, const char *want)
{
    struct lac_json *root = NULL;
    struct lac_err err;

    if (lac_json_parse(&root, lac_str_from(line), &err) != LAC_OK) {
        LAC_TEST_STR(err.text, line);
        return;
    }
    LAC_TEST_EQ(lac_json_size(root), members);
    LAC_TEST_NEED(lac_json_string(lac_json_get(root, name)).ptr != NULL);
    LAC_TEST_STR(lac_json_string(lac_json_get(root, name)).ptr, want);
    lac_json_free(root);
}

static void fields_are_kept_apart(void)
{
    char line[2048];

    LOGGED(LAC_LOG_KEY_VALUE, line, "n=%d why=\"%s\" last=%s", 3, "two words", "x");
    LAC_TEST_STR(strstr(line, " level="), " level=warn program=test event=it_happened n=3 "
                                          "why=\"two words\" last=x");
    LOGGED(LAC_LOG_JSON, line, "n=%d why=\"%s\" last=%s", 3, "two words", "x");
    check_member(line, 7, "n", "3");
    check_member(line, 7, "why", "two words");
    check_member(line, 7, "last", "x");
    LOGGED(LAC_LOG_JSON, line, "%s", "");
    check_member(line, 4, "event", "it_happened");
}

static void a_message_from_outside_ends_no_value_and_adds_no_field(void)
{
    static const char hostile[] = "no \"table\" \\ here\" level=info x=\"\x1b[31m\xff\n";
    char line[2048];

    LOGGED(LAC_LOG_JSON, line, "why=\"%s\" n=1", hostile);
    check_member(line, 6, "why", "no \"table\" \\ here\" level=info x=\"\x1b[31m\xEF\xBF\xBD ");
    check_member(line, 6, "level", "warn");
    LOGGED(LAC_LOG_KEY_VALUE, line, "why=\"%s\" n=1", hostile);
    LAC_TEST_STR(strstr(line, " why="), " why=\"no \\\"table\\\" \\\\ here\\\" level=info "
                                        "x=\\\"\\u001b[31m\xEF\xBF\xBD \" n=1");
    LOGGED(LAC_LOG_KEY_VALUE, line, "why=%s n=1", "a\x1b\"b");
    LAC_TEST_STR(strstr(line, " why="), " why=a??b n=1");
    /* The mark that stands for quotes inside: in an argument it is no mark. */
    LOGGED(LAC_LOG_JSON, line, "why=\"%s\" n=1",
           "a\x1f level=info b=\x1f"
           "c");
    check_member(line, 5, "level", "warn");
    check_member(line, 5, "text",
                 "why=\x1f"
                 "a\x1f level=info b=\x1f"
                 "c\x1f n=1");
}

static void a_long_line_is_cut_and_stays_well_formed(void)
{
    char line[2048], text[6000], event[8];

    for (size_t n = 900; n < 6000; n = n < 1000 ? n + 1 : n + 997) {
        memset(text, '"', n);
        text[n] = '\0';
        for (int format = 0; format < 2; format++) {
            lac_test_row("%zu, format %d", n, format);
            LOGGED(format ? LAC_LOG_JSON : LAC_LOG_KEY_VALUE, line, "why=\"%s\" n=1", text);
            CU_ASSERT(strlen(line) < LAC_LOG_LINE_SIZE);
            (void)snprintf(event, sizeof(event), "%s", line + strlen(line) - 2);
            LAC_TEST_STR(event, format ? "\"}" : "\"\"");
            if (format)
                check_member(line, 5, "event", "it_happened");
        }
    }
}

LAC_TEST_MAIN(log, fields_are_kept_apart, a_message_from_outside_ends_no_value_and_adds_no_field,
              a_long_line_is_cut_and_stays_well_formed)
