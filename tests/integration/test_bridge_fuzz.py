# SPDX-License-Identifier: Apache-2.0
"""Random requests to a bridge, made from its own description: each answer is one that the
description lists, in the form that it says, and whatever comes, the next one is served.

Other requests, or more: LACUNA_TEST_SEED=7 LACUNA_TEST_REQUESTS=20000 pytest -k bridge_fuzz
"""

import contextlib
import http.client
import json
import os
import random
import socket

import pytest
from jsonschema import Draft202012Validator

SEED = int(os.environ.get("LACUNA_TEST_SEED", "1"))
REQUESTS = int(os.environ.get("LACUNA_TEST_REQUESTS", "1500"))
SECRET = "zebra-crossing-4711"

ODD_TEXTS = ["", SECRET, f"{SECRET} kim@acme.io 536-90-4399", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "😀" * 50,
             "\u202e\u2066x", "e\u0301" * 300, "\uffff\ufffe", "x" * 1023, "x" * 1024, "x" * 1025,
             "\x7f\x1b[31m", "../../etc/passwd", "%s%n%00", "'; drop table decisions; --", " ",
             "\r\nX: y", "4111 1111 1111 1111", "A" * 60000]
ODD_NUMBERS = [0, -0.0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, -2**63, 0.5, 1e308, 5e-324, 600001, 128]
# What no JSON writer makes.
RAW = [b"", b" ", b"\xef\xbb\xbf{}", b"{}{}", b"nul", b"NaN", b"-", b"1e999", b"[" * 70 + b"]" * 70,
       b"{\"a\":" * 10000, b"[" * 100000, b'{"text":"a","text":"b"}', b'{"text":"a","te\\u0078t":"b"}',
       b'{"text":"\xff\xfe"}', b'{"text":"\xed\xa0\x80"}', b'{"text":"\\ud800"}', b'{"text":"\\u0000"}',
       b'{"text":"\xc0\x80"}', b'{"text":"\xf4\x90\x80\x80"}', b'{"text":"a\nb"}', b"{'text':'a'}",
       b'{"text":"x","deadline_ms":1' + b"0" * 400 + b"}", b'{"text":"x","deadline_ms":1e2}',
       b'{"text":"x","deadline_ms":-0}', b'{"text":"x",}', b'{"text":"x"}\x00', b'{"a":1}' * 5000,
       b'{"text":"' + b"\\u00e9" * 20000 + b'"}', json.dumps({"text": "x"}).encode("utf-16"),
       b'{"queries":[' + b'"",' * 1000 + b'""]}', b'{"texts":[' + b'"",' * 5000 + b'""]}']
MEDIA = ["application/json"] * 30 + [
    "application/json; charset=utf-8", "APPLICATION/JSON", "text/plain", "application/jsonx", "", "/",
    "application/json, text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]


class _Maker:
    """Bodies along a schema: right ones, and ones that something was done to."""

    def __init__(self, description, rng):
        self.description, self.rng = description, rng

    def follow(self, node):
        while "$ref" in node:
            found = self.description
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            node = found
        return node

    def odd(self, depth=0):
        kind = self.rng.randrange(8 if depth < 4 else 5)
        if kind < 2:
            return self.rng.choice(ODD_TEXTS)
        if kind == 2:
            return self.rng.choice(ODD_NUMBERS)
        if kind < 5:
            return self.rng.choice([None, True, False, [], {}])
        if kind == 5:
            return [self.odd(depth + 1) for _ in range(self.rng.randrange(4))]
        return {self.rng.choice(ODD_TEXTS + ["text", "id", "role", "type"]): self.odd(depth + 1)
                for _ in range(self.rng.randrange(4))}

    def scalar(self, node, kind):
        if kind == "string":
            if "pattern" in node:
                return self.rng.choice(["r-1", "r" * 128, "!"])
            most = node.get("maxLength", 10**6)
            return self.rng.choice([t for t in ODD_TEXTS if len(t.encode("utf-8", "replace")) <= most])
        if kind in ("integer", "number"):
            low, high = node.get("minimum", 0), node.get("maximum", 100)
            return self.rng.choice([low, high, (low + high) / 2 if kind == "number" else low])
        return {"boolean": self.rng.random() < 0.5, "null": None}[kind]

    def value(self, node, depth=0):
        """Something of this schema, unless chance wants it otherwise."""
        node = self.follow(node)
        if self.rng.random() < 0.03:
            return self.odd()
        if "enum" in node:
            return self.rng.choice(node["enum"])
        if "type" not in node:
            return self.value(self.rng.choice(node["oneOf"]), depth)
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        kind = self.rng.choice(kinds)
        if kind == "array":
            return [self.value(node["items"], depth + 1) for _ in range(self.rng.randrange(4))]
        if kind == "object":
            return self.object(node, depth)
        return self.scalar(node, kind)

    def object(self, node, depth):
        required = set(node.get("required", []))
        if node.get("oneOf"):
            required |= set(self.rng.choice(node["oneOf"])["required"])
        every = {r for one in node.get("oneOf", []) for r in one["required"]}
        made = {}
        for name, member in node.get("properties", {}).items():
            wanted = name in required or (name not in every and self.rng.random() < 0.2)
            if wanted != (self.rng.random() < 0.02):
                made[name] = self.value(member, depth + 1)
        if isinstance(node.get("additionalProperties"), dict):
            made |= {f"m{i}": self.value(node["additionalProperties"], depth + 1)
                     for i in range(self.rng.randrange(3))}
        if self.rng.random() < 0.03:
            made[self.rng.choice(ODD_TEXTS)] = self.odd()
        return made


class _Client:
    """One request at a time on a connection that lives as long as the server lets it."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def ask(self, method, path, body, headers, chunked):
        for attempt in (0, 1):  # a kept connection may have been closed by the server
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                if chunked and body is not None:
                    pieces = [body[i:i + 4096] for i in range(0, len(body), 4096)]
                    self.connection.request(method, path, iter(pieces), headers, encode_chunked=True)
                else:
                    self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (ConnectionError, http.client.BadStatusLine):
                self.connection.close()
                self.connection = None
                if fresh or attempt:
                    raise
        return None


@pytest.fixture(name="bridge")
def _bridge(lacuna):
    lacuna.kafka.create_topics(lacuna.prefix, {"*": 2})
    lacuna.migrate()
    lacuna.classify(classify__lanes=1)
    bridge = lacuna.bridge(bridge__body_bytes=256 << 10, bridge__body_timeout_ms=3000)
    yield bridge
    # Not after the programs have ended: a sanitizer's report is looked for then anyway.
    assert bridge.running and bridge.get("/health")[0] == 200
    assert SECRET not in bridge.log() and "kim@acme" not in bridge.log()


def _describe(bridge):
    return json.loads(bridge.get("/openapi.json")[1])


def _answers(description, operation):
    """{status: {media type: validator}} of one path and method."""
    maker, out = _Maker(description, random.Random(0)), {}
    for status, answer in operation["responses"].items():
        content = maker.follow(answer).get("content", {})
        out[int(status)] = {
            kind: Draft202012Validator(body.get("schema", {}) | {"components": description["components"]})
            for kind, body in content.items()}
    return out


def _check(listed, method, sent, status, headers, answer):
    """It is an answer that is listed, in the form that is listed."""
    assert status in listed, (sent, status, answer[:300])
    if method == "HEAD":
        assert answer == b""
        return
    kind = headers["content-type"].split(";")[0]
    assert not listed[status] or kind in listed[status], (sent, status, kind)
    if "json" in kind and kind in listed[status]:
        found = json.loads(answer)
        listed[status][kind].validate(found)
        if status >= 400:
            assert found["status"] == status and SECRET not in json.dumps(found), (sent, answer)


def _serialised(rng, body):
    text = json.dumps(body, ensure_ascii=rng.random() < 0.5)
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05 and raw:  # a byte of it is another
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at + rng.randrange(2):]
    if rng.random() < 0.03:
        raw = raw[:rng.randrange(len(raw) + 1)]
    return raw


def _headers(rng):
    headers = {"Content-Type": rng.choice(MEDIA)}
    for name, values in {
            "Idempotency-Key": ["k", '"k"', "x" * 255, "x" * 256, "", " ", "é", '"'],
            "traceparent": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "x", "0" * 4000],
            "Authorization": ["Bearer x", "Basic", ""], "Accept": ["text/html;q=zz,*/*", "x" * 3000],
            "Content-Encoding": ["gzip", "identity", "br, gzip"], "Expect": ["100-continue"],
            "X-HTTP-Method-Override": ["DELETE"], "Range": ["bytes=0-1"]}.items():
        if rng.random() < 0.04:
            headers[name] = rng.choice(values).encode()
    return headers


@pytest.mark.timeout(60 + REQUESTS // 10)
def test_every_answer_is_one_that_the_description_lists(bridge):
    rng = random.Random(SEED)
    description = _describe(bridge)
    maker, client = _Maker(description, rng), _Client(bridge.page)
    operations = [(path, method, one, _answers(description, one))
                  for path, item in description["paths"].items() for method, one in item.items()]
    posts = [o for o in operations if o[1] == "post"]
    seen = set()
    for n in range(REQUESTS):
        path, method, operation, listed = rng.choice(posts if rng.random() < 0.85 else operations)
        body = None
        if method == "post":
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            body = rng.choice(RAW) if rng.random() < 0.1 else _serialised(rng, maker.value(schema))
        shown = path.replace("{event_id}", rng.choice(["0" * 32, "F" * 32, "x", "%ff", "%2f", "'"]))
        if path.endswith("decisions"):
            shown += rng.choice(["", "?request_id=", "?request_id=r-1", "?request_id=%ff%fe",
                                 "?request_id=" + "x" * 513, "?request_id=%C3%A4&request_id=a", "?a=b",
                                 "?request_id=%ed%a0%80", "?request_id='%22%5c"])
        verb = "HEAD" if method == "get" and rng.random() < 0.2 else method.upper()
        sent = (SEED, n, verb, shown, headers := _headers(rng), body and body[:300])
        status, got, answer = client.ask(verb, shown, body, headers, rng.random() < 0.2)
        _check(listed, verb, sent, status, got, answer)
        # Kafka and Postgres are there: what looks as if they weren't is a request that reached them.
        assert status not in (500, 503), (sent, answer)
        seen.add((path, status))
    # The way was not always the same one.
    for path, _, _, _ in posts:
        assert {s for p, s in seen if p == path} >= {200, 400, 415, 422}, (path, seen)
    assert bridge.metrics()["lacuna_bridge_in_flight"] == 0


def _say(bridge, what, timeout=10):
    """What comes back until the server closes."""
    got = b""
    with socket.create_connection(("127.0.0.1", bridge.page), timeout=timeout) as s:
        with contextlib.suppress(ConnectionError):
            s.sendall(what)
            while piece := s.recv(65536):
                got += piece
    return got


HEAD = b"POST /api/v1/classify HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
GOOD = b'{"text":"x"}'
CLOSE = b"Connection: close\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(GOOD)


@pytest.mark.parametrize("status, request_", [
    (415, HEAD + CLOSE + b"Content-Encoding: gzip\r\n" + LENGTH + GOOD),
    (400, HEAD + CLOSE + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n" + LENGTH + GOOD),
    (400, HEAD + CLOSE + b"Authorization: Bearer a\0b\r\n" + LENGTH + GOOD),
    (400, HEAD + CLOSE + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (400, HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    (413, HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    (400, HEAD + CLOSE + b"\r\n"),
    (200, HEAD + CLOSE + b"Expect: 100-continue\r\n" + LENGTH + GOOD),
    (405, b"OPTIONS /api/v1/classify HTTP/1.1\r\nHost: t\r\n" + CLOSE + b"\r\n"),
    (405, b"PUT /api/v1/classify HTTP/1.1\r\nHost: t\r\n" + CLOSE + LENGTH + GOOD),
    (405, b"TRACE /health HTTP/1.1\r\nHost: t\r\n" + CLOSE + b"\r\n"),
    (404, b"OPTIONS * HTTP/1.1\r\nHost: t\r\n" + CLOSE + b"\r\n"),
    (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"x" * 20000 + b"\r\n\r\n"),
    (414, b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: t\r\n\r\n"),
], ids=lambda v: str(v) if isinstance(v, int) else "")
def test_what_no_client_library_sends_is_answered_and_closed(bridge, status, request_):
    got = _say(bridge, request_).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 %d " % status), got[:300]


def test_requests_that_come_at_once_are_answered_in_their_order(bridge):
    """Good and bad ones in one write; then one that is cut off."""
    rng = random.Random(SEED)
    sent, expected = b"", []
    for _ in range(60):
        body, status = rng.choice([(GOOD, 200), (b'{"text":', 400), (b'{"text":5}', 422)])
        sent += HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        expected.append(status)
    got = _say(bridge, sent + b"GET /health HTTP/1.1\r\nHost: t\r\n" + CLOSE + b"\r\n", timeout=20)
    found = [int(line.split()[1]) for line in got.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    # A body without line ends in it runs into the next status line.
    assert got.count(b"HTTP/1.1 ") == 61 and found[0] == expected[0]
    statuses = [int(piece[:3]) for piece in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == expected + [200]
    for cut in range(0, len(HEAD), 17):
        with socket.create_connection(("127.0.0.1", bridge.page), timeout=10) as s:
            s.sendall(HEAD[:cut])
