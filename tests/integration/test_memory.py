# SPDX-License-Identifier: Apache-2.0
"""Who can't hand on what it reads stops reading: memory is bounded by settings, not by a topic."""

import time
from pathlib import Path

import pytest
from harness import BIN, wait_until
from test_sink import check, decision, rows

MIB = 1 << 20
COUNT, SIZE = 3000, 100_000  # 300 MB


def _most(program) -> int:
    """Bytes of memory that the process has had at most."""
    status = Path(f"/proc/{program.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


class _Settled:
    """True once a figure has not changed for three seconds."""

    def __init__(self, figure):
        self.figure, self.last, self.since = figure, None, 0.0

    def __call__(self):
        now = self.figure()
        if now != self.last:
            self.last, self.since = now, time.monotonic()
        return time.monotonic() > self.since + 3


@pytest.mark.timeout(180)
def test_a_sink_whose_table_is_locked_reads_no_more_than_it_may_hold(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 4}, only={"lineage", "deadletter"})
    lacuna.migrate()
    topic = lacuna.topic("lineage")
    lacuna.kafka.produce(topic, [decision(i) for i in range(40)])
    sink = lacuna.sink()
    wait_until(lambda: rows(lacuna) == 40, timeout=60, what="the first rows", alive=[sink])
    with lacuna.postgres.connect() as session:
        session.execute("begin")
        session.execute("lock table decisions in access exclusive mode")
        lacuna.kafka.produce(topic, [decision(40 + i, tags=["x" * SIZE]) for i in range(COUNT)])
        wait_until(_Settled(lambda: _most(sink)), timeout=60, what="the sink to stop reading",
                   alive=[sink], every=0.2)
        assert _most(sink) > 32 * MIB, "it has not even begun"
        session.execute("rollback")
    wait_until(lambda: rows(lacuna) == 40 + COUNT, timeout=90, what="all rows", alive=[sink],
               every=0.5)
    check(lacuna, 40 + COUNT)
    # kafka.queue_bytes, what is under way, and the rows of an interval; sanitizers have their own.
    if BIN.parent.name not in ("asan", "tsan"):
        assert _most(sink) < 192 * MIB, f"{_most(sink) / MIB:.0f} MiB"
