/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU plug-in from outside: it needs nothing of the program that loads it, exports one table,
 * and where there is no GPU it refuses in words and without harm. What it computes is checked
 * on an emulated device (tests/cuda), and where a GPU is: tools/cuda-check.
 */
#include <dlfcn.h>

#include "lac_encode.h"
#include "lac_encode_model.h"
#include "lac_test.h"

static const struct lac_encode_backend *load(void)
{
    void *library = dlopen(LAC_TEST_CUDA_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        (void)fprintf(stderr, "%s\n", dlerror());
    LAC_TEST_NEED(library != NULL);
    const struct lac_encode_backend *table = dlsym(library, LAC_ENCODE_PLUGIN_SYMBOL);
    LAC_TEST_NEED(table != NULL);
    return table;
}

static void table_is_complete(void)
{
    const struct lac_encode_backend *b = load();

    LAC_TEST_EQ(b->abi, LAC_ENCODE_BACKEND_ABI);
    LAC_TEST_STR(b->name, "cuda");
    CU_ASSERT(b->probe && b->open && b->close && b->engine);
    CU_ASSERT(b->session_open && b->session_close && b->run);
    b->close(NULL);
    b->session_close(NULL);
}

static void classes_of_the_cpu_are_refused(void)
{
    struct lac_err err = {0};
    LAC_TEST_EQ(load()->probe(LAC_ENCODE_CPU_INT8, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "not a class of the CUDA encoder");
}

static void machine_without_a_gpu_is_told_why(void)
{
    static const enum lac_encode_class classes[] = {LAC_ENCODE_CUDA_BF16, LAC_ENCODE_CUDA_FP8};
    static const struct lac_encode_weights weights;
    const struct lac_encode_backend *b = load();

    for (size_t i = 0; i < LAC_COUNT(classes); i++) {
        struct lac_encode_device *d = NULL;
        struct lac_err err = {0};

        lac_test_row("%s", lac_encode_class_name(classes[i]));
        /* Weights of no shape: a machine with a GPU refuses those. */
        LAC_TEST_EQ(b->open(&d, &weights, classes[i], &err), LAC_REJECT);
        CU_ASSERT_PTR_NULL(d);
        if (b->probe(classes[i], &err) == LAC_OK)
            continue;
        LAC_TEST_EQ(err.status, LAC_REJECT);
        CU_ASSERT(strstr(err.text, "CUDA device") != NULL);
        CU_ASSERT(strlen(err.text) > strlen("no CUDA device: "));
    }
}

LAC_TEST_MAIN(encode_cuda, table_is_complete, classes_of_the_cpu_are_refused,
              machine_without_a_gpu_is_told_why)
