/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_head.h"
#include "lac_pack_builtin.h"
#include "lac_pack_groups.h"

static enum lac_status pack_new(struct lac_pack **out, struct lac_err *err)
{
    static atomic_uint_fast64_t number;

    *out = calloc(1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    (*out)->number = atomic_fetch_add(&number, 1) + 1;
    return LAC_OK;
}

/* With the files read, and `status` so far. Takes `p`. */
static enum lac_status finish(struct lac_pack **out, struct lac_pack *p, enum lac_status status,
                              struct lac_err *err)
{
    if (status == LAC_OK)
        status = lac_pack_load(p, err);
    if (status != LAC_OK) {
        lac_pack_close(p);
        return status;
    }
    *out = p;
    return LAC_OK;
}

/* The files of a bundle that was mapped or copied. */
static enum lac_status read_bundle(struct lac_pack *p, enum lac_status status, struct lac_err *err)
{
    p->complete = true;
    return status == LAC_OK ? lac_pack_bundle_files(&p->bundle, &p->files, err) : status;
}

static enum lac_status read_path(struct lac_pack *p, const char *path, struct lac_err *err)
{
    enum lac_status status;
    struct stat st;
    int fd;

    if (!path || !path[0])
        return read_bundle(p, lac_pack_bundle_borrow(&p->bundle, lac_pack_builtin(), err), err);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        status = lac_err_set(err, LAC_FATAL, errno, "pack: cannot read %s: %s", path,
                             lac_errno_text(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    if (S_ISREG(st.st_mode))
        status = read_bundle(p, lac_pack_bundle_map(&p->bundle, fd, path, err), err);
    else if (S_ISDIR(st.st_mode))
        status = lac_pack_files_read(&p->files, &p->pool, path, err);
    else
        status = lac_err_set(err, LAC_REJECT, 0, "pack: %s is no folder and no file", path);
    close(fd);
    return status;
}

enum lac_status lac_pack_open_files(struct lac_pack **out, const struct lac_pack_file *files,
                                    size_t count, struct lac_err *err)
{
    struct lac_pack *p;
    enum lac_status status = pack_new(&p, err);

    if (status != LAC_OK)
        return status;
    return finish(out, p, lac_pack_files_copy(&p->files, &p->pool, files, count, err), err);
}

enum lac_status lac_pack_open_bytes(struct lac_pack **out, struct lac_str bytes,
                                    struct lac_err *err)
{
    struct lac_pack *p;
    enum lac_status status = pack_new(&p, err);

    if (status != LAC_OK)
        return status;
    status = read_bundle(p, lac_pack_bundle_copy(&p->bundle, bytes, err), err);
    return finish(out, p, status, err);
}

static enum lac_status open_path(struct lac_pack **out, const char *path, struct lac_pack_how how,
                                 struct lac_err *err)
{
    struct lac_pack *p;
    enum lac_status status = pack_new(&p, err);

    if (status != LAC_OK)
        return status;
    p->how = how;
    return finish(out, p, read_path(p, path, err), err);
}

enum lac_status lac_pack_open(struct lac_pack **out, const char *path, struct lac_err *err)
{
    return open_path(out, path, (struct lac_pack_how){0}, err);
}

enum lac_status lac_pack_open_rules(struct lac_pack **out, const char *path, struct lac_err *err)
{
    return open_path(out, path, (struct lac_pack_how){.headless = true}, err);
}

enum lac_status lac_pack_open_to_train(struct lac_pack **out, const char *path, struct lac_err *err)
{
    return open_path(out, path, (struct lac_pack_how){.to_train = true}, err);
}

enum lac_status lac_pack_open_lint(struct lac_pack **out, const char *path,
                                   struct lac_pack_findings *findings, struct lac_err *err)
{
    struct lac_pack *p;
    enum lac_status status = pack_new(&p, err);

    if (status != LAC_OK)
        return status;
    status = read_path(p, path, err);
    if (status == LAC_OK) {
        p->findings = findings;
        status = lac_pack_load(p, err);
        if (lac_pack_forgive(p, status, err))
            status = LAC_OK;
    }
    if (status != LAC_OK) {
        lac_pack_close(p);
        return status;
    }
    *out = p;
    return LAC_OK;
}

void lac_pack_close(struct lac_pack *p)
{
    if (!p)
        return;
    lac_match_close(p->match);
    lac_head_close(p->head); /* before the bytes that it borrows */
    lac_pack_groups_free(p);
    free(p->rules);
    free(p->examples);
    free(p->where);
    lac_pack_pool_deinit(&p->pool);
    lac_pack_bundle_deinit(&p->bundle);
    free(p);
}

/* ---- reading ---- */

uint64_t lac_pack_number(const struct lac_pack *p)
{
    return p->number;
}

const struct lac_hash256 *lac_pack_hash(const struct lac_pack *p)
{
    return &p->hash;
}

const struct lac_head *lac_pack_head(const struct lac_pack *p)
{
    return p->head;
}

const struct lac_pack_model *lac_pack_model(const struct lac_pack *p)
{
    return p->model_at ? &p->model : NULL;
}

struct lac_str lac_pack_name(const struct lac_pack *p)
{
    return p->name;
}

uint64_t lac_pack_version(const struct lac_pack *p)
{
    return p->version;
}

const struct lac_match *lac_pack_match(const struct lac_pack *p)
{
    return p->match;
}

const struct lac_decide_policy *lac_pack_policy(const struct lac_pack *p)
{
    return &p->policy;
}

size_t lac_pack_file_count(const struct lac_pack *p)
{
    return p->files.count;
}

const struct lac_pack_file *lac_pack_file_at(const struct lac_pack *p, size_t index)
{
    LAC_ASSERT(index < p->files.count);
    return &p->files.at[index];
}

const struct lac_str *lac_pack_route(const struct lac_pack *p, enum lac_tier tier, size_t *count)
{
    LAC_ASSERT((unsigned)tier < LAC_TIER_COUNT);
    *count = p->routes[tier].count;
    return p->routes[tier].at;
}

size_t lac_pack_excerpt_bytes(const struct lac_pack *p)
{
    return p->excerpt_bytes;
}

struct lac_pack_examples lac_pack_examples(const struct lac_pack *p, size_t index)
{
    LAC_ASSERT(index < p->rule_count);
    return p->examples[index];
}

size_t lac_pack_note_count(const struct lac_pack *p)
{
    return p->note_count;
}

struct lac_str lac_pack_note_at(const struct lac_pack *p, size_t index)
{
    LAC_ASSERT(index < p->note_count);
    return p->notes[index];
}
