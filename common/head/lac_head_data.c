/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_json.h"
#include "lac_utf8.h"

enum { EVENT_HEX = 32, DOMAIN_BYTES = 64 };

/* A file that lines came from. */
struct source {
    struct source *next;
    char name[];
};

struct row {
    char *id, *text, *domain; /* owned; text NULL: waits for its request */
    size_t text_len;
    enum lac_tier tier;
    int64_t at; /* of feedback */
    bool is_feedback;
    size_t order;     /* of the lines */
    const char *file; /* borrowed from a source */
    unsigned long line;
};

struct lac_head_data {
    struct row *rows;
    size_t count, capacity;
    struct source *sources;      /* owned */
    struct lac_head_text *texts; /* after finish */
    size_t text_count, waiting, doubles, feedback;
    struct row **events;                /* feedback by id, from the first join on */
    char *domains[LAC_HEAD_DOMAIN_MAX]; /* borrowed from rows */
    uint32_t domain_count;
    unsigned char hash[LAC_HEAD_HASH_SIZE];
};

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, ENOMEM, "train: no memory");
}

enum lac_status lac_head_data_new(struct lac_head_data **out, struct lac_err *err)
{
    *out = calloc(1, sizeof(**out));
    return *out ? LAC_OK : no_memory(err);
}

static void free_row(struct row *r)
{
    free(r->id);
    free(r->text);
    free(r->domain);
    *r = (struct row){.order = 0};
}

void lac_head_data_free(struct lac_head_data *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        free_row(&d->rows[i]);
    for (struct source *s = d->sources, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    free(d->rows);
    free(d->events);
    free(d->texts);
    free(d);
}

/* ---- lines ---- */

static enum lac_status add_row(struct lac_head_data *d, struct row *r, struct lac_err *err)
{
    if (!r->id || !r->domain || (!r->text && !r->is_feedback))
        return no_memory(err);
    if (d->count == LAC_HEAD_DATA_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d labelled texts", LAC_HEAD_DATA_MAX);
    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 1024;
        struct row *grown = realloc(d->rows, capacity * sizeof(*grown));

        if (!grown)
            return no_memory(err);
        d->rows = grown;
        d->capacity = capacity;
    }
    r->order = d->count;
    d->feedback += r->is_feedback;
    d->rows[d->count++] = *r;
    *r = (struct row){.order = 0};
    return LAC_OK;
}

static enum lac_status read_tier(const struct lac_json *v, enum lac_tier *out, struct lac_err *err)
{
    const struct lac_json *tier = lac_json_get(v, "tier");

    if (lac_json_kind(tier) != LAC_JSON_STRING || !lac_tier_parse(lac_json_string(tier), out))
        return lac_err_set(err, LAC_REJECT, 0, "\"tier\" is PUBLIC, INTERNAL or PROPRIETARY");
    return LAC_OK;
}

static bool is_event_id(struct lac_str s)
{
    unsigned char bytes[EVENT_HEX / 2];

    return s.ptr && lac_hex_decode(bytes, sizeof(bytes), s);
}

static enum lac_status read_feedback(const struct lac_json *v, struct row *r, struct lac_err *err)
{
    struct lac_str id = lac_json_string(lac_json_get(v, "event_id"));

    if (!is_event_id(id))
        return lac_err_set(err, LAC_REJECT, 0, "\"event_id\" is 32 hex digits");
    r->is_feedback = true;
    r->at = lac_json_int(lac_json_get(v, "at"));
    r->id = lac_str_dup(id);
    r->domain = lac_str_dup(LAC_STR("feedback"));
    for (char *c = r->id; c && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'F' ? *c | 0x20 : *c);
    return read_tier(v, &r->tier, err);
}

static enum lac_status read_text(const struct lac_json *v, struct lac_str domain, struct row *r,
                                 struct lac_err *err)
{
    struct lac_str id = lac_json_string(lac_json_get(v, "id"));
    struct lac_str text = lac_json_string(lac_json_get(v, "text"));
    struct lac_str own = lac_json_string(lac_json_get(v, "domain"));

    if (!id.ptr || id.len == 0 || id.len > LAC_HEAD_ID_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "\"id\" is a text of 1 to %d bytes",
                           LAC_HEAD_ID_MAX);
    if (!text.ptr || text.len == 0 || text.len > LAC_HEAD_TEXT_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "\"text\" is a text of 1 to %d bytes",
                           LAC_HEAD_TEXT_MAX);
    domain = own.ptr ? own : domain;
    if (domain.len == 0 || domain.len > DOMAIN_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "\"domain\" is a text of 1 to %d bytes",
                           DOMAIN_BYTES);
    r->id = lac_str_dup(id);
    r->text = lac_str_dup(text);
    r->text_len = text.len;
    r->domain = lac_str_dup(domain);
    return read_tier(v, &r->tier, err);
}

static const char *add_source(struct lac_head_data *d, const char *name)
{
    size_t size = strlen(name) + 1;
    struct source *s = malloc(sizeof(*s) + size);

    if (!s)
        return NULL;
    memcpy(s->name, name, size);
    s->next = d->sources;
    d->sources = s;
    return s->name;
}

/* `at`: where the line stands. */
static enum lac_status add_line(struct lac_head_data *d, struct lac_str domain, struct lac_str line,
                                const struct row *at, struct lac_err *err)
{
    struct lac_json *doc = NULL;
    struct row r = *at;
    enum lac_status status = lac_json_parse(&doc, line, err);
    const struct lac_json *v = lac_json_get(doc, "value");

    v = lac_json_kind(v) == LAC_JSON_OBJECT ? v : doc;
    if (status == LAC_OK && lac_json_kind(doc) != LAC_JSON_OBJECT)
        status = lac_err_set(err, LAC_REJECT, 0, "a line is a JSON object");
    if (status == LAC_OK)
        status = lac_json_get(v, "event_id") && !lac_json_get(v, "text")
                     ? read_feedback(v, &r, err)
                     : read_text(v, domain, &r, err);
    if (status == LAC_OK)
        status = add_row(d, &r, err);
    free_row(&r);
    lac_json_free(doc);
    return status;
}

enum lac_status lac_head_data_add(struct lac_head_data *d, const char *file, struct lac_str domain,
                                  struct lac_str lines, struct lac_err *err)
{
    struct row at = {.file = add_source(d, file)};

    if (!at.file)
        return no_memory(err);
    lines = lac_str_slice(lines, lac_utf8_mark(lines), lines.len);
    while (lines.len > 0) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.ptr) : lines.len;
        struct lac_str line = {lines.ptr, len};
        struct lac_err inner = {.text = ""};
        enum lac_status status = LAC_OK;

        at.line++;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len > 8 * (size_t)LAC_HEAD_TEXT_MAX)
            status = lac_err_set(&inner, LAC_REJECT, 0, "the line is too long");
        else if (line.len > 0)
            status = add_line(d, domain, line, &at, &inner);
        if (status != LAC_OK)
            return lac_err_set(err, status, inner.code, "%s:%lu: %s", file, at.line, inner.text);
        len += end != NULL;
        lines.ptr += len;
        lines.len -= len;
    }
    return LAC_OK;
}

/* ---- feedback ---- */

size_t lac_head_data_lines(const struct lac_head_data *d)
{
    return d->count;
}

size_t lac_head_data_feedback(const struct lac_head_data *d)
{
    return d->feedback;
}

static int by_event(const void *a, const void *b)
{
    return strcmp((*(struct row *const *)a)->id, (*(struct row *const *)b)->id);
}

/* Feedback sorted by event; rows don't move until finish. */
static enum lac_status index_events(struct lac_head_data *d, struct lac_err *err)
{
    size_t n = 0;

    if (d->events)
        return LAC_OK;
    d->events = calloc(d->feedback + 1, sizeof(struct row *));
    if (!d->events)
        return no_memory(err);
    for (size_t i = 0; i < d->count; i++)
        if (d->rows[i].is_feedback)
            d->events[n++] = &d->rows[i];
    qsort(d->events, n, sizeof(struct row *), by_event);
    return LAC_OK;
}

/* The first opinion about an event, or where it would be. */
static size_t first_about(const struct lac_head_data *d, const char *id)
{
    size_t low = 0, high = d->feedback;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(d->events[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum lac_status lac_head_data_join(struct lac_head_data *d, struct lac_str event_id,
                                   struct lac_str text, struct lac_err *err)
{
    char id[EVENT_HEX + 1];

    if (index_events(d, err) != LAC_OK)
        return LAC_RETRY;
    if (event_id.len != EVENT_HEX || text.len == 0 || text.len > LAC_HEAD_TEXT_MAX ||
        !lac_utf8_valid(text))
        return LAC_OK; /* feedback about it stays without a text, which is counted */
    memcpy(id, event_id.ptr, EVENT_HEX);
    id[EVENT_HEX] = '\0';
    for (size_t i = first_about(d, id); i < d->feedback; i++) {
        struct row *r = d->events[i];

        if (strcmp(r->id, id) != 0)
            break;
        if (r->text)
            continue;
        r->text = lac_str_dup(text);
        r->text_len = text.len;
        if (!r->text)
            return no_memory(err);
    }
    return LAC_OK;
}

/* ---- order ---- */

static int by_id(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int c = strcmp(x->id, y->id);

    if (c == 0 && x->is_feedback != y->is_feedback)
        return x->is_feedback ? -1 : 1;
    if (c == 0 && x->at != y->at) /* feedback: the latest first */
        return x->at > y->at ? -1 : 1;
    if (c == 0 && x->is_feedback)
        return x->order > y->order ? -1 : 1;
    return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

static int by_text(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
    int c = strcmp(x->text, y->text);

    return c != 0 ? c : strcmp(x->id, y->id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is about the same id as `first`, which counts: it may lend its text. REJECT: two texts. */
static enum lac_status yield_to(struct row *first, struct row *r, struct lac_err *err)
{
    if (!first->is_feedback)
        return lac_err_set(err, LAC_REJECT, 0,
                           "%s:%lu: the id %s is that of another text, at %s:%lu", r->file, r->line,
                           r->id, first->file, first->line);
    if (!first->text) {
        first->text = r->text;
        first->text_len = r->text_len;
        r->text = NULL;
    }
    if (!r->is_feedback) { /* the next text is one too many */
        char *domain = first->domain;

        first->domain = r->domain;
        r->domain = domain;
        first->is_feedback = false;
    }
    free_row(r);
    return LAC_OK;
}

/* One row for each id, and none for what waits. */
static enum lac_status drop(struct lac_head_data *d, struct lac_err *err)
{
    size_t rows = 0, kept = 0;

    for (size_t i = 0; i < d->count; i++) {
        struct row *r = &d->rows[i];

        if (rows > 0 && strcmp(d->rows[rows - 1].id, r->id) == 0) {
            if (yield_to(&d->rows[rows - 1], r, err) != LAC_OK)
                return LAC_REJECT;
            continue;
        }
        if (rows != i) {
            d->rows[rows] = *r;
            *r = (struct row){.order = 0};
        }
        rows++;
    }
    for (size_t i = 0; i < rows; i++) {
        if (!d->rows[i].text) {
            d->waiting++;
            free_row(&d->rows[i]);
            continue;
        }
        if (kept != i) {
            d->rows[kept] = d->rows[i];
            d->rows[i] = (struct row){.order = 0};
        }
        kept++;
    }
    d->count = kept;
    return LAC_OK;
}

/* One text with two tiers: told of the later line. */
static enum lac_status contradict(const struct row *a, const struct row *b, struct lac_err *err)
{
    const struct row *first = a->order < b->order ? a : b, *second = first == a ? b : a;

    return lac_err_set(err, LAC_REJECT, 0,
                       "%s:%lu: the text of %s is %s here and %s at %s:%lu (%s): one tier is right",
                       second->file, second->line, second->id, lac_tier_name(second->tier),
                       lac_tier_name(first->tier), first->file, first->line, first->id);
}

/* Marks the second of two equal texts by taking its text away. */
static enum lac_status mark_doubles(struct lac_head_data *d, struct lac_err *err)
{
    struct row **sorted = calloc(d->count + 1, sizeof(struct row *));
    enum lac_status status = sorted ? LAC_OK : no_memory(err);
    size_t first = 0;

    for (size_t i = 0; i < d->count && sorted; i++)
        sorted[i] = &d->rows[i];
    if (sorted)
        qsort(sorted, d->count, sizeof(struct row *), by_text);
    for (size_t i = 1; i < d->count && status == LAC_OK; i++) {
        if (strcmp(sorted[first]->text, sorted[i]->text) != 0) {
            first = i;
        } else if (sorted[first]->tier != sorted[i]->tier) {
            status = contradict(sorted[first], sorted[i], err);
        } else {
            free(sorted[i]->text);
            sorted[i]->text = NULL;
            sorted[i] = sorted[first];
            d->doubles++;
        }
    }
    free(sorted);
    return status;
}

static enum lac_status name_domains(struct lac_head_data *d, struct lac_err *err)
{
    char *last = NULL;
    char **all = calloc(d->count + 1, sizeof(char *));

    if (!all)
        return no_memory(err);
    for (size_t i = 0; i < d->count; i++)
        all[i] = d->rows[i].domain;
    qsort(all, d->count, sizeof(char *), by_name);
    for (size_t i = 0; i < d->count; i++) {
        if (last && strcmp(last, all[i]) == 0)
            continue;
        if (d->domain_count == LAC_HEAD_DOMAIN_MAX) {
            free(all);
            return lac_err_set(err, LAC_REJECT, 0, "more than %d domains", LAC_HEAD_DOMAIN_MAX);
        }
        last = d->domains[d->domain_count++] = all[i];
    }
    free(all);
    return LAC_OK;
}

static uint16_t domain_of(const struct lac_head_data *d, const char *name)
{
    uint16_t i = 0;

    while (strcmp(d->domains[i], name) != 0)
        i++;
    return i;
}

static void hash_part(struct lac_sha256_ctx *ctx, struct lac_str s)
{
    const unsigned char size[4] = {(unsigned char)(s.len >> 24), (unsigned char)(s.len >> 16),
                                   (unsigned char)(s.len >> 8), (unsigned char)s.len};

    lac_sha256_update(ctx, size, sizeof(size));
    lac_sha256_update(ctx, s.ptr, s.len);
}

static enum lac_status make_hash(struct lac_head_data *d, struct lac_err *err)
{
    struct lac_sha256_ctx *ctx;
    enum lac_status status = lac_sha256_new(&ctx, err);

    if (status != LAC_OK)
        return status;
    lac_sha256_init(ctx);
    for (size_t i = 0; i < d->text_count; i++) {
        const struct lac_head_text *t = &d->texts[i];

        hash_part(ctx, t->id);
        hash_part(ctx, lac_str_from(lac_tier_name(t->tier)));
        hash_part(ctx, lac_str_from(d->domains[t->domain]));
        hash_part(ctx, t->text);
    }
    lac_sha256_final(ctx, d->hash);
    lac_sha256_free(ctx);
    return LAC_OK;
}

enum lac_status lac_head_data_finish(struct lac_head_data *d, struct lac_err *err)
{
    enum lac_status status;

    if (d->count > 0)
        qsort(d->rows, d->count, sizeof(*d->rows), by_id);
    status = drop(d, err);
    if (status == LAC_OK)
        status = mark_doubles(d, err);
    if (status == LAC_OK)
        status = name_domains(d, err);
    if (status != LAC_OK)
        return status;
    d->texts = calloc(d->count + 1, sizeof(*d->texts));
    if (!d->texts)
        return no_memory(err);
    for (size_t i = 0; i < d->count; i++) {
        const struct row *r = &d->rows[i];

        if (r->text)
            d->texts[d->text_count++] = (struct lac_head_text){
                lac_str_from(r->id), {r->text, r->text_len}, r->tier, domain_of(d, r->domain)};
    }
    return make_hash(d, err);
}

size_t lac_head_data_count(const struct lac_head_data *d)
{
    return d->text_count;
}

const struct lac_head_text *lac_head_data_at(const struct lac_head_data *d, size_t index)
{
    return &d->texts[index];
}

uint32_t lac_head_data_domains(const struct lac_head_data *d)
{
    return d->domain_count;
}

struct lac_str lac_head_data_domain(const struct lac_head_data *d, uint32_t index)
{
    return lac_str_from(d->domains[index]);
}

size_t lac_head_data_waiting(const struct lac_head_data *d)
{
    return d->waiting;
}

size_t lac_head_data_doubles(const struct lac_head_data *d)
{
    return d->doubles;
}

const unsigned char *lac_head_data_hash(const struct lac_head_data *d)
{
    return d->hash;
}
