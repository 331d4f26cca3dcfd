# SPDX-License-Identifier: Apache-2.0
"""A child with a log, in a process group of its own, that cannot outlive the test run."""

import atexit
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

_everything: list["Process"] = []


def living() -> list["Process"]:
    """Every process started so far that nobody has forgotten."""
    return list(_everything)


@atexit.register
def _end_all():
    for process in _everything:
        process.kill()


class Process:
    """args run with stdout and stderr in `log`. Linux kills it when the test run dies."""

    def __init__(self, name, args, log: Path, env=None, cwd=None, user=None):
        self.name = name
        self.args = [str(a) for a in args]
        self.log_path = Path(log)
        self.env = env
        self.cwd = cwd
        self.user = user  # a user to become, when we are root
        self.umask = -1   # -1: that of the test run
        self.popen = None

    def start(self):
        assert not self.running, f"{self.name} runs already"
        guard = ["setpriv", "--pdeathsig", "KILL"]
        if self.user and os.geteuid() == 0:
            guard = ["setpriv", f"--reuid={self.user}", "--regid=nogroup", "--clear-groups",
                     "--pdeathsig", "KILL"]
        with open(self.log_path, "ab") as log:
            # pylint: disable-next=consider-using-with
            self.popen = subprocess.Popen(
                [shutil.which("setpriv") or "setpriv"] + guard[1:] + ["--"] + self.args,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=self.env, cwd=self.cwd, umask=self.umask, start_new_session=True)
        if self not in _everything:
            _everything.append(self)
        return self

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def status(self) -> str:
        if self.popen is None:
            return "not started"
        code = self.popen.poll()
        if code is None:
            return "running"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def send_signal(self, number):
        """To the process itself; it must be running."""
        assert self.running, f"{self.name} does not run: {self.status()}\n{self.log_tail()}"
        os.kill(self.pid, number)

    def pause(self):
        """Freezes it; returns when the kernel says that it is stopped."""
        self.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 5
        while self.state() != "T":
            assert time.monotonic() < deadline, f"{self.name} does not stop"
            time.sleep(0.005)

    def resume(self):
        self.send_signal(signal.SIGCONT)

    def state(self) -> str:
        """One letter of /proc: R, S, T (stopped), Z."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def wait(self, timeout=30) -> int:
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} did not end within {timeout} s\n{self.log_tail()}") from None

    def stop(self, timeout=30, number=signal.SIGTERM) -> int:
        """Asks it to end; the exit status."""
        if self.popen is None:
            return 0
        if self.running:
            self.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        """Ends it and whatever it started, now. Does nothing when it has ended."""
        if self.popen is None:
            return
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(10)

    def forget(self):
        self.kill()
        if self in _everything:
            _everything.remove(self)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=60) -> str:
        tail = self.log().splitlines()[-lines:]
        return f"--- {self.name} ({self.status()}), end of {self.log_path}\n" + "\n".join(tail)
