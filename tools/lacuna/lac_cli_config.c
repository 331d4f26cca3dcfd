/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int show(int argc, char **argv)
{
    bool json = false, sample = false;
    const struct lac_args_option options[] = {
        {'j', "json", LAC_ARGS_SWITCH, &json, NULL, "As JSON, with the source of each value", 0, 0},
        {0, "sample", LAC_ARGS_SWITCH, &sample, NULL,
         "Instead, print a file with every setting explained", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna config show",
        .usage = "[OPTION]...",
        .summary = "Show every setting, its value and where it comes from; secrets are masked.",
        .examples = "  lacuna config show\n"
                    "  lacuna config show --sample > lacuna.conf\n",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    struct lac_buf b;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        lac_buf_init(&b, 1 << 20);
        if (sample)
            lac_conf_sample(&b);
        else
            lac_conf_dump(t.conf, &b, json ? LAC_CONF_AS_JSON : LAC_CONF_AS_FILE, true);
        if (json)
            lac_buf_put_char(&b, '\n');
        status = lac_cli_flush(&t, &b);
        lac_buf_deinit(&b);
        status = status < 0 ? LAC_EXIT_OK : status;
    }
    lac_tool_close(&t);
    return status;
}

/* What one program would stop at; everything else is already checked by loading. */
static bool check_program(const struct lac_tool *t, enum lac_conf_program program, const char *name)
{
    struct lac_err err;

    if (lac_conf_check(t->conf, program, &err) == LAC_OK)
        return true;
    printf("%s: %s\n", name, err.text);
    return false;
}

static int validate(int argc, char **argv)
{
    const struct lac_tool_command command = {
        .name = "lacuna config validate",
        .usage = "[OPTION]...",
        .summary = "Check file, environment and options: names, values, what programs need.",
        .examples = "  lacuna config validate -c /etc/lacuna/lacuna.conf\n",
        .negative = "a program can't start with this configuration",
    };
    struct lac_tool t;
    struct lac_kafka_options kafka;
    struct lac_err err;
    int status = lac_tool_open(&t, &command, argc, argv);
    bool good = true;

    if (status < 0) {
        good &= check_program(&t, LAC_CONF_CLASSIFY, "lacuna-classify");
        good &= check_program(&t, LAC_CONF_SINK, "lacuna-sink");
        good &= check_program(&t, LAC_CONF_BRIDGE, "lacuna-bridge");
        lac_kafka_options_from_conf(&kafka, t.conf);
        if (lac_kafka_options_check(&kafka, &err) != LAC_OK) {
            printf("kafka: %s\n", err.text);
            good = false;
        }
        if (good)
            printf("%s is valid\n",
                   lac_conf_path(t.conf) ? lac_conf_path(t.conf) : "the configuration");
        status = good ? LAC_EXIT_OK : LAC_EXIT_NEGATIVE;
    }
    lac_tool_close(&t);
    return status;
}

static int path(int argc, char **argv)
{
    const struct lac_tool_command command = {
        .name = "lacuna config path",
        .usage = "[OPTION]...",
        .summary = "Show which file is read, and where files are looked for.",
        .negative = "no file is read",
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        const char *file = lac_conf_path(t.conf), *place;

        if (file)
            puts(file);
        else
            fputs("no configuration file is read; looked for:\n", stderr);
        for (size_t i = 0; !file && (place = lac_conf_search_path(t.conf, i)); i++)
            fprintf(stderr, "  %s\n", place);
        status = file ? LAC_EXIT_OK : LAC_EXIT_NEGATIVE;
    }
    lac_tool_close(&t);
    return status;
}

int lac_cli_config(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"show", "Show every setting and where it comes from", show},
        {"validate", "Check the configuration", validate},
        {"path", "Show which file is read", path},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna config", "The configuration that all programs share.", table,
                            argc, argv);
}
