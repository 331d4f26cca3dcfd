# SPDX-License-Identifier: Apache-2.0
"""A machine whose wall clock is wrong: what it stamps may be refused, late or early, but nothing is
given up, lost, doubled or let through because of it, and somebody is told."""

import json
import re
import time

import pytest
from harness import wait_until
from harness.clock import DAY, HOUR, WrongClock
from harness.flow import check_rows, check_topics, requests
from harness.program import http

CLOCK = "this machine's clock is wrong"


def _rows(lacuna):
    return lacuna.postgres.value("select count(*) from decisions")


def _ids(count):
    return {r["request_id"] for r in requests(count)}


def _page(program):
    status, _, body = http("GET", f"http://127.0.0.1:{program.page}/health/ready")
    return status, body.decode()


def _worker(lacuna, ahead, **conf):
    worker = lacuna.program("lacuna-classify", "classify-0", **conf)
    clock = WrongClock(worker, ahead)
    worker.start()
    return worker, clock


@pytest.mark.timeout(180)
@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_a_worker_whose_clock_is_far_ahead_gives_no_request_up(lacuna, delivery):
    """Brokers refuse what it writes. It must not take that for the fault of each request."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    lacuna.sink()
    worker, clock = _worker(lacuna, 2 * HOUR, classify__delivery=delivery)
    worker.ready()
    bridge = lacuna.bridge(bridge__deadline_ms=1000)
    lacuna.publish(requests(100))
    wait_until(lambda: CLOCK in _page(worker)[1], what="the worker to say what is wrong",
               alive=[worker])
    status, _, answer = lacuna.classify_http(bridge, {"query": "is it later here?"})
    assert status == 504 and "tier" not in answer
    assert _page(worker)[0] == 503 and CLOCK in worker.log()
    assert not lacuna.kafka.read(lacuna.topic("deadletter"))
    clock.set(0)
    wait_until(lambda: _rows(lacuna) >= 101, timeout=60, what="all decisions", alive=[worker])
    assert not lacuna.kafka.read(lacuna.topic("deadletter"))
    wait_until(lambda: _page(worker)[0] == 200, what="the worker to be well", alive=[worker])
    assert lacuna.classify_http(bridge, {"query": "and now?"})[0] == 200
    seen = lacuna.postgres.query(
        "select request_id, count(*) from decisions where request_id like 'r%%' group by 1")
    assert {r for r, _ in seen} == _ids(100)
    assert all(n == 1 for _, n in seen)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("ahead", [-2 * HOUR, -9000 * DAY], ids=["2 h", "25 years"])
def test_a_worker_whose_clock_is_behind_decides(lacuna, ahead):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    lacuna.sink()
    worker, _ = _worker(lacuna, ahead)
    worker.ready()
    lacuna.publish(requests(100))
    wait_until(lambda: _rows(lacuna) >= 100, timeout=60, what="all decisions", alive=[worker])
    check_rows(lacuna, check_topics(lacuna, _ids(100)))
    bridge = lacuna.bridge()
    assert lacuna.classify_http(bridge, {"query": "is it earlier here?"})[0] == 200


@pytest.mark.timeout(120)
@pytest.mark.parametrize("ahead", [2 * HOUR, -9000 * DAY], ids=["ahead", "25 years behind"])
def test_in_topics_of_our_own_the_brokers_clock_counts(lacuna, ahead):
    """Nothing is refused for the worker's clock there, and nothing thrown away."""
    lacuna.tool("topics", "create")
    lacuna.migrate()
    lacuna.sink()
    worker, _ = _worker(lacuna, ahead)
    worker.ready()
    lacuna.publish([*requests(50), {"text": 7}])
    wait_until(lambda: _rows(lacuna) >= 50, timeout=60, what="all decisions", alive=[worker])
    for topic, count in (("routing", 50), ("lineage", 50), ("deadletter", 1)):
        got = lacuna.kafka.wait_for(lacuna.topic(topic), count)
        assert all(abs(m.timestamp / 1000 - time.time()) < 100 for m in got), topic
    bridge = lacuna.bridge()
    assert lacuna.classify_http(bridge, {"query": "what is the time?"})[0] == 200


@pytest.mark.timeout(240)
@pytest.mark.parametrize("steps", [(-3 * HOUR, 0), (HOUR / 2, 0)],
                         ids=["back and right again", "ahead and right again"])
def test_clocks_that_are_set_while_all_run_stop_nobody(lacuna, steps):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    programs = [lacuna.program("lacuna-classify", "classify-0"),
                lacuna.program("lacuna-sink", "sink-0"),
                lacuna.program("lacuna-bridge", "bridge-0", page_key="bridge.listen")]
    clocks = [WrongClock(program) for program in programs]
    for program in programs:
        program.start().ready()
    bridge, count = programs[2], 200
    lacuna.publish(requests(count))
    wait_until(lambda: _rows(lacuna) >= count, timeout=60, what="the flow", alive=programs)
    asked = 0
    for ahead in steps:
        for clock in clocks:
            clock.set(ahead)
        # Longer than a session with the group, in which nobody asks for anything.
        until = time.monotonic() + 10
        wait_until(lambda t=until: time.monotonic() > t, timeout=30, alive=programs)
        lacuna.publish(requests(200, start=count))
        count += 200
        for _ in range(3):
            began = time.monotonic()
            assert lacuna.classify_http(bridge, {"query": "is it late?"})[0] == 200
            assert time.monotonic() - began < 5
            asked += 1
        wait_until(lambda n=count + asked: _rows(lacuna) >= n, timeout=30, what="all rows",
                   alive=programs)
    seen = lacuna.postgres.query(
        "select request_id, count(*) from decisions where request_id like 'r%%' group by 1")
    assert {r for r, _ in seen} == _ids(count)
    assert all(n == 1 for _, n in seen)
    for program in programs:
        assert "poll_failed" not in program.log() and "lost=true" not in program.log()
        assert _page(program)[0] == 200


@pytest.mark.timeout(120)
def test_a_publisher_whose_clock_is_far_ahead_stops_and_goes_on_later(lacuna):
    """No record is bad for it, none is skipped by the journal, none is sent twice."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    data = lacuna.folder / "data.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in requests(50)))
    publisher = lacuna.program("lacuna-publish", "publish-0")
    publisher.args += [str(data)]
    publisher.expected_to_die = True
    clock = WrongClock(publisher, 2 * HOUR)
    publisher.start()
    assert publisher.wait(60) != 0
    assert CLOCK in publisher.log()
    assert not lacuna.kafka.read(lacuna.topic("requests"))
    clock.set(0)
    publisher.start()
    assert publisher.wait(60) == 0, publisher.log()
    got = [json.loads(m.value)["request_id"] if m.value[:1] == b"{" else m.headers["ce_id"].decode()
           for m in lacuna.kafka.read(lacuna.topic("requests"))]
    assert sorted(got) == sorted(_ids(50))


@pytest.mark.timeout(120)
def test_a_bridge_whose_clock_is_far_ahead_says_so(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.classify()
    bridge = lacuna.program("lacuna-bridge", "bridge-0", page_key="bridge.listen")
    clock = WrongClock(bridge, 2 * HOUR)
    bridge.start().ready()
    status, _, answer = lacuna.classify_http(bridge, {"query": "is it later here?"})
    assert status == 503 and "tier" not in answer
    assert CLOCK in bridge.log()
    clock.set(0)
    assert lacuna.classify_http(bridge, {"query": "and now?"})[0] == 200


@pytest.mark.timeout(120)
def test_a_dead_letter_does_not_die_of_the_age_of_its_record(stack, new_kafka):
    """A client's clock says 2001: what it sent is kept as long as other dead letters are."""
    kafka = new_kafka(properties={"log.retention.check.interval.ms": 500,
                                  "log.initial.task.delay.ms": 500})
    lacuna = stack(kafka=kafka)
    kafka.create_topics(lacuna.prefix, {"*": 1})
    kafka.configure(lacuna.topic("requests"), "retention.ms", "-1")
    worker = lacuna.classify()
    producer = kafka.producer()
    producer.produce(lacuna.topic("requests"), value=b"\x00no record", timestamp=1_000_000_000_000)
    assert producer.flush(30) == 0
    letters = kafka.wait_for(lacuna.topic("deadletter"), 1, alive=[worker])
    assert letters[0].headers["lacuna-dlq-timestamp"] == b"1000000000000"
    until = time.monotonic() + 5
    wait_until(lambda: time.monotonic() > until, alive=[worker])
    assert len(kafka.read(lacuna.topic("deadletter"))) == 1


@pytest.mark.timeout(120)
def test_a_pack_whose_time_is_over_is_refused_by_a_clock_that_is_behind(lacuna):
    """What was pushed after its end says that it is over, if the worker's own clock doesn't."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    keys = lacuna.folder / "keys"
    lacuna.tool("pack", "keygen", keys)
    signers = {"pack__signers": keys / "pack.pub"}

    def push(version, *options):
        folder = lacuna.folder / f"pack-{version}"
        (folder / "terms").mkdir(parents=True)
        (folder / "pack.yaml").write_text(f"name: ours\nversion: {version}\nbase: builtin\n")
        (folder / "terms" / "proprietary_terms.yaml").write_text(f"customers: [zyx{version}]\n")
        lacuna.tool("pack", "push", folder, "--key", keys / "pack.key", *options, **signers)

    push(1, "--expires", "2s")
    until = time.monotonic() + 3
    wait_until(lambda: time.monotonic() > until)
    push(2, "--shadow", "10")
    worker, _ = _worker(lacuna, -40 * DAY, **signers)
    worker.ready()
    wait_until(lambda: re.search(r"event=pack_refused reason=expired role=current", worker.log()),
               what="the pack to be refused", alive=[worker])
    assert "event=clock_behind seconds=34559" in worker.log()
    assert not re.search(r"event=pack_swapped role=current reason=pushed", worker.log())
    assert worker.metrics()["lacuna_clock_behind_seconds"] > 39 * DAY
