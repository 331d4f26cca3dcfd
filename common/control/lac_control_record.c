/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_digest.h"

_Static_assert((int)LAC_CONTROL_CHUNK_MAX *(int)LAC_CONTROL_CHUNK_BYTES == (int)LAC_PACK_BYTES_MAX,
               "the largest pack fits");

static const char *const roles[] = {"current", "shadow", "canary"};
static const char *const refusals[] = {"malformed",     "unsigned", "unknown_signer",
                                       "bad_signature", "old",      "expired",
                                       "digest",        "broken",   "no_room"};
_Static_assert(LAC_COUNT(roles) == LAC_CONTROL_ROLE_COUNT, "a name for each");
_Static_assert(LAC_COUNT(refusals) == LAC_CONTROL_REFUSAL_COUNT, "a name for each");

const char *lac_control_role_name(enum lac_control_role role)
{
    return roles[role];
}

bool lac_control_role_parse(struct lac_str text, enum lac_control_role *out)
{
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        if (lac_str_is(text, roles[i])) {
            *out = (enum lac_control_role)i;
            return true;
        }
    return false;
}

const char *lac_control_refusal_name(enum lac_control_refusal r)
{
    return refusals[r];
}

bool lac_control_name_ok(struct lac_str name)
{
    if (name.len == 0 || name.len > LAC_CONTROL_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!word && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return true;
}

/* ---- signers ---- */

static enum lac_status read_signer(struct lac_control_signers *s, struct lac_str file,
                                   struct lac_err *err)
{
    struct lac_sign_public *k = &s->keys[s->count];
    char path[4096];
    enum lac_status status;

    while (file.len && (file.ptr[0] == ' ' || file.ptr[0] == '\t'))
        file = lac_str_slice(file, 1, file.len);
    while (file.len && (file.ptr[file.len - 1] == ' ' || file.ptr[file.len - 1] == '\t'))
        file.len--;
    if (!file.len)
        return LAC_OK;
    if (s->count == LAC_CONTROL_SIGNERS_MAX || file.len >= sizeof(path))
        return lac_err_set(err, LAC_FATAL, 0,
                           "pack.signers: at most %d files, with paths of a sane length",
                           LAC_CONTROL_SIGNERS_MAX);
    (void)snprintf(path, sizeof(path), "%.*s", LAC_STR_FMT(file));
    status = lac_sign_public_read(k, path, err);
    if (status != LAC_OK)
        return status;
    s->count += lac_control_signer(s, lac_str_from(k->id)) == NULL; /* the same key again */
    return LAC_OK;
}

enum lac_status lac_control_signers_read(struct lac_control_signers *out, const char *files,
                                         bool required, struct lac_err *err)
{
    const char *at = files;
    enum lac_status status = LAC_OK;

    *out = (struct lac_control_signers){.required = required};
    while (status == LAC_OK && *at) {
        size_t len = strcspn(at, ",");

        status = read_signer(out, (struct lac_str){at, len}, err);
        at += len + (at[len] == ',');
    }
    return status;
}

const struct lac_sign_public *lac_control_signer(const struct lac_control_signers *s,
                                                 struct lac_str id)
{
    for (size_t i = 0; i < s->count; i++)
        if (lac_str_is(id, s->keys[i].id))
            return &s->keys[i];
    return NULL;
}

/* ---- checks ---- */

static enum lac_status wrong(struct lac_err *err, const char *what)
{
    return lac_err_set(err, LAC_REJECT, 0, "control: %s", what);
}

/* Chunks are full but the last, so a content can be cut in one way only. */
static enum lac_status check_chunk(const struct lac_control *r, struct lac_err *err)
{
    int64_t at, want;

    if (r->size < 0 || r->size > LAC_PACK_BYTES_MAX)
        return wrong(err, "the content's size is out of bounds");
    want = r->size ? (r->size + LAC_CONTROL_CHUNK_BYTES - 1) / LAC_CONTROL_CHUNK_BYTES : 1;
    if (r->chunks != want || r->chunk < 0 || r->chunk >= r->chunks)
        return wrong(err, "the numbers of its chunks can't be");
    at = (int64_t)r->chunk * LAC_CONTROL_CHUNK_BYTES;
    want = r->size - at < LAC_CONTROL_CHUNK_BYTES ? r->size - at : LAC_CONTROL_CHUNK_BYTES;
    if ((int64_t)r->content.len != want)
        return wrong(err, "a chunk of the wrong length");
    return LAC_OK;
}

enum lac_status lac_control_check(const struct lac_control *r, struct lac_err *err)
{
    enum lac_control_role role;

    if (!lac_str_is(r->kind, "pack"))
        return wrong(err, "not of the kind \"pack\"");
    if (!lac_control_name_ok(r->name))
        return wrong(err, "not a name that a setting can have");
    if (!lac_control_role_parse(r->role, &role))
        return wrong(err, "a role that this version does not know");
    if (r->version < 1)
        return wrong(err, "versions begin with 1");
    if (role == LAC_CONTROL_CURRENT ? r->share != 0
                                    : r->share < 0 || r->share > LAC_CONTROL_SHARE_ALL)
        return wrong(err, "a share out of bounds");
    /* Only what withdraws is without content. */
    if ((r->size == 0) != (role != LAC_CONTROL_CURRENT && r->share == 0))
        return wrong(err, "content and share contradict each other");
    if ((r->signer.ptr != NULL) != (r->signature.ptr != NULL) ||
        r->signer.len >= LAC_SIGN_ID_SIZE || r->signature.len > LAC_SIGN_SIZE)
        return wrong(err, "half a signature, or one of another kind");
    if (r->has_activation && r->has_expires && r->expires <= r->activation)
        return wrong(err, "it expires before it begins");
    return check_chunk(r, err);
}

void lac_control_key(char out[LAC_CONTROL_KEY_SIZE], const struct lac_control *r)
{
    char hash[17];

    lac_hex_encode(hash, r->hash.bytes, 8);
    (void)snprintf(out, LAC_CONTROL_KEY_SIZE, "%.*s/%.*s/%" PRId64 "/%s/%" PRId32,
                   LAC_STR_FMT(r->kind), LAC_STR_FMT(r->name), r->version, hash, r->chunk);
}

/* ---- signatures ---- */

static void put_part(struct lac_buf *b, const void *data, size_t size)
{
    uint32_t n = (uint32_t)size;
    const unsigned char len[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                  (unsigned char)(n >> 8), (unsigned char)n};

    lac_buf_put(b, len, sizeof(len));
    lac_buf_put(b, data, size);
}

static void put_number(struct lac_buf *b, bool there, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, v);

    put_part(b, text, there ? (size_t)n : 0);
}

struct lac_str lac_control_statement(char *out, const struct lac_control *r)
{
    static const char domain[] = "lacuna/control/1";
    unsigned char content[LAC_SHA256_SIZE];
    struct lac_buf b;

    lac_buf_init_fixed(&b, out, LAC_CONTROL_STATEMENT_MAX);
    lac_sha256(content, r->content.ptr, r->content.len);
    put_part(&b, domain, sizeof(domain) - 1);
    put_part(&b, r->kind.ptr, r->kind.len);
    put_part(&b, r->name.ptr, r->name.len);
    put_part(&b, r->role.ptr, r->role.len);
    put_number(&b, true, r->share);
    put_number(&b, true, r->version);
    put_part(&b, r->hash.bytes, sizeof(r->hash.bytes));
    put_number(&b, true, r->size);
    put_part(&b, r->pack.bytes, r->has_pack ? sizeof(r->pack.bytes) : 0);
    put_number(&b, r->has_activation, r->activation);
    put_number(&b, r->has_expires, r->expires);
    put_number(&b, true, r->chunk);
    put_number(&b, true, r->chunks);
    put_part(&b, content, sizeof(content));
    LAC_ASSERT(lac_buf_ok(&b)); /* the check bounds every part */
    return lac_buf_str(&b);
}

enum lac_status lac_control_sign(struct lac_control *r, const struct lac_sign_key *k,
                                 unsigned char *signature, struct lac_err *err)
{
    char text[LAC_CONTROL_STATEMENT_MAX];
    enum lac_status status = lac_sign(k, lac_control_statement(text, r), signature, err);

    if (status != LAC_OK)
        return status;
    r->signer = lac_str_from(lac_sign_key_public(k)->id);
    r->signature = (struct lac_str){(char *)signature, LAC_SIGN_SIZE};
    return LAC_OK;
}

enum lac_status lac_control_trust(const struct lac_control_signers *s, const struct lac_control *r,
                                  bool *verified, enum lac_control_refusal *why,
                                  struct lac_err *err)
{
    const struct lac_sign_public *k = r->signer.ptr ? lac_control_signer(s, r->signer) : NULL;
    char text[LAC_CONTROL_STATEMENT_MAX];

    *verified = false;
    if (k) {
        *verified = lac_sign_verify(k, lac_control_statement(text, r), r->signature);
        if (*verified)
            return LAC_OK;
        *why = LAC_CONTROL_BAD_SIGNATURE;
        return wrong(err, "the signature is wrong");
    }
    if (!s->required)
        return LAC_OK;
    *why = r->signer.ptr ? LAC_CONTROL_UNKNOWN_SIGNER : LAC_CONTROL_UNSIGNED;
    return wrong(err, r->signer.ptr ? "signed by a key that is not in pack.signers"
                                    : "not signed, and pack.require_signature is on");
}
