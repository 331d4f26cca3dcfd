# cmake -DOUT=file.c -DDIR=schemas/sql -P embed.cmake: the migrations as a C table, so that a
# program and the schema it needs can't be installed apart.
include("${CMAKE_CURRENT_LIST_DIR}/../../tools/cmake/LacEmbed.cmake")
file(GLOB files "${DIR}/[0-9][0-9][0-9]_*.sql")
list(SORT files)
set(text "/* Made from schemas/sql by common/pg/embed.cmake. */\n#include \"lac_pg_migrate.h\"\n\n")
set(expected 1)
set(rows "")
foreach(file IN LISTS files)
    get_filename_component(base "${file}" NAME_WE)
    string(SUBSTRING "${base}" 0 3 digits)
    string(SUBSTRING "${base}" 4 -1 name)
    string(REGEX REPLACE "^0+" "" version "${digits}")
    if(NOT version EQUAL expected)
        message(FATAL_ERROR "schemas/sql: ${base} where version ${expected} was expected")
    endif()
    math(EXPR expected "${expected} + 1")
    file(SHA256 "${file}" hash)
    lac_embed(bytes "${file}")
    string(APPEND text "static const char sql_${digits}[] = {\n    ${bytes}0};\n\n")
    string(APPEND rows "    {.version = ${version}, .name = \"${name}\", .sql = sql_${digits},\n"
        "     .sha256 = \"${hash}\"},\n")
endforeach()
string(APPEND text "static const struct lac_pg_migration all[] = {\n${rows}};\n\n"
    "const struct lac_pg_migration *lac_pg_migrations(size_t *count)\n{\n"
    "    *count = LAC_COUNT(all);\n    return all;\n}\n")
file(WRITE "${OUT}" "${text}")
