/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: options are taken or refused as documented, and no text from outside can break out of
 * its cell on a terminal. */
#include "lac_args.h"
#include "lac_progress.h"
#include "lac_table.h"
#include "lac_width.h"

#include "lac_test.h"

struct given {
    bool json;
    const char *project;
    uint64_t max, wait_ms;
    struct lac_args_list where;
};

static enum lac_status take(struct given *g, int *argc, const char **argv, struct lac_err *err)
{
    const struct lac_args_option options[] = {
        {'j', "json", LAC_ARGS_SWITCH, &g->json, NULL, "h", 0, 0},
        {'p', "project", LAC_ARGS_TEXT, &g->project, "NAME", "h", 0, 0},
        {0, "max", LAC_ARGS_NUMBER, &g->max, "N", "h", 1, 100},
        {0, "wait", LAC_ARGS_DURATION, &g->wait_ms, "TIME", "h", 0, 0},
        {0, "where", LAC_ARGS_LIST, &g->where, "FIELD=VALUE", "h", 0, 0},
    };

    return lac_args_take(options, LAC_COUNT(options), argc, (char **)argv, err);
}

static void known_options_are_taken_and_the_rest_stays_in_order(void)
{
    const char *argv[] = {"x",   "a",           "--json", "-papollo", "--kafka-origin",
                          "o",   "--max=7",     "--wait", "1500ms",   "--where",
                          "a=b", "--where=c=d", "--",     "--json",   NULL};
    int argc = (int)LAC_COUNT(argv) - 1;
    struct given g = {0};
    struct lac_err err;

    LAC_TEST_NEED(take(&g, &argc, argv, &err) == LAC_OK);
    CU_ASSERT(g.json);
    LAC_TEST_STR(g.project, "apollo");
    LAC_TEST_EQ(g.max, 7);
    LAC_TEST_EQ(g.wait_ms, 1500);
    LAC_TEST_EQ(g.where.count, 2);
    LAC_TEST_STR(g.where.items[1], "c=d");
    LAC_TEST_EQ(argc, 6);
    LAC_TEST_STR(argv[1], "a");
    LAC_TEST_STR(argv[2], "--kafka-origin");
    LAC_TEST_STR(argv[4], "--");
    LAC_TEST_STR(argv[5], "--json"); /* behind "--" nothing is an option */
    CU_ASSERT(argv[6] == NULL);
}

static const struct {
    const char *args[3];
    const char *why;
} refused[] = {
    {{"--max", "101", NULL}, "--max takes a number from 1 to 100, not \"101\""},
    {{"--max", "0", NULL}, "--max takes a number from 1 to 100, not \"0\""},
    {{"--max", NULL, NULL}, "--max needs a value: --max N"},
    {{"--json=1", NULL, NULL}, "--json takes no value"},
    {{"--wait", "soon", NULL},
     "--wait takes a duration such as 500ms, 30s, 5m or 2h, not \"soon\""},
    {{"-p", NULL, NULL}, "--project needs a value: --project NAME"},
};

static void bad_values_are_refused_by_name(void)
{
    for (size_t i = 0; i < LAC_COUNT(refused); i++) {
        const char *argv[4] = {"x", refused[i].args[0], refused[i].args[1], NULL};
        int argc = refused[i].args[1] ? 3 : 2;
        struct given g = {0};
        struct lac_err err = {0};

        lac_test_row("%s", refused[i].args[0]);
        LAC_TEST_EQ(take(&g, &argc, argv, &err), LAC_REJECT);
        LAC_TEST_STR(err.text, refused[i].why);
    }
}

static void durations_have_units_and_do_not_wrap(void)
{
    uint64_t ms = 0;

    CU_ASSERT(lac_args_duration("2h", &ms));
    LAC_TEST_EQ(ms, 7200000);
    CU_ASSERT(lac_args_duration("3", &ms));
    LAC_TEST_EQ(ms, 3000);
    CU_ASSERT(!lac_args_duration("", &ms));
    CU_ASSERT(!lac_args_duration("5 s", &ms));
    CU_ASSERT(!lac_args_duration("-1s", &ms));
    CU_ASSERT(!lac_args_duration("18446744073709551615d", &ms));
}

static const char *next_name(void *ctx, size_t i)
{
    static const char *const names[] = {"classify", "publish", "doctor", "deadletter", NULL};

    (void)ctx;
    return names[i];
}

static void the_nearest_name_is_found_and_a_far_one_is_not(void)
{
    LAC_TEST_STR(lac_args_nearest("clasify", next_name, NULL), "classify");
    LAC_TEST_STR(lac_args_nearest("dotcor", next_name, NULL), "doctor");
    LAC_TEST_STR(lac_args_nearest("dead-letter", next_name, NULL), "deadletter");
    CU_ASSERT(lac_args_nearest("helm", next_name, NULL) == NULL);
}

static const struct {
    struct lac_str in;
    size_t columns;
    bool ascii;
    const char *out;
    size_t width;
} cells[] = {
    {{"plain", 5}, 0, false, "plain", 5},
    {{"plain", 5}, 5, false, "plain", 5},
    {{"plainer", 7}, 5, false, "plai…", 5},
    {{"plainer", 7}, 5, true, "pl...", 5},
    {{"\x1b[2J\x07", 5}, 0, false, "\\u{1b}[2J\\u{7}", 14}, /* clears the screen, rings */
    {{"a\nb\tc", 5}, 0, false, "a\\nb\\tc", 7},
    {{"\xe2\x80\xae"
      "gnp",
      6},
     0,
     false,
     "\\u{202e}gnp",
     11}, /* right-to-left override */
    {{"\xff\xfe", 2}, 0, false, "\\xff\\xfe", 8},
    {{"日本語", 9}, 5, false, "日本…", 5},
    {{"日本語", 9}, 4, false, "日…", 3}, /* half a character is no character */
    {{"e\xcc\x81", 3}, 0, false, "e\xcc\x81", 1},
    {{"grün", 5}, 0, true, "gr\\u{fc}n", 9},
    {{"\x9b", 1}, 0, false, "\\x9b", 4}, /* a bare C1 byte is not UTF-8 */
    {{"\xc2\x9b", 2}, 0, false, "\\u{9b}", 6},
};

static void outside_text_is_made_safe_and_cut_between_characters(void)
{
    for (size_t i = 0; i < LAC_COUNT(cells); i++) {
        char memory[128];
        struct lac_buf b;

        lac_test_row("cell %zu", i);
        lac_buf_init_fixed(&b, memory, sizeof(memory));
        LAC_TEST_EQ(lac_width_put(&b, cells[i].in, cells[i].columns, cells[i].ascii),
                    cells[i].width);
        LAC_TEST_STR(lac_buf_cstr(&b), cells[i].out);
    }
}

static const struct lac_table_column columns[] = {
    {.title = "TEXT", .shrinks = true},
    {.title = "N", .right = true},
    {.title = "TIER"},
};

static void fill(struct lac_table *t)
{
    lac_table_init(t, columns, LAC_COUNT(columns), 2);
    lac_table_add(t, lac_str_from("what is the weather like today"), LAC_STYLE_NONE);
    lac_table_addf(t, LAC_STYLE_NONE, "%d", 7);
    lac_table_add(t, lac_str_from("INTERNAL"), LAC_STYLE_NOTE);
    lac_table_add(t, lac_str_from("日本"), LAC_STYLE_NONE);
    lac_table_addf(t, LAC_STYLE_NONE, "%d", 1234);
    lac_table_add(t, lac_str_from("PUBLIC"), LAC_STYLE_GOOD);
    lac_table_add(t, lac_str_from("one too many"), LAC_STYLE_NONE);
}

static void tables_align_and_a_pipe_gets_all_of_it(void)
{
    struct lac_term pipe = {.utf8 = true};
    struct lac_table t;
    struct lac_buf b;

    lac_buf_init(&b, 4096);
    fill(&t);
    LAC_TEST_EQ(lac_table_rows(&t), 2);
    lac_table_print(&t, &pipe, &b);
    LAC_TEST_STR(lac_buf_cstr(&b), "TEXT                               N  TIER\n"
                                   "──────────────────────────────  ────  ────────\n"
                                   "what is the weather like today     7  INTERNAL\n"
                                   "日本                            1234  PUBLIC\n"
                                   "(and 1 more rows)\n");
    lac_buf_deinit(&b);
    lac_table_deinit(&t);
}

static void a_narrow_terminal_shrinks_the_column_that_may(void)
{
    struct lac_term narrow = {.terminal = true, .colour = true, .utf8 = true, .columns = 30};
    struct lac_table t;
    struct lac_buf b;

    lac_buf_init(&b, 4096);
    fill(&t);
    t.dropped = 0;
    lac_table_print(&t, &narrow, &b);
    LAC_TEST_STR(lac_buf_cstr(&b),
                 "\033[1mTEXT\033[0m               \033[1mN\033[0m  \033[1mTIER\033[0m\n"
                 "\033[2m──────────────  ────  ────────\033[0m\n"
                 "what is the w…     7  \033[33mINTERNAL\033[0m\n"
                 "日本            1234  \033[32mPUBLIC\033[0m\n");
    lac_buf_deinit(&b);
    lac_table_deinit(&t);
}

static void numbers_are_shown_for_people(void)
{
    char out[LAC_PROGRESS_NUMBER_SIZE];

    LAC_TEST_STR(lac_progress_count(out, 0), "0");
    LAC_TEST_STR(lac_progress_count(out, 999), "999");
    LAC_TEST_STR(lac_progress_count(out, 1234567), "1,234,567");
    LAC_TEST_STR(lac_progress_count(out, UINT64_MAX), "18,446,744,073,709,551,615");
    LAC_TEST_STR(lac_progress_size(out, 512), "512 B");
    LAC_TEST_STR(lac_progress_size(out, 5 << 20), "5.0 MiB");
    LAC_TEST_STR(lac_progress_time(out, 1234), "1.2 s");
    LAC_TEST_STR(lac_progress_time(out, 83500), "1 min 23 s");
}

LAC_TEST_MAIN(term, known_options_are_taken_and_the_rest_stays_in_order,
              bad_values_are_refused_by_name, durations_have_units_and_do_not_wrap,
              the_nearest_name_is_found_and_a_far_one_is_not,
              outside_text_is_made_safe_and_cut_between_characters,
              tables_align_and_a_pipe_gets_all_of_it, a_narrow_terminal_shrinks_the_column_that_may,
              numbers_are_shown_for_people)
