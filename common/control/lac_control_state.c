/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_log.h"

/* What counts for a role, and the highest version that ever did here. */
struct slot {
    struct lac_control_pack *pack; /* a reference; NULL: none */
    struct lac_hash256 hash;       /* of the newest content */
    int64_t version;
    int32_t share;
    bool has_expires, expired;
    int64_t expires;
};

/* What was refused: a pushed pack is many records, and is read again after each reconnection. */
struct refusal {
    enum lac_control_refusal why;
    enum lac_control_role role;
    int64_t version;
    struct lac_hash256 hash; /* of the whole content */
};

enum { REFUSALS_KEPT = 64 };

struct lac_control_state {
    struct lac_control_state_options o;
    struct refusal refusals[REFUSALS_KEPT]; /* the last ones, as a ring */
    size_t refusal_count;                   /* ever */
    struct lac_control_assembly assembly;
    struct slot slots[LAC_CONTROL_ROLE_COUNT];
};

/* Whether this is news; it is remembered then. */
static bool is_first(struct lac_control_state *s, const struct refusal *r)
{
    size_t kept = s->refusal_count < REFUSALS_KEPT ? s->refusal_count : REFUSALS_KEPT;

    if (r->why == LAC_CONTROL_MALFORMED) /* says nothing that can be believed */
        return true;
    for (size_t i = 0; i < kept; i++) {
        const struct refusal *old = &s->refusals[i];

        if (old->why == r->why && old->role == r->role && old->version == r->version &&
            memcmp(&old->hash, &r->hash, sizeof(r->hash)) == 0)
            return false;
    }
    s->refusals[s->refusal_count++ % REFUSALS_KEPT] = *r;
    return true;
}

static void refuse(struct lac_control_state *s, enum lac_control_refusal why,
                   enum lac_control_role role, int64_t version, const struct lac_hash256 *hash,
                   const char *text)
{
    const struct refusal r = {why, role, version, *hash};

    if (is_first(s, &r) && s->o.events.refused)
        s->o.events.refused(s->o.events.ctx, why, role, version, text);
}

static void tell(struct lac_control_state *s, enum lac_control_role role, const char *reason)
{
    if (s->o.events.swapped)
        s->o.events.swapped(s->o.events.ctx, role, s->slots[role].pack, reason);
}

static void tell_opened(struct lac_control_state *s, enum lac_control_role role,
                        const struct lac_pack *pack)
{
    if (s->o.events.opened)
        s->o.events.opened(s->o.events.ctx, role, pack);
}

/* A new current pack ends an older shadow or canary. */
static bool is_over(const struct lac_control_state *s, int role)
{
    return role != LAC_CONTROL_CURRENT &&
           s->slots[role].version <= s->slots[LAC_CONTROL_CURRENT].version;
}

static enum lac_status publish(struct lac_control_state *s, struct lac_err *err)
{
    struct lac_control_pack *at[LAC_CONTROL_ROLE_COUNT];
    int32_t share[LAC_CONTROL_ROLE_COUNT];

    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
        at[i] = is_over(s, i) ? NULL : s->slots[i].pack;
        share[i] = s->slots[i].share;
    }
    return lac_control_packs_publish(s->o.packs, at, share, err);
}

enum lac_status lac_control_state_open(struct lac_control_state **out,
                                       const struct lac_control_state_options *o,
                                       struct lac_pack *fallback, struct lac_err *err)
{
    struct lac_control_state *s = calloc(1, sizeof(*s));
    struct lac_control_pack *pack = NULL;
    enum lac_status status;

    *out = NULL;
    if (!s)
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    s->o = *o;
    status = lac_control_pack_new(&pack, fallback, err);
    if (status == LAC_OK) {
        s->slots[LAC_CONTROL_CURRENT].pack = pack;
        tell_opened(s, LAC_CONTROL_CURRENT, fallback);
        status = publish(s, err);
    }
    if (status != LAC_OK) {
        if (pack) {
            pack->pack = NULL; /* stays the caller's */
            lac_control_pack_drop(pack);
        }
        free(s);
        return status;
    }
    *out = s;
    tell(s, LAC_CONTROL_CURRENT, "configured");
    return LAC_OK;
}

void lac_control_state_close(struct lac_control_state *s)
{
    if (!s)
        return;
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        lac_control_pack_drop(s->slots[i].pack);
    lac_control_assembly_deinit(&s->assembly);
    free(s);
}

const struct lac_control_pack *lac_control_state_pack(const struct lac_control_state *s,
                                                      enum lac_control_role role)
{
    return s->slots[role].pack;
}

bool lac_control_state_expired(const struct lac_control_state *s)
{
    return s->slots[LAC_CONTROL_CURRENT].expired;
}

/* ---- records ---- */

/* Versions of a role that are over: its own, and for the others those of the current pack too. */
static int64_t floor_of(const struct lac_control_state *s, enum lac_control_role role)
{
    int64_t own = s->slots[role].version, current = s->slots[LAC_CONTROL_CURRENT].version;

    return own > current ? own : role == LAC_CONTROL_CURRENT ? own : current;
}

void lac_control_state_malformed(struct lac_control_state *s, const char *text)
{
    static const struct lac_hash256 unknown;

    refuse(s, LAC_CONTROL_MALFORMED, LAC_CONTROL_CURRENT, 0, &unknown, text);
}

/* A record of what counts already says nothing new. */
static bool repeats(const struct slot *slot, const struct lac_control *r)
{
    return slot->version == r->version && memcmp(&slot->hash, &r->hash, sizeof(slot->hash)) == 0;
}

void lac_control_state_feed(struct lac_control_state *s, const struct lac_control *r, bool past)
{
    enum lac_control_refusal why = LAC_CONTROL_MALFORMED;
    enum lac_control_role role = LAC_CONTROL_CURRENT;
    enum lac_status status;
    struct lac_err err;
    bool verified;

    if (lac_str_is(r->kind, "pack") && lac_control_name_ok(r->name) &&
        !lac_str_is(r->name, s->o.name))
        return; /* somebody else's */
    status = lac_control_check(r, &err);
    if (status == LAC_OK) {
        (void)!lac_control_role_parse(r->role, &role);
        status = lac_control_trust(s->o.signers, r, &verified, &why, &err);
    }
    if (status == LAC_OK && r->version <= floor_of(s, role)) {
        if (past || repeats(&s->slots[role], r))
            return;
        why = LAC_CONTROL_OLD;
        status =
            lac_err_set(&err, LAC_REJECT, 0, "control: version %" PRId64 " is over", r->version);
    }
    if (status == LAC_OK)
        status = lac_control_assembly_add(&s->assembly, r, verified, &err);
    if (status == LAC_OK)
        return;
    if (status == LAC_AGAIN || status == LAC_FATAL)
        why = LAC_CONTROL_NO_ROOM;
    refuse(s, why, role, r->version, &r->hash, err.text);
}

/* ---- taking ---- */

static enum lac_status open_pack(struct lac_control_pack **out, const struct lac_control_offer *o,
                                 enum lac_control_refusal *why, struct lac_err *err)
{
    struct lac_pack *pack = NULL;
    struct lac_buf content;
    enum lac_status status;

    lac_buf_init(&content, LAC_PACK_BYTES_MAX);
    *why = LAC_CONTROL_DIGEST;
    status = lac_control_offer_content(o, &content, err);
    if (status == LAC_OK) {
        *why = LAC_CONTROL_BROKEN;
        status = lac_pack_open_bytes(&pack, lac_buf_str(&content), err);
    }
    lac_buf_deinit(&content);
    if (status == LAC_OK && o->has_pack &&
        memcmp(lac_pack_hash(pack), &o->pack, sizeof(o->pack)) != 0)
        status = lac_err_set(err, LAC_REJECT, 0, "control: it is another pack than was announced");
    if (status == LAC_OK)
        status = lac_control_pack_new(out, pack, err);
    if (status != LAC_OK) {
        lac_pack_close(pack);
        return status;
    }
    (*out)->version = o->version;
    (*out)->verified = o->verified;
    memcpy((*out)->signer, o->signer, sizeof(o->signer));
    return LAC_OK;
}

/* Lets go of what is over, which publish() has left out already. */
static void supersede(struct lac_control_state *s)
{
    for (int i = LAC_CONTROL_CURRENT + 1; i < LAC_CONTROL_ROLE_COUNT; i++) {
        struct slot *slot = &s->slots[i];

        if (!slot->pack || !is_over(s, i))
            continue;
        lac_control_pack_drop(slot->pack);
        slot->pack = NULL;
        tell(s, (enum lac_control_role)i, "superseded");
    }
}

static void fill_slot(struct slot *slot, const struct lac_control_offer *o,
                      struct lac_control_pack *pack)
{
    lac_control_pack_drop(slot->pack);
    *slot = (struct slot){
        .pack = pack,
        .hash = o->hash,
        .version = o->version,
        .share = o->share,
        .has_expires = o->has_expires,
        .expires = o->expires,
    };
}

/* Puts the offer in force and forgets it; what does not lie in the cache is stored there. OK;
 * REJECT: refused, and said so; FATAL: no memory. */
static enum lac_status take(struct lac_control_state *s, struct lac_control_offer *o, bool cached,
                            struct lac_err *err)
{
    enum lac_control_role role = o->role;
    enum lac_control_refusal why;
    struct lac_control_pack *pack = NULL;
    struct slot before = s->slots[role];
    bool withdraws = o->size == 0;
    enum lac_status status = withdraws ? LAC_OK : open_pack(&pack, o, &why, err);

    if (status == LAC_REJECT) {
        refuse(s, why, role, o->version, &o->hash, err->text);
        lac_control_assembly_drop(&s->assembly, o);
        return LAC_REJECT;
    }
    if (status != LAC_OK)
        return status;
    if (pack)
        tell_opened(s, role, pack->pack);
    if (before.pack)
        before.pack->refs++; /* until nothing can fail any more */
    fill_slot(&s->slots[role], o, pack);
    status = publish(s, err);
    if (status != LAC_OK) {
        lac_control_pack_drop(pack);
        s->slots[role] = before;
        return status;
    }
    lac_control_pack_drop(before.pack);
    if (pack || before.pack)
        tell(s, role, withdraws ? "withdrawn" : cached ? "cached" : "pushed");
    if (s->o.cache && !cached && lac_control_cache_store(s->o.cache, o, err) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "pack_not_cached", err);
    lac_control_assembly_drop_until(&s->assembly, role, o->version);
    return LAC_OK;
}

static enum lac_status settle_role(struct lac_control_state *s, enum lac_control_role role,
                                   int64_t now_ms, int64_t latest_ms, struct lac_err *err)
{
    struct lac_control_offer *o;

    while ((o = lac_control_assembly_best(&s->assembly, role, floor_of(s, role), now_ms))) {
        if (o->has_expires && o->expires <= latest_ms) {
            refuse(s, LAC_CONTROL_EXPIRED, role, o->version, &o->hash,
                   "control: it is past its time");
            lac_control_assembly_drop(&s->assembly, o);
            continue;
        }
        if (take(s, o, false, err) == LAC_FATAL)
            return LAC_FATAL;
    }
    return LAC_OK;
}

/* Time passes for what counts, too. */
static bool expire(struct lac_control_state *s, int64_t now_ms)
{
    bool changed = false;

    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
        struct slot *slot = &s->slots[i];

        if (!slot->pack || !slot->has_expires || slot->expired || slot->expires > now_ms)
            continue;
        slot->expired = true;
        if (i == LAC_CONTROL_CURRENT) {
            refuse(s, LAC_CONTROL_EXPIRED, LAC_CONTROL_CURRENT, slot->version, &slot->hash,
                   "control: the current pack is past its time and counts until another one comes");
            continue;
        }
        lac_control_pack_drop(slot->pack);
        slot->pack = NULL;
        tell(s, (enum lac_control_role)i, "expired");
        changed = true;
    }
    return changed;
}

enum lac_status lac_control_state_settle(struct lac_control_state *s, int64_t now_ms,
                                         int64_t latest_ms, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (int i = 0; status == LAC_OK && i < LAC_CONTROL_ROLE_COUNT; i++) {
        status = settle_role(s, (enum lac_control_role)i, now_ms, latest_ms, err);
        if (i == LAC_CONTROL_CURRENT)
            supersede(s);
    }
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        lac_control_assembly_drop_until(&s->assembly, (enum lac_control_role)i,
                                        floor_of(s, (enum lac_control_role)i));
    if (expire(s, latest_ms) && status == LAC_OK)
        status = publish(s, err);
    return status;
}

/* ---- the cache ---- */

struct loading {
    struct lac_control_state *s;
    enum lac_control_role role;
    bool found;
};

static enum lac_status take_cached(void *ctx, const struct lac_control *r, bool last)
{
    struct loading *l = ctx;
    struct lac_control_state *s = l->s;
    struct lac_control_offer *o;
    enum lac_status status;
    struct lac_err err;

    lac_control_state_feed(s, r, true);
    if (!last)
        return LAC_OK;
    /* What was taken in its time counts after it, too: see the header. Its start is past. */
    o = lac_control_assembly_best(&s->assembly, l->role, floor_of(s, l->role), INT64_MAX);
    status = o ? take(s, o, true, &err) : LAC_REJECT;
    l->found |= status == LAC_OK;
    return l->found ? LAC_AGAIN : LAC_OK;
}

bool lac_control_state_load(struct lac_control_state *s, int64_t now_ms)
{
    bool found = false;
    struct lac_err err;

    for (int i = 0; s->o.cache && i < LAC_CONTROL_ROLE_COUNT; i++) {
        struct loading l = {.s = s, .role = (enum lac_control_role)i};

        lac_control_cache_load(s->o.cache, l.role, take_cached, &l);
        found |= i == LAC_CONTROL_CURRENT && l.found;
        /* A file that was refused may have left chunks; the topic brings them again. */
        lac_control_assembly_drop_until(&s->assembly, l.role, INT64_MAX);
    }
    if (expire(s, now_ms) && publish(s, &err) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "pack_not_ended", &err); /* the next settle() ends it */
    return found;
}
