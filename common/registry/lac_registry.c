/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_registry.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lac_buf.h"
#include "lac_clock.h"
#include "lac_conf.h"
#include "lac_http_client.h"
#include "lac_json.h"

enum {
    TIMEOUT_MS = 5000,
    UNKNOWN_TTL_MS = 30000,
    DOWN_TTL_MS = 1000,
    URL_MAX = 2048,
    SHOWN_MAX = 256, /* of an address, in an error's text */
    SUBJECT_NOT_FOUND = 40401,
    VERSION_NOT_FOUND = 40402,
    SCHEMA_NOT_FOUND = 40403,
    /* A schema inside a JSON string: its quotes and line ends double it. */
    ANSWER_MAX = 2 * LAC_WIRE_SCHEMA_BYTES + 4096,
};

static const char media_type[] = "Content-Type: application/vnd.schemaregistry.v1+json";
static const char accept_types[] =
    "Accept: application/vnd.schemaregistry.v1+json, application/json";

struct entry {
    bool taken;
    uint32_t id;
    uint64_t used;       /* tick */
    uint64_t expires_ms; /* of a refusal; 0: never */
    char *schema;        /* owned; NULL: refused */
    size_t len;
    const char *why; /* of a refusal */
};

struct lac_registry {
    char *url; /* without a slash at the end */
    struct lac_http_client *http;
    struct lac_buf answer;
    char moved_to[SHOWN_MAX]; /* where the last answer points, "" if nowhere */
    uint32_t unknown_ttl_ms;
    uint32_t down_ttl_ms;
    uint64_t down_until_ms;
    uint64_t tick;
    size_t kept_bytes;
    struct entry entries[LAC_REGISTRY_SCHEMAS_MAX];
};

static const char *nonempty(const char *text)
{
    return text && *text ? text : NULL;
}

struct lac_registry_options lac_registry_options_from_conf(const struct lac_conf *c)
{
    return (struct lac_registry_options){
        .url = lac_conf_text(c, "registry.url"),
        .username = lac_conf_text(c, "registry.username"),
        .password = lac_conf_text(c, "registry.password"),
        .ca_file = lac_conf_text(c, "registry.ssl_ca_file"),
        .timeout_ms = (uint32_t)lac_conf_number(c, "registry.timeout_ms"),
    };
}

enum lac_status lac_registry_open(struct lac_registry **out,
                                  const struct lac_registry_options *options, struct lac_err *err)
{
    struct lac_http_client_options http = {
        .connect_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS,
        .total_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS,
        .ca_file = nonempty(options->ca_file),
        .username = nonempty(options->username),
        .password = nonempty(options->username) ? options->password : NULL,
    };
    size_t len = options->url ? strlen(options->url) : 0;
    struct lac_registry *r;
    enum lac_status status;

    *out = NULL;
    while (len > 0 && options->url[len - 1] == '/')
        len--;
    if (len == 0 || len > URL_MAX)
        return lac_err_set(err, LAC_FATAL, 0, "registry: the URL is empty or too long");
    r = calloc(1, sizeof(*r));
    if (!r)
        return lac_err_set(err, LAC_FATAL, 0, "registry: out of memory");
    lac_buf_init(&r->answer, ANSWER_MAX);
    r->unknown_ttl_ms = options->unknown_ttl_ms ? options->unknown_ttl_ms : UNKNOWN_TTL_MS;
    r->down_ttl_ms = options->down_ttl_ms ? options->down_ttl_ms : DOWN_TTL_MS;
    r->url = lac_str_dup((struct lac_str){options->url, len});
    status = r->url ? lac_http_client_new(&r->http, &http, err)
                    : lac_err_set(err, LAC_FATAL, 0, "registry: out of memory");
    if (status != LAC_OK) {
        lac_registry_close(r);
        return status;
    }
    *out = r;
    return LAC_OK;
}

static void forget(struct lac_registry *r, struct entry *e)
{
    r->kept_bytes -= e->len;
    free(e->schema);
    *e = (struct entry){0};
}

void lac_registry_close(struct lac_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < LAC_COUNT(r->entries); i++)
        forget(r, &r->entries[i]);
    lac_buf_deinit(&r->answer);
    lac_http_client_free(r->http);
    free(r->url);
    free(r);
}

static struct entry *find(struct lac_registry *r, uint32_t id)
{
    for (size_t i = 0; i < LAC_COUNT(r->entries); i++) {
        struct entry *e = &r->entries[i];

        if (!e->taken || e->id != id)
            continue;
        if (e->expires_ms && lac_clock_mono_ms() >= e->expires_ms) {
            forget(r, e);
            return NULL;
        }
        e->used = ++r->tick;
        return e;
    }
    return NULL;
}

static struct entry *longest_unused(struct lac_registry *r)
{
    struct entry *least = NULL;

    for (size_t i = 0; i < LAC_COUNT(r->entries); i++) {
        struct entry *e = &r->entries[i];

        if (e->taken && (!least || e->used < least->used))
            least = e;
    }
    return least;
}

/* A slot for `id` that may keep `len` bytes of schema. */
static struct entry *claim(struct lac_registry *r, uint32_t id, size_t len)
{
    struct entry *slot = NULL;

    while (r->kept_bytes > 0 && r->kept_bytes + len > LAC_REGISTRY_BYTES_MAX)
        forget(r, longest_unused(r));
    for (size_t i = 0; i < LAC_COUNT(r->entries) && !slot; i++) {
        if (!r->entries[i].taken)
            slot = &r->entries[i];
    }
    if (!slot) {
        slot = longest_unused(r);
        forget(r, slot);
    }
    slot->taken = true;
    slot->id = id;
    slot->used = ++r->tick;
    return slot;
}

static enum lac_status refused(const struct entry *e, struct lac_err *err)
{
    return lac_err_set(err, LAC_REJECT, 0, "registry: schema id %" PRIu32 " %s", e->id, e->why);
}

/* `ttl_ms` 0: for good, as a schema does not change. */
static enum lac_status refuse(struct lac_registry *r, uint32_t id, const char *why, uint32_t ttl_ms,
                              struct lac_err *err)
{
    struct entry *e = claim(r, id, 0);

    e->why = why;
    e->expires_ms = ttl_ms ? lac_clock_mono_ms() + ttl_ms : 0;
    return refused(e, err);
}

static enum lac_status down(struct lac_registry *r, const char *what, struct lac_err *err)
{
    r->down_until_ms = lac_clock_mono_ms() + r->down_ttl_ms;
    return lac_err_set(err, LAC_RETRY, 0, "registry: %s", what);
}

/* The registry's own code in an error answer; 0 if there is none, so that it is not its answer. */
static int64_t error_code(const struct lac_registry *r)
{
    struct lac_json *json = NULL;
    int64_t code = 0;

    if (lac_json_parse(&json, lac_buf_str(&r->answer), NULL) == LAC_OK)
        code = lac_json_int(lac_json_get(json, "error_code"));
    lac_json_free(json);
    return code;
}

static enum lac_status unexpected(struct lac_registry *r, unsigned status, struct lac_err *err)
{
    char text[SHOWN_MAX + 96];
    struct lac_buf b;

    lac_buf_init_fixed(&b, text, sizeof(text));
    lac_buf_printf(&b, "answered %u", status);
    if (r->moved_to[0]) /* nobody goes there by itself: credentials would go with us */
        lac_buf_printf(&b, " and points to %s, check registry.url", r->moved_to);
    else
        lac_buf_put_text(&b, status == 401 || status == 403
                                 ? ", check registry.username and its rights"
                             : status == 404 ? " and is none, check registry.url"
                                             : "");
    return down(r, lac_buf_cstr(&b), err);
}

/* What is too large to be read. A proxy's page is as large, and says nothing about an id. */
static bool begins_as_a_schema(const struct lac_registry *r, unsigned status)
{
    return status == 200 && r->answer.len > 0 && r->answer.ptr[0] == '{';
}

/*
 * One exchange. LAC_OK: there was an answer, with `*status`. A registry that has just failed is
 * not asked again at once: a lane that waits a whole timeout per record would lose its session.
 */
static enum lac_status call(struct lac_registry *r, const char *path, struct lac_str body,
                            unsigned *status, struct lac_err *err)
{
    const char *const headers[] = {accept_types, media_type};
    char url[URL_MAX + 1024];
    struct lac_http_call exchange = {.url = url,
                                     .headers = headers,
                                     .header_count = body.ptr ? 2 : 1,
                                     .body = body,
                                     .status = status,
                                     .into = &r->answer,
                                     .moved_to = r->moved_to,
                                     .moved_to_size = sizeof(r->moved_to)};
    struct lac_err why = {0};
    enum lac_status sent;
    struct lac_buf b;

    if (lac_clock_mono_ms() < r->down_until_ms)
        return lac_err_set(err, LAC_RETRY, 0, "registry: failed a moment ago, waiting");
    *status = 0;
    lac_buf_init_fixed(&b, url, sizeof(url));
    lac_buf_printf(&b, "%s%s", r->url, path);
    lac_buf_put_char(&b, '\0');
    if (!lac_buf_ok(&b))
        return lac_err_set(err, LAC_REJECT, 0, "registry: the subject is too long");
    lac_buf_reset(&r->answer);
    sent = lac_http_client_send(r->http, &exchange, &why);
    if (sent == LAC_RETRY)
        return down(r, why.text[0] ? why.text : "no answer", err);
    if (sent == LAC_REJECT && !begins_as_a_schema(r, *status))
        return unexpected(r, *status, err);
    if (sent != LAC_OK)
        return lac_err_set(err, sent, why.code, "registry: %s", why.text);
    return LAC_OK;
}

/* Takes the schema out of a 200 answer and keeps it. */
static enum lac_status keep(struct lac_registry *r, uint32_t id, struct lac_str *schema,
                            struct lac_err *err)
{
    struct lac_json *json = NULL;
    struct lac_str text, type;
    enum lac_status status;
    struct entry *e;
    char *copy;

    status = lac_json_parse(&json, lac_buf_str(&r->answer), NULL);
    text = lac_json_string(lac_json_get(json, "schema"));
    type = lac_json_string(lac_json_get(json, "schemaType"));
    if (status != LAC_OK || !text.ptr) {
        status = down(r, "the answer has no schema", err);
        goto out;
    }
    if (type.ptr && !lac_str_eq_nocase(type, "AVRO")) {
        status = refuse(r, id, "is not an Avro schema", 0, err);
        goto out;
    }
    if (lac_json_size(lac_json_get(json, "references")) > 0) {
        status = refuse(r, id, "refers to other subjects, which is not supported", 0, err);
        goto out;
    }
    if (text.len > LAC_WIRE_SCHEMA_BYTES) {
        status = refuse(r, id, "is too large", 0, err);
        goto out;
    }
    copy = malloc(text.len + 1);
    if (!copy) {
        status = lac_err_set(err, LAC_RETRY, 0, "registry: out of memory");
        goto out;
    }
    memcpy(copy, text.ptr, text.len + 1);
    e = claim(r, id, text.len);
    e->schema = copy;
    e->len = text.len;
    r->kept_bytes += e->len;
    *schema = (struct lac_str){e->schema, e->len};
    status = LAC_OK;
out:
    lac_json_free(json);
    return status;
}

enum lac_status lac_registry_by_id(struct lac_registry *r, uint32_t id, struct lac_str *schema,
                                   struct lac_err *err)
{
    const struct entry *e = find(r, id);
    enum lac_status sent;
    unsigned status = 0;
    char path[64];
    struct lac_buf b;

    if (e && !e->schema)
        return refused(e, err);
    if (e) {
        *schema = (struct lac_str){e->schema, e->len};
        return LAC_OK;
    }
    lac_buf_init_fixed(&b, path, sizeof(path));
    lac_buf_printf(&b, "/schemas/ids/%" PRIu32, id);
    sent = call(r, lac_buf_cstr(&b), LAC_STR_NULL, &status, err);
    if (sent == LAC_REJECT)
        return refuse(r, id, "is too large", 0, err);
    if (sent != LAC_OK)
        return sent;
    if (status == 200)
        return keep(r, id, schema, err);
    /* A wrong URL gives 404 too: only the registry's own code says that it knows no such id. */
    if (status == 404) {
        int64_t code = error_code(r);

        if (code >= SUBJECT_NOT_FOUND && code <= SCHEMA_NOT_FOUND)
            return refuse(r, id, "is not known", r->unknown_ttl_ms, err);
    }
    return unexpected(r, status, err);
}

static enum lac_status by_id(void *ctx, uint32_t id, struct lac_str *schema, struct lac_err *err)
{
    return lac_registry_by_id(ctx, id, schema, err);
}

struct lac_schema_source lac_registry_source(struct lac_registry *r)
{
    return (struct lac_schema_source){r, by_id};
}

/* A subject is a topic's name and a suffix, but a prefix from the configuration may hold anything.
 */
static void put_segment(struct lac_buf *b, struct lac_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '.' || c == '-' || c == '_')
            lac_buf_put_char(b, (char)c);
        else
            lac_buf_printf(b, "%%%02X", c);
    }
}

static enum lac_status registered(struct lac_registry *r, unsigned status, uint32_t *id,
                                  struct lac_err *err)
{
    struct lac_json *json = NULL;
    const struct lac_json *number;
    enum lac_status result = LAC_OK;

    if (status == 409 || status == 422)
        return lac_err_set(err, LAC_REJECT, (int)status, "registry: refuses our schema: %s",
                           status == 409 ? "incompatible with the subject's last version"
                                         : "not valid");
    if (status != 200)
        return unexpected(r, status, err);
    if (lac_json_parse(&json, lac_buf_str(&r->answer), NULL) != LAC_OK)
        return down(r, "the answer is not JSON", err);
    number = lac_json_get(json, "id");
    if (lac_json_kind(number) != LAC_JSON_INT || lac_json_int(number) < 0 ||
        lac_json_int(number) > UINT32_MAX)
        result = down(r, "the answer has no id", err);
    else
        *id = (uint32_t)lac_json_int(number);
    lac_json_free(json);
    return result;
}

enum lac_status lac_registry_register(struct lac_registry *r, struct lac_str subject,
                                      struct lac_str schema, uint32_t *id, struct lac_err *err)
{
    struct lac_json_writer w;
    enum lac_status status;
    unsigned http_status = 0;
    struct lac_buf body, path;
    char text[1024];

    lac_buf_init_fixed(&path, text, sizeof(text));
    lac_buf_put_text(&path, "/subjects/");
    put_segment(&path, subject);
    lac_buf_put_text(&path, "/versions");
    lac_buf_put_char(&path, '\0');
    if (!lac_buf_ok(&path))
        return lac_err_set(err, LAC_REJECT, 0, "registry: the subject is too long");
    lac_buf_init(&body, ANSWER_MAX);
    lac_json_begin(&w, &body);
    lac_json_open_object(&w);
    lac_json_key(&w, "schema");
    lac_json_put_str(&w, schema);
    lac_json_close_object(&w);
    if (lac_json_done(&w))
        status = call(r, text, lac_buf_str(&body), &http_status, err);
    else
        status = lac_err_set(err, LAC_REJECT, 0, "registry: the schema is too large");
    lac_buf_deinit(&body);
    return status == LAC_OK ? registered(r, http_status, id, err) : status;
}
