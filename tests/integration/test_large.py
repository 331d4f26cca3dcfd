# SPDX-License-Identifier: Apache-2.0
"""Records at a broker's limits: nothing that is too large for some topic holds others up."""

import json
import random

import pytest
from harness import encode, wait_until
from harness.records import decode

REQUEST = {"request_id": "r", "text": "her SSN is 536-22-8726", "kind": "query",
           "tenant": "default", "conversation": [], "files": [], "metadata": {}}
NOISE = random.Random(7)


def _routed(lacuna):
    return [decode("Routing", m.value)["request_id"]
            for m in lacuna.kafka.read(lacuna.topic("routing"))]


def _letters(lacuna):
    return {m.key.decode(): m for m in lacuna.kafka.read(lacuna.topic("deadletter"))}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("delivery", ["exactly-once", pytest.param("at-least-once", marks=pytest.mark.long)])
def test_a_result_that_a_broker_refuses_is_found_among_others(lacuna, delivery):
    """The client's limit lets it through, the topic's does not: only the broker can say so."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.kafka.configure(lacuna.topic("lineage"), "max.message.bytes", "20000")
    large = bytes(NOISE.randrange(33, 127) for _ in range(40_000)).decode()
    requests = {f"k{i}": REQUEST | {"request_id": f"r{i}"} for i in range(40)}
    for i in (7, 8, 31):  # a project goes into lineage and not into routing
        requests[f"k{i}"]["project"] = large
    producer = lacuna.kafka.producer()
    for key, request in requests.items():
        producer.produce(lacuna.topic("requests"), encode("Request", request), key=key)
    assert producer.flush(30) == 0
    # Batches of records would be larger than the topic takes by themselves.
    worker = lacuna.classify(classify__lanes=1, classify__delivery=delivery,
                             kafka__properties="batch.size=10000")
    wait_until(lambda: len(_letters(lacuna)) >= 3, timeout=90, what="three letters",
               alive=[worker], every=0.5)
    lacuna.kafka.wait_for(lacuna.topic("routing"), 37, alive=[worker])
    letters = _letters(lacuna)
    assert set(letters) == {"k7", "k8", "k31"}
    for key, letter in letters.items():
        assert letter.value == encode("Request", requests[key])
        assert letter.headers["lacuna-dlq-reason"] == b"refused"
    assert set(_routed(lacuna)) >= {f"r{i}" for i in range(40) if i not in (7, 8, 31)}
    if delivery == "exactly-once":
        assert len(_routed(lacuna)) == 37
    assert large[:50] not in worker.log()


@pytest.mark.timeout(120)
def test_records_as_large_as_a_broker_takes_go_through(lacuna):
    """The largest good request is decided. The largest bad one can't travel with a letter's
    headers: the letter goes without it and says so."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    topic = lacuna.topic("requests")
    producer = lacuna.kafka.producer(**{"message.max.bytes": 4_000_000})

    def largest(make):
        """The largest that the broker takes, of `make(size)`: found by halving."""
        low, high = 1_000_000, 1_050_000
        while high - low > 1:
            size, took = (low + high) // 2, []
            producer.produce(topic, make(size), key=f"{size}",
                             on_delivery=lambda error, _, took=took: took.append(error is None))
            producer.flush(30)
            low, high = (size, high) if took[0] else (low, size)
        return low

    good = largest(lambda n: json.dumps({"request_id": "x" * 20, "text": "y" * (n - 50)}).encode())
    bad = largest(NOISE.randbytes)
    lacuna.publish([{"request_id": "behind", "text": "z"}])
    worker = lacuna.classify(classify__lanes=1)
    wait_until(lambda: "behind" in _routed(lacuna), timeout=60, what="what lies behind",
               alive=[worker])
    assert good > 1_000_000 and bad > 1_000_000
    letter = _letters(lacuna)[str(bad)]
    assert letter.headers["lacuna-dlq-offset"] and letter.value in (None, b"")


@pytest.mark.timeout(120)
def test_headers_by_the_thousand_and_without_values_hold_nobody_up(lacuna):
    """A dead letter has the first of them and says that it was cut; without many it has all."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    producer = lacuna.kafka.producer()
    many = [(f"h{i}", b"" if i % 2 else None) for i in range(10_000)]
    nulls = [("content-type", None), ("traceparent", None), ("lacuna-correlation-id", None),
             ("lacuna-reply-partition", None), ("twice", b"1"), ("twice", None)]
    good, bad = b'{"text": "x", "request_id": "%s"}', b'{"text": '
    topic = lacuna.topic("requests")
    producer.produce(topic, good % b"many", headers=many)
    producer.produce(topic, good % b"nulls", headers=nulls)
    producer.produce(topic, bad, key=b"many", headers=many)
    producer.produce(topic, bad, key=b"nulls", headers=nulls)
    producer.produce(topic, bad, key=b"", headers=[("", b"no name")])
    producer.produce(topic, good % b"behind")
    assert producer.flush(30) == 0
    worker = lacuna.classify(classify__lanes=1)
    lacuna.kafka.wait_for(lacuna.topic("routing"), 3, alive=[worker])
    assert _routed(lacuna) == ["many", "nulls", "behind"]
    letters = _letters(lacuna)
    assert set(letters) == {"many", "nulls", ""}
    assert all(m.value == bad for m in letters.values())
    assert letters["nulls"].headers.items() >= {
        "content-type": None, "traceparent": None, "lacuna-correlation-id": None, "twice": None,
        "lacuna-dlq-offset": b"3"}.items()
    assert "lacuna-dlq-truncated" not in letters["nulls"].headers
    assert letters["many"].headers.items() >= {"h0": None, "h1": b"", "lacuna-dlq-offset": b"2"}.items()
    assert "lacuna-dlq-truncated" in letters["many"].headers
    assert letters[""].headers[""] == b"no name"
