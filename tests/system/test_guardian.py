"""The process that outlives the runner, for real: it starts, it tells of ends, it ends what the runner leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import TestFinished, TestStarted
from async_test_runner.system import descendants, guardian, process
from tests.support.forks import gone, stop, waiting
from tests.support.projects import MARK, SOURCE, Project, both_launchers, survivors, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@pytest.fixture(autouse=True)
def children_of_the_test_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner ends all its children. The process of these tests has one more: the server that starts runners."""
    children = descendants.children
    before = set(children())
    monkeypatch.setattr(descendants, "children", lambda: [pid for pid in children() if pid not in before])


# Leaves its group, its session and its parents, and forgets its environment: no mark is left on it.
ESCAPE = """
import os, subprocess, sys
def escape(path):
    subprocess.run(
        [sys.executable, "-c", f'''
import os, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open({path!r} + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename({path!r} + ".new", {path!r})
time.sleep(600)
'''],
        env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


async def started(root: Path, script: str, **env: str) -> process.Process:
    argv = (sys.executable, "-c", script)
    return await process.start(argv, cwd=root, env={**os.environ, **env}, output=root / "log")


def test_a_process_started_through_the_guardian_is_like_any_other(tmp_path: Path) -> None:
    script = "import os, sys; print(os.getppid(), os.getcwd(), input(), flush=True); sys.exit(3)"

    async def run() -> tuple[int, int]:
        child = await process.start(
            (sys.executable, "-c", script), cwd=tmp_path, env={}, output=tmp_path / "log", control=True
        )
        assert os.getpgid(child.pid) == child.pid
        child.write(b"a line\n")
        return process.parent(), await child.wait()

    with process.guarded():
        parent, status = asyncio.run(run())
    assert status == 3
    assert parent != os.getpid()
    assert (tmp_path / "log").read_text() == f"{parent} {tmp_path} a line\n"


def test_a_signal_that_ended_it_is_its_status(tmp_path: Path) -> None:
    async def run() -> int:
        child = await started(tmp_path, "import time; time.sleep(600)")
        child.signal(signal.SIGTERM)
        return await child.wait()

    with process.guarded():
        assert asyncio.run(run()) == -signal.SIGTERM


def test_an_end_that_is_told_in_one_breath_with_the_start_is_heard() -> None:
    ours, theirs = socket.socketpair()
    link = guardian.Link(0, ours)
    theirs.sendall(guardian._framed({"pid": 7}) + guardian._framed({"ended": 7, "status": 3}))
    ends: list[int] = []
    assert link.start(["x"], cwd="/", env={}, shell=False, files=(0, 1), ended=ends.append) == 7
    assert ends == [3]
    theirs.close()
    ours.close()


@pytest.mark.parametrize("argv", [("/no/such/program",), ("nul\0inside",)])
def test_what_cannot_be_started_is_said(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with process.guarded(), pytest.raises(InfrastructureError, match="cannot start"):
        asyncio.run(process.start(argv, cwd=tmp_path, env={}, output=tmp_path / "log"))


def test_nothing_is_ignored_by_a_child_that_the_guardian_is_deaf_to(tmp_path: Path) -> None:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGUSR1", "SIGCHLD")
    script = f"import signal; print([signal.getsignal(getattr(signal, n)) == signal.SIG_IGN for n in {names}])"

    async def run() -> int:
        return await (await started(tmp_path, script)).wait()

    before = [signal.getsignal(getattr(signal, name)) is signal.SIG_IGN for name in names]
    with process.guarded():
        assert asyncio.run(run()) == 0
    assert (tmp_path / "log").read_text() == f"{before}\n"


def test_names_that_are_not_utf8_pass_through(tmp_path: Path) -> None:
    async def run() -> int:
        script = "import os, sys; sys.stdout.buffer.write(os.environb[b'NAME'])"
        return await (await started(tmp_path, script, NAME=os.fsdecode(b"\xff\xfe"))).wait()

    with process.guarded():
        assert asyncio.run(run()) == 0
    assert (tmp_path / "log").read_bytes() == b"\xff\xfe"


def test_when_the_guardian_dies_what_it_started_dies_too_and_the_next_process_has_another(tmp_path: Path) -> None:
    mark = tmp_path.name

    async def run() -> tuple[int, int]:
        child = await started(tmp_path, "import time; time.sleep(600)", **{MARK: mark})
        lost = process.parent()
        os.kill(lost, signal.SIGKILL)
        first = await child.wait()
        assert process.parent() not in (lost, os.getpid())
        return first, await (await started(tmp_path, "raise SystemExit(5)")).wait()

    with process.guarded():
        assert asyncio.run(run()) == (-signal.SIGKILL, 5)
    wait_until(lambda: survivors(mark) == [])


def test_a_guardian_that_is_stopped_holds_nobody_up_at_the_end(tmp_path: Path) -> None:
    with process.guarded():
        os.kill(process.parent(), signal.SIGSTOP)


def test_a_guardian_that_stays_stopped_is_told_of_once_and_given_up() -> None:
    ours, theirs = socket.socketpair()
    pid = waiting()
    link = guardian.Link(pid, ours)
    try:
        lost = []
        for _ in range(4):
            stop(pid)
            link.watch()
            lost.append(link.lost)
    finally:
        gone(pid)
        ours.close()
        theirs.close()
    assert lost == [False, False, False, True]
    assert link.told == ["the process that starts all others was stopped, and goes on"]


def test_an_orphan_without_any_mark_is_ended_by_name(tmp_path: Path) -> None:
    script = f"{ESCAPE}\nescape({str(tmp_path / 'pid')!r})"

    async def run() -> list[process.Orphan]:
        await (await started(tmp_path, script)).wait()
        await asyncio.to_thread(wait_until, (tmp_path / "pid").exists)
        return process.end_orphans(set())

    process.adopt_orphans()
    with process.guarded():
        (orphan,) = asyncio.run(run())
    assert orphan.pid == int((tmp_path / "pid").read_text())
    assert "time.sleep(600)" in orphan.command


GUARDED = """
import asyncio, os, pathlib, signal, sys
from async_test_runner.system import process

kept = os.open("last", os.O_WRONLY | os.O_CREAT)
started = os.open("started", os.O_RDWR | os.O_CREAT)

async def run():
    child = await process.start(
        (sys.executable, "-c", "import time; time.sleep(600)"),
        cwd=pathlib.Path.cwd(), env={}, output=pathlib.Path("log"),
    )
    os.write(started, str(child.pid).encode())
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1] == "raises":
        raise SystemExit(7)

def last():
    pid = os.pread(started, 100, 0).decode()
    os.write(kept, b"lives" if os.path.exists(f"/proc/{pid}") else b"nothing lives")

with process.guarded((kept, started), last):
    asyncio.run(run())
"""


@pytest.mark.parametrize(("how", "said"), [("killed", "nothing lives"), ("raises", ""), ("ends", "")])
def test_what_the_guardian_is_to_do_at_last_it_does_when_the_runner_was_killed_and_nothing_lives(
    tmp_path: Path, how: str, said: str
) -> None:
    env = {**os.environ, "PYTHONPATH": str(SOURCE), MARK: tmp_path.name}
    subprocess.run([sys.executable, "-c", GUARDED, how], cwd=tmp_path, env=env, timeout=60, check=False)
    wait_until(lambda: survivors(tmp_path.name) == [])
    assert (tmp_path / "last").read_text() == said


# --------------------------------------------------------------------------------------------- kill -9 of the runner

ESCAPING = f"""
{ESCAPE}
import time

def test_first(): pass

def test_hangs(tmp_path):
    escape("pid")
    time.sleep(600)

def test_last(): pass
"""


@both_launchers
@pytest.mark.parametrize("how", ["process", "group"])
@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_nothing_survives_the_runner_not_even_what_left_its_group_session_and_environment(
    project: Project, isolation: str, how: str
) -> None:
    workers = 1 if (project.launcher, isolation) == ("exec", "phase") else 2
    project.plan(f"phases: [{{name: p, isolation: {isolation}, workers: {workers}}}]")
    project.write("test_it.py", ESCAPING)
    running = project.start("run").until("pid")
    daemon = int((project.root / "pid").read_text())
    assert alive(daemon)
    if how == "group":
        os.killpg(running.process.pid, signal.SIGKILL)
    else:
        running.process.kill()
    killed = time.monotonic()
    running.process.wait()
    wait_until(lambda: not alive(daemon) and survivors(running.mark) == [])
    assert time.monotonic() - killed < 10.0


def test_a_second_guardian_watches_as_the_first_one_did(exec_project: Project) -> None:
    exec_project.plan("phases: [{name: p, isolation: test}]")
    exec_project.write(
        "test_it.py",
        f"""{ESCAPE}
import os, signal, time

def test_kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)

def test_hangs():
    escape("pid")
    time.sleep(600)
""",
    )
    running = exec_project.start("run").until("pid")
    daemon = int((exec_project.root / "pid").read_text())
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not alive(daemon) and survivors(running.mark) == [])


def test_the_guardian_leaves_with_the_runner(project: Project) -> None:
    project.plan("phases: [{name: p}]")
    project.write("test_it.py", "def test_it(): pass")
    assert project.run().check(0).outcomes == {"test_it.py::test_it": Outcome.PASSED}


def test_a_killed_run_is_shown_as_far_as_it_came(project: Project) -> None:
    project.plan("phases: [{name: p}]")
    project.write("test_it.py", ESCAPING)
    running = project.start("run").until("pid")

    def heard() -> bool:
        path = project.newest()
        assert path is not None
        events = list(_events(path))
        return any(isinstance(event, TestStarted) and "hangs" in event.id for event in events)

    wait_until(heard)
    running.process.kill()
    running.process.wait()
    path = project.newest()
    assert path is not None
    finished = [event.id for event in _events(path) if isinstance(event, TestFinished)]
    assert finished == ["test_it.py::test_first"]
    shown = project.start("report").wait()
    assert "in flight when the run ended" in shown.output
    wait_until(lambda: survivors(running.mark) == [])


def _events(path: Path):  # type: ignore[no-untyped-def]
    from async_test_runner.record import journal

    return journal.read(path / journal.FILE_NAME)


def test_a_test_that_kills_its_parent_takes_the_blame_and_the_run_goes_on(exec_project: Project) -> None:
    exec_project.plan("phases: [{name: p, isolation: test}]")
    exec_project.write(
        "test_it.py",
        """
        import os, signal, time

        def test_kills_its_parent():
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)

        def test_other(): pass
        """,
    )
    finished = exec_project.run().check(1)
    assert finished.outcome("kills_its_parent") is Outcome.CRASHED
    assert finished.outcome("other") is Outcome.PASSED
