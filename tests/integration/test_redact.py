# SPDX-License-Identifier: Apache-2.0
"""`lacuna redact`: what was found is gone, and every other byte is there."""

import json
import os
import re
import stat
import subprocess

import pytest
from harness import BIN

TEXT = "card 4111 1111 1111 1111 of jane.doe@acme.io,\r\nthen jane.doe@acme.io again\n"


def redact(*args, stdin=b"", status=0, cwd=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("LACUNA")}
    done = subprocess.run([BIN / "lacuna", "redact", *args], input=stdin, cwd=cwd, env=env,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert b"Sanitizer" not in done.stderr
    return done


@pytest.mark.parametrize("mode, want", [
    ("replace", "card <CREDIT_CARD> of <EMAIL_ADDRESS>,\r\nthen <EMAIL_ADDRESS> again\n"),
    ("mask", f"card {'*' * 19} of {'*' * 16},\r\nthen {'*' * 16} again\n"),
    ("last4", "card **** **** **** 1111 of ****.***@**me.io,\r\nthen ****.***@**me.io again\n"),
])
def test_modes(mode, want):
    assert redact("--mode", mode, stdin=TEXT.encode()).stdout.decode() == want


def test_hashes_join_within_a_run_and_with_a_key_everywhere(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    shown = [re.findall("<EMAIL_ADDRESS:([0-9a-f]{16})>", redact(
        "--mode", "hash", *args, stdin=TEXT.encode()).stdout.decode())
        for args in ([], [], ["--key-file", str(key)], ["--redact-key-file", str(key)])]
    assert all(len(hashes) == 2 and hashes[0] == hashes[1] for hashes in shown)
    assert shown[0] != shown[1] and shown[2] == shown[3] and shown[0] != shown[2]
    key.write_bytes(b"short")
    redact("--key-file", str(key), status=2)


def test_a_key_that_others_may_use_is_warned_of(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    for mode, told in ((0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o602, True)):
        key.chmod(mode)
        for option in ("--key-file", "--redact-key-file"):
            said = redact("--mode", "hash", option, str(key), stdin=TEXT.encode()).stderr.decode()
            assert (f"{key} can be used by others (mode {mode:04o}): chmod 600" in said) == told, said
            assert bool(said) == told


SECRETS = (b"kim@acme.io, token: gT7xQ2mW9kLp4vRz8sBn, DB_PASSWORD=k7#Vq9!mZ2xw\n"
           b"api_key = \"Zk39fLqP0aXv7TbW5yHs\" # card 4111 1111 1111 1111\n"
           b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----\n")


@pytest.mark.parametrize("mode", ["replace", "mask", "hash"])
def test_a_redacted_text_has_nothing_more_to_redact(mode):
    """Its hashes are no secrets, whatever their names: they would be hashed once more."""
    for _ in range(20 if mode == "hash" else 1):  # under a random key
        once = redact("--mode", mode, stdin=SECRETS).stdout
        assert once.count(b"<") == (0 if mode == "mask" else 6), once
        assert redact("--mode", mode, stdin=once).stdout == once
    # What only looks like one is a secret still.
    for text in (b"<API_KEY: 591d468b1da706d3>", b"API_KEY:591d468b1da706d3>",
                 b"<API_KEY:591d468b1da706d3f>", b"<api_key:591d468b1da706d3>"):
        assert b"591d468b1da706d3" not in redact("--mode", mode, stdin=text).stdout, text


def test_every_other_byte_stays():
    noise = bytes(range(256)) * 3
    done = redact(stdin=noise + b" kim@acme.io " + noise)
    assert done.stdout == noise + b" <EMAIL_ADDRESS> " + noise
    assert b"UTF-8" in done.stderr
    large = (b"line without anything\r\n" * 20 + b"kim@acme.io\n") * 5000
    assert redact(stdin=large).stdout == large.replace(b"kim@acme.io", b"<EMAIL_ADDRESS>")
    assert redact(stdin=b"").stdout == b""


def test_only_what_was_asked_for():
    only = redact("--entities", "CREDIT_CARD", stdin=TEXT.encode()).stdout.decode()
    assert "4111 1111" not in only and "jane.doe@acme.io" in only
    mark = b"Strictly confidential: kim@acme.io\n"
    assert redact(stdin=mark).stdout == b"Strictly confidential: <EMAIL_ADDRESS>\n"
    named = redact("--entities", "CONFIDENTIALITY_MARK", stdin=mark).stdout
    assert b"<CONFIDENTIALITY_MARK>" in named and b"kim@acme.io" in named
    redact("--entities", "NO_SUCH_THING", status=2)
    redact("--mode", "rot13", status=2)


def test_in_place_keeps_rights_and_refuses_what_would_keep_the_old_text(tmp_path):
    one, clean = tmp_path / "one.log", tmp_path / "clean.log"
    one.write_text(TEXT)
    one.chmod(0o640)
    clean.write_text("nothing")
    before = clean.stat().st_ino
    assert redact("-i", str(one), str(clean)).stdout == b""
    assert "acme" not in one.read_text() and stat.S_IMODE(one.stat().st_mode) == 0o640
    assert clean.stat().st_ino == before and sorted(tmp_path.iterdir()) == [clean, one]
    one.write_text(TEXT)
    (tmp_path / "link").symlink_to(one)
    os.link(one, tmp_path / "other-name")
    for name in ("link", "one.log", "no-such-file", "."):
        redact("-i", str(tmp_path / name), status=2)
    assert one.read_text() == TEXT.replace("\r\n", "\n") or one.read_bytes().count(b"acme") == 2
    redact("-i", status=2)
    redact("-i", "--jsonl", str(one), status=2)
    redact(str(one), str(clean), status=2)


def test_a_file_to_stdout(tmp_path):
    (tmp_path / "x").write_text("kim@acme.io")
    assert redact("x", cwd=tmp_path).stdout == b"<EMAIL_ADDRESS>"
    assert (tmp_path / "x").read_text() == "kim@acme.io"
    assert redact("missing", cwd=tmp_path, status=2).stdout == b""


def test_jsonl_has_texts_and_the_places_they_came_from():
    lines = [{"id": i, "text": f"ü{i} kim@acme.io" if i % 2 else "nothing"} for i in range(2000)]
    stdin = "\n".join(json.dumps(x) for x in lines).encode()
    answers = [json.loads(x) for x in redact("--jsonl", "--mode", "hash", stdin=stdin)
               .stdout.splitlines()]
    assert [a["id"] for a in answers] == list(range(2000))
    assert len({a["text"].split()[-1] for a in answers}) == 2  # one key for all threads
    for line, answer in zip(lines, answers):
        assert set(answer) == {"id", "text", "findings"}
        for f in answer["findings"]:
            assert line["text"][f["start_char"]:f["end_char"]] == "kim@acme.io"
    bad = redact("--jsonl", stdin=b'{"text":"kim@acme.io"}\nkim@acme.io\n', status=2)
    first, second = map(json.loads, bad.stdout.splitlines())
    assert first["text"] == "<EMAIL_ADDRESS>" and second["line"] == 2
    assert b"kim@" not in bad.stdout


@pytest.mark.parametrize("codec, mark", [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")])
def test_utf16_stays_utf16_without_what_was_found(tmp_path, codec, mark):
    text = "Grüße \U0001f600 an jane.doe@acme.io\r\n"
    want = mark + text.replace("jane.doe@acme.io", "<EMAIL_ADDRESS>").encode(codec)
    path = tmp_path / "notes.txt"
    path.write_bytes(mark + text.encode(codec))
    assert redact(str(path)).stdout == want
    assert redact(stdin=path.read_bytes()).stdout == want
    redact("-i", str(path))
    assert path.read_bytes() == want
    path.write_bytes(mark + "\ud83d jane.doe@acme.io ".encode(codec, "surrogatepass"))
    broken = redact(str(path), status=2)
    assert broken.stdout == b"" and b"is not UTF-16" in broken.stderr


def test_what_looks_like_no_text_is_said():
    said = redact(stdin="jane.doe@acme.io".encode("utf-16-le"))
    assert b"NUL bytes" in said.stderr
    assert redact(stdin=b"jane.doe@acme.io").stderr == b""
