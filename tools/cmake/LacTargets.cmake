# Every compile and link option of the project, and the only way to declare a
# target. Nothing else in the tree touches flags.

option(LAC_WERROR "Treat warnings as errors" OFF)
set(LAC_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
option(LAC_COVERAGE "Instrument for gcov" OFF)
option(LAC_FAULTS "Build the named fault points that tests trigger" OFF)
option(LAC_FUZZ "Build fuzz targets with libFuzzer (clang only)" OFF)

add_library(lac_flags INTERFACE)
target_compile_features(lac_flags INTERFACE c_std_17)
target_compile_definitions(lac_flags INTERFACE _GNU_SOURCE)
target_compile_options(lac_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wshadow;-Wvla;-Wundef;-Wconversion;-Wstrict-prototypes;-Wmissing-prototypes;-Wpointer-arith;-Wwrite-strings;-Wformat=2;-Wimplicit-fallthrough;-fno-common;-fno-omit-frame-pointer>"
    "$<$<BOOL:${LAC_WERROR}>:$<$<COMPILE_LANGUAGE:C>:-Werror>>")
# Hardening costs nothing we can measure; _FORTIFY_SOURCE needs optimisation.
target_compile_options(lac_flags INTERFACE
    "$<$<AND:$<COMPILE_LANGUAGE:C>,$<NOT:$<CONFIG:Debug>>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>"
    "$<$<COMPILE_LANGUAGE:C>:-fstack-protector-strong>")
if(LAC_SANITIZE)
    # A report names functions and lines. To know more costs an eighth of the time to compile.
    target_compile_options(lac_flags INTERFACE -fsanitize=${LAC_SANITIZE} -fno-sanitize-recover=all
        "$<$<CONFIG:Debug>:-g1>")
    target_link_options(lac_flags INTERFACE -fsanitize=${LAC_SANITIZE})
endif()
if(LAC_FAULTS)
    target_compile_definitions(lac_flags INTERFACE LAC_FAULTS)
endif()
if(LAC_COVERAGE)
    target_compile_options(lac_flags INTERFACE --coverage)
    target_link_options(lac_flags INTERFACE --coverage)
endif()

# lac_module(NAME LAYER n SOURCES ... [USES other modules...] [LINK external targets...])
# A module may use only modules of a lower layer: configuring fails otherwise.
function(lac_module NAME)
    cmake_parse_arguments(M "" "LAYER" "SOURCES;USES;LINK" ${ARGN})
    add_library(lac_${NAME} STATIC ${M_SOURCES})
    add_library(lac::${NAME} ALIAS lac_${NAME})
    set_target_properties(lac_${NAME} PROPERTIES LAC_LAYER ${M_LAYER})
    target_include_directories(lac_${NAME} PUBLIC "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>")
    target_link_libraries(lac_${NAME} PRIVATE lac_flags ${M_LINK})
    foreach(used IN LISTS M_USES)
        if(NOT TARGET lac_${used})
            message(FATAL_ERROR "layering: ${NAME} uses ${used}, which is not declared above it")
        endif()
        get_target_property(used_layer lac_${used} LAC_LAYER)
        if(NOT used_layer LESS M_LAYER)
            message(FATAL_ERROR
                "layering: ${NAME} (layer ${M_LAYER}) must not use ${used} (layer ${used_layer})")
        endif()
        target_link_libraries(lac_${NAME} PUBLIC lac_${used})
    endforeach()
endfunction()

# lac_program(NAME SOURCES ... USES modules ... [LINK external ...]): one installed daemon or
# tool. All of them land in one folder, so that `lacuna dev` finds its siblings beside itself.
function(lac_program NAME)
    cmake_parse_arguments(P "" "" "SOURCES;USES;LINK" ${ARGN})
    add_executable(${NAME} ${P_SOURCES})
    list(TRANSFORM P_USES PREPEND lac_)
    target_link_libraries(${NAME} PRIVATE lac_flags ${P_USES} ${P_LINK})
    target_include_directories(${NAME} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    install(TARGETS ${NAME} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# lac_test(NAME USES ... [LABELS unit] [SOURCES extra.c] [LINK ...] [COST s] [TIMEOUT s]
# [ONE_THREAD]): one test program, one CTest entry. It runs in the source tree, so golden files are
# found by path. COST, about how many seconds it takes, is for tests that take many: run in
# parallel, they start first, so that none of them is waited for alone at the end. ONE_THREAD is for
# those of them that start no thread, and are held to that: the thread sanitizer, with which they
# would take longest, has nothing to find there and is spared them.
function(lac_test NAME)
    cmake_parse_arguments(T "ONE_THREAD" "LABELS;COST;TIMEOUT" "USES;SOURCES;LINK" ${ARGN})
    if(T_ONE_THREAD AND LAC_SANITIZE MATCHES "thread")
        return()
    elseif(T_ONE_THREAD)
        list(APPEND T_SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_one_thread.c")
    endif()
    if(NOT T_LABELS)
        set(T_LABELS unit)
    endif()
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 480) # a sanitizer on a busy machine is slow; a hang is one all the same
    endif()
    add_executable(test_${NAME} test_${NAME}.c ${T_SOURCES})
    list(TRANSFORM T_USES PREPEND lac_)
    target_link_libraries(test_${NAME} PRIVATE lac_flags lac_testing ${T_USES} ${T_LINK})
    add_test(NAME ${T_LABELS}/${NAME} COMMAND test_${NAME} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${T_LABELS}/${NAME} PROPERTIES
        LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77)
    if(T_COST)
        set_tests_properties(${T_LABELS}/${NAME} PROPERTIES COST ${T_COST})
    endif()
endfunction()

# lac_fuzz(NAME USES ... [LINK ...] [SOURCES extra.c]): with LAC_FUZZ a libFuzzer binary; without it, a plain
# program that replays the committed corpus, so every build is a regression test.
function(lac_fuzz NAME)
    cmake_parse_arguments(F "" "" "USES;LINK;SOURCES" ${ARGN})
    list(TRANSFORM F_USES PREPEND lac_)
    set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${NAME}")
    if(LAC_FUZZ)
        add_executable(fuzz_${NAME} fuzz_${NAME}.c ${F_SOURCES})
        target_compile_options(fuzz_${NAME} PRIVATE -fsanitize=fuzzer)
        target_link_options(fuzz_${NAME} PRIVATE -fsanitize=fuzzer)
        # libFuzzer writes what it finds into the first folder: never the source tree.
        file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/found_${NAME}")
        add_test(NAME fuzz/${NAME} COMMAND fuzz_${NAME} -runs=20000 -max_total_time=60
            "${CMAKE_CURRENT_BINARY_DIR}/found_${NAME}" "${corpus}")
    else()
        add_executable(fuzz_${NAME} fuzz_${NAME}.c ${F_SOURCES} replay_main.c)
        add_test(NAME fuzz/${NAME} COMMAND fuzz_${NAME} "${corpus}")
    endif()
    target_include_directories(fuzz_${NAME} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support")
    target_link_libraries(fuzz_${NAME} PRIVATE lac_flags ${F_USES} ${F_LINK})
    set_tests_properties(fuzz/${NAME} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
