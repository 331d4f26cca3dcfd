/* SPDX-License-Identifier: Apache-2.0 */
/* One labelled line: whose names, which offsets, and what is wrong with it. */
#include <string.h>

#include "lac_cli_eval.h"
#include "lac_json.h"
#include "lac_utf8.h"

/* A member under any of its names. Sets of other tools use their own. */
static const struct lac_json *member(const struct lac_json *obj, const char *a, const char *b)
{
    const struct lac_json *v = lac_json_get(obj, a);

    return v ? v : lac_json_get(obj, b);
}

/* Without it, or null: what is there must be right, or the set would be measured without it. */
static bool is_absent(const struct lac_json *v)
{
    return !v || lac_json_kind(v) == LAC_JSON_NULL;
}

/* --alias THEIRS=OURS. */
static struct lac_str entity_name(const struct lac_cli_eval_options *o, struct lac_str theirs)
{
    for (size_t i = 0; i < o->aliases.count; i++) {
        const char *equals = strchr(o->aliases.items[i], '=');
        struct lac_str from = {o->aliases.items[i], (size_t)(equals - o->aliases.items[i])};

        if (lac_str_eq(from, theirs))
            return lac_str_from(equals + 1);
    }
    return theirs;
}

/* The byte where character `n` begins; SIZE_MAX when the text is shorter. */
static size_t byte_of(struct lac_str text, int64_t n)
{
    size_t at = 0;

    for (; n > 0 && at < text.len; n--)
        (void)lac_utf8_next(text, &at);
    return n == 0 ? at : SIZE_MAX;
}

static enum lac_status read_span(const struct lac_cli_eval_options *o, const struct lac_json *v,
                                 struct lac_str text, struct lac_eval_span *out,
                                 struct lac_err *err)
{
    const struct lac_json *entity = member(v, "entity", "entity_type");
    const struct lac_json *start = member(v, "start", "start_position");
    const struct lac_json *end = member(v, "end", "end_position");
    size_t from, to;

    if (!entity)
        entity = lac_json_get(v, "label");
    if (lac_json_kind(entity) != LAC_JSON_STRING || lac_json_kind(start) != LAC_JSON_INT ||
        lac_json_kind(end) != LAC_JSON_INT)
        return lac_err_set(err, LAC_REJECT, 0,
                           "a span is {\"entity\": text, \"start\": number, \"end\": number}");
    if (lac_json_int(start) < 0 || lac_json_int(end) <= lac_json_int(start))
        return lac_err_set(err, LAC_REJECT, 0, "a span ends behind its start");
    from = o->bytes ? (size_t)lac_json_int(start) : byte_of(text, lac_json_int(start));
    to = o->bytes ? (size_t)lac_json_int(end) : byte_of(text, lac_json_int(end));
    if (from >= text.len || to > text.len)
        return lac_err_set(err, LAC_REJECT, 0,
                           "a span ends behind the text; offsets are characters%s",
                           o->bytes ? " without --bytes" : ", or bytes with --bytes");
    *out = (struct lac_eval_span){entity_name(o, lac_json_string(entity)), (uint32_t)from,
                                  (uint32_t)to};
    return LAC_OK;
}

enum lac_status lac_cli_eval_line_read(struct lac_cli_eval_line *out,
                                       const struct lac_cli_eval_options *o, struct lac_str text,
                                       struct lac_json **doc, struct lac_arena *a,
                                       struct lac_err *err)
{
    enum lac_status status = lac_json_parse(doc, text, err);
    const struct lac_json *spans = lac_json_get(*doc, "spans");
    const struct lac_json *tier = lac_json_get(*doc, "tier");
    struct lac_eval_span *made;

    *out = (struct lac_cli_eval_line){.id = LAC_STR("")};
    if (status != LAC_OK)
        return status;
    if (lac_json_kind(*doc) != LAC_JSON_OBJECT)
        return lac_err_set(err, LAC_REJECT, 0, "a line is a JSON object");
    out->text = lac_json_string(member(*doc, "text", "full_text"));
    if (!out->text.ptr)
        return lac_err_set(err, LAC_REJECT, 0, "\"text\" is missing");
    if (lac_json_string(lac_json_get(*doc, "id")).ptr)
        out->id = lac_json_string(lac_json_get(*doc, "id"));
    out->has_tier = !is_absent(tier);
    if (out->has_tier && !lac_tier_parse(lac_json_string(tier), &out->tier))
        return lac_err_set(err, LAC_REJECT, 0, "\"tier\" is PUBLIC, INTERNAL or PROPRIETARY");
    if (!is_absent(spans) && lac_json_kind(spans) != LAC_JSON_ARRAY)
        return lac_err_set(err, LAC_REJECT, 0, "\"spans\" is a list");
    out->span_count = lac_json_size(spans);
    if (out->span_count > LAC_EVAL_SPAN_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d spans", LAC_EVAL_SPAN_MAX);
    out->spans = made = lac_arena_alloc(a, out->span_count * sizeof(*made));
    if (!made)
        return lac_err_set(err, LAC_RETRY, 0, "no memory for spans");
    for (size_t i = 0; i < out->span_count && status == LAC_OK; i++)
        status = read_span(o, lac_json_item(spans, i), out->text, &made[i], err);
    return status;
}
