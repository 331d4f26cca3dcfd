/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push, rollback and withdraw: what the whole fleet decides by, changed. Each reads the control
 * topic first and writes the next version in one transaction; whoever comes between makes it start
 * over, so no version is given twice.
 */
#include "lac_cli_pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_cli.h"
#include "lac_cli_pack_topic.h"
#include "lac_cli_stream.h"
#include "lac_clock.h"
#include "lac_pack.h"
#include "lac_progress.h"

enum { TRIES = 5, KEEP = 10, KEEP_MOST = 1000, DELETIONS_MAX = 16384 };

struct options {
    const char *key, *shadow, *canary, *not_before, *expires, *to;
    uint64_t version, keep;
};

/* What is to be pushed, and how. */
struct job {
    const struct lac_tool *t;
    const struct options *o;
    struct lac_cli_pushes pushes;
    struct lac_sign_key *key; /* NULL: unsigned */
    struct lac_control_push push;
    struct lac_buf content;
    struct lac_control_assembly assembly; /* of a rollback */
    char (*names)[LAC_CONTROL_KEY_SIZE];  /* of records to delete */
    const char **deletions;
};

/* ---- options ---- */

/* "5", "0.5" or "5%": ppm of 100. */
static bool parse_share(const char *text, int32_t *out)
{
    char *end = NULL;
    double v = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;

    if (!end || (strcmp(end, "") != 0 && strcmp(end, "%") != 0) || !(v > 0 && v <= 100))
        return false;
    *out = (int32_t)(v * 10000 + 0.5);
    return *out > 0;
}

/* "7d" is from now on; otherwise a time. */
static bool parse_time(const char *text, int64_t *out)
{
    struct lac_cli_from from;
    uint64_t ms;

    if (lac_args_duration(text, &ms) && ms < (uint64_t)INT64_MAX / 2) {
        *out = lac_clock_wall_ms() + (int64_t)ms;
        return true;
    }
    if (!lac_cli_from_parse(text, &from) || from.kind != LAC_CLI_TIME)
        return false;
    *out = from.number;
    return true;
}

static int read_times(struct job *j)
{
    static const char todo[] = "Times are 2026-11-21T05:33:00Z, or 30d from now.";
    struct lac_control *r = &j->push.record;

    if (j->o->not_before && !parse_time(j->o->not_before, &r->activation))
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, "--not-before is no time", todo);
    if (j->o->expires && !parse_time(j->o->expires, &r->expires))
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, "--expires is no time", todo);
    r->has_activation = j->o->not_before != NULL;
    r->has_expires = j->o->expires != NULL;
    if (r->has_expires &&
        (r->expires <= lac_clock_wall_ms() || (r->has_activation && r->expires <= r->activation)))
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, "it would be expired before it begins", NULL);
    return -1;
}

static int read_role(struct job *j)
{
    const char *share = j->o->shadow ? j->o->shadow : j->o->canary;
    struct lac_control *r = &j->push.record;

    if (j->o->shadow && j->o->canary)
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, "--shadow or --canary, not both",
                             "Push it twice: each is a version of its own.");
    if (share && !parse_share(share, &r->share))
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, "a share is a percentage above 0, up to 100",
                             "`lacuna pack withdraw` ends a shadow or canary.");
    r->role = lac_str_from(lac_control_role_name(j->o->shadow   ? LAC_CONTROL_SHADOW
                                                 : j->o->canary ? LAC_CONTROL_CANARY
                                                                : LAC_CONTROL_CURRENT));
    return -1;
}

static int read_key(struct job *j)
{
    struct lac_control_signers *s = &j->pushes.signers;
    const struct lac_sign_public *pub;
    struct lac_err err;

    if (!j->o->key) {
        if (!s->required)
            return -1;
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, "whose word is it? give --key KEY",
                             "`lacuna pack keygen DIR` makes one. Workers with "
                             "pack.require_signature = false take unsigned packs, too.");
    }
    if (lac_sign_key_read(&j->key, j->o->key, &err) != LAC_OK)
        return lac_tool_fail(j->t, LAC_EXIT_USAGE, err.text, NULL);
    pub = lac_sign_key_public(j->key);
    if (lac_control_signer(s, lac_str_from(pub->id)))
        return -1;
    if (s->count)
        lac_tool_warn(j->t, "this key (%s) is not in pack.signers here; workers may refuse it",
                      pub->id);
    if (s->count < LAC_CONTROL_SIGNERS_MAX)
        s->keys[s->count++] = *pub;
    return -1;
}

static int open_job(struct job *j, const struct lac_tool *t, const struct options *o)
{
    int status;

    *j = (struct job){.t = t, .o = o};
    lac_buf_init(&j->content, LAC_PACK_BYTES_MAX);
    lac_control_init(&j->push.record);
    status = lac_cli_pushes_init(&j->pushes, t);
    if (status < 0)
        status = read_key(j);
    if (status < 0)
        status = read_times(j);
    if (status < 0)
        status = read_role(j);
    if (status >= 0)
        return status;
    j->push.record.name = lac_str_from(j->pushes.name);
    j->push.key = j->key;
    j->names = calloc(DELETIONS_MAX, sizeof(*j->names));
    j->deletions = calloc(DELETIONS_MAX, sizeof(*j->deletions));
    return j->names && j->deletions ? -1
                                    : lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
}

static void close_job(struct job *j)
{
    lac_control_assembly_deinit(&j->assembly);
    lac_cli_pushes_deinit(&j->pushes);
    lac_sign_key_free(j->key);
    lac_buf_deinit(&j->content);
    free(j->names);
    free(j->deletions);
}

/* ---- pushing ---- */

static bool is_active(const struct job *j, const struct lac_cli_push *p)
{
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        if (lac_cli_pushes_active(&j->pushes, (enum lac_control_role)i, lac_clock_wall_ms()) == p)
            return true;
    return false;
}

/* Versions too old to go back to are deleted with the push, what is in force never. */
static void choose_deletions(struct job *j)
{
    size_t newer = 0;

    j->push.deletions = j->deletions;
    j->push.deletion_count = 0;
    for (size_t i = j->pushes.count; i-- > 0;) {
        const struct lac_cli_push *p = &j->pushes.at[i];
        struct lac_control r = {.kind = LAC_STR("pack"),
                                .name = j->push.record.name,
                                .version = p->version,
                                .hash = p->hash};

        if (++newer < j->o->keep || is_active(j, p))
            continue;
        for (r.chunk = 0; r.chunk < p->chunks; r.chunk++) {
            size_t n = j->push.deletion_count;

            if (n == DELETIONS_MAX)
                return; /* the next push goes on */
            lac_control_key(j->names[n], &r);
            j->deletions[n] = j->names[n];
            j->push.deletion_count++;
        }
    }
}

static int report(const struct job *j)
{
    const struct lac_control *r = &j->push.record;
    char hash[2 * LAC_PACK_HASH_SIZE + 1], size[LAC_PROGRESS_NUMBER_SIZE], share[32] = "";
    struct lac_buf b;
    int status;

    lac_hex_encode(hash, r->pack.bytes, sizeof(r->pack.bytes));
    if (r->share)
        snprintf(share, sizeof(share), " of %g %%", r->share / 10000.0);
    lac_buf_init(&b, 4096);
    lac_buf_printf(&b, "%s version %" PRId64 ", %.*s%s", j->pushes.name, r->version,
                   LAC_STR_FMT(r->role), share);
    if (r->has_pack)
        lac_buf_printf(&b, ", %s, hash %s", lac_progress_size(size, j->content.len), hash);
    lac_buf_printf(&b, ", %s%s\n", j->key ? "signed by " : "not signed",
                   j->key ? lac_sign_key_public(j->key)->id : "");
    status = lac_cli_flush(j->t, &b);
    lac_buf_deinit(&b);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int next_version(struct job *j)
{
    int64_t highest = lac_cli_pushes_version(&j->pushes);
    char what[160];

    if (j->pushes.no_topic)
        return lac_tool_fail(j->t, LAC_EXIT_DEPENDENCY, "there is no control topic",
                             "Run `lacuna topics create`.");
    if (highest == INT64_MAX)
        return lac_tool_fail(j->t, LAC_EXIT_FAILURE, "no version is left",
                             "Look who pushed the last one: `lacuna pack active`.");
    j->push.record.version = j->o->version ? (int64_t)j->o->version : highest + 1;
    if (j->push.record.version > highest)
        return -1;
    snprintf(what, sizeof(what), "version %" PRId64 " is there already: versions only go up",
             highest);
    return lac_tool_fail(j->t, LAC_EXIT_USAGE, what, "Leave --version out.");
}

/* `prepare` fills content and pack from what was read; -1 or the exit status. NULL: they are there
 * already. */
static int push_once(struct job *j, int (*prepare)(struct job *j), bool *again)
{
    struct lac_control_writer *w;
    struct lac_err err;
    enum lac_status status;
    int code = -1;

    *again = false;
    status =
        lac_control_writer_open(&w, &j->pushes.kafka, j->pushes.topic, j->push.record.name, &err);
    if (status == LAC_OK)
        status = lac_cli_pushes_read(&j->pushes, NULL, 0, &err);
    if (status == LAC_OK)
        code = next_version(j);
    if (status == LAC_OK && code < 0 && prepare)
        code = prepare(j);
    if (status == LAC_OK && code < 0) {
        j->push.content = lac_buf_str(&j->content);
        choose_deletions(j);
        status = lac_control_writer_push(w, &j->push, &err);
    }
    lac_control_writer_close(w);
    if (code >= 0)
        return code;
    *again = status == LAC_REJECT;
    if (status == LAC_OK)
        return report(j);
    return lac_tool_dependency(j->t, &err, "`lacuna pack active` says whether it was pushed.");
}

static int push_all(struct job *j, int (*prepare)(struct job *j))
{
    bool again = true;
    int code = LAC_EXIT_DEPENDENCY;

    for (int i = 0; again && i < TRIES; i++)
        code = push_once(j, prepare, &again);
    return code;
}

static int load_pack(struct job *j)
{
    struct lac_pack *pack = NULL;
    struct lac_err err;
    int code = lac_cli_pack_open(j->t, j->t->operands[0], &pack);

    if (code >= 0)
        return code;
    if (lac_pack_write(pack, &j->content, &err) != LAC_OK)
        code = lac_cli_pack_failed(j->t, &err);
    j->push.record.has_pack = true;
    j->push.record.pack = *lac_pack_hash(pack);
    lac_pack_close(pack);
    return code;
}

int lac_cli_pack_push(int argc, char **argv)
{
    struct options o = {.keep = KEEP};
    const struct lac_args_option options[] = {
        {'k', "key", LAC_ARGS_TEXT, &o.key, "FILE", "Private key to sign with", 0, 0},
        {0, "version", LAC_ARGS_NUMBER, &o.version, "N",
         "Version instead of the next one; versions only go up", 1, INT64_MAX},
        {0, "shadow", LAC_ARGS_TEXT, &o.shadow, "PERCENT",
         "Only ask it beside the current one, for so many messages", 0, 0},
        {0, "canary", LAC_ARGS_TEXT, &o.canary, "PERCENT", "Let it decide for so many of the keys",
         0, 0},
        {0, "not-before", LAC_ARGS_TEXT, &o.not_before, "TIME", "When it begins to count", 0, 0},
        {0, "expires", LAC_ARGS_TEXT, &o.expires, "TIME",
         "When no worker takes it any more; those that have it go on with it", 0, 0},
        {0, "keep", LAC_ARGS_NUMBER, &o.keep, "N", "Versions to keep to go back to (10)", 2,
         KEEP_MOST},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack push",
        .usage = "FILE|DIR --key KEY [OPTION]...",
        .summary = "Give a pack to all workers.",
        .details = "They take it within a second, between two batches. A new current pack ends a\n"
                   "shadow or canary that was pushed before it.",
        .examples = "  lacuna pack push ours --key keys/pack.key\n"
                    "  lacuna pack push ours --key keys/pack.key --shadow 10\n"
                    "  lacuna pack push ours --key keys/pack.key --canary 1 --expires 7d\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_tool t;
    struct job j = {0};
    int code = lac_tool_open(&t, &command, argc, argv);

    if (code < 0) {
        code = open_job(&j, &t, &o);
        if (code < 0)
            code = load_pack(&j);
        if (code < 0)
            code = push_all(&j, NULL);
        close_job(&j);
    }
    lac_tool_close(&t);
    return code;
}

/* ---- rollback ---- */

/* Whether `p` is what `to` (a version or the beginning of a hash) names. */
static bool is_named(const struct lac_cli_push *p, const char *to)
{
    char hash[2 * LAC_PACK_HASH_SIZE + 1];
    uint64_t version;

    if (lac_str_to_u64(lac_str_from(to), &version) && strlen(to) < 16)
        return (uint64_t)p->version == version;
    lac_hex_encode(hash, p->pack.bytes, sizeof(p->pack.bytes));
    return strlen(to) >= 8 && p->has_pack && strncmp(hash, to, strlen(to)) == 0;
}

static const struct lac_cli_push *choose_old(const struct job *j)
{
    const struct lac_cli_push *now =
        lac_cli_pushes_active(&j->pushes, LAC_CONTROL_CURRENT, lac_clock_wall_ms());

    for (size_t i = j->pushes.count; i-- > 0;) {
        const struct lac_cli_push *p = &j->pushes.at[i];

        if (!p->accepted || p->here < p->chunks || !p->size)
            continue;
        if (j->o->to ? is_named(p, j->o->to)
                     : now && p->role == LAC_CONTROL_CURRENT && p->version < now->version &&
                           memcmp(&p->hash, &now->hash, sizeof(p->hash)) != 0)
            return p;
    }
    return NULL;
}

static int prepare_rollback(struct job *j)
{
    const struct lac_cli_push *old = choose_old(j);
    struct lac_control_offer *offer;
    enum lac_control_role role;
    struct lac_hash256 pack;
    int64_t version;
    struct lac_err err;

    if (!old)
        return lac_tool_fail(j->t, LAC_EXIT_NEGATIVE,
                             j->o->to ? "no complete version of that name or hash is kept"
                                      : "there is no older content to go back to",
                             "`lacuna pack active --all` lists what is kept.");
    role = old->role;
    version = old->version;
    pack = old->pack;
    lac_control_assembly_deinit(&j->assembly);
    if (lac_cli_pushes_read(&j->pushes, &j->assembly, version, &err) != LAC_OK)
        return lac_tool_dependency(j->t, &err, NULL);
    offer = lac_control_assembly_best(&j->assembly, role, 0, INT64_MAX);
    lac_buf_reset(&j->content);
    if (!offer || lac_control_offer_content(offer, &j->content, &err) != LAC_OK)
        return lac_tool_fail(j->t, LAC_EXIT_FAILURE,
                             offer ? err.text : "its chunks are not all there any more", NULL);
    j->push.record.has_pack = true;
    j->push.record.pack = pack;
    return -1;
}

int lac_cli_pack_rollback(int argc, char **argv)
{
    struct options o = {.keep = KEEP};
    const struct lac_args_option options[] = {
        {'k', "key", LAC_ARGS_TEXT, &o.key, "FILE", "Private key to sign with", 0, 0},
        {0, "to", LAC_ARGS_TEXT, &o.to, "VERSION|HASH",
         "What to go back to; the content before the current one otherwise", 0, 0},
        {0, "expires", LAC_ARGS_TEXT, &o.expires, "TIME", "As for push", 0, 0},
        {0, "keep", LAC_ARGS_NUMBER, &o.keep, "N", "As for push", 2, KEEP_MOST},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack rollback",
        .usage = "--key KEY [--to VERSION|HASH]",
        .summary = "Push an old content once more, as a new version.",
        .details = "Versions only go up: so nobody can bring an old pack back but a signer.",
        .examples = "  lacuna pack rollback --key keys/pack.key\n"
                    "  lacuna pack rollback --key keys/pack.key --to 12\n",
        .negative = "there is nothing to go back to",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    struct job j = {0};
    int code = lac_tool_open(&t, &command, argc, argv);

    if (code < 0) {
        code = open_job(&j, &t, &o);
        if (code < 0)
            code = push_all(&j, prepare_rollback);
        close_job(&j);
    }
    lac_tool_close(&t);
    return code;
}

/* ---- withdraw ---- */

static int withdraw(const struct lac_tool *t, const struct options *o)
{
    enum lac_control_role role;
    struct job j = {0};
    int code;

    if (!lac_control_role_parse(lac_str_from(t->operands[0]), &role) || role == LAC_CONTROL_CURRENT)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "withdraw what? shadow or canary",
                             "The current pack is replaced: `lacuna pack rollback`.");
    code = open_job(&j, t, o);
    if (code < 0) {
        j.push.record.role = lac_str_from(lac_control_role_name(role));
        code = push_all(&j, NULL);
    }
    close_job(&j);
    return code;
}

int lac_cli_pack_withdraw(int argc, char **argv)
{
    struct options o = {.keep = KEEP};
    const struct lac_args_option options[] = {
        {'k', "key", LAC_ARGS_TEXT, &o.key, "FILE", "Private key to sign with", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack withdraw",
        .usage = "shadow|canary --key KEY",
        .summary = "End the pack in shadow, or the canary.",
        .examples = "  lacuna pack withdraw canary --key keys/pack.key\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_tool t;
    int code = lac_tool_open(&t, &command, argc, argv);

    if (code < 0)
        code = withdraw(&t, &o);
    lac_tool_close(&t);
    return code;
}
