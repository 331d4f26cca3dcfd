/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a pack as one file is the pack of its folder, the same bytes from the same source, and
 * whatever is wrong with a file's bytes is refused. Method: packs in memory; bytes changed with
 * and without making the digest right again.
 */
#include "lac_pack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_buf.h"
#include "lac_digest.h"
#include "lac_pack_builtin.h"
#include "lac_pack_flat.h"
#include "lac_pack_internal.h"
#include "lac_pack_lint.h"
#include "lac_records.h"
#include "lac_test.h"

enum { AT_SECTIONS = 12, AT_SIZE = 16, AT_HASH = 24, AT_DIGEST = 56, AT_TABLE = 128 };

static struct lac_pack_file file_of(const char *path, const char *data)
{
    return (struct lac_pack_file){lac_str_from(path), lac_str_from(data)};
}

static struct lac_pack *open_files(size_t count, const struct lac_pack_file *files)
{
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pack_open_files(&p, files, count, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    return p;
}

static void make(struct lac_buf *out)
{
    const struct lac_pack_file files[] = {
        file_of("pack.yaml", "name: t\nversion: 7\nbase: builtin\n"),
        file_of("terms/a.yaml", "customers: [acme_corp]\n"),
        file_of("README", ""),
    };
    static char made[16 << 20]; /* the built-in rules take their time to compile: once will do */
    static size_t size;
    struct lac_err err = {0};

    lac_buf_init(out, LAC_PACK_BYTES_MAX);
    if (size == 0) {
        struct lac_pack *p = open_files(LAC_COUNT(files), files);

        LAC_TEST_EQ(lac_pack_write(p, out, &err), LAC_OK);
        LAC_TEST_NEED(out->len <= sizeof(made));
        size = out->len;
        memcpy(made, out->ptr, size);
        lac_pack_close(p);
        return;
    }
    lac_buf_put(out, made, size);
}

/* "" when it opens, else why not. */
static const char *open_bytes(struct lac_str bytes)
{
    static struct lac_err err;
    struct lac_pack *p = NULL;
    enum lac_status status;

    err = (struct lac_err){0};
    status = lac_pack_open_bytes(&p, bytes, &err);
    LAC_TEST_EQ(status, err.text[0] ? LAC_REJECT : LAC_OK);
    lac_pack_close(p);
    return err.text;
}

static void make_digest_right(struct lac_buf *file)
{
    struct lac_sha256_ctx *ctx = NULL;
    struct lac_err err;

    LAC_TEST_EQ(lac_sha256_new(&ctx, &err), LAC_OK);
    lac_sha256_init(ctx);
    lac_sha256_update(ctx, file->ptr, AT_DIGEST);
    lac_sha256_update(ctx, file->ptr + AT_DIGEST + 32, file->len - AT_DIGEST - 32);
    lac_sha256_final(ctx, (unsigned char *)file->ptr + AT_DIGEST);
    lac_sha256_free(ctx);
}

static void one_file_is_the_same_pack(void)
{
    struct lac_buf first, again;
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    size_t count;

    make(&first);
    LAC_TEST_EQ(lac_pack_open_bytes(&p, lac_buf_str(&first), &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    CU_ASSERT(lac_str_is(lac_pack_name(p), "t"));
    LAC_TEST_EQ(lac_pack_version(p), 7);
    LAC_TEST_EQ(memcmp(lac_pack_hash(p), first.ptr + AT_HASH, LAC_PACK_HASH_SIZE), 0);
    CU_ASSERT(lac_str_is(lac_pack_route(p, LAC_TIER_PROPRIETARY, &count)[0], "local_rag"));
    /* What it inherits is inside: this program's own built-in pack is not asked. */
    CU_ASSERT(lac_pack_file_count(p) > 6);
    CU_ASSERT(lac_str_is(lac_pack_file_at(p, 0)->path, "README"));
    lac_buf_init(&again, LAC_PACK_BYTES_MAX);
    LAC_TEST_EQ(lac_pack_write(p, &again, &err), LAC_OK);
    LAC_TEST_EQ(again.len, first.len);
    LAC_TEST_EQ(memcmp(again.ptr, first.ptr, first.len), 0);
    lac_buf_deinit(&first);
    lac_buf_deinit(&again);
    lac_pack_close(p);
}

static void the_order_of_reading_does_not_show(void)
{
    const struct lac_pack_file files[] = {
        file_of("terms/b.yaml", "projects: [apollo]\n"),
        file_of("pack.yaml", "name: t\nversion: 7\nbase: builtin\n"),
        file_of("a/notes", "x"),
    };
    const struct lac_pack_file other[] = {files[2], files[0], files[1]};
    struct lac_pack *p = open_files(3, files), *q = open_files(3, other);
    struct lac_buf x, y;
    struct lac_err err;

    lac_buf_init(&x, LAC_PACK_BYTES_MAX);
    lac_buf_init(&y, LAC_PACK_BYTES_MAX);
    LAC_TEST_EQ(lac_pack_write(p, &x, &err), LAC_OK);
    LAC_TEST_EQ(lac_pack_write(q, &y, &err), LAC_OK);
    LAC_TEST_EQ(x.len, y.len);
    LAC_TEST_EQ(memcmp(x.ptr, y.ptr, x.len), 0);
    lac_buf_deinit(&x);
    lac_buf_deinit(&y);
    lac_pack_close(p);
    lac_pack_close(q);
}

static void a_mapped_file_is_the_same_pack(void)
{
    char path[] = "/tmp/lac_test_bundle.XXXXXX";
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    struct lac_buf file;
    int fd = mkstemp(path);

    LAC_TEST_NEED(fd >= 0);
    make(&file);
    LAC_TEST_EQ(write(fd, file.ptr, file.len), (long long)file.len);
    LAC_TEST_EQ(lac_pack_open(&p, path, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    LAC_TEST_EQ(memcmp(lac_pack_hash(p), file.ptr + AT_HASH, LAC_PACK_HASH_SIZE), 0);
    lac_pack_close(p);
    LAC_TEST_EQ(ftruncate(fd, 60), 0);
    LAC_TEST_EQ(lac_pack_open(&p, path, &err), LAC_REJECT);
    LAC_TEST_EQ(lac_pack_open(&p, "/dev/null", &err), LAC_REJECT);
    close(fd);
    unlink(path);
    lac_buf_deinit(&file);
}

static void damage_anywhere_is_seen(void)
{
    struct lac_buf file;

    make(&file);
    for (size_t i = 0; i < file.len; i += i < 256 ? 1 : file.len / 60) {
        lac_test_row("byte %zu", i);
        file.ptr[i] ^= 0x10;
        CU_ASSERT(open_bytes(lac_buf_str(&file))[0] != '\0');
        file.ptr[i] ^= 0x10;
    }
    for (size_t n = 0; n < file.len; n += n < 256 ? 1 : file.len / 60) {
        lac_test_row("cut to %zu", n);
        CU_ASSERT(open_bytes((struct lac_str){file.ptr, n})[0] != '\0');
    }
    lac_buf_put_char(&file, 'x');
    LAC_TEST_STR(open_bytes(lac_buf_str(&file)), "pack file: cut off, or something was added");
    lac_buf_deinit(&file);
}

static void hostile_numbers_are_refused(void)
{
    static const struct {
        size_t at, size;
        uint64_t value;
        const char *want;
    } rows[] = {
        {8, 4, 2, "pack file: format 2; this program reads format 1"},
        {AT_SECTIONS, 4, 0, "pack file: something follows the last section"},
        {AT_SECTIONS, 4, 1, "pack file: something follows the last section"},
        {AT_SECTIONS, 4, 17, "pack file: too many sections"},
        {AT_SECTIONS, 4, 0xffffffff, "pack file: too many sections"},
        {AT_SIZE, 8, 1, "pack file: cut off, or something was added"},
        {AT_HASH, 1, 0, "pack file: the hash is not that of its source"},
        {AT_TABLE, 4, 99, "pack file: made by a newer version: it has a section of unknown kind"},
        {AT_TABLE + 8, 8, 128, "pack file: a section lies outside"},
        {AT_TABLE + 8, 8, 193, "pack file: a section lies outside"},
        {AT_TABLE + 8, 8, ~(uint64_t)63, "pack file: a section lies outside"},
        {AT_TABLE + 16, 8, ~(uint64_t)0, "pack file: a section lies outside"},
        {AT_TABLE + 16, 8, 4, "pack file: the source is cut off"},
        {AT_TABLE + 24, 4, 1, "pack file: a section is there twice"},
        {AT_TABLE + 24 + 16, 8, 4, "pack file: something follows the last section"},
        {192, 4, 0xffffffff, "pack file: the source has too many files"},
        {192, 4, 1, "pack: a file name holds a control character"},
        {200, 8, ~(uint64_t)0, "pack file: a file of the source lies outside"},
        {208, 8, 1 << 28, "pack file: a file of the source lies outside"},
        {200, 8, 0, "pack: a file name is too long or no UTF-8"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_buf file;

        make(&file);
        lac_test_row("row %zu", i);
        for (size_t k = 0; k < rows[i].size; k++)
            file.ptr[rows[i].at + k] = (char)(rows[i].value >> 8 * k & 0xff);
        make_digest_right(&file);
        LAC_TEST_STR(open_bytes(lac_buf_str(&file)), rows[i].want);
        lac_buf_deinit(&file);
    }
}

/* Where the second section, the compiled form, lies. */
static size_t image_at(const struct lac_buf *file)
{
    size_t at = 0;

    for (int i = 7; i >= 0; i--)
        at = at << 8 | (unsigned char)file->ptr[AT_TABLE + 24 + 8 + i];
    return at;
}

static bool finds(const struct lac_pack *p, const char *text)
{
    static struct lac_match_hit at[64];
    struct lac_match_hits hits = {.at = at, .capacity = LAC_COUNT(at), .keep_shadowed = true};
    struct lac_match_scratch *s = NULL;
    struct lac_err err;

    LAC_TEST_EQ(lac_match_scratch_open(&s, 1 << 12, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_fit(s, lac_pack_match(p), &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scan(lac_pack_match(p), s, lac_str_from(text), &hits, &err), LAC_OK);
    lac_match_scratch_close(s);
    return hits.count > 0;
}

static void the_compiled_form_is_used_where_it_fits(void)
{
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    struct lac_str image;
    struct lac_buf file;
    size_t at;

    make(&file);
    at = image_at(&file);
    LAC_TEST_EQ(at % 64, 0);
    LAC_TEST_EQ(lac_pack_open_bytes(&p, lac_buf_str(&file), &err), LAC_OK);
    LAC_TEST_NEED(p != NULL);
    lac_match_image(lac_pack_match(p), &image);
    LAC_TEST_EQ(image.len, file.len - at);
    LAC_TEST_EQ(memcmp(image.ptr, file.ptr + at, image.len), 0);
    CU_ASSERT(finds(p, "lunch with Acme Corp"));
    lac_pack_close(p);
    p = NULL;
    /* Another version's: compiled anew, and the same decisions. */
    file.ptr[at + 8] ^= 0x55;
    make_digest_right(&file);
    LAC_TEST_EQ(lac_pack_open_bytes(&p, lac_buf_str(&file), &err), LAC_OK);
    LAC_TEST_NEED(p != NULL);
    CU_ASSERT(finds(p, "lunch with Acme Corp"));
    lac_pack_close(p);
    file.ptr[at + 8] ^= 0x55;
    /* Damaged in a way that the digest does not show. */
    memset(file.ptr + at + 64, 0xff, 512);
    make_digest_right(&file);
    CU_ASSERT(strstr(open_bytes(lac_buf_str(&file)), "pack file: its compiled form") != NULL);
    lac_buf_deinit(&file);
}

/* The file of a pack that nobody would build: `lacuna pack lint` opens also what costs too much. */
static void make_costly(struct lac_buf *out)
{
    char folder[] = "/tmp/test_pack_bundle.XXXXXX", rules[64], settings[64];
    struct lac_pack_lint *l = NULL;
    struct lac_err err = {0};
    FILE *f;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    snprintf(rules, sizeof(rules), "%s/rules.yaml", folder);
    LAC_TEST_NEED((f = fopen(rules, "w")) != NULL);
    fputs("rules:\n", f);
    for (int i = 0; i < 130; i++)
        fprintf(f,
                "- id: costly-%d\n  entity: C\n  tier: INTERNAL\n  pattern: '[ab]{1,60}[ac]{1,60}"
                "[ac]{1,60}[ac]{1,60}[ac]{1,60}[ac]{1,60}[ae]{1,%d}[x-z]'\n",
                i, 20 + i % 20);
    fclose(f);
    snprintf(settings, sizeof(settings), "%s/pack.yaml", folder);
    LAC_TEST_NEED((f = fopen(settings, "w")) != NULL);
    fputs("name: t\nversion: 7\nbase: builtin\n", f);
    fclose(f);
    LAC_TEST_EQ(lac_pack_lint_open(&l, folder, &err), LAC_OK);
    LAC_TEST_NEED(l && lac_pack_lint_pack(l));
    lac_buf_init(out, LAC_PACK_BYTES_MAX);
    LAC_TEST_EQ(lac_pack_write(lac_pack_lint_pack(l), out, &err), LAC_OK);
    lac_pack_lint_close(l);
    unlink(rules);
    unlink(settings);
    rmdir(folder);
}

/* Who made a file may have had another bound, or none. */
static void a_compiled_form_that_costs_too_much_is_refused(void)
{
    struct lac_buf file;
    const char *why;

    make_costly(&file);
    why = open_bytes(lac_buf_str(&file));
    CU_ASSERT(strstr(why, " steps for each byte of text, 262144 are allowed") != NULL);
    CU_ASSERT(strstr(why, "; the dearest own ones: costly-19 ") != NULL);
    lac_buf_deinit(&file);
}

/* What a newer version adds and says can be passed over is passed over; anything else is not. */
static void unknown_sections_are_passed_over_only_if_they_say_so(void)
{
    struct lac_pack *p = NULL;
    struct lac_err err = {0};
    struct lac_buf file;
    char *entry;

    make(&file);
    entry = file.ptr + AT_TABLE + 24; /* the compiled form's, which is optional */
    LAC_TEST_EQ(entry[4], 1);
    entry[0] = 99;
    make_digest_right(&file);
    LAC_TEST_EQ(lac_pack_open_bytes(&p, lac_buf_str(&file), &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    CU_ASSERT(finds(p, "lunch with Acme Corp")); /* compiled anew */
    lac_pack_close(p);
    entry[4] = 0;
    make_digest_right(&file);
    LAC_TEST_STR(open_bytes(lac_buf_str(&file)),
                 "pack file: made by a newer version: it has a section of unknown kind");
    lac_buf_deinit(&file);
}

/* What the build put into this program is what this program makes of the folder, bit for bit, and
 * opening it compiles nothing. */
static void the_built_in_pack_comes_compiled(void)
{
    struct lac_pack *folder = NULL, *builtin = NULL;
    struct lac_str embedded = lac_pack_builtin(), image;
    struct lac_err err = {0};
    struct lac_buf file;

    lac_buf_init(&file, LAC_PACK_BYTES_MAX);
    LAC_TEST_EQ(lac_pack_open(&folder, "packs/builtin", &err), LAC_OK);
    LAC_TEST_NEED(folder != NULL);
    LAC_TEST_EQ(lac_pack_write(folder, &file, &err), LAC_OK);
    LAC_TEST_NEED(file.len == embedded.len);
    LAC_TEST_EQ(memcmp(file.ptr, embedded.ptr, file.len), 0);
    LAC_TEST_EQ(lac_pack_open(&builtin, NULL, &err), LAC_OK);
    LAC_TEST_NEED(builtin != NULL);
    lac_match_image(lac_pack_match(builtin), &image);
    CU_ASSERT(image.ptr > embedded.ptr && image.ptr < embedded.ptr + embedded.len);
    LAC_TEST_EQ(memcmp(lac_pack_hash(builtin), lac_pack_hash(folder), LAC_PACK_HASH_SIZE), 0);
    /* And it is the same file again when it is written. */
    lac_buf_reset(&file);
    LAC_TEST_EQ(lac_pack_write(builtin, &file, &err), LAC_OK);
    LAC_TEST_NEED(file.len == embedded.len);
    LAC_TEST_EQ(memcmp(file.ptr, embedded.ptr, file.len), 0);
    lac_buf_deinit(&file);
    lac_pack_close(folder);
    lac_pack_close(builtin);
}

static bool same_text(struct lac_str a, struct lac_str b)
{
    return (a.ptr == NULL) == (b.ptr == NULL) && lac_str_eq(a, b);
}

static bool same_texts(const struct lac_str *a, size_t a_count, const struct lac_str *b,
                       size_t b_count)
{
    bool same = a_count == b_count;

    for (size_t i = 0; same && i < a_count; i++)
        same = same_text(a[i], b[i]) && a[i].ptr[a[i].len] == b[i].ptr[b[i].len];
    return same;
}

static bool same_rule(const struct lac_match_rule *a, const struct lac_match_rule *b)
{
    return same_text(a->id, b->id) && same_text(a->entity, b->entity) && a->tier == b->tier &&
           a->strength == b->strength && a->score == b->score &&
           memcmp(a->likelihood, b->likelihood, sizeof(a->likelihood)) == 0 &&
           same_text(a->detector, b->detector) && same_text(a->pattern, b->pattern) &&
           same_text(a->validator, b->validator) && a->min_entropy == b->min_entropy &&
           a->count == b->count && a->names == b->names &&
           same_texts(a->phrases, a->phrase_count, b->phrases, b->phrase_count) &&
           same_texts(a->except, a->except_count, b->except, b->except_count) &&
           same_texts(a->allow, a->allow_count, b->allow, b->allow_count) &&
           same_texts(a->context, a->context_count, b->context, b->context_count) &&
           a->context_window == b->context_window && a->context_boost == b->context_boost &&
           a->redaction == b->redaction && same_text(a->source, b->source) &&
           a->basis == b->basis && same_text(a->checked, b->checked) &&
           same_text(a->description, b->description) &&
           same_texts(a->tags, a->tag_count, b->tags, b->tag_count);
}

/* Rules alone are the same rules, and what nobody has looked at yet is looked at. */
static void rules_can_be_had_alone(void)
{
    static const char *const paths[] = {NULL, "packs/builtin"};

    for (size_t i = 0; i < LAC_COUNT(paths); i++) {
        struct lac_pack *all = NULL, *rules = NULL;
        struct lac_err err = {0};

        LAC_TEST_EQ(lac_pack_open(&all, paths[i], &err), LAC_OK);
        LAC_TEST_EQ(lac_pack_open_rules(&rules, paths[i], &err), LAC_OK);
        LAC_TEST_NEED(all && rules);
        CU_ASSERT(lac_pack_head(all) != NULL);
        LAC_TEST_EQ(lac_pack_head(rules) != NULL, paths[i] != NULL);
        LAC_TEST_EQ(memcmp(lac_pack_hash(all), lac_pack_hash(rules), LAC_PACK_HASH_SIZE), 0);
        LAC_TEST_EQ(lac_match_rule_count(lac_pack_match(rules)),
                    lac_match_rule_count(lac_pack_match(all)));
        for (size_t k = 0; k < lac_match_rule_count(lac_pack_match(rules)); k++)
            CU_ASSERT(same_rule(lac_match_rule_at(lac_pack_match(rules), k),
                                lac_match_rule_at(lac_pack_match(all), k)));
        lac_pack_close(all);
        lac_pack_close(rules);
    }
}

static enum lac_status take_flat(struct lac_pack *p, struct lac_str bytes)
{
    struct lac_err err = {0};
    enum lac_status status = lac_pack_flat_take(p, bytes, &err);

    free(p->rules);
    free(p->examples);
    free(p->where);
    lac_pack_pool_deinit(&p->pool);
    return status;
}

/* Rules that were read before: wherever they end too soon, go on too long or say what no field can
 * hold, they are refused. */
static void damaged_rules_are_refused(void)
{
    static const struct lac_str words[] = {LAC_STR("one"), LAC_STR(""), LAC_STR("three")};
    const struct lac_match_rule rules[] = {
        {.id = LAC_STR("a"), .pattern = LAC_STR("b+"), .context = words, .context_count = 3},
        {.id = LAC_STR("c"), .phrases = words, .phrase_count = 1, .basis = LAC_MATCH_BASIS_OWN},
    };
    struct lac_pack p = {0};
    struct lac_buf out;

    lac_buf_init(&out, 1 << 16);
    lac_pack_flat_put(rules, LAC_COUNT(rules), &out);
    LAC_TEST_NEED(lac_buf_ok(&out));
    for (size_t n = 0; n < out.len; n++) {
        char *cut = malloc(n ? n : 1); /* as long as it says, for who watches over memory */

        LAC_TEST_NEED(cut != NULL);
        memcpy(cut, out.ptr, n);
        p = (struct lac_pack){0};
        LAC_TEST_EQ(take_flat(&p, (struct lac_str){cut, n}), LAC_REJECT);
        free(cut);
    }
    p = (struct lac_pack){0};
    LAC_TEST_EQ(take_flat(&p, lac_buf_str(&out)), LAC_OK);
    for (size_t i = 0; i < out.len; i++) {
        out.ptr[i] ^= (char)0x80;
        p = (struct lac_pack){0};
        (void)take_flat(&p, lac_buf_str(&out)); /* a letter may be another one */
        out.ptr[i] ^= (char)0x80;
    }
    lac_buf_put_char(&out, 'x');
    p = (struct lac_pack){0};
    LAC_TEST_EQ(take_flat(&p, lac_buf_str(&out)), LAC_REJECT);
    lac_buf_deinit(&out);
}

LAC_TEST_MAIN(pack_bundle, rules_can_be_had_alone, damaged_rules_are_refused,
              the_built_in_pack_comes_compiled, the_compiled_form_is_used_where_it_fits,
              a_compiled_form_that_costs_too_much_is_refused,
              unknown_sections_are_passed_over_only_if_they_say_so, one_file_is_the_same_pack,
              the_order_of_reading_does_not_show, a_mapped_file_is_the_same_pack,
              damage_anywhere_is_seen, hostile_numbers_are_refused)
