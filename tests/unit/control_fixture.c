/* SPDX-License-Identifier: Apache-2.0 */
#include "control_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_file.h"
#include "lac_test.h"

struct lac_buf fixture_packs[FIXTURE_PACKS];
struct lac_hash256 fixture_hashes[FIXTURE_PACKS];
struct lac_sign_key *fixture_key, *fixture_stranger;
struct lac_control_signers fixture_signers;

static struct lac_err err;

static void make_pack(size_t i, struct lac_str settings, struct lac_str routing,
                      struct lac_str ballast)
{
    char rules[256];
    struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), settings},
        {LAC_STR("routing.yaml"), routing},
        {LAC_STR("rules.yaml"),
         {rules, (size_t)snprintf(rules, sizeof(rules),
                                  "rules:\n"
                                  "  - id: word-%zu\n    entity: WORD\n    tier: PROPRIETARY\n"
                                  "    phrases: [word%zu]\n"
                                  "    examples: {match: [\"word%zu\"], no_match: [\"none\"]}\n",
                                  i, i, i)}},
        {LAC_STR("notes.txt"), ballast},
    };
    struct lac_pack *p = NULL;

    if (lac_pack_open_files(&p, files, i % 2 ? 4 : 3, &err) != LAC_OK)
        fprintf(stderr, "%s\n", err.text);
    LAC_TEST_NEED(p != NULL);
    fixture_hashes[i] = *lac_pack_hash(p);
    lac_buf_init(&fixture_packs[i], LAC_PACK_BYTES_MAX);
    LAC_TEST_NEED(lac_pack_write(p, &fixture_packs[i], &err) == LAC_OK);
    lac_pack_close(p);
}

void fixture_open(void)
{
    size_t ballast = 5 * (size_t)LAC_CONTROL_CHUNK_BYTES / 2;
    struct lac_buf settings, routing;
    char *notes;

    if (fixture_key)
        return;
    notes = malloc(ballast);
    LAC_TEST_NEED(notes != NULL);
    memset(notes, 'n', ballast);
    lac_buf_init(&settings, 1 << 16);
    lac_buf_init(&routing, 1 << 16);
    LAC_TEST_NEED(lac_file_read("packs/builtin/pack.yaml", &settings, &err) == LAC_OK &&
                  lac_file_read("packs/builtin/routing.yaml", &routing, &err) == LAC_OK);
    for (size_t i = 0; i < FIXTURE_PACKS; i++)
        make_pack(i, lac_buf_str(&settings), lac_buf_str(&routing),
                  (struct lac_str){notes, ballast});
    lac_buf_deinit(&settings);
    lac_buf_deinit(&routing);
    free(notes);
    LAC_TEST_NEED(lac_sign_generate(&fixture_key, &err) == LAC_OK);
    LAC_TEST_NEED(lac_sign_generate(&fixture_stranger, &err) == LAC_OK);
    fixture_signers.keys[0] = *lac_sign_key_public(fixture_key);
    fixture_signers.count = 1;
    fixture_signers.required = true;
}

void fixture_close(void)
{
    for (size_t i = 0; i < FIXTURE_PACKS; i++)
        lac_buf_deinit(&fixture_packs[i]);
    lac_sign_key_free(fixture_key);
    lac_sign_key_free(fixture_stranger);
    fixture_key = fixture_stranger = NULL;
}

struct lac_control fixture_push(enum lac_control_role role, int64_t version, struct lac_str content)
{
    struct lac_control r;
    size_t step = LAC_CONTROL_CHUNK_BYTES;

    lac_control_init(&r);
    r.kind = LAC_STR("pack");
    r.name = LAC_STR("default");
    r.role = lac_str_from(lac_control_role_name(role));
    r.share = role == LAC_CONTROL_CURRENT || !content.len ? 0 : LAC_CONTROL_SHARE_ALL / 2;
    r.version = version;
    r.size = (int64_t)content.len;
    r.chunks = content.len ? (int32_t)((content.len + step - 1) / step) : 1;
    lac_sha256(r.hash.bytes, content.ptr, content.len);
    return r;
}

struct lac_control fixture_chunk(const struct lac_control *push, struct lac_str content, int32_t i,
                                 const struct lac_sign_key *key, unsigned char *signature)
{
    struct lac_control r = *push;
    size_t step = LAC_CONTROL_CHUNK_BYTES, from = (size_t)i * step;
    size_t to = content.len - from < step ? content.len : from + step;

    r.chunk = i;
    r.content = content.len ? lac_str_slice(content, from, to) : LAC_STR("");
    if (key)
        LAC_TEST_NEED(lac_control_sign(&r, key, signature, &err) == LAC_OK);
    return r;
}
