# Readers that are a command's own.
lac_fuzz(eval_line USES tool eval engine semantic pack kafka pg json term conf base
    SOURCES "${PROJECT_SOURCE_DIR}/tools/lacuna/lac_cli_eval_line.c")
lac_fuzz(train_request USES tool semantic head pack kafka pg record json term conf base
    SOURCES "${PROJECT_SOURCE_DIR}/tools/lacuna/lac_cli_train_request.c")
foreach(target fuzz_eval_line fuzz_train_request)
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tools/lacuna")
endforeach()
