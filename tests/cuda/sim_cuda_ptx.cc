/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two instructions that the kernels are written in assembler for, carried out from the text
 * that nvcc would get: which operand is in which place of the instruction counts.
 *
 * Written from NVIDIA's "Parallel Thread Execution ISA", sections "Matrix Fragments for
 * mma.m16n8k16 with floating point type" and "Warp-level matrix load instruction: ldmatrix", whose
 * names are used, and not from what the kernels say about them.
 */
#include <cstdlib>
#include <map>
#include <vector>

#include "sim_cuda_internal.h"

namespace
{

constexpr int lanes = 32;

/* An instruction's groups of operands: {%0, %1}, [%2] are {0, 1} and {2}. */
struct Instruction {
    enum { LDMATRIX, LDMATRIX_TRANS, MMA } kind;
    std::vector<std::vector<int>> group;
};

struct Lane {
    const Instruction *instruction;
    const sim_cuda_argument *argument;

    void *at(size_t group, size_t i) const
    {
        return argument[instruction->group[group][i]].value;
    }
    uint32_t bits(size_t group, size_t i) const
    {
        uint32_t word;
        std::memcpy(&word, at(group, i), sizeof(word));
        return word;
    }
    /* Element i of a fragment of bf16 pairs; a pair's first number is in the low half. */
    float bf16(size_t group, int i) const
    {
        const uint32_t pair = bits(group, static_cast<size_t>(i / 2));
        return __uint_as_float(i % 2 ? pair & 0xffff0000u : pair << 16);
    }
    float fp32(size_t group, int i) const
    {
        return __uint_as_float(bits(group, static_cast<size_t>(i)));
    }
};

const Lane &lane(void *const *operands, int i)
{
    return *static_cast<Lane *>(operands[i]);
}

/* D = A B + C; A is 16 x 16, B 16 x 8, C and D 16 x 8. Sums from the first product to the last. */
void mma(void *const *operands)
{
    enum { D, A, B, C };
    float a[16][16], b[16][8], c[16][8];
    for (int laneid = 0; laneid < lanes; laneid++) {
        const Lane &l = lane(operands, laneid);
        const int group_id = laneid >> 2, thread_in_group = laneid % 4;
        for (int i = 0; i < 8; i++) {
            const int row = i < 2 || (4 <= i && i < 6) ? group_id : group_id + 8;
            const int col = thread_in_group * 2 + (i & 1) + (i < 4 ? 0 : 8);
            a[row][col] = l.bf16(A, i);
        }
        for (int i = 0; i < 4; i++) {
            const int row = thread_in_group * 2 + (i & 1) + (i < 2 ? 0 : 8);
            b[row][group_id] = l.bf16(B, i);
        }
        for (int i = 0; i < 4; i++)
            c[i < 2 ? group_id : group_id + 8][thread_in_group * 2 + (i & 1)] = l.fp32(C, i);
    }
    for (int row = 0; row < 16; row++)
        for (int k = 0; k < 16; k++)
            for (int col = 0; col < 8; col++)
                c[row][col] += a[row][k] * b[k][col];
    for (int laneid = 0; laneid < lanes; laneid++) {
        const int group_id = laneid >> 2, thread_in_group = laneid % 4;
        for (int i = 0; i < 4; i++) {
            const float *d = &c[i < 2 ? group_id : group_id + 8][thread_in_group * 2 + (i & 1)];
            std::memcpy(lane(operands, laneid).at(D, static_cast<size_t>(i)), d, sizeof(*d));
        }
    }
}

/* Threads 0-7 bring the rows' addresses of the first 8 x 8 matrix, 8-15 those of the second, ... */
void ldmatrix(void *const *operands)
{
    enum { R, P };
    const Lane &first = lane(operands, 0);
    const bool trans = first.instruction->kind == Instruction::LDMATRIX_TRANS;
    for (size_t m = 0; m < first.instruction->group[R].size(); m++) {
        uint16_t matrix[8][8];
        for (int row = 0; row < 8; row++) {
            const uint32_t address = lane(operands, static_cast<int>(m) * 8 + row).bits(P, 0);
            if (address % 16 != 0)
                sim_cuda_kernel_fault("ldmatrix of a row that is not aligned to 16 bytes");
            std::memcpy(matrix[row], sim_cuda_shared_memory(address, 16), 16);
        }
        for (int laneid = 0; laneid < lanes; laneid++) {
            const int row = laneid / 4, col = laneid % 4 * 2;
            const uint32_t low = trans ? matrix[col][row] : matrix[row][col];
            const uint32_t high = trans ? matrix[col + 1][row] : matrix[row][col + 1];
            const uint32_t word = low | high << 16;
            std::memcpy(lane(operands, laneid).at(R, m), &word, sizeof(word));
        }
    }
}

/* What is written must be an output for the compiler, what is only read must not. */
void check(const Instruction &in, const sim_cuda_argument *argument)
{
    const size_t wanted = in.kind == Instruction::MMA ? 4 : 2;
    static const size_t sizes[3][4] = {{4, 1}, {4, 1}, {4, 4, 2, 4}};
    bool good = in.group.size() == wanted;
    for (size_t i = 0; i < wanted && good; i++) {
        good = in.group[i].size() == sizes[in.kind][i];
        for (const int n : in.group[i]) {
            const char *constraint = argument[n].constraint;
            good = good && (i > 0 || *constraint == '=' || *constraint == '+');
            good = good && (i == 0 || *constraint != '=');
        }
    }
    if (!good)
        sim_cuda_kernel_fault("operands do not fit an instruction");
}

Instruction parse(const char *text, size_t arguments)
{
    static const struct {
        const char *name;
        decltype(Instruction::kind) kind;
    } known[] = {
        {"ldmatrix.sync.aligned.m8n8.x4.shared.b16 ", Instruction::LDMATRIX},
        {"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 ", Instruction::LDMATRIX_TRANS},
        {"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ", Instruction::MMA},
    };
    for (const auto &k : known) {
        if (std::strncmp(text, k.name, std::strlen(k.name)) != 0)
            continue;
        Instruction in = {k.kind, {}};
        for (const char *at = text + std::strlen(k.name); *at && *at != ';'; at++) {
            if (*at == '{' || *at == '[')
                in.group.emplace_back();
            if (*at != '%')
                continue;
            const int n = std::atoi(at + 1);
            if (in.group.empty() || n < 0 || static_cast<size_t>(n) >= arguments)
                sim_cuda_kernel_fault("no such operand: %s", text);
            in.group.back().push_back(n);
        }
        return in;
    }
    sim_cuda_kernel_fault("an instruction that is not emulated: %s", text);
}

/* A text of the program stays where it is, and so does what is made of it. */
const Instruction &instruction_of(const char *text, const sim_cuda_argument *argument, size_t count)
{
    static std::map<const char *, Instruction> known;
    const auto found = known.find(text);
    if (found != known.end())
        return found->second;
    const Instruction in = parse(text, count);
    check(in, argument);
    return known.emplace(text, in).first->second;
}

} // namespace

void sim_cuda_asm(const sim_cuda_site &site, const char *text,
                  std::initializer_list<sim_cuda_argument> arguments)
{
    Lane l = {&instruction_of(text, arguments.begin(), arguments.size()), arguments.begin()};
    sim_cuda_together(site, 0xffffffffu, l.instruction->kind == Instruction::MMA ? mma : ldmatrix,
                      &l);
}
