/* SPDX-License-Identifier: Apache-2.0 */
/* From windows to one answer per text, in integers. */
#include <string.h>

#include "lac_semantic_internal.h"

enum { SCALE = 1000000000, PPM = 1000000 };
enum { TOGETHER = 24 }; /* windows that the head is asked about at once */

struct asking {
    const struct lac_head *head;
    const uint32_t *doubts; /* of sentences, by threshold */
    struct lac_semantic_answer *answers;
    struct lac_head_out outs[TOGETHER];
    size_t have, at; /* outs[at .. have) are the next windows' */
};

/* The same for some of the call's texts, whose windows are kept. */
struct remembering {
    struct asking q;
    struct lac_semantic_memo *memo;
    const struct lac_semantic_device *device;
    const size_t *todo; /* which texts */
};

/* P(tier <= PUBLIC) and P(tier <= INTERNAL) of one window; the sum is at least a million. */
static void below_of(const struct lac_head_out *out, uint64_t below[2])
{
    uint64_t u = out->likelihood[0], i = out->likelihood[1], p = out->likelihood[2];

    below[0] = u * SCALE / (u + i + p);
    below[1] = (u + i) * SCALE / (u + i + p);
}

/* The same of a sentence: its odds are multiplied. All numbers fit, as LAC_HEAD_DOUBT_MAX is a
 * thousand. What they are for INTERNAL is at least what they are for PUBLIC, but not once they are
 * multiplied by different numbers. */
static void below_of_part(const struct lac_head_out *out, const uint32_t doubts[2],
                          uint64_t below[2])
{
    uint64_t u = out->likelihood[0], i = out->likelihood[1], p = out->likelihood[2];

    below[0] = u * doubts[0] * SCALE / (u * doubts[0] + i + p);
    below[1] = (u + i) * doubts[1] * SCALE / ((u + i) * doubts[1] + p);
    if (below[1] < below[0])
        below[1] = below[0];
}

static void take_nearest(struct lac_semantic_answer *a, const struct lac_head_out *out,
                         const uint64_t below[2])
{
    a->nearest_count = out->nearest_count;
    memcpy(a->nearest, out->nearest, sizeof(a->nearest));
    memcpy(a->_nearest_below, below, sizeof(a->_nearest_below));
}

/* Whether one window is stricter than another: the first of equals counts. */
static bool stricter(const uint64_t a[2], const uint64_t b[2])
{
    return a[1] != b[1] ? a[1] < b[1] : a[0] < b[0];
}

/* The head is faster with several questions at once. */
static const struct lac_head_out *ask(struct asking *q, const struct lac_semantic_window *w)
{
    struct lac_head_question questions[TOGETHER];

    if (q->at == q->have) {
        q->have = w->after + 1 < TOGETHER ? w->after + 1 : TOGETHER;
        q->at = 0;
        for (size_t i = 0; i < q->have; i++)
            questions[i] = (struct lac_head_question){w[i].vector, w[i].ids, w[i].tokens};
        lac_head_ask_all(q->head, questions, q->have, q->outs);
    }
    return &q->outs[q->at++];
}

/* What the head said about a text's window or sentence. */
static void take_answer(const struct asking *q, struct lac_semantic_answer *a,
                        const struct lac_semantic_window *w, const struct lac_head_out *out)
{
    uint64_t below[2];

    if (w->part && out->gate == LAC_HEAD_FAR)
        return;
    if (w->part && q->doubts)
        below_of_part(out, q->doubts, below);
    else
        below_of(out, below);
    if (a->gate == LAC_HEAD_PASSED)
        a->gate = out->gate;
    if (w->index == 0) {
        memcpy(a->likelihood, out->likelihood, sizeof(a->likelihood));
        memcpy(a->_below, below, sizeof(below));
        take_nearest(a, out, below);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (below[i] < a->_below[i])
            a->_below[i] = below[i];
    if (stricter(below, a->_nearest_below))
        take_nearest(a, out, below);
}

static void take_window(void *ctx, const struct lac_semantic_window *w)
{
    struct asking *q = ctx;

    take_answer(q, &q->answers[w->text], w, ask(q, w));
}

/* Back to likelihoods whose largest is a million. Only for texts of several windows or sentences:
 * with one, the head's own numbers stay as they are. */
static void scale(struct lac_semantic_answer *a)
{
    uint64_t p[LAC_TIER_COUNT] = {a->_below[0], a->_below[1] - a->_below[0], SCALE - a->_below[1]};
    uint64_t most = 1;

    for (int t = 0; t < LAC_TIER_COUNT; t++)
        most = p[t] > most ? p[t] : most;
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        uint64_t scaled = p[t] * PPM / most;

        a->likelihood[t] = scaled ? (uint32_t)scaled : 1;
    }
}

static void below_of_answer(const struct lac_semantic_answer *a, uint64_t below[2])
{
    struct lac_head_out out;

    memcpy(out.likelihood, a->likelihood, sizeof(out.likelihood));
    below_of(&out, below);
}

void lac_semantic_join(struct lac_semantic_answer *a, const struct lac_semantic_answer *b)
{
    uint64_t mine[2], theirs[2];

    below_of_answer(a, mine);
    below_of_answer(b, theirs);
    if (stricter(theirs, mine)) {
        a->nearest_count = b->nearest_count;
        memcpy(a->nearest, b->nearest, sizeof(a->nearest));
    }
    for (int i = 0; i < 2; i++)
        a->_below[i] = mine[i] < theirs[i] ? mine[i] : theirs[i];
    scale(a);
    a->gate = a->gate == LAC_HEAD_PASSED ? b->gate : a->gate;
    a->cut = a->cut || b->cut;
}

/* What the language says about the whole text, with what the windows said. */
static void finish(const struct lac_head *head, struct lac_str text,
                   const struct lac_semantic_cover *cover, struct lac_semantic_answer *a)
{
    struct lac_head_out out = {0};

    if (cover->windows + cover->parts > 1)
        scale(a);
    a->cut = cover->left > 0;
    if (a->gate == LAC_HEAD_PASSED && !lac_head_language(head, text))
        a->gate = LAC_HEAD_LANGUAGE;
    if (a->gate == LAC_HEAD_PASSED)
        return;
    /* Unknown ground makes nothing looser. */
    memcpy(out.likelihood, a->likelihood, sizeof(out.likelihood));
    lac_head_foreign(&out);
    memcpy(a->likelihood, out.likelihood, sizeof(a->likelihood));
}

static enum lac_status ask_all(struct lac_semantic_lane *l, const struct lac_head *head,
                               const struct lac_str *texts, size_t count,
                               struct lac_semantic_answer *answers,
                               struct lac_semantic_cover *cover, struct lac_err *err)
{
    struct asking q = {.head = head, .doubts = lac_head_doubts(head), .answers = answers};
    enum lac_status status;

    for (size_t i = 0; i < count; i++)
        answers[i] = (struct lac_semantic_answer){.gate = LAC_HEAD_PASSED};
    status = lac_semantic_read(l, texts, count, q.doubts != NULL, cover, take_window, &q, err);
    for (size_t i = 0; status == LAC_OK && i < count; i++)
        finish(head, texts[i], &cover[i], &answers[i]);
    return status;
}

/* ---- with a memo ---- */

static void keep_window(void *ctx, const struct lac_semantic_window *w)
{
    struct remembering *r = ctx;

    lac_semantic_memo_put_window(r->memo, r->device, r->q.doubts != NULL, w);
    take_answer(&r->q, &r->q.answers[r->todo[w->text]], w, ask(&r->q, w));
}

/* Answers what is remembered and lists the rest. */
static size_t recall(struct remembering *r, const struct lac_str *texts, size_t count,
                     struct lac_semantic_cover *cover)
{
    struct lac_semantic_answer *answers = r->q.answers;
    size_t todo = 0;

    for (size_t i = 0; i < count; i++) {
        if (lac_semantic_memo_answer(r->memo, r->q.head, texts[i], &answers[i], &cover[i]))
            continue;
        answers[i] = (struct lac_semantic_answer){.gate = LAC_HEAD_PASSED};
        if (lac_semantic_memo_replay(r->memo, r->device, r->q.doubts != NULL, texts[i], i,
                                     &cover[i], take_window, &r->q)) {
            finish(r->q.head, texts[i], &cover[i], &answers[i]);
            lac_semantic_memo_put_answer(r->memo, r->q.head, texts[i], &answers[i], &cover[i]);
        } else {
            lac_semantic_memo_list(r->memo, todo++, i, texts[i]);
        }
    }
    return todo;
}

static enum lac_status ask_new(struct remembering *r, struct lac_semantic_lane *l,
                               const struct lac_str *texts, size_t count,
                               struct lac_semantic_cover *cover, struct lac_err *err)
{
    size_t todo = recall(r, texts, count, cover);
    const struct lac_str *new_texts;
    struct lac_semantic_cover *new_cover;
    enum lac_status status;

    r->todo = lac_semantic_memo_todo(r->memo, &new_texts, &new_cover);
    status =
        lac_semantic_read(l, new_texts, todo, r->q.doubts != NULL, new_cover, keep_window, r, err);
    for (size_t k = 0; status == LAC_OK && k < todo; k++) {
        size_t i = r->todo[k];

        cover[i] = new_cover[k];
        finish(r->q.head, texts[i], &cover[i], &r->q.answers[i]);
        lac_semantic_memo_put_answer(r->memo, r->q.head, texts[i], &r->q.answers[i], &cover[i]);
    }
    return status;
}

enum lac_status lac_semantic_ask(struct lac_semantic_lane *l, const struct lac_head *head,
                                 const struct lac_str *texts, size_t count,
                                 struct lac_semantic_answer *answers,
                                 struct lac_semantic_cover *cover, struct lac_err *err)
{
    struct remembering r = {
        .q = {.head = head, .doubts = lac_head_doubts(head), .answers = answers},
        .memo = lac_semantic_lane_memo(l),
        .device = lac_semantic_lane_device(l)};

    if (r.memo && lac_semantic_memo_begin(r.memo, count))
        return ask_new(&r, l, texts, count, cover, err);
    return ask_all(l, head, texts, count, answers, cover, err);
}
