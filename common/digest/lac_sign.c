/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lac_digest.h"

struct lac_sign_key {
    EVP_PKEY *pkey;
    struct lac_sign_public public_;
};

/* libcrypto keeps its reasons in a queue of the thread; an old one must not be told later. */
static enum lac_status fail(struct lac_err *err, const char *what)
{
    ERR_clear_error();
    return lac_err_set(err, LAC_FATAL, 0, "sign: %s", what);
}

static void name(struct lac_sign_public *p)
{
    unsigned char hash[LAC_SHA256_SIZE];

    lac_sha256(hash, p->bytes, sizeof(p->bytes));
    lac_hex_encode(p->id, hash, (LAC_SIGN_ID_SIZE - 1) / 2);
}

static bool fill_public(struct lac_sign_public *out, const EVP_PKEY *pkey)
{
    size_t size = sizeof(out->bytes);

    if (!EVP_PKEY_is_a(pkey, "ED25519") ||
        EVP_PKEY_get_raw_public_key(pkey, out->bytes, &size) != 1 || size != sizeof(out->bytes))
        return false;
    name(out);
    return true;
}

/* Takes `pkey` (may be NULL) in any case. */
static enum lac_status wrap(struct lac_sign_key **out, EVP_PKEY *pkey, const char *what,
                            struct lac_err *err)
{
    struct lac_sign_key *k = calloc(1, sizeof(*k));

    *out = NULL;
    if (!k || !pkey || !fill_public(&k->public_, pkey)) {
        EVP_PKEY_free(pkey);
        free(k);
        return fail(err, what);
    }
    k->pkey = pkey;
    *out = k;
    return LAC_OK;
}

enum lac_status lac_sign_generate(struct lac_sign_key **out, struct lac_err *err)
{
    return wrap(out, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "cannot make an Ed25519 key", err);
}

void lac_sign_key_free(struct lac_sign_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey); /* cleanses */
    free(k);
}

const struct lac_sign_public *lac_sign_key_public(const struct lac_sign_key *k)
{
    return &k->public_;
}

enum lac_status lac_sign(const struct lac_sign_key *k, struct lac_str data,
                         unsigned char out[LAC_SIGN_SIZE], struct lac_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t size = LAC_SIGN_SIZE;
    bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
              EVP_DigestSign(ctx, out, &size, (const unsigned char *)data.ptr, data.len) == 1 &&
              size == LAC_SIGN_SIZE;

    EVP_MD_CTX_free(ctx);
    return ok ? LAC_OK : fail(err, "cannot sign");
}

bool lac_sign_verify(const struct lac_sign_public *k, struct lac_str data, struct lac_str signature)
{
    EVP_PKEY *pkey;
    EVP_MD_CTX *ctx;
    bool ok;

    if (signature.len != LAC_SIGN_SIZE)
        return false;
    pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, k->bytes, sizeof(k->bytes));
    ctx = EVP_MD_CTX_new();
    ok = pkey && ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
         EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                          (const unsigned char *)data.ptr, data.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return ok;
}

/* ---- files ---- */

/* Nobody is there to type one: a key with a passphrase can't be read. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcrypto's */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static enum lac_status check_mode(int fd, const char *path, bool secret, struct lac_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return lac_err_set(err, LAC_FATAL, errno, "sign: %s: %s", path, lac_errno_text(errno));
    if (!S_ISREG(st.st_mode))
        return lac_err_set(err, LAC_FATAL, 0, "sign: %s is no regular file", path);
    if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
        return lac_err_set(err, LAC_FATAL, 0,
                           "sign: %s can be used by others (mode %04o): chmod 600 it, and make a "
                           "new key if somebody may have read it",
                           path, (unsigned)st.st_mode & 07777);
    return LAC_OK;
}

/* Opens first and asks then, so that what was checked is what is read. */
static enum lac_status read_pem(BIO **out, const char *path, bool secret, struct lac_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char text[LAC_SIGN_FILE_MAX];
    enum lac_status status;
    ssize_t n = -1;

    *out = NULL;
    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "sign: %s: %s", path, lac_errno_text(errno));
    status = check_mode(fd, path, secret, err);
    if (status == LAC_OK)
        n = read(fd, text, sizeof(text));
    (void)close(fd);
    if (status == LAC_OK && (n < 0 || n == (ssize_t)sizeof(text)))
        status = lac_err_set(err, LAC_FATAL, 0, "sign: %s can't be read, or is too large", path);
    if (status == LAC_OK) {
        BIO *bio = BIO_new(secret ? BIO_s_secmem() : BIO_s_mem());

        if (bio && BIO_write(bio, text, (int)n) == (int)n) {
            *out = bio;
        } else {
            BIO_free(bio);
            status = fail(err, "out of memory");
        }
    }
    lac_digest_wipe(text, sizeof(text));
    return status;
}

enum lac_status lac_sign_key_read(struct lac_sign_key **out, const char *path, struct lac_err *err)
{
    BIO *bio;
    enum lac_status status = read_pem(&bio, path, true, err);

    *out = NULL;
    if (status != LAC_OK)
        return status;
    status = wrap(out, PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL), "", err);
    BIO_free(bio);
    if (status != LAC_OK)
        return lac_err_set(err, LAC_FATAL, 0,
                           "sign: %s is no private Ed25519 key in PEM without a passphrase; "
                           "`lacuna pack keygen` makes one",
                           path);
    return LAC_OK;
}

enum lac_status lac_sign_public_read(struct lac_sign_public *out, const char *path,
                                     struct lac_err *err)
{
    BIO *bio;
    EVP_PKEY *pkey;
    enum lac_status status = read_pem(&bio, path, false, err);
    bool ok;

    if (status != LAC_OK)
        return status;
    pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    ok = pkey && fill_public(out, pkey);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    ERR_clear_error();
    return ok ? LAC_OK
              : lac_err_set(err, LAC_FATAL, 0, "sign: %s is no public Ed25519 key in PEM", path);
}

static enum lac_status write_new(const char *path, mode_t mode, BIO *bio, struct lac_err *err)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int code = 0;

    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "sign: cannot make %s: %s", path,
                           lac_errno_text(errno));
    /* fchmod: the umask may have taken away what others need to read a public key. */
    if (len <= 0 || fchmod(fd, mode) != 0 || write(fd, text, (size_t)len) != len || fsync(fd) != 0)
        code = errno ? errno : EIO;
    if (close(fd) != 0 && !code)
        code = errno;
    if (!code)
        return LAC_OK;
    (void)unlink(path); /* half a key is worse than none */
    return lac_err_set(err, LAC_FATAL, code, "sign: cannot write %s: %s", path,
                       lac_errno_text(code));
}

enum lac_status lac_sign_key_write(const struct lac_sign_key *k, const char *path,
                                   struct lac_err *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    enum lac_status status;

    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1)
        status = write_new(path, 0600, bio, err);
    else
        status = fail(err, "cannot encode a private key");
    BIO_free(bio);
    return status;
}

enum lac_status lac_sign_public_write(const struct lac_sign_public *k, const char *path,
                                      struct lac_err *err)
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, k->bytes, sizeof(k->bytes));
    BIO *bio = BIO_new(BIO_s_mem());
    enum lac_status status;

    if (pkey && bio && PEM_write_bio_PUBKEY(bio, pkey) == 1)
        status = write_new(path, 0644, bio, err);
    else
        status = fail(err, "cannot encode a public key");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return status;
}
