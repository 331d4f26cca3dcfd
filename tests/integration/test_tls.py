# SPDX-License-Identifier: Apache-2.0
"""Encrypted, authenticated, and the other side's name checked: to Kafka and to Postgres."""

import http.server
import json
import re
import ssl
import subprocess
import threading

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
    wait_until(lambda: "by an authority that kafka.ssl_ca_file does not have" in liar.log(),
               what="a complaint")
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


@pytest.mark.timeout(180)
def test_a_broker_with_a_wrong_certificate_gets_nothing_until_it_has_a_right_one(
        stack, new_kafka, tmp_path):
    broker = new_kafka(certificates=Certificates(tmp_path / "ca"))
    lacuna = stack(kafka=broker, conf={
        "kafka.bootstrap_servers": broker.tls_bootstrap, "kafka.security_protocol": "sasl_ssl",
        "kafka.sasl_mechanism": "PLAIN", "kafka.sasl_username": kafkas.USER,
        "kafka.sasl_password": kafkas.PASSWORD, "kafka.ssl_ca_file": broker.certificates.ca})
    broker.create_topics(lacuna.prefix, {"*": 1})
    workers = []
    for wrong, words in (({"days": -1}, "its certificate has expired"),
                         ({"hosts": ("DNS:elsewhere.example", "IP:127.0.0.9")},
                          "its certificate is another host's")):
        broker.stop()
        broker.show_certificate(**wrong)
        broker.start()
        broker.produce(lacuna.topic("requests"), [b'{"text": "her SSN is 536-22-8726"}'])
        worker = lacuna.classify(f"classify-{len(workers)}", ready=False)
        workers.append(worker)
        wait_until(lambda w=worker, said=words: said in w.log(), what=words, alive=workers)
        assert not any(w.is_ready() for w in workers)
        assert broker.read(lacuna.topic("routing")) == []
        assert kafkas.PASSWORD not in worker.log()

    # With a password that is none the door stays shut as well, and what is wrong is said.
    broker.stop()
    broker.show_certificate()
    broker.start()
    barred = lacuna.classify("barred", ready=False, kafka__sasl_password="not-the-password")
    barred.expected_to_die = True
    wait_until(lambda: "uthentication failed" in barred.log(), what="the refusal", alive=workers)
    assert not (barred.running and barred.is_ready())
    assert "not-the-password" not in barred.log()
    # The others need nobody to start them again.
    broker.wait_for(lacuna.topic("routing"), 2, alive=workers)
    assert len(broker.read(lacuna.topic("routing"))) == 2


class _Registry(http.server.BaseHTTPRequestHandler):
    """As much of one as a worker needs that only writes."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass

    def _say(self, body):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self._say(b'{"id":7}')

    def do_GET(self):
        self._say(b"[]")


@pytest.fixture
def encrypted_registry(tmp_path):
    """(its address, the authority that has signed its certificate)"""
    authority = Certificates(tmp_path / "registry-ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server("registry"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}", authority
    server.shutdown()
    server.server_close()


def test_a_registry_with_a_certificate_of_the_house_is_believed_and_no_other(
        stack, encrypted_registry, tmp_path):
    address, authority = encrypted_registry
    lacuna = stack(conf={"registry.url": address, "registry.ssl_ca_file": authority.ca})
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.classify()
    lacuna.publish([{"text": "x"}])
    [decision] = lacuna.kafka.wait_for(lacuna.topic("lineage"), 1)
    assert decision.value[:5] == b"\0\0\0\0\7"

    def found(**conf):
        said = json.loads(lacuna.tool("doctor", "--json", check=False, **conf).stdout)
        return next(line for line in said if line["check"] == "registry")

    assert found()["verdict"] == "ok"
    for wrong in ("", Certificates(tmp_path / "stranger", "stranger").ca):
        assert found(registry__ssl_ca_file=wrong)["verdict"] == "fail"
