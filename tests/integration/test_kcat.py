# SPDX-License-Identifier: Apache-2.0
"""Lacuna speaks plain Kafka: a JSON record from somebody else's tool is enough."""

import json
import subprocess

from harness import decode, wait_until


def _kcat(lacuna, *args, stdin=None):
    done = subprocess.run(
        ["kcat", "-b", lacuna.kafka.bootstrap, "-X", "broker.address.family=v4", *args],
        input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode(errors="replace")  # values are binary


def test_a_json_record_from_kcat_is_decided_without_any_of_our_tools(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    _kcat(lacuna, "-P", "-t", lacuna.topic("requests"), "-k", "somebody", "-H", "x-team=blue",
          stdin=b'{"request_id": "k1", "text": "her SSN is 536-22-8726"}\n')
    worker = lacuna.classify()
    lacuna.kafka.wait_for(lacuna.topic("routing"), 1, alive=[worker])
    # Read back with kcat too: key and headers are what a consumer filters on.
    line = _kcat(lacuna, "-C", "-t", lacuna.topic("routing"), "-e", "-q", "-J")
    seen = json.loads(line)
    headers = dict(zip(seen["headers"][::2], seen["headers"][1::2]))
    assert seen["key"] == "somebody"
    assert headers["lacuna-tier"] == "PROPRIETARY"
    record = lacuna.kafka.read(lacuna.topic("routing"))[0]
    routing = decode("Routing", record.value)
    assert (routing["request_id"], routing["tier"]) == ("k1", "PROPRIETARY")
    assert headers["lacuna-event-id"] == routing["event_id"].hex()


def test_a_record_from_kcat_reaches_postgres(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.migrate()
    lacuna.classify()
    lacuna.sink()
    _kcat(lacuna, "-P", "-t", lacuna.topic("requests"), stdin=b'{"text": "what is a lattice?"}\n')
    wait_until(lambda: lacuna.postgres.value("select count(*) from decisions") == 1,
               what="the row", alive=lacuna.programs)
