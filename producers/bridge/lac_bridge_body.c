/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_body.h"

#include <stdio.h>
#include <string.h>

#include "lac_bridge_member.h"
#include "lac_bridge_split.h"

/* `*unwanted`: it is JSON, only not as we take it. */
static enum lac_status parse_or(struct lac_bridge_body *out, struct lac_str text, bool *unwanted,
                                struct lac_err *err)
{
    struct lac_err inner = {0};
    *out = (struct lac_bridge_body){0};
    enum lac_status status = lac_json_parse(&out->document, text, &inner);
    *unwanted = status == LAC_REJECT && inner.code == LAC_JSON_UNWANTED;
    if (status == LAC_REJECT)
        return lac_err_set(err, LAC_REJECT, 400, "The body is not acceptable JSON: %s", inner.text);
    if (status != LAC_OK)
        return lac_err_set(err, status, inner.code, "%s", inner.text);
    return LAC_OK;
}

static enum lac_status parse(struct lac_bridge_body *out, struct lac_str text, struct lac_err *err)
{
    bool unwanted;
    return parse_or(out, text, &unwanted, err);
}

static enum lac_status make_items(struct lac_bridge_body *out, size_t n, struct lac_arena *a,
                                  struct lac_err *err)
{
    out->items = lac_arena_alloc(a, (n ? n : 1) * sizeof *out->items);
    if (!out->items)
        return lac_bridge_member_no_room(err, "/");
    out->count = n;
    return LAC_OK;
}

enum lac_status lac_bridge_body_tree(struct lac_bridge_body *out, struct lac_str text,
                                     struct lac_arena *a, struct lac_err *err)
{
    enum lac_status status = parse(out, text, err);
    if (status == LAC_OK)
        status = make_items(out, 1, a, err);
    if (status == LAC_OK) {
        lac_request_init(&out->items[0].request);
        status = lac_bridge_member_object(&out->items[0].request, out->document, a, false, err);
    }
    if (status != LAC_OK)
        lac_bridge_body_deinit(out);
    return status;
}

enum lac_status lac_bridge_body_one(struct lac_bridge_body *out, struct lac_str text,
                                    struct lac_arena *a, struct lac_err *err)
{
    *out = (struct lac_bridge_body){0};
    enum lac_status status = make_items(out, 1, a, err);
    if (status != LAC_OK)
        return status;
    lac_request_init(&out->items[0].request);
    if (text.len > 0 && lac_bridge_member_plain(&out->items[0].request, text))
        return LAC_OK;
    return lac_bridge_body_tree(out, text, a, err);
}

/* ---- A batch ---- */

static enum lac_status refuse_item(struct lac_bridge_item *item, const char *why,
                                   struct lac_arena *a, struct lac_err *err)
{
    char *copy = lac_arena_alloc(a, strlen(why) + 1);
    if (!copy)
        return lac_bridge_member_no_room(err, "/");
    memcpy(copy, why, strlen(why) + 1);
    item->error = copy;
    return LAC_OK;
}

static enum lac_status read_item(struct lac_bridge_item *item, const struct lac_json *v, bool text,
                                 struct lac_arena *a, struct lac_err *err)
{
    struct lac_err why = {0};
    enum lac_status status;
    if (text)
        status = lac_bridge_member_text(&item->request.text, v, SIZE_MAX, "/", &why);
    else
        status = lac_bridge_member_object(&item->request, v, a, false, &why);
    return status == LAC_OK ? LAC_OK : refuse_item(item, why.text, a, err);
}

/* What concerns all of them, and room for `count` items, or for as many as the list has. */
static enum lac_status read_shared(struct lac_bridge_body *out,
                                   const struct lac_bridge_split *split,
                                   const struct lac_json **list, struct lac_arena *a,
                                   struct lac_err *err)
{
    const struct lac_json *queries = lac_json_get(out->document, "queries");
    const struct lac_json *items = lac_json_get(out->document, "items");
    struct lac_request shared;
    lac_request_init(&shared);
    if (lac_json_kind(out->document) != LAC_JSON_OBJECT)
        return lac_bridge_member_fail(err, "/", "must be an object");
    if (!queries == !items)
        return lac_bridge_member_fail(err, "/queries", "give either queries or items");
    const char *pointer = queries ? "/queries" : "/items";
    *list = queries ? queries : items;
    if (lac_json_kind(*list) != LAC_JSON_ARRAY)
        return lac_bridge_member_fail(err, pointer, "must be an array");
    if (lac_json_size(*list) > LAC_BRIDGE_ITEMS_MAX)
        return lac_bridge_member_fail(err, pointer, "has more than 1000 items");
    enum lac_status status = lac_bridge_member_object(&shared, out->document, a, true, err);
    if (status == LAC_OK)
        status = make_items(out, split ? split->count : lac_json_size(*list), a, err);
    for (size_t i = 0; status == LAC_OK && i < out->count; i++)
        out->items[i] = (struct lac_bridge_item){.request = shared};
    return status;
}

static enum lac_status read_batch(struct lac_bridge_body *out, struct lac_arena *a,
                                  struct lac_err *err)
{
    const struct lac_json *list = NULL;
    enum lac_status status = read_shared(out, NULL, &list, a, err);
    bool text = lac_json_get(out->document, "queries") != NULL;
    for (size_t i = 0; status == LAC_OK && i < out->count; i++)
        status = read_item(&out->items[i], lac_json_item(list, i), text, a, err);
    return status;
}

/* An item by itself. What is no JSON at all concerns the whole body. */
static enum lac_status read_piece(struct lac_bridge_body *out, size_t i, struct lac_str piece,
                                  struct lac_arena *a, struct lac_err *err)
{
    struct lac_err inner = {0};
    enum lac_status status = lac_json_parse(&out->pieces[i], piece, &inner);
    bool text = lac_json_get(out->document, "queries") != NULL;
    if (status == LAC_OK)
        return read_item(&out->items[i], out->pieces[i], text, a, err);
    if (status != LAC_REJECT)
        return lac_err_set(err, status, inner.code, "%s", inner.text);
    if (inner.code != LAC_JSON_UNWANTED)
        return lac_err_set(err, LAC_REJECT, 400, "The body is not acceptable JSON: item %zu, %s", i,
                           inner.text);
    char why[sizeof inner.text + 4];
    snprintf(why, sizeof why, "/: %s", inner.text);
    return refuse_item(&out->items[i], why, a, err);
}

/* `err` says why it can't be read as a whole, and is left so if it can't be read in pieces. */
static enum lac_status read_pieces(struct lac_bridge_body *out, struct lac_str text,
                                   struct lac_arena *a, struct lac_err *err)
{
    struct lac_bridge_split split;
    const struct lac_json *list = NULL;
    struct lac_err unused;
    if (!lac_bridge_split(&split, text, a) || parse(out, split.rest, &unused) != LAC_OK)
        return LAC_REJECT;
    enum lac_status status = read_shared(out, &split, &list, a, err);
    if (status != LAC_OK)
        return status;
    out->pieces = lac_arena_alloc(a, (split.count + 1) * sizeof(struct lac_json *));
    if (!out->pieces)
        return lac_bridge_member_no_room(err, "/");
    memset(out->pieces, 0, (split.count + 1) * sizeof(struct lac_json *));
    out->piece_count = split.count;
    for (size_t i = 0; status == LAC_OK && i < out->count; i++)
        status = read_piece(out, i, split.items[i], a, err);
    return status;
}

enum lac_status lac_bridge_body_batch(struct lac_bridge_body *out, struct lac_str text,
                                      struct lac_arena *a, struct lac_err *err)
{
    bool unwanted = false;
    enum lac_status status = parse_or(out, text, &unwanted, err);
    if (status == LAC_OK)
        status = read_batch(out, a, err);
    else if (unwanted)
        status = read_pieces(out, text, a, err);
    if (status != LAC_OK)
        lac_bridge_body_deinit(out);
    return status;
}

void lac_bridge_body_deinit(struct lac_bridge_body *b)
{
    for (size_t i = 0; i < b->piece_count; i++)
        lac_json_free(b->pieces[i]);
    lac_json_free(b->document);
    *b = (struct lac_bridge_body){0};
}
