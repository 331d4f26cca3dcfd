/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_semantic.h"

#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_model.h"
#include "lac_head.h"
#include "lac_log.h"
#include "lac_pack.h"

enum { SEMANTIC_OFF, SEMANTIC_OPTIONAL, SEMANTIC_REQUIRED }; /* words of classify.semantic */

int lac_cli_semantic_fail(const struct lac_tool *t, const struct lac_err *err)
{
    return lac_tool_fail(t,
                         err->status == LAC_REJECT  ? LAC_EXIT_USAGE
                         : err->status == LAC_RETRY ? LAC_EXIT_DEPENDENCY
                                                    : LAC_EXIT_FAILURE,
                         err->text, NULL);
}

int lac_cli_semantic_settings(const struct lac_tool *t, const char *model, const char *class)
{
    bool brief = class && !strchr(class, '-') && strcmp(class, "auto") != 0;
    char name[64];
    struct lac_err err;

    if (model && lac_conf_set(t->conf, "classify.model", model, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    if (!class)
        return -1;
    if (snprintf(name, sizeof(name), "%s%.32s", brief ? "cpu-" : "", class) >= (int)sizeof(name) ||
        lac_conf_set(t->conf, "classify.engine", name, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "--class takes auto, fp32, bf16, int8, cuda-bf16 or cuda-fp8", NULL);
    return -1;
}

static enum lac_status open_with(const struct lac_tool *t, const char *store, const char *model,
                                 struct lac_semantic **out, struct lac_err *err)
{
    const char *engine = lac_conf_text(t->conf, "classify.engine");
    struct lac_semantic_options o = {.store = store,
                                     .model = model,
                                     .auto_class = strcmp(engine, "auto") == 0,
                                     .plugin = lac_conf_text(t->conf, "model.plugin")};

    /* The configuration knows these words only. */
    LAC_ASSERT(o.auto_class || lac_encode_class_parse(lac_str_from(engine), &o.class));
    return lac_semantic_open(out, &o, err);
}

int lac_cli_semantic_device(const struct lac_tool *t, uint32_t layers, struct lac_semantic **s,
                            const struct lac_semantic_device **d)
{
    const char *model = lac_conf_text(t->conf, "classify.model");
    char store[PATH_MAX], path[PATH_MAX];
    struct lac_err err;
    int status;

    *s = NULL;
    *d = NULL;
    if (!*model)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "which model? Give --model DIR|NAME",
                             "`lacuna model list` shows what is there, `lacuna model add "
                             "all-minilm-l6-v2` gets a small one.");
    status = lac_cli_model_store(t, store);
    if (status >= 0)
        return status;
    model = lac_cli_model_where(store, model, path);
    if (open_with(t, store, NULL, s, &err) == LAC_OK &&
        lac_semantic_device_of(*s, model, layers, d, &err) == LAC_OK)
        return -1;
    return lac_cli_semantic_fail(t, &err);
}

/* The configured model; else, where the store lacks what a head wants, what tools/setup fetched. */
static const char *model_for(const struct lac_tool *t, const char *store,
                             const struct lac_head *head, char path[PATH_MAX])
{
    const char *configured = lac_conf_text(t->conf, "classify.model");
    char hex[2 * LAC_SEMANTIC_HASH_SIZE + 1];

    if (*configured)
        return lac_cli_model_where(store, configured, path);
    lac_hex_encode(hex, lac_head_model_hash(head), LAC_SEMANTIC_HASH_SIZE);
    return lac_cli_model_where(store, hex, path) == path ? path : NULL;
}

/* Says so where the model of a pack is missing. False: it is, and it is required. */
static bool find_model(const struct lac_tool *t, struct lac_semantic *s,
                       const struct lac_head *head)
{
    const struct lac_semantic_device *ignored;
    struct lac_str name = lac_head_model_name(head);
    struct lac_err err;

    if (lac_semantic_device(s, head, &ignored, &err) == LAC_OK)
        return true;
    if (lac_conf_choice(t->conf, "classify.semantic") == SEMANTIC_REQUIRED)
        return false;
    lac_tool_warn(t, "the pack's encoder %.*s is missing, so decisions are stricter: %s",
                  LAC_STR_FMT(name), err.text);
    return true;
}

static int find_models(const struct lac_tool *t, const struct lac_pack *const *packs, size_t count,
                       struct lac_semantic *s)
{
    char why[LAC_ERR_TEXT_SIZE] = "";

    for (size_t i = 0; i < count; i++) {
        const struct lac_head *head = packs[i] ? lac_pack_head(packs[i]) : NULL;

        if (!head || find_model(t, s, head))
            continue;
        (void)lac_semantic_missing(s, why, sizeof(why));
        return lac_tool_fail(t, LAC_EXIT_USAGE, why, "classify.semantic is \"required\".");
    }
    return -1;
}

int lac_cli_semantic_for(const struct lac_tool *t, const struct lac_pack *const *packs,
                         size_t count, struct lac_semantic **out)
{
    const struct lac_head *head = NULL;
    char store[PATH_MAX], path[PATH_MAX];
    struct lac_err err;
    int status;

    *out = NULL;
    for (size_t i = 0; i < count && !head; i++)
        head = packs[i] ? lac_pack_head(packs[i]) : NULL;
    if (!head || lac_conf_choice(t->conf, "classify.semantic") == SEMANTIC_OFF)
        return -1;
    status = lac_cli_model_store(t, store);
    if (status >= 0)
        return status;
    if (open_with(t, store, model_for(t, store, head, path), out, &err) != LAC_OK)
        return lac_cli_semantic_fail(t, &err);
    return find_models(t, packs, count, *out);
}
