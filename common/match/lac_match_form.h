/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_form - how languages and files give a value to a name
 *
 * Private to common/match. Behind a name that means a secret stands its value, in one of the forms
 * that programs, configuration files, markup, shells and people use. Only the place is found here;
 * whether what stands there is a secret is for the detector to say. Every step is bounded.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_FORM_H
#define LAC_MATCH_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match_detect.h"
#include "lac_str.h"

enum { LAC_MATCH_NAME_REST = 32 /* bytes of an identifier before and behind the word in it */ };

/* The identifier: t[start, end). */
struct lac_match_name {
    size_t start;
    size_t end;
    bool option; /* --password, -Password */
    bool whole;  /* ends with the word that means a secret: no passwordManager */
};

/* Where a value stands, and what is known of it from that. */
struct lac_match_value {
    struct lac_str text;
    size_t at;      /* its offset */
    bool quoted;    /* in quotes or between tags: nothing is missing at its end */
    bool statement; /* behind an upper-case name and '=', or in a command's option */
    bool prose;     /* "the password is ..." */
    bool directive; /* given: blanks are the operator, as in "requirepass ..." */
    bool cut;       /* it goes on: only its first 256 bytes are read */
    bool bare;      /* nothing but blanks or a dash between: "the deploy token 5f3a..." */
};

/* Letters, digits and what joins the parts of an identifier: '-', '.', '_'. */
#define LAC_MATCH_NAMES_LOW (LAC_MATCH_BIT('-') | LAC_MATCH_BIT('.') | (uint64_t)0x3FF << '0')
#define LAC_MATCH_NAMES_HIGH \
    ((uint64_t)0x3FFFFFF << ('A' - 64) | LAC_MATCH_BIT('_') | (uint64_t)0x3FFFFFF << ('a' - 64))

static inline bool lac_match_is_name(unsigned c)
{
    static const struct lac_match_bytes names = {{LAC_MATCH_NAMES_LOW, LAC_MATCH_NAMES_HIGH}};

    return lac_match_bytes_have(&names, c);
}

/* Whether `name` has capitals, digits and '_' only, as constants and variables of a shell do. */
bool lac_match_is_constant(struct lac_str name);

/*
 * The value given to `name`. `noun`: a second word may follow the name ("secret key"), and a value
 * may stand behind it without an operator. `v` comes zeroed but for `statement` and `directive`.
 * False: none of the forms, or a value that is a call or a template.
 */
bool lac_match_value_of(struct lac_str t, const struct lac_match_name *name, bool noun,
                        struct lac_match_value *v);

#endif
