/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_assembly.h"

#include <stdlib.h>
#include <string.h>

#include "lac_arena.h"
#include "lac_assert.h"
#include "lac_digest.h"

void lac_control_assembly_drop(struct lac_control_assembly *a, struct lac_control_offer *o)
{
    for (int32_t i = 0; i < o->chunk_count; i++)
        free(o->chunks[i].record);
    free(o->chunks);
    a->held -= o->held;
    *o = (struct lac_control_offer){0};
}

void lac_control_assembly_deinit(struct lac_control_assembly *a)
{
    for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++)
        if (a->offers[i].used)
            lac_control_assembly_drop(a, &a->offers[i]);
}

void lac_control_assembly_drop_until(struct lac_control_assembly *a, enum lac_control_role role,
                                     int64_t version)
{
    for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++) {
        struct lac_control_offer *o = &a->offers[i];

        if (o->used && o->role == role && o->version <= version)
            lac_control_assembly_drop(a, o);
    }
}

/* ---- room ---- */

/* The offer of the lowest version below `version`, which gives way to it; NULL: nobody does. */
static struct lac_control_offer *lowest_below(struct lac_control_assembly *a, int64_t version)
{
    struct lac_control_offer *lowest = NULL;

    for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++) {
        struct lac_control_offer *o = &a->offers[i];

        if (o->used && o->version < version && (!lowest || o->version < lowest->version))
            lowest = o;
    }
    return lowest;
}

static enum lac_status no_room(struct lac_err *err)
{
    return lac_err_set(err, LAC_AGAIN, 0, "control: more is offered at once than is kept");
}

/* Makes room for `size` bytes of something with the version. */
static enum lac_status make_room(struct lac_control_assembly *a, int64_t version, size_t size,
                                 struct lac_err *err)
{
    while (a->held + size > LAC_CONTROL_HELD_BYTES) {
        struct lac_control_offer *o = lowest_below(a, version);

        if (!o)
            return no_room(err);
        lac_control_assembly_drop(a, o);
    }
    return LAC_OK;
}

static struct lac_control_offer *unused(struct lac_control_assembly *a, int64_t version)
{
    struct lac_control_offer *o;

    for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++)
        if (!a->offers[i].used)
            return &a->offers[i];
    o = lowest_below(a, version);
    if (o)
        lac_control_assembly_drop(a, o);
    return o;
}

/* Complete ones that newer complete ones with the same start have overtaken take memory for
 * nothing: a few stay, in case the newest turn out to be broken. */
static void thin(struct lac_control_assembly *a, const struct lac_control_offer *newest)
{
    for (;;) {
        struct lac_control_offer *lowest = NULL;
        size_t n = 0;

        for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++) {
            struct lac_control_offer *o = &a->offers[i];

            if (!lac_control_offer_complete(o) || o->role != newest->role ||
                o->has_activation != newest->has_activation)
                continue;
            n++;
            if (!lowest || o->version < lowest->version)
                lowest = o;
        }
        if (n <= LAC_CONTROL_COMPLETE_MAX)
            return;
        lac_control_assembly_drop(a, lowest);
    }
}

/* ---- adding ---- */

static struct lac_control_offer *find(struct lac_control_assembly *a, const struct lac_control *r,
                                      enum lac_control_role role, bool verified)
{
    for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++) {
        struct lac_control_offer *o = &a->offers[i];

        if (o->used && o->role == role && o->version == r->version && o->verified == verified &&
            memcmp(&o->hash, &r->hash, sizeof(o->hash)) == 0)
            return o;
    }
    return NULL;
}

static void signer_of(char out[LAC_SIGN_ID_SIZE], const struct lac_control *r)
{
    size_t n = r->signer.len < LAC_SIGN_ID_SIZE ? r->signer.len : LAC_SIGN_ID_SIZE - 1;

    memset(out, 0, LAC_SIGN_ID_SIZE);
    if (n)
        memcpy(out, r->signer.ptr, n);
}

/* Whether the record says of its content what the other chunks said. */
static bool agrees(const struct lac_control_offer *o, const struct lac_control *r)
{
    char signer[LAC_SIGN_ID_SIZE];

    signer_of(signer, r);
    return o->size == r->size && o->share == r->share && o->chunk_count == r->chunks &&
           o->has_pack == r->has_pack &&
           (!o->has_pack || memcmp(&o->pack, &r->pack, sizeof(o->pack)) == 0) &&
           o->has_activation == r->has_activation && o->activation == r->activation &&
           o->has_expires == r->has_expires && o->expires == r->expires &&
           strcmp(o->signer, signer) == 0;
}

static enum lac_status start(struct lac_control_assembly *a, struct lac_control_offer **out,
                             const struct lac_control *r, enum lac_control_role role, bool verified,
                             struct lac_err *err)
{
    size_t size = (size_t)r->chunks * sizeof(struct lac_control_chunk);
    struct lac_control_offer *o = unused(a, r->version);
    enum lac_status status = o ? make_room(a, r->version, size, err) : no_room(err);

    *out = NULL;
    if (status != LAC_OK)
        return status;
    LAC_ASSERT(o); /* the analyzer can't see what no_room() returns */
    *o = (struct lac_control_offer){
        .used = true,
        .role = role,
        .version = r->version,
        .hash = r->hash,
        .has_pack = r->has_pack,
        .pack = r->pack,
        .size = r->size,
        .share = r->share,
        .has_activation = r->has_activation,
        .activation = r->activation,
        .has_expires = r->has_expires,
        .expires = r->expires,
        .verified = verified,
        .chunk_count = r->chunks,
        .chunks = calloc((size_t)r->chunks, sizeof(struct lac_control_chunk)),
        .held = size,
    };
    signer_of(o->signer, r);
    if (!o->chunks) {
        *o = (struct lac_control_offer){0};
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    }
    a->held += size;
    *out = o;
    return LAC_OK;
}

/* The record's own bytes again: the cache keeps them, and the content is borrowed from them. */
static enum lac_status keep(struct lac_control_chunk *c, const struct lac_control *r, size_t size,
                            struct lac_err *err)
{
    char *bytes = malloc(size);
    struct lac_control copy;
    struct lac_arena none = {0};
    size_t written;
    enum lac_status status;

    if (!bytes)
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    written = lac_control_encode(r, bytes);
    LAC_ASSERT(written == size);
    status = lac_control_decode(&copy, (struct lac_str){bytes, size}, &none, err);
    if (status != LAC_OK) {
        free(bytes);
        return status;
    }
    *c = (struct lac_control_chunk){bytes, size, copy.content};
    return LAC_OK;
}

enum lac_status lac_control_assembly_add(struct lac_control_assembly *a,
                                         const struct lac_control *r, bool verified,
                                         struct lac_err *err)
{
    enum lac_control_role role = LAC_CONTROL_CURRENT;
    bool known = lac_control_role_parse(r->role, &role);
    struct lac_control_offer *o = find(a, r, role, verified);
    size_t size = lac_control_encoded_size(r);
    struct lac_control_chunk *c;
    enum lac_status status = LAC_OK;

    LAC_ASSERT(known && r->chunks > 0 && r->chunk >= 0 && r->chunk < r->chunks);
    if (!o)
        status = start(a, &o, r, role, verified, err);
    if (status != LAC_OK)
        return status;
    LAC_ASSERT(o); /* as above */
    if (!agrees(o, r))
        return lac_err_set(err, LAC_REJECT, 0, "control: two chunks contradict each other");
    c = &o->chunks[r->chunk];
    if (c->record) {
        if (lac_str_eq(c->content, r->content))
            return LAC_OK;
        /* As compaction would have it: the later record with the same key counts. */
        free(c->record);
        o->held -= c->record_size;
        a->held -= c->record_size;
        *c = (struct lac_control_chunk){0};
        o->chunks_here--;
    }
    status = make_room(a, r->version, size, err);
    if (status == LAC_OK)
        status = keep(c, r, size, err);
    if (status != LAC_OK)
        return status;
    o->held += size;
    a->held += size;
    o->chunks_here++;
    if (lac_control_offer_complete(o))
        thin(a, o);
    return LAC_OK;
}

/* ---- looking ---- */

struct lac_control_offer *lac_control_assembly_best(struct lac_control_assembly *a,
                                                    enum lac_control_role role, int64_t above,
                                                    int64_t now_ms)
{
    struct lac_control_offer *best = NULL;

    for (size_t i = 0; i < LAC_CONTROL_OFFER_MAX; i++) {
        struct lac_control_offer *o = &a->offers[i];

        if (!lac_control_offer_complete(o) || o->role != role || o->version <= above ||
            (o->has_activation && o->activation > now_ms))
            continue;
        if (!best || o->version > best->version)
            best = o;
    }
    return best;
}

enum lac_status lac_control_offer_content(const struct lac_control_offer *o, struct lac_buf *out,
                                          struct lac_err *err)
{
    unsigned char hash[LAC_SHA256_SIZE];
    size_t from = out->len;
    struct lac_str all;

    LAC_ASSERT(lac_control_offer_complete(o));
    if (o->size && !lac_buf_reserve(out, (size_t)o->size))
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    for (int32_t i = 0; i < o->chunk_count; i++)
        lac_buf_put_str(out, o->chunks[i].content);
    if (!lac_buf_ok(out))
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    all = lac_buf_str(out);
    lac_sha256(hash, all.ptr + from, all.len - from);
    if (memcmp(hash, o->hash.bytes, sizeof(hash)) != 0)
        return lac_err_set(err, LAC_REJECT, 0, "control: the content is not what its hash says");
    return LAC_OK;
}
