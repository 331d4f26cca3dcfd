/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: however places are found (plain C, AVX2, AVX-512, an image from a file), the answer is the
 * one that looking everywhere gives. Method: the built-in rules and a set with a rule for each way
 * to nominate, on texts put together from the rules' own examples, on all that fuzzing has found,
 * and on texts longer than a piece.
 *
 * LAC_TEST_MILLION=1 compares the instruction sets on a million texts instead of 100,000; under a
 * sanitizer, which looks for other things, it is a fiftieth.
 */
#include "lac_match.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "lac_env.h"
#include "lac_match_slow.h"
#include "lac_pack.h"
#include "lac_test.h"

#if defined(__SANITIZE_THREAD__)
enum { SLOWER = 50, FEWER = 15 }; /* no threads here: nothing to be found by looking longer */
#elif defined(__SANITIZE_ADDRESS__)
enum { SLOWER = 50, FEWER = 1 };
#else
enum { SLOWER = 1, FEWER = 1 };
#endif

enum { FIELD_BYTES = 1 << 17, HITS = 1024, TEXT_MAX = 40000 };

static char text[TEXT_MAX];

struct answer {
    struct lac_match_hit at[HITS];
    struct lac_match_hits hits;
    bool rule_hit[LAC_MATCH_RULE_MAX];
};

struct set {
    struct lac_pack *pack;
    const struct lac_match *m;
    struct lac_match_scratch *s;
};

static const char terms[] = "customers: [Acme Corporation, O'Neil & Sons, Zebra]\n"
                            "projects: [Project Apollo, Blue-Sky, Kestrel]\n"
                            "terms: [\"\xe6\x9c\xba\xe5\xaf\x86\", "
                            "\"M\xc3\xbcller Werke\", orders_archive, /srv/ledger]\n";

/* One rule for each way to nominate. */
static const char routes[] =
    "rules:\n"
    "- {id: four, entity: E, tier: INTERNAL, pattern: '\\bABCD[0-9]{2,5}\\b'}\n"
    "- {id: nocase, entity: E, tier: INTERNAL, pattern: '(?i)\\b(?:wxyz|wxq)-[a-f]{2,9}'}\n"
    "- {id: three, entity: E, tier: INTERNAL, pattern: '\\bsk-[a-z]{3,9}'}\n"
    "- {id: inner, entity: E, tier: INTERNAL, pattern: '[a-c]{1,3}\\.mark[0-9]'}\n"
    "- {id: shape, entity: E, tier: INTERNAL, pattern: "
    "'\\b[A-F]{2}[0-9]{3}(?:-[0-9]{2}){0,2}\\b'}\n"
    "- {id: bare, entity: E, tier: INTERNAL, pattern: '\\b[qw]{3} [ab]'}\n"
    "- {id: run, entity: E, tier: INTERNAL, pattern: '\\b[\\w-]{22}(?:\\w\\b|-)'}\n"
    "- {id: run-inner, entity: E, tier: INTERNAL, pattern: "
    "'(?:\\b[a-z]|[+/])[a-z+/]{25}ZzZ[a-z]{2}'}\n"
    "- {id: run-behind, entity: E, tier: INTERNAL, pattern: '\\b[a-z+/]{22}==:[a-z]{2}'}\n"
    "- {id: run-edge, entity: E, tier: INTERNAL, pattern: '\\b[a-z]{21}-=:[a-z]'}\n"
    "- {id: symbol, entity: E, tier: INTERNAL, pattern: '[a-d]{2}@[x-z]{1,4}'}\n"
    "- {id: loose, entity: E, tier: INTERNAL, pattern: '\\b[ab]{2}\\.[ab]{3}',\n"
    "   context: {words: [near, far away], window: 24}}\n"
    "- {id: boost, entity: E, tier: INTERNAL, score: 0.4, pattern: '\\b[0-9]{6}\\b',\n"
    "   context: {words: [number, near], window: 30, boost: 0.3}}\n"
    "- {id: rest, entity: E, tier: INTERNAL, pattern: '[mn]{3,5}[op]'}\n"
    "- {id: edge, entity: E, tier: INTERNAL, pattern: '(^|x)TT'}\n"
    "- {id: word, entity: E, tier: INTERNAL, phrases: [one two, two, zwei b\xc3\xa4ume],\n"
    "   except: ['not *', '* three'], allow: ['two']}\n";

static bool set_open(struct set *t, const char *rules, const char *base)
{
    char head[64];
    struct lac_pack_file files[3] = {{LAC_STR("pack.yaml"), {head, 0}},
                                     {LAC_STR("rules.yaml"), lac_str_from(rules)},
                                     {LAC_STR("terms/t.yaml"), lac_str_from(terms)}};
    struct lac_err err = {0};

    files[0].data.len =
        (size_t)snprintf(head, sizeof(head), "name: t\nversion: 1\nbase: %s\n", base);
    *t = (struct set){0};
    if (lac_pack_open_files(&t->pack, files, 3, &err) != LAC_OK ||
        lac_match_scratch_open(&t->s, FIELD_BYTES, &err) != LAC_OK ||
        lac_match_scratch_fit(t->s, lac_pack_match(t->pack), &err) != LAC_OK) {
        lac_test_row("%s", err.text);
        LAC_TEST_EQ(err.status, LAC_OK);
        return false;
    }
    t->m = lac_pack_match(t->pack);
    return true;
}

static void set_close(struct set *t)
{
    lac_match_scratch_close(t->s);
    lac_pack_close(t->pack);
}

/* ---- texts ---- */

static size_t put(size_t n, struct lac_str s)
{
    if (s.len > TEXT_MAX - n)
        s.len = TEXT_MAX - n;
    memcpy(text + n, s.ptr, s.len);
    return n + s.len;
}

/* A piece of an example: whole, cut, or with a byte changed. */
static size_t put_example(size_t n, const struct set *t)
{
    struct lac_pack_examples e =
        lac_pack_examples(t->pack, lac_test_random((uint32_t)lac_match_rule_count(t->m)));
    bool good = e.no_match_count == 0 || lac_test_random(4);
    const struct lac_str *from = good ? e.match : e.no_match;
    size_t count = good ? e.match_count : e.no_match_count;
    struct lac_str s;
    size_t at = n;

    if (count == 0)
        return n;
    s = from[lac_test_random((uint32_t)count)];
    if (s.len > 4 && lac_test_random(4) == 0)
        s = lac_str_slice(s, lac_test_random((uint32_t)s.len / 2),
                          s.len / 2 + lac_test_random((uint32_t)s.len / 2));
    n = put(n, s);
    if (n > at && lac_test_random(6) == 0)
        text[at + lac_test_random((uint32_t)(n - at))] = (char)(' ' + lac_test_random(95));
    return n;
}

static size_t put_filler(size_t n)
{
    static const char *const words[] = {" ",
                                        "  ",
                                        "\n",
                                        " - ",
                                        "_",
                                        ".",
                                        ",",
                                        ": ",
                                        "/",
                                        "the ",
                                        "near ",
                                        "number 123456 ",
                                        "far away",
                                        "ABCD123",
                                        "abcd12",
                                        "WXYZ-abc ",
                                        "wxq-ff",
                                        "sk-abcdef",
                                        "ab.mark1",
                                        "cc.mark",
                                        "AB123-45-67",
                                        "AB123",
                                        "qww a",
                                        "aaaa-bbbb-cccc-dddd-eeee",
                                        "abcdefghijklmnopqrstuvwxyz",
                                        "abcdefghijklmnopqrstuvwxyzZzZbc",
                                        "ab/cdefghijklmnopqrstuvwx==:ab",
                                        "abcdefghijklmnopqrstu-=:a",
                                        "ab@xyz",
                                        "ab.abb ",
                                        "mmmo",
                                        "nnnnnnp",
                                        "xTT",
                                        "TT",
                                        "one two ",
                                        "one - two three",
                                        "not two",
                                        "zwei B\xc3\x84UME",
                                        "\xe6\x9c\xba\xe5\xaf\x86",
                                        "getProjectApolloId",
                                        "projectapollo",
                                        "BLUE_SKY",
                                        "kestrels ",
                                        "acme corporations",
                                        "M\xc3\xbcller-Werke",
                                        "o'neil & sons",
                                        "orders_archive",
                                        "/srv/ledger/x",
                                        "\xe2\x80\x94",
                                        "\xef\xbc\x91\xef\xbc\x92",
                                        "\xff",
                                        "awsSecretAccessKey",
                                        "10.1.2.3",
                                        "12:34:56",
                                        "2026-11-21",
                                        "e\xcc\x81",
                                        "0",
                                        "a",
                                        "Z"};

    return put(n, lac_str_from(words[lac_test_random(LAC_COUNT(words))]));
}

static struct lac_str make_text(const struct set *t, size_t parts)
{
    size_t n = 0;

    for (size_t i = 0; i < parts; i++) {
        n = lac_test_random(3) ? put_filler(n) : put_example(n, t);
        if (lac_test_random(2))
            n = put(n, LAC_STR(" "));
    }
    return (struct lac_str){text, n};
}

static struct lac_str ascii_only(struct lac_str s)
{
    for (size_t i = 0; i < s.len; i++)
        text[i] = (char)(text[i] & 0x7F);
    return s;
}

/* Where its memory ends, so that AddressSanitizer sees what is read behind it. */
static struct lac_str at_end(struct lac_str s)
{
    char *to = text + sizeof(text) - s.len;

    memmove(to, s.ptr, s.len);
    return (struct lac_str){to, s.len};
}

/* ---- answers ---- */

static void prepare(struct answer *a, bool weak, bool name)
{
    a->hits = (struct lac_match_hits){
        .at = a->at, .capacity = HITS, .per_rule = HITS, .want_weak = weak, .is_name = name};
}

static void keep_rules(struct answer *a, const struct set *t)
{
    memcpy(a->rule_hit, a->hits.rule_hit, lac_match_rule_count(t->m));
}

static void fast(struct answer *a, const struct set *t, struct lac_str s, enum lac_match_isa isa)
{
    struct lac_err err;

    t->s->front = lac_match_front_of(isa);
    LAC_TEST_EQ(lac_match_scan(t->m, t->s, s, &a->hits, &err), LAC_OK);
    keep_rules(a, t);
}

static bool equal(const struct answer *a, const struct answer *b, const struct set *t)
{
    return a->hits.count == b->hits.count &&
           memcmp(a->at, b->at, a->hits.count * sizeof(*a->at)) == 0 &&
           memcmp(a->rule_hit, b->rule_hit, lac_match_rule_count(t->m)) == 0 &&
           a->hits.floor == b->hits.floor && a->hits.truncated == b->hits.truncated &&
           a->hits.whole_allowed == b->hits.whole_allowed && a->hits.blank == b->hits.blank;
}

/* The first difference, for people. */
static void show(const struct answer *a, const struct answer *b, const struct set *t,
                 struct lac_str s)
{
    for (size_t i = 0; i < a->hits.count || i < b->hits.count; i++) {
        const struct lac_match_hit *x = i < a->hits.count ? &a->at[i] : NULL;
        const struct lac_match_hit *y = i < b->hits.count ? &b->at[i] : NULL;

        if (x && y && memcmp(x, y, sizeof(*x)) == 0)
            continue;
        for (int k = 0; k < 2; k++, x = y)
            if (x)
                printf("\n%s %.*s [%u, %u) %u '%.*s' behind '%.*s'", k ? "want" : "got",
                       LAC_STR_FMT(t->m->rules[x->rule].id), x->start, x->end, x->score,
                       (int)(x->end - x->start), s.ptr + x->start,
                       (int)(x->start < 40 ? x->start : 40),
                       s.ptr + (x->start < 40 ? 0 : x->start - 40));
        break;
    }
    for (size_t i = 0; i < lac_match_rule_count(t->m); i++)
        if (a->rule_hit[i] != b->rule_hit[i])
            printf("\nonly one says %.*s", LAC_STR_FMT(t->m->rules[i].id));
    if (s.len < 1000)
        printf("\nin '%.*s'\n", LAC_STR_FMT(s));
}

static struct answer got, want;

/* Whether all instruction sets say the same of `s`. */
static bool paths_agree(const struct set *t, struct lac_str s, bool weak, bool name)
{
    s = at_end(s);
    prepare(&want, weak, name);
    fast(&want, t, s, LAC_MATCH_PORTABLE);
    for (int isa = 1; isa < LAC_MATCH_ISAS; isa++) {
        if (!lac_match_front_of((enum lac_match_isa)isa))
            continue;
        prepare(&got, weak, name);
        fast(&got, t, s, (enum lac_match_isa)isa);
        if (equal(&got, &want, t))
            continue;
        lac_test_row("instruction set %d", isa);
        show(&got, &want, t, s);
        return false;
    }
    return true;
}

static bool slow_agrees(const struct set *t, struct lac_str s, bool weak)
{
    struct lac_err err;

    s = at_end(s);
    t->s->front = lac_match_front_best();
    prepare(&want, weak, false);
    LAC_TEST_EQ(lac_match_slow(t->m, t->s, s, &want.hits, &err), LAC_OK);
    keep_rules(&want, t);
    prepare(&got, weak, false);
    LAC_TEST_EQ(lac_match_scan(t->m, t->s, s, &got.hits, &err), LAC_OK);
    keep_rules(&got, t);
    if (want.hits.truncated || equal(&got, &want, t))
        return true;
    show(&got, &want, t, s);
    return false;
}

/* ---- tests ---- */

static void each_way_to_nominate_is_used(void)
{
    struct set t;

    if (set_open(&t, routes, "builtin")) {
        LAC_TEST_EQ(t.m->rest_count, 2); /* "rest", "edge" */
        CU_ASSERT(t.m->loose_count > 0);
        CU_ASSERT(t.m->image->section[LAC_MATCH_S_RUNS].size > sizeof(struct lac_match_run));
        CU_ASSERT(t.m->image->section[LAC_MATCH_S_SHAPES].size > 0);
        CU_ASSERT(t.m->image->section[LAC_MATCH_S_SYMBOL_LIST].size > 0);
    }
    set_close(&t);
    if (set_open(&t, "rules: []\n", "builtin"))
        LAC_TEST_EQ(t.m->rest_count, 0); /* the built-in rules need no Vectorscan */
    set_close(&t);
}

static void instruction_sets_agree_on_random_texts(void)
{
    size_t count = lac_env("LAC_TEST_MILLION") ? 1000000 : 100000 / SLOWER;
    struct set t;

    lac_test_seed();
    if (set_open(&t, routes, "builtin"))
        for (size_t i = 0; i < count; i++) {
            struct lac_str s = make_text(&t, 1 + lac_test_random(12));

            if (lac_test_random(2))
                s = ascii_only(s);
            if (!paths_agree(&t, s, lac_test_random(4) == 0, lac_test_random(8) == 0)) {
                CU_FAIL("they differ");
                break;
            }
        }
    CU_ASSERT(true);
    set_close(&t);
}

static void instruction_sets_agree_on_what_fuzzing_found(void)
{
    static const char folder[] = "tests/fuzz/corpus/scan";
    DIR *d = opendir(folder);
    struct dirent *e;
    size_t files = 0;
    struct set t;

    LAC_TEST_NEED(d != NULL);
    if (set_open(&t, routes, "builtin"))
        while ((e = readdir(d))) {
            char path[512];
            FILE *f;

            if (e->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
            f = fopen(path, "rb");
            LAC_TEST_NEED(f != NULL);
            lac_test_row("%s", path);
            LAC_TEST_EQ(
                paths_agree(&t, (struct lac_str){text, fread(text, 1, TEXT_MAX, f)}, true, false),
                true);
            fclose(f);
            files++;
        }
    CU_ASSERT(files > 0);
    closedir(d);
    set_close(&t);
}

static void nothing_is_missed_that_looking_everywhere_finds(void)
{
    size_t count = lac_env("LAC_TEST_MILLION") ? 20000 : 1000 / SLOWER;
    struct set t;

    lac_test_seed();
    if (set_open(&t, routes, "builtin"))
        for (size_t i = 0; i < count; i++) {
            struct lac_str s = make_text(&t, 1 + lac_test_random(10));

            if (lac_test_random(2))
                s = ascii_only(s);
            if (!slow_agrees(&t, s, lac_test_random(4) == 0)) {
                CU_FAIL("they differ");
                break;
            }
        }
    CU_ASSERT(true);
    set_close(&t);
}

/* A window may end inside of a character. */
static void context_ends_with_its_window(void)
{
    struct set t;

    if (set_open(&t, routes, "builtin"))
        for (int blanks = 0; blanks < 64; blanks++) {
            int n = snprintf(text, TEXT_MAX, "%s%*s%s", "123456", blanks, "",
                             "\u0e23\u0e2b\u0e31\u0e2a\u0e19\u0e31\u0e01"
                             "\u0e28\u0e36\u0e01\u0e29\u0e32");

            LAC_TEST_EQ(slow_agrees(&t, (struct lac_str){text, (size_t)n}, true), true);
        }
    set_close(&t);
}

static void pieces_of_long_texts_lose_nothing_at_their_edges(void)
{
    const size_t core = (size_t)LAC_MATCH_CORE_BLOCKS * LAC_MATCH_BLOCK;
    struct set t;

    lac_test_seed();
    if (set_open(&t, routes, "builtin")) {
        for (size_t i = 0; i < 3; i++) {
            struct lac_str s = make_text(&t, 1600);

            LAC_TEST_EQ(s.len > 2 * core, true);
            s.len = s.len < 3 * core ? s.len : 3 * core;
            LAC_TEST_EQ(slow_agrees(&t, i ? ascii_only(s) : s, true), true);
        }
        for (size_t at = core - 80; at < core + 20; at++) {
            struct answer *a = &got;

            memset(text, '.', 2 * core);
            memcpy(text + at, " near ab.abb abcdefghijklmnopqrstuvwxyzZzZbc mmmo one two ABCD12 ",
                   65);
            prepare(a, false, false);
            fast(a, &t, (struct lac_str){text, 2 * core}, LAC_MATCH_PORTABLE);
            lac_test_row("at %zu", at);
            LAC_TEST_EQ(a->hits.count, 5);
        }
    }
    set_close(&t);
}

/* ---- images ---- */

static struct lac_str image_copy(const struct lac_match *m, char **memory)
{
    struct lac_str bytes;

    lac_match_image(m, &bytes);
    *memory = aligned_alloc(64, bytes.len);
    LAC_TEST_NEED(*memory != NULL);
    memcpy(*memory, bytes.ptr, bytes.len);
    return (struct lac_str){*memory, bytes.len};
}

static void an_image_gives_the_same_answers_and_the_same_bytes(void)
{
    struct lac_match_scratch *s = NULL;
    struct lac_match *m = NULL;
    struct lac_err err = {0};
    struct set t, again;
    struct lac_str bytes, others;
    char *memory;

    lac_test_seed();
    if (!set_open(&t, routes, "builtin") || !set_open(&again, routes, "builtin"))
        return;
    bytes = image_copy(t.m, &memory);
    lac_match_image(again.m, &others);
    LAC_TEST_EQ(lac_str_eq(bytes, others), true);
    LAC_TEST_EQ(lac_match_open_image(&m, bytes, t.m->rules, t.m->count, &err), LAC_OK);
    LAC_TEST_NEED(m != NULL);
    LAC_TEST_EQ(lac_match_scratch_open(&s, FIELD_BYTES, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
    for (int i = 0; i < 2000 / FEWER; i++) {
        struct lac_str x = make_text(&t, 1 + lac_test_random(12));
        struct set mapped = {t.pack, m, s};

        prepare(&want, false, false);
        fast(&want, &t, x, LAC_MATCH_PORTABLE);
        prepare(&got, false, false);
        fast(&got, &mapped, x, LAC_MATCH_PORTABLE);
        LAC_TEST_EQ(equal(&got, &want, &t), true);
    }
    lac_match_scratch_close(s);
    lac_match_close(m);
    m = NULL;
    LAC_TEST_EQ(lac_match_open_image(&m, bytes, t.m->rules, t.m->count - 1, &err), LAC_AGAIN);
    LAC_TEST_EQ(lac_match_open_image(&m, (struct lac_str){"x", 1}, t.m->rules, t.m->count, &err),
                LAC_REJECT);
    free(memory);
    set_close(&again);
    set_close(&t);
}

/* Whatever a bit that fell over does, it is refused or scanned in bounds. */
static void a_damaged_image_is_refused_or_harmless(void)
{
    struct lac_err err = {0};
    size_t refused = 0;
    struct set t;
    struct lac_str bytes;
    char *memory;

    lac_test_seed();
    if (!set_open(&t, routes, "builtin"))
        return;
    bytes = image_copy(t.m, &memory);
    for (int i = 0; i < 1500 / FEWER; i++) {
        bool head = lac_test_random(4) == 0;
        size_t at = lac_test_random(head ? (uint32_t)sizeof(struct lac_match_image_header)
                                         : (uint32_t)(bytes.len - 0));
        char was = memory[at];
        struct lac_match_scratch *s = NULL;
        struct lac_match *m = NULL;
        enum lac_status status;

        /* Vectorscan checks its own part with a checksum. */
        memory[at] = (char)(was ^ (1 << lac_test_random(8)));
        status = lac_match_open_image(&m, bytes, t.m->rules, t.m->count, &err);
        if (status != LAC_OK) {
            CU_ASSERT_PTR_NULL(m);
            refused++;
        } else {
            LAC_TEST_EQ(lac_match_scratch_open(&s, FIELD_BYTES, &err), LAC_OK);
            LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
            for (int k = 0; k < 3; k++) {
                struct set damaged = {t.pack, m, s};

                prepare(&got, true, false);
                fast(&got, &damaged, make_text(&t, 20), LAC_MATCH_PORTABLE);
            }
        }
        lac_match_scratch_close(s);
        lac_match_close(m);
        memory[at] = was;
    }
    CU_ASSERT(refused > 100 / FEWER);
    free(memory);
    set_close(&t);
}

LAC_TEST_MAIN(match_paths, each_way_to_nominate_is_used, instruction_sets_agree_on_random_texts,
              instruction_sets_agree_on_what_fuzzing_found,
              nothing_is_missed_that_looking_everywhere_finds, context_ends_with_its_window,
              pieces_of_long_texts_lose_nothing_at_their_edges,
              an_image_gives_the_same_answers_and_the_same_bytes,
              a_damaged_image_is_refused_or_harmless)
