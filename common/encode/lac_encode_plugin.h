/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_plugin - which backend runs a class of arithmetic on this machine
 *
 * The CPU's is linked in. A GPU's is a plug-in, so that one package serves machines with and
 * without: a library that exports LAC_ENCODE_PLUGIN_SYMBOL, a struct lac_encode_backend of this
 * program's LAC_ENCODE_BACKEND_ABI. It is looked for by full path only: never in the current
 * folder or along LD_LIBRARY_PATH, since what it decides leaves the house.
 *
 * Thread: any. A plug-in stays loaded until the process ends: CUDA's libraries can't be unloaded
 * safely, and what was lent must stay valid.
 */
#ifndef LAC_ENCODE_PLUGIN_H
#define LAC_ENCODE_PLUGIN_H

#include "lac_encode.h"

#define LAC_ENCODE_PLUGIN_FILE "liblacuna_cuda.so"

/*
 * The backend of a class that this machine offers. `library` is the plug-in's path; NULL or "":
 * LAC_ENCODE_PLUGIN_FILE beside the running program, or in lib/lacuna or lib beside its folder.
 * REJECT: there is none; the text says why: no plug-in, one that can't be loaded, has no such
 * symbol or another ABI, or what the backend says of this machine.
 */
enum lac_status lac_encode_backend_find(const struct lac_encode_backend **out,
                                        enum lac_encode_class class, const char *library,
                                        struct lac_err *err) LAC_MUST_USE;

/* The fastest class that this machine offers: cuda-bf16, cpu-int8, cpu-bf16, cpu-fp32. REJECT: not
 * even the last one. */
enum lac_status lac_encode_backend_best(const struct lac_encode_backend **out,
                                        enum lac_encode_class *class, const char *library,
                                        struct lac_err *err) LAC_MUST_USE;

#endif
