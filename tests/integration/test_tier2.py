# SPDX-License-Identifier: Apache-2.0
"""Tier 2 in the worker, with real weights and a head trained here: what rules leave open gets an
answer that names its exemplars, the same to the byte in any order, batch and number of workers; what
is missing makes answers stricter and says so everywhere."""

import json
import random
import re
import shutil
from collections import Counter

import pytest
from harness import wait_until
from harness.flow import decisions_of
from harness.paths import MODEL, ROOT, need
from harness.program import run_tool
from harness.records import core_of
from test_packs import Packs, wait_for_version

TIERS = ("PUBLIC", "INTERNAL", "PROPRIETARY")
LEARNED = ("general", "hr", "sales")
PER_TIER = 40

GERMAN = ("Bitte sagen Sie mir, wann die Unterlagen für das Gespräch mit dem Vorstand fertig sind und "
          "wer sie bis zum Montag noch einmal durchsieht, damit wir nichts vergessen.")


def starter(domain):
    lines = (ROOT / "packs" / "starter" / f"{domain}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def bare(folder):
    """The built-in pack without what it has learned."""
    shutil.copytree(ROOT / "packs" / "builtin", folder,
                    ignore=shutil.ignore_patterns("exemplars", "semantic"))
    settings = (folder / "pack.yaml").read_text()
    (folder / "pack.yaml").write_text(re.sub(r"(?m)^model:.*(\n +.*)*\n", "", settings))
    return folder


def train(folder, scratch):
    run_tool(["train", folder, "--model", need(MODEL)], scratch, {}, timeout=500)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """A pack with the built-in rules that has learned from a few texts of three domains."""
    folder = bare(tmp_path_factory.mktemp("tier2") / "pack")
    (folder / "exemplars").mkdir()
    for domain in LEARNED:
        rows = starter(domain)
        some = [r for tier in TIERS for r in [r for r in rows if r["tier"] == tier][:PER_TIER]]
        (folder / "exemplars" / f"{domain}.jsonl").write_text(
            "".join(json.dumps(r) + "\n" for r in some))
    train(folder, folder.parent)
    return folder


@pytest.fixture(scope="module")
def exemplars(pack):
    return {json.loads(line)["id"]: json.loads(line)["tier"]
            for file in (pack / "exemplars").glob("*.jsonl") for line in file.read_text().splitlines()}


def model_hash(pack):
    return bytes.fromhex(json.loads((pack / "semantic" / "head.json").read_text())["model"]["hash"])


def conf_of(pack, **more):
    return {"pack.path": pack, "classify.model": need(MODEL), "classify.engine": "cpu-fp32",
            "classify.semantic": "optional"} | more


def mixed():
    """Requests of every kind that tier 2 treats in a way of its own; ids are f"r{i}"."""
    texts = [r["text"] for domain in ("support", "finance", "legal") for r in starter(domain)[::40]]
    out = [{"text": text} for text in texts]
    out += [{"text": texts[0]}, {"text": texts[1]}, {"text": texts[0]}]  # equal texts
    out += [{"text": text, "conversation": [{"role": "user", "content": texts[i]}]}
            for i, text in enumerate(texts[5:12])]
    out += [{"text": texts[3], "project": "Falcon"}, {"text": texts[4], "subject": texts[6]},
            {"text": texts[7], "files": [texts[8], texts[9]]}]
    out += [{"text": "employee with the number 536-22-1234"}, {"text": GERMAN}, {"text": " "}]
    out += [{"text": " ".join(texts[i:] + texts[:i])} for i in range(0, 12, 4)]  # many windows
    return [{"request_id": f"r{i}", **r} for i, r in enumerate(out)]


def decided(lacuna, count):
    """{request id: (core's bytes, core)}, each id once."""
    messages = lacuna.kafka.wait_for(lacuna.topic("lineage"), count, timeout=120)
    decisions = decisions_of(messages)
    assert not [i for i, n in Counter(d["request_id"] for d in decisions).items() if n > 1]
    return {d["request_id"]: (d["core"], core_of(d)) for d in decisions}


def opinions(core, context=False):
    return [o for o in core["opinions"]
            if o["layer"] == "semantic" and o["source"].endswith("/context") == context]


def observed(core, kind):
    return [(o["name"], o["value"]) for o in core["observations"] if o["kind"] == kind]


def results(worker):
    """What tier 2 was to decisions, by the worker's own count."""
    name = 'lacuna_semantic_decisions_total{result="'
    return {k.removeprefix(name)[:-2]: int(v) for k, v in worker.metrics().items()
            if k.startswith(name) and v}


def test_what_rules_leave_open_is_read(stack, pack, exemplars):
    lacuna = stack(conf=conf_of(pack, **{"pack.follow": False}))
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify(classify__lanes=1, classify__interactive_lanes=0)
    asked = mixed()
    lacuna.publish(asked)
    cores = {i: core for i, (_, core) in decided(lacuna, len(asked)).items()}
    by_text = {}
    for request in asked:
        core = cores[request["request_id"]]
        if "536-22-1234" in request["text"]:  # the top tier is certain: nothing is asked
            assert core["stop"] == "floor" and core["engine"] == "rules/1"
            assert not opinions(core) and core["model_hash"] is None
            continue
        if not request["text"].strip():
            assert core["tier"] != "PUBLIC" and not opinions(core)
            continue
        assert core["engine"].startswith("rules/1+cpu-fp32/"), core["engine"]
        assert core["model_hash"] == model_hash(pack)
        assert len(opinions(core)) == 1, request
        assert 0 < len(opinions(core)[0]["exemplars"]) <= 5
        assert set(opinions(core)[0]["exemplars"]) <= set(exemplars)
        has_context = any(k in request for k in ("conversation", "subject", "files"))
        assert bool(opinions(core, context=True)) == has_context, request
        doubted = bool(observed(core, "gate"))
        if doubted or "project" in request:
            assert core["tier"] != "PUBLIC", request
        if request["text"] == GERMAN:
            assert [name for name, _ in observed(core, "gate")] == ["/text"]
        if set(request) == {"request_id", "text"}:
            by_text.setdefault(request["text"], []).append(opinions(core)[0])
    assert all(o == same[0] for same in by_text.values() for o in same)
    assert {core["tier"] for core in cores.values()} == set(TIERS)
    counted = results(worker)
    assert counted["unasked"] == 2 and sum(counted.values()) == len(asked)
    metrics = worker.metrics()
    assert metrics["lacuna_semantic_ready"] == 1
    assert metrics["lacuna_semantic_windows_total"] > metrics["lacuna_semantic_texts_total"] > 0
    # What Lacuna's dashboards ask for.
    assert metrics['lacuna_classification_latency_seconds_count{layer="embedding"}'] > 0
    assert metrics['lacuna_classification_latency_seconds_count{layer="heuristic"}'] > 0
    # Equal texts of a batch are encoded once; how batches fell is not ours to say.
    assert metrics["lacuna_semantic_texts_total"] <= sum(
        1 + len(r.get("conversation", ())) + len(r.get("files", ())) + ("subject" in r)
        for r in asked)
    assert any(m.startswith('lacuna_semantic_info{model="all-minilm-l6-v2",hash="') for m in metrics)


RUNS = {
    "together": {"workers": 1, "conf": {"classify.lanes": 1, "classify.batch_count": 512}},
    "backwards": {"workers": 1, "conf": {"classify.lanes": 2, "classify.batch_count": 3}},
    "shuffled": {"workers": 3, "conf": {"classify.lanes": 2, "classify.batch_count": 7,
                                        "classify.batch_tokens": 300}},
    "one by one": {"workers": 2, "conf": {"classify.lanes": 1, "classify.batch_count": 1}},
}


def test_order_batches_and_workers_never_show(stack, pack, tmp_path):
    asked = mixed()
    key = tmp_path / "commitment.key"
    key.write_text("00" * 32 + "\n")
    key.chmod(0o600)
    cores = {}
    for i, (name, run) in enumerate(RUNS.items()):
        lacuna = stack(conf=conf_of(pack, **run["conf"], **{
            "commitment.key_file": key, "pack.follow": False, "classify.interactive_lanes": 0}))
        lacuna.prefix = f"{lacuna.prefix[:-1]}-{i}."
        lacuna.conf["kafka.topic_prefix"] = lacuna.prefix
        lacuna.kafka.create_topics(lacuna.prefix, {"requests": 6, "*": 1})
        for n in range(run["workers"]):
            lacuna.classify(f"classify-{n}")
        order = list(asked)
        if name == "backwards":
            order.reverse()
        elif name != "together":
            random.Random(i).shuffle(order)
        lacuna.publish(order)
        got = decided(lacuna, len(asked))
        cores[name] = {request_id: core for request_id, (core, _) in got.items()}
        for program in lacuna.programs:
            program.stop()
    first = cores.pop("together")
    assert len(first) == len(asked)
    for name, other in cores.items():
        differ = sorted(i for i in first if other[i] != first[i])
        assert not differ, f"{name}: {differ}"


def test_people_who_wait_get_the_same(stack, pack):
    lacuna = stack(conf=conf_of(pack, **{"pack.follow": False}))
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.classify(classify__lanes=1, classify__interactive_lanes=1)
    bridge = lacuna.bridge()
    asked = [{"text": r["text"]} for r in starter("support")[::60]]
    tiers = []
    for body in asked:
        status, _, answer = lacuna.classify_http(bridge, body)
        assert status == 200, answer
        tiers.append(answer["tier"])
    lacuna.publish([{"request_id": f"r{i}", **body} for i, body in enumerate(asked)])
    messages = lacuna.kafka.wait_for(lacuna.topic("lineage"), 2 * len(asked), timeout=120)
    cores = [core_of(d) for d in decisions_of(messages)]
    assert all(c["engine"].startswith("rules/1+") for c in cores)
    bulk = {d["request_id"]: core_of(d)["tier"] for d in decisions_of(messages)}
    assert [bulk[f"r{i}"] for i in range(len(asked))] == tiers


def test_a_missing_model_is_stricter_and_says_so(stack, pack):
    conf = {"pack.path": pack, "pack.follow": False, "model.store": "/nonexistent",
            "classify.semantic": "optional"}
    lacuna = stack(conf=conf)
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    strategy = {"classification__strategy": "aggressive"}
    worker = lacuna.classify(**strategy)
    lacuna.publish([{"request_id": "r0", "text": "How do rainbows come about?"}])
    core = decided(lacuna, 1)["r0"][1]
    assert observed(core, "unavailable") == [("semantic", "")]
    assert core["tier"] == "PROPRIETARY" and core["stop"] == "unavailable"
    assert core["engine"] == "rules/1" and core["model_hash"] is None
    assert results(worker) == {"unavailable": 1}
    assert worker.metrics()["lacuna_semantic_ready"] == 0
    status, page = worker.get("/health/ready")
    why = {c["name"]: c.get("why") for c in json.loads(page)["checks"]}["semantic"]
    assert status == 200 and "lacuna model add" in why and model_hash(pack).hex() in why
    assert "event=encoder_missing" in worker.log()

    refused = lacuna.program("lacuna-classify", "classify-required",
                             classify__semantic="required").start()
    refused.expected_to_die = True
    wait_until(lambda: not refused.running, what="the worker to refuse")
    assert refused.popen.returncode == 1
    assert "event=start_refused" in refused.log() and "lacuna model add" in refused.log()

    off = lacuna.classify("classify-off", classify__semantic="off", **strategy)
    worker.stop()
    lacuna.publish([{"request_id": "r1", "text": "How do rainbows come about?"}])
    core = decided(lacuna, 2)["r1"][1]
    assert observed(core, "skipped") == [("semantic", "")] and core["engine"] == "rules/1"
    assert observed(core, "strategy") == [("", "aggressive")]
    assert "lacuna_semantic_ready" not in off.metrics()


def test_a_pushed_head_counts_at_once(stack, pack):
    lacuna = stack(conf={"classify.model": need(MODEL), "classify.engine": "cpu-fp32",
                         "classify.semantic": "optional"})
    lacuna.kafka.create_topics(lacuna.prefix, {"requests": 2, "control": 1, "*": 1})
    packs = Packs(lacuna)
    worker = lacuna.classify(pack__signers=packs.signers, pack__path=bare(lacuna.folder / "bare"))
    text = starter("support")[0]["text"]
    lacuna.publish([{"request_id": "r0", "text": text}])
    core = decided(lacuna, 1)["r0"][1]
    assert not opinions(core) and core["tier"] != "PUBLIC"
    assert [o["kind"] for o in core["observations"]] == ["strategy"]
    assert worker.metrics()["lacuna_semantic_ready"] == 0
    packs.push(pack)
    wait_for_version(worker, 1)
    lacuna.publish([{"request_id": "r1", "text": text}])
    core = decided(lacuna, 2)["r1"][1]
    assert core["model_hash"] == model_hash(pack) and opinions(core)
    assert worker.metrics()["lacuna_semantic_ready"] == 1


def test_required_waits_for_what_is_pushed(stack, pack, tmp_path):
    lacuna = stack(conf={"classify.model": need(MODEL), "classify.engine": "cpu-fp32",
                         "classify.semantic": "optional"})
    lacuna.kafka.create_topics(lacuna.prefix, {"requests": 1, "control": 1, "*": 1})
    packs = Packs(lacuna)
    # Of a model that nobody has: the folder's own, with another hash.
    other = shutil.copytree(pack, tmp_path / "other")
    head = (pack / "semantic" / "head.json").read_text()
    (other / "semantic" / "head.json").write_text(head.replace(model_hash(pack).hex(), "ab" * 32))
    worker = lacuna.classify(ready=False, classify__semantic="required", pack__path=other,
                             pack__signers=packs.signers)
    lacuna.publish([{"request_id": "r0", "text": starter("support")[0]["text"]}])
    wait_until(lambda: "classify.semantic is required" in worker.log(), alive=[worker])
    assert not worker.is_ready()
    packs.push(pack)
    core = decided(lacuna, 1)["r0"][1]  # not one decision before
    assert opinions(core) and [o["kind"] for o in core["observations"]] == ["strategy"]
    worker.ready()


def test_training_is_the_same_to_the_byte(pack, tmp_path):
    again = shutil.copytree(pack, tmp_path / "again", ignore=shutil.ignore_patterns("semantic"))
    train(again, tmp_path)
    for name in ("head.json", "exemplars.vec"):
        assert (again / "semantic" / name).read_bytes() == (pack / "semantic" / name).read_bytes()
    done = run_tool(["pack", "lint", again], tmp_path, {}, check=False)
    assert "head-" not in done.stdout, done.stdout
    with (again / "exemplars" / "hr.jsonl").open("a") as f:
        f.write('{"id": "new", "text": "a new text", "tier": "PUBLIC"}\n')
    assert "lacuna train" in run_tool(["pack", "lint", again], tmp_path, {}, check=False).stdout
