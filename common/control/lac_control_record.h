/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_record - one record of the control topic, and who said it
 *
 * A pushed content travels as records of at most LAC_CONTROL_CHUNK_BYTES. Each is signed by itself,
 * so a forged or altered one is refused before it takes memory. What is signed (Ed25519) is the
 * statement: these parts, each behind its length as four bytes, highest first; numbers as decimal
 * text, an absent one empty, hashes as bytes:
 *
 *     "lacuna/control/1", kind, name, role, share, version, hash, size, pack, activation,
 *     expires, chunk, chunks, SHA-256 of this chunk's content
 *
 * Versions only go up. They count over all roles of a name, so a shadow or canary that is older
 * than the current pack is over. A shadow or canary with share 0 withdraws the one before it.
 *
 * The key on the topic names the chunk, so that compaction keeps every chunk of every version that
 * nobody has deleted: "pack/default/12/<16 hex digits of the hash>/0".
 *
 * Thread: any. Pure functions but for reading key files.
 */
#ifndef LAC_CONTROL_RECORD_H
#define LAC_CONTROL_RECORD_H

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_pack.h"
#include "lac_records.h"
#include "lac_sign.h"

enum lac_control_role {
    LAC_CONTROL_CURRENT, /* decides */
    LAC_CONTROL_SHADOW,  /* is asked beside it, and never acted on */
    LAC_CONTROL_CANARY,  /* decides for a share of the keys */
    LAC_CONTROL_ROLE_COUNT,
};

enum {
    LAC_CONTROL_CHUNK_BYTES = 512 << 10, /* half of what brokers take by default */
    LAC_CONTROL_CHUNK_MAX = LAC_PACK_BYTES_MAX / LAC_CONTROL_CHUNK_BYTES, /* of one content */
    LAC_CONTROL_NAME_MAX = 64,       /* bytes of a setting's name */
    LAC_CONTROL_KEY_SIZE = 160,      /* of a record's key, with its NUL */
    LAC_CONTROL_STATEMENT_MAX = 512, /* bytes */
    LAC_CONTROL_SIGNERS_MAX = 16,
    LAC_CONTROL_SHARE_ALL = 1000000, /* ppm */
};

/* Why something was not taken; also the label of a metric. */
enum lac_control_refusal {
    LAC_CONTROL_MALFORMED,      /* fields that can't be, or contradict each other */
    LAC_CONTROL_UNSIGNED,       /* a signature is required */
    LAC_CONTROL_UNKNOWN_SIGNER, /* signed by a key that is not configured */
    LAC_CONTROL_BAD_SIGNATURE,  /* not what that key has signed */
    LAC_CONTROL_OLD,            /* not newer than what was seen */
    LAC_CONTROL_EXPIRED,
    LAC_CONTROL_DIGEST,  /* the content is not what its hash says */
    LAC_CONTROL_BROKEN,  /* the content is no pack, or a wrong one */
    LAC_CONTROL_NO_ROOM, /* more at once than is kept */
    LAC_CONTROL_REFUSAL_COUNT,
};

/* Whose word counts. */
struct lac_control_signers {
    struct lac_sign_public keys[LAC_CONTROL_SIGNERS_MAX];
    size_t count;
    bool required; /* nothing unsigned, and nothing signed by others */
};

/* "current", "shadow", "canary". */
const char *lac_control_role_name(enum lac_control_role role);
bool lac_control_role_parse(struct lac_str text, enum lac_control_role *out) LAC_MUST_USE;
const char *lac_control_refusal_name(enum lac_control_refusal r);

/* Whether `name` may be a setting's: a-z, 0-9, '.', '_', '-', beginning with a letter or digit. */
bool lac_control_name_ok(struct lac_str name) LAC_MUST_USE;

/* Reads the public keys that `files` names, comma-separated; "" is none. FATAL. */
enum lac_status lac_control_signers_read(struct lac_control_signers *out, const char *files,
                                         bool required, struct lac_err *err) LAC_MUST_USE;

/* The key with the id, or NULL. */
const struct lac_sign_public *lac_control_signer(const struct lac_control_signers *s,
                                                 struct lac_str id);

/* REJECT when the record of a pack can't be: kind, name, role, share, chunk numbers, sizes. */
enum lac_status lac_control_check(const struct lac_control *r, struct lac_err *err) LAC_MUST_USE;

/* The record's key on the topic. `r` is one that lac_control_check() took. */
void lac_control_key(char out[LAC_CONTROL_KEY_SIZE], const struct lac_control *r);

/* Writes what is signed; `out` holds LAC_CONTROL_STATEMENT_MAX bytes. */
struct lac_str lac_control_statement(char *out, const struct lac_control *r);

/* Signs: `signature` holds LAC_SIGN_SIZE bytes and is what the record borrows from now on, as its
 * signer borrows from `k`. */
enum lac_status lac_control_sign(struct lac_control *r, const struct lac_sign_key *k,
                                 unsigned char *signature, struct lac_err *err) LAC_MUST_USE;

/* Whether the record may be believed. OK; REJECT with `*why`. Where no signature is required, one
 * by a configured signer must be right all the same, and any other counts as none. `*verified`:
 * a configured signer stands behind it. */
enum lac_status lac_control_trust(const struct lac_control_signers *s, const struct lac_control *r,
                                  bool *verified, enum lac_control_refusal *why,
                                  struct lac_err *err) LAC_MUST_USE;

#endif
