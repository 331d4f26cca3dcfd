/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_alike - what a character is meant to be read as
 *
 * Private to common/match. Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_ALIKE_H
#define LAC_MATCH_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_str.h"

/*
 * The ASCII character that `code`, which stands at [at, end) of `text`, is read as; 0: none.
 * Letters count only in a word that is Latin otherwise, or made of look-alikes alone; digits of any
 * script and dashes always do. Looks at most 32 characters to either side.
 */
char lac_match_alike(struct lac_str text, size_t at, size_t end, uint32_t code);

#endif
