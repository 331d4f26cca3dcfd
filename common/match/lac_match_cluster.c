/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_cluster.h"

#include <utf8proc.h>

#include "lac_match_detect.h"
#include "lac_utf8.h"

_Static_assert(sizeof(utf8proc_int32_t) == sizeof(int32_t), "utf8proc's cells are ours");

static bool is_blank_code(uint32_t code, const utf8proc_property_t *p)
{
    return p->category == UTF8PROC_CATEGORY_ZS || p->category == UTF8PROC_CATEGORY_ZL ||
           p->category == UTF8PROC_CATEGORY_ZP || code == 0x2800 || code == 0x3164 ||
           code == 0xFFA0;
}

bool lac_match_is_blank(uint32_t code)
{
    return code >= 0x80 && is_blank_code(code, utf8proc_get_property((utf8proc_int32_t)code));
}

bool lac_match_combines(uint32_t code)
{
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)code);

    if (is_blank_code(code, p))
        return false;
    return p->combining_class != 0 || p->category == UTF8PROC_CATEGORY_MN ||
           p->category == UTF8PROC_CATEGORY_MC || p->category == UTF8PROC_CATEGORY_ME ||
           p->ignorable || (code >= 0x1160 && code <= 0x11FF); /* Jamo vowels and finals */
}

bool lac_match_separates(uint32_t code)
{
    if (code < 0x80 || (code >= 0xFF00 && code <= 0xFFEF))
        return false;
    switch (utf8proc_get_property((utf8proc_int32_t)code)->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CN:
        return false;
    default:
        return true;
    }
}

/* What is drawn over a character or around it: strokes, slashes, circles, keycaps. */
static bool is_overlay(uint32_t code)
{
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)code);

    return p->combining_class == 1 || p->category == UTF8PROC_CATEGORY_ME;
}

/* Marks that make no other character of one of ASCII only decorate it: any on a letter or digit,
 * also on one that was full-width or in a circle; strokes and enclosures on whatever it is. */
static size_t without_marks(const unsigned char *cluster, size_t n)
{
    struct lac_str text = {(const char *)cluster, n};
    size_t at = 1;

    if (n < 2 || cluster[0] >= 0x80)
        return n;
    while (at < n) {
        uint32_t code = lac_utf8_next(text, &at);

        if (code < 0x80 || !lac_match_combines(code) ||
            (!lac_match_is_alnum(cluster[0]) && !is_overlay(code)))
            return n;
    }
    return 1;
}

size_t lac_match_normalise(struct lac_str cluster, bool fold, union lac_match_cluster_text *out)
{
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                UTF8PROC_IGNORE | (fold ? UTF8PROC_CASEFOLD : 0);
    utf8proc_ssize_t n;

    n = utf8proc_decompose((const utf8proc_uint8_t *)cluster.ptr, (utf8proc_ssize_t)cluster.len,
                           out->cells, LAC_MATCH_CLUSTER_CELLS, options);
    if (n <= 0 || n > LAC_MATCH_CLUSTER_CELLS)
        return 0;
    n = utf8proc_reencode(out->cells, n, options);
    return n > 0 ? without_marks(out->bytes, (size_t)n) : 0;
}

size_t lac_match_cluster_len(struct lac_str text, size_t at, uint32_t *base)
{
    size_t next = at;
    size_t n = 1;

    *base = lac_utf8_next(text, &next);
    if (*base == LAC_UTF8_BAD)
        return 0;
    while (next < text.len && (unsigned char)text.ptr[next] >= 0x80 && n < LAC_MATCH_CLUSTER_MAX) {
        size_t behind = next;
        uint32_t code = lac_utf8_next(text, &behind);

        if (code == LAC_UTF8_BAD || !lac_match_combines(code))
            break;
        next = behind;
        n++;
    }
    return next - at;
}
