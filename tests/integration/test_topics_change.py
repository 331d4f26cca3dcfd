# SPDX-License-Identifier: Apache-2.0
"""Topics that are changed while workers read and write them."""

import json

import pytest
from harness import wait_until
from harness.flow import check_topics, requests
from harness.records import decode


def _ids(count, start=0):
    return {r["request_id"] for r in requests(count, start)}


def _routed(lacuna):
    return [decode("Routing", m.value)["request_id"]
            for m in lacuna.kafka.read(lacuna.topic("routing"))]


def _put(lacuna, count, start):
    """`count` requests in each of two partitions; how many there are then."""
    for partition in range(2):
        some = [json.dumps(r).encode() for r in requests(count, start)]
        lacuna.kafka.produce(lacuna.topic("requests"), some, partition=partition)
        start += count
    return start


@pytest.mark.timeout(180)
@pytest.mark.parametrize("delivery", ["exactly-once", pytest.param("at-least-once", marks=pytest.mark.long)])
def test_a_request_topic_that_is_made_anew_and_shorter_is_read_from_its_start(lacuna, delivery):
    kafka, topic = lacuna.kafka, lacuna.topic("requests")
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify(classify__delivery=delivery)
    count = _put(lacuna, 300, 0)
    wait_until(lambda: len(_routed(lacuna)) >= count, timeout=60, what="the first requests",
               alive=[worker])
    kafka.delete_topic(topic)
    kafka.create_topics(lacuna.prefix, {"*": 2}, only={"requests"})
    count = _put(lacuna, 100, count)
    wait_until(lambda: len(_routed(lacuna)) >= count, timeout=60, alive=[worker], every=0.5,
               what="the requests of the new topic")
    count = _put(lacuna, 500, count)
    wait_until(lambda: len(_routed(lacuna)) >= count, timeout=60, alive=[worker], every=0.5,
               what="what came later")
    check_topics(lacuna, _ids(count))
    assert worker.log().count("event=position_gone") == 2


@pytest.mark.timeout(120)
def test_a_request_topic_that_is_made_anew_while_no_worker_runs_is_read_from_its_start(lacuna):
    """However long it is by then: the broker forgets the group's offsets with the topic."""
    kafka, topic = lacuna.kafka, lacuna.topic("requests")
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify()
    count = _put(lacuna, 100, 0)
    wait_until(lambda: len(_routed(lacuna)) >= count, timeout=60, what="the first requests",
               alive=[worker])
    assert worker.stop() == 0
    kafka.delete_topic(topic)
    kafka.create_topics(lacuna.prefix, {"*": 2}, only={"requests"})
    count = _put(lacuna, 300, count)
    worker = lacuna.classify("classify-1")
    wait_until(lambda: len(_routed(lacuna)) >= count, timeout=60, alive=[worker],
               what="the requests of the new topic")
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
