"""What a hostile or unlucky test does to the processes and files behind it: the run ends by itself, and rightly.

Each run is red for the right reason, or green where plain pytest is, and leaves no process; see `Finished.check`.
"""

from __future__ import annotations

import os
import resource
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record import journal
from async_test_runner.record.events import Warned
from tests.support.fork_server import Forked
from tests.support.projects import DEADLINE, Finished, Project, survivors, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

LIMITS = "defaults: {test_timeout: 5s, grace: 1s, leak_timeout: 1s}\n"
# A commit runs one of each kind, a release all.
SHAPES = [pytest.param("isolation: phase", marks=pytest.mark.thorough), "isolation: test, workers: 2"]
forks_first = pytest.mark.parametrize(
    "project", [pytest.param("exec", marks=pytest.mark.thorough), "warm"], indirect=True
)

# What attacks have in common. ``stop`` names the process by how far above the test it is.
TOOLS = """
import glob, json, os, pathlib, signal, time
import pytest

HERE = pathlib.Path(__file__).parent

def facts():
    return list(HERE.glob(".async-test-run/runs/2*/**/events*.jsonl"))

def ancestor(generations):
    pid = os.getpid()
    for _ in range(generations):
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid

"""
AROUND = """
def test_before(): pass
def test_attack(): attack()
def test_after(): pass
def test_red(): assert False
"""


def attacked(project: Project, attack: str, policy: str = "isolation: phase", collect_timeout: str = "20s") -> Finished:
    """A run of four tests, of which the second one attacks and the last one is red whatever happens."""
    project.plan(f"{LIMITS}collect_timeout: {collect_timeout}\nphases: [{{name: all, {policy}}}]\n")
    body = "\n".join(f"    {line}" for line in attack.strip().splitlines())
    project.write("test_it.py", f"{TOOLS}\ndef attack():\n{body}\n{AROUND}")
    return project.run()


def outcomes(run: Finished) -> dict[str, str]:
    return {id.partition("::test_")[2]: outcome.value for id, outcome in run.outcomes.items()}


UNHARMED = {"before": "passed", "attack": "passed", "after": "passed", "red": "failed"}


def warnings(run: Finished) -> str:
    return "\n".join(event.message for event in run.events if isinstance(event, Warned))


# ---------------------------------------------------------------------------------------------------------- signals

BLOCKS = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})"
IGNORES = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"


@pytest.mark.parametrize("policy", SHAPES)
@pytest.mark.parametrize("attack", [BLOCKS, IGNORES])
def test_sigchld_that_a_test_blocks_or_ignores_is_not_missed(project: Project, attack: str, policy: str) -> None:
    assert outcomes(attacked(project, attack, policy).check(1)) == UNHARMED


@forks_first
@pytest.mark.parametrize("policy", SHAPES)
@pytest.mark.parametrize("attack", [BLOCKS, IGNORES])
def test_sigchld_that_a_conftest_blocks_or_ignores_is_not_missed(project: Project, attack: str, policy: str) -> None:
    project.write("conftest.py", f"import signal\n{attack}\n")
    assert outcomes(attacked(project, "pass", policy).check(1)) == UNHARMED


@pytest.mark.parametrize("way", ["block", "ignore"])
def test_sigchld_that_the_runner_has_inherited_blocked_or_ignored_is_not_missed(tmp_path: Path, way: str) -> None:
    project = Project(tmp_path)
    project.plan(f"{LIMITS}phases: [{{name: all, isolation: test}}]\n")
    project.write("test_it.py", "def test_a(): pass\ndef test_b(): pass\n")
    calls = {
        "block": "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})",
        "ignore": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    }
    code = f"import os, signal, sys; {calls[way]}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    assert launched(project, [sys.executable, "-c", code, "-m", "async_test_runner", "run"]).check(0)


def launched(project: Project, command: list[str]) -> Finished:
    """A run whose runner is started by a command of its own."""
    from tests.support.projects import MARK, surroundings

    mark = f"attack-{os.getpid()}-{time.monotonic_ns()}"
    done = subprocess.run(
        command,
        cwd=project.root,
        env={**surroundings(), MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=90,
        text=True,
    )
    return Finished(done.returncode, done.stdout, project.newest(), mark)


# ---------------------------------------------------------------------------------------------------- stopped processes


@pytest.mark.parametrize(
    ("launcher", "policy", "generations"),
    [
        pytest.param("exec", "isolation: phase", 1, id="guardian, by its child"),
        pytest.param("warm", "isolation: phase", 1, id="host, by a session"),
        pytest.param("warm", "isolation: phase", 2, id="guardian, by a session"),
        pytest.param("warm", "isolation: test, workers: 2", 1, id="nursery, by a worker"),
        pytest.param("warm", "isolation: test, workers: 2", 2, id="session, by a worker"),
        pytest.param("warm", "isolation: test, workers: 2", 3, id="host, by a worker"),
        pytest.param("warm", "isolation: test, workers: 2", 4, id="guardian, by a worker"),
    ],
)
def test_an_ancestor_that_a_test_stops_goes_on(tmp_path: Path, launcher: str, policy: str, generations: int) -> None:
    project = Project(tmp_path, launcher)
    run = attacked(project, f"os.kill(ancestor({generations}), signal.SIGSTOP)\ntime.sleep(0.3)", policy).check(1)
    assert outcomes(run) == UNHARMED


@pytest.mark.parametrize("launcher", ["exec", "warm"])
def test_two_signals_end_a_run_whose_guardian_is_stopped_within_its_grace(tmp_path: Path, launcher: str) -> None:
    project = Project(tmp_path, launcher)
    project.plan(f"{LIMITS}phases: [{{name: all, grace: 3s, test_timeout: 60s}}]\n")
    generations = 1 if launcher == "exec" else 2
    project.write(
        "test_it.py",
        f"{TOOLS}\ndef test_it():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"    (HERE / 'running').touch()\n"
        f"    while True:\n        os.kill(ancestor({generations}), signal.SIGSTOP)\n        time.sleep(0.01)\n",
    )
    running = project.start("run").until("running").signal(signal.SIGTERM)
    began = time.monotonic()
    finished = running.signal(signal.SIGTERM).wait()
    assert finished.code == 143
    assert time.monotonic() - began < 3 + 5
    wait_until(lambda: survivors(finished.mark) == [], 10.0)


# --------------------------------------------------------------------------------------------------- files of facts

SINGLE = ["'gw' in path.name", "'main' in path.name", "'collection' in str(path)"]
STRAY = """
for path in facts():
    if {which}:
        with path.open("ab") as file: file.write(b"x")
"""


@forks_first
@pytest.mark.parametrize("policy", SHAPES)
@pytest.mark.parametrize("which", [*(pytest.param(one, marks=pytest.mark.thorough) for one in SINGLE), "True"])
def test_a_stray_byte_loses_nothing_and_is_told(project: Project, policy: str, which: str) -> None:
    run = attacked(project, STRAY.format(which=which), policy).check(1)
    assert outcomes(run) == UNHARMED
    if which == "True":
        assert any("holds a line that is no fact: 'x'" in problem for problem in run.problems), run.problems


FIFO = """
for path in facts():
    os.mkfifo(path.with_name("events.evil.jsonl"))
    if {in_place}:
        path.unlink()
        os.mkfifo(path)
for path in glob.glob(f"{{HERE}}/.async-test-run/runs/2*/processes/**/", recursive=True):
    for name in ("lastfailed.lock", "junit.xml", "events.main.jsonl", "exit.gw0.txt", "ask-1.json", "dump-gw1.txt"):
        try: os.mkfifo(os.path.join(path, name))
        except OSError: pass
"""


@forks_first
@pytest.mark.parametrize("policy", SHAPES)
@pytest.mark.parametrize("in_place", [False, True])
def test_fifos_in_the_run_directory_are_waited_for_by_nobody(project: Project, policy: str, in_place: bool) -> None:
    run = attacked(project, FIFO.format(in_place=in_place), policy)
    assert set(outcomes(run)) == set(UNHARMED)
    assert outcomes(run)["red"] != "passed"
    assert survivors(run.mark) == []
    assert run.code == 1, run.output
    assert project.start("report").wait().code == 0


FORGED = """
for path in facts():
    with path.open("ab") as file:
        for name in {names}:
            said = {{"at": time.time(), "mono": time.monotonic(), "n": 0, "id": name, "duration": 0.0, "call": 0.0}}
            file.write(b"\\n" + json.dumps({{"kind": "finished", "started": 1.0, **said}}).encode() + b"\\n")
        last = {{"kind": "session_finished", "at": 1.0, "mono": 1.0, "status": 0}}
        file.write(b"\\n" + json.dumps(last).encode() + b"\\n")
time.sleep(0.2)
os._exit(0)
"""


@forks_first
@pytest.mark.parametrize("policy", SHAPES)
def test_outcomes_that_a_test_makes_up_are_not_believed(project: Project, policy: str) -> None:
    names = [f"test_it.py::test_{name}" for name in ("attack", "after", "red")]
    run = attacked(project, FORGED.format(names=names), policy)
    assert run.code not in (0, None), run.output
    assert run.outcome("test_red") is not Outcome.PASSED
    assert run.problems != []
    assert survivors(run.mark) == []


@forks_first
def test_outcomes_that_are_made_up_for_another_file_are_not_believed(project: Project) -> None:
    project.write("test_other.py", "def test_other(): assert False\n")
    run = attacked(project, FORGED.format(names=["test_other.py::test_other"]), "isolation: file")
    assert run.code not in (0, None), run.output
    assert run.outcome("test_other") is Outcome.FAILED
    assert survivors(run.mark) == []


# ------------------------------------------------------------------------------------------------------------- ends


@forks_first
@pytest.mark.parametrize("policy", SHAPES)
def test_an_end_of_a_session_that_hangs_is_ended_after_the_leak_timeout(project: Project, policy: str) -> None:
    project.write("conftest.py", "import time\ndef pytest_sessionfinish(): time.sleep(600)\n")
    began = time.monotonic()
    run = attacked(project, "pass", f"{policy}, test_timeout: 50s")
    assert run.code == 1, run.output
    assert outcomes(run) == UNHARMED
    assert survivors(run.mark) == []
    assert time.monotonic() - began < 45  # and not the 60 s of a collection


@forks_first
def test_a_collection_that_stops_itself_goes_on(project: Project) -> None:
    project.write("conftest.py", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n")
    assert outcomes(attacked(project, "pass").check(1)) == UNHARMED


# ------------------------------------------------------------------------------------------------------------ forks

HANDLERS = {
    "dies": "os.register_at_fork(before=os.abort)",
    "hangs": "os.register_at_fork(before=lambda: time.sleep(600))",
    "forks die": "os.register_at_fork(after_in_child=lambda: os._exit(3))",
    "forks hang": "os.register_at_fork(after_in_child=lambda: time.sleep(600))",
}


@pytest.mark.parametrize("policy", SHAPES)
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.thorough if "hang" in kind else ()) for kind in HANDLERS]
)
def test_where_forks_come_to_nothing_fresh_processes_run_the_tests(tmp_path: Path, kind: str, policy: str) -> None:
    project = Project(tmp_path, "auto")
    project.write("conftest.py", f"import os, time\n{HANDLERS[kind]}\n")
    run = attacked(project, "pass", policy, "8s").check(1)
    assert outcomes(run) == UNHARMED
    assert "fresh pytest processes instead of forks" in warnings(run)
    if kind == "hangs":
        assert "] waiting for process all/0001 to start (0:0" in run.output


# ------------------------------------------------------------------------------------------------------------- many


def _has_room(descriptors: int) -> bool:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= descriptors


needs_room = pytest.mark.skipif(not _has_room(4096), reason="so many files may not be open here")


@needs_room
@pytest.mark.parametrize("policy", SHAPES)
def test_more_than_a_thousand_descriptors_of_a_conftest(tmp_path: Path, policy: str) -> None:
    project = Project(tmp_path)
    project.write("conftest.py", "import os\nKEPT = [open(os.devnull) for _ in range(1100)]\n")
    project.plan(f"{LIMITS}phases: [{{name: all, {policy}}}]\n")
    project.write("test_it.py", "def test_a(): pass\ndef test_b(): pass\n")
    launched(project, ["/bin/sh", "-c", f"ulimit -n 4096; exec {sys.executable} -m async_test_runner run"]).check(0)


@needs_room
def test_more_than_a_thousand_descriptors_that_the_runner_has_inherited(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.plan(f"{LIMITS}phases: [{{name: all, isolation: test, workers: 2}}]\n")
    project.write("test_it.py", "def test_a(): pass\ndef test_b(): pass\n")
    code = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); "
        "[os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True) for _ in range(1100)]; "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    launched(project, [sys.executable, "-c", code, "-m", "async_test_runner", "run"]).check(0)


@pytest.mark.parametrize("policy", ["isolation: phase", "isolation: test"])
def test_a_thousand_workers_for_twenty_tests(tmp_path: Path, policy: str) -> None:
    project = Project(tmp_path)
    project.plan(f"{LIMITS}phases: [{{name: all, {policy}, workers: 1000}}]\n")
    project.write("test_it.py", "\n".join(f"def test_{number}(): pass" for number in range(20)))
    assert len(project.run().check(0).outcomes) == 20


# ----------------------------------------------------------------------------------------------------------- readers


def unread(project: Project, full: int) -> tuple[int, subprocess.Popen[bytes] | Forked, str]:
    """A run whose output nobody reads, into a pipe with ``full`` bytes in it: its reading end, process and mark."""
    reading, writing = os.pipe()
    while full:
        full -= os.write(writing, b" " * min(full, 4096))
    mark = secrets.token_hex(8)
    runner = project.launch(("run", "-vv"), {}, writing, mark)
    os.close(writing)
    return reading, runner, mark


def read_to_the_end(reading: int) -> str:
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read().decode().lstrip(" ")


def reports_are_written(project: Project) -> bool:
    run = project.newest()
    return (
        run is not None
        and (run / "summary.json").exists()
        and b"run_finished" in (run / journal.FILE_NAME).read_bytes()
    )


@pytest.mark.parametrize("full", [0, 65536])
def test_deadlines_hold_though_nobody_reads_what_the_runner_says(project: Project, full: int) -> None:
    project.plan(f"{LIMITS}phases: [{{name: all, isolation: test}}]\n")
    project.write(
        "test_it.py",
        """
        import time, pytest

        @pytest.mark.parametrize("long", ["x" * 60_000])
        def test_fails(long): assert long == "y" * 60_000

        def test_hangs():
            while True: time.sleep(0.1)

        def test_after(): pass
    """,
    )
    reading, runner, mark = unread(project, full)
    wait_until(lambda: reports_are_written(project))
    assert runner.poll() is None  # what it has to say is not lost: it waits for its reader
    output = read_to_the_end(reading)
    run = Finished(runner.wait(DEADLINE), output, project.newest(), mark).check(1)
    assert sorted(outcome.value for outcome in run.outcomes.values()) == ["failed", "passed", "timed_out"]
    assert output.startswith("[")
    assert output.rstrip().endswith("(exit 1)")


def test_a_signal_ends_a_runner_whose_output_nobody_reads(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.plan(f"{LIMITS}phases: [{{name: all, isolation: test, test_timeout: 10m}}]\n")
    project.write(
        "test_it.py",
        """
        import pathlib, time

        def test_hangs():
            pathlib.Path("begun").write_text("")
            while True: time.sleep(0.1)
    """,
    )
    reading, runner, mark = unread(project, 65536)
    wait_until((project.root / "begun").exists)
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(60) == 128 + signal.SIGTERM
    os.close(reading)
    assert reports_are_written(project)
    assert survivors(mark) == []
