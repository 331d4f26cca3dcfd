# SPDX-License-Identifier: Apache-2.0
"""
The op program against fastavro: thousands of writer schemas, each a random change of one of ours,
with random values. Both must read the same record, or both refuse. Needs no broker.
"""

import copy
import io
import json
import random
import subprocess

import fastavro
import pytest
from harness.paths import BIN, ROOT, need

RECORDS = sorted(p.stem for p in (ROOT / "schemas" / "avro").glob("*.avsc"))
SCHEMAS = 250  # per record
VALUES = 4     # per schema


def our_schema(record):
    """Without logical types: fastavro makes dates of them, and not every long is one."""
    return json.loads((ROOT / "schemas" / "avro" / f"{record}.avsc").read_text(),
                      object_hook=lambda node: node["type"] if "logicalType" in node else node)


class Resolver:
    """Our side: the helper program, one line per question."""

    def __init__(self):
        self.process = subprocess.Popen(
            [need(BIN.parent / "tests" / "bin" / "record_resolve")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, record, schema, payload):
        line = f"{record} {json.dumps(schema).encode().hex()} {payload.hex()}\n"
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the helper died"
        assert not answer.startswith("FAILED"), answer
        return None if answer.startswith("REJECT") else json.loads(answer)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


@pytest.fixture
def resolver():
    made = Resolver()
    yield made
    made.close()


class Mutator:
    """Changes a schema in place the way schemas change over the years, and in ways they must not."""

    def __init__(self, rng):
        self.rng = rng
        self.serial = 0

    def fresh(self, stem):
        self.serial += 1
        return f"{stem}{self.serial}"

    def schema(self, node):
        self.record(node)
        if self.rng.random() < 0.3:
            node["namespace"] = "com.acme"
        return node

    def record(self, node):
        fields = []
        for f in node["fields"]:
            chance = self.rng.random()
            # Never drop what others refer to: the definition of a named type goes with its field.
            if chance < 0.12 and not defines(f["type"]) and ("default" in f or chance < 0.005):
                continue
            f["type"] = self.type(f["type"])
            if f.get("aliases") and self.rng.random() < 0.4:
                f["name"] = f["aliases"][0]
            f.pop("default", None)
            f.pop("aliases", None)
            fields.append(f)
            if self.rng.random() < 0.15:
                fields.append({"name": self.fresh("extra"), "type": self.foreign(0)})
        if not any(defines(f["type"]) for f in fields) and self.rng.random() < 0.4:
            self.rng.shuffle(fields)
        node["fields"] = fields

    def type(self, t):
        roll = self.rng.random()
        if isinstance(t, list):
            return self.optional(t)
        if isinstance(t, dict):
            self.complex(t)
            return t
        if t == "long" and roll < 0.2:
            t = "int"
        elif t == "string" and roll < 0.15:
            t = "bytes"
        elif t == "bytes" and roll < 0.15:
            t = "string"
        elif t in ("int", "boolean", "string") and roll > 0.997:
            t = "long"
        if self.rng.random() < 0.06 and t in ("string", "long", "int", "bytes", "boolean"):
            branches = [t, "null"] if self.rng.random() < 0.3 else [t, "double"]
            self.rng.shuffle(branches)
            return branches
        return t

    def optional(self, union):
        roll = self.rng.random()
        inner = self.type(union[1])
        if isinstance(inner, list):
            return inner
        if roll < 0.15:
            return inner
        if roll < 0.3:
            return [inner, "null"]
        if roll < 0.4:
            return ["null", "float", inner]
        return ["null", inner]

    def complex(self, t):
        if t["type"] == "record":
            self.record(t)
        elif t["type"] == "array":
            t["items"] = self.type(t["items"])
        elif t["type"] == "map":
            t["values"] = self.type(t["values"])
        elif t["type"] == "enum":
            symbols = t["symbols"]
            if self.rng.random() < 0.3:
                symbols.insert(self.rng.randrange(len(symbols) + 1), self.fresh("NEW"))
            if self.rng.random() < 0.3:
                self.rng.shuffle(symbols)
            if self.rng.random() < 0.1:
                symbols.pop()
            t.pop("default", None)
            if not symbols:
                symbols.append("ONLY")
        elif t["type"] == "fixed" and self.rng.random() < 0.01:
            t["size"] += 1

    def foreign(self, depth):
        """Any type at all, to be dropped by us."""
        kinds = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
        if depth < 3:
            kinds += ["array", "map", "record", "enum", "fixed", "union"]
        kind = self.rng.choice(kinds)
        if kind == "array":
            return {"type": "array", "items": self.foreign(depth + 1)}
        if kind == "map":
            return {"type": "map", "values": self.foreign(depth + 1)}
        if kind == "record":
            return {"type": "record", "name": self.fresh("Foreign"), "fields": [
                {"name": f"f{i}", "type": self.foreign(depth + 1)}
                for i in range(self.rng.randrange(4))]}
        if kind == "enum":
            return {"type": "enum", "name": self.fresh("Choice"), "symbols": ["A", "B", "C"]}
        if kind == "fixed":
            return {"type": "fixed", "name": self.fresh("Blob"), "size": self.rng.randrange(1, 9)}
        if kind == "union":
            return ["null", {"type": "array", "items": "double"}, "string"]
        return kind


def defines(t):
    if isinstance(t, list):
        return any(defines(b) for b in t)
    if not isinstance(t, dict):
        return False
    return "name" in t or defines(t.get("items")) or defines(t.get("values"))


class Values:
    """Random values of a writer's schema."""

    def __init__(self, rng, namespace):
        self.rng = rng
        self.namespace = namespace
        self.named = {}

    def make(self, t):
        if isinstance(t, list):
            branch = self.rng.choice(t)
            made = self.make(branch)  # first: it learns the branch's name
            # fastavro guesses the branch of a plain value; a pair says which one.
            return made if made is None else (self.label(branch), made)
        if isinstance(t, str) and t in self.named:
            t = self.named[t]
        kind = t["type"] if isinstance(t, dict) else t
        if isinstance(t, dict) and "name" in t:
            self.named[t["name"]] = t
        return getattr(self, kind)(t)

    def label(self, t):
        name = t if isinstance(t, str) else t.get("name", t["type"])
        return f"{self.namespace}.{name}" if name in self.named else name

    def null(self, _):
        return None

    def boolean(self, _):
        return self.rng.random() < 0.5

    def int(self, _):
        return self.rng.choice([0, -1, 2**31 - 1, -2**31, self.rng.randrange(1000)])

    def long(self, _):
        return self.rng.choice([0, -1, 2**63 - 1, -2**63, self.rng.randrange(10**6)])

    def float(self, _):
        return 0.5

    double = float

    def bytes(self, _):
        return self.rng.choice([b"", b"abc", "\u00e4\u65e5".encode(), b"x" * 130, b"\xff\x00"]
                               if self.rng.random() < 0.1 else [b"", b"ascii", b"y" * 70])

    def string(self, _):
        return self.rng.choice(["", "text", "\u00e4\u65e5\U0001f680", "z" * 130])

    def fixed(self, t):
        return self.rng.randbytes(t["size"])

    def enum(self, t):
        return self.rng.choice(t["symbols"])

    def array(self, t):
        return [self.make(t["items"]) for _ in range(self.rng.randrange(4))]

    def map(self, t):
        return {f"k{i}": self.make(t["values"]) for i in range(self.rng.randrange(4))}

    def record(self, t):
        return {f["name"]: self.make(f["type"]) for f in t["fields"]}


def as_json(value):
    """fastavro's record in our JSON: absent fields left out, bytes in hex."""
    if isinstance(value, dict):
        return {k: as_json(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [as_json(v) for v in value]
    return value.hex() if isinstance(value, bytes) else value


def fastavro_reads(payload, writer, reader):
    data = io.BytesIO(payload)
    try:
        return as_json(fastavro.schemaless_reader(data, writer, reader))
    except (fastavro.read.SchemaResolutionError, UnicodeDecodeError, ValueError, KeyError):
        return None


@pytest.mark.parametrize("record", RECORDS)
def test_we_resolve_schemas_as_fastavro_does(resolver, record):
    reader = fastavro.parse_schema(our_schema(record))
    outcomes = {"read": 0, "refused": 0}
    for seed in range(SCHEMAS):
        rng = random.Random(f"{record}/{seed}")
        schema = Mutator(rng).schema(our_schema(record))
        writer = fastavro.parse_schema(copy.deepcopy(schema))
        for _ in range(VALUES):
            value = Values(rng, schema["namespace"]).make(schema)
            out = io.BytesIO()
            fastavro.schemaless_writer(out, writer, value)
            theirs = fastavro_reads(out.getvalue(), writer, reader)
            ours = resolver.ask(record, schema, out.getvalue())
            assert ours == theirs, f"seed {seed}: {json.dumps(schema)} {out.getvalue().hex()}"
            outcomes["read" if ours is not None else "refused"] += 1
    # A test in which nothing could be read, or nothing was refused, would prove nothing.
    assert outcomes["read"] > SCHEMAS and outcomes["refused"] > 0, outcomes
