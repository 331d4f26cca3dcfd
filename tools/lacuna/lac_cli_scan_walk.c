/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders, in the order of their names, without following links. What .gitignore and .lacunaignore
 * exclude is left out, as git does it: the files of each folder, those of the folders above up to
 * the repository's top, and .git/info/exclude.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli_scan.h"
#include "lac_file.h"

enum {
    DEPTH_MAX = 256,             /* folders within folders */
    NAMES_BYTES = 256 << 20,     /* of one folder's names */
    IGNORE_FILE_BYTES = 4 << 20, /* of one file of patterns */
};

struct entry {
    size_t name; /* in names */
    unsigned char type;
};

struct frame {
    struct lac_buf names;
    struct entry *entries;
    size_t count, next;
    size_t path_len; /* of the folder */
    size_t mark;     /* patterns before it */
};

struct walker {
    const struct lac_cli_walk *w;
    struct lac_scan_ignore *ignore; /* NULL: nothing is */
    char path[PATH_MAX];            /* as it is shown; the folder at hand, then a name */
    size_t path_len;
    char below[PATH_MAX]; /* the same from the root of the patterns; "" is the root */
    size_t below_skip;    /* bytes of `path` that `below` has not */
    struct frame *frames; /* [DEPTH_MAX] */
    size_t depth;
};

/* ---- Patterns ---- */

static void add_patterns(struct walker *k, const char *file, struct lac_str folder)
{
    struct lac_buf content;
    struct lac_err err;

    if (access(file, F_OK) != 0)
        return;
    lac_buf_init(&content, IGNORE_FILE_BYTES);
    if (lac_file_read(file, &content, &err) != LAC_OK ||
        lac_scan_ignore_add(k->ignore, folder, lac_buf_str(&content), &err) != LAC_OK)
        lac_cli_scan_complain(k->w->run, lac_str_from(file), err.text);
    lac_buf_deinit(&content);
}

/* .lacunaignore comes last and so has the last word. */
static void add_folder(struct walker *k, const char *path, struct lac_str folder)
{
    static const char *const names[] = {".gitignore", ".lacunaignore"};
    char file[PATH_MAX + 16];

    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        snprintf(file, sizeof(file), "%s%s%s", path, *path ? "/" : "", names[i]);
        add_patterns(k, file, folder);
    }
}

/* Finds the repository's top above `start` (absolute): its length, 0 when there is none. */
static size_t find_top(const char *start)
{
    char probe[PATH_MAX + 8];

    for (size_t len = strlen(start); len > 0;) {
        const char *slash;

        snprintf(probe, sizeof(probe), "%.*s/.git", (int)len, start);
        if (access(probe, F_OK) == 0)
            return len;
        slash = memrchr(start, '/', len);
        len = slash ? (size_t)(slash - start) : 0;
    }
    return 0;
}

/* The patterns above the folder that the walk begins in, and where that is below their root. */
static void begin_patterns(struct walker *k, const char *start)
{
    char real[PATH_MAX], file[PATH_MAX + 32];
    size_t top;

    k->below[0] = '\0';
    if (!k->ignore || !realpath(start, real))
        return;
    top = find_top(real);
    if (top == 0)
        return;
    snprintf(file, sizeof(file), "%.*s/.git/info/exclude", (int)top, real);
    add_patterns(k, file, LAC_STR(""));
    for (size_t at = top; real[at];) {
        char folder[PATH_MAX];
        struct lac_str relative = {real + top + 1, at > top ? at - top - 1 : 0};

        snprintf(folder, sizeof(folder), "%.*s", (int)at, real);
        add_folder(k, folder, relative);
        at++;
        at += strcspn(real + at, "/");
    }
    snprintf(k->below, sizeof(k->below), "%s", real[top] ? real + top + 1 : "");
}

/* ---- Folders ---- */

static void drop(struct frame *f)
{
    lac_buf_deinit(&f->names);
    free(f->entries);
    f->entries = NULL;
}

static int by_name(const void *a, const void *b, void *names)
{
    const struct entry *x = a, *y = b;

    return strcmp((char *)names + x->name, (char *)names + y->name);
}

/* All names of an open folder, sorted. False: complained. */
static bool list(struct walker *k, struct frame *f, DIR *dir)
{
    size_t capacity = 0;

    for (;;) {
        struct dirent *d;

        errno = 0;
        d = readdir(dir); /* NOLINT(concurrency-mt-unsafe): this stream is ours alone */
        if (!d)
            break;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
            strcmp(d->d_name, ".git") == 0)
            continue;
        if (f->count == capacity) {
            struct entry *grown;

            capacity = capacity ? 2 * capacity : 64;
            grown = realloc(f->entries, capacity * sizeof(*grown));
            if (!grown)
                break; /* errno is ENOMEM */
            f->entries = grown;
        }
        f->entries[f->count++] = (struct entry){f->names.len, d->d_type};
        lac_buf_put(&f->names, d->d_name, strlen(d->d_name) + 1);
        if (!lac_buf_ok(&f->names)) {
            errno = ENOMEM;
            break;
        }
    }
    if (errno != 0) {
        lac_cli_scan_complain(k->w->run, lac_str_from(k->path), lac_errno_text(errno));
        return false;
    }
    if (f->count > 1)
        qsort_r(f->entries, f->count, sizeof(*f->entries), by_name, f->names.ptr);
    return true;
}

/* The part of the shown path that patterns know; with what is above the walk's begin. */
static struct lac_str pattern_path(const struct walker *k, char out[PATH_MAX])
{
    const char *rest = k->path + (k->path_len < k->below_skip ? k->path_len : k->below_skip);
    int n;

    while (*rest == '/')
        rest++;
    n = snprintf(out, PATH_MAX, "%s%s%s", k->below, *k->below && *rest ? "/" : "", rest);
    if (n < 0 || n >= PATH_MAX)
        return LAC_STR(""); /* fits nothing, so it is looked at */
    return (struct lac_str){out, (size_t)n};
}

static void enter(struct walker *k)
{
    struct frame *f;
    char folder[PATH_MAX];
    int fd;
    DIR *dir;

    if (k->depth == DEPTH_MAX) {
        lac_cli_scan_complain(k->w->run, lac_str_from(k->path),
                              "more than 256 folders inside each other");
        return;
    }
    fd = open(k->path_len ? k->path : ".",
              O_RDONLY | O_DIRECTORY | O_CLOEXEC | (k->depth ? O_NOFOLLOW : 0));
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        lac_cli_scan_complain(k->w->run, lac_str_from(k->path), lac_errno_text(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    f = &k->frames[k->depth];
    *f = (struct frame){.path_len = k->path_len};
    lac_buf_init(&f->names, NAMES_BYTES);
    if (k->ignore) {
        f->mark = lac_scan_ignore_mark(k->ignore);
        add_folder(k, k->path, pattern_path(k, folder));
    }
    if (list(k, f, dir)) {
        k->depth++;
    } else {
        drop(f);
        if (k->ignore)
            lac_scan_ignore_forget(k->ignore, f->mark);
    }
    closedir(dir);
}

static unsigned char type_of(const char *path, unsigned char type)
{
    struct stat st;

    if (type != DT_UNKNOWN)
        return type;
    if (lstat(path, &st) != 0)
        return DT_UNKNOWN;
    return S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_LNK;
}

/* Makes `path` the folder's entry. False: too long, and it was said. */
static bool step_to(struct walker *k, const struct frame *f, const char *name)
{
    size_t at = f->path_len, n = strlen(name);

    if (at + n + 2 > sizeof(k->path)) {
        lac_cli_scan_complain(k->w->run, lac_str_from(name), "its path is too long");
        return false;
    }
    if (at > 0 && k->path[at - 1] != '/')
        k->path[at++] = '/';
    memcpy(k->path + at, name, n + 1);
    k->path_len = at + n;
    return true;
}

static bool visit(struct walker *k, const struct frame *f, const struct entry *e)
{
    char buffer[PATH_MAX];
    unsigned char type;

    if (!step_to(k, f, f->names.ptr + e->name))
        return true;
    type = type_of(k->path, e->type);
    if (type != DT_REG && type != DT_DIR)
        return true; /* links, sockets, devices */
    if (k->ignore && lac_scan_ignored(k->ignore, pattern_path(k, buffer), type == DT_DIR))
        return true;
    if (type == DT_REG)
        return k->w->file(k->w->ctx, k->path);
    enter(k);
    return true;
}

bool lac_cli_scan_walk(const struct lac_cli_walk *w, const char *path)
{
    struct walker *k = calloc(1, sizeof(*k));
    bool go = true;

    if (k)
        k->frames = calloc(DEPTH_MAX, sizeof(*k->frames));
    if (k && !w->run->options->no_ignore)
        k->ignore = lac_scan_ignore_new();
    if (!k || !k->frames || (!k->ignore && !w->run->options->no_ignore) ||
        strlen(path) >= sizeof(k->path)) {
        lac_cli_scan_complain(w->run, lac_str_from(path), "no memory, or its path is too long");
        go = false;
        goto out;
    }
    k->w = w;
    /* "." is not shown: paths look as git shows them. */
    snprintf(k->path, sizeof(k->path), "%s", strcmp(path, ".") == 0 ? "" : path);
    k->path_len = strlen(k->path);
    k->below_skip = k->path_len;
    begin_patterns(k, path);
    enter(k);
    while (k->depth > 0 && go) {
        struct frame *f = &k->frames[k->depth - 1];

        if (f->next < f->count) {
            go = visit(k, f, &f->entries[f->next++]);
            continue;
        }
        drop(f);
        if (k->ignore)
            lac_scan_ignore_forget(k->ignore, f->mark);
        k->depth--;
    }
out:
    while (k && k->depth > 0)
        drop(&k->frames[--k->depth]);
    if (k) {
        lac_scan_ignore_free(k->ignore);
        free(k->frames);
    }
    free(k);
    return go;
}
