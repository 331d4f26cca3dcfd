# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true, with a limit and without sleeping longer than needed; ports."""

import fcntl
import functools
import itertools
import os
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


# Ports that the kernel gives to nobody by itself, neither to who asks for any nor to who connects.
# Each run of tests takes some of them for itself, until it ends.
_FIRST, _PER_RUN, _RUNS = 10_000, 250, 80


@functools.cache
def _ports():
    """The ports of this run, round and round, and what keeps others from them."""
    for run in range(_RUNS):
        path = f"/tmp/lacuna-test-ports-{os.geteuid()}-{run}"
        lock = open(path, "a", encoding="ascii")  # pylint: disable=consider-using-with
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        first = _FIRST + run * _PER_RUN
        return itertools.cycle(range(first, first + _PER_RUN)), lock
    raise RuntimeError(f"{_RUNS} runs of tests hold all ports: /tmp/lacuna-test-ports-*")


def free_port() -> int:
    """A TCP port of loopback that nobody uses, and that nobody else is given for long."""
    for port in itertools.islice(_ports()[0], _PER_RUN):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError(f"all {_PER_RUN} ports of this run are taken")


def listening(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0
