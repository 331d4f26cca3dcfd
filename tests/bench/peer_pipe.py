# SPDX-License-Identifier: Apache-2.0
"""The classify worker that one would write in Python; the baseline of pipe.python, started by
lacuna-bench.

usage: peer_pipe.py BROKERS INPUT DECISIONS LINEAGE COUNT MODEL LAYERS PACK PROCESSES ANSWERS

Requests are JSON objects with a "text". Each text is encoded by sentence-transformers in batches
of 64, compared with the pack's exemplars by one matrix product, and judged by a multinomial
regression on its vector and its neighbours; two records go out under the request's key. Positions
are committed once a second, after what was written for them has been delivered: at least once.
LAYERS, unless 0, is how many of the model's layers run. The regression is fitted to PACK's
exemplars at the start, before anything is timed.

Commands on stdin, one a line, each answered by a number on stdout:

  run P T D L  reads all of INPUT from its beginning with P processes of T threads; decisions take
               D bytes each, lineage records L. Requests per second of the middle of the run: from
               the first quarter on, when all processes have begun, to nine tenths
  check        how many requests have exactly one record of the last run in both topics; their
               tiers go to ANSWERS, a byte for each (255: no single answer)
"""

import json
import os
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

# Before the libraries look at it. Nothing is fetched.
os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", TQDM_DISABLE="1")

import numpy as np  # noqa: E402  pylint: disable=wrong-import-position

TIERS = ["PUBLIC", "INTERNAL", "PROPRIETARY"]
BATCH = 64  # texts of a call of the model
CHUNK = 512  # requests that are sorted by length before: less padding
NEAREST = 15
COMMIT_S = 1.0
WAIT_S = 240  # for a run


class Head:
    """A regularised multinomial regression on vectors and on what their neighbours are."""

    def __init__(self, vectors, tiers, ids, weights=None):
        self.vectors, self.tiers, self.ids, self.weights = vectors, tiers, ids, weights
        self.votes = np.eye(len(TIERS), dtype=np.float32)[tiers]

    def features(self, x, leave_out=False):
        near = x @ self.vectors.T
        if leave_out:
            np.fill_diagonal(near, -1)
        best = np.argpartition(near, -NEAREST, axis=1)[:, -NEAREST:]
        weight = np.exp(8 * np.take_along_axis(near, best, axis=1))
        share = np.einsum("nk,nkt->nt", weight, self.votes[best])
        share /= share.sum(axis=1, keepdims=True)
        return np.hstack([x, share, np.ones((len(x), 1), np.float32)]), best

    def judge(self, x):
        features, best = self.features(x)
        logits = features @ self.weights
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True), best

    def fit(self, steps=400, ridge=1e-4, rate=0.05):
        """Full-batch Adam (Kingma, Ba 2015); each exemplar's own vote is left out."""
        features, _ = self.features(self.vectors, leave_out=True)
        self.weights = np.zeros((features.shape[1], len(TIERS)), np.float32)
        mean, square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        for step in range(1, steps + 1):
            logits = features @ self.weights
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            slope = features.T @ (p - self.votes) / len(features) + ridge * self.weights
            mean = 0.9 * mean + 0.1 * slope
            square = 0.999 * square + 0.001 * slope ** 2
            self.weights -= (rate * mean / (1 - 0.9 ** step)
                             / (np.sqrt(square / (1 - 0.999 ** step)) + 1e-8))
        return self


def open_model(folder, layers):
    import torch  # pylint: disable=import-outside-toplevel
    from sentence_transformers import SentenceTransformer  # pylint: disable=import-outside-toplevel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = SentenceTransformer(str(folder), device=device).eval()
    if layers:
        encoder = model[0].auto_model.encoder
        encoder.layer = encoder.layer[:layers]

    def encode(texts):
        return model.encode(texts, batch_size=BATCH, convert_to_numpy=True,
                            show_progress_bar=False)

    return torch, encode


def learn(encode, pack, path):
    lines = [json.loads(line) for file in sorted(Path(pack).glob("exemplars/*.jsonl"))
             for line in file.read_text(encoding="utf-8").splitlines()]
    head = Head(encode([x["text"] for x in lines]),
                np.array([TIERS.index(x["tier"]) for x in lines]), [x["id"] for x in lines])
    head.fit()
    np.savez(path, vectors=head.vectors, tiers=head.tiers, ids=head.ids, weights=head.weights)


def load(path):
    kept = np.load(path)
    return Head(kept["vectors"], kept["tiers"], list(kept["ids"]), kept["weights"])


class Worker:
    """One process: a consumer of some partitions, a model, a producer."""

    def __init__(self, settings):
        self.s = settings
        self.torch, self.encode = open_model(settings["model"], settings["layers"])
        self.head = None

    def answer(self, producer, messages, sizes):
        requests = [json.loads(m.value()) for m in messages]
        p, best = self.head.judge(self.encode([r["text"] for r in requests]))
        tiers = p.argmax(axis=1)
        shares = np.rint(p * 1e6).astype(int).tolist()
        ids, nearest = self.head.ids, best[:, -5:].tolist()
        for i, message in enumerate(messages):
            tier, key = TIERS[tiers[i]], message.key()
            decision = json.dumps({"tier": tier, "confidence": shares[i][tiers[i]]})
            lineage = json.dumps({"tier": tier, "posterior": shares[i], "offset": message.offset(),
                                  "model": "all-minilm-l6-v2",
                                  "exemplars": [ids[k] for k in nearest[i]]})
            # White space behind an object: the records are as large as the other side's.
            producer.produce(self.s["decisions"], decision.ljust(sizes[0]), key)
            producer.produce(self.s["lineage"], lineage.ljust(sizes[1]), key)
        producer.poll(0)

    def run(self, partitions, group, threads, sizes):
        """Times and counts of what was done."""
        from confluent_kafka import (  # pylint: disable=import-outside-toplevel
            OFFSET_BEGINNING, Consumer, Producer, TopicPartition)

        self.torch.set_num_threads(threads)
        os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
        consumer = Consumer({"bootstrap.servers": self.s["brokers"], "group.id": group,
                             "enable.auto.commit": False, "fetch.wait.max.ms": 100})
        producer = Producer({"bootstrap.servers": self.s["brokers"], "linger.ms": 5,
                             "compression.type": "none", "queue.buffering.max.kbytes": 32768})
        topic, at, ends, events = self.s["input"], {}, {}, []
        consumer.assign([TopicPartition(topic, i, OFFSET_BEGINNING) for i in partitions])
        for i in partitions:
            at[i], ends[i] = consumer.get_watermark_offsets(TopicPartition(topic, i), timeout=30)

        def commit():
            if producer.flush(60):
                raise RuntimeError("the producer can't get rid of its records")
            consumer.commit(offsets=[TopicPartition(topic, i, o) for i, o in at.items()],
                            asynchronous=True)

        committed = time.monotonic()
        while any(at[i] < ends[i] for i in partitions):
            messages = consumer.consume(CHUNK, 0.1)
            for m in messages:
                if m.error():
                    raise RuntimeError(m.error())
                at[m.partition()] = m.offset() + 1
            if not messages:
                continue
            if not events:
                events.append((time.monotonic(), 0))
            self.answer(producer, messages, sizes)
            events.append((time.monotonic(), len(messages)))
            if time.monotonic() - committed >= COMMIT_S:
                commit()
                committed = time.monotonic()
        commit()
        consumer.close()
        return events


def serve(settings, pipe):
    worker = Worker(settings)
    while True:
        try:
            what, *arguments = pipe.recv()
        except EOFError:  # who asked has been ended
            return
        if what == "learn":
            pipe.send(learn(worker.encode, *arguments))
        elif what == "load":
            worker.head = load(*arguments)
            pipe.send(None)
        else:
            pipe.send(worker.run(*arguments))


class Fleet:
    """The processes, each with its model loaded once."""

    def __init__(self, settings, count):
        self.s, self.runs, self.starts = settings, 0, None
        context = get_context("spawn")
        self.workers = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(settings, theirs), daemon=True)
            process.start()
            self.workers.append((process, ours))
        with tempfile.TemporaryDirectory() as folder:
            self.ask(self.workers[:1], [("learn", settings["pack"], f"{folder}/head.npz")])
            self.ask(self.workers, [("load", f"{folder}/head.npz")] * count)

    @staticmethod
    def ask(workers, questions):
        for (_, pipe), question in zip(workers, questions):
            pipe.send(question)
        answers = []
        for process, pipe in workers:
            until = time.monotonic() + WAIT_S
            while not pipe.poll(1):
                if not process.is_alive() or time.monotonic() > until:
                    raise RuntimeError("a process has ended or hangs")
            answers.append(pipe.recv())
        return answers

    def consumer(self, **more):
        from confluent_kafka import Consumer  # pylint: disable=import-outside-toplevel

        return Consumer({"bootstrap.servers": self.s["brokers"], "group.id": "nobody",
                         "enable.auto.commit": False, **more})

    def ends(self):
        from confluent_kafka import TopicPartition  # pylint: disable=import-outside-toplevel

        consumer = self.consumer()
        ends = {}
        for topic in (self.s["input"], self.s["decisions"], self.s["lineage"]):
            for i in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
                at = TopicPartition(topic, i)
                ends[topic, i] = consumer.get_watermark_offsets(at, timeout=30)[1]
        consumer.close()
        return ends

    def run(self, processes, threads, *sizes):
        self.starts = self.ends()
        self.runs += 1
        group = f"{self.s['input']}-python-{self.runs}"
        partitions = sorted(i for topic, i in self.starts if topic == self.s["input"])
        parts = [(partitions[k::processes], group, threads, sizes) for k in range(processes)]
        lists = self.ask(self.workers[:processes], [("run", *part) for part in parts])
        begun = max(events[0][0] for events in lists)
        done, start = 0, None
        for now, n in sorted(event for events in lists for event in events):
            done += n
            if start is None and done >= self.s["count"] / 4 and now >= begun:
                start = (now, done)
            if done >= self.s["count"] * 0.9:
                return (done - start[1]) / (now - start[0])
        return -1

    def check(self, path):
        from confluent_kafka import (  # pylint: disable=import-outside-toplevel
            KafkaError, TopicPartition)

        ends = self.ends()
        seen = {topic: [0] * self.s["count"] for topic in (self.s["decisions"], self.s["lineage"])}
        tiers = bytearray([255] * self.s["count"])
        consumer = self.consumer(**{"enable.partition.eof": True})
        parts = [TopicPartition(t, i, o) for (t, i), o in self.starts.items()
                 if t in seen and o < ends[t, i]]
        consumer.assign(parts)
        left = len(parts)
        while left:
            messages = consumer.consume(CHUNK, 30)
            if not messages:
                break
            for m in messages:
                if m.error() and m.error().code() == KafkaError._PARTITION_EOF:
                    left -= 1
                elif not m.error():
                    i = int(m.key()[len("key-"):])
                    seen[m.topic()][i] += 1
                    if m.topic() == self.s["decisions"]:
                        tiers[i] = TIERS.index(json.loads(m.value())["tier"])
        consumer.close()
        once = [all(counts[i] == 1 for counts in seen.values()) for i in range(self.s["count"])]
        Path(path).write_bytes(bytes(t if one else 255 for t, one in zip(tiers, once)))
        return sum(once)


def main():
    names = ("brokers", "input", "decisions", "lineage", "count", "model", "layers", "pack")
    *given, processes, answers = sys.argv[1:]
    settings = dict(zip(names, given))
    settings.update(count=int(settings["count"]), layers=int(settings["layers"]))
    fleet = Fleet(settings, int(processes))
    for command in sys.stdin:
        what, *numbers = command.split()
        print(fleet.check(answers) if what == "check" else fleet.run(*map(int, numbers)),
              flush=True)


if __name__ == "__main__":
    main()
