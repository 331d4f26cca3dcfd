/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presidio's pattern recognizers: several patterns and a list of texts under one entity, with words
 * that raise the score.
 */
#include "lac_pack_import_draft.h"

#include <stdlib.h>
#include <string.h>

#include "lac_decide.h"

/* What a context word adds there, and what a hit then has at least. */
enum { PRESIDIO_BOOST = 350000, PRESIDIO_LEAST = 500000 };

static void presidio_words(struct lac_pack_draft *d, const struct lac_yaml *node)
{
    const struct lac_yaml *languages = lac_yaml_get(node, "supported_languages");

    lac_pack_draft_context(d, lac_yaml_get(node, "context"));
    for (const struct lac_yaml *c = languages ? languages->first : NULL; c; c = c->next)
        lac_pack_draft_context(d, lac_yaml_get(c, "context"));
}

/* In millionths; `missing` where there is none. Programs write 0.30000000000000004, people .3. */
static uint64_t presidio_score(const struct lac_pack_draft *d, const struct lac_yaml *node,
                               uint64_t missing)
{
    struct lac_str text = lac_pack_import_text(node);
    char copy[32], *end = copy;
    double score = -1;

    if (!node)
        return missing;
    if (text.len > 0 && text.len < sizeof(copy)) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        score = strtod(copy, &end);
    }
    if (end != copy && end == copy + text.len && score >= 0 && score <= 1)
        return (uint64_t)(score * LAC_DECIDE_PPM + 0.5);
    lac_pack_draft_say(d, false, "its score is no number from 0 to 1: it is 1 here");
    return LAC_DECIDE_PPM;
}

static void presidio_pattern(struct lac_pack_draft *d, const struct lac_yaml *node,
                             const struct lac_yaml *pattern, struct lac_str entity, unsigned number,
                             struct lac_buf *out)
{
    struct lac_pack_import_regex r = {.in = lac_pack_import_text(lac_yaml_get(pattern, "regex")),
                                      .nocase = true,
                                      .dotall = true,
                                      .whole = true};
    uint64_t score;

    lac_pack_draft_begin(d, pattern, entity, number);
    d->rule.description = lac_pack_import_text(lac_yaml_get(pattern, "name"));
    score = presidio_score(d, lac_yaml_get(pattern, "score"), 500000);
    if (score == 0)
        score = 10000;
    d->rule.score = (uint32_t)score;
    presidio_words(d, node);
    if (d->rule.context_count > 0) {
        d->rule.context_boost = PRESIDIO_BOOST;
        if (score + PRESIDIO_BOOST < PRESIDIO_LEAST)
            d->rule.context_boost = (uint32_t)(PRESIDIO_LEAST - score);
    } else if (score < LAC_MATCH_SCORE_COUNTS) {
        lac_pack_draft_say(d, false,
                           "a score below 0.5 and no context words: its hits never count");
    }
    if (!lac_pack_draft_pattern(d, &r, false))
        return;
    lac_pack_draft_end(d, out);
}

/* Whether it has anything to carry over; else it is said why not. */
static bool presidio_usable(const struct lac_pack_draft *d, const struct lac_yaml *node)
{
    const struct lac_yaml *patterns = lac_yaml_get(node, "patterns");
    bool has = (patterns && patterns->first) || lac_yaml_get(node, "deny_list");

    if (lac_str_is(lac_pack_import_text(lac_yaml_get(node, "enabled")), "false"))
        lac_pack_draft_say(d, true, "it is switched off there (enabled: false)");
    else if (node->kind != LAC_YAML_MAPPING || !has ||
             lac_str_is(lac_pack_import_text(lac_yaml_get(node, "type")), "predefined"))
        lac_pack_draft_say(
            d, true,
            "it has neither patterns nor a deny_list of its own: what Presidio's code finds by "
            "its form, the built-in pack finds, too; what a language model finds does not come "
            "over");
    else if (d->entity[0] == '\0')
        lac_pack_draft_say(d, true, "it has no supported_entity");
    else
        return true;
    return false;
}

static void presidio_deny(struct lac_pack_draft *d, const struct lac_yaml *node,
                          struct lac_str entity, unsigned number, struct lac_buf *out)
{
    const struct lac_yaml *deny = lac_yaml_get(node, "deny_list");
    uint64_t score;

    if (!deny)
        return;
    lac_pack_draft_begin(d, deny, entity, number);
    score = presidio_score(d, lac_yaml_get(node, "deny_list_score"), LAC_DECIDE_PPM);
    if (score == 0)
        score = LAC_DECIDE_PPM;
    d->rule.score = (uint32_t)score;
    if (lac_yaml_texts(deny, d->pool, &d->rule.phrases, &d->rule.phrase_count, NULL) != LAC_OK ||
        d->rule.phrase_count == 0) {
        lac_pack_draft_say(d, true, "its deny_list is no list of texts");
        return;
    }
    if (score < LAC_MATCH_SCORE_COUNTS)
        lac_pack_draft_say(d, false,
                           "a score below 0.5 and no context words: its hits never count");
    lac_pack_draft_end(d, out);
}

static void presidio_recognizer(struct lac_pack_draft *d, const struct lac_yaml *node,
                                struct lac_buf *out)
{
    const struct lac_yaml *patterns = lac_yaml_get(node, "patterns");
    const struct lac_yaml *entities = lac_yaml_get(node, "supported_entities");
    struct lac_str entity = lac_pack_import_text(lac_yaml_get(node, "supported_entity"));
    struct lac_str name = lac_pack_import_text(lac_yaml_get(node, "name"));
    unsigned number = 1;

    if (entity.len == 0 && entities && entities->first)
        entity = lac_pack_import_text(entities->first);
    lac_pack_draft_begin(d, node, entity, 1);
    d->name = name.len > 0 ? name : entity.len > 0 ? entity : lac_pack_import_text(node);
    if (!presidio_usable(d, node))
        return;
    for (const struct lac_yaml *c = patterns ? patterns->first : NULL; c; c = c->next)
        presidio_pattern(d, node, c, entity, number++, out);
    presidio_deny(d, node, entity, number, out);
}

/* The list of recognizers: of a registry's file, of an analyzer's, of a request, or the file is
 * it. NULL: there is none. */
static const struct lac_yaml *presidio_list(const struct lac_yaml *root)
{
    const struct lac_yaml *registry = lac_yaml_get(root, "recognizer_registry");
    const struct lac_yaml *list = lac_yaml_get(registry ? registry : root, "recognizers");

    if (root->kind == LAC_YAML_SEQUENCE)
        return root;
    if (!list)
        list = lac_yaml_get(root, "ad_hoc_recognizers");
    return list && list->kind == LAC_YAML_SEQUENCE ? list : NULL;
}

enum lac_status lac_pack_import_presidio(struct lac_pack_draft *d, struct lac_buf *out,
                                         struct lac_err *err)
{
    struct lac_yaml *root = NULL;
    const struct lac_yaml *list;
    enum lac_status status = lac_yaml_parse(&root, d->pool, d->im->name, d->im->data, err);

    if (status != LAC_OK)
        return status;
    list = presidio_list(root);
    if (!list && (lac_yaml_get(root, "patterns") || lac_yaml_get(root, "deny_list"))) {
        presidio_recognizer(d, root, out);
        return LAC_OK;
    }
    if (!list)
        return lac_yaml_fail(root, err,
                             "there is no list of recognizers: is this a file of Presidio?");
    for (const struct lac_yaml *c = list->first; c; c = c->next)
        presidio_recognizer(d, c, out);
    return LAC_OK;
}
