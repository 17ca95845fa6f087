"""When a phase is forked, and what is said when it is not."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Forked, Hosting, Message
from async_test_runner.contract.surroundings import Surroundings
from async_test_runner.launchers import warm
from async_test_runner.model.errors import InfrastructureError
from async_test_runner.model.plan import Phase, Plan
from async_test_runner.system import process
from tests.support.forks import ended, gone, stop, waiting


class FakeHost:
    """A host that forks nothing."""

    pid = 7

    def __init__(self, *, unsafe: tuple[str, ...] = (), reads: tuple[str, ...] = (), gone: int | None = None) -> None:
        self.unsafe = unsafe
        self.reads = reads
        self.broken = ""
        self.gone = gone


class FakeFallback:
    """Notes which jobs come to it."""

    distributes = False

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def start(self, job: Job) -> None:
        self.jobs.append(job)


def launcher(
    phase: Phase, host: Any, told: list[str], *, workers: int = 1, own: Any = None
) -> tuple[warm.WarmLauncher, FakeFallback]:
    fallback = FakeFallback()
    plan = Plan(path=Path("runner.yaml"), root=Path(), name="p", phases=(phase,))

    async def new_host(phase: Phase) -> Any:
        return own

    made = warm.WarmLauncher(
        plan,
        Surroundings(root=Path(), run_dir=Path("runs/1"), run_id="1", environ={}),
        host,
        fallback,  # type: ignore[arg-type]
        new_host,
        workers=lambda _: workers,
        tell=told.append,
        problem=lambda problem: told.append(problem.message),
    )
    return made, fallback


@pytest.mark.parametrize(
    ("platform", "wanted", "forks"),
    [
        ("linux", "auto", True),
        ("linux", "warm", True),
        ("linux", "exec", False),
        ("darwin", "auto", False),
        ("darwin", "warm", True),
        ("darwin", "exec", False),
    ],
)
def test_forks_are_the_rule_on_linux_and_a_choice_elsewhere(
    monkeypatch: pytest.MonkeyPatch, platform: str, wanted: Any, forks: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert warm.may_fork(Phase(name="a", launcher=wanted)) is forks


@pytest.mark.parametrize(
    ("host", "workers", "env", "reason"),
    [
        (FakeHost(unsafe=("threads are alive", "sockets too")), 1, (), "threads are alive; sockets too"),
        (FakeHost(gone=-9), 1, (), "ended with -9"),
        (FakeHost(), 2, (("A", "{slot}"),), "differs from worker to worker"),
        (FakeHost(), 1, (("A", "1"),), "its own collection failed"),
        (
            FakeHost(reads=("conftest.py:3 reads PYTEST_XDIST_WORKER", "a.py:1 reads PYTEST_XDIST_WORKER")),
            2,
            (),
            "conftest.py:3 reads PYTEST_XDIST_WORKER at import, and forks would share what it made of it",
        ),
    ],
)
def test_what_cannot_be_forked_goes_to_fresh_processes_and_is_told_once(
    host: FakeHost, workers: int, env: tuple[tuple[str, str], ...], reason: str
) -> None:
    phase = Phase(name="a", env=env, launcher="warm")
    told: list[str] = []
    it, fallback = launcher(phase, host, told, workers=workers)

    async def main() -> None:
        await it.prepare(phase)
        for number in range(2):
            await it.start(Job(process=f"a/{number}", phase=phase, tests=(), attempt=1, slot=0))

    asyncio.run(main())

    assert not it.divides(phase)
    assert [job.process for job in fallback.jobs] == ["a/0", "a/1"]
    (text,) = told
    assert reason in text


def test_a_phase_of_the_plans_own_surroundings_is_divided_by_its_session() -> None:
    phase = Phase(name="a", launcher="warm")
    it, _ = launcher(phase, FakeHost(), [])
    assert it.divides(phase)
    assert it.keeps() == {7}


def test_with_one_worker_nobody_shares_what_was_made_at_import() -> None:
    phase = Phase(name="a", launcher="warm")
    it, _ = launcher(phase, FakeHost(reads=("conftest.py:3 reads PYTEST_XDIST_WORKER",)), [], workers=1)
    assert it.divides(phase)


def test_a_phase_with_an_environment_of_its_own_gets_a_host_of_its_own() -> None:
    phase = Phase(name="a", env=(("A", "{slot}"),), launcher="warm")
    it, _ = launcher(phase, FakeHost(gone=1), [], own=FakeHost())
    asyncio.run(it.prepare(phase))
    assert it.divides(phase)


class FakeSession:
    """A session whose process is a child of the test."""

    def __init__(self, pid: int = 0) -> None:
        self.pid = pid
        self.status: int | None = None
        self.says: list[Message] = []
        self.signals: list[int] = []

    def poll(self) -> list[Message]:
        said, self.says = self.says, []
        return said

    def write(self, data: bytes) -> None:
        pass

    def signal(self, number: int) -> None:
        self.signals.append(number)


def host_of(session: FakeSession) -> warm.Host:
    return warm.Host(session, Hosting(at=0.0, mono=0.0, reads=(), unsafe=()))  # type: ignore[arg-type]


def test_a_fork_that_comes_when_nobody_waits_for_it_any_more_runs_no_test() -> None:
    session = FakeSession()
    host = host_of(session)
    killed: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "signal_group", lambda pid, number: killed.append((pid, number)))
        with pytest.raises(InfrastructureError, match="does not answer"):
            asyncio.run(host.fork("one/0001", Path("settings.json"), 0.01))
        session.says = [Forked(at=0.0, mono=0.0, process="one/0001", pid=4321)]
        host.watch()
        session.says = [Forked(at=0.0, mono=0.0, process="one/0002", pid=4322)]
        host.watch()
    assert killed == [(4321, signal.SIGKILL)]


def test_what_an_ended_host_has_left_is_killed_at_once_and_only_once() -> None:
    session = FakeSession()
    host = host_of(session)
    host.watch()
    assert session.signals == []
    session.status = 1
    host.watch()
    host.watch()
    assert session.signals == [signal.SIGKILL]


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_host_that_stays_stopped_is_told_of_once_and_ended() -> None:
    pid = waiting()
    host = host_of(FakeSession(pid))
    told = []
    try:
        for _ in range(4):
            stop(pid)
            told.append(host.watch())
        begun, over = "was stopped, and goes on", "does not go on: it is ended"
        assert told == [f"the process that has collected {begun}", "", "", f"the process that has collected {over}"]
        assert ended(pid) == -signal.SIGKILL
    finally:
        gone(pid)
