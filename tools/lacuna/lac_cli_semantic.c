/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_semantic.h"

#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_cli_model.h"

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
