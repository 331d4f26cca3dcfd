/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_fault.h"

#ifdef LAC_FAULTS

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_env.h"

enum { FAULTS_MAX = 16 };

static struct fault {
    char name[64];
    char action[16];
    unsigned long at;   /* the pass that acts */
    unsigned long seen; /* passes so far; atomic */
} faults[FAULTS_MAX];
static size_t fault_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* One word of a spec; returns its length, 0 if there is none or it does not fit. */
static size_t take(char *out, size_t size, const char *spec)
{
    size_t len = strcspn(spec, ":,");

    if (len == 0 || len >= size)
        return 0;
    memcpy(out, spec, len);
    out[len] = '\0';
    return len;
}

static bool parse_one(struct fault *f, const char *spec)
{
    size_t len = take(f->name, sizeof(f->name), spec);

    if (!len || spec[len] != ':')
        return false;
    spec += len + 1;
    len = take(f->action, sizeof(f->action), spec);
    if (!len)
        return false;
    f->at = 1;
    if (spec[len] == ':' && spec[len + 1] >= '0' && spec[len + 1] <= '9')
        f->at = strtoul(spec + len + 1, NULL, 10);
    return true;
}

static void parse_all(void)
{
    const char *spec = lac_env("LACUNA_FAULT");

    while (spec && *spec && fault_count < FAULTS_MAX) {
        struct fault *f = &faults[fault_count];

        if (parse_one(f, spec))
            fault_count++;
        else
            fprintf(stderr, "LACUNA_FAULT: cannot read \"%s\"\n", spec);
        spec = strchr(spec, ',');
        if (spec)
            spec++;
    }
}

static void act(const struct fault *f)
{
    fprintf(stderr, "event=fault_hit name=%s action=%s\n", f->name, f->action);
    if (strcmp(f->action, "stop") == 0)
        (void)raise(SIGSTOP);
    else if (strcmp(f->action, "abort") == 0)
        abort();
    else
        (void)raise(SIGKILL);
}

void lac_fault_hit(const char *name)
{
    (void)pthread_once(&once, parse_all);
    for (size_t i = 0; i < fault_count; i++)
        if (strcmp(faults[i].name, name) == 0 &&
            __atomic_add_fetch(&faults[i].seen, 1, __ATOMIC_RELAXED) == faults[i].at)
            act(&faults[i]);
}

bool lac_fault_set(const char *name)
{
    (void)pthread_once(&once, parse_all);
    for (size_t i = 0; i < fault_count; i++)
        if (strcmp(faults[i].name, name) == 0)
            return true;
    return false;
}

#else
typedef int lac_fault_is_not_built; /* ISO C wants something in every file */
#endif
