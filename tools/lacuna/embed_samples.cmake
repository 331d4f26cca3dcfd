# cmake -DFILE=samples/requests.jsonl -DOUT=file.c -P embed_samples.cmake: the sample requests as a C
# array, so that an installed program has them too.
include("${CMAKE_CURRENT_LIST_DIR}/../cmake/LacEmbed.cmake")
lac_embed(bytes "${FILE}")
file(WRITE "${OUT}.new" "/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from samples/requests.jsonl by tools/lacuna/embed_samples.cmake: do not edit. */
#include \"lac_cli_pack_diff.h\"

const char lac_cli_pack_samples[] = {
    ${bytes}0
};

const size_t lac_cli_pack_samples_size = sizeof(lac_cli_pack_samples) - 1;
")
file(RENAME "${OUT}.new" "${OUT}")
