/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <sys/stat.h>

#include "lac_conf_impl.h"

static const enum lac_conf_program programs_all[] = {LAC_CONF_CLASSIFY, LAC_CONF_SINK,
                                                     LAC_CONF_BRIDGE, LAC_CONF_CLI};

const char *lac_conf_program_name(enum lac_conf_program program)
{
    switch (program) {
    case LAC_CONF_CLASSIFY:
        return "lacuna-classify";
    case LAC_CONF_SINK:
        return "lacuna-sink";
    case LAC_CONF_BRIDGE:
        return "lacuna-bridge";
    case LAC_CONF_CLI:
        break;
    }
    return "lacuna";
}

static enum lac_status check_required(const struct lac_conf *c, enum lac_conf_program program,
                                      struct lac_err *err)
{
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_key *key = &lac_conf_keys[i];
        char env[LAC_CONF_NAME_MAX];

        if (!(key->required & (unsigned)program) || c->values[i].text[0])
            continue;
        lac_conf_spell(env, LAC_CONF_IN_ENV, (struct lac_conf_name){i, false});
        return lac_err_set(err, LAC_FATAL, 0,
                           "%s is not set, and %s can't start without it. %s Set it in the "
                           "configuration file or as %s.",
                           key->name, lac_conf_program_name(program), key->help, env);
    }
    return LAC_OK;
}

/* The client library would say this later, in its own words, or not at all. */
static enum lac_status check_sasl(const struct lac_conf *c, struct lac_err *err)
{
    static const char *const needed[] = {"kafka.sasl_mechanism", "kafka.sasl_username",
                                         "kafka.sasl_password"};
    const char *protocol = lac_conf_text(c, "kafka.security_protocol");

    if (strncmp(protocol, "sasl_", 5) != 0)
        return LAC_OK;
    for (size_t i = 0; i < LAC_COUNT(needed); i++)
        if (!lac_conf_is_set(c, needed[i]))
            return lac_err_set(err, LAC_FATAL, 0,
                               "kafka.security_protocol is %s, so %s must be set, too", protocol,
                               needed[i]);
    return LAC_OK;
}

/* A user's name has none (RFC 7617, section 2): "user:password" would be shown with all settings,
 * and the registry would take what is behind the first one for the password. */
static enum lac_status check_registry(const struct lac_conf *c, struct lac_err *err)
{
    if (!strchr(lac_conf_text(c, "registry.username"), ':'))
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, 0,
                       "registry.username must not hold a ':'; a password belongs into "
                       "registry.password or the file of registry.password_file");
}

static enum lac_status check_classify(const struct lac_conf *c, struct lac_err *err)
{
    int64_t interval = lac_conf_int(c, "classify.commit_interval_ms");
    int64_t timeout = lac_conf_int(c, "kafka.transaction_timeout_ms");

    if (lac_conf_int(c, "classify.lanes") + lac_conf_int(c, "classify.interactive_lanes") == 0)
        return lac_err_set(err, LAC_FATAL, 0,
                           "classify.lanes and classify.interactive_lanes are both 0: nothing "
                           "would be read");
    /* A transaction must end by itself long before the broker ends it. */
    if (interval > timeout / 2)
        return lac_err_set(err, LAC_FATAL, 0,
                           "classify.commit_interval_ms (%" PRId64 ") must be at most half of "
                           "kafka.transaction_timeout_ms (%" PRId64 ")",
                           interval, timeout);
    return LAC_OK;
}

enum lac_status lac_conf_check(const struct lac_conf *c, enum lac_conf_program program,
                               struct lac_err *err)
{
    enum lac_status status = check_required(c, program, err);

    if (status == LAC_OK)
        status = check_sasl(c, err);
    if (status == LAC_OK)
        status = check_registry(c, err);
    if (status == LAC_OK && program == LAC_CONF_CLASSIFY)
        status = check_classify(c, err);
    return status;
}

void lac_conf_doubt_keys(struct lac_conf *c)
{
    /* A person's tool reads them now and then, and `lacuna doctor` tells the person. */
    if (c->src.program == LAC_CONF_CLI)
        return;
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_key *key = &lac_conf_keys[i];
        const char *path = c->values[i].text;
        struct stat st;

        if ((key->flags & LAC_CONF_KEY_FILE) && (key->programs & (unsigned)c->src.program) &&
            path[0] && stat(path, &st) == 0)
            lac_conf_doubt_mode(c, key->name, path, st.st_mode);
    }
}

unsigned lac_conf_report(const struct lac_conf *c, unsigned programs, struct lac_buf *buf)
{
    unsigned failed = 0;

    lac_buf_printf(buf, "file: %s\n", c->path ? c->path : "none");
    for (size_t i = 0; i < LAC_COUNT(programs_all); i++) {
        const char *name = lac_conf_program_name(programs_all[i]);
        struct lac_err err;

        if (!(programs & (unsigned)programs_all[i]))
            continue;
        if (lac_conf_check(c, programs_all[i], &err) == LAC_OK) {
            lac_buf_printf(buf, "%s: ok\n", name);
        } else {
            lac_buf_printf(buf, "%s: %s\n", name, err.text);
            failed++;
        }
    }
    return failed;
}
