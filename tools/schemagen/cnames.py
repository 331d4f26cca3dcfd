# SPDX-License-Identifier: Apache-2.0
"""How a schema's names are spelled in C."""
import re

# Types that base already has, or that would read badly.
TYPE_NAMES = {"Sha256": "hash256"}
EXISTING = {"Tier"}  # enum lac_tier is declared by base/lac_tier.h

KEYWORDS = set("""auto break case char const continue default do double else enum extern float for
goto if inline int long register restrict return short signed sizeof static struct switch typedef
union unsigned void volatile while""".split())

SCALARS = {"boolean": "bool", "int": "int32_t", "long": "int64_t",
           "string": "struct lac_str", "bytes": "struct lac_str"}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def type_stem(name):
    return TYPE_NAMES.get(name, snake(name))


def c_type(t):
    """C type of one value of an avro.Type."""
    if t.kind in SCALARS:
        return SCALARS[t.kind]
    word = "enum" if t.kind == "enum" else "struct"
    return f"{word} lac_{type_stem(t.named.name)}"


def member(name):
    return name + "_" if name in KEYWORDS else name


def symbol(enum, value):
    return f"LAC_{type_stem(enum.name).upper()}_{value.upper()}"


def is_text(t):
    return t.kind in ("string", "bytes")


def has_flag(field):
    """Whether absence needs a flag of its own: text is absent by its NULL pointer."""
    return field.shape == "optional" and not is_text(field.type)


def string(text):
    """A C string literal; the schemas' texts may hold UTF-8."""
    out = []
    for ch in text:
        if ch in '"\\':
            out.append("\\" + ch)
        elif ch == "\n":
            out.append("\\n")
        else:
            out.append(ch)
    return '"' + "".join(out) + '"'


def comment(text, indent=""):
    """A block comment wrapped at 100 columns."""
    words = ("/* " + text.replace("*/", "* /") + " */").split()
    lines, line = [], indent
    for word in words:
        if len(line) + 1 + len(word) > 100:
            lines.append(line.rstrip())
            line = indent + " * " + word
        else:
            line += word if line == indent else " " + word
    lines.append(line)
    return "\n".join(lines)
