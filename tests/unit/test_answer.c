/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the answer has the members that clients of the old service read and the new ones, and its
 * sentence says why without quoting. Method: one core by hand, compared whole.
 */
#include "lac_answer.h"

#include <string.h>

#include "lac_json.h"
#include "lac_records.h"
#include "lac_test.h"

static struct lac_finding findings[] = {
    {LAC_STR("email"), LAC_STR("EMAIL_ADDRESS"), LAC_STR("/text"), 11, 27, LAC_TIER_PROPRIETARY,
     LAC_STRENGTH_FLOOR, 950000},
    {LAC_STR("us-ssn"), LAC_STR("US_SSN"), LAC_STR("/text"), 30, 41, LAC_TIER_PROPRIETARY,
     LAC_STRENGTH_FLOOR, 900000},
};
static struct lac_opinion opinions[] = {
    {.layer = LAC_STR("heuristic"),
     .source = LAC_STR("mark"),
     .likelihoods = {50000, 300000, 900000}},
};
static struct lac_observation observations[] = {
    {LAC_STR("undecodable"), LAC_STR("/text"), LAC_STR("")},
};
static struct lac_str tags[] = {{"EMAIL", 5}, {"PII", 3}};
static struct lac_str route[] = {{"local_rag", 9}};

static struct lac_decision_core core_of(void)
{
    return (struct lac_decision_core){
        .semantics = 1,
        .tenant = LAC_STR("default"),
        .tier = LAC_TIER_PROPRIETARY,
        .posterior = {350000, 500000, 150000},
        .route = route,
        .route_count = 1,
        .tags = tags,
        .tags_count = 2,
        .findings = findings,
        .findings_count = 2,
        .stop = LAC_STOP_FLOOR,
        .engine = LAC_STR("rules/1"),
    };
}

static void the_answer_has_old_and_new_members(void)
{
    struct lac_decision_core core = core_of();
    struct lac_decision decision = {.final = true, .request_id = LAC_STR("r-1")};
    struct lac_answer answer = {&decision, &core, 1500};
    struct lac_json_writer w;
    struct lac_buf b;

    lac_buf_init(&b, 4096);
    lac_json_begin(&w, &b);
    lac_answer_json(&w, &answer);
    CU_ASSERT(lac_json_done(&w));
    LAC_TEST_STR(
        lac_buf_cstr(&b),
        "{\"tier\":\"PROPRIETARY\",\"confidence\":1,\"reasoning\":\"PROPRIETARY: EMAIL_ADDRESS at "
        "/text bytes 11-27 (rule email) sets a floor, and 1 more finding does.\","
        "\"tags\":[\"EMAIL\",\"PII\"],\"classifier\":\"heuristic\",\"latency_ms\":1.5,"
        "\"request_id\":\"r-1\",\"event_id\":\"00000000000000000000000000000000\",\"revision\":0,"
        "\"final\":true,\"decision_hash\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"posterior\":{\"public\":0.35,\"internal\":0.5,\"proprietary\":0.15},"
        "\"route\":[\"local_rag\"],\"findings\":[{\"rule\":\"email\",\"entity\":\"EMAIL_ADDRESS\","
        "\"field\":\"/text\",\"start\":11,\"end\":27,\"tier\":\"PROPRIETARY\",\"strength\":"
        "\"floor\",\"score\":0.95},{\"rule\":\"us-ssn\",\"entity\":\"US_SSN\",\"field\":\"/text\","
        "\"start\":30,\"end\":41,\"tier\":\"PROPRIETARY\",\"strength\":\"floor\",\"score\":0.9}],"
        "\"opinions\":[],\"observations\":[],\"stop\":\"floor\",\"pack\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\",\"model\":null,"
        "\"engine\":\"rules/1\"}");
    lac_buf_deinit(&b);
}

static void the_sentence_names_what_decided(void)
{
    struct lac_decision_core core = core_of();
    struct lac_buf b;

    lac_buf_init(&b, 4096);
    core.findings_count = 0;
    core.tier = LAC_TIER_INTERNAL;
    lac_answer_reasoning(&b, &core);
    LAC_TEST_STR(lac_buf_cstr(&b), "INTERNAL: no rule found anything, so the pack's prior and the "
                                   "strategy decide.");
    LAC_TEST_STR(lac_answer_classifier(&core), "default");
    lac_buf_reset(&b);
    core.opinions = opinions;
    core.opinions_count = 1;
    core.observations = observations;
    core.observations_count = 1;
    lac_answer_reasoning(&b, &core);
    LAC_TEST_STR(lac_buf_cstr(&b),
                 "INTERNAL: 1 opinion (mark) gives PUBLIC 35.0 %, INTERNAL 50.0 %, PROPRIETARY "
                 "15.0 %. The conservative matrix was used: /text undecodable.");
    LAC_TEST_STR(lac_answer_classifier(&core), "heuristic");
    lac_buf_deinit(&b);
}

static void what_tier_2_said_is_told_with_its_exemplars(void)
{
    static struct lac_str ids[] = {{"gen-0001", 8}, {"gen-0007", 8}, {"eng-0003", 8}, {"x", 1}};
    static struct lac_opinion said[] = {{.layer = LAC_STR("semantic"),
                                         .source = LAC_STR("minilm"),
                                         .likelihoods = {1000000, 30000, 1},
                                         .exemplars = ids,
                                         .exemplars_count = 4}};
    static struct lac_observation doubts[] = {
        {LAC_STR("gate"), LAC_STR("/text"), LAC_STR("far")},
    };
    struct lac_decision_core core = core_of();
    struct lac_answer answer = {.core = &core};
    struct lac_json_writer w;
    struct lac_buf b;

    core.findings_count = 0;
    core.tier = LAC_TIER_PUBLIC;
    core.opinions = said;
    core.opinions_count = 1;
    core.has_model_hash = true;
    core.model_hash.bytes[0] = 0xab;
    core.engine = LAC_STR("rules/1+cpu-fp32/avx2");
    lac_buf_init(&b, 4096);
    lac_answer_reasoning(&b, &core);
    LAC_TEST_STR(lac_buf_cstr(&b),
                 "PUBLIC: 1 opinion (minilm) gives PUBLIC 35.0 %, INTERNAL 50.0 %, PROPRIETARY "
                 "15.0 %. Most like exemplars gen-0001, gen-0007, eng-0003.");
    LAC_TEST_STR(lac_answer_classifier(&core), "embedding");
    core.observations = doubts;
    core.observations_count = 1;
    lac_buf_reset(&b);
    lac_answer_reasoning(&b, &core);
    /* The answer may be PUBLIC all the same: a list of harmless texts can say so. */
    CU_ASSERT_PTR_NOT_NULL(strstr(lac_buf_cstr(&b),
                                  "Unlike what was learned from (/text far), so tier 2 does not "
                                  "say PUBLIC."));
    lac_buf_reset(&b);
    lac_json_begin(&w, &b);
    lac_answer_json(&w, &answer);
    CU_ASSERT(lac_json_done(&w));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(lac_buf_cstr(&b), "\"exemplars\":[\"gen-0001\",\"gen-0007\",\"eng-0003\",\"x\"]}]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(lac_buf_cstr(&b), "\"model\":\"ab000000"));
    CU_ASSERT_PTR_NOT_NULL(strstr(lac_buf_cstr(&b), "\"engine\":\"rules/1+cpu-fp32/avx2\"}"));
    lac_buf_deinit(&b);
}

static struct lac_finding found(const char *rule, enum lac_tier tier, enum lac_strength strength)
{
    return (struct lac_finding){
        .rule = lac_str_from(rule), .entity = LAC_STR("E"), .tier = tier, .strength = strength};
}

static struct lac_opinion said_by(const char *layer)
{
    return (struct lac_opinion){.layer = lac_str_from(layer), .source = lac_str_from(layer)};
}

/* A floor counts where it is the answer; then what was asked last. */
static void who_settled_it_is_told(void)
{
    const struct lac_finding floor = found("a", LAC_TIER_PROPRIETARY, LAC_STRENGTH_FLOOR);
    const struct lac_finding lower = found("b", LAC_TIER_INTERNAL, LAC_STRENGTH_FLOOR);
    const struct lac_finding hint = found("c", LAC_TIER_PROPRIETARY, LAC_STRENGTH_OPINION);
    const struct {
        const char *want;
        struct lac_finding findings[2];
        const char *layers[2];
    } rows[] = {
        {"default", .layers = {NULL}},
        {"heuristic", {lower}, {NULL}},
        {"heuristic", .layers = {"heuristic"}},
        {"heuristic", {hint, floor}, {"semantic", "llm"}},
        {"heuristic", {floor}, {"semantic"}},
        {"embedding", {lower, hint}, {"heuristic", "semantic"}},
        {"llm", {hint, lower}, {"llm", "semantic"}},
        {"llm", .layers = {"semantic", "llm"}},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_decision_core core = {.tier = LAC_TIER_PROPRIETARY};
        struct lac_finding f[2] = {rows[i].findings[0], rows[i].findings[1]};
        struct lac_opinion o[2];

        core.findings = f;
        core.opinions = o;
        while (core.findings_count < 2 && f[core.findings_count].rule.ptr)
            core.findings_count++;
        for (; core.opinions_count < 2 && rows[i].layers[core.opinions_count];
             core.opinions_count++)
            o[core.opinions_count] = said_by(rows[i].layers[core.opinions_count]);
        lac_test_row("%zu", i);
        LAC_TEST_STR(lac_answer_classifier(&core), rows[i].want);
    }
}

/* What `core` is told as. */
static const char *told(const struct lac_decision_core *core)
{
    static char text[LAC_ANSWER_REASONING_MAX + 1];
    struct lac_buf b;

    lac_buf_init_fixed(&b, text, sizeof(text));
    lac_answer_reasoning(&b, core);
    return lac_buf_cstr(&b);
}

static void the_first_floor_of_the_answer_is_told_and_how_many_more(void)
{
    struct lac_finding f[] = {
        found("lower", LAC_TIER_INTERNAL, LAC_STRENGTH_FLOOR),
        found("hint", LAC_TIER_PROPRIETARY, LAC_STRENGTH_OPINION),
        found("claimed-tier", LAC_TIER_PROPRIETARY, LAC_STRENGTH_FLOOR),
        found("second", LAC_TIER_PROPRIETARY, LAC_STRENGTH_FLOOR),
        found("third", LAC_TIER_PROPRIETARY, LAC_STRENGTH_FLOOR),
    };
    struct lac_decision_core core = {
        .tier = LAC_TIER_PROPRIETARY, .findings = f, .findings_count = 3};

    LAC_TEST_STR(told(&core), "PROPRIETARY: E (rule claimed-tier) sets a floor.");
    core.findings_count = 4;
    LAC_TEST_STR(told(&core), "PROPRIETARY: E (rule claimed-tier) sets a floor, and 1 more "
                              "finding does.");
    core.findings_count = 5;
    LAC_TEST_STR(told(&core), "PROPRIETARY: E (rule claimed-tier) sets a floor, and 2 more "
                              "findings do.");
    f[2].field = LAC_STR("/files/0");
    f[2].end = 1;
    LAC_TEST_STR(told(&core), "PROPRIETARY: E at /files/0 bytes 0-1 (rule claimed-tier) sets a "
                              "floor, and 2 more findings do.");
}

static void three_opinions_are_named_and_why_the_matrix_is_another(void)
{
    struct lac_opinion o[] = {said_by("a"), said_by("b"), said_by("c"), said_by("d")};
    struct lac_observation doubt = {LAC_STR("over_limit"), LAC_STR("/text"), LAC_STR("")};
    static struct lac_str ids[] = {{"one", 3}};
    struct lac_decision_core core = {.posterior = {999999, 1, 0}, .opinions = o};

    core.opinions_count = 3;
    LAC_TEST_STR(told(&core), "PUBLIC: 3 opinions (a, b, c) together give PUBLIC 99.9 %, INTERNAL "
                              "0.0 %, PROPRIETARY 0.0 %.");
    core.opinions_count = 4;
    core.posterior = (struct lac_posterior){12345, 56789, 930866};
    o[1].exemplars = ids;
    o[1].exemplars_count = 1;
    core.observations = &doubt;
    core.observations_count = 1;
    LAC_TEST_STR(told(&core),
                 "PUBLIC: 4 opinions (a, b, c, ...) together give PUBLIC 1.2 %, INTERNAL 5.6 %, "
                 "PROPRIETARY 93.0 %. Most like exemplars one. The conservative matrix was used: "
                 "/text over the limit.");
    core.opinions_count = 0;
    doubt = (struct lac_observation){LAC_STR("unavailable"), LAC_STR("semantic"), LAC_STR("")};
    LAC_TEST_STR(told(&core), "PUBLIC: no rule found anything, so the pack's prior and the "
                              "strategy decide. The conservative matrix was used: semantic "
                              "unavailable.");
}

static void a_sentence_that_would_be_too_long_points_elsewhere(void)
{
    static char name[LAC_ANSWER_REASONING_MAX];
    struct lac_finding f = found("r", LAC_TIER_INTERNAL, LAC_STRENGTH_FLOOR);
    struct lac_decision_core core = {
        .tier = LAC_TIER_INTERNAL, .findings = &f, .findings_count = 1};
    size_t around = strlen("INTERNAL:  (rule r) sets a floor.");

    memset(name, 'n', sizeof(name));
    f.entity = (struct lac_str){name, sizeof(name) - around};
    LAC_TEST_EQ(strlen(told(&core)), LAC_ANSWER_REASONING_MAX);
    f.entity.len++;
    LAC_TEST_STR(told(&core), "INTERNAL: see findings and opinions.");
}

/* A record from elsewhere: its shares add up to anything, and the confidence is one all the same.
 */
static void what_is_no_distribution_is_no_confidence_above_one(void)
{
    static const struct {
        struct lac_posterior posterior;
        const char *want;
    } rows[] = {
        {{INT32_MAX, INT32_MAX, INT32_MAX}, "\"confidence\":1,"},
        {{900000, 900000, 900000}, "\"confidence\":1,"},
        {{250000, 250000, 250001}, "\"confidence\":0.750001,"},
        {{INT32_MIN, -1, 250000}, "\"confidence\":0.25,"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_decision_core core = core_of();
        struct lac_answer answer = {NULL, &core, 0};
        struct lac_json_writer w;
        struct lac_buf b;

        lac_test_row("%zu", i);
        core.posterior = rows[i].posterior;
        lac_buf_init(&b, 4096);
        lac_json_begin(&w, &b);
        lac_answer_json(&w, &answer);
        CU_ASSERT(lac_json_done(&w));
        CU_ASSERT(strstr(lac_buf_cstr(&b), rows[i].want) != NULL);
        lac_buf_deinit(&b);
    }
}

static void confidence_is_that_the_truth_is_not_stricter(void)
{
    static const int32_t want[LAC_TIER_COUNT] = {200000, 700000, 1000000};

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        const struct lac_decision_core core = {.tier = (enum lac_tier)t,
                                               .posterior = {200000, 500000, 300000}};

        lac_test_row("%d", t);
        LAC_TEST_EQ(lac_answer_confidence(&core), want[t]);
    }
}

LAC_TEST_MAIN(answer, what_is_no_distribution_is_no_confidence_above_one,
              confidence_is_that_the_truth_is_not_stricter, who_settled_it_is_told,
              the_first_floor_of_the_answer_is_told_and_how_many_more,
              three_opinions_are_named_and_why_the_matrix_is_another,
              a_sentence_that_would_be_too_long_points_elsewhere,
              what_tier_2_said_is_told_with_its_exemplars, the_answer_has_old_and_new_members,
              the_sentence_names_what_decided)
