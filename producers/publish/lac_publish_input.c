/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 100 };

struct source {
    char *path; /* owned; "-" is stdin */
    uint64_t size;
    bool regular, listed; /* listed: found in a folder */
};

struct lac_publish_input {
    struct source *sources; /* owned */
    size_t count, capacity, at;
    uint64_t size, done_before; /* of all sources; of those before `at` */
    bool sized, resumable;
    enum lac_publish_format format, current;
    struct lac_publish_defaults defaults;
    int fd; /* of the current source, -1 between two */
    struct lac_publish_reader reader;
    struct lac_publish_columns columns;
    char separator;
    bool header; /* the current CSV file's header is still to be read */
    struct lac_buf json;
    bool (*stopped)(void *ctx); /* asked while nothing comes; NULL: nobody stops it */
    void *stopped_ctx;
    struct lac_str fields[LAC_PUBLISH_FIELDS_MAX];
};

/* Until a pipe has something, or has ended. Not in read(): signals wait while a run lasts. */
static bool await(const struct lac_publish_input *in)
{
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    int ready;

    do {
        ready = poll(&p, 1, LOOK_MS);
        if (ready == 0 && in->stopped && in->stopped(in->stopped_ctx))
            return false;
    } while (ready == 0 || (ready < 0 && errno == EINTR));
    return true;
}

static int64_t read_fd(void *ctx, void *into, size_t n)
{
    const struct lac_publish_input *in = ctx;
    ssize_t got;

    do {
        if (!await(in)) {
            errno = ECANCELED;
            return -1;
        }
        got = read(in->fd, into, n);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got;
}

static enum lac_status add(struct lac_publish_input *in, const char *path, const struct stat *st,
                           bool listed, struct lac_err *err)
{
    struct source *s;

    if (in->count == LAC_PUBLISH_SOURCES_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d files", LAC_PUBLISH_SOURCES_MAX);
    if (in->count == in->capacity) {
        size_t capacity = in->capacity ? in->capacity * 2 : 16;
        struct source *grown = reallocarray(in->sources, capacity, sizeof(*grown));

        if (!grown)
            return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory for the list of files");
        in->sources = grown;
        in->capacity = capacity;
    }
    s = &in->sources[in->count];
    *s = (struct source){.path = strdup(path), .listed = listed};
    if (!s->path)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory for the list of files");
    s->regular = S_ISREG(st->st_mode);
    s->size = s->regular ? (uint64_t)st->st_size : 0;
    in->count++;
    in->size += s->size;
    in->sized &= s->regular;
    in->resumable &= s->regular && strcmp(path, "-") != 0; /* of stdin nobody keeps the name */
    return LAC_OK;
}

static enum lac_status add_path(struct lac_publish_input *in, const char *path, int depth,
                                struct lac_err *err);

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum lac_status add_folder(struct lac_publish_input *in, const char *path, int depth,
                                  struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    struct dirent **entries;
    int n;

    if (depth == LAC_PUBLISH_DEPTH_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "%s: folders nested too deep", path);
    n = scandir(path, &entries, visible, alphasort);
    if (n < 0)
        return lac_err_set(err, LAC_REJECT, errno, "%s: %s", path, lac_errno_text(errno));
    for (int i = 0; i < n; i++) {
        char child[PATH_MAX];
        int len = snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);

        if (status == LAC_OK && (len < 0 || (size_t)len >= sizeof(child)))
            status = lac_err_set(err, LAC_REJECT, ENAMETOOLONG, "%s: a path is too long", path);
        if (status == LAC_OK)
            status = add_path(in, child, depth + 1, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static enum lac_status add_path(struct lac_publish_input *in, const char *path, int depth,
                                struct lac_err *err)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return fstat(STDIN_FILENO, &st) == 0
                   ? add(in, path, &st, false, err)
                   : lac_err_set(err, LAC_REJECT, errno, "stdin: %s", lac_errno_text(errno));
    /* Inside a folder links are not followed: they could lead round in circles or out of it. */
    if ((depth ? lstat(path, &st) : stat(path, &st)) != 0)
        return lac_err_set(err, LAC_REJECT, errno, "%s: %s", path, lac_errno_text(errno));
    if (S_ISDIR(st.st_mode))
        return add_folder(in, path, depth, err);
    if (depth && !S_ISREG(st.st_mode))
        return LAC_OK;
    if (access(path, R_OK) != 0)
        return lac_err_set(err, LAC_REJECT, errno, "%s: %s", path, lac_errno_text(errno));
    return add(in, path, &st, depth > 0, err);
}

enum lac_status lac_publish_input_open(struct lac_publish_input **out, char *const *names,
                                       size_t count, enum lac_publish_format format,
                                       const struct lac_publish_defaults *defaults,
                                       struct lac_err *err)
{
    struct lac_publish_input *in = calloc(1, sizeof(*in));
    enum lac_status status = LAC_OK;

    *out = NULL;
    if (!in)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    in->fd = -1;
    in->sized = in->resumable = true;
    in->format = format;
    in->defaults = *defaults;
    lac_buf_init(&in->json, 8 * (size_t)LAC_PUBLISH_RECORD_MAX); /* \u0001 takes six bytes */
    for (size_t i = 0; i < count && status == LAC_OK; i++)
        status = add_path(in, names[i], 0, err);
    if (status == LAC_OK)
        *out = in;
    else
        lac_publish_input_close(in);
    return status;
}

static void close_source(struct lac_publish_input *in)
{
    lac_publish_reader_deinit(&in->reader);
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    in->fd = -1;
}

void lac_publish_input_close(struct lac_publish_input *in)
{
    if (!in)
        return;
    close_source(in);
    for (size_t i = 0; i < in->count; i++)
        free(in->sources[i].path);
    free(in->sources);
    lac_buf_deinit(&in->json);
    free(in);
}

uint64_t lac_publish_input_size(const struct lac_publish_input *in)
{
    return in->sized ? in->size : 0;
}

bool lac_publish_input_resumable(const struct lac_publish_input *in)
{
    return in->resumable && in->count > 0;
}

static const char *shown(const struct source *s)
{
    return strcmp(s->path, "-") == 0 ? "stdin" : s->path;
}

/* The format by name; AUTO when the content has to say. */
static enum lac_publish_format by_name(const struct lac_publish_input *in, const struct source *s)
{
    static const struct {
        const char *suffix;
        enum lac_publish_format format;
    } known[] = {{".jsonl", LAC_PUBLISH_JSONL},
                 {".ndjson", LAC_PUBLISH_JSONL},
                 {".json", LAC_PUBLISH_JSONL},
                 {".csv", LAC_PUBLISH_CSV}};
    const char *dot = strrchr(s->path, '.');

    if (in->format != LAC_PUBLISH_AUTO)
        return in->format;
    for (size_t i = 0; dot && i < LAC_COUNT(known); i++)
        if (strcasecmp(dot, known[i].suffix) == 0)
            return known[i].format;
    return s->listed ? LAC_PUBLISH_FILE : LAC_PUBLISH_AUTO;
}

/* Opens the current source at `position`, behind `line` lines. */
static enum lac_status open_source(struct lac_publish_input *in, uint64_t position, uint64_t line,
                                   struct lac_err *err)
{
    const struct source *s = &in->sources[in->at];
    int first;

    /* A named pipe is waited for where it is read, not where it is opened. */
    in->fd =
        strcmp(s->path, "-") == 0 ? STDIN_FILENO : open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in->fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: %s", s->path, lac_errno_text(errno));
    if (position > 0 && lseek(in->fd, (off_t)position, SEEK_SET) < 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: %s", s->path, lac_errno_text(errno));
    if (lac_publish_reader_init(&in->reader, read_fd, in, LAC_PUBLISH_RECORD_MAX, position, line,
                                err) != LAC_OK)
        return LAC_FATAL;
    in->current = by_name(in, s);
    in->header = in->current == LAC_PUBLISH_CSV;
    if (in->current != LAC_PUBLISH_AUTO)
        return LAC_OK;
    first = lac_publish_reader_peek(&in->reader);
    in->current = first == '{' ? LAC_PUBLISH_JSONL : LAC_PUBLISH_LINES;
    return LAC_OK;
}

void lac_publish_input_until(struct lac_publish_input *in, bool (*stopped)(void *ctx), void *ctx)
{
    in->stopped = stopped;
    in->stopped_ctx = ctx;
}

/* The current CSV file's first row. REJECT: it is no header; the file is passed over. */
static enum lac_status read_header(struct lac_publish_input *in, struct lac_err *err)
{
    size_t count;
    enum lac_status status;

    /* Semicolons and tabs come from spreadsheets: whatever the header uses separates. */
    in->separator = in->reader.separator = lac_publish_reader_separator(&in->reader);
    status = lac_publish_reader_row(&in->reader, in->fields, &count, err);
    in->header = false;
    if (status != LAC_OK)
        return status;
    return lac_publish_columns_set(&in->columns, in->fields, count, err);
}

static void next_source(struct lac_publish_input *in)
{
    close_source(in);
    in->done_before += in->sources[in->at].size;
    in->at++;
}

/* AGAIN from the arena: a record of a megabyte of text needs less than the arena holds. */
static enum lac_status too_large(enum lac_status status, struct lac_err *err)
{
    if (status == LAC_AGAIN)
        return lac_err_set(err, LAC_REJECT, 0, "the record has too many parts");
    return status;
}

static enum lac_status from_json(const struct lac_publish_input *in, struct lac_str text,
                                 struct lac_arena *a, struct lac_publish_record *r,
                                 struct lac_err *err)
{
    return too_large(lac_publish_from_json(&r->request, text, &in->defaults, a, err), err);
}

/* The next record of the current source. AGAIN: there is none. */
static enum lac_status take(struct lac_publish_input *in, struct lac_arena *a,
                            struct lac_publish_record *r, struct lac_err *err)
{
    const struct source *s = &in->sources[in->at];
    struct lac_publish_reader *reader = &in->reader;
    struct lac_str text = LAC_STR_NULL;
    enum lac_status status;
    size_t count;

    switch (in->current) {
    case LAC_PUBLISH_FILE:
        status = lac_publish_reader_rest(reader, &text, err);
        if (status == LAC_OK)
            lac_publish_from_text(&r->request, text, lac_str_from(s->path), &in->defaults, a);
        return status;
    case LAC_PUBLISH_CSV:
        status = lac_publish_reader_row(reader, in->fields, &count, err);
        if (status == LAC_OK)
            status = too_large(
                lac_publish_columns_json(&in->columns, in->fields, count, &in->json, err), err);
        return status == LAC_OK ? from_json(in, lac_buf_str(&in->json), a, r, err) : status;
    case LAC_PUBLISH_JSONL:
        status = lac_publish_reader_line(reader, &text, err);
        return status == LAC_OK ? from_json(in, text, a, r, err) : status;
    default:
        status = lac_publish_reader_line(reader, &text, err);
        if (status == LAC_OK)
            lac_publish_from_text(&r->request, text, LAC_STR_NULL, &in->defaults, a);
        return status;
    }
}

enum lac_status lac_publish_input_next(struct lac_publish_input *in, struct lac_arena *a,
                                       struct lac_publish_record *r, struct lac_err *err)
{
    while (in->at < in->count) {
        const struct source *s = &in->sources[in->at];
        struct lac_err why = {0};
        enum lac_status status = in->fd < 0 ? open_source(in, 0, 0, err) : LAC_OK;
        bool header = in->header;

        if (status != LAC_OK)
            return status;
        status = header ? read_header(in, &why) : take(in, a, r, &why);
        if (header && status == LAC_OK)
            continue;
        r->file = shown(s);
        r->source = (uint32_t)in->at;
        r->line = in->current == LAC_PUBLISH_FILE ? 0 : in->reader.line;
        r->lines = in->current == LAC_PUBLISH_FILE ? 0 : in->reader.lines;
        r->position = in->reader.position;
        r->done = in->done_before + in->reader.position;
        if (status == LAC_FATAL)
            return lac_err_set(err, LAC_FATAL, why.code, "%s: %s", r->file, why.text);
        if (status == LAC_AGAIN) { /* empty lines may have been read up to here */
            next_source(in);
            continue;
        }
        if (status == LAC_OK)
            return LAC_OK;
        lac_err_set(err, LAC_REJECT, why.code, "%.400s", why.text);
        if (header) /* without its columns nothing in the file has a meaning */
            next_source(in);
        return status;
    }
    return LAC_AGAIN;
}

enum lac_status lac_publish_input_resume(struct lac_publish_input *in,
                                         const struct lac_publish_mark *m, struct lac_err *err)
{
    uint64_t skipped = 0;
    size_t at = 0;
    enum lac_publish_format begun = LAC_PUBLISH_AUTO;
    enum lac_status status;

    while (at < in->count && strcmp(in->sources[at].path, m->path) != 0)
        skipped += in->sources[at++].size;
    if (at == in->count)
        return lac_err_set(err, LAC_REJECT, 0,
                           "the last run stopped in %s, which is not among the files any more. "
                           "Use --restart to publish everything from the beginning",
                           m->path);
    in->at = at;
    in->done_before = skipped;
    if (m->position > 0) { /* its beginning says what it is */
        status = open_source(in, 0, 0, err);
        if (status == LAC_OK && in->header)
            status = read_header(in, err);
        if (status != LAC_OK)
            return status;
        begun = in->current;
        close_source(in);
    }
    status = open_source(in, m->position, m->line, err);
    if (status != LAC_OK)
        return status;
    in->header &= m->position == 0;
    in->current = m->position > 0 ? begun : in->current;
    if (in->current == LAC_PUBLISH_CSV && !in->header)
        in->reader.separator = in->separator;
    return lac_publish_mark_check(m, in->fd, err);
}

enum lac_status lac_publish_input_mark(const struct lac_publish_input *in, uint32_t source,
                                       struct lac_publish_mark *m, struct lac_err *err)
{
    const char *path = in->sources[source].path;
    enum lac_status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return lac_err_set(err, LAC_RETRY, errno, "%s: %s", path, lac_errno_text(errno));
    snprintf(m->path, sizeof(m->path), "%s", path);
    status = lac_publish_mark_take(m, fd, err);
    close(fd);
    return status;
}
