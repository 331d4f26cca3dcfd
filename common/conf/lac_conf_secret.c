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

/* The end of `word` into `plain`, with its %XX as the characters that libpq makes of them. */
static struct lac_str plain_word(char plain[64], struct lac_str word)
{
    size_t skipped = word.len > 64 ? word.len - 64 : 0, n = 0;

    for (size_t i = skipped; i < word.len; i++, n++) {
        char byte;

        plain[n] = word.ptr[i];
        if (plain[n] != '%' || word.len - i < 3 ||
            !lac_hex_decode(&byte, 1, lac_str_slice(word, i + 1, i + 3)))
            continue;
        plain[n] = byte;
        i += 2;
    }
    return (struct lac_str){plain, n};
}

/* `word` is the name of a key=value pair: does it name something secret? The last two are
 * newer libpqs'. */
static bool secret_word(struct lac_str word)
{
    static const char *const secret[] = {
        "password",        "passwd", "pwd",    "pass",    "passphrase",
        "secret",          "token",  "apikey", "api_key", "scram_client_key",
        "scram_server_key"};
    char plain[64];

    word = plain_word(plain, word);
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

/* libpq's question: does it begin with a scheme? Others' schemes count as well. */
static bool is_url(struct lac_str text)
{
    size_t at = 0;

    while (at < text.len && (is_word(text.ptr[at]) || text.ptr[at] == '+'))
        at++;
    return at > 0 && text.len - at >= 3 && memcmp(text.ptr + at, "://", 3) == 0;
}

/*
 * Behind the value of `name` that begins at `*start` or behind blanks there: what libpq takes for
 * it, so quotes and backslashes count, and in a URL nothing but '&'. Where others end a value with
 * ';', more is hidden than need be: a password may hold one. Names with dots are no libpq's, but
 * librdkafka's in kafka.properties, and there ';' is in no value.
 */
static size_t pair_end(struct lac_str text, struct lac_str name, size_t *start)
{
    bool url = is_url(text), quoted;
    size_t at = *start;

    if (url || memchr(name.ptr, '.', name.len)) {
        while (at < text.len && text.ptr[at] != (url ? '&' : ';'))
            at++;
        return at;
    }
    while (at < text.len && is_blank(text.ptr[at]))
        at++;
    *start = at;
    quoted = at < text.len && text.ptr[at] == '\'';
    at += quoted;
    while (at < text.len && !(quoted ? text.ptr[at] == '\'' : is_blank(text.ptr[at])))
        at += text.ptr[at] == '\\' && at + 1 < text.len ? 2 : 1;
    return at;
}

/* The name before the '=' at `equals`. */
static struct lac_str pair_name(struct lac_str text, size_t equals)
{
    size_t end = equals, word;

    while (end > 0 && is_blank(text.ptr[end - 1]))
        end--;
    for (word = end; word > 0 && (is_word(text.ptr[word - 1]) || text.ptr[word - 1] == '%');)
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

/* A secret that "://" or '=' at `at` announces: in a URL before its '@', or a pair's value. */
static bool secret_at(struct lac_str text, size_t at, size_t *start, size_t *end)
{
    struct lac_str name;

    if (text.ptr[at] == ':' && text.len - at > 3 && memcmp(text.ptr + at, "://", 3) == 0)
        return url_secret(text, at, start, end);
    name = text.ptr[at] == '=' ? pair_name(text, at) : LAC_STR("");
    if (!secret_word(name))
        return false;
    *start = at + 1;
    *end = pair_end(text, name, start);
    return *end > *start;
}

/* Where the next secret of `text` lies from `from` on. False when there is none. */
static bool next_secret(struct lac_str text, size_t from, size_t *start, size_t *end)
{
    bool found =
        from == 0 && !memmem(text.ptr, text.len, "://", 3) && schemeless_secret(text, start, end);
    size_t at = from, also, further;

    while (!found && at < text.len)
        found = secret_at(text, at++, start, end);
    /* Two readings of one place: "://h?password=p:q@r". What either hides is hidden. */
    for (; found && at < *end; at++)
        if (secret_at(text, at, &also, &further)) {
            *start = also < *start ? also : *start;
            *end = further > *end ? further : *end;
        }
    return found;
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
