/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as records of the control topic, and as a cached pack. The first byte says which; the
 * topic's records stand behind two bytes of length each. Nothing is signed, and nothing needs to
 * be: what comes in must be kept within bounds, or refused with a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_control_state.h"
#include "lac_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1000 };

static const struct lac_control_signers nobody;
static struct lac_control_packs *packs;
static size_t refusals;

static void refused(void *ctx, enum lac_control_refusal why, enum lac_control_role role,
                    int64_t version, const char *text)
{
    (void)ctx;
    (void)version;
    LAC_ASSERT(why < LAC_CONTROL_REFUSAL_COUNT && role < LAC_CONTROL_ROLE_COUNT && text[0]);
    refusals++;
}

static struct lac_control_state *open_state(void)
{
    struct lac_control_state_options o = {
        .name = "default", .signers = &nobody, .events = {.refused = refused}};
    const struct lac_pack_file settings = {LAC_STR("pack.yaml"),
                                           LAC_STR("name: f\nversion: 1\nbase: builtin\n")};
    struct lac_control_state *s = NULL;
    struct lac_pack *fallback = NULL;
    struct lac_err err;

    LAC_ASSERT(lac_control_packs_new(&packs, &err) == LAC_OK);
    o.packs = packs;
    LAC_ASSERT(lac_pack_open_files(&fallback, &settings, 1, &err) == LAC_OK);
    LAC_ASSERT(lac_control_state_open(&s, &o, fallback, &err) == LAC_OK);
    return s;
}

/* The same signed statement is made of any record that the check took, within its bounds. */
static void try_statement(const struct lac_control *r)
{
    char text[LAC_CONTROL_STATEMENT_MAX], key[LAC_CONTROL_KEY_SIZE];
    struct lac_err err;

    if (lac_control_check(r, &err) != LAC_OK)
        return;
    LAC_ASSERT(lac_control_statement(text, r).len > 0);
    lac_control_key(key, r);
    LAC_ASSERT(strlen(key) < sizeof(key) - 1);
}

static void feed_records(struct lac_control_state *s, const uint8_t *data, size_t size)
{
    size_t at = 0;

    while (size - at >= 2) {
        size_t n = data[at] | (size_t)data[at + 1] << 8;
        struct lac_arena none = {0};
        struct lac_control r;
        struct lac_err err;

        at += 2;
        n = n < size - at ? n : size - at;
        if (lac_control_decode(&r, (struct lac_str){(const char *)data + at, n}, &none, &err) ==
            LAC_OK) {
            try_statement(&r);
            lac_control_state_feed(s, &r, at & 1);
        } else {
            lac_control_state_malformed(s, err.text);
        }
        at += n;
    }
}

static enum lac_status take_cached(void *ctx, const struct lac_control *r, bool last)
{
    (void)last;
    try_statement(r);
    lac_control_state_feed(ctx, r, true);
    return LAC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lac_control_state *s;
    struct lac_err err = {0};

    if (!s) /* opening the fallback takes a while; what one input leaves, the next one meets */
        s = open_state();
    if (size < 1)
        return 0;
    if (data[0] & 1) {
        struct lac_str file = {(const char *)data + 1, size - 1};

        if (lac_control_cache_parse(file, take_cached, s, &err) != LAC_OK)
            LAC_ASSERT(err.status == LAC_REJECT && err.text[0]);
    } else {
        feed_records(s, data + 1, size - 1);
    }
    LAC_ASSERT(lac_control_state_settle(s, NOW, NOW, &err) == LAC_OK);
    (void)lac_control_packs_reap(packs);
    LAC_ASSERT(lac_control_state_pack(s, LAC_CONTROL_CURRENT) != NULL);
    return 0;
}
