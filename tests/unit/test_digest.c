/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the published vectors come out, also when a context is used again and by threads. */
#include "lac_digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "lac_str.h"
#include "lac_test.h"

/* RFC 6234, section 8.5: TEST1, TEST2_1, TEST3 (a million times "a", shortened by FIPS 180-2
 * to one string), TEST4; and the empty message. `repeat` messages in one. */
static const struct {
    const char *text;
    unsigned repeat;
    const char *hex;
} hashes[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"0123456701234567012345670123456701234567012345670123456701234567", 10,
     "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"},
};

static void sha256_gives_the_published_hashes(void)
{
    unsigned char out[LAC_SHA256_SIZE];
    struct lac_sha256_ctx *ctx;
    char hex[2 * LAC_SHA256_SIZE + 1];

    LAC_TEST_NEED(lac_sha256_new(&ctx, NULL) == LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(hashes); i++) {
        size_t len = strlen(hashes[i].text);

        lac_test_row("%zu", i);
        lac_sha256_init(ctx);
        lac_sha256_update(ctx, "dropped", 7); /* a message that is not finished leaves no trace */
        lac_sha256_init(ctx);
        for (unsigned n = 0; n < hashes[i].repeat; n++)
            lac_sha256_update(ctx, hashes[i].text, len);
        lac_sha256_final(ctx, out);
        lac_hex_encode(hex, out, sizeof(out));
        LAC_TEST_STR(hex, hashes[i].hex);
        if (hashes[i].repeat > 1)
            continue;
        lac_sha256(out, hashes[i].text, len);
        lac_hex_encode(hex, out, sizeof(out));
        LAC_TEST_STR(hex, hashes[i].hex);
    }
    lac_sha256_free(ctx);
    lac_sha256_free(NULL);
}

/* RFC 4231, test cases 1 to 4, 6 and 7 (5 is about truncation). Keys and data in hex. */
static const struct {
    const char *key, *data, *hex;
} macs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"long",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617"
     "368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"long",
     "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a6520"
     "6b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579"
     "206e6565647320746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484"
     "d414320616c676f726974686d2e",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void hmac_gives_the_published_codes(void)
{
    unsigned char key[131], data[256], out[LAC_SHA256_SIZE];
    char hex[2 * LAC_SHA256_SIZE + 1];

    for (size_t i = 0; i < LAC_COUNT(macs); i++) {
        size_t key_len = strlen(macs[i].key) / 2, len = strlen(macs[i].data) / 2;
        struct lac_hmac *h;

        lac_test_row("%zu", i);
        if (strcmp(macs[i].key, "long") == 0) {
            key_len = sizeof(key); /* longer than a block of the hash */
            memset(key, 0xaa, key_len);
        } else {
            LAC_TEST_NEED(lac_hex_decode(key, key_len, lac_str_from(macs[i].key)));
        }
        LAC_TEST_NEED(lac_hex_decode(data, len, lac_str_from(macs[i].data)));
        LAC_TEST_NEED(lac_hmac_new(&h, key, key_len, NULL) == LAC_OK);
        for (int again = 0; again < 3; again++) { /* the key stays */
            lac_hmac_sha256(h, out, data, len);
            lac_hex_encode(hex, out, sizeof(out));
            LAC_TEST_STR(hex, macs[i].hex);
        }
        lac_hmac_init(h);
        for (size_t n = 0; n < len; n++)
            lac_hmac_update(h, data + n, 1);
        lac_hmac_final(h, out);
        lac_hex_encode(hex, out, sizeof(out));
        LAC_TEST_STR(hex, macs[i].hex);
        lac_hmac_free(h);
    }
}

static void an_empty_key_is_refused(void)
{
    struct lac_hmac *h;
    struct lac_err err;

    LAC_TEST_EQ(lac_hmac_new(&h, "", 0, &err), LAC_FATAL);
    CU_ASSERT(!h);
    lac_hmac_free(NULL);
}

static void equal_sees_every_byte(void)
{
    unsigned char a[32] = {0}, b[32] = {0};

    CU_ASSERT(lac_digest_equal(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 0x80;
        CU_ASSERT(!lac_digest_equal(a, b, sizeof(a)));
        b[i] = 0;
    }
}

static void random_bytes_fill_all_and_differ(void)
{
    unsigned char a[64] = {0}, b[64] = {0}, seen = 0;

    for (int n = 0; n < 16; n++) {
        lac_random_bytes(a, sizeof(a));
        seen |= a[sizeof(a) - 1];
    }
    lac_random_bytes(b, sizeof(b));
    CU_ASSERT(seen != 0);
    CU_ASSERT(memcmp(a, b, sizeof(a)) != 0);
    lac_digest_wipe(a, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++)
        LAC_TEST_EQ(a[i], 0);
}

static atomic_uint wrong;

static void *hash_many(void *arg)
{
    unsigned char want[LAC_SHA256_SIZE], out[LAC_SHA256_SIZE];

    (void)arg;
    if (!lac_hex_decode(want, sizeof(want), lac_str_from(hashes[1].hex)))
        wrong++;
    for (int i = 0; i < 2000; i++) {
        lac_sha256(out, "abc", 3);
        wrong += memcmp(out, want, sizeof(out)) != 0;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void)
{
    pthread_t threads[4];

    for (size_t i = 0; i < LAC_COUNT(threads); i++)
        LAC_TEST_NEED(pthread_create(&threads[i], NULL, hash_many, NULL) == 0);
    for (size_t i = 0; i < LAC_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    LAC_TEST_EQ(wrong, 0);
}

LAC_TEST_MAIN(digest, sha256_gives_the_published_hashes, hmac_gives_the_published_codes,
              an_empty_key_is_refused, equal_sees_every_byte, random_bytes_fill_all_and_differ,
              threads_do_not_disturb_each_other)
