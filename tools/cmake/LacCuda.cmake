# Finds a CUDA toolkit for common/encode/cuda: nvcc, the runtime's static library, cublasLt.
#
# CMake's own support is not used. find_package(CUDAToolkit) of CMake 3.25 fails on CUDA 13, its
# CUDA language does not find what wheels lay out (tools/setup-cuda), and a target that it links
# loses the path to cublasLt. Two commands and three files are all that is needed.
#
# Sets LAC_CUDA_FOUND, LAC_CUDA_WHY_NOT, LAC_CUDA_NVCC, LAC_CUDA_INCLUDE, LAC_CUDA_RUNTIME,
# LAC_CUDA_BLAS, LAC_CUDA_BLAS_FOLDER, LAC_CUDA_VERSION.

set(LAC_CUDA auto CACHE STRING "The GPU plug-in: auto (if a toolkit is found), on, off")
set_property(CACHE LAC_CUDA PROPERTY STRINGS auto on off)
set(LAC_CUDA_ROOT "" CACHE PATH "The CUDA toolkit to use, before others that could be found")
set(LAC_CUBLAS_ROOT "" CACHE PATH "Where cuBLAS is, if not with the toolkit")
# 80 runs on 8.x, 90 on Hopper; what is newer compiles compute_90 when it is loaded.
set(LAC_CUDA_ARCHITECTURES "80;90" CACHE STRING "GPU architectures; the last one also as PTX")

if(DEFINED ENV{LACUNA_CACHE})
    set(lac_cuda_fetched "$ENV{LACUNA_CACHE}/cuda/nvidia/cu13")
else()
    set(lac_cuda_fetched "$ENV{HOME}/.cache/lacuna/cuda/nvidia/cu13")
endif()

find_program(LAC_CUDA_NVCC nvcc
    HINTS "${LAC_CUDA_ROOT}" ENV CUDA_PATH ENV CUDA_HOME "${lac_cuda_fetched}" PATHS /usr/local/cuda
    PATH_SUFFIXES bin)
mark_as_advanced(LAC_CUDA_NVCC)

function(lac_cuda_find)
    set(LAC_CUDA_FOUND FALSE PARENT_SCOPE)
    if(NOT LAC_CUDA_NVCC)
        set(LAC_CUDA_WHY_NOT "there is no nvcc (tools/setup --cuda fetches one)" PARENT_SCOPE)
        return()
    endif()
    # nvcc hands the host's half of a .cu file to g++ and fails without one.
    execute_process(COMMAND "${LAC_CUDA_NVCC}" --version OUTPUT_VARIABLE said ERROR_QUIET)
    if(NOT said MATCHES "release ([0-9]+)\\.([0-9]+)")
        set(LAC_CUDA_WHY_NOT "${LAC_CUDA_NVCC} does not run" PARENT_SCOPE)
        return()
    endif()
    set(version "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
    if(version VERSION_LESS 12.0)
        set(LAC_CUDA_WHY_NOT "CUDA ${version} is too old: 12.0 is needed" PARENT_SCOPE)
        return()
    endif()
    find_program(LAC_CUDA_HOST_COMPILER NAMES g++)
    mark_as_advanced(LAC_CUDA_HOST_COMPILER)
    if(NOT LAC_CUDA_HOST_COMPILER)
        set(LAC_CUDA_WHY_NOT "nvcc needs g++" PARENT_SCOPE)
        return()
    endif()

    file(REAL_PATH "${LAC_CUDA_NVCC}" nvcc)
    cmake_path(GET nvcc PARENT_PATH root)
    cmake_path(GET root PARENT_PATH root)
    set(suffixes lib lib64 targets/x86_64-linux/lib targets/sbsa-linux/lib)
    find_path(LAC_CUDA_INCLUDE cuda_runtime_api.h HINTS "${root}"
        PATH_SUFFIXES include targets/x86_64-linux/include targets/sbsa-linux/include)
    find_path(LAC_CUDA_BLAS_INCLUDE cublasLt.h HINTS "${LAC_CUBLAS_ROOT}" "${root}"
        PATH_SUFFIXES include targets/x86_64-linux/include targets/sbsa-linux/include)
    find_library(LAC_CUDA_RUNTIME NAMES libcudart_static.a HINTS "${root}" PATH_SUFFIXES ${suffixes})
    # cuBLAS's major version is the toolkit's; wheels have no name without a version.
    string(REGEX REPLACE "\\..*" "" major "${version}")
    find_library(LAC_CUDA_BLAS NAMES libcublasLt.so.${major} cublasLt
        HINTS "${LAC_CUBLAS_ROOT}" "${root}" PATH_SUFFIXES ${suffixes})
    mark_as_advanced(LAC_CUDA_INCLUDE LAC_CUDA_BLAS_INCLUDE LAC_CUDA_RUNTIME LAC_CUDA_BLAS)
    foreach(part INCLUDE BLAS_INCLUDE RUNTIME BLAS)
        if(NOT LAC_CUDA_${part})
            set(LAC_CUDA_WHY_NOT
                "${part} of CUDA ${version} is missing (LAC_CUBLAS_ROOT says where cuBLAS is)"
                PARENT_SCOPE)
            return()
        endif()
    endforeach()
    cmake_path(GET LAC_CUDA_BLAS PARENT_PATH folder)
    set(LAC_CUDA_BLAS_FOLDER "${folder}" PARENT_SCOPE)
    set(LAC_CUDA_VERSION "${version}" PARENT_SCOPE)
    set(LAC_CUDA_FOUND TRUE PARENT_SCOPE)
endfunction()

if(LAC_CUDA STREQUAL "off")
    set(LAC_CUDA_FOUND FALSE)
    set(LAC_CUDA_WHY_NOT "LAC_CUDA is off")
else()
    lac_cuda_find()
    if(LAC_CUDA STREQUAL "on" AND NOT LAC_CUDA_FOUND)
        message(FATAL_ERROR "LAC_CUDA is on, but ${LAC_CUDA_WHY_NOT}")
    endif()
endif()

# lac_cuda_objects(OUT files.cu...): compiles them for all architectures; OUT gets the objects.
function(lac_cuda_objects OUT)
    set(targets "")
    foreach(architecture IN LISTS LAC_CUDA_ARCHITECTURES)
        list(APPEND targets -gencode arch=compute_${architecture},code=sm_${architecture})
    endforeach()
    list(GET LAC_CUDA_ARCHITECTURES -1 newest)
    list(APPEND targets -gencode arch=compute_${newest},code=compute_${newest})
    set(werror "$<$<BOOL:${LAC_WERROR}>:-Werror=all-warnings>")
    set(objects "")
    foreach(source IN LISTS ARGN)
        set(object "${CMAKE_CURRENT_BINARY_DIR}/${source}.o")
        add_custom_command(OUTPUT "${object}"
            COMMAND "${LAC_CUDA_NVCC}" -ccbin "${LAC_CUDA_HOST_COMPILER}" -std=c++17 -O3 -lineinfo
                ${targets} ${werror} -Xcompiler=-fPIC,-fvisibility=hidden,-Wall,-Wextra
                "-I${LAC_CUDA_INCLUDE}" "-I${CMAKE_CURRENT_SOURCE_DIR}"
                -MD -MF "${object}.d" -MT "${object}"
                -c "${CMAKE_CURRENT_SOURCE_DIR}/${source}" -o "${object}"
            DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${source}" DEPFILE "${object}.d"
            COMMENT "nvcc ${source}" COMMAND_EXPAND_LISTS VERBATIM)
        list(APPEND objects "${object}")
    endforeach()
    set(${OUT} "${objects}" PARENT_SCOPE)
endfunction()
