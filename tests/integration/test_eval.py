# SPDX-License-Identifier: Apache-2.0
"""`lacuna eval` on the shipped labelled sets: the sets are what their script writes, and the built-in
pack finds what is labelled without finding much else. The bounds are far below what is reached, so
that a broken rule fails here and a new one need not be perfect."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.paths import BIN
from harness.program import clean_env

ROOT = Path(__file__).resolve().parents[2]
SETS = ROOT / "tests" / "data" / "eval"


def run(tmp_path, *arguments, status=0):
    done = subprocess.run([BIN / "lacuna", "eval", *map(str, arguments)], env=clean_env(tmp_path),
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == status, done.stderr
    return done


def test_the_sets_are_what_the_script_writes():
    subprocess.run([sys.executable, SETS / "make.py", "--check"], check=True, timeout=120)


@pytest.mark.parametrize("name, precision, recall", [("mixed", 0.97, 0.98), ("hard", 0.93, 0.97)])
def test_the_built_in_pack_finds_what_is_labelled(tmp_path, name, precision, recall):
    path = SETS / f"{name}.jsonl"
    report = json.loads(run(tmp_path, "--strategy", "balanced", "--format", "json", path).stdout)
    assert report["texts"] == len(path.read_text(encoding="utf-8").splitlines())
    assert report["all"]["precision"]["value"] >= precision, report["mistakes"]
    assert report["all"]["recall"]["value"] >= recall, report["mistakes"]
    assert report["leaks"]["value"] <= 0.01
    assert report["all"]["recall"]["low"] <= report["all"]["recall"]["value"]
    assert report["all"]["recall"]["value"] <= report["all"]["recall"]["high"]


def test_a_text_for_people_names_the_worst(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": "a", "text": "nothing here", "tier": "PROPRIETARY", "spans": '
                    '[{"entity": "US_SSN", "start": 0, "end": 7}]}\n', encoding="utf-8")
    done = run(tmp_path, "--strategy", "balanced", path)
    assert "line 1, a: leak INTERNAL, really PROPRIETARY" in done.stdout
    assert "line 1, a: missed US_SSN at bytes 0-7" in done.stdout


@pytest.mark.parametrize("line, why", [
    ("{", "line 1 column"), ('{"id": "x"}', '"text" is missing'), ("[]", "a line is a JSON object"),
    ('{"text": "a", "tier": "SECRET"}', "PUBLIC, INTERNAL or PROPRIETARY"),
    ('{"text": "a", "spans": [{"entity": "E", "start": 0, "end": 2}]}', "ends behind the text"),
])
def test_bad_lines_are_named(tmp_path, line, why):
    path = tmp_path / "set.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n", encoding="utf-8")
    done = run(tmp_path, path, status=2)
    assert f"{path}:2: " in done.stderr and why in done.stderr


def test_no_answer_depends_on_the_number_of_threads(tmp_path):
    path = tmp_path / "set.jsonl"
    lines = (SETS / "mixed.jsonl").read_text(encoding="utf-8").splitlines()[:500]
    lines[100:100] = [json.dumps({"text": "word " * 60000, "tier": "PUBLIC"}), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    reports = {run(tmp_path, "--strategy", "balanced", "--format", "json", "--threads", n, path,
                   SETS / "hard.jsonl").stdout for n in (1, 2, 7)}
    assert len(reports) == 1 and json.loads(reports.pop())["texts"] > 501


@pytest.mark.parametrize("threads", [1, 4])
def test_of_several_bad_lines_the_first_is_named(tmp_path, threads):
    path = tmp_path / "set.jsonl"
    for at, line in ((130, '{"text": 3}'), (131, "{"), (200, "["), (300, "x" * (9 << 20))):
        lines = ['{"text": "fine"}'] * 400
        lines[at:] = [line] * (400 - at)
        path.write_text("\n".join(lines[:310]), encoding="utf-8")
        done = run(tmp_path, "--threads", threads, path, status=2)
        assert f"{path}:{at + 1}: " in done.stderr
