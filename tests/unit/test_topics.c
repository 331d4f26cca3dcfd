/* SPDX-License-Identifier: Apache-2.0 */
/* The table of topics says what DESIGN says, and names go both ways. */
#include "lac_topics.h"

#include "lac_records.h"
#include "lac_test.h"

static void every_topic_is_complete(void)
{
    for (unsigned id = 0; id < LAC_TOPIC_COUNT; id++) {
        const struct lac_topic *t = &lac_topics[id];

        lac_test_row("%s", t->name);
        CU_ASSERT(t->partitions > 0);
        CU_ASSERT(t->writers[0] && t->readers[0]);
        CU_ASSERT(!t->text || strlen(t->access) > 0);
        CU_ASSERT((t->type != NULL) != (strcmp(t->value, "as received") == 0));
        CU_ASSERT(!t->type || strcmp(t->type->name, t->value) == 0);
    }
}

static void only_these_topics_carry_text(void)
{
    static const bool text[LAC_TOPIC_COUNT] = {
        [LAC_TOPIC_REQUESTS] = true,    [LAC_TOPIC_REQUESTS_INTERACTIVE] = true,
        [LAC_TOPIC_ESCALATIONS] = true, [LAC_TOPIC_REPLAY] = true,
        [LAC_TOPIC_DEADLETTER] = true,  [LAC_TOPIC_FEEDBACK] = true,
    };

    for (unsigned id = 0; id < LAC_TOPIC_COUNT; id++) {
        lac_test_row("%s", lac_topics[id].name);
        LAC_TEST_EQ(lac_topics[id].text, text[id]);
    }
}

static void bulk_requests_belong_to_the_default_tenant(void)
{
    LAC_TEST_STR(lac_topics[LAC_TOPIC_REQUESTS].tenant, "default");
    CU_ASSERT_PTR_NULL(lac_topics[LAC_TOPIC_REQUESTS_INTERACTIVE].tenant);
    CU_ASSERT_PTR_NULL(lac_topics[LAC_TOPIC_REPLAY].tenant);
}

static void names_go_both_ways(void)
{
    char name[LAC_TOPIC_NAME_SIZE];

    for (unsigned id = 0; id < LAC_TOPIC_COUNT; id++) {
        lac_test_row("%s", lac_topics[id].name);
        LAC_TEST_NEED(lac_topic_full_name(name, "eu.", (enum lac_topic_id)id));
        LAC_TEST_EQ(lac_topic_find("eu.", lac_str_from(name)), id);
        LAC_TEST_EQ(lac_topic_find("eu.", lac_str_from(lac_topics[id].name)), id);
    }
    LAC_TEST_EQ(lac_topic_find("eu.", LAC_STR("us.requests")), LAC_TOPIC_COUNT);
    LAC_TEST_EQ(lac_topic_find("eu.", LAC_STR("")), LAC_TOPIC_COUNT);
}

static void names_that_kafka_refuses_are_refused(void)
{
    char name[LAC_TOPIC_NAME_SIZE], prefix[LAC_TOPIC_NAME_SIZE + 1];

    CU_ASSERT_FALSE(lac_topic_full_name(name, "a b.", LAC_TOPIC_ROUTING));
    CU_ASSERT_FALSE(lac_topic_full_name(name, "a/", LAC_TOPIC_ROUTING));
    memset(prefix, 'p', sizeof(prefix));
    prefix[LAC_TOPIC_NAME_SIZE - 1 - strlen("routing")] = '\0';
    CU_ASSERT_TRUE(lac_topic_full_name(name, prefix, LAC_TOPIC_ROUTING));
    prefix[LAC_TOPIC_NAME_SIZE - 1 - strlen("routing")] = 'p';
    prefix[LAC_TOPIC_NAME_SIZE - strlen("routing")] = '\0';
    CU_ASSERT_FALSE(lac_topic_full_name(name, prefix, LAC_TOPIC_ROUTING));
}

static void groups_carry_the_prefix(void)
{
    static const struct {
        const char *prefix, *want;
    } cases[] = {{"lacuna.", "lacuna-classify"},
                 {"test1.", "test1-classify"},
                 {"a.b-", "a.b-classify"},
                 {"bare", "bare-classify"},
                 {"", "classify"}};
    char group[LAC_TOPIC_NAME_SIZE], endless[LAC_TOPIC_NAME_SIZE];

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("\"%s\"", cases[i].prefix);
        CU_ASSERT(lac_topic_group(group, cases[i].prefix, LAC_TOPIC_REQUESTS));
        LAC_TEST_STR(group, cases[i].want);
    }
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    CU_ASSERT(!lac_topic_group(group, endless, LAC_TOPIC_REQUESTS));
}

LAC_TEST_MAIN(topics, groups_carry_the_prefix, every_topic_is_complete,
              only_these_topics_carry_text, bulk_requests_belong_to_the_default_tenant,
              names_go_both_ways, names_that_kafka_refuses_are_refused)
