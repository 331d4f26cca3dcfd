/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_conf.h"
#include "lac_kafka.h"

enum { LINGER_MS = 5 };

void lac_kafka_options_from_conf(struct lac_kafka_options *o, const struct lac_conf *c)
{
    *o = (struct lac_kafka_options){
        .bootstrap_servers = lac_conf_text(c, "kafka.bootstrap_servers"),
        .client_id = lac_conf_text(c, "kafka.client_id"),
        .security_protocol = lac_conf_text(c, "kafka.security_protocol"),
        .sasl_mechanism = lac_conf_text(c, "kafka.sasl_mechanism"),
        .sasl_username = lac_conf_text(c, "kafka.sasl_username"),
        .sasl_password = lac_conf_text(c, "kafka.sasl_password"),
        .ssl_ca_file = lac_conf_text(c, "kafka.ssl_ca_file"),
        .ssl_certificate_file = lac_conf_text(c, "kafka.ssl_certificate_file"),
        .ssl_key_file = lac_conf_text(c, "kafka.ssl_key_file"),
        .ssl_key_password = lac_conf_text(c, "kafka.ssl_key_password"),
        .properties = lac_conf_text(c, "kafka.properties"),
        .ssl_insecure = lac_conf_bool(c, "kafka.ssl_insecure"),
        .compression = lac_conf_text(c, "kafka.compression"),
        .interactive_compression = lac_conf_text(c, "kafka.interactive_compression"),
        .session_timeout_ms = (uint32_t)lac_conf_number(c, "kafka.session_timeout_ms"),
        .transaction_timeout_ms = (uint32_t)lac_conf_number(c, "kafka.transaction_timeout_ms"),
        .fetch_wait_max_ms = (uint32_t)lac_conf_number(c, "kafka.fetch_wait_max_ms"),
        .linger_ms = LINGER_MS,
        .queue_bytes = lac_conf_number(c, "kafka.queue_bytes"),
    };
}
