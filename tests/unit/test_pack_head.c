/* SPDX-License-Identifier: Apache-2.0 */
/* What `lacuna train` learned is part of a pack: it travels with it, fits its model, and lint says
 * when it is older than its texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_head.h"
#include "lac_head_data.h"
#include "lac_pack.h"
#include "lac_pack_lint.h"
#include "lac_records.h"
#include "lac_test.h"
#include "lac_tiny_tier2.h"

/* A whole pack: what the built-in one has learned stays out of it. Nine lines. */
#define COSTS                                               \
    "{public: {public: 0, internal: 1, proprietary: 4}, "   \
    "internal: {public: 60, internal: 0, proprietary: 2}, " \
    "proprietary: {public: 400, internal: 100, proprietary: 0}}\n"
#define MILD                                                \
    "{public: {public: 0, internal: 1, proprietary: 5}, "   \
    "internal: {public: 20, internal: 0, proprietary: 3}, " \
    "proprietary: {public: 60, internal: 12, proprietary: 0}}\n"
#define BOLD                                               \
    "{public: {public: 0, internal: 1, proprietary: 3}, "  \
    "internal: {public: 3, internal: 0, proprietary: 1}, " \
    "proprietary: {public: 8, internal: 2, proprietary: 0}}\n"
#define SETTINGS                                                       \
    "name: t\nversion: 1\n"                                            \
    "prior: {public: 0.35, internal: 0.5, proprietary: 0.15}\n"        \
    "strategies:\n"                                                    \
    "  conservative: " COSTS "  balanced: " MILD "  aggressive: " BOLD \
    "price: {semantic: 0.05, llm: 0.5}\n"                              \
    "excerpt: 0\n"
#define TEXTS                                                        \
    "{\"id\": \"p-1\", \"text\": \"sea\", \"tier\": \"PUBLIC\"}\n"   \
    "{\"id\": \"i-1\", \"text\": \"the\", \"tier\": \"INTERNAL\"}\n" \
    "{\"id\": \"x-1\", \"text\": \"plan\", \"tier\": \"PROPRIETARY\"}\n"

enum { FILE_MAX = 8 };

static const unsigned char model_hash[32] = {0xAB, 1, 2, 3};

struct source {
    struct lac_pack_file files[FILE_MAX];
    size_t count;
    struct lac_buf json, vec;
};

static void add(struct source *s, const char *path, struct lac_str data)
{
    LAC_TEST_NEED(s->count < FILE_MAX);
    s->files[s->count++] = (struct lac_pack_file){lac_str_from(path), data};
}

/* pack.yaml, and what was learned from `learned`, unless that is NULL. */
static void begin(struct source *s, const char *settings, const char *learned)
{
    struct lac_head_data *texts = NULL;
    struct lac_err err = {0};

    *s = (struct source){.count = 0};
    add(s, "pack.yaml", lac_str_from(settings));
    add(s, "rules.yaml", LAC_STR("rules: []\n"));
    add(s, "routing.yaml", LAC_STR("PUBLIC: []\nINTERNAL: []\nPROPRIETARY: []\n"));
    lac_buf_init(&s->json, 1);
    lac_buf_init(&s->vec, 1);
    if (!learned)
        return;
    LAC_TEST_NEED(lac_head_data_new(&texts, &err) == LAC_OK);
    LAC_TEST_EQ(lac_head_data_add(texts, "x", LAC_STR("mail"), lac_str_from(learned), &err),
                LAC_OK);
    LAC_TEST_EQ(lac_head_data_finish(texts, &err), LAC_OK);
    lac_tiny_head(model_hash, lac_head_data_hash(texts), &s->json, &s->vec);
    lac_head_data_free(texts);
    add(s, "semantic/head.json", lac_buf_str(&s->json));
    add(s, "semantic/exemplars.vec", lac_buf_str(&s->vec));
}

static void end(struct source *s)
{
    lac_buf_deinit(&s->json);
    lac_buf_deinit(&s->vec);
}

/* The error's text, "" when the pack is fine. */
static const char *open_source(const struct source *s, struct lac_pack **out)
{
    static struct lac_err err;
    enum lac_status status;

    err = (struct lac_err){0};
    *out = NULL;
    status = lac_pack_open_files(out, s->files, s->count, &err);
    LAC_TEST_EQ(status, err.text[0] ? LAC_REJECT : LAC_OK);
    return err.text;
}

static void what_was_learned_travels_with_the_pack(void)
{
    struct source s;
    struct lac_buf file;
    struct lac_pack *folder, *moved = NULL;
    struct lac_head_data *texts = NULL;
    struct lac_err err = {0};
    struct lac_hash256 without;

    begin(&s, SETTINGS, TEXTS);
    LAC_TEST_STR(open_source(&s, &folder), "");
    LAC_TEST_NEED(folder);
    without = *lac_pack_hash(folder);
    lac_pack_close(folder);
    add(&s, "exemplars/mail.jsonl", LAC_STR(TEXTS));
    LAC_TEST_STR(open_source(&s, &folder), "");
    LAC_TEST_NEED(folder);
    CU_ASSERT(memcmp(&without, lac_pack_hash(folder), sizeof(without)) != 0);
    lac_buf_init(&file, LAC_PACK_BYTES_MAX);
    LAC_TEST_EQ(lac_pack_write(folder, &file, &err), LAC_OK);
    LAC_TEST_EQ(lac_pack_open_bytes(&moved, lac_buf_str(&file), &err), LAC_OK);
    LAC_TEST_NEED(moved && lac_pack_head(moved));
    CU_ASSERT(memcmp(lac_pack_hash(moved), lac_pack_hash(folder), 32) == 0);
    CU_ASSERT(memcmp(lac_head_model_hash(lac_pack_head(moved)), model_hash, 32) == 0);
    LAC_TEST_EQ(lac_head_exemplar_count(lac_pack_head(moved)), 3);
    CU_ASSERT(lac_str_is(lac_head_exemplar_id(lac_pack_head(moved), 2), "x-1"));
    LAC_TEST_EQ(lac_pack_exemplars(moved, &texts, &err), LAC_OK);
    LAC_TEST_EQ(lac_head_data_count(texts), 3);
    CU_ASSERT(lac_str_is(lac_head_data_domain(texts, 0), "mail"));
    lac_head_data_free(texts);
    lac_buf_deinit(&file);
    lac_pack_close(moved);
    lac_pack_close(folder);
    end(&s);
}

static void models_are_named_by_name_and_hash(void)
{
    static const char head[] = SETTINGS "model: {name: tiny, hash: ";
    char hex[65], fits[1024], other[1024];
    const struct {
        const char *settings, *want;
    } rows[] = {
        {fits, ""},
        {other, "pack.yaml:10: model: semantic/ was learned for tiny "},
        {SETTINGS "model: {name: tiny}\n",
         "pack.yaml:10: a model needs a name and a hash; `lacuna model list` prints both"},
        {SETTINGS "model: {name: tiny, hash: abc}\n",
         "pack.yaml:10: a model's hash is 64 hex digits"},
        {SETTINGS "model: {nam: tiny, hash: abc}\n",
         "pack.yaml:10: unknown key 'nam'; did you mean 'name'?"},
    };

    lac_hex_encode(hex, model_hash, 32);
    snprintf(fits, sizeof(fits), "%s%s}\n", head, hex);
    hex[0] = '0';
    snprintf(other, sizeof(other), "%s%s}\n", head, hex);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_pack *p;
        struct source s;
        const char *got;

        lac_test_row("%s", rows[i].settings);
        begin(&s, rows[i].settings, TEXTS);
        got = open_source(&s, &p);
        CU_ASSERT(strncmp(got, rows[i].want, rows[i].want[0] ? strlen(rows[i].want) : 1) == 0);
        if (p) {
            LAC_TEST_NEED(lac_pack_model(p));
            CU_ASSERT(lac_str_is(lac_pack_model(p)->name, "tiny"));
        }
        lac_pack_close(p);
        end(&s);
    }
}

static void halves_and_damage_are_refused(void)
{
    struct lac_pack *p;
    struct source s;

    begin(&s, SETTINGS, TEXTS);
    s.count--; /* no exemplars.vec */
    CU_ASSERT(strstr(open_source(&s, &p), "belong together") != NULL);
    s.count++;
    ((char *)s.vec.ptr)[s.vec.len - 1] ^= 1;
    CU_ASSERT(strncmp(open_source(&s, &p), "semantic/exemplars.vec is not", 29) == 0);
    end(&s);
    begin(&s, SETTINGS, TEXTS);
    ((char *)s.json.ptr)[0] = '[';
    CU_ASSERT(strncmp(open_source(&s, &p), "semantic/head.json", 18) == 0);
    end(&s);
}

/* ---- lint ---- */

static void write_one(const char *folder, const struct lac_pack_file *f)
{
    char path[512];
    char *slash;
    FILE *out;

    snprintf(path, sizeof(path), "%s/%.*s", folder, LAC_STR_FMT(f->path));
    slash = strrchr(path, '/');
    *slash = 0;
    (void)mkdir(path, 0700);
    *slash = '/';
    out = fopen(path, "wb");
    LAC_TEST_NEED(out && fwrite(f->data.ptr, 1, f->data.len, out) == f->data.len);
    fclose(out);
}

static void remove_folder(const char *folder)
{
    char command[600];

    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    /* NOLINTNEXTLINE(cert-env33-c): the folder is mkdtemp's */
    LAC_TEST_EQ(system(command), 0);
}

/* "CODE@FILE:LINE " of each finding that is about tier 2 or an error. */
static const char *lint(const struct source *s)
{
    static char found[1024];
    char folder[] = "/tmp/lacuna-lint-XXXXXX";
    struct lac_pack_lint *l = NULL;
    struct lac_err err = {0};

    LAC_TEST_NEED(mkdtemp(folder));
    for (size_t i = 0; i < s->count; i++)
        write_one(folder, &s->files[i]);
    LAC_TEST_EQ(lac_pack_lint_open(&l, folder, &err), LAC_OK);
    LAC_TEST_NEED(l);
    found[0] = 0;
    for (size_t i = 0; i < lac_pack_lint_count(l); i++) {
        const struct lac_pack_finding *f = lac_pack_lint_at(l, i);
        size_t n = strlen(found);

        if (f->level == LAC_PACK_ERROR || strncmp(f->code, "head-", 5) == 0)
            snprintf(found + n, sizeof(found) - n, "%s@%.*s:%u ", f->code, LAC_STR_FMT(f->file),
                     f->line);
    }
    lac_pack_lint_close(l);
    remove_folder(folder);
    return found;
}

static void lint_says_when_it_is_stale_or_missing(void)
{
    static const char model[] =
        SETTINGS "model: {name: tiny, hash: "
                 "ab01020300000000000000000000000000000000000000000000000000000000}\n";
    static const struct {
        const char *settings, *learned, *texts, *want;
    } rows[] = {
        {SETTINGS, TEXTS, TEXTS, ""},
        {model, TEXTS, TEXTS, ""},
        {SETTINGS, NULL, NULL, ""},
        {SETTINGS, TEXTS, TEXTS "{\"id\": \"n\", \"text\": \"of\", \"tier\": \"PUBLIC\"}\n",
         "head-stale@:0 "},
        {model, TEXTS, "{\"id\": \"n\", \"text\": \"of\", \"tier\": \"PUBLIC\"}\n",
         "head-stale@pack.yaml:10 "},
        {SETTINGS, NULL, TEXTS, "head-missing@:0 "},
        {SETTINGS, TEXTS, NULL, "head-texts@:0 "},
        {SETTINGS, TEXTS, "{\"id\": \"n\"}\n", "source@exemplars/mail.jsonl:1 "},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct source s;

        lac_test_row("%zu", i);
        begin(&s, rows[i].settings, rows[i].learned);
        if (rows[i].texts)
            add(&s, "exemplars/mail.jsonl", lac_str_from(rows[i].texts));
        LAC_TEST_STR(lint(&s), rows[i].want);
        end(&s);
    }
}

LAC_TEST_MAIN(pack_head, what_was_learned_travels_with_the_pack, models_are_named_by_name_and_hash,
              halves_and_damage_are_refused, lint_says_when_it_is_stale_or_missing)
