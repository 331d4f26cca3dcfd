# SPDX-License-Identifier: Apache-2.0
"""Writes lac_records.h: the structs, and the promises of the codecs."""
from cnames import c_type, comment, has_flag, is_text, member, symbol, type_stem, EXISTING

HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from schemas/avro by tools/schemagen: do not edit. */
/*
 * lac_records - the records of the wire as C structs, with bounded codecs
 *
 * For each top-level record X:
 *
 *   void lac_x_init(struct lac_x *r)
 *     Zeroes the record and sets the schema's defaults. A field without a default is empty; an
 *     enum without one gets the symbol its type falls back to, so a forgotten tier is the
 *     strictest.
 *
 *   enum lac_status lac_x_decode(struct lac_x *out, struct lac_str bytes, struct lac_arena *a,
 *                                struct lac_err *err)
 *     Reads exactly `bytes`, without any framing. Strings are slices of `bytes`, arrays come from
 *     `a`; nothing is copied. LAC_REJECT: malformed, the text names field and byte, never content.
 *     LAC_AGAIN: the arena is full; where it was empty before, the record is too large for it and
 *     must be rejected. `out` is undefined unless LAC_OK.
 *
 *   size_t lac_x_encoded_size(const struct lac_x *r)
 *   size_t lac_x_encode(const struct lac_x *r, void *out)
 *     The canonical encoding (one block per array), unframed, into `out`, which has
 *     encoded_size bytes; returns that size. Nothing is checked: counts, strings and enums are
 *     the caller's own, strings must be UTF-8.
 *
 * Absent: a NULL pointer for optional strings and bytes, has_x = false for everything else. A
 * required string whose pointer is NULL is written as "".
 *
 * Thread: any; each call has only its arguments.
 */
#ifndef LAC_RECORDS_H
#define LAC_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_record.h"
#include "lac_str.h"
#include "lac_tier.h"

"""


def write(schemas):
    out = [HEAD]
    for named in schemas.named.values():
        if named.kind == "enum":
            out.append(enum(named))
        elif named.kind == "fixed":
            out.append(fixed(named))
        else:
            out.append(struct(named))
    for named in schemas.named.values():
        if named.kind == "record":
            out.append(functions(named, named in schemas.records))
    for named in schemas.named.values():
        if named.kind == "enum":
            out.append(f"extern const struct lac_enum_type lac_{type_stem(named.name)}_type;\n")
    out.append("\n#endif\n")
    return "".join(out)


def enum(named):
    stem = type_stem(named.name)
    if named.name in EXISTING:
        checks = [f'_Static_assert({symbol(named, s)} == {i}, "order of {named.name}");\n'
                  for i, s in enumerate(named.symbols)]
        checks.append(f"_Static_assert(LAC_{stem.upper()}_COUNT == {len(named.symbols)}, "
                      f'"symbols of {named.name}");\n\n')
        return "".join(checks)
    lines = [comment(named.doc or named.name), f"enum lac_{stem} {{"]
    lines += [f"    {symbol(named, s)} = {i}," for i, s in enumerate(named.symbols)]
    lines += ["};", "", f"enum {{ LAC_{stem.upper()}_COUNT = {len(named.symbols)} }};", "", ""]
    return "\n".join(lines)


def fixed(named):
    return (f"{comment(named.doc or named.name)}\nstruct lac_{type_stem(named.name)} {{\n"
            f"    uint8_t bytes[{named.size}];\n}};\n\n")


def struct(named):
    lines = [comment(named.doc or named.name), f"struct lac_{type_stem(named.name)} {{"]
    for f in named.fields:
        name, doc = member(f.name), f.doc
        if f.shape == "optional":
            doc = "Optional. " + doc
        if doc:
            lines.append(comment(doc, "    "))
        if f.shape == "array":
            lines += [f"    {c_type(f.type)} *{name};", f"    size_t {f.name}_count;"]
        elif f.shape == "map":
            lines += [f"    struct lac_pair *{name};", f"    size_t {f.name}_count;"]
        else:
            if has_flag(f):
                lines.append(f"    bool has_{f.name};")
            lines.append(f"    {c_type(f.type)} {name};")
    return "\n".join(lines + ["};", "", ""])


def functions(named, top):
    s = type_stem(named.name)
    lines = [f"void lac_{s}_init(struct lac_{s} *r);"]
    if top:
        lines += [
            f"enum lac_status lac_{s}_decode(struct lac_{s} *out, struct lac_str bytes,",
            "                               struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;",
            f"size_t lac_{s}_encoded_size(const struct lac_{s} *r);",
            f"size_t lac_{s}_encode(const struct lac_{s} *r, void *out);"]
    lines += [f"extern const struct lac_record_type lac_{s}_type;", "", ""]
    return "\n".join(lines)
