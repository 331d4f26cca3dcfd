# SPDX-License-Identifier: Apache-2.0
"""What is behind Lacuna goes away and comes back: slower, never lost, never doubled, never looser."""

import json
import signal
import time

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType,
                                   ResourcePatternType, ResourceType)
from harness import free_port, wait_until
from harness.flow import check_rows, check_topics, requests
from harness.program import http


def _rows(stack):
    return stack.postgres.value("select count(*) from decisions")


@pytest.mark.timeout(240)
def test_a_broker_that_is_away_for_20_seconds_costs_only_time(stack, new_kafka, postgres):
    broker = new_kafka()
    lacuna = stack(kafka=broker, postgres=postgres)
    broker.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    lacuna.classify()
    lacuna.sink()
    bridge = lacuna.bridge(bridge__deadline_ms=2000)
    lacuna.publish(requests(3000))
    wait_until(lambda: _rows(lacuna) >= 500, what="the flow", alive=lacuna.programs)

    broker.stop()
    away = time.monotonic()
    # Whoever asks meanwhile gets an answer within the deadline, and it is not a tier.
    while time.monotonic() < away + 20:
        status, headers, answer = lacuna.classify_http(bridge, {"query": "are you there?"})
        assert status in (503, 504), answer
        assert headers["Content-Type"].startswith("application/problem+json")
        assert "tier" not in answer
    assert all(program.running for program in lacuna.programs)
    broker.start()

    lacuna.publish(requests(2000, start=3000))
    wait_until(lambda: lacuna.classify_http(bridge, {"query": "back?"})[0] == 200, timeout=60,
               what="HTTP to answer again", alive=lacuna.programs, every=0.5)
    ids = {r["request_id"] for r in requests(5000)}
    wait_until(lambda: lacuna.postgres.value(
        "select count(*) from decisions where request_id like 'r%%'") >= len(ids),
        timeout=90, what="all rows", alive=lacuna.programs, every=0.2)
    seen = lacuna.postgres.query(
        "select request_id, count(*) from decisions where request_id like 'r%%' group by 1")
    assert {r for r, _ in seen} == ids
    assert all(n == 1 for _, n in seen)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("immediate", [False, True], ids=["fast", "as a crash"])
def test_a_postgres_restart_neither_loses_nor_doubles(lacuna, immediate):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    lacuna.classify()
    sink = lacuna.sink(sink__batch_rows=200, sink__commit_interval_ms=50)
    for part in range(4):
        lacuna.publish(requests(2500, start=2500 * part))
        wait_until(lambda n=part: _rows(lacuna) > 2500 * n, what="rows", alive=[sink])
        lacuna.postgres.restart(immediate)
    wait_until(lambda: _rows(lacuna) >= 10_000, timeout=60, what="all rows", alive=[sink],
               every=0.1)
    check_rows(lacuna, check_topics(lacuna, (r["request_id"] for r in requests(10_000))))
    status, _, body = http("GET", f"http://127.0.0.1:{sink.page}/health/ready")
    assert status == 200, body


@pytest.mark.timeout(180)
@pytest.mark.parametrize("cut", ["second signal", "deadline"])
def test_a_drain_that_cannot_end_is_cut_short_like_a_crash(stack, new_kafka, postgres, cut):
    broker = new_kafka()
    lacuna = stack(kafka=broker, postgres=postgres)
    broker.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    worker = lacuna.classify("worker-0", drain__timeout_ms=60_000 if cut != "deadline" else 1500)
    worker.expected_to_die = True
    lacuna.publish(requests(2000))
    wait_until(lambda: sum(broker.committed(lacuna.group(), lacuna.topic("requests")).values()),
               what="the flow", alive=[worker])
    broker.pause()
    worker.send_signal(signal.SIGTERM)
    if cut != "deadline":
        time.sleep(1.5)
        assert worker.running, worker.log_tail()
        worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) != 0
    said = "second signal" if cut != "deadline" else "drain.timeout_ms is over"
    assert f'drain_cut_short reason="{said}"' in worker.log(), worker.log_tail()
    broker.resume()

    lacuna.classify("worker-0")
    lacuna.sink()
    wait_until(lambda: _rows(lacuna) >= 2000, timeout=60, what="all rows", every=0.2)
    check_rows(lacuna, check_topics(lacuna, (r["request_id"] for r in requests(2000))))


@pytest.mark.timeout(120)
def test_a_worker_is_not_ready_before_its_group_has_let_it_in(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    other = Consumer({"bootstrap.servers": lacuna.kafka.bootstrap, "group.id": lacuna.group(),
                      "partition.assignment.strategy": "range"})
    other.subscribe([lacuna.topic("requests")])
    wait_until(lambda: other.poll(0.1) or other.assignment(), what="a member of the group")
    # It polls no more, so the round that the worker's joining begins has no end: the worker's lane
    # runs meanwhile, and would leave whoever asks without an answer.
    worker = lacuna.classify(ready=False)
    wait_until(lambda: b"joining its group" in worker.get("/health/ready")[1], alive=[worker],
               what="the worker to say what it waits for")
    assert worker.get("/health/ready")[0] == 503
    other.close()
    worker.ready()


@pytest.mark.timeout(120)
def test_readiness_says_what_is_waited_for(lacuna):
    lacuna.migrate()
    worker, sink = lacuna.classify(ready=False), lacuna.sink(ready=False)

    def why(program):
        try:
            return json.loads(program.get("/ready")[1])["checks"][-1].get("why", "")
        except OSError:  # its page is not open yet
            return ""

    for program in (worker, sink):
        wait_until(lambda p=program: "`lacuna topics create`" in why(p), 60,
                   what="the missing topic", alive=[program])
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    worker.ready()
    sink.ready()
    with lacuna.postgres.connect() as db:
        db.autocommit = True
        db.execute("alter system set default_transaction_read_only = on")
        db.execute("select pg_reload_conf()")
    lacuna.publish(requests(10))
    wait_until(lambda: "25006" in why(sink), 60, what="the read-only database", alive=[sink])
    with lacuna.postgres.connect() as db:
        db.autocommit = True
        db.execute("set default_transaction_read_only = off")
        db.execute("alter system reset default_transaction_read_only")
        db.execute("select pg_reload_conf()")
    sink.ready()
    wait_until(lambda: lacuna.postgres.value("select count(*) from decisions") == 10, 60,
               what="ten rows", alive=[sink])


@pytest.mark.timeout(180)
def test_an_output_topic_that_may_not_be_written_stops_the_worker_with_advice(stack, new_kafka):
    kafka = new_kafka(properties={
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true"})
    lacuna = stack(kafka=kafka)
    kafka.create_topics(lacuna.prefix, {"*": 2})
    worker = lacuna.classify(classify__commit_interval_ms=20)
    lacuna.publish(requests(100))
    kafka.wait_for(lacuna.topic("lineage"), 100, alive=[worker])
    rules = [AclBinding(ResourceType.TOPIC, lacuna.topic("lineage"), ResourcePatternType.LITERAL,
                        "User:*", "*", operation, permission)
             for operation, permission in ((AclOperation.ALL, AclPermissionType.ALLOW),
                                           (AclOperation.WRITE, AclPermissionType.DENY))]
    for made in kafka.admin().create_acls(rules).values():
        made.result(timeout=30)
    lacuna.publish(requests(100, start=100))
    worker.expected_to_die = True
    assert worker.wait(60) == 1, worker.log_tail()
    assert "event=lane_broke" in worker.log() and "an ACL must let" in worker.log()
    every = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None,
                             AclOperation.ANY, AclPermissionType.ANY)
    for gone in kafka.admin().delete_acls([every]).values():
        gone.result(timeout=30)
    lacuna.classify("classify-1")
    check_topics(lacuna, [f"r{i}" for i in range(200)])


def test_topics_that_are_made_after_the_programs_started_are_found(stack, kafka, postgres):
    # By itself librdkafka looks again in ten minutes. (In an hour it would forget all at once: a
    # third of its metadata.max.age.ms, which overflows.)
    lacuna = stack(kafka=kafka, postgres=postgres, conf={
        "kafka.properties": "topic.metadata.refresh.interval.ms=600000"})
    lacuna.migrate()
    programs = [lacuna.classify(ready=False), lacuna.sink(ready=False), lacuna.bridge(ready=False)]
    for one in programs:
        wait_until(lambda p=one: b"lacuna topics create" in p.get("/health/ready")[1]
                   or b"lacuna topics create" in p.log().encode(), alive=programs)
    assert "missing" not in lacuna.tool("topics", "create").stdout
    lacuna.publish(requests(10))
    for one in programs:
        one.ready()
    wait_until(lambda: postgres.value("select count(*) from decisions") == 10, alive=programs)
    check_rows(lacuna, check_topics(lacuna, [f"r{i}" for i in range(10)]))


@pytest.mark.parametrize("program", ["classify", "sink", "bridge"])
def test_a_program_stops_although_it_never_reached_kafka(stack, kafka, postgres, program):
    lacuna = stack(kafka=kafka, postgres=postgres,
                   conf={"kafka.bootstrap_servers": f"127.0.0.1:{free_port()}"})
    lacuna.migrate()
    # Who waits until the drain's deadline ends with another status.
    started = getattr(lacuna, program)(ready=False, drain__timeout_ms=3000)
    wait_until(lambda: "Connection refused" in started.log(), alive=[started])
    assert started.stop(timeout=30) == 0, started.log_tail()
    lines = [line.split("text=")[1].split(" (after ")[0].split("]: ")[-1]
             for line in started.log().splitlines() if "event=kafka_reported" in line]
    assert len(lines) == len(set(lines)), started.log_tail()
