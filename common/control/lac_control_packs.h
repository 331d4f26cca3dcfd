/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_packs - the packs in force, handed from the follower to the lanes
 *
 * A lineup is what counts at one moment: the current pack, and perhaps a canary and a shadow. It
 * is immutable. The follower makes one and publishes it by storing a pointer; a lane looks at that
 * pointer at the start of a batch, and only when it changed takes a lock for the three lines that
 * move its reference. A lane never frees: what nobody uses any more the follower closes, in its own
 * thread, as it is the one that opened it.
 *
 * Thread: lanes take and release; everything else is the follower's.
 */
#ifndef LAC_CONTROL_PACKS_H
#define LAC_CONTROL_PACKS_H

#include <stdatomic.h>

#include "lac_control_record.h"

/* An open pack and where it came from. Counted by the follower alone. */
struct lac_control_pack {
    struct lac_pack *pack;         /* owned */
    int64_t version;               /* of the control topic; 0: of the configuration */
    char signer[LAC_SIGN_ID_SIZE]; /* "": unsigned, or of the configuration */
    bool verified;
    size_t refs; /* lineups that name it, and the follower's own slots */
};

struct lac_control_lineup {
    struct lac_control_pack *at[LAC_CONTROL_ROLE_COUNT]; /* [CURRENT] never NULL */
    int32_t share[LAC_CONTROL_ROLE_COUNT];               /* ppm; of shadow and canary */
    atomic_uint refs;                /* lanes that hold it, and the one for being published */
    struct lac_control_lineup *next; /* retired ones */
};

struct lac_control_packs;

enum lac_status lac_control_packs_new(struct lac_control_packs **out,
                                      struct lac_err *err) LAC_MUST_USE;

/* Closes what is left. All lanes have released. Accepts NULL. */
void lac_control_packs_free(struct lac_control_packs *p);

/* Takes `pack` over on LAC_OK, with one reference. FATAL: no memory. */
enum lac_status lac_control_pack_new(struct lac_control_pack **out, struct lac_pack *pack,
                                     struct lac_err *err) LAC_MUST_USE;

/* Gives a reference back; the last one closes. Accepts NULL. */
void lac_control_pack_drop(struct lac_control_pack *p);

/* Makes the packs of `at` (borrowed; references are added) what counts from now on. FATAL: no
 * memory, and nothing changed. */
enum lac_status lac_control_packs_publish(struct lac_control_packs *p,
                                          struct lac_control_pack *const *at, const int32_t *share,
                                          struct lac_err *err) LAC_MUST_USE;

/* Wall time at which what counts was about to: no decision that began and ended before names it. */
int64_t lac_control_packs_published_us(const struct lac_control_packs *p);

/* Closes what no lane holds any more; returns how many retired lineups are still held. */
size_t lac_control_packs_reap(struct lac_control_packs *p);

/*
 * The lineup that counts now. `held` is what this lane holds (NULL: nothing); its reference is
 * given back when another one is returned. Between two calls, what was returned stays as it is.
 * Thread: lane.
 */
const struct lac_control_lineup *lac_control_packs_take(struct lac_control_packs *p,
                                                        const struct lac_control_lineup *held);

/* Gives the reference back. Accepts NULL. Thread: lane. */
void lac_control_packs_release(struct lac_control_packs *p, const struct lac_control_lineup *held);

/* Whether a key belongs to a share of the keys. The same key always lands in the same place, so a
 * larger share holds the smaller one. Thread: any. */
bool lac_control_share_has(int32_t share_ppm, const void *key, size_t len);

#endif
