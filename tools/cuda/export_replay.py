# SPDX-License-Identifier: Apache-2.0
"""Writes a model, token ids of texts and their vectors in fp32 for lacuna-cuda-check --replay.

usage: export_replay.py MODEL OUT TEXTS.jsonl...   (needs numpy, safetensors, tokenizers)

MODEL is a Hugging Face folder of the BERT family; TEXTS are JSON lines with "text". At most 10,000
texts, cut to 128 tokens. Made with MiniLM, the file has some 60 MB: weights travel as bf16, which is
what the GPU would make of them; the vectors are those of the fp32 weights. The file's form is told
in lac_encode_cuda_check_replay.c.
"""

import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

MOST, LONGEST = 10_000, 128
LAYER = [
    *(f"attention.self.{x}.{y}" for x in ("query", "key", "value") for y in ("weight", "bias")),
    "attention.output.dense.weight",
    "attention.output.dense.bias",
    "attention.output.LayerNorm.weight",
    "attention.output.LayerNorm.bias",
    "intermediate.dense.weight",
    "intermediate.dense.bias",
    "output.dense.weight",
    "output.dense.bias",
    "output.LayerNorm.weight",
    "output.LayerNorm.bias",
]
TOP = [
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm.weight",
    "embeddings.LayerNorm.bias",
]


def to_bf16(x: np.ndarray) -> bytes:
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def erf(x: np.ndarray) -> np.ndarray:
    """Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return np.sign(x) * (1 - p * np.exp(-x * x))


class Bert:
    def __init__(self, folder: Path):
        self.config = json.loads((folder / "config.json").read_text())
        tensors = load_file(folder / "model.safetensors")
        self.w = {k.removeprefix("bert."): v.astype(np.float32) for k, v in tensors.items()}
        pooling = folder / "1_Pooling" / "config.json"
        modes = json.loads(pooling.read_text()) if pooling.exists() else {}
        self.first = bool(modes.get("pooling_mode_cls_token"))
        modules = folder / "modules.json"
        self.normalize = modules.exists() and "Normalize" in modules.read_text()

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def __call__(self, ids: list) -> np.ndarray:
        w, c, n = self.w, self.config, len(ids)
        heads = c["num_attention_heads"]
        size = c["hidden_size"] // heads
        x = w[TOP[0]][ids] + w[TOP[1]][:n] + w[TOP[2]][0]
        x = self.norm(x, "embeddings.LayerNorm")
        for i in range(c["num_hidden_layers"]):

            def dense(x: np.ndarray, name: str, at: str = f"encoder.layer.{i}.") -> np.ndarray:
                return x @ w[at + name + ".weight"].T + w[at + name + ".bias"]

            q, k, v = (
                dense(x, f"attention.self.{name}").reshape(n, heads, size).transpose(1, 0, 2)
                for name in ("query", "key", "value")
            )
            s = q @ k.transpose(0, 2, 1) / math.sqrt(size)
            s = np.exp(s - s.max(-1, keepdims=True))
            mixed = (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(n, -1)
            at = f"encoder.layer.{i}."
            x = self.norm(x + dense(mixed, "attention.output.dense"), at + "attention.output.LayerNorm")
            up = dense(x, "intermediate.dense")
            up = 0.5 * up * (1 + erf(up / math.sqrt(2)))
            x = self.norm(x + dense(up, "output.dense"), at + "output.LayerNorm")
        x = x[0] if self.first else x.mean(0)
        return x / max(float(np.linalg.norm(x)), 1e-12) if self.normalize else x


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    bert = Bert(folder)
    c = bert.config
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    texts = []
    for name in sys.argv[3:]:
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            if line.strip():
                texts.append(json.loads(line)["text"])
    texts = texts[:MOST]
    ids = [e.ids for e in tokenizer.encode_batch(texts)]
    starts = np.cumsum([0, *map(len, ids)])
    with out.open("wb") as f:
        f.write(b"LACRPLY1")
        f.write(struct.pack("<12I", c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"],
                            c["intermediate_size"], c["vocab_size"], c["max_position_embeddings"],
                            c["type_vocab_size"], bert.first, bert.normalize, len(ids), starts[-1], 0))
        f.write(struct.pack("<fI", c["layer_norm_eps"], 0))
        names = TOP + [f"encoder.layer.{i}.{n}" for i in range(c["num_hidden_layers"]) for n in LAYER]
        for name in names:
            x = bert.w[name]
            f.write(x.astype("<f4").tobytes() if x.ndim == 1 else to_bf16(x))
        f.write(starts.astype("<u4").tobytes())
        f.write(np.concatenate(ids).astype("<i4").tobytes())
        for i in ids:
            f.write(bert(i).astype("<f4").tobytes())
    print(f"{out}: {len(ids)} texts, {starts[-1]} tokens, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
