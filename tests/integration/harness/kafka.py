# SPDX-License-Identifier: Apache-2.0
"""A real Kafka broker (one node, KRaft) from the jars that tools/setup --test has fetched."""

import json
import subprocess
import time
import uuid
import base64
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic)

from .paths import COMPONENTS, KAFKA_LIB, ROOT, need
from .process import Process
from .wait import free_port, listening, wait_until

# A small heap and only the first compiler: ready in a second, as fast as tests need.
_QUICK = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

USER, PASSWORD = "lacuna", "a-password-of-the-tests"


@dataclass
class Message:
    """One record as it lay in the topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: dict = field(default_factory=dict)


class Kafka:
    """start() makes and starts a broker; the data stay when it is stopped or killed.

    certificates: adds a SASL_SSL listener (tls_port) where `lacuna` may log in by PLAIN and
    SCRAM-SHA-512. The plain listener (bootstrap) is there in any case.
    proxy: adds a listener that is advertised at that proxy's port, and leads the proxy there.
    jvm: options of the broker's Java, for others than tests; theirs starts quickly.
    """

    def __init__(self, folder: Path, certificates=None, properties=None, jvm=None, proxy=None):
        need(KAFKA_LIB)
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificates = certificates
        self.proxy = proxy
        self.properties = dict(properties or {})
        self.jvm = jvm or _QUICK
        self.port = self.tls_port = None
        self.process = None
        self._admin = None

    # --- life -----------------------------------------------------------------------------

    def start(self):
        """Returns when the broker answers. Another port is tried when one was taken meanwhile."""
        if self.process is None:
            for attempt in range(3):
                self._format()
                try:
                    return self._run()
                except AssertionError:
                    if attempt == 2 or "Address already in use" not in self.process.log():
                        raise
                    self.process.forget()
                    self.process = None
        return self._run()

    def _run(self):
        if self.process is None:
            self.process = Process(
                f"kafka:{self.port}",
                self._java(self.jvm) + ["kafka.Kafka", self._properties_path()],
                self.folder / "kafka.log")
        self.process.start()
        # The log line of an earlier life must not count: only an answer does.
        wait_until(lambda: listening(self.port) and self.admin().list_topics(timeout=2).brokers,
                   timeout=60, what="Kafka to answer", alive=[self.process])
        return self

    def stop(self):
        self.process.stop(timeout=30)

    def kill(self):
        self.process.kill()

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def close(self):
        self._admin = None
        if self.process:
            self.process.forget()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def tls_bootstrap(self) -> str:
        return f"localhost:{self.tls_port}"

    # --- files ----------------------------------------------------------------------------

    @staticmethod
    def _java(options):
        jars = ":".join(sorted(str(p) for p in KAFKA_LIB.glob("*.jar")))
        return ["java", *options, "-cp", jars,
                f"-Dlog4j2.configurationFile={COMPONENTS / 'log4j2.xml'}"]

    def _properties_path(self):
        return self.folder / "server.properties"

    def _format(self):
        self.port, controller = free_port(), free_port()
        listeners = [f"PLAINTEXT://127.0.0.1:{self.port}"]
        advertised = list(listeners)
        protocols = ["CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT"]
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self.folder / f"data-{self.port}",
            # Topics that do not exist are a mistake we want to see.
            "auto.create.topics.enable": "false",
            "default.replication.factor": 1,
            "min.insync.replicas": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Abandoned transactions end within a second of their timeout, not within ten.
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
            # Its controller must not take it for dead when a busy machine lets it wait: its groups
            # would begin anew. A test that kills it shortens this: only when the old session is over
            # is it let in again.
            "broker.heartbeat.interval.ms": 300,
            "broker.session.timeout.ms": 60_000,
            "num.network.threads": 2,
            "num.io.threads": 2,
            "log.segment.bytes": 16 << 20,
            # 128 MiB by default, taken at the start: more than the heap we give.
            "log.cleaner.dedupe.buffer.size": 4 << 20,
        }
        if self.certificates:
            settings |= self._tls_settings(listeners, advertised, protocols)
        if self.proxy:
            self.proxy.target = free_port()
            listeners.append(f"PROXIED://127.0.0.1:{self.proxy.target}")
            advertised.append(f"PROXIED://127.0.0.1:{self.proxy.port}")
            protocols.append("PROXIED:PLAINTEXT")
        settings["listeners"] = ",".join(listeners + [f"CONTROLLER://127.0.0.1:{controller}"])
        settings["advertised.listeners"] = ",".join(advertised)
        settings["listener.security.protocol.map"] = ",".join(protocols)
        settings |= self.properties
        self._properties_path().write_text(
            "".join(f"{key}={value}\n" for key, value in settings.items()))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster.startswith("-"):  # the tool would read it as an option
            cluster = "A" + cluster[1:]
        command = self._java(_QUICK) + ["kafka.tools.StorageTool", "format", "-t", cluster,
                                  "-c", str(self._properties_path())]
        if self.certificates:
            command += ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"formatting failed: {done.stdout}{done.stderr}"

    def _tls_settings(self, listeners, advertised, protocols):
        self.tls_port = free_port()
        listeners.append(f"SASL_SSL://127.0.0.1:{self.tls_port}")
        advertised.append(f"SASL_SSL://localhost:{self.tls_port}")
        protocols.append("SASL_SSL:SASL_SSL")
        self.show_certificate()
        login = "org.apache.kafka.common.security"
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.folder / "kafka.pem",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config":
                f'{login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
                f"{login}.scram.ScramLoginModule required;",
        }

    def show_certificate(self, **options):
        """From its next start on: one made with these options of Certificates.server()."""
        certificate, key = self.certificates.server("kafka", **options)
        (self.folder / "kafka.pem").write_text(key.read_text() + certificate.read_text())

    # --- use ------------------------------------------------------------------------------

    def admin(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2,
                                       "socket.nagle.disable": True})
        return self._admin

    def cluster_id(self) -> str:
        return self.admin().list_topics(timeout=10).__dict__.get("cluster_id")

    def create_topics(self, prefix, partitions=None, only=None):
        """The topics of schemas/topics.json under `prefix`, independent of our own tools.

        partitions: {"requests": 4} overrides the table, "*" all of it. only: just these.
        """
        table = json.loads((ROOT / "schemas" / "topics.json").read_text())["topics"]
        partitions = partitions or {}
        wanted = []
        for topic in table:
            if only is None or topic["name"] in only:
                count = partitions.get(topic["name"], partitions.get("*", topic["partitions"]))
                wanted.append(NewTopic(
                    prefix + topic["name"], num_partitions=count, replication_factor=1,
                    config={"cleanup.policy": topic["cleanup"],
                            "retention.ms": str(topic["retention_ms"])}))
        for name, future in self.admin().create_topics(wanted, request_timeout=30).items():
            future.result(timeout=30)
            wait_until(lambda n=name: self.admin().list_topics(n, timeout=5).topics[n].partitions,
                       what=f"topic {name}")

    def add_partitions(self, topic, total):
        self.admin().create_partitions([NewPartitions(topic, total)])[topic].result(timeout=30)
        wait_until(lambda: len(self.admin().list_topics(topic, timeout=5).topics[topic].partitions)
                   == total, what=f"{total} partitions of {topic}")

    def configure(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        self.admin().incremental_alter_configs([resource])[resource].result(timeout=30)
        asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
        wait_until(lambda: self.admin().describe_configs([asked])[asked].result(timeout=30)[name].value
                   == value, what=f"{name} of {topic}")

    def delete_topic(self, topic):
        self.admin().delete_topics([topic])[topic].result(timeout=30)
        wait_until(lambda: topic not in self.admin().list_topics(timeout=5).topics,
                   what=f"{topic} to be gone")

    def producer(self, **settings) -> Producer:
        return Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True,
                         "linger.ms": 5, "log_level": 3} | settings)

    def produce(self, topic, values, key=None, headers=None, partition=-1):
        """Values in order; every one confirmed. Returns [(partition, offset)] in that order."""
        producer = self.producer()
        placed = []

        def report(slot):
            def done(error, message):
                assert error is None, f"not produced: {error}"
                placed[slot] = (message.partition(), message.offset())
            return done

        for value in values:
            placed.append(None)
            while True:
                try:
                    producer.produce(topic, value=value, key=key, headers=headers or [],
                                     partition=partition, on_delivery=report(len(placed) - 1))
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0, "the broker did not confirm everything"
        return placed

    def read(self, topic, committed=True, timeout=60, limit=None) -> list[Message]:
        """All records of a topic from its start to its present end, 100,000 within seconds.

        committed: what a read_committed reader sees (up to the last stable offset).
        """
        consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": f"tests-{uuid.uuid4()}",
            "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "enable.partition.eof": True, "fetch.wait.max.ms": 20, "log_level": 3})
        out = []
        try:
            found = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            open_partitions = set(found)
            consumer.assign([TopicPartition(topic, p, 0) for p in found])
            deadline = time.monotonic() + timeout
            while open_partitions and (limit is None or len(out) < limit):
                assert time.monotonic() < deadline, \
                    f"{topic}: not read to its end within {timeout} s ({len(out)} records)"
                for message in consumer.consume(5000, timeout=0.2):
                    error = message.error()
                    if error is None:
                        out.append(Message(
                            topic, message.partition(), message.offset(), message.timestamp()[1],
                            message.key(), message.value(), dict(message.headers() or [])))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        open_partitions.discard(message.partition())
                    else:
                        raise AssertionError(f"{topic}: {error}")
        finally:
            consumer.close()
        return out

    def count(self, topic) -> int:
        """Sum of the end offsets (transaction markers and aborted records included)."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "tests-count",
                             "log_level": 3})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            return sum(consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1]
                       for p in partitions)
        finally:
            consumer.close()

    def batches(self, topic):
        """(codec, producer id) of each batch as it lies in the log; KIP-98 has the layout."""
        out = []
        for segment in sorted(self.folder.glob(f"data-*/{topic}-[0-9]*/*.log")):
            log, at = segment.read_bytes(), 0
            # What is behind the last batch of a segment are zeros.
            while at + 61 <= len(log) and (size := int.from_bytes(log[at + 8:at + 12], "big")):
                attributes = int.from_bytes(log[at + 21:at + 23], "big")
                identity = int.from_bytes(log[at + 43:at + 51], "big", signed=True)
                out.append((CODECS[attributes & 7], identity))
                at += 12 + size
        return out

    def wait_for(self, topic, count, timeout=60, committed=True, alive=()) -> list[Message]:
        """Reads until at least `count` records are there."""
        return wait_until(
            lambda: (lambda got: got if len(got) >= count else None)(self.read(topic, committed)),
            timeout=timeout, what=f"{count} records in {topic}", alive=alive, every=0.1)

    def group_members(self, group) -> int:
        future = self.admin().describe_consumer_groups([group], request_timeout=10)[group]
        return len(future.result(timeout=10).members)

    def committed(self, group, topic) -> dict[int, int]:
        """{partition: committed offset} of a group, -1001 where there is none."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group,
                             "log_level": 3})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            got = consumer.committed([TopicPartition(topic, p) for p in partitions], timeout=10)
            return {p.partition: p.offset for p in got}
        finally:
            consumer.close()
