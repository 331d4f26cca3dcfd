# SPDX-License-Identifier: Apache-2.0
"""`lacuna dev`: one command, and nothing of it is left afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import BIN
from harness.paths import MODEL, need
from harness.process import Process
from harness.program import _SANITIZER, clean_env, http
from harness.wait import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "requests.jsonl"
BUILTIN = ROOT / "packs" / "builtin"


def alive_with(text) -> list[str]:
    """Command lines of living processes that contain `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and state != "Z":
            found.append(line)
    return found


class Dev(Process):
    """One `lacuna dev` in a data folder that outlives it."""

    def __init__(self, folder: Path, log: Path, *args, env=None, binaries=BIN, cwd=None):
        self.folder, self.port, self.binaries = folder, free_port(), binaries
        self.ready_file = folder.parent / "ready"
        super().__init__("lacuna-dev", [str(binaries / "lacuna"), "dev", "--data", str(folder),
                                        "--port", str(self.port),
                                        "--ready-file", str(self.ready_file), *args], log,
                         cwd=cwd)
        self.env = clean_env(folder.parent) | (env or {})

    def begin(self):
        self.start()
        wait_until(self.ready_file.exists, 90, "lacuna dev to be ready", alive=[self])
        return self

    def tool(self, *args, check=True, stdin=None):
        done = subprocess.run([str(self.binaries / "lacuna"), *args, "-c", str(self.folder / "lacuna.conf")],
                              env=clean_env(self.folder.parent), capture_output=True, text=True,
                              timeout=120, check=False, input=stdin)
        assert not _SANITIZER.search(done.stderr), done.stderr
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def classify(self, text):
        status, _, body = http("POST", f"http://127.0.0.1:{self.port}/api/v1/classify",
                               {"query": text})
        assert status == 200, body
        return json.loads(body)

    def rows(self):
        uri = f"host={self.folder / 'run'} user=lacuna dbname=lacuna"
        done = subprocess.run(["psql", uri, "-Atc", "select count(*) from decisions"],
                              capture_output=True, text=True, timeout=30, check=True)
        return int(done.stdout)

    def children(self):
        """{name: pid} of the direct children."""
        path = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        out = {}
        for pid in path.read_text().split():
            out[Path(f"/proc/{pid}/comm").read_text().strip()] = int(pid)
        return out


def _folder():
    """Not under pytest's folder: root's Postgres runs as somebody who can't pass that."""
    base = Path(tempfile.mkdtemp(prefix="lacuna-dev-test-"))
    base.chmod(0o755)
    return base / "data"


def _end(one):
    if one.running:
        assert one.stop(timeout=60) == 0, one.log_tail()
    assert not _SANITIZER.search(one.log()), one.log_tail(150)


@pytest.fixture
def folder():
    path = _folder()
    yield path
    shutil.rmtree(path.parent, ignore_errors=True)


def fetched(base):
    """A cache as tools/setup fills it, where the encoder is concerned."""
    (base / "cache" / "hf").mkdir(parents=True)
    (base / "cache" / "hf" / "all-minilm-l6-v2").symlink_to(need(MODEL))
    return base / "cache"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One for the tests that only look at it, started where production's addresses are set, by
    somebody whose new folders are closed to all others: root's Postgres must get in."""
    path = _folder() / "new"
    one = Dev(path, tmp_path_factory.mktemp("running") / "dev.log",
              env={"LACUNA_POSTGRES_URL": "postgresql://nowhere/prod",
                   "LACUNA__KAFKA__BOOTSTRAP_SERVERS": "prod:9092",
                   "LACUNA__CLASSIFY__SEMANTIC": "optional",
                   "LACUNA__MODEL__STORE": str(path.parents[1] / "models"),
                   "LACUNA_CACHE": str(fetched(path.parents[1]))})
    one.umask = 0o077
    yield one.begin()
    _end(one)
    shutil.rmtree(path.parents[1], ignore_errors=True)


@pytest.fixture
def dev(folder, tmp_path):
    made = []

    def make(*args, env=None):
        made.append(Dev(folder, tmp_path / f"dev-{len(made)}.log", *args, env=env))
        return made[-1].begin()

    yield make
    for one in made:
        _end(one)


def assert_gone(folder):
    wait_until(lambda: not alive_with(str(folder)), 10, "every process to be gone")


def test_dev_classifies_stores_and_keeps_its_data_over_a_restart(dev, folder):
    first = dev()
    assert first.classify("write to jane.doe@example.com")["tier"] == "PROPRIETARY"
    shown = first.tool("publish", "--table", str(SAMPLES)).stdout.splitlines()
    count = len(SAMPLES.read_text().splitlines())
    assert len(shown) == count + 2
    assert all(any(t in line for line in shown) for t in ("PUBLIC", "INTERNAL", "PROPRIETARY"))
    assert first.rows() == count + 1
    key = (folder / "commitment.key").read_text()
    assert (folder / "commitment.key").stat().st_mode & 0o777 == 0o600
    assert first.stop(timeout=60) == 0, first.log_tail()
    assert_gone(folder)
    assert not (folder / "lacuna.conf").exists()

    second = dev()
    assert second.rows() == count + 1
    # Offsets begin at 0 again; a new origin keeps new events from taking old ids.
    second.tool("publish", "--wait", str(SAMPLES))
    assert second.rows() == 2 * count + 1
    assert (folder / "commitment.key").read_text() == key


def test_ctrl_c_leaves_no_process_and_no_record_behind(dev, folder):
    one = dev()
    lines = "\n".join(f"text number {i}" for i in range(5000))
    one.tool("publish", "--quiet", "--format", "lines", "-", stdin=lines)
    one.popen.send_signal(signal.SIGINT)
    wait_until(lambda: not one.running, 60, "lacuna dev to end")
    assert one.popen.returncode == 0, one.log_tail()
    assert "still on their way" not in one.log()
    assert_gone(folder)
    again = dev()
    assert again.rows() == 5000


def test_the_ready_file_is_there_whole_and_a_pipe_in_its_place_stays(folder, tmp_path):
    one = Dev(folder, tmp_path / "dev-0.log")
    one.ready_file.write_text("older")
    seen = tmp_path / "seen"  # by who has opened it before
    seen.hardlink_to(one.ready_file)
    one.start()
    try:
        wait_until(lambda: one.ready_file.read_text() != "older", 90, "the ready file", alive=[one])
        assert one.ready_file.read_text() == f"{one.pid}\n" and seen.read_text() == "older"
    finally:
        _end(one)
    assert not one.ready_file.exists()
    os.mkfifo(one.ready_file)
    one = Dev(folder, tmp_path / "dev-1.log")
    one.start()
    try:
        assert one.ready_file.read_text() == f"{one.pid}\n"
    finally:
        _end(one)
    assert one.ready_file.is_fifo()


def test_a_killed_supervisor_takes_all_with_it_and_the_next_start_recovers(dev, folder):
    one = dev()
    one.classify("before the crash")
    wait_until(lambda: one.rows() == 1, 10, "the row")
    one.kill()
    assert_gone(folder)
    one.ready_file.unlink()
    again = dev()
    assert again.rows() == 1
    assert again.classify("after it")["event_id"]


def test_a_child_that_dies_is_reported_and_restarted(dev):
    one = dev()
    victims = one.children()
    for name in ("lacuna-sink", "lacuna-classify", "postgres"):
        os.kill(victims[name], signal.SIGKILL)
        wait_until(lambda n=name: f"{n} was killed by signal 9" in one.log(), 10, "the report")
        wait_until(lambda n=name: one.children().get(n, victims[n]) != victims[n], 20, "the restart")
    one.tool("publish", "--wait", "--wait-timeout", "60s", str(SAMPLES))


def test_two_in_one_folder_and_a_taken_port_say_what_to_do(running):
    done = running.tool("dev", "--data", str(running.folder), check=False)
    assert done.returncode == 4 and f"process {running.popen.pid}" in done.stderr
    other = running.folder.parent / "other"
    done = running.tool("dev", "--data", str(other), "--port", str(running.port), check=False)
    assert done.returncode == 4 and "is taken" in done.stderr and "--port" in done.stderr


def test_addresses_of_production_in_the_environment_are_not_used(running):
    shown = running.tool("config", "show", "--json").stdout
    assert "prod" not in json.loads(shown)["settings"]["kafka.bootstrap_servers"]["value"]
    assert "nowhere" not in shown


def test_dev_runs_the_encoder_that_setup_has_fetched(running):
    path = str(running.folder.parents[1] / "cache" / "hf" / "all-minilm-l6-v2")
    assert f"  Encoder   {path}" in running.log().splitlines()
    shown = json.loads(running.tool("config", "show", "--json").stdout)["settings"]
    assert shown["classify.model"]["value"] == path
    assert len(running.classify("x")["engine"]) > 0


def test_dev_works_on_a_kafka_that_is_there(dev, kafka, prefix):
    one = dev("--brokers", kafka.bootstrap, f"--kafka-topic-prefix={prefix}")
    one.tool("publish", "--wait", str(SAMPLES))
    listed = json.loads(one.tool("topics", "list", "--json").stdout)
    assert all(t["exists"] and t["difference"] is None for t in listed)


def test_the_state_of_a_program_leaves_the_way_open_for_dev_below_it(folder, tmp_path):
    """Root's default for dev is a folder in the default for state."""
    state = folder.parent / "state"
    env = clean_env(tmp_path) | {"LACUNA__STATE__DIR": str(state),
                                 "LACUNA__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
                                 "LACUNA__BRIDGE__LISTEN": "127.0.0.1:0"}
    bridge = Process("bridge", [BIN / "lacuna-bridge"], tmp_path / "bridge.log", env)
    bridge.umask = 0o022
    bridge.start()
    wait_until(lambda: list(state.glob("*.lock")), 30, "the lock", alive=[bridge])
    bridge.kill()
    assert state.stat().st_mode & 0o777 == 0o755
    for private in state.glob("*.lock"):
        assert private.stat().st_mode & 0o077 == 0


def test_topics_create_has_nothing_to_do_on_dev_although_its_broker_cannot_create(running):
    assert running.tool("topics", "create").stdout.startswith("0 of 13")


def test_a_tail_begins_at_a_time_although_the_broker_knows_none(running):
    running.classify("something to tail")
    records = ("tail", "routing", "--no-follow", "--from")
    wait_until(lambda: running.tool(*records, "beginning").stdout, 30, "the record to be there")
    assert running.tool(*records, "10m").stdout
    assert not running.tool(*records, "0s").stdout


def test_doctor_finds_a_running_dev_healthy(running):
    checks = json.loads(running.tool("doctor", "--json").stdout)
    assert {c["check"] for c in checks} >= {"kafka", "topics", "postgres", "schema", "clock"}
    assert not [c for c in checks if c["verdict"] == "fail"]


def test_a_pushed_pack_can_be_rolled_back_although_the_broker_keeps_little(dev, folder):
    """The built-in pack fills a partition of dev's broker: no push may push out the one before."""
    one = dev()
    own = shutil.copytree(BUILTIN, folder.parent / "ours")
    text = (own / "pack.yaml").read_text()
    hashes = []

    def counts(number):
        wait_until(lambda: one.classify("hello")["pack"] == hashes[number - 1], 60,
                   f"push {number} to count", alive=[one])

    for number in (1, 2, 3, 4):
        (own / "pack.yaml").write_text(f"# number {number}\n{text}")
        said = one.tool("pack", "push", str(own)).stdout
        hashes.append(said.split("hash ")[1].split(",")[0])
        counts(number)
    assert len(set(hashes)) == 4
    one.tool("pack", "rollback")
    counts(3)
    one.tool("pack", "rollback", "--to", "1")
    counts(1)


def test_an_installed_place_has_what_people_need_and_nothing_of_the_tree(folder, tmp_path):
    subprocess.run(["cmake", "--install", BIN.parent, "--prefix", "/opt/lacuna"], check=True,
                   env=os.environ | {"DESTDIR": str(tmp_path / "stage")}, capture_output=True)
    # Not where it was told that it would be: as a package's files, or those of an image.
    folder.parent.mkdir(exist_ok=True)
    place = folder.parent / "place"
    shutil.copytree(tmp_path / "stage" / "opt" / "lacuna", place)
    for name in ("lacuna/samples/requests.jsonl", "lacuna/avro/Request.avsc", "lacuna/topics.json",
                 "lacuna/sql/001_decisions.sql", "doc/lacuna/LICENSE", "doc/lacuna/README.md",
                 "doc/lacuna/packs/README.md", "doc/lacuna/packs/words/COPYING"):
        assert (place / "share" / name).is_file(), name
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    one = Dev(folder, tmp_path / "dev.log", binaries=place / "bin", cwd=elsewhere).begin()
    try:
        said = re.search(r"lacuna -c \S+ publish --table (\S+)", one.log())[1]
        assert Path(said) == place / "share" / "lacuna" / "samples" / "requests.jsonl"
        assert "PROPRIETARY" in one.tool("publish", "--table", said).stdout
        shutil.rmtree(place / "share")
    finally:
        _end(one)
    one = Dev(folder, tmp_path / "again.log", binaries=place / "bin", cwd=elsewhere).begin()
    assert "| lacuna -c" in one.log() and "publish --table -" in one.log()
    _end(one)
