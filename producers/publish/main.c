/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna-publish: files, folders and stdin become requests. */
#include <signal.h>
#include <string.h>

#include "lac_publish_run.h"

static bool choose(const char *word, const char *const *words, size_t count, unsigned *choice)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            *choice = (unsigned)i;
            return true;
        }
    }
    return false;
}

/* -1 or the exit status. */
static int check(const struct lac_tool *t, struct lac_publish_options *o)
{
    static const char *const formats[] = {"auto", "jsonl", "csv", "lines", "file"};
    static const char *const keys[] = {"none",    "request_id", "user",
                                       "session", "subject",    "project"};
    struct lac_err err;
    unsigned choice = 0;

    if (!choose(o->format_word, formats, LAC_COUNT(formats), &choice))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--format is auto, jsonl, csv, lines or file",
                             NULL);
    o->format = (enum lac_publish_format)choice;
    if (!choose(o->key_word, keys, LAC_COUNT(keys), &choice))
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "--key is none, request_id, user, session, subject or project", NULL);
    o->key = (enum lac_publish_key)choice;
    if (lac_publish_defaults_check(&o->defaults, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    o->wait |= o->table;
    return -1;
}

int main(int argc, char **argv)
{
    struct lac_publish_options o = {
        .topic = "requests", .wait_ms = 30000, .format_word = "auto", .key_word = "none"};
    struct lac_publish_defaults *d = &o.defaults;
    const struct lac_args_option options[] = {
        {'f', "format", LAC_ARGS_TEXT, &o.format_word, "FORMAT", "auto, jsonl, csv, lines or file",
         0, 0},
        {0, "topic", LAC_ARGS_TEXT, &o.topic, "TOPIC", "Where to (requests)", 0, 0},
        {'k', "key", LAC_ARGS_TEXT, &o.key_word, "FIELD",
         "Record key: none, request_id, user, session, subject, project", 0, 0},
        {0, "tenant", LAC_ARGS_TEXT, &d->tenant, "NAME", "For requests that name no tenant", 0, 0},
        {'p', "project", LAC_ARGS_TEXT, &d->project, "NAME", "The same for project ...", 0, 0},
        {'u', "user", LAC_ARGS_TEXT, &d->user, "ID", "... user", 0, 0},
        {'e', "environment", LAC_ARGS_TEXT, &d->environment, "NAME", "... environment", 0, 0},
        {0, "purpose", LAC_ARGS_TEXT, &d->purpose, "TEXT", "... purpose", 0, 0},
        {0, "session", LAC_ARGS_TEXT, &d->session, "ID", "... session", 0, 0},
        {0, "kind", LAC_ARGS_TEXT, &d->kind, "KIND", "... kind: query, document, operation", 0, 0},
        {0, "skip-errors", LAC_ARGS_SWITCH, &o.skip_errors, NULL,
         "Exit with 0 although some records were bad", 0, 0},
        {0, "restart", LAC_ARGS_SWITCH, &o.restart, NULL,
         "Start from the beginning even if an earlier run was interrupted", 0, 0},
        {'w', "wait", LAC_ARGS_SWITCH, &o.wait, NULL,
         "Wait until every record has its decision in Postgres", 0, 0},
        {'t', "table", LAC_ARGS_SWITCH, &o.table, NULL, "Wait, then show the decisions", 0, 0},
        {0, "wait-timeout", LAC_ARGS_DURATION, &o.wait_ms, "TIME", "How long to wait (30s)", 0, 0},
        {'q', "quiet", LAC_ARGS_SWITCH, &o.quiet, NULL, "Say nothing but errors", 0, 0},
        {'j', "json", LAC_ARGS_SWITCH, &o.json, NULL, "The summary as JSON on stdout", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna publish",
        .usage = "[OPTION]... FILE|FOLDER|-...",
        .summary = "Publish texts as requests to be classified.",
        .details =
            "FILE holds JSON lines with the Request's names (text or query, user, project,\n"
            "metadata ...), CSV with a header of the same names (user.id, metadata.ticket), or\n"
            "plain lines of text. Each other file of a FOLDER is one document. \"-\" is stdin.\n\n"
            "Counted as delivered is what all in-sync brokers have acknowledged. An interrupted\n"
            "run goes on where it stopped when the same command is run again; with another\n"
            "--format, --key, tenant, project ... it refuses to. After a crash or an outage of "
            "the\n"
            "brokers the last records may come twice.",
        .examples =
            "  lacuna publish requests.jsonl\n"
            "  lacuna publish --table samples/requests.jsonl   # and show what was decided\n"
            "  lacuna publish --project apollo --user jo notes.txt\n"
            "  cat queries.csv | lacuna publish --format csv -\n"
            "  lacuna publish --kind document /srv/contracts/\n",
        .negative = "some records were bad, or --wait saw no decision for some",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = -1,
    };
    struct lac_tool t;
    sigset_t set;
    int status;

    sigemptyset(&set); /* a closed pipe is an error of the write */
    sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    status = lac_tool_open(&t, &command, argc, argv);
    if (status < 0)
        status = check(&t, &o);
    if (status < 0)
        status = lac_publish_run(&t, &o);
    lac_tool_close(&t);
    return status;
}
