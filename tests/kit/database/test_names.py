"""Names of databases, and whose they are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from async_test_runner.kit.database import names, runs
from async_test_runner.kit.database.runs import Run
from async_test_runner.kit.database.settings import _LONGEST_PREFIX, LONGEST_NAME

HERE = Run(123456, 987654321)


def test_a_name_is_read_as_it_was_written() -> None:
    name = names.here("atr", HERE, "abcdef", "i1f4x12")
    assert names.parse("atr", str(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        "atr",
        "atr_accounts",
        "atr_3f9a2c_1_2_abcdef",
        "atr_3f9a2c_1_2_abcdef_GW0",
        "other_3f9a2c_1_2_abcdef_gw0",
        "postgres",
    ],
)
def test_any_other_name_is_not_ours(text: str) -> None:
    assert names.parse("atr", text) is None


def test_the_longest_name_fits() -> None:
    run = Run(2**22, 100 * 60 * 60 * 24 * 365 * 20)  # Linux's largest process id, twenty years after the start
    name = str(names.here("a" * _LONGEST_PREFIX, run, "abcdef", f"i{2**22:x}x9999"))
    assert len(name.encode()) <= LONGEST_NAME


def test_a_run_is_alive_as_long_as_its_process() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = Run.of(child.pid)
    assert run.is_alive
    assert not Run(run.pid, run.started + 1).is_alive  # another process that got the same id
    child.communicate()
    assert not run.is_alive


def test_what_another_machine_has_left_is_not_ours_to_drop() -> None:
    gone = Run(2**22 - 1, 1)
    assert names.here("atr", gone, "abcdef", "gw0").is_left_behind
    assert not names.Name("atr", "000000", gone, "abcdef", "gw0").is_left_behind


def test_a_living_runs_databases_are_not_left_behind() -> None:
    assert not names.here("atr", Run.of(os.getpid()), "abcdef", "gw0").is_left_behind


def test_a_mark_is_read_as_it_was_written() -> None:
    assert Run.from_mark(HERE.mark) == HERE
    assert Run.from_mark("not a mark") is None


@pytest.mark.parametrize(("variable", "expected"), [("gw3", "gw3"), ("", "main"), ("GW-3/..", "gw3")])
def test_a_worker_is_named_as_its_slot(variable: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", variable)
    assert runs.worker() == expected


def test_a_machine_has_one_name() -> None:
    assert runs.machine() == runs.machine()
    assert len(runs.machine()) == 6
