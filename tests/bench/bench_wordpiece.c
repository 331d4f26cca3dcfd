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

#include "bench_peer.h"
#include "bench_tier1.h"
#include "lac_bench.h"
#include "lac_buf.h"
#include "lac_clock.h"
#include "lac_env.h"
#include "lac_file.h"

enum {
    MESSAGES = 20000,
    HF_MESSAGES = 4000, /* a second of the library's time */
    ROUNDS = 7,
    HF_ROUNDS = 5,
    REPEATS = 4,
    HF_REPEATS = 40,
    PATH_BYTES = 4096,
    PEER_BYTES = 1 << 30, /* what the peer may answer */
};

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
    struct bench_peer peer;
    char home[64]; /* the peer's files */
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

static int wordpiece_open(struct wordpiece *w, double messages)
{
    struct lac_err err = {0};

    memset(w, 0, sizeof(*w));
    w->peer.fd = -1;
    model_folder(w->folder);
    if (!bench_corpus_open(&w->corpus, (size_t)messages + 1, 0, NULL, 0)) {
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
    int status = wordpiece_open(&w, MESSAGES * o->scale);

    w.repeats = REPEATS;
    if (status == 0) {
        make_ascii(&w.corpus);
        status = same(&w);
    }
    if (status == 0)
        status = lac_bench_run_pair(&pair, o);
    wordpiece_close(&w);
    return status;
}

/* ---- wordpiece.hf ---- */

static void peer_path(const struct wordpiece *w, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%s", w->home, name);
}

static void hf_close(struct wordpiece *w)
{
    static const char *const names[] = {"texts", "tokens"};
    char path[PATH_BYTES];

    bench_peer_close(&w->peer);
    for (size_t i = 0; w->home[0] && i < LAC_COUNT(names); i++) {
        peer_path(w, names[i], path);
        (void)unlink(path);
    }
    if (w->home[0])
        (void)rmdir(w->home);
}

static bool write_texts(const struct wordpiece *w, const char *path)
{
    FILE *f = fopen(path, "w");
    bool good = f;

    for (size_t i = 0; good && i < w->corpus.count; i++) {
        struct lac_str text = w->corpus.messages[i];
        uint32_t len = (uint32_t)text.len;

        good = fwrite(&len, sizeof(len), 1, f) == 1 && fwrite(text.ptr, 1, len, f) == len;
    }
    if (f && fclose(f) != 0)
        good = false;
    return good;
}

static bool hf_open(struct wordpiece *w)
{
    char texts[PATH_BYTES], tokens[PATH_BYTES];
    const char *const args[] = {w->folder, texts, tokens, NULL};

    snprintf(w->home, sizeof(w->home), "/tmp/lacuna-bench-wordpiece-XXXXXX");
    if (!mkdtemp(w->home)) {
        w->home[0] = '\0';
        fprintf(stderr, "wordpiece.hf: no folder for the peer's files\n");
        return false;
    }
    peer_path(w, "texts", texts);
    peer_path(w, "tokens", tokens);
    if (!write_texts(w, texts)) {
        fprintf(stderr, "wordpiece.hf: %s can't be written\n", texts);
        return false;
    }
    return bench_peer_open(&w->peer, bench_peer_python(), "peer_wordpiece.py", args);
}

/* Whether the next message of the library's answer has these tokens; *at goes behind it. */
static bool same_message(const struct wordpiece *w, size_t n, struct lac_str answer, size_t *at)
{
    int32_t token[3], count;

    if (answer.len - *at < sizeof(count) + n * sizeof(token))
        return false;
    memcpy(&count, answer.ptr + *at, sizeof(count));
    *at += sizeof(count);
    for (size_t i = 0; count == (int32_t)n && i < n; i++, *at += sizeof(token)) {
        memcpy(token, answer.ptr + *at, sizeof(token));
        if (token[0] != w->ids[i] || (uint32_t)token[1] != w->spans[i].from ||
            (uint32_t)token[2] != w->spans[i].to)
            return false;
    }
    return count == (int32_t)n;
}

static int hf_same(struct wordpiece *w)
{
    char path[PATH_BYTES];
    struct lac_buf answer;
    struct lac_err err;
    double tokens;
    size_t at = 0, i = 0;

    peer_path(w, "tokens", path);
    if (!bench_peer_ask(&w->peer, "tokens", &tokens))
        return -1;
    lac_buf_init(&answer, PEER_BYTES);
    if (lac_file_read(path, &answer, &err) != LAC_OK) {
        fprintf(stderr, "wordpiece.hf: %s\n", err.text);
    } else {
        for (; i < w->corpus.count; i++) {
            size_t n =
                lac_encode_tokenize(w->words, w->corpus.messages[i], w->ids, w->spans, w->room);

            if (!same_message(w, n, lac_buf_str(&answer), &at))
                break;
        }
        if (i < w->corpus.count)
            fprintf(stderr, "wordpiece.hf: message %zu has other tokens: %.*s\n", i,
                    LAC_STR_FMT(w->corpus.messages[i]));
    }
    lac_buf_deinit(&answer);
    return i == w->corpus.count ? 0 : -1;
}

static double hf(void *ctx)
{
    struct wordpiece *w = ctx;
    double bytes;

    return bench_peer_ask(&w->peer, "rate", &bytes) ? bytes / 1e6 : -1;
}

static int run_hf(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct wordpiece w;
    struct lac_bench_pair pair = {
        .name = self->name,
        .baseline_name = "Hugging Face tokenizers, one thread",
        .unit = "MB/s",
        .ours = ours,
        .baseline = hf,
        .ctx = &w,
        .rounds = HF_ROUNDS,
    };
    int status;

    if (!bench_peer_python()) {
        fprintf(stderr, "%s: skipped, it needs LACUNA_BENCH_PYTHON\n", self->name);
        return 0;
    }
    status = wordpiece_open(&w, HF_MESSAGES * o->scale);
    w.repeats = HF_REPEATS;
    if (status == 0)
        status = hf_open(&w) ? hf_same(&w) : -1;
    if (status == 0)
        status = lac_bench_run_pair(&pair, o);
    hf_close(&w);
    wordpiece_close(&w);
    return status;
}

LAC_BENCH_CASES({"wordpiece", NULL, run_plain}, {"wordpiece.hf", NULL, run_hf});
