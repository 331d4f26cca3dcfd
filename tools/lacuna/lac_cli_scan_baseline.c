/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known already: fingerprints, one a line, sorted, so that a change of it can be reviewed.
 *
 * A fingerprint is an HMAC of rule, path and folded match. Its key is the person's (--key-file),
 * or a random salt that stands in the file: who can read that file can read the scanned files,
 * which hold the values themselves, so the salt only has to keep two baselines from being
 * compared. Who publishes a baseline apart from its files needs a key, because a value from a
 * small set (a phone number) can be found by trying all of them. The file never holds a value.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli_scan.h"
#include "lac_file.h"

enum {
    FILE_BYTES = 256 << 20,
    SALT_BYTES = 16,
    HEX = 2 * LAC_CLI_FINGERPRINT_BYTES,
    NOTE_BYTES = 1024, /* of rule and path beside a fingerprint */
};

static const char heading[] = "# lacuna baseline 1 ";

struct known {
    unsigned char fingerprint[LAC_CLI_FINGERPRINT_BYTES];
    char *note; /* owned; NULL in one that was read */
};

struct lac_cli_baseline {
    unsigned char salt[SALT_BYTES];
    struct lac_buf key; /* the person's; empty: the salt counts */
    struct known *known;
    size_t count, capacity;
};

static int by_fingerprint(const void *a, const void *b)
{
    return memcmp(((const struct known *)a)->fingerprint, ((const struct known *)b)->fingerprint,
                  LAC_CLI_FINGERPRINT_BYTES);
}

static bool push(struct lac_cli_baseline *b, const struct known *k)
{
    if (b->count == b->capacity) {
        size_t more = b->capacity ? 2 * b->capacity : 64;
        struct known *grown = realloc(b->known, more * sizeof(*grown));

        if (!grown)
            return false;
        b->known = grown;
        b->capacity = more;
    }
    b->known[b->count++] = *k;
    return true;
}

/* "salt=HEX" or "key": how the fingerprints below were made. */
static enum lac_status read_heading(struct lac_cli_baseline *b, const char *path,
                                    struct lac_str line, struct lac_err *err)
{
    const size_t n = sizeof(heading) - 1;
    struct lac_str how;

    if (line.len < n || memcmp(line.ptr, heading, n) != 0)
        return lac_err_set(err, LAC_FATAL, 0, "%s: no baseline of this program", path);
    how = lac_str_slice(line, n, line.len);
    if (lac_str_is(how, "key"))
        return b->key.len ? LAC_OK
                          : lac_err_set(err, LAC_FATAL, 0,
                                        "%s: made with a key; give it with --key-file", path);
    if (b->key.len)
        return lac_err_set(err, LAC_FATAL, 0, "%s: made without a key; leave --key-file out", path);
    if (how.len != 5 + 2 * SALT_BYTES || memcmp(how.ptr, "salt=", 5) != 0 ||
        !lac_hex_decode(b->salt, SALT_BYTES, lac_str_slice(how, 5, how.len)))
        return lac_err_set(err, LAC_FATAL, 0, "%s:1: its salt is damaged", path);
    return LAC_OK;
}

static enum lac_status read_lines(struct lac_cli_baseline *b, const char *path, struct lac_str text,
                                  struct lac_err *err)
{
    uint64_t line = 1, number;
    struct lac_str one;
    size_t at = 0;

    while (lac_scan_lines_cut(text, &at, &line, &one, &number)) {
        struct known k = {.note = NULL};

        if (number == 1) {
            enum lac_status status = read_heading(b, path, one, err);

            if (status != LAC_OK)
                return status;
            continue;
        }
        if (one.len == 0 || one.ptr[0] == '#')
            continue;
        if (one.len < HEX ||
            !lac_hex_decode(k.fingerprint, sizeof(k.fingerprint), lac_str_slice(one, 0, HEX)))
            return lac_err_set(err, LAC_FATAL, 0, "%s:%llu: no fingerprint", path,
                               (unsigned long long)number);
        if (!push(b, &k))
            return lac_err_set(err, LAC_FATAL, ENOMEM, "%s: no memory for it", path);
    }
    if (line == 1)
        return lac_err_set(err, LAC_FATAL, 0, "%s: no baseline of this program", path);
    if (b->count > 1)
        qsort(b->known, b->count, sizeof(*b->known), by_fingerprint);
    return LAC_OK;
}

enum lac_status lac_cli_baseline_open(struct lac_cli_baseline **out, const char *path, bool create,
                                      struct lac_str key, struct lac_err *err)
{
    struct lac_cli_baseline *b = calloc(1, sizeof(*b));
    enum lac_status status = LAC_OK;
    struct lac_buf text;

    *out = NULL;
    if (!b)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "%s: no memory for it", path);
    lac_buf_init(&text, FILE_BYTES);
    lac_buf_init(&b->key, key.len + 1);
    lac_buf_put_str(&b->key, key);
    if (create && access(path, F_OK) != 0 && errno == ENOENT)
        lac_random_bytes(b->salt, sizeof(b->salt));
    else
        status = lac_file_read(path, &text, err);
    if (status == LAC_OK && text.len > 0)
        status = read_lines(b, path, lac_buf_str(&text), err);
    else if (status == LAC_OK && access(path, F_OK) == 0)
        status = lac_err_set(err, LAC_FATAL, 0, "%s: no baseline of this program", path);
    if (status == LAC_OK && !lac_buf_ok(&b->key))
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "%s: no memory for it", path);
    lac_buf_deinit(&text);
    if (status == LAC_OK && create)
        b->count = 0; /* only its salt goes on */
    if (status == LAC_OK)
        *out = b;
    else
        lac_cli_baseline_close(b);
    return status;
}

void lac_cli_baseline_close(struct lac_cli_baseline *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        free(b->known[i].note);
    if (b->key.ptr)
        lac_digest_wipe(b->key.ptr, b->key.len);
    lac_buf_deinit(&b->key);
    free(b->known);
    free(b);
}

struct lac_str lac_cli_baseline_key(const struct lac_cli_baseline *b)
{
    return b->key.len ? lac_buf_str(&b->key)
                      : (struct lac_str){(const char *)b->salt, sizeof(b->salt)};
}

bool lac_cli_baseline_has(const struct lac_cli_baseline *b, const unsigned char *fingerprint)
{
    struct known k;

    memcpy(k.fingerprint, fingerprint, sizeof(k.fingerprint));
    return b->count > 0 &&
           bsearch(&k, b->known, b->count, sizeof(*b->known), by_fingerprint) != NULL;
}

/* What stands behind a fingerprint, for who reviews the file: never a value, and in one line. */
bool lac_cli_baseline_add(struct lac_cli_baseline *b, const struct lac_cli_record *r)
{
    struct known k;
    char note[NOTE_BYTES];
    int n = snprintf(note, sizeof(note), "%.*s  %.*s:%llu", LAC_STR_FMT(r->rule->id),
                     LAC_STR_FMT(r->path), (unsigned long long)r->line);

    if (n < 0)
        return false;
    for (char *c = note; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = '?';
    memcpy(k.fingerprint, r->fingerprint, sizeof(k.fingerprint));
    k.note = lac_str_dup(lac_str_from(note));
    if (!k.note)
        return false;
    if (push(b, &k))
        return true;
    free(k.note);
    return false;
}

/* The place first, so that neighbours in a file are neighbours in the review. */
static int by_note(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    int order = strcmp(x->note, y->note);

    return order ? order : by_fingerprint(a, b);
}

static void put_all(const struct lac_cli_baseline *b, struct lac_buf *out)
{
    char hex[2 * SALT_BYTES + 1];

    lac_buf_put_text(out, heading);
    if (b->key.len) {
        lac_buf_put_text(out, "key\n");
    } else {
        lac_hex_encode(hex, b->salt, sizeof(b->salt));
        lac_buf_printf(out, "salt=%s\n", hex);
    }
    lac_buf_put_text(out, "# Findings that are known. A line holds no value: a keyed hash of rule, "
                          "path and value,\n# then the rule and where it was.\n");
    for (size_t i = 0; i < b->count; i++) {
        lac_hex_encode(hex, b->known[i].fingerprint, LAC_CLI_FINGERPRINT_BYTES);
        lac_buf_printf(out, "%s  %s\n", hex, b->known[i].note);
    }
}

/* The same value again in the same file has the same fingerprint: once is enough. */
static void drop_repeats(struct lac_cli_baseline *b)
{
    size_t kept = 0;

    if (b->count > 1)
        qsort(b->known, b->count, sizeof(*b->known), by_fingerprint);
    for (size_t i = 0; i < b->count; i++) {
        if (kept > 0 && by_fingerprint(&b->known[kept - 1], &b->known[i]) == 0)
            free(b->known[i].note);
        else
            b->known[kept++] = b->known[i];
    }
    b->count = kept;
}

enum lac_status lac_cli_baseline_write(struct lac_cli_baseline *b, const char *path, size_t *count,
                                       struct lac_err *err)
{
    enum lac_status status;
    struct lac_buf out;

    drop_repeats(b);
    if (b->count > 1)
        qsort(b->known, b->count, sizeof(*b->known), by_note);
    *count = b->count;
    lac_buf_init(&out, FILE_BYTES);
    put_all(b, &out);
    status = lac_buf_ok(&out) ? lac_file_replace(path, lac_buf_str(&out), NULL, err)
                              : lac_err_set(err, LAC_FATAL, ENOMEM, "%s: too much for it", path);
    lac_buf_deinit(&out);
    return status;
}
