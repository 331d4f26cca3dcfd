/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to windows to calls of the encoder, each as full as it may be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_encode_windows.h"
#include "lac_semantic_internal.h"
#include "lac_semantic_parts.h"

/* Which window of which text a sequence of the call is. */
struct owner {
    size_t text, index, count, tokens;
    bool part;
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
    struct lac_encode_span *spans;       /* [text_limit] */
    uint32_t *part_ends;                 /* [lac_semantic_parts_most(text_limit)] */
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
    l->spans = calloc(l->text_limit, sizeof(*l->spans));
    l->part_ends = calloc(lac_semantic_parts_most(l->text_limit), sizeof(*l->part_ends));
    l->ids = calloc(l->token_limit, sizeof(*l->ids));
    l->starts = calloc(l->sequence_limit + 1, sizeof(*l->starts));
    l->owners = calloc(l->sequence_limit, sizeof(*l->owners));
    l->vectors = calloc(l->sequence_limit * w->hidden, sizeof(*l->vectors));
    l->windows = calloc(l->sequence_limit, sizeof(*l->windows));
    if (!l->text_ids || !l->spans || !l->part_ends || !l->ids || !l->starts || !l->owners ||
        !l->vectors || !l->windows)
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
    free(l->spans);
    free(l->part_ends);
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
                                                     .part = o->part,
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

/* A text on its way into calls of the encoder. */
struct adding {
    size_t text;  /* its index among the call's */
    size_t count; /* of its windows and parts */
    size_t index; /* of the next one */
    lac_semantic_window_fn *each;
    void *ctx;
};

/* One more sequence: [CLS], prefix, `count` of the text's tokens, [SEP]. */
static enum lac_status add_sequence(struct lac_semantic_lane *l, struct adding *add, size_t from,
                                    size_t count, bool part, struct lac_err *err)
{
    const struct lac_semantic_source *source = l->device->source;
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(source->tokenizer);
    enum lac_status status = LAC_OK;
    int32_t *out;
    size_t n = 0;

    if (l->count == l->sequence_limit ||
        l->starts[l->count] + (size_t)l->device->weights.window > l->token_limit)
        status = flush(l, add->each, add->ctx, err);
    if (status != LAC_OK)
        return status;
    LAC_ASSERT(from + count <= l->text_limit);
    out = l->ids + l->starts[l->count];
    out[n++] = info->cls;
    if (source->prefix_count)
        memcpy(out + n, source->prefix, source->prefix_count * sizeof(*out));
    n += source->prefix_count;
    if (count)
        memcpy(out + n, l->text_ids + from, count * sizeof(*out));
    n += count;
    out[n++] = info->sep;
    LAC_ASSERT(n <= l->device->weights.window);
    l->starts[l->count + 1] = l->starts[l->count] + (uint32_t)n;
    l->owners[l->count++] = (struct owner){add->text, add->index++, add->count, count, part};
    return LAC_OK;
}

/* Parts are cut by tokens alone, so with them a model's short window must still hold one. */
static size_t parts_of(struct lac_semantic_lane *l, struct lac_str text, size_t tokens)
{
    size_t room = l->device->weights.window - 2 - l->device->source->prefix_count;

    if (room < LAC_SEMANTIC_PART_MOST + LAC_SEMANTIC_PART_LEAST)
        return 0;
    return lac_semantic_parts(text, l->spans, tokens, l->part_ends);
}

static enum lac_status add_text(struct lac_semantic_lane *l, struct adding *add,
                                struct lac_str text, bool parts, struct lac_semantic_cover *cover,
                                struct lac_err *err)
{
    size_t tokens =
        lac_encode_tokenize(l->words, text, l->text_ids, parts ? l->spans : NULL, l->text_limit);
    struct lac_encode_windows w = lac_encode_windows_of(tokens, l->device->weights.window,
                                                        (uint32_t)l->device->source->prefix_count,
                                                        l->overlap, LAC_SEMANTIC_WINDOW_MAX);
    size_t part_count = parts ? parts_of(l, text, tokens - w.left) : 0;
    enum lac_status status = LAC_OK;
    size_t from = 0, to;

    add->count = w.count + part_count;
    add->index = 0;
    if (cover)
        *cover = (struct lac_semantic_cover){
            .tokens = tokens, .windows = w.count, .parts = part_count, .left = w.left};
    for (size_t i = 0; status == LAC_OK && i < w.count; i++) {
        lac_encode_windows_at(&w, i, &from, &to);
        status = add_sequence(l, add, from, to - from, false, err);
    }
    from = 0;
    for (size_t i = 0; status == LAC_OK && i < part_count; i++) {
        status = add_sequence(l, add, from, l->part_ends[i] - from, true, err);
        from = l->part_ends[i];
    }
    return status;
}

enum lac_status lac_semantic_read(struct lac_semantic_lane *l, const struct lac_str *texts,
                                  size_t count, bool parts, struct lac_semantic_cover *cover,
                                  lac_semantic_window_fn *each, void *ctx, struct lac_err *err)
{
    struct adding add = {.each = each, .ctx = ctx};
    enum lac_status status = LAC_OK;

    l->count = 0;
    for (; status == LAC_OK && add.text < count; add.text++)
        status = add_text(l, &add, texts[add.text], parts, cover ? &cover[add.text] : NULL, err);
    if (status == LAC_OK)
        status = flush(l, each, ctx, err);
    l->counts.texts += count;
    return status;
}

enum lac_status lac_semantic_encode(struct lac_semantic_lane *l, const struct lac_str *texts,
                                    size_t count, struct lac_semantic_cover *cover,
                                    lac_semantic_window_fn *each, void *ctx, struct lac_err *err)
{
    return lac_semantic_read(l, texts, count, false, cover, each, ctx, err);
}
