/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the strongest source wins, nothing is taken that nobody meant, and no secret is shown. */
#include "lac_conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_conf_impl.h"
#include "lac_json.h"
#include "lac_test.h"

enum { WORDS_MAX = 12 };

/* libconfig 1.5 drops a string that stands where its grammar fails: once, before an exit. */
const char *__lsan_default_suppressions(void); /* NOLINT(readability-identifier-naming) */
const char *__lsan_default_suppressions(void)  /* NOLINT(readability-identifier-naming) */
{
    return "leak:libconfig.so";
}

/* A load with everything that can go into it; unused places are NULL. */
struct setup {
    const char *file; /* content of a file, or NULL for none */
    const char *env[WORDS_MAX];
    const char *flags[WORDS_MAX];
    enum lac_conf_program program; /* 0: the sink */
    bool lenient;
};

static char folder[] = "/tmp/lac_conf_XXXXXX";

static void write_file(char *path, size_t size, const char *name, const char *text, mode_t mode)
{
    int fd;

    if (strcmp(folder, "/tmp/lac_conf_XXXXXX") == 0)
        LAC_TEST_NEED(mkdtemp(folder));
    (void)snprintf(path, size, "%s/%s", folder, name);
    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    LAC_TEST_NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    LAC_TEST_NEED(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static enum lac_status load(struct lac_conf **c, const struct setup *s, struct lac_err *err)
{
    /* Static: a configuration borrows its command line. */
    static char *argv[WORDS_MAX + 2], *envp[WORDS_MAX + 1], name[] = "test";
    struct lac_conf_sources src = {.program = s->program ? s->program : LAC_CONF_SINK,
                                   .envp = envp,
                                   .argv = argv,
                                   .argc = 1,
                                   .no_file = true,
                                   .lenient = s->lenient};
    static char path[128];

    if (s->file) {
        write_file(path, sizeof(path), "lacuna.conf", s->file, 0600);
        src.file = path;
    }
    argv[0] = name;
    for (int i = 0; i < WORDS_MAX && s->flags[i]; i++)
        argv[src.argc++] = (char *)s->flags[i];
    argv[src.argc] = NULL;
    memset(envp, 0, sizeof(envp));
    for (int i = 0; i < WORDS_MAX && s->env[i]; i++)
        envp[i] = (char *)s->env[i];
    memset(err, 0, sizeof(*err));
    return lac_conf_load(c, &src, err);
}

static struct lac_conf *need(const struct setup *s)
{
    struct lac_conf *c = NULL;
    struct lac_err err;

    if (load(&c, s, &err) != LAC_OK)
        LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(c);
    return c;
}

static const struct {
    struct setup s;
    const char *value, *source;
    enum lac_conf_origin origin;
} precedence[] = {
    {{0}, "lacuna.", "default", LAC_CONF_FROM_DEFAULT},
    {{.file = "kafka: { topic_prefix = \"file.\"; };"}, "file.", NULL, LAC_CONF_FROM_FILE},
    {{.file = "kafka: { topic_prefix = \"file.\"; };", .env = {"LACUNA__KAFKA__TOPIC_PREFIX=env."}},
     "env.",
     "LACUNA__KAFKA__TOPIC_PREFIX",
     LAC_CONF_FROM_ENV},
    {{.file = "kafka: { topic_prefix = \"file.\"; };",
      .env = {"LACUNA__KAFKA__TOPIC_PREFIX=env."},
      .flags = {"--kafka-topic-prefix=flag."}},
     "flag.",
     "--kafka-topic-prefix",
     LAC_CONF_FROM_FLAG},
    {{.file = "kafka: { topic_prefix = \"file.\"; };", .flags = {"--kafka-topic-prefix", "flag."}},
     "flag.",
     "--kafka-topic-prefix",
     LAC_CONF_FROM_FLAG},
    {{.env = {"LACUNA__KAFKA__TOPIC_PREFIX=env."}, .flags = {"--kafka-topic-prefix="}},
     "",
     "--kafka-topic-prefix",
     LAC_CONF_FROM_FLAG},
    {{.flags = {"--kafka-topic-prefix=a", "--kafka-topic-prefix=b"}},
     "b",
     "--kafka-topic-prefix",
     LAC_CONF_FROM_FLAG},
    /* Empty in the environment is not set. */
    {{.file = "kafka: { topic_prefix = \"file.\"; };", .env = {"LACUNA__KAFKA__TOPIC_PREFIX="}},
     "file.",
     NULL,
     LAC_CONF_FROM_FILE},
};

static void the_strongest_source_wins(void)
{
    for (size_t i = 0; i < LAC_COUNT(precedence); i++) {
        struct lac_conf *c;

        lac_test_row("%zu", i);
        c = need(&precedence[i].s);
        LAC_TEST_STR(lac_conf_text(c, "kafka.topic_prefix"), precedence[i].value);
        LAC_TEST_EQ(lac_conf_source(c, "kafka.topic_prefix"), precedence[i].origin);
        if (precedence[i].source)
            LAC_TEST_STR(lac_conf_source_text(c, "kafka.topic_prefix"), precedence[i].source);
        else
            CU_ASSERT(strstr(lac_conf_source_text(c, "kafka.topic_prefix"), "lacuna.conf:1") !=
                      NULL);
        lac_conf_free(c);
    }
}

static const struct {
    const char *entry, *key, *text;
} aliases[] = {
    {"LACUNA_LOG_LEVEL=WARNING", "log.level", "warn"},
    {"LACUNA_LOG_FORMAT=JSON", "log.format", "json"},
    {"LACUNA_POSTGRES_URL=postgresql://h/d", "postgres.url", "postgresql://h/d"},
    {"LACUNA_DATABASE__URL=postgresql://h/d", "postgres.url", "postgresql://h/d"},
    {"LACUNA_REDIS_URL=redis://h", "redis.url", "redis://h"},
    {"LACUNA_REDIS__URL=redis://h", "redis.url", "redis://h"},
    {"LACUNA_API_KEY=k", "bridge.api_key", "k"},
    {"LACUNA_EMBEDDING_MODEL=BAAI/bge-large-en-v1.5", "classify.model", "BAAI/bge-large-en-v1.5"},
    {"LACUNA_EMBEDDING_DEVICE=cuda", "classify.engine", "cuda-bf16"},
    {"LACUNA_EMBEDDING_DEVICE=cpu", "classify.engine", "cpu-int8"},
    {"LACUNA_INSTANCE_ID=lacuna-3", "instance.id", "lacuna-3"},
    {"LACUNA_PROMETHEUS_PORT=9091", "metrics.listen", "0.0.0.0:9091"},
    {"LACUNA_CLASSIFICATION__STRATEGY=balanced", "classification.strategy", "balanced"},
};

static void names_of_the_deployment_guide_work(void)
{
    for (size_t i = 0; i < LAC_COUNT(aliases); i++) {
        struct setup s = {.env = {aliases[i].entry}};
        struct lac_conf *c;

        lac_test_row("%s", aliases[i].entry);
        c = need(&s);
        LAC_TEST_STR(lac_conf_text(c, aliases[i].key), aliases[i].text);
        LAC_TEST_EQ(lac_conf_source(c, aliases[i].key), LAC_CONF_FROM_ENV);
        if (strcmp(aliases[i].key, "redis.url") == 0) {
            LAC_TEST_NEED(lac_conf_warning(c, 0));
            CU_ASSERT(strstr(lac_conf_warning(c, 0), "has no effect") != NULL);
        } else {
            CU_ASSERT(!lac_conf_warning(c, 0));
        }
        lac_conf_free(c);
    }
}

static const struct {
    const char *entry, *warning;
} ignored[] = {
    {"LACUNA_LLM_MODEL=x", "LACUNA_LLM_MODEL: ignored, it is not a setting"},
    {"LACUNA_VAULT_TOKEN=x", "LACUNA_VAULT_TOKEN: ignored, it is not a setting"},
    {"LACUNA_BRIDGE_SERVICE_HOST=10.0.0.1",
     "LACUNA_BRIDGE_SERVICE_HOST: ignored, it is not a setting"},
    {"LACUNA_PROMETHEUS_PORT=tcp://10.0.0.1:9090",
     "LACUNA_PROMETHEUS_PORT: ignored, it was injected by Kubernetes"},
    {"LACUNA_KAFKA_TOPIC_PREFIX=x", "LACUNA_KAFKA_TOPIC_PREFIX: ignored, it is not a setting; did "
                                    "you mean LACUNA__KAFKA__TOPIC_PREFIX?"},
};

static void other_lacuna_names_only_warn(void)
{
    struct setup quiet = {
        .env = {"LACUNA_FAULT=x", "LACUNA_CONFIG_PATH=", "PATH=/bin", "LACUNA_", "LACUNAX=1"}};
    struct lac_conf *c;

    for (size_t i = 0; i < LAC_COUNT(ignored); i++) {
        struct setup s = {.env = {ignored[i].entry}};

        lac_test_row("%s", ignored[i].entry);
        c = need(&s);
        LAC_TEST_NEED(lac_conf_warning(c, 0));
        LAC_TEST_STR(lac_conf_warning(c, 0), ignored[i].warning);
        CU_ASSERT(!lac_conf_warning(c, 1));
        LAC_TEST_STR(lac_conf_text(c, "metrics.listen"), "");
        lac_conf_free(c);
    }
    c = need(&quiet);
    CU_ASSERT(!lac_conf_warning(c, 0));
    lac_conf_free(c);
}

static const struct {
    struct setup s;
    const char *error; /* FILE stands for the file's path */
} mistakes[] = {
    {{.env = {"LACUNA__KAFKA__BOOTSTRAP_SERVER=x"}},
     "LACUNA__KAFKA__BOOTSTRAP_SERVER is not a setting; did you mean "
     "LACUNA__KAFKA__BOOTSTRAP_SERVERS?"},
    {{.env = {"LACUNA__Sink__LANES=1"}},
     "LACUNA__Sink__LANES is not a setting; did you mean LACUNA__SINK__LANES?"},
    {{.env = {"LACUNA__QWERTYUIOP=1"}},
     "LACUNA__QWERTYUIOP is not a setting; without it, `lacuna config show` lists all"},
    {{.env = {"LACUNA__POSTGRES__PASWORD_FILE=/x"}},
     "LACUNA__POSTGRES__PASWORD_FILE is not a setting; did you mean "
     "LACUNA__POSTGRES__PASSWORD_FILE?"},
    {{.flags = {"--sink-lane=1"}}, "--sink-lane is not a setting; did you mean --sink-lanes?"},
    {{.flags = {"--bridge-listen=x:1"}}, "--bridge-listen is not read by this program; see --help"},
    {{.flags = {"stray"}}, "unexpected argument \"stray\"; see --help"},
    {{.flags = {"--kafka-ssl-insecure", "true"}},
     "--kafka-ssl-insecure is a switch and takes no word behind it: write "
     "--kafka-ssl-insecure=true, or --no-kafka-ssl-insecure to switch it off"},
    {{.flags = {"--kafka-ssl-insecure", "false"}},
     "--kafka-ssl-insecure is a switch and takes no word behind it: write "
     "--kafka-ssl-insecure=false, or --no-kafka-ssl-insecure to switch it off"},
    {{.flags = {"--", "stray"}}, "unexpected argument \"stray\"; see --help"},
    {{.flags = {"-x"}}, "-x is not a flag; see --help"},
    {{.flags = {"--sink-lanes"}}, "--sink-lanes needs a value"},
    {{.flags = {"--sink-lanes", "--help-me"}}, "--sink-lanes needs a value"},
    {{.flags = {"--config"}}, "--config needs a value"},
    {{.flags = {"--sink-lanes=0"}},
     "--sink-lanes: sink.lanes must be from 1 to 256, and \"0\" is not"},
    {{.file = "kafka: {\n\n topic_prefx = \"x\"; };"},
     "FILE:3: kafka.topic_prefx is not a setting; did you mean kafka.topic_prefix?"},
    {{.file = "topic_prefix = \"x\";"},
     "FILE:1: topic_prefix is not a setting; did you mean kafka.topic_prefix?"},
    {{.file = "kafak: { };"},
     "FILE:1: kafak is not a setting; without it, `lacuna config show` lists all"},
    {{.file = "log: { level = \"info\";\n level = \"warn\"; };"}, "FILE:2: duplicate setting name"},
    {{.file = "log: {\n level \"info\"; };"}, "FILE:2: syntax error"},
    {{.file = "@include \"/etc/passwd\"\n"},
     "FILE:1: @include is not supported; secrets have NAME_file settings"},
    {{.file = "\n  @include \"lacuna.conf\"\n"},
     "FILE:2: @include is not supported; secrets have NAME_file settings"},
    {{.file = "((((((((((((((((((((((("}, "FILE:1: nested deeper than 16 levels"},
    {{.file = "kafka: { queue_bytes = 4294967297; };"},
     "FILE:1: the number needs more than 32 bits; write it in quotes or with an L behind it"},
    {{.file = "kafka: { queue_bytes = 0x100010000; };"},
     "FILE:1: the number needs more than 32 bits; write it in quotes or with an L behind it"},
    {{.file = "kafka: { queue_bytes = 18446744073709617152L; };"},
     "FILE:1: the number needs more than 32 bits; write it in quotes or with an L behind it"},
    {{.file = "sink: { lanes = 1.5; };"},
     "FILE:1: sink.lanes must be a text in quotes, a whole number or true/false"},
    {{.file = "sink: { lanes = [1, 2]; };"},
     "FILE:1: sink.lanes must be a text in quotes, a whole number or true/false"},
    {{.file = "kafka: { origin = \"a\\x01\"; };"},
     "FILE:1: kafka.origin must not contain control characters, and \"a?\" is not"},
    {{.env = {"LACUNA_POSTGRES_URL=a", "LACUNA__POSTGRES__URL=b"}},
     "LACUNA__POSTGRES__URL and LACUNA_POSTGRES_URL are both set; keep one of them"},
    {{.env = {"LACUNA_API_KEY=a", "LACUNA_API_KEY_FILE=/x"}},
     "LACUNA_API_KEY_FILE and LACUNA_API_KEY are both set; keep one of them"},
    {{.env = {"LACUNA__BRIDGE__API_KEY_FILE=/nowhere/at/all"}},
     "LACUNA__BRIDGE__API_KEY_FILE: /nowhere/at/all: cannot open it: No such file or directory"},
    {{.program = LAC_CONF_BRIDGE, .flags = {"--bridge-api-key=hunter2"}},
     "--bridge-api-key: refused, because every user of this machine can read command lines; set "
     "LACUNA__BRIDGE__API_KEY, or LACUNA__BRIDGE__API_KEY_FILE or --bridge-api-key-file to a file "
     "that holds it"},
    {{.program = LAC_CONF_CLASSIFY},
     "commitment.key_file is not set, and lacuna-classify can't start without it. File with the "
     "key that input commitments are made with, at least 32 bytes; `lacuna dev` makes its own. "
     "Set it in the configuration file or as LACUNA__COMMITMENT__KEY_FILE."},
    {{.flags = {"--kafka-security-protocol=sasl_ssl", "--kafka-sasl-mechanism=plain"}},
     "kafka.security_protocol is sasl_ssl, so kafka.sasl_username must be set, too"},
    {{.program = LAC_CONF_CLASSIFY,
      .flags = {"--commitment-key-file=k", "--classify-lanes=0", "--classify-interactive-lanes=0"}},
     "classify.lanes and classify.interactive_lanes are both 0: nothing would be read"},
    {{.program = LAC_CONF_CLASSIFY,
      .flags = {"--commitment-key-file=k", "--classify-commit-interval-ms=6s"}},
     "classify.commit_interval_ms (6000) must be at most half of kafka.transaction_timeout_ms "
     "(10000)"},
    {{.flags = {"--config=/nowhere/at/all.conf"}},
     "/nowhere/at/all.conf: cannot open it: No such file or directory"},
    {{.env = {"LACUNA_CONFIG_PATH=/etc/lacuna/config.yaml"}, .flags = {"-c", "/x/config.yaml"}},
     "/x/config.yaml: this is YAML; settings are read from a file that looks like kafka: { "
     "topic_prefix = \"lacuna.\"; };"},
};

static void mistakes_say_where_and_what_is_near(void)
{
    for (size_t i = 0; i < LAC_COUNT(mistakes); i++) {
        char want[LAC_ERR_TEXT_SIZE];
        struct lac_conf *c;
        struct lac_err err;

        lac_test_row("%zu: %s", i, mistakes[i].error);
        LAC_TEST_EQ(load(&c, &mistakes[i].s, &err), LAC_FATAL);
        CU_ASSERT(!c);
        if (strncmp(mistakes[i].error, "FILE", 4) == 0)
            (void)snprintf(want, sizeof(want), "%s/lacuna.conf%s", folder, mistakes[i].error + 4);
        else
            (void)snprintf(want, sizeof(want), "%s", mistakes[i].error);
        LAC_TEST_STR(err.text, want);
    }
}

static const struct {
    const char *key, *text;
    bool ok;
    int64_t value;
} numbers[] = {
    {"sink.commit_interval_ms", "250ms", true, 250},
    {"sink.commit_interval_ms", "5 s", true, 5000},
    {"sink.commit_interval_ms", "1m", true, 60000},
    {"sink.commit_interval_ms", "42", true, 42},
    {"sink.commit_interval_ms", "2m", false, 0},
    {"sink.commit_interval_ms", "-1", false, 0},
    {"sink.commit_interval_ms", "s", false, 0},
    {"sink.commit_interval_ms", "1.5s", false, 0},
    {"sink.commit_interval_ms", "1 weeks", false, 0},
    {"sink.commit_interval_ms", "106751991168d", false, 0},
    {"bridge.idempotency_ttl_ms", "2h", true, 7200000},
    {"bridge.idempotency_ttl_ms", "1d", true, 86400000},
    {"kafka.queue_bytes", "64KiB", true, 65536},
    {"kafka.queue_bytes", "1MiB", true, 1048576},
    {"kafka.queue_bytes", "1GiB", true, 1073741824},
    {"kafka.queue_bytes", "10MB", true, 10000000},
    {"kafka.queue_bytes", "65536", true, 65536},
    {"kafka.queue_bytes", "2GiB", false, 0},
    {"kafka.queue_bytes", "1M", false, 0},
    {"kafka.queue_bytes", "99999999999999999999", false, 0},
    {"bridge.reply_partition", "-1", true, -1},
    {"bridge.reply_partition", "-2", false, 0},
    {"sink.lanes", "", false, 0},
    {"sink.lanes", "3ms", false, 0},
    {"sink.lanes", "+3", false, 0},
};

static void units_are_read_and_limits_kept(void)
{
    for (size_t i = 0; i < LAC_COUNT(numbers); i++) {
        struct setup s = {0};
        struct lac_conf *c = need(&s);
        int64_t before = lac_conf_int(c, numbers[i].key);
        struct lac_err err;

        lac_test_row("%s = \"%s\"", numbers[i].key, numbers[i].text);
        LAC_TEST_EQ(lac_conf_set(c, numbers[i].key, numbers[i].text, &err),
                    numbers[i].ok ? LAC_OK : LAC_FATAL);
        LAC_TEST_EQ(lac_conf_int(c, numbers[i].key), numbers[i].ok ? numbers[i].value : before);
        LAC_TEST_EQ(lac_conf_source(c, numbers[i].key),
                    numbers[i].ok ? LAC_CONF_FROM_PROGRAM : LAC_CONF_FROM_DEFAULT);
        lac_conf_free(c);
    }
}

static void words_and_truth_values_are_read(void)
{
    struct setup s = {.file = "log: { level = \"Critical\"; };\nkafka: { static_membership = true; "
                              "bootstrap_servers = [\"a:1\", \"b:2\"]; queue_bytes = 65537L; };"};
    struct lac_conf *c = need(&s);
    struct lac_err err;

    LAC_TEST_STR(lac_conf_text(c, "log.level"), "error");
    LAC_TEST_EQ(lac_conf_choice(c, "log.level"), 0);
    LAC_TEST_STR(lac_conf_text(c, "kafka.bootstrap_servers"), "a:1,b:2");
    LAC_TEST_EQ(lac_conf_number(c, "kafka.queue_bytes"), 65537);
    CU_ASSERT(lac_conf_bool(c, "kafka.static_membership"));
    LAC_TEST_EQ(lac_conf_set(c, "kafka.static_membership", "OFF", NULL), LAC_OK);
    CU_ASSERT(!lac_conf_bool(c, "kafka.static_membership"));
    LAC_TEST_EQ(lac_conf_set(c, "kafka.static_membership", "maybe", NULL), LAC_FATAL);
    LAC_TEST_EQ(lac_conf_set(c, "log.level", "loud", &err), LAC_FATAL);
    LAC_TEST_STR(err.text, "log.level must be one of error, warn, info, debug, and "
                           "\"loud\" is not");
    LAC_TEST_EQ(lac_conf_set(c, "log.levle", "info", &err), LAC_FATAL);
    LAC_TEST_STR(err.text, "log.levle is not a setting; did you mean log.level?");
    CU_ASSERT(!lac_conf_is_set(c, "kafka.sasl_mechanism"));
    LAC_TEST_EQ(lac_conf_set(c, "kafka.sasl_mechanism", "scram-sha-512", NULL), LAC_OK);
    LAC_TEST_STR(lac_conf_text(c, "kafka.sasl_mechanism"), "SCRAM-SHA-512");
    lac_conf_free(c);
}

static void flags_of_truth_values_need_no_value(void)
{
    struct setup on = {.flags = {"--kafka-static-membership", "--sink-lanes", "2"}};
    struct setup off = {.file = "kafka: { static_membership = true; };",
                        .flags = {"--no-kafka-static-membership"}};
    struct lac_conf *c = need(&on);

    CU_ASSERT(lac_conf_bool(c, "kafka.static_membership"));
    LAC_TEST_EQ(lac_conf_number(c, "sink.lanes"), 2);
    lac_conf_free(c);
    c = need(&off);
    CU_ASSERT(!lac_conf_bool(c, "kafka.static_membership"));
    lac_conf_free(c);
}

static void a_lenient_load_keeps_what_it_does_not_know(void)
{
    struct setup s = {.program = LAC_CONF_CLI,
                      .lenient = true,
                      .flags = {"publish", "--url=x", "--bridge-listen=1.2.3.4:5", "-n", "3",
                                "--help", "--log-level", "debug", "file", "--", "--log-level=x"}};
    static const char *const want[] = {"publish", "--url=x", "-n",           "3",
                                       "--help",  "file",    "--log-level=x"};
    struct lac_conf *c = need(&s);
    char *const *rest;
    size_t count;

    rest = lac_conf_rest(c, &count);
    LAC_TEST_EQ(count, LAC_COUNT(want));
    for (size_t i = 0; i < count && i < LAC_COUNT(want); i++)
        LAC_TEST_STR(rest[i], want[i]);
    CU_ASSERT(!rest[count]);
    LAC_TEST_STR(lac_conf_text(c, "log.level"), "debug");
    LAC_TEST_STR(lac_conf_text(c, "bridge.listen"), "1.2.3.4:5");
    lac_conf_free(c);
}

static void help_and_version_need_no_valid_configuration(void)
{
    struct setup help = {.file = "broken", .env = {"LACUNA__X=1"}, .flags = {"--nonsense", "-h"}};
    struct setup version = {.program = LAC_CONF_CLASSIFY, .flags = {"--version"}};
    struct lac_conf *c = need(&help);

    LAC_TEST_EQ(lac_conf_asked(c), LAC_CONF_ASK_HELP);
    lac_conf_free(c);
    c = need(&version);
    LAC_TEST_EQ(lac_conf_asked(c), LAC_CONF_ASK_VERSION);
    lac_conf_free(c);
}

static void secrets_come_from_files_without_their_line_end(void)
{
    char path[128], entry[256], flag[256], text[256];
    struct setup env = {.env = {entry}}, flagged = {.flags = {flag}}, file = {.file = text};
    struct lac_conf *c;
    struct lac_err err;

    write_file(path, sizeof(path), "secret", "hunter2\n", 0600);
    (void)snprintf(entry, sizeof(entry), "LACUNA_API_KEY_FILE=%s", path);
    (void)snprintf(flag, sizeof(flag), "--postgres-password-file=%s", path);
    (void)snprintf(text, sizeof(text), "postgres: { password_file = \"%s\"; };", path);
    c = need(&env);
    LAC_TEST_STR(lac_conf_text(c, "bridge.api_key"), "hunter2");
    CU_ASSERT(!lac_conf_warning(c, 0));
    lac_conf_free(c);
    c = need(&flagged);
    LAC_TEST_STR(lac_conf_text(c, "postgres.password"), "hunter2");
    lac_conf_free(c);
    c = need(&file);
    LAC_TEST_STR(lac_conf_text(c, "postgres.password"), "hunter2");
    lac_conf_free(c);

    write_file(path, sizeof(path), "secret", "hunter3\r\n", 0644);
    c = need(&env);
    LAC_TEST_STR(lac_conf_text(c, "bridge.api_key"), "hunter3");
    LAC_TEST_NEED(lac_conf_warning(c, 0));
    CU_ASSERT(strstr(lac_conf_warning(c, 0), "every user of this machine can read") != NULL);
    lac_conf_free(c);

    write_file(path, sizeof(path), "secret", "\n", 0600);
    LAC_TEST_EQ(load(&c, &env, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "is empty") != NULL);
    write_file(path, sizeof(path), "secret", "two\nlines\n", 0600);
    LAC_TEST_EQ(load(&c, &env, &err), LAC_FATAL);
    CU_ASSERT(!strstr(err.text, "two"));
    (void)snprintf(text, sizeof(text), "postgres: { password = \"a\"; password_file = \"%s\"; };",
                   path);
    LAC_TEST_EQ(load(&c, &file, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "postgres.password is set twice") != NULL);
}

static void loose_file_modes_are_warned_about(void)
{
    char path[128], flag[160];
    struct setup s = {.flags = {flag}};
    struct lac_conf *c;

    write_file(path, sizeof(path), "loose.conf", "postgres: { password = \"a\"; };", 0646);
    (void)snprintf(flag, sizeof(flag), "--config=%s", path);
    c = need(&s);
    LAC_TEST_STR(lac_conf_path(c), path);
    LAC_TEST_NEED(lac_conf_warning(c, 0) && lac_conf_warning(c, 1));
    CU_ASSERT(strstr(lac_conf_warning(c, 0), "can change it") != NULL);
    CU_ASSERT(strstr(lac_conf_warning(c, 1), "holds a secret") != NULL);
    lac_conf_free(c);
}

static void keys_that_others_can_read_or_write_are_warned_about(void)
{
    static const struct {
        mode_t mode;
        const char *told; /* NULL: nothing */
    } cases[] = {
        {0600, NULL},
        {0440, NULL},
        {0640, NULL}, /* a group's, as Kubernetes mounts them */
        {0644, " read "},
        {0602, " write "},
        {0666, " read and write "},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char path[128], key[160], secret[160], want[256];
        struct setup s = {.program = LAC_CONF_CLASSIFY, .flags = {key}, .env = {secret}};
        struct lac_conf *c;

        lac_test_row("%04o", (unsigned)cases[i].mode);
        write_file(path, sizeof(path), "a.key", "01234567890123456789012345678901", cases[i].mode);
        (void)snprintf(key, sizeof(key), "--commitment-key-file=%s", path);
        (void)snprintf(secret, sizeof(secret), "LACUNA__REGISTRY__PASSWORD_FILE=%s", path);
        c = need(&s);
        if (!cases[i].told) {
            CU_ASSERT(!lac_conf_warning(c, 0));
        } else {
            LAC_TEST_NEED(lac_conf_warning(c, 0) && lac_conf_warning(c, 1));
            (void)snprintf(want, sizeof(want), "every user of this machine can%s%s", cases[i].told,
                           path);
            CU_ASSERT(strstr(lac_conf_warning(c, 0), want) != NULL);
            CU_ASSERT(strstr(lac_conf_warning(c, 1), want) != NULL);
            CU_ASSERT(strstr(lac_conf_warning(c, 1), "commitment.key_file") != NULL);
        }
        lac_conf_free(c);
        (void)unlink(path);
    }
}

static void each_program_calls_itself_by_its_name_to_brokers(void)
{
    static const struct {
        enum lac_conf_program program;
        const char *name;
    } cases[] = {{LAC_CONF_CLASSIFY, "lacuna-classify"},
                 {LAC_CONF_SINK, "lacuna-sink"},
                 {LAC_CONF_BRIDGE, "lacuna-bridge"},
                 {LAC_CONF_CLI, "lacuna"}};

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct setup s = {.program = cases[i].program, .env = {"LACUNA__COMMITMENT__KEY_FILE=k"}};
        struct lac_conf *c = need(&s);

        LAC_TEST_STR(lac_conf_text(c, "kafka.client_id"), cases[i].name);
        lac_conf_free(c);
        s.env[1] = "LACUNA__KAFKA__CLIENT_ID=ours";
        c = need(&s);
        LAC_TEST_STR(lac_conf_text(c, "kafka.client_id"), "ours");
        lac_conf_free(c);
    }
}

static void a_folder_means_the_file_in_it(void)
{
    char path[128], entry[160];
    struct lac_conf_sources src = {.program = LAC_CONF_SINK};
    char *envp[] = {entry, NULL};
    struct lac_conf *c;

    write_file(path, sizeof(path), "lacuna.conf", "sink: { lanes = 9; };", 0600);
    (void)snprintf(entry, sizeof(entry), "LACUNA_CONFIG_PATH=%s", folder);
    src.envp = envp;
    LAC_TEST_NEED(lac_conf_load(&c, &src, NULL) == LAC_OK);
    LAC_TEST_EQ(lac_conf_number(c, "sink.lanes"), 9);
    LAC_TEST_STR(lac_conf_path(c), path);
    lac_conf_free(c);
}

static void the_users_file_is_found_and_the_current_folder_is_not_searched(void)
{
    char path[160], sub[128], entry[160];
    struct lac_conf_sources src = {.program = LAC_CONF_SINK};
    char *envp[] = {entry, NULL};
    struct lac_conf *c;

    write_file(path, sizeof(path), "unused", "", 0600);
    (void)snprintf(sub, sizeof(sub), "%s/lacuna", folder);
    (void)mkdir(sub, 0700);
    write_file(path, sizeof(path), "lacuna/lacuna.conf", "sink: { lanes = 7; };", 0600);
    (void)snprintf(entry, sizeof(entry), "XDG_CONFIG_HOME=%s", folder);
    src.envp = envp;
    LAC_TEST_NEED(lac_conf_load(&c, &src, NULL) == LAC_OK);
    LAC_TEST_EQ(lac_conf_number(c, "sink.lanes"), 7);
    LAC_TEST_STR(lac_conf_search_path(c, 0), path);
    LAC_TEST_STR(lac_conf_search_path(c, 1), "/etc/lacuna/lacuna.conf");
    CU_ASSERT(!lac_conf_search_path(c, 2));
    lac_conf_free(c);
    (void)unlink(path);
    (void)rmdir(sub);
}

static const struct {
    const char *text, *masked;
} maskings[] = {
    {"postgresql://u:pw@h/db", "postgresql://u:********@h/db"},
    {"postgresql://u@h:5432/db", "postgresql://u@h:5432/db"},
    {"postgresql://u:p@w:x@h/db", "postgresql://u:********@h/db"},
    {"postgresql://u:p/w@h/db", "postgresql://u:********@h/db"},
    {"postgresql://h/db?user=u&password=pw&sslmode=require",
     "postgresql://h/db?user=u&password=********&sslmode=require"},
    {"host=h password=pw user=u", "host=h password=******** user=u"},
    {"host=h password='p w\\'x' user=u", "host=h password=********' user=u"},
    /* Blanks that libpq takes, separators of other forms, and blanks in URLs that it refuses. */
    {"host=h password = pw user=u", "host=h password = ******** user=u"},
    {"password\t=\n'p w' user=u", "password\t=\n********' user=u"},
    {"password=p\\ w;x&y user=u", "password=******** user=u"},
    {"postgresql://u:p w@h/db", "postgresql://u:********@h/db"},
    {"redis://:pw@h", "redis://:********@h"},
    {"sasl.password=x;ssl.key.password=y;a=b",
     "sasl.password=********;ssl.key.password=********;a=b"},
    {"password=", "password="},
    /* Without a scheme. */
    {"u:pw@h:8081", "u:********@h:8081"},
    {"u:p@w/x@h:8081/y", "u:********@h:8081/y"},
    {"u@h:8081", "u@h:8081"},
    {"h1:9092,h2:9092", "h1:9092,h2:9092"},
    {"http://[::1]:8081", "http://[::1]:8081"},
    {"127.0.0.1:9092", "127.0.0.1:9092"},
    {"", ""},
};

static void passwords_inside_values_are_hidden(void)
{
    for (size_t i = 0; i < LAC_COUNT(maskings); i++) {
        struct lac_buf b;

        lac_test_row("%s", maskings[i].text);
        lac_buf_init(&b, 1024);
        lac_conf_put_masked(&b, lac_str_from(maskings[i].text));
        LAC_TEST_STR(lac_buf_cstr(&b), maskings[i].masked);
        lac_buf_deinit(&b);
    }
}

static const struct setup with_secrets = {
    .file = "postgres: { url = \"postgresql://u:hunter1@h/db\"; };\n"
            "kafka: { sasl_password = \"hunter2\"; origin = \"a\\\"b\\\\c\"; };",
    .env = {"LACUNA_API_KEY=hunter3", "LACUNA__REGISTRY__URL=http://x:hunter4@r"},
    .flags = {"--redis-url=redis://:hunter5@h"},
    .program = LAC_CONF_CLI,
};

static void a_masked_dump_shows_no_secret(void)
{
    struct lac_conf *c = need(&with_secrets);

    for (int format = LAC_CONF_AS_FILE; format <= LAC_CONF_AS_JSON; format++) {
        struct lac_buf b;

        lac_buf_init(&b, 1 << 20);
        lac_conf_dump(c, &b, (enum lac_conf_format)format, true);
        CU_ASSERT(!strstr(lac_buf_cstr(&b), "hunter"));
        CU_ASSERT(strstr(lac_buf_cstr(&b), "********") != NULL);
        CU_ASSERT(strstr(lac_buf_cstr(&b), "LACUNA_API_KEY") != NULL);
        lac_buf_reset(&b);
        lac_conf_dump(c, &b, (enum lac_conf_format)format, false);
        for (int n = '1'; n <= '5'; n++) {
            const char secret[] = {'h', 'u', 'n', 't', 'e', 'r', (char)n, '\0'};

            CU_ASSERT(strstr(lac_buf_cstr(&b), secret) != NULL);
        }
        lac_buf_deinit(&b);
    }
    lac_conf_free(c);
}

static void a_stray_connection_string_is_hidden(void)
{
    static const struct setup setups[] = {{.env = {"LACUNA_POSTGRES_URL=hunter1"}},
                                          {.env = {"LACUNA_POSTGRES_URL=u:hunter1@h/db"}},
                                          {.env = {"LACUNA__REGISTRY__URL=u:hunter1@h:8081"}}};

    for (size_t i = 0; i < LAC_COUNT(setups); i++) {
        struct setup s = setups[i];
        struct lac_conf *c;
        struct lac_buf b;

        s.program = LAC_CONF_CLI;
        c = need(&s);
        lac_buf_init(&b, 1 << 20);
        lac_conf_dump(c, &b, LAC_CONF_AS_FILE, true);
        CU_ASSERT(!strstr(lac_buf_cstr(&b), "hunter"));
        lac_buf_deinit(&b);
        lac_conf_free(c);
    }
}

static void a_dump_is_a_file_that_means_the_same(void)
{
    struct lac_conf *c = need(&with_secrets), *again;
    struct setup s = {.program = LAC_CONF_CLI};
    struct lac_buf b;

    lac_buf_init(&b, 1 << 20);
    lac_conf_dump(c, &b, LAC_CONF_AS_FILE, false);
    s.file = lac_buf_cstr(&b);
    again = need(&s);
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        lac_test_row("%s", lac_conf_keys[i].name);
        LAC_TEST_STR(again->values[i].text, c->values[i].text);
        LAC_TEST_EQ(again->values[i].number, c->values[i].number);
    }
    lac_conf_free(again);
    /* A masked one loads, too, and never sets a secret to asterisks. */
    lac_buf_reset(&b);
    lac_conf_dump(c, &b, LAC_CONF_AS_FILE, true);
    s.file = lac_buf_cstr(&b);
    again = need(&s);
    LAC_TEST_STR(lac_conf_text(again, "kafka.sasl_password"), "");
    LAC_TEST_STR(lac_conf_text(again, "kafka.origin"), "a\"b\\c");
    lac_conf_free(again);
    lac_conf_free(c);
    lac_buf_deinit(&b);
}

static void a_json_dump_names_sources(void)
{
    struct lac_conf *c = need(&with_secrets);
    const struct lac_json *settings, *one;
    struct lac_json *root;
    struct lac_buf b;

    lac_buf_init(&b, 1 << 20);
    lac_conf_dump(c, &b, LAC_CONF_AS_JSON, true);
    LAC_TEST_NEED(lac_json_parse(&root, lac_buf_str(&b), NULL) == LAC_OK);
    settings = lac_json_get(root, "settings");
    LAC_TEST_EQ(lac_json_size(settings), lac_conf_key_count);
    one = lac_json_get(settings, "bridge.api_key");
    CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(one, "value")), "********"));
    CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(one, "source")), "env"));
    CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(one, "from")), "LACUNA_API_KEY"));
    one = lac_json_get(settings, "sink.lanes");
    LAC_TEST_EQ(lac_json_int(lac_json_get(one, "value")), 1);
    CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(one, "source")), "default"));
    lac_json_free(root);
    lac_buf_deinit(&b);
    lac_conf_free(c);
}

static void errors_never_show_a_secret(void)
{
    struct setup env = {.env = {"LACUNA_API_KEY=hunter\n2"}};
    struct setup file = {.file = "postgres: { password = \"hunter\\x022\"; };"};
    struct lac_conf *c;
    struct lac_err err;

    LAC_TEST_EQ(load(&c, &env, &err), LAC_FATAL);
    CU_ASSERT(!strstr(err.text, "hunter"));
    LAC_TEST_EQ(load(&c, &file, &err), LAC_FATAL);
    CU_ASSERT(!strstr(err.text, "hunter"));
}

static void the_table_is_sound(void)
{
    char one[LAC_CONF_NAME_MAX], other[LAC_CONF_NAME_MAX];

    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_key *key = &lac_conf_keys[i];
        size_t section = strcspn(key->name, ".") + 1, n = strlen(key->help);

        lac_test_row("%s", key->name);
        CU_ASSERT(strchr(key->name, '.') && strlen(key->name) < 48);
        CU_ASSERT(strspn(key->name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(key->name));
        CU_ASSERT(!strstr(key->name, "__")); /* that separates in the environment */
        CU_ASSERT(n > 0 && n < 300 && key->help[n - 1] == '.' && key->programs != 0);
        CU_ASSERT(!(key->required & ~key->programs));
        CU_ASSERT((key->type == LAC_CONF_ENUM) == (key->words != NULL));
        CU_ASSERT(!(key->flags & LAC_CONF_SECRET) || key->deflt[0] == '\0');
        CU_ASSERT(key->type != LAC_CONF_DURATION || strstr(key->name, "_ms") != NULL);
        CU_ASSERT(key->type != LAC_CONF_SIZE || strstr(key->name, "_bytes") != NULL);
        for (size_t j = 0; j < i; j++) {
            const char *name = lac_conf_keys[j].name;

            lac_conf_spell(one, LAC_CONF_IN_FLAG, (struct lac_conf_name){i, false});
            lac_conf_spell(other, LAC_CONF_IN_FLAG, (struct lac_conf_name){j, false});
            CU_ASSERT(strcmp(one, other) != 0);
            /* A section that is interrupted would be opened twice in a dump. */
            CU_ASSERT(strncmp(name, key->name, section) != 0 ||
                      strncmp(lac_conf_keys[i - 1].name, key->name, section) == 0);
        }
    }
}

static void every_setting_is_reached_in_every_spelling(void)
{
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        for (int s = LAC_CONF_IN_FILE; s <= LAC_CONF_IN_FLAG; s++) {
            struct lac_conf_name found;
            char name[LAC_CONF_NAME_MAX];

            lac_conf_spell(name, (enum lac_conf_spelling)s, (struct lac_conf_name){i, false});
            lac_test_row("%s", name);
            CU_ASSERT(lac_conf_find((enum lac_conf_spelling)s, lac_str_from(name), &found));
            LAC_TEST_EQ(found.key, i);
            CU_ASSERT(!found.file_form);
        }
    }
}

static void help_and_sample_name_what_the_program_reads(void)
{
    struct setup s = {0};
    struct lac_conf *c;
    struct lac_buf b;

    lac_buf_init(&b, 1 << 20);
    lac_conf_help(&b, LAC_CONF_SINK);
    CU_ASSERT(strstr(lac_buf_cstr(&b), "  --sink-lanes=N\n") != NULL);
    CU_ASSERT(strstr(lac_buf_cstr(&b), "  --postgres-password-file=FILE\n") != NULL);
    CU_ASSERT(!strstr(lac_buf_cstr(&b), "--bridge-listen"));
    CU_ASSERT(!strstr(lac_buf_cstr(&b), "--postgres-password="));
    lac_buf_reset(&b);
    lac_conf_sample(&b);
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        char env[LAC_CONF_NAME_MAX];

        lac_conf_spell(env, LAC_CONF_IN_ENV, (struct lac_conf_name){i, false});
        CU_ASSERT(strstr(lac_buf_cstr(&b), env) != NULL);
    }
    s.file = lac_buf_cstr(&b);
    c = need(&s); /* it is a valid file that changes nothing */
    for (size_t i = 0; i < lac_conf_key_count; i++)
        LAC_TEST_EQ(c->values[i].origin, LAC_CONF_FROM_DEFAULT);
    lac_conf_free(c);
    lac_buf_deinit(&b);
}

/* Every "# name = value;" of the sample says the default, so all of them uncommented, too. */
static void the_sample_uncommented_is_the_default(void)
{
    struct setup s = {0}, none = {0};
    struct lac_conf *c, *defaults = need(&none);
    struct lac_buf b, open;

    lac_buf_init(&b, 1 << 20);
    lac_buf_init(&open, 1 << 20);
    lac_conf_sample(&b);
    for (const char *line = lac_buf_cstr(&b); *line;) {
        size_t n = strcspn(line, "\n");
        const char *equals = memmem(line, n, " = ", 3);

        if (n > 6 && equals && strncmp(line, "    # ", 6) == 0 && line[n - 1] == ';' &&
            !memmem(line, n, ", ", 2))
            lac_buf_put(&open, line + 6, n - 6);
        else
            lac_buf_put(&open, line, n);
        lac_buf_put_char(&open, '\n');
        line += n + (line[n] == '\n');
    }
    s.file = lac_buf_cstr(&open);
    c = need(&s);
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        lac_test_row("%s", lac_conf_keys[i].name);
        LAC_TEST_EQ(c->values[i].origin, LAC_CONF_FROM_FILE);
        if (lac_conf_keys[i].computed == LAC_CONF_FIXED)
            LAC_TEST_STR(c->values[i].text, defaults->values[i].text);
    }
    lac_conf_free(c);
    lac_conf_free(defaults);
    lac_buf_deinit(&open);
    lac_buf_deinit(&b);
}

static void reports_say_what_was_read_and_who_could_start(void)
{
    struct setup s = {.program = LAC_CONF_CLI,
                      .file = "sink: { lanes = 2; };",
                      .env = {"LACUNA_LLM_MODEL=x", "HOME=/nowhere"}};
    char want[512];
    struct lac_conf *c = need(&s);
    struct lac_buf b;

    lac_buf_init(&b, 1 << 16);
    LAC_TEST_EQ(lac_conf_report(c, LAC_CONF_SINK | LAC_CONF_CLASSIFY, &b), 1);
    (void)snprintf(want, sizeof(want),
                   "file: %s/lacuna.conf\n"
                   "lacuna-classify: commitment.key_file is not set",
                   folder);
    CU_ASSERT(strncmp(lac_buf_cstr(&b), want, strlen(want)) == 0);
    CU_ASSERT(strstr(lac_buf_cstr(&b), "\nlacuna-sink: ok\n") != NULL);
    lac_buf_deinit(&b);
    lac_conf_free(c);
}

static void tidy_up(void)
{
    static const char *const names[] = {"lacuna.conf", "secret", "loose.conf", "unused"};
    char path[128];

    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    CU_ASSERT(rmdir(folder) == 0);
}

LAC_TEST_MAIN(conf, the_strongest_source_wins, names_of_the_deployment_guide_work,
              other_lacuna_names_only_warn, mistakes_say_where_and_what_is_near,
              units_are_read_and_limits_kept, words_and_truth_values_are_read,
              flags_of_truth_values_need_no_value, a_lenient_load_keeps_what_it_does_not_know,
              help_and_version_need_no_valid_configuration,
              secrets_come_from_files_without_their_line_end, loose_file_modes_are_warned_about,
              keys_that_others_can_read_or_write_are_warned_about,
              each_program_calls_itself_by_its_name_to_brokers, a_folder_means_the_file_in_it,
              the_users_file_is_found_and_the_current_folder_is_not_searched,
              passwords_inside_values_are_hidden, a_masked_dump_shows_no_secret,
              a_stray_connection_string_is_hidden, a_dump_is_a_file_that_means_the_same,
              a_json_dump_names_sources, errors_never_show_a_secret, the_table_is_sound,
              every_setting_is_reached_in_every_spelling,
              help_and_sample_name_what_the_program_reads, the_sample_uncommented_is_the_default,
              reports_say_what_was_read_and_who_could_start, tidy_up)
