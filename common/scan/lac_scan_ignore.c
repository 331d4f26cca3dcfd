/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern becomes a row of tokens, and a path is run through it with the set of all places in the
 * row that are possible so far, as bits: no pattern can make that go back and try again.
 */
#include "lac_scan_ignore.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lac_utf8.h"

enum token_kind {
    TOKEN_BYTE,
    TOKEN_ANY,     /* one that is no slash */
    TOKEN_CLASS,   /* one of a set */
    TOKEN_STAR,    /* any number that are no slash */
    TOKEN_FOLDERS, /* nothing, or any number of "name/" */
    TOKEN_REST,    /* one or more of anything */
};

struct token {
    unsigned char kind, byte;
    uint16_t set; /* of TOKEN_CLASS: its index in the pattern's sets */
};

struct byte_set {
    uint64_t bits[4];
};

/* Most patterns are names and endings, and those are compared without the machine. */
enum shape { SHAPE_NAME, SHAPE_ENDING, SHAPE_GENERAL };

struct pattern {
    char *memory; /* owned: folder, literal */
    size_t folder_len, literal_len;
    enum shape shape;
    bool negated, folders_only;
    struct token *tokens; /* owned; NULL unless general */
    size_t count;
    struct byte_set *sets; /* owned */
};

enum { TOKENS_MAX = LAC_SCAN_IGNORE_BYTES + 8, WORDS = (TOKENS_MAX + 1 + 63) / 64, SETS_MAX = 64 };

struct lac_scan_ignore {
    struct pattern *patterns;
    size_t count, capacity;
};

struct lac_scan_ignore *lac_scan_ignore_new(void)
{
    return calloc(1, sizeof(struct lac_scan_ignore));
}

void lac_scan_ignore_free(struct lac_scan_ignore *g)
{
    if (!g)
        return;
    lac_scan_ignore_forget(g, 0);
    free(g->patterns);
    free(g);
}

size_t lac_scan_ignore_mark(const struct lac_scan_ignore *g)
{
    return g->count;
}

void lac_scan_ignore_forget(struct lac_scan_ignore *g, size_t mark)
{
    while (g->count > mark) {
        struct pattern *p = &g->patterns[--g->count];

        free(p->memory);
        free(p->tokens);
        free(p->sets);
    }
}

/* ---- Compiling ---- */

struct compiler {
    struct lac_str text;
    size_t at;
    struct token tokens[TOKENS_MAX];
    size_t count;
    struct byte_set sets[SETS_MAX];
    size_t set_count;
    bool bad;
};

static void put(struct compiler *c, enum token_kind kind, unsigned char byte, size_t set)
{
    if (c->count == TOKENS_MAX) {
        c->bad = true;
        return;
    }
    c->tokens[c->count++] =
        (struct token){.kind = (unsigned char)kind, .byte = byte, .set = (uint16_t)set};
}

static void set_range(struct byte_set *s, unsigned char from, unsigned char to)
{
    for (unsigned b = from; b <= to; b++)
        s->bits[b / 64] |= (uint64_t)1 << (b % 64);
}

/* "[:digit:]" at the cursor. False: it is none. */
static bool named_class(struct compiler *c, struct byte_set *s)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {
        {"[:alnum:]", isalnum}, {"[:alpha:]", isalpha}, {"[:blank:]", isblank},
        {"[:cntrl:]", iscntrl}, {"[:digit:]", isdigit}, {"[:graph:]", isgraph},
        {"[:lower:]", islower}, {"[:print:]", isprint}, {"[:punct:]", ispunct},
        {"[:space:]", isspace}, {"[:upper:]", isupper}, {"[:xdigit:]", isxdigit},
    };

    for (size_t i = 0; i < LAC_COUNT(classes); i++) {
        size_t n = strlen(classes[i].name);

        if (c->text.len - c->at < n || memcmp(c->text.ptr + c->at, classes[i].name, n) != 0)
            continue;
        for (int b = 1; b < 128; b++)
            if (classes[i].is(b))
                set_range(s, (unsigned char)b, (unsigned char)b);
        c->at += n;
        return true;
    }
    return false;
}

/* One character of a class, after a backslash literally. */
static unsigned char class_byte(struct compiler *c)
{
    if (c->text.ptr[c->at] == '\\' && c->at + 1 < c->text.len)
        c->at++;
    return (unsigned char)c->text.ptr[c->at++];
}

/* The cursor stands behind '['. */
static void put_class(struct compiler *c)
{
    struct byte_set s = {0};
    bool invert = false, first = true;

    if (c->set_count == SETS_MAX) {
        c->bad = true;
        return;
    }
    if (c->at < c->text.len && (c->text.ptr[c->at] == '!' || c->text.ptr[c->at] == '^')) {
        invert = true;
        c->at++;
    }
    for (; c->at < c->text.len && (first || c->text.ptr[c->at] != ']'); first = false) {
        unsigned char from, to;

        if (c->text.ptr[c->at] == '[' && named_class(c, &s))
            continue;
        from = to = class_byte(c);
        if (c->at + 1 < c->text.len && c->text.ptr[c->at] == '-' && c->text.ptr[c->at + 1] != ']') {
            c->at++;
            to = class_byte(c);
        }
        set_range(&s, from, from <= to ? to : from); /* of "c-a", git takes the 'c' */
    }
    if (c->at >= c->text.len) { /* never closed */
        c->bad = true;
        return;
    }
    c->at++;
    for (size_t i = 0; invert && i < LAC_COUNT(s.bits); i++)
        s.bits[i] = ~s.bits[i];
    s.bits['/' / 64] &= ~((uint64_t)1 << ('/' % 64));
    put(c, TOKEN_CLASS, 0, c->set_count);
    c->sets[c->set_count++] = s;
}

/* Stars at the cursor. Two between slashes (or an end) stand for folders. */
static void put_stars(struct compiler *c)
{
    size_t from = c->at;
    bool begins = from == 0 || c->text.ptr[from - 1] == '/';

    while (c->at < c->text.len && c->text.ptr[c->at] == '*')
        c->at++;
    if (c->at - from != 2 || !begins || (c->at < c->text.len && c->text.ptr[c->at] != '/')) {
        put(c, TOKEN_STAR, 0, 0);
        return;
    }
    if (c->at == c->text.len) {
        put(c, TOKEN_REST, 0, 0);
        return;
    }
    c->at++;
    put(c, TOKEN_FOLDERS, 0, 0);
}

static void compile(struct compiler *c, struct lac_str text, bool anchored)
{
    *c = (struct compiler){.text = text};
    if (!anchored)
        put(c, TOKEN_FOLDERS, 0, 0);
    while (c->at < text.len && !c->bad) {
        unsigned char b = (unsigned char)text.ptr[c->at];

        if (b == '*') {
            put_stars(c);
            continue;
        }
        c->at++;
        if (b == '[') {
            put_class(c);
        } else if (b == '?') {
            put(c, TOKEN_ANY, 0, 0);
        } else if (b == '\\') {
            c->bad = c->at == text.len;
            if (!c->bad)
                put(c, TOKEN_BYTE, (unsigned char)text.ptr[c->at++], 0);
        } else {
            put(c, TOKEN_BYTE, b, 0);
        }
    }
}

/* Whether tokens [from, count) are plain bytes without a slash. */
static bool is_literal(const struct compiler *c, size_t from)
{
    for (size_t i = from; i < c->count; i++)
        if (c->tokens[i].kind != TOKEN_BYTE || c->tokens[i].byte == '/')
            return false;
    return from < c->count;
}

static bool keep(struct pattern *p, const struct compiler *c, struct lac_str folder)
{
    size_t literal = 0;

    p->shape = SHAPE_GENERAL;
    if (c->count > 1 && c->tokens[0].kind == TOKEN_FOLDERS && is_literal(c, 1)) {
        p->shape = SHAPE_NAME;
        literal = 1;
    } else if (c->count > 2 && c->tokens[0].kind == TOKEN_FOLDERS &&
               c->tokens[1].kind == TOKEN_STAR && is_literal(c, 2)) {
        p->shape = SHAPE_ENDING;
        literal = 2;
    }
    p->folder_len = folder.len;
    p->literal_len = literal ? c->count - literal : 0;
    p->memory = malloc(p->folder_len + p->literal_len + 1);
    if (!p->memory)
        return false;
    if (folder.len)
        memcpy(p->memory, folder.ptr, folder.len);
    for (size_t i = 0; i < p->literal_len; i++)
        p->memory[p->folder_len + i] = (char)c->tokens[literal + i].byte;
    if (literal)
        return true;
    p->count = c->count;
    p->tokens = malloc((c->count + 1) * sizeof(*p->tokens));
    p->sets = malloc((c->set_count + 1) * sizeof(*p->sets));
    if (!p->tokens || !p->sets)
        return false;
    memcpy(p->tokens, c->tokens, c->count * sizeof(*p->tokens));
    memcpy(p->sets, c->sets, c->set_count * sizeof(*p->sets));
    return true;
}

/* Blanks at the end do not count unless a backslash keeps them. */
static struct lac_str trim(struct lac_str line)
{
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    while (line.len && line.ptr[line.len - 1] == ' ' &&
           !(line.len > 1 && line.ptr[line.len - 2] == '\\'))
        line.len--;
    return line;
}

static enum lac_status add_line(struct lac_scan_ignore *g, struct lac_str folder,
                                struct lac_str line, struct compiler *c, struct lac_err *err)
{
    struct pattern p = {0};
    bool anchored;

    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#' || line.len > LAC_SCAN_IGNORE_BYTES)
        return LAC_OK;
    if (line.ptr[0] == '!') {
        p.negated = true;
        line = lac_str_slice(line, 1, line.len);
    }
    if (line.len && line.ptr[line.len - 1] == '/') {
        p.folders_only = true;
        line.len--;
    }
    if (line.len == 0)
        return LAC_OK;
    anchored = memchr(line.ptr, '/', line.len) != NULL;
    if (line.ptr[0] == '/')
        line = lac_str_slice(line, 1, line.len);
    compile(c, line, anchored);
    if (c->bad || c->count == 0)
        return LAC_OK;
    if (g->count == LAC_SCAN_IGNORE_PATTERNS_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d patterns of what to ignore",
                           LAC_SCAN_IGNORE_PATTERNS_MAX);
    if (g->count == g->capacity) {
        size_t more = g->capacity ? 2 * g->capacity : 32;
        struct pattern *grown = realloc(g->patterns, more * sizeof(*grown));

        if (!grown)
            return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for patterns");
        g->patterns = grown;
        g->capacity = more;
    }
    if (!keep(&p, c, folder)) {
        free(p.memory);
        free(p.tokens);
        free(p.sets);
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for patterns");
    }
    g->patterns[g->count++] = p;
    return LAC_OK;
}

enum lac_status lac_scan_ignore_add(struct lac_scan_ignore *g, struct lac_str folder,
                                    struct lac_str content, struct lac_err *err)
{
    struct compiler *c = malloc(sizeof(*c));
    enum lac_status status = LAC_OK;
    size_t at = lac_utf8_mark(content);

    if (!c)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for patterns");
    while (at < content.len && status == LAC_OK) {
        const char *end = memchr(content.ptr + at, '\n', content.len - at);
        size_t stop = end ? (size_t)(end - content.ptr) : content.len;

        status = add_line(g, folder, lac_str_slice(content, at, stop), c, err);
        at = stop + 1;
    }
    free(c);
    return status;
}

/* ---- Matching ---- */

struct states {
    uint64_t bits[WORDS];
};

/* The place `i`, and those behind it that need nothing. */
static void enter(const struct pattern *p, struct states *s, size_t i)
{
    s->bits[i / 64] |= (uint64_t)1 << (i % 64);
    while (i < p->count &&
           (p->tokens[i].kind == TOKEN_STAR || p->tokens[i].kind == TOKEN_FOLDERS)) {
        i++;
        s->bits[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static void step(const struct pattern *p, size_t i, unsigned char b, struct states *next)
{
    const struct token *t = &p->tokens[i];

    switch ((enum token_kind)t->kind) {
    case TOKEN_BYTE:
        if (b == t->byte)
            enter(p, next, i + 1);
        return;
    case TOKEN_ANY:
        if (b != '/')
            enter(p, next, i + 1);
        return;
    case TOKEN_CLASS:
        if (p->sets[t->set].bits[b / 64] >> (b % 64) & 1)
            enter(p, next, i + 1);
        return;
    case TOKEN_STAR:
        if (b != '/')
            enter(p, next, i);
        return;
    case TOKEN_FOLDERS:
        if (b == '/') /* a whole name has passed: what follows may begin */
            enter(p, next, i);
        else
            next->bits[i / 64] |= (uint64_t)1 << (i % 64);
        return;
    case TOKEN_REST:
        next->bits[i / 64] |= (uint64_t)1 << (i % 64);
        enter(p, next, i + 1);
        return;
    }
}

static bool run(const struct pattern *p, struct lac_str path)
{
    const size_t words = p->count / 64 + 1;
    struct states now = {0};

    enter(p, &now, 0);
    for (size_t k = 0; k < path.len; k++) {
        struct states next = {0};
        uint64_t any = 0;

        for (size_t w = 0; w < words; w++)
            for (uint64_t left = now.bits[w]; left; left &= left - 1) {
                size_t i = w * 64 + (size_t)__builtin_ctzll(left);

                if (i < p->count)
                    step(p, i, (unsigned char)path.ptr[k], &next);
            }
        for (size_t w = 0; w < words; w++)
            any |= next.bits[w];
        if (!any)
            return false;
        memcpy(now.bits, next.bits, words * sizeof(*now.bits));
    }
    return now.bits[p->count / 64] >> (p->count % 64) & 1;
}

static bool fits(const struct pattern *p, struct lac_str path, struct lac_str name)
{
    const char *literal = p->memory + p->folder_len;

    if (p->folder_len > 0) {
        if (path.len <= p->folder_len || path.ptr[p->folder_len] != '/' ||
            memcmp(path.ptr, p->memory, p->folder_len) != 0)
            return false;
        path = lac_str_slice(path, p->folder_len + 1, path.len);
    }
    if (p->shape == SHAPE_NAME)
        return lac_str_eq(name, (struct lac_str){literal, p->literal_len});
    if (p->shape == SHAPE_ENDING)
        return name.len >= p->literal_len &&
               memcmp(name.ptr + name.len - p->literal_len, literal, p->literal_len) == 0;
    return run(p, path);
}

bool lac_scan_ignored(const struct lac_scan_ignore *g, struct lac_str path, bool is_folder)
{
    const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    struct lac_str name =
        slash ? lac_str_slice(path, (size_t)(slash - path.ptr) + 1, path.len) : path;

    for (size_t i = g->count; i-- > 0;) {
        const struct pattern *p = &g->patterns[i];

        if ((is_folder || !p->folders_only) && fits(p, path, name))
            return !p->negated;
    }
    return false;
}

bool lac_scan_ignored_file(const struct lac_scan_ignore *g, struct lac_str path)
{
    for (size_t i = 1; i < path.len; i++)
        if (path.ptr[i] == '/' && lac_scan_ignored(g, lac_str_slice(path, 0, i), true))
            return true;
    return lac_scan_ignored(g, path, false);
}
