# SPDX-License-Identifier: Apache-2.0
"""Reading to a topic's end takes as long as it takes: a broker that is slow is not one that has no
more, and one that falls silent is an error."""

import json

import pytest
from harness import Act, Api, Fault, Proxy

RECORDS = 30


@pytest.fixture(name="slow")
def _slow(stack, new_kafka, postgres):
    """A stack whose tools read through a proxy, with dead letters and a way to hold what is read."""
    proxy = Proxy()
    kafka = new_kafka(proxy=proxy)
    lacuna = stack(kafka=kafka, postgres=postgres)
    kafka.create_topics(lacuna.prefix, {"*": 1})
    for name in ("requests", "deadletter"):
        producer = kafka.producer()
        for i in range(RECORDS):
            producer.produce(lacuna.topic(name), json.dumps({"text": f"number {i}"}))
        assert producer.flush(30) == 0
    lacuna.conf["kafka.bootstrap_servers"] = proxy.bootstrap
    yield lacuna, proxy
    proxy.close()


TAIL = ("tail", "requests", "--from", "beginning", "--no-follow")


def test_a_slow_answer_is_waited_for(slow):
    lacuna, proxy = slow
    for command in TAIL, ("deadletter", "list", "--json"):
        fault = proxy.arm(Fault(Api.FETCH, Act.HOLD, hold=3))
        done = lacuna.tool(*command)
        assert len(done.stdout.splitlines()) == RECORDS and fault.happened.is_set(), command


def test_silence_is_not_the_end(slow):
    lacuna, proxy = slow
    proxy.arm(Fault(Api.FETCH, Act.HOLD, hold=60))
    done = lacuna.tool(*TAIL, check=False)
    assert done.returncode == 3 and "the end was not reached" in done.stderr, done.stderr
    assert not done.stdout
