/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_digest.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "lac_assert.h"

struct lac_sha256_ctx {
    EVP_MD_CTX *md;
};

struct lac_hmac {
    EVP_MAC_CTX *mac;
};

/* Fetched once: a lookup by name for every message costs more than hashing a short one. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static pthread_key_t thread_ctx;
static bool ready;

static void free_ctx(void *ctx)
{
    lac_sha256_free(ctx);
}

static void prepare(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ready = sha256 && pthread_key_create(&thread_ctx, free_ctx) == 0;
}

enum lac_status lac_sha256_new(struct lac_sha256_ctx **out, struct lac_err *err)
{
    struct lac_sha256_ctx *ctx;

    *out = NULL;
    (void)pthread_once(&once, prepare);
    if (!ready)
        return lac_err_set(err, LAC_FATAL, 0, "digest: libcrypto offers no SHA-256");
    ctx = calloc(1, sizeof(*ctx));
    if (ctx)
        ctx->md = EVP_MD_CTX_new();
    if (!ctx || !ctx->md || !EVP_DigestInit_ex2(ctx->md, sha256, NULL)) {
        lac_sha256_free(ctx);
        return lac_err_set(err, LAC_FATAL, 0, "digest: cannot set up SHA-256");
    }
    *out = ctx;
    return LAC_OK;
}

void lac_sha256_free(struct lac_sha256_ctx *ctx)
{
    if (!ctx)
        return;
    EVP_MD_CTX_free(ctx->md);
    free(ctx);
}

void lac_sha256_init(struct lac_sha256_ctx *ctx)
{
    int ok = EVP_DigestInit_ex2(ctx->md, NULL, NULL); /* NULL keeps the algorithm */

    LAC_ASSERT(ok == 1);
}

void lac_sha256_update(struct lac_sha256_ctx *ctx, const void *data, size_t len)
{
    int ok = len ? EVP_DigestUpdate(ctx->md, data, len) : 1;

    LAC_ASSERT(ok == 1);
}

void lac_sha256_final(struct lac_sha256_ctx *ctx, unsigned char out[LAC_SHA256_SIZE])
{
    unsigned size = 0;
    int ok = EVP_DigestFinal_ex(ctx->md, out, &size);

    LAC_ASSERT(ok == 1 && size == LAC_SHA256_SIZE);
}

void lac_sha256(unsigned char out[LAC_SHA256_SIZE], const void *data, size_t len)
{
    struct lac_sha256_ctx *ctx;

    (void)pthread_once(&once, prepare);
    LAC_ASSERT(ready);
    ctx = pthread_getspecific(thread_ctx);
    if (!ctx) {
        enum lac_status status = lac_sha256_new(&ctx, NULL);
        int failed = status == LAC_OK ? pthread_setspecific(thread_ctx, ctx) : 1;

        LAC_ASSERT(ctx && !failed);
    }
    lac_sha256_init(ctx);
    lac_sha256_update(ctx, data, len);
    lac_sha256_final(ctx, out);
}

enum lac_status lac_hmac_new(struct lac_hmac **out, const void *key, size_t len,
                             struct lac_err *err)
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    struct lac_hmac *h;
    EVP_MAC *mac;

    *out = NULL;
    if (len == 0)
        return lac_err_set(err, LAC_FATAL, 0, "digest: the HMAC key is empty");
    h = calloc(1, sizeof(*h));
    if (!h)
        return lac_err_set(err, LAC_FATAL, 0, "digest: out of memory");
    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    h->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context holds its own reference */
    if (!h->mac || !EVP_MAC_init(h->mac, key, len, params)) {
        lac_hmac_free(h);
        return lac_err_set(err, LAC_FATAL, 0, "digest: cannot set up HMAC-SHA-256");
    }
    *out = h;
    return LAC_OK;
}

void lac_hmac_free(struct lac_hmac *h)
{
    if (!h)
        return;
    EVP_MAC_CTX_free(h->mac); /* cleanses its copy of the key */
    free(h);
}

void lac_hmac_init(struct lac_hmac *h)
{
    int ok = EVP_MAC_init(h->mac, NULL, 0, NULL); /* NULL keeps the key */

    LAC_ASSERT(ok == 1);
}

void lac_hmac_update(struct lac_hmac *h, const void *data, size_t len)
{
    int ok = len ? EVP_MAC_update(h->mac, data, len) : 1;

    LAC_ASSERT(ok == 1);
}

void lac_hmac_final(struct lac_hmac *h, unsigned char out[LAC_SHA256_SIZE])
{
    size_t size = 0;
    int ok = EVP_MAC_final(h->mac, out, &size, LAC_SHA256_SIZE);

    LAC_ASSERT(ok == 1 && size == LAC_SHA256_SIZE);
}

void lac_hmac_sha256(struct lac_hmac *h, unsigned char out[LAC_SHA256_SIZE], const void *data,
                     size_t len)
{
    lac_hmac_init(h);
    lac_hmac_update(h, data, len);
    lac_hmac_final(h, out);
}

bool lac_digest_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void lac_random_bytes(void *out, size_t len)
{
    unsigned char *to = out;

    while (len > 0) {
        int n = len > INT_MAX ? INT_MAX : (int)len;
        int ok = RAND_bytes(to, n);

        LAC_ASSERT(ok == 1);
        to += n;
        len -= (size_t)n;
    }
}

void lac_digest_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}
