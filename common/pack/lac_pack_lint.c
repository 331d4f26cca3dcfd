/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader does not look for. Mistakes that it refuses are findings already, see
 * lac_pack_forgive(). */
#include "lac_pack_lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lac_pack_internal.h"
#include "lac_pack_lint_head.h"
#include "lac_pack_lint_rules.h"

struct lac_pack_lint {
    struct lac_pack *p;
    struct lac_pack_findings findings;
};

/* A file's compiled form is what decides: one that another tool made is not what the source says.
 */
static enum lac_status check_image(struct lac_pack *p, struct lac_err *err)
{
    struct lac_match *theirs = NULL;
    struct lac_str ours;
    struct lac_err why;
    enum lac_status status;

    if (p->bundle.image.len == 0)
        return LAC_OK;
    status = lac_match_open_image(&theirs, p->bundle.image, p->rules, p->rule_count, &why);
    lac_match_close(theirs);
    if (status == LAC_AGAIN)
        return LAC_OK; /* of another version: nobody uses it */
    if (status == LAC_FATAL)
        return lac_err_set(err, status, why.code, "%s", why.text);
    lac_match_image(p->match, &ours);
    if (status == LAC_REJECT || !lac_str_eq(ours, p->bundle.image))
        lac_pack_say(p,
                     &(struct lac_pack_remark){
                         .level = LAC_PACK_ERROR,
                         .code = "image",
                         .todo = "make the file anew with `lacuna pack build`, from a source that "
                                 "you trust"},
                     "the compiled form in the file is not that of its source");
    return LAC_OK;
}

static bool begins(struct lac_str path, const char *folder)
{
    size_t n = strlen(folder);

    return path.len > n && memcmp(path.ptr, folder, n) == 0;
}

static bool ends(struct lac_str path, const char *ending)
{
    size_t n = strlen(ending);

    return path.len >= n && strncasecmp(path.ptr + path.len - n, ending, n) == 0;
}

/* Names in a file that nobody reads protect nobody: terms.yaml beside terms/, a list in plain text,
 * a folder within rules/. What people write for people is no mistake. */
static void check_files(struct lac_pack *p)
{
    for (size_t i = 0; i < p->files.count; i++) {
        const struct lac_yaml at = {.file = p->files.at[i].path, .line = 1};
        bool listed =
            begins(at.file, "rules/") || begins(at.file, "terms/") || begins(at.file, "exemplars/");

        if (lac_pack_is_inherited(at.file) || lac_pack_reads(at.file) || ends(at.file, ".md") ||
            !(listed || ends(at.file, ".yaml") || ends(at.file, ".yml")))
            continue;
        lac_pack_say(p,
                     &(struct lac_pack_remark){.level = LAC_PACK_WARNING,
                                               .code = "not-read",
                                               .at = &at,
                                               .todo =
                                                   "move it to rules/NAME.yaml, terms/NAME.yaml or "
                                                   "exemplars/NAME.jsonl, or out of the pack"},
                     "nothing reads this file: it decides nothing");
    }
}

static enum lac_status lint(struct lac_pack_lint *l, const char *path, struct lac_err *err)
{
    enum lac_status status = lac_pack_open_lint(&l->p, path, &l->findings, err);

    if (status == LAC_OK)
        check_files(l->p);
    if (status == LAC_OK && l->p->match)
        status = lac_pack_lint_rules(l->p, err);
    if (status == LAC_OK)
        status = lac_pack_lint_head(l->p, err);
    if (status == LAC_OK && l->p->match)
        status = check_image(l->p, err);
    if (status == LAC_OK && l->findings.no_memory)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory for the findings");
    lac_pack_findings_sort(&l->findings);
    return status;
}

enum lac_status lac_pack_lint_open(struct lac_pack_lint **out, const char *path,
                                   struct lac_err *err)
{
    struct lac_pack_lint *l = calloc(1, sizeof(*l));
    enum lac_status status;

    if (!l)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    status = lint(l, path, err);
    if (status != LAC_OK) {
        lac_pack_lint_close(l);
        return status;
    }
    *out = l;
    return LAC_OK;
}

void lac_pack_lint_close(struct lac_pack_lint *l)
{
    if (!l)
        return;
    lac_pack_close(l->p);
    free(l->findings.at);
    free(l);
}

size_t lac_pack_lint_count(const struct lac_pack_lint *l)
{
    return l->findings.count;
}

const struct lac_pack_finding *lac_pack_lint_at(const struct lac_pack_lint *l, size_t index)
{
    return &l->findings.at[index];
}

size_t lac_pack_lint_dropped(const struct lac_pack_lint *l)
{
    return l->findings.dropped;
}

const struct lac_pack *lac_pack_lint_pack(const struct lac_pack_lint *l)
{
    return l->p && l->p->match ? l->p : NULL;
}
