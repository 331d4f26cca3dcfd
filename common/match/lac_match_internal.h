/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_internal - what the files of common/match share
 *
 * How a rule set is compiled: build reads the rules and folds their texts, route gives each
 * pattern and each trigger of a detector to the cheapest thing that can find where it could
 * match, table makes hash tables of all that, image puts it into one block and checks one that
 * comes from outside. How a field is scanned: views normalises it, front (lac_match_front.h) finds
 * places, scan walks over them, word and unit look closely, rest asks Vectorscan for what nothing
 * cheaper carries, add decides and records.
 *
 * Thread: see lac_match.h.
 */
#ifndef LAC_MATCH_INTERNAL_H
#define LAC_MATCH_INTERNAL_H

#include <endian.h>
#include <hs.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_match.h"
#include "lac_match_detect.h"
#include "lac_match_front.h"
#include "lac_match_image.h"
#include "lac_match_trio.h"

/* What an image can't hold of a rule, and beside it what a candidate is judged by: rules hit
 * seldom, and this is one line of the cache where the rule itself is four. */
struct lac_match_live {
    const struct lac_match_detector *detector; /* NULL for patterns and phrases */
    lac_match_validate *validate;              /* NULL: any match of the pattern will do */
    /* of the rule and its image */
    uint32_t score, context_boost, context_window, min_entropy, count;
    uint32_t except, except_count, allow, allow_count, context_count;
    uint16_t allow_list; /* which of the lists of examples this is */
    uint8_t tier, strength;
    bool secret;   /* its tags say so */
    uint8_t joins; /* enum lac_match_join */
    bool below;    /* the detector looks below headings, too */
    uint8_t unused[1];
};

enum { LAC_MATCH_LIVE_BYTES = 64 };
_Static_assert(sizeof(struct lac_match_live) == LAC_MATCH_LIVE_BYTES, "one line of the cache");

/* How the examples of a list begin: those that may be anywhere in a hit, and the first byte of
 * those that begin where it does, a bit each. */
struct lac_match_allow_list {
    struct lac_match_trio inside;
    uint64_t first[4];
};

/* A letter's class is the same in either case. */
enum {
    LAC_MATCH_BESIDE = 64,
    LAC_MATCH_BEFORE = 3, /* bytes before a symbol that are looked at */
};

static inline unsigned lac_match_beside(unsigned char c)
{
    return (c & 31u) | (c >= 0x40 ? 32u : 0);
}

struct lac_match {
    const struct lac_match_rule *rules; /* borrowed */
    size_t count;
    struct lac_match_live *live; /* [count] */
    hs_database_t *rest;         /* NULL when no unit needs it */
    hs_database_t **alone;       /* [rest_count]: a unit without program, with its starts */
    struct lac_match_front_tables front;
    void *memory; /* owned image; NULL: borrowed */
    /* the image and its sections */
    const struct lac_match_image_header *image;
    const char *text;
    const struct lac_match_image_rule *image_rules;
    const struct lac_match_around *around;
    const uint32_t *context_ids;
    const uint32_t *context_units;
    const struct lac_match_word *words;
    const struct lac_match_gates *gates;
    const struct lac_match_phrase *phrases;
    const struct lac_match_unit *units;
    const struct lac_match_literal *literals;
    const struct lac_match_entry *entries;
    const struct lac_match_slot *word_slots;
    const struct lac_match_slot *prefix_slots;
    const struct lac_match_shape_ref *shape_list;
    const struct lac_match_group *shape_groups;
    const struct lac_match_shape *shapes;
    const uint32_t *symbol_first; /* [129] */
    const uint32_t *symbol_list;
    const struct lac_match_run *runs;
    const struct lac_match_run_group *run_groups;
    const uint64_t *run_marks;
    const uint64_t *run_marked;
    const uint32_t *loose;
    const char *programs;
    const uint32_t *rest_units;
    size_t word_mask, prefix_mask; /* slots less one */
    size_t unit_count, run_group_count, loose_count, rest_count;
    /* Of the first 64 groups of runs a bit each: those that a mark says something about, those of
     * rules that need no context, and those of a block of rules, modulo 32, that do. */
    uint64_t groups_of_mark[64];
    uint64_t groups_open, groups_gated[32];
    /* [symbol][how far before it][lac_match_beside() of the byte there]: which of its literals may
     * stand there, as bits of its sieve. Many end with a symbol of which texts are full ("token:",
     * "secret ="), behind bytes that tell little. */
    uint32_t symbol_before[128][LAC_MATCH_BEFORE][LAC_MATCH_BESIDE];
    struct lac_match_trio run_trio;           /* of three bytes that have a mark */
    struct lac_match_allow_list *allow_lists; /* of each list of examples */
    uint64_t
        *number_words; /* a bit of each word that numbers which may be joined stand beside ... */
    uint32_t number_blocks; /* ... and of each block, modulo 32, of the rules of these */
};

static inline struct lac_str lac_match_text_of(const struct lac_match *m, struct lac_match_text t)
{
    return (struct lac_str){m->text + t.at, t.len};
}

static inline const struct lac_match_regex *lac_match_program(const struct lac_match *m,
                                                              const struct lac_match_unit *u)
{
    return (const struct lac_match_regex *)(const void *)(m->programs + u->program);
}

/* One way to look at a field. */
struct lac_match_view {
    char *text;
    uint32_t *map; /* [len + 1]: where in the original each byte begins; NULL: not wanted */
    size_t len;
    size_t capacity;
};

/* What is remembered of a rule during one scan. */
struct lac_match_rule_state {
    uint32_t resume;       /* up to here all is settled, plain view */
    uint32_t searched;     /* up to here it was looked for around context words, plain view */
    uint32_t except_start; /* the latest excepted place */
    uint32_t except_end;
    struct lac_match_hit last; /* the latest hit that was not reported */
    uint32_t total;            /* hits that count, reported or not */
    uint32_t reported;         /* at most hits->per_rule */
    uint32_t reported_end;     /* no reported one ends behind it ... */
    uint32_t longest;          /* ... or has more bytes */
    uint32_t contexts;         /* how often the context was looked for in the text */
    uint32_t near_start;       /* the context word that was found last; none: both 0 */
    uint32_t near_end;
    bool has_last;
};

/* Where a unit of the rest has ended, so where its start has to be looked for. */
struct lac_match_region {
    uint32_t rest;       /* index in rest_units */
    uint32_t start, end; /* plain view; `end` is the last reported end */
};

/* A place where a context word stands, original offsets. */
struct lac_match_place {
    uint32_t start, end;
    uint32_t word;
};

/* A word or prefix that is in a table: its place in the view, and its entries. */
struct lac_match_found {
    uint32_t at;
    uint32_t first, count;
    bool hump; /* a part of an identifier, as it stands alone */
};

enum {
    LAC_MATCH_REGION_MAX = 256,
    LAC_MATCH_CONTEXT_CHECKS = 1024, /* of one rule in one field, where the list of places does
                                        not tell; see lac_match_context.c */
    LAC_MATCH_PLACES_LEAST = 4096,   /* context words in a field that are listed, at least ... */
    LAC_MATCH_PLACE_BYTES = 4,       /* ... and as many as a field of such words has */
    LAC_MATCH_CONTEXT_BYTES = 2048,  /* most that is searched for context words at once */
    LAC_MATCH_GATE_BLOCKS = LAC_MATCH_RULE_MAX / 64 + 1,
    /* At most every other byte begins a word, or a part of an identifier, each by two tables. */
    LAC_MATCH_FOUND_MAX = LAC_MATCH_CORE_BLOCKS * LAC_MATCH_BLOCK * 2,
};

struct lac_match_deep;
struct lac_match_glyphs;

/* A line end, with what belongs to it, that may stand in the middle of a value. */
struct lac_match_seam {
    uint32_t from, to; /* original offsets */
    uint8_t joins;     /* enum lac_match_join, all that may be */
    uint8_t line;      /* how many seams of the same token are before it */
    bool parts;        /* a number's, which may stand where a blank stood */
};

enum {
    LAC_MATCH_SEAMS_MAX = 1024, /* of one text; who has more hides something */
    LAC_MATCH_CHAIN_MAX = 8,    /* of one token */
};

enum { LAC_MATCH_HEADINGS_MAX = 256 }; /* of one text */

/* The places in a text where lines were joined. */
struct lac_match_cuts {
    struct {
        uint32_t at;
        uint32_t joins; /* enum lac_match_join */
    } list[LAC_MATCH_SEAMS_MAX];
    size_t count;
};

/* The token that was looked at last, plain view: its first line, and its seams if it can be one. */
struct lac_match_chain {
    size_t from, to;
    struct lac_match_seam seams[LAC_MATCH_CHAIN_MAX];
    size_t count;
};

enum { LAC_MATCH_ENTROPY_TERMS = LAC_MATCH_PATTERN_WIDTH + 1 };

/* How often each byte stands in the candidate whose entropy was asked for last. */
struct lac_match_entropy {
    const char *from, *to; /* it; both NULL: none */
    uint64_t sum;          /* of n * log2(n), 2^-20ths, over the counts */
    uint32_t seen[256];
    uint32_t terms[LAC_MATCH_ENTROPY_TERMS]; /* [n]: what the sum gains when n becomes n + 1 */
};

void lac_match_entropy_init(struct lac_match_entropy *e);

struct lac_match_scratch {
    hs_scratch_t *hs;
    struct lac_match_deep *deep; /* NULL in the scratch that decoded texts are scanned with */
    const struct lac_match_front *front;
    size_t field_bytes;
    struct lac_match_view folded; /* filled only when the text is not ASCII */
    struct lac_match_view copy;   /* memory of the plain view when it is not the text itself */
    struct lac_match_glyphs *glyphs;
    struct lac_match_rule_state *states; /* [rule_count] */
    bool *rule_hit;                      /* [rule_count] */
    uint32_t *touched;                   /* rules whose state is not fresh ... */
    size_t touched_count;
    uint64_t seen[LAC_MATCH_GATE_BLOCKS]; /* ... and a bit of each */
    struct lac_match_region regions[LAC_MATCH_REGION_MAX];
    size_t region_count;
    uint32_t *rest_region; /* [rest_count]: one more than the index of the latest region, or 0 */
    bool regions_full;     /* a unit found no room for its region */
    struct lac_match_entropy entropy;
    size_t token_from, token_to; /* a run of a token's characters, plain view */
    struct lac_match_seam seams[LAC_MATCH_SEAMS_MAX];
    size_t seam_count;
    struct lac_match_chain chain;
    size_t chains_tried;
    uint32_t headings[LAC_MATCH_HEADINGS_MAX]; /* lines that may be those of tables, where they
                                                  begin; in order */
    size_t heading_count;
    struct lac_match_extent tables[LAC_MATCH_HEADINGS_MAX];
    size_t heading_end; /* lines up to here were looked at */
    /* the scan in hand */
    const struct lac_match *m;
    struct lac_str text;
    struct lac_match_hits *hits;
    bool is_name;                          /* a hit that is all of it needs no context words */
    bool ascii;                            /* the views are the text itself */
    struct lac_str plain;                  /* the plain view */
    const struct lac_match_region *region; /* whose starts are being looked for */
    /* where context words are; complete for original offsets [place_from, place_to) */
    struct lac_match_place *places; /* [place_capacity] */
    size_t place_capacity;
    size_t place_count;
    uint32_t place_longest; /* bytes of any of them */
    size_t place_from, place_to;
    /* Rules that can count at all: those that need no context word, and those one of whose words is
     * among the places; all when the places are not all known. A bit of each. */
    uint64_t enabled[LAC_MATCH_GATE_BLOCKS];
    uint64_t open[2][LAC_MATCH_GATE_BLOCKS]; /* [want_weak]: those that need none */
    uint32_t gated_blocks; /* where others than those may be enabled: blocks, modulo 32 */
    /* the pass in hand */
    struct lac_str view;
    const uint32_t *map; /* of the view; NULL: offsets are the text's */
    bool words;          /* phrases and context words are looked for */
    bool units;          /* patterns and detectors are */
    /* the piece in hand */
    struct lac_match_piece piece;
    struct lac_match_masks masks[LAC_MATCH_PIECE_BLOCKS + 1];
    struct lac_match_events events;
    uint32_t word_slots[LAC_MATCH_PLACES]; /* of the words kept: where in the table they are */
    size_t phrase_count;
    struct lac_match_found phrases[LAC_MATCH_FOUND_MAX]; /* in no order */
    size_t literal_count;
    struct lac_match_found literals[LAC_MATCH_FOUND_MAX]; /* in the order of the text */
};

/* ---- compiling ---- */

/* Two kinds of key, before they are a table. */
struct lac_match_key {
    uint64_t key;
    struct lac_match_entry entry;
};

/* The first bytes, at most eight, of what a word's start is compared with. */
struct lac_match_prefix_text {
    uint64_t bytes;
    uint32_t len;
    uint32_t nocase;
};

enum { LAC_MATCH_ALLOW_LISTS = 32 }; /* that are looked at for one to share */

/* A unit while it is compiled. */
struct lac_match_draft {
    struct lac_match_regex_info info;
    bool gated; /* nothing of it counts without a context word */
    bool parts; /* may begin at a part of an identifier */
};

struct lac_match_build {
    struct lac_match *m; /* rules, count, live */
    struct lac_buf section[LAC_MATCH_SECTIONS];
    struct lac_buf word_keys;     /* struct lac_match_key */
    struct lac_buf prefix_keys;   /* likewise; the key's top half says how many bytes it has */
    struct lac_buf prefix_texts;  /* what goes into the bit map: uint32_t bytes, count, nocase */
    struct lac_buf symbols;       /* struct lac_match_key, the key is the byte */
    struct lac_buf shape_gated;   /* uint8_t per shape */
    struct lac_match_draft draft; /* the unit in hand */
    struct lac_match_regex_work *regex_work;
    size_t program_at;  /* where the next program begins */
    char **expressions; /* [unit], for the rest */
    unsigned *expression_flags;
    size_t expression_count;
    uint32_t *word_index; /* hash table of context words: id + 1 */
    size_t word_capacity;
    size_t word_count;
    uint32_t *key_counts;                        /* by hash: how many texts have a word */
    uint32_t allow_rules[LAC_MATCH_ALLOW_LISTS]; /* the first rule of each list of examples */
    size_t allow_rule_count;
    struct lac_match_image_header header;
};

enum { LAC_MATCH_KEY_COUNTS_LOG = 18 };

/* A text that was folded into the image. */
static inline struct lac_str lac_match_build_text(const struct lac_match_build *b,
                                                  struct lac_match_text t)
{
    const struct lac_buf *buf = &b->section[LAC_MATCH_S_TEXT];

    return (struct lac_str){t.len ? buf->ptr + t.at : "", t.len};
}

/* Counts the words by which a folded text can be looked for; it must have one. */
enum lac_status lac_match_check_key(struct lac_match_build *b, struct lac_str t,
                                    struct lac_err *err);

/* A way to nominate by the first bytes of a word, four or three of `bytes`. */
void lac_match_put_prefix(struct lac_match_build *b, struct lac_str bytes, bool nocase,
                          enum lac_match_entry_kind kind, size_t index);

/* The rules' texts, phrases, context words; units go through lac_match_route(). */
enum lac_status lac_match_build_rule(struct lac_match_build *b, size_t rule, struct lac_err *err);

/* When all texts are there: by which of its words each is looked for. */
void lac_match_choose_keys(struct lac_match_build *b);

/* Before the first and after the last rule. */
enum lac_status lac_match_build_open(struct lac_match_build *b, struct lac_err *err);
void lac_match_build_close(struct lac_match_build *b);

/* Finds a way to nominate the places of `unit`, whose draft is in hand. */
enum lac_status lac_match_route(struct lac_match_build *b, uint32_t unit, struct lac_err *err);

/* How many bytes every match of the program begins with that runs consist of. */
uint32_t lac_match_run_least(const struct lac_match_regex *program);

/* The kinds of a set's bytes. */
uint16_t lac_match_kinds_of(const struct lac_match_regex_set *set);

/* Which kinds the first bytes of a unit's matches have. */
void lac_match_head(const struct lac_match_regex *program, struct lac_match_unit *u);

/* Turns keys, shapes, symbols and runs into what the scan reads. */
enum lac_status lac_match_tables(struct lac_match_build *b, struct lac_err *err);

/* Compiles the units that have no other way, and serializes the database. */
enum lac_status lac_match_rest_compile(struct lac_match_build *b, struct lac_err *err);

/* Makes one block of the sections, owned by `m`. */
enum lac_status lac_match_image_assemble(struct lac_match_build *b, struct lac_err *err);

/* Checks every offset and count of an image from outside, and attaches it. */
enum lac_status lac_match_image_check(struct lac_match *m, struct lac_str bytes,
                                      struct lac_err *err);

/* Fills `m` from an image that was checked or made here. */
void lac_match_attach(struct lac_match *m, const void *bytes);

/* Makes what an image can't hold: live, rest, alone. */
enum lac_status lac_match_enliven(struct lac_match *m, struct lac_err *err);

/* Lines for `count` rules, zeroed, for free(); NULL: no memory. */
struct lac_match_live *lac_match_live_new(size_t count);

/* The validator and the detector that a rule names. REJECT: there is none of that name. */
enum lac_status lac_match_find_code(struct lac_match *m, size_t rule, struct lac_err *err);
enum lac_status lac_match_rest_open(struct lac_match *m, struct lac_err *err);
void lac_match_rest_close(struct lac_match *m);

/* A hash of all that the image of these rules depends on. */
uint64_t lac_match_rules_hash(const struct lac_match_rule *rules, size_t count);

/* Fewer than eight bytes, up to the text's end, and zeroes. */
uint64_t lac_match_load_last(struct lac_str t, size_t at);

/* Eight bytes from `at` on, the first lowest; zeroes behind the text. */
static inline uint64_t lac_match_load8(struct lac_str t, size_t at)
{
    uint64_t x;

    if (t.len - at < sizeof(x))
        return lac_match_load_last(t, at);
    memcpy(&x, t.ptr + at, sizeof(x));
    return le64toh(x);
}

/* Hash tables' keys: the run of letters and digits at `at`, 0 when there is none. */
uint64_t lac_match_key_of(struct lac_str text, size_t at);

/* Whether such a run goes through `at`: the key there is not 0. */
bool lac_match_in_word(struct lac_str text, size_t at);

/* ---- scanning ---- */

/* Makes `s` ready for a field: its views, nothing found so far. What lac_match_scan() begins with,
 * for benchmarks that find places in other ways. */
void lac_match_begin(struct lac_match_scratch *s, struct lac_str text, struct lac_match_hits *hits);

/* Notes where the field in hand has context words, as far as it is short enough for a list. */
void lac_match_places(struct lac_match_scratch *s);

/* Fills the views of `text`. Sets hits->undecodable and ->over_limit. */
void lac_match_views(struct lac_match_scratch *s, struct lac_str text, struct lac_match_hits *hits);

/* Index of the byte of `v` that holds the original offset `at`. */
size_t lac_match_view_find(const struct lac_match_view *v, size_t at);

/* The original offset of a byte of the plain view; its length gives the end. */
static inline uint32_t lac_match_plain_at(const struct lac_match_scratch *s, size_t i)
{
    return s->ascii ? (uint32_t)i : s->copy.map[i];
}

/* The other way round. */
static inline size_t lac_match_plain_find(const struct lac_match_scratch *s, size_t at)
{
    return s->ascii ? at : lac_match_view_find(&s->copy, at);
}

/* The original offset of a byte of the view in hand. */
static inline uint32_t lac_match_view_at(const struct lac_match_scratch *s, size_t i)
{
    return s->map ? s->map[i] : (uint32_t)i;
}

static inline struct lac_str lac_match_folded(const struct lac_match_scratch *s)
{
    return s->ascii ? s->text : (struct lac_str){s->folded.text, s->folded.len};
}

/* Whether the text has a word boundary at `i`: a letter or digit at most on one side, or a
 * script that is written without blanks. */
bool lac_match_boundary(struct lac_str text, size_t i);

/* What a byte is in the folded view: its lower case, ' ' for what parts words, itself. */
extern const unsigned char lac_match_fold_table[256];

static inline unsigned char lac_match_fold_byte(char c)
{
    return lac_match_fold_table[(unsigned char)c];
}

/*
 * Compares folded `what` with `text`, which need not be folded: a blank in `what` stands for any
 * run of separators. Forwards from `at`: where it ends, backwards: where it begins; SIZE_MAX when
 * it isn't there.
 */
size_t lac_match_same_from(struct lac_str text, size_t at, struct lac_str what);
size_t lac_match_same_to(struct lac_str text, size_t at, struct lac_str what);

/* Whether a part of an identifier begins at `i`: the B of fooBar, the S of HTTPServer. */
bool lac_match_is_hump(struct lac_str text, size_t i);

struct lac_match_range {
    size_t from, to;
};

/* Goes through what the first pass has found of words in the piece that begins at `from`: context
 * words become places if `note`; phrases and literals in the core are listed. */
void lac_match_words(struct lac_match_scratch *s, size_t from, const struct lac_match_range *core,
                     bool note);

/* False: what stands around the keyed word at `at` of the view is not what the entry's text has
 * there. */
bool lac_match_entry_fits(const struct lac_match_scratch *s, const struct lac_match_entry *e,
                          size_t at);

/* One entry of a table: a phrase that may stand there, or a literal of a unit whose keyed bytes
 * begin at `at`. */
void lac_match_phrase_at(struct lac_match_scratch *s, const struct lac_match_found *f,
                         uint32_t phrase);
void lac_match_literal_at(struct lac_match_scratch *s, size_t at, uint32_t literal);

/* A place where the unit's expression matches, plain view: the rule's validator or its detector
 * decides. False: it is nothing. */
bool lac_match_nominated(struct lac_match_scratch *s, const struct lac_match_unit *u, size_t start,
                         size_t end);

/* Runs a unit at one start, plain view. */
void lac_match_unit_at(struct lac_match_scratch *s, uint32_t unit, size_t start);

/* Runs it at all starts in [from, to) that can be one. */
void lac_match_unit_in(struct lac_match_scratch *s, uint32_t unit, size_t from, size_t to);

/* The units whose matches lie in runs, at the run that begins at `offset` of the piece, which is
 * `at` of the view; none that begins behind the core's end. */
void lac_match_run_at(struct lac_match_scratch *s, size_t offset, size_t at, size_t core_end);

/* Whether the rule can count here at all: false when it needs a context word and there is none in
 * sight. */
static inline bool lac_match_gate(const struct lac_match_scratch *s, uint32_t rule)
{
    return s->enabled[rule / 64] >> (rule % 64) & 1;
}

/* Whether something is remembered of the rule: most are not asked further. */
static inline bool lac_match_seen(const struct lac_match_scratch *s, uint32_t rule)
{
    return s->seen[rule / 64] >> (rule % 64) & 1;
}

/* A candidate of the unit is at hand: what will be read of it and of its rule lies apart, and has
 * not been read for a while. */
static inline void lac_match_foresee(const struct lac_match_scratch *s, uint32_t unit,
                                     uint32_t rule)
{
    const char *u = (const char *)&s->m->units[unit];

    __builtin_prefetch(u);
    __builtin_prefetch(u + sizeof(struct lac_match_unit) - 1);
    __builtin_prefetch(&s->m->live[rule]);
    __builtin_prefetch(&s->states[rule]);
}

/* No context word is in sight yet; all rules might have one; one is in sight. */
void lac_match_gates_close(struct lac_match_scratch *s);
void lac_match_gates_open(struct lac_match_scratch *s);
void lac_match_gates_word(struct lac_match_scratch *s, uint32_t word);

/* Notes line ends that may cut a value in two: of the unit, one of whose literals or triggers is
 * [start, at) of the plain view, and of numbers around the words of the piece in hand. */
void lac_match_seams_behind(struct lac_match_scratch *s, const struct lac_match_unit *u,
                            size_t start, size_t at);
void lac_match_seams_around_words(struct lac_match_scratch *s);

/* Notes the lines of headings in which the words of the piece in hand stand. */
void lac_match_headings_around_words(struct lac_match_scratch *s);

/* Puts them into the order of the text, each once. Returns how many are left. */
size_t lac_match_seams_sort(struct lac_match_seam *seams, size_t count);

/* All that only Vectorscan nominates. */
enum lac_status lac_match_rest(struct lac_match_scratch *s, struct lac_err *err);

/* Where the `window` characters before `at`, an original offset, begin, and where those from it on
 * end: a word of Greek or Thai is as near as one of English. LAC_MATCH_WINDOW_MAX bytes at most. */
size_t lac_match_window_before(const struct lac_match_scratch *s, size_t at, size_t window);
size_t lac_match_window_behind(const struct lac_match_scratch *s, size_t at, size_t window);

/* Whether one of the rule's context words is near the hit, original offsets. */
bool lac_match_context_near(struct lac_match_scratch *s, uint32_t rule, uint32_t start,
                            uint32_t end);

/* Whether `rule` has nothing to say without a context word. */
static inline bool lac_match_needs_context(const struct lac_match_rule *r, bool want_weak)
{
    return r->context_count > 0 &&
           (r->context_boost == 0 || (r->score < LAC_MATCH_SCORE_COUNTS && !want_weak));
}

/* An allow rule speaks only about a whole field; a final full stop or question mark is no more. */
bool lac_match_is_whole(struct lac_str folded, size_t start, size_t end);

/*
 * A validated candidate, original offsets: applies exceptions, allow-list and context, then
 * records it. A longer hit of the same rule replaces a shorter one that it overlaps. False: a word
 * that must be near is not, so that nothing was decided about what stands there.
 */
bool lac_match_add(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end);

/* Whether a candidate, as it stands in the plain view, has the rule's entropy and passes its
 * validator. */
bool lac_match_passes(struct lac_match_scratch *s, uint32_t rule, struct lac_str candidate);

/*
 * Where the token ends that a pattern's match [start, end) of the plain view is of. A pattern knows
 * an end within LAC_MATCH_PATTERN_WIDTH bytes; tokens that carry claims, policies or signatures
 * have none, and what a match leaves of one is as secret as the rest. So a match of
 * LAC_MATCH_CUT_MIN bytes or more that ends inside a run of a token's characters goes on to the
 * run's end.
 */
size_t lac_match_whole(struct lac_match_scratch *s, size_t start, size_t end);

/* The reported hits of which one of the rule may overlap [start, end): [*from, *to) of the list. */
void lac_match_reported_in(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end,
                           size_t *from, size_t *to);

/* A hit whose score is known and that counts. */
void lac_match_record(struct lac_match_scratch *s, const struct lac_match_hit *hit);

/* A scratch without a second one for decoded texts. */
enum lac_status lac_match_scratch_new(struct lac_match_scratch **out, size_t field_bytes,
                                      struct lac_err *err) LAC_MUST_USE;

/* Memory for decoded texts, and what stands in them: hits go to those of the scan in hand. */
enum lac_status lac_match_deep_open(struct lac_match_deep **out, struct lac_err *err) LAC_MUST_USE;
void lac_match_deep_close(struct lac_match_deep *d);
enum lac_status lac_match_deep_fit(struct lac_match_deep *d, const struct lac_match *m,
                                   struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_match_deep(struct lac_match_scratch *s, struct lac_err *err) LAC_MUST_USE;

/* After the last candidate: takes back hits of rules that need more of them than there are, and
 * fills hits->floor. */
void lac_match_settle(struct lac_match_scratch *s);

/* Makes what this scan remembers of `rule` fresh. */
struct lac_match_rule_state *lac_match_state_new(struct lac_match_scratch *s, uint32_t rule);

/* What this scan remembers of `rule`; zeroed when first asked for. */
static inline struct lac_match_rule_state *lac_match_state(struct lac_match_scratch *s,
                                                           uint32_t rule)
{
    return lac_match_seen(s, rule) ? &s->states[rule] : lac_match_state_new(s, rule);
}

#endif
