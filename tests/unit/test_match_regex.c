/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: our patterns mean what they say, what cannot be run in bounded time is refused with its
 * place, and the router is told what matches need. Method: tables of patterns; then programs in
 * memory of all kinds.
 */
#include "lac_match_regex.h"

#include <stdio.h>
#include <string.h>

#include "lac_match_regex_internal.h"
#include "lac_test.h"
#include "match_regex_fixture.h"

struct row {
    const char *pattern, *text, *want; /* want: the first match; NULL: none */
};

static void the_longest_match_from_the_leftmost_start_is_found(void)
{
    static const struct row rows[] = {
        {"abc", "xxabcxx", "abc"},
        {"a{2,3}", "aaaa", "aaa"},
        {"a|ab|abc", "xabcd", "abc"},
        {"(?:ab|a)(?:c|bcd)", "abcd", "abcd"},
        {"\\b[0-9]{3}-[0-9]{2}-[0-9]{4}\\b", "1123-45-6789 123-45-6789.", "123-45-6789"},
        {"\\bgh[pousr]_[A-Za-z0-9]{4}\\b", "ghp_abcde ghs_ABC1", "ghs_ABC1"},
        {"(?i)secret", "my SeCrEt", "SeCrEt"},
        {"(?i:a)b", "AB Ab", "Ab"},
        {"a(?i)b|c", "C", "C"},
        {"(?:a(?i)b)c", "aBC aBc", "aBc"},
        {"^ab", "abab", "ab"},
        {"^ab", "xab", NULL},
        {"ab$", "abab", "ab"},
        {"ab$", "ab\n", "ab"},
        {"ab$", "ab\n\n", NULL},
        {"ab\\z", "ab\n", NULL},
        {"\\Aab\\Z", "ab", "ab"},
        {".{3}", "a\nbcd", "bcd"},
        {"(?s).{3}", "a\nbcd", "a\nb"},
        {"[^a-c]{2}", "abxyc", "xy"},
        {"[]a]{2}", "x]a", "]a"},
        {"[a\\-z]{3}", "a-z", "a-z"},
        {"[a-]{2}", "-a", "-a"},
        {"[[:upper:][:digit:]]{3}", "aB1C", "B1C"},
        {"\\x41\\x{42}", "AB", "AB"},
        {"\\.\\*\\(\\[\\{", ".*([{", ".*([{"},
        {"a{,2}", "a{,2}", "a{,2}"},
        {"x{a", "x{a", "x{a"},
        {"\\bx\\B", "x xy", "x"},
        {"(?:a{1,3}b){2}c?", "aabaabcc", "aabaabc"},
        {"(?:a|b{0,2})c", "bbc", "bbc"},
        {"(?:foo-)?bar", "foo-foo-bar", "foo-bar"},
        {"(?P<year>[0-9]{4})(?<month>-[0-9]{2})?", "in 2026-11", "2026-11"},
        {"(?:(?:a|bc){0,2}d){1,2}", "abcdbcad", "abcdbcad"},
        {"M\xc3\xbcller{1,2}", "Herr M\xc3\xbcllerr", "M\xc3\xbcllerr"},
        {"(?i)m\xc3\xbcller", "M\xc3\x9cLLER", "M\xc3\x9cLLER"},
        {"(?i)[\xc3\xa0-\xc3\xa9]{2}", "\xc3\x89\xc3\xa8", "\xc3\x89\xc3\xa8"},
        {"\xc3\xbc{2}", "\xc3\xbc\xc3\xbc", "\xc3\xbc\xc3\xbc"},
        {"[a\xc3\xa0-\xc3\xbf\xe2\x82\xac]{2}", "x\xc3\xbc\xe2\x82\xac", "\xc3\xbc\xe2\x82\xac"},
        {"\xc3\x9f|\\xdf\\x{20ac}", "\xc3\x9f\xe2\x82\xac", "\xc3\x9f\xe2\x82\xac"},
        {"\\xff\\x00?", "a\xff", "\xff"},
        {"[a-z]{1,3}[b-d]{1,3}x", "abcdabcx", "cdabcx"},
        {"(?:ab|b)(?:ba|a)?(?:b|ab)z", "abbabz", "abbabz"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        const struct lac_match_regex *r = fixture_compile(rows[i].pattern);
        struct lac_str text = lac_str_from(rows[i].text);
        size_t start = 0, end = 0;
        char got[64] = "no match";

        lac_test_row("%s in %s", rows[i].pattern, rows[i].text);
        if (lac_match_regex_find(r, text, 0, text.len, &start, &end))
            (void)snprintf(got, sizeof(got), "%.*s", (int)(end - start), text.ptr + start);
        LAC_TEST_STR(got, rows[i].want ? rows[i].want : "no match");
        for (size_t at = 0; at < start; at++)
            LAC_TEST_EQ(lac_match_regex_at(r, text, at, &end), false);
    }
}

static void what_is_not_supported_is_refused_with_its_place(void)
{
    static const struct {
        const char *pattern, *why;
    } rows[] = {
        {"ab*", "at byte 2: this repeat has no maximum"},
        {"[a-z]+@", "at byte 5: this repeat has no maximum"},
        {"a{2,}", "at byte 1: this repeat has no maximum"},
        {"a{513}", "at byte 1: more than 512 repeats"},
        {"a{300}b{300}", "it can match more than 512 bytes"},
        {"(?:a{30}){30}", "it can match more than 512 bytes"},
        {"a{3,2}", "at byte 1: the minimum is above the maximum"},
        {"a??", "at byte 2: lazy repeats"},
        {"a{1,2}?", "at byte 6: lazy repeats"},
        {"a?+", "at byte 2: possessive"},
        {"a{2}{3}", "at byte 4: a repeat of a repeat"},
        {"x(?=a)", "at byte 1: lookaround"},
        {"(?<!a)x", "at byte 0: lookaround"},
        {"(a)\\1", "at byte 3: backreferences"},
        {"a\\Kb", "at byte 1: the escape '\\K'"},
        {"\\pL", "at byte 0: the escape '\\p'"},
        {"(?x)a", "at byte 0: of (?...) only"},
        {"(?m)^a", "at byte 0: of (?...) only"},
        {"(*UTF8)a", "at byte 0: (*...)"},
        {"(ab", "at byte 0: this group is not closed"},
        {"a(?i", "at byte 1: this group is not closed"},
        {"ab)", "at byte 2: this ')' closes nothing"},
        {"[a", "at byte 0: this class is not closed"},
        {"[z-a]", "at byte 1: this range ends before it begins"},
        {"[a-\\d]", "at byte 1: a range goes from"},
        {"[[:foo:]]", "at byte 1: there is no such named class"},
        {"[^\\d\\D]", "at byte 0: no byte"},
        {"?a", "at byte 0: there is nothing to repeat"},
        {"^{2}a", "at byte 1: there is nothing to repeat"},
        {"a\\", "at byte 1: nothing follows"},
        {"\\xg0", "at byte 2: \\x wants"},
        {"\\x{110000}", "at byte 2: \\x{...} wants"},
        {"\xc3(", "at byte 0: this is no UTF-8"},
        {"", "it can match the empty text"},
        {"a?|b", "it can match the empty text"},
        {"\\b", "it can match the empty text"},
        {"(?:[a-z]{0,30}-?){0,16}", "it can match the empty text"},
        {"(?:[a-z]{1,20}-?){1,20}0", "it could take"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_err err;
        char got[LAC_ERR_TEXT_SIZE];

        lac_test_row("%s", rows[i].pattern);
        LAC_TEST_EQ(fixture_compile_text(lac_str_from(rows[i].pattern), &err) == NULL, true);
        LAC_TEST_EQ(err.status, LAC_REJECT);
        (void)snprintf(got, sizeof(got), "%.*s", (int)strlen(rows[i].why), err.text);
        LAC_TEST_STR(got, rows[i].why);
    }
}

static void what_is_legal_but_beyond_us_is_said_to_be(void)
{
    static const char *const patterns[] = {
        "\xc3\xbc.", "[^\xc3\xbc]", "\xc3\xbc\\D", "\\x{100}", "(?:(?:(?:a{0}){512}){512}){512}b",
    };
    char deep[8 * LAC_MATCH_REGEX_DEPTH + 8] = "";

    for (size_t i = 0; i < LAC_COUNT(patterns); i++) {
        struct lac_err err;

        lac_test_row("%s", patterns[i]);
        LAC_TEST_EQ(fixture_compile_text(lac_str_from(patterns[i]), &err) == NULL, true);
        LAC_TEST_EQ(err.status, LAC_OK);
        LAC_TEST_EQ(fixture_info.supported, false);
        LAC_TEST_EQ(fixture_info.reason[0] != 0, true);
        LAC_TEST_EQ(fixture_program.len, 0);
    }
    for (size_t i = 0; i <= LAC_MATCH_REGEX_DEPTH; i++)
        deep[i] = '(';
    LAC_TEST_EQ(fixture_compile_text(lac_str_from(deep), &(struct lac_err){0}) == NULL, true);
}

/* ---- what the router is told ---- */

static void prefixes_and_inner_literals_are_what_matches_need(void)
{
    static const struct {
        const char *pattern, *prefixes, *inner;
        bool word_start, word_end;
    } rows[] = {
        {"\\bgh[pousr]_[A-Za-z0-9]{36}\\b", "gho_|ghp_|ghr_|ghs_|ghu_", "gh@0-0", true, true},
        {"\\bsk-[0-9]{3}", "sk-", "sk-@0-0", true, false},
        {"AKIA[A-Z2-7]{16}", "AKIA", "AKIA@0-0", false, false},
        {"(?i)\\bapi[_-]?key", "api-key|api_key|apikey i", "api i@0-0", true, false},
        {"[0-9]{2,4}--x", "", "--x@2-4", false, false},
        {"\\b(?:AKIA|ASIA|xoxb-)[0-9]{4}\\b", "akia", "", true, true},
        {"(?:ab|cd)x{2}", "abxx|cdxx", "", false, false},
        {"\\b(?:foo )?[a-c]d\\b", "ad|bd|cd|foo ad|foo bd|foo cd", "d@1-5", true, true},
        {"-{5}BEGIN", "-----BEG", "BEGIN@5-5", false, false},
        {"\\$2[aby]\\$", "$2a$|$2b$|$2y$", "$2@0-0", false, false},
        {"^[A-Z]{3}$", "", "@0-0", true, true},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        (void)fixture_compile(rows[i].pattern);
        lac_test_row("%s", rows[i].pattern);
        LAC_TEST_EQ(fixture_info.word_start, rows[i].word_start);
        LAC_TEST_EQ(fixture_info.word_end, rows[i].word_end);
        if (strcmp(rows[i].prefixes, "akia") == 0) {
            LAC_TEST_EQ(fixture_info.prefix_count, 3);
            LAC_TEST_STR(fixture_prefixes(), "AKIA|ASIA|xoxb-");
            continue;
        }
        LAC_TEST_STR(fixture_prefixes(), rows[i].prefixes);
        if (rows[i].inner[0])
            LAC_TEST_STR(fixture_inner(), rows[i].inner);
    }
}

static void shapes_are_those_of_the_first_token(void)
{
    static const struct {
        const char *pattern, *shapes;
    } rows[] = {
        {"\\b[0-9]{3}-[0-9]{2}\\b", "000-"},
        {"\\b[A-Z]{2}[0-9]{2,3}\\b", "aa00$ aa000$"},
        {"\\b[A-Z0-9]{2}[0-9]?", "xx$+ xx0$+"},
        {"\\b[0-9]{2}[-.]?[0-9]\\b", "00-. 000$"},
        {"\\b[0-9]{2}(?:$|,)", "00,$"},
        {"\\b\\d{1,2}[a-z_]", "0_ 00_ 0a$+ 00a$+"},
        {"[0-9]{3}\\b", ""},
        {"\\b[0-9]{3,80}\\b", ""},
        {"\\b\\w{3}\\b", ""},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        (void)fixture_compile(rows[i].pattern);
        lac_test_row("%s", rows[i].pattern);
        LAC_TEST_STR(fixture_shapes(), rows[i].shapes);
    }
}

/* ---- programs in memory ---- */

static void programs_follow_each_other_in_one_buffer(void)
{
    struct lac_buf b;
    struct lac_match_regex_info i2;
    const struct lac_match_regex *one, *two;
    size_t end;

    lac_buf_init(&b, FIXTURE_PROGRAMS);
    LAC_TEST_NEED(lac_match_regex_compile(&b, LAC_STR("abc"), &i2, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_match_regex_compile(&b, LAC_STR("[xy]z"), &i2, NULL) == LAC_OK);
    one = lac_match_regex_valid(lac_buf_str(&b));
    LAC_TEST_NEED(one);
    two = lac_match_regex_valid(
        (struct lac_str){b.ptr + lac_match_regex_size(one), b.len - lac_match_regex_size(one)});
    LAC_TEST_NEED(two);
    LAC_TEST_EQ(lac_match_regex_at(one, LAC_STR("abc"), 0, &end), true);
    LAC_TEST_EQ(lac_match_regex_at(two, LAC_STR("abcyz"), 3, &end), true);
    LAC_TEST_EQ(end, 5);
    LAC_TEST_EQ(lac_match_regex_max_width(two), 2);
    LAC_TEST_EQ(lac_match_regex_at(two, LAC_STR("abcy"), 3, &end), false);
    LAC_TEST_EQ(lac_match_regex_at(two, LAC_STR("abcy"), 4, &end), false);
    lac_buf_deinit(&b);
}

/* What a program says that it costs is its compiler's word; from outside it may be a lie. */
static void a_program_that_claims_to_cost_little_is_refused(void)
{
    static const char *const patterns[] = {"[ab]{1,60}[ac]{1,60}[x-z]", "\\bghp_[A-Za-z0-9]{36}\\b",
                                           "abcdefgh(?:[ab]|cd){3,9}[x-z]{2}",
                                           "^(?:one|two)[a-z]{1,200}", "(?:[a-c]{1,3}-?){1,5}x"};
    static uint64_t memory[1024];
    struct lac_match_regex *r = (void *)memory;

    for (size_t i = 0; i < LAC_COUNT(patterns); i++) {
        struct lac_str bytes = {(const char *)memory, 0};

        lac_test_row("%s", patterns[i]);
        bytes.len = lac_match_regex_size(fixture_compile(patterns[i]));
        LAC_TEST_NEED(bytes.len <= sizeof(memory));
        memcpy(memory, fixture_program.ptr, bytes.len);
        LAC_TEST_NEED(lac_match_regex_valid(bytes) != NULL);
        LAC_TEST_EQ(lac_match_regex_cost(r), fixture_info.cost);
        r->cost = 0;
        CU_ASSERT_PTR_NULL(lac_match_regex_valid(bytes));
        r->cost = (fixture_info.cost - 1) / LAC_MATCH_REGEX_PREFIX_BYTES;
        if (fixture_info.prefix_count == 0 && !fixture_info.text_start)
            CU_ASSERT_PTR_NULL(lac_match_regex_valid(bytes));
        r->cost = LAC_MATCH_REGEX_COST + 1;
        CU_ASSERT_PTR_NULL(lac_match_regex_valid(bytes));
    }
}

/* Whatever was compiled there before, also what was refused half-way. */
static void memory_that_was_used_does_not_show(void)
{
    static const char *const patterns[] = {"b\xc3\xa4ume?",
                                           "(?:[ab]|cd){3,9}[x-z]{2}",
                                           "abc(def",
                                           "(?:(?:[ab]|cd){30}){30}",
                                           "\\b(?:one|two|three)-[0-9]{4,9}\\b",
                                           "x",
                                           "[^a]b.",
                                           "abc"};
    struct lac_match_regex_work *w = lac_match_regex_work_new();

    LAC_TEST_NEED(w);
    for (size_t i = 0; i < LAC_COUNT(patterns) * LAC_COUNT(patterns); i++) {
        struct lac_str p = lac_str_from(patterns[i % LAC_COUNT(patterns)]);
        struct lac_str before = lac_str_from(patterns[i / LAC_COUNT(patterns)]);
        struct lac_match_regex_info fresh, again;
        struct lac_err err = {0}, same = {0};
        struct lac_buf a, b;

        lac_test_row("%s behind %s", p.ptr, before.ptr);
        lac_buf_init(&a, FIXTURE_PROGRAMS);
        lac_buf_init(&b, FIXTURE_PROGRAMS);
        LAC_TEST_EQ(lac_match_regex_compile_in(w, &b, before, &again, &same) == LAC_FATAL, false);
        lac_buf_reset(&b);
        same = (struct lac_err){0};
        LAC_TEST_EQ(lac_match_regex_compile(&a, p, &fresh, &err),
                    lac_match_regex_compile_in(w, &b, p, &again, &same));
        LAC_TEST_STR(same.text, err.text);
        LAC_TEST_EQ(memcmp(&again, &fresh, sizeof(fresh)), 0);
        CU_ASSERT(a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0));
        lac_buf_deinit(&a);
        lac_buf_deinit(&b);
    }
    lac_match_regex_work_free(w);
}

static void no_room_for_the_program_is_fatal(void)
{
    char memory[64] __attribute__((aligned(8)));
    struct lac_buf b;
    struct lac_err err = {0};

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    LAC_TEST_EQ(lac_match_regex_compile(&b, LAC_STR("abc"), &fixture_info, &err), LAC_FATAL);
}

static void members_are_found_sixteen_at_a_time(void)
{
    struct lac_match_regex_set set = {{0}};

    lac_test_seed();
    for (size_t i = 0; i < sizeof(set.bits); i++)
        set.bits[i] = (uint8_t)lac_test_random(256);
    for (unsigned first = 0; first < 256; first++) {
        char bytes[LAC_MATCH_REGEX_STEP];
        unsigned want = 0;

        for (unsigned i = 0; i < sizeof(bytes); i++) {
            unsigned char c = (unsigned char)(first + i * 31);

            bytes[i] = (char)c;
            want |= (unsigned)lac_match_regex_set_has(&set, c) << i;
        }
        LAC_TEST_EQ(lac_match_regex_set_which(&set, bytes), want);
    }
}

LAC_TEST_MAIN(match_regex, the_longest_match_from_the_leftmost_start_is_found,
              what_is_not_supported_is_refused_with_its_place,
              what_is_legal_but_beyond_us_is_said_to_be,
              prefixes_and_inner_literals_are_what_matches_need,
              shapes_are_those_of_the_first_token, programs_follow_each_other_in_one_buffer,
              a_program_that_claims_to_cost_little_is_refused, memory_that_was_used_does_not_show,
              no_room_for_the_program_is_fatal, members_are_found_sixteen_at_a_time)
