/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LAC_PACK_BUILTIN_FILE and LAC_PACK_BUILTIN_RULES, strings, are the files. The assembler takes
 * them in as they are: as C source, megabytes would take a compiler half a minute and a gigabyte of
 * memory.
 */
#include "lac_pack_builtin.h"

#include "lac_pack_bundle.h"

_Static_assert(LAC_PACK_BUNDLE_ALIGN == 64, "as below");

__asm__(".pushsection .rodata.lac_pack_builtin, \"a\", %progbits\n"
        ".balign 64\n"
        ".hidden lac_pack_builtin_begin\n"
        ".global lac_pack_builtin_begin\n"
        "lac_pack_builtin_begin:\n"
        ".incbin \"" LAC_PACK_BUILTIN_FILE "\"\n"
        ".hidden lac_pack_builtin_end\n"
        ".global lac_pack_builtin_end\n"
        "lac_pack_builtin_end:\n"
        ".byte 0\n"
        ".hidden lac_pack_builtin_rules_begin\n"
        ".global lac_pack_builtin_rules_begin\n"
        "lac_pack_builtin_rules_begin:\n"
        ".incbin \"" LAC_PACK_BUILTIN_RULES "\"\n"
        ".hidden lac_pack_builtin_rules_end\n"
        ".global lac_pack_builtin_rules_end\n"
        "lac_pack_builtin_rules_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char lac_pack_builtin_begin[], lac_pack_builtin_end[];
extern const char lac_pack_builtin_rules_begin[], lac_pack_builtin_rules_end[];

struct lac_str lac_pack_builtin(void)
{
    return (struct lac_str){lac_pack_builtin_begin,
                            (size_t)(lac_pack_builtin_end - lac_pack_builtin_begin)};
}

struct lac_str lac_pack_builtin_rules(void)
{
    return (struct lac_str){lac_pack_builtin_rules_begin,
                            (size_t)(lac_pack_builtin_rules_end - lac_pack_builtin_rules_begin)};
}
