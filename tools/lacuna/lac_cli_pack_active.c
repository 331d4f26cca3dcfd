/* SPDX-License-Identifier: Apache-2.0 */
/* What the control topic says: what is in force, in which role, and whose word it is. And the key
 * with which to say it. */
#include "lac_cli_pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli.h"
#include "lac_cli_pack_topic.h"
#include "lac_clock.h"
#include "lac_json.h"
#include "lac_table.h"

static const char *const trusts[] = {"trusted", "unsigned", "unknown signer", "forged"};

static const char *state_of(const struct lac_cli_pushes *p, const struct lac_cli_push *one,
                            int64_t now_ms)
{
    bool active = lac_cli_pushes_active(p, one->role, now_ms) == one;

    if (!one->accepted)
        return "refused";
    if (one->here < one->chunks)
        return "incomplete";
    if (one->has_expires && one->expires <= now_ms)
        return active ? "in force, expired" : "expired";
    if (active)
        return "in force";
    if (one->has_activation && one->activation > now_ms)
        return "waits";
    return "kept";
}

static void put_time(struct lac_json_writer *w, const char *key, bool there, int64_t ms)
{
    char text[LAC_CLOCK_TEXT_SIZE];

    lac_json_key(w, key);
    if (there) {
        lac_clock_format(text, ms);
        lac_json_put_text(w, text);
    } else {
        lac_json_put_null(w);
    }
}

static void put_json(struct lac_json_writer *w, const struct lac_cli_push *one, const char *state)
{
    char hash[2 * LAC_PACK_HASH_SIZE + 1];

    lac_hex_encode(hash, one->pack.bytes, sizeof(one->pack.bytes));
    lac_json_open_object(w);
    lac_json_key(w, "role");
    lac_json_put_text(w, lac_control_role_name(one->role));
    lac_json_key(w, "version");
    lac_json_put_int(w, one->version);
    lac_json_key(w, "state");
    lac_json_put_text(w, state);
    lac_json_key(w, "hash");
    lac_json_put_text(w, one->has_pack ? hash : NULL);
    lac_json_key(w, "size");
    lac_json_put_int(w, one->size);
    lac_json_key(w, "share");
    lac_json_put_ppm(w, (uint32_t)one->share);
    lac_json_key(w, "signer");
    lac_json_put_text(w, one->signer[0] ? one->signer : NULL);
    lac_json_key(w, "trust");
    lac_json_put_text(w, trusts[one->trust]);
    put_time(w, "pushed_at", one->pushed_at >= 0, one->pushed_at);
    put_time(w, "not_before", one->has_activation, one->activation);
    put_time(w, "expires", one->has_expires, one->expires);
    lac_json_close_object(w);
}

static void put_row(struct lac_table *table, const struct lac_cli_push *one, const char *state)
{
    char hash[2 * LAC_PACK_HASH_SIZE + 1], when[LAC_CLOCK_TEXT_SIZE] = "-";
    bool active = strncmp(state, "in force", 8) == 0;

    lac_hex_encode(hash, one->pack.bytes, sizeof(one->pack.bytes));
    if (one->has_expires)
        lac_clock_format(when, one->expires);
    lac_table_addf(table, LAC_STYLE_NONE, "%" PRId64, one->version);
    if (one->share)
        lac_table_addf(table, LAC_STYLE_NONE, "%s %g %%", lac_control_role_name(one->role),
                       one->share / 10000.0);
    else
        lac_table_addf(table, LAC_STYLE_NONE, "%s%s", lac_control_role_name(one->role),
                       one->size ? "" : " withdrawn");
    lac_table_add(table, lac_str_from(state),
                  active                       ? LAC_STYLE_GOOD
                  : strcmp(state, "kept") == 0 ? LAC_STYLE_DIM
                                               : LAC_STYLE_NOTE);
    lac_table_addf(table, LAC_STYLE_NONE, "%.16s", one->has_pack ? hash : "-");
    lac_table_add(table, lac_str_from(one->signer[0] ? one->signer : "-"), LAC_STYLE_NONE);
    lac_table_add(table, lac_str_from(trusts[one->trust]),
                  one->trust == LAC_CLI_TRUSTED ? LAC_STYLE_GOOD
                  : one->accepted               ? LAC_STYLE_NOTE
                                                : LAC_STYLE_BAD);
    lac_table_add(table, lac_str_from(when), LAC_STYLE_NONE);
}

static int print(const struct lac_tool *t, const struct lac_cli_pushes *p, bool json, bool all)
{
    static const struct lac_table_column columns[] = {
        {.title = "VERSION", .right = true},
        {.title = "ROLE"},
        {.title = "STATE"},
        {.title = "HASH"},
        {.title = "SIGNED BY"},
        {.title = "TRUST"},
        {.title = "EXPIRES", .shrinks = true},
    };
    int64_t now_ms = lac_clock_wall_ms();
    struct lac_json_writer w;
    struct lac_table table;
    struct lac_buf b;
    bool current = false;
    int code;

    lac_buf_init(&b, 4 << 20);
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_CLI_PUSHES_MAX);
    lac_json_begin(&w, &b);
    if (json)
        lac_json_open_array(&w);
    for (size_t i = p->count; i-- > 0;) {
        const char *state = state_of(p, &p->at[i], now_ms);
        bool active = strncmp(state, "in force", 8) == 0;

        current |= active && p->at[i].role == LAC_CONTROL_CURRENT;
        if (!all && !active)
            continue;
        if (json)
            put_json(&w, &p->at[i], state);
        else
            put_row(&table, &p->at[i], state);
    }
    if (json) {
        lac_json_close_array(&w);
        lac_buf_put_char(&b, '\n');
    } else if (lac_table_rows(&table)) {
        lac_table_print(&table, &t->out, &b);
    }
    if (!json && !current)
        lac_buf_printf(&b, "No pack \"%s\" is in force on %s: workers use pack.path.\n", p->name,
                       p->topic);
    if (p->malformed)
        lac_tool_warn(t, "%zu records on %s can't be read", p->malformed, p->topic);
    code = lac_cli_flush(t, &b);
    lac_table_deinit(&table);
    lac_buf_deinit(&b);
    return lac_cli_verdict(code, current ? LAC_EXIT_OK : LAC_EXIT_NEGATIVE);
}

int lac_cli_pack_active(int argc, char **argv)
{
    bool json = false, all = false;
    const struct lac_args_option options[] = {
        {'j', "json", LAC_ARGS_SWITCH, &json, NULL, "As a JSON array", 0, 0},
        {'a', "all", LAC_ARGS_SWITCH, &all, NULL, "Everything that is on the topic", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack active",
        .usage = "[OPTION]...",
        .summary = "Show which packs are in force, and who signed them.",
        .details = "Judges as a worker with this configuration does (pack.name, pack.signers,\n"
                   "pack.require_signature). What one worker uses is in its metrics:\n"
                   "lacuna_pack_info.",
        .examples = "  lacuna pack active\n  lacuna --dev pack active --all --json\n",
        .negative = "no pushed pack is in force",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_cli_pushes p = {0};
    struct lac_err err;
    struct lac_tool t;
    int code = lac_tool_open(&t, &command, argc, argv);

    if (code < 0) {
        code = lac_cli_pushes_init(&p, &t);
        if (code < 0 && lac_cli_pushes_read(&p, NULL, 0, &err) != LAC_OK)
            code = lac_tool_dependency(&t, &err, NULL);
        if (code < 0 && p.no_topic)
            code = lac_tool_fail(&t, LAC_EXIT_DEPENDENCY, "there is no control topic",
                                 "Run `lacuna topics create`.");
        if (code < 0)
            code = print(&t, &p, json, all);
        lac_cli_pushes_deinit(&p);
    }
    lac_tool_close(&t);
    return code;
}

/* ---- keygen ---- */

/* Both or none: a private key alone would stand in the way of the next try. */
static enum lac_status write_pair(const struct lac_sign_key *k, const char *key, const char *pub,
                                  struct lac_err *err)
{
    enum lac_status status = lac_sign_key_write(k, key, err);

    if (status != LAC_OK)
        return status;
    status = lac_sign_public_write(lac_sign_key_public(k), pub, err);
    if (status != LAC_OK)
        (void)unlink(key); /* this run's: what was there before is never written over */
    return status;
}

static int keygen(const struct lac_tool *t)
{
    const char *dir = t->operands[0];
    char key[PATH_MAX], pub[PATH_MAX];
    struct lac_sign_key *k = NULL;
    struct lac_err err;
    struct lac_buf b;
    int code = -1;

    if (snprintf(key, sizeof(key), "%s/pack.key", dir) >= (int)sizeof(key) ||
        snprintf(pub, sizeof(pub), "%s/pack.pub", dir) >= (int)sizeof(pub))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "the folder's path is too long", NULL);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        (void)lac_err_set(&err, LAC_FATAL, errno, "cannot make %s: %s", dir, lac_errno_text(errno));
        return lac_tool_fail(t, LAC_EXIT_FAILURE, err.text,
                             "Make the folder, or name another one.");
    }
    if (lac_sign_generate(&k, &err) != LAC_OK || write_pair(k, key, pub, &err) != LAC_OK)
        code = lac_tool_fail(t, LAC_EXIT_FAILURE, err.text, NULL);
    if (code < 0) {
        lac_buf_init(&b, (size_t)3 * PATH_MAX);
        lac_buf_printf(&b,
                       "%s  sign with it, keep it from everybody\n%s  for pack.signers of every "
                       "worker\nid %s\n",
                       key, pub, lac_sign_key_public(k)->id);
        code = lac_cli_flush(t, &b);
        lac_buf_deinit(&b);
    }
    lac_sign_key_free(k);
    return code < 0 ? LAC_EXIT_OK : code;
}

int lac_cli_pack_keygen(int argc, char **argv)
{
    const struct lac_tool_command command = {
        .name = "lacuna pack keygen",
        .usage = "DIR",
        .summary = "Make a pair of keys to sign packs with.",
        .details = "DIR/pack.key is the private one (Ed25519, PEM, mode 0600), DIR/pack.pub the\n"
                   "public one. Neither is ever overwritten.",
        .examples = "  lacuna pack keygen keys\n",
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_tool t;
    int code = lac_tool_open(&t, &command, argc, argv);

    if (code < 0)
        code = keygen(&t);
    lac_tool_close(&t);
    return code;
}
