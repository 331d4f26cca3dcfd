/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_name - what the name that a value has says of it
 *
 * Private to common/match. A name with "password", "secret", "token" or "key" in it, and the word
 * in front of it, may say that no secret follows, whatever the value looks like.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_NAME_H
#define LAC_MATCH_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_str.h"

/* Whether the name is about a secret but holds none: password_hash, secretName, csrf_token.
 * `before`: what it has up to the end of that word, of a key without "key"; `after`: the rest.
 * `password`: the word is one for passwords. */
bool lac_match_name_is_about(struct lac_str before, struct lac_str after, bool password);

/* Keys that identify, sort or lock nothing: primary_key, cacheKey, routing-key. `before`: what the
 * name has before "key". */
bool lac_match_name_is_plain_key(struct lac_str before);

/* Whose key it is, where a word of its own in front of t[name] says so: "acme KEY=..", "the Acme
 * key is ..". Empty where there is none, or only what any key may have in front of it. */
struct lac_str lac_match_name_owner(struct lac_str t, size_t name);

/* "Next page token: eav1O": whether the word in front of t[name] says what else the name would. */
bool lac_match_name_is_cursor(struct lac_str t, size_t name);

#endif
