/* SPDX-License-Identifier: Apache-2.0 */
/* `lacuna train`: labelled texts to the head of a pack. */
#include "lac_cli_train.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lac_clock.h"

enum { TELL_MS = 10000 }; /* between two lines of a log */
enum { BOUND_PPM = 10000 /* leaks of a tier: 1 % */, FEEDBACK_BYTES = 64 << 20 };

int lac_cli_train_failed(const struct lac_cli_train *r, const struct lac_err *err)
{
    return lac_tool_fail(r->t, err->status == LAC_REJECT ? LAC_EXIT_USAGE : LAC_EXIT_FAILURE,
                         err->text, NULL);
}

void lac_cli_train_step(struct lac_cli_train *r, uint64_t done, uint64_t total, const char *what)
{
    uint64_t now = lac_clock_mono_ms();

    if (r->t->err.terminal) {
        if (lac_progress_due(&r->progress))
            lac_progress_bar(&r->progress, done, total, what);
        return;
    }
    if (done > 0 && now - r->told_ms < TELL_MS)
        return;
    r->told_ms = now;
    if (done == 0)
        fprintf(stderr, "%s\n", what);
    else
        fprintf(stderr, "%s: %llu of %llu\n", what, (unsigned long long)done,
                (unsigned long long)total);
}

/* "INTERNAL=0.5", in percent. */
static int take_bound(struct lac_cli_train *r, const char *text)
{
    const char *equals = strchr(text, '=');
    enum lac_tier tier;
    char *end = NULL;
    double percent = equals ? strtod(equals + 1, &end) : 0;

    if (!equals || end == equals + 1 || *end != '\0' || !(percent >= 0.01 && percent <= 50) ||
        !lac_tier_parse((struct lac_str){text, (size_t)(equals - text)}, &tier) ||
        tier == LAC_TIER_PUBLIC)
        return lac_tool_fail(r->t, LAC_EXIT_USAGE,
                             "--leak takes INTERNAL=PERCENT or PROPRIETARY=PERCENT, 0.01 to 50",
                             NULL);
    r->bound[tier] = (uint32_t)(percent * 10000 + 0.5);
    return -1;
}

static int open_pack(struct lac_cli_train *r)
{
    const char *path = r->t->operands[0];
    struct stat st;
    struct lac_err err;
    char what[400];

    if (stat(path, &st) != 0) {
        (void)snprintf(what, sizeof(what), "%.300s: %s", path, lac_errno_text(errno));
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, what, "Make one with `lacuna pack init DIR`.");
    }
    (void)snprintf(what, sizeof(what), "%.300s: not a pack's folder", path);
    if (!S_ISDIR(st.st_mode))
        return lac_tool_fail(r->t, LAC_EXIT_USAGE, what, "Make one with `lacuna pack init DIR`.");
    if (lac_pack_open_to_train(&r->pack, path, &err) == LAC_OK)
        return -1;
    return lac_cli_train_failed(r, &err);
}

static int check(struct lac_cli_train *r, struct lac_cli_train_options *o)
{
    int status = lac_cli_format(r->t, o->format, &o->json);

    r->bound[LAC_TIER_INTERNAL] = r->bound[LAC_TIER_PROPRIETARY] = BOUND_PPM;
    for (size_t i = 0; i < o->leak.count && status < 0; i++)
        status = take_bound(r, o->leak.items[i]);
    return status;
}

static void release(struct lac_cli_train *r)
{
    for (size_t i = 0; i < LAC_CLI_TRAIN_TRIALS; i++) {
        lac_head_params_free(&r->trials[i].params);
        lac_buf_deinit(&r->trials[i].vec);
    }
    for (size_t i = 0; i < r->file_count; i++)
        lac_buf_deinit(&r->files[i].bytes);
    lac_buf_deinit(&r->feedback);
    free(r->vectors);
    free(r->ids);
    free(r->id_count);
    lac_semantic_close(r->semantic);
    lac_head_data_free(r->data);
    lac_pack_close(r->pack);
    free(r);
}

static int train(struct lac_tool *t, struct lac_cli_train_options *o)
{
    struct lac_cli_train *r = calloc(1, sizeof(*r));
    int status;

    if (!r)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    r->t = t;
    r->o = o;
    lac_buf_init(&r->feedback, FEEDBACK_BYTES);
    lac_progress_init(&r->progress, &t->err);
    status = check(r, o);
    if (status < 0)
        status = open_pack(r);
    if (status < 0)
        status = lac_cli_train_collect(r);
    if (status < 0)
        status = lac_cli_train_fit(r);
    if (status < 0)
        status = lac_cli_train_write(r);
    lac_progress_clear(&r->progress);
    release(r);
    return status < 0 ? LAC_EXIT_OK : status;
}

int lac_cli_train(int argc, char **argv)
{
    struct lac_cli_train_options o = {.seed = 1};
    const struct lac_args_option options[] = {
        {'m', "model", LAC_ARGS_TEXT, &o.model, "MODEL",
         "Encoder: a folder, or a name or hash in the store (pack.yaml's, else the head's)", 0, 0},
        {'d', "data", LAC_ARGS_LIST, &o.data, "FILE",
         "More labelled texts, or feedback, as JSON lines (repeatable)", 0, 0},
        {0, "requests", LAC_ARGS_LIST, &o.requests, "FILE",
         "What `lacuna tail requests` printed: the texts behind feedback (repeatable)", 0, 0},
        {0, "origin", LAC_ARGS_TEXT, &o.origin, "ID", "Origin of these requests (kafka.origin)", 0,
         0},
        {0, "leak", LAC_ARGS_LIST, &o.leak, "TIER=PERCENT",
         "Bound of a tier's leak rate (INTERNAL=1, PROPRIETARY=1)", 0, 0},
        {0, "layers", LAC_ARGS_NUMBER, &o.layers, "N",
         "Take vectors from so many layers of the encoder (tries a few)", 1, LAC_HEAD_LAYER_MAX},
        {0, "seed", LAC_ARGS_NUMBER, &o.seed, "N", "Of the folds when domains are few (1)", 0, 0},
        {0, "own", LAC_ARGS_SWITCH, &o.own, NULL,
         "Learn from the pack's own texts only, not from those of its base", 0, 0},
        {'n', "dry-run", LAC_ARGS_SWITCH, &o.dry_run, NULL, "Measure, and write nothing", 0, 0},
        LAC_CLI_FORMAT_OPTIONS(&o.format, &o.json),
    };
    const struct lac_tool_command command = {
        .name = "lacuna train",
        .usage = "[OPTION]... PACKDIR",
        .summary = "Teach a pack what texts of each tier are like.",
        .details =
            "Learns from exemplars/*.jsonl of the pack and of its base (thousands, from the\n"
            "built-in pack; --own leaves these out) and of --data, whose files are copied\n"
            "there; writes semantic/head.json and semantic/exemplars.vec. A line is\n"
            "{\"id\": \"hr-1\", \"text\": \"...\", \"tier\": \"INTERNAL\"}; the file's name is "
            "its\n"
            "domain, unless a line has a \"domain\". Feedback is taken as `lacuna tail feedback`\n"
            "prints it; only its texts and tiers go into the pack.\n\n"
            "Each domain is held out in turn, which is what the report measures: how the head "
            "does\n"
            "on texts from somewhere else. Three domains or more are needed for that, otherwise a\n"
            "fifth of the texts is. The same texts, model, options and machine give the same "
            "bytes.",
        .examples = "  lacuna train ours --model all-minilm-l6-v2\n"
                    "  lacuna train ours --data labelled/hr.jsonl --leak PROPRIETARY=0.5\n"
                    "  lacuna tail feedback --from 30d --no-follow > feedback.jsonl\n"
                    "  lacuna tail requests --from 30d --no-follow > requests.jsonl\n"
                    "  lacuna train ours --data feedback.jsonl --requests requests.jsonl\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = train(&t, &o);
    lac_tool_close(&t);
    return status;
}
