# SPDX-License-Identifier: Apache-2.0
"""Lineage to Postgres: each decision is one row, wherever the sink dies, freezes or is fed rubbish."""

import hashlib
import io
import signal
import struct

import fastavro
import pytest
from harness import encode, named_schema, wait_until

COUNT = 6000
TIME_MS = 1_700_000_000_000


def decision(number, tenant="default", **core) -> bytes:
    """A lineage record as lacuna-classify writes it."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, named_schema("DecisionCore"), {
        "semantics": 1, "tenant": tenant, "tier": "INTERNAL",
        "posterior": {"public": 100000, "internal": 500000, "proprietary": 400000},
        "route": [], "tags": ["a"], "findings": [], "opinions": [], "stop": "exhausted",
        "observations": [], "commitment_key": "k", "commitment": bytes(32),
        "pack_hash": bytes(32), "model_hash": None, "engine": "rules/1"} | core)
    return encode("Decision", {
        "event_id": struct.pack(">QQ", 0, number), "revision": 0, "final": True,
        "request_id": f"r{number}", "core": body.getvalue(),
        "decision_hash": hashlib.sha256(body.getvalue()).digest(), "decided_at": TIME_MS * 1000,
        "origin": {"origin": "test", "topic": "t", "partition": 0, "offset": number,
                   "timestamp": TIME_MS + number}})


def rows(lacuna):
    return lacuna.postgres.value("select count(*) from decisions")


def check(lacuna, count):
    """Each decision is there, once, and the position is behind the last record."""
    assert rows(lacuna) == count
    assert lacuna.postgres.value("select count(distinct (event_id, revision)) from decisions") == count
    read = lacuna.postgres.value("select sum(next_offset)::bigint from sink_offset where topic = %s",
                                 lacuna.topic("lineage"))
    assert read == lacuna.kafka.count(lacuna.topic("lineage"))


@pytest.fixture
def fed(lacuna):
    """A stack whose lineage topic holds COUNT decisions that nobody has read."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 3}, only={"lineage", "deadletter"})
    lacuna.migrate()
    lacuna.kafka.produce(lacuna.topic("lineage"), [decision(i) for i in range(COUNT)])
    return lacuna


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["in_copy", "after_copy", "before_commit", "after_commit"])
def test_a_sink_killed_at_any_point_neither_loses_nor_doubles(fed, point):
    small = {"sink__batch_rows": 700, "kafka__session_timeout_ms": 6000}
    killed = fed.sink(fault=f"sink.{point}:kill:3", ready=False, **small)
    assert killed.wait(60) == -signal.SIGKILL, killed.log_tail()
    assert killed.faults_hit() == [f"sink.{point}"]
    assert rows(fed) < COUNT, "the fault came too late to matter"
    heir = fed.sink("sink-1", **small)
    wait_until(lambda: rows(fed) == COUNT, timeout=60, what="all rows", alive=[heir])
    check(fed, COUNT)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["before_commit", pytest.param("after_copy", marks=pytest.mark.long),
                                   pytest.param("after_commit", marks=pytest.mark.long)])
def test_a_sink_killed_among_repetitions_counts_each_contradiction_once(lacuna, point):
    """The rows of a batch that is refused as a whole go in one by one, in the same transaction as
    the position: whether the broker's or the database's answer came or not."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1}, only={"lineage", "deadletter"})
    lacuna.migrate()
    values = [decision(i // 2) for i in range(1200)]  # each twice, mostly in one batch
    values += [decision(i, tier="PROPRIETARY") for i in range(0, 600, 100)]
    lacuna.kafka.produce(lacuna.topic("lineage"), values)
    small = {"sink__batch_rows": 101, "kafka__session_timeout_ms": 6000}
    for life, nth in enumerate((1, 2, 9)):  # the last ones among the contradictions
        killed = lacuna.sink(f"sink-{life}", fault=f"sink.{point}:kill:{nth}", ready=False, **small)
        assert killed.wait(60) == -signal.SIGKILL, killed.log_tail()
        assert killed.faults_hit() == [f"sink.{point}"]
    heir = lacuna.sink("sink-9", **small)
    wait_until(lambda: rows(lacuna) == 600, timeout=60, what="all rows", alive=[heir])
    wait_until(lambda: lacuna.postgres.value("select max(next_offset) from sink_offset")
               == len(values), timeout=30, what="the position", alive=[heir])
    check(lacuna, 600)
    assert lacuna.postgres.query(
        "select request_id, conflicts from decisions_joined where conflicts > 0 order by origin_time"
    ) == [(f"r{i}", 1) for i in range(0, 600, 100)]


@pytest.mark.timeout(150)
@pytest.mark.parametrize("point", ["in_copy", "before_commit"])
def test_a_sink_that_froze_in_a_transaction_neither_blocks_its_heir_nor_writes(fed, point):
    small = {"sink__batch_rows": 2000, "kafka__session_timeout_ms": 6000}
    zombie = fed.sink(fault=f"sink.{point}:stop:2", ready=False, **small)
    wait_until(lambda: zombie.state() == "T", timeout=60, what="the sink to freeze")
    assert zombie.faults_hit() == [f"sink.{point}"]
    heir = fed.sink("sink-1", **small)
    wait_until(lambda: rows(fed) == COUNT, timeout=60, what="all rows", alive=[heir])
    assert "event=sink_predecessor_ended" in heir.log()
    zombie.resume()
    fed.kafka.produce(fed.topic("lineage"), [decision(COUNT + i) for i in range(1000)])
    wait_until(lambda: rows(fed) == COUNT + 1000, timeout=60, what="the rest",
               alive=[heir, zombie])
    check(fed, COUNT + 1000)
    epochs = fed.postgres.query("select max(epoch) from sink_offset")
    assert epochs[0][0] >= 2


@pytest.mark.timeout(120)
def test_repetitions_are_counted_contradictions_kept_and_rubbish_dead_lettered(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1}, only={"lineage", "deadletter"})
    lacuna.migrate()
    short = decision(7)[:-1]
    forged = bytearray(decision(8))
    at = bytes(forged).index(b"rules/1")
    forged[at] ^= 1  # the core is another one, its hash is not
    values = [decision(i) for i in range(5)] + [decision(3), b"rubbish", short, bytes(forged)]
    values += [decision(4, tier="PROPRIETARY"), decision(5)]
    lacuna.kafka.produce(lacuna.topic("lineage"), values)
    sink = lacuna.sink()
    wait_until(lambda: rows(lacuna) == 6, timeout=60, what="six rows", alive=[sink])
    dead = lacuna.kafka.wait_for(lacuna.topic("deadletter"), 3, alive=[sink])
    assert {m.value for m in dead} == {b"rubbish", short, bytes(forged)}
    assert all(m.headers["lacuna-dlq-topic"] == lacuna.topic("lineage").encode() for m in dead)
    check(lacuna, 6)
    metrics = sink.metrics()
    assert metrics["lacuna_sink_duplicates_total"] == 2
    assert metrics["lacuna_sink_conflicts_total"] == 1
    assert lacuna.postgres.query("select tier::text, stored_tier::text from decisions_joined"
                                 " where conflicts > 0") == [("PROPRIETARY", "INTERNAL")]
    kept = lacuna.postgres.value("select decision from decisions where request_id = 'r2'")
    assert bytes(kept) == decision(2)


@pytest.mark.timeout(120)
def test_a_recreated_topic_stops_the_sink_with_advice(fed):
    sink = fed.sink()
    wait_until(lambda: rows(fed) == COUNT, timeout=60, what="all rows", alive=[sink])
    assert sink.stop() == 0
    fed.postgres.query("update sink_offset set next_offset = next_offset + 1000000 returning 1")
    stopped = fed.sink("sink-1", ready=False)
    stopped.expected_to_die = True
    assert stopped.wait(60) == 1, stopped.log_tail()
    assert "recreated" in stopped.log()
    assert (f"DELETE FROM sink_offset WHERE origin = '{fed.kafka.cluster_id()}' AND topic ="
            f" '{fed.topic('lineage')}'") in stopped.log()
    assert rows(fed) == COUNT


@pytest.mark.timeout(60)
def test_a_sink_waits_for_its_tables_says_so_and_begins_when_they_are_there(lacuna):
    # Kubernetes starts everything at once: the job that migrates may well come later.
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1}, only={"lineage", "deadletter"})
    lacuna.kafka.produce(lacuna.topic("lineage"), [decision(i) for i in range(20)])
    sink = lacuna.sink(ready=False)
    wait_until(lambda: b"lacuna migrate" in sink.get("/health/ready")[1], timeout=30,
               what="the sink to say what it waits for", alive=[sink])
    assert sink.get("/health/ready")[0] == 503
    assert sink.get("/health/live")[0] == 200
    assert "level=warn" in next(line for line in sink.log().splitlines() if "lacuna migrate" in line)
    lacuna.migrate()
    sink.ready()
    wait_until(lambda: rows(lacuna) == 20, timeout=30, what="all rows", alive=[sink])


@pytest.mark.timeout(120)
def test_partitions_that_are_added_are_read_as_soon_as_they_are_seen(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2}, only={"lineage", "deadletter"})
    lacuna.migrate()
    # The consumer sees them within a second; what asks for the log's ends would not for minutes.
    sink = lacuna.sink(kafka__properties="topic.metadata.refresh.interval.ms=1000;"
                                         "metadata.max.age.ms=600000")
    lacuna.kafka.produce(lacuna.topic("lineage"), [decision(0)], partition=1)
    wait_until(lambda: rows(lacuna) == 1, timeout=60, what="a row", alive=[sink])
    lacuna.kafka.add_partitions(lacuna.topic("lineage"), 5)
    lacuna.kafka.produce(lacuna.topic("lineage"), [decision(1)], partition=4)
    wait_until(lambda: rows(lacuna) == 2, timeout=60, what="a row of the new partition",
               alive=[sink])
    check(lacuna, 2)
    assert "recovery_delayed" not in sink.log(), sink.log_tail()


@pytest.mark.timeout(120)
def test_a_topic_that_is_made_anew_under_the_sink_ends_it_with_the_status_of_a_failure(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 4}, only={"lineage", "deadletter"})
    lacuna.migrate()
    # librdkafka 2.0.2 does not let go of partitions that are gone: the deadline ends the process.
    sink = lacuna.sink(drain__timeout_ms=1000)
    sink.expected_to_die = True
    lineage = lacuna.topic("lineage")
    lacuna.kafka.produce(lineage, [decision(i) for i in range(20)], partition=0)
    wait_until(lambda: rows(lacuna) == 20, timeout=60, what="all rows", alive=[sink])
    lacuna.kafka.delete_topic(lineage)
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2}, only={"lineage"})
    lacuna.kafka.produce(lineage, [decision(20)], partition=0)
    assert sink.wait(60) == 1, sink.log_tail()
    assert "recreated" in sink.log()
    assert rows(lacuna) == 20


@pytest.mark.timeout(60)
@pytest.mark.parametrize("member", ["", "in role lacuna_reader"])
def test_a_sink_whose_user_lacks_rights_says_what_to_grant(fed, member):
    with fed.postgres.connect() as db:
        db.execute(f"create role weak login {member}")
    sink = fed.sink(ready=False, postgres__url=fed.postgres.url.replace("//lacuna@", "//weak@"))
    sink.expected_to_die = True
    assert sink.wait(30) == 1
    assert "42501" in sink.log() and "GRANT lacuna_writer TO" in sink.log(), sink.log_tail()


@pytest.mark.timeout(60)
def test_two_sinks_may_share_a_state_folder(fed):
    shared = {"state__dir": fed.folder / "state", "instance__id": "one"}
    first, second = fed.sink("sink-0", **shared), fed.sink("sink-1", **shared)
    wait_until(lambda: rows(fed) == COUNT, timeout=60, what="all rows", alive=[first, second])
    check(fed, COUNT)
