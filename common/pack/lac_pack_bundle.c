/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_bundle.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lac_assert.h"
#include "lac_buf.h"
#include "lac_digest.h"
#include "lac_pack_internal.h"

enum {
    AT_FORMAT = 8,
    AT_SECTIONS = 12,
    AT_SIZE = 16,
    AT_HASH = 24,
    AT_DIGEST = 56,
    AT_REST = AT_DIGEST + LAC_SHA256_SIZE,
    HEADER_SIZE = 128,
    SECTION_SIZE = 24,
    FILE_SIZE = 16, /* of a file's entry in the source */
};

enum section_kind { SECTION_SOURCE = 1, SECTION_IMAGE = 2 };
enum section_flag { SECTION_OPTIONAL = 1 };

static const char magic[8] = "\x89LACPAK\n";

static uint64_t get(const char *at, size_t size)
{
    uint64_t v = 0;

    while (size-- > 0)
        v = v << 8 | (unsigned char)at[size];
    return v;
}

static void set(char *at, size_t size, uint64_t v)
{
    for (size_t i = 0; i < size; i++, v >>= 8)
        at[i] = (char)(v & 0xff);
}

static void put(struct lac_buf *out, size_t size, uint64_t v)
{
    char bytes[8];

    set(bytes, size, v);
    lac_buf_put(out, bytes, size);
}

/* Everything but the place where the digest itself stands. */
static enum lac_status digest(const char *file, size_t size, unsigned char out[LAC_SHA256_SIZE],
                              struct lac_err *err)
{
    struct lac_sha256_ctx *ctx;
    enum lac_status status = lac_sha256_new(&ctx, err);

    if (status != LAC_OK)
        return status;
    lac_sha256_init(ctx);
    lac_sha256_update(ctx, file, AT_DIGEST);
    lac_sha256_update(ctx, file + AT_REST, size - AT_REST);
    lac_sha256_final(ctx, out);
    lac_sha256_free(ctx);
    return LAC_OK;
}

/* ---- reading ---- */

static enum lac_status refuse(struct lac_err *err, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "pack file: %s", why);
}

static enum lac_status check_header(const struct lac_pack_bundle *b, struct lac_err *err)
{
    const char *p = b->bytes.ptr;
    unsigned char found[LAC_SHA256_SIZE];
    enum lac_status status;

    if (b->bytes.len < HEADER_SIZE || memcmp(p, magic, sizeof(magic)) != 0)
        return refuse(err, "not a pack; make one with `lacuna pack build DIR -o FILE`");
    if (get(p + AT_FORMAT, 4) != LAC_PACK_BUNDLE_FORMAT)
        return lac_err_set(err, LAC_REJECT, 0,
                           "pack file: format %llu; this program reads format %d",
                           (unsigned long long)get(p + AT_FORMAT, 4), LAC_PACK_BUNDLE_FORMAT);
    if (get(p + AT_SIZE, 8) != b->bytes.len)
        return refuse(err, "cut off, or something was added");
    if (lac_pack_bundle_is_own(b))
        return LAC_OK;
    status = digest(p, b->bytes.len, found, err);
    if (status == LAC_OK && !lac_digest_equal(found, p + AT_DIGEST, sizeof(found)))
        return refuse(err, "damaged: its digest is another");
    return status;
}

static enum lac_status check_sections(struct lac_pack_bundle *b, struct lac_err *err)
{
    const char *p = b->bytes.ptr;
    uint64_t count = get(p + AT_SECTIONS, 4);
    uint64_t end = HEADER_SIZE + count * SECTION_SIZE;

    if (count > LAC_PACK_BUNDLE_SECTION_MAX || end > b->bytes.len)
        return refuse(err, "too many sections");
    for (size_t i = 0; i < count; i++) {
        const char *entry = p + HEADER_SIZE + i * SECTION_SIZE;
        uint64_t kind = get(entry, 4);
        uint64_t at = get(entry + 8, 8);
        uint64_t size = get(entry + 16, 8);

        if (at < end || at % LAC_PACK_BUNDLE_ALIGN || at > b->bytes.len || size > b->bytes.len - at)
            return refuse(err, "a section lies outside");
        end = at + size;
        if ((kind == SECTION_SOURCE && b->source.ptr) || (kind == SECTION_IMAGE && b->image.ptr))
            return refuse(err, "a section is there twice");
        if (kind == SECTION_SOURCE)
            b->source = lac_str_slice(b->bytes, (size_t)at, (size_t)end);
        else if (kind == SECTION_IMAGE)
            b->image = lac_str_slice(b->bytes, (size_t)at, (size_t)end);
        else if (!(get(entry + 4, 4) & SECTION_OPTIONAL))
            return refuse(err, "made by a newer version: it has a section of unknown kind");
    }
    if (end != b->bytes.len)
        return refuse(err, "something follows the last section");
    return b->source.ptr ? LAC_OK : refuse(err, "there is no source in it");
}

static enum lac_status check(struct lac_pack_bundle *b, struct lac_err *err)
{
    enum lac_status status = check_header(b, err);

    if (status != LAC_OK)
        return status;
    memcpy(b->hash, b->bytes.ptr + AT_HASH, sizeof(b->hash));
    return check_sections(b, err);
}

enum lac_status lac_pack_bundle_map(struct lac_pack_bundle *b, int fd, const char *path,
                                    struct lac_err *err)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) != 0)
        return lac_err_set(err, LAC_FATAL, errno, "pack: cannot read %s: %s", path,
                           lac_errno_text(errno));
    if (st.st_size < HEADER_SIZE || st.st_size > LAC_PACK_BYTES_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "pack: %s is no folder and no pack file", path);
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return lac_err_set(err, LAC_FATAL, errno, "pack: cannot map %s: %s", path,
                           lac_errno_text(errno));
    b->bytes = (struct lac_str){at, (size_t)st.st_size};
    b->mapped = true;
    return check(b, err);
}

enum lac_status lac_pack_bundle_copy(struct lac_pack_bundle *b, struct lac_str bytes,
                                     struct lac_err *err)
{
    size_t room = (bytes.len + LAC_PACK_BUNDLE_ALIGN) & ~((size_t)LAC_PACK_BUNDLE_ALIGN - 1);
    char *copy;

    if (bytes.len > LAC_PACK_BYTES_MAX)
        return refuse(err, "too large");
    copy = aligned_alloc(LAC_PACK_BUNDLE_ALIGN, room);
    if (!copy)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    b->bytes = (struct lac_str){copy, bytes.len};
    b->copied = true;
    return check(b, err);
}

enum lac_status lac_pack_bundle_borrow(struct lac_pack_bundle *b, struct lac_str bytes,
                                       struct lac_err *err)
{
    LAC_ASSERT((uintptr_t)bytes.ptr % LAC_PACK_BUNDLE_ALIGN == 0);
    b->bytes = bytes;
    return check(b, err);
}

void lac_pack_bundle_deinit(struct lac_pack_bundle *b)
{
    if (b->mapped)
        (void)munmap((void *)b->bytes.ptr, b->bytes.len);
    else if (b->copied)
        free((void *)b->bytes.ptr);
    *b = (struct lac_pack_bundle){0};
}

/* Takes `size` bytes off the front. */
static bool take(struct lac_str *rest, uint64_t size, struct lac_str *out)
{
    if (size > rest->len)
        return false;
    *out = lac_str_slice(*rest, 0, (size_t)size);
    *rest = lac_str_slice(*rest, (size_t)size, rest->len);
    return true;
}

enum lac_status lac_pack_bundle_files(const struct lac_pack_bundle *b, struct lac_pack_files *f,
                                      struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    struct lac_str rest = b->source;
    struct lac_str head, table;
    uint64_t count;

    if (!take(&rest, 8, &head))
        return refuse(err, "the source is cut off");
    count = get(head.ptr, 4);
    if (count > LAC_PACK_FILE_MAX || !take(&rest, count * FILE_SIZE, &table))
        return refuse(err, "the source has too many files");
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        const char *entry = table.ptr + i * FILE_SIZE;
        struct lac_pack_file file;

        if (!take(&rest, get(entry, 8), &file.path) || !take(&rest, get(entry + 8, 8), &file.data))
            return refuse(err, "a file of the source lies outside");
        if (i > 0 && lac_str_cmp(f->at[f->count - 1].path, file.path) >= 0)
            return refuse(err, "the files of the source are not sorted");
        status = lac_pack_files_add(f, file, err);
    }
    if (status == LAC_OK && rest.len > 0)
        return refuse(err, "something follows the source");
    return status;
}

/* ---- writing ---- */

static void pad(struct lac_buf *out, size_t start)
{
    static const char zeros[LAC_PACK_BUNDLE_ALIGN];
    size_t over = (out->len - start) % LAC_PACK_BUNDLE_ALIGN;

    if (over)
        lac_buf_put(out, zeros, LAC_PACK_BUNDLE_ALIGN - over);
}

static void put_source(const struct lac_pack_files *f, struct lac_buf *out)
{
    put(out, 4, f->count);
    put(out, 4, 0);
    for (size_t i = 0; i < f->count; i++) {
        put(out, 8, f->at[i].path.len);
        put(out, 8, f->at[i].data.len);
    }
    for (size_t i = 0; i < f->count; i++) {
        lac_buf_put_str(out, f->at[i].path);
        lac_buf_put_str(out, f->at[i].data);
    }
}

/* The compiled form, made anew when the pack came with one: what is written is always what this
 * program makes of the source. `*own` is to be closed when the image has been used. */
static enum lac_status image_of(const struct lac_pack *p, struct lac_match **own,
                                struct lac_str *image, struct lac_err *err)
{
    *own = NULL;
    if (p->image_used) {
        enum lac_status status = lac_match_open(own, p->rules, p->rule_count, NULL, err);

        if (status != LAC_OK)
            return status;
    }
    lac_match_image(*own ? *own : p->match, image);
    return LAC_OK;
}

static void put_section(char *entry, enum section_kind kind, enum section_flag flags, size_t at,
                        size_t size)
{
    set(entry, 4, kind);
    set(entry + 4, 4, flags);
    set(entry + 8, 8, at);
    set(entry + 16, 8, size);
}

static enum lac_status put_all(const struct lac_pack *p, struct lac_str image, struct lac_buf *out,
                               struct lac_err *err)
{
    static const char zeros[HEADER_SIZE];
    size_t start = out->len;
    size_t source, source_size, compiled;
    char *head;

    lac_buf_put(out, zeros, HEADER_SIZE);
    lac_buf_put(out, zeros, (size_t)2 * SECTION_SIZE);
    pad(out, start);
    source = out->len - start;
    put_source(&p->files, out);
    source_size = out->len - start - source;
    pad(out, start);
    compiled = out->len - start;
    lac_buf_put_str(out, image);
    if (!lac_buf_ok(out))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory for the pack file");
    head = out->ptr + start;
    memcpy(head, magic, sizeof(magic));
    set(head + AT_FORMAT, 4, LAC_PACK_BUNDLE_FORMAT);
    set(head + AT_SECTIONS, 4, 2);
    set(head + AT_SIZE, 8, out->len - start);
    memcpy(head + AT_HASH, p->hash.bytes, LAC_PACK_HASH_SIZE);
    put_section(head + HEADER_SIZE, SECTION_SOURCE, 0, source, source_size);
    put_section(head + HEADER_SIZE + SECTION_SIZE, SECTION_IMAGE, SECTION_OPTIONAL, compiled,
                image.len);
    return digest(head, out->len - start, (unsigned char *)head + AT_DIGEST, err);
}

enum lac_status lac_pack_write(const struct lac_pack *p, struct lac_buf *out, struct lac_err *err)
{
    struct lac_match *own;
    struct lac_str image;
    enum lac_status status = image_of(p, &own, &image, err);

    if (status == LAC_OK)
        status = put_all(p, image, out, err);
    lac_match_close(own);
    return status;
}
