"""Signals to the real runner: what its processes get, what is told, and what is left."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Paused
from tests.support.projects import Project, Running, both_launchers, survivors, wait_until
from tests.support.pseudo_terminal import on_a_terminal

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
SHAPES = ["isolation: phase", "isolation: phase, workers: 2", "isolation: test, workers: 2"]

# Each test says when it runs, and whether it was let go in order: its own handler and its fixture's end.
IN_ORDER = """
import os, pathlib, signal, subprocess, sys, time
import pytest

HERE = pathlib.Path(__file__).parent

@pytest.fixture
def resource(request):
    yield
    time.sleep(0.3)
    (HERE / f"{request.node.name}.torn-down").touch()

def wait(name):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    traps = "; ".join(f"trap 'touch {HERE}/{name}.{n}; exit' {n}" for n in (1, 2, 15))
    child = subprocess.Popen(["sh", "-c", f"{traps}; touch {HERE}/{name}.running; while :; do sleep 0.05; done"])
    try:
        while child.poll() is None: time.sleep(0.05)
    finally:
        while child.poll() is None: time.sleep(0.05)

def test_before(): pass
def test_a(resource): wait("test_a")
def test_b(resource): wait("test_b")
def test_after(): (HERE / "after").touch()
"""


def running_tests(project: Project, shape: str) -> tuple[Running, list[str]]:
    """A run in the middle of the tests that wait: one, or both where there are two workers."""
    xdist = project.launcher == "exec" and "phase, workers" in shape
    project.plan(f"phases: [{{name: p, {shape}, grace: 20s{', pytest_args: [-p, xdist]' if xdist else ''}}}]")
    project.write("test_it.py", IN_ORDER)
    names = ["test_a", "test_b"] if "workers" in shape else ["test_a"]
    running = project.start("run")
    for name in names:
        running.until(f"{name}.running")
    return running, names


@both_launchers
@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != SHAPES[1]])
def test_tests_and_their_children_get_the_same_signal_and_are_let_go_in_order(
    project: Project, shape: str, number: int, code: int
) -> None:
    running, names = running_tests(project, shape)
    finished = running.signal(number).wait().check(code)
    for name in names:
        assert (project.root / f"{name}.{number}").exists(), "a child did not get the signal"
        assert (project.root / f"{name}.torn-down").exists(), "a fixture was not torn down"
        assert finished.outcome(name) is Outcome.NOT_RUN
        said = finished.text(name)
        assert re.match(
            rf"interrupted by {signal.Signals(number).name} after [\d.]+m?s, at test_it.py:\d+ in wait: ", said
        ), said
    assert f"next: async-test-run run -c runner.yaml --resume {(finished.run or Path()).name}" in finished.output
    assert finished.outcome("test_before") is Outcome.PASSED
    assert finished.outcome("test_after") is Outcome.NOT_RUN
    assert not (project.root / "after").exists(), "something new was started"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_session_waits_for_the_workers_that_it_has_handed_a_signal_to(tmp_path: Path, number: int, code: int) -> None:
    project = Project(tmp_path, "warm")
    running, names = running_tests(project, SHAPES[1])
    running.signal(number).wait().check(code)
    for name in names:
        assert (project.root / f"{name}.torn-down").exists()


@both_launchers
@pytest.mark.parametrize("shape", SHAPES[::2])
def test_a_second_signal_kills_and_the_reports_are_there(project: Project, shape: str) -> None:
    project.plan(f"phases: [{{name: p, {shape}, grace: 80s}}]")
    project.write(
        "test_it.py",
        """
        import pathlib, signal, time
        def test_before(): pass
        def test_stubborn():
            def refuse(*_): pathlib.Path("refused").touch()
            signal.signal(signal.SIGTERM, refuse)
            pathlib.Path("running").touch()
            while True: time.sleep(0.05)
        """,
    )
    running = project.start("run").until("running").signal(signal.SIGTERM).until("refused")
    finished = running.signal(signal.SIGTERM).wait().check(143)
    assert finished.outcome("stubborn") is Outcome.NOT_RUN


@both_launchers
def test_a_test_that_the_signal_makes_fail_is_not_held_to_be_red(project: Project) -> None:
    project.plan("phases: [{name: p, grace: 20s}]")
    project.write(
        "test_it.py",
        """
        import pathlib, signal, subprocess
        def test_child():
            signal.signal(signal.SIGTERM, lambda *_: None)
            child = subprocess.Popen(["sleep", "600"])
            pathlib.Path("running").touch()
            assert child.wait() == 0, "the server has died"
        """,
    )
    finished = project.start("run").until("running").signal(signal.SIGTERM).wait().check(143)
    assert finished.outcome("child") is Outcome.NOT_RUN
    said = finished.text("child")
    at = r"at test_it.py:7 in test_child: .*child.wait\(\)"
    assert re.match(rf"interrupted by SIGTERM after [\d.]+m?s, {at}", said), said
    assert "; then it failed: AssertionError: the server has died" in said


def test_a_setup_command_gets_the_same_signal(project: Project) -> None:
    project.write("up.sh", "trap 'touch got-int; exit 1' INT\ntouch up\nwhile :; do sleep 0.05; done\n")
    project.plan("phases: [{name: p, setup: [sh up.sh], grace: 20s}]")
    project.write("test_it.py", "def test_it(): pass\n")
    project.start("run").until("up").signal(signal.SIGINT).wait().check(130)
    assert (project.root / "got-int").exists()


# ------------------------------------------------------------------------------------------------------------ Ctrl-Z

TICKING = """
import pathlib, subprocess, sys, time

def test_ticks():
    script = "import time\\nfor n in range(10**6):\\n    open('beat', 'a').write('.'); time.sleep(0.02)"
    # a session of its own: no signal to a group of ours reaches it
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    pathlib.Path("ticking").touch()
    while not pathlib.Path("go").exists():
        open("pulse", "a").write(".")
        time.sleep(0.02)
    child.kill()
    child.wait()
"""


def states(running: Running) -> set[str]:
    """The states of all processes of a run, its guardian's left out, which has a session of its own to lead."""
    found = set()
    for pid in survivors(running.mark):
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            argv = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"async_test_runner" in argv and fields[3] == str(pid).encode() and pid != running.process.pid:
            continue
        found.add(fields[0].decode())
    return found


@pytest.mark.parametrize(("project", "shape"), [("exec", SHAPES[0]), ("warm", SHAPES[2])], indirect=["project"])
def test_stopped_is_everything_and_no_deadline_passes_meanwhile(project: Project, shape: str) -> None:
    project.plan(f"run_timeout: 15s\nphases: [{{name: p, {shape}, timeout: 14s, test_timeout: 13s, grace: 10s}}]")
    project.write("test_it.py", TICKING)
    running = project.start("run").until("ticking").until("beat").until("pulse")
    running.signal(signal.SIGTSTP)
    wait_until(lambda: states(running) == {"T"})
    sizes = [(project.root / name).stat().st_size for name in ("beat", "pulse")]
    time.sleep(16.0)  # longer than any deadline of the run
    assert [(project.root / name).stat().st_size for name in ("beat", "pulse")] == sizes
    running.signal(signal.SIGCONT)
    wait_until(lambda: (project.root / "beat").stat().st_size > sizes[0])
    (project.root / "go").touch()
    finished = running.wait().check(0)
    (paused,) = [event for event in finished.events if isinstance(event, Paused)]
    assert paused.seconds > 15.0
    assert "CONTINUED after" in finished.output
    (test,) = finished.result.tests()
    assert test.attempts[0].duration < 15.0
    assert finished.result.wall < 15.0


def test_the_collection_can_be_stopped_too(project: Project) -> None:
    project.plan("collect_timeout: 15s\nphases: [{name: p}]")
    project.write(
        "test_it.py",
        """
        import pathlib, time
        pathlib.Path("importing").touch()
        while not pathlib.Path("go").exists(): time.sleep(0.02)
        def test_it(): pass
        """,
    )
    running = project.start("run").until("importing").signal(signal.SIGTSTP)
    wait_until(lambda: states(running) == {"T"})
    time.sleep(16.0)
    running.signal(signal.SIGCONT)
    (project.root / "go").touch()
    running.wait().check(0)


def test_ctrl_z_and_fg_in_a_shell(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.plan("phases: [{name: p}]")
    project.write("test_it.py", TICKING)
    command = f"{sys.executable} -m async_test_runner run --no-color; echo status=$?\n"
    with on_a_terminal(["bash", "--norc", "--noprofile", "-i"], tmp_path, PS1="shell> ") as shell:
        shell.until("shell> ")
        shell.press(command.encode())
        wait_until(lambda: shell.shown() is not None and (tmp_path / "beat").exists())
        shell.press(b"\x1a")
        shell.until("Stopped")
        shell.press(b"stty -a > modes; touch stopped\n")
        wait_until((tmp_path / "stopped").exists)
        assert " icanon" in (tmp_path / "modes").read_text()
        assert " echo " in (tmp_path / "modes").read_text()
        beats = (tmp_path / "beat").stat().st_size
        shell.press(b"fg\n")
        wait_until(lambda: shell.shown() is not None and (tmp_path / "beat").stat().st_size > beats)
        (tmp_path / "go").touch()
        shell.until("CONTINUED after", "PASSED 1 test")
        shell.press(b"touch back; exit\n")
        assert shell.ended() == 0
        assert (tmp_path / "back").exists()
    assert survivors(shell.mark) == []


@both_launchers
def test_a_stopped_run_that_is_ended_ends_in_order(project: Project) -> None:
    project.plan("phases: [{name: p, grace: 20s}]")
    project.write("test_it.py", TICKING)
    running = project.start("run").until("ticking").signal(signal.SIGTSTP)
    wait_until(lambda: states(running) == {"T"})
    running.signal(signal.SIGTERM).signal(signal.SIGCONT).wait().check(143)


@both_launchers
def test_a_stopped_run_that_is_killed_leaves_nothing(project: Project) -> None:
    project.plan("phases: [{name: p, grace: 20s}]")
    project.write("test_it.py", TICKING)
    running = project.start("run").until("ticking").signal(signal.SIGTSTP)
    wait_until(lambda: states(running) == {"T"})
    running.signal(signal.SIGKILL).process.wait()
    wait_until(lambda: survivors(running.mark) == [])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_order(project: Project, number: int, code: int) -> None:
    project.plan(
        "phases: [{name: all, isolation: file, teardown: [touch torn-down], grace: 2s}, {name: other, keyword: other}]"
    )
    project.write(
        "test_a.py",
        """
        import pathlib, time
        def test_before(): pass
        def test_running():
            pathlib.Path("running").touch()
            time.sleep(600)
        def test_after(): pass
        """,
    )
    project.write("test_b.py", "def test_b(): pass\n")
    run = project.start("run").until("running").signal(number).wait().check(code)
    assert run.outcome("test_before") is Outcome.PASSED
    assert run.outcome("test_after") is run.outcome("test_b") is Outcome.NOT_RUN
    assert (project.root / "torn-down").exists()
    assert run.run is not None
    assert (run.run / "summary.json").exists()


def test_a_second_signal_ends_the_run_at_once(project: Project) -> None:
    project.plan("phases: [{name: all, grace: 50s}]")
    project.write(
        "test_a.py",
        """
        import pathlib, signal, time
        def test_stubborn():
            def refuse(*_): pathlib.Path("refused").touch()
            signal.signal(signal.SIGINT, refuse)
            pathlib.Path("running").touch()
            while True: time.sleep(0.05)
        """,
    )
    runner = project.start("run").until("running").signal(signal.SIGINT).until("refused")
    runner.signal(signal.SIGINT).wait().check(130)


@both_launchers
def test_a_signal_during_the_collection_ends_it(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "import pathlib, time\npathlib.Path('importing').touch()\ntime.sleep(600)\n")
    run = project.start("run").until("importing").signal(signal.SIGINT).wait()
    assert run.code == 130
    wait_until(lambda: survivors(run.mark) == [])
