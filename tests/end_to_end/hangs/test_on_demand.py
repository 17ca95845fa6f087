"""What a running test is at, while it runs: a signal, a key, and the reports on disk."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from async_test_runner.record.events import HangReported, TestSlow
from tests.support.projects import Project, both_launchers, wait_until
from tests.support.pseudo_terminal import on_a_terminal

pytestmark = pytest.mark.processes

WAITS = """
    import pathlib, time

    def test_waits():
        pathlib.Path("began").touch()
        while not pathlib.Path("go-on").exists():
            time.sleep(0.02)
"""


def journal(project: Project) -> str:
    run = project.newest()
    path = run / "journal.jsonl" if run is not None else Path("/nonexistent")
    return path.read_text() if path.exists() else ""


@both_launchers
def test_a_signal_to_the_runner_shows_what_every_test_is_at_and_the_run_goes_on(project: Project) -> None:
    project.write("test_a.py", WAITS)
    project.plan("phases: [{name: all, isolation: test}]")
    running = project.start("run").until("began")
    running.signal(signal.SIGUSR1)
    wait_until(lambda: '"kind":"hang_reported"' in journal(project))
    project.write("go-on", "")
    run = running.wait().check(0)
    (said,) = [event for event in run.events if isinstance(event, HangReported)]
    assert (said.why, said.id) == ("asked", "test_a.py::test_waits")
    assert said.likely.startswith("test_a.py:")
    assert "in test_waits" in said.likely
    assert f"most likely: {said.likely}" in run.output


def test_a_key_on_the_terminal_does_the_same_and_the_terminal_is_as_it_was(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("test_a.py", WAITS)
    project.plan("phases: [{name: all}]")
    with on_a_terminal([sys.executable, "-m", "async_test_runner", "run"], tmp_path) as terminal:
        before = terminal.modes()
        wait_until(lambda: terminal.shown() is not None and (tmp_path / "began").exists())
        terminal.press(b"xd")
        terminal.until("ASKED", "most likely:")
        project.write("go-on", "")
        assert terminal.ended() == 0
        assert terminal.modes() == before


def test_a_hung_test_is_in_the_xml_before_it_is_ended(project: Project) -> None:
    project.write("test_a.py", "def test_in_c():\n    sum(range(10**12))\n")
    project.plan("phases: [{name: all, test_timeout: 1s, grace: 60s}]")
    running = project.start("run")

    def written() -> bool:
        run = project.newest()
        path = run / "junit.xml" if run is not None else Path("/nonexistent")
        return path.exists() and "it hangs, most likely: test_a.py:2 in test_in_c" in path.read_text()

    wait_until(written)
    running.signal(signal.SIGINT)
    time.sleep(0.1)
    running.signal(signal.SIGINT)
    assert running.wait().code == 130


def test_a_slow_test_is_told_again_and_again_and_stays_green(project: Project) -> None:
    project.write("test_a.py", WAITS)
    project.plan("phases: [{name: all, slow_after: 300ms}]")
    running = project.start("run")
    wait_until(lambda: journal(project).count('"kind":"test_slow"') >= 2)
    project.write("go-on", "")
    run = running.wait().check(0)
    told = [event for event in run.events if isinstance(event, TestSlow)]
    assert all("in test_waits" in event.line for event in told)
    assert [event.age for event in told] == sorted(event.age for event in told)
    assert "SLOW test_a.py::test_waits" in run.output
    assert '"slow"' in (run.run / "summary.json").read_text() if run.run else False
