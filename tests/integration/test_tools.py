# SPDX-License-Identifier: Apache-2.0
"""The scripts that a newcomer types first: they explain themselves and refuse what they don't know."""

import subprocess

import pytest
from harness import ROOT

SCRIPTS = ["tools/setup", "tools/quickstart", "tools/test", "tools/docs"]


def _run(script, *args):
    return subprocess.run([ROOT / script, *args], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("script", SCRIPTS[:3])
def test_a_script_explains_itself(script):
    done = _run(script, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: {script}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_refuses_an_option_that_it_does_not_have(script):
    done = _run(script, "--no-such-option")
    assert done.returncode != 0 and "usage:" in done.stderr
    assert not done.stdout


def test_setup_finds_that_nothing_is_missing_within_seconds():
    done = _run("tools/setup", "--test", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_stage_is_an_error():
    done = _run("tools/test", "--only", "no-such-stage")
    assert done.returncode == 2 and "no-such-stage" in done.stderr
