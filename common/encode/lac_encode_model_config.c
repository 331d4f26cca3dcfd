/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_model_config.h"

#include <string.h>

#include "lac_json.h"

static enum lac_status refuse(struct lac_err *err, const char *field, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "%s: %s", field, why);
}

/* Parses a file whose outermost value must be of `kind`. */
static enum lac_status parse(struct lac_json **out, struct lac_str json, enum lac_json_kind kind,
                             struct lac_err *err)
{
    enum lac_status status;

    *out = NULL;
    if (json.len > LAC_ENCODE_CONFIG_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "larger than %d bytes", LAC_ENCODE_CONFIG_BYTES);
    status = lac_json_parse_wide(out, json, err);
    if (status != LAC_OK || lac_json_kind(*out) == kind)
        return status;
    lac_json_free(*out);
    *out = NULL;
    return lac_err_set(err, LAC_REJECT, 0, "must be an %s", lac_json_kind_name(kind));
}

/* Limits are checked once, for all shapes: lac_encode_shape_check(). */
static enum lac_status read_count(const struct lac_json *v, const char *field, uint32_t *out,
                                  struct lac_err *err)
{
    const struct lac_json *n = lac_json_get(v, field);

    if (!n)
        return refuse(err, field, "is missing");
    if (lac_json_kind(n) != LAC_JSON_INT || lac_json_int(n) < 1 || lac_json_int(n) > INT32_MAX)
        return refuse(err, field, "must be a whole number of at least 1");
    *out = (uint32_t)lac_json_int(n);
    return LAC_OK;
}

/* A field that may be absent, or null, but must not be anything else than `want`. */
static enum lac_status expect_text(const struct lac_json *v, const char *field, const char *want,
                                   bool required, struct lac_err *err)
{
    const struct lac_json *text = lac_json_get(v, field);

    if (lac_json_kind(text) == LAC_JSON_NULL)
        return required ? refuse(err, field, "is missing") : LAC_OK;
    if (!lac_str_is(lac_json_string(text), want))
        return lac_err_set(err, LAC_REJECT, 0, "%s: only \"%s\" is supported", field, want);
    return LAC_OK;
}

static enum lac_status read_shape(const struct lac_json *v, struct lac_encode_weights *w,
                                  struct lac_err *err)
{
    const struct {
        const char *name;
        uint32_t *out;
    } counts[] = {
        {"hidden_size", &w->hidden},        {"num_hidden_layers", &w->layers},
        {"num_attention_heads", &w->heads}, {"intermediate_size", &w->ffn},
        {"vocab_size", &w->vocab},          {"max_position_embeddings", &w->positions},
        {"type_vocab_size", &w->types},
    };
    const struct lac_json *eps = lac_json_get(v, "layer_norm_eps");
    enum lac_status status = LAC_OK;

    for (size_t i = 0; status == LAC_OK && i < LAC_COUNT(counts); i++)
        status = read_count(v, counts[i].name, counts[i].out, err);
    if (status != LAC_OK)
        return status;
    if (eps && lac_json_kind(eps) != LAC_JSON_REAL && lac_json_kind(eps) != LAC_JSON_INT)
        return refuse(err, "layer_norm_eps", "must be a number");
    if (eps && !(lac_json_real(eps) >= 1e-20 && lac_json_real(eps) <= 1.0))
        return refuse(err, "layer_norm_eps", "must be between 1e-20 and 1");
    w->eps = eps ? (float)lac_json_real(eps) : 1e-12f; /* transformers' default */
    w->window =
        w->positions < LAC_ENCODE_POSITION_MAX ? w->positions : (uint32_t)LAC_ENCODE_POSITION_MAX;
    return lac_encode_shape_check(w, err);
}

enum lac_status lac_encode_config_read(struct lac_str json, struct lac_encode_weights *w,
                                       struct lac_err *err)
{
    struct lac_json *v;
    enum lac_status status = parse(&v, json, LAC_JSON_OBJECT, err);

    if (status != LAC_OK)
        return status;
    status = expect_text(v, "model_type", "bert", true, err);
    if (status == LAC_OK)
        status = expect_text(v, "hidden_act", "gelu", true, err);
    if (status == LAC_OK)
        status = expect_text(v, "position_embedding_type", "absolute", false, err);
    if (status == LAC_OK && lac_json_bool(lac_json_get(v, "is_decoder")))
        status = refuse(err, "is_decoder", "only encoders are supported");
    if (status == LAC_OK && lac_json_kind(lac_json_get(v, "quantization_config")) != LAC_JSON_NULL)
        status =
            refuse(err, "quantization_config", "only weights as they were trained are supported");
    if (status == LAC_OK)
        status = read_shape(v, w, err);
    lac_json_free(v);
    return status;
}

/* ---- sentence-transformers ---- */

/* A folder below the model's: parts of letters, digits, '_', '-' and '.', none of them "..". */
static bool copy_folder(char out[LAC_ENCODE_MODEL_PATH_MAX + 1], struct lac_str path)
{
    bool part = false; /* the part in hand has something else than dots */

    if (path.len > LAC_ENCODE_MODEL_PATH_MAX)
        return false;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];

        if (c == '/' && !part)
            return false;
        if (c == '/')
            part = false;
        else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '-')
            part = true;
        else if (c != '.')
            return false;
    }
    if (!part)
        return false;
    memcpy(out, path.ptr, path.len);
    out[path.len] = 0;
    return true;
}

/* "sentence_transformers.models.Pooling" -> "Pooling" */
static struct lac_str short_type(struct lac_str type)
{
    for (size_t i = type.len; i > 0; i--)
        if (type.ptr[i - 1] == '.')
            return lac_str_slice(type, i, type.len);
    return type;
}

enum lac_status lac_encode_modules_read(struct lac_str json, struct lac_encode_modules *out,
                                        struct lac_err *err)
{
    static const char *const order[] = {"Transformer", "Pooling", "Normalize"};
    struct lac_json *v;
    enum lac_status status = parse(&v, json, LAC_JSON_ARRAY, err);
    size_t count = lac_json_size(v);

    *out = (struct lac_encode_modules){0};
    if (status != LAC_OK)
        return status;
    if (count < 2 || count > LAC_COUNT(order))
        status = refuse(err, "modules", "only Transformer, Pooling and Normalize are supported");
    for (size_t i = 0; status == LAC_OK && i < count; i++) {
        const struct lac_json *m = lac_json_item(v, i);
        struct lac_str type = short_type(lac_json_string(lac_json_get(m, "type")));
        struct lac_str path = lac_json_string(lac_json_get(m, "path"));

        if (!type.ptr || !lac_str_is(type, order[i]))
            status = lac_err_set(err, LAC_REJECT, 0, "module %zu: only %s is supported there", i,
                                 order[i]);
        else if (i == 0 && path.len != 0)
            status = refuse(err, "Transformer", "must lie in the folder itself");
        else if (i == 1 && !copy_folder(out->pooling_folder, path))
            status = refuse(err, "Pooling", "path must be a folder below the model's");
    }
    out->normalize = count == LAC_COUNT(order);
    lac_json_free(v);
    return status;
}

/* Exactly one of the two that we know, and none of the others. */
static enum lac_status read_modes(const struct lac_json *v, enum lac_encode_pooling *out,
                                  struct lac_err *err)
{
    int modes = 0;

    for (struct lac_json_member m = {0}; lac_json_next(v, &m);) {
        if (m.key.len < 13 || memcmp(m.key.ptr, "pooling_mode_", 13) != 0)
            continue;
        if (!lac_json_bool(m.value))
            continue;
        modes++;
        if (lac_str_is(m.key, "pooling_mode_mean_tokens"))
            *out = LAC_ENCODE_POOL_MEAN;
        else if (lac_str_is(m.key, "pooling_mode_cls_token"))
            *out = LAC_ENCODE_POOL_CLS;
        else
            return refuse(err, "pooling_mode", "only mean and cls are supported");
    }
    return modes == 1 ? LAC_OK : refuse(err, "pooling_mode", "must be one of mean and cls");
}

enum lac_status lac_encode_pooling_read(struct lac_str json, uint32_t hidden,
                                        enum lac_encode_pooling *out, struct lac_err *err)
{
    struct lac_json *v;
    enum lac_status status = parse(&v, json, LAC_JSON_OBJECT, err);
    const struct lac_json *width, *mode, *prompt;

    if (status != LAC_OK)
        return status;
    width = lac_json_get(v, "word_embedding_dimension");
    width = width ? width : lac_json_get(v, "embedding_dimension");
    mode = lac_json_get(v, "pooling_mode");
    prompt = lac_json_get(v, "include_prompt");
    if (width && (lac_json_kind(width) != LAC_JSON_INT || lac_json_int(width) != hidden))
        status = refuse(err, "word_embedding_dimension", "is not the model's hidden_size");
    else if (prompt && !lac_json_bool(prompt))
        status = refuse(err, "include_prompt", "only true is supported");
    else if (!mode)
        status = read_modes(v, out, err);
    else if (lac_str_is(lac_json_string(mode), "mean"))
        *out = LAC_ENCODE_POOL_MEAN;
    else if (lac_str_is(lac_json_string(mode), "cls"))
        *out = LAC_ENCODE_POOL_CLS;
    else
        status = refuse(err, "pooling_mode", "only mean and cls are supported");
    lac_json_free(v);
    return status;
}

enum lac_status lac_encode_window_read(struct lac_str json, uint32_t *window, struct lac_err *err)
{
    struct lac_json *v;
    enum lac_status status = parse(&v, json, LAC_JSON_OBJECT, err);
    uint32_t said = 0;

    if (status != LAC_OK)
        return status;
    if (lac_json_kind(lac_json_get(v, "max_seq_length")) != LAC_JSON_NULL)
        status = read_count(v, "max_seq_length", &said, err);
    if (status == LAC_OK && said != 0)
        *window = said;
    lac_json_free(v);
    return status;
}

enum lac_status lac_encode_limit_read(struct lac_str json, uint32_t *window, struct lac_err *err)
{
    struct lac_json *v;
    enum lac_status status = parse(&v, json, LAC_JSON_OBJECT, err);
    uint32_t said = *window;

    /* Where nobody set a limit there is none, or a number far too large for a whole one. */
    if (status == LAC_OK && lac_json_kind(lac_json_get(v, "model_max_length")) == LAC_JSON_INT)
        status = read_count(v, "model_max_length", &said, err);
    if (status == LAC_OK && said < *window)
        *window = said;
    lac_json_free(v);
    return status;
}

/* The prompt of that name; absent: `otherwise`. */
static struct lac_str prompt_of(const struct lac_json *prompts, const char *name,
                                struct lac_str otherwise)
{
    struct lac_str text = lac_json_string(lac_json_get(prompts, name));

    return text.ptr ? text : otherwise;
}

enum lac_status lac_encode_prompts_read(struct lac_str json,
                                        char prefix[2][LAC_ENCODE_PREFIX_MAX + 1],
                                        struct lac_err *err)
{
    struct lac_json *v;
    enum lac_status status = parse(&v, json, LAC_JSON_OBJECT, err);
    const struct lac_json *prompts;
    struct lac_str always, text[2];

    if (status != LAC_OK)
        return status;
    prompts = lac_json_get(v, "prompts");
    always = lac_json_string(lac_json_get(v, "default_prompt_name"));
    if (always.ptr)
        always = prompt_of(prompts, always.ptr, LAC_STR(""));
    else
        always = LAC_STR("");
    text[0] = prompt_of(prompts, "document", prompt_of(prompts, "passage", always));
    text[1] = prompt_of(prompts, "query", always);
    for (int i = 0; status == LAC_OK && i < 2; i++) {
        if (text[i].len > LAC_ENCODE_PREFIX_MAX) {
            status = lac_err_set(err, LAC_REJECT, 0, "prompts: one is longer than %d bytes",
                                 LAC_ENCODE_PREFIX_MAX);
            break;
        }
        memcpy(prefix[i], text[i].ptr, text[i].len);
        prefix[i][text[i].len] = 0;
    }
    lac_json_free(v);
    return status;
}
