/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: everything in a text is found once, at its place, wherever windows and pieces are cut, and
 * nothing that was found shows in an excerpt or a redacted text. Method: a small pack of its own.
 */
#include "lac_scan.h"

#include <stdlib.h>
#include <string.h>

#include "lac_redact.h"
#include "lac_test.h"

static const char rules[] =
    "rules:\n"
    "- {id: emp, entity: EMPLOYEE_ID, tier: PROPRIETARY, redaction: last4,\n"
    "   pattern: '\\bEMP-[0-9]{4,6}\\b', examples: {match: [EMP-12345]}}\n"
    "- {id: near, entity: BADGE, tier: INTERNAL, pattern: '\\bB[0-9]{3}\\b',\n"
    "   context: {words: [badge], window: 64}, examples: {match: [badge B123]}}\n"
    "- {id: weak, entity: CODE, tier: INTERNAL, score: 0.3, pattern: '\\bW[0-9]{3}\\b',\n"
    "   context: {words: [code], window: 64, boost: 0.4}, examples: {match: [code W123]}}\n"
    "- {id: long, entity: LONG, tier: PROPRIETARY, pattern: '\\bL-[0-9a-f]{256,400}'}\n"
    "- {id: key, entity: KEY, tier: PROPRIETARY, detector: private_key}\n"
    "- {id: hint, entity: TOPIC, tier: INTERNAL, strength: opinion, phrases: [quarterly],\n"
    "   likelihoods: {public: 0.01, internal: 0.9, proprietary: 0.1}}\n"
    "- {id: fine, entity: FINE, tier: PUBLIC, strength: allow, phrases: [hello],\n"
    "   likelihoods: {public: 0.9, internal: 0.1, proprietary: 0.1}}\n";

static struct lac_str content(const char *path, char *memory, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t n;

    LAC_TEST_NEED(f != NULL);
    n = fread(memory, 1, size, f);
    fclose(f);
    return (struct lac_str){memory, n};
}

static struct lac_pack *pack_of_the_tests(void)
{
    static struct lac_pack *pack; /* freed by the last test */
    static char yaml[8192], routing[4096];
    struct lac_pack_file files[] = {{LAC_STR("pack.yaml"), {yaml, 0}},
                                    {LAC_STR("routing.yaml"), {routing, 0}},
                                    {LAC_STR("rules.yaml"), {rules, sizeof(rules) - 1}}};
    struct lac_err err = {0};

    if (pack)
        return pack;
    files[0].data = content("packs/builtin/pack.yaml", yaml, sizeof(yaml));
    files[1].data = content("packs/builtin/routing.yaml", routing, sizeof(routing));
    LAC_TEST_EQ(lac_pack_open_files(&pack, files, LAC_COUNT(files), &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(pack != NULL);
    return pack;
}

struct bench {
    struct lac_scan_plan *plan;
    struct lac_scan *s;
    struct lac_redact *redact;
};

static void setup(struct bench *b, const struct lac_scan_options *o)
{
    static const struct lac_scan_options all = {.min_score = LAC_MATCH_SCORE_COUNTS};
    struct lac_err err = {0};

    LAC_TEST_NEED(lac_scan_plan_open(&b->plan, pack_of_the_tests(), o ? o : &all, &err) == LAC_OK);
    LAC_TEST_NEED(lac_scan_open(&b->s, b->plan, &err) == LAC_OK);
    LAC_TEST_NEED(lac_redact_open(&b->redact, LAC_STR_NULL, &err) == LAC_OK);
}

static void teardown(struct bench *b)
{
    lac_redact_close(b->redact);
    lac_scan_close(b->s);
    lac_scan_plan_close(b->plan);
}

static struct lac_scan_result scan(struct bench *b, struct lac_str text, size_t from, size_t to)
{
    struct lac_scan_result r;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_scan_text(b->s, text, from, to, &r, &err), LAC_OK);
    return r;
}

/* "rule@start" of what is listed. */
static const char *listed(struct bench *b, const char *text)
{
    static char out[1024];
    struct lac_scan_result r = scan(b, lac_str_from(text), 0, strlen(text));
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < r.count; i++)
        if (r.at[i].listed)
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s@%zu", n ? " " : "",
                                  lac_scan_rule(b->plan, r.at[i].rule)->id.ptr, r.at[i].start);
    return out;
}

static void a_plan_limits_what_is_listed(void)
{
    static const char text[] = "EMP-12345 badge B123 W123 code W555 quarterly";
    const struct lac_str entity = LAC_STR("BADGE"), rule = LAC_STR("hint");
    const struct {
        struct lac_scan_options o;
        const char *want;
    } rows[] = {
        {{.min_score = 500000}, "emp@0 near@16 weak@21 weak@31 hint@36"},
        {{.min_score = 800000}, "emp@0 near@16 hint@36"},
        {{.min_score = 500000, .min_tier = LAC_TIER_PROPRIETARY}, "emp@0"},
        {{.min_score = 500000, .entities = &entity, .entity_count = 1}, "near@16"},
        {{.min_score = 500000,
          .entities = &entity,
          .entity_count = 1,
          .rules = &rule,
          .rule_count = 1},
         "near@16 hint@36"},
        {{.min_score = 500000, .floors_only = true}, "emp@0 near@16 weak@21 weak@31"},
        {{.min_score = 500000, .floors_only = true, .rules = &rule, .rule_count = 1}, "hint@36"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct bench b;

        lac_test_row("row %zu", i);
        setup(&b, &rows[i].o);
        LAC_TEST_STR(listed(&b, text), rows[i].want);
        teardown(&b);
    }
}

static void weak_candidates_are_listed_for_who_asks(void)
{
    const struct lac_scan_options o = {.min_score = 0};
    struct bench b;

    setup(&b, NULL);
    LAC_TEST_STR(listed(&b, "W123 alone"), "");
    teardown(&b);
    setup(&b, &o);
    LAC_TEST_STR(listed(&b, "W123 alone"), "weak@0");
    LAC_TEST_EQ(scan(&b, LAC_STR("W123"), 0, 4).tier, LAC_TIER_PUBLIC); /* and do not count */
    teardown(&b);
}

static void unknown_names_are_refused_with_the_nearest(void)
{
    static const struct {
        const char *name, *want;
        bool entity;
    } rows[] = {
        {"BADGES", "the pack has no entity \"BADGES\"; did you mean BADGE?", true},
        {"EMPLOYEE", "the pack has no entity \"EMPLOYEE\"; did you mean EMPLOYEE_ID?", true},
        {"nothing-like-it", "the pack has no rule \"nothing-like-it\"", false},
        {"hynt", "the pack has no rule \"hynt\"; did you mean hint?", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_str name = lac_str_from(rows[i].name);
        struct lac_scan_options o = {0};
        struct lac_scan_plan *plan;
        struct lac_err err = {0};

        if (rows[i].entity) {
            o.entities = &name;
            o.entity_count = 1;
        } else {
            o.rules = &name;
            o.rule_count = 1;
        }
        LAC_TEST_EQ(lac_scan_plan_open(&plan, pack_of_the_tests(), &o, &err), LAC_REJECT);
        LAC_TEST_STR(err.text, rows[i].want);
    }
}

static void the_tier_is_what_the_findings_speak_for(void)
{
    static const struct {
        const char *text;
        enum lac_tier tier;
    } rows[] = {
        {"nothing here", LAC_TIER_PUBLIC},
        {"hello", LAC_TIER_PUBLIC},
        {"badge B123", LAC_TIER_INTERNAL},
        {"quarterly", LAC_TIER_INTERNAL},
        {"badge B123 and EMP-1234", LAC_TIER_PROPRIETARY},
    };
    struct bench b;

    setup(&b, NULL);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(scan(&b, lac_str_from(rows[i].text), 0, strlen(rows[i].text)).tier,
                    rows[i].tier);
    }
    teardown(&b);
}

/* A finding moved over every byte around a seam is found once, with its context, at its place. */
static void nothing_is_missed_or_doubled_at_a_seam(void)
{
    enum { SIZE = 3 * LAC_SCAN_WINDOW };
    static const char what[] = "badge \xc3\xbc B123 EMP-12345";
    char *text = malloc(SIZE);
    struct bench b;

    LAC_TEST_NEED(text != NULL);
    setup(&b, NULL);
    for (size_t at = LAC_SCAN_WINDOW - 3 * LAC_SCAN_MARGIN; at < LAC_SCAN_WINDOW; at += 29) {
        struct lac_scan_result r;

        memset(text, ' ', SIZE);
        memcpy(text + at, what, sizeof(what) - 1);
        r = scan(&b, (struct lac_str){text, SIZE}, 0, SIZE);
        lac_test_row("at %zu", at);
        LAC_TEST_EQ(r.listed, 2);
        LAC_TEST_EQ(r.undecodable, false);
        if (r.count == 2) {
            LAC_TEST_EQ(r.at[0].start, at + 9);
            LAC_TEST_EQ(r.at[1].end, at + sizeof(what) - 1);
        }
    }
    teardown(&b);
    free(text);
}

/* Where `what`, moved over every place around a seam, is not found as a whole. */
static size_t cut_at_a_seam(struct bench *b, struct lac_str what)
{
    enum { SIZE = 3 * LAC_SCAN_WINDOW };
    char *text = malloc(SIZE);
    size_t cut = 0;

    LAC_TEST_NEED(text != NULL);
    for (size_t at = LAC_SCAN_WINDOW - 6 * LAC_SCAN_MARGIN; at < LAC_SCAN_WINDOW; at += 97) {
        struct lac_scan_result r;

        memset(text, ' ', SIZE);
        memcpy(text + at, what.ptr, what.len);
        r = scan(b, (struct lac_str){text, SIZE}, 0, SIZE);
        cut += r.listed != 1 || r.at[0].start != at || r.at[0].end != at + what.len;
    }
    free(text);
    return cut;
}

/* A token, and lines in which a key of 16,384 bits is written. */
static void what_is_longer_than_a_margin_is_not_cut_at_a_seam(void)
{
    static const char first[] = "-----BEGIN PRIVATE KEY-----\n";
    static const char last[] = "-----END PRIVATE KEY-----";
    static char token[LAC_MATCH_CUT_MAX + 300], key[12 << 10];
    struct bench b;
    size_t n = sizeof(first) - 1;

    memset(token, 'a', sizeof(token));
    memcpy(token, "L-", 2);
    memcpy(key, first, n);
    for (; n + 65 + sizeof(last) < sizeof(key); n += 65)
        (void)snprintf(key + n, 66, "MII%061zu\n", n);
    memcpy(key + n, last, sizeof(last) - 1);
    n += sizeof(last) - 1;
    setup(&b, NULL);
    LAC_TEST_EQ(cut_at_a_seam(&b, (struct lac_str){token, sizeof(token)}), 0);
    LAC_TEST_EQ(cut_at_a_seam(&b, (struct lac_str){key, n}), 0);
    teardown(&b);
}

static void what_is_outside_of_the_part_is_known_and_not_listed(void)
{
    static const char text[] = "EMP-1111 EMP-2222 EMP-3333";
    struct lac_scan_result r;
    struct bench b;

    setup(&b, NULL);
    r = scan(&b, lac_str_from(text), 5, 14);
    LAC_TEST_EQ(r.count, 3);
    LAC_TEST_EQ(r.listed, 1);
    LAC_TEST_EQ(r.at[1].start, 9);
    LAC_TEST_EQ(r.at[1].listed, true);
    r = scan(&b, lac_str_from(text), 1, 2);
    LAC_TEST_EQ(r.listed, 0);
    LAC_TEST_EQ(r.tier, LAC_TIER_PUBLIC);
    teardown(&b);
}

/* Far more than a field reports, each of them. */
static void a_text_full_of_findings_is_listed_in_full(void)
{
    enum { COUNT = 60000, UNIT = 9 };
    const size_t size = (size_t)COUNT * UNIT;
    char *text = malloc(size + 1);
    struct lac_scan_result r;
    struct bench b;
    size_t wrong = 0;

    LAC_TEST_NEED(text != NULL);
    for (size_t i = 0; i < COUNT; i++)
        snprintf(text + i * UNIT, UNIT + 1, "EMP-%04u ", (unsigned)(i % 10000));
    setup(&b, NULL);
    r = scan(&b, (struct lac_str){text, size}, 0, size);
    LAC_TEST_EQ(r.listed, COUNT);
    LAC_TEST_EQ(r.truncated, false);
    for (size_t i = 0; i < r.count; i++)
        wrong += r.at[i].start != i * UNIT || r.at[i].end != i * UNIT + 8;
    LAC_TEST_EQ(wrong, 0);
    teardown(&b);
    free(text);
}

static void findings_are_written_in_bytes_and_code_points(void)
{
    static const char text[] = "\xc3\xa4\xe2\x82\xac EMP-1234 \xf0\x9f\x98\x80 EMP-5678";
    struct lac_scan_result r;
    struct lac_json_writer w;
    struct lac_buf out;
    struct bench b;

    setup(&b, NULL);
    lac_buf_init(&out, 4096);
    r = scan(&b, lac_str_from(text), 0, strlen(text));
    lac_json_begin(&w, &out);
    lac_scan_put_findings(&w, b.plan, &r, lac_str_from(text));
    LAC_TEST_STR(lac_buf_cstr(&out),
                 "[{\"rule\":\"emp\",\"entity\":\"EMPLOYEE_ID\",\"start\":6,\"end\":14,"
                 "\"start_char\":3,\"end_char\":11,\"score\":1,\"tier\":\"PROPRIETARY\","
                 "\"strength\":\"floor\",\"validated\":false},"
                 "{\"rule\":\"emp\",\"entity\":\"EMPLOYEE_ID\",\"start\":20,\"end\":28,"
                 "\"start_char\":14,\"end_char\":22,\"score\":1,\"tier\":\"PROPRIETARY\","
                 "\"strength\":\"floor\",\"validated\":false}]");
    lac_buf_deinit(&out);
    teardown(&b);
}

static const char *excerpt_of(struct bench *b, const char *text, size_t index, bool bare)
{
    static char memory[4096];
    struct lac_scan_result r = scan(b, lac_str_from(text), 0, strlen(text));
    struct lac_buf out;

    lac_buf_init_fixed(&out, memory, sizeof(memory));
    lac_scan_excerpt(b->s, &r, index, lac_str_from(text), b->redact, bare, &out);
    return lac_buf_cstr(&out);
}

static void an_excerpt_shows_the_words_around_and_no_finding(void)
{
    const struct lac_str entity = LAC_STR("BADGE");
    const struct lac_scan_options only = {
        .min_score = 500000, .entities = &entity, .entity_count = 1};
    struct bench b;

    setup(&b, NULL);
    LAC_TEST_STR(excerpt_of(&b, "line\n  of EMP-123456 here\nnext", 0, false),
                 "of ***-**3456 here");
    LAC_TEST_STR(excerpt_of(&b, "line\nof EMP-123456 here", 0, true), "of EMP-123456 here");
    /* Its neighbour is hidden too, also where the excerpt would cut it. */
    LAC_TEST_STR(
        excerpt_of(&b, "badge B123 ..................................... EMP-123456", 0, false),
        "badge <BADGE> ..................................... ***-**3456");
    teardown(&b);
    /* And what nobody asked for. */
    setup(&b, &only);
    LAC_TEST_STR(excerpt_of(&b, "badge B123 EMP-123456", 0, false), "badge <BADGE> ***-**3456");
    teardown(&b);
}

/* A pattern's match goes on to the end of its token, thousands of bytes. */
static void an_excerpt_behind_a_long_finding_shows_nothing_of_it(void)
{
    enum { LEN = LAC_MATCH_CUT_MAX + 300 };
    static char text[LEN + 64];
    struct bench b;

    _Static_assert((int)LEN > (int)LAC_SCAN_MARGIN,
                   "longer than what is seen beside a window's own part");
    memset(text, 'a', LEN);
    memcpy(text, "L-", 2);
    memcpy(text + LEN, " EMP-123456", 12);
    setup(&b, NULL);
    LAC_TEST_STR(excerpt_of(&b, text, 1, false), "<LONG> ***-**3456");
    teardown(&b);
}

static void a_redacted_text_keeps_every_other_byte(void)
{
    static const char text[] = "a EMP-12345 b\xff badge B123\r\n";
    const enum lac_match_redaction mask = LAC_MATCH_REDACT_MASK;
    struct lac_scan_result r;
    struct lac_buf out;
    struct lac_err err;
    struct bench b;
    size_t places;

    setup(&b, NULL);
    lac_buf_init(&out, 4096);
    r = scan(&b, lac_str_from(text), 0, strlen(text));
    LAC_TEST_EQ(r.undecodable, true);
    LAC_TEST_EQ(lac_scan_redact(b.s, &r, lac_str_from(text), b.redact, NULL, &out, &places, &err),
                LAC_OK);
    LAC_TEST_EQ(places, 2);
    LAC_TEST_STR(lac_buf_cstr(&out), "a ***-*2345 b\xff badge <BADGE>\r\n");
    lac_buf_reset(&out);
    LAC_TEST_EQ(lac_scan_redact(b.s, &r, lac_str_from(text), b.redact, &mask, &out, &places, &err),
                LAC_OK);
    LAC_TEST_STR(lac_buf_cstr(&out), "a ********* b\xff badge ****\r\n");
    r.truncated = true;
    LAC_TEST_EQ(lac_scan_redact(b.s, &r, lac_str_from(text), b.redact, NULL, &out, &places, &err),
                LAC_REJECT);
    lac_buf_deinit(&out);
    teardown(&b);
    lac_pack_close(pack_of_the_tests());
}

/* ---- tables ---- */

enum { TABLE_ROWS = 20000, TABLE_BYTES = 2 << 20 };

/* A head, so many rows, in which '@' is a number and '#' one of three digits, and an end. */
static struct lac_str table(const char *head, const char *row, const char *end)
{
    static char text[TABLE_BYTES];
    size_t n = (size_t)snprintf(text, sizeof(text), "%s", head);

    for (unsigned i = 0; i < TABLE_ROWS; i++)
        for (const char *c = row; *c && n < sizeof(text) - 1; c++) {
            if (*c == '@' || *c == '#')
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%u",
                                      *c == '@' ? i : 100 + i % 900);
            else
                text[n++] = *c;
        }
    LAC_TEST_NEED(n < sizeof(text) - 1024);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", end);
    return (struct lac_str){text, n};
}

/* How many of the findings are of the rule, and "B<digits>" where they should be. */
static size_t near_ones(struct bench *b, struct lac_str text, const struct lac_scan_result *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct lac_scan_finding *f = &r->at[i];

        if (!f->listed || !lac_str_is(lac_scan_rule(b->plan, f->rule)->id, "near"))
            continue;
        n++;
        LAC_TEST_EQ(f->end - f->start, 4);
        LAC_TEST_EQ(text.ptr[f->start], 'B');
        LAC_TEST_EQ(i == 0 || r->at[i - 1].start <= f->start, true);
    }
    return n;
}

static void a_cell_is_read_with_its_heading(void)
{
    static const struct {
        const char *head, *row, *end;
    } rows[] = {
        {"name,badge\n", "p@,B#\n", ""},
        {"\xEF\xBB\xBFname;badge\r\n", "p@;B#\r\n", ""},
        {"# of today\nname\tbadge\n", "p@\t\"B#\"\n", ""},
        {"\"badge\",\"note\"\n", "\"for \"\"p@\"\"\n, B#\",x\n", ""},
        {"| name | badge |\n|---|---|\n", "| p@ | B# |\n", ""},
        {"-- dump\nCOPY public.t (name, badge) FROM stdin;\n", "p@\tB#\n",
         "\\.\n\nCOPY public.o (name) FROM stdin;\nB777\n\\.\n"},
        {"-- dump\nINSERT INTO `t` (`name`, `badge`) VALUES\n", "('p@', 'B#'),\n",
         "('q', 'x');\nINSERT INTO o (name) VALUES ('B777');\n"},
        {"SET x = 1;\n", "insert into t (name, badge) values ('p@', 'B#');\n", ""},
        {"-- MySQL dump\nCREATE TABLE `t` (\n  `name` varchar(8) DEFAULT 'a,b',\n  `badge` "
         "enum('x','y'),\n"
         "  PRIMARY KEY (`name`)\n) ENGINE=InnoDB;\nINSERT INTO `t` VALUES ",
         "('p@','B#'),", "('q','x');\nINSERT INTO `o` VALUES ('q','B777');\n"},
        {"BEGIN TRANSACTION;\nCREATE TABLE IF NOT EXISTS main.t(name TEXT, badge TEXT);\n",
         "INSERT INTO \"t\" VALUES('p@','B#');\n", "INSERT INTO o VALUES ('q','B777');\n"},
        /* The same in the middle of a text. */
        {"What is wrong with these, please?\n\nname,badge\n", "p@,B#\n", "\nB777, they said.\n"},
        {"Dr. Müller asked:\n> today\n\"name\";\"badge\"\r\n", "\"p@\";\"B#\"\r\n",
         "\r\nRegards;B777\r\n"},
        {"As of now:\n\n| name | badge |\n|:-----|------:|\n", "| p@ | B# |\n",
         "\n| B777 | is |\n"},
        {"db=> select * from t;\n name | badge\n------+-------\n", " p@ | B#\n",
         "(20000 rows)\n\n B777 | x\n"},
        {"mysql> select * from t;\n+------+-----+\n| name | badge |\n+------+-----+\n",
         "| p@ | B# |\n", "+------+-----+\n20000 rows in set, B777 | warnings\n"},
        {"It was so: \xFF\nname,badge\na,b\nname\tbadge\n", "p@\tB#\n", "B777\n"},
        {"int main(void);\n\nINSERT INTO t (name, badge) VALUES\n", "('p@', 'B#'),\n",
         "('q', 'x');\nB777\n"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_str text = table(rows[i].head, rows[i].row, rows[i].end);
        struct lac_scan_result r;
        struct bench b;
        size_t n = 0;

        setup(&b, NULL);
        lac_test_row("%s", rows[i].head);
        r = scan(&b, text, 0, text.len);
        LAC_TEST_EQ(near_ones(&b, text, &r), TABLE_ROWS);
        LAC_TEST_EQ(r.tier, LAC_TIER_INTERNAL);
        for (size_t from = 0, to; from < text.len; from = to) {
            to = text.len - from > 100001 ? from + 100001 : text.len;
            if (from > 0)
                lac_scan_shift(b.s, text, 0);
            r = scan(&b, text, from, to);
            n += near_ones(&b, text, &r);
        }
        LAC_TEST_EQ(n, TABLE_ROWS);
        teardown(&b);
    }
}

/* As a file is read: what was looked at is dropped, and the end of a part may be moved back. */
static void a_table_goes_on_in_the_next_piece(void)
{
    struct lac_str all = table("name,badge\n", "p@,B#\n", ""), piece = all;
    size_t from = 0, n = 0;
    struct bench b;

    setup(&b, NULL);
    for (unsigned k = 0;; k++) {
        size_t to = piece.len - from > 60000 ? from + 60000 : piece.len, keep;
        struct lac_scan_result r;

        r = scan(&b, piece, from, to);
        if (to < piece.len && k % 2)
            to -= 50000;
        for (size_t i = 0; i < r.count; i++)
            n += r.at[i].listed && r.at[i].start < to;
        if (to == piece.len)
            break;
        keep = to > LAC_SCAN_MARGIN ? to - LAC_SCAN_MARGIN : 0;
        lac_scan_shift(b.s, piece, keep);
        piece = lac_str_slice(piece, keep, piece.len);
        from = to - keep;
    }
    LAC_TEST_EQ(n, TABLE_ROWS);
    teardown(&b);
}

static void what_is_no_table_is_read_as_it_is(void)
{
    static const char *const texts[] = {
        "name,badge\np,x\n",                      /* nothing in it */
        "name, badge\np0,B100\n",                 /* a sentence's list */
        "name,badge\n\n\nB100 stands alone here", /* no row */
        "one line\nname,badge\n",                 /* nothing below */
        /* No row below; a blank line ends it. What follows is too far away from the word. */
        "one line\nname,badge\nthere is much to say about it and more to be left unsaid by "
        "now\np,B100\n",
        "one line\nname,badge\n\nthere is much to say about it, more to be left unsaid by "
        "us\np,B100\n",
        "name,x\nbadges,1\nwere,all,lost,in,the,long,winter,of,the,year,and,so,on,in,B100,a\n",
    };
    struct bench b;

    setup(&b, NULL);
    LAC_TEST_STR(listed(&b, texts[0]), "");
    for (size_t i = 3; i < 6; i++)
        LAC_TEST_STR(listed(&b, texts[i]), "");
    for (size_t i = 1; i < LAC_COUNT(texts); i++) {
        struct lac_str text = lac_str_from(texts[i]);
        struct lac_scan_result r = scan(&b, text, 0, text.len);
        size_t of_cells = r.count;

        /* The same behind something that is no heading. */
        static char other[512];
        (void)snprintf(other, sizeof(other), "?\n%s", texts[i]);
        r = scan(&b, lac_str_from(other), 0, strlen(other));
        LAC_TEST_EQ(of_cells, r.count);
    }
    teardown(&b);
}

static void a_weak_candidate_is_listed_once_with_its_heading(void)
{
    static char text[4096];
    const struct lac_scan_options weak = {.min_score = 0};
    size_t n = (size_t)snprintf(text, sizeof(text), "name,code\n");
    struct lac_scan_result r;
    struct bench b;

    for (unsigned i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "p%u,W%u\n", i, 100 + i);
    setup(&b, &weak);
    r = scan(&b, (struct lac_str){text, n}, 0, n);
    LAC_TEST_EQ(r.listed, 100);
    for (size_t i = 0; i < r.count; i++)
        LAC_TEST_EQ(r.at[i].score, 700000);
    teardown(&b);
}

LAC_TEST_MAIN(
    scan, a_cell_is_read_with_its_heading, a_table_goes_on_in_the_next_piece,
    what_is_no_table_is_read_as_it_is, a_weak_candidate_is_listed_once_with_its_heading,
    a_plan_limits_what_is_listed, weak_candidates_are_listed_for_who_asks,
    unknown_names_are_refused_with_the_nearest, the_tier_is_what_the_findings_speak_for,
    nothing_is_missed_or_doubled_at_a_seam, what_is_longer_than_a_margin_is_not_cut_at_a_seam,
    what_is_outside_of_the_part_is_known_and_not_listed, a_text_full_of_findings_is_listed_in_full,
    findings_are_written_in_bytes_and_code_points, an_excerpt_shows_the_words_around_and_no_finding,
    an_excerpt_behind_a_long_finding_shows_nothing_of_it, a_redacted_text_keeps_every_other_byte)
