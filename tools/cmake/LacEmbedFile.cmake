# cmake -DFILE=in -DOUT=out.c -DNAME=symbol -DHEADER=declares.h -P LacEmbedFile.cmake: one file as a C
# array that ends with a NUL, and its size without that: NAME[] and NAME_size.
include("${CMAKE_CURRENT_LIST_DIR}/LacEmbed.cmake")
lac_embed(bytes "${FILE}")
get_filename_component(from "${FILE}" NAME)
file(WRITE "${OUT}.new" "/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from ${from} by tools/cmake/LacEmbedFile.cmake: do not edit. */
#include \"${HEADER}\"

const char ${NAME}[] = {
    ${bytes}0
};

const size_t ${NAME}_size = sizeof(${NAME}) - 1;
")
file(RENAME "${OUT}.new" "${OUT}")
