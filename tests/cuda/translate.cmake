# cmake -DFROM=file -DTO=file -P translate.cmake: a CUDA source as plain C++ for sim_cuda_kernel.h.
# Three things have no form that a header could give them: a launch's <<< >>>, assembler
# instructions of the GPU, and what lies in shared memory.
file(READ "${FROM}" text)

# kernel<1, X><<<grid, block, shared, stream>>>(...)
string(REGEX REPLACE "([A-Za-z_0-9]+(<[^<>;{}]*>)?)<<<([^;{}]*)>>>\\("
    "sim_cuda_launch(\\1, \\3)(" text "${text}")

# asm volatile("..." : "=r"(x) : "r"(y) : "memory"): the operands become objects. Their numbers run
# through all sections, so that sections need not be told apart.
string(REPLACE "asm volatile(" "SIM_CUDA_ASM(" text "${text}")
string(REGEX REPLACE "\n[ ]+: \"memory\"\\)" ")" text "${text}")
string(REGEX REPLACE "\n([ ]+): \"([=+]?[rf])\"\\(" "\n\\1, sim_cuda_operand(\"\\2\", " text "${text}")
string(REGEX REPLACE ", \"([=+]?[rf])\"\\(" ", sim_cuda_operand(\"\\1\", " text "${text}")

# __shared__ float a[4];
string(REGEX REPLACE "__shared__ ([^;\n]*[ ])([a-z_]+)(|\\[[^;\n]*\\]);"
    "static \\1\\2\\3; sim_cuda_shared(&\\2, sizeof(\\2));" text "${text}")

if(text MATCHES "<<<|>>>\\(|[^_]asm |__shared__")
    message(FATAL_ERROR "${FROM}: translate.cmake does not know all of its CUDA: ${CMAKE_MATCH_0}")
endif()
file(WRITE "${TO}" "#line 1 \"${FROM}\"\n${text}")
