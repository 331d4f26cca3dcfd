/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the right files are read, and files that others can read or change are warned about. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_fixture.h"
#include "lac_test.h"

static void secrets_come_from_files_without_their_line_end(void)
{
    char path[128], entry[256], flag[256], text[256];
    struct setup env = {.env = {entry}}, flagged = {.flags = {flag}}, file = {.file = text};
    struct lac_conf *c;
    struct lac_err err;

    fixture_write_file(path, sizeof(path), "secret", "hunter2\n", 0600);
    (void)snprintf(entry, sizeof(entry), "LACUNA_API_KEY_FILE=%s", path);
    (void)snprintf(flag, sizeof(flag), "--postgres-password-file=%s", path);
    (void)snprintf(text, sizeof(text), "postgres: { password_file = \"%s\"; };", path);
    c = fixture_need(&env);
    LAC_TEST_STR(lac_conf_text(c, "bridge.api_key"), "hunter2");
    CU_ASSERT(!lac_conf_warning(c, 0));
    lac_conf_free(c);
    c = fixture_need(&flagged);
    LAC_TEST_STR(lac_conf_text(c, "postgres.password"), "hunter2");
    lac_conf_free(c);
    c = fixture_need(&file);
    LAC_TEST_STR(lac_conf_text(c, "postgres.password"), "hunter2");
    lac_conf_free(c);

    fixture_write_file(path, sizeof(path), "secret", "hunter3\r\n", 0644);
    c = fixture_need(&env);
    LAC_TEST_STR(lac_conf_text(c, "bridge.api_key"), "hunter3");
    LAC_TEST_NEED(lac_conf_warning(c, 0));
    CU_ASSERT(strstr(lac_conf_warning(c, 0), "every user of this machine can read") != NULL);
    lac_conf_free(c);

    fixture_write_file(path, sizeof(path), "secret", "\n", 0600);
    LAC_TEST_EQ(fixture_load(&c, &env, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "is empty") != NULL);
    fixture_write_file(path, sizeof(path), "secret", "two\nlines\n", 0600);
    LAC_TEST_EQ(fixture_load(&c, &env, &err), LAC_FATAL);
    CU_ASSERT(!strstr(err.text, "two"));
    (void)snprintf(text, sizeof(text), "postgres: { password = \"a\"; password_file = \"%s\"; };",
                   path);
    LAC_TEST_EQ(fixture_load(&c, &file, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "postgres.password is set twice") != NULL);
}

static void loose_file_modes_are_warned_about(void)
{
    char path[128], flag[160];
    struct setup s = {.flags = {flag}};
    struct lac_conf *c;

    fixture_write_file(path, sizeof(path), "loose.conf", "postgres: { password = \"a\"; };", 0646);
    (void)snprintf(flag, sizeof(flag), "--config=%s", path);
    c = fixture_need(&s);
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
        fixture_write_file(path, sizeof(path), "a.key", "01234567890123456789012345678901",
                           cases[i].mode);
        (void)snprintf(key, sizeof(key), "--commitment-key-file=%s", path);
        (void)snprintf(secret, sizeof(secret), "LACUNA__REGISTRY__PASSWORD_FILE=%s", path);
        c = fixture_need(&s);
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

static void a_folder_means_the_file_in_it(void)
{
    char path[128], entry[160];
    struct lac_conf_sources src = {.program = LAC_CONF_SINK};
    char *envp[] = {entry, NULL};
    struct lac_conf *c;

    fixture_write_file(path, sizeof(path), "lacuna.conf", "sink: { lanes = 9; };", 0600);
    (void)snprintf(entry, sizeof(entry), "LACUNA_CONFIG_PATH=%s", fixture_folder);
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

    fixture_write_file(path, sizeof(path), "unused", "", 0600);
    (void)snprintf(sub, sizeof(sub), "%s/lacuna", fixture_folder);
    (void)mkdir(sub, 0700);
    fixture_write_file(path, sizeof(path), "lacuna/lacuna.conf", "sink: { lanes = 7; };", 0600);
    (void)snprintf(entry, sizeof(entry), "XDG_CONFIG_HOME=%s", fixture_folder);
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

static void tidy_up(void)
{
    CU_ASSERT(fixture_tidy_up());
}

LAC_TEST_MAIN(conf_files, secrets_come_from_files_without_their_line_end,
              loose_file_modes_are_warned_about,
              keys_that_others_can_read_or_write_are_warned_about, a_folder_means_the_file_in_it,
              the_users_file_is_found_and_the_current_folder_is_not_searched, tidy_up)
