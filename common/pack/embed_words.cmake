# cmake -DLIST=packs/words/english.txt -DOUT=file.c -P embed_words.cmake: the list of common words as
# a C array.
include("${CMAKE_CURRENT_LIST_DIR}/../../tools/cmake/LacEmbed.cmake")
lac_embed(bytes "${LIST}")
file(WRITE "${OUT}.new" "/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from packs/words/english.txt by common/pack/embed_words.cmake: do not edit. */
#include \"lac_pack_words.h\"

const char lac_pack_words_english[] = {
    ${bytes}0
};

const size_t lac_pack_words_english_size = sizeof(lac_pack_words_english) - 1;
")
file(RENAME "${OUT}.new" "${OUT}")
