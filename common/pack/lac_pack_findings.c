/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_pack_internal.h"

static void add(struct lac_pack *p, struct lac_pack_finding finding)
{
    struct lac_pack_findings *f = p->findings;

    if (f->count == LAC_PACK_FINDING_MAX) {
        f->dropped++;
        return;
    }
    if (f->count == f->capacity) {
        size_t capacity = f->capacity ? f->capacity * 2 : 64;
        struct lac_pack_finding *at = realloc(f->at, capacity * sizeof(*at));

        if (!at) {
            f->no_memory = true;
            return;
        }
        f->at = at;
        f->capacity = capacity;
    }
    finding.text = lac_pack_pool_copy(&p->pool, finding.text);
    if (finding.file.ptr)
        finding.file = lac_pack_pool_copy(&p->pool, finding.file);
    if (!finding.text.ptr || (finding.file.len > 0 && !finding.file.ptr))
        f->no_memory = true;
    else
        f->at[f->count++] = finding;
}

void lac_pack_say(struct lac_pack *p, const struct lac_pack_remark *r, const char *fmt, ...)
{
    char text[LAC_ERR_TEXT_SIZE];
    struct lac_err line;
    struct lac_str copy;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (p->findings) {
        add(p, (struct lac_pack_finding){.level = r->level,
                                         .code = r->code,
                                         .file = r->at ? r->at->file : LAC_STR_NULL,
                                         .line = r->at ? r->at->line : 0,
                                         .rule = r->rule,
                                         .text = lac_str_from(text),
                                         .todo = lac_str_from(r->todo)});
        return;
    }
    if (p->note_count == LAC_PACK_NOTE_MAX || !r->at)
        return;
    lac_yaml_fail(r->at, &line, "%s%s%s", text, r->todo ? "; " : "", r->todo ? r->todo : "");
    copy = lac_pack_pool_copy(&p->pool, lac_str_from(line.text));
    if (copy.ptr)
        p->notes[p->note_count++] = copy;
}

/* "file:line: why" into its parts; a text of another form is about the whole pack. */
static void split(struct lac_str text, struct lac_pack_finding *f)
{
    f->text = text;
    for (size_t i = 0; i + 1 < text.len; i++) {
        uint64_t line;
        size_t to = i + 1;

        if (text.ptr[i] != ':')
            continue;
        while (to < text.len && text.ptr[to] >= '0' && text.ptr[to] <= '9')
            to++;
        if (to + 1 < text.len && text.ptr[to] == ':' && text.ptr[to + 1] == ' ' &&
            lac_str_to_u64(lac_str_slice(text, i + 1, to), &line) && line <= 100000000) {
            f->file = lac_str_slice(text, 0, i);
            f->line = (unsigned)line;
            f->text = lac_str_slice(text, to + 2, text.len);
            return;
        }
    }
}

bool lac_pack_forgive(struct lac_pack *p, enum lac_status status, const struct lac_err *err)
{
    struct lac_pack_finding f = {.level = LAC_PACK_ERROR, .code = "source"};

    if (status != LAC_REJECT || !p->findings)
        return false;
    split(lac_str_from(err->text), &f);
    add(p, f);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct lac_pack_finding *x = a;
    const struct lac_pack_finding *y = b;
    int order = lac_str_cmp(x->file, y->file);

    if (order == 0)
        order = (x->line > y->line) - (x->line < y->line);
    if (order == 0)
        order = (x->level < y->level) - (x->level > y->level);
    return order ? order : lac_str_cmp(x->text, y->text);
}

void lac_pack_findings_sort(struct lac_pack_findings *f)
{
    if (f->count > 1)
        qsort(f->at, f->count, sizeof(*f->at), by_place);
}
