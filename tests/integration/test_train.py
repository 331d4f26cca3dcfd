# SPDX-License-Identifier: Apache-2.0
"""`lacuna train`: what it leaves in a pack, that the same input gives the same bytes, and that feedback
reaches the next training. A small part of the starter texts is enough to see all of it."""

import hashlib
import json
import re
import resource
import shutil
import signal
import subprocess

import pytest
from harness.paths import BIN, MODEL, ROOT, need
from harness.program import clean_env

STARTER = ROOT / "packs" / "starter"
BUILTIN = ROOT / "packs" / "builtin"
DOMAINS = ("hr", "legal", "operations")


def run(tmp_path, *arguments, status=0, **options):
    done = subprocess.run([BIN / "lacuna", "train", *map(str, arguments)], env=clean_env(tmp_path),
                          capture_output=True, text=True, check=False, timeout=300, **options)
    assert done.returncode == status, done.stderr
    return done


def make_pack(folder):
    """The built-in pack with one file of rules and nothing learned."""
    folder.mkdir()
    for name in ("pack.yaml", "routing.yaml"):
        shutil.copy(BUILTIN / name, folder)
    shutil.copy(BUILTIN / "rules" / "public.yaml", folder / "rules.yaml")
    return folder


@pytest.fixture
def data(tmp_path):
    """Every eighth text of three domains."""
    need(MODEL)
    files = []
    for domain in DOMAINS:
        lines = (STARTER / f"{domain}.jsonl").read_text(encoding="utf-8").splitlines()[::8]
        files.append(tmp_path / f"{domain}.jsonl")
        files[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files


def learned(pack):
    return {path.name: path.read_bytes() for path in (pack / "semantic").iterdir()}


def with_data(files):
    return [word for path in files for word in ("--data", path)]


def test_the_same_texts_give_the_same_bytes(tmp_path, data):
    first, second = make_pack(tmp_path / "first"), make_pack(tmp_path / "second")
    options = ["--model", MODEL, "--layers", 3, "--format", "json"]
    report = json.loads(run(tmp_path, first, *options, *with_data(data)).stdout)
    run(tmp_path, second, *options, *with_data(reversed(data)))
    assert learned(first) == learned(second)
    texts = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in data)
    assert report["texts"] == texts and sum(report["tiers"].values()) == texts
    assert set(report["domains"]) == set(DOMAINS)
    assert report["held_out"]["macro_f1"] > 0.7  # a third of it would be luck
    assert all(report["held_out"]["leaks"][t] <= report["bounds"][t] for t in report["bounds"])

    # The texts are in the pack now: training from there changes nothing.
    before = learned(first)
    run(tmp_path, first, *options)
    assert learned(first) == before
    head = json.loads(before["head.json"])
    assert hashlib.sha256(before["exemplars.vec"]).hexdigest() in before["head.json"].decode()
    assert head["report"] == report


def test_a_pack_that_names_another_model_is_trained_for_that(tmp_path, data):
    pack = make_pack(tmp_path / "pack")
    run(tmp_path, pack, "--model", MODEL, "--layers", 3, *with_data(data))
    before = learned(pack)
    head = json.loads(before["head.json"])
    sha256 = head["model"]["hash"]

    # Learned for another model than pack.yaml names: what decides refuses it, the next training mends it.
    strange = before["head.json"].replace(sha256.encode(), b"0" * 64)
    (pack / "semantic" / "head.json").write_bytes(strange)
    with (pack / "pack.yaml").open("a", encoding="utf-8") as out:
        out.write(f"model: {{name: {head['model']['name']}, hash: {sha256}}}\n")
    done = subprocess.run([BIN / "lacuna", "pack", "lint", pack], env=clean_env(tmp_path), check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "semantic/ was learned for" in done.stdout + done.stderr
    run(tmp_path, pack, "--model", MODEL, "--layers", 3)
    assert learned(pack) == before

    # A damaged head is no obstacle either.
    (pack / "semantic" / "exemplars.vec").write_bytes(b"none")
    run(tmp_path, pack, "--model", MODEL, "--layers", 3)
    assert learned(pack) == before

    # But one that pack.yaml would contradict is not made.
    yaml = (pack / "pack.yaml").read_text(encoding="utf-8").replace(sha256, "1" * 64)
    (pack / "pack.yaml").write_text(yaml, encoding="utf-8")
    done = run(tmp_path, pack, "--model", MODEL, "--layers", 3, status=2)
    assert "pack.yaml names another model" in done.stderr and sha256 in done.stderr
    assert learned(pack) == before


def test_the_base_packs_texts_are_told_of_and_can_be_left_out(tmp_path, data):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "pack.yaml").write_text("name: own\nversion: 1\nbase: builtin\n", encoding="utf-8")
    own = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in data)

    # What it learns from is said before it begins, which takes minutes.
    done = run(tmp_path, pack, "--model", tmp_path / "none", *with_data(data), status=2)
    learning = re.search(r"learning from (\d+) texts, of which (\d+) are the base pack's; --own", done.stderr)
    assert learning and 3000 < int(learning[2]) < int(learning[1]) <= int(learning[2]) + own

    done = run(tmp_path, pack, "--own", "--model", MODEL, "--layers", 3, *with_data(data))
    assert f"learning from {own} texts\n" in done.stderr and f"{own} texts (" in done.stdout
    # No terminal: steps are lines of a log.
    assert "vectors of 3 layers\n" in done.stderr and "\r" not in done.stderr
    lint = subprocess.run([BIN / "lacuna", "pack", "lint", pack], env=clean_env(tmp_path), check=False,
                          capture_output=True, text=True, timeout=60)
    assert lint.returncode == 0 and "head-" not in lint.stdout, lint.stdout
    with (pack / "exemplars" / "hr.jsonl").open("a", encoding="utf-8") as out:
        out.write('{"id": "new", "text": "a new one", "tier": "PUBLIC"}\n')
    lint = subprocess.run([BIN / "lacuna", "pack", "lint", pack], env=clean_env(tmp_path), check=False,
                          capture_output=True, text=True, timeout=60)
    assert "head-stale" in lint.stdout


def test_a_dry_run_writes_nothing(tmp_path, data):
    pack = make_pack(tmp_path / "pack")
    done = run(tmp_path, pack, "--model", MODEL, "--layers", 3, "--dry-run", *with_data(data))
    assert "Guarded, by the conservative matrix" in done.stdout
    assert "INTERNAL texts: at most 1 % of leaks can't be shown with fewer than 99" in done.stderr
    assert not (pack / "semantic").exists() and not (pack / "exemplars").exists()


def contents(pack):
    return {path: path.read_bytes() for path in pack.rglob("*") if path.is_file()}


def test_without_room_the_pack_stays_as_it_was(tmp_path, data):
    """Limits of a file's size stand for a full disk: what can't be written is the last, or the first."""
    pack = make_pack(tmp_path / "pack")
    command = [pack, "--model", MODEL, "--layers", 3, "--own"]
    run(tmp_path, *command, *with_data(data[:3]))
    before = contents(pack)
    more = tmp_path / "more.jsonl"
    more.write_text(data[0].read_text(encoding="utf-8").replace('"id": "', '"id": "more-').replace(
        '"text": "', '"text": "Once more: '), encoding="utf-8")
    vectors = len(before[pack / "semantic" / "exemplars.vec"])
    for room in vectors, 1000:
        def limit(room=room):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        done = run(tmp_path, *command, "--data", more, status=4, preexec_fn=limit)
        assert "File too large" in done.stderr
        assert contents(pack) == before
    run(tmp_path, *command, "--data", more)
    assert len(contents(pack)) == len(before) + 1


def event_id(record, origin):
    digest = hashlib.sha256()
    milliseconds = "1763700000123"  # of the record's timestamp
    for part in ("lacuna/1", origin, record["topic"], str(record["partition"]),
                 str(record["offset"]), milliseconds):
        digest.update(len(part).to_bytes(4, "big") + part.encode())
    return digest.hexdigest()[:32]


def test_feedback_is_learned_with_the_text_of_its_request(tmp_path, data):
    pack = make_pack(tmp_path / "pack")
    request = {"topic": "lacuna.requests", "partition": 3, "offset": 41,
               "timestamp": "2025-11-21T04:40:00.123Z", "key": None, "headers": [],
               "value": {"tenant": "default", "text": "the swing of the pendulum is ours alone"}}
    event = event_id(request, "here")
    feedback = tmp_path / "opinions.jsonl"
    feedback.write_text("".join(
        json.dumps({"topic": "lacuna.feedback", "value": {"event_id": event, "tier": tier,
                                                          "who": "ana", "why": None, "at": at}}) + "\n"
        for tier, at in (("PUBLIC", 5), ("PROPRIETARY", 9), ("INTERNAL", 7))), encoding="utf-8")
    requests = tmp_path / "requests.jsonl"
    requests.write_text(json.dumps(request) + "\n", encoding="utf-8")
    options = ["--model", MODEL, "--layers", 3, *with_data(data), "--data", feedback]

    done = run(tmp_path, pack, *options, "--dry-run")
    assert "1 events with feedback have no text here" in done.stderr
    run(tmp_path, pack, *options, "--requests", requests, "--origin", "here")
    kept = (pack / "exemplars" / "feedback.jsonl").read_text(encoding="utf-8")
    assert json.loads(kept) == {"id": event, "text": request["value"]["text"], "tier": "PROPRIETARY"}
    assert not (pack / "exemplars" / "opinions.jsonl").exists()
    assert event.encode() in learned(pack)["exemplars.vec"]


def test_mistakes_are_named(tmp_path, data):
    pack = make_pack(tmp_path / "pack")
    assert "no labelled texts" in run(tmp_path, pack, "--model", MODEL, status=2).stderr
    assert "which encoder" in run(tmp_path, pack, *with_data(data), status=2).stderr
    assert "--leak takes" in run(tmp_path, pack, "--leak", "PUBLIC=1", status=2).stderr
    few = tmp_path / "few.jsonl"
    few.write_text('{"id": "a", "text": "b", "tier": "PUBLIC"}\n', encoding="utf-8")
    assert "at least 20 of each tier" in run(tmp_path, pack, "--model", MODEL, "--layers", 1,
                                             "--data", few, status=2).stderr
    few.write_text('{"id": "a", "text": "b", "tier": "SECRET"}\n', encoding="utf-8")
    assert f"{few}:1: " in run(tmp_path, pack, "--data", few, status=2).stderr
    nothing = tmp_path / "nothing"
    assert f"{nothing}: No such file" in run(tmp_path, nothing, status=4).stderr
    assert f"{few}: not a pack's folder" in run(tmp_path, few, status=2).stderr


def evaluate(tmp_path, *arguments):
    done = subprocess.run([BIN / "lacuna", "eval", "--strategy", "conservative", *map(str, arguments)],
                          env=clean_env(tmp_path) | {"LACUNA__CLASSIFY__SEMANTIC": "required"},
                          capture_output=True, text=True, check=False,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_learned_is_measured(tmp_path, data):
    pack = make_pack(tmp_path / "pack")
    bounds = ["--leak", "INTERNAL=10", "--leak", "PROPRIETARY=10"]
    done = run(tmp_path, pack, "--model", MODEL, "--layers", 3, *bounds, *with_data(data))
    assert "can't be shown" not in done.stderr
    other = tmp_path / "other.jsonl"
    lines = (STARTER / "engineering.jsonl").read_text(encoding="utf-8").splitlines()[::6]
    other.write_text("\n".join(lines) + "\n", encoding="utf-8")
    svg = tmp_path / "curve.svg"
    options = ["--pack", pack, "--model", MODEL, "--untouched", other]
    report = json.loads(evaluate(tmp_path, "--format", "json", "--svg", svg, *options))
    assert report["texts"] + report["touched"] == len(lines)
    assert report["macro_f1"] > 0.2  # a sixth is what one answer for all would have
    confusion = report["confusion"]
    assert sum(sum(row.values()) for row in confusion.values()) == report["texts"]
    right = sum(confusion[tier][tier] for tier in confusion)
    assert report["accuracy"]["hits"] == right
    assert 0 <= report["calibration"]["likeliest"]["error"] < 0.3
    points = report["risk_coverage"]["points"]
    assert points[-1]["coverage"] == 1
    assert [p["sure"] for p in points] == sorted((p["sure"] for p in points), reverse=True)
    assert svg.read_text(encoding="utf-8").startswith("<svg ")
    text = evaluate(tmp_path, *options)
    assert "Macro-F1" in text and "Calibration error" in text
