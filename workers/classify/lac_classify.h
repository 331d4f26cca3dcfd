/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_classify - the stage of lacuna-classify: request records in, decisions out
 *
 *     read    bytes -> struct lac_request; what can't be read is rejected with its place
 *     decide  lac_engine_run() on all that could, in one call; a second one, with the canary's
 *             pack, on those whose keys are in its share
 *     emit    a routing and a lineage record for each, and a reply where somebody waits; with an
 *             LLM tier an escalation for each that the pack would still pay to understand, whose
 *             decision is then not final
 *     shadow  what the pack in shadow would have said (lac_classify_shadow.h)
 *
 * Which packs count is looked at once, when a batch begins, and holds for the whole of it. The key
 * of the record decides between current and canary, its event id where it has none.
 *
 * A stage belongs to one lane. It touches no socket and no clock but the one that measures, so
 * that it is tested on a batch made by hand.
 */
#ifndef LAC_CLASSIFY_H
#define LAC_CLASSIFY_H

#include "lac_batch.h"
#include "lac_control_packs.h"
#include "lac_engine.h"
#include "lac_metrics.h"
#include "lac_pack.h"
#include "lac_topics.h"
#include "lac_wire.h"

/* The lane's list of topics: the numbers that emit takes. */
enum lac_classify_topic {
    LAC_CLASSIFY_ROUTING,
    LAC_CLASSIFY_LINEAGE,
    LAC_CLASSIFY_REPLIES,
    LAC_CLASSIFY_DEADLETTER,
    LAC_CLASSIFY_SHADOW,
    LAC_CLASSIFY_ESCALATIONS,
    LAC_CLASSIFY_TOPIC_COUNT,
};

enum { LAC_CLASSIFY_SOURCE_SIZE = 300 };

/* Why a shadow's word was not heard. */
enum lac_classify_shadow_drop {
    LAC_CLASSIFY_SHADOW_BUSY,        /* no time */
    LAC_CLASSIFY_SHADOW_FAILED,      /* it could not decide */
    LAC_CLASSIFY_SHADOW_UNPUBLISHED, /* counted, but no record was written: too many */
    LAC_CLASSIFY_SHADOW_DROP_COUNT,
};

/* What tier 2 was to a decision. */
enum lac_classify_semantic {
    LAC_CLASSIFY_SEMANTIC_UNASKED,     /* rules settled it, or the pack has no tier 2 */
    LAC_CLASSIFY_SEMANTIC_READ,        /* it spoke */
    LAC_CLASSIFY_SEMANTIC_DOUBTED,     /* it spoke, and its gate says that it doesn't know */
    LAC_CLASSIFY_SEMANTIC_UNAVAILABLE, /* its model or device is missing */
    LAC_CLASSIFY_SEMANTIC_COUNT,
};

/* What all lanes share; read-only once they run. Strings are borrowed from main. */
struct lac_classify {
    const struct lac_pack *pack;     /* without `packs`: the only one */
    struct lac_control_packs *packs; /* the packs in force; NULL: none are followed */
    struct lac_str origin;           /* identity of the log that event ids name */
    struct lac_str instance;         /* for the lineage record */
    struct lac_str version;          /* program version, the same */
    const char *topic_prefix;        /* kafka.topic_prefix */
    bool escalate;                   /* an LLM tier reads escalations */
    struct lac_metrics *metrics;     /* NULL: not counted */

    /* Filled by lac_classify_init(). */
    char topic_names[LAC_CLASSIFY_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    const char *topics[LAC_CLASSIFY_TOPIC_COUNT];  /* the lane's list */
    char routing_source[LAC_CLASSIFY_SOURCE_SIZE]; /* CloudEvents' ce_source */
    char lineage_source[LAC_CLASSIFY_SOURCE_SIZE];
    struct lac_counter *requests;
    struct lac_counter *errors;
    struct lac_counter *tiers[LAC_TIER_COUNT];
    struct lac_counter *routed[2][2]; /* [local_rag][web_search] */
    struct lac_histogram *confidence[LAC_TIER_COUNT];
    struct lac_histogram *latency;
    struct lac_histogram *semantic_latency;
    struct lac_counter *semantic[LAC_CLASSIFY_SEMANTIC_COUNT]; /* decisions */
    struct lac_counter *semantic_texts, *semantic_windows, *semantic_tokens, *semantic_calls,
        *semantic_failures, *semantic_yields;
    struct lac_counter *escalated;
    struct lac_counter *canary; /* decisions by the canary's pack */
    struct lac_counter *shadow_tiers[LAC_TIER_COUNT][LAC_TIER_COUNT]; /* [decided][shadow] */
    struct lac_counter *shadow_dropped[LAC_CLASSIFY_SHADOW_DROP_COUNT];
};

/* Fills the second half of `c` from the first. FATAL: the prefix makes no legal topic name. */
enum lac_status lac_classify_init(struct lac_classify *c, struct lac_err *err) LAC_MUST_USE;

/* A lane's own half. */
struct lac_classify_lane;

struct lac_classify_lane_options {
    const struct lac_classify *shared;       /* borrowed until close */
    struct lac_engine_options engine;        /* its texts are borrowed until close */
    const struct lac_schema_source *schemas; /* NULL: only our own writer schemas */
    enum lac_topic_id input;                 /* decides tenant and who may ask for replies */
    size_t batch_count;                      /* most messages of one batch */
};

enum lac_status lac_classify_lane_open(struct lac_classify_lane **out,
                                       const struct lac_classify_lane_options *o,
                                       struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. */
void lac_classify_lane_close(struct lac_classify_lane *l);

/* What it reads and writes values with, for the registry's ids. */
struct lac_wire *lac_classify_lane_wire(struct lac_classify_lane *l);

/* The stage; its ctx is `l`. */
struct lac_stage lac_classify_stage(struct lac_classify_lane *l);

#endif
