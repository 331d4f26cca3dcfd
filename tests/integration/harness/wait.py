# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true, with a limit and without sleeping longer than needed."""

import socket
import time


def wait_until(check, timeout=30.0, what=None, alive=(), every=0.02):
    """The first truthy value of check(). An exception of check() counts as "not yet".

    alive: processes that must be running meanwhile; when one ends the wait fails at once.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = value
        except AssertionError:
            raise
        except Exception as e:  # noqa: BLE001 - whatever it is, the message below shows it
            last = e
        for process in alive:
            if not process.running:
                raise AssertionError(
                    f"{process.name} ended with {process.status()} while waiting for "
                    f"{what or check}\n{process.log_tail()}")
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or check} (last: {last!r})")
        time.sleep(every)


def free_port() -> int:
    """A TCP port of loopback that nobody listened on a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0
