# SPDX-License-Identifier: Apache-2.0
"""Hugging Face's tokenizers as the baseline of wordpiece.hf; started by lacuna-bench.

usage: peer_wordpiece.py MODEL_FOLDER TEXTS TOKENS

TEXTS holds texts, each a length (u32, little endian) and so many bytes of UTF-8. Commands on stdin,
one a line, each answered by a number on stdout:

  tokens   writes all texts' tokens to TOKENS (a count, then id, from, to of each; i32, places in
           bytes) and says how many there are
  rate     bytes per second of one call for all texts, ids and places
"""

import os
import struct
import sys
import time
from pathlib import Path

# One thread, and before the library looks at it.
os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")

from tokenizers import Tokenizer  # noqa: E402  pylint: disable=wrong-import-position


def read_texts(path):
    data, at, texts = Path(path).read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        texts.append(data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return texts


def write_tokens(path, texts, encodings):
    with open(path, "wb") as out:
        for text, encoding in zip(texts, encodings):
            byte = [0]
            for char in text:
                byte.append(byte[-1] + len(char.encode()))
            numbers = [len(encoding.ids)]
            for one, (start, end) in zip(encoding.ids, encoding.offsets):
                numbers += (one, byte[start], byte[end])
            out.write(struct.pack(f"<{len(numbers)}i", *numbers))


def main():
    folder, texts_path, tokens_path = sys.argv[1:]
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    texts = read_texts(texts_path)
    size = sum(len(text.encode()) for text in texts)
    for command in sys.stdin:
        begun = time.perf_counter()
        encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
        took = time.perf_counter() - begun
        answer = size / took
        if command.strip() == "tokens":
            write_tokens(tokens_path, texts, encodings)
            answer = sum(len(encoding) for encoding in encodings)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
