lac_test(scan USES scan)
lac_test(scan_ignore USES scan)
lac_test(scan_lines USES scan)
lac_test(scan_utf16 USES scan)
if(NOT LAC_FUZZ) # which counts basic blocks itself
    include("${PROJECT_SOURCE_DIR}/tests/support/LacSteps.cmake")
    lac_test(hostile COST 90 ONE_THREAD USES scan engine)
    lac_steps_instrument(test_hostile base match scan)
endif()
