# Where the GPU plug-in was built: it loads, and says on machines without a GPU what it lacks.
if(TARGET lacuna_cuda)
    lac_test(encode_cuda USES encode LINK ${CMAKE_DL_LIBS})
    target_compile_definitions(test_encode_cuda
        PRIVATE "LAC_TEST_CUDA_PLUGIN=\"$<TARGET_FILE:lacuna_cuda>\"")
    add_dependencies(test_encode_cuda lacuna_cuda)
    # The program of tools/cuda-check: right on a GPU, or says that there is none.
    add_test(NAME unit/cuda_check COMMAND lacuna-cuda-check --quick)
    set_tests_properties(unit/cuda_check PROPERTIES LABELS unit TIMEOUT 240
        FAIL_REGULAR_EXPRESSION "FAIL;Sanitizer"
        PASS_REGULAR_EXPRESSION "no CUDA device: ;\n0 failed")
endif()
