# cmake -DOUT=file.c -DDIR=pages -DFILES=a;b -P embed.cmake: files as C arrays, so that the
# program needs nothing beside itself.
include("${CMAKE_CURRENT_LIST_DIR}/../../tools/cmake/LacEmbed.cmake")
set(text "/* Made from producers/bridge/pages by embed.cmake. */\n#include \"lac_bridge_pages.h\"\n")
foreach(name IN LISTS FILES)
    lac_embed(bytes "${DIR}/${name}")
    string(REGEX REPLACE "[^a-z0-9]" "_" symbol "${name}")
    string(APPEND text "\nconst char lac_bridge_page_${symbol}[] = {${bytes}'\\0'};\n"
        "const size_t lac_bridge_page_${symbol}_size = sizeof lac_bridge_page_${symbol} - 1;\n")
endforeach()
file(WRITE "${OUT}" "${text}")
