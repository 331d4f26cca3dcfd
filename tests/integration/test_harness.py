# SPDX-License-Identifier: Apache-2.0
"""The harness itself: the components start, keep data over a restart, and refuse the wrong key."""

from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer, KafkaException
from harness import Certificates, decode, encode, named_schema, wait_until
from harness.flow import read_decided
from harness.kafka import PASSWORD, USER


def test_kafka_keeps_records_over_a_kill(new_kafka):
    broker = new_kafka(properties={"broker.session.timeout.ms": 2000})
    broker.create_topics("h.", {"*": 2}, only=["requests"])
    broker.produce("h.requests", [b"%d" % i for i in range(1000)])
    broker.kill()
    broker.start()
    assert sorted(int(m.value) for m in broker.read("h.requests")) == list(range(1000))


def test_kafka_speaks_tls_with_scram_only_to_those_who_trust_its_authority(new_kafka, tmp_path):
    ours, other = Certificates(tmp_path / "ca"), Certificates(tmp_path / "other", "stranger")
    broker = new_kafka(certificates=ours)

    def connect(mechanism, authority, password=PASSWORD):
        consumer = Consumer({
            "bootstrap.servers": broker.tls_bootstrap, "security.protocol": "SASL_SSL",
            "sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": password,
            "ssl.ca.location": str(authority.ca), "group.id": "t", "log_level": 0})
        try:
            return consumer.list_topics(timeout=2).brokers
        finally:
            consumer.close()

    assert connect("PLAIN", ours)
    assert wait_until(lambda: connect("SCRAM-SHA-512", ours), what="SCRAM")
    with pytest.raises(KafkaException):
        connect("PLAIN", other)
    with pytest.raises(KafkaException):
        connect("PLAIN", ours, "wrong")


def test_postgres_restarts_with_its_data_and_copies_are_apart(new_postgres):
    one, two = new_postgres(), new_postgres()
    with one.connect() as db:
        db.execute("create table t (x int)")
        db.execute("insert into t values (7)")
    one.restart()
    assert one.value("select x from t") == 7
    assert two.value("select count(*) from pg_tables where tablename = 't'") == 0


def test_registry_gives_a_schema_back_by_id(registry):
    schema_id = registry.register("h.requests-value", named_schema("Request"))
    assert registry.schema(schema_id)["name"].endswith("Request")


def test_records_survive_the_way_through_fastavro():
    request = {"text": "hello", "kind": "query", "tenant": "default", "conversation": [],
               "files": [], "metadata": {}}
    assert decode("Request", encode("Request", request))["text"] == "hello"
    assert decode("Request", encode("Request", request, schema_id=9))["text"] == "hello"


def test_routing_and_lineage_are_read_until_both_have_the_end_of_the_transaction():
    seen = {"routing": [[1], [1, 2]], "lineage": [[], [1], [1, 2]]}
    late = SimpleNamespace(topic=lambda name: name,
                           kafka=SimpleNamespace(read=lambda name: seen[name].pop(0)))
    assert read_decided(late, 2) == {"routing": [1, 2], "lineage": [1, 2]}
    never = SimpleNamespace(topic=lambda name: name,
                            kafka=SimpleNamespace(read=lambda name: [1]))
    assert read_decided(never, 2, timeout=0.2) == {"routing": [1], "lineage": [1]}
