# SPDX-License-Identifier: Apache-2.0
"""The programs of one test around one broker: same prefix, same database, same keys."""

import json
import secrets
from pathlib import Path

from .program import Program, http, run_tool
from .wait import free_port


class Stack:
    """Everything of one test. Settings given to it go to every program, those given to a program
    go to that one. Nothing is started until a method asks for it.
    """

    def __init__(self, folder: Path, kafka, prefix, postgres=None, conf=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kafka = kafka
        self.postgres = postgres
        self.prefix = prefix
        self.programs: list[Program] = []
        key = self.folder / "commitment.key"
        key.write_text(secrets.token_hex(32) + "\n")
        key.chmod(0o600)
        self.conf = {
            "kafka.bootstrap_servers": kafka.bootstrap,
            "kafka.topic_prefix": prefix,
            "commitment.key_file": key,
            "log.level": "debug",
            # Conservative answers PROPRIETARY to everything that it knows nothing about: a test
            # would not see whether a rule found anything.
            "classification.strategy": "balanced",
        }
        if postgres:
            self.conf["postgres.url"] = postgres.url
        self.conf |= conf or {}

    def topic(self, name) -> str:
        return self.prefix + name

    def group(self, name="lacuna-classify") -> str:
        """As lac_topic_group() names it: groups of installations on one broker stay apart."""
        return self.prefix.rstrip("._-") + name.removeprefix("lacuna")

    # --- programs -------------------------------------------------------------------------

    def program(self, binary, instance, fault=None, page_key="metrics.listen", **conf) -> Program:
        """A daemon, not yet started. Dots in setting names are written __: classify__lanes=2."""
        port = free_port()
        folder = self.folder / instance
        settings = dict(self.conf)
        settings |= {"instance.id": instance, "state.dir": folder / "state",
                     page_key: f"127.0.0.1:{port}"}
        settings |= {key.replace("__", "."): value for key, value in conf.items()}
        made = Program(binary, folder, settings, fault=fault, page=port, name=instance)
        self.programs.append(made)
        return made

    def classify(self, instance="classify-0", fault=None, ready=True, **conf) -> Program:
        worker = self.program("lacuna-classify", instance, fault, **conf).start()
        return worker.ready() if ready else worker

    def sink(self, instance="sink-0", fault=None, ready=True, **conf) -> Program:
        sink = self.program("lacuna-sink", instance, fault, **conf).start()
        return sink.ready() if ready else sink

    def bridge(self, instance="bridge-0", fault=None, ready=True, **conf) -> Program:
        bridge = self.program("lacuna-bridge", instance, fault, page_key="bridge.listen", **conf)
        bridge.start()
        return bridge.ready() if ready else bridge

    def tool(self, *args, stdin=None, timeout=120, check=True, **conf):
        """`lacuna ARGS` with the settings of this test: CompletedProcess."""
        settings = self.conf | {k.replace("__", "."): v for k, v in conf.items()}
        settings.setdefault("state.dir", self.folder / "tool" / "state")
        return run_tool(args, self.folder / "tool", settings, stdin, timeout, check)

    # --- data -----------------------------------------------------------------------------

    def migrate(self):
        """Makes the tables, with the tool that a person would use."""
        return self.tool("migrate")

    def publish(self, requests, topic="requests"):
        """JSON records straight to the topic. Returns [(partition, offset)]."""
        return self.kafka.produce(
            self.topic(topic), [json.dumps(r).encode() for r in requests])

    def classify_http(self, bridge, body, headers=None, timeout=30):
        """(status, headers, parsed JSON) of POST /api/v1/classify."""
        status, got, answer = http(
            "POST", f"http://127.0.0.1:{bridge.page}/api/v1/classify", body, headers, timeout)
        return status, got, json.loads(answer)

    # --- end ------------------------------------------------------------------------------

    def check(self):
        """Every program ends in order; all of them are looked at before the first complaint."""
        complaints = []
        for program in reversed(self.programs):
            try:
                program.check()
            except AssertionError as e:
                complaints.append(str(e))
        assert not complaints, "\n".join(complaints)

    def close(self):
        for program in self.programs:
            program.forget()
