# Readers that are a command's own.
lac_test(cli_lines USES tool eval engine semantic head pack kafka pg record json term conf base
    SOURCES "${PROJECT_SOURCE_DIR}/tools/lacuna/lac_cli_eval_line.c"
            "${PROJECT_SOURCE_DIR}/tools/lacuna/lac_cli_train_request.c")
target_include_directories(test_cli_lines PRIVATE "${PROJECT_SOURCE_DIR}/tools/lacuna")
