# SPDX-License-Identifier: Apache-2.0
"""Encrypted, authenticated, and the other side's name checked: to Kafka and to Postgres."""

import json
import re
import subprocess

import pytest
from harness import BIN, Certificates, free_port, wait_until
from harness import kafka as kafkas
from harness import postgres as servers


def _mechanism() -> str:
    """SCRAM where it can work: librdkafka before 2.6.1 repeats the client's nonce, and brokers from
    Kafka 4 on refuse that. Debian 12 has 2.0.2."""
    said = subprocess.run([BIN / "lacuna-classify", "--version"], capture_output=True, text=True,
                          timeout=10, check=True).stdout
    version = tuple(int(n) for n in re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", said).groups())
    return "SCRAM-SHA-512" if version >= (2, 6, 1) else "PLAIN"


@pytest.mark.timeout(180)
def test_sasl_ssl_to_kafka_and_verify_full_to_postgres(stack, new_kafka, new_postgres, tmp_path):
    authority = Certificates(tmp_path / "ca")
    stranger = Certificates(tmp_path / "stranger", "stranger")
    broker = new_kafka(certificates=authority)
    database = new_postgres(certificates=authority)
    password = tmp_path / "pg-password"
    password.write_text(servers.PASSWORD + "\n")
    password.chmod(0o600)

    lacuna = stack(kafka=broker, postgres=database, conf={
        "kafka.bootstrap_servers": broker.tls_bootstrap,
        "kafka.security_protocol": "sasl_ssl",
        "kafka.sasl_mechanism": _mechanism(),
        "kafka.sasl_username": kafkas.USER,
        "kafka.sasl_password": kafkas.PASSWORD,
        "kafka.ssl_ca_file": authority.ca,
        "postgres.url": database.tls_url,
        "postgres.password_file": password,
    })
    broker.create_topics(lacuna.prefix, {"*": 1})
    lacuna.migrate()
    worker = lacuna.classify()
    sink = lacuna.sink(kafka__sasl_mechanism="PLAIN")
    broker.produce(lacuna.topic("requests"), [b'{"text": "her SSN is 536-22-8726"}'])
    wait_until(lambda: database.value("select count(*) from decisions") == 1, timeout=60,
               what="the row", alive=[worker, sink])
    used = database.query("select ssl from pg_stat_ssl join pg_stat_activity using (pid) "
                          "where application_name like 'lacuna%%' or usename = 'lacuna' "
                          "and client_addr is not null")
    assert used and all(ssl for ssl, in used), "the sink talks in the clear"
    for program in (worker, sink):
        assert kafkas.PASSWORD not in program.log() and servers.PASSWORD not in program.log()

    # Somebody who shows a certificate of another authority is not believed.
    liar = lacuna.program("lacuna-classify", "classify-1", kafka__ssl_ca_file=stranger.ca)
    liar.start()
    wait_until(lambda: not liar.running or "ssl" in liar.log().lower(), what="a complaint")
    assert not (liar.running and liar.is_ready())
    liar.expected_to_die = True
    fooled = lacuna.program(
        "lacuna-sink", "sink-1",
        postgres__url=database.tls_url.replace(str(authority.ca), str(stranger.ca)))
    fooled.start()
    # Nothing will make that certificate right: the sink says so and ends.
    fooled.expected_to_die = True
    assert fooled.wait(30) != 0
    assert "certificate" in fooled.log()


def test_doctor_says_why_a_broker_was_not_reached_and_what_to_do(stack, new_kafka, tmp_path):
    authority = Certificates(tmp_path / "ca")
    broker = new_kafka(certificates=authority)
    right = {"kafka.bootstrap_servers": broker.tls_bootstrap,
             "kafka.security_protocol": "sasl_ssl", "kafka.sasl_mechanism": "PLAIN",
             "kafka.sasl_username": kafkas.USER, "kafka.sasl_password": kafkas.PASSWORD,
             "kafka.ssl_ca_file": authority.ca}
    for wrong, verdict, words in (
            ({}, "ok", [broker.tls_bootstrap]),
            ({"kafka.sasl_password": "wrong"}, "fail", ["authentication", "kafka.sasl_password"]),
            ({"kafka.ssl_ca_file": ""}, "fail", ["certificate verify failed", "kafka.ssl_ca_file"]),
            ({"kafka.security_protocol": "plaintext"}, "fail", ["Set kafka.security_protocol"]),
            ({"kafka.bootstrap_servers": broker.bootstrap}, "fail", ["Set kafka.security_protocol"]),
            ({"kafka.bootstrap_servers": f"127.0.0.1:{free_port()}"}, "fail",
             ["Connection refused", "Start Kafka"])):
        lacuna = stack(kafka=broker, conf=right | wrong)
        found = json.loads(lacuna.tool("doctor", "--json", check=False).stdout)
        [kafka] = [c for c in found if c["check"] == "kafka"]
        said = f"{kafka['found']} {kafka['todo']}"
        assert kafka["verdict"] == verdict and all(w in said for w in words), (wrong, kafka)
        assert "wrong" not in said and kafkas.PASSWORD not in said
        assert all(c["todo"] for c in found if c["verdict"] != "ok"), found
