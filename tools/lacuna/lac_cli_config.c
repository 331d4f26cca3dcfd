/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lac_http_server.h"

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

/* What programs would stop at although each value is a good one. Returns how many things. */
static unsigned report(const struct lac_tool *t, struct lac_buf *b)
{
    const unsigned programs = LAC_CONF_CLASSIFY | LAC_CONF_SINK | LAC_CONF_BRIDGE;
    unsigned wrong = lac_conf_report(t->conf, programs, b);
    const char *listen = lac_conf_text(t->conf, "bridge.listen");
    const char *page = lac_conf_text(t->conf, "metrics.listen");
    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE];
    struct lac_kafka_options kafka;
    struct lac_err err;

    lac_kafka_options_from_conf(&kafka, t->conf);
    if (lac_kafka_options_check(&kafka, &err) != LAC_OK) {
        lac_buf_printf(b, "kafka: %s\n", err.text);
        wrong++;
    }
    if (kafka.ssl_insecure)
        lac_tool_warn(t, "kafka.ssl_insecure is set: brokers' certificates need not be checked");
    if (lac_cli_topic_names(t->conf, names, &err) != LAC_OK) {
        lac_buf_printf(b, "kafka: %s\n", err.text);
        wrong++;
    }
    if (*page && !lac_http_is_address(page)) {
        lac_buf_printf(b, "metrics.listen \"%s\" is not HOST:PORT (IPv6 as [::1]:9100)\n", page);
        wrong++;
    }
    if (!lac_http_is_address(listen)) {
        lac_buf_printf(b, "bridge.listen \"%s\" is not HOST:PORT (IPv6 as [::1]:8000)\n", listen);
        wrong++;
    } else if (!lac_conf_is_set(t->conf, "bridge.api_key") && !lac_http_is_loopback(listen)) {
        lac_buf_printf(b,
                       "lacuna-bridge: bridge.listen %s can be reached by others, and "
                       "bridge.api_key (LACUNA_API_KEY) is not set\n",
                       listen);
        wrong++;
    }
    return wrong;
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
    struct lac_buf b;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        lac_buf_init(&b, 64 << 10);
        bool good = report(&t, &b) == 0;

        status = lac_cli_flush(&t, &b);
        lac_buf_deinit(&b);
        status = lac_cli_verdict(status, good ? LAC_EXIT_OK : LAC_EXIT_NEGATIVE);
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
        .examples = "  lacuna config path\n",
        .negative = "no file is read",
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0) {
        const char *file = lac_conf_path(t.conf), *place;

        if (!file)
            fputs("no configuration file is read; looked for:\n", stderr);
        for (size_t i = 0; !file && (place = lac_conf_search_path(t.conf, i)); i++)
            fprintf(stderr, "  %s\n", place);
        status = LAC_EXIT_NEGATIVE;
        if (file && (puts(file) < 0 || fflush(stdout) != 0))
            status = lac_tool_output_failed(&t, errno);
        else if (file)
            status = LAC_EXIT_OK;
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
