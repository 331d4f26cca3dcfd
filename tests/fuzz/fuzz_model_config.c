/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of a model's small files accept is within the limits. The first byte says which
 * file the rest is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_model_config.h"
#include "lac_encode_model_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_config(struct lac_str json)
{
    struct lac_encode_weights w = {0};

    if (lac_encode_config_read(json, &w, NULL) != LAC_OK)
        return;
    if (w.hidden > LAC_ENCODE_WIDTH_MAX || w.layers > LAC_ENCODE_LAYER_MAX ||
        w.hidden % w.heads != 0 || w.window > w.positions || w.window > LAC_ENCODE_POSITION_MAX)
        abort();
}

/* From the root, or by a part that is "..". */
static bool leads_out(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += part > path;
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0))
            return true;
    }
    return path[0] == '/';
}

/* A file that is named lies in the folder, and each tensor is in one of them, once. */
static void check_index(struct lac_str json)
{
    struct lac_encode_index x;

    if (lac_encode_index_read(&x, json, NULL) != LAC_OK)
        return;
    if (x.count == 0 || x.shard_count == 0 || x.shard_count > LAC_ENCODE_SHARD_MAX)
        abort();
    for (uint32_t i = 0; i < x.shard_count; i++)
        if (strchr(x.shards[i], '/') || x.shards[i][0] == '.' || !strstr(x.shards[i], ".safet"))
            abort();
    for (size_t i = 0; i < x.count; i++)
        if (x.tensors[i].shard >= x.shard_count ||
            (i && lac_str_cmp(x.tensors[i - 1].tensor, x.tensors[i].tensor) >= 0))
            abort();
    lac_encode_index_deinit(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char prefix[2][LAC_ENCODE_PREFIX_MAX + 1] = {"", ""};
    struct lac_encode_modules modules;
    enum lac_encode_pooling pooling = LAC_ENCODE_POOL_MEAN;
    uint32_t window = 1;
    struct lac_str json;

    if (size == 0)
        return 0;
    json = (struct lac_str){(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'm':
        if (lac_encode_modules_read(json, &modules, NULL) == LAC_OK &&
            leads_out(modules.pooling_folder))
            abort();
        break;
    case 'p':
        if (lac_encode_pooling_read(json, 8, &pooling, NULL) == LAC_OK &&
            pooling != LAC_ENCODE_POOL_MEAN && pooling != LAC_ENCODE_POOL_CLS)
            abort();
        break;
    case 's':
        if (lac_encode_window_read(json, &window, NULL) == LAC_OK && window < 1)
            abort();
        break;
    case 'q':
        if (lac_encode_prompts_read(json, prefix, NULL) == LAC_OK &&
            (strlen(prefix[0]) > LAC_ENCODE_PREFIX_MAX ||
             strlen(prefix[1]) > LAC_ENCODE_PREFIX_MAX))
            abort();
        break;
    case 'i':
        check_index(json);
        break;
    default:
        check_config(json);
    }
    return 0;
}
