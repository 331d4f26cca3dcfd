/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open-addressing table from SHA-256(owner, text) to what is remembered, in one arena. Owner is
 * the head of an answer, or the device of a text's windows (of its windows and sentences: the
 * address one on): two kinds of things never share a key.
 * A hash that nobody can choose collisions for, because texts are strangers' and are not kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_arena.h"
#include "lac_assert.h"
#include "lac_digest.h"
#include "lac_semantic_internal.h"

enum {
    SLOTS = 1 << 16,        /* a power of two */
    ENTRIES = SLOTS / 4 * 3 /* then nothing more is taken in */
};

struct slot {
    unsigned char key[LAC_SHA256_SIZE];
    const void *what; /* in the arena; NULL: free */
};

struct window {
    struct window *next;
    size_t tokens;
    bool part;
    const int32_t *ids;  /* [tokens] */
    const float *vector; /* [width] */
};

/* What the windows of a text came to. */
struct reading {
    struct lac_semantic_cover cover;
    struct window *first;
};

struct verdict {
    struct lac_semantic_answer answer;
    struct lac_semantic_cover cover;
};

struct lac_semantic_memo {
    struct lac_arena arena;
    struct slot *slots; /* [SLOTS] */
    size_t entries;
    struct reading *reading; /* of the text whose windows come in now; NULL: no room for it */
    struct window *last;     /* of its windows */
    /* Of the call in hand: texts that must be encoded. */
    size_t *todo; /* [capacity], their indexes among the call's */
    struct lac_str *texts;
    struct lac_semantic_cover *cover;
    size_t capacity;
};

enum lac_status lac_semantic_memo_new(struct lac_semantic_memo **out, size_t bytes,
                                      struct lac_err *err)
{
    struct lac_semantic_memo *m = calloc(1, sizeof(*m));
    enum lac_status status = LAC_OK;

    *out = NULL;
    if (m)
        m->slots = calloc(SLOTS, sizeof(*m->slots));
    if (!m || !m->slots)
        status = lac_err_set(err, LAC_RETRY, ENOMEM, "no memory to remember texts");
    if (status == LAC_OK)
        status = lac_arena_init(&m->arena, bytes, err);
    if (status == LAC_OK)
        *out = m;
    else
        lac_semantic_memo_free(m);
    return status;
}

void lac_semantic_memo_free(struct lac_semantic_memo *m)
{
    if (!m)
        return;
    lac_arena_deinit(&m->arena);
    free(m->slots);
    free(m->todo);
    free(m->texts);
    free(m->cover);
    free(m);
}

static void make_key(unsigned char key[LAC_SHA256_SIZE], const void *owner, struct lac_str text)
{
    unsigned char both[LAC_SHA256_SIZE + sizeof(owner)];

    lac_sha256(both, text.ptr, text.len);
    memcpy(both + LAC_SHA256_SIZE, &owner, sizeof(owner));
    lac_sha256(key, both, sizeof(both));
}

/* Where the key stands, or the free place where it would. */
static struct slot *find(const struct lac_semantic_memo *m, const unsigned char *key)
{
    uint64_t at;

    memcpy(&at, key, sizeof(at));
    for (at &= SLOTS - 1; m->slots[at].what; at = (at + 1) & (SLOTS - 1))
        if (memcmp(m->slots[at].key, key, LAC_SHA256_SIZE) == 0)
            break;
    return &m->slots[at];
}

static const void *look_up(const struct lac_semantic_memo *m, const void *owner,
                           struct lac_str text)
{
    unsigned char key[LAC_SHA256_SIZE];

    make_key(key, owner, text);
    return find(m, key)->what;
}

static void put(struct lac_semantic_memo *m, const void *owner, struct lac_str text,
                const void *what)
{
    unsigned char key[LAC_SHA256_SIZE];
    struct slot *s;

    if (m->entries == ENTRIES)
        return;
    make_key(key, owner, text);
    s = find(m, key);
    m->entries += s->what == NULL;
    memcpy(s->key, key, sizeof(key));
    s->what = what;
}

/* Only between calls: nothing of the arena is in use then. */
static void make_room(struct lac_semantic_memo *m)
{
    if (m->entries < (size_t)ENTRIES / 4 * 3 && m->arena.used < m->arena.size / 4 * 3)
        return;
    lac_arena_reset(&m->arena);
    memset(m->slots, 0, SLOTS * sizeof(*m->slots));
    m->entries = 0;
}

static bool grow(void **list, size_t count, size_t size)
{
    void *longer = realloc(*list, count * size);

    *list = longer ? longer : *list;
    return longer != NULL;
}

bool lac_semantic_memo_begin(struct lac_semantic_memo *m, size_t count)
{
    make_room(m);
    m->reading = NULL;
    if (count <= m->capacity)
        return true;
    m->capacity = 0;
    if (!grow((void **)&m->todo, count, sizeof(*m->todo)) ||
        !grow((void **)&m->texts, count, sizeof(*m->texts)) ||
        !grow((void **)&m->cover, count, sizeof(*m->cover)))
        return false;
    m->capacity = count;
    return true;
}

/* ---- answers ---- */

bool lac_semantic_memo_answer(const struct lac_semantic_memo *m, const struct lac_head *head,
                              struct lac_str text, struct lac_semantic_answer *answer,
                              struct lac_semantic_cover *cover)
{
    const struct verdict *v = look_up(m, head, text);

    if (!v)
        return false;
    *answer = v->answer;
    *cover = v->cover;
    return true;
}

void lac_semantic_memo_put_answer(struct lac_semantic_memo *m, const struct lac_head *head,
                                  struct lac_str text, const struct lac_semantic_answer *answer,
                                  const struct lac_semantic_cover *cover)
{
    struct verdict *v = lac_arena_alloc(&m->arena, sizeof(*v));

    if (!v)
        return;
    *v = (struct verdict){*answer, *cover};
    put(m, head, text, v);
}

/* ---- windows ---- */

static const void *owner_of(const struct lac_semantic_device *d, bool parts)
{
    return (const char *)d + parts;
}

bool lac_semantic_memo_replay(const struct lac_semantic_memo *m,
                              const struct lac_semantic_device *d, bool parts, struct lac_str text,
                              size_t index, struct lac_semantic_cover *cover,
                              lac_semantic_window_fn *each, void *ctx)
{
    const struct reading *r = look_up(m, owner_of(d, parts), text);
    struct lac_semantic_window w = {.text = index};

    if (!r)
        return false;
    *cover = r->cover;
    w.count = r->cover.windows + r->cover.parts;
    for (const struct window *k = r->first; k; k = k->next, w.index++) {
        w.tokens = k->tokens;
        w.part = k->part;
        w.ids = k->ids;
        w.vector = k->vector;
        each(ctx, &w);
    }
    return true;
}

static struct window *copy_window(struct lac_semantic_memo *m, const struct lac_semantic_window *w,
                                  uint32_t width)
{
    struct window *k = lac_arena_alloc(&m->arena, sizeof(*k));
    int32_t *ids = lac_arena_take(&m->arena, w->tokens * sizeof(*ids));
    float *vector = lac_arena_take(&m->arena, width * sizeof(*vector));

    if (!k || !ids || !vector)
        return NULL;
    memcpy(ids, w->ids, w->tokens * sizeof(*ids));
    memcpy(vector, w->vector, width * sizeof(*vector));
    *k = (struct window){.tokens = w->tokens, .part = w->part, .ids = ids, .vector = vector};
    return k;
}

/* Windows of a text come one behind the other. */
void lac_semantic_memo_put_window(struct lac_semantic_memo *m, const struct lac_semantic_device *d,
                                  bool parts, const struct lac_semantic_window *w)
{
    struct window *k;

    if (w->index == 0)
        m->reading = lac_arena_alloc(&m->arena, sizeof(*m->reading));
    if (!m->reading)
        return;
    k = copy_window(m, w, d->weights.hidden);
    if (!k) {
        m->reading = NULL; /* not a part of a text */
        return;
    }
    if (w->index == 0)
        m->reading->first = k;
    else
        m->last->next = k;
    m->last = k;
    if (w->index + 1 < w->count)
        return;
    m->reading->cover = m->cover[w->text];
    put(m, owner_of(d, parts), m->texts[w->text], m->reading);
}

/* ---- the call in hand ---- */

void lac_semantic_memo_list(struct lac_semantic_memo *m, size_t at, size_t index,
                            struct lac_str text)
{
    LAC_ASSERT(at < m->capacity);
    m->todo[at] = index;
    m->texts[at] = text;
}

const size_t *lac_semantic_memo_todo(const struct lac_semantic_memo *m,
                                     const struct lac_str **texts,
                                     struct lac_semantic_cover **cover)
{
    *texts = m->texts;
    *cover = m->cover;
    return m->todo;
}
