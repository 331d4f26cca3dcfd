/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to windows to calls of the encoder, each as full as it may be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_encode_windows.h"
#include "lac_semantic_internal.h"

/* Which window of which text a sequence of the call is. */
struct owner {
    size_t text, index, count, tokens;
};

struct lac_semantic_lane {
    const struct lac_semantic_device *device;
    struct lac_encode_session *session;
    struct lac_encode_words *words;
    size_t token_limit, sequence_limit; /* of one call */
    size_t text_limit;                  /* tokens of one text: as many as its windows can hold */
    uint32_t overlap;
    bool interactive;
    struct lac_semantic_memo *memo;      /* borrowed, or NULL */
    int32_t *text_ids;                   /* [text_limit] */
    int32_t *ids;                        /* [token_limit] */
    uint32_t *starts;                    /* [sequence_limit + 1] */
    struct owner *owners;                /* [sequence_limit] */
    float *vectors;                      /* [sequence_limit x width] */
    struct lac_semantic_window *windows; /* [sequence_limit] */
    size_t count;                        /* sequences that wait for the call */
    struct lac_semantic_counts counts;
};

static size_t at_most(size_t value, size_t otherwise, size_t limit)
{
    value = value ? value : otherwise;
    return value < limit ? value : limit;
}

static bool is_cpu(enum lac_encode_class class)
{
    return class == LAC_ENCODE_CPU_FP32 || class == LAC_ENCODE_CPU_BF16 ||
           class == LAC_ENCODE_CPU_INT8;
}

static enum lac_status allocate(struct lac_semantic_lane *l, struct lac_err *err)
{
    const struct lac_encode_weights *w = &l->device->weights;

    l->text_limit = (size_t)LAC_SEMANTIC_WINDOW_MAX * w->window;
    l->text_ids = calloc(l->text_limit, sizeof(*l->text_ids));
    l->ids = calloc(l->token_limit, sizeof(*l->ids));
    l->starts = calloc(l->sequence_limit + 1, sizeof(*l->starts));
    l->owners = calloc(l->sequence_limit, sizeof(*l->owners));
    l->vectors = calloc(l->sequence_limit * w->hidden, sizeof(*l->vectors));
    l->windows = calloc(l->sequence_limit, sizeof(*l->windows));
    if (!l->text_ids || !l->ids || !l->starts || !l->owners || !l->vectors || !l->windows)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for a lane of the encoder");
    return lac_encode_words_new(&l->words, l->device->source->tokenizer, LAC_ENCODE_WORDS_DEFAULT,
                                err);
}

enum lac_status lac_semantic_lane_open(struct lac_semantic_lane **out,
                                       const struct lac_semantic_device *d,
                                       const struct lac_semantic_lane_options *o,
                                       struct lac_err *err)
{
    struct lac_semantic_lane *l = calloc(1, sizeof(*l));
    enum lac_status status;

    *out = NULL;
    if (!l)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for a lane of the encoder");
    l->device = d;
    l->interactive = o->interactive;
    l->memo = o->memo;
    l->token_limit =
        at_most(o->tokens, is_cpu(d->class) ? LAC_SEMANTIC_TOKENS_CPU : LAC_SEMANTIC_TOKENS,
                LAC_ENCODE_TOKEN_MAX);
    if (l->token_limit < d->weights.window)
        l->token_limit = d->weights.window; /* one window always fits */
    l->sequence_limit = at_most(o->sequences, LAC_SEMANTIC_SEQUENCES, LAC_ENCODE_SEQUENCE_MAX);
    l->overlap = lac_encode_windows_overlap(d->weights.window, (uint32_t)d->source->prefix_count);
    status = allocate(l, err);
    if (status == LAC_OK)
        status = d->backend->session_open(&l->session, d->device, l->token_limit, l->sequence_limit,
                                          o->interactive, err);
    if (status == LAC_OK)
        *out = l;
    else
        lac_semantic_lane_close(l);
    return status;
}

void lac_semantic_lane_close(struct lac_semantic_lane *l)
{
    if (!l)
        return;
    if (l->session)
        l->device->backend->session_close(l->session);
    lac_encode_words_free(l->words);
    free(l->text_ids);
    free(l->ids);
    free(l->starts);
    free(l->owners);
    free(l->vectors);
    free(l->windows);
    free(l);
}

const struct lac_semantic_counts *lac_semantic_lane_counts(const struct lac_semantic_lane *l)
{
    return &l->counts;
}

struct lac_semantic_memo *lac_semantic_lane_memo(const struct lac_semantic_lane *l)
{
    return l->memo;
}

const struct lac_semantic_device *lac_semantic_lane_device(const struct lac_semantic_lane *l)
{
    return l->device;
}

/* Runs what waits and hands it out. */
static enum lac_status flush(struct lac_semantic_lane *l, lac_semantic_window_fn *each, void *ctx,
                             struct lac_err *err)
{
    const struct lac_encode_batch batch = {.ids = l->ids, .starts = l->starts, .count = l->count};
    size_t width = l->device->weights.hidden;
    uint64_t started;
    enum lac_status status;

    if (l->count == 0)
        return LAC_OK;
    l->counts.yields += lac_semantic_gate_enter(l->device->gate, l->interactive);
    started = lac_clock_mono_ns();
    status = l->device->backend->run(l->session, &batch, l->vectors, err);
    l->counts.busy_ns += lac_clock_mono_ns() - started;
    lac_semantic_gate_leave(l->device->gate, l->interactive);
    l->counts.calls++;
    lac_semantic_note_call(l->device, status, err);
    if (status != LAC_OK) {
        l->counts.failures++;
        return status;
    }
    for (size_t i = 0; i < l->count; i++) {
        const struct owner *o = &l->owners[i];
        l->windows[i] = (struct lac_semantic_window){.text = o->text,
                                                     .index = o->index,
                                                     .count = o->count,
                                                     .tokens = o->tokens,
                                                     .ids = l->ids + l->starts[i] + 1 +
                                                            l->device->source->prefix_count,
                                                     .vector = l->vectors + i * width,
                                                     .after = l->count - i - 1};
    }
    for (size_t i = 0; i < l->count; i++)
        each(ctx, &l->windows[i]);
    l->counts.windows += l->count;
    l->counts.tokens += l->starts[l->count];
    l->count = 0;
    return LAC_OK;
}

static enum lac_status add_text(struct lac_semantic_lane *l, size_t index, struct lac_str text,
                                struct lac_semantic_cover *cover, lac_semantic_window_fn *each,
                                void *ctx, struct lac_err *err)
{
    const struct lac_semantic_source *source = l->device->source;
    uint32_t window = l->device->weights.window;
    size_t tokens = lac_encode_tokenize(l->words, text, l->text_ids, NULL, l->text_limit);
    struct lac_encode_windows w = lac_encode_windows_of(
        tokens, window, (uint32_t)source->prefix_count, l->overlap, LAC_SEMANTIC_WINDOW_MAX);
    enum lac_status status = LAC_OK;

    if (cover)
        cover[index] =
            (struct lac_semantic_cover){.tokens = tokens, .windows = w.count, .left = w.left};
    for (size_t i = 0; status == LAC_OK && i < w.count; i++) {
        size_t from, to;

        if (l->count == l->sequence_limit || l->starts[l->count] + (size_t)window > l->token_limit)
            status = flush(l, each, ctx, err);
        if (status != LAC_OK)
            break;
        lac_encode_windows_at(&w, i, &from, &to);
        LAC_ASSERT(to <= l->text_limit);
        l->starts[l->count + 1] =
            l->starts[l->count] +
            (uint32_t)lac_encode_windows_put(&w, i, source->tokenizer, source->prefix,
                                             source->prefix_count, l->text_ids,
                                             l->ids + l->starts[l->count]);
        l->owners[l->count++] = (struct owner){index, i, w.count, to - from};
    }
    return status;
}

enum lac_status lac_semantic_encode(struct lac_semantic_lane *l, const struct lac_str *texts,
                                    size_t count, struct lac_semantic_cover *cover,
                                    lac_semantic_window_fn *each, void *ctx, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    l->count = 0;
    for (size_t i = 0; status == LAC_OK && i < count; i++)
        status = add_text(l, i, texts[i], cover, each, ctx, err);
    if (status == LAC_OK)
        status = flush(l, each, ctx, err);
    l->counts.texts += count;
    return status;
}
