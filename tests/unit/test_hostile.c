/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a text that is made to cost much costs in proportion to its length, in work and in memory,
 * and hides nothing: what stands behind it is found, or the answer says that there is more. Method:
 * what each rule looks for and what nearly is, repeated; long tokens; encodings around encodings;
 * characters that grow; more findings than anybody asked for. Work is counted in steps
 * (lac_steps.h), once for a text and once for one that is four times longer.
 *
 * LAC_TEST_TEN_MIB=1 goes up to 10 MiB instead of 512 KiB; under a sanitizer it is
 * less, and only the work for one byte is looked at.
 */
#include "lac_scan.h"

#include <stdlib.h>
#include <string.h>

#include "lac_engine.h"
#include "lac_env.h"
#include "lac_pack.h"
#include "lac_scan_ignore.h"
#include "lac_steps.h"
#include "lac_test.h"

/* Growth is promised from one window of a scan to many; under a sanitizer texts are shorter. */
#if defined(__SANITIZE_THREAD__)
enum { SLOWER = 20, WINDOWS = 0 };
#elif defined(__SANITIZE_ADDRESS__)
enum { SLOWER = 5, WINDOWS = 0 };
#else
enum { SLOWER = 1, WINDOWS = 1 };
#endif

enum {
    TIMES = 4,
    LONG_BYTES = 10 << 20,
    SHORT_BYTES = (512 << 10) / SLOWER,
    RULE_BYTES = WINDOWS ? 4 << 10 : 512,
    /* Basic blocks for one byte, whatever it is: the built-in rules, not optimised. A text of
     * ordinary words takes about five. */
    STEPS_MAX = 5000,
    PATTERN_STEPS_MAX = 30, /* for one byte of a path and one of a pattern */
    NEEDLE_ROOM = 128,
};

/* Beside what repeats, each text ends with this. */
static const char needle[] = "\n\nkey AKIAQ3EGRZQ7WNTB4XKP.\n\n";
static const char needle_rule[] = "aws-access-key";
enum { NEEDLE_AT = 6, NEEDLE_BYTES = 20 };

static struct lac_pack *pack;
static struct lac_scan_plan *plan;
static struct lac_scan *scan;
static char *text; /* LONG_BYTES and room for the needle */

static void setup(void)
{
    static const struct lac_scan_options all = {.min_score = LAC_MATCH_SCORE_COUNTS};
    struct lac_err err = {0};

    LAC_TEST_NEED((text = malloc(LONG_BYTES + NEEDLE_ROOM)) != NULL);
    LAC_TEST_NEED(lac_pack_open(&pack, "", &err) == LAC_OK);
    LAC_TEST_NEED(lac_scan_plan_open(&plan, pack, &all, &err) == LAC_OK);
    LAC_TEST_NEED(lac_scan_open(&scan, plan, &err) == LAC_OK);
}

static void teardown(void)
{
    lac_scan_close(scan);
    lac_scan_plan_close(plan);
    lac_pack_close(pack);
    free(text);
}

static size_t longest(void)
{
    return lac_env("LAC_TEST_TEN_MIB") ? LONG_BYTES : SHORT_BYTES;
}

/* `what` again and again, and the needle. */
static struct lac_str repeated(struct lac_str what, size_t size)
{
    for (size_t n = 0; n < size; n += what.len)
        memcpy(text + n, what.ptr, what.len < size - n ? what.len : size - n);
    memcpy(text + size, needle, sizeof(needle) - 1);
    return (struct lac_str){text, size + sizeof(needle) - 1};
}

/* By its own rule, or inside of what begins before it: a key that is cut may go on with any line
 * that can be one of a key. */
static bool has_needle(const struct lac_scan_result *r, size_t from)
{
    const size_t start = from + NEEDLE_AT, end = start + NEEDLE_BYTES;

    for (size_t i = r->count; i-- > 0;) {
        const struct lac_scan_finding *f = &r->at[i];
        const struct lac_match_rule *rule = lac_scan_rule(plan, f->rule);

        if (f->start <= start && f->end >= end && rule->tier == LAC_TIER_PROPRIETARY &&
            (f->start < from || lac_str_eq(rule->id, lac_str_from(needle_rule))))
            return true;
    }
    return false;
}

/* Steps for the text, which must give the needle away. */
static uint64_t cost(struct lac_str what, size_t size, struct lac_scan_result *r)
{
    struct lac_str s = repeated(what, size);
    uint64_t before = lac_steps();
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_scan_text(scan, s, 0, s.len, r, &err), LAC_OK);
    LAC_TEST_EQ(r->truncated, false);
    LAC_TEST_EQ(has_needle(r, size), true);
    return lac_steps() - before;
}

/* Four times the text is at most four times the work; a tenth is for where windows meet. */
static void check_growth(const char *name, struct lac_str what)
{
    size_t size = longest();
    struct lac_scan_result r;
    uint64_t less, more;
    bool grows;

    lac_test_row("%s", name);
    less = cost(what, size / TIMES, &r);
    more = cost(what, size, &r);
    grows = WINDOWS && more / TIMES > less + less / 10;
    LAC_TEST_EQ(grows, false);
    LAC_TEST_EQ(more / size <= STEPS_MAX, true);
    if (grows || more / size > STEPS_MAX)
        printf("\n%s: %zu bytes take %llu steps, %zu take %llu\n", name, size / TIMES,
               (unsigned long long)less, size, (unsigned long long)more);
}

/* ---- what a text can be made of ---- */

static void long_tokens_and_near_misses(void)
{
    static const char *const rows[] = {
        "a",
        "1",
        "Z9-",
        "f0",
        "aB",
        "1-",
        "1.",
        "4 1 1 1 ",
        "1:",
        "::",
        "@",
        "a@",
        "a.b@c.d",
        "-",
        "_",
        " ",
        "\n",
        ".",
        "/",
        "=",
        "\"",
        "{\"",
        "+1 (",
        "sk-",
        "sk-a",
        "eyJ.",
        "ghp_",
        "xoxb-",
        "1 2 3 4 5 6 7 8 9 0 ",
        "1-2-3-4-5-6-7-8-9-0-",
        "4111-1111-1111-1112 ",
        "(555) 555-555",
        "123-45-678 ",
        "GB82 WEST 1234 5698 7654 3",
        "0x",
        "-----BEGIN ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n",
        "eyJhbGciOiJIUzI1NiJ9.",
        "password=",
        "password = ",
        "secret_key=\"",
        "postgres://",
        "http://a:",
        "curl -u ",
        "mysql -p",
        "Bearer ",
        "Authorization: Basic ",
        "abandon ",
        "{\"kty\":\"RSA\",\"d\":\"",
        "a:b:c:d:e\n",
        "+44 20 ",
        "internal ",
        "what is internal use only ",
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        check_growth(rows[i], lac_str_from(rows[i]));
}

static void words_that_much_depends_on(void)
{
    static const char *const rows[] = {
        "key ",
        "token ",
        "password ",
        "number ",
        "id ",
        "passport 123456789 ",
        "tax id number passport licence ssn iban account card 12345678 123456789 1234567890 ",
        "dob 01/01/1990 ",
        "secret 0123456789abcdef0123456789abcdef ",
        /* passport number, in scripts that have two views */
        "\xe6\x97\x85\xe5\x88\xb8\xe7\x95\xaa\xe5\x8f\xb7 TK1234567 ",
        "\xd0\xb8\xd0\xbd\xd0\xbd 7707083893 ",
        "\xce\x91\xce\xa6\xce\x9c 123456783 ",
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        check_growth(rows[i], lac_str_from(rows[i]));
}

static void encodings_around_encodings(void)
{
    static const char *const rows[] = {
        "%",
        "%2",
        "%25",
        "%2525252541",
        "\\",
        "\\\\",
        "\\u0041",
        "\\u005cu0041",
        "\\x5cx41",
        "&",
        "&#65;",
        "&#38;#65;",
        "&#x26;#38;",
        "&nbsp;",
        "&amp;#65;",
        "&#",
        "&#0",
        "\\101",
        "\\134101",
        "=41",
        "=3D41",
        "=",
        "+",
        "a+",
        "=a+",
        "?q=a+",
        "sixty columns of mail that go on and on and on in the next line=\n",
        "\x1b[",
        "\x1b[1;31m",
        "QUFB",
        "UVVGQg",
        "QQBCAEMARABF", /* UTF-16 */
        "AEEAQgBDAEQA",
        "//5BAEIA",
        "QQBCAEMARABFAEYA/AAAAAAAAAA-", /* ... and what is no text */
        "-QQBCAEMARABFAEYAwA-",
        "410042004300",
        "/QUJDREVGR0hJSktMTU5PUFFSU1RVVldYAAAA", /* just enough of it */
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYwICA",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWkFCQ0RFRkdISUpL\n    ",
        "VVZWR1FnPT0K",
        "3431",
        "33343331",
        "JTI1MjUyNTI1MjU0MQ==\n",
        "QUtJQVEzRUdSWlE3V05UQjRYS1AK ",
        "UVV0SlFWRXpSVWRTV2xFM1YwNVVRalJZUzFBSwo= ",
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        check_growth(rows[i], lac_str_from(rows[i]));
}

static void characters_that_grow_or_vanish(void)
{
    static const char *const rows[] = {
        "\xef\xb7\xba",             /* 18 characters in one */
        "\xcc\x81",                 /* marks upon nothing */
        "a\xcc\x81",                /* ... upon a letter */
        "\xe2\x80\x8b",             /* invisible ones */
        "1\xe2\x80\x8b",            /* ... between digits */
        "\xef\xbc\x91",             /* full-width digits */
        "\xd0\xb0",                 /* letters like ours */
        "a\xd0\xb0",                /* ... beside ours */
        "\xe6\x9c\xba",             /* without blanks */
        "\xe1\x84\x80\xe1\x85\xa1", /* parts of syllables */
        "\xf0\x9d\x90\x80",         /* mathematical letters */
        "\xff",                     /* no characters */
        "\xc3",
        ("\xe2\x80\xae"
         "a"),
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        check_growth(rows[i], lac_str_from(rows[i]));
}

static void nothing_but_findings(void)
{
    static const char *const rows[] = {
        "a@b.co ",
        "81.2.69.160 ",
        "4111 1111 1111 1111 ",
        "00:11:22:33:44:55 ",
        "internal use only ",
        "confidential ",
        "GB82 WEST 1234 5698 7654 32 ",
        "\\n a@b.co ",
        "%20a@b.co",
        "AKIAQ3EGRZQ7WNTB4XKP ",
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_scan_result r;

        check_growth(rows[i], lac_str_from(rows[i]));
        (void)cost(lac_str_from(rows[i]), longest(), &r);
        /* Each repetition is one of them, or two are one ("b.co%20a@b.co"): none is left out
         * because there are so many, but for what looks like another at a window's edge. */
        LAC_TEST_EQ(r.listed + longest() / (LAC_SCAN_WINDOW / 2) >= longest() / strlen(rows[i]) / 2,
                    true);
    }
}

/* A word for each rule that needs one, and behind them what many rules match wherever a word
 * begins, until they look closer. */
static void words_for_all_rules_before_long_runs(void)
{
    static const char *const runs[] = {"1-", "A1/", "1.",
                                       /* as much entropy as a key has */
                                       "aZ3/kQ9+vT1/mB7-xR5/cW2_yN8/dH6+pJ4-sL0/gF/uE-oI+"};
    enum { WORDS_MAX = 6 << 10, RUN_BYTES = 2 << 10 };
    const struct lac_match *m = lac_pack_match(pack);
    static char with[WORDS_MAX + RUN_BYTES];
    size_t words = 0;

    for (size_t i = 0; i < lac_match_rule_count(m); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(m, i);

        if (r->context_count == 0 || r->min_entropy == 0)
            continue;
        if (words + r->context[0].len + 1 > WORDS_MAX)
            break;
        memcpy(with + words, r->context[0].ptr, r->context[0].len);
        words += r->context[0].len;
        with[words++] = ' ';
    }
    for (size_t i = 0; i < LAC_COUNT(runs); i++) {
        for (size_t k = 0; k < RUN_BYTES; k++)
            with[words + k] = runs[i][k % strlen(runs[i])];
        with[words + RUN_BYTES - 1] = ' ';
        check_growth(runs[i], (struct lac_str){with, words + RUN_BYTES});
    }
}

/* What each rule is there to find and what it must leave alone, whole and cut. */
static void every_rules_own_examples(void)
{
    const struct lac_match *m = lac_pack_match(pack);
    static char with[4096];

    for (size_t i = 0; i < 4 * lac_match_rule_count(m); i++) {
        struct lac_pack_examples e = lac_pack_examples(pack, i / 4);
        const struct lac_str *from = i & 1 ? e.no_match : e.match;
        size_t count = i & 1 ? e.no_match_count : e.match_count;
        struct lac_scan_result r;
        struct lac_str s;
        uint64_t steps;

        if (count == 0)
            continue;
        s = from[i % count];
        if (s.len < 4 || s.len >= sizeof(with))
            continue;
        memcpy(with, s.ptr, s.len);
        with[s.len] = ' ';
        s = (struct lac_str){with, i & 2 ? s.len - 2 : s.len + 1};
        lac_test_row("%.*s, %s", LAC_STR_FMT(lac_match_rule_at(m, i / 4)->id),
                     i & 1 ? "what it is not" : "what it is");
        steps = cost(s, RULE_BYTES, &r);
        LAC_TEST_EQ(steps / RULE_BYTES <= STEPS_MAX, true);
    }
}

/* ---- a request ---- */

static bool observed(const struct lac_engine_out *out, const char *kind)
{
    for (size_t i = 0; i < out->core.observations_count; i++)
        if (lac_str_is(out->core.observations[i].kind, kind))
            return true;
    return false;
}

static void one_field_as_long_as_a_lane_reads(void)
{
    static const char *const rows[] = {"a",
                                       "1-",
                                       "eyJ.",
                                       "%25",
                                       "QUFB",
                                       "a@b.co ",
                                       "key 12345678 ",
                                       "\xef\xb7\xba",
                                       "\xd0\xb8\xd0\xbd\xd0\xbd 7707083893 "};
    const struct lac_engine_options options = {.strategy = LAC_STRATEGY_AGGRESSIVE,
                                               .commitment_key = LAC_STR("0123456789abcdef"),
                                               .commitment_key_id = LAC_STR("k"),
                                               .field_bytes = SHORT_BYTES / 2};
    struct lac_engine *engine = NULL;
    struct lac_err err = {0};
    struct lac_arena a;

    LAC_TEST_NEED(lac_engine_open(&engine, &options, &err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&a, LAC_ENGINE_ARENA_MIN, &err) == LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        uint64_t steps[3];

        for (size_t k = 0; k < LAC_COUNT(steps); k++) {
            /* A quarter, all that is read, and twice that. */
            size_t size = k == 0   ? options.field_bytes / TIMES
                          : k == 1 ? options.field_bytes - NEEDLE_ROOM
                                   : SHORT_BYTES;
            struct lac_request request = {.text = repeated(lac_str_from(rows[i]), size)};
            struct lac_engine_in in = {.request = &request, .raw = request.text};
            struct lac_engine_out out;
            uint64_t before = lac_steps();

            lac_test_row("%s, %zu bytes", rows[i], size);
            lac_arena_reset(&a);
            LAC_TEST_EQ(lac_engine_run(engine, pack, &in, 1, &a, &out, &err), LAC_OK);
            steps[k] = lac_steps() - before;
            CU_ASSERT(out.core.tier != LAC_TIER_PUBLIC);
            /* The needle is a floor, or what stands there was not looked at, and that is said. */
            CU_ASSERT(out.core.tier == LAC_TIER_PROPRIETARY ||
                      observed(&out, LAC_OBSERVATION_OVER_LIMIT) ||
                      observed(&out, LAC_OBSERVATION_UNDECODABLE));
        }
        LAC_TEST_EQ(WINDOWS && steps[1] / TIMES > steps[0] + steps[0] / 10, false);
        LAC_TEST_EQ(steps[2] <= steps[1] + steps[1] / 10, true);
    }
    lac_arena_deinit(&a);
    lac_engine_close(engine);
}

/* A name needs no context words, so all rules are asked: of what can be one. */
static void a_text_where_a_name_belongs(void)
{
    static const char *const rows[] = {"a", "1-", "12345678 ", "QUFB", "\xd0\xb0"};
    static struct lac_match_hit at[256];
    struct lac_match_scratch *scratch = NULL;
    struct lac_err err = {0};

    LAC_TEST_NEED(lac_match_scratch_open(&scratch, SHORT_BYTES, &err) == LAC_OK);
    LAC_TEST_NEED(lac_match_scratch_fit(scratch, lac_pack_match(pack), &err) == LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        size_t size = SHORT_BYTES - NEEDLE_ROOM;
        struct lac_match_hits hits = {
            .at = at, .capacity = LAC_COUNT(at), .decode = true, .is_name = true};
        struct lac_str s = repeated(lac_str_from(rows[i]), size);
        uint64_t before = lac_steps();

        lac_test_row("%s", rows[i]);
        LAC_TEST_EQ(lac_match_scan(lac_pack_match(pack), scratch, s, &hits, &err), LAC_OK);
        LAC_TEST_EQ((lac_steps() - before) / size <= STEPS_MAX, true);
        LAC_TEST_EQ(hits.floor, LAC_TIER_PROPRIETARY); /* for the needle */
    }
    lac_match_scratch_close(scratch);
}

/* Patterns that make other matchers go back and try again cost no more than others: in proportion
 * to the pattern and to the path. */
static void a_pattern_with_many_stars(void)
{
    enum { PATTERN = 900, PATH = 3000 };
    struct lac_scan_ignore *g = lac_scan_ignore_new();
    char pattern[PATTERN], path[PATH];
    struct lac_err err = {0};
    uint64_t before;

    LAC_TEST_NEED(g != NULL);
    for (size_t i = 0; i < PATTERN; i += 2)
        memcpy(pattern + i, "a*", 2);
    pattern[PATTERN - 1] = 'b';
    memset(path, 'a', PATH);
    LAC_TEST_EQ(lac_scan_ignore_add(g, LAC_STR(""), (struct lac_str){pattern, PATTERN}, &err),
                LAC_OK);
    before = lac_steps();
    LAC_TEST_EQ(lac_scan_ignored(g, (struct lac_str){path, PATH}, false), false);
    before = lac_steps() - before;
    lac_test_row("%llu steps", (unsigned long long)before);
    LAC_TEST_EQ(before <= PATTERN_STEPS_MAX * (uint64_t)PATTERN * PATH, true);
    lac_scan_ignore_free(g);
}

/* A folder's patterns are most of what a program does at its start. */
static void a_folders_patterns_are_compiled_once(void)
{
    struct lac_match *m = NULL;
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    uint64_t before, once;

    LAC_TEST_EQ(lac_pack_open(&p, "packs/builtin", &err), LAC_OK);
    LAC_TEST_NEED(p != NULL);
    before = lac_steps();
    LAC_TEST_EQ(lac_match_open(&m, lac_match_rule_at(lac_pack_match(p), 0),
                               lac_match_rule_count(lac_pack_match(p)), NULL, &err),
                LAC_OK);
    once = lac_steps() - before;
    lac_match_close(m);
    lac_pack_close(p);
    before = lac_steps();
    LAC_TEST_EQ(lac_pack_open(&p, "packs/builtin", &err), LAC_OK);
    before = lac_steps() - before;
    lac_test_row("%llu steps, %llu of them once", (unsigned long long)before,
                 (unsigned long long)once);
    LAC_TEST_EQ(before < once + once / 5, true);
    lac_pack_close(p);
}

static void end(void)
{
    teardown();
    CU_ASSERT(true);
}

LAC_TEST_MAIN(hostile, setup, long_tokens_and_near_misses, words_that_much_depends_on,
              encodings_around_encodings, characters_that_grow_or_vanish, nothing_but_findings,
              every_rules_own_examples, one_field_as_long_as_a_lane_reads,
              a_text_where_a_name_belongs, words_for_all_rules_before_long_runs,
              a_pattern_with_many_stars, a_folders_patterns_are_compiled_once, end)
