/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_lag - how far the classify workers are behind, for the progress line
 *
 * A thread of its own asks the brokers once a second, so that a slow answer never holds up
 * publishing. Thread: start and stop by the owner; get by any.
 */
#ifndef LAC_PUBLISH_LAG_H
#define LAC_PUBLISH_LAG_H

#include <stdint.h>

#include "lac_err.h"
#include "lac_kafka.h"

struct lac_publish_lag;

/* `o` and the texts are borrowed until stop. */
enum lac_status lac_publish_lag_start(struct lac_publish_lag **out,
                                      const struct lac_kafka_options *o, const char *topic,
                                      const char *group, struct lac_err *err) LAC_MUST_USE;
void lac_publish_lag_stop(struct lac_publish_lag *lag); /* accepts NULL */

/* Records of the topic that the group has not done; -1 while unknown. */
int64_t lac_publish_lag_get(const struct lac_publish_lag *lag);

#endif
