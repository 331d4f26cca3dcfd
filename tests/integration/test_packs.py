# SPDX-License-Identifier: Apache-2.0
"""Packs over Kafka: what is pushed counts within a moment, what nobody stands behind never does, and
a swap under load loses, doubles and delays nothing.

The long form of the swaps: LACUNA_TEST_SWAPS=1000 LACUNA_TEST_SWAP_MESSAGES=1000000 pytest -k swaps
"""

import hashlib
import json
import os
import re
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from harness import wait_until
from harness.flow import check_topics, decisions_of, requests
from harness.program import http
from harness.records import core_of, decode

SWAPS = int(os.environ.get("LACUNA_TEST_SWAPS", "20"))
MESSAGES = int(os.environ.get("LACUNA_TEST_SWAP_MESSAGES", "50000"))
LINE = re.compile(r"event=pack_swapped role=(\w+) reason=(\w+) version=(\d+) hash=([0-9a-f]{64}) .*"
                  r"from_us=(\d+) at_us=(\d+)")


class Packs:
    """What an operator has: keys, and a folder for each pack."""

    def __init__(self, lacuna, **conf):
        self.lacuna = lacuna
        self.conf = conf
        self.keys = lacuna.folder / "keys"
        self.made = 0
        lacuna.tool("pack", "keygen", self.keys)
        self.signers = self.keys / "pack.pub"

    def folder(self, *terms):
        """A pack that knows the built-in rules and `terms`; no two are the same."""
        self.made += 1
        folder = self.lacuna.folder / f"pack-{self.made}"
        (folder / "terms").mkdir(parents=True)
        (folder / "pack.yaml").write_text(f"name: ours\nversion: {self.made}\nbase: builtin\n")
        names = ", ".join(terms or (f"zyxterm{self.made}",))
        (folder / "terms" / "proprietary_terms.yaml").write_text(f"customers: [{names}]\n")
        return folder

    def push(self, folder, *options, key=None, check=True, **conf):
        key = [] if key is False else ["--key", key or self.keys / "pack.key"]
        conf = {"pack__signers": self.signers} | conf
        return self.lacuna.tool("pack", "push", folder, *key, *options, check=check,
                                **self.conf, **conf)

    def active(self, *options, check=True):
        done = self.lacuna.tool("pack", "active", "--json", *options, check=check,
                                pack__signers=self.signers, **self.conf)
        return json.loads(done.stdout)

    def hash_of(self, role="current"):
        found = [p["hash"] for p in self.active() if p["role"] == role]
        assert len(found) == 1, self.active("--all")
        return bytes.fromhex(found[0])


def version(worker, role="current"):
    return worker.metrics().get(f'lacuna_pack_version{{role="{role}"}}')


def wait_for_version(worker, number, role="current"):
    wait_until(lambda: version(worker, role) == number, what=f"{role} pack {number}",
               alive=[worker], every=0.02)


def refused(worker, reason):
    return worker.metrics()[f'lacuna_pack_refused_total{{reason="{reason}"}}']


def hashes(lacuna, count):
    """Pack hashes that the decisions name, by request id, once `count` are there."""
    messages = lacuna.kafka.wait_for(lacuna.topic("lineage"), count)
    return {d["request_id"]: core_of(d)["pack_hash"] for d in decisions_of(messages)}


def swaps_of(worker, role="current"):
    """[(from_us, at_us, hash)] as the worker's log has it, oldest first: the pack came in force
    between the two."""
    return [(int(start), int(at), bytes.fromhex(hash_))
            for r, _, _, hash_, start, at in LINE.findall(worker.log()) if r == role]


def micros(time) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.fixture
def packs(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"requests": 4, "control": 1, "*": 2})
    return Packs(lacuna)


def test_what_is_pushed_counts_and_what_nobody_stands_behind_does_not(lacuna, packs):
    worker = lacuna.classify(pack__signers=packs.signers)
    lacuna.publish([{"request_id": "r0", "text": "about zyxone"}])
    built_in = hashes(lacuna, 1)["r0"]
    assert version(worker) == 0

    packs.push(packs.folder("zyxone"))
    wait_for_version(worker, 1)
    first = packs.hash_of()
    lacuna.publish([{"request_id": "r1", "text": "about zyxone"}])
    assert hashes(lacuna, 2) == {"r0": built_in, "r1": first}
    assert first != built_in
    info = [m for m in worker.metrics() if m.startswith('lacuna_pack_info{role="current"')]
    assert len(info) == 1 and first.hex() in info[0] and 'name="ours",version="1"' in info[0]

    # Nobody's, a stranger's, an old one of ours once more, a changed one: the first stays.
    packs.push(packs.folder(), key=False, pack__require_signature=False)
    wait_until(lambda: refused(worker, "unsigned") >= 1, alive=[worker])
    lacuna.tool("pack", "keygen", lacuna.folder / "stranger")
    packs.push(packs.folder(), key=lacuna.folder / "stranger" / "pack.key", pack__signers="")
    wait_until(lambda: refused(worker, "unknown_signer") >= 1, alive=[worker])
    assert version(worker) == 1
    packs.push(packs.folder("zyxtwo"), "--version", "7")
    wait_for_version(worker, 7)
    old = [m for m in lacuna.kafka.read(lacuna.topic("control"))
           if decode("Control", m.value)["version"] == 1]
    lacuna.kafka.produce(lacuna.topic("control"), [old[0].value], key=old[0].key)
    wait_until(lambda: refused(worker, "old") >= 1, alive=[worker])
    holder = next(m for m in old if b"zyxone" in m.value)
    forged = holder.value.replace(b"zyxone", b"zyxfun")
    lacuna.kafka.produce(lacuna.topic("control"), [forged, b"\xc3\x01garbage"],
                         key=holder.key)
    wait_until(lambda: refused(worker, "bad_signature") == 1 and refused(worker, "malformed") == 1,
               alive=[worker])
    assert version(worker) == 7
    refusal = packs.lacuna.tool("pack", "push", packs.folder(), "--key", packs.keys / "pack.key",
                                "--version", "7", check=False, pack__signers=packs.signers)
    assert refusal.returncode == 2 and "versions only go up" in refusal.stderr

    # Back to the first content, as a new version.
    lacuna.tool("pack", "rollback", "--key", packs.keys / "pack.key", "--to", "1",
                pack__signers=packs.signers)
    wait_for_version(worker, 8)
    assert packs.hash_of() == first
    lacuna.publish([{"request_id": "r2", "text": "about zyxone"}])
    assert hashes(lacuna, 3)["r2"] == first

    # A worker that starts now reads all of it, and does not decide before it has.
    late = lacuna.classify("classify-1", pack__signers=packs.signers)
    assert version(late) == 8
    everything = packs.active("--all")
    assert {p["trust"] for p in everything if p["state"] == "refused"} == \
        {"unknown signer", "unsigned", "forged"}
    doctor = lacuna.tool("doctor", check=False, pack__signers=packs.signers).stdout
    assert re.search(r"pushed pack\s+default version 8", doctor), doctor


def test_chunks_of_two_pushes_in_any_order_make_two_packs(lacuna, packs, stack):
    """As a log has them that was mirrored or joined: between each other, backwards, twice and cut."""
    elsewhere = stack(kafka=lacuna.kafka, conf={"kafka.topic_prefix": "from." + lacuna.prefix})
    lacuna.kafka.create_topics(elsewhere.conf["kafka.topic_prefix"], only=["control"])
    packs.conf = {"kafka__topic_prefix": elsewhere.conf["kafka.topic_prefix"]}
    for term in "zyxone", "zyxtwo":
        packs.push(packs.folder(term))
    pushed = lacuna.kafka.read("from." + lacuna.topic("control"))
    first, second = ([m for m in pushed if decode("Control", m.value)["version"] == v]
                     for v in (1, 2))
    assert len(first) > 2 and len(first) + len(second) == len(pushed)

    worker = lacuna.classify(pack__signers=packs.signers)
    mixed = [m for pair in zip(reversed(first), second[1:]) for m in pair for _ in range(2)]
    mixed += [first[0], *second[len(first):]]
    for m in mixed:
        lacuna.kafka.produce(lacuna.topic("control"), [m.value], key=m.key)
    wait_for_version(worker, 1)
    missing = second[0]
    lacuna.kafka.produce(lacuna.topic("control"), [missing.value[:-70_000]], key=missing.key)
    wait_until(lambda: refused(worker, "malformed") == 1, alive=[worker])
    assert version(worker) == 1
    lacuna.kafka.produce(lacuna.topic("control"), [missing.value], key=missing.key)
    wait_for_version(worker, 2)
    assert sum(v for k, v in worker.metrics().items() if "pack_refused_total" in k) == 1


def test_operators_who_push_at_once_get_versions_of_their_own(lacuna, packs):
    folders = [packs.folder() for _ in range(4)]
    with ThreadPoolExecutor(4) as operators:
        done = list(operators.map(lambda folder: packs.push(folder, check=False), folders))
    pushed = [d for d in done if d.returncode == 0]
    assert pushed, done[0].stderr
    said = [int(re.search(r"default version (\d+)", d.stdout)[1]) for d in pushed]
    kept = packs.active("--all")
    # What said that it was pushed is there, whole and alone under its number; the others are not.
    assert sorted(said) == sorted(p["version"] for p in kept) == list(range(1, len(said) + 1))
    assert len({p["hash"] for p in kept}) == len(kept)
    worker = lacuna.classify(pack__signers=packs.signers)
    assert version(worker) == max(said)


def test_a_key_that_others_can_read_signs_nothing(lacuna, packs):
    key = packs.keys / "pack.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    done = lacuna.tool("pack", "push", packs.folder(), "--key", key, check=False)
    assert done.returncode == 2 and "chmod 600" in done.stderr
    assert lacuna.kafka.read(lacuna.topic("control")) == []


def test_without_kafka_a_worker_starts_from_its_cache(stack, new_kafka):
    kafka = new_kafka()
    lacuna = stack(kafka=kafka)
    kafka.create_topics(lacuna.prefix, {"requests": 2, "control": 1, "*": 1})
    packs = Packs(lacuna)
    worker = lacuna.classify(pack__signers=packs.signers)
    packs.push(packs.folder("zyxone"))
    wait_for_version(worker, 1)
    first = packs.hash_of()
    assert worker.stop(timeout=30) == 0
    cached = list((worker.folder / "state" / "packs").glob("current-1-*.control"))
    assert len(cached) == 1 and cached[0].stat().st_mode & 0o77 == 0

    kafka.stop()
    worker = lacuna.classify(pack__signers=packs.signers, ready=False)
    wait_until(lambda: worker.get("/health/live")[0] == 200 and version(worker) == 1,
               alive=[worker], what="the cached pack")
    assert "reason=cached" in worker.log()
    # What lies in the cache is believed only if its signer is.
    other = lacuna.classify("classify-1", ready=False, pack__signers="",
                            pack__cache_dir=worker.folder / "state" / "packs")
    wait_until(lambda: refused(other, "unknown_signer") >= 1, alive=[other])
    assert version(other) == 0
    assert other.stop(timeout=30) == 0

    kafka.start()
    worker.ready()
    lacuna.publish([{"request_id": "r1", "text": "about zyxone"}])
    assert hashes(lacuna, 1) == {"r1": first}


@pytest.mark.timeout(240 + SWAPS * 5 + MESSAGES // 500)
def test_swaps_under_load_lose_double_and_delay_nothing(lacuna, packs):
    """Per worker, a pack is in force from the moment it is published until the next one is. For
    every decision: the pack that it names was in force at some moment between the start of its
    batch and its end. So none names a pack before its time, and none is late by more than the batch
    that was in hand when the next pack came. And each request has exactly one decision."""
    workers = [lacuna.classify(f"classify-{i}", pack__signers=packs.signers,
                               classify__batch_count=64, classify__commit_interval_ms=20)
               for i in range(2)]
    step = MESSAGES // SWAPS
    ids = []
    producer = lacuna.kafka.producer()
    with ThreadPoolExecutor(1) as operator:
        for swap in range(SWAPS):
            pushed = operator.submit(packs.push, packs.folder())
            slice_ = list(requests(step, swap * step))
            ids += [r["request_id"] for r in slice_]
            # In small parts, so that there is always something to decide while a pack comes.
            for part in range(0, step, step // 20):
                for request in slice_[part:part + step // 20]:
                    producer.produce(lacuna.topic("requests"), value=json.dumps(request).encode())
                assert producer.flush(60) == 0
            pushed.result()
    for worker in workers:
        wait_for_version(worker, SWAPS)
    tail = list(requests(100, SWAPS * step))
    ids += [r["request_id"] for r in tail]
    lacuna.publish(tail)

    lineage = lacuna.topic("lineage")
    wait_until(lambda: sum(lacuna.kafka.committed(lacuna.group(), lacuna.topic("requests"))
                           .values()) >= len(ids), timeout=120 + MESSAGES // 1000, alive=workers,
               every=0.2, what="all requests to be decided")
    decisions = check_topics(lacuna, ids)
    assert lacuna.kafka.read(lacuna.topic("deadletter")) == []
    assert len(lacuna.kafka.read(lineage)) == len(ids)

    named = set()
    for worker in workers:
        log = swaps_of(worker)
        assert len(log) >= 2, worker.log_tail()
        starts = [start for start, _, _ in log]
        times = [at for _, at, _ in log]
        mine = [d for d in decisions.values() if d["instance"] == worker.name]
        for decision in mine:
            pack = core_of(decision)["pack_hash"]
            began = micros(decision["origin"]["timestamp"]) + decision["queued_us"]
            ended = micros(decision["decided_at"])
            first = bisect_right(times, began) - 1
            last = bisect_right(starts, ended) - 1
            in_force = {hash_ for _, _, hash_ in log[max(first, 0):last + 1]}
            assert pack in in_force, \
                f"{decision['request_id']}: {pack.hex()} was not in force from {began} to {ended}"
            named.add(pack)
        assert worker.metrics()["lacuna_pack_lineups_held"] <= 3  # at most one for each lane
    assert len(named) > SWAPS // 4, "the packs changed, but hardly while anything was decided"


def test_a_bridge_scans_with_what_was_pushed(lacuna, packs):
    bridge = lacuna.bridge(pack__signers=packs.signers)

    def found(text):
        status, _, answer = http("POST", f"http://127.0.0.1:{bridge.page}/api/v1/scan", {"text": text})
        assert status == 200, answer
        return [f["rule"] for f in json.loads(answer)["findings"]]

    assert found("about zyxone and zyxtwo") == []
    for term, other in ("zyxone", "zyxtwo"), ("zyxtwo", "zyxone"):
        packs.push(packs.folder(term))
        wait_until(lambda: found(f"about {term}") != [], alive=[bridge])
        assert found(f"about {other}") == []


def test_a_shadow_is_heard_and_never_acted_on(lacuna, packs):
    worker = lacuna.classify(pack__signers=packs.signers)
    packs.push(packs.folder("zyxone"))
    packs.push(packs.folder("zyxtwo"), "--shadow", "100")
    wait_for_version(worker, 2, "shadow")
    current, shadow = packs.hash_of(), packs.hash_of("shadow")
    texts = [{"request_id": f"r{i}", "text": f"note {i} for zyxtwo"} for i in range(20)]
    same = [{"request_id": f"s{i}", "text": f"note {i} for nobody"} for i in range(20)]
    # One at a time: a shadow is dropped before anything waits for it.
    for request in texts + same:
        lacuna.publish([request])
    lacuna.kafka.wait_for(lacuna.topic("routing"), 40)

    def counted(what):
        return sum(v for k, v in worker.metrics().items()
                   if k.startswith(f"lacuna_shadow_{what}_total"))

    wait_until(lambda: counted("decisions") + counted("dropped") == 40, alive=[worker])
    changed = worker.metrics()[
        'lacuna_shadow_decisions_total{tier="INTERNAL",shadow_tier="PROPRIETARY"}']
    assert changed > 0
    messages = lacuna.kafka.wait_for(lacuna.topic("shadow"), int(changed))
    events = {d["event_id"]: d["request_id"] for d in
              decisions_of(lacuna.kafka.wait_for(lacuna.topic("lineage"), 40))}
    for message in messages:
        record = decode("Shadow", message.value)
        assert b"zyxtwo" not in message.value and b"note" not in message.value
        assert (record["tier"], record["shadow_tier"]) == ("INTERNAL", "PROPRIETARY")
        assert (record["pack_hash"], record["shadow_pack_hash"]) == (current, shadow)
        assert record["shadow_rules_only"] and not record["rules_only"]
        assert events[record["event_id"]].startswith("r")
    routing = [decode("Routing", m.value) for m in lacuna.kafka.read(lacuna.topic("routing"))]
    assert {r["tier"] for r in routing} == {"INTERNAL"}
    assert set(hashes(lacuna, 40).values()) == {current}

    lacuna.tool("pack", "withdraw", "shadow", "--key", packs.keys / "pack.key",
                pack__signers=packs.signers)
    wait_until(lambda: version(worker, "shadow") is None, alive=[worker])


def test_a_canary_decides_for_its_keys_and_no_others(lacuna, packs):
    workers = [lacuna.classify(f"classify-{i}", pack__signers=packs.signers) for i in range(2)]
    packs.push(packs.folder("zyxone"))
    packs.push(packs.folder("zyxtwo"), "--canary", "30")
    for worker in workers:
        wait_for_version(worker, 2, "canary")
    current, canary = packs.hash_of(), packs.hash_of("canary")
    keys = [f"customer-{i}" for i in range(200)]

    def chosen(key):
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
        return place // ((2**64 - 1) // 10**6) < 300_000

    for attempt in range(2):
        producer = lacuna.kafka.producer()
        for key in keys:
            producer.produce(lacuna.topic("requests"), key=key.encode(), value=json.dumps(
                {"request_id": f"{attempt}/{key}", "text": "about zyxtwo"}).encode())
        assert producer.flush(30) == 0
    named = hashes(lacuna, 400)
    for attempt in range(2):
        for key in keys:
            want = canary if chosen(key) else current
            assert named[f"{attempt}/{key}"] == want, key
    assert 30 < sum(chosen(key) for key in keys) < 90
    routing = {r["request_id"]: r["tier"] for r in
               (decode("Routing", m.value) for m in lacuna.kafka.read(lacuna.topic("routing")))}
    for key in keys:
        assert routing[f"0/{key}"] == ("PROPRIETARY" if chosen(key) else "INTERNAL")
    # A batch's records are seen before its worker counts them.
    wait_until(lambda: sum(w.metrics()["lacuna_canary_decisions_total"] for w in workers)
               == 2 * sum(chosen(key) for key in keys), alive=workers)

    # The canary's content becomes the current one, which ends the canary.
    lacuna.tool("pack", "rollback", "--key", packs.keys / "pack.key", "--to", "2",
                pack__signers=packs.signers)
    for worker in workers:
        wait_for_version(worker, 3)
        wait_until(lambda w=worker: version(w, "canary") is None, alive=[worker])
    assert packs.hash_of() == canary
