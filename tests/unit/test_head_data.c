/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: labelled texts and feedback become one list in a fixed order, or are refused with a place.
 */
#include "lac_head_data.h"

#include <stdio.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_test.h"

#define EVENT "000102030405060708090a0b0c0d0e0f"

static struct lac_head_data *open_data(void)
{
    struct lac_head_data *d = NULL;
    struct lac_err err;

    LAC_TEST_NEED(lac_head_data_new(&d, &err) == LAC_OK);
    return d;
}

static enum lac_status add(struct lac_head_data *d, const char *lines, struct lac_err *err)
{
    err->text[0] = '\0';
    return lac_head_data_add(d, "f.jsonl", LAC_STR("f"), lac_str_from(lines), err);
}

static void texts_are_sorted_and_hashed(void)
{
    static const char message[] = "\0\0\0\1a\0\0\0\x8INTERNAL\0\0\0\1f\0\0\0\2to"
                                  "\0\0\0\1b\0\0\0\6PUBLIC\0\0\0\1e\0\0\0\2me";
    struct lac_head_data *d = open_data();
    unsigned char hash[LAC_HEAD_HASH_SIZE];
    struct lac_err err;

    LAC_TEST_EQ(
        add(d,
            "\xef\xbb\xbf{\"id\":\"b\",\"text\":\"me\",\"tier\":\"public\",\"domain\":\"e\"}"
            "\r\n\n"
            "{\"id\":\"a\",\"text\":\"to\",\"tier\":\"INTERNAL\",\"note\":\"x\"}",
            &err),
        LAC_OK);
    LAC_TEST_EQ(lac_head_data_finish(d, &err), LAC_OK);
    LAC_TEST_EQ(lac_head_data_count(d), 2);
    CU_ASSERT(lac_str_is(lac_head_data_at(d, 0)->id, "a"));
    CU_ASSERT(lac_str_is(lac_head_data_at(d, 1)->text, "me"));
    LAC_TEST_EQ(lac_head_data_at(d, 1)->tier, LAC_TIER_PUBLIC);
    LAC_TEST_EQ(lac_head_data_domains(d), 2);
    CU_ASSERT(lac_str_is(lac_head_data_domain(d, 0), "e"));
    LAC_TEST_EQ(lac_head_data_at(d, 0)->domain, 1);
    lac_sha256(hash, message, sizeof(message) - 1);
    CU_ASSERT(memcmp(hash, lac_head_data_hash(d), sizeof(hash)) == 0);
    lac_head_data_free(d);
}

static void feedback_waits_for_its_text(void)
{
    struct lac_head_data *d = open_data();
    struct lac_err err;

    LAC_TEST_EQ(add(d,
                    "{\"event_id\":\"" EVENT "\",\"tier\":\"PUBLIC\",\"who\":\"u\",\"at\":5}\n"
                    "{\"topic\":\"lacuna.feedback\",\"offset\":1,\"value\":{\"event_id\":"
                    "\"000102030405060708090A0B0C0D0E0F\",\"tier\":\"INTERNAL\",\"at\":7}}\n"
                    "{\"event_id\":\"" EVENT "\",\"tier\":\"PROPRIETARY\",\"at\":6}\n"
                    "{\"event_id\":\"ff0102030405060708090a0b0c0d0e0f\",\"tier\":\"PUBLIC\"}",
                    &err),
                LAC_OK);
    LAC_TEST_EQ(lac_head_data_feedback(d), 4);
    LAC_TEST_EQ(lac_head_data_lines(d), 4);
    LAC_TEST_EQ(lac_head_data_join(d, LAC_STR(EVENT), LAC_STR("the text"), &err), LAC_OK);
    LAC_TEST_EQ(
        lac_head_data_join(d, LAC_STR("aa0102030405060708090a0b0c0d0e0f"), LAC_STR("no"), &err),
        LAC_OK);
    LAC_TEST_EQ(lac_head_data_finish(d, &err), LAC_OK);
    LAC_TEST_EQ(lac_head_data_count(d), 1);
    LAC_TEST_EQ(lac_head_data_at(d, 0)->tier, LAC_TIER_INTERNAL); /* the latest */
    CU_ASSERT(lac_str_is(lac_head_data_at(d, 0)->text, "the text"));
    CU_ASSERT(lac_str_is(lac_head_data_domain(d, 0), "feedback"));
    LAC_TEST_EQ(lac_head_data_waiting(d), 1);
    lac_head_data_free(d);
}

/* What people said about a text that is already there counts before the tier it came with. */
static void feedback_outweighs_an_older_label(void)
{
    struct lac_head_data *d = open_data();
    struct lac_err err;

    LAC_TEST_EQ(add(d,
                    "{\"id\":\"" EVENT "\",\"text\":\"x\",\"tier\":\"PUBLIC\","
                    "\"domain\":\"hr\"}\n"
                    "{\"event_id\":\"" EVENT "\",\"tier\":\"INTERNAL\"}\n"
                    "{\"event_id\":\"" EVENT "\",\"tier\":\"PROPRIETARY\"}",
                    &err),
                LAC_OK);
    LAC_TEST_EQ(lac_head_data_finish(d, &err), LAC_OK);
    LAC_TEST_NEED(lac_head_data_count(d) == 1);
    LAC_TEST_EQ(lac_head_data_at(d, 0)->tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(lac_str_is(lac_head_data_at(d, 0)->text, "x"));
    CU_ASSERT(lac_str_is(lac_head_data_domain(d, 0), "hr"));
    LAC_TEST_EQ(lac_head_data_waiting(d), 0);
    lac_head_data_free(d);
}

static void contradictions_are_refused(void)
{
    static const struct {
        const char *lines, *error;
    } cases[] = {
        {"{\"id\":\"a\",\"text\":\"x\",\"tier\":\"PUBLIC\"}\n"
         "{\"id\":\"a\",\"text\":\"y\",\"tier\":\"PUBLIC\"}",
         "f.jsonl:2: the id a is that of another text, at f.jsonl:1"},
        {"{\"id\":\"a\",\"text\":\"x\",\"tier\":\"PUBLIC\"}\n"
         "{\"id\":\"b\",\"text\":\"x\",\"tier\":\"INTERNAL\"}",
         "f.jsonl:2: the text of b is INTERNAL here and PUBLIC at f.jsonl:1 (a): one tier is "
         "right"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_head_data *d = open_data();
        struct lac_err err;

        LAC_TEST_EQ(add(d, cases[i].lines, &err), LAC_OK);
        LAC_TEST_EQ(lac_head_data_finish(d, &err), LAC_REJECT);
        LAC_TEST_STR(err.text, cases[i].error);
        lac_head_data_free(d);
    }
}

static void doubles_are_kept_once(void)
{
    struct lac_head_data *d = open_data();
    struct lac_err err;

    LAC_TEST_EQ(add(d,
                    "{\"id\":\"b\",\"text\":\"x\",\"tier\":\"PUBLIC\"}\n"
                    "{\"id\":\"a\",\"text\":\"x\",\"tier\":\"PUBLIC\"}\n"
                    "{\"id\":\"c\",\"text\":\"x\",\"tier\":\"PUBLIC\"}",
                    &err),
                LAC_OK);
    LAC_TEST_EQ(lac_head_data_finish(d, &err), LAC_OK);
    LAC_TEST_EQ(lac_head_data_count(d), 1);
    CU_ASSERT(lac_str_is(lac_head_data_at(d, 0)->id, "a"));
    LAC_TEST_EQ(lac_head_data_doubles(d), 2);
    lac_head_data_free(d);
}

static void bad_lines_are_named(void)
{
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"{", "f.jsonl:2: line 1"},
        {"[]", "f.jsonl:2: a line is a JSON object"},
        {"{\"text\":\"x\",\"tier\":\"PUBLIC\"}", "f.jsonl:2: \"id\" is"},
        {"{\"id\":\"a\",\"tier\":\"PUBLIC\"}", "f.jsonl:2: \"text\" is"},
        {"{\"id\":\"a\",\"text\":\"\",\"tier\":\"PUBLIC\"}", "f.jsonl:2: \"text\" is"},
        {"{\"id\":\"a\",\"text\":\"x\",\"tier\":\"SECRET\"}", "f.jsonl:2: \"tier\" is"},
        {"{\"id\":\"a\",\"text\":\"x\",\"tier\":\"PUBLIC\",\"domain\":\"\"}", "\"domain\" is"},
        {"{\"event_id\":\"00\",\"tier\":\"PUBLIC\"}", "f.jsonl:2: \"event_id\" is"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_head_data *d = open_data();
        struct lac_err err;
        char lines[256];

        snprintf(lines, sizeof(lines), "\n%s\n", cases[i].line);
        lac_test_row("%s", cases[i].line);
        LAC_TEST_EQ(add(d, lines, &err), LAC_REJECT);
        CU_ASSERT(strstr(err.text, cases[i].error) != NULL);
        lac_head_data_free(d);
    }
}

LAC_TEST_MAIN(head_data, texts_are_sorted_and_hashed, feedback_waits_for_its_text,
              feedback_outweighs_an_older_label, contradictions_are_refused, doubles_are_kept_once,
              bad_lines_are_named)
