# SPDX-License-Identifier: Apache-2.0
"""Runs lacuna-bench with a Kafka and a Postgres of its own; called by tools/bench."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from harness import Kafka, Postgres  # noqa: E402  pylint: disable=wrong-import-position
from harness.paths import MODEL  # noqa: E402  pylint: disable=wrong-import-position

BINARY = ROOT / "build" / "release" / "bin" / "lacuna-bench"
# Heap and compilers as kafka-server-start.sh gives them: operators run that. The tests' settings
# are made for a quick start: their small heap is collected for a twelfth of the broker's time, and
# code that only the first compiler has seen is slower. The collector is the tests' serial one: on
# two cores, which the clients use as well, G1 stops the broker every second for 15 to 60 ms, and a
# 99th percentile would be of nothing else.
JVM = ["-server", "-Xms1g", "-Xmx1g", "-XX:+UseSerialGC"]
BROKER = {"num.network.threads": 2, "num.io.threads": 2, "log.segment.bytes": 268435456,
          # Topics of earlier runs go at once, before the kernel has written them to a disk.
          "log.segment.delete.delay.ms": 500,
          # As brokers wait by default, if shorter: all lanes of a run share the work from the start.
          "group.initial.rebalance.delay.ms": 1000}


# The environment of a benchmark's peer, and what stands in each; st's takes 6 GB.
PEER_OF = {"encode.ort": "ort", "encode.st": "st", "pipe.python": "st",
           "pipe.python.layers": "st"}
PEERS = {"ort": ["onnxruntime==1.31.1", "onnx==1.23.2", "numpy==2.4.6", "safetensors==0.8.0"],
         "st": ["sentence-transformers==6.2.0", "torch==2.15.0", "confluent-kafka==2.16.1",
                "fastavro==1.13.1"]}


def make_peers(folder, arguments):
    """With --peers, an environment for each peer that is wanted."""
    named = [a for a in arguments if not a.startswith("-")] or PEER_OF
    for name in sorted({PEER_OF[n] for n in named if n in PEER_OF}):
        home, packages = folder / name, PEERS[name]
        complete = home / "complete"
        if complete.exists() and complete.read_text().split() == packages:
            continue
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", *packages], check=True,
                       stdout=sys.stderr)
        complete.write_text("\n".join(packages))


def given(arguments, flag, variable):
    return variable in os.environ or any(a.startswith(flag) for a in arguments)


def wants_pack(arguments):
    """Whether tier 2's path runs and the built-in pack has learned nothing."""
    names = {a for a in arguments if not a.startswith("-")}
    paths = {"pipe.tier2", "pipe.python", "pipe.python.layers"}
    return ((not names or names & paths) and "LACUNA_BENCH_PACK" not in os.environ
            and not (ROOT / "packs" / "builtin" / "semantic").exists())


def train_pack(folder):
    """The built-in pack with a head of its own, from a few of the starter texts."""
    shutil.copytree(ROOT / "packs" / "builtin", folder)
    (folder / "exemplars").mkdir()
    for domain in ("general", "hr", "sales"):
        lines = (ROOT / "packs" / "starter" / f"{domain}.jsonl").read_text().splitlines()
        some = [line for tier in ("PUBLIC", "INTERNAL", "PROPRIETARY")
                for line in [x for x in lines if json.loads(x)["tier"] == tier][:40]]
        (folder / "exemplars" / f"{domain}.jsonl").write_text("\n".join(some) + "\n")
    subprocess.run([BINARY.parent / "lacuna", "train", folder, "--model", MODEL], check=True,
                   stdout=subprocess.DEVNULL)
    return folder


def main():
    arguments = sys.argv[1:]
    # Peers that are Python packages run in this very Python.
    environment = {"LACUNA_BENCH_PYTHON": sys.executable, **os.environ}
    if "--peers" in arguments:
        arguments.remove("--peers")
        cache = os.environ.get("LACUNA_CACHE") or Path.home() / ".cache" / "lacuna"
        environment["LACUNA_BENCH_PEERS"] = str(Path(cache) / "peers")
        make_peers(Path(environment["LACUNA_BENCH_PEERS"]), arguments)
    broker = database = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="lacuna-bench-") as folder:
        try:
            if not given(arguments, "--brokers", "LACUNA_BENCH_BROKERS"):
                broker = Kafka(Path(folder) / "kafka", properties=BROKER, jvm=JVM)
                broker.start()
                environment["LACUNA_BENCH_BROKERS"] = broker.bootstrap
                environment["LACUNA_BENCH_BROKER_PID"] = str(broker.process.pid)
            if not given(arguments, "--postgres", "LACUNA_BENCH_POSTGRES"):
                database = Postgres(Path(folder) / "postgres.log", durable=True,
                                    settings={"shared_buffers": "512MB", "max_wal_size": "4GB"})
                database.start()
                environment["LACUNA_BENCH_POSTGRES"] = database.url
            if wants_pack(arguments):
                environment["LACUNA_BENCH_PACK"] = str(train_pack(Path(folder) / "pack"))
            return subprocess.run([BINARY, *arguments], env=environment, check=False).returncode
        finally:
            if broker:
                broker.close()
            if database:
                database.close()
                Postgres.remove_template()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
