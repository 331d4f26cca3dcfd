/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: our patterns mean what Vectorscan means by them, what cannot be run in bounded time is
 * refused with its place, and what the router is told holds for every match. Method: tables of
 * patterns; then random patterns and texts, with Vectorscan as the oracle for the leftmost longest
 * match; then programs with random damage, which must be refused or run safely.
 */
#include "lac_match_regex.h"

#include <hs.h>
#include <stdio.h>
#include <string.h>

#include "lac_test.h"

enum { PROGRAMS = 1 << 20, PATTERN_MAX = 600, TEXT_MAX = 700 };

static struct lac_buf out;
static struct lac_match_regex_info info;

/* The program, borrowed until the next one; NULL when it was refused or is unsupported. */
static const struct lac_match_regex *compile_str(struct lac_str pattern, struct lac_err *err)
{
    lac_buf_deinit(&out);
    lac_buf_init(&out, PROGRAMS);
    *err = (struct lac_err){0};
    if (lac_match_regex_compile(&out, pattern, &info, err) != LAC_OK || !info.supported)
        return NULL;
    return lac_match_regex_valid(lac_buf_str(&out));
}

static const struct lac_match_regex *compile(const char *pattern)
{
    struct lac_err err;
    const struct lac_match_regex *r = compile_str(lac_str_from(pattern), &err);

    if (!r) {
        lac_test_row("%s: %s%s", pattern, err.text, info.reason);
        LAC_TEST_EQ(err.status, LAC_OK);
    }
    LAC_TEST_NEED(r);
    return r;
}

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
        const struct lac_match_regex *r = compile(rows[i].pattern);
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
        LAC_TEST_EQ(compile_str(lac_str_from(rows[i].pattern), &err) == NULL, true);
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
        LAC_TEST_EQ(compile_str(lac_str_from(patterns[i]), &err) == NULL, true);
        LAC_TEST_EQ(err.status, LAC_OK);
        LAC_TEST_EQ(info.supported, false);
        LAC_TEST_EQ(info.reason[0] != 0, true);
        LAC_TEST_EQ(out.len, 0);
    }
    for (size_t i = 0; i <= LAC_MATCH_REGEX_DEPTH; i++)
        deep[i] = '(';
    LAC_TEST_EQ(compile_str(lac_str_from(deep), &(struct lac_err){0}) == NULL, true);
}

/* ---- what the router is told ---- */

static const char *prefixes(void)
{
    static char text[1024];
    size_t n = 0;

    text[0] = 0;
    for (size_t i = 0; i < info.prefix_count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "|" : "",
                              info.prefix[i].len, info.prefix[i].text);
    if (info.prefix_nocase)
        (void)snprintf(text + n, sizeof(text) - n, " i");
    return text;
}

static const char *inner(void)
{
    static char text[128];

    (void)snprintf(text, sizeof(text), "%.*s%s@%d-%d", info.inner_len, info.inner,
                   info.inner_nocase ? " i" : "", info.inner_min, info.inner_max);
    return text;
}

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
        (void)compile(rows[i].pattern);
        lac_test_row("%s", rows[i].pattern);
        LAC_TEST_EQ(info.word_start, rows[i].word_start);
        LAC_TEST_EQ(info.word_end, rows[i].word_end);
        if (strcmp(rows[i].prefixes, "akia") == 0) {
            LAC_TEST_EQ(info.prefix_count, 3);
            LAC_TEST_STR(prefixes(), "AKIA|ASIA|xoxb-");
            continue;
        }
        LAC_TEST_STR(prefixes(), rows[i].prefixes);
        if (rows[i].inner[0])
            LAC_TEST_STR(inner(), rows[i].inner);
    }
}

/* "3:ddd- e" is three digits, then '-' or the match's end. */
static const char *shapes(void)
{
    static char text[4096];
    size_t n = 0;

    text[0] = 0;
    for (size_t i = 0; i < info.shape_count; i++) {
        const struct lac_match_regex_shape *s = &info.shape[i];

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", i ? " " : "");
        for (unsigned k = 0; k < s->len; k++)
            text[n++] = "xa0"[s->digits >> k & 1 ? 2 : s->alphas >> k & 1];
        for (unsigned c = 0; c < 128; c++)
            if (lac_match_regex_set_has(&s->follow, (unsigned char)c))
                text[n++] = (char)c;
        if (s->ends)
            text[n++] = '$';
        if (s->longer)
            text[n++] = '+';
        text[n] = 0;
    }
    return text;
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
        (void)compile(rows[i].pattern);
        lac_test_row("%s", rows[i].pattern);
        LAC_TEST_STR(shapes(), rows[i].shapes);
    }
}

/* ---- random patterns ---- */

struct gen {
    char text[PATTERN_MAX];
    size_t len;
    unsigned budget;
    bool wide; /* with characters outside ASCII */
};

static void put(struct gen *g, const char *what)
{
    size_t n = strlen(what);

    if (g->len + n < sizeof(g->text)) {
        memcpy(g->text + g->len, what, n);
        g->len += n;
    }
}

static void gen_alt(struct gen *g, unsigned depth);

static void gen_atom(struct gen *g, unsigned depth)
{
    static const char *const atoms[] = {"a",   "b",     "c",     "A",      "0",      "1",   "_",
                                        "-",   "ab",    "bab",   "[a-c]",  "\\d",    "\\w", "[^a]",
                                        "\\s", ".",     "[ab0]", "[^-_]",  "a-",     "B",   "\\W",
                                        "\\n", "[A-C]", "\\D",   "(?i:a)", "(?i:cA)"};
    static const char *const repeats[] = {"?", "{2}", "{1,3}", "{0,2}", "{2,5}", "{0,1}", "{3}"};
    static const char *const wide[] = {
        "\xc3\xbc",    "[\xc3\xa0-\xc3\xbf\xe2\x82\xac]",  "(?i:\xc3\x9c)",
        "[a\xc3\xa9]", "(?i:[\xc3\xa0-\xc3\xa9\xd0\xb6])", "\xe2\x82\xac"};
    bool group = depth > 0 && lac_test_random(3) == 0;

    if (group) {
        put(g, lac_test_random(4) ? "(?:" : "(?i:");
        gen_alt(g, depth - 1);
        put(g, ")");
    } else if (g->wide && lac_test_random(2)) {
        put(g, wide[lac_test_random(LAC_COUNT(wide))]);
    } else {
        put(g, atoms[lac_test_random(LAC_COUNT(atoms))]);
    }
    if (lac_test_random(3) == 0)
        put(g, repeats[lac_test_random(LAC_COUNT(repeats))]);
}

static void gen_cat(struct gen *g, unsigned depth)
{
    static const char *const assertions[] = {"\\b", "\\b", "\\B", "^", "$", "\\z"};
    unsigned n = lac_test_random(4);

    for (unsigned i = 0; i <= n && g->budget > 0; i++) {
        g->budget--;
        if (lac_test_random(8) == 0)
            put(g, assertions[lac_test_random(LAC_COUNT(assertions))]);
        gen_atom(g, depth);
    }
    if (lac_test_random(8) == 0)
        put(g, assertions[lac_test_random(LAC_COUNT(assertions))]);
}

static void gen_alt(struct gen *g, unsigned depth)
{
    gen_cat(g, depth);
    while (lac_test_random(3) == 0) {
        put(g, "|");
        gen_cat(g, depth);
    }
}

static size_t gen_text(char *text, size_t most)
{
    static const char bytes[] = "aaabbbccABC0011__-- \n.\xc3";
    size_t len = lac_test_random((uint32_t)most);

    for (size_t i = 0; i < len; i++)
        text[i] = bytes[lac_test_random(sizeof(bytes) - 1)];
    return len;
}

/* Characters of one to three bytes. */
static size_t gen_wide_text(char *text, size_t most)
{
    static const char *const chars[] = {"a",
                                        "b",
                                        "A",
                                        "1",
                                        "-",
                                        " ",
                                        "\xc3\xbc",
                                        "\xc3\x9c",
                                        "\xc3\xa9",
                                        "\xc3\x89",
                                        "\xe2\x82\xac",
                                        "\xd0\x96",
                                        "\xd0\xb6",
                                        "c",
                                        "0"};
    size_t len = 0;

    for (size_t n = lac_test_random((uint32_t)most / 3); n > 0; n--) {
        for (const char *c = chars[lac_test_random(LAC_COUNT(chars))]; *c; c++)
            text[len++] = *c;
    }
    return len;
}

struct oracle {
    unsigned long long start, end;
    bool any;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg)
{
    struct oracle *o = arg;

    (void)id;
    (void)flags;
    if (!o->any || from < o->start || (from == o->start && to > o->end))
        *o = (struct oracle){from, to, true};
    return 0;
}

/* What the router is told must hold for a match. */
static bool told_right(struct lac_str text, size_t start, size_t end)
{
    size_t len = end - start;
    bool prefix = info.prefix_count == 0, inside = info.inner_len == 0;
    bool shape = info.shape_count == 0;
    size_t token = 0;

    if (len < info.min_width || len > info.max_width ||
        !lac_match_regex_set_has(&info.first, (unsigned char)text.ptr[start]) ||
        !lac_match_regex_set_has(&info.last, (unsigned char)text.ptr[end - 1]))
        return false;
    if (info.word_start && start > 0 &&
        (text.ptr[start - 1] == '_' || strchr("aAbBcC01", text.ptr[start - 1])))
        return false;
    if (info.word_end && end < text.len &&
        (text.ptr[end] == '_' || strchr("aAbBcC01", text.ptr[end])))
        return false;
    if (info.text_start && start != 0)
        return false;
    for (size_t i = 0; i < info.prefix_count; i++)
        prefix = prefix || (info.prefix[i].len <= len &&
                            (info.prefix_nocase ? strncasecmp : strncmp)(
                                text.ptr + start, info.prefix[i].text, info.prefix[i].len) == 0);
    for (size_t at = info.inner_min; at <= info.inner_max && at + info.inner_len <= len; at++)
        inside = inside || (info.inner_nocase ? strncasecmp : strncmp)(
                               text.ptr + start + at, info.inner, info.inner_len) == 0;
    while (start + token < text.len && strchr("aAbBcC01", text.ptr[start + token]))
        token++;
    for (size_t i = 0; i < info.shape_count; i++) {
        const struct lac_match_regex_shape *s = &info.shape[i];
        bool fits = s->len == token || (s->longer && s->len <= token && s->len == len);

        for (size_t k = 0; k < s->len && fits; k++) {
            bool digit = strchr("01", text.ptr[start + k]) != NULL;

            fits = !(digit ? s->alphas >> k & 1 : s->digits >> k & 1);
        }
        if (s->len == len)
            fits = fits && s->ends;
        else
            fits = fits && s->len < len &&
                   lac_match_regex_set_has(&s->follow, (unsigned char)text.ptr[start + s->len]);
        shape = shape || fits;
    }
    return prefix && inside && shape;
}

/*
 * Vectorscan's leftmost start is now and then further right than the leftmost one is. Where ours is
 * before its own, it is asked again about the text from the byte before ours on.
 */
static bool agrees_later(const hs_database_t *db, hs_scratch_t *scratch, struct lac_str text,
                         size_t start, size_t end)
{
    struct oracle o = {0};

    if (start == 0)
        return false;
    LAC_TEST_NEED(hs_scan(db, text.ptr + start - 1, (unsigned)(text.len - start + 1), 0, scratch,
                          on_match, &o) == HS_SUCCESS);
    return o.any && o.start == 1 && o.end == end - start + 1;
}

static void compare(const struct lac_match_regex *r, const hs_database_t *db, hs_scratch_t *scratch,
                    const struct gen *g)
{
    for (unsigned i = 0; i < 40; i++) {
        char bytes[64];
        size_t most = i < 36 ? 20 : sizeof(bytes);
        struct lac_str text = {bytes, g->wide ? gen_wide_text(bytes, most) : gen_text(bytes, most)};
        struct oracle o = {0};
        size_t start = 0, end = 0;
        bool found = lac_match_regex_find(r, text, 0, text.len, &start, &end);

        LAC_TEST_NEED(hs_scan(db, text.ptr, (unsigned)text.len, 0, scratch, on_match, &o) ==
                      HS_SUCCESS);
        if (found && o.any && start < o.start && agrees_later(db, scratch, text, start, end))
            o = (struct oracle){start, end, true};
        if (found != o.any || (found && (start != o.start || end != o.end)) ||
            (found && !told_right(text, start, end))) {
            lac_test_row("%s in \"%.*s\": %d %zu-%zu, not %d %llu-%llu, %s %s %s", g->text,
                         (int)text.len, text.ptr, found, start, end, o.any, o.start, o.end,
                         prefixes(), inner(), shapes());
            LAC_TEST_EQ(false, true);
        }
    }
}

static void random_patterns_find_what_vectorscan_finds(void)
{
    hs_scratch_t *scratch = NULL;
    unsigned compared = 0, refused = 0;

    lac_test_seed();
    for (unsigned i = 0; i < 4000; i++) {
        struct gen g = {.budget = 12, .wide = i % 4 == 0};
        const struct lac_match_regex *r;
        hs_compile_error_t *why = NULL;
        hs_database_t *db = NULL;
        struct lac_err err;

        gen_alt(&g, 2);
        if (g.wide)
            put(&g, "\xc3\xbc?"); /* so that it is UTF-8 */
        r = compile_str((struct lac_str){g.text, g.len}, &err);
        g.text[g.len < sizeof(g.text) ? g.len : sizeof(g.text) - 1] = 0;
        if (!r) {
            refused++;
            continue;
        }
        if (hs_compile(g.text, HS_FLAG_SOM_LEFTMOST | (g.wide ? HS_FLAG_UTF8 : 0), HS_MODE_BLOCK,
                       NULL, &db, &why) != HS_SUCCESS) {
            hs_free_compile_error(why);
            continue;
        }
        LAC_TEST_NEED(hs_alloc_scratch(db, &scratch) == HS_SUCCESS);
        compare(r, db, scratch, &g);
        hs_free_database(db);
        compared++;
    }
    hs_free_scratch(scratch);
    printf("compared %u, refused %u\n", compared, refused);
    LAC_TEST_EQ(compared > 1000, true);
}

/* ---- programs from outside ---- */

static void damaged_programs_are_refused_or_run_safely(void)
{
    static const char *const patterns[] = {"\\bgh[pousr]_[A-Za-z0-9]{36}\\b",
                                           "(?:[a-c]{1,3}-?){1,5}(?:0|1a|b{2})\\b",
                                           "(?i)(?:foo|bar|baz)[ab]{0,9}$"};
    static uint64_t memory[4096];
    const struct lac_match_regex *r;
    unsigned ran = 0;
    size_t size = 0;

    lac_test_seed();
    for (unsigned i = 0; i < 60000; i++) {
        char *bytes = (char *)memory;

        if (i % 20000 == 0)
            size = lac_match_regex_size(compile(patterns[i / 20000]));
        LAC_TEST_NEED(size <= out.len && out.len <= sizeof(memory));
        size = out.len;
        memcpy(bytes, out.ptr, size);
        for (unsigned k = lac_test_random(3) + 1; k > 0; k--)
            bytes[lac_test_random((uint32_t)size)] = (char)lac_test_random(256);
        if (lac_test_random(20) == 0)
            size = lac_test_random((uint32_t)size);
        r = lac_match_regex_valid((struct lac_str){bytes, size});
        if (r) {
            char *text = malloc(TEXT_MAX); /* so that a sanitizer sees its end */
            size_t len, start, end;

            LAC_TEST_NEED(text);
            len = gen_text(text, i % 8 ? 40 : TEXT_MAX);
            if (lac_match_regex_find(r, (struct lac_str){text, len}, 0, len, &start, &end)) {
                LAC_TEST_EQ(start < end && end <= len, true);
            }
            free(text);
            ran++;
        }
    }
    LAC_TEST_EQ(ran > 100, true);
}

static void programs_follow_each_other_in_one_buffer(void)
{
    struct lac_buf b;
    struct lac_match_regex_info i2;
    const struct lac_match_regex *one, *two;
    size_t end;

    lac_buf_init(&b, PROGRAMS);
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
        lac_buf_init(&a, PROGRAMS);
        lac_buf_init(&b, PROGRAMS);
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
    LAC_TEST_EQ(lac_match_regex_compile(&b, LAC_STR("abc"), &info, &err), LAC_FATAL);
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
              shapes_are_those_of_the_first_token, random_patterns_find_what_vectorscan_finds,
              damaged_programs_are_refused_or_run_safely, programs_follow_each_other_in_one_buffer,
              memory_that_was_used_does_not_show, no_room_for_the_program_is_fatal,
              members_are_found_sixteen_at_a_time)
