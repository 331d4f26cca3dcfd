/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_semantic - which sentence encoder a command uses
 *
 * One answer for all commands, from the settings classify.model (--model, LACUNA_MODEL),
 * classify.engine (--class), model.store and model.plugin: what is named there, else the model
 * that the pack's head was trained with, by its hash from the store. What tools/setup has fetched
 * counts as there.
 *
 * Thread: main.
 */
#ifndef LAC_CLI_SEMANTIC_H
#define LAC_CLI_SEMANTIC_H

#include "lac_cli.h"
#include "lac_semantic.h"

/* Takes a command's --model and --class (NULL: not given) into the configuration. A class is
 * "auto", one of classify.engine's words, or short for the CPU's: fp32, bf16, int8. Returns -1, or
 * the exit status. */
int lac_cli_semantic_settings(const struct lac_tool *t, const char *model, const char *class);

struct lac_pack;

/*
 * For commands that decide with `count` packs (NULL ones are passed over): tier 2, or NULL when
 * none of them has learned anything or classify.semantic is off. A model that is missing is said on
 * stderr, once; decisions name it as `unavailable` and are stricter, and with classify.semantic =
 * required it is the end. Returns -1, or the exit status. lac_semantic_close(*out) after engines.
 */
int lac_cli_semantic_for(const struct lac_tool *t, const struct lac_pack *const *packs,
                         size_t count, struct lac_semantic **out);

/* For commands that want vectors: the configured model with so many of its layers (0: all). Both
 * are the caller's to close, by lac_semantic_close(*s) alone. Returns -1, or the exit status. */
int lac_cli_semantic_device(const struct lac_tool *t, uint32_t layers, struct lac_semantic **s,
                            const struct lac_semantic_device **d);

/* The exit status of a failure of lac_semantic or lac_encode, with everything said. */
int lac_cli_semantic_fail(const struct lac_tool *t, const struct lac_err *err);

#endif
