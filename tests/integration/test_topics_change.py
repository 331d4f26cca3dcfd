# SPDX-License-Identifier: Apache-2.0
"""Topics that are changed while workers read and write them."""

import json
import re
import time

import pytest
from harness import wait_until
from harness.flow import check_topics, requests
from harness.records import decode


def _ids(count, start=0):
    return {r["request_id"] for r in requests(count, start)}


def _routed(lacuna):
    return [decode("Routing", m.value)["request_id"]
            for m in lacuna.kafka.read(lacuna.topic("routing"))]


def _wait(lacuna, worker, count, what):
    wait_until(lambda: len(set(_routed(lacuna))) >= count, timeout=60, what=what, alive=[worker], every=0.5)


def _put(lacuna, count, start):
    """`count` requests in each of two partitions; how many there are then."""
    for partition in range(2):
        some = [json.dumps(r).encode() for r in requests(count, start)]
        lacuna.kafka.produce(lacuna.topic("requests"), some, partition=partition)
        start += count
    return start


def _read_anew(worker):
    """The partitions of which it says so."""
    return set(re.findall(r"event=topic_read_anew .* partition=(\d+)", worker.log()))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("delivery", ["exactly-once", pytest.param("at-least-once", marks=pytest.mark.long)])
def test_a_request_topic_that_is_made_anew_and_shorter_is_read_from_its_start(lacuna, delivery):
    kafka, topic = lacuna.kafka, lacuna.topic("requests")
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify(classify__delivery=delivery)
    count = _put(lacuna, 300, 0)
    _wait(lacuna, worker, count, "the first requests")
    kafka.delete_topic(topic)
    kafka.create_topics(lacuna.prefix, {"*": 2}, only={"requests"})
    count = _put(lacuna, 100, count)
    _wait(lacuna, worker, count, "the requests of the new topic")
    count = _put(lacuna, 500, count)
    _wait(lacuna, worker, count, "what came later")
    check_topics(lacuna, _ids(count))
    assert _read_anew(worker) == {"0", "1"}


@pytest.mark.timeout(120)
def test_a_request_topic_that_is_made_anew_while_no_worker_runs_is_read_from_its_start(lacuna):
    """However long it is by then: the broker forgets the group's offsets with the topic."""
    kafka, topic = lacuna.kafka, lacuna.topic("requests")
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify()
    count = _put(lacuna, 100, 0)
    _wait(lacuna, worker, count, "the first requests")
    assert worker.stop() == 0
    kafka.delete_topic(topic)
    kafka.create_topics(lacuna.prefix, {"*": 2}, only={"requests"})
    count = _put(lacuna, 300, count)
    worker = lacuna.classify("classify-1")
    _wait(lacuna, worker, count, "the requests of the new topic")
    check_topics(lacuna, _ids(count))


@pytest.mark.timeout(180)
def test_partitions_that_are_added_under_load_lose_and_double_nothing(lacuna):
    kafka, topic = lacuna.kafka, lacuna.topic("requests")
    kafka.create_topics(lacuna.prefix, {"*": 2})
    quick = {"kafka__properties": "topic.metadata.refresh.interval.ms=1000"}
    workers = [lacuna.classify(f"classify-{i}", classify__batch_count=64, **quick) for i in range(2)]
    lacuna.publish(requests(10_000))
    kafka.add_partitions(topic, 5)
    for lot in range(5):
        lacuna.publish(requests(2000, start=10_000 + 2000 * lot))
    wait_until(lambda: len(_routed(lacuna)) >= 20_000, timeout=90, what="all requests",
               alive=workers, every=0.5)
    check_topics(lacuna, _ids(20_000))
    assert set(kafka.committed(lacuna.group(), topic)) == set(range(5))
    assert min(kafka.committed(lacuna.group(), topic).values()) > 0


@pytest.mark.timeout(180)
@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
@pytest.mark.parametrize("more", [False, True], ids=["nothing more", "more"])
def test_a_request_topic_that_is_made_anew_and_longer_is_read_from_its_start(lacuna, delivery, more):
    """By the time that a worker looks, the new topic has an offset as high as it had reached.

    It looks before it commits: what an at-least-once lane has written by then it writes again.
    """
    kafka, topic = lacuna.kafka, lacuna.topic("requests")
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify(classify__delivery=delivery)
    count = _put(lacuna, 20, 0)
    _wait(lacuna, worker, count, "the first requests")
    # Until a lane has seen that the group has offsets, it can't miss them.
    until = time.monotonic() + 3
    wait_until(lambda: time.monotonic() > until, alive=[worker])
    worker.pause()
    kafka.delete_topic(topic)
    kafka.create_topics(lacuna.prefix, {"*": 2}, only={"requests"})
    count = _put(lacuna, 500, count)
    worker.resume()
    if more:
        count = _put(lacuna, 10, count)
    _wait(lacuna, worker, count, "the requests of the new topic")
    check_topics(lacuna, _ids(count), repeats=delivery == "at-least-once")
    assert _read_anew(worker) == {"0", "1"}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("down", [False, True], ids=["under it", "while it is away"])
def test_a_sink_stops_at_a_lineage_topic_that_was_made_anew_and_is_longer(lacuna, down):
    """Its position is in the database, where nobody can tell which of the two it belongs to."""
    kafka, topic = lacuna.kafka, lacuna.topic("lineage")
    kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.migrate()
    worker, sink = lacuna.classify(), lacuna.sink()
    lacuna.publish(requests(20))
    wait_until(lambda: lacuna.postgres.value("select count(*) from decisions") == 20,
               what="the first rows", alive=[worker, sink])
    assert worker.stop() == 0
    until = time.monotonic() + 3
    wait_until(lambda: time.monotonic() > until, alive=[sink])
    if down:
        assert sink.stop() == 0
    else:
        sink.pause()
    kafka.delete_topic(topic)
    kafka.create_topics(lacuna.prefix, {"*": 1}, only={"lineage"})
    producer = kafka.producer()
    for i in range(100):  # a minute ahead, instead of a test that takes one
        producer.produce(topic, value=b"%d" % i, timestamp=int(time.time() * 1000) + 60_000)
    assert producer.flush(60) == 0
    sink.expected_to_die = True
    if down:
        sink.start()
    else:
        sink.resume()
    assert sink.wait(60) != 0
    assert "the topic was recreated" in sink.log() and "DELETE FROM sink_offset" in sink.log()
    lacuna.postgres.query("delete from sink_offset returning 1")
    sink.start().ready()  # as it said; what is in there is no decision, and ends as dead letters
    wait_until(lambda: {m.headers["lacuna-dlq-offset"] for m in
                        kafka.read(lacuna.topic("deadletter"))} == {b"%d" % i for i in range(100)},
               what="all of the new topic to be read", alive=[sink])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["requests.interactive", "replies"])
def test_a_bridge_goes_on_with_topics_that_are_made_anew(lacuna, name):
    kafka = lacuna.kafka
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker, bridge = lacuna.classify(), lacuna.bridge(bridge__deadline_ms=2000)
    for _ in range(5):
        assert lacuna.classify_http(bridge, {"query": "before"})[0] == 200
    kafka.delete_topic(lacuna.topic(name))
    kafka.create_topics(lacuna.prefix, {"*": 2}, only={name})
    wait_until(lambda: lacuna.classify_http(bridge, {"query": "after"})[0] == 200, timeout=60,
               what="an answer over the new topic", alive=[worker, bridge], every=0.2)
    for _ in range(5):
        assert lacuna.classify_http(bridge, {"query": "after"})[0] == 200
