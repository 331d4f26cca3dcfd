#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns schemas/ into C.

    schemagen.py --schemas DIR --topics FILE --out DIR     writes lac_records.[ch], lac_topics.[ch]
    schemagen.py --schemas DIR --topics FILE --topics-markdown     prints the README's table

Python 3 standard library only: it runs in every build.
"""
import argparse
import pathlib
import sys

import avro
import cnames
import codec
import header
import topics


def write(path, text):
    """Touches nothing that has not changed, so that a build after a comment is short."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemas", type=pathlib.Path, required=True)
    parser.add_argument("--topics", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--topics-markdown", action="store_true")
    args = parser.parse_args()
    try:
        schemas = avro.Schemas(sorted(args.schemas.glob("*.avsc")))
        table = topics.load(args.topics, {r.name for r in schemas.records})
    except (avro.SchemaError, ValueError, KeyError) as e:
        sys.exit(f"schemagen: {e}")
    if args.topics_markdown:
        sys.stdout.write(topics.markdown(table))
        return
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / "lac_records.h", header.write(schemas))
    write(args.out / "lac_records.c", codec.write(schemas))
    write(args.out / "lac_topics.h", topics.header(table))
    write(args.out / "lac_topics.c", topics.source(table, cnames.type_stem))


if __name__ == "__main__":
    main()
