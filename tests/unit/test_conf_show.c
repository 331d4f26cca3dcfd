/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is shown of the settings means what is set, names all there is, and shows no secret:
 * dumps, errors, help, the sample file and reports, all made from one table.
 */
#include <stdio.h>

#include "conf_fixture.h"
#include "lac_conf_impl.h"
#include "lac_json.h"
#include "lac_test.h"

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
    {"sasl.password=x;ssl.key.password=y z;a.b=c",
     "sasl.password=********;ssl.key.password=********;a.b=c"},
    {"password=x;ssl.key.password=y;a=b", "password=********"},
    /* As libpq reads them: names with %XX, ';' and blanks in values, quotes only outside of
     * URLs, '@' and "://" in a query. */
    {"postgresql://h/db?pass%77ord=pw&ssl%70assword=pw",
     "postgresql://h/db?pass%77ord=********&ssl%70assword=********"},
    {"postgresql://h/db?%70%61%73%73%77%6F%72%64=pw",
     "postgresql://h/db?%70%61%73%73%77%6F%72%64=********"},
    {"postgresql://h/db?pass%7=pw&x=y", "postgresql://h/db?pass%7=pw&x=y"},
    {"host=h password=p;dbname=w user=u", "host=h password=******** user=u"},
    {"postgresql://h/db?password=p;x=w&y=z", "postgresql://h/db?password=********&y=z"},
    {"postgresql://h/db?password=p w&y=z", "postgresql://h/db?password=********&y=z"},
    {"postgresql://h/db?password='p'w&y=z", "postgresql://h/db?password=********&y=z"},
    {"postgresql://h:5432/db?password=p@w&y=z", "postgresql://h:********&y=z"},
    {"postgresql://h/db?password=p:w@x&y=z", "postgresql://h/db?password=********&y=z"},
    {"password=a://b&c user=u", "password=******** user=u"},
    {"host=h scram_client_key=k", "host=h scram_client_key=********"},
    {"host=h passfile=/f", "host=h passfile=/f"},
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
    struct lac_conf *c = fixture_need(&with_secrets);

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
        c = fixture_need(&s);
        lac_buf_init(&b, 1 << 20);
        lac_conf_dump(c, &b, LAC_CONF_AS_FILE, true);
        CU_ASSERT(!strstr(lac_buf_cstr(&b), "hunter"));
        lac_buf_deinit(&b);
        lac_conf_free(c);
    }
}

static void a_dump_is_a_file_that_means_the_same(void)
{
    struct lac_conf *c = fixture_need(&with_secrets), *again;
    struct setup s = {.program = LAC_CONF_CLI};
    struct lac_buf b;

    lac_buf_init(&b, 1 << 20);
    lac_conf_dump(c, &b, LAC_CONF_AS_FILE, false);
    s.file = lac_buf_cstr(&b);
    again = fixture_need(&s);
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
    again = fixture_need(&s);
    LAC_TEST_STR(lac_conf_text(again, "kafka.sasl_password"), "");
    LAC_TEST_STR(lac_conf_text(again, "kafka.origin"), "a\"b\\c");
    lac_conf_free(again);
    lac_conf_free(c);
    lac_buf_deinit(&b);
}

static void a_json_dump_names_sources(void)
{
    struct lac_conf *c = fixture_need(&with_secrets);
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

    LAC_TEST_EQ(fixture_load(&c, &env, &err), LAC_FATAL);
    CU_ASSERT(!strstr(err.text, "hunter"));
    LAC_TEST_EQ(fixture_load(&c, &file, &err), LAC_FATAL);
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
    c = fixture_need(&s); /* it is a valid file that changes nothing */
    for (size_t i = 0; i < lac_conf_key_count; i++)
        LAC_TEST_EQ(c->values[i].origin, LAC_CONF_FROM_DEFAULT);
    lac_conf_free(c);
    lac_buf_deinit(&b);
}

/* Every "# name = value;" of the sample says the default, so all of them uncommented, too. */
static void the_sample_uncommented_is_the_default(void)
{
    struct setup s = {0}, none = {0};
    struct lac_conf *c, *defaults = fixture_need(&none);
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
    c = fixture_need(&s);
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
    struct lac_conf *c = fixture_need(&s);
    struct lac_buf b;

    lac_buf_init(&b, 1 << 16);
    LAC_TEST_EQ(lac_conf_report(c, LAC_CONF_SINK | LAC_CONF_CLASSIFY, &b), 1);
    (void)snprintf(want, sizeof(want),
                   "file: %s/lacuna.conf\n"
                   "lacuna-classify: commitment.key_file is not set",
                   fixture_folder);
    CU_ASSERT(strncmp(lac_buf_cstr(&b), want, strlen(want)) == 0);
    CU_ASSERT(strstr(lac_buf_cstr(&b), "\nlacuna-sink: ok\n") != NULL);
    lac_buf_deinit(&b);
    lac_conf_free(c);
}

static void tidy_up(void)
{
    CU_ASSERT(fixture_tidy_up());
}

LAC_TEST_MAIN(conf_show, passwords_inside_values_are_hidden, a_masked_dump_shows_no_secret,
              a_stray_connection_string_is_hidden, a_dump_is_a_file_that_means_the_same,
              a_json_dump_names_sources, errors_never_show_a_secret, the_table_is_sound,
              every_setting_is_reached_in_every_spelling,
              help_and_sample_name_what_the_program_reads, the_sample_uncommented_is_the_default,
              reports_say_what_was_read_and_who_could_start, tidy_up)
