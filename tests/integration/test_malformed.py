# SPDX-License-Identifier: Apache-2.0
"""Bad bytes never crash a worker, never block a partition, never vanish."""

import io
import struct
import time

import fastavro
import pytest
from harness import Registry, encode, fingerprint, named_schema, wait_until

REQUEST = {"request_id": "good", "text": "her SSN is 536-22-8726", "kind": "query",
           "tenant": "default", "conversation": [], "files": [], "metadata": {}}
HEAD = b"\xc3\x01" + fingerprint("Request")
HUGE = b"\x80\x80\x80\x80\x80\x80\x80\x40"  # a length of 2^54, zigzag
UNKNOWN_ID = 987654


def _with_bad_utf8() -> bytes:
    good = encode("Request", REQUEST | {"text": "XXXX"})
    return good.replace(b"XXXX", b"\xff\xfe\xc0\x80")


BAD = {
    "truncated": encode("Request", REQUEST)[:-3],
    "cut after the head": HEAD,
    "left over bytes": encode("Request", REQUEST) + b"\x00",
    "huge length of a string": HEAD + b"\x02" + HUGE + b"abc",
    "huge number of items": encode("Request", REQUEST)[:-3] + HUGE,
    "negative length": HEAD + b"\x02\x01abc",
    "union branch that is not there": HEAD + b"\x08",
    "wrong magic": b"\x7fELF\x02\x01\x01",
    "unknown fingerprint": b"\xc3\x01" + bytes(8) + b"\x00",
    "bad UTF-8 in Avro": _with_bad_utf8(),
    "bad UTF-8 in JSON": b'{"text": "\xff\xfe"}',
    "bad JSON": b'{"text": "cut he',
    "JSON of another kind": b'["text"]',
    "JSON without a text": b'{"request_id": "x"}',
    "JSON with a key nobody knows": b'{"text": "x", "txet": "y"}',
    "JSON of great depth": b'{"text": ' + b"[" * 5000,
    "schema id nobody registered": b"\x00" + struct.pack(">I", UNKNOWN_ID) + b"\x00",
    "framing cut short": b"\x00\x00",
    "empty": b"",
    "null": None,
}


def test_every_kind_of_bad_record_is_dead_lettered_as_it_came(lacuna, registry):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    topic = lacuna.topic("requests")
    known = registry.register(f"{topic}-value", named_schema("Request"))
    producer = lacuna.kafka.producer()
    names = list(BAD)
    for i, name in enumerate(names):
        producer.produce(topic, value=BAD[name], key=name, headers=[("x-mine", b"kept")])
        # A good one after each: the partition has one order, so it shows who blocks.
        good = REQUEST | {"request_id": f"good-{i}"}
        producer.produce(topic, value=encode("Request", good, known if i % 2 else None))
    assert producer.flush(30) == 0

    worker = lacuna.classify(registry__url=registry.url)
    lacuna.kafka.wait_for(lacuna.topic("routing"), len(names), alive=[worker])
    dead = lacuna.kafka.wait_for(lacuna.topic("deadletter"), len(names), alive=[worker])

    assert len(dead) == len(names)
    by_key = {m.key.decode(): m for m in dead}
    assert set(by_key) == set(names)
    for i, name in enumerate(names):
        letter = by_key[name]
        assert letter.value == BAD[name], f"{name}: other bytes"
        assert letter.headers["x-mine"] == b"kept", name
        assert letter.headers["lacuna-dlq-topic"] == topic.encode()
        assert letter.headers["lacuna-dlq-partition"] == b"0"
        assert letter.headers["lacuna-dlq-offset"] == str(2 * i).encode(), name
        assert letter.headers["lacuna-dlq-reason"], name
        assert letter.headers["lacuna-dlq-detail"], f"{name}: says nothing about why"
    assert len(lacuna.kafka.read(lacuna.topic("routing"))) == len(names)
    assert "536-22-8726" not in worker.log(), "the log repeats a text"


@pytest.mark.timeout(120)
def test_a_registry_that_hangs_delays_and_loses_nothing(lacuna, tmp_path):
    own = Registry(tmp_path / "own-registry").start()
    try:
        lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
        topic = lacuna.topic("requests")
        # Another writer schema than ours, so that the worker has to ask for it.
        other = {"type": "record", "name": "Request", "namespace": "lacuna",
                 "fields": [{"name": "text", "type": "string"},
                            {"name": "from_another_team", "type": "int", "default": 0}]}
        schema_id = own.register(f"{topic}-value", other)
        payload = io.BytesIO()
        fastavro.schemaless_writer(payload, fastavro.parse_schema(other),
                                   {"text": "her SSN is 536-22-8726", "from_another_team": 7})
        framed = b"\x00" + struct.pack(">I", schema_id) + payload.getvalue()

        worker = lacuna.classify(registry__url=own.url, registry__timeout_ms=500)
        own.process.pause()
        lacuna.kafka.produce(topic, [framed, encode("Request", REQUEST)])
        asked = time.monotonic()
        # Three of its own timeouts: it has asked, waited and asked again.
        wait_until(lambda: time.monotonic() > asked + 3, timeout=10, alive=[worker])
        assert lacuna.kafka.read(lacuna.topic("deadletter")) == []
        assert lacuna.kafka.read(lacuna.topic("routing")) == []
        assert set(lacuna.kafka.committed(lacuna.group(), topic).values()) <= {-1001, 0}

        own.process.resume()
        lacuna.kafka.wait_for(lacuna.topic("routing"), 2, timeout=60, alive=[worker])
        assert lacuna.kafka.read(lacuna.topic("deadletter")) == []
    finally:
        own.close()


def test_a_record_that_crashes_the_worker_is_dead_lettered_at_the_third_attempt(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    topic = lacuna.topic("requests")
    producer = lacuna.kafka.producer()
    producer.produce(topic, value=b'{"text": "before"}', key="a")
    producer.produce(topic, value=b'{"text": "poison"}', key="crash-here")
    producer.produce(topic, value=b'{"text": "behind"}', key="c")
    assert producer.flush(30) == 0
    # Two lanes: the partition may move between them, and three attempts are three in all.
    worker = lacuna.program("lacuna-classify", "classify-0", classify__lanes=2)
    worker.extra_env["LACUNA_FAULT_CRASH_KEY"] = "crash-here"
    crashes = 0
    while crashes < 10:
        worker.start()
        ended = wait_until(
            lambda: not worker.running or len(lacuna.kafka.read(lacuna.topic("deadletter"))) == 1,
            what="a crash or a dead letter", every=0.1)
        assert ended
        if worker.running:
            break
        crashes += 1
    assert worker.running and crashes == 2, f"{crashes} crashes"
    letter = lacuna.kafka.read(lacuna.topic("deadletter"))[0]
    assert letter.key == b"crash-here" and letter.value == b'{"text": "poison"}'
    assert letter.headers["lacuna-dlq-offset"] == b"1"
    lacuna.kafka.wait_for(lacuna.topic("routing"), 2, alive=[worker])
