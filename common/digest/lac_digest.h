/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_digest - SHA-256, HMAC-SHA-256 and random bytes from libcrypto
 *
 * Everything goes through libcrypto's providers, so a FIPS configuration of the host applies.
 * Contexts are prepared once and used for many messages: nothing is fetched or allocated per
 * message. A hash that can't be computed has no safe fallback; when libcrypto fails after a
 * context was prepared, the process stops.
 *
 * Thread: any, but a context belongs to one thread at a time.
 */
#ifndef LAC_DIGEST_H
#define LAC_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"

enum { LAC_SHA256_SIZE = 32 }; /* bytes */

/* One message in one piece. The first call on a thread prepares that thread's context. */
void lac_sha256(unsigned char out[LAC_SHA256_SIZE], const void *data, size_t len);

/* A message in pieces. */
struct lac_sha256_ctx;

/* LAC_FATAL: libcrypto has no SHA-256 or memory ran out; `*out` is NULL. */
enum lac_status lac_sha256_new(struct lac_sha256_ctx **out, struct lac_err *err) LAC_MUST_USE;

/* NULL is fine. */
void lac_sha256_free(struct lac_sha256_ctx *ctx);

/* Starts a message, dropping an unfinished one. */
void lac_sha256_init(struct lac_sha256_ctx *ctx);
void lac_sha256_update(struct lac_sha256_ctx *ctx, const void *data, size_t len);

/* Ends the message; the next one starts with lac_sha256_init(). */
void lac_sha256_final(struct lac_sha256_ctx *ctx, unsigned char out[LAC_SHA256_SIZE]);

/* HMAC-SHA-256 with a key that is set up once. */
struct lac_hmac;

/*
 * Copies `key` (len > 0; an empty key would be no key at all) and wipes its copy in
 * lac_hmac_free(). LAC_FATAL: empty key, no HMAC in libcrypto, or no memory; `*out` is NULL.
 */
enum lac_status lac_hmac_new(struct lac_hmac **out, const void *key, size_t len,
                             struct lac_err *err) LAC_MUST_USE;

/* NULL is fine. */
void lac_hmac_free(struct lac_hmac *h);

/* One message in one piece. Must not come between lac_hmac_init() and lac_hmac_final(). */
void lac_hmac_sha256(struct lac_hmac *h, unsigned char out[LAC_SHA256_SIZE], const void *data,
                     size_t len);

/* A message in pieces. */
void lac_hmac_init(struct lac_hmac *h);
void lac_hmac_update(struct lac_hmac *h, const void *data, size_t len);
void lac_hmac_final(struct lac_hmac *h, unsigned char out[LAC_SHA256_SIZE]);

/* Compares `len` bytes in a time that does not depend on where they differ. */
bool lac_digest_equal(const void *a, const void *b, size_t len) LAC_MUST_USE;

/* Unpredictable bytes, fit for keys. Stops the process when the system has none. */
void lac_random_bytes(void *out, size_t len);

/* Overwrites a secret in a way that the compiler does not remove. */
void lac_digest_wipe(void *data, size_t len);

#endif
