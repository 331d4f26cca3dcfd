/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_model_folder - a tiny model as Hugging Face's folders hold it, for tests
 *
 * Each file's text can be changed before it is written: one replacement in one of them is one way
 * in which a folder can be wrong.
 */
#ifndef LAC_MODEL_FOLDER_H
#define LAC_MODEL_FOLDER_H

#include <stddef.h>
#include <stdint.h>

struct lac_model_change {
    const char *file; /* "config.json", "model.safetensors" (its header), ... */
    const char *from; /* the first of these ... */
    const char *to;   /* ... becomes this; NULL: the file is not written */
};

enum {
    LAC_MODEL_HIDDEN = 8,
    LAC_MODEL_FFN = 16,
    LAC_MODEL_VOCAB = 10,
    LAC_MODEL_POSITIONS = 8,
    LAC_MODEL_LAYERS = 1,
};

/* Makes the folder in a new temporary one; its name is the caller's to lac_model_folder_remove().
 * `change` may be NULL. Aborts when the system fails. */
char *lac_model_folder_make(const struct lac_model_change *change);
void lac_model_folder_remove(char *folder);

#define LAC_MODEL_INDEX   "model.safetensors.index.json"
#define LAC_MODEL_SHARD_1 "model-00001-of-00002.safetensors"
#define LAC_MODEL_SHARD_2 "model-00002-of-00002.safetensors"

/* Makes two files and an index of the folder's model.safetensors. `change` may be in any of the
 * three; NULL: none. */
void lac_model_folder_split(const char *folder, const struct lac_model_change *change);

/* The bytes of such a model.safetensors; to free(). */
unsigned char *lac_model_tensors_make(const struct lac_model_change *change, size_t *size);

#endif
