/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A baseline file from arbitrary bytes; the first byte says whether a key was given. One that is
 * taken knows every fingerprint that stands in it, and what is written in its place can be read
 * again.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_scan.h"
#include "lac_fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEX = 2 * LAC_CLI_FINGERPRINT_BYTES };

/* Fingerprints as a plain reader finds them: they begin lines that are no notes. */
static void knows_all(const struct lac_cli_baseline *b, struct lac_str text)
{
    size_t at = 0;
    bool first = true;

    while (at < text.len) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t n = end ? (size_t)(end - text.ptr) - at : text.len - at;
        struct lac_str line = lac_str_slice(text, at, at + n);
        unsigned char f[LAC_CLI_FINGERPRINT_BYTES];

        if (!first && line.len >= HEX && line.ptr[0] != '#' &&
            lac_hex_decode(f, sizeof(f), lac_str_slice(line, 0, HEX))) {
            LAC_ASSERT(lac_cli_baseline_has(b, f));
        }
        first = false;
        at += n + 1;
    }
}

static void write_again(const char *path, const char *key)
{
    static const struct lac_match_rule rule = {.id = LAC_STR("rule")};
    struct lac_cli_record r = {
        .path = LAC_STR("a\nb"), .rule = &rule, .line = 3, .fingerprint = {1, 2, 3}};
    struct lac_cli_baseline *b, *again;
    unsigned char kept[64];
    struct lac_err err;
    size_t count, n;

    LAC_ASSERT(lac_cli_baseline_open(&b, path, true, lac_str_from(key), &err) == LAC_OK);
    n = lac_cli_baseline_key(b).len;
    LAC_ASSERT(n > 0 && n <= sizeof(kept));
    memcpy(kept, lac_cli_baseline_key(b).ptr, n);
    LAC_ASSERT(lac_cli_baseline_add(b, &r) && lac_cli_baseline_add(b, &r));
    LAC_ASSERT(lac_cli_baseline_write(b, path, &count, &err) == LAC_OK && count == 1);
    LAC_ASSERT(lac_cli_baseline_open(&again, path, false, lac_str_from(key), &err) == LAC_OK);
    LAC_ASSERT(lac_cli_baseline_has(again, r.fingerprint));
    LAC_ASSERT(lac_cli_baseline_key(again).len == n &&
               memcmp(lac_cli_baseline_key(again).ptr, kept, n) == 0);
    lac_cli_baseline_close(again);
    lac_cli_baseline_close(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_cli_baseline *b;
    struct lac_err err = {0};
    const char *path, *key;

    if (size < 1)
        return 0;
    path = lac_fuzz_file(data + 1, size - 1);
    key = data[0] & 1 ? "a person's key" : "";
    if (lac_cli_baseline_open(&b, path, false, lac_str_from(key), &err) != LAC_OK) {
        LAC_ASSERT(b == NULL && strncmp(err.text, path, strlen(path)) == 0);
        return 0;
    }
    knows_all(b, (struct lac_str){(const char *)data + 1, size - 1});
    lac_cli_baseline_close(b);
    if ((data[0] & ~1) == 2) /* it waits for the disk, so not for every input */
        write_again(path, key);
    return 0;
}
