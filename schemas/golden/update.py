#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expected.hex beside every input.json, with fastavro: not with the code under test.

A golden file changes only with a new version of its schema. Needs fastavro (see
tests/integration/requirements.txt).
"""
import io
import json
import pathlib

import fastavro

HERE = pathlib.Path(__file__).parent


def value(node, schema, names):
    """From our JSON (hex for bytes, no union wrappers, absent means default) to fastavro's."""
    if isinstance(schema, str) and schema in names:
        schema = names[schema]
    if isinstance(schema, list):
        return None if node is None else value(node, schema[1], names)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        names[schema["name"]] = schema
        out = {}
        for f in schema["fields"]:
            given = [n for n in (f["name"], *f.get("aliases", [])) if n in node]
            learn(f["type"], names)
            if given:
                out[f["name"]] = value(node[given[0]], f["type"], names)
            elif f["type"] == "bytes":
                out[f["name"]] = f["default"].encode("latin-1")
            else:
                out[f["name"]] = f["default"]
        return out
    if kind in ("fixed", "bytes"):
        return bytes.fromhex(node)
    if kind == "array":
        return [value(n, schema["items"], names) for n in node]
    return node


def learn(schema, names):
    """Notes the named types of a field even where its value is absent."""
    if isinstance(schema, list):
        for s in schema:
            learn(s, names)
    elif isinstance(schema, dict):
        if "name" in schema:
            names[schema["name"]] = schema
        for key in ("items", "values", "type"):
            learn(schema.get(key), names)
        for f in schema.get("fields", []):
            learn(f["type"], names)


def main():
    for folder in sorted(p.parent for p in HERE.glob("*/*/input.json")):
        text = (HERE.parent / "avro" / f"{folder.parent.name}.avsc").read_text(encoding="utf-8")
        node = json.loads((folder / "input.json").read_text(encoding="utf-8"))
        out = io.BytesIO()
        # strict: a golden file must not hide a misspelt field.
        fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(text)),
                                   value(node, json.loads(text), {}), strict=True)
        hex_ = out.getvalue().hex()
        lines = [hex_[i:i + 80] for i in range(0, len(hex_), 80)] or [""]
        (folder / "expected.hex").write_text("\n".join(lines) + "\n")
        print(f"{folder.parent.name}/{folder.name}: {len(hex_) // 2} bytes")


main()
