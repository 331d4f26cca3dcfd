/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what counts is the newest pack that a configured signer stands behind, whatever the topic
 * brings and in whichever order; everything else is refused, and what counted before stays.
 */
#include "lac_control_state.h"

#include <stdlib.h>
#include <string.h>

#include "control_state_fixture.h"
#include "lac_test.h"

enum { HISTORIES = 150 };

static void a_pushed_pack_counts_and_is_named(void)
{
    const struct lac_control_lineup *l, *held;
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    held = lac_control_packs_take(f.packs, NULL);
    LAC_TEST_EQ(held->at[LAC_CONTROL_CURRENT]->version, 0);
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    LAC_TEST_EQ(lac_control_packs_reap(f.packs), 1); /* the batch in hand keeps what it has */
    LAC_TEST_EQ(held->at[LAC_CONTROL_CURRENT]->version, 0);
    CU_ASSERT(memcmp(lac_pack_hash(held->at[LAC_CONTROL_CURRENT]->pack), &fixture_hashes[0], 32) ==
              0);
    l = lac_control_packs_take(f.packs, held);
    LAC_TEST_EQ(lac_control_packs_reap(f.packs), 0);
    CU_ASSERT(memcmp(lac_pack_hash(l->at[LAC_CONTROL_CURRENT]->pack), &fixture_hashes[1], 32) == 0);
    LAC_TEST_STR(l->at[LAC_CONTROL_CURRENT]->signer, lac_sign_key_public(fixture_key)->id);
    CU_ASSERT(lac_control_packs_take(f.packs, l) == l);
    lac_control_packs_release(f.packs, l);
    fixture_state_close(&f);
}

static void what_nobody_configured_stands_behind_is_refused(void)
{
    struct lac_control p;
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 3, 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 4, fixture_pack(2));
    for (int i = 0; i < 2; i++) /* as after a reconnection: it is no other pack */
        fixture_send(&f, &p, fixture_pack(2), NULL);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_UNSIGNED], 1);
    fixture_send(&f, &p, fixture_pack(2), fixture_stranger);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_UNKNOWN_SIGNER], 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 4,
                     fixture_pack(3)); /* another one under the same number */
    fixture_send(&f, &p, fixture_pack(3), fixture_stranger);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_UNKNOWN_SIGNER], 2);
    p.version = 3; /* what was taken, once more: nothing new and no attack */
    p = fixture_push(LAC_CONTROL_CURRENT, 3, fixture_pack(1));
    fixture_send(&f, &p, fixture_pack(1), fixture_key);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 0);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, fixture_pack(2));
    fixture_send(&f, &p, fixture_pack(2), fixture_key);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 1);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 3);
    fixture_state_close(&f);
}

/* Every part of the statement is covered: a record in which one was changed after signing. */
static void changed_records_are_refused(void)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    for (int change = 0; change < 9; change++) {
        /* A version for each: what is refused is told once for a version. */
        struct lac_control p = fixture_push(LAC_CONTROL_CANARY, 5 + 10 * change, fixture_pack(2)),
                           r;
        char *content = malloc(fixture_pack(2).len + 1);

        LAC_TEST_NEED(content != NULL);
        memcpy(content, fixture_pack(2).ptr, fixture_pack(2).len);
        r = fixture_chunk(&p, (struct lac_str){content, fixture_pack(2).len}, 0, fixture_key,
                          signature);
        lac_test_row("change %d", change);
        switch (change) {
        case 0:
            content[100] ^= 1;
            break;
        case 1:
            r.version++;
            break;
        case 2:
            r.role = LAC_STR("shadow");
            break;
        case 3:
            r.share = 1000;
            break;
        case 4:
            r.hash.bytes[0] ^= 1;
            break;
        case 5:
            r.has_pack = true;
            break;
        case 6:
            r.has_activation = true;
            r.activation = 1;
            break;
        case 7:
            r.has_expires = true;
            r.expires = FIXTURE_NOW + 5;
            break;
        default:
            signature[3] ^= 1;
            break;
        }
        lac_control_state_feed(f.state, &r, false);
        LAC_TEST_EQ(f.refused[LAC_CONTROL_BAD_SIGNATURE], change + 1);
        free(content);
    }
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CANARY), -1);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_SHADOW), -1);
    fixture_state_close(&f);
}

static void signed_nonsense_is_refused_and_the_last_good_one_stays(void)
{
    struct lac_control p;
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, LAC_STR("no pack at all"));
    fixture_send(&f, &p, LAC_STR("no pack at all"), fixture_key);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_BROKEN], 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 3,
                     fixture_pack(2)); /* announces another pack than it brings */
    p.has_pack = true;
    p.pack = fixture_hashes[3];
    fixture_send(&f, &p, fixture_pack(2), fixture_key);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_BROKEN], 2);
    p = fixture_push(LAC_CONTROL_CURRENT, 4, fixture_pack(2));
    p.hash.bytes[5] ^= 1; /* signed so */
    fixture_send(&f, &p, fixture_pack(2), fixture_key);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_DIGEST], 1);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 5, 2);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 5);
    fixture_state_close(&f);
}

static void time_is_respected(void)
{
    struct lac_control p;
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    p = fixture_push(LAC_CONTROL_CURRENT, 1, fixture_pack(1));
    p.has_activation = p.has_expires = true;
    p.activation = FIXTURE_NOW + 100;
    p.expires = FIXTURE_NOW + 200;
    fixture_send(&f, &p, fixture_pack(1), fixture_key);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 0);
    fixture_settle(&f, FIXTURE_NOW + 100);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    CU_ASSERT(!lac_control_state_expired(f.state));
    fixture_settle(&f, FIXTURE_NOW + 200); /* the last good one stays, and says what it is */
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    CU_ASSERT(lac_control_state_expired(f.state));
    LAC_TEST_EQ(f.refused[LAC_CONTROL_EXPIRED], 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, fixture_pack(2));
    p.has_expires = true;
    p.expires = FIXTURE_NOW + 300;
    fixture_send(&f, &p, fixture_pack(2), fixture_key);
    fixture_settle(&f, FIXTURE_NOW + 300); /* too late to begin with */
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_EXPIRED], 2);
    p = fixture_push(LAC_CONTROL_SHADOW, 3, fixture_pack(3));
    p.has_expires = true;
    p.expires = FIXTURE_NOW + 400;
    fixture_send(&f, &p, fixture_pack(3), fixture_key);
    fixture_settle(&f, FIXTURE_NOW + 399);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_SHADOW), 3);
    fixture_settle(&f, FIXTURE_NOW + 400);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_SHADOW), -1);
    fixture_state_close(&f);
}

/* What somebody else's clock says ends packs, and begins none. */
static void a_later_clock_ends_packs_only(void)
{
    struct lac_control p;
    struct fixture_state f;
    struct lac_err err;

    fixture_state_open(&f, &fixture_signers, NULL);
    p = fixture_push(LAC_CONTROL_CURRENT, 1, fixture_pack(1));
    p.has_activation = true;
    p.activation = FIXTURE_NOW + 100;
    fixture_send(&f, &p, fixture_pack(1), fixture_key);
    LAC_TEST_EQ(lac_control_state_settle(f.state, FIXTURE_NOW, FIXTURE_NOW + 100, &err), LAC_OK);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 0);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, fixture_pack(2));
    p.has_expires = true;
    p.expires = FIXTURE_NOW + 100;
    fixture_send(&f, &p, fixture_pack(2), fixture_key);
    LAC_TEST_EQ(lac_control_state_settle(f.state, FIXTURE_NOW, FIXTURE_NOW + 100, &err), LAC_OK);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 0);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_EXPIRED], 1);
    fixture_state_close(&f);
}

static void a_canary_or_shadow_ends_by_withdrawal_or_a_newer_current_pack(void)
{
    const struct lac_control_lineup *l;
    struct lac_control p;
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
    fixture_send_pack(&f, LAC_CONTROL_SHADOW, 2, 2);
    fixture_send_pack(&f, LAC_CONTROL_CANARY, 3, 3);
    l = lac_control_packs_take(f.packs, NULL);
    LAC_TEST_EQ(l->at[LAC_CONTROL_SHADOW]->version, 2);
    LAC_TEST_EQ(l->at[LAC_CONTROL_CANARY]->version, 3);
    LAC_TEST_EQ(l->share[LAC_CONTROL_CANARY], LAC_CONTROL_SHARE_ALL / 2);
    p = fixture_push(LAC_CONTROL_SHADOW, 4, LAC_STR(""));
    fixture_send(&f, &p, LAC_STR(""), fixture_key);
    fixture_settle(&f, FIXTURE_NOW);
    l = lac_control_packs_take(f.packs, l);
    CU_ASSERT_PTR_NULL(l->at[LAC_CONTROL_SHADOW]);
    CU_ASSERT_PTR_NOT_NULL(l->at[LAC_CONTROL_CANARY]);
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 5, 3);
    l = lac_control_packs_take(f.packs, l);
    CU_ASSERT_PTR_NULL(l->at[LAC_CONTROL_CANARY]);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CANARY), -1);
    fixture_send_pack(&f, LAC_CONTROL_CANARY, 4,
                      2); /* older than the current one: over before it began */
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 1);
    lac_control_packs_release(f.packs, l);
    fixture_state_close(&f);
}

static void records_that_can_not_be_are_refused(void)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct fixture_state f;
    size_t n = 12;

    fixture_state_open(&f, &fixture_signers, NULL);
    for (size_t i = 0; i < n; i++) {
        struct lac_control p = fixture_push(LAC_CONTROL_CURRENT, 1, fixture_pack(1));
        struct lac_control r = fixture_chunk(&p, fixture_pack(1), 0, fixture_key, signature);

        lac_test_row("%zu", i);
        switch (i) {
        case 0:
            r.kind = LAC_STR("signer");
            break;
        case 1:
            r.name = LAC_STR("De fault");
            break;
        case 2:
            r.role = LAC_STR("main");
            break;
        case 3:
            r.version = 0;
            break;
        case 4:
            r.share = 5;
            break;
        case 5:
            r.size = -1;
            break;
        case 6:
            r.size = INT64_MAX;
            break;
        case 7:
            r.chunks = 1 << 30;
            break;
        case 8:
            r.chunk = r.chunks;
            break;
        case 9:
            r.chunk = -1;
            break;
        case 10:
            r.content.len--;
            break;
        default:
            r.signer = LAC_STR_NULL;
            break;
        }
        lac_control_state_feed(f.state, &r, false);
        LAC_TEST_EQ(f.refused[LAC_CONTROL_MALFORMED], i + 1);
    }
    fixture_state_close(&f);
}

/* More pushes than are kept, none complete: the newest has room. */
static void what_is_kept_is_bounded(void)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct fixture_state f;

    fixture_state_open(&f, &fixture_signers, NULL);
    for (int64_t v = 1; v <= INT64_C(10) * LAC_CONTROL_OFFER_MAX; v++) {
        struct lac_control p = fixture_push(LAC_CONTROL_CURRENT, v, fixture_pack(1));
        struct lac_control r = fixture_chunk(&p, fixture_pack(1), 1, fixture_key, signature);

        lac_control_state_feed(f.state, &r, false);
    }
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, INT64_C(10) * LAC_CONTROL_OFFER_MAX, 1);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), INT64_C(10) * LAC_CONTROL_OFFER_MAX);
    fixture_state_close(&f);
}

static void without_the_requirement_unsigned_packs_count_but_forged_ones_do_not(void)
{
    struct lac_control_signers signers = fixture_signers;
    unsigned char signature[LAC_SIGN_SIZE];
    struct lac_control p, r;
    struct fixture_state f;

    signers.required = false;
    fixture_state_open(&f, &signers, NULL);
    p = fixture_push(LAC_CONTROL_CURRENT, 1, fixture_pack(2));
    fixture_send(&f, &p, fixture_pack(2), NULL);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    CU_ASSERT(!lac_control_state_pack(f.state, LAC_CONTROL_CURRENT)->verified);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, fixture_pack(4));
    r = fixture_chunk(&p, fixture_pack(4), 0, fixture_key, signature);
    signature[0] ^= 1;
    lac_control_state_feed(f.state, &r, false);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_BAD_SIGNATURE], 1);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
    fixture_state_close(&f);
}

/* ---- histories ---- */

enum kind { GOOD, FORGED, UNSIGNED, STRANGER, BROKEN, INCOMPLETE, KINDS };

struct event {
    int64_t version;
    enum lac_control_role role;
    enum kind kind;
    size_t pack;
    int32_t chunk;
};

static void feed_event(struct fixture_state *f, const struct event *e)
{
    struct lac_str content = e->kind == BROKEN ? LAC_STR("broken") : fixture_pack(e->pack);
    struct lac_control p = fixture_push(e->role, e->version, content), r;
    unsigned char signature[LAC_SIGN_SIZE];
    const struct lac_sign_key *key = fixture_key;

    if (e->kind == UNSIGNED || e->kind == STRANGER)
        key = e->kind == STRANGER ? fixture_stranger : NULL;
    r = fixture_chunk(&p, content, e->chunk, key, signature);
    if (e->kind == FORGED)
        signature[9] ^= 0x40;
    lac_control_state_feed(f->state, &r, false);
}

static size_t make_history(struct event *events, int64_t *best)
{
    size_t n = 0, broken = 0;

    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        best[i] = 0;
    for (int64_t v = 1; v <= 10; v++) {
        struct event e = {.version = v,
                          .role = (enum lac_control_role)lac_test_random(3),
                          .kind = (enum kind)lac_test_random(KINDS),
                          .pack = lac_test_random(FIXTURE_PACKS)};
        int32_t chunks;

        if (lac_test_random(2))
            e.kind = GOOD;
        if (e.kind == BROKEN && ++broken > 2)
            e.kind = FORGED;
        chunks = e.kind == BROKEN ? 1 : fixture_push(e.role, v, fixture_pack(e.pack)).chunks;
        for (e.chunk = e.kind == INCOMPLETE ? 1 : 0; e.chunk < chunks; e.chunk++)
            for (uint32_t times = 1 + lac_test_random(2); times > 0; times--)
                events[n++] = e;
        if (e.kind == GOOD)
            best[e.role] = v;
    }
    for (size_t i = n; i > 1; i--) { /* any order */
        size_t k = lac_test_random((uint32_t)i);
        struct event e = events[i - 1];

        events[i - 1] = events[k];
        events[k] = e;
    }
    return n;
}

static void any_history_ends_with_the_newest_good_pack(void)
{
    static struct event events[200];

    lac_test_seed();
    for (int h = 0; h < HISTORIES; h++) {
        int64_t best[LAC_CONTROL_ROLE_COUNT];
        size_t n = make_history(events, best);
        struct fixture_state f;

        lac_test_row("history %d", h);
        fixture_state_open(&f, &fixture_signers, NULL);
        for (size_t i = 0; i < n; i++) {
            feed_event(&f, &events[i]);
            if (lac_test_random(4) == 0)
                fixture_settle(&f, FIXTURE_NOW);
        }
        fixture_settle(&f, FIXTURE_NOW);
        LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), best[LAC_CONTROL_CURRENT]);
        for (int i = LAC_CONTROL_CURRENT + 1; i < LAC_CONTROL_ROLE_COUNT; i++)
            LAC_TEST_EQ(fixture_version_of(&f, (enum lac_control_role)i),
                        best[i] > best[LAC_CONTROL_CURRENT] ? best[i] : -1);
        fixture_state_close(&f);
    }
}

static void a_share_is_a_share_and_a_larger_one_holds_a_smaller_one(void)
{
    size_t small = 0, large = 0, outside = 0;

    for (int i = 0; i < 20000; i++) {
        bool in_small = lac_control_share_has(50000, &i, sizeof(i));
        bool in_large = lac_control_share_has(200000, &i, sizeof(i));

        small += in_small;
        large += in_large;
        outside += in_small && !in_large;
        CU_ASSERT(!lac_control_share_has(0, &i, sizeof(i)));
        CU_ASSERT(lac_control_share_has(LAC_CONTROL_SHARE_ALL, &i, sizeof(i)));
    }
    CU_ASSERT(small > 900 && small < 1100);
    CU_ASSERT(large > 3800 && large < 4200);
    LAC_TEST_EQ(outside, 0);
    fixture_close(); /* the last test */
}

LAC_TEST_MAIN(control, a_pushed_pack_counts_and_is_named,
              what_nobody_configured_stands_behind_is_refused, changed_records_are_refused,
              signed_nonsense_is_refused_and_the_last_good_one_stays, time_is_respected,
              a_later_clock_ends_packs_only,
              a_canary_or_shadow_ends_by_withdrawal_or_a_newer_current_pack,
              records_that_can_not_be_are_refused, what_is_kept_is_bounded,
              without_the_requirement_unsigned_packs_count_but_forged_ones_do_not,
              any_history_ends_with_the_newest_good_pack,
              a_share_is_a_share_and_a_larger_one_holds_a_smaller_one)
