/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: what people's files say becomes the request they meant, and an interrupted run goes on
 * exactly behind what was acknowledged, or says why it can't. */
#include "lac_publish_input.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_publish_window.h"
#include "lac_test.h"

enum { ARENA = 1 << 20 };

static const struct {
    const char *header, *row, *json, *why;
} csv[] = {
    {"text", "a", "{\"text\":\"a\"}", NULL},
    {"text,user.id,user.role", "a,jo,", "{\"text\":\"a\",\"user\":{\"id\":\"jo\"}}", NULL},
    {"user.id,text,user.role", "jo,a,x", "{\"user\":{\"id\":\"jo\",\"role\":\"x\"},\"text\":\"a\"}",
     NULL},
    {"query,deadline_ms,files", "a,50,x;y;",
     "{\"query\":\"a\",\"deadline_ms\":50,"
     "\"files\":[\"x\",\"y\"]}",
     NULL},
    {"text,operation.type,operation.destination_encrypted", "a,export,TRUE",
     "{\"text\":\"a\",\"operation\":{\"type\":\"export\",\"destination_encrypted\":true}}", NULL},
    {"text,metadata.a,metadata.b", "t,1,2",
     "{\"text\":\"t\",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}", NULL},
    {"text,user.id", "a", NULL, "the row has 1 field, the header 2"},
    {"id,text", "", NULL, "no field \"id\"; \"metadata.id\" keeps what has none"},
    {"id,zebra", "", NULL,
     "the first row must name the columns (text, user.id, "
     "project, ...); for a file without a header use --format lines"},
    {"txt", "", NULL, "no field \"txt\"; did you mean \"text\"?"},
    {"text,user.rol", "", NULL, "no field \"user.rol\"; did you mean \"user.role\"?"},
    {"text,text", "", NULL, "column \"text\" occurs twice"},
    {"text,user", "", NULL, "\"user\" does not fit into a CSV column: use JSONL"},
    {"text,project.x", "", NULL, "\"project\" has no parts"},
    {"project", "", NULL, "no column is called \"text\""},
};

static size_t split(char *text, struct lac_str fields[])
{
    size_t n = 0;

    for (char *at = text, *end; at; at = end ? end + 1 : NULL) {
        end = strchr(at, ',');
        fields[n++] = (struct lac_str){at, end ? (size_t)(end - at) : strlen(at)};
    }
    return n;
}

static void csv_rows_become_the_requests_that_their_header_says(void)
{
    static struct lac_publish_columns columns;
    struct lac_str fields[LAC_PUBLISH_FIELDS_MAX];
    struct lac_buf json;

    lac_buf_init(&json, 4096);
    for (size_t i = 0; i < LAC_COUNT(csv); i++) {
        char header[128], row[128];
        struct lac_err err = {0};
        enum lac_status status;

        lac_test_row("%s / %s", csv[i].header, csv[i].row);
        snprintf(header, sizeof(header), "%s", csv[i].header);
        snprintf(row, sizeof(row), "%s", csv[i].row);
        lac_buf_reset(&json);
        status = lac_publish_columns_set(&columns, fields, split(header, fields), &err);
        if (status == LAC_OK)
            status = lac_publish_columns_json(&columns, fields, split(row, fields), &json, &err);
        LAC_TEST_EQ(status, csv[i].json ? LAC_OK : LAC_REJECT);
        LAC_TEST_STR(csv[i].json ? lac_buf_cstr(&json) : err.text,
                     csv[i].json ? csv[i].json : csv[i].why);
    }
    lac_buf_deinit(&json);
}

static void defaults_fill_gaps_and_never_overrule_the_source(void)
{
    struct lac_publish_defaults d = {
        .tenant = "acme", .project = "apollo", .user = "jo", .kind = "document"};
    struct lac_request r;
    struct lac_arena a;
    struct lac_err err;

    LAC_TEST_NEED(lac_arena_init(&a, ARENA, &err) == LAC_OK);
    LAC_TEST_NEED(lac_publish_from_json(&r, LAC_STR("{\"query\":\"x\"}"), &d, &a, &err) == LAC_OK);
    CU_ASSERT(lac_str_is(r.text, "x") && lac_str_is(r.tenant, "acme"));
    CU_ASSERT(lac_str_is(r.project, "apollo") && r.has_user && lac_str_is(r.user.id, "jo"));
    LAC_TEST_EQ(r.kind, LAC_KIND_DOCUMENT);
    LAC_TEST_NEED(
        lac_publish_from_json(&r,
                              LAC_STR("{\"text\":\"x\",\"tenant\":\"t\",\"project\":\"p\","
                                      "\"kind\":\"query\",\"user\":{\"id\":\"al\"}}"),
                              &d, &a, &err) == LAC_OK);
    CU_ASSERT(lac_str_is(r.tenant, "t") && lac_str_is(r.project, "p"));
    CU_ASSERT(lac_str_is(r.user.id, "al"));
    LAC_TEST_EQ(r.kind, LAC_KIND_QUERY);
    LAC_TEST_EQ(lac_publish_from_json(&r, LAC_STR("[1]"), &d, &a, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "a JSON array where a request object is expected");
    lac_publish_from_text(&r, LAC_STR("x"), LAC_STR("a\xff\xc3\xa4.txt"), &d, &a);
    CU_ASSERT(lac_str_is(r.subject, "a\\xff\xc3\xa4.txt")); /* a record's strings are UTF-8 */
    CU_ASSERT(r.files_count == 1 && lac_str_eq(r.files[0], r.subject));
    d.kind = "poem";
    LAC_TEST_EQ(lac_publish_defaults_check(&d, &err), LAC_REJECT);
    lac_arena_deinit(&a);
}

static void only_the_prefix_that_is_done_moves_the_mark(void)
{
    struct lac_publish_slot *slots[3];
    struct lac_publish_window w;
    struct lac_err err;

    LAC_TEST_NEED(lac_publish_window_init(&w, &err) == LAC_OK);
    for (uint64_t i = 0; i < 3; i++) {
        slots[i] = lac_publish_window_push(&w);
        LAC_TEST_NEED(slots[i] != NULL);
        slots[i]->position = (i + 1) * 10;
    }
    slots[1]->bad = true;
    lac_publish_window_done(&w, slots[1]);
    CU_ASSERT(!w.moved); /* the first is still on its way */
    lac_publish_window_done(&w, slots[0]);
    CU_ASSERT(w.moved);
    LAC_TEST_EQ(w.position, 20);
    LAC_TEST_EQ(w.done, 2);
    LAC_TEST_EQ(w.bad, 1);
    LAC_TEST_EQ(lac_publish_window_open(&w), 1);
    lac_publish_window_drop(&w);
    LAC_TEST_EQ(lac_publish_window_open(&w), 0);
    for (size_t i = 0; i < LAC_PUBLISH_WINDOW; i++)
        LAC_TEST_NEED(lac_publish_window_push(&w) != NULL);
    CU_ASSERT(lac_publish_window_push(&w) == NULL); /* bounded */
    lac_publish_window_deinit(&w);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    LAC_TEST_NEED(f != NULL);
    LAC_TEST_NEED(fputs(text, f) >= 0 && fclose(f) == 0);
}

static void expect_mark(const struct lac_publish_mark *got, const struct lac_publish_mark *want)
{
    LAC_TEST_STR(got->path, want->path);
    LAC_TEST_EQ(got->device, want->device);
    LAC_TEST_EQ(got->inode, want->inode);
    LAC_TEST_EQ(got->position, want->position);
    LAC_TEST_EQ(got->line, want->line);
    LAC_TEST_EQ(got->delivered, want->delivered);
    LAC_TEST_EQ(got->bad, want->bad);
    LAC_TEST_STR(got->head, want->head);
    LAC_TEST_STR(got->tail, want->tail);
    LAC_TEST_EQ(got->shape.known, want->shape.known);
    for (size_t i = 0; i < LAC_PUBLISH_SHAPE_COUNT; i++)
        LAC_TEST_STR(got->shape.value[i], want->shape.value[i]);
}

static void a_journal_belongs_to_one_run_at_a_time(void)
{
    char folder[] = "/tmp/lac_test_XXXXXX", path[PATH_MAX];
    struct lac_publish_journal first, second, none = {0};
    struct lac_err err;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    LAC_TEST_NEED(lac_publish_journal_open(&first, folder, LAC_STR("who"), &err) == LAC_OK);
    LAC_TEST_EQ(lac_publish_journal_open(&second, folder, LAC_STR("who"), &err), LAC_REJECT);
    lac_publish_journal_close(&second);
    LAC_TEST_NEED(lac_publish_journal_open(&second, folder, LAC_STR("other"), &err) == LAC_OK);
    lac_publish_journal_close(&second);
    lac_publish_journal_close(&first);
    LAC_TEST_NEED(lac_publish_journal_open(&second, folder, LAC_STR("who"), &err) == LAC_OK);
    lac_publish_journal_close(&second);
    lac_publish_journal_close(&second);
    lac_publish_journal_close(&none);
    snprintf(path, sizeof(path), "%s/publish", folder);
    LAC_TEST_EQ(rmdir(path), 0); /* no lock is left */
    LAC_TEST_EQ(rmdir(folder), 0);
}

static void a_journal_is_read_back_and_damage_is_noticed(void)
{
    char folder[] = "/tmp/lac_test_XXXXXX", path[64];
    struct lac_publish_mark m = {
        .position = 9, .line = 2, .delivered = 2, .bad = 1, .shape.known = true};
    struct lac_publish_mark got;
    struct lac_publish_journal j;
    struct lac_err err;
    int fd;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    LAC_TEST_NEED(lac_publish_journal_open(&j, folder, LAC_STR("who"), &err) == LAC_OK);
    LAC_TEST_EQ(lac_publish_journal_load(&j, &got, &err), LAC_AGAIN);
    snprintf(path, sizeof(path), "%s/data", folder);
    write_file(path, "line one\nline two\n");
    snprintf(m.path, sizeof(m.path), "%s", path);
    fd = open(path, O_RDONLY);
    LAC_TEST_NEED(fd >= 0);
    LAC_TEST_NEED(lac_publish_mark_take(&m, fd, &err) == LAC_OK);
    close(fd);
    lac_publish_shape_set(&m.shape, LAC_PUBLISH_SHAPE_PROJECT, "apollo = 11");
    lac_publish_shape_set(&m.shape, LAC_PUBLISH_SHAPE_USER, "");
    lac_publish_shape_set(&m.shape, LAC_PUBLISH_SHAPE_PURPOSE, "two\nlines");
    LAC_TEST_NEED(lac_publish_journal_save(&j, &m, &err) == LAC_OK);
    LAC_TEST_NEED(lac_publish_journal_load(&j, &got, &err) == LAC_OK);
    expect_mark(&got, &m);

    /* Growing behind the mark is fine; a change before it is not. */
    write_file(path, "line one\nline two\nline three\n");
    fd = open(path, O_RDONLY);
    LAC_TEST_EQ(lac_publish_mark_check(&got, fd, &err), LAC_OK);
    close(fd);
    write_file(path, "Line one\nline two\n");
    fd = open(path, O_RDONLY);
    LAC_TEST_EQ(lac_publish_mark_check(&got, fd, &err), LAC_REJECT);
    close(fd);
    write_file(path, "line");
    fd = open(path, O_RDONLY);
    LAC_TEST_EQ(lac_publish_mark_check(&got, fd, &err), LAC_REJECT);
    close(fd);

    LAC_TEST_NEED(truncate(j.path, 100) == 0);
    LAC_TEST_EQ(lac_publish_journal_load(&j, &got, &err), LAC_REJECT);
    lac_publish_journal_remove(&j);
    LAC_TEST_EQ(lac_publish_journal_load(&j, &got, &err), LAC_AGAIN);
    lac_publish_journal_close(&j);
    unlink(path);
    snprintf(path, sizeof(path), "%s/publish", folder);
    rmdir(path);
    LAC_TEST_EQ(rmdir(folder), 0);
}

/* What an earlier version left, and what a later one may. */
static void save_as(const struct lac_publish_journal *j, const char *text)
{
    unsigned char hash[LAC_SHA256_SIZE];
    char hex[2 * LAC_SHA256_SIZE + 1], whole[1024];

    lac_sha256(hash, text, strlen(text));
    lac_hex_encode(hex, hash, sizeof(hash));
    snprintf(whole, sizeof(whole), "%s%s\n", text, hex);
    write_file(j->path, whole);
}

#define ENTRY "path=/a\ndevice=1\ninode=2\nposition=9\nline=2\ndelivered=2\nbad=0\nhead=a\ntail=b\n"

static const struct {
    const char *text;
    enum lac_status status;
    const char *why; /* part of what is said */
} versions[] = {
    {"lacuna-publish 1\n" ENTRY, LAC_OK, NULL},
    {"lacuna-publish 2\n" ENTRY, LAC_REJECT, "is damaged"},
    {"lacuna-publish 2\n" ENTRY "format=auto\n", LAC_REJECT, "is damaged"},
    {"lacuna-publish 3\nanything\n", LAC_REJECT, "a later version"},
    {"lacuna-publish x\n" ENTRY, LAC_REJECT, "is damaged"},
    {"lacuna-publish\n" ENTRY, LAC_REJECT, "is damaged"},
};

static void journals_of_other_versions_are_read_or_refused(void)
{
    char folder[] = "/tmp/lac_test_XXXXXX", path[64];
    struct lac_publish_journal j;
    struct lac_publish_mark got;
    struct lac_err err;

    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    LAC_TEST_NEED(lac_publish_journal_open(&j, folder, LAC_STR("who"), &err) == LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(versions); i++) {
        lac_test_row("%s", versions[i].text);
        save_as(&j, versions[i].text);
        LAC_TEST_EQ(lac_publish_journal_load(&j, &got, &err), versions[i].status);
        if (versions[i].why) {
            CU_ASSERT(strstr(err.text, versions[i].why) != NULL);
        } else {
            CU_ASSERT(got.position == 9 && !got.shape.known); /* with what, nobody noted */
        }
    }
    lac_publish_journal_remove(&j);
    lac_publish_journal_close(&j);
    snprintf(path, sizeof(path), "%s/publish", folder);
    rmdir(path);
    LAC_TEST_EQ(rmdir(folder), 0);
}

#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
    enum lac_publish_shape_part part;
    const char *then, *now, *why; /* NULL: alike */
} shapes[] = {
    {LAC_PUBLISH_SHAPE_FORMAT, "auto", "auto", NULL},
    {LAC_PUBLISH_SHAPE_FORMAT, "auto", "csv", "--format \"auto\" then and --format \"csv\" now"},
    {LAC_PUBLISH_SHAPE_TENANT, NULL, NULL, NULL},
    {LAC_PUBLISH_SHAPE_TENANT, NULL, "acme", "no --tenant then and --tenant \"acme\" now"},
    {LAC_PUBLISH_SHAPE_USER, "", NULL, "--user \"\" then and no --user now"},
    {LAC_PUBLISH_SHAPE_PURPOSE, "a\nb", "a\nb", NULL},
    {LAC_PUBLISH_SHAPE_PURPOSE, "a\nb", "a\nc",
     "a --purpose with SHA-256 7e18f737... then and a --purpose with SHA-256 9e58d713... now"},
    /* What differs may stand behind what is shown, and behind what is kept as it is. */
    {LAC_PUBLISH_SHAPE_PROJECT, HUNDRED "a", HUNDRED "b",
     "--project \"" TEN TEN TEN TEN "...\" then and --project \"" TEN TEN TEN TEN "...\" now"},
    {LAC_PUBLISH_SHAPE_PROJECT, HUNDRED TEN TEN "12345678", HUNDRED TEN TEN "12345678", NULL},
    {LAC_PUBLISH_SHAPE_PROJECT, HUNDRED HUNDRED "a", HUNDRED HUNDRED "a", NULL},
    {LAC_PUBLISH_SHAPE_PROJECT, HUNDRED HUNDRED "a", HUNDRED HUNDRED "b", "with SHA-256 "},
};

static void a_run_with_other_options_is_no_continuation(void)
{
    struct lac_publish_shape then = {.known = true}, now = {.known = true};
    struct lac_err err;

    for (size_t i = 0; i < LAC_COUNT(shapes); i++) {
        struct lac_publish_shape a = then, b = now;

        lac_test_row("%zu", i);
        lac_publish_shape_set(&a, shapes[i].part, shapes[i].then);
        lac_publish_shape_set(&b, shapes[i].part, shapes[i].now);
        LAC_TEST_EQ(lac_publish_shape_check(&a, &b, &err), shapes[i].why ? LAC_REJECT : LAC_OK);
        if (shapes[i].why) {
            CU_ASSERT(strstr(err.text, shapes[i].why) != NULL);
        }
    }
    for (size_t i = 0; i < LAC_PUBLISH_SHAPE_COUNT; i++) {
        lac_publish_shape_set(&then, (enum lac_publish_shape_part)i, HUNDRED);
        lac_publish_shape_set(&now, (enum lac_publish_shape_part)i, NULL);
    }
    LAC_TEST_EQ(lac_publish_shape_check(&then, &now, &err), LAC_REJECT);
    CU_ASSERT(strstr(err.text, "; and 6 more") != NULL);
}

/* Reads everything and says it: "name:line=text;" */
static void read_all(struct lac_publish_input *in, struct lac_buf *out, size_t most)
{
    struct lac_publish_record r;
    struct lac_arena a;
    struct lac_err err;

    lac_buf_reset(out);
    LAC_TEST_NEED(lac_arena_init(&a, ARENA, &err) == LAC_OK);
    for (size_t i = 0; i < most; i++) {
        enum lac_status status = lac_publish_input_next(in, &a, &r, &err);

        if (status == LAC_AGAIN)
            break;
        LAC_TEST_NEED(status != LAC_FATAL);
        lac_buf_printf(out, "%s:%llu=", strrchr(r.file, '/') + 1, (unsigned long long)r.line);
        if (status == LAC_OK)
            lac_buf_put_str(out, r.request.text);
        else
            lac_buf_put_text(out, "!");
        lac_buf_put_char(out, ';');
        lac_arena_reset(&a);
    }
    lac_arena_deinit(&a);
}

static void folders_are_read_in_order_by_name_and_resumed_in_the_middle(void)
{
    static const struct lac_publish_defaults none;
    static const char *const names[] = {"a.csv", "b.jsonl", "c.txt", ".hidden"};
    static const char *const texts[] = {"text,user.id\nx,jo\ny\nz,al\n", "{\"text\":\"q\"}\n",
                                        "whole\nfile\n", "no"};
    char folder[] = "/tmp/lac_test_XXXXXX", path[64];
    char *args[] = {folder};
    struct lac_publish_mark m = {.position = 18, .line = 2};
    struct lac_publish_input *in;
    struct lac_buf out;
    struct lac_err err;

    lac_buf_init(&out, 4096);
    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        write_file(path, texts[i]);
    }
    LAC_TEST_NEED(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err) == LAC_OK);
    CU_ASSERT(lac_publish_input_resumable(in));
    read_all(in, &out, 100);
    LAC_TEST_STR(lac_buf_cstr(&out),
                 "a.csv:2=x;a.csv:3=!;a.csv:4=z;b.jsonl:1=q;c.txt:0=whole\nfile\n;");
    lac_publish_input_close(in);

    /* Behind the first row: the header is read again, the row is not. */
    LAC_TEST_NEED(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err) == LAC_OK);
    LAC_TEST_NEED(lac_publish_input_mark(in, 0, &m, &err) == LAC_OK);
    LAC_TEST_NEED(lac_publish_input_resume(in, &m, &err) == LAC_OK);
    read_all(in, &out, 2);
    LAC_TEST_STR(lac_buf_cstr(&out), "a.csv:3=!;a.csv:4=z;");
    lac_publish_input_close(in);

    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    LAC_TEST_EQ(rmdir(folder), 0);
    lac_buf_deinit(&out);
}

static const struct {
    const char *name, *text;
    uint64_t position, line; /* behind the first record; the lines up to there */
    const char *rest;
} halves[] = {
    {"a.csv", "text\n\"x\ny\"\nz\n", 11, 3, "a.csv:4=z;"},
    /* What the rest begins with says nothing about the file. */
    {"notes", "x\n{y\nz\n", 2, 1, "notes:2={y;notes:3=z;"},
    {"requests", "{\"text\":\"x\"}\nz\n", 13, 1, "requests:2=!;"},
};

static void the_second_half_is_read_as_the_first_was(void)
{
    static const struct lac_publish_defaults none;
    char folder[] = "/tmp/lac_test_XXXXXX", path[64];
    char *args[] = {path};
    struct lac_buf out;
    struct lac_err err;

    lac_buf_init(&out, 4096);
    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < LAC_COUNT(halves); i++) {
        struct lac_publish_mark m = {.position = halves[i].position, .line = halves[i].line};
        struct lac_publish_input *in;
        struct lac_publish_record r;
        struct lac_arena a;

        lac_test_row("%s", halves[i].name);
        snprintf(path, sizeof(path), "%s/%s", folder, halves[i].name);
        write_file(path, halves[i].text);
        LAC_TEST_NEED(lac_arena_init(&a, ARENA, &err) == LAC_OK);
        LAC_TEST_NEED(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err) ==
                      LAC_OK);
        LAC_TEST_EQ(lac_publish_input_next(in, &a, &r, &err), LAC_OK);
        LAC_TEST_EQ(r.position, halves[i].position);
        LAC_TEST_EQ(r.lines, halves[i].line);
        lac_publish_input_close(in);
        lac_arena_deinit(&a);

        LAC_TEST_NEED(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err) ==
                      LAC_OK);
        LAC_TEST_NEED(lac_publish_input_mark(in, 0, &m, &err) == LAC_OK);
        LAC_TEST_NEED(lac_publish_input_resume(in, &m, &err) == LAC_OK);
        read_all(in, &out, 100);
        LAC_TEST_STR(lac_buf_cstr(&out), halves[i].rest);
        lac_publish_input_close(in);
        unlink(path);
    }
    LAC_TEST_EQ(rmdir(folder), 0);
    lac_buf_deinit(&out);
}

/* Editors and scripts leave them at the end; a record too large for its place is another matter. */
static void empty_lines_at_the_end_are_no_records(void)
{
    static const struct {
        const char *name, *text, *read;
    } cases[] = {
        {"a.jsonl", "{\"text\":\"x\"}\n\n\n", "a.jsonl:1=x;"},
        {"a.jsonl", "\n{\"text\":\"x\"}\n\n{\"text\":\"y\"}\r\n\r\n", "a.jsonl:2=x;a.jsonl:4=y;"},
        {"a.csv", "text\nx\n\n", "a.csv:2=x;"},
        {"a.csv", "text\n\n\n", ""},
        {"a.csv", "\n\n", ""},
        {"a.txt", "x\n\ny\n\n", "a.txt:1=x;a.txt:3=y;"},
        {"a.txt", "\n", ""},
    };
    static const struct lac_publish_defaults none;
    char folder[] = "/tmp/lac_test_XXXXXX", path[64];
    struct lac_buf out;

    lac_buf_init(&out, 1 << 16);
    LAC_TEST_NEED(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char *args[] = {path};
        struct lac_publish_input *in;
        struct lac_err err;

        lac_test_row("%zu", i);
        snprintf(path, sizeof(path), "%s/%s", folder, cases[i].name);
        write_file(path, cases[i].text);
        LAC_TEST_NEED(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err) ==
                      LAC_OK);
        read_all(in, &out, SIZE_MAX);
        LAC_TEST_STR(lac_buf_cstr(&out), cases[i].read);
        lac_publish_input_close(in);
        unlink(path);
    }
    LAC_TEST_EQ(rmdir(folder), 0);
    lac_buf_deinit(&out);
}

static void a_file_as_stdin_has_no_name_to_go_on_with(void)
{
    static const struct lac_publish_defaults none;
    char path[] = "/tmp/lac_test_XXXXXX", dash[] = "-";
    char *args[] = {dash};
    int fd = mkstemp(path), before = dup(STDIN_FILENO);
    struct lac_publish_input *in;
    struct lac_err err;

    LAC_TEST_NEED(fd >= 0 && before >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    LAC_TEST_NEED(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err) == LAC_OK);
    CU_ASSERT(!lac_publish_input_resumable(in));
    lac_publish_input_close(in);
    LAC_TEST_EQ(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
    close(fd);
    unlink(path);
}

static void a_file_that_is_not_there_is_named_before_anything_is_read(void)
{
    static const struct lac_publish_defaults none;
    char missing[] = "/no/such/file";
    char *args[] = {missing};
    struct lac_publish_input *in;
    struct lac_err err;

    LAC_TEST_EQ(lac_publish_input_open(&in, args, 1, LAC_PUBLISH_AUTO, &none, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "/no/such/file: No such file or directory");
}

LAC_TEST_MAIN(publish, csv_rows_become_the_requests_that_their_header_says,
              defaults_fill_gaps_and_never_overrule_the_source,
              only_the_prefix_that_is_done_moves_the_mark,
              a_journal_is_read_back_and_damage_is_noticed,
              journals_of_other_versions_are_read_or_refused,
              a_run_with_other_options_is_no_continuation, a_journal_belongs_to_one_run_at_a_time,
              folders_are_read_in_order_by_name_and_resumed_in_the_middle,
              the_second_half_is_read_as_the_first_was, a_file_as_stdin_has_no_name_to_go_on_with,
              empty_lines_at_the_end_are_no_records,
              a_file_that_is_not_there_is_named_before_anything_is_read)
