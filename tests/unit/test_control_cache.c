/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what was taken is there after a restart, and what lies in the cache is believed no more
 * than what the topic brings.
 */
#include "lac_control_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_state_fixture.h"
#include "lac_test.h"

static struct lac_err err;

static void remove_folder(const char *path)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf %s", path);
    LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c): a path of mkdtemp() */
}

/* Root may list every folder: what nobody can list is a file. */
static void a_cache_that_cannot_be_listed_is_not_an_empty_one(void)
{
    char path[] = "/tmp/test_control.XXXXXX";
    struct lac_control_cache cache;
    int fd = mkstemp(path);

    LAC_TEST_NEED(fd >= 0);
    LAC_TEST_EQ(lac_control_cache_open(&cache, path, 2, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, path) && strstr(err.text, "pack.cache_dir"));
    close(fd);
    (void)unlink(path);
}

static void what_was_taken_is_there_after_a_restart(void)
{
    char path[] = "/tmp/test_control.XXXXXX", name[256], command[512];
    struct lac_control_signers strangers = {.required = true};
    struct lac_control_cache cache;
    struct lac_control p;
    struct fixture_state f;

    LAC_TEST_NEED(mkdtemp(path) != NULL);
    LAC_TEST_NEED(lac_control_cache_open(&cache, path, 2, &err) == LAC_OK);
    fixture_state_open(&f, &fixture_signers, &cache);
    CU_ASSERT(!lac_control_state_load(f.state, FIXTURE_NOW));
    for (int64_t v = 1; v <= 4; v++)
        fixture_send_pack(&f, LAC_CONTROL_CURRENT, v, (size_t)v);
    fixture_send_pack(&f, LAC_CONTROL_CANARY, 6, 5);
    p = fixture_push(LAC_CONTROL_CURRENT, 5, fixture_pack(5));
    p.has_expires = true;
    p.expires = FIXTURE_NOW + 10;
    fixture_send(&f, &p, fixture_pack(5), fixture_key);
    fixture_settle(&f, FIXTURE_NOW);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 5);
    fixture_state_close(&f);

    /* Past its time: it counts all the same, as it did before the restart. */
    fixture_state_open(&f, &fixture_signers, &cache);
    CU_ASSERT(lac_control_state_load(f.state, FIXTURE_NOW + 20));
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 5);
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CANARY), 6);
    CU_ASSERT(lac_control_state_expired(f.state));
    fixture_send_pack(&f, LAC_CONTROL_CURRENT, 4, 4); /* older than what it remembers */
    LAC_TEST_EQ(f.refused[LAC_CONTROL_OLD], 1);
    fixture_state_close(&f);

    /* What lies there is not believed for lying there. */
    fixture_state_open(&f, &strangers, &cache);
    CU_ASSERT(!lac_control_state_load(f.state, FIXTURE_NOW));
    CU_ASSERT(f.refused[LAC_CONTROL_UNKNOWN_SIGNER] > 0);
    fixture_state_close(&f);

    /* The newest is damaged: the one before it counts; older ones are not kept. */
    (void)snprintf(command, sizeof(command),
                   "cd %s && ls current-* | wc -l > count && truncate -s -1 current-5-*.control",
                   path);
    LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c) */
    fixture_state_open(&f, &fixture_signers, &cache);
    CU_ASSERT(lac_control_state_load(f.state, FIXTURE_NOW));
    LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 4);
    fixture_state_close(&f);
    (void)snprintf(name, sizeof(name), "%s/count", path);
    {
        FILE *count = fopen(name, "re");
        char text[16] = "";

        LAC_TEST_NEED(count && fgets(text, sizeof(text), count));
        (void)fclose(count);
        LAC_TEST_EQ(text[0], '2');
    }
    remove_folder(path);
}

/* What a disk has spoiled is brought again by the topic: it is there at the next start. */
static void what_is_damaged_in_the_cache_is_stored_again(void)
{
    static const char *const damages[] = {"truncate -s -1", "truncate -s 0", "sed -i s/./x/1",
                                          "sed -i '$s/.$/x/'"};
    char path[] = "/tmp/test_control.XXXXXX", command[256];
    struct lac_control_cache cache;
    struct fixture_state f;

    LAC_TEST_NEED(mkdtemp(path) != NULL);
    LAC_TEST_NEED(lac_control_cache_open(&cache, path, 2, &err) == LAC_OK);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        lac_test_row("%s", damages[i]);
        fixture_state_open(&f, &fixture_signers, &cache);
        (void)lac_control_state_load(f.state, FIXTURE_NOW);
        fixture_send_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
        fixture_state_close(&f);
        (void)snprintf(command, sizeof(command), "LC_ALL=C %s %s/current-1-*.control", damages[i],
                       path);
        LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c) */
        fixture_state_open(&f, &fixture_signers, &cache);
        CU_ASSERT(!lac_control_state_load(f.state, FIXTURE_NOW));
        fixture_send_pack(&f, LAC_CONTROL_CURRENT, 1, 1);
        LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
        fixture_state_close(&f);
        fixture_state_open(&f, &fixture_signers, &cache);
        CU_ASSERT(lac_control_state_load(f.state, FIXTURE_NOW));
        LAC_TEST_EQ(fixture_version_of(&f, LAC_CONTROL_CURRENT), 1);
        fixture_state_close(&f);
    }
    remove_folder(path);
}

LAC_TEST_MAIN(control_cache, a_cache_that_cannot_be_listed_is_not_an_empty_one,
              what_was_taken_is_there_after_a_restart, what_is_damaged_in_the_cache_is_stored_again)
