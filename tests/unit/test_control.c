/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what counts is the newest pack that a configured signer stands behind, whatever the topic
 * brings and in whichever order; everything else is refused, and what counted before stays.
 */
#include "lac_control_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_fixture.h"
#include "lac_test.h"

enum { NOW = 1000000, HISTORIES = 150 };

static struct lac_err err;

struct fixture {
    struct lac_control_packs *packs;
    struct lac_control_state *state;
    size_t refused[LAC_CONTROL_REFUSAL_COUNT], swaps;
    int64_t last_current; /* version */
    bool went_down;
};

static void on_refused(void *ctx, enum lac_control_refusal why, enum lac_control_role role,
                       int64_t version, const char *text)
{
    struct fixture *f = ctx;

    (void)role;
    (void)version;
    CU_ASSERT(text[0] != '\0');
    f->refused[why]++;
}

static void on_swapped(void *ctx, enum lac_control_role role, const struct lac_control_pack *p,
                       const char *reason)
{
    struct fixture *f = ctx;

    (void)reason;
    f->swaps++;
    if (role != LAC_CONTROL_CURRENT)
        return;
    f->went_down |= p->version < f->last_current;
    f->last_current = p->version;
}

static void open_state(struct fixture *f, const struct lac_control_signers *signers,
                       const struct lac_control_cache *cache)
{
    struct lac_control_state_options o = {
        .name = "default",
        .signers = signers,
        .cache = cache,
        .events = {.ctx = f, .refused = on_refused, .swapped = on_swapped},
    };
    struct lac_pack *fallback = NULL;

    fixture_open();
    memset(f, 0, sizeof(*f));
    LAC_TEST_NEED(lac_control_packs_new(&f->packs, &err) == LAC_OK);
    o.packs = f->packs;
    LAC_TEST_NEED(lac_pack_open_bytes(&fallback, lac_buf_str(&fixture_packs[0]), &err) == LAC_OK);
    LAC_TEST_NEED(lac_control_state_open(&f->state, &o, fallback, &err) == LAC_OK);
}

static void close_state(struct fixture *f)
{
    CU_ASSERT(!f->went_down);
    lac_control_state_close(f->state);
    lac_control_packs_free(f->packs);
}

static int64_t version_of(const struct fixture *f, enum lac_control_role role)
{
    const struct lac_control_pack *p = lac_control_state_pack(f->state, role);

    return p ? p->version : -1;
}

static void settle(struct fixture *f, int64_t now)
{
    LAC_TEST_EQ(lac_control_state_settle(f->state, now, &err), LAC_OK);
}

/* All chunks of a push, signed with `key`. */
static void push(struct fixture *f, const struct lac_control *p, struct lac_str content,
                 const struct lac_sign_key *key)
{
    unsigned char signature[LAC_SIGN_SIZE];

    for (int32_t i = 0; i < p->chunks; i++) {
        struct lac_control r = fixture_chunk(p, content, i, key, signature);

        lac_control_state_feed(f->state, &r, false);
    }
}

static struct lac_str pack(size_t i)
{
    return lac_buf_str(&fixture_packs[i]);
}

static void push_pack(struct fixture *f, enum lac_control_role role, int64_t version, size_t i)
{
    struct lac_control p = fixture_push(role, version, pack(i));

    push(f, &p, pack(i), fixture_key);
    settle(f, NOW);
}

static void a_pushed_pack_counts_and_is_named(void)
{
    const struct lac_control_lineup *l, *held;
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    held = lac_control_packs_take(f.packs, NULL);
    LAC_TEST_EQ(held->at[LAC_CONTROL_CURRENT]->version, 0);
    push_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
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
    close_state(&f);
}

static void what_nobody_configured_stands_behind_is_refused(void)
{
    struct lac_control p;
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    push_pack(&f, LAC_CONTROL_CURRENT, 3, 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 4, pack(2));
    for (int i = 0; i < 2; i++) /* as after a reconnection: it is no other pack */
        push(&f, &p, pack(2), NULL);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_UNSIGNED], 1);
    push(&f, &p, pack(2), fixture_stranger);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_UNKNOWN_SIGNER], 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 4, pack(3)); /* another one under the same number */
    push(&f, &p, pack(3), fixture_stranger);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_UNKNOWN_SIGNER], 2);
    p.version = 3; /* what was taken, once more: nothing new and no attack */
    p = fixture_push(LAC_CONTROL_CURRENT, 3, pack(1));
    push(&f, &p, pack(1), fixture_key);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 0);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, pack(2));
    push(&f, &p, pack(2), fixture_key);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 1);
    settle(&f, NOW);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 3);
    close_state(&f);
}

/* Every part of the statement is covered: a record in which one was changed after signing. */
static void changed_records_are_refused(void)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    for (int change = 0; change < 9; change++) {
        /* A version for each: what is refused is told once for a version. */
        struct lac_control p = fixture_push(LAC_CONTROL_CANARY, 5 + 10 * change, pack(2)), r;
        char *content = malloc(pack(2).len + 1);

        LAC_TEST_NEED(content != NULL);
        memcpy(content, pack(2).ptr, pack(2).len);
        r = fixture_chunk(&p, (struct lac_str){content, pack(2).len}, 0, fixture_key, signature);
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
            r.expires = NOW + 5;
            break;
        default:
            signature[3] ^= 1;
            break;
        }
        lac_control_state_feed(f.state, &r, false);
        LAC_TEST_EQ(f.refused[LAC_CONTROL_BAD_SIGNATURE], change + 1);
        free(content);
    }
    settle(&f, NOW);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CANARY), -1);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_SHADOW), -1);
    close_state(&f);
}

static void signed_nonsense_is_refused_and_the_last_good_one_stays(void)
{
    struct lac_control p;
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    push_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, LAC_STR("no pack at all"));
    push(&f, &p, LAC_STR("no pack at all"), fixture_key);
    settle(&f, NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_BROKEN], 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 3, pack(2)); /* announces another pack than it brings */
    p.has_pack = true;
    p.pack = fixture_hashes[3];
    push(&f, &p, pack(2), fixture_key);
    settle(&f, NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_BROKEN], 2);
    p = fixture_push(LAC_CONTROL_CURRENT, 4, pack(2));
    p.hash.bytes[5] ^= 1; /* signed so */
    push(&f, &p, pack(2), fixture_key);
    settle(&f, NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_DIGEST], 1);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
    push_pack(&f, LAC_CONTROL_CURRENT, 5, 2);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 5);
    close_state(&f);
}

static void time_is_respected(void)
{
    struct lac_control p;
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    p = fixture_push(LAC_CONTROL_CURRENT, 1, pack(1));
    p.has_activation = p.has_expires = true;
    p.activation = NOW + 100;
    p.expires = NOW + 200;
    push(&f, &p, pack(1), fixture_key);
    settle(&f, NOW);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 0);
    settle(&f, NOW + 100);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
    CU_ASSERT(!lac_control_state_expired(f.state));
    settle(&f, NOW + 200); /* the last good one stays, and says what it is */
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
    CU_ASSERT(lac_control_state_expired(f.state));
    LAC_TEST_EQ(f.refused[LAC_CONTROL_EXPIRED], 1);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, pack(2));
    p.has_expires = true;
    p.expires = NOW + 300;
    push(&f, &p, pack(2), fixture_key);
    settle(&f, NOW + 300); /* too late to begin with */
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_EXPIRED], 2);
    p = fixture_push(LAC_CONTROL_SHADOW, 3, pack(3));
    p.has_expires = true;
    p.expires = NOW + 400;
    push(&f, &p, pack(3), fixture_key);
    settle(&f, NOW + 399);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_SHADOW), 3);
    settle(&f, NOW + 400);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_SHADOW), -1);
    close_state(&f);
}

static void a_canary_or_shadow_ends_by_withdrawal_or_a_newer_current_pack(void)
{
    const struct lac_control_lineup *l;
    struct lac_control p;
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    push_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
    push_pack(&f, LAC_CONTROL_SHADOW, 2, 2);
    push_pack(&f, LAC_CONTROL_CANARY, 3, 3);
    l = lac_control_packs_take(f.packs, NULL);
    LAC_TEST_EQ(l->at[LAC_CONTROL_SHADOW]->version, 2);
    LAC_TEST_EQ(l->at[LAC_CONTROL_CANARY]->version, 3);
    LAC_TEST_EQ(l->share[LAC_CONTROL_CANARY], LAC_CONTROL_SHARE_ALL / 2);
    p = fixture_push(LAC_CONTROL_SHADOW, 4, LAC_STR(""));
    push(&f, &p, LAC_STR(""), fixture_key);
    settle(&f, NOW);
    l = lac_control_packs_take(f.packs, l);
    CU_ASSERT_PTR_NULL(l->at[LAC_CONTROL_SHADOW]);
    CU_ASSERT_PTR_NOT_NULL(l->at[LAC_CONTROL_CANARY]);
    push_pack(&f, LAC_CONTROL_CURRENT, 5, 3);
    l = lac_control_packs_take(f.packs, l);
    CU_ASSERT_PTR_NULL(l->at[LAC_CONTROL_CANARY]);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CANARY), -1);
    push_pack(&f, LAC_CONTROL_CANARY, 4, 2); /* older than the current one: over before it began */
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 1);
    lac_control_packs_release(f.packs, l);
    close_state(&f);
}

static void records_that_can_not_be_are_refused(void)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct fixture f;
    size_t n = 12;

    open_state(&f, &fixture_signers, NULL);
    for (size_t i = 0; i < n; i++) {
        struct lac_control p = fixture_push(LAC_CONTROL_CURRENT, 1, pack(1));
        struct lac_control r = fixture_chunk(&p, pack(1), 0, fixture_key, signature);

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
    close_state(&f);
}

/* More pushes than are kept, none complete: the newest has room. */
static void what_is_kept_is_bounded(void)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct fixture f;

    open_state(&f, &fixture_signers, NULL);
    for (int64_t v = 1; v <= INT64_C(10) * LAC_CONTROL_OFFER_MAX; v++) {
        struct lac_control p = fixture_push(LAC_CONTROL_CURRENT, v, pack(1));
        struct lac_control r = fixture_chunk(&p, pack(1), 1, fixture_key, signature);

        lac_control_state_feed(f.state, &r, false);
    }
    push_pack(&f, LAC_CONTROL_CURRENT, INT64_C(10) * LAC_CONTROL_OFFER_MAX, 1);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), INT64_C(10) * LAC_CONTROL_OFFER_MAX);
    close_state(&f);
}

static void without_the_requirement_unsigned_packs_count_but_forged_ones_do_not(void)
{
    struct lac_control_signers signers = fixture_signers;
    unsigned char signature[LAC_SIGN_SIZE];
    struct lac_control p, r;
    struct fixture f;

    signers.required = false;
    open_state(&f, &signers, NULL);
    p = fixture_push(LAC_CONTROL_CURRENT, 1, pack(2));
    push(&f, &p, pack(2), NULL);
    settle(&f, NOW);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
    CU_ASSERT(!lac_control_state_pack(f.state, LAC_CONTROL_CURRENT)->verified);
    p = fixture_push(LAC_CONTROL_CURRENT, 2, pack(4));
    r = fixture_chunk(&p, pack(4), 0, fixture_key, signature);
    signature[0] ^= 1;
    lac_control_state_feed(f.state, &r, false);
    settle(&f, NOW);
    LAC_TEST_EQ(f.refused[LAC_CONTROL_BAD_SIGNATURE], 1);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
    close_state(&f);
}

/* ---- the cache ---- */

static void remove_folder(const char *path)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf %s", path);
    LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c): a path of mkdtemp() */
}

/* Root may list every folder: what nobody can list is a file. */
static void a_cache_that_cannot_be_listed_is_not_an_empty_one(void)
{
    char path[] = "/tmp/test_control.XXXXXX";
    struct lac_control_cache cache;
    int fd = mkstemp(path);

    LAC_TEST_NEED(fd >= 0);
    LAC_TEST_EQ(lac_control_cache_open(&cache, path, 2, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, path) && strstr(err.text, "pack.cache_dir"));
    close(fd);
    (void)unlink(path);
}

static void what_was_taken_is_there_after_a_restart(void)
{
    char path[] = "/tmp/test_control.XXXXXX", name[256], command[512];
    struct lac_control_signers strangers = {.required = true};
    struct lac_control_cache cache;
    struct lac_control p;
    struct fixture f;

    LAC_TEST_NEED(mkdtemp(path) != NULL);
    LAC_TEST_NEED(lac_control_cache_open(&cache, path, 2, &err) == LAC_OK);
    open_state(&f, &fixture_signers, &cache);
    CU_ASSERT(!lac_control_state_load(f.state, NOW));
    for (int64_t v = 1; v <= 4; v++)
        push_pack(&f, LAC_CONTROL_CURRENT, v, (size_t)v);
    push_pack(&f, LAC_CONTROL_CANARY, 6, 5);
    p = fixture_push(LAC_CONTROL_CURRENT, 5, pack(5));
    p.has_expires = true;
    p.expires = NOW + 10;
    push(&f, &p, pack(5), fixture_key);
    settle(&f, NOW);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 5);
    close_state(&f);

    /* Past its time: it counts all the same, as it did before the restart. */
    open_state(&f, &fixture_signers, &cache);
    CU_ASSERT(lac_control_state_load(f.state, NOW + 20));
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 5);
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CANARY), 6);
    CU_ASSERT(lac_control_state_expired(f.state));
    push_pack(&f, LAC_CONTROL_CURRENT, 4, 4); /* older than what it remembers */
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 1);
    close_state(&f);

    /* What lies there is not believed for lying there. */
    open_state(&f, &strangers, &cache);
    CU_ASSERT(!lac_control_state_load(f.state, NOW));
    CU_ASSERT(f.refused[LAC_CONTROL_UNKNOWN_SIGNER] > 0);
    close_state(&f);

    /* The newest is damaged: the one before it counts; older ones are not kept. */
    (void)snprintf(command, sizeof(command),
                   "cd %s && ls current-* | wc -l > count && truncate -s -1 current-5-*.control",
                   path);
    LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c) */
    open_state(&f, &fixture_signers, &cache);
    CU_ASSERT(lac_control_state_load(f.state, NOW));
    LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 4);
    close_state(&f);
    (void)snprintf(name, sizeof(name), "%s/count", path);
    {
        FILE *count = fopen(name, "re");
        char text[16] = "";

        LAC_TEST_NEED(count && fgets(text, sizeof(text), count));
        (void)fclose(count);
        LAC_TEST_EQ(text[0], '2');
    }
    remove_folder(path);
}

/* What a disk has spoiled is brought again by the topic: it is there at the next start. */
static void what_is_damaged_in_the_cache_is_stored_again(void)
{
    static const char *const damages[] = {"truncate -s -1", "truncate -s 0", "sed -i s/./x/1",
                                          "sed -i '$s/.$/x/'"};
    char path[] = "/tmp/test_control.XXXXXX", command[256];
    struct lac_control_cache cache;
    struct fixture f;

    LAC_TEST_NEED(mkdtemp(path) != NULL);
    LAC_TEST_NEED(lac_control_cache_open(&cache, path, 2, &err) == LAC_OK);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        lac_test_row("%s", damages[i]);
        open_state(&f, &fixture_signers, &cache);
        (void)lac_control_state_load(f.state, NOW);
        push_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
        close_state(&f);
        (void)snprintf(command, sizeof(command), "LC_ALL=C %s %s/current-1-*.control", damages[i],
                       path);
        LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c) */
        open_state(&f, &fixture_signers, &cache);
        CU_ASSERT(!lac_control_state_load(f.state, NOW));
        push_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
        LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
        close_state(&f);
        open_state(&f, &fixture_signers, &cache);
        CU_ASSERT(lac_control_state_load(f.state, NOW));
        LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), 1);
        close_state(&f);
    }
    remove_folder(path);
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

static void feed_event(struct fixture *f, const struct event *e)
{
    struct lac_str content = e->kind == BROKEN ? LAC_STR("broken") : pack(e->pack);
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
        chunks = e.kind == BROKEN ? 1 : fixture_push(e.role, v, pack(e.pack)).chunks;
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
        struct fixture f;

        lac_test_row("history %d", h);
        open_state(&f, &fixture_signers, NULL);
        for (size_t i = 0; i < n; i++) {
            feed_event(&f, &events[i]);
            if (lac_test_random(4) == 0)
                settle(&f, NOW);
        }
        settle(&f, NOW);
        LAC_TEST_EQ(version_of(&f, LAC_CONTROL_CURRENT), best[LAC_CONTROL_CURRENT]);
        for (int i = LAC_CONTROL_CURRENT + 1; i < LAC_CONTROL_ROLE_COUNT; i++)
            LAC_TEST_EQ(version_of(&f, (enum lac_control_role)i),
                        best[i] > best[LAC_CONTROL_CURRENT] ? best[i] : -1);
        close_state(&f);
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
              a_canary_or_shadow_ends_by_withdrawal_or_a_newer_current_pack,
              records_that_can_not_be_are_refused, what_is_kept_is_bounded,
              without_the_requirement_unsigned_packs_count_but_forged_ones_do_not,
              a_cache_that_cannot_be_listed_is_not_an_empty_one,
              what_was_taken_is_there_after_a_restart, what_is_damaged_in_the_cache_is_stored_again,
              any_history_ends_with_the_newest_good_pack,
              a_share_is_a_share_and_a_larger_one_holds_a_smaller_one)
