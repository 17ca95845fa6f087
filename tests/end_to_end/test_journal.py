"""The journal of a run that its tests, or somebody later, have changed, for real."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record import chain, journal
from async_test_runner.record.events import TestStarted
from tests.support.projects import Finished, Project, both_launchers, survivors, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="needs the guardian")]

ATTACKS = {
    "was cut": "os.truncate(path, 300)",
    "was edited": "data = path.read_bytes(); path.write_bytes(data.replace(b'test_first', b'test_worst'))",
    "was deleted": "path.unlink()",
    "too many": "path.open('ab').write(b'{}\\n')",
    "replaced by a link": "path.unlink(); path.symlink_to('/dev/null')",
    "replaced by a named pipe": "path.unlink(); os.mkfifo(path)",
    "replaced by a directory": "path.unlink(); path.mkdir()",
}
attacks = pytest.mark.parametrize(("said", "attack"), ATTACKS.items(), ids=ATTACKS)

TESTS = """
import os, pathlib, time

def journal():
    (path,) = pathlib.Path(".async-test-run").glob("runs/2*/journal.jsonl")
    return path

def test_first(): pass

def test_attacks():
    path = journal()
    while b"test_attacks" not in path.read_bytes().splitlines()[-1]: time.sleep(0.01)
    ATTACK

def test_last(): pass
"""


def attacking(project: Project, attack: str) -> None:
    project.plan("phases: [{name: p, isolation: test}]")
    project.write("test_it.py", TESTS.replace("ATTACK", attack))


@attacks
def test_a_journal_that_a_test_changes_is_whole_again_at_the_end_and_the_run_is_red(
    project: Project, said: str, attack: str
) -> None:
    attacking(project, attack)
    finished = project.run().check(1)
    assert set(finished.outcomes.values()) == {Outcome.PASSED}
    (problem,) = finished.problems
    assert said in problem
    assert "somebody has changed the journal while the run went on" in finished.output
    assert finished.run is not None
    assert problem in json.loads((finished.run / "summary.json").read_text())["problems"][0]["message"]
    reader = journal.Reader(finished.run / journal.FILE_NAME)
    list(reader)
    assert reader.sealed
    shown = project.start("report", "--exit-code").wait()
    assert (shown.code, said in shown.output) == (1, True)


def killed(project: Project) -> tuple[Path, str]:
    """The run directory of a run that was killed while its last test but one was running, and its mark."""
    running = project.start("run").until("hanging")
    path = project.newest()
    assert path is not None
    running.signal(signal.SIGKILL).process.wait()
    wait_until(lambda: survivors(running.mark) == [])
    (project.root / "go").touch()
    return path, running.mark


HANGS = """
def test_last():
    pathlib.Path("hanging").touch()
    while not pathlib.Path("go").exists(): time.sleep(0.02)
"""


@both_launchers
def test_the_guardian_seals_the_journal_of_a_runner_that_was_killed(project: Project) -> None:
    attacking(project, "pass")
    with (project.root / "test_it.py").open("a") as file:
        file.write(HANGS)
    path, _ = killed(project)
    seal = chain.read(path / "journal.seal")
    assert seal is not None and seal.journal is not None
    assert seal.run_id == path.name
    assert seal.journal.events == len((path / journal.FILE_NAME).read_bytes().splitlines())
    shown = project.start("report").wait()
    assert (shown.code, "is not sealed" in shown.output) == (0, False)
    finished = project.start("run", "--resume").wait().check(0)
    assert set(finished.outcomes.values()) == {Outcome.PASSED}
    assert chain.read(path / "journal.seal") not in (None, seal)


@attacks
def test_what_a_test_changed_before_the_runner_was_killed_the_guardian_restores_and_the_run_stays_red(
    project: Project, said: str, attack: str
) -> None:
    attacking(project, attack)
    with (project.root / "test_it.py").open("a") as file:
        file.write(HANGS)
    path, _ = killed(project)
    reader = journal.Reader(path / journal.FILE_NAME)
    events = list(reader)
    assert reader.sealed
    assert any(isinstance(event, TestStarted) and event.id.endswith("test_first") for event in events)
    assert said in project.start("report").wait().output
    finished = project.start("run", "--resume").wait().check(1)
    assert set(finished.outcomes.values()) == {Outcome.PASSED}
    assert any(said in problem for problem in finished.problems)


# ------------------------------------------------------------------------------------------------------ after the run


def cut_at_a_line(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))


def greened(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"outcome":"failed"', b'"outcome":"passed"'))


def chained_anew(path: Path) -> None:
    """What somebody does who knows the format: all digests are right again, and the seal is gone."""
    written = chain.Chain()
    lines = []
    for line in path.read_bytes().splitlines():
        event = json.loads(line.replace(b'"outcome":"failed"', b'"outcome":"passed"'))
        del event["chain"]
        fresh, digest = written.line(json.dumps(event).encode())
        written.advance(digest)
        lines.append(fresh)
    path.write_bytes(b"".join(lines))
    (path.parent / "journal.seal").unlink()


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.fixture
def red(project: Project) -> tuple[Project, Finished]:
    """A run with a red test and one that was not run, which could be resumed."""
    project.plan("phases: [{name: p, max_failures: 1}]")
    project.write("test_it.py", "def test_red(): assert 0\ndef test_other(): pass\n")
    return project, project.run().check(1)


@pytest.mark.parametrize("change", [cut_at_a_line, greened, chained_anew, piped])
def test_a_journal_that_is_changed_after_its_run_is_refused(
    red: tuple[Project, Finished], change: Callable[[Path], None]
) -> None:
    project, finished = red
    assert finished.run is not None
    path = finished.run / journal.FILE_NAME
    change(path)
    for arguments in (["report"], ["report", finished.run.name, "--json"], ["run", "--resume"]):
        done = project.start(*arguments).wait()
        assert (done.code, f"{path}:" in done.output.replace("\n", "")) == (2, True), done.output
    listed = project.start("report", "--list").wait()
    assert (listed.code, "changed" in listed.output) == (0, True)


def test_the_summary_of_a_run_knows_how_its_journal_was_before_the_last_line(red: tuple[Project, Finished]) -> None:
    _, finished = red
    assert finished.run is not None
    lines = (finished.run / journal.FILE_NAME).read_bytes().splitlines()
    head = json.loads((finished.run / "summary.json").read_text())["journal"]
    assert head["events"] == len(lines) - 1
    assert json.loads(lines[-2])["chain"] == head["digest"]
    assert json.loads(lines[-1])["kind"] == "run_finished"


def test_a_run_whose_guardian_was_killed_with_it_is_readable_and_can_go_on(project: Project) -> None:
    project.plan("phases: [{name: p, isolation: test}]")
    project.write(
        "test_it.py",
        """
        import os, pathlib, time
        def test_first(): pass
        def test_hangs():
            pathlib.Path("hanging").touch()
            while not pathlib.Path("go").exists(): time.sleep(0.02)
        """,
    )
    running = project.start("run").until("hanging")
    running.signal(signal.SIGSTOP)  # first, or it lets the guardian go on
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in survivors(running.mark):
            with contextlib.suppress(ProcessLookupError):  # it has ended with its parent meanwhile
                os.kill(pid, number)
    running.process.wait()
    wait_until(lambda: survivors(running.mark) == [])
    path = project.newest()
    assert path is not None
    assert not (path / "journal.seal").exists()
    shown = project.start("report").wait()
    assert (shown.code, "this journal is not sealed" in shown.output) == (0, True), shown.output
    (project.root / "go").touch()
    project.start("run", "--resume").wait().check(0)
