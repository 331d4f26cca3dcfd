# SPDX-License-Identifier: Apache-2.0
"""`lacuna scan` on its own: files, folders, pipes, staged changes, formats, baselines."""

import csv
import io
import json
import os
import re
import signal
import subprocess

import pytest
from harness import BIN, wait_until

CARD = "4111 1111 1111 1111"


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").write_text("x = 1\nmail = 'jane.doe@acme.io'  # ü\n")
    (folder / "src" / "b.py").write_text(f"card = '{CARD}'\nok = 'bob@acme.io'  # lacuna:allow\n")
    (folder / ".env").write_text("OWNER=ann@acme.io\n")
    (folder / "blob.bin").write_bytes(b"\x00\x01 kim@acme.io\n")
    (folder / "link.txt").symlink_to("src/a.py")
    return folder


def _env():
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("LACUNA", "GIT_"))},
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@t"}


def scan(folder, *args, stdin=None, status=None):
    done = subprocess.run([BIN / "lacuna", "scan", *args], cwd=folder, input=stdin, env=_env(),
                          capture_output=True, timeout=60, check=False)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert status is None or done.returncode == status, done.stdout + done.stderr
    assert "Sanitizer" not in done.stderr
    return done


def _field(path, name):
    """A field of a /proc/PID/status."""
    with open(path, encoding="ascii") as lines:
        return next(line.split(":")[1].strip() for line in lines if line.startswith(name + ":"))


def git(folder, *args):
    return subprocess.run(["git", *args], cwd=folder, env=_env(), capture_output=True, text=True,
                          timeout=60, check=True).stdout


def places(done):
    """"path:line:column" of a scan in text."""
    return [":".join(line.split(":")[:3]) for line in done.stdout.splitlines()]


def test_folders_are_walked_in_order_and_nothing_found_is_shown(tree):
    done = scan(tree, status=1)
    assert places(done) == [".env:1:7", "src/a.py:2:9", "src/b.py:1:9"]
    assert "acme.io" not in done.stdout and "4111" not in done.stdout
    assert "\x1b" not in done.stdout
    assert "PROPRIETARY EMAIL_ADDRESS" in done.stdout and "<EMAIL_ADDRESS>" in done.stdout
    assert "3 findings in 3 files of 3" in done.stderr.replace("  ", " ")
    assert "1 suppressed by a comment" in done.stderr and "1 binary skipped" in done.stderr
    assert "jane.doe@acme.io" in scan(tree, "--show-secrets", status=1).stdout


def test_exit_statuses(tree):
    (tree / "clean.txt").write_text("nothing\n")
    scan(tree, "clean.txt", status=0)
    scan(tree, "src", status=1)
    scan(tree, "no-such-file", status=2)
    assert places(scan(tree, "no-such-file", "src/a.py", status=2)) == ["src/a.py:2:9"]
    scan(tree, "--no-such-option", status=2)
    scan(tree, "--min-score", "2", status=2)
    done = scan(tree, "--entities", "EMAIL_ADRESS", status=2)
    assert "did you mean EMAIL_ADDRESS?" in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "csv"])
def test_output_that_cannot_be_written_is_an_error(tree, form):
    """By whatever thread; a reader that has gone (`| head`) is told by the status alone."""
    many = [("".join(f"m{i}.{k}@acme.io\n" for k in range(200))) for i in range(20)]
    for i, text in enumerate(many):
        (tree / f"many{i}.txt").write_text(text)
    command = [BIN / "lacuna", "scan", "--format", form, "-q"]

    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, cwd=tree, env=_env(), stdout=full, stderr=subprocess.PIPE,
                              timeout=60, check=False)
    assert done.returncode == 2
    assert b"can't write the output: No space left on device" in done.stderr

    with subprocess.Popen(command, cwd=tree, env=_env(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as run:
        run.stdout.close()
        said = run.stderr.read()
    assert run.returncode == 2 and said == b""


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "csv"])
def test_a_signal_ends_the_output_well_formed_and_says_that_it_is_not_all(tree, form):
    # The second operand is a pipe that never ends: the scan is in the middle when the signal comes.
    # Who runs the tests in the background may have it ignored, and ignored it stays.
    scanner = ["env", "--default-signal=INT", BIN / "lacuna", "scan", "--format", form]
    with subprocess.Popen([*scanner, "src/a.py", "-"], cwd=tree,
                          env=_env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        begun, mark = b"", b'"results":[' if form == "sarif" else b""
        while mark not in begun or b"EMAIL_ADDRESS" not in begun[begun.find(mark):]:
            more = os.read(child.stdout.fileno(), 1 << 16)
            assert more, child.stderr.read()
            begun += more
        child.send_signal(signal.SIGINT)
        child.stdin.flush()  # held open until the process has ended
        assert child.wait(timeout=60) == 130
        out = (begun + child.stdout.read()).decode()
        assert "stopped by a signal" in child.stderr.read().decode()
    if form == "json":
        document = json.loads(out)
        assert [f["path"] for f in document["findings"]] == ["src/a.py"]
        assert document["summary"]["interrupted"] is True
    elif form == "sarif":
        run = json.loads(out)["runs"][0]
        assert len(run["results"]) == 1
        assert run["invocations"] == [{"executionSuccessful": False, "exitCode": 130,
                                       "exitCodeDescription": "stopped by a signal"}]
    elif form == "jsonl":
        assert [json.loads(x)["path"] for x in out.splitlines()] == ["src/a.py"]
    else:
        assert out.endswith("\n") and out.count("src/a.py") == 1
    whole = scan(tree, "--format", "json", "src", status=1)
    assert "interrupted" not in json.loads(whole.stdout)["summary"]


def test_an_interrupted_scan_leaves_the_baseline_as_it_was(tree):
    known = tree / "known.txt"
    scan(tree, "--write-baseline", "known.txt", ".env", status=0)
    before = known.read_bytes()
    with subprocess.Popen([BIN / "lacuna", "scan", "--write-baseline", "known.txt", "src/a.py", "-"],
                          cwd=tree, env=_env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        status = f"/proc/{child.pid}/status"
        wait_until(lambda: int(_field(status, "SigBlk"), 16) & 1 << (signal.SIGTERM - 1),
                   what="the scan watches for signals")
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 130
        assert b"baseline is left" in child.stderr.read()
    assert known.read_bytes() == before


def test_what_cannot_be_looked_at_is_an_error_and_the_rest_is_scanned(tree):
    """Folders inside each other beyond the bound: also root's reading ends there."""
    here = os.open(tree, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    done = scan(tree, status=2)
    assert "256 folders" in done.stderr and len(places(done)) == 3


def test_filters(tree):
    assert places(scan(tree, "--entities", "CREDIT_CARD", status=1)) == ["src/b.py:1:9"]
    assert len(places(scan(tree, "--rules", "email", status=1))) == 2
    assert places(scan(tree, "--no-allow", "src/b.py", status=1)) == ["src/b.py:1:9", "src/b.py:2:7"]
    assert "blob.bin:1:" in scan(tree, "--binary", status=1).stdout
    (tree / "doc.txt").write_text("Strictly confidential, internal use only.\n")
    assert places(scan(tree, "doc.txt", status=1))
    scan(tree, "--floors-only", "doc.txt", status=0)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_text_and_places_are_the_files_own(tmp_path, encoding):
    """As Windows tools write it: with a mark. Also over the edges of pieces, which are of 1 MiB."""
    text = "\ufeff\U0001F600 ü\r\nmail jane@acme.io\r\n" + "дом \U0001F600 " * 250_000 + \
        "\nmail bob@acme.io\n"
    raw = text.encode(encoding)
    (tmp_path / "a.txt").write_bytes(raw)
    done = scan(tmp_path, "--format", "json", "--entities", "EMAIL_ADDRESS", status=1)
    found, counts = (json.loads(done.stdout)[k] for k in ("findings", "summary"))
    assert counts["not_utf8"] == 0 and counts["skipped_binary"] == 0
    assert [raw[f["start"]:f["end"]].decode(encoding) for f in found] == \
        ["jane@acme.io", "bob@acme.io"]
    assert [(f["line"], f["column"]) for f in found] == [(2, 6), (4, 6)]
    assert [text[1:][f["start_char"]:f["end_char"]] for f in found] == \
        ["jane@acme.io", "bob@acme.io"]
    assert places(scan(tmp_path, "-", stdin=raw, status=1)) == ["<stdin>:2:6", "<stdin>:4:6"]
    # Half a character is said; a mark before other text hides nothing.
    (tmp_path / "a.txt").write_bytes(raw + b"x")
    assert "not all UTF-8" in scan(tmp_path, status=1).stderr
    (tmp_path / "a.txt").write_bytes(raw[:2] + b" mail jane@acme.io")
    assert places(scan(tmp_path, status=1)) == ["a.txt:1:9"]
    # The same in UTF-8, where pieces are cut inside of characters.
    (tmp_path / "a.txt").write_text(text[1:], newline="")
    same = json.loads(scan(tmp_path, "--format", "json", status=1).stdout)
    assert same["summary"]["not_utf8"] == 0
    keys = "line", "column", "start_char", "end_char"
    assert [[f[k] for k in keys] for f in same["findings"]] == [[f[k] for k in keys] for f in found]


def test_a_key_of_kilobytes_is_found_whole_over_the_edges_of_pieces(tmp_path):
    lines = "".join(f"MII{n:061}\n" for n in range(150))
    key = f"-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----"
    edge = (1 << 20) + (12 << 10)  # where the first piece's own part ends
    for start in range(edge - len(key), edge + 1000, 1900):
        text = ("lorem ipsum dolor\n" * 70_000)[:start - 1] + "\n" + key + "\nlorem\n"
        (tmp_path / "a.txt").write_text(text)
        found = json.loads(scan(tmp_path, "--format", "json", status=1).stdout)["findings"]
        assert [(f["start"], f["end"]) for f in found] == [(start, start + len(key))]
        assert found[0]["line"] == text[:start].count("\n") + 1
        assert "1 finding in 1 file" in scan(tmp_path, status=1).stderr


PEOPLE = 50000
SSNS = [f"457{i % 99 + 1:02}{i % 9999 + 1:04}" for i in range(PEOPLE)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_cells_are_read_with_headings_that_stand_megabytes_above(tmp_path, encoding):
    rows = "".join(f"{i},person {i},{ssn},of no interest\n" for i, ssn in enumerate(SSNS))
    (tmp_path / "people.csv").write_bytes(f"id,name,ssn,note\n{rows}".encode(encoding))
    rows = "".join(f"{i}\t{ssn}\n" for i, ssn in enumerate(SSNS))
    (tmp_path / "people.sql").write_bytes(
        f"-- dump\nCOPY p (id, ssn) FROM stdin;\n{rows}\\.\n".encode(encoding))
    for name in "people.csv", "people.sql":
        found = scan(tmp_path, "--format", "jsonl", "--rules", "us-ssn-bare", name, status=1).stdout
        found = [json.loads(line) for line in found.splitlines()]
        first = 2 if name == "people.csv" else 3
        assert [f["line"] for f in found] == list(range(first, first + PEOPLE))
        assert not any(ssn in f["excerpt"] for f, ssn in zip(found, SSNS))
        piped = scan(tmp_path, "--format", "jsonl", "--rules", "us-ssn-bare", "-",
                     stdin=(tmp_path / name).read_bytes(), status=1).stdout
        assert [json.loads(line)["start"] for line in piped.splitlines()] == [
            f["start"] for f in found]
        redacted = subprocess.run([BIN / "lacuna", "redact", name], cwd=tmp_path, env=_env(),
                                  capture_output=True, check=True).stdout.decode(encoding)
        assert redacted.count("<US_SSN>") == PEOPLE
        assert not re.search(r"\b457\d{6}\b", redacted)


def test_a_byte_order_mark_takes_no_column(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffjane.doe@acme.io\r\nü kim@acme.io\n".encode())
    found = scan(tmp_path, "--format", "jsonl", "a.txt", status=1)
    first, second = (json.loads(line) for line in found.stdout.splitlines())
    assert (first["line"], first["column"], first["end_column"]) == (1, 1, 17)
    assert (first["start"], first["start_char"]) == (3, 1)  # of the file as it is
    assert first["excerpt"] == "<EMAIL_ADDRESS>"
    assert (second["line"], second["column"]) == (2, 3)


def test_what_git_ignores_is_left_out_as_git_does(tree, tmp_path):
    """The same files as git lists, for patterns of every form."""
    names = ["a.log", "keep.log", "out/x", "src/out/x", "src/deep/out", "doc/a.txt", "doc/b/a.txt",
             "doc/b/c/a.txt", "build/keep", "t[1].x", "#hash", "!bang", "sp ace ", "q/only/me",
             "z/1.tmp", "z/2.tmp"]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("ann@acme.io\n")
    (tree / ".gitignore").write_text("*.log\n!keep.log\n/out/\ndoc/**/a.txt\nbuild/*\n!build/keep\n"
                                     "t\\[1\\].x\n\\#hash\n\\!bang\nsp ace\\ \nq/*/me\n[xy]z\n")
    (tree / "z" / ".gitignore").write_text("*.tmp\n!2.tmp\n")
    git(tree, "init", "-q")
    listed = git(tree, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    want = {n for n in listed if n and not n.endswith((".gitignore", "link.txt", "blob.bin"))}
    got = {f["path"] for f in json.loads(scan(tree, "--format", "json").stdout)["findings"]}
    assert got == want
    assert places(scan(tree / "src", status=1))[0].startswith("a.py:")
    assert "src/out/x" in got and "out/x" not in got
    everything = {f["path"] for f in json.loads(
        scan(tree, "--no-ignore", "--format", "json").stdout)["findings"]}
    assert set(names) <= everything
    (tree / "src" / ".lacunaignore").write_text("*.py\n")
    assert not any(p.endswith(".py") for p in places(scan(tree)))
    assert places(scan(tree, "src/a.py", status=1)) == ["src/a.py:2:9"]  # named, so looked at


def test_json_has_bytes_and_code_points(tree):
    found = json.loads(scan(tree, "--format", "json", "src/a.py", status=1).stdout)
    one = found["findings"][0]
    text = (tree / "src" / "a.py").read_text()
    assert text[one["start_char"]:one["end_char"]] == "jane.doe@acme.io"
    assert text.encode()[one["start"]:one["end"]] == b"jane.doe@acme.io"
    assert one["validated"] is True and one["strength"] == "floor" and one["suppressed"] is None
    assert found["summary"]["findings"] == 1 and found["summary"]["files"] == 1
    lines = scan(tree, "--format", "jsonl", status=1).stdout.splitlines()
    assert [json.loads(x)["path"] for x in lines] == [".env", "src/a.py", "src/b.py", "src/b.py"]
    assert json.loads(lines[3])["suppressed"] == "comment"
    empty = json.loads(scan(tree, "--format", "json", "-", stdin=b"nothing", status=0).stdout)
    assert empty["findings"] == []


def test_csv_is_safe_to_open(tree):
    (tree / "=1+1,\"x\".txt").write_text("ann@acme.io\n")
    rows = list(csv.DictReader(io.StringIO(scan(tree, "--format", "csv", status=1).stdout)))
    assert len(rows) == 5
    assert any(r["path"] == "'=1+1,\"x\".txt" for r in rows)


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "csv"])
def test_reports_are_utf8_whatever_files_and_their_names_are(tree, form):
    """Latin-1, say: whoever reads a report refuses all of it for one byte."""
    (tree / os.fsdecode(b"caf\xe9 \"1\".txt")).write_bytes(b"J\xfcrgen, \"ann@acme.io\" \xed\xa0\x80\xff\n")
    done = scan(tree, "--format", form, status=1)  # decodes it
    if form == "csv":
        row = next(r for r in csv.DictReader(io.StringIO(done.stdout)) if r["path"].startswith("caf"))
        assert row["path"] == 'caf\ufffd "1".txt'
        assert row["excerpt"] == 'J\ufffdrgen, "<EMAIL_ADDRESS>" ' + "\ufffd" * 4


def test_sarif(tree):
    """The structure that SARIF 2.1.0 demands, and what code hosts need of the rest."""
    log = json.loads(scan(tree, "--format", "sarif", status=1).stdout)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    assert set(log) <= {"$schema", "version", "runs", "properties"}
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "lacuna" and driver["version"]
    ids = [r["id"] for r in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
    assert len(run["results"]) == 4
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"] and "acme.io" not in json.dumps(result)
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert region["startLine"] >= 1 and region["startColumn"] >= 1
        assert region["endLine"] >= region["startLine"]
        assert location["physicalLocation"]["artifactLocation"]["uri"]
        assert list(result["partialFingerprints"]) == ["lacunaPlace/v1"]
        assert all(s["kind"] in {"inSource", "external"} for s in result["suppressions"])
    # Names that the schema has: it takes no others, and ours go into "properties".
    assert set(run) <= {"tool", "columnKind", "results", "invocations"}
    assert set(driver) <= {"name", "version", "semanticVersion", "rules"}
    assert all(set(r) <= {"id", "name", "shortDescription", "help", "defaultConfiguration",
                          "properties"} for r in driver["rules"])
    assert all(set(r) <= {"ruleId", "ruleIndex", "level", "message", "locations",
                          "partialFingerprints", "suppressions", "properties"}
               for r in run["results"])
    assert [set(i) for i in run["invocations"]] == [{"executionSuccessful"}]
    assert [bool(r["suppressions"]) for r in run["results"]] == [False, False, False, True]
    prints = [r["partialFingerprints"]["lacunaPlace/v1"] for r in run["results"]]
    assert len(set(prints)) == 4
    again = json.loads(scan(tree, "--format", "sarif", status=1).stdout)
    assert [r["partialFingerprints"]["lacunaPlace/v1"] for r in again["runs"][0]["results"]] == prints


def test_a_report_in_the_folder_that_is_looked_at_is_no_part_of_it(tree):
    for name in ("report.sarif", "report.csv"):
        form = name.split(".")[1]
        with open(tree / name, "w", encoding="utf-8") as report:
            done = subprocess.run([BIN / "lacuna", "scan", "--format", form], cwd=tree, env=_env(),
                                  stdout=report, timeout=60, check=False)
        assert done.returncode == 1
        text = (tree / name).read_bytes().decode()
        assert name not in text
        (tree / name).unlink()
        assert scan(tree, "--format", form, status=1).stdout == text


def test_a_baseline_knows_what_was_there_and_holds_no_value(tree, tmp_path):
    base = tmp_path / "known.txt"
    scan(tree, "--write-baseline", str(base), status=0)
    text = base.read_text()
    said = re.sub(r"\b[0-9a-f]{16,}\b", "", text)  # digits of a hash may be those of the card
    assert "acme.io" not in said and "4111" not in said and len(text.splitlines()) == 6
    done = scan(tree, "--baseline", str(base), status=0)
    assert "3 in the baseline" in done.stderr
    # Another line, the same value: known. Another value at the same place: not.
    (tree / "src" / "a.py").write_text("\n\n\nmail = 'JANE.doe@acme.io'\n")
    scan(tree, "--baseline", str(base), status=0)
    (tree / "src" / "a.py").write_text("x = 1\nmail = 'joan.doe@acme.io'  # ü\n")
    assert places(scan(tree, "--baseline", str(base), status=1)) == ["src/a.py:2:9"]
    scan(tree, "--write-baseline", str(base), status=0)
    assert base.read_text().splitlines()[0] == text.splitlines()[0]  # the same salt: small changes


def test_a_baseline_is_not_looked_at_for_what_it_knows(tree):
    # A line for one of these is a service's name beside 32 hex digits: that service's key.
    (tree / "src" / "key.py").write_text("airbrake_key = '9d1f3c7be04a58264cf1e7a2b8d05936'\n")
    scan(tree, "--write-baseline", "known.txt", ".", status=0)
    assert "airbrake" in (tree / "known.txt").read_text()
    scan(tree, "--baseline", "known.txt", ".", status=0)
    git(tree, "init")
    git(tree, "add", "known.txt")
    scan(tree, "--staged", "--baseline", "known.txt", status=0)
    (tree / "src").joinpath("copy.txt").write_bytes((tree / "known.txt").read_bytes())
    assert "src/copy.txt" in scan(tree, "--baseline", "known.txt", ".", status=1).stdout


def test_a_baseline_with_a_key_needs_it(tree, tmp_path):
    base, key = tmp_path / "known.txt", tmp_path / "key"
    key.write_bytes(b"k" * 32)
    scan(tree, "--write-baseline", str(base), "--key-file", str(key), status=0)
    assert "salt" not in base.read_text()
    scan(tree, "--baseline", str(base), "--key-file", str(key), status=0)
    assert "--key-file" in scan(tree, "--baseline", str(base), status=2).stderr
    base.write_text("hello\n")
    scan(tree, "--baseline", str(base), status=2)
    scan(tree, "--baseline", str(tmp_path / "none"), status=2)


def test_large_files_are_looked_at_in_full(tmp_path):
    """Findings all over a file of several pieces, with the right lines and places."""
    lines = [f"{'.' * (i * 37 % 211)} user{i}@acme.io end" if i % 5 == 0 else "filler " * (i % 23)
             for i in range(60000)]
    text = "\n".join(lines)
    (tmp_path / "big.txt").write_text(text)
    found = json.loads(scan(tmp_path, "--format", "json", "big.txt", status=1).stdout)["findings"]
    assert [f["line"] for f in found] == [i + 1 for i in range(0, 60000, 5)]
    assert all(text[f["start"]:f["end"]] == f"user{f['line'] - 1}@acme.io" for f in found)
    piped = json.loads(scan(tmp_path, "--format", "json", "-", stdin=text.encode()).stdout)
    assert [(f["start"], f["line"]) for f in piped["findings"]] == [
        (f["start"], f["line"]) for f in found]


def test_one_line_full_of_findings(tmp_path):
    count = 40000
    (tmp_path / "x.csv").write_text(",".join(f"u{i}@acme.io" for i in range(count)))
    found = scan(tmp_path, "x.csv", status=1)
    assert len(found.stdout.splitlines()) == count and "more than" not in found.stderr


def test_output_does_not_depend_on_threads(tree):
    for i in range(300):
        (tree / f"f{i:03}.txt").write_text(f"u{i}@acme.io\n" * (i % 7))
    one = scan(tree, "--threads", "1").stdout
    assert one and all(scan(tree, "--threads", str(n)).stdout == one for n in (2, 7, 16))


def test_staged_changes_only_and_their_line_numbers(tree):
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "first")
    scan(tree, "--staged", status=0)
    (tree / "src" / "a.py").write_text("x = 1\ny = 2\nmail = 'jane.doe@acme.io'  # ü\nz = 'zoe@acme.io'\n")
    (tree / "näme\t.txt").write_text("++ b/evil\nnew@acme.io\n")
    (tree / "blob.bin").write_bytes(b"\x00\x01 kim@acme.io\n\x00 max@acme.io\n")
    scan(tree, "--staged", status=0)
    git(tree, "add", ".")
    done = scan(tree, "--staged", "--format", "jsonl", status=1)
    assert [(f["path"], f["line"], f["column"]) for f in map(json.loads, done.stdout.splitlines())] \
        == [("näme\t.txt", 2, 1), ("src/a.py", 4, 6)]
    (tree / "src" / "a.py").write_text("in the work tree only: tom@acme.io\n")
    assert len(scan(tree, "--staged", status=1).stdout.splitlines()) == 2
    # Attributes and the person's own settings hide nothing.
    (tree / ".gitattributes").write_text("*.txt -diff\n")
    git(tree, "config", "diff.noprefix", "true")
    git(tree, "config", "color.ui", "always")
    git(tree, "config", "diff.external", "/bin/false")
    assert len(scan(tree, "--staged", status=1).stdout.splitlines()) == 2
    assert len(scan(tree / "src", "--staged", status=1).stdout.splitlines()) == 2
    (tree / "src" / ".lacunaignore").write_text("a.py\n")
    assert len(scan(tree, "--staged", status=1).stdout.splitlines()) == 1
    git(tree, "mv", "src/b.py", "src/c.py")
    git(tree, "rm", "-q", "--cached", ".env")
    assert len(scan(tree, "--staged", status=1).stdout.splitlines()) == 1


def staged(tree, *args):
    done = scan(tree, "--staged", "--format", "json", *args, status=1)
    return [(f["path"], f["line"]) for f in json.loads(done.stdout)["findings"]]


def test_staged_files_of_any_name(tree):
    names = ["plain", "with blank", "grün", "grün und blau", "back\\slash two", "q\"uote d", " lead",
             "trail ", "-dash", "new\nline", "tab\tx y", "+++ b", "b/c", "a => b", "dev/null"]
    for name in names:
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("nothing\nann@acme.io\n")
    git(tree, "init", "-q")
    git(tree, "add", "--", *names)
    done = scan(tree, "--staged", "--format", "json", status=1)
    assert {(f["path"], f["line"]) for f in json.loads(done.stdout)["findings"]} \
        == {(name, 2) for name in names}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_staged_utf16_is_text(tree, encoding):
    """In its diff lines end inside of characters: U+0A05 has a line end's byte, too."""
    git(tree, "init", "-q")
    old = "\ufeffold@acme.io\r\nਅ keep\r\nlast line\r\n"
    (tree / "a.txt").write_bytes(old.encode(encoding))
    (tree / "large.txt").write_bytes(("\ufeff" + "дом\n" * 9000).encode(encoding))
    git(tree, "add", ".")
    assert ("a.txt", 1) in staged(tree)
    git(tree, "commit", "-qm", "first")
    new = old.replace("keep", "keep \U0001F600 Ċ") + "one@acme.io\r\nਊ two@acme.io"
    (tree / "a.txt").write_bytes(new.encode(encoding))
    (tree / "large.txt").write_bytes(("\ufeff" + "дом\n" * 9000 + "ende@acme.io").encode(encoding))
    (tree / "image.bin").write_bytes(b"\xff\xfe\x00\x00\x00\x00 kim@acme.io\n" * 3)
    git(tree, "add", ".")
    assert staged(tree) == [("a.txt", 4), ("a.txt", 5), ("large.txt", 9001)]
    found = json.loads(scan(tree, "--staged", "--format", "json", status=1).stdout)["findings"]
    raw = new.encode(encoding)
    assert [raw[f["start"]:f["end"]].decode(encoding) for f in found[:2]] == ["one@acme.io", "two@acme.io"]
    assert found[1]["column"] == 3
    (tree / "a.txt").write_bytes(old.replace("last", "lacuna:allow new@acme.io").encode(encoding))
    git(tree, "add", ".")
    assert staged(tree, "--no-allow") == [("a.txt", 3), ("large.txt", 9001)]
    assert "1 suppressed by a comment" in scan(tree, "--staged", status=1).stderr


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_staged_outside_of_a_repository_is_an_error(tmp_path, form):
    done = scan(tmp_path, "--staged", "--format", form, status=2)
    assert "git" in done.stderr
    document = json.loads(done.stdout)
    if form == "sarif":
        assert document["runs"][0]["invocations"] == [{"executionSuccessful": False}]
    else:
        assert document["findings"] == [] and document["summary"]["failed"] == 1


def test_jsonl_answers_line_by_line_in_order(tmp_path):
    lines = []
    for i in range(5000):
        text = f"ü {i} " + ("kim@acme.io and " if i % 3 == 0 else "") + "x" * (i % 91)
        lines.append(json.dumps({"id": i, "text": text, "label": "kept out"}, ensure_ascii=i % 2 == 0))
    done = scan(tmp_path, "--jsonl", "-", stdin="\n".join(lines).encode(), status=1)
    answers = [json.loads(x) for x in done.stdout.splitlines()]
    assert [a["id"] for a in answers] == list(range(5000))
    for i, answer in enumerate(answers):
        assert set(answer) == {"id", "tier", "findings"}
        assert len(answer["findings"]) == (i % 3 == 0)
        assert answer["tier"] == ("PROPRIETARY" if i % 3 == 0 else "PUBLIC")
        for f in answer["findings"]:
            text = json.loads(lines[i])["text"]
            assert set(f) == {"rule", "entity", "start", "end", "start_char", "end_char", "score",
                              "tier", "strength", "validated"}
            assert text[f["start_char"]:f["end_char"]] == "kim@acme.io"
            assert text.encode()[f["start"]:f["end"]] == b"kim@acme.io"
    assert scan(tmp_path, "--jsonl", stdin=b'{"id":"a","text":"x"}', status=0).stdout == \
        '{"id":"a","tier":"PUBLIC","findings":[]}\n'


def test_jsonl_takes_a_byte_order_mark_before_the_first_line(tmp_path):
    stdin = b'\xef\xbb\xbf{"id":1,"text":"kim@acme.io"}\n{"id":2,"text":"b"}\n'
    done = scan(tmp_path, "--jsonl", "-", stdin=stdin, status=1)
    assert [json.loads(x)["id"] for x in done.stdout.splitlines()] == [1, 2]


def test_jsonl_says_which_lines_are_wrong_and_goes_on(tmp_path):
    stdin = b'{"id":1,"text":"a"}\n\nsecret-word\n{"id":2}\n{"text":"kim@acme.io"}\n{"text":7}\n\xff\n'
    done = scan(tmp_path, "--jsonl", "-", stdin=stdin, status=2)
    answers = [json.loads(x) for x in done.stdout.splitlines()]
    assert [a.get("line") for a in answers] == [None, 3, 4, None, 6, 7]
    assert answers[3]["id"] is None and answers[3]["findings"][0]["entity"] == "EMAIL_ADDRESS"
    assert all(a["error"] for a in answers if "line" in a)
    assert "secret" not in done.stdout
    only = scan(tmp_path, "--jsonl", "--entities", "CREDIT_CARD", stdin=b'{"text":"kim@acme.io"}')
    assert only.returncode == 0


def test_a_pack_of_ones_own(tree, tmp_path):
    pack = tmp_path / "pack"
    (pack / "rules").mkdir(parents=True)
    (pack / "pack.yaml").write_text("name: ours\nversion: 1\nbase: builtin\n")
    (pack / "rules" / "own.yaml").write_text(
        "rules:\n- {id: ticket, entity: TICKET, tier: INTERNAL, score: 0.4, "
        "pattern: '\\bTKT-[0-9]{5}\\b', context: {words: [ticket], window: 40, boost: 0.5},\n"
        "   examples: {match: ['ticket TKT-12345']}}\n")
    (tree / "t.txt").write_text("TKT-12345\n" + "." * 200 + "\nticket TKT-54321\n")
    args = ("--pack", str(pack), "--entities", "TICKET", "--format", "jsonl", "t.txt")
    found = [json.loads(x) for x in scan(tree, *args, status=1).stdout.splitlines()]
    assert [(f["line"], f["score"]) for f in found] == [(3, 0.9)]
    weak = [json.loads(x) for x in scan(tree, "--min-score", "0", *args).stdout.splitlines()]
    assert [(f["line"], f["score"]) for f in weak] == [(1, 0.4), (3, 0.9)]
    scan(tree, "--pack", str(tmp_path / "none"), status=2)


HOSTILE = {
    "one token": b"a",
    "nearly cards": b"4111-1111-1111-1112 ",
    "encoded percent signs": b"%25",
    "base64 in base64": b"VVZWR1FnPT0K",
    "one line of JSON": b'{"a":["b\\n",1],',
    "nothing visible": "\u200b".encode(),
    "words of context": b"key passport number ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_ten_hostile_mib_hide_nothing_and_take_no_more_memory_than_one(tmp_path, name):
    """How much work they are is counted in tests/unit/test_hostile.c."""
    peaks = []
    for mib in 1, 10:
        what = HOSTILE[name]
        size = (mib << 20) // len(what) * len(what)
        path = tmp_path / f"{mib}.txt"
        path.write_bytes(what * (size // len(what)) + b"\nkey AKIAQ3EGRZQ7WNTB4XKP.\n")
        with (tmp_path / "out").open("w+b") as out:
            child = subprocess.Popen([BIN / "lacuna", "scan", "--format", "json", path],
                                     cwd=tmp_path, env=_env(), stdout=out, stderr=out)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            said = out.read().decode()
        assert child.returncode == 1, said[-2000:]
        found = json.loads(said[said.index("{"):])
        assert found["findings"][-1]["rule"] == "aws-access-key"
        assert found["findings"][-1]["start"] == size + len("\nkey ")
        assert found["summary"]["truncated"] == 0 and found["summary"]["not_utf8"] == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] * 1.2 + 16384, peaks
