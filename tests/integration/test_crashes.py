# SPDX-License-Identifier: Apache-2.0
"""Records that end the process: each is left alone at its third attempt, and no other is."""

import json

import pytest
from harness import wait_until
from harness.records import decode

KEY = "crash-here"


def _put(lacuna, *bad, count=20, partition=0):
    """`count` requests in a row, those numbered in `bad` with the key that ends a worker."""
    producer = lacuna.kafka.producer()
    for i in range(count):
        producer.produce(lacuna.topic("requests"), json.dumps({"text": f"request {i}"}).encode(),
                         key=KEY if i in bad else f"k{i}", partition=partition)
    assert producer.flush(30) == 0


def _worker(lacuna, instance, **conf):
    worker = lacuna.program("lacuna-classify", instance, **conf)
    worker.extra_env["LACUNA_FAULT_CRASH_KEY"] = KEY
    worker.expected_to_die = True
    return worker


def _letters(lacuna):
    return lacuna.kafka.read(lacuna.topic("deadletter"))


def _run_to_the_end(lacuna, workers, letters):
    """Starts whoever has crashed, as an init system does, until all letters are there: crashes."""
    crashes = [0] * len(workers)

    def ended():
        for i, worker in enumerate(workers):
            if not worker.running:
                crashes[i] += worker.popen is not None
                assert crashes[i] < 20, worker.log_tail()
                worker.start()
        return len(_letters(lacuna)) >= letters

    wait_until(ended, timeout=100, what=f"{letters} dead letters", every=0.1)
    return crashes


def _check(lacuna, count, *bad):
    routing = lacuna.kafka.wait_for(lacuna.topic("routing"), count - len(bad))
    events = [decode("Routing", m.value)["event_id"] for m in routing]
    assert len(set(events)) == len(events) == count - len(bad)
    letters = _letters(lacuna)
    assert sorted(int(m.headers["lacuna-dlq-offset"]) for m in letters) == sorted(bad)
    assert {m.headers["lacuna-dlq-reason"] for m in letters} == {b"crash"}
    for m in letters:
        at = int(m.headers["lacuna-dlq-offset"])
        assert m.key == KEY.encode() and json.loads(m.value) == {"text": f"request {at}"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("bad", [(3, 4), pytest.param((2, 9, 16), marks=pytest.mark.long)], ids=str)
def test_each_bad_record_of_a_batch_is_found(lacuna, bad):
    """The first crash accuses all of the batch; then each of the bad ones crashes once more."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    _put(lacuna, *bad)
    worker = _worker(lacuna, "classify-0", classify__lanes=1)
    [crashes] = _run_to_the_end(lacuna, [worker], len(bad))
    _check(lacuna, 20, *bad)
    assert crashes == 1 + len(bad)


@pytest.mark.timeout(120)
def test_a_bad_record_among_those_of_many_partitions_is_found(lacuna):
    """However many partitions a batch has records of: what is not watched would not be found."""
    many = 200
    lacuna.kafka.create_topics(lacuna.prefix, {"requests": many, "*": 1})
    producer = lacuna.kafka.producer()
    for partition in range(many):
        producer.produce(lacuna.topic("requests"), b'{"text": "request 0"}', partition=partition,
                         key=KEY if partition % 70 == 69 else "k")
    assert producer.flush(30) == 0
    worker = _worker(lacuna, "classify-0", classify__lanes=1, classify__batch_age_ms=2000)
    [crashes] = _run_to_the_end(lacuna, [worker], 2)
    routing = lacuna.kafka.wait_for(lacuna.topic("routing"), many - 2)
    assert len({decode("Routing", m.value)["event_id"] for m in routing}) == len(routing) == many - 2
    assert {(m.headers["lacuna-dlq-partition"], m.headers["lacuna-dlq-reason"])
            for m in _letters(lacuna)} == {(b"69", b"crash"), (b"139", b"crash")}
    assert crashes <= 4  # two for each, at most


@pytest.mark.timeout(120)
def test_a_bad_record_that_goes_from_worker_to_worker_is_found(lacuna):
    """What one worker suspects is its own knowledge: each may crash twice, none a third time."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    _put(lacuna, 5)
    workers = [_worker(lacuna, f"classify-{i}", classify__lanes=1, kafka__session_timeout_ms=6000)
               for i in range(2)]
    crashes = _run_to_the_end(lacuna, workers, 1)
    _check(lacuna, 20, 5)
    assert max(crashes) == 2, crashes
