/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_store_internal - what the files of the model store share
 */
#ifndef LAC_ENCODE_STORE_INTERNAL_H
#define LAC_ENCODE_STORE_INTERNAL_H

#include "lac_encode_store.h"

#define LAC_ENCODE_STORE_PREFIX "sha256-"

/* STORE/KIND NAME. */
enum lac_status lac_encode_store_path(char out[PATH_MAX], const char *store, const char *kind,
                                      const char *name, struct lac_err *err) LAC_MUST_USE;

/* FATAL with errno's text. */
enum lac_status lac_encode_store_fail(struct lac_err *err, const char *path);

/* The hash that a name, a hash or the first digits of one mean in this store. */
bool lac_encode_store_find(const char *store, const char *what,
                           unsigned char hash[LAC_ENCODE_HASH_SIZE]) LAC_MUST_USE;

#endif
