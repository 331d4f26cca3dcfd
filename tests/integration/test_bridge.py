# SPDX-License-Identifier: Apache-2.0
"""The bridge: texts over HTTP through a real Kafka and back, and clients that misbehave."""

import concurrent.futures
import contextlib
import json
import re
import socket
import subprocess
import time

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from harness import BIN, wait_until
from harness.program import clean_env, conf_env, http

CLASSIFY = "/api/v1/classify"
BATCH = "/api/v1/classify/batch"
SECRET = "zebra-crossing-4711"  # part of every text: no error and no log may contain it


def ask(bridge, method, path, body=None, headers=None, timeout=30):
    """(status, headers with lower-case names, parsed JSON or bytes)."""
    status, got, answer = http(method, f"http://127.0.0.1:{bridge.page}{path}", body, headers, timeout)
    got = {name.lower(): value for name, value in got.items()}
    kind = got.get("content-type", "")
    return status, got, json.loads(answer) if "json" in kind else answer


def assert_problem(answer, status, name):
    """RFC 9457, of this type, and without a word of what was sent."""
    got, headers, body = answer
    assert (got, headers["content-type"]) == (status, "application/problem+json"), answer
    assert body["type"] == f"urn:lacuna:problem:{name}" and body["status"] == status
    assert body["title"] and SECRET not in json.dumps(body)
    return body


@pytest.fixture
def flow(lacuna):
    """Topics, a worker and a bridge."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.classify(classify__lanes=1)
    bridge = lacuna.bridge(postgres__connect_timeout_ms=1000)
    yield lacuna, bridge
    assert SECRET not in bridge.log()


@pytest.fixture
def alone(lacuna):
    """A bridge whose requests nobody reads."""
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})

    def make(**conf):
        return lacuna.bridge(**conf)

    yield make


# --- the main way ---------------------------------------------------------------------------


def test_a_text_comes_back_classified(flow):
    lacuna, bridge = flow
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    status, headers, body = ask(
        bridge, "POST", CLASSIFY,
        {"query": f"SSN 536-90-4399, jane.doe@corp.example {SECRET}", "project": "apollo", "user_id": "ceo",
         "user_role": "analyst"}, {"traceparent": trace})
    assert status == 200, body
    assert body["tier"] == "PROPRIETARY" and body["final"] is True and body["findings"]
    assert re.fullmatch("[0-9a-f]{32}", body["event_id"]) and len(body["pack"]) == 64
    assert abs(sum(body["posterior"].values()) - 1) < 1e-9
    assert {"confidence", "reasoning", "tags", "classifier", "latency_ms", "route"} <= set(body)
    assert SECRET not in json.dumps(body)
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"

    [request] = lacuna.kafka.wait_for(lacuna.topic("requests.interactive"), 1)
    sent = dict(request.headers)
    assert sent["traceparent"] == trace.encode() and sent["content-type"] == b"application/avro"
    assert re.fullmatch(b"[0-9a-f]{32}", sent["lacuna-correlation-id"])
    assert request.key == body["request_id"].encode()
    [reply] = lacuna.kafka.wait_for(lacuna.topic("replies"), 1)
    assert str(reply.partition).encode() == sent["lacuna-reply-partition"]


def test_what_is_sent_alone_is_sent_as_it_is(flow):
    """Requests and replies are not compressed, and only replies may be written twice."""
    lacuna, bridge = flow
    assert ask(bridge, "POST", CLASSIFY, {"text": f"{SECRET} " * 100})[0] == 200
    lacuna.kafka.wait_for(lacuna.topic("lineage"), 1)
    [(codec, producer)] = lacuna.kafka.batches(lacuna.topic("requests.interactive"))
    assert codec == "none" and producer >= 0
    assert lacuna.kafka.batches(lacuna.topic("replies")) == [("none", -1)]
    [(codec, producer)] = lacuna.kafka.batches(lacuna.topic("lineage"))
    assert codec == "lz4" and producer >= 0


def test_a_batch_has_one_event_each_and_its_errors_inline(flow):
    lacuna, bridge = flow
    items = [{"text": f"text {n} {SECRET}"} for n in range(300)]
    items[7:10] = [{"txt": SECRET}, {"text": f"\0{SECRET}"}, {"text": f"{SECRET}\ud83d"}]
    status, _, body = ask(bridge, "POST", BATCH, {"items": items})
    assert status == 200 and len(body["results"]) == 300 and body["total_latency_ms"] > 0
    for _ in range(3):
        error = body["results"].pop(7)["error"]
        assert error["status"] == 422 and SECRET not in json.dumps(error)
    assert len({r["event_id"] for r in body["results"]}) == 297
    assert lacuna.kafka.count(lacuna.topic("requests.interactive")) == 297
    assert_problem(ask(bridge, "POST", BATCH, {"queries": [SECRET] * 1001}), 422, "invalid-request")


def test_many_at_once_get_their_own_answers(flow):
    _, bridge = flow

    def one(n):
        # Time enough for a busy machine: an answer that is lost would be missing all the same.
        return ask(bridge, "POST", CLASSIFY,
                   {"text": f"text {n}", "request_id": f"r{n}", "deadline_ms": 20000})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(400)))
    assert [a for a in answers if a[0] != 200] == [], bridge.metrics()
    assert [a[2]["request_id"] for a in answers] == [f"r{n}" for n in range(400)]
    wait_until(lambda: bridge.metrics()["lacuna_bridge_in_flight"] == 0, what="the slots back")


def test_a_key_gets_one_event_and_the_same_answer(flow):
    lacuna, bridge = flow
    key = {"Idempotency-Key": '"order-1"'}
    status, _, first = ask(bridge, "POST", CLASSIFY, {"text": SECRET}, key)
    assert status == 200
    status, headers, again = ask(bridge, "POST", CLASSIFY, {"text": SECRET}, key)
    assert status == 200 and again == first and headers["idempotency-replayed"] == "true"
    assert lacuna.kafka.count(lacuna.topic("requests.interactive")) == 1
    assert_problem(ask(bridge, "POST", CLASSIFY, {"text": SECRET + "!"}, key),
                   422, "idempotency-key-reused")


def test_decisions_can_be_looked_up(flow):
    lacuna, bridge = flow
    missing = ask(bridge, "GET", "/api/v1/decisions/" + "0" * 32)
    assert_problem(missing, 503, "store-not-ready")
    lacuna.migrate()
    lacuna.sink(sink__commit_interval_ms=50)
    _, _, made = ask(bridge, "POST", CLASSIFY, {"text": f"SSN 536-90-4399, jane.doe@corp.example {SECRET}", "request_id": "a/b"})

    def stored():
        status, _, body = ask(bridge, "GET", f"/api/v1/decisions/{made['event_id']}")
        return body if status == 200 else None

    found = wait_until(stored, what="the row")
    made.pop("latency_ms"), found.pop("latency_ms")
    assert found == made
    status, _, listed = ask(bridge, "GET", "/api/v1/decisions?request_id=a%2Fb")
    assert status == 200 and [d["event_id"] for d in listed["decisions"]] == [made["event_id"]]
    assert_problem(ask(bridge, "GET", "/api/v1/decisions/" + "0" * 32), 404, "unknown-decision")
    assert_problem(ask(bridge, "GET", "/api/v1/decisions/x"), 422, "invalid-request")
    assert_problem(ask(bridge, "GET", "/api/v1/decisions"), 422, "invalid-request")


# --- bounds ---------------------------------------------------------------------------------


def test_silence_is_504_with_the_ids(alone, lacuna):
    bridge = alone()
    began = time.monotonic()
    body = assert_problem(
        ask(bridge, "POST", CLASSIFY, {"text": SECRET, "request_id": "r1", "deadline_ms": 700}),
        504, "deadline")
    assert 0.7 <= time.monotonic() - began < 5
    assert body["request_id"] == "r1" and body["instance"].endswith("?request_id=r1")

    # The event id in it is the one that the decision will have.
    lacuna.classify(classify__lanes=1)
    [lineage] = lacuna.kafka.wait_for(lacuna.topic("lineage"), 1)
    assert lineage.key.decode() in (body["event_id"], bytes.fromhex(body["event_id"]).decode("latin1"))
    wait_until(lambda: bridge.metrics()["lacuna_bridge_late_replies_total"] == 1, what="the late reply")


def test_the_in_flight_bound_is_429(alone):
    bridge = alone(bridge__in_flight=4)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda n: ask(bridge, "POST", CLASSIFY, {"text": SECRET, "deadline_ms": 2000}), range(8)))
    assert sorted(a[0] for a in answers) == [429] * 4 + [504] * 4
    for answer in answers:
        if answer[0] == 429:
            assert_problem(answer, 429, "too-many-requests")
            assert int(answer[1]["retry-after"]) >= 1
    assert bridge.metrics()["lacuna_bridge_overload_total"] == 4


def test_two_with_one_key_at_once_are_one_request(alone, lacuna):
    bridge = alone()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = list(pool.map(
            lambda n: ask(bridge, "POST", CLASSIFY, {"text": SECRET, "deadline_ms": 1500},
                          {"Idempotency-Key": "k"}), range(2)))
    assert sorted(a[0] for a in both) == [409, 504]
    assert lacuna.kafka.count(lacuna.topic("requests.interactive")) == 1


def test_a_broken_body_is_named_and_not_repeated(alone):
    bridge = alone()
    for body, status, name in [
            (f'{{"text": "{SECRET}"', 400, "malformed-json"),
            (f'{{"text": "{SECRET}", "claimed": "{SECRET}"}}', 422, "invalid-request"),
            (f'{{"text": "{SECRET}", "tenant": "{SECRET}"}}', 422, "invalid-request")]:
        answer = ask(bridge, "POST", CLASSIFY, body, {"Content-Type": "application/json"})
        assert_problem(answer, status, name)
    assert_problem(ask(bridge, "POST", CLASSIFY, SECRET, {"Content-Type": "text/plain"}),
                   415, "unsupported-media-type")
    got = ask(bridge, "GET", CLASSIFY)
    assert_problem(got, 405, "method-not-allowed")
    assert got[1]["allow"] == "POST"
    assert_problem(ask(bridge, "GET", "/nothing"), 404, "not-found")


# --- clients that misbehave -----------------------------------------------------------------


@contextlib.contextmanager
def dial(bridge, timeout=20):
    with socket.create_connection(("127.0.0.1", bridge.page), timeout=timeout) as s:
        yield s


def hear(s) -> bytes:
    """Everything until the peer closes."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := s.recv(65536):
            got += piece
    return got


HEAD = (f"POST {CLASSIFY} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n").encode()


def test_a_declared_body_over_the_limit_is_refused_unread(alone):
    bridge = alone(bridge__body_bytes=65536)
    with dial(bridge) as s:
        s.sendall(HEAD + b"Content-Length: 10000000000\r\n\r\n{")
        assert hear(s).startswith(b"HTTP/1.1 413 ")
    # One that sends everything before it reads gets to see the answer too.
    assert_problem(ask(bridge, "POST", CLASSIFY, {"text": SECRET * 5000}), 413, "body-too-large")
    wait_until(lambda: bridge.metrics()['lacuna_http_refused_total{reason="body_size"}'] == 2,
               what="both refusals counted")


def test_a_chunked_body_over_the_limit_is_drained_to_a_bound(alone):
    bridge = alone(bridge__body_bytes=65536)
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    with dial(bridge) as s:  # ends within the bound: answered, and the connection goes on
        s.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 6 + b"0\r\n\r\n")
        s.sendall(b"GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        got = hear(s)
        assert got.startswith(b"HTTP/1.1 413 ") and b"HTTP/1.1 200 " in got
    with dial(bridge) as s:  # never ends: cut off
        s.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                s.sendall(chunk)
                sent += len(chunk)
        assert sent < 16 << 20, "the server went on reading"
        got = hear(s)
        assert got == b"" or got.startswith(b"HTTP/1.1 413 ")


def test_dripping_clients_are_cut_off(alone):
    bridge = alone(bridge__header_timeout_ms=400, bridge__body_timeout_ms=400)
    for start, reason in [(HEAD, "header_timeout"),
                          (HEAD + b"Content-Length: 1000\r\n\r\n", "body_timeout")]:
        began = time.monotonic()
        with dial(bridge) as s, contextlib.suppress(ConnectionError):
            s.sendall(start)
            s.settimeout(0.02)
            got = b""
            while time.monotonic() - began < 10:
                s.sendall(b"X: y\r\n" if reason == "header_timeout" else b"x")
                with contextlib.suppress(TimeoutError):
                    got += s.recv(4096)
                    if got:
                        break
        assert time.monotonic() - began < 5, reason
        assert got.startswith(b"HTTP/1.1 408 ") or got == b""
        wait_until(lambda: bridge.metrics()[f'lacuna_http_refused_total{{reason="{reason}"}}'] == 1,
                   what="the refusal counted")
    assert ask(bridge, "GET", "/health")[0] == 200


def test_clients_that_leave_free_their_slots(alone):
    bridge = alone(bridge__in_flight=4)
    body = json.dumps({"text": SECRET, "deadline_ms": 500000}).encode()
    for _ in range(12):
        with dial(bridge) as s:
            s.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            wait_until(lambda: bridge.metrics()["lacuna_bridge_in_flight"] == 1, what="in flight")
        wait_until(lambda: bridge.metrics()["lacuna_bridge_in_flight"] == 0, what="its slot back")
    wait_until(lambda: bridge.metrics()['lacuna_http_refused_total{reason="client_gone"}'] == 12,
               what="those who left counted")


def test_a_crowd_of_silent_clients_keeps_nobody_out(flow):
    """Some say nothing, some half of what they want, some rest after an answer."""
    lacuna, _ = flow
    bridge = lacuna.bridge("bridge-1", bridge__connections=32, bridge__reply_partition=1)
    with contextlib.ExitStack() as crowd:
        for start in (b"", HEAD, b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n",
                      HEAD + b"Content-Length: 1000\r\n\r\nx"):
            for _ in range(60):
                s = crowd.enter_context(dial(bridge))
                with contextlib.suppress(ConnectionError):
                    s.sendall(start)
            assert ask(bridge, "GET", "/health/live")[0] == 200
            assert ask(bridge, "POST", CLASSIFY, {"text": SECRET})[0] == 200
        metrics = bridge.metrics()
        assert metrics['lacuna_http_refused_total{reason="crowd"}'] > 100
        assert metrics["lacuna_http_connections"] < 60


# --- access ---------------------------------------------------------------------------------


def test_the_key_is_asked_for_and_compared(alone):
    bridge = alone(bridge__api_key="sesame-open")
    for headers in ({}, {"Authorization": "Bearer sesame"}, {"Authorization": "Basic sesame-open"}):
        for method, path in (("POST", CLASSIFY), ("POST", BATCH), ("GET", "/api/v1/decisions/" + "0" * 32),
                             ("GET", "/api/v1/decisions?request_id=1")):
            body = {"text": SECRET} if method == "POST" else None
            answer = ask(bridge, method, path, body, headers)
            assert_problem(answer, 401, "unauthorized")
            assert answer[1]["www-authenticate"] == "Bearer"
    answer = ask(bridge, "POST", CLASSIFY, {"text": SECRET, "deadline_ms": 50},
                 {"Authorization": "Bearer sesame-open"})
    assert answer[0] == 504
    assert ask(bridge, "GET", "/health/ready")[0] == 200


def test_an_open_address_without_a_key_is_refused_at_start(lacuna):
    bridge = lacuna.bridge(ready=False, bridge__listen="0.0.0.0:0")
    bridge.expected_to_die = True
    assert bridge.wait(20) == 1
    assert "LACUNA_API_KEY" in bridge.log()


# --- rules alone ----------------------------------------------------------------------------


def test_limits_it_cannot_work_under_are_told_at_its_start(lacuna):
    command = [BIN / "lacuna-bridge"]
    env = clean_env(lacuna.folder) | conf_env(
        lacuna.conf | {"bridge.listen": "127.0.0.1:0", "state.dir": lacuna.folder / "state"})
    few = subprocess.run(["prlimit", "--nofile=100", *command], env=env, check=False, timeout=60,
                         capture_output=True, text=True)
    assert few.returncode == 1 and "at most 100 files may be open" in few.stderr
    small = subprocess.run(["prlimit", "--nofile=100", f"--as={1 << 50}", *command], env=env,
                           check=False, timeout=60, capture_output=True, text=True)
    assert f"address_space_limited mib={1 << 30}" in small.stderr
    assert "address space" in subprocess.run(
        ["prlimit", f"--as={1 << 50}", BIN / "lacuna", "doctor"], env=env, check=False,
        timeout=60, capture_output=True, text=True).stdout


def test_texts_are_scanned_and_redacted_here_and_never_logged(alone):
    """Without any worker: tier 1 is in the bridge's own process."""
    bridge = alone()
    text = f"{SECRET} kim@acme.io"
    status, _, answer = ask(bridge, "POST", "/api/v1/scan", {"text": text})
    assert status == 200 and answer["tier"] == "PROPRIETARY"
    (found,) = [f for f in answer["findings"] if f["entity"] == "EMAIL_ADDRESS"]
    assert text[found["start_char"]:found["end_char"]] == "kim@acme.io"
    status, _, answer = ask(bridge, "POST", "/api/v1/redact",
                            {"texts": [text, "x"], "entities": ["EMAIL_ADDRESS"], "mode": "hash"})
    assert status == 200 and [r["text"] for r in answer["results"]][1] == "x"
    assert re.fullmatch(re.escape(SECRET) + " <EMAIL_ADDRESS:[0-9a-f]{16}>",
                        answer["results"][0]["text"])
    assert_problem(ask(bridge, "POST", "/api/v1/redact", {"text": text, "mode": SECRET}), 422,
                   "invalid-request")
    assert "lacuna_bridge_scan_texts_total 3" in str(ask(bridge, "GET", "/metrics")[2])
    assert SECRET not in bridge.log() and "acme.io" not in bridge.log()


# --- pages and life -------------------------------------------------------------------------


def test_the_description_is_valid_and_covers_every_path(alone):
    bridge = alone()
    status, headers, description = ask(bridge, "GET", "/openapi.json")
    assert status == 200 and headers["content-type"] == "application/json"
    validate(description)
    assert description["openapi"].startswith("3.1")
    for path, item in description["paths"].items():
        for method in item:
            shown = path.replace("{event_id}", "0" * 32)
            body = {} if method == "post" else None
            status = ask(bridge, method.upper(), shown, body)[0]
            assert status not in (404, 405) or "unknown" in str(ask(bridge, method.upper(), shown, body))
    status, headers, page = ask(bridge, "GET", "/docs")
    assert status == 200 and "script-src 'self'" in headers["content-security-policy"]
    assert not re.search(rb"(src|href)=\"(https?:)?//", page)


OPERATION = {"type": "read", "resource_type": "table", "resource": "crm.customers"}
BODIES = [
    {"text": SECRET}, {"query": SECRET}, {"query": "a", "text": "b"}, {}, {"text": 5}, {"text": None},
    {"text": "x", "unknown": 1}, {"text": "x", "tenant": "t"}, {"text": "x", "user": {"id": "a"}},
    {"text": "x", "user": {"id": "a", "zz": 1}}, {"text": "x", "user": {"role": "b"}},
    {"text": "x", "user": None, "project": None, "user_role": None, "files": None, "metadata": None},
    {"text": "x", "conversation": [{"role": "user", "content": "hi"}]},
    {"text": "x", "conversation": [{"user": "hi"}]}, {"text": "x", "files": ["a"]},
    {"text": "x", "files": [1]}, {"text": "x", "claimed_tier": "PROPRIETARY"},
    {"text": "x", "claimed_tier": "internal"}, {"text": "x", "claimed_tier": "SECRET"},
    {"text": "x", "kind": "operation"}, {"text": "x", "kind": "operation", "operation": OPERATION},
    {"text": "x", "kind": "other"}, {"text": "x", "operation": {"resource": "t"}},
    {"text": "x", "deadline_ms": 0}, {"text": "x", "deadline_ms": 600000},
    {"text": "x", "deadline_ms": 600001}, {"text": "x", "deadline_ms": 1.5},
    {"text": "x", "metadata": {"a": 1}}, {"text": "x", "context": {"a": 1, "b": None, "c": True}},
    {"text": "x", "context": {"a": {}}}, {"text": "x", "request_id": "a b"},
    {"text": "x", "request_id": "r" * 128}, {"text": "x", "request_id": "r" * 129},
    {"text": "x", "project": "p" * 1024}, {"text": "x", "project": "p" * 1025},
]


def described(description, path, status, content="application/json"):
    """The schema of an answer, or with status None of the body, usable on its own."""
    def follow(node):
        while "$ref" in node:
            found = description
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            node = found
        return node

    post = description["paths"][path]["post"]
    node = post["requestBody"] if status is None else follow(post["responses"][str(status)])
    return node["content"][content]["schema"] | {"components": description["components"]}


@pytest.mark.parametrize("path, bodies", [
    (CLASSIFY, BODIES),
    ("/api/v1/scan", [{"text": "a"}, {"texts": ["a", "kim@acme.io"]}, {"texts": []}, {}, {"text": 5},
                      {"text": "a", "min_score": 2}, {"text": "a", "mode": "mask"}]),
    ("/api/v1/redact", [{"text": "kim@acme.io", "mode": "hash"}, {"text": "a", "mode": "other"},
                        {"texts": ["kim@acme.io"] * 3, "entities": []}]),
    (BATCH, [{"queries": ["a", "b"], "project": "p"}, {"queries": []}, {"queries": ["a"], "items": []},
             {"items": [{"text": "a", "request_id": "r"}]}, {"queries": "a"}, {},
             {"queries": ["a"] * 1001}]),
])
def test_bodies_and_answers_are_as_described(flow, path, bodies):
    _, bridge = flow
    description = ask(bridge, "GET", "/openapi.json")[2]
    taken = Draft202012Validator(described(description, path, None))
    for body in bodies:
        status, headers, answer = ask(bridge, "POST", path, body)
        assert (status == 200) == taken.is_valid(body), (body, status, answer)
        kind = headers["content-type"].split(";")[0]
        Draft202012Validator(described(description, path, status, kind)).validate(answer)


def test_metrics_come_in_both_formats(alone):
    bridge = alone()
    _, headers, _ = ask(bridge, "GET", "/metrics")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    _, headers, page = ask(bridge, "GET", "/metrics", headers={
        "Accept": "application/openmetrics-text; version=1.0.0"})
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")


def test_not_ready_until_the_topics_are_there(lacuna):
    bridge = lacuna.bridge(ready=False)
    body = wait_until(lambda: (lambda a: a[2] if a[0] == 503 and "topics" in str(a[2]) else None)(
        ask(bridge, "GET", "/health/ready")), what="a reason")
    assert "lacuna topics create" in json.dumps(body["checks"])
    assert ask(bridge, "GET", "/health/live")[0] == 200
    assert_problem(ask(bridge, "POST", CLASSIFY, {"text": SECRET}), 503, "not-ready")
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    bridge.ready()


def test_sigterm_finishes_what_is_under_way(alone):
    bridge = alone()
    body = json.dumps({"text": SECRET, "deadline_ms": 1500}).encode()
    with dial(bridge) as s:
        s.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        wait_until(lambda: bridge.metrics()["lacuna_bridge_in_flight"] == 1, what="in flight")
        bridge.send_signal(15)
        got = hear(s)
        assert got.startswith(b"HTTP/1.1 504 ") and b"Connection: close" in got
    assert bridge.wait(20) == 0


def test_two_bridges_do_not_take_each_others_replies(flow):
    lacuna, first = flow
    # The same partition on purpose: what one asked for is foreign to the other.
    second = lacuna.bridge("bridge-2", bridge__reply_partition=0)
    for n in range(20):
        for bridge in (first, second):
            status, _, body = ask(bridge, "POST", CLASSIFY, {"text": "x", "request_id": f"r{n}"})
            assert status == 200 and body["request_id"] == f"r{n}"
    # The second bridge's last answer may be back before the first one has read that reply.
    wait_until(lambda: first.metrics()["lacuna_bridge_foreign_replies_total"] == 20, what="the foreign replies")


def test_with_a_registry_records_are_framed_with_its_ids(stack, kafka, registry, postgres):
    lacuna = stack(kafka=kafka, postgres=postgres, conf={"registry.url": registry.url})
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    lacuna.classify(classify__lanes=1)
    bridge = lacuna.bridge()
    for n in range(5):
        status, _, body = ask(bridge, "POST", CLASSIFY, {"text": f"{SECRET} {n}", "request_id": f"r{n}"})
        assert status == 200 and body["request_id"] == f"r{n}", body
    [request, *_] = lacuna.kafka.wait_for(lacuna.topic("requests.interactive"), 5)
    [reply, *_] = lacuna.kafka.wait_for(lacuna.topic("replies"), 5)
    for record, subject in ((request, "requests.interactive"), (reply, "replies")):
        assert record.value[0] == 0
        schema = registry.schema(int.from_bytes(record.value[1:5], "big"))
        assert schema["name"] == {"replies": "Decision"}.get(subject, "Request")


def test_health_says_what_the_installation_is_for(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 1})
    long = "x" * 4000
    worker = lacuna.classify(instance__environment="staging")
    for name in ("staging", long, ""):
        bridge = lacuna.bridge(f"bridge-{len(name)}", instance__environment=name)
        ready = json.loads(bridge.get("/health/ready")[1])
        assert ready.get("environment", "") == name and ready["checks"][0]["ok"]
        assert ("environment" in ready) == bool(name)
    assert json.loads(worker.get("/health/ready")[1])["environment"] == "staging"
