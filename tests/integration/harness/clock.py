# SPDX-License-Identifier: Apache-2.0
"""A wall clock that is wrong for one program, and that can be set while it runs."""

import functools
import mmap
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from .paths import ROOT, need

HOUR, DAY = 3600, 86400

_SOURCE = ROOT / "tests" / "support" / "lac_wrong_clock.c"


@functools.cache
def _library() -> tuple[str, tempfile.TemporaryDirectory]:
    folder = tempfile.TemporaryDirectory(prefix="lacuna-clock-")
    library = Path(folder.name) / "lac_wrong_clock.so"
    compiler = shutil.which("cc") or shutil.which("gcc-12") or "gcc"
    subprocess.run([compiler, "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    "-o", str(library), str(need(_SOURCE))], check=True, timeout=60)
    return str(library), folder


class WrongClock:
    """WrongClock(program, 2 * HOUR): before it is started; set() then, or while it runs."""

    def __init__(self, program, ahead=0):
        path = Path(program.folder) / "clock"
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._ahead = mmap.mmap(file.fileno(), 8)
        self.set(ahead)
        program.extra_env |= self.env(path)

    @staticmethod
    def env(path) -> dict[str, str]:
        return {"LD_PRELOAD": _library()[0], "LAC_WRONG_CLOCK_FILE": str(path),
                # A sanitizer's runtime wants to be the first of all libraries; it need not be.
                "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:verify_asan_link_order=0"}

    def set(self, ahead):
        """From now on by so many seconds, may be less than 0."""
        self._ahead[:] = struct.pack("=q", int(ahead * 1_000_000))
