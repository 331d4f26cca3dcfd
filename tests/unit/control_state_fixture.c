/* SPDX-License-Identifier: Apache-2.0 */
#include "control_state_fixture.h"

#include <string.h>

#include "lac_test.h"

static struct lac_err err;

static void on_refused(void *ctx, enum lac_control_refusal why, enum lac_control_role role,
                       int64_t version, const char *text)
{
    struct fixture_state *f = ctx;

    (void)role;
    (void)version;
    CU_ASSERT(text[0] != '\0');
    f->refused[why]++;
}

static void on_swapped(void *ctx, enum lac_control_role role, const struct lac_control_pack *p,
                       const char *reason)
{
    struct fixture_state *f = ctx;

    (void)reason;
    f->swaps++;
    if (role != LAC_CONTROL_CURRENT)
        return;
    f->went_down |= p->version < f->last_current;
    f->last_current = p->version;
}

void fixture_state_open(struct fixture_state *f, const struct lac_control_signers *signers,
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

void fixture_state_close(struct fixture_state *f)
{
    CU_ASSERT(!f->went_down);
    lac_control_state_close(f->state);
    lac_control_packs_free(f->packs);
}

int64_t fixture_version_of(const struct fixture_state *f, enum lac_control_role role)
{
    const struct lac_control_pack *p = lac_control_state_pack(f->state, role);

    return p ? p->version : -1;
}

void fixture_settle(struct fixture_state *f, int64_t now)
{
    LAC_TEST_EQ(lac_control_state_settle(f->state, now, now, &err), LAC_OK);
}

void fixture_send(struct fixture_state *f, const struct lac_control *p, struct lac_str content,
                  const struct lac_sign_key *key)
{
    unsigned char signature[LAC_SIGN_SIZE];

    for (int32_t i = 0; i < p->chunks; i++) {
        struct lac_control r = fixture_chunk(p, content, i, key, signature);

        lac_control_state_feed(f->state, &r, false);
    }
}

struct lac_str fixture_pack(size_t i)
{
    return lac_buf_str(&fixture_packs[i]);
}

void fixture_send_pack(struct fixture_state *f, enum lac_control_role role, int64_t version,
                       size_t i)
{
    struct lac_control p = fixture_push(role, version, fixture_pack(i));

    fixture_send(f, &p, fixture_pack(i), fixture_key);
    fixture_settle(f, FIXTURE_NOW);
}
