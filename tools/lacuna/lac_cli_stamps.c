/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_stamps.h"

#include <string.h>

/*
 * What brokers take and keep goes by a record's timestamp, and a worker's clock may be wrong: by
 * hours ahead it is refused, by weeks behind removed at once. So brokers stamp it themselves, but
 * where the time is part of an event's id: that who sends it computes, too.
 */
const char *lac_cli_stamp(const struct lac_topic *t)
{
    return strcmp(t->value, "Request") == 0 ? "CreateTime" : "LogAppendTime";
}

bool lac_cli_stamp_differs(const struct lac_topic *t, const struct lac_kafka_topic_settings *have)
{
    return have->timestamp_type[0] && strcmp(have->timestamp_type, lac_cli_stamp(t)) != 0;
}

size_t lac_cli_stamps_wrong(const struct lac_kafka_topic_settings settings[LAC_TOPIC_COUNT],
                            const char *have, struct lac_buf *names)
{
    size_t n = 0;

    lac_buf_reset(names);
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        if (lac_cli_stamp_differs(&lac_topics[i], &settings[i]) &&
            strcmp(settings[i].timestamp_type, have) == 0)
            lac_buf_printf(names, "%s%s", n++ ? " " : "", settings[i].name);
    return n;
}

/* kafka-configs takes one topic at a time. */
void lac_cli_put_stamp_command(struct lac_buf *out, const struct lac_conf *c, struct lac_str names,
                               const char *type)
{
    bool open = strcmp(lac_conf_text(c, "kafka.security_protocol"), "plaintext") == 0;
    bool several = memchr(names.ptr, ' ', names.len) != NULL;

    if (several)
        lac_buf_printf(out, "for t in %.*s; do ", LAC_STR_FMT(names));
    lac_buf_printf(out, "kafka-configs --bootstrap-server %s%s --alter --entity-type topics",
                   lac_conf_text(c, "kafka.bootstrap_servers"),
                   open ? "" : " --command-config client.properties");
    if (several)
        lac_buf_put_text(out, " --entity-name $t");
    else
        lac_buf_printf(out, " --entity-name %.*s", LAC_STR_FMT(names));
    lac_buf_printf(out, " --add-config message.timestamp.type=%s%s", type, several ? "; done" : "");
}
