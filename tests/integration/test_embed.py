# SPDX-License-Identifier: Apache-2.0
"""`lacuna embed` with real weights: its vectors are those of the float64 reference, and the same text
has the same vector, to the bit, whatever stands beside it. Long texts are read to their end."""

import json
import random
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from harness.paths import BIN, MODEL, ROOT, need
from harness.program import clean_env

sys.path.insert(0, str(ROOT / "tests" / "golden" / "encode"))
from minilm import TEXTS, Reference  # noqa: E402  pylint: disable=wrong-import-position

# Smallest cosine to the reference that a class may have.
CLASSES = {"fp32": 1 - 1e-9, "bf16": 0.999, "int8": 0.995}


def embed(tmp_path, *arguments, stdin="", status=0, **env):
    done = subprocess.run([BIN / "lacuna", "embed", *map(str, arguments)], input=stdin,
                          env={**clean_env(tmp_path), **env}, capture_output=True, text=True,
                          check=False, timeout=200)
    assert done.returncode == status, done.stderr
    assert "Sanitizer" not in done.stderr
    return done


def lines(*texts):
    return "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(texts))


def answers(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def model():
    return need(MODEL)


@pytest.fixture(scope="module")
def reference(model):
    return Reference(model)


@pytest.fixture(scope="module")
def right(reference):
    """Texts with what the reference says, once for all classes: it takes its time."""
    window = 256
    assert json.loads((MODEL / "sentence_bert_config.json").read_text())["max_seq_length"] == window
    ids = {text: reference.ids(text) for text in TEXTS + starter_texts(8, seed=1)}
    return [(text, i, reference.vector(i)) for text, i in ids.items() if len(i) <= window]


@pytest.fixture(scope="module")
def offered(model, tmp_path_factory):
    """The classes that this machine has. fp32 is everywhere."""
    env = clean_env(tmp_path_factory.mktemp("class"))
    tried = {name: subprocess.run([BIN / "lacuna", "embed", "--model", model, "--class", name],
                                  env=env, capture_output=True, input="x", text=True, check=False,
                                  timeout=60) for name in CLASSES}
    assert {done.returncode for done in tried.values()} <= {0, 2}, tried
    assert tried["fp32"].returncode == 0, tried["fp32"].stderr
    return [name for name, done in tried.items() if done.returncode == 0]


def starter_texts(count, seed):
    """Real texts of different lengths, shuffled."""
    texts = [json.loads(line)["text"]
             for path in sorted((ROOT / "packs" / "starter").glob("*.jsonl"))
             for line in path.read_text(encoding="utf-8").splitlines()]
    return random.Random(seed).sample(texts, count)


def test_vectors_are_those_of_the_reference(tmp_path, model, right, offered):
    for name in offered:
        done = embed(tmp_path, "--model", model, "--class", name, "--jsonl", "-",
                     stdin=lines(*(text for text, _, _ in right)))
        for (text, ids, vector), answer in zip(right, answers(done), strict=True):
            ours = np.array(answer["vector"])
            assert answer["tokens"] == len(ids) - 2 and answer["windows"] == 1
            assert answer["engine"].startswith(f"cpu-{name}/")
            assert abs(np.linalg.norm(ours) - 1) < 1e-6
            assert vector @ ours / np.linalg.norm(ours) >= CLASSES[name], (name, text)
            assert name != "fp32" or np.abs(vector - ours).max() < 2e-6, text


def test_a_vector_never_depends_on_its_neighbours(tmp_path, model, offered):
    texts = starter_texts(150, seed=2) + TEXTS
    alone = next(t for t in texts if "\n" not in t)
    for name in offered:
        common = ("--model", model, "--class", name)
        done = embed(tmp_path, *common, "--threads", "1", "--jsonl", "-", stdin=lines(*texts))
        bare = {text: line.split(",", 1)[1]
                for text, line in zip(texts, done.stdout.splitlines(), strict=True)}
        for seed, threads in enumerate(("1", "2", "3")):
            mixed = random.Random(seed).choices(texts, k=80)
            done = embed(tmp_path, *common, "--threads", threads, "--jsonl", stdin=lines(*mixed))
            for i, (text, line) in enumerate(zip(mixed, done.stdout.splitlines(), strict=True)):
                assert line == f'{{"id":{i},{bare[text]}', (name, text)
        assert embed(tmp_path, *common, stdin=alone).stdout == f"{{{bare[alone]}\n"


def test_a_long_text_is_read_to_its_end(tmp_path, model, reference):
    texts = starter_texts(40, seed=3)
    common = ("--model", model, "--class", "fp32", "--jsonl")
    whole, = answers(embed(tmp_path, *common, stdin=lines(" ".join(texts))))
    parts = answers(embed(tmp_path, *common, "--windows", stdin=lines(" ".join(texts))))
    assert whole["tokens"] == sum(len(reference.ids(t)) - 2 for t in texts) > 700
    assert "left" not in whole and whole["windows"] == len(parts) > 3
    assert [p["window"] for p in parts] == list(range(len(parts)))
    assert sum(p["tokens"] for p in parts) > whole["tokens"]
    mean = sum(p["tokens"] * np.array(p["vector"]) for p in parts)
    assert np.abs(mean / np.linalg.norm(mean) - whole["vector"]).max() < 1e-6


def test_what_is_behind_the_last_window_is_counted(tmp_path, model):
    done = embed(tmp_path, "--model", model, "--layers", "1", "--class", "fp32", "--jsonl",
                 stdin=lines("word " * 13000, "short"), status=1)
    cut, short = answers(done)
    assert cut["windows"] == 64 and cut["tokens"] == 13000 and 0 < cut["left"] < 2000
    assert "left" not in short
    assert "1 longer than can be read" in done.stderr


def test_bad_lines_have_their_number_and_their_place(tmp_path, model):
    stdin = '{"id":"a","text":"one"}\nnonsense\n\n{"text":7}\n{"id":{"k":[1]},"text":"two"}\n{"id":2}'
    done = embed(tmp_path, "--model", model, "--layers", "1", "--jsonl", "-", stdin=stdin, status=1)
    got = answers(done)
    assert [a.get("id", a.get("line")) for a in got] == ["a", 2, 4, {"k": [1]}, 6]
    assert all(("error" in a) != ("vector" in a) for a in got)
    assert "3 bad lines" in done.stderr
    many = "".join('{"text":"x"}\n' if i % 90 else "{\n" for i in range(1, 400))
    got = answers(embed(tmp_path, "--model", model, "--layers", "1", "--jsonl", stdin=many, status=1))
    assert [i for i, a in enumerate(got, 1) if "error" in a] == [90, 180, 270, 360]
    assert [a["line"] for a in got if "error" in a] == [90, 180, 270, 360]


def test_exit_statuses_say_what_is_wrong(tmp_path, model):
    assert "which model" in embed(tmp_path, status=2).stderr
    assert "nowhere" in embed(tmp_path, "--model", "nowhere", status=2).stderr
    assert "--class takes" in embed(tmp_path, "--model", model, "--class", "fp64", status=2).stderr
    assert "--format" in embed(tmp_path, "--model", model, "--format", "csv", status=2).stderr
    assert "7 layers" in embed(tmp_path, "--model", model, "--layers", "7", status=2).stderr
    missing = embed(tmp_path, "--model", model, "no-such-file", status=4)
    assert "no-such-file" in missing.stderr and missing.stdout == ""


def test_lines_of_text_need_no_json(tmp_path, model):
    path = tmp_path / "texts.txt"
    path.write_text("one\n\nthree words here", encoding="utf-8")
    got = answers(embed(tmp_path, "--layers", "1", path, LACUNA_MODEL=str(model)))
    assert [a["tokens"] for a in got] == [1, 0, 3] and all("id" not in a for a in got)


def test_a_model_of_the_store_goes_by_name_and_hash(tmp_path, model):
    env = {**clean_env(tmp_path), "LACUNA__MODEL__STORE": str(tmp_path / "models")}
    added = subprocess.run([BIN / "lacuna", "model", "add", model, "--name", "small"], env=env,
                           capture_output=True, text=True, check=True, timeout=60).stdout.split()[0]
    by = [answers(embed(tmp_path, "--model", name, stdin="x", **env))[0] for name in ("small", added[:12])]
    assert by[0] == by[1] and by[0]["model"] == added


def little_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def test_a_store_without_room_is_named_and_keeps_no_half_model(tmp_path, model):
    store = tmp_path / "models"
    done = subprocess.run([BIN / "lacuna", "model", "add", model, "--name", "small"], text=True,
                          env={**clean_env(tmp_path), "LACUNA__MODEL__STORE": str(store)}, timeout=60,
                          capture_output=True, check=False, preexec_fn=little_room)
    assert done.returncode == 4 and f"{store}/.new-" in done.stderr, done.stderr
    assert [p.name for p in store.iterdir()] == ["names"] and not list((store / "names").iterdir())
