/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wordpiece: ids and places of the tier-1 corpus's messages (log lines, tickets, chat, code, JSON,
 * about 275 bytes each), one core, in MB/s, against plain longest match over a hash map. The
 * model is MiniLM. Before anything is timed, both must say the same about every message.
 *
 * wordpiece.hf: the same against Hugging Face's tokenizers on one thread, asked by its Python
 * package for batches of texts, so that the calls cost it nothing; ids and places are compared in
 * the run. Needs LACUNA_BENCH_PYTHON, a Python with `tokenizers` (tools/bench sets it).
 */
#include "bench_wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_tier1.h"
#include "lac_bench.h"
#include "lac_clock.h"
#include "lac_env.h"
#include "lac_file.h"

enum { MESSAGES = 20000, ROUNDS = 7, PATH_BYTES = 4096, HF_REPEATS = 3, OUR_REPEATS = 20 };

struct wordpiece {
    struct bench_corpus corpus;
    char folder[PATH_BYTES];
    struct lac_encode_tokenizer *tokenizer;
    struct lac_encode_words *words;
    struct bench_plain *plain;
    int32_t *ids, *plain_ids; /* [room] */
    struct lac_encode_span *spans, *plain_spans;
    size_t room, tokens;
    unsigned repeats;
};

/* As the tests find it. */
static void model_folder(char out[PATH_BYTES])
{
    const char *given = lac_env("LACUNA_TEST_MODEL"), *cache = lac_env("LACUNA_CACHE");
    const char *home = lac_env("HOME");

    if (given)
        snprintf(out, PATH_BYTES, "%s", given);
    else
        snprintf(out, PATH_BYTES, "%s%s/hf/all-minilm-l6-v2",
                 cache  ? cache
                 : home ? home
                        : "/root",
                 cache ? "" : "/.cache/lacuna");
}

static void wordpiece_close(struct wordpiece *w)
{
    bench_plain_close(w->plain);
    lac_encode_words_free(w->words);
    lac_encode_tokenizer_close(w->tokenizer);
    bench_corpus_close(&w->corpus);
    free(w->ids);
    free(w->plain_ids);
    free(w->spans);
    free(w->plain_spans);
}

/* What the plain way doesn't do is taken out of the messages. */
static void make_ascii(struct bench_corpus *c)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->messages[i].len; k++) {
            char *byte = c->memory + (c->messages[i].ptr - c->memory) + k;

            if ((unsigned char)*byte >= 0x80)
                *byte = '~';
        }
}

static int wordpiece_open(struct wordpiece *w, const struct lac_bench_options *o)
{
    struct lac_err err = {0};

    memset(w, 0, sizeof(*w));
    model_folder(w->folder);
    if (!bench_corpus_open(&w->corpus, (size_t)(MESSAGES * o->scale) + 1, 0, NULL, 0)) {
        fprintf(stderr, "wordpiece: no corpus\n");
        return -1;
    }
    if (lac_encode_tokenizer_open(&w->tokenizer, w->folder, &err) != LAC_OK ||
        lac_encode_words_new(&w->words, w->tokenizer, LAC_ENCODE_WORDS_DEFAULT, &err) != LAC_OK) {
        fprintf(stderr, "wordpiece: %s\n", err.text);
        return -1;
    }
    for (size_t i = 0; i < w->corpus.count; i++)
        w->room = w->corpus.messages[i].len > w->room ? w->corpus.messages[i].len : w->room;
    w->room++;
    w->ids = calloc(w->room, sizeof(*w->ids));
    w->plain_ids = calloc(w->room, sizeof(*w->plain_ids));
    w->spans = calloc(w->room, sizeof(*w->spans));
    w->plain_spans = calloc(w->room, sizeof(*w->plain_spans));
    w->plain = bench_plain_open(w->tokenizer);
    return w->ids && w->plain_ids && w->spans && w->plain_spans && w->plain ? 0 : -1;
}

static int same(struct wordpiece *w)
{
    for (size_t i = 0; i < w->corpus.count; i++) {
        struct lac_str text = w->corpus.messages[i];
        size_t n = lac_encode_tokenize(w->words, text, w->ids, w->spans, w->room);
        size_t m = bench_plain_tokenize(w->plain, text, w->plain_ids, w->plain_spans);

        if (n == m && memcmp(w->ids, w->plain_ids, n * sizeof(*w->ids)) == 0 &&
            memcmp(w->spans, w->plain_spans, n * sizeof(*w->spans)) == 0)
            continue;
        fprintf(stderr, "wordpiece: message %zu has other tokens: %.*s\n", i, LAC_STR_FMT(text));
        return -1;
    }
    return 0;
}

static double rate(const struct wordpiece *w, uint64_t begun_ns, unsigned repeats)
{
    return (double)w->corpus.bytes * repeats * 1e3 / (double)(lac_clock_mono_ns() - begun_ns);
}

static double ours(void *ctx)
{
    struct wordpiece *w = ctx;
    uint64_t begun = lac_clock_mono_ns();

    w->tokens = 0;
    for (unsigned k = 0; k < w->repeats; k++)
        for (size_t i = 0; i < w->corpus.count; i++)
            w->tokens +=
                lac_encode_tokenize(w->words, w->corpus.messages[i], w->ids, w->spans, w->room);
    return rate(w, begun, w->repeats);
}

static double plain(void *ctx)
{
    struct wordpiece *w = ctx;
    uint64_t begun = lac_clock_mono_ns();

    for (size_t i = 0; i < w->corpus.count; i++)
        (void)bench_plain_tokenize(w->plain, w->corpus.messages[i], w->plain_ids, w->plain_spans);
    return rate(w, begun, 1);
}

static int run_plain(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct wordpiece w;
    struct lac_bench_pair pair = {
        .name = self->name,
        .baseline_name = "longest match over a hash map",
        .unit = "MB/s",
        .ours = ours,
        .baseline = plain,
        .ctx = &w,
        .rounds = ROUNDS,
    };
    int status = wordpiece_open(&w, o);

    w.repeats = 4;
    if (status == 0) {
        make_ascii(&w.corpus);
        status = same(&w);
    }
    if (status == 0)
        status = lac_bench_run_pair(&pair, o);
    wordpiece_close(&w);
    return status;
}

LAC_BENCH_CASES({"wordpiece", NULL, run_plain});
