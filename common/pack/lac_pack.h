/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack - everything that shapes a decision and is not code
 *
 * A pack's source is a folder:
 *
 * - pack.yaml: name, version, prior, strategies (cost matrices), price, excerpt, model (name and
 *   hash of the encoder that semantic/ is for: another one's is refused); `base: builtin` takes
 *   what the folder lacks from the built-in pack, rule file by rule file
 * - rules.yaml and rules/ANY.yaml: detection rules with their examples
 * - routing.yaml: tier -> destinations; one not listed is denied
 * - terms/ANY.yaml: projects, customers, terms (or internal_terms)
 * - semantic/head.json and semantic/exemplars.vec: what `lacuna train` learned (lac_head.h); both
 *   or none; without them the pack decides by rules alone
 * - exemplars/ANY.jsonl: the labelled texts behind it
 *
 * Its hash is SHA-256 over one line per file, sorted by path as bytes:
 *
 *     <path>, <size>, <sha256>\n
 *
 * path relative to the folder with '/' between its parts, size in decimal bytes, sha256 in
 * lower-case hex. Every regular file counts, also ones that this version does not read; names
 * that begin with a dot do not. Links and names with control characters are refused.
 *
 * A pack is also one file, for moving and mapping: lac_pack_write() makes it and lac_pack_bundle.h
 * says how it is laid out. The file holds the source with all that it inherits, so it means the
 * same in a program with another built-in pack, and has the same hash as the folder.
 *
 * A pack is immutable and shared by lanes. Errors read "rules.yaml:12: why; did you mean ...".
 */
#ifndef LAC_PACK_H
#define LAC_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_decide.h"
#include "lac_err.h"
#include "lac_match.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_PACK_HASH_SIZE = 32,
    LAC_PACK_FILE_MAX = 1024,        /* files */
    LAC_PACK_FILE_BYTES = 16 << 20,  /* of one file */
    LAC_PACK_TOTAL_BYTES = 64 << 20, /* of all files */
    LAC_PACK_DEPTH_MAX = 8,          /* folders within folders */
    LAC_PACK_ROUTE_MAX = 32,         /* destinations of one tier */
    LAC_PACK_BYTES_MAX = 256 << 20,  /* of a pack as one file */
};

struct lac_buf;
struct lac_hash256;
struct lac_head;
struct lac_pack;

/* Opens and compiles. `path` is a folder or a pack file, which is mapped for as long as the pack
 * is open: replace it by rename, never in place. NULL or "" is the built-in pack. REJECT: the
 * source or the file is wrong. FATAL: it can't be read, or no memory. */
enum lac_status lac_pack_open(struct lac_pack **out, const char *path,
                              struct lac_err *err) LAC_MUST_USE;

/* The same for who only looks for what rules find: lac_pack_head() of a pack file or of the
 * built-in pack is NULL. Opening it takes a third of the time and is of no use then; the file's
 * digest says that it is what a program made that had opened it. A folder's is opened, for nobody
 * has yet. Of the built-in pack there are no examples and no notes either: its rules were read when
 * the program was built. */
enum lac_status lac_pack_open_rules(struct lac_pack **out, const char *path,
                                    struct lac_err *err) LAC_MUST_USE;

/* The same for who makes semantic/ anew: what is there may be damaged, or for another model than
 * pack.yaml names, and is passed over then, so that lac_pack_head() is NULL. */
enum lac_status lac_pack_open_to_train(struct lac_pack **out, const char *path,
                                       struct lac_err *err) LAC_MUST_USE;

/* One file of a pack that is already in memory; `path` as in the hash. */
struct lac_pack_file {
    struct lac_str path;
    struct lac_str data;
};

/* The same from memory; everything is copied. For tests, fuzzing and packs that came by topic. */
enum lac_status lac_pack_open_files(struct lac_pack **out, const struct lac_pack_file *files,
                                    size_t count, struct lac_err *err) LAC_MUST_USE;

/* A pack file's bytes from memory; copied. REJECT: cut, changed, of a newer format, or wrong. */
enum lac_status lac_pack_open_bytes(struct lac_pack **out, struct lac_str bytes,
                                    struct lac_err *err) LAC_MUST_USE;

/*
 * Appends the pack as one file. The same source gives the same bytes, whatever the order in which
 * it was read. FATAL: no memory, or `out` is too small; LAC_PACK_BYTES_MAX is always enough.
 * Thread: any.
 */
enum lac_status lac_pack_write(const struct lac_pack *p, struct lac_buf *out,
                               struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. Nobody may use it or what it lent. */
void lac_pack_close(struct lac_pack *p);

/* All of the following are borrowed until lac_pack_close(). */
const struct lac_hash256 *lac_pack_hash(const struct lac_pack *p);
/* Tells this opening from every other of the process, never 0: an address comes back when a pack is
 * closed, and with it even the same content, elsewhere in memory. */
uint64_t lac_pack_number(const struct lac_pack *p);
struct lac_str lac_pack_name(const struct lac_pack *p);
uint64_t lac_pack_version(const struct lac_pack *p);
const struct lac_match *lac_pack_match(const struct lac_pack *p);
const struct lac_decide_policy *lac_pack_policy(const struct lac_pack *p);

/* What the pack knows about texts' meaning, and for which encoder; NULL: nothing. */
const struct lac_head *lac_pack_head(const struct lac_pack *p);

/* The encoder that pack.yaml names, for `lacuna train`; NULL: none. What decides is the head's. */
struct lac_pack_model {
    struct lac_str name;
    unsigned char hash[32];
};
const struct lac_pack_model *lac_pack_model(const struct lac_pack *p);

/*
 * The labelled texts of exemplars/ANY.jsonl, inherited files among them unless the head has
 * learned from its own alone; a text without a domain has its file's name without the ending. What
 * a head's lac_head_exemplars_hash() is over. To be freed also when it fails. REJECT: "FILE:LINE:
 * why". FATAL: no memory.
 */
struct lac_head_data;
enum lac_status lac_pack_exemplars(const struct lac_pack *p, struct lac_head_data **out,
                                   struct lac_err *err) LAC_MUST_USE;

/* The files that the hash is over, sorted by path; inherited ones are below base/. */
size_t lac_pack_file_count(const struct lac_pack *p);
const struct lac_pack_file *lac_pack_file_at(const struct lac_pack *p, size_t index);

/* Destinations allowed for a tier: sorted, each once. */
const struct lac_str *lac_pack_route(const struct lac_pack *p, enum lac_tier tier, size_t *count);

/* Bytes of redacted excerpt that the pack asks for; 0 = none. */
size_t lac_pack_excerpt_bytes(const struct lac_pack *p);

/* A rule's own examples, for tests and tools. `index` as in lac_match_rule_at(). */
struct lac_pack_examples {
    const struct lac_str *match; /* texts in which the rule must hit */
    size_t match_count;
    const struct lac_str *no_match; /* texts in which it must not */
    size_t no_match_count;
};
struct lac_pack_examples lac_pack_examples(const struct lac_pack *p, size_t index);

/* What the loader wants people to know, such as a term that a mark rule already weighs. */
size_t lac_pack_note_count(const struct lac_pack *p);
struct lac_str lac_pack_note_at(const struct lac_pack *p, size_t index);

/* "specification" ...; "none" where a rule does not say. */
const char *lac_pack_basis_name(enum lac_match_basis basis);

#endif
