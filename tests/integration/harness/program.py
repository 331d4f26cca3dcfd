# SPDX-License-Identifier: Apache-2.0
"""Our own programs, the real binaries, with their settings given as a dictionary."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from .paths import BIN, need
from .process import Process
from .wait import wait_until

# What a sanitizer prints. One of them in a log fails the test, whatever else went well.
_SANITIZER = re.compile(
    r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: "
    r"|LAC_ASSERT|assertion failed)")


def conf_env(conf) -> dict[str, str]:
    """{"kafka.topic_prefix": "x."} -> {"LACUNA__KAFKA__TOPIC_PREFIX": "x."}"""
    out = {}
    for key, value in conf.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        out["LACUNA__" + key.replace(".", "__").upper()] = text
    return out


def clean_env(folder: Path) -> dict[str, str]:
    """An environment in which nothing of the user's own Lacuna shines through."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LACUNA", "PG"))}
    env |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data"),
            "LC_ALL": "C.UTF-8",
            # The built-in pack has learned from texts, but its encoder is not below this HOME, and
            # without it decisions are stricter. Tests of tier 2 turn it on.
            "LACUNA__CLASSIFY__SEMANTIC": "off"}
    support = Path(__file__).resolve().parents[2] / "support"
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:strict_string_checks=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("LSAN_OPTIONS", f"suppressions={support / 'lsan.supp'}:print_suppressions=0")
    env.setdefault("TSAN_OPTIONS", f"suppressions={support / 'tsan.supp'}")
    return env


class Program(Process):
    """One daemon. fault: LACUNA_FAULT, e.g. "sink.after_copy:kill:3" (see lac_fault.h).

    page: the port of its health and metrics page.
    """

    def __init__(self, binary, folder: Path, conf, args=(), fault=None, page=None, name=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.conf = dict(conf)
        self.page = page
        self.expected_to_die = False
        self.extra_env = {}
        self.fault = fault
        super().__init__(name or binary, [need(BIN / binary), *args],
                         self.folder / f"{name or binary}.log", cwd=self.folder)

    def start(self):
        self.env = clean_env(self.folder) | conf_env(self.conf) | self.extra_env
        if self.fault:
            self.env["LACUNA_FAULT"] = self.fault
            self.expected_to_die = True
        super().start()
        return self

    def kill(self):
        """SIGKILL, as a crash of the machine."""
        self.expected_to_die = True
        super().kill()

    def ready(self, timeout=60):
        """Waits until its page says so."""
        wait_until(self.is_ready, timeout, f"{self.name} to be ready", alive=[self])
        return self

    def is_ready(self) -> bool:
        """False also while its page is not open."""
        try:
            return self.get("/health/ready")[0] == 200
        except OSError:
            return False

    def get(self, path, timeout=5):
        """(status, body) of its page."""
        return http("GET", f"http://127.0.0.1:{self.page}{path}", timeout=timeout)[::2]

    def metrics(self) -> dict[str, float]:
        """{'lacuna_x_total{label="y"}': 3.0}"""
        status, body = self.get("/metrics")
        assert status == 200, f"/metrics of {self.name}: {status}"
        out = {}
        for line in body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                out[name] = float(value)
        return out

    def faults_hit(self) -> list[str]:
        """Names of the fault points that acted, from its log."""
        return re.findall(r"event=fault_hit name=(\S+)", self.log())

    def check(self):
        """At the end of a test: it ends in order when asked and no sanitizer complained."""
        if self.running:
            if self.state() == "T":
                self.resume()
            code = self.stop(timeout=60)
            assert code == 0, f"{self.name}: SIGTERM gave {self.status()}\n{self.log_tail()}"
        elif self.popen is not None and not self.expected_to_die:
            assert self.popen.returncode == 0, \
                f"{self.name} ended by itself with {self.status()}\n{self.log_tail()}"
        found = _SANITIZER.search(self.log())
        assert not found, f"{self.name}: {found[0]}\n{self.log_tail(150)}"


def run_tool(args, folder: Path, conf, stdin=None, timeout=120, check=True):
    """Runs `lacuna ARGS` to its end: CompletedProcess with text output."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(need(BIN / "lacuna")), *[str(a) for a in args]], input=stdin, cwd=folder,
        env=clean_env(folder) | conf_env(conf), capture_output=True, text=True,
        timeout=timeout, check=False)
    what = f"lacuna {' '.join(str(a) for a in args)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert not _SANITIZER.search(done.stderr), what
    if check:
        assert done.returncode == 0, f"status {done.returncode}: {what}"
    return done


def http(method, url, body=None, headers=None, timeout=30):
    """(status, headers, body); an error status is an answer like any other."""
    data = body
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        data = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    elif isinstance(body, str):
        data = body.encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()
