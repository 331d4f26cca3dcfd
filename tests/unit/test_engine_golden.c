/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the same inputs give the same core, on any machine and in any later version. Method: each
 * tests/golden/core/<case>.json holds a request, a strategy and observations; <case>.expected holds
 * the decision's hash and the core as JSON.
 *
 * A difference here means that LAC_DECIDE_SEMANTICS has to change: then, and only then, run the
 * test with LAC_GOLDEN_UPDATE=1 and review what changed.
 */
#include "lac_engine.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "lac_env.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_record_json.h"
#include "lac_test.h"

#define FOLDER "tests/golden/core"

enum { FILE_MAX = 1 << 16, OBSERVATIONS = 8 };

struct file {
    char data[FILE_MAX];
    size_t len;
};

static bool read_file(const char *path, struct file *f)
{
    FILE *in = fopen(path, "rb");

    f->len = 0;
    if (!in)
        return false;
    f->len = fread(f->data, 1, sizeof(f->data), in);
    fclose(in);
    return f->len < sizeof(f->data);
}

static size_t observations_of(const struct lac_json *list, struct lac_observation *out)
{
    size_t n = 0;

    for (; n < lac_json_size(list) && n < OBSERVATIONS; n++) {
        const struct lac_json *o = lac_json_item(list, n);

        out[n] = (struct lac_observation){lac_json_string(lac_json_get(o, "kind")),
                                          lac_json_string(lac_json_get(o, "name")),
                                          lac_json_string(lac_json_get(o, "value"))};
    }
    return n;
}

/* "<hash>\n<core as JSON>\n" */
static void render(const struct lac_engine_out *out, struct lac_buf *b)
{
    struct lac_json_writer w;
    char hex[65];

    lac_hex_encode(hex, out->decision_hash.bytes, 32);
    lac_buf_printf(b, "%s\n", hex);
    lac_json_begin(&w, b);
    lac_record_to_json(&w, lac_record_type_by_name(LAC_STR("DecisionCore")), &out->core);
    lac_buf_put_char(b, '\n');
}

static void check(const char *name, const char *got)
{
    static struct file want;
    char path[512];
    FILE *update;

    snprintf(path, sizeof(path), FOLDER "/%s.expected", name);
    if (lac_env("LAC_GOLDEN_UPDATE")) {
        update = fopen(path, "wb");
        LAC_TEST_NEED(update != NULL);
        fputs(got, update);
        fclose(update);
    }
    lac_test_row("%s", name);
    LAC_TEST_EQ(read_file(path, &want), true);
    want.data[want.len] = 0;
    LAC_TEST_STR(got, want.data);
}

static void run_case(const struct lac_pack *pack, const char *name, struct lac_arena *a)
{
    static struct file input;
    struct lac_observation observations[OBSERVATIONS];
    struct lac_engine_options options = {.commitment_key = LAC_STR("golden golden golden"),
                                         .commitment_key_id = LAC_STR("golden")};
    struct lac_engine *e = NULL;
    struct lac_json *root = NULL;
    struct lac_engine_in in = {.observations = observations};
    struct lac_engine_out out;
    struct lac_request request;
    struct lac_err err = {0};
    struct lac_buf b;
    char path[512];

    snprintf(path, sizeof(path), FOLDER "/%s.json", name);
    lac_test_row("%s", name);
    LAC_TEST_NEED(read_file(path, &input));
    LAC_TEST_NEED(lac_json_parse(&root, (struct lac_str){input.data, input.len}, &err) == LAC_OK);
    CU_ASSERT(
        lac_strategy_parse(lac_json_string(lac_json_get(root, "strategy")), &options.strategy));
    lac_arena_reset(a);
    LAC_TEST_EQ(lac_record_from_json(lac_record_type_by_name(LAC_STR("Request")), &request,
                                     lac_json_get(root, "request"), a, &err),
                LAC_OK);
    in.request = &request;
    in.raw = request.text;
    in.observation_count = observations_of(lac_json_get(root, "observations"), observations);
    LAC_TEST_EQ(lac_engine_open(&e, &options, &err), LAC_OK);
    LAC_TEST_EQ(lac_engine_run(e, pack, &in, 1, a, &out, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    lac_buf_init(&b, FILE_MAX);
    render(&out, &b);
    check(name, lac_buf_cstr(&b));
    lac_buf_deinit(&b);
    lac_engine_close(e);
    lac_json_free(root);
}

static void the_same_inputs_give_the_same_core(void)
{
    struct lac_pack *pack = NULL;
    struct lac_err err = {0};
    struct lac_arena a;
    const struct dirent *entry;
    unsigned cases = 0;
    DIR *dir;

    LAC_TEST_EQ(lac_pack_open(&pack, FOLDER "/pack", &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(pack && lac_arena_init(&a, 4 << 20, &err) == LAC_OK);
    dir = opendir(FOLDER);
    LAC_TEST_NEED(dir != NULL);
    while ((entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        char name[256];

        if (n < 6 || n >= sizeof(name) || strcmp(entry->d_name + n - 5, ".json") != 0)
            continue;
        memcpy(name, entry->d_name, n - 5);
        name[n - 5] = 0;
        run_case(pack, name, &a);
        cases++;
    }
    closedir(dir);
    CU_ASSERT(cases >= 19);
    lac_arena_deinit(&a);
    lac_pack_close(pack);
}

LAC_TEST_MAIN(engine_golden, the_same_inputs_give_the_same_core)
