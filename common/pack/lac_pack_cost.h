/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_cost - what rules' patterns cost, one and all, and where they are looked at
 *
 * Thread: any; pure functions of the pack.
 */
#ifndef LAC_PACK_COST_H
#define LAC_PACK_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_pack.h"

/* What has to stand in a text before a pattern is tried, cheapest first. */
enum lac_pack_trigger {
    LAC_PACK_TRIGGER_NONE,      /* no pattern: a detector or phrases, whose cost is the engine's */
    LAC_PACK_TRIGGER_PREFIX,    /* a literal that it begins with */
    LAC_PACK_TRIGGER_SHAPE,     /* a word of one of few lengths and places of digits */
    LAC_PACK_TRIGGER_INNER,     /* a literal inside of it */
    LAC_PACK_TRIGGER_CONTEXT,   /* one of its context words */
    LAC_PACK_TRIGGER_BYTES,     /* nothing but a byte that it may begin with: dear */
    LAC_PACK_TRIGGER_AUTOMATON, /* beyond our compiler: Vectorscan carries it */
    LAC_PACK_TRIGGER_COUNT,
};

struct lac_pack_cost {
    enum lac_pack_trigger trigger;
    uint32_t steps; /* per byte of text at most, if the text were made for it; 0 without pattern */
    uint16_t least, most; /* bytes of a match */
    char what[80];        /* the literal, the number of shapes ...: for people; "" when obvious */
};

/* FATAL: no memory. */
enum lac_status lac_pack_cost(const struct lac_pack *p, size_t index, struct lac_pack_cost *out,
                              struct lac_err *err) LAC_MUST_USE;

enum {
    /*
     * Steps for each byte of text, of all patterns of a pack together: as many as 128 of the
     * dearest take, five times those of the built-in pack. A step takes a thirtieth of a nanosecond
     * (sixteen bytes at once) to one. So the longest request, a mebibyte, written by somebody who
     * knows the pack and wants to keep a lane busy, takes ten seconds to less than the five minutes
     * after which Kafka takes its worker for dead and gives the request to the next one.
     */
    LAC_PACK_STEPS_MAX = 1 << 18,
    LAC_PACK_DEAREST = 5,
};

struct lac_pack_total {
    uint64_t steps;     /* per byte of text at most: the patterns' sum */
    uint64_t inherited; /* of them, of rules of the base */
    size_t dearest[LAC_PACK_DEAREST], dearest_count; /* own rules' indexes, the dearest first */
    uint32_t dearest_steps[LAC_PACK_DEAREST];
};

/* Of its compiled form, wherever that came from. A pattern that Vectorscan carries counts as the
 * dearest that we run. */
void lac_pack_total(const struct lac_pack *p, struct lac_pack_total *out);

/* REJECT: more than LAC_PACK_STEPS_MAX; the text says how many, and names the dearest. Its place is
 * that of the dearest. */
enum lac_status lac_pack_total_check(const struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;

/* "where it begins", "words of its shape", ...: for tables. */
const char *lac_pack_trigger_name(enum lac_pack_trigger trigger);

#endif
