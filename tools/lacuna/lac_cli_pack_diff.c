/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two packs, in words, and what that does to decisions. */
#include "lac_cli_pack_diff.h"

#include <string.h>

#include "lac_cli.h"
#include "lac_cli_batch.h"
#include "lac_cli_pack.h"
#include "lac_cli_semantic.h"
#include "lac_digest.h"
#include "lac_json.h"
#include "lac_progress.h"
#include "lac_records.h"

enum { OUTPUT_MAX = 64 << 20, QUOTE_MAX = 100 };

struct diff {
    const struct lac_tool *t;
    const struct lac_pack *pack[2];
    struct lac_buf *out;
    struct lac_json_writer *json; /* NULL: text */
    const char *kind;             /* of the last change */
    size_t changes, most;         /* how many are listed of one kind */
    size_t of_kind;
};

static void end_kind(struct diff *d)
{
    if (d->kind && d->of_kind > d->most)
        lac_buf_printf(d->out, "  ... and %zu more\n", d->of_kind - d->most);
    d->of_kind = 0;
}

static const char *heading(const char *kind)
{
    static const char *const headings[][2] = {{"pack", "Pack"},
                                              {"rule", "Rules"},
                                              {"names", "Names"},
                                              {"policy", "Prior, costs and prices"},
                                              {"route", "Routes"}};

    for (size_t i = 0; i < LAC_COUNT(headings); i++)
        if (strcmp(kind, headings[i][0]) == 0)
            return headings[i][1];
    return kind;
}

static void on_change(void *ctx, const char *kind, struct lac_str subject, const char *text)
{
    struct diff *d = ctx;

    d->changes++;
    if (d->json) {
        lac_json_open_object(d->json);
        lac_json_key(d->json, "kind");
        lac_json_put_text(d->json, kind);
        lac_json_key(d->json, "subject");
        lac_json_put_str(d->json, subject);
        lac_json_key(d->json, "change");
        lac_json_put_text(d->json, text);
        lac_json_close_object(d->json);
        return;
    }
    if (!d->kind || strcmp(d->kind, kind) != 0) {
        end_kind(d);
        lac_term_put(&d->t->out, d->out, LAC_STYLE_BOLD, heading(kind));
        lac_buf_put_char(d->out, '\n');
        d->kind = kind;
    }
    if (d->of_kind++ < d->most)
        lac_buf_printf(d->out, "  %.*s: %s\n", LAC_STR_FMT(subject), text);
}

static void on_flip(void *ctx, const struct lac_cli_pack_flip *f)
{
    struct diff *d = ctx;

    if (d->json) {
        lac_json_open_object(d->json);
        lac_json_key(d->json, "request");
        lac_json_put_str(d->json, f->id);
        lac_json_key(d->json, "text");
        lac_json_put_str(d->json, f->text);
        for (int i = 0; i < 2; i++) {
            lac_json_key(d->json, i ? "after" : "before");
            lac_json_put_text(d->json, lac_tier_name(f->tier[i]));
            lac_json_key(d->json, i ? "rule_after" : "rule_before");
            lac_json_put_str(d->json, f->reason[i].len > 0 ? f->reason[i] : LAC_STR_NULL);
        }
        lac_json_key(d->json, "strategies");
        lac_json_open_array(d->json);
        for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
            if (f->strategy[s])
                lac_json_put_text(d->json, lac_strategy_name((enum lac_strategy)s));
        lac_json_close_array(d->json);
        lac_json_close_object(d->json);
        return;
    }
    if (d->of_kind == 0) {
        lac_term_put(&d->t->out, d->out, LAC_STYLE_BOLD, "Decisions that flip");
        lac_buf_put_char(d->out, '\n');
    }
    if (d->of_kind++ >= d->most)
        return;
    lac_buf_printf(d->out, "  %s -> %s%s", lac_tier_name(f->tier[0]), lac_tier_name(f->tier[1]),
                   f->route ? " (other routes)" : "");
    for (int i = 0; i < 2; i++)
        if (f->reason[i].len > 0)
            lac_buf_printf(d->out, "%s%.*s", i ? ", after by " : ", before by ",
                           LAC_STR_FMT(f->reason[i]));
    lac_buf_put_text(d->out, " (");
    for (int s = 0, n = 0; s < LAC_STRATEGY_COUNT; s++)
        if (f->strategy[s])
            lac_buf_printf(d->out, "%s%s", n++ ? ", " : "",
                           lac_strategy_name((enum lac_strategy)s));
    lac_buf_printf(d->out, "): %.*s%s [%.*s]\n",
                   (int)(f->text.len > QUOTE_MAX ? QUOTE_MAX : f->text.len), f->text.ptr,
                   f->text.len > QUOTE_MAX ? "..." : "", LAC_STR_FMT(f->id));
}

static void put_identity(struct diff *d)
{
    for (int i = 0; i < 2; i++) {
        char hex[2 * LAC_PACK_HASH_SIZE + 1];

        lac_hex_encode(hex, lac_pack_hash(d->pack[i])->bytes, LAC_PACK_HASH_SIZE);
        if (d->json) {
            lac_json_key(d->json, i ? "hash_after" : "hash_before");
            lac_json_put_text(d->json, hex);
        } else {
            lac_buf_printf(d->out, "%s %.*s version %llu %.12s\n", i ? "after " : "before",
                           LAC_STR_FMT(lac_pack_name(d->pack[i])),
                           (unsigned long long)lac_pack_version(d->pack[i]), hex);
        }
    }
}

static enum lac_status run(struct diff *d, struct lac_cli_pack_flips *flips, const char *requests,
                           struct lac_err *err)
{
    enum lac_status status;

    if (d->json)
        lac_json_open_object(d->json);
    put_identity(d);
    if (d->json) {
        lac_json_key(d->json, "changes");
        lac_json_open_array(d->json);
    }
    status = lac_cli_pack_compare(d->pack[0], d->pack[1], on_change, d, err);
    if (d->json) {
        lac_json_close_array(d->json);
        lac_json_key(d->json, "flips");
        lac_json_open_array(d->json);
    } else {
        end_kind(d);
        d->kind = NULL;
    }
    if (status == LAC_OK)
        status = requests ? lac_cli_pack_flips_file(flips, requests, err)
                          : lac_cli_pack_flips_own(flips, err);
    if (status != LAC_OK)
        return status;
    if (d->json) {
        lac_json_close_array(d->json);
        lac_json_key(d->json, "requests");
        lac_json_put_uint(d->json, flips->requests);
        lac_json_key(d->json, "flipped");
        lac_json_put_uint(d->json, flips->flips);
        lac_json_close_object(d->json);
        lac_buf_put_char(d->out, '\n');
    } else {
        if (d->of_kind > d->most)
            lac_buf_printf(d->out, "  ... and %zu more\n", d->of_kind - d->most);
        lac_buf_printf(d->out, "%zu change%s; %zu of %zu requests flip\n", d->changes,
                       d->changes == 1 ? "" : "s", flips->flips, flips->requests);
    }
    return LAC_OK;
}

struct diff_options {
    const char *requests, *model, *strategy, *format;
    uint64_t most, threads;
};

static int diff(struct lac_tool *t, const struct diff_options *o, bool json,
                const struct lac_pack *const pack[2])
{
    struct diff d = {.t = t, .pack = {pack[0], pack[1]}, .most = (size_t)o->most};
    struct lac_progress progress;
    struct lac_cli_pack_flips flips = {.pack = {pack[0], pack[1]},
                                       .threads =
                                           o->threads ? (unsigned)o->threads : lac_cli_cores(),
                                       .progress = &progress,
                                       .each = on_flip,
                                       .ctx = &d};
    enum lac_strategy only = LAC_STRATEGY_CONSERVATIVE;
    struct lac_json_writer w;
    struct lac_buf out;
    struct lac_err err;
    bool failed;
    int status;

    if (o->strategy && !lac_strategy_parse(lac_str_from(o->strategy), &only))
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "--strategy is conservative, balanced or aggressive", NULL);
    lac_progress_init(&progress, &t->err);
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
        flips.strategy[s] = !o->strategy || s == (int)only;
    status = lac_cli_semantic_for(t, pack, 2, &flips.semantic);
    if (status >= 0) {
        lac_semantic_close(flips.semantic);
        return status;
    }
    lac_buf_init(&out, OUTPUT_MAX);
    d.out = &out;
    if (json) {
        lac_json_begin(&w, &out);
        d.json = &w;
    }
    failed = run(&d, &flips, o->requests, &err) != LAC_OK;
    status = failed ? lac_cli_pack_failed(t, &err) : lac_cli_flush(t, &out);
    lac_buf_deinit(&out);
    lac_semantic_close(flips.semantic);
    if (failed)
        return status;
    return lac_cli_verdict(status, d.changes + flips.flips ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK);
}

int lac_cli_pack_diff(int argc, char **argv)
{
    struct diff_options o = {.most = 50};
    bool json = false;
    const struct lac_args_option options[] = {
        {'r', "requests", LAC_ARGS_TEXT, &o.requests, "FILE.jsonl",
         "Decide these requests instead of samples and examples", 0, 0},
        {0, "model", LAC_ARGS_TEXT, &o.model, "DIR|NAME",
         "The encoder that the packs' heads want lies there (LACUNA_MODEL)", 0, 0},
        {'s', "strategy", LAC_ARGS_TEXT, &o.strategy, "NAME",
         "Only conservative, balanced or aggressive; all three by default", 0, 0},
        {'n', "most", LAC_ARGS_NUMBER, &o.most, "N", "Lines of one kind; 50 by default", 1,
         1000000},
        LAC_CLI_FORMAT_OPTIONS(&o.format, &json),
        {0, "threads", LAC_ARGS_NUMBER, &o.threads, "N", "As many as cores by default", 1,
         LAC_CLI_THREADS_MAX},
    };
    const struct lac_tool_command command = {
        .name = "lacuna pack diff",
        .usage = "[OPTION]... BEFORE AFTER",
        .summary = "Show what changed between two packs, and which decisions flip.",
        .details =
            "BEFORE and AFTER are folders or pack files; \"builtin\" is the built-in pack. The\n"
            "requests are the samples and all rules' examples (these without tier 2), or those of\n"
            "--requests: one JSON object per line, as for `lacuna publish`.",
        .examples = "  lacuna pack diff builtin ours\n"
                    "  lacuna pack diff ours.pack ours --requests last-week.jsonl\n",
        .negative = "they differ",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 2,
        .operands_most = 2,
    };
    struct lac_pack *pack[2] = {NULL, NULL};
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = lac_cli_format(&t, o.format, &json);
    if (status < 0)
        status = lac_cli_semantic_settings(&t, o.model, NULL);
    for (int i = 0; i < 2 && status < 0; i++)
        status = lac_cli_pack_open(&t, t.operands[i], &pack[i]);
    if (status < 0)
        status = diff(&t, &o, json, (const struct lac_pack *const[]){pack[0], pack[1]});
    lac_pack_close(pack[0]);
    lac_pack_close(pack[1]);
    lac_tool_close(&t);
    return status;
}
