/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests/integration/test_schema_resolution.py: reads lines of "TYPE SCHEMA BYTES" (schema and
 * bytes in hex), answers each with the record as JSON or with "REJECT why".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_opprogram.h"
#include "lac_record_json.h"
#include "lac_records.h"

enum { RECORD_MAX = 4096, ARENA = 16 << 20 };

static enum lac_status resolve(const struct lac_record_type *t, struct lac_str schema,
                               struct lac_str bytes, struct lac_arena *a, void *record,
                               struct lac_err *err)
{
    struct lac_opprogram *program = NULL;
    struct lac_schema_node *root;
    struct lac_arena tree;
    enum lac_status status = lac_arena_init(&tree, lac_schema_arena_size(schema.len), err);

    if (status != LAC_OK)
        return status;
    status = lac_schema_parse(&root, schema, &tree, err);
    if (status == LAC_OK)
        status = lac_opprogram_new(&program, t, root, err);
    if (status == LAC_OK)
        status = lac_opprogram_run(program, record, bytes, a, err);
    lac_opprogram_free(program);
    lac_arena_deinit(&tree);
    return status;
}

/* Decodes hex in place. */
static struct lac_str unhex(char *text)
{
    size_t n = strlen(text) / 2;

    if (!lac_hex_decode(text, n, (struct lac_str){text, 2 * n}))
        exit(2);
    return (struct lac_str){text, n};
}

static void answer(char *line, struct lac_arena *a)
{
    static _Alignas(16) char record[RECORD_MAX];
    char *rest = line, *name = strsep(&rest, " "), *schema = strsep(&rest, " ");
    const struct lac_record_type *t = lac_record_type_by_name(lac_str_from(name));
    struct lac_json_writer w;
    struct lac_buf json;
    struct lac_err err;

    if (!t || !schema || !rest || t->size > sizeof(record))
        exit(2);
    lac_arena_reset(a);
    if (resolve(t, unhex(schema), unhex(rest), a, record, &err) != LAC_OK) {
        printf("%s %s\n", err.status == LAC_REJECT ? "REJECT" : "FAILED", err.text);
        return;
    }
    lac_buf_init(&json, 1 << 26);
    lac_json_begin(&w, &json);
    lac_record_to_json(&w, t, record);
    printf("%s\n", lac_json_done(&w) ? lac_buf_cstr(&json) : "FAILED json");
    lac_buf_deinit(&json);
}

int main(void)
{
    struct lac_arena a;
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    if (lac_arena_init(&a, ARENA, NULL) != LAC_OK)
        return EXIT_FAILURE;
    while ((n = getline(&line, &size, stdin)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        answer(line, &a);
        (void)fflush(stdout);
    }
    free(line);
    lac_arena_deinit(&a);
    return EXIT_SUCCESS;
}
