# SPDX-License-Identifier: Apache-2.0
"""The lag that operators scale by is 0 exactly when nothing waits, on topics whose logs end in
something that nobody can read: marks of transactions, and what was aborted."""

import json
import re

import pytest
from harness import wait_until
from harness.flow import requests

COUNT = 200
SERIES = re.compile(r'lacuna_lane_lag_records\{.*topic="([^"]+)",partition="(\d+)"\}')


def _lag(program, topic) -> dict[int, float]:
    """{partition: lag} as its page has it."""
    found = ((SERIES.match(name), value) for name, value in program.metrics().items())
    return {int(m[2]): value for m, value in found if m and m[1] == topic}


def _wait_for(check, what, *programs):
    wait_until(check, timeout=40, what=what, alive=programs, every=0.1)


def _write(lacuna, some, partition, commit):
    """Requests in one transaction, as an application may write them."""
    producer = lacuna.kafka.producer(**{"transactional.id": f"{lacuna.prefix}app"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for request in some:
        producer.produce(lacuna.topic("requests"), json.dumps(request), partition=partition,
                         headers={"content-type": "application/json"})
    assert producer.flush(30) == 0
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def _rows(lacuna) -> int:
    return lacuna.postgres.value("select count(*) from decisions")


@pytest.mark.timeout(180)
def test_the_lag_is_0_when_nothing_waits_and_only_then(lacuna):
    kafka = lacuna.kafka
    kafka.create_topics(lacuna.prefix, {"requests": 4, "*": 2})
    lacuna.migrate()
    inputs, lineage = lacuna.topic("requests"), lacuna.topic("lineage")

    # What ends in a mark, in an aborted record, in nothing but these, and what is empty.
    _write(lacuna, requests(COUNT), 0, commit=True)
    _write(lacuna, requests(COUNT, COUNT), 1, commit=True)
    _write(lacuna, requests(5, tag="gone"), 1, commit=False)
    _write(lacuna, requests(5, tag="gone"), 2, commit=False)
    worker = lacuna.classify(classify__lanes=1)
    sink = lacuna.sink()
    nothing = dict.fromkeys(range(4), 0)
    _wait_for(lambda: _lag(worker, inputs) == nothing, "the worker to be up to date", worker)
    _wait_for(lambda: _lag(sink, lineage) == {0: 0, 1: 0}, "the sink to be up to date", sink)
    assert _rows(lacuna) == 2 * COUNT
    # Which is not what the offsets say: the sink's log, too, ends in marks.
    assert sum(kafka.committed(lacuna.group(), inputs).values()) < kafka.count(inputs)
    assert sum(kafka.committed(lacuna.group("lacuna-sink"), lineage).values()) < kafka.count(lineage)

    # A second worker: the partitions are shared out anew, and nobody reads a record there.
    other = lacuna.classify("classify-1", classify__lanes=1)
    _wait_for(lambda: len(_lag(worker, inputs)) == len(_lag(other, inputs)) == 2,
              "the partitions to be shared", worker, other)
    _wait_for(lambda: _lag(worker, inputs) | _lag(other, inputs) == nothing,
              "both to be up to date", worker, other)

    # The database is away: what is decided meanwhile waits, and is seen to wait.
    lacuna.postgres.stop()
    _write(lacuna, requests(COUNT, 2 * COUNT), 3, commit=True)
    _wait_for(lambda: sum(_lag(sink, lineage).values()) >= COUNT, "the sink's lag to grow", sink)
    _wait_for(lambda: _lag(worker, inputs) | _lag(other, inputs) == nothing,
              "the workers to be up to date", worker, other)
    lacuna.postgres.start()
    _wait_for(lambda: _lag(sink, lineage) == {0: 0, 1: 0}, "the sink to catch up", sink)
    assert _rows(lacuna) == 3 * COUNT
