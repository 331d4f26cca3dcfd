# SPDX-License-Identifier: Apache-2.0
"""
Integration tests: the real programs against a real Kafka, schema registry and Postgres.

    tools/test --only integration            all of them
    ~/.cache/lacuna/python/bin/pytest tests/integration -k tls     some, after tools/setup --test
    LACUNA_BIN=build/asan/bin ...            the same with another build

tools/test shares them out over several processes (-n), which wait for different things at once: by
itself pytest runs them one after the other. Each process has components of its own. Whatever a test
makes or looks at must be its own, too: other tests run beside it.

A test reads like its name and asks for what it needs:

    def test_a_request_becomes_a_row(lacuna):
        lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
        lacuna.migrate()
        lacuna.classify()                       # lacuna-classify, started and ready
        lacuna.sink("sink-0", sink__batch_rows=10)     # a setting: section__name
        lacuna.publish([{"text": "our SSN list"}])     # JSON to <prefix>requests
        wait_until(lambda: lacuna.postgres.value("select count(*) from decisions") == 1)

Fixtures:
    kafka      one broker for the whole process. Topics of a test have its own prefix.
    registry   one schema registry for the whole process.
    postgres   a fresh database server for this test, on a unix socket.
    lacuna     a Stack: kafka + postgres + settings + the programs started through it. At the end of
               the test every program must stop in order, and no sanitizer may have reported.
    stack      a function for tests that want their own: stack(kafka=..., postgres=..., conf=...).
    new_kafka, new_postgres    functions that make one for this test alone, for tests that stop or
               restart it or want TLS: new_kafka(certificates=...), new_postgres(certificates=...).

Rules: no sleeps, only wait_until(); ports only from free_port(); every file under tmp_path; a
missing component fails, it never skips; kill only what the harness started, through its object.
When a test fails, the ends of all logs of its processes are printed with it.
"""

import functools
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position,redefined-outer-name
from harness import Kafka, Postgres, Program, Registry, Stack  # noqa: E402
from harness import process as processes  # noqa: E402


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    broker = Kafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.close()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    server = Registry(tmp_path_factory.mktemp("registry"))
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session", autouse=True)
def _postgres_template():
    yield
    Postgres.remove_template()


@pytest.fixture
def new_kafka(tmp_path):
    made = []

    def make(**options):
        made.append(Kafka(tmp_path / f"kafka-{len(made)}", **options))
        return made[-1].start()

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def new_postgres(tmp_path):
    made = []

    def make(**options):
        made.append(Postgres(tmp_path / f"postgres-{len(made)}.log", **options))
        return made[-1].start()

    yield make
    for server in made:
        server.close()


@pytest.fixture
def postgres(new_postgres):
    return new_postgres()


@pytest.fixture
def prefix(request):
    """Topic names of this test begin with it; it is legal and short."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))
    return f"{name[:60].strip('-')}-{abs(hash(request.node.nodeid)) % 10**6}."


@pytest.fixture
def stack(request, tmp_path, prefix):
    """Stack(...) with the ends of this test: programs stop in order, then are gone."""
    made = []

    def make(kafka=None, postgres=None, conf=None):
        kafka = kafka or request.getfixturevalue("kafka")
        made.append(Stack(tmp_path / f"stack-{len(made)}", kafka, prefix, postgres, conf))
        return made[-1]

    yield make
    try:
        # After a failure the programs may be in any state: only their end matters then.
        if not getattr(request.node, "failed", False):
            for one in made:
                one.check()
    finally:
        for one in made:
            one.close()


@pytest.fixture
def lacuna(stack, kafka, postgres):
    return stack(kafka=kafka, postgres=postgres)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of several processes one gets all tests of a file that share something, so that it is made
    once; of the other files each test goes to whoever is free."""
    from xdist.scheduler import LoadScopeScheduling  # pylint: disable=import-outside-toplevel

    class Scheduling(LoadScopeScheduling):
        """Begins with the largest of what stays together."""

        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return file if _shares(config.rootpath / file) else nodeid

    return Scheduling(config, log)


@functools.cache
def _shares(path) -> bool:
    return 'scope="module"' in path.read_text(encoding="utf-8")


def pytest_collection_modifyitems(config, items):
    """Of several processes none should be waited for in the end: what may take longest comes first."""
    def limit(item):
        marker = item.get_closest_marker("timeout")
        return marker.args[0] if marker else 0

    if hasattr(config, "workerinput"):
        items.sort(key=limit, reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.failed = True
        for process in processes.living():
            # Ours are what one wants to read; the components only say that they lived.
            lines = 80 if isinstance(process, Program) else 12
            report.sections.append((f"log of {process.name}", process.log_tail(lines)))
    return report
