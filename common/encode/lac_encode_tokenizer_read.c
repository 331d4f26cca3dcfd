/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what Hugging Face writes: tokenizer.json (a BertNormalizer, a BertPreTokenizer, WordPiece),
 * or vocab.txt, one entry a line; and tokenizer_config.json. Where files contradict each other they
 * are refused: libraries differ in which one they believe, and a wrong guess gives wrong vectors.
 */
#include "lac_encode_tokenizer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lac_json.h"
#include "lac_utf8.h"

#define JSON     "tokenizer.json"
#define VOCAB    "vocab.txt"
#define CONFIG   "tokenizer_config.json"
#define SENTENCE "sentence_bert_config.json"

enum { WORD_CHARS = 100 }; /* WordPiece's default */

static enum lac_status bad(struct lac_err *err, const char *file, const char *place,
                           const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "%s: %s: %s", file, place, why);
}

/* The member, which must be of one kind. NULL: absent, or null. */
static enum lac_status member(const struct lac_json *obj, const char *file, const char *pointer,
                              const char *key, enum lac_json_kind kind, const struct lac_json **out,
                              struct lac_err *err)
{
    const struct lac_json *v = lac_json_get(obj, key);

    *out = NULL;
    if (lac_json_kind(v) == LAC_JSON_NULL)
        return LAC_OK;
    if (lac_json_kind(v) != kind)
        return lac_err_set(err, LAC_REJECT, 0, "%s: %s/%s: must be of type %s", file, pointer, key,
                           lac_json_kind_name(kind));
    *out = v;
    return LAC_OK;
}

static enum lac_status need_object(const struct lac_json *obj, const char *pointer, const char *key,
                                   const struct lac_json **out, struct lac_err *err)
{
    enum lac_status status = member(obj, JSON, pointer, key, LAC_JSON_OBJECT, out, err);

    if (status == LAC_OK && !*out)
        return lac_err_set(err, LAC_REJECT, 0, "%s: %s/%s: missing", JSON, pointer, key);
    return status;
}

static enum lac_status boolean(const struct lac_json *obj, const char *file, const char *pointer,
                               const char *key, bool *out, struct lac_err *err)
{
    const struct lac_json *v;
    enum lac_status status = member(obj, file, pointer, key, LAC_JSON_BOOL, &v, err);

    if (status == LAC_OK && v)
        *out = lac_json_bool(v);
    return status;
}

/* The member `type` is `want`, or absent where older files had none. */
static enum lac_status typed(const struct lac_json *obj, const char *pointer, const char *want,
                             bool optional, struct lac_err *err)
{
    struct lac_str type = lac_json_string(lac_json_get(obj, "type"));

    if ((optional && !type.ptr) || lac_str_is(type, want))
        return LAC_OK;
    return lac_err_set(err, LAC_REJECT, 0, "%s: %s/type: only %s is supported", JSON, pointer,
                       want);
}

/* ---- vocabularies ---- */

static enum lac_status json_vocab(struct lac_encode_tokenizer *t, const struct lac_json *vocab,
                                  struct lac_err *err)
{
    size_t n = 0;

    for (struct lac_json_member m = {0}; lac_json_next(vocab, &m); n++) {
        struct lac_err why;
        enum lac_status status;

        if (lac_json_kind(m.value) != LAC_JSON_INT)
            status = lac_err_set(&why, LAC_REJECT, 0, "the id must be an integer");
        else
            status = lac_encode_vocab_add(&t->vocab, m.key, lac_json_int(m.value), &why);
        if (status != LAC_OK)
            return lac_err_set(err, status, 0, "%s: /model/vocab: entry %zu: %s", JSON, n + 1,
                               why.text);
    }
    return LAC_OK;
}

/* Without the white space at its end, as the library reads a line. */
static struct lac_str trimmed(struct lac_str line)
{
    while (line.len && strchr(" \t\r\v\f", line.ptr[line.len - 1]))
        line.len--;
    return line;
}

static enum lac_status text_vocab(struct lac_encode_tokenizer *t, struct lac_str text,
                                  struct lac_err *err)
{
    int64_t id = 0;

    for (size_t at = 0; at < text.len; id++) {
        const char *begin = text.ptr + at, *end = memchr(begin, '\n', text.len - at);
        struct lac_str line = {begin, end ? (size_t)(end - begin) : text.len - at};
        struct lac_err why;
        enum lac_status status;

        at += line.len + 1;
        line = trimmed(line);
        if (!lac_utf8_valid(line))
            status = lac_err_set(&why, LAC_REJECT, 0, "not UTF-8");
        else
            status = lac_encode_vocab_add(&t->vocab, line, id, &why);
        if (status != LAC_OK)
            return lac_err_set(err, status, 0, "%s: line %" PRId64 ": %s", VOCAB, id + 1, why.text);
    }
    return LAC_OK;
}

/* ---- special tokens ---- */

static enum lac_status special(struct lac_encode_tokenizer *t, struct lac_str text,
                               const char *file, const char *place, int32_t *id,
                               struct lac_err *err)
{
    *id = lac_encode_vocab_find(&t->vocab, text);
    if (*id == LAC_ENCODE_NO_ID)
        return bad(err, file, place, "the vocabulary has no such entry");
    t->vocab.slots[*id].special = true;
    return LAC_OK;
}

static struct lac_encode_added_word *listed(struct lac_encode_added *a, int64_t id)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (a->words[i].id == id)
            return &a->words[i];
    return NULL;
}

/* A word that is looked for in texts before all else. `beside`: a tokenizer.json lists them, and
 * this must be one of those: libraries differ in whether they add what another file has besides. */
static enum lac_status added_word(struct lac_encode_tokenizer *t, const struct lac_json *token,
                                  int32_t id, const char *file, const char *place, bool beside,
                                  struct lac_err *err)
{
    struct lac_encode_added_word word = {.id = id, .normalized = true};
    struct lac_encode_added_word *old = listed(&t->added, id);
    struct lac_encode_added *a = &t->added;
    enum lac_status status = boolean(token, file, place, "lstrip", &word.lstrip, err);

    if (status == LAC_OK)
        status = boolean(token, file, place, "rstrip", &word.rstrip, err);
    if (status == LAC_OK)
        status = boolean(token, file, place, "normalized", &word.normalized, err);
    if (status == LAC_OK)
        status = boolean(token, file, place, "single_word", &word.single, err);
    if (status != LAC_OK)
        return status;
    if (beside && (!old || old->lstrip != word.lstrip || old->rstrip != word.rstrip ||
                   old->single != word.single || old->normalized != word.normalized))
        return bad(err, file, place, JSON " says otherwise (/added_tokens)");
    if (beside)
        return LAC_OK;
    if (old || a->count == LAC_ENCODE_ADDED_MAX)
        return bad(err, file, place, "another one has the id, or they are too many");
    a->words[a->count++] = word;
    return LAC_OK;
}

/* A token that was added to the vocabulary. Special ones are never looked for. */
static enum lac_status added(struct lac_encode_tokenizer *t, const struct lac_json *token,
                             int64_t id, const char *file, const char *place, bool beside,
                             struct lac_err *err)
{
    struct lac_str content = lac_json_string(lac_json_get(token, "content"));
    bool is_special = lac_json_bool(lac_json_get(token, "special"));
    int32_t known;

    if (!content.ptr || content.len == 0)
        return bad(err, file, place, "no content");
    known = lac_encode_vocab_find(&t->vocab, content);
    if (known != LAC_ENCODE_NO_ID && known != id)
        return bad(err, file, place, "the vocabulary has it under another id");
    if (known == LAC_ENCODE_NO_ID) {
        struct lac_err why;
        enum lac_status status = lac_encode_vocab_add(&t->vocab, content, id, &why);

        if (status != LAC_OK)
            return lac_err_set(err, status, 0, "%s: %s: %s", file, place, why.text);
    } else if (is_special ? listed(&t->added, id) != NULL
                          : t->vocab.slots[id].special && !listed(&t->added, id)) {
        return bad(err, file, place, "it is a special token, and it is not");
    }
    /* A special token, or a word that is no entry of the model's own: no piece of others. */
    if (is_special || known == LAC_ENCODE_NO_ID)
        t->vocab.slots[id].special = true;
    return is_special ? LAC_OK : added_word(t, token, (int32_t)id, file, place, beside, err);
}

/* The tokens that stand around texts, or for what is unknown, are not looked for in them. */
static enum lac_status check_added(struct lac_encode_tokenizer *t, struct lac_err *err)
{
    const struct lac_encode_tokenizer_info *info = &t->info;

    if (listed(&t->added, info->unk) || listed(&t->added, info->cls) ||
        listed(&t->added, info->sep))
        return bad(err, JSON, "/added_tokens", "[UNK], [CLS] or [SEP] is not special");
    return LAC_OK;
}

static enum lac_status added_list(struct lac_encode_tokenizer *t, const struct lac_json *root,
                                  struct lac_err *err)
{
    const struct lac_json *list;
    enum lac_status status = member(root, JSON, "", "added_tokens", LAC_JSON_ARRAY, &list, err);

    if (status == LAC_OK && lac_json_size(list) > LAC_ENCODE_ADDED_MAX)
        return bad(err, JSON, "/added_tokens", "too many");
    for (size_t i = 0; status == LAC_OK && i < lac_json_size(list); i++) {
        const struct lac_json *item = lac_json_item(list, i), *id = lac_json_get(item, "id");
        char place[48];

        snprintf(place, sizeof(place), "/added_tokens/%zu", i);
        if (lac_json_kind(id) != LAC_JSON_INT)
            return bad(err, JSON, place, "no id");
        status = added(t, item, lac_json_int(id), JSON, place, false, err);
    }
    return status;
}

static enum lac_status added_map(struct lac_encode_tokenizer *t, const struct lac_json *config,
                                 bool beside, struct lac_err *err)
{
    const struct lac_json *map;
    enum lac_status status =
        member(config, CONFIG, "", "added_tokens_decoder", LAC_JSON_OBJECT, &map, err);
    struct lac_json_member m = {0};

    if (status == LAC_OK && lac_json_size(map) > LAC_ENCODE_ADDED_MAX)
        return bad(err, CONFIG, "/added_tokens_decoder", "too many");
    while (status == LAC_OK && lac_json_next(map, &m)) {
        char place[64];
        int64_t id;

        snprintf(place, sizeof(place), "/added_tokens_decoder/%.*s",
                 m.key.len < 16 ? (int)m.key.len : 16, m.key.ptr);
        if (!lac_str_to_i64(m.key, &id))
            return bad(err, CONFIG, "/added_tokens_decoder", "a key is no id");
        status = added(t, m.value, id, CONFIG, place, beside, err);
    }
    return status;
}

/* "cls_token": "[CLS]", or an object with that content. */
static enum lac_status named(struct lac_encode_tokenizer *t, const struct lac_json *config,
                             const char *key, const char *usual, int32_t *id, struct lac_err *err)
{
    const struct lac_json *v = lac_json_get(config, key);
    struct lac_str text = lac_json_string(v);
    char place[48];

    snprintf(place, sizeof(place), "/%s", key);
    if (lac_json_kind(v) == LAC_JSON_OBJECT)
        text = lac_json_string(lac_json_get(v, "content"));
    if (lac_json_kind(v) == LAC_JSON_NULL)
        text = lac_str_from(usual);
    if (!text.ptr)
        return bad(err, CONFIG, place, "must be a string, or an object with content");
    return special(t, text, CONFIG, place, id, err);
}

/* ---- tokenizer.json ---- */

static enum lac_status template_id(struct lac_encode_tokenizer *t, const struct lac_json *post,
                                   size_t index, int32_t *id, struct lac_err *err)
{
    const struct lac_json *item = lac_json_item(lac_json_get(post, "single"), index);
    struct lac_str name = lac_json_string(lac_json_get(lac_json_get(item, "SpecialToken"), "id"));
    char place[48];

    snprintf(place, sizeof(place), "/post_processor/single/%zu", index);
    if (!name.ptr)
        return bad(err, JSON, place, "must be a special token with an id");
    return special(t, name, JSON, place, id, err);
}

/* What stands before and behind a text. */
static enum lac_status json_post(struct lac_encode_tokenizer *t, const struct lac_json *root,
                                 int32_t *cls, int32_t *sep, struct lac_err *err)
{
    const struct lac_json *post, *single;
    enum lac_status status = member(root, JSON, "", "post_processor", LAC_JSON_OBJECT, &post, err);
    struct lac_str type = lac_json_string(lac_json_get(post, "type"));

    if (status != LAC_OK || !post)
        return status;
    if (lac_str_is(type, "BertProcessing")) {
        status = special(t, lac_json_string(lac_json_item(lac_json_get(post, "cls"), 0)), JSON,
                         "/post_processor/cls", cls, err);
        return status != LAC_OK
                   ? status
                   : special(t, lac_json_string(lac_json_item(lac_json_get(post, "sep"), 0)), JSON,
                             "/post_processor/sep", sep, err);
    }
    if (!lac_str_is(type, "TemplateProcessing"))
        return bad(err, JSON, "/post_processor/type",
                   "only TemplateProcessing and BertProcessing are supported");
    single = lac_json_get(post, "single");
    if (lac_json_size(single) != 3 || !lac_json_get(lac_json_item(single, 1), "Sequence"))
        return bad(err, JSON, "/post_processor/single",
                   "must be a special token, the sequence, a special token");
    status = template_id(t, post, 0, cls, err);
    return status == LAC_OK ? template_id(t, post, 2, sep, err) : status;
}

static enum lac_status json_normalizer(struct lac_encode_tokenizer *t, const struct lac_json *root,
                                       struct lac_err *err)
{
    struct lac_encode_tokenizer_info *info = &t->info;
    const char *at = "/normalizer";
    const struct lac_json *n;
    enum lac_status status = need_object(root, "", "normalizer", &n, err);

    if (status == LAC_OK)
        status = typed(n, at, "BertNormalizer", false, err);
    if (status == LAC_OK)
        status = boolean(n, JSON, at, "clean_text", &info->clean, err);
    if (status == LAC_OK)
        status = boolean(n, JSON, at, "handle_chinese_chars", &info->ideographs, err);
    if (status == LAC_OK)
        status = boolean(n, JSON, at, "lowercase", &info->lower, err);
    info->strip_accents = info->lower; /* what null means */
    if (status == LAC_OK)
        status = boolean(n, JSON, at, "strip_accents", &info->strip_accents, err);
    return status;
}

static enum lac_status json_model(struct lac_encode_tokenizer *t, const struct lac_json *root,
                                  struct lac_err *err)
{
    const struct lac_json *model, *vocab, *prefix, *most, *unk;
    enum lac_status status = need_object(root, "", "model", &model, err);

    if (status == LAC_OK)
        status = typed(model, "/model", "WordPiece", true, err);
    if (status == LAC_OK)
        status = member(model, JSON, "/model", "continuing_subword_prefix", LAC_JSON_STRING,
                        &prefix, err);
    if (status == LAC_OK && prefix && !lac_str_is(lac_json_string(prefix), LAC_ENCODE_PREFIX))
        return bad(err, JSON, "/model/continuing_subword_prefix", "only ## is supported");
    if (status == LAC_OK)
        status =
            member(model, JSON, "/model", "max_input_chars_per_word", LAC_JSON_INT, &most, err);
    if (status == LAC_OK && most) {
        if (lac_json_int(most) < 1 || lac_json_int(most) > LAC_ENCODE_WORD_MAX)
            return lac_err_set(err, LAC_REJECT, 0,
                               "%s: /model/max_input_chars_per_word: must be 1 to %d", JSON,
                               LAC_ENCODE_WORD_MAX);
        t->info.word_max = (uint32_t)lac_json_int(most);
    }
    if (status == LAC_OK)
        status = need_object(model, "/model", "vocab", &vocab, err);
    if (status == LAC_OK)
        status = json_vocab(t, vocab, err);
    if (status == LAC_OK)
        status = member(model, JSON, "/model", "unk_token", LAC_JSON_STRING, &unk, err);
    if (status == LAC_OK && unk)
        status = special(t, lac_json_string(unk), JSON, "/model/unk_token", &t->info.unk, err);
    return status;
}

static enum lac_status read_json(struct lac_encode_tokenizer *t, const struct lac_json *root,
                                 struct lac_err *err)
{
    const struct lac_json *split;
    enum lac_status status;

    if (lac_json_kind(root) != LAC_JSON_OBJECT)
        return bad(err, JSON, "/", "must be an object");
    status = json_normalizer(t, root, err);
    if (status == LAC_OK)
        status = need_object(root, "", "pre_tokenizer", &split, err);
    if (status == LAC_OK)
        status = typed(split, "/pre_tokenizer", "BertPreTokenizer", false, err);
    if (status == LAC_OK)
        status = json_model(t, root, err);
    if (status == LAC_OK)
        status = added_list(t, root, err);
    if (status == LAC_OK)
        status = json_post(t, root, &t->info.cls, &t->info.sep, err);
    return status;
}

/* ---- tokenizer_config.json ---- */

/* One switch of the configuration; with a tokenizer.json it must say the same. */
static enum lac_status agree(const struct lac_json *config, const char *key, bool have_json,
                             bool *value, struct lac_err *err)
{
    bool said = *value;
    enum lac_status status = boolean(config, CONFIG, "", key, &said, err);

    if (status == LAC_OK && have_json && said != *value)
        return lac_err_set(err, LAC_REJECT, 0, "%s: /%s: %s says otherwise (/normalizer)", CONFIG,
                           key, JSON);
    *value = said;
    return status;
}

static enum lac_status same(int32_t config, int32_t *json, const char *key, struct lac_err *err)
{
    if (*json != LAC_ENCODE_NO_ID && *json != config)
        return lac_err_set(err, LAC_REJECT, 0, "%s: /%s: %s says otherwise", CONFIG, key, JSON);
    *json = config;
    return LAC_OK;
}

static enum lac_status read_config(struct lac_encode_tokenizer *t, const struct lac_json *config,
                                   bool have_json, struct lac_err *err)
{
    static const struct {
        const char *key, *usual;
        size_t at;
    } names[] = {
        {"unk_token", "[UNK]", offsetof(struct lac_encode_tokenizer_info, unk)},
        {"cls_token", "[CLS]", offsetof(struct lac_encode_tokenizer_info, cls)},
        {"sep_token", "[SEP]", offsetof(struct lac_encode_tokenizer_info, sep)},
    };
    struct lac_encode_tokenizer_info *info = &t->info;
    enum lac_status status = added_map(t, config, have_json, err);

    if (status == LAC_OK)
        status = agree(config, "do_lower_case", have_json, &info->lower, err);
    if (status == LAC_OK && !have_json)
        info->strip_accents = info->lower;
    if (status == LAC_OK)
        status = agree(config, "strip_accents", have_json, &info->strip_accents, err);
    if (status == LAC_OK)
        status = agree(config, "tokenize_chinese_chars", have_json, &info->ideographs, err);
    for (size_t i = 0; status == LAC_OK && i < LAC_COUNT(names); i++) {
        int32_t *id = (int32_t *)((char *)info + names[i].at), said = LAC_ENCODE_NO_ID;

        if (*id != LAC_ENCODE_NO_ID && !lac_json_get(config, names[i].key))
            continue;
        status = named(t, config, names[i].key, names[i].usual, &said, err);
        if (status == LAC_OK)
            status = same(said, id, names[i].key, err);
    }
    return status;
}

static enum lac_status parse(struct lac_json **out, struct lac_str text, const char *file,
                             struct lac_err *err)
{
    struct lac_err why;
    enum lac_status status = lac_json_parse_wide(out, text, &why);

    return status == LAC_OK ? status : lac_err_set(err, status, why.code, "%s: %s", file, why.text);
}

/* Text that sentence-transformers makes small before the tokenizer has it. That one has to do it
 * itself: places are those of the text as it came. */
static enum lac_status read_sentence(const struct lac_encode_tokenizer *t, struct lac_str text,
                                     struct lac_err *err)
{
    struct lac_json *root;
    bool lower = false;
    enum lac_status status = parse(&root, text, SENTENCE, err);

    if (status == LAC_OK)
        status = boolean(root, SENTENCE, "", "do_lower_case", &lower, err);
    if (status == LAC_OK && lower && !t->info.lower)
        status = bad(err, SENTENCE, "/do_lower_case", "the tokenizer keeps upper case");
    lac_json_free(root);
    return status;
}

enum lac_status lac_encode_tokenizer_read(struct lac_encode_tokenizer *t,
                                          const struct lac_encode_tokenizer_files *files,
                                          struct lac_err *err)
{
    struct lac_json *root = NULL, *config = NULL;
    enum lac_status status = LAC_OK;

    t->info = (struct lac_encode_tokenizer_info){
        .unk = LAC_ENCODE_NO_ID,
        .cls = LAC_ENCODE_NO_ID,
        .sep = LAC_ENCODE_NO_ID,
        .word_max = WORD_CHARS,
        .clean = true,
        .ideographs = true,
        .strip_accents = true,
        .lower = true,
    };
    if (files->json.ptr) {
        status = parse(&root, files->json, JSON, err);
        if (status == LAC_OK)
            status = read_json(t, root, err);
    } else if (!files->config.ptr) {
        status = bad(err, CONFIG, "missing", "without " JSON " it says whether case matters");
    } else {
        status = text_vocab(t, files->vocab, err);
    }
    if (status == LAC_OK && files->config.ptr)
        status = parse(&config, files->config, CONFIG, err);
    if (status == LAC_OK && config && lac_json_kind(config) != LAC_JSON_OBJECT)
        status = bad(err, CONFIG, "/", "must be an object");
    if (status == LAC_OK)
        status = read_config(t, config, root != NULL, err);
    if (status == LAC_OK)
        status = check_added(t, err);
    if (status == LAC_OK && files->sentence.ptr)
        status = read_sentence(t, files->sentence, err);
    t->info.vocab = t->vocab.count;
    lac_json_free(root);
    lac_json_free(config);
    return status;
}
