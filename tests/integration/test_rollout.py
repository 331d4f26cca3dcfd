# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes does to workers all day, while requests come: new versions one after the other, more
of them, fewer of them. Nothing is lost or doubled, and in the end nothing waits."""

import json
import re
import threading

import pytest
from harness import wait_until
from harness.flow import check_rows, check_topics, requests

PARTITIONS = 8
LAG = re.compile(r'lacuna_lane_lag_records\{.*topic="[^"]+requests",partition="(\d+)"\}')


class _Load:
    """Requests in small portions until the end of the `with`: somebody always waits."""

    def __init__(self, lacuna, portion=200):
        self.lacuna = lacuna
        self.portion = portion
        self.count = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _run(self):
        producer = self.lacuna.kafka.producer()
        while not self._end.wait(0.05):
            for request in requests(self.portion, self.count):
                producer.produce(self.lacuna.topic("requests"), json.dumps(request),
                                 headers={"content-type": "application/json"})
            assert producer.flush(60) == 0
            self.count += self.portion

    def more(self, alive):
        """Some more have been decided since."""
        rows = _rows(self.lacuna)
        wait_until(lambda: _rows(self.lacuna) > rows + 2 * self.portion, timeout=60,
                   what="the flow to go on", alive=alive)


def _rows(lacuna) -> int:
    return lacuna.postgres.value("select count(*) from decisions")


def _lag(*workers) -> dict[int, float]:
    found = {}
    for worker in workers:
        found |= {int(m[1]): value for name, value in worker.metrics().items()
                  if (m := LAG.match(name))}
    return found


def _check(lacuna, load, *workers):
    wait_until(lambda: _rows(lacuna) >= load.count, timeout=90, what="all rows", alive=workers,
               every=0.2)
    wait_until(lambda: _lag(*workers) == dict.fromkeys(range(PARTITIONS), 0), timeout=30,
               what="the lag to be 0", every=0.2)
    check_rows(lacuna, check_topics(lacuna, (r["request_id"] for r in requests(load.count))))


def _begin(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"requests": PARTITIONS, "*": 2})
    lacuna.migrate()
    return lacuna.sink()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("static", [pytest.param(False, id="deployment"),
                                    pytest.param(True, id="stateful set", marks=pytest.mark.long)])
def test_a_rolling_restart_under_load_loses_and_doubles_nothing(lacuna, static):
    sink = _begin(lacuna)
    conf = {"classify__lanes": 1, "kafka__static_membership": static}
    workers = [lacuna.classify(f"classify-{i}", **conf) for i in range(3)]
    with _Load(lacuna) as load:
        load.more([sink, *workers])
        for i in range(3):
            # A stateful set keeps names and takes the old one away first, a deployment does not.
            if static:
                assert workers[i].stop(timeout=60) == 0, workers[i].log_tail()
                workers[i] = lacuna.classify(f"classify-{i}", **conf)
            else:
                old, workers[i] = workers[i], lacuna.classify(f"classify-{i + 3}", **conf)
                assert old.stop(timeout=60) == 0, old.log_tail()
            load.more([sink, *workers])
        assert sink.stop(timeout=60) == 0
        sink = lacuna.sink()
        load.more([sink, *workers])
    _check(lacuna, load, *workers)


@pytest.mark.timeout(240)
def test_scaling_to_four_workers_and_back_under_load_loses_and_doubles_nothing(lacuna):
    sink = _begin(lacuna)
    first = lacuna.classify("classify-0", classify__lanes=1)
    with _Load(lacuna) as load:
        load.more([sink, first])
        # All at once, as an autoscaler does.
        added = [lacuna.classify(f"classify-{i}", ready=False, classify__lanes=1)
                 for i in range(1, 4)]
        for worker in added:
            worker.ready()
        wait_until(lambda: all(len(_lag(w)) == 2 for w in [first, *added]), timeout=60,
                   what="two partitions for each", alive=[first, *added], every=0.2)
        load.more([sink, first, *added])
        for worker in added:
            worker.send_signal(15)
        for worker in added:
            assert worker.wait(60) == 0, worker.log_tail()
        load.more([sink, first])
    _check(lacuna, load, first)
