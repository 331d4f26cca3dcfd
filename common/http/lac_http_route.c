/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lac_http_internal.h"

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static unsigned method_bit(const char *method)
{
    for (unsigned i = 0; i < LAC_COUNT(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return 1u << i;
    return 0;
}

/* Whether `path` has the shape of `pattern`; then `*param` is what stands for its {parameter}. */
static bool matches(const char *pattern, struct lac_str path, struct lac_str *param)
{
    const char *open = strchr(pattern, '{');
    if (!open)
        return lac_str_is(path, pattern);
    const char *close = strchr(open, '}');
    size_t before = (size_t)(open - pattern);
    size_t after = close ? strlen(close + 1) : 0;
    if (path.len <= before + after)
        return false;
    struct lac_str middle = {path.ptr + before, path.len - before - after};
    if (memcmp(path.ptr, pattern, before) != 0)
        return false;
    if (after && memcmp(middle.ptr + middle.len, close + 1, after) != 0)
        return false;
    if (memchr(middle.ptr, '/', middle.len))
        return false;
    *param = middle;
    return true;
}

void lac_http_route(struct lac_http_request *r)
{
    const struct lac_http_server_options *o = &r->server->options;
    struct lac_str method = lac_str_is(r->method, "HEAD") ? LAC_STR("GET") : r->method;
    for (size_t i = 0; i < o->route_count; i++) {
        struct lac_str param = LAC_STR_NULL;
        if (!matches(o->routes[i].path, r->path, &param))
            continue;
        r->allowed |= method_bit(o->routes[i].method);
        if (!lac_str_is(method, o->routes[i].method))
            continue;
        r->route = &o->routes[i];
        r->param = param;
        return;
    }
    r->verdict = r->allowed ? 405 : 404;
}

void lac_http_route_allow(const struct lac_http_request *r, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < LAC_COUNT(methods); i++) {
        if (!(r->allowed & (1u << i)))
            continue;
        int n = snprintf(out + at, size - at, "%s%s%s", at ? ", " : "", methods[i],
                         i == 0 ? ", HEAD" : "");
        if (n < 0 || (size_t)n >= size - at)
            return;
        at += (size_t)n;
    }
}

bool lac_http_media_type_is(struct lac_str content_type, const char *media_type)
{
    size_t n = strlen(media_type);
    if (content_type.len < n || strncasecmp(content_type.ptr, media_type, n) != 0)
        return false;
    for (size_t i = n; i < content_type.len; i++) {
        char c = content_type.ptr[i];
        if (c == ';')
            return true; /* parameters such as charset=utf-8 */
        if (c != ' ' && c != '\t')
            return false;
    }
    return true;
}
