/* SPDX-License-Identifier: Apache-2.0 */
/* Runs what the rules say about themselves, and checks that it would notice if they broke. */
#include "lac_cli_pack.h"

#include <string.h>

#include "lac_cli.h"
#include "lac_cli_pack_try_head.h"
#include "lac_cli_semantic.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_pack_try.h"
#include "lac_progress.h"

enum { OUTPUT_MAX = 32 << 20, QUOTE_MAX = 120, SHARED_MAX = 1024 };

/* A part that a file gives to all of its rules: one of them has to notice. */
struct shared {
    struct lac_str file;
    enum lac_pack_part part;
    bool noticed;
};

struct run {
    const struct lac_tool *t;
    const struct lac_pack *p;
    struct lac_semantic *semantic; /* NULL: rules alone */
    struct lac_pack_try *try;
    const char *rule; /* only this one; NULL: all */
    bool mutate;
    struct lac_json_writer *json; /* NULL: text */
    struct lac_buf *out;
    size_t rules, examples, failed, parts, unnoticed;
    struct lac_cli_pack_try_head head;
    struct shared shared[SHARED_MAX];
    size_t shared_count;
};

static struct lac_str rule_id(const struct run *r, size_t i)
{
    return lac_match_rule_at(lac_pack_match(r->p), i)->id;
}

static void on_failure(void *ctx, size_t rule, bool wanted, size_t example, struct lac_str text)
{
    struct run *r = ctx;
    struct lac_str id = rule_id(r, rule);

    if (!r->json) {
        lac_buf_printf(r->out, "%.*s: %s example %zu: %s '%.*s'%s\n", LAC_STR_FMT(id),
                       wanted ? "match" : "no_match", example + 1,
                       wanted ? "does not find" : "finds",
                       (int)(text.len > QUOTE_MAX ? QUOTE_MAX : text.len), text.ptr,
                       text.len > QUOTE_MAX ? "..." : "");
        return;
    }
    lac_json_open_object(r->json);
    lac_json_key(r->json, "rule");
    lac_json_put_str(r->json, id);
    lac_json_key(r->json, "list");
    lac_json_put_text(r->json, wanted ? "match" : "no_match");
    lac_json_key(r->json, "example");
    lac_json_put_uint(r->json, example + 1);
    lac_json_key(r->json, "text");
    lac_json_put_str(r->json, text);
    lac_json_close_object(r->json);
}

/* `what` is a rule's id, or a file whose defaults have the part. */
static void on_unnoticed(struct run *r, const char *key, struct lac_str what,
                         enum lac_pack_part part)
{
    bool file = strcmp(key, "file") == 0;

    r->unnoticed++;
    if (!r->json) {
        lac_buf_printf(r->out, "%.*s: no example %sfails without %s %s\n", LAC_STR_FMT(what),
                       file ? "in the file " : "", file ? "the default" : "its",
                       lac_pack_part_name(part));
        return;
    }
    lac_json_open_object(r->json);
    lac_json_key(r->json, key);
    lac_json_put_str(r->json, what);
    lac_json_key(r->json, "part");
    lac_json_put_text(r->json, lac_pack_part_name(part));
    lac_json_close_object(r->json);
}

/* Counts a part of its own at once, one of the file's defaults when all rules are through. */
static void on_part(struct run *r, size_t rule, enum lac_pack_part part,
                    const struct lac_pack_without *w)
{
    if (!w->shared) {
        r->parts++;
        if (!w->noticed)
            on_unnoticed(r, "rule", rule_id(r, rule), part);
        return;
    }
    for (size_t i = 0; i < r->shared_count; i++)
        if (r->shared[i].part == part && lac_str_eq(r->shared[i].file, w->file)) {
            r->shared[i].noticed = r->shared[i].noticed || w->noticed;
            return;
        }
    if (r->shared_count == SHARED_MAX)
        return;
    r->parts++;
    r->shared[r->shared_count++] = (struct shared){w->file, part, w->noticed};
}

static bool wanted(const struct run *r, size_t i)
{
    return !r->rule || lac_str_is(rule_id(r, i), r->rule);
}

static enum lac_status run_examples(struct run *r, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < lac_match_rule_count(lac_pack_match(r->p)) && status == LAC_OK; i++) {
        struct lac_pack_examples e = lac_pack_examples(r->p, i);
        size_t failed = 0;

        if (!wanted(r, i))
            continue;
        r->rules++;
        r->examples += e.match_count + e.no_match_count;
        status = lac_pack_try_rule(r->try, i, on_failure, r, &failed, err);
        r->failed += failed;
    }
    return status;
}

static enum lac_status run_mutations(struct run *r, struct lac_err *err)
{
    size_t count = lac_match_rule_count(lac_pack_match(r->p));
    enum lac_status status = LAC_OK;
    struct lac_progress progress;
    struct lac_term term = r->t->err;

    lac_progress_init(&progress, &term);
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        struct lac_pack_examples e = lac_pack_examples(r->p, i);

        if (lac_progress_due(&progress))
            lac_progress_bar(&progress, i, count, "rules");
        /* Names have no examples: nothing could notice. */
        for (int part = 0; part < LAC_PACK_PARTS && status == LAC_OK; part++) {
            struct lac_pack_without w;

            if (!wanted(r, i) || e.match_count + e.no_match_count == 0)
                break;
            status = lac_pack_try_without(r->try, i, (enum lac_pack_part)part, &w, err);
            if (status == LAC_OK && w.had)
                on_part(r, i, (enum lac_pack_part)part, &w);
        }
    }
    for (size_t i = 0; i < r->shared_count; i++)
        if (!r->shared[i].noticed)
            on_unnoticed(r, "file", r->shared[i].file, r->shared[i].part);
    lac_progress_clear(&progress);
    return status;
}

static void on_lost(void *ctx, struct lac_str exemplar)
{
    struct run *r = ctx;

    if (r->json)
        lac_json_put_str(r->json, exemplar);
    else
        lac_buf_printf(r->out, "%.*s: this exemplar is not found by its own text\n",
                       LAC_STR_FMT(exemplar));
}

/* What the pack has learned, against its encoder; nothing where that is missing. */
static enum lac_status run_head(struct run *r, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    r->head = (struct lac_cli_pack_try_head){.on_lost = on_lost, .ctx = r};
    if (r->json) {
        lac_json_key(r->json, "lost_exemplars");
        lac_json_open_array(r->json);
    }
    if (r->semantic && !r->rule && lac_semantic_missing(r->semantic, NULL, 0) == 0)
        status = lac_cli_pack_try_head(&r->head, r->semantic, r->p, err);
    if (r->json)
        lac_json_close_array(r->json);
    return status;
}

static enum lac_status run(struct run *r, struct lac_err *err)
{
    enum lac_status status;

    if (r->json) {
        lac_json_open_object(r->json);
        lac_json_key(r->json, "failures");
        lac_json_open_array(r->json);
    }
    status = run_examples(r, err);
    if (r->json)
        lac_json_close_array(r->json);
    if (r->mutate && status == LAC_OK) {
        if (r->json) {
            lac_json_key(r->json, "unnoticed");
            lac_json_open_array(r->json);
        }
        status = run_mutations(r, err);
        if (r->json)
            lac_json_close_array(r->json);
    }
    return status == LAC_OK ? run_head(r, err) : status;
}

static void put_count(struct run *r, const char *key, size_t n)
{
    lac_json_key(r->json, key);
    lac_json_put_uint(r->json, n);
}

static void summary(struct run *r)
{
    if (r->json) {
        put_count(r, "rules", r->rules);
        put_count(r, "examples", r->examples);
        put_count(r, "failed", r->failed);
        put_count(r, "exemplars", r->head.tried);
        if (r->mutate)
            put_count(r, "parts", r->parts);
        lac_json_close_object(r->json);
        lac_buf_put_char(r->out, '\n');
        return;
    }
    lac_buf_printf(r->out, "%zu rule%s, %zu examples, %zu failed\n", r->rules,
                   r->rules == 1 ? "" : "s", r->examples, r->failed);
    if (r->head.tried)
        lac_buf_printf(r->out, "%zu exemplars asked for themselves (%s), %zu lost\n", r->head.tried,
                       r->head.engine, r->head.lost);
    if (r->mutate)
        lac_buf_printf(r->out, "%zu parts taken away one at a time, %zu unnoticed\n", r->parts,
                       r->unnoticed);
}

static int test(struct run *r)
{
    struct lac_err err;
    enum lac_status status = lac_pack_try_open(&r->try, r->p, &err);
    int code = -1;

    if (status == LAC_OK)
        status = run(r, &err);
    lac_pack_try_close(r->try);
    if (status != LAC_OK)
        return lac_cli_pack_failed(r->t, &err);
    if (r->rule && r->rules == 0)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, "there is no rule with this id",
                             "`lacuna pack show` lists them.");
    summary(r);
    code = lac_cli_flush(r->t, r->out);
    return lac_cli_verdict(code, r->failed + r->unnoticed + r->head.lost ? LAC_EXIT_NEGATIVE
                                                                         : LAC_EXIT_OK);
}

static int open_and_test(const struct lac_tool *t, bool json, struct run *r)
{
    struct lac_pack *p = NULL;
    struct lac_json_writer w;
    struct lac_buf out;
    int status = lac_cli_pack_open(t, t->operand_count ? t->operands[0] : NULL, &p);

    if (status >= 0)
        return status;
    lac_buf_init(&out, OUTPUT_MAX);
    lac_json_begin(&w, &out);
    r->t = t;
    r->p = p;
    r->out = &out;
    r->json = json ? &w : NULL;
    status = lac_cli_semantic_for(t, &r->p, 1, &r->semantic);
    if (status < 0)
        status = test(r);
    lac_semantic_close(r->semantic);
    lac_buf_deinit(&out);
    lac_pack_close(p);
    return status;
}

int lac_cli_pack_test(int argc, char **argv)
{
    struct run r = {0};
    const char *model = NULL, *format = NULL;
    bool json = false;
    const struct lac_args_option options[] = {
        {'r', "rule", LAC_ARGS_TEXT, &r.rule, "ID", "Only this rule", 0, 0},
        {'m', "mutate", LAC_ARGS_SWITCH, &r.mutate, NULL,
         "Take validators, contexts, allow-lists ... away, one at a time: examples must notice", 0,
         0},
        {0, "model", LAC_ARGS_TEXT, &model, "DIR|NAME",
         "The encoder that the pack's head wants lies there (LACUNA_MODEL)", 0, 0},
        LAC_CLI_FORMAT_OPTIONS(&format, &json),
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack test",
        .usage = "[OPTION]... [DIR|FILE]",
        .summary = "Run all rules' own examples, inherited ones too.",
        .details =
            "Without an operand it tests the configured pack, by default the built-in one. Where "
            "the\n"
            "pack has learned from exemplars, some of them are encoded anew and must find "
            "themselves.",
        .examples = "  lacuna pack test ours\n"
                    "  lacuna pack test ours --rule employee-id --mutate\n",
        .negative = "an example does not hold or notice a mutation, or an exemplar is lost",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = 1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, format, &json);
    if (status < 0)
        status = lac_cli_semantic_settings(&t, model, NULL);
    if (status < 0)
        status = open_and_test(&t, json, &r);
    lac_tool_close(&t);
    return status;
}
