/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schemas/golden: the bytes of version 1, made by fastavro. A difference here means that records
 * on topics that exist can no longer be read, or that hashes over them change.
 */
#include "lac_record_json.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lac_records.h"
#include "lac_test.h"

enum { FILE_MAX = 1 << 16, RECORD_MAX = 4096 };

static struct lac_arena arena;
static struct lac_err err;
static unsigned cases;

static struct lac_str read_file(const char *folder, const char *name, char *memory)
{
    char path[512];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, memory, FILE_MAX);
        (void)close(fd);
    }
    LAC_TEST_NEED(n >= 0 && n < FILE_MAX);
    return (struct lac_str){memory, (size_t)n};
}

/* Hex digits over several lines. */
static struct lac_str read_hex(const char *folder, char *memory)
{
    static char text[FILE_MAX];
    struct lac_str hex = read_file(folder, "expected.hex", text);
    size_t n = 0;

    for (size_t i = 0; i < hex.len; i++) {
        if (text[i] != '\n')
            text[n++] = text[i];
    }
    LAC_TEST_NEED(n % 2 == 0 && lac_hex_decode(memory, n / 2, (struct lac_str){text, n}));
    return (struct lac_str){memory, n / 2};
}

static void from_json(const struct lac_record_type *t, void *record, struct lac_str text)
{
    struct lac_json *json;

    LAC_TEST_NEED(lac_json_parse(&json, text, &err) == LAC_OK);
    err.text[0] = '\0';
    LAC_TEST_EQ(lac_record_from_json(t, record, json, &arena, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    lac_json_free(json);
}

static void expect_bytes(const struct lac_record_type *t, const void *record, struct lac_str want)
{
    static char bytes[FILE_MAX];

    LAC_TEST_EQ(t->encoded_size(record), want.len);
    LAC_TEST_NEED(t->encoded_size(record) <= sizeof(bytes));
    LAC_TEST_EQ(t->encode(record, bytes), want.len);
    CU_ASSERT(memcmp(bytes, want.ptr, want.len) == 0);
}

static void check_case(const struct lac_record_type *t, const char *folder)
{
    static char input[FILE_MAX], expected[FILE_MAX];
    static _Alignas(max_align_t) char record[RECORD_MAX];
    struct lac_str want = read_hex(folder, expected);
    struct lac_json_writer w;
    struct lac_buf json;

    LAC_TEST_NEED(t->size <= sizeof(record));
    lac_arena_reset(&arena);
    from_json(t, record, read_file(folder, "input.json", input));
    expect_bytes(t, record, want);

    memset(record, 0xA5, sizeof(record));
    LAC_TEST_EQ(t->decode(record, want, &arena, &err), LAC_OK);
    expect_bytes(t, record, want);

    lac_buf_init(&json, 1 << 20);
    lac_json_begin(&w, &json);
    lac_record_to_json(&w, t, record);
    LAC_TEST_NEED(lac_json_done(&w));
    from_json(t, record, lac_buf_str(&json));
    expect_bytes(t, record, want);
    lac_buf_deinit(&json);
    cases++;
}

static void every_golden_file_is_met(void)
{
    LAC_TEST_NEED(lac_arena_init(&arena, 1 << 20, NULL) == LAC_OK);
    for (const struct lac_record_type *const *t = lac_record_types(); *t; t++) {
        unsigned before = cases;
        char folder[256], path[512];
        const struct dirent *entry;
        DIR *dir;

        (void)snprintf(folder, sizeof(folder), "schemas/golden/%s", (*t)->name);
        lac_test_row("%s", folder);
        dir = opendir(folder);
        LAC_TEST_NEED(dir);
        while ((entry = readdir(dir))) {
            if (entry->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof(path), "%s/%.200s", folder, entry->d_name);
            lac_test_row("%s", path);
            check_case(*t, path);
        }
        (void)closedir(dir);
        CU_ASSERT(cases >= before + 2);
    }
    lac_arena_deinit(&arena);
}

LAC_TEST_MAIN(golden, every_golden_file_is_met)
