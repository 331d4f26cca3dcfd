/* SPDX-License-Identifier: Apache-2.0 */
#include "match_regex_fixture.h"

#include <stdio.h>

#include "lac_test.h"

struct lac_buf fixture_program;
struct lac_match_regex_info fixture_info;

const struct lac_match_regex *fixture_compile_text(struct lac_str pattern, struct lac_err *err)
{
    lac_buf_deinit(&fixture_program);
    lac_buf_init(&fixture_program, FIXTURE_PROGRAMS);
    *err = (struct lac_err){0};
    if (lac_match_regex_compile(&fixture_program, pattern, &fixture_info, err) != LAC_OK ||
        !fixture_info.supported)
        return NULL;
    return lac_match_regex_valid(lac_buf_str(&fixture_program));
}

const struct lac_match_regex *fixture_compile(const char *pattern)
{
    struct lac_err err;
    const struct lac_match_regex *r = fixture_compile_text(lac_str_from(pattern), &err);

    if (!r) {
        lac_test_row("%s: %s%s", pattern, err.text, fixture_info.reason);
        LAC_TEST_EQ(err.status, LAC_OK);
    }
    LAC_TEST_NEED(r);
    return r;
}

const char *fixture_prefixes(void)
{
    static char text[1024];
    size_t n = 0;

    text[0] = 0;
    for (size_t i = 0; i < fixture_info.prefix_count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "|" : "",
                              fixture_info.prefix[i].len, fixture_info.prefix[i].text);
    if (fixture_info.prefix_nocase)
        (void)snprintf(text + n, sizeof(text) - n, " i");
    return text;
}

const char *fixture_inner(void)
{
    static char text[128];

    (void)snprintf(text, sizeof(text), "%.*s%s@%d-%d", fixture_info.inner_len, fixture_info.inner,
                   fixture_info.inner_nocase ? " i" : "", fixture_info.inner_min,
                   fixture_info.inner_max);
    return text;
}

const char *fixture_shapes(void)
{
    static char text[4096];
    size_t n = 0;

    text[0] = 0;
    for (size_t i = 0; i < fixture_info.shape_count; i++) {
        const struct lac_match_regex_shape *s = &fixture_info.shape[i];

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", i ? " " : "");
        for (unsigned k = 0; k < s->len; k++)
            text[n++] = "xa0"[s->digits >> k & 1 ? 2 : s->alphas >> k & 1];
        for (unsigned c = 0; c < 128; c++)
            if (lac_match_regex_set_has(&s->follow, (unsigned char)c))
                text[n++] = (char)c;
        if (s->ends)
            text[n++] = '$';
        if (s->longer)
            text[n++] = '+';
        text[n] = 0;
    }
    return text;
}
