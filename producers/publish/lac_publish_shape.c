/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_shape.h"

#include <stdio.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_digest.h"

enum {
    SHOWN_BYTES = 40, /* of a value */
    SHOWN_PARTS = 3,  /* so that all of it fits into an error's text */
};

static const char *const names[LAC_PUBLISH_SHAPE_COUNT] = {
    [LAC_PUBLISH_SHAPE_FORMAT] = "format",   [LAC_PUBLISH_SHAPE_KEY] = "key",
    [LAC_PUBLISH_SHAPE_TENANT] = "tenant",   [LAC_PUBLISH_SHAPE_PROJECT] = "project",
    [LAC_PUBLISH_SHAPE_USER] = "user",       [LAC_PUBLISH_SHAPE_ENVIRONMENT] = "environment",
    [LAC_PUBLISH_SHAPE_PURPOSE] = "purpose", [LAC_PUBLISH_SHAPE_SESSION] = "session",
    [LAC_PUBLISH_SHAPE_KIND] = "kind",
};

const char *lac_publish_shape_name(enum lac_publish_shape_part part)
{
    return names[part];
}

static bool fits_a_line(const char *value)
{
    size_t n = strlen(value);

    if (n > LAC_PUBLISH_SHAPE_SIZE - 2)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == '\x7f')
            return false;
    return true;
}

void lac_publish_shape_set(struct lac_publish_shape *s, enum lac_publish_shape_part part,
                           const char *value)
{
    unsigned char hash[LAC_SHA256_SIZE];
    char *out = s->value[part];

    out[0] = '\0';
    if (!value)
        return;
    if (fits_a_line(value)) {
        (void)snprintf(out, LAC_PUBLISH_SHAPE_SIZE, "=%s", value);
        return;
    }
    lac_sha256(hash, value, strlen(value));
    out[0] = '#';
    lac_hex_encode(out + 1, hash, sizeof(hash));
}

/* "--project apollo", "no --project" */
static void show(struct lac_buf *b, size_t part, const char *value)
{
    size_t n = *value ? strlen(value + 1) : 0;

    if (!*value) {
        lac_buf_printf(b, "no --%s", names[part]);
        return;
    }
    if (*value == '#') {
        lac_buf_printf(b, "a --%s with SHA-256 %.8s...", names[part], value + 1);
        return;
    }
    if (n > SHOWN_BYTES) {
        n = SHOWN_BYTES;
        while (n > 0 && ((unsigned char)value[1 + n] & 0xC0) == 0x80) /* within a character */
            n--;
    }
    lac_buf_printf(b, "--%s \"%.*s%s\"", names[part], (int)n, value + 1, value[1 + n] ? "..." : "");
}

enum lac_status lac_publish_shape_check(const struct lac_publish_shape *then,
                                        const struct lac_publish_shape *now, struct lac_err *err)
{
    char memory[LAC_ERR_TEXT_SIZE];
    struct lac_buf b;
    size_t differ = 0;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    for (size_t i = 0; i < LAC_PUBLISH_SHAPE_COUNT; i++) {
        if (strcmp(then->value[i], now->value[i]) == 0)
            continue;
        if (differ++ >= SHOWN_PARTS)
            continue;
        lac_buf_put_text(&b, differ > 1 ? "; " : "");
        show(&b, i, then->value[i]);
        lac_buf_put_text(&b, " then and ");
        show(&b, i, now->value[i]);
        lac_buf_put_text(&b, " now");
    }
    if (differ > SHOWN_PARTS)
        lac_buf_printf(&b, "; and %zu more", differ - SHOWN_PARTS);
    return differ
               ? lac_err_set(err, LAC_REJECT, 0,
                             "the run that was interrupted had other options: %s", lac_buf_cstr(&b))
               : LAC_OK;
}
