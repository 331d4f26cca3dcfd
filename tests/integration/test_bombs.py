# SPDX-License-Identifier: Apache-2.0
"""Records made to break what reads them: each is decided and stored, or dead-lettered, and what
comes behind it is not held up. First those that anybody may send, then those that only somebody
can write who may write to lineage.
"""

import hashlib
import io
import json
import struct

import fastavro
from harness import encode, named_schema, wait_until
from test_sink import TIME_MS, decision

REQUEST = {"request_id": "r", "text": "her SSN is 536-22-8726", "kind": "query",
           "tenant": "default", "conversation": [], "files": [], "metadata": {}}
LONG = "x" * 100_000
TIMES = [0, 1, TIME_MS, 253_402_300_800_000, 9_224_318_015_999_000, 9_224_318_016_000_000,
         2**62, 2**63 - 1]


class _Source:
    """Records on a topic that takes every timestamp, and how many the broker took."""

    def __init__(self, lacuna, topic):
        self.topic, self.producer, self.taken = lacuna.topic(topic), lacuna.kafka.producer(), 0
        lacuna.kafka.configure(self.topic, "message.timestamp.after.max.ms", str(2**63 - 1))

    def put(self, value, **more):
        def done(error, _):
            assert error is None, (error, more)
            self.taken += 1

        self.producer.produce(self.topic, value=value, on_delivery=done, **more)

    def end(self):
        assert self.producer.flush(60) == 0
        return self.taken


def _ended(lacuna):
    return (lacuna.postgres.value("select count(*) from decisions")
            + len(lacuna.kafka.read(lacuna.topic("deadletter"))))


def _requests():
    """{name: value}: Avro that is well-formed, with contents that nobody expects."""
    out = {f"deadline {d}": encode("Request", REQUEST | {"deadline_ms": d})
           for d in (-2**63, -1, 0, 2**63 - 1)}
    for field in ("request_id", "tenant", "subject", "session", "project", "environment", "purpose"):
        for name, text in (("NUL", "a\0b"), ("empty", ""), ("long", LONG), ("escape", "\x1b[31m\u202e\ufffe")):
            out[f"{field} {name}"] = encode("Request", REQUEST | {field: text})
    out["NULs everywhere"] = encode("Request", REQUEST | {
        "text": "\0" * 50, "files": ["\0"] * 100, "metadata": {"\0": "\0"},
        "conversation": [{"role": "\0", "content": "\0"}],
        "user": {"id": "\0", "role": "\0", "department": "\0"}})
    out["many findings"] = encode("Request", REQUEST | {
        "text": " ".join(f"a{i}@example.com" for i in range(30_000))})
    out["many of all"] = encode("Request", REQUEST | {
        "files": ["f"] * 20_000, "metadata": {f"k{i}": "v" for i in range(20_000)},
        "conversation": [{"role": "user", "content": "c"}] * 20_000})
    out["no text"] = encode("Request", REQUEST | {"text": ""})
    out["JSON, escaped NUL"] = b'{"text":"a\\u0000b","request_id":"\\u0000"}'
    out["JSON, half a surrogate"] = b'{"text":"\\ud800"}'
    out["JSON, depth"] = b'{"text":"a","metadata":' + b'{"a":' * 60 + b"1" + b"}" * 61
    return out


def test_each_request_ends_as_a_row_or_a_dead_letter(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.migrate()
    source = _Source(lacuna, "requests")
    for name, value in _requests().items():
        source.put(value, key=name)
    for time in TIMES:
        source.put(encode("Request", REQUEST), timestamp=time)
    source.put(encode("Request", REQUEST), key=b"\0" * 60_000)
    source.put(encode("Request", REQUEST),
               headers=[("h" * 1000, b"\0" * 1000)] * 200 + [("content-type", b"\xff\0")])
    sent = source.end()
    worker, sink = lacuna.classify(classify__lanes=1), lacuna.sink()

    wait_until(lambda: _ended(lacuna) >= sent, timeout=90, alive=[worker, sink], every=0.5,
               what=f"{sent} rows or dead letters")
    assert _ended(lacuna) == sent
    assert LONG[:50] not in worker.log() + sink.log()
    for part in ("lane_failed", "level=error"):
        assert part not in sink.log(), sink.log_tail()


def _hostile():
    """Lineage records that lacuna-classify never writes."""
    out = {"plain": decision(1)}

    def made(number, core=None, **fields):
        body = io.BytesIO()
        fastavro.schemaless_writer(body, named_schema("DecisionCore"), {
            "semantics": 1, "tenant": "default", "tier": "INTERNAL",
            "posterior": {"public": 100000, "internal": 500000, "proprietary": 400000},
            "route": [], "tags": ["a"], "findings": [], "opinions": [], "stop": "exhausted",
            "observations": [], "commitment_key": "k", "commitment": bytes(32),
            "pack_hash": bytes(32), "model_hash": None, "engine": "rules/1"} | (core or {}))
        return encode("Decision", {
            "event_id": struct.pack(">QQ", 1, number), "revision": 0, "final": True,
            "request_id": f"r{number}", "core": body.getvalue(),
            "decision_hash": hashlib.sha256(body.getvalue()).digest(), "decided_at": TIME_MS * 1000,
            "origin": {"origin": "test", "topic": "t", "partition": 0, "offset": number,
                       "timestamp": TIME_MS + number}} | fields)

    origin = {"origin": "test", "topic": "t", "partition": 0, "offset": 0, "timestamp": TIME_MS}
    for n, time in enumerate([*TIMES, -1, -2**62, -2**63, -62_135_596_800_001, -210_866_803_200_001]):
        out[f"origin time {time}"] = made(100 + n, origin=origin | {"timestamp": time})
        out[f"decided at {time}"] = made(200 + n, decided_at=time)
    for n, revision in enumerate((-1, 2**31 - 1, -2**31)):
        out[f"revision {revision}"] = made(300 + n, revision=revision)
    for n, number in enumerate((-1, 2**63 - 1, -2**63)):
        out[f"offset {number}"] = made(310 + n, origin=origin | {"offset": number})
    for n, number in enumerate((-1, 2**31 - 1, -2**31)):
        out[f"partition {number}"] = made(320 + n, origin=origin | {"partition": number})
    for n, text in enumerate(("\0", "a\0b", "", LONG, "\x1b[31m", "\ufffe")):
        out[f"ids {n}"] = made(400 + n, request_id=text)
        out[f"origin {n}"] = made(420 + n, origin=origin | {"origin": text, "topic": text})
        out[f"tenant {n}"] = made(440 + n, {"tenant": text})
        out[f"tags {n}"] = made(460 + n, {"tags": [text] * 3, "route": [text], "engine": text,
                                          "commitment_key": text, "stop": "exhausted"})
        out[f"asked {n}"] = made(480 + n, project=text, session=text, environment=text, purpose=text)
    posterior = {"public": 2**31 - 1, "internal": -2**31, "proprietary": -1}
    out["posterior"] = made(500, {"posterior": posterior})
    out["core cut"] = made(510)[:-40]
    out["hash that is another's"] = made(520, decision_hash=bytes(32))
    out["core that is none"] = made(530).replace(b"default", b"\xff\xff\xff\xff\xff\xff\xff")
    out["not Avro"] = b"\x7fELF"
    out["JSON"] = json.dumps({"event_id": "x"}).encode()
    out["JSON deep"] = b"[" * 5000
    out["null"] = None
    out["empty"] = b""
    return out


def test_the_sink_survives_whoever_may_write_to_lineage(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1}, only={"lineage", "deadletter"})
    lacuna.migrate()
    source = _Source(lacuna, "lineage")
    for name, value in _hostile().items():
        source.put(value, key=name)
    for n, time in enumerate(TIMES):
        source.put(decision(10_000 + n), timestamp=time)
    sent = source.end()
    sink = lacuna.sink()
    wait_until(lambda: _ended(lacuna) >= sent, timeout=90, alive=[sink], every=0.5,
               what=f"{sent} rows or dead letters")
    assert _ended(lacuna) == sent
    # What comes afterwards is stored as ever.
    lacuna.kafka.produce(lacuna.topic("lineage"), [decision(20_000)])
    wait_until(lambda: _ended(lacuna) == sent + 1, alive=[sink], what="the next decision")
    dead = {r.key.decode() for r in lacuna.kafka.read(lacuna.topic("deadletter"))}
    assert dead == {"core cut", "hash that is another's", "core that is none", "not Avro", "JSON",
                    "JSON deep", "null", "empty"}
    # Times that no clock shows make no tables: the next months', this test's, and the default one.
    assert lacuna.postgres.value(
        "select count(*) from pg_inherits where inhparent = 'decisions'::regclass") < 10
