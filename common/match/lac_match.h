/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match - tier 1: finds what the rules describe, in one field of text
 *
 * A rule set is compiled once per pack into an immutable, shared struct lac_match. Scanning a
 * field gives hits: which rule, where in the original bytes, how sure. One pass over the bytes
 * finds words, tokens and symbols that some rule begins with; only there a rule's pattern or a
 * detector's own code looks closely, and validates (checksums, issuer ranges, country lengths), so
 * a hit is a decision, not a resemblance.
 *
 * A field of ASCII is scanned as it is; any other as two views. The plain view is NFKC without
 * invisible characters: detectors and patterns see full-width digits as digits. The folded view is
 * NFKC case-folded, with every run of blanks, dashes, underscores, controls and non-ASCII
 * punctuation as one blank: phrases are found there on word boundaries. Offsets of hits always
 * refer to the bytes as they were given.
 *
 * Work per byte is bounded whatever the text, and a scan allocates nothing.
 *
 * Thread: struct lac_match is immutable and shared; a scratch belongs to one lane.
 */
#ifndef LAC_MATCH_H
#define LAC_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_MATCH_RULE_MAX = 4096,
    LAC_MATCH_PHRASE_MAX = 200000, /* over all rules */
    LAC_MATCH_PHRASE_BYTES = 256,  /* of one phrase, folded */
    LAC_MATCH_PATTERN_WIDTH = 512, /* longest text a pattern may match, bytes */
    LAC_MATCH_CUT_MIN = 128,  /* a pattern's match from so many bytes on goes on to the end of its
                                 token: what is shorter ends where its issuer says */
    LAC_MATCH_CUT_MAX = 4096, /* at most so many bytes more */
    /* Of a field that is one name: no pattern matches more. */
    LAC_MATCH_NAME_BYTES = LAC_MATCH_PATTERN_WIDTH + LAC_MATCH_CUT_MAX,
    LAC_MATCH_EXCEPT_MAX = 64,    /* exceptions of one rule */
    LAC_MATCH_WINDOW_MAX = 256,   /* context, characters and bytes to either side */
    LAC_MATCH_CHANCE_MAX = 128,   /* longest hit, bytes, that an allowed "*inside*" excuses when it
                                     is shorter than LAC_MATCH_CHANCE_MIN: four letters of either
                                     case stand in 128 random base64 characters once in 8,000
                                     times, in a key of 4096 bits once in 300 */
    LAC_MATCH_CHANCE_MIN = 6,     /* so many of them: once in 300,000 such keys */
    LAC_MATCH_HITS_PER_RULE = 16, /* reported per rule and field unless the caller wants more;
                                     the rest only count */
    LAC_MATCH_SCORE_COUNTS = 500000, /* ppm: a hit below is weak: it never counts, and is reported
                                        only to who asks */
    LAC_MATCH_COUNT_MAX = 1000,      /* highest count threshold */
};

/* What redaction puts in the place of a hit, unless the person says otherwise. */
enum lac_match_redaction {
    LAC_MATCH_REDACT_REPLACE, /* <ENTITY> */
    LAC_MATCH_REDACT_MASK,    /* as many '*' as characters */
    LAC_MATCH_REDACT_LAST4,   /* all but the last four letters and digits masked */
    LAC_MATCH_REDACT_HASH,    /* <ENTITY:hash>: the same text gives the same hash */
};

/* How well it is documented that the form is what the rule says. It decides nothing. */
enum lac_match_basis {
    LAC_MATCH_BASIS_NONE,          /* nobody has said */
    LAC_MATCH_BASIS_SPECIFICATION, /* a standard, a law, or text or code of the issuer states all of
                                      it: alphabet, length, and the check where there is one */
    LAC_MATCH_BASIS_DOCUMENTED,    /* the issuer's pages or code state a part, such as the prefix,
                                      or show one whole; the rest is known from use */
    LAC_MATCH_BASIS_PRACTICE,      /* known from use; the source is the issuer's page about it */
    LAC_MATCH_BASIS_OWN,           /* nobody else's form: words, marks, what the pack defines */
};

/* Whether a text of others is said to state the form, or a part of it. */
static inline bool lac_match_is_stated(enum lac_match_basis basis)
{
    return basis == LAC_MATCH_BASIS_SPECIFICATION || basis == LAC_MATCH_BASIS_DOCUMENTED;
}

enum lac_match_strength {
    LAC_MATCH_FLOOR,   /* hard evidence: the answer can't be lower than the rule's tier */
    LAC_MATCH_OPINION, /* weak evidence: a likelihood over the tiers */
    LAC_MATCH_ALLOW,   /* the whole field is a text that the pack calls public */
};

/*
 * One rule. Exactly one of detector, pattern and phrases says what it looks for. Everything is
 * borrowed until the struct lac_match that was made from it is closed.
 */
struct lac_match_rule {
    struct lac_str id;     /* unique in the set */
    struct lac_str entity; /* Presidio's name where it has one */
    enum lac_tier tier;
    enum lac_match_strength strength;
    uint32_t score;                      /* ppm: how sure a hit is */
    uint32_t likelihood[LAC_TIER_COUNT]; /* ppm, 1 .. 1,000,000; opinions and allow only */
    struct lac_str detector;       /* name of a built-in one, see lac_match_detector_known() */
    struct lac_str pattern;        /* regular expression of bounded width, plain view */
    struct lac_str validator;      /* name of one, see lac_match_validator_known(); with a pattern
                                      only. It decides about the pattern's whole match */
    uint32_t min_entropy;          /* Shannon, thousandths of a bit per byte of the hit; 0 = any */
    uint32_t count;                /* how many hits a field needs for them to count; 0 and 1: one */
    const struct lac_str *phrases; /* folded and found on word boundaries */
    size_t phrase_count;
    bool names; /* the phrases are an organisation's own names: words that belong together are also
                   found joined (projectapollo, projectApollo), with . or / between them, as the
                   parts of a longer identifier (getProjectApolloId, db.apollo_users), and with the
                   plural of the last word */
    const struct lac_str *except; /* phrases with one '*' for the hit: "what is *", "* computing" */
    size_t except_count;
    const struct lac_str *allow; /* documented examples: a hit with this folded text is none; a '*'
                                    in it stands for anything; a short one with a star on
                                    either side holds for short hits only, see
                                    LAC_MATCH_CHANCE_MAX */
    size_t allow_count;
    const struct lac_str *context; /* words of which one must be near; none needed when empty */
    size_t context_count;
    uint32_t context_window; /* characters to either side, LAC_MATCH_WINDOW_MAX bytes at most */
    uint32_t context_boost;  /* ppm; above 0: no word is needed, one that is near raises the
                                score by this, to at most a million */
    enum lac_match_redaction redaction;
    struct lac_str source;      /* who says what the format is */
    enum lac_match_basis basis; /* how well; decides nothing */
    struct lac_str checked; /* day, YYYY-MM-DD, on which the rule was last held against that text;
                               empty: nobody has said. It decides nothing */
    struct lac_str description; /* one sentence for people */
    const struct lac_str *tags; /* what the decision is tagged with */
    size_t tag_count;
};

struct lac_match;
struct lac_match_scratch;

/*
 * Compiles `count` rules. REJECT: a rule can't be used (unknown detector, a pattern that does not
 * compile or has no bounded width, an empty phrase ...): `*bad_rule`, if not NULL, is its index.
 * FATAL: no memory. `rules` and what they point to are borrowed until lac_match_close().
 */
enum lac_status lac_match_open(struct lac_match **out, const struct lac_match_rule *rules,
                               size_t count, size_t *bad_rule, struct lac_err *err) LAC_MUST_USE;

/*
 * The compiled form: one flat block of bytes that can be written to a file and used from there,
 * memory-mapped. The same rules give the same bytes. Borrowed until lac_match_close().
 */
void lac_match_image(const struct lac_match *m, struct lac_str *bytes);

/*
 * Opens the image of the same `rules`; instead of compiling, every offset in it is checked.
 * `bytes` are aligned to 64 and borrowed until lac_match_close(), like the rules. AGAIN: made by
 * another version, on another kind of machine or from other rules: lac_match_open() helps. REJECT:
 * damaged. FATAL: no memory, or not aligned.
 */
enum lac_status lac_match_open_image(struct lac_match **out, struct lac_str bytes,
                                     const struct lac_match_rule *rules, size_t count,
                                     struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. No scan may be running. */
void lac_match_close(struct lac_match *m);

size_t lac_match_rule_count(const struct lac_match *m);
const struct lac_match_rule *lac_match_rule_at(const struct lac_match *m, size_t index);

/*
 * The compiled patterns of all rules, and what `pattern` takes: steps per byte of text at most. A
 * detector's takes none, its cost is the engine's; one that Vectorscan carries counts as the
 * dearest that we run. `*rule` is whose it is.
 */
size_t lac_match_pattern_count(const struct lac_match *m);
uint32_t lac_match_pattern_steps(const struct lac_match *m, size_t pattern, size_t *rule);

/* Whether there is a built-in detector of this name; lac_match_detector_at() lists them, NULL
 * behind the last one. */
bool lac_match_detector_known(struct lac_str name);
const char *lac_match_detector_at(size_t index);

/* The same for validators. */
bool lac_match_validator_known(struct lac_str name);
const char *lac_match_validator_at(size_t index);

/*
 * What a lane needs to scan. `field_bytes` is the longest field that is scanned to its end; the
 * rest of a longer one is not looked at, and its hits say so.
 */
enum lac_status lac_match_scratch_open(struct lac_match_scratch **out, size_t field_bytes,
                                       struct lac_err *err) LAC_MUST_USE;
void lac_match_scratch_close(struct lac_match_scratch *s);

/* Makes `s` fit for `m`: once before the first scan and after each change of pack. Allocates. */
enum lac_status lac_match_scratch_fit(struct lac_match_scratch *s, const struct lac_match *m,
                                      struct lac_err *err) LAC_MUST_USE;

struct lac_match_hit {
    uint32_t rule;  /* index */
    uint32_t score; /* ppm */
    uint32_t start; /* first byte in the field as it was given */
    uint32_t end;   /* one past the last */
};

struct lac_match_extent {
    uint32_t start, end; /* bytes of the field */
};

struct lac_match_hits {
    struct lac_match_hit *at; /* the caller's array */
    size_t capacity;
    uint32_t per_rule;    /* set by the caller: reported per rule; 0 = LAC_MATCH_HITS_PER_RULE */
    bool is_name;         /* set by the caller: the field is a name, so a hit that is all of it
                             needs no context words. One of more than LAC_MATCH_NAME_BYTES, as the
                             plain view has it and without blanks around it, is a text */
    bool keep_shadowed;   /* set by the caller: also report hits inside surer ones, see below */
    bool decode;          /* set by the caller: also look into what is percent-encoded, escaped, hex
                             or base64, three deep, and at values that a line end cuts in two; hits
                             then cover the bytes that encode them, and the line end */
    bool want_weak;       /* set by the caller: report hits below LAC_MATCH_SCORE_COUNTS too */
    size_t count;         /* reported; sorted by start, end, rule; each once */
    const bool *rule_hit; /* [rule_count]: hit at least once, reported or not; borrowed from the
                             scratch until its next scan */
    enum lac_tier floor;  /* join over all floor rules that hit, reported or not */
    bool truncated;       /* more hits than were reported */
    bool over_limit;      /* the field's end was not looked at */
    bool undecodable;     /* malformed UTF-8: the well-formed parts were scanned */
    bool too_deep;        /* encodings in encodings in ...: the innermost was not looked at; or more
                             line ends in what may be values than are tried */
    const struct lac_match_extent *tables; /* [table_count]: if `decode`, tables of which a heading
                             is a word that a rule asks for, headings included, as far as the field
                             goes; ascending; borrowed like rule_hit */
    size_t table_count;
    bool whole_allowed; /* an allow rule covers the whole field */
    bool blank;         /* nothing but blanks */
};

/*
 * Where a floor's hit lies inside a surer floor's of another rule that asks for no less, only the
 * surer one is reported and counts, unless the caller keeps both. With weak hits, of two that say
 * the same entity only the surer one is kept even then.
 *
 * Scans one field. Fills all of `hits` but what the caller sets. LAC_FATAL only for a scratch
 * that was not fitted or a failure inside the matcher; text never fails. Thread: lane (the
 * scratch's).
 */
enum lac_status lac_match_scan(const struct lac_match *m, struct lac_match_scratch *s,
                               struct lac_str text, struct lac_match_hits *hits,
                               struct lac_err *err) LAC_MUST_USE;

/*
 * The folded view of `text`, as phrases are compared: for tools, tests and duplicate checks.
 * Returns bytes written to `out` (at most `capacity`), or SIZE_MAX when they do not fit.
 */
size_t lac_match_fold(char *out, size_t capacity, struct lac_str text);

#endif
