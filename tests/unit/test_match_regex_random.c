/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: our patterns mean what Vectorscan means by them, and what the router is told holds for
 * every match. Method: random patterns and texts (LAC_TEST_SEED, printed), with Vectorscan as the
 * oracle for the leftmost longest match; then programs with random damage, which must be refused or
 * run safely.
 */
#include "lac_match_regex.h"

#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_test.h"
#include "match_regex_fixture.h"

enum { PATTERN_MAX = 600, TEXT_MAX = 700 };

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
    bool prefix = fixture_info.prefix_count == 0, inside = fixture_info.inner_len == 0;
    bool shape = fixture_info.shape_count == 0;
    size_t token = 0;

    if (len < fixture_info.min_width || len > fixture_info.max_width ||
        !lac_match_regex_set_has(&fixture_info.first, (unsigned char)text.ptr[start]) ||
        !lac_match_regex_set_has(&fixture_info.last, (unsigned char)text.ptr[end - 1]))
        return false;
    if (fixture_info.word_start && start > 0 &&
        (text.ptr[start - 1] == '_' || strchr("aAbBcC01", text.ptr[start - 1])))
        return false;
    if (fixture_info.word_end && end < text.len &&
        (text.ptr[end] == '_' || strchr("aAbBcC01", text.ptr[end])))
        return false;
    if (fixture_info.text_start && start != 0)
        return false;
    for (size_t i = 0; i < fixture_info.prefix_count; i++)
        prefix = prefix || (fixture_info.prefix[i].len <= len &&
                            (fixture_info.prefix_nocase ? strncasecmp : strncmp)(
                                text.ptr + start, fixture_info.prefix[i].text,
                                fixture_info.prefix[i].len) == 0);
    for (size_t at = fixture_info.inner_min;
         at <= fixture_info.inner_max && at + fixture_info.inner_len <= len; at++)
        inside =
            inside || (fixture_info.inner_nocase ? strncasecmp : strncmp)(
                          text.ptr + start + at, fixture_info.inner, fixture_info.inner_len) == 0;
    while (start + token < text.len && strchr("aAbBcC01", text.ptr[start + token]))
        token++;
    for (size_t i = 0; i < fixture_info.shape_count; i++) {
        const struct lac_match_regex_shape *s = &fixture_info.shape[i];
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
                         fixture_prefixes(), fixture_inner(), fixture_shapes());
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
        r = fixture_compile_text((struct lac_str){g.text, g.len}, &err);
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
            size = lac_match_regex_size(fixture_compile(patterns[i / 20000]));
        LAC_TEST_NEED(size <= fixture_program.len && fixture_program.len <= sizeof(memory));
        size = fixture_program.len;
        memcpy(bytes, fixture_program.ptr, size);
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

LAC_TEST_MAIN(match_regex_random, random_patterns_find_what_vectorscan_finds,
              damaged_programs_are_refused_or_run_safely)
