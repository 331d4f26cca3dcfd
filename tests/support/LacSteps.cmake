# lac_steps_instrument(TEST modules...): a test counts the steps that these modules do (lac_steps.h).
# Their sources are compiled a second time, with a call at each basic block, into the test itself,
# so that the linker never takes them from the modules' libraries.
function(lac_steps_instrument TEST)
    if(NOT TARGET ${TEST}) # the thread sanitizer is spared it, see lac_test()
        return()
    endif()
    target_sources(${TEST} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/lac_steps.c")
    foreach(module IN LISTS ARGN)
        get_target_property(folder lac_${module} SOURCE_DIR)
        get_target_property(sources lac_${module} SOURCES)
        list(TRANSFORM sources PREPEND "${folder}/")
        add_library(${TEST}_${module} OBJECT ${sources})
        target_link_libraries(${TEST}_${module} PRIVATE lac_flags)
        target_include_directories(${TEST}_${module} PRIVATE
            $<TARGET_PROPERTY:lac_${module},INCLUDE_DIRECTORIES>)
        target_compile_options(${TEST}_${module} PRIVATE -fsanitize-coverage=trace-pc)
        target_sources(${TEST} PRIVATE $<TARGET_OBJECTS:${TEST}_${module}>)
    endforeach()
    foreach(function memmove memcpy memset memchr memmem)
        target_link_options(${TEST} PRIVATE "-Wl,--wrap=${function}")
    endforeach()
endfunction()
