# SPDX-License-Identifier: Apache-2.0
"""The models of lacuna-cuda-check --bench in PyTorch, bf16, and the ratio to them.

usage: torch_baseline.py RESULTS, RESULTS being what --bench printed. This is what
sentence-transformers runs on a GPU (transformers' BertModel with fused attention, pooling,
normalisation) without its tokenizer and its bookkeeping, which would only slow it down: tokens are
given on both sides. The best of three batch sizes counts.
"""

import json
import sys
import time

import torch
from transformers import BertConfig, BertModel

LENGTH = 64
VOCAB = 30522
SHAPES = {
    "minilm": dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
    "large": dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
}


def rate(shape: dict, first: bool, batch: int) -> float:
    """Sequences per second, vectors on the host included."""
    config = BertConfig(vocab_size=VOCAB, max_position_embeddings=512, **shape)
    config._attn_implementation = "sdpa"
    model = BertModel(config, add_pooling_layer=False).cuda().to(torch.bfloat16).eval()
    ids = torch.randint(0, VOCAB, (batch, LENGTH), device="cuda")
    mask = torch.ones_like(ids)
    weight = mask.unsqueeze(-1).to(torch.bfloat16)

    def run() -> None:
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = states[:, 0] if first else (states * weight).sum(1) / weight.sum(1)
        torch.nn.functional.normalize(pooled, dim=1).float().cpu()

    with torch.inference_mode():
        for _ in range(10):
            run()
        calls, begin = 0, time.monotonic()
        while time.monotonic() - begin < 3:
            run()
            calls += 1
        return calls * batch / (time.monotonic() - begin)


def main() -> None:
    ours = {}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            ours[record["name"]] = record["ours"]
    for name, first in (("minilm", False), ("large", True)):
        mine = ours[f"encode.cuda.{name}"]
        best = max(rate(SHAPES[name], first, batch) for batch in (64, 256, 1024))
        print(
            json.dumps(
                {
                    "name": f"encode.cuda.torch.{name}",
                    "ratio": round(mine / best, 4),
                    "ours": mine,
                    "baseline": round(best, 1),
                    "baseline_name": f"transformers on torch {torch.__version__}, bf16",
                    "unit": "sequences/s",
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
