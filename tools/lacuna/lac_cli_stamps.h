/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_stamps - whose time the records of a topic have: their writer's or their broker's
 *
 * Thread: any.
 */
#ifndef LAC_CLI_STAMPS_H
#define LAC_CLI_STAMPS_H

#include "lac_buf.h"
#include "lac_conf.h"
#include "lac_kafka_admin.h"
#include "lac_topics.h"

/* The message.timestamp.type that `lacuna topics create` gives topic `t`. */
const char *lac_cli_stamp(const struct lac_topic *t);

/* Whether a broker said of `have` that it is another. */
bool lac_cli_stamp_differs(const struct lac_topic *t, const struct lac_kafka_topic_settings *have);

/* Those of the table's topics that have `have`, and should not: how many, and into `names` (emptied
 * before) their names with a blank between them. `settings`: of each topic of the table. */
size_t lac_cli_stamps_wrong(const struct lac_kafka_topic_settings settings[LAC_TOPIC_COUNT],
                            const char *have, struct lac_buf *names);

/* The command that sets it right for the topics `names`, for a shell. */
void lac_cli_put_stamp_command(struct lac_buf *out, const struct lac_conf *c, struct lac_str names,
                               const char *type);

#endif
