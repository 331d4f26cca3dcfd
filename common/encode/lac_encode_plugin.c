/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where a plug-in may lie, seen from the folder of the running program. */
static const char *const places[] = {"", "../lib/lacuna/", "../lib/", "../lib64/lacuna/",
                                     ("../lib/" LAC_ENCODE_MULTIARCH "/lacuna/")};

static bool program_folder(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    char *slash;

    if (n <= 0)
        return false;
    out[n] = 0;
    slash = strrchr(out, '/');
    if (slash)
        slash[1] = 0;
    return slash != NULL;
}

static enum lac_status find_library(char out[PATH_MAX], const char *library, struct lac_err *err)
{
    char folder[PATH_MAX];

    if (library && *library) {
        if (library[0] != '/')
            return lac_err_set(err, LAC_REJECT, 0, "the plug-in %.200s is no absolute path",
                               library);
        if (access(library, R_OK) != 0)
            return lac_err_set(err, LAC_REJECT, 0, "the plug-in %.200s can't be read", library);
        (void)snprintf(out, PATH_MAX, "%s", library);
        return LAC_OK;
    }
    if (program_folder(folder))
        for (size_t i = 0; i < LAC_COUNT(places); i++)
            if (snprintf(out, PATH_MAX, "%s%s%s", folder, places[i], LAC_ENCODE_PLUGIN_FILE) <
                    PATH_MAX &&
                access(out, R_OK) == 0)
                return LAC_OK;
    return lac_err_set(err, LAC_REJECT, 0, "no plug-in %s is installed", LAC_ENCODE_PLUGIN_FILE);
}

/* A message of the loader, on one line. */
static const char *loader_says(void)
{
    const char *text = dlerror(); /* NOLINT(concurrency-mt-unsafe): per thread in glibc */

    return text ? text : "no reason given";
}

static enum lac_status load(const struct lac_encode_backend **out, const char *library,
                            struct lac_err *err)
{
    const struct lac_encode_backend *backend;
    char path[PATH_MAX];
    enum lac_status status = find_library(path, library, err);
    void *handle;

    if (status != LAC_OK)
        return status;
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return lac_err_set(err, LAC_REJECT, 0, "the plug-in can't be loaded: %.300s",
                           loader_says());
    backend = dlsym(handle, LAC_ENCODE_PLUGIN_SYMBOL);
    if (!backend)
        return lac_err_set(err, LAC_REJECT, 0, "%.200s is no plug-in: it has no %s", path,
                           LAC_ENCODE_PLUGIN_SYMBOL);
    if (backend->abi != LAC_ENCODE_BACKEND_ABI)
        return lac_err_set(err, LAC_REJECT, 0,
                           "%.200s is of another version: its interface is %u, ours is %d", path,
                           backend->abi, LAC_ENCODE_BACKEND_ABI);
    if (!backend->name || !backend->probe || !backend->open || !backend->close ||
        !backend->engine || !backend->session_open || !backend->session_close || !backend->run)
        return lac_err_set(err, LAC_REJECT, 0, "%.200s lacks a function", path);
    *out = backend;
    return LAC_OK;
}

enum lac_status lac_encode_backend_find(const struct lac_encode_backend **out,
                                        enum lac_encode_class class, const char *library,
                                        struct lac_err *err)
{
    const struct lac_encode_backend *backend = &lac_encode_cpu;
    enum lac_status status = LAC_OK;

    *out = NULL;
    if (class == LAC_ENCODE_CUDA_BF16 || class == LAC_ENCODE_CUDA_FP8)
        status = load(&backend, library, err);
    if (status == LAC_OK)
        status = backend->probe(class, err);
    if (status == LAC_OK)
        *out = backend;
    return status == LAC_OK ? LAC_OK : LAC_REJECT;
}

enum lac_status lac_encode_backend_best(const struct lac_encode_backend **out,
                                        enum lac_encode_class *class, const char *library,
                                        struct lac_err *err)
{
    static const enum lac_encode_class order[] = {LAC_ENCODE_CUDA_BF16, LAC_ENCODE_CPU_INT8,
                                                  LAC_ENCODE_CPU_BF16, LAC_ENCODE_CPU_FP32};
    enum lac_status status = LAC_REJECT;

    for (size_t i = 0; status != LAC_OK && i < LAC_COUNT(order); i++) {
        *class = order[i];
        status = lac_encode_backend_find(out, order[i], library, err);
    }
    return status;
}
