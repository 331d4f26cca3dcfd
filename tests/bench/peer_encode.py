# SPDX-License-Identifier: Apache-2.0
"""Other encoders as baselines of encode.ort and encode.st; started by lacuna-bench.

usage: peer_encode.py ort|st MODEL_FOLDER IDS LENGTH VECTORS

  ort  ONNX Runtime with dynamic int8: MatMul weights signed and per channel
  st   sentence-transformers on torch, fp32, without its tokenizer

IDS holds sequences of LENGTH ids each (i32, little endian). Commands on stdin, one a line, each
answered by a number on stdout:

  vectors  writes all sequences' vectors to VECTORS (f32) and says how many there are
  rate     sequences per second of processor time, with the batch size that was best at the start
"""

import os
import sys
import tempfile
import time
from pathlib import Path

# One thread, and before the libraries look at it. Nothing is fetched.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1",
                  TOKENIZERS_PARALLELISM="false")

import numpy as np  # noqa: E402  pylint: disable=wrong-import-position

BATCHES = (1, 8, 32)


class Graph:
    """BERT with mean pooling as an ONNX graph of plain operators, as exporters write it."""

    def __init__(self, folder):
        import json  # pylint: disable=import-outside-toplevel

        from onnx import helper, numpy_helper  # pylint: disable=import-outside-toplevel
        from safetensors.numpy import load_file  # pylint: disable=import-outside-toplevel

        self.helper, self.numpy_helper = helper, numpy_helper
        self.tensors = {name.removeprefix("bert."): value for name, value in
                        load_file(Path(folder) / "model.safetensors").items()}
        self.config = json.loads((Path(folder) / "config.json").read_text())
        self.nodes, self.constants = [], []

    def constant(self, value, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(self.numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def tensor(self, name):
        return self.constant(self.tensors[name])

    def op(self, kind, *inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, x, name):
        weight = self.constant(self.tensors[f"{name}.weight"].T)
        return self.op("Add", self.op("MatMul", x, weight), self.tensor(f"{name}.bias"))

    def norm(self, x, name):
        return self.op("LayerNormalization", x, self.tensor(f"{name}.weight"),
                       self.tensor(f"{name}.bias"), axis=-1,
                       epsilon=self.config["layer_norm_eps"])

    def heads(self, x, order):
        count = self.config["num_attention_heads"]
        shape = self.constant([0, 0, count, self.config["hidden_size"] // count], np.int64)
        return self.op("Transpose", self.op("Reshape", x, shape), perm=order)

    def layer(self, x, name):
        attention = f"{name}.attention"
        q = self.heads(self.linear(x, f"{attention}.self.query"), [0, 2, 1, 3])
        k = self.heads(self.linear(x, f"{attention}.self.key"), [0, 2, 3, 1])
        v = self.heads(self.linear(x, f"{attention}.self.value"), [0, 2, 1, 3])
        width = self.config["hidden_size"] // self.config["num_attention_heads"]
        scores = self.op("Div", self.op("MatMul", q, k), self.constant(width ** 0.5))
        context = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        context = self.op("Reshape", self.op("Transpose", context, perm=[0, 2, 1, 3]),
                          self.constant([0, 0, self.config["hidden_size"]], np.int64))
        y = self.linear(context, f"{attention}.output.dense")
        x = self.norm(self.op("Add", x, y), f"{attention}.output.LayerNorm")
        y = self.linear(x, f"{name}.intermediate.dense")
        erf = self.op("Erf", self.op("Div", y, self.constant(2 ** 0.5)))
        y = self.op("Mul", self.op("Mul", y, self.op("Add", erf, self.constant(1))),
                    self.constant(0.5))
        y = self.linear(y, f"{name}.output.dense")
        return self.norm(self.op("Add", x, y), f"{name}.output.LayerNorm")

    def save(self, length, path):
        import onnx  # pylint: disable=import-outside-toplevel

        words = self.op("Gather", self.tensor("embeddings.word_embeddings.weight"), "ids")
        places = (self.tensors["embeddings.position_embeddings.weight"][:length] +
                  self.tensors["embeddings.token_type_embeddings.weight"][0])
        x = self.norm(self.op("Add", words, self.constant(places)), "embeddings.LayerNorm")
        for i in range(self.config["num_hidden_layers"]):
            x = self.layer(x, f"encoder.layer.{i}")
        mean = self.op("ReduceMean", x, axes=[1], keepdims=0)
        self.nodes.append(self.helper.make_node("LpNormalization", [mean], ["vectors"], axis=-1))
        graph = self.helper.make_graph(
            self.nodes, "encoder",
            [self.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n", length])],
            [self.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT,
                                                ["n", self.config["hidden_size"]])],
            self.constants)
        model = self.helper.make_model(graph, ir_version=8,
                                       opset_imports=[self.helper.make_opsetid("", 17)])
        onnx.save(model, path)


def open_ort(folder, length):
    import onnxruntime as ort  # pylint: disable=import-outside-toplevel
    # pylint: disable-next=import-outside-toplevel
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as home:
        plain, small = f"{home}/plain.onnx", f"{home}/int8.onnx"
        Graph(folder).save(length, plain)
        quantize_dynamic(plain, small, per_channel=True, weight_type=QuantType.QInt8)
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(small, options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, {"ids": ids})[0]


def open_st(folder, _length):
    import torch  # pylint: disable=import-outside-toplevel
    from sentence_transformers import SentenceTransformer  # pylint: disable=import-outside-toplevel

    torch.set_num_threads(1)
    model = SentenceTransformer(str(folder), device="cpu").eval()

    def run(ids):
        with torch.inference_mode():
            ids = torch.from_numpy(ids)
            out = model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
            return out["sentence_embedding"].numpy()

    return run


def run_all(run, ids, batch):
    return np.concatenate([run(ids[i:i + batch]) for i in range(0, len(ids), batch)])


def rate(run, ids, batch):
    begun = time.process_time()
    run_all(run, ids, batch)
    return len(ids) / (time.process_time() - begun)


def main():
    kind, folder, ids_path, length, vectors_path = sys.argv[1:]
    ids = np.fromfile(ids_path, "<i4").astype(np.int64).reshape(-1, int(length))
    run = {"ort": open_ort, "st": open_st}[kind](folder, int(length))
    best = max(BATCHES, key=lambda batch: max(rate(run, ids, batch) for _ in range(2)))
    for command in sys.stdin:
        if command.strip() == "vectors":
            run_all(run, ids, best).astype("<f4").tofile(vectors_path)
            answer = len(ids)
        else:
            answer = rate(run, ids, best)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
