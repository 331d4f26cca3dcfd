/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_engine - request + pack -> decision core
 *
 * Scans everything in a request that a person or program wrote: text, subject, conversation,
 * files, project, environment, purpose, the operation's names, and metadata. Evidence in the text
 * counts both ways; evidence anywhere else (the context) only raises.
 *
 * The core is a pure function of (request bytes, tenant, pack, model, engine class, commitment key,
 * observations), and names all of them but the request: neighbours in the batch, clocks, hosts and
 * the order of a request's map entries never show in it. What a setting does to it is an
 * observation, too: `strategy`, in every core, and `skipped` with the name `semantic` where tier 2
 * would have been asked and is switched off. Observations that are fed back count before the
 * engine's own settings. ARCHITECTURE.md ("What a core depends on") has the whole list.
 *
 * PUBLIC by the pack's allow-list needs the whole text to be on it, and the conversation, files,
 * subject and operation to be empty or on it too. What could not be looked at (malformed UTF-8, a
 * field over the limit, more than LAC_ENGINE_FIELD_MAX fields) becomes an observation with which
 * the conservative matrix decides and PUBLIC is out of reach. A claimed tier and a parent's are
 * floors and show as findings of the rules `claimed-tier` and `parent`.
 *
 * Tier 2: requests that rules leave open (lac_decide_wants()) have their text, subject,
 * conversation and files encoded, equal texts of a call once, and the pack's head asked about each.
 * The text's answer is an opinion that counts both ways, all others are joined to one that only
 * raises. PUBLIC is permitted when the head knew its way (its gate passed, nothing was cut off) in
 * all of them and no name of a project, resource, source or destination stands beside. What the
 * gate refuses is an observation `gate`; a model or device that is missing is an observation
 * `unavailable` with the name `semantic`, and so is a recorded one: then it is not asked.
 *
 * Thread: an engine belongs to one lane; packs and the semantic tier are shared.
 */
#ifndef LAC_ENGINE_H
#define LAC_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_compiler.h"
#include "lac_decide.h"
#include "lac_err.h"
#include "lac_records.h"
#include "lac_str.h"

struct lac_engine;
struct lac_pack;
struct lac_semantic;
struct lac_semantic_counts;
struct lac_semantic_memo;

enum {
    LAC_ENGINE_FINDING_MAX = 256,        /* in one core; floors and opinions count beyond it */
    LAC_ENGINE_FIELD_MAX = 4096,         /* fields looked at in one request */
    LAC_ENGINE_FIELD_BYTES = 1 << 20,    /* default of options.field_bytes */
    LAC_ENGINE_COMMITMENT_KEY_MIN = 16,  /* bytes */
    LAC_ENGINE_COMMITMENT_FILE_MIN = 32, /* of commitment.key_file: those that somebody keeps */
    LAC_ENGINE_SEMANTIC_MAX = 256,       /* fields of one request that are encoded */
};

struct lac_engine_options {
    enum lac_strategy strategy;       /* unless an observation is fed back that names another */
    struct lac_str commitment_key;    /* secret bytes, copied; at least the minimum above */
    struct lac_str commitment_key_id; /* copied */
    size_t field_bytes; /* longest field that is scanned to its end; 0 = default. Cores of others
                           are not for keeping: it is no part of them */
    struct lac_semantic *semantic;  /* tier 2; NULL: rules alone. Borrowed until close */
    size_t semantic_tokens;         /* of one call of the encoder; 0 = default */
    bool interactive;               /* goes before others on a shared device */
    struct lac_semantic_memo *memo; /* what tier 2 said before; NULL: none. Borrowed until close */
};

enum lac_status lac_engine_open(struct lac_engine **out, const struct lac_engine_options *options,
                                struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_engine_close(struct lac_engine *e);

/* For those who try several, from the next request on. */
void lac_engine_set_strategy(struct lac_engine *e, enum lac_strategy strategy);

struct lac_engine_in {
    const struct lac_request *request; /* its tenant is what the core names */
    struct lac_str raw;                /* the request's bytes as they arrived, for the commitment */
    const struct lac_observation *observations; /* recorded ones, any order */
    size_t observation_count;
    bool
        undecodable; /* something of the request could not be decoded: conservative, never PUBLIC */
};

struct lac_engine_out {
    struct lac_decision_core
        core;                  /* borrows from the request, the pack, the engine and the arena */
    struct lac_str core_bytes; /* DecisionCore, unframed; in the arena */
    struct lac_hash256 decision_hash;
    int32_t confidence;     /* P(true tier <= tier), ppm */
    bool final;             /* no later revision will follow: true unless the caller escalates */
    bool open;              /* the pack would still pay for what an LLM says */
    struct lac_str excerpt; /* redacted, in the arena; absent unless the pack asks for one */
};

/*
 * Decides `n` requests. LAC_AGAIN: the arena is too small for the batch, retry with fewer (a batch
 * of one needs at most LAC_ENGINE_ARENA_MIN bytes plus twice the raw bytes of its request).
 * FATAL: an invariant or a device is broken, the process must end. `out` is only complete on
 * LAC_OK. Allocates nothing but in `a`, except when `pack` is not that of the last call or its
 * model was missing until now.
 */
enum { LAC_ENGINE_ARENA_MIN = 512 << 10 };
enum lac_status lac_engine_run(struct lac_engine *e, const struct lac_pack *pack,
                               const struct lac_engine_in *in, size_t n, struct lac_arena *a,
                               struct lac_engine_out *out, struct lac_err *err) LAC_MUST_USE;

/* What tier 2 has done in this engine since it was opened: never falls. */
void lac_engine_semantic_counts(const struct lac_engine *e, struct lac_semantic_counts *out);

#endif
