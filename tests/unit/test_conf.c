/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the strongest source wins, and nothing is taken that nobody meant. */
#include <stdio.h>

#include "conf_fixture.h"
#include "lac_test.h"

static const struct {
    struct setup s;
    const char *value, *source;
    enum lac_conf_origin origin;
} precedence[] = {
    {{0}, "lacuna.", "default", LAC_CONF_FROM_DEFAULT},
    {{.file = "kafka: { topic_prefix = \"file.\"; };"}, "file.", NULL, LAC_CONF_FROM_FILE},
    /* A byte order mark before UTF-8. */
    {{.file = "\xEF\xBB\xBFkafka: { topic_prefix = \"file.\"; };"},
     "file.",
     NULL,
     LAC_CONF_FROM_FILE},
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
        c = fixture_need(&precedence[i].s);
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
        c = fixture_need(&s);
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
        c = fixture_need(&s);
        LAC_TEST_NEED(lac_conf_warning(c, 0));
        LAC_TEST_STR(lac_conf_warning(c, 0), ignored[i].warning);
        CU_ASSERT(!lac_conf_warning(c, 1));
        LAC_TEST_STR(lac_conf_text(c, "metrics.listen"), "");
        lac_conf_free(c);
    }
    c = fixture_need(&quiet);
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
    {{.file = "sink: { lanes = 1.5; };"}, "FILE:1: sink.lanes must be a whole number"},
    {{.file = "sink: { lanes = [1, 2]; };"}, "FILE:1: sink.lanes must be a whole number"},
    {{.file = "sink: {\n lanes = true; };"}, "FILE:2: sink.lanes must be a whole number"},
    {{.file = "sink: { commit_interval_ms = 1.5; };"},
     "FILE:1: sink.commit_interval_ms must be a whole number, or a text in quotes such as \"10s\""},
    {{.file = "kafka: { queue_bytes = 1.5e6; };"},
     "FILE:1: kafka.queue_bytes must be a whole number, or a text in quotes such as \"64KiB\""},
    {{.file = "kafka: { ssl_insecure = 0.0; };"},
     "FILE:1: kafka.ssl_insecure must be true or false"},
    {{.file = "kafka: { ssl_insecure = [true]; };"},
     "FILE:1: kafka.ssl_insecure must be true or false"},
    {{.file = "log: { level = 5; };"},
     "FILE:1: log.level must be a text in quotes: one of error, warn, info, debug"},
    {{.file = "log: { level = [\"info\"]; };"},
     "FILE:1: log.level must be a text in quotes: one of error, warn, info, debug"},
    {{.file = "kafka: { origin = 5; };"}, "FILE:1: kafka.origin must be a text in quotes"},
    {{.file = "kafka: { origin = true; };"}, "FILE:1: kafka.origin must be a text in quotes"},
    {{.file = "kafka: { origin = 0.5; };"}, "FILE:1: kafka.origin must be a text in quotes"},
    {{.file = "kafka: { origin = [\"a\", \"b\"]; };"},
     "FILE:1: kafka.origin must be a text in quotes"},
    {{.file = "kafka: { properties = [\"a=1\", \"b=2\"]; };"},
     "FILE:1: kafka.properties must be a text in quotes"},
    {{.file = "postgres: { password = 0123; };"},
     "FILE:1: postgres.password must be a text in quotes"},
    {{.file = "postgres: { password_file = 5; };"},
     "FILE:1: postgres.password must be a text in quotes"},
    {{.file = "kafka: { bootstrap_servers = 5; };"},
     "FILE:1: kafka.bootstrap_servers must be a text in quotes or a list of such"},
    {{.file = "kafka: { bootstrap_servers = [9092, 9093]; };"},
     "FILE:1: kafka.bootstrap_servers must be a text in quotes or a list of such"},
    {{.file = "kafka: { bootstrap_servers = (\"a:1\", (\"b:1\")); };"},
     "FILE:1: kafka.bootstrap_servers must be a text in quotes or a list of such"},
    {{.file = "kafka = \"a:1\";"},
     "FILE:1: kafka is a section: kafka: { bootstrap_servers = ...; };"},
    {{.file = "\nkafka = [\"a:1\"];"},
     "FILE:2: kafka is a section: kafka: { bootstrap_servers = ...; };"},
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
    {{.flags = {"--registry-username=jo:hunter2"}},
     "registry.username must not hold a ':'; a password belongs into registry.password or the "
     "file of registry.password_file"},
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
        LAC_TEST_EQ(fixture_load(&c, &mistakes[i].s, &err), LAC_FATAL);
        CU_ASSERT(!c);
        if (strncmp(mistakes[i].error, "FILE", 4) == 0)
            (void)snprintf(want, sizeof(want), "%s/lacuna.conf%s", fixture_folder,
                           mistakes[i].error + 4);
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
        struct lac_conf *c = fixture_need(&s);
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
    struct lac_conf *c = fixture_need(&s);
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
    struct lac_conf *c = fixture_need(&on);

    CU_ASSERT(lac_conf_bool(c, "kafka.static_membership"));
    LAC_TEST_EQ(lac_conf_number(c, "sink.lanes"), 2);
    lac_conf_free(c);
    c = fixture_need(&off);
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
    struct lac_conf *c = fixture_need(&s);
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
    struct lac_conf *c = fixture_need(&help);

    LAC_TEST_EQ(lac_conf_asked(c), LAC_CONF_ASK_HELP);
    lac_conf_free(c);
    c = fixture_need(&version);
    LAC_TEST_EQ(lac_conf_asked(c), LAC_CONF_ASK_VERSION);
    lac_conf_free(c);
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
        struct lac_conf *c = fixture_need(&s);

        LAC_TEST_STR(lac_conf_text(c, "kafka.client_id"), cases[i].name);
        lac_conf_free(c);
        s.env[1] = "LACUNA__KAFKA__CLIENT_ID=ours";
        c = fixture_need(&s);
        LAC_TEST_STR(lac_conf_text(c, "kafka.client_id"), "ours");
        lac_conf_free(c);
    }
}

static void tidy_up(void)
{
    CU_ASSERT(fixture_tidy_up());
}

LAC_TEST_MAIN(conf, the_strongest_source_wins, names_of_the_deployment_guide_work,
              other_lacuna_names_only_warn, mistakes_say_where_and_what_is_near,
              units_are_read_and_limits_kept, words_and_truth_values_are_read,
              flags_of_truth_values_need_no_value, a_lenient_load_keeps_what_it_does_not_know,
              help_and_version_need_no_valid_configuration,
              each_program_calls_itself_by_its_name_to_brokers, tidy_up)
