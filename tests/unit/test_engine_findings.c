/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a decision shows of what was found is bounded, the same in any order, and never what
 * was to be hidden. Method: single requests against the built-in pack, with more than there is room
 * for.
 */
#include "lac_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_fixture.h"
#include "lac_test.h"

static void findings_are_bounded_and_say_so(void)
{
    enum { MAILS = 3000 };
    char *text = malloc((size_t)MAILS * 32);
    struct lac_engine_out out;
    struct lac_request r;
    size_t n = 0;
    bool tagged = false;

    LAC_TEST_NEED(fixture_open() && text);
    for (int i = 0; i < MAILS; i++)
        n += (size_t)snprintf(text + n, 32, "u%d@example.com ", i);
    r = fixture_request(text);
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.findings_count, 16);
    for (size_t i = 0; i < out.core.tags_count; i++)
        tagged = tagged || lac_str_is(out.core.tags[i], "FINDINGS_TRUNCATED");
    CU_ASSERT(tagged);
    free(text);
}

static void map_order_does_not_show_in_what_is_left_out(void)
{
    enum { MANY = 300 };
    static struct lac_pair pairs[MANY];
    static char keys[MANY][16];
    struct lac_request r = fixture_request("x");
    struct lac_engine_out out, again;

    LAC_TEST_NEED(fixture_open());
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%03d", i);
        pairs[i] = (struct lac_pair){lac_str_from(keys[i]), LAC_STR("mail jane@example.com")};
    }
    r.metadata = pairs;
    r.metadata_count = MANY;
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.findings_count, LAC_ENGINE_FINDING_MAX);
    for (int i = 0; i < MANY / 2; i++) {
        struct lac_pair swap = pairs[i];

        pairs[i] = pairs[MANY - 1 - i];
        pairs[MANY - 1 - i] = swap;
    }
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_BALANCED, &r, &again), LAC_OK);
    LAC_TEST_EQ(lac_str_eq(out.core_bytes, again.core_bytes), true);
}

/* Puts the `code`-th order of `count` things into `order`. */
static void put_order(size_t *order, size_t count, size_t code)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = code % i, swap = order[i - 1];

        code /= i;
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

/* The conversation leaves room for `room` findings, and metadata has one in each of `count`
 * entries: those of the first keys are shown, in whichever order the entries come. */
static void first_keys_are_shown(size_t count, size_t room, size_t code)
{
    static const char *const keys[] = {"a", "b", "ba", "c", "d", "d"}; /* the last: twice */
    static const char *const fields[] = {"/metadata/a", "/metadata/b", "/metadata/ba",
                                         "/metadata/c", "/metadata/d", "/metadata/d"};
    static struct lac_message turns[LAC_ENGINE_FINDING_MAX];
    struct lac_request r = fixture_request("x");
    struct lac_pair pairs[LAC_COUNT(keys)];
    size_t order[LAC_COUNT(keys)], shown = 0;
    struct lac_engine_out out;

    for (size_t i = 0; i < LAC_COUNT(turns); i++)
        turns[i] = (struct lac_message){LAC_STR("user"), LAC_STR("x@example.com")};
    r.conversation = turns;
    r.conversation_count = LAC_ENGINE_FINDING_MAX - room;
    put_order(order, count, code);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct lac_pair){lac_str_from(keys[order[i]]), order[i] == 5
                                                                       ? LAC_STR("y x@example.com")
                                                                       : LAC_STR("x@example.com")};
    r.metadata = pairs;
    r.metadata_count = count;
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    lac_test_row("%zu entries, room for %zu, order %zu", count, room, code);
    for (size_t i = 0; i < out.core.findings_count; i++) {
        const struct lac_finding *f = &out.core.findings[i];

        if (!lac_str_has_at(f->field, 0, "/metadata"))
            continue;
        LAC_TEST_NEED(shown < room && lac_str_is(f->field, fields[shown]));
        CU_ASSERT(shown < 4 || room == count || f->start == 0); /* of two "d", the lower value */
        shown++;
    }
    LAC_TEST_EQ(shown, room < count ? room : count);
}

static void first_keys_are_shown_in_any_order(void)
{
    static const size_t orders[] = {1, 1, 2, 6, 24, 120, 720};

    LAC_TEST_NEED(fixture_open());
    for (size_t count = 1; count < LAC_COUNT(orders); count++)
        for (size_t room = 0; room <= count; room++)
            for (size_t code = 0; code<orders[count]; code += count> 5 ? 11 : 1)
                first_keys_are_shown(count, room, code);
}

static void a_full_arena_asks_for_fewer(void)
{
    struct lac_request r = fixture_request("mail jane.doe@example.com and 536-90-4399");
    struct lac_engine_in in = {.request = &r, .raw = r.text};
    struct lac_err err = {0};
    int refused = 0;

    LAC_TEST_NEED(fixture_open());
    for (size_t size = 64; size < 4096; size += 64) {
        struct lac_engine_out out;
        struct lac_arena small;
        enum lac_status status;

        LAC_TEST_EQ(lac_arena_init(&small, size, &err), LAC_OK);
        status = lac_engine_run(fixture_engines[1], fixture_pack, &in, 1, &small, &out, &err);
        CU_ASSERT(status == LAC_OK || status == LAC_AGAIN);
        refused += status == LAC_AGAIN;
        lac_arena_deinit(&small);
    }
    CU_ASSERT(refused > 3);
    /* And nothing of the refused attempts stays behind. */
    r = fixture_request("nothing");
    LAC_TEST_EQ(fixture_tier_of(LAC_STRATEGY_BALANCED, &r), LAC_TIER_INTERNAL);
}

static void an_excerpt_is_redacted_or_absent(void)
{
    static const char *const yaml = "name: t\nversion: 1\nbase: builtin\nexcerpt: 40\n";
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"mail jane.doe@example.com now", "mail [EMAIL_ADDRESS] now"},
        {"nothing special", "nothing special"},
        {"0123456789012345678901234567890123456789012", "0123456789012345678901234567890123456789"},
        {"012345678901234567890123456789 jane.doe@example.com", "012345678901234567890123456789 "},
        /* The name fits to the byte, and a byte less: what comes behind is not taken either. */
        {"01234567890123456789012 jane.doe@example.com", "01234567890123456789012 [EMAIL_ADDRESS]"},
        {"0123456789012345678901234 jane.doe@example.com", "0123456789012345678901234 "},
        {"0123456789012345678901234567890123456789 jane.doe@example.com x",
         "0123456789012345678901234567890123456789"},
        {"0123456789012345678901234567890123456\xc3\xa4\xc3\xa4 a@b.co ",
         "0123456789012345678901234567890123456\xc3\xa4"},
        {"bad \xff bytes", ""},
        {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "x\xc3\xa4",
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "x"},
    };
    struct lac_pack_file file = {LAC_STR("pack.yaml"), lac_str_from(yaml)};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    LAC_TEST_NEED(fixture_open());
    LAC_TEST_EQ(lac_pack_open_files(&p, &file, 1, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_request r = fixture_request(rows[i].text);
        struct lac_engine_in in = {.request = &r, .raw = r.text};
        struct lac_engine_out out;
        char got[64];

        lac_arena_reset(&fixture_arena);
        LAC_TEST_EQ(lac_engine_run(fixture_engines[1], p, &in, 1, &fixture_arena, &out, &err),
                    LAC_OK);
        snprintf(got, sizeof(got), "%.*s", LAC_STR_FMT(out.excerpt));
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(got, rows[i].want);
    }
    lac_pack_close(p);
}

/* What was not found can't be taken out, so nothing is shown: of a text with more findings than
 * are kept, and of one in a request that could not be decoded as a whole. */
static void a_text_that_is_not_known_whole_has_no_excerpt(void)
{
    static const char *const yaml = "name: t\nversion: 1\nbase: builtin\nexcerpt: 40\n";
    static char many[(LAC_ENGINE_FINDING_MAX + 1) * 7 + 1];
    struct lac_pack_file file = {LAC_STR("pack.yaml"), lac_str_from(yaml)};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    for (size_t i = 0; i < LAC_ENGINE_FINDING_MAX + 1; i++)
        memcpy(many + 7 * i, "a@b.co ", 7);
    LAC_TEST_NEED(fixture_open());
    LAC_TEST_NEED(lac_pack_open_files(&p, &file, 1, &err) == LAC_OK);
    for (int i = 0; i < 3; i++) {
        struct lac_request r = fixture_request(i == 1 ? many : "nothing special");
        struct lac_engine_in in = {.request = &r, .raw = r.text, .undecodable = i == 2};
        struct lac_engine_out out;

        lac_arena_reset(&fixture_arena);
        LAC_TEST_EQ(lac_engine_run(fixture_engines[1], p, &in, 1, &fixture_arena, &out, &err),
                    LAC_OK);
        lac_test_row("%d", i);
        LAC_TEST_STR(err.text, "");
        LAC_TEST_EQ(out.excerpt.len > 0, i == 0);
    }
    lac_pack_close(p);
}

LAC_TEST_MAIN(engine_findings, findings_are_bounded_and_say_so,
              map_order_does_not_show_in_what_is_left_out, first_keys_are_shown_in_any_order,
              a_full_arena_asks_for_fewer, an_excerpt_is_redacted_or_absent,
              a_text_that_is_not_known_whole_has_no_excerpt, fixture_close)
