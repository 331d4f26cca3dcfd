/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publish's journal from arbitrary bytes. The first byte says whether the hash that ends it is put
 * behind them, as behind what a run has written. One that is read can be written, and says the same
 * when it is read again; of any other nobody believes a word.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_digest.h"
#include "lac_fuzz_file.h"
#include "lac_publish_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 14, HEX = 2 * LAC_SHA256_SIZE };

static bool same(const struct lac_publish_mark *a, const struct lac_publish_mark *b)
{
    return strcmp(a->path, b->path) == 0 && a->device == b->device && a->inode == b->inode &&
           a->position == b->position && a->line == b->line && a->delivered == b->delivered &&
           a->bad == b->bad && strcmp(a->head, b->head) == 0 && strcmp(a->tail, b->tail) == 0 &&
           memcmp(&a->shape, &b->shape, sizeof(a->shape)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[INPUT_MAX + HEX + 2];
    static struct lac_publish_mark m, again;
    unsigned char hash[LAC_SHA256_SIZE];
    struct lac_publish_journal j;
    struct lac_err err = {0};
    enum lac_status status;
    size_t n = size - 1;

    if (size < 1 || n > INPUT_MAX)
        return 0;
    memcpy(bytes, data + 1, n);
    if (data[0] & 1) {
        lac_sha256(hash, bytes, n);
        lac_hex_encode(bytes + n, hash, sizeof(hash));
        n += HEX;
        bytes[n++] = '\n';
    }
    (void)snprintf(j.path, sizeof(j.path), "%s", lac_fuzz_file((const uint8_t *)bytes, n));
    status = lac_publish_journal_load(&j, &m, &err);
    LAC_ASSERT(status == LAC_OK || status == LAC_REJECT);
    if (status != LAC_OK) {
        LAC_ASSERT(strncmp(err.text, j.path, strlen(j.path)) == 0);
        return 0;
    }
    m.shape.known = true; /* a run that goes on knows its own */
    LAC_ASSERT(lac_publish_journal_save(&j, &m, &err) == LAC_OK);
    LAC_ASSERT(lac_publish_journal_load(&j, &again, &err) == LAC_OK && same(&m, &again));
    return 0;
}
