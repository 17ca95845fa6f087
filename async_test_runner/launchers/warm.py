"""The warm launcher: sessions are forks of the process that has collected, as long as forking it is safe.

A `Host` is that process. A phase whose interpreter, arguments or environment are its own gets a host of its own. Where
a host says that it must not fork, or is gone, the exec launcher takes over, and the reason is told once.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from ..contract.launching import HostLostError, Job, Session
from ..contract.messages import Damaged, Exited, Forked, Hosting, Notice
from ..contract.settings import Fork, Order, encoded, settings_of
from ..contract.surroundings import Surroundings
from ..model.errors import InfrastructureError
from ..model.plan import Phase, Plan
from ..model.result import Problem
from ..suite.units import units
from ..system import process
from ..system.descendants import Waking
from ..system.table import LOOK, Look, look
from ..words.templates import expand, template_values
from .exec import ExecLauncher, junit_path
from .pytest_process import PytestSession, SessionFiles, files_of
from .tail import Tail

_FORK_DEADLINE = 20.0  # seconds that a host may take to answer; a fork of a large process takes a tenth of one
_TICK = 0.005
_TELLING = 2.0  # seconds that a host has to tell of the end of a session that the system says is gone


class Host:
    """The pytest process that has collected, and what it says of the sessions that it has forked."""

    def __init__(self, session: PytestSession, hosting: Hosting) -> None:
        self._session = session
        self.unsafe = hosting.unsafe
        self.reads = hosting.reads
        self.notices: list[str] = []  # what else is worth telling
        self.damaged: list[Damaged] = []  # what stands in its file and is no fact, until somebody takes it
        self._pids: dict[str, int] = {}
        self._statuses: dict[str, int] = {}
        self._next_look: dict[str, float] = {}
        self._gone_since: dict[str, float] = {}
        self._late: set[str] = set()  # sessions that nobody waits for any more: they are not to run any test
        self._is_swept = False
        self.broken = ""  # why nothing is to be forked from it any more
        self._waking = Waking()

    @property
    def gone(self) -> int | None:
        """None while it lives, then its exit status."""
        return self._session.status

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._session.pid

    def listen(self) -> None:
        """Take in what it has said."""
        for message in self._session.poll():
            match message:
                case Forked() if message.process in self._late:
                    process.signal_group(message.pid, process.KILL)
                case Forked():
                    self._pids[message.process] = message.pid
                case Exited():
                    self._statuses[message.process] = message.status
                case Damaged():
                    self.damaged.append(message)
                case Notice():
                    self.notices.append(message.text)
                case _:
                    pass  # the collection, which is over

    def status(self, name: str) -> int | None:
        """The exit status of a session; None while it runs. The end of the host is the end of its sessions."""
        gone = self.gone
        self.listen()
        if name in self._statuses:
            return self._statuses[name]
        if gone is not None:
            return -process.KILL
        return self._as_the_system_has_it(name)

    def _as_the_system_has_it(self, name: str) -> int | None:
        """For a session that has ended while its host does not say so: a stray byte, a blocked signal, a debugger."""
        now = time.monotonic()
        if now < self._next_look.get(name, 0.0):
            return None
        self._next_look[name] = now + LOOK
        found = look(self._pids[name]) if name in self._pids else Look("?")
        if not found.is_gone:
            self._gone_since.pop(name, None)
            return None
        if now < self._gone_since.setdefault(name, now) + _TELLING:
            return None
        self._statuses[name] = found.status if found.status is not None else -process.KILL
        return self._statuses[name]

    def give_up(self, why: str) -> None:
        """It forks no more. What it has forked may still run."""
        self.broken = self.broken or why

    def watch(self) -> str:
        """A look at the host itself: it goes on if somebody has stopped it, and is ended if that does not help.

        Returns what is worth telling.
        """
        self.listen()
        if self.gone is not None:
            self._sweep()
            return ""
        self._waking.look(self.pid)
        if self._waking.is_hopeless:
            process.signal_process(self.pid, process.KILL)
            return "the process that has collected does not go on: it is ended"
        return "the process that has collected was stopped, and goes on" if self._waking.has_begun else ""

    async def fork(self, name: str, settings: Path, within: float) -> int:
        """Process id of a new session. ``InfrastructureError`` when the host does not answer within so many seconds."""
        self._session.write(encoded(Order(name, str(settings))) + b"\n")
        try:
            async with asyncio.timeout(within):
                while name not in self._pids:
                    if self.gone is not None:
                        raise InfrastructureError(f"the host process ended with {self.gone}")
                    self.listen()
                    await asyncio.sleep(_TICK)
        except TimeoutError:
            raise InfrastructureError("the host process does not answer") from None
        finally:
            if name not in self._pids:
                self._late.add(name)
        return self._pids[name]

    async def end(self, grace: float) -> None:
        """No more jobs: the host ends, or is ended."""
        self._session.hang_up()
        await process.wait_or_end(self._session.child, grace, grace)
        self.listen()
        self._sweep()

    def _sweep(self) -> None:
        """End what the collection has started and left in the host's group; once, for a number may be given again."""
        if not self._is_swept:
            self._is_swept = True
            self._session.signal(process.KILL)


class WarmSession(SessionFiles):
    """A session that a host has forked; see `launching.Session`."""

    def __init__(self, host: Host, job: Job, directory: Path) -> None:
        """Before the fork: a session is quick enough to delete the files of its news before anybody has opened them."""
        super().__init__(directory, Tail(directory, files_of(min(job.workers, len(job.tests)))))
        self._host = host
        self._name = job.process
        self._pid = 0

    async def fork(self, settings: Path, within: float) -> None:
        """Begin. ``InfrastructureError`` when the host does not answer within so many seconds."""
        self._pid = await self._host.fork(self._name, settings, within)

    @property
    def pid(self) -> int:
        """Process id, and id of the group."""
        return self._pid

    @property
    def status(self) -> int | None:
        """As the host has it from the system."""
        return self._host.status(self._name)

    def signal(self, number: int) -> None:
        """Signal the group of the session; its workers end with it."""
        process.signal_group(self._pid, number)


def may_fork(phase: Phase) -> bool:
    """Whether forks are wanted for a phase: always where it insists, by themselves on Linux.

    macOS's own libraries do not survive a fork in every process, and nothing there ends a fork whose parent is killed.
    """
    if not hasattr(os, "fork"):
        return False
    return phase.launcher == "warm" or (phase.launcher == "auto" and sys.platform.startswith("linux"))


class _Footing(NamedTuple):
    """What a collection stands on: phases that differ in it need a host of their own."""

    python: str
    arguments: tuple[str, ...]
    env: tuple[tuple[str, str], ...]


class WarmLauncher:
    """Forks what can be forked, and hands the rest to ``fallback``. ``tell`` takes each reason for that, once.

    ``new_host`` collects again, for a phase whose interpreter, arguments or environment are its own: None if that does
    not give a host. The ``host`` of the plan's own collection serves all others.
    """

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        host: Host,
        fallback: ExecLauncher,
        new_host: Callable[[Phase], Awaitable[Host | None]],
        *,
        workers: Callable[[Phase], int],
        tell: Callable[[str], None],
        problem: Callable[[Problem], None],
    ) -> None:
        self._patience = min(_FORK_DEADLINE, plan.collect_timeout or _FORK_DEADLINE)
        self._fallback = fallback
        self._new_host = new_host
        self._around = around
        self._workers = workers
        self._tell = tell
        self._problem = problem
        self._told: set[str] = set()
        self._forked: set[str] = set()  # processes that were forks
        self._of_the_collection = host
        self._hosts: dict[_Footing, Host | None] = {
            _Footing(plan.python, plan.pytest_args, self._rendered(plan.env, "collection", 0)): host
        }

    async def prepare(self, phase: Phase) -> None:
        """Collect for a phase that needs a host of its own."""
        footing = self._footing(phase)
        if footing not in self._hosts and not self._own_obstacle(phase):
            self._hosts[footing] = await self._new_host(phase)

    def divides(self, phase: Phase) -> bool:
        """Whether a session of this phase keeps the phase's units apart by itself."""
        return not self._obstacle(phase)

    def watch(self) -> None:
        """A look at the hosts."""
        for host in filter(None, self._hosts.values()):
            told = host.watch()
            if told:
                self._tell(told)
            for damaged in host.damaged:
                self._problem(damaged.problem("the process that has collected"))
            host.damaged.clear()

    def keeps(self) -> set[int]:
        """The hosts."""
        return {host.pid for host in self._hosts.values() if host is not None}

    async def start(self, job: Job) -> Session:
        """Fork, or let the exec launcher start the job."""
        obstacle = self._obstacle(job.phase)
        host = self._hosts.get(self._footing(job.phase))
        if obstacle or host is None:
            if job.divided:  # it was one before the host was lost: a fresh process keeps no units apart
                raise HostLostError(obstacle)
            self._say(job.phase, obstacle)
            if job.workers > 1 and not self._fallback.distributes:
                self._say(job.phase, "and without pytest-xdist its tests run one after the other")
            return await self._fallback.start(job)
        directory = self._around.directory(job.process)
        settings = directory / "settings.json"
        try:
            directory.mkdir(parents=True)
            fork = self._fork_of(job, directory, host)
            settings.write_bytes(encoded(settings_of(fork, self._around, process.parent())))
            session = WarmSession(host, job, directory)
        except OSError as error:
            raise InfrastructureError(f"cannot write {directory}: {error.strerror}") from error
        try:
            await session.fork(settings, self._patience)
        except InfrastructureError as error:
            host.give_up(error.message)
            raise HostLostError(error.message) from error
        self._forked.add(job.process)
        return session

    def knows_another_way(self, job: Job, why: str) -> bool:
        """Where forks of the host come to nothing, fresh processes may come to more."""
        host = self._hosts.get(self._footing(job.phase))
        if job.process not in self._forked or host is None:
            return False
        host.give_up(f"forks of the process that has collected end before their first test: {why}")
        return True

    def _fork_of(self, job: Job, directory: Path, host: Host) -> Fork:
        return Fork(
            job=job,
            is_of_the_collection=host is self._of_the_collection,
            units=units(job.phase, job.tests) if job.divided else (),
            junit=junit_path(job, directory, self._around.facts),
        )

    async def end(self, grace: float) -> None:
        """No more jobs: all hosts end."""
        self.watch()
        for host in self._hosts.values():
            if host is not None:
                await host.end(grace)
                for notice in host.notices:
                    self._tell(notice)

    def _footing(self, phase: Phase) -> _Footing:
        return _Footing(phase.python, phase.pytest_args, self._rendered(phase.env, phase.name, 0))

    def _rendered(self, env: tuple[tuple[str, str], ...], phase: str, slot: int) -> tuple[tuple[str, str], ...]:
        values = template_values(phase, str(self._around.run_dir), slot, f"gw{slot}")
        return tuple((name, expand(text, values)) for name, text in env)

    def _obstacle(self, phase: Phase) -> str:
        """Why this phase cannot be forked from a host; empty if it can."""
        own = self._own_obstacle(phase)
        if own:
            return own
        host = self._hosts.get(self._footing(phase))
        if host is None:
            return "its own collection failed"
        if host.broken:
            return host.broken
        if host.gone is not None:
            return f"the process that has collected ended with {host.gone}"
        if host.reads and self._workers(phase) > 1:
            return f"{host.reads[0]} at import, and forks would share what it made of it"
        return "; ".join(host.unsafe)

    def _own_obstacle(self, phase: Phase) -> str:
        if not may_fork(phase):
            return f"launcher: {phase.launcher} on {sys.platform}"
        by_slot = self._rendered(phase.env, phase.name, 0) != self._rendered(phase.env, phase.name, 1)
        if by_slot and self._workers(phase) > 1:
            return "its env differs from worker to worker, and forks would share what was read from it at import"
        return ""

    def _say(self, phase: Phase, obstacle: str) -> None:
        text = f"phase {phase.name}: fresh pytest processes instead of forks: {obstacle}"
        if may_fork(phase) and text not in self._told:
            self._told.add(text)
            self._tell(text)
