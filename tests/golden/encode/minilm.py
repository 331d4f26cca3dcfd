#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes minilm.txt: token ids and vectors of some texts, computed in float64 by numpy.

usage: minilm.py MODEL_FOLDER > minilm.txt
Needs numpy, tokenizers and safetensors (tests/integration/requirements.txt). The forward pass is
BERT's as its paper and configuration describe it, written down once more without any shortcut; the
C encoder is compared with what it says.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

TEXTS = [
    "",
    "a",
    "What did we promise Northwind before the merger?",
    "The capital of France is Paris.",
    "Invoice 4711 is due on Friday; please pay 1,250.00 EUR to the account below.",
    "Ünïcödé, 漢字 and emoji 🚀 in one line",
    "int main(void) { return 0; }",
    "Password reset for j.smith: use the code that was sent to the phone ending in 42.",
    "Our board decided to close the plant in Lyon; nobody outside this room may know before May. " * 3,
    "To make the dough, mix flour, water, salt and yeast, and let it rest for an hour. " * 6,
    "Kubernetes pods restart because the liveness probe times out under load. " * 14,
    "one two three four five six seven eight nine ten " * 60,
]


class Reference:
    """A BERT encoder with mean pooling and unit length, in float64."""

    def __init__(self, folder):
        folder = Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = {k.removeprefix("bert."): v.astype(np.float64)
                        for k, v in load_file(folder / "model.safetensors").items()}
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.config["max_position_embeddings"])

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def _linear(self, name, x):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def _norm(self, name, x):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def _attention(self, layer, x):
        heads = self.config["num_attention_heads"]
        split = lambda y: y.reshape(len(x), heads, -1).transpose(1, 0, 2)
        q, k, v = (split(self._linear(f"{layer}.attention.self.{n}", x))
                   for n in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        return (scores @ v).transpose(1, 0, 2).reshape(x.shape)

    def vector(self, ids):
        w = self.weights
        x = (w["embeddings.word_embeddings.weight"][ids]
             + w["embeddings.position_embeddings.weight"][:len(ids)]
             + w["embeddings.token_type_embeddings.weight"][0])
        x = self._norm("embeddings.LayerNorm", x)
        for i in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{i}"
            y = self._linear(f"{layer}.attention.output.dense", self._attention(layer, x))
            x = self._norm(f"{layer}.attention.output.LayerNorm", x + y)
            y = self._linear(f"{layer}.intermediate.dense", x)
            y = 0.5 * y * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
            x = self._norm(f"{layer}.output.LayerNorm", x + self._linear(f"{layer}.output.dense", y))
        pooled = x.mean(0)
        return pooled / np.linalg.norm(pooled)


def main():
    reference = Reference(sys.argv[1])
    for text in TEXTS:
        ids = reference.ids(text)
        print("ids", *ids)
        print("vector", *(f"{v:.8f}" for v in reference.vector(ids)))


if __name__ == "__main__":
    main()
