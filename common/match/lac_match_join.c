/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that a line end cuts in two. Nothing but the text around it tells such a line end from any
 * other, so it is only looked for behind what tokens of a known form begin with, and near words
 * that numbers with a check digit stand beside: a text without these pays nothing. Each is a seam;
 * later the text around the seams is scanned without them, and what reaches over one counts if its
 * rule knows a whole value when it sees one.
 */
#include "lac_match_internal.h"

#include <stdlib.h>

#include "lac_match_decode.h"

enum {
    GLUE_MAX = 16,    /* bytes of each part of what stands between two lines */
    TOKEN_MAX = 320,  /* bytes of a token in one line */
    TOKEN_LEAST = 12, /* characters of one behind what it begins with */
    TRIED_MAX = 1024, /* ... of which so many are compared with a pattern */
    LEAD_MAX = 6,     /* bytes between a name and its token */
    LINE_REACH = 200, /* bytes of a line that are looked at */
    BEFORE_MAX = 48,  /* bytes between a number's seam and its word, to either side */
    BEHIND_MAX = 64,
    BESIDE_MAX = 6,   /* between a word and its number: "is", ": ", "no. " */
    BARE_LEAST = 12,  /* characters of a number without groups that is told by its letters */
    MIXED_LEAST = 20, /* characters of a number with small letters */
};

/* ---- what stands between two lines ---- */

/* Behind the operator that joins strings, and blanks around it. */
static size_t skip_operator(struct lac_str t, size_t at)
{
    at = lac_match_skip(t, at, " \t", GLUE_MAX);
    at += lac_match_is_in(lac_match_byte(t, at), "+.&\\");
    return lac_match_skip(t, at, " \t", GLUE_MAX);
}

size_t lac_match_glue(struct lac_str t, size_t i)
{
    unsigned char c = lac_match_byte(t, i);
    bool string = c == '"' || c == '\'';
    size_t at = i;

    if (string)
        at = skip_operator(t, at + 1);
    else
        at += c == '=' || c == '\\';
    at += lac_match_byte(t, at) == '\r';
    if (lac_match_byte(t, at) != '\n')
        return 0;
    at = lac_match_skip(t, at + 1, " \t>|#*", GLUE_MAX);
    if (!string)
        return at - i;
    at = skip_operator(t, at);
    return lac_match_byte(t, at) == c ? at + 1 - i : 0;
}

/* Where the glue begins whose line end is at `nl`. */
static size_t glue_start(struct lac_str t, size_t nl)
{
    size_t i = nl - (lac_match_before(t, nl) == '\r'), k = i;

    if (lac_match_is_in(lac_match_before(t, i), "=\\"))
        return i - 1;
    for (unsigned n = 0; n < GLUE_MAX && lac_match_is_in(lac_match_before(t, k), " \t+.&\\"); n++)
        k--;
    return lac_match_is_in(lac_match_before(t, k), "\"'") ? k - 1 : i;
}

/* ---- seams ---- */

static void put_seam(struct lac_match_scratch *s, struct lac_match_seam seam)
{
    seam.from = lac_match_plain_at(s, seam.from);
    seam.to = lac_match_plain_at(s, seam.to);
    if (s->seam_count > 0) {
        struct lac_match_seam *last = &s->seams[s->seam_count - 1];

        if (last->from == seam.from && last->to == seam.to && last->line == seam.line) {
            last->joins |= seam.joins;
            last->parts = last->parts || seam.parts;
            return;
        }
    }
    if (s->seam_count == LAC_MATCH_SEAMS_MAX)
        s->hits->too_deep = true;
    else
        s->seams[s->seam_count++] = seam;
}

/* Letters, digits, and what joins them: kinds 1 to 8, 10 to 12. */
static bool is_token(unsigned char c)
{
    return lac_match_kind[c] & 0x1DFE;
}

static size_t token_end(struct lac_str t, size_t at)
{
    size_t stop = t.len - at > TOKEN_MAX ? at + TOKEN_MAX : t.len;

    while (at < stop && is_token((unsigned char)t.ptr[at]))
        at++;
    return at;
}

static bool has(struct lac_str t, size_t from, size_t to, bool (*is)(unsigned))
{
    while (from < to && !is((unsigned char)t.ptr[from]))
        from++;
    return from < to;
}

/* Whether the pattern matches what begins at `start`, over the first of the seams. */
static bool is_match(const struct lac_match_scratch *s, const struct lac_match_unit *u,
                     size_t start, const struct lac_match_seam *seams, size_t count)
{
    struct lac_str t = s->plain;
    char joined[LAC_MATCH_PATTERN_WIDTH + 2];
    size_t before = start > 0, len = 0, from = start - before, end;

    for (size_t i = 0; i < count; i++) {
        size_t rest, n = seams[i].from - from;

        n = n < sizeof(joined) - len ? n : sizeof(joined) - len;
        memcpy(joined + len, t.ptr + from, n);
        len += n;
        from = seams[i].to;
        rest = t.len - from < sizeof(joined) - len ? t.len - from : sizeof(joined) - len;
        memcpy(joined + len, t.ptr + from, rest);
        if (lac_match_regex_at(lac_match_program(s->m, u), (struct lac_str){joined, len + rest},
                               before, &end) &&
            end > before + (seams[0].from - start))
            return true;
    }
    return false;
}

/* Where lines end in the token that goes on at `at`. */
static void read_chain(struct lac_match_chain *c, struct lac_str t, size_t at)
{
    size_t chars = 0, last = at;
    bool digit = false;

    *c = (struct lac_match_chain){.from = at, .to = token_end(t, at)};
    for (size_t end = c->to; c->count < LAC_MATCH_CHAIN_MAX; end = token_end(t, last)) {
        size_t n = c->count == 0 || end > last ? lac_match_glue(t, end) : 0;

        if (n == 0 || !is_token(lac_match_byte(t, end + n)))
            break;
        c->seams[c->count] = (struct lac_match_seam){
            (uint32_t)end, (uint32_t)(end + n), LAC_MATCH_JOIN_TOKEN, (uint8_t)c->count, false};
        c->count++;
        digit = digit || has(t, last, end, lac_match_is_digit);
        chars += end - last;
        last = end + n;
    }
    if (c->count == 0)
        return;
    digit = digit || has(t, last, token_end(t, last), lac_match_is_digit);
    if (!digit || chars + (token_end(t, last) - last) < TOKEN_LEAST)
        c->count = 0;
}

/* The seams of the token that goes on at `at`. It can be one with TOKEN_LEAST characters and a
 * digit: what else is that long is words. `pattern`: what it must match, from `start` on. */
static void token_seams(struct lac_match_scratch *s, const struct lac_match_unit *pattern,
                        size_t start, size_t at)
{
    struct lac_match_chain *c = &s->chain;

    if (at < c->from || at > c->to) /* so that each byte is read once, whatever begins there */
        read_chain(c, s->plain, at);
    if (c->count == 0)
        return;
    /* Nor is a text made of beginnings tried for each of them: then they are all seams. */
    if (pattern && s->chains_tried < TRIED_MAX) {
        s->chains_tried++;
        if (!is_match(s, pattern, start, c->seams, c->count))
            return;
    }
    for (size_t i = 0; i < c->count; i++)
        put_seam(s, c->seams[i]);
}

/* Whether two runs of letters and digits can be of one number: no word, unless together they are
 * longer than words are. */
static bool is_part(struct lac_str t, size_t first, size_t left, size_t right, size_t last)
{
    bool digits =
        has(t, first, left, lac_match_is_digit) || has(t, right, last, lac_match_is_digit);
    bool lower = has(t, first, left, lac_match_is_lower) || has(t, right, last, lac_match_is_lower);

    /* "Igalia S.L", and a year */
    if (!has(t, first, left, lac_match_is_digit) && !has(t, right, last, lac_match_is_alpha))
        return false;
    return digits && (!lower || left - first + (last - right) >= MIXED_LEAST);
}

/* Whether the line has words before `at`: where a column of numbers is, it has none. */
static bool is_in_sentence(struct lac_str t, size_t at)
{
    bool word = false;

    for (size_t i = at; i > 0 && at - i < LINE_REACH && t.ptr[i - 1] != '\n' && !word; i--)
        word = lac_match_is_lower((unsigned char)t.ptr[i - 1] | 0x20u) ||
               (unsigned char)t.ptr[i - 1] >= 0x80;
    return word;
}

/* Where the line that `at` is in begins. */
static size_t line_start(struct lac_str t, size_t at)
{
    size_t low = at > LINE_REACH ? at - LINE_REACH : 0;
    const char *nl = memrchr(t.ptr + low, '\n', at - low);

    return nl ? (size_t)(nl - t.ptr) + 1 : low;
}

/* Whether the line that begins at `at` begins with a number, as those of a log do. */
static bool is_numbered(struct lac_str t, size_t at)
{
    return lac_match_is_digit(lac_match_byte(t, lac_match_skip(t, at, " \t>|#*[\"'", GLUE_MAX)));
}

/* Whether what stands before `from` or at `to` parts the cells of a table. */
static bool is_cell(struct lac_str t, size_t from, size_t to)
{
    unsigned char before = lac_match_before(t, from), behind = lac_match_byte(t, to);

    if (lac_match_is_in(before, ",;\t") || lac_match_is_in(behind, ";\t") ||
        (behind == ',' && lac_match_byte(t, to + 1) > ' '))
        return true;
    for (int i = 0; i < GLUE_MAX && lac_match_before(t, from) == ' '; i++)
        from--;
    return lac_match_before(t, from) == '|' ||
           lac_match_byte(t, lac_match_skip(t, to, " ", GLUE_MAX)) == '|';
}

/* Whether the line behind that of `at` begins with a number, as that one does. */
static bool goes_on_as_column(struct lac_str t, size_t at)
{
    size_t high = t.len - at > LINE_REACH ? at + LINE_REACH : t.len;
    const char *end = memchr(t.ptr + at, '\n', high - at);

    return end && is_numbered(t, (size_t)(end - t.ptr) + 1);
}

/* Whether a digit, or what may be one in another view, stands within eight bytes of `nl`: most line
 * ends are done with that. */
static bool is_near_digit(struct lac_str t, size_t nl)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t around[2] = {nl >= 8 ? lac_match_load8(t, nl - 8) : '0', lac_match_load8(t, nl + 1)};

    for (size_t i = 0; i < 2; i++) {
        uint64_t x = around[i] ^ ones * '0'; /* a digit is below 10 */

        if ((((x - ones * 10) & ~x) | around[i]) & ones * 0x80)
            return true;
    }
    return false;
}

/* Whether another group of digits stands beside what is [from, to) with its line end. */
static bool is_group(struct lac_str t, size_t from, size_t to)
{
    return (from > 1 && lac_match_is_in(lac_match_before(t, from), " -.") &&
            lac_match_is_digit(lac_match_before(t, from - 1))) ||
           (lac_match_is_in(lac_match_byte(t, to), " -.") &&
            lac_match_is_digit(lac_match_byte(t, to + 1)));
}

/* The line end at `nl`, if it parts a number in a sentence. `word`: where the word ends. */
static void number_seam(struct lac_match_scratch *s, size_t nl, size_t word)
{
    struct lac_str t = s->plain;
    size_t from = glue_start(t, nl), left = from, to, right, first, last, line;
    uint8_t joins = LAC_MATCH_JOIN_NUMBER;
    bool sentence, column;
    unsigned char kind;

    to = from + lac_match_glue(t, from);
    if (to <= nl)
        return;
    left -= lac_match_is_in(lac_match_before(t, left), " -.");
    right = to + lac_match_is_in(lac_match_byte(t, to), " -.");
    first = lac_match_run_start(t, left, BEFORE_MAX, lac_match_is_alnum);
    last = lac_match_run_end(t, right, BEFORE_MAX, lac_match_is_alnum);
    if (first == left || last == right || !is_part(t, first, left, right, last))
        return;
    if (is_cell(t, first, last))
        return;
    line = line_start(t, first);
    sentence = is_in_sentence(t, first);
    column = goes_on_as_column(t, last);
    if (!sentence && (column || (line > 0 && is_numbered(t, line_start(t, line - 1)))))
        return;
    if (first >= word && first - word <= BESIDE_MAX && sentence && !column && !is_numbered(t, line))
        joins |= LAC_MATCH_JOIN_BESIDE;
    if (!(joins & LAC_MATCH_JOIN_BESIDE) && left == from && right == to &&
        left - first + (last - right) < BARE_LEAST && !is_group(t, first, last))
        return; /* nothing would tell it from two numbers */
    put_seam(s, (struct lac_match_seam){(uint32_t)from, (uint32_t)to, joins, 0,
                                        left == from && right == to &&
                                            lac_match_break(t, from, &kind) != to - from});
}

static void number_seams(struct lac_match_scratch *s, size_t from, size_t to, size_t word)
{
    struct lac_str t = s->plain;

    to = to < t.len ? to : t.len;
    while (from < to) {
        const char *nl = memchr(t.ptr + from, '\n', to - from);

        if (!nl)
            break;
        from = (size_t)(nl - t.ptr);
        if (is_near_digit(t, from))
            number_seam(s, from, word);
        from++;
    }
}

void lac_match_seams_behind(struct lac_match_scratch *s, const struct lac_match_unit *u,
                            size_t start, size_t at)
{
    bool pattern = !(u->flags & LAC_MATCH_UNIT_DETECTOR);

    if (s->m->live[u->rule].joins == LAC_MATCH_JOIN_NUMBER) {
        number_seams(s, at, at + BEHIND_MAX, at);
        return;
    }
    /* A detector's trigger may be a name that the token is assigned to. */
    if (!pattern && lac_match_glue(s->plain, at) == 0)
        at = lac_match_skip(s->plain, at, " =:\"'", LEAD_MAX);
    token_seams(s, pattern ? u : NULL, start, at);
}

/* Whether it is worth to look for the word at [start, end) of the text in the plain view: that
 * takes time where the view is not the text. */
static bool may_part_number(struct lac_str t, size_t start, size_t end)
{
    size_t from = start > BEFORE_MAX ? start - BEFORE_MAX : 0;
    size_t to = t.len - end > BEHIND_MAX ? end + BEHIND_MAX : t.len;

    while (from < to) {
        const char *nl = memchr(t.ptr + from, '\n', to - from);

        if (!nl)
            return false;
        from = (size_t)(nl - t.ptr) + 1;
        if (is_near_digit(t, from - 1))
            return true;
    }
    return false;
}

void lac_match_seams_around_words(struct lac_match_scratch *s)
{
    size_t done = 0; /* what stands before a word is searched once */

    for (size_t i = 0; i < s->place_count; i++) {
        const struct lac_match_place *p = &s->places[i];
        size_t start, end, from;

        if (!(s->m->number_words[p->word / 64] >> (p->word % 64) & 1))
            continue;
        if (!s->ascii && !may_part_number(s->text, p->start, p->end))
            continue;
        start = lac_match_plain_find(s, p->start);
        from = start > BEFORE_MAX ? start - BEFORE_MAX : 0;
        from = done < from ? from : done < start ? done : start;
        end = lac_match_plain_find(s, p->end);
        done = end + BEHIND_MAX;
        number_seams(s, from, end + BEHIND_MAX, end);
    }
}

static int seam_cmp(const void *a, const void *b)
{
    const struct lac_match_seam *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

size_t lac_match_seams_sort(struct lac_match_seam *seams, size_t count)
{
    size_t kept = 0;

    qsort(seams, count, sizeof(*seams), seam_cmp);
    for (size_t i = 0; i < count; i++) {
        struct lac_match_seam *last = kept > 0 ? &seams[kept - 1] : NULL;

        if (!last || seams[i].from >= last->to)
            seams[kept++] = seams[i];
        else
            last->joins |= seams[i].joins;
    }
    return kept;
}

/* ---- the text without them ---- */

/* Whether pass `pass` joins at the seam. */
static bool is_joined(const struct lac_match_seam *s, unsigned pass)
{
    return s->joins & LAC_MATCH_JOIN_NUMBER || s->line <= pass;
}

unsigned lac_match_join_passes(const struct lac_match_seam *seams, size_t count)
{
    unsigned passes = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned n = (unsigned)seams[i].line + 1 + (seams[i].parts && seams[i].line == 0);

        passes = n > passes ? n : passes;
    }
    return passes;
}

bool lac_match_join(struct lac_str text, const struct lac_match_seam *seams, size_t count,
                    size_t *next, unsigned pass, struct lac_match_decoded *out,
                    struct lac_match_cuts *cuts)
{
    const size_t near = LAC_MATCH_DECODE_OVERLAP;
    size_t i = *next, at;

    while (i < count && !is_joined(&seams[i], pass))
        i++;
    if (i == count)
        return false;
    out->len = cuts->count = 0;
    out->tail = 0;
    at = lac_match_stretch_begin(text, 0, seams[i].from);
    for (; i < count && seams[i].from - at <= 2 * near; i++) {
        if (!is_joined(&seams[i], pass))
            continue;
        if (out->len + (seams[i].from - at) + 1 + 3 * near > LAC_MATCH_DECODE_BYTES)
            break; /* the next stretch begins around this one */
        at = lac_match_put_plain(out, text, at, seams[i].from);
        cuts->list[cuts->count].at = (uint32_t)out->len;
        cuts->list[cuts->count++].joins = seams[i].joins;
        if (seams[i].parts && pass == 1) {
            out->map[out->len] = (uint32_t)at;
            out->text[out->len++] = ' ';
        }
        at = seams[i].to;
    }
    at = lac_match_put_plain(out, text, at, lac_match_stretch_end(text, at));
    out->map[out->len] = (uint32_t)at;
    *next = i;
    return true;
}

unsigned lac_match_joins_in(const struct lac_match_cuts *cuts, size_t start, size_t end)
{
    unsigned joins = 0;

    for (size_t i = 0; i < cuts->count; i++)
        if (cuts->list[i].at > start && cuts->list[i].at < end)
            joins |= cuts->list[i].joins;
    return joins;
}
