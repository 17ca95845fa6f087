"""Child processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from async_test_run_inside.hangs import processes


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("7 (sh) S 1 7", "sleeps"),
        ("7 (a) R (b)) T 1", "is stopped"),
        ("7 (x) Z 1", "is dead, and nobody has asked how it ended"),
        ("", "is gone"),
    ],
)
def test_the_state_stands_behind_a_name_that_may_hold_anything(stat: str, state: str) -> None:
    assert processes.state_of(stat) == state


@pytest.mark.processes
def test_children_and_what_they_have_started_are_listed() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lines = processes.described()
        child.communicate(b"\n")
    mine = next(number for number, line in enumerate(lines) if line.startswith(f"{child.pid} "))
    assert lines[mine + 1].startswith("  ")
    assert "input()" in lines[mine + 1]


def test_a_process_that_is_gone_breaks_nothing() -> None:
    assert processes.one(2**22 + os.getpid()).endswith("is gone: ")
