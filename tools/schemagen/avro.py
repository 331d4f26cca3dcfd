# SPDX-License-Identifier: Apache-2.0
"""Reads the Avro schemas of schemas/avro and checks what the C mapping relies on.

Every schema file stands alone; a type that appears in several files must be the same in all of
them, because it becomes one C type. What the generated code has no answer for is refused here,
at build time: unions other than ["null", T], recursive types, floats, defaults of a shape that
needs memory.
"""
import json
import re

PRIMITIVES = {"boolean", "int", "long", "string", "bytes"}
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class SchemaError(Exception):
    pass


class Named:
    """A record, enum or fixed, in the order in which C has to declare it."""

    def __init__(self, kind, name, node):
        self.kind = kind
        self.name = name
        self.doc = node.get("doc", "")
        self.node = node
        self.fields = []
        self.symbols = node.get("symbols", [])
        self.default = node.get("default")
        self.size = node.get("size", 0)


class Type:
    """kind is a primitive, 'enum', 'fixed' or 'record'; named is set for the last three."""

    def __init__(self, kind, named=None):
        self.kind = kind
        self.named = named


class Field:
    """shape is 'plain', 'optional', 'array' or 'map'; type is that of the value or item."""

    def __init__(self, node, shape, type_):
        self.name = node["name"]
        self.doc = node.get("doc", "")
        self.aliases = node.get("aliases", [])
        self.has_default = "default" in node
        self.default = node.get("default")
        self.shape = shape
        self.type = type_


class Schemas:
    """All named types of all files; `records` are the top-level ones, by file order."""

    def __init__(self, paths):
        self.named = {}   # name -> Named, in declaration order
        self.records = []
        self.sources = {}  # top-level name -> parsed JSON
        for path in paths:
            with open(path, encoding="utf-8") as f:
                node = json.load(f)
            self._open = []
            self._local = {}
            top = self._named(node, path)
            self.records.append(top)
            self.sources[top.name] = node

    def _named(self, node, where):
        kind, name = node["type"], node["name"]
        if not NAME.match(name):
            raise SchemaError(f"{where}: bad name {name!r}")
        if name in self._open:
            raise SchemaError(f"{where}: {name} contains itself")
        if name in self._local:
            raise SchemaError(f"{where}: {name} is defined twice in one file")
        self._open.append(name)
        made = Named(kind, name, node)
        self._local[name] = made
        if kind == "record":
            for f in node["fields"]:
                made.fields.append(self._field(f, f"{where}: {name}.{f['name']}"))
            if not 1 <= len(made.fields) <= 64:
                raise SchemaError(f"{where}: {name} has no fields, or more than 64")
        self._open.pop()
        known = self.named.get(name)
        if known:
            if shape_of(known) != shape_of(made):
                raise SchemaError(f"{where}: {name} differs from the {name} of another file")
            self._local[name] = known
            return known
        self.named[name] = made
        return made

    def _field(self, node, where):
        t = node["type"]
        shape = "plain"
        if isinstance(t, list):
            if len(t) != 2 or t[0] != "null":
                raise SchemaError(f'{where}: only ["null", T] unions have a C form')
            shape, t = "optional", t[1]
        elif isinstance(t, dict) and t["type"] in ("array", "map"):
            shape = t["type"]
            t = t["items"] if shape == "array" else t["values"]
        field = Field(node, shape, self._type(t, where))
        if shape == "map" and field.type.kind != "string":
            raise SchemaError(f"{where}: only maps of strings have a C form")
        check_default(field, where)
        return field

    def _type(self, t, where):
        if isinstance(t, dict) and t["type"] in PRIMITIVES:
            t = t["type"]  # a logical type is its underlying type
        if isinstance(t, str):
            if t in PRIMITIVES:
                return Type(t)
            if t in self._open:
                raise SchemaError(f"{where}: {t} contains itself")
            if t not in self._local:
                raise SchemaError(f"{where}: no type {t} is defined before this")
            named = self._local[t]
            return Type(named.kind, named)
        if isinstance(t, dict) and t["type"] in ("record", "enum", "fixed"):
            named = self._named(t, where)
            return Type(named.kind, named)
        raise SchemaError(f"{where}: no C form for {json.dumps(t)}")


def shape_of(named):
    """What has to be equal for two definitions to share one C type."""
    return [named.kind, named.name, named.symbols, named.default, named.size,
            [[f.name, f.shape, f.type.kind, f.type.named and shape_of(f.type.named),
              f.has_default, f.default, f.aliases] for f in named.fields]]


def check_default(field, where):
    if not field.has_default:
        return
    d, kind = field.default, field.type.kind
    if field.shape == "optional":
        good = d is None
    elif field.shape == "array":
        good = d == []
    elif field.shape == "map":
        good = d == {}
    elif kind == "boolean":
        good = isinstance(d, bool)
    elif kind in ("int", "long"):
        limit = 1 << (31 if kind == "int" else 63)
        good = isinstance(d, int) and not isinstance(d, bool) and -limit <= d < limit
    elif kind in ("string", "bytes"):
        good = isinstance(d, str) and d.isascii()
    elif kind == "enum":
        good = d in field.type.named.symbols
    else:
        good = False
    if not good:
        raise SchemaError(f"{where}: default {json.dumps(d)} has no C form here")


def canonical(node, enclosing=()):
    """Parsing Canonical Form of the Avro specification. `enclosing` is the namespace stack."""
    if isinstance(node, str):
        if node in PRIMITIVES or node in ("null", "float", "double"):
            return json.dumps(node)
        return json.dumps(fullname(node, None, enclosing))
    if isinstance(node, list):
        return "[" + ",".join(canonical(n, enclosing) for n in node) + "]"
    kind = node["type"]
    if kind in ("array", "map"):
        key = "items" if kind == "array" else "values"
        return f'{{"type":"{kind}","{key}":{canonical(node[key], enclosing)}}}'
    if kind not in ("record", "enum", "fixed"):
        return canonical(kind, enclosing)
    full = fullname(node["name"], node.get("namespace"), enclosing)
    inner = [*enclosing, full.rpartition(".")[0]]
    head = f'{{"name":{json.dumps(full)},"type":"{kind}"'
    if kind == "record":
        fields = ",".join(
            f'{{"name":{json.dumps(f["name"])},"type":{canonical(f["type"], inner)}}}'
            for f in node["fields"])
        return f'{head},"fields":[{fields}]}}'
    if kind == "enum":
        return f'{head},"symbols":[{",".join(json.dumps(s) for s in node["symbols"])}]}}'
    return f'{head},"size":{node["size"]}}}'


def fullname(name, namespace, enclosing):
    if "." in name:
        return name
    if namespace is None:
        namespace = enclosing[-1] if enclosing else ""
    return f"{namespace}.{name}" if namespace else name


def fingerprint(text):
    """CRC-64-AVRO of `text`, as a number."""
    empty = 0xC15D213AA4D7A795
    table = []
    for i in range(256):
        fp = i
        for _ in range(8):
            fp = (fp >> 1) ^ (empty if fp & 1 else 0)
        table.append(fp)
    fp = empty
    for byte in text.encode():
        fp = (fp >> 8) ^ table[(fp ^ byte) & 0xFF]
    return fp


def min_size(field_or_type):
    """Fewest bytes a value can take on the wire: bounds what a declared count can be true of."""
    if isinstance(field_or_type, Field):
        if field_or_type.shape != "plain":
            return 1
        field_or_type = field_or_type.type
    if field_or_type.kind == "record":
        return sum(min_size(f) for f in field_or_type.named.fields)
    if field_or_type.kind == "fixed":
        return field_or_type.named.size
    return 1
