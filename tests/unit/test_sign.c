/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a signature is accepted from the key that made it, over the bytes it was made for, and
 * from nobody else; a private key that others can read is not used.
 */
#include "lac_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_buf.h"
#include "lac_file.h"
#include "lac_test.h"

static struct lac_err err;

/* RFC 8032, section 7.1, tests 1 and 2. */
static const struct {
    const char *public_, *message, *signature; /* hex */
} published[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
};

static void published_signatures_are_verified(void)
{
    for (size_t i = 0; i < LAC_COUNT(published); i++) {
        struct lac_sign_public k = {0};
        unsigned char signature[LAC_SIGN_SIZE], message[1];
        struct lac_str data = {(char *)message, strlen(published[i].message) / 2};
        struct lac_str s = {(char *)signature, sizeof(signature)};

        lac_test_row("%zu", i);
        LAC_TEST_NEED(
            lac_hex_decode(k.bytes, sizeof(k.bytes), lac_str_from(published[i].public_)) &&
            lac_hex_decode(message, data.len, lac_str_from(published[i].message)) &&
            lac_hex_decode(signature, sizeof(signature), lac_str_from(published[i].signature)));
        CU_ASSERT(lac_sign_verify(&k, data, s));
        CU_ASSERT(!lac_sign_verify(&k, LAC_STR("other"), s));
        CU_ASSERT(!lac_sign_verify(&k, data, lac_str_slice(s, 0, s.len - 1)));
        CU_ASSERT(!lac_sign_verify(&k, data, LAC_STR_NULL));
        signature[7] ^= 1;
        CU_ASSERT(!lac_sign_verify(&k, data, s));
    }
}

static void only_the_key_that_signed_verifies(void)
{
    struct lac_sign_key *a = NULL, *b = NULL;
    unsigned char signature[LAC_SIGN_SIZE];
    struct lac_str s = {(char *)signature, sizeof(signature)};

    LAC_TEST_NEED(lac_sign_generate(&a, &err) == LAC_OK && lac_sign_generate(&b, &err) == LAC_OK);
    LAC_TEST_EQ(lac_sign(a, LAC_STR("statement"), signature, &err), LAC_OK);
    CU_ASSERT(lac_sign_verify(lac_sign_key_public(a), LAC_STR("statement"), s));
    CU_ASSERT(!lac_sign_verify(lac_sign_key_public(b), LAC_STR("statement"), s));
    CU_ASSERT(!lac_sign_verify(lac_sign_key_public(a), LAC_STR("statements"), s));
    LAC_TEST_EQ(strlen(lac_sign_key_public(a)->id), LAC_SIGN_ID_SIZE - 1);
    CU_ASSERT(strcmp(lac_sign_key_public(a)->id, lac_sign_key_public(b)->id) != 0);
    lac_sign_key_free(a);
    lac_sign_key_free(b);
}

struct folder {
    char key[64], pub[64], path[32];
};

static void make_folder(struct folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/test_sign.XXXXXX");
    LAC_TEST_NEED(mkdtemp(f->path) != NULL);
    (void)snprintf(f->key, sizeof(f->key), "%s/a.key", f->path);
    (void)snprintf(f->pub, sizeof(f->pub), "%s/a.pub", f->path);
}

static void remove_folder(const struct folder *f)
{
    (void)unlink(f->key);
    (void)unlink(f->pub);
    (void)rmdir(f->path);
}

static void keys_survive_their_files(void)
{
    struct lac_sign_key *made = NULL, *read = NULL;
    struct lac_sign_public pub;
    unsigned char signature[LAC_SIGN_SIZE];
    struct folder f;
    struct stat st;

    make_folder(&f);
    LAC_TEST_NEED(lac_sign_generate(&made, &err) == LAC_OK);
    LAC_TEST_EQ(lac_sign_key_write(made, f.key, &err), LAC_OK);
    LAC_TEST_EQ(lac_sign_public_write(lac_sign_key_public(made), f.pub, &err), LAC_OK);
    LAC_TEST_NEED(stat(f.key, &st) == 0);
    LAC_TEST_EQ(st.st_mode & 07777, 0600);
    LAC_TEST_EQ(lac_sign_key_write(made, f.key, &err), LAC_FATAL); /* never over another */
    LAC_TEST_NEED(lac_sign_key_read(&read, f.key, &err) == LAC_OK);
    LAC_TEST_EQ(lac_sign_public_read(&pub, f.pub, &err), LAC_OK);
    LAC_TEST_STR(pub.id, lac_sign_key_public(made)->id);
    LAC_TEST_EQ(lac_sign(read, LAC_STR("x"), signature, &err), LAC_OK);
    CU_ASSERT(lac_sign_verify(&pub, LAC_STR("x"), (struct lac_str){(char *)signature, 64}));
    lac_sign_key_free(read);
    lac_sign_key_free(made);
    remove_folder(&f);
}

static void a_private_key_that_others_can_use_is_refused(void)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    struct lac_sign_key *made = NULL, *read = NULL;
    struct folder f;

    make_folder(&f);
    LAC_TEST_NEED(lac_sign_generate(&made, &err) == LAC_OK);
    LAC_TEST_EQ(lac_sign_key_write(made, f.key, &err), LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(modes); i++) {
        lac_test_row("%04o", (unsigned)modes[i]);
        LAC_TEST_NEED(chmod(f.key, modes[i]) == 0);
        LAC_TEST_EQ(lac_sign_key_read(&read, f.key, &err), LAC_FATAL);
        CU_ASSERT_PTR_NULL(read);
        CU_ASSERT(strstr(err.text, "chmod 600") != NULL);
    }
    lac_sign_key_free(made);
    remove_folder(&f);
}

/* Of an RSA or EC key, of a key with a passphrase, of nothing. */
static void what_is_no_ed25519_key_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "no PEM\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        /* prime256v1 */
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
        "-----END PUBLIC KEY-----\n",
        /* an Ed25519 key under a passphrase, which is even empty */
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgo7vS1FRdO5AICA+gw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEED3FWoKO7rXKe/igER5c4tcEQPTs\n"
        "fiMcuphlUpDhakGrAupjroKg2w9l3O6bLKVz8HMmuG9uxaMzMbX9/r9n/XdjQjj9\n"
        "GC6AeFE7ehsuUAfi4tQ=\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n",
    };
    struct lac_sign_public pub;
    struct lac_sign_key *key = NULL;
    struct folder f;

    make_folder(&f);
    for (size_t i = 0; i < LAC_COUNT(texts); i++) {
        int fd = open(f.key, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        lac_test_row("%zu", i);
        LAC_TEST_NEED(fd >= 0 &&
                      write(fd, texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]));
        close(fd);
        LAC_TEST_EQ(lac_sign_key_read(&key, f.key, &err), LAC_FATAL);
        LAC_TEST_EQ(lac_sign_public_read(&pub, f.key, &err), LAC_FATAL);
    }
    LAC_TEST_EQ(lac_sign_public_read(&pub, f.path, &err), LAC_FATAL); /* a folder */
    CU_ASSERT(strstr(err.text, "no regular file") != NULL);
    LAC_TEST_EQ(mkfifo(f.pub, 0600), 0); /* and nobody waits for what comes through it */
    LAC_TEST_EQ(lac_sign_key_read(&key, f.pub, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "no regular file") != NULL);
    LAC_TEST_EQ(lac_sign_key_read(&key, "/nonexistent/key", &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "No such file") != NULL);
    CU_ASSERT_PTR_NULL(key);
    remove_folder(&f);
}

static void a_file_that_is_too_large_is_not_read_in_part(void)
{
    struct lac_sign_key *made = NULL;
    struct lac_sign_public pub;
    struct folder f;
    struct stat st;

    make_folder(&f);
    LAC_TEST_NEED(lac_sign_generate(&made, &err) == LAC_OK);
    LAC_TEST_EQ(lac_sign_public_write(lac_sign_key_public(made), f.pub, &err), LAC_OK);
    LAC_TEST_NEED(stat(f.pub, &st) == 0);
    for (off_t size = LAC_SIGN_FILE_MAX - 1; size <= LAC_SIGN_FILE_MAX + 1; size++) {
        int fd = open(f.pub, O_WRONLY | O_APPEND);

        lac_test_row("%lld bytes", (long long)size);
        LAC_TEST_NEED(fd >= 0);
        for (; st.st_size < size; st.st_size++)
            LAC_TEST_EQ(write(fd, "\n", 1), 1);
        close(fd);
        LAC_TEST_EQ(lac_sign_public_read(&pub, f.pub, &err),
                    size < LAC_SIGN_FILE_MAX ? LAC_OK : LAC_FATAL);
    }
    CU_ASSERT(strstr(err.text, "too large") != NULL);
    lac_sign_key_free(made);
    remove_folder(&f);
}

/* The disk is full in the middle of it. */
static void half_a_key_is_not_left_behind(void)
{
    struct lac_sign_key *made = NULL;
    struct rlimit before, little = {0};
    struct folder f;
    struct stat st;

    make_folder(&f);
    LAC_TEST_NEED(lac_sign_generate(&made, &err) == LAC_OK);
    LAC_TEST_NEED(getrlimit(RLIMIT_FSIZE, &before) == 0);
    little = (struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    LAC_TEST_NEED(setrlimit(RLIMIT_FSIZE, &little) == 0);
    errno = 0;
    LAC_TEST_EQ(lac_sign_key_write(made, f.key, &err), LAC_FATAL);
    LAC_TEST_EQ(lac_sign_public_write(lac_sign_key_public(made), f.pub, &err), LAC_FATAL);
    LAC_TEST_NEED(setrlimit(RLIMIT_FSIZE, &before) == 0);
    LAC_TEST_EQ(stat(f.key, &st), -1);
    LAC_TEST_EQ(stat(f.pub, &st), -1);
    lac_sign_key_free(made);
    remove_folder(&f);
}

LAC_TEST_MAIN(sign, published_signatures_are_verified, only_the_key_that_signed_verifies,
              keys_survive_their_files, a_private_key_that_others_can_use_is_refused,
              what_is_no_ed25519_key_is_refused, a_file_that_is_too_large_is_not_read_in_part,
              half_a_key_is_not_left_behind)
