/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_assembly - chunks of the control topic back into contents
 *
 * Chunks come in any order, more than once, or never. Everything is bounded: at most
 * LAC_CONTROL_OFFER_MAX contents are in the making, the complete ones of a role are thinned to the
 * newest LAC_CONTROL_COMPLETE_MAX, and all of them hold at most LAC_CONTROL_HELD_BYTES. Who must
 * give way is the lowest version. Records are kept as they came, so that a cache can store proof
 * and content in one.
 *
 * Knows nothing of signatures: whoever adds a record believes it.
 *
 * Thread: owner.
 */
#ifndef LAC_CONTROL_ASSEMBLY_H
#define LAC_CONTROL_ASSEMBLY_H

#include "lac_control_record.h"

enum {
    LAC_CONTROL_OFFER_MAX = 16,
    LAC_CONTROL_COMPLETE_MAX = 3,       /* of a role, and as many again that wait for their time */
    LAC_CONTROL_HELD_BYTES = 512 << 20, /* of all that is held */
};

struct lac_control_chunk {
    char *record; /* owned: the record, encoded; NULL: not here yet */
    size_t record_size;
    struct lac_str content; /* within it */
};

/* A content in the making, or a complete one. */
struct lac_control_offer {
    bool used;
    enum lac_control_role role;
    int64_t version;
    struct lac_hash256 hash; /* of the content */
    bool has_pack;
    struct lac_hash256 pack;
    int64_t size;
    int32_t share; /* ppm */
    bool has_activation, has_expires;
    int64_t activation, expires;   /* ms since 1970 */
    char signer[LAC_SIGN_ID_SIZE]; /* "": unsigned */
    bool verified;                 /* a configured signer stands behind every chunk */
    int32_t chunk_count, chunks_here;
    struct lac_control_chunk *chunks; /* owned: [chunk_count] */
    size_t held;                      /* bytes of all that is owned */
};

struct lac_control_assembly {
    struct lac_control_offer offers[LAC_CONTROL_OFFER_MAX];
    size_t held;
};

/* Frees everything. Safe on zeroes. */
void lac_control_assembly_deinit(struct lac_control_assembly *a);

/*
 * Adds a record that lac_control_check() took; its bytes are copied. OK: taken, or known already.
 * AGAIN: there is no room, and what is held has higher versions. REJECT: it contradicts another
 * chunk of the same content. FATAL: no memory.
 */
enum lac_status lac_control_assembly_add(struct lac_control_assembly *a,
                                         const struct lac_control *r, bool verified,
                                         struct lac_err *err) LAC_MUST_USE;

/* The complete offer of the role with the highest version above `above` whose time has come at
 * `now_ms`, or NULL. */
struct lac_control_offer *lac_control_assembly_best(struct lac_control_assembly *a,
                                                    enum lac_control_role role, int64_t above,
                                                    int64_t now_ms);

/* Forgets one offer. */
void lac_control_assembly_drop(struct lac_control_assembly *a, struct lac_control_offer *o);

/* Forgets all offers of the role up to the version. */
void lac_control_assembly_drop_until(struct lac_control_assembly *a, enum lac_control_role role,
                                     int64_t version);

static inline bool lac_control_offer_complete(const struct lac_control_offer *o)
{
    return o->used && o->chunks_here == o->chunk_count;
}

/* Appends the content of a complete offer. REJECT: it is not what its hash says. FATAL: no
 * memory. */
enum lac_status lac_control_offer_content(const struct lac_control_offer *o, struct lac_buf *out,
                                          struct lac_err *err) LAC_MUST_USE;

#endif
