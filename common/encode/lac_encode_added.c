/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lac_encode_tokenizer_internal.h"
#include "lac_utf8.h"

/* ---- making ---- */

/* The code points of a word after normalising, as a text of its own. */
static enum lac_status normalise(struct lac_encode_words *w, struct lac_encode_added_word *word,
                                 uint32_t *codes, struct lac_err *err)
{
    struct lac_str text = lac_encode_vocab_at(&w->t->vocab, (uint32_t)word->id);
    bool blank = true;

    w->streaming = true;
    w->stream.record = codes;
    w->stream.recorded = 0;
    lac_encode_exact(w, text, 0, text.len);
    word->count = w->stream.recorded;
    w->stream.record = NULL;
    if (word->count > LAC_ENCODE_ADDED_CHARS)
        return lac_err_set(err, LAC_REJECT, 0, "longer than %d characters", LAC_ENCODE_ADDED_CHARS);
    for (uint32_t i = 0; i < word->count; i++)
        blank = blank && lac_encode_flags_of(codes[i]) & LAC_ENCODE_SPACE;
    if (blank)
        return lac_err_set(err, LAC_REJECT, 0, "normalising leaves nothing of it");
    word->codes = codes;
    return LAC_OK;
}

static enum lac_status init_word(struct lac_encode_words *w, struct lac_encode_added *a,
                                 struct lac_encode_added_word *word, uint32_t *codes,
                                 struct lac_err *err)
{
    enum lac_status status;

    if (!word->normalized) {
        word->bytes = lac_encode_vocab_at(&w->t->vocab, (uint32_t)word->id);
        a->first[(unsigned char)word->bytes.ptr[0]] = true;
        return LAC_OK;
    }
    status = normalise(w, word, codes, err);
    if (status == LAC_OK && word->count > a->longest)
        a->longest = word->count;
    return status;
}

enum lac_status lac_encode_added_init(struct lac_encode_tokenizer *t, int32_t *id,
                                      struct lac_err *err)
{
    struct lac_encode_added *a = &t->added;
    struct lac_encode_words *w;
    enum lac_status status;

    if (a->count == 0)
        return LAC_OK;
    a->codes = calloc((size_t)a->count * LAC_ENCODE_ADDED_CHARS, sizeof(*a->codes));
    if (!a->codes)
        return lac_err_set(err, LAC_RETRY, 0, "no memory for a tokenizer");
    status = lac_encode_words_new(&w, t, 0, err);
    if (status != LAC_OK)
        return status;
    for (uint32_t i = 0; status == LAC_OK && i < a->count; i++) {
        *id = a->words[i].id;
        status = init_word(w, a, &a->words[i], a->codes + (size_t)i * LAC_ENCODE_ADDED_CHARS, err);
    }
    lac_encode_words_free(w);
    return status;
}

void lac_encode_added_deinit(struct lac_encode_added *a)
{
    free(a->codes);
    memset(a, 0, sizeof(*a));
}

/* ---- in what was normalised ---- */

static void release(struct lac_encode_words *w)
{
    struct lac_encode_stream *s = &w->stream;

    if (s->held)
        lac_encode_put(&w->out, s->id, s->from, s->to);
    s->held = false;
}

static void put_ordinary(struct lac_encode_words *w, const struct lac_encode_added_char *c)
{
    struct lac_encode_stream *s = &w->stream;
    bool blank = c->kind == LAC_ENCODE_CHAR_BLANK;

    if (s->held && blank) {
        s->to = c->to;
        return;
    }
    release(w);
    if (blank && !s->blank)
        s->blank_from = c->from;
    s->blank = blank;
    lac_encode_word_put(w, c->kind, c->code, c->from, c->to);
}

static void put_found(struct lac_encode_words *w, const struct lac_encode_added_word *word)
{
    struct lac_encode_stream *s = &w->stream;

    for (uint32_t i = 0; s->held && s->head[i].kind == LAC_ENCODE_CHAR_BLANK; i++)
        s->to = s->head[i].to; /* not all of it is blank */
    release(w);
    lac_encode_word_end(w);
    s->id = word->id;
    s->from = word->lstrip && s->blank ? s->blank_from : s->head[0].from;
    s->to = s->head[word->count - 1].to;
    s->blank = false;
    s->held = true;
    if (!word->rstrip)
        release(w);
}

static bool begins(const struct lac_encode_stream *s, const struct lac_encode_added_word *word)
{
    if (word->count > s->count)
        return false;
    for (uint32_t i = 0; i < word->count; i++)
        if (s->head[i].code != word->codes[i])
            return false;
    return true;
}

static const struct lac_encode_added_word *word_in(const struct lac_encode_added *a,
                                                   const struct lac_encode_stream *s)
{
    const struct lac_encode_added_word *best = NULL;

    for (uint32_t i = 0; i < a->count; i++)
        if (a->words[i].normalized && (!best || a->words[i].count > best->count) &&
            begins(s, &a->words[i]))
            best = &a->words[i];
    return best;
}

/* Decides about the first of the undecided ones. As in the library, what is part of a longer word
 * hides shorter ones in it too. */
static void step(struct lac_encode_words *w)
{
    struct lac_encode_stream *s = &w->stream;
    const struct lac_encode_added_word *word = s->skip ? NULL : word_in(&w->t->added, s);
    uint32_t taken = 1;

    if (word && word->single &&
        (lac_encode_in_word(s->last) ||
         (s->count > word->count && lac_encode_in_word(s->head[word->count].code)))) {
        s->skip = word->count;
        word = NULL;
    }
    if (word) {
        put_found(w, word);
        taken = word->count;
    } else {
        put_ordinary(w, &s->head[0]);
        s->skip -= s->skip > 0;
    }
    s->last = s->head[taken - 1].code;
    s->count -= taken;
    memmove(s->head, s->head + taken, s->count * sizeof(*s->head));
}

void lac_encode_added_put(struct lac_encode_words *w, const struct lac_encode_added_char *c)
{
    struct lac_encode_stream *s = &w->stream;

    if (c->kind == LAC_ENCODE_CHAR_GONE)
        return;
    if (s->record) {
        if (s->recorded < LAC_ENCODE_ADDED_CHARS)
            s->record[s->recorded] = c->code;
        s->recorded++;
        return;
    }
    s->head[s->count++] = *c;
    if (s->count > w->t->added.longest)
        step(w);
}

void lac_encode_added_end(struct lac_encode_words *w)
{
    while (w->stream.count)
        step(w);
    release(w);
    w->stream.blank = false;
    w->stream.last = 0;
}

/* ---- in the text as it came ---- */

static bool blank_at(struct lac_str text, size_t *at)
{
    return lac_encode_flags_of(lac_utf8_next(text, at)) & LAC_ENCODE_SPACE;
}

/* The code point that ends at `*at`, which moves to where it begins. `least` < *at. */
static uint32_t code_before(struct lac_str text, size_t least, size_t *at)
{
    size_t from = *at - 1, to;
    uint32_t code;

    while (from > least && ((unsigned char)text.ptr[from] & 0xC0) == 0x80)
        from--;
    to = from;
    code = lac_utf8_next(text, &to);
    if (to != *at)
        code = LAC_UTF8_BAD;
    *at = from;
    return code;
}

/* Where the white space that ends at `at` begins, not before `least`. */
static size_t blanks_before(struct lac_str text, size_t least, size_t at)
{
    for (size_t from = at; from > least; at = from)
        if (!(lac_encode_flags_of(code_before(text, least, &from)) & LAC_ENCODE_SPACE))
            break;
    return at;
}

/* Whether text[from, to) is part of a longer word. */
static bool within_word(struct lac_str text, size_t from, size_t to)
{
    return (from > 0 && lac_encode_in_word(code_before(text, 0, &from))) ||
           (to < text.len && lac_encode_in_word(lac_utf8_next(text, &to)));
}

static size_t blanks_behind(struct lac_str text, size_t at)
{
    for (size_t to = at; to < text.len && blank_at(text, &to);)
        at = to;
    return at;
}

static const struct lac_encode_added_word *word_at(const struct lac_encode_added *a,
                                                   struct lac_str text, size_t at)
{
    const struct lac_encode_added_word *best = NULL;

    if (!a->first[(unsigned char)text.ptr[at]])
        return NULL;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct lac_encode_added_word *word = &a->words[i];

        if (!word->normalized && (!best || word->bytes.len > best->bytes.len) &&
            word->bytes.len <= text.len - at &&
            memcmp(text.ptr + at, word->bytes.ptr, word->bytes.len) == 0)
            best = word;
    }
    return best;
}

void lac_encode_added_text(struct lac_encode_words *w, struct lac_str text)
{
    const struct lac_encode_added *a = &w->t->added;
    size_t done = 0;

    for (size_t at = 0; at < text.len;) {
        const struct lac_encode_added_word *word = word_at(a, text, at);
        size_t from = at, to;

        if (!word) {
            at++;
            continue;
        }
        at += word->bytes.len;
        if (word->single && within_word(text, from, at))
            continue;
        if (word->lstrip)
            from = blanks_before(text, done < from ? done : from, from);
        to = word->rstrip ? blanks_behind(text, at) : at;
        if (done < from)
            lac_encode_segment(w, text, done, from);
        lac_encode_put(&w->out, word->id, (uint32_t)from, (uint32_t)to);
        done = to;
    }
    if (done < text.len)
        lac_encode_segment(w, text, done, text.len);
}
