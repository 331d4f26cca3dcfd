# SPDX-License-Identifier: Apache-2.0
"""Tier 2 in the commands that decide in process: classify, eval, pack test, pack diff. A pack is taught
with some of the starter texts and asked with the real encoder."""

import json
import random
import re
import shutil
import subprocess

import pytest
from harness.paths import BIN, MODEL, ROOT, need
from harness.program import clean_env

HARMLESS = "How do I merge two sorted lists in Python?"
SENSITIVE = "What did we promise Northwind before the merger?"
DOMAINS = ("engineering", "general", "hr", "legal", "sales")


def lacuna(folder, *arguments, status=0, model=MODEL, stdin=None, **env):
    env = {**clean_env(folder), "LACUNA__MODEL__STORE": str(folder / "models"),
           "LACUNA__CLASSIFY__SEMANTIC": "optional",
           **({"LACUNA_MODEL": str(model)} if model else {}), **env}
    done = subprocess.run([BIN / "lacuna", *map(str, arguments)], env=env, input=stdin,
                          capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Sanitizer" not in done.stderr
    return done


def classify(folder, pack, text, **more):
    return json.loads(lacuna(folder, "classify", "--pack", pack, "--strategy", "balanced", "--json",
                             "--", text, **more).stdout)


def starter(domain):
    path = ROOT / "packs" / "starter" / f"{domain}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_texts(path, texts):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(t) + "\n" for t in texts), encoding="utf-8")


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """The built-in pack as far as nothing was learned."""
    pack = tmp_path_factory.mktemp("packs") / "rules"
    shutil.copytree(ROOT / "packs" / "builtin", pack,
                    ignore=shutil.ignore_patterns("semantic", "exemplars"))
    return pack


@pytest.fixture(scope="module")
def pack(rules):
    need(MODEL)
    pack = rules.parent / "taught"
    shutil.copytree(rules, pack)
    for domain in DOMAINS:
        write_texts(pack / "exemplars" / f"{domain}.jsonl",
                    random.Random(domain).sample(starter(domain), 150))
    lacuna(rules.parent, "train", pack, "--model", MODEL, "--layers", "6", model=None)
    return pack


def test_classify_understands_and_says_what_it_thought_of(tmp_path, pack):
    ids = {t["id"] for d in DOMAINS for t in starter(d)}
    harmless, sensitive = (classify(tmp_path, pack, t) for t in (HARMLESS, SENSITIVE))
    assert harmless["tier"] == "PUBLIC" and harmless["route"] and sensitive["tier"] == "PROPRIETARY"
    for answer in (harmless, sensitive):
        opinion, = (o for o in answer["opinions"] if o["layer"] == "semantic")
        assert len(opinion["exemplars"]) == 5 and set(opinion["exemplars"]) <= ids
        assert opinion["source"] == "all-minilm-l6-v2" and answer["classifier"] == "embedding"
        assert len(answer["model"]) == 64 and answer["engine"].startswith("rules/1+cpu-")
        assert opinion["exemplars"][0] in answer["reasoning"]
    shown = lacuna(tmp_path, "classify", "--pack", pack, "--", SENSITIVE).stdout
    assert "MOST LIKE" in shown and "semantic all-minilm-l6-v2" in shown


def test_the_log_level_of_a_file_is_for_programs_and_not_for_people(tmp_path):
    need(MODEL)
    (tmp_path / "lacuna.conf").write_text('log: { level = "info"; };\n')
    asked = ["classify", "-c", tmp_path / "lacuna.conf", HARMLESS]
    assert lacuna(tmp_path, *asked).stderr == ""
    assert "event=encoder_opened" in lacuna(tmp_path, *asked, "--log-level=info").stderr


def test_a_missing_model_is_said_and_makes_decisions_stricter(tmp_path, pack):
    done = lacuna(tmp_path, "classify", "--pack", pack, "--json", "--", HARMLESS, model=None)
    answer = json.loads(done.stdout)
    assert done.stderr.count("encoder all-minilm-l6-v2 is missing") == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert answer["observations"] == [
        {"kind": "strategy", "name": "", "value": "conservative"},
        {"kind": "unavailable", "name": "semantic", "value": ""}]
    assert answer["stop"] == "unavailable" and answer["model"] is None
    assert answer["tier"] == "PROPRIETARY"
    required = {"LACUNA__CLASSIFY__SEMANTIC": "required", "model": None}
    assert "required" in lacuna(tmp_path, "classify", "--pack", pack, "x", status=2,
                                **required).stderr
    off = lacuna(tmp_path, "classify", "--pack", pack, "--json", "--", HARMLESS,
                 LACUNA__CLASSIFY__SEMANTIC="off")
    assert off.stderr == "" and json.loads(off.stdout)["observations"] == [
        {"kind": "skipped", "name": "semantic", "value": ""},
        {"kind": "strategy", "name": "", "value": "conservative"}]
    assert json.loads(off.stdout)["engine"] == "rules/1"
    shown = lacuna(tmp_path, "classify", "--pack", pack, "--strategy", "balanced", "--", HARMLESS,
                   LACUNA__CLASSIFY__SEMANTIC="off").stdout
    assert re.search(r"^Strategy +balanced$", shown, re.M), shown  # once, not among what is noted
    assert shown.count("trategy") == 1 and re.search(r"^Noted +skipped semantic$", shown, re.M)


def test_a_model_that_was_fetched_or_is_stored_need_not_be_named(tmp_path, pack):
    cache = tmp_path / "cache"
    (cache / "hf").mkdir(parents=True)
    (cache / "hf" / "all-minilm-l6-v2").symlink_to(MODEL)
    fetched = classify(tmp_path, pack, HARMLESS, model=None, LACUNA_CACHE=str(cache))
    lacuna(tmp_path, "model", "add", MODEL, model=None)
    stored = classify(tmp_path, pack, HARMLESS, model=None)
    for answer in (fetched, stored):
        assert answer["tier"] == "PUBLIC" and answer["model"]
    assert fetched["opinions"] == stored["opinions"]


def test_what_the_gate_refuses_is_never_public(tmp_path, pack):
    answer = classify(tmp_path, pack, "Wer hat den Vertrag mit der Müller GmbH unterschrieben?")
    assert {"kind": "gate", "name": "/text", "value": "language"} in answer["observations"]
    assert answer["tier"] != "PUBLIC"


def test_eval_measures_with_tier_2(tmp_path, pack, rules):
    path = tmp_path / "support.jsonl"
    write_texts(path, random.Random(5).sample(starter("support"), 120))
    alone, taught = (
        json.loads(lacuna(tmp_path, "eval", "--pack", p, "-s", "balanced", "--format", "json",
                          path).stdout) for p in (rules, pack))
    right = [sum(tier["right"] for tier in report["tiers"]) for report in (alone, taught)]
    assert right[1] >= 80 > right[0] + 20, right
    public = [next(t["right"] for t in r["tiers"] if t["name"] == "PUBLIC") for r in (alone, taught)]
    assert public[1] > public[0] + 10, public


def test_pack_test_encodes_exemplars_anew(tmp_path, pack):
    assert "96 exemplars asked for themselves (cpu-" in lacuna(tmp_path, "pack", "test", pack).stdout
    other = tmp_path / "other"
    shutil.copytree(pack, other)
    # Texts change places: what was learned from one id is asked with the text of another.
    path = other / "exemplars" / "hr.jsonl"
    texts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    write_texts(path, [{**a, "text": b["text"]} for a, b in zip(texts, texts[1:] + texts[:1])])
    done = lacuna(tmp_path, "pack", "test", other, "--format", "json", status=1)
    lost = json.loads(done.stdout)["lost_exemplars"]
    assert len(lost) > 10 and all(i.startswith("hr-") for i in lost)
    assert "exemplars asked" not in lacuna(tmp_path, "pack", "test", pack, model=None).stdout


def test_pack_diff_tells_what_tier_2_changes(tmp_path, pack, rules):
    requests = tmp_path / "requests.jsonl"
    requests.write_text("".join(json.dumps({"request_id": str(i), "text": t}) + "\n"
                                for i, t in enumerate((HARMLESS, SENSITIVE, "a@b.example"))))
    done = lacuna(tmp_path, "pack", "diff", rules, pack, "--requests", requests, "-s", "balanced",
                  "--format", "json", status=1)
    report = json.loads(done.stdout)
    assert {"kind": "head", "subject": "semantic", "change": "is new"} in report["changes"]
    assert {(f["request"], f["before"], f["after"]) for f in report["flips"]} == {
        ("0", "INTERNAL", "PUBLIC"), ("1", "INTERNAL", "PROPRIETARY")}
    assert report["flips"][1]["rule_after"] == "all-minilm-l6-v2"


def test_threads_and_neighbours_show_in_no_report(tmp_path, pack, rules):
    texts = [t for domain in ("sales", "legal", "support") for t in starter(domain)[:90]]
    texts += texts[:20]  # some twice
    random.Random(5).shuffle(texts)
    labelled = tmp_path / "set.jsonl"
    write_texts(labelled, texts)
    reports = {lacuna(tmp_path, "eval", "--pack", pack, "--format", "json", "--threads", n,
                      labelled).stdout for n in (1, 4)}
    assert len(reports) == 1
    requests = tmp_path / "requests.jsonl"
    write_texts(requests, [{"request_id": str(i), "text": t["text"]} for i, t in enumerate(texts)])

    def diff(path, threads):
        done = lacuna(tmp_path, "pack", "diff", rules, pack, "--requests", path, "--format",
                      "json", "--threads", threads, status=1)
        return json.loads(done.stdout)

    report = diff(requests, 1)
    assert report == diff(requests, 4) and report["requests"] == len(texts)
    flips = [int(f["request"]) for f in report["flips"]]
    assert flips == sorted(flips) and len(flips) > 50
    # What is said about a request is what is said when it stands alone.
    for flip in report["flips"][::40]:
        alone = tmp_path / "alone.jsonl"
        write_texts(alone, [{"request_id": flip["request"], "text": flip["text"]}])
        assert diff(alone, 1)["flips"] == [flip]
