lac_test(semantic USES semantic pack head encode
    SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_tiny_tier2.c
            ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c
    LINK m Threads::Threads)
lac_test(semantic_parts USES semantic encode)
