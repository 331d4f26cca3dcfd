# SPDX-License-Identifier: Apache-2.0
"""The person's tool against a real Kafka and Postgres: what it says, and its exit statuses."""

import collections
import hashlib
import http.server
import json
import os
import pty
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from harness import BIN
from harness.program import clean_env, conf_env
from harness.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "requests.jsonl"


@pytest.fixture
def flow(lacuna):
    """Topics, tables and workers."""
    lacuna.tool("topics", "create")
    lacuna.migrate()
    lacuna.classify(classification__strategy="balanced")
    lacuna.sink()
    return lacuna


def test_topics_create_is_idempotent_and_names_differences(lacuna):
    assert lacuna.tool("topics", "list", check=False).returncode == 1
    first = lacuna.tool("topics", "create").stdout
    assert first.startswith("13 of 13 topics created")
    assert lacuna.tool("topics", "create").stdout.startswith("0 of 13")
    listed = json.loads(lacuna.tool("topics", "list", "--json").stdout)
    assert len(listed) == 13 and all(t["exists"] and t["difference"] is None for t in listed)
    more = lacuna.tool("topics", "list", "--kafka-replication-factor=3").stdout
    assert "1 replicas" in more


def test_topics_create_makes_only_those_that_are_missing(lacuna, kafka):
    kafka.create_topics(lacuna.prefix, only=["requests"])
    assert lacuna.tool("topics", "create").stdout.startswith("12 of 13 topics created")


@pytest.mark.parametrize("command, status", [
    (["classify", "--max-tier", "INTERNAL", "jane.doe@northwind-corp.com"], 1),
    (["classify", "--max-tier", "PROPRIETARY", "jane.doe@northwind-corp.com"], 0),
    (["pack", "lint", "bad"], 1), (["pack", "diff", "builtin", "ours"], 1),
    (["config", "validate"], 1)], ids=lambda c: " ".join(c) if isinstance(c, list) else "")
def test_a_reader_that_has_gone_takes_nothing_from_a_verdict(tmp_path, command, status):
    env = clean_env(tmp_path)
    for name in ("ours", "bad"):
        subprocess.run([BIN / "lacuna", "pack", "init", name], cwd=tmp_path, check=True,
                       capture_output=True, env=env)
    (tmp_path / "bad" / "rules" / "ours.yaml").write_text("rules: nothing\n")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([BIN / "lacuna", *command], cwd=tmp_path, stdout=writer, env=env,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.parametrize("command", ["tail routing", "publish -", "deadletter list",
                                     "deadletter retry --all --yes", "topics list", "doctor"])
def test_ctrl_c_ends_the_wait_for_a_broker_that_does_not_answer(command, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = clean_env(tmp_path) | conf_env(
            {"kafka.bootstrap_servers": f"127.0.0.1:{silent.getsockname()[1]}"})
        with subprocess.Popen([BIN / "lacuna", *command.split()], env=env, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
            connection, _ = silent.accept()
            with connection:
                waiting.send_signal(signal.SIGINT)
                waiting.communicate(timeout=60)
    assert waiting.returncode == -signal.SIGINT


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("source", ["-", "fifo"])
def test_a_publish_that_waits_for_its_input_can_be_stopped(lacuna, source, how, tmp_path):
    lacuna.kafka.create_topics(lacuna.prefix, only=["requests"])
    path = tmp_path / "fifo"
    os.mkfifo(path)
    command = [BIN / "lacuna", "publish", "--format", "lines", source.replace("fifo", str(path))]
    with subprocess.Popen(command, env=clean_env(tmp_path) | conf_env(lacuna.conf), stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE) as waiting:
        into = waiting.stdin if source == "-" else open(path, "wb", buffering=0)
        with into:
            into.write(b"a whole line\nhalf a li")
            into.flush()
            wait_until(lambda: lacuna.kafka.read(lacuna.topic("requests")), what="the first record")
            waiting.send_signal(how)
            try:
                waiting.wait(timeout=10)
            finally:
                waiting.kill()
            said = waiting.stderr.read()
    assert waiting.returncode == 130 and b"stopped by a signal" in said, said
    assert len(lacuna.kafka.read(lacuna.topic("requests"))) == 1


@pytest.mark.parametrize("options, status", [([], 0), (["--no-follow"], 130), (["-n", "9"], 130)])
def test_a_tail_that_is_stopped_says_whether_something_is_missing(lacuna, options, status, tmp_path):
    lacuna.kafka.create_topics(lacuna.prefix, only=["requests"])
    lacuna.publish([{"text": "x" * 1000}] * 5000 if "--no-follow" in options else [{"text": "x"}])
    command = [BIN / "lacuna", "tail", "requests", "--from", "beginning", *options]
    with subprocess.Popen(command, env=clean_env(tmp_path) | conf_env(lacuna.conf),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        # More than fits into the pipe, so that it can't have come to the end before.
        assert tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, said = tail.communicate(timeout=60)
    assert tail.returncode == status, said
    assert (b"stopped by a signal" in said) == (status != 0)


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_terminal_that_cannot_redraw_a_line_gets_none_that_is(term, tmp_path):
    env = clean_env(tmp_path) | {"TERM": term}
    person, terminal = pty.openpty()
    with open(person, "rb", buffering=0) as seen:
        with subprocess.Popen([BIN / "lacuna", "pack", "diff", "builtin", ROOT / "packs" / "builtin"],
                              env=env, stdout=terminal, stderr=terminal) as child:
            os.close(terminal)
            got = b""
            while not got.endswith(b"gone"):
                try:
                    got += seen.read(65536)
                except OSError:  # what a terminal answers once nobody holds its other end
                    got += b"gone"
        assert child.returncode == 0
    assert (b"\x1b" in got) == (term == "xterm"), got


@pytest.mark.parametrize("command, status, said", [
    ("classify <&-", 4, "standard input: "),
    ("classify --file latin1.txt", 4, "iconv"),
    ("model add nowhere", 2, '"nowhere" is no folder and no known name'),
    ("model verify", 0, "there is nothing to compare")])
def test_errors_say_what_they_are_about(tmp_path, command, status, said):
    (tmp_path / "latin1.txt").write_bytes(b"caf\xe9")
    done = subprocess.run(["bash", "-c", f'"{BIN}/lacuna" {command}'], cwd=tmp_path, text=True,
                          capture_output=True, timeout=60, check=False,
                          env=clean_env(tmp_path) | conf_env({"model.store": tmp_path / "models"}))
    assert done.returncode == status and said in done.stderr, done.stderr


def test_labelled_texts_and_requests_may_begin_with_a_byte_order_mark(tmp_path):
    line = b'\xef\xbb\xbf{"text": "mail jane.doe@northwind-corp.com", "tier": "PROPRIETARY"}\r\n'
    (tmp_path / "labelled.jsonl").write_bytes(line)
    (tmp_path / "requests.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "mail me"}\r\n')
    for command in (["eval", "labelled.jsonl"],
                    ["pack", "diff", "builtin", "builtin", "--requests", "requests.jsonl"]):
        subprocess.run([BIN / "lacuna", *command], cwd=tmp_path, check=True, timeout=60,
                       capture_output=True, env=clean_env(tmp_path))


def test_tail_ends_when_its_reader_has_gone(lacuna, tmp_path):
    lacuna.tool("topics", "create")
    lacuna.kafka.produce(lacuna.topic("requests"), [b'{"text": "one"}'])
    wait_until(lambda: lacuna.tool("tail", "requests", "--from", "beginning", "--no-follow",
                                   check=False).stdout, 30, "the record")
    env = clean_env(tmp_path) | conf_env(lacuna.conf)
    with subprocess.Popen([BIN / "lacuna", "tail", "requests", "--from", "beginning"], env=env,
                          stdout=subprocess.PIPE) as tail:
        assert json.loads(tail.stdout.readline())["value"]["text"] == "one"
        tail.stdout.close()  # and no further record comes
        try:
            assert tail.wait(timeout=20) == 0
        finally:
            tail.kill()


@pytest.mark.parametrize("command", [
    ["scan", "a.txt"], ["pack", "show"], ["pack", "lint", "ours"],
    ["pack", "lint", "builtin"], ["pack", "test"],
    ["pack", "diff", "builtin", "builtin"], ["model", "list"], ["eval", "labelled.jsonl"]],
    ids=" ".join)
def test_json_is_asked_for_in_the_same_two_ways_everywhere(tmp_path, command):
    def run(*options):
        return subprocess.run([BIN / "lacuna", *command, *options], cwd=tmp_path, text=True,
                              capture_output=True, env=clean_env(tmp_path), timeout=60, check=False)

    (tmp_path / "a.txt").write_text("mail jane.doe@northwind-corp.com\n")
    (tmp_path / "labelled.jsonl").write_text(
        '{"text": "mail jane.doe@northwind-corp.com", "tier": "PROPRIETARY"}\n')
    subprocess.run([BIN / "lacuna", "pack", "init", "ours"], cwd=tmp_path, check=True,
                   capture_output=True, env=clean_env(tmp_path))
    long, short = run("--format", "json"), run("-j")
    assert (short.returncode, short.stdout) == (long.returncode, long.stdout)
    json.loads(short.stdout)
    both = run("-j", "--format", "text")
    assert both.returncode == 2 and "exclude each other" in both.stderr


def test_migrate_says_what_it_did_and_does_it_once(lacuna):
    assert lacuna.tool("migrate", "--dry-run", check=False).returncode == 1
    assert "applied 001" in lacuna.tool("migrate").stdout
    assert "nothing to do" in lacuna.tool("migrate").stdout
    lacuna.tool("migrate", "--dry-run")


def test_published_samples_are_in_postgres_and_in_the_table(flow):
    shown = flow.tool("publish", "--table", str(SAMPLES)).stdout
    count = len(SAMPLES.read_text().splitlines())
    assert len(shown.splitlines()) == count + 2
    assert flow.postgres.value("select count(*) from decisions") == count
    routed = flow.tool("tail", "routing", "--from", "beginning", "--no-follow").stdout
    assert len(routed.splitlines()) == count
    tiers = [json.loads(line)["value"]["tier"] for line in routed.splitlines()]
    assert set(tiers) == {"PUBLIC", "INTERNAL", "PROPRIETARY"}
    one = flow.tool("tail", "lineage", "--from", "10m", "--no-follow", "--tier", "proprietary",
                    "--where", "user.id=erin", "--value", "--max", "1").stdout
    assert json.loads(one)["core"]["tier"] == "PROPRIETARY"


def test_formats_lines_csv_folders_and_stdin(flow, tmp_path):
    (tmp_path / "a.csv").write_text('text,user.id,metadata.ticket\n"one, ""quoted""\n",jo,7\ntwo,,\n')
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "x.txt").write_text("a whole\ndocument\n")
    (folder / "deep" / "y.jsonl").write_text('{"query": "inside"}\n')
    (folder / ".hidden").write_text("no\n")
    flow.tool("publish", "--wait", "--project", "apollo", str(tmp_path / "a.csv"), str(folder), "-",
              stdin="line one\n\nline two\r\n")
    read = flow.tool("tail", "requests", "--from", "beginning", "--no-follow", "--value").stdout
    requests = {r["text"]: r for r in map(json.loads, read.splitlines())}
    assert set(requests) == {'one, "quoted"\n', "two", "a whole\ndocument\n", "inside", "line one",
                             "line two"}
    assert requests['one, "quoted"\n']["user"]["id"] == "jo"
    assert requests['one, "quoted"\n']["metadata"] == {"ticket": "7"}
    assert requests["a whole\ndocument\n"]["kind"] == "document"
    assert all(r["project"] == "apollo" for r in requests.values())


def test_bad_lines_are_named_counted_and_cost_only_themselves(lacuna, tmp_path):
    lacuna.tool("topics", "create")
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b'{"text": "good"}\n{"text": 7}\nnot json\n{"text": "x", "usr": 1}\n'
                    b'{"text": "\xff"}\n{"text": "last"}')
    done = lacuna.tool("publish", bad, check=False)
    assert done.returncode == 1
    for line in (2, 3, 4, 5):
        assert f"{bad}:{line}: " in done.stderr
    assert "2 records delivered" in done.stderr and "4 bad" in done.stderr
    assert lacuna.tool("publish", "--skip-errors", bad).returncode == 0


def test_an_interrupted_publish_goes_on_where_it_stopped(lacuna, tmp_path):
    lacuna.tool("topics", "create")
    big = tmp_path / "big.jsonl"
    count = 400_000
    with big.open("w") as f:
        for i in range(count):
            f.write('{"text": "number %d", "request_id": "r%d"}\n' % (i, i))
    conf = lacuna.conf | {"state.dir": tmp_path / "state"}
    command = [str(BIN / "lacuna"), "publish", "--json", str(big)]
    env = clean_env(tmp_path) | conf_env(conf)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as first:
        journals = tmp_path / "state" / "publish"
        wait_until(lambda: journals.exists() and list(journals.glob("*.journal")), 30, "the journal")
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=60)
    assert first.returncode == 130, err
    done = json.loads(out)
    assert 0 < done["delivered"] < count and not done["complete"]
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=True)
    assert "Going on after line" in second.stderr
    total = json.loads(second.stdout)
    assert total["delivered"] == count and total["resumed"] == done["delivered"]
    # An orderly stop repeats nothing.
    read = lacuna.tool("tail", "requests", "--from", "beginning", "--no-follow", "--value").stdout
    ids = [json.loads(line)["request_id"] for line in read.splitlines()]
    assert len(ids) == count and len(set(ids)) == count
    assert not list(journals.glob("*.journal"))


def test_a_publish_that_nobody_acknowledges_says_what_it_waits_for(stack, new_kafka, tmp_path):
    kafka = new_kafka()
    lacuna = stack(kafka=kafka)
    lacuna.tool("topics", "create")
    big = tmp_path / "big.txt"
    big.write_text("".join(f"line {i}\n" for i in range(600_000)))
    command = [str(BIN / "lacuna"), "publish", str(big)]
    env = clean_env(tmp_path) | conf_env(lacuna.conf | {"state.dir": tmp_path / "state"})
    said = tmp_path / "said"
    with said.open("w") as err, subprocess.Popen(command, env=env, stderr=err) as run:
        journals = tmp_path / "state" / "publish"
        wait_until(lambda: journals.exists() and list(journals.glob("*.journal")), 30, "the journal")
        kafka.pause()
        run.send_signal(signal.SIGINT)
        wait_until(lambda: "a second signal ends that" in said.read_text(), 30, "what it waits for")
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
        kafka.resume()
    assert "Run the same command again" in said.read_text()


def test_a_changed_file_is_not_resumed(lacuna, tmp_path):
    lacuna.tool("topics", "create")
    big = tmp_path / "big.txt"
    big.write_text("".join(f"line {i}\n" for i in range(600_000)))
    conf = lacuna.conf | {"state.dir": tmp_path / "state"}
    command = [str(BIN / "lacuna"), "publish", str(big)]
    env = clean_env(tmp_path) | conf_env(conf)
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as first:
        journals = tmp_path / "state" / "publish"
        wait_until(lambda: journals.exists() and list(journals.glob("*.journal")), 30, "the journal")
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
    big.write_text("other" + big.read_text())
    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 4 and "changed since" in again.stderr and "--restart" in again.stderr
    subprocess.run([*command, "--restart", "--quiet"], env=env, timeout=60, check=True)


def interrupted(lacuna, tmp_path, *options, lines=400_000):
    """A publish that was stopped in the middle: its command, environment, and journal."""
    lacuna.tool("topics", "create")
    big = tmp_path / "big.txt"
    big.write_text("".join(f"line {i}\n" for i in range(lines)))
    command = [str(BIN / "lacuna"), "publish", "--json", str(big)]
    env = clean_env(tmp_path) | conf_env(lacuna.conf | {"state.dir": tmp_path / "state"})
    with subprocess.Popen([*command, *options], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as first:
        journals = tmp_path / "state" / "publish"
        wait_until(lambda: journals.exists() and list(journals.glob("*.journal")), 30, "the journal")
        first.send_signal(signal.SIGINT)
        assert first.communicate(timeout=60) and first.returncode == 130
    return command, env, next(journals.glob("*.journal"))


def test_an_interrupted_publish_goes_on_only_with_the_options_it_had(lacuna, tmp_path):
    command, env, journal = interrupted(lacuna, tmp_path, "--project", "apollo")
    before, count = journal.read_bytes(), lacuna.kafka.count(lacuna.topic("requests"))
    for options, said in [(["--project", "zeus"], '--project "apollo" then and --project "zeus" now'),
                          ([], '--project "apollo" then and no --project now'),
                          (["--project", "apollo", "--format", "csv"], '--format "csv" now'),
                          (["--project", "apollo", "--key", "user"], '--key "user" now'),
                          (["--project", "apollo", "--kind", "document"], '--kind "document" now')]:
        other = subprocess.run([*command, *options], env=env, capture_output=True, text=True,
                               timeout=60, check=False)
        assert other.returncode == 4 and said in other.stderr and "--restart" in other.stderr
    assert journal.read_bytes() == before and lacuna.kafka.count(lacuna.topic("requests")) == count
    same = subprocess.run([*command, "--project", "apollo"], env=env, capture_output=True, text=True,
                          timeout=120, check=True)
    assert "Going on after line" in same.stderr and json.loads(same.stdout)["delivered"] == 400_000
    assert lacuna.kafka.count(lacuna.topic("requests")) == 400_000


def test_what_an_earlier_version_interrupted_goes_on_with_a_warning(lacuna, tmp_path):
    command, env, journal = interrupted(lacuna, tmp_path, "--project", "apollo")
    lines = journal.read_text().splitlines()
    old = "\n".join(["lacuna-publish 1", *lines[1:10]]) + "\n"
    journal.write_text(old + hashlib.sha256(old.encode()).hexdigest() + "\n")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=True)
    assert "an earlier version's, which did not keep its options" in done.stderr
    assert json.loads(done.stdout)["delivered"] == 400_000


def test_a_record_that_brokers_refuse_costs_only_itself(lacuna, tmp_path):
    """Kafka refuses whole batches: one record that a topic has no room for takes thousands along."""
    lacuna.tool("topics", "create")
    lacuna.kafka.configure(lacuna.topic("requests"), "max.message.bytes", "200000")
    some = tmp_path / "some.jsonl"
    large = {i: os.urandom(n // 2).hex() for i, n in  # brokers see it compressed, to half its size
             {40: 600_000, 2000: 900_000, 2001: 500_000, 9999: 450_000}.items()}
    some.write_text("".join(json.dumps({"text": large.get(i, f"line {i}"), "request_id": f"r{i}"}) + "\n"
                            for i in range(10_000)))
    done = lacuna.tool("publish", "--json", some, check=False)
    assert done.returncode == 1
    refused = [line for line in done.stderr.splitlines() if "the brokers refuse it" in line]
    assert sorted(refused) == sorted(f"{some}:{i + 1}: the brokers refuse it: Broker: Message size too large"
                                     for i in large)
    assert json.loads(done.stdout)["delivered"] == 10_000 - len(large)
    ids = [json.loads(line)["request_id"] for line in
           lacuna.tool("tail", "requests", "--from", "beginning", "--no-follow", "--value").stdout.splitlines()]
    assert sorted(ids) == sorted(f"r{i}" for i in range(10_000) if i not in large)


def test_a_topic_with_less_room_than_a_batch_gets_all_of_it(lacuna, tmp_path):
    lacuna.tool("topics", "create")
    lacuna.kafka.configure(lacuna.topic("requests"), "max.message.bytes", "20000")
    some = tmp_path / "some.txt"
    some.write_text("".join(f"{os.urandom(100).hex()}\n" for i in range(5000)))
    done = json.loads(lacuna.tool("publish", "--json", some).stdout)
    assert done["delivered"] == 5000 and lacuna.kafka.count(lacuna.topic("requests")) == 5000


def test_a_topic_that_takes_nothing_ends_the_run(lacuna, tmp_path):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})  # refused in the order of the file
    lacuna.kafka.configure(lacuna.topic("requests"), "max.message.bytes", "200")
    some = tmp_path / "some.txt"
    some.write_text("".join(f"{os.urandom(300).hex()}\n" for i in range(20_000)))
    done = lacuna.tool("publish", "--json", some, check=False)
    assert done.returncode == 3, done.stderr
    assert "the brokers refused 1000 records one after the other" in done.stderr
    assert json.loads(done.stdout)["bad"] == 1000 and f"{some}:1: " in done.stderr
    lacuna.kafka.configure(lacuna.topic("requests"), "max.message.bytes", "200000")
    assert lacuna.tool("publish", "--json", some, check=False).returncode == 1
    assert lacuna.kafka.count(lacuna.topic("requests")) == 19_000


def test_dead_letters_are_listed_shown_and_retried_unchanged(flow):
    value = b"bad\x00\x1b[2J\xff"
    flow.kafka.produce(flow.topic("requests"), [value])
    wait_until(lambda: flow.tool("deadletter", "list", "--json").stdout, 30, "the dead letter")
    letter = json.loads(flow.tool("deadletter", "list", "--json").stdout)
    name = f"{letter['partition']}:{letter['offset']}"
    assert letter["from_topic"] == flow.topic("requests") and letter["bytes"] == len(value)
    shown = flow.tool("deadletter", "show", name).stdout
    assert "62 61 64 00 1b 5b 32 4a  ff" in shown and "\x1b" not in shown
    raw = flow.tool("deadletter", "show", name, "--json").stdout
    assert json.loads(raw)["value"] == {"hex": value.hex()}
    assert flow.tool("deadletter", "retry", name, check=False).returncode == 2  # nobody confirms
    assert "1 published again" in flow.tool("deadletter", "retry", name, "--yes").stdout
    wait_until(lambda: len(flow.tool("deadletter", "list", "--json").stdout.splitlines()) == 2, 30,
               "the second dead letter")
    both = flow.tool("tail", "deadletter", "--from", "beginning", "--no-follow", "--value").stdout
    assert [json.loads(v) for v in both.splitlines()] == [{"hex": value.hex()}] * 2
    assert flow.tool("deadletter", "show", "0:999", check=False).returncode == 1


def test_a_retry_takes_what_was_there_when_it_began(flow):
    """What comes later, such as a retried record that fails again, is left where it is."""
    bad = [b"bad \0 %d" % i for i in range(300)]
    later = [b"worse \xff %d" % i for i in range(300)]

    def letters():
        read = flow.tool("tail", "deadletter", "--from", "beginning", "--no-follow", "--value").stdout
        return collections.Counter(bytes.fromhex(json.loads(v)["hex"]) for v in read.splitlines())

    def spread(values):
        for i in range(10):  # keys, or a partition would get all of a batch
            flow.kafka.produce(flow.topic("requests"), values[i::10], key=str(i))

    spread(bad)
    wait_until(lambda: letters().total() == len(bad), 60, "the dead letters")
    person, terminal = pty.openpty()
    command = [str(BIN / "lacuna"), "deadletter", "retry", "--all"]
    with subprocess.Popen(command, env=clean_env(flow.folder) | conf_env(flow.conf), text=True,
                          stdin=terminal, stderr=terminal, stdout=subprocess.PIPE) as retry:
        asked = b""
        while b"Publish 300 records again?" not in asked:
            asked += os.read(person, 4096)
        spread(later)
        wait_until(lambda: letters().total() == len(bad) + len(later), 60, "what comes later")
        os.write(person, b"y\n")
        said, _ = retry.communicate(timeout=60)
    os.close(person)
    os.close(terminal)
    assert retry.returncode == 0 and "300 published again" in said
    wait_until(lambda: letters().total() >= 2 * len(bad) + len(later), 60, "them once more")
    assert letters() == collections.Counter(bad + bad + later)


def letters(lacuna, count, headers=()):
    """Dead letters as a worker would have left them, and nobody who makes new ones."""
    if lacuna.topic("deadletter") not in lacuna.kafka.admin().list_topics().topics:
        lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.kafka.produce(
        lacuna.topic("deadletter"), [b"bad \0 %d" % n + b"x" * 1000 for n in range(count)],
        headers=[("lacuna-dlq-topic", lacuna.topic("requests").encode()), *headers])


def test_a_retry_that_is_stopped_says_how_many_it_has_published(lacuna):
    letters(lacuna, 0)
    producer = lacuna.kafka.producer(**{"batch.num.messages": 1})
    for _ in range(3000):
        producer.produce(lacuna.topic("deadletter"), b"bad \0" + b"x" * 1000,
                         headers=[("lacuna-dlq-topic", lacuna.topic("requests").encode())])
    assert producer.flush(60) == 0
    slow = {"kafka.queue_bytes": 65536, "kafka.properties": "fetch.message.max.bytes=1000"}
    with subprocess.Popen([BIN / "lacuna", "deadletter", "retry", "--all", "--yes"], text=True,
                          env=clean_env(lacuna.folder) | conf_env(lacuna.conf | slow),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as retry:
        wait_until(lambda: lacuna.kafka.count(lacuna.topic("requests")), 60, "the first of them")
        retry.send_signal(signal.SIGINT)
        said, complaints = retry.communicate(timeout=60)
    assert retry.returncode == 130 and "stopped by a signal" in complaints
    published = lacuna.kafka.count(lacuna.topic("requests"))
    assert 0 < published < 3000 and said == f"{published} published again, 0 left\n"


def test_a_retry_that_is_stopped_at_its_question_publishes_nothing(lacuna):
    letters(lacuna, 3)
    person, terminal = pty.openpty()
    with subprocess.Popen([BIN / "lacuna", "deadletter", "retry", "--all"], stdin=terminal,
                          env=clean_env(lacuna.folder) | conf_env(lacuna.conf), stderr=terminal,
                          stdout=subprocess.PIPE) as retry:
        asked = b""
        while b"Publish 3 records again?" not in asked:
            asked += os.read(person, 4096)
        retry.send_signal(signal.SIGINT)
        assert retry.wait(30) == 130
    assert b"nothing was published" in os.read(person, 4096)
    os.close(person)
    os.close(terminal)
    assert lacuna.kafka.count(lacuna.topic("requests")) == 0


@pytest.mark.parametrize("headers, said", [
    ([("lacuna-dlq-truncated", b"2000000")], "too large"),
    ([("many", b"%d" % n) for n in range(70)], "more than 64 headers")])
def test_a_dead_letter_that_is_not_whole_is_not_retried(lacuna, headers, said):
    where = [("lacuna-dlq-partition", b"3"), ("lacuna-dlq-offset", b"17")]
    letters(lacuna, 1)
    letters(lacuna, 1, where + headers)
    retry = lacuna.tool("deadletter", "retry", "--all", "--yes", check=False)
    assert retry.returncode == 1 and retry.stdout == "1 published again, 1 left\n"
    assert said in retry.stderr and f"{lacuna.topic('requests')} 3:17" in retry.stderr
    assert lacuna.kafka.count(lacuna.topic("requests")) == 1


def test_a_dead_letter_whose_topic_is_gone_says_so(lacuna):
    letters(lacuna, 1)
    lacuna.kafka.delete_topic(lacuna.topic("requests"))
    retry = lacuna.tool("deadletter", "retry", "--all", "--yes", check=False)
    assert retry.returncode == 1 and retry.stdout == ""
    assert f"came from {lacuna.topic('requests')}, which is not there" in retry.stderr


def test_a_tail_from_an_offset_that_is_not_there_yet_begins_at_the_end(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, only=["requests"])
    lacuna.publish([{"text": "x"}] * 5)
    said = lacuna.tool("tail", "requests", "--from", "1000", "--no-follow")
    assert said.stdout == "" and "OFFSET" not in said.stderr


def test_classify_answers_alike_in_process_and_over_a_bridge(flow, tmp_path):
    bridge = flow.bridge()
    text = "Transfer the deposit to DE89 3704 0044 0532 0130 00."
    here = flow.tool("classify", "--json", text)
    there = flow.tool("classify", "--json", "--url", f"http://127.0.0.1:{bridge.page}", text)
    a, b = json.loads(here.stdout), json.loads(there.stdout)
    for name in ("tier", "confidence", "reasoning", "tags", "route", "findings", "posterior", "pack"):
        assert a[name] == b[name], name
    assert "event_id" in b and "event_id" not in a
    assert flow.tool("classify", "--max-tier", "internal", text, check=False).returncode == 1
    draft = tmp_path / "draft.txt"
    draft.write_text("hello world")
    assert flow.tool("classify", "--file", draft, "--max-tier", "internal").returncode == 0
    refused = flow.tool("classify", "--url", "http://127.0.0.1:1", "x", check=False)
    assert refused.returncode == 3 and "--url" in refused.stderr


def test_a_broker_that_is_away_is_a_dependency_not_a_hang(tmp_path):
    env = clean_env(tmp_path) | {"LACUNA__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    started = time.monotonic()
    done = subprocess.run([str(BIN / "lacuna"), "publish", str(SAMPLES)], env=env, timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "lacuna doctor" in done.stderr
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(("args", "status", "said"), [
    (["clasify"], 2, "did you mean `lacuna classify`?"),
    (["publish", "--tabel", "x"], 2, "did you mean --table?"),
    (["topics", "lst"], 2, "did you mean `lacuna topics list`?"),
    (["classify", "--strategy", "brave", "x"], 2, "conservative"),
    (["publish"], 2, "something is missing"),
    (["publish", "/no/such/file"], 4, "/no/such/file: No such file"),
    (["tail", "requests", "--from", "yesterday"], 2, "--from takes"),
    (["config", "show", "--kafka-bootstrap-server", "x"], 2, "kafka.bootstrap_servers"),
    ([], 2, "Usage: lacuna COMMAND"),
])
def test_wrong_usage_says_what_would_be_right(args, status, said, tmp_path):
    done = subprocess.run([str(BIN / "lacuna"), *args], env=clean_env(tmp_path), timeout=30,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


@pytest.mark.parametrize("command", [
    "dev", "classify", "publish", "tail", "migrate", "doctor", "deadletter list", "deadletter show",
    "deadletter retry", "topics list", "topics create", "config show", "config validate",
    "config path", "tokenize", "embed", "scan", "redact", "eval", "train", "pack init", "pack lint",
    "pack test", "pack show", "pack diff", "pack import gitleaks", "pack import presidio",
    "pack build", "pack keygen", "pack push", "pack active", "pack rollback", "pack withdraw",
    "model add", "model list", "model verify", "model remove"])
def test_help_has_examples_and_exit_statuses_and_no_colour_in_a_pipe(command, tmp_path):
    done = subprocess.run([str(BIN / "lacuna"), *command.split(), "--help"], timeout=30,
                          env=clean_env(tmp_path), capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout
    for heading in ("Options", "Examples", "Exit status"):
        section = done.stdout.split(f"\n\n{heading}\n")
        assert len(section) == 2, f"{heading} once, behind an empty line:\n{done.stdout}"
        assert section[1].startswith("  "), done.stdout
    assert f"lacuna {command}" in done.stdout.split("\n\nExamples\n")[1]


@pytest.mark.parametrize("command", [
    *(f"{name} {option}" for option in ("--help", "--version")
      for name in ("lacuna", "lacuna-classify", "lacuna-sink", "lacuna-bridge", "lacuna-publish",
                   "lacuna tail", "lacuna pack lint")),
    "lacuna pack --help"])
def test_help_that_cannot_be_written_is_an_error(command, tmp_path):
    program, *words = command.split()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(BIN / program), *words], stdout=full, stderr=subprocess.PIPE,
                              env=clean_env(tmp_path), timeout=30, check=False)
    assert done.returncode != 0 and b"No space left" in done.stderr


@pytest.mark.parametrize("env, said", [
    ({"LACUNA__BRIDGE__LISTEN": "0.0.0.0:8000"}, "lacuna-bridge: bridge.listen 0.0.0.0:8000"),
    ({"LACUNA__KAFKA__PROPERTIES": "acks=0"}, "kafka: "),
    ({"LACUNA__KAFKA__SECURITY_PROTOCOL": "sasl_ssl"}, "kafka.sasl_mechanism must be set"),
    ({"LACUNA_REDIS_URL": "redis://h"}, "LACUNA_REDIS_URL: has no effect"),
    ({}, "lacuna-bridge: ok"),
])
def test_validate_says_what_programs_would_stop_at(env, said, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    good = not env or "LACUNA_REDIS_URL" in env
    env = clean_env(tmp_path) | {"LACUNA__COMMITMENT__KEY_FILE": str(key)} | env
    done = subprocess.run([str(BIN / "lacuna"), "config", "validate"], env=env, timeout=30,
                          capture_output=True, text=True, check=False)
    out = done.stdout + done.stderr
    assert (done.returncode == 0) == good and said in out, out


def test_a_pipe_that_is_written_to_stays_one(tmp_path):
    pipe, rules = tmp_path / "pipe", tmp_path / "rules.toml"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    rules.write_text("[[rules]]\nid = \"x\"\nregex = '''ZQX-[0-9]{6}'''\n")
    subprocess.run([str(BIN / "lacuna"), "pack", "import", "gitleaks", str(rules), "-o", str(pipe)],
                   env=clean_env(tmp_path), timeout=30, capture_output=True, check=True)
    assert b"ZQX" in os.read(reader, 65536) and pipe.is_fifo()
    os.close(reader)


def test_keygen_makes_both_keys_or_none_and_says_where(tmp_path):
    def keygen(folder):
        return subprocess.run([str(BIN / "lacuna"), "pack", "keygen", str(folder)], timeout=30,
                              env=clean_env(tmp_path), capture_output=True, text=True, check=False)

    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "pack.pub").write_text("somebody's")
    done = keygen(keys)
    assert done.returncode == 4 and f"{keys}/pack.pub" in done.stderr, done.stderr
    assert [f.name for f in keys.iterdir()] == ["pack.pub"]
    assert (keys / "pack.pub").read_text() == "somebody's"
    nowhere = keys / "pack.pub" / "keys"
    done = keygen(nowhere)
    assert done.returncode == 4 and f"cannot make {nowhere}: Not a dir" in done.stderr, done.stderr


def doctor(lacuna, **conf):
    """{check: [(verdict, what was found and what to do)]}"""
    out = {}
    for c in json.loads(lacuna.tool("doctor", "--json", check=False, **conf).stdout):
        out.setdefault(c["check"], []).append((c["verdict"], f"{c['found']} {c['todo']}"))
    return out


def finds(lacuna, check, verdict, *words, **conf):
    found = doctor(lacuna, **conf)
    assert [1 for v, text in found[check] if v == verdict and all(w in text for w in words)], found


def test_doctor_names_topics_that_are_missing_and_settings_that_lose_records(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1}, only={"requests", "control", "lineage", "replay"})
    finds(lacuna, "topics", "fail", lacuna.topic("routing"), "topics create", "ACL")
    lacuna.tool("topics", "create")
    for name in ("control", "lineage"):
        lacuna.kafka.configure(lacuna.topic(name), "message.timestamp.type", "LogAppendTime")
    assert [v for v, _ in doctor(lacuna)["topics"]] == ["ok"]
    lacuna.kafka.configure(lacuna.topic("requests"), "cleanup.policy", "compact")
    lacuna.kafka.configure(lacuna.topic("control"), "cleanup.policy", "delete")
    lacuna.kafka.configure(lacuna.topic("lineage"), "retention.ms", "3600000")
    lacuna.kafka.configure(lacuna.topic("replay"), "retention.ms", "-1")
    finds(lacuna, "topics", "fail", lacuna.topic("requests"), "cleanup.policy=compact", "lost")
    finds(lacuna, "topics", "fail", lacuna.topic("control"), "cleanup.policy=delete", "lost")
    finds(lacuna, "topics", "warn", lacuna.topic("lineage"), "for 1 h", "for 30 d")
    finds(lacuna, "topics", "warn", lacuna.topic("replay"), "texts for ever", "for 7 d")


def test_topics_whose_records_have_the_wrong_clock_are_named_with_the_command_that_helps(lacuna):
    """Made by hand or by the broker: `topics create` makes them right, and changes none that is there."""
    routing, lineage, requests = (lacuna.topic(n) for n in ("routing", "lineage", "requests"))
    lacuna.kafka.create_topics(lacuna.prefix, only={"routing", "lineage", "requests"})
    command = (f"kafka-configs --bootstrap-server {lacuna.kafka.bootstrap} --alter --entity-type topics "
               "--entity-name %s --add-config message.timestamp.type=%s%s")
    both = f"for t in {routing} {lineage}; do " + command % ("$t", "LogAppendTime", "; done")
    finds(lacuna, "topics", "warn", "2 of 13", "CreateTime", routing, lineage, both)
    made = lacuna.tool("topics", "create").stdout
    assert made.startswith("10 of 13") and made.count("timestamps are C") == 2, made
    assert made.endswith(f"\n  {both}\n"), made
    assert lacuna.tool("topics", "create").stdout.endswith(f"\n  {both}\n")
    differ = {t["name"]: t["difference"] for t in json.loads(lacuna.tool("topics", "list", "--json").stdout)}
    assert "table says LogAppendTime" in differ[lineage] and differ[requests] is None, differ
    for name in (routing, lineage):
        lacuna.kafka.configure(name, "message.timestamp.type", "LogAppendTime")
    # Requests keep the time of who sent them: their event ids are made of it.
    lacuna.kafka.configure(requests, "message.timestamp.type", "LogAppendTime")
    back = command % (requests, "CreateTime", "")
    finds(lacuna, "topics", "warn", "1 of 13", "event id", back)
    listed = lacuna.tool("topics", "list").stdout
    assert listed.endswith(f"\n  {back}\n") and listed.count("timestamps are L") == 1, listed
    lacuna.kafka.configure(requests, "message.timestamp.type", "CreateTime")
    assert [v for v, _ in doctor(lacuna)["topics"]] == ["ok"]
    assert "kafka-configs" not in lacuna.tool("topics", "list").stdout


def test_a_prefix_that_makes_no_topic_name_is_a_mistake_in_the_settings(tmp_path):
    for command in ("list", "create"):
        done = subprocess.run([BIN / "lacuna", "topics", command, "--kafka-topic-prefix=a b"],
                              env=clean_env(tmp_path), capture_output=True, text=True)
        assert done.returncode == 2 and "makes no legal topic name" in done.stderr, done.stderr


def test_doctor_says_that_records_wait_and_nobody_runs_who_reads_them(lacuna):
    lacuna.tool("topics", "create")
    lacuna.migrate()
    lacuna.publish([{"text": "one"}, {"text": "two"}])
    finds(lacuna, "requests", "warn", "2 records wait", "has never read any", "Start its workers")
    worker = lacuna.classify()
    wait_until(lambda: len(lacuna.kafka.read(lacuna.topic("lineage"))) == 2, what="two decisions")
    worker.stop()
    finds(lacuna, "requests", "ok", "up to date; none runs now")
    lacuna.publish([{"text": "three"}])
    finds(lacuna, "requests", "warn", "1 record waits and no ", "classify runs", "Start its")
    finds(lacuna, "lineage", "warn", "2 records wait", "sink has never read any")
    sink = lacuna.sink()
    wait_until(lambda: lacuna.postgres.value("select count(*) from decisions") == 2)
    found = doctor(lacuna)["lineage"]
    assert found[0][0] == "ok" and "up to date " in found[0][1], found
    sink.stop()
    finds(lacuna, "lineage", "ok", "none runs now")
    lacuna.classify()
    wait_until(lambda: len(lacuna.kafka.read(lacuna.topic("lineage"))) == 3, what="three decisions")
    finds(lacuna, "lineage", "warn", "1 record waits and no ", "sink runs", "Start its")


def test_doctor_says_what_a_database_user_lacks(lacuna):
    lacuna.migrate()
    finds(lacuna, "rights", "ok", "can be written")
    for role, member in (("weak", ""), ("reader", "in role lacuna_reader"),
                         ("writer", "in role lacuna_writer")):
        with lacuna.postgres.connect() as db:
            db.execute(f"create role {role} login {member}")
    as_user = {r: {"postgres__url": lacuna.postgres.url.replace("//lacuna@", f"//{r}@")}
               for r in ("weak", "reader", "writer", "nobody")}
    finds(lacuna, "schema", "fail", "42501", "GRANT lacuna_writer", **as_user["weak"])
    finds(lacuna, "rights", "warn", "can't write", "GRANT lacuna_writer", **as_user["reader"])
    finds(lacuna, "rights", "ok", "can be written", **as_user["writer"])
    finds(lacuna, "postgres", "fail", "28000", "Correct the user", **as_user["nobody"])
    read_only = lacuna.postgres.url + "&options=-c%20default_transaction_read_only%3Don"
    finds(lacuna, "rights", "fail", "read-only", postgres__url=read_only)


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """What stands before a registry and sends everybody to its own page."""

    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/login?state=secret")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_doctor_says_where_a_registry_points_to(lacuna):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        finds(lacuna, "registry", "fail", f"{url}: it answers with HTTP status 302 and points to "
              "http://127.0.0.1:1/login Start it, or set registry.url", registry__url=url)
    finally:
        server.shutdown()
        server.server_close()


def test_doctor_and_worker_want_a_commitment_key_of_its_size(lacuna, tmp_path):
    short = tmp_path / "short.key"
    short.write_bytes(b"k" * 31)
    short.chmod(0o600)
    finds(lacuna, "commitment key", "fail", "31 bytes", "32", commitment__key_file=short)
    finds(lacuna, "commitment key", "fail", "none.key", commitment__key_file=tmp_path / "none.key")
    worker = lacuna.classify(ready=False, commitment__key_file=short)
    worker.expected_to_die = True
    assert worker.wait(30) == 1
    assert "31 bytes, at least 32" in worker.log()


def test_doctor_says_that_the_model_is_missing(lacuna, tmp_path):
    there_is_none = {"model__store": tmp_path / "models"}
    finds(lacuna, "model", "warn", "stricter", "lacuna model add", classify__semantic="optional",
          **there_is_none)
    finds(lacuna, "model", "fail", "lacuna model add", classify__semantic="required", **there_is_none)
    finds(lacuna, "model", "ok", "classify.semantic is off", classify__semantic="off", **there_is_none)


def test_validate_finds_addresses_and_prefixes_that_stop_programs(lacuna):
    lacuna.tool("config", "validate")
    for setting, value, word in (("metrics__listen", "9100", "metrics.listen"),
                                 ("bridge__listen", "here", "HOST:PORT"),
                                 ("kafka__topic_prefix", "a b", "no legal topic name")):
        done = lacuna.tool("config", "validate", check=False, **{setting: value})
        assert done.returncode == 1 and word in done.stdout, done.stdout
    finds(lacuna, "configuration", "fail", "no legal topic name", kafka__topic_prefix="a b")
