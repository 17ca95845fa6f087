"""The setup and teardown commands of a phase, which are real."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.plan import Command
from async_test_runner.record.verdict import exit_code
from tests.run.scripted import Run, outcomes, phase, reasons, shell
from tests.support.projects import wait_until


@pytest.mark.processes
def test_commands_surround_the_tests_with_the_phases_environment(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        phase(
            "one",
            env=(("WHERE", "{phase}-{slot}"),),
            setup=(shell("echo $WHERE $PWD >> log"), Command((sys.executable, "-c", "print('said', end='')"))),
            teardown=(shell("echo down >> log"),),
        ),
    )
    result = run(one="a")
    assert (tmp_path / "log").read_text() == f"one-0 {tmp_path}\ndown\n"
    (commands,) = [p.commands for p in result.phases]
    assert [(c.stage, c.status, c.output) for c in commands] == [
        ("setup", 0, ""),
        ("setup", 0, "said"),
        ("teardown", 0, ""),
    ]
    assert exit_code(result) is ExitCode.PASSED


@pytest.mark.processes
@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (shell("echo no database; exit 3"), "exit 3"),
        (shell("kill -KILL $$"), "killed by SIGKILL"),
        (Command(("/no/such/program",)), "cannot start '/no/such/program'"),
        (shell("sleep 600", timeout=0.05), "exceeded its deadline of 50ms"),
    ],
)
def test_a_setup_that_fails_runs_no_test_but_the_teardown(tmp_path: Path, setup: Command, said: str) -> None:
    run = Run(
        tmp_path, phase("one", setup=(setup, shell("touch never")), teardown=(shell("touch down"),)), phase("two")
    )
    result = run(one="a b", two="c")
    assert outcomes(result) == "not_run not_run passed"
    assert said in reasons(result)[0]
    assert exit_code(result) is ExitCode.INFRASTRUCTURE
    assert (tmp_path / "down").exists()
    assert not (tmp_path / "never").exists()


@pytest.mark.processes
def test_all_of_a_teardown_runs_and_its_failures_are_problems(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", teardown=(shell("exit 1"), shell("touch second"), shell("exit 2"))))
    result = run(one="a")
    assert outcomes(result) == "passed"
    assert [p.message for p in result.problems] == [
        "teardown command failed: exit 1: exit 1",
        "teardown command failed: exit 2: exit 2",
    ]
    assert (tmp_path / "second").exists()


@pytest.mark.processes
def test_a_signal_ends_a_setup_that_hangs(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", setup=(shell("touch up; sleep 600"),), teardown=(shell("touch down"),)))

    async def interrupt() -> None:
        await asyncio.to_thread(wait_until, (tmp_path / "up").exists)
        run.engine.on_signal(signal.SIGTERM)

    result = run(interrupt, one="a")
    assert reasons(result) == ["interrupted by SIGTERM"]
    assert result.problems == ()
    assert (tmp_path / "down").exists()


@pytest.mark.processes
def test_what_a_command_leaves_in_its_group_is_killed(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", setup=(shell("sleep 600 & echo $! > pid"),)))
    run(one="a")
    pid = int((tmp_path / "pid").read_text())

    def gone() -> bool:
        with contextlib.suppress(OSError):
            return " Z " in Path(f"/proc/{pid}/stat").read_text()
        return True

    wait_until(gone)
