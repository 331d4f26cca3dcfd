/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers that decide how a request is read, in one pass instead of a search for each. Whatever a
 * program in front of us could read otherwise is refused: that is how one request is hidden in
 * another, and how a key is shown to one of two and not to the other.
 */
#include <string.h>
#include <strings.h>

#include "lac_http_internal.h"

/* The headers that count once, by the length of their names. */
enum {
    HOST = sizeof "Host" - 1,
    EXPECT = sizeof "Expect" - 1,
    TYPE = sizeof "Content-Type" - 1,
    AUTHORIZATION = sizeof "Authorization" - 1,
    LENGTH = sizeof "Content-Length" - 1,
    KEY = sizeof "Idempotency-Key" - 1,
    SQUEEZED = sizeof "Content-Encoding" - 1,
    CODING = sizeof "Transfer-Encoding" - 1,
    NAMES,
};
static const char *const names[NAMES] = {
    [HOST] = "Host",
    [EXPECT] = "Expect",
    [TYPE] = "Content-Type",
    [AUTHORIZATION] = "Authorization",
    [LENGTH] = "Content-Length",
    [KEY] = "Idempotency-Key",
    [SQUEEZED] = "Content-Encoding",
    [CODING] = "Transfer-Encoding",
};

struct heads {
    struct lac_str at[NAMES]; /* the first of each */
    const char *end;          /* behind what was read last, in the library's memory */
    uint64_t sizes;
    bool odd;
};

static bool is_gap(char c)
{
    return c == '\0' || c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/*
 * The library takes what stands before a NUL for a whole value. Values, names, path and version
 * lie where they came in, in one block and in order, so that what it left out lies between them.
 * Only a value over two lines is copied elsewhere: nobody sends that any more but to confuse.
 */
static bool hides_bytes(const char *end, const char *next)
{
    if (next < end)
        return true;
    for (const char *p = end; p < next; p++)
        if (!is_gap(*p))
            return true;
    return false;
}

/* Whether the name begins with one of ours; most do not even with its letter. */
static bool begins_with(const char *name, const char *ours, size_t size)
{
    return ((name[0] ^ ours[0]) | 0x20) == 0x20 && strncasecmp(name, ours, size) == 0;
}

/* The library lets them through, and another program before this one may read them otherwise:
 * "Content-Length : 5". */
static bool is_odd(const char *name, size_t name_size, const char *value, size_t size)
{
    static const int framings[] = {LENGTH, CODING};

    /* libmicrohttpd 0.9 takes a value on a line of its own for more of the name. */
    for (size_t i = 0; i < LAC_COUNT(framings); i++)
        if (name_size > (size_t)framings[i] &&
            begins_with(name, names[framings[i]], (size_t)framings[i]))
            return true;
    for (size_t i = 0; i < name_size; i++)
        if ((unsigned char)name[i] <= ' ')
            return true;
    return value && (memchr(value, '\0', size) || memchr(value, '\r', size));
}

static enum MHD_Result note(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                            const char *value, size_t size)
{
    struct heads *h = cls;
    (void)kind;
    h->odd = h->odd || is_odd(name, name_size, value, size) || hides_bytes(h->end, name);
    h->end = value ? value + size : name + name_size;
    h->sizes |= lac_http_size_bit(name_size);
    if (name_size >= NAMES || !names[name_size] || !begins_with(name, names[name_size], name_size))
        return MHD_YES;
    h->odd |= h->at[name_size].ptr != NULL;
    h->at[name_size] = (struct lac_str){value ? value : "", value ? size : 0};
    return MHD_YES;
}

void lac_http_heads_read(struct MHD_Connection *mhd, const char *uri_end, const char *version,
                         struct lac_http_heads *out)
{
    struct heads h = {.end = version + strlen(version), .odd = hides_bytes(uri_end, version)};
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, note, &h);
    /* Behind the last value is the end of its line, and that of the empty one. */
    h.odd = h.odd || hides_bytes(h.end, h.end + 2);
    *out = (struct lac_http_heads){.host = h.at[HOST],
                                   .length = h.at[LENGTH],
                                   .coding = h.at[CODING],
                                   .type = h.at[TYPE],
                                   .squeezed = h.at[SQUEEZED],
                                   .expect = h.at[EXPECT],
                                   .sizes = h.sizes};
    /* Two lengths; and a coding beside "chunked" that the library would wait for the end of. A
     * client of HTTP/1.0 knows of no codings. */
    out->ambiguous = h.odd || (out->length.ptr && out->coding.ptr) ||
                     (out->coding.ptr && (!lac_str_eq_nocase(out->coding, "chunked") ||
                                          strcmp(version, "HTTP/1.0") == 0));
}
