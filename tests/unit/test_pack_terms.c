/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an organisation's names become floors, but common words only where context says that the
 * name is meant; tens of thousands of names stay a handful of rules. Method: packs in memory, and
 * what their rules find.
 */
#include "lac_pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_pack_words.h"
#include "lac_test.h"

#define PACK_YAML "name: t\nversion: 7\nbase: builtin\n"

struct opened {
    struct lac_pack *p;
    struct lac_match_scratch *s;
};

static struct opened open_terms(const char *terms)
{
    const struct lac_pack_file files[] = {{LAC_STR("pack.yaml"), LAC_STR(PACK_YAML)},
                                          {LAC_STR("terms/a.yaml"), lac_str_from(terms)}};
    struct opened o = {0};
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pack_open_files(&o.p, files, 2, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(o.p != NULL);
    LAC_TEST_EQ(lac_match_scratch_open(&o.s, 1 << 16, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(o.s, lac_pack_match(o.p), &err), LAC_OK);
    return o;
}

static void close_terms(struct opened *o)
{
    lac_match_scratch_close(o->s);
    lac_pack_close(o->p);
}

/* Whether a rule of this id hits in `text`. */
static bool finds(const struct opened *o, const char *id, const char *text)
{
    const struct lac_match *m = lac_pack_match(o->p);
    static struct lac_match_hit at[256];
    struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at), .keep_shadowed = true};
    struct lac_err err;

    LAC_TEST_EQ(lac_match_scan(m, o->s, lac_str_from(text), &hits, &err), LAC_OK);
    for (size_t i = 0; i < lac_match_rule_count(m); i++)
        if (hits.rule_hit[i] && lac_str_is(lac_match_rule_at(m, i)->id, id))
            return true;
    return false;
}

static size_t rules_of(const struct opened *o, const char *id)
{
    const struct lac_match *m = lac_pack_match(o->p);
    size_t n = 0;

    for (size_t i = 0; i < lac_match_rule_count(m); i++)
        n += lac_str_is(lac_match_rule_at(m, i)->id, id);
    return n;
}

static bool noted(const struct opened *o, const char *what)
{
    for (size_t i = 0; i < lac_pack_note_count(o->p); i++)
        if (memmem(lac_pack_note_at(o->p, i).ptr, lac_pack_note_at(o->p, i).len, what,
                   strlen(what)))
            return true;
    return false;
}

static void the_list_of_words_is_sorted_and_found(void)
{
    static const struct {
        const char *word;
        enum lac_pack_word want;
    } rows[] = {
        {"apple", LAC_PACK_WORD_EVERYDAY},
        {"apples", LAC_PACK_WORD_KNOWN},
        {"summit", LAC_PACK_WORD_KNOWN},
        {"summits", LAC_PACK_WORD_KNOWN},
        {"berlin", LAC_PACK_WORD_NAME},
        {"kubernetes", LAC_PACK_WORD_BRAND},
        {"phoenix", LAC_PACK_WORD_FREQUENT},
        {"megacorp", LAC_PACK_WORD_NONE},
        {"", LAC_PACK_WORD_NONE},
        {"a", LAC_PACK_WORD_NONE},
        {"zzzz", LAC_PACK_WORD_NONE},
        {"aa", LAC_PACK_WORD_NONE},
        {"Apple", LAC_PACK_WORD_NONE},
    };
    const char *at = lac_pack_words_english;
    const char *end = at + lac_pack_words_english_size;
    struct lac_str before = LAC_STR("");
    size_t words = 0;

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].word);
        LAC_TEST_EQ(lac_pack_word(lac_str_from(rows[i].word)), rows[i].want);
    }
    for (; at < end; words++) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        struct lac_str word;

        LAC_TEST_NEED(line && line - at > 2);
        word = (struct lac_str){at, (size_t)(line - at) - 2};
        lac_test_row("%.*s", LAC_STR_FMT(word));
        LAC_TEST_NEED(lac_str_cmp(before, word) < 0);
        if (words % 37 == 0)
            CU_ASSERT(lac_pack_word(word) != LAC_PACK_WORD_NONE);
        before = word;
        at = line + 1;
    }
    CU_ASSERT(words > 30000);
}

static void a_common_word_needs_context(void)
{
    struct opened o = open_terms("customers: [Apple, Megacorp]\nprojects: [Summit, GO]\n");

    CU_ASSERT(finds(&o, "customer", "the renewal of Apple is due"));
    CU_ASSERT(finds(&o, "customer", "APPLE, our customer since 2011"));
    CU_ASSERT(!finds(&o, "customer", "an apple a day"));
    CU_ASSERT(!finds(&o, "customer", "Apple announced a new phone"));
    CU_ASSERT(finds(&o, "customer", "lunch with Megacorp"));
    CU_ASSERT(finds(&o, "project", "the roadmap of Summit"));
    CU_ASSERT(!finds(&o, "project", "we climbed to the summit"));
    CU_ASSERT(!finds(&o, "project", "let us go home"));
    CU_ASSERT(noted(&o, "terms/a.yaml:1: 'Apple' is one of the most used English words"));
    CU_ASSERT(noted(&o, "'Summit' is an English word"));
    CU_ASSERT(!noted(&o, "Megacorp"));
    close_terms(&o);
}

static void names_are_found_inside_identifiers_and_in_the_plural(void)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        {"project zanthor", true},       {"Project-Zanthor", true},
        {"project_zanthor", true},       {"projectZanthor", true},
        {"ProjectZanthor", true},        {"projectzanthor", true},
        {"getProjectZanthorId", true},   {"project.zanthor", true},
        {"src/project/zanthor", true},   {"the project zanthors", true},
        {"project\nzanthor", true},      {"PROJECT_ZANTHOR_URL", true},
        {"a project of zanthor", false}, {"projectzanthorium", false},
        {"subprojectzanthor", false},    {"project zan thor", false},
    };
    struct opened o = open_terms("projects:\n- project_zanthor\n- {name: qx seven, exact: true}\n");

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(finds(&o, "project", rows[i].text), rows[i].want);
    }
    CU_ASSERT(finds(&o, "project", "the qx-seven file"));
    CU_ASSERT(!finds(&o, "project", "the qxSeven file"));
    CU_ASSERT(!finds(&o, "project", "two qx sevens"));
    close_terms(&o);
}

static void an_entry_can_insist_or_bring_its_own_context(void)
{
    struct opened o = open_terms("customers:\n"
                                 "- {name: Apple, common: false}\n"
                                 "- {name: Shell, context: [rotterdam]}\n"
                                 "- {name: Xylocorp, common: true}\n"
                                 "- {name: Zanthor, aliases: [ZTH9, Orange], tier: INTERNAL}\n");

    CU_ASSERT(finds(&o, "customer", "an apple a day"));
    CU_ASSERT(finds(&o, "customer", "shell in rotterdam"));
    CU_ASSERT(!finds(&o, "customer", "the invoice lay in a shell"));
    CU_ASSERT(finds(&o, "customer", "the xylocorp invoice"));
    CU_ASSERT(!finds(&o, "customer", "what xylocorp is"));
    CU_ASSERT(finds(&o, "customer", "zth9 wrote"));
    CU_ASSERT(!finds(&o, "customer", "orange juice"));
    CU_ASSERT(finds(&o, "customer", "orange signed the contract"));
    close_terms(&o);
}

static void paths_are_found_with_either_slash(void)
{
    struct opened o = open_terms("paths: [/srv/finance/, '\\\\files\\hr\\*']\n");

    CU_ASSERT(finds(&o, "path", "cat /srv/finance/q3.csv"));
    CU_ASSERT(finds(&o, "path", "in \\srv\\finance"));
    CU_ASSERT(finds(&o, "path", "open //files/hr/list.xlsx"));
    CU_ASSERT(!finds(&o, "path", "/srv/finances"));
    CU_ASSERT(!finds(&o, "path", "srv finance"));
    close_terms(&o);
}

static void tables_are_found_inside_sql(void)
{
    struct opened o = open_terms("tables: [crm.customers, ledger_postings, orders]\n"
                                 "columns: [credit_score, iban_hash9]\n");

    CU_ASSERT(finds(&o, "table", "SELECT * FROM crm.customers WHERE id = 3"));
    CU_ASSERT(finds(&o, "table", "select 1 from prod.CRM.Customers c"));
    CU_ASSERT(finds(&o, "table", "SELECT * FROM \"crm\".\"customers\""));
    CU_ASSERT(finds(&o, "table", "SELECT * FROM `crm`.`customers`"));
    CU_ASSERT(finds(&o, "table", "SELECT * FROM [crm].[customers]"));
    CU_ASSERT(!finds(&o, "table", "a CRM: customers like it"));
    CU_ASSERT(finds(&o, "table", "join orders on orders.id = x"));
    CU_ASSERT(!finds(&o, "table", "orders arrive by mail"));
    CU_ASSERT(finds(&o, "column", "SELECT credit_score FROM t"));
    CU_ASSERT(!finds(&o, "column", "what is a credit score?"));
    CU_ASSERT(finds(&o, "column", "the iban_hash9 field"));
    CU_ASSERT(noted(&o, "'ledger_postings' is made of common words: it counts only near"));
    CU_ASSERT(noted(&o, "'orders' is one of the most used English words"));
    close_terms(&o);
}

static void a_name_twice_is_one_and_said(void)
{
    struct opened o = open_terms("terms: [blue zebra, Blue-Zebra]\ninternal_terms: [BLUE_ZEBRA]\n");

    LAC_TEST_EQ(rules_of(&o, "term"), 1);
    LAC_TEST_EQ(
        lac_match_rule_at(lac_pack_match(o.p), lac_match_rule_count(lac_pack_match(o.p)) - 1)
            ->phrase_count,
        1);
    CU_ASSERT(noted(&o, "'Blue-Zebra' is on line 1 of terms/a.yaml already"));
    close_terms(&o);
}

static void many_names_are_few_rules(void)
{
    enum { NAMES = 20000 };
    struct lac_buf text;
    struct opened o;

    lac_buf_init(&text, 8 << 20);
    lac_buf_put_text(&text, "customers:\n");
    for (int i = 0; i < NAMES; i++)
        lac_buf_printf(&text, i % 2 ? "- Qx%dcorp %d\n" : "- {name: Qx%dcorp, aliases: [zz%dq]}\n",
                       i, i);
    o = open_terms(lac_buf_cstr(&text));
    LAC_TEST_EQ(rules_of(&o, "customer"), 1);
    CU_ASSERT(finds(&o, "customer", "lunch with zz19998q"));
    CU_ASSERT(finds(&o, "customer", "lunch with Qx19999CORP 19999"));
    CU_ASSERT(!finds(&o, "customer", "lunch with qx20001corp"));
    close_terms(&o);
    lac_buf_deinit(&text);
}

static void a_disabled_rule_is_gone(void)
{
    const struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), LAC_STR(PACK_YAML "disable: [us-ssn, mark-strict]\n")}};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t found = 0;

    LAC_TEST_EQ(lac_pack_open_files(&p, files, 1, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++) {
        struct lac_str id = lac_match_rule_at(lac_pack_match(p), i)->id;

        CU_ASSERT(!lac_str_is(id, "us-ssn") && !lac_str_is(id, "mark-strict"));
        found += lac_str_is(id, "mark-confidential");
        if (lac_str_is(id, "mark-confidential"))
            CU_ASSERT(lac_pack_examples(p, i).match_count >= 3);
    }
    LAC_TEST_EQ(found, 1);
    lac_pack_close(p);
}

static void a_rule_of_ones_own_may_replace_a_disabled_one(void)
{
    static const char rule[] =
        "rules:\n- {id: us-ssn, entity: X, tier: INTERNAL, phrases: [abc]}\n";
    const struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), LAC_STR(PACK_YAML "disable: [us-ssn]\n")},
        {LAC_STR("rules/mine.yaml"), LAC_STR(rule)}};
    const struct lac_pack_file clash[] = {{LAC_STR("pack.yaml"), LAC_STR(PACK_YAML)}, files[1]};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t found = 0;

    LAC_TEST_EQ(lac_pack_open_files(&p, files, 2, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++)
        if (lac_str_is(lac_match_rule_at(lac_pack_match(p), i)->id, "us-ssn")) {
            CU_ASSERT(lac_str_is(lac_match_rule_at(lac_pack_match(p), i)->entity, "X"));
            found++;
        }
    LAC_TEST_EQ(found, 1);
    lac_pack_close(p);
    LAC_TEST_EQ(lac_pack_open_files(&p, clash, 2, &err), LAC_REJECT);
    LAC_TEST_STR(err.text,
                 "rules/mine.yaml:2: the id 'us-ssn' is a built-in rule's; choose another "
                 "one, or name it in pack.yaml under `disable` to replace that rule");
}

LAC_TEST_MAIN(pack_terms, a_rule_of_ones_own_may_replace_a_disabled_one,
              the_list_of_words_is_sorted_and_found, a_common_word_needs_context,
              an_entry_can_insist_or_bring_its_own_context,
              names_are_found_inside_identifiers_and_in_the_plural,
              paths_are_found_with_either_slash, tables_are_found_inside_sql,
              a_name_twice_is_one_and_said, many_names_are_few_rules, a_disabled_rule_is_gone)
