/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: ids and places are those of Hugging Face's library, whichever way a text takes. A small
 * vocabulary for the rules one by one; the golden file (tests/golden/tokenizer, made with that
 * library) for MiniLM; random texts for the ways against each other. The integration suite asks
 * the library itself about 100,000 texts.
 */
#include "lac_encode_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_tokenizer_internal.h"
#include "lac_encode_windows.h"
#include "lac_env.h"
#include "lac_file.h"
#include "lac_json.h"
#include "lac_test.h"

enum { ROOM = 8192, GOLDEN_BYTES = 4 << 20 };

static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"                   /* 0 to 3 */
    "a\nab\nabc\n##c\n##cd\n##a\n"                   /* 4 to 9 */
    "un\n##aff\n##able\n!\n[\n]\nsep\n"              /* 10 to 16 */
    "\xe4\xb8\xad\n##\xc3\xa9\n\xc3\xa9\n"           /* 17 to 19: a CJK one, e acute */
    "\xe1\x84\x92\n##\xe1\x85\xa1\n##\xe1\x86\xab\n" /* 20 to 22: jamo */
    "A\n##A\ncafe\n\xce\xb2\n##1\n1\n##b\n";         /* 23 to 29 */

static int32_t ids[ROOM], ids2[ROOM];
static struct lac_encode_span spans[ROOM], spans2[ROOM];

static struct lac_encode_tokenizer *parse(const char *config)
{
    struct lac_encode_tokenizer_files files = {.vocab = lac_str_from(vocab),
                                               .config = lac_str_from(config)};
    struct lac_encode_tokenizer *t;
    struct lac_err err;

    if (lac_encode_tokenizer_parse(&t, &files, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
    return t;
}

static struct lac_encode_words *words_of(const struct lac_encode_tokenizer *t)
{
    struct lac_encode_words *w;

    LAC_TEST_NEED(t && lac_encode_words_new(&w, t, 64, NULL) == LAC_OK);
    return w;
}

/* "id:from-to id:from-to" */
static const char *shown(struct lac_encode_words *w, struct lac_str text)
{
    static char out[4096];
    size_t n = lac_encode_tokenize(w, text, ids, spans, ROOM), len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n && len < sizeof(out) - 64; i++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%d:%u-%u", i ? " " : "",
                                (int)ids[i], spans[i].from, spans[i].to);
    return out;
}

static void words_become_the_longest_pieces(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {" \t\r\n", ""},
        {"abc", "6:0-3"},
        {"abcd", "1:0-4"}, /* abc, then nothing: unknown as a whole */
        {"abcc", "6:0-3 7:3-4"},
        {"abcdx", "1:0-5"},
        {"unaffable", "10:0-2 11:2-5 12:5-9"},
        {"ab!ab", "5:0-2 13:2-3 5:3-5"},
        {"ABC aB", "6:0-3 5:4-6"},
        {"[SEP]", "14:0-1 16:1-4 15:4-5"},
        {"[UNK]", "14:0-1 1:1-4 15:4-5"},
        {"zz abc", "1:0-2 6:3-6"},
        /* accents off, composed or not; the place is the letter's */
        {"caf\xc3\xa9", "25:0-5"},
        {"cafe\xcc\x81 abc", "25:0-4 6:7-10"},
        /* an ideograph is a word of its own, and ends others */
        {"ab\xe4\xb8\xad\x61", "5:0-2 17:2-5 4:5-6"},
        /* one syllable, three letters, one place */
        {"\xed\x95\x9c", "20:0-3 21:0-3 22:0-3"},
        /* dropped: controls, formats, U+FFFD, bytes that are not UTF-8 */
        {"a\x01"
         "b",
         "5:0-3"},
        {"a\xe2\x80\x8b"
         "b\xef\xbf\xbd"
         "c",
         "6:0-9"},
        {"a\xff"
         "b\xed\xa0\x80"
         "c",
         "6:0-7"},
        {"\xf0\x9f\x98", ""},
        {"a\xc2\xa0"
         "b",
         "4:0-1 1:3-4"}, /* a no-break space is white */
        {"\xce\x92", "26:0-2"},
    };
    struct lac_encode_tokenizer *t = parse("{\"do_lower_case\":true}");
    struct lac_encode_words *w = words_of(t);

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        LAC_TEST_STR(shown(w, lac_str_from(cases[i].text)), cases[i].want);
        LAC_TEST_STR(shown(w, lac_str_from(cases[i].text)), cases[i].want); /* remembered */
    }
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

static void cased_models_keep_case_and_accents(void)
{
    struct lac_encode_tokenizer *t = parse("{\"do_lower_case\":false}");
    struct lac_encode_words *w = words_of(t);

    LAC_TEST_STR(shown(w, LAC_STR("A ABC aA")), "23:0-1 1:2-5 4:6-7 24:7-8");
    LAC_TEST_STR(shown(w, LAC_STR("\xc3\xa9 a\xc3\xa9")), "19:0-2 4:3-4 18:4-6");
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

static void a_word_longer_than_the_model_takes_is_unknown(void)
{
    struct lac_encode_tokenizer *t = parse("{}");
    struct lac_encode_words *w = words_of(t);
    char text[3 * LAC_ENCODE_PIECE];

    memset(text, '1', sizeof(text));
    LAC_TEST_EQ(lac_encode_tokenize(w, (struct lac_str){text, 100}, ids, spans, ROOM), 100);
    LAC_TEST_STR(shown(w, (struct lac_str){text, 101}), "1:0-101");
    LAC_TEST_STR(shown(w, (struct lac_str){text, sizeof(text)}), "1:0-12288");
    /* Characters are counted, not bytes, after normalising. */
    for (size_t i = 0; i < 202; i += 2)
        memcpy(text + i, "\xce\xb2", 2);
    LAC_TEST_EQ(lac_encode_tokenize(w, (struct lac_str){text, 200}, ids, spans, ROOM), 1);
    LAC_TEST_STR(shown(w, (struct lac_str){text, 202}), "1:0-202");
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

static void what_does_not_fit_is_counted(void)
{
    struct lac_encode_tokenizer *t = parse("{}");
    struct lac_encode_words *w = words_of(t);
    struct lac_str text = LAC_STR("unaffable ab!ab caf\xc3\xa9 111");
    size_t n = lac_encode_tokenize(w, text, ids, spans, ROOM);

    LAC_TEST_EQ(n, 10);
    for (size_t room = 0; room <= n; room++) {
        lac_test_row("room %zu", room);
        memset(ids2, 0x55, sizeof(ids2));
        memset(spans2, 0x55, sizeof(spans2));
        LAC_TEST_EQ(lac_encode_tokenize(w, text, ids2, spans2, room), n);
        CU_ASSERT(memcmp(ids, ids2, room * sizeof(*ids)) == 0);
        CU_ASSERT(memcmp(spans, spans2, room * sizeof(*spans)) == 0);
        LAC_TEST_EQ(ids2[room], 0x55555555);
        LAC_TEST_EQ(spans2[room].from, 0x55555555);
        LAC_TEST_EQ(lac_encode_tokenize(w, text, ids2, NULL, room), n);
        CU_ASSERT(memcmp(ids, ids2, room * sizeof(*ids)) == 0);
    }
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

/* ---- one way against the other ---- */

static const char *const scraps[] = {
    "a",
    "b",
    "c",
    "cd",
    "ab",
    "1",
    "A",
    "C",
    " ",
    " ",
    "!",
    "[",
    "#",
    "\t",
    "\n",
    "\x01",
    "\x7f",
    "\xc3\xa9",
    "\xcc\x81",
    "\xcc\xa3",
    "\xe4\xb8\xad",
    "\xed\x95\x9c",
    "\xe2\x80\x8b",
    "\xff",
    "\xf0\x9f\x98\x80",
    "\xf0\x9d\x85\xad",
    "\xcd\x8f",
    "\xe1\x84\x92",
    "unaffable",
    "\xce\x92",
};

static struct lac_str random_text(char *out, size_t room)
{
    size_t len = 0, most = lac_test_random((uint32_t)room);
    uint32_t kinds = lac_test_random(3) ? 14 : (uint32_t)LAC_COUNT(scraps); /* ASCII only: 14 */

    for (;;) {
        const char *scrap = scraps[lac_test_random(kinds)];

        if (len + strlen(scrap) > most)
            return (struct lac_str){out, len};
        memcpy(out + len, scrap, strlen(scrap));
        len += strlen(scrap);
    }
}

static size_t exactly(struct lac_encode_words *w, struct lac_str text)
{
    w->out = (struct lac_encode_out){ids2, spans2, ROOM, 0};
    lac_encode_exact(w, text, 0, text.len);
    return w->out.count;
}

static void all_instruction_sets_and_the_exact_path_agree(void)
{
    struct lac_encode_tokenizer *t = parse("{}");
    struct lac_encode_words *w = words_of(t);
    static char memory[LAC_ENCODE_PIECE + 512];

    lac_test_seed();
    for (int round = 0; round < 4000; round++) {
        struct lac_str text = random_text(memory, round % 16 ? 300 : sizeof(memory));
        char *copy = malloc(text.len ? text.len : 1); /* a byte too far is seen by sanitizers */
        size_t want;

        LAC_TEST_NEED(copy);
        memcpy(copy, text.ptr, text.len);
        text.ptr = copy;
        want = exactly(w, text);
        CU_ASSERT(want <= text.len);
        for (int isa = 0; isa < LAC_ENCODE_ISAS; isa++) {
            w->pass = lac_encode_ascii_of((enum lac_encode_isa)isa);
            if (!w->pass)
                continue;
            lac_test_row("round %d, instruction set %d", round, isa);
            LAC_TEST_EQ(lac_encode_tokenize(w, text, ids, spans, ROOM), want);
            CU_ASSERT(memcmp(ids, ids2, want * sizeof(*ids)) == 0);
            CU_ASSERT(memcmp(spans, spans2, want * sizeof(*spans)) == 0);
            LAC_TEST_EQ(lac_encode_tokenize(w, text, ids, spans, text.len), want);
            CU_ASSERT(memcmp(ids, ids2, want * sizeof(*ids)) == 0);
        }
        free(copy);
    }
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

static void a_long_run_of_marks_takes_no_memory_and_linear_time(void)
{
    struct lac_encode_tokenizer *t = parse("{}");
    struct lac_encode_words *w = words_of(t);
    const size_t size = 1 << 20;
    char *text = malloc(size);

    LAC_TEST_NEED(text);
    for (size_t i = 0; i < size; i += 2)
        memcpy(text + i, i % 4 ? "\xcc\x81" : "\xcc\xa3", 2);
    memcpy(text, "ab", 2);
    LAC_TEST_STR(shown(w, (struct lac_str){text, size}), "5:0-2");
    free(text);
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

/* ---- MiniLM ---- */

static void check_golden(struct lac_encode_words *w, const struct lac_json *line, size_t number)
{
    const struct lac_json *want_ids = lac_json_get(line, "ids");
    const struct lac_json *want = lac_json_get(line, "offsets");
    struct lac_str text = lac_json_string(lac_json_get(line, "text"));
    size_t n = lac_encode_tokenize(w, text, ids, spans, ROOM);

    lac_test_row("line %zu", number);
    LAC_TEST_EQ(n, lac_json_size(want_ids));
    for (size_t i = 0; i < n && i < lac_json_size(want_ids); i++) {
        const struct lac_json *place = lac_json_item(want, i);

        LAC_TEST_EQ(ids[i], lac_json_int(lac_json_item(want_ids, i)));
        LAC_TEST_EQ(spans[i].from, lac_json_int(lac_json_item(place, 0)));
        LAC_TEST_EQ(spans[i].to, lac_json_int(lac_json_item(place, 1)));
    }
}

static void golden_lines_have_the_librarys_ids_and_places(void)
{
    char folder[4096];
    struct lac_encode_tokenizer *t;
    struct lac_encode_words *w;
    struct lac_buf b;
    struct lac_err err;
    size_t number = 0;
    const char *given = lac_env("LACUNA_TEST_MODEL"), *cache = lac_env("LACUNA_CACHE");

    if (given)
        snprintf(folder, sizeof(folder), "%s", given);
    else
        snprintf(folder, sizeof(folder), "%s%s/hf/all-minilm-l6-v2",
                 cache ? cache : lac_env("HOME"), cache ? "" : "/.cache/lacuna");
    if (lac_encode_tokenizer_open(&t, folder, &err) == LAC_FATAL)
        lac_test_skip("MiniLM is not there; tools/setup --test fetches it");
    w = words_of(t);
    lac_buf_init(&b, GOLDEN_BYTES);
    LAC_TEST_NEED(lac_file_read("tests/golden/tokenizer/minilm.jsonl", &b, &err) == LAC_OK);
    for (size_t at = 0; at < b.len;) {
        const char *end = memchr(b.ptr + at, '\n', b.len - at);
        struct lac_json *line;

        LAC_TEST_NEED(
            end && lac_json_parse(&line, (struct lac_str){b.ptr + at, (size_t)(end - b.ptr) - at},
                                  &err) == LAC_OK);
        check_golden(w, line, ++number);
        lac_json_free(line);
        at = (size_t)(end - b.ptr) + 1;
    }
    CU_ASSERT(number > 100);
    lac_buf_deinit(&b);
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

/* ---- windows ---- */

static void windows_overlap_and_cover_everything(void)
{
    for (size_t tokens = 0; tokens < 700; tokens++) {
        struct lac_encode_windows w = lac_encode_windows_of(tokens, 128, 3, 30, 1000);
        size_t from, to, reached = 0;

        lac_test_row("%zu tokens", tokens);
        LAC_TEST_EQ(w.body, 123);
        LAC_TEST_EQ(w.left, 0);
        for (size_t i = 0; i < w.count; i++) {
            lac_encode_windows_at(&w, i, &from, &to);
            LAC_TEST_EQ(from, i ? reached - 30 : 0);
            CU_ASSERT(to > reached || tokens == 0);
            CU_ASSERT(to - from == w.body || i + 1 == w.count);
            reached = to;
        }
        LAC_TEST_EQ(reached, tokens);
    }
}

static void what_too_many_windows_leave_out_is_said(void)
{
    struct lac_encode_windows w = lac_encode_windows_of(1000, 102, 0, 20, 3);
    size_t from, to;

    LAC_TEST_EQ(w.count, 3);
    lac_encode_windows_at(&w, 2, &from, &to);
    LAC_TEST_EQ(to, 260);
    LAC_TEST_EQ(w.left, 740);
    LAC_TEST_EQ(lac_encode_windows_overlap(256, 0), 63);
    LAC_TEST_EQ(lac_encode_windows_overlap(8, 6), 0);
}

static void a_window_has_its_specials_and_the_prefix(void)
{
    struct lac_encode_tokenizer *t = parse("{}");
    const int32_t prefix[] = {10, 11}, text[] = {4, 5, 6, 7, 8};
    struct lac_encode_windows w = lac_encode_windows_of(5, 7, 2, 1, 10);
    int32_t out[7];

    LAC_TEST_NEED(t);
    LAC_TEST_EQ(w.count, 2);
    LAC_TEST_EQ(lac_encode_windows_put(&w, 0, t, prefix, 2, text, out), 7);
    CU_ASSERT(memcmp(out, (int32_t[]){2, 10, 11, 4, 5, 6, 3}, sizeof(out)) == 0);
    LAC_TEST_EQ(lac_encode_windows_put(&w, 1, t, prefix, 2, text, out), 7);
    CU_ASSERT(memcmp(out, (int32_t[]){2, 10, 11, 6, 7, 8, 3}, sizeof(out)) == 0);
    w = lac_encode_windows_of(0, 7, 0, 1, 10);
    LAC_TEST_EQ(lac_encode_windows_put(&w, 0, t, NULL, 0, NULL, out), 2);
    LAC_TEST_EQ(out[1], 3);
    lac_encode_tokenizer_close(t);
}

LAC_TEST_MAIN(encode_tokenizer, words_become_the_longest_pieces, cased_models_keep_case_and_accents,
              a_word_longer_than_the_model_takes_is_unknown, what_does_not_fit_is_counted,
              all_instruction_sets_and_the_exact_path_agree,
              a_long_run_of_marks_takes_no_memory_and_linear_time,
              windows_overlap_and_cover_everything, what_too_many_windows_leave_out_is_said,
              a_window_has_its_specials_and_the_prefix,
              golden_lines_have_the_librarys_ids_and_places)
