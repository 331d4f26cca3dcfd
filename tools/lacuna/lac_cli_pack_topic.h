/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_pack_topic - what was pushed, as the control topic has it
 *
 * Reads the topic once, to its end, and judges every push as a worker with this configuration
 * would.
 *
 * Thread: main.
 */
#ifndef LAC_CLI_PACK_TOPIC_H
#define LAC_CLI_PACK_TOPIC_H

#include "lac_cli.h"
#include "lac_control_assembly.h"
#include "lac_control_topic.h"

enum { LAC_CLI_PUSHES_MAX = 4096 }; /* of one name; workers need the newest alone */

/* What stands behind a push. */
enum lac_cli_trust {
    LAC_CLI_TRUSTED,        /* a configured signer */
    LAC_CLI_UNSIGNED,       /* nobody */
    LAC_CLI_UNKNOWN_SIGNER, /* a key that is not configured */
    LAC_CLI_FORGED,         /* a signature that is wrong */
};

struct lac_cli_push {
    enum lac_control_role role;
    int64_t version;
    struct lac_hash256 hash; /* of the content */
    bool has_pack;
    struct lac_hash256 pack; /* what decisions name */
    int64_t size;
    int32_t share;
    bool has_activation, has_expires;
    int64_t activation, expires;
    char signer[LAC_SIGN_ID_SIZE]; /* "": unsigned */
    enum lac_cli_trust trust;      /* of these chunks; the same push with another one is apart */
    bool accepted;                 /* workers believe it */
    int32_t chunks, here;          /* how many there are, and how many of them were found */
    uint64_t seen[LAC_CONTROL_CHUNK_MAX / 64]; /* which */
    int64_t pushed_at;                         /* ms since 1970 */
};

struct lac_cli_pushes {
    const char *name; /* pack.name */
    char topic[LAC_KAFKA_TOPIC_SIZE];
    struct lac_kafka_options kafka;
    struct lac_control_signers signers;
    struct lac_cli_push *at; /* owned; by version, oldest first */
    size_t count;
    size_t malformed;
    bool no_topic;
};

/* Reads signers and topic name. -1 or the exit status; deinit in both cases. */
int lac_cli_pushes_init(struct lac_cli_pushes *p, const struct lac_tool *t);
void lac_cli_pushes_deinit(struct lac_cli_pushes *p);

/* Reads the topic. With `keep`, the chunks of version `keep_version` are added to it. OK; RETRY and
 * FATAL as lac_control_topic.h. A topic that does not exist is OK, and `no_topic`. */
enum lac_status lac_cli_pushes_read(struct lac_cli_pushes *p, struct lac_control_assembly *keep,
                                    int64_t keep_version, struct lac_err *err) LAC_MUST_USE;

/* The highest version that was accepted; 0: none. */
int64_t lac_cli_pushes_version(const struct lac_cli_pushes *p);

/* What workers use for the role at `now_ms`; NULL: nothing that was pushed. An expired current one
 * is what workers that had it go on with. */
const struct lac_cli_push *lac_cli_pushes_active(const struct lac_cli_pushes *p,
                                                 enum lac_control_role role, int64_t now_ms);

#endif
