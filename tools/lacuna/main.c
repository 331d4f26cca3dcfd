/* SPDX-License-Identifier: Apache-2.0 */
/* lacuna: the person's tool. Finds the command; what is not built in is lacuna-COMMAND. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* NULL: a program of its own, lacuna-NAME */
} commands[] = {
    {"dev", "Start everything on this machine, to try it out", lac_cli_dev},
    {"classify", "Classify one text here and now, or over a bridge", lac_cli_classify},
    {"scan", "Find secrets, personal data and your terms in files", lac_cli_scan},
    {"eval", "Measure the pack against labelled texts", lac_cli_eval},
    {"train", "Teach a pack what texts of each tier are like", lac_cli_train},
    {"pack", "Make, check and compare policy packs", lac_cli_pack},
    {"model", "Keep the sentence encoders that tier 2 runs on", lac_cli_model},
    {"tokenize", "Print the tokens that a model makes of texts", lac_cli_tokenize},
    {"embed", "Print the vectors that an encoder makes of texts", lac_cli_embed},
    {"redact", "Print a text without secrets and personal data", lac_cli_redact},
    {"publish", "Publish files, folders or stdin as requests", NULL},
    {"tail", "Follow a topic, its records as JSON", lac_cli_tail},
    {"deadletter", "Look at records nobody could read, and retry them", lac_cli_deadletter},
    {"topics", "List the topics, or create the missing ones", lac_cli_topics},
    {"migrate", "Bring the database to this version's schema", lac_cli_migrate},
    {"config", "Check the configuration and show where it comes from", lac_cli_config},
    {"doctor", "Find out what is wrong and what to do about it", lac_cli_doctor},
};

enum { WORDS_MAX = 256 };

static const char *next_command(void *ctx, size_t i)
{
    (void)ctx;
    return i < LAC_COUNT(commands) ? commands[i].name : NULL;
}

static int cannot_write(void)
{
    fprintf(stderr, "lacuna: error: can't write the output: %s\n", lac_errno_text(errno));
    return LAC_EXIT_FAILURE;
}

static int help(FILE *to)
{
    struct lac_term term;
    struct lac_buf b;
    bool written;

    lac_term_open(&term, fileno(to));
    lac_buf_init(&b, 64 << 10);
    lac_term_put(&term, &b, LAC_STYLE_BOLD, "Usage: ");
    lac_buf_put_text(&b, "lacuna COMMAND [OPTION]...\n\n"
                         "Decides how sensitive a text is before it leaves, and proves it.\n\n");
    lac_term_put(&term, &b, LAC_STYLE_BOLD, "Commands");
    for (size_t i = 0; i < LAC_COUNT(commands); i++) {
        lac_buf_put_text(&b, "\n  ");
        lac_term_put(&term, &b, LAC_STYLE_LINK, commands[i].name);
        lac_buf_printf(&b, "%*s%s", (int)(14 - strlen(commands[i].name)), "", commands[i].summary);
    }
    lac_buf_put_text(&b, "\n\n`lacuna COMMAND --help` explains one, with examples. "
                         "`lacuna --version` shows the version.\n"
                         "New here? Run `lacuna dev`.\n");
    written = lac_term_flush(&term, &b);
    lac_buf_deinit(&b);
    return written ? LAC_EXIT_OK : cannot_write();
}

static int version(void)
{
    printf("lacuna %s\n", lac_tool_version());
    return fflush(stdout) == 0 ? LAC_EXIT_OK : cannot_write();
}

/* Runs lacuna-NAME from beside this program, else from PATH. Returns only when there is none. */
static void run_program(const char *name, char **argv)
{
    char folder[PATH_MAX], path[PATH_MAX + 64];

    if (strchr(name, '/') || strlen(name) > 40)
        return;
    snprintf(path, sizeof(path), "lacuna-%s", name);
    argv[0] = path; /* execvp copies it */
    if (lac_tool_program_folder(folder)) {
        char beside[sizeof(path) + PATH_MAX];

        snprintf(beside, sizeof(beside), "%s/lacuna-%s", folder, name);
        (void)execv(beside, argv);
    }
    (void)execvp(path, argv);
}

static int unknown(const char *name)
{
    const char *near = lac_args_nearest(name, next_command, NULL);

    if (near)
        fprintf(stderr, "lacuna: error: no command \"%.60s\"; did you mean `lacuna %s`?\n", name,
                near);
    else
        fprintf(stderr, "lacuna: error: no command \"%.60s\"\n`lacuna --help` lists them.\n", name);
    return LAC_EXIT_USAGE;
}

/* Options before the command (-c FILE, --dev) belong to it: finds the command's index, 0 when
 * there is none. */
static int find_command(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            return i;
        if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0)
            i++;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int at = find_command(argc, argv), n = 1;
    char *words[WORDS_MAX + 1];

    if (argc > WORDS_MAX) {
        fprintf(stderr, "lacuna: error: more than %d words on the command line\n", WORDS_MAX);
        return LAC_EXIT_USAGE;
    }
    if (at == 0) {
        if (argc > 1 && strcmp(argv[1], "--version") == 0)
            return version();
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
            return help(stdout);
        (void)help(stderr);
        return LAC_EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0) {
        if (at + 1 == argc)
            return help(stdout);
        argv[at] = argv[at + 1];
        argv[at + 1] = (char *)"--help";
    }
    if (strcmp(argv[at], "version") == 0)
        return version();
    /* `lacuna --dev tail routing` is `lacuna tail --dev routing`. */
    words[0] = argv[at];
    for (int i = 1; i < argc; i++)
        if (i != at)
            words[n++] = argv[i];
    words[n] = NULL;
    for (size_t i = 0; i < LAC_COUNT(commands); i++)
        if (commands[i].run && strcmp(argv[at], commands[i].name) == 0)
            return commands[i].run(n, words);
    run_program(argv[at], words);
    return unknown(argv[at]);
}
