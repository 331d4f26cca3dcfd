/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna embed: texts in, the vectors that an encoder makes of them out, in their order. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli_pool.h"
#include "lac_cli_semantic.h"
#include "lac_clock.h"
#include "lac_encode_model.h"
#include "lac_json.h"
#include "lac_progress.h"
#include "lac_scan_lines.h"

enum {
    LINES = 64, /* texts that a thread takes at once */
    SLOTS_PER_THREAD = 3,
    OUT_BYTES = 1 << 30,
    LANE_TOKENS = 8192,
    NUMBER_SIZE = 24,
};

struct embed_options {
    const char *model, *class, *format;
    uint64_t layers, threads;
    bool jsonl, windows, quiet;
};

/* What goes through the pool: some lines. */
struct slot {
    struct lac_buf text, out;
    uint64_t line; /* number of the first one */
    bool too_long; /* instead of text: that line is longer than allowed */
};

struct line {
    struct lac_scan_item item;
    uint64_t number;
    char why[LAC_ERR_TEXT_SIZE]; /* "": it is a text */
};

struct worker {
    struct lac_semantic_lane *lane;
    double sum[LAC_ENCODE_WIDTH_MAX]; /* of a text's windows so far */
    struct line lines[LINES];
    size_t line_count, written;
    struct lac_str texts[LINES];
    size_t line_of[LINES]; /* of a text */
    size_t text_count;
    struct lac_semantic_cover cover[LINES];
};

struct run {
    const struct lac_tool *t;
    const struct embed_options *o;
    struct lac_semantic *semantic;
    const struct lac_semantic_device *device;
    char hash[2 * LAC_SEMANTIC_HASH_SIZE + 1];
    struct worker *workers; /* [threads] */
    unsigned threads;
    atomic_ullong texts, tokens, bad, cut;
    atomic_bool failed;
    pthread_mutex_t lock; /* guards `failure` */
    struct lac_err failure;
    struct lac_progress progress;
    bool unreadable;
    int output_error; /* 0, or why no more can be written */
    uint64_t begun_ms;
};

/* What the callback of the encoder needs to write a line. */
struct writing {
    struct run *run;
    struct worker *w;
    struct slot *s;
};

/* ---- one answer ---- */

static void put_vector(struct lac_json_writer *j, const float *vector, size_t width)
{
    char text[NUMBER_SIZE];

    lac_json_open_array(j);
    for (size_t i = 0; i < width; i++) {
        /* Nine digits bring every float back as it was. */
        int n = isfinite(vector[i]) ? snprintf(text, sizeof(text), "%.9g", (double)vector[i])
                                    : snprintf(text, sizeof(text), "null");

        lac_json_put_raw(j, (struct lac_str){text, (size_t)n});
    }
    lac_json_close_array(j);
}

static void put_number(struct lac_json_writer *j, const char *key, uint64_t n)
{
    lac_json_key(j, key);
    lac_json_put_uint(j, n);
}

static void put_answer(const struct writing *to, const struct lac_semantic_window *window,
                       const float *vector)
{
    const struct run *run = to->run;
    const struct line *line = &to->w->lines[to->w->line_of[window->text]];
    const struct lac_semantic_cover *cover = &to->w->cover[window->text];
    struct lac_json_writer j;

    lac_json_begin(&j, &to->s->out);
    lac_json_open_object(&j);
    if (run->o->jsonl)
        lac_json_key(&j, "id");
    if (line->item.id)
        lac_json_put_value(&j, line->item.id);
    else if (run->o->jsonl)
        lac_json_put_null(&j);
    if (run->o->windows)
        put_number(&j, "window", window->index);
    put_number(&j, "windows", window->count);
    put_number(&j, "tokens", run->o->windows ? window->tokens : cover->tokens);
    if (cover->left)
        put_number(&j, "left", cover->left);
    lac_json_key(&j, "model");
    lac_json_put_text(&j, run->hash);
    lac_json_key(&j, "engine");
    lac_json_put_text(&j, lac_semantic_engine(run->device));
    lac_json_key(&j, "vector");
    put_vector(&j, vector, lac_semantic_width(run->device));
    lac_json_close_object(&j);
    lac_buf_put_char(&to->s->out, '\n');
}

/* Bad lines have their place among the answers. */
static void put_bad_lines(struct run *run, struct worker *w, struct slot *s, size_t end)
{
    for (; w->written < end; w->written++) {
        const struct line *line = &w->lines[w->written];

        if (!*line->why)
            continue;
        atomic_fetch_add(&run->bad, 1);
        lac_scan_put_error(&s->out, line->number, line->why);
    }
}

/* The mean of a text's windows, each by its tokens, scaled as the model scales vectors. */
static const float *combined(struct run *run, struct worker *w,
                             const struct lac_semantic_window *window, float *out)
{
    size_t width = lac_semantic_width(run->device);
    double scale = 0;

    if (window->count == 1)
        return window->vector;
    for (size_t i = 0; i < width; i++) {
        w->sum[i] =
            (window->index ? w->sum[i] : 0) + (double)window->tokens * (double)window->vector[i];
        scale += w->sum[i] * w->sum[i];
    }
    if (window->index + 1 < window->count)
        return NULL;
    if (!lac_encode_model_weights(lac_semantic_model(run->device))->normalize)
        scale = (double)w->cover[window->text].tokens * (double)w->cover[window->text].tokens;
    for (size_t i = 0; i < width; i++)
        out[i] = scale > 0 ? (float)(w->sum[i] / sqrt(scale)) : 0;
    return out;
}

static void take_window(void *ctx, const struct lac_semantic_window *window)
{
    const struct writing *to = ctx;
    float memory[LAC_ENCODE_WIDTH_MAX] = {0};
    const float *vector =
        to->run->o->windows ? window->vector : combined(to->run, to->w, window, memory);

    put_bad_lines(to->run, to->w, to->s, to->w->line_of[window->text]);
    if (vector)
        put_answer(to, window, vector);
}

/* ---- some lines ---- */

static void take_line(const struct run *run, struct worker *w, struct lac_str text, uint64_t number)
{
    struct line *line = &w->lines[w->line_count];
    struct lac_err err = {0};

    if (text.len == 0 && run->o->jsonl)
        return;
    *line = (struct line){.number = number};
    if (text.len > LAC_SCAN_LINE_BYTES)
        snprintf(line->why, sizeof(line->why), "the line is longer than 8 MiB");
    else if (!run->o->jsonl)
        line->item.text = text;
    else if (lac_scan_item_parse(&line->item, text, &err) != LAC_OK)
        snprintf(line->why, sizeof(line->why), "%s", err.text);
    if (!*line->why) {
        w->line_of[w->text_count] = w->line_count;
        w->texts[w->text_count++] = line->item.text;
    }
    w->line_count++;
}

static void take_lines(const struct run *run, struct worker *w, const struct slot *s)
{
    uint64_t number, next = s->line;
    struct lac_str text;
    size_t at = 0;

    w->line_count = w->text_count = w->written = 0;
    while (w->line_count < LINES &&
           lac_scan_lines_cut(lac_buf_str(&s->text), &at, &next, &text, &number))
        take_line(run, w, text, number);
}

static void note_failure(struct run *run, const struct lac_err *err)
{
    pthread_mutex_lock(&run->lock);
    if (!atomic_exchange(&run->failed, true))
        run->failure = *err;
    pthread_mutex_unlock(&run->lock);
}

static void work(void *ctx, unsigned number, void *slot)
{
    struct run *run = ctx;
    struct worker *w = &run->workers[number];
    struct slot *s = slot;
    struct writing to = {run, w, s};
    struct lac_err err;

    lac_buf_reset(&s->out);
    if (s->too_long) {
        atomic_fetch_add(&run->bad, 1);
        lac_scan_put_error(&s->out, s->line, "the line is longer than 8 MiB");
        return;
    }
    take_lines(run, w, s);
    if (lac_semantic_encode(w->lane, w->texts, w->text_count, w->cover, take_window, &to, &err) !=
        LAC_OK) {
        lac_buf_reset(&s->out);
        note_failure(run, &err);
    } else {
        put_bad_lines(run, w, s, w->line_count);
        atomic_fetch_add(&run->texts, w->text_count);
        for (size_t i = 0; i < w->text_count; i++) {
            atomic_fetch_add(&run->tokens, w->cover[i].tokens);
            atomic_fetch_add(&run->cut, w->cover[i].left > 0);
        }
    }
    for (size_t i = 0; i < w->line_count; i++)
        lac_scan_item_deinit(&w->lines[i].item);
}

static bool emit(void *ctx, void *slot)
{
    struct run *run = ctx;
    struct slot *s = slot;

    if (atomic_load(&run->failed))
        return false;
    run->output_error = lac_tool_write(run->t, &s->out);
    return run->output_error == 0;
}

/* ---- where texts come from ---- */

static void tick(void *ctx)
{
    struct run *run = ctx;
    char count[LAC_PROGRESS_NUMBER_SIZE], text[LAC_PROGRESS_NUMBER_SIZE + 16];

    if (run->o->quiet || run->t->out.terminal || !lac_progress_due(&run->progress))
        return;
    snprintf(text, sizeof(text), "%s texts", lac_progress_count(count, atomic_load(&run->texts)));
    lac_progress_bar(&run->progress, 0, 0, text);
}

static void complain(struct run *run, const char *path, const char *why)
{
    lac_progress_clear(&run->progress);
    lac_tool_warn(run->t, "%.400s: %s", path, why);
    run->unreadable = true;
}

/* Hands a block's lines on, LINES at a time. False: stop. */
static bool feed_block(struct lac_cli_pool *pool, const struct lac_scan_block *b)
{
    struct lac_str text = lac_buf_str(&b->text), line;
    uint64_t number, next = b->line;
    size_t at = 0;

    do {
        struct slot *s = lac_cli_pool_slot(pool);
        size_t from = at;

        if (!s)
            return false;
        s->line = next;
        s->too_long = b->too_long;
        for (int i = 0; i < LINES && lac_scan_lines_cut(text, &at, &next, &line, &number);)
            i++;
        at = at < text.len ? at : text.len;
        lac_buf_reset(&s->text);
        lac_buf_put(&s->text, text.ptr + from, at - from);
        if (!lac_buf_ok(&s->text))
            return false;
        lac_cli_pool_submit(pool);
    } while (at < text.len);
    return true;
}

/* False: stop. */
static bool feed_lines(struct run *run, struct lac_cli_pool *pool, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0, go = true;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct lac_scan_lines lines;
    struct lac_scan_block block;
    struct lac_err err;

    if (fd < 0) {
        complain(run, path, lac_errno_text(errno));
        return true;
    }
    lac_scan_lines_init(&lines, lac_scan_read_fd, &fd, 0);
    lac_buf_init(&block.text, LAC_SCAN_BLOCK_MOST);
    while (go) {
        enum lac_status status = lac_scan_lines_next(&lines, &block, &err);

        if (status == LAC_FATAL)
            complain(run, is_stdin ? "<stdin>" : path, err.text);
        if (status != LAC_OK)
            break;
        go = feed_block(pool, &block);
        tick(run);
    }
    lac_buf_deinit(&block.text);
    lac_scan_lines_deinit(&lines);
    if (!is_stdin)
        close(fd);
    return go;
}

static enum lac_status feed(struct run *run, struct slot *slots, size_t count, struct lac_err *err)
{
    struct lac_cli_pool_options o = {.threads = run->threads,
                                     .slots = slots,
                                     .slot_size = sizeof(*slots),
                                     .slot_count = count,
                                     .ctx = run,
                                     .work = work,
                                     .emit = emit,
                                     .tick = tick};
    const struct lac_tool *t = run->t;
    struct lac_cli_pool *pool;
    enum lac_status status = lac_cli_pool_open(&pool, &o, err);
    bool go = true;

    if (status != LAC_OK)
        return status;
    if (t->operand_count == 0)
        go = feed_lines(run, pool, "-");
    for (int i = 0; i < t->operand_count && go; i++)
        go = feed_lines(run, pool, t->operands[i]);
    lac_cli_pool_close(pool);
    lac_progress_clear(&run->progress);
    if (!go && !run->output_error && !atomic_load(&run->failed))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the texts");
    return LAC_OK;
}

static int embed_all(struct run *run)
{
    size_t count = (size_t)run->threads * SLOTS_PER_THREAD;
    struct slot *slots = calloc(count, sizeof(*slots));
    struct lac_err err;
    enum lac_status status;

    if (!slots)
        return lac_tool_fail(run->t, LAC_EXIT_FAILURE, "out of memory", NULL);
    for (size_t i = 0; i < count; i++) {
        lac_buf_init(&slots[i].text, LAC_SCAN_BLOCK_MOST);
        lac_buf_init(&slots[i].out, OUT_BYTES);
    }
    status = feed(run, slots, count, &err);
    for (size_t i = 0; i < count; i++) {
        lac_buf_deinit(&slots[i].text);
        lac_buf_deinit(&slots[i].out);
    }
    free(slots);
    return status == LAC_OK ? -1 : lac_tool_fail(run->t, LAC_EXIT_FAILURE, err.text, NULL);
}

/* ---- the command ---- */

static int check(const struct lac_tool *t, const struct embed_options *o)
{
    if (o->format && strcmp(o->format, "json") != 0)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--format is json", NULL);
    return lac_cli_semantic_settings(t, o->model, o->class);
}

static int open_run(struct run *run)
{
    const struct lac_semantic_lane_options lane = {.tokens = LANE_TOKENS, .sequences = LINES};
    enum lac_status status = LAC_OK;
    struct lac_err err;
    int exit_status =
        lac_cli_semantic_device(run->t, (uint32_t)run->o->layers, &run->semantic, &run->device);

    if (exit_status >= 0)
        return exit_status;
    run->threads = run->o->threads ? (unsigned)run->o->threads : lac_cli_cores();
    run->workers = calloc(run->threads, sizeof(*run->workers));
    if (!run->workers)
        status = lac_err_set(&err, LAC_FATAL, ENOMEM, "out of memory");
    for (unsigned i = 0; i < run->threads && status == LAC_OK; i++)
        status = lac_semantic_lane_open(&run->workers[i].lane, run->device, &lane, &err);
    if (status != LAC_OK)
        return lac_cli_semantic_fail(run->t, &err);
    lac_hex_encode(run->hash, lac_semantic_hash(run->device), LAC_SEMANTIC_HASH_SIZE);
    return -1;
}

static void close_run(struct run *run)
{
    for (unsigned i = 0; run->workers && i < run->threads; i++)
        lac_semantic_lane_close(run->workers[i].lane);
    free(run->workers);
    lac_semantic_close(run->semantic);
}

static void put_aside(struct lac_buf *b, uint64_t n, const char *what)
{
    char count[LAC_PROGRESS_NUMBER_SIZE];

    if (n)
        lac_buf_printf(b, "; %s %s", lac_progress_count(count, n), what);
}

static void summary(const struct run *run)
{
    char texts[LAC_PROGRESS_NUMBER_SIZE], tokens[LAC_PROGRESS_NUMBER_SIZE],
        time[LAC_PROGRESS_NUMBER_SIZE], memory[512];
    struct lac_buf b;

    if (run->o->quiet)
        return;
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_printf(&b, "%s text%s, %s token%s, %s, %s",
                   lac_progress_count(texts, atomic_load(&run->texts)),
                   atomic_load(&run->texts) == 1 ? "" : "s",
                   lac_progress_count(tokens, atomic_load(&run->tokens)),
                   atomic_load(&run->tokens) == 1 ? "" : "s", lac_semantic_engine(run->device),
                   lac_progress_time(time, lac_clock_mono_ms() - run->begun_ms));
    put_aside(&b, atomic_load(&run->bad), "bad lines");
    put_aside(&b, atomic_load(&run->cut), "longer than can be read");
    lac_buf_put_char(&b, '\n');
    (void)lac_term_flush(&run->t->err, &b);
}

static int embed(struct run *run)
{
    int status = check(run->t, run->o);

    if (status < 0)
        status = open_run(run);
    if (status < 0)
        status = embed_all(run);
    if (status < 0 && atomic_load(&run->failed))
        status = lac_cli_semantic_fail(run->t, &run->failure);
    if (status < 0 && run->output_error)
        status = lac_tool_output_failed(run->t, run->output_error);
    if (status < 0) {
        summary(run);
        status = run->unreadable                                    ? LAC_EXIT_FAILURE
                 : atomic_load(&run->bad) || atomic_load(&run->cut) ? LAC_EXIT_NEGATIVE
                                                                    : LAC_EXIT_OK;
    }
    close_run(run);
    return status;
}

int lac_cli_embed(int argc, char **argv)
{
    struct embed_options o = {0};
    const struct lac_args_option options[] = {
        {'m', "model", LAC_ARGS_TEXT, &o.model, "DIR|NAME",
         "The model: its folder, or its name or hash in the store (LACUNA_MODEL)", 0, 0},
        {0, "jsonl", LAC_ARGS_SWITCH, &o.jsonl, NULL,
         "Take {\"id\",\"text\"} lines; a text may hold line breaks then", 0, 0},
        {0, "class", LAC_ARGS_TEXT, &o.class, "CLASS",
         "auto (the fastest), fp32, bf16, int8, cuda-bf16 or cuda-fp8", 0, 0},
        {0, "layers", LAC_ARGS_NUMBER, &o.layers, "N", "Only the first N of the model's layers", 1,
         LAC_ENCODE_LAYER_MAX},
        {0, "windows", LAC_ARGS_SWITCH, &o.windows, NULL,
         "A line for each window instead of one for each text", 0, 0},
        {'f', "format", LAC_ARGS_TEXT, &o.format, "NAME", "json, which is all there is", 0, 0},
        {0, "threads", LAC_ARGS_NUMBER, &o.threads, "N", "As many as cores by default", 1, 64},
        {'q', "quiet", LAC_ARGS_SWITCH, &o.quiet, NULL, "No progress, no last line", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna embed",
        .usage = "--model DIR|NAME [OPTION]... [FILE...|-]",
        .summary = "Print the vectors that a sentence encoder makes of texts, as JSON lines.",
        .details =
            "One line {\"windows\",\"tokens\",\"model\",\"engine\",\"vector\"} per line of input, "
            "in "
            "the same\n"
            "order. The same text, model and engine give the same vector, whatever stands beside "
            "it.\n"
            "A text longer than the model's window is read in windows that overlap; its vector is\n"
            "their mean by tokens, and \"left\" counts tokens behind the last of 64 windows. All "
            "texts\n"
            "get the model's prefix of a query, if it has one.",
        .examples =
            "  echo 'what did we promise Northwind?' | lacuna embed --model all-minilm-l6-v2\n"
            "  lacuna embed --model ./bge-base-en-v1.5 --jsonl - <texts.jsonl >vectors.jsonl\n"
            "  lacuna embed -m all-minilm-l6-v2 --class fp32 --jsonl texts.jsonl | jq -c .vector\n",
        .negative =
            "a line could not be read, its answer is {\"line\",\"error\"}; or not to its end",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        struct run run = {
            .t = &t, .o = &o, .lock = PTHREAD_MUTEX_INITIALIZER, .begun_ms = lac_clock_mono_ms()};

        lac_progress_init(&run.progress, &t.err);
        status = embed(&run);
    }
    lac_tool_close(&t);
    return status;
}
