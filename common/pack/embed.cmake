# cmake -DROOT=packs/builtin -DOUT=file.c -P embed.cmake: the pack's files as C arrays, sorted by
# path, so that the program carries its built-in pack and any compiler can build it.
include("${CMAKE_CURRENT_LIST_DIR}/../../tools/cmake/LacEmbed.cmake")
file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/*")
list(FILTER files EXCLUDE REGEX "(^|/)\\.")
list(SORT files COMPARE STRING)
set(arrays "")
set(table "")
set(index 0)
foreach(file IN LISTS files)
    lac_embed(bytes "${ROOT}/${file}")
    string(APPEND arrays "static const char file_${index}[] = {\n    ${bytes}0\n};\n\n")
    string(APPEND table "    {LAC_STR(\"${file}\"), {file_${index}, sizeof(file_${index}) - 1}},\n")
    math(EXPR index "${index} + 1")
endforeach()
file(WRITE "${OUT}.new" "/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from packs/builtin by common/pack/embed.cmake: do not edit. */
#include \"lac_pack_files.h\"

${arrays}const struct lac_pack_file lac_pack_builtin[] = {
${table}};

const size_t lac_pack_builtin_count = LAC_COUNT(lac_pack_builtin);
")
file(RENAME "${OUT}.new" "${OUT}")
