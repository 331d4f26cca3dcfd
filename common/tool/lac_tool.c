/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_tool.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_file.h"
#include "lac_log.h"

/* What all commands know besides their own options. */
struct common {
    bool help, version, dev;
};

enum { HELP_BYTES = 64 << 10, COMMON_COUNT = 3, ENVIRONMENT_MAX = 256 };

static void common_options(struct common *c, struct lac_args_option out[COMMON_COUNT])
{
    out[0] = (struct lac_args_option){.name = "dev",
                                      .type = LAC_ARGS_SWITCH,
                                      .target = &c->dev,
                                      .help = "Talk to the running `lacuna dev` of this user"};
    out[1] = (struct lac_args_option){.letter = 'h',
                                      .name = "help",
                                      .type = LAC_ARGS_SWITCH,
                                      .target = &c->help,
                                      .help = "Show this help"};
    out[2] = (struct lac_args_option){.name = "version",
                                      .type = LAC_ARGS_SWITCH,
                                      .target = &c->version,
                                      .help = "Show the version"};
}

const char *lac_tool_version(void)
{
    return LAC_VERSION;
}

static void put_heading(const struct lac_tool *t, struct lac_buf *b, const char *text)
{
    lac_buf_put_char(b, '\n');
    lac_term_put(&t->out, b, LAC_STYLE_BOLD, text);
    lac_buf_put_char(b, '\n');
}

static void put_exits(const struct lac_tool *t, struct lac_buf *b)
{
    put_heading(t, b, "Exit status");
    lac_buf_put_text(b, "  0  done\n");
    if (t->command->negative)
        lac_buf_printf(b, "  1  %s\n", t->command->negative);
    if (t->command->one_error) {
        lac_buf_put_text(b, "  2  it could not be done, or not all of it\n");
        return;
    }
    lac_buf_put_text(b, "  2  wrong usage or configuration\n"
                        "  3  Kafka, Postgres or another service can't do its part now\n"
                        "  4  another failure, such as a file that can't be read\n");
}

static int help(const struct lac_tool *t)
{
    const struct lac_tool_command *c = t->command;
    struct lac_args_option common[COMMON_COUNT];
    struct common ignored;
    struct lac_buf b;
    int error;

    lac_buf_init(&b, HELP_BYTES);
    lac_term_put(&t->out, &b, LAC_STYLE_BOLD, "Usage: ");
    lac_buf_printf(&b, "%s %s\n\n%s\n", c->name, c->usage, c->summary);
    if (c->details)
        lac_buf_printf(&b, "\n%s\n", c->details);
    put_heading(t, &b, "Options");
    lac_args_help(c->options, c->option_count, &t->out, &b);
    lac_buf_put_text(&b, "  ");
    lac_term_put(&t->out, &b, LAC_STYLE_LINK, "-c, --config FILE");
    lac_buf_put_text(&b, "           Read this configuration file\n");
    common_options(&ignored, common);
    lac_args_help(common, COMMON_COUNT, &t->out, &b);
    lac_buf_put_text(&b, "\n  Every setting is an option too, for example "
                         "--kafka-bootstrap-servers HOST:PORT;\n"
                         "  `lacuna config show` lists them.\n");
    if (c->examples) {
        put_heading(t, &b, "Examples");
        lac_buf_put_text(&b, c->examples);
    }
    put_exits(t, &b);
    error = lac_tool_write(t, &b);
    lac_buf_deinit(&b);
    return error ? lac_tool_output_failed(t, error) : LAC_EXIT_OK;
}

int lac_tool_fail(const struct lac_tool *t, enum lac_exit status, const char *what,
                  const char *todo)
{
    char memory[4096];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_printf(&b, "%s: ", t->command->name);
    lac_term_put(&t->err, &b, LAC_STYLE_BAD, "error:");
    lac_buf_printf(&b, " %s\n", what);
    if (todo)
        lac_buf_printf(&b, "%s\n", todo);
    if (!lac_buf_ok(&b)) { /* longer than any of ours: show what fits */
        b.failed = false;
        b.ptr[b.len - 1] = '\n';
    }
    (void)lac_term_flush(&t->err, &b);
    return t->command->one_error && status > LAC_EXIT_USAGE ? LAC_EXIT_USAGE : (int)status;
}

void lac_tool_warn(const struct lac_tool *t, const char *fmt, ...)
{
    char memory[2048];
    struct lac_buf b;
    va_list args;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_printf(&b, "%s: ", t->command->name);
    lac_term_put(&t->err, &b, LAC_STYLE_NOTE, "warning:");
    lac_buf_put_char(&b, ' ');
    va_start(args, fmt);
    lac_buf_vprintf(&b, fmt, args);
    va_end(args);
    lac_buf_put_char(&b, '\n');
    (void)lac_term_flush(&t->err, &b);
}

int lac_tool_dependency(const struct lac_tool *t, const struct lac_err *err, const char *todo)
{
    return lac_tool_fail(t, LAC_EXIT_DEPENDENCY, err->text,
                         todo ? todo : "`lacuna doctor` shows what is reachable and what is not.");
}

int lac_tool_write(const struct lac_tool *t, struct lac_buf *b)
{
    if (!lac_buf_ok(b))
        return ENOMEM;
    return lac_term_flush(&t->out, b) ? 0 : errno;
}

int lac_tool_output_failed(const struct lac_tool *t, int error)
{
    char what[160];

    if (error == EPIPE)
        return LAC_EXIT_OK; /* `lacuna tail | head`: the reader has all it wanted */
    snprintf(what, sizeof(what), "can't write the output: %s", lac_errno_text(error));
    return lac_tool_fail(t, LAC_EXIT_FAILURE, what, NULL);
}

static int usage(const struct lac_tool *t, const char *what)
{
    char todo[160];

    snprintf(todo, sizeof(todo), "`%s --help` shows its options.", t->command->name);
    return lac_tool_fail(t, LAC_EXIT_USAGE, what, todo);
}

static const char *next_option(void *ctx, size_t i)
{
    const struct lac_tool_command *c = ctx;
    static const char *const common[] = {"config", "dev", "help", "version"};

    if (i < c->option_count)
        return c->options[i].name;
    i -= c->option_count;
    return i < LAC_COUNT(common) ? common[i] : NULL;
}

static int unknown_option(const struct lac_tool *t, const char *word)
{
    const char *bare = word + strspn(word, "-"), *near;
    char name[128], what[400];

    if (t->command->operands_most < 0 && strchr(word, ' '))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "the text begins with a dash, as options do",
                             "Put \"--\" before it.");
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(bare, "="), bare);
    near = lac_args_nearest(name, next_option, (void *)t->command);
    if (near) {
        snprintf(what, sizeof(what), "no option --%s; did you mean --%s?", name, near);
        return usage(t, what);
    }
    for (char *c = name; *c; c++)
        if (*c == '-')
            *c = '.';
    near = lac_conf_nearest(name);
    snprintf(what, sizeof(what),
             near ? "no option %.*s; is the setting %s meant?" : "no option %.*s",
             (int)strcspn(word, "="), word, near);
    return usage(t, what);
}

/* What the configuration didn't take: operands, and flags that nobody knows. The last
 * `literal` words stood behind "--" and are operands whatever they look like. */
static int take_operands(struct lac_tool *t, int literal)
{
    const struct lac_tool_command *c = t->command;
    size_t count;
    char what[160];

    t->operands = (char **)lac_conf_rest(t->conf, &count);
    t->operand_count = (int)count;
    for (int i = 0; i < t->operand_count - literal; i++)
        if (t->operands[i][0] == '-' && t->operands[i][1] != '\0')
            return unknown_option(t, t->operands[i]);
    if (t->operand_count < c->operands_least) {
        snprintf(what, sizeof(what), "something is missing: %s %s", c->name, c->usage);
        return usage(t, what);
    }
    if (c->operands_most >= 0 && t->operand_count > c->operands_most) {
        snprintf(what, sizeof(what), "one word too many: \"%.60s\"", t->operands[c->operands_most]);
        return usage(t, what);
    }
    return -1;
}

/* Of the environment: how programs behave, and never where they connect to or keep things. A
 * LACUNA__POSTGRES__URL of production must not be where `lacuna dev` writes. */
static char **own_environment(void)
{
    static const char *const begins[] = {
        "LACUNA__BRIDGE__", "LACUNA__CLASSIFY__", "LACUNA__CLASSIFICATION__",
        "LACUNA__DRAIN__",  "LACUNA__LOG__",      "LACUNA__MODEL__",
        "LACUNA__PACK__",   "LACUNA__SINK__",     "LACUNA_MODEL="};
    static char *kept[ENVIRONMENT_MAX + 1];
    size_t n = 0;

    for (char **e = environ; *e && n < ENVIRONMENT_MAX; e++)
        for (size_t i = 0; i < LAC_COUNT(begins); i++)
            if (strncmp(*e, begins[i], strlen(begins[i])) == 0)
                kept[n++] = *e;
    kept[n] = NULL;
    return kept;
}

static int load(struct lac_tool *t, int argc, char **argv, bool dev)
{
    struct lac_conf_sources src = {.program = LAC_CONF_CLI, .envp = environ, .lenient = true};
    char folder[PATH_MAX], file[PATH_MAX + 16];
    struct lac_err err;

    src.argc = argc;
    src.argv = argv;
    if (dev) {
        if (!lac_tool_dev_folder(folder))
            return usage(t, "no home folder is known, so there is no `lacuna dev` to talk to");
        snprintf(file, sizeof(file), "%s/lacuna.conf", folder);
        if (access(file, R_OK) != 0)
            return lac_tool_fail(t, LAC_EXIT_DEPENDENCY, "`lacuna dev` is not running here",
                                 "Start it in another terminal: lacuna dev");
        /* The variables of production must not lead a command that was told to talk to dev. */
        src.file = file;
        src.envp = NULL;
    }
    if (t->command->own_settings) {
        src.no_file = true;
        src.envp = own_environment();
    }
    if (lac_conf_load(&t->conf, &src, &err) != LAC_OK)
        return lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL);
    return -1;
}

static int find_literal(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return argc - i - 1;
    return 0;
}

static void open_log(const struct lac_tool *t)
{
    static const enum lac_log_level levels[] = {LAC_LOG_ERROR, LAC_LOG_WARN, LAC_LOG_INFO,
                                                LAC_LOG_DEBUG};
    enum lac_log_level level = LAC_LOG_ERROR; /* the command's own words say the rest */

    /* A file is there for the programs, whose log somebody collects. */
    if (lac_conf_source(t->conf, "log.level") > LAC_CONF_FROM_FILE)
        level = levels[lac_conf_choice(t->conf, "log.level")];
    lac_log_open(t->command->name, level,
                 lac_conf_choice(t->conf, "log.format") ? LAC_LOG_JSON : LAC_LOG_KEY_VALUE);
    for (size_t i = 0; lac_conf_warning(t->conf, i); i++)
        lac_tool_warn(t, "%s", lac_conf_warning(t->conf, i));
}

int lac_tool_open(struct lac_tool *t, const struct lac_tool_command *command, int argc, char **argv)
{
    struct lac_args_option options[COMMON_COUNT];
    struct common common = {0};
    struct lac_err err;
    int literal, exit_status;

    lac_file_hold_standard();
    *t = (struct lac_tool){.command = command};
    (void)signal(SIGPIPE, SIG_IGN); /* each write says whether the reader has gone */
    lac_term_open(&t->out, STDOUT_FILENO);
    lac_term_open(&t->err, STDERR_FILENO);
    common_options(&common, options);
    if (lac_args_take(command->options, command->option_count, &argc, argv, &err) != LAC_OK ||
        lac_args_take(options, COMMON_COUNT, &argc, argv, &err) != LAC_OK)
        return usage(t, err.text);
    if (common.help)
        return help(t);
    if (common.version) {
        printf("lacuna %s\n", LAC_VERSION);
        return fflush(stdout) == 0 ? LAC_EXIT_OK : lac_tool_output_failed(t, errno);
    }
    literal = find_literal(argc, argv);
    exit_status = load(t, argc, argv, common.dev);
    if (exit_status < 0)
        exit_status = take_operands(t, literal);
    if (exit_status < 0)
        open_log(t);
    return exit_status;
}

void lac_tool_close(struct lac_tool *t)
{
    lac_conf_free(t->conf);
    t->conf = NULL;
}
