/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_lint_head.h"

#include <string.h>

#include "lac_head_data.h"
#include "lac_pack_internal.h"

static void say(struct lac_pack *p, enum lac_pack_level level, const char *code, const char *text,
                const char *todo)
{
    const struct lac_pack_remark r = {
        .level = level, .code = code, .at = p->model_at, .todo = todo};

    lac_pack_say(p, &r, "%s", text);
}

static bool is_own(const struct lac_pack *p, const char *path)
{
    return lac_pack_files_find(&p->files, path) != NULL;
}

/* With the texts read. What is inherited is the built-in pack's matter. */
static void compare(struct lac_pack *p, const struct lac_head_data *texts)
{
    bool learned = p->head && is_own(p, "semantic/head.json");
    bool same = learned && memcmp(lac_head_exemplars_hash(p->head), lac_head_data_hash(texts),
                                  LAC_HEAD_HASH_SIZE) == 0;

    if (lac_pack_has_own_exemplars(p) && !learned)
        say(p, LAC_PACK_WARNING, "head-missing",
            "there are exemplars, but nothing was learned from them: they decide nothing",
            "run `lacuna train`");
    else if (lac_head_data_count(texts) == 0 && learned)
        say(p, LAC_PACK_NOTE, "head-texts",
            "the texts that semantic/ was learned from are not in exemplars/", NULL);
    else if (learned && !same)
        say(p, LAC_PACK_WARNING, "head-stale",
            "exemplars/ was changed since semantic/ was learned from it: the changes decide "
            "nothing yet",
            "run `lacuna train`");
    else if (p->model_at && !p->head)
        say(p, LAC_PACK_WARNING, "head-missing",
            "a model is named, but nothing was learned: texts are decided by rules alone",
            "put labelled texts into exemplars/ and run `lacuna train`");
}

enum lac_status lac_pack_lint_head(struct lac_pack *p, struct lac_err *err)
{
    struct lac_head_data *texts;
    struct lac_err why = {0};
    enum lac_status status = lac_pack_exemplars(p, &texts, &why);

    if (status == LAC_OK)
        compare(p, texts);
    lac_head_data_free(texts);
    if (status == LAC_OK || lac_pack_forgive(p, status, &why))
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, why.code, "%s", why.text);
}
