# SPDX-License-Identifier: Apache-2.0
"""Connections between a worker and its broker break in the middle of transactions, at each request
that a transaction is made of: nothing is lost, nothing is there twice, each request has one row.

A proxy breaks them, and knows that it did. In another order, or again and again:
LACUNA_TEST_SEED=7 LACUNA_TEST_CONNECTIONS=20 pytest -k connections
"""

import json
import os
import random
from collections import Counter
from itertools import islice

import pytest
from harness import Act, Api, Fault, Proxy, wait_until
from harness.flow import check_rows, check_topics, requests

SEED = int(os.environ.get("LACUNA_TEST_SEED", "1"))
ROUNDS = int(os.environ.get("LACUNA_TEST_CONNECTIONS", "1"))

TRANSACTION = (Api.PRODUCE, Api.ADD_PARTITIONS_TO_TXN, Api.ADD_OFFSETS_TO_TXN,
               Api.TXN_OFFSET_COMMIT, Api.END_TXN)
BATCH = 32


def _plan():
    """Every request of a transaction with everything that can become of it, in a seeded order."""
    order = random.Random(SEED)
    for _ in range(ROUNDS):
        faults = [(api, act) for api in TRANSACTION for act in Act if act != Act.LEFT_BEHIND]
        faults += [(Api.PRODUCE, Act.LEFT_BEHIND)] * 2
        order.shuffle(faults)
        yield from faults


@pytest.fixture
def proxy():
    made = Proxy()
    yield made
    made.close()


class _Source:
    """Requests as they come in, and how many there were."""

    def __init__(self, lacuna):
        self.producer = lacuna.kafka.producer()
        self.topic = lacuna.topic("requests")
        self.requests = requests(10**9)
        self.count = 0

    def feed(self, count):
        for request in islice(self.requests, count):
            self.producer.produce(self.topic, json.dumps(request))
            self.count += 1
        assert self.producer.flush(30) == 0

    def until(self, fault, alive):
        """Work comes in until the fault has happened, or there would be no transactions. Whole
        batches for what is left behind: only as many records as before are taken for them."""
        def happened():
            self.feed(4 * BATCH if fault.act == Act.LEFT_BEHIND else 8)
            return fault.happened.is_set()

        wait_until(happened, what=f"{fault} (seed {SEED})", alive=[alive])


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_connections_that_break_inside_transactions_neither_lose_nor_double(
        stack, new_kafka, postgres, proxy):
    kafka = new_kafka(proxy=proxy)
    lacuna = stack(kafka=kafka, postgres=postgres)
    kafka.create_topics(lacuna.prefix, {"requests": 2, "*": 1})
    lacuna.migrate()
    lacuna.sink()
    # Each batch is a transaction, and who lost a connection is soon back.
    worker = lacuna.classify(
        kafka__bootstrap_servers=proxy.bootstrap, classify__batch_count=BATCH,
        classify__commit_interval_ms=1, kafka__properties="reconnect.backoff.max.ms=200")
    source = _Source(lacuna)
    plan = list(_plan())
    for api, act in plan:
        fault = proxy.arm(Fault(api, act))
        source.until(fault, alive=worker)
        # What arrives late must not count any more; records that are in the log already don't.
        if act == Act.LATE and api != Api.PRODUCE:
            assert fault.refused(), f"{fault} was taken: {fault.answer.hex()}"
    assert proxy.hits == Counter(plan)

    wait_until(lambda: lacuna.postgres.value("select count(*) from decisions") >= source.count,
               timeout=60, what="all rows", alive=lacuna.programs, every=0.1)
    check_rows(lacuna, check_topics(lacuna, (f"r{i}" for i in range(source.count))))
    assert kafka.read(lacuna.topic("deadletter")) == []
    wait_until(lambda: sum(kafka.committed(lacuna.group(), source.topic).values()) == source.count,
               what="the position behind all of them")
