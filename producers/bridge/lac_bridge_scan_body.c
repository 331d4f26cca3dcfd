/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_scan_body.h"

#include "lac_redact.h"

static enum lac_status wrong(struct lac_err *err, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 422, "%s", why);
}

static enum lac_status read_texts(const struct lac_json *list, struct lac_err *err)
{
    size_t count = lac_json_size(list);
    if (lac_json_kind(list) != LAC_JSON_ARRAY || count == 0 || count > LAC_BRIDGE_SCAN_TEXTS_MAX)
        return wrong(err, "/texts: expected 1 to 1,000 strings");
    for (size_t i = 0; i < count; i++)
        if (lac_json_kind(lac_json_item(list, i)) != LAC_JSON_STRING)
            return lac_err_set(err, LAC_REJECT, 422, "/texts/%zu: expected a string", i);
    return LAC_OK;
}

static enum lac_status read_entities(struct lac_bridge_scan_body *q, const struct lac_json *list,
                                     struct lac_err *err)
{
    size_t count = lac_json_size(list);
    if (lac_json_kind(list) != LAC_JSON_ARRAY || count > LAC_BRIDGE_SCAN_NAMES_MAX)
        return wrong(err, "/entities: expected at most 64 names");
    for (size_t i = 0; i < count; i++) {
        q->entities[i] = lac_json_string(lac_json_item(list, i));
        if (!q->entities[i].ptr)
            return lac_err_set(err, LAC_REJECT, 422, "/entities/%zu: expected a string", i);
    }
    q->entity_count = count;
    return LAC_OK;
}

static enum lac_status read_score(struct lac_bridge_scan_body *q, const struct lac_json *v,
                                  struct lac_err *err)
{
    enum lac_json_kind kind = lac_json_kind(v);
    double score = lac_json_real(v);
    if ((kind != LAC_JSON_INT && kind != LAC_JSON_REAL) || !(score >= 0 && score <= 1))
        return wrong(err, "/min_score: expected a number from 0 to 1");
    q->min_score = (uint32_t)(score * 1e6 + 0.5);
    return LAC_OK;
}

static enum lac_status read_member(struct lac_bridge_scan_body *q, const struct lac_json_member *m,
                                   bool redact, struct lac_err *err)
{
    if (lac_str_is(m->key, "text")) {
        q->text = m->value;
        return lac_json_kind(m->value) == LAC_JSON_STRING ? LAC_OK
                                                          : wrong(err, "/text: expected a string");
    }
    if (lac_str_is(m->key, "texts")) {
        q->texts = m->value;
        return read_texts(m->value, err);
    }
    if (lac_str_is(m->key, "entities"))
        return read_entities(q, m->value, err);
    if (lac_str_is(m->key, "min_score"))
        return read_score(q, m->value, err);
    if (redact && lac_str_is(m->key, "mode")) {
        struct lac_str name = lac_json_string(m->value);
        q->has_mode = name.ptr && lac_redact_how_parse(name, &q->mode);
        return q->has_mode ? LAC_OK : wrong(err, "/mode: expected replace, mask, last4 or hash");
    }
    return wrong(err, redact ? "a member is not one of text, texts, entities, min_score, mode"
                             : "a member is not one of text, texts, entities, min_score");
}

enum lac_status lac_bridge_scan_body_read(struct lac_bridge_scan_body *q,
                                          const struct lac_json *body, bool redact,
                                          struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    *q = (struct lac_bridge_scan_body){.min_score = LAC_MATCH_SCORE_COUNTS};
    if (lac_json_kind(body) != LAC_JSON_OBJECT)
        return wrong(err, "expected an object");
    for (struct lac_json_member m = {0}; status == LAC_OK && lac_json_next(body, &m);)
        status = read_member(q, &m, redact, err);
    if (status == LAC_OK && !q->text == !q->texts)
        return wrong(err, "expected either text or texts");
    return status;
}
