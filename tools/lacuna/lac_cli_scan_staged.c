/* SPDX-License-Identifier: Apache-2.0 */
/* What a commit is about to add: the lines, with their numbers in the files as they will be. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_cli_scan.h"
#include "lac_file.h"
#include "lac_scan_diff.h"
#include "lac_scan_utf16.h"
#include "lac_utf8.h"

enum {
    OUT_BYTES = 1 << 30,
    IGNORE_FILE_BYTES = 4 << 20,
    PATTERN_FILES_MAX = 4096,
    DRAIN_BYTES = 1 << 16,
    WORDS_MAX = 32, /* of a command */
};

/* Whatever the person's own settings say about how diffs look. `--text`: an attribute that calls
 * a file binary must not hide it. */
static const char *const diff_command[] = {"git",
                                           "-c",
                                           "core.quotePath=true",
                                           "-c",
                                           "diff.suppressBlankEmpty=false",
                                           "diff",
                                           "--cached",
                                           "--unified=0",
                                           "--inter-hunk-context=0",
                                           "--no-color",
                                           "--no-ext-diff",
                                           "--no-textconv",
                                           "--no-relative",
                                           "--text",
                                           "--find-renames",
                                           "--ignore-submodules=all",
                                           "--submodule=short",
                                           "--src-prefix=a/",
                                           "--dst-prefix=b/",
                                           "--diff-filter=ACMRT",
                                           NULL};
static const char *const top_command[] = {"git", "rev-parse", "--show-toplevel", NULL};

static enum lac_status drain(int fd, struct lac_buf *out, struct lac_err *err)
{
    for (;;) {
        char *at = lac_buf_reserve(out, DRAIN_BYTES);
        ssize_t n;

        if (!at)
            return lac_err_set(err, LAC_FATAL, ENOMEM, "git printed more than fits");
        n = read(fd, at, DRAIN_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lac_err_set(err, LAC_FATAL, errno, "git: %s", lac_errno_text(errno));
        if (n == 0)
            return LAC_OK;
        lac_buf_commit(out, (size_t)n);
    }
}

/* Runs git and takes what it prints; its complaints go to our stderr. The run is watched. */
static enum lac_status git(const struct lac_cli_scan_run *run, const char *const *words,
                           struct lac_buf *out, struct lac_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *argv[WORDS_MAX + 1] = {NULL};
    size_t count = 0;
    enum lac_status status;
    int ends[2], code = 0, failed;
    pid_t pid;

    while (words[count] && count < WORDS_MAX)
        count++;
    memcpy(argv, words, count * sizeof(*argv)); /* posix_spawn does not write to them */
    if (pipe2(ends, O_CLOEXEC) != 0)
        return lac_err_set(err, LAC_FATAL, errno, "git: %s", lac_errno_text(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes); /* signals that wait here shall not wait there */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setsigmask(&attributes, &run->mask);
    failed = posix_spawnp(&pid, "git", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return lac_err_set(err, LAC_FATAL, failed, "git can't be run: %s", lac_errno_text(failed));
    }
    status = drain(ends[0], out, err);
    close(ends[0]);
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR)
        ;
    if (status == LAC_OK && (!WIFEXITED(code) || WEXITSTATUS(code) != 0))
        status = lac_err_set(err, LAC_FATAL, 0, "git did not say what is staged");
    return status;
}

/* ---- .lacunaignore, of the top and of every folder on the way to a file ---- */

struct patterns {
    struct lac_cli_scan_run *run;
    struct lac_scan_ignore *ignore; /* NULL: nothing is ignored */
    const char *top;
    struct lac_buf known; /* "/FOLDER\n" of those whose file was read */
};

static void add_folder(struct patterns *p, struct lac_str folder)
{
    char file[PATH_MAX], mark[PATH_MAX + 8];
    struct lac_buf content;
    struct lac_err err;
    int n = snprintf(mark, sizeof(mark), "\n/%.*s\n", LAC_STR_FMT(folder));

    if (n < 0 || (size_t)n >= sizeof(mark) ||
        (p->known.len && memmem(p->known.ptr, p->known.len, mark, (size_t)n)))
        return;
    lac_buf_put(&p->known, mark, (size_t)n);
    n = snprintf(file, sizeof(file), "%s/%.*s%s.lacunaignore", p->top, LAC_STR_FMT(folder),
                 folder.len ? "/" : "");
    if (n < 0 || (size_t)n >= sizeof(file) || access(file, F_OK) != 0)
        return;
    lac_buf_init(&content, IGNORE_FILE_BYTES);
    if (lac_file_read(file, &content, &err) != LAC_OK ||
        lac_scan_ignore_add(p->ignore, folder, lac_buf_str(&content), &err) != LAC_OK)
        lac_cli_scan_complain(p->run, lac_str_from(file), err.text);
    lac_buf_deinit(&content);
}

/* The baseline itself, which is committed with what it knows. */
static bool is_own(const struct patterns *p, struct lac_str path)
{
    char file[PATH_MAX];
    struct stat st;
    int n = snprintf(file, sizeof(file), "%s/%.*s", p->top, LAC_STR_FMT(path));

    return n > 0 && (size_t)n < sizeof(file) && stat(file, &st) == 0 &&
           lac_cli_scan_is_own(p->run, &st);
}

static bool ignored(struct patterns *p, struct lac_str path)
{
    if (!p->ignore)
        return false;
    add_folder(p, LAC_STR(""));
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] == '/')
            add_folder(p, lac_str_slice(path, 0, i));
    return lac_scan_ignored_file(p->ignore, path);
}

/* ---- UTF-16: in the diff it is binary ---- */

/* Whether all of the file is needed to know: its begin says what it is. */
static bool may_be_utf16(const struct lac_scan_diff *d)
{
    if (lac_utf8_valid(d->text) && !memchr(d->text.ptr, 0, d->text.len))
        return false;
    return d->hunks[0].line != 1 || lac_str_has_at(d->text, 0, "\xFF\xFE") ||
           lac_str_has_at(d->text, 0, "\xFE\xFF");
}

/* Whether the file was one and has been looked at, or can't be. `file` is for all of it. */
static bool scan_utf16(struct lac_cli_scan_run *run, const struct lac_scan_diff *d,
                       struct lac_buf *file, struct lac_buf *out)
{
    const char *words[] = {"git", "cat-file", "blob", NULL, NULL};
    struct lac_scan_utf16 decoder;
    struct lac_buf name;
    struct lac_err err;
    enum lac_status status;

    if (!may_be_utf16(d))
        return false;
    lac_buf_reset(file);
    lac_buf_init(&name, PATH_MAX + 4);
    lac_buf_printf(&name, ":0:%.*s", LAC_STR_FMT(d->path));
    words[3] = lac_buf_cstr(&name);
    status = lac_buf_ok(&name) ? git(run, words, file, &err)
                               : lac_err_set(&err, LAC_FATAL, ENAMETOOLONG, "the path is too long");
    lac_buf_deinit(&name);
    if (status != LAC_OK) {
        lac_cli_scan_complain(run, d->path, err.text);
        return true;
    }
    if (!lac_scan_utf16_begins(&decoder, lac_buf_str(file)))
        return false;
    lac_cli_scan_added_utf16(run, &run->workers[0], d, &decoder, lac_buf_str(file), out);
    return true;
}

static int scan_all(struct lac_cli_scan_run *run, struct lac_str text, const char *top)
{
    struct patterns p = {.run = run, .top = top};
    struct lac_scan_diff d;
    struct lac_buf out, file;
    struct lac_err err;
    enum lac_status status;
    int exit_status = -1;

    if (!run->options->no_ignore) {
        p.ignore = lac_scan_ignore_new();
        if (!p.ignore)
            return lac_tool_fail(run->tool, LAC_EXIT_USAGE, "no memory for patterns", NULL);
    }
    lac_buf_init(&p.known, PATTERN_FILES_MAX * (size_t)PATH_MAX);
    lac_buf_init(&out, OUT_BYTES);
    lac_buf_init(&file, LAC_SCAN_DIFF_BYTES);
    lac_scan_diff_init(&d, text);
    while ((status = lac_scan_diff_next(&d, &err)) == LAC_OK) {
        if (ignored(&p, d.path) || is_own(&p, d.path))
            continue;
        lac_buf_reset(&out);
        if (!scan_utf16(run, &d, &file, &out))
            lac_cli_scan_added(run, &run->workers[0], &d, &out);
        if (!lac_buf_ok(&out))
            lac_cli_scan_complain(run, d.path, "no memory for what was found");
        else if (!lac_cli_scan_write(run, &out))
            break;
    }
    if (status != LAC_OK && status != LAC_AGAIN)
        exit_status = lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text, NULL);
    lac_scan_diff_deinit(&d);
    lac_buf_deinit(&out);
    lac_buf_deinit(&file);
    lac_buf_deinit(&p.known);
    lac_scan_ignore_free(p.ignore);
    return exit_status;
}

int lac_cli_scan_staged(struct lac_cli_scan_run *run)
{
    struct lac_buf diff, top;
    struct lac_err err;
    int exit_status;

    lac_buf_init(&diff, LAC_SCAN_DIFF_BYTES);
    lac_buf_init(&top, DRAIN_BYTES + PATH_MAX);
    if (git(run, top_command, &top, &err) != LAC_OK ||
        git(run, diff_command, &diff, &err) != LAC_OK) {
        exit_status = lac_tool_fail(run->tool, LAC_EXIT_USAGE, err.text,
                                    "--staged works inside of a git repository.");
    } else {
        if (top.len && top.ptr[top.len - 1] == '\n')
            top.len--;
        exit_status = scan_all(run, lac_buf_str(&diff), lac_buf_cstr(&top));
    }
    lac_buf_deinit(&diff);
    lac_buf_deinit(&top);
    return exit_status;
}
