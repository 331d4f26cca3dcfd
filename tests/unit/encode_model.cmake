lac_test(encode_model USES encode SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c LINK m)
lac_test(encode_store USES encode SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c)
lac_test(encode_shards USES encode SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c)
