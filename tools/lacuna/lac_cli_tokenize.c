/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna tokenize`: what a model sees of a text. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_cli.h"
#include "lac_cli_model.h"
#include "lac_encode_tokenizer.h"
#include "lac_json.h"
#include "lac_scan_lines.h"

enum {
    OUT_BYTES = 64 << 20, /* a flush's worth and the longest id of a line */
    FLUSH_BYTES = 1 << 20,
    FLUSH_TOKENS = 4096, /* between two looks at how full the buffer is */
    ROOM = 64 << 10,     /* tokens at first; the longest line's then */
};

struct tokenize {
    const struct lac_tool *tool;
    struct lac_encode_tokenizer *tokenizer;
    struct lac_encode_words *words;
    int32_t *ids;                  /* [room] */
    struct lac_encode_span *spans; /* [room] */
    size_t room;
    struct lac_buf out;
    bool jsonl, pieces, bad_lines;
};

/* The tokenizer of a folder, which needs no weights, or of a model in the store. */
static int open_model(struct tokenize *k, const char *what)
{
    struct lac_encode_model *model = NULL;
    const char *folder = what;
    struct lac_err err;
    struct stat st;
    int status = -1;

    if (stat(what, &st) != 0 || !S_ISDIR(st.st_mode)) {
        status = lac_cli_model_open(k->tool, what, &model);
        if (status >= 0)
            return status;
        folder = lac_encode_model_folder(model);
    }
    if (lac_encode_tokenizer_open(&k->tokenizer, folder, &err) != LAC_OK ||
        lac_encode_words_new(&k->words, k->tokenizer, LAC_ENCODE_WORDS_DEFAULT, &err) != LAC_OK)
        status = lac_tool_fail(k->tool, err.status == LAC_RETRY ? LAC_EXIT_FAILURE : LAC_EXIT_USAGE,
                               err.text, NULL);
    lac_encode_model_close(model);
    return status;
}

static bool make_room(struct tokenize *k, size_t tokens)
{
    int32_t *ids;
    struct lac_encode_span *spans;

    if (tokens <= k->room)
        return true;
    ids = realloc(k->ids, tokens * sizeof(*ids));
    if (ids)
        k->ids = ids;
    spans = realloc(k->spans, tokens * sizeof(*spans));
    if (spans)
        k->spans = spans;
    if (!ids || !spans)
        return false;
    k->room = tokens;
    return true;
}

static void put_piece(struct lac_json_writer *j, const struct tokenize *k, size_t i)
{
    lac_json_put_str(j, lac_encode_tokenizer_piece(k->tokenizer, k->ids[i]));
}

static void put_id(struct lac_json_writer *j, const struct tokenize *k, size_t i)
{
    lac_json_put_int(j, k->ids[i]);
}

static void put_span(struct lac_json_writer *j, const struct tokenize *k, size_t i)
{
    lac_json_open_array(j);
    lac_json_put_uint(j, k->spans[i].from);
    lac_json_put_uint(j, k->spans[i].to);
    lac_json_close_array(j);
}

/* One member with a value per token. Long ones are written as they grow. */
static int put_all(struct tokenize *k, struct lac_json_writer *j, const char *key, size_t count,
                   void (*put)(struct lac_json_writer *, const struct tokenize *, size_t))
{
    int status = -1;

    lac_json_key(j, key);
    lac_json_open_array(j);
    for (size_t i = 0; i < count && status < 0; i++) {
        put(j, k, i);
        if (i % FLUSH_TOKENS == FLUSH_TOKENS - 1 && k->out.len > FLUSH_BYTES)
            status = lac_cli_flush(k->tool, &k->out);
    }
    if (status < 0)
        lac_json_close_array(j);
    return status;
}

static int put_text(struct tokenize *k, const struct lac_json *id, struct lac_str text)
{
    size_t count = lac_encode_tokenize(k->words, text, k->ids, k->spans, k->room);
    struct lac_json_writer j;
    int status;

    if (count > k->room) {
        if (!make_room(k, count))
            return lac_tool_fail(k->tool, LAC_EXIT_FAILURE, "no memory for a text's tokens", NULL);
        count = lac_encode_tokenize(k->words, text, k->ids, k->spans, k->room);
    }
    lac_json_begin(&j, &k->out);
    lac_json_open_object(&j);
    if (k->jsonl) {
        lac_json_key(&j, "id");
        if (id)
            lac_json_put_value(&j, id);
        else
            lac_json_put_null(&j);
    }
    status = put_all(k, &j, "ids", count, put_id);
    if (status < 0)
        status = put_all(k, &j, "offsets", count, put_span);
    if (status < 0 && k->pieces)
        status = put_all(k, &j, "tokens", count, put_piece);
    if (status >= 0)
        return status;
    lac_json_close_object(&j);
    lac_buf_put_char(&k->out, '\n');
    return k->out.len > FLUSH_BYTES ? lac_cli_flush(k->tool, &k->out) : -1;
}

static void bad_line(struct tokenize *k, uint64_t line, const char *why)
{
    k->bad_lines = true;
    lac_scan_put_error(&k->out, line, why);
}

static int one(struct tokenize *k, struct lac_str line, uint64_t number)
{
    struct lac_scan_item item = {0};
    struct lac_err err;
    int status = -1;

    if (line.len > LAC_SCAN_LINE_BYTES) {
        bad_line(k, number, "the line is longer than 8 MiB");
        return -1;
    }
    if (!k->jsonl)
        return put_text(k, NULL, line);
    if (line.len == 0)
        return -1;
    if (lac_scan_item_parse(&item, line, &err) == LAC_OK)
        status = put_text(k, item.id, item.text);
    else
        bad_line(k, number, err.text);
    lac_scan_item_deinit(&item);
    return status;
}

static int stream(struct tokenize *k, const char *name, int fd)
{
    struct lac_scan_lines lines;
    struct lac_scan_block block = {0};
    enum lac_status got = LAC_OK;
    struct lac_err err;
    int status = -1;

    lac_buf_init(&block.text, LAC_SCAN_BLOCK_MOST);
    lac_scan_lines_init(&lines, lac_scan_read_fd, &fd, 0);
    while (status < 0 && (got = lac_scan_lines_next(&lines, &block, &err)) == LAC_OK) {
        struct lac_str line;
        uint64_t number, next = block.line;
        size_t at = 0;

        if (block.too_long)
            bad_line(k, block.line, "the line is longer than 8 MiB");
        while (status < 0 &&
               lac_scan_lines_cut(lac_buf_str(&block.text), &at, &next, &line, &number))
            status = one(k, line, number);
        if (status < 0) /* a person who types sees the answer */
            status = lac_cli_flush(k->tool, &k->out);
    }
    if (got == LAC_FATAL) {
        struct lac_err named;

        (void)lac_err_set(&named, LAC_FATAL, err.code, "%.300s: %s", name, err.text);
        status = lac_tool_fail(k->tool, LAC_EXIT_FAILURE, named.text, NULL);
    }
    lac_scan_lines_deinit(&lines);
    lac_buf_deinit(&block.text);
    return status;
}

static int file(struct tokenize *k, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int status;

    if (fd < 0) {
        struct lac_err err;

        (void)lac_err_set(&err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
        return lac_tool_fail(k->tool, LAC_EXIT_FAILURE, err.text, NULL);
    }
    status = stream(k, is_stdin ? "standard input" : path, fd);
    if (!is_stdin)
        close(fd);
    return status;
}

static int run(const struct lac_tool *t, struct tokenize *k, const char *model)
{
    int status = -1;

    k->tool = t;
    lac_buf_init(&k->out, OUT_BYTES);
    if (!model)
        model = lac_conf_text(t->conf, "classify.model");
    if (!*model)
        status = lac_tool_fail(t, LAC_EXIT_USAGE, "--model is missing",
                               "It takes a model's folder, or a name that `lacuna model list` "
                               "shows.");
    if (status < 0)
        status = open_model(k, model);
    if (status < 0 && !make_room(k, ROOM))
        status = lac_tool_fail(t, LAC_EXIT_FAILURE, "no memory for tokens", NULL);
    for (int i = 0; status < 0 && i < t->operand_count; i++)
        status = file(k, t->operands[i]);
    if (status < 0 && t->operand_count == 0)
        status = file(k, "-");
    lac_encode_words_free(k->words);
    lac_encode_tokenizer_close(k->tokenizer);
    free(k->ids);
    free(k->spans);
    lac_buf_deinit(&k->out);
    return status >= 0 ? status : k->bad_lines ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK;
}

int lac_cli_tokenize(int argc, char **argv)
{
    struct tokenize k = {0};
    const char *model = NULL;
    const struct lac_args_option options[] = {
        {'m', "model", LAC_ARGS_TEXT, &model, "DIR|NAME",
         "The model: its folder, or its name or hash in the store (LACUNA_MODEL)", 0, 0},
        {0, "jsonl", LAC_ARGS_SWITCH, &k.jsonl, NULL,
         "Take {\"id\",\"text\"} lines; a text may hold line breaks then", 0, 0},
        {0, "pieces", LAC_ARGS_SWITCH, &k.pieces, NULL,
         "Print the vocabulary's entry of each id too", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna tokenize",
        .usage = "--model DIR|NAME [OPTION]... [FILE...|-]",
        .summary = "Print the tokens that a model makes of texts, as JSON lines.",
        .details =
            "One line {\"ids\",\"offsets\"} per line of input: the ids of WordPiece, without [CLS] "
            "and\n"
            "[SEP], and the bytes of the line that each stands for, [from, to). They are those of\n"
            "Hugging Face's tokenizers, with one difference: a literal \"[SEP]\" in a text is "
            "text.",
        .examples =
            "  echo 'Northwind merger' | lacuna tokenize --model all-minilm-l6-v2 --pieces\n"
            "  lacuna tokenize --model ./bge-small-en-v1.5 --jsonl texts.jsonl\n"
            "  lacuna tokenize --model ./e5-small-v2 --jsonl - <texts.jsonl\n",
        .negative = "a line could not be read; its answer is {\"line\",\"error\"}",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = run(&t, &k, model);
    lac_tool_close(&t);
    return status;
}
