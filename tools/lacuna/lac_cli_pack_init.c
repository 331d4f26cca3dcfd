/* SPDX-License-Identifier: Apache-2.0 */
/* A folder to start from. Everything in it loads, lints clean and shows one way to write things. */
#include "lac_cli_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli.h"
#include "lac_file.h"

static const char pack_yaml[] =
    "# %s: what shapes decisions here and is not code. `lacuna pack lint` checks it,\n"
    "# `lacuna pack test` runs the rules' examples.\n"
    "name: %s\n"
    "version: 1            # only goes up: raise it with every change that is pushed\n"
    "base: builtin         # rules, routing, prior, costs and prices are inherited\n"
    "\n"
    "# Rules of the built-in pack that you don't want (`lacuna pack show` lists them):\n"
    "# disable: [topic-public]\n"
    "\n"
    "# Bytes of redacted text kept with each decision, for people who ask why; 0 keeps none.\n"
    "excerpt: 0\n";

static const char terms_yaml[] =
    "# Names that make a text PROPRIETARY. They are found in any letter case, with blanks, '_' or\n"
    "# '-' between their words, joined (projectApollo) and in the plural.\n"
    "#\n"
    "# A name that is a common word (a customer called Apple) counts only near a word such as\n"
    "# \"contract\" or \"invoice\"; `lacuna pack lint` says which ones these are. To decide "
    "yourself:\n"
    "#\n"
    "#   - {name: Apple, context: [cupertino, \"purchase order\"]}   # words of your own\n"
    "#   - {name: Orion, common: false}                            # it is no common word here\n"
    "#   - {name: Zanthor Industries, aliases: [ZTHR], tier: INTERNAL}\n"
    "#   - {name: R2, exact: true, context: [robot]}               # never joined, no plural\n"
    "customers: []\n"
    "projects: []\n"
    "terms: []\n"
    "\n"
    "# File paths, from any of their parts on; a star may stand at the end.\n"
    "paths: []             # - /srv/finance/*\n"
    "\n"
    "# Tables as schema.table or alone, columns alone; quoted in any dialect of SQL.\n"
    "tables: []            # - crm.customers\n"
    "columns: []           # - credit_score\n";

static const char rules_yaml[] =
    "# Your own detection rules. A file with the name of a built-in one replaces it, see\n"
    "# `lacuna pack show --format json | jq .files`.\n"
    "rules:\n"
    "  - id: employee-id                  # a-z, 0-9, '-', '.', '_'\n"
    "    entity: EMPLOYEE_ID\n"
    "    description: Number on the badge of an employee\n"
    "    tier: INTERNAL                   # PUBLIC < INTERNAL < PROPRIETARY\n"
    "    strength: floor                  # never less than the tier; or opinion, with "
    "likelihoods\n"
    "    score: 0.9\n"
    "    pattern: '\\bEMP-[0-9]{4,6}\\b'    # bounded: {1,20}, not +\n"
    "    redaction: last4                 # replace, mask, last4, hash\n"
    "    allow: [EMP-0000]                # documented examples that are none\n"
    "    tags: [HR]\n"
    "    examples:                        # three of each at least; they are run by `pack test`\n"
    "      match:\n"
    "        - \"badge EMP-12345\"\n"
    "        - \"EMP-4711, EMP-4712\"\n"
    "        - \"employee (EMP-123456)\"\n"
    "      no_match:\n"
    "        - \"EMP-12345678 is an order\"\n"
    "        - \"TEMP-12345\"\n"
    "        - \"for example EMP-0000\"\n";

static const char readme[] =
    "# Policy pack\n"
    "\n"
    "    lacuna pack lint .                    # what is wrong or dubious\n"
    "    lacuna pack test .                    # do all rules what their examples say?\n"
    "    lacuna classify --pack . 'some text'  # try it\n"
    "    lacuna pack build . -o ../this.pack   # one file\n"
    "\n"
    "Every file here is part of the pack's hash. Keep it in git, without passwords: names and\n"
    "patterns only.\n";

/* Never over a file that is there. */
static enum lac_status put(const char *folder, const char *name, struct lac_str text,
                           struct lac_err *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, 0, "%.80s...: the path is too long", folder);
    if (access(path, F_OK) == 0)
        return lac_err_set(err, LAC_REJECT, 0, "%s is there already", path);
    return lac_file_replace(path, text, NULL, err);
}

/* The folder's name, as far as a pack's name may hold it. */
static void name_of(const char *folder, char *out, size_t size)
{
    const char *from = folder + strlen(folder);
    size_t n = 0;

    while (from > folder && from[-1] == '/')
        from--;
    while (from > folder && from[-1] != '/')
        from--;
    for (; *from && *from != '/' && n + 1 < size; from++)
        if ((*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
            (*from >= '0' && *from <= '9') || *from == '-' || *from == '_')
            out[n++] = *from;
    out[n] = '\0';
    if (n == 0)
        snprintf(out, size, "ours");
}

/* What this run has made, to be taken back when the rest can't be: half a pack would be refused by
 * nothing, and stand in the way of the next try. */
struct made {
    const char *files[4];
    size_t file_count;
    const char *folders[3];
    size_t folder_count;
};

static enum lac_status make_folder(const char *folder, const char *name, struct made *m,
                                   struct lac_err *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, 0, "%.80s...: the path is too long", folder);
    if (!*name)
        path[strlen(folder)] = '\0';
    if (mkdir(path, 0755) == 0)
        m->folders[m->folder_count++] = name;
    else if (errno != EEXIST)
        return lac_err_set(err, LAC_FATAL, errno, "cannot make %s: %s", path,
                           lac_errno_text(errno));
    return LAC_OK;
}

static void take_back(const char *folder, const struct made *m)
{
    char path[PATH_MAX];

    for (size_t i = m->file_count; i-- > 0;)
        if (snprintf(path, sizeof(path), "%s/%s", folder, m->files[i]) < (int)sizeof(path))
            (void)unlink(path);
    for (size_t i = m->folder_count; i-- > 0;)
        if (snprintf(path, sizeof(path), "%s/%s", folder, m->folders[i]) < (int)sizeof(path))
            (void)rmdir(path);
}

static enum lac_status init(const char *folder, struct lac_err *err)
{
    static const char *const folders[] = {"", "rules", "terms"};
    char name[65], text[sizeof(pack_yaml) + 2 * sizeof(name)];
    struct made made = {0};
    enum lac_status status = LAC_OK;

    name_of(folder, name, sizeof(name));
    snprintf(text, sizeof(text), pack_yaml, name, name);
    const struct {
        const char *name;
        struct lac_str text;
    } files[] = {{"pack.yaml", lac_str_from(text)},
                 {"terms/proprietary_terms.yaml", LAC_STR(terms_yaml)},
                 {"rules/ours.yaml", LAC_STR(rules_yaml)},
                 {"README.md", LAC_STR(readme)}};

    for (size_t i = 0; i < LAC_COUNT(folders) && status == LAC_OK; i++)
        status = make_folder(folder, folders[i], &made, err);
    for (size_t i = 0; i < LAC_COUNT(files) && status == LAC_OK; i++) {
        status = put(folder, files[i].name, files[i].text, err);
        if (status == LAC_OK)
            made.files[made.file_count++] = files[i].name;
    }
    if (status != LAC_OK)
        take_back(folder, &made);
    return status;
}

int lac_cli_pack_init(int argc, char **argv)
{
    const struct lac_tool_command command = {
        .name = "lacuna pack init",
        .usage = "DIR",
        .summary = "Make a folder to start from: a pack that inherits the built-in one.",
        .details = "Makes DIR where there is none, and never writes over a file.",
        .examples = "  lacuna pack init ours && $EDITOR ours/terms/proprietary_terms.yaml\n",
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_err err;
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0 && init(t.operands[0], &err) != LAC_OK)
        status = lac_cli_pack_failed(&t, &err);
    if (status < 0) {
        printf("%s: next, put your names into %s/terms/proprietary_terms.yaml, then run\n"
               "`lacuna pack lint %s`\n",
               t.operands[0], t.operands[0], t.operands[0]);
        status = LAC_EXIT_OK;
    }
    lac_tool_close(&t);
    return status;
}
