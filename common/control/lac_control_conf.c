/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_conf.h"

#include <stdio.h>

enum lac_status lac_control_settings_read(struct lac_control_settings *s, const struct lac_conf *c,
                                          const char *state_dir, struct lac_err *err)
{
    const char *dir = lac_conf_text(c, "pack.cache_dir");
    int length;

    *s = (struct lac_control_settings){0};
    if (!lac_topic_full_name(s->topic, lac_conf_text(c, "kafka.topic_prefix"), LAC_TOPIC_CONTROL))
        return lac_err_set(err, LAC_FATAL, 0, "kafka.topic_prefix makes no legal topic name");
    length = snprintf(s->cache_dir, sizeof(s->cache_dir), *dir ? "%s" : "%s/packs",
                      *dir ? dir : state_dir);
    if (length < 0 || (size_t)length >= sizeof(s->cache_dir))
        return lac_err_set(err, LAC_FATAL, 0, "pack.cache_dir: the path is too long");
    s->options = (struct lac_control_follower_options){
        .topic = s->topic,
        .name = lac_conf_text(c, "pack.name"),
        .signers = lac_conf_text(c, "pack.signers"),
        .require_signature = lac_conf_bool(c, "pack.require_signature"),
        .cache_dir = s->cache_dir,
        .cache_keep = lac_conf_number(c, "pack.cache_keep"),
    };
    return LAC_OK;
}
