pkg_check_modules(HS REQUIRED IMPORTED_TARGET libhs)  # the baseline is Vectorscan alone
lac_bench(SOURCES bench_tier1.c bench_tier1_check.c bench_tier1_corpus.c bench_tier1_pipe.c bench_tier1_vs.c
                  bench_tier1_written.c
    USES match pack LINK PkgConfig::HS)

# The only C++ of the project: tier1.re2, where there are a compiler and RE2 (libre2-dev).
include(CheckLanguage)
check_language(CXX)
pkg_check_modules(RE2 QUIET IMPORTED_TARGET re2)
# The compiler of the fuzz preset is a C one, and its flags are not the C++ one's.
if(CMAKE_CXX_COMPILER AND RE2_FOUND AND NOT LAC_FUZZ)
    enable_language(CXX)
    lac_bench(SOURCES bench_tier1_re2.cc bench_tier1_set.c LINK PkgConfig::RE2)
    target_compile_features(lacuna-bench PRIVATE cxx_std_17)
    target_compile_definitions(lacuna-bench PRIVATE LAC_BENCH_RE2)
endif()
