/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lacuna-pack-embed FOLDER FILE RULES DEPENDENCIES: makes the built-in pack while the tree is
 * built.
 *
 * FILE is what `lacuna pack build` makes of FOLDER, which builds upon no other pack. RULES holds
 * its rules as they are after reading, see lac_pack_flat.h. DEPENDENCIES tells the build tool, in
 * the language of make, which files and folders FILE was made of: a file that is changed, added or
 * taken away makes it anew. This program is not installed.
 */
#include <stdio.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_file.h"
#include "lac_pack.h"
#include "lac_pack_builtin.h"
#include "lac_pack_flat.h"

enum { DEPENDENCY_BYTES = 4 << 20 };

/* What it makes does not exist yet. */
struct lac_str lac_pack_builtin(void)
{
    return LAC_STR_NULL;
}

struct lac_str lac_pack_builtin_rules(void)
{
    return LAC_STR_NULL;
}

/* A path as make reads it. */
static void put_path(struct lac_buf *out, struct lac_str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == ' ' || path.ptr[i] == '#' || path.ptr[i] == '\\')
            lac_buf_put_char(out, '\\');
        if (path.ptr[i] == '$')
            lac_buf_put_char(out, '$');
        lac_buf_put_char(out, path.ptr[i]);
    }
}

/* FOLDER/below, on a line of its own. */
static void put_dependency(struct lac_buf *out, const char *folder, struct lac_str below)
{
    lac_buf_put_text(out, " \\\n ");
    put_path(out, lac_str_from(folder));
    if (below.len == 0)
        return;
    lac_buf_put_char(out, '/');
    put_path(out, below);
}

/* Folders count, too: their times change when something comes or goes. The files are sorted, so a
 * folder is new where the file before is not in it. */
static void put_dependencies(struct lac_buf *out, const struct lac_pack *p, const char *folder)
{
    struct lac_str last = LAC_STR("");

    put_dependency(out, folder, LAC_STR(""));
    for (size_t i = 0; i < lac_pack_file_count(p); i++) {
        struct lac_str path = lac_pack_file_at(p, i)->path;

        for (size_t k = 0; k < path.len; k++)
            if (path.ptr[k] == '/' && (last.len <= k || memcmp(last.ptr, path.ptr, k + 1) != 0))
                put_dependency(out, folder, lac_str_slice(path, 0, k));
        put_dependency(out, folder, path);
        last = path;
    }
    lac_buf_put_char(out, '\n');
}

static enum lac_status make_rules(const struct lac_pack *p, const char *file, struct lac_err *err)
{
    const struct lac_match *m = lac_pack_match(p);
    enum lac_status status;
    struct lac_buf out;

    lac_buf_init(&out, LAC_PACK_BYTES_MAX);
    lac_pack_flat_put(lac_match_rule_at(m, 0), lac_match_rule_count(m), &out);
    status = lac_buf_ok(&out) ? lac_file_replace(file, lac_buf_str(&out), NULL, err)
                              : lac_err_set(err, LAC_FATAL, 0, "no memory for the rules");
    lac_buf_deinit(&out);
    return status;
}

static enum lac_status make(const char *folder, const char *file, const char *rules,
                            const char *dependencies, struct lac_err *err)
{
    struct lac_pack *p = NULL;
    struct lac_buf out, list;
    enum lac_status status = lac_pack_open(&p, folder, err);

    lac_buf_init(&out, LAC_PACK_BYTES_MAX);
    lac_buf_init(&list, DEPENDENCY_BYTES);
    if (status == LAC_OK)
        status = lac_pack_write(p, &out, err);
    if (status == LAC_OK) {
        put_path(&list, lac_str_from(file));
        lac_buf_put_char(&list, ':');
        put_dependencies(&list, p, folder);
        if (!lac_buf_ok(&list))
            status = lac_err_set(err, LAC_FATAL, 0, "no memory for the list of files");
    }
    if (status == LAC_OK)
        status = lac_file_replace(dependencies, lac_buf_str(&list), NULL, err);
    if (status == LAC_OK)
        status = make_rules(p, rules, err);
    if (status == LAC_OK)
        status = lac_file_replace(file, lac_buf_str(&out), NULL, err);
    lac_buf_deinit(&out);
    lac_buf_deinit(&list);
    lac_pack_close(p);
    return status;
}

int main(int argc, char **argv)
{
    struct lac_err err = {0};

    if (argc != 5) {
        fprintf(stderr, "usage: lacuna-pack-embed FOLDER FILE RULES DEPENDENCIES\n");
        return 2;
    }
    if (make(argv[1], argv[2], argv[3], argv[4], &err) == LAC_OK)
        return 0;
    fprintf(stderr, "lacuna-pack-embed: %s: %s\n", argv[1], err.text);
    return 1;
}
