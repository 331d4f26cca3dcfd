/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_conf - a follower's options from a program's settings (pack.*, kafka.topic_prefix)
 *
 * Thread: owner.
 */
#ifndef LAC_CONTROL_CONF_H
#define LAC_CONTROL_CONF_H

#include "lac_conf.h"
#include "lac_control_cache.h"
#include "lac_control_follower.h"
#include "lac_topics.h"

/* Must stay where it is for as long as the follower is open. */
struct lac_control_settings {
    struct lac_control_follower_options options; /* kafka and metrics are the caller's to fill */
    char topic[LAC_TOPIC_NAME_SIZE];
    char cache_dir[LAC_CONTROL_CACHE_PATH_MAX];
};

/* Texts are borrowed from `c`. The cache is packs/ in `state_dir` unless a setting names another
 * folder. FATAL: the prefix makes no legal topic name, or a path is too long. */
enum lac_status lac_control_settings_read(struct lac_control_settings *s, const struct lac_conf *c,
                                          const char *state_dir, struct lac_err *err) LAC_MUST_USE;

#endif
