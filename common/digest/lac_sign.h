/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_sign - Ed25519 signatures and the files that keys live in
 *
 * Who holds the private key decides what a fleet believes, so its file (PEM, PKCS #8) is made with
 * mode 0600, never over another one, and refused when group or others may read it. Public keys are
 * PEM files (SubjectPublicKeyInfo) for anybody. A key's id is the first half of the SHA-256 of its
 * 32 public bytes, in hex: it says which key to look for and proves nothing.
 *
 * Thread: any, but a private key belongs to one thread at a time.
 */
#ifndef LAC_SIGN_H
#define LAC_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_SIGN_SIZE = 64,        /* bytes of a signature */
    LAC_SIGN_PUBLIC_SIZE = 32, /* bytes of a public key */
    LAC_SIGN_ID_SIZE = 33,     /* of an id, with its NUL */
    LAC_SIGN_FILE_MAX = 16384, /* bytes of a key's file */
};

struct lac_sign_public {
    unsigned char bytes[LAC_SIGN_PUBLIC_SIZE];
    char id[LAC_SIGN_ID_SIZE];
};

/* A private key with its public half. */
struct lac_sign_key;

/* A new pair. FATAL: libcrypto has no Ed25519 (a FIPS module without it), or no memory. */
enum lac_status lac_sign_generate(struct lac_sign_key **out, struct lac_err *err) LAC_MUST_USE;

/* Reads a private key. FATAL: it can't be read, is no Ed25519 key, asks for a passphrase, or group
 * or others may read or write it; the text says what to do. */
enum lac_status lac_sign_key_read(struct lac_sign_key **out, const char *path,
                                  struct lac_err *err) LAC_MUST_USE;

/* Writes a new file with mode 0600. FATAL: there is one already, or it can't be written. */
enum lac_status lac_sign_key_write(const struct lac_sign_key *k, const char *path,
                                   struct lac_err *err) LAC_MUST_USE;

/* NULL is fine. Wipes it. */
void lac_sign_key_free(struct lac_sign_key *k);

/* The public half; borrowed until lac_sign_key_free(). */
const struct lac_sign_public *lac_sign_key_public(const struct lac_sign_key *k);

/* FATAL only when memory ran out. */
enum lac_status lac_sign(const struct lac_sign_key *k, struct lac_str data,
                         unsigned char out[LAC_SIGN_SIZE], struct lac_err *err) LAC_MUST_USE;

/* Whether `signature` is one of `k` over `data`; false also for one of another length and when
 * memory ran out. */
bool lac_sign_verify(const struct lac_sign_public *k, struct lac_str data,
                     struct lac_str signature) LAC_MUST_USE;

/* Reads a public key. FATAL as lac_sign_key_read(), but anybody may read it. */
enum lac_status lac_sign_public_read(struct lac_sign_public *out, const char *path,
                                     struct lac_err *err) LAC_MUST_USE;

/* Writes a new file with mode 0644. FATAL: there is one already, or it can't be written. */
enum lac_status lac_sign_public_write(const struct lac_sign_public *k, const char *path,
                                      struct lac_err *err) LAC_MUST_USE;

#endif
