/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_conf_impl.h"

void lac_conf_wipe(char *text)
{
    if (!text)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

static enum lac_status slurp_fd(int fd, char *text, size_t *len, size_t max, const char *path,
                                struct lac_err *err)
{
    *len = 0;
    while (*len <= max) {
        ssize_t n = read(fd, text + *len, max + 1 - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lac_err_set(err, LAC_FATAL, errno, "%s: cannot read it: %m", path);
        if (n == 0)
            return LAC_OK;
        *len += (size_t)n;
    }
    return lac_err_set(err, LAC_FATAL, 0, "%s: larger than %zu bytes", path, max);
}

enum lac_status lac_conf_slurp(char **out, size_t *len, unsigned *mode, const char *path,
                               size_t max, struct lac_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum lac_status status;
    struct stat st;

    *out = NULL;
    *len = 0;
    *mode = 0;
    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: cannot open it: %m", path);
    if (fstat(fd, &st) != 0) {
        status = lac_err_set(err, LAC_FATAL, errno, "%s: cannot read it: %m", path);
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        status = lac_err_set(err, LAC_FATAL, EISDIR, "%s: is a folder, not a file", path);
        goto out;
    }
    *mode = st.st_mode;
    *out = malloc(max + 2);
    if (!*out) {
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "%s: out of memory", path);
        goto out;
    }
    status = slurp_fd(fd, *out, len, max, path, err);
    (*out)[*len] = '\0';
    if (status != LAC_OK) {
        explicit_bzero(*out, *len);
        free(*out);
        *out = NULL;
    }
out:
    close(fd);
    return status;
}

void lac_conf_doubt_mode(struct lac_conf *c, const char *where, const char *path, unsigned mode)
{
    if (mode & (S_IROTH | S_IWOTH))
        lac_conf_warn(c, "%s: every user of this machine can %s %s", where,
                      !(mode & S_IWOTH)   ? "read"
                      : !(mode & S_IROTH) ? "write"
                                          : "read and write",
                      path);
}

enum lac_status lac_conf_put_secret_file(struct lac_conf *c, size_t key,
                                         enum lac_conf_origin origin, const char *where,
                                         const char *path, struct lac_err *err)
{
    enum lac_status status;
    struct lac_err inner;
    unsigned mode;
    size_t len;
    char *text;

    status = lac_conf_slurp(&text, &len, &mode, path, LAC_CONF_VALUE_MAX, &inner);
    if (status != LAC_OK || !text)
        return lac_err_set(err, LAC_FATAL, inner.code, "%s: %s", where, inner.text);
    lac_conf_doubt_mode(c, where, path, mode);
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    if (memchr(text, '\0', len))
        status = lac_err_set(err, LAC_FATAL, 0, "%s: %s holds a NUL byte", where, path);
    else if (len == 0) /* an empty secret is a mount that failed, not a choice */
        status = lac_err_set(err, LAC_FATAL, 0, "%s: %s is empty", where, path);
    else
        status = lac_conf_put(c, key, origin, where, (struct lac_str){text, len}, err);
    explicit_bzero(text, LAC_CONF_VALUE_MAX + 2);
    free(text);
    return status;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

/* `word` is the name of a key=value pair: does it name something secret? */
static bool secret_word(struct lac_str word)
{
    static const char *const secret[] = {"password", "passwd", "pwd",     "secret",
                                         "token",    "apikey", "api_key", "sslpassword"};

    for (size_t i = 0; i < LAC_COUNT(secret); i++) {
        size_t n = strlen(secret[i]);

        if (word.len >= n &&
            lac_str_eq_nocase((struct lac_str){word.ptr + word.len - n, n}, secret[i]))
            return true;
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind a value that begins at `at`: its separator, or the end. */
static size_t value_end(struct lac_str text, size_t at, bool url)
{
    while (at < text.len && !is_blank(text.ptr[at])) {
        size_t word = at + 1;

        if (url && text.ptr[at] == '&')
            break;
        /* Some write ';' between pairs, and some into passwords: then no name and '=' follow. */
        while (text.ptr[at] == ';' && word < text.len && is_word(text.ptr[word]))
            word++;
        if (text.ptr[at] == ';' && word > at + 1 && word < text.len && text.ptr[word] == '=')
            break;
        at += text.ptr[at] == '\\' && at + 1 < text.len ? 2 : 1;
    }
    return at;
}

/* Behind the value that begins at `*start` or behind blanks there: libpq takes them, and
 * quotes. */
static size_t pair_end(struct lac_str text, size_t *start, bool url)
{
    size_t at = *start;

    while (at < text.len && is_blank(text.ptr[at]))
        at++;
    *start = at;
    if (at == text.len || text.ptr[at] != '\'')
        return value_end(text, at, url);
    for (at++; at < text.len && text.ptr[at] != '\'';)
        at += text.ptr[at] == '\\' && at + 1 < text.len ? 2 : 1;
    return at;
}

/* The name before the '=' at `equals`. */
static struct lac_str pair_name(struct lac_str text, size_t from, size_t equals)
{
    size_t end = equals, word;

    while (end > from && is_blank(text.ptr[end - 1]))
        end--;
    for (word = end; word > from && is_word(text.ptr[word - 1]);)
        word--;
    return (struct lac_str){text.ptr + word, end - word};
}

/* Behind "://user:" at `at`, up to the last '@'. A password with an unescaped '/' or blank is a
 * mistake that must not be shown either, so the '@' may be anywhere: hiding a port too much is
 * harmless. */
static bool url_secret(struct lac_str text, size_t at, size_t *start, size_t *end)
{
    size_t colon = 0, last = 0;

    for (size_t i = at + 3; i < text.len; i++) {
        if (text.ptr[i] == ':' && !colon)
            colon = i + 1;
        if (text.ptr[i] == '@')
            last = i;
    }
    *start = colon;
    *end = last;
    return colon && last > colon;
}

/* "user:password@host": a URL whose scheme was forgotten, which the one who reads it may add. */
static bool schemeless_secret(struct lac_str text, size_t *start, size_t *end)
{
    size_t colon = 0;

    while (colon < text.len && (is_word(text.ptr[colon]) || text.ptr[colon] == '%'))
        colon++;
    if (colon == text.len || text.ptr[colon] != ':')
        return false;
    *start = colon + 1;
    *end = text.len;
    while (*end > *start && text.ptr[*end - 1] != '@')
        --*end;
    if (*end == *start)
        return false;
    --*end;
    return *end > *start;
}

/*
 * Where the next secret of `text` lies from `from` on: in a URL before its '@', or behind
 * "password=" up to a separator. False when there is none.
 */
static bool next_secret(struct lac_str text, size_t from, size_t *start, size_t *end)
{
    bool url = memmem(text.ptr, text.len, "://", 3) != NULL;

    if (!url && from == 0 && schemeless_secret(text, start, end))
        return true;
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] == ':' && text.len - i > 3 && memcmp(text.ptr + i, "://", 3) == 0) {
            if (url_secret(text, i, start, end))
                return true;
        } else if (text.ptr[i] == '=' && secret_word(pair_name(text, from, i))) {
            *start = i + 1;
            *end = pair_end(text, start, url);
            if (*end > *start)
                return true;
        }
    }
    return false;
}

bool lac_conf_has_secret(struct lac_str text)
{
    size_t start, end;

    return next_secret(text, 0, &start, &end);
}

void lac_conf_put_masked(struct lac_buf *buf, struct lac_str text)
{
    size_t from = 0, start, end;

    while (next_secret(text, from, &start, &end)) {
        lac_buf_put(buf, text.ptr + from, start - from);
        lac_buf_put_text(buf, "********");
        from = end;
    }
    lac_buf_put(buf, text.ptr + from, text.len - from);
}
