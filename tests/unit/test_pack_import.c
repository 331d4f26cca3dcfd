/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rules of other tools become rules that load and find the same things, and what can't be
 * carried over is said. Method: small files in memory; what came out is opened as a pack.
 */
#include "lac_pack_import.h"

#include <stdio.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_match.h"
#include "lac_pack.h"
#include "lac_test.h"

/* Everything that was remarked, a line each. */
static void on_remark(void *ctx, const struct lac_pack_import_remark *r)
{
    struct lac_buf *said = ctx;

    lac_buf_printf(said, "%u%s %.*s: %s\n", r->line, r->lost ? "!" : "", LAC_STR_FMT(r->rule),
                   r->why);
}

struct outcome {
    struct lac_buf yaml, said;
    struct lac_err err;
    enum lac_status status;
    size_t taken, lost;
    struct lac_pack *pack; /* of the rules, once something was looked for with them */
};

static void import(struct outcome *o, enum lac_pack_import_kind kind, const char *text)
{
    struct lac_pack_import im = {.kind = kind,
                                 .name = LAC_STR("in"),
                                 .data = lac_str_from(text),
                                 .say = on_remark,
                                 .ctx = &o->said};

    *o = (struct outcome){0};
    lac_buf_init(&o->yaml, 1 << 20);
    lac_buf_init(&o->said, 1 << 20);
    o->status = lac_pack_import_run(&im, &o->yaml, &o->err);
    o->taken = im.taken;
    o->lost = im.lost;
}

static void done(struct outcome *o)
{
    lac_buf_deinit(&o->yaml);
    lac_buf_deinit(&o->said);
    lac_pack_close(o->pack);
}

/* A pack of the built-in rules and the imported file. */
static struct lac_pack *open_imported(struct outcome *o)
{
    const struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), LAC_STR("name: t\nversion: 1\nbase: builtin\n")},
        {LAC_STR("rules/in.yaml"), lac_buf_str(&o->yaml)}};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pack_open_files(&p, files, 2, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    return p;
}

/* Whether any rule of the imported file hits in `text`. */
static bool finds(struct outcome *o, const char *text)
{
    static struct lac_match_hit at[64];
    struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at)};
    struct lac_match_scratch *s = NULL;
    struct lac_err err = {0};
    const struct lac_match *m;
    bool found = false;

    if (!o->pack)
        o->pack = open_imported(o);
    m = lac_pack_match(o->pack);
    LAC_TEST_EQ(lac_match_scratch_open(&s, 1 << 12, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scan(m, s, lac_str_from(text), &hits, &err), LAC_OK);
    for (size_t i = 0; i < hits.count; i++) {
        struct lac_str id = lac_match_rule_at(m, hits.at[i].rule)->id;

        found = found || memmem(id.ptr, id.len, "gitleaks.", 9) ||
                memmem(id.ptr, id.len, "presidio.", 9);
    }
    lac_match_scratch_close(s);
    return found;
}

static void patterns_are_rewritten_or_refused_with_the_reason(void)
{
    static const struct {
        const char *rule, *want; /* of [[rules]]; the pattern, or what is said */
    } rows[] = {
        {"regex = '''\\bzq-[a-f0-9]{32}\\b'''", "pattern: '\\bzq-[a-f0-9]{32}\\b'"},
        {"regex = \"\\\\b(zq-[a-f0-9]{32})(?:[\\\\s;]|$)\"\nkeywords = ['zq-']",
         "pattern: '\\bzq-[a-f0-9]{32}\\b'"},
        {"regex = '''(?i)[\\w.-]{0,50}?(?:zebra)[\\s'\"=:]{0,5}([a-z0-9]{32})(?:['\"]|$)'''\n"
         "keywords = ['zebra']",
         "pattern: '(?i)(?:zebra)[\\s''\"=:]{0,5}[a-z0-9]{32}\\b'"},
        {"regex = '''(?i)[\\w.-]{0,50}?(?:zebra)[\\s'\"=:]{0,5}([a-z0-9]{32})(?:['\"]|$)'''\n"
         "keywords = ['zebra']\n[[rules.allowlists]]\nstopwords = ['zebra']",
         "pattern: '(?i)\\b[a-z0-9]{32}\\b'\n    context:\n      words: ['zebra']"},
        {"regex = '''zebra=((live|test)_[a-z]{9})(?:;|$)'''",
         "pattern: 'zebra=(?:(?:live|test)_[a-z]{9})\\b'"},
        {"regex = '''zebra=([a-z-]{9})(?:;|$)'''", "pattern: 'zebra=[a-z-]{9}(?:;|$)'"},
        {"regex = '''zebra=([a-z]{9,})(?:;|$)'''", "pattern: 'zebra=[a-z]{9,137}'"},
        {"regex = '''zq-[0-9]+-[0-9]+-[0-9]+-[0-9]+'''", "pattern: 'zq-[0-9]{1,64}-[0-9]{1,64}-"},
        {"regex = '''\\bzq-[\\w-]{50,1000}'''", "pattern: '\\bzq-[\\w-]{50,178}'"},
        {"regex = '''(?s)zq-.{3}x'''", "pattern: '(?s)zq-.{3}x'"},
        {"regex = '''zq[0-9]{3}'''\nskipReport = true", "only there for other rules"},
        {"regex = '''\\bzq-[a-f0-9]+'''", "pattern: '\\bzq-[a-f0-9]{1,128}'"},
        {"regex = '''\\bzq-[a-f0-9]{20,}\\b'''", "pattern: '\\bzq-[a-f0-9]{20,148}'"},
        {"regex = '''\\bzq(?P<a>[0-9]{9}) x'''", "pattern: '\\bzq[0-9]{9} x'"},
        {"regex = '''\\bit''s [0-9]{9}'''", "pattern: '\\bit''''s [0-9]{9}'"},
        {"regex = '''zebra=([a-z]{9})-prod'''", "pattern: 'zebra=[a-z]{9}-prod'"},
        {"regex = '''(zq[0-9])\\1'''", "it refers back to a group"},
        {"regex = '''zq(?=[0-9])x'''", "it looks around in the middle of the pattern"},
        {"regex = '''(zq'''", "a parenthesis is not closed"},
        {"regex = '''zq)'''", "a parenthesis too many"},
        {"regex = '''zq(?<a)[0-9]{9}'''", "a group's name does not end"},
        {"regex = '''zq(?P<a)[0-9]{9}>'''", "a group's name does not end"},
        {"regex = '''(zq)(?<'''", "a group's name does not end"},
        {"regex = '''zq(?<a>[0-9]{9})'''", "pattern: 'zq[0-9]{9}'"},
        {"regex = '''zq[0-9]{3}'''\nsecretGroup = 2", "there is no such group in it"},
        {"regex = '''zq[0-9]{900}'''", "512"},
        {"path = '''x'''", "it has no pattern for texts"},
        {"regex = '''\\bzq-[0-9]{9}'''\nentropy = 3.7", "min_entropy: 3.700"},
        {"regex = '''\\bzq-[0-9]{9}'''\n[rules.allowlist]\nstopwords = ['123456789']\n"
         "regexes = ['''^zq-000000000$''', '''a.b''']",
         "allow: ['*123456789*', 'zq-000000000']"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct outcome o;
        char text[1024];

        lac_test_row("%s", rows[i].rule);
        snprintf(text, sizeof(text), "[[rules]]\nid = 'a rule!'\n%s\n", rows[i].rule);
        import(&o, LAC_PACK_IMPORT_GITLEAKS, text);
        LAC_TEST_EQ(o.status, LAC_OK);
        LAC_TEST_EQ(o.taken + o.lost, 1);
        CU_ASSERT(strstr(lac_buf_cstr(o.lost ? &o.said : &o.yaml), rows[i].want) != NULL);
        CU_ASSERT(!o.taken || strstr(lac_buf_cstr(&o.yaml), "id: gitleaks.a-rule\n") != NULL);
        done(&o);
    }
}

static void byte_order_mark_is_no_part_of_a_file(void)
{
    struct outcome o;

    import(&o, LAC_PACK_IMPORT_GITLEAKS,
           "\xef\xbb\xbf[[rules]]\nid = 'zq'\nregex = 'zq-[0-9]{9}'\n");
    LAC_TEST_EQ(o.status, LAC_OK);
    LAC_TEST_EQ(o.taken, 1);
    done(&o);
}

static void imported_rules_find_what_they_found(void)
{
    struct outcome o;

    import(&o, LAC_PACK_IMPORT_GITLEAKS,
           "title = \"x\" # a comment\n\n[[rules]]\nid = \"zebra-key\"\n"
           "regex = '''(?i)zebra[\\s\"'=:]{0,5}([a-z0-9]{16})(?:[\"'\\s]|$)'''\n"
           "keywords = [\n  \"zebra\", # one\n]\n"
           "[[rules.allowlists]]\nstopwords = [\"example\"]\n");
    LAC_TEST_EQ(o.taken, 1);
    CU_ASSERT(finds(&o, "zebra_key = 'q1w2e3r4t5y6u7i8'"));
    CU_ASSERT(!finds(&o, "zebra_key = 'example4t5y6u7i8'"));
    CU_ASSERT(!finds(&o, "horse_key = 'q1w2e3r4t5y6u7i8'"));
    done(&o);
    import(&o, LAC_PACK_IMPORT_PRESIDIO,
           "recognizers:\n- name: Zip\n  supported_entity: ZIP9\n  context: [zip]\n  patterns:\n"
           "  - {name: weak, regex: '(\\b\\d{5}-\\d{4}\\b)', score: 0.01}\n"
           "- {name: T, supported_entity: TITLE9, deny_list: [Grand Vizier]}\n"
           "- {name: CreditCardRecognizer, type: predefined}\n");
    LAC_TEST_EQ(o.taken, 2);
    LAC_TEST_EQ(o.lost, 1);
    CU_ASSERT(finds(&o, "zip 12345-6789"));
    CU_ASSERT(!finds(&o, "part 12345-6789"));
    CU_ASSERT(finds(&o, "the grand vizier"));
    CU_ASSERT(strstr(lac_buf_cstr(&o.said), "8! CreditCardRecognizer: ") != NULL);
    done(&o);
}

/* However it is written; what is no score must not make a rule that never counts. */
static void scores_are_read_as_presidio_reads_them(void)
{
    static const struct {
        const char *score, *want;
    } rows[] = {
        {"score: 0.85", "score: 0.850000"},   {"score: .85", "score: 0.850000"},
        {"score: 8.5e-1", "score: 0.850000"}, {"score: 0.8500000000000001", "score: 0.850000"},
        {"score: 1.", "score: 1.000000"},     {"score: 0.0", "score: 0.010000"},
        {"note: x", "score: 0.500000"},       {"score: 1.5", "score: 1.000000"},
        {"score: high", "score: 1.000000"},   {"score: -0.2", "score: 1.000000"},
        {"score: nan", "score: 1.000000"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct outcome o;
        char text[512];
        bool odd = i >= 7;

        lac_test_row("%s", rows[i].score);
        snprintf(text, sizeof(text),
                 "- name: Q\n  supported_entity: Q9\n  patterns:\n"
                 "  - {name: a, regex: 'q[0-9]{9}', %s}\n",
                 rows[i].score);
        import(&o, LAC_PACK_IMPORT_PRESIDIO, text);
        LAC_TEST_EQ(o.taken, 1);
        CU_ASSERT(strstr(lac_buf_cstr(&o.yaml), rows[i].want) != NULL);
        LAC_TEST_EQ(strstr(lac_buf_cstr(&o.said), "no number from 0 to 1") != NULL, odd);
        done(&o);
    }
}

/* Nothing is left out without a word. */
static void a_recognizer_with_empty_lists_is_named(void)
{
    struct outcome o;

    import(&o, LAC_PACK_IMPORT_PRESIDIO,
           "- {name: Q, supported_entity: Q9, patterns: []}\n"
           "- {name: R, supported_entity: R9, patterns: }\n");
    LAC_TEST_EQ(o.taken, 0);
    LAC_TEST_EQ(o.lost, 2);
    CU_ASSERT(strstr(lac_buf_cstr(&o.said), "1! Q: it has neither patterns") != NULL);
    done(&o);
}

static void allow_lists_never_excuse_more_than_they_did(void)
{
    static const struct {
        const char *lists, *taken, *said;
    } rows[] = {
        {"[[allowlists]]\nstopwords = ['sample']\n", "allow: ['*sample*']", NULL},
        {"[[allowlists]]\ntargetRules = ['a']\nstopwords = ['sample']\n", "allow: ['*sample*']",
         NULL},
        {"[[allowlists]]\ntargetRules = ['b']\nstopwords = ['sample']\n", NULL, NULL},
        {"[[allowlists]]\ncondition = 'AND'\npaths = ['x']\nstopwords = ['sample']\n", NULL,
         "asks for several things at once"},
        {"[[allowlists]]\ncondition = 'AND'\nstopwords = ['sample']\n", "allow: ['*sample*']",
         NULL},
        {"[[allowlists]]\nregexTarget = 'line'\nregexes = ['sample']\n", NULL,
         "1 : 1 pattern of its allow-list is left out"},
        {"[[allowlists]]\nregexes = ['(?i']\n", NULL, "1 pattern of its allow-list is left out"},
        {"[whitelist]\nregexes = ['a']\n", NULL, "a [whitelist], as"},
        {"[extend]\nuseDefault = true\n[[rules]]\nid = 'b'\n", NULL,
         "b: it only changes a rule of the file that is extended"},
        {"[extend]\nuseDefault = true\ndisabledRules = ['x']\n", NULL, "pack.yaml has `disable`"},
        {"[[rules]]\ndescription = 'no id'\nregex = 'nn[0-9]{5}'\n", "id: gitleaks.no-id", NULL},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct outcome o;
        char text[1024];
        bool allows = rows[i].taken && memcmp(rows[i].taken, "allow", 5) == 0;

        lac_test_row("%s", rows[i].lists);
        snprintf(text, sizeof(text), "%s[[rules]]\nid = 'a'\nregex = 'zq[a-z]{6}'\n",
                 rows[i].lists);
        import(&o, LAC_PACK_IMPORT_GITLEAKS, text);
        LAC_TEST_EQ(o.status, LAC_OK);
        LAC_TEST_EQ(strstr(lac_buf_cstr(&o.yaml), "allow:") != NULL, allows);
        CU_ASSERT(!rows[i].taken || strstr(lac_buf_cstr(&o.yaml), rows[i].taken) != NULL);
        CU_ASSERT(!rows[i].said || strstr(lac_buf_cstr(&o.said), rows[i].said) != NULL);
        done(&o);
    }
}

static void values_are_found_behind_names_of_any_spelling(void)
{
    static const char *const names[] = {"zebra_key",   "zebraToken", "myZebraApiKey",
                                        "ZEBRA-TOKEN", "zebra",      "linked_zebra"};
    struct outcome o;

    import(&o, LAC_PACK_IMPORT_GITLEAKS,
           "[[rules]]\nid = \"zebra-key\"\nregex = '''(?i)[\\w.-]{0,50}?(?:zeb[_-]?ra)"
           "(?:[ \\t\\w.-]{0,20})[\\s'\"]{0,3}(?:=|:)[\\s'\"]{0,5}([a-z0-9]{16,})"
           "(?:['\"\\s;]|$)'''\nkeywords = [\"zebra\"]\n");
    LAC_TEST_EQ(o.taken, 1);
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        char text[512];

        lac_test_row("%s", names[i]);
        snprintf(text, sizeof(text), "%s = \"q1w2e3r4t5y6u7i8\"", names[i]);
        CU_ASSERT(finds(&o, text));
        snprintf(text, sizeof(text), "%s = \"q1w2e3r4%0300d\"", names[i], 7); /* above any bound */
        CU_ASSERT(finds(&o, text));
    }
    CU_ASSERT(!finds(&o, "horse = \"q1w2e3r4t5y6u7i8\""));
    done(&o);
}

/* The list stands in a registry's file, in an analyzer's, in a request; a recognizer may stand
 * alone. */
static void recognizers_are_found_in_any_file_of_presidio(void)
{
    static const char *const rows[] = {
        "- {supported_entity: E, patterns: [{regex: 'q[0-9]{5}', score: 0.9}]}\n",
        "recognizers:\n- {supported_entity: E, patterns: [{regex: 'q[0-9]{5}', score: 0.9}]}\n",
        "recognizer_registry:\n  recognizers:\n"
        "  - {supported_entity: E, patterns: [{regex: 'q[0-9]{5}', score: 0.9}]}\n",
        "{\"text\": \"x\", \"ad_hoc_recognizers\": [{\"supported_entity\": \"E\", \"patterns\": "
        "[{\"regex\": \"q\\\\d{5}\", \"score\": 0.9}]}]}",
        "{supported_entity: E, patterns: [{regex: 'q[0-9]{5}', score: 0.9}]}\n",
        "{supported_entity: E, deny_list_score: 0.7, deny_list: [q12345]}\n",
        "- {supported_entity: E, patterns: [{regex: 'q[0-9]{5}', score: 0.2}],\n"
        "   supported_languages: [{language: en, context: [zip]}, {language: es, context: [no]}]}"
        "\n",
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct outcome o;

        lac_test_row("%s", rows[i]);
        import(&o, LAC_PACK_IMPORT_PRESIDIO, rows[i]);
        LAC_TEST_EQ(o.status, LAC_OK);
        LAC_TEST_EQ(o.taken, 1);
        CU_ASSERT(finds(&o, "no q12345"));
        CU_ASSERT(!strstr(rows[i], "deny_list_score") ||
                  strstr(lac_buf_cstr(&o.yaml), "score: 0.700000") != NULL);
        done(&o);
    }
}

static void wrong_files_are_refused_with_a_place(void)
{
    static const struct {
        enum lac_pack_import_kind kind;
        const char *text, *want;
    } rows[] = {
        {LAC_PACK_IMPORT_GITLEAKS, "",
         "in:1: there are no [[rules]]: is this a configuration of "
         "gitleaks?"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = 'x", "in:1: a string has no end"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = \"\\q\"", "in:1: unknown escape in a string"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = 1\na = 2", "in:2: the same key stands there twice"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = 1 2", "in:1: something follows the value"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = [1 2]", "in:1: ',' or ']' is expected in the list"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = [[[[[[[[[[[[[[[[[[[[", "in:1: nested too deeply"},
        {LAC_PACK_IMPORT_GITLEAKS, "[a\n", "in:1: ']' is expected behind the table's name"},
        {LAC_PACK_IMPORT_GITLEAKS, "a = 1\n[a.b]\n", "in:2: this key is no table"},
        {LAC_PACK_IMPORT_GITLEAKS, "= 1", "in:1: a key is expected here"},
        {LAC_PACK_IMPORT_GITLEAKS, "a =", "in:1: a value is expected here"},
        {LAC_PACK_IMPORT_PRESIDIO, "a: b",
         "in:1: there is no list of recognizers: is this a file "
         "of Presidio?"},
        {LAC_PACK_IMPORT_PRESIDIO, "a: &b c", "in:1: anchors and tags are not used in packs"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct outcome o;

        lac_test_row("%s", rows[i].text);
        import(&o, rows[i].kind, rows[i].text);
        LAC_TEST_EQ(o.status, LAC_REJECT);
        LAC_TEST_STR(o.err.text, rows[i].want);
        done(&o);
    }
}

LAC_TEST_MAIN(pack_import, patterns_are_rewritten_or_refused_with_the_reason,
              byte_order_mark_is_no_part_of_a_file, imported_rules_find_what_they_found,
              scores_are_read_as_presidio_reads_them, a_recognizer_with_empty_lists_is_named,
              allow_lists_never_excuse_more_than_they_did,
              values_are_found_behind_names_of_any_spelling,
              recognizers_are_found_in_any_file_of_presidio, wrong_files_are_refused_with_a_place)
