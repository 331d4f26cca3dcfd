/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whoever follows packs hears of each change with its reason and of each refusal with its
 * role and version, in the order in which they happen, and of nothing else.
 */
#include "lac_control_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_fixture.h"
#include "lac_test.h"

enum { NOW = 1000000 };

static struct lac_err err;
static struct lac_control_packs *packs;
static struct lac_control_state *state;
static char told[1024];

static void note(const char *format, ...) LAC_PRINTF(1, 2);

static void note(const char *format, ...)
{
    size_t at = strlen(told);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(told + at, sizeof(told) - at, format, args);
    va_end(args);
}

static void on_refused(void *ctx, enum lac_control_refusal why, enum lac_control_role role,
                       int64_t version, const char *text)
{
    (void)ctx;
    CU_ASSERT(text[0] != '\0');
    note("%s %lld is refused: %s; ", lac_control_role_name(role), (long long)version,
         lac_control_refusal_name(why));
}

static void on_swapped(void *ctx, enum lac_control_role role, const struct lac_control_pack *p,
                       const char *reason)
{
    (void)ctx;
    note("%s is %lld: %s; ", lac_control_role_name(role), p ? (long long)p->version : -1, reason);
}

static void on_opened(void *ctx, enum lac_control_role role, const struct lac_pack *pack)
{
    (void)ctx;
    CU_ASSERT_PTR_NOT_NULL(pack);
    note("%s opens; ", lac_control_role_name(role));
}

/* What was told since the last time. */
static void heard(const char *want)
{
    LAC_TEST_STR(told, want);
    told[0] = '\0';
}

static void set_up_with(const struct lac_control_cache *cache)
{
    struct lac_control_state_options o = {
        .name = "default",
        .signers = &fixture_signers,
        .cache = cache,
        .events = {.refused = on_refused, .swapped = on_swapped, .opened = on_opened},
    };
    struct lac_pack *fallback = NULL;

    fixture_open();
    LAC_TEST_NEED(lac_control_packs_new(&packs, &err) == LAC_OK);
    o.packs = packs;
    LAC_TEST_NEED(lac_pack_open_bytes(&fallback, lac_buf_str(&fixture_packs[0]), &err) == LAC_OK);
    LAC_TEST_NEED(lac_control_state_open(&state, &o, fallback, &err) == LAC_OK);
    heard("current opens; current is 0: configured; ");
}

static void set_up(void)
{
    set_up_with(NULL);
}

static void tear_down(void)
{
    lac_control_state_close(state);
    lac_control_packs_free(packs);
}

static struct lac_str pack(size_t i)
{
    return lac_buf_str(&fixture_packs[i]);
}

/* The packs with even numbers are one chunk. */
static void feed(const struct lac_control *p, struct lac_str content, bool past)
{
    unsigned char signature[LAC_SIGN_SIZE];
    struct lac_control r = fixture_chunk(p, content, 0, fixture_key, signature);

    lac_control_state_feed(state, &r, past);
}

static void push(enum lac_control_role role, int64_t version, struct lac_str content)
{
    struct lac_control p = fixture_push(role, version, content);

    feed(&p, content, false);
}

static void settle(int64_t now)
{
    LAC_TEST_EQ(lac_control_state_settle(state, now, now, &err), LAC_OK);
}

static void each_change_has_its_reason(void)
{
    struct lac_control p;

    set_up();
    push(LAC_CONTROL_SHADOW, 2, pack(2));
    heard("");
    settle(NOW);
    heard("shadow opens; shadow is 2: pushed; ");
    push(LAC_CONTROL_SHADOW, 3, LAC_STR(""));
    settle(NOW);
    heard("shadow is -1: withdrawn; ");
    push(LAC_CONTROL_SHADOW, 4, LAC_STR("")); /* there is none: nothing changes */
    settle(NOW);
    heard("");
    push(LAC_CONTROL_CANARY, 5, pack(4));
    settle(NOW);
    heard("canary opens; canary is 5: pushed; ");
    push(LAC_CONTROL_CURRENT, 5, pack(6)); /* a version is one over all roles */
    settle(NOW);
    heard("current opens; current is 5: pushed; canary is -1: superseded; ");
    p = fixture_push(LAC_CONTROL_CANARY, 6, pack(2));
    p.has_expires = true;
    p.expires = NOW + 10;
    feed(&p, pack(2), false);
    settle(NOW + 9);
    heard("canary opens; canary is 6: pushed; ");
    settle(NOW + 10);
    heard("canary is -1: expired; ");
    settle(NOW + 11);
    heard("");
    tear_down();
}

/* The version that lanes would ask as canary from now on; -1: none. */
static int64_t canary(void)
{
    const struct lac_control_lineup *l = lac_control_packs_take(packs, NULL);
    const struct lac_control_pack *p = l->at[LAC_CONTROL_CANARY];
    int64_t version = p ? p->version : -1;

    lac_control_packs_release(packs, l);
    return version;
}

static void push_for_ten(int64_t version)
{
    struct lac_control p = fixture_push(LAC_CONTROL_CANARY, version, pack(2));

    p.has_expires = true;
    p.expires = NOW + 10;
    feed(&p, pack(2), false);
    settle(NOW);
    heard("canary opens; canary is 1: pushed; ");
    LAC_TEST_EQ(canary(), 1);
}

static void what_expired_decides_nothing_any_more(void)
{
    set_up();
    push_for_ten(1);
    settle(NOW + 10);
    heard("canary is -1: expired; ");
    LAC_TEST_EQ(canary(), -1);
    tear_down();
}

static void what_expired_while_nobody_ran_does_not_come_back(void)
{
    char path[] = "/tmp/test_control.XXXXXX", command[64];
    struct lac_control_cache cache;

    LAC_TEST_NEED(mkdtemp(path) != NULL);
    LAC_TEST_NEED(lac_control_cache_open(&cache, path, 2, &err) == LAC_OK);
    set_up_with(&cache);
    push_for_ten(1);
    tear_down();
    for (int past = 0; past < 2; past++) {
        lac_test_row("%s its time", past ? "past" : "in");
        set_up_with(&cache);
        CU_ASSERT(!lac_control_state_load(state, NOW + 9 + past)); /* there is no current one */
        heard(past ? "canary opens; canary is 1: cached; canary is -1: expired; "
                   : "canary opens; canary is 1: cached; ");
        LAC_TEST_EQ(canary(), past ? -1 : 1);
        tear_down();
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", path);
    LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c): a path of mkdtemp() */
}

static void each_refusal_has_its_role_and_version(void)
{
    set_up();
    push(LAC_CONTROL_CURRENT, 3, pack(2));
    push(LAC_CONTROL_SHADOW, 5, pack(4));
    settle(NOW);
    heard("current opens; current is 3: pushed; shadow opens; shadow is 5: pushed; ");
    push(LAC_CONTROL_CURRENT, 3, pack(2)); /* says nothing new */
    push(LAC_CONTROL_SHADOW, 5, pack(4));
    heard("");
    push(LAC_CONTROL_CURRENT, 3, pack(4)); /* another content under a version that is taken */
    heard("current 3 is refused: old; ");
    push(LAC_CONTROL_CURRENT, 2, pack(2)); /* the same content under an older one */
    heard("current 2 is refused: old; ");
    push(LAC_CONTROL_SHADOW, 4, pack(2)); /* newer than the current one, and older than its own */
    heard("shadow 4 is refused: old; ");
    push(LAC_CONTROL_CANARY, 3, pack(2)); /* the first of its role, and not newer */
    heard("canary 3 is refused: old; ");
    lac_control_state_malformed(state, "no record at all");
    heard("current 0 is refused: malformed; ");
    settle(NOW);
    heard("");
    tear_down();
}

/* Old versions that lie on the topic are its history. */
static void the_past_is_no_attack(void)
{
    struct lac_control p;

    set_up();
    push(LAC_CONTROL_CURRENT, 3, pack(2));
    settle(NOW);
    heard("current opens; current is 3: pushed; ");
    p = fixture_push(LAC_CONTROL_CURRENT, 2, pack(4));
    feed(&p, pack(4), true);
    p.version = 3;
    feed(&p, pack(4), true);
    settle(NOW);
    heard("");
    tear_down();
}

static void what_has_no_room_is_said(void)
{
    struct lac_control p;

    set_up();
    for (int64_t v = 1; v <= LAC_CONTROL_OFFER_MAX; v++) {
        p = fixture_push(LAC_CONTROL_CURRENT, 100 + v, pack(1)); /* two chunks are missing */
        feed(&p, pack(1), false);
    }
    heard("");
    push(LAC_CONTROL_CURRENT, 100, pack(2));
    heard("current 100 is refused: no_room; ");
    push(LAC_CONTROL_CURRENT, 200, pack(2));
    settle(NOW);
    heard("current opens; current is 200: pushed; ");
    tear_down();
    fixture_close(); /* the last test */
}

LAC_TEST_MAIN(control_told, each_change_has_its_reason, each_refusal_has_its_role_and_version,
              what_expired_decides_nothing_any_more,
              what_expired_while_nobody_ran_does_not_come_back, the_past_is_no_attack,
              what_has_no_room_is_said)
