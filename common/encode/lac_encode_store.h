/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_store - models on this machine, each under its hash
 *
 *     FOLDER/sha256-<hash>/    the files that shape a vector, as the model's folder had them
 *     FOLDER/names/<name>      a link to ../sha256-<hash>
 *
 * A model appears under its hash in one step, once all of it is on the disk, and is never changed
 * afterwards; opening one reads it and compares, so a decision can't name a model that it wasn't
 * made with. Decisions and packs name models by hash; names are for people.
 *
 * Thread: any. Processes may add, open and remove at the same time.
 */
#ifndef LAC_ENCODE_STORE_H
#define LAC_ENCODE_STORE_H

#include <limits.h>

#include "lac_encode_model.h"

enum {
    LAC_ENCODE_STORE_NAME_MAX = 64,   /* letters, digits, '.', '_' and '-', none of them first */
    LAC_ENCODE_STORE_MODEL_MAX = 256, /* models of one store */
    LAC_ENCODE_STORE_PREFIX_MIN = 8,  /* hex digits of a hash that is not written out */
};

/*
 * Where the store is: `configured` if not "" or NULL, else /var/lib/lacuna/models for root, else
 * lacuna/models below XDG_DATA_HOME or ~/.local/share, or root's where no home folder is known.
 * False: the path is too long. Thread: before others start (it reads the environment).
 */
bool lac_encode_store_folder(char out[PATH_MAX], const char *configured) LAC_MUST_USE;

/* Whether a name may be given to a model; one that could be a hash may not. */
bool lac_encode_store_name_ok(const char *name) LAC_MUST_USE;

/*
 * Checks the model in `folder` and its tokenizer as opening them does, copies what shapes it into
 * the store, gives it `name` (NULL: none; a name moves from another model to this one) and writes
 * its hash. One that is there stays, unless it was changed since: then the copy takes its place.
 * REJECT: it is not acceptable; FATAL: a file can't be read or written.
 */
enum lac_status lac_encode_store_add(const char *store, const char *folder, const char *name,
                                     unsigned char hash[LAC_ENCODE_HASH_SIZE],
                                     struct lac_err *err) LAC_MUST_USE;

/*
 * Opens the model that `what` means: a hash or the first digits of one, a name, or a folder (when
 * it holds a '/' or there is no such name). One from the store is compared with its hash: REJECT
 * when it was changed. REJECT, too, when there is no such model; the text says how to get it.
 */
enum lac_status lac_encode_store_open(struct lac_encode_model **out, const char *store,
                                      const char *what, struct lac_err *err) LAC_MUST_USE;

/* One model in the store, without looking at its content. */
struct lac_encode_stored {
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    char name[LAC_ENCODE_STORE_NAME_MAX + 1]; /* the first of its names; "": none */
    char path[PATH_MAX];
    uint64_t bytes;
};

/* All of them by hash, to free(). `*out` is NULL and `*count` 0 when there are none. */
enum lac_status lac_encode_store_list(const char *store, struct lac_encode_stored **out,
                                      size_t *count, struct lac_err *err) LAC_MUST_USE;

/* Takes a model and its names out. Who has it open goes on with it. REJECT: there is none. */
enum lac_status lac_encode_store_remove(const char *store, const char *what,
                                        unsigned char hash[LAC_ENCODE_HASH_SIZE],
                                        struct lac_err *err) LAC_MUST_USE;

#endif
