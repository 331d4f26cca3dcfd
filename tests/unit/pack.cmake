lac_test(pack COST 20 ONE_THREAD USES pack)
lac_test(pack_bundle COST 30 ONE_THREAD USES pack)
lac_test(pack_terms COST 25 ONE_THREAD USES pack)
lac_test(pack_import COST 15 ONE_THREAD USES pack)
lac_test(pack_head USES pack head semantic encode
    SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_tiny_tier2.c
            ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c
    LINK m)
