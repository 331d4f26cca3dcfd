/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_test.h"

/* libconfig 1.5 drops a string that stands where its grammar fails: once, before an exit. */
const char *__lsan_default_suppressions(void); /* NOLINT(readability-identifier-naming) */
const char *__lsan_default_suppressions(void)  /* NOLINT(readability-identifier-naming) */
{
    return "leak:libconfig.so";
}

char fixture_folder[] = "/tmp/lac_conf_XXXXXX";

void fixture_write_file(char *path, size_t size, const char *name, const char *text, mode_t mode)
{
    int fd;

    if (strcmp(fixture_folder, "/tmp/lac_conf_XXXXXX") == 0)
        LAC_TEST_NEED(mkdtemp(fixture_folder));
    (void)snprintf(path, size, "%s/%s", fixture_folder, name);
    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    LAC_TEST_NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    LAC_TEST_NEED(fchmod(fd, mode) == 0 && close(fd) == 0);
}

enum lac_status fixture_load(struct lac_conf **c, const struct setup *s, struct lac_err *err)
{
    static char *argv[FIXTURE_WORDS_MAX + 2], *envp[FIXTURE_WORDS_MAX + 1], name[] = "test";
    struct lac_conf_sources src = {.program = s->program ? s->program : LAC_CONF_SINK,
                                   .envp = envp,
                                   .argv = argv,
                                   .argc = 1,
                                   .no_file = true,
                                   .lenient = s->lenient};
    static char path[128];

    if (s->file) {
        fixture_write_file(path, sizeof(path), "lacuna.conf", s->file, 0600);
        src.file = path;
    }
    argv[0] = name;
    for (int i = 0; i < FIXTURE_WORDS_MAX && s->flags[i]; i++)
        argv[src.argc++] = (char *)s->flags[i];
    argv[src.argc] = NULL;
    memset(envp, 0, sizeof(envp));
    for (int i = 0; i < FIXTURE_WORDS_MAX && s->env[i]; i++)
        envp[i] = (char *)s->env[i];
    memset(err, 0, sizeof(*err));
    return lac_conf_load(c, &src, err);
}

struct lac_conf *fixture_need(const struct setup *s)
{
    struct lac_conf *c = NULL;
    struct lac_err err;

    if (fixture_load(&c, s, &err) != LAC_OK)
        LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(c);
    return c;
}

bool fixture_tidy_up(void)
{
    static const char *const names[] = {"lacuna.conf", "secret", "loose.conf", "unused"};
    char path[128];

    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", fixture_folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(fixture_folder) == 0;
}
