# SPDX-License-Identifier: Apache-2.0
"""Interactive lanes are at-least-once: a crash repeats records, and repeating changes nothing."""

import json

from harness import wait_until
from harness.flow import decisions_of, doubles

# Between the delivery of a batch's results and the commit of its input.
FAULT = "lane.delivered"


def test_a_kill_between_produce_and_commit_repeats_the_same_decision(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.migrate()
    ids = [f"i{n}" for n in range(50)]
    lacuna.kafka.produce(
        lacuna.topic("requests.interactive"),
        [json.dumps({"request_id": i, "text": f"SSN 536-22-8726 of {i}"}).encode() for i in ids])

    first = lacuna.classify(fault=f"{FAULT}:kill:1", ready=False)
    first.wait(60)
    assert first.status() == "signal SIGKILL" and FAULT in first.faults_hit(), first.log_tail()
    second = lacuna.classify("classify-1")
    # The dead one's session has to end first; then everything that was not committed comes again.
    wait_until(lambda: lacuna.kafka.committed(
        lacuna.group("lacuna-classify-interactive"),
        lacuna.topic("requests.interactive")) == {0: len(ids)},
        what="all input to be committed", alive=[second], every=0.1)
    lineage = decisions_of(lacuna.kafka.read(lacuna.topic("lineage")))
    assert {d["request_id"] for d in lineage} == set(ids)

    twice = doubles(d["request_id"] for d in lineage)
    assert twice, "the fault hit nothing: no record was repeated"
    for request_id in ids:
        same = [d for d in lineage if d["request_id"] == request_id]
        assert len({d["event_id"] for d in same}) == 1
        assert len({d["core"] for d in same}) == 1
        assert len({d["decision_hash"] for d in same}) == 1

    sink = lacuna.sink()
    wait_until(lambda: lacuna.postgres.value("select count(distinct event_id) from decisions")
               == len(ids), what="the rows", alive=[sink])
    assert lacuna.postgres.value("select count(*) from decisions") == len(ids)
