/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_pack_topic.h"

#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_topics.h"

enum { POLL_MS = 500, READ_MS = 60000 };

int lac_cli_pushes_init(struct lac_cli_pushes *p, const struct lac_tool *t)
{
    struct lac_err err;

    *p = (struct lac_cli_pushes){.name = lac_conf_text(t->conf, "pack.name")};
    lac_kafka_options_from_conf(&p->kafka, t->conf);
    if (!lac_control_name_ok(lac_str_from(p->name)))
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "pack.name: a-z, 0-9, '.', '_' and '-', at most 64 of them", NULL);
    if (!lac_topic_full_name(p->topic, lac_conf_text(t->conf, "kafka.topic_prefix"),
                             LAC_TOPIC_CONTROL))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "kafka.topic_prefix makes no legal topic name",
                             NULL);
    if (lac_control_signers_read(&p->signers, lac_conf_text(t->conf, "pack.signers"),
                                 lac_conf_bool(t->conf, "pack.require_signature"), &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, "Correct pack.signers.");
    p->at = calloc(LAC_CLI_PUSHES_MAX, sizeof(*p->at));
    return p->at ? -1 : lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
}

void lac_cli_pushes_deinit(struct lac_cli_pushes *p)
{
    free(p->at);
    p->at = NULL;
}

/* ---- reading ---- */

static struct lac_cli_push *find(struct lac_cli_pushes *p, const struct lac_control *r,
                                 enum lac_control_role role, enum lac_cli_trust trust)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->at[i].role == role && p->at[i].version == r->version && p->at[i].trust == trust &&
            memcmp(&p->at[i].hash, &r->hash, sizeof(r->hash)) == 0)
            return &p->at[i];
    if (p->count == LAC_CLI_PUSHES_MAX) { /* the oldest gives way */
        memmove(p->at, p->at + 1, (LAC_CLI_PUSHES_MAX - 1) * sizeof(*p->at));
        p->count--;
    }
    p->at[p->count] = (struct lac_cli_push){
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
        .trust = trust,
        .chunks = r->chunks,
    };
    return &p->at[p->count++];
}

static bool has_chunk(const struct lac_cli_push *p, int32_t chunk)
{
    return p->seen[chunk / 64] >> (chunk % 64) & 1;
}

/* A chunk that was deleted and that compaction has not removed yet. */
static void forget(struct lac_cli_pushes *p, struct lac_str key)
{
    char name[LAC_CONTROL_KEY_SIZE];
    struct lac_control r = {.kind = LAC_STR("pack"), .name = lac_str_from(p->name)};
    struct lac_str tail = key;
    uint64_t chunk;

    while (tail.len && tail.ptr[tail.len - 1] != '/')
        tail.len--;
    tail = lac_str_slice(key, tail.len, key.len);
    if (!lac_str_to_u64(tail, &chunk) || chunk >= LAC_CONTROL_CHUNK_MAX)
        return;
    r.chunk = (int32_t)chunk;
    for (size_t i = 0; i < p->count; i++) {
        struct lac_cli_push *one = &p->at[i];

        r.version = one->version;
        r.hash = one->hash;
        lac_control_key(name, &r);
        if (!lac_str_is(key, name) || !has_chunk(one, r.chunk))
            continue;
        one->seen[chunk / 64] &= ~(UINT64_C(1) << (chunk % 64));
        if (--one->here > 0)
            continue;
        memmove(one, one + 1, (p->count - i - 1) * sizeof(*one));
        p->count--;
        i--;
    }
}

static void note(struct lac_cli_pushes *p, const struct lac_control_read *one,
                 struct lac_control_assembly *keep, int64_t keep_version)
{
    const struct lac_control *r = &one->record;
    enum lac_cli_trust trust = LAC_CLI_TRUSTED;
    enum lac_control_refusal why = LAC_CONTROL_MALFORMED;
    enum lac_control_role role;
    struct lac_cli_push *push;
    struct lac_err err;
    bool verified, accepted;

    if (!lac_str_is(r->name, p->name) || !lac_str_is(r->kind, "pack"))
        return;
    if (lac_control_check(r, &err) != LAC_OK || !lac_control_role_parse(r->role, &role)) {
        p->malformed++;
        return;
    }
    accepted = lac_control_trust(&p->signers, r, &verified, &why, &err) == LAC_OK;
    if (!verified)
        trust = !r->signer.ptr                               ? LAC_CLI_UNSIGNED
                : lac_control_signer(&p->signers, r->signer) ? LAC_CLI_FORGED
                                                             : LAC_CLI_UNKNOWN_SIGNER;
    push = find(p, r, role, trust);
    push->accepted = accepted;
    if (r->signer.ptr && r->signer.len < sizeof(push->signer))
        memcpy(push->signer, r->signer.ptr, r->signer.len);
    push->here += !has_chunk(push, r->chunk);
    push->seen[r->chunk / 64] |= UINT64_C(1) << (r->chunk % 64);
    push->pushed_at = one->timestamp;
    if (keep && accepted && r->version == keep_version &&
        lac_control_assembly_add(keep, r, verified, &err) != LAC_OK)
        p->malformed++;
}

static int by_version(const void *a, const void *b)
{
    const struct lac_cli_push *x = a, *y = b;

    return x->version < y->version ? -1 : x->version > y->version;
}

enum lac_status lac_cli_pushes_read(struct lac_cli_pushes *p, struct lac_control_assembly *keep,
                                    int64_t keep_version, struct lac_err *err)
{
    uint64_t until = lac_clock_mono_ms() + READ_MS;
    struct lac_control_reader *reader;
    struct lac_control_read *one = malloc(sizeof(*one));
    enum lac_status status;

    if (!one)
        return lac_err_set(err, LAC_FATAL, 0, "out of memory");
    p->count = p->malformed = 0;
    status = lac_control_reader_open(&reader, &p->kafka, p->topic, err);
    p->no_topic = status == LAC_AGAIN;
    while (status == LAC_OK && !lac_control_reader_at_end(reader)) {
        status = lac_control_reader_next(reader, POLL_MS, one, err);
        if (status == LAC_OK && one->deleted)
            forget(p, one->key);
        else if (status == LAC_OK && one->malformed)
            p->malformed++;
        else if (status == LAC_OK)
            note(p, one, keep, keep_version);
        if (status == LAC_AGAIN || status == LAC_RETRY)
            status = LAC_OK; /* librdkafka keeps trying; so do we, for a while */
        if (status == LAC_OK && lac_clock_mono_ms() > until)
            status = lac_err_set(err, LAC_RETRY, 0, "%s could not be read to its end in %d s",
                                 p->topic, READ_MS / 1000);
    }
    lac_control_reader_close(reader);
    free(one);
    qsort(p->at, p->count, sizeof(*p->at), by_version);
    return p->no_topic ? LAC_OK : status;
}

/* ---- looking ---- */

int64_t lac_cli_pushes_version(const struct lac_cli_pushes *p)
{
    int64_t highest = 0;

    for (size_t i = 0; i < p->count; i++)
        if (p->at[i].accepted && p->at[i].version > highest)
            highest = p->at[i].version;
    return highest;
}

const struct lac_cli_push *lac_cli_pushes_active(const struct lac_cli_pushes *p,
                                                 enum lac_control_role role, int64_t now_ms)
{
    const struct lac_cli_push *current, *expired = NULL;

    for (size_t i = p->count; i-- > 0;) {
        const struct lac_cli_push *one = &p->at[i];

        if (one->role != role || !one->accepted || one->here < one->chunks ||
            (one->has_activation && one->activation > now_ms))
            continue;
        if (one->has_expires && one->expires <= now_ms) {
            if (!expired)
                expired = one;
            continue;
        }
        if (role == LAC_CONTROL_CURRENT)
            return expired ? expired : one; /* who had the newer one keeps it */
        current = lac_cli_pushes_active(p, LAC_CONTROL_CURRENT, now_ms);
        return one->share && (!current || one->version > current->version) ? one : NULL;
    }
    return role == LAC_CONTROL_CURRENT ? expired : NULL;
}
