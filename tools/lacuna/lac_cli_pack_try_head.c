/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what a pack has learned fits the encoder that it will be asked with: exemplars, encoded
 * anew on this machine, must find themselves among their nearest.
 */
#include "lac_cli_pack_try_head.h"

#include <stdlib.h>
#include <string.h>

#include "lac_head_data.h"

enum { TRIED = 96, CALL = 32 };

/* Classes of arithmetic agree to 0.995; another model's vectors are far below. */
enum { SELF_PPM = 980000 };

struct trying {
    struct lac_cli_pack_try_head *result;
    const struct lac_head *head;
    const uint32_t *exemplars; /* of the call's texts */
};

static void take_window(void *ctx, const struct lac_semantic_window *w)
{
    const struct trying *t = ctx;
    struct lac_cli_pack_try_head *result = t->result;
    uint32_t self = t->exemplars[w->text];
    struct lac_head_out out;

    if (w->index > 0) /* its first window stands for a longer text */
        return;
    lac_head_ask(t->head, w->vector, w->ids, w->tokens, &out);
    result->tried++;
    for (uint32_t i = 0; i < out.nearest_count; i++)
        if (out.nearest[i].exemplar == self && out.nearest[i].similarity >= SELF_PPM)
            return;
    result->lost++;
    result->on_lost(result->ctx, lac_head_exemplar_id(t->head, self));
}

/* The text of an exemplar; texts are sorted by id. */
static const struct lac_head_text *text_of(const struct lac_head_data *texts, struct lac_str id)
{
    size_t low = 0, high = lac_head_data_count(texts);

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct lac_head_text *t = lac_head_data_at(texts, mid);
        int order = lac_str_cmp(t->id, id);

        if (order == 0)
            return t;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* Exemplars from all over the list. */
static enum lac_status try_some(struct lac_semantic_lane *lane, const struct lac_head *head,
                                const struct lac_head_data *texts,
                                struct lac_cli_pack_try_head *result, struct lac_err *err)
{
    uint32_t exemplars[CALL], count = lac_head_exemplar_count(head);
    uint32_t tries = count < TRIED ? count : TRIED;
    struct lac_str call[CALL];
    struct trying t = {result, head, exemplars};
    enum lac_status status = LAC_OK;
    size_t n = 0;

    for (uint32_t i = 0; status == LAC_OK && i < tries; i++) {
        uint32_t exemplar = (uint32_t)((uint64_t)i * count / tries);
        const struct lac_head_text *text = text_of(texts, lac_head_exemplar_id(head, exemplar));

        if (text) {
            exemplars[n] = exemplar;
            call[n++] = text->text;
        }
        if (n == CALL || i + 1 == tries) {
            status = lac_semantic_encode(lane, call, n, NULL, take_window, &t, err);
            n = 0;
        }
    }
    return status;
}

enum lac_status lac_cli_pack_try_head(struct lac_cli_pack_try_head *result, struct lac_semantic *s,
                                      const struct lac_pack *p, struct lac_err *err)
{
    const struct lac_semantic_lane_options o = {.tokens = 0};
    const struct lac_semantic_device *device;
    struct lac_semantic_lane *lane = NULL;
    struct lac_head_data *texts = NULL;
    enum lac_status status = lac_pack_exemplars(p, &texts, err);

    if (status == LAC_OK)
        status = lac_semantic_device(s, lac_pack_head(p), &device, err);
    if (status == LAC_OK)
        status = lac_semantic_lane_open(&lane, device, &o, err);
    if (status == LAC_OK) {
        result->engine = lac_semantic_engine(device);
        status = try_some(lane, lac_pack_head(p), texts, result, err);
    }
    lac_semantic_lane_close(lane);
    lac_head_data_free(texts);
    return status;
}
