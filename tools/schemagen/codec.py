# SPDX-License-Identifier: Apache-2.0
"""Writes lac_records.c: init, decode, encode and the descriptors."""
import json

import avro
from cnames import c_type, has_flag, is_text, member, string, symbol, type_stem

HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from schemas/avro by tools/schemagen: do not edit. */
#include "lac_records.h"

#include <string.h>

#include "lac_codec.h"

"""


def write(schemas):
    out = [HEAD]
    for named in schemas.named.values():
        if named.kind == "record":
            s = type_stem(named.name)
            out += [init(named, s), decode(named, s), size(named, s), encode(named, s)]
    for record in schemas.records:
        out.append(public(type_stem(record.name), record.name))
    for named in schemas.named.values():
        if named.kind == "enum":
            out.append(enum_descriptor(named))
    for named in schemas.named.values():
        if named.kind == "record":
            out.append(descriptor(schemas, named))
    names = "".join(f"    &lac_{type_stem(r.name)}_type,\n" for r in schemas.records)
    out.append("static const struct lac_record_type *const record_types[] = {\n"
               f"{names}    NULL,\n}};\n\n"
               "const struct lac_record_type *const *lac_record_types(void)\n{\n"
               "    return record_types;\n}\n")
    return "".join(out)


def init(named, s):
    lines = [f"void lac_{s}_init(struct lac_{s} *r)", "{", "    memset(r, 0, sizeof(*r));"]
    for f in named.fields:
        m = member(f.name)
        if f.shape != "plain":
            continue
        if f.type.kind == "record":
            lines.append(f"    lac_{type_stem(f.type.named.name)}_init(&r->{m});")
        elif f.type.kind == "enum":
            value = f.default if f.has_default else f.type.named.default
            if value:
                lines.append(f"    r->{m} = {symbol(f.type.named, value)};")
        elif is_text(f.type):
            # Required text is never absent, so an empty one needs a pointer.
            lines.append(f"    r->{m} = LAC_STR({string(f.default if f.has_default else '')});")
        elif f.has_default and f.default:
            value = str(f.default).lower() if f.type.kind == "boolean" else f"{f.default}"
            lines.append(f"    r->{m} = {value};")
    return "\n".join(lines + ["}", "", ""])


def read_step(t, target):
    """The statement(s) that read one value of type `t` into `target`."""
    if t.kind == "record":
        return f"p = decode_{type_stem(t.named.name)}(d, p, &{target});"
    if t.kind == "enum":
        return f"p = lac_decode_enum(d, p, {len(t.named.symbols)}, &symbol);"
    if t.kind == "fixed":
        return f"p = lac_decode_fixed(d, p, {target}.bytes, {t.named.size});"
    step = {"boolean": "bool"}.get(t.kind, t.kind)
    return f"p = lac_decode_{step}(d, p, &{target});"


def after_read(t, target, indent):
    if t.kind == "enum":
        return [f"{indent}{target} = ({c_type(t)})symbol;"]
    return []


def decode(named, s):
    out, body, uses = [], [], set()
    for f in named.fields:
        m, fail = member(f.name), f'return lac_decode_in(d, "{f.name}");'
        if f.shape in ("array", "map"):
            if f.shape == "map" or f.type.kind == "string":
                what = "pairs" if f.shape == "map" else "strings"
                body += [f'    p = lac_decode_{what}(d, p, &r->{m}, &r->{f.name}_count, "{f.name}");',
                         "    if (!p)", "        return NULL;"]
            else:
                out.append(decode_array(f, s))
                body += [f"    p = decode_{s}_{f.name}(d, p, r);", "    if (!p)", "        return NULL;"]
            continue
        if f.type.kind == "enum":
            uses.add("symbol")
        if f.shape == "plain":
            body += [f"    {read_step(f.type, 'r->' + m)}", "    if (!p)", f"        {fail}"]
            body += after_read(f.type, "r->" + m, "    ")
            continue
        uses.add("present")
        body += ["    p = lac_decode_branch(d, p, &present);", "    if (p && present)",
                 f"        {read_step(f.type, 'r->' + m)}", "    if (!p)", f"        {fail}"]
        # What is absent must read as absent, whatever the caller's memory held.
        if has_flag(f):
            body.append(f"    r->has_{f.name} = present;")
        if f.type.kind == "enum":
            body.append(f"    r->{m} = present ? ({c_type(f.type)})symbol : ({c_type(f.type)})0;")
        else:
            body += ["    if (!present)", f"        memset(&r->{m}, 0, sizeof(r->{m}));"]
    out.append(f"static const uint8_t *decode_{s}(struct lac_decoder *d, const uint8_t *p, "
               f"struct lac_{s} *r)\n{{\n")
    if "present" in uses:
        out.append("    bool present = false;\n")
    if "symbol" in uses:
        out.append("    int symbol = 0;\n")
    if uses:
        out.append("\n")
    return "".join(out) + "\n".join(body) + "\n    return p;\n}\n\n"


def decode_array(f, s):
    item = c_type(f.type)
    step = read_step(f.type, "items[n]")
    post = "".join(line + "\n" for line in after_read(f.type, "items[n]", " " * 12))
    symbol_var = "    int symbol = 0;\n" if f.type.kind == "enum" else ""
    return f"""static const uint8_t *decode_{s}_{f.name}(struct lac_decoder *d, const uint8_t *p, struct lac_{s} *r)
{{
    {item} *items = NULL;
    size_t n = 0, capacity = 0;
    struct lac_block b;
{symbol_var}
    for (;;) {{
        p = lac_decode_block(d, p, {avro.min_size(f.type)}, &b);
        if (!p)
            return lac_decode_in(d, "{f.name}");
        if (b.count == 0)
            break;
        items = lac_decode_grow(d, p, items, n, &capacity, b.count, sizeof(*items));
        if (!items)
            return lac_decode_in(d, "{f.name}");
        for (size_t stop = n + b.count; n < stop; n++) {{
            {step}
            if (!p)
                return lac_decode_in_item(d, "{f.name}", n);
{post}        }}
        p = lac_decode_block_end(d, p, &b);
        if (!p)
            return lac_decode_in(d, "{f.name}");
    }}
    r->{member(f.name)} = items;
    r->{f.name}_count = n;
    return p;
}}

"""


def size_of(t, target):
    if t.kind == "record":
        return f"size_{type_stem(t.named.name)}(&{target})"
    if t.kind == "fixed":
        return str(t.named.size)
    if t.kind == "boolean":
        return "1"
    if is_text(t):
        return f"lac_size_text({target})"
    return f"lac_size_long({target})"


def size(named, s):
    fixed, lines = 0, []
    for f in named.fields:
        m = "r->" + member(f.name)
        if f.shape == "array" and f.type.kind == "string":
            lines.append(f"    n += lac_size_strings({m}, r->{f.name}_count);")
        elif f.shape == "map":
            lines.append(f"    n += lac_size_pairs({m}, r->{f.name}_count);")
        elif f.shape == "array":
            fixed += 1
            lines += [f"    if (r->{f.name}_count > 0)",
                      f"        n += lac_size_long((int64_t)r->{f.name}_count);",
                      f"    for (size_t i = 0; i < r->{f.name}_count; i++)",
                      f"        n += {size_of(f.type, m + '[i]')};"]
        elif f.shape == "optional":
            fixed += 1
            there = f"r->has_{f.name}" if has_flag(f) else f"{m}.ptr"
            lines += [f"    if ({there})", f"        n += {size_of(f.type, m)};"]
        elif size_of(f.type, m).isdigit():
            fixed += int(size_of(f.type, m))
        else:
            lines.append(f"    n += {size_of(f.type, m)};")
    unused = "" if lines else "    (void)r;\n"
    return (f"static size_t size_{s}(const struct lac_{s} *r)\n{{\n    size_t n = {fixed};\n\n{unused}"
            + "\n".join(lines) + "\n    return n;\n}\n\n")


def put(t, target):
    if t.kind == "record":
        return f"p = encode_{type_stem(t.named.name)}(p, &{target});"
    if t.kind == "fixed":
        return f"p = lac_encode_fixed(p, {target}.bytes, {t.named.size});"
    if t.kind == "boolean":
        return f"p = lac_encode_bool(p, {target});"
    if is_text(t):
        return f"p = lac_encode_text(p, {target});"
    return f"p = lac_encode_long(p, {'(int64_t)' if t.kind == 'enum' else ''}{target});"


def encode(named, s):
    lines = []
    for f in named.fields:
        m = "r->" + member(f.name)
        if f.shape == "array" and f.type.kind == "string":
            lines.append(f"    p = lac_encode_strings(p, {m}, r->{f.name}_count);")
        elif f.shape == "map":
            lines.append(f"    p = lac_encode_pairs(p, {m}, r->{f.name}_count);")
        elif f.shape == "array":
            lines += [f"    if (r->{f.name}_count > 0)",
                      f"        p = lac_encode_long(p, (int64_t)r->{f.name}_count);",
                      f"    for (size_t i = 0; i < r->{f.name}_count; i++)",
                      f"        {put(f.type, m + '[i]')}", "    *p++ = 0;"]
        elif f.shape == "optional":
            there = f"r->has_{f.name}" if has_flag(f) else f"{m}.ptr"
            lines += [f"    if ({there}) {{", "        *p++ = 2;", f"        {put(f.type, m)}",
                      "    } else {", "        *p++ = 0;", "    }"]
        else:
            lines.append(f"    {put(f.type, m)}")
    return (f"static uint8_t *encode_{s}(uint8_t *p, const struct lac_{s} *r)\n{{\n"
            + "\n".join(lines) + "\n    return p;\n}\n\n")


def public(s, name):
    return f"""enum lac_status lac_{s}_decode(struct lac_{s} *out, struct lac_str bytes, struct lac_arena *a, struct lac_err *err)
{{
    struct lac_decoder d;

    lac_decoder_init(&d, bytes, a);
    return lac_decode_finish(&d, decode_{s}(&d, d.start, out), "{name}", err);
}}

LAC_FLATTEN size_t lac_{s}_encoded_size(const struct lac_{s} *r)
{{
    return size_{s}(r);
}}

LAC_FLATTEN size_t lac_{s}_encode(const struct lac_{s} *r, void *out)
{{
    return (size_t)(encode_{s}(out, r) - (uint8_t *)out);
}}

static void any_{s}_init(void *r)
{{
    lac_{s}_init(r);
}}

static enum lac_status any_{s}_decode(void *out, struct lac_str bytes, struct lac_arena *a, struct lac_err *err)
{{
    return lac_{s}_decode(out, bytes, a, err);
}}

static const uint8_t *any_{s}_decode_with(struct lac_decoder *d, void *out)
{{
    return decode_{s}(d, d->start, out);
}}

static size_t any_{s}_encoded_size(const void *r)
{{
    return size_{s}(r);
}}

static size_t any_{s}_encode(const void *r, void *out)
{{
    return lac_{s}_encode(r, out);
}}

"""


def enum_descriptor(named):
    s = type_stem(named.name)
    fallback = named.symbols.index(named.default) if named.default else -1
    names = ", ".join(string(x) for x in named.symbols)
    return (f"static const char *const {s}_symbols[] = {{{names}}};\n\n"
            f"const struct lac_enum_type lac_{s}_type = {{\n    .name = \"{named.name}\",\n"
            f"    .symbols = {s}_symbols,\n    .symbol_count = {len(named.symbols)},\n"
            f"    .fallback = {fallback},\n}};\n\n")


KINDS = {"boolean": "BOOL", "int": "INT", "long": "LONG", "string": "STRING", "bytes": "BYTES",
         "fixed": "FIXED", "enum": "ENUM", "record": "RECORD"}


def descriptor(schemas, named):
    s = type_stem(named.name)
    top = named in schemas.records
    rows = "".join(field_row(f, s, f is named.fields[0]) for f in named.fields)
    out = f"static const struct lac_field {s}_fields[] = {{\n{rows}}};\n\n"
    lines = [f'.name = "{named.name}"', f".size = sizeof(struct lac_{s})",
             f".fields = {s}_fields", f".field_count = {len(named.fields)}"]
    if top:
        node = schemas.sources[named.name]
        full = avro.fullname(named.name, node.get("namespace"), ())
        print_ = avro.fingerprint(avro.canonical(node))
        lines += [f'.fullname = "{full}"', f".fingerprint = 0x{print_:016X}u",
                  f".schema = {string(json.dumps(node, separators=(',', ':'), ensure_ascii=False))}",
                  f".decode = any_{s}_decode", f".decode_with = any_{s}_decode_with",
                  f".encoded_size = any_{s}_encoded_size",
                  f".encode = any_{s}_encode", f".init = any_{s}_init"]
    else:
        out += f"static void any_{s}_init(void *r)\n{{\n    lac_{s}_init(r);\n}}\n\n"
        lines += [f'.fullname = "lacuna.{named.name}"', f".init = any_{s}_init"]
    body = "".join(f"    {line},\n" for line in lines)
    return f"{out}const struct lac_record_type lac_{s}_type = {{\n{body}}};\n\n"


def field_row(f, s, first):
    m, t = member(f.name), f.type
    struct = f"struct lac_{s}"
    item = "struct lac_pair" if f.shape == "map" else c_type(t)
    rows = [f'.name = "{f.name}"', f".shape = LAC_SHAPE_{f.shape.upper()}",
            f".kind = LAC_FIELD_{KINDS[t.kind]}", f".offset = offsetof({struct}, {m})",
            f".item_size = sizeof({item})"]
    if f.aliases:
        names = ", ".join(string(a) for a in f.aliases)
        rows.append(f".aliases = (const char *const[]){{{names}, NULL}}")
    if f.has_default:
        rows.append(".has_default = true")
    if has_flag(f):
        if first:
            raise avro.SchemaError(f"{s}: a flag at offset 0 would read as no flag")
        rows.append(f".flag_offset = offsetof({struct}, has_{f.name})")
    if f.shape in ("array", "map"):
        rows.append(f".count_offset = offsetof({struct}, {f.name}_count)")
    if t.named:
        rows.append(f'.type_name = "{t.named.name}"')
    if t.kind == "fixed":
        rows.append(f".fixed_size = {t.named.size}")
    elif t.kind == "enum":
        rows.append(f".enum_type = &lac_{type_stem(t.named.name)}_type")
    elif t.kind == "record":
        rows.append(f".record_type = &lac_{type_stem(t.named.name)}_type")
    return "    {" + ",\n     ".join(rows) + "},\n"
