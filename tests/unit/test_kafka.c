/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs no broker: every error has the right consequence. Codes are numbers here, as
 * librdkafka's header belongs to common/kafka alone; negative ones are the library's own.
 */
#include "lac_kafka.h"

#include "lac_test.h"

static void every_error_has_its_consequence(void)
{
    static const struct {
        const char *name;
        int code;
        enum lac_status want;
    } rows[] = {
        {"NO_ERROR", 0, LAC_OK},
        {"_QUEUE_FULL", -184, LAC_AGAIN},
        {"_TRANSPORT", -195, LAC_RETRY},
        {"MSG_SIZE_TOO_LARGE", 10, LAC_REJECT},
        {"TOPIC_AUTHORIZATION_FAILED", 29, LAC_FATAL},
        {"a code of the future", 30000, LAC_RETRY},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].name);
        LAC_TEST_EQ(lac_kafka_status(rows[i].code), rows[i].want);
    }
}

LAC_TEST_MAIN(kafka, every_error_has_its_consequence)
