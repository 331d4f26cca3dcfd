/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: which records can be and which can't, told by the check that is meant for it; what exactly
 * is signed; whose word counts, as the settings name them.
 */
#include "lac_control_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_test.h"

enum { CHUNK = LAC_CONTROL_CHUNK_BYTES, HALF = LAC_CONTROL_SHARE_ALL / 2 };

static struct lac_err err;

/* A record that can be: chunk 1 of 3 of a canary. */
static struct lac_control good(void)
{
    static char content[CHUNK + 1];
    struct lac_control r;

    lac_control_init(&r);
    r.kind = LAC_STR("pack");
    r.name = LAC_STR("default");
    r.role = LAC_STR("canary");
    r.share = HALF;
    r.version = 7;
    r.size = 2 * CHUNK + 5;
    r.chunk = 1;
    r.chunks = 3;
    r.content = (struct lac_str){content, CHUNK};
    memset(r.hash.bytes, 0xab, sizeof(r.hash.bytes));
    return r;
}

/* `why` is what the refusal has to say; NULL: there is none. */
static void check(const char *row, const struct lac_control *r, const char *why)
{
    enum lac_status status = lac_control_check(r, &err);

    lac_test_row("%s", row);
    LAC_TEST_EQ(status, why ? LAC_REJECT : LAC_OK);
    if (why && status != LAC_OK && !strstr(err.text, why))
        LAC_TEST_STR(err.text, why);
}

static void a_name_is_one_that_a_setting_can_have(void)
{
    static const char *const yes[] = {"default", "a", "z", "0", "9", "a.b", "a_b", "a-b", "0z9a-"};
    static const char *const no[] = {"",    "A",   ".a",  "-a",  "_a", "a b", "a/b",
                                     "a\n", "a:b", "a`b", "a{b", "ä",  "aZ"};
    char longest[LAC_CONTROL_NAME_MAX + 2];

    for (size_t i = 0; i < LAC_COUNT(yes); i++) {
        lac_test_row("%s", yes[i]);
        CU_ASSERT(lac_control_name_ok(lac_str_from(yes[i])));
    }
    for (size_t i = 0; i < LAC_COUNT(no); i++) {
        lac_test_row("%s", no[i]);
        CU_ASSERT(!lac_control_name_ok(lac_str_from(no[i])));
    }
    memset(longest, 'n', sizeof(longest));
    CU_ASSERT(lac_control_name_ok((struct lac_str){longest, LAC_CONTROL_NAME_MAX}));
    CU_ASSERT(!lac_control_name_ok((struct lac_str){longest, LAC_CONTROL_NAME_MAX + 1}));
}

static void a_role_is_one_of_three(void)
{
    static const char *const no[] = {"", "main", "Current", "currents", "curren"};
    enum lac_control_role role;

    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
        const char *name = lac_control_role_name((enum lac_control_role)i);

        CU_ASSERT(lac_control_role_parse(lac_str_from(name), &role));
        LAC_TEST_EQ(role, i);
    }
    for (size_t i = 0; i < LAC_COUNT(no); i++) {
        struct lac_control r = good();

        CU_ASSERT(!lac_control_role_parse(lac_str_from(no[i]), &role));
        r.role = lac_str_from(no[i]);
        check(no[i], &r, "a role that this version does not know");
    }
}

static void what_a_record_says_can_be(void)
{
    static const struct {
        const char *role;
        int32_t share;
        int64_t size;
        const char *why;
    } rows[] = {
        {"current", 0, 1, NULL},
        {"current", 1, 1, "share"},
        {"current", -1, 1, "share"},
        {"current", 0, 0, "contradict"}, /* the current pack can't be withdrawn */
        {"canary", 1, 1, NULL},
        {"canary", LAC_CONTROL_SHARE_ALL, 1, NULL},
        {"canary", LAC_CONTROL_SHARE_ALL + 1, 1, "share"},
        {"canary", -1, 1, "share"},
        {"canary", 0, 0, NULL}, /* withdrawn */
        {"canary", 0, 1, "contradict"},
        {"shadow", HALF, 0, "contradict"},
        {"shadow", 0, 0, NULL},
        {"shadow", HALF, -1, "size"},
    };
    struct lac_control r;

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        char row[64];

        r = good();
        (void)snprintf(row, sizeof(row), "%s %d %d", rows[i].role, (int)rows[i].share,
                       (int)rows[i].size);
        r.role = lac_str_from(rows[i].role);
        r.share = rows[i].share;
        r.size = rows[i].size;
        r.chunk = 0;
        r.chunks = 1;
        r.content.len = (size_t)(rows[i].size > 0 ? rows[i].size : 0);
        check(row, &r, rows[i].why);
    }
    r = good();
    r.kind = LAC_STR("packs");
    check("kind", &r, "not of the kind");
    r = good();
    r.name = LAC_STR("De");
    check("name", &r, "not a name");
    r = good();
    r.version = 1;
    check("the first version", &r, NULL);
    r.version = 0;
    check("none", &r, "versions begin");
    r.version = INT64_MIN;
    check("less", &r, "versions begin");
}

static void a_content_is_cut_in_one_way_only(void)
{
    static const struct {
        int64_t size;
        int32_t chunk, chunks;
        int64_t len;
        const char *why;
    } rows[] = {
        {2 * CHUNK + 5, 0, 3, CHUNK, NULL},
        {2 * CHUNK + 5, 2, 3, 5, NULL},
        {2 * CHUNK + 5, 2, 3, 4, "length"},
        {2 * CHUNK + 5, 2, 3, 6, "length"},
        {2 * CHUNK + 5, 1, 3, CHUNK - 1, "length"},
        {2 * CHUNK + 5, 1, 3, CHUNK + 1, "length"},
        {2 * CHUNK + 5, 3, 3, 0, "numbers"},
        {2 * CHUNK + 5, -1, 3, CHUNK, "numbers"},
        {2 * CHUNK + 5, 0, 2, CHUNK, "numbers"},
        {2 * CHUNK + 5, 0, 4, CHUNK, "numbers"},
        {2 * CHUNK, 1, 2, CHUNK, NULL}, /* no chunk without anything in it */
        {2 * CHUNK, 2, 3, 0, "numbers"},
        {2 * CHUNK + 1, 2, 3, 1, NULL},
        {LAC_PACK_BYTES_MAX, LAC_CONTROL_CHUNK_MAX - 1, LAC_CONTROL_CHUNK_MAX, CHUNK, NULL},
        {(int64_t)LAC_PACK_BYTES_MAX + 1, 0, LAC_CONTROL_CHUNK_MAX + 1, CHUNK, "size"},
        {INT64_MAX, 0, 1, CHUNK, "size"},
        {INT64_MIN, 0, 1, 0, "size"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_control r = good();
        char row[96];

        (void)snprintf(row, sizeof(row), "chunk %d of %d of %lld: %lld", (int)rows[i].chunk,
                       (int)rows[i].chunks, (long long)rows[i].size, (long long)rows[i].len);
        r.size = rows[i].size;
        r.chunk = rows[i].chunk;
        r.chunks = rows[i].chunks;
        r.content.len = (size_t)rows[i].len;
        check(row, &r, rows[i].why);
    }
}

static void a_signature_is_whole_and_times_are_in_order(void)
{
    char bytes[LAC_SIGN_SIZE + 1] = "";
    struct lac_control r = good();

    r.signer = (struct lac_str){bytes, LAC_SIGN_ID_SIZE - 1};
    check("no signature", &r, "half a signature");
    r.signature = (struct lac_str){bytes, LAC_SIGN_SIZE};
    check("both", &r, NULL);
    r.signer.len++;
    check("a longer signer", &r, "half a signature");
    r.signer.len--;
    r.signature.len++;
    check("a longer signature", &r, "half a signature");
    r.signature.len--;
    r.signer = LAC_STR_NULL;
    check("no signer", &r, "half a signature");

    r = good();
    r.activation = 5;
    r.expires = 5;
    check("no times", &r, NULL);
    r.has_activation = true;
    check("a beginning", &r, NULL);
    r.has_expires = true;
    check("an end with it", &r, "expires before it begins");
    r.expires = 6;
    check("an end after it", &r, NULL);
    r.expires = 4;
    r.has_activation = false;
    check("an end", &r, NULL);
}

/* ---- what is signed ---- */

static size_t put(char *out, size_t at, const void *data, size_t size)
{
    out[at] = out[at + 1] = out[at + 2] = 0;
    out[at + 3] = (char)size;
    memcpy(out + at + 4, data, size);
    return at + 4 + size;
}

/* Byte for byte as the header says it: what was signed once is verified for ever. */
static void the_statement_is_what_the_header_says(void)
{
    struct lac_control r = good();
    char got[LAC_CONTROL_STATEMENT_MAX], want[LAC_CONTROL_STATEMENT_MAX], pack[32];
    unsigned char content[LAC_SHA256_SIZE];
    struct lac_str said;

    memset(pack, 0xcd, sizeof(pack));
    lac_sha256(content, r.content.ptr, r.content.len);
    for (int all = 0; all < 2; all++) {
        size_t n = 0;

        lac_test_row("%s", all ? "with all" : "without what may be absent");
        r.has_pack = r.has_activation = r.has_expires = all;
        memset(r.pack.bytes, 0xcd, sizeof(r.pack.bytes));
        r.activation = -12;
        r.expires = 1234567890123;
        n = put(want, n, "lacuna/control/1", 16);
        n = put(want, n, "pack", 4);
        n = put(want, n, "default", 7);
        n = put(want, n, "canary", 6);
        n = put(want, n, "500000", 6);
        n = put(want, n, "7", 1);
        n = put(want, n, r.hash.bytes, 32);
        n = put(want, n, "1048581", 7);
        n = put(want, n, pack, all ? 32 : 0);
        n = put(want, n, "-12", all ? 3 : 0);
        n = put(want, n, "1234567890123", all ? 13 : 0);
        n = put(want, n, "1", 1);
        n = put(want, n, "3", 1);
        n = put(want, n, content, 32);
        said = lac_control_statement(got, &r);
        LAC_TEST_EQ(said.len, n);
        CU_ASSERT(lac_str_eq(said, (struct lac_str){want, n}));
    }
}

static void a_key_names_the_chunk(void)
{
    struct lac_control r = good();
    char key[LAC_CONTROL_KEY_SIZE];

    lac_control_key(key, &r);
    LAC_TEST_STR(key, "pack/default/7/abababababababab/1");
}

/* ---- whose word counts ---- */

struct keys {
    char folder[32], path[LAC_CONTROL_SIGNERS_MAX + 1][64];
    struct lac_sign_key *key[LAC_CONTROL_SIGNERS_MAX + 1];
};

static void make_keys(struct keys *k)
{
    (void)snprintf(k->folder, sizeof(k->folder), "/tmp/test_control.XXXXXX");
    LAC_TEST_NEED(mkdtemp(k->folder) != NULL);
    for (size_t i = 0; i < LAC_COUNT(k->key); i++) {
        (void)snprintf(k->path[i], sizeof(k->path[i]), "%s/%zu.pub", k->folder, i);
        LAC_TEST_NEED(lac_sign_generate(&k->key[i], &err) == LAC_OK);
        LAC_TEST_NEED(lac_sign_public_write(lac_sign_key_public(k->key[i]), k->path[i], &err) ==
                      LAC_OK);
    }
}

static void remove_keys(struct keys *k)
{
    for (size_t i = 0; i < LAC_COUNT(k->key); i++) {
        lac_sign_key_free(k->key[i]);
        (void)unlink(k->path[i]);
    }
    (void)rmdir(k->folder);
}

static void signers_are_those_that_are_listed(void)
{
    struct lac_control_signers s;
    struct keys k;
    char files[(LAC_CONTROL_SIGNERS_MAX + 1) * 66];
    size_t n = 0;

    make_keys(&k);
    LAC_TEST_EQ(lac_control_signers_read(&s, "", true, &err), LAC_OK);
    LAC_TEST_EQ(s.count, 0);
    CU_ASSERT(s.required);
    (void)snprintf(files, sizeof(files), ", %s\t ,\t%s,%s,", k.path[0], k.path[1], k.path[0]);
    LAC_TEST_EQ(lac_control_signers_read(&s, files, false, &err), LAC_OK);
    LAC_TEST_EQ(s.count, 2); /* one of them twice */
    CU_ASSERT(!s.required);
    for (size_t i = 0; i < 3; i++) {
        const char *id = lac_sign_key_public(k.key[i])->id;
        const struct lac_sign_public *found = lac_control_signer(&s, lac_str_from(id));

        lac_test_row("key %zu", i);
        LAC_TEST_EQ(found != NULL, i < 2);
        if (found)
            LAC_TEST_STR(found->id, id);
    }
    (void)snprintf(files, sizeof(files), "%s,%s/none.pub,%s", k.path[0], k.folder, k.path[1]);
    LAC_TEST_EQ(lac_control_signers_read(&s, files, true, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "No such file") != NULL);
    for (size_t i = 0; i <= LAC_CONTROL_SIGNERS_MAX; i++) {
        n += (size_t)snprintf(files + n, sizeof(files) - n, "%s%s", i ? "," : "", k.path[i]);
        lac_test_row("%zu files", i + 1);
        LAC_TEST_EQ(lac_control_signers_read(&s, files, true, &err),
                    i < LAC_CONTROL_SIGNERS_MAX ? LAC_OK : LAC_FATAL);
    }
    CU_ASSERT(strstr(err.text, "at most 16") != NULL);
    remove_keys(&k);
}

static void a_path_of_any_length_is_refused_in_order(void)
{
    struct lac_control_signers s;
    char path[4200];

    for (size_t n = 4094; n <= 4097; n++) {
        memset(path, 'p', n);
        path[n] = '\0';
        lac_test_row("%zu", n);
        LAC_TEST_EQ(lac_control_signers_read(&s, path, true, &err), LAC_FATAL);
        LAC_TEST_EQ(strstr(err.text, "sane length") != NULL, n >= 4096);
    }
}

static void trust_says_why_not(void)
{
    static const struct {
        int signer; /* 0: none, 1: configured, 2: a stranger, 3: the stranger as the configured */
        bool required;
        enum lac_status status;
        enum lac_control_refusal why;
        bool verified;
    } rows[] = {
        {0, true, LAC_REJECT, LAC_CONTROL_UNSIGNED, false},
        {0, false, LAC_OK, LAC_CONTROL_REFUSAL_COUNT, false},
        {1, true, LAC_OK, LAC_CONTROL_REFUSAL_COUNT, true},
        {1, false, LAC_OK, LAC_CONTROL_REFUSAL_COUNT, true},
        {2, true, LAC_REJECT, LAC_CONTROL_UNKNOWN_SIGNER, false},
        {2, false, LAC_OK, LAC_CONTROL_REFUSAL_COUNT, false},
        {3, true, LAC_REJECT, LAC_CONTROL_BAD_SIGNATURE, false},
        {3, false, LAC_REJECT, LAC_CONTROL_BAD_SIGNATURE, false},
    };
    struct lac_control_signers s = {.count = 2};
    struct lac_sign_key *ours = NULL, *other = NULL, *stranger = NULL;

    LAC_TEST_NEED(lac_sign_generate(&ours, &err) == LAC_OK &&
                  lac_sign_generate(&other, &err) == LAC_OK &&
                  lac_sign_generate(&stranger, &err) == LAC_OK);
    s.keys[0] = *lac_sign_key_public(other);
    s.keys[1] = *lac_sign_key_public(ours);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_control r = good();
        unsigned char signature[LAC_SIGN_SIZE];
        enum lac_control_refusal why = LAC_CONTROL_REFUSAL_COUNT;
        bool verified = !rows[i].verified;

        lac_test_row("signer %d, required %d", rows[i].signer, rows[i].required);
        if (rows[i].signer)
            LAC_TEST_NEED(lac_control_sign(&r, rows[i].signer == 1 ? ours : stranger, signature,
                                           &err) == LAC_OK);
        if (rows[i].signer == 3)
            r.signer = lac_str_from(s.keys[1].id);
        s.required = rows[i].required;
        LAC_TEST_EQ(lac_control_trust(&s, &r, &verified, &why, &err), rows[i].status);
        LAC_TEST_EQ(why, rows[i].why);
        LAC_TEST_EQ(verified, rows[i].verified);
    }
    lac_sign_key_free(ours);
    lac_sign_key_free(other);
    lac_sign_key_free(stranger);
}

LAC_TEST_MAIN(control_record, a_name_is_one_that_a_setting_can_have, a_role_is_one_of_three,
              what_a_record_says_can_be, a_content_is_cut_in_one_way_only,
              a_signature_is_whole_and_times_are_in_order, the_statement_is_what_the_header_says,
              a_key_names_the_chunk, signers_are_those_that_are_listed,
              a_path_of_any_length_is_refused_in_order, trust_says_why_not)
