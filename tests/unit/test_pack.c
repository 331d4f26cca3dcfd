/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the built-in pack does what its own examples say; a wrong source is refused with a place
 * and a reason; the hash is the one that lac_pack.h describes. Method: packs in memory and in a
 * folder.
 */
#include "lac_pack.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_records.h"
#include "lac_test.h"

#define PACK_YAML "name: t\nversion: 7\nbase: builtin\n"

static struct lac_pack_file file_of(const char *path, const char *data)
{
    return (struct lac_pack_file){lac_str_from(path), lac_str_from(data)};
}

static bool hits_rule(const struct lac_match *m, struct lac_match_scratch *s, size_t rule,
                      struct lac_str text)
{
    static struct lac_match_hit at[256];
    struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at), .keep_shadowed = true};
    struct lac_err err;

    LAC_TEST_EQ(lac_match_scan(m, s, text, &hits, &err), LAC_OK);
    return hits.rule_hit[rule];
}

static void every_rule_of_the_built_in_pack_has_examples_that_hold(void)
{
    struct lac_match_scratch *s = NULL;
    const struct lac_match *m;
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t checked = 0;

    LAC_TEST_EQ(lac_pack_open(&p, NULL, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    m = lac_pack_match(p);
    LAC_TEST_EQ(lac_match_scratch_open(&s, 1 << 16, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
    for (size_t i = 0; i < lac_match_rule_count(m); i++) {
        struct lac_pack_examples e = lac_pack_examples(p, i);
        struct lac_str id = lac_match_rule_at(m, i)->id;

        if (lac_str_is(id, "project") || lac_str_is(id, "customer") || lac_str_is(id, "term"))
            continue;
        lac_test_row("%.*s", LAC_STR_FMT(id));
        CU_ASSERT(e.match_count >= 3 && e.no_match_count >= 3);
        /* Marks and hints are words; a form is somebody's. */
        CU_ASSERT(lac_match_rule_at(m, i)->source.len > 0 ||
                  lac_match_rule_at(m, i)->phrase_count > 0);
        CU_ASSERT(lac_match_rule_at(m, i)->basis != LAC_MATCH_BASIS_NONE);
        for (size_t k = 0; k < e.match_count; k++, checked++) {
            lac_test_row("%.*s must match: %.*s", LAC_STR_FMT(id), LAC_STR_FMT(e.match[k]));
            LAC_TEST_EQ(hits_rule(m, s, i, e.match[k]), true);
        }
        for (size_t k = 0; k < e.no_match_count; k++, checked++) {
            lac_test_row("%.*s must not match: %.*s", LAC_STR_FMT(id), LAC_STR_FMT(e.no_match[k]));
            LAC_TEST_EQ(hits_rule(m, s, i, e.no_match[k]), false);
        }
    }
    CU_ASSERT(checked > 100);
    lac_match_scratch_close(s);
    lac_pack_close(p);
}

static bool is_secret(const struct lac_match_rule *r)
{
    for (size_t i = 0; i < r->tag_count; i++)
        if (lac_str_is(r->tags[i], "SECRET"))
            return r->strength == LAC_MATCH_FLOOR;
    return false;
}

/* Forms that are documented, each with its source: this many tokens and keys of issuers, and this
 * many identifiers; this many of both were held against it. A rule that loses its source must not
 * go unnoticed. */
static void what_is_documented_is_counted(void)
{
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t secrets = 0, others = 0, checked = 0;

    LAC_TEST_NEED(lac_pack_open(&p, NULL, &err) == LAC_OK);
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(lac_pack_match(p), i);

        if (r->basis != LAC_MATCH_BASIS_SPECIFICATION && r->basis != LAC_MATCH_BASIS_DOCUMENTED)
            continue;
        lac_test_row("%.*s", LAC_STR_FMT(r->id));
        CU_ASSERT(r->source.len > 0);
        secrets += is_secret(r);
        others += !is_secret(r);
        checked += r->checked.len > 0;
    }
    CU_ASSERT(secrets >= 300);
    CU_ASSERT(others >= 150);
    CU_ASSERT(checked >= 662);
    lac_pack_close(p);
}

/* A token that a provider's rule knows is not reported a second time by the rule for tokens of
 * anybody: that one is less sure. (Numbers of states do look alike, and all of them are told.) */
static void a_secret_is_reported_once(void)
{
    struct lac_match_scratch *s = NULL;
    const struct lac_match *m;
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t secrets = 0;

    LAC_TEST_NEED(lac_pack_open(&p, NULL, &err) == LAC_OK);
    m = lac_pack_match(p);
    LAC_TEST_EQ(lac_match_scratch_open(&s, 1 << 16, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
    for (size_t i = 0; i < lac_match_rule_count(m); i++) {
        struct lac_pack_examples e = lac_pack_examples(p, i);

        for (size_t k = 0; is_secret(lac_match_rule_at(m, i)) && k < e.match_count; k++) {
            static struct lac_match_hit at[256];
            struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at), .decode = true};

            LAC_TEST_EQ(lac_match_scan(m, s, e.match[k], &hits, &err), LAC_OK);
            for (size_t h = 1; h < hits.count; h++) {
                const struct lac_match_rule *a = lac_match_rule_at(m, at[h - 1].rule);
                const struct lac_match_rule *b = lac_match_rule_at(m, at[h].rule);

                if (!is_secret(a) || !is_secret(b) || a->tier != b->tier)
                    continue;
                secrets++;
                lac_test_row("%.*s and %.*s in %.*s", LAC_STR_FMT(a->id), LAC_STR_FMT(b->id),
                             LAC_STR_FMT(e.match[k]));
                LAC_TEST_EQ(at[h].start == at[h - 1].start && at[h].end == at[h - 1].end, false);
            }
        }
    }
    CU_ASSERT(secrets > 0);
    {
        struct lac_match_hit at[4];
        struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at)};

        /* Where the sentence ends, the value ends before. */
        LAC_TEST_EQ(lac_match_scan(m, s,
                                   LAC_STR("Use GITLAB_TOKEN=glpat-uSUvvUYSSoF0j8kPtlDA. Then go."),
                                   &hits, &err),
                    LAC_OK);
        LAC_TEST_EQ(hits.count, 1);
    }
    lac_match_scratch_close(s);
    lac_pack_close(p);
}

static void the_embedded_pack_is_the_folder(void)
{
    struct lac_pack *embedded = NULL, *folder = NULL;
    struct lac_err err = {0};
    size_t count;

    LAC_TEST_EQ(lac_pack_open(&embedded, "", &err), LAC_OK);
    LAC_TEST_EQ(lac_pack_open(&folder, "packs/builtin", &err), LAC_OK);
    LAC_TEST_NEED(embedded && folder);
    LAC_TEST_EQ(memcmp(lac_pack_hash(embedded), lac_pack_hash(folder), LAC_PACK_HASH_SIZE), 0);
    LAC_TEST_EQ(lac_pack_route(folder, LAC_TIER_PUBLIC, &count)[0].len, strlen("export"));
    LAC_TEST_EQ(count, 4);
    CU_ASSERT(lac_str_is(lac_pack_route(folder, LAC_TIER_PROPRIETARY, &count)[0], "local_rag"));
    LAC_TEST_EQ(count, 1);
    lac_pack_close(embedded);
    lac_pack_close(folder);
}

/* Over the lines of four files, in this order of theirs. */
static void hash_in_order(const struct lac_pack_file *files, const int *order,
                          unsigned char out[32])
{
    char lines[1024];
    size_t n = 0;

    for (int i = 0; i < 4; i++) {
        const struct lac_pack_file *file = &files[order[i]];
        unsigned char digest[32];
        char hex[65];

        lac_sha256(digest, file->data.ptr, file->data.len);
        lac_hex_encode(hex, digest, 32);
        n += (size_t)snprintf(lines + n, sizeof(lines) - n, "%.*s, %zu, %s\n",
                              LAC_STR_FMT(file->path), file->data.len, hex);
    }
    lac_sha256(out, lines, n);
}

static void the_hash_is_over_sorted_lines(void)
{
    static const char rules[] = "rules: []\n";
    static const char routing[] = "PUBLIC: []\nINTERNAL: []\nPROPRIETARY: []\n";
    struct lac_pack_file files[4] = {file_of("routing.yaml", routing), file_of("rules.yaml", rules),
                                     file_of("pack.yaml", NULL), file_of("notes/a.txt", "x")};
    static const int sorted[] = {3, 2, 0, 1}, unsorted[] = {3, 2, 1, 0};
    static char pack_yaml[8192];
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    unsigned char want[32], other[32];
    FILE *f = fopen("packs/builtin/pack.yaml", "r");

    LAC_TEST_NEED(f != NULL);
    files[2].data = (struct lac_str){pack_yaml, fread(pack_yaml, 1, sizeof(pack_yaml), f)};
    fclose(f);
    LAC_TEST_EQ(lac_pack_open_files(&p, files, 4, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    LAC_TEST_EQ(lac_pack_version(p), 1);
    hash_in_order(files, sorted, want);
    hash_in_order(files, unsorted, other);
    CU_ASSERT(memcmp(lac_pack_hash(p), other, 32) != 0);
    LAC_TEST_EQ(memcmp(lac_pack_hash(p), want, 32), 0);
    lac_pack_close(p);
}

/* Opens a pack of pack.yaml and one more file; returns the error's text, "" when it is fine. */
static const char *open_with(const char *path, const char *data)
{
    static struct lac_err err;
    struct lac_pack_file files[] = {file_of("pack.yaml", PACK_YAML), file_of(path, data)};
    bool whole = strcmp(path, "pack.yaml") == 0;
    struct lac_pack *p = NULL;
    enum lac_status status;

    err = (struct lac_err){0};
    status = lac_pack_open_files(&p, files + whole, 2 - whole, &err);
    LAC_TEST_EQ(status, err.text[0] ? LAC_REJECT : LAC_OK);
    lac_pack_close(p);
    return err.text;
}

#define RULE "rules:\n- id: x\n  entity: X\n  tier: INTERNAL\n"

static void wrong_sources_are_refused_with_place_and_reason(void)
{
    static const struct {
        const char *path, *data, *want;
    } rows[] = {
        {"rules.yaml", RULE "  phrases: [word]\n", ""},
        {"rules.yaml", "", ""},
        {"rules.yaml", "rules:\n- id: x\n  entity: X\n  teir: INTERNAL\n",
         "rules.yaml:4: unknown key 'teir'; did you mean 'tier'?"},
        {"rules.yaml", RULE "  phrases: [word]\n  basis: own\n", ""},
        {"rules.yaml", RULE "  detector: email\n  basis: documentd\n",
         "rules.yaml:6: unknown value 'documentd'; did you mean 'documented'?"},
        {"rules.yaml", RULE "  detector: email\n  basis: documented\n",
         "rules.yaml:6: a basis of documented needs a source: which text states the form"},
        {"rules.yaml", RULE "  detector: email\n  source: RFC\n  checked: 2024-02-29\n", ""},
        {"rules.yaml", RULE "  detector: email\n  source: RFC\n  checked: 2026-02-29\n",
         "rules.yaml:7: checked is a day, for example 2026-11-21"},
        {"rules.yaml", RULE "  detector: email\n  source: RFC\n  checked: 2026-13-01\n",
         "rules.yaml:7: checked is a day, for example 2026-11-21"},
        {"rules.yaml", RULE "  detector: email\n  source: RFC\n  checked: 2026-11-00\n",
         "rules.yaml:7: checked is a day, for example 2026-11-21"},
        {"rules.yaml", RULE "  detector: email\n  source: RFC\n  checked: 21.11.2026\n",
         "rules.yaml:7: checked is a day, for example 2026-11-21"},
        {"rules.yaml", RULE "  detector: email\n  source: RFC\n  checked: 2026-11-21T10\n",
         "rules.yaml:7: checked is a day, for example 2026-11-21"},
        {"rules.yaml", RULE "  detector: email\n  checked: 2026-11-21\n",
         "rules.yaml:6: checked needs a source: which text was read"},
        {"rules.yaml", "defaults:\n  checked: 2026-11-21\n", "rules.yaml:2: unknown key 'checked'"},
        {"rules.yaml", RULE "  detector: emial\n",
         "rules.yaml:5: there is no detector 'emial'; did you mean 'email'?"},
        {"rules.yaml", RULE "  pattern: 'a+b'\n",
         "rules.yaml:2: x: at byte 1: this repeat has no maximum: write {min,max}, for matches of "
         "at most 512 bytes"},
        {"rules.yaml", RULE "  phrases: [word]\n  strength: opinion\n",
         "rules.yaml:2: opinion needs likelihoods"},
        {"rules.yaml",
         RULE "  phrases: [word]\n  strength: opinion\n  likelihoods: {public: 1.5, internal: 1, "
              "proprietary: 1}\n",
         "rules.yaml:7: public is at most 1"},
        {"rules.yaml",
         RULE "  phrases: [word]\n- id: x\n  entity: X\n  tier: INTERNAL\n  phrases: [word]\n",
         "rules.yaml:6: the id 'x' is used on line 2 of rules.yaml already"},
        {"rules.yaml", "rules: &a []\nb: *a\n",
         "rules.yaml:1: anchors and tags are not used in packs"},
        {"rules.yaml", "rules: []\nrules: []\n", "rules.yaml:2: the same key stands there twice"},
        {"rules.yaml", "rules: [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n",
         "rules.yaml:1: nested too deeply"},
        {"rules.yaml", RULE "  phrases: [word]\n---\na: b\n",
         "rules.yaml:6: only one document to a file"},
        {"rules.yaml", "rules:\n\t- x\n",
         "rules.yaml:2: indented with a tab: YAML takes blanks only"},
        {"rules.yaml", "rules:\n  - {a: @}\n",
         "rules.yaml:2: found character that cannot start any token"},
        {"terms/a.yaml", "projects:\n  - Zanthor\ncustomers:\n  - M\xfcller AG\n",
         "terms/a.yaml:4: not UTF-8 (invalid leading UTF-8 octet): save the file as UTF-8"},
        {"terms/a.yaml", "customers:\n  - Zanthor\ncustomers:\n  - Quorvex\n",
         "terms/a.yaml:3: the same key stands there twice"},
        {"terms/a.yaml", "custmers:\n  - Zanthor\n",
         "terms/a.yaml:1: unknown key 'custmers'; did you mean 'customers'?"},
        {"terms/a.yaml",
         "\xef\xbb\xbf"
         "customers:\n  - Zanthor\nprojcts:\n  - Quorvex\n",
         "terms/a.yaml:3: unknown key 'projcts'; did you mean 'projects'?"},
        {"rules.yaml", "rules:\n- id: project\n  entity: X\n  tier: INTERNAL\n",
         "rules.yaml:2: the id 'project' is the engine's own"},
        {"routing.yaml", "PUBLIC: []\nINTERNAL: []\n",
         "routing.yaml:1: PROPRIETARY is missing; [] allows nothing"},
        {"routing.yaml", "PUBLIC: []\nINTERNAL: []\nPROPRIETRY: []\n",
         "routing.yaml:3: unknown key 'PROPRIETRY'; did you mean 'PROPRIETARY'?"},
        {"terms/proprietary_terms.yaml", "customer: [a]\n",
         "terms/proprietary_terms.yaml:1: unknown key 'customer'; did you mean 'customers'?"},
        {"terms/proprietary_terms.yaml", "customers: [x]\n",
         "terms/proprietary_terms.yaml:1: 'x' is too short to be found: two letters at "
         "least"},
        {"pack.yaml", PACK_YAML "disable: [us-snn]\n",
         "pack.yaml:4: unknown rule 'us-snn'; did you mean 'us-ssn'?"},
        {"terms/a.yaml", "paths: ['/a/*/b']\n",
         "terms/a.yaml:1: '/a/*/b': a star stands at the end of a path only; for others write a "
         "rule with a pattern"},
        {"terms/a.yaml", "customers:\n- {name: a b, tier: PUBLIC}\n",
         "terms/a.yaml:2: a floor of PUBLIC says nothing; leave the entry out"},
        {"base/rules.yaml", "",
         "base/rules.yaml: the folder base/ is reserved beside `base: "
         "builtin`"},
        {"a\nb", "", "pack: a file name holds a control character"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s: %s", rows[i].path, rows[i].data);
        LAC_TEST_STR(open_with(rows[i].path, rows[i].data), rows[i].want);
    }
}

static void a_pack_without_its_parts_says_what_to_do(void)
{
    struct lac_pack_file bare[] = {file_of("pack.yaml", "name: t\nversion: 1\n")};
    struct lac_pack_file none[] = {file_of("rules.yaml", "rules: []\n")};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pack_open_files(&p, none, 1, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "pack.yaml is missing; the least is: name, version and `base: builtin`");
    LAC_TEST_EQ(lac_pack_open_files(&p, bare, 1, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "pack.yaml:1: prior is missing; `base: builtin` would take it from the "
                           "built-in pack");
    LAC_TEST_EQ(lac_pack_open(&p, "/nonexistent", &err), LAC_FATAL);
}

static size_t rule_index(const struct lac_pack *p, const char *id)
{
    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(p)); i++)
        if (lac_str_is(lac_match_rule_at(lac_pack_match(p), i)->id, id))
            return i;
    return SIZE_MAX;
}

static void both_spellings_of_terms_work_and_common_marks_are_left_to_their_rule(void)
{
    struct lac_pack_file files[] = {
        file_of("pack.yaml", PACK_YAML),
        file_of("terms/proprietary_terms.yaml",
                "internal_terms: [blue_sky, confidential]\ncustomers:\n- {name: Apple, aliases: "
                "[AAPL], context: [invoice]}\nprojects:\n"),
        file_of("terms/more.yml", "terms: [green-field]\n"),
    };
    struct lac_match_scratch *s = NULL;
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t term, customer;

    LAC_TEST_EQ(lac_pack_open_files(&p, files, 3, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    LAC_TEST_EQ(lac_match_scratch_open(&s, 1 << 16, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(s, lac_pack_match(p), &err), LAC_OK);
    customer = rule_index(p, "customer");
    LAC_TEST_NEED(customer != SIZE_MAX);
    CU_ASSERT(hits_rule(lac_pack_match(p), s, customer, LAC_STR("the invoice for Apple")));
    CU_ASSERT(hits_rule(lac_pack_match(p), s, customer, LAC_STR("aapl invoice")));
    CU_ASSERT(!hits_rule(lac_pack_match(p), s, customer, LAC_STR("an apple a day")));
    term = rule_index(p, "term"); /* one for the terms of both files */
    CU_ASSERT(hits_rule(lac_pack_match(p), s, term, LAC_STR("Green Field")));
    CU_ASSERT(hits_rule(lac_pack_match(p), s, term, LAC_STR("BLUE-SKY")));
    CU_ASSERT(!hits_rule(lac_pack_match(p), s, term, LAC_STR("confidential")));
    LAC_TEST_NEED(lac_pack_note_count(p) == 1);
    CU_ASSERT(memmem(lac_pack_note_at(p, 0).ptr, lac_pack_note_at(p, 0).len, "confidential", 12) !=
              NULL);
    lac_match_scratch_close(s);
    lac_pack_close(p);
}

static void older_routing_of_booleans_works(void)
{
    struct lac_pack_file files[] = {
        file_of("pack.yaml", PACK_YAML),
        file_of("routing.yaml", "PROPRIETARY: {local_rag: true, web_search: false}\n"
                                "INTERNAL: {local_rag: true}\nPUBLIC: {web_search: true, "
                                "local_rag: true}\n"),
    };
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t count;

    LAC_TEST_EQ(lac_pack_open_files(&p, files, 2, &err), LAC_OK);
    LAC_TEST_NEED(p != NULL);
    (void)lac_pack_route(p, LAC_TIER_PROPRIETARY, &count);
    LAC_TEST_EQ(count, 1);
    CU_ASSERT(lac_str_is(lac_pack_route(p, LAC_TIER_PUBLIC, &count)[1], "web_search"));
    LAC_TEST_EQ(count, 2);
    lac_pack_close(p);
}

static void a_folder_is_read_without_links_and_hidden_files(void)
{
    char folder[] = "/tmp/lac_test_pack.XXXXXX";
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    int dir, fd;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    dir = open(folder, O_DIRECTORY | O_RDONLY);
    fd = openat(dir, "pack.yaml", O_CREAT | O_WRONLY, 0600);
    LAC_TEST_EQ(write(fd, PACK_YAML, strlen(PACK_YAML)), (long long)strlen(PACK_YAML));
    close(fd);
    fd = openat(dir, ".hidden", O_CREAT | O_WRONLY, 0600);
    close(fd);
    LAC_TEST_EQ(lac_pack_open(&p, folder, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    lac_pack_close(p);
    p = NULL;
    LAC_TEST_EQ(symlinkat("/etc/passwd", dir, "link.yaml"), 0);
    LAC_TEST_EQ(lac_pack_open(&p, folder, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "link.yaml: links are not followed in a pack");
    unlinkat(dir, "link.yaml", 0);
    unlinkat(dir, "pack.yaml", 0);
    unlinkat(dir, ".hidden", 0);
    close(dir);
    rmdir(folder);
}

LAC_TEST_MAIN(pack, every_rule_of_the_built_in_pack_has_examples_that_hold,
              what_is_documented_is_counted, a_secret_is_reported_once,
              the_embedded_pack_is_the_folder, the_hash_is_over_sorted_lines,
              wrong_sources_are_refused_with_place_and_reason,
              a_pack_without_its_parts_says_what_to_do,
              both_spellings_of_terms_work_and_common_marks_are_left_to_their_rule,
              older_routing_of_booleans_works, a_folder_is_read_without_links_and_hidden_files)
