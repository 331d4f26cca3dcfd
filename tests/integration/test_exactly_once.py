# SPDX-License-Identifier: Apache-2.0
"""100,000 requests through publish, two exactly-once workers and the sink, with everything that can
go wrong on the way: each has one routing record, one lineage record and one row in the end.

The faults are placed, not hoped for: a fault point of the test build kills or freezes the process
itself, and the test asserts that it did, where it did, and that the frozen one came back to life.
"""

import json
import re
import signal
import time
from itertools import islice

import pytest
from harness import Process, wait_until
from harness.flow import check_rows, check_topics, requests
from harness.paths import BIN
from harness.program import clean_env, conf_env

COUNT = 100_000
IN_TRANSACTION = "lane.in_transaction"  # records and offsets are sent and not committed
IN_COPY = "sink.in_copy"  # rows are sent, the COPY is not ended

# A lane commits often, so that faults find an open transaction and there is much to go wrong.
SLOW = {"classify__batch_count": 256, "classify__commit_interval_ms": 20,
        "kafka__session_timeout_ms": 6000, "kafka__transaction_timeout_ms": 10000}


def _publish(lacuna, path, start, count) -> Process:
    """`lacuna publish` as a person runs it, in the background."""
    with open(path, "w", encoding="utf-8") as f:
        for request in requests(count, start):
            f.write(json.dumps(request) + "\n")
    conf = lacuna.conf | {"state.dir": lacuna.folder / "publish" / "state"}
    (lacuna.folder / "publish").mkdir(exist_ok=True)
    return Process(f"publish-{start}", [BIN / "lacuna", "publish", path],
                   lacuna.folder / "publish" / f"{start}.log",
                   env=clean_env(lacuna.folder / "publish") | conf_env(conf),
                   cwd=lacuna.folder).start()


def _feed(producer, topic, source, count) -> int:
    """Up to `count` more requests, as publish writes them; how many there were."""
    some = list(islice(source, count))
    for request in some:
        producer.produce(topic, json.dumps(request), headers={"content-type": "application/json"})
        producer.poll(0)
    return len(some)


def _rows(lacuna) -> int:
    return lacuna.postgres.value("select count(*) from decisions")


@pytest.mark.timeout(300)
def test_100000_requests_are_decided_once_through_kills_a_zombie_and_a_broken_copy(lacuna):
    kafka = lacuna.kafka
    kafka.create_topics(lacuna.prefix, {"requests": 8, "routing": 4, "lineage": 4, "*": 2})
    lacuna.migrate()
    topic = lacuna.topic("requests")

    # Half of the work is there when two workers begin. One dies inside its second transaction, the
    # other freezes inside its third: early enough that a fast machine is not through before.
    first = _publish(lacuna, lacuna.folder / "a.jsonl", 0, COUNT // 2)
    assert first.wait(120) == 0, first.log_tail()
    killed = lacuna.classify("worker-0", fault=f"{IN_TRANSACTION}:kill:2", ready=False, **SLOW)
    zombie = lacuna.classify("worker-1", fault=f"{IN_TRANSACTION}:stop:3", ready=False, **SLOW)
    assert killed.wait(60) == -signal.SIGKILL, killed.log_tail()
    assert killed.faults_hit() == [IN_TRANSACTION]
    wait_until(lambda: zombie.state() == "T", timeout=60, what="the second worker to freeze")
    assert zombie.faults_hit() == [IN_TRANSACTION]

    # Killed in mid-transaction means: readers who ask for it see records that were never committed.
    done = len(kafka.read(lacuna.topic("lineage")))
    assert len(kafka.read(lacuna.topic("lineage"), committed=False)) > done
    assert done < COUNT // 2, "the faults came too late to matter"

    # The sink dies inside a COPY; its successor goes on where the table says.
    copying = lacuna.sink("sink-0", fault=f"{IN_COPY}:kill:2", ready=False, sink__batch_rows=500)
    # The killed worker's successor under its own name, and one more; the rest of the work comes in.
    successor = lacuna.classify("worker-0", **SLOW)
    second = _publish(lacuna, lacuna.folder / "b.jsonl", COUNT // 2, COUNT // 4)
    leaver = lacuna.classify("worker-2", **SLOW)
    assert copying.wait(90) == -signal.SIGKILL, copying.log_tail()
    assert copying.faults_hit() == [IN_COPY]
    assert _rows(lacuna) < COUNT
    sink = lacuna.sink("sink-0", sink__batch_rows=2000)
    assert second.wait(120) == 0, second.log_tail()

    # The zombie's session ends, the others take its partitions over and go past where it stopped.
    wait_until(lambda: min(kafka.committed(lacuna.group(), topic).values()) > 0
               and sum(kafka.committed(lacuna.group(), topic).values()) >= COUNT // 2,
               timeout=60, what="the zombie's partitions to move on", alive=[successor, leaver],
               every=0.2)

    # Now it wakes up in the middle of its old transaction, while new work comes in and another
    # worker is asked to leave. The work trickles as long as it takes: however fast the workers
    # are, there is something left when the one leaves.
    rest = iter(requests(COUNT // 4, COUNT * 3 // 4))
    producer = kafka.producer()
    _feed(producer, topic, rest, 5000)
    zombie.resume()
    wait_until(lambda: sum(kafka.committed(lacuna.group(), topic).values()) > COUNT * 3 // 4,
               what="the last quarter to begin", alive=[successor, leaver], every=0.05)
    asked = time.monotonic()
    leaver.send_signal(signal.SIGTERM)
    while leaver.running and time.monotonic() - asked < 25:
        assert _feed(producer, topic, rest, 5), "nothing was left to do for the one that leaves"
        time.sleep(0.01)
    assert leaver.wait(1) == 0, leaver.log_tail()
    assert sum(kafka.committed(lacuna.group(), topic).values()) < COUNT
    _feed(producer, topic, rest, COUNT)
    assert producer.flush(60) == 0

    wait_until(lambda: _rows(lacuna) >= COUNT, timeout=120, what="all rows",
               alive=[successor, zombie, sink], every=0.2)
    assert zombie.running and zombie.state() != "T"
    assert "lost=true" in zombie.log() and "fenced" in zombie.log(), \
        "the zombie did not notice that it was one\n" + zombie.log_tail()

    lineage = check_topics(lacuna, (f"r{i}" for i in range(COUNT)))
    check_rows(lacuna, lineage)
    uncommitted = kafka.read(lacuna.topic("lineage"), committed=False)
    assert len(uncommitted) > COUNT, "no transaction was aborted: the faults hit nothing"
    assert kafka.read(lacuna.topic("deadletter")) == []
    committed = kafka.committed(lacuna.group(), topic)
    assert sum(committed.values()) == COUNT


def _assigned(worker) -> int:
    """How often the first of the worker's lanes was given partitions."""
    return len(re.findall(r"event=partitions_assigned lane=\S+-classify-\w+-\d-0 ", worker.log()))


@pytest.mark.timeout(120)
def test_an_open_transaction_holds_its_partitions_back_through_rebalances(lacuna):
    """Whoever takes over from a member that froze inside a transaction has to wait for that one's
    end, also where the group rebalances once more meanwhile. (librdkafka forgets to, then.)"""
    kafka, count = lacuna.kafka, 4000
    kafka.create_topics(lacuna.prefix, {"requests": 8, "*": 2})
    topic = lacuna.topic("requests")
    lacuna.publish(list(requests(count)))
    slow = SLOW | {"classify__batch_count": 64, "kafka__transaction_timeout_ms": 60000}

    frozen = lacuna.classify("worker-0", fault=f"{IN_TRANSACTION}:stop:3", ready=False, **slow)
    wait_until(lambda: frozen.state() == "T", timeout=60, what="the worker to freeze")
    first = lacuna.classify("worker-1", ready=False, **slow)
    wait_until(lambda: _assigned(first) == 1, timeout=60, what="the first to take over")
    second = lacuna.classify("worker-2", ready=False, **slow)
    wait_until(lambda: _assigned(second) == 1 and _assigned(first) == 2, timeout=60,
               what="the second to get its share", alive=[first, second])
    # What is free is worked on; the transaction is still open, and somebody waits for it.
    wait_until(lambda: "hold them back" in first.log() + second.log(), what="somebody to wait",
               alive=[first, second])
    frozen.kill()
    lacuna.classify("worker-0", **slow)  # its first act is to end what its predecessor left open

    # A partition that nothing was sent to has no offset (a negative one).
    wait_until(lambda: sum(max(at, 0) for at in kafka.committed(lacuna.group(), topic).values())
               >= count, timeout=60, what="all requests", alive=[first, second], every=0.2)
    check_topics(lacuna, (f"r{i}" for i in range(count)))
    assert len(kafka.read(lacuna.topic("lineage"), committed=False)) > count
