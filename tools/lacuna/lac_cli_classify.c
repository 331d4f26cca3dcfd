/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text, classified here or by a bridge. Both ways end in the same JSON answer, and what
 * people see is made of that, so the two can't drift apart.
 */
#include "lac_cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_answer.h"
#include "lac_assert.h"
#include "lac_cli_semantic.h"
#include "lac_clock.h"
#include "lac_digest.h"
#include "lac_engine.h"
#include "lac_file.h"
#include "lac_http_client.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_records.h"
#include "lac_table.h"
#include "lac_utf8.h"
#include "lac_width.h"

enum {
    TEXT_MAX = 1 << 20, /* as the bridge's default bound */
    ANSWER_MAX = 8 << 20,
    ARENA_BYTES = LAC_ENGINE_ARENA_MIN + 16 * TEXT_MAX,
    HTTP_MS = 30000,
    MOST_LIKE_BYTES = 512,
};

struct classify_options {
    const char *file, *url, *strategy, *pack, *model, *project, *user, *role, *department,
        *environment, *purpose, *session, *kind, *claimed, *max_tier;
    bool json;
    enum lac_tier claimed_tier, most;
};

static int read_stdin(const struct lac_tool *t, struct lac_buf *text)
{
    char why[160];

    for (;;) {
        char *at = lac_buf_reserve(text, 1 << 14);
        ssize_t n;

        if (!at)
            return lac_tool_fail(t, LAC_EXIT_FAILURE, "the text is longer than 1 MiB", NULL);
        n = read(STDIN_FILENO, at, 1 << 14);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            (void)snprintf(why, sizeof(why), "standard input: %s", lac_errno_text(errno));
            return lac_tool_fail(t, LAC_EXIT_FAILURE, why,
                                 "Give a text as words, with --file or a pipe.");
        }
        if (n == 0)
            return -1;
        lac_buf_commit(text, (size_t)n);
    }
}

/* The text: of --file, of the words, or of stdin. */
static int read_text(const struct lac_tool *t, const struct classify_options *o,
                     struct lac_buf *text)
{
    struct lac_err err;
    int status = -1;

    if (o->file && t->operand_count)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "give either a text or --file", NULL);
    if (o->file && strcmp(o->file, "-") != 0) {
        if (lac_file_read(o->file, text, &err) != LAC_OK)
            return lac_tool_fail(t, LAC_EXIT_FAILURE, err.text, NULL);
    } else if (t->operand_count && strcmp(t->operands[0], "-") != 0) {
        for (int i = 0; i < t->operand_count; i++) {
            lac_buf_put_text(text, i ? " " : "");
            lac_buf_put_text(text, t->operands[i]);
        }
    } else if (!t->operand_count && !o->file && isatty(STDIN_FILENO)) {
        return lac_tool_fail(t, LAC_EXIT_USAGE, "no text: give it as words, with --file or a pipe",
                             "`lacuna classify --help` has examples.");
    } else {
        status = read_stdin(t, text);
    }
    if (status >= 0)
        return status;
    if (!lac_buf_ok(text))
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "the text is longer than 1 MiB", NULL);
    return -1;
}

static int check(const struct lac_tool *t, struct classify_options *o)
{
    struct lac_err err;

    if (o->claimed && !lac_tier_parse(lac_str_from(o->claimed), &o->claimed_tier))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--claim is PUBLIC, INTERNAL or PROPRIETARY", NULL);
    if (o->max_tier && !lac_tier_parse(lac_str_from(o->max_tier), &o->most))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--max-tier is PUBLIC, INTERNAL or PROPRIETARY",
                             NULL);
    if (o->kind && strcmp(o->kind, "query") != 0 && strcmp(o->kind, "document") != 0)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--kind is query or document", NULL);
    if (o->url && (o->strategy || o->pack || o->model))
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "--strategy, --pack and --model are the bridge's own when --url is "
                             "given",
                             NULL);
    if ((o->strategy &&
         lac_conf_set(t->conf, "classification.strategy", o->strategy, &err) != LAC_OK) ||
        (o->pack && lac_conf_set(t->conf, "pack.path", o->pack, &err) != LAC_OK))
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return lac_cli_semantic_settings(t, o->model, NULL);
}

static void fill_request(const struct classify_options *o, struct lac_str text,
                         struct lac_request *r)
{
    lac_request_init(r);
    r->text = text;
    r->kind = o->kind && strcmp(o->kind, "document") == 0 ? LAC_KIND_DOCUMENT : LAC_KIND_QUERY;
    r->project = lac_str_from(o->project);
    r->environment = lac_str_from(o->environment);
    r->purpose = lac_str_from(o->purpose);
    r->session = lac_str_from(o->session);
    if (o->user || o->role || o->department) {
        r->has_user = true;
        r->user = (struct lac_user){.id = lac_str_from(o->user ? o->user : ""),
                                    .role = lac_str_from(o->role),
                                    .department = lac_str_from(o->department)};
    }
    r->has_claimed_tier = o->claimed != NULL;
    r->claimed_tier = o->claimed_tier;
}

/* The configured key, so that the commitment is the one a worker would make; without one, any
 * key will do, because nobody keeps this answer. */
static enum lac_status commitment_key(const struct lac_conf *c, struct lac_buf *key,
                                      struct lac_err *err)
{
    const char *file = lac_conf_text(c, "commitment.key_file");
    char *at;

    lac_buf_init(key, 4096);
    if (*file)
        return lac_file_read(file, key, err);
    at = lac_buf_reserve(key, LAC_SHA256_SIZE);
    if (!at)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    lac_random_bytes(at, LAC_SHA256_SIZE);
    lac_buf_commit(key, LAC_SHA256_SIZE);
    return LAC_OK;
}

static enum lac_status decide(const struct lac_engine_options *options, const struct lac_pack *pack,
                              const struct lac_request *request, struct lac_arena *a,
                              struct lac_buf *answer, struct lac_err *err)
{
    struct lac_engine_in in = {.request = request};
    struct lac_engine_out out;
    struct lac_engine *engine;
    struct lac_json_writer w;
    uint64_t started = lac_clock_mono_ns();
    size_t size = lac_request_encoded_size(request);
    char *raw = lac_arena_alloc(a, size);
    enum lac_status status;

    if (!raw)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "the request is too large");
    in.raw = (struct lac_str){raw, lac_request_encode(request, raw)};
    status = lac_engine_open(&engine, options, err);
    if (status != LAC_OK)
        return status;
    status = lac_engine_run(engine, pack, &in, 1, a, &out, err);
    if (status == LAC_OK) {
        struct lac_answer made = {.core = &out.core,
                                  .latency_us = (lac_clock_mono_ns() - started) / 1000};

        lac_json_begin(&w, answer);
        lac_answer_json(&w, &made);
        if (!lac_json_done(&w))
            status = lac_err_set(err, LAC_FATAL, 0, "the answer is too large");
    }
    lac_engine_close(engine);
    return status;
}

/* Everything but the text is there. */
static int decide_here(const struct lac_tool *t, const struct classify_options *o,
                       struct lac_str text, const struct lac_pack *pack,
                       struct lac_engine_options *options, struct lac_buf *answer)
{
    struct lac_request request;
    struct lac_arena a = {0};
    struct lac_err err;
    enum lac_status status = lac_arena_init(&a, ARENA_BYTES, &err);
    int exit_status = -1;

    if (status == LAC_OK)
        exit_status = lac_cli_semantic_for(t, &pack, 1, &options->semantic);
    if (status == LAC_OK && exit_status < 0) {
        fill_request(o, text, &request);
        status = decide(options, pack, &request, &a, answer, &err);
    }
    lac_semantic_close(options->semantic);
    lac_arena_deinit(&a);
    return status == LAC_OK ? exit_status : lac_tool_fail(t, LAC_EXIT_FAILURE, err.text, NULL);
}

static int classify_here(const struct lac_tool *t, const struct classify_options *o,
                         struct lac_str text, struct lac_buf *answer)
{
    struct lac_engine_options options = {
        .commitment_key_id = lac_str_from(lac_conf_text(t->conf, "commitment.key_id"))};
    struct lac_pack *pack = NULL;
    struct lac_buf key = {0};
    struct lac_err err;
    enum lac_status status;
    int exit_status;

    if (!lac_utf8_valid(text))
        return lac_tool_fail(
            t, LAC_EXIT_FAILURE, "the text is not UTF-8",
            "Convert it first: `iconv -f UTF-16 -t UTF-8 FILE | lacuna classify`.");
    /* The configuration knows these words only. */
    LAC_ASSERT(lac_strategy_parse(lac_str_from(lac_conf_text(t->conf, "classification.strategy")),
                                  &options.strategy));
    status = lac_pack_open(&pack, lac_conf_text(t->conf, "pack.path"), &err);
    if (status == LAC_OK)
        status = commitment_key(t->conf, &key, &err);
    options.commitment_key = lac_buf_str(&key);
    exit_status = status == LAC_OK ? decide_here(t, o, text, pack, &options, answer)
                                   : lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    if (key.ptr)
        lac_digest_wipe(key.ptr, key.len);
    lac_buf_deinit(&key);
    lac_pack_close(pack);
    return exit_status;
}

static void put_member(struct lac_json_writer *w, const char *name, const char *value)
{
    if (!value)
        return;
    lac_json_key(w, name);
    lac_json_put_text(w, value);
}

static bool put_body(const struct classify_options *o, struct lac_str text, struct lac_buf *body)
{
    struct lac_json_writer w;

    lac_json_begin(&w, body);
    lac_json_open_object(&w);
    lac_json_key(&w, "text");
    lac_json_put_str(&w, text);
    put_member(&w, "project", o->project);
    put_member(&w, "environment", o->environment);
    put_member(&w, "purpose", o->purpose);
    put_member(&w, "session", o->session);
    put_member(&w, "kind", o->kind);
    if (o->claimed)
        put_member(&w, "claimed_tier", lac_tier_name(o->claimed_tier));
    if (o->user || o->role || o->department) {
        lac_json_key(&w, "user");
        lac_json_open_object(&w);
        put_member(&w, "id", o->user ? o->user : "");
        put_member(&w, "role", o->role);
        put_member(&w, "department", o->department);
        lac_json_close_object(&w);
    }
    lac_json_close_object(&w);
    return lac_json_done(&w);
}

/* What a bridge that says no has to say: problem+json's title and detail. */
static int refused(const struct lac_tool *t, unsigned status, const struct lac_buf *answer)
{
    struct lac_json *doc = NULL;
    struct lac_err err;
    struct lac_str title = LAC_STR_NULL, detail = LAC_STR_NULL;
    char what[512];
    int exit_status;

    if (lac_json_parse(&doc, lac_buf_str(answer), &err) == LAC_OK) {
        title = lac_json_string(lac_json_get(doc, "title"));
        detail = lac_json_string(lac_json_get(doc, "detail"));
    }
    snprintf(what, sizeof(what), "the bridge answered %u%s%.*s%s%.*s", status,
             title.ptr ? ": " : "", LAC_STR_FMT(title), detail.ptr ? ": " : "",
             LAC_STR_FMT(detail));
    lac_json_free(doc);
    exit_status = status == 401 || status == 403
                      ? lac_tool_fail(t, LAC_EXIT_USAGE, what,
                                      "Set LACUNA_API_KEY, or bridge.api_key in the file.")
                  : status >= 400 && status < 500 && status != 429
                      ? lac_tool_fail(t, LAC_EXIT_USAGE, what, NULL)
                      : lac_tool_fail(t, LAC_EXIT_DEPENDENCY, what, NULL);
    return exit_status;
}

static int classify_there(const struct lac_tool *t, const struct classify_options *o,
                          struct lac_str text, struct lac_buf *answer)
{
    static const char *const headers[] = {"Content-Type: application/json"};
    const char *key = lac_conf_text(t->conf, "bridge.api_key");
    struct lac_http_client_options options = {.total_ms = HTTP_MS, .bearer = *key ? key : NULL};
    char url[2048];
    struct lac_http_client *client;
    struct lac_http_call call = {
        .url = url, .headers = headers, .header_count = LAC_COUNT(headers), .into = answer};
    struct lac_buf body;
    struct lac_err err;
    enum lac_status status;
    unsigned code = 0;
    int n = snprintf(url, sizeof(url), "%s%s", o->url,
                     strstr(o->url, "/api/")                          ? ""
                     : o->url[0] && o->url[strlen(o->url) - 1] == '/' ? "api/v1/classify"
                                                                      : "/api/v1/classify");

    if (n < 0 || (size_t)n >= sizeof(url))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--url is too long", NULL);
    if (lac_http_client_new(&client, &options, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, err.text, NULL);
    lac_buf_init(&body, (size_t)8 * TEXT_MAX);
    call.status = &code;
    if (!put_body(o, text, &body)) {
        status = lac_err_set(&err, LAC_FATAL, 0, "the text is too large");
    } else {
        call.body = lac_buf_str(&body);
        status = lac_http_client_send(client, &call, &err);
    }
    lac_buf_deinit(&body);
    lac_http_client_free(client);
    if (code != 0 && code != 200)
        return refused(t, code, answer);
    if (status == LAC_FATAL)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return status == LAC_OK ? -1 : lac_tool_dependency(t, &err, "Is the bridge at --url running?");
}

static void put_list(struct lac_buf *b, const struct lac_json *list, const char *none)
{
    for (size_t i = 0; i < lac_json_size(list); i++) {
        lac_buf_put_text(b, i ? ", " : "");
        (void)lac_width_put(b, lac_json_string(lac_json_item(list, i)), 0, false);
    }
    if (lac_json_size(list) == 0)
        lac_buf_put_text(b, none);
    lac_buf_put_char(b, '\n');
}

static void put_findings(const struct lac_tool *t, struct lac_buf *b, const struct lac_json *list)
{
    static const struct lac_table_column columns[] = {
        {.title = "FOUND"},
        {.title = "RULE", .shrinks = true},
        {.title = "WHERE", .shrinks = true},
        {.title = "SAYS"},
        {.title = "AS"},
        {.title = "SCORE", .right = true},
    };
    struct lac_table table;

    if (lac_json_size(list) == 0)
        return;
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_ENGINE_FINDING_MAX);
    for (size_t i = 0; i < lac_json_size(list); i++) {
        const struct lac_json *f = lac_json_item(list, i);
        struct lac_str tier = lac_json_string(lac_json_get(f, "tier"));

        lac_table_add(&table, lac_json_string(lac_json_get(f, "entity")), LAC_STYLE_NONE);
        lac_table_add(&table, lac_json_string(lac_json_get(f, "rule")), LAC_STYLE_NONE);
        lac_table_addf(&table, LAC_STYLE_NONE, "%.*s %lld-%lld",
                       LAC_STR_FMT(lac_json_string(lac_json_get(f, "field"))),
                       (long long)lac_json_int(lac_json_get(f, "start")),
                       (long long)lac_json_int(lac_json_get(f, "end")));
        lac_table_add(&table, tier, lac_term_tier_style(tier));
        lac_table_add(&table, lac_json_string(lac_json_get(f, "strength")), LAC_STYLE_NONE);
        lac_table_addf(&table, LAC_STYLE_NONE, "%.2f", lac_json_real(lac_json_get(f, "score")));
    }
    lac_buf_put_char(b, '\n');
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
}

static void put_opinions(const struct lac_tool *t, struct lac_buf *b, const struct lac_json *list)
{
    static const struct lac_table_column columns[] = {
        {.title = "OPINION", .shrinks = true},   {.title = "PUBLIC", .right = true},
        {.title = "INTERNAL", .right = true},    {.title = "PROPRIETARY", .right = true},
        {.title = "MOST LIKE", .shrinks = true},
    };
    static const char *const tiers[] = {"public", "internal", "proprietary"};
    struct lac_table table;

    if (lac_json_size(list) == 0)
        return;
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_ENGINE_FINDING_MAX);
    for (size_t i = 0; i < lac_json_size(list); i++) {
        const struct lac_json *o = lac_json_item(list, i);
        const struct lac_json *p = lac_json_get(o, "likelihoods");
        const struct lac_json *ids = lac_json_get(o, "exemplars");
        char memory[MOST_LIKE_BYTES];
        struct lac_buf like;

        lac_table_addf(&table, LAC_STYLE_NONE, "%.*s %.*s",
                       LAC_STR_FMT(lac_json_string(lac_json_get(o, "layer"))),
                       LAC_STR_FMT(lac_json_string(lac_json_get(o, "source"))));
        for (size_t k = 0; k < LAC_COUNT(tiers); k++)
            lac_table_addf(&table, LAC_STYLE_NONE, "%.3f",
                           lac_json_real(lac_json_get(p, tiers[k])));
        lac_buf_init_fixed(&like, memory, sizeof(memory));
        for (size_t k = 0; k < lac_json_size(ids) && lac_buf_ok(&like); k++) {
            lac_buf_put_text(&like, k ? ", " : "");
            lac_buf_put_str(&like, lac_json_string(lac_json_item(ids, k)));
        }
        lac_table_add(&table, lac_buf_str(&like), LAC_STYLE_NONE);
    }
    lac_buf_put_char(b, '\n');
    lac_table_print(&table, &t->out, b);
    lac_table_deinit(&table);
}

static bool is_strategy(const struct lac_json *observation)
{
    return lac_str_is(lac_json_string(lac_json_get(observation, "kind")), LAC_OBSERVATION_STRATEGY);
}

/* What the answer was made with, which a bridge's worker knows and we don't. */
static void put_strategy(struct lac_buf *b, const struct lac_json *list)
{
    for (size_t i = 0; i < lac_json_size(list); i++) {
        const struct lac_json *o = lac_json_item(list, i);

        if (!is_strategy(o))
            continue;
        lac_buf_put_text(b, "Strategy    ");
        (void)lac_width_put(b, lac_json_string(lac_json_get(o, "value")), 0, false);
        lac_buf_put_char(b, '\n');
        return;
    }
}

/* "Noted       unavailable semantic", a line for each but the strategy, which has its own. */
static void put_observations(struct lac_buf *b, const struct lac_json *list)
{
    bool first = true;

    for (size_t i = 0; i < lac_json_size(list); i++) {
        const struct lac_json *o = lac_json_item(list, i);

        if (is_strategy(o))
            continue;
        lac_buf_put_text(b, first ? "Noted       " : "            ");
        first = false;
        for (int k = 0; k < 3; k++) {
            static const char *const keys[] = {"kind", "name", "value"};
            struct lac_str word = lac_json_string(lac_json_get(o, keys[k]));

            lac_buf_put_text(b, k && word.len ? " " : "");
            (void)lac_width_put(b, word, 0, false);
        }
        lac_buf_put_char(b, '\n');
    }
}

static void put_people(const struct lac_tool *t, const struct lac_json *doc, struct lac_buf *b)
{
    struct lac_str tier = lac_json_string(lac_json_get(doc, "tier"));
    const struct lac_json *p = lac_json_get(doc, "posterior");
    char name[32];

    snprintf(name, sizeof(name), "%.*s", LAC_STR_FMT(tier));
    lac_term_put(&t->out, b, lac_term_tier_style(tier), name);
    lac_buf_printf(b, "  confidence %.3f%s\n", lac_json_real(lac_json_get(doc, "confidence")),
                   lac_json_bool(lac_json_get(doc, "final")) || !lac_json_get(doc, "final")
                       ? ""
                       : ", a revision may follow");
    (void)lac_width_put(b, lac_json_string(lac_json_get(doc, "reasoning")), 0, !t->out.utf8);
    lac_buf_put_text(b, "\n\nMay go to   ");
    put_list(b, lac_json_get(doc, "route"), "nowhere");
    lac_buf_put_text(b, "Tags        ");
    put_list(b, lac_json_get(doc, "tags"), "none");
    lac_buf_printf(b, "Belief      PUBLIC %.3f  INTERNAL %.3f  PROPRIETARY %.3f\n",
                   lac_json_real(lac_json_get(p, "public")),
                   lac_json_real(lac_json_get(p, "internal")),
                   lac_json_real(lac_json_get(p, "proprietary")));
    put_strategy(b, lac_json_get(doc, "observations"));
    if (lac_json_get(doc, "event_id"))
        lac_buf_printf(b, "Event       %.*s\n",
                       LAC_STR_FMT(lac_json_string(lac_json_get(doc, "event_id"))));
    put_observations(b, lac_json_get(doc, "observations"));
    put_findings(t, b, lac_json_get(doc, "findings"));
    put_opinions(t, b, lac_json_get(doc, "opinions"));
}

static int show(const struct lac_tool *t, const struct classify_options *o,
                const struct lac_buf *answer)
{
    enum lac_tier tier = LAC_TIER_PROPRIETARY;
    struct lac_json *doc;
    struct lac_err err;
    struct lac_buf b;
    int status;

    if (lac_json_parse(&doc, lac_buf_str(answer), &err) != LAC_OK ||
        !lac_tier_parse(lac_json_string(lac_json_get(doc, "tier")), &tier)) {
        lac_json_free(doc);
        return lac_tool_fail(t, LAC_EXIT_DEPENDENCY, "the answer is no decision",
                             "Does --url lead to a Lacuna bridge?");
    }
    lac_buf_init(&b, 2 * (size_t)ANSWER_MAX);
    if (o->json) {
        lac_buf_put_str(&b, lac_buf_str(answer));
        lac_buf_put_char(&b, '\n');
    } else {
        put_people(t, doc, &b);
    }
    lac_json_free(doc);
    status = lac_cli_flush(t, &b);
    lac_buf_deinit(&b);
    return lac_cli_verdict(status, o->max_tier && tier > o->most ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK);
}

static int classify(const struct lac_tool *t, struct classify_options *o)
{
    struct lac_buf text, answer;
    int status = check(t, o);

    lac_buf_init(&text, TEXT_MAX);
    lac_buf_init(&answer, ANSWER_MAX);
    if (status < 0)
        status = read_text(t, o, &text);
    if (status < 0)
        status = o->url ? classify_there(t, o, lac_buf_str(&text), &answer)
                        : classify_here(t, o, lac_buf_str(&text), &answer);
    if (status < 0)
        status = show(t, o, &answer);
    lac_buf_deinit(&text);
    lac_buf_deinit(&answer);
    return status;
}

int lac_cli_classify(int argc, char **argv)
{
    struct classify_options o = {0};
    const struct lac_args_option options[] = {
        {'f', "file", LAC_ARGS_TEXT, &o.file, "FILE", "Classify this file's content", 0, 0},
        {0, "url", LAC_ARGS_TEXT, &o.url, "URL", "Ask this bridge instead of deciding here", 0, 0},
        {'s', "strategy", LAC_ARGS_TEXT, &o.strategy, "NAME",
         "conservative, balanced or aggressive", 0, 0},
        {0, "pack", LAC_ARGS_TEXT, &o.pack, "DIR", "Use this policy pack", 0, 0},
        {'m', "model", LAC_ARGS_TEXT, &o.model, "DIR|NAME",
         "The encoder that the pack's head wants lies there (LACUNA_MODEL)", 0, 0},
        {'p', "project", LAC_ARGS_TEXT, &o.project, "NAME", "Project the text belongs to", 0, 0},
        {'u', "user", LAC_ARGS_TEXT, &o.user, "ID", "Who asks", 0, 0},
        {0, "role", LAC_ARGS_TEXT, &o.role, "NAME", "Their role", 0, 0},
        {0, "department", LAC_ARGS_TEXT, &o.department, "NAME", "Their department", 0, 0},
        {'e', "environment", LAC_ARGS_TEXT, &o.environment, "NAME", "For example production", 0, 0},
        {0, "purpose", LAC_ARGS_TEXT, &o.purpose, "TEXT", "Why they ask", 0, 0},
        {0, "session", LAC_ARGS_TEXT, &o.session, "ID", "Session", 0, 0},
        {0, "kind", LAC_ARGS_TEXT, &o.kind, "KIND", "query (the default) or document", 0, 0},
        {0, "claim", LAC_ARGS_TEXT, &o.claimed, "TIER", "A claim: raises the answer only", 0, 0},
        {0, "max-tier", LAC_ARGS_TEXT, &o.max_tier, "TIER",
         "Exit with 1 when the answer is above this tier", 0, 0},
        {'j', "json", LAC_ARGS_SWITCH, &o.json, NULL, "The answer as the HTTP API gives it", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna classify",
        .usage = "[OPTION]... [TEXT...|-]",
        .summary = "Decide how sensitive one text is, and say why.",
        .details =
            "Without --url the decision is made in this process, with the configured pack and\n"
            "strategy, and recorded nowhere.",
        .examples =
            "  lacuna classify 'Invoice for jane.doe@example.com'\n"
            "  lacuna classify --file draft.md --max-tier INTERNAL   # 1 when it may not leave\n"
            "  pbpaste | lacuna classify --project apollo --json\n"
            "  lacuna classify --url http://127.0.0.1:8000 'how do I merge two lists?'\n",
        .negative = "the answer is above --max-tier",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = classify(&t, &o);
    lac_tool_close(&t);
    return status;
}
