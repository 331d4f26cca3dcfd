/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_doctor - what the parts of `lacuna doctor` share: a line for each check
 *
 * Private to lac_cli_doctor*.c. Thread: main.
 */
#ifndef LAC_CLI_DOCTOR_H
#define LAC_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_buf.h"
#include "lac_cli.h"
#include "lac_compiler.h"
#include "lac_json.h"

enum { LAC_CLI_DOCTOR_ASK_MS = 5000 }; /* longest wait for one answer of Kafka or Postgres */

enum lac_cli_doctor_verdict { LAC_CLI_OK, LAC_CLI_WARN, LAC_CLI_FAIL };

struct lac_cli_doctor {
    const struct lac_tool *t;
    struct lac_buf out;
    struct lac_json_writer w;
    bool json;
    size_t count[3];
};

/* One line. `todo` is a sentence, "" when nothing is to be done. */
void lac_cli_doctor_say(struct lac_cli_doctor *d, enum lac_cli_doctor_verdict v, const char *name,
                        const char *todo, const char *fmt, ...) LAC_PRINTF(5, 6);

/* The brokers, the topics, what was pushed, and how far readers are behind. */
void lac_cli_doctor_kafka(struct lac_cli_doctor *d);

/* The server, the schema, this user's rights, the stored decisions, and the clock. */
void lac_cli_doctor_postgres(struct lac_cli_doctor *d);

#endif
