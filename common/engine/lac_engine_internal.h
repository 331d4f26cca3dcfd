/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_engine_internal - what the files of common/engine share
 */
#ifndef LAC_ENGINE_INTERNAL_H
#define LAC_ENGINE_INTERNAL_H

#include "lac_digest.h"
#include "lac_engine.h"
#include "lac_match.h"
#include "lac_pack.h"
#include "lac_semantic.h"

enum {
    LAC_ENGINE_HIT_MAX = 256, /* of one field */
    LAC_ENGINE_TAG_MAX = 256,
    LAC_ENGINE_FIELD_NOTE_MAX = 32, /* observations about fields; more say nothing new */
    LAC_ENGINE_OWN_NOTE_MAX = 3,    /* and about the whole decision: none may be lost */
    LAC_ENGINE_KEY_SHOWN_MAX = 64,  /* bytes of a metadata key that a pointer may repeat */
    LAC_ENGINE_POINTER_MAX = 96,    /* bytes of a JSON pointer */
};

/* Where a rule has hit. */
enum lac_engine_place { LAC_ENGINE_IN_TEXT = 1, LAC_ENGINE_IN_CONTEXT = 2 };

struct lac_engine {
    enum lac_strategy strategy;
    struct lac_hmac *hmac;
    char *key_id; /* owned */
    struct lac_match_scratch *scratch;
    uint64_t pack_number;          /* of the pack that the scratch and places[] fit; 0: none */
    unsigned char *places;         /* [rule_count], bits of enum lac_engine_place */
    struct lac_semantic *semantic; /* borrowed; NULL: no tier 2 */
    struct lac_semantic_lane_options session;
    const struct lac_head *head;              /* the pack's; NULL: it has none, or no tier 2 */
    const struct lac_semantic_device *device; /* that `lane` is of */
    struct lac_semantic_lane *lane;           /* owned; NULL: the head's model is missing */
    struct lac_semantic_counts past;          /* of lanes before it */
    struct lac_match_hit hits[LAC_ENGINE_HIT_MAX];
    /* of the request in hand; copied to the arena when complete */
    struct lac_finding findings[LAC_ENGINE_FINDING_MAX];
    struct lac_opinion opinions[LAC_DECIDE_OPINION_MAX];
    struct lac_decide_opinion weights[LAC_DECIDE_OPINION_MAX];
    struct lac_str tags[LAC_ENGINE_TAG_MAX];
};

/* One field that tier 2 reads. */
struct lac_engine_field {
    const char *list; /* "text", "subject", "conversation", "files" */
    size_t index;     /* in it; SIZE_MAX: it is no list */
    uint32_t answer;  /* of all answers of the call: equal texts have the same */
};

/* What tier 2 says about one request. */
struct lac_engine_reading {
    bool unavailable; /* it could not be asked */
    bool too_many;    /* fields were left out */
    const struct lac_engine_field *fields;
    size_t field_count;
    const struct lac_semantic_answer *answers; /* of the call */
    /* Filled by lac_engine_read_take(). */
    bool has_text, has_context;
    bool known; /* the gate passed everywhere, nothing was cut off */
    struct lac_semantic_answer text, context;
};

/* What is known about one request so far. */
struct lac_engine_case {
    struct lac_engine *e;
    const struct lac_engine_in *in;
    const struct lac_match *m;
    struct lac_arena *a;
    struct lac_err *err;
    size_t field_count;
    size_t finding_count;
    enum lac_tier floor;
    bool any_hit;               /* places[] is not all zero */
    bool truncated;             /* findings were left out */
    enum lac_strategy strategy; /* the recorded one, or the engine's */
    bool degraded;              /* conservative, never PUBLIC */
    bool degraded_late;         /* was so only once tier 2 had spoken */
    bool text_allowed;          /* the text is on the allow-list ... */
    bool other_content;         /* ... but something else that matters is not */
    bool other_names;           /* among it, names that tier 2 does not read */
    bool text_complete;         /* every hit in the text is in findings[]: it can be redacted */
    struct lac_observation notes[LAC_ENGINE_FIELD_NOTE_MAX + LAC_ENGINE_OWN_NOTE_MAX];
    size_t note_count;
    size_t field_note_count;            /* of these, about fields */
    struct lac_engine_reading *reading; /* NULL: tier 2 was not asked */
};

/* Looks at every field: fills places[], findings[] (in order of looking) and the case. */
enum lac_status lac_engine_scan(struct lac_engine_case *c) LAC_MUST_USE;

/* Adds a finding of the engine's own, and its floor. */
void lac_engine_floor(struct lac_engine_case *c, struct lac_str rule, struct lac_str entity,
                      struct lac_str field, enum lac_tier tier);

/* Notes one about the whole decision, which a replay must be told. */
void lac_engine_note_own(struct lac_engine_case *c, const struct lac_observation *o);

/* Notes one about a field that degrades nothing by itself. */
void lac_engine_note_field(struct lac_engine_case *c, const struct lac_observation *o);

/* Whether rules leave this request to tier 2. */
bool lac_engine_is_open(struct lac_engine_case *c, const struct lac_pack *pack);

/* ---- tier 2 ---- */

/* Makes the lane's memory fit the pack's head, as far as its model is there. */
void lac_engine_semantic_take(struct lac_engine *e, const struct lac_pack *pack);
void lac_engine_semantic_close(struct lac_engine *e);

/* Whether a recorded observation says that tier 2 was not asked: it was missing, or off. */
bool lac_engine_semantic_was_not_asked(const struct lac_engine_in *in);

/* Reads the requests in[open[0 .. count)]; `readings` has `count` places. Everything is in the
 * arena. AGAIN: it is full. FATAL: the device is broken. */
enum lac_status lac_engine_read(struct lac_engine *e, const struct lac_engine_in *in,
                                const uint32_t *open, size_t count, struct lac_arena *a,
                                struct lac_engine_reading *readings,
                                struct lac_err *err) LAC_MUST_USE;

/* Joins what was read about the case's request, and notes what could not be. */
enum lac_status lac_engine_read_take(struct lac_engine_case *c) LAC_MUST_USE;

/* Adds the opinions of tier 2 behind the first `n`; AGAIN: the arena is full. */
enum lac_status lac_engine_read_opinions(struct lac_engine_case *c, size_t *n) LAC_MUST_USE;

/* Whether tier 2 has said something about the request. */
bool lac_engine_has_read(const struct lac_engine_case *c);

/* Decides and fills `out`, all of it in the arena. */
enum lac_status lac_engine_conclude(struct lac_engine_case *c, const struct lac_pack *pack,
                                    struct lac_engine_out *out) LAC_MUST_USE;

/* AGAIN, with the text that says so. */
enum lac_status lac_engine_full(struct lac_err *err);

#endif
