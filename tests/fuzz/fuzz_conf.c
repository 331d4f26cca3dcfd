/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: refused with a text, or taken so that what is dumped reads
 * back as the same settings. */
#include <stdint.h>
#include <stdlib.h>

#include "lac_conf_impl.h"
#include "lac_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 drops a string that stands where its grammar fails: once, before an exit. */
const char *__lsan_default_suppressions(void); /* NOLINT(readability-identifier-naming) */
const char *__lsan_default_suppressions(void)  /* NOLINT(readability-identifier-naming) */
{
    return "leak:libconfig.so";
}

static struct lac_conf *defaults(void)
{
    const struct lac_conf_sources src = {.program = LAC_CONF_CLI, .no_file = true};
    struct lac_conf *c;

    if (lac_conf_load(&c, &src, NULL) != LAC_OK)
        abort();
    return c;
}

/* False: refused. */
static bool read_bytes(struct lac_conf *c, const char *text, size_t len)
{
    struct lac_err err = {0};
    bool has_secret;

    if (lac_conf_read_text(c, "input", text, len, &has_secret, &err) == LAC_OK)
        return true;
    if (err.status != LAC_FATAL || err.text[0] == '\0')
        abort();
    return false;
}

static void check_dump(const struct lac_conf *c)
{
    struct lac_buf file, json;
    struct lac_conf *again = defaults();
    struct lac_json *v;

    lac_buf_init(&file, 1 << 20);
    lac_buf_init(&json, 1 << 20);
    lac_conf_dump(c, &file, LAC_CONF_AS_FILE, false);
    (void)lac_buf_cstr(&file);
    if (!lac_buf_ok(&file) || !read_bytes(again, file.ptr, file.len))
        abort();
    for (size_t i = 0; i < lac_conf_key_count; i++)
        if (strcmp(c->values[i].text, again->values[i].text) != 0)
            abort();
    lac_conf_dump(c, &json, LAC_CONF_AS_JSON, true);
    if (lac_json_parse(&v, lac_buf_str(&json), NULL) != LAC_OK)
        abort();
    lac_json_free(v);
    lac_buf_deinit(&file);
    lac_buf_deinit(&json);
    lac_conf_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_conf *c = defaults();
    char *text = malloc(size + 1);

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (read_bytes(c, text, size))
        check_dump(c);
    free(text);
    lac_conf_free(c);
    return 0;
}
