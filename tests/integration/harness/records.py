# SPDX-License-Identifier: Apache-2.0
"""Avro as fastavro sees it: what our programs wrote is read with somebody else's code."""

import functools
import io
import json
import struct

import fastavro
import fastavro.schema

from .paths import ROOT


@functools.cache
def named_schema(record) -> dict:
    """The parsed schema of schemas/avro/RECORD.avsc."""
    return fastavro.parse_schema(json.loads(
        (ROOT / "schemas" / "avro" / f"{record}.avsc").read_text()))


@functools.cache
def fingerprint(record) -> bytes:
    """CRC-64-AVRO of the canonical form, in the byte order of single-object encoding."""
    canonical = fastavro.schema.to_parsing_canonical_form(
        json.loads((ROOT / "schemas" / "avro" / f"{record}.avsc").read_text()))
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))


def encode(record, value, schema_id=None) -> bytes:
    """Single-object encoding, or registry framing when there is an id."""
    out = io.BytesIO()
    if schema_id is None:
        out.write(b"\xc3\x01" + fingerprint(record))
    else:
        out.write(b"\x00" + struct.pack(">I", schema_id))
    fastavro.schemaless_writer(out, named_schema(record), value)
    return out.getvalue()


def decode(record, payload) -> dict:
    """Single-object or registry framing, by the first byte. Bytes left over are an error."""
    if payload[:1] == b"\x00":
        start = 5
    else:
        assert payload[:10] == b"\xc3\x01" + fingerprint(record), \
            f"not a {record}: {payload[:10].hex()}"
        start = 10
    data = io.BytesIO(payload[start:])
    value = fastavro.schemaless_reader(data, named_schema(record))
    assert not data.read(1), f"{record}: bytes behind the record"
    return value


def core_of(decision) -> dict:
    """The DecisionCore inside a Decision."""
    data = io.BytesIO(decision["core"])
    value = fastavro.schemaless_reader(data, named_schema("DecisionCore"))
    assert not data.read(1), "bytes behind the core"
    return value
